//! Calls that the switch makes by itself: somebody is called in a user's name, and connected with somebody else
//! or brought into a room once he has answered.
//!
//! ```text
//!  Begun ──► an ordinary call of the user ──Accept──► a blind transfer ──► 2xx: dismissed, `Told(200)`
//!                └──Reject──► Told(status)                 └──► else the call is ended, Told(status)
//! ```
//!
//! The switch's own leg is a caller without a telephone: it has a description, since calls have one, but sends
//! and hears nothing; and as soon as it is answered it transfers whoever answered. So all that is true of a
//! call of this user is true here: rights, forwards, waiting, channels, records.
//!
//! Uses: a participant asks the focus to invite somebody (RFC 4579 §5.5), click to dial (RFC 5359 §2.18).

use super::cause::Cause;
use super::leg::{LegNews, LegOrder, Ticket, TransferWish};
use crate::sip::invite::Body;
use crate::sip::refer::Referral;

/// What the leg offers. Port 9 discards (RFC 863): it is the switch itself, on loopback.
const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 9 RTP/AVP 9 8 0\r\n";

/// The leg. See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HouseLeg {
    /// With whom whoever answers is connected: a URI.
    to: String,
    /// Somebody was told how it went.
    told: bool,
    over: bool,
}

/// What the leg says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HouseOutput {
    /// To the call.
    News(LegNews),
    /// To whoever wanted the call: how it went, as a status. Once.
    Told(u16),
}

impl HouseLeg {
    /// One that will connect whoever answers with `to`.
    pub const fn new(to: String) -> Self {
        Self { to, told: false, over: false }
    }

    /// What it offers.
    pub fn offer() -> Body {
        Body::sdp(OFFER.to_owned())
    }

    /// It begins.
    pub fn begin(&self) -> Vec<HouseOutput> {
        vec![HouseOutput::News(LegNews::Invited)]
    }

    /// What a call orders of it.
    pub fn obey(&mut self, order: LegOrder) -> Vec<HouseOutput> {
        if self.over {
            return Vec::new();
        }
        match order {
            LegOrder::Accept { .. } => {
                let (to, referral) = (self.to.clone(), Referral::default());
                let wish = TransferWish { ticket: Ticket::of_handset(), to, replaces_own: None, referral };
                vec![
                    HouseOutput::News(LegNews::Acknowledged { body: None }),
                    HouseOutput::News(LegNews::TransferAsked(Box::new(wish))),
                ]
            }
            // The last word: whoever answered is connected, or nobody can be.
            LegOrder::TellTransfer { status, left: None, .. } if status < 300 => self.tell(status),
            LegOrder::TellTransfer { status, left: None, .. } => {
                self.end(Cause::of_status(status, "whoever was called could not be connected"))
            }
            LegOrder::RefuseTransfer { cause, .. }
            | LegOrder::Reject { cause }
            | LegOrder::HangUp { cause } => self.end(cause),
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

    fn tell(&mut self, status: u16) -> Vec<HouseOutput> {
        let fresh = !std::mem::replace(&mut self.told, true);
        fresh.then_some(HouseOutput::Told(status)).into_iter().collect()
    }

    fn end(&mut self, cause: Cause) -> Vec<HouseOutput> {
        self.over = true;
        // A call that ends before anybody was connected has failed, however friendly its end.
        let status = if cause.status < 300 { 480 } else { cause.status };
        let mut then = self.tell(status);
        then.push(HouseOutput::News(LegNews::Ended { cause }));
        then.push(HouseOutput::News(LegNews::Closed));
        then
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(outputs: &[HouseOutput]) -> Vec<u16> {
        let status = |output: &HouseOutput| match output {
            HouseOutput::Told(status) => Some(*status),
            HouseOutput::News(_) => None,
        };
        outputs.iter().filter_map(status).collect()
    }

    fn closes(outputs: &[HouseOutput]) -> bool {
        outputs.last() == Some(&HouseOutput::News(LegNews::Closed))
    }

    #[test]
    fn whoever_answers_is_transferred_and_the_leg_dismissed() {
        let mut leg = HouseLeg::new("sip:8001@house.test".into());
        assert_eq!(leg.begin(), [HouseOutput::News(LegNews::Invited)]);
        assert!(leg.obey(LegOrder::Progress { status: 180, body: None }).is_empty());
        let asked = leg.obey(LegOrder::Accept { body: None });
        let is_wish = |output: &HouseOutput| matches!(output, HouseOutput::News(LegNews::TransferAsked(wish)) if wish.to == "sip:8001@house.test");
        assert!(asked.last().is_some_and(is_wish));
        let ticket = Ticket::of_handset();
        assert_eq!(told(&leg.obey(LegOrder::TellTransfer { ticket, status: 200, left: None })), [200]);
        let over = leg.obey(LegOrder::HangUp { cause: Cause::normal() });
        assert!(told(&over).is_empty() && closes(&over), "told once: {over:?}");
        assert!(leg.obey(LegOrder::HangUp { cause: Cause::normal() }).is_empty());
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
            let mut leg = HouseLeg::new("sip:8001@house.test".into());
            let over = leg.obey(order);
            assert_eq!(told(&over), [486]);
            assert!(closes(&over));
        }
        let mut leg = HouseLeg::new("sip:8001@house.test".into());
        assert_eq!(told(&leg.obey(LegOrder::HangUp { cause: Cause::normal() })), [480]);
    }

    #[test]
    fn its_offer_can_be_answered() {
        let offer = HouseLeg::offer();
        assert!(crate::media::sdp::SessionDescription::parse(&offer.bytes).is_ok());
    }
}
