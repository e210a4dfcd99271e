//! How a phone takes a call.

use std::time::Duration;

/// What happens to an INVITE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// 180, then 200.
    Answer {
        /// From INVITE to answer.
        after: Duration,
        /// From answer to our BYE; none: the other end ends the call.
        talk: Option<Duration>,
    },
    /// 183 with sound, then 200.
    EarlyMedia {
        /// From INVITE to answer.
        after: Duration,
        /// From answer to our BYE.
        talk: Option<Duration>,
    },
    /// 180, and nobody comes.
    NoAnswer,
    /// 302 to this URI.
    Redirect(String),
    /// A final refusal.
    Refuse(u16),
    /// 488, since the way there has no bandwidth; whether another way may be tried.
    LacksBandwidth {
        /// See above.
        elsewhere: bool,
    },
}

impl Behaviour {
    /// 486.
    pub const BUSY: Self = Self::Refuse(486);
    /// 603.
    pub const DECLINE: Self = Self::Refuse(603);

    /// What a user name asks for, so that a test that can only dial can choose:
    ///
    /// `busy…`, `decline…`, `absent…` (no answer), `refuse-CODE`, `redirect-USER` (in `domain`), `early…`
    /// and anything else (an answering machine); the latter two with `-after-SECONDS` (default 1) and
    /// `-talk-SECONDS` (hangs up; default: never).
    pub fn of_user_name(name: &str, domain: &str) -> Self {
        let words: Vec<&str> = name.split('-').collect();
        let number = |key: &str| {
            let at = words.iter().position(|word| *word == key)?;
            words.get(at + 1)?.parse::<u32>().ok()
        };
        let seconds = |key: &str| number(key).map(|n| Duration::from_secs(n.into()));
        let (after, talk) = (seconds("after").unwrap_or(Duration::from_secs(1)), seconds("talk"));
        match words[0].trim_end_matches(|c: char| c.is_ascii_digit()) {
            "busy" => Self::BUSY,
            "decline" => Self::DECLINE,
            "absent" => Self::NoAnswer,
            "refuse" => {
                Self::Refuse(number("refuse").filter(|c| (300..700).contains(c)).unwrap_or(480) as u16)
            }
            "redirect" if words.len() > 1 => Self::Redirect(format!("sip:{}@{domain}", words[1..].join("-"))),
            "early" => Self::EarlyMedia { after, talk },
            _ => Self::Answer { after, talk },
        }
    }
}

/// The words that usually go with a status (RFC 3261 §21).
pub(super) const fn reason(code: u16) -> &'static str {
    match code {
        302 => "Moved Temporarily",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        480 => "Temporarily Unavailable",
        486 => "Busy Here",
        488 => "Not Acceptable Here",
        500 => "Server Internal Error",
        503 => "Service Unavailable",
        600 => "Busy Everywhere",
        603 => "Decline",
        _ => "Refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_choose_the_behaviour() {
        let of = |name| Behaviour::of_user_name(name, "lab.test");
        let seconds = Duration::from_secs;
        assert_eq!(of("busy2"), Behaviour::BUSY);
        assert_eq!(of("decline"), Behaviour::DECLINE);
        assert_eq!(of("absent-7"), Behaviour::NoAnswer);
        assert_eq!(of("refuse-503"), Behaviour::Refuse(503));
        assert_eq!(of("refuse-9999"), Behaviour::Refuse(480));
        assert_eq!(of("redirect-anna-b"), Behaviour::Redirect("sip:anna-b@lab.test".into()));
        assert_eq!(of("early-after-2"), Behaviour::EarlyMedia { after: seconds(2), talk: None });
        assert_eq!(
            of("bob-after-0-talk-20"),
            Behaviour::Answer { after: seconds(0), talk: Some(seconds(20)) }
        );
    }
}
