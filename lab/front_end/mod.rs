//! An emulated SIP front end: registrar, location service, proxy, and far-end users that live in it.
//!
//! ```text
//!             ┌───────────── front end ─────────────┐
//!  REGISTER ──► registrar ──► location              │
//!  INVITE ────► proxy ──┬───► location ──► Contact ─┼──► registered user
//!                       └───► far end (phones) ─────┼──► busy, answers, early media …
//!             └─────────────────────────────────────┘
//! ```
//!
//! It fails as front ends do: 403 for a wrong password, 404 for nobody, 480 for a user without a Contact,
//! 483 for a loop, 503 when full. One file per service. What a Lync front end does differently or besides
//! lies in [`lync`]; without [`FrontEndConfig::lync`] none of it is there.

mod accounts;
mod far_end;
mod location;
pub mod lync;
mod proxy;
mod registrar;
mod voice_mail;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ezk_sip_types::Method;
use tokio::sync::mpsc;

pub use accounts::{Account, Accounts};
pub use location::{Binding, Identity};
pub use lync::presence::Presence;
pub use lync::{LyncConfig, Pool, Signatures, Subscribed};

use crate::phone::{Behaviour, CallReport, CallScript, Dial, Phone, PhoneConfig};
use crate::sip::guard::Guard;
use crate::sip::tls::{Authority, Trust};
use crate::sip::{Endpoint, EndpointConfig, Failure, Hop, Incoming, Listening, Message, address};

/// What to emulate, and where.
#[derive(Debug, Clone)]
pub struct FrontEndConfig {
    /// The domain it is responsible for.
    pub domain: String,
    /// UDP; none leaves it out, port 0 takes a free one.
    pub udp: Option<SocketAddr>,
    /// TCP.
    pub tcp: Option<SocketAddr>,
    /// TLS, with a certificate of the front end's own CA.
    pub tls: Option<SocketAddr>,
    /// The address to show when a listener is bound to the unspecified one.
    pub advertise: Option<std::net::IpAddr>,
    /// Further names in its certificate, besides domain, `localhost` and its addresses.
    pub certificate_names: Vec<String>,
    /// Who may register.
    pub accounts: Accounts,
    /// Whether INVITE from outside a dialog must carry credentials too (407).
    pub challenges_calls: bool,
    /// Whether it stays in the path of dialogs.
    pub records_route: bool,
    /// Shortest registration; shorter wishes get 423.
    pub min_expires: Duration,
    /// Longest registration; longer wishes are cut.
    pub max_expires: Duration,
    /// Whether a user name that nobody has is a far-end user whose behaviour is read from the name
    /// ([`Behaviour::of_user_name`]); else 404.
    pub far_end_by_name: bool,
    /// The address of the far-end users' RTP ports; none: no sound.
    pub sound: Option<std::net::IpAddr>,
    /// Names of hosts that it connects to: emulators ask no DNS.
    pub hosts: Vec<(String, SocketAddr)>,
    /// The CA of its certificate, when several share one; none: one of its own.
    pub authority: Option<Arc<Authority>>,
    /// Further domains whose users live here: those of partners behind its Edge.
    pub federated: Vec<String>,
    /// Whether it speaks as a Lync front end does, and how.
    pub lync: Option<LyncConfig>,
}

impl FrontEndConfig {
    /// On free loopback ports of all three transports.
    pub fn loopback(domain: impl Into<String>, accounts: Accounts) -> Self {
        let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        Self {
            domain: domain.into().to_ascii_lowercase(),
            udp: any,
            tcp: any,
            tls: any,
            advertise: None,
            certificate_names: Vec::new(),
            accounts,
            challenges_calls: true,
            records_route: true,
            min_expires: Duration::from_secs(10),
            max_expires: Duration::from_secs(3_600),
            far_end_by_name: false,
            sound: Some(std::net::IpAddr::from([127, 0, 0, 1])),
            hosts: Vec::new(),
            authority: None,
            federated: Vec::new(),
            lync: None,
        }
    }
}

/// A running front end. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct FrontEnd(Arc<Shared>);

struct Shared {
    config: FrontEndConfig,
    endpoint: Endpoint,
    authority: Arc<Authority>,
    ca_pem: String,
    lync: Option<Arc<lync::Lync>>,
    registrar: registrar::Registrar,
    location: Arc<location::Location>,
    proxy: proxy::Proxy,
    far_end: far_end::FarEnd,
    voice_mail: voice_mail::VoiceMail,
}

