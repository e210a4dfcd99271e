//! SRTP with AES-128 in counter mode and HMAC-SHA1 (RFC 3711), keys from SDP (RFC 4568). Written here a second
//! time, so that an error of the product's library cannot cancel itself out. No SRTCP: phones here send none.

use std::fmt;

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

/// Master key and master salt: 16 and 14 octets. Debug shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 30]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl From<[u8; 30]> for Key {
    fn from(key: [u8; 30]) -> Self {
        Self(key)
    }
}

impl Key {
    /// A new one.
    pub fn fresh() -> Self {
        let mut key = [0; 30];
        rand::fill(&mut key);
        Self(key)
    }
}

/// How long the proof of a packet is (RFC 4568 §6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// AES_CM_128_HMAC_SHA1_80: 10 octets.
    Long,
    /// AES_CM_128_HMAC_SHA1_32: 4 octets.
    Short,
}

impl Suite {
    const fn name(self) -> &'static str {
        match self {
            Self::Long => "AES_CM_128_HMAC_SHA1_80",
            Self::Short => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    const fn proof(self) -> usize {
        match self {
            Self::Long => 10,
            Self::Short => 4,
        }
    }
}

/// One `a=crypto` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crypto {
    /// Names the line; the answer repeats the offer's.
    pub tag: u32,
    /// What is done with the key.
    pub suite: Suite,
    /// The key of whoever says the line, for the packets that it sends.
    pub key: Key,
    /// Whether it says how long the key lives (`|2^31`).
    pub lifetime: bool,
    /// What packets carry before their proof (RFC 3711 §3.1); empty: nothing.
    pub mki: Vec<u8>,
}

impl Crypto {
    /// Reads what stands behind `a=crypto:`. None when the suite is unknown or the key cannot be read.
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_whitespace();
        let (tag, suite, inline) = (words.next()?.parse().ok()?, words.next()?, words.next()?);
        let suite = [Suite::Long, Suite::Short].into_iter().find(|one| one.name() == suite)?;
        let mut fields = inline.strip_prefix("inline:")?.split('|');
        let key = STANDARD.decode(fields.next()?).ok()?.try_into().ok()?;
        // `inline:KEY|2^20|1:4`: a lifetime has no colon, an MKI has one.
        let (mki, lifetime): (Vec<&str>, Vec<&str>) = fields.partition(|field| field.contains(':'));
        let mki = mki.first().map_or(Some(Vec::new()), |field| read_mki(field))?;
        Some(Self { tag, suite, key: Key(key), lifetime: !lifetime.is_empty(), mki })
    }

    /// The line, without its end.
    pub fn line(&self) -> String {
        let lifetime = if self.lifetime { "|2^31" } else { "" };
        let value = self.mki.iter().fold(0_u32, |value, octet| value << 8 | u32::from(*octet));
        let mki = if self.mki.is_empty() { String::new() } else { format!("|{value}:{}", self.mki.len()) };
        let (tag, suite, key) = (self.tag, self.suite.name(), STANDARD.encode(self.key.0));
        format!("a=crypto:{tag} {suite} inline:{key}{lifetime}{mki}")
    }
}

/// `VALUE:LENGTH` (RFC 4568 §6.1); up to four octets.
fn read_mki(field: &str) -> Option<Vec<u8>> {
    let (value, length) = field.split_once(':')?;
    let (value, length): (u32, usize) = (value.trim().parse().ok()?, length.trim().parse().ok()?);
    (1..=4).contains(&length).then(|| value.to_be_bytes()[4 - length..].to_vec())
}

/// One direction of a stream.
pub struct Direction {
    suite: Suite,
    cipher: Aes128,
    salt: [u8; 14],
    proof: [u8; 20],
    mki: Vec<u8>,
    /// The source that the rest is about.
    ssrc: Option<u32>,
    roll_over: u32,
    highest: u16,
}

