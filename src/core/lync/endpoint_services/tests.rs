use std::time::Duration;

use super::*;
use crate::id::OwnerId;
use crate::lync::endpoint::Epid;
use crate::lync::location_profile;
use crate::lync::presence::PresenceTimes;
use crate::lync::routing::NorthForward;
use crate::sip::wire::Method;
use crate::sip::{Facing, Transport};

const GRUU: &str = "sip:anna@contoso.com;opaque=user:epid:x;gruu";
const ROAMING: &str = "<roamingData><categories><category name=\"state\" instance=\"5\" container=\"2\" version=\"7\"/>\
    </categories><containers><container id=\"2\" version=\"1\"/></containers></roamingData>";
const PROVISIONING: &str = "<provisionGroupList><provisionGroup name=\"ServerConfiguration\">\
    <poolUri>sip:pool.contoso.com@contoso.com;gruu;opaque=srvr:HomeServer:x</poolUri>\
    <ucLocationProfile>Berlin.contoso.com</ucLocationProfile></provisionGroup></provisionGroupList>";
const PROFILE: &str = "<LocationProfileDescription><Name>Berlin</Name><Rule><Pattern>^0(\\d+)$</Pattern>\
    <Translation>+49$1</Translation></Rule></LocationProfileDescription>";

struct Bench {
    ours: EndpointServices,
    now: Moment,
    sent: Vec<Message>,
    answers: Vec<Message>,
    doubts: usize,
    notes: Vec<String>,
    profile: Option<LocationProfile>,
    relays: usize,
    agreed: Option<NorthForward>,
    followed: Option<NorthForward>,
    lines: (Vec<String>, Option<String>),
}

impl Bench {
    fn new() -> Self {
        let account = ServicesAccount {
            owner: OwnerId(3 << 62 | 7),
            aor: "sip:anna@contoso.com".into(),
            instance: Epid::of_device("00131 0123456").instance(),
            sent_by: "192.0.2.50:5061".into(),
            user_agent: "Kirkwall".into(),
            times: PresenceTimes::default(),
            publishes: true,
        };
        Self {
            ours: EndpointServices::new(account, Tokens::new([9; 32])),
            now: Moment::from_micros(1_700_000_000_000_000),
            sent: Vec::new(),
            answers: Vec::new(),
            doubts: 0,
            notes: Vec::new(),
            profile: None,
            relays: 0,
            agreed: None,
            followed: None,
            lines: (Vec::new(), None),
        }
    }

    fn signed_in() -> Self {
        let mut bench = Self::new();
        bench.sign_in(true);
        bench
    }

    fn sign_in(&mut self, wants_profile: bool) {
        let proxy = Destination {
            transport: Transport::Tls,
            address: "192.0.2.10:5061".parse().unwrap(),
            facing: Facing::North,
            connection: None,
            server_name: None,
        };
        self.give(ServicesInput::SignedIn { gruu: GRUU.into(), proxy, limited: false, wants_profile });
    }

    fn give(&mut self, input: ServicesInput) {
        for output in self.ours.handle(input, self.now).unwrap().then {
            match output {
                ServicesOutput::Send { request, .. } => self.sent.push(request),
                ServicesOutput::Answer(answer) => self.answers.push(answer),
                ServicesOutput::Doubted => self.doubts += 1,
                ServicesOutput::Notes(notes) => self.notes = notes,
                ServicesOutput::LocationProfile(profile) => self.profile = Some(*profile),
                ServicesOutput::Relay(_) => self.relays += 1,
                ServicesOutput::Provisioned(_) | ServicesOutput::Waiting(_) => {}
                ServicesOutput::ForwardAgreed(forward) => self.agreed = Some(forward),
                ServicesOutput::FollowForward { forward, .. } => self.followed = Some(forward),
                ServicesOutput::Lines { delegates, private } => self.lines = (delegates, private),
            }
        }
    }

    /// The request sent whose text holds `part`.
    fn take(&mut self, part: &str) -> Message {
        let text = |message: &Message| String::from_utf8(message.encode().to_vec()).unwrap();
        let at = self.sent.iter().position(|message| text(message).contains(part));
        self.sent.remove(
            at.unwrap_or_else(|| {
                panic!("{part} not in {:?}", self.sent.iter().map(text).collect::<Vec<_>>())
            }),
        )
    }

