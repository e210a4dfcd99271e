//! The switch as its actors join it: mailboxes, a disk, and the machines. Every mailbox is served in its own
//! order, and which one is next is left to chance, as it is with threads.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use super::handover::{AirMail, Moving};

use crate::call::admission::{Admission, Limit};
use crate::call::cause::Cause;
use crate::call::conference::{self, Conference, RoomName, RoomNews, RoomOrder};
use crate::call::house::HouseLeg;

use crate::call::dect_leg::{self, Called, DectLeg, LineNo, Stream};
use crate::call::dialling::{AllowedCalls, DialPlan, NumberClass};
use crate::call::forward::Forwarding;
use crate::call::route::Map;
use crate::call::{
    Admitted, Call, CallSummary, Divert, Errand, Estate, Input, LegNews, LegNo, LegOrder, Party, Phase, Side,
    Sound, Ticket,
};
use crate::dect::portable::{self, CallNews, CallNo};
use crate::id::{BaseStationId, CallRef, MixerId, OwnerId, Username};
use crate::media::negotiate::Agreed;
use crate::sip::invite::{self, Dial, Leg, LegRecord};
use crate::sip::replaces::Replaces;
use crate::sip::wire::{Host, Message, Uri};
use crate::sip::{Facing, Peer};
use crate::timer::Moment;

/// A mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mailbox {
    Supervisor,
    Call(CallRef),
    /// By the agent's number.
    Agent(u64),
    Handset(usize),
    /// By its mixer.
    Room(MixerId),
    /// What comes over, by handset.
    Air(usize),
}

/// Where a call tells a leg of its something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegAddr {
    pub agent: u64,
    /// Of a handset's agent, which serves several calls.
    pub line: LineNo,
}

/// What lies in one.
pub enum Mail {
    // For the supervisor.
    Arrived(Message, Peer),
    Failed(Message),
    Admit(CallRef, bool),
    Divert(CallRef, Box<Divert>),
    Inside(CallRef),
    Route(CallRef, Box<Errand>),
    Bequeath {
        owner: OwnerId,
        replaces: Option<Replaces>,
        heir: CallRef,
    },
    PassLegs {
        from: CallRef,
        to: CallRef,
        owners: Vec<OwnerId>,
        bases: Vec<BaseStationId>,
    },
    Release(CallRef),
    ReleaseBase(CallRef, BaseStationId),
    Progressed(Box<CallSummary>),
    CallDied(CallRef),
    NativeCall(NativeAsk),
    TakeBase {
        call: CallRef,
        base: BaseStationId,
        agent: u64,
    },
    MoveBase {
        call: CallRef,
        from: BaseStationId,
        to: BaseStationId,
        agent: u64,
    },
    KeepBase(CallRef, BaseStationId),
    IsWhole {
        digits: String,
        agent: u64,
    },
    RoomHears {
        room: RoomName,
        call: CallRef,
        news: RoomNews,
    },
    RoomDied(RoomName),
    Gather {
        call: CallRef,
        user: Username,
    },
    Cede {
        call: CallRef,
        member: OwnerId,
        heir: CallRef,
    },
    Summon(Summons),
    InviteToRoom {
        room: RoomName,
        to: String,
        by: Username,
        told: Told,
    },
    // For a room.
    ToRoom(conference::Input),
    // For a call.
    InRoom(RoomOrder),
    CedeTo {
        member: OwnerId,
        heir: CallRef,
    },
    SummonedTo(Summons),
    Summoned(Told, u16),
    Input(Input),
    LegSaid(LegNo, LegNews),
    Hear(Message, Peer),
    SendFailed(Message),
    BequeathTo {
        owner: OwnerId,
        replaces: Option<Replaces>,
        heir: CallRef,
    },
    NotOurs,
    Refused(Cause),
    Left(Box<Bequest>),
    Taken {
        kept: LegNo,
        taken: bool,
    },
    Passed {
        owner: OwnerId,
        news: LegNews,
        from: CallRef,
    },
    Returned {
        owner: OwnerId,
        news: LegNews,
    },
    Join {
        invite: Message,
        peer: Peer,
        replaces: Replaces,
        party: Party,
    },
    PickUp {
        newcomer: Newcomer,
        of: Username,
        party: Party,
    },
    // For an agent.
    Start,
    Place(Box<Dial>),
    Obey(LineNo, LegOrder),
    Do(invite::LegOrder),
    Serve(LineNo, CallRef, LegNo),
    Joined(LineNo, CallRef, LegNo),
    TurnedAway(LineNo, Cause),
    Heard(CallNews, Option<portable::Connection>),
    Stream(dect_leg::Input),
    Granted(Result<(), String>),
    Occupied(u64),
    Knock {
        called: Box<Called>,
        place: Place,
        from: u64,
    },
    PassOn(u64, LineNo),
    LineClosed,
    // For a handset on native base stations.
    Order(portable::Order),
    Offer {
        call: CallNo,
        offer: Box<portable::Offer>,
        agent: u64,
    },
    ServeCall(CallNo, u64),
    Air(portable::Input),
    MovedTo {
        to: portable::Connection,
        stream: Option<SocketAddr>,
        call: Option<CallRef>,
    },
    StreamMoved {
        at: portable::Connection,
        stream: Option<SocketAddr>,
        call: Option<CallRef>,
    },
    // For handovers.
    ToAir(AirMail),
    TakeForHandover {
        handset: usize,
        call: CallRef,
        old: portable::Connection,
        new: portable::Connection,
        here: bool,
    },
}

