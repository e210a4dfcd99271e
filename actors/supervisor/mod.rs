//! The supervisor: knows who is where, routes what arrives, gives out voice channels.
//!
//! ```text
//!                    ┌── Register ──► Handset ── Located ──┐
//! transports ─Arrived─► Supervisor ── new INVITE ──► Call ── Dialog(s), MediaChannel
//!                    │      ▲  ▲            │
//!                    │      │  └── Admit, Release
//!                    └── answers ──► Registration ── LineChanged ──► Supervisor
//! ```
//!
//! It holds no call's state, only the books: accounts, locations, lines, channels, and a summary of each
//! call. Every decision is made in core ([`kirkwall_core::call::route`], [`kirkwall_core::call::admission`],
//! [`kirkwall_core::sip::door`]); this actor asks and passes on.
//!
//! A call's actor that dies takes nothing with it: a guard tells the supervisor, which frees its channels.

mod admit;
mod books;
mod catalogue;
mod course;
mod delegates;
mod emergency;
mod extra_lines;
mod features;
mod halves;
mod house;
mod inbound;
mod inspect;
mod lessons;
mod lines;
mod links;
mod location;
mod logs;
mod mailboxes;
mod native;
mod partners;
mod people;
mod pick_up;
mod pool_conferences;
mod presence;
mod prove;
mod provisioning;
mod radios;
mod relay;
mod rooms;
mod rooms_desk;
mod rosters;
mod run_time;
mod shared;
mod south;
mod text;
mod transfer;
mod voice;
mod watch;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use actix::prelude::*;
use kirkwall_core::call::admission::links::Links;
use kirkwall_core::call::admission::{Admission, Limit};
use kirkwall_core::call::forward::{Diversion, Forwarding};
use kirkwall_core::call::ladder::Ladder;
use kirkwall_core::call::represented::Represented;
use kirkwall_core::call::sign_in::SignIns;
use kirkwall_core::call::{CallSummary, Phase};
use kirkwall_core::dect::identity::Ipei;
use kirkwall_core::id::{BaseStationId, CallRef, Tokens, Username};
use kirkwall_core::sip::Destination;
use kirkwall_core::sip::digest::{DigestServer, GuessLimiter, Offer};
use kirkwall_core::sip::door::DoorRules;
use kirkwall_core::sip::pace::Pace;
use kirkwall_core::sip::proxy_watch::ProxyWatch;
use kirkwall_core::timer::Moment;
use kirkwall_data::user::UserRecord;
use kirkwall_integration::sip::Resolver;

use crate::base_station::BaseStation;
use crate::call::Call;
use crate::handset::{Handset, Located};
use crate::phone_book::CallerNames;
use crate::ports::Ports;
use crate::registration::{LineState, Registration, SharedPace};
use crate::roster::{Deaths, Roster};
use crate::settings::Settings;
use crate::users::Users;

pub use admit::{Admit, AdmitReply, DivertCall, Granted, KeepInside};
pub use catalogue::OpenCatalogue;
pub use course::{CallDied, CallEnded, CallProgressed, LastWords, Release, ReleaseBase};
pub use house::{HushAlarm, InviteToRoom, RingAlarm};
pub use inbound::{Arrived, Hear, KeyInVoice, invite_key};
pub use inspect::Drain;
pub use lessons::HandsetRefused;
pub use lines::{LineChanged, OWNER_OF_LINE};
pub use location::BasePlaced;
pub use mailboxes::{MailboxChanged, MailboxDied, MailboxTrouble};
pub use native::{
    IsWhole, KeepBase, MoveBase, NativeBaseStands, NativeCall, NativeLocated, WaitingFor, WhoHas,
};
pub use people::{
    AccountChanged, AccountRemoved, BaseSeen, HandsetDied, HandsetLocated, InspectUsers, UserState,
};
pub use pool_conferences::{FocusDied, FocusSays};
pub use presence::{DoNotDisturbSet, PresenceDied, PresenceSays, SignedIn, SignedInHow};
pub use provisioning::{MeetProvisioning, SheetUsers};
pub use radios::{ResizeBase, TakeBase};
pub use relay::ServingRelay;
pub use rooms::{CedeCall, GatherCalls, GatherInside, RoomChanged, RoomDied, RoomHears, SummonCall};
pub use rosters::{AskRoster, NotificationDied};
pub use shared::MeetUsers;
pub use text::{AllUsers, AnswerText, FindText, MeetPost, NameOf, NativeText};
pub use transfer::{PassLegs, RouteTransfer};
pub use voice::{CallsLost, LineDoubted, Unsaid, Utter, Vouched};
pub use watch::Redirect;

