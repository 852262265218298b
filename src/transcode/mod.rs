//! MessagePack to JSON text and back, without building the values.
//!
//! Binary data is no JSON: it leaves a placeholder behind, `{"_placeholder":true,"num":N}` as
//! socket.io-parser 4 writes it, and is the Nth attachment.

mod headers;
mod key_order;
mod stack;
mod to_json;
mod to_msgpack;

#[cfg(feature = "wasm")]
pub(crate) use to_json::timestamp;

use core::ops::Range;

use crate::{json, msgpack};

/// The most attachments of a packet: each costs many times the bytes that announce it, and clients
/// take far fewer.
pub const MAX_ATTACHMENTS: usize = 1 << 16;

/// Writes the reader's next value as JSON text: what `JSON.stringify` writes for the value that
/// notepack.io 3.0.1 decodes.
///
/// - Binary data is appended to `attachments` as a range of the bytes that the reader was made of.
/// - Keys that are numbers, truth values, nil or binary become text, as property names do.
/// - Keys that look like array indices come first, in ascending order, as in every JavaScript
///   object.
/// - A key that comes twice is written twice: parsers keep the last, as notepack does.
/// - Lone surrogates (three bytes each, as in WTF-8) become escapes such as `\ud800`, any other
///   piece that is not UTF-8 becomes U+FFFD.
///
/// On an error the reader, `out` and `attachments` are as they were.
pub fn msgpack_to_json(
    reader: &mut msgpack::Reader<'_>,
    out: &mut Vec<u8>,
    attachments: &mut Vec<Range<usize>>,
) -> Result<(), msgpack::DecodeError> {
    to_json::transcode(reader, out, attachments)
}

/// What stands outside a JSON text, to be put in its place as MessagePack.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outside<'a> {
    /// The bytes that placeholders stand for, by number.
    pub attachments: &'a [&'a [u8]],
    /// The strings that stand where the text has a [`HOLE`](crate::json::HOLE), in order.
    pub texts: &'a [&'a [u8]],
}

/// Writes a JSON text as MessagePack: what notepack.io 3.0.1 writes for the parsed value.
///
/// - A placeholder, spelt as `JSON.stringify` spells it and numbering one of the attachments, becomes those bytes.
/// - Integers that 64 bits cannot hold become floats, lone surrogates three bytes each as in WTF-8;
///   notepack makes other numbers and uninitialised memory of them.
/// - Members keep the order of the text, and a key that comes twice is written twice.
///
/// On an error `out` is as it was.
pub fn json_to_msgpack(
    text: &[u8],
    outside: Outside<'_>,
    out: &mut Vec<u8>,
) -> Result<(), json::DecodeError> {
    to_msgpack::transcode(text, outside, out)
}
