//! The base link OBL/1: frames of type, flags, sequence number and fields, over TLS 1.3.
//!
//! ```text
//! 0  u32 length   octets after this field
//! 4  u16 type
//! 6  u16 flags    0001 response, 0002 error, 0004 event
//! 8  u32 seq      per sender, from 1; a response repeats the request's
//! 12 fields       u16 tag, u16 length, value; tag bit 15 = must be understood
//! ```

mod coding;
pub mod number;

pub use coding::{Coding, LinkFault};

/// A response to a request of the same type.
pub const RESPONSE: u16 = 1;
/// A response that says what went wrong.
pub const ERROR: u16 = 2;
/// Nobody answers it.
pub const EVENT: u16 = 4;
/// "Must be understood."
pub const CRITICAL: u16 = 0x8000;

/// One frame of the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// One of [`number::kind`].
    pub kind: u16,
    /// [`RESPONSE`], [`ERROR`], [`EVENT`].
    pub flags: u16,
    /// The sender's count; set by whoever sends.
    pub seq: u32,
    /// Tag and value, in the order of the wire. The tag has its top bit when the field is critical.
    pub fields: Vec<(u16, Vec<u8>)>,
}

impl Frame {
    /// A request.
    pub const fn request(kind: u16) -> Self {
        Self { kind, flags: 0, seq: 0, fields: Vec::new() }
    }

    /// An event.
    pub const fn event(kind: u16) -> Self {
        Self { kind, flags: EVENT, seq: 0, fields: Vec::new() }
    }

    /// The response to this request.
    pub const fn response(&self) -> Self {
        Self { kind: self.kind, flags: RESPONSE, seq: self.seq, fields: Vec::new() }
    }

    /// The answer to this request when it cannot be done.
    pub fn error(&self, code: u16, text: &str) -> Self {
        let error = Self { kind: number::kind::ERROR, flags: ERROR, seq: self.seq, fields: vec![] };
        let error = error.u16(number::tag::ERR_CODE, code).u32(number::tag::ERR_SEQ, self.seq);
        error.text(number::tag::TEXT, text)
    }

    /// Adds a field.
    pub fn bytes(mut self, tag: u16, value: &[u8]) -> Self {
        self.fields.push((tag, value.to_vec()));
        self
    }

    /// Adds text.
    pub fn text(self, tag: u16, value: &str) -> Self {
        self.bytes(tag, value.as_bytes())
    }

    /// Adds one octet.
    pub fn u8(self, tag: u16, value: u8) -> Self {
        self.bytes(tag, &[value])
    }

    /// Adds two octets.
    pub fn u16(self, tag: u16, value: u16) -> Self {
        self.bytes(tag, &value.to_be_bytes())
    }

    /// Adds four octets.
    pub fn u32(self, tag: u16, value: u32) -> Self {
        self.bytes(tag, &value.to_be_bytes())
    }

    /// Adds eight octets.
    pub fn u64(self, tag: u16, value: u64) -> Self {
        self.bytes(tag, &value.to_be_bytes())
    }

    /// The first field with this tag, critical or not.
    pub fn get(&self, tag: u16) -> Option<&[u8]> {
        self.all(tag).next()
    }

    /// All fields with this tag.
    pub fn all(&self, tag: u16) -> impl Iterator<Item = &[u8]> {
        self.fields.iter().filter(move |(t, _)| t & !CRITICAL == tag).map(|(_, value)| value.as_slice())
    }

    /// A number of one to eight octets.
    pub fn number(&self, tag: u16) -> Option<u64> {
        let value = self.get(tag).filter(|value| (1..=8).contains(&value.len()))?;
        Some(value.iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet)))
    }

    /// Text, or nothing when it is not UTF-8.
    pub fn string(&self, tag: u16) -> Option<&str> {
        std::str::from_utf8(self.get(tag)?).ok()
    }

    /// The first critical tag that is not in `known`.
    pub fn unknown_critical(&self, known: &[u16]) -> Option<u16> {
        let critical = self.fields.iter().map(|(tag, _)| *tag).filter(|tag| tag & CRITICAL != 0);
        critical.map(|tag| tag & !CRITICAL).find(|tag| !known.contains(tag))
    }

    /// Whether it wants a response.
    pub const fn is_request(&self) -> bool {
        self.flags & (RESPONSE | ERROR | EVENT) == 0
    }
}
