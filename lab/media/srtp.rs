//! SRTP by its definition (RFC 3711): AES_CM_128_HMAC_SHA1_80 and _32, one direction each.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

/// Master key and master salt, as RFC 4568 joins them.
pub type KeyAndSalt = [u8; 30];

/// Packets before the newest that can still come.
const WINDOW: u64 = 64;

/// One direction of one stream.
pub struct Srtp {
    cipher: Aes128,
    salt: [u8; 14],
    authentication: Hmac<Sha1>,
    /// Octets of the tag: 10 or 4.
    tag: usize,
    /// Highest index (roll-over count and sequence number), and which of those before it came.
    highest: Option<u64>,
    seen: u64,
}

impl Srtp {
    /// From the master key; `tag` is 10 or 4 octets.
    pub fn new(master: &KeyAndSalt, tag: usize) -> Self {
        let key = Aes128::new_from_slice(&master[..16]).expect("a master key has 16 octets");
        let derive = |label: u8, out: &mut [u8]| {
            // key_id = label || 0, XORed into the salt at its 8th octet (4.3.1, key derivation rate 0).
            let mut iv = [0; 16];
            iv[..14].copy_from_slice(&master[16..]);
            iv[7] ^= label;
            keystream(&key, iv, out);
        };
        let (mut encryption, mut authentication, mut salt) = ([0; 16], [0; 20], [0; 14]);
        derive(0, &mut encryption);
        derive(1, &mut authentication);
        derive(2, &mut salt);
        Self {
            cipher: Aes128::new(&encryption.into()),
            salt,
            authentication: Hmac::new_from_slice(&authentication).expect("HMAC takes any key"),
            tag,
            highest: None,
            seen: 0,
        }
    }

    /// Encrypts and authenticates an RTP packet.
    pub fn protect(&mut self, packet: &mut Vec<u8>) {
        let Some((start, index)) = self.place(packet) else { return };
        self.crypt(packet, start, index);
        let tag = self.tag_of(packet, index);
        packet.extend_from_slice(&tag[..self.tag]);
        self.remember(index);
    }

    /// Authenticates and decrypts; false when it is forged, repeated or too old.
    pub fn unprotect(&mut self, packet: &mut Vec<u8>) -> bool {
        let Some(length) = packet.len().checked_sub(self.tag).filter(|length| *length >= 12) else {
            return false;
        };
        let tag = packet.split_off(length);
        let Some((start, index)) = self.place(packet).filter(|(_, index)| self.is_new(*index)) else {
            return false;
        };
        if self.tag_of(packet, index)[..self.tag] != tag[..] {
            return false;
        }
        self.crypt(packet, start, index);
        self.remember(index);
        true
    }

    /// Where the payload begins, and the packet's index (3.3.1, appendix A).
    fn place(&self, packet: &[u8]) -> Option<(usize, u64)> {
        let (first, sequence) = (*packet.first()?, u16::from_be_bytes([*packet.get(2)?, *packet.get(3)?]));
        let mut start = 12 + 4 * usize::from(first & 0x0F);
        if first & 0x10 != 0 {
            start +=
                4 + 4 * usize::from(u16::from_be_bytes([*packet.get(start + 2)?, *packet.get(start + 3)?]));
        }
        let index = self.highest.map_or(u64::from(sequence), |highest| {
            let ahead = sequence.wrapping_sub(highest as u16) as i16;
            highest.saturating_add_signed(i64::from(ahead))
        });
        (start <= packet.len()).then_some((start, index))
    }

