//! A cluster in one thread: servers, a Redis between them, and a clock that moves from event to
//! event.
//!
//! Each server runs the loop that the adapter asks of a host: one mutation, then the outputs until
//! there are none, then the timer. What it hears is compared on the spot with what a naive model
//! of its rooms says; `Cluster::check` counts in the end.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::ops::Range;
use std::rc::Rc;

use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::ClientProtocol;
use socketio_redis_edge::id::{Namespace, Uid};
use socketio_redis_edge::options::Options;
use socketio_redis_edge::time::Time;

mod application;
mod host;
mod random;
mod redis;

pub(crate) use random::Random;
use redis::{Connection, Redis};

/// What goes wrong: chances in thousandths.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    /// How long each way takes, in milliseconds.
    pub(crate) latency: Range<u64>,
    /// Messages that Redis refuses to publish.
    pub(crate) rejected: u64,
    /// Messages that Redis does not pass on to a subscriber.
    pub(crate) lost: u64,
    /// Messages that it passes on twice.
    pub(crate) doubled: u64,
    /// Subscriptions that are refused,
    pub(crate) refused: u64,
    /// that are never answered,
    pub(crate) unanswered: u64,
    /// and that are confirmed but dropped.
    pub(crate) deaf: u64,
}

impl Faults {
    pub(crate) const NONE: Self = Self {
        latency: 1..50,
        rejected: 0,
        lost: 0,
        doubled: 0,
        refused: 0,
        unanswered: 0,
        deaf: 0,
    };
}

/// The sockets of a server, and the rooms of each.
type Sockets = BTreeMap<String, BTreeSet<String>>;

pub(crate) struct Server {
    pub(crate) adapter: Adapter,
    pub(crate) sockets: Sockets,
    /// The broadcasts of others, in the order in which they came in.
    pub(crate) heard: Vec<usize>,
    /// How often it asked for its subscription.
    pub(crate) attempts: u64,
    connected: bool,
    connections: u32,
    /// When the last message on each way arrives: it is not overtaken.
    publishing: u64,
    subscribing: u64,
    hearing: u64,
    /// The timer that is set.
    timer: Option<Time>,
}

/// A broadcast that was published.
struct Broadcast {
    from: usize,
    rooms: Vec<String>,
    except: Vec<String>,
    /// Whether everybody must hear it: all are subscribed, and nothing goes wrong.
    certain: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Confirmed(Connection),
    Message(Connection, Message),
    /// A message reaches Redis,
    Published(Connection, Message),
    /// which has taken it,
    Taken(Connection),
    /// or not.
    Rejected(Connection),
    Refused(Connection),
    Subscribe(Connection, String),
    Timer(usize),
    Unsubscribe(Connection, String),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Message {
    channel: Rc<[u8]>,
    payload: Rc<[u8]>,
    /// Which broadcast it is; a probe is none.
    broadcast: Option<usize>,
}

pub(crate) struct Cluster {
    pub(crate) servers: Vec<Server>,
    pub(crate) faults: Faults,
    pub(crate) random: Random,
    /// Milliseconds since the start.
    pub(crate) now: u64,
    /// Everything that happened, for comparison with another run.
    pub(crate) trace: u64,
    redis: Redis,
    broadcasts: Vec<Broadcast>,
    /// What is to happen, the earliest first; of those at one time, the first that was planned.
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    planned: u64,
}

impl Cluster {
    /// A cluster of servers that are not connected yet, one for each namespace in the list.
    pub(crate) fn new(seed: u64, faults: Faults, namespaces: &[&str]) -> Self {
        let server = |(number, nsp): (usize, &&str)| Server {
            adapter: Adapter::new(
                Uid::parse(&format!("uid{number}")).expect("a uid"),
                Namespace::parse(nsp).expect("a namespace"),
                Options::default(),
                ClientProtocol::Text,
                seed,
            ),
            sockets: Sockets::new(),
            heard: Vec::new(),
            attempts: 0,
            connected: false,
            connections: 0,
            publishing: 0,
            subscribing: 0,
            hearing: 0,
            timer: None,
        };
        Self {
            servers: namespaces.iter().enumerate().map(server).collect(),
            faults,
            random: Random::new(seed),
            now: 0,
            trace: 0,
            redis: Redis::default(),
            broadcasts: Vec::new(),
            events: BinaryHeap::new(),
            planned: 0,
        }
    }

    /// The numbers of the servers.
    pub(crate) fn numbers(&self) -> Range<usize> {
        0..self.servers.len()
    }

    pub(crate) fn all_subscribed(&self) -> bool {
        let subscribed = |server: &Server| server.adapter.is_subscribed();
        self.servers.iter().all(subscribed)
    }

    // --- the world ---------------------------------------------------------------------------

    /// Gives a server its connection, if it has none.
    pub(crate) fn connect(&mut self, server: usize) {
        let host = &mut self.servers[server];
        if !host.connected {
            host.connected = true;
            host.connections += 1;
            self.mutate(server, |adapter, _| adapter.handle_ready());
        }
    }

