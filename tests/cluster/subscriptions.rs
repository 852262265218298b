//! Who hears what, and how subscriptions survive.

use super::sim::{Cluster, Faults, Random};
use super::{MINUTE, act, calm_cluster, prove};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const HOUR: u64 = 60 * MINUTE;

/// The longest that a subscription takes once nothing goes wrong any more: an answer that will
/// never come, then a pause, then three probes that are lost, then another pause.
const HEALING: u64 = 35_000;

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
            silent: 0,
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
    cluster.settle(10_000);
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
    // The longest pause is of 5 seconds, so is the patience for an answer, after which the connection is given up
    // in turn; three probes take 6 more.
    let refused = attempts(Faults { refused, ..Faults::NONE });
    assert!((600..=3600 / 5 + 10).contains(&refused), "{refused}");
    let unanswered = attempts(Faults { unanswered, ..Faults::NONE });
    assert!((600..=3600 / 5 + 10).contains(&unanswered), "{unanswered}");
    let deaf = attempts(Faults { deaf, ..Faults::NONE });
    assert!((280..=3600 / 11 + 10).contains(&deaf), "{deaf}");
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
        cluster.close(0);
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
