//! Call logs: what one call means to each user it concerned.
//!
//! | The call | in the caller's log | in the called user's log |
//! |---|---|---|
//! | answered by the user | placed | received |
//! | answered by another handset of the user | placed | received |
//! | answered elsewhere (`Reason: SIP;cause=200`, or declined there for all: 600, 603) | placed | elsewhere |
//! | forwarded and answered there | placed | elsewhere, forwarded |
//! | not answered, for whatever reason | placed | missed |
//!
//! Feature codes are orders, not calls, and stand in no log.

use serde::{Deserialize, Serialize};

use super::{CallSummary, Party};
use crate::id::{CallRef, Username};
use crate::sip::DisplayLimits;
use crate::timer::Moment;

/// Longest number and name that are kept, in characters; the longest URI is that of the wire.
const LONGEST: usize = 128;
/// Longest URI that is kept, in characters.
const LONGEST_URI: usize = 512;

/// What a call was to the user in whose log it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogKind {
    /// The user called.
    Placed,
    /// The user was called and answered.
    Received,
    /// The user was called and nobody answered.
    Missed,
    /// Somebody answered in the user's place.
    Elsewhere,
}

impl LogKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Placed, Self::Received, Self::Missed, Self::Elsewhere];

    /// Its word in REST and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Received => "received",
            Self::Missed => "missed",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// One line of a user's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Which call it was.
    pub call: CallRef,
    /// What it was to the user.
    pub kind: LogKind,
    /// The other end's number or user part.
    pub number: String,
    /// The other end's name, possibly empty.
    #[serde(default)]
    pub name: String,
    /// The other end's whole URI, when the number alone would not reach it again.
    #[serde(default)]
    pub uri: Option<String>,
    /// When the call came.
    pub started: Moment,
    /// How long was talked, in seconds; none: not at all.
    #[serde(default)]
    pub seconds: Option<u64>,
    /// Whether it was one of the user's forwards that sent it elsewhere.
    #[serde(default)]
    pub forwarded: bool,
}

impl LogEntry {
    /// What reaches the other end again.
    pub fn address(&self) -> &str {
        self.uri.as_deref().unwrap_or(&self.number)
    }

    /// What a handset with these limits may redial. The guide: "SIP URI up to 64 characters including
    /// `sip:`"; a longer one is shown by name alone.
    pub fn redialled_on(&self, limits: &DisplayLimits) -> Option<&str> {
        Some(self.address()).filter(|address| !address.is_empty() && limits.takes_uri(address))
    }

    /// What a handset with these limits shows: the name, or the number where it may show it.
    pub fn shown_on<'a>(&'a self, limits: &DisplayLimits) -> &'a str {
        match (self.name.is_empty(), self.redialled_on(limits)) {
            (false, _) => limits.fit(&self.name, &self.number),
            (true, Some(_)) => limits.fit(&self.number, ""),
            (true, None) => "",
        }
    }
}

/// What an ended call means to everybody it concerned. `called` are the users that it was for, by whoever's
/// forward.
pub fn entries(call: &CallSummary, called: &[Username]) -> Vec<(Username, LogEntry)> {
    let mut entries = Vec::new();
    if let Some(user) = call.caller.user.as_ref().filter(|_| !is_code(&call.callee.number)) {
        entries.push((user.clone(), entry(call, LogKind::Placed, &call.callee)));
    }
    for user in called {
        let (kind, forwarded) = kind_for(call, user);
        entries.push((user.clone(), LogEntry { forwarded, ..entry(call, kind, &call.caller) }));
    }
    entries
}

fn kind_for(call: &CallSummary, user: &Username) -> (LogKind, bool) {
    let forwarded = call.trail.iter().any(|passed| passed.from == user.as_str());
    let by_user = call.callee.user.as_ref() == Some(user);
    match (call.answered.is_some(), by_user && !forwarded) {
        (true, true) => (LogKind::Received, false),
        (true, false) => (LogKind::Elsewhere, forwarded),
        (false, _) if taken_elsewhere(call) => (LogKind::Elsewhere, forwarded),
        (false, _) => (LogKind::Missed, forwarded),
    }
}

/// RFC 3326 §2: a CANCEL with `Reason: SIP;cause=200` says that another branch answered; with 600 or 603,
/// that somebody declined for all. Neither is a missed call.
fn taken_elsewhere(call: &CallSummary) -> bool {
    call.cause.as_ref().is_some_and(|cause| cause.is_elsewhere())
}

fn is_code(number: &str) -> bool {
    number.starts_with(['*', '#'])
}

