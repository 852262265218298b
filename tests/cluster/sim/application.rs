//! What the applications on the servers do, and a naive model of what must come of it.

use std::collections::BTreeSet;

use socketio_redis_edge::adapter::{Body, BroadcastCommand};
use socketio_redis_edge::options::SubscriptionMode;
use socketio_redis_edge::room::Room;
use socketio_redis_edge::transcode::Outside;

use super::{Broadcast, Cluster, Faults, Server, Sockets, Subject};

impl Cluster {
    /// Puts a socket into a room; connects it if it is not.
    pub(crate) fn join(&mut self, server: usize, sid: &str, room: &str) {
        let host = &mut self.servers[server];
        host.sockets.entry(sid.to_owned()).or_default();
        self.mutate(server, |adapter, _| {
            let id = adapter.intern(&canonical(sid));
            adapter.connect(id);
        });
        let host = &mut self.servers[server];
        if let Some(id) = host.adapter.rooms().find(&canonical(sid)) {
            host.join(id.index() as u32, &[room.to_owned()].into());
        }
        self.mutate(server, |_, _| ());
    }

    /// Takes a socket out of a room.
    pub(crate) fn leave(&mut self, server: usize, sid: &str, room: &str) {
        let host = &mut self.servers[server];
        if let Some(id) = host.adapter.rooms().find(&canonical(sid)) {
            host.leave(id.index() as u32, &[room.to_owned()].into());
        }
        self.mutate(server, |_, _| ());
    }

    /// Takes a socket out of all rooms, and disconnects it.
    pub(crate) fn part(&mut self, server: usize, sid: &str) {
        let host = &mut self.servers[server];
        if host.sockets.contains_key(sid)
            && let Some(id) = host.adapter.rooms().find(&canonical(sid))
        {
            host.part(id.index() as u32);
        }
        self.mutate(server, |_, _| ());
    }

    /// Broadcasts from a server to its sockets and everybody's.
    pub(crate) fn broadcast(&mut self, server: usize, rooms: &[&str], except: &[&str]) {
        let number = self.broadcasts.len();
        let host = &mut self.servers[server];
        if host.dead {
            return;
        }
        let nsp = host.adapter.nsp().as_str().to_owned();
        let nsp = if nsp == "/" { String::new() } else { nsp + "," };
        let packet = format!("2{nsp}[\"e\",{number}]");
        let (named_rooms, named_except) = (named(rooms), named(except));
        let (rooms, except) = (owned(rooms), owned(except));
        let command = BroadcastCommand {
            body: Body::Text(packet.as_bytes(), Outside::default()),
            rooms: &named_rooms,
            except: &named_except,
            flags: b"",
            local: false,
        };
        let mut out = Vec::new();
        let sent = host.adapter.broadcast(command, &mut out);
        let sent = sent.expect("a packet").expect("it is not local");
        assert_eq!(host.targets(), targets(&host.sockets, &rooms, &except), "at home");
        let Faults { rejected, lost, doubled, .. } = self.faults;
        let certain = self.all_subscribed() && rejected + lost + doubled == 0;
        let (channel, message) = (&out[sent.channel], &out[sent.message]);
        let name = std::str::from_utf8(channel).expect("UTF-8");
        let is_main = name == self.servers[server].adapter.channels().broadcast();
        let hears =
            |host: &Server| is_main || !host.subscribes_to_rooms() || host.standing.contains(name);
        let hearers = self.numbers().filter(|&other| hears(&self.servers[other])).collect();
        self.broadcasts.push(Broadcast { from: server, rooms, except, certain, hearers });
        self.publish(server, None, channel, message, Subject::Broadcast(number));
    }

    /// Says that what is under way may be lost from here on.
    pub(crate) fn excuse(&mut self) {
        for broadcast in &mut self.broadcasts {
            broadcast.certain = false;
        }
    }

    /// Compares, once all is settled: who says so is subscribed, and what everybody must have heard
    /// was heard once, in the order of its sender. Gives how many broadcasts that were.
    pub(crate) fn check(&self) -> usize {
        for (number, server) in self.servers.iter().enumerate() {
            if server.dead {
                continue;
            }
            let rooms: BTreeSet<&String> = server.sockets.values().flatten().collect();
            let names = match server.adapter.options().subscription_mode {
                SubscriptionMode::Dynamic | SubscriptionMode::DynamicPrivate => 2 + rooms.len(),
                SubscriptionMode::Exact => 5 + rooms.len(),
                SubscriptionMode::Pattern => 4,
                SubscriptionMode::Static => 2,
            };
            let expected = if server.adapter.is_subscribed() { names } else { 0 };
            let subscriptions = self.redis.subscriptions(number);
            assert_eq!(subscriptions, expected, "server {number} is wrong about what it hears");
            assert_eq!(server.adapter.stats().malformed, 0);
            for from in self.numbers() {
                let of_one = |heard: &&usize| self.broadcasts[**heard].from == from;
                let heard: Vec<_> = server.heard.iter().filter(of_one).collect();
                assert!(heard.is_sorted(), "server {number} heard {heard:?} of {from}");
            }
        }
        let certain = self.broadcasts.iter().enumerate();
        let certain: Vec<_> = certain.filter(|(_, sent)| sent.certain).collect();
        for &(number, sent) in &certain {
            for other in self.numbers() {
                let heard = self.servers[other].heard.iter();
                let times = heard.filter(|&&heard| heard == number).count();
                let meant = other != sent.from && self.nsp(other) == self.nsp(sent.from);
                let least = usize::from(meant && sent.hearers.contains(&other));
                let most = usize::from(meant);
                assert!((least..=most).contains(&times), "server {other}, broadcast {number}");
            }
        }
        certain.len()
    }
}

/// The sockets in any of the rooms, or all, that are in none of the excepted ones.
pub(super) fn targets(sockets: &Sockets, rooms: &[String], except: &[String]) -> BTreeSet<String> {
    let in_any = |joined: &BTreeSet<String>, rooms: &[String]| {
        rooms.iter().any(|room| joined.contains(room))
    };
    sockets
        .iter()
        .filter(|(_, joined)| rooms.is_empty() || in_any(joined, rooms))
        .filter(|(_, joined)| !in_any(joined, except))
        .map(|(sid, _)| sid.clone())
        .collect()
}

pub(super) fn named<'a>(names: &[&'a str]) -> Vec<Room<'a>> {
    names.iter().map(|name| Room::Text(name.as_bytes())).collect()
}

pub(super) fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

pub(super) fn canonical(name: &str) -> Vec<u8> {
    let mut canonical = Vec::new();
    Room::Text(name.as_bytes()).write(&mut canonical);
    canonical
}
