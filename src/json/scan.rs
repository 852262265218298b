//! The search for bytes that a JSON string cannot hold as they are.

use crate::appender::{Appender, Sink};

/// Bytes that are looked at together.
pub(super) const BLOCK: usize = 16;

/// The number of bytes in front of a block's first quote, backslash or control character, and with
/// `ASCII` also of the first byte that is not ASCII; [`BLOCK`] if there is none.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
pub(super) fn plain_bytes<const ASCII: bool>(block: &[u8; BLOCK]) -> usize {
    use core::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, u64x2, v128_or};
    let (low, high) = words(block);
    let bytes = u64x2(low, high);
    let quotes = u8x16_eq(bytes, u8x16_splat(b'"'));
    let backslashes = u8x16_eq(bytes, u8x16_splat(b'\\'));
    let controls = u8x16_lt(bytes, u8x16_splat(0x20));
    let odd = v128_or(controls, v128_or(quotes, backslashes));
    // The bit that counts is the highest of each byte, which also tells ASCII from the rest.
    let marks = u8x16_bitmask(if ASCII { v128_or(odd, bytes) } else { odd });
    (u32::from(marks) | 1 << BLOCK).trailing_zeros() as usize
}

/// The number of bytes in front of a block's first quote, backslash or control character, and with
/// `ASCII` also of the first byte that is not ASCII; [`BLOCK`] if there is none.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline(always)]
pub(super) fn plain_bytes<const ASCII: bool>(block: &[u8; BLOCK]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let marks = |word: u64| {
        // A borrow runs upwards only, so the lowest mark is exact and the marks above it do not
        // matter.
        let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
        let quotes = zeros(word ^ (u64::from(b'"') * ONES));
        let backslashes = zeros(word ^ (u64::from(b'\\') * ONES));
        let controls = word.wrapping_sub(0x20 * ONES) & !word;
        (quotes | backslashes | controls | if ASCII { word } else { 0 }) & (0x80 * ONES)
    };
    let (low, high) = words(block);
    match (marks(low), marks(high)) {
        (0, high) => 8 + high.trailing_zeros() as usize / 8,
        (low, _) => low.trailing_zeros() as usize / 8,
    }
}

#[inline(always)]
fn words(block: &[u8; BLOCK]) -> (u64, u64) {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *block;
    (u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes([i, j, k, l, m, n, o, p]))
}

/// The number of plain bytes that `text` starts with, told as [`plain_bytes`] tells it.
#[inline(always)]
pub(super) fn plain_prefix<const ASCII: bool>(text: &[u8]) -> usize {
    let mut rest = text;
    while let Some((block, more)) = rest.split_first_chunk() {
        let plain = plain_bytes::<ASCII>(block);
        if plain < BLOCK {
            return text.len() - rest.len() + plain;
        }
        rest = more;
    }
    text.len() - rest.len() + plain_bytes_of_rest::<ASCII>(rest)
}

/// Copies the plain start of the text that is the first `length` bytes of `window`, and gives its
/// length.
///
/// What follows the text is only read, so that a short text is one block too.
#[inline(always)]
pub(super) fn copy_plain<const ASCII: bool>(
    out: &mut Appender<'_>,
    window: &[u8],
    length: usize,
) -> usize {
    let mut rest = window;
    let mut left = length;
    // Four blocks for each look at the room left in `out`.
    while let Some((stretch, more)) = rest.split_first_chunk::<{ 4 * BLOCK }>() {
        let mut copied = 0;
        out.put_with(|room: &mut [u8; 4 * BLOCK]| {
            for (place, block) in room.as_chunks_mut().0.iter_mut().zip(stretch.as_chunks().0) {
                *place = *block;
                let plain = plain_bytes::<ASCII>(block);
                copied += plain;
                if plain < BLOCK {
                    break;
                }
            }
            copied = copied.min(left);
            copied
        });
        left -= copied;
        if copied < 4 * BLOCK {
            return length - left;
        }
        rest = more;
    }
    while let Some((block, more)) = rest.split_first_chunk() {
        let plain = plain_bytes::<ASCII>(block).min(left);
        out.put_chunk(block, plain);
        left -= plain;
        if plain < BLOCK {
            return length - left;
        }
        rest = more;
    }
    length - left + copy_plain_rest::<ASCII>(out, rest.get(..left).unwrap_or_default())
}

/// Copies the plain start of less than a block, and gives its length.
#[inline(never)]
fn copy_plain_rest<const ASCII: bool>(out: &mut Appender<'_>, rest: &[u8]) -> usize {
    let plain = plain_bytes_of_rest::<ASCII>(rest);
    for &byte in rest.iter().take(plain) {
        out.put([byte]);
    }
    plain
}

/// The number of plain bytes that less than a block starts with.
#[inline(never)]
fn plain_bytes_of_rest<const ASCII: bool>(rest: &[u8]) -> usize {
    let is_plain =
        |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\' && !(ASCII && byte >= 0x80);
    rest.iter().take_while(|&&byte| is_plain(byte)).count()
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    /// Every byte at every place of a block of which the other bytes are plain.
    fn each(check: impl Fn(&[u8; BLOCK], u8, usize)) {
        for byte in 0..=255 {
            for place in 0..BLOCK {
                let mut block = *b"plain ASCII text";
                block[place] = byte;
                check(&block, byte, place);
            }
        }
    }

    #[test]
    fn the_first_odd_byte_of_a_block_is_found() {
        each(|block, byte, place| {
            let odd = byte < 0x20 || byte == b'"' || byte == b'\\';
            assert_eq!(
                plain_bytes::<false>(block),
                if odd { place } else { BLOCK },
                "{byte:02x} at {place}"
            );
            let odd = odd || byte >= 0x80;
            assert_eq!(
                plain_bytes::<true>(block),
                if odd { place } else { BLOCK },
                "{byte:02x} at {place}"
            );
        });
    }

    #[test]
    fn odd_bytes_behind_the_first_do_not_matter() {
        for last in 1..BLOCK {
            let mut block = [0xff; BLOCK];
            block[0] = b'a';
            block[last] = b'"';
            assert_eq!(plain_bytes::<true>(&block), 1);
            assert_eq!(plain_bytes::<false>(&block), last);
        }
    }

    #[test]
    fn what_is_less_than_a_block_is_searched_alike() {
        const LESS: usize = BLOCK - 1;
        each(|block, _, _| {
            assert_eq!(plain_prefix::<true>(&block[..LESS]), plain_bytes::<true>(block).min(LESS));
            assert_eq!(
                plain_prefix::<false>(&block[..LESS]),
                plain_bytes::<false>(block).min(LESS)
            );
        });
    }

    #[test]
    fn a_copy_ends_with_the_text_or_before_its_first_odd_byte() {
        let window = b"a text of 22 bytes and\"more, in the same window";
        for length in 0..window.len() {
            let mut bytes = Vec::new();
            let mut out = Appender::new(&mut bytes, 0);
            let copied = copy_plain::<true>(&mut out, window, length);
            drop(out);
            assert_eq!(copied, length.min(22));
            assert_eq!(bytes, window[..copied]);
        }
    }
}
