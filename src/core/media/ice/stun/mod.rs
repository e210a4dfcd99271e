//! STUN messages (RFC 5389), and the dialects of them that Microsoft's ICE speaks.
//!
//! ```text
//! datagram ── Message::parse ──► attributes, where they stand ── integrity(key, rule) ──► believed or not
//! Builder::request(…).number(…).text(…) ── finish(key) ──► datagram
//! ```
//!
//! Terminology: a *dialect* says how a message is written; the *rule* of its MESSAGE-INTEGRITY is a
//! part of that. A receiver finds the dialect out by trying ([`Message::dialect`]).
//!
//! Out of scope: the shared secret of RFC 3489 and MESSAGE-INTEGRITY-SHA256, which no peer of ours asks
//! for while we call ourselves IMPLEMENTATION-VERSION 2.

pub mod attribute;
mod builder;
pub(super) mod digest;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

pub use builder::{Builder, with_old_fingerprint};
pub use digest::{IntegrityRule, long_term_key};

use attribute as attr;

/// Octets of the header (RFC 5389 §6).
pub const HEADER: usize = 20;
/// RFC 5389 §6.
pub const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
/// Attributes that are read from one message; more are a fault.
pub const MAX_ATTRIBUTES: usize = 48;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// RFC 5389 as it stands.
    Rfc5389,
    /// \[MS-ICE2\] with IMPLEMENTATION-VERSION 2: cookie and FINGERPRINT of RFC 5389, but
    /// MESSAGE-INTEGRITY and the filling of USERNAME in the manner of RFC 3489.
    #[default]
    MsIce2,
    /// RFC 3489 and its revision 02: sixteen octets of transaction, no FINGERPRINT.
    Rfc3489,
}

impl Dialect {
    /// How its MESSAGE-INTEGRITY is computed.
    pub const fn rule(self) -> IntegrityRule {
        match self {
            Self::Rfc5389 => IntegrityRule::Rfc5389,
            Self::MsIce2 => IntegrityRule::MsIce2,
            Self::Rfc3489 => IntegrityRule::Rfc3489,
        }
    }

    /// Whether the transaction begins with the cookie and a FINGERPRINT ends the message.
    pub const fn modern(self) -> bool {
        !matches!(self, Self::Rfc3489)
    }
}

/// RFC 5389 §6: the class of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Wants a response.
    Request,
    /// Wants none.
    Indication,
    /// It worked.
    Success,
    /// It did not.
    Error,
}

/// Sixteen octets that pair a response with its request: cookie and transaction of RFC 5389 §6, or the
/// 128-bit transaction of RFC 3489 §11.1.
pub type Transaction = [u8; 16];

/// Why bytes are no message (the peer's fault).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StunFault {
    /// The first two bits are set, or there is no whole header: something else came to the port.
    #[error("STUN: no header of 20 octets with two zero bits in front")]
    NoHeader,
    /// The header's length is not what came.
    #[error("STUN: the header says {said} octets follow, {came} came")]
    Length {
        /// From the header.
        said: usize,
        /// What there is.
        came: usize,
    },
    /// An attribute reaches over the end.
    #[error("STUN: attribute {0:#06x} reaches over the end")]
    Overrun(u16),
    /// More than [`MAX_ATTRIBUTES`].
    #[error("STUN: more than 48 attributes")]
    TooMany,
}

/// What became of checking a MESSAGE-INTEGRITY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integrity {
    /// There is none.
    Missing,
    /// It is of another key or of other content.
    Wrong,
    /// It is right.
    Right,
}

/// What a FINGERPRINT says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fingerprint {
    /// There is none.
    Missing,
    /// Neither right nor that of an old stack.
    Wrong,
    /// RFC 5389 §15.5.
    Right,
    /// As old stacks compute it, with one wrong entry in their table.
    Old,
}

/// Whether attributes are filled up to four octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alignment {
    /// RFC 5389 §15.
    Four,
    /// \[MS-TURN\]: they follow each other closely.
    None,
}

/// Whether a datagram is STUN rather than RTP or RTCP, which begin with the bits 10 (RFC 5245 §2.2).
pub fn is_stun(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER
        && bytes[0] & 0xC0 == 0
        && usize::from(u16::from_be_bytes([bytes[2], bytes[3]])) == bytes.len() - HEADER
}

/// A message that was received: the datagram and where its attributes stand.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    bytes: &'a [u8],
    /// Type, start of the value, length of the value.
    attributes: Vec<(u16, usize, usize)>,
}

