//! The cluster dialect: the messages of socket.io-adapter 2.5's `ClusterAdapter`, as the sharded adapter
//! of @socket.io/redis-adapter 8.3.0 says them over SPUBLISH.
//!
//! A message is an object of `type`, `data`, `uid` and `nsp`, in this order: JSON, or MessagePack where the
//! data is binary. Those to every server come on the namespace's channel, or that of one room
//! ([`read_message`]); answers on the channel of the asking server alone ([`read_answer`]).
//!
//! | type | says | data |
//! |---|---|---|
//! | 3 | an event for clients | packet, opts |
//! | 3 | an event that clients acknowledge | packet, requestId, opts |
//! | 4, 5 | the sockets that match join, or leave, rooms | opts, rooms |
//! | 6 | they disconnect | opts, close (left out if it is undefined) |
//! | 7 | asks for them | opts, requestId |
//! | 8 | answers 7 | requestId, sockets |
//! | 9 | an event for the listeners of servers | requestId (if they are to answer), packet |
//! | 10 | answers 9 | requestId, packet (left out if it is undefined) |
//! | 11 | answers 3, once for each server | requestId, clientCount |
//! | 12 | answers 3, once for each client | requestId, packet: the first argument of its acknowledgement |
//!
//! Here `packet` is `{ type, data }` of a client's event, a listener's event as a list, or a value; `opts`
//! is `{ rooms, except, flags }`. Types 1, 2 and 13 tell of servers that come, stay and go, where Redis
//! cannot count them.
//!
//! Nothing in it asks for less than all of the sockets that match. One more member of type 7 does, which the
//! published servers pass over: `want`, one of "count", "ids" and "rooms". Servers that know it answer
//! with `count`, `ids` or `roomNames` in place of `sockets`; out of the full answer of the others,
//! [`details_count`], [`details_ids`] and [`details_rooms`] take as much.

mod answers;
mod details;
mod reading;
mod writer;
mod writing;

pub use answers::{read_answer, write_answer};
pub use details::{details_count, details_ids, details_rooms};
pub use reading::{Incoming, MessageError, read_message};
pub use writing::{write_broadcast, write_request};

use crate::id::{Namespace, Uid};

/// The type of an event for clients, with acknowledgements or without.
pub const BROADCAST: u8 = 3;

/// The types of messages.
mod kind {
    pub(super) const BROADCAST: u64 = 3;
    pub(super) const JOIN: u64 = 4;
    pub(super) const LEAVE: u64 = 5;
    pub(super) const DISCONNECT: u64 = 6;
    pub(super) const FETCH: u64 = 7;
    pub(super) const FETCHED: u64 = 8;
    pub(super) const SERVER_SIDE_EMIT: u64 = 9;
    pub(super) const CALLED_BACK: u64 = 10;
    pub(super) const CLIENT_COUNT: u64 = 11;
    pub(super) const ACKNOWLEDGED: u64 = 12;
}

/// The type of a packet that is an event.
const EVENT: u64 = 2;

/// What [`request::Request::Sockets`](super::request::Request::Sockets) and
/// [`AllRooms`](super::request::Request::AllRooms) have as `want`.
const WANT_COUNT: &str = "count";
const WANT_IDS: &str = "ids";
const WANT_ROOMS: &str = "rooms";

/// The type of a message, told without reading it. `None` if it does not stand where all senders put it.
pub fn peek_type(message: &[u8]) -> Option<u8> {
    if let Some(rest) = message.strip_prefix(b"\x84\xa4type") {
        return rest.first().copied().filter(|kind| *kind < 0x80);
    }
    let rest = message.strip_prefix(br#"{"type":"#)?;
    let digits = rest.split(|&byte| byte == b',').next()?;
    // A sign would be another spelling than any sender's.
    digits.first().filter(|digit| digit.is_ascii_digit())?;
    str::from_utf8(digits).ok()?.parse().ok()
}

/// Whether a message in JSON is this server's, as it is written here and by the published packages; told
/// without reading the message.
///
/// All of a message comes back to its sender, and the end of an object in JSON cannot be mistaken: no quote
/// in it is one inside a text.
pub fn is_from(message: &[u8], uid: &Uid, nsp: &Namespace) -> bool {
    let end = |message| {
        let rest: &[u8] = <[u8]>::strip_suffix(message, b"\"}")?;
        let rest = rest.strip_suffix(nsp.as_str().as_bytes())?;
        let rest = rest.strip_suffix(br#"","nsp":""#)?;
        rest.strip_suffix(uid.as_str().as_bytes())
    };
    // A name that holds a quote or a backslash is spelt otherwise, but may look like the end of another.
    let is_plain = !nsp.as_str().contains(['"', '\\']);
    is_plain && end(message).is_some_and(|rest| rest.ends_with(br#","uid":""#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_stands_where_every_package_puts_it() {
        for (message, kind) in [
            (&br#"{"type":3,"data":{}}"#[..], Some(3)),
            (br#"{"type":12,"data":{}}"#, Some(12)),
            (br#"{"type":300,"data":{}}"#, None),
            (br#"{"type":+3,"data":{}}"#, None),
            (br#"{"type":-3,"data":{}}"#, None),
            (br#"{"type":"3","data":{}}"#, None),
            (br#"{"data":{},"type":3}"#, None),
            (br#"{"type":"#, None),
            (b"\x84\xa4type\x03\xa4data", Some(3)),
            (b"\x84\xa4type\xcc\x80", None),
            (b"\x84\xa4type", None),
            (b"", None),
        ] {
            assert_eq!(peek_type(message), kind, "{}", String::from_utf8_lossy(message));
        }
    }

    #[test]
    fn an_own_message_is_known_by_its_end() {
        let uid = Uid::parse("KgkYV5").expect("a uid");
        let is_from = |message: &str, nsp: &str| {
            is_from(message.as_bytes(), &uid, &Namespace::parse(nsp).expect("a namespace"))
        };
        assert!(is_from(r#"{"type":3,"uid":"KgkYV5","nsp":"/"}"#, "/"));
        assert!(is_from(r#"{"type":3,"uid":"KgkYV5","nsp":"/admin"}"#, "/admin"));
        for other in [
            r#"{"type":3,"uid":"KgkYV5","nsp":"/admin"}"#,
            r#"{"type":3,"uid":"-KgkYV5","nsp":"/"}"#,
            r#"{"type":3,"uuid":"KgkYV5","nsp":"/"}"#,
            r#"{"nsp":"/","type":3,"uid":"KgkYV5"}"#,
            r#"{"type":3,"uid":"KgkYV5","nsp":"/"},"uid":"other","nsp":"/"}"#,
        ] {
            assert!(!is_from(other, "/"), "{other}");
        }
        // The text of another member, not this one.
        let odd = r#"{"x":"a\",\"uid\":\"KgkYV5","nsp":"/"}"#;
        assert!(!is_from(odd, "/"));
        assert!(!is_from(r#"{"type":3,"uid":"KgkYV5","nsp":"/a","nsp":"/b"}"#, r#"/a","nsp":"/b"#));
    }
}
