//! The registration of one user at a registrar in the north (RFC 3261 §10.2).
//!
//! ```text
//!            Wanted(true)            200                refresh due
//!   Idle ───────────────► Awaiting ───────► Registered ────────────┐
//!    ▲                    Answer ◄──────────────────────────────────┘
//!    │                      │ ▲ │ 401, 407      ┌────────────┐
//!    │                      │ │ └─────────────► Awaiting     │ 200: Registered
//!    │       no, not now    │ │                Authenticated │
//!    │        ┌─────────────┘ │ deadline       └──────┬──────┘
//!    │        ▼               │                       │
//!    │     Waiting ───────────┘ ◄─────────────────────┘
//!    │
//!    └ Stopped ◄── 200 or silence ── Unregistering ◄── Wanted(false)
//! ```
//!
//! The happy path: REGISTER, 401, REGISTER with credentials, 200, a refresh before the end, and so on.
//! It fails in three ways. **Refused** (403, 404, wrong password): a long wait, since asking again
//! changes nothing, with the cause for people to read; new credentials end the wait. **Not now**
//! (503): the wait the registrar asks for, and a word to try the next proxy. **Silence** (timeout,
//! transport, 5xx): the next proxy, and a growing wait. While it fails, the old registration may still
//! live at the registrar; [`Registration::registered_until`] says how long.
//!
//! Never more than one REGISTER is under way: "UAs MUST NOT send a new registration … until they have
//! received a final response from the registrar for the previous one or the previous REGISTER request
//! has timed out" (§10.2). What is wanted meanwhile is noted and done after.
//!
//! The record is saved before each REGISTER leaves. After `kill -9` the same Call-ID goes on with a
//! higher CSeq, at once but spread over five seconds, since our connections died with us.

mod answer;
mod record;
mod request;
mod step;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::id::Tokens;
use crate::machine::{Machine, Ready};
use crate::sip::Destination;
use crate::sip::digest::{Credentials, DigestClient};
use crate::sip::transaction::{ClientKey, ClientTransaction};
use crate::sip::wire::{Message, Uri};
use crate::timer::Moment;

pub(in crate::sip) use answer::words;
pub use record::{Account, RegistrationRecord};
pub(in crate::sip) use request::{backoff, jittered, min_expires, refresh_after, retry_after};
use step::Step;

/// What happens to a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationInput {
    /// First start, restart or takeover.
    Started,
    /// Whether the user shall be registered.
    Wanted(bool),
    /// A response whose branch names our owner.
    Received(Message),
    /// A 401 or 407 to the request under way that somebody else has the answer to (Lync's security
    /// associations): the request is sent again, for its driver to put the credentials in.
    Challenged(Message),
    /// Refresh now, if registered.
    Refresh,
    /// The request under way could not leave the node, or the connection to the proxy is gone. A
    /// registrar that calls us over our own connection cannot reach us then, so a registration that
    /// stands is refreshed soon.
    TransportFailed,
    /// The moment of [`Machine::deadline`] has come.
    Deadline,
    /// New name or password: ends a wait.
    CredentialsChanged(Credentials),
    /// Use this proxy from now on.
    ProxyChanged(Destination),
    /// Use this proxy, which serves again: ends a wait too, unless the registrar has refused the user.
    ProxyBack(Destination),
}

/// Write this record in place of the old one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveRegistration(pub RegistrationRecord);

/// What a registration orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationOutput {
    /// Send it, complete with Via.
    Send {
        /// The REGISTER, or a repetition of it.
        request: Message,
        /// Where to.
        to: Destination,
    },
    /// It stands differently now: for whoever shows or uses it.
    Changed(RegistrationStatus),
    /// This proxy does not serve: choose another, and say so by [`RegistrationInput::ProxyChanged`].
    /// The first eight are tried without a wait.
    NextProxy {
        /// The one that failed.
        failed: Destination,
    },
    /// The registrar points elsewhere (301, 302, 305): resolve, then [`RegistrationInput::ProxyChanged`].
    Redirected {
        /// Where to, in the order of preference.
        targets: Vec<Uri>,
    },
}

/// How a registration stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationStatus {
    /// Till when the registrar holds us; none when it does not.
    pub registered_until: Option<Moment>,
    /// Status of the answer that led here, if one did.
    pub status: Option<u16>,
    /// Why, in words for people.
    pub cause: String,
}

/// Why an input is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationRefusal {
    /// No REGISTER is under way that this answers: a late repetition, or a stranger's.
    #[error("a response that answers nothing of ours ({status:?}) in state {state}")]
    Unexpected {
        /// Its status, none for a request.
        status: Option<u16>,
        /// What we wait for.
        state: StateName,
    },
}

/// The states, for people and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum StateName {
    Idle,
    AwaitingAnswer,
    AwaitingAuthenticated,
    Registered,
    Waiting,
    Unregistering,
    Stopped,
}

