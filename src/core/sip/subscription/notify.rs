//! Notifications: whether they are ours, and what they say about the subscription itself (RFC 6665 §4.1.3).

use std::time::Duration;

use crate::sip::wire::{HeaderName, Message, Method, Params, Text};
use crate::timer::Moment;

use super::step::Step;
use super::{State, SubscriptionOutput, SubscriptionRefusal};

/// How a subscription stands, in the owner's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not wanted, or asked once and answered.
    Off,
    /// The notifier keeps it until then.
    Active {
        /// When it ends unless refreshed.
        until: Moment,
    },
    /// The notifier does not offer it; asked again in an hour.
    Refused,
    /// It failed; asked again soon.
    Failing,
}

/// What a `Subscription-State` says.
#[derive(Debug)]
pub(super) struct Said {
    terminated: bool,
    reason: Text,
    expires: Option<Duration>,
    retry_after: Option<Duration>,
}

impl Said {
    fn by(request: &Message) -> Self {
        let header = request.header(&HeaderName::SubscriptionState);
        let params = header.and_then(Params::parse).unwrap_or_default();
        let seconds = |name: &str| Some(Duration::from_secs(params.get(name)?.parse::<u32>().ok()?.into()));
        Self {
            terminated: params.has("terminated"),
            reason: params.get("reason").unwrap_or_default(),
            expires: seconds("expires"),
            retry_after: seconds("retry-after"),
        }
    }
}

impl Step<'_> {
    /// A NOTIFY is answered, a BENOTIFY never; both are taken.
    pub fn notified(&mut self, request: Message) -> Result<(), SubscriptionRefusal> {
        let answers = match request.method().filter(|_| request.is_request()) {
            Some(Method::Notify) => true,
            Some(Method::Benotify) => false,
            _ => return Err(SubscriptionRefusal::NoNotification),
        };
        let (status, phrase) = self.take(&request);
        if answers {
            let answer = Message::response(&request, status, phrase, None);
            self.then.insert(0, SubscriptionOutput::Answer(answer));
        }
        Ok(())
    }

    fn take(&mut self, request: &Message) -> (u16, &'static str) {
        // "If … the NOTIFY request does not match … the subscriber MUST respond with a 481" (§4.1.3).
        if !self.machine.owns(request) {
            return (481, "Subscription Does Not Exist");
        }
        if !same_event(request, &self.machine.package.event) {
            return (489, "Bad Event");
        }
        let Some(number) = request.cseq().map(|cseq| cseq.number) else { return (400, "Bad Request") };
        let machine = &mut *self.machine;
        if machine.dialog.is_none() {
            let first = machine.first.as_ref();
            machine.dialog = first.and_then(|first| first.dialog(request, &machine.subscriber));
        }
        let Some(dialog) = &mut machine.dialog else { return (400, "Bad Request") };
        let before = dialog.remote_cseq;
        if dialog.take_cseq(number).is_err() {
            return (500, "Out Of Order");
        }
        dialog.refresh_target(request);
        // A repetition over UDP: our answer was lost.
        if before != Some(number) {
            self.heard(request);
        }
        (200, "OK")
    }

    fn heard(&mut self, request: &Message) {
        self.then.push(SubscriptionOutput::Notified(request.clone()));
        let said = Said::by(request);
        match (said.terminated, said.expires, &mut self.machine.state) {
            (_, _, State::Idle | State::Ending(_)) => {}
            // What the answer makes of it: 481 begins anew.
            (true, _, State::AwaitingAnswer(exchange)) => exchange.ended_by = Some(said),
            (true, ..) => self.terminated(&said),
            // §4.1.3: expires is "the authoritative subscription duration".
            (false, Some(lifetime), State::Active { .. } | State::Waiting { .. }) if !lifetime.is_zero() => {
                self.stands_for(lifetime);
            }
            _ => {}
        }
    }

    /// The reasons of §4.1.3.
    pub(super) fn terminated(&mut self, said: &Said) {
        self.forget_dialog();
        let cause = format!("ended by the notifier: {}", said.reason);
        match said.reason.to_ascii_lowercase().as_str() {
            // "clients MUST NOT / SHOULD NOT re-subscribe": not within the hour.
            "rejected" | "noresource" | "invariant" => self.refused(None, &cause),
            // deactivated, timeout: "retry immediately"; probation, giveup: after retry-after. A growing
            // wait keeps a notifier that ends everything from being asked in a circle.
            _ => self.failed(None, said.retry_after, &cause),
        }
    }
}

/// "The Event header field … MUST match" by package and `id` (§8.2.1).
fn same_event(request: &Message, ours: &str) -> bool {
    let Some(theirs) = request.header(&HeaderName::Event) else { return false };
    let parts = |text: &Text| {
        let params = Params::parse(text).unwrap_or_default();
        let package = text.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        (package, params.get("id").map(|id| id.to_string()))
    };
    parts(theirs) == parts(&Text::from(ours))
}
