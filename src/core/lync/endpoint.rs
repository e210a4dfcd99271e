//! Who an endpoint is to a front end: epid, `+sip.instance`, GRUU ([MS-SIPRE] §2.2.3, §3.2).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use sha1::{Digest, Sha1};

/// fcacfb03-8a73-46ef-91b1-e5ebeeaba4fe as a GUID lies in memory: its first three parts low byte first.
const NAME_SPACE: [u8; 16] =
    [0x03, 0xfb, 0xac, 0xfc, 0x73, 0x8a, 0xef, 0x46, 0x91, 0xb1, 0xe5, 0xeb, 0xee, 0xab, 0xa4, 0xfe];

/// Endpoint identifier: a parameter of From and To that tells the devices of one user apart. Kept as
/// written, since its case goes into the instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Epid(String);

/// Why a text is no [`Epid`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an epid has 1 to 16 hexadecimal digits, not {0:?}")]
pub struct BadEpid(pub String);

impl Epid {
    /// Ten digits made of something stable of the handset, such as its IPEI: a new epid at every start
    /// would leave endpoints at the front end that go on ringing.
    pub fn of_device(stable: &str) -> Self {
        let hash = Sha1::digest(stable.as_bytes());
        Self(super::hex::encode(&hash[..5]))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The instance that belongs to it: a name-based UUID (SHA-1) in Microsoft's name space.
    pub fn instance(&self) -> Instance {
        let hash = Sha1::new().chain_update(NAME_SPACE).chain_update(self.0.as_bytes()).finalize();
        let mut guid: [u8; 16] = std::array::from_fn(|n| hash[n]);
        // Version 5 stands in the high half of the third part, whose high byte lies behind its low one.
        guid[7] = guid[7] & 0x0f | 0x50;
        guid[8] = guid[8] & 0x3f | 0x80;
        Instance(guid)
    }
}

impl FromStr for Epid {
    type Err = BadEpid;

    fn from_str(text: &str) -> Result<Self, BadEpid> {
        let fits = (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| Self(text.to_owned())).ok_or_else(|| BadEpid(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Epid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The UUID of `+sip.instance`, as it lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Instance([u8; 16]);

impl Instance {
    /// Whether a `+sip.instance` value names this one: clients write upper case, servers lower.
    pub fn is_named_by(self, value: &str) -> bool {
        let bare = value.trim_matches(['"', '<', '>', ' ']);
        let uuid = bare.get(..9).filter(|start| start.eq_ignore_ascii_case("urn:uuid:")).map(|_| &bare[9..]);
        uuid.is_some_and(|uuid| uuid.eq_ignore_ascii_case(&self.to_string()))
    }

    /// The `opaque` parameter of the endpoint's GRUU: base64url of the GUID and two zero bytes.
    pub fn gruu_opaque(self) -> String {
        let mut bytes = [0; 18];
        bytes[..16].copy_from_slice(&self.0);
        format!("user:epid:{}", URL_SAFE.encode(bytes))
    }

    /// The GRUU before the server has told it; what the server returns goes first.
    pub fn gruu(self, aor: &str) -> String {
        format!("{aor};opaque={};gruu", self.gruu_opaque())
    }
}

impl fmt::Display for Instance {
    /// Upper case, as clients write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let g = &self.0;
        write!(
            f,
            "{:02X}{:02X}{:02X}{:02X}-{:02X}{:02X}-{:02X}{:02X}-",
            g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6]
        )?;
        write!(f, "{:02X}{:02X}-", g[8], g[9])?;
        g[10..].iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of real clients and of the specifications.
    #[test]
    fn real_endpoints_come_out() {
        let known = [
            ("01010101", "4b1682a8-f968-5701-83fc-7c6741dc6697", ""),
            ("c8ca638a15", "34d859db-6585-5f91-a3b4-de853c15347d", "21nYNIVlkV-jtN6FPBU0fQAA"),
            ("492a7ce35f", "b43b3d1d-9f8f-5fdc-9f74-3ca273cadb97", ""),
            ("a0ae9e6cb0", "c1589240-e660-594f-a8b3-4b55f358cbc1", "QJJYwWDmT1mos0tV81jLwQAA"),
            ("b84a59c035", "11ec8985-494a-5186-9cd1-3fb177f23bbc", "hYnsEUpJhlGc0T-xd_I7vAAA"),
            ("d2ff665153", "7901b724-cbf3-5299-bfd0-041827e50488", "JLcBefPLmVK_0AQYJ-UEiAAA"),
            ("6C801B691B", "5ec90580-40af-5081-a25b-29f17708144b", "gAXJXq9AgVCiWynxdwgUSwAA"),
            ("1D19090AED", "0dc28647-23a5-56e7-b4e8-f51b92b692d1", "R4bCDaUj51a06PUbkraS0QAA"),
        ];
        for (epid, uuid, gruu) in known {
            let instance = epid.parse::<Epid>().unwrap().instance();
            assert_eq!(instance.to_string(), uuid.to_uppercase(), "{epid}");
            assert!(instance.is_named_by(&format!("\"<urn:uuid:{uuid}>\"")));
            assert!(gruu.is_empty() || instance.gruu_opaque() == format!("user:epid:{gruu}"));
        }
    }

    #[test]
    fn a_device_keeps_its_epid() {
        let epid = Epid::of_device("00131 0123456");
        assert_eq!((epid.as_str().len(), &epid), (10, &Epid::of_device("00131 0123456")));
        assert_ne!(epid, Epid::of_device("00131 0123457"));
        assert!("".parse::<Epid>().is_err() && "12g".parse::<Epid>().is_err());
    }
}
