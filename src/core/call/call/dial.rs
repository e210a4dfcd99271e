//! Dialling: from the grant to somebody ringing, and on to the next when somebody will not.

use super::strand::refused_offer;
use super::*;
use crate::call::forward::Forwards;
use crate::media::negotiate::{Habits, LocalIce, SrtpMode};
use crate::sip::Transport;

/// Most legs that one call ever has; their numbers must fit [`OWNER_BITS`](crate::call::OWNER_BITS).
pub(super) const MAX_LEGS: u32 = 1 << crate::call::OWNER_BITS;
/// Most that it has until somebody answers. The rest is for transfers.
const MAX_AT_FIRST: u32 = 64;

/// The search for somebody who answers. Gone with the process: a call that was not answered is not kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Search {
    /// What dialled legs are offered.
    pub codecs: Vec<Codec>,
    /// Whom to dial next, when the way of those before failed.
    pub attempts: VecDeque<Vec<Target>>,
    /// Contacts of a redirection that are not dialled yet, best first.
    pub contacts: VecDeque<Target>,
    /// Contacts followed so far.
    pub redirects: u8,
    /// Whether every leg of the present attempt failed on its way, so that none has reached the callee.
    pub way_failed: bool,
    /// The best reason so far why nobody answered.
    pub best: Option<Cause>,
    /// Whose early media the caller hears.
    pub early: Option<LegNo>,
    /// Whether the caller was told that something happens.
    pub told: bool,
    /// Whether the caller was told that it rings.
    pub rung: bool,
    /// Whom to dial when those before lacked bandwidth and another way may be tried: a gateway to the PSTN.
    pub detour: Vec<Target>,
    /// Whether other ways are tried when bandwidth is missing on one.
    pub reroutes: bool,
    /// A far end takes no offer in two parts.
    pub single_part: bool,
    /// The called user is in another call, and the caller has not been told.
    pub waits: bool,
    /// What the called user wants when the handset does not take the call.
    pub forwards: Forwards,
    /// Whether the router owes the way of a forward, or one inside.
    pub diverting: bool,
    /// Whether it was asked for a way inside.
    pub asked_inside: bool,
}

impl Search {
    fn take_detour(&mut self) -> Option<Vec<Target>> {
        let lacking =
            self.reroutes && self.best.as_ref().is_some_and(|cause| cause.lacks_bandwidth() == Some(true));
        let detour = lacking.then(|| std::mem::take(&mut self.detour)).filter(|detour| !detour.is_empty())?;
        // What is heard there says more than why the call did not go the other way.
        self.best = None;
        Some(detour)
    }
}

impl Call {
    /// The supervisor granted channels and says where to dial.
    pub(super) fn admitted(&mut self, grant: Box<Admitted>, now: Moment) -> Ready<Save, Output> {
        self.channels = Channels::Held;
        self.hold = grant.hold;
        self.join_code = grant.join_code.clone();
        self.codecs = grant.codecs.clone();
        let alone = grant.about.relays_alone;
        let ice = LocalIce::of(grant.ice.0, &mut self.tokens);
        let ice = ice.map(|ice| ice.with_relayed(&grant.relayed.0).by_relays_alone(alone));
        let (srtp, habits) = (grant.srtp.0, grant.habits.0);
        let local = local_media(grant.address_a, grant.port_a, grant.codecs.clone(), (srtp, habits), ice);
        let bypass = grant.about.bypass.clone().filter(|_| self.facing == Facing::North);
        let media = OfferAnswer::new(LocalMedia { bypass, ..local }, &mut self.tokens);
        self.take_about(&grant.about, now);
        self.search.attempts = grant.attempts.iter().cloned().collect();
        self.search.way_failed = true;
        match codecs_to_offer(&media, self.offer.as_ref(), &grant.codecs) {
            Ok(codecs) => self.search.codecs = codecs,
            Err(cause) => return self.hang_up(None, cause, now),
        }
        if let Some(caller) = self.legs.get_mut(&LegNo::CALLER) {
            caller.media = Some(media);
        }
        if grant.about.escalates {
            self.grant = Some(grant);
            return self.escalated(now);
        }
        let room = grant.about.room.clone();
        let confirms = grant.about.confirms.then(|| (grant.about.words.clone(), grant.about.shown_for));
        self.grant = Some(grant);
        if let Some(room) = room {
            return self.enter_room(room, now);
        }
        if let Some(shown) = confirms {
            return self.confirm(&self.search.codecs.clone(), shown, now);
        }
        self.state = State::Dialling;
        let mut then = Vec::new();
        self.set_phase(Phase::Dialling, &mut then);
        self.dial_on(then, now)
    }

