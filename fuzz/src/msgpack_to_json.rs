//! MessagePack to JSON, and to a packet in its frame.

use std::ops::Range;

use socketio_redis_edge::msgpack::{DecodeError, Reader};
use socketio_redis_edge::packet::event_from_msgpack;
use socketio_redis_edge::transcode::{Outside, json_to_msgpack, msgpack_to_json};

use crate::meaning;

/// Transcodes any bytes: what is accepted is JSON of the same meaning, and stays what it is when it is
/// read again; what is refused leaves everything as it was.
pub fn run(data: &[u8]) {
    let mut reader = Reader::new(data);
    let (mut out, mut attachments) = (b"before".to_vec(), Vec::new());
    let result = msgpack_to_json(&mut reader, &mut out, &mut attachments);
    let well_formed = Reader::new(data).check();
    check_packet(data, result);
    if let Err(error) = result {
        assert_eq!((reader.position(), out.as_slice()), (0, b"before".as_slice()));
        assert_eq!(attachments, []);
        assert!(error == DecodeError::TooManyAttachments || well_formed.is_err());
        return;
    }
    assert_eq!(well_formed, Ok(()));
    let mut passed = Reader::new(data);
    assert_eq!(passed.skip(), Ok(()));
    assert_eq!(passed.position(), reader.position());
    let text = out.strip_prefix(b"before").expect("it was appended");
    let attachments: Vec<&[u8]> = attachments.into_iter().map(|range| &data[range]).collect();
    check_meaning(&data[..reader.position()], text, &attachments);
    check_again(text, &attachments);
}

fn check_meaning(data: &[u8], text: &[u8], attachments: &[&[u8]]) {
    assert!(meaning::is_json(text), "{}", text.escape_ascii());
    if let (Some(wire), Some(json)) = (meaning::wire(data), meaning::json(text)) {
        assert!(meaning::agree(&wire, &json, attachments), "{wire} became {json}");
    }
}

fn check_again(text: &[u8], attachments: &[&[u8]]) {
    let placeholder = br#"{"_placeholder":true,"num":"#;
    let placeholders = text.windows(placeholder.len()).filter(|bytes| bytes == placeholder);
    // What looks like one more becomes one more.
    if placeholders.count() != attachments.len() {
        return;
    }
    let (mut wire, mut again, mut places) = (Vec::new(), Vec::new(), Vec::new());
    json_to_msgpack(text, Outside { attachments, texts: &[] }, &mut wire).expect("it is JSON");
    msgpack_to_json(&mut Reader::new(&wire), &mut again, &mut places).expect("it is MessagePack");
    assert_eq!(again.escape_ascii().to_string(), text.escape_ascii().to_string());
    let places = places.into_iter().map(|range| &wire[range]);
    assert!(places.eq(attachments.iter().copied()));
}

/// A list is a packet's data.
fn check_packet(data: &[u8], transcoded: Result<(), DecodeError>) {
    let mut reader = Reader::new(data);
    let (mut out, mut attachments) = (b"before".to_vec(), Vec::new());
    let packet = event_from_msgpack(&mut reader, "/admin", &mut out, &mut attachments);
    let is_list = Reader::new(data).array().is_ok();
    assert_eq!(packet.is_ok(), is_list && transcoded.is_ok());
    let Ok(packet) = packet else {
        assert_eq!((reader.position(), out.as_slice()), (0, b"before".as_slice()));
        assert_eq!(attachments, []);
        return;
    };
    let kind = match attachments.len() {
        0 => "2/admin,[".to_owned(),
        count => format!("5{count}-/admin,["),
    };
    assert!(out[packet.text.clone()].starts_with(kind.as_bytes()));
    assert_eq!(payload(&out[packet.frame.clone()]), Some(packet.text.len() + 1));
    assert_eq!((packet.frame.end, packet.text.end), (out.len(), out.len()));
    assert!(within(&attachments, reader.position()));
}

fn within(attachments: &[Range<usize>], end: usize) -> bool {
    attachments.iter().all(|range| range.start <= range.end && range.end <= end)
}

/// The length that a WebSocket frame tells of its payload, if that is what follows: a message.
fn payload(frame: &[u8]) -> Option<usize> {
    let (length, payload) = match *frame {
        [0x81, length @ 0..126, ref payload @ ..] => (length.into(), payload),
        [0x81, 126, a, b, ref payload @ ..] => (u16::from_be_bytes([a, b]).into(), payload),
        [0x81, 127, a, b, c, d, e, f, g, h, ref payload @ ..] => {
            (u64::from_be_bytes([a, b, c, d, e, f, g, h]), payload)
        }
        _ => return None,
    };
    let is_message = payload.len() as u64 == length && payload.starts_with(b"4");
    is_message.then_some(payload.len())
}
