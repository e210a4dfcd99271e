//! What comes in finds its transaction; what is new becomes an event.

use std::net::SocketAddr;

use super::Leg;
use super::state::{ClientUse, Event, Hop, Server, State, servers_full};
use crate::sip::transaction::{ClientInput, ClientKey, ServerInput, ServerKey, ServerTransaction};
use crate::sip::wire::{Message, Method, Text, Uri, Via};
use crate::sip::{Destination, Peer, Transport};
use crate::timer::Moment;

impl Leg {
    pub(super) fn receive(&mut self, message: Message, peer: Peer, now: Moment) {
        if !message.is_request() {
            return self.receive_response(message, now);
        }
        match message.method() {
            Some(Method::Ack) => self.receive_ack(message, now),
            Some(_) => self.receive_request(message, peer, now),
            None => {}
        }
    }

    fn receive_response(&mut self, response: Message, now: Moment) {
        let key = ClientKey::of(&response);
        match self.clients.iter().position(|c| Some(c.transaction.key()) == key.as_ref()) {
            Some(at) => {
                let orders = self.clients[at].transaction.handle(ClientInput::Response(response), now);
                self.obey_client(at, orders);
            }
            // After a restart the transaction is gone, but the peer may still lack our ACK.
            None => {
                self.repeat_ack(&response);
            }
        }
    }

    fn receive_ack(&mut self, ack: Message, now: Moment) {
        let key = ServerKey::of(&ack);
        match self.servers.iter().position(|s| Some(s.transaction.key()) == key.as_ref()) {
            Some(at) => {
                let orders = self.servers[at].transaction.handle(ServerInput::Received(ack), now);
                self.obey_server(at, orders);
            }
            // The ACK to a 2xx is a transaction of its own (RFC 3261 §13.2.2.4).
            None => self.queue.push_back(Event::Ack(ack)),
        }
    }

    fn receive_request(&mut self, request: Message, peer: Peer, now: Moment) {
        let Some(key) = ServerKey::of(&request) else { return };
        if let Some(at) = self.servers.iter().position(|s| *s.transaction.key() == key) {
            let orders = self.servers[at].transaction.handle(ServerInput::Received(request), now);
            return self.obey_server(at, orders);
        }
        let back = response_destination(&request, &peer);
        let refusal = match self.state {
            State::Closed => Some((481, "Call/Transaction Does Not Exist")),
            _ if servers_full(&self.servers) => Some((503, "Too Many Requests Open")),
            _ => None,
        };
        if let Some((status, reason)) = refusal {
            let response = self.response_to(&request, status, reason);
            return self.send(response, &Hop::known(back));
        }
        let Some((transaction, orders)) = ServerTransaction::new(request.clone(), peer.transport) else {
            return;
        };
        self.servers.push(Server { transaction, back, handle: None, give_up: None });
        self.obey_server(self.servers.len() - 1, orders);
        match request.method() {
            Some(Method::Cancel) => self.receive_cancel(key, request, now),
            _ => self.queue.push_back(Event::Request { key, request, peer }),
        }
    }

    /// RFC 3261 §9.2: "If the UAS did not find a matching transaction … it SHOULD respond … 481. …
    /// Regardless of the method of the original request, as long as the CANCEL matched an existing
    /// transaction, the UAS answers the CANCEL request itself with a 200 (OK) response."
    fn receive_cancel(&mut self, key: ServerKey, cancel: Message, now: Moment) {
        let wanted = ServerKey::cancelled_by(&cancel);
        let target = self.servers.iter().find(|s| Some(s.transaction.key()) == wanted.as_ref());
        match target.map(|s| (s.transaction.key().clone(), s.transaction.is_pending())) {
            None => self.refuse(&key, &cancel, 481, "Call/Transaction Does Not Exist", now),
            Some((target, pending)) => {
                self.refuse(&key, &cancel, 200, "OK", now);
                if pending {
                    self.queue.push_back(Event::Cancelled { key: target, cancel });
                }
            }
        }
    }

