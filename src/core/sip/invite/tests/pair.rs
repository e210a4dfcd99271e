//! Two legs joined by a wire that delays and loses.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::*;
use crate::id::{OwnerId, Tokens};
use crate::machine::Machine;
use crate::sip::wire::{HeaderName, Message, Text};
use crate::sip::{Destination, Facing, Peer, Transport};
use crate::timer::Moment;

pub const START: Moment = Moment::from_micros(1_000_000_000_000);

/// One end: a leg, what it told its call, what it saved.
pub struct End {
    pub leg: Leg,
    pub events: Vec<LegEvent>,
    pub saves: Vec<LegSave>,
    pub sent: Vec<Message>,
    /// When.
    pub sent_at: Vec<Moment>,
    /// Numbers (from 0) of its messages that never arrive.
    pub lose: Vec<usize>,
    /// Everything from it is lost.
    pub silent: bool,
}

impl End {
    fn new(number: u64, port: u16, transport: Transport) -> Self {
        let local = LocalEnd {
            focus: false,
            sent_by: format!("192.0.2.1:{port}"),
            contact: format!("sip:end{number}@192.0.2.1:{port}"),
            transport,
            product: "Kirkwall".into(),
            supported: Vec::new(),
            session_expires: None,
            line: None,
        };
        let leg = Leg::new(OwnerId(number), local, Tokens::new([number as u8; 32]));
        let (events, saves, sent, sent_at, lose) = Default::default();
        Self { leg, events, saves, sent, sent_at, lose, silent: false }
    }

    /// The names of what the call was told.
    pub fn story(&self) -> Vec<&'static str> {
        self.events.iter().map(name).collect()
    }

    pub fn told(&self, wanted: &str) -> usize {
        self.story().iter().filter(|name| **name == wanted).count()
    }

    /// First lines of what it sent: methods and statuses.
    pub fn said(&self) -> Vec<String> {
        self.sent.iter().map(line).collect()
    }

    pub fn count(&self, wanted: &str) -> usize {
        self.said().iter().filter(|line| *line == wanted).count()
    }

    pub fn cause(&self) -> Option<EndCause> {
        self.events.iter().find_map(|event| match event {
            LegEvent::Ended { cause, .. } => Some(*cause),
            _ => None,
        })
    }
}

/// `BYE`, or `200 BYE`.
pub fn line(message: &Message) -> String {
    let method = message.method().unwrap();
    message.status().map_or(method.to_string(), |status| format!("{status} {method}"))
}

fn name(event: &LegEvent) -> &'static str {
    match event {
        LegEvent::Invited { .. } => "Invited",
        LegEvent::Progress { .. } => "Progress",
        LegEvent::Answered { .. } => "Answered",
        LegEvent::Refused { .. } => "Refused",
        LegEvent::Challenged { .. } => "Challenged",
        LegEvent::Reoffered { .. } => "Reoffered",
        LegEvent::ReofferWithdrawn => "ReofferWithdrawn",
        LegEvent::ReofferAnswered(_) => "ReofferAnswered",
        LegEvent::Requested { .. } => "Requested",
        LegEvent::Replied { .. } => "Replied",
        LegEvent::Acknowledged { .. } => "Acknowledged",
        LegEvent::Ended { .. } => "Ended",
        LegEvent::Unheard { .. } => "Unheard",
        LegEvent::Closed => "Closed",
    }
}

/// Which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    A,
    B,
}
pub use Side::{A, B};

/// The pair, its clock and its wire.
pub struct Pair {
    pub a: End,
    pub b: End,
    pub now: Moment,
    pub latency: Duration,
    pub transport: Transport,
    wire: VecDeque<(Moment, Side, Message)>,
}

impl Pair {
    pub fn new() -> Self {
        Self::over(Transport::Udp)
    }

    pub fn over(transport: Transport) -> Self {
        Self {
            a: End::new(0xa, 5060, transport),
            b: End::new(0xb, 5070, transport),
            now: START,
            latency: Duration::from_millis(20),
            transport,
            wire: VecDeque::new(),
        }
    }

    pub fn end(&mut self, side: Side) -> &mut End {
        match side {
            A => &mut self.a,
            B => &mut self.b,
        }
    }

    pub fn input(&mut self, side: Side, input: LegInput) -> Result<(), LegRefusal> {
        let (now, latency) = (self.now, self.latency);
        let other = if side == A { B } else { A };
        let end = self.end(side);
        let ready = end.leg.handle(input, now)?;
        end.saves.extend(ready.save);
        let mut sent = Vec::new();
        for output in ready.then {
            match output {
                LegOutput::Event(event) => end.events.push(event),
                LegOutput::Send { message, .. } => {
                    let lost = end.silent || end.lose.contains(&end.sent.len());
                    end.sent.push(message.clone());
                    end.sent_at.push(now);
                    sent.extend((!lost).then_some(message));
                }
            }
        }
        // What is on the wire is bytes: it must read back.
        let again = |m: &Message| Message::parse_datagram(m.encode()).unwrap();
        self.wire.extend(sent.iter().map(|message| (now + latency, other, again(message))));
        Ok(())
    }

    pub fn order(&mut self, side: Side, order: LegOrder) {
        self.input(side, LegInput::Order(order)).unwrap();
    }

