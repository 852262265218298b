//! Requests and answers as they come in.

use thiserror::Error;

use crate::dialect::classic;
use crate::dialect::classic::request::{RequestError, is_from, read_request};
use crate::dialect::classic::response::{ResponseError, peek_id, read_response};
use crate::msgpack::Reader;
use crate::time::Time;

use super::Adapter;
use super::stats::count;

/// Why a message on a request or response channel was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ControlError {
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
            Self::Request(error) => error.code(),
            Self::Response(error) => error.code(),
        }
    }
}

/// What a message on a request or response channel was.
enum Control {
    /// An answer to a request that waits for it.
    Answer,
    /// A request of this server.
    Echo,
    /// Of a version or a kind that is not known here.
    Foreign,
    /// A request of another server.
    Request,
    /// An answer to nothing that waits, or to another server's request; anything after the end.
    Stray,
}

impl Adapter {
    /// Takes a message of a request or response channel.
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
        let is_answer = channel.starts_with(self.channels.response().as_bytes());
        if !is_answer && channel != self.channels.request().as_bytes() {
            return Ok(Control::Foreign);
        }
        if is_answer {
            let uid = self.uid.as_str().as_bytes();
            if peek_id(payload).is_some_and(|id| !id.starts_with(uid)) {
                return Ok(Control::Stray);
            }
            let message =
                classic::to_messagepack(payload, converted).map_err(ResponseError::Json)?;
            if !classic::is_json(payload) {
                Reader::new(message).check().map_err(ResponseError::MessagePack)?;
            }
            let Some(answer) = read_response(message)? else { return Ok(Control::Foreign) };
            let object = classic::is_json(payload).then_some(payload);
            let taken = self.take_answer(&answer, object);
            return Ok(if taken { Control::Answer } else { Control::Stray });
        }
        if is_from(payload, self.uid.as_str().as_bytes()) {
            return Ok(Control::Echo);
        }
        let message = classic::to_messagepack(payload, converted).map_err(RequestError::Json)?;
        if !classic::is_json(payload) {
            Reader::new(message).check().map_err(RequestError::MessagePack)?;
        }
        let Some(envelope) = read_request(message)? else { return Ok(Control::Foreign) };
        // What this server asks is done here already.
        if envelope.uid == Some(self.uid.as_str().as_bytes()) {
            return Ok(Control::Echo);
        }
        self.take_request(envelope, now);
        Ok(Control::Request)
    }
}
