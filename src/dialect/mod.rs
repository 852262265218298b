//! The wire form of every message: one module per dialect, and what all of them say.
//!
//! The state machine knows what is said, in [`request`], [`response`] and [`Broadcast`]; how it is spelt,
//! only the dialects do.

mod broadcast;
pub mod classic;
pub mod cluster;
mod data;
mod flags;
mod form;
mod names;
pub mod request;
pub mod response;

pub use broadcast::{Broadcast, BroadcastError};
pub use data::Data;
pub use flags::Flags;
pub use form::{LONGEST_JSON, is_json, to_messagepack};
pub use names::{Names, list};

/// Whose messages and channels an adapter speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `createAdapter` of @socket.io/redis-adapter 6-8, socket.io-redis 5-6 and the emitters: PUBLISH.
    Classic,
    /// `createShardedAdapter` of @socket.io/redis-adapter 8: SPUBLISH.
    Sharded,
}
