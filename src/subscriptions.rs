//! Everything that a server subscribes to, and what waits for it.
//!
//! The standing ones are asked for as long as the adapter is open; in some modes each room with sockets here
//! adds one ([`subscribes_to_rooms`](SubscriptionMode::subscribes_to_rooms)). Rooms of one spelling (42 and "42")
//! share theirs.

use std::collections::{BTreeMap, VecDeque};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::Serialize;

use crate::channel::Channels;
use crate::id::Uid;
use crate::options::SubscriptionMode;
use crate::subscription::{Step, Subscription, Traffic};
use crate::time::{Duration, Time};
use crate::timers::Timers;

/// How long a room may be empty before its subscription is given up: rooms that come and go at once
/// cost nothing.
const LINGER: Duration = Duration::from_millis(500);

/// How long the probed subscription may be silent before it is looked at, in milliseconds.
const SILENCE: u64 = 6_000;

/// The most that one adapter's silence may be longer than another's: the first to send a probe speaks for all
/// that share its connection.
const SPREAD: u64 = 2_000;

/// Whether a name is matched as a glob (PSUBSCRIBE) or taken as it stands (SUBSCRIBE, or SSUBSCRIBE in the
/// sharded dialect).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NameKind {
    /// SUBSCRIBE or SSUBSCRIBE.
    Channel,
    /// PSUBSCRIBE.
    Pattern,
}

/// What comes in on a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Carries {
    /// Broadcasts, for `handle_message`; in the sharded dialect also requests.
    Broadcasts,
    /// Requests and answers, for `handle_control`.
    Control,
}

/// A name that is subscribed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Name {
    /// How it is matched.
    pub kind: NameKind,
    /// The channel or the pattern.
    pub name: String,
    /// What comes in there.
    pub carries: Carries,
}

/// One subscription, as the host calls it.
pub(crate) type Id = u32;

/// The subscription that a probe goes through.
const PROBED: Id = 0;

#[derive(Debug)]
struct Entry {
    name: Name,
    subscription: Subscription,
    /// The rooms that are spelt so and have members; the standing ones have one.
    rooms: u32,
    timer: Option<Time>,
    /// What the host calls what it was asked for last.
    token: Option<u32>,
    /// What waits for it.
    waiting: Vec<u32>,
}

/// Every subscription of one adapter.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    entries: BTreeMap<Id, Entry>,
    standing: Id,
    /// The channel by whose subscribers servers are counted.
    counted: Id,
    last: Id,
    by_name: HashMap<String, Id, FixedState>,
    /// What the host was asked for and has not answered; an answer to an earlier request says nothing.
    asked: BTreeMap<u32, Id>,
    next_token: u32,
    ready: bool,
    closed: bool,
    traffic: Traffic,
    silence: Duration,
    /// Subscriptions that something may have to be done for.
    due: VecDeque<Id>,
    /// Rooms that became empty; when that was is known at the next poll.
    emptied: Vec<Id>,
    timers: Timers<Id>,
    /// The subscriptions that each waits for that waits.
    waits: BTreeMap<u32, Vec<Id>>,
    last_wait: u32,
    /// What waits for nothing any more.
    over: VecDeque<u32>,
}

impl Subscriptions {
    pub(crate) fn new(channels: &Channels, uid: &Uid, mode: SubscriptionMode, seed: u64) -> Self {
        let (names, counted) = standing(channels, uid, mode);
        let mut subscriptions = Self {
            entries: BTreeMap::new(),
            standing: 0,
            counted,
            last: 0,
            by_name: HashMap::with_hasher(FixedState::with_seed(seed)),
            asked: BTreeMap::new(),
            next_token: 0,
            ready: false,
            closed: false,
            traffic: Traffic::default(),
            silence: Duration::from_millis(SILENCE.saturating_add(seed % SPREAD)),
            due: VecDeque::new(),
            emptied: Vec::new(),
            timers: Timers::default(),
            waits: BTreeMap::new(),
            last_wait: 0,
            over: VecDeque::new(),
        };
        for name in names {
            subscriptions.insert(name);
        }
        subscriptions.standing = subscriptions.last;
        subscriptions
    }

