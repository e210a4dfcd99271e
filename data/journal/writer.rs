//! The writer thread: takes all that waits, one batch, one flush, all told.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Batch, SaveFault, Shared};
use crate::tree::{Change, Stored, Tree, Write, fingerprint};

/// A group that begins so soon after the last one was written waits for company.
const BUSY: Duration = Duration::from_millis(5);
/// How long.
const GATHER: Duration = Duration::from_millis(2);

/// Key of the [`Meta`] record. No tree's prefix begins like it.
pub(super) const META: &[u8] = b"!meta";

/// What the store says about itself, written with every batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Meta {
    /// Number of the last group; never goes back, over restarts too.
    pub group: u64,
    /// Sum over all records, see `fingerprint` in tree.rs.
    pub fingerprint: u64,
}

/// Where the writing stands.
#[derive(Debug, Default)]
pub(super) struct Commit {
    pub meta: Meta,
    pub counts: BTreeMap<Tree, usize>,
    /// Groups and batches since the journal was opened.
    pub groups: u64,
    pub batches: u64,
    /// What changed while an export walks the store; `None` when none does.
    pub overlay: Option<Changes>,
}

/// Final state of each changed key; `None` is gone.
pub(super) type Changes = HashMap<Vec<u8>, Option<Vec<u8>>>;

/// Files that the writer thread needs beside sled.
pub(super) struct Disk {
    /// sled's log, to sync it.
    pub log: File,
    /// The number of the last group that was acknowledged, and its complement. Written after the sync and
    /// not synced itself: it may fall behind, never ahead, and so shows a store that lost its tail.
    pub mark: File,
}

impl Disk {
    fn mark(&self, group: u64) -> io::Result<()> {
        let mut octets = [0; 16];
        octets[..8].copy_from_slice(&group.to_be_bytes());
        octets[8..].copy_from_slice(&(!group).to_be_bytes());
        self.mark.write_all_at(&octets, 0)
    }

    /// The mark as it was left; `None` when there is none that makes sense.
    pub fn marked(mark: &File) -> Option<u64> {
        let mut octets = [0; 16];
        mark.read_exact_at(&mut octets, 0).ok()?;
        let (group, complement) = octets.split_at(8);
        let group = u64::from_be_bytes(group.try_into().ok()?);
        (complement == (!group).to_be_bytes()).then_some(group)
    }
}

impl Commit {
    pub fn records(&self) -> usize {
        self.counts.values().sum()
    }
}

impl Shared {
    /// The thread's life: until the queue is closed and empty, or the disk refuses.
    pub(super) fn write_until_closed(&self, disk: &Disk) {
        let mut written = None::<Instant>;
        while let Some(batches) = self.take_group(written) {
            let result = catch_unwind(AssertUnwindSafe(|| self.write_group(&batches, disk)));
            let result = result.unwrap_or_else(|_| Err("the store panicked while writing".into()));
            if let Err(fault) = &result {
                tracing::error!(%fault, "records cannot be saved");
                self.refuse_from_now(fault);
            }
            for Batch { done, .. } in batches {
                // Whoever dropped the receiver did not want to know.
                let _ = done.send(result.clone().map_err(SaveFault::Disk));
            }
            written = Some(Instant::now());
        }
    }

