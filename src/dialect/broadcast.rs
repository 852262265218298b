//! Broadcasts: what every dialect says of an event for clients.

use thiserror::Error;

use super::{Flags, Names};
use crate::json;
use crate::msgpack::{self, Item, Reader};

/// The event names that socket.io-parser 4.2 refuses; its client then disconnects.
pub(crate) const RESERVED_EVENTS: [&[u8]; 6] = [
    b"connect",
    b"connect_error",
    b"disconnect",
    b"disconnecting",
    b"newListener",
    b"removeListener",
];

/// Why a broadcast was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BroadcastError {
    /// The event has a name that clients refuse, and disconnect over.
    #[error("the packet's data is not an event that a client accepts")]
    Event,
    /// The text is not JSON.
    #[error(transparent)]
    Json(json::DecodeError),
    /// The bytes are no MessagePack, or a member has another type than it must have.
    #[error(transparent)]
    MessagePack(#[from] msgpack::DecodeError),
    /// The message says nothing about whom it is for.
    #[error("the message has no opts")]
    MissingOpts,
    /// The message carries no packet.
    #[error("the message has no packet")]
    MissingPacket,
    /// The packet is no event; nothing else is ever broadcast.
    #[error("packets of type {0} are not broadcast")]
    PacketType(u64),
}

impl BroadcastError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Event => "ERR_EVENT",
            Self::Json(error) => error.code(),
            Self::MessagePack(error) => error.code(),
            Self::MissingOpts => "ERR_MISSING_OPTS",
            Self::MissingPacket => "ERR_MISSING_PACKET",
            Self::PacketType(_) => "ERR_PACKET_TYPE",
        }
    }
}

/// A broadcast; its data is checked to be an event, but not read yet.
#[derive(Clone, Debug)]
pub struct Broadcast<'a> {
    /// Stands at the packet's data: an array that begins with the event's name.
    pub data: Reader<'a>,
    /// Whether the data was not passed over, so that its end is only presumed: the reader must be at
    /// its end behind the data. If it is not, [`read_broadcast_whole`](super::classic::read_broadcast_whole) tells what the message is.
    pub presumed: bool,
    /// The rooms it is for; none means every socket.
    pub rooms: Names<'a>,
    /// The rooms it is not for.
    pub except: Names<'a>,
    /// How it is to be delivered.
    pub flags: Flags,
}

/// Refuses data that is no event which clients accept.
pub(super) fn check_event(mut data: Reader<'_>) -> Result<(), BroadcastError> {
    if data.array()? == 0 {
        return Err(BroadcastError::Event);
    }
    match data.item()? {
        Item::Signed(_) | Item::Unsigned(_) => Ok(()),
        // The others are null in JSON, which is no name.
        Item::Float(number) if number.is_finite() => Ok(()),
        Item::Str(name) if !RESERVED_EVENTS.contains(&name) => Ok(()),
        _ => Err(BroadcastError::Event),
    }
}
