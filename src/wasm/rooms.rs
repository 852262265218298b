//! Who is in which room: one call for each question.

use wasm_bindgen::prelude::*;

use crate::adapter::Adapter;
use crate::rooms::{Left, NameId};

use super::lifecycle::time;
use super::names::Names;
use super::{Core, Slot};

#[wasm_bindgen]
impl Core {
    /// The id of the name in the first `length` bytes of the input, made if it has none.
    pub fn intern(&mut self, adapter: usize, length: usize) -> u32 {
        let Self { adapters, input, name, .. } = self;
        let room = input.get(..length).and_then(|bytes| Names::new(bytes).next());
        let (Some(adapter), Some(room)) = (adapters.get_mut(&adapter), room) else {
            return u32::MAX;
        };
        name.clear();
        room.write(name);
        adapter.intern(name).index() as u32
    }

    /// Makes the name in the first `length` bytes of the input a connected socket's; gives its id.
    pub fn connect(&mut self, adapter: usize, length: usize) -> u32 {
        let socket = self.intern(adapter, length);
        if let Some(adapter) = self.adapters.get_mut(&adapter) {
            adapter.connect(NameId::from_index(socket));
        }
        socket
    }

    /// Puts a socket into a room. Bit 0: it was not in it; bit 1: the room is new.
    pub fn join(&mut self, adapter: usize, socket: u32, room: u32) -> u32 {
        let Some(adapter) = self.adapters.get_mut(&adapter) else {
            return 0;
        };
        let joined = adapter.join(NameId::from_index(socket), NameId::from_index(room));
        u32::from(joined.joined) | u32::from(joined.created) << 1
    }

    /// Takes a socket out of a room. Bit 0: it was in it; bit 1: the room is gone; bit 2: its id
    /// is free.
    pub fn leave(&mut self, adapter: usize, socket: u32, room: u32) -> u32 {
        let Some(adapter) = self.adapters.get_mut(&adapter) else {
            return 0;
        };
        let left = adapter.leave(NameId::from_index(socket), NameId::from_index(room));
        bits(left)
    }

    /// Takes a socket out of all its rooms and forgets it; gives how many rooms it left, or -1 if
    /// it is not connected. The list holds each room's id and the bits of [`leave`](Self::leave),
    /// then 1 if the socket's own id is free.
    pub fn disconnect(&mut self, adapter: usize, socket: u32) -> i32 {
        let list = &mut self.list;
        list.clear();
        let socket = NameId::from_index(socket);
        let adapter = self.adapters.get_mut(&adapter);
        let Some(adapter) = adapter.filter(|adapter| adapter.rooms().is_socket(socket)) else {
            return -1;
        };
        let freed = adapter.disconnect(socket, |room, left| {
            list.extend([room.index() as u32, bits(left)]);
        });
        let count = list.len() as i32 / 2;
        list.push(u32::from(freed));
        self.set(Slot::List, self.list.as_ptr() as u32);
        count
    }

    /// Begins to wait until what is published to these rooms arrives; gives the number of a request
    /// that ends then, `undefined` if it does already.
    #[wasm_bindgen(js_name = awaitRooms)]
    pub fn await_rooms(&mut self, adapter: usize, rooms: &[u32], now: f64) -> Option<u32> {
        let rooms: Vec<NameId> = rooms.iter().copied().map(NameId::from_index).collect();
        self.adapters.get_mut(&adapter)?.await_rooms(&rooms, time(now))
    }

    /// Whether a name is a connected socket's.
    #[wasm_bindgen(js_name = isSocket)]
    pub fn is_socket(&self, adapter: usize, id: u32) -> bool {
        self.adapters
            .get(&adapter)
            .is_some_and(|adapter| adapter.rooms().is_socket(NameId::from_index(id)))
    }

    /// Whether a socket is in a room.
    pub fn contains(&self, adapter: usize, room: u32, socket: u32) -> bool {
        let (room, socket) = (NameId::from_index(room), NameId::from_index(socket));
        self.adapters.get(&adapter).is_some_and(|adapter| adapter.rooms().contains(room, socket))
    }

    /// The number of sockets in a room; 0 if there is no such room.
    #[wasm_bindgen(js_name = memberCount)]
    pub fn member_count(&self, adapter: usize, room: u32) -> usize {
        self.adapters
            .get(&adapter)
            .map_or(0, |adapter| adapter.rooms().member_count(NameId::from_index(room)))
    }

    /// The number of rooms.
    #[wasm_bindgen(js_name = roomCount)]
    pub fn room_count(&self, adapter: usize) -> usize {
        self.adapters.get(&adapter).map_or(0, |adapter| adapter.rooms().room_count())
    }

    /// The number of sockets.
    #[wasm_bindgen(js_name = socketCount)]
    pub fn socket_count(&self, adapter: usize) -> usize {
        self.adapters.get(&adapter).map_or(0, |adapter| adapter.rooms().socket_count())
    }

    /// Lists the sockets in a room; gives their number.
    pub fn members(&mut self, adapter: usize, room: u32) -> usize {
        self.enumerate(adapter, |adapter, list| {
            list.extend(
                adapter.rooms().members(NameId::from_index(room)).map(|id| id.index() as u32),
            );
        })
    }

    /// Lists the rooms that a socket is in, in the order joined; gives their number.
    #[wasm_bindgen(js_name = roomsOf)]
    pub fn rooms_of(&mut self, adapter: usize, socket: u32) -> usize {
        self.enumerate(adapter, |adapter, list| {
            list.extend(
                adapter.rooms().rooms_of(NameId::from_index(socket)).map(|id| id.index() as u32),
            );
        })
    }
}

impl Core {
    fn enumerate(&mut self, adapter: usize, fill: impl FnOnce(&Adapter, &mut Vec<u32>)) -> usize {
        self.list.clear();
        if let Some(adapter) = self.adapters.get(&adapter) {
            fill(adapter, &mut self.list);
        }
        self.set(Slot::List, self.list.as_ptr() as u32);
        self.list.len()
    }
}

/// The answer of `leave` in bits.
fn bits(left: Left) -> u32 {
    u32::from(left.left) | u32::from(left.deleted) << 1 | u32::from(left.freed) << 2
}
