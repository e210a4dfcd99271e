//! The air: native base stations, the handsets on them, and who may subscribe.
//!
//! ```text
//! listener ──Greeted, Arrived──► Air ──► NativeBase ──Knock──► Air ──Visit──► NativeHandset
//!                                 ▲                                              │ News
//! web ──OpenWindow, ListPortables─┘ ◄────────────────HandsetTold─────────────────┘
//!                                                        │ Asked
//! supervisor ◄──NativeLocated, NativeBaseStands── Air    └──► NativeLeg ──NativeCall──► supervisor
//! ```
//!
//! It holds the books: who is enrolled and under which radio number, who is subscribed, which window is
//! open. What they say to each other passes it only where nobody else knows the way: the first word of a
//! connection, a page, a handover.

pub mod base;
mod bases;
mod desk;
mod handover;
mod inspect;
pub mod leg;
mod plant;
pub mod portable;
mod texts;
mod visitors;
mod waiting;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use actix::prelude::*;
use kirkwall_core::call::LegNo;
use kirkwall_core::call::admission::Limit;
use kirkwall_core::call::dect_leg::Abilities;
use kirkwall_core::dect::base_link::code::{RefuseReason, ReleaseReason};
use kirkwall_core::dect::base_link::enrolment::{Duty, Enrolled, Enrolment, KeyPrint};
use kirkwall_core::dect::base_link::greeting::{Certified, refuse};
use kirkwall_core::dect::base_link::session::{self, LinkNo, Plan, Session, Standing};
use kirkwall_core::dect::base_link::value::{PagePdu, Pmid};
use kirkwall_core::dect::base_link::word::{ConnRelease, Hello, PageOrder};
use kirkwall_core::dect::base_link::{BaseId, ConnId};
use kirkwall_core::dect::element::RejectReason;
use kirkwall_core::dect::identity::{Ipei, Ipui};
use kirkwall_core::dect::lce::Page;
use kirkwall_core::dect::mm::Failure;
use kirkwall_core::dect::portable::{
    Connection, Directory, Greeting, News, Order, Portable, Rules, Verdict, Windows, greet,
};
use kirkwall_core::dect::site::Site;
use kirkwall_core::id::{BaseStationId, Tokens};
use kirkwall_core::pii::Pii;
use kirkwall_core::radio::sync::{Survey, Tree, plan};
use kirkwall_core::timer::Moment;
use kirkwall_data::native_base::{
    EnrolmentRecord, Enrolments, NativeBaseRecord, NativeBases, NativeSessions,
};
use kirkwall_data::portable::Portables;
use metrics::counter;
use tracing::{debug, error, info, warn};

use self::base::{
    About, Configure, Greet, Halt, LinkGone, NativeBase, OnLink, Rooms, Say, Serve, Tally, nwk,
};
use self::leg::{Asked, At, LegSeed, NativeLeg};
use self::portable::{Do, NativeHandset, Visit};
use crate::ports::{LinkPort, Ports};
use crate::roster::Roster;
use crate::supervisor::{IsWhole, NativeBaseStands, NativeLocated, Supervisor, WhoHas};

use bases::BaseEntry;
pub use bases::{BaseTold, Greeted, Redeem};
pub use desk::*;
pub use inspect::{GetNativeBase, ListNativeBases, NativeBaseView};
pub use plant::{
    BaseLoads, BaseTally, ClusterView, GetRadioLoss, GetSyncTree, RadioLossView, RadioPlaceView, SetDuty,
    StopBases, SyncTreeView,
};
pub use texts::ShowText;
pub use visitors::{AskPlan, Capture, FindHandset, HandsetTold, Knock, PageAll};
pub use waiting::MessagesWait;

/// Most handsets that are not subscribed and have a connection: whoever opens more waits his turn.
const MOST_NEWCOMERS: usize = 64;
/// Messages of the network layer kept for Wireshark.
const MOST_CAPTURED: usize = 10_000;

