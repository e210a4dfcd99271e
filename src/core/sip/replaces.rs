//! Replaces (RFC 3891): a call that takes the place of another one.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::wire::{HeaderName, Message, Params, Text};

/// The dialog whose place is taken, as its far end is asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaces {
    /// Call-ID.
    pub call_id: String,
    /// The tag of the end that is asked.
    pub to_tag: String,
    /// The tag of the end that asks.
    pub from_tag: String,
    /// Only while it rings (§3).
    pub early_only: bool,
}

/// What a dialog that Replaces names is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matched {
    /// It stands.
    Confirmed,
    /// It rings, and we dialled it.
    EarlyOurs,
    /// It rings, and the far end dialled it.
    EarlyTheirs,
    /// It is over.
    Over,
}

/// Why an INVITE with Replaces is not taken: the statuses that RFC 3891 §3 prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplacesFault {
    /// "If more than one Replaces header field is present … the UAS MUST reject the request with a 400".
    #[error("one Replaces with to-tag and from-tag may stand in an INVITE")]
    Malformed,
    /// "If no match is found, the UAS rejects the INVITE and returns a 481".
    #[error("Replaces names a call that is not here")]
    NoMatch,
    /// "If the Replaces header field matches a dialog which has already terminated, the UA SHOULD decline
    /// the request with a 603".
    #[error("the call that Replaces names is over")]
    Over,
    /// "… the UA checks for the presence of the "early-only" flag … If the flag is present, the UA rejects
    /// the request with a 486".
    #[error("the call that Replaces names was answered already")]
    Answered,
}

impl ReplacesFault {
    /// The status.
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::NoMatch => 481,
            Self::Over => 603,
            Self::Answered => 486,
        }
    }
}

impl Replaces {
    /// Reads a value: `call-id;to-tag=…;from-tag=…[;early-only]` (§6.1).
    pub fn parse(value: &str) -> Option<Self> {
        let (call_id, params) = value.split_once(';')?;
        let params = Params::parse(&Text::from(params))?;
        let tag = |name: &str| params.get(name).map(|tag| tag.to_string());
        let call_id = call_id.trim();
        (!call_id.is_empty()).then_some(())?;
        Some(Self {
            call_id: call_id.to_owned(),
            to_tag: tag("to-tag")?,
            from_tag: tag("from-tag")?,
            early_only: params.has("early-only"),
        })
    }

    /// That of an INVITE, if it has one.
    pub fn of_invite(invite: &Message) -> Result<Option<Self>, ReplacesFault> {
        // Not a list: a Call-ID may hold a comma (RFC 3261 §25.1, word).
        let values: Vec<_> = invite.headers.get_all(&HeaderName::Replaces).collect();
        match values.as_slice() {
            [] => Ok(None),
            [value] => Self::parse(value).map(Some).ok_or(ReplacesFault::Malformed),
            _ => Err(ReplacesFault::Malformed),
        }
    }

    /// The same dialog named from its other end. A referrer names it as the end sees it that it was
    /// talking to; some write their own view.
    pub fn mirrored(&self) -> Self {
        Self { to_tag: self.from_tag.clone(), from_tag: self.to_tag.clone(), ..self.clone() }
    }

    /// Whether these are its Call-ID, our tag and the far end's. "A tag of zero" stands for none, that of
    /// an RFC 2543 peer.
    pub fn names(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> bool {
        let remote = self.from_tag == remote_tag || (self.from_tag == "0" && remote_tag.is_empty());
        self.call_id == call_id && self.to_tag == local_tag && remote
    }

    /// §3: whether an INVITE may take the place of what was matched.
    pub fn admit(&self, matched: Option<Matched>) -> Result<(), ReplacesFault> {
        match matched {
            None => Err(ReplacesFault::NoMatch),
            Some(Matched::Over) => Err(ReplacesFault::Over),
            Some(Matched::Confirmed) if self.early_only => Err(ReplacesFault::Answered),
            Some(Matched::Confirmed | Matched::EarlyOurs) => Ok(()),
            // "If the Replaces header field matches an early dialog that was not initiated by this UA, it
            // returns a 481".
            Some(Matched::EarlyTheirs) => Err(ReplacesFault::NoMatch),
        }
    }
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let early = if self.early_only { ";early-only" } else { "" };
        write!(f, "{};to-tag={};from-tag={}{early}", self.call_id, self.to_tag, self.from_tag)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_value_is_read_and_written_back() {
        for value in ["a@b;to-tag=1;from-tag=2", "a@b;to-tag=1;from-tag=2;early-only"] {
            assert_eq!(Replaces::parse(value).unwrap().to_string(), value);
        }
        assert!(Replaces::parse("x; from-tag=\"f\" ;to-tag=t").is_some());
        for bad in ["", "a@b", "a@b;to-tag=1", ";to-tag=1;from-tag=2"] {
            assert_eq!(Replaces::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn two_of_them_are_refused() {
        let invite = |lines: &str| {
            let text = format!("INVITE sip:a@b SIP/2.0\n{lines}\n\n").replace('\n', "\r\n");
            Replaces::of_invite(&Message::parse_datagram(Bytes::from(text)).unwrap())
        };
        let one = "Replaces: a;to-tag=1;from-tag=2";
        assert_eq!(invite("Subject: x"), Ok(None));
        assert!(invite(one).unwrap().is_some());
        assert_eq!(invite(&format!("{one}\n{one}")), Err(ReplacesFault::Malformed));
        assert_eq!(invite("Replaces: a;to-tag=1"), Err(ReplacesFault::Malformed));
    }

    #[test]
    fn the_statuses_are_those_that_the_standard_prints() {
        let replaces = Replaces::parse("a;to-tag=1;from-tag=2").unwrap();
        let early = Replaces { early_only: true, ..replaces.clone() };
        let status = |of: &Replaces, matched| of.admit(matched).map_err(ReplacesFault::status);
        assert_eq!(status(&replaces, None), Err(481));
        assert_eq!(status(&replaces, Some(Matched::Over)), Err(603));
        assert_eq!(status(&replaces, Some(Matched::Confirmed)), Ok(()));
        assert_eq!(status(&early, Some(Matched::Confirmed)), Err(486));
        assert_eq!(status(&early, Some(Matched::EarlyOurs)), Ok(()));
        assert_eq!(status(&replaces, Some(Matched::EarlyTheirs)), Err(481));
    }

    #[test]
    fn tags_name_the_dialog_from_the_end_that_is_asked() {
        let replaces = Replaces::parse("a;to-tag=ours;from-tag=0").unwrap();
        assert!(replaces.names("a", "ours", ""));
        assert!(!replaces.names("a", "ours", "x"));
        assert!(replaces.mirrored().names("a", "0", "ours"));
    }
}
