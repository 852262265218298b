//! What servers ask each other and answer, as values: as another decoder reads the message, and put
//! together again from what ours read.

use rmpv::Value;
use socketio_redis_edge::dialect::classic::request::{
    AckBroadcast, Envelope, Filter, Request, Whom,
};
use socketio_redis_edge::dialect::classic::response::{Answer, Response, Sockets};
use socketio_redis_edge::dialect::classic::{Data, Names};

use super::recorded::values::{data, names, number, object, text};
use super::wire::{CLASSIC, Message};

/// Each message that was recorded on the channels of requests, or on those of responses.
pub(crate) fn each_recorded(channels: &str, mut check: impl FnMut(&'static str, Message)) {
    for recording in CLASSIC {
        for message in recording.requests() {
            if message.channel.starts_with(channels.as_bytes()) {
                check(recording.package, message);
            }
        }
    }
}

fn opts(filter: &Filter<'_>, flags: Option<Data<'_>>) -> Value {
    let lists = [("rooms", names(&filter.rooms)), ("except", names(&filter.except))];
    object(lists.into_iter().chain(flags.map(|flags| ("flags", data(flags)))))
}

/// The members of a request that was read.
pub(crate) fn of_request(envelope: &Envelope<'_>) -> Value {
    assert!(!envelope.named, "no published package asks for names");
    let filtered = |filter: &Filter<'_>| vec![("opts", opts(filter, None))];
    let of_whom = |whom: &Whom<'_>| match whom {
        Whom::Filter(filter) => filtered(filter),
        Whom::Socket(sid) => vec![("sid", text(sid))],
    };
    let rooms_of_whom = |whom: &Whom<'_>, rooms: &Names<'_>| {
        let rooms = match whom {
            Whom::Filter(_) => ("rooms", names(rooms)),
            Whom::Socket(_) => ("room", names(rooms)[0].clone()),
        };
        [of_whom(whom), vec![rooms]].concat()
    };
    let (kind, mut members) = match &envelope.request {
        Request::Sockets { rooms, count } => {
            assert!(!count, "no published package asks for a number");
            (0, vec![("rooms", names(rooms))])
        }
        Request::AllRooms => (1, vec![]),
        Request::Join { whom, rooms } => (2, rooms_of_whom(whom, rooms)),
        Request::Leave { whom, rooms } => (3, rooms_of_whom(whom, rooms)),
        Request::Disconnect { whom, close } => {
            let close = close.map(|close| ("close", close.into()));
            (4, of_whom(whom).into_iter().chain(close).collect())
        }
        Request::Fetch(filter) => (5, filtered(filter)),
        Request::ServerSideEmit(event) => (6, vec![("data", data(*event))]),
        Request::Broadcast(AckBroadcast { data: event, nsp, filter, flags }) => {
            let packet = [("type", number(2)), ("data", data(*event)), ("nsp", text(nsp))];
            (7, vec![("packet", object(packet)), ("opts", opts(filter, Some(*flags)))])
        }
    };
    members.push(("type", number(kind)));
    members.extend(envelope.uid.map(|uid| ("uid", text(uid))));
    members.extend(envelope.id.map(|id| ("requestId", text(id))));
    object(members)
}

/// The members of a response that was read.
pub(crate) fn of_response(answer: &Answer<'_>) -> Value {
    let (kind, value) = match &answer.response {
        Response::Acknowledgement(packet) => (Some(9), packet.map(|it| ("packet", data(it)))),
        Response::ClientCount(count) => (Some(8), Some(("clientCount", number(*count)))),
        Response::Count(count) => (None, Some(("count", number(*count)))),
        Response::Done => (None, None),
        Response::Rooms(rooms) => (None, Some(("rooms", names(rooms)))),
        Response::ServerSideEmit(value) => (Some(6), value.map(|it| ("data", data(it)))),
        Response::Sockets(sockets) => {
            let sockets = match sockets {
                Sockets::Details(details) => data(*details),
                Sockets::Ids(ids) => names(ids),
                Sockets::None => Value::Array(Vec::new()),
            };
            (None, Some(("sockets", sockets)))
        }
    };
    let kind = kind.map(|kind| ("type", number(kind)));
    let uid = answer.uid.map(|uid| ("uid", text(uid)));
    object([("requestId", text(answer.id))].into_iter().chain(kind).chain(value).chain(uid))
}
