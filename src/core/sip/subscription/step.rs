//! What one input does to a subscription.

use std::time::Duration;

use crate::sip::Destination;
use crate::sip::digest::Credentials;
use crate::sip::registration::{backoff, jittered, min_expires, refresh_after, retry_after, words};
use crate::sip::transaction::{ClientInput, ClientOrder, ClientTransaction};
use crate::sip::wire::{Message, Method, Text};
use crate::sip::{dialog::Dialog, next_hop};
use crate::timer::Moment;

use super::notify::Standing;
use super::request::{First, dress, ends_subscription, granted};
use super::{Exchange, State, Subscription, SubscriptionOutput, SubscriptionRefusal, SubscriptionStatus};

/// The wait after a refusal that asking again will not change.
const REFUSED_WAIT: Duration = Duration::from_secs(3_600);
/// Longest lifetime that a notifier can force on us.
const LONGEST_EXPIRES: Duration = Duration::from_secs(86_400);
/// Most repetitions of one attempt: credentials, a longer lifetime, a new dialog.
const MOST_REPEATS: u8 = 6;

/// One input in the making.
pub(super) struct Step<'a> {
    pub(super) machine: &'a mut Subscription,
    pub(super) then: Vec<SubscriptionOutput>,
    pub(super) now: Moment,
    answered_elsewhere: bool,
}

enum Outcome {
    Answered(Box<Message>),
    Silent(&'static str),
}

impl<'a> Step<'a> {
    pub fn new(machine: &'a mut Subscription, now: Moment) -> Self {
        Self { machine, then: Vec::new(), now, answered_elsewhere: false }
    }

    pub fn wanted(&mut self, wanted: bool) {
        self.machine.wanted = wanted;
        match (&self.machine.state, wanted) {
            (State::Idle, true) => self.attempt(),
            (State::Active { .. } | State::Waiting { .. }, false) => self.leave(),
            // Under way: looked at when the answer comes. Else it is so already.
            _ => {}
        }
    }

    pub fn refresh(&mut self) {
        if let State::Active { .. } = self.machine.state {
            self.attempt();
        }
    }

    pub fn credentials_changed(&mut self, credentials: Credentials) {
        self.machine.subscriber.credentials = credentials.clone();
        self.machine.digest.replace(credentials);
        if let State::Waiting { .. } = self.machine.state {
            self.machine.failures = 0;
            self.attempt();
        }
    }

    pub fn way_changed(&mut self, proxy: Destination, route: Vec<String>) {
        let before = std::mem::replace(&mut self.machine.subscriber.proxy, proxy);
        self.machine.subscriber.route = route;
        let now = &self.machine.subscriber.proxy;
        let same = (before.transport, before.address) == (now.transport, now.address);
        match self.machine.state {
            State::Active { .. } | State::Waiting { .. } if !same => {
                self.forget_dialog();
                self.attempt();
            }
            _ => {}
        }
    }

    pub fn transport_failed(&mut self) {
        self.drive(ClientInput::TransportFailed);
    }

    pub fn deadline(&mut self) {
        let ended = self.machine.until.is_some_and(|until| until <= self.now);
        if ended {
            self.machine.until = None;
            self.changed(Standing::Failing, None, "it ended without a refresh");
        }
        match self.machine.state {
            State::Active { refresh_at } if refresh_at <= self.now || ended => self.attempt(),
            State::Waiting { until } if until <= self.now => self.attempt(),
            State::AwaitingAnswer(_) | State::Ending(_) => self.drive(ClientInput::Deadline),
            _ => {}
        }
    }

    pub fn received(&mut self, response: Message) -> Result<(), SubscriptionRefusal> {
        if !self.machine.awaits(&response) {
            return Err(SubscriptionRefusal::Unexpected { status: response.status() });
        }
        self.drive(ClientInput::Response(response));
        Ok(())
    }

    pub fn challenged_elsewhere(&mut self, response: Message) -> Result<(), SubscriptionRefusal> {
        self.answered_elsewhere = true;
        self.received(response)
    }

