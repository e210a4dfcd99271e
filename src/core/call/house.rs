//! Calls that the switch makes by itself: somebody is called in a user's name, and connected with somebody else,
//! brought into a room once he has answered, or told of an alarm.
//!
//! ```text
//!  Begun ──► an ordinary call of the user ──Accept──► a blind transfer ──► 2xx: dismissed, Connected
//!                │                            └─────► (alarm) tone, keys ──► Confirmed, Declined, Heard
//!                └──Reject──► Failed(status)   └──► else the call is ended, Failed(status)
//! ```
//!
//! The switch's own leg is a caller without a telephone: it has a description, since calls have one, but sends
//! and hears nothing; and as soon as it is answered it transfers whoever answered, or waits for a key. So all that
//! is true of a call of this user is true here: rights, forwards, waiting, channels, records.
//!
//! Uses: a participant asks the focus to invite somebody (RFC 4579 §5.5), click to dial (RFC 5359 §2.18), alarms
//! that ring.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cause::Cause;
use super::leg::{LegNews, LegOrder, Ticket, TransferWish};
use crate::dect::element::Signal;
use crate::machine::{Machine, Ready};
use crate::sip::invite::Body;
use crate::sip::refer::Referral;
use crate::sip::wire::HeaderName;
use crate::timer::Moment;

/// What the leg offers. Port 9 discards (RFC 863): it is the switch itself, on loopback.
const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 9 RTP/AVP 9 8 0\r\n";
/// What an INVITE says of an alarm. RFC 7462 §4.2.3 has the URN; base stations that know none choose a melody by the
/// word in `info`. RFC 3261 §20.26 has the priority.
pub const ALARM_HEADERS: [(HeaderName, &str); 2] =
    [(HeaderName::AlertInfo, "<urn:alert:priority:high>;info=alarm"), (HeaderName::Priority, "emergency")];
/// How a native handset rings for one. EN 300 175-7, clause 7.6.8: patterns 0 and 1 are of calls from outside and inside,
/// 2 is "special/priority alerting" (ITU-T Q.931 §4.5.24, whose codes these are).
pub const ALARM_SIGNAL: Signal = Signal::ALERTING_2;
/// How long whoever has answered an alarm has to press a key.
const KEY_WAIT: Duration = Duration::from_secs(20);
/// The key that says no to an alarm. Any other one confirms it, as any word but *no* in a text does.
const NO: char = '0';

/// What becomes of whoever answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HouseWish {
    /// Connected with this URI.
    Connect(String),
    /// Asked for a key that confirms an alarm.
    Confirm,
}

/// For whose sake the switch calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HouseKind {
    /// It does not, or does as any user of its own.
    #[default]
    Plain,
    /// Who is called wanted the call, and is connected with whom it is shown as caller: click to dial.
    Clicked,
    /// Who is called is told of an alarm.
    Alarm,
}

/// How a call of the house went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HouseFate {
    /// Whoever answered was connected.
    Connected,
    /// An alarm was answered and confirmed by a key.
    Confirmed,
    /// An alarm was answered and refused by a key.
    Declined,
    /// An alarm was answered; no key said more.
    Heard,
    /// Nobody answered, or could not be connected: the status.
    Failed(u16),
}

impl HouseFate {
    /// How it went as a SIP status: 200, or why not (RFC 3261 §21).
    pub const fn status(self) -> u16 {
        match self {
            Self::Failed(status) => status,
            Self::Connected | Self::Confirmed | Self::Declined | Self::Heard => 200,
        }
    }
}

/// The leg. See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HouseLeg {
    wish: HouseWish,
    /// Somebody was told how it went.
    told: bool,
    /// An alarm was answered; till when a key is waited for.
    key_until: Option<Moment>,
    over: bool,
}

/// What the leg is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HouseInput {
    /// It begins.
    Started,
    /// By its call.
    Order(LegOrder),
    /// The moment it asked for has come.
    Deadline,
}

/// What the leg says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HouseOutput {
    /// To the call.
    News(LegNews),
    /// To whoever wanted the call: how it went. Once.
    Told(HouseFate),
}

impl HouseLeg {
    /// One with this wish.
    pub const fn new(wish: HouseWish) -> Self {
        Self { wish, told: false, key_until: None, over: false }
    }

    /// What it offers.
    pub fn offer() -> Body {
        Body::sdp(OFFER.to_owned())
    }

