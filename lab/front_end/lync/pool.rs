//! A pool: front ends that share users, registrations and presence, and pass requests on to each other.

use std::sync::{Arc, Mutex, Weak};

use super::Lync;
use super::presence::Presences;
use super::route::RouteKey;
use crate::front_end::location::Location;
use crate::sip::endpoint::locked;
use crate::sip::tls::Authority;
use crate::sip::{Endpoint, Failure, Hop, Transport};

/// What the servers of a pool have in common. Cheap to clone; all clones are one pool. A front end with none
/// is a pool of its own.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    authority: Arc<Authority>,
    location: Arc<Location>,
    presences: Arc<Presences>,
    key: RouteKey,
    members: Mutex<Vec<Member>>,
}

/// One server.
#[derive(Clone)]
struct Member {
    fqdn: String,
    endpoint: Endpoint,
    lync: Weak<Lync>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = locked(&self.0.members).iter().map(|one| one.fqdn.clone()).collect();
        f.debug_tuple("Pool").field(&names).finish()
    }
}

impl Pool {
    /// A pool without servers, with a CA of its own.
    ///
    /// # Errors
    /// When the CA cannot be made.
    pub fn new() -> Result<Self, Failure> {
        Ok(Self::under(Arc::new(Authority::new("Kirkwall lab pool")?)))
    }

    /// A pool whose servers have certificates of this CA.
    pub fn under(authority: Arc<Authority>) -> Self {
        Self(Arc::new(Shared {
            authority,
            location: Arc::default(),
            presences: Arc::default(),
            key: RouteKey::fresh(),
            members: Mutex::default(),
        }))
    }

    /// The CA of its servers.
    pub fn authority(&self) -> &Arc<Authority> {
        &self.0.authority
    }

    pub(in crate::front_end) fn location(&self) -> Arc<Location> {
        self.0.location.clone()
    }

    pub(super) fn presences(&self) -> Arc<Presences> {
        self.0.presences.clone()
    }

    pub(super) fn key(&self) -> RouteKey {
        self.0.key
    }

    /// A server comes in, in place of one of the same name.
    pub(super) fn join(&self, fqdn: &str, lync: &Arc<Lync>, endpoint: &Endpoint) {
        let member = Member { fqdn: fqdn.to_owned(), endpoint: endpoint.clone(), lync: Arc::downgrade(lync) };
        let mut members = locked(&self.0.members);
        members.retain(|one| one.fqdn != fqdn && !one.endpoint.stop_token().is_cancelled());
        members.push(member);
    }

    /// Whether a name is a server's.
    pub(super) fn has(&self, fqdn: &str) -> bool {
        locked(&self.0.members).iter().any(|one| one.fqdn.eq_ignore_ascii_case(fqdn))
    }

    /// Where another server of the pool listens, TLS first.
    pub(super) fn hop_to(&self, fqdn: &str) -> Option<Hop> {
        let members = locked(&self.0.members);
        let member = members.iter().find(|one| one.fqdn.eq_ignore_ascii_case(fqdn))?;
        let listening = member.endpoint.listening();
        let ways = [Transport::Tls, Transport::Tcp];
        ways.into_iter().find_map(|way| Some(Hop::new(way, listening.of(way)?)))
    }

    /// The server that a Route's URI leads to (`ms-fe`).
    pub(super) fn hop_of_route(&self, uri: &str) -> Option<Hop> {
        self.hop_to(uri.split(';').find_map(|one| one.strip_prefix("ms-fe="))?)
    }

    /// Has every server tell its subscribers about a user.
    pub(super) fn tell(&self, user: &str, done: &str) {
        for member in locked(&self.0.members).clone() {
            if let Some(lync) = member.lync.upgrade() {
                lync.tell(&member.endpoint, user, done);
            }
        }
    }
}
