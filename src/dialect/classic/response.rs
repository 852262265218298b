//! What servers answer, on `key-response#nsp#` or, for one server alone, on `key-response#nsp#uid#`.
//!
//! | answers | members |
//! |---|---|
//! | 0, 5 | requestId, sockets |
//! | 0 with `count` | requestId, count |
//! | 1 | requestId, rooms |
//! | 2, 3, 4 with `sid` | requestId |
//! | 6 | type 6, requestId, data (left out if it is undefined) |
//! | 7, once for each server | type 8, requestId, clientCount |
//! | 7, once for each client | type 9, requestId, packet: the first argument of its acknowledgement |
//!
//! JSON objects, except type 9, which is a MessagePack map. Where the request asked for it (`named`), the
//! uid of the answering server comes last.

use super::Data;
use crate::dialect::names::read_names;
use crate::dialect::response::read_details;
use crate::json::Object;
use crate::msgpack::{self, Kind, Reader};

pub use crate::dialect::response::{Answer, Reply, Response, ResponseError, Sockets};

/// Reads a response, as MessagePack ([`super::to_messagepack`] makes it of JSON). `None` if it says
/// not what it answers, as those of socket.io-redis 5.
///
/// # Errors
/// [`ResponseError`] for whatever no published package sends.
pub fn read_response(message: &[u8]) -> Result<Option<Answer<'_>>, ResponseError> {
    let mut reader = Reader::new(message);
    let (mut id, mut uid, mut kind, mut value) = (None, None, None, None);
    for _ in 0..reader.map()? {
        let name = reader.str()?;
        match name {
            b"requestId" => id = Some(reader.str()?),
            b"uid" => uid = Some(reader.str()?),
            b"type" => kind = Some(reader.unsigned()?),
            b"clientCount" | b"count" | b"data" | b"packet" | b"rooms" | b"sockets" => {
                if value.replace((name, reader.raw()?)).is_some() {
                    return Err(ResponseError::Twice);
                }
            }
            _ => reader.skip()?,
        }
    }
    reader.finish()?;
    let Some(id) = id else { return Ok(None) };
    let data = |expected: &[u8]| match value {
        Some((name, bytes)) if name == expected => Some(Data::MessagePack(bytes)),
        _ => None,
    };
    let response = match (kind, value) {
        (Some(6), _) => Response::ServerSideEmit(data(b"data")),
        (Some(8), Some((b"clientCount", bytes))) => {
            Response::ClientCount(Reader::new(bytes).unsigned()?)
        }
        (Some(8), _) => return Err(ResponseError::Missing("clientCount")),
        (Some(9), _) => Response::Acknowledgement(data(b"packet")),
        (Some(_), _) => return Ok(None),
        (None, Some((b"count", bytes))) => Response::Count(Reader::new(bytes).unsigned()?),
        (None, Some((b"rooms", bytes))) => Response::Rooms(read_names(&mut Reader::new(bytes))?),
        (None, Some((b"sockets", bytes))) => Response::Sockets(read_sockets(bytes)?),
        (None, _) => Response::Done,
    };
    Ok(Some(Answer { id, uid, response }))
}

/// The id of an answer in JSON, or its beginning, told without reading the answer: on the shared channel
/// most are for others, and may be long. `None` if it does not stand where all senders put it.
pub fn peek_id(message: &[u8]) -> Option<&[u8]> {
    let rest = message.strip_prefix(b"{")?;
    let rest = match rest.strip_prefix(br#""type":"#) {
        Some([b'0'..=b'9', b',', rest @ ..]) => rest,
        Some(_) => return None,
        None => rest,
    };
    let rest = rest.strip_prefix(br#""requestId":""#)?;
    rest.split(|&byte| matches!(byte, b'"' | b'\\')).next()
}

fn read_sockets(bytes: &[u8]) -> Result<Sockets<'_>, ResponseError> {
    let mut reader = Reader::new(bytes);
    let count = reader.array()?;
    if count > 0 && reader.peek()? == Kind::Str {
        for _ in 0..count {
            reader.str()?;
        }
        return Ok(Sockets::Ids(read_names(&mut Reader::new(bytes))?));
    }
    read_details(bytes)
}

/// Writes a response as @socket.io/redis-adapter 8.3.0 does.
///
/// # Errors
/// [`ResponseError`] if a value is not what it must be; `out` then holds a part of it.
pub fn write_response(out: &mut Vec<u8>, answer: &Answer<'_>) -> Result<(), ResponseError> {
    let Answer { id, uid, response } = answer;
    if let Response::Acknowledgement(packet) = response {
        return write_acknowledgement(out, id, *packet, *uid);
    }
    let mut object = Object::begin(out);
    match response {
        Response::ClientCount(_) => object.number("type", 8),
        Response::ServerSideEmit(_) => object.number("type", 6),
        _ => {}
    }
    object.text("requestId", id);
    match response {
        Response::Acknowledgement(_) | Response::Done => {}
        Response::ClientCount(count) => object.number("clientCount", *count),
        Response::Count(count) => object.number("count", *count),
        Response::Rooms(rooms) => rooms.write_json_list(object.member("rooms")),
        Response::ServerSideEmit(None) => {}
        Response::ServerSideEmit(Some(data)) => data.write_json(object.member("data"))?,
        Response::Sockets(Sockets::Details(data)) => data.write_json(object.member("sockets"))?,
        Response::Sockets(Sockets::Ids(ids)) => ids.write_json_list(object.member("sockets")),
        Response::Sockets(Sockets::None) => {
            object.member("sockets").extend_from_slice(b"[]");
        }
    }
    if let Some(uid) = uid {
        object.text("uid", uid);
    }
    object.end();
    Ok(())
}

fn write_acknowledgement(
    out: &mut Vec<u8>,
    id: &[u8],
    packet: Option<Data<'_>>,
    uid: Option<&[u8]>,
) -> Result<(), ResponseError> {
    let members = [packet.is_some(), uid.is_some()].map(u32::from);
    msgpack::write_map_header(out, members.into_iter().fold(2, u32::saturating_add));
    msgpack::write_str(out, b"type");
    msgpack::write_unsigned(out, 9);
    msgpack::write_str(out, b"requestId");
    msgpack::write_str(out, id);
    if let Some(packet) = packet {
        msgpack::write_str(out, b"packet");
        packet.write_messagepack(out)?;
    }
    if let Some(uid) = uid {
        msgpack::write_str(out, b"uid");
        msgpack::write_str(out, uid);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_an_answer_stands_where_every_package_puts_it() {
        for (message, id) in [
            (&br#"{"requestId":"myM-2O","sockets":[]}"#[..], Some(&b"myM-2O"[..])),
            (br#"{"type":8,"requestId":"69iZez","clientCount":2}"#, Some(b"69iZez")),
            (br#"{"requestId":"a\u0062"}"#, Some(b"a")),
            (br#"{"requestId":""#, Some(b"")),
            (br#"{"clientCount":2,"requestId":"69iZez"}"#, None),
            (br#"{"type":88,"requestId":"69iZez"}"#, None),
            (br#"{"requestid":"69iZez"}"#, None),
            (b"\x83\xa4type\x09", None),
            (b"", None),
        ] {
            assert_eq!(peek_id(message), id, "{}", String::from_utf8_lossy(message));
        }
    }
}
