//! The boundary to JavaScript: it converts, and decides nothing.
//!
//! The packet path is raw. The host writes into the input buffer ([`Core::input`]), calls
//! [`Core::receive`] or [`Core::broadcast`] with lengths, and finds the outcome in a fixed array
//! of numbers ([`Core::results`]) that hold addresses in WebAssembly memory. Nothing is allocated
//! for a call, and no JavaScript object is touched. What is rarer has ordinary typed methods.
//!
//! Addresses hold until the next call; a view of the memory is void once the memory has grown.

mod error;
mod names;
mod value;

use std::collections::BTreeMap;
use std::ops::Range;

use js_sys::{Array, Function, Object};
use slab::Slab;
use wasm_bindgen::prelude::*;

use crate::adapter::{
    Adapter, Body, BroadcastCommand, ClientProtocol, Delivery, Dropped, Received,
};
use crate::id::{Namespace, Uid};
use crate::options::{Options, Value};
use crate::packet::{self, Encoded};
use crate::rooms::NameId;
use crate::time::Time;

use names::Names;

/// Where in [`Core::results`] each figure stands; `boundary.ts` has the same list.
///
/// Addresses are of WebAssembly memory, lengths in bytes unless the name says otherwise.
#[derive(Clone, Copy)]
enum Slot {
    /// Address of the list that the last call filled, of 32-bit numbers.
    List,
    Frame,
    FrameLength,
    /// Address of the packet's text, which ends where its frame does.
    Text,
    Channel,
    ChannelLength,
    /// Address of the message to be published; 0 if there is none.
    Message,
    MessageLength,
    /// Bit 0: volatile; bit 1: compress is set; bit 2: compress.
    Flags,
    /// Where the packet's data starts in the payload that was received.
    Data,
    /// Address of pairs of start and end in the payload that was received.
    Attachments,
    AttachmentCount,
    /// One more than the last.
    Count,
}

/// What [`Core::receive`] answers for a message that it dropped.
const ECHO: i32 = -1;
const FOREIGN: i32 = -2;
const UNWANTED: i32 = -3;
const MALFORMED: i32 = -4;

/// The largest buffer that is kept between messages, in bytes.
const KEPT: usize = 1 << 18;

/// Every adapter of one JavaScript process, and the buffers they share.
#[wasm_bindgen]
pub struct Core {
    adapters: Slab<Adapter>,
    input: Vec<u8>,
    output: Vec<u8>,
    list: Vec<u32>,
    attachments: Vec<Range<usize>>,
    attachment_list: Vec<u32>,
    results: [u32; Slot::Count as usize],
    /// Why the last message was malformed, or the last broadcast was not published.
    reason: String,
}

#[wasm_bindgen]
impl Core {
    /// A core without adapters.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::new_without_default, reason = "JavaScript makes it")]
    pub fn new() -> Self {
        console_error_panic_hook::set_once();
        Self {
            adapters: Slab::new(),
            input: Vec::new(),
            output: Vec::new(),
            list: Vec::new(),
            attachments: Vec::new(),
            attachment_list: Vec::new(),
            results: [0; Slot::Count as usize],
            reason: String::new(),
        }
    }

    /// The address of the input buffer, which holds at least `length` bytes after this call.
    pub fn input(&mut self, length: usize) -> usize {
        if self.input.len() < length {
            self.input.resize(length.next_power_of_two(), 0);
        }
        self.input.as_ptr() as usize
    }

    /// How many bytes the input buffer holds.
    #[wasm_bindgen(js_name = inputLength)]
    pub fn input_length(&self) -> usize {
        self.input.len()
    }

    /// The address of the array of results.
    pub fn results(&self) -> usize {
        self.results.as_ptr() as usize
    }

    /// How many bytes in front of a packet's text the input must leave free.
    pub fn headroom() -> usize {
        packet::HEADROOM
    }

