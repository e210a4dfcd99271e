//! Conferences of the pool in the north: who of ours is in them, by which call, and the ways to their mixers.
//!
//! ```text
//!  a call takes an invitation, or its user joins calls ──► Focus actor ──Joined──► the way to the mixer, for the call
//!  Roster ──► the call shows it; /rooms lists it          Over ──► its calls end
//!  the last call of a user there ends ──► its focus is left
//! ```
//!
//! What is said with factory and focus is decided in core ([`kirkwall_core::lync::conference`]).

mod conversation;
mod gather;
mod news;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use actix::prelude::*;
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::conference::{MemberView, Room, RoomKind, RoomName, RoomView};
use kirkwall_core::call::{About, Errand, Party, Phase};
use kirkwall_core::id::{CallRef, OwnerId, Tokens, Username};
use kirkwall_core::lync::conference::c3p::{is_conference, same_uri};
use kirkwall_core::lync::conference::invitation::{self, Invitation};
use kirkwall_core::lync::conference::roster::{Attendee, Roster, Status};
use kirkwall_core::lync::conference::{Begin, Callee, Focus as Machine, FocusInput, FocusOutput};
use kirkwall_core::lync::endpoint::Instance;
use kirkwall_core::lync::endpoint_services::ServicesAccount;
use kirkwall_core::media::negotiate::SrtpMode;
use kirkwall_core::sip::wire::{HeaderName, Message as SipMessage, Text, Uri};
use kirkwall_core::sip::{Destination, Facing, Peer};
use kirkwall_core::timer::Moment;
use metrics::{counter, gauge};
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::{Admit, AdmitReply, Granted, OWNER_OF_LINE, Supervisor};
use crate::call::{Convene, HangUp, ShowConference};
use crate::focus::{AskFocus, Focus, FocusSeed};

/// Set beside [`OWNER_OF_LINE`] in the numbers of focus actors.
const OF_FOCUS: u64 = 1 << 59;
/// Most users of ours in conferences of the pool at once.
const MOST: usize = 2_000;
/// What the conference that a user makes of its calls is called.
const AD_HOC: &str = "Conference";

pub(super) use conversation::{conversation_in, escalation};
pub use news::{FocusDied, FocusSays};

/// The focus, and where its mixer is called; or why the user is not in.
type Joined = Result<(String, String), Cause>;

/// How a user is signed in.
pub(super) struct Way {
    pub instance: Instance,
    pub sent_by: String,
    pub proxy: Destination,
}

/// One of our users in one conference.
struct Attendance {
    addr: Addr<Focus>,
    user: Username,
    /// In lists.
    name: RoomName,
    /// On displays.
    title: String,
    since: Moment,
    joined: Option<(String, String)>,
    calls: BTreeSet<CallRef>,
    waiting: Vec<oneshot::Sender<Joined>>,
    roster: Roster,
    /// Calls whose far ends the mixer calls: each ends when its far end is in the conference.
    fetched: BTreeMap<String, CallRef>,
}

/// All of them.
#[derive(Default)]
pub(super) struct PoolConferences {
    attendances: BTreeMap<u64, Attendance>,
    last: u64,
    ways: HashMap<Username, Way>,
    factories: HashMap<Username, String>,
}

impl PoolConferences {
    /// Whose a number in a branch or tag is.
    pub fn of_owner(&self, OwnerId(owner): OwnerId) -> Option<&Addr<Focus>> {
        self.attendances.get(&owner).map(|attendance| &attendance.addr)
    }

    /// A user's way to the front end; none: it is signed out.
    pub fn signed_in(&mut self, user: &Username, way: Option<Way>) {
        match way {
            Some(way) => drop(self.ways.insert(user.clone(), way)),
            None => drop(self.ways.remove(user)),
        }
    }

    /// Who makes conferences for a user.
    pub fn factory(&mut self, user: &Username, factory: Option<String>) {
        match factory {
            Some(factory) => drop(self.factories.insert(user.clone(), factory)),
            None => drop(self.factories.remove(user)),
        }
    }

    /// As lists show them.
    pub fn views(&self) -> impl Iterator<Item = RoomView> {
        self.attendances.values().filter(|attendance| attendance.joined.is_some()).map(Attendance::view)
    }

    /// One of them.
    pub fn view(&self, name: &RoomName) -> Option<RoomView> {
        self.named(name).map(Attendance::view)
    }

    fn named(&self, name: &RoomName) -> Option<&Attendance> {
        self.attendances.values().find(|attendance| attendance.name == *name)
    }

