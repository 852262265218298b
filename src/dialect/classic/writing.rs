//! Broadcasts as they are written: as @socket.io/redis-adapter 8.3.0 does, member for member.

use super::{EXCEPT, FLAGS, NO_EXCEPT_NO_FLAGS, NSP, OPTS_TO_ROOMS, PACKET_TO_DATA};
use crate::id::{Namespace, Uid};
use crate::json;
use crate::msgpack::{self, Reader, Sink};
use crate::room::Room;
use crate::transcode::{Outside, json_to_msgpack, msgpack_to_json};

/// A value inside a message: the data of an event (a list that begins with its name), flags, an answer.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// JSON text: what `JSON.stringify` wrote, in UTF-8, and what stands outside it.
    Json(&'a [u8], Outside<'a>),
    /// MessagePack.
    MessagePack(&'a [u8]),
}

impl Data<'_> {
    /// Whether JSON alone can carry it.
    pub(super) fn fits_json(self) -> bool {
        match self {
            Self::Json(_, Outside { attachments, .. }) => attachments.is_empty(),
            Self::MessagePack(bytes) => Reader::new(bytes).fits_json(),
        }
    }

    /// Its MessagePack; nothing if it is no value.
    pub(crate) fn to_messagepack(self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.write_messagepack(&mut out).is_err() {
            out.clear();
        }
        out
    }

    /// Writes it as JSON.
    pub(super) fn write_json(self, out: &mut Vec<u8>) -> Result<(), msgpack::DecodeError> {
        match self {
            Self::Json(text, Outside { texts, .. }) => json::fill(text, texts, out),
            Self::MessagePack(bytes) => {
                msgpack_to_json(&mut Reader::new(bytes), out, &mut Vec::new())?;
            }
        }
        Ok(())
    }

    /// Writes it as MessagePack.
    pub(super) fn write_messagepack(self, out: &mut Vec<u8>) -> Result<(), json::DecodeError> {
        match self {
            Self::Json(text, outside) => json_to_msgpack(text, outside, out)?,
            Self::MessagePack(bytes) => out.extend_from_slice(bytes),
        }
        Ok(())
    }
}

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
    write_names(out, rooms);
    if except.is_empty() && flags.is_empty() {
        out.put(NO_EXCEPT_NO_FLAGS);
        return Ok(());
    }
    out.put(EXCEPT);
    write_names(out, except);
    out.put(FLAGS);
    if flags.is_empty() {
        msgpack::write_map_header(out, 0);
        Ok(())
    } else {
        json_to_msgpack(flags, Outside::default(), out)
    }
}

fn write_names(out: &mut Vec<u8>, names: &[Room<'_>]) {
    msgpack::write_array_header(out, u32::try_from(names.len()).unwrap_or(u32::MAX));
    for name in names {
        name.write(out);
    }
}

/// Writes a probe: a message that its sender knows again, and everybody else drops.
pub fn write_probe(out: &mut Vec<u8>, uid: &Uid) {
    msgpack::write_array_header(out, 1);
    msgpack::write_str(out, uid.as_str().as_bytes());
}
