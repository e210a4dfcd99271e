use proptest::prelude::*;

use super::*;

/// Pairs that hear each other, equally loud.
fn survey(radios: &[Rpn], pairs: &[(Rpn, Rpn, i8)]) -> Survey {
    let mut survey = Survey::default();
    for rpn in radios {
        let heard = pairs.iter().filter_map(|(a, b, rssi)| match (a == rpn, b == rpn) {
            (true, _) => Some((*b, *rssi)),
            (_, true) => Some((*a, *rssi)),
            _ => None,
        });
        let heard: Vec<_> =
            heard.map(|(rpn, rssi)| Neighbour { rpn, rssi, offset_ns: 0, quality: 100 }).collect();
        survey.report(*rpn, &heard);
    }
    survey
}

fn row(length: Rpn) -> Survey {
    let radios: Vec<Rpn> = (0..length).collect();
    let pairs: Vec<_> = (1..length).map(|rpn| (rpn - 1, rpn, -60)).collect();
    survey(&radios, &pairs)
}

fn source(tree: &Tree, rpn: Rpn) -> Option<Rpn> {
    tree.places[&rpn].source
}

#[test]
fn the_master_stands_in_the_middle_of_a_corridor() {
    let tree = plan(&row(5), None);
    assert_eq!(tree.master(), Some(2));
    assert_eq!([0, 1, 3, 4].map(|rpn| source(&tree, rpn)), [Some(1), Some(2), Some(2), Some(3)]);
    assert_eq!(tree.places[&4].hops, 2);
    assert_eq!(tree.without_alternative().collect::<Vec<_>>(), [0, 3, 4], "in a row nobody has one");
    let loss = tree.without(&row(5), 1);
    assert_eq!((loss.adrift, loss.cut_off), (BTreeSet::from([0]), BTreeSet::from([0])));
}

#[test]
fn no_loss_cuts_a_ring() {
    let pairs: Vec<_> = (0..6).map(|rpn| (rpn, (rpn + 1) % 6, -60)).collect();
    let survey = survey(&[0, 1, 2, 3, 4, 5], &pairs);
    let tree = plan(&survey, None);
    assert_eq!((tree.master(), tree.places[&3].hops), (Some(0), 3));
    for gone in 0..6 {
        assert!(tree.without(&survey, gone).cut_off.is_empty(), "without {gone}");
    }
    // Where the two arms meet, one can lean on the other; behind it one has to wait for a new plan.
    let behind = source(&tree, 3).unwrap();
    let other = 6 - behind;
    assert_eq!((&tree.places[&3].alternatives, &tree.places[&other].alternatives), (&vec![other], &vec![3]));
    assert_eq!(tree.without(&survey, source(&tree, behind).unwrap()).adrift, BTreeSet::from([behind, 3]));
    assert_eq!(tree.without(&survey, 0).master, tree.deputy());
}

#[test]
fn a_strong_detour_is_better_than_a_signal_that_hardly_reaches() {
    let survey = survey(&[0, 1, 2], &[(0, 1, -50), (1, 2, -60), (0, 2, -79)]);
    let tree = plan(&survey, None);
    assert_eq!(tree.master(), Some(1));
    let mut before = tree.clone();
    before.clusters[0].master = 0;
    let kept = plan(&survey, Some(&before));
    assert_eq!((kept.master(), source(&kept, 2)), (Some(0), Some(1)), "the master stays");
    assert_eq!(kept.places[&2].alternatives, [0], "weak is better than nothing");
    assert_eq!(kept.weak().count(), 0);
}

#[test]
fn who_hears_nobody_is_an_island_and_who_does_not_report_is_nobody() {
    let survey = survey(&[0, 1, 7], &[(0, 1, -60), (1, 7, -81), (0, 99, -40)]);
    let tree = plan(&survey, None);
    assert_eq!(tree.islands, BTreeSet::from([7]));
    assert_eq!(tree.places.len(), 2);
    assert_eq!(tree.config(7).role, Some(SyncRole::Slave));
    let alone = plan(&row(1), None);
    assert_eq!(alone.config(0).mode, Some(SyncMode::None));
    assert_eq!(plan(&Survey::default(), None), Tree::default());
}

