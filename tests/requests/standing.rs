//! How an adapter stands, by its counters, and what it tells of what went wrong.

use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::{Fault, Output};
use socketio_redis_edge::options::Options;

use super::{A, NOW, REQUESTS, at, outputs, outputs_at, server, subscribe, unconnected};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn it_is_degraded_until_every_subscription_stands() {
    let mut one = unconnected("one", Options::default());
    let standing = |one: &Adapter| {
        let stats = one.stats();
        (stats.connected, stats.degraded, stats.subscriptions)
    };
    assert_eq!(standing(&one), (0, 1, 0));
    one.handle_ready();
    assert_eq!(standing(&one), (1, 1, 0));
    subscribe(&mut one);
    assert_eq!(standing(&one), (1, 0, 4));
    one.handle_lost();
    assert_eq!(standing(&one), (0, 1, 0));
    one.handle_ready();
    subscribe(&mut one);
    assert_eq!(standing(&one), (1, 0, 4));
}

#[test]
fn it_is_degraded_from_a_message_that_redis_did_not_take_until_a_probe_is_taken() {
    let mut one = server("one");
    one.report(Fault::Publish, false, NOW);
    assert_eq!((one.stats().degraded, one.stats().publish_failed), (1, 1));
    assert!(one.is_subscribed(), "nobody waits for the probe");
    let soon = one.poll_timeout().expect("a probe is due");
    assert_eq!(soon, at(1_100));
    one.handle_timeout(soon);
    let probe = outputs_at(&mut one, soon);
    assert!(matches!(&probe[..], [Output::Publish { token: Some(0), .. }]), "{probe:?}");
    one.handle_publish_failed(0, soon);
    one.report(Fault::Publish, false, soon);
    assert_eq!((one.stats().degraded, one.stats().publish_failed), (1, 2));
    let later = one.poll_timeout().expect("another is due");
    one.handle_timeout(later);
    assert_eq!(outputs_at(&mut one, later), probe);
    one.handle_published(0, later);
    assert_eq!(one.stats().degraded, 0);
}

#[test]
fn everything_that_comes_and_goes_is_counted_with_its_bytes() {
    let mut one = server("one");
    let before = one.stats();
    assert!(!one.handle_channel(b"socket.io#/#elsewhere#", 1_000));
    one.handle_message(b"\xc1\xc1", &mut Vec::new(), &mut Vec::new());
    one.handle_control(REQUESTS.as_bytes(), b"{}", NOW).expect_err("no request");
    let after = one.stats();
    let more = (after.messages_in - before.messages_in, after.bytes_in - before.bytes_in);
    assert_eq!(more, (3, 1_004));
    assert_eq!((after.unwanted, after.malformed), (1, 2));

    one.sockets(&[A], None, NOW);
    assert_eq!(one.stats().open_requests, 1);
    one.handle_count(Some(1), &[2], NOW);
    let bytes: usize = outputs(&mut one)
        .iter()
        .map(|output| match output {
            Output::Publish { message, .. } => message.len(),
            _ => 0,
        })
        .sum();
    assert!(bytes > 0);
    assert_eq!(one.stats().messages_out, after.messages_out + 1);
    assert_eq!(one.stats().bytes_out, after.bytes_out + bytes as u64);
}

#[test]
fn a_request_that_nobody_answers_in_time_is_counted() {
    let mut one = server("one");
    one.sockets(&[A], None, NOW);
    outputs(&mut one);
    one.handle_count(Some(1), &[3], NOW);
    outputs(&mut one);
    one.handle_timeout(at(6_000));
    assert_eq!((one.stats().timeouts, one.stats().open_requests), (1, 0));
}

#[test]
fn a_subscription_that_dies_in_silence_is_told_of_and_all_are_made_anew() {
    let mut one = server("one");
    let mut told = Vec::new();
    while let Some(now) = one.poll_timeout().filter(|time| *time < at(14_000)) {
        one.note_traffic(0);
        one.handle_timeout(now);
        for output in outputs_at(&mut one, now) {
            match output {
                Output::Publish { token: Some(0), .. } => one.handle_published(0, now),
                Output::Deaf { name } => told.push(name),
                Output::Subscribe { anew, name, .. } => told.push(format!("{} {anew}", name.name)),
                other => panic!("{other:?}"),
            }
        }
    }
    let anew = |name: &str| format!("{name} true");
    let expected = [
        "socket.io#/#*".to_owned(),
        anew("socket.io#/#*"),
        anew("socket.io-request#/#"),
        anew("socket.io-response#/#"),
        anew("socket.io-response#/#one#"),
    ];
    assert_eq!(told, expected);
    assert!(!one.is_subscribed());
}

#[test]
fn a_fault_is_told_of_to_whoever_listens_once_a_minute() {
    let mut one = server("one");
    assert_eq!(one.report(Fault::Malformed, false, NOW), None);
    assert_eq!(one.report(Fault::Malformed, true, NOW), Some(2));
    assert_eq!(one.report(Fault::Malformed, true, at(60_999)), None);
    assert_eq!(one.report(Fault::Unexpected, true, at(60_999)), Some(1));
    assert_eq!(one.report(Fault::Malformed, true, at(61_000)), Some(2));
    assert_eq!((one.stats().malformed, one.stats().unexpected), (0, 1));
}
