//! MessagePack to JSON text and back: what senders write rarely or never, and what is refused.

use std::ops::Range;

use socketio_redis_edge::msgpack::{DecodeError, MAX_DEPTH, Reader};
use socketio_redis_edge::transcode::{Outside, json_to_msgpack, msgpack_to_json};
use socketio_redis_edge::{json, msgpack};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The text and the attachments of one value that is all of `bytes`.
fn decode(bytes: &[u8]) -> Result<(String, Vec<Range<usize>>), DecodeError> {
    let mut reader = Reader::new(bytes);
    let (mut out, mut attachments) = (Vec::new(), Vec::new());
    msgpack_to_json(&mut reader, &mut out, &mut attachments)?;
    reader.finish()?;
    Ok((String::from_utf8(out).expect("the text is UTF-8"), attachments))
}

fn encode(text: &str) -> Result<Vec<u8>, json::DecodeError> {
    let mut out = Vec::new();
    json_to_msgpack(text.as_bytes(), Outside::default(), &mut out)?;
    Ok(out)
}

fn text_of(bytes: &[u8]) -> String {
    decode(bytes).expect("well-formed").0
}

fn str8(bytes: &[u8]) -> Vec<u8> {
    [&[0xd9, bytes.len() as u8], bytes].concat()
}

