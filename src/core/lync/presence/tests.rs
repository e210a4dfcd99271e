use super::*;
use crate::lync::endpoint::Epid;
use crate::lync::xml::Element;
use crate::sip::wire::Method;

const GRUU: &str = "sip:alice@contoso.com;opaque=user:epid:x;gruu";
const AOR: &str = "sip:alice@contoso.com";

struct Bench {
    presence: Presence,
    now: Moment,
    published: VecDeque<String>,
    trouble: Vec<Option<String>>,
}

impl Bench {
    fn new() -> Self {
        let instance = "492a7ce35f".parse::<Epid>().unwrap().instance();
        Self {
            presence: Presence::new(AOR, instance, PresenceTimes::default()),
            now: Moment::from_micros(1_000_000_000_000),
            published: VecDeque::new(),
            trouble: Vec::new(),
        }
    }

    fn ready() -> Self {
        let mut bench = Self::new();
        bench.give(PresenceInput::Used);
        bench.begin(Roaming::default());
        bench.answer(200, "");
        bench
    }

    fn begin(&mut self, roaming: Roaming) {
        self.give(PresenceInput::Ready { gruu: GRUU.into(), roaming: Box::new(roaming) });
    }

    fn give(&mut self, input: PresenceInput) {
        for output in self.presence.handle(input, self.now).unwrap().then {
            match output {
                PresenceOutput::Publish { body } => self.published.push_back(body),
                PresenceOutput::Trouble(trouble) => self.trouble.push(trouble),
            }
        }
    }

    /// Answers the one publication under way and gives it back as (kind, container, version, number).
    fn answer(&mut self, status: u16, body: &str) -> Vec<(String, u32, u32, Option<u32>)> {
        assert_eq!(self.published.len(), 1, "one SERVICE is under way");
        let sent = Element::parse(self.published.pop_front().unwrap().as_bytes()).unwrap();
        let request = Message::request(Method::from("SERVICE"), AOR);
        let mut answer = Message::response(&request, status, "Answer", None);
        answer.set_body("application/msrtc-fault+xml", body.to_owned());
        self.give(PresenceInput::Answered(answer));
        let read = |publication: &Element| {
            let state = publication.child("state");
            let kind =
                state.and_then(|state| state.attribute("type")).or(publication.attribute("categoryName"));
            let number = state.and_then(|state| state.text_of("availability")).map(|n| n.parse().unwrap());
            let (container, version) = (publication.number("container"), publication.number("version"));
            (kind.unwrap().to_owned(), container.unwrap(), version.unwrap(), number)
        };
        sent.child("publications").unwrap().children("publication").map(read).collect()
    }

    fn pass(&mut self, secs: u64) {
        let end = self.now + Duration::from_secs(secs);
        while let Some(due) = self.presence.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.give(PresenceInput::Deadline);
        }
        self.now = end;
    }
}

fn machine(number: u32, version: u32) -> Vec<(String, u32, u32, Option<u32>)> {
    [2, 3].map(|container| ("machineState".to_owned(), container, version, Some(number))).to_vec()
}

#[test]
fn the_first_publication_waits_for_the_versions() {
    let mut bench = Bench::new();
    assert_eq!(bench.presence.shown(), Availability::Away, "nobody has touched it");
    bench.give(PresenceInput::Used);
    assert!(bench.published.is_empty());
    let mut roaming = Roaming::default();
    let instance = Instances::of(AOR, GRUU).machine;
    for container in [2, 3] {
        roaming.versions.note(Place { category: "state".into(), instance, container }, 7);
    }
    bench.begin(roaming);
    let sent = bench.answer(200, "");
    assert_eq!(sent[0], ("device".into(), 2, 0, None));
    assert_eq!(sent[1..], machine(3500, 7));
}

#[test]
fn available_becomes_inactive_after_five_minutes_and_away_after_five_more() {
    let mut bench = Bench::ready();
    bench.pass(299);
    assert!(bench.published.is_empty());
    bench.pass(1);
    assert_eq!(bench.answer(200, ""), machine(5000, 1));
    bench.pass(300);
    assert_eq!(bench.answer(200, ""), machine(15_500, 2));
    bench.pass(100_000);
    assert!(bench.published.is_empty(), "never Offline by itself");
    bench.give(PresenceInput::Used);
    assert_eq!(bench.answer(200, ""), machine(3500, 3));
}

