//! The flags of a broadcast.

use serde::Serialize;

use crate::msgpack::{DecodeError, Kind, Reader};

/// The flags of a broadcast that concern its delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flags {
    /// Whether a client that is not ready to be written to may miss it.
    pub volatile: bool,
    /// Whether transports may compress it; unset means yes.
    pub compress: Option<bool>,
}

/// Passes a value that says that there is none.
pub(super) fn pass_absent(reader: &mut Reader<'_>) -> bool {
    reader.pass(b"\xc0") || pass_undefined(reader)
}

/// Passes `undefined` as notepack.io 2 writes it, with @socket.io/redis-adapter 7 and older.
pub(super) fn pass_undefined(reader: &mut Reader<'_>) -> bool {
    reader.pass(b"\xd4\x00\x00")
}

pub(crate) fn read_flags(reader: &mut Reader<'_>) -> Result<Flags, DecodeError> {
    let mut flags = Flags::default();
    if pass_absent(reader) {
        return Ok(flags);
    }
    for _ in 0..reader.map()? {
        let name = reader.str()?;
        let value = if reader.peek()? == Kind::Bool {
            Some(reader.bool()?)
        } else {
            reader.skip()?;
            None
        };
        match name {
            b"volatile" => flags.volatile = value == Some(true),
            b"compress" => flags.compress = value,
            _ => {}
        }
    }
    Ok(flags)
}
