//! The loop of a host around its adapter, and its ears.

use std::collections::BTreeSet;

use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::{Dropped, Output, Received, Value};
use socketio_redis_edge::dialect::Data;
use socketio_redis_edge::dialect::Dialect;
use socketio_redis_edge::id::Namespace;
use socketio_redis_edge::msgpack::{self, Reader};
use socketio_redis_edge::rooms::NameId;
use socketio_redis_edge::time::Time;

use super::application::{canonical, targets};
use super::questions::{Question, list};
use super::{Broadcast, Cluster, Event, Message, Server, Subject};

/// How long clients take to acknowledge, at most, in milliseconds.
const THINKING: u64 = 100;

impl Cluster {
    /// One mutation of a server's adapter, and all that has to follow it.
    pub(crate) fn mutate(&mut self, server: usize, mutation: impl FnOnce(&mut Adapter, Time)) {
        if self.servers[server].dead {
            return;
        }
        let now = Time::from_millis(self.now);
        mutation(&mut self.servers[server].adapter, now);
        let mut outputs = 0;
        while let Some(output) = self.servers[server].adapter.poll_output(now) {
            self.perform(server, output);
            outputs += 1;
            assert!(outputs < 100, "there is no end of outputs");
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
            self.events.retain(|_, event| *event != Event::Timer(server));
            if let Some(timer) = timer {
                // No host rings to the millisecond.
                let at = timer.as_millis().max(self.now) + self.random.within(0..4);
                self.plan(at, Event::Timer(server));
            }
        }
    }

    fn perform(&mut self, server: usize, output: Output) {
        let connection = (server, self.servers[server].connections);
        let from = |number| Question { from: server, number };
        match output {
            Output::Acknowledge { token, sockets, .. } => {
                self.servers[server].acknowledging.insert(token);
                let clients = sockets.len() as u32;
                self.servers[server].adapter.handle_sent(token, clients);
                for client in 0..clients {
                    let silent = self.faults.silent;
                    if !self.random.thousandths(silent) {
                        let at = self.now + self.random.within(0..THINKING);
                        self.plan(at, Event::Acknowledged(server, token, client));
                    }
                }
            }
            Output::Answer { request, value } => self.answered(from(request), &value),
            Output::ClientCount { request, count } => self.told(from(request), count),
            Output::Count { request, channels } => {
                let host = &self.servers[server];
                if host.connected {
                    // Right behind the question, where Redis keeps the order.
                    let at = match request {
                        Some(_) if self.ordered => host.publishing.max(self.now),
                        _ => self.latency(host.publishing),
                    };
                    self.servers[server].publishing = at;
                    self.plan(at, Event::Count(connection, request, channels));
                } else {
                    self.plan(self.now, Event::CountFailed(server, request));
                }
            }
            Output::Counted { request } => self.all_counted(from(request)),
            Output::Disconnect { sockets, .. } => {
                sockets.into_iter().for_each(|slot| self.servers[server].part(slot));
            }
            Output::Ended { request, ending } => self.ended(from(request), ending),
            Output::Fetch { sockets, reply } => {
                let described = self.servers[server].described(&sockets);
                self.servers[server]
                    .adapter
                    .handle_described(reply, Data::json(described.as_bytes()));
            }
            Output::Forget { token } => {
                assert!(self.servers[server].acknowledging.remove(&token), "forgotten twice");
            }
            Output::Join { sockets, rooms } => {
                let rooms = list(&rooms);
                sockets.into_iter().for_each(|slot| self.servers[server].join(slot, &rooms));
            }
            Output::Leave { sockets, rooms } => {
                let rooms = list(&rooms);
                sockets.into_iter().for_each(|slot| self.servers[server].leave(slot, &rooms));
            }
            Output::Publish { token, channel, message } => {
                let question = self.question_of(server, &channel, &message);
                let subject = match (token, question) {
                    (Some(0), _) => Subject::Probe,
                    (Some(number), _) => Subject::Question(from(number)),
                    (None, Some(question)) => Subject::Answer(server, question),
                    (None, None) => Subject::Command(self.commands.len() - 1),
                };
                self.publish(server, token, channel.as_bytes(), &message, subject);
            }
            Output::Deaf { .. } => {}
            Output::Reconnect => self.plan(self.now, Event::Reconnect(server)),
            Output::ServerSideEmit { reply, .. } => {
                let reply = reply.expect("an answer is asked for");
                let value = server.to_string();
                self.servers[server]
                    .adapter
                    .handle_called_back(reply, Some(Data::json(value.as_bytes())));
            }
            Output::Subscribe { id, name, .. } => {
                let host = &mut self.servers[server];
                assert!(host.connected, "subscribed without a connection");
                host.standing.remove(&name.name);
                host.attempts +=
                    u64::from(*host.tried.get_or_insert_with(|| name.name.clone()) == name.name);
                host.names.insert(id, name.name.clone());
                self.command(server, Event::Subscribe(connection, id, name));
            }
            Output::Unsubscribe { id, name } => {
                self.servers[server].standing.remove(&name.name);
                if self.servers[server].connected {
                    self.command(server, Event::Unsubscribe(connection, id, name));
                } else {
                    self.plan(self.now, Event::Ended(server, id));
                }
            }
        }
    }

