//! Calls of one handset.

use super::codec::Negotiation;
use super::dialling::Dialling;
use super::{CallNews, CallNo, News, Offer, Out, Output, Portable, Refusal};
use crate::dect::cc::{self, Ender, Route, State};
use crate::dect::element::{BasicService, CallClass, FixedIdentity, MultiDisplay, PortableIdentity};
use crate::dect::element::{ReleaseReason, Signal};
use crate::dect::lce::{self, PageHeader};
use crate::dect::message::{Kind, Message, Protocol, Side, Transaction};
use crate::dect::ss::{self, Hold};
use crate::machine::Machine;
use crate::pii::Pii;
use crate::timer::Moment;

/// How often an offer is presented anew after the handset began a call in the same moment.
const MAX_COLLISIONS: u8 = 3;

/// One call.
#[derive(Debug)]
pub(super) struct Speech {
    pub machine: cc::Call,
    pub codec: Negotiation,
    dialling: Dialling,
    /// What the handset is offered; none in its own calls.
    offer: Option<Offer>,
    hold: Hold,
    /// The whole number, which nobody was told yet.
    asked: Option<Pii<String>>,
    emergency: bool,
    /// Whether anybody outside knows of the call.
    known: bool,
    /// Both sides began a call at once: the offer is to be presented again.
    collided: bool,
    collisions: u8,
}

impl Speech {
    fn new(transaction: Transaction, offer: Option<Offer>) -> Self {
        Self {
            machine: cc::Call::new(transaction),
            codec: Negotiation::default(),
            dialling: Dialling::default(),
            known: offer.is_some(),
            offer,
            hold: Hold::Idle,
            asked: None,
            emergency: false,
            collided: false,
            collisions: 0,
        }
    }

    /// Until when another digit is waited for.
    pub fn digits_due(&self) -> Option<Moment> {
        self.dialling.deadline().filter(|_| self.machine.state() == State::OverlapSending)
    }

    /// Offered, and not said to the handset yet.
    fn waits(&self) -> bool {
        self.offer.is_some() && self.machine.state() == State::Null
    }
}

/// Calls the switch begins.
impl Portable {
    /// One call at a time: a second is told busy.
    pub(super) fn offer(&mut self, call: CallNo, offer: Offer, now: Moment, out: &mut Out) {
        let reason = match self.standing.as_ref() {
            None => Some(ReleaseReason::USER_UNKNOWN),
            Some(standing) if !standing.located => Some(ReleaseReason::USER_DETACHED),
            Some(_) if !self.calls.is_empty() => Some(ReleaseReason::BUSY),
            Some(_) => None,
        };
        if let Some(reason) = reason {
            let news = CallNews::Ended { reason, by: Ender::Switch };
            return out.then.push(Output::News(News::Call(call, news)));
        }
        let transaction = lce::free(Protocol::Cc, &[]).expect("none of seven is in use");
        self.calls.insert(call, Speech::new(transaction, Some(offer)));
        self.present_waiting(now, out);
    }

    /// Says {CC-SETUP} for an offer, as soon as the link is not being released.
    pub(super) fn present_waiting(&mut self, now: Moment, out: &mut Out) {
        if self.link.state() == lce::State::ReleasePending {
            return;
        }
        let waiting = self.calls.iter().find(|(_, call)| call.waits());
        let Some((no, offer)) = waiting.and_then(|(no, call)| Some((*no, call.offer.clone()?))) else {
            return;
        };
        let Some(park) = self.standing.as_ref().map(|standing| standing.park) else { return };
        let class = if offer.internal { CallClass::INTERNAL } else { CallClass::NORMAL };
        let setup = self
            .message(no, Kind::CcSetup)
            .with(&PortableIdentity::Ipui(self.ipui.clone()))
            .with(&FixedIdentity::Park(park))
            .with(&BasicService { class, service: BasicService::SPEECH.service })
            .with(&offer.ring);
        let caller = offer.caller.spelt(self.knows_utf8());
        let setup = caller.put_into(setup).with_some(self.offered_codecs(no).as_ref());
        // The machine is in F-00, which takes it.
        _ = self.step_call(no, cc::Input::Send(setup), now, out);
        if self.link.state() == lce::State::Established {
            self.reached(now, out);
        }
    }

