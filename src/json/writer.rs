//! Texts and times as `JSON.stringify` writes them.

use super::scan::{BLOCK, STRETCH, copy_plain, odd_bytes_of_stretch, plain_bytes};
use super::surrogate;
use crate::appender::{Appender, Sink};

/// Writes the text that is the first `length` bytes of `window` in quotes, and `end` behind it.
///
/// The bytes should be UTF-8. Surrogates in three bytes, as WTF-8 has them, are what a JavaScript
/// string held: two that make a pair become its character, one alone becomes `\udxxx`. Any other
/// ill-formed piece becomes U+FFFD, as in a WHATWG decoder.
#[inline(always)]
pub(crate) fn write_text(out: &mut Appender<'_>, window: &[u8], length: usize, end: u8) {
    // Most texts are short and plain: then all is written at once.
    if length <= BLOCK
        && let Some(block) = window.first_chunk()
        && plain_bytes::<true>(block) >= length
    {
        return out.put_with(|room: &mut [u8; BLOCK + 3]| {
            let [open, text @ ..] = room;
            *open = b'"';
            text[..BLOCK].copy_from_slice(block);
            if let Some(close) = text.get_mut(length..).and_then(<[u8]>::first_chunk_mut) {
                *close = [b'"', end];
            }
            length.saturating_add(3)
        });
    }
    out.put([b'"']);
    let plain = copy_plain::<true>(out, window, length);
    if plain < length {
        write_odd(out, window.get(plain..length).unwrap_or_default());
    }
    out.put([b'"', end]);
}

/// Writes a text that is UTF-8 in quotes.
pub(super) fn write_quoted(out: &mut Appender<'_>, text: &[u8]) {
    out.put([b'"']);
    write_escaped::<false>(out, text);
    out.put([b'"']);
}

/// Writes a text from its first odd byte on.
#[cold]
#[inline(never)]
fn write_odd(out: &mut Appender<'_>, text: &[u8]) {
    let mut rest = text;
    while let Some((&byte, _)) = rest.split_first() {
        if byte >= 0x80 {
            return write_unicode(out, rest);
        }
        rest = write_escaped::<true>(out, rest);
    }
}

/// Writes what it can of a text with its escapes, and gives the rest: nothing, or, with `ASCII`, what
/// starts with a byte that is not ASCII.
///
/// Where the next escape is cannot be predicted, and every wrong guess costs as much as copying a
/// hundred bytes. So the odd bytes of a whole stretch are noted first, and what is in front of each is
/// copied as a piece of fixed length, of which only the start counts.
fn write_escaped<'a, const ASCII: bool>(out: &mut Appender<'_>, text: &'a [u8]) -> &'a [u8] {
    let mut rest = text;
    // As much again behind the stretch, so that a piece from anywhere in it is inside.
    while let Some(window) = rest.first_chunk::<{ 2 * STRETCH }>() {
        let (stretch, _) = window.split_first_chunk::<STRETCH>().unwrap_or((&[0; STRETCH], &[]));
        let mut marks = odd_bytes_of_stretch::<ASCII>(stretch);
        // Both positions stay inside the stretch, the start at or before the end: nothing wraps.
        let mut start = 0;
        while marks != 0 {
            let end = marks.trailing_zeros() as usize;
            let byte = window.get(end).copied().unwrap_or_default();
            if ASCII && byte >= 0x80 {
                out.put_slice(rest.get(start..end).unwrap_or_default());
                return rest.get(end..).unwrap_or_default();
            }
            let letter = short_escape(byte);
            // Most runs are short; a longer one has its first half copied before.
            if end.wrapping_sub(start) > PIECE {
                put_piece(out, window, start, |_| PIECE);
                start = start.wrapping_add(PIECE);
            }
            put_piece(out, window, start, |room| {
                let plain = end.wrapping_sub(start);
                if let Some(escape) = room.get_mut(plain..).and_then(<[u8]>::first_chunk_mut) {
                    *escape = [b'\\', letter];
                }
                plain.wrapping_add(if letter == 0 { 0 } else { 2 })
            });
            if letter == 0 {
                write_unit(out, byte.into());
            }
            marks &= marks.wrapping_sub(1);
            start = end.wrapping_add(1);
        }
        if STRETCH.wrapping_sub(start) > PIECE {
            put_piece(out, window, start, |_| PIECE);
            start = start.wrapping_add(PIECE);
        }
        put_piece(out, window, start, |_| STRETCH.wrapping_sub(start));
        rest = rest.get(STRETCH..).unwrap_or_default();
    }
    loop {
        let plain = copy_plain::<ASCII>(out, rest, rest.len());
        rest = rest.get(plain..).unwrap_or_default();
        match rest.split_first() {
            Some((&byte, more)) if !ASCII || byte < 0x80 => {
                write_escape(out, byte);
                rest = more;
            }
            _ => return rest,
        }
    }
}

/// Bytes that are copied together; a stretch has no run of more than two.
const PIECE: usize = STRETCH / 2;

/// Appends as much of the piece of `window` at `start` as `fill` says, after it had the room behind.
#[inline(always)]
fn put_piece(
    out: &mut Appender<'_>,
    window: &[u8; 2 * STRETCH],
    start: usize,
    fill: impl FnOnce(&mut [u8; PIECE + 2]) -> usize,
) {
    if let Some(piece) = window.get(start..).and_then(<[u8]>::first_chunk::<PIECE>) {
        out.put_with(|room: &mut [u8; PIECE + 2]| {
            room[..PIECE].copy_from_slice(piece);
            fill(room)
        });
    }
}

