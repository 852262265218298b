//! Clusters of servers on a simulated Redis: who hears what, and how subscriptions survive.

use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::{ClientProtocol, Output};
use socketio_redis_edge::id::{Namespace, Uid};
use socketio_redis_edge::options::Options;
use socketio_redis_edge::time::Time;

mod sim;

use sim::{Cluster, Faults, Random};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// The longest that a subscription takes once nothing goes wrong any more: an answer that will
/// never come, then a pause, then two probes that are lost, then another pause.
const HEALING: u64 = 20_000;

const ROOMS: [&str; 4] = ["a", "b", "c", "sid 1"];

/// Something that an application does, or some time.
fn act(cluster: &mut Cluster) {
    let server = cluster.random.index(cluster.servers.len());
    let sid = format!("sid {}", cluster.random.index(4));
    let room = ROOMS[cluster.random.index(ROOMS.len())];
    let other = ROOMS[cluster.random.index(ROOMS.len())];
    match cluster.random.index(12) {
        0..3 => cluster.join(server, &sid, room),
        3 => cluster.part(server, &sid),
        4 => cluster.broadcast(server, &[], &[]),
        5 => cluster.broadcast(server, &[room], &[]),
        6 => cluster.broadcast(server, &[room, other], &[]),
        7 => cluster.broadcast(server, &[], &[room, "nobody"]),
        8 => cluster.broadcast(server, &["nobody", room], &[other]),
        _ => {
            let pause = cluster.random.within(1..40);
            cluster.run(pause);
        }
    }
}

/// Everybody broadcasts once, which everybody else must hear.
fn prove(cluster: &mut Cluster) {
    for server in cluster.numbers() {
        cluster.join(server, "prover", "prover");
        cluster.broadcast(server, &["prover"], &[]);
    }
    cluster.settle(MINUTE);
    assert!(cluster.check() >= cluster.servers.len());
}

/// A cluster of up to five servers that are subscribed.
fn calm_cluster(seed: u64) -> Cluster {
    let count = 2 + (seed % 4) as usize;
    let mut cluster = Cluster::new(seed, Faults::NONE, &vec!["/"; count]);
    cluster.start();
    cluster.settle(MINUTE);
    assert!(cluster.all_subscribed());
    cluster
}

#[test]
fn every_broadcast_is_heard_once_by_exactly_its_sockets() {
    let mut heard = 0;
    for seed in 0..400 {
        let mut cluster = calm_cluster(seed);
        (0..60).for_each(|_| act(&mut cluster));
        cluster.settle(MINUTE);
        heard += cluster.check();
        for server in &cluster.servers {
            let stats = server.adapter.stats();
            // Some own broadcasts that came back are told by their channel alone.
            assert!(stats.echo <= stats.published + 1, "one more for the probe");
            assert_eq!((server.attempts, stats.foreign, stats.refused), (1, 0, 0));
        }
    }
    assert!(heard > 7_000, "{heard} broadcasts");
}

#[test]
fn subscriptions_heal_whatever_went_wrong() {
    for seed in 0..600 {
        let mut random = Random::new(seed);
        let mut chance = || random.within(0..300);
        let faults = Faults {
            latency: 1..2 + chance(),
            rejected: chance(),
            lost: chance(),
            doubled: chance(),
            refused: chance(),
            unanswered: chance(),
            deaf: chance(),
        };
        let count = 2 + (seed % 3) as usize;
        let mut cluster = Cluster::new(seed, faults, &vec!["/"; count]);
        for _ in 0..100 {
            let server = cluster.random.index(count);
            match cluster.random.index(40) {
                0 => cluster.outage(),
                1 => cluster.start(),
                2 => cluster.disconnect(server),
                3..6 => cluster.connect(server),
                6..10 => {
                    let pause = cluster.random.within(1..3_000);
                    cluster.run(pause);
                }
                _ => act(&mut cluster),
            }
        }
        cluster.excuse();
        cluster.faults = Faults::NONE;
        cluster.start();
        cluster.settle(HEALING);
        assert!(cluster.all_subscribed(), "seed {seed}");
        prove(&mut cluster);
    }
}

