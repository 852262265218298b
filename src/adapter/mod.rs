//! The state machine of one Socket.IO namespace on one server.
//!
//! It does no I/O. A host calls it in one loop: **one mutation, then drain
//! [`poll_output`](Adapter::poll_output) to empty, then wait** until something happens or
//! [`poll_timeout`](Adapter::poll_timeout) has come. Its methods are of four kinds: getters;
//! commands (`broadcast`, `join`, `fetch_sockets`, `close`, …); `handle_*`, by which the world reaches the machine;
//! `poll_*`, by which the machine reaches the world.
//!
//! The packet path makes an exception for speed: [`broadcast`](Adapter::broadcast) and
//! [`handle_message`](Adapter::handle_message) give their result at once, in buffers of the host, and
//! [`handle_channel`](Adapter::handle_channel) answers at once.

mod answers;
mod control;
mod inbound;
mod membership;
mod outbound;
mod output;
mod questions;
mod recent;
mod stats;

use std::collections::{BTreeMap, VecDeque};

pub use control::ControlError;
pub use inbound::{Delivery, Dropped, Received};
pub use outbound::{Body, BroadcastCommand, SendError, Sent};
pub use output::{Output, Value};
pub use questions::Timeout;
pub use stats::Stats;

pub use crate::faults::Fault;
pub use crate::requests::Ending;
pub use crate::subscriptions::{Carries, Name, NameKind};

use recent::RecentRooms;
use stats::{add, count};

use crate::acknowledgements::Acknowledgements;
use crate::channel::Channels;
use crate::dialect::{Dialect, classic};
use crate::faults::Faults;
use crate::id::{Namespace, Uid};
use crate::options::Options;
use crate::requests::{Number, Requests};
use crate::room::Room;
use crate::rooms::{NameId, RoomIndex};
use crate::subscription::Step;
use crate::subscriptions::Subscriptions;
use crate::time::Time;
use crate::timers::Timers;

/// The token of a probe; those of requests are their numbers, which begin at 1.
const PROBE: u32 = 0;

/// How packets reach the clients of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientProtocol {
    /// A custom Socket.IO parser: the host encodes packets itself, the core only says for whom.
    Custom,
    /// The default parser (socket.io-parser): the core writes the packet's text and frame.
    Text,
}

/// One namespace of one server: its rooms, its channels, its subscriptions, what it asks and answers.
pub struct Adapter {
    uid: Uid,
    nsp: Namespace,
    options: Options,
    client_protocol: ClientProtocol,
    channels: Channels,
    rooms: RoomIndex,
    subscriptions: Subscriptions,
    requests: Requests,
    acknowledgements: Acknowledgements,
    /// Whether commands keep their order, see [`Adapter::set_ordered`].
    ordered: bool,
    /// What is to follow when subscriptions stand, and until when.
    awaiting: BTreeMap<u32, (Awaiting, Time)>,
    waits: Timers<u32>,
    outputs: VecDeque<Queued>,
    /// Rooms that sockets of other servers have just been asked to join, see [`recent`].
    joined: RecentRooms,
    /// The counters; what follows from how things stand is filled in by [`stats`](Adapter::stats).
    stats: Stats,
    faults: Faults,
    /// Whether Redis took what was published last, for all that is known.
    publishing: bool,
    /// The message that was received last, if it was JSON, as MessagePack.
    converted: Vec<u8>,
    /// The sockets that the last broadcast or message is for.
    targets: Vec<u32>,
    /// The rooms and the excepted ones that exist here, of the last broadcast or message.
    wanted: Vec<NameId>,
    unwanted: Vec<NameId>,
    /// The canonical form of the name that is being looked up.
    name: Vec<u8>,
}

/// What is to be done by the host.
enum Queued {
    /// As soon as possible.
    Now(Output),
    /// When all that is subscribed to by then stands.
    WhenHeard(Output),
}

/// What is to follow when subscriptions stand.
enum Awaiting {
    /// An answer goes out.
    Publish(Output),
    /// A request of this server ends.
    Request(Number),
}

