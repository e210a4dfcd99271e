//! NTLM as a Lync front end speaks it ([MS-NLMP], connectionless): the server's half, written here a
//! second time, so that an error in the product's own cannot cancel itself out.
//!
//! ```text
//!  CHALLENGE (flags, 8 random octets, names) ──►
//!                                          ◄── AUTHENTICATE (user, domain, NTLMv2 response, sealed key)
//!  response fits the password ──► exported session key ──► four keys ──► a MAC on every SIP message
//! ```

mod mac;
mod message;
mod rc4;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use md4::Md4;
use md5::{Digest, Md5};

pub use mac::{Direction, Keys};
pub use message::{Authenticate, Challenge, Unreadable};

/// NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY ([MS-NLMP] 2.2.2.5, flag P).
pub const EXTENDED_SESSION_SECURITY: u32 = 0x0008_0000;
/// NTLMSSP_NEGOTIATE_KEY_EXCH ([MS-NLMP] 2.2.2.5, flag V).
pub const KEY_EXCHANGE: u32 = 0x4000_0000;
/// What every front end of 2010 to 2015 that was seen on the wire offers in its CHALLENGE.
pub const OFFERED: u32 = 0xE298_82F3;

/// NTOWFv2 ([MS-NLMP] 3.3.2): the key that a password makes for one user. `domain` as the client typed it.
pub fn password_key(user: &str, domain: &str, password: &str) -> [u8; 16] {
    let hash: [u8; 16] = Md4::digest(utf16(password)).into();
    hmac_md5(&hash, &[&utf16(&user.to_uppercase()), &utf16(domain)])
}

/// The session base key of an NTLMv2 response that fits ([MS-NLMP] 3.3.2), none when it does not.
pub fn check_response(key: &[u8; 16], server_challenge: &[u8; 8], nt_response: &[u8]) -> Option<[u8; 16]> {
    let (proof, rest) = nt_response.split_at_checked(16)?;
    let expected = hmac_md5(key, &[server_challenge, rest]);
    (expected == proof).then(|| hmac_md5(key, &[proof]))
}

/// When an NTLMv2 response says that it was made ([MS-NLMP] 2.2.2.7: FILETIME at offset 8 of the blob).
pub fn response_time(nt_response: &[u8]) -> Option<SystemTime> {
    let ticks = u64::from_le_bytes(nt_response.get(24..32)?.try_into().ok()?);
    let since_1601 = Duration::from_micros(ticks / 10);
    Some(UNIX_EPOCH + since_1601.checked_sub(Duration::from_secs(FILETIME_TO_UNIX))?)
}

/// The exported session key ([MS-NLMP] 3.1.5.2.1): the base key itself, or what it unseals.
pub fn exported_key(base: &[u8; 16], sealed: &[u8], flags: u32) -> Option<[u8; 16]> {
    if flags & KEY_EXCHANGE == 0 {
        return Some(*base);
    }
    rc4::apply(base, sealed).try_into().ok()
}

/// Seconds from 1 January 1601 to 1 January 1970.
const FILETIME_TO_UNIX: u64 = 11_644_473_600;

fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Octets written in hexadecimal, anything else skipped: how tests write what standards print.
#[cfg(test)]
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|two| two.iter().fold(0, |octet, digit| octet << 4 | digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers as printed in [MS-NLMP] 4.2.4 (user "User", domain "Domain", password "Password").
    #[test]
    fn the_example_of_ms_nlmp_4_2_4_has_its_printed_numbers() {
        let key = password_key("User", "Domain", "Password");
        assert_eq!(key[..], unhex("0C868A403BFD7A93A3001EF22EF02E3F"));
        let challenge = [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF];
        let response = unhex(
            "68CD0AB851E51C96AABC927BEBEF6A1C 0101000000000000 0000000000000000 AAAAAAAAAAAAAAAA 00000000 \
             02000C0044006F006D00610069006E00 01000C005300650072007600650072000000000000000000",
        );
        let base = check_response(&key, &challenge, &response).unwrap();
        assert_eq!(base[..], unhex("8DE40CCADBC14A82F15CB0AD0DE95CA3"));
        let exported = exported_key(&base, &unhex("C5DAD2544FC9799094CE1CE90BC9D03E"), KEY_EXCHANGE).unwrap();
        assert_eq!(exported, [0x55; 16]);
        assert_eq!(check_response(&password_key("User", "Domain", "password"), &challenge, &response), None);
        assert_eq!(check_response(&key, &challenge, &response[..12]), None);
    }
}
