//! The actors of calls and of their legs, as they are joined in the switch.

use super::node::*;
use super::{Town, invite_key, switch_address};
use crate::call::cause::Cause;
use crate::call::conference::{RoomOrder, Whom};
use crate::call::dect_leg::LineNo;
use crate::call::house::{HouseInput, HouseOutput};
use crate::call::{
    CallSummary, Estate, Heard, Input, Joining, LegNews, LegNo, LegOrder, Output, Party, Save, Target, hear,
    tell,
};
use crate::dect::portable::{self, CallNews, CallNo};
use crate::id::{CallRef, OwnerId};
use crate::machine::{Machine, Ready};
use crate::media::negotiate::{SrtpMode, SrtpPolicy};
use crate::sip::invite::{self, Body, Dial, Leg, LegInput, LegOutput, LegRecord, LegSave, LocalEnd};
use crate::sip::replaces::{Matched, Replaces};
use crate::sip::wire::{Message, Text};
use crate::sip::{Facing, Transport, next_hop};

impl Town {
    /// The one match of a call's mail.
    pub(super) fn call_hears(&mut self, call: CallRef, mail: Mail) {
        // Mail for an actor that has stopped is lost, as it is with closed mailboxes.
        if !self.node.calls.contains_key(&call) {
            return;
        }
        match mail {
            Mail::Input(input) => self.step(call, input),
            Mail::LegSaid(leg, news) => self.leg_said(call, leg, news),
            Mail::Hear(message, peer) => {
                let tag = if message.is_request() { message.to_tag() } else { message.from_tag() };
                if let Some(agent) = self.agent_of(call, tag, &message) {
                    self.node.post(Mailbox::Agent(agent), Mail::Hear(message, peer));
                }
            }
            Mail::SendFailed(message) => {
                let tag = if message.is_request() { message.from_tag() } else { message.to_tag() };
                if let Some(agent) = self.agent_of(call, tag, &message) {
                    self.node.post(Mailbox::Agent(agent), Mail::SendFailed(message));
                }
            }
            Mail::BequeathTo { owner, replaces, heir } => {
                self.bequeath(call, owner, replaces.as_ref(), heir);
            }
            Mail::InRoom(order) => self.step(call, Input::Room(order)),
            Mail::CedeTo { member, heir } => self.cede(call, member, heir),
            Mail::SummonedTo(summons) => self.summoned(call, summons),
            Mail::Summoned(Told { leg, ticket, .. }, status) => {
                self.step(call, Input::Summoned { leg, ticket, status });
            }
            Mail::NotOurs => self.step(call, Input::NotOurs),
            Mail::Refused(cause) => self.step(call, Input::Denied(cause)),
            Mail::Left(bequest) => self.inherit(call, *bequest),
            Mail::Taken { kept, taken } => {
                let Some(exchange) = self.node.calls.get_mut(&call) else { return };
                if !taken {
                    return exchange.lent.clear();
                }
                exchange.legs.retain(|leg, _| !exchange.lent.contains_key(leg));
                self.step(call, Input::Bequeathed(kept));
            }
            Mail::Passed { owner, news, from } => {
                let leg = self.node.calls.get(&call).and_then(|exchange| exchange.machine.leg_named(owner));
                match leg {
                    Some(leg) => self.node.post(Mailbox::Call(call), Mail::LegSaid(leg, news)),
                    None => self.node.post(Mailbox::Call(from), Mail::Returned { owner, news }),
                }
            }
            Mail::Returned { owner, news } => {
                let leg = self.node.calls.get(&call).and_then(|exchange| exchange.machine.leg_named(owner));
                if let Some(leg) = leg {
                    self.node.post(Mailbox::Call(call), Mail::LegSaid(leg, news));
                }
            }
            Mail::Join { invite, peer, replaces, party } => {
                let owner = OwnerId::in_word(&replaces.to_tag);
                let Some(exchange) = self.node.calls.get(&call) else { return };
                let old = owner.and_then(|owner| exchange.machine.leg_named(owner));
                let agent = old.and_then(|old| self.agent_at(call, old));
                let matched = agent.and_then(|agent| self.node.sip(agent)?.matched_by(&replaces));
                let admitted = replaces.admit(matched);
                let admitted = admitted.map_err(|fault| Cause::of_status(fault.status(), fault.to_string()));
                let leg = exchange.machine.next_leg();
                self.node.joining.insert((call, leg));
                let Some(exchange) = self.node.calls.get_mut(&call) else { return };
                let joining = Joining {
                    replaced: admitted.map(|()| old.unwrap_or(LegNo::CALLER)),
                    party,
                    facing: peer.facing,
                    offer: Body::of(&invite),
                    ports: exchange.ports,
                    address: switch_address(peer.facing).ip(),
                    codecs: vec![
                        crate::media::Codec::G722,
                        crate::media::Codec::Pcma,
                        crate::media::Codec::Pcmu,
                    ],
                    srtp: SrtpPolicy { mode: SrtpMode::Optional, ..SrtpPolicy::default() },
                    ice: Default::default(),
                    habits: Default::default(),
                    shows: false,
                };
                self.step(call, Input::Joining(leg, Box::new(joining)));
                let agent = self.sip_agent(call, leg, peer.transport, peer.facing, None);
                if let Some(exchange) = self.node.calls.get_mut(&call) {
                    exchange.joined.extend(invite_key(&invite).map(|key| (key, leg)));
                }
                self.node.post(Mailbox::Agent(agent), Mail::Hear(invite, peer));
            }
            Mail::PickUp { newcomer, of, party } => self.picked_up(call, newcomer, &of, party),
            _ => unreachable!("not a call's mail"),
        }
    }