    /// Takes a server's connection and what is under way on it.
    pub(crate) fn disconnect(&mut self, server: usize) {
        let host = &mut self.servers[server];
        if host.connected {
            host.connected = false;
            self.redis.disconnect(server);
            self.events.retain(|Reverse((_, _, event))| match event {
                Event::Confirmed((of, _))
                | Event::Message((of, _), _)
                | Event::Taken((of, _))
                | Event::Rejected((of, _))
                | Event::Refused((of, _))
                | Event::Subscribe((of, _), _)
                | Event::Unsubscribe((of, _), _) => *of != server,
                Event::Published(..) | Event::Timer(_) => true,
            });
            self.mutate(server, |adapter, _| adapter.handle_lost());
        }
    }

    /// Connects everybody.
    pub(crate) fn start(&mut self) {
        self.numbers().for_each(|server| self.connect(server));
    }

    /// Redis goes down: connections and messages under way are gone.
    pub(crate) fn outage(&mut self) {
        self.events.retain(|Reverse((_, _, event))| !matches!(event, Event::Published(..)));
        self.numbers().for_each(|server| self.disconnect(server));
    }

    /// Lets happen what happens in the next so many milliseconds.
    pub(crate) fn run(&mut self, milliseconds: u64) {
        let end = self.now + milliseconds;
        while self.step(end) {}
        self.now = end;
    }

    /// Runs until nothing is under way and no timer is set.
    pub(crate) fn settle(&mut self, limit: u64) {
        let end = self.now + limit;
        while self.step(end) {}
        assert!(self.events.is_empty(), "not settled after {limit} ms");
    }

    /// The next event, unless it is later than `end`.
    fn step(&mut self, end: u64) -> bool {
        let next = self.events.pop();
        let Some(Reverse((at, number, event))) = next else {
            return false;
        };
        if at > end {
            self.events.push(Reverse((at, number, event)));
            return false;
        }
        self.now = at;
        self.trace = (self.trace ^ at ^ number << 32).rotate_left(7).wrapping_mul(0x0100_0000_01b3);
        match event {
            Event::Confirmed((server, _)) => {
                self.mutate(server, |adapter, _| adapter.handle_confirmed());
            }
            Event::Message((server, _), message) => self.hear(server, &message),
            Event::Published(connection, message) => self.take(connection, &message),
            Event::Taken((server, _)) => self.mutate(server, Adapter::handle_published),
            Event::Rejected((server, _)) => self.mutate(server, Adapter::handle_publish_failed),
            Event::Refused((server, _)) => self.mutate(server, Adapter::handle_refused),
            Event::Subscribe(connection, pattern) => self.subscribe(connection, pattern),
            Event::Timer(server) => self.ring(server),
            Event::Unsubscribe(connection, pattern) => self.redis.unsubscribe(connection, pattern),
        }
        true
    }

    fn ring(&mut self, server: usize) {
        self.servers[server].timer = None;
        self.mutate(server, Adapter::handle_timeout);
        let next = self.servers[server].adapter.poll_timeout();
        let later = next.is_none_or(|next| next.as_millis() > self.now);
        assert!(later, "a timer that has just rung is due again");
    }

    // --- Redis -------------------------------------------------------------------------------

    fn subscribe(&mut self, connection: Connection, pattern: String) {
        let Faults { refused, unanswered, deaf, .. } = self.faults;
        let fate = self.random.within(0..1000);
        let event = if fate < refused {
            Event::Refused(connection)
        } else if fate < refused + unanswered {
            return;
        } else {
            if fate >= refused + unanswered + deaf {
                self.redis.subscribe(connection, pattern);
            }
            Event::Confirmed(connection)
        };
        self.answer(connection, event);
    }

    /// Redis takes a message or refuses it, and says so; nobody asks what became of a broadcast.
    fn take(&mut self, connection: Connection, message: &Message) {
        let rejected = self.faults.rejected;
        let event = if self.random.thousandths(rejected) {
            Event::Rejected(connection)
        } else {
            self.pass_on(message);
            Event::Taken(connection)
        };
        let Server { connected, connections, .. } = self.servers[connection.0];
        if message.broadcast.is_none() && connected && connections == connection.1 {
            // On another connection than messages come: it may come before the probe or behind it.
            let at = self.latency(self.now);
            self.plan(at, event);
        }
    }

    fn pass_on(&mut self, message: &Message) {
        for connection in self.redis.subscribers(&message.channel) {
            let (lost, doubled) = (self.faults.lost, self.faults.doubled);
            if self.random.thousandths(lost) {
                continue;
            }
            let copies = 1 + usize::from(self.random.thousandths(doubled));
            for _ in 0..copies {
                self.answer(connection, Event::Message(connection, message.clone()));
            }
        }
    }

    /// Sends something to a server over its subscribing connection.
    fn answer(&mut self, (server, _): Connection, event: Event) {
        let at = self.latency(self.servers[server].hearing);
        self.servers[server].hearing = at;
        self.plan(at, event);
    }

    /// When something arrives that is sent now, behind what arrives at `last` on the same way.
    fn latency(&mut self, last: u64) -> u64 {
        last.max(self.now + self.random.within(self.faults.latency.clone()))
    }

    fn plan(&mut self, at: u64, event: Event) {
        self.planned += 1;
        self.events.push(Reverse((at, self.planned, event)));
    }
}
