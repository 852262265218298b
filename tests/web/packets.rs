//! The packet path: broadcasts out and in.

use js_sys::{Array, Date, Reflect};
use socketio_redis_edge::msgpack::MAX_DEPTH;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::boundary::{Boundary, Broadcast, DATA, FLAGS, FRAME, FRAME_LENGTH, number, text};

const ECHO: i32 = -1;
const FOREIGN: i32 = -2;
const UNWANTED: i32 = -3;
const MALFORMED: i32 = -4;

/// Two servers of one namespace in one core.
fn pair(nsp: &str, text: bool) -> (Boundary, usize, usize) {
    let mut boundary = Boundary::new();
    let (us, them) = (boundary.open(nsp, text), boundary.open(nsp, text));
    (boundary, us, them)
}

#[test]
fn a_broadcast_is_published_and_received_with_all_that_belongs_to_it() {
    let (mut boundary, us, them) = pair("/admin", true);
    let here = boundary.join(us, "here", &text("a"));
    boundary.join(us, "not here", &text("b"));
    boundary.intern(them, &text("so that ids differ"));
    let there = boundary.join(them, "there", &text("a"));
    boundary.join(them, "excepted", &text("a"));
    boundary.join(them, "excepted", &number(42.0));

    let packet =
        br#"52-/admin,["e",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]"#;
    let count = boundary.broadcast(
        us,
        &Broadcast {
            packet,
            rooms: &[text("a"), text("nobody")],
            except: &[number(42.0)],
            flags: r#"{"volatile":true,"compress":false}"#,
            attachments: &[&[1, 2, 3], &[]],
            ..Broadcast::default()
        },
    );
    assert_eq!((count, boundary.list(1)), (1, vec![here]));
    assert_eq!(boundary.text().as_bytes(), packet);
    assert_eq!(boundary.channel(), "socket.io#/admin#");
    let message = boundary.message().expect("a message");

    assert_eq!(boundary.receive(them, &message), 1);
    assert_eq!(boundary.list(1), [there]);
    assert_eq!(boundary.text().as_bytes(), packet);
    assert_eq!(boundary.attachments(&message), [&[1, 2, 3][..], &[]]);
    assert_eq!(boundary.result(FLAGS), 0b011, "volatile, compress is set, and not on");
    let data = &message[boundary.result(DATA) as usize..];
    assert!(data.starts_with(b"\x93\xa1e\xc4\x03\x01\x02\x03\x91\xc4\x00"));

    assert_eq!(boundary.receive(us, &message), ECHO);
}

#[test]
fn a_room_of_its_own_has_its_own_channel() {
    let (mut boundary, us, them) = pair("/", true);
    boundary.join(them, "there", &number(42.0));
    for (rooms, channel) in [
        (vec![], "socket.io#/#"),
        (vec![number(42.0)], "socket.io#/#42#"),
        (vec![text("caf\u{e9}")], "socket.io#/#caf\u{e9}#"),
        (vec![vec![2]], "socket.io#/#undefined#"),
        (vec![vec![3]], "socket.io#/#null#"),
        (vec![vec![4]], "socket.io#/#false#"),
        (vec![vec![5]], "socket.io#/#true#"),
    ] {
        let broadcast = Broadcast { packet: b"2[\"e\"]", rooms: &rooms, ..Broadcast::default() };
        assert_eq!(boundary.broadcast(us, &broadcast), 0);
        assert_eq!(boundary.channel(), channel);
    }
    assert!(boundary.wants(them, "socket.io#/#"));
    assert!(boundary.wants(them, "socket.io#/#42#"));
    assert!(!boundary.wants(them, "socket.io#/#43#"));
    assert!(!boundary.wants(them, "socket.io#/admin#"));
}

#[test]
fn a_local_broadcast_publishes_nothing() {
    let (mut boundary, us, _) = pair("/", true);
    let here = boundary.join(us, "here", &text("a"));
    let mut broadcast = Broadcast { packet: b"2[\"e\"]", ..Broadcast::default() };
    assert_eq!(boundary.broadcast(us, &broadcast), 1);
    assert!(boundary.message().is_some());
    broadcast.local = true;
    assert_eq!(boundary.broadcast(us, &broadcast), 1);
    assert_eq!(boundary.message(), None);
    assert_eq!((boundary.list(1), boundary.text()), (vec![here], "2[\"e\"]".to_owned()));
}

