//! Broadcasts that come in, byte by byte: what a receiver must put up with.

use rmpv::Value;
use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::{ClientProtocol, Dropped, Received};
use socketio_redis_edge::dialect::classic::{
    BroadcastError, Flags, Incoming, probe, read_broadcast,
};
use socketio_redis_edge::msgpack::DecodeError;
use socketio_redis_edge::options::Options;
use socketio_redis_edge::room::Room;
use socketio_redis_edge::transcode::MAX_ATTACHMENTS;

use super::{bytes, connect, nsp, packet, server, uid};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What a server of `nsp` reads; the canonical names of rooms and excepted rooms, and the flags.
type Read = (Vec<Vec<u8>>, Vec<Vec<u8>>, Flags);

fn read_as(message: &Value, name: &str) -> Result<Option<Read>, BroadcastError> {
    let payload = bytes(message);
    let Incoming::Broadcast(broadcast) = read_broadcast(&payload, &uid("reader"), &nsp(name))?
    else {
        return Ok(None);
    };
    let canonical = |room: Room<'_>| {
        let mut name = Vec::new();
        room.write(&mut name);
        name
    };
    Ok(Some((
        broadcast.rooms.map(canonical).collect(),
        broadcast.except.map(canonical).collect(),
        broadcast.flags,
    )))
}

fn read(message: &Value) -> Result<Option<Read>, BroadcastError> {
    read_as(message, "/")
}

fn flags(volatile: bool, compress: Option<bool>) -> Flags {
    Flags { volatile, compress }
}

#[test]
fn members_may_stand_in_any_order_among_unknown_ones_or_be_missing() {
    let packets = [
        packet(list!["e"]),
        map! { "nsp": "/", "new": list![1], "data": list!["e"], "type": 2 },
        map! { "data": list!["e"], "type": 5 },
    ];
    let (rooms, except) = (vec![b"\xa1a".to_vec()], vec![b"\xa1b".to_vec()]);
    let all = (rooms.clone(), except.clone(), flags(true, Some(false)));
    let set = || map! { "volatile": true, "compress": false };
    let opts = [
        (map! { "rooms": list!["a"], "except": list!["b"], "flags": set() }, all.clone()),
        (map! { "flags": set(), "new": 1, "except": list!["b"], "rooms": list!["a"] }, all),
        (map! { "rooms": list!["a"], "flags": map! {} }, (rooms, vec![], Flags::default())),
        (map! { "except": list!["b"] }, (vec![], except, Flags::default())),
        (
            map! { "rooms": Value::Nil, "except": Value::Nil, "flags": Value::Nil },
            (vec![], vec![], Flags::default()),
        ),
        (map! {}, (vec![], vec![], Flags::default())),
    ];
    for packet in &packets {
        for (opts, expected) in &opts {
            let message = list!["abcdef", packet.clone(), opts.clone()];
            assert_eq!(read(&message), Ok(Some(expected.clone())), "{message}");
            let longer = list!["abcdef", packet.clone(), opts.clone(), map! { "new": 1 }];
            assert_eq!(read(&longer), Ok(Some(expected.clone())), "{longer}");
        }
    }
}

#[test]
fn flags_that_are_no_truth_values_are_unset() {
    for (given, expected) in [
        (map! { "compress": true, "timeout": 500 }, flags(false, Some(true))),
        (map! { "compress": Value::Nil, "volatile": 1 }, flags(false, None)),
        (map! { "volatile": list![true], "local": true }, flags(false, None)),
    ] {
        let opts = map! { "flags": given };
        let message = list!["abcdef", packet(list!["e"]), opts];
        assert_eq!(read(&message), Ok(Some((vec![], vec![], expected))), "{message}");
    }
}

#[test]
fn rooms_of_other_types_keep_them_and_lists_name_none() {
    let names = list![
        42,
        1.5,
        "42",
        list!["a", "b"],
        true,
        Value::Nil,
        map! {},
        Value::Ext(0, vec![0]),
        Value::Binary(vec![1]),
        "last"
    ];
    let opts = map! { "rooms": names.clone(), "except": names };
    let (rooms, except, _) =
        read(&list!["abcdef", packet(list!["e"]), opts]).expect("well-formed").expect("for us");
    let expected: [&[u8]; 7] = [
        b"\x2a",
        b"\xcb\x3f\xf8\0\0\0\0\0\0",
        b"\xa242",
        b"\xc3",
        b"\xc0",
        b"\xd4\0\0",
        b"\xa4last",
    ];
    assert_eq!(rooms, expected);
    assert_eq!(except, expected);
}

#[test]
fn a_list_that_names_no_room_is_not_for_everybody() {
    let opts = map! { "rooms": list![list!["a"]] };
    let payload = bytes(&list!["abcdef", packet(list!["e"]), opts]);
    let received = server().handle_message(&payload, &mut Vec::new(), &mut Vec::new());
    assert_eq!(received, Received::Dropped(Dropped::Unwanted));
}

