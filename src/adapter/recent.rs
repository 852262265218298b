//! Rooms that sockets of other servers have just been asked to join.
//!
//! With exact subscriptions, a server subscribes to a room's channel when the first socket has joined,
//! which takes a moment. Until it is over, broadcasts to the room go to the main channel, which every
//! server hears, whatever its mode.

use std::collections::VecDeque;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::room::Room;
use crate::time::{Duration, Time};

/// How long a server may take to do what it was asked and to have subscribed.
const MOMENT: Duration = Duration::from_millis(1_000);

/// The rooms, and until when.
#[derive(Debug)]
pub(super) struct RecentRooms {
    until: HashMap<Vec<u8>, Time, FixedState>,
    /// What was remembered, oldest first; a room may be there several times.
    queue: VecDeque<(Vec<u8>, Time)>,
}

impl RecentRooms {
    pub(super) fn with_seed(seed: u64) -> Self {
        let until = HashMap::with_hasher(FixedState::with_seed(seed));
        Self { until, queue: VecDeque::new() }
    }

    pub(super) fn remember(&mut self, rooms: &[Room<'_>], now: Time) {
        for room in rooms {
            let (name, until) = (canonical(*room), now + MOMENT);
            self.until.insert(name.clone(), until);
            self.queue.push_back((name, until));
        }
    }

    /// Whether sockets may still be joining this room; mostly no room is remembered.
    pub(super) fn contains(&self, room: Room<'_>) -> bool {
        !self.until.is_empty() && self.until.contains_key(&canonical(room))
    }

    /// Forgets the rooms whose moment is over.
    pub(super) fn forget(&mut self, now: Time) {
        while let Some((name, until)) = self.queue.front().filter(|(_, until)| *until <= now) {
            // Unless it was remembered anew.
            if self.until.get(name) == Some(until) {
                self.until.remove(name);
            }
            self.queue.pop_front();
        }
    }

    /// Forgets all rooms.
    pub(super) fn clear(&mut self) {
        self.until.clear();
        self.queue.clear();
    }

    /// When to forget the next room.
    pub(super) fn poll_timeout(&self) -> Option<Time> {
        self.queue.front().map(|&(_, until)| until)
    }
}

fn canonical(room: Room<'_>) -> Vec<u8> {
    let mut name = Vec::new();
    room.write(&mut name);
    name
}
