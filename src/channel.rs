//! Every channel's name, built and parsed in one place.

use crate::dialect::Dialect;
use crate::id::{Namespace, Uid};
use crate::json::surrogate;
use crate::room::Room;

/// The channels of one namespace.
///
/// In the classic dialect, as @socket.io/redis-adapter 6-8 and socket.io-redis 5-6 spell them: broadcasts go
/// to `key#nsp#`, those to exactly one room to `key#nsp#room#`; every server subscribes to both with
/// the pattern `key#nsp#*`. Requests go to `key-request#nsp#`, answers to `key-response#nsp#` or, for
/// one server alone (since 7.1), to `key-response#nsp#uid#`.
///
/// In the sharded one, as @socket.io/redis-adapter 8.3.0 spells them: requests go where broadcasts do, and
/// answers to `key#nsp#uid#`, which looks like a room's.
#[derive(Clone, Debug)]
pub struct Channels {
    broadcast: Box<str>,
    pattern: Box<str>,
    request: Box<str>,
    response: Box<str>,
}

impl Channels {
    /// The classic channels of `nsp` under `key` (the option `key`, "socket.io" by default).
    pub fn new(key: &str, nsp: &Namespace) -> Self {
        Self::of(Dialect::Classic, key, nsp)
    }

    /// The channels of `nsp` under `key` in a dialect.
    pub fn of(dialect: Dialect, key: &str, nsp: &Namespace) -> Self {
        let broadcast = format!("{key}#{}#", nsp.as_str());
        // The published packages do not escape, so namespaces with [ ] in their names are deaf there.
        let mut pattern = String::with_capacity(broadcast.len().saturating_add(1));
        for character in broadcast.chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('*');
        let broadcast: Box<str> = broadcast.into();
        let (request, response) = match dialect {
            Dialect::Classic => (
                format!("{key}-request#{}#", nsp.as_str()).into(),
                format!("{key}-response#{}#", nsp.as_str()).into(),
            ),
            Dialect::Sharded => (broadcast.clone(), broadcast.clone()),
        };
        Self { broadcast, pattern: pattern.into(), request, response }
    }

    /// The channel of what servers ask each other.
    pub fn request(&self) -> &str {
        &self.request
    }

    /// The channel of answers that every server hears; in the sharded dialect there is none.
    pub fn response(&self) -> &str {
        &self.response
    }

    /// The channel of answers that the server `uid` alone hears.
    pub fn response_to(&self, uid: &str) -> String {
        format!("{}{uid}#", self.response)
    }

    /// The channel of broadcasts to exactly this room, as Redis and its clients spell it: a lone
    /// surrogate, which UTF-8 has not, is U+FFFD.
    pub fn room(&self, room: Room<'_>) -> String {
        let mut name = String::from(self.broadcast());
        let text = room.text();
        let mut rest = &*text;
        while let Err(error) = std::str::from_utf8(rest) {
            let (valid, odd) = rest.split_at(error.valid_up_to());
            name.push_str(std::str::from_utf8(valid).unwrap_or_default());
            name.push(char::REPLACEMENT_CHARACTER);
            let taken = if surrogate::decode(odd).is_some() { 3 } else { 1 };
            rest = odd.get(taken..).unwrap_or_default();
        }
        name.push_str(std::str::from_utf8(rest).unwrap_or_default());
        name.push('#');
        name
    }

    /// The channel of broadcasts to everybody, or to more than one room; also the prefix of the
    /// rooms' channels.
    pub fn broadcast(&self) -> &str {
        &self.broadcast
    }

    /// The glob-style pattern that matches the broadcast channel and each room's.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Writes the name of the channel that a broadcast to `rooms` goes to: the room's own if it
    /// is exactly one (and has one, see [`has_channel`](crate::options::SubscriptionMode::has_channel)).
    pub fn write_target(&self, rooms: &[Room<'_>], out: &mut Vec<u8>) {
        out.extend_from_slice(self.broadcast.as_bytes());
        if let [room] = rooms {
            out.extend_from_slice(&room.text());
            out.push(b'#');
        }
    }

    /// The channel on which the server `uid` tries whether its subscription is alive: spelt like
    /// a room that nobody is in, so that every published server drops it unread. In the sharded dialect, that
    /// of the answers to this server.
    pub fn probe(&self, uid: &Uid) -> String {
        format!("{}{uid}#", self.broadcast)
    }

    /// What `channel` is to this namespace.
    pub fn parse<'a>(&self, channel: &'a [u8]) -> Parsed<'a> {
        let rest = channel.strip_prefix(self.broadcast.as_bytes());
        match rest {
            None => Parsed::Foreign,
            Some([]) => Parsed::Broadcast,
            Some(rest) => Parsed::Room(rest.strip_suffix(b"#").unwrap_or(rest)),
        }
    }
}

/// What a channel's name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// The namespace's main channel.
    Broadcast,
    /// Another key's or namespace's channel.
    Foreign,
    /// The channel of the room that is spelt so.
    Room(&'a [u8]),
}

