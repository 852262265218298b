//! Events of hosts written in Rust: serde values to a packet's data and back.
//!
//! ```
//! use socketio_redis_edge::adapter::{Adapter, Body, BroadcastCommand, ClientProtocol, Received};
//! use socketio_redis_edge::event;
//! use socketio_redis_edge::id::{Namespace, Uid};
//! use socketio_redis_edge::options::Options;
//!
//! let server = |uid: &str| -> Result<Adapter, Box<dyn std::error::Error>> {
//!     let (uid, nsp) = (Uid::parse(uid)?, Namespace::parse("/")?);
//!     Ok(Adapter::new(uid, nsp, Options::default(), ClientProtocol::Custom, 0))
//! };
//! let (mut one, mut two) = (server("serv-1")?, server("serv-2")?);
//! let socket = two.intern(b"\xa4abcd");
//! two.connect(socket);
//!
//! // The first server broadcasts, and its host publishes what stands in `message`…
//! let data = event::encode("joined", &("ada", 3))?;
//! let command = BroadcastCommand {
//!     body: Body::MessagePack(&data),
//!     rooms: &[],
//!     except: &[],
//!     flags: b"",
//!     local: false,
//! };
//! let mut message = Vec::new();
//! let sent = one.broadcast(command, &mut message)?.ok_or("nothing to publish")?;
//! assert_eq!(&message[sent.channel], b"socket.io#/#");
//!
//! // … and the second one's host gets it from Redis.
//! let message = &message[sent.message];
//! match two.handle_message(message, &mut Vec::new(), &mut Vec::new()) {
//!     Received::Delivery(delivery) => {
//!         let (name, who, count): (&str, &str, u32) = event::decode(&message[delivery.data..])?;
//!         assert_eq!((name, who, count), ("joined", "ada", 3));
//!         assert_eq!(two.targets(), [socket.index() as u32]);
//!     }
//!     Received::Dropped(why) => panic!("{why:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::dialect::classic::RESERVED_EVENTS;
use crate::msgpack::{self, Reader};

/// Why an event was not encoded.
#[derive(Debug, Error)]
pub enum EventError {
    /// The arguments are no list: a tuple, an array or a slice.
    #[error("the arguments of an event are a tuple or a slice")]
    Arguments,
    /// A name that Socket.IO keeps for itself; clients disconnect over it.
    #[error("event name {0:?} is reserved")]
    Reserved(String),
    /// A value that serde or MessagePack cannot take.
    #[error(transparent)]
    Value(#[from] rmp_serde::encode::Error),
}

impl EventError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Arguments => "ERR_EVENT_ARGUMENTS",
            Self::Reserved(_) => "ERR_RESERVED_EVENT",
            Self::Value(_) => "ERR_EVENT_VALUE",
        }
    }
}

/// The data of an event, for [`Body::MessagePack`](crate::adapter::Body::MessagePack): an array of
/// its name and its arguments. Structs become objects, `&serde_bytes::Bytes` binary data.
///
/// # Errors
/// [`EventError`] for a reserved name, and for arguments that are no list or have no form in
/// MessagePack.
pub fn encode<T: Serialize + ?Sized>(name: &str, args: &T) -> Result<Vec<u8>, EventError> {
    if RESERVED_EVENTS.contains(&name.as_bytes()) {
        return Err(EventError::Reserved(name.to_owned()));
    }
    let list = rmp_serde::to_vec_named(args)?;
    let mut reader = Reader::new(&list);
    let count = reader.array().map_err(|_| EventError::Arguments)?;
    let mut data = Vec::with_capacity(list.len().saturating_add(name.len()).saturating_add(6));
    msgpack::write_array_header(&mut data, count.saturating_add(1));
    msgpack::write_str(&mut data, name.as_bytes());
    data.extend_from_slice(reader.rest());
    Ok(data)
}

/// The name and the arguments of an event, as a tuple of what they are; `data` may be followed by
/// the rest of its message.
///
/// # Errors
/// What serde says if they are something else.
pub fn decode<'a, T: Deserialize<'a>>(data: &'a [u8]) -> Result<T, rmp_serde::decode::Error> {
    rmp_serde::from_slice(data)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn an_event_is_a_list_of_its_name_and_arguments() {
        #[derive(Serialize)]
        struct Point {
            x: u8,
        }
        let data = encode("e", &(1, Point { x: 2 }, "t")).expect("an event");
        assert_eq!(data, b"\x94\xa1e\x01\x81\xa1x\x02\xa1t");
        let none: [u8; 0] = [];
        assert_eq!(encode("e", &none).expect("an event"), b"\x91\xa1e");
    }

    #[test]
    fn what_clients_would_refuse_is_refused_here() {
        let code = |result: Result<Vec<u8>, EventError>| result.map_err(|error| error.code());
        assert_eq!(code(encode("disconnect", &[1])), Err("ERR_RESERVED_EVENT"));
        assert_eq!(code(encode("e", "text")), Err("ERR_EVENT_ARGUMENTS"));
    }
}
