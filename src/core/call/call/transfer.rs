//! Transfer: an end of the call asks that the other one be connected with somebody else.
//!
//! ```text
//! asked ──► Routing ──granted──► Dialling ──answered──► the newcomer talks, the referrer's leg is ended
//!   └─────► Inheriting ─legs of another call─┘  └──nobody answers──► back to the referrer, or the end
//! ```
//!
//! *Blind*: the supervisor routes the target as if the referrer's user called it, and it is dialled for the
//! referrer's side of the call; the end that stays hears hold music, then ringing. *Attended* and
//! *semi-attended*: the referrer names another leg of its own; the legs on the other side of that one come
//! over with their media ([`inherit`](super::inherit)). *To a dialog elsewhere*: dialled like a blind one,
//! with Replaces passed on.
//!
//! The referrer may hang up as soon as it has asked. Then a transfer that fails has nobody to go back to,
//! and the call ends. While its leg stands it is told how it goes, in the words of [`LegOrder::TellTransfer`].

use serde::{Deserialize, Serialize};

use super::dial::Search;
use super::hold::Sound;
use super::place::MAX_HANDED_OVER;
use super::*;
use crate::call::{Party, Ticket, TransferWish};
use crate::sip::refer::{EXPIRES, Referral};
use crate::sip::wire::Uri;

/// Longest time for somebody to answer; less than the referrer's subscription.
pub(super) const LIMIT: Duration = Duration::from_secs(180);
const _: () = assert!(LIMIT.as_secs() < EXPIRES.as_secs());

/// A transfer under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Transfer {
    /// Who asked.
    referrer: LegNo,
    /// The other end, which gets somebody new.
    stays: LegNo,
    /// The referrer's side, on which the new one will be.
    pub side: Side,
    ticket: Ticket,
    /// The referrer has hung up.
    left: bool,
    asked: Moment,
    #[serde(skip)]
    stage: Stage,
    #[serde(skip)]
    to: String,
    #[serde(skip)]
    referral: Referral,
    /// What the referrer was told last.
    #[serde(skip)]
    told: u16,
    /// The media that came with ringing legs took the place of the referrer's.
    #[serde(skip)]
    displaced: bool,
    /// The end that stays hears early media of whoever is called.
    #[serde(skip)]
    heard: bool,
    /// The user who goes to a conference, and wants one of ours when that cannot be.
    #[serde(skip)]
    convenes: Option<Username>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    /// The supervisor is asked whom to dial.
    Routing,
    /// Another call is asked for its legs.
    Inheriting,
    /// Somebody is dialled.
    Dialling,
    /// It went with the former process.
    #[default]
    Lost,
}

/// What the supervisor is asked for a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// The user in whose name the target is called: by whose rights, and over whose line.
    pub by: Party,
    /// Who will talk to the target, as it is shown to handsets.
    pub shown: Party,
    /// The target's URI.
    pub to: String,
    /// Whether the end that stays has SRTP.
    pub srtp: bool,
}

impl Transfer {
    /// Of a handset that has taken an invitation: who invited is as good as gone.
    pub(super) fn to_conference(stays: LegNo, focus: String, now: Moment) -> Self {
        Self {
            referrer: LegNo::CALLER,
            stays,
            side: Side::A,
            ticket: Ticket { quiet: true, ..Ticket::of_handset() },
            left: true,
            asked: now,
            stage: Stage::Routing,
            to: focus,
            referral: Referral::default(),
            told: 0,
            displaced: false,
            heard: false,
            convenes: None,
        }
    }

    /// Of a user who talks, and leaves this leg for the conference.
    pub(super) fn of(self, partner: LegNo, side: Side, user: Username) -> Self {
        Self { referrer: partner, side, left: false, convenes: Some(user), ..self }
    }

    pub(super) fn referrer(&self) -> LegNo {
        self.referrer
    }

    /// Whether the end that stays hears somebody who has not answered.
    pub(super) fn is_heard(&self) -> bool {
        self.heard
    }

    pub(super) fn sound_for(&self, leg: LegNo) -> Option<Sound> {
        let rings = self.told == 180;
        if self.heard {
            return None;
        }
        (leg == self.stays).then_some(if rings { Sound::Ringing } else { Sound::Hold })
    }
}