    pub(super) fn agent_at(&self, call: CallRef, leg: LegNo) -> Option<u64> {
        let exchange = self.node.calls.get(&call)?;
        let lent = || exchange.lent.get(&leg).map(|(_, at)| *at);
        exchange.legs.get(&leg).copied().or_else(lent).map(|at| at.agent)
    }

    fn agent_of(&self, call: CallRef, tag: Option<Text>, message: &Message) -> Option<u64> {
        let exchange = self.node.calls.get(&call)?;
        let leg = match tag.and_then(|tag| OwnerId::in_word(&tag)) {
            Some(owner) => exchange.machine.leg_named(owner).unwrap_or(LegNo::of_owner(owner).1),
            None => {
                let key = invite_key(message);
                let joined = exchange.joined.iter().find(|(known, _)| Some(known) == key.as_ref());
                joined.map_or(LegNo::CALLER, |(_, leg)| *leg)
            }
        };
        self.agent_at(call, leg)
    }

    fn leg_said(&mut self, call: CallRef, leg: LegNo, news: LegNews) {
        let Some(exchange) = self.node.calls.get_mut(&call) else { return };
        if let Some((heir, _)) = exchange.lent.get(&leg) {
            let (owner, heir) = (exchange.machine.name_of(leg), *heir);
            return self.node.post(Mailbox::Call(heir), Mail::Passed { owner, news, from: call });
        }
        if news == LegNews::Closed {
            exchange.legs.remove(&leg);
        }
        self.step(call, Input::Leg(leg, news));
    }

    /// One input in, everything it causes out, in order.
    pub(super) fn step(&mut self, call: CallRef, input: Input) {
        let Some(exchange) = self.node.calls.get_mut(&call) else { return };
        let before = exchange.machine.clone();
        match exchange.machine.handle(input, self.now) {
            Ok(ready) => self.carry_out(call, ready),
            Err(_) => assert_eq!(before, exchange.machine, "a refusal changes nothing"),
        }
    }

    fn carry_out(&mut self, call: CallRef, Ready { save, then }: Ready<Save, Output>) {
        let saved = !save.is_empty();
        for save in save {
            match save {
                Save::Put(state) => drop(self.disk.calls.insert(call, *state)),
                Save::Ended(summary) => {
                    self.disk.calls.remove(&call);
                    let known = self.disk.records.iter().any(|record| record.reference == call);
                    assert!(!known, "two records of one call");
                    self.tally_record(&summary);
                    self.disk.records.push(*summary);
                }
            }
        }
        if saved && self.struck_by_lightning() {
            return;
        }
        then.into_iter().for_each(|output| self.perform(call, output));
        let Some(exchange) = self.node.calls.get(&call) else { return };
        if exchange.machine.is_over() && exchange.over {
            self.node.calls.remove(&call);
            self.node.post(Mailbox::Supervisor, Mail::CallDied(call));
        }
    }

