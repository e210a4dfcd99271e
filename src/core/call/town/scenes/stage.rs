//! A quiet town, and what its people do by name.

use std::net::IpAddr;
use std::time::Duration;

use super::super::native::Doing;
use super::super::network::Weather;
use super::super::node::{Mail, Mailbox};
use super::super::telephone::Stage as Standing;
use super::super::{START, Town};
use crate::call::forward::ForwardKind;
use crate::call::{LegNo, Phase, Side};
use crate::dect::element::{Event, Events};
use crate::dect::portable::Order;
use crate::id::{OwnerId, Username};
use crate::media::Direction;

/// Long enough for every message of a step.
const STEP: Duration = Duration::from_secs(3);

pub struct Stage {
    town: Town,
}

impl Stage {
    pub fn new() -> Self {
        let mut town = Town::new(7);
        town.steady = true;
        (town.weather, town.lightning, town.dead_proxy) = (Weather::fine(), 0, None);
        town.refused_streams = 0;
        Self { town }
    }

    /// In a town that has lived.
    pub fn of(town: Town) -> Self {
        Self { town }
    }

    /// Nobody is stuck: each calls somebody, is heard, and is free again.
    pub fn roll_call(mut self) -> Town {
        let town = &mut self.town;
        town.slow = false;
        (town.disk.forwarding, town.away, town.barred) = Default::default();
        town.phones.values_mut().for_each(|phone| phone.refused = None);
        for (who, whom) in
            [("30", "90"), ("31", "30"), ("20", "31"), ("21", "20"), ("22", "21"), ("91", "22")]
        {
            self.talk(who, whom);
            assert_eq!(self.words(), format!("{who} and {whom} talk"), "roll call");
            self.town.whole();
            self.town.everybody_hangs_up();
            self.wait(60);
            self.town.empty();
        }
        self.town
    }

    pub fn wait(&mut self, seconds: u64) {
        let until = self.town.now + Duration::from_secs(seconds);
        self.town.run(until);
    }

    fn step(&mut self) {
        let until = self.town.now + STEP;
        self.town.run(until);
    }

    fn address(&self, who: &str) -> Option<IpAddr> {
        self.town.phones.values().find(|phone| phone.number == who).map(|phone| phone.address.ip())
    }

    fn handset(&self, who: &str) -> Option<usize> {
        self.town.natives.iter().position(|native| native.number == who)
    }

    /// The lines of a telephone that stand so, oldest first.
    fn lines(&self, who: &str, stage: Standing) -> Vec<(IpAddr, OwnerId)> {
        let address = self.address(who).expect("a telephone");
        let lines = self.town.phones[&address].standing();
        lines.into_iter().filter(|(_, of)| *of == stage).map(|(owner, _)| (address, owner)).collect()
    }

    fn line(&self, who: &str, stage: Standing) -> (IpAddr, OwnerId) {
        *self.lines(who, stage).last().unwrap_or_else(|| panic!("{who} has no line that is {stage:?}"))
    }

    pub fn dial(&mut self, who: &str, number: &str) {
        let now = self.town.now;
        match self.handset(who) {
            Some(handset) => {
                let words = self.town.natives[handset].dial(number);
                self.town.air(handset, words);
            }
            None => {
                let address = self.address(who).expect("a telephone");
                let to = number.replace('#', "%23");
                self.town.phone(address, |phone, sent| phone.dial(&to, None, true, now, sent));
            }
        }
        self.step();
    }

    pub fn answer(&mut self, who: &str) {
        let now = self.town.now;
        match self.handset(who) {
            Some(handset) => {
                let words = self.town.natives[handset].answer();
                self.town.air(handset, words);
            }
            None => {
                let (address, owner) = self.line(who, Standing::Ringing);
                self.town.phone(address, |phone, sent| phone.accept(owner, now, sent));
            }
        }
        self.step();
    }

    /// Dials, and the other answers.
    pub fn talk(&mut self, who: &str, with: &str) {
        self.dial(who, with);
        self.answer(with);
    }

    pub fn reject(&mut self, who: &str, status: u16) {
        let (now, (address, owner)) = (self.town.now, self.line(who, Standing::Ringing));
        self.town.phone(address, |phone, sent| phone.reject(owner, status, None, now, sent));
        self.step();
    }

    pub fn hang_up(&mut self, who: &str) {
        let (now, (address, owner)) = (self.town.now, self.line(who, Standing::Talking));
        self.town.phone(address, |phone, sent| phone.hang_up(owner, now, sent));
        self.step();
    }

    /// Keys of a native handset; `R` is the recall key. A number is whole with its hash.
    pub fn press(&mut self, who: &str, keys: &str) {
        let handset = self.handset(who).expect("a native handset");
        let words = self.town.natives[handset].keys(keys.replace('R', "\u{15}").as_bytes());
        self.town.air(handset, words);
        self.step();
    }

    /// To where another base station is heard better.
    pub fn walk(&mut self, who: &str) {
        let handset = self.handset(who).expect("a native handset");
        self.town.walks(handset);
        self.step();
    }

