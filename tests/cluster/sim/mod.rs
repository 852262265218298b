//! A cluster in one thread: servers, a Redis between them, and a clock that moves from event to
//! event.
//!
//! Each server runs the loop that the adapter asks of a host: one mutation, then the outputs until
//! there are none, then the timer. What it hears and what it is answered is compared on the spot with
//! what a naive model of the rooms says; `Cluster::check` counts in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::{ClientProtocol, Name};
use socketio_redis_edge::id::{Namespace, Uid};
use socketio_redis_edge::options::{Options, SubscriptionMode};
use socketio_redis_edge::time::Time;

mod application;
mod host;
mod questions;
mod random;
mod redis;

pub(crate) use questions::{Command, Kind, Question};
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
    /// and that are never answered.
    pub(crate) unanswered: u64,
    /// Connections on which all subscriptions are confirmed but dropped, until they are asked for again.
    pub(crate) deaf: u64,
    /// Clients that never acknowledge.
    pub(crate) silent: u64,
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
        silent: 0,
    };
}

/// The modes of the sharded dialect, in which all servers of a cluster have the same.
const SHARDED: [SubscriptionMode; 3] =
    [SubscriptionMode::Dynamic, SubscriptionMode::DynamicPrivate, SubscriptionMode::Static];

/// How a server subscribes, whichever of them that is with this seed; every third cluster is a sharded one.
fn mode(seed: u64, server: usize) -> SubscriptionMode {
    if seed % 3 == 2 {
        return SHARDED[(seed / 3 % 3) as usize];
    }
    let is_exact = (seed / 4) >> server & 1 == 1;
    if is_exact { SubscriptionMode::Exact } else { SubscriptionMode::Pattern }
}

/// The sockets of a server, and the rooms of each.
type Sockets = BTreeMap<String, BTreeSet<String>>;

pub(crate) struct Server {
    pub(crate) adapter: Adapter,
    pub(crate) sockets: Sockets,
    /// The broadcasts of others, in the order in which they came in.
    pub(crate) heard: Vec<usize>,
    /// How often it asked for the subscription that it tries out.
    pub(crate) attempts: u64,
    /// The name of that one, which it asks for first.
    tried: Option<String>,
    /// What it calls the names that it asked for,
    names: BTreeMap<u32, String>,
    /// and those that were confirmed.
    standing: BTreeSet<String>,
    /// The events of others that clients here may still acknowledge.
    pub(crate) acknowledging: BTreeSet<u32>,
    /// How many messages its connection has brought.
    traffic: u64,
    connected: bool,
    closed: bool,
    /// Whether its process has ended.
    pub(crate) dead: bool,
    deaf: bool,
    connections: u32,
    /// When the last message on each way arrives: it is not overtaken.
    publishing: u64,
    replies: u64,
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
    /// Whether all hearers must hear it: all are subscribed, and nothing goes wrong.
    certain: bool,
    /// Those whose subscriptions match its channel.
    hearers: BTreeSet<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    /// A client acknowledges an event of another server.
    Acknowledged(usize, u32, u32),
    Confirmed(Connection, u32),
    /// Servers are to be counted,
    Count(Connection, Option<u32>, Vec<String>),
    /// and are.
    Counted(Connection, Option<u32>, Vec<u32>),
    /// Something that could not be counted.
    CountFailed(usize, Option<u32>),
    Ended(usize, u32),
    Message(Connection, Message),
    /// The host makes a new connection.
    Reconnect(usize),
    /// A message reaches Redis,
    Published(Connection, Option<u32>, Message),
    /// which has taken it,
    Taken(Connection, u32),
    /// or not.
    Rejected(Connection, u32),
    Refused(Connection, u32),
    Subscribe(Connection, u32, Name),
    Timer(usize),
    Unsubscribe(Connection, u32, Name),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    channel: Rc<[u8]>,
    payload: Rc<[u8]>,
    subject: Subject,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// A server answers a question.
    Answer(usize, Question),
    Broadcast(usize),
    /// A command that nobody answers, of this server.
    Command(usize),
    Probe,
    Question(Question),
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
    /// Whether a question is counted and published at once.
    ordered: bool,
    broadcasts: Vec<Broadcast>,
    commands: Vec<questions::Told>,
    pub(crate) questions: BTreeMap<Question, questions::State>,
    /// The server whose answer is coming in, and to what.
    answering: Option<(usize, Question)>,
    /// What is to happen, the earliest first; of those at one time, the first that was planned.
    events: BTreeMap<(u64, u64), Event>,
    planned: u64,
}

