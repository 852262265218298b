//! From this server to its sockets and to Redis.

use std::ops::Range;

use thiserror::Error;

use crate::dialect::request::RequestError;
use crate::dialect::{Data, Dialect, classic, cluster};
use crate::json;
use crate::room::Room;
use crate::transcode::Outside;

use super::Adapter;
use super::stats::count;

/// An event to be broadcast.
#[derive(Clone, Copy, Debug)]
pub struct BroadcastCommand<'a> {
    /// What is sent.
    pub body: Body<'a>,
    /// The rooms it is for; none means every socket.
    pub rooms: &'a [Room<'a>],
    /// The rooms it is not for.
    pub except: &'a [Room<'a>],
    /// The flags as JSON text, for the other servers; empty for none.
    pub flags: &'a [u8],
    /// Whether other servers are left out.
    pub local: bool,
}

/// The content of a broadcast.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// The packet's data as MessagePack.
    MessagePack(&'a [u8]),
    /// The packet's text as the default parser wrote it, `2/nsp,["event",…]`, in UTF-8, and what
    /// stands outside it.
    Text(&'a [u8], Outside<'a>),
}

/// Where in the output the parts of a message stand that is to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The channel's name.
    pub channel: Range<usize>,
    /// The message.
    pub message: Range<usize>,
}

/// Why a broadcast could not be published. The sockets of this server can still be served.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SendError {
    /// The packet's data or the flags are not JSON.
    #[error(transparent)]
    Json(#[from] json::DecodeError),
    /// The packet's text does not begin as a packet of this namespace does.
    #[error("the text is not an event packet of this namespace")]
    Packet,
    /// The event cannot be put into a request.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl SendError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Json(error) => error.code(),
            Self::Packet => "ERR_PACKET",
            Self::Request(error) => error.code(),
        }
    }
}

impl Adapter {
    /// Broadcasts an event: finds its sockets here ([`targets`](Self::targets)), and writes what
    /// is to be published to `out`, which is cleared first. `None` if nothing is to be published.
    ///
    /// # Errors
    /// [`SendError`] if the body is not what it must be; the targets stand nevertheless.
    pub fn broadcast(
        &mut self,
        command: BroadcastCommand<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Sent>, SendError> {
        out.clear();
        let BroadcastCommand { body, rooms, except, flags, local } = command;
        self.find_targets(rooms.iter().copied(), rooms.is_empty(), except.iter().copied());
        if local {
            return Ok(None);
        }
        let sent = self.write_message(body, rooms, except, flags, out);
        match &sent {
            Ok(sent) => {
                count(&mut self.stats.published);
                self.note_sent(sent.message.len());
            }
            Err(_) => count(&mut self.stats.unpublished),
        }
        sent.map(Some)
    }

    fn write_message(
        &self,
        body: Body<'_>,
        rooms: &[Room<'_>],
        except: &[Room<'_>],
        flags: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Sent, SendError> {
        let data = match body {
            Body::MessagePack(bytes) => Data::MessagePack(bytes),
            Body::Text(packet, outside) => Data::Json(self.packet_data(packet)?, outside),
        };
        let mode = self.options.subscription_mode;
        let target = match rooms {
            [room] if self.joined.contains(*room) || !mode.has_channel(*room) => &[],
            rooms => rooms,
        };
        self.channels.write_target(target, out);
        let channel = 0..out.len();
        let (uid, nsp) = (&self.uid, &self.nsp);
        match self.dialect() {
            Dialect::Classic => {
                classic::write_broadcast(out, uid, nsp, data, rooms, except, flags)?;
            }
            Dialect::Sharded => {
                cluster::write_broadcast(out, uid, nsp, data, rooms, except, flags)?;
            }
        }
        Ok(Sent { message: channel.end..out.len(), channel })
    }

    /// The data of a packet's text: what follows its type, attachments and namespace.
    pub(crate) fn packet_data<'a>(&self, packet: &'a [u8]) -> Result<&'a [u8], SendError> {
        let rest = match packet {
            [b'2', rest @ ..] => rest,
            [b'5', rest @ ..] => rest
                .iter()
                .position(|&byte| byte == b'-')
                .and_then(|dash| rest.get(dash..)?.get(1..))
                .ok_or(SendError::Packet)?,
            _ => return Err(SendError::Packet),
        };
        let rest = match self.nsp.as_str() {
            "/" => rest,
            nsp => rest
                .strip_prefix(nsp.as_bytes())
                .and_then(|rest| rest.strip_prefix(b","))
                .ok_or(SendError::Packet)?,
        };
        // The id under which clients here acknowledge it concerns nobody else.
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        Ok(rest.get(digits..).unwrap_or_default())
    }
}
