//! The classic dialect: what @socket.io/redis-adapter 6-8, socket.io-redis 5-6 and the emitters
//! say to each other over PUBLISH.
//!
//! Broadcasts are here, what servers ask each other and answer in [`request`] and [`response`].

mod data;
mod reading;
pub mod request;
pub mod response;
mod writing;

pub use data::Data;
pub use reading::{Broadcast, BroadcastError, Incoming, read_broadcast, read_broadcast_whole};
pub use response::Reply;
pub use writing::{write_broadcast, write_probe};

use serde::Serialize;

use crate::json;
use crate::msgpack::{self, DecodeError, Kind, Reader};
use crate::room::Room;
use crate::transcode::{Outside, json_to_msgpack, msgpack_to_json};

/// The event names that socket.io-parser 4.2 refuses; its client then disconnects.
pub(crate) const RESERVED_EVENTS: [&[u8]; 6] = [
    b"connect",
    b"connect_error",
    b"disconnect",
    b"disconnecting",
    b"newListener",
    b"removeListener",
];

/// A list of room names, read as it is walked over.
#[derive(Clone, Debug)]
pub struct Names<'a> {
    reader: Reader<'a>,
    left: u32,
}

impl<'a> Names<'a> {
    /// No names.
    pub const EMPTY: Self = Self { reader: Reader::new(&[]), left: 0 };

    /// The names in a list that [`list`] wrote.
    pub fn of(list: &'a [u8]) -> Self {
        read_names(&mut Reader::new(list)).unwrap_or(Self::EMPTY)
    }

    /// The one name that these bytes are.
    const fn one(name: &'a [u8]) -> Self {
        Self { reader: Reader::new(name), left: 1 }
    }

    /// Whether the list names nothing at all.
    pub const fn is_empty(&self) -> bool {
        self.left == 0
    }

    fn write_list(&self, out: &mut Vec<u8>) {
        write_names(out, self.clone().count(), self.clone());
    }

    /// Writes the list as `JSON.stringify` does.
    fn write_json_list(&self, out: &mut Vec<u8>) {
        let mut list = Vec::new();
        self.write_list(&mut list);
        // What was just written can be read.
        let _ = msgpack_to_json(&mut Reader::new(&list), out, &mut Vec::new());
    }

    /// Writes the first name as `JSON.stringify` does.
    fn write_json_first(&self, out: &mut Vec<u8>) {
        let mut name = Vec::new();
        self.clone().next().unwrap_or(Room::Null).write(&mut name);
        let _ = msgpack_to_json(&mut Reader::new(&name), out, &mut Vec::new());
    }
}

/// A list of names, for [`Names::of`].
pub fn list<'a>(names: impl ExactSizeIterator<Item = Room<'a>>) -> Vec<u8> {
    let mut out = Vec::new();
    write_names(&mut out, names.len(), names);
    out
}

/// Writes a list of so many names.
fn write_names<'a>(out: &mut Vec<u8>, count: usize, names: impl Iterator<Item = Room<'a>>) {
    msgpack::write_array_header(out, u32::try_from(count).unwrap_or(u32::MAX));
    for name in names {
        name.write(out);
    }
}

/// The longest message in JSON, in bytes. In a longer one there may be more values than an array of V8 holds, and
/// what it becomes may be more than WebAssembly has memory for: both end the process, whoever catches what.
pub const LONGEST_JSON: usize = 1 << 27;

/// A message as MessagePack: the bytes themselves, or what they say if they are JSON, written to
/// `converted`.
///
/// What begins as an object or a list in JSON would be a mere number in MessagePack, so nothing is both.
///
/// # Errors
/// [`json::DecodeError`] if the text is not JSON.
pub fn to_messagepack<'a>(
    message: &'a [u8],
    converted: &'a mut Vec<u8>,
) -> Result<&'a [u8], json::DecodeError> {
    converted.clear();
    if !is_json(message) {
        return Ok(message);
    }
    if message.len() > LONGEST_JSON {
        return Err(json::DecodeError::TooLong);
    }
    json_to_msgpack(message, Outside::default(), converted)?;
    Ok(converted)
}

/// Whether a message is JSON.
pub const fn is_json(message: &[u8]) -> bool {
    matches!(message, [b'{' | b'[', ..])
}

impl<'a> Iterator for Names<'a> {
    type Item = Room<'a>;

    /// The next value that can name a room. (socket.io-emitter 3 sends `[["a", "b"]]` for
    /// `to(["a", "b"])`: a list that names nothing.)
    fn next(&mut self) -> Option<Room<'a>> {
        while let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            if let Ok(Some(room)) = Room::read(&mut self.reader) {
                return Some(room);
            }
        }
        None
    }
}

/// The flags of a broadcast that concern its delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flags {
    /// Whether a client that is not ready to be written to may miss it.
    pub volatile: bool,
    /// Whether transports may compress it; unset means yes.
    pub compress: Option<bool>,
}

/// Passes a value that says that there is none.
fn pass_absent(reader: &mut Reader<'_>) -> bool {
    reader.pass(b"\xc0") || pass_undefined(reader)
}

/// Passes `undefined` as notepack.io 2 writes it, with @socket.io/redis-adapter 7 and older.
fn pass_undefined(reader: &mut Reader<'_>) -> bool {
    reader.pass(b"\xd4\x00\x00")
}

fn read_names<'a>(reader: &mut Reader<'a>) -> Result<Names<'a>, DecodeError> {
    let left = if pass_absent(reader) { 0 } else { reader.array()? };
    let names = Names { reader: reader.clone(), left };
    for _ in 0..left {
        reader.skip()?;
    }
    Ok(names)
}

pub(crate) fn read_flags(reader: &mut Reader<'_>) -> Result<Flags, DecodeError> {
    let mut flags = Flags::default();
    if pass_absent(reader) {
        return Ok(flags);
    }
    for _ in 0..reader.map()? {
        let name = reader.str()?;
        let value = if reader.peek()? == Kind::Bool {
            Some(reader.bool()?)
        } else {
            reader.skip()?;
            None
        };
        match name {
            b"volatile" => flags.volatile = value == Some(true),
            b"compress" => flags.compress = value,
            _ => {}
        }
    }
    Ok(flags)
}

/// The heads and names of the members in the order of @socket.io/redis-adapter 6-8; the emitters have
/// the opts in other orders. Writing puts them down whole, reading passes over them whole: going
/// through them value by value took a third of the time of a message that nobody wants.
const PACKET_TO_DATA: [u8; 12] = *b"\x83\xa4type\x02\xa4data";
const NSP: [u8; 4] = *b"\xa3nsp";
const OPTS_TO_ROOMS: [u8; 7] = *b"\x83\xa5rooms";
const EXCEPT: [u8; 7] = *b"\xa6except";
const FLAGS: [u8; 6] = *b"\xa5flags";
/// The opts of a broadcast to everybody.
const OPTS_FOR_ALL: [u8; 23] = *b"\x83\xa5rooms\x90\xa6except\x90\xa5flags\x80";
/// The opts from the rooms to the end, for a broadcast with no excepted rooms and no flags.
const NO_EXCEPT_NO_FLAGS: [u8; 15] = *b"\xa6except\x90\xa5flags\x80";