#[test]
fn lost_and_doubled_messages_never_reach_other_sockets() {
    for seed in 0..200 {
        let mut cluster = calm_cluster(seed);
        cluster.faults.lost = 200;
        cluster.faults.doubled = 200;
        (0..80).for_each(|_| act(&mut cluster));
        cluster.settle(MINUTE);
        // Each message was compared when it came in; it stays to see that they came in, and in order.
        cluster.check();
        assert!(cluster.servers.iter().any(|server| !server.heard.is_empty()));
    }
}

#[test]
fn a_restart_of_redis_loses_only_what_was_under_way() {
    for seed in 0..200 {
        let mut cluster = calm_cluster(seed);
        (0..20).for_each(|_| act(&mut cluster));
        cluster.outage();
        cluster.excuse();
        assert!(cluster.servers.iter().all(|server| !server.adapter.is_subscribed()));
        for server in cluster.numbers() {
            cluster.broadcast(server, &[], &[]);
        }
        cluster.run(10_000);
        cluster.start();
        cluster.settle(1_000);
        assert!(cluster.all_subscribed());
        prove(&mut cluster);
    }
}

/// ioredis 5 confirms a subscription that it is asked for before its connection is ready, and
/// drops it for good.
#[test]
fn a_subscription_that_is_confirmed_but_dropped_is_asked_for_again() {
    let mut cluster = Cluster::new(1, Faults::NONE, &["/", "/"]);
    cluster.faults.deaf = 1000;
    cluster.start();
    cluster.run(1_500);
    assert!(cluster.servers.iter().all(|server| server.attempts == 1));
    assert!(!cluster.all_subscribed());
    cluster.faults = Faults::NONE;
    cluster.settle(5_000);
    assert!(cluster.all_subscribed());
    assert!(cluster.servers.iter().all(|server| server.attempts == 2));
    prove(&mut cluster);
}

#[test]
fn an_hour_of_trouble_does_not_become_a_flood() {
    let attempts = |faults: Faults| {
        let mut cluster = Cluster::new(3, faults, &["/"; 3]);
        cluster.start();
        cluster.run(HOUR);
        assert!(!cluster.all_subscribed());
        let most = cluster.servers.iter().map(|server| server.attempts).max();
        cluster.faults = Faults::NONE;
        cluster.settle(HEALING);
        prove(&mut cluster);
        most.expect("servers")
    };
    let (refused, unanswered, deaf) = (1000, 1000, 1000);
    // The longest pause is of 5 seconds, so is the patience for an answer; two probes take 2 more.
    let refused = attempts(Faults { refused, ..Faults::NONE });
    assert!((600..=3600 / 5 + 10).contains(&refused), "{refused}");
    let unanswered = attempts(Faults { unanswered, ..Faults::NONE });
    assert!((300..=3600 / 10 + 10).contains(&unanswered), "{unanswered}");
    let deaf = attempts(Faults { deaf, ..Faults::NONE });
    assert!((400..=3600 / 7 + 10).contains(&deaf), "{deaf}");
    // A probe that cannot be published is no reason to subscribe again.
    assert_eq!(attempts(Faults { rejected: 1000, ..Faults::NONE }), 1);
}

#[test]
fn nothing_is_asked_of_a_connection_that_is_not_there() {
    let mut cluster = calm_cluster(2);
    cluster.outage();
    let before: Vec<u64> = cluster.servers.iter().map(|server| server.attempts).collect();
    cluster.run(HOUR);
    let after: Vec<u64> = cluster.servers.iter().map(|server| server.attempts).collect();
    assert_eq!(before, after);
    let timers = cluster.servers.iter().map(|server| server.adapter.poll_timeout());
    assert!(timers.into_iter().all(|timer| timer.is_none()));
    cluster.start();
    cluster.settle(1_000);
    prove(&mut cluster);
}

#[test]
fn namespaces_whose_channels_overlap_do_not_mix() {
    let mut heard = 0;
    for seed in 0..100 {
        // The pattern of "/" matches the channels of "/#a", which look like those of its room "a".
        let namespaces = ["/", "/", "/#a", "/#a", "/a[b]*?\\", "/a[b]*?\\", "/ab"];
        let mut cluster = Cluster::new(seed, Faults::NONE, &namespaces);
        cluster.start();
        cluster.settle(MINUTE);
        assert!(cluster.all_subscribed());
        (0..60).for_each(|_| act(&mut cluster));
        cluster.settle(MINUTE);
        heard += cluster.check();
        prove(&mut cluster);
    }
    assert!(heard > 1_500, "{heard} broadcasts");
}