    /// Gives an order about one who is there; none: there is no such conference, or nobody of that name.
    pub fn order(
        &self,
        name: &RoomName,
        member: OwnerId,
        order: impl FnOnce(String) -> FocusInput,
    ) -> Option<RoomView> {
        let attendance = self.named(name)?;
        let one = attendance.roster.attendees().into_iter().find(|one| id_of(one) == member)?;
        attendance.addr.do_send(AskFocus(order(one.uri)));
        Some(attendance.view())
    }
}

impl Attendance {
    fn view(&self) -> RoomView {
        let room = Room {
            name: self.name.clone(),
            title: self.title.clone(),
            kind: RoomKind::Pool,
            pin: None,
            tones: false,
            most: u8::MAX,
            outside: true,
        };
        let call = self.calls.first().copied().unwrap_or(CallRef(0));
        let member = |one: Attendee| MemberView {
            id: id_of(&one),
            call,
            number: Uri::parse(&Text::from(one.uri.as_str())).map_or(one.uri.clone(), |uri| uri.user_text()),
            display: one.name.clone(),
            since: self.since,
            waits: one.audio != Status::Connected,
            muted: one.muted,
        };
        RoomView { room, members: self.roster.attendees().into_iter().map(member).collect() }
    }

    /// `Conference of Bob (3)`; that one is not heard comes first, where every display shows it.
    fn words(&self, own: &str) -> String {
        let muted = self.roster.attendee(own).is_some_and(|one| one.muted);
        let before = if muted { "Muted: " } else { "" };
        format!("{before}{} ({})", self.title, self.roster.talking())
    }
}

/// Names somebody for `/rooms`: the same for the same URI.
fn id_of(one: &Attendee) -> OwnerId {
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    OwnerId(one.uri.bytes().fold(0xcbf2_9ce4_8422_2325, fnv) & 0xffff_ffff)
}

impl Supervisor {
    /// Lets a user come into a conference for one of its calls.
    fn attend(
        &mut self,
        (call, user): (CallRef, &Username),
        begin: Begin,
        title: String,
        ctx: &mut Context<Self>,
    ) -> Result<oneshot::Receiver<Joined>, Cause> {
        let (sender, receiver) = oneshot::channel();
        let same = |attendance: &&mut Attendance| {
            let focus = attendance.joined.as_ref().map(|(focus, _)| focus);
            let meant =
                matches!(&begin, Begin::Join(wanted) if focus.is_some_and(|focus| same_uri(focus, wanted)));
            attendance.user == *user && meant
        };
        if let Some(known) = self.conferences.attendances.values_mut().find(same) {
            known.calls.insert(call);
            let joined = known.joined.clone().ok_or_else(|| Cause::of_status(480, "not in the conference"));
            drop(sender.send(joined));
            return Ok(receiver);
        }
        if self.conferences.attendances.len() >= MOST {
            return Err(Cause::no_channel(503, format!("there are {MOST} users in conferences already")));
        }
        let signed_out = || Cause::of_status(480, "the user is not signed in to the pool");
        let way = self.conferences.ways.get(user).ok_or_else(signed_out)?;
        self.conferences.last += 1;
        let owner = OWNER_OF_LINE | OF_FOCUS | self.conferences.last;
        let account = ServicesAccount {
            owner: OwnerId(owner),
            aor: self.aor(user.as_str()),
            instance: way.instance,
            sent_by: way.sent_by.clone(),
            user_agent: self.settings.user_agent.clone(),
            times: Default::default(),
            publishes: false,
        };
        let name = self.accounts.get(user).map_or(String::new(), |record| record.display_name.clone());
        let proxy = way.proxy.clone();
        let tokens: Tokens = self.tokens.split();
        let machine = Machine::new(account, name, proxy, begin, tokens);
        let (ports, supervisor) = (self.ports.clone(), ctx.address());
        let seed = FocusSeed { user: user.clone(), owner, machine, ports, supervisor };
        let addr = Focus::start_in_arbiter(&self.roster.arbiter_of(user), move |_| Focus::new(seed));
        let name = format!("pool-{}", self.conferences.last);
        let attendance = Attendance {
            addr,
            user: user.clone(),
            name: name.parse().map_err(|_| Cause::of_status(500, "a conference could not be named"))?,
            title,
            since: self.ports.clock.now(),
            joined: None,
            calls: BTreeSet::from([call]),
            waiting: vec![sender],
            roster: Roster::default(),
            fetched: BTreeMap::new(),
        };
        self.conferences.attendances.insert(owner, attendance);
        gauge!("ipdect_lync_conferences").set(self.conferences.attendances.len() as f64);
        Ok(receiver)
    }

