//! The client at work: requests, their repetition, and what comes back.

use std::net::SocketAddr;
use std::time::Duration;

use super::bandwidth::Answer;
use super::frame::{self, CLIENT_HELLO, FrameKind};
use super::wire::{self, Writer, attr, kind};
use super::{
    Challenge, Failure, MAX_DATA, MAX_ORDERS, Order, Output, Pending, Refusal, RelayTransport, State, Timer,
    Turn,
};
use crate::id::Tokens;
use crate::media::ice::stun::{Integrity, Message, Transaction, long_term_key};
use crate::pii::Pii;
use crate::timer::Moment;

/// First wait for an answer over UDP; it doubles.
const RTO: Duration = Duration::from_millis(200);
/// How often a request is sent over UDP: given up after 12.6 s.
const RC: u32 = 6;
/// How often it is asked whether an allocation is still there: given up after 3 s. Somebody hears nothing meanwhile.
const RC_PROBE: u32 = 4;
/// The same over TCP, where it is asked once.
const PROBE_PATIENCE: Duration = Duration::from_secs(3);
/// How long an answer over TCP, and its greeting, are waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often one order is asked anew because of the nonce.
const MAX_ROUNDS: u32 = 3;
/// What we ask for and, within limits, get.
const LIFETIME: Duration = Duration::from_secs(600);
/// Peers with unfinished packets over TCP.
const MAX_STREAMS: usize = 8;

impl Turn {
    pub(super) fn start(
        &mut self,
        now: Moment,
        tokens: &mut Tokens,
        out: &mut Vec<Output>,
    ) -> Result<(), Refusal> {
        if self.state != State::Idle {
            return Err(Refusal::Started);
        }
        match self.transport {
            RelayTransport::Udp => self.allocate(now, tokens, out),
            RelayTransport::Tcp => {
                self.state = State::AwaitingHello;
                self.timers.set(Timer::Hello, now + PATIENCE);
                out.push(Output::Transmit(CLIENT_HELLO.to_vec()));
            }
        }
        Ok(())
    }

    fn allocate(&mut self, now: Moment, tokens: &mut Tokens, out: &mut Vec<Output>) {
        self.state = State::Allocating;
        self.ask(Order::Allocate, 0, now, tokens, out);
    }

    /// Carries an order out, or lets it wait for the one on its way.
    pub(super) fn order(
        &mut self,
        order: Order,
        now: Moment,
        tokens: &mut Tokens,
        out: &mut Vec<Output>,
    ) -> Result<(), Refusal> {
        if self.state != State::Allocated {
            return Err(Refusal::NotAllocated);
        }
        if self.orders.len() >= MAX_ORDERS {
            return Err(Refusal::Busy);
        }
        self.orders.push_back(order);
        self.next_order(now, tokens, out);
        Ok(())
    }

    /// Asks whether the allocation is still there, unless something else is asked anyway.
    pub(super) fn probe(&mut self, now: Moment, tokens: &mut Tokens, out: &mut Vec<Output>) {
        if self.state == State::Allocated && self.pending.is_none() && self.orders.is_empty() {
            self.ask(Order::Probe, 0, now, tokens, out);
        }
    }

    fn next_order(&mut self, now: Moment, tokens: &mut Tokens, out: &mut Vec<Output>) {
        if self.pending.is_none()
            && self.state == State::Allocated
            && let Some(order) = self.orders.pop_front()
        {
            self.ask(order, 0, now, tokens, out);
        }
    }

    fn ask(&mut self, order: Order, rounds: u32, now: Moment, tokens: &mut Tokens, out: &mut Vec<Output>) {
        let transaction: Transaction = *tokens.bytes().first_chunk().expect("32 octets hold 16");
        let bytes = self.request(&order, &transaction);
        let interval = match self.transport {
            RelayTransport::Udp => RTO,
            RelayTransport::Tcp if order == Order::Probe => PROBE_PATIENCE,
            RelayTransport::Tcp => PATIENCE,
        };
        self.transmit(&bytes, out);
        self.pending =
            Some(Pending { order, transaction, bytes, sent: 1, interval, next: now + interval, rounds });
    }

