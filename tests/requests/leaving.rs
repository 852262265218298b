//! Servers that leave while a request waits for them: they are counted again.

use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::{Ending, Output};

use super::{
    NOW, REQUESTS, RESPONSES, TO_ONE, answer, at, complete, ended, hear, outputs, outputs_at, said,
    server, timer, value,
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

/// A server answers.
fn answered(one: &mut Adapter, uid: &str) -> Vec<Output> {
    hear(one, TO_ONE, &said(uid, r#""rooms":[]"#))
}

/// One that does not tell its uid.
fn answered_unnamed(one: &mut Adapter) -> Vec<Output> {
    hear(one, RESPONSES, r#"{"requestId":"one1","rooms":[]}"#)
}

/// The moment of the next count comes; gives the channels of which the subscribers are counted.
fn counted(one: &mut Adapter, moment: u64) -> Vec<String> {
    one.handle_timeout(at(moment - 1));
    assert_eq!(outputs_at(one, at(moment - 1)), []);
    assert_eq!(timer(one), Some(at(moment)));
    one.handle_timeout(at(moment));
    let [Output::Count { request: None, channels }] = &outputs_at(one, at(moment))[..] else {
        panic!("nothing is counted");
    };
    channels.clone()
}

/// So many servers are there now, with this one; gives what comes of it.
fn recount(one: &mut Adapter, moment: u64, counts: &[u32]) -> Vec<Output> {
    one.handle_count(None, counts, at(moment));
    outputs_at(one, at(moment))
}

fn received() -> Output {
    answer(value("[]"))
}

#[test]
fn a_server_that_left_is_not_waited_for() {
    let mut one = asking(2);
    assert_eq!(answered(&mut one, "two"), [received()]);
    assert_eq!(counted(&mut one, 1_300), [REQUESTS, "socket.io-response#/#two#"]);
    assert_eq!(recount(&mut one, 1_310, &[2, 1]), [complete()]);
    assert_eq!(timer(&one), None);
}

#[test]
fn all_that_were_asked_may_leave() {
    let mut one = asking(2);
    assert_eq!(counted(&mut one, 1_300), [REQUESTS]);
    assert_eq!(recount(&mut one, 1_310, &[1]), [complete()]);
    assert_eq!(answered(&mut one, "two"), []);
}

#[test]
fn the_count_goes_on_while_somebody_is_silent() {
    let mut one = asking(2);
    for moment in [1_300, 1_600, 1_900] {
        assert_eq!(counted(&mut one, moment), [REQUESTS]);
        assert_eq!(recount(&mut one, moment, &[3]), []);
    }
    one.handle_timeout(at(2_200));
    assert_eq!(outputs_at(&mut one, at(2_200)).len(), 1);
    // It is not asked for again before it is answered.
    assert_eq!(timer(&one), Some(at(6_000)));
    one.handle_timeout(at(4_000));
    assert_eq!(outputs_at(&mut one, at(4_000)), []);
    one.handle_count_failed(None, at(4_100));
    assert_eq!(timer(&one), Some(at(4_400)), "a count that failed is tried again");
    assert_eq!(counted(&mut one, 4_400), [REQUESTS]);
    assert_eq!(recount(&mut one, 4_410, &[1]), [complete()]);
}

/// Its answer must not stand for the one of a server that is still there and silent.
#[test]
fn a_server_that_answered_and_left_does_not_count_for_a_silent_one() {
    let mut one = asking(2);
    answered(&mut one, "two");
    assert_eq!(counted(&mut one, 1_300), [REQUESTS, "socket.io-response#/#two#"]);
    // "two" is gone, "three" is there.
    assert_eq!(recount(&mut one, 1_310, &[2, 0]), []);
    assert_eq!(answered(&mut one, "three"), [received(), complete()]);
}

/// It answers, leaves, and is counted no more before its answer arrives.
#[test]
fn an_answer_that_was_under_way_when_its_server_left_does_not_count_for_a_silent_one() {
    let mut one = asking(2);
    assert_eq!(counted(&mut one, 1_300), [REQUESTS]);
    // "two" has answered and is gone, "three" is there.
    let early = recount(&mut one, 1_310, &[2]);
    assert_eq!(early, []);
    assert_eq!(answered(&mut one, "two"), [received()], "one is still silent");
    assert_eq!(counted(&mut one, 1_610), [REQUESTS, "socket.io-response#/#two#"]);
    assert_eq!(recount(&mut one, 1_620, &[2, 0]), []);
    assert_eq!(answered(&mut one, "three"), [received(), complete()]);
}

#[test]
fn an_answer_that_came_while_servers_were_counted_is_judged_by_the_next_count() {
    let mut one = asking(2);
    assert_eq!(counted(&mut one, 1_300), [REQUESTS]);
    assert_eq!(answered(&mut one, "two"), [received()]);
    // One left: "two", or the one that is silent.
    assert_eq!(recount(&mut one, 1_310, &[2]), []);
    assert_eq!(counted(&mut one, 1_610), [REQUESTS, "socket.io-response#/#two#"]);
    assert_eq!(recount(&mut one, 1_620, &[2, 1]), [complete()]);
}

#[test]
fn a_server_that_comes_meanwhile_is_not_waited_for() {
    let mut one = asking(2);
    counted(&mut one, 1_300);
    assert_eq!(recount(&mut one, 1_310, &[5]), []);
    assert_eq!(answered(&mut one, "two"), [received()]);
    assert_eq!(answered(&mut one, "three"), [received(), complete()]);
}

/// Servers with older packages do not tell who they are.
#[test]
fn servers_without_names_are_not_waited_for_either() {
    let mut one = asking(3);
    answered_unnamed(&mut one);
    assert_eq!(counted(&mut one, 1_300), [REQUESTS]);
    assert_eq!(recount(&mut one, 1_310, &[3]), []);
    assert_eq!(answered_unnamed(&mut one), [received()]);
    assert_eq!(counted(&mut one, 1_610), [REQUESTS]);
    assert_eq!(recount(&mut one, 1_620, &[3]), [complete()]);
    assert_eq!(timer(&one), None);
}

#[test]
fn one_count_serves_all_that_wait() {
    let mut one = asking(2);
    answered(&mut one, "two");
    one.sockets(&[], None, NOW);
    one.handle_count(Some(2), &[3], NOW);
    outputs(&mut one);
    hear(&mut one, TO_ONE, r#"{"requestId":"one2","sockets":[],"uid":"three"}"#);
    hear(&mut one, TO_ONE, r#"{"requestId":"one2","sockets":[],"uid":"two"}"#);
    one.all_rooms(None, NOW);
    let (three, two) = ("socket.io-response#/#three#", "socket.io-response#/#two#");
    one.sockets(&[], None, NOW);
    one.handle_count(Some(4), &[3], NOW);
    outputs(&mut one);
    hear(&mut one, TO_ONE, r#"{"requestId":"one4","sockets":[],"uid":"three"}"#);
    assert_eq!(counted(&mut one, 1_300), [REQUESTS, three, two]);
    // "three" has left: the first request is complete, the third was not counted, and the fourth
    // waits for "two".
    assert_eq!(recount(&mut one, 1_310, &[2, 0, 1]), [complete()]);
    one.handle_count(Some(3), &[1], NOW);
    let third = Output::Ended { request: 3, ending: Ending::Complete };
    assert_eq!(outputs(&mut one), [third]);
    let taken = hear(&mut one, TO_ONE, r#"{"requestId":"one4","sockets":[],"uid":"two"}"#);
    let fourth = Output::Ended { request: 4, ending: Ending::Complete };
    assert_eq!(taken.last(), Some(&fourth));
    assert_eq!(timer(&one), None);
}

#[test]
fn a_count_that_comes_late_says_nothing_of_later_requests() {
    let mut one = asking(1);
    counted(&mut one, 1_300);
    assert_eq!(answered(&mut one, "two").last(), Some(&complete()));
    // A second server has come since, and is asked too.
    one.all_rooms(None, at(1_310));
    outputs(&mut one);
    one.handle_count(Some(2), &[3], at(1_310));
    outputs(&mut one);
    assert_eq!(recount(&mut one, 1_400, &[1]), []);
    let first = hear(&mut one, TO_ONE, r#"{"requestId":"one2","rooms":[],"uid":"two"}"#);
    assert_eq!(first.len(), 1, "another is waited for: {first:?}");
}

#[test]
fn time_is_over_nevertheless() {
    let mut one = asking(3);
    answered(&mut one, "two");
    counted(&mut one, 1_300);
    recount(&mut one, 1_310, &[3, 1]);
    one.handle_timeout(at(6_000));
    let last = outputs_at(&mut one, at(6_000));
    assert!(last.contains(&ended(Ending::TimedOut { missing: Some(1) })), "{last:?}");
    assert_eq!(timer(&one), None);
}