impl FrontEnd {
    /// Binds and serves.
    ///
    /// # Errors
    /// When a socket cannot be bound or a certificate cannot be made.
    pub async fn start(config: FrontEndConfig) -> Result<Self, Failure> {
        let authority = match &config.authority {
            Some(authority) => authority.clone(),
            None => Arc::new(Authority::new("Kirkwall lab front end")?),
        };
        let pool = config.lync.as_ref().and_then(|lync| lync.members.clone());
        let pool = pool.unwrap_or_else(|| Pool::under(authority.clone()));
        let authority = pool.authority().clone();
        let accounts = Arc::new(accounts::Register::new(config.accounts.clone(), &config.domain));
        let location = pool.location();
        let lync = config.lync.clone();
        let lync = lync.map(|lync| lync::Lync::new(lync, &config.domain, accounts.clone(), pool.clone()));
        let lync = lync.transpose()?.map(Arc::new);
        let settings = endpoint_config(&config, &authority, lync.clone())?;
        let (endpoint, requests) = Endpoint::start(settings).await?;
        if let Some(lync) = &lync {
            lync.bound(&endpoint);
            lync.open_web(&endpoint).await?;
        }
        let proxy =
            proxy::Proxy::new(&config, endpoint.clone(), accounts.clone(), location.clone(), lync.clone());
        let front_end = Self(Arc::new(Shared {
            registrar: registrar::Registrar::new(&config, accounts.clone(), location.clone()),
            voice_mail: voice_mail::VoiceMail::new(accounts),
            proxy,
            far_end: far_end::FarEnd::new(&config, endpoint.clone()),
            ca_pem: authority.pem(),
            authority,
            lync,
            location,
            endpoint: endpoint.clone(),
            config,
        }));
        endpoint.spawn(front_end.clone().serve(requests));
        Ok(front_end)
    }

    /// The bound addresses.
    pub fn listening(&self) -> Listening {
        self.0.endpoint.listening()
    }

    /// The certificate of its CA.
    pub fn ca_pem(&self) -> &str {
        &self.0.ca_pem
    }

    /// A certificate of its CA for these names, with its key, both PEM: what a trusted application shows.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn issue(
        &self,
        names: &[String],
        addresses: &[std::net::IpAddr],
    ) -> Result<(String, String), Failure> {
        self.0.authority.issue(names, addresses)
    }

    /// Hangs, or wakes again: takes connections, hears nothing, says nothing.
    pub fn black_hole(&self, hangs: bool) {
        self.0.endpoint.mute(hangs);
    }

    /// Dies at once, without a last word.
    pub async fn kill(&self) {
        self.0.endpoint.mute(true);
        self.0.endpoint.stop().await;
    }

    /// The domain it is responsible for.
    pub fn domain(&self) -> &str {
        &self.0.config.domain
    }

    /// Adds a far-end user who is called as `user` and behaves so, with room for 64 calls at once.
    ///
    /// # Errors
    /// When there are too many.
    pub fn add_far_end(&self, config: PhoneConfig, behaviour: Behaviour) -> Result<Phone, Failure> {
        self.0.far_end.add(config, behaviour)
    }

    /// The far-end user of this name, made from the name when the configuration allows it.
    pub fn far_end(&self, user: &str) -> Option<Phone> {
        self.0.far_end.find(user)
    }

    /// So many new and old messages wait for a user, at a front end that is a plain registrar; subscribers are told.
    pub async fn voice_mail(&self, user: &str, messages: (u32, u32)) {
        self.0.voice_mail.holds(&self.0.endpoint, user, messages).await;
    }

    /// Where a user is registered now.
    pub fn bindings(&self, user: &str) -> Vec<Binding> {
        self.0.location.of(user)
    }

    /// Users with at least one Contact now.
    pub fn registered(&self) -> usize {
        self.0.location.users()
    }

    /// Calls a registered user, or a response group, from a far-end user.
    ///
    /// # Errors
    /// When the user is not registered.
    pub async fn call(&self, from: &Phone, to: &str, script: &CallScript) -> Result<CallReport, Failure> {
        if let Some(group) = self.response_group(to) {
            return Ok(self.call_group(from, group).await);
        }
        let bindings = self.bindings(&self.rung_for(to));
        let binding = bindings.first().ok_or_else(|| Failure::Unusable {
            field: "called user",
            text: format!("{to} is not registered at the front end"),
        })?;
        let to = Some(format!("sip:{to}@{}", self.domain()));
        Ok(from.call(&Dial { uri: binding.contact.clone(), to, hop: binding.hop }, script).await)
    }

    /// Dialogs, client and server transactions that it keeps now.
    pub fn kept(&self) -> (usize, usize, usize) {
        self.0.endpoint.kept()
    }

    /// Whether [`Self::stop`] was called.
    pub fn is_stopping(&self) -> bool {
        self.0.endpoint.stop_token().is_cancelled()
    }

    /// Hangs up, closes the sockets and waits, at most five seconds.
    pub async fn stop(&self) {
        self.0.endpoint.stop().await;
    }

    async fn serve(self, mut requests: mpsc::Receiver<Incoming>) {
        let stop = self.0.endpoint.stop_token().clone();
        while let Some(Some(incoming)) = stop.run_until_cancelled(requests.recv()).await {
            // Each request in a task of its own: a dead connection must not hold up the others. Their
            // number is bounded by the endpoint's table of transactions.
            let front_end = self.clone();
            self.0.endpoint.spawn(async move { front_end.dispatch(incoming).await });
        }
    }

    async fn dispatch(&self, mut incoming: Incoming) {
        let came_by = self.0.proxy.strip_own_route(&mut incoming.request, &incoming.hop);
        let Some(incoming) = self.route_call(incoming).await else { return };
        let request = &incoming.request;
        let local = request.header("Route").is_none() && self.is_local(request.uri());
        let new = request.tag("To").is_none();
        let incoming = match self.0.lync.is_some() && local {
            true => match self.take_for_services(incoming).await {
                Some(incoming) => incoming,
                None => return,
            },
            false => incoming,
        };
        let mut incoming = match &self.0.lync {
            Some(lync) if local => match lync.take(&self.0.endpoint, incoming).await {
                Some(incoming) => incoming,
                None => return,
            },
            _ => incoming,
        };
        let request = &incoming.request;
        match request.method() {
            Some(&Method::REGISTER) if local => self.0.registrar.register(incoming).await,
            Some(&Method::SUBSCRIBE) if local && self.0.voice_mail.serves() => {
                self.0.voice_mail.subscribe(&self.0.endpoint, incoming).await;
            }
            Some(&Method::OPTIONS) if local && address::user(request.uri()).is_none() => {
                accept(incoming).await
            }
            Some(&Method::INVITE) if new && !self.0.proxy.admits(&incoming).await => {}
            _ if local && new => match self.far_end_of(request) {
                Some(phone) => {
                    // In the place of a proxy on the way to a far-end user: its dialogs lead over us too.
                    if let Some(route) = self.record_route(&incoming.hop) {
                        incoming.request.push_front("Record-Route", route);
                    }
                    phone.handle(incoming).await
                }
                None => self.0.proxy.forward(incoming, true, None).await,
            },
            _ => self.0.proxy.forward(incoming, local, came_by).await,
        }
    }

    /// Takes what is for a conference or a response group of a Lync front end.
    async fn take_for_services(&self, incoming: Incoming) -> Option<Incoming> {
        let incoming = self.take_for_conferences(incoming).await?;
        self.take_for_groups(incoming).await
    }

    /// A far-end user, unless a registered one has that name.
    fn far_end_of(&self, request: &Message) -> Option<Phone> {
        let user = address::user(request.uri())?;
        if !self.0.location.of(&user).is_empty() || self.0.proxy.is_account(&user) {
            return None;
        }
        self.0.far_end.find(&user)
    }

    /// The Record-Route of a dialog with a far-end user.
    fn record_route(&self, hop: &Hop) -> Option<String> {
        self.0.lync.as_ref()?.record_route(hop, hop)
    }

    fn is_local(&self, uri: &str) -> bool {
        let config = &self.0.config;
        let named = address::host(uri)
            .is_none_or(|host| host == config.domain || config.federated.contains(&host.to_owned()));
        let own = self.0.lync.as_ref().is_some_and(|lync| lync.is_own(uri));
        named || own || address::target(uri).is_some_and(|(_, address)| self.0.endpoint.is_own(address))
    }
}

