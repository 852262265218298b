//! The containers around the value being transcoded.

use crate::msgpack::MAX_DEPTH;

/// Frames that need no allocation: few messages nest deeper.
const INLINE: usize = 16;

/// A stack of at most [`MAX_DEPTH`] frames.
pub(super) struct Stack<T> {
    inline: [T; INLINE],
    more: Vec<T>,
    depth: usize,
}

impl<T: Copy> Stack<T> {
    /// An empty stack; `filler` is any frame.
    #[inline(always)]
    pub(super) fn new(filler: T) -> Self {
        Self { inline: [filler; INLINE], more: Vec::new(), depth: 0 }
    }

    /// Adds a frame; `None` if there are [`MAX_DEPTH`] already.
    #[inline(always)]
    pub(super) fn push(&mut self, frame: T) -> Option<()> {
        match self.inline.get_mut(self.depth) {
            Some(place) => *place = frame,
            None if self.depth < MAX_DEPTH => self.more.push(frame),
            None => return None,
        }
        self.depth = self.depth.saturating_add(1);
        Some(())
    }

    /// Takes the frame added last.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<T> {
        self.depth = self.depth.checked_sub(1)?;
        match self.inline.get(self.depth) {
            Some(frame) => Some(*frame),
            None => self.more.pop(),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn frames_come_back_in_turn_up_to_the_limit() {
        let mut stack = Stack::new(0);
        for frame in 0..MAX_DEPTH {
            assert_eq!(stack.push(frame), Some(()));
        }
        assert_eq!(stack.push(0), None);
        for frame in (0..MAX_DEPTH).rev() {
            assert_eq!(stack.pop(), Some(frame));
        }
        assert_eq!(stack.pop(), None);
    }
}
