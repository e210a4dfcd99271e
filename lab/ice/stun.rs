//! STUN messages as the checks of ICE carry them (RFC 5389 §6, RFC 3489 §11, [MS-ICE2] §2.2).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::Dialect;

/// Octets of the header.
pub(super) const HEADER: usize = 20;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];

/// Binding request, its success and its error; an indication keeps a way open.
pub(super) const REQUEST: u16 = 0x0001;
pub(super) const SUCCESS: u16 = 0x0101;
pub(super) const FAILURE: u16 = 0x0111;

pub(super) mod attribute {
    pub const MAPPED_ADDRESS: u16 = 0x0001;
    pub const USERNAME: u16 = 0x0006;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub const PRIORITY: u16 = 0x0024;
    pub const USE_CANDIDATE: u16 = 0x0025;
    pub const FINGERPRINT: u16 = 0x8028;
    pub const ICE_CONTROLLED: u16 = 0x8029;
    pub const ICE_CONTROLLING: u16 = 0x802A;
    pub const CANDIDATE_IDENTIFIER: u16 = 0x8054;
    pub const IMPLEMENTATION_VERSION: u16 = 0x8070;
}
use attribute::{FINGERPRINT, MESSAGE_INTEGRITY};

/// What a datagram says; its attributes in order, with the place where each begins.
pub(super) struct Parsed<'a> {
    pub octets: &'a [u8],
    pub kind: u16,
    pub transaction: [u8; 16],
    pub attributes: Vec<(u16, usize, &'a [u8])>,
}

impl<'a> Parsed<'a> {
    /// None when it is no STUN. `fills`: whether attributes are filled up to four octets.
    pub fn read(octets: &'a [u8], fills: bool) -> Option<Self> {
        let head: [u8; HEADER] = octets.get(..HEADER)?.try_into().ok()?;
        let (kind, length) = (u16::from_be_bytes([head[0], head[1]]), u16::from_be_bytes([head[2], head[3]]));
        if kind & 0xC000 != 0 || usize::from(length) + HEADER != octets.len() {
            return None;
        }
        let (mut at, mut attributes) = (HEADER, Vec::new());
        while at < octets.len() {
            let four: [u8; 4] = octets.get(at..at + 4)?.try_into().ok()?;
            let length = usize::from(u16::from_be_bytes([four[2], four[3]]));
            attributes.push((
                u16::from_be_bytes([four[0], four[1]]),
                at,
                octets.get(at + 4..at + 4 + length)?,
            ));
            at += 4 + if fills { length.div_ceil(4) * 4 } else { length };
        }
        Some(Self { octets, kind, transaction: head[4..].try_into().ok()?, attributes })
    }

    pub fn get(&self, attribute: u16) -> Option<&'a [u8]> {
        self.attributes.iter().find(|(name, ..)| *name == attribute).map(|(.., value)| *value)
    }

    pub fn number(&self, attribute: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.get(attribute)?.try_into().ok()?))
    }

    /// USERNAME without its filling.
    pub fn username(&self) -> String {
        let value = self.get(attribute::USERNAME).unwrap_or_default();
        String::from_utf8_lossy(value).trim_end_matches('\0').to_owned()
    }

    /// Whether it is written in this dialect and proved with this key.
    pub fn is_proved(&self, dialect: Dialect, key: &[u8]) -> bool {
        let modern = dialect == Dialect::MsIce2;
        let proof = self.attributes.iter().find(|(name, ..)| *name == MESSAGE_INTEGRITY);
        let Some((_, at, proof)) = proof else { return false };
        let length = if modern { self.octets.len() - HEADER } else { at + 24 - HEADER };
        self.is_whole(dialect) && prove(&self.octets[..*at], length, key)[..] == **proof
    }

    /// Whether cookie and FINGERPRINT are there and right, or not there at all, as the dialect wants it.
    pub fn is_whole(&self, dialect: Dialect) -> bool {
        let print = self.attributes.last().filter(|(name, ..)| *name == FINGERPRINT);
        match (dialect, print) {
            (Dialect::MsIce2, Some((_, at, value))) => {
                self.transaction[..4] == COOKIE && **value == fingerprint(&self.octets[..*at]).to_be_bytes()
            }
            (Dialect::MsIce2, None) => false,
            (Dialect::Rfc3489, print) => print.is_none() && self.transaction[..4] != COOKIE,
        }
    }
}

/// A message being written.
pub(super) struct Draft(Vec<u8>);

impl Draft {
    pub fn new(kind: u16, transaction: &[u8; 16]) -> Self {
        let mut octets = kind.to_be_bytes().to_vec();
        octets.extend_from_slice(&[0, 0]);
        octets.extend_from_slice(transaction);
        Self(octets)
    }

    /// Appends an attribute; its filling, if it needs any, counts in its length.
    pub fn with(self, attribute: u16, value: &[u8]) -> Self {
        let mut filled = value.to_vec();
        filled.resize(value.len().div_ceil(4) * 4, 0);
        self.with_bare(attribute, &filled)
    }

    /// Appends an attribute as it is.
    pub fn with_bare(mut self, attribute: u16, value: &[u8]) -> Self {
        self.0.extend_from_slice(&attribute.to_be_bytes());
        self.0.extend_from_slice(&(value.len() as u16).to_be_bytes());
        self.0.extend_from_slice(value);
        self
    }

