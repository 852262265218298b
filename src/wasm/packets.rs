//! The packet path: lengths in, addresses out.

use wasm_bindgen::prelude::*;

use crate::adapter::{Body, BroadcastCommand, Delivery, Dropped, Received};
use crate::json;
use crate::packet::{self, Encoded};

use super::names::Names;
use super::{Core, Slot};

/// What [`Core::receive`] answers for a message that it dropped.
const ECHO: i32 = -1;
const FOREIGN: i32 = -2;
const UNWANTED: i32 = -3;
const MALFORMED: i32 = -4;

#[wasm_bindgen]
impl Core {
    /// Takes the message in the first `length` bytes of the input.
    ///
    /// Gives the number of sockets that want it (their ids are in the list), or why it was dropped.
    pub fn receive(&mut self, adapter: usize, length: usize) -> i32 {
        let Self { adapters, input, output, attachments, reason, .. } = self;
        let (Some(adapter), Some(payload)) = (adapters.get_mut(adapter), input.get(..length))
        else {
            return MALFORMED;
        };
        let delivery = match adapter.handle_message(payload, output, attachments) {
            Received::Delivery(delivery) => delivery,
            Received::Dropped(Dropped::Echo) => return ECHO,
            Received::Dropped(Dropped::Foreign) => return FOREIGN,
            Received::Dropped(Dropped::Unwanted) => return UNWANTED,
            Received::Dropped(Dropped::Malformed(error)) => {
                *reason = format!("{} ({})", error, error.code());
                return MALFORMED;
            }
        };
        let targets = adapter.targets();
        let (list, count) = (targets.as_ptr() as u32, targets.len() as i32);
        self.set(Slot::List, list);
        self.set_delivery(&delivery);
        count
    }

    /// Whether a message on the channel in the first `length` bytes of the input can concern a
    /// socket here.
    pub fn wants(&mut self, adapter: usize, length: usize) -> bool {
        match (self.adapters.get_mut(adapter), self.input.get(..length)) {
            (Some(adapter), Some(channel)) => adapter.handle_channel(channel),
            _ => false,
        }
    }

    /// Broadcasts an event, gives the number of its sockets here (their ids are in the list).
    ///
    /// The input holds: `headroom` free bytes; the packet's text (or, with no `parts`, its data as
    /// MessagePack); the names of its rooms and of the excepted ones (see `names`); its flags as
    /// JSON; unless it is one part, the length of each part of the text, and the length of each
    /// attachment, as four bytes (little-endian); the attachments.
    ///
    /// A text in parts has JSON in the first, third, … and in between strings that are not quoted
    /// yet: long ones, which the core quotes several times as fast as `JSON.stringify`.
    #[allow(clippy::too_many_arguments, reason = "numbers cost nothing to pass, an object does")]
    pub fn broadcast(
        &mut self,
        adapter: usize,
        text_length: usize,
        parts: usize,
        rooms: usize,
        except: usize,
        names_length: usize,
        flags_length: usize,
        attachments: usize,
        local: bool,
    ) -> i32 {
        self.set(Slot::Message, 0);
        let Self { adapters, input, output, text: whole, reason, .. } = self;
        let Some(adapter) = adapters.get_mut(adapter) else {
            return 0;
        };
        let mut rest = input.get(packet::HEADROOM..).unwrap_or_default();
        let text = take(&mut rest, text_length);
        let mut names = Names::new(take(&mut rest, names_length));
        let flags = take(&mut rest, flags_length);
        let part_lengths = if parts > 1 { take(&mut rest, parts * 4) } else { &[] };
        let attachment_lengths = take(&mut rest, attachments * 4);
        let attachments: Vec<_> =
            lengths(attachment_lengths).map(|length| take(&mut rest, length)).collect();
        if parts > 1 {
            join_parts(text, part_lengths, whole);
        }
        let (rooms, except) = (names.take(rooms), names.take(except));
        let body = match parts {
            0 => Body::MessagePack(text),
            1 => Body::Text { packet: text, attachments: &attachments },
            _ => Body::Text {
                packet: whole.get(packet::HEADROOM..).unwrap_or_default(),
                attachments: &attachments,
            },
        };
        let command = BroadcastCommand { body, rooms: &rooms, except: &except, flags, local };
        let sent = adapter.broadcast(command, output);
        let targets = adapter.targets();
        let (list, count) = (targets.as_ptr() as u32, targets.len() as i32);
        let frame = match parts {
            _ if count == 0 => None,
            0 => None,
            1 => frame_around(input, text_length),
            _ => {
                let length = whole.len().saturating_sub(packet::HEADROOM);
                frame_around(whole, length)
            }
        };
        if let Err(error) = &sent {
            *reason = format!("{} ({})", error, error.code());
        }
        self.set(Slot::List, list);
        self.set_frame(frame);
        if let Ok(Some(sent)) = sent {
            let output = self.output.as_ptr() as u32;
            self.set(Slot::Channel, output + sent.channel.start as u32);
            self.set(Slot::ChannelLength, sent.channel.len() as u32);
            self.set(Slot::Message, output + sent.message.start as u32);
            self.set(Slot::MessageLength, sent.message.len() as u32);
        }
        count
    }

    /// Finds the sockets of rooms less those of others, as named in the first bytes of the input;
    /// gives their number (their ids are in the list). No rooms: all sockets.
    pub fn find(&mut self, adapter: usize, rooms: usize, except: usize, length: usize) -> i32 {
        let (Some(adapter), Some(names)) =
            (self.adapters.get_mut(adapter), self.input.get(..length))
        else {
            return 0;
        };
        let mut names = Names::new(names);
        let (rooms, except) = (names.take(rooms), names.take(except));
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
        self.set(Slot::Flags, u32::from(flags.volatile) | compress);
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

/// A frame in memory: its address and length, and the address of the packet's text in it.
#[derive(Default)]
struct Placed {
    frame: u32,
    length: u32,
    text: u32,
}

fn place(buffer: &[u8], Encoded { frame, text }: &Encoded) -> Placed {
    let address = buffer.as_ptr() as u32;
    Placed {
        frame: address + frame.start as u32,
        length: frame.len() as u32,
        text: address + text.start as u32,
    }
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

/// Numbers of four bytes each.
fn lengths(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let (chunks, _) = bytes.as_chunks();
    chunks.iter().map(|chunk| u32::from_le_bytes(*chunk) as usize)
}

/// Makes one text of its parts, behind a headroom; every second one is quoted on the way.
fn join_parts(mut parts: &[u8], part_lengths: &[u8], whole: &mut Vec<u8>) {
    whole.clear();
    whole.resize(packet::HEADROOM, 0);
    for (index, length) in lengths(part_lengths).enumerate() {
        let part = take(&mut parts, length);
        if index % 2 == 0 {
            whole.extend_from_slice(part);
        } else {
            json::quote(part, whole);
        }
    }
}
