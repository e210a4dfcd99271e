//! Emulated handsets behind emulated SIP-DECT base stations.
//!
//! As on the market's bases, each handset is one SIP account, all accounts of a base register from its
//! one address, and the base has a budget of calls: a further one is answered 486 or refused before it is
//! dialled. The radio is not emulated here.

mod model;
pub mod native;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ezk_sip_types::Method;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use model::Model;

use crate::media::{Codec, Protection, Traits, Voice};
use crate::phone::registration::{Registrar, Standing, registered_within};
use crate::phone::{Behaviour, CallReport, CallScript, Dial, Phone, PhoneConfig};
use crate::sip::endpoint::locked;
use crate::sip::tls::Trust;
use crate::sip::{Credentials, Endpoint, EndpointConfig, Failure, Hop, Incoming, Transport, address};

/// One handset: an account at the switch.
#[derive(Debug, Clone)]
pub struct HandsetAccount {
    /// User part of the address of record.
    pub user: String,
    /// What the display shows.
    pub display_name: String,
    /// What it proves itself with.
    pub credentials: Credentials,
    /// The voice of whoever holds it.
    pub voice: Voice,
}

/// A base station with its handsets.
#[derive(Debug, Clone)]
pub struct BaseConfig {
    /// What it pretends to be.
    pub model: Model,
    /// Its MAC address, as twelve hexadecimal digits.
    pub mac: String,
    /// Its own address.
    pub ip: IpAddr,
    /// How it speaks to the switch.
    pub transport: Transport,
    /// The switch.
    pub registrar: SocketAddr,
    /// The domain of its accounts.
    pub domain: String,
    /// What it believes of the switch's certificate.
    pub trust: Trust,
    /// Registration wish.
    pub expires: Duration,
    /// What its handsets speak, preferred first.
    pub codecs: Vec<Codec>,
    /// How its handsets feel about SRTP.
    pub protection: Protection,
    /// Whether its handsets send comfort noise for silence, and take it.
    pub comfort_noise: bool,
    /// Whether its handsets make sound.
    pub sound: bool,
    /// Its handsets.
    pub handsets: Vec<HandsetAccount>,
}

/// A running base station. Stop it with [`Base::stop`].
pub struct Base {
    config: BaseConfig,
    endpoint: Endpoint,
    handsets: Handsets,
    channels: Arc<Semaphore>,
    unregister: CancellationToken,
}

/// By user.
type Handsets = Arc<Mutex<HashMap<String, Arc<Handset>>>>;

/// One emulated handset.
pub struct Handset {
    phone: Phone,
    hop: Hop,
    domain: String,
    standing: watch::Receiver<Standing>,
    /// Calls that the base can still carry.
    channels: Arc<Semaphore>,
}

impl Base {
    /// Opens the base's sockets and registers every handset; see [`Handset::registered_within`].
    ///
    /// # Errors
    /// When a socket cannot be bound or the trust cannot be used.
    pub async fn start(config: BaseConfig) -> Result<Self, Failure> {
        let any = Some(SocketAddr::new(config.ip, 0));
        let transport = config.transport;
        let endpoint_config = EndpointConfig {
            udp: any.filter(|_| transport == Transport::Udp),
            tcp: any.filter(|_| transport == Transport::Tcp),
            tls_client: Some(config.trust.client()?),
            ..EndpointConfig::default()
        };
        let (endpoint, requests) = Endpoint::start(endpoint_config).await?;
        let unregister = CancellationToken::new();
        let channels = Arc::new(Semaphore::new(config.model.calls()));
        let handsets = Handsets::default();
        endpoint.spawn(serve(endpoint.stop_token().clone(), requests, handsets.clone()));
        let base = Self { config, endpoint, handsets, channels, unregister };
        for account in &base.config.handsets {
            base.add(account);
        }
        Ok(base)
    }

    /// One more handset: it registers at once. One of the same user is replaced, and no longer reached.
    pub fn add(&self, account: &HandsetAccount) -> Arc<Handset> {
        let channels = self.channels.clone();
        let handset = Handset::start(&self.config, account, &self.endpoint, channels, &self.unregister);
        let handset = Arc::new(handset);
        locked(&self.handsets).insert(account.user.clone(), handset.clone());
        handset
    }

