//! An adapter whose host calls in any order: it is never kept busy, and nothing is left of it.

use std::collections::BTreeSet;

use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::{Body, BroadcastCommand, ClientProtocol, Output};
use socketio_redis_edge::id::{Namespace, Uid};
use socketio_redis_edge::options::{Options, SubscriptionMode};
use socketio_redis_edge::time::Time;

use super::sim::Random;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn adapter(seed: u64) -> Adapter {
    let uid = Uid::parse("abcdef").expect("a uid");
    let nsp = Namespace::parse("/").expect("a namespace");
    let subscription_mode = match seed % 2 {
        0 => SubscriptionMode::Pattern,
        _ => SubscriptionMode::Exact,
    };
    let options = Options { subscription_mode, ..Options::default() };
    Adapter::new(uid, nsp, options, ClientProtocol::Text, 1)
}

/// Calls one of the methods by which the world reaches an adapter.
fn disturb(adapter: &mut Adapter, random: &mut Random, now: Time, probe: Option<&[u8]>) {
    let id = random.within(0..7) as u32;
    let number = random.within(1..6) as u32;
    let request = random.thousandths(500).then_some(number);
    match random.index(16) {
        0 => adapter.handle_ready(),
        1 => adapter.handle_lost(),
        2..5 => adapter.handle_confirmed(id),
        5 => adapter.handle_refused(id, now),
        6 => adapter.handle_ended(id),
        7 => adapter.handle_timeout(now),
        8 => adapter.handle_published(id, now),
        9 => adapter.handle_publish_failed(id, now),
        10 => adapter.handle_count(request, &[number, 0, 1], now),
        11 => adapter.handle_count_failed(request, now),
        12 => control(adapter, random, now),
        13 => ask(adapter, random, now),
        14 => join_or_leave(adapter, random, now),
        _ => {
            adapter.handle_message(probe.unwrap_or(b"\xc1"), &mut Vec::new(), &mut Vec::new());
        }
    }
}

/// A request or an answer comes in.
fn control(adapter: &mut Adapter, random: &mut Random, now: Time) {
    let id = random.within(1..9);
    let (channel, message) = match random.index(4) {
        0 => ("response", format!("{{\"requestId\":\"abcdef{id}\",\"rooms\":[]}}")),
        1 => (
            "response",
            format!("{{\"type\":8,\"requestId\":\"abcdef{id}\",\"clientCount\":{id}}}"),
        ),
        2 => (
            "request",
            format!(
                "{{\"uid\":\"other{id}\",\"requestId\":\"x\",\"type\":0,\"count\":true}}"
            ),
        ),
        _ => (
            "request",
            "{\"uid\":\"other\",\"requestId\":\"x\",\"type\":7,\"packet\":{\"data\":[\"e\"]},\"opts\":{}}"
                .to_owned(),
        ),
    };
    let channel = format!("socket.io-{channel}#/#");
    let taken = adapter.handle_control(channel.as_bytes(), message.as_bytes(), now);
    taken.expect("well-formed");
    let (token, clients) = (random.within(1..4) as u32, random.within(0..3) as u32);
    adapter.handle_sent(token, clients);
    adapter.handle_acknowledged(token, None);
}

fn ask(adapter: &mut Adapter, random: &mut Random, now: Time) {
    let room = super::room("a");
    match random.index(4) {
        0 => {
            adapter.all_rooms(None, now);
        }
        1 => {
            adapter.join_socket(b"s", room, now);
        }
        2 => adapter.join_sockets(&[], &[], &[room], now),
        _ => {
            let body = Body::MessagePack(b"\x91\xa1e");
            let command =
                BroadcastCommand { body, rooms: &[], except: &[], flags: b"", local: false };
            adapter.broadcast_with_ack(command, None, now).expect("an event");
        }
    }
}

fn join_or_leave(adapter: &mut Adapter, random: &mut Random, now: Time) {
    let rooms = [&b"\xa1a"[..], b"\xa1b"];
    let (socket, room) = (adapter.intern(b"\xa1s"), adapter.intern(rooms[random.index(2)]));
    match random.index(4) {
        0 => {
            adapter.disconnect(socket, |_, _| ());
        }
        1 => {
            adapter.leave(socket, room);
        }
        2 => {
            adapter.await_rooms(&[room], now);
        }
        _ => {
            adapter.join(socket, room);
        }
    }
}

#[test]
fn whatever_order_a_host_calls_in_it_is_never_kept_busy() {
    for seed in 0..3_000 {
        let mut random = Random::new(seed);
        let (mut adapter, mut now, mut probe) = (adapter(seed), 0, None);
        let mut ended = BTreeSet::new();
        for _ in 0..60 {
            // Now and then the clock is at its end.
            now = if seed % 50 < 2 { u64::MAX - 3_000 } else { now } + random.within(0..3_000);
            let time = Time::from_millis(now);
            disturb(&mut adapter, &mut random, time, probe.as_deref());
            adapter.handle_timeout(time);
            for outputs in 0.. {
                match adapter.poll_output(time) {
                    Some(Output::Publish { token: Some(0), message, .. }) => probe = Some(message),
                    Some(Output::Ended { request, .. }) => {
                        assert!(ended.insert(request), "seed {seed}: {request} ends twice");
                    }
                    Some(_) => {}
                    None => break,
                }
                assert!(outputs < 40, "seed {seed}");
            }
            let timer = adapter.poll_timeout();
            assert!(timer.is_none_or(|timer| timer > time), "seed {seed}: {timer:?} at {time:?}");
        }
    }
}

#[test]
fn nothing_wakes_an_adapter_that_is_closed() {
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let (mut adapter, mut unsubscribed) = (adapter(seed), BTreeSet::new());
        let life = random.index(30);
        for step in 0..60 {
            let now = Time::from_millis(step as u64 * 300);
            disturb(&mut adapter, &mut random, now, None);
            if step == life {
                adapter.close();
            }
            while let Some(output) = adapter.poll_output(now) {
                match output {
                    Output::Unsubscribe { id, .. } => {
                        assert!(step < life || unsubscribed.insert(id), "seed {seed}: {id} twice");
                    }
                    // What it is asked to do then, it does or says that it cannot.
                    Output::Ended { .. } | Output::Publish { .. } => {}
                    other => assert!(step <= life, "seed {seed}: {other:?}"),
                }
            }
            if step >= life {
                assert_eq!(adapter.poll_timeout(), None, "seed {seed}");
                assert!(!adapter.is_subscribed(), "seed {seed}");
            }
        }
    }
}
