use std::time::Duration;

use super::*;
use crate::id::OwnerId;
use crate::lync::signing::{Side, Version};
use crate::lync::test_front_end::FrontEnd;
use crate::pii::Pii;
use crate::sip::wire::{Method, Text};
use crate::sip::{Facing, Transport};

const NOW: Moment = Moment::from_micros(1_700_000_000_000_000);

fn credentials(password: &str) -> Credentials {
    Credentials { username: "CONTOSO\\alice".into(), password: Pii(password.into()) }
}

fn line(lync: bool) -> Line {
    let mut tokens = Tokens::new([5; 32]);
    let record = RegistrationRecord::new(&mut tokens);
    let lync = lync.then(|| LyncAccount {
        epid: LyncAccount::epid_of(&record, Some("00131 0123456"), "node", "alice"),
        trusted_server: false,
        policy: NtlmPolicy::default(),
        subnet: None,
        ask_expires: false,
        tls_dsk: None,
    });
    let account = Account {
        owner: OwnerId(0xab),
        aor: "sip:alice@contoso.com".into(),
        registrar: "sip:contoso.com".into(),
        contact: "sip:alice@192.0.2.50:40001;transport=tls".into(),
        contact_params: String::new(),
        sent_by: "192.0.2.50:40001".into(),
        credentials: credentials("secret"),
        expires: Duration::from_secs(7_200),
        user_agent: "Kirkwall".into(),
        proxy: Destination {
            transport: Transport::Tls,
            address: "192.0.2.10:5061".parse().unwrap(),
            facing: Facing::North,
            connection: None,
            server_name: None,
        },
    };
    let mut line = Line::new(account, lync, record, tokens);
    line.handle(LineInput::Started, NOW).unwrap();
    line
}

/// The last REGISTER of what came out.
fn sent(ready: &Effects) -> Option<Message> {
    ready.then.iter().rev().find_map(|output| match output {
        SignInOutput::Send { request, .. } => Some(request.clone()),
        _ => None,
    })
}

fn status(ready: &Effects) -> SignInStatus {
    let found = ready.then.iter().rev().find_map(|output| match output {
        SignInOutput::Changed(status) => Some(status.clone()),
        _ => None,
    });
    found.unwrap()
}

/// Answers REGISTERs until none comes.
fn sign_in(line: &mut Line, theirs: &mut FrontEnd, first: Effects) -> Effects {
    let mut ready = first;
    while let Some(register) = sent(&ready) {
        let mut answer = theirs.answer(&register);
        if answer.status() == Some(200) {
            let contact = register.header(&HeaderName::Contact).unwrap().clone();
            answer.headers.push(
                HeaderName::Contact,
                format!("{contact};gruu=\"sip:alice@contoso.com;gruu\";expires=7200"),
            );
        }
        ready = line.handle(LineInput::Received(answer), NOW).unwrap();
    }
    ready
}

fn request(number: u32) -> Message {
    let mut request = Message::request(Method::Message, "sip:bob@contoso.com");
    request.headers.push(HeaderName::From, "\"Alice\" <sip:alice@contoso.com>;tag=1");
    request.headers.push(HeaderName::To, "<sip:bob@contoso.com>;tag=2");
    request.headers.push(HeaderName::CallId, "c");
    request.headers.push(HeaderName::CSeq, format!("{number} MESSAGE"));
    request
        .headers
        .push(HeaderName::Contact, "<sip:alice@192.0.2.50:40001;transport=tls>;+sip.rendering=\"no\"");
    request
}

#[test]
fn a_thousand_messages_verify_at_both_ends() {
    let (mut line, mut theirs) = (line(true), FrontEnd::new(Side::Registrar, Version::V4));
    let first = line.handle(LineInput::Wanted(true), NOW).unwrap();
    assert!(!line.may_speak());
    sign_in(&mut line, &mut theirs, first);
    assert!(line.may_speak());
    let before = theirs.verified;
    for number in 1..=500 {
        let mut ours = request(number);
        line.sign(&mut ours).unwrap();
        theirs.check_any(&ours);
        let mut answer = Message::response(&ours, 200, "OK", None);
        theirs.sign(&mut answer);
        assert_eq!(line.verify(&answer, NOW), Ok(Trust::Signed));
        let mut asked = Message::request(Method::Message, "sip:alice@contoso.com;gruu");
        asked.headers.push(HeaderName::From, "<sip:bob@contoso.com>;tag=2");
        asked.headers.push(HeaderName::To, "<sip:alice@contoso.com>;tag=1;epid=00");
        asked.headers.push(HeaderName::CallId, "c");
        asked.headers.push(HeaderName::CSeq, format!("{number} MESSAGE"));
        theirs.sign(&mut asked);
        assert_eq!(line.verify(&asked, NOW), Ok(Trust::Signed));
        assert!(line.verify(&asked, NOW).is_err(), "a second time it is a replay");
        let mut answer = Message::response(&asked, 200, "OK", None);
        line.sign(&mut answer).unwrap();
        theirs.check_any(&answer);
    }
    assert_eq!(theirs.verified - before, 1_000);
}

