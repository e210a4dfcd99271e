//! REGISTER: handshake, GRUU, refusals.

use std::time::Duration;

use ezk_sip_types::Method;
use kirkwall_lab::front_end::lync::{ChallengeStyle, Proof};
use kirkwall_lab::sip::address;

use super::client::{Client, schemes};
use super::{DOMAIN, front_end, ntlm};

#[tokio::test]
async fn a_client_signs_in_by_each_version_and_style_and_is_told_its_gruu() {
    for (version, style) in [
        (2, ChallengeStyle::Unauthorized),
        (3, ChallengeStyle::Unauthorized),
        (4, ChallengeStyle::Unauthorized),
        (4, ChallengeStyle::Proxy),
    ] {
        let front_end = front_end(&["anna"], |config| {
            ntlm(config).version = version;
            ntlm(config).challenge = style;
        })
        .await;
        let mut client = Client::new(&front_end, "anna", "0123456789").await;
        client.version = version;
        let ok = client.sign_in().await;
        assert_eq!(ok.code(), Some(200), "version {version}: {:?}", front_end.complaints());
        let contact = ok.header("Contact").unwrap();
        assert_eq!(address::param(contact, "gruu"), Some(&client.gruu()[..]));
        assert!(contact.contains(&format!("urn:uuid:{}", client.instance())), "{contact}");
        assert_eq!(ok.header("Expires"), Some("7200"));
        assert!(ok.header("presence-state").unwrap().contains("register-action=\"added\""));
        assert_eq!(front_end.associations(), 1);

        let request = client.register();
        let again = client.ask(request).await;
        assert!(again.header("presence-state").unwrap().contains("register-action=\"refreshed\""));
        let seen = front_end.signatures();
        let first = if version == 4 { 1 } else { 0 };
        assert_eq!((seen.verified, seen.bad, seen.signed, seen.unsigned), (1 + first, 0, 2, 0), "{seen:?}");
        assert_eq!(client.signer.wrong(), Vec::<String>::new());
        assert_eq!(client.signer.now().verified, 2);
        let binding = &front_end.bindings("anna")[0];
        assert_eq!(binding.identity.as_ref().unwrap().gruu, client.gruu());

        client.endpoint.stop().await;
        let gone = async {
            while front_end.registered() + front_end.associations() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(super::SOON, gone).await.expect("registration ends with its connection");
        front_end.stop().await;
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unsigned_or_badly_signed_request_are_refused_and_counted() {
    let front_end = front_end(&["anna"], |_| {}).await;
    let mut client = Client::new(&front_end, "anna", "0123456789").await;
    client.password = "other".into();
    let refused = client.sign_in().await;
    assert_eq!(refused.code(), Some(401));
    assert!(refused.header("ms-diagnostics").unwrap().starts_with("1000;"), "{refused:?}");
    assert_eq!((front_end.signatures().bad, front_end.associations()), (1, 0));

    let (mut client, _) = Client::signed_in(&front_end, "anna", "0123456789").await;
    client.signer.now().spoils = true;
    let request = client.register();
    assert_eq!(client.ask(request).await.code(), Some(401));
    client.signer.now().spoils = false;
    assert_eq!(front_end.signatures().bad, 2, "{:?}", front_end.complaints());
    client.signer.now().silent = true;
    let refused = client.ask(client.request(Method::OPTIONS, &format!("sip:{DOMAIN}"), "")).await;
    assert_eq!(refused.code(), Some(401));
    let offered: Vec<_> = schemes(&refused).map(|value| value.split(' ').next().unwrap()).collect();
    assert_eq!(offered, ["NTLM", "Kerberos", "TLS-DSK"]);
    client.signer.now().silent = false;
    let request = client.register();
    assert_eq!(client.ask(request).await.code(), Some(200));
    // Another's name on one's own association.
    let mut request = client.request(Method::OPTIONS, &format!("sip:{DOMAIN}"), "");
    let from = request.header("From").unwrap().replace("anna", "bob");
    request.set("From", from);
    assert_eq!(client.ask(request).await.code(), Some(401));
    front_end.stop().await;
}

#[tokio::test]
async fn an_association_that_has_grown_old_is_challenged_and_set_up_anew() {
    let front_end = front_end(&["anna"], |config| ntlm(config).life = Duration::ZERO).await;
    let mut client = Client::new(&front_end, "anna", "0123456789").await;
    client.version = 3;
    assert_eq!(client.sign_in().await.code(), Some(200));
    let request = client.register();
    assert_eq!(client.ask(request).await.code(), Some(401));
    assert_eq!((front_end.signatures().bad, front_end.associations()), (0, 1));
    front_end.stop().await;
}

#[tokio::test]
async fn a_user_of_another_home_is_sent_there_after_his_proof() {
    let home = "sip:127.0.0.2:5061;transport=tls";
    let front_end = front_end(&["anna"], |config| {
        config.homes.insert("anna".into(), home.into());
    })
    .await;
    let mut client = Client::new(&front_end, "anna", "0123456789").await;
    let redirect = client.sign_in().await;
    assert_eq!((redirect.code(), redirect.header("Expires")), (Some(301), Some("2592000")));
    assert_eq!(redirect.header("Contact").map(address::uri), Some(home));
    assert_eq!(client.signer.now().verified, 1);
    assert_eq!(front_end.registered(), 0);
    front_end.stop().await;
}

/// Spoils a REGISTER.
type Change = fn(&mut kirkwall_lab::sip::Message);

#[tokio::test]
async fn a_register_that_lync_would_not_take_is_refused_with_its_error_id() {
    let front_end = front_end(&["anna"], |config| config.proof = Proof::None).await;
    let mut client = Client::new(&front_end, "anna", "0123456789").await;
    let cases: [(&str, u16, Option<&str>, Change); 6] = [
        ("event", 489, Some("4055;"), |m| m.set("Event", "presence")),
        ("epid", 400, Some("4010;"), |m| {
            let from = m.header("From").unwrap().replace(";epid=0123456789", "");
            m.set("From", from);
        }),
        ("long epid", 400, Some("4012;"), |m| {
            let from = m.header("From").unwrap().replace("0123456789", "01234567890123456789");
            m.set("From", from);
        }),
        ("instance", 400, Some("4010;"), |m| m.set("Contact", "<sip:127.0.0.1:9;transport=tcp>")),
        ("gruu", 421, Some("2057;"), |m| m.set("Supported", "msrtc-event-categories")),
        ("user", 404, None, |m| m.set("To", "<sip:nobody@lab.test>")),
    ];
    for (what, code, id, change) in cases {
        let mut request = client.register();
        change(&mut request);
        let refused = client.ask(request).await;
        let diagnostics = refused.header("ms-diagnostics");
        assert_eq!(refused.code(), Some(code), "{what}");
        assert_eq!(diagnostics.map(|d| &d[..5]), id, "{what}: {diagnostics:?}");
        assert!(diagnostics.is_none_or(|d| d.ends_with("source=\"fe1.lab.test\"")));
    }
    let mut request = client.register();
    request.push("Expires", "300");
    assert_eq!(client.ask(request).await.header("Expires"), Some("300"));
    let mut request = client.register();
    request.push("Expires", "0");
    assert_eq!(client.ask(request).await.code(), Some(200));
    assert_eq!(front_end.registered(), 0);
    front_end.stop().await;
}