#[test]
fn a_server_that_closes_is_gone_and_the_others_go_on() {
    for seed in 0..100 {
        let mut cluster = calm_cluster(seed);
        cluster.mutate(0, |adapter, _| adapter.close());
        cluster.settle(MINUTE);
        cluster.check();
        let closed = &cluster.servers[0];
        assert!(!closed.adapter.is_subscribed());
        cluster.disconnect(0);
        cluster.connect(0);
        cluster.settle(MINUTE);
        assert_eq!(cluster.servers[0].attempts, 1);
        cluster.broadcast(1, &[], &[]);
        cluster.settle(MINUTE);
        assert!(cluster.servers[0].heard.is_empty());
        let heard = |server: usize| cluster.servers[server].heard.len();
        assert!((2..cluster.servers.len()).all(|server| heard(server) == 1));
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    let trace = |seed| {
        let mut cluster = calm_cluster(seed);
        (0..60).for_each(|_| act(&mut cluster));
        cluster.settle(MINUTE);
        cluster.trace
    };
    assert_eq!(trace(4), trace(4));
    assert_ne!(trace(4), trace(8));
}

fn adapter() -> Adapter {
    let uid = Uid::parse("abcdef").expect("a uid");
    let nsp = Namespace::parse("/").expect("a namespace");
    Adapter::new(uid, nsp, Options::default(), ClientProtocol::Text, 1)
}

/// Calls one of the methods by which the world reaches an adapter.
fn disturb(adapter: &mut Adapter, random: &mut Random, now: Time, probe: Option<&[u8]>) {
    match random.index(9) {
        0 => adapter.handle_ready(),
        1 => adapter.handle_lost(),
        2 | 3 => adapter.handle_confirmed(),
        4 => adapter.handle_refused(now),
        5 => adapter.handle_timeout(now),
        6 => adapter.handle_published(now),
        7 => adapter.handle_publish_failed(now),
        _ => {
            adapter.handle_message(probe.unwrap_or(b"\xc1"), &mut Vec::new(), &mut Vec::new());
        }
    }
}

#[test]
fn whatever_order_a_host_calls_in_it_is_never_kept_busy() {
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let (mut adapter, mut now, mut probe) = (adapter(), 0, None);
        for _ in 0..60 {
            // Now and then the clock is at its end.
            now = if seed % 50 == 0 { u64::MAX - 3_000 } else { now } + random.within(0..3_000);
            let time = Time::from_millis(now);
            disturb(&mut adapter, &mut random, time, probe.as_deref());
            for outputs in 0.. {
                match adapter.poll_output(time) {
                    Some(Output::Publish { message, .. }) => probe = Some(message),
                    Some(_) => {}
                    None => break,
                }
                assert!(outputs < 2, "seed {seed}");
            }
            adapter.handle_timeout(time);
            while adapter.poll_output(time).is_some() {}
            let timer = adapter.poll_timeout();
            assert!(timer.is_none_or(|timer| timer > time), "seed {seed}: {timer:?} at {time:?}");
            assert!(timer.is_none() || !adapter.is_subscribed(), "seed {seed}");
        }
    }
}

#[test]
fn nothing_wakes_an_adapter_that_is_closed() {
    for seed in 0..1_000 {
        let mut random = Random::new(seed);
        let (mut adapter, mut unsubscribed) = (adapter(), 0);
        let life = random.index(8);
        for step in 0..40 {
            let now = Time::from_millis(step * 1_000);
            disturb(&mut adapter, &mut random, now, None);
            if step as usize == life {
                adapter.close();
            }
            while let Some(output) = adapter.poll_output(now) {
                let end = matches!(output, Output::Unsubscribe { .. });
                assert!(end || (step as usize) < life, "seed {seed}: {output:?}");
                unsubscribed += u32::from(end);
            }
            if step as usize >= life {
                assert_eq!(adapter.poll_timeout(), None, "seed {seed}");
                assert!(!adapter.is_subscribed(), "seed {seed}");
            }
        }
        assert!(unsubscribed <= 1, "seed {seed}");
    }
}
