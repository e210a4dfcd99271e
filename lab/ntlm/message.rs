//! CHALLENGE, which the server writes, and AUTHENTICATE, which it reads ([MS-NLMP] 2.2.1).

use std::time::{SystemTime, UNIX_EPOCH};

use super::{FILETIME_TO_UNIX, utf16};

/// Both begin so.
const SIGNATURE: &[u8] = b"NTLMSSP\0";
/// Longest AUTHENTICATE that is read, octets.
const MAX_MESSAGE: usize = 8 * 1024;

/// A CHALLENGE (type 2).
#[derive(Debug, Clone)]
pub struct Challenge {
    /// Eight random octets.
    pub server_challenge: [u8; 8],
    /// What is offered.
    pub flags: u32,
    /// NetBIOS name of the domain.
    pub domain: String,
    /// Its DNS name.
    pub dns_domain: String,
    /// Name of the server, fully qualified.
    pub server: String,
    /// The server's clock; Lync 2013 sends it, OCS 2007 R2 does not.
    pub time: Option<SystemTime>,
}

impl Challenge {
    /// The octets. TargetName is empty, as on every real front end that was seen.
    pub fn to_bytes(&self) -> Vec<u8> {
        let pairs = self.target_information();
        let mut octets = SIGNATURE.to_vec();
        octets.extend(2_u32.to_le_bytes());
        let fields = 56_u32;
        octets.extend([0; 4]);
        octets.extend(fields.to_le_bytes());
        octets.extend(self.flags.to_le_bytes());
        octets.extend(self.server_challenge);
        octets.extend([0; 8]);
        let length = pairs.len() as u16;
        octets.extend(length.to_le_bytes());
        octets.extend(length.to_le_bytes());
        octets.extend(fields.to_le_bytes());
        // VERSION (2.2.2.10): Windows 6.1 build 7601, NTLM revision 15.
        octets.extend([6, 1, 0xB1, 0x1D, 0, 0, 0, 15]);
        octets.extend(pairs);
        octets
    }

    /// AV_PAIRs (2.2.2.1) in the order of real front ends: 2, 1, 4, 3, 5, 7, 0.
    fn target_information(&self) -> Vec<u8> {
        let host = self.server.split('.').next().unwrap_or("").to_uppercase();
        let mut octets = Vec::new();
        let mut pair = |id: u16, value: Vec<u8>| {
            octets.extend(id.to_le_bytes());
            octets.extend((value.len() as u16).to_le_bytes());
            octets.extend(value);
        };
        pair(2, utf16(&self.domain));
        pair(1, utf16(&host));
        pair(4, utf16(&self.dns_domain));
        pair(3, utf16(&self.server));
        pair(5, utf16(&self.dns_domain));
        if let Some(time) = self.time {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            let ticks =
                (since.as_secs() + FILETIME_TO_UNIX) * 10_000_000 + u64::from(since.subsec_nanos() / 100);
            pair(7, ticks.to_le_bytes().to_vec());
        }
        pair(0, Vec::new());
        octets
    }
}

/// An AUTHENTICATE (type 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticate {
    /// NtChallengeResponse.
    pub nt_response: Vec<u8>,
    /// As typed; may be empty.
    pub domain: String,
    /// As typed.
    pub user: String,
    /// The client's machine.
    pub workstation: String,
    /// EncryptedRandomSessionKey.
    pub sealed_key: Vec<u8>,
    /// What was agreed on.
    pub flags: u32,
}

