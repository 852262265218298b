//! What servers answer.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Data, Names};
use crate::json;
use crate::msgpack::{self, Item, Kind, Reader};

/// Why an answer was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ResponseError {
    /// The text is not JSON.
    #[error(transparent)]
    Json(#[from] json::DecodeError),
    /// The bytes are no MessagePack, or a member has another type than it must have.
    #[error(transparent)]
    MessagePack(#[from] msgpack::DecodeError),
    /// A member that this type of response needs.
    #[error("the response has no {0}")]
    Missing(&'static str),
    /// It answers twice: two members of which one would do, and readers would not agree which.
    #[error("the response holds two answers")]
    Twice,
    /// A socket that no server describes so.
    #[error("a socket has no id or no rooms")]
    Socket,
    /// What the dialect has no message for.
    #[error("the dialect has no such answer")]
    Unsayable,
}

impl ResponseError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Json(error) => error.code(),
            Self::MessagePack(error) => error.code(),
            Self::Missing(_) => "ERR_RESPONSE_MEMBER",
            Self::Socket => "ERR_RESPONSE_SOCKET",
            Self::Twice => "ERR_RESPONSE_TWICE",
            Self::Unsayable => "ERR_RESPONSE_UNSAYABLE",
        }
    }
}

/// Where an answer goes, and what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Reply {
    /// The channel.
    pub channel: String,
    /// The request's id.
    pub id: String,
    /// Whether the answering server tells its uid.
    pub named: bool,
}

/// An answer and what it belongs to.
#[derive(Clone, Debug)]
pub struct Answer<'a> {
    /// The request's id.
    pub id: &'a [u8],
    /// The answering server, if the request asked for its name.
    pub uid: Option<&'a [u8]>,
    /// What is answered.
    pub response: Response<'a>,
}

/// What a server answers.
#[derive(Clone, Debug)]
pub enum Response<'a> {
    /// A client's acknowledgement: its first argument, if there is one.
    Acknowledgement(Option<Data<'a>>),
    /// How many clients a server has sent the event to.
    ClientCount(u64),
    /// How many sockets match.
    Count(u64),
    /// The socket was here.
    Done,
    /// The rooms of a server.
    Rooms(Names<'a>),
    /// What a listener called back with, if anything.
    ServerSideEmit(Option<Data<'a>>),
    /// The sockets that match: their ids, or a description of each.
    Sockets(Sockets<'a>),
}

/// The sockets of an answer.
#[derive(Clone, Debug)]
pub enum Sockets<'a> {
    /// A list of objects of `id`, `handshake`, `rooms` and `data`.
    Details(Data<'a>),
    /// A list of ids.
    Ids(Names<'a>),
    /// Nothing, which may be either.
    None,
}

/// Sockets that are described: a list of objects, each with what no server leaves out.
pub(super) fn read_details(list: &[u8]) -> Result<Sockets<'_>, ResponseError> {
    let mut reader = Reader::new(list);
    let count = reader.array()?;
    for _ in 0..count {
        let (mut id, mut rooms) = (false, false);
        for _ in 0..reader.map()? {
            match reader.str()? {
                b"id" => id = matches!(reader.item()?, Item::Str(_)),
                b"rooms" => {
                    rooms = reader.peek()? == Kind::Array;
                    reader.skip()?;
                }
                _ => reader.skip()?,
            }
        }
        if !(id && rooms) {
            return Err(ResponseError::Socket);
        }
    }
    Ok(if count == 0 { Sockets::None } else { Sockets::Details(Data::MessagePack(list)) })
}
