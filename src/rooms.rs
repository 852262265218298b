//! The room index: which sockets are connected, which rooms they are in, and whom a broadcast
//! reaches.
//!
//! A room name and a socket id are both names, and a socket is a member of the room named by its
//! own id, so one id space holds both: a [`NameId`] is a room while it has members and a socket
//! while it is connected. When it is neither, its id is free and the next new name takes it. The
//! results of commands say which events follow and which ids became free.
//!
//! The semantics are those of the in-memory adapter (`addAll`, `del`, `delAll` and `apply` of
//! socket.io-adapter 2.5.8). Ids come back from the host and are not trusted: an unknown or free id
//! is a name with no role, and commands on it do nothing.

mod entries;
mod members;
mod slots;

use std::mem;

use smallvec::SmallVec;

use entries::Entries;
use slots::Slots;

/// The id of a name; as a socket's, its slot.
///
/// Small and dense, so that the host can keep an array by it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NameId(u32);

impl NameId {
    /// The id with an index that came back from the host, known to the room index or not.
    pub const fn from_index(index: u32) -> Self {
        Self(index)
    }

    /// The place in an array kept by id.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a join changed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Joined {
    /// The room has its first member: event `create-room`, before `join-room`.
    pub created: bool,
    /// The socket was not in the room: event `join-room`.
    pub joined: bool,
}

/// What leaving a room changed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Left {
    /// The socket was in the room: event `leave-room`.
    pub left: bool,
    /// The room lost its last member: event `delete-room`, after `leave-room`.
    pub deleted: bool,
    /// The name of the room has no role any more and its id is free.
    pub freed: bool,
}

/// The rooms and sockets of one namespace on this server.
pub struct RoomIndex {
    entries: Entries,
    /// Every name with the socket role.
    sockets: Slots,
    room_count: usize,
    /// By socket: the last generation in which it was seen or excepted.
    marks: Vec<u8>,
    generation: u8,
}

impl Default for RoomIndex {
    fn default() -> Self {
        Self::with_seed(0)
    }
}

impl RoomIndex {
    /// An empty index; an unpredictable seed keeps clients that choose room names from choosing
    /// names that collide.
    pub fn with_seed(seed: u64) -> Self {
        Self {
            entries: Entries::with_seed(seed),
            sockets: Slots::default(),
            room_count: 0,
            marks: Vec::new(),
            generation: 0,
        }
    }

    /// The id of a name, if it has one.
    pub fn find(&self, name: &[u8]) -> Option<NameId> {
        self.entries.find(name)
    }

    /// The id of a name, made if it has none.
    ///
    /// A new name has no role: give it one with a command, or take the id back with
    /// [`release`](Self::release).
    pub fn intern(&mut self, name: &[u8]) -> NameId {
        self.entries.intern(name)
    }

    /// Frees the id of a name without a role; true if it became free.
    pub fn release(&mut self, id: NameId) -> bool {
        self.entries.release(id)
    }

    /// The name with an id.
    pub fn name(&self, id: NameId) -> Option<&[u8]> {
        self.entries.name(id)
    }

    /// Gives a name the socket role; true if it had not got it. It is in no room yet, not even in
    /// its own.
    pub fn connect(&mut self, socket: NameId) -> bool {
        match self.entries.entry_mut(socket) {
            Some(entry) if !entry.connected => {
                entry.connected = true;
                self.sockets.insert(socket)
            }
            _ => false,
        }
    }

    /// Puts a socket into a room, connecting it first if it is not.
    ///
    /// Constant time in the number of rooms that the socket is in.
    pub fn join(&mut self, socket: NameId, room: NameId) -> Joined {
        if self.entries.entry(socket).is_none() {
            return Joined::default();
        }
        let Some(entry) = self.entries.entry_mut(room) else {
            return Joined::default();
        };
        let created = entry.members.is_empty();
        if !entry.members.insert(socket) {
            return Joined::default();
        }
        self.room_count = self.room_count.saturating_add(created.into());
        self.connect(socket);
        if let Some(entry) = self.entries.entry_mut(socket) {
            entry.push_joined(room);
        }
        Joined { created, joined: true }
    }

    /// Takes a socket out of a room. The socket stays connected, also when it leaves its last room.
    ///
    /// Linear in the number of rooms that the socket joined after this one, and to close the gap
    /// likewise.
    pub fn leave(&mut self, socket: NameId, room: NameId) -> Left {
        let left = self.remove_member(socket, room);
        if left.left
            && let Some(entry) = self.entries.entry_mut(socket)
        {
            entry.remove_joined(room);
        }
        left
    }

