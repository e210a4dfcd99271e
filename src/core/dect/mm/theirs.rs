//! Procedures the handset begins: priority 3 of clause 15.5, and 1.

use super::authentication::KEY_NUMBER;
use super::ours::Awaiting;
use super::{ANSWER, Ask, DERIVED, Decision, Failure, Mm, Out, Output, Procedure, Refusal, Save, Timer};
use crate::dect::element::{AuthAlgorithm, AuthType, CipherInfo, FixedIdentity, KeyKind, LocationArea};
use crate::dect::element::{PortableIdentity, RejectReason, Tag};
use crate::dect::identity::{Ipui, Park, Tpui};
use crate::dect::message::{Kind, Message};
use crate::pii::Pii;
use crate::timer::Moment;

/// A running procedure of the handset.
#[derive(Debug)]
pub(super) enum Theirs {
    /// It has asked; the switch has not decided.
    Asked(Message),
    /// It may subscribe once it has shown that it knows the code.
    Subscribing { request: Message, ipui: Ipui, park: Park, level: u8 },
    /// It will be accepted once it has proved who it is.
    Proving { request: Message, accept: Accept },
    /// {LOCATE-ACCEPT} gave it a temporary name; {TEMPORARY-IDENTITY-ASSIGN-ACK} or -REJ is to come.
    AwaitingAssignment(Tpui),
}

/// What will be accepted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Accept {
    Location { tpui: Option<Tpui>, level: u8 },
    Termination,
}

impl Theirs {
    pub(super) fn procedure(&self) -> Procedure {
        match self {
            Self::Subscribing { .. } => Procedure::AccessRights,
            Self::AwaitingAssignment(_) | Self::Proving { accept: Accept::Location { .. }, .. } => {
                Procedure::Location
            }
            Self::Proving { accept: Accept::Termination, .. } => Procedure::Termination,
            Self::Asked(request) => match request.kind {
                Kind::AccessRightsRequest => Procedure::AccessRights,
                Kind::LocateRequest => Procedure::Location,
                _ => Procedure::Termination,
            },
        }
    }

    /// What it asked, while that is open.
    fn request(&self) -> Option<&Message> {
        match self {
            Self::Asked(request) | Self::Subscribing { request, .. } | Self::Proving { request, .. } => {
                Some(request)
            }
            Self::AwaitingAssignment(_) => None,
        }
    }
}

impl Mm {
    /// The one match of what the handset began.
    pub(super) fn hear_theirs(&mut self, message: Message, now: Moment, ready: &mut Out) {
        match (message.kind, &self.theirs) {
            (Kind::AuthenticationRequest, _) => {
                self.authenticate_us(&message, ready);
                // "It restarts the MM timer in the FT of any FT initiated and yet unfinished MM procedure."
                if self.ours.is_some() {
                    self.timers.set(Timer::Ours, now + ANSWER);
                }
            }
            (Kind::Detach, _) => {
                ready.save.push(Save::Detached);
                ready.then.push(Output::Detached);
            }
            (Kind::TemporaryIdentityAssignAck, Some(Theirs::AwaitingAssignment(tpui))) => {
                let tpui = *tpui;
                self.located(Some(tpui), ready);
            }
            (Kind::TemporaryIdentityAssignRej, Some(Theirs::AwaitingAssignment(_))) => {
                self.located(None, ready);
            }
            (Kind::CipherSuggest, _) => self.cipher_suggested(&message, now, ready),
            (Kind::CipherReject, _) => self.cipher_refused(&message, now, ready),
            (Kind::MmInfoRequest, _) => {
                // Parameters are for external handover, which this product does not do.
                let reject = message.answer(Kind::MmInfoReject);
                ready.then.push(Output::Send(reject.with(&RejectReason::INCOMPATIBLE_SERVICE)));
            }
            (Kind::AccessRightsRequest | Kind::LocateRequest | Kind::AccessRightsTerminateRequest, _) => {
                self.asked(message, ready);
            }
            // 17.3.2.5 and 17.4.4: unknown or unexpected, ignored.
            _ => {}
        }
    }