    /// A message waits for who has a native handset.
    pub fn message(&mut self, who: &str) {
        let handset = self.handset(who).expect("a native handset");
        let order = Order::Notify(Events(vec![Event::voice_messages(1)]));
        self.town.node.post(Mailbox::Handset(handset), Mail::Order(order));
        self.step();
    }

    pub fn hold(&mut self, who: &str) {
        self.direct(who, Direction::SendOnly);
    }

    pub fn resume(&mut self, who: &str) {
        self.direct(who, Direction::SendRecv);
    }

    fn direct(&mut self, who: &str, direction: Direction) {
        let now = self.town.now;
        match self.handset(who) {
            Some(handset) => {
                let words = self.town.natives[handset].hold();
                self.town.air(handset, words);
            }
            None => {
                let (address, owner) = self.lines(who, Standing::Talking)[0];
                self.town.phone(address, |phone, sent| phone.hold(owner, direction, now, sent));
            }
        }
        self.step();
    }

    /// REFER of its first call to a number.
    pub fn refer(&mut self, who: &str, to: &str) {
        let (now, (address, owner)) = (self.town.now, self.lines(who, Standing::Talking)[0]);
        let to = format!("{to}@switch.test");
        self.town.phone(address, |phone, sent| phone.refer(owner, &to, now, sent));
        self.step();
    }

    /// REFER of its first call to the other end of its newest, which talks or still rings.
    pub fn join(&mut self, who: &str, to: &str) {
        let now = self.town.now;
        let (address, owner) = self.lines(who, Standing::Talking)[0];
        let newest = self.town.phones[&address].standing().last().map(|(owner, _)| *owner);
        let named = newest.and_then(|newest| self.town.phones[&address].named(newest)).expect("a dialog");
        let named = named.replace(';', "%3B").replace('=', "%3D").replace('@', "%40");
        let to = format!("{to}@switch.test?Replaces={named}");
        self.town.phone(address, |phone, sent| phone.refer(owner, &to, now, sent));
        self.step();
    }

    /// `who` takes the call that `of` has at the switch.
    pub fn pick_up(&mut self, who: &str, of: &str) {
        let now = self.town.now;
        let theirs = self.address(of).expect("a telephone");
        let line = self.town.phones[&theirs].standing().last().map(|(owner, _)| *owner);
        let named = line.and_then(|line| self.town.phones[&theirs].named(line));
        let address = self.address(who).expect("a telephone");
        self.town.phone(address, |phone, sent| phone.dial(of, named, true, now, sent));
        self.step();
    }

    pub fn forward(&mut self, user: &str, kind: ForwardKind, to: &str) {
        let user: Username = user.parse().expect("a user");
        self.town.disk.forwarding.entry(user).or_default().set(kind, Some(to.to_owned()));
    }

    pub fn quiet(&mut self, user: &str) {
        let user: Username = user.parse().expect("a user");
        self.town.disk.forwarding.entry(user).or_default().do_not_disturb = true;
    }

    pub fn away(&mut self, user: &str) {
        self.town.away.insert(user.parse().expect("a user"));
    }

    pub fn barred(&mut self, user: &str) {
        self.town.barred.insert(user.parse().expect("a user"));
    }

    /// What is now.
    pub fn words(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        for exchange in self.town.node.calls.values() {
            let summary = exchange.machine.summary();
            if summary.phase == Phase::Talking {
                let (one, other) = (&summary.caller.number, &summary.callee.number);
                let alone = exchange.machine.open_legs() == [LegNo::CALLER];
                words.push(match (exchange.machine.room_of_test(), alone) {
                    (Some(room), true) => format!("{one} is in the room {room}"),
                    (Some(room), false) => format!("{one} and {other} are in the room {room}"),
                    (None, true) => format!("{one} hears a confirmation"),
                    (None, false) => format!("{one} and {other} talk"),
                });
                for (side, party) in [(Side::A, one), (Side::B, other)] {
                    if let Some(sound) = exchange.sounds.get(&side) {
                        words.push(format!("{party} hears {}", format!("{sound:?}").to_lowercase()));
                    }
                }
            }
        }
        for phone in self.town.phones.values() {
            let ringing = phone.standing().iter().filter(|(_, stage)| *stage == Standing::Ringing).count();
            words.extend((ringing > 0).then(|| format!("{} rings", phone.number)));
            words.extend(phone.refused.map(|status| format!("{} is told {status}", phone.number)));
        }
        for native in &self.town.natives {
            if matches!(native.doing, Doing::Ringing(_)) {
                words.push(format!("{} rings", native.number));
            }
        }
        for (user, set) in &self.town.disk.forwarding {
            words.extend(set.always.as_ref().map(|to| format!("{user} forwards to {to}")));
        }
        if words.is_empty() { "nobody is in a call".into() } else { words.join("; ") }
    }

    /// Nothing stays behind.
    pub fn clear(mut self) {
        self.town.everybody_leaves();
        assert!(self.town.now > START);
    }
}
