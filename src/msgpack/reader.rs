//! A cursor over MessagePack bytes.

use super::{DecodeError, MAX_DEPTH};

/// A value that is read whole, or the head of a container whose elements follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item<'a> {
    /// An array of so many values.
    Array(u32),
    /// Binary data.
    Bin(&'a [u8]),
    /// A truth value.
    Bool(bool),
    /// An extension with a length: its type, and its data.
    Ext(i8, &'a [u8]),
    /// An extension in a form of 1, 2, 4, 8 or 16 bytes. notepack.io means something else by it
    /// than by one of that length.
    FixedExt(i8, &'a [u8]),
    /// A float of either width.
    Float(f64),
    /// A map of so many keys, each with its value.
    Map(u32),
    /// nil.
    Nil,
    /// An integer in one of the signed forms.
    Signed(i64),
    /// Text, which may be invalid UTF-8.
    Str(&'a [u8]),
    /// An integer in one of the unsigned forms.
    Unsigned(u64),
}

/// What the next value is, as its first byte tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An array.
    Array,
    /// Binary data.
    Bin,
    /// A truth value.
    Bool,
    /// An extension.
    Ext,
    /// A float.
    Float,
    /// An integer.
    Integer,
    /// A map.
    Map,
    /// nil.
    Nil,
    /// Text.
    Str,
}

/// A cursor over MessagePack bytes.
///
/// Each method reads one value or one head and moves behind it; on an error the cursor stays where
/// it was. A length or count that claims more than the bytes can hold is [`DecodeError::Truncated`]
/// at once, so a count that was read can be trusted to size things.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    /// A cursor at the first of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// How many bytes were read.
    #[inline(always)]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Moves to a position that [`Reader::position`] gave.
    #[inline(always)]
    pub(crate) fn rewind(&mut self, position: usize) {
        self.position = position;
    }

    /// Whether every byte was read.
    pub fn at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// The bytes not read yet.
    #[inline(always)]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    /// The bytes from the text or data on that was read last; those behind it are the next values'.
    #[inline(always)]
    pub(crate) fn window(&self, last: &[u8]) -> &'a [u8] {
        self.position
            .checked_sub(last.len())
            .and_then(|start| self.bytes.get(start..))
            .unwrap_or_default()
    }

    /// Refuses bytes that are left over.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.at_end() { Ok(()) } else { Err(DecodeError::TrailingBytes) }
    }

    /// Moves behind these bytes if they come next: a value, or several, in one comparison.
    #[inline(always)]
    pub fn pass<const N: usize>(&mut self, expected: &[u8; N]) -> bool {
        let passed = self.rest().first_chunk() == Some(expected);
        self.position = self.position.saturating_add(if passed { N } else { 0 });
        passed
    }

    /// The same cursor over fewer bytes: those before `end`, a position as [`Reader::position`] gives it.
    pub(crate) fn ending(&self, end: usize) -> Self {
        Self { bytes: self.bytes.get(..end).unwrap_or(self.bytes), position: self.position }
    }

    /// What the next value is; the cursor stays.
    pub fn peek(&self) -> Result<Kind, DecodeError> {
        Ok(match *self.rest().first().ok_or(DecodeError::Truncated)? {
            0x00..=0x7f | 0xcc..=0xd3 | 0xe0..=0xff => Kind::Integer,
            0x80..=0x8f | 0xde | 0xdf => Kind::Map,
            0x90..=0x9f | 0xdc | 0xdd => Kind::Array,
            0xa0..=0xbf | 0xd9..=0xdb => Kind::Str,
            0xc0 => Kind::Nil,
            0xc1 => return Err(DecodeError::Reserved),
            0xc2 | 0xc3 => Kind::Bool,
            0xc4..=0xc6 => Kind::Bin,
            0xc7..=0xc9 | 0xd4..=0xd8 => Kind::Ext,
            0xca | 0xcb => Kind::Float,
        })
    }

    /// The next value, or the head of the next container.
    #[inline(always)]
    pub fn item(&mut self) -> Result<Item<'a>, DecodeError> {
        let (&marker, rest) = self.rest().split_first().ok_or(DecodeError::Truncated)?;
        let mut tail = Tail(rest);
        let item = match marker {
            0x00..=0x7f => Item::Unsigned(marker.into()),
            0x80..=0x8f => tail.map(u32::from(marker & 0x0f))?,
            0x90..=0x9f => tail.array(u32::from(marker & 0x0f))?,
            0xa0..=0xbf => Item::Str(tail.slice(u32::from(marker & 0x1f))?),
            0xc0 => Item::Nil,
            0xc1 => return Err(DecodeError::Reserved),
            0xc2 => Item::Bool(false),
            0xc3 => Item::Bool(true),
            0xc4..=0xc6 => {
                let length = tail.length(marker.wrapping_sub(0xc4))?;
                Item::Bin(tail.slice(length)?)
            }
            0xc7..=0xc9 => {
                let length = tail.length(marker.wrapping_sub(0xc7))?;
                let [kind] = tail.chunk()?;
                Item::Ext(kind.cast_signed(), tail.slice(length)?)
            }
            0xca => Item::Float(f32::from_be_bytes(tail.chunk()?).into()),
            0xcb => Item::Float(f64::from_be_bytes(tail.chunk()?)),
            0xcc => Item::Unsigned(u8::from_be_bytes(tail.chunk()?).into()),
            0xcd => Item::Unsigned(u16::from_be_bytes(tail.chunk()?).into()),
            0xce => Item::Unsigned(u32::from_be_bytes(tail.chunk()?).into()),
            0xcf => Item::Unsigned(u64::from_be_bytes(tail.chunk()?)),
            0xd0 => Item::Signed(i8::from_be_bytes(tail.chunk()?).into()),
            0xd1 => Item::Signed(i16::from_be_bytes(tail.chunk()?).into()),
            0xd2 => Item::Signed(i32::from_be_bytes(tail.chunk()?).into()),
            0xd3 => Item::Signed(i64::from_be_bytes(tail.chunk()?)),
            0xd4..=0xd8 => {
                let [kind] = tail.chunk()?;
                let power = u32::from(marker.wrapping_sub(0xd4));
                Item::FixedExt(kind.cast_signed(), tail.slice(1_u32.wrapping_shl(power))?)
            }
            0xd9..=0xdb => {
                let length = tail.length(marker.wrapping_sub(0xd9))?;
                Item::Str(tail.slice(length)?)
            }
            0xdc | 0xdd => {
                let count = tail.length(marker.wrapping_sub(0xdb))?;
                tail.array(count)?
            }
            0xde | 0xdf => {
                let count = tail.length(marker.wrapping_sub(0xdd))?;
                tail.map(count)?
            }
            0xe0..=0xff => Item::Signed(marker.cast_signed().into()),
        };
        self.position = self.bytes.len().saturating_sub(tail.0.len());
        Ok(item)
    }

    /// The number of elements of an array, which follow.
    pub fn array(&mut self) -> Result<u32, DecodeError> {
        self.matching(
            "array",
            |item| {
                if let Item::Array(count) = item { Some(count) } else { None }
            },
        )
    }

    /// The number of members of a map, which follow, each as key and value.
    pub fn map(&mut self) -> Result<u32, DecodeError> {
        self.matching("map", |item| if let Item::Map(count) = item { Some(count) } else { None })
    }

    /// The bytes of a text, which may be invalid UTF-8.
    pub fn str(&mut self) -> Result<&'a [u8], DecodeError> {
        self.matching("str", |item| if let Item::Str(text) = item { Some(text) } else { None })
    }

    /// Binary data.
    pub fn bin(&mut self) -> Result<&'a [u8], DecodeError> {
        self.matching("bin", |item| if let Item::Bin(data) = item { Some(data) } else { None })
    }

    /// A truth value.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        self.matching("bool", |item| if let Item::Bool(value) = item { Some(value) } else { None })
    }

    /// nil.
    pub fn nil(&mut self) -> Result<(), DecodeError> {
        self.matching("nil", |item| (item == Item::Nil).then_some(()))
    }

    /// An integer in any form, from -2^63 to 2^63 - 1.
    pub fn integer(&mut self) -> Result<i64, DecodeError> {
        self.matching("integer", |item| match item {
            Item::Signed(value) => Some(value),
            Item::Unsigned(value) => value.try_into().ok(),
            _ => None,
        })
    }

    /// An integer in any form, from 0 to 2^64 - 1.
    pub fn unsigned(&mut self) -> Result<u64, DecodeError> {
        self.matching("unsigned integer", |item| match item {
            Item::Signed(value) => value.try_into().ok(),
            Item::Unsigned(value) => Some(value),
            _ => None,
        })
    }

    /// Moves behind one whole value, whatever it holds; its depth does not matter.
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        let mut at = self.position;
        // Values still to pass: at most 30 for each byte passed and one for each byte left.
        let mut pending = 1_u64;
        while let Some(others) = pending.checked_sub(1) {
            let Some(&marker) = self.bytes.get(at) else {
                return Err(DecodeError::Truncated);
            };
            let step = Step::of(marker);
            if step.width == 0 {
                at = at.saturating_add(step.size.into());
                pending = others.saturating_add(step.children.into());
                continue;
            }
            if step.width == RESERVED {
                return Err(DecodeError::Reserved);
            }
            let mut tail = Tail(self.bytes.get(at.saturating_add(1)..).unwrap_or_default());
            let length = tail.length(step.width.saturating_sub(1))?;
            at = at.saturating_add(step.size.into());
            let left = self.bytes.len().checked_sub(at).ok_or(DecodeError::Truncated)?;
            let (bytes, values) = if step.children == 0 {
                (u64::from(length), 0)
            } else {
                (0, u64::from(length).saturating_mul(step.children.into()))
            };
            if bytes.saturating_add(values) > left as u64 {
                return Err(DecodeError::Truncated);
            }
            at = at.saturating_add(bytes as usize);
            pending = others.saturating_add(values);
        }
        if at > self.bytes.len() {
            return Err(DecodeError::Truncated);
        }
        self.position = at;
        Ok(())
    }

    /// The bytes of one whole value.
    pub fn raw(&mut self) -> Result<&'a [u8], DecodeError> {
        let rest = self.rest();
        let start = self.position;
        self.skip()?;
        Ok(rest.get(..self.position.saturating_sub(start)).unwrap_or_default())
    }

    /// Whether JSON can carry the next value, as far as it can be read: no binary data, no extension but
    /// `undefined`, no number that is infinite or none.
    pub fn fits_json(&self) -> bool {
        let mut reader = self.clone();
        let mut pending = 1_u64;
        while let Some(others) = pending.checked_sub(1) {
            pending = others;
            match reader.item() {
                Ok(Item::FixedExt(0, [_])) => {}
                Ok(Item::Bin(_) | Item::Ext(..) | Item::FixedExt(..)) => return false,
                Ok(Item::Float(number)) if !number.is_finite() => return false,
                Ok(Item::Array(count)) => pending = pending.saturating_add(count.into()),
                Ok(Item::Map(count)) => {
                    pending = pending.saturating_add(u64::from(count).saturating_mul(2));
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        true
    }

    /// Refuses what [`skip`](Self::skip) passes over and a host could not take as a value: containers
    /// more than [`MAX_DEPTH`] deep, and keys that name no property.
    pub fn check(&self) -> Result<(), DecodeError> {
        let mut reader = self.clone();
        // For each open container, the values that are left in it and whether every second is a key.
        let mut stack: Vec<(u64, bool)> = vec![(1, false)];
        while let Some((left, is_map)) = stack.last_mut() {
            let Some(more) = left.checked_sub(1) else {
                stack.pop();
                continue;
            };
            let is_key = *is_map && *left % 2 == 0;
            *left = more;
            let inner = match reader.item()? {
                Item::Array(_) | Item::Map(_) | Item::Ext(..) | Item::FixedExt(..) if is_key => {
                    return Err(DecodeError::Key);
                }
                Item::Array(count) => (u64::from(count), false),
                Item::Map(count) => (u64::from(count).saturating_mul(2), true),
                _ => continue,
            };
            if stack.len() > MAX_DEPTH {
                return Err(DecodeError::TooDeep);
            }
            stack.push(inner);
        }
        Ok(())
    }

    #[inline(always)]
    fn matching<T>(
        &mut self,
        expected: &'static str,
        pick: impl FnOnce(Item<'a>) -> Option<T>,
    ) -> Result<T, DecodeError> {
        let start = self.position;
        pick(self.item()?).ok_or_else(|| {
            self.position = start;
            DecodeError::Unexpected { expected }
        })
    }
}

/// The bytes behind the first of a value.
struct Tail<'a>(&'a [u8]);

impl<'a> Tail<'a> {
    #[inline(always)]
    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (chunk, rest) = self.0.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(*chunk)
    }

    #[inline(always)]
    fn slice(&mut self, length: u32) -> Result<&'a [u8], DecodeError> {
        let (slice, rest) =
            self.0.split_at_checked(length as usize).ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(slice)
    }

    /// A length in 1, 2 or 4 bytes, for a `width` of 0, 1 or 2.
    #[inline(always)]
    fn length(&mut self, width: u8) -> Result<u32, DecodeError> {
        Ok(match width {
            0 => u8::from_be_bytes(self.chunk()?).into(),
            1 => u16::from_be_bytes(self.chunk()?).into(),
            _ => u32::from_be_bytes(self.chunk()?),
        })
    }

    #[inline(always)]
    fn array(&self, count: u32) -> Result<Item<'a>, DecodeError> {
        if count as usize > self.0.len() {
            Err(DecodeError::Truncated)
        } else {
            Ok(Item::Array(count))
        }
    }

    #[inline(always)]
    fn map(&self, count: u32) -> Result<Item<'a>, DecodeError> {
        if count as usize > self.0.len() / 2 {
            Err(DecodeError::Truncated)
        } else {
            Ok(Item::Map(count))
        }
    }
}

