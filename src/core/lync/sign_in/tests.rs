use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::id::OwnerId;
use crate::lync::security_association::NtlmUser;
use crate::lync::signing::{Side, Version};
use crate::lync::test_front_end::{FrontEnd, TwoFlights};
use crate::lync::tls_dsk::{DskChannel, DskFailure, DskPort};
use crate::pii::Pii;
use crate::sip::wire::Method;
use crate::sip::{Destination, Facing, Transport};

fn proxy(address: &str) -> Destination {
    let (transport, address) = (Transport::Tls, address.parse().unwrap());
    Destination { transport, address, facing: Facing::North, connection: None, server_name: None }
}

fn methods(password: &str) -> Proof {
    let user = NtlmUser::new("alice", &Pii(password.to_owned()));
    Proof::Methods(Methods { ntlm: Some(user), ..Methods::default() })
}

fn account(proof: Proof) -> SignInAccount {
    let registration = Account {
        owner: OwnerId(0xab),
        aor: "sip:alice@contoso.com".into(),
        registrar: "sip:contoso.com".into(),
        contact: "sip:alice@192.0.2.50:40001;transport=tls".into(),
        contact_params: String::new(),
        sent_by: "192.0.2.50:40001".into(),
        credentials: register::no_credentials(),
        expires: Duration::from_secs(7200),
        user_agent: "Kirkwall".into(),
        proxy: proxy("192.0.2.10:5061"),
    };
    let epid = "492a7ce35f".parse().unwrap();
    SignInAccount { registration, epid, proof, subnet: Some(Ipv4Addr::new(192, 0, 2, 0)), ask_expires: false }
}

const CONTACT: &str = "<sip:alice@192.0.2.50:40001;transport=tls;ms-received-cid=2600>;expires=7200;\
    +sip.instance=\"<urn:uuid:b43b3d1d-9f8f-5fdc-9f74-3ca273cadb97>\";\
    gruu=\"sip:alice@contoso.com;opaque=user:epid:told;gruu\"";

struct Bench {
    ours: SignIn,
    theirs: FrontEnd,
    action: &'static str,
    now: Moment,
    sent: Vec<(Message, Destination)>,
    events: Vec<SignInOutput>,
}

impl Bench {
    fn new(proof: Proof) -> Self {
        let mut tokens = Tokens::new([5; 32]);
        let record = RegistrationRecord::new(&mut tokens);
        let mut bench = Self {
            ours: SignIn::new(account(proof), record, tokens),
            theirs: FrontEnd::new(Side::Registrar, Version::V4),
            action: "added",
            now: Moment::from_micros(1_700_000_000_000_000),
            sent: Vec::new(),
            events: Vec::new(),
        };
        bench.give(SignInInput::Started);
        bench
    }

    fn signed_in(proof: Proof) -> Self {
        let mut bench = Self::new(proof);
        bench.give(SignInInput::Wanted(true));
        bench.serve();
        assert_eq!(bench.ours.state(), StateName::Registered, "{:?}", bench.events);
        bench.events.clear();
        bench.action = "refreshed";
        bench
    }

    fn give(&mut self, input: SignInInput) {
        self.try_give(input).unwrap();
    }

    fn try_give(&mut self, input: SignInInput) -> Result<(), SignInRefusal> {
        for output in self.ours.handle(input, self.now)?.then {
            match output {
                SignInOutput::Send { request, to } => self.sent.push((request, to)),
                event => self.events.push(event),
            }
        }
        Ok(())
    }

    fn register(&mut self) -> Message {
        assert_eq!(self.sent.len(), 1, "one REGISTER is under way");
        self.sent.remove(0).0
    }

    /// Lets the front end answer until nothing is asked; how many REGISTERs.
    fn serve(&mut self) -> u32 {
        let mut count = 0;
        while !self.sent.is_empty() {
            let request = self.register();
            let mut answer = self.theirs.answer(&request);
            if answer.status() == Some(200) {
                // Headers that no signature covers, but Expires.
                let strangers = "<sip:other@192.0.2.9>;expires=9, ";
                answer.headers.push(HeaderName::Contact, format!("{strangers}{CONTACT}"));
                answer.headers.push(other("presence-state"), self.presence_state());
                answer
                    .headers
                    .push(other("ms-keep-alive"), "UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300");
            }
            self.give(SignInInput::Received(answer));
            count += 1;
        }
        count
    }

