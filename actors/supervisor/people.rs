//! Users, their handsets and the base stations that carry them.

use std::collections::HashMap;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::call::admission::{DEFAULT_BASE, Limit};
use kirkwall_core::call::mailbox::Mailbox;
use kirkwall_core::id::{BaseStationId, Username};
use kirkwall_core::sip::{Destination, Peer, SipBaseProfile};
use kirkwall_data::base_station::BaseStations;
use kirkwall_data::handset::Handsets;
use kirkwall_data::user::UserRecord;
use metrics::{counter, gauge};
use tracing::error;

use super::{CallEntry, Supervisor};
use crate::base_station::{BaseStation, Carries, Seen};
use crate::dialog::Moved;
use crate::handset::{Forget, Handset, HandsetSeed, Located};

/// How often gauges of what changes all the time are counted.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// A user is new or was changed; it is on disk.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct AccountChanged(pub Box<UserRecord>);

/// A user was removed; it is no longer on disk.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct AccountRemoved(pub Username);

/// How do these users fare?
#[derive(Debug, Message)]
#[rtype(result = "HashMap<Username, UserState>")]
pub struct InspectUsers(pub Vec<Username>);

/// How a user fares.
#[derive(Debug, Clone, Default)]
pub struct UserState {
    /// A handset is registered.
    pub handset_registered: bool,
    /// The line to the north, in words.
    pub registration: String,
    /// Calls now.
    pub calls: u32,
    /// What waits in the mailbox; none: nobody ever told.
    pub mailbox: Option<Mailbox>,
}

/// A handset's bindings have changed and are saved.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct HandsetLocated {
    /// Whose.
    pub user: Username,
    /// Where it can be reached; empty when nowhere.
    pub places: Vec<Located>,
}

/// A base station is known, or its channel limit has changed.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct BaseSeen {
    /// Which.
    pub id: BaseStationId,
    /// Its voice channels.
    pub limit: Limit,
}

impl Supervisor {
    /// The handset actor of a user, made when it is first needed.
    pub(super) fn handset(&mut self, user: &Username, ctx: &mut Context<Self>) -> Addr<Handset> {
        if let Some(addr) = self.handsets.get(user).filter(|addr| addr.connected()) {
            return addr.clone();
        }
        let seed = HandsetSeed {
            user: user.clone(),
            ports: self.ports.clone(),
            supervisor: ctx.address(),
            tokens: self.tokens.split(),
        };
        let arbiter = self.roster.arbiter_of(user);
        let addr = Handset::start_in_arbiter(&arbiter, move |_| Handset::new(seed));
        self.handsets.insert(user.clone(), addr.clone());
        addr
    }

    /// Every handset with saved bindings gets its actor at once, so that calls reach it without its
    /// doing anything.
    pub(super) fn restore_handsets(&mut self, ctx: &mut Context<Self>) {
        let store = Handsets::<serde_json::Value>::new(&self.ports.journal);
        for record in store.iter() {
            match record.map(|record| record.aor.parse::<Username>()) {
                Ok(Ok(user)) => _ = self.handset(&user, ctx),
                Ok(Err(_)) => {}
                Err(fault) => error!(%fault, "a handset's bindings cannot be read"),
            }
        }
    }

    pub(super) fn restore_bases(&mut self, ctx: &mut Context<Self>) {
        let records: Vec<_> = BaseStations::new(&self.ports.journal).iter().collect();
        for record in records {
            match record {
                Ok(record) => _ = self.base(record.id, ctx),
                Err(fault) => error!(%fault, "a base station cannot be read"),
            }
        }
    }

    pub(super) fn base(&mut self, id: BaseStationId, ctx: &mut Context<Self>) -> Addr<BaseStation> {
        if let Some((addr, _)) = self.bases.get(&id).filter(|(addr, _)| addr.connected()) {
            return addr.clone();
        }
        let (ports, supervisor) = (self.ports.clone(), ctx.address());
        let (arbiter, name) = (self.roster.arbiter_of(&id), id.clone());
        let addr =
            BaseStation::start_in_arbiter(&arbiter, move |_| BaseStation::new(name, ports, supervisor));
        self.bases.insert(id, (addr.clone(), DEFAULT_BASE));
        addr
    }

    pub(super) fn base_seen(&mut self, profile: &SipBaseProfile, peer: &Peer, ctx: &mut Context<Self>) {
        let addr = self.base(profile.key.clone(), ctx);
        if let Some(entry) = self.bases.get_mut(&profile.key) {
            entry.1 = Limit::from(&profile.budget);
        }
        addr.do_send(Seen { profile: profile.clone(), peer: peer.clone() });
    }
}

impl Handler<AccountChanged> for Supervisor {
    type Result = ();

    fn handle(&mut self, AccountChanged(record): AccountChanged, ctx: &mut Self::Context) {
        let user = record.username.clone();
        let before = self.accounts.get(&user).and_then(|before| before.secondary_username.clone());
        before.map(|number| self.numbers.remove(&number));
        if let Some(number) = &record.secondary_username {
            self.numbers.insert(number.clone(), user.clone());
        }
        let handset = self.handset_of_user(&user);
        self.note_owner(&record);
        self.accounts.insert(user.clone(), *record);
        self.handset_changed(&user, handset);
        self.plant_changed = true;
        self.line_wanted(&user, ctx);
        self.mailbox_native(&user);
    }
}

impl Handler<AccountRemoved> for Supervisor {
    type Result = ();