    /// The link stands, and what waited was said.
    pub(super) fn reached(&mut self, now: Moment, out: &mut Out) {
        let Some(connection) = self.connection.clone() else { return };
        let offered = self.calls.iter().filter(|(_, call)| call.machine.state() == State::CallPresent);
        let offered: Vec<_> = offered.map(|(no, _)| *no).collect();
        for no in &offered {
            out.then.push(Output::News(News::Call(*no, CallNews::Reached(connection.clone()))));
        }
        if !offered.is_empty() {
            self.secure(now, out);
        }
    }

    /// A message of ours in a call.
    fn message(&self, call: CallNo, kind: Kind) -> Message {
        let transaction = self.calls.get(&call).map(|call| call.machine.transaction());
        let transaction = transaction.unwrap_or(Transaction::first(Protocol::Cc, Side::Fixed));
        Message::new(kind, Side::Fixed, transaction)
    }

    pub(super) fn say_in_call(
        &mut self,
        call: CallNo,
        kind: Kind,
        fill: impl FnOnce(Message) -> Message,
        now: Moment,
        out: &mut Out,
    ) -> Result<(), Refusal> {
        let codec = self.chosen_codec(call, kind);
        let message = fill(self.message(call, kind)).with_some(codec.as_ref());
        let speech = self.calls.get_mut(&call).ok_or(Refusal::NoSuchCall)?;
        if matches!(kind, Kind::HoldAck | Kind::HoldReject | Kind::RetrieveAck | Kind::RetrieveReject) {
            speech.hold = speech.hold.after(&message).ok_or(Refusal::NoSuchCall)?;
        }
        self.step_call(call, cc::Input::Send(message), now, out)
    }

    /// Whether names may stand in UTF-8.
    pub(super) fn knows_utf8(&self) -> bool {
        self.capability.as_ref().is_some_and(|capability| capability.utf8())
    }

    /// A text for its display.
    pub(super) fn display(&self, text: &str) -> MultiDisplay {
        ss::display(text, self.capability.as_ref().map_or(0, |capability| capability.stored_characters()))
    }

    /// Ends a call in the way its state asks for.
    pub(super) fn release(
        &mut self,
        call: CallNo,
        reason: ReleaseReason,
        tone: Option<Signal>,
        words: Option<&str>,
        now: Moment,
        out: &mut Out,
    ) {
        let Some(state) = self.calls.get(&call).map(|call| call.machine.state()) else { return };
        // "If the call is released by the higher entity … the message shall be immediately discarded" (14.2.3).
        if state == State::Null || self.link.state() == lce::State::EstablishPending {
            self.step_link(lce::Input::Discard, now, out);
            return self.ended(call, reason, Ender::Switch, out);
        }
        let words = words.map(|words| self.display(words));
        if tone.is_some() || words.is_some() {
            let fill = |message: Message| message.with_some(words.as_ref()).with_some(tone.as_ref());
            // Not in F-01 or F-06, which have no {CC-INFO}.
            _ = self.say_in_call(call, Kind::CcInfo, fill, now, out);
        }
        let blocked = matches!(reason, ReleaseReason::INSUFFICIENT_BEARERS | ReleaseReason::USER_UNKNOWN);
        let kind = if blocked && state < State::Active { Kind::CcReleaseCom } else { Kind::CcRelease };
        // Refused in F-19 alone, where the call ends already.
        _ = self.say_in_call(call, kind, |message| message.with(&reason), now, out);
    }
}

/// Calls the handset begins, and what it says in any.
impl Portable {
    pub(super) fn conversations(&self) -> Vec<(Transaction, State)> {
        self.calls.values().map(|call| (call.machine.transaction(), call.machine.state())).collect()
    }

    pub(super) fn hear_call(&mut self, message: Message, now: Moment, out: &mut Out) {
        match cc::route(&message, &self.conversations()) {
            Route::Call => {
                let transaction = message.transaction;
                let owner = |(_, call): &(&CallNo, &Speech)| {
                    call.machine.transaction() == transaction && call.machine.state() != State::Null
                };
                if let Some(no) = self.calls.iter().find(owner).map(|(no, _)| *no) {
                    _ = self.step_call(no, cc::Input::Received(message), now, out);
                }
            }
            Route::NewCall => self.new_call(message, now, out),
            Route::Answer { message, collision } => {
                if let Some(call) = self.calls.values_mut().find(|call| call.offer.is_some() && collision) {
                    call.collided = call.collisions < MAX_COLLISIONS;
                    call.collisions += 1;
                }
                self.say(message, PageHeader::Voice, now, out);
            }
            Route::Nowhere => {}
        }
    }

