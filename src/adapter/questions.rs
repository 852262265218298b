//! What this server asks the others, and what becomes of it.

use crate::dialect::classic::request::write_request;
use crate::dialect::request::{AckBroadcast, Envelope, Filter, Request, Whom};
use crate::dialect::response::{Answer, Response, Sockets};
use crate::dialect::{Data, Dialect, Names, cluster, list};
use crate::requests::{Ending, Kind, Number, Taken};
use crate::room::Room;
use crate::rooms::NameId;
use crate::time::{Duration, Time};
use crate::transcode::Outside;

use super::stats::count;
use super::{Adapter, Awaiting, Body, BroadcastCommand, Output, Queued, SendError, Value};

/// How long answers are waited for; `None` stands for the option `requestsTimeout`.
pub type Timeout = Option<Duration>;

/// A question gives the number by which [`Output::Answer`] and [`Output::Ended`] name it.
impl Adapter {
    /// Asks for all rooms of the other servers; each answer is a list.
    pub fn all_rooms(&mut self, timeout: Timeout, now: Time) -> u32 {
        self.ask(Kind::AllRooms, Request::AllRooms, timeout, now)
    }

    /// Asks for the sockets of the other servers in any of `rooms` (all if there is none); each answer
    /// is a list of ids.
    pub fn sockets(&mut self, rooms: &[Room<'_>], timeout: Timeout, now: Time) -> u32 {
        self.ask_for_sockets(Kind::Sockets, rooms, timeout, now)
    }

    /// Asks how many sockets of the other servers are in any of `rooms` (all if there is none); each
    /// answer is a number.
    ///
    /// Servers answer in the order in which they are asked: each has then done all that this one asked
    /// of it before, and hears what is published to the rooms that sockets joined by it.
    pub fn count(&mut self, rooms: &[Room<'_>], timeout: Timeout, now: Time) -> u32 {
        self.ask_for_sockets(Kind::Count, rooms, timeout, now)
    }

    /// Asks for the sockets of the other servers that match; each answer is a list of objects.
    pub fn fetch_sockets(
        &mut self,
        rooms: &[Room<'_>],
        except: &[Room<'_>],
        timeout: Timeout,
        now: Time,
    ) -> u32 {
        let (rooms, except) = lists(rooms, except);
        let filter = Filter { rooms: Names::of(&rooms), except: Names::of(&except) };
        self.ask(Kind::Fetch, Request::Fetch(filter), timeout, now)
    }

    /// Calls the listeners of the other servers with `data`, a list of the event's name and its arguments;
    /// each answer is what one called back with.
    pub fn server_side_emit_with_ack(
        &mut self,
        data: Data<'_>,
        timeout: Timeout,
        now: Time,
    ) -> u32 {
        self.ask(Kind::ServerSideEmit, Request::ServerSideEmit(data), timeout, now)
    }

    /// Calls the listeners of the other servers with `data`, as
    /// [`server_side_emit_with_ack`](Self::server_side_emit_with_ack) does; nobody answers.
    pub fn server_side_emit(&mut self, data: Data<'_>) {
        self.tell(Request::ServerSideEmit(data));
    }

    /// Lets the sockets of the other servers that match join `joined`. They hear what this server
    /// publishes to these rooms from then on.
    pub fn join_sockets(
        &mut self,
        rooms: &[Room<'_>],
        except: &[Room<'_>],
        joined: &[Room<'_>],
        now: Time,
    ) {
        if self.subscribes_to_rooms() && !self.subscriptions.is_closed() {
            self.joined.remember(joined, now);
        }
        let (rooms, except) = lists(rooms, except);
        let joined = list(joined.iter().copied());
        let filter = Filter { rooms: Names::of(&rooms), except: Names::of(&except) };
        self.tell(Request::Join { whom: Whom::Filter(filter), rooms: Names::of(&joined) });
    }

    /// Lets the sockets of the other servers that match leave `left`.
    pub fn leave_sockets(&mut self, rooms: &[Room<'_>], except: &[Room<'_>], left: &[Room<'_>]) {
        let (rooms, except) = lists(rooms, except);
        let left = list(left.iter().copied());
        let filter = Filter { rooms: Names::of(&rooms), except: Names::of(&except) };
        self.tell(Request::Leave { whom: Whom::Filter(filter), rooms: Names::of(&left) });
    }

    /// Disconnects the sockets of the other servers that match; with `close`, their connections too.
    pub fn disconnect_sockets(&mut self, rooms: &[Room<'_>], except: &[Room<'_>], close: bool) {
        let (rooms, except) = lists(rooms, except);
        let filter = Filter { rooms: Names::of(&rooms), except: Names::of(&except) };
        self.tell(Request::Disconnect { whom: Whom::Filter(filter), close: Some(close) });
    }

    /// Lets one socket of another server join a room; it ends when that server has done it.
    pub fn join_socket(&mut self, sid: &[u8], room: Room<'_>, now: Time) -> u32 {
        let rooms = list([room].into_iter());
        self.ask_one(sid, Request::Join { whom: Whom::Socket(sid), rooms: Names::of(&rooms) }, now)
    }

    /// Lets one socket of another server leave a room; it ends when that server has done it.
    pub fn leave_socket(&mut self, sid: &[u8], room: Room<'_>, now: Time) -> u32 {
        let rooms = list([room].into_iter());
        self.ask_one(sid, Request::Leave { whom: Whom::Socket(sid), rooms: Names::of(&rooms) }, now)
    }

    /// Disconnects one socket of another server; it ends when that server has done it.
    pub fn disconnect_socket(&mut self, sid: &[u8], close: bool, now: Time) -> u32 {
        let request = Request::Disconnect { whom: Whom::Socket(sid), close: Some(close) };
        self.ask_one(sid, request, now)
    }

    /// Broadcasts an event that clients acknowledge: finds its sockets here
    /// ([`targets`](Self::targets)), and has it published. `None` if no answer will come: it is local, or
    /// the adapter is closed. The answers are what clients acknowledge with; [`Output::ClientCount`] and [`Output::Counted`] tell how many to wait for.
    ///
    /// # Errors
    /// [`SendError`] if the body is not what it must be; the targets stand nevertheless.
    pub fn broadcast_with_ack(
        &mut self,
        command: BroadcastCommand<'_>,
        timeout: Timeout,
        now: Time,
    ) -> Result<Option<u32>, SendError> {
        let BroadcastCommand { body, rooms, except, flags, local } = command;
        self.find_targets(rooms.iter().copied(), rooms.is_empty(), except.iter().copied());
        if local {
            return Ok(None);
        }
        let data = match body {
            Body::MessagePack(bytes) => Data::MessagePack(bytes),
            Body::Text(packet, outside) => Data::Json(self.packet_data(packet)?, outside),
        };
        let (rooms, except) = lists(rooms, except);
        let flags = if flags.is_empty() { b"{}" } else { flags };
        let request = Request::Broadcast(AckBroadcast {
            data,
            nsp: self.nsp.as_str().as_bytes(),
            filter: Filter { rooms: Names::of(&rooms), except: Names::of(&except) },
            flags: Data::Json(flags, Outside::default()),
        });
        let message = self.write(request, Some(self.requests.next_number()));
        count(match message {
            Ok(_) => &mut self.stats.published,
            Err(_) => &mut self.stats.unpublished,
        });
        let message = message?;
        // In any case at once, since what is sent later must not overtake it.
        if self.subscriptions.is_closed() {
            // Nobody's answer is heard any more.
            self.publish_request(message, None);
            return Ok(None);
        }
        let (deadline, here) = (self.deadline(timeout, now), self.subscriptions.is_counted());
        let number = self.requests.begin(Kind::Acknowledgements, Vec::new(), deadline, here);
        self.publish_request(message, Some(number));
        self.count_servers(number);
        Ok(Some(number.0))
    }

    /// Waits until what is published to the rooms arrives: ends when their channels are subscribed to.
    /// `None` if they are.
    pub fn await_rooms(&mut self, rooms: &[NameId], now: Time) -> Option<u32> {
        let channels: Vec<String> =
            rooms.iter().filter_map(|&room| self.subscribed_channel(room)).collect();
        if self.subscriptions.is_closed() {
            return None;
        }
        let wait = self.subscriptions.wait_for(Some(&channels))?;
        let number = self.requests.begin_single(Kind::Joining, self.deadline(None, now));
        self.await_wait(wait, Awaiting::Request(number), now);
        Some(number.0)
    }

    /// Redis has counted the servers for [`Output::Count`]: one number for each channel.
    pub fn handle_count(&mut self, request: Option<u32>, counts: &[u32], now: Time) {
        let servers = counts.first().copied().unwrap_or_default();
        let here = self.subscriptions.is_counted();
        match request.map(Number) {
            Some(number) => {
                let message = self.requests.counted(number, servers, here, now);
                if let Some(message) = message {
                    self.publish_request(message, Some(number));
                }
                if self.requests.is_complete(number) {
                    self.complete(number);
                }
            }
            None => {
                let there = counts.iter().skip(1).map(|&count| count > 0);
                for number in self.requests.recounted(servers, there, here, now) {
                    self.complete(number);
                }
            }
        }
    }

    /// Redis could not count the servers for [`Output::Count`].
    pub fn handle_count_failed(&mut self, request: Option<u32>, now: Time) {
        match request {
            Some(number) => self.end(Number(number), Ending::Failed),
            None => self.requests.recount_later(now),
        }
    }

    /// Takes an answer to a request of this server; `object` is the whole message if it is JSON.
    /// Whether it belongs to one, and is what that asks for.
    pub(super) fn take_answer(&mut self, answer: &Answer<'_>, object: Option<&[u8]>) -> bool {
        let number = answer.id.strip_prefix(self.uid.as_str().as_bytes());
        // A sign or a zero in front would make it another id.
        let number = number.filter(|digits| matches!(digits, [b'1'..=b'9', ..]));
        let number = number.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        let Some(number) = number.map(Number) else { return false };
        let Some(kind) = self.requests.kind(number) else { return false };
        let sharded = self.dialect() == Dialect::Sharded;
        let value = match (kind, &answer.response) {
            (Kind::Acknowledgements, Response::Acknowledgement(packet)) => {
                self.requests.expect_clients(number, -1);
                let value = Value::of_optional(*packet);
                self.push(Output::Answer { request: number.0, value });
                if self.requests.all_acknowledged(number) {
                    self.end(number, Ending::Complete);
                }
                return true;
            }
            (Kind::Acknowledgements, &Response::ClientCount(count)) => {
                return self.take_client_count(number, answer, count);
            }
            (Kind::AllRooms, Response::Rooms(rooms)) => Value::list(rooms.clone()),
            (Kind::Count, Response::Count(count)) => Value::number(*count),
            (Kind::Count, Response::Sockets(Sockets::Ids(ids))) => {
                Value::number(ids.clone().count() as u64)
            }
            (Kind::Count, Response::Sockets(Sockets::None)) => Value::number(0),
            // In the sharded dialect, published servers know one answer to whatever is asked of sockets.
            (Kind::Count, Response::Sockets(Sockets::Details(sockets))) if sharded => {
                Value::number(cluster::details_count(*sockets))
            }
            (Kind::AllRooms, Response::Sockets(Sockets::None)) if sharded => {
                Value::list(Names::EMPTY)
            }
            (Kind::AllRooms, Response::Sockets(Sockets::Details(sockets))) if sharded => {
                Value::list(Names::of(&cluster::details_rooms(*sockets)))
            }
            (Kind::Sockets, Response::Sockets(Sockets::Details(sockets))) if sharded => {
                Value::list(Names::of(&cluster::details_ids(*sockets)))
            }
            (Kind::Socket, response) if sharded && counts(response) => Value::number(1),
            (Kind::Fetch, Response::Sockets(Sockets::Details(data))) => match object {
                Some(object) => Value::Json { object: object.to_vec(), member: "sockets" },
                None => Value::of(*data),
            },
            (Kind::Fetch | Kind::Sockets, Response::Sockets(Sockets::None)) => {
                Value::list(Names::EMPTY)
            }
            (Kind::ServerSideEmit, Response::ServerSideEmit(data)) => Value::of_optional(*data),
            (Kind::Socket, Response::Done) => Value::number(1),
            (Kind::Sockets, Response::Sockets(Sockets::Ids(ids))) => Value::list(ids.clone()),
            _ => return false,
        };
        let uid = answer.uid.and_then(|uid| std::str::from_utf8(uid).ok());
        let taken = self.requests.answered(number, uid);
        if taken == Some(Taken::Again) {
            return false;
        }
        self.push(Output::Answer { request: number.0, value });
        if taken == Some(Taken::Last) {
            self.complete(number);
        }
        true
    }

    fn take_client_count(&mut self, number: Number, answer: &Answer<'_>, count: u64) -> bool {
        let Ok(count) = u32::try_from(count) else { return false };
        let uid = answer.uid.and_then(|uid| std::str::from_utf8(uid).ok());
        let taken = self.requests.answered(number, uid);
        if taken == Some(Taken::Again) {
            return false;
        }
        self.requests.expect_clients(number, count.into());
        self.push(Output::ClientCount { request: number.0, count });
        if taken == Some(Taken::Last) {
            self.complete(number);
        }
        true
    }

    /// Requests whose time is over, and servers that are to be counted again.
    pub(super) fn handle_request_timeouts(&mut self, now: Time) {
        while let Some(number) = self.requests.next_due(now) {
            if let Some(missing) = self.requests.end(number) {
                count(&mut self.stats.timeouts);
                let ending = Ending::TimedOut { missing };
                self.push(Output::Ended { request: number.0, ending });
            }
        }
        let here = self.subscriptions.is_counted();
        let Self { requests, channels, outputs, .. } = self;
        if let Some(uids) = requests.recount_due(here, now) {
            let answered = uids.iter().map(|uid| channels.response_to(uid));
            let channels = std::iter::once(channels.request().to_owned()).chain(answered);
            let channels = channels.collect();
            outputs.push_back(Queued::Now(Output::Count { request: None, channels }));
        }
    }

    /// Ends a request, whatever state it is in.
    pub(super) fn end(&mut self, number: Number, ending: Ending) {
        if self.requests.end(number).is_some() {
            self.push(Output::Ended { request: number.0, ending });
        }
    }

    /// All servers that are there have answered.
    fn complete(&mut self, number: Number) {
        if self.requests.kind(number) != Some(Kind::Acknowledgements) {
            return self.end(number, Ending::Complete);
        }
        self.push(Output::Counted { request: number.0 });
        if self.requests.all_acknowledged(number) {
            self.end(number, Ending::Complete);
        }
    }

    fn ask_for_sockets(
        &mut self,
        kind: Kind,
        rooms: &[Room<'_>],
        timeout: Timeout,
        now: Time,
    ) -> u32 {
        let rooms = list(rooms.iter().copied());
        let count = kind == Kind::Count;
        let request = Request::Sockets { rooms: Names::of(&rooms), count };
        self.ask(kind, request, timeout, now)
    }

    /// Asks the servers and counts them: at once where Redis keeps the order, otherwise first the latter,
    /// lest one be counted that was not asked.
    fn ask(&mut self, kind: Kind, request: Request<'_>, timeout: Timeout, now: Time) -> u32 {
        let message = self.write(request, Some(self.requests.next_number())).unwrap_or_default();
        let (deadline, here) = (self.deadline(timeout, now), self.subscriptions.is_counted());
        let (at_once, later) = match self.ordered {
            true => (Some(message), Vec::new()),
            false => (None, message),
        };
        let number = self.requests.begin(kind, later, deadline, here);
        if self.subscriptions.is_closed() {
            self.end(number, Ending::Closed);
            return number.0;
        }
        if let Some(message) = at_once {
            self.publish_request(message, Some(number));
        }
        self.count_servers(number);
        number.0
    }

    /// Asks whoever has a socket; nobody is counted, since one answers.
    fn ask_one(&mut self, sid: &[u8], request: Request<'_>, now: Time) -> u32 {
        if self.dialect() == Dialect::Classic {
            return self.ask_single(request, now);
        }
        // Nobody answers such a request in this dialect: who has the socket, a count of it tells.
        let sockets = list([Room::Text(sid)].into_iter());
        let count = Request::Sockets { rooms: Names::of(&sockets), count: true };
        if matches!(request, Request::Disconnect { .. } | Request::Leave { .. }) {
            // Afterwards it may be nobody's, or not in the room of its id.
            let number = self.ask_single(count, now);
            self.tell(request);
            return number;
        }
        self.tell(request);
        self.ask_single(count, now)
    }

    fn ask_single(&mut self, request: Request<'_>, now: Time) -> u32 {
        let message = self.write(request, Some(self.requests.next_number())).unwrap_or_default();
        let number = self.requests.begin_single(Kind::Socket, self.deadline(None, now));
        if self.subscriptions.is_closed() {
            self.end(number, Ending::Closed);
        } else {
            self.publish_request(message, Some(number));
        }
        number.0
    }

    /// Asks for something that nobody answers.
    fn tell(&mut self, request: Request<'_>) {
        // The host wrote the one part that could be refused, the data, itself.
        if let Ok(message) = self.write(request, None) {
            self.publish_request(message, None);
        }
    }

    fn write(&self, request: Request<'_>, number: Option<Number>) -> Result<Vec<u8>, SendError> {
        let id = number.map(|number| format!("{}{}", self.uid, number.0));
        let envelope = Envelope {
            uid: Some(self.uid.as_str().as_bytes()),
            id: id.as_ref().map(String::as_bytes),
            named: id.is_some(),
            request,
        };
        let mut message = Vec::new();
        match self.dialect() {
            Dialect::Classic => write_request(&mut message, &envelope)?,
            Dialect::Sharded => {
                cluster::write_request(&mut message, &self.uid, &self.nsp, &envelope)?;
            }
        }
        Ok(message)
    }

    fn publish_request(&mut self, message: Vec<u8>, number: Option<Number>) {
        let (token, channel) = (number.map(|number| number.0), self.channels.request().to_owned());
        self.push(Output::Publish { token, channel, message });
    }

    fn count_servers(&mut self, number: Number) {
        let channels = vec![self.channels.request().to_owned()];
        self.push(Output::Count { request: Some(number.0), channels });
    }

    pub(super) fn deadline(&self, timeout: Timeout, now: Time) -> Time {
        now + timeout.unwrap_or(self.options.requests_timeout).min(Duration::LONGEST)
    }
}

fn lists(rooms: &[Room<'_>], except: &[Room<'_>]) -> (Vec<u8>, Vec<u8>) {
    (list(rooms.iter().copied()), list(except.iter().copied()))
}

/// Whether an answer to a count says that there is any.
fn counts(response: &Response<'_>) -> bool {
    match response {
        Response::Count(count) => *count > 0,
        Response::Sockets(Sockets::Details(sockets)) => cluster::details_count(*sockets) > 0,
        _ => false,
    }
}