    fn answer(&mut self, request: &Message, status: u16, body: &str) {
        let mut answer = Message::response(request, status, "Answer", Some("theirs"));
        answer.headers.push(HeaderName::Contact, "<sip:fe1.contoso.com:5061;transport=tls>");
        if let Some(event) = request.header(&HeaderName::Event) {
            answer.headers.push(HeaderName::Event, event.clone());
            answer.headers.push(HeaderName::Other(Text::from_static("ms-piggyback-cseq")), "1");
        }
        if !body.is_empty() {
            answer.set_body("application/xml", body.to_owned());
        }
        self.give(ServicesInput::Received(answer));
    }

    fn pass(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while let Some(due) = self.ours.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.give(ServicesInput::Deadline);
        }
        self.now = end;
    }
}

#[test]
fn a_sign_in_subscribes_as_clients_do() {
    let mut bench = Bench::signed_in();
    assert_eq!(bench.sent.len(), 2);
    for event in ["vnd-microsoft-provisioning-v2", "vnd-microsoft-roaming-self"] {
        let subscribe = bench.take(&format!("Event: {event}\r\n"));
        let text = String::from_utf8(subscribe.encode().to_vec()).unwrap();
        for line in [
            "SUBSCRIBE sip:anna@contoso.com SIP/2.0",
            "Supported: ms-benotify",
            "Supported: ms-piggyback-first-notify",
            "Proxy-Require: ms-benotify",
            &format!("Contact: <{GRUU}>"),
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line}\n{text}");
        }
        assert_eq!(text.contains("\r\nExpires: 0\r\n"), event.contains("provisioning"));
    }
}

#[test]
fn presence_is_published_once_roaming_self_came_with_the_answer() {
    let mut bench = Bench::signed_in();
    let roaming = bench.take("roaming-self\r\n");
    bench.sent.clear();
    bench.give(ServicesInput::Used);
    assert!(bench.sent.is_empty(), "versions are not known yet");
    bench.give(ServicesInput::Calls(0));
    bench.answer(&roaming, 200, ROAMING);
    let publication = bench.take("SERVICE sip:anna@contoso.com SIP/2.0");
    assert!(String::from_utf8_lossy(&publication.body).contains("<availability>3500</availability>"));
    bench.answer(&publication, 200, "");
    bench.give(ServicesInput::Calls(1));
    let call = bench.take("on-the-phone");
    assert_ne!(call.call_id(), publication.call_id());
    bench.answer(&call, 200, "");
    bench.pass(1_200);
    bench.give(ServicesInput::Calls(0));
    let after = bench.take("expires=\"0\"");
    bench.answer(&after, 200, "");
    bench.pass(301);
    assert!(
        String::from_utf8_lossy(&bench.take("SERVICE").body).contains("<availability>5000</availability>")
    );
}

#[test]
fn a_call_that_only_rings_is_no_use_of_the_handset() {
    let mut bench = Bench::signed_in();
    bench.give(ServicesInput::Calls(0));
    let roaming = bench.take("roaming-self\r\n");
    bench.sent.clear();
    bench.answer(&roaming, 200, ROAMING);
    let publication = bench.take("SERVICE");
    assert!(String::from_utf8_lossy(&publication.body).contains("<availability>15500</availability>"));
}

#[test]
fn a_conflict_is_recovered_and_silence_is_told() {
    let mut bench = Bench::signed_in();
    let roaming = bench.take("roaming-self\r\n");
    bench.sent.clear();
    bench.answer(&roaming, 200, ROAMING);
    let first = bench.take("SERVICE");
    let fault = "<Fault><details><operation index=\"1\" version=\"0\" curVersion=\"4\"/></details></Fault>";
    bench.answer(&first, 409, fault);
    let again = bench.take("version=\"4\"");
    bench.pass(33);
    assert_eq!(bench.notes, ["the front end does not answer a publication of presence"]);
    let late = Message::response(&again, 200, "OK", Some("t"));
    assert!(bench.ours.handle(ServicesInput::Received(late), bench.now).is_err());
    bench.pass(130);
    let third = bench.take("SERVICE");
    bench.answer(&third, 200, "");
    assert!(bench.notes.is_empty());
}

#[test]
fn who_never_signed_in_at_a_desktop_is_told_of() {
    let mut bench = Bench::signed_in();
    let roaming = bench.take("roaming-self\r\n");
    bench.answer(&roaming, 200, "<roamingData><containers/></roamingData>");
    assert!(bench.notes[0].contains("sign in once with a desktop client"), "{:?}", bench.notes);
}

