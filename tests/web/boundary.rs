//! The other side of the boundary, as `js/src/boundary.ts` is it: raw memory, and numbers.

use js_sys::{Function, Uint8Array, Uint32Array, WebAssembly::Memory};
use socketio_redis_edge::wasm::Core;
use wasm_bindgen::{JsCast, JsValue};

/// Places in the array of results, as in `boundary.ts`.
pub(crate) const FRAME: u32 = 1;
pub(crate) const FRAME_LENGTH: u32 = 2;
pub(crate) const TEXT: u32 = 3;
pub(crate) const CHANNEL: u32 = 4;
pub(crate) const CHANNEL_LENGTH: u32 = 5;
pub(crate) const MESSAGE: u32 = 6;
pub(crate) const MESSAGE_LENGTH: u32 = 7;
pub(crate) const FLAGS: u32 = 8;
pub(crate) const DATA: u32 = 9;
pub(crate) const ATTACHMENTS: u32 = 10;
pub(crate) const ATTACHMENT_COUNT: u32 = 11;

/// The name of a room as it stands in the input.
pub(crate) fn text(name: &str) -> Vec<u8> {
    let length = u32::try_from(name.len()).expect("a short name");
    [&[0], &length.to_le_bytes()[..], name.as_bytes()].concat()
}

/// A room that is named by a number.
pub(crate) fn number(name: f64) -> Vec<u8> {
    [&[1], &name.to_le_bytes()[..]].concat()
}

/// What is broadcast.
#[derive(Default)]
pub(crate) struct Broadcast<'a> {
    /// The packet's text, or with `raw` its data.
    pub(crate) packet: &'a [u8],
    pub(crate) rooms: &'a [Vec<u8>],
    pub(crate) except: &'a [Vec<u8>],
    pub(crate) flags: &'a str,
    /// The strings in the holes of the text.
    pub(crate) texts: &'a [&'a [u8]],
    pub(crate) attachments: &'a [&'a [u8]],
    pub(crate) raw: bool,
    pub(crate) local: bool,
}

/// A core, and its memory as JavaScript sees it.
pub(crate) struct Boundary {
    pub(crate) core: Core,
    memory: Memory,
}

impl Boundary {
    pub(crate) fn new() -> Self {
        // Binary data stays the array that it is.
        Self::with_binary("return bytes")
    }

    /// A core that makes of binary data what this function body makes of `bytes`.
    pub(crate) fn with_binary(body: &str) -> Self {
        let core = Core::new(Function::new_with_args("bytes", body));
        Self { core, memory: wasm_bindgen::memory().unchecked_into() }
    }

    /// An adapter with the default options.
    pub(crate) fn open(&mut self, nsp: &str, text: bool) -> usize {
        self.core.open(nsp, false, &JsValue::UNDEFINED, text).expect("an adapter")
    }

