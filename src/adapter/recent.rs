//! Rooms that sockets of other servers have just been asked to join.
//!
//! With exact subscriptions, a server subscribes to a room's channel when the first socket has joined,
//! which takes a moment. Until it is over, broadcasts to the room go to the main channel, which every
//! server hears, whatever its mode.

use crate::room::Room;
use crate::time::{Duration, Time};

/// How long a server may take to do what it was asked and to have subscribed.
const MOMENT: Duration = Duration::from_millis(1_000);

/// The rooms, and until when.
#[derive(Debug, Default)]
pub(super) struct RecentRooms(Vec<(Vec<u8>, Time)>);

impl RecentRooms {
    pub(super) fn remember(&mut self, rooms: &[Room<'_>], now: Time) {
        for room in rooms {
            let mut name = Vec::new();
            room.write(&mut name);
            self.0.retain(|(other, _)| *other != name);
            self.0.push((name, now + MOMENT));
        }
    }

    /// Whether sockets may still be joining this room; mostly no room is remembered.
    pub(super) fn contains(&self, room: Room<'_>) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let mut name = Vec::new();
        room.write(&mut name);
        self.0.iter().any(|(other, _)| *other == name)
    }

    /// Forgets the rooms whose moment is over.
    pub(super) fn forget(&mut self, now: Time) {
        self.0.retain(|&(_, until)| until > now);
    }

    /// When to forget the next room, which is the oldest.
    pub(super) fn poll_timeout(&self) -> Option<Time> {
        self.0.first().map(|&(_, until)| until)
    }
}