/// Ended calls remembered with their ladders.
const REMEMBERED: usize = 1_000;
/// Most calls at once, whatever the channels say.
const MAX_CALLS: usize = 20_000;

/// Knows who is where. See the module.
pub struct Supervisor {
    settings: Settings,
    ports: Ports,
    roster: Roster,
    tokens: Tokens,
    resolver: Resolver,
    names: CallerNames,
    door: DoorRules,
    digest: DigestServer,
    guesses: GuessLimiter,
    accounts: HashMap<Username, UserRecord>,
    /// Users by their secondary usernames.
    numbers: HashMap<String, Username>,
    /// What users have set; those who set nothing are not in it.
    forwarding: HashMap<Username, Forwarding>,
    /// What their lines have besides.
    line_book: extra_lines::LineBook,
    /// When a user last called an emergency number.
    emergencies: HashMap<Username, Moment>,
    /// Who keeps the users, and who signed in with wrong codes.
    users: Option<Addr<Users>>,
    sign_ins: SignIns,
    handsets: HashMap<Username, Addr<Handset>>,
    locations: HashMap<Username, Vec<Located>>,
    /// Handsets on native base stations.
    airborne: HashMap<Ipei, Located>,
    /// Users by the handset they are linked to; the account decides.
    owners: HashMap<Ipei, Username>,
    bases: BTreeMap<BaseStationId, (Addr<BaseStation>, Limit)>,
    base_places: location::Places,
    lines: HashMap<Username, LineEntry>,
    line_owners: HashMap<u64, Username>,
    /// How many of them are up.
    lines_up: usize,
    waiting_lines: VecDeque<Username>,
    proxies: Vec<Destination>,
    pace: SharedPace,
    /// Of Lync's front ends.
    watcher: Option<ProxyWatch>,
    watch_alarm: Option<SpawnHandle>,
    /// What waits for a line to be started.
    unsaid: Vec<Utter>,
    presences: presence::Presences,
    byes: halves::Byes,
    /// Who carries texts.
    post: Option<Addr<crate::post::Post>>,
    /// Who sets new base stations up.
    provisioning: Option<Addr<crate::provisioning::Provisioning>>,
    mailboxes: mailboxes::Mailboxes,
    calls: BTreeMap<CallRef, CallEntry>,
    passed: transfer::Passed,
    rooms: rooms::RoomBook,
    /// Of the pool in the north.
    conferences: pool_conferences::PoolConferences,
    rosters: rosters::Rosters,
    /// Initial INVITEs by top branch and sent-by, so that retransmissions, CANCEL and ACK find them.
    invites: HashMap<String, CallRef>,
    ended: VecDeque<Remembered>,
    admission: Admission,
    radios: radios::Radios,
    attempts: u64,
    /// Calls that are not over; an actor outlives its call by a few transactions.
    active: usize,
    calls_max: usize,
    deaths: Deaths,
    draining: bool,
    /// Since base stations and handsets were counted.
    plant_changed: bool,
    last_reference: u64,
    next_line: u64,
    started: Moment,
}

struct LineEntry {
    addr: Addr<Registration>,
    owner: u64,
    state: LineState,
}

struct CallEntry {
    addr: Addr<Call>,
    summary: CallSummary,
    invite_key: String,
    /// Those of INVITEs that asked for the place of one of its legs.
    joined: Vec<String>,
    /// The forwards that it came through before it came to us.
    trail: Vec<Diversion>,
    /// Whether it rings whatever the user has set: an emergency desk calls back, it came by a private line, the
    /// user himself wants the call, or it is an alarm.
    callback: bool,
    /// For whom it comes, when it is not for the called user alone.
    represents: Option<Represented>,
    /// In whose name it is made, as an address of record.
    on_behalf: Option<String>,
    /// The users that it was for, by whoever's forward.
    called: Vec<Username>,
    /// Who takes it by a code, until it talks.
    picked: Option<Username>,
    /// The native handset that began it.
    handset: Option<Ipei>,
    /// Names the conversation to clients of Lync, which may go on in another call.
    conversation: Option<String>,
    /// The focus of the conference that it invites to.
    invitation: Option<String>,
    /// The base stations whose channels it held at its end: a handset that came over is not where it began.
    last_at: Vec<BaseStationId>,
}

