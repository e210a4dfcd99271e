//! The non-INVITE server transaction (RFC 3261 §17.2.2, figure 8).
//!
//! ```text
//! Trying ──1xx──► Proceeding ──200-699──► Completed ──J──► Terminated
//!    └────────────200-699─────────────────────┘
//! ```

use super::server::{ServerOrder, ServerTransaction, State as Outer, Step};
use super::{Class, TIMEOUT, Timer};
use crate::timer::Moment;

/// Figure 8's states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Trying,
    Proceeding,
    Completed,
}

impl ServerTransaction {
    pub(super) fn non_invite_step(
        &mut self,
        state: State,
        step: Step,
        now: Moment,
        out: &mut Vec<ServerOrder>,
    ) {
        use State::{Completed, Proceeding, Trying};
        match (state, step) {
            (Trying | Proceeding, Step::Respond(response)) => {
                let class = Class::of(response.status().unwrap_or(100));
                self.send(response, out);
                if class == Class::Provisional {
                    self.state = Outer::NonInvite(Proceeding);
                    return;
                }
                self.state = Outer::NonInvite(Completed);
                // "… Timer J to fire in 64*T1 seconds for unreliable transports, and zero seconds for
                // reliable transports."
                match self.transport.is_reliable() {
                    true => self.terminate(out),
                    false => self.timers.set(Timer::J, now + TIMEOUT),
                }
            }
            // "Once in the Trying state, any further request retransmissions are discarded"; later the
            // most recent response answers them.
            (Proceeding | Completed, Step::Received(_)) => self.repeat(out),
            (Completed, Step::Timer(Timer::J)) => self.terminate(out),
            // "Any other final responses passed by the TU … MUST be discarded while in Completed."
            _ => {}
        }
    }
}
