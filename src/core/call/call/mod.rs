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
//! hangs up first ends the other leg, and when all legs are closed the call is over.
//!
//! It can fail before anyone is dialled (no route, no channel, no common codec), while dialling (each
//! leg reports a cause; the best one goes to the caller, RFC 3261 §16.7 step 6), or in talk (transport
//! lost, session expired): always both legs are told why.
//!
//! Channels go back as soon as the call ends, not when its last transaction does. The words for it are
//! [`Output::ReleaseBase`], for a leg that ends while the call goes on, and [`Output::Over`], once, for
//! all the rest.
//!
//! A file per verb: `dial`, `progress`, `refuse`, `answer`, `reoffer`, `release`. [`strand`] keeps one leg,
//! and says which offer and answer count.
//!
//! Out of scope: a change of codec that only one end asks for and the other end's codec does not go with
//! (refused with 488; RFC 3261 §14.2 leaves the session as it was), and hold as the other end hears it
//! (music): those are telephony features.

mod answer;
mod dial;
mod forwarding;
mod ice;
mod progress;
mod refuse;
mod release;
mod reoffer;
mod service;
mod strand;
#[cfg(test)]
mod tests;
mod words;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::dial::Search;
pub use self::forwarding::Divert;
use self::strand::Strand;
pub use self::words::{About, Admitted, Input, NewCall, Output, Refusal, Save, Side};
use super::cause::Cause;
use super::forward::Diversion;
use super::{CallSummary, LegNews, LegNo, LegOrder, Phase, Target};
use crate::id::{Tokens, Username};
use crate::machine::{Machine, Ready};
use crate::media::Codec;
use crate::media::negotiate::{Agreed, LocalMedia, OfferAnswer, SrtpPolicy};
use crate::sip::Facing;
use crate::sip::invite::Body;
use crate::sip::wire::Text;
use crate::timer::{Moment, TimerTable};

/// Longest time a call may be dialled without any progress. RFC 3261 §16.6 step 11: Timer C "MUST be
/// larger than 3 minutes". It guards [`State::Admitting`] too.
const TIMER_C: Duration = Duration::from_secs(181);
/// Longest time legs get to close before the call is over regardless. A leg may need three times 64*T1:
/// for a provisional response or an ACK, for the CANCEL, and for the BYE when a 2xx crossed it. It guards
/// [`State::Ending`] against a leg that was lost.
const LINGER: Duration = Duration::from_secs(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// Waiting for the caller's leg to take the INVITE, then for the supervisor.
    Admitting,
    /// Legs are dialled; nobody has answered.
    Dialling,
    /// Somebody answered. The legs' session timers guard it.
    Talking,
    /// Legs are told to end.
    Ending,
    /// All done.
    Over,
}

/// Whose turn it is with the channels of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
enum Channels {
    /// Not asked for.
    Untouched,
    /// The supervisor is asked and owes a reply.
    Asked,
    /// Its reply has come; a call from a record had it in its first life.
    #[default]
    Held,
    /// [`Output::Over`] was said.
    Back,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Timer {
    /// RFC 3261 §16.8.
    C,
    /// Ours: [`LINGER`].
    Linger,
    /// Ours: an unanswered call is forwarded.
    NoAnswer,
    /// Ours: the confirmation of a feature code has been heard.
    Confirmation,
}

/// A call. Its `serde` form is its record on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    state: State,
    summary: CallSummary,
    /// Every leg that ever was; the caller's is number 0.
    legs: BTreeMap<LegNo, Strand>,
    /// Who answered.
    talking_to: Option<LegNo>,
    /// The caller's offer.
    #[serde(skip)]
    offer: Option<Body>,
    /// What the caller is answered with, from when it is made until the ACK: early and final answer are
    /// the same.
    #[serde(skip)]
    answer: Option<Body>,
    #[serde(skip)]
    channels: Channels,
    #[serde(skip)]
    grant: Option<Box<Admitted>>,
    #[serde(skip)]
    search: Search,
    /// Pairs that the ICE agents chose before anybody answered.
    #[serde(skip)]
    settled: Vec<(Side, Box<crate::media::ice::description::Description>)>,
    #[serde(skip)]
    timers: TimerTable<Timer>,
    #[serde(skip, default = "no_tokens")]
    tokens: Tokens,
}

/// Until [`Call::restored`] gives better ones.
fn no_tokens() -> Tokens {
    Tokens::new([0; 32])
}

impl PartialEq for Call {
    /// As records.
    fn eq(&self, other: &Self) -> bool {
        let same = (self.state, self.talking_to) == (other.state, other.talking_to);
        same && self.summary == other.summary && self.legs == other.legs
    }
}

type Orders = Vec<Output>;