impl StateName {
    /// Whether a REGISTER is out.
    pub const fn awaits_answer(self) -> bool {
        matches!(self, Self::AwaitingAnswer | Self::AwaitingAuthenticated | Self::Unregistering)
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The registration of one user.
#[derive(Debug)]
pub struct Registration {
    account: Account,
    record: RegistrationRecord,
    digest: DigestClient,
    tokens: Tokens,
    state: State,
    /// Attempts that failed since the last success.
    failures: u32,
    /// Proxies that failed since the last wait, at most [`step::MOST_TRIED`].
    tried: Vec<SocketAddr>,
    /// Repetitions of the present attempt, with credentials or another lifetime.
    repeats: u8,
    /// The connection was lost soon after the last 200.
    hung_up: bool,
    /// The wait is for a refusal, which asking again will not change.
    refused: bool,
}

#[derive(Debug)]
enum State {
    Idle,
    AwaitingAnswer(Exchange),
    AwaitingAuthenticated(Exchange),
    /// Guarded by the refresh.
    Registered {
        /// When the last 200 came.
        since: Moment,
        refresh_at: Moment,
    },
    /// Guarded by its end.
    Waiting {
        until: Moment,
    },
    Unregistering(Exchange),
    Stopped,
}

/// One REGISTER under way.
#[derive(Debug)]
struct Exchange {
    transaction: ClientTransaction,
    to: Destination,
    asked: Duration,
}

impl Registration {
    /// With the record, or [`RegistrationRecord::new`]. Give it [`RegistrationInput::Started`] next.
    pub fn new(account: Account, record: RegistrationRecord, tokens: Tokens) -> Self {
        let digest = DigestClient::new(account.credentials.clone());
        Self {
            account,
            record,
            digest,
            tokens,
            state: State::Idle,
            failures: 0,
            tried: Vec::new(),
            repeats: 0,
            hung_up: false,
            refused: false,
        }
    }

    /// What it waits for.
    pub fn state(&self) -> StateName {
        match self.state {
            State::Idle => StateName::Idle,
            State::AwaitingAnswer(_) => StateName::AwaitingAnswer,
            State::AwaitingAuthenticated(_) => StateName::AwaitingAuthenticated,
            State::Registered { .. } => StateName::Registered,
            State::Waiting { .. } => StateName::Waiting,
            State::Unregistering(_) => StateName::Unregistering,
            State::Stopped => StateName::Stopped,
        }
    }

    /// Till when the registrar holds us, by its last word.
    pub fn registered_until(&self) -> Option<Moment> {
        self.record.registered_until
    }

    /// Whether this is the proxy in use; by which connection does not matter.
    pub fn uses(&self, proxy: &Destination) -> bool {
        step::same_proxy(&self.account.proxy, proxy)
    }

    /// Whether `response` answers the request under way.
    pub fn awaits(&self, response: &Message) -> bool {
        let exchange = match &self.state {
            State::AwaitingAnswer(exchange)
            | State::AwaitingAuthenticated(exchange)
            | State::Unregistering(exchange) => exchange,
            _ => return false,
        };
        response.status().is_some() && ClientKey::of(response).as_ref() == Some(exchange.transaction.key())
    }

    /// Where requests of this user go first (RFC 3608), while registered.
    pub fn service_route(&self) -> &[String] {
        &self.record.service_route
    }
}

impl Machine for Registration {
    type Input = RegistrationInput;
    type Save = SaveRegistration;
    type Output = RegistrationOutput;
    type Refusal = RegistrationRefusal;

    fn handle(&mut self, input: RegistrationInput, now: Moment) -> Result<Effects, RegistrationRefusal> {
        let mut step = Step::new(self, now);
        match input {
            RegistrationInput::Started => step.started(),
            RegistrationInput::Wanted(wanted) => step.wanted(wanted),
            RegistrationInput::Received(response) => step.received(response)?,
            RegistrationInput::Challenged(response) => step.challenged_elsewhere(response)?,
            RegistrationInput::Refresh => step.refresh(),
            RegistrationInput::TransportFailed => step.transport_failed(),
            RegistrationInput::Deadline => step.deadline(),
            RegistrationInput::CredentialsChanged(credentials) => step.credentials_changed(credentials),
            RegistrationInput::ProxyChanged(proxy) => step.proxy_changed(proxy),
            RegistrationInput::ProxyBack(proxy) => step.proxy_back(proxy),
        }
        Ok(step.finish())
    }

    fn deadline(&self) -> Option<Moment> {
        let own = match &self.state {
            State::Idle | State::Stopped => None,
            State::AwaitingAnswer(exchange)
            | State::AwaitingAuthenticated(exchange)
            | State::Unregistering(exchange) => exchange.transaction.deadline(),
            State::Registered { refresh_at, .. } => Some(*refresh_at),
            State::Waiting { until } => Some(*until),
        };
        own.into_iter().chain(self.record.registered_until).min()
    }
}

type Effects = Ready<SaveRegistration, RegistrationOutput>;

#[cfg(test)]
mod tests;
