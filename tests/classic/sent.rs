//! What we send is what the published packages sent, but for what they got wrong.

use std::collections::{BTreeMap, BTreeSet};

use rmpv::Value;
use socketio_redis_edge::dialect::classic::{Data, write_broadcast};
use socketio_redis_edge::msgpack::{self, Reader};
use socketio_redis_edge::room::Room;
use socketio_redis_edge::transcode::Outside;

use super::recordings::{Reference, canonical, each_broadcast};
use super::wire::Message;
use super::{adapter, javascript};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The message with its opts as @socket.io/redis-adapter 8.3.0 orders them, none left out.
fn reordered(payload: &[u8]) -> Vec<u8> {
    let mut reader = Reader::new(payload);
    let mut opts: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
    reader.array().expect("a list");
    let parts = [(); 2].map(|()| reader.raw().expect("a value"));
    for _ in 0..reader.map().expect("opts") {
        let name = reader.str().expect("a name");
        opts.insert(name, reader.raw().expect("a value"));
    }
    let mut message = [&[0x93], parts[0], parts[1], &[0x83]].concat();
    for (name, absent) in [(&b"rooms"[..], 0x90), (b"except", 0x90), (b"flags", 0x80)] {
        msgpack::write_str(&mut message, name);
        message.extend_from_slice(opts.remove(name).unwrap_or(&[absent]));
    }
    assert!(opts.is_empty(), "opts has other members");
    message
}

const LISTED: &str = "a list as a room";
const TYPE_5: &str = "packet type 5";
const TOO_LARGE: &str = "number that 64 bits cannot hold";

/// What of a recorded broadcast we say otherwise.
fn deviations(reference: &Reference, payload: &[u8]) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    deviations_of_data(&reference.data, &mut found);
    if reference.rooms.iter().any(Value::is_array) {
        found.insert(LISTED);
    }
    if reference.packet_type == 5 {
        found.insert(TYPE_5);
    }
    // notepack.io keeps the low 64 bits, in the longest form whatever is left of the number.
    let mut data = Vec::new();
    rmpv::encode::write_value(&mut data, &reference.data).expect("a vector takes all");
    if found.is_empty() && !payload.windows(data.len()).any(|bytes| bytes == data) {
        found.insert(TOO_LARGE);
    }
    found
}

fn deviations_of_data(data: &Value, found: &mut BTreeSet<&'static str>) {
    let reason = match data {
        Value::Array(items) => {
            return items.iter().for_each(|item| deviations_of_data(item, found));
        }
        Value::Map(members) => {
            return members.iter().for_each(|(_, value)| deviations_of_data(value, found));
        }
        Value::F64(number) if !number.is_finite() => "NaN or infinite",
        value if javascript::is_undefined(value) => "undefined",
        value if javascript::time(value).is_some() => "time",
        Value::Ext(..) => "ArrayBuffer or view of one",
        _ => return,
    };
    found.insert(reason);
}

/// The rooms of these names.
fn rooms(names: &[Vec<u8>]) -> Vec<Room<'_>> {
    let read = |name| Room::read(&mut Reader::new(name)).ok().flatten();
    names.iter().filter_map(|name| read(name)).collect()
}