impl Adapter {
    /// The adapter of `nsp` on the server that calls itself `uid` there.
    ///
    /// An unpredictable `seed` keeps clients that choose the names of rooms from choosing ones that
    /// collide in the index.
    pub fn new(
        uid: Uid,
        nsp: Namespace,
        options: Options,
        client_protocol: ClientProtocol,
        seed: u64,
    ) -> Self {
        let mode = options.subscription_mode;
        let channels = Channels::of(mode.dialect(), &options.key, &nsp);
        Self {
            subscriptions: Subscriptions::new(&channels, &uid, mode, seed),
            channels,
            uid,
            nsp,
            options,
            client_protocol,
            rooms: RoomIndex::with_seed(seed),
            requests: Requests::default(),
            acknowledgements: Acknowledgements::default(),
            ordered: false,
            awaiting: BTreeMap::new(),
            waits: Timers::default(),
            outputs: VecDeque::new(),
            joined: RecentRooms::with_seed(seed),
            stats: Stats::default(),
            faults: Faults::default(),
            publishing: true,
            converted: Vec::new(),
            targets: Vec::new(),
            wanted: Vec::new(),
            unwanted: Vec::new(),
            name: Vec::new(),
        }
    }

    /// Begins to number requests after this one: for an adapter in the place of another one of the same uid.
    pub const fn number_requests_after(&mut self, last: u32) {
        self.requests.number_after(last);
    }

    /// Says whether Redis does what it is asked in that order: not on a cluster, where each node is
    /// asked for its own count. Then the servers are counted and asked at once, otherwise a request is
    /// published when they are counted.
    pub const fn set_ordered(&mut self, ordered: bool) {
        self.ordered = ordered;
    }

    /// The name of this adapter among the servers of the cluster.
    pub const fn uid(&self) -> &Uid {
        &self.uid
    }

    /// The namespace that it serves.
    pub const fn nsp(&self) -> &Namespace {
        &self.nsp
    }

    /// The options it was made with.
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// The names of its channels.
    pub const fn channels(&self) -> &Channels {
        &self.channels
    }

    /// Which sockets are in which rooms.
    pub const fn rooms(&self) -> &RoomIndex {
        &self.rooms
    }

    /// What has come and gone so far, and how things stand.
    pub fn stats(&self) -> Stats {
        let (wanted, held) = self.subscriptions.census();
        let connected = self.subscriptions.is_connected() && !self.subscriptions.is_closed();
        let whole = connected && held == wanted && held > 0 && self.publishing;
        Stats {
            open_requests: self.requests.len(),
            subscriptions: held,
            connected: u32::from(connected),
            degraded: u32::from(!whole),
            ..self.stats
        }
    }

    /// Counts something that went wrong at the host.
    ///
    /// Gives how often that has happened since somebody was told of it, this time included, if somebody is to be told
    /// now: at most once a minute for each kind, and only if `listening`. Malformed messages and refused
    /// subscriptions are counted where they are taken; here, only when to tell of them is decided.
    pub fn report(&mut self, fault: Fault, listening: bool, now: Time) -> Option<u32> {
        match fault {
            Fault::Count => count(&mut self.stats.count_failed),
            Fault::Deaf => count(&mut self.stats.deaf),
            Fault::InvalidRoom | Fault::Malformed | Fault::Subscribe => {}
            Fault::Publish => {
                count(&mut self.stats.publish_failed);
                self.publishing = false;
                self.subscriptions.verify(now);
            }
            Fault::Unexpected => count(&mut self.stats.unexpected),
        }
        self.faults.note(fault, listening, now)
    }

    /// So many messages have come in so far by the subscribing connection, whomever they were for. To be said before
    /// [`handle_timeout`](Self::handle_timeout).
    pub const fn note_traffic(&mut self, count: u64) {
        self.subscriptions.note_traffic(count);
    }

