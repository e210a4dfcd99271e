//! Forwarding a call whose handset did not take it: busy, no answer, out of range, or sent on by a 302.
//!
//! ```text
//! Dialling ──nobody left, or time is up──► Divert ──supervisor──► Admitted: dialled on
//!                                                        └──────► Denied: the caller is told why
//! ```
//!
//! The router gives the forwards with the way ([`About::forwards`]) and finds the next way when asked, with
//! the rights of who forwards. A forward that cannot be followed ends the call with the handset's own
//! cause: that is what the caller asked about.

use super::*;
use crate::call::Party;
use crate::call::forward::ForwardReason;

/// How long a base station may say nothing of a handset before that counts as out of range.
const SILENCE: Duration = Duration::from_secs(8);

/// What the call asks of the router when it forwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divert {
    /// Who forwards.
    pub by: Username,
    /// To where.
    pub to: String,
    /// Why.
    pub reason: ForwardReason,
    /// Through whom the call came before.
    pub trail: Vec<Diversion>,
    /// Who will talk to the target, where that is not the caller: in a transfer.
    pub shown: Option<Party>,
}

impl Call {
    /// Takes up what the router says beside the way. The time to answer begins.
    pub(super) fn take_about(&mut self, about: &About, now: Moment) {
        self.summary.emergency = about.emergency;
        self.summary.trail.clone_from(&about.trail);
        self.summary.conference.clone_from(&about.conference);
        self.search.forwards = about.forwards.clone();
        self.search.waits = about.waits;
        self.search.detour.clone_from(&about.detour);
        self.search.reroutes = about.reroutes;
        self.time_forwards(about, now);
    }

    /// The time in which a handset must answer, or be heard of, begins.
    pub(super) fn time_forwards(&mut self, about: &About, now: Moment) {
        self.timers.stop(Timer::NoAnswer);
        if let Some((wait, _)) = &about.forwards.no_answer {
            self.timers.set(Timer::NoAnswer, now + *wait);
        }
        self.timers.stop(Timer::Silence);
        if about.forwards.out_of_range.is_some() {
            self.timers.set(Timer::Silence, now + SILENCE);
        }
    }

    /// Whether the router was asked whom to dial, for the call or for a transfer: then it knows the forwards.
    fn may_forward(&self) -> bool {
        self.state == State::Dialling || self.dials_for_transfer()
    }

    /// Nobody of those dialled will answer: whether their user forwards for that cause.
    pub(super) fn forward_on(&mut self, then: &mut Orders) -> bool {
        let Some(cause) = self.search.best.as_ref().filter(|_| self.may_forward()) else { return false };
        match self.search.forwards.after(cause) {
            Some((to, reason)) => self.divert(to, reason, then),
            None => false,
        }
    }

    /// Remembers where a handset of ours sends the call (302).
    pub(super) fn note_deflection(&mut self, leg: LegNo, contacts: &[String]) {
        let target = self.legs.get(&leg).and_then(|strand| strand.target.as_ref());
        if target.is_some_and(|target| target.destination.facing == Facing::South) {
            self.search.forwards.deflected = contacts.first().cloned();
        }
    }

    /// The handset rang long enough: it stops, and the call goes on.
    pub(super) fn not_answered(&mut self) -> Ready<Save, Output> {
        let mut then = Vec::new();
        let no_answer = self.search.forwards.no_answer.take();
        let Some((_, to)) = no_answer.filter(|_| self.may_forward()) else {
            return Ready::nothing();
        };
        let cause = Cause { status: 480, q850: 19, words: "nobody answered".into() };
        self.stop_ringing(cause, &mut then);
        self.divert(to, ForwardReason::NoAnswer, &mut then);
        Ready::say(then)
    }

    /// The base station has said nothing of the handset so far. Base stations keep the registration of a
    /// handset that is switched off or out of range, for hours on some: what rings says 180 at once.
    pub(super) fn not_heard_of(&mut self) -> Ready<Save, Output> {
        let mut then = Vec::new();
        let heard =
            self.legs.values().any(|strand| strand.candidate && strand.is_open() && strand.progressed);
        let wanted = self.search.forwards.out_of_range.clone().filter(|_| !heard);
        let Some(to) = wanted.filter(|_| self.may_forward() && !self.search.diverting) else {
            return Ready::nothing();
        };
        // ITU-T Q.850: 20, subscriber absent.
        let cause = Cause { status: 480, q850: 20, words: "the handset cannot be reached".into() };
        self.stop_ringing(cause, &mut then);
        self.divert(to, ForwardReason::Unavailable, &mut then);
        Ready::say(then)
    }

    /// Ends all legs that were dialled.
    fn stop_ringing(&mut self, cause: Cause, then: &mut Orders) {
        let open = self.legs.iter_mut().filter(|(_, strand)| strand.candidate && strand.is_open());
        let open: Vec<_> = open.map(|(leg, strand)| (*leg, strand.end(), strand.holds_base())).collect();
        for (leg, (), holds_base) in open {
            then.push(Output::Leg(leg, LegOrder::HangUp { cause: cause.clone() }));
            if holds_base {
                then.push(Output::ReleaseBase(leg));
            }
        }
        self.hush(then);
        self.note_cause(cause);
    }

    fn divert(&mut self, to: String, reason: ForwardReason, then: &mut Orders) -> bool {
        let Some(by) = self.search.forwards.by.take() else { return false };
        self.timers.stop(Timer::NoAnswer);
        self.timers.stop(Timer::Silence);
        self.search.diverting = true;
        // RFC 3261 §21.1.3: "A server MAY use this status code to indicate that the call is being
        // forwarded to a different set of destinations."
        let (trail, shown) = match self.state {
            State::Dialling => {
                then.push(Output::Leg(LegNo::CALLER, LegOrder::Progress { status: 181, body: None }));
                self.set_phase(Phase::Dialling, then);
                (self.summary.trail.clone(), None)
            }
            _ => (self.trail_of_transfer(), self.shown_by_transfer()),
        };
        then.push(Output::Divert(Box::new(Divert { by, to, reason, trail, shown })));
        true
    }

    /// Whether the router owes a way.
    pub(super) fn is_diverting(&self) -> bool {
        self.may_forward() && self.search.diverting
    }

    /// The way of a forward. The ports are the same.
    pub(super) fn diverted(&mut self, grant: Box<Admitted>, now: Moment) -> Ready<Save, Output> {
        self.search.diverting = false;
        self.search.attempts = grant.attempts.iter().cloned().collect();
        (self.search.way_failed, self.search.rung) = (true, false);
        match self.state {
            State::Dialling => self.take_about(&grant.about, now),
            _ => {
                self.search.forwards = grant.about.forwards.clone();
                self.time_forwards(&grant.about, now);
            }
        }
        let room = grant.about.room.clone();
        self.grant = Some(grant);
        match (room, self.state) {
            (Some(room), State::Dialling) => self.enter_room(room, now),
            (Some(room), _) => self.transferred_to_room(room, now),
            (None, _) => self.dial_on(Vec::new(), now),
        }
    }

    /// There is none.
    pub(super) fn not_diverted(&mut self, cause: Cause, now: Moment) -> Ready<Save, Output> {
        self.search.diverting = false;
        // That more digits are wanted says more than why the former way failed.
        let best = self.search.best.take().filter(|_| cause.status != 484);
        self.nobody_left(best.unwrap_or(cause), now)
    }
}
