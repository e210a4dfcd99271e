//! Call control, portable side (EN 300 175-5, clause 9 and annex B).

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::{Event, Output, Portable};
use crate::dect::number::{ie, msg, pd, release};
use crate::dect::nwk::Message;

/// P-CC.02: the answer to a release.
const CC_02: Duration = Duration::from_secs(36);
/// P-CC.03: the answer to a setup.
const CC_03: Duration = Duration::from_secs(20);
/// P-CC.05: CC-CONNECT-ACK.
const CC_05: Duration = Duration::from_secs(10);
/// BASIC-SERVICE: a normal call, basic speech.
const SPEECH: u8 = 0x80;
/// PROGRESS-INDICATOR: "in-band information available".
const IN_BAND: u8 = 0x88;

/// CODEC-LIST: G.722 in a long slot, G.726 in a full one, negotiable (EN 300 175-5, 7.7.54).
const CODECS: [u8; 7] = [0x90, 0x03, 0x00, 0x01, 0x02, 0x00, 0x84];
/// The same with G.722 alone: chosen.
const CHOSEN: [u8; 4] = [0x90, 0x03, 0x00, 0x81];
/// Number of G.722 there.
const G722: u8 = 3;

/// States of a call at the portable side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// T-01: dialled, nothing heard yet.
    Initiated,
    /// T-02: digit by digit.
    Overlap,
    /// T-03: the number is complete.
    Proceeding,
    /// T-04: it rings there.
    Delivered,
    /// T-07: it rings here.
    Received,
    /// T-08: answered here.
    ConnectPending,
    /// T-10.
    Active,
    /// T-19: released here.
    ReleasePending,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Ringing {
    /// CALLING-PARTY-NUMBER.
    pub number: Option<String>,
    /// CALLING-PARTY-NAME.
    pub name: Option<String>,
    /// SIGNAL.
    pub signal: Option<u8>,
}

/// The call.
#[derive(Debug)]
pub(super) struct Call {
    state: CallState,
    /// The handset began it.
    ours: bool,
    transaction: u8,
    /// Digits that wait for CC-SETUP-ACK.
    digits: Vec<u8>,
    /// CC-SETUP, while it may be said once more.
    setup: Option<Message>,
    by: Option<Instant>,
    /// The system offered G.722.
    offered_wide: bool,
}

impl Call {
    pub(super) const fn state(&self) -> CallState {
        self.state
    }

    fn message(&self, kind: u8) -> Message {
        let message = Message::new(pd::CC, kind);
        Message { from_starter: self.ours, transaction: self.transaction, ..message }
    }
}

impl Portable {
    /// Off hook, with a number (en bloc) or without. False when there is a call already, or no system.
    pub fn off_hook(&mut self, number: Option<&str>, now: Instant) -> bool {
        let Some(subscription) = self.subscription.as_ref().filter(|_| self.call.is_none()) else {
            return false;
        };
        let mut setup = Message::new(pd::CC, msg::CC_SETUP)
            .with(ie::PORTABLE_IDENTITY, &subscription.ipui)
            .with(ie::FIXED_IDENTITY, &subscription.park().element())
            .with(ie::BASIC_SERVICE, &[SPEECH]);
        if let Some(number) = number {
            // Unknown type, unknown plan.
            let content = [&[0x80], number.as_bytes()].concat();
            setup = setup.with(ie::CALLED_PARTY_NUMBER, &content);
        }
        if self.wideband {
            setup = setup.with(ie::CODEC_LIST, &CODECS);
        }
        let (state, by) = (CallState::Initiated, Some(now + CC_03));
        let again = Some(setup.clone());
        let (transaction, digits, offered_wide) = (0, Vec::new(), false);
        self.call = Some(Call { state, ours: true, transaction, digits, setup: again, by, offered_wide });
        self.say(setup);
        true
    }

    /// Keys, one message each: digits, and control codes such as 15 for R.
    pub fn keys(&mut self, keys: &[u8]) {
        let Some(call) = &mut self.call else { return };
        if call.state == CallState::Initiated {
            return call.digits.extend_from_slice(keys);
        }
        let messages: Vec<Message> =
            keys.iter().map(|key| call.message(msg::CC_INFO).with(ie::MULTI_KEYPAD, &[*key])).collect();
        messages.into_iter().for_each(|message| self.say(message));
    }

