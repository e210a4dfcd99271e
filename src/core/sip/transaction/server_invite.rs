//! The INVITE server transaction (RFC 3261 §17.2.1, figure 7; RFC 6026 §7.1, figure 3).
//!
//! ```text
//! Proceeding ──300-699──► Completed ──ACK──► Confirmed ──I──► Terminated
//!      │                      └───────────────H──────────────────┤
//!      └────2xx────► Accepted ────────────────L──────────────────┘
//! ```

use super::server::{ServerOrder, ServerTransaction, State as Outer, Step};
use super::{Class, HeaderName, Message, Method, TIMEOUT, Timer};
use crate::timer::{Moment, T1, T2, T4};

/// Figure 7's states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Proceeding,
    Accepted,
    Completed,
    Confirmed,
}

impl ServerTransaction {
    pub(super) fn trying(&mut self) -> Vec<ServerOrder> {
        let mut trying = Message::response(&self.request, 100, "Trying", None);
        // RFC 3261 §8.2.6.1: "any Timestamp header field present in the request MUST be copied into
        // this 100 (Trying) response."
        if let Some(timestamp) = self.request.header(&HeaderName::Timestamp) {
            trying.headers.push(HeaderName::Timestamp, timestamp.clone());
        }
        let mut orders = Vec::new();
        self.send(trying, &mut orders);
        orders
    }

    pub(super) fn invite_step(&mut self, state: State, step: Step, now: Moment, out: &mut Vec<ServerOrder>) {
        use State::{Accepted, Completed, Confirmed, Proceeding};
        match (state, step) {
            (Proceeding, Step::Respond(response)) => self.invite_respond(response, now, out),
            // RFC 6026 §7.1: "any retransmission of the 2xx passed by the TU is passed to the transport".
            (Accepted, Step::Respond(response)) if class(&response) == Class::Success => {
                out.push(ServerOrder::Send(response));
            }
            // "If a request retransmission is received … the most recent provisional response … MUST be
            // passed to the transport layer": in Completed the final one.
            (Proceeding | Completed, Step::Received(request)) if request.method() == Some(Method::Invite) => {
                self.repeat(out);
            }
            (Completed, Step::Received(request)) if request.method() == Some(Method::Ack) => {
                self.state = Outer::Invite(Confirmed);
                self.timers.stop_all();
                // "… Timer I is set to fire in T4 seconds for unreliable transports, and zero seconds
                // for reliable transports."
                match self.transport.is_reliable() {
                    true => self.terminate(out),
                    false => self.timers.set(Timer::I, now + T4),
                }
            }
            // RFC 6026 §7.1: in Accepted "retransmitted INVITE requests … MUST be absorbed", and an ACK
            // "MUST be passed directly to the TU".
            (Accepted, Step::Received(request)) if request.method() == Some(Method::Ack) => {
                out.push(ServerOrder::Deliver(request));
            }
            (Completed, Step::Timer(Timer::G)) => {
                // "… the timer G is set to fire in MIN(2*T1, T2) seconds."
                self.interval = T2.min(self.interval * 2);
                self.timers.set(Timer::G, now + self.interval);
                self.repeat(out);
            }
            (Completed, Step::Timer(Timer::H))
            | (Confirmed, Step::Timer(Timer::I))
            | (Accepted, Step::Timer(Timer::L)) => self.terminate(out),
            _ => {}
        }
    }

    fn invite_respond(&mut self, response: Message, now: Moment, out: &mut Vec<ServerOrder>) {
        let class = class(&response);
        self.send(response, out);
        match class {
            Class::Provisional => {}
            Class::Success => {
                self.state = Outer::Invite(State::Accepted);
                self.timers.set(Timer::L, now + TIMEOUT);
            }
            Class::Refusal => {
                self.state = Outer::Invite(State::Completed);
                if !self.transport.is_reliable() {
                    self.interval = T1;
                    self.timers.set(Timer::G, now + T1);
                }
                self.timers.set(Timer::H, now + TIMEOUT);
            }
        }
    }
}

/// A request handed in by mistake counts as a 1xx: it ends nothing.
fn class(response: &Message) -> Class {
    Class::of(response.status().unwrap_or(100))
}