    pub fn deliver(&mut self, to: Side, message: Message) {
        let peer = self.peer(to);
        self.input(to, LegInput::Received(message, peer)).unwrap();
    }

    pub fn peer(&self, of: Side) -> Peer {
        let (ours, theirs) = if of == A { (5060, 5070) } else { (5070, 5060) };
        Peer {
            transport: self.transport,
            remote: ([192, 0, 2, 1], theirs).into(),
            local: ([192, 0, 2, 1], ours).into(),
            facing: Facing::North,
            connection: None,
            tls_names: Vec::new(),
        }
    }

    /// The next thing that happens; false when nothing will.
    pub fn step(&mut self) -> bool {
        let arrival = self.wire.iter().map(|(at, ..)| *at).min();
        let deadlines = [self.a.leg.deadline(), self.b.leg.deadline()];
        let Some(next) = deadlines.into_iter().flatten().chain(arrival).min() else { return false };
        self.now = self.now.max(next);
        if let Some(at) = self.wire.iter().position(|(at, ..)| *at <= self.now) {
            let (_, side, message) = self.wire.remove(at).unwrap();
            self.deliver(side, message);
            return true;
        }
        for side in [A, B] {
            if self.end(side).leg.deadline().is_some_and(|at| at <= self.now) {
                self.input(side, LegInput::Deadline).unwrap();
            }
        }
        true
    }

    /// Runs for a while.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.next().is_some_and(|at| at <= end) {
            self.step();
        }
        self.now = end;
    }

    /// Runs until no transaction is left (or both legs only wait for a session timer).
    pub fn drive(&mut self) {
        self.run(Duration::from_secs(700));
    }

    fn next(&self) -> Option<Moment> {
        let deadlines = [self.a.leg.deadline(), self.b.leg.deadline()];
        deadlines.into_iter().flatten().chain(self.wire.iter().map(|(at, ..)| *at)).min()
    }

    pub fn ms(&mut self, millis: u64) {
        self.run(Duration::from_millis(millis));
    }

    /// A new end B that has heard nothing yet.
    pub fn fresh_b(&mut self) {
        self.b = End::new(0xb, 5070, self.transport);
        self.wire.clear();
    }

    pub fn dial(&mut self) {
        self.order(A, dial(Some("offer a")));
    }

    /// A call that is talked in.
    pub fn talking(transport: Transport) -> Self {
        let mut pair = Self::over(transport);
        pair.connect();
        pair
    }

    pub fn connect(&mut self) {
        self.dial();
        self.ms(100);
        self.order(B, progress(180, None, false));
        self.ms(100);
        self.order(B, accept(Some("answer b")));
        self.ms(100);
        assert_eq!(self.a.told("Answered"), 1);
        assert_eq!(self.b.told("Acknowledged"), 1);
        self.same_dialog();
    }

    pub fn same_dialog(&self) {
        let (a, b) = (self.a.leg.dialog_id().unwrap(), self.b.leg.dialog_id().unwrap());
        assert_eq!((&a.call_id, &a.local_tag, &a.remote_tag), (&b.call_id, &b.remote_tag, &b.local_tag));
    }

    pub fn both_closed(&self) {
        for end in [&self.a, &self.b] {
            assert!(end.leg.is_closed(), "{} {:?} {:?}", end.leg.state_name(), end.story(), end.said());
            assert_eq!(end.leg.deadline(), None);
            assert_eq!(end.told("Closed"), 1);
        }
    }
}

pub fn sdp(text: &str) -> Body {
    Body::sdp(text.to_owned())
}

pub fn dial(offer: Option<&str>) -> LegOrder {
    LegOrder::Dial(Box::new(Dial {
        request_uri: "sip:b@example.com".into(),
        from: "\"Anna\" <sip:a@example.com>".into(),
        to: "<sip:b@example.com>".into(),
        contact: None,
        route: Vec::new(),
        destination: Destination {
            transport: Transport::Udp,
            address: ([192, 0, 2, 1], 5070).into(),
            facing: Facing::North,
            connection: None,
            server_name: None,
        },
        body: offer.map(sdp),
        parts: Vec::new(),
        headers: Vec::new(),
        onward: crate::sip::door::Onward::default(),
    }))
}

pub fn progress(status: u16, body: Option<&str>, reliable: bool) -> LegOrder {
    LegOrder::Progress { status, body: body.map(sdp), reliable }
}

pub fn accept(body: Option<&str>) -> LegOrder {
    LegOrder::Accept { body: body.map(sdp) }
}

pub fn hang_up() -> LegOrder {
    LegOrder::HangUp { headers: vec![(HeaderName::Reason, Text::from("Q.850;cause=16"))] }
}

pub fn reject(status: u16) -> LegOrder {
    let headers = vec![(HeaderName::Reason, Text::from("Q.850;cause=17"))];
    LegOrder::Reject { status, reason: "Busy Here".into(), headers }
}

pub fn reoffer(body: &str) -> LegOrder {
    LegOrder::Reoffer { body: Some(sdp(body)) }
}

pub fn agree(body: &str) -> LegOrder {
    LegOrder::AnswerReoffer(ReofferAnswer::Agree(Some(sdp(body))))
}
