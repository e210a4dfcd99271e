use super::*;
use crate::lync::test_front_end::{FrontEnd, TwoFlights};
use crate::sip::wire::Method;

const NOW: Moment = Moment::from_micros(1_700_000_000_000_000);

fn request(method: Method, cseq: u32) -> Message {
    let mut request = Message::request(method.clone(), "sip:contoso.com");
    request.headers.push(HeaderName::From, "<sip:alice@contoso.com>;tag=2d0be03279;epid=492a7ce35f");
    request.headers.push(HeaderName::To, "<sip:alice@contoso.com>");
    request.headers.push(HeaderName::CallId, "74c55d45a6ee");
    request.headers.push(HeaderName::CSeq, format!("{cseq} {method}"));
    request
}

fn ntlm(password: &str) -> Methods {
    let user = NtlmUser::new("CONTOSO\\alice", &Pii(password.to_owned()));
    Methods { ntlm: Some(user), ..Methods::default() }
}

struct Bench {
    ours: Associations,
    theirs: FrontEnd,
    tokens: Tokens,
    cseq: u32,
}

impl Bench {
    fn new(methods: Methods, side: Side, version: Version) -> Self {
        let theirs = FrontEnd::new(side, version);
        Self { ours: Associations::new(methods), theirs, tokens: Tokens::new([3; 32]), cseq: 0 }
    }

    /// REGISTERs until there is no challenge; how many, or what went wrong.
    fn register(&mut self) -> Result<u32, SaFault> {
        for count in 1.. {
            self.cseq += 1;
            let mut register = request(Method::Register, self.cseq);
            self.ours.authorize_register(&mut register, &mut self.tokens).unwrap();
            let answer = self.theirs.answer(&register);
            let trust = self.ours.verify(&answer, NOW, &mut self.tokens).unwrap();
            match answer.status() {
                Some(200) => {
                    assert_eq!(trust, Trust::Signed);
                    return Ok(count);
                }
                _ => self.ours.learn(&answer, NOW, &mut self.tokens)?,
            }
            assert!(count < 10);
        }
        unreachable!("the loop returns")
    }

    fn receive(&mut self, message: &Message) -> Result<Trust, Untrusted> {
        self.ours.verify(message, NOW, &mut self.tokens)
    }
}

#[test]
fn three_requests_agree_and_then_everything_is_signed() {
    for version in [Version::V2, Version::V3, Version::V4] {
        for side in Side::BOTH {
            let mut bench = Bench::new(ntlm("secret"), side, version);
            assert_eq!(bench.register(), Ok(3));
            assert_eq!(bench.register(), Ok(1));
            let before = bench.theirs.verified;
            for method in [Method::Invite, Method::Ack, Method::Cancel, Method::Bye] {
                let mut request = request(method, 7);
                bench.ours.sign(&mut request, &mut bench.tokens).unwrap();
                assert!(!request.header(&side.credentials()).unwrap().contains("version"));
                bench.theirs.check_any(&request);
            }
            let mut answer = Message::response(&request(Method::Notify, 1), 200, "OK", None);
            bench.ours.sign(&mut answer, &mut bench.tokens).unwrap();
            bench.theirs.check_any(&answer);
            assert_eq!(bench.theirs.verified, before + 5);
        }
    }
}

#[test]
fn a_thousand_messages_verify_on_both_sides() {
    let mut bench = Bench::new(ntlm("secret"), Side::Registrar, Version::V4);
    bench.register().unwrap();
    for number in 0..500 {
        let mut ours = request(Method::Info, number);
        bench.ours.sign(&mut ours, &mut bench.tokens).unwrap();
        bench.theirs.check_any(&ours);
        let mut theirs = Message::response(&ours, 200, "OK", Some("t"));
        bench.theirs.sign(&mut theirs);
        assert_eq!(bench.receive(&theirs), Ok(Trust::Signed));
    }
}

#[test]
fn a_message_sent_again_is_signed_anew_and_carries_one_signature() {
    let mut bench = Bench::new(ntlm("secret"), Side::Registrar, Version::V4);
    bench.register().unwrap();
    let mut invite = request(Method::Invite, 1);
    for _ in 0..2 {
        bench.ours.sign(&mut invite, &mut bench.tokens).unwrap();
        assert_eq!(invite.headers.count(&HeaderName::Authorization), 1);
        bench.theirs.check_any(&invite);
    }
}

