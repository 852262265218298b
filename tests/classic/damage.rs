//! Bytes that no sender writes: they do no harm.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::RngSeed;
use serde::de::IgnoredAny;
use socketio_redis_edge::adapter::Received;
use socketio_redis_edge::msgpack::Reader;

use super::{server, wire};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The same draws in every run, and no file of failures: a browser has neither chance of its
/// own nor files.
pub(crate) fn settings(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(11),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Lets a server take the message. Whatever it delivers is a frame around JSON text, with
/// attachments inside the payload.
fn take(payload: &[u8]) -> Received {
    let mut server = server();
    let (mut out, mut places) = (Vec::new(), Vec::new());
    let received = server.handle_message(payload, &mut out, &mut places);
    match &received {
        Received::Delivery(delivery) => {
            assert_eq!(server.targets(), [0]);
            let encoded = delivery.encoded.clone().expect("a text");
            assert_eq!(encoded.frame.end, out.len());
            let text = std::str::from_utf8(&out[encoded.text]).expect("UTF-8");
            let data = match places.len() {
                0 => text.strip_prefix('2'),
                count => text.strip_prefix(&format!("5{count}-")),
            };
            let data = data.unwrap_or_else(|| panic!("{text} is no event"));
            let parsed: Result<IgnoredAny, _> = serde_json::from_str(data);
            if let Err(error) = parsed {
                let limit = error.to_string().contains("recursion limit");
                assert!(limit, "{error}: {data}");
            }
            assert!(places.iter().all(|place| payload.get(place.clone()).is_some()));
            let data = payload.get(delivery.data..).expect("inside the payload");
            assert!(Reader::new(data).array().is_ok());
        }
        Received::Dropped(_) => assert!(server.targets().is_empty()),
    }
    received
}

#[derive(Clone, Debug)]
pub(crate) enum Damage {
    Flip(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Truncate(usize),
}

pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    let place = any::<usize>;
    prop_oneof![
        4 => (place(), 1..=u8::MAX).prop_map(|(place, bits)| Damage::Flip(place, bits)),
        2 => (place(), prop::collection::vec(any::<u8>(), 1..6))
            .prop_map(|(place, bytes)| Damage::Insert(place, bytes)),
        1 => (place(), 1..6_usize).prop_map(|(place, length)| Damage::Remove(place, length)),
        1 => place().prop_map(Damage::Truncate),
    ]
}

pub(crate) fn apply(payload: &mut Vec<u8>, damage: &Damage) {
    let length = payload.len();
    match damage {
        Damage::Insert(place, bytes) => {
            let place = place % (length + 1);
            payload.splice(place..place, bytes.iter().copied());
        }
        _ if length == 0 => {}
        Damage::Flip(place, bits) => payload[place % length] ^= bits,
        Damage::Remove(place, count) => {
            let place = place % length;
            payload.drain(place..length.min(place + count));
        }
        Damage::Truncate(place) => payload.truncate(place % length),
    }
}

/// Recorded payloads that are short enough to damage many times.
fn recorded() -> Vec<Vec<u8>> {
    let broadcasts = wire::CLASSIC.iter().flat_map(wire::Recording::broadcasts);
    let mut payloads: Vec<_> =
        broadcasts.map(|message| message.payload).filter(|payload| payload.len() < 500).collect();
    payloads.sort();
    payloads.dedup();
    payloads
}

#[test]
fn damaged_recordings_do_no_harm() {
    let payloads = recorded();
    assert!(payloads.len() > 500, "{} payloads", payloads.len());
    let (mut delivered, mut dropped) = (0, 0);
    let damage = (prop::sample::select(payloads), prop::collection::vec(damage(), 1..4));
    let mut runner = prop::test_runner::TestRunner::new(settings(20_000));
    for _ in 0..runner.config().cases {
        let (mut payload, damage) = damage.new_tree(&mut runner).expect("a value").current();
        damage.iter().for_each(|damage| apply(&mut payload, damage));
        match take(&payload) {
            Received::Delivery(_) => delivered += 1,
            Received::Dropped(_) => dropped += 1,
        }
    }
    assert!(delivered > 1000 && dropped > 1000, "{delivered} delivered, {dropped} dropped");
}

#[test]
fn every_prefix_of_a_recording_is_refused() {
    for payload in recorded().iter().step_by(20) {
        for length in 0..payload.len() {
            let received = take(&payload[..length]);
            assert!(matches!(received, Received::Dropped(_)), "{length} of {payload:02x?}");
        }
    }
}

proptest! {
    #![proptest_config(settings(10_000))]

    #[test]
    fn any_bytes_do_no_harm(payload in prop::collection::vec(any::<u8>(), 0..80)) {
        take(&payload);
        let mut message = b"\x93\xa6abcdef".to_vec();
        message.extend_from_slice(&payload);
        take(&message);
        let mut data = b"\x93\xa6abcdef\x82\xa4type\x02\xa4data\x92\xa1e".to_vec();
        data.extend_from_slice(&payload);
        data.push(0x80);
        take(&data);
    }
}
