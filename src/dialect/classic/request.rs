//! What the servers of a cluster ask each other, on `key-request#nsp#`.
//!
//! | type | asks | answered by |
//! |---|---|---|
//! | 0 | for the ids of sockets | every other server |
//! | 1 | for all rooms | every other server |
//! | 2, 3, 4 with `sid` | one socket to join, to leave, to disconnect | the server that has it |
//! | 2, 3, 4 with `opts` | the sockets that match to do so | nobody |
//! | 5 | for the sockets that match, with their handshakes | every other server |
//! | 6 | listeners of a server | every other server whose listener calls back, if there is an id |
//! | 7 | clients to acknowledge an event | every other server, then each client |
//!
//! A request is a JSON object, or a MessagePack map where it carries what JSON cannot, such as binary data
//! (only type 7 does).
//! Members are written in the order of @socket.io/redis-adapter 8.3.0; socket.io-redis 6.1.1 leaves `uid`
//! out, the emitters most members. Two members are this package's own, and the others pass over them:
//! `named` asks the answering servers to tell their uids, `count` asks for a number instead of ids.

use super::{Data, Names};
use crate::dialect::broadcast::check_event;
use crate::dialect::flags::pass_absent;
use crate::dialect::names::read_names;
use crate::dialect::request::{NO_FLAGS, event, is_truthy, missing};
use crate::json::Object;
use crate::msgpack::{self, Kind, Reader};

pub use crate::dialect::request::{AckBroadcast, Envelope, Filter, Request, RequestError, Whom};

/// Reads a request, as MessagePack ([`super::to_messagepack`] makes it of JSON). `None` for one of
/// socket.io-redis 5, which spells `requestid` and has other type numbers, and for one of a type that
/// is not known here.
///
/// # Errors
/// [`RequestError`] for whatever no published package sends.
pub fn read_request(message: &[u8]) -> Result<Option<Envelope<'_>>, RequestError> {
    let Some(members) = Members::read(message)? else {
        return Ok(None);
    };
    let Members { uid, id, named, .. } = members;
    let request = match members.kind {
        Some(0) => Request::Sockets { rooms: members.rooms_or_none()?, count: members.count },
        Some(1) => Request::AllRooms,
        Some(2) => Request::Join { whom: members.whom()?, rooms: members.rooms_of_whom()? },
        Some(3) => Request::Leave { whom: members.whom()?, rooms: members.rooms_of_whom()? },
        Some(4) => Request::Disconnect { whom: members.whom()?, close: members.close },
        Some(5) => Request::Fetch(members.filter()?),
        Some(6) => Request::ServerSideEmit(event(members.data.ok_or(missing("data"))?)?),
        Some(7) => Request::Broadcast(members.broadcast()?),
        Some(_) => return Ok(None),
        None => return Err(missing("type")),
    };
    Ok(Some(Envelope { uid, id, named, request }))
}

/// Whether a request in JSON is this server's, as [`write_request`] writes it; told without reading the
/// request.
pub fn is_from(message: &[u8], uid: &[u8]) -> bool {
    let rest = message.strip_prefix(br#"{"uid":""#).and_then(|rest| rest.strip_prefix(uid));
    rest.is_some_and(|rest| rest.starts_with(b"\""))
}

/// The members of a request as they stand.
#[derive(Default)]
struct Members<'a> {
    uid: Option<&'a [u8]>,
    id: Option<&'a [u8]>,
    named: bool,
    kind: Option<u64>,
    sid: Option<&'a [u8]>,
    room: Option<&'a [u8]>,
    rooms: Option<&'a [u8]>,
    opts: Option<&'a [u8]>,
    close: Option<bool>,
    count: bool,
    data: Option<&'a [u8]>,
    packet: Option<&'a [u8]>,
}

impl<'a> Members<'a> {
    /// `None` for a request of socket.io-redis 5.
    fn read(message: &'a [u8]) -> Result<Option<Self>, RequestError> {
        let mut reader = Reader::new(message);
        let mut members = Self::default();
        for _ in 0..reader.map()? {
            match reader.str()? {
                b"requestid" => return Ok(None),
                name => members.take(name, &mut reader)?,
            }
        }
        reader.finish()?;
        Ok(Some(members))
    }

