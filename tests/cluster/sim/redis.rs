//! The part of Redis that the servers share: who subscribed to what.

use std::collections::BTreeSet;

use socketio_redis_edge::adapter::{Name, NameKind};

/// One connection of a server: its number and how many it had before.
pub(crate) type Connection = (usize, u32);

#[derive(Default)]
pub(crate) struct Redis {
    channels: BTreeSet<(String, Connection)>,
    patterns: BTreeSet<(String, Connection)>,
}

impl Redis {
    pub(crate) fn subscribe(&mut self, connection: Connection, name: Name) {
        self.names(name.kind).insert((name.name, connection));
    }

    pub(crate) fn unsubscribe(&mut self, connection: Connection, name: Name) {
        self.names(name.kind).remove(&(name.name, connection));
    }

    const fn names(&mut self, kind: NameKind) -> &mut BTreeSet<(String, Connection)> {
        match kind {
            NameKind::Channel => &mut self.channels,
            NameKind::Pattern => &mut self.patterns,
        }
    }

    /// Forgets a server that is no longer connected.
    pub(crate) fn disconnect(&mut self, server: usize) {
        self.channels.retain(|(_, (of, _))| *of != server);
        self.patterns.retain(|(_, (of, _))| *of != server);
    }

    /// How many names a server is subscribed to.
    pub(crate) fn subscriptions(&self, server: usize) -> usize {
        let all = self.channels.iter().chain(&self.patterns);
        all.filter(|(_, (of, _))| *of == server).count()
    }

    /// The servers that are subscribed to a channel by its name (PUBSUB NUMSUB counts them).
    pub(crate) fn named(&self, channel: &str) -> BTreeSet<usize> {
        let from = (channel.to_owned(), (0, 0));
        let named = self.channels.range(from..).take_while(|(name, _)| name == channel);
        named.map(|(_, (server, _))| *server).collect()
    }

    /// The connections that a message on `channel` goes to, once for each name that matches.
    pub(crate) fn subscribers(&self, channel: &[u8]) -> Vec<Connection> {
        let exact = self.channels.iter().filter(|(name, _)| name.as_bytes() == channel);
        let matching = self.patterns.iter().filter(|(name, _)| matches(name.as_bytes(), channel));
        exact.chain(matching).map(|(_, connection)| *connection).collect()
    }
}

/// Whether a glob-style pattern matches, as PSUBSCRIBE does it (ranges and negations left out).
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|start| matches(rest, &text[start..])),
        ([b'[', rest @ ..], [first, text @ ..]) => {
            let end = rest.iter().position(|&byte| byte == b']');
            let end = end.unwrap_or(rest.len() - 1);
            rest[..end].contains(first) && matches(&rest[end + 1..], text)
        }
        ([b'?', rest @ ..], [_, text @ ..]) => matches(rest, text),
        ([b'\\', byte, rest @ ..] | [byte, rest @ ..], [first, text @ ..]) => {
            byte == first && matches(rest, text)
        }
        (_, []) => false,
    }
}