impl Cluster {
    /// A cluster of servers that are not connected yet, one for each namespace in the list. The seed
    /// decides which dialect they speak, which of them have exact subscriptions, and whether PUBLISH tells them how many hear it.
    pub(crate) fn new(seed: u64, faults: Faults, namespaces: &[&str]) -> Self {
        let server = |(number, nsp): (usize, &&str)| Server {
            adapter: Adapter::new(
                Uid::parse(&format!("uid{number}")).expect("a uid"),
                Namespace::parse(nsp).expect("a namespace"),
                Options { subscription_mode: mode(seed, number), ..Options::default() },
                ClientProtocol::Text,
                seed,
            ),
            sockets: Sockets::new(),
            heard: Vec::new(),
            attempts: 0,
            tried: None,
            names: BTreeMap::new(),
            standing: BTreeSet::new(),
            acknowledging: BTreeSet::new(),
            traffic: 0,
            connected: false,
            closed: false,
            dead: false,
            deaf: false,
            connections: 0,
            publishing: 0,
            replies: 0,
            subscribing: 0,
            hearing: 0,
            timer: None,
        };
        let ordered = seed / 2 % 2 == 1;
        let mut servers: Vec<Server> = namespaces.iter().enumerate().map(server).collect();
        for server in &mut servers {
            server.adapter.set_ordered(ordered);
        }
        Self {
            servers,
            ordered,
            faults,
            random: Random::new(seed),
            now: 0,
            trace: 0,
            redis: Redis::default(),
            broadcasts: Vec::new(),
            commands: Vec::new(),
            questions: BTreeMap::new(),
            answering: None,
            events: BTreeMap::new(),
            planned: 0,
        }
    }

    /// The numbers of the servers.
    pub(crate) fn numbers(&self) -> Range<usize> {
        0..self.servers.len()
    }

    pub(crate) fn all_subscribed(&self) -> bool {
        let subscribed = |server: &Server| server.dead || server.adapter.is_subscribed();
        self.servers.iter().all(subscribed)
    }

    // --- the world ---------------------------------------------------------------------------

    /// Gives a server its connection, if it has none.
    pub(crate) fn connect(&mut self, server: usize) {
        let host = &mut self.servers[server];
        if !host.connected && !host.dead {
            host.connected = true;
            host.connections += 1;
            self.mutate(server, |adapter, _| adapter.handle_ready());
        }
    }

    /// Takes a server's connection and what is under way on it. Whoever waits there for Redis to count or
    /// to unsubscribe hears that it failed.
    pub(crate) fn disconnect(&mut self, server: usize) {
        if !self.servers[server].connected {
            return;
        }
        self.servers[server].connected = false;
        self.servers[server].standing.clear();
        self.redis.disconnect(server);
        for question in self.questions.values_mut() {
            question.left(server);
        }
        let mut failed = Vec::new();
        self.events.retain(|_, event| match event {
            Event::Count((of, _), request, _) | Event::Counted((of, _), request, _)
                if *of == server =>
            {
                failed.push(Event::CountFailed(server, *request));
                false
            }
            Event::Unsubscribe((of, _), id, _) if *of == server => {
                failed.push(Event::Ended(server, *id));
                false
            }
            Event::Confirmed((of, _), _)
            | Event::Message((of, _), _)
            | Event::Taken((of, _), _)
            | Event::Rejected((of, _), _)
            | Event::Refused((of, _), _)
            | Event::Subscribe((of, _), ..) => *of != server,
            _ => true,
        });
        for event in failed {
            self.plan(self.now, event);
        }
        self.mutate(server, |adapter, _| adapter.handle_lost());
    }

    /// A server gives up all it has subscribed to, and asks nothing any more.
    pub(crate) fn close(&mut self, server: usize) {
        self.servers[server].closed = true;
        for question in self.questions.values_mut() {
            question.left(server);
        }
        self.mutate(server, |adapter, _| adapter.close());
    }

    /// Ends a server's process: nobody tells the others, but Redis.
    pub(crate) fn kill(&mut self, server: usize) {
        self.disconnect(server);
        self.servers[server].dead = true;
        self.servers[server].acknowledging.clear();
        self.questions.retain(|question, _| question.from != server);
        self.events.retain(|_, event| {
            let of = match event {
                Event::Acknowledged(of, ..)
                | Event::CountFailed(of, _)
                | Event::Ended(of, _)
                | Event::Timer(of) => *of,
                _ => return true,
            };
            of != server
        });
    }

    /// Connects everybody.
    pub(crate) fn start(&mut self) {
        self.numbers().for_each(|server| self.connect(server));
    }

    /// Redis goes down: connections and messages under way are gone.
    pub(crate) fn outage(&mut self) {
        self.events.retain(|_, event| !matches!(event, Event::Published(..)));
        self.numbers().for_each(|server| self.disconnect(server));
    }

    /// Lets happen what happens in the next so many milliseconds.
    pub(crate) fn run(&mut self, milliseconds: u64) {
        let end = self.now + milliseconds;
        while self.step(end) {}
        self.now = end;
    }

    /// Runs until nothing is under way but that subscriptions are tried out, as they are for ever.
    pub(crate) fn settle(&mut self, limit: u64) {
        let end = self.now + limit;
        while !self.is_settled() && self.step(end) {}
        assert!(self.is_settled(), "not settled after {limit} ms: {:?}", self.events);
    }

