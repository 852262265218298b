//! What a user may ask of an adapter, checked before anything is built on it.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::dialect::Dialect;
use crate::room::Room;
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

/// Which rooms have a channel of their own, and how a server subscribes to them; each dialect has its modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionMode {
    /// Sharded: the rooms that are not private have channels, see [`has_channel`](Self::has_channel).
    Dynamic,
    /// Sharded: every room has a channel.
    DynamicPrivate,
    /// Classic: to the main channel and to the channel of each room that has sockets here: a broadcast to one
    /// room reaches the servers that hold it, and no others. Not a mode of the published packages.
    Exact,
    /// Classic: to all channels of the namespace, by one pattern, as the published packages do.
    Pattern,
    /// Sharded: no room has a channel.
    Static,
}

/// How long the ids of sockets are that Socket.IO draws, in UTF-16 code units.
const SOCKET_ID: usize = 20;

impl SubscriptionMode {
    /// The dialect that has this mode.
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::Exact | Self::Pattern => Dialect::Classic,
            Self::Dynamic | Self::DynamicPrivate | Self::Static => Dialect::Sharded,
        }
    }

    /// Whether a broadcast to this room alone goes through a channel of the room's own.
    ///
    /// For those who publish and those who subscribe: @socket.io/redis-adapter 8.3.0 takes a room for a
    /// private one by its length when it publishes, but by whether it is a socket here when it subscribes.
    pub fn has_channel(self, room: Room<'_>) -> bool {
        match self {
            Self::Dynamic => match room {
                Room::Text(text) => utf16_length(text) != SOCKET_ID,
                _ => true,
            },
            Self::DynamicPrivate | Self::Exact | Self::Pattern => true,
            Self::Static => false,
        }
    }

    /// Whether each channel of a room is subscribed to by itself.
    pub const fn subscribes_to_rooms(self) -> bool {
        match self {
            Self::Dynamic | Self::DynamicPrivate | Self::Exact => true,
            Self::Pattern | Self::Static => false,
        }
    }

    fn of_name(dialect: Dialect, name: &str) -> Option<Self> {
        match (dialect, name) {
            (Dialect::Classic, "exact") => Some(Self::Exact),
            (Dialect::Classic, "pattern") => Some(Self::Pattern),
            (Dialect::Sharded, "dynamic") => Some(Self::Dynamic),
            (Dialect::Sharded, "dynamic-private") => Some(Self::DynamicPrivate),
            (Dialect::Sharded, "static") => Some(Self::Static),
            _ => None,
        }
    }
}

/// How long JavaScript takes a text in UTF-8 (or WTF-8) to be.
fn utf16_length(text: &[u8]) -> usize {
    let units = |byte: &u8| match byte {
        0x80..=0xbf => 0,
        0xf0..=0xff => 2,
        _ => 1,
    };
    text.iter().map(units).fold(0, usize::saturating_add)
}

/// The options of an adapter, with the names and defaults of @socket.io/redis-adapter 8.3.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Prefix of every channel; all servers and emitters of one cluster share it. Default "socket.io". The
    /// sharded adapter calls it `channelPrefix`.
    pub key: String,
    /// How long answers of other servers are waited for. Default 5,000 ms.
    pub requests_timeout: Duration,
    /// Whether answers go to the asking server alone; it must be of version 7.1 or later. Default false.
    /// Servers with this package get theirs so in any case. Of the classic adapter only.
    pub publish_on_specific_response_channel: bool,
    /// Default [`SubscriptionMode::Pattern`], which the published package has no option for, or
    /// [`SubscriptionMode::Dynamic`].
    pub subscription_mode: SubscriptionMode,
}

impl Default for Options {
    fn default() -> Self {
        Self::of(Dialect::Classic)
    }
}

impl Options {
    /// The defaults of a dialect's adapter.
    pub fn of(dialect: Dialect) -> Self {
        Self {
            key: "socket.io".to_owned(),
            requests_timeout: Duration::from_millis(5_000),
            publish_on_specific_response_channel: false,
            subscription_mode: match dialect {
                Dialect::Classic => SubscriptionMode::Pattern,
                Dialect::Sharded => SubscriptionMode::Dynamic,
            },
        }
    }

