//! SRTP keys in SDP: the `a=crypto` line (RFC 4568, SDES).
//!
//! ```text
//! a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:<key and salt, base64>|2^31|1:1 [session parameters]
//!          tag  suite                                     lifetime MKI:length
//! ```
//!
//! A line is either usable as a whole or not at all; an unusable one is passed over, never a reason
//! to refuse a description.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};

use super::{SrtpKey, SrtpSuite};
use crate::id::Tokens;
use crate::pii::Pii;

/// Octets of master key and salt together, in both suites (RFC 4568 §6.2).
pub const MASTER_LENGTH: usize = 30;

/// One usable `a=crypto` line. With several keys in a line the first counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CryptoLine {
    /// Names the line in the answer (RFC 4568 §4.1). At most nine digits.
    pub tag: u32,
    /// Suite, key and MKI.
    pub key: SrtpKey,
    /// For how many packets the key may serve, when it says so.
    pub lifetime: Option<u64>,
}

/// Why a line cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CryptoFault {
    /// It breaks the grammar of RFC 4568 §9.
    #[error("a=crypto: {0}")]
    Malformed(&'static str),
    /// A suite that we do not have.
    #[error("a=crypto: suite {0:?} is unknown; AES_CM_128_HMAC_SHA1_80 and _32 are known")]
    Suite(String),
    /// A session parameter that we cannot obey and that may not be ignored.
    #[error("a=crypto: session parameter {0:?} is not supported")]
    SessionParameter(String),
}

impl CryptoLine {
    /// A line with a fresh key. `mki` is written as a number of one octet.
    pub fn fresh(
        tag: u32,
        suite: SrtpSuite,
        lifetime: Option<u64>,
        mki: Option<Vec<u8>>,
        tokens: &mut Tokens,
    ) -> Self {
        let master = Pii(tokens.bytes()[..MASTER_LENGTH].to_vec());
        Self { tag, key: SrtpKey { suite, master, mki }, lifetime }
    }

    /// Parses what stands behind `a=crypto:`.
    ///
    /// # Errors
    ///
    /// Says why the line must be passed over.
    pub fn parse(value: &str) -> Result<Self, CryptoFault> {
        let mut words = value.split_ascii_whitespace().peekable();
        let tag = number(words.next().unwrap_or(""), 9).ok_or(CryptoFault::Malformed("no tag"))?;
        let suite = suite(words.next().ok_or(CryptoFault::Malformed("no suite"))?)?;
        let mut keys = words.next().ok_or(CryptoFault::Malformed("no key"))?;
        let first = keys.split(';').next().unwrap_or("");
        let (master, lifetime, mki) = key(first).map_err(CryptoFault::Malformed)?;
        // Some write a blank behind the semicolon between two keys.
        while keys.ends_with(';') {
            keys = words.next_if(|word| is_key(word)).unwrap_or("");
        }
        words.try_for_each(session_parameter)?;
        Ok(Self { tag: tag as u32, key: SrtpKey { suite, master: Pii(master), mki }, lifetime })
    }
}

/// What stands behind `a=crypto:`. It shows the key: for the wire only.
impl fmt::Display for CryptoLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let master = BASE64.encode(&self.key.master.0);
        write!(f, "{} {} inline:{master}", self.tag, self.key.suite.name())?;
        match self.lifetime {
            Some(packets) if packets.is_power_of_two() => write!(f, "|2^{}", packets.trailing_zeros())?,
            Some(packets) => write!(f, "|{packets}")?,
            None => {}
        }
        match &self.key.mki {
            Some(mki) => {
                let value = mki.iter().fold(0u128, |value, octet| value << 8 | u128::from(*octet));
                write!(f, "|{value}:{}", mki.len())
            }
            None => Ok(()),
        }
    }
}

fn suite(name: &str) -> Result<SrtpSuite, CryptoFault> {
    let known = [SrtpSuite::AesCm128HmacSha1_80, SrtpSuite::AesCm128HmacSha1_32];
    let found = known.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name));
    found.ok_or_else(|| CryptoFault::Suite(name.chars().take(64).collect()))
}