impl Direction {
    /// Session keys of a master key, derivation rate 0 (RFC 3711 §4.3).
    pub fn new(suite: Suite, key: &Key) -> Self {
        let (master, salt) = (&key.0[..16], &key.0[16..]);
        let master = Aes128::new_from_slice(master).expect("a key of AES-128 has 16 octets");
        let derive = |label: u8, out: &mut [u8]| {
            let mut iv = [0; 16];
            iv[..14].copy_from_slice(salt);
            // "key_id = <label> || r", right-aligned with the salt's 112 bits.
            iv[7] ^= label;
            key_stream(&master, iv, out);
        };
        let (mut encryption, mut proof, mut session_salt) = ([0; 16], [0; 20], [0; 14]);
        derive(0, &mut encryption);
        derive(1, &mut proof);
        derive(2, &mut session_salt);
        let cipher = Aes128::new(&encryption.into());
        Self {
            suite,
            cipher,
            salt: session_salt,
            proof,
            mki: Vec::new(),
            ssrc: None,
            roll_over: 0,
            highest: 0,
        }
    }

    /// The same, with packets that carry an MKI.
    pub fn with_mki(mut self, mki: &[u8]) -> Self {
        self.mki = mki.to_vec();
        self
    }

    /// Encrypts a whole RTP packet and adds its proof.
    pub fn protect(&mut self, mut packet: Vec<u8>) -> Vec<u8> {
        let Some((ssrc, sequence, start)) = header(&packet) else { return packet };
        let roll_over = self.guess(ssrc, sequence);
        self.saw(ssrc, sequence, roll_over);
        self.apply(ssrc, sequence, roll_over, &mut packet[start..]);
        let proof = self.prove(&packet, roll_over);
        packet.extend_from_slice(&self.mki);
        packet.extend_from_slice(&proof[..self.suite.proof()]);
        packet
    }

    /// The RTP packet in it; none when its proof is wrong.
    pub fn unprotect(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let (packet, proof) = packet.split_at_checked(packet.len().checked_sub(self.suite.proof())?)?;
        let packet = packet.strip_suffix(self.mki.as_slice())?;
        let (ssrc, sequence, start) = header(packet)?;
        let roll_over = self.guess(ssrc, sequence);
        if self.prove(packet, roll_over)[..proof.len()] != *proof {
            return None;
        }
        self.saw(ssrc, sequence, roll_over);
        let mut packet = packet.to_vec();
        self.apply(ssrc, sequence, roll_over, &mut packet[start..]);
        Some(packet)
    }

    /// The roll-over count that this number most likely belongs to (RFC 3711 §3.3.1).
    fn guess(&self, ssrc: u32, sequence: u16) -> u32 {
        if self.ssrc != Some(ssrc) {
            return 0;
        }
        let ahead = i32::from(sequence) - i32::from(self.highest);
        match ahead {
            _ if ahead > 0x8000 => self.roll_over.wrapping_sub(1),
            _ if ahead < -0x8000 => self.roll_over.wrapping_add(1),
            _ => self.roll_over,
        }
    }

    fn saw(&mut self, ssrc: u32, sequence: u16, roll_over: u32) {
        let index = |roll_over: u32, sequence: u16| (u64::from(roll_over) << 16) | u64::from(sequence);
        if self.ssrc != Some(ssrc) || index(roll_over, sequence) > index(self.roll_over, self.highest) {
            (self.ssrc, self.roll_over, self.highest) = (Some(ssrc), roll_over, sequence);
        }
    }

    /// "IV = (k_s * 2^16) XOR (SSRC * 2^64) XOR (i * 2^16)" (RFC 3711 §4.1.1).
    fn apply(&self, ssrc: u32, sequence: u16, roll_over: u32, payload: &mut [u8]) {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        let place =
            ssrc.to_be_bytes().into_iter().chain(roll_over.to_be_bytes()).chain(sequence.to_be_bytes());
        iv[4..14].iter_mut().zip(place).for_each(|(octet, with)| *octet ^= with);
        key_stream(&self.cipher, iv, payload);
    }

