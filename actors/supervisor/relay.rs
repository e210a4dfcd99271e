//! The media relay of the pool: one signed-in user keeps the node's credentials for it; calls get what stands.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::id::Username;
use kirkwall_core::lync::mras::{Granted, RelayHost};
use kirkwall_core::media::ice::turn::RelayTransport;
use kirkwall_core::sip::{Facing, Transport};
use kirkwall_integration::sip::Target;
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::Supervisor;
use crate::media_channel::{RelayAccess, RelayFailed};
use crate::presence::Happened;

/// How long a relay that failed is left alone.
const REST: Duration = Duration::from_secs(30);
/// How long UDP to a relay is left alone while TCP gets through: a firewall does not change its mind soon, and
/// each try costs a call half a second.
const FIREWALL: Duration = Duration::from_secs(300);

/// Calls that may wait for a relay; more go on without.
const MOST_WAITING: usize = 20_000;

/// Who keeps the credentials.
#[derive(Default)]
pub(super) struct Relays {
    keeper: Option<Username>,
    /// Who could.
    signed_in: BTreeSet<Username>,
    /// What stands, whether it serves or rests.
    known: Option<RelayAccess>,
    /// The ways that are left alone for a while.
    rests: BTreeSet<SocketAddr>,
    rests_over_tcp: BTreeSet<SocketAddr>,
    /// New credentials are asked for: those that stand were refused.
    renews: bool,
    /// Calls that wait for a relay.
    wanted_by: Vec<oneshot::Sender<()>>,
}

impl Relays {
    /// What calls get: the ways that serve; none when there is none.
    fn serving(&self) -> Option<Arc<RelayAccess>> {
        let RelayAccess { access, udp, tcp } = self.known.clone()?;
        let udp = udp.filter(|at| !self.rests.contains(at));
        let tcp = tcp.filter(|at| !self.rests_over_tcp.contains(at));
        (udp.is_some() || tcp.is_some()).then(|| Arc::new(RelayAccess { access, udp, tcp }))
    }

    fn resting(&mut self, transport: RelayTransport) -> &mut BTreeSet<SocketAddr> {
        match transport {
            RelayTransport::Udp => &mut self.rests,
            RelayTransport::Tcp => &mut self.rests_over_tcp,
        }
    }
}

impl Supervisor {
    pub(super) fn relay_keeper_came(&mut self, user: &Username, limited: bool) {
        if limited || !self.settings.media.ice.uses_relay {
            return;
        }
        self.presences.relays.signed_in.insert(user.clone());
        match &self.presences.relays.keeper {
            // Signed in once more: what it was told is forgotten.
            Some(keeper) if keeper == user => self.presences.tell(user, Happened::WantsRelay),
            Some(_) => {}
            None => self.appoint_relay_keeper(),
        }
    }

    /// Credentials that stand are good without who asked for them; somebody else renews them.
    pub(super) fn relay_keeper_left(&mut self, user: &Username) {
        let relays = &mut self.presences.relays;
        relays.signed_in.remove(user);
        if relays.keeper.as_ref() == Some(user) {
            relays.keeper = None;
            self.appoint_relay_keeper();
        }
    }

    fn appoint_relay_keeper(&mut self) {
        let next = self.presences.relays.signed_in.first().cloned();
        if let Some(user) = &next {
            self.presences.tell(user, Happened::WantsRelay);
        }
        self.presences.relays.keeper = next;
    }

    pub(super) fn relay_granted(&mut self, user: &Username, granted: Granted, ctx: &mut Context<Self>) {
        let Some(north) = self.settings.north.clone() else { return };
        let wishes = self.settings.media.ice.relay_ways;
        let ways = |relay: &RelayHost| {
            let (udp, tcp) = (relay.udp.filter(|_| wishes.udp), relay.tcp.filter(|_| wishes.tcp));
            (udp.is_some() || tcp.is_some()).then(|| (relay.host.clone(), udp, tcp))
        };
        let Some((host, udp, tcp)) = granted.relays.iter().find_map(ways) else {
            return warn!(%user, "no media relay serves what lync.relay_transport wants");
        };
        let (resolver, mut tokens) = (self.resolver.clone(), self.tokens.split());
        let looked_up = async move {
            // Ports are told, so addresses are all that is asked for, whatever the way.
            let (transport, facing, port) = (Transport::Udp, Facing::North, udp.or(tcp));
            let target = Target { host: host.clone(), port, transport, facing };
            (resolver.resolve(&target, north.dns, || tokens.number() as u32).await, host)
        };
        ctx.spawn(looked_up.into_actor(self).map(move |(found, host), me, _| {
            let server = match found {
                Ok(found) => found.into_iter().map(|one| one.address).find(|at| at.is_ipv4()),
                Err(fault) => return warn!(%host, %fault, "the media relay's name cannot be resolved"),
            };
            let Some(server) = server else { return warn!(%host, "the media relay has no IPv4 address") };
            info!(%server, "credentials for the media relay are there");
            metrics::counter!("ipdect_relay_credentials_total").increment(1);
            let at = |port| SocketAddr::new(server.ip(), port);
            let relays = &mut me.presences.relays;
            relays.known = Some(RelayAccess { access: granted.access, udp: udp.map(at), tcp: tcp.map(at) });
            (relays.rests, relays.rests_over_tcp) = Default::default();
            relays.renews = false;
            for told in std::mem::take(&mut relays.wanted_by) {
                // Who waited may have given up.
                let _ = told.send(());
            }
            me.settings.media.ice.relay = relays.serving();
        }));
    }
}

impl Handler<RelayFailed> for Supervisor {
    type Result = ();

    /// Calls go on without it; after a while it is tried again.
    fn handle(&mut self, failed: RelayFailed, ctx: &mut Self::Context) {
        let RelayFailed { server, transport, why, stale } = failed;
        let relays = &mut self.presences.relays;
        let known = relays.known.as_ref().and_then(|known| known.at(transport));
        if known != Some(server) || !relays.resting(transport).insert(server) {
            return;
        }
        let serving = relays.serving();
        let rest = if serving.is_some() && transport == RelayTransport::Udp { FIREWALL } else { REST };
        warn!(%server, ?transport, why, "the media relay is left alone for {} s", rest.as_secs());
        if let Some(keeper) = relays.keeper.clone().filter(|_| stale) {
            relays.renews = true;
            self.presences.tell(&keeper, Happened::RelayRefused);
        }
        self.settings.media.ice.relay = serving;
        ctx.run_later(rest, move |me, _| {
            me.presences.relays.resting(transport).remove(&server);
            me.settings.media.ice.relay = me.presences.relays.serving();
        });
    }
}

/// Which relay serves now? Waits for credentials that are asked for.
#[derive(Debug, Message)]
#[rtype(result = "Option<Arc<RelayAccess>>")]
pub struct ServingRelay;

impl Handler<ServingRelay> for Supervisor {
    type Result = ResponseActFuture<Self, Option<Arc<RelayAccess>>>;

    fn handle(&mut self, _: ServingRelay, _: &mut Self::Context) -> Self::Result {
        let uses_relay = self.settings.media.ice.uses_relay;
        let relays = &mut self.presences.relays;
        let comes = uses_relay && (relays.known.is_none() || relays.renews);
        if !comes || relays.wanted_by.len() >= MOST_WAITING {
            return Box::pin(actix::fut::ready(relays.serving()));
        }
        relays.wanted_by.retain(|waits| !waits.is_closed());
        let (told, granted) = oneshot::channel();
        relays.wanted_by.push(told);
        Box::pin(granted.into_actor(self).map(|_, me, _| me.presences.relays.serving()))
    }
}
