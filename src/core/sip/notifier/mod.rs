//! A notifier of one package's state, for one address of record (RFC 6665 §4.2).
//!
//! ```text
//!  SUBSCRIBE (authenticated) ──► 200, then NOTIFY ──┐            ┌── 2xx: it knows
//!  state changed ──► NOTIFY to each subscriber ─────┼─► waiting ─┼── 481, 408, …: forgotten
//!  a contact registered ──► NOTIFY that it never ───┘            └── meanwhile changed: once more
//!                           asked for
//! ```
//!
//! Two kinds of ends are told. A **subscriber** asked, has a dialog and a lifetime. A **contact** of the
//! address of record is told unasked, outside of any dialog, as SIP telephones of the market expect of
//! message-summary; it has no lifetime and is told once for each registration and change. An end that is both is told
//! as a subscriber.
//!
//! One NOTIFY an end at a time; what changes meanwhile goes together in the next one. It fails in one way:
//! an end that refuses or stays silent is forgotten, a subscriber for good, a contact until it registers
//! anew. "If the NOTIFY request fails … the notifier MUST remove the subscription" (§4.2.2).
//!
//! Subscriptions are on disk ([`Notifier::record`]), with the number of the last NOTIFY in each; NOTIFYs
//! under way are not: after a restart each subscriber is told once more.
//!
//! Out of scope: pending subscriptions and changes of authorisation, since the one who may subscribe is the
//! user alone; filters; GRUU as a subscriber's Contact, which is used as it is.

mod end;
mod subscribe;
#[cfg(test)]
mod tests;

use std::convert::Infallible;

use serde::{Deserialize, Serialize};

use super::{Destination, Peer};
use crate::id::{OwnerId, Tokens};
use crate::machine::{Machine, Ready};
use crate::sip::transaction::{ClientInput, ClientKey};
use crate::sip::wire::Message;
use crate::timer::Moment;

use end::End;
pub use end::Subscribed;

/// What is told.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// `Event`.
    pub event: &'static str,
    /// Type of its bodies.
    pub content_type: &'static str,
    /// What a subscriber is told while nothing is known.
    pub unknown: &'static str,
    /// Most subscribers at once.
    pub most: usize,
    /// Writes the body for one subscriber, where not all are told the same; none: the state is the body.
    pub write: Option<fn(&Edition<'_>) -> String>,
}

/// What a body is written from.
#[derive(Debug, Clone, Copy)]
pub struct Edition<'a> {
    /// How many the subscriber was sent in its subscription before this one.
    pub version: u32,
    /// The state that it knows; none: it has to be told all.
    pub before: Option<&'a str>,
    /// The state now.
    pub now: &'a str,
}

/// How this switch names itself on the way to an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalName {
    /// URI for Contact.
    pub contact: String,
    /// `host:port` for Via.
    pub sent_by: String,
}

/// A registered contact of the address of record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Contact URI.
    pub contact: String,
    /// The way there.
    pub destination: Destination,
    /// Call-ID of its registration: a telephone that was started anew has a new one.
    pub registration: String,
    /// Our name there.
    pub local: LocalName,
}

/// An authenticated SUBSCRIBE, and what must be known to answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// The request.
    pub request: Box<Message>,
    /// Where it came from.
    pub peer: Peer,
    /// Our name there.
    pub local: LocalName,
    /// Fresh tag for To of the answer.
    pub to_tag: String,
    /// Who has proved to be the sender.
    pub who: String,
}

/// What happens to a notifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotifierInput {
    /// First start, restart or takeover: subscribers are told again.
    Started,
    /// An authenticated SUBSCRIBE for this address of record.
    Subscribe(Subscribe),
    /// The state is this body now.
    State(String),
    /// All contacts that are registered.
    Places(Vec<Place>),
    /// These may still know; the subscriptions of all others end.
    Only(Vec<String>),
    /// There is nothing left to tell of: all subscriptions end, with this as the last word.
    Gone,
    /// A response whose branch names our owner.
    Received(Message),
    /// A NOTIFY of ours could not leave.
    TransportFailed(Message),
    /// The moment of [`Machine::deadline`] has come.
    Deadline,
}

