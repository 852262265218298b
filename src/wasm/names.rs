//! Names of rooms and sockets as the host writes them into the input buffer.
//!
//! A tag, then: 0 text: its length in bytes (32 bits, little-endian) and its UTF-8; 1 a number: 64
//! bits, little-endian; 2 `undefined`; 3 `null`; 4 `false`; 5 `true`.

use crate::room::Room;

/// A cursor over names.
pub(super) struct Names<'a>(&'a [u8]);

impl<'a> Names<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `count` names; `None` if one of them is none.
    pub(super) fn take(&mut self, count: usize) -> Option<Vec<Room<'a>>> {
        let mut names = Vec::with_capacity(count.min(self.0.len()));
        for _ in 0..count {
            names.push(self.next()?);
        }
        Some(names)
    }

    /// The next name; `None` at the end, or for what is none.
    pub(super) fn next(&mut self) -> Option<Room<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (name, rest) = match tag {
            0 => {
                let (length, rest) = rest.split_first_chunk()?;
                let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
                (Room::Text(text), rest)
            }
            1 => {
                let (number, rest) = rest.split_first_chunk()?;
                (Room::Number(f64::from_le_bytes(*number)), rest)
            }
            2 => (Room::Undefined, rest),
            3 => (Room::Null, rest),
            4 => (Room::Bool(false), rest),
            5 => (Room::Bool(true), rest),
            _ => return None,
        };
        self.0 = rest;
        Some(name)
    }
}
