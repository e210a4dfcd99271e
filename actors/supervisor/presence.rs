//! Presence of Lync users: their actors, what they are told, and what they say.

use std::collections::HashMap;
use std::sync::Arc;

use actix::prelude::*;
use kirkwall_core::call::CallSummary;
use kirkwall_core::call::dialling::DialPlan;
use kirkwall_core::id::{OwnerId, Username};
use kirkwall_core::lync::endpoint::Instance;
use kirkwall_core::lync::endpoint_services::ServicesAccount;
use kirkwall_core::lync::location_profile::LocationProfile;
use kirkwall_core::lync::mras::Granted;
use kirkwall_core::lync::provisioning::Provisioning;
use kirkwall_core::lync::roaming::Waiting;
use kirkwall_core::lync::routing::NorthForward;
use kirkwall_core::sip::Destination;
use metrics::gauge;
use tracing::{debug, info, warn};

use super::pool_conferences::Way;
use super::relay::Relays;
use super::{OWNER_OF_LINE, Supervisor};
use crate::presence::{Happened, Presence, PresenceSeed};

/// Set beside [`OWNER_OF_LINE`] in the numbers of presence actors.
const OF_PRESENCE: u64 = 1 << 62;

/// The presence actors.
#[derive(Default)]
pub(super) struct Presences {
    actors: HashMap<Username, Addr<Presence>>,
    owners: HashMap<u64, Username>,
    notes: HashMap<Username, Vec<String>>,
    last: u64,
    /// Whether somebody has fetched the location profile.
    has_profile: bool,
    /// Who has credentials for the media relay, and what became of it.
    pub(super) relays: Relays,
}

impl Presences {
    /// Whose a number in a branch or tag is.
    pub fn of_owner(&self, OwnerId(owner): OwnerId) -> Option<&Addr<Presence>> {
        let of_presence = OWNER_OF_LINE | OF_PRESENCE;
        let owner = Some(owner).filter(|owner| owner & of_presence == of_presence)?;
        self.actors.get(self.owners.get(&owner)?)
    }

    /// What people should know of a user's presence.
    pub fn notes(&self, user: &Username) -> &[String] {
        self.notes.get(user).map_or(&[], Vec::as_slice)
    }

    /// Tells the actor of a user something.
    pub(super) fn tell(&self, user: &Username, what: Happened) {
        if let Some(presence) = self.actors.get(user) {
            presence.do_send(what);
        }
    }

    fn remove(&mut self, user: &Username) -> Option<Addr<Presence>> {
        self.owners.retain(|_, owner| owner != user);
        self.notes.remove(user);
        self.actors.remove(user)
    }
}

/// A line of Lync's is signed in, or not any longer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SignedIn {
    /// Whose.
    pub user: Username,
    /// How; none: not any longer.
    pub how: Option<SignedInHow>,
}

/// How a user is signed in.
#[derive(Debug)]
pub struct SignedInHow {
    /// GRUU, as the front end told.
    pub gruu: String,
    /// The endpoint.
    pub instance: Instance,
    /// `host:port` for Via.
    pub sent_by: String,
    /// Where requests go.
    pub proxy: Destination,
    /// No user services.
    pub limited: bool,
}

/// A presence actor has news.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub enum PresenceSays {
    /// What people should know of this user's presence.
    Notes(Username, Vec<String>),
    /// The dial plan of the pool.
    LocationProfile(Box<LocationProfile>),
    /// Credentials for the media relay.
    Relay(Username, Box<Granted>),
    /// What the pool provides for a user.
    Provisioned(Username, Box<Provisioning>),
    /// Messages wait for a user.
    Waiting(Username, Waiting),
    /// This forward of a user's stands at the front end.
    ForwardAgreed(Username, NorthForward),
    /// The user has set the first in a Lync client, in place of the second.
    FollowForward(Username, NorthForward, NorthForward),
    /// Who may call in the user's name, and the URI of his private line.
    Lines(Username, Vec<String>, Option<String>),
}

/// A presence actor is gone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct PresenceDied(pub Username);

/// Do not disturb was set or taken back at a handset.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct DoNotDisturbSet {
    /// Whose.
    pub user: Username,
    /// Whether.
    pub on: bool,
}

impl Supervisor {
    fn start_presence(&mut self, user: &Username, how: &SignedInHow, ctx: &mut Context<Self>) {
        let lync = self.settings.north.as_ref().and_then(|north| north.lync.as_ref());
        let Some(settings) = lync.map(|lync| lync.presence.clone()) else { return };
        self.presences.last += 1;
        let owner = OWNER_OF_LINE | OF_PRESENCE | self.presences.last;
        let account = ServicesAccount {
            owner: OwnerId(owner),
            aor: self.aor(user.as_str()),
            instance: how.instance,
            sent_by: how.sent_by.clone(),
            user_agent: self.settings.user_agent.clone(),
            times: settings.times,
            publishes: settings.publishes,
        };
        let seed = PresenceSeed {
            user: user.clone(),
            account,
            ports: self.ports.clone(),
            supervisor: ctx.address(),
            tokens: self.tokens.split(),
        };
        let arbiter = self.roster.arbiter_of(user);
        let addr = Presence::start_in_arbiter(&arbiter, move |_| Presence::new(seed));
        addr.do_send(Happened::Calls(self.calls_of(user)));
        self.presences.owners.insert(owner, user.clone());
        self.presences.actors.insert(user.clone(), addr);
        self.tell_range(user);
        self.tell_quiet(user);
        self.tell_forward(user);
    }

