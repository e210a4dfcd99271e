//! CHALLENGE, the server's message ([MS-NLMP] §2.2.1.2).

use super::Flags;
use super::wire::{MessageFault, Reader, Writer, from_utf16, utf16};

const TYPE: u32 = 2;
/// Head with the version field.
const HEAD: usize = 56;
/// Most AV pairs read.
const MAX_AV_PAIRS: usize = 32;

/// One AV pair of the target information ([MS-NLMP] §2.2.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvPair {
    /// AvId, without the end mark 0.
    pub id: u16,
    /// Its value, text in UTF-16 for most.
    pub value: Vec<u8>,
}

impl AvPair {
    /// MsvAvNbComputerName.
    pub const COMPUTER: u16 = 1;
    /// MsvAvNbDomainName.
    pub const DOMAIN: u16 = 2;
    /// MsvAvDnsComputerName.
    pub const DNS_COMPUTER: u16 = 3;
    /// MsvAvFlags.
    pub const FLAGS: u16 = 6;
    /// MsvAvTimestamp: FILETIME of the server.
    pub const TIMESTAMP: u16 = 7;
}

/// What the server sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// What it can do.
    pub flags: Flags,
    /// Eight bytes to prove the password with.
    pub server_challenge: [u8; 8],
    /// TargetName; front ends send none.
    pub target_name: String,
    /// TargetInfo as it came, its end mark included.
    pub target_info: Vec<u8>,
    /// Version of its operating system, for people.
    pub version: [u8; 8],
}

impl Challenge {
    /// Reads the message.
    ///
    /// # Errors
    ///
    /// It is another message, or a field lies outside of it.
    pub fn parse(bytes: &[u8]) -> Result<Self, MessageFault> {
        let reader = Reader::of_type(bytes, TYPE)?;
        let flags = reader.flags(20)?;
        let target_info = match flags.has(Flags::TARGET_INFO) {
            true => reader.payload(40, "TargetInfo")?.to_vec(),
            false => Vec::new(),
        };
        // OEM text is the server's code page; names are for people only, so it is not read.
        let target_name = match flags.has(Flags::UNICODE) {
            true => reader.text(12, "TargetName")?,
            false => String::new(),
        };
        let version = match flags.has(Flags::VERSION) {
            true => reader.array(48, "Version")?,
            false => [0; 8],
        };
        let challenge = Self {
            flags,
            server_challenge: reader.array(24, "ServerChallenge")?,
            target_name,
            target_info,
            version,
        };
        challenge.av_pairs()?;
        Ok(challenge)
    }

    /// The message as bytes, TargetName before TargetInfo.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::of_type(TYPE, HEAD);
        let name = writer.payload(&utf16(&self.target_name));
        let pairs = writer.payload(&self.target_info);
        writer.refer(name);
        writer.put(&self.flags.0.to_le_bytes());
        writer.put(&self.server_challenge);
        writer.put(&[0; 8]);
        writer.refer(pairs);
        writer.put(&self.version);
        writer.finish()
    }

    /// The AV pairs in order, without the end mark.
    ///
    /// # Errors
    ///
    /// A pair reaches beyond the end, or there are too many.
    pub fn av_pairs(&self) -> Result<Vec<AvPair>, MessageFault> {
        let (mut pairs, mut rest) = (Vec::new(), self.target_info.as_slice());
        while !rest.is_empty() {
            let field = "TargetInfo";
            let head: [u8; 4] = rest.first_chunk().copied().ok_or(MessageFault::OutOfBounds { field })?;
            let (id, len) = (u16::from_le_bytes([head[0], head[1]]), u16::from_le_bytes([head[2], head[3]]));
            if id == 0 {
                return Ok(pairs);
            }
            if pairs.len() == MAX_AV_PAIRS {
                return Err(MessageFault::TooManyAvPairs);
            }
            let end = 4 + usize::from(len);
            let value = rest.get(4..end).ok_or(MessageFault::OutOfBounds { field })?.to_vec();
            pairs.push(AvPair { id, value });
            rest = &rest[end..];
        }
        Ok(pairs)
    }

    /// The text of an AV pair.
    pub fn av_text(&self, id: u16) -> Option<String> {
        let pairs = self.av_pairs().ok()?;
        from_utf16(&pairs.into_iter().find(|pair| pair.id == id)?.value)
    }

    /// MsvAvTimestamp, if the server sent one.
    pub fn timestamp(&self) -> Option<[u8; 8]> {
        let pairs = self.av_pairs().ok()?;
        pairs.into_iter().find(|pair| pair.id == AvPair::TIMESTAMP)?.value.try_into().ok()
    }

    /// TargetInfo with MsvAvFlags saying that a MIC follows ([MS-NLMP] §3.1.5.1.2: "the value 0x2").
    pub(super) fn target_info_with_mic(&self) -> Vec<u8> {
        const MIC_PRESENT: u32 = 2;
        let mut pairs = self.av_pairs().unwrap_or_default();
        let flags = |value: &[u8]| value.try_into().map_or(0, u32::from_le_bytes) | MIC_PRESENT;
        match pairs.iter_mut().find(|pair| pair.id == AvPair::FLAGS) {
            Some(pair) => pair.value = flags(&pair.value).to_le_bytes().to_vec(),
            None => pairs.push(AvPair { id: AvPair::FLAGS, value: flags(&[]).to_le_bytes().to_vec() }),
        }
        encode_av_pairs(&pairs)
    }
}

/// AV pairs with their end mark.
fn encode_av_pairs(pairs: &[AvPair]) -> Vec<u8> {
    let mut out = Vec::new();
    for AvPair { id, value } in pairs {
        out.extend_from_slice(&id.to_le_bytes());
        out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(value);
    }
    out.extend_from_slice(&[0; 4]);
    out
}