    /// Writes the input.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        let address = self.core.input(bytes.len()).expect("room for a message") as u32;
        // The view is taken after the call, which may have grown the memory.
        Uint8Array::new_with_byte_offset_and_length(
            &self.memory.buffer(),
            address,
            bytes.len() as u32,
        )
        .copy_from(bytes);
        bytes.len()
    }

    pub(crate) fn receive(&mut self, adapter: usize, payload: &[u8]) -> i32 {
        let length = self.write(payload);
        self.core.receive(adapter, length)
    }

    pub(crate) fn wants(&mut self, adapter: usize, channel: &str) -> bool {
        let length = self.write(channel.as_bytes());
        self.core.wants(adapter, length, 0)
    }

    pub(crate) fn broadcast(&mut self, adapter: usize, broadcast: &Broadcast<'_>) -> i32 {
        let Broadcast { packet, rooms, except, flags, texts, attachments, raw, local } = broadcast;
        let names = [rooms.concat(), except.concat()].concat();
        let outside = [*texts, *attachments].concat();
        let lengths: Vec<u8> =
            outside.iter().flat_map(|bytes| (bytes.len() as u32).to_le_bytes()).collect();
        let input = [
            &vec![0; Core::headroom()],
            *packet,
            &names,
            flags.as_bytes(),
            &lengths,
            &outside.concat(),
        ];
        self.write(&input.concat());
        self.core.broadcast(
            adapter,
            packet.len(),
            rooms.len(),
            except.len(),
            names.len(),
            flags.len(),
            texts.len(),
            attachments.len(),
            *raw,
            *local,
        )
    }

    pub(crate) fn find(
        &mut self,
        adapter: usize,
        rooms: &[Vec<u8>],
        except: &[Vec<u8>],
    ) -> Vec<u32> {
        let length = self.write(&[rooms.concat(), except.concat()].concat());
        let count = self.core.find(adapter, rooms.len(), except.len(), length);
        let mut found = self.list(count as u32);
        found.sort_unstable();
        found
    }

    pub(crate) fn intern(&mut self, adapter: usize, name: &[u8]) -> u32 {
        let length = self.write(name);
        self.core.intern(adapter, length)
    }

    /// Makes a name a connected socket's and gives its id.
    pub(crate) fn connect(&mut self, adapter: usize, sid: &str) -> u32 {
        let length = self.write(&text(sid));
        self.core.connect(adapter, length)
    }

    /// Joins a room and gives the socket's id.
    pub(crate) fn join(&mut self, adapter: usize, sid: &str, room: &[u8]) -> u32 {
        let (socket, room) = (self.intern(adapter, &text(sid)), self.intern(adapter, room));
        self.core.join(adapter, socket, room);
        socket
    }

    /// A result of the last call.
    pub(crate) fn result(&self, place: u32) -> u32 {
        self.words(self.core.results() as u32 + 4 * place, 1)[0]
    }

    /// The list that the last call filled.
    pub(crate) fn list(&self, count: u32) -> Vec<u32> {
        self.words(self.result(0), count)
    }

    /// The bytes whose address and length are these results.
    pub(crate) fn bytes(&self, address: u32, length: u32) -> Vec<u8> {
        let (address, length) = (self.result(address), self.result(length));
        Uint8Array::new_with_byte_offset_and_length(&self.memory.buffer(), address, length).to_vec()
    }

    /// The packet's text in the frame of the last call, the frame checked.
    pub(crate) fn text(&self) -> String {
        let frame = self.bytes(FRAME, FRAME_LENGTH);
        let start = (self.result(TEXT) - self.result(FRAME)) as usize;
        let (head, text) = frame.split_at(start);
        let length = text.len() + 1;
        let header = match length {
            0..126 => vec![0x81, length as u8],
            126..0x1_0000 => [&[0x81, 126], &(length as u16).to_be_bytes()[..]].concat(),
            _ => [&[0x81, 127], &(length as u64).to_be_bytes()[..]].concat(),
        };
        assert_eq!(head, [&header, &b"4"[..]].concat());
        String::from_utf8(text.to_vec()).expect("UTF-8")
    }

    pub(crate) fn channel(&self) -> String {
        String::from_utf8(self.bytes(CHANNEL, CHANNEL_LENGTH)).expect("UTF-8")
    }

    /// What the last broadcast publishes, if it does.
    pub(crate) fn message(&self) -> Option<Vec<u8>> {
        (self.result(MESSAGE) != 0).then(|| self.bytes(MESSAGE, MESSAGE_LENGTH))
    }

    /// The attachments of the last message, which was `payload`.
    pub(crate) fn attachments(&self, payload: &[u8]) -> Vec<Vec<u8>> {
        let count = self.result(ATTACHMENT_COUNT);
        self.words(self.result(ATTACHMENTS), 2 * count)
            .chunks(2)
            .map(|place| payload[place[0] as usize..place[1] as usize].to_vec())
            .collect()
    }

    fn words(&self, address: u32, count: u32) -> Vec<u32> {
        Uint32Array::new_with_byte_offset_and_length(&self.memory.buffer(), address, count).to_vec()
    }
}
