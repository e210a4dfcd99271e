//! Message waiting for one user: what the north tells, and who is told of it in the south.
//!
//! ```text
//!  NOTIFY of the registrar, asked for or not ──┐                ┌──► NOTIFY to handsets that subscribed
//!  Lync's category in roaming-self ────────────┼─► the mailbox ─┼──► NOTIFY to all others, unasked
//!  REST ───────────────────────────────────────┘    (saved)     └──► native handsets, pages, REST
//! ```
//!
//! The last word counts, whoever said it. It is on disk before anybody is told, and so are the handsets'
//! subscriptions. What nobody ever told of is not told on: a switch without voice mail sends nothing.
//!
//! In the north the user subscribes at the registrar, in its own name (RFC 3842 §3.2), where the line wants
//! it. A registrar that does not offer it (489, …) is asked again in an hour; that keeps nothing from working.
//! Fails: a body without status line changes nothing and is answered 400.

use crate::id::{OwnerId, Tokens};
use crate::machine::{Machine, Ready};
use crate::sip::Destination;
use crate::sip::notifier::{Notifier, NotifierInput, NotifierOutput, Package, Subscribed};
use crate::sip::subscription::{
    self, Standing, Subscriber, Subscription, SubscriptionInput, SubscriptionOutput,
};
use crate::sip::wire::{HeaderName, Message};
use crate::timer::Moment;

use super::mailbox::{CONTENT_TYPE, EVENT, Mailbox};

/// Lifetime asked for at the registrar, in seconds (RFC 3842 §3.3: "SHOULD … one hour or more").
const LIFETIME: std::time::Duration = std::time::Duration::from_secs(3_600);

/// Most subscribers; a user has few telephones.
const MOST_SUBSCRIBERS: usize = 10;

/// What a handset is told that subscribes before anybody told anything: the status line alone "MUST" be there
/// (RFC 3842 §5.2).
const NOTHING: &str = "Messages-Waiting: no\r\n";

/// Who this is.
#[derive(Debug, Clone)]
pub struct MessageAccount {
    /// Stands in our branches and tags.
    pub owner: OwnerId,
    /// Address of record, as a URI.
    pub aor: String,
    /// `User-Agent`.
    pub user_agent: String,
}

/// What is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// What waits; none: nobody ever told.
    pub mailbox: Option<Mailbox>,
    /// Handsets that have subscribed.
    pub subscribers: Vec<Subscribed>,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageInput {
    /// First start, restart or takeover.
    Started,
    /// So much waits, says Lync or an administrator.
    Told(Mailbox),
    /// A NOTIFY from the north: in our subscription's dialog, or one that nobody asked for.
    Notified(Message),
    /// For the handsets' side.
    South(NotifierInput),
    /// The user's line is up and shall subscribe in this name; none: it is down, or shall not.
    Line(Option<Box<LineUp>>),
    /// A response whose branch names our owner.
    Received(Message),
    /// A request of ours could not leave.
    TransportFailed(Message),
    /// The moment of [`Machine::deadline`] has come.
    Deadline,
}

/// How a line subscribes.
#[derive(Debug, Clone)]
pub struct LineUp(pub Subscriber);

impl PartialEq for LineUp {
    /// Whether they go the same way, with the same password.
    fn eq(&self, other: &Self) -> bool {
        let way = |of: &Self| (of.0.proxy.clone(), of.0.route.clone());
        way(self) == way(other) && self.0.credentials == other.0.credentials
    }
}

impl Eq for LineUp {}

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageOutput {
    /// Answer the SUBSCRIBE.
    Reply(Message),
    /// Answer the notification from the north.
    Answer(Message),
    /// Send it.
    Send {
        /// The request, complete with Via.
        request: Message,
        /// Where to.
        to: Destination,
    },
    /// This is in the mailbox now.
    Changed(Mailbox),
    /// Why the registrar tells nothing, in words; none: it does, or was not asked.
    Trouble(Option<String>),
}

/// Write this in place of what was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveKept(pub Kept);

/// Why an input is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageRefusal {
    /// Late, or a stranger's.
    #[error("nothing of ours that this answers or belongs to")]
    NotOurs,
}

