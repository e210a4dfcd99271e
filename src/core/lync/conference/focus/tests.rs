use std::net::SocketAddr;

use super::*;
use crate::id::OwnerId;
use crate::lync::endpoint::Epid;
use crate::lync::xml::Element;
use crate::sip::{Facing, Transport};

const FOCUS: &str = "sip:alice@contoso.com;gruu;opaque=app:conf:focus:id:8K7Q2X1D";
const FACTORY: &str = "sip:alice@contoso.com;gruu;opaque=app:conf:focusfactory";

fn at(seconds: u64) -> Moment {
    Moment::from_micros(seconds * 1_000_000)
}

fn proxy() -> Destination {
    peer().back()
}

fn peer() -> Peer {
    let remote: SocketAddr = "192.0.2.1:5061".parse().unwrap();
    Peer {
        transport: Transport::Tls,
        remote,
        local: remote,
        facing: Facing::North,
        connection: None,
        tls_names: Vec::new(),
    }
}

struct World {
    focus: Focus,
    now: Moment,
    said: Vec<FocusOutput>,
}

impl World {
    fn new(begin: Begin) -> Self {
        let account = ServicesAccount {
            owner: OwnerId(7),
            aor: "sip:alice@contoso.com".into(),
            instance: Epid::of_device("0123456789").instance(),
            sent_by: "192.0.2.9:5061".into(),
            user_agent: "Kirkwall".into(),
            times: Default::default(),
            publishes: false,
        };
        let focus = Focus::new(account, "Alice".into(), proxy(), begin, Tokens::new([7; 32]));
        let mut world = Self { focus, now: at(1_000), said: Vec::new() };
        world.step(FocusInput::Started);
        world
    }

    fn step(&mut self, input: FocusInput) {
        let ready = self.focus.handle(input, self.now).unwrap();
        self.said.extend(ready.then);
    }

    /// The last request of a method that was sent.
    fn sent(&self, method: &Method) -> Message {
        let sent = self.said.iter().rev().filter_map(|said| match said {
            FocusOutput::Send { message, .. } => Some(message),
            _ => None,
        });
        let of_method =
            |message: &&Message| message.is_request() && message.method().as_ref() == Some(method);
        sent.into_iter().find(of_method).unwrap_or_else(|| panic!("no {method:?}")).clone()
    }

    fn answer(&mut self, method: &Method, status: u16, kind: &str, body: &str) {
        let request = self.sent(method);
        let mut answer = Message::response(&request, status, "Told", Some("focus"));
        answer.headers.push(HeaderName::Contact, format!("<{FOCUS}>;isfocus"));
        if *method == Method::Subscribe {
            answer.headers.push(HeaderName::Expires, "3600");
        }
        if !body.is_empty() {
            answer.set_body(kind, body.to_owned());
        }
        self.step(FocusInput::Received(answer, peer()));
    }

    fn c3p(&mut self, method: &Method, status: u16, code: &str, inner: &str) {
        let asked = Element::parse(&self.sent(method).body).unwrap();
        let number: u32 = asked.number("requestId").unwrap();
        let body =
            format!("<response requestId=\"{number}\" C3PVersion=\"1\" code=\"{code}\">{inner}</response>");
        self.answer(method, status, c3p::CONTENT_TYPE, &body);
    }

    /// A request of the focus in the dialog that our INVITE made.
    fn asks(&mut self, method: Method, number: u32, body: &str) {
        let invite = self.sent(&Method::Invite);
        let mut request = Message::request(method.clone(), "sip:alice@contoso.com");
        request.headers.push(HeaderName::Via, format!("SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK{number}"));
        request.headers.push(HeaderName::From, format!("<{FOCUS}>;tag=focus"));
        request.headers.push(HeaderName::To, invite.header(&HeaderName::From).unwrap().clone());
        request.headers.push(HeaderName::CallId, invite.call_id().unwrap().clone());
        request.headers.push(HeaderName::CSeq, format!("{number} {method}"));
        request.headers.push(HeaderName::MaxForwards, "70");
        if !body.is_empty() {
            request.set_body(c3p::CONTENT_TYPE, body.to_owned());
        }
        self.step(FocusInput::Received(request, peer()));
    }

    fn joined() -> Self {
        let mut world = Self::new(Begin::Join(FOCUS.into()));
        world.c3p(&Method::Invite, 200, "success", "<addUser/>");
        world
    }
}

#[test]
fn who_is_invited_joins_the_focus_and_learns_where_the_mixer_is() {
    let mut world = World::new(Begin::Join(FOCUS.into()));
    let invite = world.sent(&Method::Invite);
    assert_eq!(invite.typed_body().map(|(kind, _)| kind), Some(c3p::CONTENT_TYPE));
    assert_eq!(invite.request_uri().map(|uri| uri.raw.to_string()).as_deref(), Some(FOCUS));
    world.c3p(&Method::Invite, 200, "success", "<addUser/>");
    world.sent(&Method::Ack);
    let audio = FOCUS.replace(":focus:", ":audio-video:");
    assert!(world.said.contains(&FocusOutput::Joined { focus: FOCUS.into(), audio }));
    assert_eq!(world.sent(&Method::Subscribe).header(&HeaderName::Event).unwrap().as_str(), "conference");
}

