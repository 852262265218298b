//! What a user may ask of an adapter, checked before anything is built on it.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::time::Duration;

/// An option's value as a host hands it over.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// Not given: `undefined` or `null`.
    Absent,
    /// Anything else: an object, a function.
    Other,
}

impl Value {
    /// Whether the published packages would put their default in this value's place
    /// (`opts.key || "socket.io"`).
    fn is_falsy(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Bool(value) => !value,
            Self::Number(number) => *number == 0.0 || number.is_nan(),
            Self::Text(text) => text.is_empty(),
            Self::Other => false,
        }
    }
}

/// Why an option was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OptionsError {
    /// A value that the option cannot have.
    #[error("option \"{name}\" must be {expected}")]
    Invalid {
        /// The option.
        name: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// An option of the published packages that is not there yet, and changes what is sent.
    #[error("option \"{0}\" is not supported yet; leave it out")]
    Unsupported(&'static str),
}

impl OptionsError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "ERR_INVALID_OPTION",
            Self::Unsupported(_) => "ERR_UNSUPPORTED_OPTION",
        }
    }
}

/// The options of the classic adapter, with the names and defaults of @socket.io/redis-adapter 8.3.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Prefix of every channel; all servers and emitters of one cluster share it. Default "socket.io".
    pub key: String,
    /// How long answers of other servers are waited for. Default 5,000 ms.
    pub requests_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { key: "socket.io".to_owned(), requests_timeout: Duration::from_millis(5_000) }
    }
}

impl Options {
    /// The options that a user gave by name. Other names are left alone, `publishOnSpecificResponseChannel`
    /// among them: it concerns answers, which are not there yet.
    ///
    /// # Errors
    /// [`OptionsError`] for a value of the wrong type or range.
    pub fn parse(given: &BTreeMap<String, Value>) -> Result<Self, OptionsError> {
        let mut options = Self::default();
        for (name, value) in given.iter().filter(|(_, value)| !value.is_falsy()) {
            match (name.as_str(), value) {
                ("key", Value::Text(key)) => options.key.clone_from(key),
                ("key", _) => {
                    return Err(OptionsError::Invalid { name: "key", expected: "a string" });
                }
                ("requestsTimeout", Value::Number(millis))
                    if (1.0..=f64::from(i32::MAX)).contains(millis) =>
                {
                    options.requests_timeout = Duration::from_millis(millis.ceil() as u64);
                }
                ("requestsTimeout", _) => {
                    return Err(OptionsError::Invalid {
                        name: "requestsTimeout",
                        expected: "a number of milliseconds from 1 to 2147483647",
                    });
                }
                ("parser", _) => return Err(OptionsError::Unsupported("parser")),
                _ => {}
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<const N: usize>(given: [(&str, Value); N]) -> Result<Options, OptionsError> {
        Options::parse(&given.map(|(name, value)| (name.to_owned(), value)).into())
    }

    #[test]
    fn falsy_values_stand_for_the_default() {
        let falsy = [
            ("key", Value::Text(String::new())),
            ("parser", Value::Absent),
            ("requestsTimeout", Value::Number(0.0)),
        ];
        assert_eq!(parse(falsy), Ok(Options::default()));
    }

    #[test]
    fn given_values_are_taken() {
        let given = [("key", Value::Text("app".into())), ("requestsTimeout", Value::Number(1.5))];
        let options = parse(given).expect("options");
        assert_eq!(options.key, "app");
        assert_eq!(options.requests_timeout, Duration::from_millis(2));
    }

    #[test]
    fn wrong_types_are_refused_by_name() {
        let error = parse([("key", Value::Number(5.0))]).expect_err("a number is no key");
        assert_eq!(error.code(), "ERR_INVALID_OPTION");
        assert_eq!(error.to_string(), "option \"key\" must be a string");
        let error = parse([("requestsTimeout", Value::Number(-1.0))]).expect_err("no time");
        assert_eq!(error.code(), "ERR_INVALID_OPTION");
        let error = parse([("parser", Value::Other)]).expect_err("a parser");
        assert_eq!(error.code(), "ERR_UNSUPPORTED_OPTION");
    }

    #[test]
    fn unknown_names_are_left_alone() {
        assert_eq!(parse([("nonsense", Value::Bool(true))]), Ok(Options::default()));
    }
}
