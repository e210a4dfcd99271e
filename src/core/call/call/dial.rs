//! Dialling: from the grant to somebody ringing, and on to the next when somebody will not.

use super::*;
use crate::media::negotiate::SrtpMode;
use crate::sip::Transport;

impl Call {
    /// The supervisor granted channels and says where to dial.
    pub(super) fn admitted(&mut self, grant: Box<Admitted>, now: Moment) -> Ready<Save, Output> {
        let local = local_media(grant.address_a, grant.port_a, grant.codecs.clone(), &grant.srtp.0);
        let media = OfferAnswer::new(local, &mut self.tokens);
        if let Some(caller) = self.leg(LegNo::CALLER) {
            caller.media = Some(media);
        }
        self.attempts = grant.attempts.iter().cloned().collect();
        self.grant = Some(grant);
        self.state = State::Dialling;
        let mut then = Vec::new();
        self.set_phase(Phase::Dialling, &mut then);
        let failed = self.dial_next(&mut then);
        self.or_give_up(failed, then, now)
    }

    /// Dials the next attempt; the error is why nobody could be dialled.
    fn dial_next(&mut self, then: &mut Orders) -> Result<(), Cause> {
        let codecs = self.codecs_to_offer()?;
        let nobody = || Cause::of_status(480, "nobody to dial");
        let targets = self.attempts.pop_front().filter(|t| !t.is_empty());
        let targets = targets.ok_or_else(|| self.best.clone().unwrap_or_else(nobody))?;
        for target in targets {
            self.dial(target, codecs.clone(), then);
        }
        Ok(())
    }

    fn dial(&mut self, target: Target, codecs: Vec<Codec>, then: &mut Orders) {
        let Some(grant) = self.grant.as_deref() else { return };
        let srtp = offered_over(&grant.srtp.1, target.destination.transport);
        let local = local_media(grant.address_b, grant.port_b, codecs, &srtp);
        let leg = LegNo(self.legs.last_key_value().map_or(0, |(last, _)| last.0) + 1);
        let mut media = OfferAnswer::new(local, &mut self.tokens);
        let offer = Body::sdp(media.offer(&mut self.tokens));
        let strand = Strand { media: Some(media), target: Some(target.clone()), rung: false, closed: false };
        self.legs.insert(leg, strand);
        then.push(Output::Dial { leg, target: Box::new(target), offer });
    }

    /// The caller's codecs first, so that nothing need be translated; then what we could translate.
    fn codecs_to_offer(&self) -> Result<Vec<Codec>, Cause> {
        let ours = self.grant.as_deref().map_or(Vec::new(), |g| g.codecs.clone());
        let Some(offer) = &self.offer else { return Ok(ours) };
        let caller = self.legs.get(&LegNo::CALLER).and_then(|strand| strand.media.as_ref());
        let caller = caller.ok_or_else(|| Cause::of_status(500, "no media"))?;
        let offered = caller.review(&offer.content_type, &offer.bytes).map_err(answer::unacceptable)?;
        let mut codecs: Vec<Codec> = offered.codecs.into_iter().filter(|c| ours.contains(c)).collect();
        if codecs.is_empty() {
            return Err(Cause::of_status(488, "no codec in common with the caller"));
        }
        let translatable = |c: &Codec| matches!(c, Codec::Pcma | Codec::Pcmu);
        if codecs.iter().any(translatable) {
            let more: Vec<Codec> =
                ours.into_iter().filter(|c| translatable(c) && !codecs.contains(c)).collect();
            codecs.extend(more);
        }
        Ok(codecs)
    }