/// OPTIONS to the front end itself: it lives.
async fn accept(incoming: Incoming) {
    if let Some(server) = incoming.server {
        server.send(server.reply(200, "OK")).await;
    }
}

fn endpoint_config(
    config: &FrontEndConfig,
    authority: &Authority,
    guard: Option<Arc<lync::Lync>>,
) -> Result<EndpointConfig, Failure> {
    let lync = config.lync.as_ref();
    let mut names = lync.map(|lync| vec![lync.pool.clone(), lync.fqdn.clone()]).unwrap_or_default();
    names.extend([config.domain.clone(), "localhost".to_owned()]);
    names.extend(config.certificate_names.iter().cloned());
    let mut addresses: Vec<_> = config.tls.iter().map(SocketAddr::ip).chain(config.advertise).collect();
    addresses.push(std::net::IpAddr::from([127, 0, 0, 1]));
    addresses.retain(|ip| !ip.is_unspecified());
    // Only who knows trusted applications asks clients for a certificate.
    let asks = |lync: &&LyncConfig| !lync.trusted.is_empty() || lync.members.is_some();
    let clients = lync.filter(asks).map(|lync| lync.client_ca_pem.as_str());
    let (server, mutual) = authority.mutual(&names, &addresses, clients)?;
    let tls_client = if clients.is_some() { mutual } else { Trust::Anything.client()? };
    let mut hosts = config.hosts.clone();
    let applications = lync.iter().flat_map(|lync| &lync.trusted);
    hosts.extend(applications.filter_map(|one| Some((one.fqdn.clone(), one.address?))));
    Ok(EndpointConfig {
        udp: config.udp.filter(|_| lync.is_none()),
        tcp: config.tcp,
        tls: config.tls.map(|at| (at, server)),
        tls_client: Some(tls_client),
        advertise: config.advertise,
        forwards_stray_responses: true,
        swallows_pings: lync.is_some(),
        hosts,
        guard: guard.map(|lync| lync as Arc<dyn Guard>),
    })
}