#[test]
fn a_plan_that_still_works_is_not_changed() {
    let all = [(0, 1, -60), (0, 2, -60), (1, 2, -60), (1, 3, -70), (2, 3, -65)];
    let tree = plan(&survey(&[0, 1, 2, 3], &all), None);
    let before = source(&tree, 3).unwrap();
    // The other one is louder now.
    let louder = all.map(|(a, b, rssi)| if (a, b) == (3 - before, 3) { (a, b, -40) } else { (a, b, rssi) });
    let again = plan(&survey(&[0, 1, 2, 3], &louder), Some(&tree));
    assert_eq!((again.master(), source(&again, 3)), (tree.master(), Some(before)));
    // The source is gone: the alternative takes over, and the deputy for the master.
    let without = survey(&[0, 1, 2, 3], &all).without(tree.master().unwrap());
    assert_eq!(plan(&without, Some(&tree)).master(), tree.deputy());
}

#[test]
fn config_says_who_gives_and_who_takes() {
    let tree = plan(&row(3), None);
    let master = tree.config(1);
    assert_eq!(
        (master.mode, master.role, master.source.len()),
        (Some(SyncMode::Air), Some(SyncRole::Master), 0)
    );
    let slave = tree.config(2);
    assert_eq!((slave.role, &slave.source[..]), (Some(SyncRole::Slave), &[1][..]));
}

/// Two houses: 0, 1 and 2 in a row, 7, 8 and 9 too; 5 stands alone.
fn two_houses() -> Survey {
    let pairs = [(0, 1, -60), (1, 2, -60), (7, 8, -60), (8, 9, -60)];
    survey(&[0, 1, 2, 5, 7, 8, 9], &pairs)
}

#[test]
fn radios_that_hear_none_of_the_first_house_are_a_cluster_with_a_master_of_its_own() {
    let tree = plan(&two_houses(), None);
    let masters: Vec<_> = tree.clusters.iter().map(|c| (c.master, c.deputy, c.radios.len())).collect();
    assert_eq!(masters, [(1, Some(0), 3), (8, Some(7), 3), (5, None, 1)]);
    assert_eq!((tree.master(), tree.deputy(), tree.islands.len()), (Some(1), Some(0), 0));
    assert_eq!((source(&tree, 7), source(&tree, 9), source(&tree, 8)), (Some(8), Some(8), None));
    assert_eq!(tree.config(8).role, Some(SyncRole::Master));
    assert_eq!((tree.config(9).source, tree.config(5).mode), (vec![8], Some(SyncMode::None)));
    assert!(tree.keeps_apart(0, 9) && tree.keeps_apart(5, 1) && !tree.keeps_apart(7, 9));
    assert!(!tree.keeps_apart(0, 77), "of one without a place nothing is known");
    assert_eq!(tree.without_alternative().collect::<Vec<_>>(), [2, 9], "the heirs of both need none");
}

#[test]
fn each_house_has_its_own_heir_and_the_other_does_not_notice() {
    let (survey, mut tree) = (two_houses(), plan(&two_houses(), None));
    let loss = tree.without(&survey, 8);
    assert_eq!((loss.master, &loss.adrift, &loss.cut_off), (Some(7), &[9].into(), &[9].into()));
    assert!(loss.moved.is_empty() && loss.apart.is_empty());
    let rest = survey.without(8);
    tree = plan(&rest, Some(&tree));
    assert_eq!(tree.clusters[0].radios, [0, 1, 2].into(), "the first house is as it was");
    assert_eq!((tree.master(), tree.islands.clone()), (Some(1), [9].into()));
    assert_eq!((source(&tree, 7), tree.config(7).role), (None, Some(SyncRole::Master)), "the heir alone");
    // Whoever is plugged in between them makes one house of the two; a master of before gives the time.
    let mut joined = two_houses();
    let heard = |rpn| Neighbour { rpn, rssi: -70, offset_ns: 0, quality: 100 };
    joined.report(5, &[heard(2), heard(7)]);
    joined.report(2, &[heard(1), heard(5)]);
    joined.report(7, &[heard(8), heard(5)]);
    let joined = plan(&joined, Some(&plan(&two_houses(), None)));
    assert_eq!((joined.clusters.len(), joined.master(), joined.places.len()), (1, Some(1), 7));
}