/// What the air is told at its start.
#[derive(Debug, Clone)]
pub struct AirSettings {
    /// The system as radios broadcast it.
    pub site: Site,
    /// What holds for all handsets.
    pub rules: Rules,
    /// How links are kept.
    pub link: session::Settings,
    /// What base stations bring to a call.
    pub abilities: Abilities,
    /// Voice channels of one base station.
    pub limit: Limit,
}

struct HandsetEntry {
    addr: Addr<NativeHandset>,
    /// Where it is; none when it is switched off or was never located.
    located: Option<BaseStationId>,
    /// It does not answer its page.
    unreachable: bool,
}

/// Keeps the books of the air. See the module.
pub struct Air {
    settings: AirSettings,
    ports: Ports,
    links: Arc<dyn LinkPort>,
    roster: Roster,
    tokens: Tokens,
    supervisor: Option<Addr<Supervisor>>,
    directory: Directory,
    windows: Windows,
    handsets: BTreeMap<Ipui, HandsetEntry>,
    bases: BTreeMap<BaseId, BaseEntry>,
    links_of: HashMap<LinkNo, BaseId>,
    visitors: HashMap<Pmid, (Ipui, Connection)>,
    /// Messages that wait, by the handset that was told of them or will be.
    waiting: BTreeMap<Ipui, u16>,
    handovers: HashMap<handover::Key, handover::Moving>,
    /// Radio numbers of base stations that enrol just now.
    given: HashSet<u8>,
    /// Handsets of which is being asked whether they may come over.
    coming: HashSet<Pmid>,
    /// Handsets whose connection was lost.
    lost: handover::Lost,
    /// Who hears whom, and the sync tree that follows.
    survey: Survey,
    tree: Tree,
    planned_at: Option<Moment>,
    plan_alarm: Option<SpawnHandle>,
    captured: VecDeque<(Moment, bool, Vec<u8>)>,
    records: NativeBases,
    alarm: Option<SpawnHandle>,
}

impl Air {
    /// With empty books; they are read when the supervisor is met.
    pub fn new(
        settings: AirSettings,
        ports: Ports,
        links: Arc<dyn LinkPort>,
        roster: Roster,
        tokens: Tokens,
    ) -> Self {
        let records = NativeBases::new(&ports.journal);
        Self {
            settings,
            links,
            roster,
            tokens,
            supervisor: None,
            directory: Directory::default(),
            windows: Windows::default(),
            handsets: BTreeMap::new(),
            bases: BTreeMap::new(),
            links_of: HashMap::new(),
            visitors: HashMap::new(),
            waiting: BTreeMap::new(),
            handovers: HashMap::new(),
            given: HashSet::new(),
            coming: HashSet::new(),
            lost: handover::Lost::default(),
            survey: Survey::default(),
            tree: Tree::default(),
            planned_at: None,
            plan_alarm: None,
            captured: VecDeque::new(),
            records,
            alarm: None,
            ports,
        }
    }

    fn now(&self) -> Moment {
        self.ports.clock.now()
    }

    /// Every enrolled base station and every subscribed handset has its actor at once.
    fn restore(&mut self, ctx: &mut Context<Self>) {
        for record in self.records.iter() {
            match record {
                Ok(record) => self.start_base(&record, ctx),
                Err(fault) => error!(%fault, "a native base station cannot be read"),
            }
        }
        for record in Portables::new(&self.ports.journal).iter() {
            match record {
                Ok(record) => {
                    self.directory.put(record.state.ipui.clone(), record.state.tpui);
                    let rules = self.settings.rules;
                    let machine = Portable::restored(record.state, rules, self.tokens.split());
                    self.start_handset(machine, ctx);
                }
                Err(fault) => error!(%fault, "a subscribed handset cannot be read"),
            }
        }
    }