    fn insert(&mut self, name: Name) {
        let id = self.last;
        // After four billion rooms the numbers begin anew, where none is in use.
        while self.entries.contains_key(&self.last) || self.last == id {
            self.last = self.last.wrapping_add(1);
        }
        let silence = (id == PROBED).then_some(self.silence);
        let subscription = Subscription::new(silence, self.ready);
        self.by_name.insert(name.name.clone(), id);
        let entry =
            Entry { name, subscription, rooms: 1, timer: None, token: None, waiting: Vec::new() };
        self.entries.insert(id, entry);
        self.due.push_back(id);
    }

    /// Whether all that stands for the adapter's whole life does.
    pub(crate) fn is_held(&self) -> bool {
        let standing = self.entries.range(..self.standing);
        standing.clone().count() == self.standing as usize
            && standing.map(|(_, entry)| &entry.subscription).all(Subscription::is_held)
    }

    /// Whether the subscribing connection is ready.
    pub(crate) const fn is_connected(&self) -> bool {
        self.ready
    }

    /// How many there are, and how many of them stand.
    pub(crate) fn census(&self) -> (u32, u32) {
        let wanted = self.entries.values().filter(|entry| entry.rooms > 0);
        let held = wanted.clone().filter(|entry| entry.subscription.is_held());
        (wanted.count() as u32, held.count() as u32)
    }

    /// Whether everything was given up.
    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether Redis counts this server among those that take requests.
    pub(crate) fn is_counted(&self) -> bool {
        self.entries.get(&self.counted).is_some_and(|entry| entry.subscription.is_held())
    }

    /// A room has its first member.
    pub(crate) fn add_room(&mut self, channel: String) {
        if self.closed {
            return;
        }
        match self.by_name.get(&channel) {
            None => {
                let (kind, carries) = (NameKind::Channel, Carries::Broadcasts);
                self.insert(Name { kind, name: channel, carries });
            }
            Some(&id) => {
                if let Some(entry) = self.entries.get_mut(&id) {
                    entry.rooms = entry.rooms.saturating_add(1);
                }
                self.change(id, Subscription::want);
            }
        }
    }

    /// A room has lost its last member.
    pub(crate) fn remove_room(&mut self, channel: &str) {
        let Some(&id) = self.by_name.get(channel) else { return };
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.rooms = entry.rooms.saturating_sub(1);
        if entry.rooms == 0 {
            self.emptied.push(id);
            // Whoever waited for the room has left it.
            self.settle(id);
        }
    }

    /// Begins to wait until these channels (all that carry broadcasts, if none are given) are subscribed
    /// to; gives what [`poll_over`](Self::poll_over) will call it, or `None` if they are.
    pub(crate) fn wait_for(&mut self, channels: Option<&[String]>) -> Option<u32> {
        let waited_for = |entry: &Entry| {
            let carries_broadcasts = entry.name.carries == Carries::Broadcasts;
            carries_broadcasts && !entry.subscription.is_held() && entry.rooms > 0
        };
        let mut ids: Vec<Id> = match channels {
            None => self.entries.keys().copied().collect(),
            Some(channels) => {
                channels.iter().filter_map(|channel| self.by_name.get(channel)).copied().collect()
            }
        };
        ids.retain(|id| self.entries.get(id).is_some_and(waited_for));
        if ids.is_empty() {
            return None;
        }
        self.last_wait = self.last_wait.wrapping_add(1);
        for id in &ids {
            if let Some(entry) = self.entries.get_mut(id) {
                entry.waiting.push(self.last_wait);
            }
        }
        self.waits.insert(self.last_wait, ids);
        Some(self.last_wait)
    }

