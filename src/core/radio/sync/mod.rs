//! The sync tree: from which radio each radio takes its time, from which one when that is lost, and what
//! the loss of each would do.
//!
//! Radios report whom they hear (NEIGHBOURS). From that a tree is planned: a *master* in the middle, every
//! other radio at the one it hears well with the fewest steps to the master. A radio's *alternatives* are
//! radios that keep their time when its source is lost. They are chosen for each source at once, in an order
//! in which each leans on one that already stands, so that two never wait for each other.
//!
//! Radios that hear each other and none of the others are a *cluster* of their own, in another house say: it
//! has a master and a time of its own, and carries calls. Between clusters nobody is handed over. A radio that
//! has never heard another one is a cluster of one. One that heard others once, and hears none now, has lost
//! its time: it is an *island*, and carries no calls.

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
    /// Radios that have looked around since they came, and whether they ever heard another one.
    looked: BTreeMap<Rpn, bool>,
}

impl Survey {
    /// A radio that has come and has not looked around yet. What it reported before stands.
    pub fn arrive(&mut self, rpn: Rpn) {
        self.heard.entry(rpn).or_default();
    }

    /// A radio's report replaces what it reported before. Radios that are only heard and never report are
    /// not ours to plan.
    pub fn report(&mut self, by: Rpn, neighbours: &[Neighbour]) {
        let others = neighbours.iter().filter(|neighbour| neighbour.rpn != by);
        let heard: BTreeMap<_, _> = others.map(|neighbour| (neighbour.rpn, neighbour.rssi)).collect();
        *self.looked.entry(by).or_default() |= !heard.is_empty();
        self.heard.insert(by, heard);
    }

    /// A radio that has no link any more.
    pub fn forget(&mut self, rpn: Rpn) {
        self.heard.remove(&rpn);
        self.looked.remove(&rpn);
    }

    /// It has looked around and never heard another one: it stands alone, in another house perhaps.
    fn is_lone(&self, rpn: Rpn) -> bool {
        self.looked.get(&rpn) == Some(&false)
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

    fn only(&self, radios: &BTreeSet<Rpn>) -> Self {
        let mut rest = self.clone();
        rest.heard.retain(|rpn, _| radios.contains(rpn));
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

/// Radios with one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Who gives time.
    pub master: Rpn,
    /// Who is to be master when that one is lost.
    pub deputy: Option<Rpn>,
    /// All of it, the master among them.
    pub radios: BTreeSet<Rpn>,
}

/// A plan of the whole system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    /// The largest first; of equals, the one of before.
    pub clusters: Vec<Cluster>,
    /// Every radio that has its place in a cluster.
    pub places: BTreeMap<Rpn, Place>,
    /// Radios that hear nobody well enough: they carry no calls.
    pub islands: BTreeSet<Rpn>,
}

impl Tree {
    /// Who gives time to most; `None` when there is no radio.
    pub fn master(&self) -> Option<Rpn> {
        self.clusters.first().map(|cluster| cluster.master)
    }

    /// Who does when that one is lost.
    pub fn deputy(&self) -> Option<Rpn> {
        self.clusters.first().and_then(|cluster| cluster.deputy)
    }

    /// The cluster that a radio has its place in.
    pub fn cluster(&self, rpn: Rpn) -> Option<&Cluster> {
        self.clusters.iter().find(|cluster| cluster.radios.contains(&rpn))
    }

    /// Both have their place, and not in one cluster: their frames stand anywhere to each other. Of a radio
    /// that has lost its place that is not known.
    pub fn keeps_apart(&self, one: Rpn, other: Rpn) -> bool {
        let clusters = self.cluster(one).zip(self.cluster(other));
        clusters.is_some_and(|(one, other)| one.master != other.master)
    }

    /// Radios that have no alternative; the loss of their source takes their time. A master needs none, it
    /// has a deputy.
    pub fn without_alternative(&self) -> impl Iterator<Item = Rpn> {
        let is_heir = |rpn, place: &Place| {
            self.clusters.iter().any(|c| c.deputy == Some(rpn) && place.source == Some(c.master))
        };
        let bare = move |(rpn, place): &(&Rpn, &Place)| {
            place.alternatives.is_empty() && place.source.is_some() && !is_heir(**rpn, place)
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
    /// first master and will not find it.
    pub fn config(&self, rpn: Rpn) -> SyncConfig {
        let alone = self.cluster(rpn).is_some_and(|cluster| cluster.radios.len() == 1);
        let (role, source, alternatives) = match self.places.get(&rpn) {
            Some(Place { source: None, .. }) => (SyncRole::Master, None, Vec::new()),
            Some(place) => (SyncRole::Slave, place.source, place.alternatives.clone()),
            None => (SyncRole::Slave, self.master(), Vec::new()),
        };
        SyncConfig {
            mode: Some(if alone { SyncMode::None } else { SyncMode::Air }),
            role: Some(role),
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
