//! What a [`Call`](super::Call) is told and what it orders.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Call, Divert, Errand, Estate, HoldSignals, Joining, Sound, State};
use crate::call::cause::Cause;
use crate::call::conference::{RoomName, RoomNews, RoomOrder};
use crate::call::forward::{self, Diversion, Forwards};
use crate::call::{CallSummary, LegNews, LegNo, LegOrder, Party, Target, Ticket};
use crate::id::{BaseStationId, CallRef, MixerId, OwnerId, Username};
use crate::media::Codec;
use crate::media::ice::candidate::Candidate;
use crate::media::ice::description::Description;
use crate::media::negotiate::{Agreed, Habits, IceMode, SrtpPolicy};
use crate::sip::Facing;
use crate::sip::invite::Body;
use crate::sip::replaces::Replaces;
use crate::sip::wire::HeaderName;

/// Which of the two flows of the media channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Towards the caller.
    A,
    /// Towards whoever answered.
    B,
}

impl Side {
    /// The opposite one.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
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
    /// How descriptions are read and written towards the caller and towards the callee.
    pub habits: (Habits, Habits),
    /// ICE towards the caller and towards the callee.
    pub ice: (IceMode, IceMode),
    /// Our addresses at media relays, towards the caller and towards the callee.
    pub relayed: (Vec<Candidate>, Vec<Candidate>),
    /// Whom to dial: each attempt rings its targets together; the next is tried only when the way of
    /// the one before failed.
    pub attempts: Vec<Vec<Target>>,
    /// How an end is told that the other one holds it.
    pub hold: HoldSignals,
    /// Keys that join all calls of their user in a conference; empty: none.
    pub join_code: String,
    /// What the router knows besides.
    pub about: About,
}

impl Admitted {
    /// Our RTP port on a side.
    pub(super) const fn port(&self, side: Side) -> u16 {
        match side {
            Side::A => self.port_a,
            Side::B => self.port_b,
        }
    }
}

/// What the router knows of a call beside where to dial.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// Whether it goes to an emergency number.
    pub emergency: bool,
    /// Through whose forwards it came, oldest first.
    pub trail: Vec<Diversion>,
    /// What the called user wants when nobody answers.
    pub forwards: Forwards,
    /// The called user is in another call, and lets this one wait.
    pub waits: bool,
    /// The callee is a user of another domain, whose client may be an old one.
    pub federated: bool,
    /// The bandwidth policy leaves the caller's media the way over relays and no other.
    pub relays_alone: bool,
    /// Where the north sees us for media bypass; none: bypass is not done.
    pub bypass: Option<String>,
    /// Whether a refusal for want of bandwidth may be answered by another way.
    pub reroutes: bool,
    /// Whom to dial when the north refuses for want of bandwidth and another way may be tried.
    pub detour: Vec<Target>,
    /// A feature code that was obeyed: there is nobody to dial, and the caller hears that it is done.
    pub confirms: bool,
    /// It leads into the conference of this focus in the north, whose mixer is dialled.
    pub conference: Option<String>,
    /// It invites a user to a conference where another of the user's calls goes on: that one follows, and nobody is
    /// dialled.
    pub escalates: bool,
    /// It leads into this room, and there is nobody to dial.
    pub room: Option<RoomName>,
    /// What a display shows then.
    pub words: String,
    /// For how long, at least; a tone needs a second and a half.
    pub shown_for: Duration,
}

impl About {
    /// The headers that tell a callee at `target` of it. `aor` makes a URI of a user.
    pub fn headers(&self, target: &str, aor: impl Fn(&str) -> String) -> Vec<(HeaderName, String)> {
        let mut headers = forward::headers(&self.trail, target, aor);
        if self.emergency {
            // RFC 3261 §20.26: "non-urgent", "normal", "urgent" and "emergency".
            headers.push((HeaderName::Priority, "emergency".into()));
        }
        headers
    }
}

