//! MessagePack: a cursor that reads every form of it, and functions that write the forms which
//! notepack.io 3.0.1 writes.

mod reader;
mod writer;

pub use crate::appender::Sink;
pub use reader::{Item, Kind, Reader};
pub(crate) use writer::{UNDEFINED, write_str_header, write_undefined};
pub use writer::{
    write_array_header, write_bin, write_bool, write_f64, write_map_header, write_nil,
    write_number, write_signed, write_str, write_timestamp, write_unsigned,
};

/// Containers inside each other that are still read.
pub const MAX_DEPTH: usize = 1024;

/// Why bytes are not the MessagePack that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A map has a container, an extension or `undefined`'s stand-in as a key, which has no
    /// property name.
    #[error("map key is not a scalar")]
    Key,
    /// The byte c1, which the format never uses.
    #[error("byte c1 is reserved")]
    Reserved,
    /// More than [`MAX_DEPTH`] containers inside each other.
    #[error("containers are nested too deep")]
    TooDeep,
    /// More text or more values than JavaScript could hold.
    #[error("value is too long")]
    TooLong,
    /// More attachments than [`MAX_ATTACHMENTS`](crate::transcode::MAX_ATTACHMENTS).
    #[error("value holds too many pieces of binary data")]
    TooManyAttachments,
    /// Bytes follow the value that should have been the last one.
    #[error("bytes follow the last value")]
    TrailingBytes,
    /// The bytes end inside a value, or a length claims more than there is.
    #[error("value is cut short")]
    Truncated,
    /// A well-formed value of another kind stands here, or one that the caller's type cannot hold.
    #[error("expected {expected}")]
    Unexpected {
        /// What the caller asked for.
        expected: &'static str,
    },
}

impl DecodeError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Key => "MSGPACK_KEY",
            Self::Reserved => "MSGPACK_RESERVED",
            Self::TooDeep => "MSGPACK_TOO_DEEP",
            Self::TooLong => "MSGPACK_TOO_LONG",
            Self::TooManyAttachments => "MSGPACK_TOO_MANY_ATTACHMENTS",
            Self::TrailingBytes => "MSGPACK_TRAILING_BYTES",
            Self::Truncated => "MSGPACK_TRUNCATED",
            Self::Unexpected { .. } => "MSGPACK_UNEXPECTED",
        }
    }
}
