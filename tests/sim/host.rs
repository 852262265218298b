//! The loop of a host around its adapter, and its ears.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::{Dropped, Output, Received};
use socketio_redis_edge::id::Namespace;
use socketio_redis_edge::msgpack::Reader;
use socketio_redis_edge::rooms::NameId;
use socketio_redis_edge::time::Time;

use super::application::targets;
use super::{Broadcast, Cluster, Event, Message, Server};

impl Cluster {
    /// One mutation of a server's adapter, and all that has to follow it.
    pub(crate) fn mutate(&mut self, server: usize, mutation: impl FnOnce(&mut Adapter, Time)) {
        let now = Time::from_millis(self.now);
        mutation(&mut self.servers[server].adapter, now);
        let mut outputs = 0;
        while let Some(output) = self.servers[server].adapter.poll_output(now) {
            self.perform(server, output);
            outputs += 1;
            assert!(outputs < 5, "there is no end of outputs");
        }
        let host = &mut self.servers[server];
        let timer = host.adapter.poll_timeout();
        if timer.is_none_or(|timer| timer > now) {
            host.adapter.handle_timeout(now);
            assert_eq!(host.adapter.poll_output(now), None, "a call too early");
            assert_eq!(host.adapter.poll_timeout(), timer, "a call too early");
        }
        if host.timer != timer {
            host.timer = timer;
            self.events.retain(|Reverse((_, _, event))| *event != Event::Timer(server));
            if let Some(timer) = timer {
                // No host rings to the millisecond.
                let at = timer.as_millis().max(self.now) + self.random.within(0..4);
                self.plan(at, Event::Timer(server));
            }
        }
    }

    fn perform(&mut self, server: usize, output: Output) {
        let connection = (server, self.servers[server].connections);
        match output {
            Output::Publish { channel, message } => {
                self.publish(server, channel.as_bytes(), &message, None);
            }
            Output::Subscribe { pattern } => {
                let host = &mut self.servers[server];
                assert!(host.connected, "subscribed without a connection");
                host.attempts += 1;
                self.command(server, Event::Subscribe(connection, pattern));
            }
            Output::Unsubscribe { pattern } => {
                self.command(server, Event::Unsubscribe(connection, pattern));
            }
        }
    }

    fn command(&mut self, server: usize, event: Event) {
        let at = self.latency(self.servers[server].subscribing);
        self.servers[server].subscribing = at;
        self.plan(at, event);
    }

    pub(super) fn publish(
        &mut self,
        server: usize,
        channel: &[u8],
        payload: &[u8],
        broadcast: Option<usize>,
    ) {
        if !self.servers[server].connected {
            return;
        }
        let at = self.latency(self.servers[server].publishing);
        self.servers[server].publishing = at;
        let message = Message { channel: channel.into(), payload: payload.into(), broadcast };
        let connection = (server, self.servers[server].connections);
        self.plan(at, Event::Published(connection, message));
    }

    /// A message comes in at a server.
    pub(super) fn hear(&mut self, server: usize, message: &Message) {
        let expected = message.broadcast.map_or_else(BTreeSet::new, |number| {
            let Broadcast { from, rooms, except, .. } = &self.broadcasts[number];
            let host = &self.servers[server];
            if *from == server || self.nsp(*from) != host.adapter.nsp() {
                return BTreeSet::new();
            }
            targets(&host.sockets, rooms, except)
        });
        // Hosts ask by the channel first when a message is large.
        let asks = self.random.thousandths(500);
        let host = &mut self.servers[server];
        let (mut out, mut places) = (Vec::new(), Vec::new());
        let mut received = None;
        if asks && !host.adapter.handle_channel(&message.channel) {
            assert_eq!(expected, BTreeSet::new(), "told by the channel");
        } else {
            let payload = &message.payload;
            self.mutate(server, |adapter, _| {
                received = Some(adapter.handle_message(payload, &mut out, &mut places));
            });
        }
        let host = &mut self.servers[server];
        let heard = match &received {
            Some(Received::Delivery(delivery)) => {
                let text = delivery.encoded.clone().expect("a text").text;
                let text = std::str::from_utf8(&out[text]).expect("UTF-8");
                let number = message.broadcast.expect("a probe is not delivered");
                assert!(text.ends_with(&format!("[\"e\",{number}]")), "{text}");
                host.targets()
            }
            _ => BTreeSet::new(),
        };
        assert_eq!(heard, expected, "server {server}, {received:?}");
        if let Some(number) = message.broadcast {
            let from = self.broadcasts[number].from;
            if from == server && received.is_some() {
                assert_eq!(received, Some(Received::Dropped(Dropped::Echo)));
            } else if from != server && self.nsp(from) == self.nsp(server) {
                self.servers[server].heard.push(number);
            }
        }
    }

    pub(super) fn nsp(&self, server: usize) -> &Namespace {
        self.servers[server].adapter.nsp()
    }
}

impl Server {
    /// The sockets that the adapter found last.
    pub(super) fn targets(&self) -> BTreeSet<String> {
        let targets = self.adapter.targets();
        let sids: BTreeSet<String> = targets
            .iter()
            .map(|&slot| {
                let name = self.adapter.rooms().name(NameId::from_index(slot));
                let name = Reader::new(name.expect("a name")).str().expect("a text");
                String::from_utf8(name.to_vec()).expect("UTF-8")
            })
            .collect();
        assert_eq!(sids.len(), targets.len(), "a socket comes twice");
        sids
    }
}
