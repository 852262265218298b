//! The order of keys in a JavaScript object, where a map's differs.
//!
//! An object lists the keys that are array indices first, in ascending order, then the others as
//! they were added (ECMAScript, OrdinaryOwnPropertyKeys). Senders in JavaScript write their maps in
//! that order already.

use crate::msgpack::{DecodeError, Item, MAX_DEPTH, Reader};

/// What [`array_index`] gives for a key that is no array index; larger than each of them.
const NAME: u32 = u32::MAX;

/// The array index that a key is, or [`NAME`].
#[inline(always)]
pub(super) fn array_index(key: &Item<'_>) -> u32 {
    match *key {
        Item::Str(text) | Item::Bin(text) => match text.first() {
            Some(b'0'..=b'9') => index_of_text(text),
            _ => NAME,
        },
        Item::Unsigned(value) => value.try_into().unwrap_or(NAME),
        Item::Signed(value) => value.try_into().unwrap_or(NAME),
        Item::Float(value) if f64::from(value as u32) == value => value as u32,
        _ => NAME,
    }
}

fn index_of_text(digits: &[u8]) -> u32 {
    let all_digits = digits.iter().all(u8::is_ascii_digit);
    if !all_digits || (digits.len() > 1 && digits.starts_with(b"0")) {
        return NAME;
    }
    core::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(NAME)
}

/// A map whose keys are not in the order of an object.
pub(super) struct OutOfOrder {
    /// The position of its head.
    start: usize,
    /// The position behind it.
    pub(super) end: usize,
    /// The positions of its keys, in the order of an object.
    pub(super) keys: Vec<usize>,
}

/// The map whose head is at `start`, if it is out of order.
#[inline(always)]
pub(super) fn find(maps: &[OutOfOrder], start: usize) -> Option<usize> {
    if maps.is_empty() {
        return None;
    }
    maps.binary_search_by_key(&start, |map| map.start).ok()
}

/// A container being scanned.
struct Frame {
    start: usize,
    remaining: u32,
    /// `None` in an array.
    members: Option<Vec<Member>>,
}

struct Member {
    index: u32,
    key: usize,
}

/// The maps out of order inside the next value, by their positions.
pub(super) fn scan(mut reader: Reader<'_>) -> Result<Vec<OutOfOrder>, DecodeError> {
    let mut found = Vec::new();
    let mut stack = vec![Frame { start: reader.position(), remaining: 1, members: None }];
    while let Some(frame) = stack.last_mut() {
        let Some(remaining) = frame.remaining.checked_sub(1) else {
            found.extend(stack.pop().and_then(|frame| out_of_order(frame, reader.position())));
            continue;
        };
        frame.remaining = remaining;
        if let Some(members) = &mut frame.members {
            let key = reader.position();
            members.push(Member { index: array_index(&reader.item()?), key });
        }
        let start = reader.position();
        let (remaining, members) = match reader.item()? {
            Item::Array(count) => (count, None),
            Item::Map(count) => (count, Some(Vec::new())),
            _ => continue,
        };
        // The first frame is no container.
        if stack.len() > MAX_DEPTH {
            return Err(DecodeError::TooDeep);
        }
        stack.push(Frame { start, remaining, members });
    }
    found.sort_unstable_by_key(|map| map.start);
    Ok(found)
}

fn out_of_order(frame: Frame, end: usize) -> Option<OutOfOrder> {
    let mut members = frame.members?;
    if members.is_sorted_by_key(|member| member.index) {
        return None;
    }
    // Names stay in the order of the message.
    members.sort_unstable_by_key(|member| (member.index, member.key));
    Some(OutOfOrder {
        start: frame.start,
        end,
        keys: members.iter().map(|member| member.key).collect(),
    })
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn indices_are_what_javascript_takes_for_them() {
        for (key, index) in [
            (Item::Str(b"0"), 0),
            (Item::Str(b"10"), 10),
            (Item::Str(b"4294967294"), 4_294_967_294),
            (Item::Bin(b"7"), 7),
            (Item::Unsigned(9), 9),
            (Item::Signed(9), 9),
            (Item::Float(2.0), 2),
            (Item::Float(-0.0), 0),
            (Item::Str(b"4294967295"), NAME),
            (Item::Str(b"99999999999"), NAME),
            (Item::Str(b"01"), NAME),
            (Item::Str(b"1a"), NAME),
            (Item::Str(b"+1"), NAME),
            (Item::Str(b""), NAME),
            (Item::Unsigned(1 << 32), NAME),
            (Item::Signed(-1), NAME),
            (Item::Float(1.5), NAME),
            (Item::Float(-1.0), NAME),
            (Item::Nil, NAME),
        ] {
            assert_eq!(array_index(&key), index, "{key:?}");
        }
    }

    #[test]
    fn a_scan_goes_no_deeper_than_the_walk() {
        let nested = |depth| [vec![0x91; depth - 1], vec![0x90]].concat();
        assert!(scan(Reader::new(&nested(MAX_DEPTH))).is_ok());
        let deeper = nested(MAX_DEPTH + 1);
        assert_eq!(scan(Reader::new(&deeper)).err(), Some(DecodeError::TooDeep));
    }
}