/// A handset's wish for a call.
pub struct NativeAsk {
    pub handset: usize,
    pub digits: String,
    /// None: a second call, by the connection of the first.
    pub base: Option<BaseStationId>,
    pub offer: crate::call::Body,
    pub agent: u64,
    pub line: LineNo,
}

/// Who asked a room for somebody, and by which request.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    pub call: CallRef,
    pub leg: LegNo,
    pub ticket: Ticket,
}

/// Somebody in a room wants another call of his own there.
pub struct Summons {
    pub room: RoomName,
    pub owner: OwnerId,
    pub replaces: Replaces,
    pub told: Told,
}

/// Who joins a call by a code.
pub enum Newcomer {
    Sip(Box<Message>, Peer),
    /// Its agent and line, with its offer.
    Native(u64, LineNo, crate::sip::invite::Body),
}

/// Legs that change hands.
pub struct Bequest {
    pub estate: Estate,
    pub agents: Vec<(OwnerId, LegAddr)>,
    pub kept: LegNo,
    pub from: CallRef,
}

/// Who speaks for a leg.
pub enum Voice {
    Sip(Box<Leg>),
    Native(Box<NativeVoice>),
    /// The switch itself, which wants to hear how it goes.
    House(HouseLeg, Option<Told>),
}

pub struct NativeVoice {
    pub machine: DectLeg,
    pub handset: usize,
    pub call: CallNo,
    /// What was dialled, until the call stands.
    pub asked: Option<(String, portable::Connection)>,
    pub beginning: Option<dect_leg::Beginning>,
    /// What the handset was offered, until it does something.
    pub offered: Option<Box<Called>>,
    /// Its lines, by the calls that they belong to.
    pub lines: BTreeMap<LineNo, Place>,
    /// The call that holds a channel of a base station for the connection.
    pub held: Option<(CallRef, BaseStationId)>,
    /// Orders that came while its one line was given to another agent.
    pub moving: Option<Vec<LegOrder>>,
    /// The agent that has its one line, when the handset was in a call already.
    pub elsewhere: Option<(u64, LineNo)>,
    /// Where the handset speaks.
    pub at: Option<portable::Connection>,
    /// Where the base station receives.
    pub media: Option<SocketAddr>,
    /// What it does with it.
    pub stream: Option<Stream>,
}

