//! Call control of one call, fixed side (EN 300 175-5, clause 9 and annex B.2).
//!
//! ```text
//! handset calls:  F-00 ─SETUP─► F-01 ─SETUP-ACK─► F-02 ─CALL-PROC─► F-03 ─ALERTING─► F-04 ─CONNECT─► F-10
//!                               (en bloc: F-01 to any of F-03, F-04, F-10 at once)
//! switch calls:   F-00 ─SETUP─► F-06 ─ALERTING─► F-07 ─CONNECT─► F-10        (F-06 to F-10 at once, too)
//! either ends:    any ─RELEASE─► F-19 ─RELEASE-COM─► F-00
//! ```
//!
//! The events are the messages themselves, as in the table: [`Input::Send`] is what the interworking wants
//! said, [`Input::Received`] what the handset said. Where clause 9 and the table differ, clause 9 is taken
//! and quoted.

use std::time::Duration;

use super::element::ReleaseReason;
use super::message::{Kind, Message, Transaction};
use crate::machine::{Machine, Ready};
use crate::timer::{Moment, TimerTable};

mod route;

pub use route::{Route, route, route_unrecognised};

/// States of annex B.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// F-00: no call exists.
    Null,
    /// F-01: the handset has asked for a call and has no answer yet.
    CallInitiated,
    /// F-02: more digits are expected.
    OverlapSending,
    /// F-03: all digits are there.
    CallProceeding,
    /// F-04: the far end is alerted.
    CallDelivered,
    /// F-06: the handset has been asked, and has not answered.
    CallPresent,
    /// F-07: the handset alerts its user.
    CallReceived,
    /// F-10: they talk.
    Active,
    /// F-19: a release was sent and is not acknowledged.
    ReleasePending,
}

impl State {
    /// Its number in the standard.
    pub fn number(self) -> u8 {
        match self {
            Self::Null => 0,
            Self::CallInitiated => 1,
            Self::OverlapSending => 2,
            Self::CallProceeding => 3,
            Self::CallDelivered => 4,
            Self::CallPresent => 6,
            Self::CallReceived => 7,
            Self::Active => 10,
            Self::ReleasePending => 19,
        }
    }
}

/// Timers of annex A.1, fixed side. CC.05 is for external handover only, CC.06 the handset's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// Overlap sending, 20 s.
    Cc01,
    /// Release, 36 s.
    Cc02,
    /// Setup, 20 s.
    Cc03,
    /// Completion, 100 s.
    Cc04,
    /// Service change, 20 s.
    Service,
}

impl Timer {
    fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Cc01 | Self::Cc03 | Self::Service => 20,
            Self::Cc02 => 36,
            Self::Cc04 => 100,
        })
    }
}

/// What can happen to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The handset said this in the call's transaction.
    Received(Message),
    /// The interworking wants this said in the call's transaction.
    Send(Message),
    /// The data link began anew by itself (17.8).
    LinkReset,
    /// The data link is gone (17.9). After an abnormal release an active call waits for it to come back.
    LinkFailed {
        /// It was released, not lost.
        normal: bool,
    },
    /// LCE.04 has run out: it does not come back.
    LinkGone,
    /// The deadline has come.
    Deadline,
}

/// What a call orders, or tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this.
    Send(Message),
    /// The handset said this, and it counts in this state.
    Heard(Message),
    /// Open the speech path, before what follows.
    ConnectUPlane,
    /// The handset did not answer a service change.
    ServiceChangeFailed,
    /// The call is over; close the speech path.
    Ended {
        /// Why.
        reason: ReleaseReason,
        /// Who ended it.
        by: Ender,
    },
    /// This call needs the link no more.
    LinkNotNeeded {
        /// Keep it for a few seconds: another call follows (9.5.1, note 3).
        partial: bool,
    },
}

/// Who ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ender {
    /// The handset.
    Handset,
    /// The interworking.
    Switch,
    /// A timer.
    Timer,
    /// The link went.
    Link,
}

/// Why an input is not taken in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Annex B.2 has an empty cell there.
    #[error("{kind} cannot be sent in state F-{:02}", state.number())]
    NotNow {
        /// The message.
        kind: Kind,
        /// The state.
        state: State,
    },
    /// The message belongs to another conversation or the other side.
    #[error("{0} is not of this call")]
    NotOurs(Kind),
}

/// One call.
#[derive(Debug)]
pub struct Call {
    transaction: Transaction,
    state: State,
    timers: TimerTable<Timer>,
    /// What {CC-RELEASE} gave as reason, while it is not acknowledged.
    reason: ReleaseReason,
    ender: Ender,
}

/// Orders as they come together; a call saves nothing.
type Out = Vec<Output>;

impl Call {
    /// A call that does not exist yet, in this conversation.
    pub fn new(transaction: Transaction) -> Self {
        Self {
            transaction,
            state: State::Null,
            timers: TimerTable::default(),
            reason: ReleaseReason::NORMAL,
            ender: Ender::Switch,
        }
    }

