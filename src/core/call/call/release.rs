//! Clearing: everybody is told why, the channels go back, the record is written, once.

use super::*;

impl Call {
    /// Nobody can be dialled (any more): the caller is refused.
    pub(super) fn give_up(&mut self, cause: Cause, now: Moment) -> Ready<Save, Output> {
        self.end(None, cause, now, |cause| LegOrder::Reject { cause })
    }

    /// Ends all legs but `first`, which has ended by itself.
    pub(super) fn hang_up(&mut self, first: Option<LegNo>, cause: Cause, now: Moment) -> Ready<Save, Output> {
        self.end(first, cause, now, |cause| LegOrder::HangUp { cause })
    }

    fn end(
        &mut self,
        first: Option<LegNo>,
        cause: Cause,
        now: Moment,
        order: impl Fn(Cause) -> LegOrder,
    ) -> Ready<Save, Output> {
        if matches!(self.state, State::Ending | State::Over) {
            return Ready::nothing();
        }
        let mut then: Orders = Vec::new();
        for (leg, _) in self.legs.iter().filter(|(leg, strand)| Some(**leg) != first && !strand.closed) {
            let order = match *leg {
                LegNo::CALLER => order(cause.clone()),
                _ => LegOrder::HangUp { cause: cause.clone() },
            };
            then.push(Output::Leg(*leg, order));
        }
        self.state = State::Ending;
        self.summary.cause = Some(cause);
        self.summary.ended = Some(now);
        self.timers.stop_all();
        self.timers.set(Timer::Linger, now + LINGER);
        self.set_phase(Phase::Ending, &mut then);
        // The channels are free as soon as nobody can be heard; the legs may take 32 s to close.
        self.summary.phase = Phase::Ended;
        let summary = Box::new(self.summary.clone());
        then.push(Output::Over(summary.clone()));
        Ready { save: vec![Save::Ended(summary)], then }
    }

    /// A leg is done with all its transactions.
    pub(super) fn closed(&mut self, leg: LegNo, now: Moment) -> Ready<Save, Output> {
        if let Some(strand) = self.leg(leg) {
            strand.closed = true;
        }
        match self.state {
            State::Ending if self.legs.values().all(|strand| strand.closed) => {
                self.state = State::Over;
                self.timers.stop_all();
                Ready::nothing()
            }
            State::Ending | State::Over => Ready::nothing(),
            // A leg that closes without having said that it ended was lost with its actor.
            _ if leg == LegNo::CALLER || self.talking_to == Some(leg) => {
                self.hang_up(Some(leg), Cause::of_status(500, "a leg of the call was lost"), now)
            }
            State::Dialling if self.legs.contains_key(&leg) => {
                self.refused(leg, Cause::of_status(500, "a leg of the call was lost"), Vec::new(), false, now)
            }
            _ => Ready::nothing(),
        }
    }

    /// Whether the owner may drop it.
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    pub(super) fn deadline_passed(&mut self, now: Moment) -> Ready<Save, Output> {
        match self.timers.pop_expired(now) {
            Some(Timer::C) => self.hang_up(None, Cause::of_status(480, "nobody answered"), now),
            Some(Timer::Linger) => {
                self.state = State::Over;
                Ready::nothing()
            }
            None => Ready::nothing(),
        }
    }
}