/// What a notifier orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotifierOutput {
    /// Answer the SUBSCRIBE.
    Reply(Message),
    /// Send it, complete with Via.
    Send {
        /// The NOTIFY, or a repetition of it.
        request: Message,
        /// Where to.
        to: Destination,
    },
}

/// Why a notifier does not take an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifierRefusal {
    /// Late, or a stranger's.
    #[error("no NOTIFY of ours is under way that this answers")]
    NotOurs,
}

/// A notifier. See the module.
#[derive(Debug)]
pub struct Notifier {
    package: Package,
    /// Stands in our branches and tags.
    owner: OwnerId,
    /// Address of record, as a URI.
    aor: String,
    user_agent: String,
    /// What the ends should know; none: nothing is known, and nobody is told unasked.
    state: Option<String>,
    ends: Vec<End>,
    tokens: Tokens,
}

impl Notifier {
    /// With the subscribers of the record. `state` is what they should know.
    pub fn new(
        package: Package,
        (owner, aor, user_agent): (OwnerId, String, String),
        (state, record): (Option<String>, Vec<Subscribed>),
        tokens: Tokens,
    ) -> Self {
        let ends = record.into_iter().take(package.most).map(End::subscriber).collect();
        Self { package, owner, aor, user_agent, state, ends, tokens }
    }

    /// The subscriptions, for the disk.
    pub fn record(&self) -> Vec<Subscribed> {
        self.ends.iter().filter_map(|end| end.subscribed()).cloned().collect()
    }

    /// Whether nobody is told anything any more.
    pub fn is_idle(&self) -> bool {
        self.ends.is_empty()
    }

    fn state_is(&mut self, state: String, now: Moment) -> Vec<NotifierOutput> {
        if self.state.as_ref() == Some(&state) {
            return Vec::new();
        }
        self.state = Some(state);
        self.tell_all(now)
    }

    fn tell_all(&mut self, now: Moment) -> Vec<NotifierOutput> {
        let mut then = Vec::new();
        for at in 0..self.ends.len() {
            if self.wants(at) {
                then.extend(self.tell(at, now));
            }
        }
        then
    }

    /// Whether an end is to be told when the state changes.
    fn wants(&self, at: usize) -> bool {
        let end = &self.ends[at];
        match end.place() {
            None => true,
            Some(place) => {
                let subscribed = self.ends.iter().any(|other| other.is_subscriber_at(&place.contact));
                !end.refused && !subscribed && self.state.is_some()
            }
        }
    }

    /// Begins a NOTIFY, or remembers that one is owed.
    fn tell(&mut self, at: usize, now: Moment) -> Vec<NotifierOutput> {
        let state = self.state.clone().unwrap_or_else(|| self.package.unknown.to_owned());
        let words = end::Words {
            package: self.package,
            owner: self.owner,
            aor: &self.aor,
            user_agent: &self.user_agent,
            state: &state,
        };
        self.ends[at].tell(&words, &mut self.tokens, now)
    }

    /// Contacts come, go and register anew; where a subscriber is registered, it is reached that way.
    fn places(&mut self, places: Vec<Place>, now: Moment) -> Vec<NotifierOutput> {
        self.ends
            .retain(|end| end.place().is_none_or(|kept| places.iter().any(|p| p.contact == kept.contact)));
        let mut then = Vec::new();
        for place in places {
            self.ends.iter_mut().for_each(|end| end.reach_by(&place));
            let known =
                self.ends.iter().position(|end| end.place().is_some_and(|p| p.contact == place.contact));
            let at = known.unwrap_or(self.ends.len());
            match known {
                Some(at) if !self.ends[at].registers_anew(&place) => continue,
                Some(at) => self.ends[at] = End::contact(place),
                None => self.ends.push(End::contact(place)),
            }
            if self.wants(at) {
                then.extend(self.tell(at, now));
            }
        }
        then
    }