    fn handle(&mut self, AccountRemoved(user): AccountRemoved, ctx: &mut Self::Context) {
        let record = self.accounts.remove(&user);
        record.and_then(|record| record.secondary_username).map(|number| self.numbers.remove(&number));
        self.emergencies.remove(&user);
        self.forget_log(&user);
        self.forget_features(&user);
        self.plant_changed = true;
        self.line_wanted(&user, ctx);
        self.remove_presence(&user);
        self.forget_mailbox(&user);
        if let Some(handset) = self.handsets.remove(&user) {
            handset.do_send(Forget);
        }
        self.locations.remove(&user);
        let theirs = |party: &kirkwall_core::call::Party| party.user.as_ref() == Some(&user);
        for entry in self.calls.values().filter(|e| theirs(&e.summary.caller) || theirs(&e.summary.callee)) {
            entry.addr.do_send(crate::call::HangUp("the user was removed".into()));
        }
    }
}

impl Handler<InspectUsers> for Supervisor {
    type Result = MessageResult<InspectUsers>;

    fn handle(&mut self, InspectUsers(users): InspectUsers, _: &mut Self::Context) -> Self::Result {
        let mut states: HashMap<Username, UserState> = HashMap::new();
        for user in users {
            let registration =
                self.lines.get(&user).map_or_else(|| "off".to_owned(), |line| line.state.words());
            let handset_registered = !self.places(&user).is_empty();
            let mailbox = self.mailboxes.of(&user).cloned();
            states.insert(user, UserState { handset_registered, registration, calls: 0, mailbox });
        }
        for summary in self.standing() {
            for user in [&summary.caller.user, &summary.callee.user].into_iter().flatten() {
                if let Some(state) = states.get_mut(user) {
                    state.calls += 1;
                }
            }
        }
        MessageResult(states)
    }
}

impl Handler<HandsetLocated> for Supervisor {
    type Result = ();

    fn handle(&mut self, HandsetLocated { user, places }: HandsetLocated, ctx: &mut Self::Context) {
        let before = self.locations.remove(&user).unwrap_or_default();
        for base in before
            .iter()
            .chain(&places)
            .map(|place| place.base.clone())
            .collect::<std::collections::BTreeSet<_>>()
        {
            let carries = places.iter().any(|place| place.base == base);
            self.base(base, ctx).do_send(Carries { user: user.clone(), carries });
        }
        let at = |place: &Located| (place.contact.clone(), place.destination.clone());
        let known: Vec<_> = before.iter().map(at).collect();
        self.tell_calls(&user, places.iter().map(at).filter(|place| !known.contains(place)).collect());
        if !places.is_empty() {
            self.tell_post(&user);
            self.locations.insert(user.clone(), places);
        }
        self.tell_range(&user);
        self.mailbox_places(&user);
        self.plant_changed = true;
    }
}

impl Supervisor {
    /// A handset in a call may have lost the connection that the call spoke over, with its process or ours.
    fn tell_calls(&self, user: &Username, fresh: Vec<(String, Destination)>) {
        let of_user = |entry: &&CallEntry| {
            let parties = [&entry.summary.caller, &entry.summary.callee];
            parties.iter().any(|party| party.user.as_ref() == Some(user))
        };
        for entry in self.calls.values().filter(of_user) {
            for (contact, destination) in fresh.iter().cloned() {
                entry.addr.do_send(Moved { contact, destination });
            }
        }
    }

    /// Counts base stations and handsets once a second, and not with each of thousands of registrations: a
    /// count looks at every place of every handset.
    pub(super) fn show_plant(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(COUNT_EVERY, |me, _| {
            if std::mem::take(&mut me.plant_changed) {
                me.count_plant();
            }
        });
    }

    fn count_plant(&self) {
        let up = self.bases_up();
        gauge!("ipdect_base_stations", "state" => "up").set(up as f64);
        gauge!("ipdect_base_stations", "state" => "down").set(self.bases.len().saturating_sub(up) as f64);
        gauge!("ipdect_users", "state" => "configured").set(self.accounts.len() as f64);
        gauge!("ipdect_users", "state" => "subscribed").set(self.locations.len() as f64);
    }

    /// Base stations that carry a handset now.
    pub(super) fn bases_up(&self) -> usize {
        let bases: std::collections::BTreeSet<&BaseStationId> = self
            .locations
            .values()
            .flatten()
            .chain(self.airborne.values())
            .map(|place| &place.base)
            .collect();
        bases.len()
    }
}

/// A handset's actor is gone, in whatever way.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct HandsetDied(pub Username);

impl Handler<HandsetDied> for Supervisor {
    type Result = ();

    /// It starts again from its record while its user is kept.
    fn handle(&mut self, HandsetDied(user): HandsetDied, ctx: &mut Self::Context) {
        if self.handsets.get(&user).is_none_or(|addr| addr.connected()) || !self.accounts.contains_key(&user)
        {
            return;
        }
        counter!("ipdect_actor_deaths_total", "actor" => "handset").increment(1);
        match self.deaths.may_restart(&format!("handset {user}"), self.ports.clock.now()) {
            true => _ = self.handset(&user, ctx),
            false => error!(%user, "a handset's actor keeps dying; it stays away until its next REGISTER"),
        }
    }
}

impl Handler<BaseSeen> for Supervisor {
    type Result = ();

    fn handle(&mut self, BaseSeen { id, limit }: BaseSeen, _: &mut Self::Context) {
        if let Some(entry) = self.bases.get_mut(&id) {
            entry.1 = limit;
        }
    }
}
