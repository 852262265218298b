//! What the published adapter sent is understood, and written again byte for byte.

use std::collections::{BTreeMap, BTreeSet};

use rmpv::Value;
use socketio_redis_edge::dialect::cluster::{
    Incoming, is_from, peek_type, read_answer, read_message, write_answer, write_broadcast,
    write_request,
};
use socketio_redis_edge::dialect::{Data, Flags, is_json};
use socketio_redis_edge::id::Namespace;
use socketio_redis_edge::msgpack::Reader;
use socketio_redis_edge::room::Room;
use socketio_redis_edge::transcode::{Outside, msgpack_to_json};

use super::recorded::values::decoded;
use super::recorded::{Message, Recording};
use super::said::{of_answer, of_broadcast, of_request, raw};
use super::{nsp, packed, uid};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SHARDED: Recording = Recording {
    package: "redis-adapter-8.3.0-sharded",
    text: include_str!("../wire/redis-adapter-8.3.0-sharded.jsonl"),
};

/// A recorded message and what its channel tells.
pub(crate) struct Recorded {
    pub(crate) op: String,
    pub(crate) payload: Vec<u8>,
    /// The same as MessagePack.
    pub(crate) packed: Vec<u8>,
    sender: String,
    nsp: Namespace,
    /// Whether it came on the channel of one server alone.
    pub(crate) is_answer: bool,
}

pub(crate) fn each_recorded(mut check: impl FnMut(Recorded)) {
    let mut count = 0;
    for message in SHARDED.messages(r#""channel":"socket.io#"#) {
        let Message { op, channel, payload, sender } = message;
        let packed = packed(&payload);
        let sender = if sender.is_empty() { member(&packed, "uid") } else { sender };
        assert_eq!(member(&packed, "uid"), sender, "{op}");
        let nsp = nsp(&member(&packed, "nsp"));
        let main = format!("socket.io#{}#", nsp.as_str());
        assert!(channel.starts_with(main.as_bytes()), "{op}");
        // A room may be called as a server, but these were not.
        let kind = peek_type(&payload).expect("a type");
        let is_answer = matches!(kind, 8 | 10..=12);
        check(Recorded { op, payload, packed, sender, nsp, is_answer });
        count += 1;
    }
    assert!(count > 800, "{}: {count} messages", SHARDED.package);
}

/// A member of a message that is a text.
fn member(packed: &[u8], name: &str) -> String {
    let value = rmpv::decode::read_value(&mut &*packed).expect("MessagePack");
    value[name].as_str().expect("a text").to_owned()
}

/// The flags of a message, as they stand.
fn flags(packed: &[u8]) -> Vec<u8> {
    let mut reader = Reader::new(packed);
    for name in ["data", "opts", "flags"] {
        let members = reader.map().expect("an object");
        for _ in 0..members {
            if reader.str() == Ok(name.as_bytes()) {
                break;
            }
            reader.skip().expect("a value");
        }
    }
    reader.raw().expect("flags").to_vec()
}

fn json(value: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    msgpack_to_json(&mut Reader::new(value), &mut text, &mut Vec::new()).expect("a value");
    text
}

fn value(mut packed: &[u8]) -> Value {
    rmpv::decode::read_value(&mut packed).expect("MessagePack")
}

/// The operations that serde_json refuses to decode: lone surrogates.
#[derive(Default)]
struct Incomparable(BTreeSet<String>);

impl Incomparable {
    /// Compares what was read with what another decoder reads.
    fn compare(&mut self, op: &str, payload: &[u8], read: impl FnOnce() -> Value) {
        match decoded(payload) {
            // By what is shown of them, since NaN is not itself.
            Some(expected) => assert_eq!(read().to_string(), expected.to_string(), "{op}"),
            None => {
                self.0.insert(op.to_owned());
            }
        }
    }

    fn check(self, ops: &[&str]) {
        let found: Vec<&String> = self.0.iter().collect();
        assert_eq!(found, ops);
    }
}

fn assert_same(written: &[u8], expected: &[u8], op: &str) {
    let (written, expected) = (written.escape_ascii(), expected.escape_ascii());
    assert!(written.to_string() == expected.to_string(), "{op}:\n{written}\n{expected}");
}

