//! What an answer, or its absence, does to a registration.

use std::time::Duration;

use crate::sip::Destination;
use crate::sip::wire::{HeaderName, Message};

use super::step::{Outcome, Step, same_proxy};
use super::{Exchange, RegistrationOutput, State, request};

/// The wait after a refusal that asking again will not change.
const REFUSED_WAIT: Duration = Duration::from_secs(600);
/// Longest lifetime a registrar can force on us by Min-Expires.
const LONGEST_EXPIRES: Duration = Duration::from_secs(86_400);
impl Step<'_> {
    pub(super) fn register_ended(&mut self, exchange: Exchange, outcome: Outcome) {
        let Exchange { to, asked, .. } = exchange;
        match outcome {
            // RFC 3261 §8.1.3.1: a timeout is treated "as if a 408 (Request Timeout) status code has
            // been received", a transport error as a 503.
            Outcome::TimedOut => self.proxy_failed(&to, None, "no answer within 32 seconds"),
            Outcome::Unreachable => self.proxy_failed(&to, None, "the proxy cannot be reached"),
            Outcome::Answered(answer) => self.answered(&to, asked, &answer),
        }
        self.look_again(&to);
    }

    fn answered(&mut self, to: &Destination, asked: Duration, answer: &Message) {
        let status = answer.status().unwrap_or(500);
        let cause = words(status, answer);
        match status {
            200..=299 => self.accepted(asked, answer),
            401 | 407 => self.challenged(answer),
            423 => self.too_brief(asked, answer),
            301 | 302 | 305 => {
                let (targets, wait) = (request::targets(answer), self.backoff_of_failure());
                self.note_tried(to);
                self.wait_for(wait, Some(status), &cause);
                self.then.push(RegistrationOutput::Redirected { targets });
            }
            408 | 480 | 500..=599 => match request::retry_after(answer) {
                Some(wait) => self.proxy_asks_to_wait(to, wait, status, &cause),
                None => self.proxy_failed(to, Some(status), &cause),
            },
            _ => self.refused(Some(status), &cause),
        }
    }

    fn accepted(&mut self, asked: Duration, answer: &Message) {
        let granted = request::granted(answer, &self.machine.account.contact, asked);
        let granted = granted.min(asked.max(LONGEST_EXPIRES));
        if granted.is_zero() {
            return self.refused(answer.status(), "the registrar accepted but holds no contact of ours");
        }
        let now = self.now;
        let refresh_at = now + request::refresh_after(granted, &mut self.machine.tokens);
        self.machine.state = State::Registered { since: now, refresh_at };
        self.machine.failures = 0;
        self.machine.tried.clear();
        self.machine.record.registered_until = Some(now + granted);
        self.machine.record.service_route = request::service_route(answer);
        self.changed(answer.status(), "registered");
    }

    fn challenged(&mut self, answer: &Message) {
        if self.answered_elsewhere {
            return self.repeat();
        }
        let machine = &mut *self.machine;
        match machine.digest.learn(answer, &mut machine.tokens) {
            Ok(()) => self.repeat(),
            Err(fault) => self.refused(answer.status(), &fault.to_string()),
        }
    }

    /// "If a UA receives a 423 (Interval Too Brief) response, it MAY retry the registration after making
    /// the expiration interval of all contact addresses in the REGISTER request equal to or greater than
    /// the expiration interval within the Min-Expires header field" (RFC 3261 §10.2.8).
    fn too_brief(&mut self, asked: Duration, answer: &Message) {
        match request::min_expires(answer) {
            Some(minimum) if minimum > asked && minimum <= LONGEST_EXPIRES => {
                self.machine.record.min_expires = Some(minimum);
                self.repeat();
            }
            _ => {
                self.refused(Some(423), "the registrar finds the lifetime too brief and names no usable one")
            }
        }
    }

    pub(super) fn refused(&mut self, status: Option<u16>, cause: &str) {
        self.machine.failures = self.machine.failures.saturating_add(1);
        self.machine.refused = true;
        let wait = request::jittered(REFUSED_WAIT, &mut self.machine.tokens);
        self.wait_for(wait, status, cause);
    }

    fn proxy_failed(&mut self, failed: &Destination, status: Option<u16>, cause: &str) {
        let wait = self.backoff_of_failure();
        self.next_proxy(failed, wait, status, cause);
    }

    /// "503 … the client SHOULD attempt to forward the request to an alternate server … SHOULD NOT
    /// forward any other requests to that server for the duration specified in the Retry-After"
    /// (RFC 3261 §21.5.4).
    fn proxy_asks_to_wait(&mut self, failed: &Destination, wait: Duration, status: u16, cause: &str) {
        let wait = wait.max(self.backoff_of_failure());
        self.next_proxy(failed, wait, Some(status), cause);
    }

    fn next_proxy(&mut self, failed: &Destination, wait: Duration, status: Option<u16>, cause: &str) {
        self.note_tried(failed);
        self.wait_for(wait, status, cause);
        if same_proxy(failed, &self.machine.account.proxy) {
            self.then.push(RegistrationOutput::NextProxy { failed: failed.clone() });
        }
    }

    pub(super) fn unregister_ended(&mut self, outcome: Outcome) {
        let status = match &outcome {
            Outcome::Answered(answer) => answer.status(),
            Outcome::TimedOut | Outcome::Unreachable => None,
        };
        match (&outcome, status) {
            (Outcome::Answered(answer), Some(401 | 407)) if self.may_answer(answer) => {
                return self.unregister_again();
            }
            (_, Some(200..=299 | 404 | 410)) => {
                self.machine.record.registered_until = None;
                self.machine.record.service_route.clear();
                self.stop(status, "de-registered");
            }
            // The registration ends by itself; a restart before then asks again.
            (_, Some(_)) => self.stop(status, "the registrar refused the de-registration"),
            (_, None) => self.stop(status, "the registrar did not hear the de-registration"),
        }
        if self.machine.record.wanted {
            self.attempt();
        }
    }

    fn may_answer(&mut self, answer: &Message) -> bool {
        let machine = &mut *self.machine;
        self.answered_elsewhere || machine.digest.learn(answer, &mut machine.tokens).is_ok()
    }
}

/// An answer in words for people: its status, its reason, and what Warning adds.
pub(in crate::sip) fn words(status: u16, answer: &Message) -> String {
    let reason: String = answer.reason().chars().filter(|c| !c.is_control()).take(80).collect();
    let warning = answer.header(&HeaderName::Warning).map(|w| w.chars().take(120).collect::<String>());
    match warning {
        Some(warning) => format!("{status} {reason} ({warning})"),
        None => format!("{status} {reason}"),
    }
}
