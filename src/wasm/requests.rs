//! What servers ask each other. Names (see `names`) and JSON stand in the first `length` bytes of the
//! input, times are in milliseconds; a question gives its number.

use wasm_bindgen::prelude::*;

use crate::adapter::Adapter;
use crate::dialect::classic::{Data, Reply};
use crate::room::Room;

use super::lifecycle::{duration, time};
use super::names::Names;
use super::{Core, error};

#[wasm_bindgen]
impl Core {
    /// Takes a message of a request or response channel: the input holds the channel's name, then the
    /// message. Whether it was one; if not, `reason` tells why.
    pub fn control(&mut self, adapter: usize, channel: usize, length: usize, now: f64) -> bool {
        let Self { adapters, input, reason, .. } = self;
        let (Some(adapter), Some((channel, rest))) =
            (adapters.get_mut(&adapter), input.split_at_checked(channel))
        else {
            return false;
        };
        let message = rest.get(..length).unwrap_or_default();
        match adapter.handle_control(channel, message, time(now)) {
            Ok(()) => true,
            Err(error) => {
                *reason = format!("{} ({})", error, error.code());
                false
            }
        }
    }

    /// Asks for all rooms of the other servers.
    #[wasm_bindgen(js_name = allRooms)]
    pub fn all_rooms(&mut self, adapter: usize, now: f64) -> u32 {
        self.adapters.get_mut(&adapter).map_or(0, |adapter| adapter.all_rooms(None, time(now)))
    }

    /// Asks for the ids of the other servers' sockets in any of so many rooms.
    pub fn sockets(&mut self, adapter: usize, rooms: usize, length: usize, now: f64) -> u32 {
        self.named(adapter, [rooms, 0, 0], length, |adapter, rooms, _, _| {
            adapter.sockets(rooms, None, time(now))
        })
    }

    /// Asks how many sockets of the other servers are in any of so many rooms.
    pub fn count(&mut self, adapter: usize, rooms: usize, length: usize, now: f64) -> u32 {
        self.named(adapter, [rooms, 0, 0], length, |adapter, rooms, _, _| {
            adapter.count(rooms, None, time(now))
        })
    }

    /// Asks for the other servers' sockets in any of so many rooms, and in none of so many others.
    #[wasm_bindgen(js_name = fetchSockets)]
    pub fn fetch_sockets(
        &mut self,
        adapter: usize,
        rooms: usize,
        except: usize,
        length: usize,
        timeout: Option<f64>,
        now: f64,
    ) -> u32 {
        self.named(adapter, [rooms, except, 0], length, |adapter, rooms, except, _| {
            adapter.fetch_sockets(rooms, except, duration(timeout), time(now))
        })
    }

    /// Lets the other servers' sockets in any of so many rooms, and in none of so many others, join so
    /// many more.
    #[wasm_bindgen(js_name = joinSockets)]
    pub fn join_sockets(
        &mut self,
        adapter: usize,
        rooms: usize,
        except: usize,
        joined: usize,
        length: usize,
        now: f64,
    ) {
        self.named(adapter, [rooms, except, joined], length, |adapter, rooms, except, joined| {
            adapter.join_sockets(rooms, except, joined, time(now));
        });
    }

    /// Lets sockets leave rooms, as [`join_sockets`](Self::join_sockets) lets them join.
    #[wasm_bindgen(js_name = leaveSockets)]
    pub fn leave_sockets(
        &mut self,
        adapter: usize,
        rooms: usize,
        except: usize,
        left: usize,
        length: usize,
    ) {
        self.named(adapter, [rooms, except, left], length, Adapter::leave_sockets);
    }

    /// Disconnects sockets, as [`join_sockets`](Self::join_sockets) lets them join.
    #[wasm_bindgen(js_name = disconnectSockets)]
    pub fn disconnect_sockets(
        &mut self,
        adapter: usize,
        rooms: usize,
        except: usize,
        length: usize,
        close: bool,
    ) {
        self.named(adapter, [rooms, except, 0], length, |adapter, rooms, except, _| {
            adapter.disconnect_sockets(rooms, except, close);
        });
    }

    /// Lets one socket join a room: two names. Throws an `Error` with a `code` if the first is no text.
    #[wasm_bindgen(js_name = joinSocket)]
    pub fn join_socket(&mut self, adapter: usize, length: usize, now: f64) -> Result<u32, JsValue> {
        self.about_one(adapter, length, |adapter, sid, room| {
            adapter.join_socket(sid, room, time(now))
        })
    }

    /// Lets one socket leave a room, as [`join_socket`](Self::join_socket) lets it join.
    #[wasm_bindgen(js_name = leaveSocket)]
    pub fn leave_socket(
        &mut self,
        adapter: usize,
        length: usize,
        now: f64,
    ) -> Result<u32, JsValue> {
        self.about_one(adapter, length, |adapter, sid, room| {
            adapter.leave_socket(sid, room, time(now))
        })
    }

    /// Disconnects one socket: its name, and any other. Throws as [`join_socket`](Self::join_socket).
    #[wasm_bindgen(js_name = disconnectSocket)]
    pub fn disconnect_socket(
        &mut self,
        adapter: usize,
        length: usize,
        close: bool,
        now: f64,
    ) -> Result<u32, JsValue> {
        self.about_one(adapter, length, |adapter, sid, _| {
            adapter.disconnect_socket(sid, close, time(now))
        })
    }