    fn request(&mut self, order: &Order, transaction: &Transaction) -> Vec<u8> {
        let ends = matches!(order, Order::Release | Order::GiveBack(_));
        let lifetime = if ends { 0 } else { LIFETIME.as_secs() as u32 };
        let sequence = self.next_sequence();
        let writer = match order {
            Order::Activate(_) => Writer::new(kind::ACTIVATE, transaction),
            _ => Writer::new(kind::ALLOCATE, transaction),
        };
        let writer = writer.maybe(attr::MS_SEQUENCE_NUMBER, sequence.as_deref());
        let Some(challenge) = &self.challenge else { return writer.finish(None) };
        let key = challenge.key.0;
        let writer = writer.octets(attr::USERNAME, &self.access.username.0);
        let writer = match order {
            // Lync's own clients leave nonce and realm out of this one, though the realm is in the key.
            Order::Activate(peer) => writer.address(attr::DESTINATION_ADDRESS, *peer),
            _ => writer
                .octets(attr::NONCE, &challenge.nonce)
                .octets(attr::REALM, &challenge.realm)
                .octets(attr::LIFETIME, &lifetime.to_be_bytes()),
        };
        let writer = match order {
            Order::Reserve(reservation) | Order::GiveBack(reservation) => reservation.write(writer),
            _ => writer,
        };
        writer.finish(Some(&key))
    }

    /// \[MS-TURN\] §2.2.2.21: the identifier of the connection and a number that each request counts up.
    fn next_sequence(&mut self) -> Option<Vec<u8>> {
        let (connection, number) = self.sequence.as_mut()?;
        *number = number.wrapping_add(1);
        Some([&connection[..], &number.to_be_bytes()].concat())
    }

    /// \[MS-TURN\] §3.2.4.3: a Send request; it has no answer. Data for the active destination goes as it is.
    pub(super) fn send(
        &mut self,
        to: SocketAddr,
        bytes: &[u8],
        tokens: &mut Tokens,
        out: &mut Vec<Output>,
    ) -> Result<(), Refusal> {
        if self.state != State::Allocated {
            return Err(Refusal::NotAllocated);
        }
        if bytes.len() > MAX_DATA {
            return Err(Refusal::TooLong(bytes.len()));
        }
        let tcp = self.transport == RelayTransport::Tcp;
        let data = if tcp { frame::packet(bytes) } else { bytes.to_vec() };
        if self.active == Some(to) {
            out.push(Output::Transmit(if tcp { frame::frame(FrameKind::Data, &data) } else { data }));
            return Ok(());
        }
        let transaction: Transaction = *tokens.bytes().first_chunk().expect("32 octets hold 16");
        let sequence = self.next_sequence();
        let key = self.challenge.as_ref().map(|challenge| challenge.key.0);
        let message = Writer::new(kind::SEND, &transaction)
            .maybe(attr::MS_SEQUENCE_NUMBER, sequence.as_deref())
            .octets(attr::USERNAME, &self.access.username.0)
            .address(attr::DESTINATION_ADDRESS, to)
            .octets(attr::DATA, &data)
            .finish(key.as_ref().map(|key| &key[..]));
        self.transmit(&message, out);
        Ok(())
    }

    fn transmit(&self, message: &[u8], out: &mut Vec<Output>) {
        out.push(Output::Transmit(match self.transport {
            RelayTransport::Udp => message.to_vec(),
            RelayTransport::Tcp => frame::frame(FrameKind::Control, message),
        }));
    }

    pub(super) fn receive(&mut self, bytes: &[u8], now: Moment, tokens: &mut Tokens, out: &mut Vec<Output>) {
        if matches!(self.state, State::Idle | State::Ended) {
            return;
        }
        if self.transport == RelayTransport::Udp {
            // Data of the active destination comes as it is; a message shows its magic cookie.
            match wire::read(bytes) {
                Some(message) => self.take(&message, now, tokens, out),
                None => self.take_active(bytes, out),
            }
            return;
        }
        let frames = match self.reader.take(bytes) {
            Ok(frames) => frames,
            Err(fault) => return self.end(Output::Failed(Failure::Stream(fault)), out),
        };
        if self.state == State::AwaitingHello && self.reader.greeted() {
            self.timers.stop(Timer::Hello);
            self.allocate(now, tokens, out);
        }
        for (kind, payload) in frames {
            match (kind, wire::read(&payload)) {
                (FrameKind::Control, Some(message)) => self.take(&message, now, tokens, out),
                (FrameKind::Control, None) => {}
                (FrameKind::Data, _) => self.take_active(&payload, out),
            }
        }
    }

    fn take_active(&mut self, bytes: &[u8], out: &mut Vec<Output>) {
        if let Some(active) = self.active {
            self.deliver(active, bytes, out);
        }
    }

