//! Calls between signed clients and far-end users: routes, GRUU, forking, signatures on everything.

use std::time::Duration;

use ezk_sip_types::Method;
use kirkwall_lab::front_end::FrontEnd;
use kirkwall_lab::media::traits::KeyLines;
use kirkwall_lab::media::{Protection, Traits, Voice};
use kirkwall_lab::phone::{Behaviour, CallScript, Dial, Ended, Outcome, Phone, PhoneConfig};
use kirkwall_lab::sip::Message;
use tokio::time::timeout;

use super::client::Client;
use super::{DOMAIN, SOON, front_end};

/// A signed-in client whose calls a phone takes.
pub async fn phone(front_end: &FrontEnd, user: &str, epid: &str, behaviour: Behaviour) -> (Client, Phone) {
    let (mut client, _) = Client::signed_in(front_end, user, epid).await;
    let identity = format!("<sip:{user}@{DOMAIN}>;epid={epid}");
    let config = PhoneConfig {
        sound: None,
        identity: Some(identity),
        contact: Some(client.gruu()),
        ..PhoneConfig::new(user, DOMAIN)
    };
    let phone = serve(&mut client, config, behaviour);
    (client, phone)
}

/// A phone that takes a client's requests.
pub fn serve(client: &mut Client, config: PhoneConfig, behaviour: Behaviour) -> Phone {
    let phone = Phone::new(client.endpoint.clone(), config, behaviour);
    let (_, nobody) = tokio::sync::mpsc::channel(1);
    let mut requests = std::mem::replace(&mut client.requests, nobody);
    let served = phone.clone();
    client.endpoint.spawn(async move {
        while let Some(incoming) = requests.recv().await {
            served.handle(incoming).await;
        }
    });
    phone
}

fn answer() -> Behaviour {
    Behaviour::Answer { after: Duration::ZERO, talk: None }
}

fn talk() -> CallScript {
    CallScript { talk: Some(Duration::from_millis(100)), ..CallScript::default() }
}

