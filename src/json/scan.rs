//! The search for bytes that a JSON string cannot hold as they are.

use crate::appender::{Appender, Sink};

/// Bytes that are looked at together.
pub(super) const BLOCK: usize = 16;

/// A bit for each quote, backslash and control character of a block, and with `ASCII` also for each
/// byte that is not ASCII; the lowest for the first byte.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
fn odd_bytes<const ASCII: bool>(block: &[u8; BLOCK]) -> u16 {
    use core::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, u64x2, v128_or};
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *block;
    let low = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    let high = u64::from_le_bytes([i, j, k, l, m, n, o, p]);
    let bytes = u64x2(low, high);
    let quotes = u8x16_eq(bytes, u8x16_splat(b'"'));
    let backslashes = u8x16_eq(bytes, u8x16_splat(b'\\'));
    let controls = u8x16_lt(bytes, u8x16_splat(0x20));
    let odd = v128_or(controls, v128_or(quotes, backslashes));
    // The bit that counts is the highest of each byte, which also tells ASCII from the rest.
    u8x16_bitmask(if ASCII { v128_or(odd, bytes) } else { odd })
}

/// A bit for each quote, backslash and control character of a block, and with `ASCII` also for each
/// byte that is not ASCII; the lowest for the first byte.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline(always)]
fn odd_bytes<const ASCII: bool>(block: &[u8; BLOCK]) -> u16 {
    block.iter().rev().fold(0, |marks, &byte| marks << 1 | u16::from(!is_plain::<ASCII>(byte)))
}

/// The number of bytes in front of a block's first odd one, as [`odd_bytes`] tells them; [`BLOCK`] if
/// there is none.
#[inline(always)]
pub(super) fn plain_bytes<const ASCII: bool>(block: &[u8; BLOCK]) -> usize {
    (u32::from(odd_bytes::<ASCII>(block)) | 1 << BLOCK).trailing_zeros() as usize
}

#[inline(always)]
fn is_plain<const ASCII: bool>(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\' && !(ASCII && byte >= 0x80)
}

/// Bytes whose odd ones are noted together.
pub(super) const STRETCH: usize = 4 * BLOCK;

/// A bit for each odd byte of a stretch, as [`odd_bytes`] tells them.
#[inline(always)]
pub(super) fn odd_bytes_of_stretch<const ASCII: bool>(stretch: &[u8; STRETCH]) -> u64 {
    let blocks = stretch.as_chunks::<BLOCK>().0;
    blocks
        .iter()
        .rev()
        .fold(0, |marks, block| marks << BLOCK | u64::from(odd_bytes::<ASCII>(block)))
}

/// The number of plain bytes that `text` starts with, told as [`plain_bytes`] tells it.
#[inline(always)]
pub(super) fn plain_prefix<const ASCII: bool>(text: &[u8]) -> usize {
    let mut rest = text;
    while let Some((block, more)) = rest.split_first_chunk() {
        let plain = plain_bytes::<ASCII>(block);
        if plain < BLOCK {
            return text.len().saturating_sub(rest.len()).saturating_add(plain);
        }
        rest = more;
    }
    let passed = text.len().saturating_sub(rest.len());
    passed.saturating_add(plain_bytes_of_rest::<ASCII>(rest))
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
    while let Some((stretch, more)) = rest.split_first_chunk::<STRETCH>() {
        let mut copied = 0;
        out.put_with(|room: &mut [u8; STRETCH]| {
            for (place, block) in room.as_chunks_mut().0.iter_mut().zip(stretch.as_chunks().0) {
                *place = *block;
                let plain = plain_bytes::<ASCII>(block);
                copied = plain.saturating_add(copied);
                if plain < BLOCK {
                    break;
                }
            }
            copied = copied.min(left);
            copied
        });
        left = left.saturating_sub(copied);
        if copied < STRETCH {
            return length.saturating_sub(left);
        }
        rest = more;
    }
    while let Some((block, more)) = rest.split_first_chunk() {
        let plain = plain_bytes::<ASCII>(block).min(left);
        out.put_chunk(block, plain);
        left = left.saturating_sub(plain);
        if plain < BLOCK {
            return length.saturating_sub(left);
        }
        rest = more;
    }
    let rest = rest.get(..left).unwrap_or_default();
    length.saturating_sub(left).saturating_add(copy_plain_rest::<ASCII>(out, rest))
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
    rest.iter().take_while(|&&byte| is_plain::<ASCII>(byte)).count()
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
