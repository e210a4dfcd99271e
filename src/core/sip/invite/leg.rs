//! The machine itself: one input in, everything it causes out.

use std::collections::VecDeque;
use std::mem;

use super::open::Kept;
use super::state::{
    Calling, Challenged, Client, ClientUse, Confirmed, Event, LegTimer, Ringing, SentAck, Server, State,
};
use super::unheard::Unheard;
use super::{EndCause, LegEvent, LegInput, LegOrder, LegOutput, LegRecord, LegRefusal, LegSave, LocalEnd};
use crate::id::{OwnerId, Tokens};
use crate::machine::{Machine, Ready};
use crate::sip::dialog::DialogId;
use crate::sip::door::Onward;
use crate::sip::wire::Message;
use crate::timer::{Moment, TimerTable};

/// One leg of a call. See the [module](super).
#[derive(Debug, Clone)]
pub struct Leg {
    pub(super) owner: OwnerId,
    pub(super) local: LocalEnd,
    pub(super) tokens: Tokens,
    /// Our tag in every dialog of this leg.
    pub(super) local_tag: String,
    pub(super) state: State,
    pub(super) clients: Vec<Client>,
    pub(super) servers: Vec<Server>,
    pub(super) timers: TimerTable<LegTimer>,
    pub(super) acks: Vec<SentAck>,
    pub(super) challenged: Option<Challenged>,
    pub(super) next_handle: u32,
    /// Of the request that it dials for.
    pub(super) onward: Onward,
    /// Our BYE, until it is answered, to a peer that is reached by its own stream alone.
    pub(super) unheard: Option<Unheard>,
    /// `Refused` or `Ended` was said.
    pub(super) ended: bool,
    /// What is on disk.
    pub(super) saved: Option<Box<LegRecord>>,
    /// Which INVITE is, until it is answered.
    pub(super) kept: Option<Kept>,
    /// It had a life before this process.
    pub(super) restored: bool,
    /// Steps still to be taken for the present input.
    pub(super) queue: VecDeque<Event>,
    pub(super) save: Vec<LegSave>,
    pub(super) then: Vec<LegOutput>,
}

impl Leg {
    /// A leg that waits for [`LegOrder::Dial`] or for a received INVITE. `tokens` must be its own
    /// ([`Tokens::split`]).
    pub fn new(owner: OwnerId, local: LocalEnd, mut tokens: Tokens) -> Self {
        let local_tag = format!("{owner}.{}", tokens.word());
        Self {
            owner,
            local,
            tokens,
            local_tag,
            state: State::Idle,
            clients: Vec::new(),
            servers: Vec::new(),
            timers: TimerTable::default(),
            acks: Vec::new(),
            challenged: None,
            next_handle: 0,
            onward: Onward::default(),
            unheard: None,
            ended: false,
            saved: None,
            kept: None,
            restored: false,
            queue: VecDeque::new(),
            save: Vec::new(),
            then: Vec::new(),
        }
    }

    /// Who owns it.
    pub fn owner(&self) -> OwnerId {
        self.owner
    }

    /// The confirmed dialog, while there is a session.
    pub fn dialog_id(&self) -> Option<&DialogId> {
        match &self.state {
            State::Confirmed(confirmed) => Some(&confirmed.usage.dialog.id),
            _ => None,
        }
    }

    /// Our tag, which is in every dialog of this leg.
    pub fn local_tag(&self) -> &str {
        &self.local_tag
    }

