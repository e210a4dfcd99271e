//! How a call begins: with an INVITE, or from what was on disk.

use super::*;

impl Call {
    pub(super) fn invited(&mut self, invite: SipMessage, peer: Peer, ctx: &mut Context<Self>) {
        // Lync: who is called from the north answers by his line.
        let lync = peer.facing == Facing::North && self.settings.speaks_lync();
        let called = self.dialled.as_ref().filter(|_| lync);
        let called = called.map_or(String::new(), |dialled| dialled.user_text());
        let from = (peer.facing, peer.transport, peer.remote.ip());
        let local = local_end(&self.ports, &self.settings, from, &called);
        let caller = self.start_dialog(LegNo::CALLER, local, None, None, ctx);
        self.record(LegNo::CALLER, peer_name(&peer), true, invite.clone());
        caller.do_send(Hear { message: invite, peer });
        self.step(Input::Started, ctx);
    }

    /// Legs and media first, then the machine is told that it has started. A call whose media cannot be
    /// taken up again is ended, so that nobody sits in silence.
    pub(super) fn survived(
        &mut self,
        legs: BTreeMap<LegNo, LegRecord>,
        media: Option<MediaRecord>,
        ctx: &mut Context<Self>,
    ) {
        for (leg, record) in legs {
            self.start_dialog(leg, record.local.clone(), None, Some(record), ctx);
        }
        if self.machine.has_ended() {
            // Its record is written and its channels are back: only its legs have something to say.
            self.reported = true;
            self.step(Input::Started, ctx);
            return self.sort_legs(ctx);
        }
        let (channel, ports) = (self.media_channel(ctx), self.machine.ports());
        self.channel = Some(channel.clone());
        // A young call has not kept where its streams stand; its descriptions name the ports. New sources
        // take up there, whose packets nobody can take for old ones.
        let fresh = |(a, b)| MediaRecord::new(MediaPorts { a, b }, Default::default());
        let [a, b] = ports;
        let media = media.or_else(|| a.zip(b).map(fresh));
        let reopened = async move {
            match media {
                Some(record) => {
                    channel.send(Reopen(record.on_ports(ports))).await.is_ok_and(|done| done.is_ok())
                }
                None => false,
            }
        };
        ctx.spawn(reopened.into_actor(self).map(|reopened, me, ctx| {
            me.step(Input::Started, ctx);
            me.sort_legs(ctx);
            if !reopened {
                me.step(
                    Input::HangUp(Cause::of_status(503, "the call's media was lost with the process")),
                    ctx,
                );
            }
        }));
    }

    pub(super) fn media_channel(&mut self, ctx: &mut Context<Self>) -> Addr<MediaChannel> {
        let id = ChannelId(self.summary().reference.0);
        let ice = IceSeed {
            settings: self.settings.media.ice.agents.clone(),
            call: ctx.address().recipient(),
            ways: ctx.address().recipient(),
            relay: self.supervisor.clone().recipient(),
            tokens: self.tokens.split(),
            clock: self.ports.clock,
        };
        MediaChannel::new(id, self.ports.media.clone(), self.ports.journal.clone(), ice).start()
    }
}