/// Vectors pay from about this length on.
fn is_utf8(text: &[u8]) -> bool {
    if text.len() < 64 {
        core::str::from_utf8(text).is_ok()
    } else {
        simdutf8::basic::from_utf8(text).is_ok()
    }
}

/// Writes a text from its first byte on that is not ASCII.
fn write_unicode(out: &mut Appender<'_>, text: &[u8]) {
    if is_utf8(text) {
        write_escaped::<false>(out, text);
        return;
    }
    let mut rest = text;
    while let Err(error) = core::str::from_utf8(rest) {
        let (valid, ill_formed) = rest.split_at(error.valid_up_to());
        write_escaped::<false>(out, valid);
        let taken = match (
            surrogate::decode(ill_formed),
            surrogate::decode(ill_formed.get(3..).unwrap_or_default()),
        ) {
            (Some(high @ 0xd800..0xdc00), Some(low @ 0xdc00..)) => {
                write_char(out, surrogate::pair(high, low));
                6
            }
            (Some(lone), _) => {
                write_unit(out, lone);
                3
            }
            _ => {
                write_char(out, char::REPLACEMENT_CHARACTER);
                error.error_len().unwrap_or(ill_formed.len())
            }
        };
        rest = ill_formed.get(taken..).unwrap_or_default();
    }
    write_escaped::<false>(out, rest);
}

/// Writes a quote, a backslash or a control character.
#[inline(always)]
fn write_escape(out: &mut Appender<'_>, byte: u8) {
    // A table, since which of them comes next cannot be predicted.
    match short_escape(byte) {
        0 => write_unit(out, byte.into()),
        letter => out.put([b'\\', letter]),
    }
}

#[inline(always)]
fn short_escape(byte: u8) -> u8 {
    SHORT_ESCAPES.get(usize::from(byte)).copied().unwrap_or_default()
}

/// What follows the backslash, for the bytes that have an escape of two characters; 0 for the others.
#[expect(clippy::indexing_slicing, reason = "done when compiling")]
const SHORT_ESCAPES: [u8; 256] = {
    let mut letters = [0; 256];
    letters[0x08] = b'b';
    letters[0x09] = b't';
    letters[0x0a] = b'n';
    letters[0x0c] = b'f';
    letters[0x0d] = b'r';
    letters[b'"' as usize] = b'"';
    letters[b'\\' as usize] = b'\\';
    letters
};

/// Writes a UTF-16 code unit as `\uxxxx`.
fn write_unit(out: &mut Appender<'_>, unit: u16) {
    let digits = [unit >> 12, unit >> 8, unit >> 4, unit]
        .map(|digit| HEX.get(usize::from(digit & 0xf)).copied().unwrap_or_default());
    out.put(*b"\\u");
    out.put(digits);
}

fn write_char(out: &mut Appender<'_>, character: char) {
    out.put_with(|room: &mut [u8; 4]| character.encode_utf8(room).len());
}

/// Writes a time in milliseconds since 1970 as `Date.prototype.toJSON` does: `null` if a JavaScript
/// `Date` cannot hold it.
pub(crate) fn write_date(out: &mut Appender<'_>, milliseconds: f64) {
    if milliseconds.is_nan() || milliseconds.abs() > 8.64e15 {
        return out.put(*b"null");
    }
    let milliseconds = milliseconds as i64;
    let (days, time) = (milliseconds.div_euclid(DAY), milliseconds.rem_euclid(DAY) as u32);
    let (year, month, day) = civil(days);
    out.put([b'"']);
    match u32::try_from(year) {
        Ok(year @ 0..=9999) => out.put(decimal::<4>(year)),
        _ => {
            out.put([if year < 0 { b'-' } else { b'+' }]);
            out.put(decimal::<6>(year.unsigned_abs() as u32));
        }
    }
    out.put([b'-']);
    out.put(decimal::<2>(month));
    out.put([b'-']);
    out.put(decimal::<2>(day));
    out.put([b'T']);
    out.put(decimal::<2>(time / 3_600_000));
    out.put([b':']);
    out.put(decimal::<2>(time / 60_000 % 60));
    out.put([b':']);
    out.put(decimal::<2>(time / 1000 % 60));
    out.put([b'.']);
    out.put(decimal::<3>(time % 1000));
    out.put(*b"Z\"");
}

/// The year, month and day that lie so many days after 1970-01-01, in the Gregorian calendar.
#[expect(clippy::arithmetic_side_effects, reason = "a Date is within 10^8 days of 1970")]
fn civil(days: i64) -> (i64, u32, u32) {
    // Eras of 400 years, years that start in March: the leap day comes last.
    const ERA: i64 = 146_097;
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month as u32, day_of_month as u32)
}

/// `N` decimal digits.
fn decimal<const N: usize>(mut value: u32) -> [u8; N] {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit |= (value % 10) as u8;
        value /= 10;
    }
    digits
}

const DAY: i64 = 86_400_000;

const HEX: &[u8; 16] = b"0123456789abcdef";
