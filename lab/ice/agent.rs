//! The agent of one stream: checks the other end's candidates, answers its checks, and settles on a pair each
//! for RTP and RTCP (RFC 5245 §7, §8).

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::stun::{self, Draft, Parsed, attribute as attr};
use super::{Candidate, Chosen, Dialect, Found, Reach, Side};

/// Most pairs that are looked at.
const MAX_PAIRS: usize = 64;
/// From one transmission of a check to the next.
const AGAIN: Duration = Duration::from_millis(200);
/// How often a check is sent before its pair counts as dead; a check of the other end revives it.
const MOST: u32 = 25;
/// From one indication on a settled pair to the next.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Which socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// Media.
    Rtp = 1,
    /// Reports about it.
    Rtcp = 2,
}

impl Component {
    pub(super) fn of_number(text: &str) -> Option<Self> {
        match text {
            "1" => Some(Self::Rtp),
            "2" => Some(Self::Rtcp),
            _ => None,
        }
    }

    const fn index(self) -> usize {
        self as usize - 1
    }
}

/// A datagram to send.
#[derive(Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// From which socket.
    pub component: Component,
    /// Where to.
    pub to: SocketAddr,
    /// What.
    pub octets: Vec<u8>,
}

/// See the module.
#[derive(Debug)]
pub struct Agent {
    dialect: Dialect,
    reach: Reach,
    ours: Side,
    theirs: Option<Side>,
    controlling: bool,
    tie_breaker: u64,
    pairs: Vec<Pair>,
    alive_at: Option<Instant>,
    found: Found,
}

#[derive(Debug)]
struct Pair {
    component: Component,
    remote: SocketAddr,
    relayed: bool,
    priority: u32,
    transaction: [u8; 16],
    sent: u32,
    next: Instant,
    works: bool,
    /// Asked for by the controlling end: with the next check of ours, or by its own.
    nominated: bool,
}

impl Agent {
    /// One that waits for the other side.
    pub fn new(ours: Side, dialect: Dialect, reach: Reach, found: Found) -> Self {
        let tie_breaker = rand::random();
        let (theirs, pairs, alive_at) = (None, Vec::new(), None);
        Self { dialect, reach, ours, theirs, controlling: false, tie_breaker, pairs, alive_at, found }
    }

    /// The other side's description; the same one again changes nothing.
    pub fn meet(&mut self, theirs: Side, controlling: bool, now: Instant) {
        let known = self.theirs.as_ref().is_some_and(|known| known.ufrag == theirs.ufrag);
        if known {
            return;
        }
        self.controlling = controlling;
        self.pairs.clear();
        self.found.note(|paths| paths.chosen = [None, None]);
        let reachable = theirs.candidates.iter().filter(|one| self.reaches(one));
        let pairs: Vec<_> = reachable.map(|one| Pair::new(one, now)).take(MAX_PAIRS).collect();
        self.pairs = pairs;
        self.pairs.sort_by_key(|pair| std::cmp::Reverse(pair.priority));
        self.theirs = Some(theirs);
    }

    /// Whether media and checks from there are heard here.
    pub fn hears(&self, component: Component, from: SocketAddr) -> bool {
        let theirs = self.theirs.as_ref().and_then(|theirs| theirs.at(component, from));
        matches!(self.reach, Reach::All | Reach::OverOwnRelay) || theirs.is_some_and(|one| self.reaches(one))
    }

    /// The addresses that connections are opened to.
    pub fn dials(&self) -> Vec<(Component, SocketAddr)> {
        let theirs = self.theirs.iter().flat_map(|theirs| &theirs.candidates);
        theirs.filter(|one| one.tcp && self.reaches(one)).map(|one| (one.component, one.address)).collect()
    }

    fn reaches(&self, one: &Candidate) -> bool {
        match self.reach {
            Reach::All | Reach::OverOwnRelay => !one.tcp,
            Reach::Relays => one.relayed && !one.tcp,
            Reach::RelaysOverTcp => one.relayed && one.tcp,
        }
    }

    /// Where media goes, when that is settled.
    pub fn chosen(&self, component: Component) -> Option<SocketAddr> {
        self.found.paths().chosen[component.index()].map(|chosen| chosen.remote)
    }

