//! The non-INVITE client transaction (RFC 3261 §17.1.2, figure 6).
//!
//! ```text
//! Trying ──1xx──► Proceeding ──200-699──► Completed ──K──► Terminated
//!    └───────────200-699──────────────────────┘   (F: timeout, from the first two)
//! ```

use super::client::{ClientOrder, ClientTransaction, State as Outer, Step};
use super::{Class, TIMEOUT, Timer};
use crate::timer::{Moment, T1, T2, T4};

/// Figure 6's states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Trying,
    Proceeding,
    Completed,
}

impl ClientTransaction {
    pub(super) fn start_non_invite(&mut self, now: Moment) -> Vec<ClientOrder> {
        self.timers.set(Timer::F, now + TIMEOUT);
        if !self.transport.is_reliable() {
            self.interval = T1;
            self.timers.set(Timer::E, now + T1);
        }
        vec![ClientOrder::Send(self.request.clone())]
    }

    pub(super) fn non_invite_step(
        &mut self,
        state: State,
        step: Step,
        now: Moment,
        out: &mut Vec<ClientOrder>,
    ) {
        use State::{Completed, Proceeding, Trying};
        match (state, step) {
            (Trying | Proceeding, Step::Timer(Timer::E)) => {
                // "… the timer is reset … with a value of MIN(2*T1, T2) … [In Proceeding] Timer E MUST
                // be reset with a value of T2 seconds."
                self.interval = if state == Proceeding { T2 } else { T2.min(self.interval * 2) };
                self.timers.set(Timer::E, now + self.interval);
                out.push(ClientOrder::Send(self.request.clone()));
            }
            (Trying | Proceeding, Step::Timer(Timer::F)) => {
                out.push(ClientOrder::TimedOut);
                self.terminate(out);
            }
            (Trying | Proceeding, Step::TransportFailed) => {
                out.push(ClientOrder::Unreachable);
                self.terminate(out);
            }
            (Trying | Proceeding, Step::Response(response)) => {
                let class = Class::of(response.status().unwrap_or(100));
                out.push(ClientOrder::Deliver(response));
                if class == Class::Provisional {
                    self.state = Outer::NonInvite(Proceeding);
                    return;
                }
                self.state = Outer::NonInvite(Completed);
                self.timers.stop_all();
                // "… Timer K to fire in T4 seconds for unreliable transports, and zero seconds for
                // reliable transports."
                match self.transport.is_reliable() {
                    true => self.terminate(out),
                    false => self.timers.set(Timer::K, now + T4),
                }
            }
            (Completed, Step::Timer(Timer::K)) => self.terminate(out),
            // Completed exists "to buffer any additional response retransmissions".
            _ => {}
        }
    }
}
