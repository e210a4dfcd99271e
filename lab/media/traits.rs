//! What a Lync end says of media that a plain phone does not.

use std::time::Duration;

use super::sdp::Protection;
use super::srtp::{Crypto, Key, Suite};
use crate::ice::{Dialect, Manner};

/// Which key lines an offer has, in order. All have one key, and differ in what packets carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyLines {
    /// One with neither lifetime nor MKI: most phones, Exchange Unified Messaging.
    #[default]
    Bare,
    /// Tag 1 with lifetime and MKI, tag 2 with lifetime: clients of Lync 2010 and 2013.
    Lync,
    /// One with lifetime: real answers.
    Lifetime,
    /// One with lifetime and MKI, and nothing else to choose.
    Mki,
}

impl KeyLines {
    /// The lines of an offer.
    pub fn lines(self, key: &Key) -> Vec<Crypto> {
        let line = |tag, lifetime, mki: bool| Crypto {
            tag,
            suite: Suite::Long,
            key: key.clone(),
            lifetime,
            mki: if mki { vec![1] } else { Vec::new() },
        };
        match self {
            Self::Bare => vec![line(1, false, false)],
            Self::Lync => vec![line(1, true, true), line(2, true, false)],
            Self::Lifetime => vec![line(1, true, false)],
            Self::Mki => vec![line(1, true, true)],
        }
    }
}

/// See the module. The default is a plain phone's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traits {
    /// The key lines of its offers, when it has SRTP at all.
    pub keys: KeyLines,
    /// Whether offers come twice, in a multipart/alternative with a part for OCS 2007
    /// (`ms-proxy-2007fallback`).
    pub fallback: bool,
    /// Whether video is offered beside audio.
    pub video: bool,
    /// Whether comfort noise (payload type 13) is named.
    pub comfort_noise: bool,
    /// After how long the other end is put on hold (`a=inactive`), and for how long.
    pub hold: Option<(Duration, Duration)>,
    /// What it does about ICE.
    pub ice: Manner,
    /// It is a mediation server, and its gateway is at this place (media bypass): who is there too gets the
    /// gateway's description.
    pub gateway_at: Option<String>,
    /// It knows ICE of draft 06 and nothing newer, and refuses offers that have nothing for it: OCS 2007 R2.
    pub old_alone: bool,
}

impl Traits {
    /// Those of a Lync 2013 client: two key lines, fallback, video, comfort noise.
    pub fn lync() -> Self {
        Self { keys: KeyLines::Lync, fallback: true, video: true, comfort_noise: true, ..Self::default() }
    }

    /// What a user name asks for, besides its behaviour: the words `optional` and `savp` (SRTP offered,
    /// required), `bare`, `lifetime`, `mki` (key lines), `multipart`, `video`, `noise`, `lync` (all that a
    /// client says, with SRTP offered), `hold-SECONDS` (one second after the answer, for so long), and `ice`,
    /// `rfc3489`, `relayed` (behind relays) or `draft6`.
    pub fn of_user_name(name: &str) -> (Self, Protection) {
        let words: Vec<&str> = name.split('-').collect();
        let says = |word: &str| words.contains(&word);
        let mut traits = if says("lync") { Self::lync() } else { Self::default() };
        let keys = [("bare", KeyLines::Bare), ("lifetime", KeyLines::Lifetime), ("mki", KeyLines::Mki)];
        if let Some((_, lines)) = keys.into_iter().find(|(word, _)| says(word)) {
            traits.keys = lines;
        }
        traits.fallback |= says("multipart");
        traits.video |= says("video");
        traits.comfort_noise |= says("noise");
        traits.ice = match () {
            () if says("draft6") => Manner::Draft6,
            () if says("rfc3489") => Manner::Full { dialect: Dialect::Rfc3489, behind_relays: false },
            () if says("relayed") => Manner::Full { dialect: Dialect::MsIce2, behind_relays: true },
            () if says("ice") => Manner::FULL,
            () => Manner::Off,
        };
        let at = words.iter().position(|word| *word == "hold");
        let seconds = at.and_then(|at| words.get(at + 1)?.parse::<u32>().ok());
        traits.hold = seconds.map(|seconds| (Duration::from_secs(1), Duration::from_secs(seconds.into())));
        let protection = match () {
            () if says("savp") => Protection::Required,
            () if says("optional") || says("lync") => Protection::Offered,
            () => Protection::Off,
        };
        (traits, protection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_choose_traits() {
        let (traits, protection) = Traits::of_user_name("anna-savp-mki-hold-2");
        assert_eq!((protection, traits.keys), (Protection::Required, KeyLines::Mki));
        assert_eq!(traits.hold, Some((Duration::from_secs(1), Duration::from_secs(2))));
        assert!(!traits.video);
        assert_eq!(Traits::of_user_name("carol-lync"), (Traits::lync(), Protection::Offered));
        assert_eq!(Traits::of_user_name("savvy"), (Traits::default(), Protection::Off));
    }

    #[test]
    fn key_lines_are_written_as_lync_writes_them_and_read_back() {
        let lines = KeyLines::Lync.lines(&Key::fresh());
        assert!(lines[0].line().ends_with("|2^31|1:1") && lines[1].line().ends_with("|2^31"));
        for line in lines.iter().chain(&KeyLines::Bare.lines(&Key::fresh())) {
            let written = line.line();
            assert_eq!(Crypto::parse(written.strip_prefix("a=crypto:").unwrap()).as_ref(), Some(line));
        }
    }
}