    fn crypt(&self, packet: &mut [u8], start: usize, index: u64) {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        for (octet, ssrc) in iv[4..8].iter_mut().zip(&packet[8..12]) {
            *octet ^= ssrc;
        }
        for (octet, index) in iv[8..14].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *octet ^= index;
        }
        keystream(&self.cipher, iv, &mut packet[start..]);
    }

    fn tag_of(&self, packet: &[u8], index: u64) -> [u8; 20] {
        let mut mac = self.authentication.clone();
        mac.update(packet);
        mac.update(&((index >> 16) as u32).to_be_bytes());
        mac.finalize().into_bytes().into()
    }

    fn is_new(&self, index: u64) -> bool {
        let Some(highest) = self.highest else { return true };
        index > highest || (highest - index < WINDOW && self.seen & 1 << (highest - index) == 0)
    }

    fn remember(&mut self, index: u64) {
        let highest = self.highest.unwrap_or(index);
        if index > highest {
            self.seen = self.seen.checked_shl((index - highest).min(64) as u32).unwrap_or(0);
        }
        let highest = highest.max(index);
        self.seen |= 1_u64.checked_shl((highest - index).min(64) as u32).unwrap_or(0);
        self.highest = Some(highest);
    }
}

/// XORs AES in counter mode (4.1.1) over `out`.
fn keystream(cipher: &Aes128, iv: [u8; 16], out: &mut [u8]) {
    for (count, piece) in (0_u16..).zip(out.chunks_mut(16)) {
        let mut block = iv;
        block[14..].copy_from_slice(&count.to_be_bytes());
        let mut block = block.into();
        cipher.encrypt_block(&mut block);
        piece.iter_mut().zip(block).for_each(|(octet, key)| *octet ^= key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dect::hex;

    #[test]
    fn key_derivation_gives_the_vectors_of_the_rfc() {
        // RFC 3711, B.3.
        let master = hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6").try_into().unwrap();
        let srtp = Srtp::new(&master, 10);
        assert_eq!(srtp.salt.to_vec(), hex("30CBBC08863D8C85D49DB34A9AE1"));
        let mut block = [0; 16].into();
        Aes128::new_from_slice(&hex("C61E7A93744F39EE10734AFE3FF7A087")).unwrap().encrypt_block(&mut block);
        let mut ours = [0; 16];
        keystream(&srtp.cipher, [0; 16], &mut ours);
        assert_eq!(ours.to_vec(), block.to_vec());
        let mut packet = b"what is authenticated".to_vec();
        let mut mac: Hmac<Sha1> =
            Hmac::new_from_slice(&hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4")).unwrap();
        packet.extend_from_slice(&[0; 4]);
        mac.update(&packet);
        let expected: [u8; 20] = mac.finalize().into_bytes().into();
        assert_eq!(srtp.tag_of(b"what is authenticated", 7), expected);
    }

    #[test]
    fn a_packet_is_protected_as_libsrtp_does() {
        // The reference packet of libsrtp's test driver (test/srtp_driver.c, AES_CM_128_HMAC_SHA1_80).
        let master = hex("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6").try_into().unwrap();
        let plain = hex("800f1234 decafbad cafebabe abababab abababab abababab abababab");
        let protected =
            hex("800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402 b78d6acc 99ea179b 8dbb");
        let mut packet = plain.clone();
        Srtp::new(&master, 10).protect(&mut packet);
        assert_eq!(packet, protected);
        let mut receiver = Srtp::new(&master, 10);
        assert!(receiver.unprotect(&mut packet));
        assert_eq!(packet, plain);
        assert!(!receiver.unprotect(&mut protected.clone()), "a repeated packet is refused");
        let mut forged = protected;
        forged[15] ^= 1;
        assert!(!Srtp::new(&master, 10).unprotect(&mut forged));
    }

    #[test]
    fn the_sequence_number_rolls_over() {
        let master = [7; 30];
        let (mut here, mut there) = (Srtp::new(&master, 4), Srtp::new(&master, 4));
        for sequence in (65_530..=65_535_u16).chain(0..20) {
            let mut packet = vec![0x80, 8];
            packet.extend_from_slice(&sequence.to_be_bytes());
            packet.extend_from_slice(&[0, 0, 0, 1, 9, 9, 9, 9, 1, 2, 3, 4]);
            let plain = packet.clone();
            here.protect(&mut packet);
            assert!(there.unprotect(&mut packet));
            assert_eq!(packet, plain);
        }
    }
}
