//! Subscription, location, authentication and ciphering of one handset: what the mobility machine wants
//! done, and what becomes of the record.

use super::{News, Out, Output, Portable, Rules, Save, Standing, keys_of};
use crate::dect::element::{AuthAlgorithm, CipherAlgorithm, Coding, RejectReason, ReleaseReason};
use crate::dect::identity::Ipui;
use crate::dect::lce::PageHeader;
use crate::dect::mm::{self, Ask, Decision, Failure, Mm, Procedure};
use crate::id::Tokens;
use crate::machine::Machine;
use crate::timer::Moment;

/// Number of the cipher key that is derived: bit 4 set, related to the IPUI/PARK pair.
const CIPHER_KEY: u8 = 8;

/// The mobility machine for what is on disk.
pub(super) fn machine(standing: Option<&Standing>, tokens: Tokens) -> Mm {
    let subscription = standing.map(|standing| (standing.ipui.clone(), standing.park));
    Mm::new(tokens, subscription, standing.map(keys_of).unwrap_or_default())
}

impl Portable {
    pub(super) fn step_mm(&mut self, input: mm::Input, now: Moment, out: &mut Out) {
        // A refusal answers an order, and those pass `ask`.
        _ = self.try_mm(input, now, out);
    }

    pub(super) fn try_mm(&mut self, input: mm::Input, now: Moment, out: &mut Out) -> Result<(), mm::Refusal> {
        let ready = self.mm.handle(input, now)?;
        for save in ready.save {
            self.keep(save, out);
        }
        for output in ready.then {
            self.after_mm(output, now, out);
        }
        Ok(())
    }

    /// The one match of what the mobility machine says.
    fn after_mm(&mut self, output: mm::Output, now: Moment, out: &mut Out) {
        let mut tell = |news| out.then.push(Output::News(news));
        match output {
            mm::Output::Send(message) => self.say(message, PageHeader::NoUPlane, now, out),
            mm::Output::AccessRightsRequested { auth_type, capability, .. } => {
                let algorithm = auth_type.map(|auth_type| auth_type.algorithm);
                let capable = capability.as_ref().is_some_and(|capability| capability.dsaa2());
                tell(News::SubscriptionAsked { dsaa2: capable || algorithm == Some(AuthAlgorithm::DSAA2) });
                self.capability = capability.or(self.capability.take());
            }
            mm::Output::LocationRequested { capability, .. } => {
                self.capability = capability.or(self.capability.take());
                self.locate(now, out);
            }
            mm::Output::TerminationRequested(_) => {
                let decision = Decision::Terminate { authenticate: true };
                if self.try_mm(mm::Input::Decide(decision), now, out).is_err() {
                    self.refuse(RejectReason::AUTHENTICATION_KEY_NOT_SUPPORTED, now, out);
                }
            }
            mm::Output::Subscribed(_) => tell(News::Subscribed),
            mm::Output::Located(_) => {
                if let Some(base) = self.standing.as_ref().and_then(|standing| standing.base.clone()) {
                    tell(News::Located(base));
                }
            }
            mm::Output::Detached => tell(News::Detached),
            mm::Output::Terminated => tell(News::Terminated),
            mm::Output::Authenticated => self.keyed = true,
            mm::Output::Assigned(tpui) => self.link.assign(Some(tpui)),
            mm::Output::Identified(_) => {}
            mm::Output::CipherKey { algorithm, number, key } => {
                if let Some(connection) = self.connection.clone() {
                    out.then.push(Output::CipherKey { connection, algorithm, number, key });
                }
            }
            mm::Output::Ciphered(on) => self.ciphering(on, now, out),
            mm::Output::Failed(procedure, failure) => self.failed(procedure, failure, now, out),
            mm::Output::LinkNotNeeded { partial } => self.link_not_needed(partial, now, out),
        }
    }

    /// Whoever has a key may be where it says, once it has proved that it has it.
    fn locate(&mut self, now: Moment, out: &mut Out) {
        let Rules { level, .. } = self.rules;
        let decision = match self.standing.as_ref().is_some_and(|standing| standing.uak.is_some()) {
            true => Decision::Locate { authenticate: true, tpui: None, level },
            false => Decision::Refuse(RejectReason::IPUI_NOT_ACCEPTED),
        };
        self.step_mm(mm::Input::Decide(decision), now, out);
    }

    fn refuse(&mut self, reason: RejectReason, now: Moment, out: &mut Out) {
        self.step_mm(mm::Input::Decide(Decision::Refuse(reason)), now, out);
    }

