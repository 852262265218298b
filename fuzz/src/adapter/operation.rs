//! What may happen to an adapter, in any order.

use arbitrary::{Arbitrary, Result, Unstructured};
use socketio_redis_edge::adapter::Fault;
use socketio_redis_edge::room::Room;

/// How the adapter is made, and how its host is.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Setting {
    /// Whether it subscribes to each room alone.
    pub(super) exact: bool,
    /// Whether the host leaves outputs where they are until it is told to drain them.
    pub(super) lazy: bool,
    pub(super) ordered: bool,
    /// Whether it answers on the channel of the asking server.
    pub(super) specific: bool,
    /// Whether it writes packets.
    pub(super) text: bool,
}

/// Something that happens. Small numbers choose among what there is.
#[derive(Arbitrary, Debug)]
pub(super) enum Operation<'a> {
    /// A client acknowledges an event, with a value or without.
    Acknowledged {
        event: u8,
        value: bool,
    },
    /// Another server answers a request.
    Answer {
        request: u8,
        server: u8,
        answer: AnswerKind,
        count: u32,
    },
    Ask {
        question: Question,
        rooms: Rooms,
        except: Rooms,
        timeout: Option<u16>,
    },
    AwaitRooms(Rooms),
    Broadcast {
        body: u8,
        flags: u8,
        rooms: Rooms,
        except: Rooms,
        local: bool,
        ack: bool,
    },
    CalledBack {
        reply: u8,
        value: bool,
    },
    Channel {
        channel: ChannelKind,
        length: u16,
    },
    Close,
    Confirm(u8),
    /// All that was subscribed to is confirmed, and the probe comes back.
    ConfirmAll,
    Connect(u8),
    Control {
        channel: ChannelKind,
        payload: Bytes<'a>,
    },
    Count {
        which: u8,
        servers: u8,
        there: u8,
    },
    CountFailed(u8),
    Described {
        reply: u8,
        value: bool,
    },
    Disconnect(u8),
    Drain,
    /// What was published comes back.
    Echo(u8),
    Ended(u8),
    Join(u8, u8),
    Leave(u8, u8),
    Lost,
    Message(Bytes<'a>),
    /// Another server's broadcast.
    OtherBroadcast {
        body: u8,
        rooms: Rooms,
        except: Rooms,
    },
    /// Another server's request.
    OtherRequest {
        request: Asked,
        rooms: Rooms,
        except: Rooms,
        sid: Option<u8>,
        id: u8,
        named: bool,
    },
    Published(u8),
    PublishFailed(u8),
    Ready,
    /// A message of the recordings, with one byte of it changed.
    Recorded {
        message: u16,
        place: u16,
        change: u8,
    },
    Refuse(u8),
    Report {
        fault: u8,
        listening: bool,
    },
    Sent {
        event: u8,
        clients: u8,
    },
    Step(u16),
    /// Time moves to the next timer.
    StepToTimer,
    Tell {
        command: Command,
        rooms: Rooms,
        except: Rooms,
    },
    Traffic(u8),
    Undecodable,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum AnswerKind {
    Acknowledgement,
    ClientCount,
    Count,
    Details,
    Done,
    Ids,
    NoSockets,
    Nothing,
    Rooms,
    Value,
}

impl AnswerKind {
    pub(super) const ALL: [Self; 10] = [
        Self::Acknowledgement,
        Self::ClientCount,
        Self::Count,
        Self::Details,
        Self::Done,
        Self::Ids,
        Self::NoSockets,
        Self::Nothing,
        Self::Rooms,
        Self::Value,
    ];
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Question {
    AllRooms,
    Count,
    DisconnectSocket,
    FetchSockets,
    JoinSocket,
    LeaveSocket,
    ServerSideEmit,
    Sockets,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Asked {
    AllRooms,
    Broadcast,
    Count,
    Disconnect,
    Fetch,
    Join,
    Leave,
    ServerSideEmit,
    Sockets,
}

impl Asked {
    pub(super) const ALL: [Self; 9] = [
        Self::AllRooms,
        Self::Broadcast,
        Self::Count,
        Self::Disconnect,
        Self::Fetch,
        Self::Join,
        Self::Leave,
        Self::ServerSideEmit,
        Self::Sockets,
    ];
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Command {
    Disconnect,
    Join,
    Leave,
    ServerSideEmit,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum ChannelKind {
    Broadcast,
    Other,
    Request,
    Response,
    ResponseToThis,
    Room(u8),
}

/// Bytes whose length stands in front of them, so that a change of one input part moves no other.
#[derive(Debug)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Arbitrary<'a> for Bytes<'a> {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        let length = usize::from(u8::arbitrary(input)?).min(input.len());
        input.bytes(length).map(Self)
    }
}

/// A few rooms, as bits.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Rooms(u16);

/// The rooms that there may be; the last ones are those of sockets. Several are spelt alike.
const NAMES: [Room<'static>; 16] = [
    Room::Text(b"a"),
    Room::Text(b"b"),
    Room::Text(b""),
    Room::Text("é".as_bytes()),
    Room::Text(b"\xed\xa0\x80"),
    Room::Text(b"42"),
    Room::Number(42.0),
    Room::Number(-0.5),
    Room::Bool(true),
    Room::Null,
    Room::Undefined,
    Room::Text(b"undefined"),
    Room::Text(b"sid-0"),
    Room::Text(b"sid-1"),
    Room::Text(b"sid-2"),
    Room::Text(b"sid-3"),
];

impl Rooms {
    pub(super) fn list(self) -> Vec<Room<'static>> {
        let chosen = NAMES.iter().zip(0..).filter(|&(_, place)| self.0 >> place & 1 == 1);
        chosen.map(|(&room, _)| room).collect()
    }
}

/// One of the rooms.
pub(super) fn room(number: u8) -> Room<'static> {
    NAMES[usize::from(number) % NAMES.len()]
}

/// The id of one of the sockets.
pub(super) fn sid(number: u8) -> &'static [u8] {
    let [.., Room::Text(a), Room::Text(b), Room::Text(c), Room::Text(d)] = NAMES else {
        unreachable!("the last four are those of sockets")
    };
    [a, b, c, d][usize::from(number % 4)]
}

pub(super) fn fault(number: u8) -> Fault {
    Fault::ALL[usize::from(number) % Fault::ALL.len()]
}
