//! The cluster dialect: against the recorded traffic of the published sharded adapter, byte by byte, and
//! against bytes that no sender writes.

use socketio_redis_edge::dialect::cluster::{Incoming, MessageError, read_answer, read_message};
use socketio_redis_edge::dialect::request::Envelope;
use socketio_redis_edge::dialect::response::{Answer, ResponseError};
use socketio_redis_edge::dialect::to_messagepack;
use socketio_redis_edge::id::{Namespace, Uid};

mod damage;
mod extension;
mod hostile;
mod reading;
#[path = "../recorded/mod.rs"]
mod recorded;
mod recordings;
mod said;
mod writing;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn nsp(name: &str) -> Namespace {
    Namespace::parse(name).expect("a namespace")
}

fn uid(name: &str) -> Uid {
    Uid::parse(name).expect("a uid")
}

/// A message in either form as MessagePack.
fn packed(message: &[u8]) -> Vec<u8> {
    let mut converted = Vec::new();
    to_messagepack(message, &mut converted).expect("well-formed").to_vec()
}

/// What the server "reader" of the main namespace reads.
fn read(message: &[u8]) -> Result<Incoming<'_>, MessageError> {
    read_message(message, &uid("reader"), &nsp("/"))
}

/// A request that it reads.
fn request(message: &[u8]) -> Envelope<'_> {
    match read(message) {
        Ok(Incoming::Request(envelope)) => envelope,
        other => panic!("{other:?}"),
    }
}

fn answer(message: &[u8]) -> Result<Option<Answer<'_>>, ResponseError> {
    read_answer(message, &nsp("/"))
}
