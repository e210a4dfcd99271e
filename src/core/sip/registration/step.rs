//! What one input does to a registration.

use std::time::Duration;

use crate::machine::Ready;
use crate::sip::Destination;
use crate::sip::digest::Credentials;
use crate::sip::transaction::{ClientInput, ClientOrder, ClientTransaction};
use crate::sip::wire::Message;
use crate::timer::Moment;

use super::{
    Effects, Exchange, Registration, RegistrationOutput, RegistrationRecord, RegistrationRefusal,
    RegistrationStatus, SaveRegistration, State, request,
};

/// Users that were registered at a restart come back within so long.
const RESTART_SPREAD: Duration = Duration::from_secs(5);
/// Users whose connection broke come back within so long; their turns spread them further.
const LOSS_SPREAD: Duration = Duration::from_secs(1);
/// A connection that was lost once more leads to no refresh sooner than this after a 200.
const SHORTEST_REFRESH: Duration = Duration::from_secs(30);
/// Most proxies that are tried one after another without a wait.
pub(super) const MOST_TRIED: usize = 8;

/// Most repetitions of one attempt, with credentials or a longer lifetime.
const MOST_REPEATS: u8 = 8;

/// One input in the making.
pub(super) struct Step<'a> {
    pub(super) machine: &'a mut Registration,
    before: RegistrationRecord,
    pub(super) then: Vec<RegistrationOutput>,
    pub(super) now: Moment,
    /// A challenge is answered by the driver, not by digest.
    pub(super) answered_elsewhere: bool,
}

/// How an exchange ended.
pub(super) enum Outcome {
    Answered(Message),
    TimedOut,
    Unreachable,
}

impl<'a> Step<'a> {
    pub fn new(machine: &'a mut Registration, now: Moment) -> Self {
        Self { before: machine.record.clone(), machine, then: Vec::new(), now, answered_elsewhere: false }
    }

    pub fn finish(self) -> Effects {
        let changed = self.before != self.machine.record;
        let save = changed.then(|| SaveRegistration(self.machine.record.clone()));
        Ready { save: save.into_iter().collect(), then: self.then }
    }

    /// The same way in for the first start, `kill -9` and takeover.
    pub fn started(&mut self) {
        let (record, now) = (&self.machine.record, self.now);
        let held = record.registered_until.is_some_and(|until| until > now);
        match (record.wanted, held) {
            (true, _) => {
                let spread = RESTART_SPREAD.as_millis() as u64;
                let wait = Duration::from_millis(self.machine.tokens.number() % (spread + 1));
                self.machine.state = State::Waiting { until: now + wait };
            }
            // It was told to leave and may not have been heard.
            (false, true) => self.unregister(),
            (false, false) => self.machine.state = State::Idle,
        }
        self.note_end();
    }

    pub fn wanted(&mut self, wanted: bool) {
        self.machine.record.wanted = wanted;
        match (&self.machine.state, wanted) {
            (State::Idle | State::Stopped, true) => self.attempt(),
            (State::Registered { .. } | State::Waiting { .. }, false) => self.leave(),
            (State::Idle, false) => self.machine.state = State::Stopped,
            // Under way: what is wanted is looked at when the answer comes. Else it is so already.
            _ => {}
        }
    }

    pub fn credentials_changed(&mut self, credentials: Credentials) {
        self.machine.account.credentials = credentials.clone();
        self.machine.digest.replace(credentials);
        if let State::Waiting { .. } | State::Registered { .. } = self.machine.state {
            self.machine.failures = 0;
            self.attempt();
        }
    }

    pub fn proxy_changed(&mut self, proxy: Destination) {
        let same = same_proxy(&self.machine.account.proxy, &proxy);
        let fresh = self.is_fresh(&proxy);
        self.machine.account.proxy = proxy;
        match self.machine.state {
            State::Registered { .. } if !same => self.attempt(),
            State::Waiting { .. } if !same && fresh => self.attempt(),
            _ => {}
        }
    }

    pub fn proxy_back(&mut self, proxy: Destination) {
        let waits = matches!(self.machine.state, State::Waiting { .. }) && !self.machine.refused;
        if waits {
            self.machine.tried.clear();
            self.machine.account.proxy = proxy;
            return self.attempt();
        }
        self.proxy_changed(proxy);
    }

