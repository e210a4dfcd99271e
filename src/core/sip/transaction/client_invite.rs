//! The INVITE client transaction (RFC 3261 §17.1.1, figure 5; RFC 6026 §7.2, figure 2).
//!
//! ```text
//! Calling ──1xx──► Proceeding ──300-699, ACK──► Completed ──D──► Terminated
//!    └──────2xx────────┴──────2xx──► Accepted ──────────M──────────┘
//! ```

use super::client::{ClientOrder, ClientTransaction, State as Outer, Step};
use super::{Class, TIMEOUT, Timer, ack_of_refusal};
use crate::timer::{Moment, T1};

/// Figure 5's states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Calling,
    Proceeding,
    Completed,
    Accepted,
}

impl ClientTransaction {
    pub(super) fn start_invite(&mut self, now: Moment) -> Vec<ClientOrder> {
        // "If an unreliable transport is being used, the client transaction MUST start timer A with a
        // value of T1 … For any transport, the client transaction MUST start timer B with a value of
        // 64*T1 seconds."
        if !self.transport.is_reliable() {
            self.interval = T1;
            self.timers.set(Timer::A, now + T1);
        }
        self.timers.set(Timer::B, now + TIMEOUT);
        vec![ClientOrder::Send(self.request.clone())]
    }

    pub(super) fn invite_step(&mut self, state: State, step: Step, now: Moment, out: &mut Vec<ClientOrder>) {
        use State::{Accepted, Calling, Completed, Proceeding};
        match (state, step) {
            (Calling, Step::Timer(Timer::A)) => {
                // "… and then MUST reset the timer with a value of 2*T1": doubling without limit until B.
                self.interval *= 2;
                self.timers.set(Timer::A, now + self.interval);
                out.push(ClientOrder::Send(self.request.clone()));
            }
            (Calling, Step::Timer(Timer::B)) => {
                out.push(ClientOrder::TimedOut);
                self.terminate(out);
            }
            (Calling | Completed, Step::TransportFailed) => {
                out.push(ClientOrder::Unreachable);
                self.terminate(out);
            }
            (Calling | Proceeding, Step::Response(response)) => {
                self.timers.stop_all();
                self.invite_response(response, now, out);
            }
            // "Any retransmissions of a response with status code 300-699 … MUST cause the ACK to be
            // re-passed to the transport layer."
            (Completed, Step::Response(response)) if is_refusal(&response) => {
                out.push(ClientOrder::Send(ack_of_refusal(&self.request, &response)));
            }
            // RFC 6026 §7.2: "any 2xx responses to the INVITE … MUST be passed up to the TU."
            (Accepted, Step::Response(response)) if Class::of(status(&response)) == Class::Success => {
                out.push(ClientOrder::Deliver(response));
            }
            (Completed, Step::Timer(Timer::D)) | (Accepted, Step::Timer(Timer::M)) => self.terminate(out),
            // RFC 6026 figure 2: late 1xx, a final response of the other kind, errors of the transport.
            _ => {}
        }
    }

    fn invite_response(&mut self, response: super::Message, now: Moment, out: &mut Vec<ClientOrder>) {
        match Class::of(status(&response)) {
            Class::Provisional => {
                self.state = Outer::Invite(State::Proceeding);
                out.push(ClientOrder::Deliver(response));
            }
            Class::Success => {
                self.state = Outer::Invite(State::Accepted);
                self.timers.set(Timer::M, now + TIMEOUT);
                out.push(ClientOrder::Deliver(response));
            }
            Class::Refusal => {
                self.state = Outer::Invite(State::Completed);
                out.push(ClientOrder::Send(ack_of_refusal(&self.request, &response)));
                out.push(ClientOrder::Deliver(response));
                // "… timer D … with a value of at least 32 seconds for unreliable transports, and a
                // value of zero seconds for reliable transports."
                match self.transport.is_reliable() {
                    true => self.terminate(out),
                    false => self.timers.set(Timer::D, now + TIMEOUT),
                }
            }
        }
    }
}

fn is_refusal(response: &super::Message) -> bool {
    Class::of(status(response)) == Class::Refusal
}

/// A request handed in by mistake counts as a 1xx: it ends nothing.
fn status(response: &super::Message) -> u16 {
    response.status().unwrap_or(100)
}
