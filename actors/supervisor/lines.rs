//! Lines to the north: one registration a user, started at a pace, moved when proxies change.

use std::net::SocketAddr;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::id::{OwnerId, Username};
use kirkwall_core::sip::proxy_watch::WatchInput;
use kirkwall_core::sip::{ConnectionId, Destination, Facing};
use metrics::{counter, gauge};
use tracing::{error, info, warn};

use kirkwall_integration::sip::Target;

use super::{LineEntry, Supervisor};
use crate::handset::{ConnectionGone, Located};
use crate::registration::{Leave, LineSeed, LineState, LyncSeed, NewProxies, Registration, Unreached, Want};
use crate::settings::LyncSettings;

/// Set in the owner number of a line, so that answers to REGISTER are told from those of calls.
pub const OWNER_OF_LINE: u64 = 1 << 63;

/// Most lines started in one tick, so that a start with thousands of users does not hold calls up. How
/// fast they register is for their [`Pace`](kirkwall_core::sip::pace::Pace).
const LINES_PER_TICK: usize = 100;
const TICK: Duration = Duration::from_millis(100);
/// How often the proxies' names are looked up again.
const RESOLVE_EVERY: Duration = Duration::from_secs(60);

/// A line has changed its state.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LineChanged {
    /// Whose.
    pub user: Username,
    /// How it is now.
    pub state: LineState,
}

impl Supervisor {
    /// Looks the proxies up now and then, and starts waiting lines at a pace.
    pub(super) fn watch_proxies(&mut self, ctx: &mut Context<Self>) {
        if self.settings.north.is_none() {
            return;
        }
        self.begin_watch(ctx);
        self.resolve_proxies(ctx);
        ctx.run_interval(RESOLVE_EVERY, |me, ctx| me.resolve_proxies(ctx));
        ctx.run_interval(TICK, |me, ctx| me.start_waiting_lines(ctx));
    }

    fn resolve_proxies(&mut self, ctx: &mut Context<Self>) {
        let Some(north) = self.settings.north.clone() else { return };
        let (resolver, mut tokens) = (self.resolver.clone(), self.tokens.split());
        let known = self.proxies.clone();
        let looked_up = async move {
            let mut found: Vec<Destination> = Vec::new();
            for proxy in &north.proxies {
                let target = Target {
                    host: proxy.host.clone(),
                    port: proxy.port,
                    transport: north.transport,
                    facing: Facing::North,
                };
                let answer = resolver.resolve(&target, north.dns, || tokens.number() as u32).await;
                match answer {
                    Ok(destinations) => found.extend(destinations),
                    Err(fault) => {
                        warn!(proxy = %proxy.host, %fault, "a proxy's name cannot be resolved");
                        // DNS that is down takes nothing away.
                        let same = |one: &&Destination| one.server_name.as_ref() == Some(&proxy.host);
                        found.extend(known.iter().filter(same).cloned());
                    }
                }
            }
            found
        };
        ctx.spawn(looked_up.into_actor(self).map(|found, me, ctx| me.proxies_found(found, ctx)));
    }

    fn proxies_found(&mut self, found: Vec<Destination>, ctx: &mut Context<Self>) {
        if found.is_empty() || found == self.proxies {
            return;
        }
        info!(count = found.len(), "proxies resolved");
        self.proxies = found;
        for line in self.lines.values() {
            line.addr.do_send(NewProxies(self.proxies.clone()));
        }
        self.watch(WatchInput::Proxies(self.proxies.clone()), ctx);
        self.utter_waiting(ctx);
    }

    /// A user came, changed or went: its line is started, told or stopped.
    pub(super) fn line_wanted(&mut self, user: &Username, _: &mut Context<Self>) {
        if self.settings.north.is_none() {
            return;
        }
        let account = self.accounts.get(user);
        let wanted = account.is_some_and(|record| record.enabled);
        match self.lines.get(user) {
            Some(line) if account.is_none() => line.addr.do_send(Leave),
            Some(line) => line.addr.do_send(Want { wanted, credentials: self.credentials(user) }),
            None if wanted && !self.waiting_lines.contains(user) => {
                self.waiting_lines.push_back(user.clone())
            }
            None => {}
        }
    }