    fn take(&mut self, name: &[u8], reader: &mut Reader<'a>) -> Result<(), RequestError> {
        match name {
            // The one member that means something when it is null.
            b"room" => self.room = Some(reader.raw()?),
            _ if pass_absent(reader) => {}
            b"uid" => self.uid = Some(reader.str()?),
            b"requestId" => self.id = Some(reader.str()?),
            b"type" => self.kind = Some(reader.unsigned()?),
            b"sid" => self.sid = Some(reader.str()?),
            b"rooms" => self.rooms = Some(reader.raw()?),
            b"opts" => self.opts = Some(reader.raw()?),
            b"close" => self.close = Some(is_truthy(&reader.item()?)),
            b"data" => self.data = Some(reader.raw()?),
            b"packet" => self.packet = Some(reader.raw()?),
            b"named" => self.named = reader.bool()?,
            b"count" => self.count = reader.bool()?,
            _ => reader.skip()?,
        }
        Ok(())
    }

    fn whom(&self) -> Result<Whom<'a>, RequestError> {
        match self.sid {
            // The published packages look for the options first.
            Some(sid) if self.opts.is_none() => Ok(Whom::Socket(sid)),
            _ => self.filter().map(Whom::Filter),
        }
    }

    fn rooms_or_none(&self) -> Result<Names<'a>, RequestError> {
        self.rooms.map_or(Ok(Names::EMPTY), |bytes| Ok(read_names(&mut Reader::new(bytes))?))
    }

    /// The rooms of a request to join or leave.
    fn rooms_of_whom(&self) -> Result<Names<'a>, RequestError> {
        match (self.opts, self.room) {
            (Some(_), _) => {
                let rooms = self.rooms.ok_or(missing("rooms"))?;
                Ok(read_names(&mut Reader::new(rooms))?)
            }
            (None, Some(room)) => Ok(Names::one(room)),
            (None, None) => Err(missing("room")),
        }
    }

    fn filter(&self) -> Result<Filter<'a>, RequestError> {
        let (filter, _) = read_opts(self.opts.ok_or(missing("opts"))?)?;
        Ok(filter)
    }

    fn broadcast(&self) -> Result<AckBroadcast<'a>, RequestError> {
        let mut packet = Reader::new(self.packet.ok_or(missing("packet"))?);
        let (mut data, mut nsp) = (None, &b"/"[..]);
        for _ in 0..packet.map()? {
            match packet.str()? {
                b"data" => data = Some(packet.raw()?),
                b"nsp" => nsp = packet.str()?,
                _ => packet.skip()?,
            }
        }
        let data = data.ok_or(missing("packet.data"))?;
        check_event(Reader::new(data)).map_err(|_| RequestError::Event)?;
        let (filter, flags) = read_opts(self.opts.ok_or(missing("opts"))?)?;
        let (data, flags) = (Data::MessagePack(data), Data::MessagePack(flags));
        Ok(AckBroadcast { data, nsp, filter, flags })
    }
}

fn read_opts(opts: &[u8]) -> Result<(Filter<'_>, &[u8]), RequestError> {
    let mut reader = Reader::new(opts);
    let mut filter = Filter { rooms: Names::EMPTY, except: Names::EMPTY };
    let mut flags = NO_FLAGS;
    for _ in 0..reader.map()? {
        match reader.str()? {
            b"rooms" => filter.rooms = read_names(&mut reader)?,
            b"except" => filter.except = read_names(&mut reader)?,
            b"flags" if reader.peek()? == Kind::Map => flags = reader.raw()?,
            _ => reader.skip()?,
        }
    }
    Ok((filter, flags))
}

/// Writes a request: as JSON, or as MessagePack if it holds what JSON cannot carry.
///
/// # Errors
/// [`RequestError`] if data or flags are not what they must be; `out` then holds a part of it.
pub fn write_request(out: &mut Vec<u8>, envelope: &Envelope<'_>) -> Result<(), RequestError> {
    match &envelope.request {
        Request::Broadcast(broadcast) if !broadcast.data.fits_json() => {
            write_binary(out, envelope, broadcast)
        }
        request => write_json(out, envelope, request),
    }
}

/// The number of a request's type.
const fn kind(request: &Request<'_>) -> u8 {
    match request {
        Request::Sockets { .. } => 0,
        Request::AllRooms => 1,
        Request::Join { .. } => 2,
        Request::Leave { .. } => 3,
        Request::Disconnect { .. } => 4,
        Request::Fetch(_) => 5,
        Request::ServerSideEmit(_) => 6,
        Request::Broadcast(_) => 7,
    }
}

