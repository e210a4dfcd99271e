//! What makes a front end one of Lync: it stands at the endpoint's door as its guard, and answers what a
//! plain registrar does not know.
//!
//! ```text
//!            ┌──────────────────── Lync ────────────────────┐
//!  arriving ─► trusted? ── else ─► security ─► routes ──────┼─► registrar, proxy, far end
//!  leaving ◄── signature ◄── epid, Record-Route ◄───────────┼──
//!            └───────────────────────────────────────────────┘
//! ```

mod associations;
mod call_routing;
pub mod conference;
mod config;
mod date;
mod documents;
mod dsk;
mod events;
pub mod identity;
mod inspect;
mod pool;
pub mod presence;
mod registrar;
pub mod response_group;
mod route;
mod security;
mod service;
mod signing;
mod tally;
mod web;
mod window;
mod xml;

use std::sync::{Arc, OnceLock};

use ezk_sip_types::Method;

pub use conference::{Escalation, Meeting};
pub use config::{
    ChallengeStyle, Cluster, Encryption, LocationProfile, LyncConfig, Ntlm, Proof, TrustedApplication,
};
pub use documents::{password_of, relay_credentials};
pub use events::Subscribed;
pub use pool::Pool;
pub use tally::Signatures;
pub use web::Gives;

use super::accounts::Register;
use super::location::{Binding, Location};
use crate::sip::guard::{Guard, Refusal, Verdict};
use crate::sip::{Endpoint, Failure, Hop, Incoming, Listening, Message, address};
use route::{Route, Routes};
use security::Security;
use tally::Tally;

/// See the module.
pub(super) struct Lync {
    config: LyncConfig,
    domain: String,
    accounts: Arc<Register>,
    location: Arc<Location>,
    security: Option<Arc<Security>>,
    web: OnceLock<Arc<web::Web>>,
    routes: Routes,
    tally: Arc<Tally>,
    /// Known as soon as the sockets are bound.
    listening: OnceLock<Listening>,
    watched: registrar::Watched,
    pool: Pool,
    presences: Arc<presence::Presences>,
    subscriptions: events::Subscriptions,
    conferences: conference::Conferences,
    groups: response_group::Groups,
    lines: call_routing::Lines,
}

impl Lync {
    pub(super) fn new(
        config: LyncConfig,
        domain: &str,
        accounts: Arc<Register>,
        pool: Pool,
    ) -> Result<Self, Failure> {
        let tally = Arc::new(Tally::default());
        let security = match &config.proof {
            Proof::Ntlm(ntlm) => {
                let dsk = ntlm.tls_dsk.map(|_| dsk::Dsk::new(pool.authority(), &config.fqdn)).transpose()?;
                let (accounts, tally) = (accounts.clone(), tally.clone());
                Some(Arc::new(Security::new(ntlm.clone(), &config.fqdn, domain, accounts, tally, dsk)))
            }
            Proof::None | Proof::Trust => None,
        };
        let routes = Routes::new(pool.key(), &config.pool, &config.fqdn);
        let (location, presences) = (pool.location(), pool.presences());
        let (domain, listening, watched) =
            (domain.to_owned(), OnceLock::new(), registrar::Watched::default());
        let subscriptions = events::Subscriptions::default();
        Ok(Self {
            config,
            domain,
            accounts,
            location,
            security,
            web: OnceLock::new(),
            routes,
            tally,
            listening,
            watched,
            pool,
            presences,
            subscriptions,
            conferences: conference::Conferences::default(),
            groups: response_group::Groups::default(),
            lines: call_routing::Lines::default(),
        })
    }

    /// Opens the web services that give certificates, where TLS-DSK is served.
    pub(super) async fn open_web(&self, endpoint: &Endpoint) -> Result<(), Failure> {
        let life = match &self.config.proof {
            Proof::Ntlm(ntlm) => ntlm.tls_dsk,
            Proof::None | Proof::Trust => None,
        };
        let Some((security, life)) = self.security.clone().zip(life) else { return Ok(()) };
        let (authority, stop) = (self.pool.authority().clone(), endpoint.stop_token().clone());
        let (web, service) = web::Web::start(security.clone(), authority, &self.domain, life, stop).await?;
        security.certificates_are_given_at(service);
        // It is opened once.
        let _ = self.web.set(web);
        Ok(())
    }

