//! What other servers ask of this one, and what it answers.

use crate::dialect::classic::read_flags;
use crate::dialect::classic::response::write_response;
use crate::dialect::cluster::write_answer;
use crate::dialect::request::{AckBroadcast, Envelope, Filter, Request, Whom};
use crate::dialect::response::{Answer, Reply, Response, Sockets};
use crate::dialect::{Data, Dialect, Names};
use crate::msgpack::{Item, Reader};
use crate::room::Room;
use crate::time::{Duration, Time};

use super::{Adapter, Output, Value};

impl Adapter {
    /// Takes a request of another server.
    pub(super) fn take_request(&mut self, envelope: Envelope<'_>, now: Time) {
        let reply = self.reply_to(&envelope);
        match envelope.request {
            Request::AllRooms => {
                if let Some(reply) = reply {
                    let rooms = self.all_names();
                    self.answer(reply, Response::Rooms(Names::of(&rooms)));
                }
            }
            Request::Broadcast(broadcast) => {
                if let Some(reply) = reply {
                    self.acknowledge(&broadcast, reply, now);
                }
            }
            Request::Disconnect { whom, close } => {
                let close = close.unwrap_or(false);
                self.apply(&whom, reply, |sockets| Output::Disconnect { sockets, close });
            }
            Request::Fetch(filter) => {
                if let Some(reply) = reply {
                    let sockets = self.matching(filter);
                    if sockets.is_empty() {
                        self.answer(reply, Response::Sockets(Sockets::None));
                    } else {
                        self.push(Output::Fetch { sockets, reply });
                    }
                }
            }
            Request::Join { whom, rooms } => {
                let rooms = Value::list(rooms);
                self.apply(&whom, reply, |sockets| Output::Join { sockets, rooms });
            }
            Request::Leave { whom, rooms } => {
                let rooms = Value::list(rooms);
                self.apply(&whom, reply, |sockets| Output::Leave { sockets, rooms });
            }
            Request::ServerSideEmit(data) => {
                let data = Value::of(data);
                self.push(Output::ServerSideEmit { data, reply });
            }
            Request::Sockets { rooms, count } => {
                if let Some(reply) = reply {
                    self.answer_with_sockets(rooms, count, reply);
                }
            }
        }
    }

    /// The sockets of [`Output::Fetch`], described: a list of objects, as `{ id, handshake, rooms, data }`.
    pub fn handle_described(&mut self, reply: Reply, sockets: Data<'_>) {
        self.answer(reply, Response::Sockets(Sockets::Details(sockets)));
    }

    /// A listener of [`Output::ServerSideEmit`] called back with a value, or with none.
    pub fn handle_called_back(&mut self, reply: Reply, value: Option<Data<'_>>) {
        self.answer(reply, Response::ServerSideEmit(value));
    }

    /// The event of [`Output::Acknowledge`] was sent to so many clients.
    pub fn handle_sent(&mut self, token: u32, clients: u32) {
        if let Some(reply) = self.acknowledgements.sent(token, clients).cloned() {
            self.answer(reply, Response::ClientCount(clients.into()));
        }
        self.forget_if_done(token);
    }

    /// A client has acknowledged the event of [`Output::Acknowledge`] with a value in MessagePack, or
    /// with none.
    pub fn handle_acknowledged(&mut self, token: u32, value: Option<&[u8]>) {
        if let Some(reply) = self.acknowledgements.acknowledged(token).cloned() {
            self.answer(reply, Response::Acknowledgement(value.map(Data::MessagePack)));
        }
        self.forget_if_done(token);
    }

    fn forget_if_done(&mut self, token: u32) {
        if self.acknowledgements.end_if_done(token) {
            self.push(Output::Forget { token });
        }
    }

    fn acknowledge(&mut self, broadcast: &AckBroadcast<'_>, reply: Reply, now: Time) {
        let sent_flags = broadcast.flags.to_messagepack();
        let flags = read_flags(&mut Reader::new(&sent_flags)).unwrap_or_default();
        let deadline = self.deadline(read_timeout(&sent_flags), now);
        let sockets = self.matching(broadcast.filter.clone());
        if sockets.is_empty() {
            return self.answer(reply, Response::ClientCount(0));
        }
        let token = self.acknowledgements.begin(reply, deadline);
        let data = Value::of(broadcast.data);
        self.push(Output::Acknowledge { token, sockets, flags, data });
    }

