//! Procedures the switch begins: priority 2 of clause 15.5.

use super::authentication::{Challenge, KEY_NUMBER};
use super::{ANSWER, Ask, DERIVED, Failure, MAX_WAITING, Mm, Out, Output, Procedure, Refusal, Save, Timer};
use crate::dect::element::{
    AuthAlgorithm, AuthType, CipherInfo, Duration, FixedIdentity, InfoKind, InfoType,
};
use crate::dect::element::{KeyKind, PortableIdentity, RejectReason, Tag};
use crate::dect::identity::Tpui;
use crate::dect::key::{AccessCode, Key};
use crate::dect::message::{Kind, Message};
use crate::pii::Pii;
use crate::timer::Moment;

/// Most identities asked for at once.
const MAX_IDENTITIES: usize = 4;

/// A running procedure of the switch.
#[derive(Debug)]
pub(super) struct Ours {
    pub(super) state: Awaiting,
    /// What was said, for the one repetition.
    pub(super) request: Message,
    pub(super) repeated: bool,
}

/// What it waits for.
#[derive(Debug)]
pub(super) enum Awaiting {
    /// {IDENTITY-REPLY}
    Identity,
    /// {TEMPORARY-IDENTITY-ASSIGN-ACK} or -REJ
    Assignment(Tpui),
    /// {AUTHENTICATION-REPLY}
    Proof { challenge: Challenge, store: Option<u8> },
    /// {AUTHENTICATION-REQUEST} with RES1, in key allocation
    KeyProof { challenge: Challenge, code: AccessCode },
    /// the base station, or {CIPHER-REJECT}
    Cipher { enable: bool },
    /// {ACCESS-RIGHTS-TERMINATE-ACCEPT} or -REJECT
    Termination,
}

impl Awaiting {
    fn procedure(&self) -> Procedure {
        match self {
            Awaiting::Identity => Procedure::Identification,
            Awaiting::Assignment(_) => Procedure::Assignment,
            Awaiting::Proof { .. } => Procedure::Authentication,
            Awaiting::KeyProof { .. } => Procedure::KeyAllocation,
            Awaiting::Cipher { .. } => Procedure::Ciphering,
            Awaiting::Termination => Procedure::Termination,
        }
    }

    /// Whether this message says no to it.
    fn is_refused_by(&self, kind: Kind) -> bool {
        match self {
            Awaiting::Assignment(_) => kind == Kind::TemporaryIdentityAssignRej,
            Awaiting::Cipher { .. } => kind == Kind::CipherReject,
            Awaiting::Termination => kind == Kind::AccessRightsTerminateReject,
            _ => false,
        }
    }
}

impl Ours {
    pub(super) fn procedure(&self) -> Procedure {
        self.state.procedure()
    }
}

impl Mm {
    pub(super) fn ask(&mut self, ask: Ask, now: Moment, ready: &mut Out) -> Result<(), Refusal> {
        match self.ours.is_some() {
            true if self.waiting.len() >= MAX_WAITING => Err(Refusal::TooMany),
            true => {
                self.waiting.push_back(ask);
                Ok(())
            }
            false => self.start(ask, now, ready),
        }
    }

