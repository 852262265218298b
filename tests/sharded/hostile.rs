//! Messages that no server writes: they are refused with a code, or passed over.

use socketio_redis_edge::dialect::cluster::{Incoming, MessageError, write_broadcast};
use socketio_redis_edge::dialect::{Data, to_messagepack};

use super::{answer, nsp, packed, read, uid};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A message to this namespace of type and data.
fn message(kind: &str, data: &str) -> Vec<u8> {
    format!(r#"{{"type":{kind},"data":{data},"uid":"abcdef","nsp":"/"}}"#).into_bytes()
}

fn code_of_message(message: &[u8]) -> &'static str {
    read(message).expect_err("malformed").code()
}

#[test]
fn bytes_that_are_no_message_are_refused() {
    let huge_map = b"\x84\xa4type\x03\xa4data\xdf\xff\xff\xff\xff";
    let huge_text = b"\x84\xa4type\x03\xa4data\xdb\xff\xff\xff\xff";
    let huge_rooms = b"\x83\xa4type\x04\xa4data\x81\xa5rooms\xdd\x7f\xff\xff\xff\xa3nsp\xa1/";
    for (bytes, code) in [
        (&b""[..], "MSGPACK_TRUNCATED"),
        (b"\xc1", "MSGPACK_RESERVED"),
        (b"\xc0", "MSGPACK_UNEXPECTED"),
        (b"text", "MSGPACK_UNEXPECTED"),
        (b"\x90", "MSGPACK_UNEXPECTED"),
        (b"\x81\x01\x02", "MSGPACK_UNEXPECTED"),
        (b"\x81\xa4type\xc1", "MSGPACK_RESERVED"),
        (b"\x80\xc0", "MSGPACK_TRAILING_BYTES"),
        (b"\xdf\xff\xff\xff\xff", "MSGPACK_TRUNCATED"),
        (huge_map, "MSGPACK_TRUNCATED"),
        (huge_text, "MSGPACK_TRUNCATED"),
        (huge_rooms, "MSGPACK_TRUNCATED"),
    ] {
        assert_eq!(code_of_message(bytes), code, "{bytes:02x?}");
        assert_eq!(answer(bytes).expect_err("malformed").code(), code, "{bytes:02x?}");
    }
    for (text, code) in [
        (&b"{"[..], "JSON_TRUNCATED"),
        (br#"{"type":3}}"#, "JSON_TRAILING_TEXT"),
        (b"{'type':3}", "JSON_UNEXPECTED"),
        (b"{\"type\":\"\xff\"}", "JSON_INVALID_UTF8"),
        (&[br#"{"data":"#, &[b'['; 2000][..]].concat(), "JSON_TOO_DEEP"),
    ] {
        let error = to_messagepack(text, &mut Vec::new()).expect_err("malformed");
        assert_eq!(error.code(), code);
    }
}

#[test]
fn messages_that_would_fail_or_crash_published_servers_are_refused() {
    let in_packet = |packet: &str| format!(r#"{{"packet":{packet},"opts":{{}}}}"#);
    let event = |data: &str| in_packet(&format!(r#"{{"type":2,"data":{data}}}"#));
    let with_opts = |opts: &str| format!(r#"{{"packet":{{"type":2,"data":["e"]}},"opts":{opts}}}"#);
    let acknowledged = |packet: &str| format!(r#"{{"packet":{packet},"requestId":"1"}}"#);
    let refused = [
        ("null", "{}".to_owned(), "ERR_REQUEST_MEMBER"),
        (r#""3""#, "{}".to_owned(), "MSGPACK_UNEXPECTED"),
        ("-1", "{}".to_owned(), "MSGPACK_UNEXPECTED"),
        ("1.5", "{}".to_owned(), "MSGPACK_UNEXPECTED"),
        ("3", "null".to_owned(), "ERR_MISSING_PACKET"),
        ("3", "{}".to_owned(), "ERR_MISSING_PACKET"),
        ("3", "[]".to_owned(), "MSGPACK_UNEXPECTED"),
        ("3", in_packet("null"), "ERR_MISSING_PACKET"),
        ("3", in_packet("[]"), "MSGPACK_UNEXPECTED"),
        ("3", in_packet("{}"), "ERR_MISSING_PACKET"),
        ("3", in_packet(r#"{"data":["e"]}"#), "ERR_MISSING_PACKET"),
        ("3", in_packet(r#"{"type":2}"#), "ERR_MISSING_PACKET"),
        ("3", in_packet(r#"{"type":"2","data":["e"]}"#), "MSGPACK_UNEXPECTED"),
        ("3", in_packet(r#"{"type":3,"data":["e"]}"#), "ERR_PACKET_TYPE"),
        ("3", in_packet(r#"{"type":5,"data":["e"]}"#), "ERR_PACKET_TYPE"),
        ("3", event(r#""e""#), "MSGPACK_UNEXPECTED"),
        ("3", event("[]"), "ERR_EVENT"),
        ("3", event("[null]"), "ERR_EVENT"),
        ("3", event(r#"["disconnect"]"#), "ERR_EVENT"),
        ("3", r#"{"packet":{"type":2,"data":["e"]}}"#.to_owned(), "ERR_MISSING_OPTS"),
        ("3", acknowledged(r#"{"type":2,"data":["e"]}"#), "ERR_MISSING_OPTS"),
        ("3", acknowledged(r#"{"type":2,"data":["connect"]}"#), "ERR_EVENT"),
        ("3", with_opts("[]"), "MSGPACK_UNEXPECTED"),
        ("3", with_opts(r#"{"rooms":"a"}"#), "MSGPACK_UNEXPECTED"),
        ("3", with_opts(r#"{"except":{}}"#), "MSGPACK_UNEXPECTED"),
        ("3", with_opts(r#"{"flags":[]}"#), "MSGPACK_UNEXPECTED"),
        ("3", with_opts(r#"{},"requestId":1"#), "MSGPACK_UNEXPECTED"),
        ("4", "null".to_owned(), "ERR_REQUEST_MEMBER"),
        ("4", "{}".to_owned(), "ERR_REQUEST_MEMBER"),
        ("4", r#"{"opts":{}}"#.to_owned(), "ERR_REQUEST_MEMBER"),
        ("4", r#"{"opts":{},"rooms":"a"}"#.to_owned(), "MSGPACK_UNEXPECTED"),
        ("4", r#"{"opts":{"flags":1},"rooms":[]}"#.to_owned(), "MSGPACK_UNEXPECTED"),
        ("5", r#"{"rooms":["a"]}"#.to_owned(), "ERR_REQUEST_MEMBER"),
        ("5", r#"{"opts":[],"rooms":["a"]}"#.to_owned(), "MSGPACK_UNEXPECTED"),
        ("6", r#"{"close":true}"#.to_owned(), "ERR_REQUEST_MEMBER"),
        ("7", r#"{"requestId":"1"}"#.to_owned(), "ERR_REQUEST_MEMBER"),
        ("7", r#"{"opts":{},"requestId":{}}"#.to_owned(), "MSGPACK_UNEXPECTED"),
        ("7", r#"{"opts":{},"requestId":"1","want":7}"#.to_owned(), "MSGPACK_UNEXPECTED"),
        ("9", "{}".to_owned(), "ERR_REQUEST_MEMBER"),
        ("9", r#"{"packet":null}"#.to_owned(), "ERR_REQUEST_MEMBER"),
        ("9", r#"{"packet":{},"requestId":"1"}"#.to_owned(), "MSGPACK_UNEXPECTED"),
        ("9", r#"{"packet":[]}"#.to_owned(), "ERR_EVENT"),
        ("9", r#"{"packet":[{}]}"#.to_owned(), "ERR_EVENT"),
        ("9", r#"{"packet":["connection"]}"#.to_owned(), "ERR_EVENT"),
    ];
    for (kind, data, code) in refused {
        let message = message(kind, &data);
        let text = String::from_utf8_lossy(&message);
        let message = packed(&message);
        let error = read(&message).map(|_| ()).expect_err(&text);
        assert_eq!(error.code(), code, "{text}");
        let is_broadcast = matches!(error, MessageError::Broadcast(_));
        assert_eq!(is_broadcast, kind == "3", "{text}");
    }
    for wrong in [r#"{"type":4,"uid":5,"nsp":"/"}"#, r#"{"type":4,"uid":"a","nsp":[]}"#] {
        assert_eq!(code_of_message(&packed(wrong.as_bytes())), "MSGPACK_UNEXPECTED");
        assert!(answer(&packed(wrong.as_bytes())).is_err());
    }
}

#[test]
fn messages_that_tell_nothing_are_passed_over() {
    for kind in ["0", "1", "2", "8", "10", "11", "12", "13", "14", "99", "18446744073709549568"] {
        for data in ["null", "{}", "[]", "5"] {
            let message = packed(&message(kind, data));
            assert!(matches!(read(&message), Ok(Incoming::Unknown)), "{kind} {data}");
        }
    }
    for foreign in [
        &b"{}"[..],
        br#"{"type":3,"data":{},"uid":"abcdef"}"#,
        br#"{"type":3,"data":5,"uid":"abcdef","nsp":"/other"}"#,
        br#"{"type":3,"data":5,"uid":"abcdef","nsp":null}"#,
    ] {
        let message = packed(foreign);
        assert!(matches!(read(&message), Ok(Incoming::Foreign)), "{message:02x?}");
        assert!(matches!(answer(&message), Ok(None)), "{message:02x?}");
    }
    let own = packed(br#"{"type":3,"data":5,"uid":"reader","nsp":"/other"}"#);
    assert!(matches!(read(&own), Ok(Incoming::Echo)));
    for kind in ["0", "1", "2", "3", "7", "9", "13", "99"] {
        assert!(matches!(answer(&packed(&message(kind, "5"))), Ok(None)), "{kind}");
    }
}

#[test]
fn answers_that_are_none_are_refused() {
    let sockets = |sockets: &str| format!(r#"{{"requestId":"1","sockets":{sockets}}}"#);
    let with = |member: &str| format!(r#"{{"requestId":"1",{member}}}"#);
    for (kind, data, code) in [
        ("null", "{}".to_owned(), "ERR_RESPONSE_MEMBER"),
        (r#""8""#, "{}".to_owned(), "MSGPACK_UNEXPECTED"),
        ("8", "null".to_owned(), "ERR_RESPONSE_MEMBER"),
        ("8", "[]".to_owned(), "MSGPACK_UNEXPECTED"),
        ("8", "{}".to_owned(), "ERR_RESPONSE_MEMBER"),
        ("8", r#"{"sockets":[]}"#.to_owned(), "ERR_RESPONSE_MEMBER"),
        ("8", r#"{"requestId":1,"sockets":[]}"#.to_owned(), "MSGPACK_UNEXPECTED"),
        ("8", r#"{"requestId":"1"}"#.to_owned(), "ERR_RESPONSE_MEMBER"),
        ("8", sockets("null"), "ERR_RESPONSE_MEMBER"),
        ("8", sockets("{}"), "MSGPACK_UNEXPECTED"),
        ("8", sockets(r#"["s"]"#), "MSGPACK_UNEXPECTED"),
        ("8", sockets("[{}]"), "ERR_RESPONSE_SOCKET"),
        ("8", sockets(r#"[{"id":"s"}]"#), "ERR_RESPONSE_SOCKET"),
        ("8", sockets(r#"[{"id":1,"rooms":[]}]"#), "ERR_RESPONSE_SOCKET"),
        ("8", sockets(r#"[{"id":"s","rooms":[]},{"id":"t","rooms":{}}]"#), "ERR_RESPONSE_SOCKET"),
        ("8", with(r#""count":-1"#), "MSGPACK_UNEXPECTED"),
        ("8", with(r#""count":1.5"#), "MSGPACK_UNEXPECTED"),
        ("8", with(r#""ids":"s""#), "MSGPACK_UNEXPECTED"),
        ("8", with(r#""ids":["s",1]"#), "MSGPACK_UNEXPECTED"),
        ("8", with(r#""roomNames":{}"#), "MSGPACK_UNEXPECTED"),
        ("8", with(r#""count":1,"sockets":[]"#), "ERR_RESPONSE_TWICE"),
        ("8", with(r#""ids":[],"roomNames":[]"#), "ERR_RESPONSE_TWICE"),
        ("10", "null".to_owned(), "ERR_RESPONSE_MEMBER"),
        ("10", r#"{"packet":1}"#.to_owned(), "ERR_RESPONSE_MEMBER"),
        ("11", r#"{"requestId":"1"}"#.to_owned(), "ERR_RESPONSE_MEMBER"),
        ("11", with(r#""clientCount":"1""#), "MSGPACK_UNEXPECTED"),
        ("12", "{}".to_owned(), "ERR_RESPONSE_MEMBER"),
    ] {
        let message = message(kind, &data);
        let text = String::from_utf8_lossy(&message);
        let message = packed(&message);
        let error = answer(&message).map(|_| ()).expect_err(&text);
        assert_eq!(error.code(), code, "{text}");
    }
    let unnamed = packed(br#"{"type":11,"data":{"requestId":"1","clientCount":1},"nsp":"/"}"#);
    assert_eq!(answer(&unnamed).expect_err("unnamed").code(), "ERR_RESPONSE_MEMBER");
}

/// Data is passed on as it is; what cannot become a value is refused by whoever wants one.
#[test]
fn however_deep_the_data_is_it_is_passed_over() {
    let deep = [b"\x92\xa1e".as_slice(), &[0x91; 100_000], b"\x01"].concat();
    let head = b"\x83\xa4type\x03\xa4data\x82\xa6packet\x82\xa4type\x02\xa4data".as_slice();
    let message = [head, &deep, b"\xa4opts\x80\xa3nsp\xa1/"].concat();
    let Ok(Incoming::Broadcast(broadcast)) = read(&message) else { panic!("refused") };
    assert_eq!(broadcast.data.clone().raw(), Ok(&deep[..]));
    let (mut out, data) = (Vec::new(), Data::MessagePack(&deep));
    let written = write_broadcast(&mut out, &uid("abcdef"), &nsp("/"), data, &[], &[], b"");
    assert_eq!(written.expect_err("too deep").code(), "MSGPACK_TOO_DEEP");
}