#[test]
fn a_call_shows_from_its_first_leg_to_the_end_of_the_last() {
    let mut bench = Bench::ready();
    bench.give(PresenceInput::Calls(1));
    assert_eq!(bench.presence.shown(), Availability::Busy);
    let sent = bench.answer(200, "");
    assert_eq!(sent, [2, 3].map(|container| ("phoneState".to_owned(), container, 0, Some(6500))));
    bench.give(PresenceInput::Calls(2));
    bench.give(PresenceInput::Used);
    bench.pass(3600);
    assert!(bench.published.is_empty(), "a call that lasts is no idle handset");
    bench.give(PresenceInput::Calls(0));
    let sent = bench.answer(200, "");
    assert_eq!(sent, [2, 3].map(|container| ("state".to_owned(), container, 1, None)), "taken back");
    bench.pass(300);
    assert_eq!(bench.answer(200, ""), machine(5000, 1));
}

#[test]
fn what_changes_while_a_service_is_under_way_goes_together_in_the_next() {
    let mut bench = Bench::ready();
    bench.pass(300);
    for input in [PresenceInput::Calls(1), PresenceInput::Calls(0), PresenceInput::DoNotDisturb(true)] {
        bench.give(input);
    }
    assert_eq!(bench.answer(200, ""), machine(5000, 1));
    let sent = bench.answer(200, "");
    assert_eq!(sent[..2], [machine(3500, 2)[0].clone(), ("userState".into(), 2, 0, Some(9500))]);
    assert_eq!(sent[3], ("userState".into(), 3, 0, Some(6900)));
    bench.give(PresenceInput::DoNotDisturb(false));
    assert_eq!(bench.answer(200, "").len(), 2);
}

#[test]
fn a_conflict_is_mended_once() {
    let mut bench = Bench::ready();
    bench.pass(300);
    let fault = "<Fault><Faultcode>Client.BadCall.WrongDelta</Faultcode><details>\
        <operation index=\"1\" version=\"1\" curVersion=\"5\"/><operation index=\"2\" version=\"1\" curVersion=\"6\"/>\
        </details></Fault>";
    bench.answer(409, fault);
    let sent = bench.answer(409, fault);
    assert_eq!((sent[0].2, sent[1].2), (5, 6));
    assert!(bench.published.is_empty(), "not in a circle");
    assert!(bench.trouble.last().unwrap().as_ref().unwrap().contains("409"));
    bench.pass(120);
    bench.answer(200, "");
    assert_eq!(bench.trouble.last(), Some(&None));
}

#[test]
fn a_refusal_is_told_and_tried_again_after_a_while() {
    let mut bench = Bench::new();
    bench.begin(Roaming { has_containers: Some(false), ..Roaming::default() });
    assert!(bench.trouble[0].as_ref().unwrap().contains("KB2737277"));
    bench.answer(403, "");
    bench.give(PresenceInput::Used);
    assert!(bench.published.is_empty());
    bench.pass(120);
    bench.published.clear();
    bench.give(PresenceInput::Failed);
    bench.pass(120);
    bench.answer(200, "");
    let again = bench.presence.handle(PresenceInput::Failed, bench.now);
    assert_eq!(again.unwrap_err(), PresenceRefusal::NothingAsked);
}

#[test]
fn a_handset_at_the_edge_of_range_does_not_flood_the_front_end() {
    let mut bench = Bench::ready();
    let mut count = 1;
    for second in 0..180 {
        bench.give(PresenceInput::OutOfRange(second % 2 == 0));
        if !bench.published.is_empty() {
            bench.answer(200, "");
            count += 1;
        }
        bench.pass(1);
    }
    assert_eq!(count, 3);
    bench.give(PresenceInput::OutOfRange(true));
    bench.give(PresenceInput::Deadline);
    if !bench.published.is_empty() {
        bench.answer(200, "");
    }
    bench.pass(180);
    assert_eq!(bench.presence.shown(), Availability::Offline);
}

#[test]
fn a_new_sign_in_publishes_everything_anew() {
    let mut bench = Bench::ready();
    bench.give(PresenceInput::SignedOut);
    bench.give(PresenceInput::Calls(1));
    assert!(bench.published.is_empty());
    bench.begin(Roaming::default());
    assert_eq!(bench.answer(200, "").len(), 5);
}
