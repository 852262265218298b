//! JavaScript values and MessagePack, for the rare cases in which values are needed at all: a
//! custom Socket.IO parser, listeners of outgoing packets.

use js_sys::{Array, ArrayBuffer, Date, Function, JsString, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::msgpack::{self, DecodeError, Item, Reader};
use crate::transcode::timestamp;

use super::error;

/// Values inside each other: these functions call themselves, and WebAssembly's stack is small.
const DEEPEST: usize = 200;

/// The value at the start of `data`, as notepack.io 3.0.1 decodes it; `bytes` wraps binary data.
pub(super) fn decode(data: &[u8], bytes: &Function) -> Result<JsValue, DecodeError> {
    read(&mut Reader::new(data), bytes, 0)
}

fn read(reader: &mut Reader<'_>, bytes: &Function, depth: usize) -> Result<JsValue, DecodeError> {
    if depth > DEEPEST {
        return Err(DecodeError::TooDeep);
    }
    Ok(match reader.item()? {
        Item::Array(count) => {
            let array = Array::new();
            for _ in 0..count {
                array.push(&read(reader, bytes, depth + 1)?);
            }
            array.into()
        }
        Item::Map(count) => {
            let object = Object::new();
            for _ in 0..count {
                let key = property_name(reader)?;
                define(&object, &key, &read(reader, bytes, depth + 1)?);
            }
            object.into()
        }
        Item::Bin(data) => binary(data, bytes),
        Item::Bool(value) => value.into(),
        Item::Float(value) => value.into(),
        Item::Nil => JsValue::NULL,
        Item::Signed(value) => (value as f64).into(),
        Item::Unsigned(value) => (value as f64).into(),
        Item::Str(text) => String::from_utf8_lossy(text).as_ref().into(),
        // The forms of notepack.io 2 for undefined, a time and an ArrayBuffer.
        Item::FixedExt(0, [_]) => JsValue::UNDEFINED,
        Item::FixedExt(0, &[a, b, c, d, e, f, g, h]) => {
            date(i64::from_be_bytes([a, b, c, d, e, f, g, h]) as f64)
        }
        Item::Ext(0, data) => Uint8Array::from(data).buffer().into(),
        Item::Ext(kind, data) | Item::FixedExt(kind, data) => match timestamp(data) {
            Some(milliseconds) if kind == -1 => date(milliseconds),
            _ => Array::of2(&kind.into(), &binary(data, bytes)).into(),
        },
    })
}

fn property_name(reader: &mut Reader<'_>) -> Result<JsValue, DecodeError> {
    Ok(match reader.item()? {
        Item::Str(text) | Item::Bin(text) => String::from_utf8_lossy(text).as_ref().into(),
        Item::Bool(value) => value.to_string().into(),
        Item::Float(value) => ryu_js::Buffer::new().format(value).into(),
        Item::Nil => "null".into(),
        Item::Signed(value) => ryu_js::Buffer::new().format(value as f64).into(),
        Item::Unsigned(value) => ryu_js::Buffer::new().format(value as f64).into(),
        Item::Array(_) | Item::Map(_) | Item::Ext(..) | Item::FixedExt(..) => {
            return Err(DecodeError::Key);
        }
    })
}

/// Adds an own property; also one that is named `__proto__`, which an assignment would not make.
fn define(object: &Object, key: &JsValue, value: &JsValue) {
    // Neither can fail on a fresh, extensible object.
    if key.as_string().as_deref() == Some("__proto__") {
        let descriptor = Object::new();
        let _ = Reflect::set(&descriptor, &"value".into(), value);
        for attribute in ["configurable", "enumerable", "writable"] {
            let _ = Reflect::set(&descriptor, &attribute.into(), &JsValue::TRUE);
        }
        let _ = Reflect::define_property(object, key, &descriptor);
    } else {
        let _ = Reflect::set(object, key, value);
    }
}

fn binary(data: &[u8], bytes: &Function) -> JsValue {
    let array = JsValue::from(Uint8Array::from(data));
    bytes.call1(&JsValue::UNDEFINED, &array).unwrap_or(array)
}

fn date(milliseconds: f64) -> JsValue {
    Date::new(&milliseconds.into()).into()
}

/// The MessagePack of a value as notepack.io 3.0.1 writes it, except that typed arrays are their
/// bytes, and that large numbers are floats.
pub(super) fn encode(value: &JsValue) -> Result<Vec<u8>, JsValue> {
    let mut out = Vec::new();
    write(&mut out, value, 0)?;
    Ok(out)
}

fn write(out: &mut Vec<u8>, value: &JsValue, depth: usize) -> Result<(), JsValue> {
    if depth > DEEPEST {
        return Err(error::coded("ERR_ENCODE", "values are nested too deep, or in a cycle"));
    }
    if let Some(text) = value.dyn_ref::<JsString>() {
        msgpack::write_str(out, String::from(text).as_bytes());
    } else if let Some(number) = value.as_f64() {
        msgpack::write_number(out, number);
    } else if let Some(flag) = value.as_bool() {
        msgpack::write_bool(out, flag);
    } else if value.is_null() || value.is_undefined() {
        msgpack::write_nil(out);
    } else if let Some(array) = value.dyn_ref::<Array>() {
        msgpack::write_array_header(out, array.length());
        for element in array.iter() {
            write(out, &element, depth + 1)?;
        }
    } else if let Some(date) = value.dyn_ref::<Date>() {
        msgpack::write_timestamp(out, date.get_time() as i64);
    } else if let Some(bytes) = bytes_of(value) {
        msgpack::write_bin(out, &bytes);
    } else if let Some(replacement) = to_json(value)? {
        write(out, &replacement, depth + 1)?;
    } else if value.is_object() {
        write_object(out, value.unchecked_ref(), depth)?;
    } else {
        let kind = value.js_typeof().as_string().unwrap_or_default();
        let message = format!("a {kind} has no form in MessagePack");
        return Err(error::coded("ERR_ENCODE", &message));
    }
    Ok(())
}

fn write_object(out: &mut Vec<u8>, object: &Object, depth: usize) -> Result<(), JsValue> {
    let mut members = Vec::new();
    for key in Object::keys(object).iter() {
        let value = Reflect::get(object, &key)?;
        if !value.is_undefined() && !value.is_function() {
            members.push((key, value));
        }
    }
    msgpack::write_map_header(out, u32::try_from(members.len()).unwrap_or(u32::MAX));
    for (key, value) in members {
        msgpack::write_str(out, key.as_string().unwrap_or_default().as_bytes());
        write(out, &value, depth + 1)?;
    }
    Ok(())
}

/// What the value says it is in JSON, if it says so.
fn to_json(value: &JsValue) -> Result<Option<JsValue>, JsValue> {
    if !value.is_object() {
        return Ok(None);
    }
    match Reflect::get(value, &"toJSON".into())?.dyn_into::<Function>() {
        Ok(function) => function.call0(value).map(Some),
        Err(_) => Ok(None),
    }
}

/// The bytes that an ArrayBuffer or a view of one shows.
fn bytes_of(value: &JsValue) -> Option<Vec<u8>> {
    if let Some(buffer) = value.dyn_ref::<ArrayBuffer>() {
        return Some(Uint8Array::new(buffer).to_vec());
    }
    if !ArrayBuffer::is_view(value) {
        return None;
    }
    // Every view has these three properties, whatever its kind.
    let number = |name: &str| {
        let number = Reflect::get(value, &name.into()).ok()?.as_f64()?;
        Some(number as u32)
    };
    let buffer = Reflect::get(value, &"buffer".into()).ok()?;
    let (offset, length) = (number("byteOffset")?, number("byteLength")?);
    Some(Uint8Array::new_with_byte_offset_and_length(&buffer, offset, length).to_vec())
}
