//! Names of things, as types that cannot be confused, and the source of new unguessable ones.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Username/extension of a user: the user part of the SIP URI. Unique within the switch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Username(String);

impl Username {
    /// Longest permitted username, in characters.
    pub const MAX: usize = 64;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no [`Username`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUsername {
    /// Nothing there.
    #[error("a username cannot be empty")]
    Empty,
    /// More than [`Username::MAX`] characters.
    #[error("a username has at most 64 characters, this one has {0}")]
    TooLong(usize),
    /// A character that cannot stand in the user part of a SIP URI.
    #[error("{0:?} cannot be in a username; allowed are letters, digits and -_.!~*'()&=+$,;?/")]
    Character(char),
}

impl FromStr for Username {
    type Err = BadUsername;

    fn from_str(text: &str) -> Result<Self, BadUsername> {
        // RFC 3261 §25.1: user = 1*( unreserved / escaped / user-unreserved )
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.!~*'()&=+$,;?/".contains(c);
        match text.chars().find(|&c| !allowed(c)) {
            _ if text.is_empty() => Err(BadUsername::Empty),
            _ if text.len() > Self::MAX => Err(BadUsername::TooLong(text.chars().count())),
            Some(c) => Err(BadUsername::Character(c)),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:013x}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                u64::from_str_radix(text, 16).map(Self)
            }
        }
    };
}

number! {
    /// One call as the switch sees it: two or more legs and their media. Sorts by age.
    CallRef
}
number! {
    /// Whoever owns a SIP transaction or dialog on this node. It stands in our branches and tags, so
    /// that what comes back finds its owner without a search.
    OwnerId
}
number! {
    /// One media channel: two flows joined in the media engine.
    ChannelId
}

number! {
    /// One conference in the media engine: who sits in the same mixer hears each other.
    MixerId
}

impl OwnerId {
    /// Whose word this is: a tag, or a branch without its cookie, of ours begins with the owner's number.
    pub fn in_word(word: &str) -> Option<Self> {
        word.split_once('.')?.0.parse().ok()
    }
}

/// A base station or DECT manager as the switch knows it: its MAC when it shows one, else its
/// address and model. One for each SIP user agent of a base.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BaseStationId(pub String);

impl fmt::Display for BaseStationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Source of unguessable words (tags, branches, Call-IDs, nonces). The seed comes from outside and
/// must be secret and fresh; from there on every word follows, so a test can repeat a run.
#[derive(Clone)]
pub struct Tokens {
    seed: [u8; 32],
    drawn: u64,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens {{ drawn: {} }}", self.drawn)
    }
}

impl Tokens {
    /// From a secret seed.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, drawn: 0 }
    }

    /// Thirty-two fresh bytes.
    pub fn bytes(&mut self) -> [u8; 32] {
        self.drawn += 1;
        Sha256::new().chain_update(self.seed).chain_update(self.drawn.to_be_bytes()).finalize().into()
    }

    /// A fresh number.
    pub fn number(&mut self) -> u64 {
        let bytes = self.bytes();
        u64::from_be_bytes(bytes[..8].try_into().expect("32 bytes hold 8"))
    }

    /// A fresh word of 64 bits in base 32, fit for a tag or branch (RFC 3261 §19.3 asks for 32 bits).
    pub fn word(&mut self) -> String {
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        self.bytes()[..13].iter().map(|b| ALPHABET[(b & 31) as usize] as char).collect()
    }

    /// A seed for somebody else.
    pub fn split(&mut self) -> Tokens {
        Tokens::new(self.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_username_is_told_why() {
        assert_eq!("".parse::<Username>(), Err(BadUsername::Empty));
        assert_eq!("a b".parse::<Username>(), Err(BadUsername::Character(' ')));
        assert!("4711".parse::<Username>().is_ok());
    }

    #[test]
    fn the_same_seed_gives_the_same_words_and_no_word_twice() {
        let (mut a, mut b) = (Tokens::new([1; 32]), Tokens::new([1; 32]));
        let words: Vec<_> = (0..100).map(|_| a.word()).collect();
        assert!(words.iter().all(|w| *w == b.word()));
        let mut unique = words.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), 100);
    }
}
