//! What this package asks for beyond the published messages: our servers answer with as much as was asked
//! for, the published ones with everything.

use serde_json::{Value as Json, json};
use socketio_redis_edge::dialect::cluster::{
    details_count, details_ids, details_rooms, write_answer, write_request,
};
use socketio_redis_edge::dialect::request::{Envelope, Filter, Request, Whom};
use socketio_redis_edge::dialect::response::{Answer, Response, Sockets};
use socketio_redis_edge::dialect::{Data, Names, list};
use socketio_redis_edge::room::Room;
use socketio_redis_edge::transcode::Outside;

use super::{answer, nsp, packed, request, uid};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn asked(request: Request<'_>) -> Vec<u8> {
    let (mut out, uid, nsp) = (Vec::new(), uid("abcdef"), nsp("/"));
    let envelope = Envelope { uid: None, id: Some(b"abcdef1"), named: true, request };
    write_request(&mut out, &uid, &nsp, &envelope).expect("a request");
    out
}

fn answered(response: Response<'_>) -> Vec<u8> {
    let (mut out, uid, nsp) = (Vec::new(), uid("abcdef"), nsp("/"));
    let answer = Answer { id: b"reader1", uid: None, response };
    write_answer(&mut out, &uid, &nsp, &answer).expect("an answer");
    out
}

/// What the published `onMessage` takes of a request, and hands to `fetchSockets`.
fn published(message: &[u8]) -> (Json, Json) {
    let message: Json = serde_json::from_slice(message).expect("JSON");
    assert_eq!(message["type"], 7);
    (message["data"]["opts"].clone(), message["data"]["requestId"].clone())
}

#[test]
fn published_servers_are_asked_for_the_sockets_and_pass_over_what_is_wanted() {
    let rooms = list([Room::Text(b"a"), Room::Number(42.0)].into_iter());
    let names = || Names::of(&rooms);
    let in_rooms = json!({ "rooms": ["a", 42], "except": [], "flags": {} });
    let all = json!({ "rooms": [], "except": [], "flags": {} });
    for (request, opts, want) in [
        (Request::Sockets { rooms: names(), count: true }, &in_rooms, Some("count")),
        (Request::Sockets { rooms: names(), count: false }, &in_rooms, Some("ids")),
        (Request::Sockets { rooms: Names::EMPTY, count: true }, &all, Some("count")),
        (Request::AllRooms, &all, Some("rooms")),
        (Request::Fetch(Filter { rooms: names(), except: Names::EMPTY }), &in_rooms, None),
    ] {
        let message = asked(request);
        assert_eq!(published(&message), (opts.clone(), "abcdef1".into()));
        let message: Json = serde_json::from_slice(&message).expect("JSON");
        assert_eq!(message["data"].get("want"), want.map(Json::from).as_ref());
    }
    let message = asked(Request::Sockets { rooms: names(), count: true });
    let expected = br#"{"type":7,"data":{"opts":{"rooms":["a",42],"except":[],"flags":{}},"requestId":"abcdef1","want":"count"},"uid":"abcdef","nsp":"/"}"#;
    assert_eq!(message, expected);
}

#[test]
fn our_servers_read_what_is_wanted() {
    let rooms = list([Room::Text(b"a"), Room::Number(42.0)].into_iter());
    for count in [true, false] {
        let message = packed(&asked(Request::Sockets { rooms: Names::of(&rooms), count }));
        let read = request(&message);
        assert_eq!(
            (read.id, read.uid, read.named),
            (Some(&b"abcdef1"[..]), Some(&b"abcdef"[..]), true)
        );
        let Request::Sockets { rooms: read, count: counted } = read.request else {
            panic!("another request");
        };
        assert_eq!(counted, count);
        assert!(read.eq(Names::of(&rooms)));
    }
    let message = packed(&asked(Request::AllRooms));
    assert!(matches!(request(&message).request, Request::AllRooms));
}

