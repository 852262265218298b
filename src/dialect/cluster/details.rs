//! What of full descriptions answers a smaller question.

use std::collections::BTreeSet;

use super::reading::find;
use crate::dialect::names::read_names;
use crate::dialect::{Data, list};
use crate::msgpack::{self, DecodeError, Reader};
use crate::room::Room;

/// How many sockets [`Sockets::Details`](crate::dialect::response::Sockets::Details) describes.
pub fn details_count(details: Data<'_>) -> u64 {
    with_bytes(details, |bytes| Reader::new(bytes).array().unwrap_or_default().into())
}

/// Their ids: a list, for [`Names::of`](crate::dialect::Names::of).
pub fn details_ids(details: Data<'_>) -> Vec<u8> {
    with_bytes(details, |bytes| {
        let mut ids = Vec::new();
        // What was read before can be read.
        let _ = each(bytes, |id, _| {
            ids.extend(Room::read(id)?);
            Ok(())
        });
        list(ids.into_iter())
    })
}

/// The rooms that any of them is in, each once: a list, for [`Names::of`](crate::dialect::Names::of).
pub fn details_rooms(details: Data<'_>) -> Vec<u8> {
    with_bytes(details, |bytes| {
        let (mut rooms, mut name) = (BTreeSet::new(), Vec::new());
        let _ = each(bytes, |_, joined| {
            for room in read_names(joined)? {
                name.clear();
                room.write(&mut name);
                // Most rooms are those of many sockets.
                if !rooms.contains(&name) {
                    rooms.insert(name.clone());
                }
            }
            Ok(())
        });
        let mut out = Vec::new();
        msgpack::write_array_header(&mut out, u32::try_from(rooms.len()).unwrap_or(u32::MAX));
        rooms.iter().for_each(|room| out.extend_from_slice(room));
        out
    })
}

fn with_bytes<T>(details: Data<'_>, take: impl FnOnce(&[u8]) -> T) -> T {
    match details {
        Data::MessagePack(bytes) => take(bytes),
        json @ Data::Json(..) => take(&json.to_messagepack()),
    }
}

/// Takes the id and the rooms of each socket.
fn each<'a>(
    details: &'a [u8],
    mut take: impl FnMut(&mut Reader<'a>, &mut Reader<'a>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut reader = Reader::new(details);
    for _ in 0..reader.array()? {
        if let [Some(mut id), Some(mut rooms)] = find(&mut reader, ["id", "rooms"])? {
            take(&mut id, &mut rooms)?;
        }
    }
    Ok(())
}
