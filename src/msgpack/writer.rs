//! MessagePack in the forms that notepack.io 3.0.1 writes: always the smallest, integers unsigned
//! unless negative, floats in 8 bytes.

use crate::appender::Sink;

/// Writes nil.
pub fn write_nil(out: &mut impl Sink) {
    out.put([0xc0]);
}

/// `undefined` as notepack.io 2 writes it, in a form that all its versions read: an extension of type 0
/// in 1 byte.
pub(crate) const UNDEFINED: [u8; 3] = [0xd4, 0, 0];

/// Writes [`UNDEFINED`].
pub(crate) fn write_undefined(out: &mut impl Sink) {
    out.put(UNDEFINED);
}

/// Writes a truth value.
pub fn write_bool(out: &mut impl Sink, value: bool) {
    out.put([if value { 0xc3 } else { 0xc2 }]);
}

/// Writes an integer from 0 to 2^64 - 1.
#[inline]
pub fn write_unsigned(out: &mut impl Sink, value: u64) {
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    match value {
        0..0x80 => out.put([h]),
        0x80..0x100 => out.put([0xcc, h]),
        0x100..0x1_0000 => out.put([0xcd, g, h]),
        0x1_0000..0x1_0000_0000 => out.put([0xce, e, f, g, h]),
        0x1_0000_0000.. => out.put([0xcf, a, b, c, d, e, f, g, h]),
    }
}

/// Writes an integer from -2^63 to 2^63 - 1.
#[inline]
pub fn write_signed(out: &mut impl Sink, value: i64) {
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    match value {
        0.. => write_unsigned(out, value.cast_unsigned()),
        -0x20..0 => out.put([h]),
        -0x80..-0x20 => out.put([0xd0, h]),
        -0x8000..-0x80 => out.put([0xd1, g, h]),
        -0x8000_0000..-0x8000 => out.put([0xd2, e, f, g, h]),
        ..-0x8000_0000 => out.put([0xd3, a, b, c, d, e, f, g, h]),
    }
}

/// Writes a float in 8 bytes, also if it is an integer.
pub fn write_f64(out: &mut impl Sink, value: f64) {
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    out.put([0xcb, a, b, c, d, e, f, g, h]);
}

/// Writes a JavaScript number: as an integer if it is one that 64 bits hold, else as a float.
///
/// notepack.io 3.0.1 writes the low 64 bits of larger integers, which are other numbers; this does
/// not.
pub fn write_number(out: &mut impl Sink, value: f64) {
    const TWO_63: f64 = (1_u64 << 63) as f64;
    if value.trunc() != value {
        return write_f64(out, value);
    }
    if (0.0..2.0 * TWO_63).contains(&value) {
        write_unsigned(out, value as u64);
    } else if (-TWO_63..0.0).contains(&value) {
        write_signed(out, value as i64);
    } else {
        write_f64(out, value);
    }
}

/// Writes a text. The bytes should be UTF-8, or WTF-8 where a JavaScript string holds a lone
/// surrogate; they are not checked.
///
/// A text of 4 GiB or more has no MessagePack form: callers hold less.
pub fn write_str(out: &mut impl Sink, text: &[u8]) {
    write_str_header(out, text.len());
    out.put_slice(text);
}

/// Writes binary data, of less than 4 GiB.
pub fn write_bin(out: &mut impl Sink, data: &[u8]) {
    let length = length(data.len());
    let [a, b, c, d] = length.to_be_bytes();
    match length {
        0..0x100 => out.put([0xc4, d]),
        0x100..0x1_0000 => out.put([0xc5, c, d]),
        0x1_0000.. => out.put([0xc6, a, b, c, d]),
    }
    out.put_slice(data);
}

/// Writes the head of an array of `count` values, which follow.
pub fn write_array_header(out: &mut impl Sink, count: u32) {
    let [a, b, c, d] = count.to_be_bytes();
    match count {
        0..0x10 => out.put([0x90 | d]),
        0x10..0x1_0000 => out.put([0xdc, c, d]),
        0x1_0000.. => out.put([0xdd, a, b, c, d]),
    }
}

/// Writes the head of a map of `count` members, which follow, each as key and value.
pub fn write_map_header(out: &mut impl Sink, count: u32) {
    let [a, b, c, d] = count.to_be_bytes();
    match count {
        0..0x10 => out.put([0x80 | d]),
        0x10..0x1_0000 => out.put([0xde, c, d]),
        0x1_0000.. => out.put([0xdf, a, b, c, d]),
    }
}

/// Writes a time, in milliseconds since 1970, as the timestamp extension: 32, 64 or 96 bits wide.
pub fn write_timestamp(out: &mut impl Sink, milliseconds: i64) {
    let seconds = milliseconds.div_euclid(1000);
    let nanoseconds = (milliseconds.rem_euclid(1000) as u32).saturating_mul(1_000_000);
    match seconds {
        0..0x1_0000_0000 if nanoseconds == 0 => {
            out.put([0xd6, 0xff]);
            out.put((seconds as u32).to_be_bytes());
        }
        0..0x4_0000_0000 => {
            out.put([0xd7, 0xff]);
            out.put((u64::from(nanoseconds) << 34 | seconds.cast_unsigned()).to_be_bytes());
        }
        _ => {
            out.put([0xc7, 12, 0xff]);
            out.put(nanoseconds.to_be_bytes());
            out.put(seconds.to_be_bytes());
        }
    }
}