    fn asked(&mut self, message: Message, ready: &mut Out) {
        // A handset that gets no answer for a while asks the same again (13.4.1, 13.5.1); once is enough. One
        // that asks something else has given up what it asked before.
        let before = self.theirs.as_ref().and_then(Theirs::request);
        if before.is_some_and(|request| request.kind == message.kind) {
            return;
        }
        let identity = message.get::<PortableIdentity>();
        let event = match (message.kind, identity) {
            (Kind::AccessRightsRequest, Some(PortableIdentity::Ipui(ipui))) => {
                let (auth_type, capability) = (message.get(), message.get());
                Output::AccessRightsRequested { ipui, auth_type, capability, model: message.get() }
            }
            (Kind::LocateRequest, Some(identity)) => {
                let (old_area, capability) = (message.get(), message.get());
                Output::LocationRequested { identity, old_area, capability }
            }
            (Kind::AccessRightsTerminateRequest, Some(identity)) => Output::TerminationRequested(identity),
            _ => {
                let kind = reject_of(message.kind);
                let reason = RejectReason::INVALID_CONTENT;
                ready.then.push(Output::Send(message.answer(kind).with(&reason)));
                return;
            }
        };
        if let Some(old) = self.theirs.take() {
            ready.then.push(Output::Failed(old.procedure(), Failure::Abandoned));
            self.timers.stop(Timer::Assignment);
        }
        self.theirs = Some(Theirs::Asked(message));
        ready.then.push(event);
    }

    pub(super) fn decide(&mut self, decision: Decision, now: Moment, ready: &mut Out) -> Result<(), Refusal> {
        let Some(Theirs::Asked(request)) = &self.theirs else { return Err(Refusal::NothingAsked) };
        let request = request.clone();
        match (decision, request.kind) {
            (Decision::Refuse(reason), _) => self.refuse_theirs(reason, ready),
            (Decision::Subscribe { code, ipui, park, level }, Kind::AccessRightsRequest) => {
                self.theirs = Some(Theirs::Subscribing { request, ipui, park, level });
                self.start_allocation(code, now, ready);
            }
            (Decision::Locate { authenticate, tpui, level }, Kind::LocateRequest) => {
                let accept = Accept::Location { tpui, level };
                self.accept_after(authenticate, request, accept, now, ready)?;
            }
            (Decision::Terminate { authenticate }, Kind::AccessRightsTerminateRequest) => {
                self.accept_after(authenticate, request, Accept::Termination, now, ready)?;
            }
            _ => return Err(Refusal::NothingAsked),
        }
        Ok(())
    }

    fn accept_after(
        &mut self,
        authenticate: bool,
        request: Message,
        accept: Accept,
        now: Moment,
        ready: &mut Out,
    ) -> Result<(), Refusal> {
        if authenticate && self.keys.uak.is_none() {
            return Err(Refusal::NoKey);
        }
        if authenticate {
            self.ask(Ask::Authenticate { store: Some(KEY_NUMBER) }, now, ready)?;
        }
        self.theirs = Some(Theirs::Proving { request, accept });
        if !authenticate {
            self.accept_theirs(now, ready);
        }
        Ok(())
    }

    /// What waited for the proof is accepted.
    pub(super) fn accept_theirs(&mut self, now: Moment, ready: &mut Out) {
        let Some(Theirs::Proving { request, accept }) =
            self.theirs.take_if(|theirs| matches!(theirs, Theirs::Proving { .. }))
        else {
            return;
        };
        match accept {
            Accept::Location { tpui, level } => {
                let accept = request.answer(Kind::LocateAccept).with(&LocationArea::level(level));
                let accept = match tpui {
                    // "If the FT is capable of dealing with call setup attempts using temporary identities,
                    // it should also include the <<USE TPUI>> information element" (13.4.1).
                    Some(tpui) => accept.with(&PortableIdentity::tpui(tpui)).with_flag(Tag::USE_TPUI),
                    // "If the FT does not want to assign TPUI it shall include the <<PORTABLE-IDENTITY>>
                    // information element with zero length contents".
                    None => accept.with_flag(Tag::PORTABLE_IDENTITY),
                };
                ready.then.push(Output::Send(accept));
                match tpui {
                    Some(tpui) => {
                        self.theirs = Some(Theirs::AwaitingAssignment(tpui));
                        self.timers.set(Timer::Assignment, now + ANSWER);
                    }
                    None => self.located(None, ready),
                }
            }
            Accept::Termination => {
                self.unsubscribe(ready);
                let accept = request.answer(Kind::AccessRightsTerminateAccept);
                ready.then.push(Output::Send(accept));
            }
        }
    }

