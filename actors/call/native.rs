//! Legs of a call that end at handsets on native base stations, beside those that speak SIP.

use kirkwall_core::call::dect_leg::{Abilities, Called};
use kirkwall_core::call::house::ALARM_SIGNAL;
use kirkwall_core::call::{Joining, LegOrder, NativeTarget, Party};
use kirkwall_core::dect::element::Signal;
use kirkwall_core::dect::portable::{CallNo, Offer};
use kirkwall_core::dect::ss::Caller;
use kirkwall_core::id::{CallRef, Username};

use super::house::{HouseLeg, ObeyHouse};
use super::join::nobody_rings;
use super::*;
use crate::air::leg::{GoOver, Join, LegSeed, NativeLeg, ObeyOn, TurnedAway};
use crate::dialog::{Obey, Serve};

/// Where a leg lives.
#[derive(Clone)]
pub(super) enum LegAddr {
    /// Speaks SIP.
    Sip(Addr<Dialog>),
    /// Ends at a handset on a native base station.
    Native(Addr<NativeLeg>, LineNo),
    /// Is the switch's own.
    House(Addr<HouseLeg>),
}

impl LegAddr {
    pub fn obey(&self, order: LegOrder) {
        match self {
            Self::Sip(dialog) => dialog.do_send(Obey(order)),
            Self::Native(leg, line) => leg.do_send(ObeyOn(*line, order)),
            Self::House(leg) => leg.do_send(ObeyHouse(order)),
        }
    }
}

impl LegAddr {
    /// From now on it is a leg of `call`.
    pub fn go_over(&self, call: Addr<Call>, reference: CallRef, leg: LegNo) {
        match self {
            Self::Sip(dialog) => dialog.do_send(Serve(call, leg)),
            Self::Native(native, line) => {
                native.do_send(GoOver { line: *line, call, reference, leg });
            }
            // It transfers and is gone: no other call takes it.
            Self::House(_) => {}
        }
    }
}

/// What a call actor is made from when a handset on a native base station calls.
pub struct NativeSeed {
    /// What is known of the call.
    pub new: NewCall,
    /// What was dialled, as a URI.
    pub dialled: Uri,
    /// The caller's leg.
    pub leg: Addr<NativeLeg>,
    /// Its line.
    pub line: LineNo,
    /// The base station that carries it.
    pub peer: Peer,
    /// Who routes and gives channels.
    pub supervisor: Addr<Supervisor>,
    /// The world.
    pub ports: Ports,
    /// Settings of the node.
    pub settings: Settings,
    /// Its own words.
    pub tokens: Tokens,
}

impl Call {
    /// A call of a handset on a native base station.
    pub fn native(seed: NativeSeed) -> Self {
        let NativeSeed { new, dialled, leg, line, peer, supervisor, ports, settings, mut tokens } = seed;
        let facing = new.facing;
        let machine = core::Call::new(new, tokens.split(), ports.clock.now()).shown_to_caller();
        let mut call = Self::around(machine, facing, supervisor, ports, settings, tokens);
        (call.dialled, call.peer) = (Some(dialled), Some(peer));
        call.beginning = Beginning::Native(leg, line);
        call
    }

    /// The caller's leg is there before the call.
    pub(super) fn joined(&mut self, leg: Addr<NativeLeg>, line: LineNo, ctx: &mut Context<Self>) {
        self.legs.insert(LegNo::CALLER, LegAddr::Native(leg.clone(), line));
        self.step(Input::Started, ctx);
        let (call, reference, leg_no) = (ctx.address(), self.summary().reference, LegNo::CALLER);
        leg.do_send(Join { call, reference, leg: leg_no, line });
    }

    pub(super) fn dial_native(
        &mut self,
        leg: LegNo,
        target: Target,
        native: NativeTarget,
        body: Body,
        ctx: &mut Context<Self>,
    ) {
        let reference = self.summary().reference;
        let seed = LegSeed {
            call_no: CallNo(leg.owner(reference).0),
            leg,
            abilities: Abilities::of_native(
                &self.settings.media.srtp_south,
                self.settings.digit_gap,
                self.settings.wideband,
            )
            .with_codes(&self.settings.dialling.codes),
            handset: None,
            supervisor: self.supervisor.clone(),
            ports: self.ports.clone(),
            tokens: self.tokens.split(),
        };
        let ring = match native {
            NativeTarget { alarm: true, .. } => ALARM_SIGNAL,
            NativeTarget { internal: true, .. } => Signal::ALERTING_1,
            _ => Signal::ALERTING_0,
        };
        let caller = Caller::new(&native.number, Some(&target.from_display));
        let offer = Offer { caller, ring, internal: native.internal };
        let base = target.base.as_ref().map(|(base, _)| base.clone());
        let waits = native.waits;
        let called = Called { owner: leg.owner(reference), body, offer, waits };
        let addr = NativeLeg::dialled(seed, (ctx.address(), reference), (native.ipui, base), called).start();
        self.legs.insert(leg, LegAddr::Native(addr, LineNo::FIRST));
    }

    /// Legs of a restored call that have no record were native, or not answered: what was said on the air is
    /// lost with the process, and the call ends for those who are left. Records without a leg in the call
    /// are of those whose place was taken.
    pub(super) fn sort_legs(&mut self, ctx: &mut Context<Self>) {
        let (open, mut silent) = (self.machine.open_legs(), self.machine.awaited_legs());
        silent.retain(|leg| !self.legs.contains_key(leg));
        for leg in silent {
            if open.contains(&leg) {
                let cause = Cause { status: 480, q850: 27, words: "the switch was restarted".to_owned() };
                self.step(Input::Leg(leg, LegNews::Ended { cause }), ctx);
            }
            self.step(Input::Leg(leg, LegNews::Closed), ctx);
        }
        for leg in self.legs.keys().copied().filter(|leg| !open.contains(leg)).collect::<Vec<_>>() {
            self.step(Input::Stranded(leg), ctx);
        }
    }
}

/// A handset on a native base station takes the call that rings at somebody else's.
#[derive(Message)]
#[rtype(result = "()")]
pub struct JoinNative {
    /// Its leg; none: it was taken.
    pub leg: Option<Addr<NativeLeg>>,
    /// The leg's line.
    pub line: LineNo,
    /// The base station that carries it.
    pub peer: Peer,
    /// The leg's offer.
    pub offer: Body,
    /// At whose handset the call rings.
    pub of: Username,
    /// Who takes it.
    pub party: Party,
}

impl Handler<JoinNative> for Call {
    type Result = ();

    fn handle(&mut self, mut join: JoinNative, ctx: &mut Self::Context) {
        let Some(native) = join.leg.take() else { return };
        let (leg, line, reference) = (self.machine.next_leg(), join.line, self.summary().reference);
        let replaced = self.machine.rings_at(&join.of).ok_or_else(nobody_rings);
        let offer = Some(join.offer.clone());
        let joining =
            Joining { shows: true, ..self.joining(replaced, join.party.clone(), &join.peer, offer) };
        self.legs.insert(leg, LegAddr::Native(native.clone(), line));
        self.step(Input::Joining(leg, Box::new(joining)), ctx);
        native.do_send(Join { call: ctx.address(), reference, leg, line });
    }
}

impl Drop for JoinNative {
    /// The call had gone.
    fn drop(&mut self) {
        if let Some(leg) = self.leg.take() {
            leg.do_send(TurnedAway(self.line, nobody_rings()));
        }
    }
}
