//! What happens when a radio is lost.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cluster, Survey, Tree};
use crate::radio::Rpn;

/// What the loss of one radio does to the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Who is master of its cluster then.
    pub master: Option<Rpn>,
    /// Radios that take their time from another one then, and from which.
    pub moved: BTreeMap<Rpn, Rpn>,
    /// Radios that have nobody to turn to: they run free until the tree is planned anew, and end their calls
    /// when that takes too long.
    pub adrift: BTreeSet<Rpn>,
    /// Radios that even a new plan cannot reach: a radio is missing there.
    pub cut_off: BTreeSet<Rpn>,
    /// Radios of its cluster that a new plan makes clusters of their own: they carry calls, and nobody is
    /// handed over between them and the others.
    pub apart: Vec<Cluster>,
}

impl Tree {
    /// What would happen if this radio were lost.
    pub fn without(&self, survey: &Survey, gone: Rpn) -> Loss {
        let rescue = rescue(survey, self, gone, self.heir(gone));
        let first = |(rpn, found): (Rpn, Vec<Rpn>)| Some((rpn, *found.first()?));
        let cluster = self.cluster(gone);
        let master = cluster.and_then(|cluster| self.heir(gone).or(Some(cluster.master)));
        let master = master.filter(|master| *master != gone);
        let anew = super::plan(&survey.without(gone), Some(self));
        let cut_off = anew.islands.difference(&self.islands).copied().collect();
        let torn = |new: &Cluster| cluster.is_some_and(|old| old.radios.contains(&new.master));
        let mut torn: Vec<Cluster> = anew.clusters.into_iter().filter(torn).collect();
        // The heir's is what is left of the old one; where there is none, the largest is.
        let rest = torn.iter().position(|new| master.is_some_and(|master| new.radios.contains(&master)));
        if !torn.is_empty() {
            torn.remove(rest.unwrap_or(0));
        }
        let moved = rescue.found.into_iter().filter_map(first).collect();
        Loss { master, moved, adrift: rescue.adrift, cut_off, apart: torn }
    }

    /// Who becomes master when this radio is lost: the deputy, where it is one.
    pub(super) fn heir(&self, gone: Rpn) -> Option<Rpn> {
        self.clusters.iter().find(|cluster| cluster.master == gone)?.deputy
    }
}

pub(super) struct Rescue {
    /// Followers of the lost one, and whom they can turn to, the best first.
    pub(super) found: BTreeMap<Rpn, Vec<Rpn>>,
    /// Those that nobody gives time to.
    pub(super) adrift: BTreeSet<Rpn>,
}

/// Without `gone`, its followers lean on radios that still stand, one after the other; whoever has found a
/// place makes its own followers stand too. Nobody can wait for one that waits for it.
/// Where it was a master, its `heir` stands.
pub(super) fn rescue(survey: &Survey, tree: &Tree, gone: Rpn, heir: Option<Rpn>) -> Rescue {
    let mut below = tree.subtree(gone);
    below.remove(&gone);
    let mut standing = tree.cluster(gone).map(|cluster| cluster.radios.clone()).unwrap_or_default();
    standing.retain(|rpn| *rpn != gone && !below.contains(rpn));
    let mut waiting: BTreeSet<Rpn> = tree.children(gone).collect();
    if let Some(heir) = heir {
        standing.extend(tree.subtree(heir));
        waiting.remove(&heir);
    }
    let mut found = BTreeMap::new();
    loop {
        let helped: Vec<(Rpn, Vec<Rpn>)> = waiting
            .iter()
            .map(|rpn| (*rpn, helpers(survey, *rpn, &standing)))
            .filter(|(_, helpers)| !helpers.is_empty())
            .collect();
        if helped.is_empty() {
            break;
        }
        for (rpn, helpers) in helped {
            waiting.remove(&rpn);
            standing.extend(tree.subtree(rpn));
            found.insert(rpn, helpers);
        }
    }
    Rescue { found, adrift: below.difference(&standing).copied().collect() }
}

/// Radios that stand and are heard, the loudest first.
fn helpers(survey: &Survey, rpn: Rpn, standing: &BTreeSet<Rpn>) -> Vec<Rpn> {
    let mut heard: Vec<_> = survey.sources(rpn).filter(|(whom, _)| standing.contains(whom)).collect();
    heard.sort_by_key(|(whom, rssi)| (std::cmp::Reverse(*rssi), *whom));
    heard.into_iter().map(|(whom, _)| whom).collect()
}

/// The follower of a master that would leave the fewest without time as the new one.
pub(super) fn deputy(survey: &Survey, tree: &Tree, cluster: &Cluster) -> Option<Rpn> {
    let lost = |deputy: Rpn| rescue(survey, tree, cluster.master, Some(deputy)).adrift.len();
    tree.children(cluster.master).min_by_key(|rpn| (lost(*rpn), *rpn))
}
