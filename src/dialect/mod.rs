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
