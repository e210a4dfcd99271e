//! The location service: where users can be reached (RFC 3261 §10).

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::lync::identity::Instance;
use crate::sip::endpoint::locked;
use crate::sip::{Hop, address};

/// Most users with a Contact.
const MAX_USERS: usize = 20_000;
/// Most Contacts of one user.
const MAX_CONTACTS: usize = 8;

/// One Contact of one user.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The Contact's URI.
    pub contact: String,
    /// Where the REGISTER came from: the way back, over the same connection.
    pub hop: Hop,
    /// Who registered it.
    pub call_id: String,
    /// Its CSeq; an older REGISTER of the same Call-ID changes nothing.
    pub cseq: u32,
    /// When it ends.
    pub until: Instant,
    /// The device's User-Agent.
    pub user_agent: Option<String>,
    /// Which endpoint of the user it is, at a Lync registrar.
    pub identity: Option<Identity>,
    /// The connection that the REGISTER came over.
    pub registered_on: Option<u64>,
    /// The server of a Lync pool that holds that connection.
    pub server: Option<String>,
}

/// A Lync endpoint ([MS-SIPRE] 2.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// As written in From.
    pub epid: String,
    /// As registered; whether it is derived from the epid shows [`Instance::of_epid`].
    pub instance: Instance,
    /// What was returned.
    pub gruu: String,
}

impl Binding {
    /// Whether two bindings are one endpoint's: by epid, else by Contact.
    fn is_same(&self, other: &Self) -> bool {
        match (&self.identity, &other.identity) {
            (Some(one), Some(other)) => one.epid == other.epid,
            _ => self.contact == other.contact,
        }
    }
}

/// What became of a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is new.
    Added,
    /// It was there.
    Renewed,
}

/// Bindings by user.
#[derive(Default)]
pub(super) struct Location {
    users: Mutex<HashMap<String, Vec<Binding>>>,
}

/// Why a binding was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotBound {
    /// RFC 3261 §10.3 step 7: out of order.
    OutOfOrder,
    /// A table is full.
    Full,
}

impl Location {
    /// The bindings of a user that have not ended, newest first.
    pub(super) fn of(&self, user: &str) -> Vec<Binding> {
        let now = Instant::now();
        let mut users = locked(&self.users);
        let Some(bindings) = users.get_mut(user) else { return Vec::new() };
        bindings.retain(|one| one.until > now);
        let found = bindings.iter().rev().cloned().collect();
        if bindings.is_empty() {
            users.remove(user);
        }
        found
    }

    /// How many users have a binding.
    pub(super) fn users(&self) -> usize {
        let now = Instant::now();
        locked(&self.users).values().filter(|bindings| bindings.iter().any(|one| one.until > now)).count()
    }

    /// Adds, renews or (with an end in the past) removes a binding.
    pub(super) fn bind(&self, user: &str, binding: Binding) -> Result<Taken, NotBound> {
        let mut users = locked(&self.users);
        if users.len() >= MAX_USERS && !users.contains_key(user) {
            return Err(NotBound::Full);
        }
        let bindings = users.entry(user.to_owned()).or_default();
        bindings.retain(|one| one.until > Instant::now());
        let same = |one: &Binding| one.is_same(&binding);
        let renews = bindings.iter().any(|one| same(one) && one.server == binding.server);
        let taken = if renews { Taken::Renewed } else { Taken::Added };
        if let Some(old) = bindings.iter().find(|one| same(one))
            && old.call_id == binding.call_id
            && old.cseq >= binding.cseq
        {
            return Err(NotBound::OutOfOrder);
        }
        bindings.retain(|one| !same(one));
        if binding.until > Instant::now() {
            if bindings.len() >= MAX_CONTACTS {
                return Err(NotBound::Full);
            }
            bindings.push(binding);
        }
        Ok(taken)
    }

    /// Removes every binding that was registered over a connection of this server; user and epid of those that had one.
    pub(super) fn forget_connection(&self, server: &str, id: u64) -> Vec<(String, String)> {
        let mut gone = Vec::new();
        locked(&self.users).retain(|user, bindings| {
            bindings.retain(|one| {
                let ends = one.registered_on == Some(id) && one.server.as_deref() == Some(server);
                let identity = one.identity.as_ref().filter(|_| ends);
                gone.extend(identity.map(|identity| (user.clone(), identity.epid.clone())));
                !ends
            });
            !bindings.is_empty()
        });
        gone
    }

    /// The epid of the endpoint whose Contact this is, on this hop.
    pub(super) fn epid_of_contact(&self, uri: &str, hop: &Hop) -> Option<String> {
        let users = locked(&self.users);
        let on_hop = |one: &&Binding| one.contact == uri && one.hop.connection == hop.connection;
        let mut found = users.values().flatten().filter(on_hop).filter_map(|one| one.identity.as_ref());
        found.next().map(|identity| identity.epid.clone())
    }

    /// Removes every binding of a user (`Contact: *`).
    pub(super) fn clear(&self, user: &str) {
        locked(&self.users).remove(user);
    }

    /// The way back to whoever registered this URI as Contact.
    pub(super) fn hop_of_contact(&self, uri: &str) -> Option<Hop> {
        let bindings = self.of(&address::user(uri)?);
        let place = |uri: &str| address::target(uri).map(|(_, address)| address);
        let wanted = place(uri);
        let fits = |one: &&Binding| one.contact == uri || (wanted.is_some() && place(&one.contact) == wanted);
        bindings.iter().find(fits).map(|one| one.hop)
    }
}

/// How long a binding lasts from now, whole seconds.
pub(super) fn seconds_left(binding: &Binding) -> u64 {
    let left: Duration = binding.until.saturating_duration_since(Instant::now());
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}