#[test]
fn what_the_front_end_sends_must_be_signed_whole_and_new() {
    let mut bench = Bench::new(ntlm("secret"), Side::Registrar, Version::V4);
    let notify = request(Method::from("BENOTIFY"), 1);
    assert_eq!(bench.receive(&notify), Ok(Trust::NotNeeded));
    bench.register().unwrap();
    assert!(matches!(bench.receive(&notify), Err(Untrusted::Unsigned { what }) if what == "a BENOTIFY"));
    let mut signed = notify.clone();
    bench.theirs.sign(&mut signed);
    let mut forged = signed.clone();
    forged.headers.set(HeaderName::To, "<sip:mallory@contoso.com>");
    assert_eq!(bench.receive(&forged), Err(Untrusted::Forged));
    assert_eq!(bench.receive(&signed), Ok(Trust::Signed));
    assert!(matches!(bench.receive(&signed), Err(Untrusted::Replayed(_))));
    bench.theirs.opaque = "other".into();
    let mut unknown = notify.clone();
    bench.theirs.sign(&mut unknown);
    assert!(matches!(bench.receive(&unknown), Err(Untrusted::UnknownAssociation { .. })));
    let ringing = Message::response(&request(Method::Invite, 2), 180, "Ringing", Some("t"));
    assert_eq!(bench.receive(&ringing), Ok(Trust::NotNeeded));
    let mut unsigned = ringing.clone();
    unsigned.start = crate::sip::wire::StartLine::Response { status: 200, reason: "OK".into() };
    assert!(matches!(bench.receive(&unsigned), Err(Untrusted::Unsigned { .. })));
}

#[test]
fn a_wrong_password_is_told_and_a_wrong_clock_with_it() {
    let mut bench = Bench::new(ntlm("wrong"), Side::Registrar, Version::V4);
    let refused = bench.register().unwrap_err();
    assert_eq!(refused.to_string(), "name or password was refused by fe1.contoso.com");
    assert!(!bench.ours.is_established());

    let mut bench = Bench::new(ntlm("secret"), Side::Registrar, Version::V4);
    let mut register = request(Method::Register, 1);
    for _ in 0..2 {
        bench.ours.authorize_register(&mut register, &mut bench.tokens).unwrap();
        let answer = bench.theirs.answer(&register);
        bench.ours.learn(&answer, NOW, &mut bench.tokens).unwrap();
    }
    let mut no = bench.theirs.first_challenge(&register);
    no.headers.push(HeaderName::Date, "Tue, 14 Nov 2023 23:13:20 GMT");
    let refused = bench.ours.learn(&no, NOW, &mut bench.tokens).unwrap_err();
    assert!(refused.to_string().ends_with("differ by 60 minutes, NTLM bears 15"), "{refused}");
}

#[test]
fn kerberos_alone_is_refused_in_clear_words() {
    let mut bench = Bench::new(ntlm("secret"), Side::Registrar, Version::V4);
    bench.theirs.schemes = vec!["Kerberos"];
    let refused = bench.register().unwrap_err().to_string();
    assert!(
        refused.contains("offers Kerberos") && refused.contains("UseNtlmForClientToProxyAuth"),
        "{refused}"
    );
    bench.theirs.schemes = vec![];
    assert!(bench.register().unwrap_err().to_string().contains("offers nothing"));
}

#[test]
fn tls_dsk_goes_before_ntlm_and_signs_with_its_keys() {
    let methods = Methods { tls_dsk: Some(Box::new(TwoFlights::default())), ..ntlm("secret") };
    let mut bench = Bench::new(methods, Side::Registrar, Version::V4);
    bench.theirs.schemes = vec!["NTLM", "Kerberos", "TLS-DSK"];
    assert_eq!(bench.register(), Ok(4));
    assert_eq!(bench.register(), Ok(1));
    let mut bye = request(Method::Bye, 9);
    bench.ours.sign(&mut bye, &mut bench.tokens).unwrap();
    assert!(bye.header(&HeaderName::Authorization).unwrap().starts_with("TLS-DSK "));
    bench.theirs.check_any(&bye);
    // The certificate of this user lives two hours.
    let renew_in = bench.ours.renew_at().unwrap().since(NOW);
    assert!(
        renew_in < Duration::from_secs(7200 - 299) && renew_in > Duration::from_secs(3600),
        "{renew_in:?}"
    );
}

