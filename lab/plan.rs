//! Which calls an emulated world makes: a plan that depends on its seed only.
//!
//! Calls begin as a Poisson process. The plan keeps, in its own time, who talks to whom, so that the same
//! seed gives the same calls however fast or slow the switch under test is.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;

/// One end of a planned call, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// A handset in the south.
    Handset(usize),
    /// A user of the front end.
    FarEnd(usize),
}

/// What shall become of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Answered, talked, ended by one of both.
    Talk {
        /// Whether the caller hangs up.
        caller_ends: bool,
    },
    /// The called phone says 486.
    Busy,
    /// Nobody comes; the caller gives up after a long ringing.
    NoAnswer,
    /// The caller changes their mind after a short ringing.
    Cancelled,
}

/// One call. All times are scaled by the speed already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedCall {
    /// From the beginning of the plan.
    pub at: Duration,
    /// Who dials.
    pub from: Party,
    /// Who is called.
    pub to: Party,
    /// What shall become of it.
    pub fate: Fate,
    /// From INVITE to answer, or to CANCEL.
    pub ring: Duration,
    /// From answer to BYE.
    pub talk: Duration,
}

/// How much happens.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Handsets.
    pub handsets: usize,
    /// Users of the front end.
    pub far_ends: usize,
    /// Mean of attempts per minute, at speed 1.
    pub calls_per_minute: f64,
    /// How many times faster than life; divides every time.
    pub speed: f64,
}

/// Calls without end, each later than the one before; ends only when there is nobody to call.
#[derive(Debug, Clone)]
pub struct Plan {
    random: StdRng,
    shape: Shape,
    /// Seconds of life, not scaled.
    now: f64,
    handsets: Vec<f64>,
    far_ends: Vec<f64>,
}

/// Seconds between two calls of one phone, at least.
const REST: f64 = 2.0;

impl Plan {
    /// The plan of this seed.
    pub fn new(seed: u64, shape: Shape) -> Self {
        let (handsets, far_ends) = (vec![0.0; shape.handsets], vec![0.0; shape.far_ends]);
        Self { random: StdRng::seed_from_u64(seed), shape, now: 0.0, handsets, far_ends }
    }

    fn attempt(&mut self) -> Option<PlannedCall> {
        let ends = match self.random.random_range(0..10) {
            0..4 => self.pick(true, None).zip(self.pick(false, None)),
            4..8 => self.pick(false, None).zip(self.pick(true, None)),
            _ => self.pick(true, None).and_then(|one| Some((one, self.pick(true, Some(one))?))),
        };
        // Drawn even when nobody is free, so that each attempt uses as much randomness.
        let fate = self.fate();
        let ring = match fate {
            Fate::NoAnswer => self.random.random_range(12.0..20.0),
            Fate::Cancelled => self.random.random_range(2.0..4.0),
            Fate::Talk { .. } | Fate::Busy => self.random.random_range(1.0..6.0),
        };
        let talk = self.random.random_range(10.0..60.0);
        let (from, to) = ends?;
        let talks = matches!(fate, Fate::Talk { .. });
        let end = self.now + ring + if talks { talk } else { 0.0 } + REST * self.shape.speed.max(1.0);
        [from, to].into_iter().for_each(|party| *self.until(party) = end);
        let scaled = |seconds: f64| Duration::from_secs_f64(seconds / self.shape.speed);
        Some(PlannedCall { at: scaled(self.now), from, to, fate, ring: scaled(ring), talk: scaled(talk) })
    }

    fn fate(&mut self) -> Fate {
        match self.random.random_range(0..20) {
            0 => Fate::Busy,
            1 => Fate::NoAnswer,
            2 => Fate::Cancelled,
            n => Fate::Talk { caller_ends: n % 2 == 0 },
        }
    }

    /// A free phone, other than `not`.
    fn pick(&mut self, handset: bool, not: Option<Party>) -> Option<Party> {
        let (party, until): (fn(usize) -> Party, _) =
            if handset { (Party::Handset, &self.handsets) } else { (Party::FarEnd, &self.far_ends) };
        let free = until.iter().enumerate().filter(|(_, until)| **until <= self.now);
        let free: Vec<_> = free.map(|(n, _)| party(n)).filter(|one| Some(*one) != not).collect();
        let chosen = self.random.random_range(0..free.len().max(1));
        free.get(chosen).copied()
    }

    fn until(&mut self, party: Party) -> &mut f64 {
        match party {
            Party::Handset(n) => &mut self.handsets[n],
            Party::FarEnd(n) => &mut self.far_ends[n],
        }
    }
}

impl Iterator for Plan {
    type Item = PlannedCall;

    fn next(&mut self) -> Option<PlannedCall> {
        if self.shape.calls_per_minute <= 0.0 || self.shape.speed <= 0.0 {
            return None;
        }
        // Everybody busy is a matter of minutes of life; so many attempts without a call mean nobody.
        for _ in 0..100_000 {
            let uniform: f64 = self.random.random_range(f64::MIN_POSITIVE..1.0);
            self.now += -uniform.ln() * 60.0 / self.shape.calls_per_minute;
            if let Some(call) = self.attempt() {
                return Some(call);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(speed: f64) -> Shape {
        Shape { handsets: 6, far_ends: 4, calls_per_minute: 20.0, speed }
    }

    #[test]
    fn the_same_seed_gives_the_same_plan_and_another_seed_another() {
        let calls = |seed| Plan::new(seed, shape(1.0)).take(500).collect::<Vec<_>>();
        assert_eq!(calls(7), calls(7));
        assert_ne!(calls(7), calls(8));
    }

    #[test]
    fn nobody_is_in_two_calls_and_every_fate_and_direction_occurs() {
        let calls: Vec<_> = Plan::new(1, shape(1.0)).take(2_000).collect();
        let end = |call: &PlannedCall| match call.fate {
            Fate::Talk { .. } => call.at + call.ring + call.talk,
            _ => call.at + call.ring,
        };
        let mut busy_until = std::collections::HashMap::new();
        for call in &calls {
            assert_ne!(call.from, call.to);
            for party in [call.from, call.to] {
                let until = busy_until.insert(party, end(call)).unwrap_or_default();
                assert!(until <= call.at, "{party:?} is busy until {until:?}: {call:?}");
            }
            assert!((10..60).contains(&call.talk.as_secs()));
        }
        let fates: std::collections::HashSet<_> = calls.iter().map(|call| call.fate).collect();
        assert_eq!(fates.len(), 5);
        let south = |party: &Party| matches!(party, Party::Handset(_));
        let ways: std::collections::HashSet<_> =
            calls.iter().map(|c| (south(&c.from), south(&c.to))).collect();
        assert_eq!(ways.len(), 3, "far end to far end does not concern the switch");
    }

    #[test]
    fn a_world_without_people_makes_no_calls_and_does_not_hang() {
        assert_eq!(Plan::new(1, Shape { handsets: 0, far_ends: 3, ..shape(1.0) }).next(), None);
        assert_eq!(Plan::new(1, Shape { calls_per_minute: 0.0, ..shape(1.0) }).next(), None);
    }
}