    /// Its state in one word, for people.
    pub fn state_name(&self) -> &'static str {
        self.state.words()
    }

    /// Whether every transaction is done.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Takes the state out, lets it consume the event, and puts its successor in.
    fn step(&mut self, event: Event, now: Moment) {
        let Some(event) = self.filter_challenge(event, now) else { return };
        self.state = match mem::replace(&mut self.state, State::Closed) {
            State::Idle => self.idle(event, now),
            State::Calling(calling) => self.calling(calling, event, now),
            State::Ringing(ringing) => self.ringing(ringing, event, now),
            State::Confirmed(confirmed) => self.confirmed(confirmed, event, now),
            State::Ending(usage) => self.ending(usage, event, now),
            State::Closed => State::Closed,
        };
    }

    fn idle(&mut self, event: Event, now: Moment) -> State {
        match event {
            Event::Order(LegOrder::Dial(dial)) => self.dial(*dial, now),
            Event::Order(LegOrder::HangUp { .. }) => self.enter_ending(None, now),
            Event::Request { key, request, peer } => self.invited(key, request, peer, now),
            _ => State::Idle,
        }
    }

    fn calling(&mut self, mut calling: Box<Calling>, event: Event, now: Moment) -> State {
        use ClientUse::Invite;
        match event {
            Event::Response { used_for: Invite, request, response, retries, .. } => {
                self.invite_response(calling, request, response, retries, now)
            }
            Event::Failed { used_for: Invite, .. } if self.waits_for_stream(&calling) => {
                State::Calling(calling)
            }
            Event::Failed { used_for: Invite, failure } => {
                self.end(failure.into(), None);
                self.enter_ending(None, now)
            }
            Event::Order(LegOrder::HangUp { headers }) => self.cancel(calling, EndCause::ByUs, headers, now),
            Event::Expired(LegTimer::AnswerLimit)
                if self.waits_for_stream(&calling) && self.clients.is_empty() =>
            {
                self.enter_ending(None, now)
            }
            Event::Expired(LegTimer::AnswerLimit) => self.cancel(calling, EndCause::Timeout, Vec::new(), now),
            Event::Expired(LegTimer::CancelLimit) => {
                self.abandon_invites();
                self.enter_ending(None, now)
            }
            other => {
                self.in_early_dialog(&mut calling, other, now);
                State::Calling(calling)
            }
        }
    }

    fn ringing(&mut self, mut ringing: Box<Ringing>, event: Event, now: Moment) -> State {
        match event {
            Event::Order(LegOrder::Progress { status, body, reliable }) => {
                self.progress(&mut ringing, status, body, reliable, now);
                State::Ringing(ringing)
            }
            Event::Order(LegOrder::Alert(alert)) => {
                ringing.alert = Some(alert);
                State::Ringing(ringing)
            }
            Event::Order(LegOrder::Accept { body }) => self.accept(ringing, body, now),
            Event::Order(LegOrder::Reject { status, reason, headers }) => {
                self.reject(ringing, (status, &reason), headers, EndCause::ByUs, now)
            }
            Event::Order(LegOrder::HangUp { headers }) => {
                self.reject(ringing, (480, "Temporarily Unavailable"), headers, EndCause::ByUs, now)
            }
            Event::Cancelled { key, cancel } if key == ringing.key => self.cancelled(ringing, cancel, now),
            Event::Expired(LegTimer::AnswerLimit) => {
                self.reject(ringing, (480, "No Answer"), Vec::new(), EndCause::Timeout, now)
            }
            // RFC 3262 §3: "the UAS SHOULD reject the original request with a 5xx response."
            Event::Expired(LegTimer::ProgressLimit) => {
                self.reject(ringing, (504, "No PRACK"), Vec::new(), EndCause::Timeout, now)
            }
            Event::Expired(LegTimer::ProgressAgain) => {
                self.progress_again(&mut ringing, now);
                State::Ringing(ringing)
            }
            Event::Expired(LegTimer::Reminder) => {
                self.remind(&ringing, now);
                State::Ringing(ringing)
            }
            Event::Request { key, request, peer } => {
                self.request_while_ringing(ringing, key, request, peer, now)
            }
            other => match self.in_usage(&mut ringing.usage, other, now) {
                None => State::Ringing(ringing),
                Some(cause) => self.reject(ringing, (500, "Dialog Lost"), Vec::new(), cause, now),
            },
        }
    }

    fn confirmed(&mut self, mut confirmed: Box<Confirmed>, event: Event, now: Moment) -> State {
        use ClientUse::Invite;
        match event {
            Event::Order(LegOrder::HangUp { headers }) => self.hang_up(confirmed, headers, now),
            Event::Ack(ack) => self.acknowledged(confirmed, ack, now),
            Event::Response { used_for: Invite, request, response, hop, .. } => {
                self.further_success(&confirmed.usage, request, response, hop, now);
                State::Confirmed(confirmed)
            }
            Event::Expired(LegTimer::AcceptAgain) => {
                self.accept_again(&mut confirmed.usage, now);
                State::Confirmed(confirmed)
            }
            // RFC 3261 §13.3.1.4: "If the server retransmits the 2xx response for 64*T1 seconds without
            // receiving an ACK, the dialog is confirmed, but the session SHOULD be terminated … with BYE."
            Event::Expired(LegTimer::AcceptLimit) => {
                self.stop_accepting(&mut confirmed.usage);
                self.break_off(confirmed, EndCause::Timeout, now)
            }
            Event::Expired(LegTimer::SessionEnd) => self.break_off(confirmed, EndCause::SessionExpired, now),
            Event::Request { key, request, .. } if is_bye(&request) => {
                self.hung_up(confirmed, key, request, now)
            }
            other => match self.in_usage(&mut confirmed.usage, other, now) {
                // A re-INVITE can stand for the ACK that a BYE was waiting for.
                None if confirmed.farewell.is_some() => self.part(confirmed, now),
                None => State::Confirmed(confirmed),
                Some(cause) => self.break_off(confirmed, cause, now),
            },
        }
    }

    /// `Ended`, once.
    pub(super) fn end(&mut self, cause: EndCause, message: Option<Message>) {
        self.tell(LegEvent::Ended { cause, message });
        self.finish();
    }

    /// From here on the call hears no more of the session.
    pub(super) fn finish(&mut self) {
        self.ended = true;
    }

    /// Saves what has changed. A record lives until our BYE is answered, so that a restart in between
    /// says it again; the other end must not be left in a session that is over.
    fn write_down(&mut self) {
        if matches!(self.state, State::Calling(_) | State::Ringing(_)) {
            return self.write_open();
        }
        let waits = self.challenged.is_some() || self.waits_for_a_way();
        let parting = self.clients.iter().any(|c| c.used_for == ClientUse::Bye) || waits;
        let usage = match &self.state {
            State::Confirmed(confirmed) => Some(&confirmed.usage),
            State::Ending(Some(usage)) if parting && self.saved.is_some() => Some(&**usage),
            _ => None,
        };
        match usage.map(|usage| self.record(usage)) {
            Some(record) if self.saved.as_deref() != Some(&record) => {
                self.save.push(LegSave::Put(Box::new(record.clone())));
                self.saved = Some(Box::new(record));
            }
            Some(_) => {}
            None if self.saved.take().is_some() => self.save.push(LegSave::Delete(self.owner)),
            None => {}
        }
    }

    /// Closes a finished leg.
    fn settle(&mut self) {
        self.write_down();
        let done = self.clients.is_empty() && self.servers.is_empty() && self.challenged.is_none();
        if matches!(self.state, State::Ending(_)) && done && !self.waits_for_a_way() {
            self.state = State::Closed;
            self.timers.stop_all();
            self.acks.clear();
            self.then.push(LegOutput::Event(LegEvent::Closed));
        }
    }
}