    /// Key allocation went well: {ACCESS-RIGHTS-ACCEPT}.
    pub(super) fn grant(&mut self, ready: &mut Out) {
        let subscribing = |theirs: &mut Theirs| matches!(theirs, Theirs::Subscribing { .. });
        let Some(Theirs::Subscribing { request, ipui, park, level }) = self.theirs.take_if(subscribing)
        else {
            return;
        };
        let accept = request
            .answer(Kind::AccessRightsAccept)
            .with(&PortableIdentity::Ipui(ipui.clone()))
            .with(&FixedIdentity::Park(park))
            .with(&LocationArea::level(level))
            .with(&AuthType::new(AuthAlgorithm::DSAA2, KeyKind::UAK, KEY_NUMBER));
        self.subscription = Some((ipui.clone(), park));
        ready.save.push(Save::Subscribed { ipui: ipui.clone(), park });
        ready.then.extend([Output::Send(accept), Output::Subscribed(ipui)]);
    }

    /// A proof of ours failed: what waits for one is refused. A request that came meanwhile and is not
    /// decided yet stands for itself.
    pub(super) fn refuse_unproved(&mut self, reason: RejectReason, ready: &mut Out) {
        if matches!(self.theirs, Some(Theirs::Proving { .. } | Theirs::Subscribing { .. })) {
            self.refuse_theirs(reason, ready);
        }
    }

    /// What the handset asked is refused.
    fn refuse_theirs(&mut self, reason: RejectReason, ready: &mut Out) {
        let open = |theirs: &mut Theirs| theirs.request().is_some();
        let Some(theirs) = self.theirs.take_if(open) else { return };
        let Some(request) = theirs.request() else { return };
        ready.then.push(Output::Send(request.answer(reject_of(request.kind)).with(&reason)));
    }

    fn located(&mut self, tpui: Option<Tpui>, ready: &mut Out) {
        self.theirs = None;
        self.timers.stop(Timer::Assignment);
        ready.save.push(Save::Located(tpui));
        ready.then.push(Output::Located(tpui));
    }

    /// "If timer <MM_ident.1> expires, the FT shall abort the procedure and release the transaction": the
    /// registration stands, the name may not have been taken.
    pub(super) fn assignment_expired(&mut self, ready: &mut Out) {
        if matches!(self.theirs, Some(Theirs::AwaitingAssignment(_))) {
            ready.then.push(Output::Failed(Procedure::Assignment, Failure::NoAnswer));
            self.located(None, ready);
        }
    }

    /// {CIPHER-SUGGEST} is answered in its own transaction (annex H.3.3).
    fn cipher_suggested(&mut self, suggest: &Message, now: Moment, ready: &mut Out) {
        let Some(wanted) = suggest.get::<CipherInfo>() else { return };
        let key = self.cipher_key.as_ref().filter(|(number, _)| *number == wanted.key_number);
        let octets = key.map(|(_, key)| key.for_cipher(wanted.algorithm));
        let reason = match (octets, wanted.key == DERIVED, self.ours.is_some()) {
            (_, _, true) => RejectReason::OVERLOAD,
            (None, ..) | (_, false, _) => RejectReason::CIPHER_KEY_NOT_SUPPORTED,
            (Some(None), ..) => RejectReason::CIPHER_ALGORITHM_NOT_SUPPORTED,
            (Some(Some(octets)), ..) => {
                let (algorithm, number) = (wanted.algorithm, wanted.key_number);
                if wanted.enable {
                    ready.then.push(Output::CipherKey { algorithm, number, key: Pii(octets) });
                }
                let request = suggest.answer(Kind::CipherRequest).with(&wanted);
                let state = Awaiting::Cipher { enable: wanted.enable };
                return self.run(state, request, now, ready);
            }
        };
        ready.then.push(Output::Send(suggest.answer(Kind::CipherReject).with(&reason)));
    }

    /// Case 3 of annex H.3.3: it suggested, and then could not.
    fn cipher_refused(&mut self, reject: &Message, now: Moment, ready: &mut Out) {
        let ciphering = self.ours.as_ref().is_some_and(|ours| {
            matches!(ours.state, Awaiting::Cipher { .. }) && ours.request.transaction == reject.transaction
        });
        if ciphering {
            self.fail(Failure::Rejected(reject.get()), now, ready);
        }
    }
}

fn reject_of(request: Kind) -> Kind {
    match request {
        Kind::AccessRightsRequest => Kind::AccessRightsReject,
        Kind::LocateRequest => Kind::LocateReject,
        _ => Kind::AccessRightsTerminateReject,
    }
}