    pub fn transport_failed(&mut self) {
        let spread = request::jittered(LOSS_SPREAD, &mut self.machine.tokens);
        match &mut self.machine.state {
            // A proxy that hangs up after every answer must not be asked in a circle.
            State::Registered { since, refresh_at } => {
                let brief = self.now < *since + SHORTEST_REFRESH;
                let again = std::mem::replace(&mut self.machine.hung_up, brief);
                let soon = match brief && again {
                    true => *since + SHORTEST_REFRESH,
                    false => self.now + spread,
                };
                *refresh_at = soon.min(*refresh_at);
            }
            _ => self.drive(ClientInput::TransportFailed),
        }
    }

    pub fn deadline(&mut self) {
        self.note_end();
        match &self.machine.state {
            State::Registered { refresh_at, .. } if *refresh_at <= self.now => self.attempt(),
            State::Waiting { until } if *until <= self.now => {
                self.machine.tried.clear();
                self.attempt();
            }
            State::AwaitingAnswer(_) | State::AwaitingAuthenticated(_) | State::Unregistering(_) => {
                self.drive(ClientInput::Deadline);
            }
            _ => {}
        }
    }

    /// The registrar has let us go by itself.
    fn note_end(&mut self) {
        if self.machine.record.registered_until.is_some_and(|until| until <= self.now) {
            self.machine.record.registered_until = None;
            self.machine.record.service_route.clear();
            self.changed(None, "the registration at the registrar has ended");
        }
    }

    pub fn challenged_elsewhere(&mut self, response: Message) -> Result<(), RegistrationRefusal> {
        self.answered_elsewhere = true;
        self.received(response)
    }

    pub fn refresh(&mut self) {
        if let State::Registered { .. } = self.machine.state {
            self.attempt();
        }
    }

    pub fn received(&mut self, response: Message) -> Result<(), RegistrationRefusal> {
        let (status, state) = (response.status(), self.machine.state());
        match self.machine.awaits(&response) {
            true => {
                self.drive(ClientInput::Response(response));
                Ok(())
            }
            false => Err(RegistrationRefusal::Unexpected { status, state }),
        }
    }

    fn exchange(&mut self) -> Option<&mut Exchange> {
        match &mut self.machine.state {
            State::AwaitingAnswer(exchange)
            | State::AwaitingAuthenticated(exchange)
            | State::Unregistering(exchange) => Some(exchange),
            _ => None,
        }
    }

    /// Drives the transaction, and goes on when it has ended.
    pub fn drive(&mut self, input: ClientInput) {
        let now = self.now;
        let Some(exchange) = self.exchange() else { return };
        let orders = exchange.transaction.handle(input, now);
        let to = exchange.to.clone();
        for order in orders {
            match order {
                ClientOrder::Send(request) => {
                    self.then.push(RegistrationOutput::Send { request, to: to.clone() });
                }
                ClientOrder::Deliver(answer) if answer.status().is_some_and(|status| status < 200) => {}
                ClientOrder::Deliver(answer) => return self.ended(Outcome::Answered(answer)),
                ClientOrder::TimedOut => return self.ended(Outcome::TimedOut),
                ClientOrder::Unreachable => return self.ended(Outcome::Unreachable),
                ClientOrder::Terminated => {}
            }
        }
    }

    /// The answer, or what stands for it. Timer K needs no keeper: a repeated answer finds no
    /// exchange, and is refused by name.
    fn ended(&mut self, outcome: Outcome) {
        let state = std::mem::replace(&mut self.machine.state, State::Idle);
        match state {
            State::AwaitingAnswer(exchange) | State::AwaitingAuthenticated(exchange) => {
                self.register_ended(exchange, outcome);
            }
            State::Unregistering(_) => self.unregister_ended(outcome),
            other => self.machine.state = other,
        }
    }

    pub(super) fn note_tried(&mut self, proxy: &Destination) {
        if self.machine.tried.len() < MOST_TRIED && !self.machine.tried.contains(&proxy.address) {
            self.machine.tried.push(proxy.address);
        }
    }

