//! MessagePack to JSON text and back, for values and bytes drawn by chance; rmpv and serde_json are
//! the references.

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use socketio_redis_edge::json::{HOLE, fill};
use socketio_redis_edge::msgpack::{self, Reader};
use socketio_redis_edge::transcode::{Outside, json_to_msgpack, msgpack_to_json};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The same draws in every run, and no file of failures: a browser has neither chance of its own
/// nor files.
fn settings() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(5),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn to_json(bytes: &[u8]) -> Result<String, msgpack::DecodeError> {
    let mut out = Vec::new();
    msgpack_to_json(&mut Reader::new(bytes), &mut out, &mut Vec::new())?;
    Ok(String::from_utf8(out).expect("the text is UTF-8"))
}

fn to_msgpack(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    json_to_msgpack(text.as_bytes(), Outside::default(), &mut out).expect("the text is JSON");
    out
}

/// Any text: short and long, plain and odd.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ]{0,20}",
        ".{0,40}",
        r#"([ -~]{0,40}|[\x00-\x1f"\\é世😀]){0,6}"#,
        "[a-z]{250,260}",
    ]
}

/// A MessagePack value without binary data and extensions, which JSON has not.
fn wire_value() -> impl Strategy<Value = rmpv::Value> {
    let scalar = prop_oneof![
        Just(rmpv::Value::Nil),
        any::<bool>().prop_map(rmpv::Value::from),
        any::<i64>().prop_map(rmpv::Value::from),
        any::<u64>().prop_map(rmpv::Value::from),
        (-200_i64..70_000).prop_map(rmpv::Value::from),
        any::<f32>().prop_map(rmpv::Value::F32),
        any::<f64>().prop_map(rmpv::Value::F64),
        text().prop_map(rmpv::Value::from),
    ];
    scalar.prop_recursive(4, 48, 20, |inner| {
        let key = prop_oneof![
            4 => text().prop_map(rmpv::Value::from),
            1 => (-5_i64..20).prop_map(rmpv::Value::from),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(rmpv::Value::Array),
            prop::collection::vec((key, inner), 0..20).prop_map(rmpv::Value::Map),
        ]
    })
}

fn bytes_of(value: &rmpv::Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).expect("a vector takes all");
    bytes
}

/// What a JSON parser should make of a MessagePack value; every number is a float, as in
/// JavaScript.
fn expected(value: &rmpv::Value) -> Value {
    match value {
        rmpv::Value::Nil => Value::Null,
        rmpv::Value::Boolean(value) => json!(value),
        rmpv::Value::Integer(_) | rmpv::Value::F32(_) | rmpv::Value::F64(_) => {
            json!(value.as_f64())
        }
        rmpv::Value::String(text) => json!(text.as_str()),
        rmpv::Value::Array(items) => items.iter().map(expected).collect(),
        rmpv::Value::Map(members) => {
            let key =
                |key: &rmpv::Value| key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            members.iter().map(|(name, value)| (key(name), expected(value))).collect()
        }
        rmpv::Value::Binary(_) | rmpv::Value::Ext(..) => panic!("none is drawn"),
    }
}

/// The same value with every number as a float without a sign on zero.
fn with_floats(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64().map(|number| number + 0.0)),
        Value::Array(items) => items.into_iter().map(with_floats).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(key, value)| (key, with_floats(value))).collect()
        }
        _ => value,
    }
}

/// A JSON value that serde_json spells as `JSON.stringify` does: no float that is an integer or
/// needs an exponent, no key that is an array index.
fn json_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1_i64 << 53) + 1..1 << 53).prop_map(Value::from),
        (-200_i64..70_000).prop_map(Value::from),
        (any::<i32>(), 1..20)
            .prop_map(|(odd, power)| json!((f64::from(odd) * 2.0 + 1.0) / f64::from(1 << power))),
        text().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 48, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::Array),
            prop::collection::btree_map(text().prop_map(|key| format!("k{key}")), inner, 0..20)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Bytes that are MessagePack but for a few.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
    (wire_value(), damage).prop_map(|(value, damage)| {
        let mut bytes = bytes_of(&value);
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes
    })
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..60)
}

