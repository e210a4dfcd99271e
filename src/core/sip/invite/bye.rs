//! The end of a session: BYE sent and received, and what still comes after it (RFC 3261 §15).

use super::send::put_headers;
use super::state::{ClientUse, Confirmed, Event, LegTimer, MAX_FORKS, Owed, State, Usage};
use super::unheard::Unheard;
use super::{EndCause, Leg};
use crate::sip::transaction::ServerKey;
use crate::sip::wire::{HeaderName, Message, Method, Text};
use crate::timer::Moment;

impl Leg {
    /// Our order to end an answered call.
    pub(super) fn hang_up(
        &mut self,
        mut confirmed: Box<Confirmed>,
        headers: Vec<(HeaderName, Text)>,
        now: Moment,
    ) -> State {
        if confirmed.farewell.is_some() {
            return State::Confirmed(confirmed);
        }
        self.end(EndCause::ByUs, None);
        confirmed.farewell = Some(headers);
        self.part(confirmed, now)
    }

    /// The leg ends the session by itself.
    pub(super) fn break_off(&mut self, mut confirmed: Box<Confirmed>, cause: EndCause, now: Moment) -> State {
        self.end(cause, None);
        confirmed.farewell.get_or_insert_default();
        self.part(confirmed, now)
    }

    /// "The callee's UA MUST NOT send a BYE on a confirmed dialog until it has received an ACK for its 2xx
    /// response or until the server transaction times out."
    pub(super) fn part(&mut self, mut confirmed: Box<Confirmed>, now: Moment) -> State {
        if confirmed.usage.unacknowledged.is_some() {
            return State::Confirmed(confirmed);
        }
        let headers = confirmed.farewell.take().unwrap_or_default();
        if let Some(Owed::Ack(invite)) = confirmed.usage.owed.take() {
            self.acknowledge(&confirmed.usage, &invite, None);
        }
        self.say_bye(&mut confirmed.usage, headers, now);
        self.enter_ending(Some(Box::new(confirmed.usage)), now)
    }

    pub(super) fn say_bye(&mut self, usage: &mut Usage, headers: Vec<(HeaderName, Text)>, now: Moment) {
        let mut bye = self.in_dialog(usage, Method::Bye);
        self.unheard = Unheard::of(usage, &headers);
        put_headers(&mut bye, headers);
        self.ask(bye, ClientUse::Bye, usage.hop(), now);
    }

    /// The other end hangs up.
    pub(super) fn hung_up(
        &mut self,
        mut confirmed: Box<Confirmed>,
        key: ServerKey,
        bye: Message,
        now: Moment,
    ) -> State {
        let number = bye.cseq().map_or(0, |cseq| cseq.number);
        if !confirmed.usage.dialog.owns(&bye) {
            self.refuse(&key, &bye, 481, "Call/Transaction Does Not Exist", now);
            return State::Confirmed(confirmed);
        }
        if confirmed.usage.dialog.take_cseq(number).is_err() {
            self.refuse(&key, &bye, 500, "CSeq Out of Order", now);
            return State::Confirmed(confirmed);
        }
        if let Some(Owed::Ack(invite)) = confirmed.usage.owed.take() {
            self.acknowledge(&confirmed.usage, &invite, None);
        }
        self.refuse(&key, &bye, 200, "OK", now);
        self.end(EndCause::ByPeer, Some(bye));
        self.enter_ending(Some(Box::new(confirmed.usage)), now)
    }

    /// After the end: crossing BYEs are answered, late 2xx acknowledged, the rest is told that there is
    /// nothing here.
    pub(super) fn ending(&mut self, usage: Option<Box<Usage>>, event: Event, now: Moment) -> State {
        match event {
            Event::Request { key, request, .. } => {
                let ours = usage.as_ref().is_some_and(|usage| usage.dialog.owns(&request));
                match request.method() {
                    // RFC 5407 §3.2.1: BYE crosses BYE; both get 200.
                    Some(Method::Bye) if ours => {
                        self.unheard = None;
                        self.refuse(&key, &request, 200, "OK", now);
                    }
                    _ => self.refuse(&key, &request, 481, "Call/Transaction Does Not Exist", now),
                }
            }
            Event::Response { used_for, request, response, hop, .. }
                if response.status().is_some_and(|status| (200..300).contains(&status))
                    && request.method() == Some(Method::Invite)
                    && !self.repeat_ack(&response) =>
            {
                match (used_for, &usage) {
                    // RFC 5407 §3.2.3: the 2xx to our re-INVITE comes after BYE and still wants its ACK.
                    (ClientUse::Reoffer, Some(usage)) => self.acknowledge(usage, &request, None),
                    (ClientUse::Invite, _) if self.acks.len() < MAX_FORKS => {
                        self.drop_fork(request, response, hop, now);
                    }
                    _ => {}
                }
            }
            Event::Response { used_for: ClientUse::Bye, .. } => self.unheard = None,
            Event::Failed { used_for: ClientUse::Bye, .. } => return self.not_heard(usage, now),
            Event::Expired(LegTimer::Unheard) => self.unheard = None,
            Event::Expired(LegTimer::CancelLimit) => self.abandon_invites(),
            _ => {}
        }
        State::Ending(usage)
    }
}