    /// Drives the transaction, and goes on when it has ended.
    fn drive(&mut self, input: ClientInput) {
        let now = self.now;
        let (State::AwaitingAnswer(exchange) | State::Ending(exchange)) = &mut self.machine.state else {
            return;
        };
        let (orders, to) = (exchange.transaction.handle(input, now), exchange.to.clone());
        for order in orders {
            match order {
                ClientOrder::Send(request) => {
                    self.then.push(SubscriptionOutput::Send { request, to: to.clone() });
                }
                ClientOrder::Deliver(answer) if answer.status().is_some_and(|status| status < 200) => {}
                ClientOrder::Deliver(answer) => return self.ended(Outcome::Answered(Box::new(answer))),
                ClientOrder::TimedOut => return self.ended(Outcome::Silent("no answer within 32 seconds")),
                ClientOrder::Unreachable => {
                    return self.ended(Outcome::Silent("the proxy cannot be reached"));
                }
                ClientOrder::Terminated => {}
            }
        }
    }

    fn ended(&mut self, outcome: Outcome) {
        match (std::mem::replace(&mut self.machine.state, State::Idle), outcome) {
            (State::AwaitingAnswer(exchange), Outcome::Answered(answer)) => self.answered(exchange, &answer),
            (State::AwaitingAnswer(_), Outcome::Silent(cause)) => self.failed(None, None, cause),
            (State::Ending(_), Outcome::Answered(answer))
                if matches!(answer.status(), Some(401 | 407)) && self.may_answer(&answer) =>
            {
                return self.end_again();
            }
            (State::Ending(_), _) => self.ended_for_good("ended"),
            (other, _) => self.machine.state = other,
        }
        if !self.machine.wanted && matches!(self.machine.state, State::Active { .. } | State::Waiting { .. })
        {
            self.leave();
        }
    }

    fn answered(&mut self, exchange: Exchange, answer: &Message) {
        let status = answer.status().unwrap_or(500);
        let cause = words(status, answer);
        match status {
            200..=299 => self.accepted(exchange, answer),
            401 | 407 => match self.may_answer(answer) {
                true => self.repeat(),
                false => self.refused(Some(status), &cause),
            },
            423 => self.too_brief(exchange.asked, answer, &cause),
            // RFC 6665 §4.1.2.2: on 481 "the subscription … no longer exists"; a new one may be made.
            481 if exchange.in_dialog => {
                self.forget_dialog();
                self.repeat();
            }
            408 | 500..=599 => self.failed(answer.status(), retry_after(answer), &cause),
            _ => {
                if ends_subscription(status) || !exchange.in_dialog {
                    self.forget_dialog();
                }
                self.refused(Some(status), &cause);
            }
        }
    }

    fn accepted(&mut self, exchange: Exchange, answer: &Message) {
        let lifetime = granted(answer, exchange.asked).min(exchange.asked.max(LONGEST_EXPIRES));
        let machine = &mut *self.machine;
        let request = exchange.transaction.request();
        let tag = answer.to_tag().unwrap_or_default();
        match &mut machine.dialog {
            Some(dialog) if exchange.in_dialog => _ = dialog.refresh_target(answer),
            Some(dialog) if tag == dialog.id.remote_tag.as_str() => dialog.confirm(request, answer),
            other => *other = Some(Dialog::uac(request, answer)),
        }
        machine.first = None;
        machine.last_hop = exchange.to;
        if exchange.in_dialog {
            machine.failures = 0;
        }
        match (exchange.asked.is_zero(), exchange.ended_by) {
            (true, _) => {
                machine.wanted = false;
                self.ended_for_good("asked once");
            }
            (false, Some(said)) => self.terminated(&said),
            (false, None) => self.stands_for(lifetime),
        }
        if !answer.body.is_empty() {
            self.then.push(SubscriptionOutput::Notified(answer.clone()));
        }
    }

    /// The notifier keeps it so long from now on.
    pub(super) fn stands_for(&mut self, lifetime: Duration) {
        let until = self.now + lifetime;
        let refresh_at = self.now + refresh_after(lifetime, &mut self.machine.tokens);
        self.machine.until = Some(until);
        match &mut self.machine.state {
            // The answer to the refresh says what counts.
            State::AwaitingAnswer(_) | State::Ending(_) => {}
            state => *state = State::Active { refresh_at },
        }
        self.changed(Standing::Active { until }, None, "subscribed");
    }

    fn too_brief(&mut self, asked: Duration, answer: &Message, cause: &str) {
        match min_expires(answer) {
            Some(minimum) if minimum > asked && minimum <= LONGEST_EXPIRES && !asked.is_zero() => {
                self.machine.min_expires = Some(minimum);
                self.repeat();
            }
            _ => self.refused(Some(423), cause),
        }
    }

    fn may_answer(&mut self, answer: &Message) -> bool {
        let machine = &mut *self.machine;
        self.answered_elsewhere || machine.digest.learn(answer, &mut machine.tokens).is_ok()
    }

