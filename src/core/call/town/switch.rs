//! The supervisor of the town's switch: what arrives, who is admitted, and whose legs go where.

use super::handover::AirMail;
use super::node::*;
use super::{Town, invite_key, switch_address};
use crate::call::admission::Limit;
use crate::call::cause::{Cause, reason_phrase};
use crate::call::dialling::{CodeOrder, NumberClass};
use crate::call::forward::{Diversion, ForwardKind};
use crate::call::preempt::victim;
use crate::call::route::{Ask, InternalRouting, Routed, Way, check_forward, way};
use crate::call::{
    About, Admitted, Call, CallSummary, HoldSignals, Input, LegNo, NativeTarget, NewCall, Party, Phase,
    Target,
};
use crate::id::{BaseStationId, CallRef, OwnerId, Username};
use crate::media::Codec;
use crate::media::negotiate::{SrtpMode, SrtpPolicy};
use crate::radio::allocation::{Purpose, Want};
use crate::sip::invite::Body;
use crate::sip::replaces::Replaces;
use crate::sip::wire::{Message, Method, Scheme, Text, Uri, Via};
use crate::sip::{Destination, Facing, Peer};

pub const BASE: Limit = Limit::flat(3);

impl Town {
    /// The one match of the supervisor's mail.
    pub(super) fn supervise(&mut self, mail: Mail) {
        match mail {
            Mail::Arrived(message, peer) => self.arrived(message, peer),
            Mail::Failed(message) => self.send_failed(message),
            Mail::Admit(call, srtp) => self.admit(call, srtp),
            Mail::Divert(call, divert) => {
                if divert.shown.is_some() {
                    self.tallied("forwarded in a transfer");
                }
                let asked = (divert.by, divert.to, divert.reason);
                let reply = match self.node.calls.contains_key(&call) {
                    true => self.forward(call, (&asked.0, &asked.1, asked.2), &divert.trail),
                    false => return,
                };
                self.reply(call, reply);
            }
            // Calls between handsets stay inside anyhow.
            Mail::Inside(call) => {
                self.reply(call, Err(Cause::of_status(503, "the north side cannot be reached")));
            }
            Mail::Route(call, errand) => {
                let reply = self.route_transfer(call, *errand);
                self.reply(call, reply);
            }
            Mail::Bequeath { owner, replaces, heir } => {
                let call = self.node.call_of(owner);
                let (to, mail) = match self.node.calls.contains_key(&call) {
                    true => (Mailbox::Call(call), Mail::BequeathTo { owner, replaces, heir }),
                    false => (Mailbox::Call(heir), Mail::NotOurs),
                };
                self.node.post(to, mail);
            }
            Mail::PassLegs { from, to, owners, bases } => {
                for base in bases {
                    self.node.admission.pass_base(from, to, &base);
                }
                self.node.passed.extend(owners.into_iter().map(|owner| (owner, to)));
            }
            Mail::Release(call) => self.node.admission.release(call),
            Mail::ReleaseBase(call, base) => self.node.admission.release_base(call, &base),
            Mail::Progressed(summary) => {
                if let Some(exchange) = self.node.calls.get_mut(&summary.reference) {
                    exchange.summary = *summary;
                }
            }
            Mail::CallDied(call) => {
                self.call_left_rooms(call);
                self.node.admission.release(call);
                self.node.passed.retain(|_, by| *by != call);
                self.node.invites.retain(|_, by| *by != call);
            }
            Mail::NativeCall(ask) => self.native_call(ask),
            Mail::TakeBase { call, base, agent } => {
                let granted = self.take_base(call, &base);
                self.node.post(Mailbox::Agent(agent), Mail::Granted(granted));
            }
            Mail::MoveBase { call, from, to, agent } => {
                let granted = self.node.admission.reserve_base(call, &to, BASE, false);
                if granted.is_ok() {
                    self.node.admission.release_base(call, &from);
                }
                let granted = granted.map_err(|refusal| refusal.to_string());
                self.node.post(Mailbox::Agent(agent), Mail::Granted(granted));
            }
            Mail::TakeForHandover { handset, call, old, new, here } => {
                let (granted, call) = (self.take_base(call, &new.base), Some(call));
                let room = AirMail::Room { old, new, here, call, granted };
                self.node.post(Mailbox::Air(handset), Mail::ToAir(room));
            }
            Mail::KeepBase(call, base) => {
                let exchange = self.node.calls.get(&call);
                if exchange.is_some_and(|exchange| exchange.summary.phase != Phase::Ended) {
                    self.node.admission.keep_base(call, &base, BASE, Want::narrow(Purpose::New));
                }
            }
            Mail::IsWhole { digits, agent } => {
                let names = self.users.iter().map(Username::as_str);
                if plan().is_whole(&digits, names) {
                    let whole = crate::call::dect_leg::Input::Whole(crate::pii::Pii(digits));
                    self.node.post(Mailbox::Agent(agent), Mail::Stream(whole));
                }
            }
            Mail::RoomHears { room, call, news } => self.room_hears(&room, call, news),
            Mail::RoomDied(room) => drop(self.node.rooms.remove(&room)),
            Mail::Gather { call, user } => self.gather_calls(call, &user),
            Mail::Cede { call, member, heir } => self.cede_call(call, member, heir),
            Mail::Summon(summons) => self.summon(summons),
            Mail::InviteToRoom { room, to, by, told } => self.invite_to_room(&room, to, &by, told),
            _ => unreachable!("not the supervisor's mail"),
        }
    }

