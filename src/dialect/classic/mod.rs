//! The classic dialect: what @socket.io/redis-adapter 6-8, socket.io-redis 5-6 and the emitters
//! say to each other over PUBLISH.
//!
//! Broadcasts are here, what servers ask each other and answer in [`request`] and [`response`].

mod reading;
pub mod request;
pub mod response;
mod writing;

pub(crate) use super::broadcast::RESERVED_EVENTS;
pub(crate) use super::flags::read_flags;
pub use super::response::Reply;
pub use super::{
    Broadcast, BroadcastError, Data, Flags, LONGEST_JSON, Names, is_json, list, to_messagepack,
};
pub use reading::{Incoming, read_broadcast, read_broadcast_whole};
pub use writing::{probe, write_broadcast};

/// The heads and names of the members in the order of @socket.io/redis-adapter 6-8; the emitters have
/// the opts in other orders. Writing puts them down whole, reading passes over them whole: going
/// through them value by value took a third of the time of a message that nobody wants.
const PACKET_TO_DATA: [u8; 12] = *b"\x83\xa4type\x02\xa4data";
const NSP: [u8; 4] = *b"\xa3nsp";
const OPTS_TO_ROOMS: [u8; 7] = *b"\x83\xa5rooms";
const EXCEPT: [u8; 7] = *b"\xa6except";
const FLAGS: [u8; 6] = *b"\xa5flags";
/// The opts of a broadcast to everybody.
const OPTS_FOR_ALL: [u8; 23] = *b"\x83\xa5rooms\x90\xa6except\x90\xa5flags\x80";
/// The opts from the rooms to the end, for a broadcast with no excepted rooms and no flags.
const NO_EXCEPT_NO_FLAGS: [u8; 15] = *b"\xa6except\x90\xa5flags\x80";