    /// Takes a socket out of every room, in the order joined, and ends its socket role; true if its
    /// id is free then.
    ///
    /// `each` hears of every room after the socket left it.
    pub fn disconnect(&mut self, socket: NameId, mut each: impl FnMut(NameId, Left)) -> bool {
        let Some(entry) = self.entries.entry_mut(socket) else {
            return false;
        };
        for room in mem::take(&mut entry.joined) {
            each(room, self.remove_member(socket, room));
        }
        if let Some(entry) = self.entries.entry_mut(socket) {
            entry.connected = false;
        }
        self.sockets.remove(socket);
        self.entries.release(socket)
    }

    /// Whether the name is a connected socket's.
    pub fn is_socket(&self, id: NameId) -> bool {
        self.entries.entry(id).is_some_and(|entry| entry.connected)
    }

    /// Whether the name is a room's with members.
    pub fn is_room(&self, id: NameId) -> bool {
        self.entries.entry(id).is_some_and(|entry| !entry.members.is_empty())
    }

    /// Whether a socket is in a room.
    pub fn contains(&self, room: NameId, socket: NameId) -> bool {
        self.entries.entry(room).is_some_and(|entry| entry.members.contains(socket))
    }

    /// The number of sockets in a room.
    pub fn member_count(&self, room: NameId) -> usize {
        self.entries.entry(room).map_or(0, |entry| entry.members.len())
    }

    /// The number of rooms.
    pub fn room_count(&self) -> usize {
        self.room_count
    }

    /// The number of sockets.
    pub fn socket_count(&self) -> usize {
        self.sockets.len()
    }

    /// The rooms a socket is in, in the order joined.
    pub fn rooms_of(&self, socket: NameId) -> impl Iterator<Item = NameId> {
        self.entries.entry(socket).into_iter().flat_map(|entry| entry.joined.iter().copied())
    }

    /// The sockets in a room, in no promised order.
    pub fn members(&self, room: NameId) -> impl Iterator<Item = NameId> {
        self.entries.entry(room).into_iter().flat_map(|entry| entry.members.iter())
    }

    /// Every socket, in no promised order.
    pub fn sockets(&self) -> impl Iterator<Item = NameId> {
        self.sockets.iter()
    }

    /// Every room, in no promised order.
    pub fn rooms(&self) -> impl Iterator<Item = NameId> {
        self.entries.ids().filter(|&id| self.is_room(id))
    }

    /// Writes the slots a broadcast goes to over `out`: each socket in any of the rooms and in none
    /// of `except`, once.
    ///
    /// `all` is for a broadcast that names no rooms: every socket, whatever `rooms` yields. It is
    /// not the same as no known room, which is nobody.
    pub fn targets(
        &mut self,
        rooms: impl Iterator<Item = NameId>,
        all: bool,
        except: impl Iterator<Item = NameId>,
        out: &mut Vec<u32>,
    ) {
        out.clear();
        let excepts = self.append_members(except, out);
        if excepts > 0 {
            self.next_generation();
            self.keep_unseen(out);
            out.clear();
        }
        let sources = if all {
            self.sockets.append_to(out);
            1
        } else {
            self.append_members(rooms, out)
        };
        if excepts == 0 && sources > 1 {
            self.next_generation();
        }
        if excepts > 0 || sources > 1 {
            self.keep_unseen(out);
        }
    }

    /// Appends the members of rooms; the number of rooms that had any.
    fn append_members(&self, rooms: impl Iterator<Item = NameId>, out: &mut Vec<u32>) -> usize {
        // The wire may name one large room thousands of times; taking each once, no more is written
        // than is stored.
        let mut rooms: SmallVec<[NameId; 8]> = rooms.collect();
        rooms.sort_unstable();
        rooms.dedup();
        rooms
            .into_iter()
            .filter_map(|room| self.entries.entry(room))
            .filter(|entry| !entry.members.is_empty())
            .map(|entry| entry.members.append_to(out))
            .count()
    }

    /// Makes every mark an old one.
    fn next_generation(&mut self) {
        self.marks.resize(self.entries.bound(), 0);
        self.generation = self.generation.checked_add(1).unwrap_or_else(|| {
            self.marks.fill(0);
            1
        });
    }

    /// The room's half of leaving.
    fn remove_member(&mut self, socket: NameId, room: NameId) -> Left {
        let Some(entry) = self.entries.entry_mut(room) else {
            return Left::default();
        };
        let left = entry.members.remove(socket);
        let deleted = left && entry.members.is_empty();
        self.room_count = self.room_count.saturating_sub(deleted.into());
        Left { left, deleted, freed: self.entries.release(room) }
    }

    /// Keeps the slots that have no mark of this generation, and marks them.
    fn keep_unseen(&mut self, slots: &mut Vec<u32>) {
        let (marks, generation) = (&mut self.marks, self.generation);
        slots.retain(|&slot| {
            let mark = marks.get_mut(slot as usize);
            mark.is_some_and(|mark| mem::replace(mark, generation) != generation)
        });
    }
}
