//! Objects that are written member by member.

use super::write_text;
use crate::appender::Appender;

/// An object that is being written. Names of members are plain ASCII.
pub(crate) struct Object<'a>(&'a mut Vec<u8>);

impl<'a> Object<'a> {
    /// An object at the end of `out`.
    pub(crate) fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self(out)
    }

    /// Begins a member, whose value is to be written next.
    pub(crate) fn member(&mut self, name: &str) -> &mut Vec<u8> {
        let out = &mut *self.0;
        if !out.ends_with(b"{") {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        out
    }

    /// Adds a text; a lone surrogate in it takes three bytes, and is escaped.
    pub(crate) fn text(&mut self, name: &str, text: &[u8]) {
        let out = self.member(name);
        let mut appender = Appender::new(out, text.len().saturating_add(2));
        write_text(&mut appender, text, text.len(), b',');
        appender.strip_comma();
    }

    /// Adds an integer.
    pub(crate) fn number(&mut self, name: &str, number: u64) {
        self.member(name).extend_from_slice(number.to_string().as_bytes());
    }

    /// Adds a truth value.
    pub(crate) fn boolean(&mut self, name: &str, value: bool) {
        self.member(name).extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Begins an object inside this one.
    pub(crate) fn object(&mut self, name: &str) -> Object<'_> {
        Object::begin(self.member(name))
    }

    /// Ends the object.
    pub(crate) fn end(self) {
        self.0.push(b'}');
    }
}
