//! Sockets that come, join, leave and go.

use crate::dialect::classic;
use crate::msgpack::Reader;
use crate::room::Room;
use crate::rooms::{Joined, Left, NameId};

use super::Adapter;

/// Names are canonical, see [`Room::write`]; ids come from [`intern`](Adapter::intern).
impl Adapter {
    /// The id of a name, made if it has none.
    pub fn intern(&mut self, name: &[u8]) -> NameId {
        self.rooms.intern(name)
    }

    /// Frees the id of a name without a role; true if it became free.
    pub fn release(&mut self, id: NameId) -> bool {
        self.rooms.release(id)
    }

    /// Makes a name a connected socket's.
    pub fn connect(&mut self, socket: NameId) {
        self.rooms.connect(socket);
    }

    /// Puts a socket into a room.
    pub fn join(&mut self, socket: NameId, room: NameId) -> Joined {
        let joined = self.rooms.join(socket, room);
        if joined.created
            && let Some(channel) = self.subscribed_channel(room)
        {
            self.subscriptions.add_room(channel);
        }
        joined
    }

    /// Takes a socket out of a room.
    pub fn leave(&mut self, socket: NameId, room: NameId) -> Left {
        // A room that is gone has no name any more.
        let channel = self.subscribed_channel(room);
        let left = self.rooms.leave(socket, room);
        if left.deleted
            && let Some(channel) = channel
        {
            self.subscriptions.remove_room(&channel);
        }
        left
    }

    /// Takes a socket out of every room, in the order joined; true if its id is free then. `each` hears
    /// of every room after the socket left it.
    pub fn disconnect(&mut self, socket: NameId, mut each: impl FnMut(NameId, Left)) -> bool {
        let rooms: Vec<NameId> = match self.subscribes_to_rooms() {
            true => self.rooms.rooms_of(socket).collect(),
            false => Vec::new(),
        };
        let channels: Vec<Option<String>> =
            rooms.into_iter().map(|room| self.subscribed_channel(room)).collect();
        let mut channels = channels.iter();
        let Self { rooms, subscriptions, .. } = self;
        rooms.disconnect(socket, |room, left| {
            if let Some(Some(channel)) = channels.next()
                && left.deleted
            {
                subscriptions.remove_room(channel);
            }
            each(room, left);
        })
    }

    pub(super) fn subscribes_to_rooms(&self) -> bool {
        self.options.subscription_mode.subscribes_to_rooms()
    }

    /// The channel of broadcasts to this room alone, if it is subscribed to by itself.
    pub(super) fn subscribed_channel(&self, room: NameId) -> Option<String> {
        if !self.subscribes_to_rooms() {
            return None;
        }
        let room = self.name_of(room);
        self.options.subscription_mode.has_channel(room).then(|| self.channels.room(room))
    }

    /// The ids of sockets, as a list in MessagePack.
    pub(super) fn ids_of(&self, sockets: &[u32]) -> Vec<u8> {
        let names = sockets.iter().map(|&socket| self.name_of(NameId::from_index(socket)));
        classic::list(names)
    }

    /// All rooms, as a list in MessagePack.
    pub(super) fn all_names(&self) -> Vec<u8> {
        let rooms: Vec<NameId> = self.rooms.rooms().collect();
        classic::list(rooms.into_iter().map(|room| self.name_of(room)))
    }

    fn name_of(&self, id: NameId) -> Room<'_> {
        let name = self.rooms.name(id).unwrap_or_default();
        Room::read(&mut Reader::new(name)).ok().flatten().unwrap_or(Room::Null)
    }
}