    /// Proves it, and ends it as the dialect wants.
    pub fn finish(mut self, dialect: Dialect, key: Option<&[u8]>) -> Vec<u8> {
        let modern = dialect == Dialect::MsIce2;
        if let Some(key) = key {
            let length = self.0.len() + 24 + if modern { 8 } else { 0 } - HEADER;
            let proof = prove(&self.0, length, key);
            self = self.with_bare(MESSAGE_INTEGRITY, &proof);
        }
        let length = (self.0.len() + if modern { 8 } else { 0 } - HEADER) as u16;
        self.0[2..4].copy_from_slice(&length.to_be_bytes());
        if modern {
            let print = fingerprint(&self.0).to_be_bytes();
            self = self.with_bare(FINGERPRINT, &print);
        }
        self.0
    }
}

/// A transaction that will not repeat.
pub(super) fn transaction(dialect: Dialect) -> [u8; 16] {
    let mut fresh: [u8; 16] = rand::random();
    match dialect {
        Dialect::MsIce2 => fresh[..4].copy_from_slice(&COOKIE),
        // Never the cookie, however the dice fall.
        Dialect::Rfc3489 => fresh[0] = 0xE7,
    }
    fresh
}

/// HMAC-SHA1 over what stands before MESSAGE-INTEGRITY with the given length in its header, zeros added up to a
/// multiple of 64 octets (RFC 3489 §11.2.8).
pub(super) fn prove(before: &[u8], length: usize, key: &[u8]) -> [u8; 20] {
    let mut text = before.to_vec();
    text[2..4].copy_from_slice(&(length as u16).to_be_bytes());
    text.resize(before.len().div_ceil(64) * 64, 0);
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(&text);
    mac.finalize().into_bytes().into()
}

/// RFC 5389 §15.5.
fn fingerprint(before: &[u8]) -> u32 {
    let crc = before.iter().fold(!0_u32, |crc, octet| {
        (0..8).fold(crc ^ u32::from(*octet), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    });
    !crc ^ 0x5354_554E
}

/// An IPv4 address as attributes carry it; `mask`: XOR-MAPPED-ADDRESS under the transaction.
pub(super) fn address(address: std::net::SocketAddr, mask: Option<&[u8; 16]>) -> Vec<u8> {
    let std::net::IpAddr::V4(ip) = address.ip() else { return Vec::new() };
    let mut value = vec![0, 1];
    value.extend_from_slice(&address.port().to_be_bytes());
    value.extend_from_slice(&ip.octets());
    if let Some(mask) = mask {
        value[2] ^= mask[0];
        value[3] ^= mask[1];
        (0..4).for_each(|at| value[4 + at] ^= mask[at]);
    }
    value
}

/// The reverse of [`address`], in clear.
pub(super) fn read_address(value: &[u8]) -> Option<std::net::SocketAddr> {
    let [_, 1, a, b, ip @ ..] = value else { return None };
    let ip: [u8; 4] = ip.try_into().ok()?;
    Some((ip, u16::from_be_bytes([*a, *b])).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    }

    #[test]
    fn a_check_of_libnice_is_proved_and_one_octet_changes_that() {
        // Made by Debian's libnice in its mode for OC2007R2.
        let request = octets(
            "000100542112a442425c32e31964644fd5103c91002400046effffff802a00080123456789abcdef0006000c\
             3073664f3a4d2b37780000008054000431000000807000040000000200080014fab3030f5fd122edeafae684\
             651603a13e9412df8028000416e0f8c4",
        );
        let key = b"OjyZ/pr8oLuDPWcmj9gDMEav";
        let parsed = Parsed::read(&request, true).unwrap();
        assert_eq!(parsed.username(), "0sfO:M+7x");
        assert!(parsed.is_proved(Dialect::MsIce2, key) && !parsed.is_proved(Dialect::Rfc3489, key));
        assert!(!parsed.is_proved(Dialect::MsIce2, b"another"));
        let mut broken = request.clone();
        broken[26] ^= 1;
        assert!(!Parsed::read(&broken, true).unwrap().is_proved(Dialect::MsIce2, key));
        // The same, written here.
        let transaction = parsed.transaction;
        let draft = Draft::new(REQUEST, &transaction)
            .with(attribute::PRIORITY, &0x6eff_ffff_u32.to_be_bytes())
            .with(attribute::ICE_CONTROLLING, &0x0123_4567_89ab_cdef_u64.to_be_bytes())
            .with(attribute::USERNAME, b"0sfO:M+7x")
            .with(attribute::CANDIDATE_IDENTIFIER, b"1")
            .with(attribute::IMPLEMENTATION_VERSION, &2_u32.to_be_bytes());
        assert_eq!(draft.finish(Dialect::MsIce2, Some(key)), request);
    }

    #[test]
    fn messages_of_the_old_form_are_told_from_those_of_the_new() {
        let made = |dialect| {
            Draft::new(REQUEST, &transaction(dialect))
                .with(attribute::USERNAME, b"ab")
                .finish(dialect, Some(b"k"))
        };
        for dialect in [Dialect::MsIce2, Dialect::Rfc3489] {
            let octets = made(dialect);
            let parsed = Parsed::read(&octets, true).unwrap();
            for other in [Dialect::MsIce2, Dialect::Rfc3489] {
                assert_eq!(parsed.is_proved(other, b"k"), dialect == other);
            }
        }
        assert!(Parsed::read(&[0x80; 40], true).is_none() && Parsed::read(&[0; 7], true).is_none());
        let at = "192.0.2.1:4000".parse().unwrap();
        assert_eq!(read_address(&address(at, None)), Some(at));
    }
}
