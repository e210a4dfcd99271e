//! Clearing: everybody is told why, the channels go back, the record is written, once.

use super::*;
use crate::call::Party;
use crate::id::CallRef;

impl Call {
    /// What is left of a call whose end was saved before its process died: legs whose far ends may not have
    /// heard of it. Give it fresh tokens by [`Call::restored`], then [`Input::Started`].
    pub fn remnant(reference: CallRef, legs: impl IntoIterator<Item = LegNo>) -> Self {
        let (caller, dialled) = (Party::default(), Party::default());
        let new = NewCall { reference, caller, dialled, facing: Facing::North, offer: None };
        let mut call = Self::new(new, super::no_tokens(), Moment::default());
        call.legs = legs.into_iter().map(|leg| (leg, Strand::stranded())).collect();
        (call.state, call.channels, call.summary.phase) = (State::Ending, Channels::Back, Phase::Ended);
        call
    }

    /// Whether it is over for everybody but ends that have not heard so.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Ending | State::Over)
    }

    /// Its legs tell their far ends, and close.
    pub(super) fn ends_on(&mut self, now: Moment) -> Ready<Save, Output> {
        self.timers.set(Timer::Linger, self.stays.max(now) + LINGER);
        Ready::nothing()
    }

    /// Legs that may still be told things.
    pub fn open_legs(&self) -> Vec<LegNo> {
        self.legs.iter().filter(|(_, strand)| strand.is_open()).map(|(leg, _)| *leg).collect()
    }

    /// Legs that have not closed, be they told to end.
    pub fn awaited_legs(&self) -> Vec<LegNo> {
        self.legs.iter().filter(|(_, strand)| strand.life != Life::Closed).map(|(leg, _)| *leg).collect()
    }

    pub(super) fn is_open(&self, leg: LegNo) -> bool {
        self.legs.get(&leg).is_some_and(Strand::is_open)
    }

    /// Ends all legs but `first`, which has ended by itself. A caller that has no answer yet is refused.
    pub(super) fn hang_up(&mut self, first: Option<LegNo>, cause: Cause, now: Moment) -> Ready<Save, Output> {
        if matches!(self.state, State::Ending | State::Over) {
            return Ready::nothing();
        }
        let mut then: Orders = Vec::new();
        let answered = self.state == State::Talking;
        self.transfer_ends(487, &mut then);
        self.all_leave(&mut then);
        // Without its INVITE there is nothing that could be refused.
        let refusable = !answered && self.channels != Channels::Untouched;
        for (leg, strand) in self.legs.iter_mut().filter(|(_, strand)| strand.is_open()) {
            strand.end();
            let cause = cause.clone();
            match *leg {
                leg if Some(leg) == first => {}
                LegNo::CALLER if refusable => then.push(Output::Leg(*leg, LegOrder::Reject { cause })),
                _ => then.push(Output::Leg(*leg, LegOrder::HangUp { cause })),
            }
        }
        self.state = State::Ending;
        self.summary.cause = Some(if answered { cause } else { cause.before_answer() });
        self.summary.ended = Some(now);
        self.timers.stop_all();
        self.timers.set(Timer::Linger, self.stays.max(now) + LINGER);
        self.set_phase(Phase::Ending, &mut then);
        let record = CallSummary { phase: Phase::Ended, ..self.summary.clone() };
        // The channels are free as soon as nobody can be heard; the legs may take a while to close.
        if self.channels != Channels::Asked {
            self.give_back(&mut then);
        }
        self.over_when_quiet();
        Ready { save: vec![Save::Ended(Box::new(record))], then }
    }

    /// The call is over for everybody but one handset, which must still hear it.
    pub(super) fn stays_for(&mut self, until: Moment) -> Ready<Save, Output> {
        self.stays = self.stays.max(until);
        if self.timers.runs(Timer::Linger) {
            self.timers.set(Timer::Linger, self.stays + LINGER);
        }
        Ready::nothing()
    }

    fn give_back(&mut self, then: &mut Orders) {
        if std::mem::replace(&mut self.channels, Channels::Back) != Channels::Back {
            self.summary.phase = Phase::Ended;
            then.push(Output::Over(Box::new(self.summary.clone())));
        }
    }

    /// The supervisor's reply to a call that has ended meanwhile. A grant goes back unused.
    pub(super) fn admitted_too_late(&mut self) -> Ready<Save, Output> {
        let mut then = Vec::new();
        self.give_back(&mut then);
        self.over_when_quiet();
        Ready::say(then)
    }

    /// A leg is done with all its transactions.
    pub(super) fn closed(&mut self, leg: LegNo, now: Moment) -> Ready<Save, Output> {
        let Some(strand) = self.legs.get_mut(&leg) else { return Ready::nothing() };
        // A leg that closes without having said that it ended was lost with its actor, or has refused
        // its INVITE by itself.
        let lost = std::mem::replace(&mut strand.life, Life::Closed) == Life::Open;
        let cause = Cause::of_status(500, "a leg of the call was lost");
        match self.state {
            _ if lost && strand.joining.is_some() => self.never_joined(leg),
            State::Dialling | State::Talking if lost && strand.candidate => {
                self.refused(leg, cause, Vec::new(), false, now)
            }
            State::Talking if lost && self.is_referrer(leg) => self.referrer_left(leg),
            State::Talking if lost && self.is_in_room() => {
                // It was closed before; leaving wants it open no more.
                self.leaves_room(leg, cause, now)
            }
            State::Admitting | State::Dialling | State::Talking if lost => {
                self.hang_up(Some(leg), cause, now)
            }
            _ => {
                self.over_when_quiet();
                Ready::nothing()
            }
        }
    }

    fn over_when_quiet(&mut self) {
        let quiet = self.legs.values().all(|strand| strand.life == Life::Closed);
        if self.state == State::Ending && quiet && self.channels == Channels::Back {
            self.state = State::Over;
            self.timers.stop_all();
        }
    }

    /// Whether the owner may drop it.
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    pub(super) fn deadline_passed(&mut self, now: Moment) -> Ready<Save, Output> {
        match self.timers.pop_expired(now) {
            Some(Timer::C) => self.nobody_answered(now),
            Some(Timer::NoAnswer) => self.not_answered(),
            Some(Timer::Silence) => self.not_heard_of(),
            Some(Timer::Confirmation) => self.hang_up(None, Cause::normal(), now),
            Some(Timer::Transfer) => self.transfer_too_slow(now),
            Some(Timer::Align) => self.align_again(),
            Some(Timer::Way) => self.way_too_slow(now),
            Some(Timer::Linger) => {
                let mut then = Vec::new();
                self.give_back(&mut then);
                self.state = State::Over;
                Ready::say(then)
            }
            None => Ready::nothing(),
        }
    }

    /// RFC 3261 §16.8: a leg that has made progress is cancelled; one that has not counts as 408. RFC 3398
    /// §7.2.4.1 gives the causes: 19 for a user who was alerted, 18 for one who was not.
    fn nobody_answered(&mut self, now: Moment) -> Ready<Save, Output> {
        let cause = match self.summary.phase {
            Phase::Ringing => Cause { status: 480, q850: 19, words: "nobody answered".into() },
            _ => Cause { status: 408, q850: 18, words: "nobody responded".into() },
        };
        self.note_cause(cause.clone());
        let best = self.search.best.take().unwrap_or(cause);
        self.nobody_left(best, now)
    }
}