#[test]
fn the_gruu_is_contact_of_requests_and_of_no_redirection() {
    let (mut line, mut theirs) = (line(true), FrontEnd::new(Side::Registrar, Version::V4));
    let first = line.handle(LineInput::Wanted(true), NOW).unwrap();
    sign_in(&mut line, &mut theirs, first);
    let mut ours = request(1);
    line.sign(&mut ours).unwrap();
    let contact = ours.header(&HeaderName::Contact).unwrap();
    assert_eq!(*contact, "<sip:alice@contoso.com;gruu>;+sip.rendering=\"no\"");
    let mut moved = Message::response(&request(1), 302, "Moved Temporarily", None);
    moved.headers.push(HeaderName::Contact, "<sip:carol@contoso.com>");
    line.sign(&mut moved).unwrap();
    assert_eq!(*moved.header(&HeaderName::Contact).unwrap(), "<sip:carol@contoso.com>");
}

#[test]
fn an_association_that_the_front_end_forgot_is_agreed_anew_once() {
    let (mut line, mut theirs) = (line(true), FrontEnd::new(Side::Registrar, Version::V4));
    let first = line.handle(LineInput::Wanted(true), NOW).unwrap();
    sign_in(&mut line, &mut theirs, first);
    let again = line.handle(LineInput::Challenged, NOW).unwrap();
    assert!(sent(&again).unwrap().header(&HeaderName::Authorization).is_none());
    assert!(!line.may_speak());
    let second = line.handle(LineInput::Challenged, NOW).unwrap();
    assert!(sent(&second).is_none(), "one handshake serves all messages that met a challenge");
    theirs.opaque = "AFTER".into();
    sign_in(&mut line, &mut theirs, again);
    assert!(line.may_speak());
    let mut ours = request(1);
    line.sign(&mut ours).unwrap();
    theirs.check_any(&ours);
}

#[test]
fn a_user_saved_again_with_the_same_password_is_left_in_peace() {
    let (mut line, mut theirs) = (line(true), FrontEnd::new(Side::Registrar, Version::V4));
    let first = line.handle(LineInput::Wanted(true), NOW).unwrap();
    sign_in(&mut line, &mut theirs, first);
    let same = line.handle(LineInput::CredentialsChanged(credentials("secret")), NOW).unwrap();
    assert_eq!(same, Ready::nothing());
    let other = line.handle(LineInput::CredentialsChanged(credentials("other")), NOW).unwrap();
    assert!(sent(&other).is_some() && !line.may_speak());
}

#[test]
fn a_user_who_was_signed_out_for_good_shows_why_until_he_is_wanted_again() {
    let (mut line, mut theirs) = (line(true), FrontEnd::new(Side::Registrar, Version::V4));
    let first = line.handle(LineInput::Wanted(true), NOW).unwrap();
    sign_in(&mut line, &mut theirs, first);
    let mut notify = Message::request(Method::Notify, "sip:alice@contoso.com");
    notify.headers.push(HeaderName::From, "<sip:alice@contoso.com>;tag=0AA95D2F");
    notify.headers.push(HeaderName::To, "<sip:alice@contoso.com>;epid=492a7ce35f");
    notify.headers.push(HeaderName::CallId, "3f6b");
    notify.headers.push(HeaderName::CSeq, "1 NOTIFY");
    notify.headers.push(HeaderName::Event, "registration-notify");
    notify
        .headers
        .push(HeaderName::Other(Text::from_static("ms-diagnostics-public")), "4141;reason=\"User disabled\"");
    notify.set_body("text/registration-event", "deregistered;event=rejected");
    assert!(is_sign_out(&notify));
    let out = line.handle(LineInput::Notified(notify), NOW).unwrap();
    let left = sign_in(&mut line, &mut theirs, out);
    assert_eq!(status(&left).cause, "4141 User disabled: the user has been disabled");
    let again = line.handle(LineInput::Wanted(true), NOW).unwrap();
    assert!(sent(&again).is_some());
}

#[test]
fn a_plain_line_signs_nothing_and_trusts_as_before() {
    let mut line = line(false);
    let first = line.handle(LineInput::Wanted(true), NOW).unwrap();
    assert!(sent(&first).is_some() && line.may_speak());
    let mut ours = request(1);
    line.sign(&mut ours).unwrap();
    assert_eq!(ours, request(1));
    assert_eq!(line.verify(&ours, NOW), Ok(Trust::NotNeeded));
}

#[test]
fn an_epid_stays_what_it_was() {
    let mut record = RegistrationRecord::new(&mut Tokens::new([1; 32]));
    let of_handset = LyncAccount::epid_of(&record, Some("00131 0123456"), "node", "alice");
    let of_user = LyncAccount::epid_of(&record, None, "node", "alice");
    assert_ne!(of_handset, of_user);
    record.epid = Some(of_user.to_string());
    assert_eq!(LyncAccount::epid_of(&record, Some("00131 0123456"), "node", "alice"), of_user);
}
