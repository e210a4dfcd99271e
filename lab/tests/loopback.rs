//! Front end ↔ handset over loopback: registrations, calls both ways, sound, refusals, CANCEL, BYE.
#![allow(clippy::unwrap_used)]

use std::net::IpAddr;
use std::time::Duration;

use kirkwall_lab::front_end::{Account, Accounts, FrontEnd, FrontEndConfig};
use kirkwall_lab::handset::{Base, BaseConfig, Handset, HandsetAccount, Model};
use kirkwall_lab::media::{Codec, Protection, Voice};
use kirkwall_lab::phone::registration::Standing;
use kirkwall_lab::phone::{Behaviour, CallReport, CallScript, Ended, Outcome, Phone, PhoneConfig};
use kirkwall_lab::sip::tls::Trust;
use kirkwall_lab::sip::{Credentials, Transport};
use tokio::time::timeout;

const DOMAIN: &str = "lab.test";
const SOON: Duration = Duration::from_secs(10);

fn seconds(n: f32) -> Duration {
    Duration::from_secs_f32(n)
}

fn credentials(user: &str) -> Credentials {
    Credentials { username: format!("{user}-auth"), password: format!("secret of {user}") }
}

async fn front_end(users: &[&str], change: impl FnOnce(&mut FrontEndConfig)) -> FrontEnd {
    let accounts =
        users.iter().map(|user| Account { user: user.to_string(), credentials: credentials(user) });
    let mut config = FrontEndConfig::loopback(DOMAIN, Accounts::Given(accounts.collect()));
    config.far_end_by_name = true;
    change(&mut config);
    FrontEnd::start(config).await.unwrap()
}

async fn base(front_end: &FrontEnd, transport: Transport, users: &[(&str, u8)]) -> Base {
    let handsets = users.iter().map(|(user, voice)| HandsetAccount {
        user: user.to_string(),
        display_name: format!("User {user}"),
        credentials: credentials(user),
        voice: Voice::new(*voice),
    });
    let base = Base::start(BaseConfig {
        model: Model::SnomM700,
        mac: "000413abcdef".into(),
        ip: IpAddr::from([127, 0, 0, 1]),
        transport,
        registrar: front_end.listening().of(transport).unwrap(),
        domain: DOMAIN.into(),
        trust: Trust::Pem(front_end.ca_pem().into()),
        expires: Duration::from_secs(60),
        codecs: vec![Codec::Pcmu, Codec::Pcma],
        protection: Protection::Off,
        comfort_noise: false,
        sound: true,
        handsets: handsets.collect(),
    })
    .await
    .unwrap();
    for handset in base.handsets() {
        handset.registered_within(SOON).await.unwrap();
    }
    base
}

fn far_end(front_end: &FrontEnd, user: &str, voice: u8, behaviour: Behaviour) -> Phone {
    let config = PhoneConfig { voice: Voice::new(voice), ..PhoneConfig::new(user, DOMAIN) };
    front_end.add_far_end(config, behaviour).unwrap()
}

fn voice(report: &CallReport) -> Option<u8> {
    report.heard.as_ref().and_then(|heard| heard.voice).map(Voice::number)
}

fn talk(time: f32) -> CallScript {
    CallScript { talk: Some(seconds(time)), ..CallScript::default() }
}

fn anna(base: &Base) -> std::sync::Arc<Handset> {
    base.handset("anna").unwrap()
}

