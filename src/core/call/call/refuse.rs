//! Being refused: which reason is the best, and what is tried next.

use super::*;
use crate::media::negotiate::SrtpMode;

/// Redirections (3xx) followed in one call (RFC 3261 §8.1.3.4 asks for a bound).
const MAX_REDIRECTS: u8 = 5;

impl Call {
    /// A dialled leg ended without an answer.
    pub(super) fn refused(
        &mut self,
        leg: LegNo,
        cause: Cause,
        contacts: Vec<String>,
        route_failed: bool,
        now: Moment,
    ) -> Ready<Save, Output> {
        let mut then = Vec::new();
        let Some(strand) = self.legs.get_mut(&leg) else { return Ready::nothing() };
        strand.end();
        if strand.holds_base() {
            then.push(Output::ReleaseBase(leg));
        }
        // Who has rung was reached; another way leads to the same telephone.
        let rerouted = self.search.reroutes && cause.lacks_bandwidth() == Some(true);
        let another_way = route_failed || rerouted;
        self.search.way_failed &= another_way && !strand.progressed;
        self.hear_another(leg, &mut then);
        let status = cause.status;
        self.note_cause(cause);
        // RFC 3261 §16.7 step 5: on a 6xx the proxy "SHOULD cancel all client transactions … pending" and
        // "MUST NOT create any new branches".
        if let (600..=699, Some(cause)) = (status, self.search.best.clone()) {
            return led_by(then, self.nobody_left(cause, now));
        }
        let deflections = contacts.clone();
        // Of 3xx, 305 names a proxy and 380 another service (RFC 3261 §21.3): neither is this callee.
        let followed = matches!(status, 300..=302) && self.follow(leg, contacts);
        if matches!(status, 300..=302) && !followed {
            self.note_deflection(leg, &deflections);
        }
        if let Some(target) = followed.then(|| self.search.contacts.pop_front()).flatten() {
            self.dial(target, &mut then, now);
        }
        self.dial_on(then, now)
    }

    /// The far end itself refused, perhaps for the form of the INVITE: then it is dialled once more in another
    /// one. The new leg holds the base station's channel of the old one.
    pub(super) fn turned_down(
        &mut self,
        leg: LegNo,
        (cause, contacts, route_failed): (Cause, Vec<String>, bool),
        now: Moment,
    ) -> Ready<Save, Output> {
        let open = self.grant.as_deref().is_some_and(|grant| grant.srtp.1.mode == SrtpMode::Optional);
        // Another form of the offer takes no less bandwidth.
        let for_its_form = cause.lacks_bandwidth().is_none();
        let strand = self.legs.get_mut(&leg).filter(|strand| for_its_form && !strand.progressed);
        let in_parts = self.grant.as_deref().is_some_and(|grant| grant.about.federated);
        let first = !std::mem::replace(&mut self.search.single_part, in_parts && cause.status == 415);
        let again = strand.and_then(|strand| {
            let former = strand.target.as_mut()?;
            let again = without_place(former, cause.status)
                .or_else(|| (in_parts && first && cause.status == 415).then(|| former.clone()))
                .or_else(|| insisting(former, cause.status).filter(|_| open))?;
            former.base = None;
            strand.end();
            Some(again)
        });
        let Some(target) = again else { return self.refused(leg, cause, contacts, route_failed, now) };
        let mut then = Vec::new();
        self.hear_another(leg, &mut then);
        self.dial(target, &mut then, now);
        self.dial_on(then, now)
    }

    /// Takes up a 3xx of the north side, through the same next hop; whether there is anything to dial.
    /// A handset's redirection is not followed: that is a forward, which needs the user's rights.
    fn follow(&mut self, leg: LegNo, contacts: Vec<String>) -> bool {
        let Some(target) = self.legs.get(&leg).and_then(|strand| strand.target.clone()) else { return false };
        if target.destination.facing == Facing::South {
            return false;
        }
        let before = self.search.contacts.len();
        for contact in contacts {
            // RFC 3261 §8.1.3.4: "once a URI has been added to the list, it MUST NOT be added again".
            let tried = self.legs.values().filter_map(|strand| strand.target.as_ref());
            let known = tried.chain(&self.search.contacts).any(|known| known.request_uri == contact);
            if known || !may_replace(&target.request_uri, &contact) || self.search.redirects == MAX_REDIRECTS
            {
                continue;
            }
            self.search.redirects += 1;
            // "It is RECOMMENDED that the UAC use the same To, From, and Call-ID".
            self.search.contacts.push_back(Target { request_uri: contact, ..target.clone() });
        }
        self.search.contacts.len() > before
    }

    /// RFC 3261 §16.7 step 6: a 6xx decides; else the lowest class; within it first what "affect[s]
    /// resubmission of this request", then what says more than "not here now". A 3xx that was not
    /// followed helps the caller least.
    pub(super) fn note_cause(&mut self, cause: Cause) {
        let rank = |cause: &Cause| match cause.status {
            600..=699 => 0,
            415 | 420 | 484 => 1,
            408 | 480 | 487 => 3,
            400..=499 => 2,
            500..=599 => 4,
            _ => 5,
        };
        if self.search.best.as_ref().is_none_or(|best| rank(&cause) < rank(best)) {
            self.search.best = Some(cause);
        }
    }
}

/// Telephones that want SRTP alone refuse `RTP/AVP` even with keys in it (RFC 4568 §3 asks for `RTP/SAVP`;
/// Lync wants the other): such a one is dialled with that.
fn insisting(former: &Target, status: u16) -> Option<Target> {
    let other = status == 488 && !former.insist_on_srtp;
    other.then(|| Target { insist_on_srtp: true, ..former.clone() })
}

/// A call for help reaches out even where nobody can read where it comes from: RFC 6442 §4.3, "424 (Bad
/// Location Information)"; 415 and 488 of ends that take no multipart; 400, 413 and 500 of those who do not
/// even know that.
fn without_place(former: &Target, status: u16) -> Option<Target> {
    let for_its_form = matches!(status, 400 | 413 | 415 | 424 | 488 | 500) && !former.parts.is_empty();
    for_its_form.then(|| Target {
        headers: super::super::location::without(&former.headers),
        parts: Vec::new(),
        ..former.clone()
    })
}

/// RFC 3261 §8.1.3.4: only a URI that can be called, and SIPS is not given up without asking the user.
fn may_replace(former: &str, contact: &str) -> bool {
    let scheme =
        |uri: &str| uri.split_once(':').map_or(String::new(), |(scheme, _)| scheme.to_ascii_lowercase());
    match scheme(contact).as_str() {
        "sips" => true,
        "sip" | "tel" => scheme(former) != "sips",
        _ => false,
    }
}
