//! Subscriptions, publication, notification, services, sign-out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;

use ezk_sip_types::Method;
use kirkwall_lab::front_end::lync::presence::OFFLINE;
use kirkwall_lab::sip::Message;
use tokio::time::timeout;

use super::client::Client;
use super::{DOMAIN, SOON, front_end};

fn subscribe(client: &Client, event: &str, body: &str, piggyback: bool) -> Message {
    let uri = format!("sip:{}@{DOMAIN}", client.user);
    let mut request = client.request(Method::SUBSCRIBE, &uri, "");
    request.push("Contact", format!("<{}>", client.gruu()));
    request.push("Event", event);
    request.push("Supported", "com.microsoft.autoextend");
    request.push("Supported", "ms-benotify");
    if piggyback {
        request.push("Supported", "ms-piggyback-first-notify");
    }
    request.set_body("application/xml", body.to_owned());
    request
}

fn state(container: u32, version: u32, number: u32) -> String {
    format!(
        "<publication categoryName=\"state\" instance=\"805306369\" container=\"{container}\" \
         version=\"{version}\" expireType=\"endpoint\"><state \
         xmlns=\"http://schemas.microsoft.com/2006/09/sip/state\" xsi:type=\"machineState\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><availability>{number}</availability>\
         </state></publication>"
    )
}

fn publish(client: &Client, operations: &[String]) -> Message {
    let uri = format!("sip:{}@{DOMAIN}", client.user);
    let mut request = client.request(Method::from("SERVICE"), &uri, "");
    let body = format!(
        "<publish xmlns=\"http://schemas.microsoft.com/2006/09/sip/rich-presence\"><publications \
         uri=\"{uri}\">{}</publications></publish>",
        operations.concat()
    );
    request.set_body("application/msrtc-category-publish+xml", body);
    request
}

fn body(message: &Message) -> String {
    String::from_utf8_lossy(&message.body).into_owned()
}

