//! One call: a caller's leg, the legs dialled for it, and the media that joins two of them.
//!
//! ```text
//! Admitting ──admitted──► Dialling ──answered──► Talking ──either hangs up──► Ending ──all closed──► Over
//!     └──refused──────────────┴──nobody answers──────────────────────────────────┘
//! ```
//!
//! Happy path: the caller's INVITE makes the call ([`NewCall`]); the supervisor routes it and takes the
//! channels ([`Admitted`]); every target is dialled with an offer of our own; the first answer wins, the
//! other legs are cancelled; the caller gets an answer cut to the callee's codec; both flows run. Whoever
//! hangs up first ends the other leg, and when all legs are closed the channels go back and the record
//! is written.
//!
//! It can fail before anyone is dialled (no route, no channel, no common codec), while dialling (each
//! leg reports a cause; the best one goes to the caller, RFC 3261 §16.7 step 6), or in talk (transport
//! lost, session expired): always both legs are told why.
//!
//! A file per verb: `dial`, `answer`, `reoffer`, `release`.

mod answer;
mod dial;
mod release;
mod reoffer;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cause::Cause;
use super::{CallSummary, LegNews, LegNo, LegOrder, Party, Phase, Target};
use crate::id::{CallRef, Tokens};
use crate::machine::{Machine, Ready};
use crate::media::Codec;
use crate::media::negotiate::{Agreed, LocalMedia, OfferAnswer, SrtpPolicy};
use crate::sip::Facing;
use crate::sip::invite::Body;
use crate::timer::{Moment, TimerTable};

/// Longest time a call may be dialled. RFC 3261 §16.6 step 11: Timer C "MUST be larger than 3 minutes".
const TIMER_C: Duration = Duration::from_secs(181);
/// Longest time legs get to close before the call is over regardless; their own timers (64*T1) are
/// shorter, so this guards against a leg that was lost.
const LINGER: Duration = Duration::from_secs(40);
/// Redirections (3xx) followed in one call (RFC 3261 §8.1.3.4 asks for a bound).
const MAX_REDIRECTS: u8 = 5;

/// Which of the two flows of the media channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Towards the caller.
    A,
    /// Towards whoever answered.
    B,
}

/// What is known of a call when its INVITE arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCall {
    /// Its name.
    pub reference: CallRef,
    /// Who calls.
    pub caller: Party,
    /// Whom the INVITE asks for.
    pub dialled: Party,
    /// From which world.
    pub facing: Facing,
    /// The caller's offer, if it made one.
    pub offer: Option<Body>,
}

/// The supervisor's grant: media ports and where to dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Our RTP port towards the caller.
    pub port_a: u16,
    /// Our RTP port towards the callee.
    pub port_b: u16,
    /// The address the caller shall send media to.
    pub address_a: IpAddr,
    /// The address the callee shall send media to.
    pub address_b: IpAddr,
    /// Codecs of this switch, preferred first.
    pub codecs: Vec<Codec>,
    /// SRTP towards the caller and towards the callee.
    pub srtp: (SrtpPolicy, SrtpPolicy),
    /// Whom to dial: each attempt rings its targets together; the next is tried only when the way of
    /// the one before failed.
    pub attempts: Vec<Vec<Target>>,
}

/// What can happen to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// It begins, or was restored from its record.
    Started,
    /// The supervisor granted it.
    Admitted(Box<Admitted>),
    /// The supervisor refused it.
    Denied(Cause),
    /// Something happened on a leg.
    Leg(LegNo, LegNews),
    /// An administrator, or a lost channel, ends it.
    HangUp(Cause),
    /// The moment it asked for has come.
    Deadline,
}

/// What a call orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Ask the supervisor for route and channels.
    Admit {
        /// Whether the caller offered SRTP, so that its side may cost more.
        srtp: bool,
    },
    /// Make a leg and dial it.
    Dial {
        /// Its number.
        leg: LegNo,
        /// Where to.
        target: Box<Target>,
        /// Our offer.
        offer: Body,
    },
    /// Tell a leg something.
    Leg(LegNo, LegOrder),
    /// Let media run on one side as agreed.
    Flow(Side, Box<Agreed>),
    /// A dialled leg is gone: its base station's channel goes back.
    ReleaseBase(LegNo),
    /// Lists and records want to know.
    Changed(Box<CallSummary>),
    /// Give back channels and ports; the call is over.
    Over(Box<CallSummary>),
}

/// What a call asks to have written.
#[derive(Debug, Clone, PartialEq)]
pub enum Save {
    /// The standing call, so that it survives this process.
    Put(Box<Call>),
    /// It is over: forget it and keep its record.
    Ended(Box<CallSummary>),
}