    /// The sockets that the last broadcast or message is for, as indices of their [`NameId`].
    pub fn targets(&self) -> &[u32] {
        &self.targets
    }

    /// Whether messages of other servers are known to arrive.
    pub fn is_subscribed(&self) -> bool {
        self.subscriptions.is_held()
    }

    const fn dialect(&self) -> Dialect {
        self.options.subscription_mode.dialect()
    }

    /// Gives up all subscriptions, and ends all requests. The host drains the outputs once more, then
    /// drops the adapter.
    pub fn close(&mut self) {
        for number in self.requests.numbers() {
            self.end(number, Ending::Closed);
        }
        for token in self.acknowledgements.end_all() {
            self.outputs.push_back(Queued::Now(Output::Forget { token }));
        }
        self.awaiting.clear();
        self.waits = Timers::default();
        self.joined.clear();
        self.subscriptions.close();
    }

    /// The subscribing connection is ready, for the first time or again.
    pub fn handle_ready(&mut self) {
        self.subscriptions.handle_ready();
    }

    /// The subscribing connection is lost.
    pub fn handle_lost(&mut self) {
        self.subscriptions.handle_lost();
    }

    /// Redis confirmed the subscription asked for by [`Output::Subscribe`].
    pub fn handle_confirmed(&mut self, id: u32) {
        self.subscriptions.handle_confirmed(id);
    }

    /// Redis or its client refused the subscription asked for by [`Output::Subscribe`].
    pub fn handle_refused(&mut self, id: u32, now: Time) {
        count(&mut self.stats.refused);
        self.subscriptions.handle_refused(id, now);
    }

    /// Redis has ended the subscription to this name, which it had confirmed, while the connection is ready.
    pub fn handle_dropped(&mut self, name: &str, now: Time) {
        self.subscriptions.handle_dropped(name, now);
    }

    /// The subscription of [`Output::Unsubscribe`] is given up, as far as can be.
    pub fn handle_ended(&mut self, id: u32) {
        self.subscriptions.handle_ended(id);
        if self.subscriptions.is_closed() && self.subscriptions.census().0 == 0 {
            self.release_memory();
        }
    }

    /// Gives back what a closed adapter needs no more: a host may not notice for long that nobody has it.
    fn release_memory(&mut self) {
        self.outputs.shrink_to_fit();
        self.subscriptions.release_memory();
        self.joined = RecentRooms::with_seed(0);
        self.converted = Vec::new();
        self.targets = Vec::new();
        self.wanted = Vec::new();
        self.unwanted = Vec::new();
        self.name = Vec::new();
        if self.rooms.socket_count() == 0 && self.rooms.room_count() == 0 {
            self.rooms = RoomIndex::default();
        }
    }

    /// Redis has taken the message of [`Output::Publish`].
    pub fn handle_published(&mut self, token: u32, now: Time) {
        self.publishing = true;
        if token == PROBE {
            self.subscriptions.handle_probe_taken(now);
        }
    }

    /// The message of [`Output::Publish`] could not be published.
    pub fn handle_publish_failed(&mut self, token: u32, now: Time) {
        if token == PROBE {
            self.subscriptions.handle_probe_failed(now);
        } else {
            self.end(Number(token), Ending::Failed);
        }
    }

    /// The time asked for by [`poll_timeout`](Self::poll_timeout) has come; harmless at any other.
    pub fn handle_timeout(&mut self, now: Time) {
        self.subscriptions.handle_timeout(now);
        while let Some(wait) = self.waits.take_due(now) {
            // Whoever asked does not wait any longer either.
            self.awaiting.remove(&wait);
            self.subscriptions.forget_wait(wait);
        }
        while let Some(token) = self.acknowledgements.end_due(now) {
            self.push(Output::Forget { token });
        }
        self.joined.forget(now);
        self.handle_request_timeouts(now);
    }

