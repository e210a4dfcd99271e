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
//! A file per verb: `dial`, `progress`, `refuse`, `answer`, `reoffer`, `hold`, `transfer`, `inherit`, `join`,
//! `room`, `convene`, `release`. [`strand`] keeps one leg, and says which offer and answer count; `sides` says
//! which legs talk.
//!
//! Two ends whose codecs do not go together are asked to change, and talk through the media engine's translator
//! until one does, or for good when neither would.

mod answer;
mod convene;
mod dial;
mod federation;
mod forwarding;
mod hold;
mod ice;
mod inherit;
mod join;
mod place;
mod policy;
mod progress;
mod refuse;
mod release;
mod reoffer;
mod room;
mod service;
mod sides;
mod strand;
#[cfg(test)]
pub(in crate::call) mod tests;
mod transfer;
mod way;
mod words;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::dial::Search;
pub use self::forwarding::Divert;
pub use self::hold::{HoldSignal, HoldSignals, Sound};
pub use self::inherit::Estate;
pub use self::join::Joining;
pub use self::policy::Origin;
use self::room::Meeting;
use self::sides::{joined_by, joins, offers_srtp, or_narrow};
use self::strand::{Life, Strand};
pub use self::transfer::Errand;
use self::transfer::Transfer;
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
    /// Ours: nothing is heard of the handset.
    Silence,
    /// Ours: the confirmation of a feature code has been heard.
    Confirmation,
    /// Ours: a transfer must end before its subscription does.
    Transfer,
    /// Ours: an end that refused to be resumed is asked again.
    Align,
    /// Ours: an end whose voice has lost its way must have found another.
    Way,
}

/// A call. Its `serde` form is its record on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    state: State,
    summary: CallSummary,
    /// Every leg that ever was; the caller's is number 0.
    legs: BTreeMap<LegNo, Strand>,
    /// Who is on side A: the caller, until somebody took its place.
    #[serde(default = "first_caller")]
    calling: LegNo,
    /// Who is on side B: who answered, or took that one's place.
    talking_to: Option<LegNo>,
    /// The transfer that is under way.
    #[serde(default)]
    transfer: Option<Box<Transfer>>,
    /// How an end is told that the other one holds it.
    #[serde(default)]
    hold: HoldSignals,
    /// The room that its ends are in, in place of a call with each other.
    #[serde(default)]
    meeting: Option<Box<Meeting>>,
    /// Keys that join all calls of their user in a conference; empty: none.
    #[serde(default)]
    join_code: String,
    /// Codecs of this switch, preferred first; of older records none.
    #[serde(default)]
    codecs: Vec<Codec>,
    /// Who pressed the last keys, and which.
    #[serde(skip, default = "no_keys")]
    typed: (LegNo, String),
    /// From which world the caller's leg came.
    #[serde(default = "from_south")]
    facing: Facing,
    /// What the ends hear in place of each other.
    #[serde(skip)]
    sounds: BTreeMap<Side, Sound>,
    /// The focus that the caller's INVITE invites to, until a handset took it.
    #[serde(skip)]
    invitation: Option<String>,
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
    /// Ends whose voice has lost its way and looks for another.
    #[serde(skip)]
    lost_ways: Vec<way::LostWay>,
    /// Till when a leg that has ended may stay to tell its handset so.
    #[serde(skip)]
    stays: Moment,
    #[serde(skip)]
    timers: TimerTable<Timer>,
    #[serde(skip, default = "no_tokens")]
    tokens: Tokens,
}

/// Until [`Call::restored`] gives better ones.
fn no_tokens() -> Tokens {
    Tokens::new([0; 32])
}

fn no_keys() -> (LegNo, String) {
    (LegNo::CALLER, String::new())
}

fn first_caller() -> LegNo {
    LegNo::CALLER
}

/// Calls of records that do not say it: the north holds no secrets from a handset's hold.
fn from_south() -> Facing {
    Facing::South
}