    /// Whether this proxy may be tried without a wait: each gets one attempt per wait, so that a row of
    /// dead ones makes no storm.
    pub(super) fn is_fresh(&self, proxy: &Destination) -> bool {
        self.machine.tried.len() < MOST_TRIED && !self.machine.tried.contains(&proxy.address)
    }

    pub(super) fn backoff_of_failure(&mut self) -> Duration {
        self.machine.failures = self.machine.failures.saturating_add(1);
        request::backoff(self.machine.failures, &mut self.machine.tokens)
    }

    pub(super) fn wait_for(&mut self, wait: Duration, status: Option<u16>, cause: &str) {
        self.machine.state = State::Waiting { until: self.now + wait };
        self.changed(status, cause);
    }

    /// What was wanted while a REGISTER to `used` was under way.
    pub(super) fn look_again(&mut self, used: &Destination) {
        let moved = !same_proxy(used, &self.machine.account.proxy);
        match self.machine.state {
            State::Registered { .. } | State::Waiting { .. } if !self.machine.record.wanted => self.leave(),
            State::Registered { .. } if moved => self.attempt(),
            State::Waiting { .. } if moved && self.is_fresh(&self.machine.account.proxy) => self.attempt(),
            _ => {}
        }
    }

    /// A new REGISTER, for the first time or as a refresh.
    pub(super) fn attempt(&mut self) {
        self.machine.digest.begin();
        self.machine.repeats = 0;
        self.machine.refused = false;
        let exchange = self.send(self.lifetime());
        self.machine.state = State::AwaitingAnswer(exchange);
    }

    /// The same once more, with what the answer taught.
    pub(super) fn repeat(&mut self) {
        self.machine.repeats += 1;
        if self.machine.repeats > MOST_REPEATS {
            return self.refused(None, "the registrar asks for one change after another");
        }
        if !self.machine.record.wanted {
            return self.leave();
        }
        let exchange = self.send(self.lifetime());
        self.machine.state = State::AwaitingAuthenticated(exchange);
    }

    pub(super) fn leave(&mut self) {
        match self.machine.record.registered_until {
            Some(_) => self.unregister(),
            None => self.stop(None, "not wanted"),
        }
    }

    fn unregister(&mut self) {
        self.machine.digest.begin();
        self.unregister_again();
    }

    pub(super) fn unregister_again(&mut self) {
        let exchange = self.send(Duration::ZERO);
        self.machine.state = State::Unregistering(exchange);
    }

    pub(super) fn stop(&mut self, status: Option<u16>, cause: &str) {
        self.machine.state = State::Stopped;
        self.machine.failures = 0;
        self.machine.tried.clear();
        self.changed(status, cause);
    }

    fn lifetime(&self) -> Duration {
        let least = self.machine.record.min_expires.unwrap_or_default();
        self.machine.account.expires.max(least)
    }

    /// "A UA MUST increment the CSeq value by one for each REGISTER request with the same Call-ID"
    /// (RFC 3261 §10.2). The record with it is saved before the request leaves.
    fn send(&mut self, asked: Duration) -> Exchange {
        let machine = &mut *self.machine;
        machine.record.next_cseq(&mut machine.tokens);
        let mut request = request::register(&machine.account, &machine.record, asked, &mut machine.tokens);
        machine.digest.authorize(&mut request);
        let to = machine.account.proxy.clone();
        let (transaction, orders) = ClientTransaction::new(request, to.transport, self.now);
        for order in orders {
            if let ClientOrder::Send(request) = order {
                self.then.push(RegistrationOutput::Send { request, to: to.clone() });
            }
        }
        Exchange { transaction, to, asked }
    }

    pub(super) fn changed(&mut self, status: Option<u16>, cause: &str) {
        let registered_until = self.machine.record.registered_until;
        let cause = cause.to_owned();
        self.then.push(RegistrationOutput::Changed(RegistrationStatus { registered_until, status, cause }));
    }
}

/// Whether both are one server; by which connection does not matter.
pub(super) fn same_proxy(a: &Destination, b: &Destination) -> bool {
    (a.transport, a.address, &a.server_name) == (b.transport, b.address, &b.server_name)
}
