//! The call actor: one call, its legs, its media channel and its ladder.
//!
//! ```text
//! supervisor ──Hear──► Dialog ──LegSaid──► step ──► Call::handle ──► save ──► then: Dialog, MediaChannel,
//!                                                                              supervisor
//! ```
//!
//! A call, its dialogs and its media channel live on one arbiter, so their messages cost a function call
//! or so. Everything the call says or hears passes here once, for the ladder.
//!
//! When the actor is gone, in whatever way, its [`Guard`] tells the supervisor, which takes its channels back.

mod admission;
mod beginning;
mod dial;
mod ending;
mod house;
mod messages;
mod native;
mod policy;
mod room;
mod transfer;
mod way;

use std::collections::BTreeMap;
use std::net::IpAddr;

use actix::prelude::*;
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::dect_leg::LineNo;
use kirkwall_core::call::ladder::{Entry, Ladder};
use kirkwall_core::call::{
    self as core, About, Admitted, CallSummary, Divert, Input, LegNews, LegNo, NewCall, Origin, Output, Save,
    Target,
};
use kirkwall_core::id::{ChannelId, OwnerId, Tokens};
use kirkwall_core::machine::{Machine, Ready};
use kirkwall_core::media::ice::candidate::Candidate;
use kirkwall_core::media::negotiate::{IceMode, SrtpPolicy};
use kirkwall_core::sip::digest::{Credentials, DigestClient};
use kirkwall_core::sip::door::Onward;
use kirkwall_core::sip::invite::{Body, Dial, LegRecord};
use kirkwall_core::sip::refer::Referral;
use kirkwall_core::sip::wire::{HeaderName, Message as SipMessage, Text, Uri, quoted};
use kirkwall_core::sip::{Destination, Facing, Peer};
use kirkwall_data::call::{CallRecord, Calls};
use kirkwall_data::cdr::Cdrs;
use kirkwall_integration::media::{Chair, EngineFault, Ports as MediaPorts};
use tracing::{Span, debug, error, info, info_span};

use crate::desk::MediaView;
use crate::dialog::{Dialog, DialogSeed, Moved, Place, local_end, local_end_to};
use crate::media_channel::{
    Close, Count, Gather, IceSeed, MediaChannel, Open, PairsChosen, Play, PressKey, Reopen, Run, Sit,
};
use crate::ports::Ports;
use crate::recovery::{MediaRecord, Survivor};
use crate::roster::Guard;
use crate::settings::Settings;
use crate::supervisor::{
    Admit, AdmitReply, CallDied, CallEnded, CallProgressed, CedeCall, DivertCall, GatherCalls, GatherInside,
    Granted, HandsetRefused, Hear, InviteToRoom, KeepInside, LastWords, Release, ReleaseBase, RoomHears,
    SummonCall, Supervisor, invite_key,
};

use ending::cdr;
use native::LegAddr;

pub use house::{HouseSeed, HouseTold};
pub use messages::{HangUp, LegSaid, Preempt, Said, SendFailed, ShowLadder, ShowMedia};
pub use native::NativeSeed;
pub use room::{Cede, Convene, InRoom, KeyHeard, RoomBegan, ShowConference, Summon, Summoned};
pub use transfer::{Bequeath, Inheritance, Join, Taken};

const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// What a call actor is made from.
pub struct CallSeed {
    /// What is known of the call.
    pub new: NewCall,
    /// The Request-URI.
    pub dialled: Uri,
    /// The INVITE.
    pub invite: SipMessage,
    /// Who sent it.
    pub peer: Peer,
    /// The focus of the conference that the INVITE invites to.
    pub invitation: Option<String>,
    /// What goes on of the INVITE in those that are sent because of it.
    pub onward: Onward,
    /// Who routes and gives channels.
    pub supervisor: Addr<Supervisor>,
    /// The world.
    pub ports: Ports,
    /// Settings of the node.
    pub settings: Settings,
    /// Its own words.
    pub tokens: Tokens,
}

/// What a call actor is made from, when the call stood before this process.
pub struct RestoredSeed {
    /// What was on disk.
    pub survivor: Survivor,
    /// Who routes and gives channels.
    pub supervisor: Addr<Supervisor>,
    /// The world.
    pub ports: Ports,
    /// Settings of the node.
    pub settings: Settings,
    /// Its own words.
    pub tokens: Tokens,
}

/// How a call actor begins.
enum Beginning {
    /// With an INVITE.
    Invited(Box<SipMessage>, Peer),
    /// With a handset on a native base station.
    Native(Addr<crate::air::leg::NativeLeg>, LineNo),
    /// By the switch itself, which will connect whoever answers with this one.
    House(String, HouseTold),
    /// With what was on disk.
    Survived(BTreeMap<LegNo, LegRecord>, Option<MediaRecord>),
    /// It has begun.
    Done,
}