#[test]
fn with_a_custom_parser_data_goes_through_as_messagepack() {
    let (mut boundary, us, them) = pair("/", false);
    boundary.join(us, "here", &text("a"));
    let there = boundary.join(them, "there", &text("a"));
    let data = b"\x92\xa1e\xd6\xff\x65\x53\xf1\x00";
    let broadcast = Broadcast { packet: data, raw: true, ..Broadcast::default() };
    assert_eq!(boundary.broadcast(us, &broadcast), 1);
    let message = boundary.message().expect("a message");
    assert_eq!(boundary.receive(them, &message), 1);
    assert_eq!((boundary.list(1), boundary.result(FRAME)), (vec![there], 0));
    assert!(message[boundary.result(DATA) as usize..].starts_with(data));
    let values: Array = boundary.core.take_data().into();
    assert_eq!((values.length(), values.get(0)), (2, "e".into()));
    assert_eq!(Date::from(values.get(1)).get_time(), 1_700_000_000_000.0);
    assert!(boundary.core.take_data().is_undefined(), "it is given once");
}

#[test]
fn with_the_default_parser_there_are_no_values_to_take() {
    let (mut boundary, us, them) = pair("/", true);
    boundary.join(them, "there", &text("a"));
    boundary.broadcast(us, &Broadcast { packet: b"2[\"e\"]", ..Broadcast::default() });
    let message = boundary.message().expect("a message");
    assert_eq!(boundary.receive(them, &message), 1);
    assert!(boundary.core.take_data().is_undefined());
}

#[test]
fn with_a_custom_parser_binary_data_is_what_the_host_makes_of_it() {
    let mut boundary = Boundary::with_binary("return bytes.length");
    let (us, them) = (boundary.open("/", false), boundary.open("/", false));
    boundary.join(them, "there", &text("a"));
    let data = b"\x92\xa1e\xc4\x03\x01\x02\x03";
    boundary.broadcast(us, &Broadcast { packet: data, raw: true, ..Broadcast::default() });
    let message = boundary.message().expect("a message");
    assert_eq!(boundary.receive(them, &message), 1);
    assert_eq!(Array::from(&boundary.core.take_data()).get(1), 3);
}

#[test]
fn with_a_custom_parser_data_that_cannot_be_decoded_is_malformed() {
    let (mut boundary, us, them) = pair("/", false);
    boundary.join(them, "there", &text("a"));
    let key = b"\x92\xa1e\x81\x90\xc0".to_vec();
    let deep = [&b"\x92\xa1e"[..], &[0x91; MAX_DEPTH], &[0xc0]].concat();
    for (data, reason) in [(key, "(MSGPACK_KEY)"), (deep, "(MSGPACK_TOO_DEEP)")] {
        boundary.broadcast(us, &Broadcast { packet: &data, raw: true, ..Broadcast::default() });
        let message = boundary.message().expect("a message");
        assert_eq!(boundary.receive(them, &message), MALFORMED);
        assert!(boundary.core.reason().ends_with(reason), "{}", boundary.core.reason());
        assert!(boundary.core.take_data().is_undefined());
    }
    let deepest = [&b"\x92\xa1e"[..], &[0x91; MAX_DEPTH - 2], &[0x90]].concat();
    boundary.broadcast(us, &Broadcast { packet: &deepest, raw: true, ..Broadcast::default() });
    let message = boundary.message().expect("a message");
    assert_eq!(boundary.receive(them, &message), 1);
    let stats = boundary.core.stats(them).expect("an object");
    for (name, expected) in [("delivered", 1.0), ("malformed", 2.0)] {
        let count = Reflect::get(&stats, &name.into()).expect("an object");
        assert_eq!(count.as_f64(), Some(expected), "{name}");
    }
}

#[test]
fn what_is_dropped_says_why() {
    let (mut boundary, us, them) = pair("/", true);
    let other = boundary.open("/other", true);
    let broadcast = Broadcast { packet: b"2[\"e\"]", ..Broadcast::default() };
    boundary.broadcast(us, &broadcast);
    let message = boundary.message().expect("a message");
    assert_eq!(boundary.receive(us, &message), ECHO);
    assert_eq!(boundary.receive(other, &message), FOREIGN);
    assert_eq!(boundary.receive(them, &message), UNWANTED);
    assert_eq!(boundary.receive(them, b"\xc1"), MALFORMED);
    assert!(boundary.core.reason().ends_with("(MSGPACK_RESERVED)"), "{}", boundary.core.reason());
    boundary.join(them, "there", &text("a"));
    assert_eq!(boundary.receive(them, &message), 1);
}

#[test]
fn a_broadcast_that_cannot_be_published_is_delivered_here() {
    let (mut boundary, us, _) = pair("/", true);
    boundary.join(us, "here", &text("a"));
    let broadcast = Broadcast { packet: b"2[\"e\"", ..Broadcast::default() };
    assert_eq!(boundary.broadcast(us, &broadcast), 1);
    assert_eq!((boundary.message(), boundary.text()), (None, "2[\"e\"".to_owned()));
    assert!(boundary.core.reason().contains('('), "{}", boundary.core.reason());
}

