//! Broadcasts as they are read.
//!
//! A broadcast is a MessagePack array of three, `[uid, packet, opts]`, where packet is
//! `{ type, data, nsp }` and opts is `{ rooms, except, flags }`. Members come in any order, and
//! older senders leave some out (socket.io-redis 5: no `except`).

use super::{
    Broadcast, BroadcastError, Flags, NO_EXCEPT_NO_FLAGS, NSP, Names, OPTS_FOR_ALL, OPTS_TO_ROOMS,
    PACKET_TO_DATA,
};
use crate::dialect::broadcast::check_event;
use crate::dialect::flags::{pass_undefined, read_flags};
use crate::dialect::names::read_names;
use crate::id::{Namespace, Uid};
use crate::msgpack::Reader;

/// What came in on a broadcast channel.
#[derive(Clone, Debug)]
pub enum Incoming<'a> {
    /// Another server's broadcast to this namespace.
    Broadcast(Broadcast<'a>),
    /// This server's own broadcast.
    Echo,
    /// A broadcast to another namespace, whose channel the same pattern matches.
    Foreign,
    /// A server's probe of its own subscription, see [`probe`](super::probe).
    Probe {
        /// Whether it is this server's.
        own: bool,
    },
}

/// A message up to this length is passed over quickly; of a longer one, so much of the end is searched.
const SHORT: usize = 200;

/// Reads a message from a broadcast channel of `nsp`, as the server `uid`.
///
/// The data of the packet is not looked at. What follows it is read first where it can be found from
/// the end of the message, since passing over a long packet takes a fifth of the time of delivering it.
///
/// # Errors
/// [`BroadcastError`] for whatever no published package sends, or what its receivers would fail on.
pub fn read_broadcast<'a>(
    payload: &'a [u8],
    uid: &Uid,
    nsp: &Namespace,
) -> Result<Incoming<'a>, BroadcastError> {
    let mut reader = Reader::new(payload);
    if reader.pass(b"\x93")
        && reader.str().is_ok_and(|sender| sender != uid.as_str().as_bytes())
        && reader.pass(&PACKET_TO_DATA)
        && let Some(broadcast) = read_from_end(&reader, payload, nsp)
        && check_event(broadcast.data.clone()).is_ok()
    {
        return Ok(Incoming::Broadcast(broadcast));
    }
    read_broadcast_whole(payload, uid, nsp)
}

/// The broadcast whose data `data` stands at, if what is behind the data can be told from the end of
/// `payload`: the namespace, then opts that begin with the rooms.
fn read_from_end<'a>(
    data: &Reader<'a>,
    payload: &'a [u8],
    nsp: &Namespace,
) -> Option<Broadcast<'a>> {
    let tail = payload.last_chunk::<SHORT>()?;
    let opts = if tail.ends_with(&OPTS_FOR_ALL) {
        OPTS_FOR_ALL.len()
    } else {
        let mut found = tail.windows(OPTS_TO_ROOMS.len());
        SHORT.checked_sub(found.rposition(|bytes| bytes == OPTS_TO_ROOMS)?)?
    };
    let (packet, opts) = payload.split_at_checked(payload.len().checked_sub(opts)?)?;
    let name = nsp.as_str().as_bytes();
    let packet = packet.strip_suffix(name)?;
    let head = u8::try_from(name.len()).ok().filter(|length| *length < 0x20)?;
    let packet = packet.strip_suffix(&[0xa0 | head])?.strip_suffix(&NSP)?;
    let mut reader = Reader::new(opts);
    let mut broadcast = Broadcast {
        data: data.ending(packet.len()),
        presumed: true,
        rooms: Names::EMPTY,
        except: Names::EMPTY,
        flags: Flags::default(),
    };
    read_opts(&mut reader, &mut broadcast).ok()?;
    reader.finish().ok()?;
    Some(broadcast)
}