#[test]
fn a_namespace_that_is_missing_is_the_main_one() {
    let message = |packet| list!["abcdef", packet, map! {}];
    let without = message(map! { "type": 2, "data": list!["e"] });
    assert!(matches!(read(&without), Ok(Some(_))));
    assert_eq!(read_as(&without, "/admin"), Ok(None));
    let admin = message(map! { "type": 2, "data": list!["e"], "nsp": "/admin" });
    assert_eq!(read(&admin), Ok(None));
    assert!(matches!(read_as(&admin, "/admin"), Ok(Some(_))));
}

/// `undefined` as notepack.io 2 writes it, with @socket.io/redis-adapter 7 and older.
#[test]
fn what_older_senders_write_for_undefined_is_as_good_as_nothing() {
    let undefined = Value::Ext(0, vec![0]);
    let opts = map! { "rooms": undefined.clone(), "except": undefined.clone(), "flags": undefined.clone() };
    let packet = map! { "type": 2, "data": list!["e"], "nsp": undefined };
    let message = list!["abcdef", packet, opts];
    assert_eq!(read(&message), Ok(Some((vec![], vec![], flags(false, None)))));
    assert_eq!(read_as(&message, "/admin"), Ok(None));
}

#[test]
fn events_that_would_disconnect_clients_are_refused() {
    let event = |data: Value| read(&list!["abcdef", packet(data), map! {}]);
    for reserved in
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
    {
        assert_eq!(event(list![reserved]), Err(BroadcastError::Event));
    }
    let nan = list![Value::F64(f64::NAN)];
    for data in [list![], list![Value::Nil], list![list!["e"]], list![true], nan] {
        assert_eq!(event(data.clone()), Err(BroadcastError::Event), "{data}");
    }
    for data in [list![""], list!["connected", 1], list![42], list![1.5]] {
        assert!(matches!(event(data.clone()), Ok(Some(_))), "{data}");
    }
}

#[test]
fn messages_that_crash_the_published_adapters_are_refused_with_a_code() {
    let opts = || map! { "rooms": list![], "flags": map! {} };
    let good = || packet(list!["e"]);
    for (message, code) in [
        (Value::Nil, "MSGPACK_UNEXPECTED"),
        (map! {}, "MSGPACK_UNEXPECTED"),
        (Value::from("text"), "MSGPACK_UNEXPECTED"),
        (list![], "MSGPACK_TRUNCATED"),
        (list![1, good(), opts()], "MSGPACK_UNEXPECTED"),
        (list!["abcdef", good()], "ERR_MISSING_OPTS"),
        (list!["abcdef", good(), Value::Nil], "MSGPACK_UNEXPECTED"),
        (list!["abcdef", good(), map! { "rooms": "a" }], "MSGPACK_UNEXPECTED"),
        (list!["abcdef", good(), map! { "except": map! {} }], "MSGPACK_UNEXPECTED"),
        (list!["abcdef", good(), map! { "flags": list![] }], "MSGPACK_UNEXPECTED"),
        (list!["abcdef", Value::Nil, opts()], "MSGPACK_UNEXPECTED"),
        (list!["abcdef", map! {}, opts()], "ERR_MISSING_PACKET"),
        (list!["abcdef", map! { "type": 2 }, opts()], "ERR_MISSING_PACKET"),
        (list!["abcdef", map! { "type": 2, "data": "e" }, opts()], "MSGPACK_UNEXPECTED"),
        (list!["abcdef", map! { "type": "2", "data": list!["e"] }, opts()], "MSGPACK_UNEXPECTED"),
        (list!["abcdef", map! { "type": 3, "data": list!["e"] }, opts()], "ERR_PACKET_TYPE"),
    ] {
        let error = read(&message).expect_err("malformed");
        assert_eq!(error.code(), code, "{message}");
        let mut server = server();
        let (mut out, mut places) = (Vec::new(), Vec::new());
        let received = server.handle_message(&bytes(&message), &mut out, &mut places);
        assert_eq!(received, Received::Dropped(Dropped::Malformed(error.into())));
        assert_eq!(server.stats().malformed, 1);

        let next = bytes(&list!["abcdef", good(), opts()]);
        let received = server.handle_message(&next, &mut out, &mut places);
        assert!(matches!(received, Received::Delivery(_)), "the next good one");
    }
    for payload in [&b""[..], b"\xc1", b"text", &[0x91; 5000]] {
        let received = server().handle_message(payload, &mut Vec::new(), &mut Vec::new());
        assert!(matches!(received, Received::Dropped(Dropped::Malformed(_))), "{payload:02x?}");
    }
}

#[test]
fn bytes_behind_the_message_are_refused() {
    let mut payload = bytes(&list!["abcdef", packet(list!["e"]), map! {}]);
    payload.push(0xc0);
    let error = read_broadcast(&payload, &uid("reader"), &nsp("/")).map(|_| ());
    assert_eq!(error, Err(BroadcastError::MessagePack(DecodeError::TrailingBytes)));
}