    fn arrived(&mut self, message: Message, peer: Peer) {
        if !message.is_request() {
            let branch = message.top_via().and_then(|via| via.branch());
            let owner = branch.and_then(|branch| OwnerId::in_word(branch.strip_prefix(Via::COOKIE)?));
            if let Some(call) = owner.map(|owner| self.node.call_of(owner)) {
                self.node.post(Mailbox::Call(call), Mail::Hear(message, peer));
            }
            return;
        }
        if let Some(tag) = message.to_tag() {
            let call = OwnerId::in_word(&tag).map(|owner| self.node.call_of(owner));
            return match call.filter(|call| self.node.calls.contains_key(call)) {
                Some(call) => self.node.post(Mailbox::Call(call), Mail::Hear(message, peer)),
                None if message.method() == Some(Method::Ack) => {}
                None => self.refuse(&message, &peer, 481),
            };
        }
        let known = invite_key(&message).and_then(|key| self.node.invites.get(&key).copied());
        match (known, message.method()) {
            (Some(call), Some(Method::Invite | Method::Cancel | Method::Ack)) => {
                self.node.post(Mailbox::Call(call), Mail::Hear(message, peer));
            }
            (None, Some(Method::Invite)) => self.new_call(message, peer),
            (None, Some(Method::Ack)) => {}
            _ => self.refuse(&message, &peer, 481),
        }
    }

    pub(super) fn refuse(&mut self, request: &Message, peer: &Peer, status: u16) {
        let answer = Message::response(request, status, reason_phrase(status), Some("nobody"));
        self.send_from_switch(answer, &peer.back());
    }

    fn send_failed(&mut self, message: Message) {
        let owner = match message.is_request() {
            true => {
                let branch = message.top_via().and_then(|via| via.branch());
                branch.and_then(|branch| OwnerId::in_word(branch.strip_prefix(Via::COOKIE)?))
            }
            false => message.to_tag().and_then(|tag| OwnerId::in_word(&tag)),
        };
        if let Some(call) = owner.map(|owner| self.node.call_of(owner)) {
            self.node.post(Mailbox::Call(call), Mail::SendFailed(message));
        }
    }

    /// One more channel, while the call stands.
    pub(super) fn take_base(&mut self, call: CallRef, base: &BaseStationId) -> Result<(), String> {
        let stands = self.node.calls.get(&call).is_some_and(|entry| entry.summary.phase != Phase::Ended);
        if !stands {
            return Err("the call has ended".to_owned());
        }
        let taken = self.node.admission.reserve_base(call, base, BASE, false);
        taken.map_err(|refusal| refusal.to_string())
    }

    pub(super) fn reference(&mut self) -> CallRef {
        self.disk.last_reference += 1;
        CallRef(self.disk.last_reference)
    }

