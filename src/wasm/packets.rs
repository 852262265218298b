//! The packet path: lengths in, addresses out.

use std::mem;

use wasm_bindgen::prelude::*;

use crate::adapter::{Body, BroadcastCommand, Delivery, Dropped, Received};
use crate::json;
use crate::packet::{self, Encoded};
use crate::room::Room;
use crate::transcode::Outside;

use super::lifecycle::{duration, time};
use super::names::Names;
use super::{Core, Slot, value};

/// What [`Core::receive`] answers for a message that it dropped.
const ECHO: i32 = -1;
const FOREIGN: i32 = -2;
const UNWANTED: i32 = -3;
const MALFORMED: i32 = -4;
const PROBE: i32 = -5;
const CONTROL: i32 = -6;

#[wasm_bindgen]
impl Core {
    /// Takes the message in the first `length` bytes of the input.
    ///
    /// Gives the number of sockets that want it (their ids are in the list), or why it was dropped.
    /// If clients have a custom parser, [`take_data`](Self::take_data) gives its data.
    pub fn receive(&mut self, adapter: usize, length: usize) -> i32 {
        let Self { adapters, input, output, attachments, reason, bytes, data, .. } = self;
        let (Some(adapter), Some(payload)) = (adapters.get_mut(&adapter), input.get(..length))
        else {
            return UNWANTED;
        };
        let delivery = match adapter.handle_message(payload, output, attachments) {
            Received::Delivery(delivery) => delivery,
            Received::Dropped(Dropped::Control) => return CONTROL,
            Received::Dropped(Dropped::Echo) => return ECHO,
            Received::Dropped(Dropped::Foreign) => return FOREIGN,
            Received::Dropped(Dropped::Probe) => return PROBE,
            Received::Dropped(Dropped::Unwanted) => return UNWANTED,
            Received::Dropped(Dropped::Malformed(error)) => {
                *reason = format!("{} ({})", error, error.code());
                return MALFORMED;
            }
        };
        if delivery.encoded.is_none() {
            // Now, while the message can still be refused.
            let message = if delivery.is_json { adapter.converted() } else { payload };
            match value::decode(message.get(delivery.data..).unwrap_or_default(), bytes) {
                Ok(decoded) => *data = decoded,
                Err(error) => {
                    adapter.handle_undecodable();
                    *reason = format!("{} ({})", error, error.code());
                    return MALFORMED;
                }
            }
        }
        let targets = adapter.targets();
        let (list, count) = (targets.as_ptr() as u32, targets.len() as i32);
        self.set(Slot::List, list);
        self.set_delivery(&delivery);
        count
    }

    /// The data of the message just received, as JavaScript values; once, and only if clients have
    /// a custom parser, otherwise `undefined`.
    #[wasm_bindgen(js_name = takeData)]
    pub fn take_data(&mut self) -> JsValue {
        mem::replace(&mut self.data, JsValue::UNDEFINED)
    }

    /// The message just received, as MessagePack; where it was JSON (bit 3 of the flags).
    pub fn converted(&self, adapter: usize) -> Vec<u8> {
        self.adapters.get(&adapter).map(|adapter| adapter.converted().to_vec()).unwrap_or_default()
    }

    /// Completes the frame around the packet's text that the input holds behind the `headroom`.
    pub fn frame(&mut self, text_length: usize) {
        let frame = frame_around(&mut self.input, text_length);
        self.set_frame(frame);
    }

    /// Broadcasts an event that clients acknowledge; the input holds the same as for
    /// [`broadcast`](Self::broadcast), without holes. Gives the number of its sockets here (their ids are in the
    /// list); the request's number is among the results, 0 if none was made.
    ///
    /// `timeout` is in milliseconds; `undefined` stands for the option `requestsTimeout`.
    #[allow(clippy::too_many_arguments, reason = "the same as for broadcast")]
    #[wasm_bindgen(js_name = broadcastWithAck)]
    pub fn broadcast_with_ack(
        &mut self,
        adapter: usize,
        text_length: usize,
        rooms: usize,
        except: usize,
        names_length: usize,
        flags_length: usize,
        attachments: usize,
        raw: bool,
        local: bool,
        timeout: Option<f64>,
        now: f64,
    ) -> i32 {
        self.set(Slot::Request, 0);
        self.reason.clear();
        let Self { adapters, input, reason, .. } = self;
        let lengths = [text_length, names_length, flags_length];
        let packet = Packet::read(input, lengths, [rooms, except], [0, attachments]);
        let (Some(adapter), Some(packet)) = (adapters.get_mut(&adapter), packet) else { return 0 };
        let command = packet.command(raw, local);
        let sent = adapter.broadcast_with_ack(command, duration(timeout), time(now));
        let targets = adapter.targets();
        let (list, count) = (targets.as_ptr() as u32, targets.len() as i32);
        let request = match sent {
            Ok(request) => request.unwrap_or_default(),
            Err(error) => {
                *reason = format!("{} ({})", error, error.code());
                0
            }
        };
        self.set(Slot::Request, request);
        self.set(Slot::List, list);
        count
    }