    fn start_waiting_lines(&mut self, ctx: &mut Context<Self>) {
        if self.proxies.is_empty() {
            return;
        }
        for _ in 0..LINES_PER_TICK {
            let Some(user) = self.waiting_lines.pop_front() else { return };
            self.start_line(user, ctx);
        }
    }

    pub(super) fn start_line(&mut self, user: Username, ctx: &mut Context<Self>) {
        let Some(north) = self.settings.north.clone() else { return };
        let Some(credentials) = self.credentials(&user) else { return };
        self.next_line += 1;
        let owner = OWNER_OF_LINE | self.next_line;
        let seed = LineSeed {
            user: user.clone(),
            owner: OwnerId(owner),
            aor: self.aor(user.as_str()),
            registrar: self.settings.domain.clone(),
            expires: north.expires,
            user_agent: self.settings.user_agent.clone(),
            credentials,
            proxies: self.proxies.clone(),
            avoid: self.proxies_down(),
            lync: north.lync.as_ref().map(|lync| self.lync_seed(lync, &user)),
            pace: self.pace.clone(),
            ports: self.ports.clone(),
            supervisor: ctx.address(),
            tokens: self.tokens.split(),
        };
        let addr =
            Registration::start_in_arbiter(&self.roster.arbiter_of(&user), move |_| Registration::new(seed));
        self.line_owners.insert(owner, user.clone());
        self.lines.insert(user, LineEntry { addr, owner, state: LineState::default() });
    }

    fn lync_seed(&self, lync: &LyncSettings, user: &Username) -> LyncSeed {
        LyncSeed {
            ipei: self.accounts.get(user).and_then(|record| record.ipei.clone()),
            node: self.settings.node.clone(),
            trusted_server: lync.trusted_server,
            own_name: lync.own_name.clone(),
            subnet: lync.subnet,
            ask_expires: lync.ask_expires,
            tls_dsk: lync.tls_dsk.clone(),
        }
    }

    /// The actor of a line is gone: it is started again while its user is still wanted.
    pub(super) fn line_gone(&mut self, user: &Username, ctx: &mut Context<Self>) {
        if let Some(entry) = self.lines.remove(user) {
            self.line_owners.remove(&entry.owner);
        }
        if !self.accounts.contains_key(user) {
            return;
        }
        counter!("ipdect_actor_deaths_total", "actor" => "registration").increment(1);
        match self.deaths.may_restart(&format!("line {user}"), self.ports.clock.now()) {
            true => self.line_wanted(user, ctx),
            false => error!(%user, "a line's actor keeps dying; it stays away until its user is changed"),
        }
    }
}

impl Supervisor {
    /// A connection is gone. Handsets that registered over it are reached by address from now on; lines
    /// whose registrar was at its other end register again, since the registrar called us over it.
    pub(super) fn connection_gone(
        &mut self,
        connection: ConnectionId,
        facing: Facing,
        remote: SocketAddr,
        ctx: &mut Context<Self>,
    ) {
        match facing {
            Facing::South => {
                let uses = |places: &Vec<Located>| {
                    places.iter().any(|p| p.destination.connection == Some(connection))
                };
                for user in self.locations.iter().filter(|(_, places)| uses(places)).map(|(user, _)| user) {
                    if let Some(handset) = self.handsets.get(user) {
                        handset.do_send(ConnectionGone(connection));
                    }
                }
            }
            Facing::North => {
                // Who is half signed in has no keys over another connection, and would be refused there.
                let uses = |state: &LineState| {
                    let at = state.way.as_ref().map(|way| way.destination.address);
                    at == Some(remote) || state.awaits == Some(remote)
                };
                for line in self.lines.values().filter(|line| uses(&line.state)) {
                    line.addr.do_send(Unreached);
                }
                self.watch(WatchInput::Closed(remote), ctx);
            }
        }
    }
}

impl Handler<LineChanged> for Supervisor {
    type Result = ();

    fn handle(&mut self, LineChanged { user, state }: LineChanged, ctx: &mut Self::Context) {
        let gone = state.gone;
        if let Some(entry) = self.lines.get_mut(&user) {
            self.lines_up -= usize::from(entry.state.way.is_some());
            self.lines_up += usize::from(state.way.is_some());
            entry.state = state;
        }
        if gone {
            self.line_gone(&user, ctx);
        }
        self.mailbox_line(&user, ctx);
        gauge!("ipdect_users", "state" => "sip_registered").set(self.lines_up as f64);
    }
}