    fn command(&mut self, server: usize, event: Event) {
        let at = self.latency(self.servers[server].subscribing);
        self.servers[server].subscribing = at;
        self.plan(at, event);
    }

    pub(super) fn confirmed(&mut self, server: usize, id: u32) {
        let host = &mut self.servers[server];
        let name = host.names.get(&id).expect("it was asked for");
        host.standing.insert(name.clone());
        self.mutate(server, |adapter, _| adapter.handle_confirmed(id));
    }

    /// A client acknowledges an event, if anybody still wants to know.
    pub(super) fn acknowledge(&mut self, server: usize, token: u32, client: u32) {
        if self.servers[server].acknowledging.contains(&token) {
            let mut value = Vec::new();
            msgpack::write_unsigned(&mut value, server as u64 * 1000 + u64::from(client));
            self.mutate(server, |adapter, _| adapter.handle_acknowledged(token, Some(&value)));
        }
    }

    pub(super) fn publish(
        &mut self,
        server: usize,
        token: Option<u32>,
        channel: &[u8],
        payload: &[u8],
        subject: Subject,
    ) {
        if !self.servers[server].connected {
            return;
        }
        let at = self.latency(self.servers[server].publishing);
        self.servers[server].publishing = at;
        let message = Message { channel: channel.into(), payload: payload.into(), subject };
        let connection = (server, self.servers[server].connections);
        self.plan(at, Event::Published(connection, token, message));
    }

    /// A message comes in at a server.
    pub(super) fn hear(&mut self, server: usize, message: &Message) {
        match message.subject {
            Subject::Answer(other, question) => {
                self.answering = Some((other, question));
                self.control(server, message);
                self.answering = None;
            }
            Subject::Broadcast(number) => self.hear_broadcast(server, message, Some(number)),
            Subject::Command(number) => {
                let expected = self.obeyed(server, number);
                self.control(server, message);
                assert_eq!(self.servers[server].sockets, expected, "server {server}");
            }
            Subject::Probe if self.servers[server].is_sharded() => self.control(server, message),
            Subject::Probe => self.hear_broadcast(server, message, None),
            Subject::Question(question) => {
                self.asked(server, question);
                self.control(server, message);
            }
        }
    }

    fn control(&mut self, server: usize, message: &Message) {
        let Message { channel, payload, .. } = message;
        self.servers[server].traffic += 1;
        let is_shared = self.servers[server].is_shared(channel);
        self.mutate(server, |adapter, now| {
            if is_shared {
                let received = adapter.handle_message(payload, &mut Vec::new(), &mut Vec::new());
                if received == Received::Dropped(Dropped::Echo) {
                    return;
                }
                assert_eq!(received, Received::Dropped(Dropped::Control));
            }
            adapter.handle_control(channel, payload, now).expect("well-formed");
        });
    }

