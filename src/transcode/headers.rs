//! Container heads that turn out too narrow for their counts.

use crate::msgpack;

/// A container of more than 15 elements whose head was written in one byte.
pub(super) struct Wide {
    /// Where the head is: 80 for a map, 90 for an array.
    pub(super) head: usize,
    pub(super) count: u32,
}

/// Gives each head the bytes it needs. Everything moves once, however deep the containers nest.
pub(super) fn widen(out: &mut Vec<u8>, mut wide: Vec<Wide>) {
    wide.sort_unstable_by_key(|wide| wide.head);
    let mut from = out.len();
    let mut to = wide.iter().fold(from, |length, wide| {
        length.saturating_add(if wide.count < 0x1_0000 { 2 } else { 4 })
    });
    out.resize(to, 0);
    let mut head = Vec::new();
    for &Wide { head: position, count } in wide.iter().rev() {
        head.clear();
        match out.get(position) {
            Some(0x80) => msgpack::write_map_header(&mut head, count),
            _ => msgpack::write_array_header(&mut head, count),
        }
        let content = position.saturating_add(1)..from;
        to = to.saturating_sub(content.len());
        from = position;
        out.copy_within(content, to);
        to = to.saturating_sub(head.len());
        if let Some(room) = out.get_mut(to..).and_then(|rest| rest.get_mut(..head.len())) {
            room.copy_from_slice(&head);
        }
    }
}
