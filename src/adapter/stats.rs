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
    /// Requests of other servers that were taken.
    pub requests: u64,
    /// Answers of other servers that were taken.
    pub answers: u64,
    /// Own broadcasts and requests that came back.
    pub echo: u64,
    /// Messages for other namespaces, of other channels, and of versions that are not known here.
    pub foreign: u64,
    /// Messages that were refused.
    pub malformed: u64,
    /// Broadcasts that no socket of this server wants, and answers that nothing here waits for.
    pub unwanted: u64,
    /// Subscriptions that Redis or its client refused.
    pub refused: u64,
}