#[test]
fn the_dial_plan_is_fetched_from_the_pool_when_it_is_wanted() {
    for wanted in [true, false] {
        let mut bench = Bench::new();
        bench.sign_in(wanted);
        let provisioning = bench.take("provisioning-v2\r\n");
        bench.sent.clear();
        bench.answer(&provisioning, 200, PROVISIONING);
        assert_eq!(bench.sent.len(), usize::from(wanted));
        if wanted {
            let service =
                bench.take("SERVICE sip:pool.contoso.com@contoso.com;gruu;opaque=srvr:HomeServer:x SIP/2.0");
            assert_eq!(*service.header(&HeaderName::Accept).unwrap(), location_profile::CONTENT_TYPE);
            bench.answer(&service, 200, PROFILE);
            assert_eq!(bench.profile.unwrap().translate("030123").as_deref(), Some("+4930123"));
        }
    }
}

#[test]
fn a_dial_plan_that_does_not_come_is_told_and_hinders_nobody() {
    let mut bench = Bench::signed_in();
    let provisioning = bench.take("provisioning-v2\r\n");
    bench.sent.clear();
    bench.answer(&provisioning, 200, PROVISIONING);
    let service = bench.take("SERVICE");
    bench.answer(&service, 404, "");
    assert_eq!(bench.notes, ["no dial plan of the pool: 404 Answer"]);
}

#[test]
fn a_challenge_asks_for_new_keys_and_the_request_goes_again() {
    let mut bench = Bench::signed_in();
    let roaming = bench.take("roaming-self\r\n");
    bench.sent.clear();
    bench.answer(&roaming, 401, "");
    let again = bench.take("roaming-self\r\n");
    assert_eq!((bench.doubts, again.cseq().unwrap().number), (1, 2));
    bench.answer(&again, 200, ROAMING);
    let publication = bench.take("SERVICE");
    bench.answer(&publication, 401, "");
    let again = bench.take("SERVICE");
    assert_eq!((bench.doubts, again.cseq().unwrap().number), (2, 2));
    assert_eq!(again.body, publication.body);
}

#[test]
fn a_benotify_is_taken_and_not_answered() {
    let mut bench = Bench::signed_in();
    let roaming = bench.take("roaming-self\r\n");
    bench.answer(&roaming, 200, ROAMING);
    for (method, answered) in [("BENOTIFY", 0), ("NOTIFY", 1)] {
        bench.give(ServicesInput::Notified(news(&roaming, 2 + answered, method, ROAMING)));
        assert_eq!(bench.answers.len(), answered);
    }
}

#[test]
fn after_a_sign_out_nothing_stands_and_a_new_sign_in_begins_anew() {
    let mut bench = Bench::signed_in();
    let roaming = bench.take("roaming-self\r\n");
    bench.answer(&roaming, 200, "<roamingData><containers/></roamingData>");
    assert!(!bench.notes.is_empty());
    bench.give(ServicesInput::SignedOut);
    assert!(bench.notes.is_empty());
    bench.sent.clear();
    bench.give(ServicesInput::Used);
    bench.pass(3_600);
    assert!(bench.sent.is_empty());
    bench.sign_in(false);
    assert_eq!(bench.sent.len(), 2);
}

#[test]
fn relay_credentials_are_fetched_when_both_are_known_kept_fresh_and_asked_for_again_after_a_failure() {
    const MRAS: &str = "sip:mras.contoso.com@contoso.com;gruu;opaque=srvr:MRAS:x";
    let granted = include_str!("../mras/answer.xml");
    let asks = |bench: &Bench| {
        bench
            .sent
            .iter()
            .any(|request| String::from_utf8_lossy(&request.body).contains("<credentialsRequest "))
    };
    let mut bench = Bench::signed_in();
    bench.give(ServicesInput::WantsRelay);
    assert!(!asks(&bench), "nobody has told where");
    let provisioning = bench.take("vnd-microsoft-provisioning-v2");
    let told = PROVISIONING.replace("<ucLocation", &format!("<mrasUri>{MRAS}</mrasUri><ucLocation"));
    bench.answer(&provisioning, 200, &told);
    let first = bench.take("<credentialsRequest ");
    bench.answer(&first, 403, "");
    assert!(bench.notes[0].contains("media relay: 403"), "{:?}", bench.notes);
    assert_eq!(bench.relays, 0);

    let later = |bench: &mut Bench, seconds| {
        bench.now = bench.now + Duration::from_secs(seconds);
        bench.give(ServicesInput::Deadline);
    };
    later(&mut bench, 60);
    let again = bench.take("<credentialsRequest ");
    bench.answer(&again, 200, granted);
    assert_eq!(bench.relays, 1);
    assert!(!bench.notes.iter().any(|note| note.contains("media relay")), "{:?}", bench.notes);
    assert!(bench.ours.deadline() <= Some(bench.now + Duration::from_secs(28_200)));
    later(&mut bench, 28_199);
    assert!(!asks(&bench));
    later(&mut bench, 1);
    let renewed = bench.take("<credentialsRequest ");
    bench.answer(&renewed, 200, granted);
    assert_eq!(bench.relays, 2);
    bench.give(ServicesInput::SignedOut);
    later(&mut bench, 30_000);
    assert!(!asks(&bench), "it is for somebody else to ask");
}

