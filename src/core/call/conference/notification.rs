//! The conference notification service of a room (RFC 4575 §3.8): who subscribed to its roster, and what they
//! are told.
//!
//! ```text
//!  SUBSCRIBE of somebody inside ──► 200, NOTIFY with the whole roster ──┐
//!  the room has changed ──► NOTIFY with what is different ──────────────┼─► subscribers (on disk)
//!  somebody leaves, the room is over ──► the last NOTIFY ───────────────┘
//! ```
//!
//! Only who is inside may know who is: a subscriber that leaves is told no more (`rejected`). That somebody has
//! proved who it is, is the owner's business. A room that is over says so (`noresource`), and the service ends
//! when everybody has heard it or could not be reached.

use crate::id::{OwnerId, Tokens};
use crate::machine::{Machine, Ready};
use crate::sip::Destination;
use crate::sip::notifier::{
    Notifier, NotifierInput, NotifierOutput, NotifierRefusal, Package, Subscribe, Subscribed,
};
use crate::sip::wire::{HeaderName, Message};
use crate::timer::Moment;

use super::event::{CONTENT_TYPE, EVENT, state, write};
use super::{MOST_PARTIES, RoomView};

/// Most subscribers: everybody inside has one telephone more than he speaks with.
const MOST_SUBSCRIBERS: usize = 2 * MOST_PARTIES as usize;

/// In whose name rosters are told.
#[derive(Debug, Clone)]
pub struct ServiceName {
    /// Stands in our branches and tags.
    pub owner: OwnerId,
    /// The room's URI.
    pub entity: String,
    /// What follows `@` in URIs of its members, with the scheme before: `("sip", "house.example")`.
    pub domain: (String, String),
    /// `User-Agent`.
    pub user_agent: String,
}

/// What happens to the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceInput {
    /// First start, restart or takeover.
    Started,
    /// An authenticated SUBSCRIBE.
    Subscribe(Subscribe),
    /// The room is like this now.
    View(Box<RoomView>),
    /// The room is over.
    Over,
    /// A response whose branch names our owner.
    Received(Message),
    /// A request of ours could not leave.
    TransportFailed(Message),
    /// The moment of [`Machine::deadline`] has come.
    Deadline,
}

/// What the service orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceOutput {
    /// Answer the SUBSCRIBE.
    Reply(Message),
    /// Send it.
    Send {
        /// The NOTIFY, complete with Via.
        request: Message,
        /// Where to.
        to: Destination,
    },
    /// Everybody has heard that the room is over: nothing will come any more.
    Done,
}

/// Write these subscriptions in place of what was kept; none: forget the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveSubscribers(pub Vec<Subscribed>);

/// See the module.
#[derive(Debug)]
pub struct NotificationService {
    name: ServiceName,
    notifier: Notifier,
    /// Numbers of who is inside.
    inside: Vec<String>,
    kept: Vec<Subscribed>,
    over: bool,
}

impl NotificationService {
    /// With the subscribers of the record, for a room that looks so.
    pub fn new(name: ServiceName, view: &RoomView, record: Vec<Subscribed>, tokens: Tokens) -> Self {
        let package = Package {
            event: EVENT,
            content_type: CONTENT_TYPE,
            unknown: "",
            most: MOST_SUBSCRIBERS,
            write: Some(write),
        };
        let who = (name.owner, name.entity.clone(), name.user_agent.clone());
        let roster = Some(roster(&name, view));
        let notifier = Notifier::new(package, who, (roster, record.clone()), tokens);
        Self { notifier, inside: inside(view), kept: record, over: false, name }
    }

    fn view(&mut self, view: &RoomView, now: Moment) -> Result<Vec<NotifierOutput>, NotifierRefusal> {
        self.inside = inside(view);
        // Who has left does not hear who is left.
        let mut then = self.notify(NotifierInput::Only(self.inside.clone()), now)?;
        then.extend(self.notify(NotifierInput::State(roster(&self.name, view)), now)?);
        Ok(then)
    }

    fn notify(&mut self, input: NotifierInput, now: Moment) -> Result<Vec<NotifierOutput>, NotifierRefusal> {
        Ok(self.notifier.handle(input, now)?.then)
    }

    /// "403 … the subscriber is not authorized" (RFC 6665 §4.2.1.3): who is not inside.
    fn subscribe(&mut self, asked: Subscribe, now: Moment) -> Result<Vec<NotifierOutput>, NotifierRefusal> {
        let Subscribe { request, to_tag, who, .. } = &asked;
        let ends = request.header(&HeaderName::Expires).is_some_and(|seconds| seconds.trim() == "0");
        let refused = |status, phrase| {
            let answer = Message::response(request, status, phrase, Some(to_tag));
            Ok(vec![NotifierOutput::Reply(answer)])
        };
        match self.inside.contains(who) {
            _ if self.over => refused(404, "The Conference Is Over"),
            false if !ends => refused(403, "Not In The Conference"),
            _ => self.notify(NotifierInput::Subscribe(asked), now),
        }
    }
}

impl Machine for NotificationService {
    type Input = ServiceInput;
    type Save = SaveSubscribers;
    type Output = ServiceOutput;
    type Refusal = NotifierRefusal;

    fn handle(
        &mut self,
        input: ServiceInput,
        now: Moment,
    ) -> Result<Ready<SaveSubscribers, ServiceOutput>, NotifierRefusal> {
        let said = match input {
            ServiceInput::Started => self.notify(NotifierInput::Started, now)?,
            ServiceInput::Subscribe(asked) => self.subscribe(asked, now)?,
            ServiceInput::View(view) => self.view(&view, now)?,
            ServiceInput::Over => {
                self.over = true;
                self.notify(NotifierInput::Gone, now)?
            }
            ServiceInput::Received(answer) => self.notify(NotifierInput::Received(answer), now)?,
            ServiceInput::TransportFailed(request) => {
                self.notify(NotifierInput::TransportFailed(request), now)?
            }
            ServiceInput::Deadline => self.notify(NotifierInput::Deadline, now)?,
        };
        let mut then: Vec<_> = said.into_iter().map(ServiceOutput::from).collect();
        if self.over && self.notifier.is_idle() {
            then.push(ServiceOutput::Done);
        }
        // A room that is over has nothing to say after a restart.
        let record = if self.over { Vec::new() } else { self.notifier.record() };
        let changed = record != self.kept;
        self.kept.clone_from(&record);
        Ok(Ready { save: changed.then_some(SaveSubscribers(record)).into_iter().collect(), then })
    }

    fn deadline(&self) -> Option<Moment> {
        self.notifier.deadline()
    }
}

impl From<NotifierOutput> for ServiceOutput {
    fn from(output: NotifierOutput) -> Self {
        match output {
            NotifierOutput::Reply(answer) => Self::Reply(answer),
            NotifierOutput::Send { request, to } => Self::Send { request, to },
        }
    }
}

/// Whether a SUBSCRIBE asks for a conference.
pub fn is_conference(request: &Message) -> bool {
    let event = request.header(&HeaderName::Event);
    let event = event.and_then(|event| event.split(';').next());
    event.is_some_and(|event| event.trim().eq_ignore_ascii_case(EVENT))
}

fn inside(view: &RoomView) -> Vec<String> {
    view.members.iter().filter(|member| !member.waits).map(|member| member.number.clone()).collect()
}

fn roster(name: &ServiceName, view: &RoomView) -> String {
    let (scheme, host) = &name.domain;
    state(view, &name.entity, |number| format!("{scheme}:{number}@{host}"))
}

#[cfg(test)]
mod tests;