    pub(super) fn web(&self) -> Option<&Arc<web::Web>> {
        self.web.get()
    }

    /// To be called once, when the sockets are bound.
    pub(super) fn bound(self: &Arc<Self>, endpoint: &Endpoint) {
        // A second call would say the same.
        let _ = self.listening.set(endpoint.listening());
        self.pool.join(&self.config.fqdn, self, endpoint);
    }

    /// The way to where a binding is: here, or at another server of the pool, which knows it by its GRUU.
    pub(super) fn elsewhere(&self, binding: &Binding) -> Option<Hop> {
        let server = binding.server.as_deref().filter(|server| *server != self.config.fqdn)?;
        self.pool.hop_to(server)
    }

    /// The way to the server of the pool that a Route names.
    pub(super) fn hop_of_route(&self, route: &str) -> Option<Hop> {
        self.pool.hop_of_route(route)
    }

    pub(super) fn signatures(&self) -> Signatures {
        self.tally.signatures()
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        self.tally.complaints()
    }

    pub(super) fn presence(&self, user: &str) -> presence::Presence {
        self.presences.of(user)
    }

    pub(super) fn reports(&self) -> Vec<String> {
        self.tally.reports()
    }

    pub(super) fn associations(&self) -> usize {
        self.security.as_ref().map_or(0, |security| security.associations())
    }

    /// Answers what a Lync front end itself serves; gives back what it does not.
    pub(super) async fn take(self: &Arc<Self>, endpoint: &Endpoint, incoming: Incoming) -> Option<Incoming> {
        let request = &incoming.request;
        match request.method().map(ToString::to_string).as_deref() {
            Some("REGISTER") => self.register(endpoint, incoming).await,
            Some("SUBSCRIBE" | "SERVICE") if !self.config.user_services => {
                if let Some(server) = incoming.server {
                    let mut refusal = server.reply(480, "Temporarily Unavailable");
                    let (name, value) = self.diagnostics(4_240, "User services are not available");
                    refusal.push(name, value);
                    server.send(refusal).await;
                }
            }
            Some("SUBSCRIBE") => self.subscribe(endpoint, incoming).await,
            Some("SERVICE") => self.service(incoming).await,
            _ => return Some(incoming),
        }
        None
    }

    /// Whether a URI or a Route names this server.
    pub(super) fn is_own(&self, uri: &str) -> bool {
        address::host(uri).is_some_and(|host| self.routes.is_own(&host))
    }

    /// The connections that an own Route names; none when the Route is not ours.
    pub(super) fn own_route(&self, value: &str) -> Option<Vec<u64>> {
        match self.routes.read(value) {
            Route::Own(connections) => Some(connections),
            Route::Foreign | Route::Broken => None,
        }
    }

    /// The Record-Route for one end of a dialog.
    pub(super) fn record_route(&self, end: &Hop, other: &Hop) -> Option<String> {
        let port = self.listening.get()?.of(end.transport)?.port();
        Some(self.routes.record(end, other, port))
    }

    /// Where requests to an endpoint go: over the connection it registered on, or, for a trusted
    /// application that is to be connected to, to its own address.
    pub(super) fn way_to(&self, contact: &str, registered_on: Hop) -> Hop {
        let host = address::host(contact).unwrap_or_default();
        let application = self.config.trusted.iter().find(|one| one.fqdn.eq_ignore_ascii_case(&host));
        match application.and_then(|one| one.address) {
            Some(address) => Hop::new(registered_on.transport, address),
            None => registered_on,
        }
    }

    /// ms-diagnostics with this server as source.
    fn diagnostics(&self, id: u16, reason: &str) -> (&'static str, String) {
        ("ms-diagnostics", format!("{id};reason=\"{reason}\";source=\"{}\"", self.config.fqdn))
    }

    fn is_trusted(&self, peer: &[String]) -> bool {
        let named = |name: &str| self.config.trusted.iter().any(|one| one.fqdn.eq_ignore_ascii_case(name));
        peer.iter().any(|name| named(name) || self.pool.has(name))
    }