    fn tally_record(&mut self, record: &CallSummary) {
        let native = |party: &Party| self.natives.iter().any(|native| native.number == party.number);
        let cause = record.cause.as_ref();
        let happened = [
            ("answered", record.answered.is_some()),
            ("handset's call", record.answered.is_some() && native(&record.caller)),
            ("emergency call", record.emergency && record.answered.is_some()),
            ("forwarded", record.answered.is_some() && !record.trail.is_empty()),
            ("ended to make room", cause.is_some_and(|cause| *cause == Cause::preempted())),
            ("refused for want of a channel", cause.is_some_and(|cause| cause.q850 == 34)),
            ("dialled in vain", record.answered.is_none()),
        ];
        happened.into_iter().filter(|(_, so)| *so).for_each(|(what, _)| self.tallied(what));
    }

    fn tally_order(&mut self, order: &LegOrder) {
        match order {
            LegOrder::TellTransfer { status: 200, left: None, .. } => self.tallied("transferred"),
            LegOrder::TellTransfer { left: None, .. } => self.tallied("given back by a failed transfer"),
            LegOrder::RefuseTransfer { .. } => self.tallied("transfer refused"),
            _ => {}
        }
    }

    fn perform(&mut self, call: CallRef, output: Output) {
        self.note(|| {
            let text = match &output {
                Output::Flow(side, agreed) => format!("flow {side:?} {:?} {:?}", agreed.codec, agreed.remote),
                Output::Dial { leg, target, .. } => format!("dial {} {}", leg.0, target.request_uri),
                Output::Leg(leg, order) => format!("leg {} {order:?}", leg.0),
                Output::Changed(_) => "changed".into(),
                other => format!("{other:?}"),
            };
            format!("call {:x}: {}", call.0, text.get(..160).unwrap_or(&text))
        });
        let Some(exchange) = self.node.calls.get_mut(&call) else { return };
        let (to_supervisor, mail) = match output {
            Output::Admit { srtp } => (true, Mail::Admit(call, srtp)),
            Output::Divert(divert) => (true, Mail::Divert(call, divert)),
            Output::Inside => (true, Mail::Inside(call)),
            Output::Route(errand) => (true, Mail::Route(call, errand)),
            Output::Inherit(owner) => {
                let replaces = exchange.machine.referral().and_then(|referral| referral.replaces.clone());
                (true, Mail::Bequeath { owner, replaces, heir: call })
            }
            Output::Dial { leg, target, offer } => return self.dial(call, leg, *target, offer),
            Output::Leg(leg, order) => {
                if matches!(order, LegOrder::Accept { .. }) && self.node.joining.remove(&(call, leg)) {
                    *self.tally.entry("place taken by Replaces").or_default() += 1;
                }
                if let Some(LegAddr { agent, line }) = exchange.legs.get(&leg).copied() {
                    self.tally_order(&order);
                    self.node.post(Mailbox::Agent(agent), Mail::Obey(line, order));
                }
                return;
            }
            Output::Flow(side, agreed) => {
                assert!(!exchange.over, "media without channels");
                if exchange.machine.hears_for_transfer_of_test() {
                    *self.tally.entry("early media heard in a transfer").or_default() += 1;
                }
                exchange.flows.insert(side, *agreed);
                return;
            }
            Output::Play(side, sound) => {
                match sound {
                    Some(sound) => {
                        *self.tally.entry("held").or_default() += 1;
                        exchange.sounds.insert(side, sound);
                    }
                    None => _ = exchange.sounds.remove(&side),
                }
                return;
            }
            Output::Press { .. } => return,
            Output::Mix(side, seat) => {
                exchange.seats.remove(&side);
                return exchange.seats.extend(seat.map(|seat| (side, seat)));
            }
            Output::Room(room, news) => (true, Mail::RoomHears { room, call, news }),
            Output::Cede(from, member) => (true, Mail::Cede { call: from, member, heir: call }),
            Output::Summon { room, owner, replaces, leg, ticket } => {
                let (replaces, told) = (*replaces, Told { call, leg, ticket });
                (true, Mail::Summon(Summons { room, owner, replaces, told }))
            }
            Output::Invite { room, to, by, leg, ticket } => {
                let told = Told { call, leg, ticket };
                (true, Mail::InviteToRoom { room, to, by, told })
            }
            Output::Gather(user) | Output::GatherInside(user) => (true, Mail::Gather { call, user }),
            Output::TakeMedia { from, side, into } => return self.take_media(call, from, side, into),
            Output::ReleaseBase(leg) => match exchange.machine.base_of(leg).cloned() {
                Some(base) => (true, Mail::ReleaseBase(call, base)),
                None => return,
            },
            Output::FreeBase(base) => (true, Mail::ReleaseBase(call, base)),
            Output::Changed(summary) => (true, Mail::Progressed(summary)),
            Output::Over(summary) => {
                assert!(!std::mem::replace(&mut exchange.over, true), "over twice");
                exchange.summary = *summary;
                (true, Mail::Release(call))
            }
        };
        self.node.post(if to_supervisor { Mailbox::Supervisor } else { Mailbox::Call(call) }, mail);
    }

