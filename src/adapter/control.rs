//! Requests and answers as they come in.

use thiserror::Error;

use crate::dialect::classic::request::{is_from, read_request};
use crate::dialect::classic::response::{peek_id, read_response};
use crate::dialect::cluster::{self, Incoming, MessageError};
use crate::dialect::request::RequestError;
use crate::dialect::response::ResponseError;
use crate::dialect::{Dialect, classic, is_json, to_messagepack};
use crate::json;
use crate::msgpack::{DecodeError, Reader};
use crate::time::Time;

use super::Adapter;
use super::stats::count;

/// Why a message on a request or response channel was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ControlError {
    /// It is no message of the sharded dialect.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// It is no request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It is no answer.
    #[error(transparent)]
    Response(#[from] ResponseError),
}

impl ControlError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Message(error) => error.code(),
            Self::Request(error) => error.code(),
            Self::Response(error) => error.code(),
        }
    }
}

/// What a message of no event was.
enum Control {
    /// An answer to a request that waits for it.
    Answer,
    /// A request of this server.
    Echo,
    /// Of a version or a kind that is not known here.
    Foreign,
    /// This server's probe of its own subscription.
    Probe,
    /// A request of another server.
    Request,
    /// An answer to nothing that waits, or to another server's request; anything after the end.
    Stray,
}

impl Adapter {
    /// Takes a message of a request or response channel; in the sharded dialect, of the channel of the
    /// answers to this server, and what [`handle_message`](Self::handle_message) gave back.
    ///
    /// # Errors
    /// [`ControlError`] if it is none; nothing comes of it then.
    pub fn handle_control(
        &mut self,
        channel: &[u8],
        payload: &[u8],
        now: Time,
    ) -> Result<(), ControlError> {
        self.note_received(payload.len());
        let mut converted = Vec::new();
        let taken = self.take_control(channel, payload, &mut converted, now);
        match &taken {
            Ok(Control::Answer) => count(&mut self.stats.answers),
            Ok(Control::Echo) => count(&mut self.stats.echo),
            Ok(Control::Foreign) => count(&mut self.stats.foreign),
            Ok(Control::Probe) => {}
            Ok(Control::Request) => count(&mut self.stats.requests),
            Ok(Control::Stray) => count(&mut self.stats.unwanted),
            Err(_) => count(&mut self.stats.malformed),
        }
        taken.map(|_| ())
    }

    fn take_control(
        &mut self,
        channel: &[u8],
        payload: &[u8],
        converted: &mut Vec<u8>,
        now: Time,
    ) -> Result<Control, ControlError> {
        if self.subscriptions.is_closed() {
            return Ok(Control::Stray);
        }
        match self.dialect() {
            Dialect::Classic => self.take_classic_control(channel, payload, converted, now),
            Dialect::Sharded => self.take_sharded_control(channel, payload, converted, now),
        }
    }

    fn take_classic_control(
        &mut self,
        channel: &[u8],
        payload: &[u8],
        converted: &mut Vec<u8>,
        now: Time,
    ) -> Result<Control, ControlError> {
        let is_answer = channel.starts_with(self.channels.response().as_bytes());
        if !is_answer && channel != self.channels.request().as_bytes() {
            return Ok(Control::Foreign);
        }
        if is_answer {
            let uid = self.uid.as_str().as_bytes();
            if peek_id(payload).is_some_and(|id| !id.starts_with(uid)) {
                return Ok(Control::Stray);
            }
            let message = read::<ResponseError>(payload, converted)?;
            let Some(answer) = read_response(message)? else { return Ok(Control::Foreign) };
            let object = is_json(payload).then_some(payload);
            let taken = self.take_answer(&answer, object);
            return Ok(if taken { Control::Answer } else { Control::Stray });
        }
        if is_from(payload, self.uid.as_str().as_bytes()) {
            return Ok(Control::Echo);
        }
        let message = read::<RequestError>(payload, converted)?;
        let Some(envelope) = read_request(message)? else { return Ok(Control::Foreign) };
        // What this server asks is done here already.
        if envelope.uid == Some(self.uid.as_str().as_bytes()) {
            return Ok(Control::Echo);
        }
        self.take_request(envelope, now);
        Ok(Control::Request)
    }

    fn take_sharded_control(
        &mut self,
        channel: &[u8],
        payload: &[u8],
        converted: &mut Vec<u8>,
        now: Time,
    ) -> Result<Control, ControlError> {
        self.subscriptions.note_arrival();
        let Some(rest) = channel.strip_prefix(self.channels.broadcast().as_bytes()) else {
            return Ok(Control::Foreign);
        };
        if rest.strip_suffix(b"#") != Some(self.uid.as_str().as_bytes()) {
            let message = read::<RequestError>(payload, converted)?;
            return Ok(match cluster::read_message(message, &self.uid, &self.nsp)? {
                Incoming::Broadcast(_) | Incoming::Foreign | Incoming::Unknown => Control::Foreign,
                Incoming::Echo => Control::Echo,
                Incoming::Request(envelope) => {
                    self.take_request(envelope, now);
                    Control::Request
                }
            });
        }
        if payload == classic::probe(&self.uid) {
            self.subscriptions.handle_probe();
            return Ok(Control::Probe);
        }
        let message = read::<ResponseError>(payload, converted)?;
        let Some(answer) = cluster::read_answer(message, &self.nsp)? else {
            return Ok(Control::Foreign);
        };
        let taken = self.take_answer(&answer, None);
        Ok(if taken { Control::Answer } else { Control::Stray })
    }
}

/// A message as MessagePack that a host can take the values of.
fn read<'a, Error: From<json::DecodeError> + From<DecodeError>>(
    payload: &'a [u8],
    converted: &'a mut Vec<u8>,
) -> Result<&'a [u8], Error> {
    let message = to_messagepack(payload, converted)?;
    if !is_json(payload) {
        Reader::new(message).check()?;
    }
    Ok(message)
}
