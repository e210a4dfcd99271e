//! Calls refused for want of bandwidth: how it is said and heard.
//!
//! Call admission control of Lync knows two answers ([MS-OCER]): 4, which ends the call, and 5, after which
//! the caller's side may take a way over the PSTN. As causes they are ITU-T Q.850's 49 (quality of service not
//! available) and 47 (resource unavailable), with a status that is about the session description.
//!
//! The header is `ms-diagnostics`, which servers write; clients write `ms-client-diagnostics`. A switch with
//! lines of many users is both to a front end, and is read by either kind, so it writes both.

use super::cause::Cause;
use crate::lync::diagnostics::Diagnostics;
use crate::sip::wire::{HeaderName, Message, Text};

/// Q.850: quality of service not available.
const NO_QUALITY: u8 = 49;
/// Q.850: resource unavailable.
const NO_RESOURCE: u8 = 47;
/// [MS-OCER]: with which words each of the two is said.
const SAID: [(u32, u8, &str); 2] = [
    (4, NO_QUALITY, "Insufficient bandwidth to establish session. Do not attempt re-route."),
    (5, NO_RESOURCE, "Insufficient bandwidth to establish session. Attempt PSTN re-route."),
];

impl Cause {
    /// There is no room on the way. `elsewhere`: another way may be tried, such as the PSTN.
    ///
    /// RFC 3261 §21.4.26: 488 is about "the specific resource addressed"; a 606 would end the caller's search
    /// everywhere.
    pub fn no_bandwidth(elsewhere: bool, words: impl Into<String>) -> Self {
        Self { status: 488, q850: if elsewhere { NO_RESOURCE } else { NO_QUALITY }, words: words.into() }
    }

    /// Whether bandwidth was missing; if so, whether another way may be tried.
    pub const fn lacks_bandwidth(&self) -> Option<bool> {
        match (self.status, self.q850) {
            (480 | 488 | 606, NO_QUALITY) => Some(false),
            (480 | 488 | 606, NO_RESOURCE) => Some(true),
            _ => None,
        }
    }

    /// This cause with what the diagnostics of a refusal say of bandwidth.
    pub(crate) fn diagnosed_by(self, response: &Message) -> Self {
        let all = Diagnostics::all_of(response);
        let said = all.iter().find_map(|one| SAID.iter().find(|(id, ..)| *id == one.id));
        match said {
            Some((_, q850, _)) => {
                let words = "the network is busy: too little bandwidth for this call".to_owned();
                let status = if matches!(self.status, 480 | 488 | 606) { self.status } else { 488 };
                Self { status, q850: *q850, words }
            }
            None => self,
        }
    }
}

/// The headers that say so to a caller; none for other causes.
pub(super) fn headers(cause: &Cause) -> Vec<(HeaderName, Text)> {
    let Some(elsewhere) = cause.lacks_bandwidth() else { return Vec::new() };
    let (id, _, reason) = SAID[usize::from(elsewhere)];
    let value = Text::from(format!("{id};reason=\"{reason}\";source=\"kirkwall\""));
    let header = |name: &'static str| (HeaderName::Other(Text::from_static(name)), value.clone());
    // RFC 3261 §20.43: "370 Insufficient bandwidth: The bandwidth specified in the session description or
    // defined by the media exceeds that known to be available."
    let warning = Text::from(format!("370 kirkwall \"{}\"", cause.plain_words()));
    vec![(HeaderName::Warning, warning), header("ms-diagnostics"), header("ms-client-diagnostics")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::wire::Method;

    #[test]
    fn what_is_said_is_heard_again() {
        for elsewhere in [false, true] {
            let cause = Cause::no_bandwidth(elsewhere, "the link to branch is full");
            let mut refusal = Message::response(
                &Message::request(Method::Invite, "sip:x"),
                488,
                "Not Acceptable Here",
                None,
            );
            headers(&cause).into_iter().for_each(|(name, value)| refusal.headers.push(name, value));
            let heard = Cause::of_status(488, "Not Acceptable Here").diagnosed_by(&refusal);
            assert_eq!((heard.status, heard.lacks_bandwidth()), (488, Some(elsewhere)));
            let warning = refusal.headers.get(&HeaderName::Warning).unwrap();
            assert_eq!(&**warning, "370 kirkwall \"the link to branch is full\"");
        }
    }

    #[test]
    fn other_refusals_say_nothing_of_bandwidth() {
        assert!(headers(&Cause::of_status(488, "no codec")).is_empty());
        assert!(headers(&Cause::no_channel(503, "full")).is_empty());
        let refusal = Message::response(&Message::request(Method::Invite, "sip:x"), 480, "Away", None);
        assert_eq!(Cause::of_status(480, "Away").diagnosed_by(&refusal), Cause::of_status(480, "Away"));
    }
}