impl Call {
    /// A leg in talk asks for it.
    pub(super) fn transfer_asked(
        &mut self,
        leg: LegNo,
        wish: TransferWish,
        now: Moment,
    ) -> Ready<Save, Output> {
        let TransferWish { ticket, to, replaces_own, referral } = wish;
        let stays = match self.may_transfer(leg, &to, referral.replaces.is_some() || replaces_own.is_some()) {
            Ok(stays) => stays,
            Err(cause) => return refuse_transfer(leg, ticket, cause),
        };
        let stage = if replaces_own.is_some() { Stage::Inheriting } else { Stage::Routing };
        let (side, asked) = (self.side_of(leg), now);
        let (left, told, displaced, heard) = (false, 0, false, false);
        let transfer = Transfer {
            referrer: leg,
            stays,
            side,
            ticket,
            left,
            asked,
            stage,
            to,
            referral,
            told,
            displaced,
            heard,
            convenes: None,
        };
        self.transfer = Some(Box::new(transfer));
        self.timers.set(Timer::Transfer, now + LIMIT);
        let mut then = vec![Output::Leg(leg, LegOrder::AcceptTransfer { ticket })];
        self.tell_referrer(100, now, &mut then);
        self.settle_sounds(&mut then);
        match replaces_own {
            Some(owner) => then.push(Output::Inherit(owner)),
            None => then.extend(self.errand().map(|errand| Output::Route(Box::new(errand)))),
        }
        Ready { save: self.put(), then }
    }

    /// Who stays, or why the transfer cannot be.
    fn may_transfer(&self, leg: LegNo, to: &str, attended: bool) -> Result<LegNo, Cause> {
        let refuse = |status, words: &str| Err(Cause::of_status(status, words));
        let Some(stays) = self.other_end(leg) else {
            return refuse(603, "there is nobody in this call to transfer");
        };
        if self.transfer.is_some() {
            return refuse(603, "another transfer of this call is under way");
        }
        if self.summary.handed_over.len() >= MAX_HANDED_OVER {
            return refuse(482, "the call was transferred too often");
        }
        if self.behalf(leg).is_none() {
            return refuse(403, "no user of this switch is in the call");
        }
        let number = Uri::parse(&Text::from(to)).map(|uri| uri.user_text());
        let is = |side: Side| number.as_deref() == Some(self.party_at(side).number.as_str());
        match self.side_of(leg) {
            _ if attended => Ok(stays),
            side if is(side) => refuse(603, "a call cannot be transferred to who transfers it"),
            side if is(side.other()) => refuse(482, "a call cannot be transferred to who is in it"),
            _ => Ok(stays),
        }
    }

    /// The user in whose name the target is called: who transfers, when it is one of ours; for somebody in
    /// the north our user at the other end, as its telephone would (RFC 3515 §2.4.1); else whose line it is.
    fn behalf(&self, referrer: LegNo) -> Option<Party> {
        let side = self.side_of(referrer);
        let users = [self.party_at(side), self.party_at(side.other())];
        let known = users.into_iter().find(|party| party.user.is_some()).cloned();
        let line = || {
            let targets = self.legs.values().filter_map(|strand| strand.target.as_ref());
            let user = targets.filter_map(|target| target.credentials_of.clone()).next()?;
            Some(Party { number: user.to_string(), user: Some(user), ..Party::default() })
        };
        known.or_else(line)
    }

    pub(super) fn errand(&self) -> Option<Errand> {
        let transfer = self.transfer.as_ref()?;
        let (_, other) = (transfer.side, transfer.side.other());
        Some(Errand {
            by: Party {
                base: None,
                ..match transfer.convenes {
                    Some(_) => self.party_at(other).clone(),
                    None => self.behalf(transfer.referrer)?,
                }
            },
            shown: self.party_at(other).clone(),
            to: transfer.to.clone(),
            srtp: match other {
                Side::A => self.summary.srtp.0,
                Side::B => self.summary.srtp.1,
            },
        })
    }

