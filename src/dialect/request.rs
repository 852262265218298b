//! What servers ask of each other.

use thiserror::Error;

use super::{Data, Names};
use crate::json;
use crate::msgpack::{self, Item, Reader};

/// Why a request was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RequestError {
    /// The data is not an event that clients, or the listeners of a server, accept.
    #[error("the request's data is not an event")]
    Event,
    /// The text is not JSON.
    #[error(transparent)]
    Json(#[from] json::DecodeError),
    /// The bytes are no MessagePack, or a member has another type than it must have.
    #[error(transparent)]
    MessagePack(#[from] msgpack::DecodeError),
    /// A member that this type of request needs.
    #[error("the request has no {0}")]
    Missing(&'static str),
}

impl RequestError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Event => "ERR_EVENT",
            Self::Json(error) => error.code(),
            Self::MessagePack(error) => error.code(),
            Self::Missing(_) => "ERR_REQUEST_MEMBER",
        }
    }
}

/// A request and who asks it.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    /// The asking server; emitters and socket.io-redis 6 do not say.
    pub uid: Option<&'a [u8]>,
    /// What an answer must carry; without one, none is expected.
    pub id: Option<&'a [u8]>,
    /// Whether answering servers are to tell their uids.
    pub named: bool,
    /// What is asked.
    pub request: Request<'a>,
}

/// What a server asks of the others.
#[derive(Clone, Debug)]
pub enum Request<'a> {
    /// All rooms.
    AllRooms,
    /// An event that clients acknowledge.
    Broadcast(AckBroadcast<'a>),
    /// Sockets disconnect.
    Disconnect {
        /// Which ones.
        whom: Whom<'a>,
        /// Whether the connections below are closed too; unset means no.
        close: Option<bool>,
    },
    /// The sockets that match.
    Fetch(Filter<'a>),
    /// Sockets join rooms. One socket joins one.
    Join {
        /// Which ones.
        whom: Whom<'a>,
        /// The rooms.
        rooms: Names<'a>,
    },
    /// Sockets leave rooms. One socket leaves one.
    Leave {
        /// Which ones.
        whom: Whom<'a>,
        /// The rooms.
        rooms: Names<'a>,
    },
    /// An event for the listeners of the servers themselves. A list, the event's name first.
    ServerSideEmit(Data<'a>),
    /// The sockets in any of the rooms, all if there is none.
    Sockets {
        /// The rooms.
        rooms: Names<'a>,
        /// Whether their number is enough.
        count: bool,
    },
}

/// Which sockets a request is about.
#[derive(Clone, Debug)]
pub enum Whom<'a> {
    /// Those that match.
    Filter(Filter<'a>),
    /// The one of this id.
    Socket(&'a [u8]),
}

/// The sockets in any of the rooms (all if there is none), and in none of the excepted ones.
#[derive(Clone, Debug)]
pub struct Filter<'a> {
    /// The rooms.
    pub rooms: Names<'a>,
    /// The excepted rooms.
    pub except: Names<'a>,
}

/// An event that clients acknowledge.
#[derive(Clone, Debug)]
pub struct AckBroadcast<'a> {
    /// The event: a list, its name first.
    pub data: Data<'a>,
    /// The namespace, which the channel tells already.
    pub nsp: &'a [u8],
    /// Whom it is for.
    pub filter: Filter<'a>,
    /// How it is sent: an object. `timeout` is how long the asking server waits, in milliseconds.
    pub flags: Data<'a>,
}

/// A member is not there.
pub(super) const fn missing(member: &'static str) -> RequestError {
    RequestError::Missing(member)
}

/// The events that Socket.IO emits on a namespace itself; `serverSideEmit` of socket.io 4 refuses them.
const RESERVED_HERE: [&[u8]; 3] = [b"connect", b"connection", b"new_namespace"];

/// An event for listeners: a list that begins with its name.
pub(super) fn event(bytes: &[u8]) -> Result<Data<'_>, RequestError> {
    let mut reader = Reader::new(bytes);
    if reader.array()? == 0 {
        return Err(RequestError::Event);
    }
    match reader.item()? {
        Item::Str(name) if RESERVED_HERE.contains(&name) => Err(RequestError::Event),
        Item::Str(_) | Item::Signed(_) | Item::Unsigned(_) | Item::Float(_) => {
            Ok(Data::MessagePack(bytes))
        }
        _ => Err(RequestError::Event),
    }
}

/// Whether JavaScript takes a value for `true`, as the published packages take what is sent as `close`.
pub(super) fn is_truthy(item: &Item<'_>) -> bool {
    match item {
        Item::Bool(value) => *value,
        Item::Float(number) => *number != 0.0 && !number.is_nan(),
        Item::Nil => false,
        Item::Signed(number) => *number != 0,
        Item::Str(text) => !text.is_empty(),
        Item::Unsigned(number) => *number != 0,
        _ => true,
    }
}

/// An object without members.
pub(super) const NO_FLAGS: &[u8] = b"\x80";
