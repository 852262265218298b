//! A host that does whatever it is told to, and keeps books.

use std::collections::{BTreeMap, BTreeSet};

use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::ClientProtocol;
use socketio_redis_edge::dialect::Data;
use socketio_redis_edge::dialect::classic::Reply;
use socketio_redis_edge::id::{Namespace, Uid};
use socketio_redis_edge::options::{Options, SubscriptionMode};
use socketio_redis_edge::room::Room;
use socketio_redis_edge::rooms::NameId;
use socketio_redis_edge::time::Time;

use super::messages;
use super::operation::{ChannelKind, Operation, Setting, fault, room, sid};
use crate::recordings::CLASSIC;

const UID: &str = "KgkYV5";

pub(super) struct Host {
    pub(super) adapter: Adapter,
    pub(super) setting: Setting,
    pub(super) now: u64,
    pub(super) traffic: u64,
    /// Who is connected, and in which rooms, all by their canonical names.
    pub(super) sockets: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>>,
    /// Requests that have not ended.
    pub(super) open: BTreeSet<u32>,
    /// Events whose acknowledgements are of interest.
    pub(super) events: BTreeSet<u32>,
    /// Subscriptions that were asked for, and those to be given up.
    pub(super) asked: BTreeSet<u32>,
    pub(super) ending: BTreeSet<u32>,
    /// What was published last, and whether it waits for a result.
    pub(super) published: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) tokens: Vec<u32>,
    pub(super) counts: Vec<(Option<u32>, usize)>,
    pub(super) described: Vec<Reply>,
    pub(super) called: Vec<Reply>,
}

impl Host {
    pub(super) fn new(setting: Setting) -> Self {
        let options = Options {
            subscription_mode: match setting.exact {
                true => SubscriptionMode::Exact,
                false => SubscriptionMode::Pattern,
            },
            publish_on_specific_response_channel: setting.specific,
            ..Options::default()
        };
        let protocol = if setting.text { ClientProtocol::Text } else { ClientProtocol::Custom };
        let uid = Uid::parse(UID).expect("a uid");
        let nsp = Namespace::parse("/").expect("a namespace");
        let mut adapter = Adapter::new(uid, nsp, options, protocol, 7);
        adapter.set_ordered(setting.ordered);
        Self {
            adapter,
            setting,
            now: 0,
            traffic: 0,
            sockets: BTreeMap::new(),
            open: BTreeSet::new(),
            events: BTreeSet::new(),
            asked: BTreeSet::new(),
            ending: BTreeSet::new(),
            published: Vec::new(),
            tokens: Vec::new(),
            counts: Vec::new(),
            described: Vec::new(),
            called: Vec::new(),
        }
    }

    pub(super) fn time(&self) -> Time {
        Time::from_millis(self.now)
    }

