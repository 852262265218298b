//! The state machine of one Socket.IO namespace on one server.
//!
//! It does no I/O. A host calls it in one loop: **one mutation, then drain
//! [`poll_output`](Adapter::poll_output) to empty, then wait** until something happens or
//! [`poll_timeout`](Adapter::poll_timeout) has come. Its methods are of four kinds: getters;
//! commands (`broadcast`, `close`, those of `rooms_mut`); `handle_*`, by which the world reaches the machine;
//! `poll_*`, by which the machine reaches the world.
//!
//! The packet path makes an exception for speed: [`broadcast`](Adapter::broadcast) and
//! [`handle_message`](Adapter::handle_message) give their result at once, in buffers of the host, and
//! [`handle_channel`](Adapter::handle_channel) answers at once.

mod inbound;
mod outbound;
mod output;
mod stats;

pub use inbound::{Delivery, Dropped, Received};
pub use outbound::{Body, BroadcastCommand, BroadcastFailure, Sent};
pub use output::Output;
pub use stats::Stats;

use crate::channel::Channels;
use crate::dialect::classic;
use crate::id::{Namespace, Room, Uid};
use crate::options::Options;
use crate::rooms::{NameId, RoomIndex};
use crate::subscription::{Step, Subscription};
use crate::time::Time;

/// How packets reach the clients of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientProtocol {
    /// A custom Socket.IO parser: the host encodes packets itself, the core only says for whom.
    Custom,
    /// The default parser (socket.io-parser): the core writes the packet's text and frame.
    Text,
}

/// One namespace of one server: its rooms, its channels, its subscription.
pub struct Adapter {
    uid: Uid,
    nsp: Namespace,
    options: Options,
    client_protocol: ClientProtocol,
    channels: Channels,
    rooms: RoomIndex,
    subscription: Subscription,
    stats: Stats,
    /// The sockets that the last broadcast or message is for.
    targets: Vec<u32>,
    /// The rooms and the excepted ones that exist here, of the last broadcast or message.
    wanted: Vec<NameId>,
    unwanted: Vec<NameId>,
    /// The canonical form of the name that is being looked up.
    name: Vec<u8>,
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
        Self {
            channels: Channels::new(&options.key, &nsp),
            uid,
            nsp,
            options,
            client_protocol,
            rooms: RoomIndex::with_seed(seed),
            subscription: Subscription::default(),
            stats: Stats::default(),
            targets: Vec::new(),
            wanted: Vec::new(),
            unwanted: Vec::new(),
            name: Vec::new(),
        }
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

    /// Which sockets are in which rooms, to be changed. Names are canonical, see [`Room::write`].
    pub const fn rooms_mut(&mut self) -> &mut RoomIndex {
        &mut self.rooms
    }

    /// What has come and gone so far.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The sockets that the last broadcast or message is for, as indices of their [`NameId`].
    pub fn targets(&self) -> &[u32] {
        &self.targets
    }

    /// Whether messages of other servers are known to arrive.
    pub const fn is_subscribed(&self) -> bool {
        self.subscription.is_held()
    }

    /// Gives up the subscription. The host drains the outputs once more, then drops the adapter.
    pub const fn close(&mut self) {
        self.subscription.close();
    }

    /// The subscribing connection is ready, for the first time or again.
    pub const fn handle_ready(&mut self) {
        self.subscription.handle_ready();
    }

    /// The subscribing connection is lost.
    pub const fn handle_lost(&mut self) {
        self.subscription.handle_lost();
    }

    /// Redis confirmed the subscription asked for by [`Output::Subscribe`].
    pub const fn handle_confirmed(&mut self) {
        self.subscription.handle_confirmed();
    }

    /// Redis or its client refused the subscription asked for by [`Output::Subscribe`].
    pub fn handle_refused(&mut self, now: Time) {
        self.stats.refused += 1;
        self.subscription.handle_refused(now);
    }

    /// Redis has taken the message of [`Output::Publish`].
    pub fn handle_published(&mut self, now: Time) {
        self.subscription.handle_probe_taken(now);
    }

    /// The message of [`Output::Publish`] could not be published.
    pub fn handle_publish_failed(&mut self, now: Time) {
        self.subscription.handle_probe_failed(now);
    }

    /// The time asked for by [`poll_timeout`](Self::poll_timeout) has come; harmless at any other.
    pub fn handle_timeout(&mut self, now: Time) {
        self.subscription.handle_timeout(now);
    }

    /// What the host has to do next, `None` when everything is done.
    pub fn poll_output(&mut self, now: Time) -> Option<Output> {
        Some(match self.subscription.poll_step(now)? {
            Step::Probe => {
                let mut message = Vec::new();
                classic::write_probe(&mut message, &self.uid);
                Output::Publish { channel: self.channels.probe(&self.uid), message }
            }
            Step::Subscribe => Output::Subscribe { pattern: self.channels.pattern().to_owned() },
            Step::Unsubscribe => {
                Output::Unsubscribe { pattern: self.channels.pattern().to_owned() }
            }
        })
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), `None` for never.
    pub const fn poll_timeout(&self) -> Option<Time> {
        self.subscription.poll_timeout()
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