fn is_key(word: &str) -> bool {
    word.get(..7).is_some_and(|method| method.eq_ignore_ascii_case("inline:"))
}

type Key = (Vec<u8>, Option<u64>, Option<Vec<u8>>);

/// RFC 4568 §9.2: "inline:" <key||salt> ["|" lifetime] ["|" MKI ":" length]
fn key(word: &str) -> Result<Key, &'static str> {
    if !is_key(word) {
        return Err("the key method is not inline");
    }
    let mut fields = word[7..].split('|');
    let master = BASE64.decode(fields.next().unwrap_or("")).map_err(|_| "the key is no base64")?;
    if master.len() != MASTER_LENGTH {
        return Err("key and salt are not 30 octets");
    }
    let (mut lifetime, mut mki) = (None, None);
    for field in fields {
        match field.split_once(':') {
            None if lifetime.is_none() && mki.is_none() => lifetime = Some(packets(field)?),
            Some((value, length)) if mki.is_none() => mki = Some(mki_octets(value, length)?),
            _ => return Err("more than a lifetime and an MKI behind the key"),
        }
    }
    Ok((master, lifetime, mki))
}

/// A decimal number or a power of two, at most 2^48 (RFC 4568 §6.1).
fn packets(field: &str) -> Result<u64, &'static str> {
    let packets = match field.strip_prefix("2^") {
        Some(power) => number(power, 2).filter(|power| *power <= 48).map(|power| 1 << power),
        None => number(field, 15).filter(|packets| (1..=1 << 48).contains(packets)),
    };
    packets.ok_or("the lifetime is no number of packets up to 2^48")
}

/// The MKI as it stands in a packet: `length` octets, most significant first.
fn mki_octets(value: &str, length: &str) -> Result<Vec<u8>, &'static str> {
    // RFC 4568 §6.1: 1 to 128 octets. A value of more than 128 bits was never seen.
    let length = number(length, 3).filter(|length| (1..=128).contains(length));
    let length = length.ok_or("the length of the MKI is not 1 to 128")? as usize;
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let value: u128 = value.parse().ok().filter(|_| digits).ok_or("the MKI is no number")?;
    let octets = value.to_be_bytes();
    let (cut, kept) = octets.split_at(octets.len().saturating_sub(length));
    if cut.iter().any(|octet| *octet != 0) {
        return Err("the MKI is longer than its length");
    }
    let mut mki = vec![0; length - kept.len()];
    mki.extend_from_slice(kept);
    Ok(mki)
}

/// RFC 4568 §6.3.7: an unknown session parameter spoils the line unless a dash before it says that it
/// may be ignored. The known ones that would weaken or change the protection (§6.3.1 to §6.3.3) spoil
/// it in either form.
fn session_parameter(word: &str) -> Result<(), CryptoFault> {
    let (optional, bare) = word.strip_prefix('-').map_or((false, word), |bare| (true, bare));
    let (name, value) = bare.split_once('=').unwrap_or((bare, ""));
    match name.to_ascii_uppercase().as_str() {
        // A hint for the receiver's replay window; no FEC stream is ever negotiated here.
        "WSH" | "FEC_ORDER" | "FEC_KEY" => Ok(()),
        "KDR" if value == "0" => Ok(()),
        "KDR" | "UNENCRYPTED_SRTP" | "UNENCRYPTED_SRTCP" | "UNAUTHENTICATED_SRTP" => Err(unsupported(name)),
        _ if optional => Ok(()),
        _ => Err(unsupported(name)),
    }
}

fn unsupported(name: &str) -> CryptoFault {
    CryptoFault::SessionParameter(name.chars().take(64).collect())
}

fn number(word: &str, max_digits: usize) -> Option<u64> {
    let fits = (1..=max_digits).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
    word.parse().ok().filter(|_| fits)
}