/// A line's call, and the leg that it is there.
#[derive(Debug, Clone)]
pub struct Place {
    pub call: CallRef,
    pub leg: LegNo,
    /// The base station whose channel the call holds for this line.
    pub base: Option<BaseStationId>,
    /// Who passes on the orders of the call.
    pub proxy: Option<u64>,
}

/// The actor of a leg.
pub struct Agent {
    pub voice: Voice,
    pub serves: Option<(CallRef, LegNo)>,
    pub why: Option<Cause>,
    pub owner: OwnerId,
}

/// The actor of a call.
pub struct Exchange {
    pub machine: Call,
    pub dialled: Option<Uri>,
    pub facing: Facing,
    pub legs: BTreeMap<LegNo, LegAddr>,
    pub lent: BTreeMap<LegNo, (CallRef, LegAddr)>,
    pub giver: Option<(CallRef, LegNo)>,
    pub joined: Vec<(String, LegNo)>,
    pub ports: (u16, u16),
    pub flows: BTreeMap<Side, Agreed>,
    pub sounds: BTreeMap<Side, Sound>,
    /// Where its ends are mixed, and whether they are muted.
    pub seats: BTreeMap<Side, (MixerId, bool)>,
    /// Users of ours that it is for.
    pub called: Vec<Username>,
    pub over: bool,
    pub summary: CallSummary,
    /// Keys of the INVITEs that led here.
    pub invites: Vec<String>,
}

/// A room as the supervisor knows it.
pub struct RoomEntry {
    pub machine: Conference,
    /// Calls that have said something to it.
    pub calls: BTreeSet<CallRef>,
}

impl Exchange {
    /// Whether it rings, or is about to, at a user's handset.
    fn rings_for(&self, user: &Username) -> bool {
        let unanswered = matches!(self.summary.phase, Phase::SettingUp | Phase::Dialling | Phase::Ringing);
        let sent_on = self.summary.trail.iter().any(|passed| passed.from == user.as_str());
        unanswered && self.called.contains(user) && !sent_on
    }
}

/// What the process holds in memory.
pub struct Node {
    pub calls: BTreeMap<CallRef, Exchange>,
    pub agents: BTreeMap<u64, Agent>,
    pub rooms: BTreeMap<RoomName, RoomEntry>,
    /// Handovers, by handset.
    pub moving: BTreeMap<usize, Moving>,
    pub admission: Admission,
    pub invites: BTreeMap<String, CallRef>,
    pub passed: BTreeMap<OwnerId, CallRef>,
    pub mail: BTreeMap<Mailbox, VecDeque<Mail>>,
    pub later: Vec<(Moment, Mailbox, Mail)>,
    /// Calls of handsets, by handset.
    pub air: BTreeMap<(usize, CallNo), u64>,
    pub emergencies: BTreeSet<Username>,
    /// Legs that ask for the place of another.
    pub joining: BTreeSet<(CallRef, LegNo)>,
    pub next_agent: u64,
    pub next_port: u16,
}

pub const MEDIA: Limit = Limit::flat(6);

impl Node {
    pub fn new(next_agent: u64) -> Self {
        Self {
            calls: BTreeMap::new(),
            agents: BTreeMap::new(),
            rooms: BTreeMap::new(),
            moving: BTreeMap::new(),
            admission: Admission::new(MEDIA),
            invites: BTreeMap::new(),
            passed: BTreeMap::new(),
            mail: BTreeMap::new(),
            later: Vec::new(),
            air: BTreeMap::new(),
            emergencies: BTreeSet::new(),
            joining: BTreeSet::new(),
            next_agent,
            next_port: 30_000,
        }
    }

    pub fn post(&mut self, to: Mailbox, mail: Mail) {
        self.mail.entry(to).or_default().push_back(mail);
    }

    pub fn agent(&mut self, agent: Agent) -> u64 {
        self.next_agent += 1;
        self.agents.insert(self.next_agent, agent);
        self.next_agent
    }

