//! A message that is written member by member, in either form.

use crate::dialect::Data;
use crate::dialect::names::write_names;
use crate::id::{Namespace, Uid};
use crate::json;
use crate::msgpack::{self, Reader};
use crate::room::Room;
use crate::transcode::msgpack_to_json;

/// A message whose data is being written. Names of members are plain ASCII.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    is_json: bool,
}

impl<'a> Writer<'a> {
    /// A message at the end of `out`, whose data has so many members. It becomes JSON if all of `content`
    /// fits it.
    pub(super) fn begin(
        out: &'a mut Vec<u8>,
        kind: u64,
        content: Option<Data<'_>>,
        members: u32,
    ) -> Self {
        let is_json = content.is_none_or(Data::fits_json);
        let mut writer = Self { out, is_json };
        writer.head(4);
        writer.number("type", kind);
        writer.object("data", members);
        writer
    }

    /// Ends the data and the message.
    pub(super) fn end(mut self, uid: &Uid, nsp: &Namespace) {
        self.end_object();
        self.text("uid", uid.as_str().as_bytes());
        self.text("nsp", nsp.as_str().as_bytes());
        self.end_object();
    }

    /// Begins an object of so many members.
    pub(super) fn object(&mut self, name: &str, members: u32) {
        self.member(name);
        self.head(members);
    }

    pub(super) fn end_object(&mut self) {
        if self.is_json {
            self.out.push(b'}');
        }
    }

    /// Adds a text; a lone surrogate in it takes three bytes, and is escaped in JSON.
    pub(super) fn text(&mut self, name: &str, text: &[u8]) {
        let mut value = Vec::with_capacity(text.len().saturating_add(5));
        msgpack::write_str(&mut value, text);
        self.value(name, &value);
    }

    pub(super) fn number(&mut self, name: &str, number: u64) {
        self.member(name);
        if self.is_json {
            self.out.extend_from_slice(number.to_string().as_bytes());
        } else {
            msgpack::write_unsigned(self.out, number);
        }
    }

    pub(super) fn boolean(&mut self, name: &str, value: bool) {
        self.member(name);
        if self.is_json {
            self.out.extend_from_slice(if value { b"true" } else { b"false" });
        } else {
            msgpack::write_bool(self.out, value);
        }
    }

    /// Adds a list of names.
    pub(super) fn names<'n>(&mut self, name: &str, names: impl Iterator<Item = Room<'n>> + Clone) {
        let mut list = Vec::new();
        write_names(&mut list, names.clone().count(), names);
        self.value(name, &list);
    }

    /// Adds a value of the host's, or one that was read.
    pub(super) fn data<E>(&mut self, name: &str, data: Data<'_>) -> Result<(), E>
    where
        E: From<json::DecodeError> + From<msgpack::DecodeError>,
    {
        self.member(name);
        if self.is_json {
            data.write_json(self.out)?;
        } else {
            data.write_messagepack(self.out)?;
        }
        Ok(())
    }

    /// Adds what was just written as MessagePack, and can be read.
    fn value(&mut self, name: &str, value: &[u8]) {
        self.member(name);
        if self.is_json {
            let _ = msgpack_to_json(&mut Reader::new(value), self.out, &mut Vec::new());
        } else {
            self.out.extend_from_slice(value);
        }
    }

    fn member(&mut self, name: &str) {
        if !self.is_json {
            return msgpack::write_str(self.out, name.as_bytes());
        }
        if !self.out.ends_with(b"{") {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn head(&mut self, members: u32) {
        if self.is_json {
            self.out.push(b'{');
        } else {
            msgpack::write_map_header(self.out, members);
        }
    }
}