impl PartialEq for Call {
    /// As records.
    fn eq(&self, other: &Self) -> bool {
        let ends = |call: &Self| (call.state, call.calling, call.talking_to);
        let same =
            ends(self) == ends(other) && self.transfer == other.transfer && self.meeting == other.meeting;
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
            calling: LegNo::CALLER,
            talking_to: None,
            transfer: None,
            hold: HoldSignals::default(),
            meeting: None,
            join_code: String::new(),
            codecs: Vec::new(),
            typed: no_keys(),
            facing: new.facing,
            sounds: BTreeMap::new(),
            invitation: None,
            offer: new.offer,
            answer: None,
            channels: Channels::Untouched,
            grant: None,
            search: Search::default(),
            settled: Vec::new(),
            lost_ways: Vec::new(),
            stays: Moment::default(),
            timers: TimerTable::default(),
            tokens,
        }
    }

    /// With a caller whose handset is told whom it talks with.
    pub fn shown_to_caller(mut self) -> Self {
        if let Some(caller) = self.legs.get_mut(&LegNo::CALLER) {
            caller.shows = true;
        }
        self
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

    /// Where a leg was dialled to; none for the caller's.
    pub fn dialled_to(&self, leg: LegNo) -> Option<&Target> {
        self.legs.get(&leg)?.target.as_ref()
    }

    fn started(&mut self, now: Moment) -> Ready<Save, Output> {
        match self.state {
            State::Admitting => {
                self.timers.set(Timer::C, now + TIMER_C);
                Ready::nothing()
            }
            State::Talking => self.resumed(now),
            State::Ending => self.ends_on(now),
            // Not on disk.
            State::Dialling | State::Over => Ready::nothing(),
        }
    }

    /// After a restart: flows run again from what was agreed; the two legs speak for themselves, and the
    /// others have no place any more. A transfer went with the former process: the referrer is told so.
    fn resumed(&mut self, now: Moment) -> Ready<Save, Output> {
        let ends = [Some(self.calling), self.talking_to];
        let is_end = |leg: &LegNo| ends.contains(&Some(*leg));
        self.legs.retain(|leg, strand| is_end(leg) || strand.life != Life::Closed);
        self.legs.iter_mut().filter(|(leg, _)| !is_end(leg)).for_each(|(_, strand)| strand.end());
        let mut then = Vec::new();
        for leg in ends.into_iter().flatten() {
            let Some(strand) = self.legs.get_mut(&leg).filter(|strand| strand.is_open()) else { continue };
            strand.forget_offer();
            // The answer to the offer in our 2xx may have come, and went with the process.
            let offer = strand.unanswered_offer(&mut self.tokens);
            then.extend(offer.map(|body| Output::Leg(leg, LegOrder::Reoffer { body })));
            let agreed = strand.media.as_ref().and_then(|media| media.agreed().cloned());
            if let Some(agreed) = agreed {
                self.run_flow(self.side_of(leg), &agreed, &mut then);
            }
        }
        then.push(Output::Changed(Box::new(self.summary.clone())));
        if self.transfer.is_some() {
            let cause = Cause::of_status(503, "the switch was started anew");
            return led_by(then, self.transfer_failed(cause, now));
        }
        self.tell_entered(&mut then);
        self.settle(&mut then);
        Ready { save: self.put(), then }
    }

    /// A leg that has a dialog on disk and no place in the call: the process ended after somebody had taken
    /// its place, or before the call knew that it had answered. Its far end is told.
    fn stranded(&mut self, leg: LegNo) -> Ready<Save, Output> {
        self.legs.entry(leg).or_insert_with(Strand::stranded);
        let cause = Cause::of_status(503, "the switch was started anew");
        Ready::say(vec![Output::Leg(leg, LegOrder::HangUp { cause })])
    }

    /// The caller's leg has taken the INVITE. One that it refuses by itself (420, 422) is never admitted.
    fn invited(&mut self) -> Ready<Save, Output> {
        self.channels = Channels::Asked;
        Ready::say(vec![Output::Admit { srtp: self.offer.as_ref().is_some_and(offers_srtp) }])
    }

    fn news(&mut self, leg: LegNo, news: LegNews, now: Moment) -> Result<Ready<Save, Output>, Refusal> {
        let caller = leg == LegNo::CALLER;
        let Some(strand) = self.legs.get(&leg) else { return Err(self.refuse("news of an unknown leg")) };
        let (crossed, candidate) = (!strand.is_open(), strand.candidate);
        Ok(match (self.state, news) {
            (_, LegNews::Closed) => self.closed(leg, now),
            (_, LegNews::Unheard { until }) => self.stays_for(until),
            // The leg sees to what it must still do: RFC 3261 §9.1 for a 2xx that crossed our CANCEL.
            _ if crossed => Ready::nothing(),
            (State::Admitting, LegNews::Invited) if caller && self.channels == Channels::Untouched => {
                self.invited()
            }
            (_, LegNews::Invited) if !caller => self.joins(leg, now),
            (State::Dialling | State::Talking, news) if candidate => self.search_news(leg, news, now),
            (State::Talking, LegNews::TransferAsked(wish)) if self.is_in_room() => {
                self.asked_in_room(leg, *wish)
            }
            (State::Talking, LegNews::TransferAsked(wish)) => self.transfer_asked(leg, *wish, now),
            (_, LegNews::TransferAsked(wish)) => self.transfer_refused(leg, &wish),
            (State::Talking, LegNews::ConferenceAsked) => self.conference_asked(leg),
            (_, LegNews::KeyPressed { digit, millis }) => self.key_pressed(leg, digit, millis),
            (State::Talking, LegNews::Ended { .. } | LegNews::Refused { .. }) if self.is_referrer(leg) => {
                self.referrer_left(leg)
            }
            (State::Talking, LegNews::Ended { cause } | LegNews::Refused { cause, .. })
                if self.is_in_room() =>
            {
                self.leaves_room(leg, cause, now)
            }
            (_, LegNews::Ended { cause } | LegNews::Refused { cause, .. }) => {
                self.hang_up(Some(leg), cause, now)
            }
            (State::Talking, LegNews::Acknowledged { body }) => self.acknowledged(leg, body.as_ref(), now),
            (
                _,
                news @ (LegNews::Reoffered { .. }
                | LegNews::ReofferWithdrawn
                | LegNews::ReofferAnswered { .. }),
            ) => self.session_news(leg, news, now),
            (
                _,
                LegNews::Invited
                | LegNews::ConferenceAsked
                | LegNews::Progress { .. }
                | LegNews::Answered { .. }
                | LegNews::Acknowledged { .. },
            ) => Ready::nothing(),
        })
    }
}