    /// [MS-SIP]: a Route that was changed on its way leads nowhere.
    fn routes_are_whole(&self, message: &Message) -> bool {
        message.headers_named("Route").all(|value| self.routes.read(value) != Route::Broken)
    }

    /// The top Via of a request, as Lync completes it.
    fn complete_via(message: &mut Message, hop: &Hop) {
        if let Some(via) = message.pop("Via") {
            let connection = hop.connection.unwrap_or(0);
            let more = format!("ms-received-port={};ms-received-cid={connection:X}00", hop.address.port());
            message.push_front("Via", format!("{via};{more}"));
        }
    }

    /// A request to a client: To names its endpoint, its dialog leads over us, and Route says nothing that
    /// was meant for us.
    fn complete_request(&self, message: &mut Message, hop: &Hop) {
        while message.header("Route").is_some_and(|value| self.routes.read(value) != Route::Foreign) {
            message.pop("Route");
        }
        let to = message.header("To").unwrap_or("").to_owned();
        if address::param(&to, "epid").is_none()
            && let Some(epid) = self.location.epid_of_contact(message.uri(), hop)
        {
            message.set("To", format!("{to};epid={epid}"));
        }
        let begins = [Some(&Method::INVITE), Some(&Method::SUBSCRIBE)].contains(&message.method());
        if begins
            && message.header("Record-Route").is_none()
            && let Some(route) = self.record_route(hop, hop)
        {
            message.push_front("Record-Route", route);
        }
    }
}

/// Leaves only the endpoint that a request names: by the GRUU in its Request-URI, or by the epid in To.
pub(super) fn narrow(bindings: &mut Vec<Binding>, request: &Message) {
    let opaque = request.uri().split(';').find_map(|one| one.strip_prefix("opaque="));
    let to = request.header("To").unwrap_or("");
    let epid = address::param(to, "epid");
    bindings.retain(|binding| match (&binding.identity, opaque, epid) {
        (Some(identity), Some(opaque), _) if opaque.starts_with("user:epid:") => {
            identity.instance.opaque() == opaque
        }
        (Some(identity), _, Some(epid)) => identity.epid == epid,
        _ => true,
    });
}

impl Guard for Lync {
    /// Contact is a GRUU, which the registrar knows: who has signed in anew is found where he is now.
    fn way_to(&self, request: &Message) -> Option<Hop> {
        let mut bindings = self.location.of(&address::user(request.uri())?);
        narrow(&mut bindings, request);
        bindings.into_iter().next().map(|binding| binding.hop)
    }

    fn arriving(&self, message: &mut Message, hop: &Hop, peer: &[String]) -> Verdict {
        if message.code().is_none() {
            Self::complete_via(message, hop);
        }
        if !self.is_trusted(peer) {
            let verdict = match (&self.security, &self.config.proof) {
                (Some(security), _) => security.judge(message, hop),
                (None, Proof::Trust) => Verdict::Refuse(Refusal {
                    code: 403,
                    reason: "Forbidden",
                    headers: vec![self.diagnostics(4004, "Credentials are not authorized for the From user")],
                }),
                (None, _) => Verdict::Pass,
            };
            if !matches!(verdict, Verdict::Pass) {
                return verdict;
            }
        }
        if !self.routes_are_whole(message) {
            self.tally.complain(message, "a Route is not as it was recorded");
            return Verdict::Refuse(Refusal {
                code: 481,
                reason: "Call Leg Does Not Exist",
                headers: vec![self.diagnostics(1004, "Route set is no longer valid")],
            });
        }
        Verdict::Pass
    }

    fn leaving(&self, message: &mut Message, hop: &Hop, peer: &[String]) {
        let theirs =
            ["Authorization", "Proxy-Authorization", "Authentication-Info", "Proxy-Authentication-Info"];
        theirs.into_iter().for_each(|name| message.remove(name));
        if message.code().is_none() {
            self.complete_request(message, hop);
        }
        if let Some(security) = self.security.as_ref().filter(|_| !self.is_trusted(peer)) {
            security.sign(message, hop);
        }
    }

    fn admits(&self, peer: &[String]) -> bool {
        let admitted = peer.is_empty() || self.is_trusted(peer);
        if !admitted {
            self.tally.stranger();
        }
        admitted
    }
}