    /// A wish at a time when there is nothing to transfer.
    pub(super) fn transfer_refused(&mut self, leg: LegNo, wish: &TransferWish) -> Ready<Save, Output> {
        refuse_transfer(leg, wish.ticket, Cause::of_status(603, "the call cannot be transferred now"))
    }

    fn stage(&self) -> Option<Stage> {
        self.transfer.as_ref().map(|transfer| transfer.stage)
    }

    /// Whether a grant is awaited.
    pub(super) fn is_routing(&self) -> bool {
        self.stage() == Some(Stage::Routing)
    }

    /// Whether the legs of another call are.
    pub(super) fn is_inheriting(&self) -> bool {
        self.stage() == Some(Stage::Inheriting)
    }

    /// Whether a refusal of either is.
    pub(super) fn awaits_supervisor(&self) -> bool {
        self.is_routing() || self.is_inheriting()
    }

    /// What an INVITE for the transfer says of it.
    pub fn referral(&self) -> Option<&Referral> {
        self.transfer.as_ref().map(|transfer| &transfer.referral)
    }

    /// The dialog that it shall take the place of is none of ours: whoever has it is asked.
    pub(super) fn route_anyway(&mut self) -> Ready<Save, Output> {
        if let Some(transfer) = &mut self.transfer {
            transfer.stage = Stage::Routing;
        }
        Ready::say(self.errand().map(|errand| Output::Route(Box::new(errand))).into_iter().collect())
    }

    /// The supervisor says whom to dial.
    pub(super) fn transfer_routed(&mut self, grant: Box<Admitted>, now: Moment) -> Ready<Save, Output> {
        if let Some(room) = grant.about.room.clone() {
            return self.transferred_to_room(room, now);
        }
        let Some(transfer) = &mut self.transfer else { return Ready::nothing() };
        transfer.stage = Stage::Dialling;
        let mine = self.codecs_beside(transfer_side(&self.transfer));
        let codecs = mine.iter().copied().filter(|codec| grant.codecs.contains(codec)).collect();
        let codecs = or_narrow(codecs, &grant.codecs);
        let attempts = grant.attempts.iter().cloned().collect();
        let forwards = grant.about.forwards.clone();
        self.search = Search { codecs, attempts, forwards, way_failed: true, ..Search::default() };
        self.time_forwards(&grant.about, now);
        self.hold = grant.hold;
        self.grant = Some(grant);
        self.dial_on(Vec::new(), now)
    }

    /// Legs of another call that still rings: they are waited for here now.
    pub(super) fn search_on(&mut self, mut search: Search, grant: Admitted, now: Moment, then: &mut Orders) {
        let Some(transfer) = &mut self.transfer else { return };
        (transfer.stage, transfer.displaced) = (Stage::Dialling, true);
        search.early = None;
        let rung = search.rung;
        (self.search, self.grant) = (search, Some(Box::new(grant)));
        self.timers.set(Timer::C, now + TIMER_C);
        if rung {
            self.tell_referrer(180, now, then);
        }
        self.settle_sounds(then);
    }

    /// 1xx of a leg that is dialled for it. The end that stays hears its early media, where it sends any, in
    /// place of the referrer, who waits; else ringing. The first leg that sends some is heard until it ends.
    pub(super) fn transfer_progress(
        &mut self,
        leg: LegNo,
        status: u16,
        fork: &Text,
        body: Option<&Body>,
        now: Moment,
    ) -> Ready<Save, Output> {
        self.timers.set(Timer::C, now + TIMER_C);
        let mut then = Vec::new();
        if let Some(strand) = self.legs.get_mut(&leg) {
            strand.progressed = true;
            // The answer counts if the 2xx brings none (RFC 3261 §13.2.1).
            let early = body.and_then(|body| strand.preview(fork, body).ok());
            if let Some(agreed) = early {
                self.hear_for_transfer(leg, &agreed, &mut then);
            }
        }
        if status != 199 {
            self.tell_referrer(if status == 180 { 180 } else { 183 }, now, &mut then);
        }
        self.settle_sounds(&mut then);
        Ready::say(then)
    }