#[test]
fn lone_surrogates_survive_as_escapes() {
    for (wire, json) in [
        (&b"\xed\xa0\x80"[..], r#""\ud800""#),
        (b"\xed\xbf\xbf", r#""\udfff""#),
        (b"a\xed\xb0\x80\xed\xa0\x80z", r#""a\udc00\ud800z""#),
        (b"\xc3\xa9\xed\xa0\xbd", "\"é\\ud83d\""),
    ] {
        assert_eq!(text_of(&str8(wire)), json);
        assert_eq!(encode(json).expect("valid")[1..], *wire);
    }
}

#[test]
fn a_pair_of_surrogates_is_one_character() {
    assert_eq!(text_of(&str8(b"\xed\xa0\xbd\xed\xb8\x80")), "\"😀\"");
    for json in ["\"\\ud83d\\ude00\"", "\"😀\""] {
        assert_eq!(encode(json), Ok(b"\xa4\xf0\x9f\x98\x80".to_vec()));
    }
}

#[test]
fn a_surrogate_cut_short_is_replaced() {
    assert_eq!(text_of(&str8(b"\xed\xa0\xbd\xed\xb8")), "\"\\ud83d\u{fffd}\u{fffd}\"");
}

#[test]
fn every_escape_is_read() {
    assert_eq!(
        encode(r#""\"\\\/\b\f\n\r\t\u0041\u00e9\u4E16""#).expect("valid")[1..],
        *"\"\\/\u{8}\u{c}\n\r\tAé世".as_bytes(),
    );
}

#[test]
fn text_that_escapes_shorten_has_the_smallest_head() {
    for length in [31, 32, 255, 256, 65535, 65536] {
        let json = format!("\"{}\\n\"", "a".repeat(length - 1));
        let bytes = encode(&json).expect("valid");
        let mut expected = Vec::new();
        msgpack::write_str(&mut expected, format!("{}\n", "a".repeat(length - 1)).as_bytes());
        assert_eq!(bytes, expected);
    }
}

#[test]
fn ill_formed_text_is_refused_in_json() {
    let mut out = b"before".to_vec();
    for bytes in [&b"\"\xff\""[..], b"\"\xed\xa0\x80\"", b"\"\\n\xff\"", b"{\"\xc3\":1}"] {
        let result = json_to_msgpack(bytes, Outside::default(), &mut out);
        assert_eq!(result, Err(json::DecodeError::InvalidUtf8));
    }
    assert_eq!(out, b"before");
}

#[test]
fn integers_beyond_64_bits_are_floats() {
    for (json, value) in [
        ("1e20", 1e20),
        ("-1e20", -1e20),
        ("18446744073709551616", 18446744073709551616.0),
        ("18446744073709551615", 18446744073709551616.0),
        ("-9223372036854777856", -9223372036854777856.0),
        ("1.7976931348623157e+308", f64::MAX),
        ("1e999", f64::INFINITY),
    ] {
        let mut expected = Vec::new();
        msgpack::write_f64(&mut expected, value);
        assert_eq!(encode(json), Ok(expected), "{json}");
    }
}

#[test]
fn spellings_that_json_stringify_does_not_use_are_read() {
    for (json, bytes) in [
        ("-0", &[0x00][..]),
        ("-0.0", &[0x00]),
        ("1.0", &[0x01]),
        ("1E2", &[0x64]),
        ("100e-2", &[0x01]),
        ("0e5", &[0x00]),
        ("12345678901234567890e-18", &[0xcb, 0x40, 0x28, 0xb0, 0xfc, 0xd3, 0x2f, 0x70, 0x7a]),
        ("9007199254740993", &[0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0]),
    ] {
        assert_eq!(encode(json).as_deref(), Ok(bytes), "{json}");
    }
}

const PLACEHOLDER: &str = r#"{"_placeholder":true,"num":1}"#;

const TWO: Outside<'static> = Outside { attachments: &[b"first", b"second"], texts: &[] };

fn with_two(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    json_to_msgpack(text.as_bytes(), TWO, &mut out).expect("valid");
    out
}

#[test]
fn a_placeholder_becomes_its_bytes() {
    assert_eq!(with_two(PLACEHOLDER), b"\xc4\x06second");
}

#[test]
fn anything_else_stays_a_map() {
    for text in [
        r#"{"_placeholder":true,"num":2}"#,
        r#"{"_placeholder":true,"num":01}"#,
        r#"{"_placeholder":true,"num":-1}"#,
        r#"{"_placeholder":true,"num":18446744073709551616}"#,
        r#"{"_placeholder":true,"num":1,"more":1}"#,
        r#"{"_placeholder":false,"num":1}"#,
        r#"{"num":1,"_placeholder":true}"#,
        r#"{"_placeholder":true}"#,
    ] {
        let mut plain = Vec::new();
        let result = json_to_msgpack(text.as_bytes(), Outside::default(), &mut plain);
        let mut out = Vec::new();
        assert_eq!(json_to_msgpack(text.as_bytes(), TWO, &mut out), result);
        assert_eq!(out, plain, "{text}");
    }
    assert_eq!(encode(PLACEHOLDER).expect("valid")[0], 0x82);
}

#[test]
fn numbers_go_on_from_those_noted_before() {
    let bytes = b"\xc4\x01a";
    let (mut out, mut noted) = (Vec::new(), vec![7..9, 9..9]);
    msgpack_to_json(&mut Reader::new(bytes), &mut out, &mut noted).expect("well-formed");
    assert_eq!(out, br#"{"_placeholder":true,"num":2}"#);
    assert_eq!(noted, [7..9, 9..9, 2..3]);
}

fn with_texts(text: &str, texts: &[&[u8]]) -> Result<Vec<u8>, json::DecodeError> {
    let mut out = Vec::new();
    json_to_msgpack(text.as_bytes(), Outside { attachments: &[], texts }, &mut out)?;
    Ok(out)
}

fn filled(text: &str, texts: &[&[u8]]) -> String {
    let mut out = b"before".to_vec();
    json::fill(text.as_bytes(), texts, &mut out);
    let out = String::from_utf8(out).expect("the texts are UTF-8");
    out.strip_prefix("before").expect("what was there").to_owned()
}

#[test]
fn holes_take_their_strings_in_order() {
    let long = "x".repeat(70_000);
    for texts in [
        ["", "a", "b"],
        ["\"\\/\u{8}\u{c}\n\r\t", "\0\u{1}\u{1f}\u{7f}", "\\u0041"],
        ["caf\u{e9}", "\u{2028}\u{ffff}", "\u{1f600}"],
        ["one hole looks so: \u{1}", &long, "{\"_placeholder\":true,\"num\":0}"],
    ] {
        let quoted = texts.map(|text| serde_json::to_string(text).expect("a text"));
        let texts = texts.map(str::as_bytes);
        for (holes, whole) in [
            ("\u{1}".to_owned(), quoted[0].clone()),
            (
                "[\u{1},{\"k\":\u{1}},[\u{1}]]".to_owned(),
                format!(r#"[{},{{"k":{}}},[{}]]"#, quoted[0], quoted[1], quoted[2]),
            ),
            (
                format!("[{},\u{1} , \u{1}\n]", quoted[2]),
                format!("[{},{} , {}\n]", quoted[2], quoted[0], quoted[1]),
            ),
        ] {
            assert_eq!(filled(&holes, &texts), whole);
            assert_eq!(with_texts(&holes, &texts), encode(&whole), "{holes}");
        }
    }
}

#[test]
fn placeholders_and_holes_are_counted_apart() {
    let text = b"[{\"_placeholder\":true,\"num\":1},\x01,{\"_placeholder\":true,\"num\":0}]";
    let mut out = Vec::new();
    json_to_msgpack(text, Outside { texts: &[b"text"], ..TWO }, &mut out).expect("valid");
    assert_eq!(out, b"\x93\xc4\x06second\xa4text\xc4\x05first");
}

#[test]
fn a_string_that_is_missing_is_an_error_and_one_too_many_is_none() {
    let text = "[\u{1},\u{1}]";
    for texts in [&[][..], &[&b"a"[..]]] {
        assert_eq!(with_texts(text, texts), Err(json::DecodeError::Truncated));
    }
    for texts in [&[&b"a"[..], b"b"][..], &[b"a", b"b", b"c"]] {
        assert_eq!(with_texts(text, texts).as_deref(), Ok(&b"\x92\xa1a\xa1b"[..]));
        assert_eq!(filled(text, texts), r#"["a","b"]"#);
    }
    assert_eq!(with_texts("[]", &[b"a"]).as_deref(), Ok(&[0x90][..]));
}

#[test]
fn a_hole_is_a_value_and_nothing_else() {
    for (text, error) in [
        // Inside a string it is a control character.
        ("[\"a\u{1}b\"]", json::DecodeError::Unexpected { position: 3 }),
        ("[\"\\n\u{1}\"]", json::DecodeError::Unexpected { position: 4 }),
        ("{\u{1}:1}", json::DecodeError::Unexpected { position: 1 }),
        ("{\"a\u{1}\":1}", json::DecodeError::Unexpected { position: 3 }),
        ("[\u{1}\u{1}]", json::DecodeError::Unexpected { position: 2 }),
        ("[1\u{1}]", json::DecodeError::Unexpected { position: 2 }),
        ("\u{1}\u{1}", json::DecodeError::TrailingText),
    ] {
        assert_eq!(with_texts(text, &[b"first", b"second"]), Err(error), "{text:?}");
    }
}

/// `depth` containers inside each other.
fn nested(depth: usize) -> (Vec<u8>, String) {
    let bytes = [vec![0x91; depth - 1], vec![0x90]].concat();
    (bytes, format!("{}{}", "[".repeat(depth), "]".repeat(depth)))
}

#[test]
fn the_deepest_value_passes_both_ways() {
    let (bytes, text) = nested(MAX_DEPTH);
    assert_eq!(text_of(&bytes), text);
    assert_eq!(encode(&text), Ok(bytes));
}

#[test]
fn one_level_more_is_too_deep() {
    let (bytes, text) = nested(MAX_DEPTH + 1);
    assert_eq!(decode(&bytes), Err(DecodeError::TooDeep));
    assert_eq!(encode(&text), Err(json::DecodeError::TooDeep));
    assert_eq!(Reader::new(&bytes).skip(), Ok(()));
    // Keys out of order are looked for by another walk.
    let behind = [&[0x93, 0x82, 0x01, 0xc0, 0x00, 0xc0][..], &bytes, &[0xc0]].concat();
    assert_eq!(decode(&behind), Err(DecodeError::TooDeep));
}

#[test]
fn the_deepest_value_passes_when_keys_are_out_of_order() {
    let (bytes, text) = nested(MAX_DEPTH - 1);
    let bytes = [&[0x92, 0x82, 0x01, 0xc0, 0x00, 0xc0][..], &bytes].concat();
    assert_eq!(text_of(&bytes), format!(r#"[{{"0":null,"1":null}},{text}]"#));
}

#[test]
fn lengths_that_claim_more_than_there_is_are_refused() {
    for bytes in [
        &[0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0][..],
        &[0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0, 0xc0],
        &[0xdb, 0xff, 0xff, 0xff, 0xff, 0x61],
        &[0xc6, 0xff, 0xff, 0xff, 0xff, 0x61],
        &[0xc9, 0xff, 0xff, 0xff, 0xff, 0x00, 0x61],
        &[0x91, 0xdc, 0x00, 0x02, 0xc0],
    ] {
        assert_eq!(decode(bytes), Err(DecodeError::Truncated));
        assert_eq!(Reader::new(bytes).skip(), Err(DecodeError::Truncated));
    }
}

#[test]
fn an_error_leaves_everything_as_it_was() {
    // A map out of order, an attachment, then the reserved byte.
    let bytes = [0x93, 0x82, 0x02, 0xc0, 0x01, 0xc0, 0xc4, 0x01, 0x61, 0xc1];
    let mut reader = Reader::new(&bytes);
    let noted = vec![1..2, 3..4];
    let (mut out, mut attachments) = (b"out".to_vec(), noted.clone());
    assert_eq!(
        msgpack_to_json(&mut reader, &mut out, &mut attachments),
        Err(DecodeError::Reserved)
    );
    assert_eq!((reader.position(), out, attachments), (0, b"out".to_vec(), noted));
}

#[test]
fn containers_as_keys_are_refused() {
    for bytes in [&[0x81, 0x90, 0xc0][..], &[0x81, 0x80, 0xc0], &[0x81, 0xd4, 0x00, 0x00, 0xc0]] {
        assert_eq!(decode(bytes), Err(DecodeError::Key));
    }
}

#[test]
fn counts_beyond_16_bits_have_32() {
    let array = format!("[{}0]", "0,".repeat(65_536));
    assert_eq!(encode(&array).expect("valid")[..5], [0xdd, 0, 1, 0, 1]);
    let members: Vec<_> = (0..65_536).map(|key| format!(r#""k{key}":[{key}]"#)).collect();
    let map = format!("{{{}}}", members.join(","));
    let bytes = encode(&map).expect("valid");
    assert_eq!(bytes[..5], [0xdf, 0, 1, 0, 0]);
    assert_eq!(text_of(&bytes), map);
}

#[test]
fn blanks_are_passed() {
    let bytes = encode("\r\n\t [ 1 ,\t{ \"a\" : [ ] , \"b\" :\n{ } } , true ] \n");
    assert_eq!(bytes, encode(r#"[1,{"a":[],"b":{}},true]"#));
}

#[test]
fn faults_are_told_by_their_place() {
    for (text, position) in [
        ("]", 0),
        ("[1,]", 3),
        ("[,1]", 1),
        ("[1 2]", 3),
        ("[1}", 2),
        ("{1:2}", 1),
        ("{\"a\" 1}", 5),
        ("{\"a\":1,}", 7),
        ("{,}", 1),
        ("tru ", 3),
        ("nul]", 3),
        ("falsy", 4),
        ("01", 1),
        ("-a", 1),
        ("1.a", 2),
        ("1ea", 2),
        ("+1", 0),
        (".5", 0),
        ("\"\u{1}\"", 1),
        ("\"ab\\x\"", 4),
        ("\"\\u12g4\"", 2),
        ("NaN", 0),
    ] {
        assert_eq!(encode(text), Err(json::DecodeError::Unexpected { position }), "{text}");
    }
}

#[test]
fn text_cut_short_is_refused() {
    for text in [
        "", " ", "[", "[1", "[1,", "{", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":1", "\"", "\"\\",
        "tr", "-", "1.", "1e",
    ] {
        assert_eq!(encode(text), Err(json::DecodeError::Truncated), "{text}");
    }
}

#[test]
fn text_behind_the_value_is_refused() {
    for text in ["1 2", "{}}", "\"\"\"", "null,"] {
        assert_eq!(encode(text), Err(json::DecodeError::TrailingText), "{text}");
    }
}