/// Why a call does not take an input. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("call {reference} does not take {input} while {state:?}")]
pub struct Refusal {
    reference: CallRef,
    input: &'static str,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// Waiting for the supervisor.
    Admitting,
    /// Legs are dialled; nobody has answered.
    Dialling,
    /// Somebody answered.
    Talking,
    /// Legs are told to end.
    Ending,
    /// All done.
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Timer {
    /// RFC 3261 §16.8.
    C,
    /// Ours: [`LINGER`].
    Linger,
}

/// One side's session description and whether its leg still lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Strand {
    media: Option<OfferAnswer>,
    target: Option<Target>,
    rung: bool,
    closed: bool,
}

/// A call. Its `serde` form is its record on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    state: State,
    summary: CallSummary,
    facing: Facing,
    /// The caller's offer until it is answered.
    #[serde(skip)]
    offer: Option<Body>,
    /// Our answer to the caller, once made: early and final answer are the same.
    #[serde(skip)]
    answer: Option<Body>,
    legs: BTreeMap<LegNo, Strand>,
    talking_to: Option<LegNo>,
    #[serde(skip)]
    grant: Option<Box<Admitted>>,
    #[serde(skip)]
    attempts: VecDeque<Vec<Target>>,
    #[serde(skip)]
    best: Option<Cause>,
    redirects: u8,
    #[serde(skip)]
    timers: TimerTable<Timer>,
    #[serde(skip, default = "no_tokens")]
    tokens: Tokens,
}

fn no_tokens() -> Tokens {
    Tokens::new([0; 32])
}

impl PartialEq for Call {
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state && self.summary == other.summary && self.legs == other.legs
    }
}

type Orders = Vec<Output>;

impl Call {
    /// A call whose INVITE has just come.
    pub fn new(new: NewCall, tokens: Tokens, now: Moment) -> Self {
        let caller = Strand { media: None, target: None, rung: false, closed: false };
        Self {
            state: State::Admitting,
            summary: CallSummary::of(&new, now),
            facing: new.facing,
            offer: new.offer,
            answer: None,
            legs: BTreeMap::from([(LegNo::CALLER, caller)]),
            talking_to: None,
            grant: None,
            attempts: VecDeque::new(),
            best: None,
            redirects: 0,
            timers: TimerTable::default(),
            tokens,
        }
    }

    /// A standing call from its record; give it fresh tokens, then [`Input::Started`].
    pub fn restored(mut record: Self, tokens: Tokens) -> Self {
        record.tokens = tokens;
        record
    }

    /// As lists show it.
    pub fn summary(&self) -> &CallSummary {
        &self.summary
    }

    fn set_phase(&mut self, phase: Phase, then: &mut Orders) {
        if self.summary.phase != phase {
            self.summary.phase = phase;
            then.push(Output::Changed(Box::new(self.summary.clone())));
        }
    }

    fn refuse(&self, input: &'static str) -> Refusal {
        Refusal { reference: self.summary.reference, input, state: self.state }
    }

    fn leg(&mut self, leg: LegNo) -> Option<&mut Strand> {
        self.legs.get_mut(&leg)
    }

    /// Notes what a side agreed to and lets its media run.
    fn run_flow(&mut self, side: Side, agreed: &Agreed, then: &mut Orders) {
        let (codec, srtp) = (Some(agreed.codec), agreed.srtp.is_some());
        match side {
            Side::A => (self.summary.codecs.0, self.summary.srtp.0) = (codec, srtp),
            Side::B => (self.summary.codecs.1, self.summary.srtp.1) = (codec, srtp),
        }
        then.push(Output::Flow(side, Box::new(agreed.clone())));
    }

    fn started(&mut self, now: Moment) -> Ready<Save, Output> {
        match self.state {
            State::Admitting => {
                self.timers.set(Timer::C, now + TIMER_C);
                Ready::say(vec![Output::Admit { srtp: self.offer.as_ref().is_some_and(offers_srtp) }])
            }
            // Restored: flows run again from what was agreed; the legs speak for themselves.
            State::Talking => {
                let mut then = Vec::new();
                let answered = self.talking_to;
                for (side, leg) in [(Side::A, Some(LegNo::CALLER)), (Side::B, answered)] {
                    let agreed =
                        leg.and_then(|l| self.legs.get(&l)).and_then(|s| s.media.as_ref()?.agreed().cloned());
                    if let Some(agreed) = agreed {
                        self.run_flow(side, &agreed, &mut then);
                    }
                }
                then.push(Output::Changed(Box::new(self.summary.clone())));
                Ready::say(then)
            }
            State::Dialling | State::Ending | State::Over => Ready::nothing(),
        }
    }