fn write_json(
    out: &mut Vec<u8>,
    envelope: &Envelope<'_>,
    request: &Request<'_>,
) -> Result<(), RequestError> {
    let mut object = Object::begin(out);
    if let Some(uid) = envelope.uid {
        object.text("uid", uid);
    }
    if let Some(id) = envelope.id {
        object.text("requestId", id);
    }
    object.number("type", kind(request).into());
    match request {
        Request::AllRooms => {}
        Request::Broadcast(AckBroadcast { data, nsp, filter, flags }) => {
            let mut packet = object.object("packet");
            packet.number("type", EVENT);
            data.write_json(packet.member("data"))?;
            packet.text("nsp", nsp);
            packet.end();
            write_opts(&mut object, filter, Some(*flags))?;
        }
        Request::Disconnect { whom, close } => {
            write_whom(&mut object, whom)?;
            if let Some(close) = close {
                object.boolean("close", *close);
            }
        }
        Request::Fetch(filter) => write_opts(&mut object, filter, None)?,
        Request::Join { whom, rooms } | Request::Leave { whom, rooms } => {
            write_whom(&mut object, whom)?;
            match whom {
                Whom::Filter(_) => rooms.write_json_list(object.member("rooms")),
                Whom::Socket(_) => rooms.write_json_first(object.member("room")),
            }
        }
        Request::ServerSideEmit(data) => data.write_json(object.member("data"))?,
        Request::Sockets { rooms, count } => {
            rooms.write_json_list(object.member("rooms"));
            if *count {
                object.boolean("count", true);
            }
        }
    }
    if envelope.named {
        object.boolean("named", true);
    }
    object.end();
    Ok(())
}

fn write_whom(object: &mut Object<'_>, whom: &Whom<'_>) -> Result<(), RequestError> {
    match whom {
        Whom::Filter(filter) => write_opts(object, filter, None),
        Whom::Socket(sid) => {
            object.text("sid", sid);
            Ok(())
        }
    }
}

fn write_opts(
    object: &mut Object<'_>,
    filter: &Filter<'_>,
    flags: Option<Data<'_>>,
) -> Result<(), RequestError> {
    let mut opts = object.object("opts");
    filter.rooms.write_json_list(opts.member("rooms"));
    filter.except.write_json_list(opts.member("except"));
    if let Some(flags) = flags {
        flags.write_json(opts.member("flags"))?;
    }
    opts.end();
    Ok(())
}

/// The type of a packet that is an event.
const EVENT: u64 = 2;

fn write_binary(
    out: &mut Vec<u8>,
    envelope: &Envelope<'_>,
    broadcast: &AckBroadcast<'_>,
) -> Result<(), RequestError> {
    let Envelope { uid, id, named, .. } = envelope;
    let members = [uid.is_some(), id.is_some(), *named].map(u32::from);
    msgpack::write_map_header(out, members.into_iter().fold(3, u32::saturating_add));
    for (name, value) in [(b"uid".as_slice(), uid), (b"requestId", id)] {
        if let Some(value) = value {
            msgpack::write_str(out, name);
            msgpack::write_str(out, value);
        }
    }
    msgpack::write_str(out, b"type");
    msgpack::write_unsigned(out, kind(&envelope.request).into());
    msgpack::write_str(out, b"packet");
    msgpack::write_map_header(out, 3);
    msgpack::write_str(out, b"type");
    msgpack::write_unsigned(out, EVENT);
    msgpack::write_str(out, b"data");
    broadcast.data.write_messagepack(out)?;
    msgpack::write_str(out, b"nsp");
    msgpack::write_str(out, broadcast.nsp);
    msgpack::write_str(out, b"opts");
    msgpack::write_map_header(out, 3);
    msgpack::write_str(out, b"rooms");
    broadcast.filter.rooms.write_list(out);
    msgpack::write_str(out, b"except");
    broadcast.filter.except.write_list(out);
    msgpack::write_str(out, b"flags");
    broadcast.flags.write_messagepack(out)?;
    if *named {
        msgpack::write_str(out, b"named");
        msgpack::write_bool(out, true);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_request_is_known_by_its_beginning() {
        assert!(is_from(br#"{"uid":"KgkYV5","type":1}"#, b"KgkYV5"));
        assert!(!is_from(br#"{"uid":"KgkYV5-","type":1}"#, b"KgkYV5"));
        assert!(!is_from(br#"{"type":1,"uid":"KgkYV5"}"#, b"KgkYV5"));
    }
}
