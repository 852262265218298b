//! JSON and MessagePack: a message is either.

use crate::json;
use crate::transcode::{Outside, json_to_msgpack};

/// The longest message in JSON, in bytes. In a longer one there may be more values than an array of V8 holds, and
/// what it becomes may be more than WebAssembly has memory for: both end the process, whoever catches what.
pub const LONGEST_JSON: usize = 1 << 27;

/// A message as MessagePack: the bytes themselves, or what they say if they are JSON, written to
/// `converted`.
///
/// What begins as an object or a list in JSON would be a mere number in MessagePack, so nothing is both.
///
/// # Errors
/// [`json::DecodeError`] if the text is not JSON.
pub fn to_messagepack<'a>(
    message: &'a [u8],
    converted: &'a mut Vec<u8>,
) -> Result<&'a [u8], json::DecodeError> {
    converted.clear();
    if !is_json(message) {
        return Ok(message);
    }
    if message.len() > LONGEST_JSON {
        return Err(json::DecodeError::TooLong);
    }
    json_to_msgpack(message, Outside::default(), converted)?;
    Ok(converted)
}

/// Whether a message is JSON.
pub const fn is_json(message: &[u8]) -> bool {
    matches!(message, [b'{' | b'[', ..])
}
