//! Socket.IO over Redis, without I/O: rooms, channels and the wire of every server of a cluster.
//!
//! Socket.IO servers on several machines pass each other their broadcasts, and what they ask each
//! other, through Redis. This crate is the part of that which decides: it reads and writes the
//! messages, keeps the rooms and says what to publish, what to subscribe to and which sockets a
//! message is for. A host brings the sockets, the Redis connections and the clock; see [`adapter`] for
//! the one loop it runs.
//!
//! | channel | subscribed | carries |
//! |---|---|---|
//! | `key#nsp#` | by the pattern `key#nsp#*` | broadcasts to everybody, or to several rooms |
//! | `key#nsp#room#` | by the same pattern | broadcasts to exactly one room |
//! | `key#nsp#uid#` | by the same pattern | a server's probe of its own subscription |
//! | `key-request#nsp#` | by every server | what servers ask each other |
//! | `key-response#nsp#` | by every server | answers |
//! | `key-response#nsp#uid#` | by one server | answers to this one |
//!
//! In place of the pattern, [`SubscriptionMode::Exact`](options::SubscriptionMode::Exact) has a
//! subscription to the main channel and one to that of each room with sockets.
//!
//! The sharded dialect has shard channels (SPUBLISH, SSUBSCRIBE), and fewer kinds of them:
//!
//! | channel | subscribed | carries |
//! |---|---|---|
//! | `prefix#nsp#` | by every server | broadcasts and what servers ask each other |
//! | `prefix#nsp#room#` | by servers with sockets in it, see [`SubscriptionMode`](options::SubscriptionMode) | broadcasts to exactly one room |
//! | `prefix#nsp#uid#` | by one server | answers to this one, and its probes |
//!
//! The names and messages are those of `@socket.io/redis-adapter` 6 to 8; see [`dialect`].
//!
//! Packets are transcoded, never built as objects: MessagePack bytes become the text that clients
//! get ([`transcode`], [`packet`]), and back. Every byte sequence gives a value or an error, never
//! a panic.

// What comes from outside must not end in one: tests may.
#![cfg_attr(
    not(test),
    warn(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

mod acknowledgements;
pub mod adapter;
mod appender;
pub mod channel;
pub mod dialect;
pub mod event;
mod faults;
pub mod id;
pub mod json;
pub mod msgpack;
pub mod options;
pub mod packet;
mod requests;
pub mod room;
pub mod rooms;
mod subscription;
mod subscriptions;
pub mod time;
mod timers;
pub mod transcode;
#[cfg(feature = "wasm")]
pub mod wasm;

pub use adapter::Adapter;