/// What passing the head of a value means.
#[derive(Clone, Copy)]
struct Step {
    /// Bytes from the value's first one on, a length's among them.
    size: u8,
    /// 0 if no length follows the first byte, else 1, 2 or 3 for one of 1, 2 or 4 bytes.
    width: u8,
    /// Values that follow; with a length, values for each that it counts, or 0 if it counts bytes.
    children: u8,
}

impl Step {
    #[inline(always)]
    fn of(marker: u8) -> Self {
        STEPS.get(usize::from(marker)).copied().unwrap_or(Self::ONE_BYTE)
    }

    const ONE_BYTE: Self = Self { size: 1, width: 0, children: 0 };
}

/// The byte c1 has a width that no length has.
const RESERVED: u8 = 4;

#[expect(clippy::indexing_slicing, reason = "done when compiling")]
const STEPS: [Step; 256] = {
    let mut steps = [Step::ONE_BYTE; 256];
    let mut marker = 0x80_u8;
    loop {
        let low = marker & 0x0f;
        let (size, width, children) = match marker {
            0x80..=0x8f => (1, 0, 2 * low),
            0x90..=0x9f => (1, 0, low),
            0xa0..=0xbf => (1 + (marker & 0x1f), 0, 0),
            0xc1 => (1, RESERVED, 0),
            0xc4..=0xc6 => (1 + (1 << (marker - 0xc4)), 1 + marker - 0xc4, 0),
            0xc7..=0xc9 => (2 + (1 << (marker - 0xc7)), 1 + marker - 0xc7, 0),
            0xca => (5, 0, 0),
            0xcb => (9, 0, 0),
            0xcc..=0xcf => (1 + (1 << (marker - 0xcc)), 0, 0),
            0xd0..=0xd3 => (1 + (1 << (marker - 0xd0)), 0, 0),
            0xd4..=0xd8 => (2 + (1 << (marker - 0xd4)), 0, 0),
            0xd9..=0xdb => (1 + (1 << (marker - 0xd9)), 1 + marker - 0xd9, 0),
            0xdc | 0xdd => (1 + (2 << (marker - 0xdc)), 2 + marker - 0xdc, 1),
            0xde | 0xdf => (1 + (2 << (marker - 0xde)), 2 + marker - 0xde, 2),
            _ => (1, 0, 0),
        };
        steps[marker as usize] = Step { size, width, children };
        if marker == 0xff {
            break steps;
        }
        marker += 1;
    }
};

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn each_method_reads_its_kind() {
        let bytes = [0x92, 0x81, 0xa1, b'a', 0xc4, 1, 7, 0xc3, 0xc0, 0xff, 0xcd, 1, 0];
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.array(), Ok(2));
        assert_eq!(reader.map(), Ok(1));
        assert_eq!(reader.str(), Ok(&b"a"[..]));
        assert_eq!(reader.window(b"a"), &bytes[3..]);
        assert_eq!(reader.bin(), Ok(&[7][..]));
        assert_eq!(reader.bool(), Ok(true));
        assert_eq!(reader.nil(), Ok(()));
        assert_eq!(reader.integer(), Ok(-1));
        assert_eq!(reader.finish(), Err(DecodeError::TrailingBytes));
        assert_eq!(reader.unsigned(), Ok(256));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn another_kind_is_refused_where_it_stands() {
        for (bytes, kind) in [
            (&[0x90][..], Kind::Array),
            (&[0xc4, 0], Kind::Bin),
            (&[0xc2], Kind::Bool),
            (&[0xc7, 0, 5], Kind::Ext),
            (&[0xd4, 5, 0], Kind::Ext),
            (&[0xca, 0, 0, 0, 0], Kind::Float),
            (&[0xe0], Kind::Integer),
            (&[0x7f], Kind::Integer),
            (&[0x80], Kind::Map),
            (&[0xc0], Kind::Nil),
            (&[0xd9, 0], Kind::Str),
        ] {
            let mut reader = Reader::new(bytes);
            assert_eq!(reader.peek(), Ok(kind));
            assert_eq!(reader.array().is_ok(), kind == Kind::Array);
            reader.rewind(0);
            if kind != Kind::Str {
                assert_eq!(reader.str(), Err(DecodeError::Unexpected { expected: "str" }));
                assert_eq!(reader.position(), 0);
            }
            assert_eq!(reader.raw(), Ok(bytes));
            assert!(reader.at_end());
        }
    }

    #[test]
    fn integers_out_of_range_are_refused() {
        let huge = [0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Reader::new(&huge).unsigned(), Ok(1 << 63));
        assert_eq!(
            Reader::new(&huge).integer(),
            Err(DecodeError::Unexpected { expected: "integer" })
        );
        let expected = "unsigned integer";
        assert_eq!(Reader::new(&[0xff]).unsigned(), Err(DecodeError::Unexpected { expected }));
    }

    #[test]
    fn the_reserved_byte_is_refused() {
        let mut reader = Reader::new(&[0xc1, 0, 0, 0, 0]);
        assert_eq!(reader.peek(), Err(DecodeError::Reserved));
        assert_eq!(reader.item(), Err(DecodeError::Reserved));
        assert_eq!(reader.skip(), Err(DecodeError::Reserved));
    }

    #[test]
    fn skip_and_item_agree_on_each_first_byte() {
        for marker in 0..=255 {
            // A length of 1 where one is read.
            let bytes = [&[marker, 0, 0, 0, 1][..], &[0xc0; 40]].concat();
            let (mut skipped, mut read) = (Reader::new(&bytes), Reader::new(&bytes));
            let mut left = 1;
            let mut result = Ok(());
            while left > 0 && result.is_ok() {
                left -= 1;
                result = read.item().map(|item| match item {
                    Item::Array(count) => left += count,
                    Item::Map(count) => left += 2 * count,
                    _ => {}
                });
            }
            assert_eq!(skipped.skip(), result, "{marker:02x}");
            if result.is_ok() {
                assert_eq!(skipped.position(), read.position(), "{marker:02x}");
            }
        }
    }

    #[test]
    fn a_count_that_the_bytes_cannot_hold_is_refused_with_its_head() {
        assert_eq!(Reader::new(&[0x92, 1, 2]).array(), Ok(2));
        assert_eq!(Reader::new(&[0x93, 1, 2]).array(), Err(DecodeError::Truncated));
        assert_eq!(
            Reader::new(&[0xdd, 0xff, 0xff, 0xff, 0xff, 1]).array(),
            Err(DecodeError::Truncated)
        );
        assert_eq!(Reader::new(&[0x81, 1, 2]).map(), Ok(1));
        assert_eq!(Reader::new(&[0x82, 1, 2, 3]).map(), Err(DecodeError::Truncated));
        assert_eq!(
            Reader::new(&[0xdf, 0xff, 0xff, 0xff, 0xff, 1]).map(),
            Err(DecodeError::Truncated)
        );
    }
}