    /// Gives back what a huge message made the buffers grow to; the input buffer has moved then.
    pub fn shrink(&mut self) {
        for buffer in [&mut self.input, &mut self.output] {
            buffer.truncate(KEPT);
            buffer.shrink_to(KEPT);
        }
    }

    // --- packet path -------------------------------------------------------------------------

    /// Takes the message in the first `length` bytes of the input.
    ///
    /// Gives the number of sockets that want it (their ids are in the list), or why it was dropped.
    pub fn receive(&mut self, adapter: usize, length: usize) -> i32 {
        let Self {
            adapters,
            input,
            output,
            attachments,
            reason,
            ..
        } = self;
        let (Some(adapter), Some(payload)) = (adapters.get_mut(adapter), input.get(..length))
        else {
            return MALFORMED;
        };
        let delivery = match adapter.handle_message(payload, output, attachments) {
            Received::Delivery(delivery) => delivery,
            Received::Dropped(Dropped::Echo) => return ECHO,
            Received::Dropped(Dropped::Foreign) => return FOREIGN,
            Received::Dropped(Dropped::Unwanted) => return UNWANTED,
            Received::Dropped(Dropped::Malformed(error)) => {
                *reason = format!("{} ({})", error, error.code());
                return MALFORMED;
            }
        };
        let targets = adapter.targets();
        let (list, count) = (targets.as_ptr() as u32, targets.len() as i32);
        self.set(Slot::List, list);
        self.set_delivery(&delivery);
        count
    }

    /// Whether a message on the channel in the first `length` bytes of the input can concern a
    /// socket here.
    pub fn wants(&mut self, adapter: usize, length: usize) -> bool {
        match (self.adapters.get_mut(adapter), self.input.get(..length)) {
            (Some(adapter), Some(channel)) => adapter.handle_channel(channel),
            _ => false,
        }
    }