    /// Ends the subscriptions of those who are not `kept`, for `reason`.
    fn end_subscriptions(
        &mut self,
        kept: impl Fn(&Subscribed) -> bool,
        reason: &'static str,
        now: Moment,
    ) -> Vec<NotifierOutput> {
        let mut then = Vec::new();
        for at in 0..self.ends.len() {
            let over = self.ends[at].subscribed().is_some_and(|subscribed| !kept(subscribed));
            if over && self.ends[at].end(reason, now) {
                then.extend(self.tell(at, now));
            }
        }
        then
    }

    fn drive(&mut self, at: usize, input: ClientInput, now: Moment) -> Vec<NotifierOutput> {
        let (mut then, progress) = self.ends[at].drive(input, now);
        match progress {
            end::Progress::GoesOn => {}
            end::Progress::Told { again: true } => then.extend(self.tell(at, now)),
            end::Progress::Told { again: false } => self.ends.retain(|end| !end.is_over()),
            end::Progress::Failed => match self.ends[at].place() {
                Some(_) => self.ends[at].refused = true,
                None => _ = self.ends.remove(at),
            },
        }
        then
    }

    fn answered(
        &mut self,
        message: Message,
        failed: bool,
        now: Moment,
    ) -> Result<Vec<NotifierOutput>, NotifierRefusal> {
        let key = ClientKey::of(&message).ok_or(NotifierRefusal::NotOurs)?;
        let at = self.ends.iter().position(|end| end.awaits(&key)).ok_or(NotifierRefusal::NotOurs)?;
        let input = if failed { ClientInput::TransportFailed } else { ClientInput::Response(message) };
        Ok(self.drive(at, input, now))
    }

    fn deadline_came(&mut self, now: Moment) -> Vec<NotifierOutput> {
        let mut then = Vec::new();
        let due =
            |ends: &[End]| ends.iter().position(|end| end.transaction_deadline().is_some_and(|at| at <= now));
        // Each has moved its deadline or is gone after its turn.
        while let Some(at) = due(&self.ends) {
            then.extend(self.drive(at, ClientInput::Deadline, now));
        }
        for at in 0..self.ends.len() {
            if self.ends[at].runs_out(now) {
                then.extend(self.tell(at, now));
            }
        }
        then
    }
}

impl Machine for Notifier {
    type Input = NotifierInput;
    /// Its owner keeps [`Notifier::record`].
    type Save = Infallible;
    type Output = NotifierOutput;
    type Refusal = NotifierRefusal;

    fn handle(
        &mut self,
        input: NotifierInput,
        now: Moment,
    ) -> Result<Ready<Infallible, NotifierOutput>, NotifierRefusal> {
        Ok(Ready::say(match input {
            NotifierInput::Started => self.tell_all(now),
            NotifierInput::Subscribe(Subscribe { request, peer, local, to_tag, who }) => {
                self.subscribe(&request, &peer, (local, who), &to_tag, now)
            }
            NotifierInput::State(state) => self.state_is(state, now),
            NotifierInput::Places(places) => self.places(places, now),
            // "rejected: … terminated due to a change in authorization policy" (RFC 6665 §4.1.3).
            NotifierInput::Only(names) => {
                self.end_subscriptions(|known| names.contains(&known.who), "rejected", now)
            }
            // "noresource: … the resource state that was being monitored no longer exists".
            NotifierInput::Gone => self.end_subscriptions(|_| false, "noresource", now),
            NotifierInput::Received(response) => self.answered(response, false, now)?,
            NotifierInput::TransportFailed(request) => self.answered(request, true, now)?,
            NotifierInput::Deadline => self.deadline_came(now),
        }))
    }

    fn deadline(&self) -> Option<Moment> {
        self.ends.iter().filter_map(End::deadline).min()
    }
}
