//! Conferences of the pool in the north: who of ours is in them, by which call, and the ways to their mixers.
//!
//! ```text
//!  a call takes an invitation, or its user joins calls ──► Focus actor ──Joined──► the way to the mixer, for the call
//!  Roster ──► the call shows it; /rooms lists it          Over ──► its calls end
//!  the last call of a user there ends ──► its focus is left
//! ```
//!
//! What is said with factory and focus is decided in core ([`kirkwall_core::lync::conference`]).

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
/// Names the conversation that a call belongs to (the same in a call and in the conference that goes on with it).
const CONVERSATION: &str = "Ms-Conversation-ID";

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

    /// The code that joins all calls on hold, where the pool has a factory; none: it has not.
    pub(super) fn convene_by_code(
        &mut self,
        ask: &Admit,
        ctx: &mut Context<Self>,
    ) -> Option<ActorResponse<Self, AdmitReply>> {
        let user = ask.caller.user.clone()?;
        let factory = self.factory_for(&user, ask.call)?;
        let begin = Begin::Create(factory);
        let joined = self.attend((ask.call, &user), begin, AD_HOC.to_owned(), ctx).ok()?;
        let ask = ask.clone();
        Some(ActorResponse::r#async(joined.into_actor(self).map(move |joined, me, ctx| {
            let joined =
                joined.unwrap_or_else(|_| Err(Cause::of_status(500, "the conference's actor is gone")));
            let way = joined.and_then(|joined| {
                me.take_common(&ask, ask.srtp, false)?;
                me.way_to_mixer((ask.call, &user), ask.srtp, joined, AD_HOC.to_owned())
            });
            let way = match way {
                Ok(way) => {
                    me.fetch_others(ask.call, &user, None);
                    Ok(way)
                }
                Err(cause) => {
                    info!(%user, why = %cause.words, "no conference of the pool: the switch mixes itself");
                    counter!("ipdect_lync_conference_fallbacks_total").increment(1);
                    me.gather_by_code(&ask, ctx)
                }
            };
            me.judged(&ask, way)
        })))
    }

    /// A user's calls are joined in the call that is in its ear; false: not by the pool.
    pub(super) fn convene(&self, call: CallRef, user: &Username) -> bool {
        let Some(factory) = self.factory_for(user, call) else { return false };
        let entry = self.calls.get(&call);
        entry.map(|entry| entry.addr.do_send(Convene { user: user.clone(), to: factory })).is_some()
    }

    /// Who makes a conference of this user's calls: the pool, if it shall and can, and if there is a call to join.
    fn factory_for(&self, user: &Username, beside: CallRef) -> Option<String> {
        let through =
            self.settings.dialling.conference.through_lync && self.conferences.ways.contains_key(user);
        let own_room = self.rooms_have(beside) || self.others_of(user, beside).is_empty();
        self.conferences.factories.get(user).filter(|_| through && !own_room).cloned()
    }

    fn others_of(&self, user: &Username, beside: CallRef) -> Vec<(CallRef, Party)> {
        let theirs = |party: &Party| party.user.as_ref() == Some(user);
        let talks = self.calls.values().map(|entry| &entry.summary).filter(|summary| {
            let ours = theirs(&summary.caller) || theirs(&summary.callee);
            let free = summary.conference.is_none() && !self.rooms_have(summary.reference);
            summary.reference != beside && summary.phase == Phase::Talking && ours && free
        });
        talks.map(|summary| (summary.reference, far_of(summary, user))).collect()
    }

    /// The mixer calls everybody whom the user talks with.
    fn fetch_others(&mut self, call: CallRef, user: &Username, partner: Option<Party>) {
        let others = self.others_of(user, call);
        let uri = |party: &Party| party.uri.clone().unwrap_or_else(|| self.aor(&party.number));
        let callee = |party: &Party| Callee { uri: uri(party), name: party.display.clone() };
        let callees: Vec<_> = partner.iter().map(|party| (None, callee(party))).collect();
        let others = others.iter().map(|(call, party)| (Some(*call), callee(party)));
        let all: Vec<_> = callees.into_iter().chain(others).collect();
        let of_call = |attendance: &&mut Attendance| attendance.calls.contains(&call);
        let Some(attendance) = self.conferences.attendances.values_mut().find(of_call) else { return };
        for (call, callee) in all {
            if let Some(call) = call {
                attendance.fetched.insert(callee.uri.clone(), call);
            }
            attendance.addr.do_send(AskFocus(FocusInput::DialOut(callee)));
        }
    }

    /// The call asks for a room of ours when it hears that its way there has failed.
    fn fall_back(&mut self, call: CallRef, user: &Username, cause: &Cause) {
        info!(%call, %user, why = %cause.words, "no conference of the pool: the switch mixes itself");
        counter!("ipdect_lync_conference_fallbacks_total").increment(1);
        self.call_left_conference(call);
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
        let ask = Admit { call, caller: self.party(user, None), dialled, facing: Facing::South, srtp };
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

    /// What an INVITE of the north invites to, with its caller as handsets show it.
    ///
    /// # Errors
    /// It is an invitation that cannot be read, or to a conference without voice.
    pub(super) fn invited(
        &self,
        invite: &SipMessage,
        peer: &Peer,
        caller: Party,
    ) -> Result<(Party, Option<String>), ()> {
        let Some((kind, body)) = invite.typed_body().filter(|_| peer.facing == Facing::North) else {
            return Ok((caller, None));
        };
        if !kind.to_ascii_lowercase().starts_with(invitation::CONTENT_TYPE) {
            return Ok((caller, None));
        }
        let read = Invitation::parse(body).map_err(|fault| warn!(%fault, "an invitation cannot be read"))?;
        if !read.audio {
            return Err(());
        }
        let name = if caller.display.is_empty() { &caller.number } else { &caller.display };
        let display = format!("{AD_HOC} of {name}");
        Ok((Party { display, ..caller }, Some(read.focus)))
    }

    /// Whether a call invites a user to where another of the user's calls goes on, with the same conversation: that
    /// one is told to go there, and nothing rings.
    pub(super) fn escalates(&mut self, call: CallRef) -> bool {
        let Some(entry) = self.calls.get(&call) else { return false };
        let (Some(focus), Some(conversation)) = (entry.invitation.clone(), entry.conversation.clone()) else {
            return false;
        };
        let Some(user) = self.user_called(&entry.summary.callee.number) else { return false };
        let continued = self.in_conversation(&user, &conversation, call);
        let addr = continued.and_then(|call| self.calls.get(&call)).map(|entry| entry.addr.clone());
        addr.map(|addr| addr.do_send(Convene { user, to: focus })).is_some()
    }

    /// The call of a user in this conversation, beside one.
    fn in_conversation(&self, user: &Username, conversation: &str, beside: CallRef) -> Option<CallRef> {
        let theirs = |party: &Party| party.user.as_ref() == Some(user);
        let found = self.calls.values().find(|entry| {
            let summary = &entry.summary;
            let talks = summary.phase == Phase::Talking && summary.reference != beside;
            let same = entry.conversation.as_deref() == Some(conversation);
            talks && same && (theirs(&summary.caller) || theirs(&summary.callee))
        });
        found.map(|entry| entry.summary.reference)
    }

    /// The call that goes on with an INVITE of a mixer, and whose.
    pub(super) fn continued_by(&self, invite: &SipMessage, peer: &Peer) -> Option<(CallRef, Username)> {
        let from = invite.from().filter(|from| is_conference(&from.uri.raw))?;
        let conversation =
            conversation_in(invite).filter(|_| peer.facing == Facing::North && !from.uri.raw.is_empty())?;
        let user = self.user_called(&invite.request_uri()?.user_text())?;
        self.in_conversation(&user, &conversation, CallRef(0)).map(|call| (call, user))
    }

    /// The header that names a call's conversation to clients of Lync.
    pub(super) fn conversation_of(&mut self, call: CallRef) -> Option<(String, String)> {
        let fresh = format!("{}{}==", self.tokens.word(), self.tokens.word());
        let entry = self.calls.get_mut(&call).filter(|_| self.settings.speaks_lync())?;
        let conversation = entry.conversation.get_or_insert(fresh).clone();
        Some((CONVERSATION.to_owned(), conversation))
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

/// An invitation that a standing call follows.
pub(super) fn escalation() -> Granted {
    let about = About { escalates: true, ..About::default() };
    Granted { attempts: Vec::new(), credentials: None, about }
}

/// The conversation that an INVITE names.
pub(super) fn conversation_in(invite: &SipMessage) -> Option<String> {
    let name = HeaderName::from_text(Text::from_static(CONVERSATION));
    let named = invite.header(&name)?.as_str().trim();
    (!named.is_empty() && named.len() <= 128).then(|| named.to_owned())
}

/// Whom a user talks with.
fn far_of(summary: &kirkwall_core::call::CallSummary, user: &Username) -> Party {
    let own = summary.caller.user.as_ref() == Some(user);
    if own { summary.callee.clone() } else { summary.caller.clone() }
}

/// A focus actor has news.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct FocusSays(pub u64, pub FocusOutput);

impl Handler<FocusSays> for Supervisor {
    type Result = ();

    fn handle(&mut self, FocusSays(owner, said): FocusSays, _: &mut Self::Context) {
        let own = self.conferences.attendances.get(&owner).map(|one| self.aor(one.user.as_str()));
        let Some((attendance, own)) = self.conferences.attendances.get_mut(&owner).zip(own) else { return };
        let call = |call: &CallRef| self.calls.get(call).map(|entry| &entry.addr);
        match said {
            FocusOutput::Joined { focus, audio } => {
                info!(user = %attendance.user, "in a conference of the pool");
                counter!("ipdect_lync_conferences_total").increment(1);
                attendance.joined = Some((focus.clone(), audio.clone()));
                for waiting in attendance.waiting.drain(..) {
                    drop(waiting.send(Ok((focus.clone(), audio.clone()))));
                }
            }
            FocusOutput::Failed { status, words } => {
                info!(user = %attendance.user, %status, %words, "not in a conference of the pool");
                for waiting in attendance.waiting.drain(..) {
                    drop(waiting.send(Err(Cause::of_status(status, words.clone()))));
                }
            }
            FocusOutput::Called { uri, refused } => {
                let fetched = attendance.fetched.remove(&uri);
                match (fetched, refused) {
                    (Some(fetched), None) => {
                        let addr = call(&fetched);
                        addr.into_iter()
                            .for_each(|addr| addr.do_send(HangUp("joined to a conference".into())));
                    }
                    // Who is not fetched stays where it is: on hold.
                    (_, Some(why)) => {
                        info!(user = %attendance.user, %why, "somebody did not come into a conference")
                    }
                    (None, None) => {}
                }
            }
            FocusOutput::Roster(roster) => {
                attendance.roster = *roster;
                let words = attendance.words(&own);
                let calls = attendance.calls.iter().filter_map(call);
                calls.for_each(|addr| addr.do_send(ShowConference(words.clone())));
            }
            FocusOutput::Over { words } => {
                let calls = attendance.calls.iter().filter_map(call);
                calls.for_each(|addr| addr.do_send(HangUp(words.clone())));
            }
            FocusOutput::Send { .. } | FocusOutput::Doubted | FocusOutput::Closed => {}
        }
    }
}

/// A focus actor is gone: its conference is left, or it died, and then there is no roster any more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct FocusDied(pub u64);

impl Handler<FocusDied> for Supervisor {
    type Result = ();

    fn handle(&mut self, FocusDied(owner): FocusDied, _: &mut Self::Context) {
        self.conferences.attendances.remove(&owner);
        gauge!("ipdect_lync_conferences").set(self.conferences.attendances.len() as f64);
    }
}
