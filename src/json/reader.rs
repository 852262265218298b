//! A cursor over JSON text.

use super::number::Number;
use super::scan::{BLOCK, copy_plain, plain_bytes, plain_prefix};
use super::{DecodeError, surrogate};
use crate::appender::{Appender, Sink};

/// A cursor over JSON text, which may be any bytes.
pub(crate) struct Reader<'a> {
    text: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, position: 0 }
    }

    /// The bytes not read yet.
    #[inline(always)]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.text.get(self.position..).unwrap_or_default()
    }

    /// Moves on, at most to the end.
    #[inline(always)]
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.position = self.position.saturating_add(bytes).min(self.text.len());
    }

    /// Moves behind bytes that are there, so that this never wraps.
    #[inline(always)]
    fn pass(&mut self, bytes: usize) {
        self.position = self.position.wrapping_add(bytes);
        debug_assert!(self.position <= self.text.len());
    }

    /// Passes blanks and gives the byte behind them, where the cursor then is; `None` at the end.
    #[inline(always)]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.rest().first()? {
                b' ' | b'\n' | b'\r' | b'\t' => self.pass(1),
                byte => return Some(byte),
            }
        }
    }

    /// Passes blanks and one `byte`, which must be there.
    #[inline(always)]
    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), DecodeError> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected());
        }
        self.pass(1);
        Ok(())
    }

    /// Passes `word`, which must be there.
    #[inline(always)]
    pub(crate) fn word<const N: usize>(&mut self, word: &[u8; N]) -> Result<(), DecodeError> {
        if self.rest().first_chunk() != Some(word) {
            let same = self.rest().iter().zip(word).take_while(|(a, b)| a == b).count();
            self.advance(same);
            return Err(self.unexpected());
        }
        self.pass(N);
        Ok(())
    }

    /// The number here.
    #[inline(always)]
    pub(crate) fn number(&mut self) -> Result<Number, DecodeError> {
        let (number, used) = Number::parse(self.rest());
        self.advance(used);
        number.ok_or_else(|| self.unexpected())
    }

    /// The string here, if it is plain ASCII, ends inside one block and has no escapes: the block,
    /// and the string's length.
    #[inline(always)]
    pub(crate) fn short_text(&mut self) -> Option<(&'a [u8; BLOCK], usize)> {
        let block = self.rest().strip_prefix(b"\"")?.first_chunk()?;
        let length = plain_bytes::<true>(block);
        if block.get(length) != Some(&b'"') {
            return None;
        }
        self.pass(length.saturating_add(2));
        Some((block, length))
    }

    /// The string here, or `None` if there are escapes in it; then the cursor stays.
    #[inline(always)]
    pub(crate) fn plain_text(&mut self) -> Result<Option<&'a [u8]>, DecodeError> {
        let start = self.position;
        self.expect(b'"')?;
        let mut length = plain_prefix::<true>(self.rest());
        let ascii = !matches!(self.rest().get(length), Some(0x80..));
        if !ascii {
            length = plain_prefix::<false>(self.rest());
        }
        let text = self.rest().get(..length).unwrap_or_default();
        self.pass(length);
        match self.rest().first() {
            Some(b'"') => self.pass(1),
            Some(b'\\') => {
                self.position = start;
                return Ok(None);
            }
            _ => return Err(self.unexpected()),
        }
        if ascii || simdutf8::basic::from_utf8(text).is_ok() {
            Ok(Some(text))
        } else {
            Err(DecodeError::InvalidUtf8)
        }
    }

    /// Writes what the string here stands for, as UTF-8, lone surrogates as WTF-8.
    pub(crate) fn unescape_text(&mut self, out: &mut Appender<'_>) -> Result<(), DecodeError> {
        self.expect(b'"')?;
        let start = self.position;
        loop {
            let plain = copy_plain::<false>(out, self.rest(), self.rest().len());
            self.pass(plain);
            match self.rest() {
                [b'"', ..] => break,
                [b'\\', ..] => self.pass(1),
                _ => return Err(self.unexpected()),
            }
            self.unescape(out)?;
        }
        let text = self.text.get(start..self.position).unwrap_or_default();
        self.pass(1);
        simdutf8::basic::from_utf8(text).map_err(|_| DecodeError::InvalidUtf8)?;
        Ok(())
    }

    /// Writes what an escape stands for, whose backslash was passed.
    #[inline(always)]
    fn unescape(&mut self, out: &mut Appender<'_>) -> Result<(), DecodeError> {
        let character = match self.rest().first() {
            Some(&byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let (unit, rest) =
                    self.rest().get(1..).and_then(hex_unit).ok_or_else(|| self.unexpected())?;
                self.position = self.text.len().saturating_sub(write_unit(out, unit, rest).len());
                return Ok(());
            }
            _ => return Err(self.unexpected()),
        };
        self.pass(1);
        out.put([character]);
        Ok(())
    }

    /// The error for the byte here, or for its absence.
    #[cold]
    pub(crate) fn unexpected(&self) -> DecodeError {
        match self.position < self.text.len() {
            true => DecodeError::Unexpected { position: self.position },
            false => DecodeError::Truncated,
        }
    }
}

/// Writes the character of a UTF-16 code unit, and of the one in the escape behind it if the two
/// are a pair; gives what follows.
fn write_unit<'a>(out: &mut Appender<'_>, unit: u16, rest: &'a [u8]) -> &'a [u8] {
    let low = rest.strip_prefix(b"\\u").and_then(hex_unit);
    let (character, rest) = match (unit, low) {
        (0xd800..0xdc00, Some((low @ 0xdc00..0xe000, rest))) => {
            (Some(surrogate::pair(unit, low)), rest)
        }
        _ => (char::from_u32(unit.into()), rest),
    };
    match character {
        Some(character) => out.put_with(|room: &mut [u8; 4]| character.encode_utf8(room).len()),
        None => out.put(surrogate::encode(unit)),
    }
    rest
}

/// The UTF-16 code unit that four hexadecimal digits give, and what follows them.
fn hex_unit(text: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = text.split_first_chunk::<4>()?;
    let mut unit = 0;
    for &digit in digits {
        unit = unit << 4 | char::from(digit).to_digit(16)? as u16;
    }
    Some((unit, rest))
}