    fn start(&mut self, ask: Ask, now: Moment, ready: &mut Out) -> Result<(), Refusal> {
        let (state, request) = match ask {
            Ask::Identify(mut kinds) => {
                kinds.truncate(MAX_IDENTITIES);
                let request = Message::begin(Kind::IdentityRequest).with_list(Tag::LIST, &kinds);
                (Awaiting::Identity, request)
            }
            Ask::Authenticate { store } => self.challenge(store)?,
            Ask::Cipher { enable, algorithm } => {
                let (number, key) = self.cipher_key.as_ref().ok_or(Refusal::NoCipherKey)?;
                let octets = key.for_cipher(algorithm).ok_or(Refusal::NoCipherKey)?;
                let key = Pii(octets);
                let cipher =
                    CipherInfo { enable, algorithm, proprietary: None, key: DERIVED, key_number: *number };
                if enable {
                    // "The cipher key is transferred with a DL_ENC_KEY.req primitive to the lower layer".
                    ready.then.push(Output::CipherKey { algorithm, number: *number, key });
                }
                (Awaiting::Cipher { enable }, Message::begin(Kind::CipherRequest).with(&cipher))
            }
            Ask::Assign(tpui, duration) => {
                let request = Message::begin(Kind::TemporaryIdentityAssign);
                let duration = (duration != Duration::DEFAULT).then_some(duration);
                let request = request.with(&PortableIdentity::tpui(tpui)).with_some(duration.as_ref());
                (Awaiting::Assignment(tpui), request)
            }
            Ask::Terminate => {
                let (ipui, park) = self.subscription.as_ref().ok_or(Refusal::NotSubscribed)?;
                let request = Message::begin(Kind::AccessRightsTerminateRequest)
                    .with(&PortableIdentity::Ipui(ipui.clone()))
                    .with(&FixedIdentity::Park(*park));
                (Awaiting::Termination, request)
            }
            Ask::SuggestLocation => {
                // "The locate suggest and the following location registration procedure shall be treated as
                // two different transactions" (13.4.3): there is nothing to wait for.
                let suggest = InfoType(vec![InfoKind::LOCATE_SUGGEST]);
                ready.then.push(Output::Send(Message::begin(Kind::MmInfoSuggest).with(&suggest)));
                return Ok(());
            }
        };
        self.run(state, request, now, ready);
        Ok(())
    }

    /// {AUTHENTICATION-REQUEST} over the key we share.
    fn challenge(&mut self, store: Option<u8>) -> Result<(Awaiting, Message), Refusal> {
        let (number, uak) = self.keys.uak.as_ref().ok_or(Refusal::NoKey)?;
        let auth_type = AuthType::new(AuthAlgorithm::DSAA2, KeyKind::UAK, *number);
        let auth_type = store.map_or(auth_type, |number| auth_type.storing(number));
        let challenge = Challenge::new(Key::of_uak(uak), &mut self.tokens);
        let request = Message::begin(Kind::AuthenticationRequest).with(&auth_type);
        let request = request.with(&challenge.rand()).with(&challenge.rs());
        Ok((Awaiting::Proof { challenge, store }, request))
    }

    /// Key allocation goes before whatever else waits: the handset's subscription depends on it.
    pub(super) fn start_allocation(&mut self, code: AccessCode, now: Moment, ready: &mut Out) {
        let (request, challenge) = self.allocation(&code);
        self.run(Awaiting::KeyProof { challenge, code }, request, now, ready);
    }

    /// Begins a procedure of ours; one that runs is given up for it. "If a procedure … is invoked by the
    /// side which has already invoked a lower priority procedure … shall be cancelled" (15.5).
    pub(super) fn run(&mut self, state: Awaiting, request: Message, now: Moment, ready: &mut Out) {
        if let Some(old) = self.ours.take() {
            ready.then.push(Output::Failed(old.procedure(), Failure::Abandoned));
        }
        ready.then.push(Output::Send(request.clone()));
        self.timers.set(Timer::Ours, now + ANSWER);
        self.ours = Some(Ours { state, request, repeated: false });
    }

    /// The one match of what the switch began: state and message.
    pub(super) fn hear_ours(&mut self, message: Message, now: Moment, ready: &mut Out) {
        use Awaiting::*;
        let Some(ours) = self.ours.take() else { return };
        match (ours.state, message.kind) {
            (Identity, Kind::IdentityReply) => {
                ready.then.push(Output::Identified(message.all().collect()));
            }
            (Assignment(tpui), Kind::TemporaryIdentityAssignAck) => {
                ready.save.push(Save::Located(Some(tpui)));
                ready.then.push(Output::Assigned(tpui));
            }
            (Proof { challenge, store }, Kind::AuthenticationReply) => {
                match challenge.check(message.get(), message.get()) {
                    Some(dck) => {
                        self.cipher_key = store.map(|number| (number, dck)).or(self.cipher_key.take());
                        self.proved(now, ready);
                    }
                    None => return self.unproved(Failure::WrongAnswer, now, ready),
                }
            }
            (Proof { .. }, Kind::AuthenticationReject) => {
                return self.unproved(Failure::Rejected(message.get()), now, ready);
            }
            (KeyProof { challenge, code }, Kind::AuthenticationRequest) => {
                self.key_proof(&challenge, code, &message, ready);
            }
            (KeyProof { .. }, Kind::AuthenticationReject) => {
                let failure = Failure::Rejected(message.get());
                ready.then.push(Output::Failed(Procedure::KeyAllocation, failure));
                self.refuse_unproved(RejectReason::AUTHENTICATION_FAILED, ready);
            }
            (Termination, Kind::AccessRightsTerminateAccept) => self.unsubscribe(ready),
            (state, kind) if state.is_refused_by(kind) => {
                let failure = Failure::Rejected(message.get());
                ready.then.push(Output::Failed(state.procedure(), failure));
            }
            // 17.4.4: "Whenever an unexpected message … is received in any state, the message should be
            // ignored."
            (state, _) => {
                self.ours = Some(Ours { state, ..ours });
                return;
            }
        }
        self.next(now, ready);
    }

