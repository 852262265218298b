//! What is written in which form, and what cannot be written.

use rmpv::Value;
use socketio_redis_edge::dialect::cluster::{
    Incoming, is_from, peek_type, write_answer, write_broadcast, write_request,
};
use socketio_redis_edge::dialect::request::{AckBroadcast, Envelope, Filter, Request};
use socketio_redis_edge::dialect::response::{Answer, Response, Sockets};
use socketio_redis_edge::dialect::{Data, Names};
use socketio_redis_edge::msgpack::Reader;
use socketio_redis_edge::room::Room;
use socketio_redis_edge::transcode::Outside;

use super::{nsp, packed, read, uid};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PLACEHOLDER: &[u8] = br#"["e",{"_placeholder":true,"num":0}]"#;

fn broadcast(data: Data<'_>, flags: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::new();
    write_broadcast(&mut out, &uid("abcdef"), &nsp("/"), data, &[], &[], flags)
        .map(|()| out)
        .map_err(|error| error.code())
}

fn request(request: Request<'_>) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::new();
    let envelope = Envelope { uid: None, id: Some(b"abcdef1"), named: true, request };
    write_request(&mut out, &uid("abcdef"), &nsp("/"), &envelope)
        .map(|()| out)
        .map_err(|error| error.code())
}

fn answer(response: Response<'_>) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::new();
    let answer = Answer { id: b"reader1", uid: None, response };
    write_answer(&mut out, &uid("abcdef"), &nsp("/"), &answer)
        .map(|()| out)
        .map_err(|error| error.code())
}

fn acknowledged(data: Data<'_>) -> Request<'_> {
    let filter = Filter { rooms: Names::EMPTY, except: Names::EMPTY };
    let flags = Data::Json(br#"{"timeout":500}"#, Outside::default());
    Request::Broadcast(AckBroadcast { data, nsp: b"/", filter, flags })
}

#[test]
fn binary_data_makes_the_message_messagepack() {
    let outside = Outside { attachments: &[b"\x01"], texts: &[] };
    let (text, bin) =
        (Data::Json(PLACEHOLDER, outside), Data::MessagePack(b"\x92\xa1e\xc4\x01\x01"));
    for (kind, written) in [
        (3, [text, bin].map(|data| broadcast(data, b"{\"volatile\":true}"))),
        (3, [text, bin].map(|data| request(acknowledged(data)))),
        (9, [text, bin].map(|data| request(Request::ServerSideEmit(data)))),
        (10, [text, bin].map(|data| answer(Response::ServerSideEmit(Some(data))))),
        (12, [text, bin].map(|data| answer(Response::Acknowledgement(Some(data))))),
        (8, [text, bin].map(|data| answer(Response::Sockets(Sockets::Details(data))))),
    ] {
        let [of_text, of_bin] = written.map(|written| written.expect("well-formed"));
        assert_eq!(of_text, of_bin);
        assert_eq!(peek_type(&of_bin), Some(kind));
        let mut rest = &of_bin[..];
        let value = rmpv::decode::read_value(&mut rest).expect("MessagePack");
        assert!(rest.is_empty(), "{value}");
        let Value::Map(members) = &value else { panic!("{value} is no map") };
        let names: Vec<&str> = members.iter().filter_map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["type", "data", "uid", "nsp"]);
    }
}

#[test]
fn what_json_carries_is_json_in_either_hand() {
    let text = b"[\"e\",\"\xf0\x9f\x98\x80\",1.5,-0,[],{\"2\":null}]";
    let (text, bin) = (Data::Json(text, Outside::default()), packed(text));
    let [of_text, of_bin] =
        [text, Data::MessagePack(&bin)].map(|data| broadcast(data, b"").expect("well-formed"));
    // JSON.stringify would not have written the sign.
    assert_eq!(String::from_utf8_lossy(&of_text).replace("-0", "0").as_bytes(), of_bin);
    assert!(is_from(&of_text, &uid("abcdef"), &nsp("/")));
    // Strings that stand outside the text are put in.
    let outside = Outside { attachments: &[], texts: &[b"a\"b"] };
    let written = broadcast(Data::Json(b"[\"e\",\x01]", outside), b"{}").expect("well-formed");
    let written = String::from_utf8(written).expect("UTF-8");
    assert!(written.contains(r#""data":["e","a\"b"]}"#), "{written}");
}

#[test]
fn data_that_is_no_value_is_refused() {
    let outside = Outside { attachments: &[b"\x01"], texts: &[] };
    let no_json = Data::Json(br#"["e""#, outside);
    let key = Data::MessagePack(b"\x92\xa1e\x81\x90\x01");
    let short = Data::MessagePack(b"\x92\xa1e");
    assert_eq!(broadcast(no_json, b""), Err("JSON_TRUNCATED"));
    assert_eq!(broadcast(Data::Json(PLACEHOLDER, outside), b"{"), Err("JSON_TRUNCATED"));
    for (data, code) in
        [(no_json, "JSON_TRUNCATED"), (key, "MSGPACK_KEY"), (short, "MSGPACK_TRUNCATED")]
    {
        assert_eq!(broadcast(data, b""), Err(code));
        assert_eq!(request(acknowledged(data)), Err(code));
        assert_eq!(request(Request::ServerSideEmit(data)), Err(code));
        assert_eq!(answer(Response::Acknowledgement(Some(data))), Err(code));
        assert_eq!(answer(Response::Sockets(Sockets::Details(data))), Err(code));
    }
    assert_eq!(answer(Response::Done), Err("ERR_RESPONSE_UNSAYABLE"));
}

#[test]
fn every_list_of_rooms_is_read_back() {
    for count in [0, 1, 15, 16, 65_535, 65_536] {
        let names: Vec<String> = (0..count).map(|number| format!("room {number}")).collect();
        let rooms: Vec<Room<'_>> = names.iter().map(|name| Room::Text(name.as_bytes())).collect();
        for data in [&b"\x91\xa1e"[..], b"\x92\xa1e\xc4\x00"] {
            let (mut out, data) = (Vec::new(), Data::MessagePack(data));
            write_broadcast(&mut out, &uid("abcdef"), &nsp("/"), data, &rooms, &rooms, b"")
                .expect("well-formed");
            let message = packed(&out);
            let Ok(Incoming::Broadcast(broadcast)) = read(&message) else {
                panic!("{count} rooms are refused");
            };
            assert!(broadcast.rooms.eq(rooms.iter().copied()), "{count} rooms");
            assert!(broadcast.except.eq(rooms.iter().copied()), "{count} rooms");
            assert!(Reader::new(&message).check().is_ok());
        }
    }
}
