//! What the clients of this server still have to acknowledge, for other servers.

use std::collections::BTreeMap;

use crate::dialect::classic::Reply;
use crate::time::Time;
use crate::timers::Timers;

/// An event of another server that clients here are to acknowledge.
#[derive(Debug)]
struct Waiting {
    reply: Reply,
    /// The clients that have not; unknown until the host has sent the event.
    clients: Option<u32>,
    deadline: Time,
}

/// Every event of other servers that clients here have not all acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Acknowledgements {
    waiting: BTreeMap<u32, Waiting>,
    deadlines: Timers<u32>,
    last: u32,
}

impl Acknowledgements {
    /// Begins to wait; gives what the host calls it by.
    pub(crate) fn begin(&mut self, reply: Reply, deadline: Time) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.waiting.insert(self.last, Waiting { reply, clients: None, deadline });
        self.deadlines.set(self.last, None, Some(deadline));
        self.last
    }

    /// The event was sent to so many clients; gives where that is to be told.
    pub(crate) fn sent(&mut self, token: u32, clients: u32) -> Option<&Reply> {
        let waiting = self.waiting.get_mut(&token)?;
        waiting.clients = Some(clients);
        Some(&waiting.reply)
    }

    /// A client has acknowledged; gives where that is to be told.
    pub(crate) fn acknowledged(&mut self, token: u32) -> Option<&Reply> {
        let waiting = self.waiting.get_mut(&token)?;
        waiting.clients = waiting.clients.map(|clients| clients.saturating_sub(1));
        Some(&waiting.reply)
    }

    /// Forgets an event that all clients have acknowledged; whether they have.
    pub(crate) fn end_if_done(&mut self, token: u32) -> bool {
        let done = self.waiting.get(&token).is_some_and(|waiting| waiting.clients == Some(0));
        if done && let Some(waiting) = self.waiting.remove(&token) {
            self.deadlines.set(token, Some(waiting.deadline), None);
        }
        done
    }

    /// Forgets the next event whose asking server does not wait any longer.
    pub(crate) fn end_due(&mut self, now: Time) -> Option<u32> {
        let token = self.deadlines.take_due(now)?;
        self.waiting.remove(&token);
        Some(token)
    }

    /// Forgets all.
    pub(crate) fn end_all(&mut self) -> impl Iterator<Item = u32> {
        self.deadlines = Timers::default();
        std::mem::take(&mut self.waiting).into_keys()
    }

    /// When an event is to be forgotten, `None` for never.
    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        self.deadlines.next()
    }
}
