//! Mobility management of one handset, fixed side (EN 300 175-5, clause 13; EN 300 175-7, 6.5.6).
//!
//! ```text
//! handset asks:  ACCESS-RIGHTS-REQUEST ─► decide ─► KEY-ALLOCATE ─► AUTHENTICATION-REQUEST (RES1)
//!                                     ─► AUTHENTICATION-REPLY (RES2) ─► ACCESS-RIGHTS-ACCEPT
//!                LOCATE-REQUEST ─► decide ─► [authentication] ─► LOCATE-ACCEPT ─► [TPUI taken]
//! switch asks:   one procedure at a time, the others wait: identity, authentication, ciphering …
//! ```
//!
//! "Two MM procedures are allowed at any one time, but they shall not both have been initiated by the same
//! side" (15.5): [`Theirs`] is the handset's, [`Ours`] the switch's. What the switch begins has priority 2
//! and may always interrupt what the handset began (3); authentication of the fixed side (1) is answered at
//! once whatever runs. The authentication algorithm is DSAA2; a handset that has only DSAA says so.

use std::collections::VecDeque;

use super::element::CipherKeyKind;
use super::identity::{Ipui, Park};
use super::key::{AccessCode, CipherKey, Uak};
use super::message::Message;
use crate::id::Tokens;
use crate::machine::{Machine, Ready};
use crate::timer::{Moment, TimerTable};

mod authentication;
mod ours;
mod theirs;
mod words;

pub use words::{Ask, Decision, Failure, Input, Output, Procedure, Refusal, Save};

use ours::Ours;
use theirs::Theirs;

/// Most procedures of the switch that wait for another to end.
pub const MAX_WAITING: usize = 8;

/// Timers of annex A.5, fixed side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// The one of the switch's procedure: MM_ident.1 and .2, MM_auth.1, MM_key.1, MM_cipher.1, MM_access.2;
    /// all 10 seconds at the fixed side.
    Ours,
    /// MM_ident.1 after a LOCATE-ACCEPT that assigns a TPUI.
    Assignment,
}

/// Ten seconds: every timer of annex A.5 that the fixed side has for these procedures.
const ANSWER: std::time::Duration = std::time::Duration::from_secs(10);

/// What a handset and the switch share, as it was saved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// The user authentication key and its number.
    pub uak: Option<(u8, Uak)>,
    /// The access code it was made with, while the key is unconfirmed.
    pub code: Option<AccessCode>,
}

/// The machine.
#[derive(Debug)]
pub struct Mm {
    tokens: Tokens,
    timers: TimerTable<Timer>,
    subscription: Option<(Ipui, Park)>,
    keys: Keys,
    cipher_key: Option<(u8, CipherKey)>,
    ours: Option<Ours>,
    waiting: VecDeque<Ask>,
    theirs: Option<Theirs>,
}

impl Mm {
    /// For a handset with this subscription and these keys, or none yet.
    pub fn new(tokens: Tokens, subscription: Option<(Ipui, Park)>, keys: Keys) -> Self {
        Self {
            tokens,
            timers: TimerTable::default(),
            subscription,
            keys,
            cipher_key: None,
            ours: None,
            waiting: VecDeque::new(),
            theirs: None,
        }
    }

    /// Who it is, once subscribed.
    pub fn ipui(&self) -> Option<&Ipui> {
        self.subscription.as_ref().map(|(ipui, _)| ipui)
    }

    /// Whether any procedure runs.
    pub fn is_busy(&self) -> bool {
        self.ours.is_some() || self.theirs.is_some()
    }

    fn expire(&mut self, now: Moment, ready: &mut Out) {
        while let Some(timer) = self.timers.pop_expired(now) {
            match (timer, &mut self.ours) {
                // "At the first expiry of timer the FT should retransmit the message. If the timer expires
                // a second time the FT shall abort the procedure" (13.2.1 and all the others alike).
                (Timer::Ours, Some(ours)) if !ours.repeated => {
                    ours.repeated = true;
                    ready.then.push(Output::Send(ours.request.clone()));
                    self.timers.set(Timer::Ours, now + ANSWER);
                }
                (Timer::Ours, Some(_)) => self.fail(Failure::NoAnswer, now, ready),
                (Timer::Ours, None) => {}
                (Timer::Assignment, _) => self.assignment_expired(ready),
            }
        }
    }

    fn lose_link(&mut self, ready: &mut Out) {
        self.timers.stop_all();
        let ours = self.ours.take().map(|ours| ours.procedure());
        let theirs = self.theirs.take().map(|theirs| theirs.procedure());
        for procedure in [ours, theirs].into_iter().flatten() {
            ready.then.push(Output::Failed(procedure, Failure::LinkLost));
        }
        self.waiting.clear();
    }

    fn receive(&mut self, message: Message, now: Moment, ready: &mut Out) {
        use super::message::Side::{Fixed, Portable};
        match message.transaction.starter {
            Portable => self.hear_theirs(message, now, ready),
            Fixed => self.hear_ours(message, now, ready),
        }
    }
}

/// Saves and orders as they come together.
type Out = Ready<Save, Output>;

impl Machine for Mm {
    type Input = Input;
    type Save = Save;
    type Output = Output;
    type Refusal = Refusal;

    fn handle(&mut self, input: Input, now: Moment) -> Result<Out, Refusal> {
        let mut ready = Ready::nothing();
        let used = self.is_busy() || matches!(input, Input::Received(_));
        match input {
            Input::Received(message) => self.receive(message, now, &mut ready),
            Input::Ask(ask) => self.ask(ask, now, &mut ready)?,
            Input::Decide(decision) => self.decide(decision, now, &mut ready)?,
            Input::Ciphered(on) => self.ciphered(on, now, &mut ready),
            Input::LinkLost => self.lose_link(&mut ready),
            Input::Deadline => self.expire(now, &mut ready),
        }
        let partial = !ready.then.iter().any(|order| matches!(order, Output::Located(Some(_))));
        let lost = ready.then.iter().any(|order| matches!(order, Output::Failed(_, Failure::LinkLost)));
        if used && !self.is_busy() && !lost {
            ready.then.push(Output::LinkNotNeeded { partial });
        }
        Ok(ready)
    }

    fn deadline(&self) -> Option<Moment> {
        self.timers.next()
    }
}

/// The kind of every cipher key here.
const DERIVED: CipherKeyKind = CipherKeyKind::DERIVED;

#[cfg(test)]
mod tests;
