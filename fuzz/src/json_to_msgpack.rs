//! JSON to MessagePack.

use socketio_redis_edge::json::{DecodeError, fill};
use socketio_redis_edge::msgpack::Reader;
use socketio_redis_edge::transcode::{Outside, json_to_msgpack, msgpack_to_json};

use crate::meaning;

/// What stands outside the text, where it has holes and placeholders.
const OUTSIDE: Outside<'static> = Outside {
    attachments: &[b"", b"data", &[0xff; 300]],
    texts: &[b"short", "longer, with \"é\" and \\ in it, and \u{1}".as_bytes(), b""],
};

/// Transcodes any bytes: JSON is accepted and nothing else, and what it becomes has the same meaning,
/// also when it is read again; what is refused leaves everything as it was.
pub fn run(text: &[u8]) {
    let mut out = b"before".to_vec();
    let result = json_to_msgpack(text, Outside::default(), &mut out);
    assert!(result == Err(DecodeError::TooDeep) || result.is_ok() == meaning::is_json(text));
    if result.is_ok() {
        let wire = out.strip_prefix(b"before").expect("it was appended");
        check_meaning(text, wire);
    } else {
        assert_eq!(out, b"before");
    }
    check_outside(text);
}

fn check_meaning(text: &[u8], wire: &[u8]) {
    let mut reader = Reader::new(wire);
    assert_eq!(reader.check(), Ok(()));
    assert_eq!(reader.skip().and_then(|()| reader.finish()), Ok(()));
    if let Some(json) = meaning::json(text) {
        // rmpv reads no value in a thousand others.
        if let Some(wire) = meaning::wire(wire) {
            assert!(meaning::agree(&wire, &json, &[]), "{json} became {wire}");
        }
    }
    // The order of keys may change, once.
    let ordered = to_json(wire);
    let mut again = Vec::new();
    json_to_msgpack(&ordered, Outside::default(), &mut again).expect("it is JSON");
    assert_eq!(ordered.escape_ascii().to_string(), to_json(&again).escape_ascii().to_string());
}

fn to_json(wire: &[u8]) -> Vec<u8> {
    let (mut text, mut attachments) = (Vec::new(), Vec::new());
    msgpack_to_json(&mut Reader::new(wire), &mut text, &mut attachments)
        .expect("it is MessagePack");
    assert_eq!(attachments, []);
    text
}

fn check_outside(text: &[u8]) {
    let (mut out, mut filled, mut expected) = (Vec::new(), Vec::new(), Vec::new());
    if json_to_msgpack(text, OUTSIDE, &mut out).is_err() {
        assert!(out.is_empty());
        return;
    }
    let mut reader = Reader::new(&out);
    assert_eq!(reader.check(), Ok(()));
    assert_eq!(reader.skip().and_then(|()| reader.finish()), Ok(()));
    // Strings outside and inside are the same.
    fill(text, OUTSIDE.texts, &mut filled);
    let inside = Outside { texts: &[], ..OUTSIDE };
    json_to_msgpack(&filled, inside, &mut expected).expect("the holes are filled");
    assert_eq!(out, expected);
}
