//! Requests and responses that no server writes: they are refused with a code, do no harm, and are
//! followed by good ones that are answered.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::{Value as Json, json};
use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::{Body, BroadcastCommand, ControlError, Ending, Output};
use socketio_redis_edge::dialect::Data;
use socketio_redis_edge::dialect::classic::to_messagepack;
use socketio_redis_edge::room::Room;
use socketio_redis_edge::time::Time;

use super::control::each_recorded;
use super::damage::{apply, damage, settings};
use super::{adapter, connect};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: Time = Time::from_millis(7);

/// As long as the ids of the published packages, once a number follows.
const UID: &str = "abcde";

/// A server with the socket "s" in the room "a".
fn server() -> Adapter {
    let mut server = adapter(UID, "/");
    connect(&mut server, b"s", Some(b"\xa1a"));
    server
}

fn drain(server: &mut Adapter) -> Vec<Output> {
    std::iter::from_fn(|| server.poll_output(NOW)).collect()
}

/// Lets a server take a message; what it has to do then is well-formed.
fn take(server: &mut Adapter, channel: &str, message: &[u8]) -> Result<Vec<Output>, ControlError> {
    let malformed = server.stats().malformed;
    let taken = server.handle_control(channel.as_bytes(), message, NOW);
    let outputs = drain(server);
    assert_eq!(server.stats().malformed - malformed, u64::from(taken.is_err()));
    assert!(taken.is_ok() || outputs.is_empty(), "{outputs:?}");
    for output in &outputs {
        check(output);
    }
    taken.map(|()| outputs)
}

fn check(output: &Output) {
    match output {
        Output::Publish { channel, message, .. } => {
            assert!(channel.starts_with("socket.io-response#/#"), "{channel}");
            let mut converted = Vec::new();
            let message = to_messagepack(message, &mut converted).expect("well-formed");
            let mut rest = message;
            rmpv::decode::read_value(&mut rest).expect("well-formed");
            assert!(rest.is_empty(), "{message:02x?}");
        }
        Output::Acknowledge { sockets, .. }
        | Output::Disconnect { sockets, .. }
        | Output::Fetch { sockets, .. }
        | Output::Join { sockets, .. }
        | Output::Leave { sockets, .. } => assert!(sockets.is_empty() || *sockets == [0]),
        _ => {}
    }
}

fn ask(server: &mut Adapter, message: &[u8]) -> Result<Vec<Output>, ControlError> {
    take(server, "socket.io-request#/#", message)
}

fn answer(server: &mut Adapter, message: &[u8]) -> Result<Vec<Output>, ControlError> {
    take(server, "socket.io-response#/#", message)
}

/// The next good request is answered.
fn prove(server: &mut Adapter) {
    let asked = br#"{"uid":"abcdef","requestId":"next","type":0,"rooms":["a"]}"#;
    let answered = Output::Publish {
        token: None,
        channel: "socket.io-response#/#".to_owned(),
        message: br#"{"requestId":"next","sockets":["s"]}"#.to_vec(),
    };
    assert_eq!(ask(server, asked), Ok(vec![answered]));
}