    pub(super) fn perform(&mut self, operation: Operation<'_>) {
        let now = self.time();
        match operation {
            Operation::Acknowledged { event, value } => {
                let event = chosen(&self.events, event);
                self.adapter.handle_acknowledged(event, value.then_some(b"\xa2ok"));
            }
            Operation::Answer { request, server, answer, count } => {
                let id = format!("{UID}{}", chosen(&self.open, request));
                let uid = (server > 0).then(|| format!("other-{server}"));
                let uid = uid.as_ref().map(String::as_bytes);
                let message = messages::answer(answer, id.as_bytes(), uid, count);
                let channel = self.adapter.channels().response().to_owned();
                let taken = self.adapter.handle_control(channel.as_bytes(), &message, now);
                taken.expect("it is an answer");
            }
            Operation::Ask { question, rooms, except, timeout } => {
                self.ask(question, &rooms.list(), &except.list(), timeout);
            }
            Operation::AwaitRooms(rooms) => {
                let ids: Vec<NameId> =
                    rooms.list().into_iter().filter_map(|room| self.find(room)).collect();
                let request = self.adapter.await_rooms(&ids, now);
                self.begin(request);
            }
            Operation::Broadcast { body, flags, rooms, except, local, ack } => {
                self.broadcast((body, flags), rooms, except, local, ack);
            }
            Operation::CalledBack { reply, value } => {
                if let Some(reply) = take(&mut self.called, reply) {
                    self.adapter.handle_called_back(reply, value.then_some(Data::json(b"[1]")));
                }
            }
            Operation::Channel { channel, length } => {
                let channel = self.channel(channel);
                self.adapter.handle_channel(&channel, length.into());
            }
            Operation::Close => self.adapter.close(),
            Operation::Confirm(id) => {
                let id = chosen(&self.asked, id);
                self.asked.remove(&id);
                self.adapter.handle_confirmed(id);
            }
            Operation::ConfirmAll => self.confirm_all(),
            Operation::Connect(number) => {
                let id = self.adapter.intern(&canonical(Room::Text(sid(number))));
                self.adapter.connect(id);
                self.sockets.entry(canonical(Room::Text(sid(number)))).or_default();
            }
            Operation::Control { channel, payload } => {
                let channel = self.channel(channel);
                let _ = self.adapter.handle_control(&channel, payload.0, now);
            }
            Operation::Count { which, servers, there } => {
                if let Some((request, channels)) = take(&mut self.counts, which) {
                    let there = (1..channels).map(|place| u32::from(there) >> (place % 8) & 1);
                    let counts: Vec<u32> = std::iter::once(servers.into()).chain(there).collect();
                    self.adapter.handle_count(request, &counts, now);
                }
            }
            Operation::CountFailed(which) => {
                if let Some((request, _)) = take(&mut self.counts, which) {
                    self.adapter.handle_count_failed(request, now);
                }
            }
            Operation::Described { reply, value } => {
                if let Some(reply) = take(&mut self.described, reply) {
                    let sockets = r#"[{"id":"sid-0","handshake":{},"rooms":[],"data":{}}]"#;
                    let sockets = if value { sockets } else { "[]" };
                    self.adapter.handle_described(reply, Data::json(sockets.as_bytes()));
                }
            }
            Operation::Disconnect(number) => {
                let name = canonical(Room::Text(sid(number)));
                if self.sockets.remove(&name).is_some() {
                    let id = self.adapter.rooms().find(&name).expect("it is connected");
                    self.adapter.disconnect(id, |_, _| ());
                }
            }
            Operation::Drain => self.drain(),
            Operation::Echo(which) => {
                if let Some((channel, message)) = take(&mut self.published, which) {
                    self.receive(&channel, &message);
                }
            }
            Operation::Ended(id) => {
                let id = chosen(&self.ending, id);
                self.ending.remove(&id);
                self.adapter.handle_ended(id);
            }
            Operation::Join(number, name) => {
                let [socket, name] = [Room::Text(sid(number)), room(name)].map(canonical);
                let [id, room] = [&socket, &name].map(|name| self.adapter.intern(name));
                self.adapter.join(id, room);
                self.sockets.entry(socket).or_default().insert(name);
            }
            Operation::Leave(number, name) => {
                let [socket, name] = [Room::Text(sid(number)), room(name)].map(canonical);
                if let Some(rooms) = self.sockets.get_mut(&socket)
                    && rooms.remove(&name)
                {
                    let [id, room] = [&socket, &name].map(|name| self.adapter.rooms().find(name));
                    self.adapter.leave(id.expect("a socket"), room.expect("a room"));
                }
            }
            Operation::Lost => {
                self.asked.clear();
                self.adapter.handle_lost();
            }
            Operation::Message(payload) => {
                self.take_message(payload.0);
            }
            Operation::OtherBroadcast { body, rooms, except } => {
                let (rooms, except) = (rooms.list(), except.list());
                let message = messages::broadcast(body, self.adapter.nsp(), &rooms, &except);
                self.take_message(&message);
                assert_eq!(self.targets(), self.expected(&rooms, &except));
            }
            Operation::OtherRequest { request, rooms, except, sid: about, id, named } => {
                let filter = (&*rooms.list(), &*except.list());
                let id = (id > 0).then(|| format!("other{id}"));
                let id = id.as_ref().map(String::as_bytes);
                let message = messages::request(request, filter, about.map(sid), id, named);
                let channel = self.adapter.channels().request().to_owned();
                let taken = self.adapter.handle_control(channel.as_bytes(), &message, now);
                taken.expect("it is a request");
            }
            Operation::Published(token) => {
                if let Some(token) = take(&mut self.tokens, token) {
                    self.adapter.handle_published(token, now);
                }
            }
            Operation::PublishFailed(token) => {
                if let Some(token) = take(&mut self.tokens, token) {
                    self.adapter.handle_publish_failed(token, now);
                }
            }
            Operation::Ready => self.adapter.handle_ready(),
            Operation::Recorded { message, place, change } => {
                let message = &CLASSIC[usize::from(message) % CLASSIC.len()];
                let mut payload = message.payload.clone();
                let length = payload.len();
                if let Some(byte) = payload.get_mut(usize::from(place) % length.max(1)) {
                    *byte ^= change;
                }
                self.receive(message.channel.as_bytes(), &payload);
            }
            Operation::Refuse(id) => {
                let id = chosen(&self.asked, id);
                self.asked.remove(&id);
                self.adapter.handle_refused(id, now);
            }
            Operation::Report { fault: number, listening } => {
                self.adapter.report(fault(number), listening, now);
            }
            Operation::Sent { event, clients } => {
                let event = chosen(&self.events, event);
                self.adapter.handle_sent(event, clients.into());
            }
            Operation::Step(millis) => self.step_to(self.now.saturating_add(millis.into())),
            Operation::StepToTimer => {
                let timer = self.adapter.poll_timeout().map_or(self.now, Time::as_millis);
                self.step_to(timer.max(self.now));
            }
            Operation::Tell { command, rooms, except } => {
                self.tell(command, &rooms.list(), &except.list());
            }
            Operation::Traffic(count) => {
                self.traffic = self.traffic.saturating_add(count.into());
                self.adapter.note_traffic(self.traffic);
            }
            Operation::Undecodable => self.adapter.handle_undecodable(),
        }
        if !self.setting.lazy {
            self.drain();
        }
    }

    fn find(&self, room: Room<'_>) -> Option<NameId> {
        self.adapter.rooms().find(&canonical(room))
    }

    fn channel(&self, kind: ChannelKind) -> Vec<u8> {
        let channels = self.adapter.channels();
        let name = match kind {
            ChannelKind::Broadcast => channels.broadcast().to_owned(),
            ChannelKind::Other => "socket.io#/other#".to_owned(),
            ChannelKind::Request => channels.request().to_owned(),
            ChannelKind::Response => channels.response().to_owned(),
            ChannelKind::ResponseToThis => channels.response_to(UID),
            ChannelKind::Room(number) => channels.room(room(number)),
        };
        name.into_bytes()
    }
}

pub(super) fn canonical(room: Room<'_>) -> Vec<u8> {
    let mut name = Vec::new();
    room.write(&mut name);
    name
}

/// One of a set, or a number that is none of it.
fn chosen(set: &BTreeSet<u32>, number: u8) -> u32 {
    let place = usize::from(number) % (set.len() + 1);
    set.iter().nth(place).copied().unwrap_or_else(|| u32::from(number) << 24)
}

/// Takes one of a list.
fn take<T>(list: &mut Vec<T>, number: u8) -> Option<T> {
    let place = usize::from(number).checked_rem(list.len())?;
    Some(list.swap_remove(place))
}