/// Writes the head of a text of `length` bytes, which follow.
#[inline]
pub(crate) fn write_str_header(out: &mut impl Sink, bytes: usize) {
    let length = length(bytes);
    let [a, b, c, d] = length.to_be_bytes();
    match length {
        0..0x20 => out.put([0xa0 | d]),
        0x20..0x100 => out.put([0xd9, d]),
        0x100..0x1_0000 => out.put([0xda, c, d]),
        0x1_0000.. => out.put([0xdb, a, b, c, d]),
    }
}

/// The 32 bits that a length has in MessagePack.
#[inline(always)]
fn length(bytes: usize) -> u32 {
    debug_assert!(u32::try_from(bytes).is_ok(), "no MessagePack value holds 4 GiB");
    bytes as u32
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes);
        bytes
    }

    #[test]
    fn integers_take_the_smallest_form() {
        for (value, bytes) in [
            (0x7f, &[0x7f][..]),
            (0x80, &[0xcc, 0x80]),
            (0xff, &[0xcc, 0xff]),
            (0x100, &[0xcd, 1, 0]),
            (0xffff, &[0xcd, 0xff, 0xff]),
            (0x1_0000, &[0xce, 0, 1, 0, 0]),
            (0xffff_ffff, &[0xce, 0xff, 0xff, 0xff, 0xff]),
            (0x1_0000_0000, &[0xcf, 0, 0, 0, 1, 0, 0, 0, 0]),
            (-0x20, &[0xe0]),
            (-0x21, &[0xd0, 0xdf]),
            (-0x80, &[0xd0, 0x80]),
            (-0x81, &[0xd1, 0xff, 0x7f]),
            (-0x8000, &[0xd1, 0x80, 0]),
            (-0x8001, &[0xd2, 0xff, 0xff, 0x7f, 0xff]),
            (-0x8000_0000, &[0xd2, 0x80, 0, 0, 0]),
            (-0x8000_0001, &[0xd3, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]),
        ] {
            assert_eq!(written(|out| write_signed(out, value)), bytes);
            assert_eq!(written(|out| write_number(out, value as f64)), bytes);
        }
    }

    #[test]
    fn numbers_that_64_bits_cannot_hold_are_floats() {
        let float = |value| written(|out| write_f64(out, value));
        for value in [
            18_446_744_073_709_551_616.0,
            -9_223_372_036_854_777_856.0,
            0.5,
            f64::NAN,
            f64::INFINITY,
        ] {
            assert_eq!(written(|out| write_number(out, value)), float(value));
        }
        assert_eq!(written(|out| write_number(out, 18_446_744_073_709_549_568.0))[0], 0xcf);
        assert_eq!(written(|out| write_number(out, -9_223_372_036_854_775_808.0))[0], 0xd3);
        assert_eq!(written(|out| write_number(out, -0.0)), [0]);
    }

    #[test]
    fn heads_take_the_smallest_form() {
        for (count, array, map) in [
            (15, &[0x9f][..], &[0x8f][..]),
            (16, &[0xdc, 0, 16], &[0xde, 0, 16]),
            (0xffff, &[0xdc, 0xff, 0xff], &[0xde, 0xff, 0xff]),
            (0x1_0000, &[0xdd, 0, 1, 0, 0], &[0xdf, 0, 1, 0, 0]),
        ] {
            assert_eq!(written(|out| write_array_header(out, count)), array);
            assert_eq!(written(|out| write_map_header(out, count)), map);
        }
        for (length, text, binary) in [
            (31, &[0xbf][..], &[0xc4, 31][..]),
            (32, &[0xd9, 32], &[0xc4, 32]),
            (0xff, &[0xd9, 0xff], &[0xc4, 0xff]),
            (0x100, &[0xda, 1, 0], &[0xc5, 1, 0]),
            (0xffff, &[0xda, 0xff, 0xff], &[0xc5, 0xff, 0xff]),
            (0x1_0000, &[0xdb, 0, 1, 0, 0], &[0xc6, 0, 1, 0, 0]),
        ] {
            let content = vec![b'a'; length];
            assert_eq!(written(|out| write_str(out, &content)), [text, &content].concat());
            assert_eq!(written(|out| write_bin(out, &content)), [binary, &content].concat());
        }
    }

    #[test]
    fn times_take_32_64_or_96_bits() {
        // As notepack.io 3.0.1 writes new Date(…).
        for (milliseconds, bytes) in [
            (0, &[0xd6, 0xff, 0, 0, 0, 0][..]),
            (4_294_967_295_000, &[0xd6, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (4_294_967_296_000, &[0xd7, 0xff, 0, 0, 0, 1, 0, 0, 0, 0]),
            (1_734_567_890_123, &[0xd7, 0xff, 0x1d, 0x53, 0x53, 0, 0x67, 0x63, 0x67, 0xd2]),
            (17_179_869_183_999, &[0xd7, 0xff, 0xee, 0x2e, 0x1f, 3, 0xff, 0xff, 0xff, 0xff]),
            (17_179_869_184_000, &[0xc7, 12, 0xff, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]),
            (-1, &[0xc7, 12, 0xff, 0x3b, 0x8b, 0x87, 0xc0, 255, 255, 255, 255, 255, 255, 255, 255]),
        ] {
            assert_eq!(written(|out| write_timestamp(out, milliseconds)), bytes, "{milliseconds}");
        }
    }
}
