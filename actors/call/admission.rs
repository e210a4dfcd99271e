//! Getting in: channels and route from the supervisor, ports from the media channel, then on.

use kirkwall_core::call::Side;
use kirkwall_core::media::ice::turn::reservation::Verdict;
use kirkwall_core::media::negotiate::Habits;
use kirkwall_core::sip::Transport;

use super::*;

impl Call {
    /// Channels and route from the supervisor, then ports from the engine, then on.
    pub(super) fn ask_admission(&mut self, srtp: bool, ctx: &mut Context<Self>) {
        let Some(ask) = self.admit(srtp) else { return };
        let asked = self.supervisor.send(ask).into_actor(self);
        ctx.spawn(asked.then(|reply, me, ctx| {
            let channel = me.media_channel(ctx);
            let open = reply.as_ref().is_ok_and(Result::is_ok).then(|| channel.clone());
            me.channel = open.clone();
            let gather = me.gather(reply.as_ref().ok().and_then(|reply| reply.as_ref().ok()));
            let opened = async move {
                let Some(channel) = open else { return (None, None) };
                let opened = channel.send(Open).await;
                let relayed = match gather {
                    Some(gather) if matches!(opened, Ok(Ok(_))) => channel.send(gather).await.ok(),
                    _ => None,
                };
                (Some(opened), relayed)
            };
            opened.into_actor(me).then(|(opened, relayed), me, _| {
                me.relayed = relayed.unwrap_or_default();
                let question = match &opened {
                    Some(Ok(Ok(ports))) if !me.relayed[0].is_empty() => me.bandwidth_question(ports),
                    _ => None,
                };
                let asked = me.channel.clone().zip(question);
                let verdict = async move {
                    match asked {
                        Some((channel, question)) => channel.send(question).await.unwrap_or(Verdict::Room),
                        None => Verdict::Room,
                    }
                };
                verdict.into_actor(me).map(|verdict, me, ctx| {
                    let judged = me.judged(verdict);
                    me.admitted(reply, opened, judged, ctx);
                })
            })
        }));
    }

    /// The sides that do ICE get addresses at the relay before anybody is told where we are.
    fn gather(&self, granted: Option<&Granted>) -> Option<Gather> {
        let relay = self.settings.media.ice.relay.clone()?;
        let callee = granted?.attempts.iter().flatten().next().map(|target| target.destination.facing);
        let facing = [(Side::A, Some(self.facing)), (Side::B, callee)].into_iter();
        let does_ice = |facing: Facing| self.ice(facing) != IceMode::Off;
        let sides: Vec<_> =
            facing.filter(|(_, facing)| facing.is_some_and(does_ice)).map(|(side, _)| side).collect();
        (!sides.is_empty()).then_some(Gather { sides, relay })
    }

    fn admit(&self, srtp: bool) -> Option<Admit> {
        let (call, caller) = (self.summary().reference, self.summary().caller.clone());
        let at = self.machine.offered_path().map(|(peer, _)| peer.ip());
        let at = at.or(self.peer.as_ref().map(|peer| peer.remote.ip()));
        Some(Admit { call, caller, dialled: self.dialled.clone()?, facing: self.facing, srtp, at })
    }

    /// The way of a forward from the supervisor; ports are the call's own already.
    pub(super) fn ask_forward(&mut self, divert: Divert, ctx: &mut Context<Self>) {
        let Some(ask) = self.admit(false) else { return };
        let asked = self.supervisor.send(DivertCall { ask, divert });
        self.await_way(asked, ctx);
    }

    /// The way inside from the supervisor, when the north is lost.
    pub(super) fn ask_inside(&mut self, ctx: &mut Context<Self>) {
        let Some(ask) = self.admit(false) else { return };
        let asked = self.supervisor.send(KeepInside(ask));
        self.await_way(asked, ctx);
    }

