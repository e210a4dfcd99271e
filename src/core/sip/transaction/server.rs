//! The server side: what both server machines share.

use std::time::Duration;

use super::super::{Transport, wire::Message, wire::Method};
use super::{ServerKey, Timer, server_invite, server_non_invite};
use crate::timer::{Moment, TimerTable};

/// What happens to a server transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerInput {
    /// A request that matches its [`ServerKey`]: a retransmission, or the ACK to an INVITE's response.
    Received(Message),
    /// What it sent last could not leave the node.
    TransportFailed,
    /// The moment of [`ServerTransaction::deadline`] has come.
    Deadline,
}

/// What a server transaction orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerOrder {
    /// To the transport, by the rules of Via (RFC 3261 §18.2.2).
    Send(Message),
    /// To the user: an ACK to a 2xx that came with the INVITE's own branch.
    Deliver(Message),
    /// To the user: a response could not leave. The transaction lives on, since a retransmitted
    /// request may bring a way back (RFC 6026 §7.1).
    Unreachable,
    /// It may be dropped. Nothing follows.
    Terminated,
}

/// A server transaction, INVITE or not.
#[derive(Debug, Clone)]
pub struct ServerTransaction {
    key: ServerKey,
    pub(super) request: Message,
    pub(super) transport: Transport,
    pub(super) timers: TimerTable<Timer>,
    /// Present period of timer G.
    pub(super) interval: Duration,
    /// What a retransmitted request is answered with.
    pub(super) last: Option<Message>,
    pub(super) state: State,
}

/// Which machine, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Invite(server_invite::State),
    NonInvite(server_non_invite::State),
    Terminated,
}

impl ServerTransaction {
    /// Starts with a received request, which is the user's to answer. An INVITE is told 100 Trying at
    /// once: RFC 3261 §17.2.1 asks for it "unless it knows that the TU will generate a provisional or
    /// final response within 200 ms", and paging a handset takes longer.
    ///
    /// `None` when the request lacks what a transaction is known by (answer 400 without one).
    pub fn new(request: Message, transport: Transport) -> Option<(Self, Vec<ServerOrder>)> {
        let key = ServerKey::of(&request)?;
        let invite = request.method() == Some(Method::Invite);
        let state = match invite {
            true => State::Invite(server_invite::State::Proceeding),
            false => State::NonInvite(server_non_invite::State::Trying),
        };
        let timers = TimerTable::default();
        let interval = Duration::ZERO;
        let mut new = Self { key, request, transport, timers, interval, last: None, state };
        let orders = if invite { new.trying() } else { Vec::new() };
        Some((new, orders))
    }

    /// The user's response. One that the state no longer permits (a second final one) is dropped.
    pub fn respond(&mut self, response: Message, now: Moment) -> Vec<ServerOrder> {
        self.run(Step::Respond(response), now)
    }

    /// Takes one input. After `Terminated` every input is ignored.
    pub fn handle(&mut self, input: ServerInput, now: Moment) -> Vec<ServerOrder> {
        match input {
            ServerInput::Received(request) => self.run(Step::Received(request), now),
            ServerInput::TransportFailed => match self.state {
                State::Terminated => Vec::new(),
                _ => vec![ServerOrder::Unreachable],
            },
            ServerInput::Deadline => {
                let mut orders = Vec::new();
                while let Some(timer) = self.timers.pop_expired(now) {
                    orders.extend(self.run(Step::Timer(timer), now));
                }
                orders
            }
        }
    }

    /// Drops it without a word, when its user gave up on answering.
    pub fn abandon(&mut self) -> Vec<ServerOrder> {
        let mut orders = Vec::new();
        self.terminate(&mut orders);
        orders
    }

    /// When it wants [`ServerInput::Deadline`].
    pub fn deadline(&self) -> Option<Moment> {
        self.timers.next()
    }

    /// The request it was made with.
    pub fn request(&self) -> &Message {
        &self.request
    }

    /// What a retransmission must have in common with it.
    pub fn key(&self) -> &ServerKey {
        &self.key
    }

    /// Whether its user still owes the final response.
    pub fn is_pending(&self) -> bool {
        use server_non_invite::State::{Proceeding, Trying};
        match self.state {
            State::Invite(state) => state == server_invite::State::Proceeding,
            State::NonInvite(state) => matches!(state, Trying | Proceeding),
            State::Terminated => false,
        }
    }

    fn run(&mut self, step: Step, now: Moment) -> Vec<ServerOrder> {
        let mut orders = Vec::new();
        match self.state {
            State::Invite(state) => self.invite_step(state, step, now, &mut orders),
            State::NonInvite(state) => self.non_invite_step(state, step, now, &mut orders),
            State::Terminated => {}
        }
        orders
    }

    pub(super) fn terminate(&mut self, orders: &mut Vec<ServerOrder>) {
        if self.state != State::Terminated {
            self.state = State::Terminated;
            self.timers.stop_all();
            orders.push(ServerOrder::Terminated);
        }
    }

    pub(super) fn send(&mut self, response: Message, orders: &mut Vec<ServerOrder>) {
        self.last = Some(response.clone());
        orders.push(ServerOrder::Send(response));
    }

    pub(super) fn repeat(&self, orders: &mut Vec<ServerOrder>) {
        orders.extend(self.last.clone().map(ServerOrder::Send));
    }
}

/// One cause of one transition.
#[derive(Debug)]
pub(super) enum Step {
    Received(Message),
    Respond(Message),
    Timer(Timer),
}