    /// What a call orders of it.
    fn obey(&mut self, order: LegOrder, now: Moment) -> Vec<HouseOutput> {
        if self.over {
            return Vec::new();
        }
        match order {
            LegOrder::Accept { .. } => self.answered(now),
            // The leg takes no telephone events, so it is told of keys, however they were pressed.
            LegOrder::Key { digit, .. } if self.key_until.is_some() => {
                let fate = if digit == NO { HouseFate::Declined } else { HouseFate::Confirmed };
                self.end(fate, Cause::normal())
            }
            // The last word: whoever answered is connected, or nobody can be.
            LegOrder::TellTransfer { status, left: None, .. } if status < 300 => {
                self.tell(HouseFate::Connected)
            }
            LegOrder::TellTransfer { status, left: None, .. } => {
                self.failed(Cause::of_status(status, "whoever was called could not be connected"))
            }
            LegOrder::HangUp { cause } if self.key_until.is_some() => self.end(HouseFate::Heard, cause),
            LegOrder::RefuseTransfer { cause, .. }
            | LegOrder::Reject { cause }
            | LegOrder::HangUp { cause } => self.failed(cause),
            // It holds nobody and changes nothing.
            LegOrder::Reoffer { .. } => vec![HouseOutput::News(LegNews::ReofferAnswered { body: None })],
            LegOrder::Progress { .. }
            | LegOrder::CallWaits
            | LegOrder::Focus { .. }
            | LegOrder::AnswerReoffer { .. }
            | LegOrder::RefuseReoffer { .. }
            | LegOrder::Partner(_)
            | LegOrder::Key { .. }
            | LegOrder::Confirmed { .. }
            | LegOrder::AcceptTransfer { .. }
            | LegOrder::TellTransfer { .. } => Vec::new(),
        }
    }

    fn answered(&mut self, now: Moment) -> Vec<HouseOutput> {
        let mut then = vec![HouseOutput::News(LegNews::Acknowledged { body: None })];
        match &self.wish {
            HouseWish::Confirm => self.key_until = Some(now + KEY_WAIT),
            HouseWish::Connect(to) => {
                let (to, referral) = (to.clone(), Referral::default());
                let wish = TransferWish { ticket: Ticket::of_handset(), to, replaces_own: None, referral };
                then.push(HouseOutput::News(LegNews::TransferAsked(Box::new(wish))));
            }
        }
        then
    }

    fn tell(&mut self, fate: HouseFate) -> Vec<HouseOutput> {
        let fresh = !std::mem::replace(&mut self.told, true);
        fresh.then_some(HouseOutput::Told(fate)).into_iter().collect()
    }

    /// A call that ends before anybody was connected has failed, however friendly its end.
    fn failed(&mut self, cause: Cause) -> Vec<HouseOutput> {
        let status = if cause.status < 300 { 480 } else { cause.status };
        self.end(HouseFate::Failed(status), cause)
    }

    fn end(&mut self, fate: HouseFate, cause: Cause) -> Vec<HouseOutput> {
        (self.over, self.key_until) = (true, None);
        let mut then = self.tell(fate);
        then.push(HouseOutput::News(LegNews::Ended { cause }));
        then.push(HouseOutput::News(LegNews::Closed));
        then
    }
}

impl Machine for HouseLeg {
    type Input = HouseInput;
    type Save = std::convert::Infallible;
    type Output = HouseOutput;
    type Refusal = std::convert::Infallible;

    fn handle(
        &mut self,
        input: HouseInput,
        now: Moment,
    ) -> Result<Ready<Self::Save, HouseOutput>, Self::Refusal> {
        let late = self.key_until.is_some_and(|until| until <= now);
        Ok(Ready::say(match input {
            HouseInput::Started => vec![HouseOutput::News(LegNews::Invited)],
            HouseInput::Order(order) => self.obey(order, now),
            HouseInput::Deadline if late => self.end(HouseFate::Heard, Cause::normal()),
            HouseInput::Deadline => Vec::new(),
        }))
    }

