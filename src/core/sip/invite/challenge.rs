//! Credentials: 401 and 407 become a question to the call (RFC 3261 §22).

use super::state::{Challenged, ClientUse, Event, LegTimer, MAX_RETRIES, PATIENCE, State};
use super::{Leg, LegEvent, LegOrder, LegOutput};
use crate::sip::wire::{HeaderName, Text};
use crate::timer::Moment;

impl Leg {
    /// Takes out what concerns credentials; the states see the rest.
    pub(super) fn filter_challenge(&mut self, event: Event, now: Moment) -> Option<Event> {
        match event {
            Event::Order(LegOrder::Retry { headers }) => {
                self.retry(headers, now);
                None
            }
            // The call has no credentials: the challenge is the final response.
            Event::Expired(LegTimer::Challenge) => {
                let Challenged { used_for, request, response, hop, .. } = self.challenged.take()?;
                Some(Event::Response { used_for, request, response, hop, retries: MAX_RETRIES })
            }
            Event::Response { used_for, request, response, hop, retries }
                if matches!(response.status(), Some(401 | 407))
                    && retries < MAX_RETRIES
                    && self.may_retry(used_for) =>
            {
                self.timers.set(LegTimer::Challenge, now + PATIENCE);
                let event = LegEvent::Challenged { request: request.clone(), response: response.clone() };
                self.then.push(LegOutput::Event(event));
                self.challenged = Some(Challenged { used_for, request, response, hop, retries });
                None
            }
            other => Some(other),
        }
    }

    /// One challenge at a time; after the end only the BYE is worth it.
    fn may_retry(&self, used_for: ClientUse) -> bool {
        let worth = match used_for {
            ClientUse::Bye => true,
            ClientUse::Invite | ClientUse::Reoffer | ClientUse::Prack | ClientUse::Order(_) => !self.ended,
            // "CANCEL … cannot be resubmitted" (§22.1); a stray fork is not worth a question.
            ClientUse::Cancel | ClientUse::Stray => false,
        };
        worth && self.challenged.is_none()
    }

    fn retry(&mut self, headers: Vec<(HeaderName, Text)>, now: Moment) {
        let Some(Challenged { used_for, mut request, hop, retries, .. }) = self.challenged.take() else {
            return;
        };
        self.timers.stop(LegTimer::Challenge);
        for (name, _) in &headers {
            request.headers.remove(name);
        }
        for (name, value) in headers {
            request.headers.push(name, value);
        }
        match (&mut self.state, used_for) {
            (State::Calling(_), ClientUse::Invite) => {
                let State::Calling(mut calling) = std::mem::replace(&mut self.state, State::Closed) else {
                    return;
                };
                self.dial_again(&mut calling, request, retries + 1, now);
                self.state = State::Calling(calling);
            }
            _ => {
                // §22.2: "the UAC … MUST increment the CSeq header field value as it would normally".
                let number = self.next_cseq(request.cseq().map_or(0, |cseq| cseq.number));
                let method = request.method().map_or(String::new(), |method| method.to_string());
                request.headers.set(HeaderName::CSeq, format!("{number} {method}"));
                self.ask_again(request, used_for, hop, retries + 1, now);
            }
        }
    }

    /// The next number in the dialog that used `number`.
    fn next_cseq(&mut self, number: u32) -> u32 {
        let dialog = match &mut self.state {
            State::Confirmed(confirmed) => Some(&mut confirmed.usage.dialog),
            State::Ringing(ringing) => Some(&mut ringing.usage.dialog),
            State::Ending(Some(usage)) => Some(&mut usage.dialog),
            State::Calling(calling) => calling.early.last_mut().map(|early| &mut early.usage.dialog),
            State::Idle | State::Ending(None) | State::Closed => None,
        };
        match dialog {
            Some(dialog) => {
                dialog.local_cseq = dialog.local_cseq.max(number).saturating_add(1);
                dialog.local_cseq
            }
            None => number.saturating_add(1),
        }
    }
}