#[tokio::test]
async fn a_publication_has_versions_a_conflict_and_watchers_that_are_told() {
    let front_end = front_end(&["anna", "bob"], |_| {}).await;
    let (anna, _) = Client::signed_in(&front_end, "anna", "aaaaaaaa").await;
    let (mut bob, _) = Client::signed_in(&front_end, "bob", "bbbbbbbb").await;
    assert_eq!(front_end.presence("anna").availability, OFFLINE);
    let watch =
        "<batchSub><action><adhocList><resource uri=\"sip:anna@lab.test\"/></adhocList></action></batchSub>";
    let ok = bob.ask(subscribe(&bob, "presence", watch, true)).await;
    assert_eq!((ok.code(), ok.header("ms-piggyback-cseq")), (Some(200), Some("1")));
    assert!(body(&ok).contains("<availability>18500</availability>"), "{}", body(&ok));

    let ok = anna.ask(publish(&anna, &[state(2, 0, 3_500), state(3, 0, 3_500)])).await;
    assert_eq!(ok.code(), Some(200));
    assert_eq!(body(&ok).matches("version=\"1\"").count(), 2, "{}", body(&ok));
    let told = timeout(SOON, bob.requests.recv()).await.unwrap().unwrap().request;
    assert_eq!(told.method().map(ToString::to_string).as_deref(), Some("BENOTIFY"));
    assert!(body(&told).contains("<availability>3500</availability>"), "{}", body(&told));
    assert_eq!(front_end.presence("anna").availability, 3_500);

    let refused = anna.ask(publish(&anna, &[state(2, 0, 5_000)])).await;
    assert_eq!(refused.code(), Some(409));
    assert!(body(&refused).contains("index=\"1\" version=\"0\" curVersion=\"1\""), "{}", body(&refused));
    assert_eq!(anna.ask(publish(&anna, &[state(2, 1, 5_000)])).await.code(), Some(200));
    assert_eq!(front_end.presence("anna").history, [(3_500, None), (5_000, None)]);

    anna.endpoint.stop().await;
    let gone = async {
        while front_end.presence("anna").availability != OFFLINE {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, gone).await.expect("what expires with the endpoint is gone with it");
    assert_eq!(bob.signer.wrong(), Vec::<String>::new());
    front_end.stop().await;
}

#[tokio::test]
async fn the_first_notification_comes_in_the_200_or_in_a_request_of_its_own() {
    let front_end = front_end(&["anna"], |config| {
        config.lines.insert("anna".into(), "tel:+19995551001;ext=1001".into());
        config.voice_mail.insert("anna".into(), (8, 2));
        config.contacts = vec!["bob".into()];
    })
    .await;
    let (mut anna, _) = Client::signed_in(&front_end, "anna", "aaaaaaaa").await;
    let asked =
        "<provisioningGroupList><provisioningGroup name=\"serverConfiguration\"/></provisioningGroupList>";
    let cases = [
        ("vnd-microsoft-provisioning-v2", asked, "<ucLocationProfile>Lab</ucLocationProfile>"),
        ("vnd-microsoft-roaming-contacts", "", "uri=\"bob@lab.test\""),
        ("vnd-microsoft-roaming-self", "", "tel:+19995551001;ext=1001"),
        ("vnd-microsoft-roaming-self", "", "unreadVoiceMailCount=\"8\""),
    ];
    for (event, asked, expected) in cases {
        let ok = anna.ask(subscribe(&anna, event, asked, true)).await;
        assert_eq!((ok.code(), ok.header("Event")), (Some(200), Some(event)));
        assert!(body(&ok).contains(expected), "{}", body(&ok));
        assert!(!body(&ok).contains("mediaConfiguration"));
        let ok = anna.ask(subscribe(&anna, event, asked, false)).await;
        assert_eq!((ok.code(), ok.body.len()), (Some(200), 0));
        let told = timeout(SOON, anna.requests.recv()).await.unwrap().unwrap().request;
        assert!(body(&told).contains(expected), "{}", body(&told));
        assert_eq!(told.call_id(), ok.call_id());
    }
    let seen = front_end.subscribed();
    assert!(seen.iter().any(|one| one.event == "vnd-microsoft-roaming-self" && one.user == "anna"));
    let refused = anna.ask(subscribe(&anna, "weather", "", true)).await;
    assert_eq!(refused.code(), Some(489));
    assert_eq!((front_end.signatures().bad, anna.signer.wrong()), (0, vec![]));
    front_end.stop().await;
}

#[tokio::test]
async fn a_dial_plan_relay_credentials_and_quality_reports_are_served() {
    let front_end = front_end(&["anna"], |_| {}).await;
    let (anna, _) = Client::signed_in(&front_end, "anna", "aaaaaaaa").await;
    let service = |uri: &str| anna.request(Method::from("SERVICE"), uri, "");
    let mut request = service("sip:pool.lab.test@lab.test;gruu;opaque=srvr:HomeServer:lab");
    request.push("Accept", "application/ms-location-profile-definition+xml");
    let profile = anna.ask(request).await;
    assert!(body(&profile).contains("<Pattern>^(\\d{4})$</Pattern>"), "{}", body(&profile));

    let mut request = service("sip:mras.lab.test@lab.test;gruu;opaque=srvr:MRAS:lab");
    let asked = "<request requestID=\"7\" from=\"sip:anna@lab.test\" to=\"sip:m\"><credentialsRequest \
        credentialsRequestID=\"7\"><identity>sip:anna@lab.test</identity><location>internet</location>\
        <duration>9999</duration></credentialsRequest></request>";
    request.set_body("application/msrtc-media-relay-auth+xml", asked);
    let relay = body(&anna.ask(request).await);
    // The user name has a tail of its own each time.
    let between = |from: &str, to: &str| relay.split(from).nth(1)?.split(to).next().map(str::to_owned);
    let username = STANDARD.decode(between("<username>", "</username>").unwrap()).unwrap();
    assert!(username[4..].starts_with(b"sip:anna@lab.test;"), "{relay}");
    let password = STANDARD.encode(kirkwall_lab::front_end::lync::password_of(b"kirkwall lab", &username));
    for part in [
        &format!("<password>{password}</password>")[..],
        "<duration>480</duration>",
        "<location>internet</location><hostName>edge.lab.test</hostName>",
        "requestID=\"7\"",
    ] {
        assert!(relay.contains(part), "{part} is not in {relay}");
    }

    let mut request = service("sip:pool.lab.test@lab.test;gruu;opaque=srvr:HomeServer:lab");
    request.set_body("application/vq-rtcpxr+xml", "<VQReportEvent/>");
    assert_eq!(anna.ask(request).await.code(), Some(202));
    assert_eq!(front_end.quality_reports(), ["<VQReportEvent/>"]);
    front_end.stop().await;
}

#[tokio::test]
async fn a_user_is_signed_out_by_force_with_the_reason() {
    let front_end = front_end(&["anna"], |_| {}).await;
    let (mut anna, _) = Client::signed_in(&front_end, "anna", "aaaaaaaa").await;
    assert_eq!(front_end.sign_out("anna", "rejected", "4141;reason=\"User disabled\""), 1);
    let told = timeout(SOON, anna.requests.recv()).await.unwrap().unwrap();
    let request = &told.request;
    assert_eq!(request.header("Event"), Some("registration-notify"));
    assert_eq!(request.header("Content-Type"), Some("text/registration-event"));
    assert_eq!(body(request), "deregistered;event=rejected");
    assert_eq!(request.header("ms-diagnostics-public"), Some("4141;reason=\"User disabled\""));
    let server = told.server.unwrap();
    server.send(server.reply(200, "OK")).await;
    assert_eq!((front_end.registered(), anna.signer.wrong()), (0, vec![]));
    front_end.stop().await;
}
