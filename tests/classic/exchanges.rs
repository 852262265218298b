//! Recorded requests and responses: read as the packages' own decoders read them, and written again.

use std::collections::{BTreeMap, BTreeSet};

use rmpv::Value;
use socketio_redis_edge::dialect::classic::request::{Request, read_request, write_request};
use socketio_redis_edge::dialect::classic::response::{peek_id, read_response, write_response};
use socketio_redis_edge::dialect::classic::to_messagepack;

use super::control::{each_recorded, of_request, of_response};
use super::recorded::values::decoded;
use super::wire::Message;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const REQUESTS: &str = "socket.io-request#";
const RESPONSES: &str = "socket.io-response#";

/// What became of the recorded messages of one kind of channel.
#[derive(Debug, Default)]
struct Outcome {
    /// How many of each package were read as its own decoder does, and written byte for byte.
    identical: BTreeMap<&'static str, usize>,
    /// The operations that no decoder here can be compared on: lone surrogates, which serde_json refuses.
    incomparable: BTreeSet<String>,
    /// How many of each package were written in the other form of the same values.
    converted: BTreeMap<&'static str, usize>,
    /// Those of a version or a type that is not known here.
    unknown: BTreeMap<String, usize>,
}

impl Outcome {
    fn compare(&mut self, package: &'static str, message: &Message, read: &Value, written: &[u8]) {
        let Message { op, payload, .. } = message;
        match decoded(payload) {
            Some(expected) => assert_eq!(*read, expected, "{package}, {op}"),
            None => {
                self.incomparable.insert(op.clone());
            }
        }
        if written == payload {
            *self.identical.entry(package).or_default() += 1;
            return;
        }
        // Text says the same as the MessagePack that was recorded, byte for byte when it is read back.
        let mut converted = Vec::new();
        let back = to_messagepack(written, &mut converted).expect("JSON");
        assert_eq!(back, payload, "{package}, {op}");
        *self.converted.entry(package).or_default() += 1;
    }
}

fn counts(counts: &[(&'static str, usize)]) -> BTreeMap<&'static str, usize> {
    counts.iter().copied().collect()
}

fn ops(ops: &[&str]) -> BTreeSet<String> {
    ops.iter().map(|&op| op.to_owned()).collect()
}

#[test]
fn recorded_requests_are_read_and_written_as_they_were_meant() {
    let mut outcome = Outcome::default();
    each_recorded(REQUESTS, |package, message| {
        let mut converted = Vec::new();
        let bytes = to_messagepack(&message.payload, &mut converted).expect("well-formed");
        let request = read_request(bytes);
        let request = request.unwrap_or_else(|error| panic!("{package}, {}: {error}", message.op));
        let Some(envelope) = request else {
            let what = if package == "redis-adapter-8.3.0" { &message.op } else { package };
            *outcome.unknown.entry(what.to_owned()).or_default() += 1;
            return;
        };
        let mut written = Vec::new();
        write_request(&mut written, &envelope).expect("what was read");
        // What carries no binary data is written as text, which servers of version 5 and 6 survive.
        let is_broadcast = matches!(envelope.request, Request::Broadcast(_));
        assert!(is_broadcast || written == message.payload, "{package}, {}", message.op);
        outcome.compare(package, &message, &of_request(&envelope), &written);
    });
    let identical = [
        ("redis-adapter-7.2.0", 126),
        ("redis-adapter-8.3.0", 125),
        ("redis-emitter-4.1.1", 13),
        ("redis-emitter-5.1.0", 13),
        ("socket.io-redis-6.1.1", 51),
    ];
    assert_eq!(outcome.identical, counts(&identical));
    let converted = [("redis-adapter-7.2.0", 46), ("redis-adapter-8.3.0", 44)];
    assert_eq!(outcome.converted, counts(&converted));
    let incomparable =
        ["serverSideEmit: unicode", "socketsJoin: unicode", "socketsJoin: unicode room"];
    assert_eq!(outcome.incomparable, ops(&incomparable));
    let unknown = [
        ("answer to injected request: unknown type 99", 2),
        // It spells "requestid", and has other type numbers.
        ("socket.io-redis-5.4.0", 29),
    ];
    let unknown = unknown.map(|(what, count)| (what.to_owned(), count));
    assert_eq!(outcome.unknown, unknown.into());
}

#[test]
fn recorded_responses_are_read_and_written_as_they_were_meant() {
    let mut outcome = Outcome::default();
    each_recorded(RESPONSES, |package, message| {
        let mut converted = Vec::new();
        let bytes = to_messagepack(&message.payload, &mut converted).expect("well-formed");
        let answer = read_response(bytes);
        let answer = answer.unwrap_or_else(|error| panic!("{package}, {}: {error}", message.op));
        let Some(answer) = answer else {
            *outcome.unknown.entry(package.to_owned()).or_default() += 1;
            return;
        };
        if message.payload.starts_with(b"{") {
            assert_eq!(peek_id(&message.payload), Some(answer.id), "{package}, {}", message.op);
        }
        let mut written = Vec::new();
        write_response(&mut written, &answer).expect("what was read");
        outcome.compare(package, &message, &of_response(&answer), &written);
    });
    let identical =
        [("redis-adapter-7.2.0", 204), ("redis-adapter-8.3.0", 200), ("socket.io-redis-6.1.1", 24)];
    assert_eq!(outcome.identical, counts(&identical));
    assert_eq!(outcome.converted, counts(&[]));
    assert_eq!(outcome.incomparable, ops(&[]));
    assert_eq!(outcome.unknown, [("socket.io-redis-5.4.0".to_owned(), 46)].into());
}
