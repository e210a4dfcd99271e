//! Messages from end to end in virtual time. Nothing goes by SIP here but what the carrier says.

pub(in crate::call) mod scenes;

use std::time::Duration;

use super::*;
use crate::call::house::HouseFate;
use crate::call::text::cpim::Cpim;
use crate::call::text::imdn::{Disposition, Imdn};
use crate::call::text::request::TextWay;
use crate::call::text::{Confirmation, Escalation, Priority, Sender, Wish};
use crate::id::Username;
use crate::pii::Pii;
use crate::sip::wire::{HeaderName, Message};
use crate::sip::{Destination, Facing, Transport};

const START: Moment = Moment::from_micros(1_700_000_000_000_000);

struct World {
    post: Post,
    now: Moment,
    /// As the disk has it.
    kept: BTreeMap<TextId, TextMessage>,
    sent: Vec<Message>,
    events: Vec<PostEvent>,
    /// Who has a handset that can be reached, and what it answers.
    handsets: BTreeMap<&'static str, u16>,
    /// Whether handsets open envelopes.
    envelopes: bool,
    /// Whose handsets ring.
    rings: Vec<((TextId, usize), String)>,
}

fn user(name: &str) -> Username {
    name.parse().unwrap()
}

fn way(to: &str) -> TextWay {
    TextWay {
        request_uri: format!("sip:{to}@10.0.0.7"),
        from_uri: "sip:desk@example.com".into(),
        from_display: String::new(),
        to_uri: format!("sip:{to}@example.com"),
        destination: Destination {
            transport: Transport::Tcp,
            address: ([10, 0, 0, 7], 5060).into(),
            facing: Facing::South,
            connection: None,
            server_name: None,
        },
        route: Vec::new(),
        sent_by: "10.0.0.1:5060".into(),
        product: "Kirkwall".into(),
        line: None,
        credentials: None,
    }
}

fn draft(to: &[&str]) -> Draft {
    Draft {
        sender: Sender { address: "desk".into(), display: String::new(), user: None },
        text: Pii("Fire in room 217".into()),
        to: to.iter().map(|to| (*to).to_owned()).collect(),
        priority: Priority::Normal,
        confirmation: Confirmation::None,
        escalation: None,
        lifetime: Duration::from_secs(3_600),
        wish: None,
    }
}

