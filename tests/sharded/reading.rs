//! What a reader puts up with.

use socketio_redis_edge::dialect::cluster::Incoming;
use socketio_redis_edge::dialect::request::{Request, Whom};
use socketio_redis_edge::dialect::response::{Response, Sockets};
use socketio_redis_edge::dialect::{Broadcast, Data, Flags, Names, list};
use socketio_redis_edge::room::Room;

use super::{answer, packed, read, request};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn broadcast(message: &[u8]) -> Broadcast<'_> {
    match read(message) {
        Ok(Incoming::Broadcast(broadcast)) => broadcast,
        other => panic!("{other:?}"),
    }
}

fn texts(names: &Names<'_>) -> Vec<Vec<u8>> {
    names.clone().map(|room| room.text().into_owned()).collect()
}

#[test]
fn members_may_stand_in_any_order_among_unknown_ones() {
    let message = packed(
        br#"{"nsp":"/","new":[1],"uid":"abcdef","data":{"opts":{"flags":{"volatile":true},"new":{},
        "except":["b"],"rooms":["a"]},"new":1,"packet":{"data":["e"],"nsp":"/x","type":2}},"type":3}"#,
    );
    let read = broadcast(&message);
    assert_eq!((texts(&read.rooms), texts(&read.except)), (vec![b"a".into()], vec![b"b".into()]));
    assert_eq!(read.flags, Flags { volatile: true, compress: None });
    assert!(message[read.data.position()..].starts_with(b"\x91\xa1e"), "of the whole message");

    let message = packed(
        br#"{"uid":"abcdef","data":{"rooms":["c"],"new":1,"opts":{"except":["b"],"rooms":["a"]}},
        "type":4,"nsp":"/"}"#,
    );
    let Request::Join { whom: Whom::Filter(filter), rooms } = request(&message).request else {
        panic!("another request");
    };
    assert_eq!([&filter.rooms, &filter.except, &rooms].map(texts), [[b"a"], [b"b"], [b"c"]]);

    let message = packed(
        br#"{"uid":"abcdef","data":{"clientCount":2,"new":1,"requestId":"1"},"type":11,"nsp":"/"}"#,
    );
    let read = answer(&message).expect("well-formed").expect("for us");
    assert_eq!((read.id, read.uid), (&b"1"[..], Some(&b"abcdef"[..])));
    assert!(matches!(read.response, Response::ClientCount(2)));
}

#[test]
fn what_is_missing_from_the_opts_is_empty() {
    for opts in ["{}", r#"{"rooms":null,"except":null,"flags":null}"#] {
        let message = format!(
            r#"{{"type":3,"data":{{"packet":{{"type":2,"data":["e"]}},"opts":{opts}}},"uid":"a","nsp":"/"}}"#
        );
        let message = packed(message.as_bytes());
        let read = broadcast(&message);
        assert!(read.rooms.is_empty() && read.except.is_empty());
        assert_eq!(read.flags, Flags::default());

        let message = format!(
            r#"{{"type":3,"data":{{"packet":{{"type":2,"data":["e"]}},"requestId":"1","opts":{opts}}},"nsp":"/"}}"#
        );
        let message = packed(message.as_bytes());
        let read = request(&message);
        assert_eq!((read.id, read.uid), (Some(&b"1"[..]), None));
        let Request::Broadcast(read) = read.request else { panic!("another request") };
        assert!(matches!(read.flags, Data::MessagePack(b"\x80")));
        assert!(matches!(read.data, Data::MessagePack(b"\x91\xa1e")));
        assert_eq!(read.nsp, b"/");
    }
}

#[test]
fn of_a_member_that_comes_twice_the_last_counts() {
    let message = packed(
        br#"{"type":9,"data":{"opts":{"rooms":[]},"opts":{"rooms":["b"],"rooms":["a"]},"close":1,
        "close":false},"uid":5,"uid":"abcdef","nsp":"/other","nsp":"/","type":6}"#,
    );
    let read = request(&message);
    assert_eq!(read.uid, Some(&b"abcdef"[..]));
    let Request::Disconnect { whom: Whom::Filter(filter), close } = read.request else {
        panic!("another request");
    };
    assert_eq!((texts(&filter.rooms), close), (vec![b"a".to_vec()], Some(false)));
    let message = packed(
        br#"{"type":8,"data":{"requestId":"1","sockets":5,"sockets":[]},"uid":"a","nsp":"/"}"#,
    );
    let read = answer(&message).expect("well-formed").expect("for us");
    assert!(matches!(read.response, Response::Sockets(Sockets::None)));
}

#[test]
fn rooms_keep_their_type_and_lists_name_none() {
    let message = packed(
        br#"{"type":5,"data":{"opts":{"rooms":[42,"42",1.5,true,null,["a"],{}]},"rooms":[7]},"nsp":"/"}"#,
    );
    let Request::Leave { whom: Whom::Filter(filter), rooms } = request(&message).request else {
        panic!("another request");
    };
    let expected =
        [Room::Number(42.0), Room::Text(b"42"), Room::Number(1.5), Room::Bool(true), Room::Null];
    assert!(filter.rooms.eq(expected));
    assert!(rooms.eq([Room::Number(7.0)]));
    assert_eq!(list([Room::Number(42.0)].into_iter()), b"\x91\x2a");
}

#[test]
fn close_is_what_javascript_takes_it_for() {
    for (close, expected) in [
        ("true", Some(true)),
        ("false", Some(false)),
        ("null", None),
        ("1", Some(true)),
        ("0", Some(false)),
        (r#""""#, Some(false)),
        ("{}", Some(true)),
    ] {
        let message =
            format!(r#"{{"type":6,"data":{{"opts":{{}},"close":{close}}},"uid":"a","nsp":"/"}}"#);
        let message = packed(message.as_bytes());
        let Request::Disconnect { close: read, .. } = request(&message).request else {
            panic!("another request");
        };
        assert_eq!(read, expected, "{close}");
    }
}

#[test]
fn an_answer_may_be_null_or_none() {
    for (packet, expected) in [("", None), (r#","packet":null"#, Some(b"\xc0"))] {
        for kind in [10, 12] {
            let message = format!(
                r#"{{"type":{kind},"data":{{"requestId":"1"{packet}}},"uid":"a","nsp":"/"}}"#
            );
            let message = packed(message.as_bytes());
            let read = answer(&message).expect("well-formed").expect("for us").response;
            let (Response::ServerSideEmit(value) | Response::Acknowledgement(value)) = read else {
                panic!("another answer");
            };
            let value = value.map(|value| match value {
                Data::MessagePack(bytes) => bytes,
                Data::Json(..) => panic!("what is read is MessagePack"),
            });
            assert_eq!(value, expected.map(|nil| &nil[..]));
        }
    }
}
