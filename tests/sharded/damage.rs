//! Recorded messages cut short and damaged: they are refused, or still are messages.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rmpv::Value;
use socketio_redis_edge::dialect::to_messagepack;

use super::recordings::{Recorded, each_recorded};
use super::{answer, read};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A short recorded message of each type and form.
fn samples() -> Vec<Recorded> {
    let mut samples = BTreeMap::new();
    each_recorded(|message| {
        let value = rmpv::decode::read_value(&mut &*message.packed).expect("MessagePack");
        let has_id = !value["data"]["requestId"].is_nil();
        let kind = (value["type"].as_u64(), has_id, message.payload[0]);
        if message.payload.len() < 3000 {
            samples.insert(kind, message);
        }
    });
    samples.into_values().collect()
}

/// Lets every reader have the bytes; gives whether one took them.
fn take(bytes: &[u8]) -> bool {
    let mut converted = Vec::new();
    let Ok(message) = to_messagepack(bytes, &mut converted) else { return false };
    let (read, answer) = (read(message), answer(message));
    for code in [read.as_ref().err().map(|it| it.code()), answer.as_ref().err().map(|it| it.code())]
    {
        assert!(code.is_none_or(|code| code.contains('_')), "{code:?}");
    }
    read.is_ok() || answer.is_ok()
}

#[test]
fn no_prefix_of_a_message_is_taken() {
    let samples = samples();
    assert!(samples.len() > 15, "{} samples", samples.len());
    for Recorded { op, payload, packed, .. } in samples {
        for bytes in [&payload, &packed] {
            assert!(take(bytes), "{op}");
            for length in 0..bytes.len() {
                assert!(!take(&bytes[..length]), "{length} bytes of {op}");
            }
        }
    }
}

#[test]
fn any_byte_of_a_message_may_be_another() {
    let (mut taken, mut refused) = (0, 0);
    for Recorded { mut payload, mut packed, .. } in samples() {
        for bytes in [&mut payload, &mut packed] {
            for place in 0..bytes.len().min(600) {
                for bits in [0x01, 0x10, 0x20, 0x80, 0xff] {
                    bytes[place] ^= bits;
                    *if take(bytes) { &mut taken } else { &mut refused } += 1;
                    bytes[place] ^= bits;
                }
            }
        }
    }
    assert!(taken > 1000 && refused > 1000, "{taken} taken, {refused} refused");
}

fn substitutes() -> Vec<Value> {
    let list = Value::Array(vec![Value::Nil, 1.into(), "a".into(), Value::Array(Vec::new())]);
    vec![
        Value::Nil,
        true.into(),
        7.into(),
        (-1).into(),
        1.5.into(),
        "s".into(),
        Value::Binary(vec![1]),
        Value::Ext(0, vec![0]),
        Value::Array(Vec::new()),
        list,
        Value::Map(Vec::new()),
        Value::Map(vec![("rooms".into(), "a".into())]),
        Value::Map(vec![(Value::Nil, 1.into())]),
    ]
}

/// Each way to take one member out or have another value for it, however deep inside.
fn reshaped(value: &Value) -> Vec<Value> {
    let Value::Map(members) = value else { return Vec::new() };
    let mut all = Vec::new();
    for place in 0..members.len() {
        let mut others = members.clone();
        others.remove(place);
        all.push(Value::Map(others));
        let inner = reshaped(&members[place].1);
        for substitute in substitutes().into_iter().chain(inner) {
            let mut members = members.clone();
            members[place].1 = substitute;
            all.push(Value::Map(members));
        }
    }
    all
}

#[test]
fn any_member_may_be_missing_or_another_value() {
    let (mut taken, mut refused) = (0, 0);
    for Recorded { packed, .. } in samples() {
        let value = rmpv::decode::read_value(&mut &*packed).expect("MessagePack");
        for value in reshaped(&value) {
            let mut bytes = Vec::new();
            rmpv::encode::write_value(&mut bytes, &value).expect("a vector takes all");
            *if take(&bytes) { &mut taken } else { &mut refused } += 1;
        }
    }
    assert!(taken > 500 && refused > 500, "{taken} taken, {refused} refused");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 10_000,
        // The same draws in every run, and no file of failures: a browser has neither chance nor files.
        rng_seed: prop::test_runner::RngSeed::Fixed(11),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..60), kind in 0..14_u8) {
        take(&bytes);
        let head = [b"\x83\xa3nsp\xa1/\xa4type", &[kind][..], b"\xa4data"].concat();
        take(&[&head, &bytes[..]].concat());
        let members = [&head, &b"\x83\xa4opts\x80\xa9requestId\xa11\xa6packet"[..], &bytes].concat();
        take(&members);
    }
}
