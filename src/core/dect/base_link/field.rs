//! Fields: tag, length, value; how often each may stand, and what is said of a bad one.

use super::code::ErrorCode;
use super::frame::MessageType;
use super::tag::Tag;
use super::value::Value;

/// Most repetitions of one field. A handset holds one connection, a base station has 12 to 24 slots, and
/// a system has 256 radios.
pub const MOST_REPEATED: usize = 256;
/// "tag bit 15 = must-understand".
pub const MUST_UNDERSTAND: u16 = 0x8000;

/// What is wrong with one frame. The link lives on; the sender is told with ERROR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No message has this type, or not from this side.
    #[error("message type {0} is not known here")]
    UnknownType(MessageType),
    /// A field is not known and must be.
    #[error("field {0:04X} must be understood and is not known here")]
    UnknownCritical(u16),
    /// A mandatory field does not stand.
    #[error("{0} is missing")]
    Missing(Tag),
    /// A value is too short, too long, or none of those that exist.
    #[error("{0} has a value that is not allowed")]
    Value(Tag),
    /// A field stands too often.
    #[error("{0} stands more than {MOST_REPEATED} times")]
    TooMany(Tag),
}

impl Fault {
    /// What the sender is told.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::UnknownType(_) => ErrorCode::UNKNOWN_TYPE,
            Self::UnknownCritical(_) => ErrorCode::UNKNOWN_CRITICAL,
            Self::Missing(_) | Self::Value(_) | Self::TooMany(_) => ErrorCode::BAD_TLV,
        }
    }
}

/// The fields of one frame. None runs over the end: [`super::frame::cut`] has looked.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// All tags and values, or the tag of the field that runs over the end.
    pub(super) fn walk(mut body: &[u8]) -> Result<(), u16> {
        while !body.is_empty() {
            body = Self::split(body).ok_or(body.first_chunk().map_or(0, |tag| u16::from_be_bytes(*tag)))?.2;
        }
        Ok(())
    }

    fn split(body: &[u8]) -> Option<(u16, &[u8], &[u8])> {
        let (&[t, u, l, m], rest) = body.split_first_chunk::<4>()?;
        let (value, rest) = rest.split_at_checked(u16::from_be_bytes([l, m]).into())?;
        Some((u16::from_be_bytes([t, u]), value, rest))
    }

    /// Of a frame's body, once every field that must be understood is.
    pub fn of(body: &'a [u8]) -> Result<Self, Fault> {
        let fields = Self(body);
        let critical = |tag: &u16| tag & MUST_UNDERSTAND != 0 && !Tag(tag & !MUST_UNDERSTAND).is_known();
        match fields.all().map(|(tag, _)| tag).find(critical) {
            Some(tag) => Err(Fault::UnknownCritical(tag & !MUST_UNDERSTAND)),
            None => Ok(fields),
        }
    }

    fn all(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (tag, value, after) = Self::split(rest)?;
            rest = after;
            Some((tag, value))
        })
    }

    fn values(self, tag: Tag) -> impl Iterator<Item = &'a [u8]> {
        self.all().filter(move |(found, _)| found & !MUST_UNDERSTAND == tag.0).map(|(_, value)| value)
    }
}

/// How often a field stands: a value once, an `Option` at most once, a `Vec` as often as there are values.
pub trait Carried: Sized {
    /// Reads it.
    fn take(fields: Fields<'_>, tag: Tag) -> Result<Self, Fault>;
    /// Writes it.
    fn give(&self, tag: Tag, out: &mut Vec<u8>);
}

impl<T: Value> Carried for T {
    fn take(fields: Fields<'_>, tag: Tag) -> Result<Self, Fault> {
        let octets = fields.values(tag).next().ok_or(Fault::Missing(tag))?;
        T::read(octets).ok_or(Fault::Value(tag))
    }

    fn give(&self, tag: Tag, out: &mut Vec<u8>) {
        put(out, &tag.0.to_be_bytes());
        let length = out.len();
        put(out, &[0; 2]);
        self.write(out);
        // Every value has a bound below this; a longer one is a bug of ours, and its frame stays whole.
        let written = u16::try_from(out.len() - length - 2).unwrap_or(u16::MAX);
        out.truncate(length + 2 + usize::from(written));
        out[length..length + 2].copy_from_slice(&written.to_be_bytes());
    }
}

impl<T: Value> Carried for Option<T> {
    fn take(fields: Fields<'_>, tag: Tag) -> Result<Self, Fault> {
        fields.values(tag).next().map(|octets| T::read(octets).ok_or(Fault::Value(tag))).transpose()
    }

    fn give(&self, tag: Tag, out: &mut Vec<u8>) {
        if let Some(value) = self {
            value.give(tag, out);
        }
    }
}

impl<T: Value> Carried for Vec<T> {
    fn take(fields: Fields<'_>, tag: Tag) -> Result<Self, Fault> {
        if fields.values(tag).nth(MOST_REPEATED).is_some() {
            return Err(Fault::TooMany(tag));
        }
        fields.values(tag).map(|octets| T::read(octets).ok_or(Fault::Value(tag))).collect()
    }

    fn give(&self, tag: Tag, out: &mut Vec<u8>) {
        self.iter().take(MOST_REPEATED).for_each(|value| value.give(tag, out));
    }
}

pub(super) fn put(out: &mut Vec<u8>, octets: &[u8]) {
    out.extend_from_slice(octets);
}
