//! What the answer to a REGISTER says besides.

use std::time::Duration;

use crate::lync::diagnostics;
use crate::sip::wire::{HeaderName, Message, Params};
use crate::timer::Moment;

use super::other;

/// Why a trusted server that is challenged does not answer.
pub(super) const TRUSTED_CHALLENGED: &str = "the front end asks for a password, though this switch should be a \
    trusted server: the name in its certificate, the trusted application pool and the published topology do not agree";

/// How a sign-in stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInStatus {
    /// Till when the front end holds us; none when it does not.
    pub registered_until: Option<Moment>,
    /// Status of the answer that led here, if one did.
    pub status: Option<u16>,
    /// Why, in words for people, diagnostics included.
    pub cause: String,
    /// What the last 200 told.
    pub told: Told,
}

/// What a 200 tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Our GRUU, as the server wants it in Contact.
    pub gruu: Option<String>,
    /// Its `presence-state`.
    pub presence: PresenceState,
    /// Silence after which CR LF CR LF is to be sent on the connection.
    pub keep_alive: Option<Duration>,
    /// `Server`, such as `RTC/5.0` (Lync 2013).
    pub server: Option<String>,
    /// Whether we came in through an Edge.
    pub is_remote: bool,
}

/// `presence-state` ([MS-SIPREGE] §2.2.1.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PresenceState {
    /// What became of the binding.
    pub register_action: Option<RegisterAction>,
    /// Whether this is the primary registrar; `false` on a survivable branch appliance or backup pool.
    pub is_primary: Option<bool>,
    /// `user-services-state=unavailable`: calls only, no presence.
    pub limited: bool,
}

/// What a REGISTER did to the binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisterAction {
    /// Made.
    Added,
    /// Prolonged.
    Refreshed,
    /// Made again out of remains.
    Fixed,
}

impl RegisterAction {
    /// Whether there was no binding before.
    pub(super) fn is_new(self) -> bool {
        self != Self::Refreshed
    }
}

impl Told {
    /// Reads a 200 that lists our own contact only.
    pub(super) fn read(ok: &Message) -> Self {
        let contact = ok.contacts().into_iter().next();
        let text =
            |name: HeaderName| ok.header(&name).map(|value| value.chars().take(80).collect::<String>());
        Self {
            gruu: contact.and_then(|contact| contact.params.get("gruu")).map(|gruu| gruu.to_string()),
            presence: PresenceState::read(ok),
            keep_alive: keep_alive(ok),
            server: text(HeaderName::Server),
            is_remote: text(other("ms-user-logon-data")).is_some_and(|data| data.contains("RemoteUser")),
        }
    }
}

impl PresenceState {
    fn read(ok: &Message) -> Self {
        let Some(params) = ok.header(&other("presence-state")).and_then(Params::parse) else {
            return Self::default();
        };
        let get = |name| params.get(name).map(|value| value.to_ascii_lowercase());
        let register_action = match get("register-action").as_deref() {
            Some("added") => Some(RegisterAction::Added),
            Some("refreshed") => Some(RegisterAction::Refreshed),
            Some("fixed") => Some(RegisterAction::Fixed),
            _ => None,
        };
        let is_primary = get("is-connected-to-primary").map(|value| value == "yes");
        let limited = get("user-services-state").is_some_and(|value| value == "unavailable");
        Self { register_action, is_primary, limited }
    }
}

/// `ms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300`.
fn keep_alive(ok: &Message) -> Option<Duration> {
    let params = Params::parse(ok.header(&other("ms-keep-alive"))?)?;
    let seconds: u64 = params.get("timeout")?.parse().ok()?;
    Some(Duration::from_secs(seconds.clamp(10, 3600)))
}

/// A 504 means that the front end does not reach the user's home server. It is left alone for a minute,
/// unless it asks for another wait; a proxy beside it may be asked at once.
pub(super) fn leave_alone(response: &mut Message) {
    if response.status() == Some(504) && response.header(&HeaderName::RetryAfter).is_none() {
        response.headers.push(HeaderName::RetryAfter, "60");
    }
}

/// A refusal in words, when more is known than its status.
pub(super) fn refusal(response: &Message) -> Option<String> {
    let (status, reason) = (response.status()?, response.reason());
    let reason: String = reason.chars().filter(|c| !c.is_control()).take(80).collect();
    match (status, diagnostics::words_of(response)) {
        (_, Some(words)) => Some(format!("{status} {reason}: {words}")),
        // A 404 that does not say why is how a user without SIP looks.
        (404, None) => Some(format!("404 {reason}: the user is not enabled for SIP")),
        _ => None,
    }
}