    /// Do not disturb is shown as it is set.
    pub(super) fn tell_quiet(&self, user: &Username) {
        if let Some(presence) = self.presences.actors.get(user) {
            let quiet = self.forwarding.get(user).is_some_and(|set| set.do_not_disturb);
            presence.do_send(Happened::DoNotDisturb(quiet));
        }
    }

    fn calls_of(&self, user: &Username) -> usize {
        self.standing().filter(|summary| summary.occupies(user)).count()
    }

    /// A call has changed: whoever is in it is shown so.
    pub(super) fn tell_presence(&self, summary: &CallSummary) {
        for user in [&summary.caller.user, &summary.callee.user].into_iter().flatten() {
            if let Some(presence) = self.presences.actors.get(user) {
                presence.do_send(Happened::Calls(self.calls_of(user)));
            }
        }
    }

    /// A handset has come or gone, where that is to be shown.
    pub(super) fn tell_range(&self, user: &Username) {
        let lync = self.settings.north.as_ref().and_then(|north| north.lync.as_ref());
        let shown = lync.is_some_and(|lync| lync.presence.offline_out_of_range);
        if let (Some(presence), true) = (self.presences.actors.get(user), shown) {
            let out = self.places(user).is_empty();
            presence.do_send(Happened::OutOfRange(out));
        }
    }

    pub(super) fn remove_presence(&mut self, user: &Username) {
        if let Some(presence) = self.presences.remove(user) {
            presence.do_send(Happened::Removed);
        }
        self.relay_keeper_left(user);
    }
}

impl Handler<SignedIn> for Supervisor {
    type Result = ();

    fn handle(&mut self, SignedIn { user, how }: SignedIn, ctx: &mut Self::Context) {
        if let Some(how) = &how
            && !self.presences.actors.contains_key(&user)
        {
            self.start_presence(&user, how, ctx);
        }
        let way = how.as_ref().map(|how| Way {
            instance: how.instance,
            sent_by: how.sent_by.clone(),
            proxy: how.proxy.clone(),
        });
        let came = way.is_some();
        self.conferences.signed_in(&user, way);
        if came {
            self.rejoin_conferences(&user, ctx);
        }
        match how {
            None => {
                self.presences.tell(&user, Happened::SignedOut);
                self.relay_keeper_left(&user);
            }
            Some(SignedInHow { gruu, proxy, limited, .. }) => {
                let wants_profile = !self.presences.has_profile;
                self.presences.tell(&user, Happened::SignedIn { gruu, proxy, limited, wants_profile });
                self.relay_keeper_came(&user, limited);
            }
        }
    }
}

impl Handler<PresenceSays> for Supervisor {
    type Result = ();

    fn handle(&mut self, said: PresenceSays, ctx: &mut Self::Context) {
        match said {
            PresenceSays::Relay(user, granted) => self.relay_granted(&user, *granted, ctx),
            PresenceSays::Notes(user, notes) => {
                debug!(%user, ?notes, "presence");
                match notes.is_empty() {
                    true => _ = self.presences.notes.remove(&user),
                    false => _ = self.presences.notes.insert(user, notes),
                }
                gauge!("ipdect_presence_troubles").set(self.presences.notes.len() as f64);
            }
            PresenceSays::LocationProfile(profile) => {
                for (pattern, fault) in &profile.left_out {
                    warn!(%pattern, %fault, "a rule of the pool's dial plan is left out");
                }
                info!(name = %profile.name, rules = profile.rules.len(), "the pool's dial plan is in use");
                self.presences.has_profile = true;
                let plan = DialPlan { learned: Some(*profile), ..(*self.settings.dialling).clone() };
                self.settings.dialling = Arc::new(plan);
            }
            PresenceSays::Provisioned(user, told) => {
                debug!(%user, profile = told.location_profile, "provisioned");
                self.conferences.factory(&user, told.focus_factory_uri.clone());
                self.pool_provides(&told, ctx);
            }
            PresenceSays::ForwardAgreed(user, forward) => self.forward_agreed(user, forward, ctx),
            PresenceSays::FollowForward(user, forward, instead_of) => {
                self.follow_forward(user, (forward, instead_of), ctx);
            }
            PresenceSays::Lines(user, delegates, private) => self.lines_told(user, delegates, private),
            PresenceSays::Waiting(user, waiting) => {
                self.lync_waiting(&user, waiting, ctx);
            }
        }
    }
}

impl Handler<DoNotDisturbSet> for Supervisor {
    type Result = ();

    fn handle(&mut self, DoNotDisturbSet { user, on }: DoNotDisturbSet, _: &mut Self::Context) {
        if let Some(presence) = self.presences.actors.get(&user) {
            presence.do_send(Happened::DoNotDisturb(on));
        }
    }
}

impl Handler<PresenceDied> for Supervisor {
    type Result = ();

    /// It is started again with the next sign-in.
    fn handle(&mut self, PresenceDied(user): PresenceDied, _: &mut Self::Context) {
        if self.presences.actors.get(&user).is_some_and(|presence| !presence.connected()) {
            self.presences.remove(&user);
            self.relay_keeper_left(&user);
        }
    }
}
