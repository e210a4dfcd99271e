//! A subscription to an event at a notifier (RFC 6665 §4.1), of any package: message-summary, presence, ….
//!
//! ```text
//!            Wanted(true)            2xx                refresh due
//!   Idle ───────────────► Awaiting ───────► Active ────────────────┐
//!    ▲                    Answer  ◄────────────────────────────────┘
//!    │                      │ ▲                │ NOTIFY terminated
//!    │       no, not now    │ │ deadline       │
//!    │        ┌─────────────┘ │                │
//!    │        ▼               │                │
//!    │     Waiting ───────────┘ ◄──────────────┘
//!    │
//!    └───── 2xx or silence ── Ending ◄── Wanted(false)
//! ```
//!
//! The happy path: SUBSCRIBE, 401, SUBSCRIBE with credentials, 200, NOTIFY, a refresh before the end, and
//! so on. Every NOTIFY is handed out as it came ([`SubscriptionOutput::Notified`]); so is a 2xx with a
//! body, which is how a Lync front end brings the first notification ("piggyback"). BENOTIFY is taken like
//! NOTIFY and never answered.
//!
//! It fails in three ways. **Not offered** (489, 405, 403, …; a NOTIFY that ends it as `rejected` or
//! `noresource`): a wait of an hour. **Not now** (`probation`, `giveup`): the wait that is asked for.
//! **Silence** (timeout, transport, 5xx): a growing wait, while the subscription "is still considered valid
//! for the duration of the most recently known Expires value" (§4.1.2.2). 481 to a refresh: a new
//! subscription at once.
//!
//! A lifetime of zero asks once (§4.4.3, polling): after the first NOTIFY it is over.
//!
//! Nothing of it is on disk. After `kill -9` a new subscription is made, and the notifications of the old
//! one are answered with 481, which ends it at the notifier (§4.2.2).
//!
//! Out of scope: several subscriptions from one SUBSCRIBE that was forked. The first dialog is kept, "481"
//! goes to the others (§4.1.4 permits it). Timer N: a notifier that accepts and never notifies is believed.

mod notify;
mod request;
mod step;

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;

use crate::id::{OwnerId, Tokens};
use crate::machine::{Machine, Ready};
use crate::sip::Destination;
use crate::sip::dialog::Dialog;
use crate::sip::digest::{Credentials, DigestClient};
use crate::sip::transaction::{ClientKey, ClientTransaction};
use crate::sip::wire::{HeaderName, Message, Text};
use crate::timer::Moment;

pub use notify::Standing;
use step::Step;

/// Who subscribes, where.
#[derive(Debug, Clone)]
pub struct Subscriber {
    /// Stands in our branches and in the tag of From, so that answers and notifications find us.
    pub owner: OwnerId,
    /// Address-of-record for From, as a URI.
    pub aor: String,
    /// Whose state is asked for: Request-URI and To.
    pub target: String,
    /// URI under which we are reached.
    pub contact: String,
    /// Parameters of Contact behind the URI, or "".
    pub contact_params: String,
    /// `host:port` for Via, of the socket that will be used.
    pub sent_by: String,
    /// Name and password.
    pub credentials: Credentials,
    /// `User-Agent`.
    pub user_agent: String,
    /// Route set of a request outside of a dialog (Service-Route), in order.
    pub route: Vec<String>,
    /// The proxy that requests outside of a dialog go to.
    pub proxy: Destination,
}

/// What is subscribed to.
#[derive(Debug, Clone)]
pub struct Package {
    /// `Event`, with its parameters if any.
    pub event: String,
    /// `Accept`, most wanted first.
    pub accept: Vec<String>,
    /// Lifetime to ask for; zero asks once.
    pub expires: Duration,
    /// More headers of each SUBSCRIBE (`Supported: ms-benotify`, …).
    pub headers: Vec<(HeaderName, Text)>,
    /// Type and body of each SUBSCRIBE that does not end it.
    pub body: Option<(String, Bytes)>,
}

/// What happens to a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriptionInput {
    /// Whether it shall stand. It begins with no.
    Wanted(bool),
    /// A response whose branch names our owner.
    Received(Message),
    /// A 401 or 407 that somebody else has the answer to (Lync's security associations): the request is
    /// made again, for its driver to put the credentials in.
    Challenged(Message),
    /// A NOTIFY or BENOTIFY, in or out of its dialog.
    Notified(Message),
    /// Refresh now, if it stands.
    Refresh,
    /// The request under way could not leave the node.
    TransportFailed,
    /// The moment of [`Machine::deadline`] has come.
    Deadline,
    /// New name or password: ends a wait.
    CredentialsChanged(Credentials),
    /// New subscriptions go this way from now on: next hop and route set. A subscription that stands
    /// begins anew when the next hop is another machine, since the old one may have forgotten it.
    WayChanged(Destination, Vec<String>),
}

/// What a subscription orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriptionOutput {
    /// Send it, complete with Via.
    Send {
        /// The SUBSCRIBE, or a repetition of it.
        request: Message,
        /// Where to.
        to: Destination,
    },
    /// Send this answer to where the notification came from.
    Answer(Message),
    /// News: the notification, or the 2xx that carries one. Its body is for the package to read.
    Notified(Message),
    /// It stands differently now.
    Changed(SubscriptionStatus),
}