    fn take_media(&mut self, call: CallRef, from: CallRef, side: crate::call::Side, into: crate::call::Side) {
        use crate::call::Side;
        let port = |ports: (u16, u16), side| if side == Side::A { ports.0 } else { ports.1 };
        let giver = self.node.calls.get(&from);
        let rings = giver.is_some_and(|giver| giver.machine.summary().answered.is_none());
        let theirs = giver.map(|giver| port(giver.ports, side));
        let Some(exchange) = self.node.calls.get_mut(&call) else { return };
        if let Some(theirs) = theirs {
            match into {
                Side::A => exchange.ports.0 = theirs,
                Side::B => exchange.ports.1 = theirs,
            }
        }
        let giver = exchange.giver.take();
        self.tallied(if rings { "ringing legs inherited" } else { "legs inherited" });
        if let Some((giver, kept)) = giver {
            self.node.post(Mailbox::Call(giver), Mail::Taken { kept, taken: true });
        }
        if theirs.is_none() {
            let cause = Cause::of_status(500, "the media of the other call could not be taken over");
            self.node.post(Mailbox::Call(call), Mail::Input(Input::HangUp(cause)));
        }
    }

    fn bequeath(&mut self, call: CallRef, owner: OwnerId, replaces: Option<&Replaces>, heir: CallRef) {
        let leg = self.node.calls.get(&call).and_then(|exchange| exchange.machine.leg_named(owner));
        let at = leg.and_then(|leg| self.agent_at(call, leg));
        let to_heir = Mailbox::Call(heir);
        let (Some(kept), Some(agent)) = (leg, at) else { return self.node.post(to_heir, Mail::NotOurs) };
        if heir == call {
            let cause = Cause::of_status(482, "a call cannot be transferred to itself");
            return self.node.post(to_heir, Mail::Refused(cause));
        }
        let matched = match (replaces, self.node.sip(agent)) {
            (Some(named), Some(sip)) => sip.matched_by(named).or_else(|| sip.matched_by(&named.mirrored())),
            // Only a leg of this process asks without naming a dialog, and only for its own.
            (None, None) => Some(Matched::Confirmed),
            _ => return self.node.post(to_heir, Mail::NotOurs),
        };
        let Some(exchange) = self.node.calls.get_mut(&call) else { return };
        let refused = match matched {
            None => Some(Cause::of_status(481, "Replaces names a call that is not here")),
            Some(Matched::Over) => Some(Cause::of_status(603, "the call that Replaces names is over")),
            Some(_) if !exchange.lent.is_empty() => {
                Some(Cause::of_status(603, "the other call is being transferred already"))
            }
            Some(_) => None,
        };
        let estate = refused.map_or_else(|| exchange.machine.estate(kept), Err);
        self.hand_out(call, estate, kept, heir);
    }

    /// The last end of a room's call becomes another call's.
    fn cede(&mut self, call: CallRef, member: OwnerId, heir: CallRef) {
        let Some(exchange) = self.node.calls.get(&call) else { return };
        let estate = match exchange.machine.leg_named(member) {
            Some(leg) if exchange.lent.is_empty() => exchange.machine.whole_estate(leg),
            _ => Err(Cause::of_status(481, "the other call is over")),
        };
        self.hand_out(call, estate, LegNo(u32::MAX), heir);
    }

