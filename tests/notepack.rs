//! Values as notepack.io and `JSON.stringify` wrote them: vectors/notepack.jsonl, whose format
//! generate.mjs beside it tells.

use serde_json::Value;
use socketio_redis_edge::msgpack::{DecodeError, Reader};
use socketio_redis_edge::transcode::{Outside, json_to_msgpack, msgpack_to_json};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The text and the attachments of one value that is all of `bytes`.
fn decode(bytes: &[u8]) -> Result<(String, Vec<Vec<u8>>), DecodeError> {
    let mut reader = Reader::new(bytes);
    let (mut out, mut attachments) = (Vec::new(), Vec::new());
    msgpack_to_json(&mut reader, &mut out, &mut attachments)?;
    reader.finish()?;
    let text = String::from_utf8(out).expect("the text is UTF-8");
    Ok((text, attachments.into_iter().map(|range| bytes[range].to_vec()).collect()))
}

struct Vector {
    line: usize,
    msgpack: Vec<u8>,
    json: String,
    attachments: Vec<Vec<u8>>,
    encodes: bool,
}

fn all() -> impl Iterator<Item = Vector> {
    include_str!("vectors/notepack.jsonl").lines().enumerate().map(|(index, line)| {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        Vector {
            line: index + 1,
            msgpack: unhex(&expand(&line["msgpack"])),
            json: expand(&line["json"]),
            attachments: line["attachments"]
                .as_array()
                .expect("attachments are a list")
                .iter()
                .map(|hex| unhex(&expand(hex)))
                .collect(),
            encodes: line["direction"] == "both",
        }
    })
}

/// A text, or a list of [piece, times].
fn expand(text: &Value) -> String {
    match text {
        Value::String(text) => text.clone(),
        Value::Array(runs) => runs
            .iter()
            .map(|run| {
                run[0].as_str().expect("a piece").repeat(run[1].as_u64().expect("times") as usize)
            })
            .collect(),
        _ => panic!("neither text nor runs: {text}"),
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[test]
fn decode_to_what_json_stringify_writes() {
    let mut count = 0;
    for vector in all() {
        let (json, attachments) =
            decode(&vector.msgpack).unwrap_or_else(|error| panic!("line {}: {error}", vector.line));
        assert_eq!(json, vector.json, "line {}", vector.line);
        assert_eq!(attachments, vector.attachments, "line {}", vector.line);
        count += 1;
    }
    assert!(count > 600, "{count} lines");
}

#[test]
fn encode_to_what_notepack_writes() {
    let mut count = 0;
    for vector in all().filter(|vector| vector.encodes) {
        let attachments: Vec<&[u8]> = vector.attachments.iter().map(Vec::as_slice).collect();
        let outside = Outside { attachments: &attachments, texts: &[] };
        let mut out = Vec::new();
        json_to_msgpack(vector.json.as_bytes(), outside, &mut out)
            .unwrap_or_else(|error| panic!("line {}: {error}", vector.line));
        assert!(out == vector.msgpack, "line {}: {out:02x?}", vector.line);
        count += 1;
    }
    assert!(count > 450, "{count} lines");
}

#[test]
fn are_passed_whole_by_skip() {
    for vector in all() {
        let mut reader = Reader::new(&vector.msgpack);
        assert_eq!(reader.skip(), Ok(()), "line {}", vector.line);
        assert!(reader.at_end(), "line {}", vector.line);
    }
}

#[test]
fn cut_short_are_refused() {
    for vector in all().filter(|vector| vector.msgpack.len() < 300) {
        for length in 0..vector.msgpack.len() {
            let bytes = &vector.msgpack[..length];
            assert_eq!(
                Reader::new(bytes).skip(),
                Err(DecodeError::Truncated),
                "line {}",
                vector.line
            );
            assert_eq!(decode(bytes), Err(DecodeError::Truncated), "line {}", vector.line);
        }
    }
}
