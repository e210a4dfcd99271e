//! Uploaded files between preview and apply.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use kirkwall_actors::desk::ImportOutcome;
use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;

use crate::clock;
use crate::problem::{NOT_FOUND, Problem};
use crate::site::random_word;

/// How long a file waits to be applied.
const KEPT: Duration = Duration::from_secs(30 * 60);
/// Most files that wait; beyond, the oldest goes. With 4 MiB each this bounds the memory to 64 MiB.
const MOST: usize = 16;

/// Files that wait.
#[derive(Default)]
pub struct Imports {
    waiting: Mutex<HashMap<String, Arc<Import>>>,
}

/// A file that was checked.
pub struct Import {
    /// Its name in addresses.
    pub id: String,
    /// When it came.
    pub created: Moment,
    /// What it would do, or did.
    pub outcome: ImportOutcome,
    /// Whether it was applied.
    pub applied: bool,
    /// The file; it holds passwords. Empty once applied.
    pub csv: Pii<Vec<u8>>,
    since: Instant,
}

impl Imports {
    /// Keeps a checked file.
    pub fn keep(&self, csv: Vec<u8>, outcome: ImportOutcome) -> Arc<Import> {
        let (id, created, since) = (random_word(), clock::now(), Instant::now());
        let import = Arc::new(Import { id, created, outcome, applied: false, csv: Pii(csv), since });
        let mut waiting = self.lock();
        if waiting.len() >= MOST {
            let oldest = waiting.values().min_by_key(|import| import.since).map(|import| import.id.clone());
            oldest.and_then(|id| waiting.remove(&id));
        }
        waiting.insert(import.id.clone(), import.clone());
        import
    }

    /// The file of that name.
    pub fn get(&self, id: &str) -> Result<Arc<Import>, Problem> {
        self.lock().get(id).cloned().ok_or_else(|| none(id))
    }

    /// Notes that it was applied with that outcome, and forgets the file itself.
    pub fn applied(&self, import: &Import, outcome: ImportOutcome) -> Arc<Import> {
        let done = Arc::new(Import {
            id: import.id.clone(),
            created: import.created,
            outcome,
            applied: true,
            csv: Pii(Vec::new()),
            since: import.since,
        });
        self.lock().insert(done.id.clone(), done.clone());
        done
    }

    /// Forgets it.
    pub fn discard(&self, id: &str) -> Result<(), Problem> {
        self.lock().remove(id).map(drop).ok_or_else(|| none(id))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Import>>> {
        let mut waiting = self.waiting.lock().expect("nothing panics while it holds this lock");
        waiting.retain(|_, import| import.since.elapsed() < KEPT);
        waiting
    }
}

fn none(id: &str) -> Problem {
    Problem::new(&NOT_FOUND, format!("there is no import {id}; uploads are kept for 30 minutes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_upload_goes_when_the_table_is_full() {
        let imports = Imports::default();
        let first = imports.keep(vec![1], ImportOutcome::default()).id.clone();
        (0..MOST).for_each(|_| drop(imports.keep(vec![1], ImportOutcome::default())));
        assert!(imports.get(&first).is_err());
        assert_eq!(imports.lock().len(), MOST);
    }

    #[test]
    fn an_applied_upload_keeps_its_outcome_but_not_its_passwords() {
        let imports = Imports::default();
        let import = imports.keep(vec![1], ImportOutcome::default());
        imports.applied(&import, ImportOutcome { created: 3, ..Default::default() });
        let seen = imports.get(&import.id).unwrap();
        assert!(seen.applied && seen.csv.0.is_empty() && seen.outcome.created == 3);
    }
}
