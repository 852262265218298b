//! Broadcasts that we write, byte by byte.

use rmpv::Value;
use socketio_redis_edge::dialect::classic::{Data, Incoming, read_broadcast, write_broadcast};
use socketio_redis_edge::room::Room;
use socketio_redis_edge::transcode::Outside;

use super::{bytes, nsp, packet, uid};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn members_stand_in_the_order_of_the_published_adapter() {
    let mut written = Vec::new();
    let outside = Outside { attachments: &[b"\x01\x02"], texts: &["caf\u{e9}\"".as_bytes()] };
    let data = Data::Json(b"[\"e\",{\"_placeholder\":true,\"num\":0},1,\x01]", outside);
    let rooms = [Room::Text(b"a"), Room::Number(42.0)];
    let except = [Room::Text(b"b")];
    let flags = br#"{"volatile":true,"timeout":5}"#;
    write_broadcast(&mut written, &uid("abcdef"), &nsp("/admin"), data, &rooms, &except, flags)
        .expect("JSON");
    let expected = list![
        "abcdef",
        map! {
            "type": 2,
            "data": list!["e", Value::Binary(vec![1, 2]), 1, "caf\u{e9}\""],
            "nsp": "/admin",
        },
        map! {
            "rooms": list!["a", 42],
            "except": list!["b"],
            "flags": map! { "volatile": true, "timeout": 5 },
        },
    ];
    assert_eq!(written, bytes(&expected));
}

#[test]
fn data_in_messagepack_is_passed_on_as_it_is() {
    // A float that is a whole number: no encoder of ours writes it so.
    let data = b"\x92\xa1e\xca\x3f\x80\x00\x00";
    let mut written = Vec::new();
    write_broadcast(
        &mut written,
        &uid("abcdef"),
        &nsp("/"),
        Data::MessagePack(data),
        &[],
        &[],
        b"",
    )
    .expect("nothing to parse");
    let expected = list![
        "abcdef",
        packet(list!["e", 1.0_f32]),
        map! { "rooms": list![], "except": list![], "flags": map! {} },
    ];
    assert_eq!(written, bytes(&expected));
}

#[test]
fn text_that_is_no_json_is_refused() {
    for (text, flags) in [
        (&b"[\"e\""[..], &b""[..]),
        (b"[\"e\"]", b"{"),
        (b"", b""),
        (b"[\"e\",\x01]", b""),
        (b"[\"e\"]", b"\x01"),
    ] {
        let data = Data::Json(text, Outside::default());
        let (uid, nsp) = (uid("abcdef"), nsp("/"));
        let written = write_broadcast(&mut Vec::new(), &uid, &nsp, data, &[], &[], flags);
        assert!(written.is_err(), "{text:?}, {flags:?}");
    }
}

#[test]
fn every_list_of_rooms_is_read_back() {
    for count in [0, 1, 15, 16, 255, 256, 65_535, 65_536] {
        let names: Vec<String> = (0..count).map(|number| format!("room {number}")).collect();
        let rooms: Vec<Room<'_>> = names.iter().map(|name| Room::Text(name.as_bytes())).collect();
        let mut written = Vec::new();
        let data = Data::MessagePack(b"\x91\xa1e");
        let (us, them, nsp) = (uid("abcdef"), uid("reader"), nsp("/"));
        write_broadcast(&mut written, &us, &nsp, data, &rooms, &[], b"").expect("no JSON");
        let Ok(Incoming::Broadcast(broadcast)) = read_broadcast(&written, &them, &nsp) else {
            panic!("{count} rooms are refused");
        };
        assert_eq!(broadcast.rooms.is_empty(), count == 0);
        assert!(broadcast.rooms.eq(rooms), "{count} rooms");
    }
}