    fn new_call(&mut self, invite: Message, peer: Peer) {
        let from = invite.from().map_or(String::new(), |from| from.uri.user_text());
        let caller = match peer.facing {
            Facing::South => self.party(&from, self.base_at(&peer)),
            Facing::North => Party { number: from, ..Party::default() },
        };
        match Replaces::of_invite(&invite) {
            Ok(None) => {}
            Ok(Some(replaces)) => return self.join_call(invite, peer, caller, replaces),
            Err(fault) => return self.refuse(&invite, &peer, fault.status()),
        }
        let (Some(key), Some(dialled)) = (invite_key(&invite), invite.request_uri()) else { return };
        let newcomer = Newcomer::Sip(Box::new(invite), peer.clone());
        let Some(Newcomer::Sip(invite, _)) = self.picks_up(newcomer, &caller, &dialled) else { return };
        let reference = self.reference();
        let callee = Party { number: dialled.user_text(), ..Party::default() };
        let new =
            NewCall { reference, caller, dialled: callee, facing: peer.facing, offer: Body::of(&invite) };
        self.node.invites.insert(key.clone(), reference);
        let facing = peer.facing;
        self.place_call(new, Some(dialled), facing);
        if let Some(exchange) = self.node.calls.get_mut(&reference) {
            exchange.invites.push(key);
        }
        let agent = self.sip_agent(reference, LegNo::CALLER, peer.transport, facing, None);
        self.node.post(Mailbox::Agent(agent), Mail::Hear(*invite, peer));
        self.node.post(Mailbox::Call(reference), Mail::Input(Input::Started));
    }

    pub(super) fn place_call(&mut self, new: NewCall, dialled: Option<Uri>, facing: Facing) {
        let (reference, summary) = (new.reference, CallSummary::of(&new, self.now));
        let machine = Call::new(new, self.tokens.split(), self.now);
        self.restore_call(reference, machine, summary, facing);
        if let Some(exchange) = self.node.calls.get_mut(&reference) {
            exchange.dialled = dialled;
        }
    }

    pub(super) fn restore_call(
        &mut self,
        reference: CallRef,
        machine: Call,
        summary: CallSummary,
        facing: Facing,
    ) {
        self.node.next_port += 4;
        let ports = (self.node.next_port, self.node.next_port + 2);
        let exchange = Exchange {
            machine,
            dialled: None,
            facing,
            legs: Default::default(),
            lent: Default::default(),
            giver: None,
            joined: Vec::new(),
            ports,
            flows: Default::default(),
            sounds: Default::default(),
            seats: Default::default(),
            called: Vec::new(),
            over: false,
            summary,
            invites: Vec::new(),
        };
        self.node.calls.insert(reference, exchange);
    }

    fn native_call(&mut self, ask: NativeAsk) {
        let NativeAsk { handset, digits, base, offer, agent, line } = ask;
        let dialled = Uri::parse(&Text::from(format!("sip:{}@switch.test", digits.replace('#', "%23"))));
        let Some(dialled) = dialled else {
            let cause = Cause::of_status(484, "no number");
            return self.node.post(Mailbox::Agent(agent), Mail::TurnedAway(line, cause));
        };
        let caller = self.party(self.natives[handset].number, base);
        let newcomer = Newcomer::Native(agent, line, offer);
        let Some(Newcomer::Native(_, _, offer)) = self.picks_up(newcomer, &caller, &dialled) else { return };
        let reference = self.reference();
        let callee = Party { number: dialled.user_text(), ..Party::default() };
        let new = NewCall { reference, caller, dialled: callee, facing: Facing::South, offer: Some(offer) };
        self.place_call(new, Some(dialled), Facing::South);
        if let Some(exchange) = self.node.calls.get_mut(&reference) {
            exchange.legs.insert(LegNo::CALLER, LegAddr { agent, line });
        }
        self.node.post(Mailbox::Call(reference), Mail::Input(Input::Started));
        self.node.post(Mailbox::Agent(agent), Mail::Joined(line, reference, LegNo::CALLER));
    }

    pub(super) fn party(&self, number: &str, base: Option<BaseStationId>) -> Party {
        let user = number.parse().ok().filter(|user| self.users.contains(user));
        Party { number: number.to_owned(), user, base, ..Party::default() }
    }

    fn base_at(&self, peer: &Peer) -> Option<BaseStationId> {
        self.base_of(peer.remote.ip())
    }

    fn join_call(&mut self, invite: Message, peer: Peer, party: Party, replaces: Replaces) {
        let call = OwnerId::in_word(&replaces.to_tag).map(|owner| self.node.call_of(owner));
        let call = call.filter(|call| self.node.calls.contains_key(call));
        let (Some(call), Some(key)) = (call, invite_key(&invite)) else {
            return self.refuse(&invite, &peer, 481);
        };
        if let Some(base) = &party.base
            && self.node.admission.reserve_base(call, base, BASE, false).is_err()
        {
            return self.refuse(&invite, &peer, 503);
        }
        self.node.invites.insert(key.clone(), call);
        if let Some(exchange) = self.node.calls.get_mut(&call) {
            exchange.invites.push(key);
        }
        self.node.post(Mailbox::Call(call), Mail::Join { invite, peer, replaces, party });
    }