#[test]
fn the_first_roster_comes_with_the_answer() {
    let mut world = World::joined();
    let told = "<conference-info entity=\"sip:f\" state=\"full\" version=\"1\"><users><user \
                entity=\"sip:alice@contoso.com\"><endpoint entity=\"{1}\" session-type=\"audio-video\">\
                <status>connected</status></endpoint></user></users></conference-info>";
    world.answer(&Method::Subscribe, 200, roster::CONTENT_TYPE, told);
    let roster = world.said.iter().find_map(|said| match said {
        FocusOutput::Roster(roster) => Some(roster.talking()),
        _ => None,
    });
    assert_eq!((roster, world.focus.roster().talking()), (Some(1), 1));
    world.step(FocusInput::Mute("sip:alice@contoso.com".into(), true));
    let mute = Element::parse(&world.sent(&Method::Info).body).unwrap();
    assert_eq!(mute.find("media-ingress-filter").unwrap().text, "block");
    let stranger = FocusInput::Mute("sip:bob@contoso.com".into(), true);
    assert_eq!(world.focus.handle(stranger, world.now).map(|_| ()), Err(FocusRefusal::Nobody));
}

#[test]
fn a_conference_is_made_and_joined() {
    let mut world = World::new(Begin::Create(FACTORY.into()));
    let made = Element::parse(&world.sent(&Method::from("SERVICE")).body).unwrap();
    assert_eq!(made.find("expiry-time").unwrap().text, "1970-01-01T08:16:40Z");
    let inner = format!("<addConference><conference-info entity=\"{FOCUS}\"/></addConference>");
    world.c3p(&Method::from("SERVICE"), 200, "success", &inner);
    world.c3p(&Method::Invite, 200, "success", "<addUser/>");
    assert!(
        world.said.iter().any(|said| matches!(said, FocusOutput::Joined { focus, .. } if focus == FOCUS))
    );
}

#[test]
fn a_factory_that_refuses_or_is_silent_is_told() {
    let mut world = World::new(Begin::Create(FACTORY.into()));
    world.c3p(&Method::from("SERVICE"), 200, "failure", "<addConference reason=\"unauthorized\"/>");
    let words = "the conference factory refused: unauthorized".to_owned();
    assert!(world.said.contains(&FocusOutput::Failed { status: 503, words }));
    assert_eq!(world.said.last(), Some(&FocusOutput::Closed));

    let mut world = World::new(Begin::Create(FACTORY.into()));
    world.now = at(1_040);
    world.step(FocusInput::Deadline);
    assert!(world.said.iter().any(|said| matches!(said, FocusOutput::Failed { status: 504, .. })));
}

#[test]
fn a_focus_that_refuses_is_told_once() {
    for (status, code) in [(403, "failure"), (200, "failure")] {
        let mut world = World::new(Begin::Join(FOCUS.into()));
        world.c3p(&Method::Invite, status, code, "<addUser reason=\"conferenceDoesntExist\"/>");
        let failed = world.said.iter().filter(|said| matches!(said, FocusOutput::Failed { .. })).count();
        assert_eq!(failed, 1, "{status}");
        assert!(!world.said.iter().any(|said| matches!(said, FocusOutput::Joined { .. })));
    }
}

#[test]
fn the_mixer_calls_somebody_and_the_end_of_it_comes_later() {
    let mut world = World::joined();
    let bob = "sip:bob@contoso.com".to_owned();
    world.step(FocusInput::DialOut(Callee { uri: bob.clone(), name: "Bob".into() }));
    let asked: u32 = Element::parse(&world.sent(&Method::Info).body).unwrap().number("requestId").unwrap();
    world.c3p(&Method::Info, 202, "pending", "<addUser/>");
    assert!(!world.said.iter().any(|said| matches!(said, FocusOutput::Called { .. })));
    world.asks(
        Method::Info,
        3,
        &format!("<response requestId=\"{asked}\" code=\"success\"><addUser/></response>"),
    );
    assert!(world.said.contains(&FocusOutput::Called { uri: bob.clone(), refused: None }));

    world.step(FocusInput::DialOut(Callee { uri: bob.clone(), name: String::new() }));
    world.c3p(&Method::Info, 603, "failure", "<addUser reason=\"unauthorized\"/>");
    assert!(world.said.contains(&FocusOutput::Called { uri: bob, refused: Some("unauthorized".into()) }));
}

#[test]
fn a_bye_of_the_focus_ends_it_and_so_does_leaving() {
    let mut world = World::joined();
    world.answer(&Method::Subscribe, 200, roster::CONTENT_TYPE, "");
    world.asks(Method::Bye, 4, "");
    assert!(world.said.iter().any(|said| matches!(said, FocusOutput::Over { .. })));

    let mut world = World::joined();
    world.step(FocusInput::Leave);
    world.sent(&Method::Bye);
    let dial_out = FocusInput::DialOut(Callee { uri: "sip:b@x".into(), name: String::new() });
    assert_eq!(world.focus.handle(dial_out, world.now).map(|_| ()), Err(FocusRefusal::NotIn));
}