#[test]
fn requests_that_are_none_are_refused_with_a_code() {
    let deep = [br#"{"type":6,"data":"#.as_slice(), &[b'['; 2000]].concat();
    let deep_list = [b"\x82\xa4type\x06\xa4data".as_slice(), &[0x91; 2000], b"\x01"].concat();
    let broadcast = |packet: &str| format!(r#"{{"type":7,"packet":{packet},"opts":{{}}}}"#);
    let [scalar, empty, reserved, no_data] =
        [r#"{"data":"e"}"#, r#"{"data":[]}"#, r#"{"data":["disconnect"]}"#, r#"{"type":2}"#]
            .map(broadcast);
    let refused: [(&[u8], &str); 44] = [
        (b"", "MSGPACK_TRUNCATED"),
        (b"\xc1", "MSGPACK_RESERVED"),
        (b"\xc0", "MSGPACK_UNEXPECTED"),
        (b"text", "MSGPACK_UNEXPECTED"),
        (b"\x90", "MSGPACK_UNEXPECTED"),
        (b"\x81\xa4type", "MSGPACK_TRUNCATED"),
        (b"\x81\xa4type\x01\xc0", "MSGPACK_TRAILING_BYTES"),
        (b"\xdf\xff\xff\xff\xff", "MSGPACK_TRUNCATED"),
        (b"\x80", "ERR_REQUEST_MEMBER"),
        (b"{", "JSON_TRUNCATED"),
        (b"{}", "ERR_REQUEST_MEMBER"),
        (b"[]", "MSGPACK_UNEXPECTED"),
        (br#"{"type":1}}"#, "JSON_TRAILING_TEXT"),
        (b"{'type':1}", "JSON_UNEXPECTED"),
        (&deep, "JSON_TOO_DEEP"),
        (br#"{"type":null}"#, "ERR_REQUEST_MEMBER"),
        (br#"{"type":"5"}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"type":-1}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"type":1.5}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"type":1,"uid":5}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"type":1,"requestId":{}}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"type":0,"rooms":"a"}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"type":2}"#, "ERR_REQUEST_MEMBER"),
        (br#"{"type":2,"sid":"s"}"#, "ERR_REQUEST_MEMBER"),
        (br#"{"type":2,"sid":5,"room":"a"}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"type":3,"opts":{"rooms":[]}}"#, "ERR_REQUEST_MEMBER"),
        (br#"{"type":5}"#, "ERR_REQUEST_MEMBER"),
        (br#"{"type":5,"opts":[]}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"type":5,"opts":{"except":{}}}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"type":6}"#, "ERR_REQUEST_MEMBER"),
        (br#"{"type":6,"requestId":"1","data":{}}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"type":6,"data":[]}"#, "ERR_EVENT"),
        (br#"{"type":6,"data":[null]}"#, "ERR_EVENT"),
        (br#"{"type":6,"data":["connection",1]}"#, "ERR_EVENT"),
        // What can be passed over, but is no value: a list or bytes as a key, and too many lists.
        (b"\x82\xa4type\x06\xa4data\x92\xa1e\x81\x90\x01", "MSGPACK_KEY"),
        (b"\x82\xa4type\x06\xa4data\x92\xa1e\x81\xd4\x05\x01\x01", "MSGPACK_KEY"),
        (&deep_list, "MSGPACK_TOO_DEEP"),
        (b"\x82\xa4type\x01\xa1x\x81\x81\x01\x02\x03", "MSGPACK_KEY"),
        (br#"{"type":7,"opts":{}}"#, "ERR_REQUEST_MEMBER"),
        (br#"{"type":7,"packet":{"data":["e"]}}"#, "ERR_REQUEST_MEMBER"),
        (scalar.as_bytes(), "ERR_EVENT"),
        (empty.as_bytes(), "ERR_EVENT"),
        (reserved.as_bytes(), "ERR_EVENT"),
        (no_data.as_bytes(), "ERR_REQUEST_MEMBER"),
    ];
    let mut server = server();
    for (message, code) in refused {
        let error = ask(&mut server, message).expect_err("malformed");
        assert_eq!(error.code(), code, "{}", String::from_utf8_lossy(message));
        assert!(matches!(error, ControlError::Request(_)));
        prove(&mut server);
    }
}

#[test]
fn requests_that_are_not_known_here_are_passed_over() {
    let mut server = server();
    for (number, message) in [
        // socket.io-redis 5: its own names and numbers.
        &br#"{"requestid":"x","type":3,"sid":"s","room":"b"}"#[..],
        br#"{"requestid":"x","type":5,"data":"hello"}"#,
        br#"{"uid":"abcdef","requestId":"x","type":99}"#,
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(ask(&mut server, message), Ok(vec![]));
        assert_eq!(server.stats().foreign, number as u64 + 1);
        prove(&mut server);
    }
}

/// What a request of this server asks, beginning with number 1.
type Question = fn(&mut Adapter) -> u32;

const QUESTIONS: [Question; 7] = [
    |server| server.all_rooms(None, NOW),
    |server| server.sockets(&[], None, NOW),
    |server| server.count(&[], None, NOW),
    |server| server.fetch_sockets(&[], &[], None, NOW),
    |server| server.server_side_emit_with_ack(Data::json(br#"["e"]"#), None, NOW),
    |server| server.join_socket(b"elsewhere", Room::Null, NOW),
    |server| {
        let body = Body::MessagePack(b"\x91\xa1e");
        let (rooms, except, flags): (_, _, &[u8]) = (&[], &[], b"");
        let command = BroadcastCommand { body, rooms, except, flags, local: false };
        let request = server.broadcast_with_ack(command, None, NOW).expect("an event");
        request.expect("it is not local")
    },
];

/// A server that waits for the answers of two others.
fn asking(question: Question) -> Adapter {
    let mut server = server();
    assert_eq!(question(&mut server), 1);
    server.handle_count(Some(1), &[2], NOW);
    drain(&mut server);
    server
}

/// The request still ends, and once.
fn finish(server: &mut Adapter) {
    server.close();
    let ends = drain(server);
    let ends: Vec<&Output> =
        ends.iter().filter(|output| matches!(output, Output::Ended { .. })).collect();
    assert_eq!(ends, [&Output::Ended { request: 1, ending: Ending::Closed }]);
}

#[test]
fn responses_that_are_none_are_refused_with_a_code_and_answer_nothing() {
    let refused: [(&[u8], &str); 23] = [
        (b"", "MSGPACK_TRUNCATED"),
        (b"\xc1", "MSGPACK_RESERVED"),
        (b"\xc0", "MSGPACK_UNEXPECTED"),
        (b"text", "MSGPACK_UNEXPECTED"),
        (b"\x81\xa9requestId", "MSGPACK_TRUNCATED"),
        (b"\x81\xa9requestId\xa6abcde1\xc0", "MSGPACK_TRAILING_BYTES"),
        (b"\x83\xa9requestId\xa6abcde1\xa4type\x09\xa6packet\xc1", "MSGPACK_RESERVED"),
        (b"{", "JSON_TRUNCATED"),
        (b"[]", "MSGPACK_UNEXPECTED"),
        (br#"{"requestId":5}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"requestId":"abcde1","uid":5}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"requestId":"abcde1","type":"6"}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"requestId":"abcde1","sockets":"s"}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"requestId":"abcde1","sockets":[1]}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"requestId":"abcde1","sockets":["s",1]}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"requestId":"abcde1","sockets":[{}]}"#, "ERR_RESPONSE_SOCKET"),
        (br#"{"requestId":"abcde1","sockets":[{"id":"s"}]}"#, "ERR_RESPONSE_SOCKET"),
        (br#"{"requestId":"abcde1","sockets":[{"id":1,"rooms":[]}]}"#, "ERR_RESPONSE_SOCKET"),
        (br#"{"requestId":"abcde1","rooms":"a"}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"requestId":"abcde1","count":-1}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"requestId":"abcde1","count":1.5}"#, "MSGPACK_UNEXPECTED"),
        (br#"{"requestId":"abcde1","type":8}"#, "ERR_RESPONSE_MEMBER"),
        (br#"{"requestId":"abcde1","type":8,"clientCount":"1"}"#, "MSGPACK_UNEXPECTED"),
    ];
    for question in QUESTIONS {
        let mut server = asking(question);
        for (message, code) in refused {
            let error = answer(&mut server, message).expect_err("malformed");
            assert_eq!(error.code(), code, "{}", String::from_utf8_lossy(message));
            assert!(matches!(error, ControlError::Response(_)));
        }
        for unknown in [
            &b"{}"[..],
            // socket.io-redis 5.
            br#"{"requestid":"abcde1","clients":["s"]}"#,
            br#"{"requestId":"abcde1","type":99}"#,
        ] {
            assert_eq!(answer(&mut server, unknown), Ok(vec![]));
        }
        prove(&mut server);
        finish(&mut server);
    }
}

/// The recorded messages of some channels, each once.
fn recorded(channels: &str) -> Vec<Vec<u8>> {
    let mut payloads = BTreeSet::new();
    each_recorded(channels, |_, message| {
        payloads.insert(message.payload);
    });
    payloads.into_iter().filter(|payload| payload.len() < 1000).collect()
}

/// Recorded responses, as if they were to the first request of this server.
fn recorded_responses() -> Vec<Vec<u8>> {
    let mut payloads = recorded("socket.io-response#");
    for payload in &mut payloads {
        let name = payload.windows(9).position(|bytes| bytes == b"requestId");
        // In JSON the name's quote, a colon and a quote follow; in MessagePack a head of one byte.
        let Some(name) = name else { continue };
        let id = name + if payload.starts_with(b"{") { 12 } else { 10 };
        payload[id..id + 6].copy_from_slice(b"abcde1");
    }
    payloads.sort();
    payloads.dedup();
    payloads
}

#[test]
fn no_prefix_of_a_request_or_response_is_taken() {
    let mut server = server();
    for payload in recorded("socket.io-request#").iter().step_by(12) {
        for length in 0..payload.len() {
            let error = ask(&mut server, &payload[..length]).expect_err("cut short");
            assert!(!error.code().is_empty());
        }
    }
    prove(&mut server);
    for payload in recorded_responses().iter().step_by(12) {
        for length in 0..payload.len() {
            let cut = &payload[..length];
            match answer(&mut server, cut) {
                Ok(outputs) => {
                    // It looks like one for another server, of which no more is read.
                    let is_ours = cut.windows(5).any(|bytes| bytes == UID.as_bytes());
                    assert!(outputs.is_empty() && !is_ours, "{}", String::from_utf8_lossy(cut));
                }
                Err(error) => assert!(!error.code().is_empty()),
            }
        }
    }
    prove(&mut server);
}

/// What takes the place of a member, `None` to leave it out.
fn substitute() -> impl Strategy<Value = Option<Json>> {
    prop_oneof![
        Just(None),
        prop::sample::select(vec![
            Json::Null,
            json!(true),
            json!(0),
            json!(7),
            json!(-1.5),
            json!(""),
            json!("s"),
            json!([]),
            json!([[], 1, "a", null]),
            json!({}),
            json!({ "rooms": ["a"] }),
        ])
        .prop_map(Some),
    ]
}

/// The message with one of its members, however deep inside, taken out or another value.
fn reshape(message: &mut Json, mut place: usize, substitute: Option<&Json>) -> Option<usize> {
    let Json::Object(members) = message else { return Some(place) };
    let names: Vec<String> = members.keys().cloned().collect();
    for name in names {
        if place == 0 {
            match substitute {
                Some(value) => members.insert(name, value.clone()),
                None => members.remove(&name),
            };
            return None;
        }
        place = reshape(&mut members[&name], place - 1, substitute)?;
    }
    Some(place)
}

#[test]
fn reshaped_requests_and_responses_do_no_harm() {
    let readable = |payloads: Vec<Vec<u8>>| -> Vec<Json> {
        payloads.iter().filter_map(|payload| serde_json::from_slice(payload).ok()).collect()
    };
    let requests = readable(recorded("socket.io-request#"));
    let responses = readable(recorded_responses());
    assert!(requests.len() > 200 && responses.len() > 50);
    let case = (
        prop::sample::select(requests),
        prop::sample::select(responses),
        0..8_usize,
        substitute(),
        prop::sample::select(QUESTIONS.to_vec()),
    );
    let (mut taken, mut refused) = (0, 0);
    let mut runner = prop::test_runner::TestRunner::new(settings(6_000));
    for _ in 0..runner.config().cases {
        let tree = case.new_tree(&mut runner).expect("a value");
        let (mut request, mut response, place, substitute, question) = tree.current();
        reshape(&mut request, place, substitute.as_ref());
        reshape(&mut response, place, substitute.as_ref());
        let mut server = asking(question);
        let outcomes = [
            ask(&mut server, request.to_string().as_bytes()),
            answer(&mut server, response.to_string().as_bytes()),
        ];
        for outcome in outcomes {
            *(if outcome.is_ok() { &mut taken } else { &mut refused }) += 1;
        }
        prove(&mut server);
    }
    assert!(taken > 2000 && refused > 2000, "{taken} taken, {refused} refused");
}

#[test]
fn damaged_requests_do_no_harm() {
    let payloads = recorded("socket.io-request#");
    assert!(payloads.len() > 400, "{} payloads", payloads.len());
    let (mut taken, mut refused, mut server) = (0, 0, server());
    let damage = (prop::sample::select(payloads), prop::collection::vec(damage(), 1..3));
    let mut runner = prop::test_runner::TestRunner::new(settings(8_000));
    for _ in 0..runner.config().cases {
        let (mut payload, damage) = damage.new_tree(&mut runner).expect("a value").current();
        damage.iter().for_each(|damage| apply(&mut payload, damage));
        match ask(&mut server, &payload) {
            Ok(_) => taken += 1,
            Err(_) => refused += 1,
        }
    }
    prove(&mut server);
    assert!(taken > 500 && refused > 500, "{taken} taken, {refused} refused");
    server.close();
    while server.poll_output(NOW).is_some() {}
    assert_eq!(server.poll_timeout(), None);
}

#[test]
fn damaged_responses_do_no_harm() {
    let payloads = recorded_responses();
    assert!(payloads.len() > 50, "{} payloads", payloads.len());
    let (mut taken, mut unwanted, mut refused) = (0, 0, 0);
    let damage = (
        prop::sample::select(payloads),
        prop::collection::vec(damage(), 0..3),
        prop::sample::select(QUESTIONS.to_vec()),
    );
    let mut runner = prop::test_runner::TestRunner::new(settings(8_000));
    for _ in 0..runner.config().cases {
        let (mut payload, damage, question) =
            damage.new_tree(&mut runner).expect("a value").current();
        damage.iter().for_each(|damage| apply(&mut payload, damage));
        let mut server = asking(question);
        match answer(&mut server, &payload).as_deref() {
            Ok([]) => unwanted += 1,
            Ok([Output::Answer { request: 1, .. } | Output::ClientCount { request: 1, .. }]) => {
                taken += 1;
                finish(&mut server);
            }
            // One socket is wherever it is: there is but one answer.
            Ok([Output::Answer { .. }, Output::Ended { request: 1, ending }]) => {
                assert_eq!(*ending, Ending::Complete);
            }
            Ok(other) => panic!("{other:?}"),
            Err(_) => refused += 1,
        }
    }
    let enough = taken > 200 && unwanted > 500 && refused > 500;
    assert!(enough, "{taken} taken, {unwanted} unwanted, {refused} refused");
}

proptest! {
    #![proptest_config(settings(4_000))]

    #[test]
    fn any_bytes_on_the_control_channels_do_no_harm(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        text in "[\\[\\]{}:,\"0-9a-z \\\\]{0,40}",
        channel in "socket.io-re(quest|sponse)#/#[a-z#]{0,4}",
    ) {
        let mut server = asking(QUESTIONS[bytes.len() % QUESTIONS.len()]);
        let whole = [&b"\x85\xa9requestId\xa6abcde1\xa4type"[..], &bytes].concat();
        let json = format!("{{\"requestId\":\"abcde1\",\"type\":{text}}}");
        for message in [&bytes[..], &whole, text.as_bytes(), json.as_bytes()] {
            // Whether it is refused or not, what comes of it is checked.
            let _ = take(&mut server, &channel, message);
        }
        prove(&mut server);
    }
}