    /// Waits no longer.
    pub(crate) fn forget_wait(&mut self, wait: u32) {
        for id in self.waits.remove(&wait).unwrap_or_default() {
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.waiting.retain(|other| *other != wait);
            }
        }
    }

    /// The next that waits for nothing any more.
    pub(crate) fn poll_over(&mut self) -> Option<u32> {
        self.over.pop_front()
    }

    /// Gives everything up, for good.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        // The channel of this server alone before the one by which all are counted: others must not take it
        // for one that has answered and is still there, when they miss one that is counted.
        let ids: Vec<Id> = self.entries.keys().rev().copied().collect();
        for id in ids {
            self.change(id, Subscription::close);
        }
    }

    /// Gives back what was needed for what was given up.
    pub(crate) fn release_memory(&mut self) {
        self.by_name.shrink_to_fit();
        self.due = VecDeque::new();
        self.emptied = Vec::new();
    }

    pub(crate) fn handle_ready(&mut self) {
        self.ready = true;
        self.change_all(Subscription::handle_ready);
    }

    pub(crate) fn handle_lost(&mut self) {
        self.ready = false;
        self.change_all(Subscription::handle_lost);
    }

    pub(crate) fn handle_confirmed(&mut self, token: u32) {
        if let Some(id) = self.asked.remove(&token) {
            self.change(id, Subscription::handle_confirmed);
        }
    }

    pub(crate) fn handle_refused(&mut self, token: u32, now: Time) {
        if let Some(id) = self.asked.remove(&token) {
            self.change(id, |subscription| subscription.handle_refused(now));
        }
    }

    /// Redis has ended a subscription that stood, or was asked for: its slot has moved, or its server is gone.
    pub(crate) fn handle_dropped(&mut self, name: &str, now: Time) {
        if let Some(&id) = self.by_name.get(name) {
            self.change(id, |subscription| subscription.handle_dropped(now));
        }
    }

    /// A subscription was given up.
    pub(crate) fn handle_ended(&mut self, token: u32) {
        let Some(id) = self.asked.remove(&token) else { return };
        let ready = self.ready;
        self.change(id, |subscription| subscription.handle_ended(ready));
        if self.entries.get(&id).is_some_and(|entry| entry.subscription.is_closed())
            && let Some(entry) = self.entries.remove(&id)
        {
            self.by_name.remove(&entry.name.name);
            entry.token.and_then(|token| self.asked.remove(&token));
            self.timers.set(id, entry.timer, None);
        }
    }

    pub(crate) fn handle_probe(&mut self) {
        self.change(PROBED, Subscription::handle_probe);
    }

    pub(crate) fn handle_probe_taken(&mut self, now: Time) {
        self.change(PROBED, |subscription| subscription.handle_probe_taken(now));
    }

    pub(crate) fn handle_probe_failed(&mut self, now: Time) {
        self.change(PROBED, |subscription| subscription.handle_probe_failed(now));
    }

    /// A message has come in by the probed subscription, or another for broadcasts.
    pub(crate) const fn note_arrival(&mut self) {
        self.traffic.here = self.traffic.here.wrapping_add(1);
    }

    /// So many messages have come in by the connection.
    pub(crate) const fn note_traffic(&mut self, count: u64) {
        self.traffic.connection = count;
    }

    /// Something could not be published.
    pub(crate) fn verify(&mut self, now: Time) {
        self.change(PROBED, |subscription| subscription.verify(now));
    }

    pub(crate) fn handle_timeout(&mut self, now: Time) {
        let traffic = self.traffic;
        while let Some(id) = self.timers.take_due(now) {
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.timer = None;
            }
            self.change(id, |subscription| subscription.handle_timeout(now, traffic));
        }
    }

    /// What to do next, for which name, and what the host is to call it; `None` when there is nothing but to wait.
    pub(crate) fn poll_step(&mut self, now: Time) -> Option<(u32, Step, Name)> {
        while let Some(id) = self.emptied.pop() {
            let empty = self.entries.get(&id).is_some_and(|entry| entry.rooms == 0);
            if empty {
                self.change(id, |subscription| subscription.release(now + LINGER));
            }
        }
        while let Some(&id) = self.due.front() {
            let traffic = self.traffic;
            let entry = self.entries.get_mut(&id);
            let step = entry.and_then(|entry| entry.subscription.poll_step(now, traffic));
            self.settle(id);
            let Some(step) = step else {
                self.due.pop_front();
                continue;
            };
            // With it, not before: the next probe of this one vouches for all.
            if id == PROBED && step == (Step::Subscribe { anew: true }) {
                self.doubt_others(id, now);
            }
            let token = match step {
                Step::Subscribe { .. } | Step::Unsubscribe => self.issue(id),
                Step::Deaf | Step::Probe | Step::Reconnect => 0,
            };
            let name = self.entries.get(&id).map(|entry| entry.name.clone())?;
            return Some((token, step, name));
        }
        None
    }

    /// What the host is to call what it is asked for now; what it was asked for before is forgotten.
    fn issue(&mut self, id: Id) -> u32 {
        let token = self.next_token;
        self.next_token = token.wrapping_add(1);
        if let Some(entry) = self.entries.get_mut(&id)
            && let Some(earlier) = entry.token.replace(token)
        {
            self.asked.remove(&earlier);
        }
        self.asked.insert(token, id);
        token
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), `None` for never.
    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        self.timers.next()
    }

    fn change(&mut self, id: Id, change: impl FnOnce(&mut Subscription)) {
        if let Some(entry) = self.entries.get_mut(&id) {
            change(&mut entry.subscription);
            self.due.push_back(id);
            self.settle(id);
        }
    }

    /// Asks for all others too: whatever made this one deaf may have struck them.
    fn doubt_others(&mut self, id: Id, now: Time) {
        let others: Vec<Id> = self.entries.keys().copied().filter(|&other| other != id).collect();
        for other in others {
            self.change(other, |subscription| subscription.doubt(now));
        }
    }

    fn change_all(&mut self, change: impl Fn(&mut Subscription)) {
        let ids: Vec<Id> = self.entries.keys().copied().collect();
        for id in ids {
            self.change(id, &change);
        }
    }

    /// Keeps the timer of a subscription, and what waits for it, in step with its state.
    fn settle(&mut self, id: Id) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let timer = entry.subscription.poll_timeout();
        self.timers.set(id, entry.timer, timer);
        entry.timer = timer;
        if entry.subscription.is_held() || entry.rooms == 0 || self.closed {
            for wait in std::mem::take(&mut entry.waiting) {
                if let Some(ids) = self.waits.get_mut(&wait) {
                    ids.retain(|other| *other != id);
                    if ids.is_empty() {
                        self.waits.remove(&wait);
                        self.over.push_back(wait);
                    }
                }
            }
        }
    }
}

/// What stands for an adapter's whole life, the probed one first, and which of it the servers are counted by.
fn standing(channels: &Channels, uid: &Uid, mode: SubscriptionMode) -> (Vec<Name>, Id) {
    let channel =
        |name: &str, carries| Name { kind: NameKind::Channel, name: name.to_owned(), carries };
    let mut names = match mode {
        SubscriptionMode::Exact => vec![
            channel(&channels.probe(uid), Carries::Broadcasts),
            channel(channels.broadcast(), Carries::Broadcasts),
        ],
        SubscriptionMode::Pattern => {
            let (kind, name) = (NameKind::Pattern, channels.pattern().to_owned());
            vec![Name { kind, name, carries: Carries::Broadcasts }]
        }
        SubscriptionMode::Dynamic | SubscriptionMode::DynamicPrivate | SubscriptionMode::Static => {
            let answers = channel(&channels.response_to(uid.as_str()), Carries::Control);
            return (vec![answers, channel(channels.broadcast(), Carries::Broadcasts)], 1);
        }
    };
    let counted = names.len() as Id;
    let control = [channels.request(), channels.response(), &channels.response_to(uid.as_str())];
    names.extend(control.map(|name| channel(name, Carries::Control)));
    (names, counted)
}