    /// The agent of the SIP leg that goes by this name.
    pub fn sip(&self, agent: u64) -> Option<&Leg> {
        match &self.agents.get(&agent)?.voice {
            Voice::Sip(leg) => Some(leg),
            Voice::Native(_) | Voice::House(..) => None,
        }
    }

    pub fn native(&mut self, agent: u64) -> Option<&mut NativeVoice> {
        match &mut self.agents.get_mut(&agent)?.voice {
            Voice::Native(voice) => Some(voice),
            Voice::Sip(_) | Voice::House(..) => None,
        }
    }

    pub fn call_of(&self, owner: OwnerId) -> CallRef {
        self.passed.get(&owner).copied().unwrap_or(LegNo::of_owner(owner).0)
    }
}

/// What lies on disk.
#[derive(Default)]
pub struct Disk {
    pub calls: BTreeMap<CallRef, Call>,
    pub legs: BTreeMap<OwnerId, LegRecord>,
    pub rooms: BTreeMap<RoomName, Conference>,
    pub forwarding: BTreeMap<Username, Forwarding>,
    pub records: Vec<CallSummary>,
    pub last_reference: u64,
}

/// What the router may know.
pub struct Books<'a> {
    pub users: &'a BTreeSet<Username>,
    pub forwarding: &'a BTreeMap<Username, Forwarding>,
    pub emergencies: &'a BTreeSet<Username>,
    /// Users whose handset is out of range, and users who may call inside only.
    pub away: &'a BTreeSet<Username>,
    pub barred: &'a BTreeSet<Username>,
    pub rooms: &'a BTreeMap<RoomName, RoomEntry>,
    pub calls: &'a BTreeMap<CallRef, Exchange>,
}

impl Map for Books<'_> {
    fn is_private(&self, _: &str) -> bool {
        false
    }

    fn forwarded_by_north(&self, _: &Username) -> bool {
        false
    }

    fn user(&self, user: &Username) -> Option<bool> {
        self.users.contains(user).then_some(true)
    }
    fn user_of_number(&self, _: &str) -> Option<Username> {
        None
    }
    fn located(&self, user: &Username) -> bool {
        self.users.contains(user) && !self.away.contains(user)
    }
    fn has_north(&self) -> bool {
        true
    }
    fn line_up(&self, user: &Username) -> bool {
        self.users.contains(user)
    }
    fn any_line(&self) -> Option<Username> {
        self.users.first().cloned()
    }
    fn is_ours(&self, host: &Host) -> bool {
        *host == Host::Name("switch.test".into()) || matches!(host, Host::Ip(_))
    }
    fn allowed(&self, user: &Username) -> Option<AllowedCalls> {
        match self.barred.contains(user) {
            true => Some(AllowedCalls::INTERNAL),
            false => Some(NumberClass::TOLL.into_iter().collect()),
        }
    }
    fn forwarding(&self, user: &Username) -> Option<&Forwarding> {
        self.forwarding.get(user)
    }
    fn room(&self, dialled: &str) -> Option<(RoomName, bool)> {
        let room = self.rooms.get(&dialled.parse().ok()?)?.machine.room();
        Some((room.name.clone(), room.outside))
    }
    fn goes_on(&self, _: &str) -> bool {
        false
    }
    fn engaged(&self, user: &Username) -> (usize, usize) {
        let is_in = |of: &&Exchange| of.summary.occupies(user) || of.rings_for(user);
        (1, self.calls.values().filter(is_in).count())
    }
    fn awaits_emergency_callback(&self, user: &Username) -> bool {
        self.emergencies.contains(user)
    }
}

pub fn plan() -> DialPlan {
    DialPlan::default()
}

pub type Granted = Result<(Vec<Vec<crate::call::Target>>, crate::call::About), Cause>;

/// As the call is told it.
pub fn told(reply: Granted, admitted: impl FnOnce(Vec<Vec<crate::call::Target>>) -> Admitted) -> Input {
    match reply {
        Ok((attempts, about)) => Input::Admitted(Box::new(Admitted { about, ..admitted(attempts) })),
        Err(cause) => Input::Denied(cause),
    }
}
