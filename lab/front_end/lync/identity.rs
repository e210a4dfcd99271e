//! From epid to instance to GRUU ([MS-SIPRE] 2.2.3, [MS-SIPREGE] 2.2.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use sha1::{Digest, Sha1};

/// Longest epid that is taken. The specifications name an error for longer ones and no number; every real
/// one has 8, 10 or 12 digits.
pub const MAX_EPID: usize = 16;

/// The name space of the derivation, fcacfb03-8a73-46ef-91b1-e5ebeeaba4fe, as a GUID lies in memory.
const NAME_SPACE: [u8; 16] =
    [0x03, 0xFB, 0xAC, 0xFC, 0x73, 0x8A, 0xEF, 0x46, 0x91, 0xB1, 0xE5, 0xEB, 0xEE, 0xAB, 0xA4, 0xFE];

/// An endpoint's instance: 16 octets as a GUID lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Instance([u8; 16]);

impl Instance {
    /// Reads the value of `+sip.instance`, quotes taken off: `<urn:uuid:…>`, in either case.
    pub fn parse(value: &str) -> Option<Self> {
        let text = value.trim().trim_matches(['<', '>']).to_ascii_lowercase();
        let digits: String = text.strip_prefix("urn:uuid:")?.split('-').collect();
        let number = u128::from_str_radix(&digits, 16)
            .ok()
            .filter(|_| digits.len() == 32 && !digits.starts_with('+'))?;
        Some(Self(swap(number.to_be_bytes())))
    }

    /// What [MS-SIPRE] derives from an epid: SHA-1 over name space and epid as written, version 5.
    pub fn of_epid(epid: &str) -> Self {
        let hash = Sha1::new().chain_update(NAME_SPACE).chain_update(epid).finalize();
        let mut guid = [0; 16];
        guid.copy_from_slice(&hash[..16]);
        guid[7] = guid[7] & 0x0F | 0x50;
        guid[8] = guid[8] & 0x3F | 0x80;
        Self(guid)
    }

    /// The `opaque` parameter of the GRUU: 24 characters.
    pub fn opaque(&self) -> String {
        let mut octets = self.0.to_vec();
        octets.extend([0, 0]);
        format!("user:epid:{}", URL_SAFE.encode(octets))
    }

    /// The GRUU of a user's endpoint.
    pub fn gruu(&self, user: &str, domain: &str) -> String {
        format!("sip:{user}@{domain};opaque={};gruu", self.opaque())
    }
}

impl std::fmt::Display for Instance {
    /// The UUID, lower case, as servers write it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = format!("{:032x}", u128::from_be_bytes(swap(self.0)));
        let (a, b, c, d, e) = (&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]);
        write!(f, "{a}-{b}-{c}-{d}-{e}")
    }
}

/// Between the order of a GUID in memory and that of its digits.
fn swap(mut octets: [u8; 16]) -> [u8; 16] {
    octets[..4].reverse();
    octets[4..6].reverse();
    octets[6..8].reverse();
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Real pairs of OCS 2007 R2, Lync 2013 and Skype for Business 2016 and the examples of [MS-SIPREGE]
    /// 4.1.1 and [MS-SIPRE] 3.2.
    #[test]
    fn epids_lead_to_the_instances_and_gruus_of_real_traffic() {
        let pairs = [
            ("c8ca638a15", "34d859db-6585-5f91-a3b4-de853c15347d", Some("21nYNIVlkV-jtN6FPBU0fQAA")),
            ("d2ff665153", "7901b724-cbf3-5299-bfd0-041827e50488", Some("JLcBefPLmVK_0AQYJ-UEiAAA")),
            ("b84a59c035", "11ec8985-494a-5186-9cd1-3fb177f23bbc", Some("hYnsEUpJhlGc0T-xd_I7vAAA")),
            ("492a7ce35f", "b43b3d1d-9f8f-5fdc-9f74-3ca273cadb97", None),
            ("01010101", "4b1682a8-f968-5701-83fc-7c6741dc6697", None),
            ("6C801B691B", "5ec90580-40af-5081-a25b-29f17708144b", Some("gAXJXq9AgVCiWynxdwgUSwAA")),
        ];
        for (epid, uuid, gruu) in pairs {
            let instance = Instance::of_epid(epid);
            assert_eq!(instance.to_string(), uuid);
            assert_eq!(Instance::parse(&format!("<urn:uuid:{}>", uuid.to_uppercase())), Some(instance));
            if let Some(gruu) = gruu {
                assert_eq!(instance.opaque(), format!("user:epid:{gruu}"));
            }
        }
        assert_eq!(Instance::parse("<urn:uuid:1234>"), None);
        assert_eq!(Instance::parse("<urn:uuid:+4d859db-6585-5f91-a3b4-de853c15347d>"), None);
    }
}
