//! Clusters of servers on a simulated Redis: who hears what, who is told what, and how subscriptions
//! survive.

mod hosts;
mod requests;
mod sim;
mod subscriptions;

use sim::{Cluster, Faults};
use socketio_redis_edge::room::Room;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const MINUTE: u64 = 60_000;

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
    }
    cluster.settle(MINUTE);
    for server in cluster.numbers() {
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

/// A room that is named by a text.
const fn room(name: &str) -> Room<'_> {
    Room::Text(name.as_bytes())
}
