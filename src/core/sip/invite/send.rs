//! How a leg speaks: requests with Via and Contact, responses with tags, events to the call.

use std::net::SocketAddr;

use super::state::{Client, ClientUse, Event, Hop, LegTimer, PATIENCE, Server, State, Usage};
use super::{Body, Failure, Leg, LegEvent, LegOutput};
use crate::sip::transaction::{ClientOrder, ClientTransaction, ServerKey, ServerOrder, TIMEOUT};
use crate::sip::wire::{HeaderName, Host, Message, Method, Scheme, Text, Uri, Via};
use crate::sip::{Destination, Facing, Transport};
use crate::timer::Moment;

/// Methods we take within a call (RFC 3261 §20.5).
pub(super) const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE";

impl Leg {
    /// A request in the dialog, ready to go but for its Via.
    pub(super) fn in_dialog(&self, usage: &mut Usage, method: Method) -> Message {
        let mut request = usage.dialog.request(method.clone());
        if method != Method::Bye && method != Method::Prack {
            self.put_contact(&mut request);
        }
        request.headers.push(HeaderName::UserAgent, self.local.product.as_str());
        request
    }

    /// Contact, Allow and Supported: who we are and what we can.
    pub(super) fn put_abilities(&self, message: &mut Message) {
        self.put_contact(message);
        message.headers.set(HeaderName::Allow, ALLOW);
        message.headers.set(HeaderName::Supported, self.supported().join(", "));
    }

    pub(super) fn put_contact(&self, message: &mut Message) {
        let focus = if self.local.focus { ";isfocus" } else { "" };
        message.headers.set(HeaderName::Contact, format!("<{}>{focus}", self.local.contact));
    }

    /// This end is a conference of that name from now on.
    pub(super) fn be_focus(&mut self, user: &str) {
        let (scheme, rest) = self.local.contact.split_once(':').unwrap_or(("sip", &self.local.contact));
        let place = rest.split_once('@').map_or(rest, |(_, place)| place);
        self.local.contact = format!("{scheme}:{user}@{place}");
        self.local.focus = true;
    }

    pub(super) fn supported(&self) -> Vec<&str> {
        ["100rel", "timer"].into_iter().chain(self.local.supported.iter().map(String::as_str)).collect()
    }

    /// Puts a Via with a fresh branch on top, in place of an old one.
    pub(super) fn put_via(&mut self, request: &mut Message, transport: Transport) {
        request.headers.remove(&HeaderName::Via);
        // Within a dialog nothing runs in circles.
        let marks = if request.to_tag().is_none() { self.onward.branch_suffix() } else { String::new() };
        let branch = format!("{}{}.{}{marks}", Via::COOKIE, self.owner, self.tokens.word());
        // RFC 3581 §3: `rport` without value asks for the answer to come back to the source port; RFC 5923
        // §5: `alias` lets the other end send its own requests over this connection.
        let alias = if transport.is_reliable() { ";alias" } else { "" };
        let (name, sent_by) = (transport.via_name(), &self.local.sent_by);
        let via = format!("SIP/2.0/{name} {sent_by};branch={branch};rport{alias}");
        request.headers.push_front(HeaderName::Via, via);
    }

    /// Starts a client transaction.
    pub(super) fn ask(&mut self, request: Message, used_for: ClientUse, hop: Hop, now: Moment) {
        self.ask_again(request, used_for, hop, 0, now);
    }

    pub(super) fn ask_again(
        &mut self,
        mut request: Message,
        used_for: ClientUse,
        hop: Hop,
        retries: u8,
        now: Moment,
    ) {
        let transport = hop.destination.transport;
        // A CANCEL goes with the branch of what it cancels (RFC 3261 §9.1).
        if used_for != ClientUse::Cancel {
            self.put_via(&mut request, transport);
        }
        let (transaction, orders) = ClientTransaction::new(request, transport, now);
        self.clients.push(Client { transaction, used_for, hop, retries });
        self.obey_client(self.clients.len() - 1, orders);
    }

    /// Carries out what a client transaction orders.
    pub(super) fn obey_client(&mut self, at: usize, orders: Vec<ClientOrder>) {
        let client = self.clients[at].clone();
        let (used_for, retries) = (client.used_for, client.retries);
        for order in orders {
            match order {
                ClientOrder::Send(message) => self.send(message, &client.hop),
                ClientOrder::Deliver(response) => self.queue.push_back(Event::Response {
                    used_for,
                    request: client.transaction.request().clone(),
                    response,
                    hop: client.hop.clone(),
                    retries,
                }),
                ClientOrder::TimedOut => {
                    self.queue.push_back(Event::Failed { used_for, failure: Failure::Timeout })
                }
                ClientOrder::Unreachable => {
                    self.queue.push_back(Event::Failed { used_for, failure: Failure::Unreachable });
                }
                ClientOrder::Terminated => {
                    self.clients.remove(at);
                }
            }
        }
    }

    /// Carries out what a server transaction orders.
    pub(super) fn obey_server(&mut self, at: usize, orders: Vec<ServerOrder>) {
        let hop = Hop::known(self.servers[at].back.clone());
        for order in orders {
            match order {
                ServerOrder::Send(message) => self.send(message, &hop),
                ServerOrder::Deliver(ack) => self.queue.push_back(Event::Ack(ack)),
                // The far end repeats its request, or the timers of state and transaction end the wait.
                ServerOrder::Unreachable => {}
                ServerOrder::Terminated => {
                    self.servers.remove(at);
                }
            }
        }
    }

    pub(super) fn send(&mut self, message: Message, hop: &Hop) {
        self.then.push(LegOutput::Send {
            message,
            destination: hop.destination.clone(),
            resolve: hop.resolve.clone(),
        });
    }

