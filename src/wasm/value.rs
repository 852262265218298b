//! JavaScript values and MessagePack, where values are needed at all: what servers ask each other and
//! answer, a custom Socket.IO parser, listeners of outgoing packets.
//!
//! Neither direction calls itself: WebAssembly's stack is small, and [`MAX_DEPTH`] is not.

use js_sys::{
    Array, ArrayBuffer, ArrayIntoIter, Date, Function, JsString, Object, Reflect, Uint8Array,
};
use wasm_bindgen::prelude::*;

use crate::json::surrogate;
use crate::msgpack::{self, DecodeError, Item, MAX_DEPTH, Reader};
use crate::transcode::timestamp;

use super::error;

/// A container that is being filled.
struct Frame {
    container: Container,
    /// Elements or members still to come.
    remaining: u32,
}

enum Container {
    Array(Array),
    Object(Object),
}

/// The most values that are made of one message: arrays of eight times as many end the process in V8.
const MOST_VALUES: u32 = 1 << 24;

/// The value at the start of `data`, as notepack.io 3.0.1 decodes it, except that lone surrogates
/// survive; `bytes` wraps binary data.
pub(super) fn decode(data: &[u8], bytes: &Function) -> Result<JsValue, DecodeError> {
    let mut reader = Reader::new(data);
    let whole = Array::new();
    let mut frame = Frame { container: Container::Array(whole.clone()), remaining: 1 };
    let mut stack = Vec::new();
    let mut left = MOST_VALUES;
    loop {
        let Some(remaining) = frame.remaining.checked_sub(1) else {
            match stack.pop() {
                Some(outer) => frame = outer,
                None => return Ok(whole.get(0)),
            }
            continue;
        };
        frame.remaining = remaining;
        left = left.checked_sub(1).ok_or(DecodeError::TooLong)?;
        let inner = match &frame.container {
            Container::Array(array) => {
                let (value, inner) = read(&mut reader, bytes)?;
                array.push(&value);
                inner
            }
            Container::Object(object) => {
                let key = property_name(&mut reader)?;
                let (value, inner) = read(&mut reader, bytes)?;
                define(object, &key, &value);
                inner
            }
        };
        if let Some(inner) = inner {
            if stack.len() == MAX_DEPTH {
                return Err(DecodeError::TooDeep);
            }
            stack.push(std::mem::replace(&mut frame, inner));
        }
    }
}

/// The next value; a container is empty yet, and what is to fill it.
fn read(
    reader: &mut Reader<'_>,
    bytes: &Function,
) -> Result<(JsValue, Option<Frame>), DecodeError> {
    let value = match reader.item()? {
        Item::Array(remaining) => {
            let array = Array::new();
            let container = Container::Array(array.clone());
            return Ok((array.into(), Some(Frame { container, remaining })));
        }
        Item::Map(remaining) => {
            let object = Object::new();
            let container = Container::Object(object.clone());
            return Ok((object.into(), Some(Frame { container, remaining })));
        }
        Item::Bin(data) => binary(data, bytes),
        Item::Bool(value) => value.into(),
        Item::Float(value) => value.into(),
        Item::Nil => JsValue::NULL,
        Item::Signed(value) => (value as f64).into(),
        Item::Unsigned(value) => (value as f64).into(),
        Item::Str(bytes) => text(bytes),
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
    };
    Ok((value, None))
}