    /// 1xx of a dialled leg.
    pub(super) fn progress(&mut self, leg: LegNo, status: u16, body: Option<Body>) -> Ready<Save, Output> {
        let mut then = Vec::new();
        let early = body.and_then(|body| self.take_answer(leg, &body, &mut then).ok());
        let first_ring =
            status == 180 && self.leg(leg).is_some_and(|strand| !std::mem::replace(&mut strand.rung, true));
        if status == 180 {
            self.set_phase(Phase::Ringing, &mut then);
        }
        let already = self.answer.is_some();
        let answer = early.and_then(|agreed| self.answer_for_caller(agreed.codec, &mut then).ok());
        match (answer, status) {
            (Some(body), _) if !already => {
                then.push(Output::Leg(LegNo::CALLER, LegOrder::Progress { status: 183, body: Some(body) }));
            }
            (_, 180) if first_ring => {
                then.push(Output::Leg(LegNo::CALLER, LegOrder::Progress { status: 180, body: None }));
            }
            (_, 181 | 182) => {
                then.push(Output::Leg(LegNo::CALLER, LegOrder::Progress { status, body: None }))
            }
            _ => {}
        }
        Ready::say(then)
    }

    /// A dialled leg ended without an answer.
    pub(super) fn refused(
        &mut self,
        leg: LegNo,
        cause: Cause,
        contacts: Vec<String>,
        route_failed: bool,
        now: Moment,
    ) -> Ready<Save, Output> {
        let mut then = vec![Output::ReleaseBase(leg)];
        let target = self.legs.remove(&leg).and_then(|strand| strand.target);
        self.note_cause(&cause);
        if let (300..=399, Some(target)) = (cause.status, target) {
            self.redirect(target, contacts, &mut then);
        }
        if self.legs.keys().any(|l| *l != LegNo::CALLER) {
            return Ready::say(then);
        }
        let failed = match route_failed {
            true => self.dial_next(&mut then),
            false => Err(self.best.clone().unwrap_or(cause)),
        };
        self.or_give_up(failed, then, now)
    }

    /// Follows a 3xx of the north side through the same next hop. A handset's redirection is not
    /// followed: that is a forward, which needs the user's rights.
    fn redirect(&mut self, target: Target, contacts: Vec<String>, then: &mut Orders) {
        if target.destination.facing == Facing::South {
            return;
        }
        for contact in contacts {
            if self.redirects == MAX_REDIRECTS {
                return;
            }
            self.redirects += 1;
            let next = Target { request_uri: contact.clone(), to_uri: contact, ..target.clone() };
            if let Ok(codecs) = self.codecs_to_offer() {
                self.dial(next, codecs, then);
            }
        }
    }

    /// RFC 3261 §16.7 step 6: a 6xx decides; else the lowest class; within it the first that says more
    /// than "not here now".
    fn note_cause(&mut self, cause: &Cause) {
        let rank = |c: &Cause| match c.status {
            600..=699 => 0,
            300..=399 => 5,
            408 | 480 | 487 => 3,
            400..=499 => 2,
            _ => 4,
        };
        if self.best.as_ref().is_none_or(|best| rank(cause) < rank(best)) {
            self.best = Some(cause.clone());
        }
    }

    fn or_give_up(
        &mut self,
        dialled: Result<(), Cause>,
        mut then: Orders,
        now: Moment,
    ) -> Ready<Save, Output> {
        if let Err(cause) = dialled {
            let mut more = self.give_up(cause, now);
            then.append(&mut more.then);
            return Ready { save: more.save, then };
        }
        Ready::say(then)
    }
}

/// RFC 4568 §5.1.2 wants keys in an offer only under "authenticated and encrypted" signalling: where SRTP
/// is optional, a leg over UDP or TCP is offered plain RTP. Where it is required, the administrator has
/// decided that keys in the clear are better than speech in the clear.
fn offered_over(policy: &SrtpPolicy, transport: Transport) -> SrtpPolicy {
    match (policy.mode, transport) {
        (SrtpMode::Optional, Transport::Udp | Transport::Tcp) => {
            SrtpPolicy { mode: SrtpMode::Off, ..*policy }
        }
        _ => *policy,
    }
}