impl Call {
    /// A call whose INVITE has just come.
    pub fn new(new: NewCall, tokens: Tokens, now: Moment) -> Self {
        Self {
            state: State::Admitting,
            summary: CallSummary::of(&new, now),
            legs: BTreeMap::from([(LegNo::CALLER, Strand::caller())]),
            talking_to: None,
            offer: new.offer,
            answer: None,
            channels: Channels::Untouched,
            grant: None,
            search: Search::default(),
            settled: Vec::new(),
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

    /// Our RTP ports towards the caller and towards whoever answered, as their descriptions name them.
    pub fn media_ports(&self) -> Option<(u16, u16)> {
        let port = |leg| Some(self.legs.get(&leg)?.media.as_ref()?.local().port);
        port(LegNo::CALLER).zip(port(self.talking_to?))
    }

    fn started(&mut self, now: Moment) -> Ready<Save, Output> {
        match self.state {
            State::Admitting => {
                self.timers.set(Timer::C, now + TIMER_C);
                Ready::nothing()
            }
            State::Talking => self.resumed(),
            // Not on disk.
            State::Dialling | State::Ending | State::Over => Ready::nothing(),
        }
    }

    /// After a restart: flows run again from what was agreed; the two legs speak for themselves, and the
    /// others went with the former process.
    fn resumed(&mut self) -> Ready<Save, Output> {
        let talking_to = self.talking_to;
        self.legs.retain(|leg, _| *leg == LegNo::CALLER || talking_to == Some(*leg));
        let agreed =
            |(leg, strand): (&LegNo, &Strand)| Some((*leg, strand.media.as_ref()?.agreed()?.clone()));
        let flows: Vec<_> = self.legs.iter().filter_map(agreed).collect();
        let mut then = Vec::new();
        for (leg, agreed) in flows {
            self.run_flow(side_of(leg), &agreed, &mut then);
        }
        then.push(Output::Changed(Box::new(self.summary.clone())));
        Ready::say(then)
    }

    /// The caller's leg has taken the INVITE. One that it refuses by itself (420, 422) is never admitted.
    fn invited(&mut self) -> Ready<Save, Output> {
        self.channels = Channels::Asked;
        Ready::say(vec![Output::Admit { srtp: self.offer.as_ref().is_some_and(offers_srtp) }])
    }

    fn news(&mut self, leg: LegNo, news: LegNews, now: Moment) -> Result<Ready<Save, Output>, Refusal> {
        let caller = leg == LegNo::CALLER;
        let Some(strand) = self.legs.get(&leg) else { return Err(self.refuse("news of an unknown leg")) };
        let crossed = !strand.is_open();
        Ok(match (self.state, news) {
            (_, LegNews::Closed) => self.closed(leg, now),
            // The leg sees to what it must still do: RFC 3261 §9.1 for a 2xx that crossed our CANCEL.
            _ if crossed => Ready::nothing(),
            (State::Admitting, LegNews::Invited) if caller && self.channels == Channels::Untouched => {
                self.invited()
            }
            (State::Dialling, LegNews::Progress { status, fork, body }) if !caller => {
                self.progress(leg, status, &fork, body.as_ref(), now)
            }
            (State::Dialling, LegNews::Answered { fork, body }) if !caller => {
                self.answered(leg, &fork, body.as_ref(), now)
            }
            (State::Dialling, LegNews::Refused { cause, contacts, route_failed }) if !caller => {
                self.turned_down(leg, (cause, contacts, route_failed), now)
            }
            (State::Dialling, LegNews::Ended { cause }) if !caller => {
                self.refused(leg, cause, Vec::new(), false, now)
            }
            (_, LegNews::Ended { cause } | LegNews::Refused { cause, .. }) => {
                self.hang_up(Some(leg), cause, now)
            }
            (State::Talking, LegNews::Acknowledged { body }) => self.acknowledged(leg, body.as_ref(), now),
            (_, LegNews::Reoffered { body }) => self.reoffered(leg, body.as_ref()),
            (_, LegNews::ReofferWithdrawn) => self.reoffer_withdrawn(leg),
            (_, LegNews::ReofferAnswered { body }) => self.reoffer_answered(leg, body.as_ref(), now),
            (
                _,
                LegNews::Invited
                | LegNews::Progress { .. }
                | LegNews::Answered { .. }
                | LegNews::Acknowledged { .. },
            ) => Ready::nothing(),
        })
    }
}

impl Machine for Call {
    type Input = Input;
    type Save = Save;
    type Output = Output;
    type Refusal = Refusal;

    fn handle(&mut self, input: Input, now: Moment) -> Result<Ready<Save, Output>, Refusal> {
        let asked = self.channels == Channels::Asked;
        match (self.state, input) {
            (_, Input::Started) => Ok(self.started(now)),
            (State::Admitting, Input::Admitted(grant)) if asked => Ok(self.admitted(grant, now)),
            (State::Admitting, Input::Denied(cause)) if asked => {
                self.channels = Channels::Held;
                Ok(self.hang_up(None, cause, now))
            }
            // The caller hung up while the supervisor was still busy.
            (State::Ending, Input::Admitted(_) | Input::Denied(_)) if asked => Ok(self.admitted_too_late()),
            (_, Input::Admitted(grant)) if self.is_diverting() => Ok(self.diverted(grant, now)),
            (_, Input::Denied(cause)) if self.is_diverting() => Ok(self.not_diverted(cause, now)),
            (_, Input::Admitted(_)) => Err(self.refuse("a grant that it did not ask for")),
            (_, Input::Denied(_)) => Err(self.refuse("a refusal of what it did not ask for")),
            (_, Input::Leg(leg, news)) => self.news(leg, news, now),
            (_, Input::IceSettled(side, chosen)) => Ok(self.ice_settled(side, chosen)),
            (State::Over, Input::HangUp(_)) => Err(self.refuse("an order to hang up")),
            (_, Input::HangUp(cause)) => Ok(self.hang_up(None, cause, now)),
            (_, Input::Deadline) => Ok(self.deadline_passed(now)),
        }
    }

    fn deadline(&self) -> Option<Moment> {
        self.timers.next()
    }
}

/// What every verb needs.
impl Call {
    fn set_phase(&mut self, phase: Phase, then: &mut Orders) {
        if self.summary.phase != phase {
            self.summary.phase = phase;
            then.push(Output::Changed(Box::new(self.summary.clone())));
        }
    }

    fn refuse(&self, input: &'static str) -> Refusal {
        Refusal { reference: self.summary.reference, input, state: self.state }
    }

    /// Notes what a side agreed to and lets its media run.
    fn run_flow(&mut self, side: Side, agreed: &Agreed, then: &mut Orders) {
        let shown = (self.summary.codecs, self.summary.srtp);
        let (codec, srtp) = (Some(agreed.codec), agreed.srtp.is_some());
        match side {
            Side::A => (self.summary.codecs.0, self.summary.srtp.0) = (codec, srtp),
            Side::B => (self.summary.codecs.1, self.summary.srtp.1) = (codec, srtp),
        }
        then.push(Output::Flow(side, Box::new(agreed.clone())));
        if self.state == State::Talking && shown != (self.summary.codecs, self.summary.srtp) {
            then.push(Output::Changed(Box::new(self.summary.clone())));
        }
    }

    /// The codec that a side speaks.
    fn codec(&self, side: Side) -> Option<Codec> {
        match side {
            Side::A => self.summary.codecs.0,
            Side::B => self.summary.codecs.1,
        }
    }

    /// Whether what the two sides speak can be passed on.
    fn codecs_join(&self) -> bool {
        let both = self.codec(Side::A).zip(self.codec(Side::B));
        both.is_none_or(|(a, b)| joins(a, b))
    }

    /// The codecs that a side may change to without the other side.
    fn codecs_beside(&self, side: Side) -> &'static [Codec] {
        let other = match side {
            Side::A => Side::B,
            Side::B => Side::A,
        };
        self.codec(other).map_or(&[Codec::G722, Codec::Pcma, Codec::Pcmu, Codec::G726], joined_by)
    }
}

fn side_of(leg: LegNo) -> Side {
    if leg == LegNo::CALLER { Side::A } else { Side::B }
}

/// Codecs that can be passed on to one that speaks `codec`, itself first: the media engine translates
/// among G.711 and G.726 and nothing else.
fn joined_by(codec: Codec) -> &'static [Codec] {
    match codec {
        Codec::Pcma => &[Codec::Pcma, Codec::Pcmu, Codec::G726],
        Codec::Pcmu => &[Codec::Pcmu, Codec::Pcma, Codec::G726],
        Codec::G726 => &[Codec::G726, Codec::Pcma, Codec::Pcmu],
        Codec::G722 => &[Codec::G722],
    }
}

fn joins(a: Codec, b: Codec) -> bool {
    joined_by(a).contains(&b)
}

/// Whether a body mentions keys or a secure profile. Only a hint for admission; what is agreed counts.
fn offers_srtp(body: &Body) -> bool {
    let has = |needle: &[u8]| memchr::memmem::find(&body.bytes, needle).is_some();
    has(b"a=crypto:") || has(b"RTP/SAVP")
}

/// What was ordered already goes first.
fn led_by(mut first: Orders, mut ready: Ready<Save, Output>) -> Ready<Save, Output> {
    first.append(&mut ready.then);
    Ready { save: ready.save, then: first }
}
