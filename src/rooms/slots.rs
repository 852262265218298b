//! The set of all sockets.

use super::NameId;

/// A set of ids, one bit each: ids are dense, and most are sockets'.
#[derive(Default)]
pub(super) struct Slots {
    words: Vec<u64>,
    len: usize,
}

impl Slots {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a socket; true if it was not there.
    pub(super) fn insert(&mut self, socket: NameId) -> bool {
        let (at, bit) = place(socket);
        if at >= self.words.len() {
            self.words.resize(at.saturating_add(1), 0);
        }
        let Some(word) = self.words.get_mut(at) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        self.len = self.len.saturating_add(new.into());
        new
    }

    /// Takes a socket out.
    pub(super) fn remove(&mut self, socket: NameId) {
        let (at, bit) = place(socket);
        if let Some(word) = self.words.get_mut(at) {
            self.len = self.len.saturating_sub((*word & bit != 0).into());
            *word &= !bit;
        }
    }

    /// Adds every socket to the end of `out`.
    pub(super) fn append_to(&self, out: &mut Vec<u32>) {
        out.reserve(self.len);
        out.extend(self.iter().map(|id| id.0));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = NameId> {
        self.words
            .iter()
            .zip((0..).step_by(64))
            .flat_map(|(&word, first)| Bits(word).map(move |bit| NameId(first | bit)))
    }
}

fn place(socket: NameId) -> (usize, u64) {
    (socket.index() / 64, 1_u64.wrapping_shl(socket.0))
}

/// The positions of the bits that are set.
struct Bits(u64);

impl Iterator for Bits {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let bit = self.0.trailing_zeros();
        self.0 &= self.0.checked_sub(1)?;
        Some(bit)
    }
}