/// The rooms that are spelt `text` in a channel's name, most likely first.
///
/// A room that is not a string loses its type there: `42` may be the text or the number.
pub fn rooms_spelt(text: &[u8]) -> impl Iterator<Item = Room<'_>> {
    let other = match text {
        b"true" => Some(Room::Bool(true)),
        b"false" => Some(Room::Bool(false)),
        b"null" => Some(Room::Null),
        b"undefined" => Some(Room::Undefined),
        b"NaN" => Some(Room::Number(f64::NAN)),
        b"Infinity" => Some(Room::Number(f64::INFINITY)),
        b"-Infinity" => Some(Room::Number(f64::NEG_INFINITY)),
        [b'0'..=b'9' | b'-', ..] => {
            std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).map(Room::Number)
        }
        _ => None,
    };
    std::iter::once(Room::Text(text)).chain(other)
}

/// Whether a spelling does not tell the room: UTF-8 has no lone surrogates, and puts U+FFFD for each.
pub fn is_inexact(text: &[u8]) -> bool {
    text.windows(3).any(|bytes| bytes == "\u{fffd}".as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels(nsp: &str) -> Channels {
        Channels::new("socket.io", &Namespace::parse(nsp).expect("a namespace"))
    }

    fn target(rooms: &[Room<'_>]) -> String {
        let mut out = Vec::new();
        channels("/admin").write_target(rooms, &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn only_a_single_room_has_its_own_channel() {
        assert_eq!(target(&[]), "socket.io#/admin#");
        assert_eq!(target(&[Room::Text(b"a")]), "socket.io#/admin#a#");
        assert_eq!(target(&[Room::Number(42.0)]), "socket.io#/admin#42#");
        assert_eq!(target(&[Room::Text(b"")]), "socket.io#/admin##");
        assert_eq!(target(&[Room::Text(b"a"), Room::Text(b"b")]), "socket.io#/admin#");
    }

    #[test]
    fn the_channel_of_a_room_is_text() {
        assert_eq!(channels("/").room(Room::Text("ä".as_bytes())), "socket.io#/#ä#");
        assert_eq!(channels("/").room(Room::Number(4.5)), "socket.io#/#4.5#");
        assert_eq!(channels("/").room(Room::Text(b"a\xed\xa0\x80b")), "socket.io#/#a\u{fffd}b#");
    }

    #[test]
    fn requests_and_answers_have_channels_beside_the_broadcasts() {
        assert_eq!(channels("/a").request(), "socket.io-request#/a#");
        assert_eq!(channels("/a").response(), "socket.io-response#/a#");
        assert_eq!(channels("/a").response_to("KgkYV5"), "socket.io-response#/a#KgkYV5#");
    }

    #[test]
    fn sharded_requests_go_where_broadcasts_do_and_answers_to_one_server() {
        let nsp = Namespace::parse("/a").expect("a namespace");
        let channels = Channels::of(Dialect::Sharded, "app", &nsp);
        assert_eq!(channels.broadcast(), "app#/a#");
        assert_eq!(channels.request(), channels.broadcast());
        assert_eq!(channels.response_to("1a7a836433effa54"), "app#/a#1a7a836433effa54#");
        assert_eq!(channels.room(Room::Text(b"room")), "app#/a#room#");
    }

    #[test]
    fn a_pattern_matches_its_namespace_to_the_letter() {
        assert_eq!(channels("/").pattern(), "socket.io#/#*");
        assert_eq!(channels(r"/a[b]*?\c").pattern(), r"socket.io#/a\[b\]\*\?\\c#*");
    }

    #[test]
    fn a_channel_is_parsed_back() {
        let channels = channels("/");
        assert_eq!(channels.parse(b"socket.io#/#"), Parsed::Broadcast);
        assert_eq!(channels.parse(b"socket.io#/#a#b#"), Parsed::Room(b"a#b"));
        assert_eq!(channels.parse(b"socket.io#/##"), Parsed::Room(b""));
        assert_eq!(channels.parse(b"socket.io#/admin#"), Parsed::Foreign);
        assert_eq!(channels.parse(b""), Parsed::Foreign);
    }

    #[test]
    fn a_spelling_names_the_rooms_of_each_type() {
        let spelt = |text: &'static str| rooms_spelt(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(spelt("a"), [Room::Text(b"a")]);
        assert_eq!(spelt("42"), [Room::Text(b"42"), Room::Number(42.0)]);
        assert_eq!(spelt("-0.5"), [Room::Text(b"-0.5"), Room::Number(-0.5)]);
        assert_eq!(spelt("4a"), [Room::Text(b"4a")]);
        assert_eq!(spelt("null"), [Room::Text(b"null"), Room::Null]);
    }

    #[test]
    fn a_replacement_character_leaves_open_which_room_is_meant() {
        assert!(is_inexact("a\u{fffd}b".as_bytes()));
        assert!(!is_inexact("aäb".as_bytes()));
        assert!(!is_inexact(b""));
    }
}
