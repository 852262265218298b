//! Counters of what has come and gone.

use serde::Serialize;

/// What an adapter has sent, received and dropped since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Broadcasts published to other servers.
    pub published: u64,
    /// Broadcasts that could not be written as a message, and reached the sockets here alone.
    pub unpublished: u64,
    /// Broadcasts of other servers that were delivered to at least one socket.
    pub delivered: u64,
    /// Own broadcasts that came back.
    pub echo: u64,
    /// Broadcasts for other namespaces, and messages of channels that are not ours.
    pub foreign: u64,
    /// Messages that were refused.
    pub malformed: u64,
    /// Broadcasts that no socket of this server wants.
    pub unwanted: u64,
    /// Subscriptions that Redis or its client refused.
    pub refused: u64,
}
