//! Socket.IO packet text (socket.io-parser 4, protocol 5) inside the WebSocket frame that carries
//! it to a client.

use core::ops::Range;

use crate::msgpack::{DecodeError, Reader};
use crate::transcode::msgpack_to_json;

/// Where a packet lies in the bytes it was written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The whole WebSocket frame.
    pub frame: Range<usize>,
    /// The packet's text inside the frame, without the `4` that makes it an Engine.IO message.
    pub text: Range<usize>,
}

/// Bytes that a frame takes in front of its packet text, at most: a header with a 64-bit length,
/// and the `4`.
pub const HEADROOM: usize = 11;

/// The longest packet type, a binary event of 2^64 - 1 attachments.
const LONGEST_TYPE: usize = "5-".len() + 20;

/// Appends the frame of an event whose data is the reader's next value: an array of the event's
/// name and its arguments.
///
/// `nsp` is left out if it is `/`. Binary data becomes placeholders as in [`msgpack_to_json`]; with `attachments`, the packet is a binary
/// event that announces all of them. On an error the reader, `out` and `attachments` are as they
/// were.
pub fn event_from_msgpack(
    reader: &mut Reader<'_>,
    nsp: &str,
    out: &mut Vec<u8>,
    attachments: &mut Vec<Range<usize>>,
) -> Result<Encoded, DecodeError> {
    reader.clone().array()?;
    let start = out.len();
    // Only the body tells the number of attachments and the length: what stands in front of it is
    // filled in backwards.
    out.extend_from_slice(&[0; HEADROOM + LONGEST_TYPE]);
    let head = out.len();
    if nsp != "/" {
        out.extend_from_slice(nsp.as_bytes());
        out.push(b',');
    }
    msgpack_to_json(reader, out, attachments).inspect_err(|_| out.truncate(start))?;
    let text = write_type(out, head, attachments.len())..out.len();
    Ok(frame(out, text))
}

/// Writes the type of an event of so many attachments right before `head`, and gives where it starts.
fn write_type(out: &mut [u8], head: usize, attachments: usize) -> usize {
    let mut places = out.get_mut(..head).unwrap_or_default().iter_mut();
    let mut put = |byte| {
        if let Some(place) = places.next_back() {
            *place = byte;
        }
    };
    if attachments == 0 {
        put(b'2');
        return places.len();
    }
    put(b'-');
    let mut left = attachments;
    while left > 0 {
        put(b'0' | (left % 10) as u8);
        left /= 10;
    }
    put(b'5');
    places.len()
}

/// Writes what stands in front of a packet text that is at `text` in `out`, right before it: the
/// frame's header and the `4`.
///
/// `None` if `text` starts before [`HEADROOM`] or is not inside `out`.
pub fn frame_around(out: &mut [u8], text: Range<usize>) -> Option<Encoded> {
    let inside = HEADROOM <= text.start && text.start <= text.end && text.end <= out.len();
    inside.then(|| frame(out, text))
}

/// Writes nothing if there is no room, which the callers see to.
fn frame(out: &mut [u8], text: Range<usize>) -> Encoded {
    let mut nowhere = [0; HEADROOM];
    let before = out.get_mut(..text.start).and_then(<[u8]>::last_chunk_mut);
    let room: &mut [u8; HEADROOM] = before.unwrap_or(&mut nowhere);
    let length = (text.len() as u64).saturating_add(1);
    let [a, b, c, d, e, f, g, h] = length.to_be_bytes();
    // Final text frames (RFC 6455, 5.2), not masked since a server sends them, as Sender.frame of
    // ws 8 writes them.
    let size = match length {
        0..126 => {
            room[8..].copy_from_slice(&[0x81, h, b'4']);
            3
        }
        126..0x1_0000 => {
            room[6..].copy_from_slice(&[0x81, 126, g, h, b'4']);
            5
        }
        0x1_0000.. => {
            *room = [0x81, 127, a, b, c, d, e, f, g, h, b'4'];
            HEADROOM
        }
    };
    Encoded { frame: text.start.saturating_sub(size)..text.end, text }
}
