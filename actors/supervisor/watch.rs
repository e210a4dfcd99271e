//! The watch over front ends, and redirections to home servers.

use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::id::{OwnerId, Username};
use kirkwall_core::machine::Machine;
use kirkwall_core::sip::proxy_watch::{ProxyWatch, WatchInput, WatchOutput, WatchSettings};
use kirkwall_core::sip::wire::{Host, Uri};
use kirkwall_core::sip::{Destination, Facing};
use kirkwall_integration::sip::{DnsMethod, Target};
use metrics::{counter, gauge};
use tracing::{debug, info, warn};

use super::{OWNER_OF_LINE, Supervisor};
use crate::registration::{Home, ProxyDown, ProxyUp};

/// The watch's name in branches: the line that no user has.
pub(super) const OWNER_OF_WATCH: OwnerId = OwnerId(OWNER_OF_LINE);

/// How often those who sit elsewhere are offered the first proxy.
const OFFER_EVERY: Duration = Duration::from_secs(10);

/// A registrar has sent the user elsewhere.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Redirect {
    /// Whose line.
    pub user: Username,
    /// Where to, in order.
    pub targets: Vec<Uri>,
    /// By whom.
    pub by: Destination,
}

impl Supervisor {
    /// Begins to watch, where the north is Lync and the settings want it.
    pub(super) fn begin_watch(&mut self, ctx: &mut Context<Self>) {
        let lync = self.settings.north.as_ref().and_then(|north| north.lync.as_ref());
        let Some(lync) = lync.filter(|lync| !lync.watch_every.is_zero()) else { return };
        let settings = WatchSettings {
            owner: OWNER_OF_WATCH,
            sent_by: lync.own_name.clone().unwrap_or_else(|| self.settings.domain.clone()),
            user_agent: self.settings.user_agent.clone(),
            every: lync.watch_every,
        };
        self.watcher = Some(ProxyWatch::new(settings, self.tokens.split()));
        ctx.run_interval(OFFER_EVERY, |me, _| me.offer_first());
    }

    pub(super) fn watch(&mut self, input: WatchInput, ctx: &mut Context<Self>) {
        let now = self.ports.clock.now();
        let Some(watch) = &mut self.watcher else { return };
        let ready = match watch.handle(input, now) {
            Ok(ready) => ready,
            Err(refusal) => return debug!(%refusal),
        };
        let after = watch.deadline().map(|at| at.since(now));
        if let Some(old) = self.watch_alarm.take() {
            ctx.cancel_future(old);
        }
        self.watch_alarm =
            after.map(|after| ctx.run_later(after, |me, ctx| me.watch(WatchInput::Deadline, ctx)));
        for output in ready.then {
            match output {
                WatchOutput::Send { request, to } => self.ports.sip.send(request, to),
                WatchOutput::Down { proxy, cause } => self.proxy_down(proxy, cause),
                WatchOutput::Up(proxy) => self.proxy_up(proxy),
            }
        }
    }

    fn proxy_down(&self, proxy: Destination, cause: &str) {
        warn!(proxy = %proxy.address, cause, "a proxy does not serve");
        counter!("ipdect_proxy_failures_total").increment(1);
        self.show_proxies();
        for line in self.lines.values() {
            line.addr.do_send(ProxyDown(proxy.clone()));
        }
    }

    fn proxy_up(&self, proxy: Destination) {
        info!(proxy = %proxy.address, "a proxy serves again");
        self.show_proxies();
        for line in self.lines.values().filter(|line| line.state.way.is_none()) {
            line.addr.do_send(ProxyUp(proxy.clone()));
        }
    }

    fn show_proxies(&self) {
        gauge!("ipdect_proxies", "state" => "down").set(self.proxies_down().len() as f64);
    }

    /// Who sits elsewhere and has no call goes back, once the first has served for a while.
    fn offer_first(&self) {
        let (Some(watch), Some(first)) = (&self.watcher, self.proxies.first()) else { return };
        let after = self.settings.north.as_ref().and_then(|north| Some(north.lync.as_ref()?.return_after));
        let since = watch.up_since(first);
        let lasts =
            since.zip(after).is_some_and(|(since, after)| self.ports.clock.now().since(since) >= after);
        if !lasts {
            return;
        }
        for (user, line) in self.lines.iter().filter(|(user, line)| line.state.away && !self.in_call(user)) {
            debug!(%user, "the first proxy is offered");
            line.addr.do_send(ProxyUp(first.clone()));
        }
    }

    /// Those that a new line need not try.
    pub(super) fn proxies_down(&self) -> Vec<Destination> {
        let down = |proxy: &&Destination| self.watcher.as_ref().is_some_and(|watch| watch.is_down(proxy));
        self.proxies.iter().filter(down).cloned().collect()
    }

    fn resolve_home(&mut self, Redirect { user, targets, by }: Redirect, ctx: &mut Context<Self>) {
        let (resolver, mut tokens) = (self.resolver.clone(), self.tokens.split());
        let looked_up = async move {
            let mut found: Vec<Destination> = Vec::new();
            for target in targets {
                let Some(host) = target.host else { continue };
                let is_address = matches!(host, Host::Ip(_));
                let target = Target {
                    host: host.to_string(),
                    port: target.port,
                    transport: by.transport,
                    facing: Facing::North,
                };
                match resolver.resolve(&target, DnsMethod::A, || tokens.number() as u32).await {
                    // An address stands in no certificate of a front end: it must prove the name of the
                    // pool that sent us there.
                    Ok(ways) if is_address => found.extend(
                        ways.into_iter()
                            .map(|way| Destination { server_name: by.server_name.clone(), ..way }),
                    ),
                    Ok(ways) => found.extend(ways),
                    Err(fault) => warn!(%fault, "a home server cannot be resolved"),
                }
            }
            (user, found)
        };
        ctx.spawn(looked_up.into_actor(self).map(|(user, found), me, _| {
            if let Some(line) = me.lines.get(&user) {
                line.addr.do_send(Home(found));
            }
        }));
    }
}

impl Handler<Redirect> for Supervisor {
    type Result = ();

    fn handle(&mut self, redirect: Redirect, ctx: &mut Self::Context) {
        self.resolve_home(redirect, ctx);
    }
}
