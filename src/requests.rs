//! The requests of this server that wait for something.
//!
//! A request waits for the other servers to be counted, is published, and waits for their answers. It
//! ends exactly once: when everybody that is known to be there has answered, when its time is over,
//! when it could not be published, or when the adapter is closed. Answers that come later belong to
//! nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::time::{Duration, Time};
use crate::timers::Timers;

/// How often the servers are counted again while a request waits: one that has crashed in the meantime
/// is not waited for any longer.
const RECOUNT: Duration = Duration::from_millis(300);

/// The number of a request of this server; in the id that is on the wire it follows the uid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number(pub(crate) u32);

/// What a request asks, as far as its answers depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Clients acknowledge an event.
    Acknowledgements,
    /// The rooms of each server.
    AllRooms,
    /// How many sockets of each server match.
    Count,
    /// Sockets of this server have joined rooms, whose subscriptions are to stand.
    Joining,
    /// The sockets of each server that match, described.
    Fetch,
    /// One socket, wherever it is.
    Socket,
    /// What listeners of each server call back with.
    ServerSideEmit,
    /// The ids of each server's sockets that match.
    Sockets,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "ending", rename_all = "camelCase")]
pub enum Ending {
    /// Everybody has answered.
    Complete,
    /// The adapter was closed.
    Closed,
    /// Redis did not count the servers, or did not take the request.
    Failed,
    /// So many servers have not answered in time; `None` if they were not even counted.
    TimedOut {
        /// How many.
        missing: Option<u32>,
    },
}

/// A request of this server that is not answered yet.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) kind: Kind,
    /// What is published once the servers are counted; nothing if it was published at once.
    message: Vec<u8>,
    state: State,
    /// The servers that have answered.
    answered: u32,
    /// Those of them that told their uids.
    named: Vec<Box<str>>,
    /// Clients that have not acknowledged yet.
    clients: i64,
    deadline: Time,
    /// Whether this server was one of those that are counted when it asked.
    here: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The servers are being counted.
    Counting,
    /// So many answers are waited for; so many can come, for all that the last recount tells.
    Waiting { expected: u32, possible: u32 },
}

/// When the servers are counted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recount {
    /// No request waits.
    Idle,
    /// It is due at this time.
    At(Time),
    /// It was asked for.
    Asked,
}

/// What an answer meant for its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The server has answered before.
    Again,
    /// It counts, and was not the last one.
    Counted,
    /// It was the last one.
    Last,
}

/// Every request of this server that is not answered yet.
#[derive(Debug)]
pub(crate) struct Requests {
    pending: BTreeMap<Number, Pending>,
    deadlines: Timers<Number>,
    last: u32,
    recount: Recount,
    /// The servers that the last recount asked for by their uids,
    asked: Vec<Box<str>>,
    /// the last request at that time, and whether this server was one of those that are counted.
    asked_at: Number,
    asked_here: bool,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            pending: BTreeMap::new(),
            deadlines: Timers::default(),
            last: 0,
            recount: Recount::Idle,
            asked: Vec::new(),
            asked_at: Number(0),
            asked_here: false,
        }
    }
}

impl Requests {
    /// The number of the request that is begun next.
    pub(crate) fn next_number(&self) -> Number {
        Number(self.last.wrapping_add(1).max(1))
    }

    /// Begins the next request, which waits for the servers to be counted. What is to be published
    /// then, [`counted`](Self::counted) gives back.
    /// `here`: whether this server is one of them.
    pub(crate) fn begin(
        &mut self,
        kind: Kind,
        message: Vec<u8>,
        deadline: Time,
        here: bool,
    ) -> Number {
        self.insert(kind, message, State::Counting, deadline, here)
    }

    /// Begins the next request, which waits for a single answer, whoever gives it.
    pub(crate) fn begin_single(&mut self, kind: Kind, deadline: Time) -> Number {
        self.insert(kind, Vec::new(), State::waiting(1), deadline, false)
    }

    fn insert(
        &mut self,
        kind: Kind,
        message: Vec<u8>,
        state: State,
        deadline: Time,
        here: bool,
    ) -> Number {
        let number = self.next_number();
        self.last = number.0;
        let (answered, named, clients) = (0, Vec::new(), 0);
        let pending = Pending { kind, message, state, answered, named, clients, deadline, here };
        self.pending.insert(number, pending);
        self.deadlines.set(number, None, Some(deadline));
        number
    }

    pub(crate) fn kind(&self, number: Number) -> Option<Kind> {
        self.pending.get(&number).map(|pending| pending.kind)
    }

    /// So many servers are there: gives what is to be published for them to answer. `here`: whether this
    /// one still is; it is one of them if it has been since it asked.
    pub(crate) fn counted(
        &mut self,
        number: Number,
        servers: u32,
        here: bool,
        now: Time,
    ) -> Option<Vec<u8>> {
        let pending = self.pending.get_mut(&number)?;
        if pending.state != State::Counting {
            return None;
        }
        let others = servers.saturating_sub(u32::from(pending.here && here));
        pending.state = State::waiting(others);
        if others == 0 {
            return None;
        }
        if self.recount == Recount::Idle {
            self.recount = Recount::At(now + RECOUNT);
        }
        let message = std::mem::take(&mut pending.message);
        (!message.is_empty()).then_some(message)
    }

    /// Whether nothing more is waited for.
    pub(crate) fn is_complete(&self, number: Number) -> bool {
        self.pending.get(&number).is_some_and(Pending::is_complete)
    }

