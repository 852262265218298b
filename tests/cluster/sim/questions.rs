//! What servers ask each other, what they tell each other to do, and what must come of it.

use std::collections::{BTreeMap, BTreeSet};

use socketio_redis_edge::adapter::{Body, BroadcastCommand, Ending, Value};
use socketio_redis_edge::dialect::Data;
use socketio_redis_edge::room::Room;
use socketio_redis_edge::transcode::Outside;

use super::application::{named, owned, targets};
use super::host::read;
use super::{Cluster, Sockets};

/// A request: the server that asks, and what it calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Question {
    pub(crate) from: usize,
    pub(crate) number: u32,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Acknowledgements,
    AllRooms,
    Count,
    Fetch,
    ServerSideEmit,
    Sockets,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Acknowledgements,
        Self::AllRooms,
        Self::Count,
        Self::Fetch,
        Self::ServerSideEmit,
        Self::Sockets,
    ];
}

/// What one server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Names(BTreeSet<String>),
    Number(u64),
}

/// How far a question has come.
#[derive(Debug)]
pub(crate) struct State {
    kind: Kind,
    rooms: Vec<String>,
    except: Vec<String>,
    /// The other servers when they were counted,
    counted: BTreeSet<usize>,
    /// and those of them that have not left since.
    stayed: BTreeSet<usize>,
    /// What each server held whenever the question reached it.
    possible: BTreeMap<usize, Vec<Said>>,
    pub(crate) answered: BTreeMap<usize, Said>,
    /// The clients that have acknowledged,
    clients: BTreeSet<u64>,
    /// and how many acknowledgements that were: nothing tells one that comes twice from another's.
    acknowledgements: u64,
    /// Whether it is known to have reached everybody.
    pub(crate) complete: bool,
    pub(crate) ending: Option<Ending>,
}

impl State {
    /// A server has lost its connection.
    pub(super) fn left(&mut self, server: usize) {
        self.stayed.remove(&server);
    }

    /// Nobody who is there is forgotten. Only a server that came after the count may stand for one: it is
    /// a number that Redis tells.
    fn complete(&mut self) {
        assert!(!self.complete && self.ending.is_none(), "complete twice");
        self.complete = true;
        let silent = self.stayed.iter().filter(|server| !self.answered.contains_key(server));
        let newcomers = self.answered.keys().filter(|server| !self.counted.contains(server));
        assert!(silent.count() <= newcomers.count(), "somebody is silent: {self:?}");
    }

    /// Whether everybody who was counted has answered.
    pub(crate) fn is_whole(&self) -> bool {
        self.complete && self.counted.iter().eq(self.answered.keys())
    }

    /// Whether nothing more can come of it.
    pub(crate) fn is_over(&self) -> bool {
        let clients: u64 = self
            .answered
            .values()
            .map(|said| match said {
                Said::Number(count) => *count,
                Said::Names(_) => 0,
            })
            .sum();
        let acknowledged = self.kind == Kind::Acknowledgements
            && self.complete
            && self.acknowledgements >= clients;
        self.ending.is_some() || acknowledged
    }
}

