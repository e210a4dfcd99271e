//! INVITEs that ask for the place of one of the call's legs: by Replaces, for a conference that goes on, or by a code.

use kirkwall_core::call::Joining;
use kirkwall_core::id::Username;
use kirkwall_core::sip::replaces::{Matched, Replaces};

use super::*;
use crate::dialog::Named;

impl Call {
    /// What is known of a leg that asks for the place of another.
    pub(super) fn joining(
        &self,
        replaced: Result<LegNo, Cause>,
        party: core::Party,
        peer: &Peer,
        offer: Option<Body>,
    ) -> Joining {
        let ports = self.ports.media.ports(ChannelId(self.summary().reference.0));
        Joining {
            replaced,
            party,
            facing: peer.facing,
            offer,
            ports: ports.map_or((0, 0), |ports| (ports.a, ports.b)),
            address: self.seen(peer.facing, peer.transport, peer.remote.ip()),
            codecs: self.settings.media.codecs.clone(),
            srtp: self.srtp(peer.facing),
            habits: self.habits(peer.facing),
            ice: self.ice(peer.facing),
            shows: false,
        }
    }

    fn join(&mut self, join: Join, matched: Option<Matched>, old: Option<LegNo>, ctx: &mut Context<Self>) {
        let Join { invite, peer, whose, party } = join;
        let leg = self.machine.next_leg();
        let replaced = match (whose, old) {
            (Whose::Named(replaces), old) => {
                let admitted = replaces.admit(matched);
                let admitted = admitted.map(|()| old.unwrap_or(LegNo::CALLER));
                admitted.map_err(|fault| Cause::of_status(fault.status(), fault.to_string()))
            }
            (Whose::PartnerOf(_), old) => Ok(old.unwrap_or(LegNo::CALLER)),
            (Whose::RingingAt(_), old) => old.ok_or_else(nobody_rings),
        };
        let joining = self.joining(replaced, party, &peer, Body::of(&invite));
        self.step(Input::Joining(leg, Box::new(joining)), ctx);
        let from = (peer.facing, peer.transport, peer.remote.ip());
        let local = local_end(&self.ports, &self.settings, from, "");
        let dialog = self.start_dialog(leg, local, None, None, ctx);
        self.joined.extend(invite_key(&invite).map(|key| (key, leg)));
        self.record(leg, peer_name(&peer), true, invite.clone());
        dialog.do_send(Hear { message: invite, peer });
    }
}

/// Whose place in a call an INVITE wants.
#[derive(Debug, Clone)]
pub enum Whose {
    /// Of the end of this dialog (RFC 3891).
    Named(Replaces),
    /// Of whom this user talks with.
    PartnerOf(Username),
    /// Of what rings at this user's handset.
    RingingAt(Username),
}

pub(super) fn nobody_rings() -> Cause {
    Cause::of_status(480, "the call does not ring there any more")
}

/// An INVITE asks for the place of one of the call's legs (RFC 3891).
#[derive(Message)]
#[rtype(result = "()")]
pub struct Join {
    /// The INVITE.
    pub invite: SipMessage,
    /// Who sent it.
    pub peer: Peer,
    /// Whose place it wants.
    pub whose: Whose,
    /// Who calls.
    pub party: core::Party,
}

impl Handler<Join> for Call {
    type Result = ();

    fn handle(&mut self, join: Join, ctx: &mut Self::Context) {
        let (old, replaces) = match &join.whose {
            Whose::Named(replaces) => {
                let owner = OwnerId::in_word(&replaces.to_tag);
                (owner.and_then(|owner| self.machine.leg_named(owner)), Some(replaces.clone()))
            }
            Whose::PartnerOf(user) => (self.machine.partner_of(user), None),
            Whose::RingingAt(user) => (self.machine.rings_at(user), None),
        };
        let dialog = old.and_then(|old| self.dialog(old));
        let asked = dialog.zip(replaces).map(|(dialog, named)| dialog.send(Named(named)));
        let asked = async move {
            match asked {
                Some(asked) => asked.await.ok().flatten(),
                None => None,
            }
        };
        ctx.wait(asked.into_actor(self).map(move |matched, me, ctx| {
            me.join(join, matched, old, ctx);
        }));
    }
}
