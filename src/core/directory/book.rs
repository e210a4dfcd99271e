//! The whole book, indexed.

use std::collections::BTreeSet;

use super::entry::{Entry, EntryId, Source};
use super::fold::{fold, fold_spelt};
use super::index::Index;
use super::keypad::digits_of;
use super::merge::merge;
use super::query::Query;

/// Most entries of a book.
pub const MAX_ENTRIES: usize = 50_000;

/// Most entries of one answer.
pub const MAX_PAGE: usize = 200;

/// Least digits that must fit at the end of a number, when it does not fit whole: with fewer, half a town has
/// the same ones.
const LEAST_TAIL: usize = 4;

/// Entries in the order of their names, and where to find them.
#[derive(Debug, Clone, Default)]
pub struct Book {
    entries: Vec<Entry>,
    /// Beginnings of whole folded names, in both spellings.
    names: Index,
    /// Words of names and departments, in both spellings.
    words: Index,
    /// Keys of words and of whole names.
    keys: Index,
    /// Digits of numbers.
    numbers: Index,
    /// Digits of numbers from the last to the first.
    tails: Index,
    left_out: usize,
}

/// One page of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// The page.
    pub entries: Vec<&'a Entry>,
    /// How many there are in all.
    pub total: usize,
}

impl Book {
    /// A book of these entries, local ones first where both have one.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut all = merge(entries);
        let left_out = all.len().saturating_sub(MAX_ENTRIES);
        all.truncate(MAX_ENTRIES);
        let (mut names, mut words, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        let (mut numbers, mut tails) = (Vec::new(), Vec::new());
        for (at, (name, entry)) in (0..).zip(&all) {
            for spelling in std::iter::once(name.clone()).chain(fold_spelt(&entry.name)) {
                keys.extend(digits_of(&spelling).map(|digits| (digits, at)));
                keys.extend(spelling.split(' ').filter_map(digits_of).map(|digits| (digits, at)));
                words.extend(spelling.split(' ').map(|word| (word.to_owned(), at)));
                names.push((spelling, at));
            }
            words.extend(fold(&entry.department).split(' ').map(|word| (word.to_owned(), at)));
            for number in &entry.numbers {
                tails.push((number.digits().chars().rev().collect(), at));
                numbers.push((number.digits().to_owned(), at));
            }
        }
        Self {
            entries: all.into_iter().map(|(_, entry)| entry).collect(),
            names: Index::new(names),
            words: Index::new(words.into_iter().filter(|(word, _)| !word.is_empty())),
            keys: Index::new(keys),
            numbers: Index::new(numbers),
            tails: Index::new(tails),
            left_out,
        }
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Entries beyond [`MAX_ENTRIES`], which are not in it.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// All entries by name.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of that name.
    pub fn get(&self, id: &EntryId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == *id)
    }

    /// The entries that fit, from the one numbered `offset` on, at most `limit` of them (at most
    /// [`MAX_PAGE`]). First those whose name begins as typed, then those in which a word does; each by name.
    pub fn search(&self, query: &Query, offset: usize, limit: usize) -> Found<'_> {
        let limit = limit.min(MAX_PAGE);
        let (first, rest) = match query {
            Query::All => {
                let entries = self.entries.iter().skip(offset).take(limit).collect();
                return Found { entries, total: self.entries.len() };
            }
            Query::Words(words) => self.by_words(words),
            Query::Keys { digits, number } => self.by_keys(digits, number),
            Query::NameKeys(digits) => (self.keys.beginning(digits).collect(), BTreeSet::new()),
        };
        let rest = rest.difference(&first);
        let places = first.iter().chain(rest);
        let total = places.clone().count();
        let entries = places.skip(offset).take(limit).map(|at| &self.entries[*at as usize]).collect();
        Found { entries, total }
    }

    fn by_words(&self, words: &[String]) -> (BTreeSet<u32>, BTreeSet<u32>) {
        let whole = words.join(" ");
        let first = self.names.beginning(&whole).collect();
        // The rarest word first: every other one can only take away from its entries.
        let mut words: Vec<&String> = words.iter().collect();
        words.sort_by_key(|word| self.words.count(word));
        let mut rest: BTreeSet<u32> =
            words.first().into_iter().flat_map(|word| self.words.beginning(word)).collect();
        for word in words.iter().skip(1) {
            let fit: BTreeSet<u32> = self.words.beginning(word).collect();
            rest.retain(|at| fit.contains(at));
        }
        (first, rest)
    }

    /// A number that begins or ends so, or a name under these keys.
    fn by_keys(&self, digits: &str, number: &str) -> (BTreeSet<u32>, BTreeSet<u32>) {
        let backwards: String = digits.chars().rev().collect();
        let mut rest: BTreeSet<u32> = self.keys.beginning(digits).collect();
        for start in [digits, number].iter().filter(|start| !start.is_empty()) {
            rest.extend(self.numbers.beginning(start));
        }
        if digits.len() >= LEAST_TAIL {
            rest.extend(self.tails.beginning(&backwards));
        }
        (self.numbers.exactly(number).collect(), rest)
    }

    /// Whose number that is. `dial` is normal ([`NumberRules::normal`](super::NumberRules::normal)); when no
    /// entry has it whole, one whose last digits fit counts, if at least `least_tail` do and nothing but a
    /// prefix is before them on one side.
    ///
    /// Local entries come before those of the directory. When entries of several names fit alike there is
    /// none: a wrong name is worse than no name.
    pub fn caller(&self, dial: &str, least_tail: usize) -> Option<&Entry> {
        let digits = dial.trim_start_matches('+');
        let places: Vec<u32> = self.numbers.exactly(digits).collect();
        if !places.is_empty() {
            return self.one_of(&places);
        }
        let digits = digits.trim_start_matches('0');
        let least = least_tail.max(LEAST_TAIL);
        if digits.len() < least {
            return None;
        }
        let backwards: String = digits.chars().rev().collect();
        // Numbers that are longer and end so; else the longest one that this one ends in.
        let mut places: Vec<u32> = self.tails.beginning(&backwards).collect();
        let mut length = backwards.len();
        while places.is_empty() && length > least {
            length -= 1;
            places.extend(self.tails.exactly(&backwards[..length]));
            // A trunk zero of the entry stands where the country code of the caller does.
            places.extend(
                ["0", "00"]
                    .iter()
                    .flat_map(|zeros| self.tails.exactly_owned(format!("{}{zeros}", &backwards[..length]))),
            );
        }
        self.one_of(&places)
    }

    fn one_of(&self, places: &[u32]) -> Option<&Entry> {
        let all = places.iter().map(|at| &self.entries[*at as usize]);
        let local = all.clone().filter(|entry| entry.source == Source::Local);
        let mut fit = if local.clone().next().is_some() { local.collect::<Vec<_>>() } else { all.collect() };
        let name = fold(&fit.first()?.name);
        let one = fit.iter().all(|entry| fold(&entry.name) == name);
        one.then(|| fit.swap_remove(0))
    }
}

#[cfg(test)]
mod tests;
