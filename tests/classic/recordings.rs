//! What the published packages sent is understood.

use rmpv::Value;
use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::{Dropped, Received};
use socketio_redis_edge::dialect::classic::{BroadcastError, Flags};
use socketio_redis_edge::msgpack::Reader;
use socketio_redis_edge::room::Room;

use super::wire::{CLASSIC, Message};
use super::{adapter, connect, javascript};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A broadcast as a decoder of its own reads it.
pub(crate) struct Reference {
    pub(crate) uid: String,
    pub(crate) packet_type: u64,
    pub(crate) data: Value,
    pub(crate) nsp: String,
    pub(crate) rooms: Vec<Value>,
    pub(crate) except: Vec<Value>,
    pub(crate) flags: Value,
}

impl Reference {
    pub(crate) fn read(mut payload: &[u8]) -> Self {
        let message = rmpv::decode::read_value(&mut payload).expect("MessagePack");
        assert!(payload.is_empty(), "{} bytes are left over", payload.len());
        let (packet, opts) = (&message[1], &message[2]);
        let list = |name: &str| opts[name].as_array().cloned().unwrap_or_default();
        Self {
            uid: message[0].as_str().expect("a uid").to_owned(),
            packet_type: packet["type"].as_u64().expect("a type"),
            data: packet["data"].clone(),
            nsp: packet["nsp"].as_str().expect("a namespace").to_owned(),
            rooms: list("rooms"),
            except: list("except"),
            flags: opts["flags"].clone(),
        }
    }
}

/// A room's name as the room index knows it, `None` for what names no room.
pub(crate) fn canonical(name: &Value) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, name).expect("a vector takes all");
    let room = Room::read(&mut Reader::new(&bytes)).expect("MessagePack")?;
    let mut canonical = Vec::new();
    room.write(&mut canonical);
    Some(canonical)
}

/// A server with a socket in each room that the message names and one in none, and which of them
/// the message is for.
fn audience(reference: &Reference) -> (Adapter, Vec<u32>) {
    let mut adapter = adapter("reader", &reference.nsp);
    let bystander = connect(&mut adapter, b"bystander", None);
    let mut targets = Vec::new();
    if reference.rooms.is_empty() {
        targets.push(bystander);
    }
    for (number, room) in reference.rooms.iter().enumerate() {
        if let Some(room) = canonical(room) {
            let sid = format!("wanted {number}");
            targets.push(connect(&mut adapter, sid.as_bytes(), Some(&room)));
        }
    }
    for (number, room) in reference.except.iter().enumerate() {
        let room = canonical(room).expect("a room");
        connect(&mut adapter, format!("excepted {number}").as_bytes(), Some(&room));
    }
    (adapter, targets)
}

pub(crate) fn each_broadcast(mut check: impl FnMut(&'static str, Message)) {
    for recording in CLASSIC {
        let mut count = 0;
        for message in recording.broadcasts() {
            count += 1;
            check(recording.package, message);
        }
        assert!(count > 140, "{}: {count} broadcasts", recording.package);
    }
}

#[test]
fn recorded_broadcasts_reach_their_sockets_as_the_text_that_was_meant() {
    let mut dropped = Vec::new();
    let (mut out, mut places) = (Vec::new(), Vec::new());
    each_broadcast(|package, Message { op, payload, .. }| {
        let case = format!("{package}, {op}");
        let reference = Reference::read(&payload);
        let (mut adapter, targets) = audience(&reference);
        let delivery = match adapter.handle_message(&payload, &mut out, &mut places) {
            Received::Delivery(delivery) => delivery,
            Received::Dropped(reason) => return dropped.push((case, reason)),
        };
        assert_eq!(adapter.targets(), targets, "{case}");
        let (text, attachments) = javascript::packet(&reference.nsp, &reference.data);
        let encoded = delivery.encoded.expect("a text");
        let written = std::str::from_utf8(&out[encoded.text]).expect("UTF-8");
        assert!(written == text, "{case}:\n{written}\n{text}");
        assert!(out[encoded.frame].ends_with(text.as_bytes()), "{case}");
        let attached: Vec<&[u8]> = places.iter().map(|place| &payload[place.clone()]).collect();
        assert!(attached == attachments, "{case}: attachments");
        let flags = Flags {
            volatile: reference.flags["volatile"].as_bool() == Some(true),
            compress: reference.flags["compress"].as_bool(),
        };
        assert_eq!(delivery.flags, flags, "{case}");
    });
    // A list of rooms inside the list of rooms names none, for the published receivers too.
    let unwanted = [
        "socket.io-redis-6.1.1, emit: one room given as array",
        "socket.io-redis-6.1.1, emit: several rooms as array",
        "socket.io-redis-6.1.1, emit: numeric rooms several",
        "socket.io-emitter-3.2.0, emit: several rooms as array",
    ]
    .map(|case| (case.to_owned(), Dropped::Unwanted));
    let reserved = "socket.io-emitter-3.2.0, emit: reserved event name".to_owned();
    let reserved = (reserved, Dropped::Malformed(BroadcastError::Event.into()));
    dropped.sort_by_key(|(_, reason)| *reason != Dropped::Unwanted);
    assert_eq!(dropped, [&unwanted[..], &[reserved]].concat());
}

#[test]
fn recorded_broadcasts_are_dropped_by_their_sender_and_by_other_namespaces() {
    let (mut out, mut places) = (Vec::new(), Vec::new());
    each_broadcast(|package, message| {
        let Message { op, payload, sender, .. } = message;
        let Reference { nsp, uid, .. } = Reference::read(&payload);
        assert_eq!(uid, sender, "{package}, {op}");
        let other = if nsp == "/" { "/other" } else { "/" };
        for (uid, nsp, dropped) in
            [(&*uid, &*nsp, Dropped::Echo), ("reader", other, Dropped::Foreign)]
        {
            let mut adapter = adapter(uid, nsp);
            connect(&mut adapter, b"bystander", None);
            let received = adapter.handle_message(&payload, &mut out, &mut places);
            assert_eq!(received, Received::Dropped(dropped), "{package}, {op}");
        }
    });
}

#[test]
fn recorded_channels_concern_only_the_servers_with_their_room() {
    each_broadcast(|package, message| {
        let Message { op, payload, channel, .. } = message;
        let reference = Reference::read(&payload);
        let (mut wanting, targets) = audience(&reference);
        // The channel of a room with a lone surrogate does not tell which room it is.
        let told = !op.ends_with("lone surrogate");
        let main = channel == wanting.channels().broadcast().as_bytes();
        let wants = !targets.is_empty() || main || !told;
        assert_eq!(wanting.handle_channel(&channel, 0), wants, "{package}, {op}");
        let mut empty = adapter("reader", &reference.nsp);
        let all = reference.rooms.len() != 1 || channel.ends_with(b"##") || !told;
        assert_eq!(empty.handle_channel(&channel, 0), all, "{package}, {op}");
    });
}

#[test]
fn recorded_requests_and_responses_are_no_broadcasts() {
    let (mut out, mut places) = (Vec::new(), Vec::new());
    let mut count = 0;
    for recording in CLASSIC {
        for Message { op, payload, .. } in recording.requests() {
            let mut adapter = adapter("reader", "/");
            connect(&mut adapter, b"bystander", None);
            let received = adapter.handle_message(&payload, &mut out, &mut places);
            let refused = matches!(received, Received::Dropped(Dropped::Malformed(_)));
            assert!(refused, "{}, {op}: {received:?}", recording.package);
            count += 1;
        }
    }
    assert!(count > 700, "{count} requests and responses");
}