/// Keys of a map, each once: names and array indices.
fn keys() -> impl Strategy<Value = HashSet<String>> {
    prop::collection::hash_set(prop_oneof!["[a-z]{1,3}", "[1-9][0-9]{0,2}"], 0..12)
}

/// A number of JSON, as a pattern.
const NUMBER: &str = r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?";

/// Text that is JSON, and text made of the pieces of JSON, which only sometimes is.
fn json_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"a\"",
        "\"",
        "\\",
        "\\u00e9",
        "\\ud800",
        "1",
        "-",
        "0",
        ".5",
        "e3",
        "E-2",
        "true",
        "false",
        "null",
        " ",
        "\n",
        "[1,2]",
        "{\"k\":",
        "\"k\":",
        "é",
        "\u{1}",
        "tru",
        "\"long enough to fill some blocks of text\"",
    ]);
    prop_oneof![
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
        json_value().prop_map(|value| value.to_string()),
    ]
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn text_written_reads_as_the_value(value in wire_value()) {
        let text = to_json(&bytes_of(&value)).expect("well-formed");
        let read: Value = serde_json::from_str(&text).expect("the text is JSON");
        prop_assert_eq!(with_floats(read), with_floats(expected(&value)));
    }

    #[test]
    fn bytes_written_read_as_the_value(value in json_value()) {
        let bytes = to_msgpack(&value.to_string());
        let mut rest = bytes.as_slice();
        let read = rmpv::decode::read_value(&mut rest).expect("the bytes are MessagePack");
        prop_assert!(rest.is_empty());
        prop_assert_eq!(with_floats(expected(&read)), with_floats(value));
    }

    #[test]
    fn there_and_back_is_the_same_text(value in json_value()) {
        let text = value.to_string();
        prop_assert_eq!(to_json(&to_msgpack(&text)).expect("well-formed"), text);
    }

    #[test]
    fn any_bytes_give_json_or_an_error(bytes in prop_oneof![any_bytes(), damaged()]) {
        let mut reader = Reader::new(&bytes);
        let (mut out, mut attachments) = (Vec::new(), Vec::new());
        let result = msgpack_to_json(&mut reader, &mut out, &mut attachments);
        let text = std::str::from_utf8(&out).expect("the text is UTF-8");
        let mut skipping = Reader::new(&bytes);
        if result.is_ok() {
            prop_assert!(serde_json::from_str::<IgnoredAny>(text).is_ok(), "{}", text);
            prop_assert!(attachments.iter().all(|range| bytes.get(range.clone()).is_some()));
            prop_assert_eq!(skipping.skip(), Ok(()));
            prop_assert_eq!(skipping.position(), reader.position());
        } else {
            prop_assert_eq!((reader.position(), text, attachments.len()), (0, "", 0));
            // skip() does not look at keys, so it may be content where the transcoder is not.
            if let Err(error) = skipping.skip() {
                prop_assert_eq!(skipping.position(), 0);
                prop_assert!(matches!(error, msgpack::DecodeError::Truncated | msgpack::DecodeError::Reserved));
            }
        }
    }

    #[test]
    fn any_text_is_json_or_an_error(text in json_like()) {
        let mut out = Vec::new();
        let result = json_to_msgpack(text.as_bytes(), Outside::default(), &mut out);
        prop_assert_eq!(result.is_ok(), serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{:?}", result);
        if result.is_ok() {
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.skip().and_then(|()| reader.finish()), Ok(()));
        } else {
            prop_assert!(out.is_empty());
        }
    }

    #[test]
    fn a_text_with_holes_is_the_text_that_fills_them(value in json_value()) {
        let (mut text, mut strings) = (Vec::new(), Vec::new());
        spell_with_holes(&value, &mut text, &mut strings);
        let strings: Vec<&[u8]> = strings.iter().map(|string| string.as_bytes()).collect();
        let whole = serde_json::to_string(&value).expect("a value");
        let mut filled = Vec::new();
        fill(&text, &strings, &mut filled);
        prop_assert_eq!(str::from_utf8(&filled), Ok(&*whole));
        let mut out = Vec::new();
        let outside = Outside { attachments: &[], texts: &strings };
        prop_assert_eq!(json_to_msgpack(&text, outside, &mut out), Ok(()));
        prop_assert_eq!(out, to_msgpack(&whole));
    }

    #[test]
    fn any_bytes_as_json_text_never_panic(bytes in any_bytes()) {
        let mut out = Vec::new();
        let outside = Outside { attachments: &[b"1"], texts: &[b"2", b"\xff"] };
        if json_to_msgpack(&bytes, outside, &mut out).is_err() {
            prop_assert!(out.is_empty());
        }
    }

    #[test]
    fn indices_come_first_and_ascend(keys in keys()) {
        let keys: Vec<_> = keys.into_iter().collect();
        let members = keys.iter().map(|key| (key.as_str().into(), rmpv::Value::Nil)).collect();
        let text = to_json(&bytes_of(&rmpv::Value::Map(members))).expect("well-formed");
        let mut ordered = keys;
        ordered.sort_by_key(|key| key.parse().unwrap_or(u32::MAX));
        let members: Vec<_> = ordered.iter().map(|key| format!("\"{key}\":null")).collect();
        prop_assert_eq!(text, format!("{{{}}}", members.join(",")));
    }

    #[test]
    fn floats_are_spelt_in_the_fewest_digits_that_read_back(bits: u64) {
        let value = f64::from_bits(bits);
        let text = spelling(value);
        if value.is_finite() {
            prop_assert_eq!(text.parse(), Ok(value));
            prop_assert_eq!(digits(&text), digits(&format!("{value:e}")));
        } else {
            prop_assert_eq!(text, "null");
        }
    }

    #[test]
    fn decimals_are_spelt_in_the_fewest_digits(units in -(1_i64 << 53)..1 << 53, places in 0..9) {
        let value = units as f64 / 10_f64.powi(places);
        let text = spelling(value);
        prop_assert_eq!(text.parse(), Ok(value));
        prop_assert_eq!(digits(&text), digits(&format!("{value:e}")));
    }

    #[test]
    fn numbers_are_read_as_the_nearest_float(text in NUMBER) {
        let mut expected = Vec::new();
        msgpack::write_number(&mut expected, text.parse().expect("a number"));
        prop_assert_eq!(to_msgpack(&text), expected);
    }

    #[test]
    fn text_is_mended_as_the_standard_library_mends_it(bytes in ill_formed()) {
        let mut message = Vec::new();
        msgpack::write_str(&mut message, &bytes);
        let text = to_json(&message).expect("well-formed");
        let read: String = serde_json::from_str(&text).expect("the text is JSON");
        prop_assert_eq!(read, String::from_utf8_lossy(&bytes));
    }
}