#[test]
fn packets_of_every_size_keep_their_frames_while_the_memory_grows() {
    let (mut boundary, us, them) = pair("/", true);
    boundary.join(us, "here", &text("a"));
    boundary.join(them, "there", &text("a"));
    for length in [1, 110, 118, 119, 200, 65_000, 65_529, 65_530, 70_000, 1 << 20, 9 << 20] {
        let packet = format!("2[\"e\",\"{}\"]", "x".repeat(length));
        let broadcast = Broadcast { packet: packet.as_bytes(), ..Broadcast::default() };
        assert_eq!(boundary.broadcast(us, &broadcast), 1);
        assert!(boundary.text() == packet, "{length} here");
        let message = boundary.message().expect("a message");
        assert_eq!(boundary.receive(them, &message), 1);
        assert!(boundary.text() == packet, "{length} there");
    }
    assert!(boundary.core.input_length() >= 9 << 20);
    boundary.core.shrink();
    assert_eq!(boundary.core.input_length(), 1 << 18);
    let broadcast = Broadcast { packet: b"2[\"e\"]", ..Broadcast::default() };
    assert_eq!(boundary.broadcast(us, &broadcast), 1);
    assert_eq!(boundary.text(), "2[\"e\"]");
}

#[test]
fn long_strings_are_quoted_by_the_core() {
    let (mut boundary, us, them) = pair("/", true);
    boundary.join(us, "here", &text("a"));
    boundary.join(them, "there", &text("a"));
    let long = "\"\\\n\u{1}caf\u{e9} \u{1f600}".repeat(40);
    let packet = "51-[\"e\",\u{1},{\"in\":\u{1}},{\"_placeholder\":true,\"num\":0}]";
    let broadcast = Broadcast {
        packet: packet.as_bytes(),
        texts: &[long.as_bytes(), b""],
        attachments: &[&[7]],
        ..Broadcast::default()
    };
    assert_eq!(boundary.broadcast(us, &broadcast), 1);
    let quoted = serde_json::to_string(&long).expect("a text");
    let expected = packet.replacen('\u{1}', &quoted, 1).replace('\u{1}', "\"\"");
    assert_eq!(boundary.text(), expected);
    let message = boundary.message().expect("a message");
    assert_eq!(boundary.receive(them, &message), 1);
    assert_eq!(boundary.text(), expected);
    assert_eq!(boundary.attachments(&message), [[7]]);
}

#[test]
fn a_hole_without_its_string_is_not_published() {
    let (mut boundary, us, _) = pair("/", true);
    boundary.join(us, "here", &text("a"));
    let mut broadcast = Broadcast { packet: b"2[\"e\",\x01,\x01]", ..Broadcast::default() };
    let texts: [&[u8]; 2] = [b"one", b"two"];
    for given in 0..2 {
        broadcast.texts = &texts[..given];
        assert_eq!(boundary.broadcast(us, &broadcast), 1);
        assert_eq!(boundary.message(), None);
        assert!(boundary.core.reason().ends_with("(JSON_TRUNCATED)"), "{}", boundary.core.reason());
    }
    broadcast.texts = &texts;
    assert_eq!(boundary.broadcast(us, &broadcast), 1);
    assert!(boundary.message().is_some());
    assert_eq!(boundary.text(), r#"2["e","one","two"]"#);
}

#[test]
fn lengths_that_do_not_fit_the_input_do_no_harm() {
    let (mut boundary, us, _) = pair("/", true);
    boundary.join(us, "here", &text("a"));
    boundary.write(&[0; 64]);
    let large = usize::MAX;
    assert_eq!(boundary.core.receive(us, large), UNWANTED);
    assert!(!boundary.core.wants(us, large, 0));
    assert_eq!(boundary.core.find(us, large, large, large), 0);
    for [packet, rooms, except, names, flags, texts, attachments] in [
        [large, 0, 0, 0, 0, 0, 0],
        [large, 0, 0, 0, 0, 3, 0],
        [0, large, large, 40, 0, 0, 0],
        [0, 0, 0, large, 0, 2, 0],
        [1, 0, 0, 0, large, 0, 1],
        [1, 0, 0, 0, 0, 0x1000_0000, 0x1000_0000],
        [1, 0, 0, 0, 0, large, large],
    ] {
        let core = &mut boundary.core;
        core.broadcast(us, packet, rooms, except, names, flags, texts, attachments, false, false);
        assert_eq!(boundary.message(), None);
        let frame = boundary.bytes(FRAME, FRAME_LENGTH);
        assert!(frame.len() < 64, "{} bytes", frame.len());
    }
}
