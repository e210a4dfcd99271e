//! An INVITE without a final answer, over the death of its node.
//!
//! ```text
//!  ours:    on disk ─► INVITE ─► 180 … kill -9 … the same INVITE ─► 180 again ─► CANCEL ─► 487
//!                                                                └► 200: ACK, BYE
//!  theirs:  INVITE ─► on disk ─► 100, 180 … kill -9 … 480
//! ```
//!
//! The call that rang is lost with the process: its media are not agreed on, and who answers would hear nobody. But
//! nobody is left ringing or waiting. What goes on disk before it is said is the request alone, once; whoever restores
//! the leg orders it to hang up, and it does so by the rules of any leg. Ours is said again with the branch that it
//! had: RFC 3261 §9.1 lets a CANCEL go only after a provisional response, and §17.2.1 has the far end answer a
//! repetition with what it said last, be it that or a 2xx which was lost.
//!
//! A handset behind a stream is reached by its own alone: it is told when it has registered over a new one.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::ring::first_rseq;
use super::state::{
    ANSWER_LIMIT, Calling, Cancel, Client, ClientUse, Hop, LegTimer, Ringing, Server, State, Usage,
};
use super::{Body, Leg, LegRecord, LegSave};
use crate::pii::Pii;
use crate::sip::dialog::Dialog;
use crate::sip::transaction::{ClientTransaction, ServerInput, ServerKey, ServerTransaction};
use crate::sip::wire::{HeaderName, Message};
use crate::sip::{Destination, Facing, Transport};
use crate::timer::Moment;

/// An INVITE on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenInvite {
    /// As on the wire; theirs without its body.
    pub request: Pii<String>,
    /// Where it went, or where its answers go.
    pub destination: Destination,
}

impl OpenInvite {
    fn new(request: &Message, destination: &Destination) -> Self {
        // What is no UTF-8 is a name that somebody else chose.
        let text = String::from_utf8_lossy(&request.encode()).into_owned();
        Self { request: Pii(text), destination: destination.clone() }
    }

    /// The INVITE.
    pub fn message(&self) -> Option<Message> {
        Message::parse_datagram(Bytes::from(self.request.0.clone())).ok()
    }
}

/// What names an INVITE on disk: its CSeq, and whether its leg has ended.
pub(super) type Kept = (u32, bool);

impl Leg {
    /// Saves the INVITE that waits for its final answer, once. One that is sent again with credentials is another.
    pub(super) fn write_open(&mut self) {
        let Some((request, destination)) = self.open_invite() else { return };
        let kept = (request.cseq().map_or(0, |cseq| cseq.number), self.ended);
        if self.kept == Some(kept) {
            return;
        }
        let Some(record) = self.open_record(&request, &destination) else { return };
        self.kept = Some(kept);
        self.save.push(LegSave::Put(Box::new(record.clone())));
        self.saved = Some(Box::new(record));
    }

    fn open_invite(&self) -> Option<(Message, Destination)> {
        match &self.state {
            State::Calling(calling) => {
                let of_invite = |client: &&Client| {
                    client.used_for == ClientUse::Invite && client.transaction.is_pending()
                };
                let client = self.clients.iter().find(of_invite)?;
                Some((client.transaction.request().clone(), calling.hop.destination.clone()))
            }
            State::Ringing(ringing) => {
                let server = self.servers.iter().find(|server| *server.transaction.key() == ringing.key)?;
                let mut request = ringing.invite.clone();
                request.headers.remove(&HeaderName::ContentType);
                request.body = Bytes::new();
                Some((request, server.back.clone()))
            }
            _ => None,
        }
    }

    fn open_record(&self, request: &Message, destination: &Destination) -> Option<LegRecord> {
        let ours = matches!(self.state, State::Calling(_));
        let dialog = match ours {
            true => Dialog {
                remote_target: request.request_uri()?.raw.to_string(),
                ..Dialog::uac(request, request)
            },
            false => Dialog::uas(request, &self.local_tag)?,
        };
        let record = self.record(&Usage::new(dialog, destination.clone(), ours));
        Some(LegRecord { open: Some(OpenInvite::new(request, destination)), ..record })
    }