#[test]
fn what_the_loss_of_a_bridge_tears_off_goes_on_as_a_cluster_of_its_own() {
    let survey = row(7);
    let tree = plan(&survey, None);
    assert_eq!(tree.master(), Some(3));
    let loss = tree.without(&survey, 4);
    assert_eq!((loss.master, loss.cut_off.len()), (Some(3), 0));
    let apart: Vec<_> = loss.apart.iter().map(|c| (c.master, c.radios.clone())).collect();
    assert_eq!(apart, [(5, [5, 6].into())]);
    // Without the master the heir keeps its half, the other half has a master of its own.
    let loss = tree.without(&survey, 3);
    assert_eq!((loss.master, loss.apart.len()), (tree.deputy(), 1));
    let after = plan(&survey.without(3), Some(&tree));
    assert!(after.islands.is_empty());
    assert_eq!(after.clusters.iter().map(|c| c.radios.len()).collect::<Vec<_>>(), [3, 3]);
    assert_eq!(after.master(), tree.deputy());
}

#[test]
fn one_that_has_never_heard_another_keeps_its_own_time_and_one_that_has_gone_deaf_has_none() {
    let mut survey = survey(&[0, 1], &[(0, 1, -60)]);
    survey.arrive(2);
    let tree = plan(&survey, None);
    assert_eq!(tree.islands, [2].into(), "it has not looked around yet");
    survey.report(2, &[]);
    let tree = plan(&survey, Some(&tree));
    assert_eq!((tree.islands.len(), tree.clusters.len()), (0, 2));
    [0, 1].into_iter().for_each(|deaf| survey.report(deaf, &[]));
    let tree = plan(&survey, Some(&tree));
    assert_eq!((tree.islands.clone(), tree.master()), ([1].into(), Some(0)));
    // With another link it is a new one.
    survey.forget(1);
    survey.report(1, &[]);
    assert!(plan(&survey, Some(&tree)).islands.is_empty());
}

/// A building of 256 radios is planned while people wait.
#[test]
fn the_largest_system_has_a_plan_in_which_every_radio_has_an_alternative() {
    let radios: Vec<Rpn> = (0..=255).collect();
    let near = |a: Rpn, b: Rpn| {
        let (dx, dy) = ((a % 16).abs_diff(b % 16), (a / 16).abs_diff(b / 16));
        (dx <= 1 && dy <= 1).then_some((a, b, if dx + dy == 1 { -62 } else { -72 }))
    };
    let pairs: Vec<_> = radios.iter().flat_map(|a| (0..*a).filter_map(move |b| near(*a, b))).collect();
    let survey = survey(&radios, &pairs);
    let tree = plan(&survey, None);
    assert_eq!((tree.places.len(), tree.islands.len()), (256, 0));
    assert_eq!(tree.without_alternative().count(), 0);
    assert!(tree.places.values().all(|place| place.hops <= 8), "the master stands in the middle");
    let loss = tree.without(&survey, tree.master().unwrap());
    assert!(loss.adrift.is_empty() && loss.cut_off.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_tree_has_one_root_and_alternatives_never_lean_on_each_other(
        pairs in prop::collection::vec((0u8..12, 0u8..12, -90i8..-40), 0..60),
    ) {
        let radios: Vec<Rpn> = (0..12).collect();
        let pairs: Vec<_> = pairs.into_iter().filter(|(a, b, _)| a != b).collect();
        let survey = survey(&radios, &pairs);
        let tree = plan(&survey, None);
        for (rpn, place) in &tree.places {
            let mut at = *rpn;
            for _ in 0..=12 {
                at = tree.places[&at].source.unwrap_or(at);
            }
            let cluster = tree.cluster(*rpn).unwrap();
            prop_assert_eq!(at, cluster.master);
            let own = tree.subtree(*rpn);
            prop_assert!(place.alternatives.iter().all(|other| !own.contains(other)));
        }
        // After any loss, whoever moved still reaches a master over those who did not lose their time.
        for gone in tree.places.keys() {
            let loss = tree.without(&survey, *gone);
            let cluster = &tree.cluster(*gone).unwrap().radios;
            for start in cluster.iter().filter(|rpn| *rpn != gone && !loss.adrift.contains(rpn)) {
                let mut at = *start;
                for _ in 0..=24 {
                    let next = loss.moved.get(&at).copied().or(tree.places[&at].source);
                    at = next.filter(|_| Some(at) != loss.master).unwrap_or(at);
                }
                prop_assert_eq!(Some(at), loss.master);
            }
        }
        prop_assert_eq!(plan(&survey, Some(&tree)), tree.clone(), "the same survey, the same plan");
    }
}