    /// Its state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Its conversation.
    pub fn transaction(&self) -> Transaction {
        self.transaction
    }

    fn start(&mut self, timer: Timer, now: Moment) {
        self.timers.set(timer, now + timer.length());
    }

    /// Annex B.2, rows "sent".
    fn say(&mut self, message: Message, now: Moment, out: &mut Out) -> Result<(), Refusal> {
        use State::*;
        let (kind, state) = (message.kind, self.state);
        match (kind, state) {
            (Kind::CcSetup, Null) => self.enter(CallPresent, Some(Timer::Cc03), now),
            (Kind::CcSetupAck, CallInitiated) => self.enter(OverlapSending, Some(Timer::Cc01), now),
            (Kind::CcCallProc, CallInitiated | OverlapSending) => {
                self.enter(CallProceeding, Some(Timer::Cc04), now);
            }
            (Kind::CcAlerting, CallInitiated | OverlapSending | CallProceeding) => {
                self.enter(CallDelivered, Some(Timer::Cc04), now);
            }
            (Kind::CcConnect, CallInitiated | OverlapSending | CallProceeding | CallDelivered) => {
                self.enter(Active, None, now);
                out.push(Output::ConnectUPlane);
            }
            (
                Kind::CcInfo,
                OverlapSending | CallProceeding | CallDelivered | CallReceived | Active | ReleasePending,
            )
            | (Kind::CcNotify, CallInitiated | OverlapSending | CallProceeding | CallDelivered) => {}
            // "A FT in the "CALL INITIATED" … state responds as though rejecting the call setup" (9.5.1, note 1).
            (Kind::CcRelease, CallInitiated) => {
                let reason = message.get().unwrap_or(ReleaseReason::NORMAL);
                return self.reject(reason, Ender::Switch, out);
            }
            (
                Kind::CcRelease,
                OverlapSending | CallProceeding | CallDelivered | CallPresent | CallReceived | Active,
            ) => return self.release(message, Ender::Switch, now, out),
            // "In any state except for the NULL and RELEASE_PENDING states", and in that one too when the
            // interworking rejects (9.5.2.2).
            (Kind::CcReleaseCom, state) if state != Null => {
                let reason = message.get().unwrap_or(ReleaseReason::NORMAL);
                return self.reject(reason, Ender::Switch, out);
            }
            (Kind::CcServiceChange, Active) => self.start(Timer::Service, now),
            (Kind::CcServiceAccept | Kind::CcServiceReject, Active) => {}
            // "An {IWU-INFO} message can be sent/received in any state"; the FT may send CRSS messages up to
            // F-19 (annex B.2.1, notes 2 and 3).
            (kind, state) if is_supplementary(kind) && state != Null => {}
            _ => return Err(Refusal::NotNow { kind, state }),
        }
        out.push(Output::Send(message));
        Ok(())
    }

    /// Annex B.2, rows "rcvd". What has no cell there is ignored (17.4.1).
    fn hear(&mut self, message: Message, now: Moment, out: &mut Out) {
        use State::*;
        match (message.kind, self.state) {
            (Kind::CcSetup, Null) => self.enter(CallInitiated, None, now),
            (Kind::CcAlerting, CallPresent) => self.enter(CallReceived, Some(Timer::Cc04), now),
            (Kind::CcConnect, CallPresent | CallReceived) => {
                self.enter(Active, None, now);
                out.push(Output::ConnectUPlane);
                out.push(Output::Send(message.answer(Kind::CcConnectAck)));
            }
            // "Upon receipt of a {CC-INFO} message, the F-CC … shall restart timer F<CC.01>" (9.3.1.5).
            (Kind::CcInfo, OverlapSending) => self.start(Timer::Cc01, now),
            (Kind::CcInfo, CallProceeding | CallDelivered | CallReceived | Active | ReleasePending) => {}
            // "If either CC entity receives a {CC-RELEASE} message, while in the "RELEASE PENDING" state, the
            // normal release procedure is not followed" (9.5.3).
            (Kind::CcRelease | Kind::CcReleaseCom, ReleasePending) => {
                return self.end(self.reason, self.ender, out);
            }
            // "When an unexpected {CC-RELEASE} message is received … the message shall not be ignored"
            // (17.4.1): F-06 has no cell for it, and takes it as well.
            (Kind::CcRelease, state) if state != Null => {
                let reason = message.get().unwrap_or(ReleaseReason::NORMAL);
                out.push(Output::Send(message.answer(Kind::CcReleaseCom)));
                return self.end(reason, Ender::Handset, out);
            }
            // "When a {CC-RELEASE-COM} message is received with a <<RELEASE-REASON>> information element
            // missing, it shall be assumed that [it] was received with release reason "normal"" (17.6.1).
            (Kind::CcReleaseCom, state) if state != Null => {
                return self.end(message.get().unwrap_or(ReleaseReason::NORMAL), Ender::Handset, out);
            }
            (Kind::CcServiceChange, Active) => {}
            (Kind::CcServiceAccept | Kind::CcServiceReject, Active) if self.timers.runs(Timer::Service) => {
                self.timers.stop(Timer::Service);
            }
            (kind, state) if is_supplementary(kind) && state != Null => {}
            _ => return,
        }
        out.push(Output::Heard(message));
    }

