//! What servers ask each other, whatever happens meanwhile. Every answer is compared with what its server
//! held when the question reached it; see `sim::questions`.

use socketio_redis_edge::adapter::Ending;

use super::sim::{Cluster, Command, Faults, Kind, Random};
use super::{MINUTE, ROOMS, act, calm_cluster};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Something that an application does, asks or tells.
fn act_or_ask(cluster: &mut Cluster) {
    let server = cluster.random.index(cluster.servers.len());
    let room = ROOMS[cluster.random.index(ROOMS.len())];
    let other = ROOMS[cluster.random.index(ROOMS.len())];
    match cluster.random.index(12) {
        0..5 => act(cluster),
        5 => cluster.tell(server, Command::Join(other), &[room], &[]),
        6 => cluster.tell(server, Command::Leave(other), &[room], &[]),
        7 if room == other => cluster.tell(server, Command::Disconnect, &[room], &["nobody"]),
        _ => {
            let kind = Kind::ALL[cluster.random.index(Kind::ALL.len())];
            match cluster.random.index(3) {
                0 => cluster.ask(server, kind, &[], &[]),
                1 => cluster.ask(server, kind, &[room], &["nobody"]),
                _ => cluster.ask(server, kind, &[room, "nobody"], &[other]),
            }
        }
    }
}

/// Nothing is left of what was asked.
fn assert_empty(cluster: &Cluster, seed: u64) {
    for server in cluster.servers.iter().filter(|server| !server.dead) {
        assert_eq!(server.adapter.stats().open_requests, 0, "seed {seed}");
        assert!(server.acknowledging.is_empty(), "seed {seed}");
    }
    for (question, state) in &cluster.questions {
        assert!(state.is_over(), "seed {seed}, {question:?}: {state:?}");
    }
}

#[test]
fn without_faults_every_question_is_answered_by_everybody() {
    let mut asked = 0;
    for seed in 0..300 {
        let mut cluster = calm_cluster(seed);
        (0..60).for_each(|_| act_or_ask(&mut cluster));
        cluster.settle(MINUTE);
        cluster.check();
        assert_empty(&cluster, seed);
        for (question, state) in &cluster.questions {
            assert!(state.is_whole(), "seed {seed}, {question:?}: {state:?}");
            assert_eq!(state.answered.len(), cluster.servers.len() - 1);
            assert!(state.ending.is_none_or(|ending| ending == Ending::Complete));
        }
        asked += cluster.questions.len();
    }
    assert!(asked > 5_000, "{asked} questions");
}

#[test]
fn whatever_goes_wrong_no_answer_is_wrong_and_every_question_ends_once() {
    let (mut complete, mut incomplete, mut lacking) = (0, 0, 0);
    for seed in 0..800 {
        let mut random = Random::new(seed);
        let mut chance = |most| random.within(0..most);
        let faults = Faults {
            latency: 1..2 + chance(400),
            rejected: chance(40),
            lost: chance(100),
            doubled: chance(300),
            silent: chance(300),
            // Whether a server is there is told by what it has subscribed to: all of it or nothing.
            ..Faults::NONE
        };
        let mut cluster = calm_cluster(seed);
        cluster.faults = faults;
        for _ in 0..60 {
            let server = cluster.random.index(cluster.servers.len());
            match cluster.random.index(40) {
                0 => cluster.kill(server),
                1 => cluster.disconnect(server),
                2 => cluster.close(server),
                3 => cluster.connect(server),
                4..10 => {
                    let pause = cluster.random.within(1..700);
                    cluster.run(pause);
                }
                _ => act_or_ask(&mut cluster),
            }
        }
        cluster.excuse();
        // What comes twice may still be under way.
        cluster.faults = Faults { doubled: cluster.faults.doubled, ..Faults::NONE };
        cluster.start();
        cluster.settle(MINUTE);
        cluster.check();
        assert_empty(&cluster, seed);
        for state in cluster.questions.values() {
            if state.is_whole() {
                complete += 1;
            } else if state.complete {
                lacking += 1;
            } else {
                incomplete += 1;
            }
        }
    }
    // Those that lack an answer do so because a server has left.
    let enough = complete > 3_000 && incomplete > 1_000 && lacking > 500;
    assert!(
        enough,
        "{complete} complete, {lacking} without some who left, {incomplete} incomplete"
    );
}

#[test]
fn a_server_that_dies_costs_less_than_a_second() {
    let mut lacking = 0;
    for seed in 0..400 {
        let mut cluster = calm_cluster(4 * seed + seed % 4);
        let count = cluster.servers.len();
        for server in cluster.numbers() {
            cluster.join(server, "sid 1", "a");
        }
        cluster.settle(MINUTE);
        for kind in Kind::ALL {
            cluster.ask(0, kind, &["a"], &[]);
        }
        let pause = cluster.random.within(1..120);
        cluster.run(pause);
        cluster.kill(count - 1);
        cluster.run(1_000);
        for (question, state) in &cluster.questions {
            assert!(state.complete, "seed {seed}, {question:?}: {state:?}");
            lacking += u32::from(!state.is_whole());
        }
        // Clients of the one that died may still be waited for.
        cluster.settle(MINUTE);
        assert_empty(&cluster, seed);
    }
    assert!(lacking > 100, "{lacking} questions that a server did not answer");
}

#[test]
fn sockets_that_were_told_to_join_hear_what_follows_the_count() {
    let mut counted = 0;
    for seed in 0..300 {
        let mut cluster = calm_cluster(seed);
        for server in cluster.numbers() {
            cluster.join(server, "sid 1", "a");
        }
        cluster.settle(MINUTE);
        // Subscriptions take long.
        cluster.faults.refused = 300;
        cluster.tell(0, Command::Join("fresh"), &["a"], &[]);
        cluster.ask(0, Kind::Count, &[], &[]);
        while !cluster.questions.values().all(|state| state.is_over()) {
            cluster.run(1);
        }
        if !cluster.questions.values().all(|state| state.complete) {
            continue;
        }
        counted += 1;
        for server in &cluster.servers {
            assert!(server.sockets["sid 1"].contains("fresh"), "seed {seed}");
        }
        cluster.broadcast(0, &["fresh"], &[]);
        cluster.settle(MINUTE);
        cluster.check();
        assert!(cluster.servers[1..].iter().all(|server| server.heard == [0]), "seed {seed}");
    }
    assert!(counted > 280, "{counted} counts");
}