    fn books(&self) -> Books<'_> {
        let (users, forwarding) = (&self.users, &self.disk.forwarding);
        Books {
            users,
            forwarding,
            emergencies: &self.node.emergencies,
            away: &self.away,
            barred: &self.barred,
            rooms: &self.node.rooms,
            calls: &self.node.calls,
        }
    }

    /// A reply takes its time: chance says how long.
    fn reply(&mut self, call: CallRef, reply: Granted) {
        let Some(exchange) = self.node.calls.get(&call) else { return };
        let ports = exchange.ports;
        let input = told(reply, |attempts| self.grant(call, attempts, ports));
        self.slowly(Mailbox::Call(call), Mail::Input(input));
    }

    fn grant(&self, call: CallRef, attempts: Vec<Vec<Target>>, ports: (u16, u16)) -> Admitted {
        let south = SrtpPolicy { mode: SrtpMode::Optional, ..SrtpPolicy::default() };
        let facing = self.node.calls.get(&call).map_or(Facing::South, |exchange| exchange.facing);
        let to = attempts.iter().flatten().next().map_or(Facing::South, |target| target.destination.facing);
        Admitted {
            port_a: ports.0,
            port_b: ports.1,
            address_a: switch_address(facing).ip(),
            address_b: switch_address(to).ip(),
            codecs: vec![Codec::G722, Codec::Pcma, Codec::Pcmu],
            srtp: (south, south),
            ice: Default::default(),
            relayed: Default::default(),
            habits: Default::default(),
            attempts,
            hold: HoldSignals { north: crate::call::HoldSignal::Inactive, ..HoldSignals::default() },
            join_code: plan().conference.keys,
            about: About::default(),
        }
    }

    fn admit(&mut self, call: CallRef, srtp: bool) {
        let Some(exchange) = self.node.calls.get(&call) else { return };
        let (caller, facing) = (exchange.machine.summary().caller.clone(), exchange.facing);
        let Some(dialled) = exchange.dialled.clone() else { return };
        let reply = self.way_of(call, &caller, &dialled, facing, srtp);
        if reply.is_err() {
            self.node.admission.release(call);
        }
        self.reply(call, reply);
    }

    fn way_of(
        &mut self,
        call: CallRef,
        caller: &Party,
        dialled: &Uri,
        facing: Facing,
        srtp: bool,
    ) -> Granted {
        let user = caller.user.clone();
        let ask = Ask::Dialled { facing, caller: user.as_ref(), uri: dialled, trail: &[], callback: false };
        let routed = way(ask, &plan(), InternalRouting::First, &self.books());
        match (&routed.way, user) {
            (Way::Code(CodeOrder::Conference), Some(user)) => {
                self.take_common(call, caller, facing, srtp, false)?;
                self.gather_by_code(&user, call)
            }
            (Way::NewRoom, Some(user)) => {
                self.take_common(call, caller, facing, srtp, false)?;
                self.new_room(&user)
            }
            (Way::Code(order), Some(user)) => {
                self.obey_code(&user, order.clone())?;
                self.take_common(call, caller, facing, srtp, false)?;
                Ok((Vec::new(), About { confirms: true, ..About::default() }))
            }
            _ => self.follow(call, (caller, dialled, facing, srtp), routed, false),
        }
    }

    fn obey_code(&mut self, user: &Username, order: CodeOrder) -> Result<(), Cause> {
        let mut set = self.disk.forwarding.get(user).cloned().unwrap_or_default();
        match order {
            CodeOrder::Forward(kind, to, seconds) => {
                check_forward(user, &to, &plan(), &self.books())?;
                set.set(kind, Some(to));
                set.no_answer_seconds = seconds.unwrap_or(set.no_answer_seconds);
            }
            CodeOrder::NoForward(kind) => set.set(kind, None),
            CodeOrder::NoForwards => ForwardKind::ALL.into_iter().for_each(|kind| set.set(kind, None)),
            CodeOrder::DoNotDisturb(quiet) => set.do_not_disturb = quiet,
            CodeOrder::CallWaiting(waits) => set.call_waiting = waits,
            _ => return Err(Cause::of_status(404, "there is no call in the log")),
        }
        self.tallied("feature code obeyed");
        self.disk.forwarding.insert(user.clone(), set);
        Ok(())
    }

    fn follow(
        &mut self,
        call: CallRef,
        (caller, dialled, facing, srtp): (&Party, &Uri, Facing, bool),
        routed: Routed,
        again: bool,
    ) -> Granted {
        let emergency = routed.class == NumberClass::Emergency;
        if emergency {
            self.node.emergencies.extend(caller.user.clone());
        }
        let Routed { way, trail, called, forwards, waits, uri, .. } = routed;
        if let Some(exchange) = self.node.calls.get_mut(&call) {
            let new: Vec<_> = called.into_iter().filter(|user| !exchange.called.contains(user)).collect();
            exchange.called.extend(new);
        }
        let about = About { emergency, trail, forwards, waits, ..About::default() };
        match way {
            Way::Refuse(cause) => Err(cause),
            Way::NewRoom => Err(Cause::of_status(484, "a new conference is dialled by itself")),
            Way::Room(room) => {
                if !again {
                    self.take_common(call, caller, facing, srtp, emergency)?;
                }
                Ok((Vec::new(), About { room: Some(room), ..about }))
            }
            Way::Code(_) => Err(Cause::of_status(484, "a feature code is dialled by itself")),
            Way::Handset(user) => {
                if !again {
                    self.take_common(call, caller, facing, srtp, emergency)?;
                }
                if about.waits {
                    self.tallied("a call that waits");
                }
                match self.handset_targets(call, caller, &user, &about) {
                    Ok(targets) => Ok((vec![targets], about)),
                    Err(cause) => match about.forwards.after(&cause) {
                        Some((to, reason)) => {
                            let forwarded = self.forward(call, (&user, &to, reason), &about.trail);
                            forwarded.map_err(|_| cause)
                        }
                        None => Err(cause),
                    },
                }
            }
            Way::North { line, number } => {
                if !again {
                    self.take_common(call, caller, facing, srtp, emergency)?;
                }
                let uri = number.as_ref().map(|number| format!("sip:{number}@switch.test")).or(uri);
                let uri = uri.unwrap_or_else(|| dialled.raw.to_string());
                let number = number.unwrap_or_else(|| dialled.user_text());
                Ok((self.north_targets(caller, &line, &uri, &number), about))
            }
        }
    }

    pub(super) fn forward(
        &mut self,
        call: CallRef,
        (by, to, reason): (&Username, &str, crate::call::forward::ForwardReason),
        trail: &[Diversion],
    ) -> Granted {
        let ask = Ask::Forwarded { by, to, reason, trail };
        let routed = way(ask, &plan(), InternalRouting::First, &self.books());
        let Some(exchange) = self.node.calls.get(&call) else {
            return Err(Cause::of_status(500, "no such call"));
        };
        let (caller, facing) = (exchange.machine.summary().caller.clone(), exchange.facing);
        let dialled = exchange.dialled.clone().or_else(|| Uri::parse(&"sip:x@switch.test".into()));
        let Some(dialled) = dialled else { return Err(Cause::of_status(500, "no URI")) };
        self.follow(call, (&caller, &dialled, facing, false), routed, true)
    }

    fn take_common(
        &mut self,
        call: CallRef,
        caller: &Party,
        facing: Facing,
        srtp: bool,
        emergency: bool,
    ) -> Result<(), Cause> {
        let refused = |refusal: crate::call::admission::Refusal| Cause::no_channel(503, refusal.to_string());
        let base = caller.base.as_ref().filter(|_| facing == Facing::South);
        if emergency {
            while !self.node.admission.media_fits(call, srtp) && self.preempt(call, None) {}
            if let Some(base) = base {
                while !self.node.admission.base_fits(base, BASE, srtp) && self.preempt(call, Some(base)) {}
            }
        }
        self.node.admission.reserve_media(call, srtp).map_err(refused)?;
        if let Some(base) = base {
            self.node.admission.reserve_base(call, base, BASE, srtp).map_err(refused)?;
        }
        Ok(())
    }

    fn preempt(&mut self, by: CallRef, base: Option<&BaseStationId>) -> bool {
        let holds = |call| self.node.admission.holds(call, base);
        let standing = self.node.calls.values().map(|exchange| &exchange.summary);
        let Some(call) = victim(standing.filter(|summary| summary.reference != by), holds) else {
            return false;
        };
        self.node.admission.release(call);
        self.node.post(Mailbox::Call(call), Mail::Input(Input::HangUp(Cause::preempted())));
        true
    }

    fn handset_targets(
        &mut self,
        call: CallRef,
        caller: &Party,
        user: &Username,
        about: &About,
    ) -> Result<Vec<Target>, Cause> {
        let native = self.natives.iter().find(|native| native.number == user.as_str());
        let place = match native {
            Some(native) => Some((
                native.standing.base.clone().unwrap_or_else(|| native.base.clone()),
                format!("tel:{}", native.number),
                destination_of_nobody(),
                Some(NativeTarget {
                    ipui: native.ipui.clone(),
                    number: caller.number.clone(),
                    internal: caller.user.is_some(),
                    waits: about.waits || about.forwards.busy.is_none(),
                    alarm: false,
                }),
            )),
            None => self.phones.values().find(|phone| phone.number == user.as_str()).and_then(|phone| {
                let destination = Destination {
                    transport: phone.transport,
                    address: phone.address,
                    facing: Facing::South,
                    connection: None,
                    server_name: None,
                };
                let contact = format!("sip:{}@{}", phone.number, phone.address);
                Some((self.base_of(phone.address.ip())?, contact, destination, None))
            }),
        };
        let Some((base, contact, destination, native)) = place else {
            return Err(Cause::of_status(480, "the handset is not registered"));
        };
        let taken = self.node.admission.reserve_base(call, &base, BASE, false);
        taken.map_err(|refusal| Cause::no_channel(486, refusal.to_string()))?;
        Ok(vec![Target {
            request_uri: contact,
            to_uri: format!("sip:{user}@switch.test"),
            from_uri: format!("sip:{}@switch.test", caller.number),
            from_display: String::new(),
            destination,
            route: Vec::new(),
            credentials_of: None,
            insist_on_srtp: false,
            headers: Vec::new(),
            parts: Vec::new(),
            base: Some((base.clone(), BASE)),
            native,
            party: self.party(user.as_str(), Some(base)),
        }])
    }

    /// The registrar's first proxy is sometimes dead; the second knows the same telephones.
    fn north_targets(&self, caller: &Party, line: &Username, uri: &str, number: &str) -> Vec<Vec<Target>> {
        let known =
            self.phones.values().find(|phone| phone.facing == Facing::North && phone.number == number);
        let phone = known.or_else(|| self.phones.values().find(|phone| phone.nobody));
        let Some(phone) = phone else { return Vec::new() };
        let target = |address| Target {
            request_uri: uri.to_owned(),
            to_uri: uri.to_owned(),
            from_uri: format!("sip:{line}@switch.test"),
            from_display: caller.display.clone(),
            destination: Destination {
                transport: phone.transport,
                address,
                facing: Facing::North,
                connection: None,
                server_name: None,
            },
            route: Vec::new(),
            credentials_of: Some(line.clone()),
            insist_on_srtp: false,
            headers: Vec::new(),
            parts: Vec::new(),
            base: None,
            native: None,
            party: Party { number: number.to_owned(), ..Party::default() },
        };
        let dead = self.dead_proxy.map(|address| vec![target(address)]);
        dead.into_iter().chain([vec![target(phone.address)]]).collect()
    }

    fn route_transfer(&mut self, call: CallRef, errand: crate::call::Errand) -> Granted {
        let unreadable = || Cause::of_status(484, "the target of the transfer is no address");
        let dialled = Uri::parse(&Text::from(errand.to.as_str())).ok_or_else(unreadable)?;
        // A number that was typed on a handset.
        let dialled = match dialled.scheme {
            Scheme::Tel => {
                let number = format!("sip:{}@switch.test", dialled.user_text().replace('#', "%23"));
                Uri::parse(&number.into()).ok_or_else(unreadable)?
            }
            _ => dialled,
        };
        let user = errand.by.user.clone();
        let ask = Ask::Dialled {
            facing: Facing::South,
            caller: user.as_ref(),
            uri: &dialled,
            trail: &[],
            callback: false,
        };
        let routed = way(ask, &plan(), InternalRouting::First, &self.books());
        self.follow(call, (&errand.by, &dialled, Facing::South, errand.srtp), routed, false)
    }
}

fn destination_of_nobody() -> Destination {
    Destination {
        transport: crate::sip::Transport::Tcp,
        address: ([192, 0, 2, 77], 1).into(),
        facing: Facing::South,
        connection: None,
        server_name: None,
    }
}
