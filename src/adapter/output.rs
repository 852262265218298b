//! What the machine asks of its host.

use serde::{Serialize, Serializer};

use crate::dialect::classic::{self, Data, Flags, Names, Reply};
use crate::msgpack;
use crate::requests::Ending;
use crate::room::Room;
use crate::subscriptions::Name;

/// Something for the host to do. How it went comes back through the `handle_*` methods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Output {
    /// Send an event to sockets, whose clients acknowledge it: `handle_sent`, then
    /// `handle_acknowledged` for each client that does, until [`Forget`](Self::Forget).
    Acknowledge {
        /// What the host calls it by.
        token: u32,
        /// The sockets.
        sockets: Vec<u32>,
        /// How it is to be delivered.
        flags: Flags,
        /// The packet's data.
        data: Value,
    },
    /// A request of this server was answered by one server, or acknowledged by one client.
    Answer {
        /// The request.
        request: u32,
        /// What the answer holds: a list, a number or any value, as the request asks for.
        value: Value,
    },
    /// A server has sent an event of [`Adapter::broadcast_with_ack`](super::Adapter::broadcast_with_ack).
    ClientCount {
        /// The request.
        request: u32,
        /// To so many clients.
        count: u32,
    },
    /// Ask Redis how many servers are subscribed to each channel (PUBSUB NUMSUB on all nodes); to
    /// be answered with `handle_count` or `handle_count_failed`.
    Count {
        /// The request that waits for it, `None` for all that wait.
        request: Option<u32>,
        /// The channels.
        channels: Vec<String>,
    },
    /// Every server has told to how many clients it has sent an event.
    Counted {
        /// The request.
        request: u32,
    },
    /// Know that a subscription which Redis had confirmed brings nothing. All are made anew.
    Deaf {
        /// The channel or the pattern.
        name: String,
    },
    /// Sockets disconnect.
    Disconnect {
        /// The sockets.
        sockets: Vec<u32>,
        /// Whether the connections below are closed too.
        close: bool,
    },
    /// A request of this server is over; nothing more comes of it.
    Ended {
        /// The request.
        request: u32,
        /// How it ended.
        #[serde(flatten)]
        ending: Ending,
    },
    /// Describe sockets for another server: `handle_described`.
    Fetch {
        /// The sockets.
        sockets: Vec<u32>,
        /// Where the answer goes.
        reply: Reply,
    },
    /// No acknowledgement of this event is of interest any more.
    Forget {
        /// What the host calls it by.
        token: u32,
    },
    /// Sockets join rooms.
    Join {
        /// The sockets.
        sockets: Vec<u32>,
        /// The rooms: a list.
        rooms: Value,
    },
    /// Sockets leave rooms.
    Leave {
        /// The sockets.
        sockets: Vec<u32>,
        /// The rooms: a list.
        rooms: Value,
    },
    /// PUBLISH. With a token, to be answered with `handle_published` or `handle_publish_failed`.
    Publish {
        /// What the answer has to name.
        token: Option<u32>,
        /// The channel's name.
        channel: String,
        /// The message's bytes: JSON if they begin with `{`, else MessagePack.
        #[serde(serialize_with = "as_text_or_bytes")]
        message: Vec<u8>,
    },
    /// Drop the subscribing connection, so that the client makes a new one: what it is asked is not answered any
    /// more. Nothing follows but `handle_lost`, where the host can do it.
    Reconnect,
    /// Call the listeners of this server: `handle_called_back` when one calls back.
    ServerSideEmit {
        /// The event's name and its arguments: a list.
        data: Value,
        /// Where the answer goes, if there is to be one.
        reply: Option<Reply>,
    },
    /// SUBSCRIBE or PSUBSCRIBE; to be answered with `handle_confirmed` or `handle_refused`.
    Subscribe {
        /// What the answer has to name.
        id: u32,
        /// Whether the client believes to have the subscription, which nothing comes in by: then it has to be
        /// ended first.
        anew: bool,
        /// What to subscribe to.
        #[serde(flatten)]
        name: Name,
    },
    /// UNSUBSCRIBE or PUNSUBSCRIBE; to be answered with `handle_ended`, whatever the result.
    Unsubscribe {
        /// What the answer has to name.
        id: u32,
        /// What to unsubscribe from.
        #[serde(flatten)]
        name: Name,
    },
}

/// A value for the application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "form", rename_all = "camelCase")]
pub enum Value {
    /// A member of an object in JSON: much of it is faster read by the host itself.
    Json {
        /// The whole object.
        #[serde(with = "serde_bytes")]
        object: Vec<u8>,
        /// The member.
        member: &'static str,
    },
    /// MessagePack.
    MessagePack {
        /// The value's bytes.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
}

impl Value {
    pub(super) fn of(data: Data<'_>) -> Self {
        Self::MessagePack { bytes: data.to_messagepack() }
    }

    /// `undefined` where there is none.
    pub(super) fn of_optional(data: Option<Data<'_>>) -> Self {
        data.map_or_else(|| Self::MessagePack { bytes: msgpack::UNDEFINED.to_vec() }, Self::of)
    }

    pub(super) fn list(names: Names<'_>) -> Self {
        let names: Vec<Room<'_>> = names.collect();
        Self::MessagePack { bytes: classic::list(names.into_iter()) }
    }

    pub(super) fn number(number: u64) -> Self {
        let mut bytes = Vec::new();
        msgpack::write_unsigned(&mut bytes, number);
        Self::MessagePack { bytes }
    }
}

/// Clients send a text at once, where bytes take them several pieces.
fn as_text_or_bytes<S: Serializer>(message: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match str::from_utf8(message) {
        Ok(text) if classic::is_json(message) => serializer.serialize_str(text),
        _ => serializer.serialize_bytes(message),
    }
}