    /// Several keys in one message.
    pub fn keys_at_once(&mut self, keys: &[u8]) {
        if let Some(call) = &self.call {
            let message = call.message(msg::CC_INFO).with(ie::MULTI_KEYPAD, keys);
            self.say(message);
        }
    }

    /// The user takes the call that rings. False when none does.
    pub fn answer(&mut self, now: Instant) -> bool {
        let Some(call) = self.call.as_mut().filter(|call| call.state == CallState::Received) else {
            return false;
        };
        (call.state, call.by) = (CallState::ConnectPending, Some(now + CC_05));
        let mut connect = call.message(msg::CC_CONNECT);
        if call.offered_wide {
            connect = connect.with(ie::CODEC_LIST, &CHOSEN);
            self.wide = true;
        }
        self.say(connect);
        self.outputs.push(Output::Sound { hear: true, speak: true });
        true
    }

    /// On hook: ends the call, or refuses the one that rings.
    pub fn on_hook(&mut self, now: Instant) {
        let Some(call) = &mut self.call else { return };
        let reason = match call.state {
            CallState::Received => release::USER_REJECTION,
            CallState::ReleasePending => return,
            _ => release::NORMAL,
        };
        (call.state, call.by) = (CallState::ReleasePending, Some(now + CC_02));
        let message = call.message(msg::CC_RELEASE).with(ie::RELEASE_REASON, &[reason]);
        self.say(message);
        self.outputs.push(Output::Sound { hear: false, speak: false });
    }

    pub(super) fn hear_cc(&mut self, message: &Message) {
        if message.kind == msg::CC_SETUP {
            return self.called(message);
        }
        let is_it =
            |call: &Call| call.transaction == message.transaction && call.ours != message.from_starter;
        let Some(call) = self.call.as_mut().filter(|call| is_it(call)) else {
            return self.unknown_call(message);
        };
        call.by = if message.kind == msg::CC_SETUP_ACK || call.state == CallState::ReleasePending {
            call.by
        } else {
            None
        };
        let releasing = call.state == CallState::ReleasePending;
        let changes = message.kind == msg::CC_SERVICE_CHANGE && !releasing;
        let accept = changes.then(|| call.message(msg::CC_SERVICE_ACCEPT));
        self.take_codec(message);
        if let Some(accept) = accept {
            return self.say(accept);
        }
        let Some(call) = self.call.as_mut() else { return };
        match message.kind {
            msg::CC_RELEASE => {
                let answer = call.message(msg::CC_RELEASE_COM);
                self.show_all(message);
                self.say(answer);
                self.end_call(message.get(ie::RELEASE_REASON).map(|reason| reason[0]));
            }
            msg::CC_RELEASE_COM => {
                self.show_all(message);
                self.end_call(message.get(ie::RELEASE_REASON).map(|reason| reason[0]));
            }
            _ if releasing => {}
            msg::CC_SETUP_ACK => {
                let digits = std::mem::take(&mut call.digits);
                call.by = None;
                self.enter(CallState::Overlap, message);
                self.keys(&digits);
            }
            msg::CC_CALL_PROC => self.enter(CallState::Proceeding, message),
            msg::CC_ALERTING => self.enter(CallState::Delivered, message),
            msg::CC_CONNECT if call.ours => {
                self.enter(CallState::Active, message);
                self.outputs.push(Output::Sound { hear: true, speak: true });
            }
            msg::CC_CONNECT_ACK if call.state == CallState::ConnectPending => {
                self.enter(CallState::Active, message);
            }
            _ => self.show_all(message),
        }
    }

    /// The system says which codec it is.
    fn take_codec(&mut self, message: &Message) {
        let Some(list) = message.get(ie::CODEC_LIST) else { return };
        if !self.wideband {
            let why = "CODEC-LIST to a handset without codecs".to_owned();
            return self.happened(Event::Malformed { why });
        }
        self.wide = list.get(1).is_some_and(|codec| codec & 0x7F == G722);
    }