    /// The event is not to be had here; asking again soon changes nothing.
    pub(super) fn refused(&mut self, status: Option<u16>, cause: &str) {
        self.wait(REFUSED_WAIT, Standing::Refused, status, cause);
    }

    pub(super) fn failed(&mut self, status: Option<u16>, asked: Option<Duration>, cause: &str) {
        self.machine.failures = self.machine.failures.saturating_add(1);
        let own = backoff(self.machine.failures, &mut self.machine.tokens);
        self.wait_at_least(asked.unwrap_or_default().max(own), status, cause);
    }

    fn wait_at_least(&mut self, wait: Duration, status: Option<u16>, cause: &str) {
        self.machine.state = State::Waiting { until: self.now + wait };
        self.changed(Standing::Failing, status, cause);
    }

    fn wait(&mut self, wait: Duration, standing: Standing, status: Option<u16>, cause: &str) {
        let wait = jittered(wait, &mut self.machine.tokens);
        self.machine.state = State::Waiting { until: self.now + wait };
        self.changed(standing, status, cause);
    }

    fn attempt(&mut self) {
        self.machine.digest.begin();
        self.machine.repeats = 0;
        if self.machine.until.is_none() {
            self.forget_dialog();
        }
        self.send();
    }

    /// Once more, with what the answer taught.
    fn repeat(&mut self) {
        self.machine.repeats += 1;
        match self.machine.repeats > MOST_REPEATS {
            true => self.refused(None, "the notifier asks for one change after another"),
            false if !self.machine.wanted => self.leave(),
            false => self.send(),
        }
    }

    fn send(&mut self) {
        let least = self.machine.min_expires.unwrap_or_default();
        let lifetime = match self.machine.package.expires {
            Duration::ZERO => Duration::ZERO,
            wanted => wanted.max(least),
        };
        let exchange = self.exchange(lifetime);
        self.machine.state = State::AwaitingAnswer(exchange);
    }

    pub(super) fn leave(&mut self) {
        match (&self.machine.dialog, self.machine.until) {
            (Some(_), Some(_)) => {
                self.machine.digest.begin();
                self.end_again();
            }
            _ => self.ended_for_good("not wanted"),
        }
    }

    /// "Unsubscribing … a SUBSCRIBE request … with an Expires header field set to 0" (§4.1.2.3).
    fn end_again(&mut self) {
        let exchange = self.exchange(Duration::ZERO);
        self.machine.state = State::Ending(exchange);
    }

    pub(super) fn ended_for_good(&mut self, cause: &str) {
        self.machine.state = State::Idle;
        (self.machine.until, self.machine.failures) = (None, 0);
        self.changed(Standing::Off, None, cause);
        if self.machine.wanted {
            self.attempt();
        }
    }

    pub(super) fn forget_dialog(&mut self) {
        (self.machine.dialog, self.machine.first, self.machine.until) = (None, None, None);
    }

    fn exchange(&mut self, asked: Duration) -> Exchange {
        let machine = &mut *self.machine;
        let (mut request, to, in_dialog) = match &mut machine.dialog {
            Some(dialog) => {
                let hop = dialog.next_hop().map(|uri| Text::from(uri.raw.as_str()));
                let to = next_hop(hop.as_ref(), machine.last_hop.clone());
                (dialog.request(Method::Subscribe), to, true)
            }
            None => {
                let (subscriber, tokens) = (&machine.subscriber, &mut machine.tokens);
                let first = machine.first.get_or_insert_with(|| First::new(subscriber, tokens));
                (first.request(subscriber), subscriber.proxy.clone(), false)
            }
        };
        let (subscriber, package) = (&machine.subscriber, &machine.package);
        dress(&mut request, subscriber, package, asked, to.transport.via_name(), &mut machine.tokens);
        machine.digest.authorize(&mut request);
        let (transaction, orders) = ClientTransaction::new(request, to.transport, self.now);
        for order in orders {
            if let ClientOrder::Send(request) = order {
                self.then.push(SubscriptionOutput::Send { request, to: to.clone() });
            }
        }
        Exchange { transaction, to, asked, in_dialog, ended_by: None }
    }

    pub(super) fn changed(&mut self, standing: Standing, status: Option<u16>, cause: &str) {
        let status = SubscriptionStatus { standing, status, cause: cause.to_owned() };
        self.then.push(SubscriptionOutput::Changed(status));
    }
}