/// Something that servers are told to do to their sockets.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Disconnect,
    Join(&'static str),
    Leave(&'static str),
}

/// A command, and the sockets that it is about.
pub(super) struct Told {
    from: usize,
    command: Command,
    rooms: Vec<String>,
    except: Vec<String>,
}

impl Cluster {
    /// Asks all other servers, if this one hears what they say.
    pub(crate) fn ask(&mut self, from: usize, kind: Kind, rooms: &[&str], except: &[&str]) {
        let host = &self.servers[from];
        if host.dead || !host.adapter.is_subscribed() {
            return;
        }
        let except =
            if matches!(kind, Kind::Acknowledgements | Kind::Fetch) { except } else { &[] };
        let (names, excepted): (Vec<Room<'_>>, Vec<Room<'_>>) = (named(rooms), named(except));
        let mut number = None;
        self.mutate(from, |adapter, now| {
            number = Some(match kind {
                Kind::Acknowledgements => {
                    let nsp = adapter.nsp().as_str();
                    let nsp = if nsp == "/" { String::new() } else { format!("{nsp},") };
                    let packet = format!("2{nsp}[\"e\"]");
                    let command = BroadcastCommand {
                        body: Body::Text(packet.as_bytes(), Outside::default()),
                        rooms: &names,
                        except: &excepted,
                        flags: br#"{"timeout":2000}"#,
                        local: false,
                    };
                    let request = adapter.broadcast_with_ack(command, None, now);
                    request.expect("an event").expect("it is not local")
                }
                Kind::AllRooms => adapter.all_rooms(None, now),
                Kind::Count => adapter.count(&names, None, now),
                Kind::Fetch => adapter.fetch_sockets(&names, &excepted, None, now),
                Kind::ServerSideEmit => {
                    adapter.server_side_emit_with_ack(Data::json(b"[\"e\"]"), None, now)
                }
                Kind::Sockets => adapter.sockets(&names, None, now),
            });
        });
        let question = Question { from, number: number.expect("the server lives") };
        let state = State {
            kind,
            rooms: owned(rooms),
            except: owned(except),
            counted: BTreeSet::new(),
            stayed: BTreeSet::new(),
            possible: BTreeMap::new(),
            answered: BTreeMap::new(),
            clients: BTreeSet::new(),
            acknowledgements: 0,
            complete: false,
            ending: None,
        };
        assert!(self.questions.insert(question, state).is_none(), "a number is used twice");
    }

    /// Tells all servers to do something to their sockets; this one does it at once.
    pub(crate) fn tell(&mut self, from: usize, command: Command, rooms: &[&str], except: &[&str]) {
        if self.servers[from].dead {
            return;
        }
        let (names, excepted) = (named(rooms), named(except));
        let told =
            Told { from, command: command.clone(), rooms: owned(rooms), except: owned(except) };
        self.commands.push(told);
        self.mutate(from, |adapter, now| match command {
            Command::Disconnect => adapter.disconnect_sockets(&names, &excepted, false),
            Command::Join(room) => adapter.join_sockets(&names, &excepted, &named(&[room]), now),
            Command::Leave(room) => adapter.leave_sockets(&names, &excepted, &named(&[room])),
        });
        let sids = targets(&self.servers[from].sockets, &owned(rooms), &owned(except));
        for sid in sids {
            match command {
                Command::Disconnect => self.part(from, &sid),
                Command::Join(room) => self.join(from, &sid, room),
                Command::Leave(room) => self.leave(from, &sid, room),
            }
        }
    }

    /// The sockets of a server when it will have done what it was told.
    pub(super) fn obeyed(&self, server: usize, number: usize) -> Sockets {
        let Told { from, command, rooms, except } = &self.commands[number];
        let mut sockets = self.servers[server].sockets.clone();
        if *from == server || self.servers[server].closed {
            return sockets;
        }
        for sid in targets(&sockets, rooms, except) {
            let Some(joined) = sockets.get_mut(&sid) else { continue };
            match command {
                Command::Disconnect => {
                    sockets.remove(&sid);
                }
                Command::Join(room) => {
                    joined.insert((*room).to_owned());
                }
                Command::Leave(room) => {
                    joined.remove(*room);
                }
            }
        }
        sockets
    }

    /// Redis has counted the servers for a question.
    pub(super) fn counted(&mut self, question: Question, there: &BTreeSet<usize>) {
        if let Some(state) = self.questions.get_mut(&question) {
            let others = there.iter().copied().filter(|&server| server != question.from);
            state.counted = others.collect();
            let stays = |server: &usize| !self.servers[*server].closed;
            state.stayed = state.counted.iter().copied().filter(stays).collect();
        }
    }

    /// A question reaches a server.
    pub(super) fn asked(&mut self, server: usize, question: Question) {
        let sockets = &self.servers[server].sockets;
        let Some(state) = self.questions.get_mut(&question) else { return };
        if server == question.from {
            return;
        }
        let matching = || targets(sockets, &state.rooms, &state.except);
        let said = match state.kind {
            Kind::Acknowledgements | Kind::Count => Said::Number(matching().len() as u64),
            Kind::AllRooms => Said::Names(sockets.values().flatten().cloned().collect()),
            Kind::Fetch | Kind::Sockets => Said::Names(matching()),
            Kind::ServerSideEmit => Said::Number(server as u64),
        };
        state.possible.entry(server).or_default().push(said);
    }

    /// An answer is handed to the application.
    pub(super) fn answered(&mut self, question: Question, value: &Value) {
        let (server, to) = self.answering.expect("an answer comes in");
        assert_eq!(to, question, "an answer to another question");
        let value = read(value);
        let state = self.questions.get_mut(&question).expect("it was asked");
        assert!(!state.is_over() && state.ending.is_none(), "an answer after the end");
        if state.kind == Kind::Acknowledgements {
            let client = value.as_u64().expect("a number");
            assert_eq!(client / 1000, server as u64, "a client of another server");
            assert!(state.possible.contains_key(&server), "it was not asked");
            state.acknowledgements += 1;
            let first = state.clients.insert(client);
            assert!(first || self.faults.doubled > 0, "a client acknowledges twice");
            return;
        }
        let said = match state.kind {
            Kind::Count | Kind::ServerSideEmit => Said::Number(value.as_u64().expect("a number")),
            _ => Said::Names(value.as_array().expect("a list").iter().map(name).collect()),
        };
        self.heard_answer(question, server, said);
    }

    /// A server has sent an event to so many clients.
    pub(super) fn told(&mut self, question: Question, count: u32) {
        let (server, to) = self.answering.expect("an answer comes in");
        assert_eq!(to, question, "an answer to another question");
        self.heard_answer(question, server, Said::Number(count.into()));
    }

    fn heard_answer(&mut self, question: Question, server: usize, said: Said) {
        let state = self.questions.get_mut(&question).expect("it was asked");
        let possible = state.possible.get(&server).map(Vec::as_slice).unwrap_or_default();
        assert!(possible.contains(&said), "{said:?} is none of {possible:?}");
        assert!(state.ending.is_none(), "an answer after the end");
        assert_eq!(state.answered.insert(server, said), None, "a server answers twice");
    }

    /// Every server has told how many clients it has.
    pub(super) fn all_counted(&mut self, question: Question) {
        self.questions.get_mut(&question).expect("it was asked").complete();
    }

    pub(super) fn ended(&mut self, question: Question, ending: Ending) {
        let state = self.questions.get_mut(&question).expect("it was asked");
        if ending == Ending::Complete && state.kind == Kind::Acknowledgements {
            assert!(state.is_over(), "clients are still to acknowledge");
        } else if ending == Ending::Complete {
            state.complete();
        }
        assert_eq!(state.ending.replace(ending), None, "it ends twice");
    }
}

/// The names in a list of texts, or of sockets.
fn name(item: &serde_json::Value) -> String {
    let name = if item.is_object() { &item["id"] } else { item };
    name.as_str().expect("a text").to_owned()
}

/// The names in a list.
pub(super) fn list(value: &Value) -> BTreeSet<String> {
    read(value).as_array().expect("a list").iter().map(name).collect()
}

impl Cluster {
    /// The question that a message on a response channel answers.
    pub(super) fn question_of(
        &self,
        from: usize,
        channel: &str,
        message: &[u8],
    ) -> Option<Question> {
        let channels = self.servers[from].adapter.channels();
        let is_answer = match channels.request() == channels.broadcast() {
            true => channel != channels.request(),
            false => channel.starts_with(channels.response()),
        };
        if !is_answer {
            return None;
        }
        // Uids are "uid" and a digit; what stands in between depends on the form of the message.
        let name = message.windows(9).position(|bytes| bytes == b"requestId");
        // A probe has none.
        let id = String::from_utf8_lossy(&message[name? + 9..]);
        let id = &id[id.find("uid").expect("a uid") + 3..];
        let (server, number) = id.split_at(1);
        let end = number.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(number.len());
        let number = number[..end].parse().expect("a number");
        Some(Question { from: server.parse().expect("a server"), number })
    }
}
