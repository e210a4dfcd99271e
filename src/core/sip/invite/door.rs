//! The door: which order is admitted in which state. Decides, changes nothing.

use super::state::{MAX_PROGRESS, State, Usage, clients_full};
use super::{Body, Leg, LegOrder, LegRefusal};
use crate::sip::offer_answer::Exchange;
use crate::sip::wire::Method;

impl LegOrder {
    /// The order's name, for refusals and logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Dial(_) => "Dial",
            Self::Progress { .. } => "Progress",
            Self::Alert(_) => "Alert",
            Self::Assert { .. } => "Assert",
            Self::Accept { .. } => "Accept",
            Self::Focus { .. } => "Focus",
            Self::Reject { .. } => "Reject",
            Self::HangUp { .. } => "HangUp",
            Self::Reoffer { .. } => "Reoffer",
            Self::AnswerReoffer(_) => "AnswerReoffer",
            Self::Request { .. } => "Request",
            Self::Reply { .. } => "Reply",
            Self::Retry { .. } => "Retry",
        }
    }
}

impl Leg {
    pub(super) fn admit(&self, order: &LegOrder) -> Result<(), LegRefusal> {
        let name = order.name();
        match order {
            LegOrder::HangUp { .. } | LegOrder::Focus { .. } => Ok(()),
            LegOrder::Dial(_) if matches!(self.state, State::Idle) => Ok(()),
            LegOrder::Progress { status, body, reliable } => {
                self.admit_progress(name, *status, body.as_ref(), *reliable)
            }
            LegOrder::Alert(_) | LegOrder::Assert { .. } if matches!(self.state, State::Ringing(_)) => Ok(()),
            LegOrder::Accept { body } => self.admit_accept(name, body.as_ref()),
            LegOrder::Reject { status, .. } => match (&self.state, status) {
                (State::Ringing(ringing), 300..=699) if ringing.accept.is_none() => Ok(()),
                (State::Ringing(ringing), status) if ringing.accept.is_none() => {
                    Err(LegRefusal::Status { order: name, status: *status })
                }
                _ => Err(self.not_now(name)),
            },
            LegOrder::Reoffer { body } => self.admit_reoffer(name, body.as_ref()),
            LegOrder::AnswerReoffer(_) => match self.usages().iter().any(|usage| usage.owed.is_some()) {
                true => Ok(()),
                false => Err(LegRefusal::Unknown { order: name }),
            },
            LegOrder::Request { method, .. } if has_own_order(method) => Err(LegRefusal::OwnOrder),
            LegOrder::Request { .. } if self.usages().is_empty() => Err(self.not_now(name)),
            LegOrder::Request { .. } if clients_full(&self.clients) => Err(LegRefusal::Busy { order: name }),
            LegOrder::Request { .. } => Ok(()),
            LegOrder::Reply { handle, status, .. } => {
                let known =
                    self.servers.iter().any(|s| s.handle == Some(*handle) && s.transaction.is_pending());
                match (known, status) {
                    (true, 200..=699) => Ok(()),
                    (true, status) => Err(LegRefusal::Status { order: name, status: *status }),
                    (false, _) => Err(LegRefusal::Unknown { order: name }),
                }
            }
            LegOrder::Retry { .. } if self.challenged.is_some() => Ok(()),
            LegOrder::Retry { .. } => Err(LegRefusal::Unknown { order: name }),
            LegOrder::Dial(_) | LegOrder::Alert(_) | LegOrder::Assert { .. } => Err(self.not_now(name)),
        }
    }

    fn admit_progress(
        &self,
        order: &'static str,
        status: u16,
        body: Option<&Body>,
        reliable: bool,
    ) -> Result<(), LegRefusal> {
        let State::Ringing(ringing) = &self.state else { return Err(self.not_now(order)) };
        if !(101..=199).contains(&status) {
            return Err(LegRefusal::Status { order, status });
        }
        if ringing.accept.is_some() {
            return Err(self.not_now(order));
        }
        if ringing.waiting.len() >= MAX_PROGRESS {
            return Err(LegRefusal::Busy { order });
        }
        // RFC 6337 §2.2: an offer of the UAS can stand in a reliable provisional response only, and only
        // when the INVITE had none.
        let reliable = ringing.goes_reliably(reliable);
        match (body, ringing.usage.exchange.exchange()) {
            (None, _) | (_, Exchange::Owing) => Ok(()),
            (_, Exchange::Stable) if reliable && !ringing.usage.exchange.is_settled() => Ok(()),
            _ => Err(LegRefusal::BodyMisplaced { order }),
        }
    }

    fn admit_accept(&self, order: &'static str, body: Option<&Body>) -> Result<(), LegRefusal> {
        let State::Ringing(ringing) = &self.state else { return Err(self.not_now(order)) };
        let exchange = ringing.usage.exchange;
        let will_be_settled =
            exchange.is_settled() || ringing.waiting.iter().any(|(_, described, _)| described.is_some());
        match exchange.exchange() {
            _ if ringing.accept.is_some() => Err(self.not_now(order)),
            Exchange::Owing | Exchange::Stable if !will_be_settled && body.is_none() => {
                Err(LegRefusal::BodyMissing { order })
            }
            // An UPDATE of the other end must be answered before the call is.
            Exchange::Owing if exchange.is_settled() => Err(LegRefusal::Busy { order }),
            _ => Ok(()),
        }
    }

    fn admit_reoffer(&self, order: &'static str, body: Option<&Body>) -> Result<(), LegRefusal> {
        match &self.state {
            State::Confirmed(confirmed) if confirmed.farewell.is_none() => {
                let usage = &confirmed.usage;
                let free = usage.asked.is_none() && usage.owed.is_none() && usage.exchange.is_stable();
                free.then_some(()).ok_or(LegRefusal::Busy { order })
            }
            State::Calling(_) | State::Ringing(_) if body.is_none() => Err(LegRefusal::BodyMissing { order }),
            State::Calling(_) | State::Ringing(_) => {
                let free = self.usages().iter().any(|usage| usage.may_update());
                free.then_some(()).ok_or(LegRefusal::Busy { order })
            }
            _ => Err(self.not_now(order)),
        }
    }

    /// The dialogs there are; none once the session is over.
    pub(super) fn usages(&self) -> Vec<&Usage> {
        match &self.state {
            State::Calling(calling) => calling.early.iter().map(|early| &early.usage).collect(),
            State::Ringing(ringing) => vec![&ringing.usage],
            State::Confirmed(confirmed) => vec![&confirmed.usage],
            State::Idle | State::Ending(_) | State::Closed => Vec::new(),
        }
    }

    fn not_now(&self, order: &'static str) -> LegRefusal {
        LegRefusal::NotNow { order, state: self.state.words() }
    }
}

const fn has_own_order(method: &Method) -> bool {
    use Method::{Ack, Bye, Cancel, Invite, Prack, Update};
    matches!(method, Invite | Ack | Bye | Cancel | Prack | Update)
}