    fn answer_with_sockets(&mut self, rooms: Names<'_>, count: bool, reply: Reply) {
        let sockets = self.matching(Filter { rooms, except: Names::EMPTY });
        if !count {
            let ids = self.ids_of(&sockets);
            return self.answer(reply, Response::Sockets(Sockets::Ids(Names::of(&ids))));
        }
        let answer = self.written(reply, Response::Count(sockets.len() as u64));
        // Whoever counts may then publish to the rooms that sockets here have just joined.
        self.push_when_heard(answer);
    }

    /// Has something done to sockets; where one was named, its server says when it is done.
    fn apply(
        &mut self,
        whom: &Whom<'_>,
        reply: Option<Reply>,
        output: impl FnOnce(Vec<u32>) -> Output,
    ) {
        match whom {
            Whom::Filter(filter) => {
                let sockets = self.matching(filter.clone());
                if !sockets.is_empty() {
                    self.push(output(sockets));
                }
            }
            Whom::Socket(sid) => {
                let socket = super::find(&self.rooms, &mut self.name, Room::Text(sid));
                let Some(socket) = socket.filter(|&socket| self.rooms.is_socket(socket)) else {
                    return;
                };
                self.push(output(vec![socket.index() as u32]));
                if let Some(reply) = reply {
                    let answer = self.written(reply, Response::Done);
                    self.push_when_heard(answer);
                }
            }
        }
    }

    fn matching(&mut self, filter: Filter<'_>) -> Vec<u32> {
        let Filter { rooms, except } = filter;
        let all = rooms.is_empty();
        self.find_targets(rooms, all, except);
        self.targets.clone()
    }

    /// Where the answer to a request goes; `None` if nobody waits for one.
    ///
    /// A server of version 6 tells no uid, and hears nothing but the shared channel. One that asks for
    /// acknowledgements has a channel of its own since 7.1, and on the shared one the answers of clients,
    /// which are MessagePack, would end servers of version 5 and 6 that have no "error" listener.
    fn reply_to(&self, envelope: &Envelope<'_>) -> Option<Reply> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let Envelope { uid, id, named, request } = envelope;
        let alone = self.dialect() == Dialect::Sharded
            || *named
            || matches!(request, Request::Broadcast(_))
            || self.options.publish_on_specific_response_channel;
        let channel = match uid {
            Some(uid) if alone => self.channels.response_to(&text(uid)),
            _ => self.channels.response().to_owned(),
        };
        Some(Reply { channel, id: text((*id)?), named: *named })
    }

    fn answer(&mut self, reply: Reply, response: Response<'_>) {
        let answer = self.written(reply, response);
        self.push(answer);
    }

    fn written(&self, reply: Reply, response: Response<'_>) -> Output {
        let Reply { channel, id, named } = reply;
        let uid = named.then(|| self.uid.as_str().as_bytes());
        let mut message = Vec::new();
        let answer = Answer { id: id.as_bytes(), uid, response };
        // Its values are the host's own, or were read before.
        let _ = match self.dialect() {
            Dialect::Classic => write_response(&mut message, &answer),
            Dialect::Sharded => write_answer(&mut message, &self.uid, &self.nsp, &answer),
        };
        Output::Publish { token: None, channel, message }
    }
}

/// The flag `timeout`, in milliseconds.
fn read_timeout(flags: &[u8]) -> Option<Duration> {
    let mut reader = Reader::new(flags);
    for _ in 0..reader.map().ok()? {
        if reader.str().ok()? == b"timeout" {
            let millis = match reader.item().ok()? {
                Item::Unsigned(millis) => millis as f64,
                Item::Float(millis) => millis.ceil(),
                _ => return None,
            };
            return (millis >= 0.0).then(|| Duration::from_millis(millis as u64));
        }
        reader.skip().ok()?;
    }
    None
}