    /// Every timer but CC.02 belongs to the state it was started for.
    fn enter(&mut self, state: State, timer: Option<Timer>, now: Moment) {
        self.state = state;
        self.timers.stop_all();
        if let Some(timer) = timer {
            self.start(timer, now);
        }
    }

    /// Normal release (9.5.1).
    fn release(&mut self, message: Message, by: Ender, now: Moment, out: &mut Out) -> Result<(), Refusal> {
        self.reason = message.get().unwrap_or(ReleaseReason::NORMAL);
        self.ender = by;
        self.enter(State::ReleasePending, Some(Timer::Cc02), now);
        out.push(Output::Send(message));
        Ok(())
    }

    /// Abnormal release (9.5.2).
    fn reject(&mut self, reason: ReleaseReason, by: Ender, out: &mut Out) -> Result<(), Refusal> {
        out.push(Output::Send(self.message(Kind::CcReleaseCom).with(&reason)));
        self.end(reason, by, out);
        Ok(())
    }

    fn end(&mut self, reason: ReleaseReason, by: Ender, out: &mut Out) {
        self.state = State::Null;
        self.timers.stop_all();
        out.push(Output::Ended { reason, by });
        out.push(Output::LinkNotNeeded { partial: reason == ReleaseReason::PARTIAL_RELEASE });
    }

    fn message(&self, kind: Kind) -> Message {
        Message::new(kind, super::message::Side::Fixed, self.transaction)
    }

    fn expire(&mut self, now: Moment, out: &mut Out) -> Result<(), Refusal> {
        let expiry = ReleaseReason::TIMER_EXPIRY;
        while let Some(timer) = self.timers.pop_expired(now) {
            match timer {
                // "If timer F<CC.01> expires … the F-CC should immediately release the call" (9.3.1.5); CC.04
                // likewise (9.3.1.9).
                Timer::Cc01 | Timer::Cc04 => {
                    let release = self.message(Kind::CcRelease).with(&expiry);
                    self.release(release, Ender::Timer, now, out)?;
                }
                // "The F-CC shall immediately reject the call by sending a {CC-RELEASE-COM}" (9.3.2.2).
                Timer::Cc03 => self.reject(expiry, Ender::Timer, out)?,
                // "The initiating side should immediately send a {CC-RELEASE-COM} message" (9.5.1).
                Timer::Cc02 => {
                    out.push(Output::Send(self.message(Kind::CcReleaseCom).with(&expiry)));
                    self.end(self.reason, self.ender, out);
                }
                Timer::Service => out.push(Output::ServiceChangeFailed),
            }
        }
        Ok(())
    }

    /// Clause 17.9, and A.1: timers but CC.02 stop when the link fails.
    fn link_failed(&mut self, kept: bool, out: &mut Out) {
        match self.state {
            State::Null => {}
            State::Active if kept => self.timers.stop(Timer::Service),
            _ => self.end(ReleaseReason::NOT_IN_RANGE, Ender::Link, out),
        }
    }
}

/// Messages that change no state of call control.
fn is_supplementary(kind: Kind) -> bool {
    use Kind::*;
    matches!(kind, Facility | IwuInfo | Hold | HoldAck | HoldReject | Retrieve | RetrieveAck | RetrieveReject)
}

impl Machine for Call {
    type Input = Input;
    type Save = std::convert::Infallible;
    type Output = Output;
    type Refusal = Refusal;

    fn handle(&mut self, input: Input, now: Moment) -> Result<Ready<Self::Save, Output>, Refusal> {
        let mut out = Out::new();
        match input {
            Input::Received(message) | Input::Send(message) if message.transaction != self.transaction => {
                return Err(Refusal::NotOurs(message.kind));
            }
            Input::Received(message) => self.hear(message, now, &mut out),
            Input::Send(message) => self.say(message, now, &mut out)?,
            // "For CC calls in the "OVERLAP SENDING" … states, the entity shall initiate the normal release
            // procedures … with release reason "unknown"" (17.8); the others go on.
            Input::LinkReset if self.state == State::OverlapSending => {
                let release = self.message(Kind::CcRelease).with(&ReleaseReason::UNKNOWN);
                self.release(release, Ender::Link, now, &mut out)?;
            }
            Input::LinkReset => {}
            Input::LinkFailed { normal } => self.link_failed(!normal, &mut out),
            Input::LinkGone => self.link_failed(false, &mut out),
            Input::Deadline => self.expire(now, &mut out)?,
        }
        Ok(Ready::say(out))
    }

    fn deadline(&self) -> Option<Moment> {
        self.timers.next()
    }
}

#[cfg(test)]
mod tests;