    /// Its handsets, in no order.
    pub fn handsets(&self) -> Vec<Arc<Handset>> {
        locked(&self.handsets).values().cloned().collect()
    }

    /// The handset of this user.
    pub fn handset(&self, user: &str) -> Option<Arc<Handset>> {
        locked(&self.handsets).get(user).cloned()
    }

    /// Dialogs, client and server transactions that it keeps now.
    pub fn kept(&self) -> (usize, usize, usize) {
        self.endpoint.kept()
    }

    /// Ends the registrations (at most two seconds), hangs up and closes the sockets.
    pub async fn stop(&self) {
        self.unregister.cancel();
        let ended = async {
            for handset in self.handsets() {
                let mut standing = handset.standing.clone();
                let _ = standing.wait_for(|now| *now == Standing::Ended).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(2), ended).await;
        self.endpoint.stop().await;
    }
}

/// Hands each request to the handset that its Request-URI names.
async fn serve(stop: CancellationToken, mut requests: mpsc::Receiver<Incoming>, handsets: Handsets) {
    while let Some(Some(incoming)) = stop.run_until_cancelled(requests.recv()).await {
        let user = address::user(incoming.request.uri()).unwrap_or_default();
        let handset = locked(&handsets).get(&user).cloned();
        match (handset, &incoming.server) {
            (Some(handset), _) => handset.take(incoming).await,
            (None, Some(server)) => server.send(server.reply(404, "Not Found")).await,
            (None, None) => {}
        }
    }
}

impl Handset {
    fn start(
        base: &BaseConfig,
        account: &HandsetAccount,
        endpoint: &Endpoint,
        channels: Arc<Semaphore>,
        unregister: &CancellationToken,
    ) -> Self {
        let config = PhoneConfig {
            display_name: account.display_name.clone(),
            credentials: Some(account.credentials.clone()),
            product: base.model.user_agent(&base.mac),
            voice: account.voice,
            sound: base.sound.then_some(base.ip),
            codecs: base.codecs.clone(),
            protection: base.protection,
            traits: Traits { comfort_noise: base.comfort_noise, ..Traits::default() },
            ..PhoneConfig::new(&account.user, &base.domain)
        };
        let answer = Behaviour::Answer { after: Duration::from_secs(1), talk: None };
        let phone = Phone::new(endpoint.clone(), config, answer);
        let hop = Hop::new(base.transport, base.registrar);
        let (standing, watched) = watch::channel(Standing::Unknown);
        let keep = Registrar::new(phone.clone(), hop).keep(base.expires, standing, unregister.child_token());
        endpoint.spawn(keep);
        Self { phone, hop, domain: base.domain.clone(), standing: watched, channels }
    }

    /// User part of its address of record.
    pub fn user(&self) -> &str {
        &self.phone.config().user
    }

    /// The phone in it: behaviour, reports of calls taken.
    pub fn phone(&self) -> &Phone {
        &self.phone
    }

    /// Where its registration stands; changes can be awaited.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// Waits for its registration.
    ///
    /// # Errors
    /// With the last standing, when the time is over.
    pub async fn registered_within(&self, limit: Duration) -> Result<(), Standing> {
        registered_within(&mut self.standing.clone(), limit).await
    }

    /// Dials a user of its domain and sees the call through.
    pub async fn dial(&self, user: &str, script: &CallScript) -> CallReport {
        let Ok(_channel) = self.channels.try_acquire() else {
            return self.phone.no_call(user, "the base has no free channel");
        };
        let dial = match user.split_once('@') {
            Some((user, domain)) => Dial::new(user, domain, self.hop),
            None => Dial::new(user, &self.domain, self.hop),
        };
        self.phone.call(&dial, script).await
    }

    /// A full base answers busy for its handset: most makers send 486.
    async fn take(&self, incoming: Incoming) {
        if incoming.request.method() != Some(&Method::INVITE) {
            return self.phone.handle(incoming).await;
        }
        match (self.channels.clone().try_acquire_owned(), &incoming.server) {
            (Ok(channel), _) => self.phone.handle_holding(incoming, Some(channel)).await,
            (Err(_), Some(server)) => server.send(server.reply(486, "Busy Here")).await,
            (Err(_), None) => {}
        }
    }
}
