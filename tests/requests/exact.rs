//! Exact subscriptions: which channels are subscribed to, and what waits until they are.

use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::{Body, BroadcastCommand, Carries, Ending, NameKind, Output};
use socketio_redis_edge::room::Room;
use socketio_redis_edge::rooms::NameId;

use super::{
    A, B, NOW, REQUESTS, TO_ONE, at, connect, ended, exact, hear, intern, join, only, outputs,
    outputs_at, published, server, subscribe, timer, unconnected,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ROOM_A: &str = "socket.io#/#a#";

/// The names that are to be subscribed to, and those to be unsubscribed from, each with its id.
type Names = Vec<(u32, String)>;

fn names(outputs: Vec<Output>) -> (Names, Names) {
    let (mut on, mut off) = (Vec::new(), Vec::new());
    for output in outputs {
        let (id, name, names) = match output {
            Output::Subscribe { id, name, .. } => (id, name, &mut on),
            Output::Unsubscribe { id, name } => (id, name, &mut off),
            other => panic!("{other:?}"),
        };
        assert_eq!((name.kind, name.carries), (NameKind::Channel, Carries::Broadcasts));
        names.push((id, name.name));
    }
    (on, off)
}

/// The one name that is to be subscribed to.
fn subscribed(outputs: Vec<Output>) -> (u32, String) {
    let (on, off) = names(outputs);
    assert_eq!(off, []);
    let [one] = <[(u32, String); 1]>::try_from(on).expect("one name");
    one
}

fn leave(server: &mut Adapter, socket: u32, room: Room<'_>) {
    let room = intern(server, room);
    server.leave(NameId::from_index(socket), room);
}

#[test]
fn what_stands_is_subscribed_to_in_either_mode() {
    let listed = |mut server: Adapter| {
        server.handle_ready();
        let mut names = Vec::new();
        while let Some(output) = server.poll_output(NOW) {
            match output {
                Output::Subscribe { name, .. } => names.push((name.kind, name.name, name.carries)),
                other => panic!("{other:?}"),
            }
        }
        names
    };
    let channel = |name: &str, carries| (NameKind::Channel, name.to_owned(), carries);
    let control = || {
        ["socket.io-request#/#", "socket.io-response#/#", TO_ONE]
            .map(|name| channel(name, Carries::Control))
    };
    let broadcasts = ["socket.io#/#one#", "socket.io#/#"];
    let broadcasts = broadcasts.map(|name| channel(name, Carries::Broadcasts));
    let options = exact("one").options().clone();
    assert_eq!(listed(unconnected("one", options)), [&broadcasts[..], &control()].concat());
    let pattern = (NameKind::Pattern, "socket.io#/#*".to_owned(), Carries::Broadcasts);
    let options = server("one").options().clone();
    assert_eq!(listed(unconnected("one", options)), [&[pattern][..], &control()].concat());
}

#[test]
fn the_first_socket_in_a_room_subscribes_to_its_channel() {
    let mut one = exact("one");
    let s = connect(&mut one, "s", A);
    let (id, name) = subscribed(outputs(&mut one));
    assert_eq!(name, ROOM_A);
    one.handle_confirmed(id);
    connect(&mut one, "t", A);
    assert_eq!(outputs(&mut one), []);
    // The number 42 and the text "42" share a channel.
    join(&mut one, s, Room::Number(42.0));
    let (id, name) = subscribed(outputs(&mut one));
    assert_eq!(name, "socket.io#/#42#");
    one.handle_confirmed(id);
    join(&mut one, s, Room::Text(b"42"));
    assert_eq!(outputs(&mut one), []);
    leave(&mut one, s, Room::Number(42.0));
    outputs(&mut one);
    assert_eq!(timer(&one), None, "the other of the two is still there");
    // With the pattern there is nothing to do for a room.
    let mut two = server("two");
    connect(&mut two, "s", A);
    assert_eq!(outputs(&mut two), []);
}

#[test]
fn a_room_that_stays_empty_is_unsubscribed_after_a_while() {
    let mut one = exact("one");
    let s = connect(&mut one, "s", A);
    subscribe(&mut one);
    leave(&mut one, s, A);
    assert_eq!(outputs(&mut one), []);
    assert_eq!(timer(&one), Some(at(1_500)));
    one.handle_timeout(at(1_500));
    let (on, off) = names(outputs_at(&mut one, at(1_500)));
    assert_eq!(on, []);
    let (id, name) = off.first().expect("one");
    assert_eq!((name.as_str(), off.len()), (ROOM_A, 1));
    one.handle_ended(*id);
    assert_eq!((outputs(&mut one), timer(&one)), (vec![], None));
    // The next socket asks anew.
    connect(&mut one, "t", A);
    assert_eq!(subscribed(outputs(&mut one)).1, ROOM_A);
}

#[test]
fn a_room_that_refills_in_time_keeps_its_subscription() {
    let mut one = exact("one");
    let s = connect(&mut one, "s", A);
    subscribe(&mut one);
    for _ in 0..3 {
        leave(&mut one, s, A);
        outputs(&mut one);
        join(&mut one, s, A);
        assert_eq!((outputs(&mut one), timer(&one)), (vec![], None));
    }
    one.handle_timeout(at(7_000));
    assert_eq!(outputs_at(&mut one, at(100_000)), []);
}

#[test]
fn a_room_that_refills_while_it_is_given_up_is_subscribed_to_afterwards() {
    let mut one = exact("one");
    let s = connect(&mut one, "s", A);
    subscribe(&mut one);
    leave(&mut one, s, A);
    outputs(&mut one);
    one.handle_timeout(at(1_500));
    let (_, off) = names(outputs_at(&mut one, at(1_500)));
    join(&mut one, s, A);
    assert_eq!(outputs(&mut one), []);
    let room = intern(&mut one, A);
    let waits = one.await_rooms(&[room], NOW).expect("it is not subscribed to");
    one.handle_ended(off[0].0);
    let (id, name) = subscribed(outputs(&mut one));
    assert_eq!(name, ROOM_A);
    one.handle_confirmed(id);
    let complete = Output::Ended { request: waits, ending: Ending::Complete };
    assert_eq!(outputs(&mut one), [complete]);
}

#[test]
fn a_socket_that_goes_gives_up_the_rooms_that_it_was_the_last_in() {
    let mut one = exact("one");
    let s = connect(&mut one, "s", A);
    join(&mut one, s, B);
    connect(&mut one, "t", B);
    subscribe(&mut one);
    let mut left = Vec::new();
    one.disconnect(NameId::from_index(s), |_, room| left.push(room.deleted));
    assert_eq!(left, [true, false]);
    outputs(&mut one);
    one.handle_timeout(at(1_500));
    let (_, off) = names(outputs_at(&mut one, at(1_500)));
    assert_eq!(off.into_iter().map(|(_, name)| name).collect::<Vec<_>>(), [ROOM_A]);
}

#[test]
fn joining_is_done_when_the_subscription_stands() {
    let mut one = exact("one");
    let s = connect(&mut one, "s", A);
    join(&mut one, s, B);
    let [a, b] = [A, B].map(|room| intern(&mut one, room));
    let both = one.await_rooms(&[a, b], NOW).expect("they are not subscribed to");
    let first = one.await_rooms(&[a], NOW).expect("it is not subscribed to");
    let (on, _) = names(outputs(&mut one));
    assert_eq!(on.len(), 2);
    let complete = |request| Output::Ended { request, ending: Ending::Complete };
    one.handle_confirmed(on[0].0);
    assert_eq!(outputs(&mut one), [complete(first)]);
    one.handle_confirmed(on[1].0);
    assert_eq!(outputs(&mut one), [complete(both)]);
    assert_eq!(one.await_rooms(&[a, b], NOW), None);
    assert_eq!(timer(&one), None);
    // With the pattern there is nothing to wait for.
    let mut two = server("two");
    connect(&mut two, "s", A);
    let a = intern(&mut two, A);
    assert_eq!(two.await_rooms(&[a], NOW), None);
}

#[test]
fn joining_is_over_when_the_room_is_empty_again() {
    let mut one = exact("one");
    let s = connect(&mut one, "s", A);
    let a = intern(&mut one, A);
    let waits = one.await_rooms(&[a], NOW).expect("it is not subscribed to");
    outputs(&mut one);
    leave(&mut one, s, A);
    let complete = Output::Ended { request: waits, ending: Ending::Complete };
    assert_eq!(outputs(&mut one), [complete]);
}

#[test]
fn joining_ends_in_time_when_redis_does_not_answer() {
    let mut one = exact("one");
    connect(&mut one, "s", A);
    let a = intern(&mut one, A);
    assert_eq!(one.await_rooms(&[a], NOW), Some(1));
    outputs(&mut one);
    one.handle_timeout(at(6_000));
    let mut late = outputs_at(&mut one, at(6_000));
    late.retain(|output| matches!(output, Output::Ended { .. }));
    assert_eq!(late, [ended(Ending::TimedOut { missing: Some(1) })]);
}

#[test]
fn joining_ends_with_the_adapter() {
    let mut one = exact("one");
    connect(&mut one, "s", A);
    let a = intern(&mut one, A);
    one.await_rooms(&[a], NOW);
    outputs(&mut one);
    one.close();
    let mut closing = outputs(&mut one);
    closing.retain(|output| !matches!(output, Output::Unsubscribe { .. }));
    assert_eq!(closing, [ended(Ending::Closed)]);
    assert_eq!(timer(&one), None);
}

#[test]
fn a_count_is_answered_when_the_rooms_are_heard() {
    let mut two = exact("two");
    let s = connect(&mut two, "s", A);
    subscribe(&mut two);
    let asked = r#"{"uid":"one","requestId":"one1","type":0,"rooms":[],"count":true,"named":true}"#;
    let answer = published(None, TO_ONE, r#"{"requestId":"one1","count":1,"uid":"two"}"#);
    assert_eq!(hear(&mut two, REQUESTS, asked), std::slice::from_ref(&answer));
    // The host lets the socket join as another server asked it to; then it is asked for the number.
    let joined = r#"{"uid":"one","type":2,"opts":{"rooms":["a"]},"rooms":["b"]}"#;
    let Output::Join { sockets, .. } = only(hear(&mut two, REQUESTS, joined)) else {
        panic!("nobody joins");
    };
    assert_eq!(sockets, [s]);
    join(&mut two, s, B);
    let (id, name) = subscribed(hear(&mut two, REQUESTS, asked));
    assert_eq!(name, "socket.io#/#b#");
    assert_eq!(outputs(&mut two), []);
    two.handle_confirmed(id);
    assert_eq!(outputs(&mut two), [answer]);
}

#[test]
fn an_answer_is_not_held_back_for_longer_than_anybody_waits() {
    let mut one = exact("one");
    let socket = connect(&mut one, "s", B);
    subscribe(&mut one);
    join(&mut one, socket, A);
    assert_eq!(subscribed(outputs(&mut one)).1, ROOM_A);
    let asked = r#"{"uid":"other","requestId":"x","type":0,"rooms":[],"count":true,"named":true}"#;
    assert_eq!(hear(&mut one, REQUESTS, asked), []);
    // Redis never confirms the subscription, and is asked again and again.
    while timer(&one).is_some_and(|time| time <= at(6_000)) {
        let now = timer(&one).expect("a time");
        one.handle_timeout(now);
        outputs_at(&mut one, now);
    }
    while let Some(now) = timer(&one).filter(|time| *time <= at(20_000)) {
        one.handle_timeout(now);
        for output in outputs_at(&mut one, now) {
            match output {
                Output::Subscribe { id, .. } => one.handle_confirmed(id),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(outputs_at(&mut one, at(20_000)), []);
}

#[test]
fn rooms_are_subscribed_to_again_with_the_connection() {
    let mut one = exact("one");
    connect(&mut one, "s", A);
    subscribe(&mut one);
    one.handle_lost();
    connect(&mut one, "t", B);
    assert_eq!(outputs(&mut one), []);
    one.handle_ready();
    let mut again = Vec::new();
    for output in outputs(&mut one) {
        let Output::Subscribe { name, .. } = output else { panic!("{output:?}") };
        again.push(name.name);
    }
    assert_eq!(again.len(), 7);
    assert!([ROOM_A, "socket.io#/#b#"].iter().all(|room| again.iter().any(|name| name == room)));
}

#[test]
fn a_room_that_is_refused_is_asked_for_again() {
    let mut one = exact("one");
    connect(&mut one, "s", A);
    let (id, _) = subscribed(outputs(&mut one));
    one.handle_refused(id, NOW);
    assert!(one.is_subscribed(), "what stands does");
    assert_eq!((outputs(&mut one), timer(&one)), (vec![], Some(at(1_100))));
    one.handle_timeout(at(1_100));
    let (again, name) = subscribed(outputs_at(&mut one, at(1_100)));
    assert_eq!(name, ROOM_A);
    assert_ne!(again, id);
}

#[test]
fn an_answer_to_an_earlier_request_does_not_count() {
    let mut one = exact("one");
    connect(&mut one, "s", A);
    let (first, _) = subscribed(outputs(&mut one));
    // Redis takes its time.
    one.handle_timeout(at(6_000));
    one.handle_timeout(at(6_100));
    let (second, _) = subscribed(outputs_at(&mut one, at(6_100)));
    one.handle_confirmed(first);
    one.handle_refused(first, at(6_200));
    assert_eq!(one.stats().subscriptions, 5);
    one.handle_confirmed(second);
    assert_eq!(one.stats().subscriptions, 6);
}

/// Their channels are not told apart by what Redis and its clients make of lone surrogates.
#[test]
fn a_room_with_a_lone_surrogate_is_heard_on_the_channel_that_redis_spells() {
    let mut one = exact("one");
    connect(&mut one, "s", Room::Text(b"a\xed\xa0\x80"));
    assert_eq!(subscribed(outputs(&mut one)).1, "socket.io#/#a\u{fffd}#");
}

/// Sockets that another server is asked to put into a room are heard of before its subscription stands.
#[test]
fn a_broadcast_that_follows_a_remote_join_goes_where_everybody_hears_it() {
    let channel = |one: &mut Adapter, room: Room<'_>| {
        let command = BroadcastCommand {
            body: Body::MessagePack(b"\x91\xa1e"),
            rooms: &[room],
            except: &[],
            flags: b"",
            local: false,
        };
        let mut out = Vec::new();
        let sent = one.broadcast(command, &mut out).expect("an event").expect("it is not local");
        String::from_utf8(out[sent.channel].to_vec()).expect("UTF-8")
    };
    let mut one = exact("one");
    one.join_sockets(&[], &[], &[A], NOW);
    outputs(&mut one);
    assert_eq!(channel(&mut one, A), "socket.io#/#");
    assert_eq!(channel(&mut one, B), "socket.io#/#b#");
    let moment = timer(&one).expect("an end");
    one.handle_timeout(moment);
    assert_eq!((channel(&mut one, A).as_str(), timer(&one)), (ROOM_A, None));
    let mut two = server("two");
    two.join_sockets(&[], &[], &[A], NOW);
    assert_eq!(channel(&mut two, A), ROOM_A);
    // Nothing is left of it when the adapter is closed.
    one.join_sockets(&[], &[], &[A], NOW);
    one.close();
    outputs(&mut one);
    assert_eq!(timer(&one), None);
}
