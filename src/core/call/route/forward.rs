//! Where a forward leads: as a route, as a rule that can be checked before a call, and as the front end of
//! Lync, which executes forwards itself, is told of it.

use super::{Found, InternalRouting, Map, Router, is_voice_mail};
use crate::call::cause::Cause;
use crate::call::dialling::{DialPlan, Dialled, NumberClass};
use crate::call::forward::{ForwardReason, Forwarding, follow};
use crate::id::Username;
use crate::lync::routing::NorthForward;
use crate::sip::wire::{Host, Scheme, Uri};

/// Whether `by` may forward to `to`, as far as that can be said before a call.
///
/// # Errors
///
/// 484 for what is no address, 482 for oneself, 403 for what `by` may not call.
pub fn check_forward(by: &Username, to: &str, plan: &DialPlan, map: &impl Map) -> Result<(), Cause> {
    let mut router = Router::new(plan, InternalRouting::First, map);
    let (dialled, _, uri) = router.forward_target(to)?;
    if plan.codes.read(to).is_some() {
        return Err(Cause::of_status(484, "a feature code is no number to forward to"));
    }
    let mailbox = uri.is_some_and(|uri| router.is_own_mailbox(by, &uri));
    if router.user(&dialled.number).as_ref() == Some(by) && !mailbox {
        return Err(Cause::of_status(482, format!("{by} cannot forward to {by}")));
    }
    router.permit_forward(by, dialled.class)
}

/// A user's forward as a front end of Lync can execute it: every call, else calls without an answer. It has no
/// forward when busy or out of range; those stay here. `aor` makes a URI of a user part.
pub fn forward_at_north(
    set: &Forwarding,
    plan: &DialPlan,
    map: &impl Map,
    aor: impl Fn(&str) -> String,
) -> NorthForward {
    let router = Router::new(plan, InternalRouting::First, map);
    let uri = |to: &str| {
        let (dialled, ours, uri) = router.forward_target(to).ok()?;
        match uri.filter(|uri| !ours || !uri.starts_with("tel:")) {
            Some(uri) => Some(uri),
            None if let Some(user) = router.user(&dialled.number) => Some(aor(user.as_str())),
            // Lync dials a number by `user=phone`.
            None => Some(format!("{};user=phone", aor(&dialled.number))),
        }
    };
    let always = set.always.as_deref().and_then(uri).map(NorthForward::Always);
    let later = || set.no_answer.as_deref().and_then(uri);
    let later = || later().map(|to| NorthForward::NoAnswer(to, set.no_answer_seconds));
    always.or_else(later).unwrap_or_default()
}

/// What stands in a user's settings for a target that a front end names: the number or name where it is of
/// our domain, else the URI.
pub fn north_forward_text(uri: &str, is_ours: impl Fn(&Host) -> bool) -> String {
    let whole = || uri.to_owned();
    let Some(read) = Uri::parse(&uri.into()) else { return whole() };
    let ours = read.host.as_ref().is_some_and(is_ours) && read.params.get("opaque").is_none();
    let plain = read.user_text().chars().all(|c| c.is_ascii_alphanumeric() || "+-_.".contains(c));
    if ours && plain { read.user_text() } else { whole() }
}

