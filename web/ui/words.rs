//! Values in the words of a telephony administrator.

use std::fmt;

use kirkwall_core::call::admission::{Limit, Load};
use kirkwall_core::call::{CallSummary, Party, Phase};
use kirkwall_core::timer::Moment;

use crate::clock;

/// How good a state is. Shown as colour, shape and word, never as colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Good.
    Ok,
    /// Look at it.
    Warn,
    /// Broken.
    Bad,
    /// Neither.
    Idle,
}

impl Tone {
    /// Good or neither.
    pub fn of(good: bool) -> Self {
        if good { Self::Ok } else { Self::Idle }
    }
}

/// The class of the style sheet.
impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Idle => "idle",
        })
    }
}

/// A moment in a `<time>` element; the script shows it in the reader's zone.
#[derive(Debug, Clone, Copy)]
pub struct Clock(pub Moment);

impl Clock {
    /// For programs.
    pub fn iso(&self) -> String {
        clock::rfc3339(self.0)
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&clock::plain(self.0))
    }
}

/// Voice channels of one pool.
#[derive(Debug, Clone, Copy)]
pub struct Channels {
    /// In use.
    pub load: Load,
    /// There are.
    pub limit: Limit,
}

impl Channels {
    /// Part of the budget in use. With limits `plain` and `srtp`, a channel costs one `plain`-th or one
    /// `srtp`-th of it (core's `admission`).
    pub fn percent(&self) -> u32 {
        let part = |used: u32, limit: u32| f64::from(used) / f64::from(limit.max(1));
        let used = part(self.load.plain, self.limit.plain) + part(self.load.srtp, self.limit.srtp);
        (used * 100.0).round().min(100.0) as u32
    }

    /// Whether no channel of either kind fits.
    pub fn full(&self) -> bool {
        !self.load.fits(self.limit, false) && !self.load.fits(self.limit, true)
    }

    /// Reference alert: channels above 80 %.
    pub fn tone(&self) -> Tone {
        match self.percent() {
            _ if self.full() => Tone::Bad,
            80.. => Tone::Warn,
            1.. => Tone::Ok,
            0 => Tone::Idle,
        }
    }

    /// `5 of 32`.
    pub fn count(&self) -> String {
        format!("{} of {}", self.load.channels(), self.limit.plain)
    }

    /// `5 of 32`, or with SRTP in use `5 of 32 (3 with SRTP)`.
    pub fn words(&self) -> String {
        let all = self.count();
        if self.load.srtp == 0 { all } else { format!("{all} ({} with SRTP)", self.load.srtp) }
    }
}

/// The state of a call for programs.
pub fn state_word(phase: Phase) -> &'static str {
    match phase {
        Phase::SettingUp => "setting_up",
        Phase::Dialling => "dialling",
        Phase::Ringing => "ringing",
        Phase::Talking => "talking",
        Phase::Ending => "ending",
        Phase::Ended => "ended",
    }
}

/// The state of a call for people, and how good it is.
pub fn state_words(call: &CallSummary) -> (&'static str, Tone) {
    match (call.phase, &call.cause) {
        (Phase::SettingUp, _) => ("setting up", Tone::Idle),
        (Phase::Dialling, _) => ("dialling", Tone::Idle),
        (Phase::Ringing, _) => ("ringing", Tone::Warn),
        (Phase::Talking, _) => ("talking", Tone::Ok),
        (Phase::Ending, _) => ("ending", Tone::Idle),
        (Phase::Ended, Some(cause)) if cause.status >= 300 && call.answered.is_none() => {
            ("failed", Tone::Bad)
        }
        (Phase::Ended, _) => ("ended", Tone::Idle),
    }
}

/// `Anna Berg (4711)`, or only the number.
pub fn party_words(party: &Party) -> String {
    match (party.display.as_str(), party.number.as_str()) {
        ("", "") => "unknown".to_owned(),
        ("", only) | (only, "") => only.to_owned(),
        (display, number) if display == number => number.to_owned(),
        (display, number) => format!("{display} ({number})"),
    }
}

/// `PCMA`, or `PCMA · G722` when the sides differ.
pub fn codec_words(call: &CallSummary) -> String {
    match (call.codecs.0.map(|c| c.name()), call.codecs.1.map(|c| c.name())) {
        (None, None) => "–".to_owned(),
        (Some(one), Some(other)) if one != other => format!("{one} · {other}"),
        (Some(one), _) | (None, Some(one)) => one.to_owned(),
    }
}

/// Which sides are encrypted.
pub fn srtp_words(call: &CallSummary) -> &'static str {
    match call.srtp {
        (true, true) => "SRTP",
        (true, false) => "SRTP at the caller",
        (false, true) => "SRTP at the callee",
        (false, false) => "RTP",
    }
}

/// The base stations that carry a call.
pub fn base_words(call: &CallSummary) -> String {
    let bases: Vec<_> =
        [&call.caller.base, &call.callee.base].into_iter().flatten().map(ToString::to_string).collect();
    if bases.is_empty() { "–".to_owned() } else { bases.join(" · ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels(plain: u32, srtp: u32) -> Channels {
        Channels { load: Load { plain, srtp }, limit: Limit { plain: 32, srtp: 16 } }
    }

    #[test]
    fn plain_and_encrypted_channels_are_weighed() {
        assert_eq!(channels(16, 8).percent(), 100);
        assert_eq!((channels(16, 8).tone(), channels(32, 0).tone()), (Tone::Bad, Tone::Bad));
        assert_eq!((channels(26, 0).tone(), channels(1, 0).tone()), (Tone::Warn, Tone::Ok));
        assert_eq!(channels(2, 3).words(), "5 of 32 (3 with SRTP)");
    }

    #[test]
    fn a_party_is_named_by_what_is_known() {
        let party = |display: &str, number: &str| {
            party_words(&Party { display: display.into(), number: number.into(), ..Default::default() })
        };
        assert_eq!(party("Anna", "4711"), "Anna (4711)");
        assert_eq!((party("", "4711"), party("", "")), ("4711".into(), "unknown".into()));
    }
}
