//! JSON text to MessagePack.

use super::Outside;
use super::headers::{self, Wide};
use super::stack::Stack;
use crate::appender::{Appender, Sink};
use crate::json::{DecodeError, HOLE, Number, Reader};
use crate::msgpack;

/// An array or object whose elements are being written.
#[derive(Clone, Copy)]
struct Frame {
    kind: Kind,
    /// Where its head is.
    head: usize,
    /// Elements or members written so far.
    count: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Array,
    Object,
    /// No container: the value itself.
    Whole,
}

pub(super) fn transcode(
    text: &[u8],
    outside: Outside<'_>,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let length = out.len();
    let mut wide = Vec::new();
    let result = walk(&mut Reader::new(text), outside, out, &mut wide);
    match result {
        Ok(()) => headers::widen(out, wide),
        Err(_) => out.truncate(length),
    }
    result
}

/// The bytes in front of the longest texts and data, for their kind and length.
const LONGEST_HEAD: usize = 5;

/// Writes one value, which must be all there is. Heads take one byte; those whose count needs more
/// are noted in `wide`.
fn walk(
    reader: &mut Reader<'_>,
    outside: Outside<'_>,
    out: &mut Vec<u8>,
    wide: &mut Vec<Wide>,
) -> Result<(), DecodeError> {
    let Outside { attachments, texts } = outside;
    let mut texts = texts.iter();
    let expected = reader.rest().len().saturating_add(64);
    let expected = texts.clone().chain(attachments).fold(expected, |length, bytes| {
        length.saturating_add(bytes.len()).saturating_add(LONGEST_HEAD)
    });
    let out = &mut Appender::new(out, expected);
    let whole = Frame { kind: Kind::Whole, head: 0, count: 0 };
    let mut stack = Stack::new(whole);
    let mut frame = whole;
    loop {
        let opened = match reader.peek() {
            Some(b'{') => match placeholder(reader.rest(), attachments) {
                Some((attachment, used)) => {
                    reader.advance(used);
                    msgpack::write_bin(out, attachment);
                    None
                }
                None => Some((Kind::Object, 0x80)),
            },
            Some(b'[') => Some((Kind::Array, 0x90)),
            Some(HOLE) => {
                reader.advance(1);
                msgpack::write_str(out, texts.next().ok_or(DecodeError::Truncated)?);
                None
            }
            Some(byte) => {
                write_scalar(out, reader, byte)?;
                None
            }
            None => return Err(DecodeError::Truncated),
        };
        let empty = opened.is_some();
        if let Some((kind, head)) = opened {
            stack.push(frame).ok_or(DecodeError::TooDeep)?;
            frame = Frame { kind, head: out.position(), count: 0 };
            out.put([head]);
            reader.advance(1);
        }
        if next(&mut frame, &mut stack, reader, out, wide, empty)? {
            return if out.is_full() { Err(DecodeError::TooLong) } else { Ok(()) };
        }
    }
}

/// Goes to the next value, behind its key if it is a member's, closing what ends before it; `true`
/// if there is none.
#[inline(always)]
fn next(
    frame: &mut Frame,
    stack: &mut Stack<Frame>,
    reader: &mut Reader<'_>,
    out: &mut Appender<'_>,
    wide: &mut Vec<Wide>,
    mut empty: bool,
) -> Result<bool, DecodeError> {
    loop {
        match (frame.kind, reader.peek()) {
            (Kind::Whole, None) => return Ok(true),
            (Kind::Whole, Some(_)) => return Err(DecodeError::TrailingText),
            (Kind::Array, Some(b']')) | (Kind::Object, Some(b'}')) => {
                reader.advance(1);
                match u8::try_from(frame.count) {
                    Ok(count @ 0..16) => out.or(frame.head, count),
                    _ => wide.push(Wide { head: frame.head, count: frame.count }),
                }
                // The first frame is that of the whole value, which is never closed.
                if let Some(outer) = stack.pop() {
                    *frame = outer;
                }
                empty = false;
            }
            (_, Some(b',')) if !empty => {
                reader.advance(1);
                break;
            }
            (_, Some(_)) if empty => break,
            _ => return Err(reader.unexpected()),
        }
    }
    frame.count = frame.count.saturating_add(1);
    if frame.kind == Kind::Object {
        reader.peek();
        write_text(out, reader)?;
        reader.expect(b':')?;
    }
    Ok(false)
}

#[inline(always)]
fn write_scalar(
    out: &mut Appender<'_>,
    reader: &mut Reader<'_>,
    first: u8,
) -> Result<(), DecodeError> {
    match first {
        b'"' => write_text(out, reader)?,
        b'-' | b'0'..=b'9' => match reader.number()? {
            Number::Integer(value) => msgpack::write_signed(out, value),
            Number::Float(value) => msgpack::write_number(out, value),
        },
        b't' => {
            reader.word(b"true")?;
            msgpack::write_bool(out, true);
        }
        b'f' => {
            reader.word(b"false")?;
            msgpack::write_bool(out, false);
        }
        b'n' => {
            reader.word(b"null")?;
            msgpack::write_nil(out);
        }
        _ => return Err(reader.unexpected()),
    }
    Ok(())
}

/// Writes the string that the reader is at.
#[inline(always)]
fn write_text(out: &mut Appender<'_>, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    if let Some((block, length)) = reader.short_text() {
        out.put_with(|room: &mut [u8; 17]| {
            room[0] = 0xa0 | length as u8;
            room[1..].copy_from_slice(block);
            length.saturating_add(1)
        });
        return Ok(());
    }
    match reader.plain_text()? {
        Some(text) => {
            msgpack::write_str(out, text);
            Ok(())
        }
        None => write_escaped(out, reader),
    }
}

/// Writes a text with escapes in it, whose length only shows at its end.
#[cold]
#[inline(never)]
fn write_escaped(out: &mut Appender<'_>, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    let head = out.position();
    out.put([0; LONGEST_HEAD]);
    let start = out.position();
    reader.unescape_text(out)?;
    let length = out.position().saturating_sub(start);
    out.rewind(head);
    msgpack::write_str_header(out, length);
    out.pull(start, length);
    Ok(())
}

/// The attachment that a placeholder stands for, and the bytes that the placeholder takes.
#[inline(always)]
fn placeholder<'a>(text: &[u8], attachments: &[&'a [u8]]) -> Option<(&'a [u8], usize)> {
    if attachments.is_empty() {
        return None;
    }
    let mut rest = text.strip_prefix(b"{\"_placeholder\":true,\"num\":")?;
    let mut place = None;
    while let Some((&digit @ b'0'..=b'9', more)) = rest.split_first() {
        // A zero in front of other digits is no number.
        if place == Some(0) {
            return None;
        }
        place =
            Some(place.unwrap_or(0_usize).checked_mul(10)?.checked_add(usize::from(digit & 0x0f))?);
        rest = more;
    }
    let rest = rest.strip_prefix(b"}")?;
    Some((attachments.get(place?)?, text.len().saturating_sub(rest.len())))
}