    fn hand_out(&mut self, call: CallRef, estate: Result<Estate, Cause>, kept: LegNo, heir: CallRef) {
        let to_heir = Mailbox::Call(heir);
        let estate = match estate {
            Ok(estate) => estate,
            Err(cause) => return self.node.post(to_heir, Mail::Refused(cause)),
        };
        let Some(exchange) = self.node.calls.get_mut(&call) else { return };
        let mut agents = Vec::new();
        for owner in estate.owners() {
            let leg = exchange.machine.leg_named(owner);
            if let Some((leg, at)) = leg.and_then(|leg| Some((leg, *exchange.legs.get(&leg)?))) {
                exchange.lent.insert(leg, (heir, at));
                agents.push((owner, at));
            }
        }
        self.node.post(to_heir, Mail::Left(Box::new(Bequest { estate, agents, kept, from: call })));
    }

    /// Comes to a room without the end whose dialog was named.
    fn summoned(&mut self, call: CallRef, Summons { room, owner, replaces, told }: Summons) {
        let leg = self.node.calls.get(&call).and_then(|exchange| exchange.machine.leg_named(owner));
        let agent = leg.and_then(|leg| self.agent_at(call, leg));
        let sip = agent.and_then(|agent| self.node.sip(agent));
        let matched =
            sip.and_then(|sip| sip.matched_by(&replaces).or_else(|| sip.matched_by(&replaces.mirrored())));
        let order = RoomOrder::Meet { room, without: Some(Whom::Leg(owner)) };
        let status = match (matched, self.node.calls.get_mut(&call)) {
            (Some(Matched::Confirmed), Some(exchange)) => {
                match exchange.machine.handle(Input::Room(order), self.now) {
                    Ok(ready) => {
                        self.tallied("another call summoned to a room");
                        self.carry_out(call, ready);
                        200
                    }
                    Err(_) => 603,
                }
            }
            _ => 481,
        };
        self.node.post(Mailbox::Call(told.call), Mail::Summoned(told, status));
    }

    fn inherit(&mut self, call: CallRef, bequest: Bequest) {
        let Bequest { estate, agents, kept, from } = bequest;
        let (origin, owners, bases) = (estate.from, estate.owners(), estate.bases());
        let Some(exchange) = self.node.calls.get_mut(&call) else { return };
        let ready = match exchange.machine.handle(Input::Inherited(Box::new(estate)), self.now) {
            Ok(ready) => ready,
            Err(_) => return self.node.post(Mailbox::Call(from), Mail::Taken { kept, taken: false }),
        };
        self.node.post(Mailbox::Supervisor, Mail::PassLegs { from: origin, to: call, owners, bases });
        let Some(exchange) = self.node.calls.get_mut(&call) else { return };
        exchange.giver = Some((from, kept));
        let mut served = Vec::new();
        for (owner, at) in agents {
            if let Some(leg) = exchange.machine.leg_named(owner) {
                exchange.legs.insert(leg, at);
                served.push((at, leg));
            }
        }
        for (LegAddr { agent, line }, leg) in served {
            self.node.post(Mailbox::Agent(agent), Mail::Serve(line, call, leg));
        }
        self.carry_out(call, ready);
    }

    pub(super) fn sip_agent(
        &mut self,
        call: CallRef,
        leg: LegNo,
        transport: Transport,
        facing: Facing,
        record: Option<LegRecord>,
    ) -> u64 {
        let owner = record.as_ref().map_or(leg.owner(call), |record| record.owner);
        let address = switch_address(facing);
        let local = LocalEnd {
            sent_by: address.to_string(),
            contact: format!("sip:switch@{address}"),
            transport,
            product: "switch".into(),
            supported: vec!["replaces".into()],
            session_expires: Some(1_800),
            focus: false,
            line: None,
        };
        let tokens = self.tokens.split();
        let machine = match record {
            Some(record) => Leg::restore(record, tokens),
            None => Leg::new(owner, local, tokens),
        };
        let voice = Voice::Sip(Box::new(machine));
        let agent = self.node.agent(Agent { voice, serves: Some((call, leg)), why: None, owner });
        if let Some(exchange) = self.node.calls.get_mut(&call) {
            exchange.legs.insert(leg, LegAddr { agent, line: LineNo::FIRST });
        }
        agent
    }

