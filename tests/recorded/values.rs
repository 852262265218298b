//! Messages as values: as another decoder reads them, or put together of what ours read.

use rmpv::Value;
use socketio_redis_edge::dialect::{Data, Names};
use socketio_redis_edge::room::Room;

/// The message as serde_json or rmpv reads it; `None` if it has lone surrogates, which the former
/// refuses.
pub(crate) fn decoded(mut payload: &[u8]) -> Option<Value> {
    if payload.starts_with(b"{") {
        return serde_json::from_slice(payload).ok().map(from_json);
    }
    let value = rmpv::decode::read_value(&mut payload).expect("MessagePack");
    assert!(payload.is_empty(), "{} bytes are left over", payload.len());
    Some(normal(value))
}

fn from_json(value: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::Nil,
        Json::Bool(value) => value.into(),
        Json::Number(number) => number.as_f64().expect("a number").into(),
        Json::String(text) => text.into(),
        Json::Array(items) => Value::Array(items.into_iter().map(from_json).collect()),
        Json::Object(members) => sorted(
            members.into_iter().map(|(name, value)| (name.into(), from_json(value))).collect(),
        ),
    }
}

/// The value with its members in one order and its numbers in one form.
fn normal(value: Value) -> Value {
    match value {
        Value::Integer(_) | Value::F32(_) => value.as_f64().expect("a number").into(),
        Value::Array(items) => Value::Array(items.into_iter().map(normal).collect()),
        Value::Map(members) => {
            sorted(members.into_iter().map(|(name, value)| (name, normal(value))).collect())
        }
        value => value,
    }
}

fn sorted(mut members: Vec<(Value, Value)>) -> Value {
    members.sort_by_key(|(name, _)| name.to_string());
    Value::Map(members)
}

pub(crate) fn object(members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    sorted(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

pub(crate) fn text(bytes: &[u8]) -> Value {
    std::str::from_utf8(bytes).expect("UTF-8").into()
}

pub(crate) fn number(number: u64) -> Value {
    (number as f64).into()
}

pub(crate) fn data(data: Data<'_>) -> Value {
    match data {
        Data::MessagePack(mut bytes) => {
            normal(rmpv::decode::read_value(&mut bytes).expect("MessagePack"))
        }
        Data::Json(..) => panic!("what is read is MessagePack"),
    }
}

pub(crate) fn names(names: &Names<'_>) -> Value {
    let value = |room| data(Data::MessagePack(&canonical(room)));
    Value::Array(names.clone().map(value).collect())
}

/// A room's name as the room index knows it.
pub(crate) fn canonical(room: Room<'_>) -> Vec<u8> {
    let mut name = Vec::new();
    room.write(&mut name);
    name
}