/// Why octets are no AUTHENTICATE: the field that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an NTLM AUTHENTICATE: {0}")]
pub struct Unreadable(pub &'static str);

impl Authenticate {
    /// Reads one.
    ///
    /// # Errors
    /// [`Unreadable`], naming the field.
    pub fn parse(octets: &[u8]) -> Result<Self, Unreadable> {
        if !octets.starts_with(SIGNATURE) || octets.len() > MAX_MESSAGE {
            return Err(Unreadable("signature"));
        }
        if octets.get(8..12) != Some(&3_u32.to_le_bytes()) {
            return Err(Unreadable("message type"));
        }
        let flags = octets.get(60..64).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes);
        let flags = flags.ok_or(Unreadable("NegotiateFlags"))?;
        let text = |at, what| Ok(text(field(octets, at).ok_or(Unreadable(what))?));
        Ok(Self {
            nt_response: field(octets, 20).ok_or(Unreadable("NtChallengeResponse"))?.to_vec(),
            domain: text(28, "DomainName")?,
            user: text(36, "UserName")?,
            workstation: text(44, "Workstation")?,
            sealed_key: field(octets, 52).ok_or(Unreadable("EncryptedRandomSessionKey"))?.to_vec(),
            flags,
        })
    }
}

/// A payload field: length, room, offset.
fn field(octets: &[u8], at: usize) -> Option<&[u8]> {
    let length = u16::from_le_bytes(octets.get(at..at + 2)?.try_into().ok()?);
    let offset = u32::from_le_bytes(octets.get(at + 4..at + 8)?.try_into().ok()?);
    let start = usize::try_from(offset).ok()?;
    octets.get(start..start.checked_add(length.into())?)
}

/// UTF-16: NTLMSSP_NEGOTIATE_UNICODE is offered and no client that speaks SIP refuses it.
fn text(octets: &[u8]) -> String {
    let units: Vec<u16> = octets.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::super::unhex;
    use super::*;

    /// The AUTHENTICATE_MESSAGE as printed in [MS-NLMP] 4.2.4.3.
    #[test]
    fn the_authenticate_of_ms_nlmp_4_2_4_is_read() {
        let octets = unhex(
            "4e544c4d53535000 03000000 1800180 06c000000 54005400840000000c000c00480000000800080054000000\
             100010005c00000010001000d8000000358288e20501280a0000000f44006f006d00610069006e00550073006500\
             720043004f004d005000550054004500520086c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa68cd0ab8\
             51e51c96aabc927bebef6a1c01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c004400\
             6f006d00610069006e0001000c005300650072007600650072000000000000000000c5dad2544fc9799094ce1ce9\
             0bc9d03e",
        );
        let read = Authenticate::parse(&octets).unwrap();
        assert_eq!((&read.domain[..], &read.user[..], &read.workstation[..]), ("Domain", "User", "COMPUTER"));
        assert_eq!(read.nt_response[..16], unhex("68CD0AB851E51C96AABC927BEBEF6A1C"));
        assert_eq!(read.sealed_key, unhex("c5dad2544fc9799094ce1ce90bc9d03e"));
        assert_eq!(read.flags, 0xE288_8235);
    }

    #[test]
    fn a_cut_authenticate_is_refused_with_the_field() {
        assert_eq!(Authenticate::parse(b"NTLMSSP\0\x01\0\0\0"), Err(Unreadable("message type")));
        let mut octets = SIGNATURE.to_vec();
        octets.extend(3_u32.to_le_bytes());
        assert_eq!(Authenticate::parse(&octets), Err(Unreadable("NegotiateFlags")));
        octets.extend([0xFF; 60]);
        assert_eq!(Authenticate::parse(&octets), Err(Unreadable("NtChallengeResponse")));
    }

    #[test]
    fn a_challenge_lies_where_real_ones_do() {
        let challenge = Challenge {
            server_challenge: [9; 8],
            flags: super::super::OFFERED,
            domain: "LAB".into(),
            dns_domain: "lab.test".into(),
            server: "fe1.lab.test".into(),
            time: Some(UNIX_EPOCH),
        };
        let octets = challenge.to_bytes();
        assert_eq!(octets[20..24], super::super::OFFERED.to_le_bytes());
        assert_eq!(octets[24..32], [9; 8]);
        let pairs = field(&octets, 40).unwrap();
        assert_eq!(pairs[..4], [2, 0, 6, 0]);
        assert_eq!(octets.len(), 56 + pairs.len());
        let time = &pairs[pairs.len() - 12..pairs.len() - 4];
        assert_eq!(u64::from_le_bytes(time.try_into().unwrap()), FILETIME_TO_UNIX * 10_000_000);
    }
}
