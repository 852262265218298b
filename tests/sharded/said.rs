//! What was read, as the value that another decoder makes of the message.

use rmpv::Value;
use socketio_redis_edge::dialect::request::{Envelope, Filter, Request, Whom};
use socketio_redis_edge::dialect::response::{Answer, Response, Sockets};
use socketio_redis_edge::dialect::{Broadcast, Data};
use socketio_redis_edge::msgpack::Reader;

use super::recorded::values::{data, names, number, object, text};

fn opts(filter: &Filter<'_>, flags: Value) -> Value {
    let (rooms, except) = (names(&filter.rooms), names(&filter.except));
    object([("rooms", rooms), ("except", except), ("flags", flags)])
}

fn packet(event: Data<'_>) -> (&'static str, Value) {
    ("packet", object([("type", number(2)), ("data", data(event))]))
}

fn message(kind: u64, members: Vec<(&'static str, Value)>, uid: &[u8], nsp: &str) -> Value {
    let envelope = [("uid", text(uid)), ("nsp", nsp.into())];
    object([("type", number(kind)), ("data", object(members))].into_iter().chain(envelope))
}

/// The raw value that a reader stands at.
pub(crate) fn raw<'a>(reader: &Reader<'a>) -> Data<'a> {
    Data::MessagePack(reader.clone().raw().expect("a value"))
}

/// A broadcast; of its flags only those are read that concern the delivery.
pub(crate) fn of_broadcast(broadcast: &Broadcast<'_>, flags: Value, uid: &str, nsp: &str) -> Value {
    let filter = Filter { rooms: broadcast.rooms.clone(), except: broadcast.except.clone() };
    let members = vec![packet(raw(&broadcast.data)), ("opts", opts(&filter, flags))];
    message(3, members, uid.as_bytes(), nsp)
}

/// A request; those on sockets that match have flags which nobody reads.
pub(crate) fn of_request(envelope: &Envelope<'_>, flags: Value, nsp: &str) -> Value {
    assert!(envelope.named, "every answer tells whose it is");
    let of_whom = |whom: &Whom<'_>| match whom {
        Whom::Filter(filter) => ("opts", opts(filter, flags.clone())),
        Whom::Socket(_) => panic!("no request is for one socket"),
    };
    let (kind, mut members) = match &envelope.request {
        Request::Broadcast(broadcast) => {
            assert_eq!(broadcast.nsp, nsp.as_bytes());
            let opts = opts(&broadcast.filter, data(broadcast.flags));
            (3, vec![packet(broadcast.data), ("opts", opts)])
        }
        Request::Join { whom, rooms } => (4, vec![of_whom(whom), ("rooms", names(rooms))]),
        Request::Leave { whom, rooms } => (5, vec![of_whom(whom), ("rooms", names(rooms))]),
        Request::Disconnect { whom, close } => {
            let close = close.map(|close| ("close", close.into()));
            (6, [of_whom(whom)].into_iter().chain(close).collect())
        }
        Request::Fetch(filter) => (7, vec![("opts", opts(filter, flags))]),
        Request::ServerSideEmit(event) => (9, vec![("packet", data(*event))]),
        Request::AllRooms | Request::Sockets { .. } => {
            panic!("no published server asks for less")
        }
    };
    members.extend(envelope.id.map(|id| ("requestId", text(id))));
    message(kind, members, envelope.uid.expect("a uid"), nsp)
}

pub(crate) fn of_answer(answer: &Answer<'_>, nsp: &str) -> Value {
    let packet = |value: &Option<Data<'_>>| value.map(|value| ("packet", data(value)));
    let (kind, member) = match &answer.response {
        Response::Acknowledgement(value) => (12, packet(value)),
        Response::ClientCount(count) => (11, Some(("clientCount", number(*count)))),
        Response::ServerSideEmit(value) => (10, packet(value)),
        Response::Sockets(Sockets::Details(details)) => (8, Some(("sockets", data(*details)))),
        Response::Sockets(Sockets::None) => (8, Some(("sockets", Value::Array(Vec::new())))),
        other => panic!("no published server answers {other:?}"),
    };
    let members = [("requestId", text(answer.id))].into_iter().chain(member).collect();
    message(kind, members, answer.uid.expect("a uid"), nsp)
}