    /// Broadcasts an event, gives the number of its sockets here (their ids are in the list).
    ///
    /// The input holds: `headroom` free bytes, the packet's text (or, `raw`, its data as
    /// MessagePack), the names of its rooms and of the excepted ones (see `names`), its flags as
    /// JSON, the length of each attachment as four bytes (little-endian), the attachments.
    #[allow(
        clippy::too_many_arguments,
        reason = "numbers cost nothing to pass, an object does"
    )]
    pub fn broadcast(
        &mut self,
        adapter: usize,
        text_length: usize,
        rooms: usize,
        except: usize,
        names_length: usize,
        flags_length: usize,
        attachments: usize,
        raw: bool,
        local: bool,
    ) -> i32 {
        let start = packet::HEADROOM;
        let text = start..start.saturating_add(text_length);
        let names = text.end..text.end.saturating_add(names_length);
        let flags = names.end..names.end.saturating_add(flags_length);
        self.set(Slot::Message, 0);
        let Some(adapter) = self.adapters.get_mut(adapter) else {
            return 0;
        };
        let input = &self.input;
        let piece = |range: Range<usize>| input.get(range).unwrap_or_default();
        let attached = split_attachments(piece(flags.end..input.len()), attachments);
        let mut names = Names::new(piece(names));
        let (rooms, except) = (names.take(rooms), names.take(except));
        let body = if raw {
            Body::MessagePack(piece(text.clone()))
        } else {
            Body::Text {
                packet: piece(text.clone()),
                attachments: &attached,
            }
        };
        let command = BroadcastCommand {
            body,
            rooms: &rooms,
            except: &except,
            flags: piece(flags),
            local,
        };
        let sent = adapter.broadcast(command, &mut self.output);
        let targets = adapter.targets();
        let (list, count) = (targets.as_ptr() as u32, targets.len() as i32);
        self.set(Slot::List, list);
        match sent {
            Ok(Some(sent)) => {
                let output = self.output.as_ptr() as u32;
                self.set(Slot::Channel, output + sent.channel.start as u32);
                self.set(Slot::ChannelLength, sent.channel.len() as u32);
                self.set(Slot::Message, output + sent.message.start as u32);
                self.set(Slot::MessageLength, sent.message.len() as u32);
            }
            Ok(None) => {}
            Err(error) => self.reason = format!("{} ({})", error, error.code()),
        }
        if count > 0 && !raw {
            let encoded = packet::frame_around(&mut self.input, text);
            let address = self.input.as_ptr() as u32;
            self.set_encoded(address, encoded.as_ref());
        }
        count
    }

    /// Finds the sockets of rooms less those of others, as named in the first bytes of the input;
    /// gives their number (their ids are in the list). No rooms: all sockets.
    pub fn find(&mut self, adapter: usize, rooms: usize, except: usize, length: usize) -> i32 {
        let (Some(adapter), Some(names)) =
            (self.adapters.get_mut(adapter), self.input.get(..length))
        else {
            return 0;
        };
        let mut names = Names::new(names);
        let (rooms, except) = (names.take(rooms), names.take(except));
        adapter.find_targets(
            rooms.iter().copied(),
            rooms.is_empty(),
            except.iter().copied(),
        );
        let targets = adapter.targets();
        let (list, count) = (targets.as_ptr() as u32, targets.len() as i32);
        self.set(Slot::List, list);
        count
    }

    // --- rooms -------------------------------------------------------------------------------

    /// The id of the name in the first `length` bytes of the input, made if it has none.
    pub fn intern(&mut self, adapter: usize, length: usize) -> u32 {
        let mut canonical = Vec::with_capacity(length);
        if let Some([room]) = self
            .input
            .get(..length)
            .map(|name| Names::new(name).take(1))
            .as_deref()
        {
            room.write(&mut canonical);
        }
        let adapter = self.adapters.get_mut(adapter);
        adapter.map_or(u32::MAX, |adapter| {
            adapter.rooms_mut().intern(&canonical).index() as u32
        })
    }

    /// Makes a name a socket's: it is connected, in no room yet.
    pub fn connect(&mut self, adapter: usize, socket: u32) {
        if let Some(adapter) = self.adapters.get_mut(adapter) {
            adapter.rooms_mut().connect(NameId::from_index(socket));
        }
    }

    /// Puts a socket into a room. Bit 0: it was not in it; bit 1: the room is new.
    pub fn join(&mut self, adapter: usize, socket: u32, room: u32) -> u32 {
        let Some(adapter) = self.adapters.get_mut(adapter) else {
            return 0;
        };
        let joined = adapter
            .rooms_mut()
            .join(NameId::from_index(socket), NameId::from_index(room));
        u32::from(joined.joined) | u32::from(joined.created) << 1
    }

    /// Takes a socket out of a room. Bit 0: it was in it; bit 1: the room is gone; bit 2: its id
    /// is free.
    pub fn leave(&mut self, adapter: usize, socket: u32, room: u32) -> u32 {
        let Some(adapter) = self.adapters.get_mut(adapter) else {
            return 0;
        };
        let left = adapter
            .rooms_mut()
            .leave(NameId::from_index(socket), NameId::from_index(room));
        u32::from(left.left) | u32::from(left.deleted) << 1 | u32::from(left.freed) << 2
    }

    /// Takes a socket out of all its rooms and forgets it; gives how many rooms it left. The list
    /// holds each room's id and the bits of [`leave`](Self::leave), then 1 if the socket's own id
    /// is free.
    pub fn disconnect(&mut self, adapter: usize, socket: u32) -> u32 {
        let list = &mut self.list;
        list.clear();
        let Some(adapter) = self.adapters.get_mut(adapter) else {
            return 0;
        };
        let freed = adapter
            .rooms_mut()
            .disconnect(NameId::from_index(socket), |room, left| {
                let bits = u32::from(left.left)
                    | u32::from(left.deleted) << 1
                    | u32::from(left.freed) << 2;
                list.extend([room.index() as u32, bits]);
            });
        let count = list.len() as u32 / 2;
        list.push(u32::from(freed));
        self.set(Slot::List, self.list.as_ptr() as u32);
        count
    }

    /// Whether a name is a connected socket's.
    #[wasm_bindgen(js_name = isSocket)]
    pub fn is_socket(&self, adapter: usize, id: u32) -> bool {
        self.adapters
            .get(adapter)
            .is_some_and(|adapter| adapter.rooms().is_socket(NameId::from_index(id)))
    }

    /// Whether a socket is in a room.
    pub fn contains(&self, adapter: usize, room: u32, socket: u32) -> bool {
        let (room, socket) = (NameId::from_index(room), NameId::from_index(socket));
        self.adapters
            .get(adapter)
            .is_some_and(|adapter| adapter.rooms().contains(room, socket))
    }

    /// The number of sockets in a room; 0 if there is no such room.
    #[wasm_bindgen(js_name = memberCount)]
    pub fn member_count(&self, adapter: usize, room: u32) -> usize {
        self.adapters.get(adapter).map_or(0, |adapter| {
            adapter.rooms().member_count(NameId::from_index(room))
        })
    }

    /// The number of rooms.
    #[wasm_bindgen(js_name = roomCount)]
    pub fn room_count(&self, adapter: usize) -> usize {
        self.adapters
            .get(adapter)
            .map_or(0, |adapter| adapter.rooms().room_count())
    }

    /// The number of sockets.
    #[wasm_bindgen(js_name = socketCount)]
    pub fn socket_count(&self, adapter: usize) -> usize {
        self.adapters
            .get(adapter)
            .map_or(0, |adapter| adapter.rooms().socket_count())
    }

    /// Lists the sockets in a room; gives their number.
    pub fn members(&mut self, adapter: usize, room: u32) -> usize {
        self.enumerate(adapter, |adapter, list| {
            list.extend(
                adapter
                    .rooms()
                    .members(NameId::from_index(room))
                    .map(|id| id.index() as u32),
            );
        })
    }

    /// Lists the rooms that a socket is in, in the order joined; gives their number.
    #[wasm_bindgen(js_name = roomsOf)]
    pub fn rooms_of(&mut self, adapter: usize, socket: u32) -> usize {
        self.enumerate(adapter, |adapter, list| {
            list.extend(
                adapter
                    .rooms()
                    .rooms_of(NameId::from_index(socket))
                    .map(|id| id.index() as u32),
            );
        })
    }

    // --- everything rarer --------------------------------------------------------------------

    /// Makes the adapter of a namespace; gives its handle.
    ///
    /// `text`: whether clients speak the default parser's protocol. Throws an `Error` with a
    /// `code` for a bad option or namespace.
    pub fn open(&mut self, nsp: &str, options: &JsValue, text: bool) -> Result<usize, JsValue> {
        let options = Options::parse(&option_values(options))
            .map_err(|error| error::coded(error.code(), &error.to_string()))?;
        let nsp = Namespace::parse(nsp)
            .map_err(|error| error::coded(error.code(), &error.to_string()))?;
        let uid = Uid::from_random(random()?);
        let protocol = if text {
            ClientProtocol::Text
        } else {
            ClientProtocol::Custom
        };
        let seed = u64::from_le_bytes(random()?);
        let adapter = Adapter::new(uid, nsp, options, protocol, seed);
        Ok(self.adapters.insert(adapter))
    }

    /// Forgets a closed adapter; its handle may be given to another.
    pub fn dispose(&mut self, adapter: usize) {
        self.adapters.try_remove(adapter);
    }

    /// The adapter's name among the servers of the cluster.
    pub fn uid(&self, adapter: usize) -> Option<String> {
        self.adapters
            .get(adapter)
            .map(|adapter| adapter.uid().to_string())
    }

    /// The prefix of every channel: the option `key`.
    pub fn key(&self, adapter: usize) -> Option<String> {
        self.adapters
            .get(adapter)
            .map(|adapter| adapter.options().key.clone())
    }

    /// The channel of broadcasts that are not to exactly one room.
    pub fn channel(&self, adapter: usize) -> Option<String> {
        let adapter = self.adapters.get(adapter)?;
        Some(adapter.channels().broadcast().to_owned())
    }

    /// The option `requestsTimeout`, in milliseconds.
    #[wasm_bindgen(js_name = requestsTimeout)]
    pub fn requests_timeout(&self, adapter: usize) -> Option<f64> {
        let adapter = self.adapters.get(adapter)?;
        Some(adapter.options().requests_timeout.as_millis() as f64)
    }

    /// Whether messages of other servers are known to arrive.
    #[wasm_bindgen(js_name = isSubscribed)]
    pub fn is_subscribed(&self, adapter: usize) -> bool {
        self.adapters
            .get(adapter)
            .is_some_and(Adapter::is_subscribed)
    }

    /// The counters, as an object of numbers.
    pub fn stats(&self, adapter: usize) -> Result<JsValue, JsValue> {
        let stats = self
            .adapters
            .get(adapter)
            .map(|adapter| *adapter.stats())
            .unwrap_or_default();
        Ok(serde_wasm_bindgen::to_value(&stats)?)
    }

    /// Why the last message was malformed, or the last broadcast was not published.
    pub fn reason(&self) -> String {
        self.reason.clone()
    }

    /// Gives up the adapter's subscription.
    pub fn close(&mut self, adapter: usize) {
        self.adapters.get_mut(adapter).map(Adapter::close);
    }

    /// The subscribing connection is ready, for the first time or again.
    #[wasm_bindgen(js_name = handleReady)]
    pub fn handle_ready(&mut self, adapter: usize) {
        self.adapters.get_mut(adapter).map(Adapter::handle_ready);
    }

    /// The subscribing connection is lost.
    #[wasm_bindgen(js_name = handleLost)]
    pub fn handle_lost(&mut self, adapter: usize) {
        self.adapters.get_mut(adapter).map(Adapter::handle_lost);
    }

    /// Redis confirmed the subscription.
    #[wasm_bindgen(js_name = handleConfirmed)]
    pub fn handle_confirmed(&mut self, adapter: usize) {
        self.adapters
            .get_mut(adapter)
            .map(Adapter::handle_confirmed);
    }

    /// The subscription was refused. `now` is in milliseconds of the host's monotonic clock.
    #[wasm_bindgen(js_name = handleRefused)]
    pub fn handle_refused(&mut self, adapter: usize, now: f64) {
        if let Some(adapter) = self.adapters.get_mut(adapter) {
            adapter.handle_refused(time(now));
        }
    }

    /// The time that `pollTimeout` gave has come.
    #[wasm_bindgen(js_name = handleTimeout)]
    pub fn handle_timeout(&mut self, adapter: usize, now: f64) {
        if let Some(adapter) = self.adapters.get_mut(adapter) {
            adapter.handle_timeout(time(now));
        }
    }

    /// What to do next, as `{ type, … }` (see [`Output`](crate::adapter::Output)), or `undefined`.
    #[wasm_bindgen(js_name = pollOutput)]
    pub fn poll_output(&mut self, adapter: usize, now: f64) -> Result<JsValue, JsValue> {
        let output = self
            .adapters
            .get_mut(adapter)
            .and_then(|adapter| adapter.poll_output(time(now)));
        Ok(serde_wasm_bindgen::to_value(&output)?)
    }

    /// When to call `handleTimeout`, in milliseconds of the host's clock; `undefined` for never.
    #[wasm_bindgen(js_name = pollTimeout)]
    pub fn poll_timeout(&self, adapter: usize) -> Option<f64> {
        let time = self.adapters.get(adapter)?.poll_timeout()?;
        Some(time.as_millis() as f64)
    }

    // --- helpers of the packet path ------------------------------------------------------------

    fn set(&mut self, slot: Slot, value: u32) {
        if let Some(place) = self.results.get_mut(slot as usize) {
            *place = value;
        }
    }
}

