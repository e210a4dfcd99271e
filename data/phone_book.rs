//! The phone book's local entries, and the last good copy of the directory.
//!
//! A copy of ten thousand entries is more than one record may hold, so it lies in parts, written in one
//! batch with its head: either the whole new copy is there or the whole old one.

use std::fmt;

use kirkwall_core::directory::{Entry, EntryId};
use kirkwall_core::timer::Moment;
use serde::{Deserialize, Serialize};

use crate::record::{ReadFault, Record, Records};
use crate::tree::{Tree, Write};

/// All local entries.
pub type LocalEntries = Records<LocalEntry>;

/// An entry that an administrator keeps here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalEntry {
    /// What it says.
    pub entry: Entry,
    /// When it was last changed.
    #[serde(default)]
    pub changed: Moment,
    /// Goes up by one with each change; the REST ETag.
    #[serde(default)]
    pub revision: u64,
}

impl Record for LocalEntry {
    const TREE: Tree = Tree::PhoneBook;
    type Key = EntryId;

    fn key(&self) -> &EntryId {
        &self.entry.id
    }
}

/// A part of the copy; the part numbered 0 is its head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyPart {
    /// Its place.
    pub number: PartNumber,
    /// In the head: when the directory was read.
    #[serde(default)]
    pub read: Moment,
    /// In the head: how many parts follow.
    #[serde(default)]
    pub parts: u32,
    /// In the others: entries.
    #[serde(default)]
    pub entries: Vec<Entry>,
}

/// Place of a part. Sorts as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartNumber(pub u32);

impl fmt::Display for PartNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

impl Record for CopyPart {
    const TREE: Tree = Tree::DirectoryCopy;
    type Key = PartNumber;

    fn key(&self) -> &PartNumber {
        &self.number
    }
}

/// The last good copy of the directory on disk.
#[derive(Clone)]
pub struct Copies(Records<CopyPart>);

impl Copies {
    /// Octets of entries in one part; an entry on top still stays below [`Write::MAX_BODY`].
    const PART: usize = 64 * 1024;

    /// A view of the journal's store.
    pub fn new(journal: &crate::Journal) -> Self {
        Self(Records::new(journal))
    }

    /// When it was read, and what it holds. None: there is none. A part that cannot be read is a fault, since
    /// a copy with holes would look whole.
    pub fn load(&self) -> Result<Option<(Moment, Vec<Entry>)>, ReadFault> {
        let Some(head) = self.0.get(&PartNumber(0))? else { return Ok(None) };
        let mut entries = Vec::new();
        for number in 1..=head.parts {
            let part = self.0.get(&PartNumber(number))?.ok_or_else(|| ReadFault::Malformed {
                key: format!("{}/{}", Tree::DirectoryCopy, PartNumber(number)),
                why: "this part of the copy is missing".into(),
            })?;
            entries.extend(part.entries);
        }
        Ok(Some((head.read, entries)))
    }

    /// The writes that make `entries` the copy.
    pub fn replace(&self, read: Moment, entries: &[Entry]) -> Vec<Write> {
        let mut parts: Vec<Vec<Entry>> = Vec::new();
        let mut octets = Self::PART;
        for entry in entries {
            let size = serde_json::to_vec(entry).map_or(0, |body| body.len());
            if octets + size > Self::PART {
                parts.push(Vec::new());
                octets = 0;
            }
            octets += size;
            if let Some(part) = parts.last_mut() {
                part.push(entry.clone());
            }
        }
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let before = self.0.get(&PartNumber(0)).ok().flatten().map_or(0, |head| head.parts);
        let mut writes = vec![self.head(read, count)];
        writes.extend((1..).zip(parts).map(|(number, entries)| {
            self.0.put(&CopyPart { number: PartNumber(number), read, parts: 0, entries })
        }));
        writes.extend((count + 1..=before).map(|number| self.0.delete(&PartNumber(number))));
        writes
    }

    /// The write that says that the copy, of so many parts, was found unchanged.
    pub fn confirm(&self, read: Moment) -> Option<Write> {
        let head = self.0.get(&PartNumber(0)).ok().flatten()?;
        Some(self.head(read, head.parts))
    }

    /// The writes that forget it.
    pub fn forget(&self) -> Vec<Write> {
        let count = self.0.get(&PartNumber(0)).ok().flatten().map_or(0, |head| head.parts);
        (0..=count).map(|number| self.0.delete(&PartNumber(number))).collect()
    }

    fn head(&self, read: Moment, parts: u32) -> Write {
        self.0.put(&CopyPart { number: PartNumber(0), read, parts, entries: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use kirkwall_core::directory::{Kind, Number, Source};

    use super::*;
    use crate::Journal;

    fn entry(n: usize) -> Entry {
        let dial = format!("+4930{n:07}");
        Entry {
            id: EntryId(format!("d-{n}")),
            name: format!("Zoë Öztürk {n}"),
            department: "x".repeat(100),
            numbers: vec![Number { kind: Kind::Office, text: dial.clone(), dial }],
            source: Source::Directory,
        }
    }

    fn journal(dir: &tempfile::TempDir) -> Journal {
        Journal::open(dir.path()).unwrap()
    }

    #[test]
    fn a_large_copy_comes_back_whole_and_a_smaller_one_leaves_nothing_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(&dir);
        let copies = Copies::new(&journal);
        assert_eq!(copies.load().unwrap(), None);
        let (large, small): (Vec<_>, Vec<_>) =
            ((0..10_000).map(entry).collect(), (0..3).map(entry).collect());
        let save = |writes| futures_wait(journal.save(writes));
        save(copies.replace(Moment::from_micros(1), &large));
        assert_eq!(copies.load().unwrap(), Some((Moment::from_micros(1), large)));
        save(copies.replace(Moment::from_micros(2), &small));
        assert_eq!(copies.load().unwrap(), Some((Moment::from_micros(2), small.clone())));
        assert_eq!(copies.0.count(), 2, "head and one part");
        save(copies.confirm(Moment::from_micros(3)).into_iter().collect());
        assert_eq!(copies.load().unwrap(), Some((Moment::from_micros(3), small)));
        save(copies.forget());
        assert_eq!(copies.load().unwrap(), None);
        assert_eq!(copies.0.count(), 0);
    }

    fn futures_wait(saved: crate::Saved) {
        saved.wait().unwrap();
    }
}
