//! What comes to every server.

use thiserror::Error;

use super::{EVENT, WANT_COUNT, WANT_IDS, WANT_ROOMS, kind};
use crate::dialect::broadcast::check_event;
use crate::dialect::flags::{pass_absent, read_flags};
use crate::dialect::names::read_names;
use crate::dialect::request::{
    AckBroadcast, Envelope, Filter, NO_FLAGS, Request, RequestError, Whom, event, is_truthy,
    missing,
};
use crate::dialect::{Broadcast, BroadcastError, Data, Names};
use crate::id::{Namespace, Uid};
use crate::msgpack::{DecodeError, Reader};

/// Why a message to every server was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum MessageError {
    /// It is a broadcast that is none.
    #[error(transparent)]
    Broadcast(#[from] BroadcastError),
    /// It is a request that is none, or nothing at all.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl MessageError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Broadcast(error) => error.code(),
            Self::Request(error) => error.code(),
        }
    }
}

/// What came to every server.
#[derive(Clone, Debug)]
pub enum Incoming<'a> {
    /// Another server's broadcast to this namespace.
    Broadcast(Broadcast<'a>),
    /// This server's own message.
    Echo,
    /// A message of another namespace.
    Foreign,
    /// What another server asks, or lets sockets do.
    Request(Envelope<'a>),
    /// Of a type that tells this server nothing.
    Unknown,
}

/// Reads what came to every server of `nsp`, as the server `uid`. The message is MessagePack
/// ([`to_messagepack`](crate::dialect::to_messagepack) makes it of JSON).
///
/// The data of an event is not looked into; its reader is one of the whole message.
///
/// # Errors
/// [`MessageError`] for whatever no published package sends, or what its receivers would fail on.
pub fn read_message<'a>(
    message: &'a [u8],
    uid: &Uid,
    nsp: &Namespace,
) -> Result<Incoming<'a>, MessageError> {
    let Message { kind, uid: sender, nsp: to, data } =
        Message::read(message).map_err(RequestError::MessagePack)?;
    if sender == Some(uid.as_str().as_bytes()) {
        return Ok(Incoming::Echo);
    }
    if to != Some(nsp.as_str().as_bytes()) {
        return Ok(Incoming::Foreign);
    }
    let to = to.unwrap_or_default();
    let (id, request) = match kind.ok_or(missing("type"))? {
        kind::BROADCAST => match read_event(data, to)? {
            Event::Plain(broadcast) => return Ok(Incoming::Broadcast(broadcast)),
            Event::Acknowledged(id, broadcast) => (Some(id), Request::Broadcast(broadcast)),
        },
        kind @ (kind::JOIN..=kind::FETCH | kind::SERVER_SIDE_EMIT) => {
            read_request(kind, data.ok_or(missing("data"))?)?
        }
        _ => return Ok(Incoming::Unknown),
    };
    // Every answer tells whose it is.
    Ok(Incoming::Request(Envelope { uid: sender, id, named: true, request }))
}

/// The members of every message.
pub(super) struct Message<'a> {
    pub(super) kind: Option<u64>,
    pub(super) uid: Option<&'a [u8]>,
    pub(super) nsp: Option<&'a [u8]>,
    /// Stands at the data.
    pub(super) data: Option<Reader<'a>>,
}

impl<'a> Message<'a> {
    pub(super) fn read(message: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(message);
        let [kind, uid, nsp, data] = find(&mut reader, ["type", "uid", "nsp", "data"])?;
        reader.finish()?;
        let kind = present(kind).map(|mut kind| kind.unsigned()).transpose()?;
        Ok(Self { kind, uid: text(uid)?, nsp: text(nsp)?, data: present(data) })
    }
}

/// Passes an object; gives where its members of these names stand. One that comes twice counts where it
/// comes last, as in JavaScript.
pub(super) fn find<'a, const N: usize>(
    reader: &mut Reader<'a>,
    names: [&str; N],
) -> Result<[Option<Reader<'a>>; N], DecodeError> {
    let mut found = [const { None }; N];
    for _ in 0..reader.map()? {
        let name = reader.str()?;
        let at = reader.clone();
        reader.skip()?;
        if let Some(place) = names.iter().position(|wanted| wanted.as_bytes() == name)
            && let Some(found) = found.get_mut(place)
        {
            *found = Some(at);
        }
    }
    Ok(found)
}