fn property_name(reader: &mut Reader<'_>) -> Result<JsValue, DecodeError> {
    Ok(match reader.item()? {
        Item::Str(bytes) | Item::Bin(bytes) => text(bytes),
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

/// The string of UTF-8 bytes: surrogates in three bytes are themselves, any other ill-formed piece
/// is U+FFFD.
fn text(bytes: &[u8]) -> JsValue {
    if let Ok(text) = str::from_utf8(bytes) {
        return text.into();
    }
    // One call takes only so many arguments.
    let parts = utf16(bytes);
    let parts = parts.chunks(1 << 12).map(JsString::from_char_code);
    parts.fold(JsString::from(""), |text, part| text.concat(&part)).into()
}

fn utf16(bytes: &[u8]) -> Vec<u16> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Err(error) = str::from_utf8(rest) {
        let (valid, ill_formed) = rest.split_at(error.valid_up_to());
        units.extend(str::from_utf8(valid).unwrap_or_default().encode_utf16());
        let (unit, taken) = match surrogate::decode(ill_formed) {
            Some(lone) => (lone, 3),
            None => (0xfffd, error.error_len().unwrap_or(ill_formed.len())),
        };
        units.push(unit);
        rest = ill_formed.get(taken..).unwrap_or_default();
    }
    units.extend(str::from_utf8(rest).unwrap_or_default().encode_utf16());
    units
}

/// The MessagePack of a value as notepack.io 3.0.1 writes it, except that typed arrays are their
/// bytes, that large numbers are floats, that lone surrogates survive, and that `undefined` is what
/// notepack.io 2 writes for it: clients of this server, which get what notepack.io 2 wrote, and
/// those of the others shall hear the same.
pub(super) fn encode(value: &JsValue) -> Result<Vec<u8>, JsValue> {
    let mut out = Vec::new();
    let mut stack = Vec::new();
    let mut next = Some(value.clone());
    while let Some(value) = next {
        if let Some(values) = write(&mut out, value)? {
            if stack.len() == MAX_DEPTH {
                return Err(refusal("values are nested too deep, or in a cycle"));
            }
            stack.push(values);
        }
        next = following(&mut stack);
    }
    Ok(out)
}

/// The next value of the innermost container that has one left; the others are closed.
fn following(stack: &mut Vec<ArrayIntoIter>) -> Option<JsValue> {
    loop {
        match stack.last_mut()?.next() {
            None => stack.pop(),
            value => return value,
        };
    }
}

/// Writes a value, or a container's head; then gives the values that must follow.
fn write(out: &mut Vec<u8>, mut value: JsValue) -> Result<Option<ArrayIntoIter>, JsValue> {
    // What a value says it is in JSON may say so too.
    for _ in 0..MAX_DEPTH {
        if let Some(text) = value.dyn_ref::<JsString>() {
            write_text(out, text);
        } else if let Some(number) = value.as_f64() {
            msgpack::write_number(out, number);
        } else if let Some(flag) = value.as_bool() {
            msgpack::write_bool(out, flag);
        } else if value.is_null() {
            msgpack::write_nil(out);
        } else if value.is_undefined() {
            msgpack::write_undefined(out);
        } else if let Some(array) = value.dyn_ref::<Array>() {
            let values = array.clone().into_iter();
            msgpack::write_array_header(out, array.length());
            return Ok(Some(values));
        } else if let Some(date) = value.dyn_ref::<Date>() {
            msgpack::write_timestamp(out, date.get_time() as i64);
        } else if let Some(bytes) = bytes_of(&value) {
            msgpack::write_bin(out, &bytes);
        } else if let Some(replacement) = to_json(&value)? {
            value = replacement;
            continue;
        } else if value.is_object() {
            let members = members(value.unchecked_ref())?;
            msgpack::write_map_header(out, members.length() / 2);
            return Ok(Some(members.into_iter()));
        } else {
            let kind = value.js_typeof().as_string().unwrap_or_default();
            return Err(refusal(&format!("a {kind} has no form in MessagePack")));
        }
        return Ok(None);
    }
    Err(refusal("the methods toJSON have no end"))
}

/// Each member's key and value, one behind the other; functions are left out.
fn members(object: &Object) -> Result<Array, JsValue> {
    let members = Array::new();
    for key in Object::keys(object).iter() {
        let value = Reflect::get(object, &key)?;
        if !value.is_function() {
            members.push(&key);
            members.push(&value);
        }
    }
    Ok(members)
}

fn write_text(out: &mut Vec<u8>, text: &JsString) {
    let utf8 = String::from(text);
    // What the conversion makes of a lone surrogate; mostly there is none, and units are slow.
    if !utf8.contains(char::REPLACEMENT_CHARACTER) {
        return msgpack::write_str(out, utf8.as_bytes());
    }
    let mut bytes = Vec::with_capacity(utf8.len());
    for character in char::decode_utf16(text.iter()) {
        match character {
            Ok(character) => bytes.extend(character.encode_utf8(&mut [0; 4]).bytes()),
            Err(error) => bytes.extend(surrogate::encode(error.unpaired_surrogate())),
        }
    }
    msgpack::write_str(out, &bytes);
}

/// What the value says it is in JSON, if it says so.
fn to_json(value: &JsValue) -> Result<Option<JsValue>, JsValue> {
    // Applications give bigints a `toJSON`; a primitive has its methods from its prototype.
    let holder = match value.is_bigint() {
        true => Object::get_prototype_of(value).into(),
        false if value.is_object() => value.clone(),
        false => return Ok(None),
    };
    match Reflect::get(&holder, &"toJSON".into())?.dyn_into::<Function>() {
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

fn refusal(message: &str) -> JsValue {
    error::coded("ERR_ENCODE", message)
}
