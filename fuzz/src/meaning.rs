//! What values mean, as other crates read them: serde_json the JSON, rmpv the MessagePack.

use std::collections::BTreeMap;

use rmpv::Value as Wire;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Whether a text is JSON, however deep.
pub(crate) fn is_json(text: &[u8]) -> bool {
    read::<IgnoredAny>(text).is_some() && str::from_utf8(text).is_ok()
}

/// The value of a JSON text; `None` where serde_json has none: lone surrogates, numbers beyond floats.
pub(crate) fn json(text: &[u8]) -> Option<Value> {
    read(text)
}

fn read<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Option<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    deserializer.disable_recursion_limit();
    let value = T::deserialize(&mut deserializer).ok()?;
    deserializer.end().is_ok().then_some(value)
}

/// The one value that bytes are; `None` where rmpv has none.
pub(crate) fn wire(mut bytes: &[u8]) -> Option<Wire> {
    let value = rmpv::decode::read_value(&mut bytes).ok()?;
    bytes.is_empty().then_some(value)
}

/// Whether a JSON value is what a MessagePack value means, as far as rmpv tells that: extensions and
/// texts that are not UTF-8 are taken as they are.
pub(crate) fn agree(wire: &Wire, json: &Value, attachments: &[&[u8]]) -> bool {
    match wire {
        Wire::Nil => json.is_null(),
        Wire::Boolean(value) => json.as_bool() == Some(*value),
        Wire::Integer(_) | Wire::F32(_) | Wire::F64(_) => {
            let number = wire.as_f64().filter(|number| number.is_finite());
            number == json.as_f64() && json.is_number() == number.is_some()
        }
        Wire::String(text) => text.as_str().is_none_or(|text| json.as_str() == Some(text)),
        Wire::Binary(data) => {
            let place = json["num"].as_u64().and_then(|number| usize::try_from(number).ok());
            place.and_then(|place| attachments.get(place)) == Some(&data.as_slice())
        }
        Wire::Array(items) => json.as_array().is_some_and(|values| {
            let mut pairs = items.iter().zip(values);
            items.len() == values.len()
                && pairs.all(|(item, value)| agree(item, value, attachments))
        }),
        Wire::Map(members) => {
            let Some(members) = named(members) else { return true };
            json.as_object().is_some_and(|object| {
                let mut pairs = members.iter().map(|(name, member)| (member, object.get(name)));
                members.len() == object.len()
                    && pairs.all(|(member, value)| {
                        value.is_some_and(|value| agree(member, value, attachments))
                    })
            })
        }
        Wire::Ext(..) => true,
    }
}

/// The members of a map by the names of the properties that they become; `None` if rmpv does not tell.
fn named(members: &[(Wire, Wire)]) -> Option<BTreeMap<String, &Wire>> {
    let name = |key: &Wire| match key {
        Wire::String(text) => text.as_str().map(str::to_owned),
        Wire::Binary(text) => String::from_utf8(text.clone()).ok(),
        Wire::Integer(number)
            if number.as_i64().is_some_and(|number| number.unsigned_abs() < 1 << 53) =>
        {
            Some(number.to_string())
        }
        Wire::Boolean(value) => Some(value.to_string()),
        Wire::Nil => Some("null".to_owned()),
        _ => None,
    };
    // One byte in an extension of type 0 is undefined, or data: rmpv tells no forms apart.
    let is_sure = |value: &Wire| !matches!(value, Wire::Ext(0, data) if data.len() == 1);
    members
        .iter()
        .map(|(key, value)| Some((name(key)?, value)).filter(|_| is_sure(value)))
        .collect()
}