/// Gives the pure call a mailbox, a clock, a disk and its legs. Decides nothing itself.
pub struct Call {
    machine: core::Call,
    dialled: Option<Uri>,
    beginning: Beginning,
    peer: Option<Peer>,
    /// Of the INVITE that began it.
    origin: Origin,
    /// Of the same.
    onward: Onward,
    facing: Facing,
    legs: BTreeMap<LegNo, LegAddr>,
    /// Legs that another call has asked for or taken, with that call.
    lent: BTreeMap<LegNo, (Addr<Call>, LegAddr)>,
    /// The call that waits to hear whether its legs were taken.
    giver: Option<transfer::Giver>,
    /// Legs whose INVITE was not the first of this call, by its transaction.
    joined: Vec<(String, LegNo)>,
    credentials: Option<Credentials>,
    channel: Option<Addr<MediaChannel>>,
    /// Our addresses at a media relay, towards the caller and the callee.
    relayed: [Vec<Candidate>; 2],
    /// The sides whose voice has lost its way and looks for another.
    astray: [bool; 2],
    ladder: Ladder,
    supervisor: Addr<Supervisor>,
    ports: Ports,
    settings: Settings,
    tokens: Tokens,
    calls: Calls<core::Call>,
    cdrs: Cdrs,
    alarm: Option<SpawnHandle>,
    reported: bool,
    _guard: Guard,
    span: Span,
}

impl Call {
    /// A call whose INVITE has just come.
    pub fn new(seed: CallSeed) -> Self {
        let CallSeed {
            new,
            dialled,
            invite,
            peer,
            invitation,
            onward,
            supervisor,
            ports,
            settings,
            mut tokens,
        } = seed;
        let facing = new.facing;
        let machine = core::Call::new(new, tokens.split(), ports.clock.now());
        let machine = match invitation {
            Some(focus) => machine.by_invitation(focus),
            None => machine,
        };
        let mut call = Self::around(machine, facing, supervisor, ports, settings, tokens);
        (call.dialled, call.peer) = (Some(dialled), Some(peer.clone()));
        (call.origin, call.onward) = (Origin::of(&invite), onward);
        call.beginning = Beginning::Invited(Box::new(invite), peer);
        call
    }

    /// A call that stood before this process.
    pub fn restored(seed: RestoredSeed) -> Self {
        let RestoredSeed { survivor, supervisor, ports, settings, mut tokens } = seed;
        let machine = core::Call::restored(survivor.machine, tokens.split());
        let mut call = Self::around(machine, Facing::North, supervisor, ports, settings, tokens);
        call.beginning = Beginning::Survived(survivor.legs, survivor.media);
        call
    }

    fn around(
        machine: core::Call,
        facing: Facing,
        supervisor: Addr<Supervisor>,
        ports: Ports,
        settings: Settings,
        tokens: Tokens,
    ) -> Self {
        let reference = machine.summary().reference;
        Self {
            machine,
            dialled: None,
            beginning: Beginning::Done,
            peer: None,
            origin: Origin::default(),
            onward: Onward::default(),
            facing,
            legs: BTreeMap::new(),
            lent: BTreeMap::new(),
            giver: None,
            joined: Vec::new(),
            credentials: None,
            channel: None,
            relayed: [Vec::new(), Vec::new()],
            astray: [false, false],
            ladder: Ladder::default(),
            calls: Calls::new(&ports.journal),
            cdrs: Cdrs::new(&ports.journal),
            _guard: Guard::new(supervisor.clone(), CallDied(reference)),
            supervisor,
            ports,
            settings,
            tokens,
            alarm: None,
            reported: false,
            span: info_span!("call", %reference),
        }
    }

    fn summary(&self) -> &CallSummary {
        self.machine.summary()
    }

    /// One input in, everything it causes out, in order. The mailbox waits while the disk writes.
    fn step(&mut self, input: Input, ctx: &mut Context<Self>) {
        let _entered = self.span.clone().entered();
        match self.machine.handle(input, self.ports.clock.now()) {
            Ok(ready) => self.carry_out(ready, ctx),
            Err(refusal) => debug!(%refusal),
        }
    }

    fn carry_out(&mut self, Ready { save, then }: Ready<Save, Output>, ctx: &mut Context<Self>) {
        if save.is_empty() {
            return self.perform(then, ctx);
        }
        let name = self.summary().reference.to_string();
        let writes = save.into_iter().flat_map(|save| match save {
            Save::Put(state) => vec![self.calls.put(&CallRecord { name: name.clone(), state: *state })],
            Save::Ended(summary) => vec![self.calls.delete(&name), self.cdrs.put(&cdr(&summary))],
        });
        let saved = self.ports.journal.save(writes.collect()).into_actor(self);
        ctx.wait(saved.map(|saved, me, ctx| {
            if let Err(fault) = saved {
                error!(parent: &me.span, %fault, "call not saved; it would not survive a crash");
            }
            me.perform(then, ctx);
        }));
    }

