//! Numbers in JSON text, as JavaScript reads and writes them.

use crate::appender::{Appender, Sink};

/// A number that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// Any number, as the nearest float, infinite if it is too large.
    Float(f64),
    /// An integer from -(2^53 - 1) to 2^53 - 1.
    Integer(i64),
}

/// The integers up to here are exact as floats, and so are their sums.
pub(crate) const MAX_SAFE: u64 = (1 << 53) - 1;

impl Number {
    /// The number that stands at the start of `text`, and the bytes it takes.
    ///
    /// `None` if it is malformed: then the bytes before the fault.
    #[inline(always)]
    pub(super) fn parse(text: &[u8]) -> (Option<Self>, usize) {
        let negative = text.first() == Some(&b'-');
        let start = usize::from(negative);
        let mut mantissa = 0_u64;
        let integer = digits(text, start, &mut mantissa);
        let leading_zero = text.get(start) == Some(&b'0') && integer > start.saturating_add(1);
        if integer == start || leading_zero {
            return (None, start.saturating_add(usize::from(leading_zero)));
        }
        if !matches!(text.get(integer), Some(b'.' | b'e' | b'E'))
            && integer.saturating_sub(start) <= 19
            && mantissa <= MAX_SAFE
        {
            let value = mantissa.cast_signed();
            return (
                Some(Self::Integer(if negative { value.saturating_neg() } else { value })),
                integer,
            );
        }
        let mut end = integer;
        let mut fraction = 0;
        if text.get(end) == Some(&b'.') {
            let first = end.saturating_add(1);
            end = digits(text, first, &mut mantissa);
            fraction = end.saturating_sub(first);
            if fraction == 0 {
                return (None, end);
            }
        }
        let mut exponent = false;
        if let Some(b'e' | b'E') = text.get(end) {
            exponent = true;
            let sign = text.get(end.saturating_add(1));
            let first = end.saturating_add(if let Some(b'+' | b'-') = sign { 2 } else { 1 });
            end = digits(text, first, &mut 0);
            if end == first {
                return (None, end);
            }
        }
        let digits = end.saturating_sub(start);
        // Two floats without error, so that one division rounds as the standard demands.
        if let Some(power) = TENS.get(fraction)
            && !exponent
            && digits <= 19
            && mantissa <= MAX_SAFE
        {
            let value = mantissa as f64 / power;
            return (Some(Self::Float(if negative { -value } else { value })), end);
        }
        let number = text.get(..end).and_then(|text| core::str::from_utf8(text).ok()?.parse().ok());
        (number.map(Self::Float), end)
    }
}

/// Passes digits from `at` on, adding them to `value`, which is right for 19 of them.
#[inline(always)]
fn digits(text: &[u8], at: usize, value: &mut u64) -> usize {
    let mut rest = text.get(at..).unwrap_or_default();
    while let [digit @ b'0'..=b'9', more @ ..] = rest {
        *value = value.wrapping_mul(10).wrapping_add(u64::from(digit & 0x0f));
        rest = more;
    }
    text.len().saturating_sub(rest.len())
}

const TENS: [f64; 20] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19,
];

/// Writes a float as `JSON.stringify` does: `null` if it is not finite, no sign on zero.
pub(crate) fn write_f64(out: &mut Appender<'_>, value: f64) {
    if !write_decimal(out, value) {
        match value.is_finite() {
            true => out.put_slice(ryu_js::Buffer::new().format_finite(value).as_bytes()),
            false => out.put(*b"null"),
        }
    }
}

/// Writes a float of at most nine digits before and six behind the point; `false` if it is none.
///
/// With 15 digits in all, only one spelling reads back as the float, so no search for the shortest
/// is needed.
#[inline(always)]
fn write_decimal(out: &mut Appender<'_>, value: f64) -> bool {
    const MILLION: u32 = 1_000_000;
    let magnitude = value.abs();
    let millionths = magnitude * f64::from(MILLION) + 0.5;
    // NaN becomes zero, which it does not equal.
    let millionths = millionths as u64;
    if millionths >= 1_000_000_000_000_000 || millionths as f64 / f64::from(MILLION) != magnitude {
        return false;
    }
    if value < 0.0 {
        out.put([b'-']);
    }
    let whole = magnitude as u32;
    write_unsigned(out, whole.into());
    let fraction =
        millionths.wrapping_sub(u64::from(whole).wrapping_mul(u64::from(MILLION))) as u32;
    if fraction > 0 {
        let [[a, b], [c, d], [e, f]] =
            [fraction / 10_000, fraction / 100 % 100, fraction % 100].map(two_digits);
        let digits = [b'.', a, b, c, d, e, f];
        let zeros = digits.iter().rev().take_while(|&&digit| digit == b'0').count();
        out.put_chunk(&digits, digits.len().saturating_sub(zeros));
    }
    true
}