    fn dial(&mut self, call: CallRef, leg: LegNo, target: Target, offer: Body) {
        if let Some(native) = target.native.clone() {
            let base = target.base.map(|(base, _)| base);
            return self.dial_native(call, leg, &native, base, offer);
        }
        let referral = self.node.calls.get(&call).and_then(|exchange| exchange.machine.referral());
        let headers = referral.map_or(Vec::new(), crate::sip::refer::Referral::headers);
        let destination = target.destination.clone();
        let agent = self.sip_agent(call, leg, destination.transport, destination.facing, None);
        let dial = Dial {
            request_uri: target.request_uri,
            from: format!("<{}>", target.from_uri),
            to: format!("<{}>", target.to_uri),
            contact: None,
            route: target.route,
            destination,
            body: Some(offer),
            parts: target.parts,
            headers,
            onward: crate::sip::door::Onward::default(),
        };
        self.node.post(Mailbox::Agent(agent), Mail::Place(Box::new(dial)));
    }

    /// The one match of an agent's mail.
    pub(super) fn agent_hears(&mut self, agent: u64, mail: Mail) {
        let Some(entry) = self.node.agents.get_mut(&agent) else { return self.dead_letter(mail) };
        if let Mail::Serve(line, call, leg) = mail {
            return match &entry.voice {
                Voice::Sip(_) => entry.serves = Some((call, leg)),
                Voice::Native(_) => self.line_goes_over(agent, line, call, leg),
                Voice::House(..) => {}
            };
        }
        match (&mut entry.voice, mail) {
            (Voice::Sip(_), mail) => {
                let input = match mail {
                    Mail::Hear(message, peer) => LegInput::Received(message, peer),
                    Mail::SendFailed(message) => LegInput::TransportFailed(message),
                    Mail::Place(dial) => LegInput::Order(invite::LegOrder::Dial(dial)),
                    Mail::Obey(_, order) => {
                        if let LegOrder::HangUp { cause } | LegOrder::Reject { cause } = &order {
                            entry.why = Some(cause.clone());
                        }
                        let Some(order) = tell(order) else { return };
                        LegInput::Order(order)
                    }
                    Mail::Do(order) => LegInput::Order(order),
                    _ => unreachable!("not a dialog's mail"),
                };
                self.sip_step(agent, input);
            }
            (Voice::Native(_), mail) => self.native_hears(agent, mail),
            (Voice::House(leg, _), Mail::Obey(_, order)) => {
                let Ok(Ready { then, .. }) = leg.handle(HouseInput::Order(order), self.now);
                self.house_says(agent, then);
            }
            (Voice::House(leg, _), Mail::Start) => {
                let Ok(Ready { then, .. }) = leg.handle(HouseInput::Started, self.now);
                self.house_says(agent, then);
            }
            (Voice::House(..), _) => {}
        }
    }