    /// Lets the end that stays hear a leg that has not answered.
    pub(super) fn hear_for_transfer(&mut self, leg: LegNo, agreed: &Agreed, then: &mut Orders) {
        let Some(transfer) = &mut self.transfer else { return };
        let side = transfer.side;
        if self.search.early.is_some_and(|heard| heard != leg) {
            return;
        }
        transfer.heard = true;
        self.search.early = Some(leg);
        self.run_flow(side, agreed, then);
        self.settle_sounds(then);
    }

    /// Early media are heard no more. For a transfer, the referrer's own media run again while it is there.
    pub(super) fn hush(&mut self, then: &mut Orders) {
        let was_heard = self.search.early.take().is_some();
        let Some(transfer) = self.transfer.as_mut().filter(|_| was_heard) else { return };
        transfer.heard = false;
        let (referrer, side, displaced) = (transfer.referrer, transfer.side, transfer.displaced);
        let strand = self.legs.get_mut(&referrer).filter(|strand| strand.is_open() && !displaced);
        let agreed = strand.and_then(|strand| strand.in_force()?.agreed().cloned());
        if let Some(agreed) = agreed {
            self.run_flow(side, &agreed, then);
        }
        self.settle_sounds(then);
    }

    /// Whether somebody is dialled for a transfer whose way the router knows.
    pub(super) fn dials_for_transfer(&self) -> bool {
        let transfer = self.transfer.as_ref();
        transfer.is_some_and(|transfer| transfer.stage == Stage::Dialling && !transfer.displaced)
    }

    /// Through whose forwards whoever is called for it was reached.
    pub(super) fn trail_of_transfer(&self) -> Vec<Diversion> {
        self.grant.as_ref().map(|grant| grant.about.trail.clone()).unwrap_or_default()
    }

    /// Who will talk to whoever is called for it.
    pub(super) fn shown_by_transfer(&self) -> Option<Party> {
        let side = self.transfer.as_ref()?.side.other();
        Some(self.party_at(side).clone())
    }

    /// Somebody has answered it.
    pub(super) fn transfer_answered(
        &mut self,
        leg: LegNo,
        fork: &Text,
        body: Option<&Body>,
        now: Moment,
    ) -> Ready<Save, Output> {
        let Some(strand) = self.legs.get_mut(&leg) else { return Ready::nothing() };
        if let Err(cause) = strand.settle(fork, body) {
            let bye = Output::Leg(leg, LegOrder::HangUp { cause: cause.clone() });
            return led_by(vec![bye], self.refused(leg, cause, Vec::new(), false, now));
        }
        self.transferred_to(leg, now, Vec::new())
    }

    /// The transfer has come to its end: this leg talks in the referrer's place.
    pub(super) fn transferred_to(
        &mut self,
        leg: LegNo,
        now: Moment,
        mut then: Orders,
    ) -> Ready<Save, Output> {
        let referrer = self.transfer.as_ref().map(|transfer| transfer.referrer);
        let grant = self.grant.as_deref();
        self.summary.conference = grant.and_then(|grant| grant.about.conference.clone());
        if let Some(strand) = self.legs.get_mut(&leg) {
            strand.candidate = false;
        }
        self.call_off(&Cause::elsewhere(), &mut then);
        self.timers.stop(Timer::C);
        self.transfer_ends(200, &mut then);
        if let Some(referrer) = referrer {
            self.take_place(leg, referrer, now, &mut then);
        }
        Ready { save: self.put(), then }
    }

    /// A way that nobody waits for any more: the channels that it took of base stations go back.
    pub(super) fn granted_in_vain(&self, grant: &Admitted) -> Ready<Save, Output> {
        let targets = grant.attempts.iter().flatten();
        let bases = targets.filter_map(|target| target.base.as_ref().map(|(base, _)| base.clone()));
        Ready::say(bases.map(Output::FreeBase).collect())
    }