impl CallEntry {
    fn new(
        addr: Addr<Call>,
        summary: CallSummary,
        invite_key: String,
        (trail, callback): (Vec<Diversion>, bool),
    ) -> Self {
        Self {
            addr,
            summary,
            invite_key,
            joined: Vec::new(),
            trail,
            callback,
            represents: None,
            on_behalf: None,
            last_at: Vec::new(),
            called: Vec::new(),
            picked: None,
            handset: None,
            conversation: None,
            invitation: None,
        }
    }

    /// Whether it rings, or is about to, at a user's handset.
    fn rings_for(&self, user: &Username) -> bool {
        let unanswered = matches!(self.summary.phase, Phase::SettingUp | Phase::Dialling | Phase::Ringing);
        let sent_on = self.summary.trail.iter().any(|passed| passed.from == user.as_str());
        unanswered && self.called.contains(user) && !sent_on
    }

    fn brought(&self) -> (Vec<Diversion>, bool) {
        (self.trail.clone(), self.callback)
    }
}

struct Remembered {
    summary: CallSummary,
    ladder: Ladder,
    media: Vec<crate::desk::MediaView>,
}

impl Supervisor {
    /// With empty books; users, handsets and calls follow from the store.
    pub fn new(
        settings: Settings,
        ports: Ports,
        roster: Roster,
        resolver: Resolver,
        mut tokens: Tokens,
    ) -> Self {
        let digest = DigestServer::new(&settings.realm, Offer::default(), tokens.split())
            .expect("the configuration's realm was checked when it was read");
        let links = Links::new(settings.admission.links.clone());
        let admission = Admission::new(settings.capacity.media).with_links(links);
        let rate = settings.north.as_ref().map_or(1, |north| north.registrations_per_second);
        let pace = Arc::new(Mutex::new(Pace::per_second(rate)));
        let (door, started) = (DoorRules::new(tokens.bytes()), ports.clock.epoch());
        Self {
            settings,
            roster,
            tokens,
            resolver,
            names: CallerNames::default(),
            door,
            digest,
            guesses: GuessLimiter::default(),
            accounts: HashMap::new(),
            numbers: HashMap::new(),
            forwarding: HashMap::new(),
            line_book: extra_lines::LineBook::default(),
            emergencies: HashMap::new(),
            users: None,
            sign_ins: SignIns::default(),
            handsets: HashMap::new(),
            locations: HashMap::new(),
            airborne: HashMap::new(),
            owners: HashMap::new(),
            bases: BTreeMap::new(),
            base_places: location::Places::new(),
            lines: HashMap::new(),
            line_owners: HashMap::new(),
            lines_up: 0,
            waiting_lines: VecDeque::new(),
            proxies: Vec::new(),
            pace,
            watcher: None,
            watch_alarm: None,
            unsaid: Vec::new(),
            presences: presence::Presences::default(),
            byes: halves::Byes::default(),
            post: None,
            provisioning: None,
            mailboxes: mailboxes::Mailboxes::default(),
            calls: BTreeMap::new(),
            passed: transfer::Passed::new(),
            rooms: rooms::RoomBook::new(),
            conferences: pool_conferences::PoolConferences::default(),
            rosters: rosters::Rosters::default(),
            invites: HashMap::new(),
            ended: VecDeque::new(),
            admission,
            attempts: 0,
            active: 0,
            calls_max: 0,
            deaths: Deaths::default(),
            draining: false,
            radios: radios::Radios::default(),
            plant_changed: true,
            last_reference: 0,
            next_line: 0,
            started,
            ports,
        }
    }

    /// With a phone book, in which callers who bring no name are looked up.
    pub fn with_caller_names(self, names: CallerNames) -> Self {
        Self { names, ..self }
    }

    /// A fresh call reference: the moment in microseconds, so that references sort by age, made unique.
    fn reference(&mut self) -> CallRef {
        self.last_reference = self.ports.clock.now().as_micros().max(self.last_reference + 1);
        CallRef(self.last_reference)
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Arrivals come by `try_send`: beyond this many waiting ones, messages are dropped and counted,
        // which UDP repeats and TCP pushes back on.
        ctx.set_mailbox_capacity(16_384);
        self.restore_features();
        self.restore_handsets(ctx);
        self.restore_bases(ctx);
        self.restore_rooms(ctx);
        self.restore_rosters(ctx);
        self.restore_calls(ctx);
        self.show_plant(ctx);
        self.restore_mailboxes(ctx);
        self.watch_proxies(ctx);
    }
}

impl Supervised for Supervisor {}
