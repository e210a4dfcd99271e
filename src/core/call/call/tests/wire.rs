//! A caller's and callees' own SIP machines around a call and its legs, joined as the actors join them:
//! proves that [`hear`] and [`tell`] give every event and order its meaning.

use std::collections::BTreeSet;

use super::super::*;
use super::world::*;
use crate::call::{Heard, Party, hear, tell};
use crate::id::{CallRef, OwnerId};
use crate::media::Direction;
use crate::sip::invite::{
    Dial, EndCause, Leg, LegEvent, LegInput, LegOrder as SipOrder, LegOutput, LocalEnd, ReofferAnswer,
    ReofferOutcome,
};
use crate::sip::wire::{HeaderName, Message};
use crate::sip::{Destination, Peer, Transport};

/// A telephone with its SIP machine.
struct Phone {
    leg: Leg,
    far: FarEnd,
    events: Vec<LegEvent>,
    sent: Vec<Message>,
}

/// The exchange: link 0 is the caller's, the others count with the legs.
struct Wire {
    now: Moment,
    call: Call,
    grant: Admitted,
    legs: BTreeMap<u32, Leg>,
    why: BTreeMap<u32, Cause>,
    phones: BTreeMap<u32, Phone>,
    /// When, on which link, whether to the switch.
    flight: Vec<(Moment, u32, bool, Message)>,
    /// Numbers of messages, over all links, that never arrive.
    lose: BTreeSet<usize>,
    count: usize,
    /// Telephones that hear nothing.
    deaf: BTreeSet<u32>,
    flows: BTreeMap<Side, Agreed>,
    over: usize,
    admits: usize,
    /// Orders that a leg refused.
    refused: Vec<String>,
    switch_sent: Vec<(u32, Message)>,
}

const LATENCY: Duration = Duration::from_millis(20);

fn local(name: &str) -> LocalEnd {
    LocalEnd {
        focus: false,
        sent_by: format!("{name}.test:5060"),
        contact: format!("sip:{name}@{name}.test:5060"),
        transport: Transport::Udp,
        product: "test".into(),
        supported: Vec::new(),
        session_expires: None,
        line: None,
    }
}

fn sip_leg(number: u32, switch: bool) -> Leg {
    let owner = OwnerId(u64::from(number) | if switch { 0x100 } else { 0x200 });
    Leg::new(owner, local(&format!("n{owner}")), Tokens::new([owner.0 as u8 + u8::from(switch) * 100; 32]))
}

fn peer() -> Peer {
    Peer {
        transport: Transport::Udp,
        remote: ([192, 0, 2, 9], 5060).into(),
        local: ([192, 0, 2, 1], 5060).into(),
        facing: Facing::South,
        connection: None,
        tls_names: Vec::new(),
    }
}

impl Wire {
    fn new(setup: Setup) -> Self {
        let mut caller = Phone::new(0, setup.caller);
        let offer = setup.offers.then(|| caller.far.offer());
        let new = NewCall {
            reference: CallRef(1),
            caller: Party::default(),
            dialled: Party::default(),
            facing: Facing::South,
            offer: offer.clone(),
        };
        let address = IpAddr::from([192, 0, 2, 1]);
        let policy = SrtpPolicy { mode: setup.srtp, ..SrtpPolicy::default() };
        let mut wire = Self {
            now: START,
            call: Call::new(new, Tokens::new([3; 32]), START),
            grant: Admitted {
                join_code: String::new(),
                port_a: 30000,
                port_b: 30002,
                address_a: address,
                address_b: address,
                codecs: setup.ours,
                srtp: (policy, policy),
                relayed: (Vec::new(), Vec::new()),
                habits: Default::default(),
                ice: Default::default(),
                attempts: setup.attempts,
                hold: HoldSignals::default(),
                about: crate::call::About::default(),
            },
            legs: BTreeMap::from([(0, sip_leg(0, true))]),
            why: BTreeMap::new(),
            phones: BTreeMap::from([(0, caller)]),
            flight: Vec::new(),
            lose: BTreeSet::new(),
            count: 0,
            deaf: BTreeSet::new(),
            flows: BTreeMap::new(),
            over: 0,
            admits: 0,
            refused: Vec::new(),
            switch_sent: Vec::new(),
        };
        wire.call_hears(Input::Started);
        wire
    }