    /// Nobody answered: the call goes back to the referrer, if it is still there.
    pub(super) fn transfer_failed(&mut self, cause: Cause, now: Moment) -> Ready<Save, Output> {
        let mut then = Vec::new();
        self.call_off(&cause, &mut then);
        self.hush(&mut then);
        self.timers.stop(Timer::C);
        let transfer = self.transfer.as_ref();
        let gone = transfer.is_some_and(|transfer| transfer.left);
        let convenes = transfer.and_then(|transfer| transfer.convenes.clone());
        let displaced = transfer.filter(|transfer| transfer.displaced).map(|transfer| transfer.referrer);
        self.transfer_ends(cause.status_for_caller(), &mut then);
        if gone {
            return led_by(then, self.hang_up(None, cause, now));
        }
        if let Some(referrer) = displaced {
            self.take_up_again(referrer, &mut then);
        }
        self.settle(&mut then);
        then.extend(convenes.map(Output::GatherInside));
        Ready { save: self.put(), then }
    }

    /// The referrer's port went when those of the ringing legs came: it is told the one that is there now.
    fn take_up_again(&mut self, referrer: LegNo, then: &mut Orders) {
        let side = self.side_of(referrer);
        let port = self.grant.as_deref().map(|grant| grant.port(side));
        let Some(strand) = self.legs.get_mut(&referrer).filter(|strand| strand.is_open()) else { return };
        if let Some(port) = port {
            strand.move_to(port);
        }
        let agreed = strand.in_force().and_then(|media| media.agreed().cloned());
        if let Some(agreed) = agreed {
            self.run_flow(side, &agreed, then);
        }
    }

    /// The last word to the referrer.
    pub(super) fn transfer_ends(&mut self, status: u16, then: &mut Orders) {
        let Some(transfer) = self.transfer.take() else { return };
        for timer in [Timer::Transfer, Timer::NoAnswer, Timer::Silence] {
            self.timers.stop(timer);
        }
        self.search = Search::default();
        let stands = self.legs.get(&transfer.referrer).is_some_and(Strand::is_open);
        if stands && !transfer.ticket.quiet {
            let order = LegOrder::TellTransfer { ticket: transfer.ticket, status, left: None };
            then.push(Output::Leg(transfer.referrer, order));
        }
    }

    pub(super) fn transfer_too_slow(&mut self, now: Moment) -> Ready<Save, Output> {
        match &self.transfer {
            Some(_) => {
                let cause = Cause { status: 480, q850: 19, words: "nobody answered the transfer".into() };
                let best = self.search.best.take().unwrap_or(cause);
                self.transfer_failed(best, now)
            }
            None => Ready::nothing(),
        }
    }

    fn tell_referrer(&mut self, status: u16, now: Moment, then: &mut Orders) {
        let Some(transfer) = self.transfer.as_mut() else { return };
        // A telephone that rings is not told to stop ringing, and nothing twice.
        if transfer.told == status || transfer.told == 180 {
            return;
        }
        transfer.told = status;
        let (referrer, ticket) = (transfer.referrer, transfer.ticket);
        let left = Some(EXPIRES.saturating_sub(now.since(transfer.asked)));
        let stands = self.legs.get(&referrer).is_some_and(Strand::is_open);
        if stands && !ticket.quiet {
            then.push(Output::Leg(referrer, LegOrder::TellTransfer { ticket, status, left }));
        }
    }

    /// Whether a leg has asked for the transfer that is under way.
    pub(super) fn is_referrer(&self, leg: LegNo) -> bool {
        self.transfer.as_ref().is_some_and(|transfer| transfer.referrer == leg)
    }

    /// It hung up meanwhile, as many do once they were told 202: the transfer goes on.
    pub(super) fn referrer_left(&mut self, leg: LegNo) -> Ready<Save, Output> {
        let side = self.side_of(leg);
        if let Some(strand) = self.legs.get_mut(&leg) {
            strand.end();
        }
        if let Some(transfer) = &mut self.transfer {
            transfer.left = true;
        }
        let mut then: Orders = self.base_goes_back(leg, side).into_iter().collect();
        self.settle_sounds(&mut then);
        Ready { save: self.put(), then }
    }
}

fn transfer_side(transfer: &Option<Box<Transfer>>) -> Side {
    transfer.as_ref().map_or(Side::B, |transfer| transfer.side)
}

fn refuse_transfer(leg: LegNo, ticket: Ticket, cause: Cause) -> Ready<Save, Output> {
    Ready::say(vec![Output::Leg(leg, LegOrder::RefuseTransfer { ticket, cause })])
}