    fn key_proof(&mut self, challenge: &Challenge, code: AccessCode, request: &Message, ready: &mut Out) {
        match self.allocate(challenge, &code, request) {
            Ok((reply, uak)) => {
                self.keys = super::Keys { uak: Some((KEY_NUMBER, uak.clone())), code: Some(code) };
                ready.save.push(Save::Unconfirmed { number: KEY_NUMBER, uak, code });
                ready.then.push(Output::Send(reply));
                self.grant(ready);
            }
            Err(reason) => {
                let failure = match reason {
                    RejectReason::AUTHENTICATION_FAILED => Failure::WrongAnswer,
                    _ => Failure::Unsupported,
                };
                ready.then.push(Output::Send(request.answer(Kind::AuthenticationReject).with(&reason)));
                ready.then.push(Output::Failed(Procedure::KeyAllocation, failure));
                self.refuse_unproved(reason, ready);
            }
        }
    }

    fn proved(&mut self, now: Moment, ready: &mut Out) {
        if self.keys.code.take().is_some() {
            ready.save.push(Save::Confirmed);
        }
        ready.then.push(Output::Authenticated);
        self.accept_theirs(now, ready);
    }

    fn unproved(&mut self, failure: Failure, now: Moment, ready: &mut Out) {
        if self.keys.code.take().is_some() {
            self.keys.uak = None;
            ready.save.push(Save::Unkeyed);
        }
        ready.then.push(Output::Failed(Procedure::Authentication, failure));
        self.refuse_unproved(RejectReason::AUTHENTICATION_FAILED, ready);
        self.next(now, ready);
    }

    pub(super) fn unsubscribe(&mut self, ready: &mut Out) {
        self.subscription = None;
        self.keys = super::Keys::default();
        self.cipher_key = None;
        ready.save.push(Save::Unsubscribed);
        ready.then.push(Output::Terminated);
    }

    /// The base station's word on ciphering: "Upon receipt of a DL_ENCRYPT.ind primitive … the FT shall stop
    /// the timer" (13.8).
    pub(super) fn ciphered(&mut self, on: bool, now: Moment, ready: &mut Out) {
        ready.then.push(Output::Ciphered(on));
        let awaited = |ours: &mut Ours| matches!(ours.state, Awaiting::Cipher { enable } if enable == on);
        if self.ours.take_if(awaited).is_some() {
            self.next(now, ready);
        }
    }

    /// A procedure of ours got no answer twice.
    pub(super) fn fail(&mut self, failure: Failure, now: Moment, ready: &mut Out) {
        let Some(ours) = self.ours.take() else { return };
        ready.then.push(Output::Failed(ours.procedure(), failure));
        if matches!(ours.state, Awaiting::Proof { .. } | Awaiting::KeyProof { .. }) {
            self.refuse_unproved(RejectReason::TIMER_EXPIRY, ready);
        }
        self.next(now, ready);
    }

    /// The next that waits. One whose time has passed, for want of a key, is told as failed.
    fn next(&mut self, now: Moment, ready: &mut Out) {
        self.timers.stop(Timer::Ours);
        while let (None, Some(ask)) = (&self.ours, self.waiting.pop_front()) {
            let procedure = match ask {
                Ask::Cipher { .. } => Procedure::Ciphering,
                Ask::Terminate => Procedure::Termination,
                _ => Procedure::Authentication,
            };
            if self.start(ask, now, ready).is_err() {
                ready.then.push(Output::Failed(procedure, Failure::Unsupported));
                if procedure == Procedure::Authentication {
                    self.refuse_unproved(RejectReason::AUTHENTICATION_KEY_NOT_SUPPORTED, ready);
                }
            }
        }
    }
}