    /// The caller's INVITE, with further headers.
    fn dial(&mut self, headers: &[(HeaderName, &str)]) {
        let body = self.phones.get_mut(&0).unwrap().far.media.offer_is_out();
        let body = body.then(|| self.phones.get_mut(&0).unwrap().far.offer());
        let dial = Dial {
            request_uri: "sip:bob@switch.test".into(),
            from: "<sip:anna@switch.test>".into(),
            to: "<sip:bob@switch.test>".into(),
            contact: None,
            route: Vec::new(),
            destination: peer().back(),
            body,
            parts: Vec::new(),
            headers: headers.iter().map(|(name, value)| (name.clone(), Text::from(*value))).collect(),
            onward: crate::sip::door::Onward::default(),
        };
        self.order(0, SipOrder::Dial(Box::new(dial)));
    }

    /// A telephone's user or its SIP machine wants something.
    fn order(&mut self, phone: u32, order: SipOrder) {
        self.phone_input(phone, LegInput::Order(order));
    }

    fn phone_input(&mut self, number: u32, input: LegInput) {
        let phone = self.phones.get_mut(&number).unwrap();
        for output in phone.leg.handle(input, self.now).unwrap().then {
            match output {
                LegOutput::Event(event) => phone.events.push(event),
                LegOutput::Send { message, .. } => {
                    phone.sent.push(message.clone());
                    self.count += 1;
                    if !self.lose.contains(&(self.count - 1)) {
                        self.flight.push((self.now + LATENCY, number, true, message));
                    }
                }
            }
        }
    }

    fn leg_input(&mut self, number: u32, input: LegInput) {
        let Some(leg) = self.legs.get_mut(&number) else { return };
        let ready = match leg.handle(input, self.now) {
            Ok(ready) => ready,
            Err(refusal) => return self.refused.push(refusal.to_string()),
        };
        let mut news = Vec::new();
        for output in ready.then {
            match output {
                LegOutput::Send { message, .. } => {
                    self.switch_sent.push((number, message.clone()));
                    self.count += 1;
                    if !self.lose.contains(&(self.count - 1)) && !self.deaf.contains(&number) {
                        self.flight.push((self.now + LATENCY, number, false, message));
                    }
                }
                LegOutput::Event(event) => news.push(event),
            }
        }
        for event in news {
            match hear(event, self.why.get(&number)) {
                Heard::News(news) => self.call_hears(Input::Leg(LegNo(number), news)),
                Heard::Asked(reply) => self.leg_input(number, LegInput::Order(reply)),
                Heard::Told(reply, news) => {
                    self.leg_input(number, LegInput::Order(reply));
                    self.call_hears(Input::Leg(LegNo(number), news));
                }
                Heard::Challenged { .. } => {
                    self.why.insert(number, Cause::of_status(403, "no credentials"));
                    self.leg_input(number, LegInput::Order(SipOrder::HangUp { headers: Vec::new() }));
                }
                Heard::Nothing => {}
            }
        }
    }

    fn call_hears(&mut self, input: Input) {
        let Ok(ready) = self.call.handle(input, self.now) else { return };
        for output in ready.then {
            match output {
                Output::Admit { .. } => {
                    self.admits += 1;
                    self.call_hears(Input::Admitted(Box::new(self.grant.clone())));
                }
                Output::Dial { leg, target, offer } => self.place(leg.0, *target, offer),
                Output::Leg(leg, order) => {
                    if let LegOrder::HangUp { cause } | LegOrder::Reject { cause } = &order {
                        self.why.insert(leg.0, cause.clone());
                    }
                    if let Some(order) = tell(order) {
                        self.leg_input(leg.0, LegInput::Order(order));
                    }
                }
                Output::Flow(side, agreed) => drop(self.flows.insert(side, *agreed)),
                Output::Over(_) => self.over += 1,
                Output::Route(_) => self.call_hears(Input::Admitted(Box::new(self.grant.clone()))),
                Output::Inherit(_) => self.call_hears(Input::NotOurs),
                Output::Room(..)
                | Output::Mix(..)
                | Output::Gather(_)
                | Output::GatherInside(_)
                | Output::Invite { .. }
                | Output::Summon { .. } => {}
                Output::Cede(..) => self.call_hears(Input::NotOurs),
                Output::Play(..) | Output::Press { .. } | Output::TakeMedia { .. } => {}
                Output::ReleaseBase(_)
                | Output::FreeBase(_)
                | Output::Changed(_)
                | Output::Divert(_)
                | Output::Inside => {}
            }
        }
    }

