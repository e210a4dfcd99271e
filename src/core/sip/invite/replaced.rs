//! Which dialog of a leg a Replaces means (RFC 3891 §3).

use super::Leg;
use super::state::{State, Usage};
use crate::sip::replaces::{Matched, Replaces};

impl Leg {
    /// What the dialog that `replaces` names is doing; none when it is none of this leg's.
    pub fn matched_by(&self, replaces: &Replaces) -> Option<Matched> {
        let named = |usage: &Usage| {
            let id = &usage.dialog.id;
            replaces.names(&id.call_id, &id.local_tag, &id.remote_tag)
        };
        match &self.state {
            State::Idle => None,
            State::Calling(calling) => {
                calling.early.iter().any(|early| named(&early.usage)).then_some(Matched::EarlyOurs)
            }
            State::Ringing(ringing) => named(&ringing.usage).then_some(Matched::EarlyTheirs),
            State::Confirmed(confirmed) if confirmed.farewell.is_some() => {
                named(&confirmed.usage).then_some(Matched::Over)
            }
            State::Confirmed(confirmed) => named(&confirmed.usage).then_some(Matched::Confirmed),
            State::Ending(Some(usage)) => named(usage).then_some(Matched::Over),
            // Nothing of the dialog is known any more but our tag, which nobody can guess.
            State::Ending(None) | State::Closed => {
                (replaces.to_tag == self.local_tag).then_some(Matched::Over)
            }
        }
    }
}