#[test]
fn what_cannot_be_told_apart_is_answered_in_full() {
    for data in [
        r#"{"opts":{},"requestId":"1"}"#,
        r#"{"opts":{},"requestId":"1","want":null}"#,
        r#"{"opts":{},"requestId":"1","want":"handshakes"}"#,
        r#"{"opts":{"except":["b"]},"requestId":"1","want":"count"}"#,
        r#"{"opts":{"except":["b"]},"requestId":"1","want":"ids"}"#,
        r#"{"opts":{"except":["b"]},"requestId":"1","want":"rooms"}"#,
        r#"{"opts":{"rooms":["a"]},"requestId":"1","want":"rooms"}"#,
    ] {
        let message = format!(r#"{{"type":7,"data":{data},"uid":"abcdef","nsp":"/"}}"#);
        let message = packed(message.as_bytes());
        assert!(matches!(request(&message).request, Request::Fetch(_)), "{data}");
    }
}

#[test]
fn our_servers_answer_with_as_much_as_is_wanted() {
    let names = list([Room::Text(b"a"), Room::Text(b"b")].into_iter());
    let rooms = list([Room::Text(b"42"), Room::Number(42.0)].into_iter());
    let empty = list([].into_iter());
    for (response, data) in [
        (Response::Count(3), r#""count":3"#),
        (Response::Sockets(Sockets::Ids(Names::of(&names))), r#""ids":["a","b"]"#),
        (Response::Sockets(Sockets::Ids(Names::of(&empty))), r#""ids":[]"#),
        (Response::Rooms(Names::of(&rooms)), r#""roomNames":["42",42]"#),
    ] {
        let expected = format!(
            r#"{{"type":8,"data":{{"requestId":"reader1",{data}}},"uid":"abcdef","nsp":"/"}}"#
        );
        let written = answered(response.clone());
        assert_eq!(String::from_utf8_lossy(&written), expected);
        let message = packed(&written);
        let read = answer(&message).expect("well-formed").expect("for us");
        assert_eq!((read.id, read.uid), (&b"reader1"[..], Some(&b"abcdef"[..])));
        match (read.response, response) {
            (Response::Count(read), Response::Count(count)) => assert_eq!(read, count),
            (Response::Rooms(read), Response::Rooms(names))
            | (Response::Sockets(Sockets::Ids(read)), Response::Sockets(Sockets::Ids(names))) => {
                assert!(read.eq(names));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_full_answer_holds_what_was_wanted() {
    let sockets = br#"[{"id":"s","handshake":{"rooms":["no"]},"rooms":["s","a",42],"data":{}},
        {"rooms":["t","42",42,["list"],1.5,null],"id":"t"}]"#;
    let message = packed(
        &[
            br#"{"type":8,"data":{"requestId":"reader1","sockets":"#.as_slice(),
            sockets,
            br#"},"uid":"abcdef","nsp":"/"}"#,
        ]
        .concat(),
    );
    let read = answer(&message).expect("well-formed").expect("for us");
    let Response::Sockets(Sockets::Details(read)) = read.response else { panic!("no details") };
    let (s, t) = (Room::Text(b"s"), Room::Text(b"t"));
    let mut rooms = vec![s, t, Room::Text(b"a"), Room::Text(b"42")];
    rooms.extend([Room::Number(42.0), Room::Number(1.5), Room::Null]);
    for details in [read, Data::Json(sockets, Outside::default())] {
        assert_eq!(details_count(details), 2);
        assert_eq!(details_ids(details), list([s, t].into_iter()));
        let found = details_rooms(details);
        let found: Vec<Room<'_>> = Names::of(&found).collect();
        assert_eq!(found.len(), rooms.len(), "{found:?}");
        assert!(rooms.iter().all(|room| found.contains(room)), "{found:?}");
    }
    for none in [&b"\x90"[..], b"\xc0", b"\x92\x80", b""] {
        let none = Data::MessagePack(none);
        assert_eq!(details_count(none), 0);
        assert_eq!([details_ids(none), details_rooms(none)], [b"\x90", b"\x90"]);
    }
}

/// Published servers give each socket a room of its own, which is all that they know it by.
#[test]
fn one_socket_is_asked_for_as_its_own_room() {
    let rooms = list([Room::Text(b"a")].into_iter());
    let (whom, rooms) = (Whom::Socket(b"sid"), Names::of(&rooms));
    let opts = r#""opts":{"rooms":["sid"],"except":[],"flags":{}}"#;
    for (request, kind, member) in [
        (Request::Join { whom: whom.clone(), rooms: rooms.clone() }, 4, r#","rooms":["a"]"#),
        (Request::Leave { whom: whom.clone(), rooms }, 5, r#","rooms":["a"]"#),
        (Request::Disconnect { whom: whom.clone(), close: Some(true) }, 6, r#","close":true"#),
        (Request::Disconnect { whom, close: None }, 6, ""),
    ] {
        let written = asked(request);
        let expected =
            format!(r#"{{"type":{kind},"data":{{{opts}{member}}},"uid":"abcdef","nsp":"/"}}"#);
        assert_eq!(String::from_utf8_lossy(&written), expected);
        let message = packed(&written);
        assert_eq!(request_id(&message), None);
    }
}

fn request_id(message: &[u8]) -> Option<&[u8]> {
    request(message).id
}