fn alarm(to: &[&str], levels: &[&[&str]]) -> Draft {
    let level = |names: &&[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let levels = levels.iter().map(level).collect();
    Draft {
        priority: Priority::Emergency,
        confirmation: Confirmation::Reply,
        escalation: Some(Escalation { after: Duration::from_secs(30), levels }),
        ..draft(to)
    }
}

impl World {
    fn new(handsets: &[(&'static str, u16)]) -> Self {
        Self {
            post: Post::new("example.com".into(), OwnerId(9), Tokens::new([5; 32])),
            now: START,
            kept: BTreeMap::new(),
            sent: Vec::new(),
            events: Vec::new(),
            handsets: handsets.iter().copied().collect(),
            envelopes: true,
            rings: Vec::new(),
        }
    }

    fn give(&mut self, input: PostInput) -> Result<(), PostRefusal> {
        let Ready { save, then } = self.post.handle(input, self.now)?;
        for PostSave::Put(message) in save {
            self.kept.insert(message.id, *message);
        }
        for output in then {
            match output {
                PostOutput::Find { errand, address, .. } => {
                    let handset = self.handsets.get(address.as_str()).map(|_| way(&address));
                    let ways = handset.into_iter().collect();
                    let found = match address.as_str() {
                        "nobody" => Found::Nowhere("no such user".into()),
                        name => Found::Handsets { user: user(name), ways, native: Vec::new() },
                    };
                    self.give(PostInput::Found(errand, found)).unwrap();
                }
                PostOutput::Send { message, .. } => {
                    self.sent.push(message.clone());
                    let to = message.request_uri().unwrap().user_text();
                    let kind = message.header(&HeaderName::ContentType).unwrap().clone();
                    let opens = self.envelopes || !kind.starts_with("message/cpim");
                    let status = if opens { self.handsets[to.as_str()] } else { 415 };
                    let answer = Message::response(&message, status, "as it is", Some("t"));
                    self.give(PostInput::Received(answer)).unwrap();
                }
                PostOutput::Show { .. } => {}
                PostOutput::Ring { place, user, .. } => self.rings.push((place, user.to_string())),
                PostOutput::Hush(place) => self.rings.retain(|(known, _)| *known != place),
                PostOutput::Event(event) => self.events.push(event),
            }
        }
        Ok(())
    }

    fn ringing(&self) -> Vec<&str> {
        self.rings.iter().map(|(_, who)| who.as_str()).collect()
    }

    /// The call to a user's handsets ends so.
    fn rung(&mut self, who: &str, fate: HouseFate) {
        let at = self.rings.iter().position(|(_, known)| known == who).unwrap();
        let (place, _) = self.rings.remove(at);
        self.give(PostInput::Rung(place, fate)).unwrap();
    }

    fn submit(&mut self, draft: Draft) -> TextId {
        assert_eq!(draft.faults(), []);
        let id = self.post.name(self.now);
        self.give(PostInput::Submit(id, Box::new(draft))).unwrap();
        id
    }

    /// Runs the clock.
    fn run(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        let mut steps = 0;
        while let Some(at) = self.post.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.give(PostInput::Deadline).unwrap();
            steps += 1;
            assert!(steps < 5_000, "the machine runs in circles");
        }
        self.now = end;
    }

    fn standings(&self, id: TextId) -> Vec<(&str, Standing)> {
        self.kept[&id].recipients.iter().map(|r| (r.address.as_str(), r.standing)).collect()
    }
}

#[test]
fn a_text_is_kept_before_it_is_sent_and_forgotten_when_it_is_there() {
    let mut world = World::new(&[("4711", 200)]);
    let id = world.submit(draft(&["4711", "4711"]));
    assert_eq!(world.standings(id), [("4711", Standing::Delivered)]);
    assert_eq!((world.sent.len(), world.post.open()), (1, 0));
    assert_eq!(world.kept[&id].state(), "delivered");
    assert_eq!(world.sent[0].header(&HeaderName::ContentType).unwrap(), "text/plain;charset=utf-8");
}

#[test]
fn a_text_waits_for_a_handset_and_goes_when_it_is_back() {
    let mut world = World::new(&[]);
    let id = world.submit(draft(&["4711"]));
    world.run(600);
    assert_eq!(world.standings(id), [("4711", Standing::Waiting)]);
    assert!(world.kept[&id].recipients[0].cause.contains("no handset"));
    let tries = world.kept[&id].recipients[0].tries;
    assert!((4..=8).contains(&tries), "the waits double: {tries}");
    world.handsets.insert("4711", 200);
    world.give(PostInput::Reachable(user("4711"))).unwrap();
    assert_eq!(world.standings(id), [("4711", Standing::Delivered)]);
}

#[test]
fn a_text_that_is_too_old_is_not_delivered() {
    let mut world = World::new(&[("4712", 486)]);
    let id = world.submit(draft(&["4711", "4712", "nobody"]));
    world.run(3_601);
    let wanted = [("4711", Standing::Expired), ("4712", Standing::Expired), ("nobody", Standing::Failed)];
    assert_eq!(world.standings(id), wanted);
    assert_eq!((world.post.open(), world.post.deadline()), (0, None));
}

#[test]
fn what_was_open_goes_on_after_a_restart() {
    let mut world = World::new(&[]);
    let id = world.submit(draft(&["4711"]));
    let kept = world.kept.values().cloned().collect();
    world.post = Post::new("example.com".into(), OwnerId(9), Tokens::new([6; 32]));
    world.handsets.insert("4711", 200);
    world.give(PostInput::Started(kept)).unwrap();
    assert_eq!(world.standings(id), [("4711", Standing::Delivered)]);
    assert!(world.post.name(START) > id, "names are not given twice");
}

#[test]
fn an_alarm_goes_to_the_next_level_until_somebody_answers_for_it() {
    let mut world = World::new(&[("4711", 200), ("4712", 200), ("4713", 200)]);
    let id = world.submit(alarm(&["4711"], &[&["4712"], &["4713"]]));
    world.run(29);
    assert_eq!(world.standings(id).len(), 1);
    world.run(2);
    assert_eq!(world.standings(id), [("4711", Standing::Delivered), ("4712", Standing::Delivered)]);
    world.give(PostInput::Answer { by: user("4712"), text: Some(Pii("I go".into())) }).unwrap();
    assert!(world.events.contains(&PostEvent::Confirmed(id, "4712".into())));
    world.run(300);
    assert_eq!(world.standings(id), [("4711", Standing::Delivered), ("4712", Standing::Confirmed)]);
    assert_eq!((world.kept[&id].state(), world.post.open()), ("confirmed", 0));
    assert_eq!(world.kept[&id].recipients[1].answer.0, "I go");
    assert_eq!(
        world.give(PostInput::Answer { by: user("4711"), text: None }),
        Err(PostRefusal::NothingWaits)
    );
}

#[test]
fn a_no_does_not_wait_for_the_clock_and_the_last_level_is_told_to_people() {
    let mut world = World::new(&[("4711", 200), ("4712", 200)]);
    let id = world.submit(alarm(&["4711"], &[&["4712"]]));
    assert!(world.post.awaits_answer(&user("4711"), "desk"));
    assert!(!world.post.awaits_answer(&user("4711"), "4712"));
    world.give(PostInput::Answer { by: user("4711"), text: Some(Pii(" No ".into())) }).unwrap();
    assert_eq!(world.standings(id), [("4711", Standing::Declined), ("4712", Standing::Delivered)]);
    world.run(4_000);
    assert!(world.events.contains(&PostEvent::Unconfirmed(id)), "{:?}", world.events);
    assert_eq!((world.kept[&id].state(), world.post.deadline()), ("unconfirmed", None));
}

#[test]
fn a_notification_that_it_was_read_counts_when_it_comes_from_the_reader() {
    let mut world = World::new(&[("4711", 200)]);
    let id = world.submit(Draft { confirmation: Confirmation::Read, ..draft(&["4711"]) });
    let cpim = Cpim::read(&world.sent[0].body).unwrap();
    let notice =
        Imdn { message_id: cpim.message_id, date_time: cpim.date_time, disposition: Disposition::Displayed };
    let by = |by: &str| PostInput::Notice { by: by.into(), notice: notice.clone() };
    assert_eq!(world.give(by("4712")), Err(PostRefusal::NothingWaits));
    world.give(by("4711")).unwrap();
    assert_eq!((world.standings(id), world.kept[&id].state()), (vec![("4711", Standing::Read)], "confirmed"));
}

#[test]
fn who_opens_no_envelope_gets_the_bare_text() {
    let mut world = World::new(&[("4711", 202)]);
    world.envelopes = false;
    let id = world.submit(alarm(&["4711"], &[&["4712"]]));
    let kinds: Vec<_> =
        world.sent.iter().map(|m| m.header(&HeaderName::ContentType).unwrap().to_string()).collect();
    assert_eq!(kinds, ["message/cpim", "text/plain;charset=utf-8"]);
    assert_eq!(world.standings(id), [("4711", Standing::Delivered)]);
}

#[test]
fn a_sender_that_asked_is_told_of_delivery_and_of_reading() {
    let mut world = World::new(&[("4711", 200), ("4712", 200)]);
    let wish =
        Wish { id: "m1".into(), date_time: "2026-11-24T08:00:00Z".into(), delivery: true, display: true };
    let sender = Sender { address: "4712".into(), display: "Anna".into(), user: Some(user("4712")) };
    let id = world.submit(Draft { sender, wish: Some(wish), ..draft(&["4711"]) });
    let told = |world: &World| -> Vec<Disposition> {
        let notices = world.sent.iter().filter_map(|message| Cpim::read(&message.body));
        notices.filter_map(|cpim| Imdn::read(&cpim.body)).map(|imdn| imdn.disposition).collect()
    };
    assert_eq!(told(&world), [Disposition::Delivered]);
    let ours = Cpim::read(&world.sent[0].body).unwrap().message_id;
    let notice = Imdn { message_id: ours, date_time: String::new(), disposition: Disposition::Displayed };
    world.give(PostInput::Notice { by: "4711".into(), notice }).unwrap();
    assert_eq!(told(&world), [Disposition::Delivered, Disposition::Displayed]);
    assert_eq!(world.standings(id), [("4711", Standing::Read)]);
    world.run(4_000);
    assert_eq!((world.post.open(), world.post.deadline()), (0, None));
}

#[test]
fn a_text_to_everybody_goes_out_in_turns() {
    let names: Vec<&'static str> = (0..450).map(|n| &*Box::leak(format!("u{n}").into_boxed_str())).collect();
    let handsets: Vec<_> = names.iter().map(|name| (*name, 200)).collect();
    let mut world = World::new(&handsets);
    let id = world.submit(draft(&names));
    world.run(20);
    assert!(world.standings(id).iter().all(|(_, standing)| *standing == Standing::Delivered));
    assert_eq!(world.sent.len(), 450);
}

#[test]
fn one_that_was_taken_back_goes_no_further() {
    let mut world = World::new(&[("4712", 200)]);
    let id = world.submit(alarm(&["4711"], &[&["4712"]]));
    world.give(PostInput::Withdraw(id)).unwrap();
    world.run(600);
    assert_eq!((world.kept[&id].state(), world.sent.len()), ("withdrawn", 0));
    assert_eq!(world.give(PostInput::Withdraw(id)), Err(PostRefusal::Settled));
}

#[test]
fn a_full_post_takes_no_more_and_says_so() {
    let mut world = World::new(&[]);
    for _ in 0..MOST_OPEN {
        world.submit(draft(&["4711"]));
    }
    let id = world.post.name(world.now);
    let refused = world.give(PostInput::Submit(id, Box::new(draft(&["4711"]))));
    assert_eq!(refused, Err(PostRefusal::Full));
}

#[test]
fn a_draft_is_told_everything_that_is_wrong_with_it() {
    let wrong = Draft {
        text: Pii(" ".into()),
        to: Vec::new(),
        lifetime: Duration::from_secs(1),
        confirmation: Confirmation::None,
        ..alarm(&[], &[])
    };
    let fields: Vec<_> = wrong.faults().into_iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["text", "to", "escalation/levels", "confirmation", "lifetime_seconds"]);
    assert_eq!(draft(&["a b"]).faults()[0].field, "to");
}

#[test]
fn an_alarm_rings_until_it_is_heard_and_a_text_does_not() {
    let mut world = World::new(&[("anna", 200), ("bert", 405)]);
    world.submit(draft(&["anna"]));
    assert!(world.ringing().is_empty());
    let heard = Draft { priority: Priority::Emergency, ..draft(&["anna", "bert", "nobody"]) };
    let id = world.submit(heard);
    assert_eq!(world.ringing(), ["anna", "bert"], "also where no texts are taken");
    world.rung("anna", HouseFate::Failed(480));
    assert_eq!(world.ringing(), ["bert"]);
    world.run(20);
    assert_eq!(world.ringing(), ["bert", "anna"], "again after a while");
    world.rung("anna", HouseFate::Heard);
    world.rung("bert", HouseFate::Heard);
    world.run(4_000);
    assert!(world.ringing().is_empty());
    let standings = world.standings(id);
    assert_eq!(standings[..2], [("anna", Standing::Read), ("bert", Standing::Read)]);
}

#[test]
fn whoever_confirms_by_a_key_hushes_the_others_and_a_no_asks_the_next() {
    let mut world = World::new(&[("anna", 200), ("bert", 200), ("carl", 200)]);
    let id = world.submit(alarm(&["anna", "bert"], &[&["carl"]]));
    assert_eq!(world.ringing(), ["anna", "bert"]);
    world.rung("anna", HouseFate::Declined);
    assert_eq!(world.ringing(), ["bert", "carl"], "the clock is not waited for");
    world.rung("carl", HouseFate::Heard);
    world.run(59);
    assert_eq!(world.ringing(), ["bert"], "heard is not answered for");
    world.run(2);
    assert_eq!(world.ringing(), ["bert", "carl"]);
    world.rung("carl", HouseFate::Confirmed);
    assert!(world.ringing().is_empty(), "bert is hushed");
    assert_eq!(world.kept[&id].state(), "confirmed");
    assert_eq!(world.post.open(), 0);
}

#[test]
fn a_confirmed_alarm_waits_no_longer_for_those_it_never_reached() {
    let mut world = World::new(&[("anna", 200), ("gone", 486)]);
    let id = world.submit(alarm(&["anna", "gone"], &[&["carl"]]));
    assert_eq!(world.post.open(), 1);
    world.give(PostInput::Answer { by: user("anna"), text: None }).unwrap();
    let standings = world.standings(id);
    assert_eq!(standings, [("anna", Standing::Confirmed), ("gone", Standing::Unneeded)]);
    assert_eq!((world.post.open(), world.post.deadline()), (0, None));
    world.handsets.insert("gone", 200);
    let sent = world.sent.len();
    world.give(PostInput::Reachable(user("gone"))).unwrap();
    assert_eq!(world.sent.len(), sent, "nobody is disturbed for nothing");
}

#[test]
fn what_rang_when_the_process_died_rings_again_and_what_is_withdrawn_is_hushed() {
    let mut world = World::new(&[("anna", 200)]);
    let id = world.submit(alarm(&["anna"], &[&["carl"]]));
    let kept = world.kept.values().cloned().collect();
    let mut again = World::new(&[("anna", 200)]);
    again.now = world.now;
    again.give(PostInput::Started(kept)).unwrap();
    assert_eq!(again.ringing(), ["anna"]);
    again.give(PostInput::Withdraw(id)).unwrap();
    assert!(again.ringing().is_empty());
}
