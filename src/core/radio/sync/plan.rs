//! Choosing the master and the sources.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::{Cluster, GOOD, MOST_ALTERNATIVES, MOST_HOPS, Place, Survey, Tree, what_if};
use crate::radio::Rpn;

/// What a step of the tree costs: as much as a signal that is so many decibels short of good.
const STEP: u32 = 4;

/// Plans the tree, cluster by cluster, the largest first. `before` is kept as far as it is not worse: every
/// change makes radios look for a new source, and a master is changed only when it is gone or others are left
/// outside because of it.
pub fn plan(survey: &Survey, before: Option<&Tree>) -> Tree {
    let mut tree = Tree::default();
    let mut rest: BTreeSet<Rpn> = survey.radios().collect();
    while let Some((master, graph)) = elect(survey, &rest, before) {
        let cluster = grow(survey, &graph, master, before, &mut tree);
        // Nobody hears anybody any more. The first radio of a house waits for no other one.
        if cluster.radios.len() == 1 && !tree.clusters.is_empty() {
            tree.places.remove(&master);
            break;
        }
        rest.retain(|rpn| !cluster.radios.contains(rpn));
        tree.clusters.push(cluster);
    }
    for rpn in rest {
        match survey.is_lone(rpn) || is_last(survey, before, &tree, rpn) {
            true => root(&mut tree, rpn),
            false => _ = tree.islands.insert(rpn),
        }
    }
    alternatives(survey, &mut tree);
    tree
}

/// The best master of those that have no place yet, and who would follow whom.
fn elect(survey: &Survey, rest: &BTreeSet<Rpn>, before: Option<&Tree>) -> Option<(Rpn, Graph)> {
    let graph = Graph::of(&survey.only(rest));
    // The first of equals by number, so that the same survey gives the same plan.
    let best = rest.iter().rev().map(|rpn| (graph.worth(*rpn), *rpn)).max_by_key(|(worth, _)| *worth);
    let (worth, best) = best?;
    let before = before.map_or(&[][..], |tree| &tree.clusters);
    let masters = before.iter().flat_map(|cluster| [Some(cluster.master), cluster.deputy]).flatten();
    let mut kept = masters.filter(|rpn| rest.contains(rpn));
    let kept = kept.find(|rpn| graph.worth(*rpn).reached == worth.reached);
    Some((kept.unwrap_or(best), graph))
}

/// Of its cluster nobody else has kept the time: it gave it, or gives it now that the master is gone.
fn is_last(survey: &Survey, before: Option<&Tree>, tree: &Tree, rpn: Rpn) -> bool {
    let Some(cluster) = before.and_then(|before| before.cluster(rpn)) else { return false };
    let is_gone = !survey.radios().any(|radio| radio == cluster.master);
    let gives = cluster.master == rpn || (is_gone && cluster.deputy == Some(rpn));
    gives && !cluster.radios.iter().any(|other| tree.places.contains_key(other))
}

/// A cluster of one.
fn root(tree: &mut Tree, rpn: Rpn) {
    tree.places.insert(rpn, Place { source: None, alternatives: Vec::new(), hops: 0, rssi: None });
    tree.clusters.push(Cluster { master: rpn, deputy: None, radios: BTreeSet::from([rpn]) });
}

/// How good a master a radio would be: the greater the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Worth {
    reached: usize,
    hops: Reverse<u8>,
    cost: Reverse<u32>,
}

/// How a radio is reached from the master.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Path {
    cost: u32,
    hops: u8,
    source: Option<Rpn>,
}

/// Who can follow whom, and at what cost.
struct Graph {
    followers: Vec<Vec<(Rpn, u32)>>,
}

fn step(rssi: i8) -> u32 {
    STEP + (i32::from(GOOD) - i32::from(rssi)).max(0) as u32 * 2
}