    fn take(&mut self, message: &Message<'_>, now: Moment, tokens: &mut Tokens, out: &mut Vec<Output>) {
        match message.kind() {
            kind::DATA if self.state == State::Allocated => {
                if let (Some(from), Some(data)) =
                    (message.address(attr::REMOTE_ADDRESS), message.get(attr::DATA))
                {
                    self.deliver(from, data, out);
                }
            }
            kind::ALLOCATED | kind::ACTIVATED => self.take_success(message, now, tokens, out),
            kind::NOT_ALLOCATED | kind::NOT_ACTIVATED => self.take_error(message, now, tokens, out),
            _ => {}
        }
    }

    /// Data of a peer. Over TCP it is a stream with packets of RFC 4571 in it.
    fn deliver(&mut self, from: SocketAddr, data: &[u8], out: &mut Vec<Output>) {
        if self.transport == RelayTransport::Udp {
            return out.push(Output::Data { from, bytes: data.to_vec() });
        }
        let known = self.streams.iter().position(|(peer, _)| *peer == from);
        let mut stream = known.map(|at| self.streams.remove(at)).unwrap_or((from, frame::Packets::default()));
        out.extend(stream.1.take(data).into_iter().map(|bytes| Output::Data { from, bytes }));
        self.streams.push(stream);
        if self.streams.len() > MAX_STREAMS {
            self.streams.remove(0);
        }
    }

    /// Takes the request out that this answers, if it does and, for a success, is authentic.
    fn answered(&mut self, message: &Message<'_>) -> Option<Pending> {
        let pending = self.pending.as_ref()?;
        let activates = matches!(pending.order, Order::Activate(_));
        let fits = activates == matches!(message.kind(), kind::ACTIVATED | kind::NOT_ACTIVATED);
        let integrity = self.challenge.as_ref().map(|c| wire::authentic(message, &c.key.0));
        let error = matches!(message.kind(), kind::NOT_ALLOCATED | kind::NOT_ACTIVATED);
        // [MS-TURN] §3.1.11. An error may lack MESSAGE-INTEGRITY: it can be about the credentials.
        let believed = match integrity {
            Some(Integrity::Right) => true,
            Some(Integrity::Missing) | None => error,
            Some(Integrity::Wrong) => false,
        };
        if message.transaction() != pending.transaction || !fits || !believed {
            return None;
        }
        self.pending.take()
    }

    fn take_success(
        &mut self,
        message: &Message<'_>,
        now: Moment,
        tokens: &mut Tokens,
        out: &mut Vec<Output>,
    ) {
        let Some(pending) = self.answered(message) else { return };
        self.renew_nonce(message);
        match pending.order {
            Order::Allocate => self.allocated(message, now, out),
            Order::Refresh | Order::Probe => {
                self.arm_refresh(message, now);
            }
            Order::Release | Order::GiveBack(_) => self.end(Output::Released, out),
            Order::Activate(peer) => {
                self.active = Some(peer);
                out.push(Output::Activated(peer));
            }
            Order::Reserve(_) => {
                self.arm_refresh(message, now);
                out.push(Output::Reserved(Answer::read(message)));
            }
        }
        self.next_order(now, tokens, out);
    }

    /// \[MS-TURN\] §3.2.5.1: MAPPED-ADDRESS is what was allocated, XOR-MAPPED-ADDRESS how we are seen.
    fn allocated(&mut self, message: &Message<'_>, now: Moment, out: &mut Vec<Output>) {
        let Some(relayed) = message.address(attr::MAPPED_ADDRESS) else {
            return self.end(Output::Failed(Failure::Incomplete("MAPPED-ADDRESS")), out);
        };
        let Some(reflexive) = message.xor_address(attr::XOR_MAPPED_ADDRESS) else {
            return self.end(Output::Failed(Failure::Incomplete("XOR-MAPPED-ADDRESS")), out);
        };
        let sequence =
            message.get(attr::MS_SEQUENCE_NUMBER).and_then(|value| value.split_first_chunk::<20>());
        self.sequence =
            sequence.and_then(|(id, number)| Some((*id, u32::from_be_bytes(number.try_into().ok()?))));
        self.state = State::Allocated;
        let lifetime = self.arm_refresh(message, now);
        out.push(Output::Allocated { relayed, reflexive, lifetime });
    }

