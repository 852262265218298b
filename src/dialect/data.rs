//! Values inside messages, in whichever form they are at hand.

use crate::json;
use crate::msgpack::{self, Reader};
use crate::transcode::{Outside, json_to_msgpack, msgpack_to_json};

/// A value inside a message: the data of an event (a list that begins with its name), flags, an answer.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// JSON text: what `JSON.stringify` wrote, in UTF-8, and what stands outside it.
    Json(&'a [u8], Outside<'a>),
    /// MessagePack.
    MessagePack(&'a [u8]),
}

impl<'a> Data<'a> {
    /// What JSON text alone says.
    pub fn json(text: &'a [u8]) -> Self {
        Self::Json(text, Outside::default())
    }
    /// Whether JSON alone can carry it.
    pub(super) fn fits_json(self) -> bool {
        match self {
            Self::Json(_, Outside { attachments, .. }) => attachments.is_empty(),
            Self::MessagePack(bytes) => Reader::new(bytes).fits_json(),
        }
    }

    /// Its MessagePack; nothing if it is no value.
    pub(crate) fn to_messagepack(self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.write_messagepack(&mut out).is_err() {
            out.clear();
        }
        out
    }

    /// Writes it as JSON.
    pub(super) fn write_json(self, out: &mut Vec<u8>) -> Result<(), msgpack::DecodeError> {
        match self {
            Self::Json(text, Outside { texts, .. }) => {
                if !json::fill(text, texts, out) {
                    return Err(msgpack::DecodeError::TooLong);
                }
            }
            Self::MessagePack(bytes) => {
                msgpack_to_json(&mut Reader::new(bytes), out, &mut Vec::new())?;
            }
        }
        Ok(())
    }

    /// Writes it as MessagePack.
    pub(super) fn write_messagepack(self, out: &mut Vec<u8>) -> Result<(), json::DecodeError> {
        match self {
            Self::Json(text, outside) => json_to_msgpack(text, outside, out)?,
            Self::MessagePack(bytes) => out.extend_from_slice(bytes),
        }
        Ok(())
    }
}
