//! Calls taken by the code for it. All the town is one pickup group.

use super::node::*;
use super::switch::BASE;
use super::{Town, invite_key, switch_address};
use crate::call::cause::Cause;
use crate::call::dialling::CodeOrder;
use crate::call::pick_up::{Ringing, picked};
use crate::call::{Input, Joining, Party};
use crate::id::{CallRef, Username};
use crate::media::Codec;
use crate::media::negotiate::{SrtpMode, SrtpPolicy};
use crate::sip::Facing;
use crate::sip::invite::Body;
use crate::sip::wire::Uri;

impl Town {
    /// The call that was meant, and at whom it rings. None: another thing was dialled.
    fn meant_by(&self, by: &Party, dialled: &Uri) -> Option<Result<(CallRef, Username), Cause>> {
        let Some(Ok(CodeOrder::PickUp(whom))) = plan().codes.read(&dialled.user_text()) else { return None };
        let by = by.user.clone()?;
        let ringing = self.node.calls.values().flat_map(|exchange| {
            let summary = exchange.machine.summary();
            let (call, since) = (summary.reference, summary.started);
            let at = self.users.iter().filter(|user| exchange.machine.rings_at(user).is_some());
            at.map(move |at| Ringing { call, at, since, private: false })
        });
        Some(picked(&by, |at| whom.as_ref().is_none_or(|whom| at.as_str() == whom), ringing))
    }

    /// Whether that was a code to take a call. If so, whoever dialled it joins that call, or hears why not.
    pub(super) fn picks_up(&mut self, newcomer: Newcomer, by: &Party, dialled: &Uri) -> Option<Newcomer> {
        let taken = match self.meant_by(by, dialled) {
            None => return Some(newcomer),
            Some(taken) => taken.and_then(|(call, of)| {
                let full =
                    |refusal: crate::call::admission::Refusal| Cause::no_channel(503, refusal.to_string());
                let base = by.base.iter().try_for_each(|base| {
                    self.node.admission.reserve_base(call, base, BASE, false).map_err(full)
                });
                base.map(|()| (call, of))
            }),
        };
        match (taken, newcomer) {
            (Ok((call, of)), newcomer) => {
                self.tallied("picked up by a code");
                let key = match &newcomer {
                    Newcomer::Sip(invite, _) => invite_key(invite),
                    Newcomer::Native(..) => None,
                };
                if let (Some(key), Some(exchange)) = (key, self.node.calls.get_mut(&call)) {
                    self.node.invites.insert(key.clone(), call);
                    exchange.invites.push(key);
                }
                self.node.post(Mailbox::Call(call), Mail::PickUp { newcomer, of, party: by.clone() });
            }
            (Err(cause), Newcomer::Sip(invite, peer)) => self.refuse(&invite, &peer, cause.status),
            (Err(cause), Newcomer::Native(agent, line, _)) => {
                self.node.post(Mailbox::Agent(agent), Mail::TurnedAway(line, cause));
            }
        }
        None
    }

    /// As the actor of the call does.
    pub(super) fn picked_up(&mut self, call: CallRef, newcomer: Newcomer, of: &Username, party: Party) {
        let Some(exchange) = self.node.calls.get(&call) else { return };
        let leg = exchange.machine.next_leg();
        self.node.joining.insert((call, leg));
        let gone = || Cause::of_status(480, "no call rings there any more");
        let offer = match &newcomer {
            Newcomer::Sip(invite, _) => Body::of(invite),
            Newcomer::Native(_, _, offer) => Some(offer.clone()),
        };
        let joining = Joining {
            replaced: exchange.machine.rings_at(of).ok_or_else(gone),
            party,
            facing: Facing::South,
            offer,
            ports: exchange.ports,
            address: switch_address(Facing::South).ip(),
            codecs: vec![Codec::G722, Codec::Pcma, Codec::Pcmu],
            srtp: SrtpPolicy { mode: SrtpMode::Optional, ..SrtpPolicy::default() },
            ice: Default::default(),
            habits: Default::default(),
            shows: matches!(newcomer, Newcomer::Native(..)),
        };
        self.step(call, Input::Joining(leg, Box::new(joining)));
        match newcomer {
            Newcomer::Sip(invite, peer) => {
                let agent = self.sip_agent(call, leg, peer.transport, peer.facing, None);
                if let Some(exchange) = self.node.calls.get_mut(&call) {
                    exchange.joined.extend(invite_key(&invite).map(|key| (key, leg)));
                }
                self.node.post(Mailbox::Agent(agent), Mail::Hear(*invite, peer));
            }
            Newcomer::Native(agent, line, _) => {
                if let Some(exchange) = self.node.calls.get_mut(&call) {
                    exchange.legs.insert(leg, LegAddr { agent, line });
                }
                self.node.post(Mailbox::Agent(agent), Mail::Joined(line, call, leg));
            }
        }
    }
}
