//! Broadcasts in JSON, from senders that can carry nothing but text.

use socketio_redis_edge::adapter::{Dropped, Received};

use super::server;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn take(payload: &str) -> (Received, Vec<u8>) {
    let mut server = server();
    let (mut out, mut places) = (Vec::new(), Vec::new());
    let received = server.handle_message(payload.as_bytes(), &mut out, &mut places);
    assert!(places.is_empty(), "text carries no binary data");
    let data = match &received {
        Received::Delivery(delivery) => {
            assert_eq!(server.targets(), [0]);
            assert!(delivery.is_json);
            let text = &out[delivery.encoded.clone().expect("a text").text];
            assert_eq!(text, b"2[\"e\"]");
            server.converted()[delivery.data..].to_vec()
        }
        Received::Dropped(_) => Vec::new(),
    };
    (received, data)
}

#[test]
fn a_broadcast_in_json_is_delivered_as_one_in_messagepack_is() {
    for opts in [
        r#"{"rooms":["a"],"except":[],"flags":{"volatile":true}}"#,
        r#"{"flags":{"volatile":true,"timeout":5},"rooms":["nobody","a"]}"#,
        r#"{ "flags" : {"volatile":true}, "rooms" : [] }"#,
    ] {
        let message = format!(r#"["abcdef",{{"type":2,"data":["e"],"nsp":"/"}},{opts}]"#);
        let (received, data) = take(&message);
        let Received::Delivery(delivery) = received else { panic!("{message}: {received:?}") };
        assert!(delivery.flags.volatile, "{message}");
        assert!(data.starts_with(b"\x91\xa1e"), "{data:02x?}");
    }
}

#[test]
fn a_broadcast_in_json_that_nobody_wants_is_dropped() {
    let broadcast = |uid: &str, nsp: &str, room: &str| {
        let packet = format!(r#"{{"type":2,"data":["e"],"nsp":"{nsp}"}}"#);
        take(&format!(r#"["{uid}",{packet},{{"rooms":["{room}"]}}]"#)).0
    };
    assert_eq!(broadcast("reader", "/", "a"), Received::Dropped(Dropped::Echo));
    assert_eq!(broadcast("abcdef", "/admin", "a"), Received::Dropped(Dropped::Foreign));
    assert_eq!(broadcast("abcdef", "/", "b"), Received::Dropped(Dropped::Unwanted));
    assert!(matches!(broadcast("abcdef", "/", "a"), Received::Delivery(_)));
}

#[test]
fn text_that_is_no_broadcast_is_refused_with_a_code() {
    let packet = r#"{"type":2,"data":["e"],"nsp":"/"}"#;
    let deep = format!("[{}", "[".repeat(2_000));
    for (message, code) in [
        ("[".to_owned(), "JSON_TRUNCATED"),
        ("{}".to_owned(), "MSGPACK_UNEXPECTED"),
        ("[]".to_owned(), "MSGPACK_TRUNCATED"),
        (deep, "JSON_TOO_DEEP"),
        (format!(r#"["abcdef",{packet},{{}}"#), "JSON_TRUNCATED"),
        (format!(r#"["abcdef",{packet},{{}}]]"#), "JSON_TRAILING_TEXT"),
        (format!(r#"["abcdef",{packet}]"#), "ERR_MISSING_OPTS"),
        (format!(r#"["abcdef",{packet},null]"#), "MSGPACK_UNEXPECTED"),
        (r#"["abcdef",{},{}]"#.to_owned(), "ERR_MISSING_PACKET"),
        (r#"["abcdef",{"type":2,"data":["disconnect"]},{}]"#.to_owned(), "ERR_EVENT"),
        (r#"["abcdef",{"type":3,"data":["e"]},{}]"#.to_owned(), "ERR_PACKET_TYPE"),
    ] {
        let (received, _) = take(&message);
        let Received::Dropped(Dropped::Malformed(error)) = received else {
            panic!("{message}: {received:?}");
        };
        assert_eq!(error.code(), code, "{message}");
    }
}

#[test]
fn members_of_objects_keep_the_order_of_javascript() {
    let data = r#"["e",{"b":1,"2":"caf\u00e9\ud800"}]"#;
    let message = format!(r#"["abcdef",{{"type":2,"data":{data},"nsp":"/"}},{{}}]"#);
    let mut server = server();
    let mut out = Vec::new();
    let received = server.handle_message(message.as_bytes(), &mut out, &mut Vec::new());
    let Received::Delivery(delivery) = received else { panic!("{received:?}") };
    let text = &out[delivery.encoded.expect("a text").text];
    assert_eq!(String::from_utf8_lossy(text), "2[\"e\",{\"2\":\"caf\u{e9}\\ud800\",\"b\":1}]");
}
