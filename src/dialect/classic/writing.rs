//! Broadcasts as they are written: as @socket.io/redis-adapter 8.3.0 does, member for member.

use super::{Data, EXCEPT, FLAGS, NO_EXCEPT_NO_FLAGS, NSP, OPTS_TO_ROOMS, PACKET_TO_DATA};
use crate::dialect::names::write_names;
use crate::id::{Namespace, Uid};
use crate::json;
use crate::msgpack::{self, Sink};
use crate::room::Room;
use crate::transcode::{Outside, json_to_msgpack};

/// Writes a broadcast as @socket.io/redis-adapter 8.3.0 does, member for member.
///
/// `flags` is a JSON object's text; empty for no flags.
///
/// # Errors
/// [`json::DecodeError`] if a text is not JSON; `out` then holds a part of the message.
pub fn write_broadcast(
    out: &mut Vec<u8>,
    uid: &Uid,
    nsp: &Namespace,
    data: Data<'_>,
    rooms: &[Room<'_>],
    except: &[Room<'_>],
    flags: &[u8],
) -> Result<(), json::DecodeError> {
    msgpack::write_array_header(out, 3);
    msgpack::write_str(out, uid.as_str().as_bytes());
    out.put(PACKET_TO_DATA);
    data.write_messagepack(out)?;
    out.put(NSP);
    msgpack::write_str(out, nsp.as_str().as_bytes());
    out.put(OPTS_TO_ROOMS);
    write_names(out, rooms.len(), rooms.iter().copied());
    if except.is_empty() && flags.is_empty() {
        out.put(NO_EXCEPT_NO_FLAGS);
        return Ok(());
    }
    out.put(EXCEPT);
    write_names(out, except.len(), except.iter().copied());
    out.put(FLAGS);
    if flags.is_empty() {
        msgpack::write_map_header(out, 0);
        Ok(())
    } else {
        json_to_msgpack(flags, Outside::default(), out)
    }
}

/// A probe: a message that its sender knows again, and everybody else drops.
pub fn probe(uid: &Uid) -> Vec<u8> {
    let mut out = Vec::new();
    msgpack::write_array_header(&mut out, 1);
    msgpack::write_str(&mut out, uid.as_str().as_bytes());
    out
}
