//! From whom each radio takes its time, as nested lists: they need no script, no width, and are read out.

use std::collections::BTreeMap;

use askama::Template;
use kirkwall_actors::desk::{RadioPlaceView, SyncTreeView};
use kirkwall_core::radio::Rpn;

use super::air_rows::radio_words;
use crate::rest::in_path;

/// The whole tree.
#[derive(Template)]
#[template(path = "rows/sync_tree.html")]
pub struct SyncTree {
    id: String,
    radios: usize,
    /// Radios with one time.
    clusters: usize,
    master: Option<String>,
    deputy: Option<String>,
    /// Those that hang on the loss of one other.
    bare: usize,
    most_hops: u8,
    /// The masters, and under each everybody of its cluster.
    roots: Vec<SyncNode>,
    /// Those that have no place.
    outside: Vec<SyncNode>,
}

/// A radio, and those that listen to it.
#[derive(Template)]
#[template(path = "rows/sync_node.html")]
pub struct SyncNode {
    base: String,
    link: String,
    rpn: Rpn,
    master: bool,
    deputy: bool,
    bare: bool,
    source: Option<Rpn>,
    rssi: Option<i8>,
    /// `2, then 4`
    alternatives: String,
    outside: bool,
    children: Vec<SyncNode>,
}

/// Places that wait to be hung up, by the radio that they listen to.
type Waiting<'a> = BTreeMap<Option<Rpn>, Vec<&'a RadioPlaceView>>;

impl SyncTree {
    /// Of that plan.
    pub fn of(id: String, tree: &SyncTreeView) -> Self {
        let names = tree.radios.iter().map(|place| (place.rpn, place.id.0.clone())).collect();
        let mut waiting = Waiting::new();
        let placed = tree.radios.iter().filter(|place| !place.alone);
        placed.for_each(|place| waiting.entry(place.source).or_default().push(place));
        let roots = hang_up(tree, &mut waiting, None);
        let alone = tree.radios.iter().filter(|place| place.alone);
        // A plan has no circle; should one have, its radios are shown all the same.
        let left = waiting.values().flatten().copied();
        let outside = alone.chain(left).map(|place| SyncNode::of(tree, place, Vec::new(), true)).collect();
        Self {
            id,
            radios: tree.radios.len(),
            clusters: tree.clusters.len(),
            master: tree.master.map(|rpn| radio_words(&names, rpn)),
            deputy: tree.deputy.map(|rpn| radio_words(&names, rpn)),
            bare: tree.radios.iter().filter(|place| place.bare).count(),
            most_hops: tree.radios.iter().filter_map(|place| place.hops).max().unwrap_or(0),
            roots,
            outside,
        }
    }
}

impl SyncNode {
    fn of(tree: &SyncTreeView, place: &RadioPlaceView, children: Vec<Self>, outside: bool) -> Self {
        // The deputy of a lost master turns to nobody.
        let heir = tree.is_heir(place.rpn);
        let others = place.alternatives.iter().filter(|_| !heir);
        let alternatives: Vec<_> = others.map(ToString::to_string).collect();
        Self {
            base: place.id.0.clone(),
            link: in_path(&place.id.0),
            rpn: place.rpn,
            master: tree.is_master(place.rpn),
            deputy: heir,
            bare: place.bare,
            source: place.source,
            rssi: place.rssi,
            alternatives: alternatives.join(", then "),
            outside,
            children,
        }
    }
}

/// Those that listen to `source`, with those that listen to them. Each is taken out of `waiting`, so it ends.
fn hang_up(tree: &SyncTreeView, waiting: &mut Waiting<'_>, source: Option<Rpn>) -> Vec<SyncNode> {
    let here = waiting.remove(&source).unwrap_or_default();
    let node = |place: &RadioPlaceView| {
        let children = hang_up(tree, waiting, Some(place.rpn));
        SyncNode::of(tree, place, children, false)
    };
    here.into_iter().map(node).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kirkwall_actors::desk::ClusterView;
    use kirkwall_core::id::BaseStationId;

    fn place(rpn: Rpn, source: Option<Rpn>) -> RadioPlaceView {
        let id = BaseStationId(format!("00000000000{rpn}"));
        let (alternatives, hops) = (Vec::new(), Some(0));
        RadioPlaceView { id, rpn, source, alternatives, hops, rssi: None, alone: false, bare: false }
    }

    fn tree(radios: Vec<RadioPlaceView>) -> SyncTree {
        let radio = |rpn| radios.iter().any(|place: &RadioPlaceView| place.rpn == rpn);
        let others = radio(8).then(|| ClusterView { master: 8, deputy: Some(9), radios: vec![8, 9] });
        let house = ClusterView { master: 0, deputy: Some(1), radios: vec![0, 1, 2, 3] };
        let clusters = std::iter::once(house).chain(others).collect();
        SyncTree::of("tree".into(), &SyncTreeView { master: Some(0), deputy: Some(1), clusters, radios })
    }

    #[test]
    fn a_radio_hangs_under_the_one_that_it_listens_to() {
        let tree = tree(vec![place(0, None), place(1, Some(0)), place(2, Some(1)), place(3, Some(0))]);
        assert_eq!((tree.roots.len(), tree.outside.len()), (1, 0));
        let under: Vec<_> = tree.roots[0].children.iter().map(|node| node.rpn).collect();
        assert_eq!(under, [1, 3]);
        assert_eq!(tree.roots[0].children[0].children[0].rpn, 2);
        assert!(tree.roots[0].master && tree.roots[0].children[0].deputy);
    }

    #[test]
    fn each_cluster_hangs_under_its_own_master() {
        let tree = tree(vec![place(0, None), place(1, Some(0)), place(8, None), place(9, Some(8))]);
        assert_eq!((tree.clusters, tree.roots.len(), tree.outside.len()), (2, 2, 0));
        assert!(tree.roots[1].master && tree.roots[1].children[0].deputy);
        let page = tree.render().unwrap();
        assert!(page.contains("no call is handed over from one to another"), "{page}");
    }

    #[test]
    fn a_circle_ends_and_its_radios_are_shown() {
        let tree = tree(vec![place(0, None), place(1, Some(2)), place(2, Some(1))]);
        assert_eq!((tree.roots.len(), tree.outside.len()), (1, 2));
    }
}
