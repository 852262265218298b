//! The boundary to JavaScript: it converts, and decides nothing.
//!
//! The packet path is raw. The host writes into the input buffer ([`Core::input`]), calls
//! [`Core::receive`] or [`Core::broadcast`] with lengths, and finds the outcome in a fixed array
//! of numbers ([`Core::results`]) that hold addresses in WebAssembly memory. Nothing is allocated
//! for a call, and no JavaScript object is touched. What is rarer has ordinary typed methods.
//!
//! Addresses hold until the next call; a view of the memory is void once the memory has grown.

mod error;
mod lifecycle;
mod names;
mod packets;
mod requests;
mod rooms;
mod value;

use std::ops::Range;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use js_sys::Function;
use wasm_bindgen::prelude::*;

use crate::adapter::Adapter;
use crate::packet;

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
    /// Bit 0: volatile; bit 1: compress is set; bit 2: compress; bit 3: the message was JSON.
    Flags,
    /// Where the packet's data starts in the payload that was received.
    Data,
    /// Address of pairs of start and end in the payload that was received.
    Attachments,
    AttachmentCount,
    /// The number of the request that the last broadcast with acknowledgements made.
    Request,
    /// One more than the last.
    Count,
}

/// The largest buffer that is kept between messages, in bytes.
const KEPT: usize = 1 << 18;

/// The longest input, in bytes: Redis takes no longer strings.
const LONGEST_INPUT: usize = 512 << 20;

/// Every adapter of one JavaScript process, and the buffers they share.
#[wasm_bindgen]
pub struct Core {
    /// By handle; none is given twice.
    adapters: HashMap<usize, Adapter, FixedState>,
    last_handle: usize,
    input: Vec<u8>,
    output: Vec<u8>,
    /// A packet's text with the strings in its holes.
    text: Vec<u8>,
    list: Vec<u32>,
    /// The canonical form of the name that is being interned.
    name: Vec<u8>,
    attachments: Vec<Range<usize>>,
    attachment_list: Vec<u32>,
    results: [u32; Slot::Count as usize],
    /// Why the last message was malformed, or the last broadcast was not published.
    reason: String,
    /// Makes what stands for binary data out of a `Uint8Array`.
    bytes: Function,
    /// The data of the last message, if clients have a custom parser and nobody took it yet.
    data: JsValue,
}

#[wasm_bindgen]
impl Core {
    /// A core without adapters. `bytes` makes what stands for binary data in decoded values out of
    /// a `Uint8Array`; it must not call the core.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: Function) -> Self {
        console_error_panic_hook::set_once();
        Self {
            adapters: HashMap::with_hasher(FixedState::with_seed(0)),
            last_handle: 0,
            input: Vec::new(),
            output: Vec::new(),
            text: Vec::new(),
            list: Vec::new(),
            name: Vec::new(),
            attachments: Vec::new(),
            attachment_list: Vec::new(),
            results: [0; Slot::Count as usize],
            reason: String::new(),
            bytes,
            data: JsValue::UNDEFINED,
        }
    }

    /// The address of the input buffer, which holds at least `length` bytes after this call.
    ///
    /// Throws an `Error` with the code `ERR_TOO_LARGE` for more than WebAssembly's memory can hold.
    pub fn input(&mut self, length: usize) -> Result<usize, JsValue> {
        let more = length.saturating_sub(self.input.len());
        if length > LONGEST_INPUT || self.input.try_reserve(more).is_err() {
            let message = format!("{length} bytes are more than one message can have");
            return Err(error::coded("ERR_TOO_LARGE", &message));
        }
        if more > 0 {
            self.input.resize(length.next_power_of_two().min(LONGEST_INPUT), 0);
        }
        Ok(self.input.as_ptr() as usize)
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

    /// The data of a packet, given as MessagePack, as JavaScript values: what the published
    /// adapters' decoder makes of it.
    ///
    /// Throws an `Error` with a `code` if it is no MessagePack.
    pub fn decode(&self, data: &[u8]) -> Result<JsValue, JsValue> {
        value::decode(data, &self.bytes)
            .map_err(|error| error::coded(error.code(), &error.to_string()))
    }

    /// How many bytes of a buffer are kept between messages; after a longer one, call `shrink`.
    pub fn kept() -> usize {
        KEPT
    }

    /// Gives back what a huge message made the buffers grow to; the input buffer has moved then.
    pub fn shrink(&mut self) {
        for buffer in [&mut self.input, &mut self.output, &mut self.text] {
            buffer.truncate(KEPT);
            buffer.shrink_to(KEPT);
        }
        self.attachments = Vec::new();
        self.attachment_list = Vec::new();
        for adapter in self.adapters.values_mut() {
            adapter.shrink(KEPT);
        }
    }
}

impl Core {
    fn set(&mut self, slot: Slot, value: u32) {
        if let Some(place) = self.results.get_mut(slot as usize) {
            *place = value;
        }
    }
}

/// JavaScript values as MessagePack: what notepack.io makes of them, `undefined` included.
///
/// Throws an `Error` with a `code` for what has no form there: a function that is no member, a
/// symbol, a bigint, a cycle, more than [`MAX_DEPTH`](crate::msgpack::MAX_DEPTH) containers inside
/// each other.
#[wasm_bindgen]
pub fn encode(value: &JsValue) -> Result<Vec<u8>, JsValue> {
    value::encode(value)
}