    /// Only where a stream is spoken over: a UDP peer is found by its address anyway, and may have moved
    /// behind its NAT since it registered.
    pub(super) fn moved(&mut self, contact: &str, destination: Destination, now: Moment) {
        let (usage, ended) = match &mut self.state {
            State::Confirmed(confirmed) => (&mut confirmed.usage, false),
            State::Ending(Some(usage)) => (&mut **usage, true),
            _ => return self.reaches_again(contact, &destination, now),
        };
        let (towards, target) = (&usage.towards, &usage.dialog.remote_target);
        let streams = towards.transport.is_reliable() && destination.transport.is_reliable();
        if streams && towards.facing == destination.facing && same_place(target, contact) {
            usage.towards = destination;
            if ended {
                self.heard_of_again(now);
            }
        }
    }

    pub(super) fn transport_failed(&mut self, message: &Message, now: Moment) {
        if message.is_request() {
            let key = ClientKey::of(message);
            if let Some(at) = self.clients.iter().position(|c| Some(c.transaction.key()) == key.as_ref()) {
                let orders = self.clients[at].transaction.handle(ClientInput::TransportFailed, now);
                self.obey_client(at, orders);
            }
        } else {
            let key = ServerKey::of_response(message);
            if let Some(at) = self.servers.iter().position(|s| Some(s.transaction.key()) == key.as_ref()) {
                let orders = self.servers[at].transaction.handle(ServerInput::TransportFailed, now);
                self.obey_server(at, orders);
            }
        }
    }

    /// Runs everything that is due.
    pub(super) fn tick(&mut self, now: Moment) {
        let due = |at: Option<Moment>| at.is_some_and(|at| at <= now);
        while let Some(at) = self.clients.iter().position(|c| due(c.transaction.deadline())) {
            let orders = self.clients[at].transaction.handle(ClientInput::Deadline, now);
            self.obey_client(at, orders);
        }
        while let Some(at) = self.servers.iter().position(|s| due(s.transaction.deadline())) {
            let orders = self.servers[at].transaction.handle(ServerInput::Deadline, now);
            self.obey_server(at, orders);
        }
        for server in self.servers.iter_mut().filter(|s| due(s.give_up)) {
            server.give_up = None;
            self.queue.push_back(Event::Unanswered(server.transaction.key().clone()));
        }
        while let Some(timer) = self.timers.pop_expired(now) {
            self.queue.push_back(Event::Expired(timer));
        }
    }

    /// Ends INVITE transactions that nobody answers.
    pub(super) fn abandon_invites(&mut self) {
        let pending = |c: &super::state::Client| {
            c.transaction.is_pending() && matches!(c.used_for, ClientUse::Invite | ClientUse::Reoffer)
        };
        while let Some(at) = self.clients.iter().position(pending) {
            let orders = self.clients[at].transaction.abandon();
            self.obey_client(at, orders);
        }
    }
}

/// Whether two Contacts name the same user at the same host. Their ports may differ: over a stream many
/// name the port that they connected from.
pub(super) fn same_place(a: &str, b: &str) -> bool {
    let place = |text: &str| {
        let uri = Uri::parse(&Text::from(text))?;
        Some((uri.user_text(), uri.host?))
    };
    place(a).is_some_and(|a| Some(a) == place(b))
}

/// Where responses go (RFC 3261 §18.2.2, RFC 3581 §4): back over the connection; over UDP to the source
/// address, and to the source port if `rport` asks for it, else to the port of sent-by.
fn response_destination(request: &Message, peer: &Peer) -> Destination {
    let mut back = peer.back();
    let by_sent_by = |via: &Via| peer.transport == Transport::Udp && !via.params.has("rport");
    if let Some(via) = request.top_via().filter(by_sent_by) {
        let port = via.port.unwrap_or(peer.transport.default_port());
        back.address = SocketAddr::new(peer.remote.ip(), port);
    }
    back
}