    fn perform(&mut self, then: Vec<Output>, ctx: &mut Context<Self>) {
        for output in then {
            match output {
                Output::Admit { srtp } => self.ask_admission(srtp, ctx),
                Output::Divert(divert) => self.ask_forward(*divert, ctx),
                Output::Inside => self.ask_inside(ctx),
                Output::Dial { leg, target, offer } => self.dial(leg, *target, offer, ctx),
                Output::Leg(leg, order) => {
                    if let Some(addr) = self.legs.get(&leg) {
                        addr.obey(order);
                    }
                }
                Output::Flow(side, agreed) => {
                    if let Some(channel) = &self.channel {
                        channel.do_send(Run(side, agreed));
                    }
                }
                Output::Play(side, sound) => {
                    if let Some(channel) = &self.channel {
                        channel.do_send(Play(side, sound.map(|sound| self.settings.media.sounds.of(sound))));
                    }
                }
                Output::Press { side, digit, millis } => {
                    if let Some(channel) = &self.channel {
                        channel.do_send(PressKey(side, digit, millis));
                    }
                }
                Output::Route(errand) => self.ask_way(*errand, ctx),
                Output::Inherit(owner) => self.ask_for_legs(owner, ctx),
                Output::TakeMedia { from, side, into } => self.take_media(from, side, into, ctx),
                Output::Mix(side, seat) => {
                    if let Some(channel) = &self.channel {
                        channel.do_send(Sit(side, seat.map(|(mixer, muted)| Chair { mixer, muted })));
                    }
                }
                Output::Room(room, news) => {
                    let (call, from) = (self.summary().reference, ctx.address());
                    self.supervisor.do_send(RoomHears { room, call, from, news });
                }
                Output::Cede(call, member) => {
                    self.supervisor.do_send(CedeCall { call, member, heir: ctx.address() });
                }
                Output::Summon { room, owner, replaces, leg, ticket } => {
                    let (replaces, from) = (*replaces, ctx.address());
                    let summon = Summon { room, owner, replaces, from, leg, ticket };
                    self.supervisor.do_send(SummonCall(summon));
                }
                Output::Invite { room, to, by, leg, ticket } => {
                    let from = ctx.address();
                    self.supervisor.do_send(InviteToRoom { room, to, by, from, leg, ticket });
                }
                Output::Gather(user) => {
                    self.supervisor.do_send(GatherCalls { call: self.summary().reference, user });
                }
                Output::GatherInside(user) => {
                    self.supervisor.do_send(GatherInside { call: self.summary().reference, user });
                }
                Output::ReleaseBase(leg) => {
                    if let Some(base) = self.machine.base_of(leg).cloned() {
                        self.supervisor.do_send(ReleaseBase(self.summary().reference, base));
                    }
                }
                Output::FreeBase(base) => {
                    self.supervisor.do_send(ReleaseBase(self.summary().reference, base));
                }
                Output::Changed(summary) => self.supervisor.do_send(CallProgressed(summary)),
                Output::Over(_) => self.close_channel(ctx),
            }
        }
        self.rearm(ctx);
        self.stop_when_over(ctx);
    }

    fn rearm(&mut self, ctx: &mut Context<Self>) {
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = self.machine.deadline().map(|at| {
            let after = at.since(self.ports.clock.now());
            ctx.run_later(after, |me, ctx| me.step(Input::Deadline, ctx))
        });
    }

    /// Ports and channels go back as soon as the call is over; legs may still be closing.
    fn close_channel(&mut self, ctx: &mut Context<Self>) {
        self.supervisor.do_send(Release(self.summary().reference));
        let channel = self.channel.take();
        let counted = async move {
            match channel {
                Some(channel) => channel.send(Close).await.unwrap_or_default(),
                None => Vec::new(),
            }
        };
        ctx.spawn(counted.into_actor(self).map(|media, me, ctx| {
            me.report_end(media);
            me.stop_when_over(ctx);
        }));
    }

    fn report_end(&mut self, media: Vec<MediaView>) {
        self.reported = true;
        let summary = Box::new(self.summary().clone());
        info!(parent: &self.span, answered = summary.answered.is_some(), "call ended");
        self.supervisor.do_send(CallEnded { summary, ladder: self.ladder.clone(), media });
    }

    fn stop_when_over(&mut self, ctx: &mut Context<Self>) {
        if self.machine.is_over() && self.reported {
            let reference = self.summary().reference;
            self.supervisor.do_send(LastWords(reference, std::mem::take(&mut self.ladder)));
            ctx.stop();
        }
    }

    fn record(&mut self, leg: LegNo, peer: String, inbound: bool, message: SipMessage) {
        self.ladder.record(Entry { at: self.ports.clock.now(), leg: leg.0, peer, inbound, message });
    }
}

impl Actor for Call {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1_024);
        match std::mem::replace(&mut self.beginning, Beginning::Done) {
            Beginning::Invited(invite, peer) => self.invited(*invite, peer, ctx),
            Beginning::Native(leg, line) => self.joined(leg, line, ctx),
            Beginning::House(connect, told) => self.begun_by_house(connect, told, ctx),
            Beginning::Survived(legs, media) => self.survived(legs, media, ctx),
            Beginning::Done => {}
        }
    }
}

fn peer_name(peer: &Peer) -> String {
    format!("{} {}", peer.transport, peer.remote)
}
