//! The sync tree: from which radio each radio takes its time, from which one when that is lost, and what
//! the loss of each would do.
//!
//! Radios report whom they hear (NEIGHBOURS). From that a tree is planned: a *master* in the middle, every
//! other radio at the one it hears well with the fewest steps to the master. A radio's *alternatives* are
//! radios that keep their time when its source is lost. They are chosen for each source at once, in an order
//! in which each leans on one that already stands, so that two never wait for each other.

use std::collections::{BTreeMap, BTreeSet};

mod plan;
mod what_if;

pub use plan::plan;
pub use what_if::Loss;

use super::Rpn;
use crate::dect::base_link::code::{SyncMode, SyncRole};
use crate::dect::base_link::value::Neighbour;
use crate::dect::base_link::word::SyncConfig;

/// A signal as good as one needs: "base to base -70..-75 dBm".
pub const GOOD: i8 = -75;
/// The weakest that is used when nothing better is there; below it a base station cannot follow.
pub const WEAKEST: i8 = -80;
/// Most steps from the master: each adds its error.
pub const MOST_HOPS: u8 = 15;
/// Most alternatives that a radio is told.
pub const MOST_ALTERNATIVES: usize = 4;

/// Who hears whom, and how loud, dBm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    heard: BTreeMap<Rpn, BTreeMap<Rpn, i8>>,
}

impl Survey {
    /// A radio's report replaces what it reported before. Radios that are only heard and never report are
    /// not ours to plan.
    pub fn report(&mut self, by: Rpn, neighbours: &[Neighbour]) {
        let others = neighbours.iter().filter(|neighbour| neighbour.rpn != by);
        self.heard.insert(by, others.map(|neighbour| (neighbour.rpn, neighbour.rssi)).collect());
    }

    /// A radio that has no link any more.
    pub fn forget(&mut self, rpn: Rpn) {
        self.heard.remove(&rpn);
    }

    /// All radios that report.
    pub fn radios(&self) -> impl Iterator<Item = Rpn> {
        self.heard.keys().copied()
    }

    /// How loud `by` hears `whom`, when it is loud enough to follow.
    pub fn signal(&self, by: Rpn, whom: Rpn) -> Option<i8> {
        let known = self.heard.contains_key(&whom);
        self.heard.get(&by)?.get(&whom).copied().filter(|rssi| known && *rssi >= WEAKEST)
    }

    /// The radios that `by` can follow.
    fn sources(&self, by: Rpn) -> impl Iterator<Item = (Rpn, i8)> {
        let heard = self.heard.get(&by).into_iter().flatten();
        heard.filter_map(move |(whom, _)| self.signal(by, *whom).map(|rssi| (*whom, rssi)))
    }

    fn without(&self, gone: Rpn) -> Self {
        let mut rest = self.clone();
        rest.forget(gone);
        rest
    }
}

/// Where one radio stands in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// From which it takes its time; `None` for the master.
    pub source: Option<Rpn>,
    /// From which when that one is lost, the best first.
    pub alternatives: Vec<Rpn>,
    /// Steps to the master.
    pub hops: u8,
    /// How loud it hears its source, dBm.
    pub rssi: Option<i8>,
}

/// A plan of the whole system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    /// Who gives time; `None` when there is no radio.
    pub master: Option<Rpn>,
    /// Who is to be master when that one is lost.
    pub deputy: Option<Rpn>,
    /// Every radio that has its place.
    pub places: BTreeMap<Rpn, Place>,
    /// Radios that hear nobody of the tree well enough: they carry no calls.
    pub islands: BTreeSet<Rpn>,
}

impl Tree {
    /// Radios that have no alternative; the loss of their source takes their time. The master needs none, it
    /// has a deputy.
    pub fn without_alternative(&self) -> impl Iterator<Item = Rpn> {
        let bare = |(rpn, place): &(&Rpn, &Place)| {
            let is_root = place.source.is_none();
            let is_deputy = self.deputy == Some(**rpn) && place.source == self.master;
            place.alternatives.is_empty() && !is_root && !is_deputy
        };
        self.places.iter().filter(bare).map(|(rpn, _)| *rpn)
    }

    /// Radios whose source is weaker than [`GOOD`].
    pub fn weak(&self) -> impl Iterator<Item = Rpn> {
        self.places
            .iter()
            .filter(|(_, place)| place.rssi.is_some_and(|rssi| rssi < GOOD))
            .map(|(rpn, _)| *rpn)
    }

    /// SYNC_CONFIG of a radio. One that is alone needs no time of others; an island is told to look for the
    /// master and will not find it.
    pub fn config(&self, rpn: Rpn) -> SyncConfig {
        let alone = self.places.keys().chain(&self.islands).all(|known| *known == rpn);
        let (role, source, alternatives) = match self.places.get(&rpn) {
            Some(Place { source: None, .. }) => (SyncRole::Master, None, Vec::new()),
            Some(place) => (SyncRole::Slave, place.source, place.alternatives.clone()),
            None => (SyncRole::Slave, self.master, Vec::new()),
        };
        SyncConfig {
            mode: Some(if alone { SyncMode::None } else { SyncMode::Air }),
            role: Some(if alone { SyncRole::Master } else { role }),
            source: source.into_iter().collect(),
            alternatives,
            ptp_domain: None,
        }
    }

    fn subtree(&self, root: Rpn) -> BTreeSet<Rpn> {
        let mut inside = BTreeSet::from([root]);
        let mut open = vec![root];
        while let Some(parent) = open.pop() {
            for child in self.children(parent) {
                if inside.insert(child) {
                    open.push(child);
                }
            }
        }
        inside
    }

    fn children(&self, parent: Rpn) -> impl Iterator<Item = Rpn> {
        self.places.iter().filter(move |(_, place)| place.source == Some(parent)).map(|(rpn, _)| *rpn)
    }
}

#[cfg(test)]
mod tests;