/// A call in each direction over one transport, each with both voices heard and both BYE directions.
async fn calls_both_ways(transport: Transport) {
    let front_end = front_end(&["anna"], |_| {}).await;
    let base = base(&front_end, transport, &[("anna", 11)]).await;
    let answer = Behaviour::Answer { after: seconds(0.2), talk: None };
    let bob = far_end(&front_end, "bob", 52, answer);

    let mut served = bob.served_calls();
    let placed = anna(&base).dial("bob", &talk(1.0)).await;
    let served_bob = timeout(SOON, served.recv()).await.unwrap().unwrap();
    assert_eq!(placed.outcome, Outcome::Answered, "{placed:?}");
    assert_eq!((placed.ended, served_bob.ended), (Some(Ended::Here), Some(Ended::There)));
    assert_eq!((voice(&placed), voice(&served_bob)), (Some(52), Some(11)), "{placed:?} {served_bob:?}");
    assert_eq!((placed.progress, served_bob.peer.as_str()), (Some(180), "anna"));

    let hangs_up = Behaviour::Answer { after: seconds(0.1), talk: Some(seconds(1.0)) };
    anna(&base).phone().set_behaviour(hangs_up);
    let mut served = anna(&base).phone().served_calls();
    let placed = front_end.call(&bob, "anna", &CallScript::default()).await.unwrap();
    let served_anna = timeout(SOON, served.recv()).await.unwrap().unwrap();
    assert_eq!((placed.ended, served_anna.ended), (Some(Ended::There), Some(Ended::Here)));
    assert_eq!((voice(&placed), voice(&served_anna)), (Some(11), Some(52)), "{placed:?} {served_anna:?}");

    assert_eq!((base.kept().0, front_end.kept().0), (0, 0), "dialogs are left");
    base.stop().await;
    assert_eq!(front_end.registered(), 0);
    front_end.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_both_ways_over_udp() {
    calls_both_ways(Transport::Udp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_both_ways_over_tcp() {
    calls_both_ways(Transport::Tcp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_both_ways_over_tls() {
    calls_both_ways(Transport::Tls).await;
}

async fn handset_calls_handset(one: Transport, two: Transport, records_route: bool) {
    let front_end = front_end(&["anna", "carl"], |config| config.records_route = records_route).await;
    let first = base(&front_end, one, &[("anna", 3)]).await;
    let second = base(&front_end, two, &[("carl", 33)]).await;
    let carl = second.handset("carl").unwrap();
    carl.phone().set_behaviour(Behaviour::Answer { after: seconds(0.1), talk: Some(seconds(0.8)) });
    let mut served = carl.phone().served_calls();
    let placed = anna(&first).dial("carl", &CallScript::default()).await;
    let served = timeout(SOON, served.recv()).await.unwrap().unwrap();
    assert_eq!(
        (placed.ended, served.ended),
        (Some(Ended::There), Some(Ended::Here)),
        "{placed:?} {served:?}"
    );
    assert_eq!((voice(&placed), voice(&served)), (Some(33), Some(3)));
    first.stop().await;
    second.stop().await;
    front_end.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proxy_carries_a_call_between_two_bases() {
    handset_calls_handset(Transport::Udp, Transport::Udp, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proxy_carries_a_call_from_tls_to_udp_with_a_recorded_route() {
    handset_calls_handset(Transport::Tls, Transport::Udp, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn busy_decline_redirect_nobody_and_no_answer_come_back_as_such() {
    let front_end = front_end(&["anna"], |config| config.min_expires = seconds(1.0)).await;
    let base = base(&front_end, Transport::Udp, &[("anna", 1)]).await;
    let anna = anna(&base);
    for (user, code) in [("busy", 486), ("decline", 603), ("refuse-503", 503), ("redirect-bob", 302)] {
        let report = anna.dial(user, &talk(1.0)).await;
        assert_eq!(report.outcome, Outcome::Refused { code }, "{user}");
        let redirected = (code == 302).then(|| format!("sip:bob@{DOMAIN}"));
        assert_eq!(report.redirected_to, redirected);
    }
    let script = CallScript { cancel_after: Some(seconds(0.5)), talk: None };
    let absent = front_end.far_end("absent").unwrap();
    let mut served = absent.served_calls();
    let report = anna.dial("absent", &script).await;
    assert_eq!((report.outcome, report.progress), (Outcome::Cancelled, Some(180)));
    assert_eq!(timeout(SOON, served.recv()).await.unwrap().unwrap().outcome, Outcome::Cancelled);
    assert!(anna.phone().is_idle());
    base.stop().await;
    front_end.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_through_the_proxy_is_cancelled_at_both_ends() {
    let front_end = front_end(&["anna", "carl"], |_| {}).await;
    let base = base(&front_end, Transport::Udp, &[("anna", 1), ("carl", 2)]).await;
    let carl = base.handset("carl").unwrap();
    carl.phone().set_behaviour(Behaviour::NoAnswer);
    let mut served = carl.phone().served_calls();
    let script = CallScript { cancel_after: Some(seconds(0.4)), talk: None };
    let placed = anna(&base).dial("carl", &script).await;
    assert_eq!(placed.outcome, Outcome::Cancelled, "{placed:?}");
    assert_eq!(timeout(SOON, served.recv()).await.unwrap().unwrap().outcome, Outcome::Cancelled);
    base.stop().await;
    let gone = front_end.add_far_end(PhoneConfig::new("bob", DOMAIN), Behaviour::BUSY).unwrap();
    assert!(front_end.call(&gone, "carl", &talk(1.0)).await.is_err(), "carl is no longer registered");
    front_end.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn early_media_is_heard_before_the_answer() {
    let front_end = front_end(&["anna"], |_| {}).await;
    let base = base(&front_end, Transport::Udp, &[("anna", 9)]).await;
    far_end(&front_end, "early", 40, Behaviour::EarlyMedia { after: seconds(30.0), talk: None });
    let script = CallScript { cancel_after: Some(seconds(1.2)), talk: None };
    let report = anna(&base).dial("early", &script).await;
    assert_eq!(
        (report.outcome.clone(), report.progress, report.early_media),
        (Outcome::Cancelled, Some(183), true)
    );
    assert_eq!(voice(&report), Some(40), "{report:?}");
    base.stop().await;
    front_end.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_call_to_a_busy_handset_is_486() {
    let front_end = front_end(&["anna"], |_| {}).await;
    let base = base(&front_end, Transport::Udp, &[("anna", 9)]).await;
    let (bob, eve) =
        (far_end(&front_end, "bob", 1, Behaviour::BUSY), far_end(&front_end, "eve", 2, Behaviour::BUSY));
    let first = talk(1.5);
    let (first, second) = tokio::join!(front_end.call(&bob, "anna", &first), async {
        tokio::time::timeout(SOON, async {
            while anna(&base).phone().is_idle() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        front_end.call(&eve, "anna", &CallScript::default()).await
    });
    assert_eq!(first.unwrap().outcome, Outcome::Answered);
    assert_eq!(second.unwrap().outcome, Outcome::Refused { code: 486 });
    base.stop().await;
    front_end.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_an_untrusted_certificate_do_not_register() {
    let front_end = front_end(&["anna"], |_| {}).await;
    let stranger = |transport, password: &str, trust| BaseConfig {
        model: Model::GigasetN870,
        mac: "7c2f80000001".into(),
        ip: IpAddr::from([127, 0, 0, 1]),
        transport,
        registrar: front_end.listening().of(transport).unwrap(),
        domain: DOMAIN.into(),
        trust,
        expires: Duration::from_secs(60),
        codecs: vec![Codec::Pcma],
        protection: Protection::Off,
        comfort_noise: false,
        sound: true,
        handsets: vec![HandsetAccount {
            user: "anna".into(),
            display_name: String::new(),
            credentials: Credentials { username: "anna-auth".into(), password: password.into() },
            voice: Voice::new(0),
        }],
    };
    let wrong = Base::start(stranger(Transport::Udp, "wrong", Trust::Anything)).await.unwrap();
    let mut standing = anna(&wrong).standing();
    let refused = timeout(SOON, standing.wait_for(|now| *now == Standing::Refused(403))).await;
    assert!(refused.is_ok_and(|found| found.is_ok()));

    let other = front_end_ca().await;
    let untrusting = stranger(Transport::Tls, "secret of anna", Trust::Pem(other));
    let untrusting = Base::start(untrusting).await.unwrap();
    let mut standing = anna(&untrusting).standing();
    let unreachable =
        standing.wait_for(|now| matches!(now, Standing::Unreachable(why) if why.contains("ertificate")));
    assert!(timeout(SOON, unreachable).await.is_ok_and(|found| found.is_ok()));
    assert_eq!(front_end.registered(), 0);
    wrong.stop().await;
    untrusting.stop().await;
    front_end.stop().await;
}

/// The CA of another front end.
async fn front_end_ca() -> String {
    let other = front_end(&[], |_| {}).await;
    other.stop().await;
    other.ca_pem().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn junk_does_not_disturb_the_front_end() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let front_end = front_end(&["anna"], |_| {}).await;
    let at = front_end.listening();
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for junk in [&b"\0\xff\xfe"[..], b"INVITE", b"INVITE sip:anna@lab.test SIP/2.0\r\n\r\n", &[b'a'; 60_000]]
    {
        socket.send_to(junk, at.udp.unwrap()).await.unwrap();
    }
    for address in [at.tcp.unwrap(), at.tls.unwrap()] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(&[b'x'; 20_000]).await.unwrap();
        let mut rest = Vec::new();
        let closed = timeout(SOON, stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "a connection that sends junk is closed");
    }
    let base = base(&front_end, Transport::Tls, &[("anna", 1)]).await;
    assert_eq!(anna(&base).dial("nobody-after-0", &talk(0.2)).await.outcome, Outcome::Answered);
    base.stop().await;
    front_end.stop().await;
}