#[test]
fn recorded_broadcasts_are_read_and_written_as_they_were_meant() {
    let (mut incomparable, mut counts) = (Incomparable::default(), BTreeMap::new());
    let mut rewritten = BTreeSet::new();
    each_recorded(|message| {
        let Recorded { op, payload, packed, sender, nsp, .. } = message;
        let read = read_message(&packed, &uid("reader"), &nsp);
        let read = read.unwrap_or_else(|error| panic!("{op}: {error}"));
        let Incoming::Broadcast(broadcast) = read else { return };
        let flags = flags(&packed);
        let set = value(&flags);
        let expected = Flags {
            volatile: set["volatile"].as_bool() == Some(true),
            compress: set["compress"].as_bool(),
        };
        assert_eq!(broadcast.flags, expected, "{op}");
        incomparable.compare(&op, &payload, || {
            let set = decoded(&flags).expect("flags");
            of_broadcast(&broadcast, set, &sender, nsp.as_str())
        });

        let (data, flags) = (raw(&broadcast.data), json(&flags));
        let [rooms, except] =
            [&broadcast.rooms, &broadcast.except].map(|it| it.clone().collect::<Vec<Room<'_>>>());
        let write = |data| {
            let mut out = Vec::new();
            write_broadcast(&mut out, &uid(&sender), &nsp, data, &rooms, &except, &flags)
                .expect("what was read");
            out
        };
        assert_same(&write(data), &payload, &op);
        *counts.entry(is_json(&payload)).or_default() += 1;

        // As a host hands it over: text, and the binary data outside it.
        let Data::MessagePack(bytes) = data else { panic!("what is read is MessagePack") };
        let (mut text, mut places) = (Vec::new(), Vec::new());
        msgpack_to_json(&mut Reader::new(bytes), &mut text, &mut places).expect("an event");
        let attachments: Vec<&[u8]> = places.into_iter().map(|place| &bytes[place]).collect();
        let outside = Outside { attachments: &attachments, texts: &[] };
        if write(Data::Json(&text, outside)) != payload {
            rewritten.insert(op);
        }
    });
    assert_eq!(counts, BTreeMap::from([(false, 31), (true, 264)]));
    incomparable.check(&[
        "emit: room lone surrogate",
        "payload: map lone surrogate key long",
        "payload: map lone surrogate key short",
        "payload: string lone high at end short",
        "payload: string lone high inside longer (>200)",
        "payload: string lone high inside short",
        "payload: string lone high surrogate",
        "payload: string lone low inside long (>32)",
        "payload: string lone low inside short",
        "payload: string reversed pair short",
    ]);
    // Such text has dates as text, and no NaN.
    let expected = ["payload: Date nested with Buffer", "payload: mixed binary and undefined"];
    assert_eq!(rewritten, expected.map(str::to_owned).into());
}

#[test]
fn recorded_requests_are_read_and_written_as_they_were_meant() {
    let (mut incomparable, mut counts) = (Incomparable::default(), BTreeMap::<u64, usize>::new());
    let mut flagged = BTreeSet::new();
    each_recorded(|message| {
        let Recorded { op, payload, packed, sender, nsp, .. } = message;
        let read = read_message(&packed, &uid("reader"), &nsp);
        let read = read.unwrap_or_else(|error| panic!("{op}: {error}"));
        let Incoming::Request(envelope) = read else { return };
        let kind = value(&packed)["type"].as_u64().expect("a type");
        let has_flags = matches!(kind, 4..=7);
        let flags = if has_flags { flags(&packed) } else { b"\x80".to_vec() };
        incomparable.compare(&op, &payload, || {
            of_request(&envelope, decoded(&flags).expect("flags"), nsp.as_str())
        });

        let mut written = Vec::new();
        write_request(&mut written, &uid(&sender), &nsp, &envelope).expect("what was read");
        // Nobody reads the flags of a request on the sockets that match, so we send none.
        let expected = if flags == b"\x80" {
            payload
        } else {
            let text = String::from_utf8(payload).expect("JSON");
            let set = String::from_utf8(json(&flags)).expect("JSON");
            flagged.insert(format!("{op} {set}"));
            text.replacen(&format!(r#""flags":{set}"#), r#""flags":{}"#, 1).into_bytes()
        };
        assert_same(&written, &expected, &op);
        *counts.entry(kind).or_default() += 1;
    });
    let expected = [(3, 75), (4, 24), (5, 16), (6, 15), (7, 35), (9, 70)];
    assert_eq!(counts, BTreeMap::from(expected));
    incomparable.check(&["socketsJoin: unicode room"]);
    let expected = [
        r#"fetchSockets: timeout flag {"timeout":700}"#,
        r#"remote socket: join {"expectSingleResponse":true}"#,
        r#"remote socket: leave {"expectSingleResponse":true}"#,
        r#"socketsJoin: with flags {"volatile":true,"compress":false,"timeout":10}"#,
    ];
    assert_eq!(flagged, expected.map(str::to_owned).into());
}

#[test]
fn recorded_answers_are_read_and_written_as_they_were_meant() {
    let (mut incomparable, mut counts) = (Incomparable::default(), BTreeMap::<u64, usize>::new());
    each_recorded(|message| {
        let Recorded { op, payload, packed, sender, nsp, is_answer } = message;
        let read = read_answer(&packed, &nsp).unwrap_or_else(|error| panic!("{op}: {error}"));
        assert_eq!(read.is_some(), is_answer, "{op}");
        let Some(answer) = read else { return };
        assert_eq!(answer.uid, Some(sender.as_bytes()), "{op}");
        incomparable.compare(&op, &payload, || of_answer(&answer, nsp.as_str()));
        let mut written = Vec::new();
        write_answer(&mut written, &uid(&sender), &nsp, &answer).expect("what was read");
        assert_same(&written, &payload, &op);
        *counts.entry(value(&packed)["type"].as_u64().expect("a type")).or_default() += 1;
    });
    assert_eq!(counts, BTreeMap::from([(8, 37), (10, 44), (11, 78), (12, 141)]));
    // A room of its sockets has one.
    incomparable.check(&["answer to injected request: FETCH_SOCKETS (7)"]);
}

#[test]
fn recorded_messages_are_dropped_by_their_sender_and_by_other_namespaces() {
    each_recorded(|message| {
        let Recorded { op, payload, packed, sender, nsp, is_answer } = message;
        let (own, other) = (uid(&sender), super::nsp("/other"));
        assert!(matches!(read_message(&packed, &own, &nsp), Ok(Incoming::Echo)), "{op}");
        assert_eq!(is_from(&payload, &own, &nsp), is_json(&payload), "{op}");
        assert!(!is_from(&payload, &uid("reader"), &nsp), "{op}");
        let elsewhere = read_message(&packed, &uid("reader"), &other);
        assert!(matches!(elsewhere, Ok(Incoming::Foreign)), "{op}");
        assert!(matches!(read_answer(&packed, &other), Ok(None)), "{op}");
        if is_answer {
            let here = read_message(&packed, &uid("reader"), &nsp);
            assert!(matches!(here, Ok(Incoming::Unknown)), "{op}");
        }
    });
}