    fn place(&mut self, number: u32, target: Target, offer: Body) {
        self.legs.insert(number, sip_leg(number, true));
        self.phones.insert(number, Phone::new(number, phone(10 + number as u8, &ALL)));
        let destination = Destination { transport: Transport::Udp, ..target.destination };
        let dial = Dial {
            request_uri: target.request_uri,
            from: format!("<{}>", target.from_uri),
            to: format!("<{}>", target.to_uri),
            contact: None,
            route: target.route,
            destination,
            body: Some(offer),
            parts: target.parts,
            headers: Vec::new(),
            onward: crate::sip::door::Onward::default(),
        };
        self.leg_input(number, LegInput::Order(SipOrder::Dial(Box::new(dial))));
    }

    fn run(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while let Some(next) = self.next().filter(|at| *at <= end) {
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    fn next(&self) -> Option<Moment> {
        let legs = self.legs.values().chain(self.phones.values().map(|phone| &phone.leg));
        let deadlines = legs.filter_map(Machine::deadline).chain(self.call.deadline());
        deadlines.chain(self.flight.iter().map(|(at, ..)| *at)).min()
    }

    fn step(&mut self) {
        if let Some(at) = self.flight.iter().position(|(at, ..)| *at <= self.now) {
            let (_, link, to_switch, message) = self.flight.remove(at);
            let input = LegInput::Received(Message::parse_datagram(message.encode()).unwrap(), peer());
            return match to_switch {
                true => self.leg_input(link, input),
                false => self.phone_input(link, input),
            };
        }
        let due = |at: Option<Moment>| at.is_some_and(|at| at <= self.now);
        let legs: Vec<u32> =
            self.legs.iter().filter(|(_, leg)| due(leg.deadline())).map(|(n, _)| *n).collect();
        let phones: Vec<u32> =
            self.phones.iter().filter(|(_, p)| due(p.leg.deadline())).map(|(n, _)| *n).collect();
        let call = due(self.call.deadline());
        legs.into_iter().for_each(|number| self.leg_input(number, LegInput::Deadline));
        phones.into_iter().for_each(|number| self.phone_input(number, LegInput::Deadline));
        if call {
            self.call_hears(Input::Deadline);
        }
    }

    fn ring(&mut self, phone: u32) {
        self.order(phone, SipOrder::Progress { status: 180, body: None, reliable: false });
    }

    fn accept(&mut self, number: u32) {
        let phone = self.phones.get_mut(&number).unwrap();
        let offer = phone.events.iter().find_map(|event| match event {
            LegEvent::Invited { offer, .. } => offer.clone(),
            _ => None,
        });
        let answer = phone.far.answer(&offer.unwrap());
        self.order(number, SipOrder::Accept { body: Some(answer) });
    }

    fn reject(&mut self, phone: u32, status: u16, headers: &[(HeaderName, &str)]) {
        let headers = headers.iter().map(|(name, value)| (name.clone(), Text::from(*value))).collect();
        self.order(phone, SipOrder::Reject { status, reason: "Because".into(), headers });
    }

    fn hang_up(&mut self, phone: u32, reason: &str) {
        self.order(phone, SipOrder::HangUp { headers: vec![(HeaderName::Reason, Text::from(reason))] });
    }

    /// A call that is talked in.
    fn talking(setup: Setup) -> Self {
        let mut wire = Self::new(setup);
        wire.dial(&[]);
        wire.run(200);
        wire.ring(1);
        wire.run(200);
        wire.accept(1);
        wire.run(500);
        wire.caller_takes_answer();
        wire.matched(Side::A, 0);
        wire.matched(Side::B, 1);
        wire
    }

    fn caller_takes_answer(&mut self) {
        let phone = self.phones.get_mut(&0).unwrap();
        let body = phone.events.iter().find_map(|event| match event {
            LegEvent::Answered { body, .. } => body.clone(),
            _ => None,
        });
        phone.far.accept(&body.expect("the caller was answered"));
    }

    fn matched(&self, side: Side, phone: u32) {
        let (ours, theirs) = (&self.flows[&side], self.phones[&phone].far.agreed());
        assert_eq!((ours.codec, ours.direction), (theirs.codec, theirs.direction.mirrored()));
        let local = self.phones[&phone].far.media.local();
        assert_eq!(ours.remote, Some((local.address, local.port).into()));
    }

    /// Everything runs out: all legs closed, the call over, once.
    fn buried(&mut self) {
        self.run(300_000);
        for (number, leg) in self.legs.iter().chain(self.phones.iter().map(|(n, phone)| (n, &phone.leg))) {
            let idle = self.deaf.contains(number) && leg.state_name() == "idle";
            assert!(leg.is_closed() || idle, "link {number}: {}", leg.state_name());
        }
        assert!(self.call.is_over());
        assert_eq!((self.over, self.call.deadline(), self.flight.len()), (1, None, 0));
        assert_eq!(self.refused, Vec::<String>::new());
    }

    fn cause(&self) -> Cause {
        self.call.summary().cause.clone().unwrap()
    }

    /// What the switch said on a link: requests by method, responses by status.
    fn switch_said(&self, link: u32) -> Vec<String> {
        let line = |message: &Message| {
            message
                .status()
                .map_or_else(|| message.method().unwrap().to_string(), |status| status.to_string())
        };
        self.switch_sent.iter().filter(|(on, _)| *on == link).map(|(_, message)| line(message)).collect()
    }

    fn first(&self, link: u32, wanted: &str) -> &Message {
        let at = self.switch_said(link).iter().position(|line| line == wanted);
        let at = at.unwrap_or_else(|| panic!("{wanted} in {:?}", self.switch_said(link)));
        &self.switch_sent.iter().filter(|(on, _)| *on == link).nth(at).unwrap().1
    }
}

impl Phone {
    fn new(number: u32, far: FarEnd) -> Self {
        Self { leg: sip_leg(number, false), far, events: Vec::new(), sent: Vec::new() }
    }

    fn refusal(&self) -> Option<&Message> {
        self.events.iter().find_map(|event| match event {
            LegEvent::Refused { response } => Some(response),
            _ => None,
        })
    }

    fn ended(&self) -> Option<(EndCause, Option<&Message>)> {
        self.events.iter().find_map(|event| match event {
            LegEvent::Ended { cause, message } => Some((*cause, message.as_ref())),
            _ => None,
        })
    }

    /// The description that the switch offered or answered last in a change.
    fn described(&self) -> Option<Body> {
        self.events.iter().rev().find_map(|event| match event {
            LegEvent::ReofferAnswered(ReofferOutcome::Agreed { body, .. }) => body.clone(),
            _ => None,
        })
    }
}

fn reason(message: &Message) -> String {
    message.header(&HeaderName::Reason).map_or(String::new(), |reason| reason.to_string())
}

#[test]
fn a_call_over_the_wire_with_bye_from_either_end() {
    for (first, other) in [(0, 1), (1, 0)] {
        let mut wire = Wire::talking(Setup::default());
        assert_eq!(
            wire.phones[&0].events.iter().filter(|e| matches!(e, LegEvent::Progress { .. })).count(),
            1
        );
        wire.hang_up(first, "Q.850;cause=16;text=\"bye\"");
        wire.run(200);
        let (cause, message) = wire.phones[&other].ended().unwrap();
        assert_eq!(cause, EndCause::ByPeer);
        assert_eq!(reason(message.unwrap()), "Q.850;cause=16;text=\"bye\"");
        wire.buried();
        assert_eq!((wire.cause().status, wire.cause().words.as_str()), (200, "bye"));
    }
}

#[test]
fn a_busy_callee_and_its_reason_reach_the_caller() {
    let mut wire = Wire::new(Setup::default());
    wire.dial(&[]);
    wire.run(100);
    wire.reject(1, 486, &[(HeaderName::Reason, "Q.850;cause=17;text=\"on the telephone\"")]);
    wire.buried();
    let refusal = wire.phones[&0].refusal().unwrap();
    assert_eq!((refusal.status(), refusal.reason()), (Some(486), "Busy Here"));
    assert_eq!(reason(refusal), "Q.850;cause=17;text=\"on the telephone\"");
}

#[test]
fn what_is_not_for_the_caller_is_told_in_other_words() {
    for (from, to) in [(401, 403), (407, 403), (302, 480), (420, 500), (503, 503), (603, 603), (404, 404)] {
        let mut wire = Wire::new(Setup::default());
        wire.dial(&[]);
        wire.run(100);
        let headers = [
            (HeaderName::RetryAfter, "3600"),
            (HeaderName::Contact, "<sip:elsewhere@x.test>"),
            (HeaderName::WwwAuthenticate, "Digest realm=\"north\", nonce=\"n\""),
            (HeaderName::ProxyAuthenticate, "Digest realm=\"north\", nonce=\"n\""),
        ];
        wire.reject(1, from, &headers);
        wire.buried();
        let refusal = wire.phones[&0].refusal().unwrap();
        assert_eq!(refusal.status(), Some(to), "{from}");
        for (name, _) in headers {
            assert!(refusal.header(&name).is_none(), "{from}: {name}");
        }
    }
}

#[test]
fn a_redirection_of_the_north_is_dialled() {
    let mut wire = Wire::new(Setup { attempts: vec![vec![north("555", 1)]], ..Setup::default() });
    wire.dial(&[]);
    wire.run(100);
    let contacts =
        "<sip:low@x.test>;q=0.1, \"High\" <sip:high@x.test;transport=tls>;q=0.9, <sip:none@x.test>";
    wire.reject(1, 302, &[(HeaderName::Contact, contacts)]);
    wire.run(200);
    assert_eq!(wire.first(2, "INVITE").request_uri().unwrap().raw.to_string(), "sip:none@x.test");
    wire.reject(2, 404, &[]);
    wire.run(200);
    assert_eq!(
        wire.first(3, "INVITE").request_uri().unwrap().raw.to_string(),
        "sip:high@x.test;transport=tls"
    );
    wire.accept(3);
    wire.run(200);
    wire.caller_takes_answer();
    wire.matched(Side::B, 3);
    wire.hang_up(0, "Q.850;cause=16");
    wire.buried();
}

#[test]
fn a_caller_that_cancels_reaches_the_telephone_that_rings() {
    let mut wire = Wire::new(Setup::default());
    wire.dial(&[]);
    wire.run(200);
    wire.ring(1);
    wire.run(200);
    wire.hang_up(0, "SIP;cause=200;text=\"Call completed elsewhere\"");
    wire.run(200);
    let (cause, message) = wire.phones[&1].ended().unwrap();
    assert_eq!(cause, EndCause::ByPeer);
    assert_eq!(reason(message.unwrap()), "SIP;cause=200;text=\"Call completed elsewhere\"");
    wire.buried();
    assert_eq!((wire.cause().status, wire.cause().q850), (487, 26));
    assert_eq!(wire.switch_said(0).last().unwrap(), "487");
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up() {
    let mut wire = Wire::new(Setup::default());
    wire.dial(&[]);
    wire.run(200);
    wire.ring(1);
    wire.run(200);
    wire.accept(1);
    wire.hang_up(0, "Q.850;cause=16");
    wire.buried();
    assert!(wire.phones[&1].ended().is_some());
}

#[test]
fn the_telephone_that_lost_is_told_that_another_answered() {
    let setup = Setup { attempts: vec![vec![handset("a"), handset("b")]], ..Setup::default() };
    let mut wire = Wire::new(setup);
    wire.dial(&[]);
    wire.run(200);
    wire.ring(1);
    wire.ring(2);
    wire.run(200);
    wire.accept(2);
    wire.run(200);
    assert_eq!(reason(wire.first(1, "CANCEL")), "SIP;cause=200;text=\"Call completed elsewhere\"");
    wire.caller_takes_answer();
    wire.matched(Side::B, 2);
    wire.hang_up(2, "Q.850;cause=16");
    wire.buried();
}

#[test]
fn both_answer_at_once_and_one_talks() {
    let setup = Setup { attempts: vec![vec![handset("a"), handset("b")]], ..Setup::default() };
    let mut wire = Wire::new(setup);
    wire.dial(&[]);
    wire.run(200);
    wire.accept(1);
    wire.accept(2);
    wire.run(500);
    wire.caller_takes_answer();
    wire.matched(Side::B, 1);
    assert!(wire.phones[&2].ended().is_some() && wire.phones[&1].ended().is_none());
    wire.hang_up(0, "Q.850;cause=16");
    wire.buried();
}

#[test]
fn hold_and_resume_over_the_wire() {
    for (phone, side) in [(0, Side::A), (1, Side::B)] {
        let mut wire = Wire::talking(Setup::default());
        for wish in [Direction::SendOnly, Direction::SendRecv] {
            let far = &mut wire.phones.get_mut(&phone).unwrap().far;
            far.media.set_direction(wish);
            let body = Some(far.offer());
            wire.order(phone, SipOrder::Reoffer { body });
            wire.run(200);
            let answer = wire.phones[&phone].described().unwrap();
            wire.phones.get_mut(&phone).unwrap().far.accept(&answer);
            wire.matched(side, phone);
        }
        wire.hang_up(phone, "Q.850;cause=16");
        wire.buried();
    }
}

#[test]
fn a_re_invite_without_offer_over_the_wire() {
    for (phone, side) in [(0, Side::A), (1, Side::B)] {
        let mut wire = Wire::talking(Setup::default());
        wire.order(phone, SipOrder::Reoffer { body: None });
        wire.run(200);
        let offer = wire.phones[&phone].described().unwrap();
        let far = &mut wire.phones.get_mut(&phone).unwrap().far;
        far.media.set_direction(Direction::RecvOnly);
        let answer = far.answer(&offer);
        wire.order(phone, SipOrder::AnswerReoffer(ReofferAnswer::Agree(Some(answer))));
        wire.run(200);
        wire.matched(side, phone);
        assert_eq!(wire.flows[&side].direction, Direction::SendOnly);
        wire.hang_up(phone, "Q.850;cause=16");
        wire.buried();
    }
}

#[test]
fn a_refused_change_leaves_the_call_as_it_was() {
    let mut wire = Wire::talking(Setup::default());
    let far = &mut wire.phones.get_mut(&1).unwrap().far;
    far.media.set_codecs(vec![Codec::G726]);
    let body = Some(far.offer());
    wire.order(1, SipOrder::Reoffer { body });
    wire.run(200);
    let refused = |event: &LegEvent| {
        matches!(event, LegEvent::ReofferAnswered(ReofferOutcome::Refused { status: 488 }))
    };
    assert!(wire.phones[&1].events.iter().any(refused));
    wire.phones.get_mut(&1).unwrap().far.media.rollback();
    wire.matched(Side::B, 1);
    wire.hang_up(1, "Q.850;cause=16");
    wire.buried();
}

#[test]
fn an_offer_in_the_2xx_is_answered_in_the_ack() {
    let mut wire = Wire::new(Setup { offers: false, ..Setup::default() });
    wire.dial(&[]);
    wire.run(200);
    wire.accept(1);
    wire.run(200);
    let phone = wire.phones.get_mut(&0).unwrap();
    let offer = phone.events.iter().find_map(|event| match event {
        LegEvent::Answered { body, .. } => body.clone(),
        _ => None,
    });
    let answer = phone.far.answer(&offer.unwrap());
    wire.order(0, SipOrder::AnswerReoffer(ReofferAnswer::Agree(Some(answer))));
    wire.run(200);
    wire.matched(Side::A, 0);
    wire.matched(Side::B, 1);
    wire.hang_up(0, "Q.850;cause=16");
    wire.buried();
}

#[test]
fn early_media_by_a_reliable_response_then_an_answer_without_description() {
    let mut wire = Wire::new(Setup::default());
    wire.dial(&[]);
    wire.run(200);
    let phone = wire.phones.get_mut(&1).unwrap();
    let Some(LegEvent::Invited { offer: Some(offer), .. }) = phone.events.first() else { panic!() };
    let body = Some(phone.far.answer(&offer.clone()));
    wire.order(1, SipOrder::Progress { status: 183, body: body.clone(), reliable: true });
    wire.run(500);
    wire.matched(Side::B, 1);
    assert_eq!(wire.call.summary().phase, Phase::Dialling);
    let early = wire.phones[&0].events.iter().find_map(|event| match event {
        LegEvent::Progress { body, .. } => body.clone(),
        _ => None,
    });
    wire.phones.get_mut(&0).unwrap().far.accept(&early.unwrap());
    wire.matched(Side::A, 0);
    wire.order(1, SipOrder::Accept { body });
    wire.run(500);
    assert_eq!(wire.call.summary().phase, Phase::Talking);
    assert!(wire.first(0, "200").body.is_empty(), "said already (RFC 6337 §3.1.1)");
    wire.matched(Side::A, 0);
    wire.hang_up(1, "Q.850;cause=16");
    wire.buried();
}

#[test]
fn early_media_by_an_unreliable_response_then_the_same_answer() {
    let mut wire = Wire::new(Setup::default());
    wire.dial(&[]);
    wire.run(200);
    let phone = wire.phones.get_mut(&1).unwrap();
    let Some(LegEvent::Invited { offer: Some(offer), .. }) = phone.events.first() else { panic!() };
    let body = Some(phone.far.answer(&offer.clone()));
    wire.order(1, SipOrder::Progress { status: 183, body: body.clone(), reliable: false });
    wire.run(500);
    wire.order(1, SipOrder::Accept { body });
    wire.run(500);
    assert_eq!(wire.call.summary().phase, Phase::Talking);
    wire.matched(Side::B, 1);
    wire.hang_up(0, "Q.850;cause=16");
    wire.buried();
}

#[test]
fn an_invite_that_the_leg_refuses_rings_nowhere() {
    let mut wire = Wire::new(Setup::default());
    wire.dial(&[(HeaderName::Require, "telepathy")]);
    wire.buried();
    assert_eq!((wire.admits, wire.phones.len()), (0, 1));
    assert_eq!(wire.phones[&0].refusal().unwrap().status(), Some(420));
}

#[test]
fn a_silent_callee_counts_as_a_failed_way_and_the_next_is_dialled() {
    let mut wire =
        Wire::new(Setup { attempts: vec![vec![north("5", 1)], vec![north("5", 2)]], ..Setup::default() });
    wire.deaf.insert(1);
    wire.dial(&[]);
    wire.run(35_000);
    assert!(wire.legs.contains_key(&2), "dialled by the second proxy");
    wire.accept(2);
    wire.run(500);
    assert_eq!(wire.call.summary().phase, Phase::Talking);
    wire.hang_up(0, "Q.850;cause=16");
    wire.buried();
}

#[test]
fn in_dialog_requests_get_an_answer() {
    let mut wire = Wire::talking(Setup::default());
    for (number, method, status) in
        [(1, "INFO", 200), (2, "MESSAGE", 501), (3, "REFER", 400), (4, "NOTIFY", 489)]
    {
        let order = SipOrder::Request { number, method: method.into(), headers: vec![], body: None };
        wire.order(1, order);
        wire.run(200);
        let replied = wire.phones[&1].events.iter().find_map(|event| match event {
            LegEvent::Replied { number: n, outcome: Ok(response) } if *n == number => response.status(),
            _ => None,
        });
        assert_eq!(replied, Some(status), "{method}");
    }
    wire.hang_up(1, "Q.850;cause=16");
    wire.buried();
}

#[test]
fn whichever_message_is_lost_the_call_is_talked_in_and_ends() {
    for lost in 0..30 {
        let mut wire = Wire::new(Setup::default());
        wire.lose = BTreeSet::from([lost, lost + 7]);
        wire.dial(&[]);
        wire.run(3_000);
        wire.ring(1);
        wire.run(3_000);
        wire.accept(1);
        wire.run(20_000);
        wire.caller_takes_answer();
        wire.matched(Side::A, 0);
        wire.matched(Side::B, 1);
        wire.hang_up(lost as u32 % 2, "Q.850;cause=16");
        wire.buried();
        assert_eq!(wire.cause().status, 200, "lost {lost}");
    }
}
