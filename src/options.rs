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
}

impl OptionsError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "ERR_INVALID_OPTION",
        }
    }
}

/// How a server subscribes to the broadcasts of a namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubscriptionMode {
    /// To the main channel and to the channel of each room that has sockets here: a broadcast to one
    /// room reaches the servers that hold it, and no others.
    Exact,
    /// To all channels of the namespace, by one pattern, as the published packages do.
    #[default]
    Pattern,
}

/// The options of the classic adapter, with the names and defaults of @socket.io/redis-adapter 8.3.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Prefix of every channel; all servers and emitters of one cluster share it. Default "socket.io".
    pub key: String,
    /// How long answers of other servers are waited for. Default 5,000 ms.
    pub requests_timeout: Duration,
    /// Whether answers go to the asking server alone; it must be of version 7.1 or later. Default false.
    /// Servers with this package get theirs so in any case.
    pub publish_on_specific_response_channel: bool,
    /// Default [`SubscriptionMode::Pattern`]. Not an option of the published packages.
    pub subscription_mode: SubscriptionMode,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            key: "socket.io".to_owned(),
            requests_timeout: Duration::from_millis(5_000),
            publish_on_specific_response_channel: false,
            subscription_mode: SubscriptionMode::default(),
        }
    }
}

impl Options {
    /// The options that a user gave by name. Other names are left alone: those that concern the host.
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
                // Any value, as the published packages take it.
                ("publishOnSpecificResponseChannel", _) => {
                    options.publish_on_specific_response_channel = true;
                }
                ("subscriptionMode", Value::Text(mode)) if mode == "exact" => {
                    options.subscription_mode = SubscriptionMode::Exact;
                }
                ("subscriptionMode", Value::Text(mode)) if mode == "pattern" => {}
                ("subscriptionMode", _) => {
                    return Err(OptionsError::Invalid {
                        name: "subscriptionMode",
                        expected: "\"pattern\" or \"exact\"",
                    });
                }
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
            ("publishOnSpecificResponseChannel", Value::Bool(false)),
            ("subscriptionMode", Value::Absent),
            ("requestsTimeout", Value::Number(0.0)),
        ];
        assert_eq!(parse(falsy), Ok(Options::default()));
    }

    #[test]
    fn given_values_are_taken() {
        let given = [
            ("key", Value::Text("app".into())),
            ("publishOnSpecificResponseChannel", Value::Bool(true)),
            ("requestsTimeout", Value::Number(1.5)),
            ("subscriptionMode", Value::Text("exact".into())),
        ];
        let options = parse(given).expect("options");
        assert_eq!(options.key, "app");
        assert_eq!(options.requests_timeout, Duration::from_millis(2));
        assert!(options.publish_on_specific_response_channel);
        assert_eq!(options.subscription_mode, SubscriptionMode::Exact);
    }

    #[test]
    fn wrong_types_are_refused_by_name() {
        let error = parse([("key", Value::Number(5.0))]).expect_err("a number is no key");
        assert_eq!(error.code(), "ERR_INVALID_OPTION");
        assert_eq!(error.to_string(), "option \"key\" must be a string");
        let error = parse([("requestsTimeout", Value::Number(-1.0))]).expect_err("no time");
        assert_eq!(error.code(), "ERR_INVALID_OPTION");
        let error =
            parse([("subscriptionMode", Value::Text("static".into()))]).expect_err("a mode");
        assert_eq!(
            error.to_string(),
            "option \"subscriptionMode\" must be \"pattern\" or \"exact\""
        );
    }

    #[test]
    fn unknown_names_are_left_alone() {
        assert_eq!(parse([("nonsense", Value::Bool(true))]), Ok(Options::default()));
    }
}