    /// What the machine wants kept, into the record as a whole.
    fn keep(&mut self, save: mm::Save, out: &mut Out) {
        match (save, &mut self.standing) {
            (mm::Save::Unconfirmed { number, uak, code }, _) => self.fresh = Some((number, uak, code)),
            (mm::Save::Subscribed { ipui, park }, _) => self.subscribed(ipui, park),
            (mm::Save::Unsubscribed, _) => {
                self.standing = None;
                out.save.push(Save::Forget(self.ipui.clone()));
                return;
            }
            (_, None) => return,
            (mm::Save::Confirmed, Some(standing)) => standing.code = None,
            (mm::Save::Unkeyed, Some(standing)) => (standing.uak, standing.code) = (None, None),
            (mm::Save::Located(tpui), Some(standing)) => {
                (standing.located, standing.tpui) = (true, tpui);
                standing.capability = self.capability.as_ref().map(Coding::encode).unwrap_or_default();
                standing.base = self.connection.as_ref().map(|c| c.base.clone()).or(standing.base.take());
                self.link.assign(tpui);
            }
            (mm::Save::Detached, Some(standing)) => standing.located = false,
        }
        out.save
            .extend(self.standing.clone().filter(|_| self.fresh.is_none()).map(|s| Save::Put(Box::new(s))));
    }

    fn subscribed(&mut self, ipui: Ipui, park: crate::dect::identity::Park) {
        let (uak, code) = match self.fresh.take() {
            Some((number, uak, code)) => (Some((number, uak)), Some(code)),
            None => (None, None),
        };
        let base = self.connection.as_ref().map(|connection| connection.base.clone());
        let capability = self.capability.as_ref().map(Coding::encode).unwrap_or_default();
        let (located, tpui) = (false, None);
        self.standing = Some(Standing { ipui, park, uak, code, located, tpui, base, capability });
        // The old cipher key, if there was one, came of the old authentication key.
        self.keyed = false;
    }

    /// Asks for ciphering on this connection, once. Without a cipher key there is an authentication before.
    pub(super) fn secure(&mut self, now: Moment, out: &mut Out) {
        if !self.rules.cipher || self.ciphered || self.securing || self.connection.is_none() {
            return;
        }
        self.securing = true;
        let dsc2 = self.capability.as_ref().is_some_and(|capability| capability.dsc2());
        let algorithm = if dsc2 { CipherAlgorithm::DSC2 } else { CipherAlgorithm::DSC };
        let prove = (!self.keyed).then_some(Ask::Authenticate { store: Some(CIPHER_KEY) });
        for ask in prove.into_iter().chain([Ask::Cipher { enable: true, algorithm }]) {
            if self.try_mm(mm::Input::Ask(ask), now, out).is_err() {
                return self.insecure(ReleaseReason::NO_CIPHER_KEY, now, out);
            }
        }
    }

    /// Whether calls may be told of.
    pub(super) fn is_secure(&self) -> bool {
        self.ciphered || !self.rules.cipher
    }

    fn ciphering(&mut self, on: bool, now: Moment, out: &mut Out) {
        let was = std::mem::replace(&mut self.ciphered, on);
        match (was, on) {
            (_, true) => self.tell_asked(out),
            // It was, and is not any more: somebody wants to listen, or the base station has lost it.
            (true, false) => self.insecure(ReleaseReason::SECURITY_ATTACK_ASSUMED, now, out),
            (false, false) if self.securing => {
                self.insecure(ReleaseReason::ENCRYPTION_ACTIVATION_FAILED, now, out);
            }
            (false, false) => {}
        }
    }

    fn failed(&mut self, procedure: Procedure, failure: Failure, now: Moment, out: &mut Out) {
        match procedure {
            Procedure::AccessRights | Procedure::KeyAllocation => {
                out.then.push(Output::News(News::SubscriptionFailed(failure)));
            }
            Procedure::Termination => out.then.push(Output::News(News::NotTerminated(failure))),
            Procedure::Authentication if failure == Failure::WrongAnswer => {
                self.insecure(ReleaseReason::AUTHENTICATION_FAILED, now, out);
            }
            Procedure::Authentication | Procedure::Ciphering
                if self.securing && !matches!(failure, Failure::LinkLost | Failure::Abandoned) =>
            {
                self.insecure(ReleaseReason::ENCRYPTION_ACTIVATION_FAILED, now, out);
            }
            _ => {}
        }
    }

    /// No call goes on in the clear that should be ciphered.
    fn insecure(&mut self, reason: ReleaseReason, now: Moment, out: &mut Out) {
        if self.rules.cipher {
            let calls: Vec<_> = self.calls.keys().copied().collect();
            for call in calls {
                self.release(call, reason, None, None, now, out);
            }
        }
    }
}
