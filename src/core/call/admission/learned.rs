//! What base stations teach: one that refuses a call before its published budget is used up is full.
//!
//! "On 486/503 while local count < budget and the handset itself has no dialog": a maker's figure is for one
//! codec and an undisturbed radio, and calls between handsets of one base station are not seen here.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Limit;
use crate::call::cause::Cause;
use crate::id::BaseStationId;
use crate::timer::Moment;

/// How long a lesson holds. Radio channels come free with every call that ends.
const HOLDS: Duration = Duration::from_secs(60);
/// Base stations that are remembered; more refuse at once only when somebody plays with us.
const MOST: usize = 4_096;

/// Lower budgets for a while.
#[derive(Debug, Default)]
pub(super) struct Learned {
    most: BTreeMap<BaseStationId, (u32, Moment)>,
}

impl Learned {
    /// A base station refused a call for this reason while it carried `carried` others of ours, of `limit`;
    /// `busy`: the handset that was called has a call already, so the refusal may be its own.
    pub fn refused(
        &mut self,
        base: &BaseStationId,
        cause: &Cause,
        (carried, limit): (u32, Limit),
        busy: bool,
        now: Moment,
    ) -> bool {
        // With few calls on it the handset is what is busy, off or away; other handsets must not suffer.
        let full = matches!(cause.status, 486 | 503) && carried >= limit.plain.div_ceil(2);
        if busy || !full || carried == 0 {
            return false;
        }
        self.most.retain(|_, (_, until)| *until > now);
        if self.most.len() < MOST {
            self.most.insert(base.clone(), (carried, now + HOLDS));
        }
        true
    }

    /// The limit as it holds now.
    pub fn cut(&self, base: &BaseStationId, limit: Limit, now: Moment) -> Limit {
        match self.most.get(base) {
            Some((most, until)) if *until > now => {
                Limit { plain: limit.plain.min(*most), srtp: limit.srtp.min(*most) }
            }
            _ => limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { plain: 8, srtp: 6 };

    fn base() -> BaseStationId {
        BaseStationId("7C2F80000001".into())
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_base_that_refuses_with_five_calls_carries_five_for_a_minute() {
        let mut learned = Learned::default();
        assert!(learned.refused(&base(), &Cause::of_status(486, "busy"), (5, LIMIT), false, at(0)));
        assert_eq!(learned.cut(&base(), LIMIT, at(59)), Limit { plain: 5, srtp: 5 });
        assert_eq!(learned.cut(&base(), LIMIT, at(60)), LIMIT);
    }

    #[test]
    fn what_may_be_the_handsets_own_refusal_teaches_nothing() {
        let mut learned = Learned::default();
        for (status, carried, busy) in [(486, 5, true), (480, 5, false), (603, 5, false), (486, 1, false)] {
            let cause = Cause::of_status(status, "no");
            assert!(!learned.refused(&base(), &cause, (carried, LIMIT), busy, at(0)), "{status} {carried}");
            assert_eq!(learned.cut(&base(), LIMIT, at(1)), LIMIT);
        }
    }
}