impl<'a> Message<'a> {
    /// Reads a datagram with attributes in steps of four octets.
    ///
    /// # Errors
    ///
    /// When it is no STUN message, or one whose attributes cannot be told apart.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, StunFault> {
        Self::parse_aligned(bytes, Alignment::Four)
    }

    /// The same with the alignment given.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_aligned(bytes: &'a [u8], alignment: Alignment) -> Result<Self, StunFault> {
        if bytes.len() < HEADER || bytes[0] & 0xC0 != 0 {
            return Err(StunFault::NoHeader);
        }
        let (said, came) = (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), bytes.len() - HEADER);
        if said != came {
            return Err(StunFault::Length { said, came });
        }
        let mut message = Self { bytes, attributes: Vec::new() };
        message.read_attributes(alignment)?;
        Ok(message)
    }

    fn read_attributes(&mut self, alignment: Alignment) -> Result<(), StunFault> {
        let (mut at, mut protected) = (HEADER, false);
        while at < self.bytes.len() {
            let Some(&[a, b, c, d]) = self.bytes[at..].first_chunk::<4>() else {
                return Err(StunFault::Overrun(0));
            };
            let (kind, length) = (u16::from_be_bytes([a, b]), usize::from(u16::from_be_bytes([c, d])));
            if at + 4 + length > self.bytes.len() {
                return Err(StunFault::Overrun(kind));
            }
            if self.attributes.len() == MAX_ATTRIBUTES {
                return Err(StunFault::TooMany);
            }
            // RFC 5389 §15.4: "With the exception of the FINGERPRINT attribute, which appears after
            // MESSAGE-INTEGRITY, agents MUST ignore all other attributes that follow MESSAGE-INTEGRITY."
            if !protected || kind == attr::FINGERPRINT {
                self.attributes.push((kind, at + 4, length));
            }
            protected |= kind == attr::MESSAGE_INTEGRITY;
            at += 4 + if alignment == Alignment::Four { length.next_multiple_of(4) } else { length };
        }
        Ok(())
    }

    /// Request, indication, success or error.
    pub fn class(&self) -> Class {
        match (self.bytes[0] & 1, self.bytes[1] & 0x10) {
            (0, 0) => Class::Request,
            (0, _) => Class::Indication,
            (_, 0) => Class::Success,
            _ => Class::Error,
        }
    }

    /// The method, the class bits taken out (RFC 5389 §6, figure 3).
    pub fn method(&self) -> u16 {
        let kind = u16::from_be_bytes([self.bytes[0], self.bytes[1]]);
        (kind & 0x000F) | (kind & 0x00E0) >> 1 | (kind & 0x3E00) >> 2
    }

    /// The first two octets, class and method together, which is how \[MS-TURN\] numbers its messages.
    pub fn kind(&self) -> u16 {
        u16::from_be_bytes([self.bytes[0], self.bytes[1]])
    }

    /// Cookie and transaction.
    pub fn transaction(&self) -> Transaction {
        *self.bytes[4..].first_chunk().expect("parse found a whole header")
    }

    /// Whether the transaction begins with the magic cookie.
    pub fn has_cookie(&self) -> bool {
        self.bytes[4..8] == MAGIC_COOKIE
    }

    /// The value of the first attribute of this type.
    pub fn get(&self, attribute: u16) -> Option<&'a [u8]> {
        self.place(attribute).map(|(at, length)| &self.bytes[at..at + length])
    }

    /// The value as a 32-bit number.
    pub fn number(&self, attribute: u16) -> Option<u32> {
        self.get(attribute)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// The value as a 64-bit number.
    pub fn long(&self, attribute: u16) -> Option<u64> {
        self.get(attribute)?.try_into().ok().map(u64::from_be_bytes)
    }

    /// The value as an address in clear.
    pub fn address(&self, attribute: u16) -> Option<SocketAddr> {
        attr::read_address(self.get(attribute)?)
    }

    /// The value as an address under xor.
    pub fn xor_address(&self, attribute: u16) -> Option<SocketAddr> {
        Some(attr::xor_address(self.address(attribute)?, &self.transaction()))
    }

    /// USERNAME without the zeros that some dialects fill it up with.
    pub fn username(&self) -> Option<&'a [u8]> {
        let value = self.get(attr::USERNAME)?;
        let end = value.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
        Some(&value[..end])
    }

    /// RFC 5389 §15.6: class and number of ERROR-CODE, 300 to 699.
    pub fn error_code(&self) -> Option<u16> {
        let value = self.get(attr::ERROR_CODE)?;
        let (class, number) = (u16::from(*value.get(2)? & 7), u16::from(*value.get(3)?));
        (number < 100).then_some(class * 100 + number)
    }

    /// Types that must be understood and are not among `known` (RFC 5389 §7.3.1), at most eight.
    pub fn unknown(&self, known: &[u16]) -> Vec<u16> {
        let required =
            self.attributes.iter().map(|(kind, ..)| *kind).filter(|k| attr::comprehension_required(*k));
        required.filter(|kind| !known.contains(kind)).take(8).collect()
    }

    /// Checks MESSAGE-INTEGRITY.
    pub fn integrity(&self, key: &[u8], rule: IntegrityRule) -> Integrity {
        let Some((at, length)) = self.place(attr::MESSAGE_INTEGRITY) else { return Integrity::Missing };
        let behind = self.bytes.len() - (at + length);
        let right = digest::integrity(&self.bytes[..at - 4], behind, key, rule);
        if digest::same(&right, &self.bytes[at..at + length]) { Integrity::Right } else { Integrity::Wrong }
    }

    /// Checks FINGERPRINT, which is the last attribute.
    pub fn fingerprint(&self) -> Fingerprint {
        let Some((at, length)) = self.place(attr::FINGERPRINT) else { return Fingerprint::Missing };
        let (said, before) = (self.number(attr::FINGERPRINT), &self.bytes[..at - 4]);
        match said {
            Some(said) if at + length == self.bytes.len() => match said {
                _ if said == digest::fingerprint(before) => Fingerprint::Right,
                _ if said == digest::old_fingerprint(before) => Fingerprint::Old,
                _ => Fingerprint::Wrong,
            },
            _ => Fingerprint::Wrong,
        }
    }

    /// The dialect in which the message carries a right MESSAGE-INTEGRITY of `key`.
    pub fn dialect(&self, key: &[u8]) -> Option<Dialect> {
        let known = match self.has_cookie() {
            true => &[Dialect::MsIce2, Dialect::Rfc5389, Dialect::Rfc3489][..],
            false => &[Dialect::Rfc3489][..],
        };
        known.iter().copied().find(|dialect| self.integrity(key, dialect.rule()) == Integrity::Right)
    }

    fn place(&self, attribute: u16) -> Option<(usize, usize)> {
        self.attributes.iter().find(|(kind, ..)| *kind == attribute).map(|(_, at, length)| (*at, *length))
    }
}
