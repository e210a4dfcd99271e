use super::super::{Credentials, DigestClient};
use super::*;
use crate::sip::wire::Method;

const HERE: &str = "10.0.0.7";

fn at(secs: u64) -> Moment {
    Moment::from_micros((1_000_000 + secs) * 1_000_000)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn server(offer: Offer) -> DigestServer {
    DigestServer::new("kirkwall", offer, Tokens::new([1; 32])).unwrap()
}

fn lookup(user: &str, algorithm: Algorithm) -> Option<Ha1> {
    (user == "anna").then(|| Ha1::of(algorithm, "anna", "kirkwall", "secret"))
}

fn client(user: &str, password: &str) -> DigestClient {
    DigestClient::new(Credentials { username: user.into(), password: Pii(password.into()) })
}

fn register() -> Message {
    Message::request(Method::Register, "sip:example.com")
}

/// A client that has been challenged, and its authorized request.
fn challenged(server: &mut DigestServer, mut client: DigestClient, now: Moment) -> (DigestClient, Message) {
    let demand = server.demand(&register(), Role::UserAgent, ip(HERE), false, "t", now);
    assert_eq!(demand.status(), Some(401));
    client.learn(&demand, &mut Tokens::new([2; 32])).unwrap();
    let mut request = register();
    client.authorize(&mut request);
    (client, request)
}

fn verify(server: &mut DigestServer, request: &Message, now: Moment) -> Verdict {
    server.verify_request(request, Role::UserAgent, ip(HERE), lookup, now)
}

fn edit(request: &Message, from: &str, to: &str) -> Message {
    let old = request.header(&HeaderName::Authorization).unwrap().to_string();
    assert!(old.contains(from), "{old}");
    let mut request = request.clone();
    request.headers.set(HeaderName::Authorization, old.replace(from, to));
    request
}

fn authentic() -> Verdict {
    Verdict::Authentic { username: "anna".into() }
}

#[test]
fn our_two_sides_understand_each_other_with_every_offer() {
    for offer in [Offer::Md5, Offer::Sha256, Offer::Both] {
        let mut server = server(offer);
        let (mut client, mut request) = challenged(&mut server, client("anna", "secret"), at(0));
        assert_eq!(verify(&mut server, &request, at(1)), authentic());
        client.authorize(&mut request);
        assert_eq!(verify(&mut server, &request, at(2)), authentic());
    }
}

#[test]
fn a_request_without_credentials_is_challenged() {
    let mut server = server(Offer::Md5);
    assert_eq!(verify(&mut server, &register(), at(0)), Verdict::Challenge { stale: false });
    let demand = server.demand(&register(), Role::Proxy, ip(HERE), true, "t", at(0));
    assert_eq!(demand.status(), Some(407));
    let challenge = demand.header(&HeaderName::ProxyAuthenticate).unwrap();
    assert!(challenge.starts_with(r#"Digest realm="kirkwall", nonce=""#), "{challenge}");
    assert!(challenge.ends_with(r#"algorithm=MD5, qop="auth", stale=true"#), "{challenge}");
}

#[test]
fn both_hashes_are_offered_the_stronger_first() {
    let challenges = server(Offer::Both).challenges(ip(HERE), false, at(0));
    assert!(challenges[0].contains("algorithm=SHA-256") && challenges[1].contains("algorithm=MD5"));
}

#[test]
fn a_wrong_password_and_an_unknown_user_look_alike() {
    let mut server = server(Offer::Md5);
    for (user, password) in [("anna", "Secret"), ("nobody", "secret")] {
        let (_, request) = challenged(&mut server, client(user, password), at(0));
        let wrong = Verdict::Wrong { username: Pii(user.into()) };
        assert_eq!(verify(&mut server, &request, at(0)), wrong);
    }
}

#[test]
fn a_replayed_count_is_stale_and_late_ones_pass_once() {
    let mut server = server(Offer::Md5);
    let (mut client, first) = challenged(&mut server, client("anna", "secret"), at(0));
    let (mut second, mut third) = (register(), register());
    client.authorize(&mut second);
    client.authorize(&mut third);
    assert_eq!(verify(&mut server, &third, at(1)), authentic());
    assert_eq!(verify(&mut server, &first, at(1)), authentic());
    assert_eq!(verify(&mut server, &first, at(1)), Verdict::Challenge { stale: true });
    assert_eq!(verify(&mut server, &second, at(1)), authentic());
    assert_eq!(verify(&mut server, &third, at(1)), Verdict::Challenge { stale: true });
}

#[test]
fn a_nonce_lives_300_seconds_for_its_own_address_and_server() {
    let mut server = server(Offer::Md5);
    let (_, request) = challenged(&mut server, client("anna", "secret"), at(0));
    let stale = Verdict::Challenge { stale: true };
    let from_elsewhere = server.verify_request(&request, Role::UserAgent, ip("10.0.0.8"), lookup, at(1));
    assert_eq!(from_elsewhere, stale);
    assert_eq!(verify(&mut server, &request, at(301)), stale);
    assert_eq!(verify(&mut server, &edit(&request, "nonce=\"0", "nonce=\"1"), at(1)), stale);
    assert_eq!(verify(&mut server, &edit(&request, "nonce=\"", "nonce=\"é"), at(1)), stale);
    let mut restarted = DigestServer::new("kirkwall", Offer::Md5, Tokens::new([9; 32])).unwrap();
    assert_eq!(verify(&mut restarted, &request, at(1)), stale);
    assert_eq!(verify(&mut server, &request, at(300)), authentic());
}

#[test]
fn a_digest_without_qop_is_accepted_while_its_nonce_lives() {
    let mut server = server(Offer::Md5);
    let nonce = server.nonce(at(0), 5, ip(HERE));
    let mut old_phone = client("anna", "secret");
    let mut demand = Message::response(&register(), 401, "", None);
    let challenge = format!("Digest realm=\"kirkwall\", nonce=\"{nonce}\"");
    demand.headers.push(HeaderName::WwwAuthenticate, challenge);
    old_phone.learn(&demand, &mut Tokens::new([3; 32])).unwrap();
    let mut request = register();
    old_phone.authorize(&mut request);
    assert!(!request.header(&HeaderName::Authorization).unwrap().contains("qop"));
    assert_eq!(verify(&mut server, &request, at(299)), authentic());
    assert_eq!(verify(&mut server, &request, at(301)), Verdict::Challenge { stale: true });
}

#[test]
fn a_digest_for_another_method_is_wrong() {
    let mut server = server(Offer::Md5);
    let (_, request) = challenged(&mut server, client("anna", "secret"), at(0));
    let mut moved = request.clone();
    moved.start = StartLine::Request { method: Method::Invite, uri: "sip:example.com".into() };
    assert!(matches!(verify(&mut server, &moved, at(0)), Verdict::Wrong { .. }));
}

#[test]
fn a_counted_digest_may_name_another_uri_and_is_good_once() {
    let mut server = server(Offer::Md5);
    let (_, request) = challenged(&mut server, client("anna", "secret"), at(0));
    let mut moved = request.clone();
    moved.start = StartLine::Request { method: Method::Register, uri: "sip:127.0.0.1:5060".into() };
    assert_eq!(verify(&mut server, &moved, at(0)), authentic());
    assert_eq!(verify(&mut server, &request, at(0)), Verdict::Challenge { stale: true });
}

#[test]
fn an_uncounted_digest_is_tied_to_its_resource() {
    let mut server = server(Offer::Md5);
    let nonce = server.nonce(at(0), 5, ip(HERE));
    let mut old_phone = client("anna", "secret");
    let mut demand = Message::response(&register(), 401, "", None);
    demand.headers.push(HeaderName::WwwAuthenticate, format!("Digest realm=\"kirkwall\", nonce=\"{nonce}\""));
    old_phone.learn(&demand, &mut Tokens::new([3; 32])).unwrap();
    let mut moved = register();
    old_phone.authorize(&mut moved);
    moved.start = StartLine::Request { method: Method::Register, uri: "sip:evil.example".into() };
    assert!(matches!(verify(&mut server, &moved, at(0)), Verdict::Wrong { .. }));
    // A base that writes port and transport into one of the two is right.
    let uri = "sip:EXAMPLE.com:5060;transport=udp".into();
    moved.start = StartLine::Request { method: Method::Register, uri };
    assert_eq!(verify(&mut server, &moved, at(0)), authentic());
}

#[test]
fn unusable_credentials_are_challenged_and_nobody_is_blamed() {
    let mut server = server(Offer::Md5);
    let (_, request) = challenged(&mut server, client("anna", "secret"), at(0));
    let challenge = Verdict::Challenge { stale: false };
    for (from, to) in [
        ("Digest", "Basic"),
        ("realm=\"kirkwall\"", "realm=\"other\""),
        ("algorithm=MD5", "algorithm=SHA-256"),
        ("algorithm=MD5", "algorithm=MD5-sess"),
        ("qop=auth", "qop=auth-int"),
        ("nc=00000001", "nc=1"),
        ("nc=00000001", "nc=+0000001"),
        ("response=", "respond="),
        ("cnonce=", "c="),
        ("uri=", "address="),
    ] {
        assert_eq!(verify(&mut server, &edit(&request, from, to), at(0)), challenge, "{from} -> {to}");
    }
}

#[test]
fn credentials_for_others_stand_beside_ours() {
    let mut server = server(Offer::Md5);
    let (_, mut request) = challenged(&mut server, client("anna", "secret"), at(0));
    let other = "Digest username=\"x\", realm=\"y\", nonce=\"z\", uri=\"sip:a\", response=\"00\"";
    request.headers.push_front(HeaderName::Authorization, other);
    assert_eq!(verify(&mut server, &request, at(0)), authentic());
}

#[test]
fn a_realm_that_would_break_the_header_is_refused() {
    for bad in ["", "a\"b", "a\\b", "a\r\nb"] {
        assert!(DigestServer::new(bad, Offer::Md5, Tokens::new([0; 32])).is_err());
    }
}
