//! Forwarding: what a user has set, the trail that a forwarded call leaves, and its end in a loop.
//!
//! A forward is a call that the user makes: it has the user's rights and the user's line. The trail says
//! through whom the call has come, in the words of RFC 5806 (Diversion) and RFC 7044 (History-Info), and is
//! read in what the north sends us, so that a loop over the registrar is found too.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cause::Cause;
use crate::id::Username;
use crate::sip::wire::{HeaderName, Message, NameAddr, Text, Uri};

/// Most forwards of one call, whoever made them.
pub const MOST_FORWARDS: usize = 5;
/// Shortest and longest wait before an unanswered call is forwarded (3GPP TS 22.030: 5 to 30; here longer
/// ones are possible).
pub const SECONDS: RangeInclusive<u16> = 5..=120;
/// How long a handset rings before a call is forwarded, unless the user says otherwise.
pub const NO_ANSWER_SECONDS: u16 = 20;

/// When a user wants calls forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForwardKind {
    /// Every call.
    Always,
    /// When the handset is busy, or its base station full.
    Busy,
    /// When nobody answers in time.
    NoAnswer,
    /// When no handset is registered or can be reached.
    OutOfRange,
}

impl ForwardKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Always, Self::Busy, Self::NoAnswer, Self::OutOfRange];

    /// Its word in REST and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::OutOfRange => "out_of_range",
        }
    }
}

/// What a user has set. None of it holds for the call back of an emergency desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Forwarding {
    /// Every call goes there.
    pub always: Option<String>,
    /// Calls while busy.
    pub busy: Option<String>,
    /// Calls that are not answered.
    pub no_answer: Option<String>,
    /// Seconds until then.
    pub no_answer_seconds: u16,
    /// Calls while out of range.
    pub out_of_range: Option<String>,
    /// Callers are told that the user is busy.
    pub do_not_disturb: bool,
    /// A call may wait while the user is in another one, unless calls while busy go elsewhere.
    pub call_waiting: bool,
}

impl Default for Forwarding {
    fn default() -> Self {
        Self {
            always: None,
            busy: None,
            no_answer: None,
            no_answer_seconds: NO_ANSWER_SECONDS,
            out_of_range: None,
            do_not_disturb: false,
            call_waiting: true,
        }
    }
}

impl Forwarding {
    /// Where calls go in that case.
    pub fn to(&self, kind: ForwardKind) -> Option<&str> {
        match kind {
            ForwardKind::Always => self.always.as_deref(),
            ForwardKind::Busy => self.busy.as_deref(),
            ForwardKind::NoAnswer => self.no_answer.as_deref(),
            ForwardKind::OutOfRange => self.out_of_range.as_deref(),
        }
    }

    /// Sets or takes back one.
    pub fn set(&mut self, kind: ForwardKind, to: Option<String>) {
        let place = match kind {
            ForwardKind::Always => &mut self.always,
            ForwardKind::Busy => &mut self.busy,
            ForwardKind::NoAnswer => &mut self.no_answer,
            ForwardKind::OutOfRange => &mut self.out_of_range,
        };
        *place = to.filter(|to| !to.is_empty());
    }

    /// Whether anything differs from a user who never set anything.
    pub fn is_plain(&self) -> bool {
        *self == Self { no_answer_seconds: self.no_answer_seconds, ..Self::default() }
    }

    /// Whether a call may wait while the user is in another one. Who wants calls elsewhere while busy does not
    /// want them to wait.
    pub fn lets_calls_wait(&self) -> bool {
        self.call_waiting && self.busy.is_none()
    }

    /// What may still become of a call while the handset is asked.
    pub fn later(&self, by: &Username) -> Forwards {
        Forwards {
            by: Some(by.clone()),
            busy: self.busy.clone(),
            no_answer: self
                .no_answer
                .clone()
                .map(|to| (Duration::from_secs(self.no_answer_seconds.into()), to)),
            out_of_range: self.out_of_range.clone(),
            deflected: None,
        }
    }
}

/// Forwards that depend on what the handset says. Made by the router, used by the call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forwards {
    /// Whose; none: nobody forwards, not even by a 302.
    pub by: Option<Username>,
    /// 486, 600, or no channel on the handset's base station.
    pub busy: Option<String>,
    /// Nobody answered in that time.
    pub no_answer: Option<(Duration, String)>,
    /// No response, 480.
    pub out_of_range: Option<String>,
    /// Where the handset itself sent the call (302). Found while the call is dialled.
    pub deflected: Option<String>,
}

impl Forwards {
    /// Where the call goes when the handset did not take it for this cause. What the handset itself wants
    /// comes first. A rejection (603) is the user's last word.
    pub fn after(&self, cause: &Cause) -> Option<(String, ForwardReason)> {
        let by_status = || match cause.status {
            // No channel on the handset's base station is told as 486 too.
            486 => Some((self.busy.as_ref()?, ForwardReason::UserBusy)),
            404 | 408 | 410 | 430 | 480 | 500..=599 => {
                Some((self.out_of_range.as_ref()?, ForwardReason::Unavailable))
            }
            _ => None,
        };
        let own = self.deflected.as_ref().map(|to| (to, ForwardReason::Deflection));
        own.or_else(by_status).map(|(to, reason)| (to.clone(), reason))
    }
}

