//! Lists of names of rooms.

use super::flags::pass_absent;
use crate::msgpack::{self, DecodeError, Reader};
use crate::room::Room;
use crate::transcode::msgpack_to_json;

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
    pub(super) const fn one(name: &'a [u8]) -> Self {
        Self { reader: Reader::new(name), left: 1 }
    }

    /// Whether the list names nothing at all.
    pub const fn is_empty(&self) -> bool {
        self.left == 0
    }

    pub(super) fn write_list(&self, out: &mut Vec<u8>) {
        write_names(out, self.clone().count(), self.clone());
    }

    /// Writes the list as `JSON.stringify` does.
    pub(super) fn write_json_list(&self, out: &mut Vec<u8>) {
        let mut list = Vec::new();
        self.write_list(&mut list);
        // What was just written can be read.
        let _ = msgpack_to_json(&mut Reader::new(&list), out, &mut Vec::new());
    }

    /// Writes the first name as `JSON.stringify` does.
    pub(super) fn write_json_first(&self, out: &mut Vec<u8>) {
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
pub(super) fn write_names<'a>(
    out: &mut Vec<u8>,
    count: usize,
    names: impl Iterator<Item = Room<'a>>,
) {
    msgpack::write_array_header(out, u32::try_from(count).unwrap_or(u32::MAX));
    for name in names {
        name.write(out);
    }
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

/// The names in a list; none where there is no list.
pub(super) fn read_names<'a>(reader: &mut Reader<'a>) -> Result<Names<'a>, DecodeError> {
    let left = if pass_absent(reader) { 0 } else { reader.array()? };
    let names = Names { reader: reader.clone(), left };
    for _ in 0..left {
        reader.skip()?;
    }
    Ok(names)
}
