//! From Redis to the sockets of this server.

use std::ops::Range;

use crate::channel::{Parsed, is_inexact, rooms_spelt};
use crate::dialect::classic::{self, Incoming};
use crate::dialect::cluster::{self, MessageError};
use crate::dialect::{Broadcast, BroadcastError, Dialect, Flags, is_json, to_messagepack};
use crate::packet::{self, Encoded};

use super::stats::{add, count};
use super::{Adapter, ClientProtocol, find};

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// Sockets of this server want it: [`Adapter::targets`].
    Delivery(Delivery),
    /// Nobody here wants it.
    Dropped(Dropped),
}

/// A packet for the sockets in [`Adapter::targets`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How it is to be delivered.
    pub flags: Flags,
    /// Where the packet stands in the output; `None` with [`ClientProtocol::Custom`].
    pub encoded: Option<Encoded>,
    /// Where the packet's data starts in the message, as MessagePack; in
    /// [`Adapter::converted`] if the message was JSON.
    pub data: usize,
    /// Whether the message was JSON.
    pub is_json: bool,
}

/// Why a message went nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It is no broadcast, but may be a request: [`Adapter::handle_control`] takes it.
    Control,
    /// It is this server's own.
    Echo,
    /// It is for another namespace.
    Foreign,
    /// It is no message of this dialect.
    Malformed(MessageError),
    /// A server tries its subscription: this one, or another.
    Probe,
    /// No socket here is in its rooms.
    Unwanted,
}

impl Adapter {
    /// Takes a message of a broadcast channel.
    ///
    /// The packet's text and frame are written to `out`, and the places of its attachments in
    /// `payload` to `attachments`; both are cleared first. A message that nobody here wants is
    /// not decoded beyond what tells so.
    pub fn handle_message(
        &mut self,
        payload: &[u8],
        out: &mut Vec<u8>,
        attachments: &mut Vec<Range<usize>>,
    ) -> Received {
        out.clear();
        attachments.clear();
        self.targets.clear();
        if self.dialect() == Dialect::Sharded {
            return self.handle_sharded(payload, out, attachments);
        }
        self.note_received(payload.len());
        self.subscriptions.note_arrival();
        if is_json(payload) {
            return self.handle_json(payload, out, attachments);
        }
        let read = classic::read_broadcast(payload, &self.uid, &self.nsp);
        let presumed = matches!(&read, Ok(Incoming::Broadcast(broadcast)) if broadcast.presumed);
        let mut taken = self.take(read, out, attachments);
        if presumed && matches!(taken, Err(Dropped::Malformed(_))) {
            out.clear();
            attachments.clear();
            let read = classic::read_broadcast_whole(payload, &self.uid, &self.nsp);
            taken = self.take(read, out, attachments);
        }
        self.settle(taken)
    }

    /// Takes a message in the sharded dialect.
    fn handle_sharded(
        &mut self,
        payload: &[u8],
        out: &mut Vec<u8>,
        attachments: &mut Vec<Range<usize>>,
    ) -> Received {
        if cluster::peek_type(payload).is_some_and(|kind| kind != cluster::BROADCAST) {
            return Received::Dropped(Dropped::Control);
        }
        let mut converted = std::mem::take(&mut self.converted);
        let taken = if cluster::is_from(payload, &self.uid, &self.nsp) {
            Err(Dropped::Echo)
        } else {
            self.take_sharded(payload, &mut converted, out, attachments)
        };
        self.converted = converted;
        if taken == Err(Dropped::Control) {
            return Received::Dropped(Dropped::Control);
        }
        self.note_received(payload.len());
        self.subscriptions.note_arrival();
        self.settle(taken)
    }

    fn take_sharded(
        &mut self,
        payload: &[u8],
        converted: &mut Vec<u8>,
        out: &mut Vec<u8>,
        attachments: &mut Vec<Range<usize>>,
    ) -> Result<Delivery, Dropped> {
        let malformed = |error: BroadcastError| Dropped::Malformed(error.into());
        let message = to_messagepack(payload, converted)
            .map_err(|error| malformed(BroadcastError::Json(error)))?;
        match cluster::read_message(message, &self.uid, &self.nsp).map_err(Dropped::Malformed)? {
            cluster::Incoming::Broadcast(broadcast) => {
                let delivery = self.deliver(broadcast, out, attachments).map_err(malformed)?;
                let is_json = is_json(payload);
                delivery.map(|delivery| Delivery { is_json, ..delivery }).ok_or(Dropped::Unwanted)
            }
            cluster::Incoming::Echo => Err(Dropped::Echo),
            cluster::Incoming::Foreign | cluster::Incoming::Unknown => Err(Dropped::Foreign),
            cluster::Incoming::Request(_) => Err(Dropped::Control),
        }
    }

