//! The cluster dialect's messages.

use std::collections::BTreeSet;

use socketio_redis_edge::dialect::cluster::{
    Incoming, details_count, details_ids, details_rooms, is_from, peek_type, read_answer,
    read_message, write_answer, write_broadcast, write_request,
};
use socketio_redis_edge::dialect::request::{Envelope, Request};
use socketio_redis_edge::dialect::response::{Answer, Response, Sockets};
use socketio_redis_edge::dialect::{Broadcast, Data, Names, is_json, to_messagepack};
use socketio_redis_edge::id::{Namespace, Uid};

use super::said::{by_answer, by_request};
use super::{canonical, content, flags_as_json};

/// A server whose messages are in the recordings.
const OWN: &str = "1a7a836433effa54";
const OTHER: &str = "60db020a5f32a473";

fn uid(name: &str) -> Uid {
    Uid::parse(name).expect("a uid")
}

/// Reads a message in either form: what is accepted and can be written is read as the same again.
pub(super) fn check(data: &[u8], message: &[u8], nsp: &Namespace) {
    let read = read_message(message, &uid(OWN), nsp);
    if is_json(data) && is_from(data, &uid(OWN), nsp) {
        assert!(matches!(read, Ok(Incoming::Echo) | Err(_)), "{read:?}");
    }
    match read {
        Ok(Incoming::Broadcast(broadcast)) => check_broadcast(&broadcast, nsp),
        Ok(Incoming::Request(envelope)) => check_request(&envelope, nsp),
        _ => {}
    }
    if let Ok(Some(answer)) = read_answer(message, nsp) {
        check_answer(&answer, nsp);
    }
    let _ = peek_type(data);
}

/// What was written, as another server has to read it.
fn converted(written: &[u8], nsp: &Namespace) -> Vec<u8> {
    assert!(peek_type(written).is_some());
    assert_eq!(is_from(written, &uid(OTHER), nsp), is_json(written));
    let mut converted = Vec::new();
    to_messagepack(written, &mut converted).expect("it was written").to_vec()
}

fn check_broadcast(broadcast: &Broadcast<'_>, nsp: &Namespace) {
    let expected = content(broadcast);
    let [to, but]: [Vec<_>; 2] =
        [&broadcast.rooms, &broadcast.except].map(|names| names.clone().collect());
    let (mut written, data) = (Vec::new(), Data::MessagePack(&expected.data));
    let flags = flags_as_json(broadcast.flags);
    if write_broadcast(&mut written, &uid(OTHER), nsp, data, &to, &but, flags.as_bytes()).is_ok() {
        let message = converted(&written, nsp);
        let again = read_message(&message, &uid(OWN), nsp);
        let Ok(Incoming::Broadcast(again)) = again else { panic!("{again:?}") };
        let again = content(&again);
        assert_eq!(said(&again.data), said(&expected.data));
        let rooms = |names: &[Vec<u8>]| names.iter().map(|name| said(name)).collect::<Vec<_>>();
        assert_eq!(rooms(&again.rooms), rooms(&expected.rooms));
        assert_eq!(rooms(&again.except), rooms(&expected.except));
        assert_eq!(again.flags, expected.flags);
    }
}

fn said(value: &[u8]) -> String {
    super::said::with_bytes(Data::MessagePack(value))
}

fn check_request(envelope: &Envelope<'_>, nsp: &Namespace) {
    let mut written = Vec::new();
    if write_request(&mut written, &uid(OTHER), nsp, envelope).is_ok() {
        let message = converted(&written, nsp);
        let again = read_message(&message, &uid(OWN), nsp);
        let Ok(Incoming::Request(again)) = again else { panic!("{again:?}") };
        let is_answered = !matches!(
            envelope.request,
            Request::Join { .. } | Request::Leave { .. } | Request::Disconnect { .. }
        );
        let expected = Envelope {
            uid: Some(OTHER.as_bytes()),
            id: envelope.id.filter(|_| is_answered),
            ..envelope.clone()
        };
        assert_eq!(by_request(&again), by_request(&expected));
    }
}

fn check_answer(answer: &Answer<'_>, nsp: &Namespace) {
    match answer.response {
        // JavaScript has no larger numbers of sockets, so nobody writes any.
        Response::ClientCount(count) | Response::Count(count) if count >= 1 << 53 => return,
        Response::Sockets(Sockets::Details(details)) => check_details(details),
        _ => {}
    }
    let mut written = Vec::new();
    if write_answer(&mut written, &uid(OTHER), nsp, answer).is_ok() {
        let message = converted(&written, nsp);
        let again = read_answer(&message, nsp).expect("it was written").expect("it is known");
        let expected = Answer { uid: Some(OTHER.as_bytes()), ..answer.clone() };
        assert_eq!(by_answer(&again), by_answer(&expected));
    }
}

fn check_details(details: Data<'_>) {
    let (ids, rooms) = (details_ids(details), details_rooms(details));
    assert_eq!(Names::of(&ids).count() as u64, details_count(details));
    let names: Vec<_> = Names::of(&rooms).map(canonical).collect();
    let distinct: BTreeSet<_> = names.iter().collect();
    assert_eq!(names.len(), distinct.len());
}