    /// Whether a message on the channel in the first `length` bytes of the input can concern a
    /// socket here. `bytes` is the length of the message.
    pub fn wants(&mut self, adapter: usize, length: usize, bytes: usize) -> bool {
        match (self.adapters.get_mut(&adapter), self.input.get(..length)) {
            (Some(adapter), Some(channel)) => adapter.handle_channel(channel, bytes),
            _ => false,
        }
    }

    /// Broadcasts an event, gives the number of its sockets here (their ids are in the list).
    ///
    /// The input holds: `headroom` free bytes; the packet's text (or, `raw`, its data as
    /// MessagePack); the names of its rooms and of the excepted ones (see `names`); its flags as
    /// JSON; the length of each string that stands in a hole of the text and of each attachment,
    /// as four bytes (little-endian); these strings and attachments.
    #[allow(clippy::too_many_arguments, reason = "numbers cost nothing to pass, an object does")]
    pub fn broadcast(
        &mut self,
        adapter: usize,
        text_length: usize,
        rooms: usize,
        except: usize,
        names_length: usize,
        flags_length: usize,
        texts: usize,
        attachments: usize,
        raw: bool,
        local: bool,
    ) -> i32 {
        self.set(Slot::Message, 0);
        let Self { adapters, input, output, text: whole, reason, .. } = self;
        let lengths = [text_length, names_length, flags_length];
        let packet = Packet::read(input, lengths, [rooms, except], [texts, attachments]);
        let (Some(adapter), Some(packet)) = (adapters.get_mut(&adapter), packet) else { return 0 };
        let sent = adapter.broadcast(packet.command(raw, local), output);
        let targets = adapter.targets();
        let (list, count) = (targets.as_ptr() as u32, targets.len() as i32);
        let frame = if raw || count == 0 {
            None
        } else if packet.texts == 0 {
            frame_around(input, text_length)
        } else {
            let text = packet.text;
            whole.clear();
            whole.resize(packet::HEADROOM, 0);
            // A namespace may be named by anything, so holes are looked for in the data alone.
            let data = adapter.packet_data(text).unwrap_or(text);
            whole.extend_from_slice(text.strip_suffix(data).unwrap_or_default());
            let is_whole = json::fill(data, packet.outside().texts, whole);
            let length = whole.len().saturating_sub(packet::HEADROOM);
            is_whole.then(|| frame_around(whole, length)).flatten()
        };
        if let Err(error) = &sent {
            *reason = format!("{} ({})", error, error.code());
        }
        self.set(Slot::List, list);
        self.set_frame(frame);
        if let Ok(Some(sent)) = sent {
            self.set(Slot::Channel, address(&self.output, sent.channel.start));
            self.set(Slot::ChannelLength, sent.channel.len() as u32);
            self.set(Slot::Message, address(&self.output, sent.message.start));
            self.set(Slot::MessageLength, sent.message.len() as u32);
        }
        count
    }

    /// Finds the sockets of rooms less those of others, as named in the first bytes of the input;
    /// gives their number (their ids are in the list). No rooms: all sockets.
    pub fn find(&mut self, adapter: usize, rooms: usize, except: usize, length: usize) -> i32 {
        let (Some(adapter), Some(names)) =
            (self.adapters.get_mut(&adapter), self.input.get(..length))
        else {
            return 0;
        };
        let mut names = Names::new(names);
        let (rooms, except) = (names.take(rooms), names.take(except));
        let (Some(rooms), Some(except)) = (rooms, except) else { return 0 };
        adapter.find_targets(rooms.iter().copied(), rooms.is_empty(), except.iter().copied());
        let targets = adapter.targets();
        let (list, count) = (targets.as_ptr() as u32, targets.len() as i32);
        self.set(Slot::List, list);
        count
    }
}

