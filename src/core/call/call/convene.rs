//! Into a conference of the pool: by an invitation, or by a way that the router gave.
//!
//! ```text
//!  INVITE with ms-conf-invite ──► the handset rings ──answers──► 200 without a body
//!      └─► the router is asked for the way to the focus: joined, it names the mixer ──► dialled, as in a transfer
//!  the mixer answers: it talks where who invited was, and that dialog is ended
//! ```
//!
//! The dialog of the invitation has no session ([MS-CONFBAS] §3.6), so there is nobody to go back to: when the
//! conference cannot be joined the call ends.

use super::transfer::Transfer;
use super::*;
use crate::lync::conference::c3p::is_conference;

impl Call {
    /// A call whose INVITE invites to the conference of this focus.
    pub fn by_invitation(mut self, focus: String) -> Self {
        self.invitation = Some(focus);
        self
    }

    /// A handset has taken the invitation.
    pub(super) fn invitation_taken(
        &mut self,
        leg: LegNo,
        agreed: &Agreed,
        focus: String,
        now: Moment,
    ) -> Ready<Save, Output> {
        let mut then = Vec::new();
        self.run_flow(Side::B, agreed, &mut then);
        self.win(leg, &mut then);
        self.summary.answered = Some(now);
        self.state = State::Talking;
        for timer in [Timer::C, Timer::NoAnswer, Timer::Silence] {
            self.timers.stop(timer);
        }
        if let Some(caller) = self.legs.get_mut(&LegNo::CALLER) {
            caller.media = None;
        }
        then.push(Output::Leg(LegNo::CALLER, LegOrder::Accept { body: None }));
        self.transfer = Some(Box::new(Transfer::to_conference(leg, focus, now)));
        self.timers.set(Timer::Transfer, now + super::transfer::LIMIT);
        self.set_phase(Phase::Talking, &mut then);
        self.settle_sounds(&mut then);
        then.extend(self.errand().map(|errand| Output::Route(Box::new(errand))));
        self.ice_settled_early(&mut then);
        Ready { save: self.put(), then }
    }

    /// Takes the end of a user into a conference, in place of whom it talks with: the one of this focus, or one that
    /// this factory makes of all its calls.
    pub(super) fn convene(&mut self, user: Username, to: String, now: Moment) -> Ready<Save, Output> {
        let own =
            [Side::A, Side::B].into_iter().find(|side| self.party_at(*side).user.as_ref() == Some(&user));
        let stays = own.and_then(|side| self.end_at(side));
        let partner = stays.and_then(|leg| self.other_end(leg)).filter(|_| self.transfer.is_none());
        let Some((stays, partner)) = stays.zip(partner) else {
            return Ready::say(vec![Output::GatherInside(user)]);
        };
        let side = self.side_of(partner);
        let transfer = Transfer::to_conference(stays, to, now).of(partner, side, user);
        self.transfer = Some(Box::new(transfer));
        self.timers.set(Timer::Transfer, now + super::transfer::LIMIT);
        let mut then = Vec::new();
        self.settle_sounds(&mut then);
        then.extend(self.errand().map(|errand| Output::Route(Box::new(errand))));
        Ready { save: self.put(), then }
    }

    /// Whom a user talks with.
    pub fn partner_of(&self, user: &Username) -> Option<LegNo> {
        let own =
            [Side::A, Side::B].into_iter().find(|side| self.party_at(*side).user.as_ref() == Some(user))?;
        self.other_end(self.end_at(own)?)
    }

    /// The router takes the call for another one's escalation: it is answered and has done its duty.
    pub(super) fn escalated(&mut self, now: Moment) -> Ready<Save, Output> {
        self.invitation = None;
        let then = vec![Output::Leg(LegNo::CALLER, LegOrder::Accept { body: None })];
        let cause = Cause { words: "the call goes on in the conference".into(), ..Cause::normal() };
        led_by(then, self.hang_up(None, cause, now))
    }

    /// What lists and displays show of the conference on the other side from now on.
    pub(super) fn shown_as(&mut self, words: String) -> Ready<Save, Output> {
        let mut then = Vec::new();
        let mixer = |side: Side| {
            let target = self.legs.get(&self.end_at(side)?)?.target.as_ref()?;
            is_conference(&target.request_uri).then_some(side)
        };
        let Some(side) = [Side::A, Side::B].into_iter().find_map(mixer) else { return Ready::nothing() };
        let party = match side {
            Side::A => &mut self.summary.caller,
            Side::B => &mut self.summary.callee,
        };
        if std::mem::replace(&mut party.display, words.clone()) == words {
            return Ready::nothing();
        }
        self.show_partners(&mut then);
        then.push(Output::Changed(Box::new(self.summary.clone())));
        Ready::say(then)
    }
}
