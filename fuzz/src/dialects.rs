//! Every message and name of the wire: read from any bytes, and written again.

mod cluster;
mod said;

use socketio_redis_edge::channel::{Channels, Parsed, is_inexact, rooms_spelt};
use socketio_redis_edge::dialect::classic::request::{is_from, read_request, write_request};
use socketio_redis_edge::dialect::classic::response::{
    Response, peek_id, read_response, write_response,
};
use socketio_redis_edge::dialect::classic::{
    Broadcast, Data, Flags, Incoming, Names, is_json, read_broadcast, read_broadcast_whole,
    to_messagepack, write_broadcast,
};
use socketio_redis_edge::id::{Namespace, Uid};
use socketio_redis_edge::msgpack::Reader;
use socketio_redis_edge::room::Room;

use said::{by_answer, by_request};

/// Reads any bytes as each kind of message and as a name: what is accepted and can be written is read
/// as the same again.
pub fn run(data: &[u8]) {
    for nsp in ["/", "/admin"] {
        check_broadcast(data, &Namespace::parse(nsp).expect("a namespace"));
    }
    let mut converted = Vec::new();
    if let Ok(message) = to_messagepack(data, &mut converted) {
        check_request(data, message);
        check_response(data, message);
        for nsp in ["/", "/admin"] {
            cluster::check(data, message, &Namespace::parse(nsp).expect("a namespace"));
        }
    }
    check_names(data);
}

/// A server whose messages are in the recordings.
fn uid() -> Uid {
    Uid::parse("KgkYV5").expect("a uid")
}

fn check_broadcast(data: &[u8], nsp: &Namespace) {
    let mut converted = Vec::new();
    let Ok(message) = to_messagepack(data, &mut converted) else { return };
    let quick = read_broadcast(message, &uid(), nsp);
    let whole = read_broadcast_whole(message, &uid(), nsp);
    match (&quick, &whole) {
        (Ok(Incoming::Broadcast(broadcast)), _) if broadcast.presumed => {
            let mut data = broadcast.data.clone();
            // If the data ends where it was presumed to, all of it was right.
            if data.skip().and_then(|()| data.finish()).is_ok() {
                let Ok(Incoming::Broadcast(whole)) = &whole else { panic!("{whole:?}") };
                assert_eq!(content(broadcast), content(whole));
            }
        }
        (Ok(Incoming::Broadcast(broadcast)), Ok(Incoming::Broadcast(whole))) => {
            assert_eq!(content(broadcast), content(whole));
        }
        (quick, whole) => assert_eq!(format!("{quick:?}"), format!("{whole:?}")),
    }
    if let Ok(Incoming::Broadcast(broadcast)) = &whole {
        write_again(broadcast, nsp);
    }
}

/// What a broadcast says.
#[derive(Debug, PartialEq)]
struct Content {
    data: Vec<u8>,
    rooms: Vec<Vec<u8>>,
    except: Vec<Vec<u8>>,
    flags: Flags,
}

fn content(broadcast: &Broadcast<'_>) -> Content {
    let names = |names: &Names<'_>| names.clone().map(canonical).collect();
    Content {
        data: broadcast.data.clone().raw().expect("a value").to_vec(),
        rooms: names(&broadcast.rooms),
        except: names(&broadcast.except),
        flags: broadcast.flags,
    }
}

fn canonical(room: Room<'_>) -> Vec<u8> {
    let mut name = Vec::new();
    room.write(&mut name);
    name
}

fn write_again(broadcast: &Broadcast<'_>, nsp: &Namespace) {
    let expected = content(broadcast);
    let sender = Uid::parse("szhEl6").expect("a uid");
    let [to, but]: [Vec<_>; 2] =
        [&broadcast.rooms, &broadcast.except].map(|names| names.clone().collect());
    let json = flags_as_json(broadcast.flags);
    let mut out = Vec::new();
    write_broadcast(
        &mut out,
        &sender,
        nsp,
        Data::MessagePack(&expected.data),
        &to,
        &but,
        json.as_bytes(),
    )
    .expect("the flags are JSON");
    let again = read_broadcast_whole(&out, &uid(), nsp);
    let Ok(Incoming::Broadcast(again)) = again else { panic!("{again:?}") };
    assert_eq!(content(&again), expected);
}

fn flags_as_json(flags: Flags) -> String {
    let flag = |name: &str, value| format!("\"{name}\":{value}");
    let mut members = vec![flag("volatile", flags.volatile)];
    members.extend(flags.compress.map(|value| flag("compress", value)));
    format!("{{{}}}", members.join(","))
}

fn check_request(data: &[u8], message: &[u8]) {
    let Ok(Some(envelope)) = read_request(message) else { return };
    if is_json(data) && is_from(data, uid().as_str().as_bytes()) && mentions(data, "uid") == 1 {
        assert_eq!(envelope.uid, Some(uid().as_str().as_bytes()));
    }
    let (mut written, mut converted) = (Vec::new(), Vec::new());
    if write_request(&mut written, &envelope).is_ok() {
        let message = to_messagepack(&written, &mut converted).expect("it was written");
        let again = read_request(message).expect("it was written").expect("it is known");
        assert_eq!(by_request(&again), by_request(&envelope));
    }
}

fn check_response(data: &[u8], message: &[u8]) {
    let Ok(Some(answer)) = read_response(message) else { return };
    if mentions(data, "requestId") == 1
        && let Some(begun) = peek_id(data)
    {
        assert!(answer.id.starts_with(begun), "{}", begun.escape_ascii());
    }
    // JavaScript has no larger numbers of sockets, so nobody writes any.
    if let Response::ClientCount(count) | Response::Count(count) = answer.response
        && count >= 1 << 53
    {
        return;
    }
    let (mut written, mut converted) = (Vec::new(), Vec::new());
    if write_response(&mut written, &answer).is_ok() {
        let message = to_messagepack(&written, &mut converted).expect("it was written");
        let again = read_response(message).expect("it was written").expect("it is known");
        assert_eq!(by_answer(&again), by_answer(&answer));
    }
}

/// How often a message may spell the name of a member: also with escapes, which count for all.
fn mentions(message: &[u8], name: &str) -> usize {
    let escapes = message.iter().filter(|&&byte| byte == b'\\').count();
    escapes + message.windows(name.len()).filter(|bytes| *bytes == name.as_bytes()).count()
}

fn check_names(data: &[u8]) {
    let channels = Channels::new("socket.io", &Namespace::parse("/").expect("a namespace"));
    if let Parsed::Room(spelt) = channels.parse(data) {
        assert!(rooms_spelt(spelt).count() > 0);
    }
    // A list of names, or one.
    let one = Room::read(&mut Reader::new(data)).ok().flatten();
    for room in Names::of(data).chain(one) {
        let channel = channels.room(room);
        let Parsed::Room(spelt) = channels.parse(channel.as_bytes()) else {
            // A room without a name has the main channel's, with one # more.
            panic!("{channel} is no room's");
        };
        let found = rooms_spelt(spelt).any(|other| canonical(other) == canonical(room));
        assert!(found || is_inexact(spelt), "{room:?} is not found in {channel}");
    }
}
