//! One SERVICE request from its sending to its answer.

use crate::id::{OwnerId, Tokens};
use crate::lync::{conference, location_profile, mras, presence};
use crate::sip::Destination;
use crate::sip::transaction::{ClientInput, ClientKey, ClientOrder, ClientTransaction};
use crate::sip::wire::{HeaderName, Message, Method, Via};
use crate::timer::Moment;

use super::{ServicesAccount, ServicesOutput};

/// Most repetitions for a front end that has forgotten the keys.
const MOST_REPEATS: u8 = 2;

/// A SERVICE under way.
#[derive(Debug)]
pub struct Service {
    transaction: ClientTransaction,
    to: Destination,
    number: u32,
    owner: OwnerId,
    sent_by: String,
    repeats: u8,
}

/// What a SERVICE is for.
pub enum Content {
    /// It carries this document.
    Publication(String),
    /// It asks a conference factory for something, in C3P.
    Command(String),
    /// It asks for the location profile.
    WantsProfile,
    /// It asks for credentials of the media relay; this is its body.
    WantsRelay(String),
}

/// How far a SERVICE has come.
pub enum Progress {
    /// Send these; the rest will come.
    GoesOn(Vec<ServicesOutput>),
    /// The final answer.
    Answered(Box<Message>),
    /// None came.
    Failed,
}

impl Service {
    /// Makes the request to `uri` and sends it.
    pub fn begin(
        (account, uri, to): (&ServicesAccount, &str, Destination),
        what: Content,
        tokens: &mut Tokens,
        now: Moment,
    ) -> (Self, Vec<ServicesOutput>) {
        let ServicesAccount { owner, aor, sent_by, user_agent, .. } = account;
        let mut request = Message::request(Method::from("SERVICE"), uri);
        for (name, value) in [
            (HeaderName::MaxForwards, "70".to_owned()),
            (HeaderName::From, format!("<{aor}>;tag={owner}.{}", tokens.word())),
            (HeaderName::To, format!("<{uri}>")),
            (HeaderName::CallId, format!("{}{}", tokens.word(), tokens.word())),
            (HeaderName::CSeq, "0 SERVICE".to_owned()),
            // The line puts the GRUU here.
            (HeaderName::Contact, format!("<{aor}>")),
            (HeaderName::UserAgent, user_agent.clone()),
        ] {
            request.headers.push(name, value);
        }
        match what {
            Content::Publication(body) => request.set_body(presence::CONTENT_TYPE, body),
            Content::Command(body) => request.set_body(conference::c3p::CONTENT_TYPE, body),
            Content::WantsRelay(body) => request.set_body(mras::CONTENT_TYPE, body),
            Content::WantsProfile => request.headers.push(HeaderName::Accept, location_profile::CONTENT_TYPE),
        }
        let (transaction, _) = ClientTransaction::new(request, to.transport, now);
        let mut service =
            Self { transaction, to, number: 0, owner: *owner, sent_by: sent_by.clone(), repeats: 0 };
        let then = service.send(tokens, now);
        (service, then)
    }

    /// Whether `answer` is its answer.
    pub fn awaits(&self, answer: &Message) -> bool {
        answer.status().is_some() && ClientKey::of(answer).as_ref() == Some(self.transaction.key())
    }

    /// Whether `request` is what it sent.
    pub fn sent(&self, request: &Message) -> bool {
        request.is_request() && ClientKey::of(request).as_ref() == Some(self.transaction.key())
    }

    /// When it gives up.
    pub fn deadline(&self) -> Option<Moment> {
        self.transaction.deadline()
    }

    /// With the next number and a fresh branch.
    fn send(&mut self, tokens: &mut Tokens, now: Moment) -> Vec<ServicesOutput> {
        self.number += 1;
        let mut request = self.transaction.request().clone();
        let branch = format!("{}{}.{}", Via::COOKIE, self.owner, tokens.word());
        let (name, sent_by) = (self.to.transport.via_name(), &self.sent_by);
        request.headers.remove(&HeaderName::Via);
        request
            .headers
            .push_front(HeaderName::Via, format!("SIP/2.0/{name} {sent_by};branch={branch};rport;alias"));
        request.headers.set(HeaderName::CSeq, format!("{} SERVICE", self.number));
        let (transaction, orders) = ClientTransaction::new(request, self.to.transport, now);
        self.transaction = transaction;
        self.sends(orders)
    }

    fn sends(&self, orders: Vec<ClientOrder>) -> Vec<ServicesOutput> {
        let sent = orders.into_iter().filter_map(|order| match order {
            ClientOrder::Send(request) => Some(ServicesOutput::Send { request, to: self.to.clone() }),
            _ => None,
        });
        sent.collect()
    }
}

/// Takes an answer that it awaits.
pub fn answered(slot: &mut Option<Service>, answer: Message, tokens: &mut Tokens, now: Moment) -> Progress {
    let Some(service) = slot else { return Progress::GoesOn(Vec::new()) };
    match answer.status() {
        Some(..=199) => Progress::GoesOn(Vec::new()),
        Some(401 | 407) if service.repeats < MOST_REPEATS => {
            service.repeats += 1;
            let mut then = vec![ServicesOutput::Doubted];
            then.extend(service.send(tokens, now));
            Progress::GoesOn(then)
        }
        _ => {
            *slot = None;
            Progress::Answered(Box::new(answer))
        }
    }
}

/// Lets time pass.
pub fn deadline(slot: &mut Option<Service>, now: Moment) -> Progress {
    let Some(service) = slot else { return Progress::GoesOn(Vec::new()) };
    let orders = service.transaction.handle(ClientInput::Deadline, now);
    if orders.iter().any(|order| matches!(order, ClientOrder::TimedOut)) {
        *slot = None;
        return Progress::Failed;
    }
    Progress::GoesOn(service.sends(orders))
}
