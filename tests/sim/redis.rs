//! The part of Redis that the servers share: who subscribed to what.

use std::collections::BTreeSet;

/// One connection of a server: its number and how many it had before.
pub(crate) type Connection = (usize, u32);

#[derive(Default)]
pub(crate) struct Redis {
    subscriptions: BTreeSet<(Connection, String)>,
}

impl Redis {
    pub(crate) fn subscribe(&mut self, connection: Connection, pattern: String) {
        self.subscriptions.insert((connection, pattern));
    }

    pub(crate) fn unsubscribe(&mut self, connection: Connection, pattern: String) {
        self.subscriptions.remove(&(connection, pattern));
    }

    /// Forgets a server that is no longer connected.
    pub(crate) fn disconnect(&mut self, server: usize) {
        self.subscriptions.retain(|((of, _), _)| *of != server);
    }

    pub(crate) fn is_subscribed(&self, server: usize) -> bool {
        self.subscriptions.iter().any(|((of, _), _)| *of == server)
    }

    /// The connections that a message on `channel` goes to, once for each pattern.
    pub(crate) fn subscribers(&self, channel: &[u8]) -> Vec<Connection> {
        self.subscriptions
            .iter()
            .filter(|(_, pattern)| matches(pattern.as_bytes(), channel))
            .map(|(connection, _)| *connection)
            .collect()
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