    fn presence_state(&self) -> String {
        format!(
            "register-action=\"{}\";primary-cluster-type=\"central\";is-connected-to-primary=\"no\"",
            self.action
        )
    }

    fn pass(&mut self, secs: u64) {
        let end = self.now + Duration::from_secs(secs);
        while let Some(due) = self.ours.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.give(SignInInput::Deadline);
            self.serve();
        }
        self.now = end;
    }

    fn status(&self) -> &SignInStatus {
        let status = self.events.iter().rev().find_map(|event| match event {
            SignInOutput::Changed(status) => Some(status),
            _ => None,
        });
        status.unwrap()
    }

    fn dialogs_lost(&self) -> bool {
        self.events.iter().any(|event| matches!(event, SignInOutput::DialogsLost { .. }))
    }
}

#[test]
fn the_first_register_is_what_clients_send() {
    let mut bench = Bench::new(methods("secret"));
    bench.give(SignInInput::Wanted(true));
    let register = bench.register();
    let text = String::from_utf8(register.encode().to_vec()).unwrap();
    for line in [
        "REGISTER sip:contoso.com SIP/2.0",
        "To: <sip:alice@contoso.com>",
        "Contact: <sip:alice@192.0.2.50:40001;transport=tls>;methods=\"INVITE, MESSAGE, INFO, OPTIONS, BYE, \
         CANCEL, NOTIFY, ACK, REFER, BENOTIFY\";proxy=replace;\
         +sip.instance=\"<urn:uuid:B43B3D1D-9F8F-5FDC-9F74-3CA273CADB97>\"",
        "Supported: gruu-10, adhoclist, msrtc-event-categories",
        "ms-keep-alive: UAC;hop-hop=yes",
        "ms-subnet: 192.0.2.0",
        "Event: registration",
    ] {
        assert!(text.contains(&format!("{line}\r\n")), "{line}\n{text}");
    }
    assert!(register.header(&HeaderName::From).unwrap().ends_with(";epid=492a7ce35f"));
    assert!(!text.contains("Expires") && !text.contains("Authorization"), "{text}");
}

#[test]
fn three_registers_sign_in_and_tell_what_the_front_end_told() {
    let mut bench = Bench::new(methods("secret"));
    let computed = "sip:alice@contoso.com;opaque=user:epid:HT07tI-f3F-fdDyic8rblwAA;gruu";
    assert_eq!(bench.ours.gruu(), computed);
    bench.give(SignInInput::Wanted(true));
    assert_eq!(bench.serve(), 3);
    let status = bench.status().clone();
    let left = status.registered_until.unwrap().since(bench.now);
    assert_eq!((status.status, left), (Some(200), Duration::from_secs(7200)));
    assert_eq!(bench.ours.gruu(), "sip:alice@contoso.com;opaque=user:epid:told;gruu");
    assert_eq!(status.told.keep_alive, Some(Duration::from_secs(300)));
    assert_eq!(status.told.presence.is_primary, Some(false));
    assert!(!bench.dialogs_lost());
}

#[test]
fn tls_dsk_signs_in_too() {
    let tls_dsk: Option<Box<dyn DskPort>> = Some(Box::new(TwoFlights::default()));
    let mut bench = Bench::new(Proof::Methods(Methods { tls_dsk, ..Methods::default() }));
    bench.theirs.schemes = vec!["NTLM", "TLS-DSK"];
    bench.give(SignInInput::Wanted(true));
    assert_eq!(bench.serve(), 4);
    assert_eq!(bench.ours.state(), StateName::Registered);
}

/// Handshakes of a user who may or may not have a certificate.
#[derive(Debug, Default)]
struct Certified(Arc<AtomicBool>);