pub fn nothing_is_wrong(front_end: &FrontEnd, clients: &[&Client]) {
    let seen = front_end.signatures();
    assert_eq!((seen.bad, seen.unsigned), (0, 0), "{seen:?} {:?}", front_end.complaints());
    for client in clients {
        assert_eq!(client.signer.wrong(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn two_clients_call_each_other_with_every_message_signed() {
    let front_end = front_end(&["anna", "bob"], |_| {}).await;
    let (anna, from) = phone(&front_end, "anna", "aaaaaaaa", answer()).await;
    let (bob, to) = phone(&front_end, "bob", "bbbbbbbb", answer()).await;
    let mut served = to.served_calls();
    let report = timeout(SOON, from.call(&Dial::new("bob", DOMAIN, anna.hop), &talk())).await.unwrap();
    assert_eq!((report.outcome, report.ended), (Outcome::Answered, Some(Ended::Here)));
    let served = timeout(SOON, served.recv()).await.unwrap().unwrap();
    assert_eq!((served.outcome, served.ended), (Outcome::Answered, Some(Ended::There)));
    nothing_is_wrong(&front_end, &[&anna, &bob]);
    // INVITE, 180, 200, ACK, BYE, 200 beside the sign-ins.
    assert!(front_end.signatures().verified >= 2 + 6, "{:?}", front_end.signatures());

    to.set_behaviour(Behaviour::NoAnswer);
    let script = CallScript { cancel_after: Some(Duration::from_millis(50)), talk: None };
    let report = timeout(SOON, from.call(&Dial::new("bob", DOMAIN, anna.hop), &script)).await.unwrap();
    assert_eq!(report.outcome, Outcome::Cancelled);
    nothing_is_wrong(&front_end, &[&anna, &bob]);
    front_end.stop().await;
}

#[tokio::test]
async fn far_end_users_call_and_are_called_with_dialogs_that_lead_over_the_front_end() {
    let front_end = front_end(&["anna"], |_| {}).await;
    let (anna, phone) = phone(&front_end, "anna", "aaaaaaaa", answer()).await;
    let config = PhoneConfig { sound: None, ..PhoneConfig::new("carol", DOMAIN) };
    let carol = front_end.add_far_end(config, answer()).unwrap();
    let report = timeout(SOON, phone.call(&Dial::new("carol", DOMAIN, anna.hop), &talk())).await.unwrap();
    assert_eq!((report.outcome, report.ended), (Outcome::Answered, Some(Ended::Here)));
    let report = timeout(SOON, front_end.call(&carol, "anna", &talk())).await.unwrap().unwrap();
    assert_eq!((report.outcome, report.ended), (Outcome::Answered, Some(Ended::Here)));
    nothing_is_wrong(&front_end, &[&anna]);
    front_end.stop().await;
}

#[tokio::test]
async fn a_user_rings_at_every_endpoint_and_a_gruu_or_epid_at_one() {
    let front_end = front_end(&["anna", "bob"], |_| {}).await;
    let (anna, _) = Client::signed_in(&front_end, "anna", "aaaaaaaa").await;
    let mut one = Client::signed_in(&front_end, "bob", "bbbbbbbb").await.0;
    let mut two = Client::signed_in(&front_end, "bob", "cccccccc").await.0;
    let uri = format!("sip:bob@{DOMAIN}");
    let cases = [
        (uri.clone(), "", [true, true]),
        (two.gruu(), "", [false, true]),
        (uri, ";epid=bbbbbbbb", [true, false]),
    ];
    for (uri, to_epid, expected) in cases {
        let request = anna.request(Method::MESSAGE, &uri, to_epid);
        let mut transaction = anna.endpoint.request(request, &anna.hop).await.unwrap();
        for (client, rings) in [&mut one, &mut two].into_iter().zip(expected) {
            if rings {
                let arrived = timeout(SOON, client.requests.recv()).await.unwrap().unwrap();
                let to = arrived.request.header("To").unwrap();
                assert_eq!(kirkwall_lab::sip::address::param(to, "epid"), Some(&client.epid[..]));
                let server = arrived.server.unwrap();
                server.send(server.reply(200, "OK")).await;
            }
        }
        assert_eq!(timeout(SOON, transaction.next()).await.unwrap().unwrap().code(), Some(200));
        for client in [&mut one, &mut two] {
            assert!(client.requests.try_recv().is_err(), "{uri} {to_epid}");
        }
    }
    nothing_is_wrong(&front_end, &[&anna, &one, &two]);
    front_end.stop().await;
}

#[tokio::test]
async fn a_route_that_was_changed_is_refused_with_1004() {
    let front_end = front_end(&["anna", "bob"], |_| {}).await;
    let (anna, _) = Client::signed_in(&front_end, "anna", "aaaaaaaa").await;
    let (mut bob, _) = Client::signed_in(&front_end, "bob", "bbbbbbbb").await;
    let request = anna.request(Method::INVITE, &format!("sip:bob@{DOMAIN}"), "");
    let transaction = anna.endpoint.request(request, &anna.hop).await.unwrap();
    let arrived = timeout(SOON, bob.requests.recv()).await.unwrap().unwrap();
    let route = arrived.request.header("Record-Route").unwrap().to_owned();
    assert!(route.contains(";ms-fe=fe1.lab.test;opaque=state:"), "{route}");
    let within = |route: String| {
        let mut request: Message = bob.request(Method::INFO, &anna.gruu(), ";tag=1");
        request.push("Route", route);
        request
    };
    let refused = bob.ask(within(route.replace(";lr", ";LR"))).await;
    assert_eq!(refused.code(), Some(481));
    assert!(refused.header("ms-diagnostics").unwrap().starts_with("1004;"));
    drop((transaction, arrived));
    front_end.stop().await;
}

#[tokio::test]
async fn ends_with_the_traits_of_lync_hear_each_other_over_srtp_through_a_hold() {
    let front_end = front_end(&["anna"], |_| {}).await;
    let (mut client, _) = Client::signed_in(&front_end, "anna", "aaaaaaaa").await;
    let config = PhoneConfig {
        protection: Protection::Offered,
        voice: Voice::new(7),
        contact: Some(client.gruu()),
        ..PhoneConfig::new("anna", DOMAIN)
    };
    let anna = serve(&mut client, config, answer());
    for (traits, protection) in [
        (Traits::lync(), Protection::Offered),
        (Traits { keys: KeyLines::Mki, ..Traits::default() }, Protection::Required),
        (Traits { keys: KeyLines::Lifetime, fallback: true, ..Traits::default() }, Protection::Required),
        (
            Traits { hold: Some((Duration::from_millis(300), Duration::from_millis(300))), ..Traits::lync() },
            Protection::Offered,
        ),
    ] {
        let held = traits.hold.is_some();
        let config =
            PhoneConfig { traits, protection, voice: Voice::new(9), ..PhoneConfig::new("carol", DOMAIN) };
        let carol = front_end.add_far_end(config, answer()).unwrap();
        let mut served = anna.served_calls();
        let script = CallScript { talk: Some(Duration::from_secs(2)), ..CallScript::default() };
        let report = timeout(SOON, front_end.call(&carol, "anna", &script)).await.unwrap().unwrap();
        let served = timeout(SOON, served.recv()).await.unwrap().unwrap();
        assert_eq!((&report.outcome, report.ended), (&Outcome::Answered, Some(Ended::Here)), "{report:?}");
        for (report, voice) in [(&report, 7), (&served, 9)] {
            let heard = report.heard.as_ref().unwrap();
            assert_eq!(heard.voice.map(Voice::number), Some(voice), "{report:?}");
            assert!(!held || heard.longest_gap >= Duration::from_millis(250), "{report:?}");
        }
    }
    nothing_is_wrong(&front_end, &[&client]);
    front_end.stop().await;
}
