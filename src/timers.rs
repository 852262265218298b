//! Deadlines by key, the next one first.

use std::collections::BTreeSet;

use crate::time::Time;

/// A set of deadlines, at most one for each key.
#[derive(Debug)]
pub(crate) struct Timers<Key>(BTreeSet<(Time, Key)>);

impl<Key> Default for Timers<Key> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<Key: Copy + Ord> Timers<Key> {
    /// Sets a key's deadline; `old` is the one it had.
    pub(crate) fn set(&mut self, key: Key, old: Option<Time>, new: Option<Time>) {
        if old == new {
            return;
        }
        if let Some(old) = old {
            self.0.remove(&(old, key));
        }
        if let Some(new) = new {
            self.0.insert((new, key));
        }
    }

    /// The next deadline.
    pub(crate) fn next(&self) -> Option<Time> {
        self.0.first().map(|&(time, _)| time)
    }

    /// Takes the next key whose deadline has come.
    pub(crate) fn take_due(&mut self, now: Time) -> Option<Key> {
        let &(time, key) = self.0.first()?;
        (time <= now).then(|| {
            self.0.pop_first();
            key
        })
    }
}