impl Core {
    fn set_delivery(&mut self, delivery: &Delivery) {
        let flags = delivery.flags;
        let compress = flags
            .compress
            .map_or(0, |compress| 2 | u32::from(compress) << 2);
        self.set(Slot::Flags, u32::from(flags.volatile) | compress);
        self.set(Slot::Data, delivery.data as u32);
        let output = self.output.as_ptr() as u32;
        self.set_encoded(output, delivery.encoded.as_ref());
        self.attachment_list.clear();
        let places = self
            .attachments
            .iter()
            .flat_map(|place| [place.start as u32, place.end as u32]);
        self.attachment_list.extend(places);
        self.set(Slot::Attachments, self.attachment_list.as_ptr() as u32);
        self.set(Slot::AttachmentCount, self.attachments.len() as u32);
    }

    fn set_encoded(&mut self, address: u32, encoded: Option<&Encoded>) {
        let Some(Encoded { frame, text }) = encoded else {
            return self.set(Slot::Frame, 0);
        };
        self.set(Slot::Frame, address + frame.start as u32);
        self.set(Slot::FrameLength, frame.len() as u32);
        self.set(Slot::Text, address + text.start as u32);
    }

    fn enumerate(&mut self, adapter: usize, fill: impl FnOnce(&Adapter, &mut Vec<u32>)) -> usize {
        self.list.clear();
        if let Some(adapter) = self.adapters.get(adapter) {
            fill(adapter, &mut self.list);
        }
        self.set(Slot::List, self.list.as_ptr() as u32);
        self.list.len()
    }
}