    fn await_way(
        &mut self,
        asked: impl Future<Output = Result<AdmitReply, MailboxError>> + 'static,
        ctx: &mut Context<Self>,
    ) {
        ctx.spawn(asked.into_actor(self).map(|reply, me, ctx| {
            let ports = me.ports.media.ports(ChannelId(me.summary().reference.0));
            let input = match (reply, ports) {
                (Ok(Ok(Granted { attempts, credentials, about })), Some(ports)) => {
                    me.credentials = credentials;
                    Input::Admitted(Box::new(Admitted { about, ..me.grant(attempts, ports) }))
                }
                (Ok(Err(cause)), _) => Input::Denied(cause),
                _ => Input::Denied(Cause::of_status(500, "the switch could not find another way")),
            };
            me.step(input, ctx);
        }));
    }

    fn admitted(
        &mut self,
        reply: Result<AdmitReply, MailboxError>,
        opened: Option<Result<Result<MediaPorts, EngineFault>, MailboxError>>,
        judged: Result<bool, Cause>,
        ctx: &mut Context<Self>,
    ) {
        let relays_alone = judged.as_ref().is_ok_and(|alone| *alone);
        let input = match (reply, opened) {
            (Ok(Ok(_)), Some(Ok(Ok(_)))) if let Err(cause) = judged => Input::Denied(cause),
            (Ok(Ok(Granted { attempts, credentials, about })), Some(Ok(Ok(ports)))) => {
                self.credentials = credentials;
                let about = About { relays_alone, ..about };
                Input::Admitted(Box::new(Admitted { about, ..self.grant(attempts, ports) }))
            }
            (Ok(Err(cause)), _) => Input::Denied(cause),
            (Ok(Ok(_)), Some(Ok(Err(fault)))) => Input::Denied(Cause::no_channel(503, fault.to_string())),
            _ => Input::Denied(Cause::of_status(500, "the switch could not admit the call")),
        };
        self.step(input, ctx);
    }

    /// The address that a far end shall send its media to.
    pub(super) fn seen(&self, facing: Facing, transport: Transport, remote: IpAddr) -> IpAddr {
        // A base link is TLS without SIP: whatever socket faces that way has our address.
        let sockets = [transport, Transport::Udp, Transport::Tcp];
        let local = sockets.into_iter().find_map(|way| self.ports.sip.local(facing, way, remote));
        self.settings.media.address.or(local.map(|local| local.ip())).unwrap_or(remote)
    }

    pub(super) fn srtp(&self, facing: Facing) -> SrtpPolicy {
        match facing {
            Facing::North => self.settings.media.srtp_north,
            Facing::South => self.settings.media.srtp_south,
        }
    }

    pub(super) fn habits(&self, facing: Facing) -> Habits {
        match facing {
            Facing::North => self.settings.media.habits_north,
            Facing::South => self.settings.media.habits_south,
        }
    }

    pub(super) fn ice(&self, facing: Facing) -> IceMode {
        match facing {
            Facing::North => self.settings.media.ice.north,
            // Handsets and their bases stand in our own network.
            Facing::South => IceMode::Off,
        }
    }

    pub(super) fn grant(&self, attempts: Vec<Vec<Target>>, ports: MediaPorts) -> Admitted {
        let media = &self.settings.media;
        let callee = attempts.iter().flatten().next().map(|target| &target.destination);
        let seen = |facing, transport, remote| self.seen(facing, transport, remote);
        let policy = |facing| self.srtp(facing);
        let ice = |facing| self.ice(facing);
        let offered = callee.map_or_else(SrtpPolicy::default, |to| policy(to.facing));
        Admitted {
            port_a: ports.a,
            port_b: ports.b,
            address_a: self
                .peer
                .as_ref()
                .map_or(LOOPBACK, |peer| seen(self.facing, peer.transport, peer.remote.ip())),
            address_b: callee.map_or(LOOPBACK, |to| seen(to.facing, to.transport, to.address.ip())),
            codecs: media.codecs.clone(),
            srtp: (policy(self.facing), offered),
            habits: (
                self.habits(self.facing),
                callee.map_or_else(Habits::default, |to| self.habits(to.facing)),
            ),
            ice: (ice(self.facing), callee.map_or(IceMode::Off, |to| ice(to.facing))),
            relayed: self.relayed.clone().into(),
            attempts,
            hold: media.hold,
            join_code: self.settings.dialling.conference.keys.clone(),
            about: About::default(),
        }
    }
}
