//! What happens when a radio is lost.

use std::collections::{BTreeMap, BTreeSet};

use super::{Survey, Tree};
use crate::radio::Rpn;

/// What the loss of one radio does to the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Who is master then.
    pub master: Option<Rpn>,
    /// Radios that take their time from another one then, and from which.
    pub moved: BTreeMap<Rpn, Rpn>,
    /// Radios that have nobody to turn to: they run free until the tree is planned anew, and end their calls
    /// when that takes too long.
    pub adrift: BTreeSet<Rpn>,
    /// Radios that even a new plan cannot reach: a radio is missing there.
    pub cut_off: BTreeSet<Rpn>,
}

impl Tree {
    /// What would happen if this radio were lost.
    pub fn without(&self, survey: &Survey, gone: Rpn) -> Loss {
        let rescue = rescue(survey, self, gone);
        let first = |(rpn, found): (Rpn, Vec<Rpn>)| Some((rpn, *found.first()?));
        let master = if self.master == Some(gone) { self.deputy } else { self.master };
        let anew = super::plan(&survey.without(gone), Some(self));
        let cut_off = anew.islands.difference(&self.islands).copied().collect();
        Loss {
            master,
            moved: rescue.found.into_iter().filter_map(first).collect(),
            adrift: rescue.adrift,
            cut_off,
        }
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
pub(super) fn rescue(survey: &Survey, tree: &Tree, gone: Rpn) -> Rescue {
    let mut below = tree.subtree(gone);
    below.remove(&gone);
    let mut standing: BTreeSet<Rpn> = tree.places.keys().copied().filter(|rpn| *rpn != gone).collect();
    standing.retain(|rpn| !below.contains(rpn));
    let mut waiting: BTreeSet<Rpn> = tree.children(gone).collect();
    if tree.master == Some(gone)
        && let Some(deputy) = tree.deputy
    {
        standing.extend(tree.subtree(deputy));
        waiting.remove(&deputy);
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

/// The follower of the master that would leave the fewest without time as the new master.
pub(super) fn deputy(survey: &Survey, tree: &Tree) -> Option<Rpn> {
    let master = tree.master?;
    let lost = |deputy: Rpn| {
        let with = Tree { deputy: Some(deputy), ..tree.clone() };
        rescue(survey, &with, master).adrift.len()
    };
    tree.children(master).min_by_key(|rpn| (lost(*rpn), *rpn))
}