    /// Everything that waits, as soon as something does. Under load (the last group was written a moment
    /// ago) others are given [`GATHER`] to join, so that a thousand saves a second cost a few hundred
    /// flushes.
    fn take_group(&self, written: Option<Instant>) -> Option<Vec<Batch>> {
        let mut queue = self.lock_queue();
        while queue.batches.is_empty() {
            if queue.closed {
                return None;
            }
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if !queue.closed && written.is_some_and(|at| at.elapsed() < BUSY) {
            drop(queue);
            std::thread::sleep(GATHER);
            queue = self.lock_queue();
        }
        (queue.writes, queue.octets) = (0, 0);
        Some(queue.batches.drain(..).collect())
    }

    pub(super) fn refuse_from_now(&self, fault: &str) {
        let mut queue = self.lock_queue();
        queue.fault = Some(fault.to_owned());
        (queue.writes, queue.octets) = (0, 0);
        for Batch { done, .. } in queue.batches.drain(..) {
            let _ = done.send(Err(SaveFault::Disk(fault.to_owned())));
        }
    }

    pub(super) fn write_group(&self, batches: &[Batch], disk: &Disk) -> Result<(), String> {
        let group = self.apply_group(batches).map_err(|error| error.to_string())?;
        self.store.flush().map_err(|error| error.to_string())?;
        disk.log.sync_data().map_err(|error| error.to_string())?;
        disk.mark(group).map_err(|error| error.to_string())
    }

    /// Applies in one sled batch, holding the commit so that an export sees whole groups only.
    fn apply_group(&self, batches: &[Batch]) -> sled::Result<u64> {
        let mut commit = self.lock_commit();
        let group = commit.meta.group + 1;
        let mut changes = Changes::new();
        for Write { key, change } in batches.iter().flat_map(|batch| &batch.writes) {
            let value = match change {
                Change::Put { layout, version, body } => {
                    Some(Stored { layout: *layout, version: *version, group, body }.to_vec())
                }
                Change::Delete | Change::Unwritable(_) => None,
            };
            changes.insert(key.clone().into_bytes(), value);
        }
        let mut tally = Tally { meta: Meta { group, ..commit.meta }, counts: commit.counts.clone() };
        for (key, new) in &changes {
            tally.replace(key, self.store.get(key)?.as_deref(), new.as_deref());
        }
        self.drop_oldest(&mut changes, &mut tally)?;

        let mut batch = sled::Batch::default();
        for (key, value) in &changes {
            match value {
                Some(value) => batch.insert(key.as_slice(), value.as_slice()),
                None => batch.remove(key.as_slice()),
            }
        }
        batch.insert(META, encode(&tally.meta));
        self.store.apply_batch(batch)?;

        (commit.meta, commit.counts) = (tally.meta, tally.counts);
        commit.groups += 1;
        commit.batches += batches.len() as u64;
        if let Some(overlay) = &mut commit.overlay {
            overlay.extend(changes);
        }
        Ok(group)
    }

    /// Holds each bounded tree to its limit by removing its lowest keys.
    fn drop_oldest(&self, changes: &mut Changes, tally: &mut Tally) -> sled::Result<()> {
        for tree in Tree::ALL {
            let Some(limit) = tree.limit() else { continue };
            let mut excess = tally.counts.get(&tree).copied().unwrap_or(0).saturating_sub(limit);
            let mut entries = self.store.scan_prefix(tree.prefix());
            while excess > 0 {
                let Some(entry) = entries.next() else { break };
                let (key, old) = entry?;
                // A key that this group touches stays as the group leaves it.
                if changes.contains_key(key.as_ref()) {
                    continue;
                }
                tally.replace(&key, Some(&old), None);
                changes.insert(key.to_vec(), None);
                excess -= 1;
            }
        }
        Ok(())
    }
}

/// Counts and fingerprint, kept right change by change.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub meta: Meta,
    pub counts: BTreeMap<Tree, usize>,
}

impl Tally {
    pub fn replace(&mut self, key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) {
        let sum = &mut self.meta.fingerprint;
        *sum = sum.wrapping_sub(old.map_or(0, |old| fingerprint(key, old)));
        *sum = sum.wrapping_add(new.map_or(0, |new| fingerprint(key, new)));
        if let Some(tree) = Tree::of(key) {
            let count = self.counts.entry(tree).or_default();
            match (old, new) {
                (None, Some(_)) => *count += 1,
                (Some(_), None) => *count = count.saturating_sub(1),
                _ => {}
            }
        }
    }
}

pub(super) fn encode(meta: &Meta) -> Vec<u8> {
    serde_json::to_vec(meta).expect("two numbers are always JSON")
}