/// What can happen to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// It begins, or was restored from its record. A new call asks for admission when its caller's leg
    /// has taken the INVITE ([`LegNews::Invited`]).
    Started,
    /// The supervisor granted it.
    Admitted(Box<Admitted>),
    /// The supervisor refused it.
    Denied(Cause),
    /// The ICE agent of one side has chosen: what descriptions name from now on.
    IceSettled(Side, Box<Description>),
    /// The media relay that the voice of a side went over is gone.
    WayLost {
        /// Which side.
        side: Side,
        /// Our addresses at the relay that serves now; none: there is no relay.
        relayed: Vec<Candidate>,
        /// What became of the old way, in words.
        why: String,
    },
    /// The ICE agent of one side has found no way.
    WayNotFound(Side),
    /// Something happened on a leg.
    Leg(LegNo, LegNews),
    /// After [`Started`](Input::Started): this leg's dialog was on disk, and is none of
    /// [`Call::open_legs`].
    Stranded(LegNo),
    /// The answer to [`Output::Inherit`]: there is no such call here; its dialog is somebody else's.
    NotOurs,
    /// The answer to [`Output::Inherit`]: the legs of the other call, which are this call's from now on.
    /// A refusal of this input leaves them where they are.
    Inherited(Box<Estate>),
    /// Another call has taken what [`Call::estate`] gave: all legs but this one are gone, and the call ends.
    Bequeathed(LegNo),
    /// An INVITE that asks for the place of one of the call's legs has come; it makes the leg of this
    /// number, [`Call::next_leg`].
    Joining(LegNo, Box<Joining>),
    /// The room that its ends are in, or are to come to, orders this.
    Room(RoomOrder),
    /// That room has begun anew and wants to hear who is there.
    RoomBegan(RoomName),
    /// The answer to [`Output::Summon`] or [`Output::Invite`], as a status.
    Summoned {
        /// Who asked.
        leg: LegNo,
        /// By which request.
        ticket: Ticket,
        /// How it went.
        status: u16,
    },
    /// This user's end goes to a conference: the one of this focus, or what this factory makes of its calls.
    Convene(Username, String),
    /// How the conference that the call leads into shall be shown.
    Shown(String),
    /// Whoever is on a side has pressed a key for so many milliseconds, told within the voice; the other end has
    /// heard it so, if it takes telephone events.
    KeyHeard(Side, char, u32),
    /// An administrator, or a lost channel, ends it.
    HangUp(Cause),
    /// The moment it asked for has come.
    Deadline,
}

/// What a call orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Ask the supervisor for route and channels. Every `Admit` wants its [`Input::Admitted`] or
    /// [`Input::Denied`].
    Admit {
        /// Whether the caller offered SRTP, so that its side may cost more.
        srtp: bool,
    },
    /// Ask the supervisor for the way of a forward. Wants [`Input::Admitted`] or [`Input::Denied`] too.
    Divert(Box<Divert>),
    /// The way to the north has failed: ask the supervisor whether there is one inside. Wants
    /// [`Input::Admitted`] or [`Input::Denied`] too.
    Inside,
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
    /// Let a side hear this in place of the other side; none: the other side again.
    Play(Side, Option<Sound>),
    /// Press a key towards a side (RFC 4733).
    Press {
        /// Who hears it.
        side: Side,
        /// The key.
        digit: char,
        /// For how long, in milliseconds.
        millis: u32,
    },
    /// Ask the supervisor whom to dial for a transfer, and for their channels. Wants its
    /// [`Input::Admitted`] or [`Input::Denied`].
    Route(Box<Errand>),
    /// Ask the call of this leg for its other legs. Wants [`Input::Inherited`], [`Input::Denied`] or, when
    /// there is no such leg, [`Input::NotOurs`].
    Inherit(OwnerId),
    /// Let one side's media go on where another call's were: its ports, keys and streams change hands.
    TakeMedia {
        /// The call that they come from.
        from: CallRef,
        /// Their side there.
        side: Side,
        /// Their side here.
        into: Side,
    },
    /// Tell the room something.
    Room(RoomName, RoomNews),
    /// Let a side talk in this mixer, or only hear it, in place of the other side; none: the other side again.
    Mix(Side, Option<(MixerId, bool)>),
    /// Ask that call for its last end, by its name in tags. Wants [`Input::Inherited`], [`Input::Denied`] or
    /// [`Input::NotOurs`].
    Cede(CallRef, OwnerId),
    /// Ask the call of this leg to come to the room, and its user's leg there to go. Wants
    /// [`Input::Summoned`].
    Summon {
        /// Which room.
        room: RoomName,
        /// The user's leg in that call.
        owner: OwnerId,
        /// Its dialog, as the user named it.
        replaces: Box<Replaces>,
        /// Who asks.
        leg: LegNo,
        /// By which request.
        ticket: Ticket,
    },
    /// Call somebody in this user's name, and bring whoever answers into the room. Wants [`Input::Summoned`].
    Invite {
        /// Which room.
        room: RoomName,
        /// Whom: a URI.
        to: String,
        /// In whose name.
        by: Username,
        /// Who asks.
        leg: LegNo,
        /// By which request.
        ticket: Ticket,
    },
    /// Its user, who talks in this call, wants all its calls in one conference.
    Gather(Username),
    /// As [`Gather`](Self::Gather), in a conference of ours: the pool has none for them.
    GatherInside(Username),
    /// An end has left whose party holds a channel of this base station, and the call goes on.
    FreeBase(BaseStationId),
    /// A dialled leg that holds a channel of a base station is gone, and the call goes on: the channel
    /// goes back. Once for each such leg, never after [`Over`](Output::Over), which gives back the rest.
    ReleaseBase(LegNo),
    /// Lists and records want to know.
    Changed(Box<CallSummary>),
    /// Give back channels and ports; the call is over. Said once in every call; when the call ends while
    /// the supervisor still thinks over [`Admit`](Output::Admit), only after its reply, so that a grant
    /// that comes too late is given back too.
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
    pub(super) reference: CallRef,
    pub(super) input: &'static str,
    pub(super) state: State,
}
