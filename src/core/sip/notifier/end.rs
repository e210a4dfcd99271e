//! One end that is told: a subscriber or a registered contact, and the NOTIFY that is on its way to it.

use serde::{Deserialize, Serialize};

use super::{Edition, LocalName, NotifierOutput, Package, Place};
use crate::id::{OwnerId, Tokens};
use crate::sip::Destination;
use crate::sip::dialog::Dialog;
use crate::sip::registrar::same_contact;
use crate::sip::transaction::{ClientInput, ClientKey, ClientOrder, ClientTransaction};
use crate::sip::wire::{HeaderName, Message, Method, Via};
use crate::timer::Moment;

/// A subscription, as it is saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// Its dialog.
    pub dialog: Dialog,
    /// `Event` as the subscriber wrote it, with its `id`.
    pub event: String,
    /// Until when; a moment that has passed ends it with the next NOTIFY.
    pub until: Moment,
    /// Our name towards it.
    pub local: LocalName,
    /// The way there.
    pub destination: Destination,
    /// Who has proved to be the subscriber; empty in records that do not say it.
    #[serde(default)]
    pub who: String,
    /// How many bodies were written for it, where each has a number.
    #[serde(default)]
    pub version: u32,
}

#[derive(Debug)]
enum Kind {
    Subscriber(Box<Subscribed>),
    Contact(Box<Place>),
}

/// What all NOTIFYs of a notifier share.
pub(super) struct Words<'a> {
    pub package: Package,
    pub owner: OwnerId,
    pub aor: &'a str,
    pub user_agent: &'a str,
    pub state: &'a str,
}

/// How a NOTIFY fares.
pub(super) enum Progress {
    GoesOn,
    /// It was taken; `again`: the state has changed meanwhile.
    Told {
        again: bool,
    },
    Failed,
}

/// See the module.
#[derive(Debug)]
pub(super) struct End {
    kind: Kind,
    under_way: Option<ClientTransaction>,
    /// The state has changed while a NOTIFY was under way.
    owed: bool,
    /// The NOTIFY under way was the last one.
    ending: bool,
    /// Why the subscription ends, when it is not for want of a refresh.
    reason: Option<&'static str>,
    /// The state in the NOTIFY under way, and the one that was taken last.
    telling: Option<String>,
    told: Option<String>,
    /// A contact that does not want to hear of it.
    pub refused: bool,
    /// The last SUBSCRIBE, by its number, and what was answered: for its repetitions.
    pub answered: Option<(u32, Message)>,
}

impl End {
    pub fn subscriber(subscribed: Subscribed) -> Self {
        Self::new(Kind::Subscriber(Box::new(subscribed)))
    }

    pub fn contact(place: Place) -> Self {
        Self::new(Kind::Contact(Box::new(place)))
    }

    fn new(kind: Kind) -> Self {
        let (telling, told, reason) = (None, None, None);
        let (owed, ending, refused) = (false, false, false);
        Self { kind, under_way: None, owed, ending, reason, telling, told, refused, answered: None }
    }

    pub fn subscribed(&self) -> Option<&Subscribed> {
        match &self.kind {
            Kind::Subscriber(subscribed) => Some(subscribed),
            Kind::Contact(_) => None,
        }
    }

    pub fn subscribed_mut(&mut self) -> Option<&mut Subscribed> {
        match &mut self.kind {
            Kind::Subscriber(subscribed) => Some(subscribed),
            Kind::Contact(_) => None,
        }
    }

    pub fn place(&self) -> Option<&Place> {
        match &self.kind {
            Kind::Subscriber(_) => None,
            Kind::Contact(place) => Some(place),
        }
    }

    pub fn is_subscriber_at(&self, contact: &str) -> bool {
        self.subscribed().is_some_and(|s| same_contact(&s.dialog.remote_target, contact))
    }

    /// A subscriber whose contact is registered is reached as calls reach it.
    pub fn reach_by(&mut self, place: &Place) {
        if let Some(subscribed) = self.subscribed_mut()
            && same_contact(&subscribed.dialog.remote_target, &place.contact)
        {
            subscribed.destination = place.destination.clone();
        }
    }

    /// Whether a known contact was started anew; if not, the way to it is noted.
    pub fn registers_anew(&mut self, now: &Place) -> bool {
        let Kind::Contact(known) = &mut self.kind else { return false };
        let anew = known.registration != now.registration;
        known.destination = now.destination.clone();
        anew
    }

    /// It is not told any more after one last word. Whether that is still to be said.
    pub fn end(&mut self, reason: &'static str, now: Moment) -> bool {
        let fresh = !self.ending && self.reason.is_none();
        if let Some(subscribed) = self.subscribed_mut().filter(|_| fresh) {
            subscribed.until = now;
            self.reason = Some(reason);
        }
        fresh
    }

    /// Whether it was ended, though its last word may still be on its way.
    pub fn was_ended(&self) -> bool {
        self.reason.is_some()
    }

    /// The next word is the whole state. "… the notifier MUST send a NOTIFY … full state" after a SUBSCRIBE
    /// (RFC 4575 §3.7).
    pub fn forget_told(&mut self) {
        (self.telling, self.told) = (None, None);
    }

    /// Whether its lifetime is over and it has not been told so.
    pub fn runs_out(&self, now: Moment) -> bool {
        !self.ending && !self.owed && self.subscribed().is_some_and(|subscribed| subscribed.until <= now)
    }

    /// Whether the last NOTIFY has been taken.
    pub fn is_over(&self) -> bool {
        self.ending && self.under_way.is_none()
    }

    pub fn awaits(&self, key: &ClientKey) -> bool {
        self.under_way.as_ref().is_some_and(|transaction| transaction.key() == key)
    }