    /// The options that a user gave by name. Other names are left alone: those that concern the host.
    ///
    /// # Errors
    /// [`OptionsError`] for a value of the wrong type or range.
    pub fn parse(dialect: Dialect, given: &BTreeMap<String, Value>) -> Result<Self, OptionsError> {
        let mut options = Self::of(dialect);
        let prefix = match dialect {
            Dialect::Classic => "key",
            Dialect::Sharded => "channelPrefix",
        };
        for (name, value) in given.iter().filter(|(_, value)| !value.is_falsy()) {
            match (name.as_str(), value) {
                (name, Value::Text(key)) if name == prefix => options.key.clone_from(key),
                (name, _) if name == prefix => {
                    return Err(OptionsError::Invalid { name: prefix, expected: "a string" });
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
                ("subscriptionMode", value) => {
                    let mode = match value {
                        Value::Text(name) => SubscriptionMode::of_name(dialect, name),
                        _ => None,
                    };
                    options.subscription_mode = mode.ok_or(OptionsError::Invalid {
                        name: "subscriptionMode",
                        expected: match dialect {
                            Dialect::Classic => "\"pattern\" or \"exact\"",
                            Dialect::Sharded => "\"dynamic\", \"dynamic-private\" or \"static\"",
                        },
                    })?;
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
        parse_for(Dialect::Classic, given)
    }

    fn parse_for<const N: usize>(
        dialect: Dialect,
        given: [(&str, Value); N],
    ) -> Result<Options, OptionsError> {
        Options::parse(dialect, &given.map(|(name, value)| (name.to_owned(), value)).into())
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
    fn each_dialect_has_its_names_and_modes() {
        let sharded = |given| parse_for(Dialect::Sharded, [given]);
        let options = sharded(("channelPrefix", Value::Text("app".into()))).expect("options");
        assert_eq!(options, Options { key: "app".into(), ..Options::of(Dialect::Sharded) });
        assert_eq!(sharded(("key", Value::Number(5.0))), Ok(Options::of(Dialect::Sharded)));
        for (name, mode) in [
            ("dynamic", SubscriptionMode::Dynamic),
            ("dynamic-private", SubscriptionMode::DynamicPrivate),
            ("static", SubscriptionMode::Static),
        ] {
            let options = sharded(("subscriptionMode", Value::Text(name.into()))).expect("a mode");
            assert_eq!(options.subscription_mode, mode);
            assert_eq!(mode.dialect(), Dialect::Sharded);
        }
        let error = sharded(("subscriptionMode", Value::Text("exact".into()))).expect_err("a mode");
        assert_eq!(
            error.to_string(),
            "option \"subscriptionMode\" must be \"dynamic\", \"dynamic-private\" or \"static\""
        );
    }

    #[test]
    fn a_room_is_private_by_its_length_alone() {
        let dynamic = |room| SubscriptionMode::Dynamic.has_channel(room);
        assert!(!dynamic(Room::Text(b"72Kd1JtqMorRkZPxAAAA")));
        assert!(dynamic(Room::Text(b"72Kd1JtqMorRkZPxAAA")));
        assert!(dynamic(Room::Text(b"72Kd1JtqMorRkZPxAAAAA")));
        // As JavaScript counts: an emoji is two.
        assert!(!dynamic(Room::Text("é72Kd1JtqMorRkZPxA\u{1f600}".as_bytes())));
        assert!(!dynamic(Room::Text(b"72Kd1JtqMorRkZPxAAA\xed\xa0\x80")));
        assert!(dynamic(Room::Number(12_345_678_901_234_567_000.0)));
        assert!(SubscriptionMode::DynamicPrivate.has_channel(Room::Text(b"72Kd1JtqMorRkZPxAAAA")));
        assert!(!SubscriptionMode::Static.has_channel(Room::Text(b"room")));
    }

    #[test]
    fn unknown_names_are_left_alone() {
        assert_eq!(parse([("nonsense", Value::Bool(true))]), Ok(Options::default()));
    }
}