/// See the module.
#[derive(Debug)]
pub struct MessageWaiting {
    mailbox: Option<Mailbox>,
    south: Notifier,
    north: Option<Subscription>,
    /// The way that the line's subscription goes.
    way: Option<LineUp>,
    kept: Kept,
    tokens: Tokens,
}

type Effects = Ready<SaveKept, MessageOutput>;

impl MessageWaiting {
    /// From what is on disk.
    pub fn new(account: MessageAccount, kept: Kept, mut tokens: Tokens) -> Self {
        let package = Package {
            event: EVENT,
            content_type: CONTENT_TYPE,
            unknown: NOTHING,
            most: MOST_SUBSCRIBERS,
            write: None,
        };
        let who = (account.owner, account.aor, account.user_agent);
        let state = kept.mailbox.as_ref().map(Mailbox::body);
        let south = Notifier::new(package, who, (state, kept.subscribers.clone()), tokens.split());
        Self { mailbox: kept.mailbox.clone(), south, north: None, way: None, kept, tokens }
    }

    /// What waits; none: nobody ever told.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        self.mailbox.as_ref()
    }

    fn told(&mut self, mailbox: Mailbox, now: Moment) -> Vec<MessageOutput> {
        if self.mailbox.as_ref() == Some(&mailbox) {
            return Vec::new();
        }
        self.mailbox = Some(mailbox.clone());
        let body = mailbox.body();
        let mut then = vec![MessageOutput::Changed(mailbox)];
        then.extend(self.south(NotifierInput::State(body), now).unwrap_or_default());
        then
    }

    fn south(&mut self, input: NotifierInput, now: Moment) -> Result<Vec<MessageOutput>, MessageRefusal> {
        let ready = self.south.handle(input, now).map_err(|_| MessageRefusal::NotOurs)?;
        let outputs = ready.then.into_iter().map(|output| match output {
            NotifierOutput::Reply(answer) => MessageOutput::Reply(answer),
            NotifierOutput::Send { request, to } => MessageOutput::Send { request, to },
        });
        Ok(outputs.collect())
    }

    /// A NOTIFY in our dialog is the subscription's; any other stands for itself.
    fn notified(&mut self, request: Message, now: Moment) -> Vec<MessageOutput> {
        if self.north.as_ref().is_some_and(|north| north.owns(&request)) {
            return self.north(SubscriptionInput::Notified(request), now);
        }
        let refused = |status, phrase| {
            let answer = Message::response(&request, status, phrase, None);
            vec![MessageOutput::Answer(answer)]
        };
        if request.to_tag().is_some() {
            return refused(481, "Subscription Does Not Exist");
        }
        match Mailbox::parse(&request.body) {
            Err(_) => refused(400, "Messages-Waiting Is Missing"),
            Ok(mailbox) => {
                let tag = self.tokens.word();
                let answer = Message::response(&request, 200, "OK", Some(&tag));
                let mut then = vec![MessageOutput::Answer(answer)];
                then.extend(self.told(mailbox, now));
                then
            }
        }
    }

    fn north(&mut self, input: SubscriptionInput, now: Moment) -> Vec<MessageOutput> {
        let Some(north) = &mut self.north else { return Vec::new() };
        let Ok(ready) = north.handle(input, now) else { return Vec::new() };
        let mut then = Vec::new();
        for output in ready.then {
            match output {
                SubscriptionOutput::Send { request, to } => then.push(MessageOutput::Send { request, to }),
                SubscriptionOutput::Answer(answer) => then.push(MessageOutput::Answer(answer)),
                SubscriptionOutput::Notified(news) => {
                    if let Ok(mailbox) = Mailbox::parse(&news.body) {
                        then.extend(self.told(mailbox, now));
                    }
                }
                SubscriptionOutput::Changed(status) => {
                    // A registrar without voice mail is in no trouble.
                    let not_offered = matches!(status.status, Some(404 | 405 | 489 | 501));
                    let refused = status.standing == Standing::Refused && !not_offered;
                    let fails = refused || status.standing == Standing::Failing;
                    let words = || format!("message waiting is not told by the registrar: {}", status.cause);
                    then.push(MessageOutput::Trouble(fails.then(words)));
                }
            }
        }
        then
    }

    /// A new way is told to the subscription; a line that is down has none. What the registrar kept of it ends
    /// by itself.
    fn line(&mut self, line: Option<LineUp>, now: Moment) -> Vec<MessageOutput> {
        if line == self.way {
            return Vec::new();
        }
        let before = std::mem::replace(&mut self.way, line.clone());
        match (line, &self.north) {
            (None, _) => {
                self.north = None;
                Vec::new()
            }
            (Some(LineUp(subscriber)), Some(_)) => {
                let known = before.is_some_and(|LineUp(before)| before.credentials == subscriber.credentials);
                if !known {
                    let changed = SubscriptionInput::CredentialsChanged(subscriber.credentials);
                    return self.north(changed, now);
                }
                self.north(SubscriptionInput::WayChanged(subscriber.proxy, subscriber.route), now)
            }
            (Some(LineUp(subscriber)), None) => {
                let subscription = Subscription::new(subscriber, message_summary(), self.tokens.split());
                self.north = Some(subscription);
                self.north(SubscriptionInput::Wanted(true), now)
            }
        }
    }

    fn received(&mut self, answer: Message, now: Moment) -> Result<Vec<MessageOutput>, MessageRefusal> {
        match self.north.as_ref().is_some_and(|north| north.awaits(&answer)) {
            true => Ok(self.north(SubscriptionInput::Received(answer), now)),
            false => self.south(NotifierInput::Received(answer), now),
        }
    }

    fn transport_failed(
        &mut self,
        request: Message,
        now: Moment,
    ) -> Result<Vec<MessageOutput>, MessageRefusal> {
        match request.header(&HeaderName::SubscriptionState) {
            None => Ok(self.north(SubscriptionInput::TransportFailed, now)),
            Some(_) => self.south(NotifierInput::TransportFailed(request), now),
        }
    }

    fn deadline_came(&mut self, now: Moment) -> Vec<MessageOutput> {
        let mut then = self.south(NotifierInput::Deadline, now).unwrap_or_default();
        if self.north.as_ref().and_then(Machine::deadline).is_some_and(|at| at <= now) {
            then.extend(self.north(SubscriptionInput::Deadline, now));
        }
        then
    }

    /// What is not on disk yet.
    fn unsaved(&mut self) -> Vec<SaveKept> {
        let now = Kept { mailbox: self.mailbox.clone(), subscribers: self.south.record() };
        if now == self.kept {
            return Vec::new();
        }
        self.kept = now.clone();
        vec![SaveKept(now)]
    }
}