    fn enter(&mut self, state: CallState, message: &Message) {
        let Some(call) = &mut self.call else { return };
        let changed = call.state != state;
        call.state = state;
        self.show_all(message);
        let in_band = message.get(ie::PROGRESS_INDICATOR).is_some_and(|content| content.contains(&IN_BAND));
        if in_band && state != CallState::Active {
            self.outputs.push(Output::Sound { hear: true, speak: false });
        }
        if changed {
            self.happened(Event::Call { state });
        }
    }

    /// CC-SETUP of the system.
    fn called(&mut self, message: &Message) {
        // "SETUP with F = 1: ignore; repeated SETUP: ignore."
        let repeated = self.call.as_ref().is_some_and(|c| !c.ours && c.transaction == message.transaction);
        if !message.from_starter || repeated {
            return;
        }
        if self.call.is_some() {
            let refusal = message.answer(msg::CC_RELEASE_COM);
            return self.say(refusal.with(ie::RELEASE_REASON, &[release::USER_BUSY]));
        }
        let (state, transaction, digits) = (CallState::Received, message.transaction, Vec::new());
        let offered_wide = message.get(ie::CODEC_LIST).is_some_and(|list| list.get(1) == Some(&G722));
        let (setup, by) = (None, None);
        self.call = Some(Call { state, ours: false, transaction, digits, setup, by, offered_wide });
        self.show(message);
        self.say(message.answer(msg::CC_ALERTING));
        let signal = message.get(ie::SIGNAL).map(|signal| signal[0]);
        let number = message.get(ie::CALLING_PARTY_NUMBER).and_then(party_number);
        let name = message.get(ie::CALLING_PARTY_NAME).and_then(|content| {
            let name = String::from_utf8_lossy(content.get(1..)?).into_owned();
            (!name.is_empty()).then_some(name)
        });
        self.happened(Event::Ringing(Ringing { number, name, signal }));
    }

    /// "CC message for unknown TI: CC-RELEASE-COM reason 02 with the same TI" (17.2).
    fn unknown_call(&mut self, message: &Message) {
        if !matches!(message.kind, msg::CC_RELEASE | msg::CC_RELEASE_COM) {
            let answer = message.answer(msg::CC_RELEASE_COM);
            self.say(answer.with(ie::RELEASE_REASON, &[release::UNKNOWN_TI]));
        } else if message.kind == msg::CC_RELEASE {
            self.say(message.answer(msg::CC_RELEASE_COM));
        }
    }

    fn show_all(&mut self, message: &Message) {
        self.show(message);
        if let Some(signal) = message.get(ie::SIGNAL) {
            self.happened(Event::Signal { signal: signal[0] });
        }
    }

    /// The link went before CC-SETUP was heard: the system was just releasing it ("A link shall not be
    /// re-established whilst in the "RELEASE PENDING" state", 14.2.7.1). Its user does not dial again; it does.
    pub(super) fn says_setup_again(&mut self) -> bool {
        let unheard = self.call.as_mut().filter(|call| call.state == CallState::Initiated);
        let Some(setup) = unheard.and_then(|call| call.setup.take()) else { return false };
        self.say(setup);
        true
    }

    pub(super) fn end_call(&mut self, reason: Option<u8>) {
        self.wide = false;
        if self.call.take().is_some() {
            self.outputs.push(Output::Sound { hear: false, speak: false });
            self.happened(Event::Ended { reason });
        }
    }

    pub(super) fn pass_cc(&mut self, now: Instant) {
        let Some(call) = self.call.as_ref().filter(|call| call.by.is_some_and(|by| now >= by)) else {
            return;
        };
        let reason = [release::TIMER_EXPIRY];
        let message = call.message(msg::CC_RELEASE_COM).with(ie::RELEASE_REASON, &reason);
        self.say(message);
        self.end_call(None);
    }
}

/// Digits after the octets that say of what kind they are; none when they are withheld.
fn party_number(content: &[u8]) -> Option<String> {
    let start = if content.first()? & 0x80 == 0 { 2 } else { 1 };
    let digits = String::from_utf8_lossy(content.get(start..)?).into_owned();
    (!digits.is_empty()).then_some(digits)
}