#[test]
fn a_message_malformed_beyond_its_opts_reaches_nobody_and_leaves_nothing() {
    let mut server = server();
    let (mut out, mut places) = (b"old".to_vec(), Vec::from([1..2, 3..4]));
    // An object with an array as a key: well-formed to pass over, but no JSON.
    let odd = Value::Map(vec![(list![1], Value::Nil)]);
    let payload = bytes(&list!["abcdef", packet(list!["e", Value::Binary(vec![1]), odd]), map! {}]);
    let received = server.handle_message(&payload, &mut out, &mut places);
    let error = BroadcastError::MessagePack(DecodeError::Key);
    assert_eq!(received, Received::Dropped(Dropped::Malformed(error.into())));
    assert_eq!((server.targets(), &*out, &*places), (&[][..], &[][..], &[][..]));
}

/// What follows the data is looked for from the end of a long message; nothing that looks like it
/// may be taken for it.
#[test]
fn data_and_rooms_that_look_like_the_end_of_a_message_change_nothing() {
    let end = b"\xa3nsp\xa1/\x83\xa5rooms\x90\xa6except\x90\xa5flags\x80";
    let lookalike = Value::Binary(end.to_vec());
    let long = Value::from("long ".repeat(100));
    let opts = |rooms: Value| map! { "rooms": rooms, "except": list![], "flags": map! {} };
    let deliveries = [
        (list!["e", long.clone(), lookalike.clone()], list![]),
        (list!["e", lookalike.clone(), long.clone()], list!["a"]),
        (list!["e", long.clone()], list!["a", lookalike.clone()]),
        (list!["e", long.clone(), lookalike.clone()], list!["b", "a"]),
    ];
    let (mut out, mut places) = (Vec::new(), Vec::new());
    for (data, rooms) in deliveries {
        let message = bytes(&list!["abcdef", packet(data.clone()), opts(rooms.clone())]);
        let received = server().handle_message(&message, &mut out, &mut places);
        assert!(matches!(received, Received::Delivery(_)), "{data}, {rooms}: {received:?}");
    }
    // The end of another message in the flags: the rooms are those that the opts name.
    let flags = map! { "x": lookalike.clone() };
    let opts_for_b = map! { "rooms": list!["b"], "except": list![], "flags": flags };
    let message = bytes(&list!["abcdef", packet(list!["e", long.clone()]), opts_for_b]);
    let received = server().handle_message(&message, &mut out, &mut places);
    assert_eq!(received, Received::Dropped(Dropped::Unwanted));
    // Cut short right behind the data: a message whose end is the lookalike in its data.
    let whole = bytes(&list!["abcdef", packet(list!["e", long, lookalike]), opts(list![])]);
    let at = whole.windows(end.len()).position(|bytes| bytes == end).expect("the lookalike");
    let cut = whole.get(..at + end.len()).expect("a part");
    let received = server().handle_message(cut, &mut out, &mut places);
    assert!(matches!(received, Received::Dropped(Dropped::Malformed(_))), "{received:?}");
}

#[test]
fn more_attachments_than_memory_could_hold_are_refused() {
    let (mut out, mut places) = (Vec::new(), Vec::new());
    let mut received = |count: usize| {
        let bin = Value::Binary(Vec::new());
        let data = Value::Array([vec![Value::from("e")], vec![bin; count]].concat());
        let message = bytes(&list!["abcdef", packet(data), map! {}]);
        let mut adapter = server();
        connect(&mut adapter, b"socket", None);
        adapter.handle_message(&message, &mut out, &mut places)
    };
    assert!(matches!(received(MAX_ATTACHMENTS), Received::Delivery(_)));
    let error = BroadcastError::MessagePack(DecodeError::TooManyAttachments);
    assert_eq!(received(MAX_ATTACHMENTS + 1), Received::Dropped(Dropped::Malformed(error.into())));
}

#[test]
fn a_host_that_cannot_decode_the_data_takes_the_delivery_back() {
    let protocol = ClientProtocol::Custom;
    let mut server = Adapter::new(uid("reader"), nsp("/"), Options::default(), protocol, 1);
    connect(&mut server, b"s", None);
    let (mut out, mut places) = (Vec::new(), Vec::new());
    let odd = Value::Map(vec![(list![1], Value::Nil)]);
    for data in [list!["e"], list!["e", odd]] {
        let payload = bytes(&list!["abcdef", packet(data), map! {}]);
        let received = server.handle_message(&payload, &mut out, &mut places);
        assert!(matches!(received, Received::Delivery(_)), "{received:?}");
        assert_eq!(server.targets(), [0]);
    }
    server.handle_undecodable();
    assert!(server.targets().is_empty());
    let stats = server.stats();
    assert_eq!((stats.delivered, stats.malformed), (1, 1));
}

#[test]
fn a_probe_is_known_by_its_sender_and_dropped_by_everybody_else() {
    let probe = probe(&uid("reader"));
    for (name, own) in [("reader", true), ("abcdef", false)] {
        let read = read_broadcast(&probe, &uid(name), &nsp("/"));
        assert!(matches!(read, Ok(Incoming::Probe { own: is }) if is == own), "{read:?}");
    }
}
