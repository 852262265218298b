//! MessagePack to JSON text.

use core::ops::Range;

use super::MAX_ATTACHMENTS;
use super::key_order::{self, OutOfOrder};
use super::stack::Stack;
use crate::appender::{Appender, Sink};
use crate::json;
use crate::msgpack::{DecodeError, Item, Reader};

/// A container whose elements are being written.
#[derive(Clone, Copy)]
struct Frame {
    kind: Kind,
    /// Elements or members still to write.
    remaining: u32,
    /// The smallest array index that the next key may be.
    floor: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Array,
    Map,
    /// A map out of order: its place among those.
    Sorted(usize),
    /// No container: around the value itself.
    Whole,
}

impl Frame {
    const WHOLE: Self = Self::new(Kind::Whole, 1);

    const fn new(kind: Kind, remaining: u32) -> Self {
        Self { kind, remaining, floor: 0 }
    }
}

/// Why the walk stopped early.
enum Stop {
    Decode(DecodeError),
    /// A map's keys are not in the order of a JavaScript object.
    OutOfOrder,
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

pub(super) fn transcode(
    reader: &mut Reader<'_>,
    out: &mut Vec<u8>,
    attachments: &mut Vec<Range<usize>>,
) -> Result<(), DecodeError> {
    let (length, attached) = (out.len(), attachments.len());
    let mut result = walk(reader, out, attachments, &[]);
    if let Err(Stop::OutOfOrder) = result {
        // Senders in JavaScript never get here, so they do not pay for looking ahead.
        out.truncate(length);
        attachments.truncate(attached);
        result = key_order::scan(reader.clone())
            .map_err(Stop::Decode)
            .and_then(|maps| walk(reader, out, attachments, &maps));
    }
    if attachments.len() > MAX_ATTACHMENTS {
        result = Err(Stop::Decode(DecodeError::TooManyAttachments));
    }
    result.map_err(|stop| {
        out.truncate(length);
        attachments.truncate(attached);
        match stop {
            Stop::Decode(error) => error,
            // Not after the scan, which found every such map.
            Stop::OutOfOrder => DecodeError::Key,
        }
    })
}

/// Writes one value, the maps in `sorted` in the order given there. On an error the reader is as it
/// was.
///
/// Each value is written with a comma behind it, and the end of its container takes the last one
/// away.
fn walk(
    reader: &mut Reader<'_>,
    out: &mut Vec<u8>,
    attachments: &mut Vec<Range<usize>>,
    sorted: &[OutOfOrder],
) -> Result<(), Stop> {
    let expected = reader.rest().len();
    let out = &mut Appender::new(out, expected.saturating_add(expected / 4).saturating_add(64));
    let mut stack = Stack::new(Frame::WHOLE);
    let mut frame = Frame::WHOLE;
    // A cursor that nothing points to can stay in registers.
    let mut cursor = reader.clone();
    loop {
        if !next(&mut frame, &mut cursor, out, sorted)? {
            out.strip_comma();
            match frame.kind {
                Kind::Array => out.put(*b"],"),
                Kind::Map | Kind::Sorted(_) => out.put(*b"},"),
                Kind::Whole => break,
            }
            frame = stack.pop().unwrap_or(Frame::WHOLE);
            continue;
        }
        let start = cursor.position();
        let inner = match cursor.item()? {
            Item::Array(count) => {
                out.put([b'[']);
                Frame::new(Kind::Array, count)
            }
            Item::Map(count) => {
                out.put([b'{']);
                Frame::new(key_order::find(sorted, start).map_or(Kind::Map, Kind::Sorted), count)
            }
            Item::Str(text) => {
                json::write_text(out, cursor.window(text), text.len(), b',');
                continue;
            }
            scalar => {
                write_scalar(out, scalar, cursor.position(), attachments);
                out.put([b',']);
                continue;
            }
        };
        stack.push(frame).ok_or(DecodeError::TooDeep)?;
        frame = inner;
    }
    if out.is_full() {
        return Err(DecodeError::TooLong.into());
    }
    *reader = cursor;
    Ok(())
}

/// Goes to the frame's next value, writing its key if it is a map's; `false` if there is none.
#[inline(always)]
fn next(
    frame: &mut Frame,
    cursor: &mut Reader<'_>,
    out: &mut Appender<'_>,
    sorted: &[OutOfOrder],
) -> Result<bool, Stop> {
    loop {
        if let Kind::Sorted(place) = frame.kind
            && let Some(map) = sorted.get(place)
        {
            let done = map.keys.len().saturating_sub(frame.remaining as usize);
            cursor.rewind(map.keys.get(done).copied().unwrap_or(map.end));
        }
        let Some(remaining) = frame.remaining.checked_sub(1) else {
            return Ok(false);
        };
        frame.remaining = remaining;
        if let Kind::Array | Kind::Whole = frame.kind {
            return Ok(true);
        }
        let start = out.position();
        let key = cursor.item()?;
        if frame.kind == Kind::Map {
            let index = key_order::array_index(&key);
            if index < frame.floor {
                return Err(Stop::OutOfOrder);
            }
            frame.floor = index;
        }
        match key {
            Item::Str(text) | Item::Bin(text) => {
                json::write_text(out, cursor.window(text), text.len(), b':');
            }
            _ => write_odd_key(out, key)?,
        }
        // notepack.io 2 writes undefined as an extension of type 0 in 1 byte; such a member is
        // none.
        let [0xd4, 0, _, ..] = cursor.rest() else {
            return Ok(true);
        };
        cursor.rewind(cursor.position().saturating_add(3));
        out.rewind(start);
    }
}

/// Writes a key that is no text as the property name that it becomes.
#[cold]
#[inline(never)]
fn write_odd_key(out: &mut Appender<'_>, key: Item<'_>) -> Result<(), DecodeError> {
    out.put([b'"']);
    match key {
        Item::Bool(value) => write_bool(out, value),
        Item::Float(value) if !value.is_finite() => out.put_slice(match value {
            f64::INFINITY => b"Infinity",
            f64::NEG_INFINITY => b"-Infinity",
            _ => b"NaN",
        }),
        Item::Float(value) => json::write_f64(out, value),
        Item::Nil => out.put(*b"null"),
        Item::Signed(value) => write_signed(out, value),
        Item::Unsigned(value) => write_unsigned(out, value),
        _ => return Err(DecodeError::Key),
    }
    out.put(*b"\":");
    Ok(())
}

/// Writes a value that is neither container nor text; `end` is the position behind it.
#[inline(always)]
fn write_scalar(
    out: &mut Appender<'_>,
    scalar: Item<'_>,
    end: usize,
    attachments: &mut Vec<Range<usize>>,
) {
    match scalar {
        Item::Unsigned(value) => write_unsigned(out, value),
        Item::Signed(value) => write_signed(out, value),
        Item::Bool(value) => write_bool(out, value),
        Item::Float(value) => json::write_f64(out, value),
        // notepack.io 2 writes an ArrayBuffer as an extension of type 0.
        Item::Bin(data) | Item::Ext(0, data) => write_attachment(out, data, end, attachments),
        Item::Ext(kind, data) => write_extension(out, kind, data, end, attachments),
        // So it writes undefined, which shows as null in JSON, and times.
        Item::FixedExt(0, [_]) => out.put(*b"null"),
        Item::FixedExt(0, &[a, b, c, d, e, f, g, h]) => {
            json::write_date(out, i64::from_be_bytes([a, b, c, d, e, f, g, h]) as f64);
        }
        Item::FixedExt(kind, data) => write_extension(out, kind, data, end, attachments),
        Item::Nil | Item::Array(_) | Item::Map(_) | Item::Str(_) => out.put(*b"null"),
    }
}

fn write_bool(out: &mut Appender<'_>, value: bool) {
    if value { out.put(*b"true") } else { out.put(*b"false") }
}

#[inline(always)]
fn write_unsigned(out: &mut Appender<'_>, value: u64) {
    if value <= json::MAX_SAFE {
        json::write_unsigned(out, value);
    } else {
        json::write_f64(out, value as f64);
    }
}

#[inline(always)]
fn write_signed(out: &mut Appender<'_>, value: i64) {
    let magnitude = value.unsigned_abs();
    if magnitude > json::MAX_SAFE {
        return json::write_f64(out, value as f64);
    }
    if value < 0 {
        out.put([b'-']);
    }
    json::write_unsigned(out, magnitude);
}

/// Writes the placeholder of data that ends at `end`.
fn write_attachment(
    out: &mut Appender<'_>,
    data: &[u8],
    end: usize,
    attachments: &mut Vec<Range<usize>>,
) {
    // What goes beyond is refused when all is read; until then it must not grow.
    if attachments.len() > MAX_ATTACHMENTS {
        return;
    }
    out.put(*b"{\"_placeholder\":true,\"num\":");
    json::write_unsigned(out, attachments.len() as u64);
    out.put([b'}']);
    attachments.push(end.saturating_sub(data.len())..end);
}

/// Writes an extension: a timestamp, or an array of its type and its data as notepack.io 3.0.1
/// gives it.
fn write_extension(
    out: &mut Appender<'_>,
    kind: i8,
    data: &[u8],
    end: usize,
    attachments: &mut Vec<Range<usize>>,
) {
    if kind == -1
        && let Some(milliseconds) = timestamp(data)
    {
        return json::write_date(out, milliseconds);
    }
    out.put([b'[']);
    write_signed(out, kind.into());
    out.put([b',']);
    write_attachment(out, data, end, attachments);
    out.put([b']']);
}

/// The milliseconds of a timestamp of 32, 64 or 96 bits, computed as notepack.io 3.0.1 does.
pub(crate) fn timestamp(data: &[u8]) -> Option<f64> {
    let (seconds, nanoseconds) = match *data {
        [a, b, c, d] => (u32::from_be_bytes([a, b, c, d]).into(), 0),
        [a, b, c, d, e, f, g, h] => {
            let both = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            ((both & 0x3_ffff_ffff).cast_signed(), (both >> 34) as u32)
        }
        [a, b, c, d, ref seconds @ ..] => {
            (i64::from_be_bytes(seconds.try_into().ok()?), u32::from_be_bytes([a, b, c, d]))
        }
        _ => return None,
    };
    Some(seconds as f64 * 1e3 + f64::from(nanoseconds) / 1e6)
}
