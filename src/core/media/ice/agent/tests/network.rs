//! Two sides, what lies between them, and a clock that jumps from event to event.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::super::*;
use crate::media::ice::candidate::Transport;

/// Address translation in front of one side.
pub struct Nat {
    pub inside: IpAddr,
    pub outside: IpAddr,
    /// Another port outside for each destination.
    pub symmetric: bool,
    /// Inside, destination if that matters, outside.
    maps: Vec<(SocketAddr, Option<SocketAddr>, SocketAddr)>,
    /// Outside address and the address that may answer to it.
    permits: Vec<(SocketAddr, IpAddr)>,
}

impl Nat {
    pub fn new(inside: &str, outside: &str, symmetric: bool) -> Self {
        let (inside, outside) = (inside.parse().unwrap(), outside.parse().unwrap());
        Self { inside, outside, symmetric, maps: Vec::new(), permits: Vec::new() }
    }

    /// The outside address that a socket inside has towards `to`.
    pub fn map(&mut self, from: SocketAddr, to: SocketAddr) -> SocketAddr {
        let key = self.symmetric.then_some(to);
        let known = self.maps.iter().find(|(inside, dest, _)| (*inside, *dest) == (from, key)).map(|m| m.2);
        let next = SocketAddr::new(self.outside, 40_000 + self.maps.len() as u16);
        let outside = known.unwrap_or_else(|| {
            self.maps.push((from, key, next));
            next
        });
        self.permits.push((outside, to.ip()));
        outside
    }

    fn admit(&self, from: SocketAddr, to: SocketAddr) -> Option<SocketAddr> {
        let inside = self.maps.iter().find(|(.., outside)| *outside == to)?.0;
        self.permits.contains(&(to, from.ip())).then_some(inside)
    }
}

pub struct Side {
    pub agent: Agent,
    pub tokens: Tokens,
    pub events: Vec<(Moment, Output)>,
    pub nat: Option<Nat>,
    pub sent: usize,
}

/// To which side, for which socket, from, to, what.
type Flight = (usize, Component, SocketAddr, SocketAddr, Vec<u8>);

pub struct World {
    pub now: Moment,
    pub sides: [Side; 2],
    pub delay: Duration,
    /// Lost packets in a hundred.
    pub loss: u64,
    /// Addresses that nothing reaches, as sender or as receiver.
    pub dark: Vec<SocketAddr>,
    dice: Tokens,
    air: BTreeMap<(Moment, u64), Flight>,
    count: u64,
}

pub const L: usize = 0;
pub const R: usize = 1;

pub fn reflexive(foundation: u16, component: Component, address: SocketAddr, base: &str) -> Local {
    Local::server_reflexive(component, address, base.parse().unwrap(), foundation)
}

/// Relayed candidates of both components on consecutive ports.
pub fn relays(foundation: u16, ip: &str, port: u16) -> Vec<Local> {
    let relay = |component, port| {
        let address = SocketAddr::new(ip.parse().unwrap(), port);
        Local::relayed(component, Transport::Udp, address, address, foundation)
    };
    vec![relay(Component::Rtp, port), relay(Component::Rtcp, port + 1)]
}

/// Host candidates of both components on consecutive ports.
pub fn hosts(foundation: u16, ip: &str, port: u16) -> Vec<Local> {
    let host =
        |component, port| Local::host(component, SocketAddr::new(ip.parse().unwrap(), port), foundation);
    vec![host(Component::Rtp, port), host(Component::Rtcp, port + 1)]
}

impl World {
    /// L calls R. Nothing is exchanged yet.
    pub fn new(seed: u8, left: Vec<Local>, right: Vec<Local>) -> Self {
        Self::with(seed, [Settings::default(), Settings::default()], [left, right])
    }