    /// Takes a broadcast in JSON, from a sender that can carry nothing but text. The published packages
    /// take none.
    fn handle_json(
        &mut self,
        payload: &[u8],
        out: &mut Vec<u8>,
        attachments: &mut Vec<Range<usize>>,
    ) -> Received {
        let mut converted = std::mem::take(&mut self.converted);
        let message = to_messagepack(payload, &mut converted);
        let read = message
            .map_err(BroadcastError::Json)
            .and_then(|message| classic::read_broadcast_whole(message, &self.uid, &self.nsp));
        let taken = self.take(read, out, attachments);
        self.converted = converted;
        self.settle(taken.map(|delivery| Delivery { is_json: true, ..delivery }))
    }

    /// What [`Delivery::data`] is a place in, if the message was JSON.
    pub fn converted(&self) -> &[u8] {
        &self.converted
    }

    fn settle(&mut self, taken: Result<Delivery, Dropped>) -> Received {
        match &taken {
            Ok(_) => count(&mut self.stats.delivered),
            Err(Dropped::Echo) => count(&mut self.stats.echo),
            Err(Dropped::Foreign) => count(&mut self.stats.foreign),
            Err(Dropped::Malformed(_)) => count(&mut self.stats.malformed),
            Err(Dropped::Control | Dropped::Probe) => {}
            Err(Dropped::Unwanted) => count(&mut self.stats.unwanted),
        }
        taken.map_or_else(Received::Dropped, Received::Delivery)
    }

    fn take(
        &mut self,
        read: Result<Incoming<'_>, BroadcastError>,
        out: &mut Vec<u8>,
        attachments: &mut Vec<Range<usize>>,
    ) -> Result<Delivery, Dropped> {
        let malformed = |error: BroadcastError| Dropped::Malformed(error.into());
        match read.map_err(malformed)? {
            Incoming::Broadcast(broadcast) => self
                .deliver(broadcast, out, attachments)
                .map_err(malformed)?
                .ok_or(Dropped::Unwanted),
            Incoming::Echo => Err(Dropped::Echo),
            Incoming::Foreign => Err(Dropped::Foreign),
            Incoming::Probe { own } => {
                if own {
                    self.subscriptions.handle_probe();
                }
                Err(Dropped::Probe)
            }
        }
    }

    /// Takes the last delivery back: its data, which is not decoded here with
    /// [`ClientProtocol::Custom`], turned out to be malformed.
    pub fn handle_undecodable(&mut self) {
        self.targets.clear();
        self.stats.delivered = self.stats.delivered.saturating_sub(1);
        count(&mut self.stats.malformed);
    }

    /// Whether a message of this channel can concern a socket here, told by the channel's name.
    ///
    /// The answer for a message follows from its content too; this spares a host the copying of
    /// a large one. A message that is dropped on its account is counted, with its `length` in bytes.
    pub fn handle_channel(&mut self, channel: &[u8], length: usize) -> bool {
        let wanted = self.wants(channel);
        if !wanted {
            self.note_received(length);
            self.subscriptions.note_arrival();
        }
        wanted
    }

    fn wants(&mut self, channel: &[u8]) -> bool {
        match self.channels.parse(channel) {
            Parsed::Broadcast => true,
            Parsed::Foreign => {
                count(&mut self.stats.foreign);
                false
            }
            Parsed::Room(spelt) => {
                let wanted = spelt.is_empty()
                    || spelt == self.uid.as_str().as_bytes()
                    || is_inexact(spelt)
                    || rooms_spelt(spelt)
                        .any(|room| find(&self.rooms, &mut self.name, room).is_some());
                add(&mut self.stats.unwanted, usize::from(!wanted));
                wanted
            }
        }
    }

    fn deliver(
        &mut self,
        broadcast: Broadcast<'_>,
        out: &mut Vec<u8>,
        attachments: &mut Vec<Range<usize>>,
    ) -> Result<Option<Delivery>, BroadcastError> {
        let Broadcast { mut data, presumed, rooms, except, flags } = broadcast;
        let all = rooms.is_empty();
        self.find_targets(rooms, all, except);
        if self.targets.is_empty() {
            return Ok(None);
        }
        let start = data.position();
        let written = match self.client_protocol {
            ClientProtocol::Custom if presumed => data.skip().map(|()| None),
            ClientProtocol::Custom => Ok(None),
            ClientProtocol::Text => {
                let nsp = self.nsp.as_str();
                packet::event_from_msgpack(&mut data, nsp, out, attachments).map(Some)
            }
        };
        let written =
            written.and_then(
                |encoded| {
                    if presumed { data.finish().map(|()| encoded) } else { Ok(encoded) }
                },
            );
        let encoded = written.inspect_err(|_| self.targets.clear())?;
        Ok(Some(Delivery { flags, encoded, data: start, is_json: false }))
    }
}
