//! What goes to every server: as @socket.io/redis-adapter 8.3.0 writes it, member for member.

use super::writer::Writer;
use super::{EVENT, WANT_COUNT, WANT_IDS, WANT_ROOMS, kind};
use crate::dialect::request::{AckBroadcast, Envelope, Filter, Request, RequestError, Whom};
use crate::dialect::{Data, Names};
use crate::id::{Namespace, Uid};
use crate::room::Room;
use crate::transcode::Outside;

const NO_FLAGS: Data<'static> = Data::Json(b"{}", Outside { attachments: &[], texts: &[] });

/// Writes a broadcast: as JSON, or as MessagePack if it holds what JSON cannot carry.
///
/// `flags` is a JSON object's text; empty for no flags. Text that becomes part of JSON is taken to be
/// JSON.
///
/// # Errors
/// [`RequestError`] if data or flags are not what they must be; `out` then holds a part of the message.
pub fn write_broadcast(
    out: &mut Vec<u8>,
    uid: &Uid,
    nsp: &Namespace,
    data: Data<'_>,
    rooms: &[Room<'_>],
    except: &[Room<'_>],
    flags: &[u8],
) -> Result<(), RequestError> {
    let flags = match flags {
        [] => NO_FLAGS,
        flags => Data::Json(flags, Outside::default()),
    };
    let mut writer = Writer::begin(out, kind::BROADCAST, Some(data), 2);
    write_packet(&mut writer, data)?;
    write_opts(&mut writer, rooms.iter().copied(), except.iter().copied(), flags)?;
    writer.end(uid, nsp);
    Ok(())
}

/// Writes a request of this server, whose uid the envelope need not tell: as JSON, or as MessagePack if it
/// holds what JSON cannot carry.
///
/// One socket ([`Whom::Socket`]) is asked for as its own room, and its server does not say when it has done
/// what it was to do: nobody answers but to [`Request::AllRooms`], [`Broadcast`](Request::Broadcast),
/// [`Fetch`](Request::Fetch), [`ServerSideEmit`](Request::ServerSideEmit) and
/// [`Sockets`](Request::Sockets), and the others are written without an id.
///
/// # Errors
/// [`RequestError`] if data or flags are not what they must be; `out` then holds a part of it.
pub fn write_request(
    out: &mut Vec<u8>,
    uid: &Uid,
    nsp: &Namespace,
    envelope: &Envelope<'_>,
) -> Result<(), RequestError> {
    let id = envelope.id;
    let id_members = u32::from(id.is_some());
    let writer = match &envelope.request {
        Request::Broadcast(AckBroadcast { data, filter, flags, .. }) => {
            let members = id_members.saturating_add(2);
            let mut writer = Writer::begin(out, kind::BROADCAST, Some(*data), members);
            write_packet(&mut writer, *data)?;
            write_id(&mut writer, id);
            write_opts(&mut writer, filter.rooms.clone(), filter.except.clone(), *flags)?;
            writer
        }
        Request::ServerSideEmit(data) => {
            let members = id_members.saturating_add(1);
            let mut writer = Writer::begin(out, kind::SERVER_SIDE_EMIT, Some(*data), members);
            write_id(&mut writer, id);
            writer.data::<RequestError>("packet", *data)?;
            writer
        }
        Request::Join { whom, rooms } => {
            let mut writer = Writer::begin(out, kind::JOIN, None, 2);
            write_whom(&mut writer, whom)?;
            writer.names("rooms", rooms.clone());
            writer
        }
        Request::Leave { whom, rooms } => {
            let mut writer = Writer::begin(out, kind::LEAVE, None, 2);
            write_whom(&mut writer, whom)?;
            writer.names("rooms", rooms.clone());
            writer
        }
        Request::Disconnect { whom, close } => {
            let mut writer = Writer::begin(out, kind::DISCONNECT, None, 2);
            write_whom(&mut writer, whom)?;
            if let Some(close) = close {
                writer.boolean("close", *close);
            }
            writer
        }
        Request::Fetch(filter) => write_fetch(out, filter, id, None)?,
        Request::Sockets { rooms, count } => {
            let filter = Filter { rooms: rooms.clone(), except: Names::EMPTY };
            write_fetch(out, &filter, id, Some(if *count { WANT_COUNT } else { WANT_IDS }))?
        }
        Request::AllRooms => {
            let filter = Filter { rooms: Names::EMPTY, except: Names::EMPTY };
            write_fetch(out, &filter, id, Some(WANT_ROOMS))?
        }
    };
    writer.end(uid, nsp);
    Ok(())
}

fn write_fetch<'a>(
    out: &'a mut Vec<u8>,
    filter: &Filter<'_>,
    id: Option<&[u8]>,
    want: Option<&str>,
) -> Result<Writer<'a>, RequestError> {
    let mut writer = Writer::begin(out, kind::FETCH, None, 3);
    write_opts(&mut writer, filter.rooms.clone(), filter.except.clone(), NO_FLAGS)?;
    write_id(&mut writer, id);
    if let Some(want) = want {
        writer.text("want", want.as_bytes());
    }
    Ok(writer)
}

fn write_packet(writer: &mut Writer<'_>, data: Data<'_>) -> Result<(), RequestError> {
    writer.object("packet", 2);
    writer.number("type", EVENT);
    writer.data::<RequestError>("data", data)?;
    writer.end_object();
    Ok(())
}

fn write_id(writer: &mut Writer<'_>, id: Option<&[u8]>) {
    if let Some(id) = id {
        writer.text("requestId", id);
    }
}

fn write_whom(writer: &mut Writer<'_>, whom: &Whom<'_>) -> Result<(), RequestError> {
    match whom {
        Whom::Filter(Filter { rooms, except }) => {
            write_opts(writer, rooms.clone(), except.clone(), NO_FLAGS)
        }
        Whom::Socket(sid) => {
            write_opts(writer, [Room::Text(sid)].into_iter(), Names::EMPTY, NO_FLAGS)
        }
    }
}

fn write_opts<'r>(
    writer: &mut Writer<'_>,
    rooms: impl Iterator<Item = Room<'r>> + Clone,
    except: impl Iterator<Item = Room<'r>> + Clone,
    flags: Data<'_>,
) -> Result<(), RequestError> {
    writer.object("opts", 3);
    writer.names("rooms", rooms);
    writer.names("except", except);
    writer.data::<RequestError>("flags", flags)?;
    writer.end_object();
    Ok(())
}