    /// The user by whose line a conference of the pool is called, when the target of an errand is one.
    pub(super) fn meets(&self, errand: &Errand) -> Option<Username> {
        let user = errand.by.user.clone().filter(|_| is_conference(&errand.to))?;
        self.conferences.ways.contains_key(&user).then_some(user)
    }

    /// A call goes to a conference: by its focus, or to one that this factory makes of all calls of the user.
    pub(super) fn way_to_conference(
        &mut self,
        call: CallRef,
        errand: Errand,
        user: Username,
        ctx: &mut Context<Self>,
    ) -> ActorResponse<Self, AdmitReply> {
        let makes = self.conferences.factories.get(&user) == Some(&errand.to);
        let summary = self.calls.get(&call).map(|entry| &entry.summary);
        let invited = summary.map(|summary| summary.caller.display.clone()).filter(|_| !makes);
        let title = invited.filter(|title| title.starts_with(AD_HOC)).unwrap_or_else(|| AD_HOC.to_owned());
        let partner = summary.filter(|_| makes).map(|summary| far_of(summary, &user));
        let begin = if makes { Begin::Create(errand.to.clone()) } else { Begin::Join(errand.to.clone()) };
        let joined = match self.attend((call, &user), begin, title.clone(), ctx) {
            Ok(joined) => joined,
            Err(cause) => return ActorResponse::reply(Err(cause)),
        };
        ActorResponse::r#async(joined.into_actor(self).map(move |joined, me, _| {
            let joined =
                joined.unwrap_or_else(|_| Err(Cause::of_status(500, "the conference's actor is gone")));
            let way = joined.and_then(|joined| me.way_to_mixer((call, &user), errand.srtp, joined, title));
            match (&way, makes) {
                (Ok(_), true) => me.fetch_others(call, &user, partner),
                (Err(cause), true) => me.fall_back(call, &user, cause),
                _ => {}
            }
            way
        }))
    }

    /// Whom to dial to talk in a conference that the user has joined.
    fn way_to_mixer(
        &mut self,
        (call, user): (CallRef, &Username),
        srtp: bool,
        (focus, audio): (String, String),
        title: String,
    ) -> AdmitReply {
        let odd = || Cause::of_status(484, "the conference's mixer has no usable address");
        let dialled = Uri::parse(&Text::from(audio.as_str())).ok_or_else(odd)?;
        let number = dialled.user_text();
        let caller = self.party(user, None);
        let ask = Admit { call, caller, dialled, facing: Facing::South, srtp, at: None };
        let srtp = srtp || self.settings.media.srtp_north.mode != SrtpMode::Off;
        self.take_common(&ask, srtp, false)?;
        let about = About { conference: Some(focus), ..About::default() };
        let mut attempts = self.north_targets(&ask, user, (audio.clone(), number.clone()), &about);
        for target in attempts.iter_mut().flatten() {
            target.party = Party {
                number: number.clone(),
                display: title.clone(),
                uri: Some(audio.clone()),
                ..Party::default()
            };
        }
        Ok(Granted { attempts, credentials: self.credentials(user), about })
    }

    /// Nobody is in a conference by a call that is over.
    pub(super) fn call_left_conference(&mut self, call: CallRef) {
        for attendance in self.conferences.attendances.values_mut() {
            if attendance.calls.remove(&call) && attendance.calls.is_empty() {
                attendance.addr.do_send(AskFocus(FocusInput::Leave));
            }
        }
    }

    /// After a restart: calls that talk with a mixer have their users join the focus anew.
    pub(super) fn rejoin_conferences(&mut self, user: &Username, ctx: &mut Context<Self>) {
        let theirs = |party: &Party| party.user.as_ref() == Some(user);
        let talks = self.calls.values().map(|entry| &entry.summary).filter(|summary| {
            summary.phase == Phase::Talking && (theirs(&summary.caller) || theirs(&summary.callee))
        });
        let left: Vec<_> = talks
            .filter_map(|summary| {
                let shown = far_of(summary, user).display;
                let title =
                    shown.trim_start_matches("Muted: ").split(" (").next().unwrap_or(AD_HOC).to_owned();
                Some((summary.reference, summary.conference.clone()?, title))
            })
            .filter(|(call, ..)| !self.conferences.attendances.values().any(|one| one.calls.contains(call)))
            .collect();
        for (call, focus, title) in left {
            if let Err(cause) = self.attend((call, user), Begin::Join(focus), title, ctx) {
                warn!(%call, why = %cause.words, "the conference of a call could not be joined anew");
            }
        }
    }
}

/// Whom a user talks with.
fn far_of(summary: &kirkwall_core::call::CallSummary, user: &Username) -> Party {
    let own = summary.caller.user.as_ref() == Some(user);
    if own { summary.callee.clone() } else { summary.caller.clone() }
}
