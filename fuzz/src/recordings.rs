//! The recorded traffic of the published packages; tests/wire/README.md tells the format.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// A message that a published package sent.
#[derive(Debug)]
pub struct Message {
    /// Where it was published.
    pub channel: String,
    /// Its bytes.
    pub payload: Vec<u8>,
}

const FILES: [&str; 7] = [
    include_str!("../../tests/wire/redis-adapter-7.2.0.jsonl"),
    include_str!("../../tests/wire/redis-adapter-8.3.0.jsonl"),
    include_str!("../../tests/wire/redis-emitter-4.1.1.jsonl"),
    include_str!("../../tests/wire/redis-emitter-5.1.0.jsonl"),
    include_str!("../../tests/wire/socket.io-emitter-3.2.0.jsonl"),
    include_str!("../../tests/wire/socket.io-redis-5.4.0.jsonl"),
    include_str!("../../tests/wire/socket.io-redis-6.1.1.jsonl"),
];

const SHARDED_FILE: &str = include_str!("../../tests/wire/redis-adapter-8.3.0-sharded.jsonl");

/// Messages longer than this teach nothing that shorter ones do not, and make every run slow.
const LONGEST: usize = 4_096;

/// The messages of the packages that speak the classic dialect.
pub static CLASSIC: LazyLock<Vec<Message>> =
    LazyLock::new(|| FILES.iter().flat_map(|file| file.lines()).filter_map(message).collect());

/// The messages of the package that speaks the cluster dialect over channels.
pub static SHARDED: LazyLock<Vec<Message>> =
    LazyLock::new(|| SHARDED_FILE.lines().filter_map(message).collect());

/// What is read of a line; the rest may hold lone surrogates, which a value cannot.
#[derive(Deserialize)]
struct Line {
    channel: Option<String>,
    payload_b64: Option<String>,
}

/// The message of a line, if it has one.
fn message(line: &str) -> Option<Message> {
    let line: Line = serde_json::from_str(line).expect("a line is JSON");
    let payload = STANDARD.decode(line.payload_b64?).expect("Base64");
    (payload.len() <= LONGEST).then_some(Message { channel: line.channel?, payload })
}