/// Reads a message as [`read_broadcast`] does, all of it from the start.
///
/// # Errors
/// As [`read_broadcast`].
pub fn read_broadcast_whole<'a>(
    payload: &'a [u8],
    uid: &Uid,
    nsp: &Namespace,
) -> Result<Incoming<'a>, BroadcastError> {
    let mut reader = Reader::new(payload);
    let length = reader.array()?;
    let own = reader.str()? == uid.as_str().as_bytes();
    if length == 1 {
        reader.finish()?;
        return Ok(Incoming::Probe { own });
    }
    if own {
        return Ok(Incoming::Echo);
    }
    let packet = match read_usual_packet(&mut reader, nsp)? {
        Some(data) => Some(data),
        None => read_packet(&mut reader, nsp)?,
    };
    let Some(data) = packet else {
        return Ok(Incoming::Foreign);
    };
    if length < 3 {
        return Err(BroadcastError::MissingOpts);
    }
    let mut broadcast = Broadcast {
        data,
        presumed: false,
        rooms: Names::EMPTY,
        except: Names::EMPTY,
        flags: Flags::default(),
    };
    read_opts(&mut reader, &mut broadcast)?;
    for _ in 3..length {
        reader.skip()?;
    }
    reader.finish()?;
    Ok(Incoming::Broadcast(broadcast))
}

/// A reader at the data of a packet for `nsp` with its members in the usual order, or `None`, with
/// the reader where it was.
fn read_usual_packet<'a>(
    reader: &mut Reader<'a>,
    nsp: &Namespace,
) -> Result<Option<Reader<'a>>, BroadcastError> {
    let start = reader.clone();
    if reader.pass(&PACKET_TO_DATA) {
        let data = reader.clone();
        reader.skip()?;
        if reader.pass(&NSP) && reader.str().is_ok_and(|name| name == nsp.as_str().as_bytes()) {
            check_event(data.clone())?;
            return Ok(Some(data));
        }
    }
    *reader = start;
    Ok(None)
}

/// A reader at the data of the packet, or `None` if it is for another namespace than `nsp`.
fn read_packet<'a>(
    reader: &mut Reader<'a>,
    nsp: &Namespace,
) -> Result<Option<Reader<'a>>, BroadcastError> {
    let mut packet_type = None;
    let mut data = None;
    let mut foreign = nsp.as_str() != "/";
    for _ in 0..reader.map()? {
        match reader.str()? {
            b"type" => packet_type = Some(reader.unsigned()?),
            b"data" => {
                data = Some(reader.clone());
                reader.skip()?;
            }
            b"nsp" if pass_undefined(reader) => foreign = nsp.as_str() != "/",
            b"nsp" => foreign = reader.str()? != nsp.as_str().as_bytes(),
            _ => reader.skip()?,
        }
    }
    if foreign {
        return Ok(None);
    }
    // socket.io-redis 5 marks an event with binary as type 5; everybody else leaves it at 2.
    match packet_type {
        Some(2 | 5) => {}
        Some(other) => return Err(BroadcastError::PacketType(other)),
        None => return Err(BroadcastError::MissingPacket),
    }
    let data = data.ok_or(BroadcastError::MissingPacket)?;
    check_event(data.clone())?;
    Ok(Some(data))
}

fn read_opts<'a>(
    reader: &mut Reader<'a>,
    broadcast: &mut Broadcast<'a>,
) -> Result<(), BroadcastError> {
    if reader.pass(&OPTS_TO_ROOMS) {
        broadcast.rooms = read_names(reader)?;
        if reader.pass(&NO_EXCEPT_NO_FLAGS) {
            return Ok(());
        }
        return read_members(reader, 2, broadcast);
    }
    let members = reader.map()?;
    read_members(reader, members, broadcast)
}

fn read_members<'a>(
    reader: &mut Reader<'a>,
    members: u32,
    broadcast: &mut Broadcast<'a>,
) -> Result<(), BroadcastError> {
    for _ in 0..members {
        match reader.str()? {
            b"rooms" => broadcast.rooms = read_names(reader)?,
            b"except" => broadcast.except = read_names(reader)?,
            b"flags" => broadcast.flags = read_flags(reader)?,
            _ => reader.skip()?,
        }
    }
    Ok(())
}
