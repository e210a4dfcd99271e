//! The media relay of the pool: one signed-in user keeps the node's credentials for it; calls get what stands.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::id::Username;
use kirkwall_core::lync::mras::Granted;
use kirkwall_core::sip::{Facing, Transport};
use kirkwall_integration::sip::Target;
use tracing::{info, warn};

use super::Supervisor;
use crate::media_channel::{RelayAccess, RelayFailed};
use crate::presence::Happened;

/// How long a relay that failed is left alone.
const REST: Duration = Duration::from_secs(30);

/// Who keeps the credentials.
#[derive(Default)]
pub(super) struct Relays {
    keeper: Option<Username>,
    /// Who could.
    signed_in: BTreeSet<Username>,
    /// What stands, whether it serves or rests.
    known: Option<Arc<RelayAccess>>,
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
        let best = granted.relays.iter().find_map(|relay| Some((relay.host.clone(), relay.udp?)));
        let Some((host, port)) = best else { return warn!(%user, "no media relay serves UDP") };
        let (resolver, mut tokens) = (self.resolver.clone(), self.tokens.split());
        let looked_up = async move {
            let (transport, facing) = (Transport::Udp, Facing::North);
            let target = Target { host: host.clone(), port: Some(port), transport, facing };
            (resolver.resolve(&target, north.dns, || tokens.number() as u32).await, host)
        };
        ctx.spawn(looked_up.into_actor(self).map(|(found, host), me, _| {
            let server = match found {
                Ok(found) => found.into_iter().map(|one| one.address).find(|at| at.is_ipv4()),
                Err(fault) => return warn!(%host, %fault, "the media relay's name cannot be resolved"),
            };
            let Some(server) = server else { return warn!(%host, "the media relay has no IPv4 address") };
            info!(%server, "credentials for the media relay are there");
            let relay = Arc::new(RelayAccess { access: granted.access, server });
            me.presences.relays.known = Some(relay.clone());
            me.settings.media.ice.relay = Some(relay);
        }));
    }
}

impl Handler<RelayFailed> for Supervisor {
    type Result = ();

    /// Calls go on without it; after a while it is tried again.
    fn handle(&mut self, RelayFailed { server, why }: RelayFailed, ctx: &mut Self::Context) {
        if self.settings.media.ice.relay.as_ref().is_none_or(|relay| relay.server != server) {
            return;
        }
        warn!(%server, why, "the media relay is left alone for {} s", REST.as_secs());
        self.settings.media.ice.relay = None;
        ctx.run_later(REST, |me, _| me.settings.media.ice.relay = me.presences.relays.known.clone());
    }
}
