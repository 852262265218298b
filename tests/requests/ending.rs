//! How requests end: once, whatever comes late, twice or from elsewhere, and with nothing left behind.

use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::{Ending, Output};
use socketio_redis_edge::dialect::Data;
use socketio_redis_edge::options::Options;
use socketio_redis_edge::time::Duration;

use super::{
    A, NOW, RESPONSES, TO_ONE, answer, at, complete, connect, ended, hear, outputs, outputs_at,
    said, server, server_with, timer, value,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The server "one", which waits for the rooms of so many others.
fn asking(others: u32) -> Adapter {
    let mut one = server("one");
    one.all_rooms(None, NOW);
    one.handle_count(Some(1), &[others + 1], NOW);
    outputs(&mut one);
    one
}

fn rooms(uid: &str) -> String {
    said(uid, r#""rooms":["a"]"#)
}

fn one_answer() -> Output {
    answer(value(r#"["a"]"#))
}

/// Nothing more comes of the request, whatever happens.
fn assert_over(one: &mut Adapter) {
    let (answers, unwanted) = (one.stats().answers, one.stats().unwanted);
    assert_eq!(hear(one, TO_ONE, &rooms("late")), []);
    assert_eq!((one.stats().answers, one.stats().unwanted), (answers, unwanted + 1));
    one.handle_count(Some(1), &[5], NOW);
    one.handle_count_failed(Some(1), NOW);
    one.handle_publish_failed(1, NOW);
    assert_eq!(outputs(one), []);
    assert_eq!(timer(one), None);
    one.handle_timeout(at(7_000));
    assert_eq!(outputs(one), []);
}

#[test]
fn a_request_ends_with_its_last_answer() {
    let mut one = asking(3);
    assert_eq!(hear(&mut one, TO_ONE, &rooms("two")), [one_answer()]);
    // Answers come on the channel that everybody hears as well.
    assert_eq!(hear(&mut one, RESPONSES, &rooms("three")), [one_answer()]);
    assert_eq!(hear(&mut one, TO_ONE, &rooms("four")), [one_answer(), complete()]);
    assert_over(&mut one);
}

#[test]
fn a_server_that_answers_twice_counts_once() {
    let mut one = asking(2);
    assert_eq!(hear(&mut one, TO_ONE, &rooms("two")), [one_answer()]);
    for _ in 0..3 {
        assert_eq!(hear(&mut one, TO_ONE, &rooms("two")), []);
    }
    assert_eq!(one.stats().unwanted, 3);
    assert_eq!(hear(&mut one, TO_ONE, &rooms("three")), [one_answer(), complete()]);
    assert_over(&mut one);
}

#[test]
fn an_answer_to_something_else_does_not_count() {
    let mut one = asking(1);
    for stray in [
        // Another server's request, another request of this one, one of no server's.
        r#"{"requestId":"two1","rooms":["a"]}"#,
        r#"{"requestId":"one2","rooms":["a"]}"#,
        r#"{"requestId":"one","rooms":["a"]}"#,
        r#"{"requestId":"","rooms":["a"]}"#,
        r#"{"requestId":"one99999999999","rooms":["a"]}"#,
        r#"{"requestId":"one-1","rooms":["a"]}"#,
        // Not what was asked.
        r#"{"requestId":"one1"}"#,
        r#"{"requestId":"one1","sockets":["a"]}"#,
        r#"{"requestId":"one1","sockets":[]}"#,
        r#"{"requestId":"one1","count":1}"#,
        r#"{"type":6,"requestId":"one1","data":["a"]}"#,
        r#"{"type":8,"requestId":"one1","clientCount":1}"#,
    ] {
        assert_eq!(hear(&mut one, RESPONSES, stray), [], "{stray}");
    }
    assert_eq!((one.stats().unwanted, one.stats().answers), (12, 0));
    assert_eq!(hear(&mut one, TO_ONE, &rooms("two")), [one_answer(), complete()]);
}

#[test]
fn an_answer_that_comes_before_the_count_counts() {
    let mut one = server("one");
    one.all_rooms(None, NOW);
    outputs(&mut one);
    assert_eq!(hear(&mut one, TO_ONE, &rooms("two")), [one_answer()]);
    one.handle_count(Some(1), &[2], NOW);
    assert_eq!(outputs(&mut one).last(), Some(&complete()));
    assert_over(&mut one);
}

#[test]
fn time_that_is_over_tells_how_many_are_missing() {
    for (others, answered, missing) in [(1, 0, 1), (3, 0, 3), (3, 2, 1)] {
        let mut one = asking(others);
        for number in 0..answered {
            hear(&mut one, TO_ONE, &rooms(&format!("other{number}")));
        }
        one.handle_timeout(at(5_999));
        let early = outputs_at(&mut one, at(5_999));
        assert!(!early.iter().any(|output| matches!(output, Output::Ended { .. })), "{early:?}");
        one.handle_timeout(at(6_000));
        let missing = Some(missing);
        assert_eq!(outputs_at(&mut one, at(6_000)), [ended(Ending::TimedOut { missing })]);
        assert_over(&mut one);
    }
}

#[test]
fn a_request_whose_servers_were_never_counted_ends_in_time() {
    let mut one = server("one");
    one.fetch_sockets(&[], &[], None, NOW);
    outputs(&mut one);
    assert_eq!(timer(&one), Some(at(6_000)));
    one.handle_timeout(at(6_000));
    assert_eq!(outputs(&mut one), [ended(Ending::TimedOut { missing: None })]);
    assert_over(&mut one);
}

#[test]
fn time_is_what_the_option_or_the_question_says() {
    let requests_timeout = Duration::from_millis(200);
    let mut one = server_with("one", Options { requests_timeout, ..Options::default() });
    one.all_rooms(None, NOW);
    assert_eq!(timer(&one), Some(at(1_200)));
    one.all_rooms(Some(Duration::from_millis(50)), NOW);
    assert_eq!(timer(&one), Some(at(1_050)));
    one.join_socket(b"s", A, NOW);
    one.all_rooms(Some(Duration::from_millis(u64::MAX)), NOW);
    outputs(&mut one);
    one.handle_timeout(at(1_200));
    let numbers: Vec<u32> = outputs(&mut one)
        .into_iter()
        .map(|output| match output {
            Output::Ended { request, ending: Ending::TimedOut { .. } } => request,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(numbers, [2, 1, 3]);
    // As long as a timer of JavaScript can be.
    let end = NOW + Duration::LONGEST;
    one.handle_timeout(at(end.as_millis() - 1));
    assert_eq!(one.stats().open_requests, 1);
    one.handle_timeout(end);
    assert_eq!((one.stats().open_requests, one.stats().timeouts), (0, 4));
}

#[test]
fn nobody_having_the_socket_is_one_missing() {
    let mut one = server("one");
    one.join_socket(b"nobody", A, NOW);
    outputs(&mut one);
    assert_eq!(timer(&one), Some(at(6_000)), "servers are not counted for one");
    one.handle_timeout(at(6_000));
    assert_eq!(outputs(&mut one), [ended(Ending::TimedOut { missing: Some(1) })]);
    assert_over(&mut one);
}

#[test]
fn what_redis_does_not_take_fails_at_once() {
    let mut uncounted = server("one");
    uncounted.all_rooms(None, NOW);
    outputs(&mut uncounted);
    uncounted.handle_count_failed(Some(1), NOW);
    let mut unpublished = asking(2);
    unpublished.handle_publish_failed(1, NOW);
    let mut single = server("one");
    single.disconnect_socket(b"s", false, NOW);
    outputs(&mut single);
    single.handle_publish_failed(1, NOW);
    for mut one in [uncounted, unpublished, single] {
        assert_eq!(outputs(&mut one), [ended(Ending::Failed)]);
        assert_over(&mut one);
    }
}

#[test]
fn closing_ends_everything_and_leaves_no_timer() {
    let mut one = server("one");
    connect(&mut one, "s", A);
    one.all_rooms(None, NOW);
    one.fetch_sockets(&[], &[], None, NOW);
    one.join_socket(b"elsewhere", A, NOW);
    outputs(&mut one);
    one.handle_count(Some(2), &[3], NOW);
    // A client here has still to acknowledge.
    let asked =
        r#"{"uid":"other","requestId":"x","type":7,"packet":{"type":2,"data":["e"]},"opts":{}}"#;
    let asked = hear(&mut one, super::REQUESTS, asked);
    let Some(Output::Acknowledge { token, .. }) = asked.last() else { panic!("{asked:?}") };
    one.handle_sent(*token, 1);
    outputs(&mut one);

    one.close();
    let mut closing = outputs(&mut one);
    closing.retain(|output| !matches!(output, Output::Unsubscribe { .. }));
    let closed = |request| Output::Ended { request, ending: Ending::Closed };
    let forget = Output::Forget { token: *token };
    assert_eq!(closing, [closed(1), closed(2), closed(3), forget]);
    assert_eq!(timer(&one), None);
    one.handle_acknowledged(*token, None);
    one.close();
    assert_eq!(outputs(&mut one), []);
    assert_eq!(hear(&mut one, TO_ONE, &said("two", r#""sockets":[]"#)), []);
    one.handle_timeout(at(7_000));
    assert_eq!((outputs(&mut one), timer(&one)), (vec![], None));
}

/// Messages are under way while subscriptions are given up.
#[test]
fn what_comes_after_closing_begins_nothing() {
    let mut one = server("one");
    connect(&mut one, "s", A);
    one.close();
    outputs(&mut one);
    for request in [
        r#"{"uid":"other","requestId":"x","type":7,"packet":{"type":2,"data":["e"]},"opts":{}}"#,
        r#"{"uid":"other","requestId":"x","type":5,"opts":{}}"#,
        r#"{"uid":"other","requestId":"x","type":1}"#,
    ] {
        assert_eq!(hear(&mut one, super::REQUESTS, request), [], "{request}");
        assert_eq!(timer(&one), None);
    }
}

#[test]
fn a_closed_server_asks_nobody_but_is_still_heard() {
    let mut one = server("one");
    one.close();
    outputs(&mut one);
    one.join_socket(b"s", A, NOW);
    assert_eq!(outputs(&mut one), [ended(Ending::Closed)]);
    one.server_side_emit(Data::json(br#"["e"]"#));
    let [Output::Publish { token: None, .. }] = &outputs(&mut one)[..] else {
        panic!("it is not published");
    };
}

#[test]
fn an_id_that_is_spelt_otherwise_is_another() {
    let mut one = server("one");
    one.join_socket(b"s", A, NOW);
    outputs(&mut one);
    for id in ["one+1", "one01", "one1 ", "one", "two1"] {
        assert_eq!(hear(&mut one, RESPONSES, &format!(r#"{{"requestId":"{id}"}}"#)), [], "{id}");
    }
    assert_eq!(hear(&mut one, RESPONSES, r#"{"requestId":"one1"}"#).last(), Some(&complete()));
}
