//! Frames: where one ends, and what its head says.

use std::fmt;

use super::field::{Fields, put};

/// Octets of the length and of the head.
pub const HEADER: usize = 12;
/// Smallest value of the length field: a head without fields.
pub const SHORTEST: u32 = 8;
/// Largest value of the length field.
pub const LONGEST: u32 = 65_535;
/// Largest value of the length field before WELCOME: a stranger gets no more memory than this.
pub const LONGEST_UNKNOWN: u32 = 2048;

/// The type of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType(pub u16);

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

/// What a frame is. Bits that have no name are kept and mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(pub u16);

impl Flags {
    /// A request, or a word that is neither answered nor an event.
    pub const NONE: Self = Self(0);
    /// The answer to a request of the same type and sequence number.
    pub const RESPONSE: Self = Self(1);
    /// Something went wrong.
    pub const ERROR: Self = Self(2);
    /// No reply is expected.
    pub const EVENT: Self = Self(4);

    /// Whether all bits of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What stands before the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Which message.
    pub kind: MessageType,
    /// Request, response, error or event.
    pub flags: Flags,
    /// Number of the frame among its sender's, from 1; in a response that of the request.
    pub seq: u32,
}

/// One frame as it lies in the receive buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its head.
    pub head: Head,
    /// Its fields.
    pub body: &'a [u8],
}

/// Octets that are no frames: there is no telling where the next one begins. The link ends with
/// GOODBYE(protocol).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The length field is out of bounds.
    #[error("a frame has a length of {SHORTEST} to {longest}, not {length}")]
    Length {
        /// What it says.
        length: u32,
        /// What it may say now.
        longest: u32,
    },
    /// A field goes on after the end of its frame.
    #[error("field {tag:04X} runs over the end of frame {kind}")]
    Overrun {
        /// In which message.
        kind: MessageType,
        /// Which field; 0 when not even its tag is whole.
        tag: u16,
    },
}

/// The first frame of `buffer` and its length in octets, or `None` while it is not whole. `longest` is what
/// its length field may say: [`LONGEST_UNKNOWN`] or [`LONGEST`].
pub fn cut(buffer: &[u8], longest: u32) -> Result<Option<(Frame<'_>, usize)>, Malformed> {
    let Some(&length) = buffer.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(length);
    if !(SHORTEST..=longest).contains(&length) {
        return Err(Malformed::Length { length, longest });
    }
    let whole = 4 + length as usize;
    let Some((head, body)) = buffer.get(..whole).and_then(|frame| frame[4..].split_first_chunk::<8>()) else {
        return Ok(None);
    };
    let [k, l, f, g, seq @ ..] = *head;
    let kind = MessageType(u16::from_be_bytes([k, l]));
    Fields::walk(body).map_err(|tag| Malformed::Overrun { kind, tag })?;
    let head = Head { kind, flags: Flags(u16::from_be_bytes([f, g])), seq: u32::from_be_bytes(seq) };
    Ok(Some((Frame { head, body }, whole)))
}

/// Appends a frame to `out`. `fields` writes what comes after the head.
pub fn write(head: Head, out: &mut Vec<u8>, fields: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; 4]);
    put(out, &head.kind.0.to_be_bytes());
    put(out, &head.flags.0.to_be_bytes());
    put(out, &head.seq.to_be_bytes());
    fields(out);
    let length = (out.len() - start - 4) as u32;
    debug_assert!(length <= LONGEST, "no word of ours is that long");
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}