    /// Calls the listeners of the other servers with a list in JSON, or `raw`, in MessagePack.
    #[wasm_bindgen(js_name = serverSideEmit)]
    pub fn server_side_emit(&mut self, adapter: usize, length: usize, raw: bool) {
        let Self { adapters, input, .. } = self;
        if let (Some(adapter), Some(data)) = (adapters.get_mut(&adapter), value(input, length, raw))
        {
            adapter.server_side_emit(data);
        }
    }

    /// As [`server_side_emit`](Self::server_side_emit), and waits for them to call back.
    #[wasm_bindgen(js_name = serverSideEmitWithAck)]
    pub fn server_side_emit_with_ack(
        &mut self,
        adapter: usize,
        length: usize,
        raw: bool,
        now: f64,
    ) -> u32 {
        let Self { adapters, input, .. } = self;
        match (adapters.get_mut(&adapter), value(input, length, raw)) {
            (Some(adapter), Some(data)) => adapter.server_side_emit_with_ack(data, None, time(now)),
            _ => 0,
        }
    }

    /// Redis has counted the servers: one number for each channel.
    #[wasm_bindgen(js_name = handleCount)]
    pub fn handle_count(&mut self, adapter: usize, request: Option<u32>, counts: &[u32], now: f64) {
        if let Some(adapter) = self.adapters.get_mut(&adapter) {
            adapter.handle_count(request, counts, time(now));
        }
    }

    /// Redis could not count the servers.
    #[wasm_bindgen(js_name = handleCountFailed)]
    pub fn handle_count_failed(&mut self, adapter: usize, request: Option<u32>, now: f64) {
        if let Some(adapter) = self.adapters.get_mut(&adapter) {
            adapter.handle_count_failed(request, time(now));
        }
    }

    /// Sockets are described, as a list in JSON or, `raw`, in MessagePack, for the server that `reply` leads to.
    #[wasm_bindgen(js_name = handleDescribed)]
    pub fn handle_described(
        &mut self,
        adapter: usize,
        reply: JsValue,
        length: usize,
        raw: bool,
    ) -> Result<(), JsValue> {
        let reply: Reply = serde_wasm_bindgen::from_value(reply)?;
        let Self { adapters, input, .. } = self;
        if let (Some(adapter), Some(sockets)) =
            (adapters.get_mut(&adapter), value(input, length, raw))
        {
            adapter.handle_described(reply, sockets);
        }
        Ok(())
    }

    /// A listener called back, with a value in JSON, `raw` in MessagePack, or (no length) with none.
    #[wasm_bindgen(js_name = handleCalledBack)]
    pub fn handle_called_back(
        &mut self,
        adapter: usize,
        reply: JsValue,
        length: Option<usize>,
        raw: bool,
    ) -> Result<(), JsValue> {
        let reply: Reply = serde_wasm_bindgen::from_value(reply)?;
        let Self { adapters, input, .. } = self;
        if let Some(adapter) = adapters.get_mut(&adapter) {
            let value = length.and_then(|length| value(input, length, raw));
            adapter.handle_called_back(reply, value);
        }
        Ok(())
    }

    /// An event was sent to so many clients, which are to acknowledge it.
    #[wasm_bindgen(js_name = handleSent)]
    pub fn handle_sent(&mut self, adapter: usize, token: u32, clients: u32) {
        if let Some(adapter) = self.adapters.get_mut(&adapter) {
            adapter.handle_sent(token, clients);
        }
    }

    /// A client acknowledged, with a value in MessagePack or with none.
    #[wasm_bindgen(js_name = handleAcknowledged)]
    pub fn handle_acknowledged(&mut self, adapter: usize, token: u32, value: Option<Vec<u8>>) {
        if let Some(adapter) = self.adapters.get_mut(&adapter) {
            adapter.handle_acknowledged(token, value.as_deref());
        }
    }
}

impl Core {
    /// Calls an adapter with the id of a socket and a room from the input.
    fn about_one(
        &mut self,
        adapter: usize,
        length: usize,
        ask: impl FnOnce(&mut Adapter, &[u8], Room<'_>) -> u32,
    ) -> Result<u32, JsValue> {
        let refused = || error::coded("ERR_INVALID_SOCKET_ID", "the id of a socket is a string");
        self.named(adapter, [1, 1, 0], length, |adapter, sid, room, _| match (sid, room) {
            ([Room::Text(sid)], [room]) => Some(ask(adapter, sid, *room)),
            _ => None,
        })
        .ok_or_else(refused)
    }

    /// Calls an adapter with three lists of names from the input.
    fn named<T: Default>(
        &mut self,
        adapter: usize,
        [first, second, third]: [usize; 3],
        length: usize,
        call: impl FnOnce(&mut Adapter, &[Room<'_>], &[Room<'_>], &[Room<'_>]) -> T,
    ) -> T {
        let Self { adapters, input, .. } = self;
        let (Some(adapter), Some(names)) = (adapters.get_mut(&adapter), input.get(..length)) else {
            return T::default();
        };
        let mut names = Names::new(names);
        match (names.take(first), names.take(second), names.take(third)) {
            (Some(first), Some(second), Some(third)) => call(adapter, &first, &second, &third),
            _ => T::default(),
        }
    }
}

/// The value in the first `length` bytes of the input: JSON, or `raw`, MessagePack.
fn value(input: &[u8], length: usize, raw: bool) -> Option<Data<'_>> {
    let bytes = input.get(..length)?;
    Some(if raw { Data::MessagePack(bytes) } else { Data::json(bytes) })
}
