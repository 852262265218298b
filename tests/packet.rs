//! Socket.IO packet text and the WebSocket frame around it.

use socketio_redis_edge::msgpack::{DecodeError, Reader, write_array_header, write_bin, write_str};
use socketio_redis_edge::packet::{Encoded, HEADROOM, event_from_msgpack, frame_around};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The text, the frame and the number of attachments of an event.
fn event(data: &[u8], nsp: &str) -> Result<(String, Vec<u8>, usize), DecodeError> {
    let (mut out, mut attachments) = (b"before".to_vec(), Vec::new());
    let encoded = event_from_msgpack(&mut Reader::new(data), nsp, &mut out, &mut attachments)?;
    assert!(out.starts_with(b"before"));
    assert_eq!(encoded.frame.end, out.len());
    let text = String::from_utf8(out[encoded.text].to_vec()).expect("the text is UTF-8");
    Ok((text, out[encoded.frame].to_vec(), attachments.len()))
}

fn text(data: &[u8], nsp: &str) -> String {
    event(data, nsp).expect("well-formed").0
}

// Texts as socket.io-parser 4.2 encodes the same packets.
#[test]
fn an_event_has_its_namespace_in_front() {
    let data = b"\x92\xa1a\x01";
    assert_eq!(text(data, "/"), r#"2["a",1]"#);
    assert_eq!(text(data, "/admin"), r#"2/admin,["a",1]"#);
}

#[test]
fn binary_data_makes_it_a_binary_event() {
    let data = b"\x92\xa1a\xc4\x01x";
    assert_eq!(text(data, "/admin"), r#"51-/admin,["a",{"_placeholder":true,"num":0}]"#);
    let mut data = Vec::new();
    write_array_header(&mut data, 11);
    for _ in 0..11 {
        write_bin(&mut data, b"x");
    }
    let (text, _, attachments) = event(&data, "/").expect("well-formed");
    assert_eq!(attachments, 11);
    assert!(text.starts_with(r#"511-[{"_placeholder":true,"num":0},"#), "{text}");
}

#[test]
fn only_an_array_is_the_data_of_an_event() {
    assert_eq!(event(b"\x80", "/"), Err(DecodeError::Unexpected { expected: "array" }));
    assert_eq!(event(b"", "/"), Err(DecodeError::Truncated));
}

#[test]
fn an_error_leaves_everything_as_it_was() {
    let mut reader = Reader::new(b"\x93\xa1a\xc4\x01x\xc1");
    let (mut out, mut attachments) = (b"before".to_vec(), Vec::new());
    let result = event_from_msgpack(&mut reader, "/", &mut out, &mut attachments);
    assert_eq!(result, Err(DecodeError::Reserved));
    assert_eq!((reader.position(), &out[..], attachments.len()), (0, &b"before"[..], 0));
}

/// The frame header for so many bytes of payload, as Sender.frame of ws 8.18 writes it.
const HEADERS: [(usize, &[u8]); 6] = [
    (8, &[0x81, 8]),
    (125, &[0x81, 125]),
    (126, &[0x81, 126, 0, 126]),
    (65_535, &[0x81, 126, 0xff, 0xff]),
    (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    (70_000, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]),
];

#[test]
fn an_event_is_one_text_frame() {
    for (length, header) in HEADERS {
        let mut data = vec![0x91];
        write_str(&mut data, &vec![b'x'; length - r#"42[""]"#.len()]);
        let (text, frame, _) = event(&data, "/").expect("well-formed");
        assert_eq!(frame, [header, b"4", text.as_bytes()].concat());
    }
}

#[test]
fn a_text_written_behind_the_headroom_gets_its_frame() {
    for (length, header) in HEADERS {
        let packet = vec![b'x'; length - 1];
        let mut out = [&[0xaa; HEADROOM + 2], &packet[..], b"behind"].concat();
        let text = HEADROOM + 2..HEADROOM + 2 + packet.len();
        let Encoded { frame, text: same } = frame_around(&mut out, text.clone()).expect("it fits");
        assert_eq!(same, text);
        assert!(out[..frame.start].iter().all(|&byte| byte == 0xaa));
        assert_eq!(out[frame], [header, b"4", &packet].concat());
    }
}

#[test]
fn a_text_without_headroom_or_out_of_bounds_is_refused() {
    let mut out = [0; 32];
    assert!(frame_around(&mut out, HEADROOM..32).is_some());
    assert_eq!(frame_around(&mut out, HEADROOM - 1..32), None);
    assert_eq!(frame_around(&mut out, HEADROOM..33), None);
    #[expect(clippy::reversed_empty_ranges, reason = "a host may pass any two numbers")]
    let reversed = 20..19;
    assert_eq!(frame_around(&mut out, reversed), None);
    assert_eq!(out[HEADROOM..], [0; 21]);
}