impl Machine for Leg {
    type Input = LegInput;
    type Save = LegSave;
    type Output = LegOutput;
    type Refusal = LegRefusal;

    fn handle(&mut self, input: LegInput, now: Moment) -> Result<Ready<LegSave, LegOutput>, LegRefusal> {
        match input {
            LegInput::Order(LegOrder::Focus { user }) => self.be_focus(&user),
            LegInput::Order(order) => {
                self.admit(&order)?;
                self.queue.push_back(Event::Order(order));
            }
            LegInput::Received(message, peer) => self.receive(message, peer, now),
            LegInput::TransportFailed(message) => self.transport_failed(&message, now),
            LegInput::Moved { contact, destination } => self.moved(&contact, destination, now),
            LegInput::Deadline => self.tick(now),
            LegInput::Started => self.started(now),
        }
        while let Some(event) = self.queue.pop_front() {
            self.step(event, now);
        }
        self.settle();
        Ok(Ready { save: mem::take(&mut self.save), then: mem::take(&mut self.then) })
    }

    fn deadline(&self) -> Option<Moment> {
        let clients = self.clients.iter().filter_map(|c| c.transaction.deadline());
        let servers = self.servers.iter().flat_map(|s| [s.transaction.deadline(), s.give_up]).flatten();
        clients.chain(servers).chain(self.timers.next()).min()
    }
}

fn is_bye(request: &Message) -> bool {
    request.method() == Some(super::super::wire::Method::Bye)
}
