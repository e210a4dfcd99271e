use super::*;
use crate::call::conference::{MemberView, Room, RoomKind};
use crate::id::CallRef;
use crate::sip::notifier::LocalName;
use crate::sip::wire::Method;
use crate::sip::{Facing, Peer, Transport};

fn view(numbers: &[&str]) -> RoomView {
    let room = Room {
        name: "8001".parse().unwrap(),
        title: "Ward round".into(),
        kind: RoomKind::MeetMe,
        pin: None,
        tones: true,
        most: 32,
        outside: false,
    };
    let member = |(at, number): (usize, &&str)| MemberView {
        id: OwnerId(at as u64),
        call: CallRef(1),
        number: (*number).to_owned(),
        display: String::new(),
        since: now(),
        waits: false,
        muted: false,
    };
    RoomView { room, members: numbers.iter().enumerate().map(member).collect() }
}

fn now() -> Moment {
    Moment::from_micros(1_000_000_000)
}

fn service(numbers: &[&str], record: Vec<Subscribed>) -> NotificationService {
    let name = ServiceName {
        owner: OwnerId(0xc0),
        entity: "sip:8001@house.test".into(),
        domain: ("sip".into(), "house.test".into()),
        user_agent: "Kirkwall".into(),
    };
    NotificationService::new(name, &view(numbers), record, Tokens::new([1; 32]))
}

fn subscribe(who: &str) -> ServiceInput {
    let mut request = Message::request(Method::Subscribe, "sip:8001@house.test");
    let mut push = |name: HeaderName, value: &str| request.headers.push(name, value);
    push(HeaderName::Via, "SIP/2.0/TCP 192.0.2.7:5062;branch=z9hG4bK1");
    push(HeaderName::From, &format!("<sip:{who}@house.test>;tag={who}"));
    push(HeaderName::To, "<sip:8001@house.test>");
    push(HeaderName::CallId, who);
    push(HeaderName::CSeq, "1 SUBSCRIBE");
    push(HeaderName::Contact, &format!("<sip:{who}@192.0.2.7:5062>"));
    push(HeaderName::Event, "conference");
    push(HeaderName::Accept, CONTENT_TYPE);
    let peer = Peer {
        transport: Transport::Tcp,
        remote: "192.0.2.7:5062".parse().unwrap(),
        local: "192.0.2.1:5060".parse().unwrap(),
        facing: Facing::South,
        connection: None,
        tls_names: Vec::new(),
    };
    let local = LocalName { contact: "sip:8001@192.0.2.1".into(), sent_by: "192.0.2.1:5060".into() };
    ServiceInput::Subscribe(Subscribe {
        request: Box::new(request),
        peer,
        local,
        to_tag: "ours".into(),
        who: who.into(),
    })
}

type Said = Ready<SaveSubscribers, ServiceOutput>;

fn status(said: &Said) -> Option<u16> {
    said.then.iter().find_map(|output| match output {
        ServiceOutput::Reply(answer) => answer.status(),
        _ => None,
    })
}

fn notifies(said: &Said) -> Vec<Message> {
    let sent = |output: &ServiceOutput| match output {
        ServiceOutput::Send { request, .. } => Some(request.clone()),
        _ => None,
    };
    said.then.iter().filter_map(sent).collect()
}

fn body(request: &Message) -> String {
    String::from_utf8_lossy(&request.body).into_owned()
}

fn taken(service: &mut NotificationService, request: &Message) -> Said {
    service.handle(ServiceInput::Received(Message::response(request, 200, "OK", Some("x"))), now()).unwrap()
}

#[test]
fn who_is_inside_is_told_the_roster_and_its_changes_and_both_are_saved_first() {
    let mut service = service(&["201", "202"], Vec::new());
    let said = service.handle(subscribe("201"), now()).unwrap();
    assert_eq!(status(&said), Some(200));
    assert_eq!(said.save.len(), 1, "the dialog is on disk before it is used");
    let [first] = notifies(&said).try_into().unwrap();
    assert!(body(&first).contains("state=\"full\" version=\"0\""), "{}", body(&first));
    taken(&mut service, &first);
    let said = service.handle(ServiceInput::View(Box::new(view(&["201", "202", "203"]))), now()).unwrap();
    assert_eq!(said.save.len(), 1, "and so is its number");
    let [next] = notifies(&said).try_into().unwrap();
    assert!(body(&next).contains("state=\"partial\" version=\"1\""), "{}", body(&next));
    assert!(body(&next).contains("sip:203@house.test") && !body(&next).contains("sip:202@"));
}

#[test]
fn who_is_outside_may_not_know_and_who_leaves_hears_no_more() {
    let mut service = service(&["201", "202"], Vec::new());
    assert_eq!(status(&service.handle(subscribe("203"), now()).unwrap()), Some(403));
    let said = service.handle(subscribe("201"), now()).unwrap();
    taken(&mut service, &notifies(&said)[0]);
    let said = service.handle(ServiceInput::View(Box::new(view(&["202"]))), now()).unwrap();
    let [last] = notifies(&said).try_into().unwrap();
    let standing = last.header(&HeaderName::SubscriptionState).unwrap();
    assert_eq!(&**standing, "terminated;reason=rejected");
    assert!(taken(&mut service, &last).save.contains(&SaveSubscribers(Vec::new())));
}

#[test]
fn a_room_that_is_over_says_so_and_the_service_ends_when_all_have_heard_it() {
    let mut service = service(&["201"], Vec::new());
    let said = service.handle(subscribe("201"), now()).unwrap();
    taken(&mut service, &notifies(&said)[0]);
    let said = service.handle(ServiceInput::Over, now()).unwrap();
    assert_eq!(said.save, [SaveSubscribers(Vec::new())]);
    let [last] = notifies(&said).try_into().unwrap();
    assert_eq!(&**last.header(&HeaderName::SubscriptionState).unwrap(), "terminated;reason=noresource");
    assert_eq!(status(&service.handle(subscribe("201"), now()).unwrap()), Some(404));
    assert_eq!(taken(&mut service, &last).then, [ServiceOutput::Done]);
}

#[test]
fn subscribers_are_told_all_again_after_a_restart() {
    let mut before = service(&["201"], Vec::new());
    let said = before.handle(subscribe("201"), now()).unwrap();
    let SaveSubscribers(record) = said.save[0].clone();
    let mut after = service(&["201", "202"], record);
    let said = after.handle(ServiceInput::Started, now()).unwrap();
    let [first] = notifies(&said).try_into().unwrap();
    assert!(body(&first).contains("state=\"full\" version=\"1\""), "{}", body(&first));
}