    /// Refreshes a minute before the end, or half-way when it is near.
    fn arm_refresh(&mut self, message: &Message<'_>, now: Moment) -> Duration {
        let said =
            message.get(attr::LIFETIME).and_then(|value| value.try_into().ok()).map(u32::from_be_bytes);
        let lifetime = said.map_or(LIFETIME, |secs| Duration::from_secs(u64::from(secs.clamp(10, 3600))));
        let minute = Duration::from_secs(60);
        let after = if lifetime > 2 * minute { lifetime - minute } else { lifetime / 2 };
        self.timers.set(Timer::Refresh, now + after);
        lifetime
    }

    fn take_error(&mut self, message: &Message<'_>, now: Moment, tokens: &mut Tokens, out: &mut Vec<Output>) {
        let Some(code) = message.error_code() else { return };
        let Some(pending) = self.answered(message) else { return };
        if matches!(code, 401 | 438) && pending.rounds < MAX_ROUNDS && self.challenged(message) {
            return self.ask(pending.order, pending.rounds + 1, now, tokens, out);
        }
        match (pending.order, code) {
            (Order::Activate(peer), _) => out.push(Output::NotActivated(peer, code)),
            (Order::Reserve(_), _) => out.push(Output::NotReserved(code)),
            (Order::Release | Order::GiveBack(_), _) => return self.end(Output::Released, out),
            (_, 300) => match message.address(attr::ALTERNATE_SERVER) {
                Some(other) => return self.end(Output::Redirected(other), out),
                None => return self.end(Output::Failed(Failure::Incomplete("ALTERNATE-SERVER")), out),
            },
            (_, 401 | 430..=436 | 438 | 441) => {
                return self.end(Output::Failed(Failure::Credentials(code)), out);
            }
            _ => return self.end(Output::Failed(Failure::Refused(code)), out),
        }
        self.next_order(now, tokens, out);
    }

    /// Takes nonce and realm up. False when they are the ones that we used: then the credentials are wrong.
    fn challenged(&mut self, message: &Message<'_>) -> bool {
        let old = self.challenge.as_ref();
        let realm = message.get(attr::REALM).or(old.map(|old| &old.realm[..]));
        let (Some(nonce), Some(realm)) = (message.get(attr::NONCE), realm) else { return false };
        if nonce.len() > 512
            || realm.len() > 512
            || old.is_some_and(|old| old.nonce == nonce && old.realm == realm)
        {
            return false;
        }
        let key = Pii(long_term_key(&self.access.username.0, realm, &self.access.password.0));
        self.challenge = Some(Challenge { nonce: nonce.to_vec(), realm: realm.to_vec(), key });
        true
    }

    /// A success may bring the nonce of the next request.
    fn renew_nonce(&mut self, message: &Message<'_>) {
        if let (Some(challenge), Some(nonce)) = (&mut self.challenge, message.get(attr::NONCE))
            && nonce.len() <= 512
        {
            challenge.nonce = nonce.to_vec();
        }
    }

    pub(super) fn expire(&mut self, now: Moment, tokens: &mut Tokens, out: &mut Vec<Output>) {
        self.repeat(now, tokens, out);
        while let Some(timer) = self.timers.pop_expired(now) {
            match timer {
                Timer::Hello => self.end(Output::Failed(Failure::Silent), out),
                Timer::Refresh => {
                    self.orders.push_front(Order::Refresh);
                    self.next_order(now, tokens, out);
                }
            }
        }
    }

    fn repeat(&mut self, now: Moment, tokens: &mut Tokens, out: &mut Vec<Output>) {
        let Some(pending) = self.pending.as_mut().filter(|pending| pending.next <= now) else { return };
        let most = if pending.order == Order::Probe { RC_PROBE } else { RC };
        if self.transport == RelayTransport::Udp && pending.sent < most {
            pending.sent += 1;
            pending.interval *= 2;
            pending.next = now + pending.interval;
            return out.push(Output::Transmit(pending.bytes.clone()));
        }
        let order = self.pending.take().map(|pending| pending.order);
        match order {
            Some(Order::Activate(peer)) => out.push(Output::NotActivated(peer, 408)),
            Some(Order::Reserve(_)) => out.push(Output::NotReserved(408)),
            Some(Order::Release | Order::GiveBack(_)) => return self.end(Output::Released, out),
            _ => return self.end(Output::Failed(Failure::Silent), out),
        }
        self.next_order(now, tokens, out);
    }

    pub(super) fn end(&mut self, last: Output, out: &mut Vec<Output>) {
        self.state = State::Ended;
        (self.pending, self.active) = (None, None);
        self.orders.clear();
        self.streams.clear();
        self.timers.stop_all();
        out.push(last);
    }
}
