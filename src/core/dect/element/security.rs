//! Elements of authentication and ciphering (7.7.2, 7.7.4, 7.7.10, 7.7.24, 7.7.32, 7.7.35, 7.7.36, 7.7.44).

use super::code::codes;
use super::{BadContent, Coding, Tag, octet};
use crate::pii::Pii;

codes! {
    /// Which authentication algorithm (octet 3 of `<<AUTH-TYPE>>`).
    AuthAlgorithm {
        DSAA = 0x01 "DSAA",
        DSAA2 = 0x02 "DSAA2",
        UMTS = 0x20 "UMTS",
        GSM = 0x40 "GSM",
        ESCAPE = 0x7F "proprietary",
    }

    /// Which key an authentication uses.
    KeyKind {
        UAK = 0x1 "user authentication key",
        UPI = 0x3 "user personal identity",
        AC = 0x4 "authentication code",
    }

    /// Which cipher (bits 7 to 1 of octet 3 of `<<CIPHER-INFO>>`).
    CipherAlgorithm {
        DSC = 0x01 "DSC",
        DSC2 = 0x02 "DSC2",
        ESCAPE = 0x7F "proprietary",
    }

    /// Where a cipher key comes from.
    CipherKeyKind {
        DERIVED = 0x9 "derived cipher key",
        STATIC = 0xA "static cipher key",
    }
}

/// The index of a default cipher key for early encryption (octets 5a to 5c of `<<AUTH-TYPE>>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultKey {
    /// System-wide unique.
    pub index: u16,
    /// 0 DSC, 1 DSC2; absent means DSC.
    pub algorithm: Option<u8>,
}

/// How to authenticate (`<<AUTH-TYPE>>`, 7.7.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthType {
    /// With which algorithm.
    pub algorithm: AuthAlgorithm,
    /// Which proprietary one, when the algorithm is [`AuthAlgorithm::ESCAPE`].
    pub proprietary: Option<u8>,
    /// With what kind of key.
    pub key: KeyKind,
    /// With which of these, four bits. "If the MSB (bit 4) is set to 1, then the key shall be related to the
    /// active IPUI/PARK pair", else to the IPUI alone; 8 is the usual one.
    pub key_number: u8,
    /// INC: the handset is to increment its ZAP field.
    pub increment_zap: bool,
    /// TXC: the handset is to send the derived cipher key.
    pub send_key: bool,
    /// UPC: both sides store the derived cipher key under the number.
    pub store_key: bool,
    /// The number, "not applicable and should be set to 0" without UPC; kept as it came.
    pub cipher_key_number: u8,
    /// DEF: the derived key becomes a default key with this index.
    pub default_key: Option<DefaultKey>,
}

impl AuthType {
    /// The plain one: this algorithm and key, nothing stored.
    pub fn new(algorithm: AuthAlgorithm, key: KeyKind, key_number: u8) -> Self {
        Self {
            algorithm,
            proprietary: None,
            key,
            key_number,
            increment_zap: false,
            send_key: false,
            store_key: false,
            cipher_key_number: 0,
            default_key: None,
        }
    }

    /// The same, with the derived cipher key stored under `number`.
    pub fn storing(self, number: u8) -> Self {
        Self { store_key: true, cipher_key_number: number, ..self }
    }
}