/// News that several states have in common.
impl Call {
    /// Of a leg that was dialled and has not answered yet: in a call that is being set up, or for a
    /// transfer.
    fn search_news(&mut self, leg: LegNo, news: LegNews, now: Moment) -> Ready<Save, Output> {
        let transfer = self.state == State::Talking;
        match news {
            LegNews::Progress { status, fork, body } if transfer => {
                self.transfer_progress(leg, status, &fork, body.as_ref(), now)
            }
            LegNews::Progress { status, fork, body } => self.progress(leg, status, &fork, body.as_ref(), now),
            LegNews::Answered { fork, body } if transfer => {
                self.transfer_answered(leg, &fork, body.as_ref(), now)
            }
            LegNews::Answered { fork, body } => self.answered(leg, &fork, body.as_ref(), now),
            LegNews::Refused { cause, contacts, route_failed } => {
                self.turned_down(leg, (cause, contacts, route_failed), now)
            }
            LegNews::Ended { cause } => self.refused(leg, cause, Vec::new(), false, now),
            LegNews::TransferAsked(wish) => self.transfer_refused(leg, &wish),
            other => self.session_news(leg, other, now),
        }
    }

    /// Offers and answers within a dialog.
    fn session_news(&mut self, leg: LegNo, news: LegNews, now: Moment) -> Ready<Save, Output> {
        match news {
            LegNews::Reoffered { body } => self.reoffered(leg, body.as_ref()),
            LegNews::ReofferWithdrawn => self.reoffer_withdrawn(leg),
            LegNews::ReofferAnswered { body } => self.reoffer_answered(leg, body.as_ref(), now),
            _ => Ready::nothing(),
        }
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
            (State::Talking, Input::Admitted(grant)) if self.is_routing() => {
                Ok(self.transfer_routed(grant, now))
            }
            (State::Talking, Input::Denied(cause)) if self.awaits_supervisor() => {
                Ok(self.transfer_failed(cause, now))
            }
            (State::Talking, Input::Inherited(estate)) if self.is_uniting() => Ok(self.united(*estate, now)),
            (State::Talking, Input::Denied(cause)) if self.is_uniting() => Ok(self.not_united(cause, now)),
            (State::Talking, Input::NotOurs) if self.is_uniting() => {
                Ok(self.not_united(Cause::normal(), now))
            }
            (State::Talking, Input::NotOurs) if self.awaits_supervisor() => Ok(self.route_anyway()),
            (State::Talking, Input::Inherited(estate)) if self.is_inheriting() => {
                Ok(self.inherited(*estate, now))
            }
            // The transfer that it was for has ended meanwhile.
            (State::Talking, Input::Admitted(grant)) => Ok(self.granted_in_vain(&grant)),
            (_, Input::Admitted(_)) => Err(self.refuse("a grant that it did not ask for")),
            (_, Input::Denied(_) | Input::NotOurs) => {
                Err(self.refuse("a refusal of what it did not ask for"))
            }
            (_, Input::Inherited(_)) => Err(self.refuse("legs of another call")),
            (State::Dialling | State::Talking, Input::Bequeathed(leg)) => Ok(self.bequeathed(leg, now)),
            (_, Input::Bequeathed(_)) => Err(self.refuse("an heir")),
            (_, Input::Joining(leg, joining)) => Ok(self.announce(leg, joining)),
            (State::Talking | State::Ending, Input::Stranded(leg)) if !self.is_open(leg) => {
                Ok(self.stranded(leg))
            }
            (_, Input::Stranded(_)) => Err(self.refuse("a leg that has its place")),
            (_, Input::Leg(leg, news)) => self.news(leg, news, now),
            (_, Input::Room(order)) => self.obey_room(order, now),
            (_, Input::RoomBegan(room)) => Ok(self.room_began(&room)),
            (_, Input::Summoned { leg, ticket, status }) => Ok(self.summoned(leg, ticket, status)),
            (State::Talking, Input::Convene(user, to)) => Ok(self.convene(user, to, now)),
            (_, Input::Convene(..)) => Err(self.refuse("a conference")),
            (State::Talking, Input::Shown(words)) => Ok(self.shown_as(words)),
            (_, Input::Shown(_)) => Err(self.refuse("what to show")),
            (_, Input::KeyHeard(side, digit, millis)) => Ok(self.key_in_voice(side, digit, millis)),
            (_, Input::IceSettled(side, chosen)) => Ok(self.ice_settled(side, chosen)),
            (_, Input::WayLost { side, relayed, why }) => Ok(self.way_lost(side, relayed, why, now)),
            (_, Input::WayNotFound(side)) => Ok(self.way_not_found(side, now)),
            (State::Over, Input::HangUp(_)) => Err(self.refuse("an order to hang up")),
            (_, Input::HangUp(cause)) => Ok(self.hang_up(None, cause, now)),
            (_, Input::Deadline) => Ok(self.deadline_passed(now)),
        }
    }

    fn deadline(&self) -> Option<Moment> {
        self.timers.next()
    }
}

/// What was ordered already goes first.
fn led_by(mut first: Orders, mut ready: Ready<Save, Output>) -> Ready<Save, Output> {
    first.append(&mut ready.then);
    Ready { save: ready.save, then: first }
}