    /// To the call, unless it has heard the end.
    pub(super) fn tell(&mut self, event: LegEvent) {
        if !self.ended {
            self.then.push(LegOutput::Event(event));
        }
    }

    /// A response to an open request, with our tag and name.
    pub(super) fn response_to(&self, request: &Message, status: u16, reason: &str) -> Message {
        let mut response = Message::response(request, status, reason, Some(&self.local_tag));
        response.headers.push(HeaderName::Server, self.local.product.as_str());
        response
    }

    /// Answers an open request; nothing happens when it is not open any more.
    pub(super) fn respond(&mut self, key: &ServerKey, response: Message, now: Moment) {
        if let Some(at) = self.servers.iter().position(|s| s.transaction.key() == key) {
            if response.status().is_some_and(|status| status >= 200) {
                self.servers[at].give_up = None;
            }
            let orders = self.servers[at].transaction.respond(response, now);
            self.obey_server(at, orders);
        }
    }

    /// Answers with nothing but a status.
    pub(super) fn refuse(
        &mut self,
        key: &ServerKey,
        request: &Message,
        status: u16,
        reason: &str,
        now: Moment,
    ) {
        let response = self.response_to(request, status, reason);
        self.respond(key, response, now);
    }

    /// RFC 3261 §14.2, RFC 3311 §5.2: 500 with "a Retry-After header field with a randomly chosen value of
    /// between 0 and 10 seconds".
    pub(super) fn refuse_for_now(&mut self, key: &ServerKey, request: &Message, now: Moment) {
        let mut response = self.response_to(request, 500, "Server Internal Error");
        let seconds = self.tokens.number() % 11;
        response.headers.push(HeaderName::RetryAfter, seconds.to_string());
        self.respond(key, response, now);
    }

    /// The call is asked about this request, and the leg answers for it when the call keeps silent.
    pub(super) fn expect_answer(&mut self, key: &ServerKey, handle: Option<u32>, now: Moment) {
        if let Some(server) = self.servers.iter_mut().find(|s| s.transaction.key() == key) {
            *server = Server { handle, give_up: Some(now + PATIENCE), ..server.clone() };
        }
    }

    /// No session any more: what the other end still waits for is answered, our timers stop.
    pub(super) fn enter_ending(&mut self, usage: Option<Box<Usage>>, now: Moment) -> State {
        self.timers.stop_all();
        self.challenged = None;
        let open: Vec<_> = self.servers.iter().filter(|s| s.transaction.is_pending()).collect();
        let open: Vec<_> =
            open.iter().map(|s| (s.transaction.key().clone(), s.transaction.request().clone())).collect();
        for (key, request) in open {
            // RFC 3261 §15.1.2: "It is RECOMMENDED that a 487 (Request Terminated) response be generated
            // to those pending requests."
            self.refuse(&key, &request, 487, "Request Terminated", now);
        }
        let inviting = |c: &Client| {
            c.transaction.is_pending() && c.transaction.request().method() == Some(Method::Invite)
        };
        if self.clients.iter().any(inviting) {
            self.timers.set(LegTimer::CancelLimit, now + TIMEOUT);
        }
        State::Ending(usage)
    }
}

impl Usage {
    /// Where a request in this dialog goes.
    ///
    /// A south peer without route set is spoken to where it was heard: handsets stand behind address
    /// translation and connections that cannot be opened from here. To the north the next hop of RFC 3261
    /// §8.1.2 counts; the connection is kept when it leads to the same host.
    pub(super) fn hop(&self) -> Hop {
        let heard = &self.towards;
        if heard.facing == Facing::South && self.dialog.route_set.is_empty() {
            return Hop::known(heard.clone());
        }
        let Some(uri) = self.dialog.next_hop() else { return Hop::known(heard.clone()) };
        match &uri.host {
            Some(Host::Ip(ip)) => {
                let transport = transport_of(&uri).unwrap_or(heard.transport);
                let port = uri.port.unwrap_or(transport.default_port());
                let same = *ip == heard.address.ip() && transport == heard.transport;
                Hop::known(Destination {
                    transport,
                    address: SocketAddr::new(*ip, port),
                    facing: heard.facing,
                    connection: heard.connection.filter(|_| same),
                    server_name: heard.server_name.clone().filter(|_| same),
                })
            }
            Some(Host::Name(_)) => Hop { destination: heard.clone(), resolve: Some(uri.raw.clone()) },
            None => Hop::known(heard.clone()),
        }
    }
}

impl Hop {
    pub(super) fn known(destination: Destination) -> Self {
        Self { destination, resolve: None }
    }
}

fn transport_of(uri: &Uri) -> Option<Transport> {
    if uri.scheme == Scheme::Sips {
        return Some(Transport::Tls);
    }
    let named = uri.params.get("transport")?.to_ascii_lowercase();
    [Transport::Udp, Transport::Tcp, Transport::Tls].into_iter().find(|t| t.uri_name() == named)
}

/// Adds headers of the call's.
pub(super) fn put_headers(message: &mut Message, headers: Vec<(HeaderName, Text)>) {
    for (name, value) in headers {
        message.headers.push(name, value);
    }
}

/// Sets a body, if there is one.
pub(super) fn put_body(message: &mut Message, body: Option<&Body>) {
    if let Some(body) = body {
        message.set_body(&body.content_type, body.bytes.clone());
    }
}

/// Headers that a response repeats from a dialog-forming request (RFC 3261 §12.1.1).
pub(super) fn copy_record_route(request: &Message, response: &mut Message) {
    for route in request.headers.get_all(&HeaderName::RecordRoute) {
        response.headers.push(HeaderName::RecordRoute, route.clone());
    }
}