    fn new_call(&mut self, setup: Message, now: Moment, out: &mut Out) {
        // An offer that the link did not let out yet: the handset was faster.
        let waiting: Vec<_> = self.calls.iter().filter(|(_, c)| c.waits()).map(|(no, _)| *no).collect();
        waiting.into_iter().for_each(|no| self.ended(no, ReleaseReason::BUSY, Ender::Handset, out));
        let class = setup.get::<BasicService>().map_or(CallClass::NORMAL, |service| service.class);
        let keyed = self.standing.as_ref().is_some_and(|standing| standing.uak.is_some());
        let refused = match class {
            _ if !keyed => Some(ReleaseReason::UNKNOWN_IDENTITY),
            CallClass::NORMAL | CallClass::INTERNAL | CallClass::EMERGENCY | CallClass::SERVICE => None,
            _ => Some(ReleaseReason::SERVICE_NOT_IMPLEMENTED),
        };
        if let Some(reason) = refused {
            self.say(setup.answer(Kind::CcReleaseCom).with(&reason), PageHeader::Voice, now, out);
            return self.link_not_needed(true, now, out);
        }
        let no = CallNo(self.next_call);
        self.next_call += 1;
        let mut speech = Speech::new(setup.transaction, None);
        speech.emergency = class == CallClass::EMERGENCY;
        speech.codec = Negotiation::of_setup(&setup);
        self.calls.insert(no, speech);
        _ = self.step_call(no, cc::Input::Received(setup), now, out);
    }

    pub(super) fn each_call(&mut self, input: cc::Input, now: Moment, out: &mut Out) {
        let calls: Vec<_> = self.calls.iter().filter(|(_, c)| !c.waits()).map(|(no, _)| *no).collect();
        for no in calls {
            _ = self.step_call(no, input.clone(), now, out);
        }
    }

    pub(super) fn step_call(
        &mut self,
        no: CallNo,
        input: cc::Input,
        now: Moment,
        out: &mut Out,
    ) -> Result<(), Refusal> {
        let ready = self.calls.get_mut(&no).ok_or(Refusal::NoSuchCall)?.machine.handle(input, now)?;
        for output in ready.then {
            match output {
                cc::Output::Send(message) => self.say(message, PageHeader::Voice, now, out),
                cc::Output::Heard(message) => self.heard(no, &message, now, out),
                cc::Output::Ended { reason, by } => self.ended(no, reason, by, out),
                cc::Output::LinkNotNeeded { partial } => self.link_not_needed(partial, now, out),
                cc::Output::ServiceChangeFailed => self.codec_answered(no, false, now, out),
                // The leg opens the speech path when it hears that the call is answered.
                cc::Output::ConnectUPlane => {}
            }
        }
        Ok(())
    }

    /// The one match of what a handset says in a call.
    fn heard(&mut self, no: CallNo, message: &Message, now: Moment, out: &mut Out) {
        match message.kind {
            Kind::CcAlerting | Kind::CcConnect => self.codec_taken(no, message),
            Kind::CcServiceAccept => return self.codec_answered(no, true, now, out),
            Kind::CcServiceReject => return self.codec_answered(no, false, now, out),
            Kind::CcServiceChange => return self.service_asked(no, message, now, out),
            _ => {}
        }
        let Some(call) = self.calls.get_mut(&no) else { return };
        let news = match (message.kind, call.machine.state()) {
            (Kind::CcSetup, _) | (Kind::CcInfo, State::OverlapSending) => {
                return self.dialled(no, message, now, out);
            }
            (Kind::CcInfo, _) => {
                let keys = ss::keys(message);
                (!keys.is_empty()).then_some(CallNews::Keys(keys))
            }
            (Kind::CcAlerting, _) => Some(CallNews::Alerting),
            (Kind::CcConnect, _) => Some(CallNews::Answered),
            (Kind::Hold | Kind::Retrieve, State::Active) => {
                let Some(after) = call.hold.after(message) else { return };
                call.hold = after;
                Some(if message.kind == Kind::Hold { CallNews::HoldAsked } else { CallNews::RetrieveAsked })
            }
            _ => None,
        };
        if let (Some(news), true) = (news, call.known) {
            out.then.push(Output::News(News::Call(no, news)));
        }
        if message.kind == Kind::CcConnect {
            self.change_codec(no, now, out);
        }
    }