    pub fn with(seed: u8, settings: [Settings; 2], locals: [Vec<Local>; 2]) -> Self {
        let mut dice = Tokens::new([seed; 32]);
        let roles = [Role::Controlling, Role::Controlled];
        let mut parts = settings.into_iter().zip(locals).zip(roles);
        let mut side = || {
            let ((settings, locals), role) = parts.next().unwrap();
            let mut tokens = dice.split();
            let credentials = Credentials::fresh(&mut tokens);
            let agent = Agent::new(settings, role, credentials, locals, &mut tokens);
            Side { agent, tokens, events: Vec::new(), nat: None, sent: 0 }
        };
        let sides = [side(), side()];
        let (now, delay) = (Moment::from_micros(1_000_000), Duration::from_millis(20));
        Self { now, sides, delay, loss: 0, dark: Vec::new(), dice, air: BTreeMap::new(), count: 0 }
    }

    pub fn give(&mut self, side: usize, input: Input<'_>) {
        let Side { agent, tokens, .. } = &mut self.sides[side];
        let out = agent.handle(input, self.now, tokens).unwrap();
        for output in out {
            match output {
                Output::Transmit { component, from, to, bytes } => {
                    self.send(side, component, from, to, bytes)
                }
                event => self.sides[side].events.push((self.now, event)),
            }
        }
    }

    pub fn description(&self, side: usize) -> Description {
        self.sides[side].agent.description()
    }

    /// Offer and answer, both at once.
    pub fn exchange(&mut self) {
        let (offer, answer) = (self.description(L), self.description(R));
        self.give(R, Input::Remote(offer));
        self.give(L, Input::Remote(answer));
    }

    fn send(&mut self, side: usize, component: Component, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        self.sides[side].sent += 1;
        let from = match &mut self.sides[side].nat {
            Some(nat) if nat.inside == from.ip() => nat.map(from, to),
            _ => from,
        };
        let lost =
            self.dice.number() % 100 < self.loss || self.dark.contains(&to) || self.dark.contains(&from);
        if !lost {
            let jitter = Duration::from_micros(self.dice.number() % 5_000);
            self.count += 1;
            self.air
                .insert((self.now + self.delay + jitter, self.count), (1 - side, component, from, to, bytes));
        }
    }

    /// Until nothing happens any more before `until`.
    pub fn run(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let due = self.sides.iter().filter_map(|side| side.agent.deadline()).min();
            let landing = self.air.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = due.into_iter().chain(landing).min().filter(|next| *next <= until) else {
                break;
            };
            self.now = self.now.max(next);
            if landing == Some(next) {
                let (_, (side, component, from, to, bytes)) = self.air.pop_first().unwrap();
                self.land(side, component, from, to, &bytes);
                continue;
            }
            for side in [L, R] {
                if self.sides[side].agent.deadline().is_some_and(|at| at <= self.now) {
                    self.give(side, Input::Deadline);
                    let after = self.sides[side].agent.deadline();
                    assert!(after.is_none_or(|at| at >= self.now), "a deadline in the past: {after:?}");
                }
            }
        }
        self.now = until;
    }

    fn land(&mut self, side: usize, component: Component, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let to = match &self.sides[side].nat {
            Some(nat) if nat.outside == to.ip() => nat.admit(from, to),
            // Private addresses are not routed.
            Some(nat) if nat.inside == to.ip() => None,
            _ => Some(to),
        };
        if let Some(to) = to {
            self.give(side, Input::Packet { component, from, to, bytes });
        }
    }

    /// The last selection of a component.
    pub fn selected(&self, side: usize, of: Component) -> Option<(SocketAddr, SocketAddr, Selection)> {
        self.sides[side].events.iter().rev().find_map(|(_, event)| match event {
            Output::Selected { component, local, remote, how } if *component == of => {
                Some((*local, *remote, *how))
            }
            _ => None,
        })
    }

    pub fn when(&self, side: usize, wanted: &Output) -> Option<Moment> {
        self.sides[side].events.iter().find(|(_, event)| event == wanted).map(|(at, _)| *at)
    }

    pub fn assert_completed(&self, what: &str) {
        for side in [L, R] {
            let events: Vec<_> = self.sides[side].events.iter().map(|(_, event)| event).collect();
            assert_eq!(self.sides[side].agent.state(), State::Completed, "{what}, side {side}: {events:?}");
            let completed = events.iter().filter(|event| ***event == Output::Completed).count();
            assert_eq!(completed, 1, "{what}, side {side}");
        }
    }
}