/// The data of a packet, given as MessagePack, as JavaScript values: what the published adapters'
/// decoder makes of it. `bytes` makes what stands for binary data out of a `Uint8Array`.
///
/// Throws an `Error` with a `code` if it is no MessagePack.
#[wasm_bindgen]
pub fn decode(data: &[u8], bytes: &Function) -> Result<JsValue, JsValue> {
    value::decode(data, bytes).map_err(|error| error::coded(error.code(), &error.to_string()))
}

/// JavaScript values as MessagePack: what notepack.io 3.0.1 makes of them.
///
/// Throws an `Error` with a `code` for what has no form there: a function, a symbol, a bigint, a
/// cycle.
#[wasm_bindgen]
pub fn encode(value: &JsValue) -> Result<Vec<u8>, JsValue> {
    value::encode(value)
}

/// Bytes that nobody can predict.
fn random<const N: usize>() -> Result<[u8; N], JsValue> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| error::coded("ERR_NO_RANDOMNESS", &error.to_string()))?;
    Ok(bytes)
}

fn time(now: f64) -> Time {
    Time::from_millis(now as u64)
}

/// The lengths and then the bytes of `count` attachments.
fn split_attachments(bytes: &[u8], count: usize) -> Vec<&[u8]> {
    let Some((lengths, mut rest)) = bytes.split_at_checked(count.saturating_mul(4)) else {
        return Vec::new();
    };
    let (lengths, _) = lengths.as_chunks::<4>();
    let mut attachments = Vec::with_capacity(lengths.len());
    for length in lengths {
        let Some((attachment, more)) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)
        else {
            return attachments;
        };
        attachments.push(attachment);
        rest = more;
    }
    attachments
}

fn option_values(options: &JsValue) -> BTreeMap<String, Value> {
    let Some(options) = options.dyn_ref::<Object>() else {
        return BTreeMap::new();
    };
    Object::entries(options)
        .iter()
        .filter_map(|entry| {
            let entry = Array::from(&entry);
            Some((entry.get(0).as_string()?, option_value(&entry.get(1))))
        })
        .collect()
}

fn option_value(value: &JsValue) -> Value {
    if value.is_undefined() || value.is_null() {
        Value::Absent
    } else if let Some(flag) = value.as_bool() {
        Value::Bool(flag)
    } else if let Some(number) = value.as_f64() {
        Value::Number(number)
    } else {
        value.as_string().map_or(Value::Other, Value::Text)
    }
}