    fn dialled(&mut self, no: CallNo, message: &Message, now: Moment, out: &mut Out) {
        let gap = self.rules.digit_gap;
        let Some(call) = self.calls.get_mut(&no) else { return };
        let began = call.dialling.is_empty();
        call.dialling.take(message, gap, now);
        let (whole, empty) = (call.dialling.whole(now).is_some(), call.dialling.is_empty());
        let first = call.machine.state() == State::CallInitiated;
        let said = match (whole, first, began && !empty) {
            (true, ..) => return self.proceed(no, now, out),
            (false, true, _) => {
                let tone = empty.then_some(Signal::DIAL_TONE);
                self.say_in_call(no, Kind::CcSetupAck, |ack| ack.with_some(tone.as_ref()), now, out)
            }
            (false, false, true) => {
                self.say_in_call(no, Kind::CcInfo, |info| info.with(&Signal::TONES_OFF), now, out)
            }
            _ => Ok(()),
        };
        debug_assert!(said.is_ok(), "{said:?}");
        if let Some(call) = self.calls.get(&no).filter(|call| !call.dialling.is_empty()) {
            let digits = Pii(call.dialling.digits().to_owned());
            out.then.push(Output::News(News::Call(no, CallNews::Digits(digits))));
        }
    }

    /// The dial plan says that the number is whole.
    pub(super) fn whole(&mut self, no: CallNo, digits: &str, now: Moment, out: &mut Out) {
        let Some(call) = self.calls.get_mut(&no) else { return };
        if call.machine.state() == State::OverlapSending {
            call.dialling.complete(digits);
            self.numbers_due(now, out);
        }
    }

    pub(super) fn numbers_due(&mut self, now: Moment, out: &mut Out) {
        let due = |call: &Speech| {
            call.machine.state() == State::OverlapSending && call.dialling.whole(now).is_some()
        };
        let calls: Vec<_> = self.calls.iter().filter(|(_, call)| due(call)).map(|(no, _)| *no).collect();
        calls.into_iter().for_each(|no| self.proceed(no, now, out));
    }

    /// The number is whole.
    fn proceed(&mut self, no: CallNo, now: Moment, out: &mut Out) {
        let Some(call) = self.calls.get_mut(&no) else { return };
        call.asked = call.dialling.whole(now).map(|digits| Pii(digits.to_owned()));
        // F-01 and F-02 both take it.
        _ = self.say_in_call(no, Kind::CcCallProc, |proceeding| proceeding, now, out);
        self.secure(now, out);
        self.tell_asked(out);
    }

    /// Tells of calls whose number is whole, if it is certain who calls. An emergency call is told of at once.
    pub(super) fn tell_asked(&mut self, out: &mut Out) {
        let (secure, connection) = (self.is_secure(), self.connection.clone());
        for (no, call) in &mut self.calls {
            let Some(connection) = connection.clone().filter(|_| secure || call.emergency) else { continue };
            let Some(digits) = call.asked.take() else { continue };
            call.known = true;
            let emergency = call.emergency;
            out.then.push(Output::News(News::Call(*no, CallNews::Asked { digits, emergency, connection })));
        }
    }

    fn ended(&mut self, no: CallNo, reason: ReleaseReason, by: Ender, out: &mut Out) {
        let Some(call) = self.calls.get_mut(&no) else { return };
        if std::mem::take(&mut call.collided) {
            // Null again: `present_waiting` takes it up.
            call.machine = cc::Call::new(call.machine.transaction());
            return;
        }
        if call.known {
            out.then.push(Output::News(News::Call(no, CallNews::Ended { reason, by })));
        }
        self.calls.remove(&no);
    }
}
