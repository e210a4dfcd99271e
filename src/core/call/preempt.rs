//! Which call makes room for an emergency call.

use super::{CallSummary, Phase};
use crate::id::CallRef;

/// The one that is missed least among those that `holds` says hold what is needed: nobody has answered yet
/// before answered, then the newest. Never another emergency call.
pub fn victim<'a>(
    calls: impl Iterator<Item = &'a CallSummary>,
    holds: impl Fn(CallRef) -> bool,
) -> Option<CallRef> {
    let may_end = |call: &&CallSummary| {
        !call.emergency && !matches!(call.phase, Phase::Ending | Phase::Ended) && holds(call.reference)
    };
    calls
        .filter(may_end)
        .max_by_key(|call| (call.answered.is_none(), call.reference))
        .map(|call| call.reference)
}

#[cfg(test)]
mod tests {
    use super::super::{NewCall, Party};
    use super::*;
    use crate::sip::Facing;
    use crate::timer::Moment;

    fn call(reference: u64, phase: Phase, emergency: bool) -> CallSummary {
        let new = NewCall {
            reference: CallRef(reference),
            caller: Party::default(),
            dialled: Party::default(),
            facing: Facing::South,
            offer: None,
        };
        let answered = (phase == Phase::Talking).then_some(Moment::from_micros(1));
        CallSummary { phase, emergency, answered, ..CallSummary::of(&new, Moment::from_micros(0)) }
    }

    #[test]
    fn a_ringing_call_goes_first_then_the_newest_and_never_an_emergency_call() {
        let calls = [
            call(1, Phase::Talking, false),
            call(2, Phase::Ringing, false),
            call(3, Phase::Talking, false),
            call(4, Phase::Ringing, true),
            call(5, Phase::Ended, false),
        ];
        assert_eq!(victim(calls.iter(), |_| true), Some(CallRef(2)));
        assert_eq!(victim(calls.iter(), |call| call != CallRef(2)), Some(CallRef(3)));
        assert_eq!(victim(calls.iter(), |call| call == CallRef(4)), None);
    }
}
