//! What JavaScript makes of MessagePack: a second, slow opinion on the transcoder, over rmpv's
//! values.

use std::fmt::Write;

use rmpv::Value;

/// The text of an event packet as socket.io-parser 4 writes it, and its attachments.
pub(crate) fn packet<'a>(nsp: &str, data: &'a Value) -> (String, Vec<&'a [u8]>) {
    let (json, attachments) = self::data(data);
    let kind = match attachments.len() {
        0 => "2".to_owned(),
        count => format!("5{count}-"),
    };
    let nsp = if nsp == "/" { String::new() } else { format!("{nsp},") };
    (format!("{kind}{nsp}{json}"), attachments)
}

/// The JSON text of a value, and the binary data that was taken out of it.
pub(crate) fn data(value: &Value) -> (String, Vec<&[u8]>) {
    let (mut json, mut attachments) = (String::new(), Vec::new());
    stringify(value, &mut json, &mut attachments);
    (json, attachments)
}

/// What `JSON.stringify` writes for what notepack.io 3.0.1 decodes, binary data taken out of it.
fn stringify<'a>(value: &'a Value, out: &mut String, attachments: &mut Vec<&'a [u8]>) {
    match value {
        Value::Nil => out.push_str("null"),
        Value::Boolean(value) => write!(out, "{value}").expect("a string takes all"),
        Value::Integer(_) | Value::F32(_) | Value::F64(_) => out.push_str(&number(value)),
        Value::String(text) => quote(text.as_bytes(), out),
        Value::Binary(data) => placeholder(data, out, attachments),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                stringify(item, out, attachments);
            }
            out.push(']');
        }
        Value::Map(members) => {
            let mut members: Vec<_> =
                members.iter().filter(|(_, value)| !is_undefined(value)).collect();
            members.sort_by_key(|(key, _)| index(key).unwrap_or(u32::MAX));
            out.push('{');
            for (place, (key, value)) in members.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                stringify(key, out, attachments);
                out.push(':');
                stringify(value, out, attachments);
            }
            out.push('}');
        }
        value if is_undefined(value) => out.push_str("null"),
        Value::Ext(0, data) => match time(value) {
            Some(milliseconds) => date(milliseconds, out),
            None => placeholder(data, out, attachments),
        },
        Value::Ext(..) => date(time(value).expect("no sender has other extensions"), out),
    }
}

/// What notepack.io 2 writes for `undefined`. rmpv does not tell it from an ArrayBuffer of one
/// byte 0, which was not recorded.
pub(crate) fn is_undefined(value: &Value) -> bool {
    matches!(value, Value::Ext(0, data) if data == &[0])
}

/// The milliseconds of a time in the form of notepack.io 2 or 3. rmpv does not tell the former from
/// an ArrayBuffer of 8 bytes; those that were recorded would be times after the year 3000.
pub(crate) fn time(value: &Value) -> Option<i64> {
    match value {
        Value::Ext(0, data) => {
            let milliseconds = i64::from_be_bytes(data.as_slice().try_into().ok()?);
            (milliseconds < 32_503_680_000_000).then_some(milliseconds)
        }
        Value::Ext(-1, data) => Some(timestamp(data)),
        _ => None,
    }
}

fn number(value: &Value) -> String {
    let number = value.as_f64().expect("a number");
    if number.is_finite() {
        ryu_js::Buffer::new().format(number).to_owned()
    } else {
        "null".to_owned()
    }
}

fn quote(text: &[u8], out: &mut String) {
    let text = String::from_utf8_lossy(text);
    out.push_str(&serde_json::to_string(&text).expect("a text"));
}

/// The number of a key that is an array index: those come first in an object.
fn index(key: &Value) -> Option<u32> {
    let number: u32 = key.as_str()?.parse().ok()?;
    (key.as_str() == Some(&number.to_string())).then_some(number)
}

fn placeholder<'a>(data: &'a [u8], out: &mut String, attachments: &mut Vec<&'a [u8]>) {
    write!(out, "{{\"_placeholder\":true,\"num\":{}}}", attachments.len())
        .expect("a string takes all");
    attachments.push(data);
}

/// The milliseconds of a timestamp of 32, 64 or 96 bits.
fn timestamp(data: &[u8]) -> i64 {
    let whole = |data: &[u8]| data.iter().fold(0_u64, |all, &byte| all << 8 | u64::from(byte));
    let (nanoseconds, seconds) = match data.len() {
        4 => (0, whole(data)),
        8 => (whole(data) >> 34, whole(data) & ((1 << 34) - 1)),
        12 => (whole(&data[..4]), whole(&data[4..])),
        length => panic!("no timestamp has {length} bytes"),
    };
    seconds.cast_signed() * 1000 + (nanoseconds / 1_000_000).cast_signed()
}

/// What `toISOString` writes, by counting the days year for year.
fn date(milliseconds: i64, out: &mut String) {
    let mut days = milliseconds.div_euclid(86_400_000);
    let rest = milliseconds.rem_euclid(86_400_000);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = |year| if leap(year) { 366 } else { 365 };
    let mut year = 1970;
    while days < 0 {
        year -= 1;
        days += length(year);
    }
    while days >= length(year) {
        days -= length(year);
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, millisecond) = (rest / 1000 % 60, rest % 1000);
    write!(
        out,
        "\"{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z\"",
        days + 1
    )
    .expect("a string takes all");
}