    fn is_settled(&self) -> bool {
        let quiet = |server: &Server| {
            let stats = server.adapter.stats();
            let over = stats.open_requests == 0 && server.acknowledging.is_empty();
            server.dead || server.closed || over && (!server.connected || stats.degraded == 0)
        };
        // What lasts for a second or less (a room that lingers, one that was just joined) is over, too.
        let later = |(&(at, _), event): (&(u64, u64), &Event)| {
            matches!(event, Event::Timer(_)) && at > self.now + 1_000
        };
        self.events.iter().all(later) && self.servers.iter().all(quiet)
    }

    /// The next event, unless it is later than `end`.
    fn step(&mut self, end: u64) -> bool {
        let Some((&(at, number), _)) = self.events.first_key_value() else {
            return false;
        };
        if at > end {
            return false;
        }
        let event = self.events.remove(&(at, number)).expect("the first");
        self.now = at;
        self.trace = (self.trace ^ at ^ number << 32).rotate_left(7).wrapping_mul(0x0100_0000_01b3);
        match event {
            Event::Acknowledged(server, token, client) => self.acknowledge(server, token, client),
            Event::Confirmed((server, _), id) => self.confirmed(server, id),
            Event::Count(connection, request, channels) => {
                self.count(connection, request, &channels);
            }
            Event::Counted((server, _), request, counts) => {
                self.mutate(server, |adapter, now| adapter.handle_count(request, &counts, now));
            }
            Event::CountFailed(server, request) => {
                self.mutate(server, |adapter, now| adapter.handle_count_failed(request, now));
            }
            Event::Ended(server, id) => {
                self.mutate(server, |adapter, _| adapter.handle_ended(id));
            }
            Event::Message((server, _), message) => self.hear(server, &message),
            Event::Published(connection, token, message) => {
                self.take(connection, token, &message);
            }
            Event::Reconnect(server) => {
                self.disconnect(server);
                self.connect(server);
            }
            Event::Taken((server, _), token) => {
                self.mutate(server, |adapter, now| adapter.handle_published(token, now));
            }
            Event::Rejected((server, _), token) => {
                self.mutate(server, |adapter, now| adapter.handle_publish_failed(token, now));
            }
            Event::Refused((server, _), id) => {
                self.mutate(server, |adapter, now| adapter.handle_refused(id, now));
            }
            Event::Subscribe(connection, id, name) => self.subscribe(connection, id, name),
            Event::Timer(server) => self.ring(server),
            Event::Unsubscribe(connection, id, name) => {
                self.redis.unsubscribe(connection, name);
                self.answer(connection, Event::Ended(connection.0, id));
            }
        }
        true
    }

    fn ring(&mut self, server: usize) {
        self.servers[server].timer = None;
        let traffic = self.servers[server].traffic;
        self.mutate(server, |adapter, now| {
            adapter.note_traffic(traffic);
            adapter.handle_timeout(now);
        });
        let next = self.servers[server].adapter.poll_timeout();
        let later = next.is_none_or(|next| next.as_millis() > self.now);
        assert!(later, "a timer that has just rung is due again");
    }

    // --- Redis -------------------------------------------------------------------------------

    fn subscribe(&mut self, connection: Connection, id: u32, name: Name) {
        let Faults { refused, unanswered, deaf, .. } = self.faults;
        let fate = self.random.within(0..1000);
        if self.servers[connection.0].tried.as_ref() == Some(&name.name) {
            let confirmed = refused + unanswered..refused + unanswered + deaf;
            // It strikes a new connection as a whole, or not at all.
            let is_new = self.redis.subscriptions(connection.0) == 0;
            self.servers[connection.0].deaf = is_new && confirmed.contains(&fate);
        }
        let event = if fate < refused {
            Event::Refused(connection, id)
        } else if fate < refused + unanswered {
            return;
        } else {
            if !self.servers[connection.0].deaf {
                self.redis.subscribe(connection, name);
            }
            Event::Confirmed(connection, id)
        };
        self.answer(connection, event);
    }

    /// Redis takes a message or refuses it, and says so to whoever asked.
    fn take(&mut self, connection: Connection, token: Option<u32>, message: &Message) {
        let rejected = self.faults.rejected;
        let is_taken = !self.random.thousandths(rejected);
        if is_taken {
            self.pass_on(message);
        }
        let Server { connected, connections, .. } = self.servers[connection.0];
        if let Some(token) = token
            && connected
            && connections == connection.1
        {
            let event = match is_taken {
                true => Event::Taken(connection, token),
                false => Event::Rejected(connection, token),
            };
            // On another connection than messages come: it may come before the probe or behind it.
            let at = self.latency(self.now);
            self.plan(at, event);
        }
    }

    /// Redis counts the servers that are subscribed.
    fn count(&mut self, connection: Connection, request: Option<u32>, channels: &[String]) {
        let named: Vec<_> = channels.iter().map(|channel| self.redis.named(channel)).collect();
        if let (Some(number), Some(there)) = (request, named.first()) {
            self.counted(Question { from: connection.0, number }, there);
        }
        let counts = named.iter().map(|servers| servers.len() as u32).collect();
        let at = self.latency(self.servers[connection.0].replies);
        self.servers[connection.0].replies = at;
        self.plan(at, Event::Counted(connection, request, counts));
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
        self.events.insert((at, self.planned), event);
    }
}