    /// A server has answered, whole.
    pub(crate) fn answered(&mut self, number: Number, uid: Option<&str>) -> Option<Taken> {
        let pending = self.pending.get_mut(&number)?;
        if let Some(uid) = uid {
            if pending.named.iter().any(|named| **named == *uid) {
                return Some(Taken::Again);
            }
            pending.named.push(uid.into());
        }
        let was_complete = pending.is_complete();
        pending.answered = pending.answered.saturating_add(1);
        let is_last = !was_complete && pending.is_complete();
        Some(if is_last { Taken::Last } else { Taken::Counted })
    }

    /// So many more clients of an event are to acknowledge it (fewer, where one did).
    pub(crate) fn expect_clients(&mut self, number: Number, clients: i64) {
        if let Some(pending) = self.pending.get_mut(&number) {
            pending.clients = pending.clients.saturating_add(clients);
        }
    }

    /// Whether every server has told its number of clients, and all these have acknowledged.
    pub(crate) fn all_acknowledged(&self, number: Number) -> bool {
        let all = |pending: &Pending| pending.is_complete() && pending.clients <= 0;
        self.pending.get(&number).is_some_and(all)
    }

    /// Forgets a request; gives how many servers have not answered, `None` if they were not counted.
    pub(crate) fn end(&mut self, number: Number) -> Option<Option<u32>> {
        let pending = self.pending.remove(&number)?;
        self.deadlines.set(number, Some(pending.deadline), None);
        // What was asked for is still to come.
        if self.pending.is_empty() && self.recount != Recount::Asked {
            self.recount = Recount::Idle;
        }
        Some(match pending.state {
            State::Counting => None,
            State::Waiting { possible, .. } => Some(possible.saturating_sub(pending.answered)),
        })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u32 {
        self.pending.len() as u32
    }

    /// Begins with the number after this one.
    pub(crate) const fn number_after(&mut self, last: u32) {
        self.last = last;
    }

    /// The numbers of all requests.
    pub(crate) fn numbers(&self) -> Vec<Number> {
        self.pending.keys().copied().collect()
    }

    /// The next request whose time is over.
    pub(crate) fn next_due(&mut self, now: Time) -> Option<Number> {
        self.deadlines.take_due(now)
    }

    /// Whether the servers are to be counted again: the uids of those that have answered a request
    /// which still waits for others. [`recounted`](Self::recounted) takes the outcome.
    pub(crate) fn recount_due(&mut self, here: bool, now: Time) -> Option<&[Box<str>]> {
        if !matches!(self.recount, Recount::At(at) if at <= now) {
            return None;
        }
        let waiting = self.pending.values().filter(|pending| pending.waits_for_servers());
        self.asked = waiting.clone().flat_map(|pending| &pending.named).cloned().collect();
        if waiting.count() == 0 {
            self.recount = Recount::Idle;
            return None;
        }
        self.asked.sort_unstable();
        self.asked.dedup();
        self.asked_at = Number(self.last);
        self.asked_here = here;
        self.recount = Recount::Asked;
        Some(&self.asked)
    }

    /// Lets the servers be counted once more, after they were or could not be.
    pub(crate) fn recount_later(&mut self, now: Time) {
        if self.recount == Recount::Asked {
            self.recount =
                if self.pending.is_empty() { Recount::Idle } else { Recount::At(now + RECOUNT) };
        }
    }

    /// So many servers are there now, and of those that were asked for, these; gives the requests that
    /// wait for nobody any more. `here`: whether this server still is.
    ///
    /// Whoever has left since the request is not waited for, unless another has come in its place since the
    /// last count: newcomers, who were not asked, look the same. A server that answered and left does not stand for a silent one: so an answer that was not there
    /// when the servers were counted again ends a request only if all that were there at first have
    /// answered; otherwise the next recount tells. A server that answered without its uid and left counts
    /// as still there.
    pub(crate) fn recounted(
        &mut self,
        servers: u32,
        there: impl Iterator<Item = bool>,
        here: bool,
        now: Time,
    ) -> Vec<Number> {
        if self.recount != Recount::Asked {
            return Vec::new();
        }
        self.recount_later(now);
        let others = servers.saturating_sub(u32::from(self.asked_here && here));
        let asked = self.asked.iter().zip(there);
        let stayed: Vec<&Box<str>> =
            asked.filter(|(_, there)| *there).map(|(uid, _)| uid).collect();
        let mut complete = Vec::new();
        for (&number, pending) in self.pending.range_mut(..=self.asked_at) {
            if !pending.waits_for_servers() {
                continue;
            }
            if let State::Waiting { expected, possible } = &mut pending.state {
                let left = pending.named.iter().filter(|uid| !stayed.contains(uid)).count();
                *possible = (*expected).min(others.saturating_add(left as u32));
                if pending.answered >= *possible {
                    *expected = *possible;
                    complete.push(number);
                }
            }
        }
        complete
    }

    /// When something is due, `None` for never.
    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        let recount = match self.recount {
            Recount::At(time) => Some(time),
            Recount::Asked | Recount::Idle => None,
        };
        [self.deadlines.next(), recount].into_iter().flatten().min()
    }
}

impl State {
    const fn waiting(expected: u32) -> Self {
        Self::Waiting { expected, possible: expected }
    }
}

impl Pending {
    fn is_complete(&self) -> bool {
        match self.state {
            State::Counting => false,
            State::Waiting { expected, .. } => self.answered >= expected,
        }
    }

    /// Whether it waits for all servers that are there, and not for one.
    fn waits_for_servers(&self) -> bool {
        let one = matches!(self.kind, Kind::Joining | Kind::Socket);
        matches!(self.state, State::Waiting { .. }) && !one && !self.is_complete()
    }
}