/// Why a call was forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardReason {
    /// Every call.
    Unconditional,
    /// The handset was busy.
    UserBusy,
    /// Nobody answered.
    NoAnswer,
    /// Out of range.
    Unavailable,
    /// The handset sent the call on (302).
    Deflection,
    /// Somebody else's reason that we have no word for.
    Unknown,
}

impl From<ForwardKind> for ForwardReason {
    fn from(kind: ForwardKind) -> Self {
        match kind {
            ForwardKind::Always => Self::Unconditional,
            ForwardKind::Busy => Self::UserBusy,
            ForwardKind::NoAnswer => Self::NoAnswer,
            ForwardKind::OutOfRange => Self::Unavailable,
        }
    }
}

impl ForwardReason {
    /// RFC 5806 §4: the words of `reason`.
    const fn diversion(self) -> &'static str {
        match self {
            Self::Unconditional => "unconditional",
            Self::UserBusy => "user-busy",
            Self::NoAnswer => "no-answer",
            Self::Unavailable => "unavailable",
            Self::Deflection => "deflection",
            Self::Unknown => "unknown",
        }
    }

    fn of_diversion(word: &str) -> Self {
        let all = [Self::Unconditional, Self::UserBusy, Self::NoAnswer, Self::Unavailable, Self::Deflection];
        let known = all.into_iter().find(|reason| reason.diversion().eq_ignore_ascii_case(word));
        known.unwrap_or(Self::Unknown)
    }

    /// RFC 4458 §2, RFC 7544 §3.2.
    const fn cause(self) -> u16 {
        match self {
            Self::Unconditional => 302,
            Self::UserBusy => 486,
            Self::NoAnswer => 408,
            Self::Unavailable => 503,
            Self::Deflection => 480,
            Self::Unknown => 404,
        }
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unconditional => "always",
            Self::UserBusy => "busy",
            Self::NoAnswer => "no answer",
            Self::Unavailable => "out of range",
            Self::Deflection => "sent on by the handset",
            Self::Unknown => "unknown",
        }
    }
}

/// One forward that a call has been through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diversion {
    /// Who forwarded: a user of ours, or a URI.
    pub from: String,
    /// Why.
    pub reason: ForwardReason,
}

/// Adds `by`'s forward to the trail.
///
/// # Errors
///
/// 482 when the call has come through `by` before, 483 when it was forwarded too often.
pub fn follow(trail: &mut Vec<Diversion>, by: &Username, reason: ForwardReason) -> Result<(), Cause> {
    if trail.iter().any(|passed| passed.from == by.as_str()) {
        return Err(Cause::of_status(482, format!("the forwards of {by} lead back to {by}")));
    }
    if trail.len() >= MOST_FORWARDS {
        return Err(Cause::of_status(483, format!("the call was forwarded {MOST_FORWARDS} times already")));
    }
    trail.push(Diversion { from: by.to_string(), reason });
    Ok(())
}

/// The trail of a call from the north, oldest first. `user_of` says which user of ours a URI means.
pub fn trail_of(invite: &Message, user_of: impl Fn(&Uri) -> Option<Username>) -> Vec<Diversion> {
    let entries = invite.headers.list(&HeaderName::Diversion);
    let read = |entry: &Text| {
        let addr = NameAddr::parse(entry)?;
        let from = user_of(&addr.uri).map_or_else(|| addr.uri.raw.to_string(), |user| user.to_string());
        let reason = addr
            .params
            .get("reason")
            .map_or(ForwardReason::Unknown, |word| ForwardReason::of_diversion(&word));
        // RFC 5806 §5.1: the counter of an entry tells how many diversions it stands for.
        Some(Diversion { from, reason })
    };
    let mut trail: Vec<_> = entries.iter().take(MOST_FORWARDS + 1).filter_map(read).collect();
    // "The topmost Diversion … is the most recent".
    trail.reverse();
    trail
}

/// The headers that tell the north of the trail: Diversion, newest first (RFC 5806 §3.1), and History-Info
/// from the first to the present target (RFC 7044 §5.1). `aor` makes a URI of a user.
pub fn headers(trail: &[Diversion], target: &str, aor: impl Fn(&str) -> String) -> Vec<(HeaderName, String)> {
    if trail.is_empty() {
        return Vec::new();
    }
    let uri = |from: &str| if from.contains(':') { from.to_owned() } else { aor(from) };
    let mut headers = Vec::new();
    for passed in trail.iter().rev() {
        let (uri, reason) = (uri(&passed.from), passed.reason.diversion());
        headers.push((HeaderName::Diversion, format!("<{uri}>;reason={reason};counter=1;privacy=off")));
    }
    let mut index = "1".to_owned();
    let mut before: Option<ForwardReason> = None;
    let targets = trail.iter().map(|passed| (uri(&passed.from), Some(passed.reason)));
    for (uri, reason) in targets.chain([(target.to_owned(), None)]) {
        // RFC 4458 §2: why the call came to this target; RFC 7044 §10.2: why it left it again.
        let came = before.map_or(String::new(), |reason| format!(";cause={}", reason.cause()));
        let left = reason.map_or(String::new(), |r| format!("?Reason=SIP%3Bcause%3D{}", r.cause()));
        let mapped = before.map_or(String::new(), |_| format!(";mp={}", parent(&index)));
        headers.push((HeaderName::HistoryInfo, format!("<{uri}{came}{left}>;index={index}{mapped}")));
        (index, before) = (index + ".1", reason);
    }
    headers
}