/// A member, unless it says that there is none.
pub(super) fn present(member: Option<Reader<'_>>) -> Option<Reader<'_>> {
    member.filter(|member| !pass_absent(&mut member.clone()))
}

/// A member that is a text, if there is one.
pub(super) fn text(member: Option<Reader<'_>>) -> Result<Option<&[u8]>, DecodeError> {
    present(member).map(|mut member| member.str()).transpose()
}

fn names(member: Option<Reader<'_>>) -> Result<Names<'_>, DecodeError> {
    member.map_or(Ok(Names::EMPTY), |mut member| read_names(&mut member))
}

/// An event for clients.
enum Event<'a> {
    /// Nobody waits for acknowledgements.
    Plain(Broadcast<'a>),
    /// The server that waits for them gave it this id.
    Acknowledged(&'a [u8], AckBroadcast<'a>),
}

fn read_event<'a>(data: Option<Reader<'a>>, nsp: &'a [u8]) -> Result<Event<'a>, BroadcastError> {
    let mut data = data.ok_or(BroadcastError::MissingPacket)?;
    let [packet, id, opts] = find(&mut data, ["packet", "requestId", "opts"])?;
    let mut packet = present(packet).ok_or(BroadcastError::MissingPacket)?;
    let [kind, data] = find(&mut packet, ["type", "data"])?;
    match kind.map(|mut kind| kind.unsigned()).transpose()? {
        Some(EVENT) => {}
        Some(other) => return Err(BroadcastError::PacketType(other)),
        None => return Err(BroadcastError::MissingPacket),
    }
    let mut data = data.ok_or(BroadcastError::MissingPacket)?;
    check_event(data.clone())?;
    let (filter, flags) = read_opts(present(opts).ok_or(BroadcastError::MissingOpts)?)?;
    let Some(id) = text(id)? else {
        let Filter { rooms, except } = filter;
        let flags = read_flags(&mut Reader::new(flags))?;
        return Ok(Event::Plain(Broadcast { data, presumed: false, rooms, except, flags }));
    };
    let (data, flags) = (Data::MessagePack(data.raw()?), Data::MessagePack(flags));
    Ok(Event::Acknowledged(id, AckBroadcast { data, nsp, filter, flags }))
}

/// Whom it is for, and the flags: an object.
fn read_opts(mut opts: Reader<'_>) -> Result<(Filter<'_>, &[u8]), DecodeError> {
    let [rooms, except, flags] = find(&mut opts, ["rooms", "except", "flags"])?;
    let flags = match present(flags) {
        Some(mut flags) => {
            flags.clone().map()?;
            flags.raw()?
        }
        None => NO_FLAGS,
    };
    Ok((Filter { rooms: names(rooms)?, except: names(except)? }, flags))
}

fn read_request(
    kind: u64,
    mut data: Reader<'_>,
) -> Result<(Option<&[u8]>, Request<'_>), RequestError> {
    let [id, packet, opts, rooms, close, want] =
        find(&mut data, ["requestId", "packet", "opts", "rooms", "close", "want"])?;
    let id = text(id)?;
    if kind == kind::SERVER_SIDE_EMIT {
        let mut packet = present(packet).ok_or(missing("packet"))?;
        return Ok((id, Request::ServerSideEmit(event(packet.raw()?)?)));
    }
    // The flags concern none of these, not even the published servers.
    let (filter, _) = read_opts(present(opts).ok_or(missing("opts"))?)?;
    if kind == kind::FETCH {
        return Ok((id, wanted(filter, text(want)?)));
    }
    let whom = Whom::Filter(filter);
    if kind == kind::DISCONNECT {
        let close = match present(close) {
            Some(mut close) => Some(is_truthy(&close.item()?)),
            None => None,
        };
        return Ok((id, Request::Disconnect { whom, close }));
    }
    let rooms = names(Some(present(rooms).ok_or(missing("rooms"))?))?;
    Ok((
        id,
        if kind == kind::JOIN {
            Request::Join { whom, rooms }
        } else {
            Request::Leave { whom, rooms }
        },
    ))
}

/// What is wanted of the sockets that match. Full descriptions hold whatever a version to come may want, or
/// want of other sockets than this one can ask for.
fn wanted<'a>(filter: Filter<'a>, want: Option<&[u8]>) -> Request<'a> {
    let is = |name: &str| want == Some(name.as_bytes());
    let Filter { rooms, except } = &filter;
    if !except.is_empty() {
        Request::Fetch(filter)
    } else if is(WANT_COUNT) || is(WANT_IDS) {
        Request::Sockets { rooms: rooms.clone(), count: is(WANT_COUNT) }
    } else if is(WANT_ROOMS) && rooms.is_empty() {
        Request::AllRooms
    } else {
        Request::Fetch(filter)
    }
}
