//! What servers ask each other: two or three adapters, driven by hand.

use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::{ClientProtocol, Ending, Output, Value};
use socketio_redis_edge::id::{Namespace, Uid};
use socketio_redis_edge::options::{Options, SubscriptionMode};
use socketio_redis_edge::room::Room;
use socketio_redis_edge::rooms::NameId;
use socketio_redis_edge::time::Time;

mod acknowledging;
mod answering;
mod asking;
mod ending;
mod exact;
mod leaving;
mod standing;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const REQUESTS: &str = "socket.io-request#/#";
const RESPONSES: &str = "socket.io-response#/#";
/// Where the server "one" alone hears answers.
const TO_ONE: &str = "socket.io-response#/#one#";
const A: Room<'_> = Room::Text(b"a");
const B: Room<'_> = Room::Text(b"b");

const fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

/// The moment at which most of it happens.
const NOW: Time = at(1_000);

/// When a server that was subscribed at that moment looks whether it still is, if nothing has come in.
const LOOK: Time = at(7_001);

/// When something is due, but for that.
fn timer(server: &Adapter) -> Option<Time> {
    server.poll_timeout().filter(|time| *time != LOOK)
}

/// A server with all its subscriptions.
fn server(uid: &str) -> Adapter {
    server_with(uid, Options::default())
}

fn exact(uid: &str) -> Adapter {
    server_with(uid, Options { subscription_mode: SubscriptionMode::Exact, ..Options::default() })
}

fn server_with(uid: &str, options: Options) -> Adapter {
    let mut server = unconnected(uid, options);
    server.handle_ready();
    subscribe(&mut server);
    assert!(server.is_subscribed());
    server
}

fn unconnected(uid: &str, options: Options) -> Adapter {
    let uid = Uid::parse(uid).expect("a uid");
    let nsp = Namespace::parse("/").expect("a namespace");
    Adapter::new(uid, nsp, options, ClientProtocol::Text, 1)
}

/// Confirms subscriptions and brings probes back; gives what else there is to do.
fn subscribe(server: &mut Adapter) -> Vec<Output> {
    let mut others = Vec::new();
    while let Some(output) = server.poll_output(NOW) {
        match output {
            Output::Subscribe { id, .. } => server.handle_confirmed(id),
            Output::Publish { token: Some(0), message, .. } => {
                server.handle_message(&message, &mut Vec::new(), &mut Vec::new());
            }
            other => others.push(other),
        }
    }
    others
}

/// All that there is to do.
fn outputs(server: &mut Adapter) -> Vec<Output> {
    outputs_at(server, NOW)
}

fn outputs_at(server: &mut Adapter, now: Time) -> Vec<Output> {
    std::iter::from_fn(|| server.poll_output(now)).collect()
}

fn intern(server: &mut Adapter, room: Room<'_>) -> NameId {
    let mut name = Vec::new();
    room.write(&mut name);
    server.intern(&name)
}

fn join(server: &mut Adapter, socket: u32, room: Room<'_>) {
    let room = intern(server, room);
    server.join(NameId::from_index(socket), room);
}

/// Connects a socket, puts it into a room, and gives its slot.
fn connect(server: &mut Adapter, sid: &str, room: Room<'_>) -> u32 {
    let socket = intern(server, Room::Text(sid.as_bytes()));
    server.connect(socket);
    let slot = u32::try_from(socket.index()).expect("a slot");
    join(server, slot, room);
    slot
}

/// A message as it is published, read as text.
fn published(token: Option<u32>, channel: &str, message: &str) -> Output {
    Output::Publish { token, channel: channel.to_owned(), message: message.as_bytes().to_vec() }
}

fn request(message: &str) -> Output {
    published(Some(1), REQUESTS, message)
}

/// The request to count the servers for the first request.
fn count() -> Output {
    Output::Count { request: Some(1), channels: vec![REQUESTS.to_owned()] }
}

/// Brings what one server publishes to another, and gives what that has to do.
fn bring(output: &Output, to: &mut Adapter) -> Vec<Output> {
    let Output::Publish { channel, message, .. } = output else { panic!("{output:?}") };
    to.handle_control(channel.as_bytes(), message, NOW).expect("well-formed");
    outputs(to)
}

fn hear(server: &mut Adapter, channel: &str, message: &str) -> Vec<Output> {
    server.handle_control(channel.as_bytes(), message.as_bytes(), NOW).expect("well-formed");
    outputs(server)
}

/// What a server named so answers to the first request of the server "one".
fn said(uid: &str, members: &str) -> String {
    format!(r#"{{"requestId":"one1",{members},"uid":"{uid}"}}"#)
}

/// An answer to the first request.
fn answer(value: Value) -> Output {
    Output::Answer { request: 1, value }
}

/// The good end of the first request.
fn complete() -> Output {
    ended(Ending::Complete)
}

fn ended(ending: Ending) -> Output {
    Output::Ended { request: 1, ending }
}

/// The one thing that there is to do.
fn only(outputs: Vec<Output>) -> Output {
    let [output] = <[Output; 1]>::try_from(outputs).expect("one output");
    output
}

/// A value in MessagePack, written as JSON.
fn value(json: &str) -> Value {
    let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
    Value::MessagePack { bytes: rmp(&json) }
}

fn rmp(json: &serde_json::Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &to_rmp(json)).expect("a vector takes all");
    bytes
}

fn to_rmp(json: &serde_json::Value) -> rmpv::Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => rmpv::Value::Nil,
        Json::Bool(value) => (*value).into(),
        Json::Number(number) => number.as_u64().expect("an integer").into(),
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => rmpv::Value::Array(items.iter().map(to_rmp).collect()),
        Json::Object(_) => panic!("no test has one"),
    }
}

/// What JavaScript calls `undefined`.
fn undefined() -> Value {
    Value::MessagePack { bytes: b"\xd4\0\0".to_vec() }
}