    /// What the host has to do next, `None` when everything is done.
    pub fn poll_output(&mut self, now: Time) -> Option<Output> {
        while let Some(wait) = self.subscriptions.poll_over() {
            let Some((awaiting, until)) = self.awaiting.remove(&wait) else { continue };
            self.waits.set(wait, Some(until), None);
            match awaiting {
                Awaiting::Publish(output) => self.push(output),
                Awaiting::Request(number) => self.end(number, Ending::Complete),
            }
        }
        while let Some(queued) = self.outputs.pop_front() {
            match queued {
                Queued::Now(output) => return Some(self.asked(output)),
                Queued::WhenHeard(output) => match self.subscriptions.wait_for(None) {
                    Some(wait) => self.await_wait(wait, Awaiting::Publish(output), now),
                    None => return Some(self.asked(output)),
                },
            }
        }
        let (id, step, name) = self.subscriptions.poll_step(now)?;
        let output = match step {
            Step::Probe => {
                let (channel, message) =
                    (self.channels.probe(&self.uid), classic::probe(&self.uid));
                Output::Publish { token: Some(PROBE), channel, message }
            }
            Step::Deaf => Output::Deaf { name: name.name },
            Step::Reconnect => Output::Reconnect,
            Step::Subscribe { anew } => Output::Subscribe { id, anew, name },
            Step::Unsubscribe => Output::Unsubscribe { id, name },
        };
        Some(self.asked(output))
    }

    /// Counts what the host is asked for.
    fn asked(&mut self, output: Output) -> Output {
        if let Output::Publish { message, .. } = &output {
            self.note_sent(message.len());
        }
        output
    }

    fn note_sent(&mut self, bytes: usize) {
        count(&mut self.stats.messages_out);
        add(&mut self.stats.bytes_out, bytes);
    }

    fn note_received(&mut self, bytes: usize) {
        count(&mut self.stats.messages_in);
        add(&mut self.stats.bytes_in, bytes);
    }

    /// Gives back memory beyond so many bytes that a huge message took.
    pub fn shrink(&mut self, kept: usize) {
        self.converted.truncate(kept);
        self.converted.shrink_to(kept);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), `None` for never.
    pub fn poll_timeout(&self) -> Option<Time> {
        let parts = [
            self.subscriptions.poll_timeout(),
            self.requests.poll_timeout(),
            self.acknowledgements.poll_timeout(),
            self.joined.poll_timeout(),
            self.waits.next(),
        ];
        parts.into_iter().flatten().min()
    }

    /// Asks for something when what is published to the rooms here arrives.
    fn push_when_heard(&mut self, output: Output) {
        self.outputs.push_back(match self.subscribes_to_rooms() {
            true => Queued::WhenHeard(output),
            false => Queued::Now(output),
        });
    }

    fn await_wait(&mut self, wait: u32, awaiting: Awaiting, now: Time) {
        let until = self.deadline(None, now);
        self.awaiting.insert(wait, (awaiting, until));
        self.waits.set(wait, None, Some(until));
    }

    fn push(&mut self, output: Output) {
        self.outputs.push_back(Queued::Now(output));
    }

    /// Finds the sockets in any of `rooms` (all sockets if there is none) and in none of `except`,
    /// each once, for [`targets`](Self::targets).
    pub fn find_targets<'a>(
        &mut self,
        rooms: impl Iterator<Item = Room<'a>>,
        all: bool,
        except: impl Iterator<Item = Room<'a>>,
    ) {
        self.targets.clear();
        let Self { rooms: index, name, wanted, unwanted, targets, .. } = self;
        wanted.clear();
        wanted.extend(rooms.filter_map(|room| find(index, name, room)));
        if wanted.is_empty() && !all {
            return;
        }
        unwanted.clear();
        unwanted.extend(except.filter_map(|room| find(index, name, room)));
        index.targets(wanted.iter().copied(), all, unwanted.iter().copied(), targets);
    }
}

/// The id of a room, if it exists here; `name` is for its canonical form.
fn find(index: &RoomIndex, name: &mut Vec<u8>, room: Room<'_>) -> Option<NameId> {
    name.clear();
    room.write(name);
    index.find(name)
}