    fn hear_broadcast(&mut self, server: usize, message: &Message, number: Option<usize>) {
        let expected = number.map_or_else(BTreeSet::new, |number| {
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
        host.traffic += 1;
        let (mut out, mut places) = (Vec::new(), Vec::new());
        let mut received = None;
        if asks && !host.adapter.handle_channel(&message.channel, message.payload.len()) {
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
                let number = number.expect("a probe is not delivered");
                assert!(text.ends_with(&format!("[\"e\",{number}]")), "{text}");
                host.targets()
            }
            _ => BTreeSet::new(),
        };
        assert_eq!(heard, expected, "server {server}, {received:?}");
        if let Some(number) = number {
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
    pub(crate) fn subscribes_to_rooms(&self) -> bool {
        self.adapter.options().subscription_mode.subscribes_to_rooms()
    }

    fn is_sharded(&self) -> bool {
        self.adapter.options().subscription_mode.dialect() == Dialect::Sharded
    }

    /// Whether a message on this channel may be a broadcast, and a request only if it proves to be none.
    fn is_shared(&self, channel: &[u8]) -> bool {
        let channels = self.adapter.channels();
        let own = channels.response_to(self.adapter.uid().as_str());
        self.is_sharded() && channel != own.as_bytes()
    }

    /// The sockets that the adapter found last.
    pub(super) fn targets(&self) -> BTreeSet<String> {
        let targets = self.adapter.targets();
        let sids: BTreeSet<String> = targets.iter().map(|&slot| self.sid(slot)).collect();
        assert_eq!(sids.len(), targets.len(), "a socket comes twice");
        sids
    }

    fn sid(&self, slot: u32) -> String {
        let name = self.adapter.rooms().name(NameId::from_index(slot));
        let name = Reader::new(name.expect("a name")).str().expect("a text");
        String::from_utf8(name.to_vec()).expect("UTF-8")
    }

    pub(super) fn join(&mut self, slot: u32, rooms: &BTreeSet<String>) {
        let sid = self.sid(slot);
        for room in rooms {
            let id = self.adapter.intern(&canonical(room));
            self.adapter.join(NameId::from_index(slot), id);
            self.sockets.get_mut(&sid).expect("a socket").insert(room.clone());
        }
    }

    pub(super) fn leave(&mut self, slot: u32, rooms: &BTreeSet<String>) {
        let sid = self.sid(slot);
        for room in rooms {
            let id = self.adapter.intern(&canonical(room));
            self.adapter.leave(NameId::from_index(slot), id);
            self.adapter.release(id);
            self.sockets.get_mut(&sid).expect("a socket").remove(room);
        }
    }

    pub(super) fn part(&mut self, slot: u32) {
        self.sockets.remove(&self.sid(slot));
        self.adapter.disconnect(NameId::from_index(slot), |_, _| ());
    }

    /// The sockets as a list of objects.
    fn described(&self, slots: &[u32]) -> String {
        let described = slots.iter().map(|&slot| {
            let sid = self.sid(slot);
            let rooms: Vec<String> = self.sockets[&sid].iter().cloned().collect();
            serde_json::json!({ "id": sid, "handshake": {}, "rooms": rooms, "data": {} })
        });
        serde_json::Value::Array(described.collect()).to_string()
    }
}

/// What an answer holds, as text or as MessagePack.
pub(super) fn read(value: &Value) -> serde_json::Value {
    match value {
        Value::Json { object, member } => {
            let object: serde_json::Value = serde_json::from_slice(object).expect("JSON");
            object[member].clone()
        }
        Value::MessagePack { bytes } => {
            let value = rmpv::decode::read_value(&mut bytes.as_slice()).expect("MessagePack");
            serde_json::from_str(&value.to_string()).expect("what JSON can say")
        }
    }
}