impl DskPort for Certified {
    fn has_certificate(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn forget_certificate(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn open(&mut self, target_name: &str) -> Result<Box<dyn DskChannel>, DskFailure> {
        TwoFlights::default().open(target_name)
    }
}

#[test]
fn a_user_without_a_certificate_fetches_one_and_goes_on() {
    let port = Certified::default();
    let has = port.0.clone();
    let tls_dsk: Option<Box<dyn DskPort>> = Some(Box::new(port));
    let mut bench = Bench::new(Proof::Methods(Methods { tls_dsk, ..Methods::default() }));
    bench.theirs.schemes = vec!["TLS-DSK"];
    bench.give(SignInInput::Wanted(true));
    let register = bench.register();
    let mut challenge = bench.theirs.first_challenge(&register);
    let offered = challenge.header(&HeaderName::WwwAuthenticate).unwrap().to_string();
    challenge
        .headers
        .set(HeaderName::WwwAuthenticate, format!("{offered}, sts-uri=\"https://fe1/CertProv\""));
    bench.give(SignInInput::Received(challenge));
    let fetch = SignInOutput::FetchCertificate { service: "https://fe1/CertProv".into() };
    assert!(bench.events.contains(&fetch) && bench.sent.is_empty(), "{:?}", bench.events);
    bench.give(SignInInput::CertificateFailed("the service is away".into()));
    assert_eq!(bench.status().cause, "no certificate for TLS-DSK: the service is away");
    has.store(true, Ordering::Relaxed);
    bench.give(SignInInput::CertificateReady);
    assert_eq!(bench.serve(), 4);
    assert_eq!(bench.ours.state(), StateName::Registered);
    bench.give(SignInInput::CertificateReady);
    assert!(bench.sent.is_empty(), "nobody waits for it");
}

#[test]
fn a_certificate_that_the_front_end_refuses_is_given_up() {
    let port = Certified(Arc::new(AtomicBool::new(true)));
    let has = port.0.clone();
    let tls_dsk: Option<Box<dyn DskPort>> = Some(Box::new(port));
    let mut bench = Bench::new(Proof::Methods(Methods { tls_dsk, ..Methods::default() }));
    bench.theirs.schemes = vec!["TLS-DSK"];
    bench.give(SignInInput::Wanted(true));
    let bare = bench.register();
    let offer = bench.theirs.first_challenge(&bare);
    bench.give(SignInInput::Received(offer));
    let hello = bench.register();
    let refusal = bench.theirs.first_challenge(&hello);
    bench.give(SignInInput::Received(refusal));
    assert_eq!(bench.status().cause, "the certificate of the user was refused by fe1.contoso.com");
    assert!(!has.load(Ordering::Relaxed));
}

#[test]
fn a_trusted_server_sends_no_credentials_and_tries_no_password() {
    let mut bench = Bench::new(Proof::TrustedServer);
    bench.give(SignInInput::Wanted(true));
    let register = bench.register();
    let challenge = bench.theirs.first_challenge(&register);
    bench.give(SignInInput::Received(challenge));
    assert!(bench.sent.is_empty());
    assert!(bench.status().cause.contains("topology"), "{}", bench.status().cause);
}

#[test]
fn a_wrong_password_is_told_and_a_new_one_signs_in() {
    let mut bench = Bench::new(methods("wrong"));
    bench.give(SignInInput::Wanted(true));
    bench.serve();
    assert_eq!(bench.status().cause, "name or password was refused by fe1.contoso.com");
    assert_eq!(bench.ours.state(), StateName::Waiting);
    bench.give(SignInInput::ProofChanged(methods("secret")));
    bench.serve();
    assert_eq!(bench.ours.state(), StateName::Registered);
}

#[test]
fn a_refresh_is_one_signed_register_and_keys_are_renewed_in_time() {
    let mut bench = Bench::signed_in(methods("secret"));
    let before = bench.theirs.verified;
    bench.pass(7200);
    assert_eq!(bench.theirs.verified, before + 1);
    let opaque_before = bench.theirs.opaque.clone();
    bench.theirs.opaque = "RENEWED".into();
    // Refreshes under the old name are challenged; so a whole handshake follows, and no dialog is lost.
    bench.pass(8 * 3600);
    assert_eq!(bench.ours.state(), StateName::Registered);
    assert!(!bench.dialogs_lost() && opaque_before != bench.theirs.opaque);
    assert!(bench.ours.renewal().unwrap() > bench.now);
}

#[test]
fn every_other_message_is_signed_and_carries_the_epid() {
    let mut bench = Bench::signed_in(methods("secret"));
    let mut invite = Message::request(Method::Invite, "sip:bob@contoso.com");
    invite.headers.push(HeaderName::From, "\"Alice\" <sip:alice@contoso.com>;tag=1");
    invite.headers.push(HeaderName::To, "<sip:bob@contoso.com>");
    invite.headers.push(HeaderName::CallId, "c");
    invite.headers.push(HeaderName::CSeq, "1 INVITE");
    bench.ours.sign(&mut invite).unwrap();
    assert!(invite.header(&HeaderName::From).unwrap().ends_with(";tag=1;epid=492a7ce35f"));
    bench.theirs.check_any(&invite);
    let mut answer = Message::response(&invite, 200, "OK", Some("t"));
    bench.theirs.sign(&mut answer);
    assert_eq!(bench.ours.verify(&answer, bench.now), Ok(Trust::Signed));
}

#[test]
fn a_refresh_that_finds_no_binding_ends_the_dialogs_and_begins_anew() {
    let mut bench = Bench::signed_in(methods("secret"));
    bench.action = "added";
    bench.pass(7201);
    assert!(bench.dialogs_lost());
    bench.events.clear();
    bench.pass(60);
    assert_eq!(bench.ours.state(), StateName::Registered);
    assert!(!bench.dialogs_lost(), "the first answer of a new sign-in is no loss");
}

#[test]
fn the_home_server_is_asked_with_the_same_call_id_and_without_keys() {
    let mut bench = Bench::new(methods("secret"));
    bench.give(SignInInput::Wanted(true));
    let mut last = bench.register();
    for _ in 0..2 {
        let challenge = bench.theirs.answer(&last);
        bench.give(SignInInput::Received(challenge));
        last = bench.register();
    }
    assert_eq!(bench.theirs.answer(&last).status(), Some(200));
    let mut moved = Message::response(&last, 301, "Redirect request to Home Server", Some("t"));
    moved.headers.push(HeaderName::Contact, "<sip:192.168.74.5:5061;transport=tls>");
    moved.headers.push(HeaderName::Expires, "2592000");
    let unsigned = moved.clone();
    assert!(matches!(
        bench.try_give(SignInInput::Received(unsigned)),
        Err(SignInRefusal::Untrusted(Untrusted::Unsigned { .. }))
    ));
    bench.theirs.sign(&mut moved);
    bench.give(SignInInput::Received(moved));
    assert!(
        bench
            .events
            .iter()
            .any(|event| matches!(event, SignInOutput::Redirected { targets } if targets.len() == 1))
    );
    bench.give(SignInInput::ProxyChanged(proxy("192.168.74.5:5061")));
    let again = bench.register();
    assert_eq!(again.call_id(), last.call_id());
    assert_eq!(again.cseq().unwrap().number, last.cseq().unwrap().number + 1);
    assert!(again.header(&HeaderName::Authorization).is_none());
    bench.theirs = FrontEnd::new(Side::Registrar, Version::V4);
    bench.sent.push((again, proxy("192.168.74.5:5061")));
    assert_eq!(bench.serve(), 3);
    assert_eq!(bench.ours.state(), StateName::Registered);
}

fn notify(method: Method, body: &str) -> Message {
    let mut notify = Message::request(method.clone(), "sip:alice@192.0.2.50:40001");
    notify.headers.push(HeaderName::From, "<sip:alice@contoso.com>;tag=0AA95D2F");
    notify.headers.push(HeaderName::To, "<sip:alice@contoso.com>;epid=492a7ce35f");
    notify.headers.push(HeaderName::CallId, "3f6b");
    notify.headers.push(HeaderName::CSeq, format!("1 {method}"));
    notify.headers.push(HeaderName::Event, "registration-notify");
    notify.headers.push(other("ms-diagnostics-public"), "4141;reason=\"User disabled\"");
    notify.set_body("text/registration-event", body.to_owned());
    notify
}

#[test]
fn a_rejected_user_is_signed_out_and_stays_out() {
    let mut bench = Bench::signed_in(methods("secret"));
    bench.give(SignInInput::Notified(notify(Method::Notify, "deregistered;event=rejected")));
    let Some(SignInOutput::Respond(ok)) = bench.events.first() else { panic!("{:?}", bench.events) };
    bench.theirs.check_any(&ok.clone());
    assert!(bench.dialogs_lost());
    let signed_out = bench.events.iter().find_map(|event| match event {
        SignInOutput::SignedOut(sign_out) => Some(sign_out.clone()),
        _ => None,
    });
    let signed_out = signed_out.unwrap();
    assert_eq!(signed_out.event, SignOutEvent::Rejected);
    assert_eq!(signed_out.cause, "4141 User disabled: the user has been disabled");
    let register = bench.register();
    assert_eq!(register.header(&HeaderName::Expires).unwrap().as_str(), "0");
    let mut gone = Message::response(&register, 200, "OK", Some("t"));
    bench.theirs.sign(&mut gone);
    bench.give(SignInInput::Received(gone));
    assert_eq!(bench.ours.state(), StateName::Stopped);
    bench.pass(3600);
    assert_eq!(bench.ours.state(), StateName::Stopped);
}

#[test]
fn an_unregistered_user_comes_back_and_a_benotify_is_not_answered() {
    let mut bench = Bench::signed_in(methods("secret"));
    bench.action = "added";
    let benotify = notify(Method::from("BENOTIFY"), "deregistered;event=unregistered\r\n");
    bench.give(SignInInput::Notified(benotify));
    assert!(!bench.events.iter().any(|event| matches!(event, SignInOutput::Respond(_))));
    bench.events.clear();
    bench.pass(60);
    assert_eq!(bench.ours.state(), StateName::Registered);
    assert!(!bench.dialogs_lost());
    let strange = notify(Method::Notify, "hello");
    assert!(matches!(bench.try_give(SignInInput::Notified(strange)), Err(SignInRefusal::UnknownEvent(_))));
}

#[test]
fn a_lost_connection_takes_keys_and_dialogs_with_it() {
    let mut bench = Bench::signed_in(methods("secret"));
    bench.give(SignInInput::TransportFailed);
    assert!(bench.dialogs_lost());
    bench.pass(40);
    assert_eq!(bench.ours.state(), StateName::Registered);
    let mut bench = Bench::new(methods("secret"));
    bench.give(SignInInput::Wanted(true));
    let register = bench.register();
    let challenge = bench.theirs.first_challenge(&register);
    bench.give(SignInInput::Received(challenge));
    bench.sent.clear();
    bench.give(SignInInput::TransportFailed);
    assert!(!bench.dialogs_lost());
    bench.pass(20);
    assert_eq!(bench.ours.state(), StateName::Registered, "the handshake began from its first step");
}

#[test]
fn a_front_end_that_does_not_reach_the_home_server_is_left_alone_for_a_minute() {
    let mut bench = Bench::new(methods("secret"));
    bench.give(SignInInput::Wanted(true));
    let no = Message::response(&bench.register(), 504, "Server time-out", Some("t"));
    bench.give(SignInInput::Received(no));
    assert!(bench.events.iter().any(|event| matches!(event, SignInOutput::NextProxy { .. })));
    assert!(bench.ours.deadline().unwrap().since(bench.now) >= Duration::from_secs(60));
    bench.give(SignInInput::ProxyChanged(proxy("192.0.2.11:5061")));
    assert_eq!(bench.ours.state(), StateName::AwaitingAnswer);
}

#[test]
fn another_front_end_means_other_keys_and_the_same_one_does_not() {
    let mut bench = Bench::signed_in(methods("secret"));
    bench.give(SignInInput::ProxyChanged(proxy("192.0.2.10:5061")));
    assert!(bench.ours.may_speak() && !bench.dialogs_lost());
    bench.give(SignInInput::ProxyBack(proxy("192.0.2.11:5061")));
    assert!(!bench.ours.may_speak() && bench.dialogs_lost());
    assert!(bench.register().header(&HeaderName::Authorization).is_none());
}

#[test]
fn a_refusal_is_put_into_words() {
    let mut bench = Bench::new(methods("secret"));
    bench.give(SignInInput::Wanted(true));
    let mut no = Message::response(&bench.register(), 403, "Forbidden", Some("t"));
    no.headers.push(other("ms-diagnostics"), "17001;reason=\"User Agent denied\"");
    bench.give(SignInInput::Received(no));
    assert!(bench.status().cause.contains("allow it or configure another"), "{}", bench.status().cause);
    let mut bench = Bench::new(methods("secret"));
    bench.give(SignInInput::Wanted(true));
    let no = Message::response(&bench.register(), 404, "Not Found", Some("t"));
    bench.give(SignInInput::Received(no));
    assert!(bench.status().cause.ends_with("not enabled for SIP"));
}
