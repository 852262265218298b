//! The wire form of every message, one module per dialect.

pub mod classic;