#[test]
fn while_one_is_renewed_the_old_one_goes_on() {
    let mut bench = Bench::new(ntlm("secret"), Side::Registrar, Version::V4);
    bench.register().unwrap();
    let due = bench.ours.renew_at().unwrap();
    assert!(
        due.since(NOW) < LIFE - MARGIN + Duration::from_secs(1) && due.since(NOW) > LIFE - SPREAD - MARGIN
    );
    bench.ours.renew(due);
    assert_eq!(bench.ours.renew_at(), None);
    let mut bye = request(Method::Bye, 9);
    bench.ours.sign(&mut bye, &mut bench.tokens).unwrap();
    bench.theirs.check_any(&bye);
    let mut late = request(Method::Notify, 1);
    bench.theirs.sign(&mut late);
    bench.theirs.opaque = "NEW".into();
    assert_eq!(bench.register(), Ok(3));
    assert_eq!(
        bench.receive(&late),
        Ok(Trust::Signed),
        "what was under way under the old one is still taken"
    );
    assert_eq!(bench.register(), Ok(1));
    bench.ours.forget();
    assert!(!bench.ours.is_established());
}

#[test]
fn a_server_that_keeps_the_name_of_an_association_is_understood() {
    let mut bench = Bench::new(ntlm("secret"), Side::Registrar, Version::V4);
    bench.register().unwrap();
    bench.ours.renew(NOW);
    let mut under_way = request(Method::Notify, 1);
    bench.theirs.sign(&mut under_way);
    assert_eq!(bench.receive(&under_way), Ok(Trust::Signed));
    assert_eq!(bench.register(), Ok(3));
    assert_eq!(bench.register(), Ok(1));
}

#[test]
fn a_proxy_and_a_registrar_each_have_their_signature() {
    let mut bench = Bench::new(ntlm("secret"), Side::Proxy, Version::V4);
    assert_eq!(bench.register(), Ok(3));
    let mut registrar = FrontEnd::new(Side::Registrar, Version::V4);
    registrar.opaque = "REGISTRAR".into();
    let mut register = request(Method::Register, 9);
    for _ in 0..4 {
        bench.ours.authorize_register(&mut register, &mut bench.tokens).unwrap();
        bench.theirs.check_any(&register);
        let answer = registrar.answer(&register);
        if answer.status() == Some(200) {
            assert_eq!(bench.receive(&answer), Ok(Trust::Signed));
            bench.ours.authorize_register(&mut register, &mut bench.tokens).unwrap();
            registrar.check_any(&register);
            return bench.theirs.check_any(&register);
        }
        bench.ours.learn(&answer, NOW, &mut bench.tokens).unwrap();
    }
    panic!("no agreement with the registrar");
}

#[test]
fn a_front_end_that_does_not_go_on_is_left() {
    let mut bench = Bench::new(ntlm("secret"), Side::Registrar, Version::V4);
    let mut register = request(Method::Register, 1);
    for round in 0..2 {
        bench.ours.authorize_register(&mut register, &mut bench.tokens).unwrap();
        let answer = bench.theirs.first_challenge(&register);
        let learned = bench.ours.learn(&answer, NOW, &mut bench.tokens);
        assert_eq!(learned.is_err(), round == 1, "{learned:?}");
    }
}

/// Headers of a real Lync 2013, with three schemes and then a CHALLENGE.
#[test]
fn the_challenges_of_a_lync_2013_are_answered() {
    let mut ours = Associations::new(ntlm("secret"));
    let mut tokens = Tokens::new([3; 32]);
    let mut register = request(Method::Register, 1);
    let mut first = Message::response(&register, 401, "Unauthorized", None);
    for value in [
        "NTLM realm=\"SIP Communications Service\", targetname=\"LYNC2013-SERVER.lync.loc\", version=4",
        "Kerberos realm=\"SIP Communications Service\", targetname=\"sip/LYNC2013-SERVER.lync.loc\", version=4",
        "TLS-DSK realm=\"SIP Communications Service\", targetname=\"LYNC2013-SERVER.lync.loc\", version=4, \
         sts-uri=\"https://LYNC2013-SERVER.lync.loc:443/CertProv/CertProvisioningService.svc\"",
    ] {
        first.headers.push(HeaderName::WwwAuthenticate, value);
    }
    ours.learn(&first, NOW, &mut tokens).unwrap();
    ours.authorize_register(&mut register, &mut tokens).unwrap();
    assert_eq!(
        register.header(&HeaderName::Authorization).unwrap().as_str(),
        "NTLM qop=\"auth\", realm=\"SIP Communications Service\", targetname=\"LYNC2013-SERVER.lync.loc\", \
         gssapi-data=\"\", version=4"
    );
}
