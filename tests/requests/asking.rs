//! Questions: what is published, where, and what the answers to it become.

use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::{Ending, Output, Value};
use socketio_redis_edge::dialect::Data;
use socketio_redis_edge::options::Options;
use socketio_redis_edge::room::Room;

use super::{
    A, B, NOW, REQUESTS, RESPONSES, TO_ONE, answer, bring, complete, connect, count, hear, join,
    only, outputs, published, request, said, server, timer, unconnected, undefined, value,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn questions_are_published_when_the_servers_are_counted() {
    type Question = (fn(&mut Adapter) -> u32, &'static str);
    let questions: [Question; 6] = [
        (
            |one| one.all_rooms(None, NOW),
            r#"{"uid":"one","requestId":"one1","type":1,"named":true}"#,
        ),
        (
            |one| one.sockets(&[A, Room::Number(42.0)], None, NOW),
            r#"{"uid":"one","requestId":"one1","type":0,"rooms":["a",42],"named":true}"#,
        ),
        (
            |one| one.count(&[A], None, NOW),
            r#"{"uid":"one","requestId":"one1","type":0,"rooms":["a"],"count":true,"named":true}"#,
        ),
        (
            |one| one.fetch_sockets(&[A], &[B], None, NOW),
            r#"{"uid":"one","requestId":"one1","type":5,"opts":{"rooms":["a"],"except":["b"]},"named":true}"#,
        ),
        (
            |one| one.fetch_sockets(&[], &[], None, NOW),
            r#"{"uid":"one","requestId":"one1","type":5,"opts":{"rooms":[],"except":[]},"named":true}"#,
        ),
        (
            |one| one.server_side_emit_with_ack(Data::json(br#"["e",{"x":1}]"#), None, NOW),
            r#"{"uid":"one","requestId":"one1","type":6,"data":["e",{"x":1}],"named":true}"#,
        ),
    ];
    for (ask, message) in questions {
        let mut one = server("one");
        assert_eq!(ask(&mut one), 1);
        assert_eq!(outputs(&mut one), [count()], "{message}");
        one.handle_count(Some(1), &[3], NOW);
        assert_eq!(outputs(&mut one), [request(message)]);
        // Nobody but itself is there.
        let mut alone = server("one");
        ask(&mut alone);
        outputs(&mut alone);
        alone.handle_count(Some(1), &[1], NOW);
        assert_eq!(outputs(&mut alone), [complete()], "{message}");
        assert_eq!(timer(&alone), None);
    }
}

#[test]
fn a_question_about_one_socket_is_published_at_once() {
    type Question = (fn(&mut Adapter) -> u32, &'static str);
    let questions: [Question; 3] = [
        (
            |one| one.join_socket(b"s", Room::Number(42.0), NOW),
            r#"{"uid":"one","requestId":"one1","type":2,"sid":"s","room":42,"named":true}"#,
        ),
        (
            |one| one.leave_socket(b"s", A, NOW),
            r#"{"uid":"one","requestId":"one1","type":3,"sid":"s","room":"a","named":true}"#,
        ),
        (
            |one| one.disconnect_socket(b"s", true, NOW),
            r#"{"uid":"one","requestId":"one1","type":4,"sid":"s","close":true,"named":true}"#,
        ),
    ];
    for (ask, message) in questions {
        let (mut one, mut two, mut three) = (server("one"), server("two"), server("three"));
        let slot = connect(&mut two, "s", B);
        assert_eq!(ask(&mut one), 1);
        let asked = only(outputs(&mut one));
        assert_eq!(asked, request(message));
        assert_eq!(bring(&asked, &mut three), [], "a server without the socket is silent");
        let [done, told] = bring(&asked, &mut two).try_into().expect("two");
        let sockets = match done {
            Output::Join { sockets, .. }
            | Output::Leave { sockets, .. }
            | Output::Disconnect { sockets, close: true } => sockets,
            other => panic!("{other:?}"),
        };
        assert_eq!(sockets, [slot]);
        let expected = r#"{"requestId":"one1","uid":"two"}"#;
        assert_eq!(told, published(None, TO_ONE, expected));
        assert_eq!(bring(&told, &mut one), [answer(value("1")), complete()], "{message}");
        assert_eq!(timer(&one), None);
    }
}

#[test]
fn what_nobody_answers_is_published_and_forgotten() {
    type Command = (fn(&mut Adapter), &'static str);
    let commands: [Command; 5] = [
        (
            |one| one.join_sockets(&[A], &[B], &[Room::Text(b"x"), Room::Number(1.0)], NOW),
            r#"{"uid":"one","type":2,"opts":{"rooms":["a"],"except":["b"]},"rooms":["x",1]}"#,
        ),
        (
            |one| one.leave_sockets(&[], &[], &[A]),
            r#"{"uid":"one","type":3,"opts":{"rooms":[],"except":[]},"rooms":["a"]}"#,
        ),
        (
            |one| one.disconnect_sockets(&[A], &[], false),
            r#"{"uid":"one","type":4,"opts":{"rooms":["a"],"except":[]},"close":false}"#,
        ),
        (
            |one| one.disconnect_sockets(&[], &[B], true),
            r#"{"uid":"one","type":4,"opts":{"rooms":[],"except":["b"]},"close":true}"#,
        ),
        (
            |one| one.server_side_emit(Data::json(br#"["e","\ud800",[]]"#)),
            r#"{"uid":"one","type":6,"data":["e","\ud800",[]]}"#,
        ),
    ];
    for (tell, message) in commands {
        let mut one = server("one");
        tell(&mut one);
        assert_eq!(outputs(&mut one), [published(None, REQUESTS, message)]);
        assert_eq!(timer(&one), None);
    }
}

#[test]
fn lists_and_numbers_of_every_server_are_handed_on() {
    type Question = (fn(&mut Adapter) -> u32, [&'static str; 2], [&'static str; 2]);
    let questions: [Question; 3] = [
        (
            |one| one.all_rooms(None, NOW),
            [r#""rooms":["a"]"#, r#""rooms":["b"]"#],
            [r#"["a"]"#, r#"["b"]"#],
        ),
        (
            |one| one.sockets(&[A], None, NOW),
            [r#""sockets":["s"]"#, r#""sockets":[]"#],
            [r#"["s"]"#, "[]"],
        ),
        (|one| one.count(&[A], None, NOW), [r#""count":1"#, r#""count":0"#], ["1", "0"]),
    ];
    for (ask, members, values) in questions {
        let mut one = server("one");
        let mut others = [server("two"), server("three")];
        connect(&mut others[0], "s", A);
        connect(&mut others[1], "t", B);
        ask(&mut one);
        one.handle_count(Some(1), &[3], NOW);
        let asked = outputs(&mut one).pop().expect("a request");
        for (number, other) in others.iter_mut().enumerate() {
            let answered = only(bring(&asked, other));
            let uid = ["two", "three"][number];
            let message = said(uid, members[number]);
            assert_eq!(answered, published(None, TO_ONE, &message));
            let mut taken = vec![answer(value(values[number]))];
            taken.extend((number == 1).then(complete));
            assert_eq!(bring(&answered, &mut one), taken);
        }
        assert_eq!((timer(&one), one.stats().answers), (None, 2));
    }
}

#[test]
fn sockets_are_described_by_the_host() {
    let (mut one, mut two) = (server("one"), server("two"));
    let slot = connect(&mut two, "s", A);
    let excepted = connect(&mut two, "t", A);
    join(&mut two, excepted, B);
    one.fetch_sockets(&[A], &[B], None, NOW);
    one.handle_count(Some(1), &[2], NOW);
    let asked = outputs(&mut one).pop().expect("a request");
    let Output::Fetch { sockets, reply } = only(bring(&asked, &mut two)) else {
        panic!("nothing to describe");
    };
    assert_eq!(sockets, [slot]);
    let details = r#"[{"id":"s","handshake":{"time":"now"},"rooms":["a"],"data":{"\ud800":1}}]"#;
    two.handle_described(reply, Data::json(details.as_bytes()));
    let answered = only(outputs(&mut two));
    let message = format!(r#"{{"requestId":"one1","sockets":{details},"uid":"two"}}"#);
    assert_eq!(answered, published(None, TO_ONE, &message));
    // Hosts read JSON faster than anything that is made of it.
    let object = Value::Json { object: message.into_bytes(), member: "sockets" };
    assert_eq!(bring(&answered, &mut one), [answer(object), complete()]);
}

#[test]
fn listeners_call_back_with_a_value_or_with_none() {
    for (given, members, taken) in [
        (Some(&br#"[1,["x"]]"#[..]), r#","data":[1,["x"]]"#, value(r#"[1,["x"]]"#)),
        (Some(b"null"), r#","data":null"#, value("null")),
        (None, "", undefined()),
    ] {
        let (mut one, mut two) = (server("one"), server("two"));
        one.server_side_emit_with_ack(Data::json(br#"["e",7]"#), None, NOW);
        one.handle_count(Some(1), &[2], NOW);
        let asked = outputs(&mut one).pop().expect("a request");
        let Output::ServerSideEmit { data, reply: Some(reply) } = only(bring(&asked, &mut two))
        else {
            panic!("no event");
        };
        assert_eq!(data, value(r#"["e",7]"#));
        two.handle_called_back(reply, given.map(Data::json));
        let answered = only(outputs(&mut two));
        let message = format!(r#"{{"type":6,"requestId":"one1"{members},"uid":"two"}}"#);
        assert_eq!(answered, published(None, TO_ONE, &message));
        assert_eq!(bring(&answered, &mut one), [answer(taken), complete()]);
    }
}

#[test]
fn older_servers_answer_a_count_with_the_ids() {
    let mut one = server("one");
    one.count(&[A], None, NOW);
    one.handle_count(Some(1), &[3], NOW);
    outputs(&mut one);
    let ids = r#"{"requestId":"one1","sockets":["s","t"]}"#;
    assert_eq!(hear(&mut one, RESPONSES, ids), [answer(value("2"))]);
    let none = r#"{"requestId":"one1","sockets":[]}"#;
    assert_eq!(hear(&mut one, RESPONSES, none), [answer(value("0")), complete()]);
}

#[test]
fn a_server_that_is_not_subscribed_is_not_among_those_that_are_counted() {
    let mut one = unconnected("one", Options::default());
    one.all_rooms(None, NOW);
    one.handle_count(Some(1), &[1], NOW);
    let asked = outputs(&mut one);
    assert_eq!(asked.len(), 2, "the one that is counted is another: {asked:?}");
    let heard = hear(&mut one, RESPONSES, &said("two", r#""rooms":[]"#));
    assert_eq!(heard, [answer(value("[]")), complete()]);
}

#[test]
fn a_server_that_asks_while_it_is_subscribing_does_not_take_another_for_itself() {
    let mut one = unconnected("one", Options::default());
    one.handle_ready();
    let starting = outputs(&mut one);
    one.all_rooms(None, NOW);
    assert_eq!(outputs(&mut one), [count()]);
    // Redis has counted one other; that this server is subscribed is known before the number is.
    for output in starting {
        if let Output::Subscribe { id, .. } = output {
            one.handle_confirmed(id);
        }
    }
    one.handle_count(Some(1), &[1], NOW);
    let asked = outputs(&mut one);
    assert!(asked.iter().any(|output| matches!(output, Output::Publish { token: Some(1), .. })));
    assert!(!asked.contains(&complete()));
}

#[test]
fn every_request_has_its_own_id() {
    let mut one = server("one");
    for number in 1..=3 {
        assert_eq!(one.all_rooms(None, NOW), number);
        outputs(&mut one);
        one.handle_count(Some(number), &[2], NOW);
        let message = format!(r#"{{"uid":"one","requestId":"one{number}","type":1,"named":true}}"#);
        assert_eq!(outputs(&mut one), [published(Some(number), REQUESTS, &message)]);
    }
    let second = r#"{"requestId":"one2","rooms":[]}"#;
    let ended = Output::Ended { request: 2, ending: Ending::Complete };
    let answered = Output::Answer { request: 2, value: value("[]") };
    assert_eq!(hear(&mut one, RESPONSES, second), [answered, ended]);
}