    /// A datagram that begins as STUN does.
    pub fn packet(
        &mut self,
        component: Component,
        from: SocketAddr,
        octets: &[u8],
        now: Instant,
    ) -> Vec<Outgoing> {
        let Some(message) = Parsed::read(octets, true).filter(|_| self.hears(component, from)) else {
            return Vec::new();
        };
        match message.kind {
            stun::REQUEST => self.asked(component, from, &message, now),
            stun::SUCCESS | stun::FAILURE => {
                self.answered(component, from, &message, now);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn asked(
        &mut self,
        component: Component,
        from: SocketAddr,
        message: &Parsed<'_>,
        now: Instant,
    ) -> Vec<Outgoing> {
        let ours = message.username().split(':').next() == Some(&self.ours.ufrag);
        let proved = ours && message.is_proved(self.dialect, self.ours.password.as_bytes());
        self.found.note(|paths| if proved { paths.checks.0 += 1 } else { paths.checks.1 += 1 });
        if !proved {
            return Vec::new();
        }
        let nominates = message.get(attr::USE_CANDIDATE).is_some() && !self.controlling;
        let priority = message.number(attr::PRIORITY).unwrap_or(1);
        let room = self.pairs.len() < MAX_PAIRS && self.theirs.is_some();
        match self.pairs.iter_mut().find(|one| one.component == component && one.remote == from) {
            Some(pair) => {
                pair.nominated |= nominates;
                (pair.sent, pair.next) = (0, if pair.works { pair.next } else { now });
            }
            None if room => {
                let (foundation, relayed, tcp) = ("9".into(), false, false);
                let learnt = Candidate { foundation, component, priority, address: from, relayed, tcp };
                self.pairs.push(Pair { nominated: nominates, ..Pair::new(&learnt, now) });
            }
            None => {}
        }
        self.settle();
        let mut draft = Draft::new(stun::SUCCESS, &message.transaction);
        if self.dialect == Dialect::Rfc3489 {
            draft = draft.with(attr::MAPPED_ADDRESS, &stun::address(from, None));
        }
        draft = draft
            .with(attr::XOR_MAPPED_ADDRESS, &stun::address(from, Some(&message.transaction)))
            .with(attr::USERNAME, message.username().as_bytes());
        if self.dialect == Dialect::MsIce2 {
            draft = draft.with(attr::IMPLEMENTATION_VERSION, &2_u32.to_be_bytes());
        }
        let octets = draft.finish(self.dialect, Some(self.ours.password.as_bytes()));
        vec![Outgoing { component, to: from, octets }]
    }

    fn answered(&mut self, component: Component, from: SocketAddr, message: &Parsed<'_>, now: Instant) {
        let Some(theirs) = &self.theirs else { return };
        let proved = message.is_proved(self.dialect, theirs.password.as_bytes());
        let pair = self.pairs.iter_mut().find(|one| {
            one.component == component && one.remote == from && one.transaction == message.transaction
        });
        let Some(pair) = pair.filter(|_| proved) else { return };
        if message.kind == stun::FAILURE {
            // 487 (RFC 5245 §7.1.3.1): the other end decides, or leaves it to us.
            if message.get(attr::ERROR_CODE).is_some_and(|value| value.get(2..4) == Some(&[4, 87])) {
                self.controlling = !self.controlling;
            }
            (pair.sent, pair.next) = (0, now);
            return;
        }
        pair.works = true;
        // RFC 5245 §8.1.1.1, regular nomination: the first pair that works is asked for again.
        let first = !self.pairs.iter().any(|one| one.component == component && one.nominated);
        let pair =
            self.pairs.iter_mut().find(|one| one.component == component && one.remote == from && one.works);
        if let Some(pair) = pair.filter(|_| self.controlling && first) {
            (pair.nominated, pair.works, pair.sent, pair.next) = (true, false, 0, now);
        }
        self.settle();
    }

    /// A pair that works and was nominated carries the media; the best such pair, until one is settled.
    fn settle(&mut self) {
        for component in [Component::Rtp, Component::Rtcp] {
            let fits = |pair: &&Pair| pair.component == component && pair.works && pair.nominated;
            let best = self.pairs.iter().filter(fits).max_by_key(|pair| pair.priority);
            let Some(best) = best else { continue };
            let chosen = Chosen { remote: best.remote, relayed: best.relayed };
            self.found.note(|paths| paths.chosen[component.index()].get_or_insert(chosen).relayed);
        }
    }

    /// Time has passed: one check, or what keeps a settled pair open.
    pub fn tick(&mut self, now: Instant) -> Vec<Outgoing> {
        let Some(theirs) = &self.theirs else { return Vec::new() };
        if self.found.paths().are_settled() {
            return self.keep_alive(now);
        }
        let due = |pair: &&mut Pair| !pair.works && pair.sent < MOST && pair.next <= now;
        let Some(pair) = self.pairs.iter_mut().find(due) else { return Vec::new() };
        (pair.sent, pair.next) = (pair.sent + 1, now + AGAIN);
        pair.transaction = stun::transaction(self.dialect);
        let mut draft = Draft::new(stun::REQUEST, &pair.transaction);
        if self.controlling && pair.nominated {
            draft = draft.with(attr::USE_CANDIDATE, &[]);
        }
        let role = if self.controlling { attr::ICE_CONTROLLING } else { attr::ICE_CONTROLLED };
        draft = draft
            // What a candidate learnt from this check would have (RFC 5245 §7.1.2.1).
            .with(attr::PRIORITY, &0x6EFF_FFFF_u32.to_be_bytes())
            .with(role, &self.tie_breaker.to_be_bytes())
            .with(attr::USERNAME, format!("{}:{}", theirs.ufrag, self.ours.ufrag).as_bytes());
        if self.dialect == Dialect::MsIce2 {
            draft = draft
                .with(attr::CANDIDATE_IDENTIFIER, b"1")
                .with(attr::IMPLEMENTATION_VERSION, &2_u32.to_be_bytes());
        }
        let octets = draft.finish(self.dialect, Some(theirs.password.as_bytes()));
        vec![Outgoing { component: pair.component, to: pair.remote, octets }]
    }

    fn keep_alive(&mut self, now: Instant) -> Vec<Outgoing> {
        if self.alive_at.is_some_and(|last| now - last < KEEP_ALIVE) {
            return Vec::new();
        }
        self.alive_at = Some(now);
        let components = [Component::Rtp, Component::Rtcp].into_iter();
        let ways = components.filter_map(|component| Some((component, self.chosen(component)?)));
        let indication = || Draft::new(0x0011, &stun::transaction(self.dialect)).finish(self.dialect, None);
        ways.map(|(component, to)| Outgoing { component, to, octets: indication() }).collect()
    }
}

impl Pair {
    fn new(one: &Candidate, now: Instant) -> Self {
        Self {
            component: one.component,
            remote: one.address,
            relayed: one.relayed,
            priority: one.priority,
            transaction: [0; 16],
            sent: 0,
            next: now,
            works: false,
            nominated: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct End {
        agent: Agent,
        found: Found,
        side: Side,
    }

    fn end(last: u8, dialect: Dialect, reach: Reach) -> End {
        let at = |port| SocketAddr::from(([192, 0, 2, last], port));
        let (side, found) = (Side::new(at(4000), at(4001)), Found::default());
        End { agent: Agent::new(side.clone(), dialect, reach, found.clone()), found, side }
    }

    /// Lets both talk for so many ticks; what each sends comes from its host candidates.
    fn run(a: &mut End, b: &mut End, ticks: u32) {
        let start = Instant::now();
        let from = |side: &Side, component: Component| side.candidates[component.index()].address;
        for n in 0..ticks {
            let now = start + Duration::from_millis(20) * n;
            let mut to_b: Vec<_> = a.agent.tick(now);
            let mut to_a: Vec<_> = b.agent.tick(now);
            while !to_a.is_empty() || !to_b.is_empty() {
                let (again_a, again_b): (Vec<_>, Vec<_>) = (
                    to_b.drain(..)
                        .flat_map(|one| {
                            b.agent.packet(one.component, from(&a.side, one.component), &one.octets, now)
                        })
                        .collect(),
                    to_a.drain(..)
                        .flat_map(|one| {
                            a.agent.packet(one.component, from(&b.side, one.component), &one.octets, now)
                        })
                        .collect(),
                );
                (to_a, to_b) = (again_a, again_b);
            }
        }
    }

    fn meet(a: &mut End, b: &mut End) {
        let now = Instant::now();
        a.agent.meet(b.side.clone(), true, now);
        b.agent.meet(a.side.clone(), false, now);
    }

    #[test]
    fn two_ends_settle_on_each_others_sockets_in_either_dialect() {
        for dialect in [Dialect::MsIce2, Dialect::Rfc3489] {
            let (mut a, mut b) = (end(1, dialect, Reach::All), end(2, dialect, Reach::All));
            meet(&mut a, &mut b);
            run(&mut a, &mut b, 50);
            assert!(a.found.paths().are_settled() && b.found.paths().are_settled(), "{dialect:?} {a:?}");
            assert_eq!(a.agent.chosen(Component::Rtp), Some(b.side.candidates[0].address));
            assert_eq!(b.agent.chosen(Component::Rtcp), Some(a.side.candidates[1].address));
        }
    }

    #[test]
    fn ends_of_two_dialects_do_not_find_each_other() {
        let (mut a, mut b) = (end(1, Dialect::MsIce2, Reach::All), end(2, Dialect::Rfc3489, Reach::All));
        meet(&mut a, &mut b);
        run(&mut a, &mut b, 50);
        assert!(!a.found.paths().are_settled() && a.found.paths().checks.1 > 0);
    }

    #[test]
    fn who_stands_behind_relays_hears_nobody_else() {
        let (mut a, mut b) = (end(1, Dialect::MsIce2, Reach::All), end(2, Dialect::MsIce2, Reach::Relays));
        meet(&mut a, &mut b);
        run(&mut a, &mut b, 50);
        assert_eq!(b.found.paths(), super::super::Paths::default());
        a.side.candidates.iter_mut().for_each(|one| one.relayed = true);
        let mut b = end(2, Dialect::MsIce2, Reach::Relays);
        let mut c =
            End { agent: Agent::new(a.side.clone(), Dialect::MsIce2, Reach::All, a.found.clone()), ..a };
        meet(&mut c, &mut b);
        run(&mut c, &mut b, 50);
        assert!(b.found.paths().chosen[0].is_some_and(|chosen| chosen.relayed));
    }
}
