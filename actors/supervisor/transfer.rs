//! Transfers: ways for their targets, and legs that go from one call to another.

use std::collections::HashMap;

use actix::prelude::*;
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::{Errand, LegNo, Party};
use kirkwall_core::id::{BaseStationId, CallRef, OwnerId};
use kirkwall_core::sip::replaces::Replaces;
use kirkwall_core::sip::wire::{Message as SipMessage, Scheme, Text, Uri};
use kirkwall_core::sip::{Facing, Peer};
use metrics::counter;
use tracing::info;

use super::{Admit, AdmitReply, Supervisor, invite_key};
use crate::call::{Bequeath, Inheritance, Join, Whose};

/// Legs that serve another call than the one in their names.
pub(super) type Passed = HashMap<OwnerId, CallRef>;

/// A call asks whom to dial for a transfer, and for their channels.
#[derive(Debug, Message)]
#[rtype(result = "AdmitReply")]
pub struct RouteTransfer {
    /// Which call.
    pub call: CallRef,
    /// What for.
    pub errand: Errand,
}

impl Handler<RouteTransfer> for Supervisor {
    type Result = ActorResponse<Self, AdmitReply>;

    fn handle(
        &mut self,
        RouteTransfer { call, errand }: RouteTransfer,
        ctx: &mut Self::Context,
    ) -> Self::Result {
        if let Some(user) = self.meets(&errand) {
            return self.way_to_conference(call, errand, user, ctx);
        }
        let reply = self.route_transfer(call, errand);
        if let Err(cause) = &reply {
            counter!("ipdect_call_refusals_total", "cause" => cause.q850.to_string()).increment(1);
            info!(%call, status = cause.status, why = %cause.words, "transfer refused");
        }
        ActorResponse::reply(reply)
    }
}

impl Supervisor {
    /// As a call by the user in whose name it is. Handsets are shown who will talk to them.
    fn route_transfer(&mut self, call: CallRef, errand: Errand) -> AdmitReply {
        let Errand { by, shown, to, srtp } = errand;
        let unreadable = || Cause::of_status(484, "the target of the transfer is no address");
        let dialled = Uri::parse(&Text::from(to)).ok_or_else(unreadable)?;
        // A number that was typed on a handset.
        let dialled = match dialled.scheme {
            Scheme::Tel => Uri::parse(&self.aor(&dialled.user_text()).into()).ok_or_else(unreadable)?,
            _ => dialled,
        };
        // A call by click shows its user whom it will be connected with; that one sees the user.
        let by = by
            .user
            .as_ref()
            .map_or(by.clone(), |user| Party { base: by.base.clone(), ..self.party(user, None) });
        let ask = Admit { call, caller: by, dialled, facing: Facing::South, srtp, at: None };
        let mut granted = self.admit_call(&ask)?;
        let handsets =
            granted.attempts.iter_mut().flatten().filter(|target| target.destination.facing == Facing::South);
        for target in handsets.filter(|_| !shown.number.is_empty()) {
            target.from_uri = self.aor(&shown.number);
            target.from_display = shown.display.clone();
            if let Some(native) = &mut target.native {
                (native.number, native.internal) = (shown.number.clone(), shown.user.is_some());
            }
        }
        Ok(granted)
    }

    /// The call that a leg of that name serves.
    pub(super) fn call_of(&self, owner: OwnerId) -> CallRef {
        self.passed.get(&owner).copied().unwrap_or(LegNo::of_owner(owner).0)
    }

    /// An INVITE with Replaces goes to the call that it names.
    pub(super) fn join_call(&mut self, invite: SipMessage, peer: Peer, party: Party, replaces: Replaces) {
        let call = OwnerId::in_word(&replaces.to_tag).map(|owner| self.call_of(owner));
        let Some((call, key)) = call.filter(|call| self.calls.contains_key(call)).zip(invite_key(&invite))
        else {
            return self.refuse(&invite, &peer, 481);
        };
        if let Some(base) = &party.base {
            let limit = self.base_limit(base);
            if self.admission.reserve_base(call, base, limit, false).is_err() {
                return self.refuse(&invite, &peer, 503);
            }
        }
        self.invites.insert(key.clone(), call);
        if let Some(entry) = self.calls.get_mut(&call) {
            entry.joined.push(key);
            entry.addr.do_send(Join { invite, peer, whose: Whose::Named(replaces), party });
        }
    }

    /// An INVITE of a conference's mixer in whose conversation a user talks already goes to that call: it goes on in
    /// the conference, and nothing rings. False: there is no such call.
    pub(super) fn goes_on(&mut self, invite: &SipMessage, peer: &Peer, party: &Party) -> bool {
        let Some((call, user)) = self.continued_by(invite, peer) else { return false };
        let Some(key) = invite_key(invite) else { return false };
        let Some(entry) = self.calls.get_mut(&call) else { return false };
        self.invites.insert(key.clone(), call);
        entry.joined.push(key);
        let (invite, peer, party) = (invite.clone(), peer.clone(), party.clone());
        entry.addr.do_send(Join { invite, peer, whose: Whose::PartnerOf(user), party });
        true
    }
}

/// To the call of that leg.
impl Handler<Bequeath> for Supervisor {
    type Result = ();

    fn handle(&mut self, bequeath: Bequeath, _: &mut Self::Context) {
        match self.calls.get(&self.call_of(bequeath.owner)) {
            Some(entry) => entry.addr.do_send(bequeath),
            None => bequeath.heir.do_send(Inheritance::NotOurs),
        }
    }
}

/// Legs of one call serve another from now on, and so do the channels that they hold.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct PassLegs {
    /// Whose they were.
    pub from: CallRef,
    /// Whose they are.
    pub to: CallRef,
    /// Their names in tags and branches.
    pub owners: Vec<OwnerId>,
    /// Base stations whose channels they hold.
    pub bases: Vec<BaseStationId>,
}

impl Handler<PassLegs> for Supervisor {
    type Result = ();

    fn handle(&mut self, PassLegs { from, to, owners, bases }: PassLegs, _: &mut Self::Context) {
        for base in bases {
            self.admission.pass_base(from, to, &base);
        }
        self.passed.extend(owners.into_iter().map(|owner| (owner, to)));
    }
}
