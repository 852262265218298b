//! The names and what each of them is: one table, found by name or by id.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::{HashTable, hash_table};
use smallvec::SmallVec;

use super::{NameId, members::Members};

/// Entries in one page. Pages never move, so that a growing index neither pauses to copy itself nor
/// leaves the old copy's memory behind, which WebAssembly cannot give back.
const PAGE: usize = 256;

/// One name with its two roles.
pub(super) struct Entry {
    /// Long enough inline for a socket id of 20 characters and its MessagePack head.
    name: SmallVec<[u8; 24]>,
    /// The socket role: connected.
    pub(super) connected: bool,
    /// The rooms the socket is in, in the order joined; a socket's own room and three others take
    /// no memory of their own.
    pub(super) joined: SmallVec<[NameId; 4]>,
    /// The room role: the sockets in the room.
    pub(super) members: Members,
}

impl Entry {
    /// Adds a room to the end of the list.
    pub(super) fn push_joined(&mut self, room: NameId) {
        let len = self.joined.len();
        if len == self.joined.capacity() {
            // By half, not by doubling: these lists are most of the memory.
            self.joined.reserve_exact((len / 2).max(4));
        }
        self.joined.push(room);
    }

    /// Takes a room out of the list, looking from its end.
    pub(super) fn remove_joined(&mut self, room: NameId) {
        if let Some(position) = self.joined.iter().rposition(|&joined| joined == room) {
            self.joined.remove(position);
            if self.joined.spilled() && self.joined.len() < self.joined.capacity() / 4 {
                self.joined.shrink_to_fit();
            }
        }
    }

    fn has_role(&self) -> bool {
        self.connected || !self.members.is_empty()
    }
}

/// Every entry, by id and by name.
pub(super) struct Entries {
    ids: HashTable<NameId>,
    pages: Pages,
    free: Vec<NameId>,
    hasher: FixedState,
}

impl Entries {
    pub(super) fn with_seed(seed: u64) -> Self {
        Self {
            ids: HashTable::new(),
            pages: Pages::default(),
            free: Vec::new(),
            hasher: FixedState::with_seed(seed),
        }
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<NameId> {
        let hash = self.hasher.hash_one(name);
        self.ids.find(hash, |&id| self.pages.name(id) == Some(name)).copied()
    }

    pub(super) fn intern(&mut self, name: &[u8]) -> NameId {
        let hash = self.hasher.hash_one(name);
        let vacant = match self.ids.entry(
            hash,
            |&id| self.pages.name(id) == Some(name),
            |&id| self.hasher.hash_one(self.pages.name(id).unwrap_or_default()),
        ) {
            hash_table::Entry::Occupied(found) => return *found.get(),
            hash_table::Entry::Vacant(vacant) => vacant,
        };
        let id = self.free.pop().unwrap_or_else(|| self.pages.grow());
        if let Some(slot) = self.pages.slot_mut(id) {
            *slot = Some(Entry {
                name: SmallVec::from_slice(name),
                connected: false,
                joined: SmallVec::new(),
                members: Members::default(),
            });
        }
        vacant.insert(id);
        id
    }

    /// Frees the id of a name without a role; true if it is free now and was not before.
    pub(super) fn release(&mut self, id: NameId) -> bool {
        let Some(slot) = self.pages.slot_mut(id) else {
            return false;
        };
        let Some(entry) = slot.take_if(|entry| !entry.has_role()) else {
            return false;
        };
        let hash = self.hasher.hash_one(entry.name.as_slice());
        if let Ok(found) = self.ids.find_entry(hash, |&other| other == id) {
            found.remove();
        }
        self.free.push(id);
        true
    }

    pub(super) fn name(&self, id: NameId) -> Option<&[u8]> {
        self.pages.name(id)
    }

    pub(super) fn entry(&self, id: NameId) -> Option<&Entry> {
        self.pages.entry(id)
    }

    pub(super) fn entry_mut(&mut self, id: NameId) -> Option<&mut Entry> {
        self.pages.slot_mut(id)?.as_mut()
    }

    /// One more than the largest index ever given.
    pub(super) fn bound(&self) -> usize {
        self.pages.bound()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = NameId> {
        (0..self.bound()).map(|index| NameId(index as u32))
    }
}

/// Entries by id.
#[derive(Default)]
struct Pages(Vec<Vec<Option<Entry>>>);

impl Pages {
    fn entry(&self, id: NameId) -> Option<&Entry> {
        let index = id.index();
        self.0.get(index / PAGE)?.get(index % PAGE)?.as_ref()
    }

    fn slot_mut(&mut self, id: NameId) -> Option<&mut Option<Entry>> {
        let index = id.index();
        self.0.get_mut(index / PAGE)?.get_mut(index % PAGE)
    }

    fn name(&self, id: NameId) -> Option<&[u8]> {
        self.entry(id).map(|entry| entry.name.as_slice())
    }

    fn bound(&self) -> usize {
        self.0
            .split_last()
            .map_or(0, |(last, full)| full.len().saturating_mul(PAGE).saturating_add(last.len()))
    }

    /// Makes one vacant place at the end; memory runs out long before the ids do.
    fn grow(&mut self) -> NameId {
        let id = NameId(self.bound() as u32);
        match self.0.last_mut() {
            Some(last) if last.len() < PAGE => last.push(None),
            // The first page grows as it fills: a server may have many namespaces of a few sockets.
            first => {
                let mut page = Vec::with_capacity(if first.is_some() { PAGE } else { 0 });
                page.push(None);
                self.0.push(page);
            }
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn names_that_come_and_go_leave_nothing_behind() {
        let mut entries = Entries::with_seed(0);
        for number in 0..1000_u32 {
            let id = entries.intern(&number.to_be_bytes());
            assert!(entries.release(id));
        }
        assert_eq!((entries.ids.len(), entries.bound(), entries.free.len()), (0, 1, 1));
    }
}
