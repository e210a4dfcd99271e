//! Messages of \[MS-TURN\]: the header of STUN, the magic cookie as first attribute, no filling.

use std::net::SocketAddr;

use crate::media::ice::stun::attribute::{MESSAGE_INTEGRITY, address_value, xor_address};
use crate::media::ice::stun::{Alignment, HEADER, Integrity, IntegrityRule, Message, Transaction, digest};

/// Message types (\[MS-TURN\] §2.2.1).
pub(super) mod kind {
    pub const ALLOCATE: u16 = 0x0003;
    pub const ALLOCATED: u16 = 0x0103;
    pub const NOT_ALLOCATED: u16 = 0x0113;
    pub const SEND: u16 = 0x0004;
    pub const DATA: u16 = 0x0115;
    pub const ACTIVATE: u16 = 0x0006;
    pub const ACTIVATED: u16 = 0x0106;
    pub const NOT_ACTIVATED: u16 = 0x0116;
}

/// Attributes (\[MS-TURN\] §2.2.2). NONCE and REALM have each other's number of RFC 5389.
pub(super) mod attr {
    pub use crate::media::ice::stun::attribute::{
        MAPPED_ADDRESS, USERNAME, XOR_MAPPED_ADDRESS_OLD as XOR_MAPPED_ADDRESS,
    };
    pub const LIFETIME: u16 = 0x000D;
    pub const ALTERNATE_SERVER: u16 = 0x000E;
    pub const MAGIC_COOKIE: u16 = 0x000F;
    pub const DESTINATION_ADDRESS: u16 = 0x0011;
    pub const REMOTE_ADDRESS: u16 = 0x0012;
    pub const DATA: u16 = 0x0013;
    pub const NONCE: u16 = 0x0014;
    pub const REALM: u16 = 0x0015;
    pub const MS_VERSION: u16 = 0x8008;
    pub const MS_SEQUENCE_NUMBER: u16 = 0x8050;
    pub const MS_SERVICE_QUALITY: u16 = 0x8055;
}

/// \[MS-TURN\] §2.2.2.8.
const COOKIE: [u8; 4] = [0x72, 0xC6, 0x4B, 0xC6];
/// \[MS-TURN\] §2.2.2.17: "a protocol client implementing the ICE protocol described in \[MS-ICE2\]". From 3
/// on MESSAGE-INTEGRITY would be SHA-256.
const VERSION: u32 = 2;

/// A message being written.
pub(super) struct Writer {
    bytes: Vec<u8>,
    transaction: Transaction,
}

impl Writer {
    /// Begins with cookie and version.
    pub fn new(kind: u16, transaction: &Transaction) -> Self {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(transaction);
        let writer = Self { bytes, transaction: *transaction };
        writer.octets(attr::MAGIC_COOKIE, &COOKIE).octets(attr::MS_VERSION, &VERSION.to_be_bytes())
    }

    /// Appends an attribute. The values are ours and short, so the message stays below 64 KiB.
    pub fn octets(mut self, attribute: u16, value: &[u8]) -> Self {
        self.bytes.extend_from_slice(&attribute.to_be_bytes());
        self.bytes.extend_from_slice(&(value.len() as u16).to_be_bytes());
        self.bytes.extend_from_slice(value);
        self
    }

    /// Appends an attribute if there is something to say.
    pub fn maybe(self, attribute: u16, value: Option<&[u8]>) -> Self {
        match value {
            Some(value) => self.octets(attribute, value),
            None => self,
        }
    }

    /// Appends an address in clear.
    pub fn address(self, attribute: u16, address: SocketAddr) -> Self {
        self.octets(attribute, &address_value(address))
    }

    /// Appends an address under the transaction.
    pub fn covered(self, attribute: u16, address: Option<SocketAddr>) -> Self {
        match address {
            Some(address) => {
                let covered = xor_address(address, &self.transaction);
                self.address(attribute, covered)
            }
            None => self,
        }
    }

    /// Ends the message, with MESSAGE-INTEGRITY if there is a key.
    pub fn finish(mut self, key: Option<&[u8]>) -> Vec<u8> {
        if let Some(key) = key {
            let mac = digest::integrity(&self.bytes, 0, key, IntegrityRule::Rfc3489);
            self = self.octets(MESSAGE_INTEGRITY, &mac);
        }
        let length = (self.bytes.len() - HEADER) as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
        self.bytes
    }
}

/// Reads a message of a relay; `None` when it is none.
///
/// \[MS-TURN\] §3.1.10: the magic cookie "MUST be the first attribute after the TURN message header. If any
/// of these conditions are not met, the message … MUST be ignored."
pub(super) fn read(bytes: &[u8]) -> Option<Message<'_>> {
    let cookie = [0, 0x0F, 0, 4, COOKIE[0], COOKIE[1], COOKIE[2], COOKIE[3]];
    if bytes.get(HEADER..HEADER + 8)? != cookie {
        return None;
    }
    Message::parse_aligned(bytes, Alignment::None).ok()
}

/// Whether the key protects the message.
pub(super) fn authentic(message: &Message<'_>, key: &[u8]) -> Integrity {
    message.integrity(key, IntegrityRule::Rfc3489)
}
