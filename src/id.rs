//! Names as the wire knows them: uids, namespaces. Parsing refuses what the wire cannot carry.

use std::fmt;

use thiserror::Error;

/// Why an identifier was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IdError {
    /// A namespace that Socket.IO would not have made.
    #[error("namespace {0:?} does not start with a slash")]
    Namespace(String),
    /// A uid that other servers could not read back out of a channel name.
    #[error("uid {0:?} is not made of 1 to 64 of the characters A-Z, a-z, 0-9, - and _")]
    Uid(String),
}

impl IdError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Namespace(_) => "ERR_INVALID_NAMESPACE",
            Self::Uid(_) => "ERR_INVALID_UID",
        }
    }
}

/// The name of one adapter instance: one namespace of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uid(Box<str>);

impl Uid {
    /// How many characters @socket.io/redis-adapter 8.3.0 gives a uid (uid2 1.0.0).
    pub const LENGTH: usize = 6;

    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// A uid out of random bytes that the host drew; six bits of each are used.
    pub fn from_random(bytes: [u8; Self::LENGTH]) -> Self {
        let text: String = bytes
            .iter()
            .filter_map(|byte| Self::ALPHABET.get(usize::from(byte & 63)))
            .map(|&character| char::from(character))
            .collect();
        Self(text.into())
    }

    /// A uid in the form that socket.io-adapter 2.5 gives those of its `ClusterAdapter`: 16 hexadecimal digits.
    pub fn hexadecimal(bytes: [u8; 8]) -> Self {
        Self(format!("{:016x}", u64::from_be_bytes(bytes)).into())
    }

    /// A uid that was drawn elsewhere.
    ///
    /// # Errors
    /// [`IdError::Uid`] unless it is 1 to 64 characters of the URL-safe Base64 alphabet.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let fits = (1..=64).contains(&text.len());
        if fits && text.bytes().all(|byte| Self::ALPHABET.contains(&byte)) {
            Ok(Self(text.into()))
        } else {
            Err(IdError::Uid(text.to_owned()))
        }
    }

    /// The characters of the uid.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a Socket.IO namespace, with its leading slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace(Box<str>);

impl Namespace {
    /// A namespace's name as `namespace.name` has it.
    ///
    /// # Errors
    /// [`IdError::Namespace`] if it does not start with a slash.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        if text.starts_with('/') {
            Ok(Self(text.into()))
        } else {
            Err(IdError::Namespace(text.to_owned()))
        }
    }

    /// The name, with its slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_use_the_alphabet_of_uid2() {
        assert_eq!(Uid::from_random([0, 25, 26, 61, 62, 255]).as_str(), "AZa9-_");
        assert!(Uid::parse("AZa9-_").is_ok());
        for bad in ["", "a#b", "ü", &"a".repeat(65)] {
            assert_eq!(Uid::parse(bad).map_err(|error| error.code()), Err("ERR_INVALID_UID"));
        }
    }

    #[test]
    fn hexadecimal_uids_have_their_zeros() {
        assert_eq!(
            Uid::hexadecimal([0, 10, 0x83, 0, 0x33, 0xef, 0xfa, 0x54]).as_str(),
            "000a830033effa54"
        );
    }

    #[test]
    fn namespaces_start_with_a_slash() {
        assert!(Namespace::parse("/").is_ok());
        assert_eq!(
            Namespace::parse("admin").map_err(|error| error.code()),
            Err("ERR_INVALID_NAMESPACE")
        );
    }
}
