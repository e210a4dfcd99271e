//! Local entries and those of the directory as one list.

use std::collections::HashMap;

use super::entry::{Entry, Source};
use super::fold::fold;

/// Both in the order of their names, with their folded names. An entry of the directory is left out when a
/// local one has the same name and one of its numbers: whoever keeps one here means to correct it.
pub(super) fn merge(entries: impl IntoIterator<Item = Entry>) -> Vec<(String, Entry)> {
    let mut all: Vec<_> = entries.into_iter().map(|entry| (fold(&entry.name), entry)).collect();
    let mut local: HashMap<String, Vec<String>> = HashMap::new();
    for (name, entry) in all.iter().filter(|(_, entry)| entry.source == Source::Local) {
        let dials = entry.numbers.iter().map(|number| number.dial.clone());
        local.entry(name.clone()).or_default().extend(dials);
    }
    all.retain(|(name, entry)| {
        let corrected = local.get(name).filter(|_| entry.source == Source::Directory);
        !corrected.is_some_and(|dials| entry.numbers.iter().any(|number| dials.contains(&number.dial)))
    });
    all.sort_by(|(a_name, a), (b_name, b)| (a_name, &a.id).cmp(&(b_name, &b.id)));
    all
}