/// `1.1` of `1.1.1`.
fn parent(index: &str) -> &str {
    index.rsplit_once('.').map_or(index, |(parent, _)| parent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::wire::Method;

    fn user(name: &str) -> Username {
        name.parse().unwrap()
    }

    #[test]
    fn the_north_is_told_the_whole_trail_in_both_standards() {
        let mut trail = Vec::new();
        follow(&mut trail, &user("anna"), ForwardReason::Unconditional).unwrap();
        follow(&mut trail, &user("bob"), ForwardReason::UserBusy).unwrap();
        let told = headers(&trail, "sip:carol@x", |user| format!("sip:{user}@x"));
        let values: Vec<_> = told.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(
            values,
            [
                "<sip:bob@x>;reason=user-busy;counter=1;privacy=off",
                "<sip:anna@x>;reason=unconditional;counter=1;privacy=off",
                "<sip:anna@x?Reason=SIP%3Bcause%3D302>;index=1",
                "<sip:bob@x;cause=302?Reason=SIP%3Bcause%3D486>;index=1.1;mp=1",
                "<sip:carol@x;cause=486>;index=1.1.1;mp=1.1",
            ]
        );
        assert!(headers(&[], "sip:carol@x", str::to_owned).is_empty());
    }

    #[test]
    fn what_we_tell_is_what_we_read() {
        let trail = vec![
            Diversion { from: "anna".into(), reason: ForwardReason::NoAnswer },
            Diversion { from: "sip:x@far.test".into(), reason: ForwardReason::Unavailable },
        ];
        let mut invite = Message::request(Method::Invite, "sip:bob@x");
        for (name, value) in headers(&trail, "sip:bob@x", |user| format!("sip:{user}@x")) {
            invite.headers.push(name, value);
        }
        let ours = |uri: &Uri| (uri.user_text() == "anna").then(|| user("anna"));
        assert_eq!(trail_of(&invite, ours), trail);
    }

    #[test]
    fn a_call_does_not_come_back_to_who_forwarded_it_nor_go_on_for_ever() {
        let mut trail = Vec::new();
        for n in 0..MOST_FORWARDS {
            follow(&mut trail, &user(&format!("u{n}")), ForwardReason::NoAnswer).unwrap();
        }
        assert_eq!(follow(&mut trail, &user("u0"), ForwardReason::NoAnswer).unwrap_err().status, 482);
        assert_eq!(follow(&mut trail, &user("new"), ForwardReason::NoAnswer).unwrap_err().status, 483);
    }

    #[test]
    fn a_long_trail_of_a_stranger_is_cut() {
        let mut invite = Message::request(Method::Invite, "sip:bob@x");
        for n in 0..100 {
            invite.headers.push(HeaderName::Diversion, format!("<sip:{n}@far.test>"));
        }
        let trail = trail_of(&invite, |_| None);
        assert_eq!(trail.len(), MOST_FORWARDS + 1);
        let mut trail = trail;
        assert_eq!(follow(&mut trail, &user("bob"), ForwardReason::NoAnswer).unwrap_err().status, 483);
    }

    #[test]
    fn the_cause_decides_which_forward_is_meant() {
        let set =
            Forwarding { busy: Some("b".into()), out_of_range: Some("o".into()), ..Forwarding::default() };
        let mut forwards = set.later(&user("anna"));
        let after = |forwards: &Forwards, status| forwards.after(&Cause::of_status(status, "x"));
        assert_eq!(after(&forwards, 486), Some(("b".into(), ForwardReason::UserBusy)));
        assert_eq!(after(&forwards, 480), Some(("o".into(), ForwardReason::Unavailable)));
        assert_eq!(after(&forwards, 408), Some(("o".into(), ForwardReason::Unavailable)));
        for status in [200, 403, 487, 488, 603] {
            assert_eq!(after(&forwards, status), None, "{status}");
        }
        forwards.deflected = Some("sip:d@x".into());
        assert_eq!(after(&forwards, 302), Some(("sip:d@x".into(), ForwardReason::Deflection)));
    }

    #[test]
    fn a_record_of_nothing_is_plain() {
        let mut forwarding: Forwarding = serde_json::from_str("{}").unwrap();
        assert!(forwarding.is_plain() && forwarding.no_answer_seconds == 20);
        forwarding.set(ForwardKind::Busy, Some("4711".into()));
        assert_eq!(forwarding.to(ForwardKind::Busy), Some("4711"));
        assert!(!forwarding.is_plain());
        forwarding.set(ForwardKind::Busy, Some(String::new()));
        assert!(forwarding.is_plain());
    }
}
