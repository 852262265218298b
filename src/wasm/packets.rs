//! The packet path: lengths in, addresses out.

use std::mem;

use wasm_bindgen::prelude::*;

use crate::adapter::{Body, BroadcastCommand, Delivery, Dropped, Received};
use crate::json;
use crate::packet::{self, Encoded};
use crate::transcode::Outside;

use super::names::Names;
use super::{Core, Slot, value};

/// What [`Core::receive`] answers for a message that it dropped.
const ECHO: i32 = -1;
const FOREIGN: i32 = -2;
const UNWANTED: i32 = -3;
const MALFORMED: i32 = -4;
const PROBE: i32 = -5;

#[wasm_bindgen]
impl Core {
    /// Takes the message in the first `length` bytes of the input.
    ///
    /// Gives the number of sockets that want it (their ids are in the list), or why it was dropped.
    /// If clients have a custom parser, [`take_data`](Self::take_data) gives its data.
    pub fn receive(&mut self, adapter: usize, length: usize) -> i32 {
        let Self { adapters, input, output, attachments, reason, bytes, data, .. } = self;
        let (Some(adapter), Some(payload)) = (adapters.get_mut(adapter), input.get(..length))
        else {
            return UNWANTED;
        };
        let delivery = match adapter.handle_message(payload, output, attachments) {
            Received::Delivery(delivery) => delivery,
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
            match value::decode(payload.get(delivery.data..).unwrap_or_default(), bytes) {
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
        let Some(adapter) = adapters.get_mut(adapter) else { return 0 };
        let mut rest = input.get(packet::HEADROOM..).unwrap_or_default();
        let text = take(&mut rest, text_length);
        let mut names = Names::new(take(&mut rest, names_length));
        let flags = take(&mut rest, flags_length);
        let outside = take_outside(&mut rest, texts.saturating_add(attachments));
        let (texts, attachments) = outside.split_at_checked(texts).unwrap_or_default();
        let (rooms, except) = (names.take(rooms), names.take(except));
        let (Some(rooms), Some(except)) = (rooms, except) else { return 0 };
        let body = if raw {
            Body::MessagePack(text)
        } else {
            Body::Text(text, Outside { attachments, texts })
        };
        let command = BroadcastCommand { body, rooms: &rooms, except: &except, flags, local };
        let sent = adapter.broadcast(command, output);
        let targets = adapter.targets();
        let (list, count) = (targets.as_ptr() as u32, targets.len() as i32);
        let frame = if raw || count == 0 {
            None
        } else if texts.is_empty() {
            frame_around(input, text_length)
        } else {
            whole.clear();
            whole.resize(packet::HEADROOM, 0);
            // A namespace may be named by anything, so holes are looked for in the data alone.
            let data = adapter.packet_data(text).unwrap_or(text);
            whole.extend_from_slice(text.strip_suffix(data).unwrap_or_default());
            json::fill(data, texts, whole);
            let length = whole.len() - packet::HEADROOM;
            frame_around(whole, length)
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

/// Takes `count` lengths of four bytes each, then so many bytes for each.
fn take_outside<'a>(rest: &mut &'a [u8], count: usize) -> Vec<&'a [u8]> {
    let (lengths, _) = take(rest, count.saturating_mul(4)).as_chunks();
    lengths.iter().map(|length| take(rest, u32::from_le_bytes(*length) as usize)).collect()
}