    pub fn transaction_deadline(&self) -> Option<Moment> {
        self.under_way.as_ref().and_then(ClientTransaction::deadline)
    }

    pub fn deadline(&self) -> Option<Moment> {
        // What is owed is told when the NOTIFY under way is done, and sees then whether time is up.
        let waits = self.ending || self.owed;
        let until = self.subscribed().filter(|_| !waits).map(|subscribed| subscribed.until);
        until.into_iter().chain(self.transaction_deadline()).min()
    }

    pub fn tell(&mut self, words: &Words<'_>, tokens: &mut Tokens, now: Moment) -> Vec<NotifierOutput> {
        if self.under_way.is_some() {
            // After the last word nothing is owed, unless the subscription was refreshed meanwhile.
            self.owed = !self.ending || self.subscribed().is_some_and(|subscribed| subscribed.until > now);
            return Vec::new();
        }
        self.owed = false;
        let (mut request, local, to) = match &mut self.kind {
            Kind::Subscriber(subscribed) => {
                self.ending = subscribed.until <= now;
                let mut request = subscribed.dialog.request(Method::Notify);
                request.headers.push(HeaderName::Event, subscribed.event.as_str());
                let standing = standing(subscribed, self.reason, now);
                request.headers.push(HeaderName::SubscriptionState, standing);
                (request, subscribed.local.clone(), subscribed.destination.clone())
            }
            Kind::Contact(place) => {
                (unasked(place, words, tokens), place.local.clone(), place.destination.clone())
            }
        };
        let branch = format!("{}{}.{}", Via::COOKIE, words.owner, tokens.word());
        let via = format!("SIP/2.0/{} {};branch={branch};rport", to.transport.via_name(), local.sent_by);
        request.headers.push_front(HeaderName::Via, via);
        request.headers.push(HeaderName::Contact, format!("<{}>", local.contact));
        request.headers.push(HeaderName::UserAgent, words.user_agent);
        let body = self.body(words);
        if !body.is_empty() {
            request.set_body(words.package.content_type, body);
        }
        let (transaction, orders) = ClientTransaction::new(request, to.transport, now);
        self.under_way = Some(transaction);
        sent(orders, &to)
    }

    fn body(&mut self, words: &Words<'_>) -> String {
        let Some(write) = words.package.write else { return words.state.to_owned() };
        let before = self.told.take();
        let version = self.subscribed_mut().map_or(0, |subscribed| {
            let version = subscribed.version;
            subscribed.version = version.wrapping_add(1);
            version
        });
        let body = write(&Edition { version, before: before.as_deref(), now: words.state });
        (self.telling, self.told) = (Some(words.state.to_owned()), before);
        body
    }

    pub fn drive(&mut self, input: ClientInput, now: Moment) -> (Vec<NotifierOutput>, Progress) {
        let to = match &self.kind {
            Kind::Subscriber(subscribed) => subscribed.destination.clone(),
            Kind::Contact(place) => place.destination.clone(),
        };
        let Some(transaction) = &mut self.under_way else { return (Vec::new(), Progress::GoesOn) };
        let orders = transaction.handle(input, now);
        let outcome = orders.iter().find_map(|order| match order {
            ClientOrder::Deliver(answer) if answer.status().is_some_and(|status| status < 200) => None,
            ClientOrder::Deliver(answer) => Some(answer.status().is_some_and(|status| status < 300)),
            ClientOrder::TimedOut | ClientOrder::Unreachable => Some(false),
            ClientOrder::Send(_) | ClientOrder::Terminated => None,
        });
        let then = sent(orders, &to);
        let progress = match outcome {
            None => return (then, Progress::GoesOn),
            Some(true) => {
                self.told = self.telling.take();
                Progress::Told { again: std::mem::take(&mut self.owed) }
            }
            Some(false) => Progress::Failed,
        };
        (self.under_way, self.owed) = (None, false);
        (then, progress)
    }
}

fn sent(orders: Vec<ClientOrder>, to: &Destination) -> Vec<NotifierOutput> {
    let requests = orders.into_iter().filter_map(|order| match order {
        ClientOrder::Send(request) => Some(request),
        _ => None,
    });
    requests.map(|request| NotifierOutput::Send { request, to: to.clone() }).collect()
}

/// "If the value of the Subscription-State header field is "active" or "pending", the notifier MUST also
/// include … an "expires" parameter that indicates the time remaining on the subscription" (RFC 6665 §4.2.2);
/// "timeout: The subscription has been terminated because it was not refreshed before it expired" (§4.1.3).
fn standing(subscribed: &Subscribed, reason: Option<&'static str>, now: Moment) -> String {
    match subscribed.until.since(now).as_millis().div_ceil(1_000) {
        0 => format!("terminated;reason={}", reason.unwrap_or("timeout")),
        seconds => format!("active;expires={seconds}"),
    }
}

/// A NOTIFY outside of any dialog. No standard has it; it is what message-summary is sent as where nobody
/// subscribes. It ends no subscription, so it is not called terminated.
fn unasked(place: &Place, words: &Words<'_>, tokens: &mut Tokens) -> Message {
    let mut request = Message::request(Method::Notify, place.contact.as_str());
    let mut push = |name: HeaderName, value: String| request.headers.push(name, value);
    push(HeaderName::MaxForwards, "70".into());
    push(HeaderName::From, format!("<{}>;tag={}.{}", words.aor, words.owner, tokens.word()));
    push(HeaderName::To, format!("<{}>", words.aor));
    push(HeaderName::CallId, format!("{}{}", tokens.word(), tokens.word()));
    push(HeaderName::CSeq, "1 NOTIFY".into());
    push(HeaderName::Event, words.package.event.into());
    push(HeaderName::SubscriptionState, "active".into());
    request
}
