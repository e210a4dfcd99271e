//! What the switch wants of a handset.

use super::{CallNo, Fare, News, Out, Output, Portable, Refusal, Save};
use crate::dect::element::{ReleaseReason, Signal};
use crate::dect::lce::PageHeader;
use crate::dect::message::Kind;
use crate::dect::mm::{self, Ask, Decision};
use crate::dect::{cc, element, ss};
use crate::timer::Moment;

use super::words::{Order, Shown};

impl Portable {
    /// The one match of orders.
    pub(super) fn obey(&mut self, order: Order, now: Moment, out: &mut Out) -> Result<(), Refusal> {
        match order {
            Order::Subscribe(code) => {
                let (ipui, park, level) = (self.ipui.clone(), self.rules.park, self.rules.level);
                self.decide(Decision::Subscribe { code, ipui, park, level }, now, out)
            }
            Order::RefuseSubscription(reason) => self.decide(Decision::Refuse(reason), now, out),
            Order::Terminate => self.ask(Ask::Terminate, now, out),
            Order::Forget => {
                self.forget(now, out);
                Ok(())
            }
            Order::SuggestLocation => self.ask(Ask::SuggestLocation, now, out),
            Order::Authenticate => self.ask(Ask::Authenticate { store: Some(8) }, now, out),
            Order::Offer { call, offer } => {
                self.offer(call, *offer, now, out);
                Ok(())
            }
            Order::Speak(call, wide) => {
                self.speak(call, wide, now, out);
                Ok(())
            }
            Order::Tell(call, fare) => self.tell_fare(call, fare, now, out),
            Order::Show(call, shown) => self.show(call, *shown, now, out),
            Order::Whole(call, digits) => {
                self.whole(call, &digits.0, now, out);
                Ok(())
            }
            Order::AnswerHold(call, granted) => {
                let kind = if granted { Kind::HoldAck } else { Kind::HoldReject };
                self.say_in_call(call, kind, |message| message, now, out)
            }
            Order::AnswerRetrieve(call, granted) => {
                let kind = if granted { Kind::RetrieveAck } else { Kind::RetrieveReject };
                self.say_in_call(call, kind, |message| message, now, out)
            }
            Order::Release { call, reason, tone, words } => {
                self.release(call, reason, tone, words.as_ref().map(|words| words.0.as_str()), now, out);
                Ok(())
            }
            Order::Text(offer) => {
                self.offer_text(offer, out);
                Ok(())
            }
            Order::AnswerText(taken) => {
                self.answer_text(taken, now, out);
                Ok(())
            }
            Order::Notify(events) => {
                if self.standing.is_none() {
                    return Err(Refusal::NotSubscribed);
                }
                // A call has the display.
                let words = ss::notice_words(&events).filter(|_| self.calls.is_empty());
                let text = words.map(|words| self.display(&words));
                self.say(ss::notice(&events).with_some(text.as_ref()), PageHeader::NoUPlane, now, out);
                self.link_not_needed(true, now, out);
                Ok(())
            }
        }
    }

    fn show(&mut self, call: CallNo, shown: Shown, now: Moment, out: &mut Out) -> Result<(), Refusal> {
        let Shown { text, signal, caller } = shown;
        let text = text.map(|text| self.display(&text.0));
        let caller = caller.map(|caller| caller.spelt(self.knows_utf8()));
        let fill = |message: crate::dect::message::Message| {
            let message = message.with_some(text.as_ref()).with_some(signal.as_ref());
            caller.map_or(message.clone(), |caller| caller.put_into(message))
        };
        self.say_in_call(call, Kind::CcInfo, fill, now, out)
    }

    fn decide(&mut self, decision: Decision, now: Moment, out: &mut Out) -> Result<(), Refusal> {
        Ok(self.try_mm(mm::Input::Decide(decision), now, out)?)
    }

    fn ask(&mut self, ask: Ask, now: Moment, out: &mut Out) -> Result<(), Refusal> {
        Ok(self.try_mm(mm::Input::Ask(ask), now, out)?)
    }

    /// The subscription ends here, whatever the handset thinks.
    fn forget(&mut self, now: Moment, out: &mut Out) {
        let calls: Vec<_> = self.calls.keys().copied().collect();
        for call in calls {
            self.release(call, ReleaseReason::USER_UNKNOWN, None, None, now, out);
        }
        if self.standing.take().is_some() {
            out.save.push(Save::Forget(self.ipui.clone()));
            out.then.push(Output::News(News::Terminated));
        }
        self.mm = super::mobility::machine(None, self.tokens.split());
        self.keyed = false;
    }

    fn tell_fare(&mut self, call: CallNo, fare: Fare, now: Moment, out: &mut Out) -> Result<(), Refusal> {
        let state = self.calls.get(&call).ok_or(Refusal::NoSuchCall)?.machine.state();
        let delivered = state == cc::State::CallDelivered;
        let in_band = element::Progress::IN_BAND;
        match fare {
            Fare::Alerting { in_band: false } if delivered => Ok(()),
            Fare::Alerting { in_band: false } => {
                let ring = |message: crate::dect::message::Message| message.with(&Signal::RING_BACK);
                self.say_in_call(call, Kind::CcAlerting, ring, now, out)
            }
            Fare::Alerting { in_band: true } if !delivered => {
                self.say_in_call(call, Kind::CcAlerting, |message| message.with(&in_band), now, out)
            }
            Fare::Alerting { in_band: true } | Fare::InBand => {
                let tell =
                    |message: crate::dect::message::Message| message.with(&in_band).with(&Signal::TONES_OFF);
                self.say_in_call(call, Kind::CcInfo, tell, now, out)
            }
            Fare::Connected => {
                let tones = |message: crate::dect::message::Message| message.with(&Signal::TONES_OFF);
                self.say_in_call(call, Kind::CcConnect, tones, now, out)
            }
        }
    }
}