impl Coding for AuthType {
    const TAG: Tag = Tag::AUTH_TYPE;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let algorithm = AuthAlgorithm(octet(content, 3)?);
        let (proprietary, rest) = match algorithm {
            AuthAlgorithm::ESCAPE => (Some(octet(content, 4)?), &content[2..]),
            _ => (None, &content[1..]),
        };
        let [keys, flags, rest @ ..] = rest else { return Err(BadContent::TooShort) };
        let default_key = match (flags & 0x40, rest) {
            (0, _) => None,
            (_, [high, low, more @ ..]) => {
                let index = u16::from_be_bytes([*high, *low]);
                Some(DefaultKey { index, algorithm: more.first().map(|octet| octet & 3) })
            }
            _ => return Err(BadContent::TooShort),
        };
        Ok(Self {
            algorithm,
            proprietary,
            key: KeyKind(keys >> 4),
            key_number: keys & 0x0F,
            increment_zap: flags & 0x80 != 0,
            send_key: flags & 0x20 != 0,
            store_key: flags & 0x10 != 0,
            cipher_key_number: flags & 0x0F,
            default_key,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let flag = |set: bool, bit: u8| u8::from(set) << bit;
        let mut content = vec![self.algorithm.0];
        content.extend(self.proprietary);
        content.push(self.key.0 << 4 | self.key_number & 0x0F);
        content.push(
            flag(self.increment_zap, 7)
                | flag(self.default_key.is_some(), 6)
                | flag(self.send_key, 5)
                | flag(self.store_key, 4)
                | self.cipher_key_number & 0x0F,
        );
        if let Some(DefaultKey { index, algorithm }) = self.default_key {
            content.extend(index.to_be_bytes());
            content.extend(algorithm);
        }
        content
    }
}

/// How a key is made over the air (`<<ALLOCATION-TYPE>>`, 7.7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllocationType {
    /// With which algorithm.
    pub algorithm: AuthAlgorithm,
    /// The number of the new user authentication key.
    pub uak_number: u8,
    /// The number of the authentication code it is made from.
    pub ac_number: u8,
}

impl Coding for AllocationType {
    const TAG: Tag = Tag::ALLOCATION_TYPE;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let (algorithm, numbers) = (octet(content, 3)?, octet(content, 4)?);
        Ok(Self { algorithm: AuthAlgorithm(algorithm), uak_number: numbers >> 4, ac_number: numbers & 0x0F })
    }

    fn encode(&self) -> Vec<u8> {
        vec![self.algorithm.0, self.uak_number << 4 | self.ac_number & 0x0F]
    }
}

/// A random number (`<<RAND>>`, 7.7.32).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rand(pub [u8; 8]);

/// An answer to one (`<<RES>>`, 7.7.35).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Res(pub [u8; 4]);

/// What session keys are derived with (`<<RS>>`, 7.7.36).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rs {
    /// 64 bits: DSAA.
    Rs64([u8; 8]),
    /// 128 bits: DSAA2.
    Rs128([u8; 16]),
}

impl Coding for Rand {
    const TAG: Tag = Tag::RAND;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        content.first_chunk().map(|octets| Self(*octets)).ok_or(BadContent::TooShort)
    }

    fn encode(&self) -> Vec<u8> {
        self.0.to_vec()
    }
}

impl Coding for Res {
    const TAG: Tag = Tag::RES;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        content.first_chunk().map(|octets| Self(*octets)).ok_or(BadContent::TooShort)
    }

    fn encode(&self) -> Vec<u8> {
        self.0.to_vec()
    }
}

impl Coding for Rs {
    const TAG: Tag = Tag::RS;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let short = content.first_chunk().map(|octets| Self::Rs64(*octets));
        content.first_chunk().map(|octets| Self::Rs128(*octets)).or(short).ok_or(BadContent::TooShort)
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Rs64(octets) => octets.to_vec(),
            Self::Rs128(octets) => octets.to_vec(),
        }
    }
}

/// Whether and how to cipher (`<<CIPHER-INFO>>`, 7.7.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CipherInfo {
    /// On or off.
    pub enable: bool,
    /// With which cipher.
    pub algorithm: CipherAlgorithm,
    /// Which proprietary one, when the algorithm is [`CipherAlgorithm::ESCAPE`].
    pub proprietary: Option<u8>,
    /// With what kind of key.
    pub key: CipherKeyKind,
    /// With which of these.
    pub key_number: u8,
}

impl Coding for CipherInfo {
    const TAG: Tag = Tag::CIPHER_INFO;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let first = octet(content, 3)?;
        let algorithm = CipherAlgorithm(first & 0x7F);
        let (proprietary, key) = match algorithm {
            CipherAlgorithm::ESCAPE => (Some(octet(content, 4)?), octet(content, 5)?),
            _ => (None, octet(content, 4)?),
        };
        let (key, key_number) = (CipherKeyKind(key >> 4), key & 0x0F);
        Ok(Self { enable: first & 0x80 != 0, algorithm, proprietary, key, key_number })
    }

    fn encode(&self) -> Vec<u8> {
        let mut content = vec![u8::from(self.enable) << 7 | self.algorithm.0 & 0x7F];
        content.extend(self.proprietary);
        content.push(self.key.0 << 4 | self.key_number & 0x0F);
        content
    }
}