    fn start_base(&mut self, record: &NativeBaseRecord, ctx: &mut Context<Self>) {
        let before = NativeSessions::new(&self.ports.journal).get(&record.enrolled.base);
        let before = before.ok().flatten().map(|record| record.session);
        let (settings, tokens) = (self.settings.link.clone(), self.tokens.split());
        let session = Session::new(&record.enrolled, settings, tokens, before, self.now());
        let (standing, id) = (session.standing(), session.base());
        let (air, links, ports) = (ctx.address(), self.links.clone(), self.ports.clone());
        let rooms = Rooms::new(self.settings.limit, self.settings.site.reserve.into(), self.now());
        let arbiter = self.roster.arbiter_of(&id);
        let addr = NativeBase::start_in_arbiter(&arbiter, move |_| {
            NativeBase::new(session, rooms, air, links, ports)
        });
        let (rpn, duty) = (record.rpn, record.enrolled.duty());
        self.bases.insert(id, BaseEntry { addr, rpn, standing, remote: None, duty, long: None });
        self.configure(id);
    }

    /// A plan for a base station: its radio, and from whom it takes its time.
    fn configure(&self, id: BaseId) {
        let Some(entry) = self.bases.get(&id) else { return };
        // Opened for subscriptions it is by a word of its own: a plan that changes sets the radio up anew.
        let radio = self.settings.site.radio(entry.rpn, false);
        let sync = self.tree.config(entry.rpn);
        entry.addr.do_send(Configure(Box::new(Plan { radio, sync })));
    }

    fn start_handset(&mut self, machine: Portable, ctx: &mut Context<Self>) -> Addr<NativeHandset> {
        let ipui = machine.ipui().clone();
        let (air, ports, tokens) = (ctx.address(), self.ports.clone(), self.tokens.split());
        let arbiter = self.roster.arbiter_of(&ipui);
        let addr = NativeHandset::start_in_arbiter(&arbiter, move |_| {
            NativeHandset::new(machine, air, ports, tokens)
        });
        let entry = HandsetEntry { addr: addr.clone(), located: None, unreachable: false };
        self.handsets.insert(ipui, entry);
        addr
    }

    /// The handset that a visitor is; one that is not subscribed gets its actor now.
    fn visited(&mut self, ipui: &Ipui, ctx: &mut Context<Self>) -> Option<Addr<NativeHandset>> {
        if let Some(entry) = self.handsets.get(ipui).filter(|entry| entry.addr.connected()) {
            return Some(entry.addr.clone());
        }
        let newcomers = self.handsets.keys().filter(|ipui| !self.directory.knows(ipui)).count();
        if newcomers >= MOST_NEWCOMERS {
            return None;
        }
        let record = Portables::new(&self.ports.journal)
            .get(&*kirkwall_data::portable::PortableRecord::name_of(ipui))
            .ok()
            .flatten();
        let (rules, tokens) = (self.settings.rules, self.tokens.split());
        let machine = match record {
            Some(record) => Portable::restored(record.state, rules, tokens),
            None => Portable::new(ipui.clone(), rules, tokens),
        };
        Some(self.start_handset(machine, ctx))
    }

    fn located(&mut self, ipui: &Ipui, base: Option<BaseStationId>) {
        if let Some(entry) = self.handsets.get_mut(ipui) {
            let was_away = entry.located.is_none() || entry.unreachable;
            entry.located = base.clone();
            entry.unreachable = false;
            if was_away && base.is_some() {
                self.tell_waiting(ipui);
            }
        }
        let remote = base.as_ref().and_then(|base| base.0.parse::<BaseId>().ok());
        let remote = remote.and_then(|id| self.bases.get(&id)?.remote);
        if let (Some(supervisor), Some(ipei)) = (&self.supervisor, ipui.ipei()) {
            supervisor.do_send(NativeLocated { ipei, ipui: ipui.clone(), base, remote });
        }
    }

