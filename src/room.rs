//! Names of rooms and of sockets, which are rooms too.

use std::borrow::Cow;

use crate::msgpack::{self, DecodeError, Item, Reader};

/// The name of a room, or of a socket, whose id is a room too.
///
/// JavaScript lets any value name a room. What the wire can carry as one keeps its type: the
/// number 42 and the text "42" are two rooms that share one channel name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Room<'a> {
    /// A string in UTF-8.
    Text(&'a [u8]),
    /// A number; integers and floats of one value are the same room, as in JavaScript.
    Number(f64),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// `undefined`: what `socket.join(user.missing)` joins.
    Undefined,
}

impl<'a> Room<'a> {
    /// The room that `reader` stands at, or `None` for a value that can name no room (an array,
    /// a map, bytes); the reader has passed it either way.
    ///
    /// # Errors
    /// What the bytes are if they are not MessagePack.
    pub fn read(reader: &mut Reader<'a>) -> Result<Option<Self>, DecodeError> {
        let start = reader.clone();
        Ok(match reader.item()? {
            Item::Str(text) => Some(Self::Text(text)),
            Item::Signed(number) => Some(Self::Number(number as f64)),
            Item::Unsigned(number) => Some(Self::Number(number as f64)),
            Item::Float(number) => Some(Self::Number(number)),
            Item::Bool(value) => Some(Self::Bool(value)),
            Item::Nil => Some(Self::Null),
            Item::FixedExt(0, [_]) => Some(Self::Undefined),
            Item::Array(_) | Item::Map(_) => {
                *reader = start;
                reader.skip()?;
                None
            }
            Item::Bin(_) | Item::Ext(..) | Item::FixedExt(..) => None,
        })
    }

    /// Writes the name as MessagePack in its one canonical form, which is the key of the room
    /// index and what goes onto the wire.
    pub fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => msgpack::write_str(out, text),
            // One value, however many bit patterns.
            Self::Number(number) if number.is_nan() => msgpack::write_f64(out, f64::NAN),
            Self::Number(number) => msgpack::write_number(out, number),
            Self::Bool(value) => msgpack::write_bool(out, value),
            Self::Null => msgpack::write_nil(out),
            Self::Undefined => msgpack::write_undefined(out),
        }
    }

    /// The name as JavaScript's string concatenation writes it, which is how it stands in a
    /// channel's name.
    pub fn text(self) -> Cow<'a, [u8]> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => {
                Cow::Owned(ryu_js::Buffer::new().format(number).as_bytes().to_vec())
            }
            Self::Bool(true) => Cow::Borrowed(b"true"),
            Self::Bool(false) => Cow::Borrowed(b"false"),
            Self::Null => Cow::Borrowed(b"null"),
            Self::Undefined => Cow::Borrowed(b"undefined"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(room: Room<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        room.write(&mut out);
        out
    }

    fn reread(bytes: &[u8]) -> Option<Vec<u8>> {
        Room::read(&mut Reader::new(bytes)).ok().flatten().map(canonical)
    }

    #[test]
    fn every_width_of_one_value_is_one_room() {
        for wide in [
            &[0x2a][..],
            &[0xcc, 42],
            &[0xcd, 0, 42],
            &[0xd0, 42],
            &[0xd3, 0, 0, 0, 0, 0, 0, 0, 42],
            &[0xcb, 0x40, 0x45, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(reread(wide), Some(vec![0x2a]), "{wide:02x?}");
        }
        for wide in [&[0xa1, b'x'][..], &[0xd9, 1, b'x'], &[0xda, 0, 1, b'x']] {
            assert_eq!(reread(wide), Some(vec![0xa1, b'x']));
        }
    }

    #[test]
    fn every_bit_pattern_of_nan_is_one_room() {
        let bits = [0x7ff8_0000_0000_0000_u64, 0xfff8_0000_0000_0000, 0x7ff0_0000_0000_0001];
        for bits in bits.map(u64::to_be_bytes) {
            let bytes = [&[0xcb][..], &bits].concat();
            assert_eq!(reread(&bytes), Some(b"\xcb\x7f\xf8\0\0\0\0\0\0".to_vec()));
        }
    }

    #[test]
    fn a_number_and_its_text_are_two_rooms_of_one_spelling() {
        let (number, text) = (Room::Number(42.0), Room::Text(b"42"));
        assert_ne!(canonical(number), canonical(text));
        assert_eq!(number.text(), text.text());
    }

    #[test]
    fn values_without_a_name_name_no_room() {
        for value in [&[0x91, 0x01][..], &[0x80], &[0xc4, 1, 7]] {
            assert_eq!(reread(value), None);
        }
        for name in [Room::Bool(true), Room::Bool(false), Room::Null, Room::Undefined] {
            assert_eq!(reread(&canonical(name)), Some(canonical(name)));
        }
    }

    #[test]
    fn odd_names_are_spelt_as_javascript_does() {
        let spelt =
            |room: Room<'_>| String::from_utf8(room.text().into_owned()).unwrap_or_default();
        assert_eq!(spelt(Room::Number(0.1)), "0.1");
        assert_eq!(spelt(Room::Number(1e21)), "1e+21");
        assert_eq!(spelt(Room::Number(-0.0)), "0");
        assert_eq!(spelt(Room::Number(f64::NAN)), "NaN");
        assert_eq!(spelt(Room::Number(f64::NEG_INFINITY)), "-Infinity");
        assert_eq!(spelt(Room::Undefined), "undefined");
    }
}