impl<M: Map> Router<'_, M> {
    /// As if `by` dialled, but inside where that is possible.
    pub(super) fn forward(&mut self, by: &Username, to: &str, reason: ForwardReason) -> Result<Found, Cause> {
        follow(&mut self.trail, by, reason)?;
        let (dialled, ours, uri) = self.forward_target(to)?;
        self.permit_forward(by, dialled.class)?;
        if uri.as_deref().is_some_and(|uri| self.is_own_mailbox(by, uri)) {
            return self.leave_by(by, dialled.number, false, uri);
        }
        let inside = ours && self.mode != InternalRouting::Never;
        match self.user(&dialled.number).filter(|_| inside) {
            Some(user) if self.map.is_private(&dialled.number) => self.reach(&user, true),
            Some(user) if self.map.located(&user) || !self.map.line_up(by) => self.reach(&user, false),
            _ => self.leave_by(by, dialled.number, ours, uri),
        }
    }

    /// What a forward leads to: read, whether it is in our domain, and the URI if it is one.
    fn forward_target(&self, to: &str) -> Result<(Dialled, bool, Option<String>), Cause> {
        if !to.contains(':') {
            let dialled = self.plan.read_text(to, true, |name| self.user(name).is_some());
            let plain = !to.is_empty() && to.chars().all(|c| c.is_ascii_graphic() && !"<>\"@".contains(c));
            return match plain {
                true => Ok((dialled, true, None)),
                false => Err(Cause::of_status(484, "this is neither a number, a name nor a SIP URI")),
            };
        }
        let callable = |uri: &Uri| matches!(uri.scheme, Scheme::Sip | Scheme::Sips | Scheme::Tel);
        let uri = Uri::parse(&to.into()).filter(callable);
        let uri = uri.filter(|uri| !uri.user_text().is_empty());
        let uri = uri.ok_or_else(|| Cause::of_status(484, "this is no SIP URI and no number"))?;
        let (dialled, ours) = self.read(&uri);
        Ok((dialled, ours, Some(uri.raw.to_string())))
    }

    fn permit_forward(&mut self, by: &Username, class: NumberClass) -> Result<(), Cause> {
        self.permit(by, class)?;
        match class {
            NumberClass::Emergency => {
                Err(Cause::of_status(403, "calls are not forwarded to emergency numbers"))
            }
            _ => Ok(()),
        }
    }

    /// [MS-SIPRE] §2.2.3: the voice mail of who forwards, which is in the north.
    fn is_own_mailbox(&self, by: &Username, uri: &str) -> bool {
        let uri = Uri::parse(&uri.into()).filter(is_voice_mail);
        uri.is_some_and(|uri| self.user(&uri.user_text()).as_ref() == Some(by))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::forwarding_world;
    use super::*;

    fn at_north(set: &Forwarding) -> NorthForward {
        forward_at_north(set, &DialPlan::default(), &forwarding_world(), |user| format!("sip:{user}@x"))
    }

    #[test]
    fn a_front_end_is_told_of_one_forward_by_uri() {
        let no_answer = Some("bob".to_owned());
        let both = Forwarding { always: Some("4711".into()), no_answer, ..Forwarding::default() };
        assert_eq!(at_north(&both), NorthForward::Always("sip:anna@x".into()), "a number of ours is a user");
        let later = Forwarding { always: None, no_answer_seconds: 30, ..both };
        assert_eq!(at_north(&later), NorthForward::NoAnswer("sip:bob@x".into(), 30));
        let always = |to: &str| at_north(&Forwarding { always: Some(to.into()), ..Forwarding::default() });
        assert_eq!(always("5550"), NorthForward::Always("sip:5550@x;user=phone".into()));
        assert_eq!(always("sip:weber@far.test"), NorthForward::Always("sip:weber@far.test".into()));
        let busy = Forwarding { busy: Some("bob".into()), ..Forwarding::default() };
        assert_eq!(at_north(&busy), NorthForward::Off);
    }

    #[test]
    fn what_a_front_end_names_is_kept_short_where_it_is_ours() {
        let text = |uri: &str| north_forward_text(uri, |host| *host == Host::Name("x".into()));
        assert_eq!(text("sip:+4930@x;user=phone"), "+4930");
        assert_eq!(text("sip:bob@x"), "bob");
        assert_eq!(text("sip:bob@far.test"), "sip:bob@far.test");
        assert_eq!(text("sip:bob@x;opaque=app:voicemail"), "sip:bob@x;opaque=app:voicemail");
        assert_eq!(text("nonsense"), "nonsense");
    }

    #[test]
    fn a_forward_to_the_own_mailbox_leaves_by_the_line() {
        let (world, plan) = (forwarding_world(), DialPlan::default());
        let (bob, mailbox) = ("bob".parse().unwrap(), "sip:bob@x;opaque=app:voicemail");
        assert_eq!(check_forward(&bob, mailbox, &plan, &world), Ok(()));
        assert_eq!(check_forward(&bob, "sip:bob@x", &plan, &world).unwrap_err().status, 482);
        let ask = crate::call::route::Ask::Forwarded {
            by: &bob,
            to: mailbox,
            reason: ForwardReason::Unconditional,
            trail: &[],
        };
        let routed = crate::call::route::way(ask, &plan, InternalRouting::Fallback, &world);
        assert_eq!(routed.uri.as_deref(), Some(mailbox));
    }
}
