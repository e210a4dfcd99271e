//! The MAC of a message ([MS-NLMP] §3.4.4), in its connectionless form.

use super::Flags;
use super::rc4::Rc4;
use super::response::{hmac_md5, md5};
use crate::lync::hex::equal_in_constant_time;
use crate::pii::Pii;

/// Bytes of a MAC.
pub const MAC_LEN: usize = 16;
/// [MS-SIPAE]: the sequence number of every message is 100; it never counts.
const SIP_SEQUENCE: u32 = 100;

/// The constants of §3.4.5.2 and §3.4.5.3, each with its terminating NUL.
const CLIENT_SIGN: &[u8] = b"session key to client-to-server signing key magic constant\0";
const SERVER_SIGN: &[u8] = b"session key to server-to-client signing key magic constant\0";
const CLIENT_SEAL: &[u8] = b"session key to client-to-server sealing key magic constant\0";
const SERVER_SEAL: &[u8] = b"session key to server-to-client sealing key magic constant\0";

/// Who sends the message that is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// We, for a user.
    Client,
    /// The front end.
    Server,
}

/// Keys of one session, for both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacKeys(Pii<Kind>);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Extended {
        client: Direction,
        server: Direction,
        key_exchange: bool,
    },
    /// One key both ways, a CRC in place of a hash.
    Plain {
        key: [u8; 16],
    },
}

#[derive(Clone, PartialEq, Eq)]
struct Direction {
    sign: [u8; 16],
    seal: [u8; 16],
}

impl Direction {
    fn new(exported: &[u8; 16], flags: Flags, sign: &[u8], seal: &[u8]) -> Self {
        // SEALKEY (§3.4.5.3): all of the key for 128 bits, else its first 7 or 5 bytes.
        let part = match () {
            () if flags.has(Flags::KEY_128) => &exported[..],
            () if flags.has(Flags::KEY_56) => &exported[..7],
            () => &exported[..5],
        };
        Self { sign: md5(&[exported, sign]), seal: md5(&[part, seal]) }
    }
}

impl MacKeys {
    /// From the exported session key.
    pub fn new(exported: [u8; 16], flags: Flags) -> Self {
        Self(Pii(match flags.has(Flags::EXTENDED_SESSION_SECURITY) {
            true => Kind::Extended {
                client: Direction::new(&exported, flags, CLIENT_SIGN, CLIENT_SEAL),
                server: Direction::new(&exported, flags, SERVER_SIGN, SERVER_SEAL),
                key_exchange: flags.has(Flags::KEY_EXCHANGE),
            },
            false => Kind::Plain { key: exported },
        }))
    }

    /// The MAC of a SIP signature text that `sender` sends.
    pub fn sign(&self, sender: End, text: &[u8]) -> [u8; MAC_LEN] {
        self.mac(sender, text, SIP_SEQUENCE)
    }

    /// Whether `mac` is that of `text`. Bytes that the sender may fill as it likes are not looked at.
    pub fn verify(&self, sender: End, text: &[u8], mac: &[u8]) -> bool {
        let wanted = self.sign(sender, text);
        let significant = match self.0.0 {
            Kind::Extended { .. } => 0,
            // §2.2.2.9.1: RandomPad "MAY be set to any value by the sender, and … MUST be ignored".
            Kind::Plain { .. } => 8,
        };
        mac.len() == MAC_LEN
            && mac[..4] == wanted[..4]
            && equal_in_constant_time(&mac[significant..], &wanted[significant..])
    }

    /// Of any sequence number.
    pub(super) fn mac(&self, sender: End, text: &[u8], sequence: u32) -> [u8; MAC_LEN] {
        match &self.0.0 {
            Kind::Extended { client, server, key_exchange } => {
                let keys = if sender == End::Client { client } else { server };
                extended(keys, *key_exchange, text, sequence)
            }
            Kind::Plain { key } => plain(key, text, sequence),
        }
    }

    #[cfg(test)]
    pub(super) fn keys_of(&self, sender: End) -> ([u8; 16], [u8; 16]) {
        match (&self.0.0, sender) {
            (Kind::Extended { client, .. }, End::Client) => (client.sign, client.seal),
            (Kind::Extended { server, .. }, End::Server) => (server.sign, server.seal),
            (Kind::Plain { key }, _) => (*key, *key),
        }
    }
}

/// §3.4.4.2. "If … connectionless … Handle := RC4INIT(MD5(ConcatenationOf(SealKey, SequenceNumber)))".
fn extended(keys: &Direction, key_exchange: bool, text: &[u8], sequence: u32) -> [u8; MAC_LEN] {
    let number = sequence.to_le_bytes();
    let checksum = &hmac_md5(&keys.sign, &[&number, text])[..8];
    let checksum = match key_exchange {
        true => Rc4::new(&md5(&[&keys.seal, &number])).apply(checksum),
        false => checksum.to_vec(),
    };
    signature(&checksum[..8], &number)
}

/// §3.4.4.1: pad, CRC and number, encrypted together; then the pad is cleared and the number mixed in.
fn plain(key: &[u8; 16], text: &[u8], sequence: u32) -> [u8; MAC_LEN] {
    let mut words = [0; 12];
    words[4..8].copy_from_slice(&crc32(text).to_le_bytes());
    let mut sealed = Rc4::new(key).apply(&words);
    sealed[..4].fill(0);
    let number = sequence.to_le_bytes();
    sealed[8..].iter_mut().zip(number).for_each(|(byte, number)| *byte ^= number);
    signature(&sealed[..8], &sealed[8..])
}

/// Version 1, then the two parts.
fn signature(eight: &[u8], four: &[u8]) -> [u8; MAC_LEN] {
    let mut out = [0; MAC_LEN];
    out[0] = 1;
    out[4..12].copy_from_slice(eight);
    out[12..].copy_from_slice(four);
    out
}

/// CRC-32 of ISO 3309, as §6 names it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}