/// A key on its way (`<<KEY>>`, 7.7.24); only over ciphered connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyData {
    /// 90 derived for DSC, 91 for DSC2, 92 multicast, 94 and 95 default keys.
    pub kind: u8,
    /// The key, and after a default key two octets with its index.
    pub data: Pii<Vec<u8>>,
}

impl Coding for KeyData {
    const TAG: Tag = Tag::KEY;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        Ok(Self { kind: octet(content, 3)?, data: Pii(content[1..].to_vec()) })
    }

    fn encode(&self) -> Vec<u8> {
        [&[self.kind], self.data.0.as_slice()].concat()
    }
}

/// A counter that withdraws access rights (`<<ZAP-FIELD>>`, 7.7.44): four bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zap(pub u8);

impl Coding for Zap {
    const TAG: Tag = Tag::ZAP_FIELD;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        octet(content, 3).map(|octet| Self(octet & 0x0F))
    }

    fn encode(&self) -> Vec<u8> {
        vec![self.0 & 0x0F]
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::there_and_back;
    use super::*;

    #[test]
    fn captured_auth_types_are_read_and_written_alike() {
        let plain = AuthType::new(AuthAlgorithm::DSAA, KeyKind::AC, 8);
        there_and_back(&[0x01, 0x48, 0x00], plain);
        let uak = AuthType::new(AuthAlgorithm::DSAA, KeyKind::UAK, 8);
        there_and_back(&[0x01, 0x18, 0x18], uak.storing(8));
        there_and_back(&[0x01, 0x18, 0x0F], AuthType { cipher_key_number: 0x0F, ..uak });
        let index = Some(DefaultKey { index: 0x1234, algorithm: Some(1) });
        there_and_back(
            &[0x02, 0x18, 0xC0, 0x12, 0x34, 0x01],
            AuthType { algorithm: AuthAlgorithm::DSAA2, increment_zap: true, default_key: index, ..uak },
        );
        there_and_back(
            &[0x7F, 0x05, 0x18, 0x20],
            AuthType { algorithm: AuthAlgorithm::ESCAPE, proprietary: Some(5), send_key: true, ..uak },
        );
    }

    #[test]
    fn what_is_short_is_refused_and_what_is_long_is_read() {
        assert_eq!(AuthType::decode(&[0x01, 0x48]), Err(BadContent::TooShort));
        assert_eq!(AuthType::decode(&[0x7F, 0x05, 0x48]), Err(BadContent::TooShort));
        assert_eq!(AuthType::decode(&[0x01, 0x48, 0x40, 0x12]), Err(BadContent::TooShort));
        assert_eq!(Rs::decode(&[0; 7]), Err(BadContent::TooShort));
        assert_eq!(Rs::decode(&[7; 12]), Ok(Rs::Rs64([7; 8])));
        assert_eq!(Res::decode(&[1, 2, 3, 4, 5]), Ok(Res([1, 2, 3, 4])));
    }

    #[test]
    fn cipher_info_and_allocation_are_read_and_written_alike() {
        let dck = CipherInfo {
            enable: true,
            algorithm: CipherAlgorithm::DSC,
            proprietary: None,
            key: CipherKeyKind::DERIVED,
            key_number: 8,
        };
        there_and_back(&[0x81, 0x98], dck);
        there_and_back(
            &[0x7F, 0x01, 0x98],
            CipherInfo { enable: false, algorithm: CipherAlgorithm::ESCAPE, proprietary: Some(1), ..dck },
        );
        let allocation = AllocationType { algorithm: AuthAlgorithm::DSAA, uak_number: 8, ac_number: 8 };
        there_and_back(&[0x01, 0x88], allocation);
        there_and_back(&[0x91, 1, 2], KeyData { kind: 0x91, data: Pii(vec![1, 2]) });
        there_and_back(&[0x05], Zap(5));
    }
}
