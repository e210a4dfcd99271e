//! A piece of text that shares its buffer.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use bytes::Bytes;
use bytestring::ByteString;

/// UTF-8 text that is a slice of a received buffer, or owned; cloning copies nothing, and UTF-8 is
/// checked once, when the buffer is taken in.
#[derive(Clone, Default)]
pub struct Text(ByteString);

impl Text {
    /// A slice of `buffer`, or `None` when it is not UTF-8.
    pub fn from_utf8(buffer: Bytes) -> Option<Self> {
        ByteString::try_from(buffer).ok().map(Self)
    }

    /// Text known when the program was written.
    pub const fn from_static(text: &'static str) -> Self {
        Self(ByteString::from_static(text))
    }

    /// As `str`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part of this text that `part` points into, sharing the buffer. A `part` from elsewhere is
    /// copied.
    pub fn share(&self, part: &str) -> Self {
        let within = self.as_bytes().as_ptr_range();
        match part.as_bytes().as_ptr_range() {
            _ if part.is_empty() => Self::default(),
            range if within.start <= range.start && range.end <= within.end => Self(self.0.slice_ref(part)),
            _ => Self::from(part),
        }
    }

    /// A copy of its own. What is kept for long (a dialog's routes, a binding's contact) should be
    /// detached, or it keeps the whole buffer it was received in.
    pub fn detached(&self) -> Self {
        Self::from(self.as_str())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(ByteString::from(text))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(ByteString::from(text))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_shares_the_buffer_and_a_stranger_is_copied() {
        let whole = Text::from("one two".to_owned());
        let part = whole.share(&whole[4..]);
        assert_eq!(part.as_bytes().as_ptr(), whole.as_bytes()[4..].as_ptr());
        let stranger = "two".to_owned();
        let copied = whole.share(&stranger);
        assert_eq!((copied.as_str(), copied.as_bytes().as_ptr() != stranger.as_ptr()), ("two", true));
        assert_ne!(part.detached().as_bytes().as_ptr(), part.as_bytes().as_ptr());
        assert_eq!(Text::from_utf8(Bytes::from_static(b"\xff")), None);
    }
}
