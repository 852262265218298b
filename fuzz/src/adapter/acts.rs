//! What the server of the adapter asks for and what it receives, compared with what must come of it.

use std::collections::BTreeSet;

use socketio_redis_edge::adapter::Received;
use socketio_redis_edge::dialect::Data;
use socketio_redis_edge::dialect::classic::{Incoming, read_broadcast_whole};
use socketio_redis_edge::id::Uid;
use socketio_redis_edge::room::Room;
use socketio_redis_edge::rooms::NameId;
use socketio_redis_edge::time::Duration;

use super::host::{Host, canonical};
use super::messages;
use super::operation::{Command, Question, Rooms};

impl Host {
    pub(super) fn ask(
        &mut self,
        question: Question,
        rooms: &[Room<'_>],
        except: &[Room<'_>],
        timeout: Option<u16>,
    ) {
        let (now, adapter) = (self.time(), &mut self.adapter);
        let timeout = timeout.map(|millis| Duration::from_millis(millis.into()));
        let one = rooms.first().copied().unwrap_or(Room::Null);
        let request = match question {
            Question::AllRooms => adapter.all_rooms(timeout, now),
            Question::Count => adapter.count(rooms, timeout, now),
            Question::DisconnectSocket => adapter.disconnect_socket(b"sid-9", true, now),
            Question::FetchSockets => adapter.fetch_sockets(rooms, except, timeout, now),
            Question::JoinSocket => adapter.join_socket(b"sid-9", one, now),
            Question::LeaveSocket => adapter.leave_socket(b"sid-9", one, now),
            Question::ServerSideEmit => {
                adapter.server_side_emit_with_ack(Data::json(b"[\"e\",1]"), timeout, now)
            }
            Question::Sockets => adapter.sockets(rooms, timeout, now),
        };
        self.begin(Some(request));
    }

    pub(super) fn begin(&mut self, request: Option<u32>) {
        if let Some(request) = request {
            assert!(self.open.insert(request), "request {request} was begun twice");
        }
    }

    pub(super) fn tell(&mut self, command: Command, rooms: &[Room<'_>], except: &[Room<'_>]) {
        let (now, adapter) = (self.time(), &mut self.adapter);
        match command {
            Command::Disconnect => adapter.disconnect_sockets(rooms, except, true),
            Command::Join => adapter.join_sockets(except, &[], rooms, now),
            Command::Leave => adapter.leave_sockets(except, &[], rooms),
            Command::ServerSideEmit => adapter.server_side_emit(Data::json(b"[\"e\",1]")),
        }
    }

    pub(super) fn broadcast(
        &mut self,
        kind: (u8, u8),
        rooms: Rooms,
        except: Rooms,
        local: bool,
        ack: bool,
    ) {
        let (now, rooms, except) = (self.time(), rooms.list(), except.list());
        let command = messages::command(kind, &rooms, &except, local);
        if ack {
            if let Ok(request) = self.adapter.broadcast_with_ack(command, None, now) {
                self.begin(request);
            }
        } else {
            let mut out = Vec::new();
            if let Ok(Some(sent)) = self.adapter.broadcast(command, &mut out) {
                let (channel, message) = (&out[sent.channel], &out[sent.message]);
                let other = Uid::parse("other").expect("a uid");
                let read = read_broadcast_whole(message, &other, self.adapter.nsp());
                assert!(matches!(read, Ok(Incoming::Broadcast(_))), "{read:?}");
                self.published.push((channel.to_vec(), message.to_vec()));
            }
        }
        assert_eq!(self.targets(), self.expected(&rooms, &except));
    }

    /// A message on the channel that it came by.
    pub(super) fn receive(&mut self, channel: &[u8], message: &[u8]) {
        let channels = self.adapter.channels();
        let [request, response] = [channels.request(), channels.response()].map(str::as_bytes);
        if channel == request || channel.starts_with(response) {
            let _ = self.adapter.handle_control(channel, message, self.time());
        } else if self.adapter.handle_channel(channel, message.len()) {
            self.take_message(message);
        }
    }

    pub(super) fn take_message(&mut self, message: &[u8]) {
        let (mut out, mut attachments) = (b"before".to_vec(), Vec::new());
        let received = self.adapter.handle_message(message, &mut out, &mut attachments);
        let Received::Delivery(delivery) = received else {
            assert!(self.adapter.targets().is_empty());
            return;
        };
        assert!(!self.targets().is_empty());
        let source = if delivery.is_json { self.adapter.converted() } else { message };
        assert!(delivery.data < source.len());
        assert!(attachments.into_iter().all(|range| source.get(range).is_some()));
        assert_eq!(delivery.encoded.is_some(), self.setting.text);
        if let Some(encoded) = delivery.encoded {
            assert!(out.get(encoded.frame).is_some_and(|frame| frame.starts_with(b"\x81")));
            assert!(out.get(encoded.text).is_some_and(|text| text.ends_with(b"]")));
        }
    }

    /// The sockets that the adapter found last, by their names; each must be one, and come once.
    pub(super) fn targets(&self) -> BTreeSet<Vec<u8>> {
        let rooms = self.adapter.rooms();
        let ids = self.adapter.targets().iter().map(|&index| NameId::from_index(index));
        let names: BTreeSet<Vec<u8>> = ids
            .inspect(|&id| assert!(rooms.is_socket(id)))
            .map(|id| rooms.name(id).expect("a name").to_vec())
            .collect();
        assert_eq!(names.len(), self.adapter.targets().len(), "a socket comes twice");
        names
    }

    /// The sockets that should be found.
    pub(super) fn expected(&self, rooms: &[Room<'_>], except: &[Room<'_>]) -> BTreeSet<Vec<u8>> {
        let is_in = |joined: &BTreeSet<Vec<u8>>, rooms: &[Room<'_>]| {
            rooms.iter().any(|&room| joined.contains(&canonical(room)))
        };
        let wanted = self.sockets.iter().filter(|(_, joined)| {
            (rooms.is_empty() || is_in(joined, rooms)) && !is_in(joined, except)
        });
        wanted.map(|(name, _)| name.clone()).collect()
    }
}
