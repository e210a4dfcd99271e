//! Trusted applications: MTLS in both directions, no challenge; strangers are let go.

use kirkwall_lab::front_end::FrontEnd;
use kirkwall_lab::front_end::lync::{Proof, TrustedApplication};
use kirkwall_lab::phone::{Behaviour, CallScript, Outcome, Phone, PhoneConfig};
use kirkwall_lab::sip::tls::Authority;
use kirkwall_lab::sip::{Endpoint, EndpointConfig, Hop, Incoming, Message, Transport, fresh_token};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

use super::{DOMAIN, SOON};
use tokio::time::timeout;

const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const APPLICATION: &str = "dect.lab.test";

/// A trusted application with a certificate for `name`; the front end's CA is trusted, and its own is `ca`.
async fn application(ca: &Authority, name: &str) -> (Endpoint, mpsc::Receiver<Incoming>) {
    let (server, client) = ca.mutual(&[name.to_owned()], &[LOCAL], Some("")).unwrap();
    let config = EndpointConfig {
        tls: Some((SocketAddr::from((LOCAL, 0)), server)),
        tls_client: Some(client),
        ..EndpointConfig::default()
    };
    Endpoint::start(config).await.unwrap()
}

fn register(user: &str, epid: &str) -> Message {
    let mut request = Message::request(ezk_sip_types::Method::REGISTER, format!("sip:{DOMAIN}"));
    request.push("From", format!("<sip:{user}@{DOMAIN}>;tag={};epid={epid}", fresh_token()));
    request.push("To", format!("<sip:{user}@{DOMAIN}>"));
    request.push("Call-ID", fresh_token());
    request.push("CSeq", "1 REGISTER");
    let instance = kirkwall_lab::front_end::lync::identity::Instance::of_epid(epid);
    request.push(
        "Contact",
        format!("<sip:{APPLICATION}:5061;transport=tls>;+sip.instance=\"<urn:uuid:{instance}>\""),
    );
    request.push("Event", "registration");
    request
}

async fn start(ca: &Arc<Authority>, address: Option<SocketAddr>) -> FrontEnd {
    let mut config = super::plain(&["anna", "bob"]);
    config.authority = Some(ca.clone());
    let lync = config.lync.as_mut().unwrap();
    lync.proof = Proof::Trust;
    lync.trusted = vec![TrustedApplication { fqdn: APPLICATION.into(), address }];
    FrontEnd::start(config).await.unwrap()
}

#[tokio::test]
async fn a_trusted_application_registers_users_unasked_and_is_called_over_a_connection_to_itself() {
    let ca = Arc::new(Authority::new("shared").unwrap());
    let (endpoint, mut requests) = application(&ca, APPLICATION).await;
    let front_end = start(&ca, endpoint.listening().tls).await;
    let hop = Hop::new(Transport::Tls, front_end.listening().tls.unwrap());
    for (user, epid) in [("anna", "aaaaaaaa"), ("bob", "bbbbbbbb")] {
        let answer = endpoint.request(register(user, epid), &hop).await.unwrap().outcome().await.unwrap();
        assert_eq!(answer.code(), Some(200), "{answer:?}");
        assert_eq!(answer.header("Authentication-Info"), None);
    }
    let (sender, mut hops) = tokio::sync::mpsc::channel(4);
    let config = PhoneConfig { sound: None, ..PhoneConfig::new("anna", DOMAIN) };
    let phone = Phone::new(endpoint.clone(), config, Behaviour::Answer { after: Duration::ZERO, talk: None });
    let peer = endpoint.clone();
    endpoint.spawn(async move {
        while let Some(incoming) = requests.recv().await {
            let _ = sender.send((incoming.hop, peer.peer_names(&incoming.hop))).await;
            phone.handle(incoming).await;
        }
    });
    let config = PhoneConfig { sound: None, ..PhoneConfig::new("carol", DOMAIN) };
    let carol = front_end.add_far_end(config, Behaviour::BUSY).unwrap();
    let script = CallScript { talk: Some(Duration::from_millis(50)), ..CallScript::default() };
    let report = timeout(SOON, front_end.call(&carol, "anna", &script)).await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::Answered, "{report:?}");
    let (hop, names) = timeout(SOON, hops.recv()).await.unwrap().unwrap();
    assert_ne!(hop.address, front_end.listening().tls.unwrap(), "a connection of the front end's own");
    assert_eq!(names[0], "pool.lab.test");
    assert_eq!(front_end.signatures().bad + front_end.signatures().strangers, 0);
    front_end.stop().await;
}

#[tokio::test]
async fn a_certificate_of_another_name_or_authority_is_let_go_and_one_without_is_forbidden() {
    let ca = Arc::new(Authority::new("shared").unwrap());
    let front_end = start(&ca, None).await;
    let hop = Hop::new(Transport::Tls, front_end.listening().tls.unwrap());
    let (stranger, _requests) = application(&ca, "other.lab.test").await;
    let asked = async {
        match stranger.request(register("anna", "aaaaaaaa"), &hop).await {
            Ok(transaction) => {
                let closed = stranger.closed(&transaction.hop()).unwrap();
                closed.cancelled().await;
            }
            Err(error) => drop(error),
        }
    };
    timeout(SOON, asked).await.expect("the connection is closed");
    assert_eq!(front_end.signatures().strangers, 1);

    let foreign = Authority::new("foreign").unwrap();
    let (foreigner, _requests) = application(&foreign, APPLICATION).await;
    // It does not know the front end's CA either; whichever end sees the other first ends the handshake.
    assert!(foreigner.connect(&hop).await.is_err());

    let config = EndpointConfig {
        tls_client: Some(kirkwall_lab::sip::tls::Trust::Pem(front_end.ca_pem().into()).client().unwrap()),
        ..EndpointConfig::default()
    };
    let (nobody, _requests) = Endpoint::start(config).await.unwrap();
    let answer = nobody.request(register("anna", "aaaaaaaa"), &hop).await.unwrap().outcome().await.unwrap();
    assert_eq!(answer.code(), Some(403));
    assert!(answer.header("ms-diagnostics").unwrap().starts_with("4004;"));
    assert_eq!(front_end.registered(), 0);
    front_end.stop().await;
}