impl Graph {
    fn of(survey: &Survey) -> Self {
        let mut followers = vec![Vec::new(); usize::from(Rpn::MAX) + 1];
        for by in survey.radios() {
            for (whom, rssi) in survey.sources(by) {
                followers[usize::from(whom)].push((by, step(rssi)));
            }
        }
        Self { followers }
    }

    fn worth(&self, master: Rpn) -> Worth {
        let paths = self.paths(master);
        let found = || paths.iter().flatten();
        let hops = Reverse(found().map(|path| path.hops).max().unwrap_or(0));
        Worth { reached: found().count(), hops, cost: Reverse(found().map(|path| path.cost).sum()) }
    }

    /// The cheapest way from the master to every radio: Dijkstra's.
    fn paths(&self, master: Rpn) -> Vec<Option<Path>> {
        let mut done: Vec<Option<Path>> = vec![None; self.followers.len()];
        let mut open = BinaryHeap::from([Reverse((Path { cost: 0, hops: 0, source: None }, master))]);
        while let Some(Reverse((path, rpn))) = open.pop() {
            let place = &mut done[usize::from(rpn)];
            if place.is_some() {
                continue;
            }
            *place = Some(path);
            if path.hops >= MOST_HOPS {
                continue;
            }
            for (follower, cost) in &self.followers[usize::from(rpn)] {
                let path = Path { cost: path.cost + cost, hops: path.hops + 1, source: Some(rpn) };
                if done[usize::from(*follower)].is_none() {
                    open.push(Reverse((path, *follower)));
                }
            }
        }
        done
    }
}

/// Gives every radio that the master reaches its place.
fn grow(survey: &Survey, graph: &Graph, master: Rpn, before: Option<&Tree>, tree: &mut Tree) -> Cluster {
    let paths = graph.paths(master).into_iter().enumerate();
    let best: BTreeMap<Rpn, Path> = paths.filter_map(|(rpn, path)| Some((rpn as Rpn, path?))).collect();
    // Sources before those who take their time from them, so that hops add up.
    let mut order: Vec<_> = best.iter().map(|(rpn, path)| (path.hops, *rpn)).collect();
    order.sort_unstable();
    for (_, rpn) in order {
        let path = best[&rpn];
        let kept = before.and_then(|before| keep(survey, before, tree, &best, rpn));
        let source = kept.or(path.source);
        let hops = source.and_then(|source| tree.places.get(&source)).map_or(0, |source| source.hops + 1);
        let rssi = source.and_then(|source| survey.signal(rpn, source));
        tree.places.insert(rpn, Place { source, alternatives: Vec::new(), hops, rssi });
    }
    Cluster { master, deputy: None, radios: best.into_keys().collect() }
}

/// The source of before, when it is placed already, still good, and no step further.
fn keep(survey: &Survey, before: &Tree, tree: &Tree, best: &BTreeMap<Rpn, Path>, rpn: Rpn) -> Option<Rpn> {
    best[&rpn].source?;
    let source = before.places.get(&rpn)?.source.filter(|source| best.contains_key(source))?;
    let good = survey.signal(rpn, source)? >= GOOD;
    let hops = tree.places.get(&source)?.hops + 1;
    (good && hops <= best[&rpn].hops).then_some(source)
}

/// For each radio that is a source: whom its followers turn to without it.
fn alternatives(survey: &Survey, tree: &mut Tree) {
    let deputies: Vec<_> =
        tree.clusters.iter().map(|cluster| what_if::deputy(survey, tree, cluster)).collect();
    tree.clusters.iter_mut().zip(deputies).for_each(|(cluster, deputy)| cluster.deputy = deputy);
    let sources: BTreeSet<Rpn> = tree.places.values().filter_map(|place| place.source).collect();
    for source in sources {
        for (rpn, found) in what_if::rescue(survey, tree, source, tree.heir(source)).found {
            if let Some(place) = tree.places.get_mut(&rpn) {
                place.alternatives = found.into_iter().take(MOST_ALTERNATIVES).collect();
            }
        }
    }
}