    /// The window has opened or closed: radios say so, and the clock is set for its end.
    fn window_changed(&mut self, ctx: &mut Context<Self>) {
        let now = self.now();
        let until = self.windows.current(now).map(|window| window.until);
        for entry in self.bases.values() {
            entry.addr.do_send(Say(Site::subscriptions(until.is_some()).into()));
        }
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = until.map(|until| ctx.run_later(until.since(now), |me, ctx| me.window_changed(ctx)));
    }

    fn handset_says(&mut self, ipui: Ipui, news: News, ctx: &mut Context<Self>) {
        match news {
            News::SubscriptionAsked { dsaa2 } => self.judge(ipui, dsaa2, ctx),
            News::Subscribed => {
                info!(ipui = %Pii(&ipui), "a handset has subscribed");
                self.directory.put(ipui, None);
            }
            News::SubscriptionFailed(failure) => {
                warn!(ipui = %Pii(&ipui), ?failure, "a handset could not subscribe");
                counter!("ipdect_subscription_failures_total").increment(1);
                if let (Failure::WrongAnswer, Some(ipei)) = (failure, ipui.ipei()) {
                    self.windows.wrong_code(ipei);
                    if self.windows.current(self.now()).is_none() {
                        self.window_changed(ctx);
                    }
                }
                self.forget_stranger(&ipui);
            }
            News::Located(base) => self.located(&ipui, Some(base)),
            News::Detached => self.located(&ipui, None),
            News::Terminated => {
                self.located(&ipui, None);
                self.directory.remove(&ipui);
                self.handsets.remove(&ipui);
                self.waiting.remove(&ipui);
            }
            News::NotTerminated(failure) => {
                warn!(ipui = %Pii(&ipui), ?failure, "a handset did not give up its subscription");
            }
            News::Unreachable => {
                counter!("ipdect_pages_unanswered_total").increment(1);
                let entry = self.handsets.get_mut(&ipui);
                if let Some(base) = entry.and_then(|entry| {
                    entry.unreachable = true;
                    entry.located.clone()
                }) {
                    self.tally(&base, Tally::PageUnanswered);
                }
            }
            News::TextWritten { to, text } => self.written(&ipui, to, text, ctx),
            News::TextShown(..) | News::Call(..) => {}
        }
    }

    fn forget_stranger(&mut self, ipui: &Ipui) {
        if !self.directory.knows(ipui) {
            self.handsets.remove(ipui);
        }
    }

    /// Whether a handset may subscribe: its user is the supervisor's to know, the window ours.
    fn judge(&mut self, ipui: Ipui, dsaa2: bool, ctx: &mut Context<Self>) {
        let (Some(entry), Some(supervisor)) = (self.handsets.get(&ipui), &self.supervisor) else { return };
        let addr = entry.addr.clone();
        let Some(ipei) = ipui.ipei() else {
            return addr.do_send(Do(Order::RefuseSubscription(RejectReason::IPUI_NOT_ACCEPTED)));
        };
        let asked = supervisor.send(WhoHas(ipei)).into_actor(self);
        ctx.spawn(asked.map(move |user, me, _| {
            let tied = user.unwrap_or_default();
            let own = tied.as_ref().and_then(|(_, code)| *code);
            let now = me.now();
            let order = match me.windows.judge(ipei, (tied.is_some(), own), dsaa2, now) {
                Verdict::Allow(code) => Order::Subscribe(code),
                Verdict::Refuse(reason, why) => {
                    warn!(ipei = %Pii(ipei), %why, "a handset may not subscribe");
                    me.forget_stranger(&ipui);
                    Order::RefuseSubscription(reason)
                }
            };
            addr.do_send(Do(order));
        }));
    }
}

impl Actor for Air {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(16_384);
    }
}

/// The supervisor is there: from now on calls can be made.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Meet(pub Addr<Supervisor>);

impl Handler<Meet> for Air {
    type Result = ();

    fn handle(&mut self, Meet(supervisor): Meet, ctx: &mut Self::Context) {
        self.supervisor = Some(supervisor);
        self.restore(ctx);
    }
}
