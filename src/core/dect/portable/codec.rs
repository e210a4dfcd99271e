//! Which codec a call of the handset is in: the negotiation by `<<CODEC-LIST>>` (EN 300 175-5, 7.7.54), and
//! its change in a call (9.6).
//!
//! ```text
//! handset calls:   {CC-SETUP} its list ────────────────► {CC-ALERTING}, {CC-CONNECT} the one that is taken
//! switch calls:    {CC-SETUP} our list ────────────────► {CC-ALERTING}, {CC-CONNECT} the one that is taken
//! in talk:         {CC-SERVICE-CHANGE} the other one ──► {CC-SERVICE-ACCEPT} or {CC-SERVICE-REJECT}
//! ```
//!
//! A handset that cannot do G.722 in a long slot never hears of codecs. One that can is in G.726 until it was
//! told otherwise. Who orders ([`Order::Speak`](super::Order::Speak)) may change its mind while a change is
//! under way: the last word counts when the answer is there.

use super::{CallNews, CallNo, News, Out, Output, Portable};
use crate::dect::cc::State;
use crate::dect::element::{BasicService, ChangeMode, Codec, CodecList, CodecName, PortableIdentity};
use crate::dect::element::{ReleaseReason, ServiceChange, SlotSize};
use crate::dect::message::{Kind, Message};
use crate::timer::Moment;

/// The codec of one call.
#[derive(Debug, Default)]
pub(super) struct Negotiation {
    /// What the handset listed when it began the call; none when it said nothing of codecs.
    listed: Option<bool>,
    /// The handset is in G.722.
    wide: bool,
    /// It is to be.
    wanted: Option<bool>,
    /// The change that it was asked for and did not answer.
    asked: Option<bool>,
}

impl Negotiation {
    /// What the first message of the handset's own call says.
    pub fn of_setup(setup: &Message) -> Self {
        let service = setup.get::<BasicService>().map(|service| service.service);
        let by_service = (service == Some(BasicService::WIDEBAND.service)).then_some(true);
        Self {
            listed: setup.get::<CodecList>().map(|list| lists_wide(&list)).or(by_service),
            ..Self::default()
        }
    }
}

impl Portable {
    /// Whether the handset can speak G.722 in this call: it takes long slots, and has listed the codec or belongs
    /// to those that always have it (New Generation DECT, part 1).
    pub fn is_wideband(&self, call: CallNo) -> bool {
        let Some(can) = self.capability.as_ref().filter(|can| can.long_slots()) else { return false };
        let listed = self.calls.get(&call).and_then(|call| call.codec.listed);
        self.rules.wideband && listed.unwrap_or(can.wideband())
    }

    /// Our list in an offer: all that the handset has.
    pub(super) fn offered_codecs(&self, call: CallNo) -> Option<CodecList> {
        self.is_wideband(call).then(|| CodecList::negotiable(vec![Codec::G722, Codec::G726]))
    }

    /// The call is to be in G.722, or in G.726.
    pub(super) fn speak(&mut self, no: CallNo, wide: bool, now: Moment, out: &mut Out) {
        if let Some(call) = self.calls.get_mut(&no) {
            call.codec.wanted = Some(wide);
            self.change_codec(no, now, out);
        }
    }

    /// What goes into a message that answers the handset's list: the one codec that was chosen.
    pub(super) fn chosen_codec(&mut self, no: CallNo, kind: Kind) -> Option<CodecList> {
        let able = self.is_wideband(no);
        let call = self.calls.get_mut(&no).filter(|_| able)?;
        let answers = matches!(kind, Kind::CcAlerting | Kind::CcConnect);
        let wide = call.codec.wanted.filter(|wanted| answers && *wanted != call.codec.wide)?;
        call.codec.wide = wide;
        Some(only(wide))
    }

    /// The handset answers our offer, perhaps with the codec that it takes.
    pub(super) fn codec_taken(&mut self, no: CallNo, message: &Message) {
        if let (Some(call), Some(list)) = (self.calls.get_mut(&no), message.get::<CodecList>()) {
            let first = list.codecs.first();
            call.codec.wide = first.is_some_and(|codec| codec.name == CodecName::G722);
        }
    }

    /// Asks for what is wanted and not so, when there is nothing under way.
    pub(super) fn change_codec(&mut self, no: CallNo, now: Moment, out: &mut Out) {
        let Some(call) = self.calls.get_mut(&no) else { return };
        // An offer that was answered with G.722, and nobody has said that the connection is wide.
        let wanted = call.codec.wanted.unwrap_or(false);
        if call.machine.state() != State::Active || call.codec.asked.is_some() || wanted == call.codec.wide {
            return;
        }
        call.codec.asked = Some(wanted);
        let (mode, identity) = (ChangeMode::AUDIO_CODEC, PortableIdentity::Ipui(self.ipui.clone()));
        let change =
            ServiceChange { standard: 0, receiver_is_master: false, mode, extended: None, attributes: None };
        let fill = |message: Message| message.with(&identity).with(&change).with(&only(wanted));
        // F-10 takes it.
        _ = self.say_in_call(no, Kind::CcServiceChange, fill, now, out);
    }

    /// The handset's answer to a change; none within 20 s is a refusal.
    pub(super) fn codec_answered(&mut self, no: CallNo, accepted: bool, now: Moment, out: &mut Out) {
        let Some(call) = self.calls.get_mut(&no) else { return };
        let Some(asked) = call.codec.asked.take() else { return };
        match accepted {
            true => call.codec.wide = asked,
            // It stays as it is, and is not asked again.
            false => {
                call.codec.wanted = Some(call.codec.wide);
                if asked {
                    out.then.push(Output::News(News::Call(no, CallNews::StaysNarrow)));
                }
            }
        }
        self.change_codec(no, now, out);
    }

    /// The handset asks for another service: G.726 is granted, nothing else is ours to give.
    pub(super) fn service_asked(&mut self, no: CallNo, change: &Message, now: Moment, out: &mut Out) {
        let mode = change.get::<ServiceChange>().map(|change| change.mode);
        let list = change.get::<CodecList>();
        let first = list.as_ref().and_then(|list| list.codecs.first());
        let narrower = first.is_some_and(|codec| codec.name == CodecName::G726);
        let Some(call) = self.calls.get_mut(&no) else { return };
        if mode == Some(ChangeMode::AUDIO_CODEC) && narrower && call.codec.asked.is_none() {
            (call.codec.wide, call.codec.wanted) = (false, Some(false));
            _ = self.say_in_call(no, Kind::CcServiceAccept, |accept| accept, now, out);
            out.then.push(Output::News(News::Call(no, CallNews::StaysNarrow)));
            return;
        }
        let reason = ReleaseReason::SERVICE_NOT_IMPLEMENTED;
        _ = self.say_in_call(no, Kind::CcServiceReject, |reject| reject.with(&reason), now, out);
    }
}

fn only(wide: bool) -> CodecList {
    CodecList::negotiable(vec![if wide { Codec::G722 } else { Codec::G726 }])
}

fn lists_wide(list: &CodecList) -> bool {
    list.codecs.iter().any(|codec| codec.name == CodecName::G722 && codec.slot == SlotSize::LONG_640)
}
