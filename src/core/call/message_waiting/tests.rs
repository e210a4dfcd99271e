pub(in crate::call) mod scenes;

use super::*;
use crate::pii::Pii;
use crate::sip::digest::Credentials;
use crate::sip::notifier::{LocalName, Place};
use crate::sip::wire::Method;
use crate::sip::{Facing, Transport};

fn way(address: &str) -> Destination {
    Destination {
        transport: Transport::Tcp,
        address: address.parse().unwrap(),
        facing: Facing::North,
        connection: None,
        server_name: None,
    }
}

fn line(address: &str) -> Option<Box<LineUp>> {
    Some(Box::new(LineUp(Subscriber {
        owner: OwnerId(0xab),
        aor: "sip:anna@example.com".into(),
        target: "sip:anna@example.com".into(),
        contact: "sip:anna@192.0.2.1:5060".into(),
        contact_params: String::new(),
        sent_by: "192.0.2.1:5060".into(),
        credentials: Credentials { username: "anna".into(), password: Pii("x".into()) },
        user_agent: "Kirkwall".into(),
        route: Vec::new(),
        proxy: way(address),
    })))
}

fn place() -> Place {
    let local = LocalName { contact: "sip:anna@192.0.2.1".into(), sent_by: "192.0.2.1:5060".into() };
    let destination = Destination { facing: Facing::South, ..way("192.0.2.7:5060") };
    Place { contact: "sip:anna@192.0.2.7".into(), destination, registration: "r".into(), local }
}

fn machine(kept: Kept) -> MessageWaiting {
    let account = MessageAccount {
        owner: OwnerId(0xab),
        aor: "sip:anna@example.com".into(),
        user_agent: "Kirkwall".into(),
    };
    MessageWaiting::new(account, kept, Tokens::new([7; 32]))
}

fn notify(body: &str) -> Message {
    let mut request = Message::request(Method::Notify, "sip:anna@192.0.2.1");
    for (name, value) in [
        (HeaderName::Via, "SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK1"),
        (HeaderName::From, "<sip:mail@example.com>;tag=m"),
        (HeaderName::To, "<sip:anna@example.com>"),
        (HeaderName::CallId, "n"),
        (HeaderName::CSeq, "1 NOTIFY"),
        (HeaderName::Event, "message-summary"),
    ] {
        request.headers.push(name, value);
    }
    request.set_body(CONTENT_TYPE, body.to_owned());
    request
}

fn now() -> Moment {
    Moment::from_micros(1_000_000_000_000)
}

fn said(then: &[MessageOutput]) -> Vec<String> {
    let line = |message: &Message| match message.status() {
        Some(status) => status.to_string(),
        None => {
            format!("{} {}", message.method().unwrap(), String::from_utf8_lossy(&message.body).trim_end())
        }
    };
    let word = |output: &MessageOutput| match output {
        MessageOutput::Reply(answer) | MessageOutput::Answer(answer) => line(answer),
        MessageOutput::Send { request, .. } => line(request),
        MessageOutput::Changed(mailbox) => format!("changed {}", mailbox.new),
        MessageOutput::Trouble(words) => format!("trouble {words:?}"),
    };
    then.iter().map(word).collect()
}

#[test]
fn an_unasked_notification_is_saved_before_handsets_hear_of_it() {
    let mut machine = machine(Kept::default());
    machine.handle(MessageInput::South(NotifierInput::Places(vec![place()])), now()).unwrap();
    let body = "Messages-Waiting: yes\r\nVoice-Message: 2/0 (1/0)\r\n";
    let Ready { save, then } = machine.handle(MessageInput::Notified(notify(body)), now()).unwrap();
    let [SaveKept(kept)] = save.as_slice() else { panic!("{save:?}") };
    assert_eq!(kept.mailbox.as_ref().map(|mailbox| (mailbox.new, mailbox.urgent)), Some((2, 1)));
    let told = "NOTIFY Messages-Waiting: yes\r\nVoice-Message: 2/0 (1/0)";
    assert_eq!(said(&then), ["200", "changed 2", told]);
}

#[test]
fn the_same_again_is_answered_and_neither_saved_nor_told() {
    let mut machine = machine(Kept::default());
    machine.handle(MessageInput::Notified(notify("Messages-Waiting: no")), now()).unwrap();
    let again = machine.handle(MessageInput::Notified(notify("Messages-Waiting: no")), now()).unwrap();
    assert_eq!((again.save.len(), said(&again.then)), (0, vec!["200".to_owned()]));
}