/// Padding is not needed for 30 octets, and taken if it is there.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
    const TWO_31: u64 = 1 << 31;

    fn line(rest: &str) -> Result<CryptoLine, CryptoFault> {
        CryptoLine::parse(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}{rest}"))
    }

    #[test]
    fn all_four_forms_of_lifetime_and_mki_are_read_and_written_back() {
        for (rest, lifetime, mki) in [
            ("", None, None),
            ("|2^31", Some(TWO_31), None),
            ("|2^31|1:1", Some(TWO_31), Some(vec![1])),
            ("|1:1", None, Some(vec![1])),
            ("|2^20|1:32", Some(1 << 20), Some([vec![0; 31], vec![1]].concat())),
            ("|1066:4", None, Some(vec![0, 0, 4, 42])),
            ("|1000", Some(1000), None),
        ] {
            let read = line(rest).unwrap();
            assert_eq!((read.lifetime, &read.key.mki), (lifetime, &mki), "{rest}");
            assert_eq!(read.to_string(), format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}{rest}"));
        }
        assert_eq!(line("|2147483648").unwrap().lifetime, Some(TWO_31));
        assert_eq!(line("").unwrap().key.master.0[..3], [0x77, 0x44, 0x66]);
    }

    // RFC 4568 §5.1 and §6.1.
    #[test]
    fn of_several_keys_the_first_counts() {
        let other = "QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5";
        for separator in [";", "; "] {
            let read = line(&format!("|2^20|1:4{separator}inline:{other}|2^20|2:4 WSH=60")).unwrap();
            assert_eq!(read.key.mki, Some(vec![0, 0, 0, 1]));
            assert_eq!(read, line("|2^20|1:4").unwrap());
        }
    }

    #[test]
    fn what_breaks_the_grammar_is_unusable() {
        for value in [
            "",
            "1",
            "x AES_CM_128_HMAC_SHA1_80 inline:AAAA",
            "1234567890 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
            "1 AES_CM_128_HMAC_SHA1_80",
            "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
            "1 AES_CM_128_HMAC_SHA1_80 inline:*",
            "1 AES_CM_128_HMAC_SHA1_80 uri:abc",
        ] {
            assert!(matches!(CryptoLine::parse(value), Err(CryptoFault::Malformed(_))), "{value}");
        }
        for rest in
            ["|", "|0", "|2^49", "|2^", "|1:0", "|1:129", "|256:1", "|:1", "|1:1|2^31", "|+5", "|+1:1"]
        {
            assert!(line(rest).is_err(), "{rest}");
        }
        let suite = CryptoLine::parse(&format!("1 F8_128_HMAC_SHA1_80 inline:{KEY}"));
        assert_eq!(suite, Err(CryptoFault::Suite("F8_128_HMAC_SHA1_80".into())));
    }

    #[test]
    fn an_unknown_session_parameter_spoils_the_line_unless_it_may_be_ignored() {
        assert!(line(" KDR=0 WSH=128 FEC_ORDER=SRTP_FEC -x-new=1").is_ok());
        for bad in
            ["x-new=1", "KDR=1", "-KDR=1", "UNENCRYPTED_SRTP", "-UNENCRYPTED_SRTP", "UNAUTHENTICATED_SRTP"]
        {
            assert!(matches!(line(&format!(" {bad}")), Err(CryptoFault::SessionParameter(_))), "{bad}");
        }
    }

    #[test]
    fn a_key_does_not_show_in_debug_output() {
        let shown = format!("{:?}", line("").unwrap());
        assert!(!shown.contains(KEY) && !shown.contains("119, 68"), "{shown}");
    }

    #[test]
    fn fresh_keys_differ_and_read_back() {
        let mut tokens = Tokens::new([5; 32]);
        let mut fresh =
            || CryptoLine::fresh(2, SrtpSuite::AesCm128HmacSha1_32, Some(TWO_31), Some(vec![1]), &mut tokens);
        let (a, b) = (fresh(), fresh());
        assert_ne!(a.key.master, b.key.master);
        assert_eq!(CryptoLine::parse(&a.to_string()), Ok(a));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9]{0,3} ?(AES_CM_128_HMAC_SHA1_80|.{0,5}) (inline:)?.{0,60}") {
            if let Ok(line) = CryptoLine::parse(&text) {
                prop_assert_eq!(CryptoLine::parse(&line.to_string()), Ok(line));
            }
        }
    }
}
