//! Counters of what has come and gone.

use serde::Serialize;

/// What an adapter has sent, received and dropped since it was made, and how it stands now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Messages that came in by the subscriptions, whatever became of them.
    pub messages_in: u64,
    /// Their bytes, without the names of channels.
    pub bytes_in: u64,
    /// Messages that Redis was given to publish, whether it took them or not.
    pub messages_out: u64,
    /// Their bytes, without the names of channels.
    pub bytes_out: u64,

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

    /// Requests of this server that ended because not all others answered in time.
    pub timeouts: u64,
    /// Messages that Redis or its client did not take.
    pub publish_failed: u64,
    /// Subscriptions that Redis or its client refused, or that were lost before they were confirmed.
    pub refused: u64,
    /// Times that the servers could not be counted.
    pub count_failed: u64,
    /// Times that a confirmed subscription turned out to bring nothing.
    pub deaf: u64,
    /// Failures of the host itself.
    pub unexpected: u64,

    /// Requests of this server that wait for answers now.
    pub open_requests: u32,
    /// Subscriptions that stand now.
    pub subscriptions: u32,
    /// 1 while the subscribing connection is up, otherwise 0.
    pub connected: u32,
    /// 1 while messages of other servers may not arrive or those of this one may not leave, otherwise 0.
    pub degraded: u32,
}

/// One more.
pub(super) const fn count(counter: &mut u64) {
    add(counter, 1);
}

/// So many more; a counter that could not hold them would stay where it is.
pub(super) const fn add(counter: &mut u64, more: usize) {
    *counter = counter.saturating_add(more as u64);
}