    /// HMAC-SHA1 over packet and roll-over count (RFC 3711 §4.2).
    fn prove(&self, packet: &[u8], roll_over: u32) -> [u8; 20] {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.proof).expect("HMAC takes keys of any length");
        mac.update(packet);
        mac.update(&roll_over.to_be_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// XORs the key stream of AES in counter mode onto `octets`.
fn key_stream(cipher: &Aes128, iv: [u8; 16], octets: &mut [u8]) {
    for (counter, chunk) in octets.chunks_mut(16).enumerate() {
        let mut block = iv;
        block[14..].copy_from_slice(&(counter as u16).to_be_bytes());
        let mut block = block.into();
        cipher.encrypt_block(&mut block);
        chunk.iter_mut().zip(block).for_each(|(octet, key)| *octet ^= key);
    }
}

/// SSRC, sequence number, and where the payload begins (RFC 3550 §5.1).
fn header(packet: &[u8]) -> Option<(u32, u16, usize)> {
    let head: [u8; 12] = packet.get(..12)?.try_into().ok()?;
    let mut start = 12 + 4 * usize::from(head[0] & 0x0F);
    if head[0] & 0x10 != 0 {
        let words = packet.get(start + 2..start + 4)?;
        start += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    let ssrc = u32::from_be_bytes([head[8], head[9], head[10], head[11]]);
    (start <= packet.len()).then_some((ssrc, u16::from_be_bytes([head[2], head[3]]), start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let octet = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap();
        digits.chunks(2).map(octet).collect()
    }

    fn key() -> Key {
        Key(octets("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6").try_into().unwrap())
    }

    #[test]
    fn session_keys_are_those_of_rfc_3711_b_3() {
        let direction = Direction::new(Suite::Long, &key());
        assert_eq!(direction.salt.to_vec(), octets("30CBBC08863D8C85D49DB34A9AE1"));
        assert_eq!(direction.proof[..16].to_vec(), octets("CEBE321F6FF7716B6FD4AB49AF256A15"));
        let mut block = [0; 16];
        key_stream(&direction.cipher, [0; 16], &mut block);
        let expected = Aes128::new_from_slice(&octets("C61E7A93744F39EE10734AFE3FF7A087")).unwrap();
        let mut zero = [0; 16].into();
        expected.encrypt_block(&mut zero);
        assert_eq!(block.to_vec(), zero.to_vec());
    }

    #[test]
    fn a_packet_is_protected_as_libsrtp_prints_it_and_comes_back() {
        let plain = octets("800f1234decafbadcafebabe abababababababababababababababab");
        let sealed = Direction::new(Suite::Long, &key()).protect(plain.clone());
        let expected =
            octets("800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb");
        assert_eq!(sealed, expected);
        let mut receiver = Direction::new(Suite::Long, &key());
        assert_eq!(receiver.unprotect(&sealed), Some(plain));
        let mut broken = sealed;
        broken[20] ^= 1;
        assert_eq!(receiver.unprotect(&broken), None);
        assert_eq!(receiver.unprotect(&[0x80; 5]), None);
    }

    #[test]
    fn numbers_that_roll_over_are_followed_on_both_sides() {
        let (mut sender, mut receiver) =
            (Direction::new(Suite::Short, &key()), Direction::new(Suite::Short, &key()));
        for sequence in [65_534_u16, 65_535, 0, 1] {
            let mut plain = octets("80080000 00000000 cafebabe 0102");
            plain[2..4].copy_from_slice(&sequence.to_be_bytes());
            assert_eq!(receiver.unprotect(&sender.protect(plain.clone())), Some(plain));
        }
        assert_eq!(receiver.roll_over, 1);
    }

    #[test]
    fn a_crypto_line_is_read_back_with_lifetime_and_mki() {
        let crypto = Crypto { tag: 3, suite: Suite::Short, key: key(), lifetime: false, mki: Vec::new() };
        let line = crypto.line();
        let value = line.strip_prefix("a=crypto:").unwrap();
        assert_eq!(Crypto::parse(value), Some(crypto.clone()));
        let crypto = Crypto { lifetime: true, ..crypto };
        assert_eq!(Crypto::parse(&format!("{value}|2^31")), Some(crypto.clone()));
        let crypto = Crypto { mki: vec![0, 5], ..crypto };
        assert_eq!(Crypto::parse(&format!("{value}|2^31|5:2")), Some(crypto));
        assert_eq!(Crypto::parse(&format!("{value}|5:9")), None);
        assert_eq!(Crypto::parse("1 AES_256_CM inline:AAAA"), None);
    }

    #[test]
    fn an_mki_stands_before_the_proof_and_must_be_the_agreed_one() {
        let plain = octets("80080001 00000000 cafebabe 0102");
        let direction = || Direction::new(Suite::Long, &key());
        let sealed = direction().with_mki(&[1]).protect(plain.clone());
        assert_eq!((sealed.len(), sealed[plain.len()]), (plain.len() + 11, 1));
        assert_eq!(direction().with_mki(&[1]).unprotect(&sealed), Some(plain));
        assert_eq!(direction().with_mki(&[2]).unprotect(&sealed), None);
        assert_eq!(direction().unprotect(&sealed), None);
    }
}
