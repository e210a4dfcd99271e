//! A node under test, its peers, and certificates for both.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kirkwall_core::sip::wire::{HeaderName, Message, Method};
use kirkwall_core::sip::{Destination, Facing, Peer, Transport};
use rcgen::{CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::pki::{ClientAuth, Identity, LiveIdentity, Trust, Usage, client_config, server_config};
use crate::sip::{Arrival, CloseCause, Limits, Listen, SendFault, Transports, TransportsConfig};

/// Longer than anything on loopback takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Transports with what they tell.
pub struct Node {
    pub transports: Transports,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
}

impl Node {
    pub async fn start(config: TransportsConfig) -> Self {
        let (sender, arrivals) = mpsc::unbounded_channel();
        let transports = Transports::start(config, move |arrival| drop(sender.send(arrival))).await.unwrap();
        Self { transports, arrivals }
    }

    /// Listens on loopback by one transport, facing south.
    pub async fn listening(transport: Transport, limits: Limits) -> Self {
        let listeners = vec![listen(transport, "127.0.0.1:0")];
        Self::start(TransportsConfig { listeners, limits, ..TransportsConfig::default() }).await
    }

    /// Address of the listener.
    pub fn address(&self) -> SocketAddr {
        self.transports.bound()[0].bind
    }

    pub async fn next(&mut self) -> Arrival {
        timeout(PATIENCE, self.arrivals.recv()).await.expect("nothing arrived").unwrap()
    }

    /// Whether something is there now.
    pub fn try_next(&mut self) -> Option<Arrival> {
        self.arrivals.try_recv().ok()
    }

    /// The next good message; openings are passed over.
    pub async fn message(&mut self) -> (Message, Peer) {
        loop {
            match self.next().await {
                Arrival::Message { parsed: Ok(message), peer } => return (message, peer),
                Arrival::Opened { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub async fn opened(&mut self) -> Peer {
        match self.next().await {
            Arrival::Opened { peer, .. } => peer,
            other => panic!("{other:?}"),
        }
    }

    pub async fn closed(&mut self) -> CloseCause {
        loop {
            match self.next().await {
                Arrival::Closed { cause, .. } => return cause,
                Arrival::Opened { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub async fn failed(&mut self) -> SendFault {
        loop {
            match self.next().await {
                Arrival::SendFailed { cause, .. } => return cause,
                Arrival::Opened { .. } | Arrival::Closed { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub async fn refused(&mut self) -> String {
        match self.next().await {
            Arrival::Refused { what, .. } => what,
            other => panic!("{other:?}"),
        }
    }
}

pub fn listen(transport: Transport, bind: &str) -> Listen {
    Listen { facing: Facing::South, transport, bind: bind.parse().unwrap() }
}

pub fn to(transport: Transport, address: SocketAddr) -> Destination {
    Destination { transport, address, facing: Facing::South, connection: None, server_name: None }
}

pub fn named(address: SocketAddr, name: &str) -> Destination {
    Destination { server_name: Some(name.to_owned()), ..to(Transport::Tls, address) }
}

/// A request that can be told from others by its Call-ID.
pub fn request(call_id: &str) -> Message {
    let mut message = Message::request(Method::Options, "sip:b@example.com");
    message.headers.push(HeaderName::Via, "SIP/2.0/TCP h.example.com;branch=z9hG4bK1");
    message.headers.push(HeaderName::CallId, call_id);
    message.headers.push(HeaderName::CSeq, "1 OPTIONS");
    message
}

pub fn call_id(message: &Message) -> String {
    message.call_id().unwrap().to_string()
}

/// A certificate authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let key = KeyPair::generate().unwrap();
        // Two authorities of one name would be a forgery, which is another fault.
        let name = format!(
            "authority {}",
            key.public_key_raw()[1..9].iter().map(|b| format!("{b:02x}")).collect::<String>()
        );
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub fn trust(&self) -> Trust {
        Trust::from_pem("test authority", self.0.pem().as_bytes()).unwrap()
    }

    pub fn roots(&self) -> Arc<rustls::RootCertStore> {
        match self.trust() {
            Trust::Roots(roots) => roots,
            Trust::Unverified => unreachable!(),
        }
    }

    pub fn issue(&self, names: &[&str]) -> Arc<LiveIdentity> {
        self.issue_with(names, |_| {})
    }

    /// A certificate changed before it is signed. It is read as of one hour before now, so that one which
    /// has just expired can still be loaded and shown to a peer.
    pub fn issue_with(&self, names: &[&str], change: impl Fn(&mut CertificateParams)) -> Arc<LiveIdentity> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = names.iter().map(|name| alternative(name)).collect();
        params.not_before = (SystemTime::now() - Duration::from_secs(7_200)).into();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let then = SystemTime::now() - Duration::from_secs(3_600);
        let identity =
            Identity::from_pem("test", &certificate.pem(), &key.serialize_pem(), Usage::Both, then);
        LiveIdentity::new(identity.unwrap())
    }

    /// A certificate for these uses only, which need not be any that we would show ourselves.
    pub fn issue_for(&self, names: &[&str], uses: &[ExtendedKeyUsagePurpose]) -> Arc<LiveIdentity> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = names.iter().map(|name| alternative(name)).collect();
        params.extended_key_usages = uses.to_vec();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let signing = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let signing =
            rustls::crypto::ring::default_provider().key_provider.load_private_key(signing).unwrap();
        let certified = rustls::sign::CertifiedKey::new(vec![certificate.der().clone()], signing);
        LiveIdentity::new(Identity::unchecked(certified))
    }
}

fn alternative(name: &str) -> SanType {
    match (name.parse::<IpAddr>(), name.starts_with("sip:")) {
        (Ok(ip), _) => SanType::IpAddress(ip),
        (Err(_), true) => SanType::URI(name.try_into().unwrap()),
        (Err(_), false) => SanType::DnsName(name.try_into().unwrap()),
    }
}

/// TLS listener on loopback that shows `identity`.
pub async fn tls_server(identity: Arc<LiveIdentity>, clients: ClientAuth, limits: Limits) -> Node {
    let server_tls = BTreeMap::from([(Facing::South, server_config(identity, clients).unwrap())]);
    let listeners = vec![listen(Transport::Tls, "127.0.0.1:0")];
    Node::start(TransportsConfig { listeners, server_tls, limits, ..TransportsConfig::default() }).await
}

/// A node that opens TLS connections and listens nowhere.
pub async fn tls_client(trust: &Trust, identity: Option<Arc<LiveIdentity>>) -> Node {
    let client_tls = BTreeMap::from([(Facing::South, client_config(trust, identity).unwrap())]);
    Node::start(TransportsConfig { client_tls, ..TransportsConfig::default() }).await
}