#[test]
fn what_we_write_is_what_was_recorded() {
    let mut identical: BTreeMap<&str, usize> = BTreeMap::new();
    let mut different: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut elsewhere = BTreeSet::new();
    each_broadcast(|package, message| {
        let Message { op, channel, payload, sender } = message;
        let reference = Reference::read(&payload);
        let adapter = adapter(&sender, &reference.nsp);
        let canonical = |names: &[Value]| names.iter().filter_map(canonical).collect::<Vec<_>>();
        let (names, except) = (canonical(&reference.rooms), canonical(&reference.except));
        let (to, except) = (rooms(&names), rooms(&except));

        let (text, attachments) = javascript::data(&reference.data);
        let (flags, _) = javascript::data(&reference.flags);
        let data = Data::Json(text.as_bytes(), Outside { attachments: &attachments, texts: &[] });
        let (uid, nsp) = (adapter.uid(), adapter.nsp());
        let mut written = Vec::new();
        write_broadcast(&mut written, uid, nsp, data, &to, &except, flags.as_bytes())
            .expect("JSON");
        let recorded =
            if package == "redis-adapter-8.3.0" { payload.clone() } else { reordered(&payload) };
        let deviations = deviations(&reference, &payload);
        assert_eq!(written == recorded, deviations.is_empty(), "{package}, {op}: {deviations:?}");
        *identical.entry(package).or_default() += usize::from(deviations.is_empty());
        for reason in deviations {
            different.entry(reason).or_default().insert(op.clone());
        }

        let mut target = Vec::new();
        adapter.channels().write_target(&to, &mut target);
        if target != channel {
            elsewhere.insert(op);
        }
    });
    let identical: Vec<_> = identical.into_iter().collect();
    let counts = [
        ("redis-adapter-7.2.0", 152),
        ("redis-adapter-8.3.0", 160),
        ("redis-emitter-4.1.1", 121),
        ("redis-emitter-5.1.0", 133),
        ("socket.io-emitter-3.2.0", 120),
        ("socket.io-redis-5.4.0", 123),
        ("socket.io-redis-6.1.1", 134),
    ];
    assert_eq!(identical, counts);
    assert_eq!(different, expected_deviations());
    // The channel of a lone surrogate has U+FFFD in it, the payload what notepack.io makes of it.
    let others = ["emit: room lone surrogate".to_owned()];
    assert_eq!(elsewhere, &different[LISTED] | &others.into());
}

/// What was done where we deviate, "payload: " left out.
fn expected_deviations() -> BTreeMap<&'static str, BTreeSet<String>> {
    let deviations: [(&str, &[&str]); 7] = [
        (
            "ArrayBuffer or view of one",
            &[
                "emit: binary nested",
                "ArrayBuffer",
                "ArrayBuffer length 300",
                "ArrayBuffer nested",
                "BigInt64Array",
                "DataView",
                "Float32Array",
                "Uint16Array",
                "Uint8Array",
                "Uint8Array empty",
                "Uint8Array subarray view",
                "Uint8ClampedArray",
            ],
        ),
        (
            LISTED,
            &[
                "emit: numeric rooms several",
                "emit: one room given as array",
                "emit: several rooms as array",
            ],
        ),
        (
            "NaN or infinite",
            &["float -Infinity", "float Infinity", "float NaN", "mixed binary and undefined"],
        ),
        (
            TOO_LARGE,
            &[
                "float 1.7976931348623157e308",
                "float 3.4028234663852886e38",
                "int -(2**64)",
                "int 1e300",
                "int 2**64",
            ],
        ),
        (
            TYPE_5,
            &[
                "emit: binary flag true",
                "emit: binary nested",
                "emit: binary to one room",
                "ArrayBuffer",
                "ArrayBuffer nested",
                "Buffer 3 bytes",
                "Buffer empty",
                "Buffer length 255",
                "Buffer nested in object",
                "Date nested with Buffer",
                "mixed binary and undefined",
            ],
        ),
        (
            "time",
            &[
                "Date 1900",
                "Date after 2106",
                "Date after 2514",
                "Date before 1970",
                "Date epoch",
                "Date invalid",
                "Date nested with Buffer",
                "Date whole second",
                "Date with ms",
            ],
        ),
        (
            "undefined",
            &[
                "array with hole",
                "mixed binary and undefined",
                "object with toJSON returning undefined",
                "undefined",
                "undefined in array",
                "undefined in object",
            ],
        ),
    ];
    let full = |op: &&str| {
        if op.contains(": ") { (*op).to_owned() } else { format!("payload: {op}") }
    };
    deviations.into_iter().map(|(reason, ops)| (reason, ops.iter().map(full).collect())).collect()
}
