//! What messages say, however they are spelt: for comparison with what they say when they are written
//! and read again. All values are told as JSON, since most messages are.

use std::fmt::Debug;

use socketio_redis_edge::dialect::classic::request::{Envelope, Filter, Request, Whom};
use socketio_redis_edge::dialect::classic::response::{Answer, Response, Sockets};
use socketio_redis_edge::dialect::classic::{Data, Names, list};
use socketio_redis_edge::msgpack::{self, Reader};
use socketio_redis_edge::transcode::msgpack_to_json;

pub(super) fn by_request(envelope: &Envelope<'_>) -> Vec<String> {
    let Envelope { uid, id, named, request } = envelope;
    let mut said = vec![shown((uid.map(text), id.map(text), named))];
    said.extend(match request {
        Request::AllRooms => vec!["all rooms".to_owned()],
        Request::Broadcast(broadcast) => {
            let (data, flags) = (with_bytes(broadcast.data), value(broadcast.flags));
            vec![shown(filter(&broadcast.filter)), data, flags, text(broadcast.nsp)]
        }
        Request::Disconnect { whom, close } => {
            vec!["disconnect".to_owned(), about(whom), shown(close)]
        }
        Request::Fetch(wanted) => vec!["fetch".to_owned(), shown(filter(wanted))],
        // One socket joins one room: the first, or null.
        Request::Join { whom, rooms } => vec!["join".to_owned(), about(whom), names(rooms)],
        Request::Leave { whom, rooms } => vec!["leave".to_owned(), about(whom), names(rooms)],
        Request::ServerSideEmit(data) => vec!["emit".to_owned(), value(*data)],
        Request::Sockets { rooms, count } => vec!["sockets".to_owned(), names(rooms), shown(count)],
    });
    said
}

pub(super) fn by_answer(answer: &Answer<'_>) -> Vec<String> {
    let Answer { id, uid, response } = answer;
    let mut said = vec![shown((text(id), uid.map(text)))];
    said.extend(match response {
        Response::Acknowledgement(data) => {
            vec!["acknowledged".to_owned(), shown(data.map(with_bytes))]
        }
        Response::ClientCount(count) => vec!["clients".to_owned(), shown(count)],
        Response::Count(count) => vec!["count".to_owned(), shown(count)],
        Response::Done => vec!["done".to_owned()],
        Response::Rooms(rooms) => vec!["rooms".to_owned(), names(rooms)],
        Response::ServerSideEmit(data) => vec!["called back".to_owned(), shown(data.map(value))],
        Response::Sockets(Sockets::Details(data)) => vec!["details".to_owned(), value(*data)],
        Response::Sockets(Sockets::Ids(ids)) => vec!["ids".to_owned(), names(ids)],
        Response::Sockets(Sockets::None) => vec!["no sockets".to_owned()],
    });
    said
}

fn shown(value: impl Debug) -> String {
    format!("{value:?}")
}

fn about(whom: &Whom<'_>) -> String {
    match whom {
        Whom::Filter(wanted) => shown(filter(wanted)),
        Whom::Socket(sid) => text(sid),
    }
}

fn filter(filter: &Filter<'_>) -> (String, String) {
    (names(&filter.rooms), names(&filter.except))
}

fn names(names: &Names<'_>) -> String {
    let names: Vec<_> = names.clone().collect();
    value(Data::MessagePack(&list(names.into_iter())))
}

fn text(text: &[u8]) -> String {
    let mut bytes = Vec::new();
    msgpack::write_str(&mut bytes, text);
    value(Data::MessagePack(&bytes))
}

/// A value that only comes in JSON: bytes in it are nobody's.
fn value(data: Data<'_>) -> String {
    let (text, _) = transcoded(data);
    text
}

/// A value that may hold bytes.
pub(super) fn with_bytes(data: Data<'_>) -> String {
    let (text, attachments) = transcoded(data);
    format!("{text} {attachments:?}")
}

/// What is inside data is looked at when somebody wants it: until then it is passed on as it is, even
/// where it will be refused.
fn transcoded(data: Data<'_>) -> (String, Vec<&[u8]>) {
    let Data::MessagePack(bytes) = data else { unreachable!("nothing is read as JSON") };
    let (mut text, mut attachments) = (Vec::new(), Vec::new());
    if let Err(error) = msgpack_to_json(&mut Reader::new(bytes), &mut text, &mut attachments) {
        return (error.to_string(), vec![bytes]);
    }
    let attachments = attachments.into_iter().map(|range| &bytes[range]).collect();
    (text.escape_ascii().to_string(), attachments)
}