fn entry(call: &CallSummary, kind: LogKind, other: &Party) -> LogEntry {
    let cut = |text: &str| text.chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>();
    let talked = call.answered.map(|answered| call.ended.unwrap_or(answered).since(answered).as_secs());
    LogEntry {
        call: call.reference,
        kind,
        number: cut(&other.number),
        name: cut(&other.display),
        uri: other.uri.clone().filter(|uri| uri.chars().count() <= LONGEST_URI),
        started: call.started,
        seconds: talked.filter(|_| matches!(kind, LogKind::Placed | LogKind::Received)),
        forwarded: false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::cause::Cause;
    use super::super::forward::{Diversion, ForwardReason};
    use super::super::{NewCall, Phase};
    use super::*;
    use crate::sip::Facing;
    use crate::sip::wire::{HeaderName, Message, Method};

    fn user(name: &str) -> Username {
        name.parse().unwrap()
    }

    fn party(name: &str) -> Party {
        Party { number: name.into(), user: Some(user(name)), ..Party::default() }
    }

    fn call(answered_by: Option<&str>, cause: Cause) -> CallSummary {
        let new = NewCall {
            reference: CallRef(7),
            caller: party("anna"),
            dialled: Party { number: "bob".into(), ..Party::default() },
            facing: Facing::South,
            offer: None,
        };
        let at = Moment::from_micros;
        let mut call = CallSummary::of(&new, at(0));
        (call.phase, call.ended, call.cause) = (Phase::Ended, Some(at(65_000_000)), Some(cause));
        if let Some(name) = answered_by {
            (call.answered, call.callee) = (Some(at(5_000_000)), party(name));
        }
        call
    }

    fn kinds(call: &CallSummary, called: &[&str]) -> Vec<(String, LogKind, bool)> {
        let called: Vec<_> = called.iter().map(|name| user(name)).collect();
        let line = |(user, entry): (Username, LogEntry)| (user.to_string(), entry.kind, entry.forwarded);
        entries(call, &called).into_iter().map(line).collect()
    }

    #[test]
    fn an_answered_call_is_placed_by_one_and_received_by_the_other() {
        let call = call(Some("bob"), Cause::normal());
        let placed = ("anna".to_owned(), LogKind::Placed, false);
        assert_eq!(kinds(&call, &["bob"]), [placed, ("bob".into(), LogKind::Received, false)]);
        let entries = entries(&call, &[user("bob")]);
        assert_eq!((entries[0].1.seconds, entries[1].1.number.as_str()), (Some(60), "anna"));
    }

    #[test]
    fn what_nobody_answers_is_missed_whatever_the_reason() {
        for status in [408, 480, 486, 487, 503, 603] {
            let call = call(None, Cause::of_status(status, "x"));
            assert_eq!(kinds(&call, &["bob"])[1], ("bob".into(), LogKind::Missed, false), "{status}");
        }
    }

    #[test]
    fn a_call_completed_or_declined_elsewhere_is_not_missed() {
        for reason in ["SIP;cause=200;text=\"Call completed elsewhere\"", "SIP ; cause=603", "SIP;cause=600"]
        {
            let mut cancel = Message::request(Method::Cancel, "sip:bob@x");
            cancel.headers.push(HeaderName::Reason, reason);
            let cause = Cause::normal().told_by(&cancel).before_answer();
            let call = call(None, cause);
            assert_eq!(kinds(&call, &["bob"])[1], ("bob".into(), LogKind::Elsewhere, false), "{reason}");
        }
        let mut cancel = Message::request(Method::Cancel, "sip:bob@x");
        cancel.headers.push(HeaderName::Reason, "Q.850;cause=16");
        let call = call(None, Cause::normal().told_by(&cancel).before_answer());
        assert_eq!(kinds(&call, &["bob"])[1].1, LogKind::Missed);
    }

    #[test]
    fn a_forwarded_call_is_elsewhere_when_it_is_answered_and_missed_when_not() {
        let trail = vec![Diversion { from: "bob".into(), reason: ForwardReason::NoAnswer }];
        let answered = CallSummary { trail: trail.clone(), ..call(Some("carol"), Cause::normal()) };
        let lines = kinds(&answered, &["bob", "carol"]);
        assert_eq!(lines[1], ("bob".into(), LogKind::Elsewhere, true));
        assert_eq!(lines[2], ("carol".into(), LogKind::Received, false));
        let lost = CallSummary { trail, ..call(None, Cause::of_status(480, "x")) };
        assert_eq!(kinds(&lost, &["bob", "carol"])[2].1, LogKind::Missed);
    }

    #[test]
    fn a_feature_code_stands_in_no_log() {
        let mut call = call(Some("bob"), Cause::normal());
        call.callee.number = "*21*4711#".into();
        assert!(entries(&call, &[]).is_empty());
    }

    #[test]
    fn a_long_uri_is_kept_whole_and_a_narrow_handset_shows_the_name_alone() {
        let long = format!("sip:{}@far.test", "u".repeat(60));
        let mut call = call(Some("bob"), Cause::normal());
        call.caller =
            Party { number: "u".repeat(60), display: "Ute".into(), uri: Some(long.clone()), ..call.caller };
        let entry = entries(&call, &[user("bob")]).pop().unwrap().1;
        let narrow = DisplayLimits { name: 24, name_and_number: None, uri: 64 };
        assert_eq!((entry.address(), entry.redialled_on(&narrow)), (long.as_str(), None));
        assert_eq!(entry.shown_on(&narrow), "Ute");
        let wide = DisplayLimits { uri: 255, ..narrow };
        assert_eq!(entry.redialled_on(&wide), Some(long.as_str()));
    }
}
