//! Bytes appended to a vector, short runs of them as fixed-size chunks.

/// A place that bytes are appended to.
pub trait Sink {
    /// Appends an array, whose length is known when compiling.
    fn put<const N: usize>(&mut self, bytes: [u8; N]);

    /// Appends a slice.
    fn put_slice(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.extend_from_slice(&bytes);
    }

    fn put_slice(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// A write position in a vector whose bytes behind the position are already there.
///
/// That slack lets a short run be copied as one fixed-size chunk that reaches past its end, where
/// a copy of just the right length is a call (in WebAssembly one out of the module).
/// Dropping the appender cuts the slack off.
pub(crate) struct Appender<'a> {
    bytes: &'a mut Vec<u8>,
    at: usize,
    is_full: bool,
}

/// Room that is enough for most messages.
const SHORT: usize = 256;

/// The most bytes that are written, those in front included: no text in V8 is longer (`String::kMaxLength`).
pub(crate) const LONGEST: usize = (1 << 29) - 24;

/// The longest slice that is copied in chunks.
const LONGEST_CHUNKED: usize = 128;

impl<'a> Appender<'a> {
    /// Starts behind what `bytes` holds, with room for `expected` bytes at first.
    pub(crate) fn new(bytes: &'a mut Vec<u8>, expected: usize) -> Self {
        let at = bytes.len();
        // A filling of a length known when compiling is not a call either.
        if expected <= SHORT {
            bytes.extend_from_slice(&[0; SHORT]);
        } else {
            bytes.resize(at.saturating_add(expected).min(LONGEST).max(at), 0);
        }
        Self { bytes, at, is_full: false }
    }

    /// Whether something was left out, since there was more than [`LONGEST`].
    #[inline(always)]
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// The position that the next byte goes to.
    #[inline(always)]
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Goes back to an earlier position; what was written since is forgotten.
    #[inline(always)]
    pub(crate) fn rewind(&mut self, position: usize) {
        debug_assert!(position <= self.at);
        self.at = position;
    }

    /// Takes the last byte away if it is a comma.
    #[inline(always)]
    pub(crate) fn strip_comma(&mut self) {
        if let Some(last) = self.at.checked_sub(1)
            && self.bytes.get(last) == Some(&b',')
        {
            self.at = last;
        }
    }

    /// Sets bits of a byte that was written.
    #[inline(always)]
    pub(crate) fn or(&mut self, position: usize, bits: u8) {
        if let Some(byte) = self.bytes.get_mut(position) {
            *byte |= bits;
        }
    }

    /// Appends a copy of `length` bytes that lie at `from`, at or behind the position.
    pub(crate) fn pull(&mut self, from: usize, length: usize) {
        let end = from.saturating_add(length);
        debug_assert!(self.at <= from && end <= self.bytes.len());
        self.bytes.copy_within(from..end, self.at);
        self.at = self.at.saturating_add(length);
    }

    /// Lets `fill` write into the next `N` bytes; it gives how many of them count.
    #[inline(always)]
    pub(crate) fn put_with<const N: usize>(&mut self, fill: impl FnOnce(&mut [u8; N]) -> usize) {
        if self.room() < N {
            self.grow(N);
        }
        if let Some(room) = self.bytes.get_mut(self.at..).and_then(<[u8]>::first_chunk_mut) {
            // At most the chunk's length, so that this never wraps.
            self.at = self.at.wrapping_add(fill(room));
            debug_assert!(self.at <= self.bytes.len());
        }
    }

    /// Appends the first `used` bytes of a chunk.
    #[inline(always)]
    pub(crate) fn put_chunk<const N: usize>(&mut self, chunk: &[u8; N], used: usize) {
        debug_assert!(used <= N);
        self.put_with(|room| {
            *room = *chunk;
            used
        });
    }

    /// The bytes of slack behind the position, which never is beyond the end.
    #[inline(always)]
    fn room(&self) -> usize {
        self.bytes.len().wrapping_sub(self.at)
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) {
        let needed = self.at.saturating_add(more);
        if needed > LONGEST {
            self.is_full = true;
            return;
        }
        let wanted = self.bytes.len().saturating_mul(2).clamp(needed, LONGEST);
        self.bytes.resize(wanted, 0);
    }
}

impl Drop for Appender<'_> {
    fn drop(&mut self) {
        self.bytes.truncate(self.at);
    }
}

impl Sink for Appender<'_> {
    #[inline(always)]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.put_chunk(&bytes, N);
    }

    #[inline(always)]
    fn put_slice(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if bytes.len() <= LONGEST_CHUNKED {
            while let Some((chunk, more)) = rest.split_first_chunk::<16>() {
                self.put(*chunk);
                rest = more;
            }
            if let Some((chunk, more)) = rest.split_first_chunk::<8>() {
                self.put(*chunk);
                rest = more;
            }
            self.put_chunk(&short_word(rest).to_le_bytes(), rest.len());
            return;
        }
        if self.room() < bytes.len() {
            self.grow(bytes.len());
        }
        let end = self.at.saturating_add(bytes.len());
        if let Some(room) = self.bytes.get_mut(self.at..end) {
            room.copy_from_slice(bytes);
            self.at = end;
        }
    }
}

/// Up to seven bytes as a little-endian word, with zeros behind them.
#[inline(always)]
pub(crate) fn short_word(bytes: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let shift = (bytes.len() as u32).wrapping_sub(4).wrapping_mul(8);
        return u64::from(u32::from_le_bytes(*first))
            | u64::from(u32::from_le_bytes(*last)).wrapping_shl(shift);
    }
    match *bytes {
        [] => 0,
        [a] => a.into(),
        [a, b] => u16::from_le_bytes([a, b]).into(),
        [a, b, c, ..] => u32::from_le_bytes([a, b, c, 0]).into(),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn slices_of_every_length_are_appended_whole() {
        let source: Vec<u8> = (0..=255).collect();
        for length in 0..source.len() {
            let mut bytes = b"before".to_vec();
            let mut appender = Appender::new(&mut bytes, 3);
            appender.put_slice(&source[..length]);
            appender.put(*b"!");
            drop(appender);
            assert_eq!(bytes, [b"before", &source[..length], b"!"].concat());
        }
    }

    #[test]
    fn only_the_bytes_that_count_remain() {
        let mut bytes = Vec::new();
        let mut appender = Appender::new(&mut bytes, 0);
        appender.put_chunk(b"abcdef", 3);
        appender.put_with(|room: &mut [u8; 4]| {
            *room = *b"wxyz";
            1
        });
        drop(appender);
        assert_eq!(bytes, b"abcw");
    }

    #[test]
    fn a_comma_is_taken_away_once_and_nothing_else() {
        let mut bytes = Vec::new();
        let mut appender = Appender::new(&mut bytes, 0);
        appender.strip_comma();
        appender.put(*b"a,,");
        appender.strip_comma();
        appender.strip_comma();
        appender.strip_comma();
        drop(appender);
        assert_eq!(bytes, b"a");
    }

    #[test]
    fn bytes_behind_the_position_can_be_pulled_up_to_it() {
        let mut bytes = Vec::new();
        let mut appender = Appender::new(&mut bytes, 0);
        appender.put(*b"12345text");
        appender.rewind(0);
        appender.put(*b"#");
        appender.pull(5, 4);
        appender.or(0, 0x80);
        drop(appender);
        assert_eq!(bytes, b"\xa3text");
    }
}