/// Writes an integer's digits, all of them.
#[inline(always)]
pub(crate) fn write_unsigned(out: &mut Appender<'_>, value: u64) {
    match value {
        0..10 => out.put([b'0' | value as u8]),
        10..100 => out.put(two_digits(value as u32)),
        _ => write_digits(out, value),
    }
}

fn write_digits(out: &mut Appender<'_>, value: u64) {
    let Ok(mut low) = u32::try_from(value) else {
        // WebAssembly has no fast division of 64 bits: at most twice here, the rest in 32.
        write_digits(out, value / 1_0000_0000);
        let low = (value % 1_0000_0000) as u32;
        return out.put_with(|room: &mut [u8; 8]| {
            let mut low = low;
            for pair in room.as_chunks_mut().0.iter_mut().rev() {
                *pair = two_digits(low % 100);
                low /= 100;
            }
            8
        });
    };
    let count = low.checked_ilog10().map_or(1, |log| (log as usize).saturating_add(1));
    out.put_with(|room: &mut [u8; 10]| {
        let (first, pairs) = room.get_mut(..count).unwrap_or_default().as_rchunks_mut();
        for pair in pairs.iter_mut().rev() {
            *pair = two_digits(low % 100);
            low /= 100;
        }
        if let [digit] = first {
            *digit = b'0' | low as u8;
        }
        count
    });
}

/// The digits of a number below 100.
#[inline(always)]
fn two_digits(value: u32) -> [u8; 2] {
    PAIRS.get(value as usize).copied().unwrap_or_default()
}

#[expect(clippy::indexing_slicing, reason = "done when compiling")]
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut value = 0;
    while value < 100 {
        pairs[value] = [b'0' + value as u8 / 10, b'0' + value as u8 % 10];
        value += 1;
    }
    pairs
};

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn text(write: impl FnOnce(&mut Appender<'_>)) -> String {
        let mut bytes = Vec::new();
        write(&mut Appender::new(&mut bytes, 0));
        String::from_utf8(bytes).expect("digits are ASCII")
    }

    #[test]
    fn integers_of_every_length_are_spelt_in_full() {
        let mut value = 1_u64;
        loop {
            for value in [value - 1, value, value + 1, value / 5 * 9] {
                assert_eq!(text(|out| write_unsigned(out, value)), value.to_string());
            }
            let Some(next) = value.checked_mul(10) else {
                break;
            };
            value = next;
        }
        assert_eq!(text(|out| write_unsigned(out, u64::MAX)), u64::MAX.to_string());
    }

    #[test]
    fn floats_are_spelt_as_javascript_spells_them() {
        for (value, spelling) in [
            (0.0, "0"),
            (-0.0, "0"),
            (-1.5, "-1.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (0.000001, "0.000001"),
            (0.0000015, "0.0000015"),
            (1e-7, "1e-7"),
            (100.0, "100"),
            (0.5, "0.5"),
            (120.025, "120.025"),
            (999_999_999.999_999, "999999999.999999"),
            (1e9 + 0.5, "1000000000.5"),
            (1e15, "1000000000000000"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NAN, "null"),
            (f64::NEG_INFINITY, "null"),
        ] {
            assert_eq!(text(|out| write_f64(out, value)), spelling);
        }
    }

    #[test]
    fn numbers_end_where_the_grammar_ends() {
        for (text, number, used) in [
            ("12,", Some(Number::Integer(12)), 2),
            ("-7]", Some(Number::Integer(-7)), 2),
            ("0.25 ", Some(Number::Float(0.25)), 4),
            ("1e2}", Some(Number::Float(100.0)), 3),
            ("9007199254740991", Some(Number::Integer(9_007_199_254_740_991)), 16),
            ("9007199254740993", Some(Number::Float(9_007_199_254_740_992.0)), 16),
            ("-", None, 1),
            ("00", None, 1),
            ("1.", None, 2),
            ("1.e1", None, 2),
            ("1e+", None, 3),
        ] {
            assert_eq!(Number::parse(text.as_bytes()), (number, used), "{text}");
        }
    }
}