    /// Dials until somebody is dialled, or gives up when nobody is left: the other contacts of a
    /// redirection first, then the next attempt if the way of the last one failed.
    pub(super) fn dial_on(&mut self, mut then: Orders, now: Moment) -> Ready<Save, Output> {
        while !self.legs.values().any(|strand| strand.candidate && strand.is_open()) {
            let search = &mut self.search;
            let contact = search.contacts.pop_front().map(|target| vec![target]);
            let next = contact.or_else(|| search.attempts.pop_front().filter(|_| search.way_failed));
            let next = next.or_else(|| search.take_detour());
            let Some(targets) = next else {
                if self.search.diverting || self.go_inside(&mut then) || self.forward_on(&mut then) {
                    return Ready::say(then);
                }
                let nobody = || Cause::of_status(480, "nobody to dial");
                let cause = self.search.best.take().unwrap_or_else(nobody);
                return led_by(then, self.nobody_left(cause, now));
            };
            for target in targets {
                self.dial(target, &mut then, now);
            }
        }
        Ready::say(then)
    }

    /// A handset's call found no server of the north. The line may not know yet that it is down; whether the
    /// call stays inside then, the router says.
    fn go_inside(&mut self, then: &mut Orders) -> bool {
        let towards =
            |leg: &Strand, facing| leg.target.as_ref().is_some_and(|t| t.destination.facing == facing);
        let north_alone = !self.legs.values().any(|leg| towards(leg, Facing::South))
            && self.legs.values().any(|leg| towards(leg, Facing::North));
        let search = &mut self.search;
        let lost = self.state == State::Dialling && search.way_failed && north_alone;
        if !lost || self.facing != Facing::South || std::mem::replace(&mut search.asked_inside, true) {
            return false;
        }
        search.diverting = true;
        then.push(Output::Inside);
        true
    }

    /// Nobody will answer: the call ends, or only the transfer.
    pub(super) fn nobody_left(&mut self, cause: Cause, now: Moment) -> Ready<Save, Output> {
        match self.state {
            State::Talking => self.transfer_failed(cause, now),
            _ => self.hang_up(None, cause, now),
        }
    }

    pub(super) fn dial(&mut self, target: Target, then: &mut Orders, now: Moment) {
        let (leg, side) = (self.next_leg(), self.transfer.as_ref().map_or(Side::B, |transfer| transfer.side));
        let most = if self.transfer.is_some() { MAX_LEGS } else { MAX_AT_FIRST };
        let Some(grant) = self.grant.as_deref().filter(|_| leg.0 < most) else { return };
        let srtp = match target.insist_on_srtp {
            true => SrtpPolicy { mode: SrtpMode::Required, ..grant.srtp.1 },
            false => offered_over(&grant.srtp.1, target.destination.transport),
        };
        let port = grant.port(side);
        let ice = LocalIce::of(grant.ice.1, &mut self.tokens).map(|ice| ice.with_relayed(&grant.relayed.1));
        let local =
            local_media(grant.address_b, port, self.search.codecs.clone(), (srtp, grant.habits.1), ice);
        let north = target.destination.facing == Facing::North;
        let bypass = grant.about.bypass.clone().filter(|_| north);
        let mut media = OfferAnswer::new(LocalMedia { bypass, ..local }, &mut self.tokens);
        let offer = Body::sdp(media.offer(&mut self.tokens));
        let offer = match grant.about.federated && north && !self.search.single_part {
            true => federation::in_two_parts(&offer, &mut self.tokens),
            false => offer,
        };
        self.legs.insert(leg, Strand::dialled(target.clone(), media, side));
        self.timers.set(Timer::C, now + TIMER_C);
        if self.state == State::Dialling {
            self.show_partner(LegNo::CALLER, &target.party, then);
        }
        then.push(Output::Dial { leg, target: Box::new(target), offer });
    }
}

/// The caller's codecs first, so that nothing need be translated; then what we could translate well.
fn codecs_to_offer(caller: &OfferAnswer, offer: Option<&Body>, ours: &[Codec]) -> Result<Vec<Codec>, Cause> {
    let Some(offer) = offer else { return Ok(ours.to_vec()) };
    let offered = caller.review(&offer.content_type, &offer.bytes).map_err(refused_offer)?.codecs;
    let more = ours.iter().filter(|codec| !offered.contains(codec));
    let more = more.filter(|codec| offered.iter().any(|other| joins(**codec, *other)));
    Ok(or_narrow(offered.iter().chain(more).copied().collect(), ours))
}

/// RFC 4568 §5.1.2 wants keys in an offer only under "authenticated and encrypted" signalling: where SRTP
/// is optional, a leg over UDP or TCP is offered plain RTP. Where it is required, the administrator has
/// decided that keys in the clear are better than speech in the clear.
pub(super) fn offered_over(policy: &SrtpPolicy, transport: Transport) -> SrtpPolicy {
    match (policy.mode, transport) {
        (SrtpMode::Optional, Transport::Udp | Transport::Tcp) => {
            SrtpPolicy { mode: SrtpMode::Off, ..*policy }
        }
        _ => *policy,
    }
}

pub(super) fn local_media(
    address: IpAddr,
    port: u16,
    codecs: Vec<Codec>,
    (srtp, Habits { ignore_sdp_version, comfort_noise }): (SrtpPolicy, Habits),
    ice: Option<LocalIce>,
) -> LocalMedia {
    let plain = LocalMedia::new(address, port, codecs);
    LocalMedia { srtp, ice, ignore_sdp_version, comfort_noise, ..plain }
}
