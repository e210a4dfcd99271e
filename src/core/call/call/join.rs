//! An INVITE that asks for the place of one of the call's legs (RFC 3891): a call picked up from another
//! telephone, or an attended transfer that somebody else drives.

use std::net::IpAddr;

use super::dial::local_media;
use super::strand::refused_offer;
use super::*;
use crate::call::Party;
use crate::media::negotiate::{Habits, IceMode, LocalIce};

/// What is known of it when it arrives. Which leg it means was proved by Call-ID and tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joining {
    /// Whose place it wants, or why it is not to have it.
    pub replaced: Result<LegNo, Cause>,
    /// Who calls.
    pub party: Party,
    /// From which world.
    pub facing: Facing,
    /// Its offer, if it made one.
    pub offer: Option<Body>,
    /// Our RTP ports.
    pub ports: (u16, u16),
    /// The address that it shall send media to.
    pub address: IpAddr,
    /// Codecs of this switch, preferred first.
    pub codecs: Vec<Codec>,
    /// SRTP towards it.
    pub srtp: SrtpPolicy,
    /// How descriptions are read and written towards it.
    pub habits: Habits,
    /// ICE towards it.
    pub ice: IceMode,
}

impl Call {
    /// It has come; its leg has not taken it yet.
    pub(super) fn announce(&mut self, leg: LegNo, joining: Box<Joining>) -> Ready<Save, Output> {
        self.legs.entry(leg).or_insert_with(|| Strand::newcomer(joining));
        Ready::nothing()
    }

    /// Its leg has taken it.
    pub(super) fn joins(&mut self, leg: LegNo, now: Moment) -> Ready<Save, Output> {
        let joining = self.legs.get_mut(&leg).and_then(|strand| strand.joining.take());
        let Some(joining) = joining else { return Ready::nothing() };
        let open = |leg: &LegNo| self.legs.get(leg).is_some_and(Strand::is_open);
        let gone = || Cause::of_status(481, "the call that Replaces names is over");
        let replaced = joining.replaced.clone().and_then(|old| Some(old).filter(open).ok_or_else(gone));
        let taken = replaced.and_then(|old| match self.state {
            State::Talking if self.transfer.is_some() => {
                Err(Cause::of_status(603, "the call is being transferred"))
            }
            State::Talking => self.joins_in_talk(leg, old, &joining, now),
            State::Dialling => self.joins_while_ringing(leg, old, &joining, now),
            _ => Err(gone()),
        });
        match taken {
            Ok(ready) => ready,
            Err(cause) => self.turn_away(leg, &joining, cause),
        }
    }

    /// RFC 3891 §3: it "is accepted … and the UA … sends a BYE" to whom it replaces. When it cannot be
    /// taken, "the matched dialog" is left "unchanged".
    fn joins_in_talk(
        &mut self,
        leg: LegNo,
        old: LegNo,
        joining: &Joining,
        now: Moment,
    ) -> Result<Ready<Save, Output>, Cause> {
        let side = self.side_of(old);
        if self.end_at(side) != Some(old) || self.other_end(old).is_none() {
            return Err(Cause::of_status(481, "the call that Replaces names is over"));
        }
        let body = self.describe(leg, side, self.codecs_beside(side), joining)?;
        let mut then = vec![Output::Leg(leg, LegOrder::Accept { body: Some(body) })];
        self.take_place(leg, old, now, &mut then);
        Ok(Ready { save: self.put(), then })
    }

    /// "If the Replaces header field matches an early dialog that was initiated by the UA, it accepts the
    /// new INVITE … and … terminate[s] the … early dialog by sending a CANCEL."
    fn joins_while_ringing(
        &mut self,
        leg: LegNo,
        old: LegNo,
        joining: &Joining,
        now: Moment,
    ) -> Result<Ready<Save, Output>, Cause> {
        let ringing = self.legs.get(&old).is_some_and(|strand| strand.candidate);
        if !ringing || joining.offer.is_none() {
            return Err(Cause::of_status(488, "a call that rings is taken over with an offer"));
        }
        let codecs = self.search.codecs.clone();
        let body = self.describe(leg, Side::B, &codecs, joining)?;
        let agreed = self.legs.get(&leg).and_then(|strand| strand.media.as_ref()?.agreed().cloned());
        let agreed = agreed.ok_or_else(|| Cause::of_status(488, "no session is agreed on"))?;
        let mut then = Vec::new();
        let answer = self.final_answer(agreed.codec, &mut then)?;
        self.run_flow(Side::B, &agreed, &mut then);
        self.win(leg, &mut then);
        self.summary.callee = joining.party.clone();
        self.summary.answered = Some(now);
        self.state = State::Talking;
        self.timers.stop(Timer::C);
        self.answer = Some(answer.clone());
        then.push(Output::Leg(leg, LegOrder::Accept { body: Some(body) }));
        then.push(Output::Leg(LegNo::CALLER, LegOrder::Accept { body: Some(answer) }));
        self.show_partners(&mut then);
        self.set_phase(Phase::Talking, &mut then);
        Ok(Ready { save: self.put(), then })
    }

    /// Our answer to its offer, or our offer when it made none.
    fn describe(
        &mut self,
        leg: LegNo,
        side: Side,
        codecs: &[Codec],
        joining: &Joining,
    ) -> Result<Body, Cause> {
        let port = match side {
            Side::A => joining.ports.0,
            Side::B => joining.ports.1,
        };
        let ours = joining.codecs.clone();
        let ice = LocalIce::of(joining.ice, &mut self.tokens);
        let local = local_media(joining.address, port, ours, (joining.srtp, joining.habits), ice);
        let mut media = OfferAnswer::new(local, &mut self.tokens);
        let body = match &joining.offer {
            Some(offer) => {
                let (kind, bytes) = (&offer.content_type, &offer.bytes);
                let answered = media.answer(kind, bytes, Some(codecs), &mut self.tokens);
                let answered = answered.or_else(|_| media.answer(kind, bytes, None, &mut self.tokens));
                Body::sdp(answered.map_err(refused_offer)?.0)
            }
            None => {
                let joined = joining.codecs.iter().copied().filter(|codec| codecs.contains(codec)).collect();
                media.set_codecs(or_narrow(joined, &joining.codecs));
                Body::sdp(media.offer(&mut self.tokens))
            }
        };
        if let Some(strand) = self.legs.get_mut(&leg) {
            (strand.media, strand.side) = (Some(media), Some(side));
        }
        Ok(body)
    }

    fn turn_away(&mut self, leg: LegNo, joining: &Joining, cause: Cause) -> Ready<Save, Output> {
        if let Some(strand) = self.legs.get_mut(&leg) {
            strand.end();
        }
        let mut then = vec![Output::Leg(leg, LegOrder::Reject { cause })];
        then.extend(joining.party.base.clone().map(Output::FreeBase));
        Ready::say(then)
    }

    /// Its leg refused the INVITE by itself, or was lost.
    pub(super) fn never_joined(&mut self, leg: LegNo) -> Ready<Save, Output> {
        let joining = self.legs.get_mut(&leg).and_then(|strand| strand.joining.take());
        let base = joining.and_then(|joining| joining.party.base);
        Ready::say(base.map(Output::FreeBase).into_iter().collect())
    }
}