/// Spells a value with every string that is no key left out.
fn spell_with_holes<'a>(value: &'a Value, text: &mut Vec<u8>, strings: &mut Vec<&'a str>) {
    match value {
        Value::String(string) => {
            text.push(HOLE);
            strings.push(string);
        }
        Value::Array(items) => {
            text.push(b'[');
            for (index, item) in items.iter().enumerate() {
                text.extend(if index > 0 { &b","[..] } else { b"" });
                spell_with_holes(item, text, strings);
            }
            text.push(b']');
        }
        Value::Object(members) => {
            text.push(b'{');
            for (index, (key, member)) in members.iter().enumerate() {
                text.extend(if index > 0 { &b","[..] } else { b"" });
                text.extend(json!(key).to_string().bytes());
                text.push(b':');
                spell_with_holes(member, text, strings);
            }
            text.push(b'}');
        }
        scalar => text.extend(scalar.to_string().bytes()),
    }
}

/// Bytes that are UTF-8 in parts, without surrogates.
fn ill_formed() -> impl Strategy<Value = Vec<u8>> {
    let piece =
        prop_oneof![text().prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..4),];
    prop::collection::vec(piece, 0..6)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("surrogates are kept", |bytes| !bytes.contains(&0xed))
}

fn spelling(value: f64) -> String {
    let mut bytes = Vec::new();
    msgpack::write_f64(&mut bytes, value);
    to_json(&bytes).expect("a float is well-formed")
}

/// How many digits a number is spelt with, but for zeros around the others. (Of two spellings that
/// are as short and as near, the standard library may take the other one.)
fn digits(number: &str) -> usize {
    let mantissa = number.split('e').next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').len()
}