    fn house_says(&mut self, agent: u64, then: Vec<HouseOutput>) {
        for output in then {
            let Some(entry) = self.node.agents.get_mut(&agent) else { return };
            match (output, &mut entry.voice) {
                (HouseOutput::News(news), _) => {
                    let (serves, closed) = (entry.serves, news == LegNews::Closed);
                    if let Some((call, leg)) = serves {
                        self.node.post(Mailbox::Call(call), Mail::LegSaid(leg, news));
                    }
                    if closed {
                        self.node.agents.remove(&agent);
                    }
                }
                (HouseOutput::Told(fate), Voice::House(_, told)) => {
                    if let Some(told) = told.take() {
                        self.node.post(Mailbox::Call(told.call), Mail::Summoned(told, fate.status()));
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn sip_step(&mut self, agent: u64, input: LegInput) {
        let Some(entry) = self.node.agents.get_mut(&agent) else { return };
        let (owner, why) = (entry.owner, entry.why.clone());
        let Voice::Sip(leg) = &mut entry.voice else { return };
        let Ok(Ready { save, then }) = leg.handle(input, self.now) else { return };
        let saved = !save.is_empty();
        for save in save {
            match save {
                LegSave::Put(record) => drop(self.disk.legs.insert(owner, *record)),
                LegSave::Delete(_) => drop(self.disk.legs.remove(&owner)),
            }
        }
        if saved && self.struck_by_lightning() {
            return;
        }
        for output in then {
            match output {
                LegOutput::Send { message, destination, resolve } => {
                    let destination = next_hop(resolve.as_ref(), destination);
                    self.send_from_switch(message, &destination);
                }
                LegOutput::Event(event) => match hear(event, why.as_ref()) {
                    Heard::News(news) => self.report(agent, news),
                    Heard::Challenged { .. } => {
                        let order = invite::LegOrder::HangUp { headers: Vec::new() };
                        self.node.post(Mailbox::Agent(agent), Mail::Do(order));
                    }
                    Heard::Asked(reply) => self.node.post(Mailbox::Agent(agent), Mail::Do(reply)),
                    Heard::Told(reply, news) => {
                        self.node.post(Mailbox::Agent(agent), Mail::Do(reply));
                        self.report(agent, news);
                    }
                    Heard::Nothing => {}
                },
            }
        }
    }

    fn report(&mut self, agent: u64, news: LegNews) {
        let closed = news == LegNews::Closed;
        if let Some((call, leg)) = self.node.agents.get(&agent).and_then(|agent| agent.serves) {
            self.node.post(Mailbox::Call(call), Mail::LegSaid(leg, news));
        }
        let sip = self.node.sip(agent).is_some();
        if closed && sip {
            self.node.agents.remove(&agent);
        }
    }

    /// The actor of a handset on native base stations.
    pub(super) fn handset_hears(&mut self, handset: usize, mail: Mail) {
        let input = match mail {
            Mail::Order(order) => portable::Input::Order(order),
            Mail::Offer { call, offer, agent } => {
                let by = self.node.air.iter().find(|((of, _), _)| *of == handset).map(|(_, by)| *by);
                if let Some(by) = by {
                    return self.node.post(Mailbox::Agent(agent), Mail::Occupied(by));
                }
                self.node.air.insert((handset, call), agent);
                portable::Input::Order(portable::Order::Offer { call, offer })
            }
            Mail::ServeCall(call, agent) => {
                self.node.air.insert((handset, call), agent);
                return;
            }
            Mail::Air(input) => input,
            Mail::MovedTo { to, stream, call } => return self.moved_to(handset, to, stream, call),
            _ => unreachable!("not a handset's mail"),
        };
        self.portable_step(handset, input);
    }

    pub(super) fn portable_step(&mut self, handset: usize, input: portable::Input) {
        self.note(|| format!("handset {handset} <- {input:?}"));
        let Ok(Ready { save, then }) = self.natives[handset].portable.handle(input, self.now) else { return };
        for save in save {
            if let portable::Save::Put(standing) = save {
                self.natives[handset].standing = *standing;
            }
        }
        for output in then {
            self.note(|| format!("handset {handset} -> {output:?}"));
            match output {
                portable::Output::Page(_) => self.page(handset),
                portable::Output::Send { connection, octets } => {
                    let says = self.natives[handset].hears(&connection, &octets);
                    self.air(handset, says);
                }
                portable::Output::Release { connection, .. } => self.radio_released(handset, connection),
                portable::Output::CipherKey { .. } => {}
                portable::Output::News(portable::News::Call(call, news)) => {
                    self.call_news(handset, call, news);
                }
                portable::Output::News(portable::News::TextShown(number, _)) => {
                    assert!(self.texts.remove(&(handset, number)), "a text is told of once");
                }
                portable::Output::News(_) => {}
            }
        }
    }

    fn call_news(&mut self, handset: usize, call: CallNo, news: CallNews) {
        if let CallNews::Asked { digits, connection, .. } = news {
            return self.handset_asks(handset, call, digits.0, connection);
        }
        let over = matches!(news, CallNews::Ended { .. });
        if let Some(agent) = self.node.air.get(&(handset, call)).copied() {
            let at = self.natives[handset].portable.connection().cloned();
            self.node.post(Mailbox::Agent(agent), Mail::Heard(news, at));
        }
        if over {
            self.node.air.remove(&(handset, call));
        }
    }

    /// The one who rings or talks hears nothing more of a link that is gone.
    fn radio_released(&mut self, handset: usize, connection: portable::Connection) {
        let native = &mut self.natives[handset];
        if native.connection.as_ref() == Some(&connection) {
            native.lost();
        }
        let closed = portable::Input::Closed { connection, normal: true };
        self.node.post(Mailbox::Handset(handset), Mail::Air(closed));
    }
}