    fn news(&mut self, leg: LegNo, news: LegNews, now: Moment) -> Result<Ready<Save, Output>, Refusal> {
        let caller = leg == LegNo::CALLER;
        match (self.state, news) {
            (_, LegNews::Closed) => Ok(self.closed(leg, now)),
            (State::Over, _) => Err(self.refuse("news of a leg")),
            (State::Dialling, LegNews::Progress { status, body }) if !caller => {
                Ok(self.progress(leg, status, body))
            }
            (State::Dialling, LegNews::Answered { body }) if !caller => Ok(self.answered(leg, body, now)),
            (State::Dialling, LegNews::Refused { cause, contacts, route_failed }) if !caller => {
                Ok(self.refused(leg, cause, contacts, route_failed, now))
            }
            (State::Dialling, LegNews::Ended { cause }) if !caller => {
                Ok(self.refused(leg, cause, Vec::new(), false, now))
            }
            // RFC 3261 §13.2.2.4: a 2xx of another branch, or one that crossed our CANCEL.
            (State::Talking | State::Ending, LegNews::Answered { .. }) => {
                Ok(Ready::say(vec![Output::Leg(leg, LegOrder::HangUp { cause: Cause::normal() })]))
            }
            (State::Talking, LegNews::Acknowledged { body: Some(body) }) if caller => {
                Ok(self.late_answer(body, now))
            }
            (State::Talking, LegNews::Reoffered { body }) => Ok(self.reoffered(leg, body)),
            (State::Talking, LegNews::ReofferAnswered { body }) => Ok(self.reoffer_answered(leg, body)),
            (State::Talking, LegNews::Ended { cause }) if caller || self.talking_to == Some(leg) => {
                Ok(self.hang_up(Some(leg), cause, now))
            }
            (State::Talking, LegNews::Refused { cause, .. }) if caller || self.talking_to == Some(leg) => {
                Ok(self.hang_up(Some(leg), cause, now))
            }
            (
                State::Admitting | State::Dialling,
                LegNews::Ended { cause } | LegNews::Refused { cause, .. },
            ) => Ok(self.hang_up(Some(leg), cause, now)),
            (_, LegNews::Reoffered { .. }) => Ok(Ready::say(vec![Output::Leg(
                leg,
                LegOrder::RefuseReoffer { cause: Cause::of_status(488, "the call is not up") },
            )])),
            (
                _,
                LegNews::Acknowledged { .. }
                | LegNews::Progress { .. }
                | LegNews::Refused { .. }
                | LegNews::Ended { .. }
                | LegNews::ReofferAnswered { .. }
                | LegNews::Answered { .. },
            ) => Ok(Ready::nothing()),
        }
    }
}

impl Machine for Call {
    type Input = Input;
    type Save = Save;
    type Output = Output;
    type Refusal = Refusal;

    fn handle(&mut self, input: Input, now: Moment) -> Result<Ready<Save, Output>, Refusal> {
        match (self.state, input) {
            (_, Input::Started) => Ok(self.started(now)),
            (State::Admitting, Input::Admitted(grant)) => Ok(self.admitted(grant, now)),
            (State::Admitting, Input::Denied(cause)) => Ok(self.give_up(cause, now)),
            // The caller hung up while the supervisor was still busy: the grant is not used.
            (State::Ending | State::Over, Input::Admitted(_) | Input::Denied(_)) => Ok(Ready::nothing()),
            (_, Input::Admitted(_)) => Err(self.refuse("a second grant")),
            (_, Input::Denied(_)) => Err(self.refuse("a late refusal")),
            (_, Input::Leg(leg, news)) => self.news(leg, news, now),
            (State::Over, Input::HangUp(_)) => Err(self.refuse("an order to hang up")),
            (_, Input::HangUp(cause)) => Ok(self.hang_up(None, cause, now)),
            (_, Input::Deadline) => Ok(self.deadline_passed(now)),
        }
    }

    fn deadline(&self) -> Option<Moment> {
        self.timers.next()
    }
}

/// Whether a body mentions keys or a secure profile. Only a hint for admission; what is agreed counts.
fn offers_srtp(body: &Body) -> bool {
    let has = |needle: &[u8]| memchr::memmem::find(&body.bytes, needle).is_some();
    has(b"a=crypto:") || has(b"RTP/SAVP")
}

fn local_media(address: IpAddr, port: u16, codecs: Vec<Codec>, srtp: &SrtpPolicy) -> LocalMedia {
    LocalMedia { srtp: *srtp, ..LocalMedia::new(address, port, codecs) }
}
