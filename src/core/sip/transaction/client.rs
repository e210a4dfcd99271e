//! The client side: what both client machines share.

use std::time::Duration;

use super::super::{Transport, wire::Message, wire::Method};
use super::{ClientKey, Timer, client_invite, client_non_invite};
use crate::timer::{Moment, TimerTable};

/// What happens to a client transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientInput {
    /// A response that matches its [`ClientKey`].
    Response(Message),
    /// What it sent last could not leave the node.
    TransportFailed,
    /// The moment of [`ClientTransaction::deadline`] has come.
    Deadline,
}

/// What a client transaction orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientOrder {
    /// To the transport: the request, a repetition of it, or the ACK to a refusal.
    Send(Message),
    /// To the user: a response it has not seen.
    Deliver(Message),
    /// To the user: no response in 64*T1; as good as a 408 (RFC 3261 §8.1.3.1).
    TimedOut,
    /// To the user: the transport failed; as good as a 503 (RFC 3261 §8.1.3.1).
    Unreachable,
    /// It may be dropped. Nothing follows.
    Terminated,
}

/// A client transaction, INVITE or not.
#[derive(Debug, Clone)]
pub struct ClientTransaction {
    key: ClientKey,
    pub(super) request: Message,
    pub(super) transport: Transport,
    pub(super) timers: TimerTable<Timer>,
    /// Present period of timer A or E.
    pub(super) interval: Duration,
    pub(super) state: State,
}

/// Which machine, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Invite(client_invite::State),
    NonInvite(client_non_invite::State),
    Terminated,
}

impl ClientTransaction {
    /// Starts with `request`, which must carry its Via with a fresh branch. ACK has no transaction.
    pub fn new(request: Message, transport: Transport, now: Moment) -> (Self, Vec<ClientOrder>) {
        let invite = request.method() == Some(Method::Invite);
        let state = match invite {
            true => State::Invite(client_invite::State::Calling),
            false => State::NonInvite(client_non_invite::State::Trying),
        };
        let key = ClientKey::of(&request).unwrap_or_default();
        let timers = TimerTable::default();
        let mut new = Self { key, request, transport, timers, interval: Duration::ZERO, state };
        let orders = match invite {
            true => new.start_invite(now),
            false => new.start_non_invite(now),
        };
        (new, orders)
    }

    /// Takes one input. After `Terminated` every input is ignored.
    pub fn handle(&mut self, input: ClientInput, now: Moment) -> Vec<ClientOrder> {
        let mut orders = Vec::new();
        match input {
            ClientInput::Deadline => {
                while let Some(timer) = self.timers.pop_expired(now) {
                    self.step(Step::Timer(timer), now, &mut orders);
                }
            }
            ClientInput::Response(response) => self.step(Step::Response(response), now, &mut orders),
            ClientInput::TransportFailed => self.step(Step::TransportFailed, now, &mut orders),
        }
        orders
    }

    /// RFC 3261 §9.1: "If there is no final response for the original request in 64*T1 seconds … the
    /// client SHOULD then consider the original transaction cancelled and SHOULD destroy the client
    /// transaction handling the original request."
    pub fn abandon(&mut self) -> Vec<ClientOrder> {
        let mut orders = Vec::new();
        self.terminate(&mut orders);
        orders
    }

    /// When it wants [`ClientInput::Deadline`].
    pub fn deadline(&self) -> Option<Moment> {
        self.timers.next()
    }

    /// The request it was made with.
    pub fn request(&self) -> &Message {
        &self.request
    }

    /// What a response must have in common with it.
    pub fn key(&self) -> &ClientKey {
        &self.key
    }

    /// Whether a provisional response has come and no final one: the state in which RFC 3261 §9.1
    /// lets a CANCEL go.
    pub fn is_proceeding(&self) -> bool {
        matches!(
            self.state,
            State::Invite(client_invite::State::Proceeding)
                | State::NonInvite(client_non_invite::State::Proceeding)
        )
    }

    /// Whether no final response has come yet.
    pub fn is_pending(&self) -> bool {
        self.is_proceeding()
            || matches!(
                self.state,
                State::Invite(client_invite::State::Calling)
                    | State::NonInvite(client_non_invite::State::Trying)
            )
    }

    fn step(&mut self, step: Step, now: Moment, orders: &mut Vec<ClientOrder>) {
        match self.state {
            State::Invite(state) => self.invite_step(state, step, now, orders),
            State::NonInvite(state) => self.non_invite_step(state, step, now, orders),
            State::Terminated => {}
        }
    }

    pub(super) fn terminate(&mut self, orders: &mut Vec<ClientOrder>) {
        if self.state != State::Terminated {
            self.state = State::Terminated;
            self.timers.stop_all();
            orders.push(ClientOrder::Terminated);
        }
    }
}

/// One cause of one transition.
#[derive(Debug)]
pub(super) enum Step {
    Response(Message),
    Timer(Timer),
    TransportFailed,
}