/// How a subscription stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionStatus {
    /// How.
    pub standing: Standing,
    /// Status of the answer that led here, if one did.
    pub status: Option<u16>,
    /// Why, in words for people.
    pub cause: String,
}

/// Why an input is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionRefusal {
    /// No SUBSCRIBE is under way that this answers.
    #[error("a response that answers nothing of ours ({status:?})")]
    Unexpected {
        /// Its status, none for a request.
        status: Option<u16>,
    },
    /// Neither NOTIFY nor BENOTIFY.
    #[error("no notification")]
    NoNotification,
}

/// A subscription. See the module.
#[derive(Debug)]
pub struct Subscription {
    subscriber: Subscriber,
    package: Package,
    digest: DigestClient,
    tokens: Tokens,
    state: State,
    wanted: bool,
    /// The first request of the present attempt, until its dialog stands.
    first: Option<request::First>,
    /// Kept after the end until the next attempt, so that the last NOTIFY is answered.
    dialog: Option<Dialog>,
    /// Where requests in the dialog went or came from last.
    last_hop: Destination,
    /// Till when the notifier keeps it, by its last word.
    until: Option<Moment>,
    /// The notifier wants a longer lifetime than the package (423).
    min_expires: Option<Duration>,
    /// Attempts that failed since the last refresh that did not.
    failures: u32,
    /// Repetitions of the present attempt.
    repeats: u8,
}

#[derive(Debug)]
enum State {
    Idle,
    AwaitingAnswer(Exchange),
    /// Guarded by the refresh, and by the end.
    Active {
        refresh_at: Moment,
    },
    /// Guarded by its end.
    Waiting {
        until: Moment,
    },
    Ending(Exchange),
}

/// One SUBSCRIBE under way.
#[derive(Debug)]
struct Exchange {
    transaction: ClientTransaction,
    to: Destination,
    asked: Duration,
    in_dialog: bool,
    /// A NOTIFY has ended the subscription meanwhile.
    ended_by: Option<notify::Said>,
}

impl Subscription {
    /// Not wanted yet: give it [`SubscriptionInput::Wanted`].
    pub fn new(subscriber: Subscriber, package: Package, tokens: Tokens) -> Self {
        Self {
            digest: DigestClient::new(subscriber.credentials.clone()),
            last_hop: subscriber.proxy.clone(),
            subscriber,
            package,
            tokens,
            state: State::Idle,
            wanted: false,
            first: None,
            dialog: None,
            until: None,
            min_expires: None,
            failures: 0,
            repeats: 0,
        }
    }

    /// Till when the notifier keeps it, by its last word.
    pub fn active_until(&self) -> Option<Moment> {
        self.until
    }

    /// Whether nothing is under way and nothing is wanted: the owner may drop it.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle) && !self.wanted
    }

    /// Whether `response` answers the request under way.
    pub fn awaits(&self, response: &Message) -> bool {
        let exchange = match &self.state {
            State::AwaitingAnswer(exchange) | State::Ending(exchange) => exchange,
            _ => return false,
        };
        response.status().is_some() && ClientKey::of(response).as_ref() == Some(exchange.transaction.key())
    }

    /// Whether a notification belongs to it: to its dialog, or to the one that is being made.
    pub fn owns(&self, notification: &Message) -> bool {
        let of_dialog = self.dialog.as_ref().is_some_and(|dialog| dialog.owns(notification));
        of_dialog
            || (self.dialog.is_none() && self.first.as_ref().is_some_and(|first| first.owns(notification)))
    }
}

impl Machine for Subscription {
    type Input = SubscriptionInput;
    type Save = Infallible;
    type Output = SubscriptionOutput;
    type Refusal = SubscriptionRefusal;

    fn handle(&mut self, input: SubscriptionInput, now: Moment) -> Result<Effects, SubscriptionRefusal> {
        let mut step = Step::new(self, now);
        match input {
            SubscriptionInput::Wanted(wanted) => step.wanted(wanted),
            SubscriptionInput::Received(response) => step.received(response)?,
            SubscriptionInput::Challenged(response) => step.challenged_elsewhere(response)?,
            SubscriptionInput::Notified(request) => step.notified(request)?,
            SubscriptionInput::Refresh => step.refresh(),
            SubscriptionInput::TransportFailed => step.transport_failed(),
            SubscriptionInput::Deadline => step.deadline(),
            SubscriptionInput::CredentialsChanged(credentials) => step.credentials_changed(credentials),
            SubscriptionInput::WayChanged(proxy, route) => step.way_changed(proxy, route),
        }
        Ok(Ready::say(step.then))
    }

    fn deadline(&self) -> Option<Moment> {
        let own = match &self.state {
            State::Idle => None,
            State::AwaitingAnswer(exchange) | State::Ending(exchange) => exchange.transaction.deadline(),
            State::Active { refresh_at } => Some(*refresh_at),
            State::Waiting { until } => Some(*until),
        };
        own.into_iter().chain(self.until).min()
    }
}

type Effects = Ready<Infallible, SubscriptionOutput>;

#[cfg(test)]
mod tests;
