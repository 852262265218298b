//! The classic dialect: against the recorded traffic of the published packages, byte by byte, and
//! against bytes that no sender writes.

use rmpv::Value;
use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::ClientProtocol;
use socketio_redis_edge::id::{Namespace, Uid};
use socketio_redis_edge::options::Options;
use socketio_redis_edge::room::Room;

/// A MessagePack map.
macro_rules! map {
    ($($key:literal: $value:expr),* $(,)?) => {
        Value::Map(vec![$((Value::from($key), Value::from($value))),*])
    };
}

/// A MessagePack array.
macro_rules! list {
    ($($item:expr),* $(,)?) => { Value::Array(vec![$(Value::from($item)),*]) };
}

fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).expect("a vector takes all");
    bytes
}

/// A packet that carries `data` to the namespace "/".
fn packet(data: Value) -> Value {
    map! { "type": 2, "data": data, "nsp": "/" }
}

mod control;
mod damage;
mod exchanges;
mod hostile;
mod javascript;
mod reading;
#[path = "../recorded/mod.rs"]
mod recorded;
mod recordings;
mod sent;
mod text;
mod wire;
mod writing;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

use recorded::values::canonical;

fn nsp(name: &str) -> Namespace {
    Namespace::parse(name).expect("a namespace")
}

fn uid(name: &str) -> Uid {
    Uid::parse(name).expect("a uid")
}

fn adapter(uid: &str, nsp: &str) -> Adapter {
    Adapter::new(
        Uid::parse(uid).expect("a uid"),
        Namespace::parse(nsp).expect("a namespace"),
        Options::default(),
        ClientProtocol::Text,
        1,
    )
}

/// Connects a socket that is in `room`, and gives its slot.
fn connect(adapter: &mut Adapter, sid: &[u8], room: Option<&[u8]>) -> u32 {
    let socket = adapter.intern(&canonical(Room::Text(sid)));
    adapter.connect(socket);
    if let Some(room) = room {
        let room = adapter.intern(room);
        adapter.join(socket, room);
    }
    u32::try_from(socket.index()).expect("a slot")
}

/// A server with one socket, which is in the room "a".
fn server() -> Adapter {
    let (uid, nsp, protocol) = (uid("reader"), nsp("/"), ClientProtocol::Text);
    let mut adapter = Adapter::new(uid, nsp, Options::default(), protocol, 1);
    let (socket, room) = (adapter.intern(b"\xa1s"), adapter.intern(b"\xa1a"));
    adapter.join(socket, room);
    adapter
}
