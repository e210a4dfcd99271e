//! The MAC on a SIP message ([MS-NLMP] 3.4.4, with the sequence number that [MS-SIPAE] fixes).

use super::{EXTENDED_SESSION_SECURITY, hmac_md5, rc4};
use md5::{Digest, Md5};

/// Connectionless NTLM over SIP signs every message with this sequence number ([MS-SIPAE] 3.1.5).
const SEQUENCE: u32 = 100;

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The client signs, the server verifies.
    FromClient,
    /// The server signs.
    FromServer,
}

/// What signs in both directions. Debug shows nothing.
#[derive(Clone)]
pub enum Keys {
    /// With extended session security ([MS-NLMP] 3.4.4.2).
    Extended {
        /// Sign and seal key of the client.
        client: [[u8; 16]; 2],
        /// Of the server.
        server: [[u8; 16]; 2],
    },
    /// Without ([MS-NLMP] 3.4.4.1): one key for all. Old clients.
    Plain([u8; 16]),
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Plain(_)) { "Keys::Plain" } else { "Keys::Extended" })
    }
}

impl Keys {
    /// From the exported session key; `flags` are those of the AUTHENTICATE ([MS-NLMP] 3.4.5).
    pub fn new(exported: &[u8; 16], flags: u32) -> Self {
        if flags & EXTENDED_SESSION_SECURITY == 0 {
            return Self::Plain(*exported);
        }
        // The magic strings carry their terminating NUL ([MS-NLMP] 3.4.5.2, 3.4.5.3).
        let key = |ends: &str, what: &str| -> [u8; 16] {
            let magic = format!("session key to {ends} {what} key magic constant\0");
            Md5::new().chain_update(exported).chain_update(magic).finalize().into()
        };
        let pair = |ends: &str| [key(ends, "signing"), key(ends, "sealing")];
        Self::Extended { client: pair("client-to-server"), server: pair("server-to-client") }
    }

    /// The MAC as it stands in `response` and `rspauth`: 32 hexadecimal digits.
    pub fn sign(&self, direction: Direction, text: &str) -> String {
        hex(&self.mac(direction, text))
    }

    /// Whether `mac`, in either case, signs this text.
    pub fn verifies(&self, direction: Direction, text: &str, mac: &str) -> bool {
        let expected = self.sign(direction, text);
        match self {
            Self::Extended { .. } => expected.eq_ignore_ascii_case(mac),
            // The second word is padding of any value ([MS-NLMP] 2.2.2.9.1: RandomPad).
            Self::Plain(_) => {
                let parts =
                    |text: &str| Some((text.get(..8)?.to_owned(), text.get(16..)?.to_ascii_lowercase()));
                mac.len() == expected.len() && parts(mac) == parts(&expected)
            }
        }
    }

    fn mac(&self, direction: Direction, text: &str) -> Vec<u8> {
        let sequence = SEQUENCE.to_le_bytes();
        let mut mac = vec![1, 0, 0, 0];
        match self {
            Self::Extended { client, server } => {
                let [sign, seal] = if direction == Direction::FromClient { client } else { server };
                let checksum = hmac_md5(sign, &[&sequence, text.as_bytes()]);
                // Connectionless: a fresh cipher for each message ([MS-NLMP] 3.4.2, SealingKey').
                let fresh: [u8; 16] = Md5::new().chain_update(seal).chain_update(sequence).finalize().into();
                mac.extend(rc4::apply(&fresh, &checksum[..8]));
                mac.extend(sequence);
            }
            Self::Plain(key) => {
                let mut words = [0; 12];
                words[4..8].copy_from_slice(&crc32(text.as_bytes()).to_le_bytes());
                let mut words = rc4::apply(key, &words);
                words[..4].fill(0);
                words[8..].iter_mut().zip(sequence).for_each(|(octet, other)| *octet ^= other);
                mac.extend(words);
            }
        }
        mac
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// CRC-32 of ISO 3309, bit by bit: a signature is short.
fn crc32(octets: &[u8]) -> u32 {
    let step = |crc: u32, octet: &u8| {
        (0..8).fold(crc ^ u32::from(*octet), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    };
    !octets.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::super::unhex;
    use super::*;

    /// [MS-NLMP] 4.2.4: keys as printed there.
    #[test]
    fn the_keys_of_ms_nlmp_4_2_4_come_out() {
        let Keys::Extended { client, .. } = Keys::new(&[0x55; 16], EXTENDED_SESSION_SECURITY) else {
            panic!("extended security was asked for")
        };
        assert_eq!(client[0][..], unhex("4788DC861B4782F35D43FD98FE1A2D39"));
        assert_eq!(client[1][..], unhex("59F600973CC4960A25480A7C196E4C58"));
    }

    #[test]
    fn a_mac_verifies_in_its_own_direction_and_for_its_own_text_only() {
        for flags in [0, EXTENDED_SESSION_SECURITY] {
            let keys = Keys::new(&[7; 16], flags);
            let mac = keys.sign(Direction::FromServer, "<NTLM><a>");
            assert!(keys.verifies(Direction::FromServer, "<NTLM><a>", &mac.to_uppercase()));
            assert!(!keys.verifies(Direction::FromServer, "<NTLM><b>", &mac));
            assert!(!keys.verifies(Direction::FromServer, "<NTLM><a>", &mac[2..]));
            let other = keys.verifies(Direction::FromClient, "<NTLM><a>", &mac);
            assert_eq!(other, flags == 0, "without extended security both ends sign with the same key");
        }
    }

    #[test]
    fn crc_has_its_check_value() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
