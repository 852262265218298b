//! What servers answer, on the channel of the one that asked.

use super::kind;
use super::reading::{Message, find, present, text};
use super::writer::Writer;
use crate::dialect::Data;
use crate::dialect::names::read_names;
use crate::dialect::response::{Answer, Response, ResponseError, Sockets, read_details};
use crate::id::{Namespace, Uid};
use crate::msgpack::Reader;

/// Reads an answer, as MessagePack ([`to_messagepack`](crate::dialect::to_messagepack) makes it of JSON).
/// `None` if it is for another namespace, or none of the known types. It always tells whose it is.
///
/// # Errors
/// [`ResponseError`] for whatever no published package sends.
pub fn read_answer<'a>(
    message: &'a [u8],
    nsp: &Namespace,
) -> Result<Option<Answer<'a>>, ResponseError> {
    let Message { kind, uid, nsp: to, data } = Message::read(message)?;
    if to != Some(nsp.as_str().as_bytes()) {
        return Ok(None);
    }
    let kind = kind.ok_or(ResponseError::Missing("type"))?;
    if !matches!(kind, kind::FETCHED | kind::CALLED_BACK..=kind::ACKNOWLEDGED) {
        return Ok(None);
    }
    let uid = Some(uid.ok_or(ResponseError::Missing("uid"))?);
    let mut data = data.ok_or(ResponseError::Missing("data"))?;
    let [id, packet, clients] = find(&mut data.clone(), ["requestId", "packet", "clientCount"])?;
    let id = text(id)?.ok_or(ResponseError::Missing("requestId"))?;
    let response = match kind {
        kind::FETCHED => read_fetched(&mut data)?,
        kind::CALLED_BACK => Response::ServerSideEmit(value(packet)?),
        kind::CLIENT_COUNT => Response::ClientCount(
            present(clients).ok_or(ResponseError::Missing("clientCount"))?.unsigned()?,
        ),
        _ => Response::Acknowledgement(value(packet)?),
    };
    Ok(Some(Answer { id, uid, response }))
}

/// A value, which may be null.
fn value(member: Option<Reader<'_>>) -> Result<Option<Data<'_>>, ResponseError> {
    Ok(match member {
        Some(mut member) => Some(Data::MessagePack(member.raw()?)),
        None => None,
    })
}

fn read_fetched<'a>(data: &mut Reader<'a>) -> Result<Response<'a>, ResponseError> {
    let members = find(data, ["sockets", "count", "ids", "roomNames"])?;
    match members.map(present) {
        [Some(mut sockets), None, None, None] => {
            Ok(Response::Sockets(read_details(sockets.raw()?)?))
        }
        [None, Some(mut count), None, None] => Ok(Response::Count(count.unsigned()?)),
        [None, None, Some(mut ids), None] => {
            let names = read_names(&mut ids.clone())?;
            for _ in 0..ids.array()? {
                ids.str()?;
            }
            Ok(Response::Sockets(Sockets::Ids(names)))
        }
        [None, None, None, Some(mut rooms)] => Ok(Response::Rooms(read_names(&mut rooms)?)),
        [None, None, None, None] => Err(ResponseError::Missing("sockets")),
        _ => Err(ResponseError::Twice),
    }
}

/// Writes an answer of this server, whose uid `answer` need not tell: as JSON, or as MessagePack if it holds
/// what JSON cannot carry.
///
/// # Errors
/// [`ResponseError`] if a value is not what it must be, or if it is [`Response::Done`], which nobody says in
/// this dialect; `out` then holds a part of it.
pub fn write_answer(
    out: &mut Vec<u8>,
    uid: &Uid,
    nsp: &Namespace,
    answer: &Answer<'_>,
) -> Result<(), ResponseError> {
    let (kind, content) = match &answer.response {
        Response::Acknowledgement(value) => (kind::ACKNOWLEDGED, *value),
        Response::ClientCount(_) => (kind::CLIENT_COUNT, None),
        Response::Done => return Err(ResponseError::Unsayable),
        Response::ServerSideEmit(value) => (kind::CALLED_BACK, *value),
        Response::Sockets(Sockets::Details(sockets)) => (kind::FETCHED, Some(*sockets)),
        Response::Count(_) | Response::Rooms(_) | Response::Sockets(_) => (kind::FETCHED, None),
    };
    let mut writer = Writer::begin(out, kind, content, 2);
    writer.text("requestId", answer.id);
    match &answer.response {
        Response::Acknowledgement(Some(value)) | Response::ServerSideEmit(Some(value)) => {
            writer.data::<ResponseError>("packet", *value)?;
        }
        Response::Acknowledgement(None) | Response::ServerSideEmit(None) | Response::Done => {}
        Response::ClientCount(count) => writer.number("clientCount", *count),
        Response::Count(count) => writer.number("count", *count),
        Response::Rooms(rooms) => writer.names("roomNames", rooms.clone()),
        Response::Sockets(Sockets::Details(sockets)) => {
            writer.data::<ResponseError>("sockets", *sockets)?;
        }
        Response::Sockets(Sockets::Ids(ids)) => writer.names("ids", ids.clone()),
        Response::Sockets(Sockets::None) => writer.names("sockets", std::iter::empty()),
    }
    writer.end(uid, nsp);
    Ok(())
}
