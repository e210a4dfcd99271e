//! The switch as its actors join it: mailboxes, a disk, and the machines. Every mailbox is served in its own
//! order, and which one is next is left to chance, as it is with threads.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::call::admission::{Admission, Limit};
use crate::call::cause::Cause;
use crate::call::conference::RoomName;

use crate::call::dect_leg::{self, DectLeg};
use crate::call::dialling::{AllowedCalls, DialPlan, NumberClass};
use crate::call::forward::Forwarding;
use crate::call::route::Map;
use crate::call::{
    Admitted, Call, CallSummary, Divert, Errand, Estate, Input, LegNews, LegNo, LegOrder, Party, Side, Sound,
};
use crate::dect::portable::{self, CallNews, CallNo};
use crate::id::{BaseStationId, CallRef, OwnerId, Username};
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
    Bequeath { owner: OwnerId, replaces: Replaces, heir: CallRef },
    PassLegs { from: CallRef, to: CallRef, owners: Vec<OwnerId>, bases: Vec<BaseStationId> },
    Release(CallRef),
    ReleaseBase(CallRef, BaseStationId),
    Progressed(Box<CallSummary>),
    CallDied(CallRef),
    Asked { handset: usize, call: CallNo, digits: String },
    NativeCall { handset: usize, digits: String, offer: crate::call::Body, agent: u64 },
    // For a call.
    Input(Input),
    LegSaid(LegNo, LegNews),
    Hear(Message, Peer),
    SendFailed(Message),
    BequeathTo { owner: OwnerId, replaces: Replaces, heir: CallRef },
    NotOurs,
    Refused(Cause),
    Left(Box<Bequest>),
    Taken { kept: LegNo, taken: bool },
    Passed { owner: OwnerId, news: LegNews, from: CallRef },
    Returned { owner: OwnerId, news: LegNews },
    Join { invite: Message, peer: Peer, replaces: Replaces, party: Party },
    // For an agent.
    Start,
    Place(Box<Dial>),
    Obey(LegOrder),
    Do(invite::LegOrder),
    Serve(CallRef, LegNo),
    Joined(CallRef),
    TurnedAway(Cause),
    Heard(CallNews),
    Stream(dect_leg::Input),
    // For a handset on native base stations.
    Order(portable::Order),
    Offer { call: CallNo, offer: Box<portable::Offer>, agent: u64 },
    ServeCall(CallNo, u64),
    Air(portable::Input),
}

/// Legs that change hands.
pub struct Bequest {
    pub estate: Estate,
    pub agents: Vec<(OwnerId, u64)>,
    pub kept: LegNo,
    pub from: CallRef,
}

/// Who speaks for a leg.
pub enum Voice {
    Sip(Box<Leg>),
    Native(Box<NativeVoice>),
}

pub struct NativeVoice {
    pub machine: DectLeg,
    pub handset: usize,
    pub call: CallNo,
    /// What was dialled, until the call stands.
    pub asked: Option<String>,
    pub beginning: Option<dect_leg::Beginning>,
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
    pub legs: BTreeMap<LegNo, u64>,
    pub lent: BTreeMap<LegNo, (CallRef, u64)>,
    pub giver: Option<(CallRef, LegNo)>,
    pub joined: Vec<(String, LegNo)>,
    pub ports: (u16, u16),
    pub flows: BTreeMap<Side, Agreed>,
    pub sounds: BTreeMap<Side, Sound>,
    pub over: bool,
    pub summary: CallSummary,
    /// Keys of the INVITEs that led here.
    pub invites: Vec<String>,
}

/// What the process holds in memory.
pub struct Node {
    pub calls: BTreeMap<CallRef, Exchange>,
    pub agents: BTreeMap<u64, Agent>,
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
            Voice::Native(_) => None,
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
    fn room(&self, _: &str) -> Option<(RoomName, bool)> {
        None
    }
    fn goes_on(&self, _: &str) -> bool {
        false
    }
    /// Every telephone of the town counts its own lines.
    fn engaged(&self, _: &Username) -> (usize, usize) {
        (1, 0)
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