impl Core {
    fn set_delivery(&mut self, delivery: &Delivery) {
        let flags = delivery.flags;
        let compress = flags.compress.map_or(0, |compress| 2 | u32::from(compress) << 2);
        let json = u32::from(delivery.is_json) << 3;
        self.set(Slot::Flags, u32::from(flags.volatile) | compress | json);
        self.set(Slot::Data, delivery.data as u32);
        let frame = delivery.encoded.as_ref().map(|encoded| place(&self.output, encoded));
        self.set_frame(frame);
        self.attachment_list.clear();
        let places =
            self.attachments.iter().flat_map(|place| [place.start as u32, place.end as u32]);
        self.attachment_list.extend(places);
        self.set(Slot::Attachments, self.attachment_list.as_ptr() as u32);
        self.set(Slot::AttachmentCount, self.attachments.len() as u32);
    }

    fn set_frame(&mut self, frame: Option<Placed>) {
        let Placed { frame, length, text } = frame.unwrap_or_default();
        self.set(Slot::Frame, frame);
        self.set(Slot::FrameLength, length);
        self.set(Slot::Text, text);
    }
}

/// A packet that the host wrote into the input, see [`Core::broadcast`].
struct Packet<'a> {
    text: &'a [u8],
    rooms: Vec<Room<'a>>,
    except: Vec<Room<'a>>,
    flags: &'a [u8],
    /// The strings for the holes in the text, then the attachments.
    outside: Vec<&'a [u8]>,
    texts: usize,
}

impl<'a> Packet<'a> {
    /// Takes the lengths of the text, the names and the flags, the numbers of rooms and of excepted ones,
    /// and those of texts and attachments. `None` if a name is none.
    fn read(
        input: &'a [u8],
        [text, names, flags]: [usize; 3],
        [rooms, except]: [usize; 2],
        [texts, attachments]: [usize; 2],
    ) -> Option<Self> {
        let mut rest = input.get(packet::HEADROOM..).unwrap_or_default();
        let text = take(&mut rest, text);
        let mut names = Names::new(take(&mut rest, names));
        let flags = take(&mut rest, flags);
        let (rooms, except) = (names.take(rooms)?, names.take(except)?);
        let outside = take_outside(&mut rest, texts.saturating_add(attachments));
        Some(Self { text, rooms, except, flags, outside, texts })
    }

    fn outside(&self) -> Outside<'_> {
        let (texts, attachments) = self.outside.split_at_checked(self.texts).unwrap_or_default();
        Outside { attachments, texts }
    }

    fn command(&self, raw: bool, local: bool) -> BroadcastCommand<'_> {
        let body = match raw {
            true => Body::MessagePack(self.text),
            false => Body::Text(self.text, self.outside()),
        };
        let Self { rooms, except, flags, .. } = self;
        BroadcastCommand { body, rooms, except, flags, local }
    }
}

/// A frame in memory: its address and length, and the address of the packet's text in it.
#[derive(Default)]
struct Placed {
    frame: u32,
    length: u32,
    text: u32,
}

fn place(buffer: &[u8], Encoded { frame, text }: &Encoded) -> Placed {
    Placed {
        frame: address(buffer, frame.start),
        length: frame.len() as u32,
        text: address(buffer, text.start),
    }
}

/// The address of a place in a buffer.
fn address(buffer: &[u8], place: usize) -> u32 {
    (buffer.as_ptr() as usize).saturating_add(place) as u32
}

/// Completes the frame of a text of `length` bytes that stands behind the headroom of `buffer`.
fn frame_around(buffer: &mut [u8], length: usize) -> Option<Placed> {
    let text = packet::HEADROOM..packet::HEADROOM.saturating_add(length);
    let encoded = packet::frame_around(buffer, text)?;
    Some(place(buffer, &encoded))
}

/// Takes the first `length` bytes off `rest`; none if there are not so many.
fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, more) = rest.split_at_checked(length).unwrap_or_default();
    *rest = more;
    taken
}

/// Takes `count` lengths of four bytes each, then so many bytes for each.
fn take_outside<'a>(rest: &mut &'a [u8], count: usize) -> Vec<&'a [u8]> {
    let (lengths, _) = take(rest, count.saturating_mul(4)).as_chunks();
    lengths.iter().map(|length| take(rest, u32::from_le_bytes(*length) as usize)).collect()
}
