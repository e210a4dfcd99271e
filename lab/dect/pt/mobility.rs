//! Mobility management, portable side: access rights, location, authentication both ways, ciphering.

use std::time::Duration;

use tokio::time::Instant;

use super::{Event, Output, Portable, Subscription};
use crate::dect::dsaa2::{self, Key};
use crate::dect::identity::{Park, Rfpi};
use crate::dect::number::{ie, msg, pd};
use crate::dect::nwk::Message;

/// MM_access.1, portable side (annex A.5).
const ACCESS_1: Duration = Duration::from_secs(60);
/// MM_locate.1.
const LOCATE_1: Duration = Duration::from_secs(20);
/// AUTH-TYPE: DSAA2, access code, number 8, nothing to store.
const WITH_CODE: [u8; 3] = [0x02, 0x48, 0x00];
/// AUTH-TYPE: DSAA2, UAK, number 8, nothing to store.
const WITH_UAK: [u8; 3] = [0x02, 0x18, 0x00];
/// TERMINAL-CAPABILITY: tones and full display, echo loss above 55 dB, full slots, GAP; then DSAA2 and DSC2.
const CAPABILITY: [u8; 14] =
    [0x35, 0x35, 0x08, 0x01, 0x20, 0x06, 0x10, 0x81, 0x33, 0x01, 0x14, 0xB0, 0x64, 0x87];
/// The same of a handset with long slots (octet 3c) and wideband speech (octet 4f).
const WIDEBAND: [u8; 17] =
    [0x35, 0x35, 0x0A, 0x01, 0x20, 0x06, 0x10, 0x81, 0x33, 0x01, 0x14, 0x30, 0x00, 0x00, 0x82, 0x64, 0x87];
/// REJECT-REASON.
const AUTHENTICATION_FAILED: u8 = 0x10;
const ALGORITHM_NOT_SUPPORTED: u8 = 0x12;
const CIPHER_KEY_NOT_SUPPORTED: u8 = 0x19;

/// A procedure that the handset began.
#[derive(Debug)]
pub(super) enum Procedure {
    /// Access rights were asked for with this code.
    Subscribing {
        code: Key,
        by: Instant,
        /// RAND_P, once a key is being allocated; the key, once the system has proved itself.
        allocation: Option<[u8; 8]>,
        uak: Option<Key>,
    },
    /// The location was told, for the first or the second time.
    Locating { request: Message, by: Instant, again: bool },
}

impl Portable {
    /// The user enters the access code.
    pub fn subscribe(&mut self, code: Key, now: Instant) {
        self.abandon_procedure(None);
        let by = now + ACCESS_1;
        self.procedure = Some(Procedure::Subscribing { code, by, allocation: None, uak: None });
        let request = Message::new(pd::MM, msg::ACCESS_RIGHTS_REQUEST)
            .with(ie::PORTABLE_IDENTITY, &self.ipei.ipui_n())
            .with(ie::AUTH_TYPE, &WITH_CODE)
            .with(ie::TERMINAL_CAPABILITY, self.capability());
        self.say(request);
    }