impl Machine for MessageWaiting {
    type Input = MessageInput;
    type Save = SaveKept;
    type Output = MessageOutput;
    type Refusal = MessageRefusal;

    fn handle(&mut self, input: MessageInput, now: Moment) -> Result<Effects, MessageRefusal> {
        let then = match input {
            MessageInput::Started => self.south(NotifierInput::Started, now)?,
            MessageInput::Told(mailbox) => self.told(mailbox, now),
            MessageInput::Notified(request) => self.notified(request, now),
            MessageInput::South(input) => self.south(input, now)?,
            MessageInput::Line(line) => self.line(line.map(|line| *line), now),
            MessageInput::Received(answer) => self.received(answer, now)?,
            MessageInput::TransportFailed(request) => self.transport_failed(request, now)?,
            MessageInput::Deadline => self.deadline_came(now),
        };
        Ok(Ready { save: self.unsaved(), then })
    }

    fn deadline(&self) -> Option<Moment> {
        let north = self.north.as_ref().and_then(Machine::deadline);
        self.south.deadline().into_iter().chain(north).min()
    }
}

fn message_summary() -> subscription::Package {
    subscription::Package {
        event: EVENT.to_owned(),
        accept: vec![CONTENT_TYPE.to_owned()],
        expires: LIFETIME,
        headers: Vec::new(),
        body: None,
    }
}

/// Whether a request is about a mailbox: its event package.
pub fn is_message_summary(request: &Message) -> bool {
    let event = request.header(&HeaderName::Event);
    event
        .and_then(|event| event.split(';').next())
        .is_some_and(|event| event.trim().eq_ignore_ascii_case(EVENT))
}

#[cfg(test)]
pub(in crate::call) mod tests;
