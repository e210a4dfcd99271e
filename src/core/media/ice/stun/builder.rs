//! Writing messages.

use std::net::SocketAddr;

use super::attribute as attr;
use super::{Class, Dialect, HEADER, Transaction, digest};

/// A message being written. Attributes stand in the order of the calls.
#[derive(Debug, Clone)]
pub struct Builder {
    bytes: Vec<u8>,
    dialect: Dialect,
}

impl Builder {
    /// Begins a message.
    pub fn new(class: Class, method: u16, transaction: &Transaction, dialect: Dialect) -> Self {
        let class = match class {
            Class::Request => 0,
            Class::Indication => 0x0010,
            Class::Success => 0x0100,
            Class::Error => 0x0110,
        };
        let kind = (method & 0x000F) | (method & 0x0070) << 1 | (method & 0x0F80) << 2 | class;
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(&kind.to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(transaction);
        Self { bytes, dialect }
    }

    /// Appends an attribute, filled with zeros up to four octets. A value of more than 4096 octets
    /// does not belong into a check and is cut.
    pub fn octets(mut self, attribute: u16, value: &[u8]) -> Self {
        let value = &value[..value.len().min(4096)];
        self.bytes.extend_from_slice(&attribute.to_be_bytes());
        self.bytes.extend_from_slice(&(value.len() as u16).to_be_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    /// Appends text whose filling, in the old dialects, counts in its length.
    ///
    /// RFC 3489 §11.2.6: "The length of the USERNAME MUST be a multiple of 4".
    pub fn text(self, attribute: u16, value: &[u8]) -> Self {
        let mut filled = value.to_vec();
        if self.dialect != Dialect::Rfc5389 {
            filled.resize(value.len().next_multiple_of(4), 0);
        }
        self.octets(attribute, &filled)
    }

    /// Appends a 32-bit number.
    pub fn number(self, attribute: u16, value: u32) -> Self {
        self.octets(attribute, &value.to_be_bytes())
    }

    /// Appends a 64-bit number.
    pub fn long(self, attribute: u16, value: u64) -> Self {
        self.octets(attribute, &value.to_be_bytes())
    }

    /// Appends an address in clear.
    pub fn address(self, attribute: u16, address: SocketAddr) -> Self {
        self.octets(attribute, &attr::address_value(address))
    }

    /// Appends an address under xor.
    pub fn xor_address(self, attribute: u16, address: SocketAddr) -> Self {
        let transaction = *self.bytes[4..].first_chunk().expect("new wrote a whole header");
        self.address(attribute, attr::xor_address(address, &transaction))
    }

    /// Appends ERROR-CODE (RFC 5389 §15.6).
    pub fn error(self, code: u16, reason: &str) -> Self {
        let mut value = vec![0, 0, (code / 100) as u8, (code % 100) as u8];
        value.extend_from_slice(reason.as_bytes());
        self.text(attr::ERROR_CODE, &value)
    }

    /// Ends the message: with MESSAGE-INTEGRITY if there is a key, and with FINGERPRINT if the dialect
    /// has it.
    pub fn finish(mut self, key: Option<&[u8]>) -> Vec<u8> {
        let behind = if self.dialect.modern() { 8 } else { 0 };
        if let Some(key) = key {
            let mac = digest::integrity(&self.bytes, behind, key, self.dialect.rule());
            self = self.octets(attr::MESSAGE_INTEGRITY, &mac);
        }
        self.set_length(behind);
        if self.dialect.modern() {
            let crc = digest::fingerprint(&self.bytes);
            self = self.number(attr::FINGERPRINT, crc);
        }
        self.bytes
    }

    fn set_length(&mut self, more: usize) {
        let length = (self.bytes.len() - HEADER + more) as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
    }
}

/// The same message with the FINGERPRINT that old stacks expect, or `None` when it has none.
pub fn with_old_fingerprint(message: &[u8]) -> Option<Vec<u8>> {
    let (before, last) = message.split_last_chunk::<8>()?;
    if before.len() < HEADER || last[..4] != [0x80, 0x28, 0, 4] {
        return None;
    }
    let mut copy = message.to_vec();
    copy[message.len() - 4..].copy_from_slice(&digest::old_fingerprint(before).to_be_bytes());
    Some(copy)
}
