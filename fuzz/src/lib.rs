//! What the fuzz targets do with their input: a function each, which takes any bytes and panics where
//! the core breaks a promise.
//!
//! The core has no unsafe code, so panics are all that can go wrong in it, and no sanitizer is needed:
//! that is why all of this runs on stable Rust. Overflow checks and debug assertions are on.

pub mod adapter;
pub mod dialects;
pub mod json_to_msgpack;
mod meaning;
pub mod msgpack_to_json;
pub mod recordings;
pub mod rooms;

/// A target's function.
pub type Run = fn(&[u8]);

/// Every target: its name, which is that of its program and of its folders, and its function.
pub const TARGETS: [(&str, Run); 5] = [
    ("adapter", adapter::run),
    ("dialects", dialects::run),
    ("json_to_msgpack", json_to_msgpack::run),
    ("msgpack_to_json", msgpack_to_json::run),
    ("rooms", rooms::run),
];
