//! MESSAGE-INTEGRITY and FINGERPRINT in their dialects.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::Digest;

/// How MESSAGE-INTEGRITY is computed. The attributes before it are always covered; the dialects differ
/// in the length that the header shows meanwhile and in padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IntegrityRule {
    /// RFC 5389 §15.4: the length counts up to MESSAGE-INTEGRITY, no padding.
    Rfc5389,
    /// RFC 3489 §11.2.8: the same length, but zeros are added up to a multiple of 64 octets.
    Rfc3489,
    /// Zeros as in RFC 3489, and the length is the final one, FINGERPRINT included. Found by taking
    /// messages apart; libnice in its OC2007R2 mode does the same.
    MsIce2,
}

/// HMAC-SHA1 of a message. `before` is everything before the MESSAGE-INTEGRITY attribute, header
/// included; `behind` is how many octets follow the attribute.
pub(in crate::media::ice) fn integrity(
    before: &[u8],
    behind: usize,
    key: &[u8],
    rule: IntegrityRule,
) -> [u8; 20] {
    let counted =
        before.len().saturating_sub(HEADER) + 24 + if rule == IntegrityRule::MsIce2 { behind } else { 0 };
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(&before[..2]);
    mac.update(&(counted as u16).to_be_bytes());
    mac.update(&before[4..]);
    if rule != IntegrityRule::Rfc5389 {
        mac.update(&[0; 64][..before.len().next_multiple_of(64) - before.len()]);
    }
    mac.finalize().into_bytes().into()
}

/// Compares without telling by its duration where the difference is.
pub(super) fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// RFC 5389 §15.4: for long-term credentials the key is MD5(username ":" realm ":" password). In
/// \[MS-TURN\] all three are octets that need not be text.
pub fn long_term_key(username: &[u8], realm: &[u8], password: &[u8]) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in [username, b":", realm, b":", password] {
        hash.update(part);
    }
    hash.finalize().into()
}

/// RFC 5389 §15.5: the CRC-32 of everything before the attribute, xored with 0x5354554e.
pub(super) fn fingerprint(before: &[u8]) -> u32 {
    crc32(before, &TABLE) ^ 0x5354_554E
}

/// The same with one wrong entry in the table, as OCS-time stacks compute it.
pub(super) fn old_fingerprint(before: &[u8]) -> u32 {
    crc32(before, &OLD_TABLE) ^ 0x5354_554E
}

fn crc32(bytes: &[u8], table: &[u32; 256]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| table[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

const HEADER: usize = 20;

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

const OLD_TABLE: [u32; 256] = {
    let mut table = TABLE;
    let mut index = 0;
    while index < 256 {
        if table[index] == 0x8BBE_B8EA {
            table[index] = 0x08BB_E8EA;
        }
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_that_of_itu_v42() {
        assert_eq!(crc32(b"123456789", &TABLE), 0xCBF4_3926);
        assert_eq!(TABLE.iter().zip(OLD_TABLE).filter(|(new, old)| **new != *old).count(), 1);
    }

    #[test]
    fn comparison_sees_every_difference() {
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd"));
        assert!(!same(b"abc", b"ab"));
    }
}
