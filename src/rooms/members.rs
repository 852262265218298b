//! The set of sockets in one room.

use roaring::RoaringBitmap;
use smallvec::SmallVec;

use super::NameId;

/// Largest number of members kept as a list; below half of it a bitmap becomes a list again.
const FEW: usize = 128;

/// A set of sockets: a list while it is short, a compressed bitmap when it is long.
///
/// A list keeps the order of joining, a bitmap the order of ids. The room of a socket's own id has
/// one member, so one or two take no memory of their own; a bitmap takes two bytes a member, or one
/// bit of 65,536 where the room is full.
pub(super) enum Members {
    Few(SmallVec<[u32; 2]>),
    Many(Box<RoaringBitmap>),
}

impl Default for Members {
    fn default() -> Self {
        Self::Few(SmallVec::new())
    }
}

impl Members {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(list) => list.len(),
            Self::Many(bitmap) => usize::try_from(bitmap.len()).unwrap_or(usize::MAX),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Few(list) => list.is_empty(),
            Self::Many(bitmap) => bitmap.is_empty(),
        }
    }

    pub(super) fn contains(&self, socket: NameId) -> bool {
        match self {
            Self::Few(list) => list.contains(&socket.0),
            Self::Many(bitmap) => bitmap.contains(socket.0),
        }
    }

    /// Adds a socket; true if it was not there.
    pub(super) fn insert(&mut self, socket: NameId) -> bool {
        match self {
            Self::Few(list) if list.contains(&socket.0) => false,
            Self::Few(list) if list.len() < FEW => {
                list.push(socket.0);
                true
            }
            Self::Few(list) => {
                let mut bitmap: RoaringBitmap = list.iter().copied().collect();
                bitmap.insert(socket.0);
                *self = Self::Many(Box::new(bitmap));
                true
            }
            Self::Many(bitmap) => bitmap.insert(socket.0),
        }
    }

    /// Takes a socket out; true if it was there.
    pub(super) fn remove(&mut self, socket: NameId) -> bool {
        match self {
            Self::Few(list) => {
                // Who came last leaves first, more often than not: sockets come and go, rooms stay.
                let position = list.iter().rposition(|&member| member == socket.0);
                position.map(|position| list.remove(position)).is_some()
            }
            Self::Many(bitmap) => {
                let removed = bitmap.remove(socket.0);
                // At half the limit, so that one socket coming and going does not rebuild the set
                // each time.
                if removed && bitmap.len() <= FEW as u64 / 2 {
                    *self = Self::Few(bitmap.iter().collect());
                }
                removed
            }
        }
    }

    /// Adds every member to the end of `out`.
    pub(super) fn append_to(&self, out: &mut Vec<u32>) {
        match self {
            Self::Few(list) => out.extend_from_slice(list),
            Self::Many(bitmap) => {
                let start = out.len();
                out.resize(start.saturating_add(self.len()), 0);
                // The bitmap copies in bulk, several times faster than one by one.
                let copied =
                    bitmap.iter().next_many(out.get_mut(start..).unwrap_or_default()).len();
                out.truncate(start.saturating_add(copied));
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = NameId> {
        let (list, bitmap) = match self {
            Self::Few(list) => (list.as_slice(), None),
            Self::Many(bitmap) => (&[][..], Some(bitmap.iter())),
        };
        list.iter().copied().chain(bitmap.into_iter().flatten()).map(NameId)
    }
}
