//! What the machine asks of its host.

use serde::Serialize;

/// Something for the host to do. How it went comes back through the `handle_*` methods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Output {
    /// PUBLISH; to be answered with `handle_published` or `handle_publish_failed`.
    Publish {
        /// The channel's name.
        channel: String,
        /// The message's bytes.
        #[serde(with = "serde_bytes")]
        message: Vec<u8>,
    },
    /// PSUBSCRIBE; to be answered with `handle_confirmed` or `handle_refused`.
    Subscribe {
        /// The glob-style pattern.
        pattern: String,
    },
    /// PUNSUBSCRIBE; the result is of no interest.
    Unsubscribe {
        /// The glob-style pattern.
        pattern: String,
    },
}
