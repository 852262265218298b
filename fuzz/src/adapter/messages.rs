//! Messages as other servers send them.

use socketio_redis_edge::adapter::{Body, BroadcastCommand};
use socketio_redis_edge::dialect::classic::request::{
    AckBroadcast, Envelope, Filter, Request, Whom, write_request,
};
use socketio_redis_edge::dialect::classic::response::{Answer, Response, Sockets, write_response};
use socketio_redis_edge::dialect::classic::{Data, Names, list, write_broadcast};
use socketio_redis_edge::id::{Namespace, Uid};
use socketio_redis_edge::room::Room;
use socketio_redis_edge::transcode::Outside;

use super::operation::{AnswerKind, Asked};

/// What events of other servers hold, in JSON.
const DATA: [&str; 4] = [
    r#"["e",1]"#,
    r#"["e",{"a":[1.5,"é",{"2":null,"1":true}]},"\ud800"]"#,
    r#"[7]"#,
    r#"["message",{"_placeholder":true,"num":0}]"#,
];

/// Packets of this server; some are none.
const PACKETS: [&str; 6] = [
    r#"2["e",1]"#,
    r#"212["e",{"a":[1.5,"é",null]}]"#,
    r#"51-["e",{"_placeholder":true,"num":0}]"#,
    r#"2["e""#,
    r#"3["e"]"#,
    r#"51["e"]"#,
];

const FLAGS: [&str; 4] = ["", "{}", r#"{"volatile":true,"compress":false,"timeout":300}"#, "{"];

const OUTSIDE: Outside<'static> = Outside { attachments: &[b"data"], texts: &[] };

fn data(number: u8) -> Data<'static> {
    Data::Json(DATA[usize::from(number) % DATA.len()].as_bytes(), OUTSIDE)
}

/// A message of each kind as this package writes it, with what is its own.
pub fn examples() -> Vec<Vec<u8>> {
    let rooms = [Room::Text(b"a"), Room::Number(42.0)];
    let filter = (rooms.as_slice(), [Room::Undefined].as_slice());
    let nsp = Namespace::parse("/").expect("a namespace");
    let broadcasts = (0..DATA.len()).map(|body| broadcast(body as u8, &nsp, &rooms, &rooms));
    let requests = Asked::ALL.into_iter().flat_map(|asked| {
        [None, Some(b"sid-0".as_slice())].map(|sid| request(asked, filter, sid, Some(b"id"), true))
    });
    let answers = AnswerKind::ALL.map(|kind| answer(kind, b"id", Some(b"other"), 70_000));
    broadcasts.chain(requests).chain(answers).collect()
}

/// A broadcast of this server.
pub(super) fn command<'a>(
    (body, flags): (u8, u8),
    rooms: &'a [Room<'a>],
    except: &'a [Room<'a>],
    local: bool,
) -> BroadcastCommand<'a> {
    let packet = PACKETS[usize::from(body) % PACKETS.len()].as_bytes();
    let flags = FLAGS[usize::from(flags) % FLAGS.len()].as_bytes();
    BroadcastCommand { body: Body::Text(packet, OUTSIDE), rooms, except, flags, local }
}

/// A broadcast of another server.
pub(super) fn broadcast(
    body: u8,
    nsp: &Namespace,
    rooms: &[Room<'_>],
    except: &[Room<'_>],
) -> Vec<u8> {
    let sender = Uid::parse("other").expect("a uid");
    let mut out = Vec::new();
    write_broadcast(&mut out, &sender, nsp, data(body), rooms, except, b"").expect("it is JSON");
    out
}

/// A request of another server, about one socket or all that match.
pub(super) fn request(
    asked: Asked,
    (rooms, except): (&[Room<'_>], &[Room<'_>]),
    sid: Option<&[u8]>,
    id: Option<&[u8]>,
    named: bool,
) -> Vec<u8> {
    let (rooms, except) = (list(rooms.iter().copied()), list(except.iter().copied()));
    let (rooms, except) = (Names::of(&rooms), Names::of(&except));
    let filter = Filter { rooms: rooms.clone(), except };
    let whom = sid.map_or_else(|| Whom::Filter(filter.clone()), Whom::Socket);
    let request = match asked {
        Asked::AllRooms => Request::AllRooms,
        Asked::Broadcast => Request::Broadcast(AckBroadcast {
            data: data(u8::from(named) * 3),
            nsp: b"/",
            filter,
            flags: Data::Json(FLAGS[2].as_bytes(), Outside::default()),
        }),
        Asked::Count => Request::Sockets { rooms, count: true },
        Asked::Disconnect => Request::Disconnect { whom, close: Some(named) },
        Asked::Fetch => Request::Fetch(filter),
        Asked::Join => Request::Join { whom, rooms },
        Asked::Leave => Request::Leave { whom, rooms },
        Asked::ServerSideEmit => Request::ServerSideEmit(data(0)),
        Asked::Sockets => Request::Sockets { rooms, count: false },
    };
    let envelope = Envelope { uid: Some(b"other"), id, named, request };
    let mut out = Vec::new();
    write_request(&mut out, &envelope).expect("it is a request");
    out
}

/// An answer to the request of this id, by a server that tells its uid or none.
pub(super) fn answer(kind: AnswerKind, id: &[u8], uid: Option<&[u8]>, count: u32) -> Vec<u8> {
    let names = list([Room::Text(b"a"), Room::Text(b"sid-9")].into_iter());
    let names = Names::of(&names);
    let details = r#"[{"id":"sid-9","handshake":{},"rooms":["sid-9"],"data":{}}]"#;
    let details = Data::Json(details.as_bytes(), Outside::default());
    let response = match kind {
        AnswerKind::Acknowledgement => Response::Acknowledgement(Some(data(3))),
        AnswerKind::ClientCount => Response::ClientCount(count.into()),
        AnswerKind::Count => Response::Count(count.into()),
        AnswerKind::Details => Response::Sockets(Sockets::Details(details)),
        AnswerKind::Done => Response::Done,
        AnswerKind::Ids => Response::Sockets(Sockets::Ids(names)),
        AnswerKind::NoSockets => Response::Sockets(Sockets::None),
        AnswerKind::Nothing => Response::Acknowledgement(None),
        AnswerKind::Rooms => Response::Rooms(names),
        AnswerKind::Value => Response::ServerSideEmit(Some(data(0))),
    };
    let mut out = Vec::new();
    write_response(&mut out, &Answer { id, uid, response }).expect("it is an answer");
    out
}