#[test]
fn a_body_that_says_nothing_is_refused_and_changes_nothing() {
    let mut machine = machine(Kept::default());
    let Ready { save, then } = machine.handle(MessageInput::Notified(notify("")), now()).unwrap();
    assert_eq!((save.len(), said(&then)), (0, vec!["400".to_owned()]));
    let mut stray = notify("Messages-Waiting: yes");
    stray.headers.set(HeaderName::To, "<sip:anna@example.com>;tag=ab.gone");
    assert_eq!(said(&machine.handle(MessageInput::Notified(stray), now()).unwrap().then), ["481"]);
    assert_eq!(machine.mailbox(), None);
}

#[test]
fn the_line_subscribes_and_a_refusal_is_put_into_words() {
    let mut machine = machine(Kept::default());
    let then = machine.handle(MessageInput::Line(line("192.0.2.9:5060")), now()).unwrap().then;
    let [MessageOutput::Send { request, .. }] = then.as_slice() else { panic!("{then:?}") };
    let answer = Message::response(request, 403, "Forbidden", Some("r"));
    let then = machine.handle(MessageInput::Received(answer), now()).unwrap().then;
    let words = "message waiting is not told by the registrar: 403 Forbidden";
    assert!(
        matches!(then.as_slice(), [MessageOutput::Trouble(Some(said))] if said.contains(words)),
        "{then:?}"
    );
    let same = machine.handle(MessageInput::Line(line("192.0.2.9:5060")), now()).unwrap().then;
    assert!(same.is_empty(), "the same way again asks nothing");
    let other = machine.handle(MessageInput::Line(line("192.0.2.8:5060")), now()).unwrap().then;
    assert_eq!(said(&other), ["SUBSCRIBE "]);
    machine.handle(MessageInput::Line(None), now()).unwrap();
    assert_eq!(machine.deadline(), None);
}

#[test]
fn a_registrar_without_voice_mail_is_in_no_trouble() {
    let mut machine = machine(Kept::default());
    let then = machine.handle(MessageInput::Line(line("192.0.2.9:5060")), now()).unwrap().then;
    let [MessageOutput::Send { request, .. }] = then.as_slice() else { panic!("{then:?}") };
    let answer = Message::response(request, 489, "Bad Event", Some("r"));
    let then = machine.handle(MessageInput::Received(answer), now()).unwrap().then;
    assert_eq!(said(&then), ["trouble None"]);
}

#[test]
fn a_notification_of_the_subscription_counts_like_an_unasked_one() {
    let mut machine = machine(Kept::default());
    let then = machine.handle(MessageInput::Line(line("192.0.2.9:5060")), now()).unwrap().then;
    let [MessageOutput::Send { request, .. }] = then.as_slice() else { panic!("{then:?}") };
    let mut news = notify("Messages-Waiting: yes\r\nVoice-Message: 1/0");
    news.headers.set(HeaderName::To, request.header(&HeaderName::From).unwrap().clone());
    news.headers.set(HeaderName::CallId, request.header(&HeaderName::CallId).unwrap().clone());
    news.headers.push(HeaderName::SubscriptionState, "active;expires=600");
    news.headers.push(HeaderName::Contact, "<sip:mail@192.0.2.9>");
    let then = machine.handle(MessageInput::Notified(news), now()).unwrap().then;
    assert!(said(&then).contains(&"changed 1".to_owned()), "{then:?}");
    assert_eq!(said(&then)[0], "200");
}

#[test]
fn what_was_kept_is_there_after_a_restart_and_told_to_who_registers() {
    let mailbox = Mailbox { waiting: true, new: 4, ..Mailbox::default() };
    let mut machine = machine(Kept { mailbox: Some(mailbox), subscribers: Vec::new() });
    assert!(machine.handle(MessageInput::Started, now()).unwrap().then.is_empty());
    let told = machine.handle(MessageInput::South(NotifierInput::Places(vec![place()])), now()).unwrap();
    assert_eq!(said(&told.then), ["NOTIFY Messages-Waiting: yes\r\nVoice-Message: 4/0 (0/0)"]);
    let cleared = machine.handle(MessageInput::Told(Mailbox::default()), now()).unwrap();
    assert_eq!((cleared.save.len(), said(&cleared.then)), (1, vec!["changed 0".to_owned()]));
}
