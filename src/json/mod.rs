//! JSON text: read as any sender may write it, written as `JSON.stringify` writes it.

mod number;
mod object;
mod reader;
mod scan;
pub(crate) mod surrogate;
mod writer;

use crate::appender::{Appender, Sink};

pub(crate) use number::{MAX_SAFE, Number, write_f64, write_unsigned};
pub(crate) use object::Object;
pub(crate) use reader::Reader;
use writer::write_quoted;
pub(crate) use writer::{write_date, write_text};

/// Why bytes are not a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A text is not UTF-8.
    #[error("text is not UTF-8")]
    InvalidUtf8,
    /// More than [`MAX_DEPTH`](crate::msgpack::MAX_DEPTH) arrays and objects inside each other.
    #[error("arrays and objects are nested too deep")]
    TooDeep,
    /// More than [`LONGEST_JSON`](crate::dialect::classic::LONGEST_JSON) bytes.
    #[error("text is too long")]
    TooLong,
    /// More than blanks follow the value.
    #[error("text follows the value")]
    TrailingText,
    /// The text ends inside the value.
    #[error("value is cut short")]
    Truncated,
    /// A byte that the grammar does not allow here.
    #[error("unexpected byte at {position}")]
    Unexpected {
        /// Bytes before it.
        position: usize,
    },
}

impl DecodeError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidUtf8 => "JSON_INVALID_UTF8",
            Self::TooDeep => "JSON_TOO_DEEP",
            Self::TooLong => "JSON_TOO_LONG",
            Self::TrailingText => "JSON_TRAILING_TEXT",
            Self::Truncated => "JSON_TRUNCATED",
            Self::Unexpected { .. } => "JSON_UNEXPECTED",
        }
    }
}

/// Stands in a JSON text for a string that is kept beside it; no JSON text holds this byte.
pub const HOLE: u8 = 1;

/// Writes a JSON text with the strings in its holes, quoted as `JSON.stringify` does.
///
/// A host that hands over long strings so spares itself the quoting, which `JSON.stringify` does
/// several times slower. The strings are taken to be UTF-8, which a `TextEncoder` always writes;
/// what is not goes through as it is. Gives whether all of it could be written: no text in V8 is longer than half a
/// gigabyte.
pub fn fill(text: &[u8], strings: &[&[u8]], out: &mut Vec<u8>) -> bool {
    let expected = strings.iter().fold(text.len().saturating_add(64), |length, string| {
        length.saturating_add(string.len()).saturating_add(string.len() / 8)
    });
    let mut appender = Appender::new(out, expected);
    let mut strings = strings.iter();
    for piece in text.split_inclusive(|&byte| byte == HOLE) {
        appender.put_slice(piece.strip_suffix(&[HOLE]).unwrap_or(piece));
        if piece.ends_with(&[HOLE])
            && let Some(string) = strings.next()
        {
            write_quoted(&mut appender, string);
        }
    }
    !appender.is_full()
}
