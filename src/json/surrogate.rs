//! Surrogates, which a JavaScript string may hold alone and UTF-8 never: on the wire they take the
//! three bytes that WTF-8 gives them.

/// The character that two surrogates make.
pub(super) fn pair(high: u16, low: u16) -> char {
    let code = u32::from(high & 0x3ff) << 10 | u32::from(low & 0x3ff);
    char::from_u32(code.saturating_add(0x1_0000)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The surrogate that a text starts with.
pub(crate) fn decode(text: &[u8]) -> Option<u16> {
    match *text {
        [0xed, middle @ 0xa0..=0xbf, last @ 0x80..=0xbf, ..] => {
            Some(0xd000 | u16::from(middle & 0x3f) << 6 | u16::from(last & 0x3f))
        }
        _ => None,
    }
}

/// The bytes of a surrogate.
pub(crate) fn encode(unit: u16) -> [u8; 3] {
    [0xed, 0x80 | (unit >> 6 & 0x3f) as u8, 0x80 | (unit & 0x3f) as u8]
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn every_surrogate_is_read_as_it_is_written() {
        for unit in 0xd800..=0xdfff {
            assert_eq!(decode(&encode(unit)), Some(unit));
        }
    }

    #[test]
    fn other_characters_are_none() {
        for text in ["\u{d7ff}", "\u{e000}", "a", ""] {
            assert_eq!(decode(text.as_bytes()), None);
        }
        assert_eq!(decode(b"\xed\xa0"), None);
    }

    #[test]
    fn pairs_are_what_utf_16_makes_of_them() {
        for character in ['\u{10000}', '😀', '\u{10ffff}'] {
            let mut units = [0; 2];
            character.encode_utf16(&mut units);
            assert_eq!(pair(units[0], units[1]), character);
        }
    }
}