#[test]
fn credentials_that_a_relay_refuses_are_asked_for_anew_at_once_and_not_without_end() {
    let granted = include_str!("../mras/answer.xml");
    let mut bench = Bench::signed_in();
    bench.give(ServicesInput::RelayRefused);
    bench.give(ServicesInput::WantsRelay);
    let provisioning = bench.take("vnd-microsoft-provisioning-v2");
    let told = PROVISIONING.replace("<ucLocation", "<mrasUri>sip:mras@contoso.com;gruu</mrasUri><ucLocation");
    bench.answer(&provisioning, 200, &told);
    let first = bench.take("<credentialsRequest ");
    bench.answer(&first, 200, granted);
    bench.now = bench.now + Duration::from_secs(3_600);
    bench.give(ServicesInput::RelayRefused);
    let anew = bench.take("<credentialsRequest ");
    bench.give(ServicesInput::RelayRefused);
    assert!(
        !bench.sent.iter().any(|sent| String::from_utf8_lossy(&sent.body).contains("<credentialsRequest "))
    );
    bench.answer(&anew, 200, granted);
    assert_eq!(bench.relays, 2);
    // These are refused too: MRAS and the relay agree on nothing, and asking at once again would be in vain.
    bench.give(ServicesInput::RelayRefused);
    assert!(
        !bench.sent.iter().any(|sent| String::from_utf8_lossy(&sent.body).contains("<credentialsRequest "))
    );
    bench.now = bench.now + Duration::from_secs(10);
    bench.give(ServicesInput::Deadline);
    bench.take("<credentialsRequest ");
}

#[test]
fn a_forward_is_published_beside_presence_and_one_of_a_lync_client_is_followed() {
    let mut bench = Bench::new();
    let to = |name: &str| NorthForward::Always(format!("sip:{name}@contoso.com"));
    bench.give(ServicesInput::Forward { ours: to("bob"), agreed: Some(NorthForward::Off) });
    bench.sign_in(false);
    let roaming = bench.take("vnd-microsoft-roaming-self");
    bench.answer(&roaming, 200, ROAMING);
    let presence = bench.take("machineState");
    let forward = bench.take("categoryName=\"routing\"");
    bench.answer(&presence, 403, "");
    bench.answer(&forward, 200, "");
    assert_eq!(bench.agreed, Some(to("bob")), "a refusal of the one is none of the other");
    let told = "<roamingData><categories><category name=\"routing\" instance=\"0\" \
        container=\"0\" version=\"2\"><routing><preamble><flags name=\"clientflags\" value=\"forward_immediate \
        enablecf\"/><list name=\"forwardto\"><target uri=\"sip:carol@contoso.com\"/></list><list \
        name=\"delegates\"><target uri=\"sip:eve@contoso.com\"/></list></preamble></routing></category>\
        </categories></roamingData>";
    bench.give(ServicesInput::Notified(news(&roaming, 2, "BENOTIFY", told)));
    assert_eq!(bench.followed, Some(to("carol")));
    assert_eq!(bench.lines.0, ["sip:eve@contoso.com"]);
}

fn news(subscribe: &Message, number: usize, method: &str, body: &str) -> Message {
    let mut news = Message::request(Method::from(method), GRUU);
    news.headers.push(HeaderName::From, "<sip:anna@contoso.com>;tag=theirs");
    news.headers.push(HeaderName::To, subscribe.header(&HeaderName::From).unwrap().clone());
    news.headers.push(HeaderName::CallId, subscribe.call_id().unwrap().clone());
    news.headers.push(HeaderName::CSeq, format!("{number} {method}"));
    news.headers.push(HeaderName::Event, roaming::EVENT);
    news.set_body("application/xml", body.to_owned());
    news
}