    fn deadline(&self) -> Option<Moment> {
        self.key_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_micros(0);

    fn says(leg: &mut HouseLeg, input: HouseInput, now: Moment) -> Vec<HouseOutput> {
        leg.handle(input, now).unwrap().then
    }

    fn obeys(leg: &mut HouseLeg, order: LegOrder) -> Vec<HouseOutput> {
        says(leg, HouseInput::Order(order), START)
    }

    fn told(outputs: &[HouseOutput]) -> Vec<HouseFate> {
        let fate = |output: &HouseOutput| match output {
            HouseOutput::Told(fate) => Some(*fate),
            HouseOutput::News(_) => None,
        };
        outputs.iter().filter_map(fate).collect()
    }

    fn closes(outputs: &[HouseOutput]) -> bool {
        outputs.last() == Some(&HouseOutput::News(LegNews::Closed))
    }

    fn connects() -> HouseLeg {
        HouseLeg::new(HouseWish::Connect("sip:8001@house.test".into()))
    }

    #[test]
    fn whoever_answers_is_transferred_and_the_leg_dismissed() {
        let mut leg = connects();
        let begun = says(&mut leg, HouseInput::Started, START);
        assert_eq!(begun, [HouseOutput::News(LegNews::Invited)]);
        assert!(obeys(&mut leg, LegOrder::Progress { status: 180, body: None }).is_empty());
        let asked = obeys(&mut leg, LegOrder::Accept { body: None });
        let is_wish = |output: &HouseOutput| matches!(output, HouseOutput::News(LegNews::TransferAsked(wish)) if wish.to == "sip:8001@house.test");
        assert!(asked.last().is_some_and(is_wish));
        let ticket = Ticket::of_handset();
        let connected = obeys(&mut leg, LegOrder::TellTransfer { ticket, status: 200, left: None });
        assert_eq!(told(&connected), [HouseFate::Connected]);
        let over = obeys(&mut leg, LegOrder::HangUp { cause: Cause::normal() });
        assert!(told(&over).is_empty() && closes(&over), "told once: {over:?}");
        assert!(obeys(&mut leg, LegOrder::HangUp { cause: Cause::normal() }).is_empty());
    }

    #[test]
    fn a_call_that_nobody_takes_and_a_transfer_that_fails_are_told_and_ended() {
        let ticket = Ticket::of_handset();
        let busy = || Cause::of_status(486, "busy");
        for order in [
            LegOrder::Reject { cause: busy() },
            LegOrder::RefuseTransfer { ticket, cause: busy() },
            LegOrder::TellTransfer { ticket, status: 486, left: None },
        ] {
            let over = obeys(&mut connects(), order);
            assert_eq!(told(&over), [HouseFate::Failed(486)]);
            assert!(closes(&over));
        }
        let over = obeys(&mut connects(), LegOrder::HangUp { cause: Cause::normal() });
        assert_eq!(told(&over), [HouseFate::Failed(480)]);
    }

    #[test]
    fn an_alarm_is_confirmed_by_a_key_refused_by_another_and_heard_without_any() {
        let answered = || {
            let mut leg = HouseLeg::new(HouseWish::Confirm);
            assert!(
                obeys(&mut leg, LegOrder::Key { digit: '1', millis: 160 }).is_empty(),
                "nobody has answered"
            );
            assert_eq!(obeys(&mut leg, LegOrder::Accept { body: None }).len(), 1, "nobody is transferred");
            leg
        };
        for (key, fate) in
            [('1', HouseFate::Confirmed), ('#', HouseFate::Confirmed), ('0', HouseFate::Declined)]
        {
            let over = obeys(&mut answered(), LegOrder::Key { digit: key, millis: 160 });
            assert_eq!((told(&over), closes(&over)), (vec![fate], true), "{key}");
        }
        let over = obeys(&mut answered(), LegOrder::HangUp { cause: Cause::normal() });
        assert_eq!(told(&over), [HouseFate::Heard]);
        let mut leg = answered();
        assert!(says(&mut leg, HouseInput::Deadline, START).is_empty());
        let late = leg.deadline().unwrap();
        let over = says(&mut leg, HouseInput::Deadline, late);
        assert_eq!((told(&over), closes(&over), leg.deadline()), (vec![HouseFate::Heard], true, None));
        let mut rings = HouseLeg::new(HouseWish::Confirm);
        let over = obeys(&mut rings, LegOrder::Reject { cause: Cause::of_status(486, "busy") });
        assert_eq!(told(&over), [HouseFate::Failed(486)]);
    }

    #[test]
    fn its_offer_can_be_answered() {
        let offer = HouseLeg::offer();
        assert!(crate::media::sdp::SessionDescription::parse(&offer.bytes).is_ok());
    }
}