    const fn capability(&self) -> &'static [u8] {
        if self.wideband { &WIDEBAND } else { &CAPABILITY }
    }

    /// The handset tells the system where it is; it came from `old`, when it was somewhere.
    pub fn locate(&mut self, old: Option<Rfpi>, now: Instant) {
        if self.subscription.is_none() || self.procedure.is_some() {
            return;
        }
        let mut request =
            Message::new(pd::MM, msg::LOCATE_REQUEST).with(ie::PORTABLE_IDENTITY, &self.portable_identity());
        if let Some(old) = old {
            request = request.with(ie::FIXED_IDENTITY, &old.element());
        }
        let request = request.with(ie::TERMINAL_CAPABILITY, self.capability());
        let by = now + LOCATE_1;
        self.procedure = Some(Procedure::Locating { request: request.clone(), by, again: false });
        self.say(request);
    }

    /// The handset is switched off.
    pub fn detach(&mut self) {
        if self.subscription.is_some() {
            let identity = self.portable_identity();
            self.say(Message::new(pd::MM, msg::DETACH).with(ie::PORTABLE_IDENTITY, &identity));
        }
    }

    /// The handset wants the system to prove itself.
    pub fn challenge(&mut self) {
        if self.subscription.is_some() {
            let rand_p: [u8; 8] = rand::random();
            self.proving = Some(rand_p);
            let request = Message::new(pd::MM, msg::AUTHENTICATION_REQUEST);
            self.say(request.with(ie::AUTH_TYPE, &WITH_UAK).with(ie::RAND, &rand_p));
        }
    }

    /// The handset becomes a thief's: it knows what was answered the last time, and nothing else.
    pub fn replay(&mut self, replays: bool) {
        self.replays = replays;
    }

    pub(super) fn hear_mm(&mut self, message: &Message, now: Instant) {
        match message.kind {
            msg::KEY_ALLOCATE => self.allocate(message),
            msg::AUTHENTICATION_REPLY => self.check_system(message),
            msg::AUTHENTICATION_REQUEST => self.prove(message),
            msg::AUTHENTICATION_REJECT => self.system_failed(),
            msg::ACCESS_RIGHTS_ACCEPT => self.granted(message),
            msg::ACCESS_RIGHTS_REJECT | msg::LOCATE_REJECT => {
                self.abandon_procedure(message.get(ie::REJECT_REASON).map(|reason| reason[0]));
            }
            msg::ACCESS_RIGHTS_TERMINATE_REQUEST => {
                self.say(message.answer(msg::ACCESS_RIGHTS_TERMINATE_ACCEPT));
                self.subscription = None;
                self.happened(Event::Deleted);
            }
            msg::LOCATE_ACCEPT => self.located(message),
            msg::TEMPORARY_IDENTITY_ASSIGN => {
                let taken = self.take_tpui(message.get(ie::PORTABLE_IDENTITY));
                let answer = if taken {
                    msg::TEMPORARY_IDENTITY_ASSIGN_ACK
                } else {
                    msg::TEMPORARY_IDENTITY_ASSIGN_REJ
                };
                self.say(message.answer(answer));
            }
            msg::CIPHER_REQUEST => self.cipher(message),
            // INFO-TYPE 00 with the end bit: "locate suggest".
            msg::MM_INFO_SUGGEST if message.get(ie::INFO_TYPE).is_some_and(|list| list.contains(&0x80)) => {
                self.locate(None, now);
            }
            msg::IDENTITY_REQUEST => self.identify(message),
            _ => {}
        }
    }

    /// KEY-ALLOCATE: the code becomes a key, and proves that both know it (EN 300 175-7, 6.5.6.3).
    fn allocate(&mut self, message: &Message) {
        let challenge = challenge(message);
        let Some(Procedure::Subscribing { code, allocation, .. }) = &mut self.procedure else { return };
        let Some(Challenge { rand_f, rs }) = challenge else {
            return self.reject(message, ALGORITHM_NOT_SUPPORTED);
        };
        let rand_p: [u8; 8] = rand::random();
        *allocation = Some(rand_p);
        let (res, _) = dsaa2::response(&dsaa2::session_key(code, &rs), rand_f, rand_p);
        let request = message.answer(msg::AUTHENTICATION_REQUEST);
        let request = request.with(ie::AUTH_TYPE, &WITH_CODE).with(ie::RAND, &rand_p);
        self.say(request.with(ie::RES, &res));
    }

    /// AUTHENTICATION-REPLY: the system's RES2, in key allocation or by our own wish.
    fn check_system(&mut self, message: &Message) {
        let proof = message.get(ie::RES).zip(challenge(message));
        if let Some(rand_p) = self.proving.take() {
            let uak = self.subscription.as_ref().map(|subscription| subscription.uak);
            let right = uak.is_some_and(|uak| is_right(&uak, proof, rand_p).is_some());
            return self.happened(Event::SystemProved { right });
        }
        let Some(Procedure::Subscribing { code, allocation: Some(rand_p), uak, .. }) = &mut self.procedure
        else {
            return;
        };
        // UAK := KS', made of the fresh RS128 of this reply.
        match is_right(code, proof, *rand_p) {
            Some(session) => *uak = Some(session),
            None => {
                let reject = message.answer(msg::AUTHENTICATION_REJECT);
                self.say(reject.with(ie::REJECT_REASON, &[AUTHENTICATION_FAILED]));
                self.abandon_procedure(None);
            }
        }
    }

    /// AUTHENTICATION-REJECT: of our own wish it is the answer; in key allocation the answer to our request
    /// for access rights follows.
    fn system_failed(&mut self) {
        if self.proving.take().is_some() {
            self.happened(Event::SystemProved { right: false });
        }
    }

    /// AUTHENTICATION-REQUEST: RES1 with the key that is asked for; the cipher key comes out of it too.
    fn prove(&mut self, message: &Message) {
        let auth_type = message.get(ie::AUTH_TYPE).unwrap_or_default();
        let key = match (auth_type, &self.subscription, &self.procedure) {
            ([0x02, kind, ..], Some(subscription), _) if kind >> 4 == 1 => Some(subscription.uak),
            ([0x02, kind, ..], _, Some(Procedure::Subscribing { code, .. })) if kind >> 4 == 4 => Some(*code),
            _ => None,
        };
        let (Some(key), Some(Challenge { rand_f, rs })) = (key, challenge(message)) else {
            return self.reject(message, ALGORITHM_NOT_SUPPORTED);
        };
        if let Some((rand_p, res)) = self.answered.filter(|_| self.replays) {
            let reply = message.answer(msg::AUTHENTICATION_REPLY);
            return self.say(reply.with(ie::RAND, &rand_p).with(ie::RES, &res));
        }
        let rand_p: [u8; 8] = rand::random();
        let (res, cipher_key) = dsaa2::response(&dsaa2::session_key(&key, &rs), rand_f, rand_p);
        self.answered = Some((rand_p, res));
        // The base may begin before our user's part has read the request to; the key is kept over links.
        self.cipher_key = Some(cipher_key);
        self.outputs.push(Output::Key(cipher_key));
        let reply = message.answer(msg::AUTHENTICATION_REPLY);
        self.say(reply.with(ie::RAND, &rand_p).with(ie::RES, &res));
        self.happened(Event::Authenticated);
    }

    fn reject(&mut self, message: &Message, reason: u8) {
        let reject = message.answer(msg::AUTHENTICATION_REJECT).with(ie::AUTH_TYPE, &WITH_UAK);
        self.say(reject.with(ie::REJECT_REASON, &[reason]));
    }

    fn granted(&mut self, message: &Message) {
        let Some(Procedure::Subscribing { uak, .. }) = &self.procedure else { return };
        let park = message.get(ie::FIXED_IDENTITY).and_then(Park::read);
        let ipui = message.get(ie::PORTABLE_IDENTITY);
        let (Some(uak), Some(park), Some(ipui)) = (*uak, park, ipui) else {
            self.happened(Event::Malformed { why: "access rights without a key, a PARK or an IPUI".into() });
            return self.abandon_procedure(None);
        };
        let (ipui, park) = (ipui.to_vec(), (park.pli, park.value));
        self.subscription = Some(Subscription { ipui, park, uak, tpui: None });
        self.procedure = None;
        self.happened(Event::Subscribed);
    }

    fn located(&mut self, message: &Message) {
        if matches!(self.procedure, Some(Procedure::Locating { .. })) {
            self.procedure = None;
            if self.take_tpui(message.get(ie::PORTABLE_IDENTITY)) {
                self.say(message.answer(msg::TEMPORARY_IDENTITY_ASSIGN_ACK));
            }
            self.happened(Event::Located);
        }
    }

    /// CIPHER-REQUEST: "success has no network layer reply", the base reports it.
    fn cipher(&mut self, message: &Message) {
        let on = message.get(ie::CIPHER_INFO).is_some_and(|content| content[0] & 0x80 != 0);
        match self.cipher_key {
            Some(key) if on => self.outputs.push(Output::Key(key)),
            None if on => {
                let reject = message.answer(msg::CIPHER_REJECT);
                self.say(reject.with(ie::REJECT_REASON, &[CIPHER_KEY_NOT_SUPPORTED]));
            }
            _ => {}
        }
    }

    fn identify(&mut self, message: &Message) {
        let reply = message.answer(msg::IDENTITY_REPLY);
        let reply = match message.get(ie::IDENTITY_TYPE) {
            Some([0x80, 0x90]) => reply.with(ie::PORTABLE_IDENTITY, &self.ipei.element()),
            Some([0x80, 0x80]) => reply.with(ie::PORTABLE_IDENTITY, &self.portable_identity()),
            Some([0x84, 0xA0]) => match &self.subscription {
                Some(subscription) => reply.with(ie::FIXED_IDENTITY, &subscription.park().element()),
                None => reply,
            },
            // "An empty reply" says that there is none.
            _ => reply,
        };
        self.say(reply);
    }

    /// The procedure of the handset ends without success.
    pub(super) fn abandon_procedure(&mut self, reason: Option<u8>) {
        match self.procedure.take() {
            Some(Procedure::Subscribing { .. }) => self.happened(Event::NotSubscribed { reason }),
            Some(Procedure::Locating { .. }) => self.happened(Event::NotLocated { reason }),
            None => {}
        }
    }

    pub(super) fn pass_mm(&mut self, now: Instant) {
        let again = match &mut self.procedure {
            Some(Procedure::Subscribing { by, .. }) if now >= *by => None,
            Some(Procedure::Locating { request, by, again }) if now >= *by => {
                // "First expiry: retransmit, second: abort."
                let repeat = (!*again).then(|| request.clone());
                (*by, *again) = (now + LOCATE_1, true);
                repeat
            }
            _ => return,
        };
        match again {
            Some(request) => self.say(request),
            None => self.abandon_procedure(None),
        }
    }
}

/// RAND_F and RS128 of a message.
#[derive(Clone, Copy)]
struct Challenge {
    rand_f: [u8; 8],
    rs: [u8; 16],
}

fn challenge(message: &Message) -> Option<Challenge> {
    let rand_f = message.get(ie::RAND)?.try_into().ok()?;
    Some(Challenge { rand_f, rs: message.get(ie::RS)?.try_into().ok()? })
}

/// KS', when RES2 is right.
fn is_right(key: &Key, proof: Option<(&[u8], Challenge)>, rand_p: [u8; 8]) -> Option<Key> {
    let (res, Challenge { rand_f, rs }) = proof?;
    let session = dsaa2::session_key(key, &rs);
    (dsaa2::response(&session, rand_p, rand_f).0 == res).then_some(session)
}