    /// Takes up what a former life left open. The order to hang up follows.
    pub(super) fn take_up_open(&mut self, now: Moment) {
        let Some(record) = self.saved.clone() else { return };
        let Some((open, request)) = record.open.as_ref().and_then(|open| Some((open, open.message()?)))
        else {
            return;
        };
        self.timers.set(LegTimer::AnswerLimit, now + ANSWER_LIMIT);
        match record.our_call_id {
            true => {
                let hop = Hop::known(open.destination.clone());
                let offer = Body::of(&request);
                self.state = State::Calling(Box::new(Calling {
                    hop: hop.clone(),
                    offer,
                    early: Vec::new(),
                    cancel: Cancel::No,
                    farewell: Vec::new(),
                }));
                self.say_open(request, hop, now);
            }
            false => self.ring_on(&record, request, &open.destination),
        }
    }

    fn say_open(&mut self, request: Message, hop: Hop, now: Moment) {
        let (transaction, orders) = ClientTransaction::new(request, hop.destination.transport, now);
        self.clients.push(Client {
            transaction,
            used_for: ClientUse::Invite,
            hop,
            retries: super::state::MAX_RETRIES,
        });
        self.obey_client(self.clients.len() - 1, orders);
    }

    fn ring_on(&mut self, record: &LegRecord, invite: Message, back: &Destination) {
        let key = ServerKey::of(&invite);
        // It was told 100 already.
        let transaction =
            ServerTransaction::new(invite.clone(), back.transport).map(|(transaction, _)| transaction);
        let Some((key, transaction)) = key.zip(transaction) else { return };
        self.servers.push(Server {
            transaction,
            back: return_way(&invite, back),
            handle: None,
            give_up: None,
        });
        self.state = State::Ringing(Box::new(Ringing {
            key,
            invite,
            usage: Usage::new(record.dialog.clone(), record.towards.clone(), false),
            next_rseq: first_rseq(self.tokens.number()),
            unproven: None,
            waiting: Default::default(),
            accept: None,
            alert: None,
            reminder: None,
        }));
    }

    /// The INVITE of a former life did not get through to a handset whose stream went with that life: it waits for
    /// a new one, until nobody can be ringing any more.
    pub(super) fn waits_for_stream(&self, calling: &Calling) -> bool {
        let towards = &calling.hop.destination;
        self.restored && towards.facing == Facing::South && towards.transport.is_reliable()
    }

    /// A handset has registered over a new stream: what it was not told by the old one, it is told by this.
    pub(super) fn reaches_again(&mut self, contact: &str, destination: &Destination, now: Moment) {
        let same = |target: &str| super::receive::same_place(target, contact);
        let streams = |way: &Destination| {
            way.transport.is_reliable()
                && destination.transport.is_reliable()
                && way.facing == destination.facing
        };
        let record = self.saved.clone();
        let open = record.as_ref().and_then(|record| Some((record, record.open.as_ref()?)));
        if let (State::Calling(calling), Some((record, open))) = (&mut self.state, open)
            && self.restored
            && same(&record.dialog.remote_target)
            && streams(&calling.hop.destination)
            && let Some(request) = open.message()
        {
            let hop = Hop::known(destination.clone());
            calling.hop = hop.clone();
            self.clients.retain(|client| client.used_for != ClientUse::Invite);
            return self.say_open(request, hop, now);
        }
        let asked = |server: &Server| {
            let contacts = server.transaction.request().contacts();
            contacts.first().is_some_and(|contact| same(&contact.uri.raw)) && streams(&server.back)
        };
        for at in 0..self.servers.len() {
            if self.restored && asked(&self.servers[at]) {
                self.servers[at].back = destination.clone();
                let request = self.servers[at].transaction.request().clone();
                // As if it had repeated its request: it hears our last word again.
                let orders = self.servers[at].transaction.handle(ServerInput::Received(request), now);
                self.obey_server(at, orders);
                return;
            }
        }
    }
}

/// RFC 3261 §18.2.2: where the connection of a request is gone, "the server SHOULD open a connection to the IP address
/// in the "received" parameter, if present, using the port in the "sent-by" value".
fn return_way(invite: &Message, back: &Destination) -> Destination {
    let mut way = back.clone();
    let via = invite.top_via().filter(|_| back.facing == Facing::North && back.transport != Transport::Udp);
    if let Some(via) = via {
        way.address.set_port(via.port.unwrap_or(back.transport.default_port()));
    }
    way
}
