//! Opening, whatever the disk looks like.
//!
//! ```text
//!  lock ─► node key ─► remove half-written snapshots ─► open ─► add up ─► sound ──────────────► ready
//!                                                        │ fails, or the sum is wrong
//!                                                        ▼
//!                                   snapshots, conf aside ─► open ─► add up ─► sound ───────────────► ready, notice
//!                                                        │ fails again
//!                                                        ▼
//!            export + whatever can still be read ─► new store beside ─► swap folders ─────────► ready, notice
//! ```
//!
//! sled 0.34 refuses to open when a snapshot is torn (its issues 1527 and 1533: a container stopped while
//! `snap.*.generating` was written). A snapshot only shortens the replay of the log, so it can go.
//!
//! sled's `conf` holds only what we open with anyway, so it can go too.
//!
//! In the last step a record that still reads wins over the export when a later group wrote it. The
//! damaged folder is kept as `damaged-SECONDS`; the newest five of them stay.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::OpenOptions;
use super::writer::{Commit, Disk, META, Meta, Tally, encode};
use crate::export::{self, Export};
use crate::folder;
use crate::secret::{KeyFault, NodeKey};
use crate::tree::{Layout, Stored};

/// Why the data directory cannot be opened. Damage of the store is no reason.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// Another process has it.
    #[error("{dir} is in use by another kirkwall process; stop it first, or use another --data")]
    Locked {
        /// The data directory.
        dir: PathBuf,
    },
    /// The directory cannot be made, read or written.
    #[error("{path}: {source}")]
    Folder {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No node key.
    #[error(transparent)]
    Key(KeyFault),
    /// The records were sealed under another key.
    #[error("the node key does not open the records of {dir}; put back the key file that belongs to them")]
    WrongKey {
        /// The data directory.
        dir: PathBuf,
    },
    /// A thread cannot be started.
    #[error("no thread for the journal: {0}")]
    Thread(io::Error),
    /// Not even a new store can be made.
    #[error("{dir}: a new store cannot be made: {why}")]
    Store {
        /// The data directory.
        dir: PathBuf,
        /// What sled said.
        why: String,
    },
}

/// What had to be mended. Each is an alarm for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenNotice {
    /// The directory can be read by others, and its mode cannot be changed.
    #[error(
        "{0} can be read by others and its mode cannot be changed; secrets are sealed, but set it to 0700"
    )]
    LooseDirectory(PathBuf),
    /// A snapshot or sled's `conf` was damaged; the log was not, so nothing is lost.
    #[error("a damaged snapshot or conf file of the store was set aside ({why}); nothing is lost")]
    SpareFilesDiscarded {
        /// What was wrong.
        why: String,
    },
    /// The store was damaged and has been rebuilt.
    #[error(
        "the store was damaged ({why}) and was rebuilt: {from_export} records from the export, {salvaged} newer ones from the damaged store; changes since the export may be missing; the damaged store \
         is kept in {kept}"
    )]
    Rebuilt {
        /// What was wrong.
        why: String,
        /// Records taken from the export.
        from_export: usize,
        /// Records from the damaged store that are newer than the export.
        salvaged: usize,
        /// Where the damaged store lies now.
        kept: PathBuf,
    },
    /// The export was damaged too.
    #[error("the export {path} is damaged as well: {why}; what could be read of it was used")]
    ExportDamaged {
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        why: String,
    },
}

/// Everything a journal is made of.
pub(super) struct Opened {
    pub store: sled::Db,
    pub disk: Disk,
    pub commit: Commit,
    /// Last group in the export.
    pub exported: u64,
    pub key: NodeKey,
    pub notices: Vec<OpenNotice>,
    pub lock: File,
}

pub(super) fn open(dir: &Path, options: &OpenOptions) -> Result<Opened, OpenFault> {
    let mut notices = Vec::new();
    let folder_fault = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenFault::Folder { path, source }
    };
    if !folder::make_private(dir).map_err(folder_fault(dir))? {
        notices.push(OpenNotice::LooseDirectory(dir.to_owned()));
    }
    let lock = take_lock(dir, options.lock_patience)?;
    let mark_path = dir.join("acknowledged");
    let mark = folder::open_private(&mark_path).map_err(folder_fault(&mark_path))?;
    let place = Place {
        dir,
        store: dir.join("store"),
        beside: dir.join("store.restoring"),
        least: export::group_of(dir).max(Disk::marked(&mark)).unwrap_or(0),
    };
    place.finish_swap().map_err(folder_fault(&place.store))?;
    let key = node_key(&place, options)?;
    place.remove_half_snapshots();

    let Sound { store, tally } = place.open_or_rebuild(&mut notices)?;
    check_key(&store, &key, dir)?;
    let log_path = place.store.join("db");
    // sled syncs blobs by itself; the log is the one file that carries records of our size.
    let log = File::options().read(true).write(true).open(&log_path).map_err(folder_fault(&log_path))?;
    folder::tighten(&place.store);
    folder::sync_parent(&log_path)
        .and_then(|()| folder::sync_parent(&place.store))
        .map_err(folder_fault(dir))?;
    for notice in &notices {
        tracing::error!(%notice, "opening the store");
    }
    let exported = export::group_of(dir).unwrap_or(0);
    let commit = Commit { meta: tally.meta, counts: tally.counts, ..Commit::default() };
    Ok(Opened { store, disk: Disk { log, mark }, commit, exported, key, notices, lock })
}

fn take_lock(dir: &Path, patience: Duration) -> Result<File, OpenFault> {
    let fault = |source| OpenFault::Folder { path: dir.join("lock"), source };
    let file = folder::open_private(&dir.join("lock")).map_err(fault)?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(fault(source)),
            Err(TryLockError::WouldBlock) if start.elapsed() >= patience => {
                return Err(OpenFault::Locked { dir: dir.to_owned() });
            }
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// The key from the options, the environment or the data directory. A key that somebody named is never
/// made here, and neither is one for records that were sealed under a lost one.
fn node_key(place: &Place, options: &OpenOptions) -> Result<NodeKey, OpenFault> {
    let named = options.key_file.clone().or_else(crate::secret::named_key_file);
    let fresh = !place.store.exists() && !export::any(place.dir);
    Ok(match named {
        Some(path) => NodeKey::read_or_make(&path, false)?,
        None => NodeKey::read_or_make(&place.dir.join("node.key"), fresh)?,
    })
}

/// Key of the record that tells whether a node key is the right one.
const KEY_CHECK: &str = "!key";

fn check_key(store: &sled::Db, key: &NodeKey, dir: &Path) -> Result<(), OpenFault> {
    let fault = |why: String| OpenFault::Store { dir: dir.to_owned(), why };
    match store.get(KEY_CHECK).map_err(|error| fault(error.to_string()))? {
        Some(sealed) => {
            key.open(KEY_CHECK, &sealed).map(drop).map_err(|_| OpenFault::WrongKey { dir: dir.to_owned() })
        }
        None if !opens_a_sealed_record(store, key) => Err(OpenFault::WrongKey { dir: dir.to_owned() }),
        None => {
            let sealed = key.seal(KEY_CHECK, b"kirkwall").map_err(|error| fault(error.to_string()))?;
            store.insert(KEY_CHECK, sealed).map_err(|error| fault(error.to_string()))?;
            store.flush().map(drop).map_err(|error| fault(error.to_string()))
        }
    }
}

/// After a rebuild: whether the key opens the first sealed record, or there is none.
fn opens_a_sealed_record(store: &sled::Db, key: &NodeKey) -> bool {
    for (name, value) in store.iter().flatten() {
        if let Some(Stored { layout: Layout::Sealed, body, .. }) = Stored::parse(&value) {
            return key.open(&String::from_utf8_lossy(&name), body).is_ok();
        }
    }
    true
}

/// The folders.
struct Place<'a> {
    dir: &'a Path,
    store: PathBuf,
    /// A store being rebuilt. Complete as soon as `store` is gone.
    beside: PathBuf,
    /// The group that a sound store has at least reached.
    least: u64,
}

/// A store whose sum is right.
struct Sound {
    store: sled::Db,
    tally: Tally,
}

/// Why there is no sound store.
enum Trouble {
    /// The system refuses; the store may be sound, so hands off.
    Refused(io::Error),
    /// The store is damaged.
    Damaged(Damaged),
}

/// A store that cannot be trusted, and what can be read of it.
#[derive(Default)]
struct Damaged {
    why: String,
    readable: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Place<'_> {
    /// A rebuild that was cut off: before the swap it starts anew, within the swap it is finished.
    fn finish_swap(&self) -> io::Result<()> {
        match (self.store.exists(), self.beside.exists()) {
            (true, true) => fs::remove_dir_all(&self.beside),
            (false, true) => fs::rename(&self.beside, &self.store),
            (_, false) => Ok(()),
        }
    }

    /// Files that sled makes anew: snapshots, and `conf`, which holds the settings we open with.
    fn spare_files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.store).into_iter().flatten().flatten();
        let is_spare = |entry: &fs::DirEntry| {
            let name = entry.file_name();
            name == "conf" || name.to_string_lossy().starts_with("snap.")
        };
        entries.filter(is_spare).map(|entry| entry.path()).collect()
    }

    fn remove_half_snapshots(&self) {
        for path in self.spare_files() {
            if path.extension().is_some_and(|end| end == "generating") {
                tracing::warn!(path = %path.display(), "half-written snapshot removed");
                // If it stays, the next step moves it away.
                let _ = fs::remove_file(path);
            }
        }
    }

    /// A first store is made whole beside and renamed in, so one without its [`Meta`] is always damaged.
    fn make_first(&self) -> Result<(), OpenFault> {
        fill(&self.beside, &BTreeMap::new(), 0)
            .map_err(|why| OpenFault::Store { dir: self.dir.to_owned(), why })?;
        fs::rename(&self.beside, &self.store)
            .map_err(|source| OpenFault::Folder { path: self.store.clone(), source })
    }

    fn open_or_rebuild(&self, notices: &mut Vec<OpenNotice>) -> Result<Sound, OpenFault> {
        if !self.store.exists() && !export::any(self.dir) {
            self.make_first()?;
        }
        let first = match self.attempt(self.least)? {
            Ok(sound) => return Ok(sound),
            Err(damaged) => damaged,
        };
        let kept =
            self.make_kept().map_err(|source| OpenFault::Folder { path: self.dir.to_owned(), source })?;
        let spare = self.spare_files();
        for path in &spare {
            // One that stays makes the next attempt fail like the first, and the store is rebuilt.
            let _ = fs::rename(path, kept.join(path.file_name().unwrap_or_default()));
        }
        let second = if spare.is_empty() { Err(Damaged::default()) } else { self.attempt(self.least)? };
        match second {
            Ok(sound) => {
                notices.push(OpenNotice::SpareFilesDiscarded { why: first.why });
                Ok(sound)
            }
            Err(second) => self.rebuild(first, second, &kept, notices),
        }
    }

    fn rebuild(
        &self,
        first: Damaged,
        second: Damaged,
        kept: &Path,
        notices: &mut Vec<OpenNotice>,
    ) -> Result<Sound, OpenFault> {
        let (export, faults) = export::read_best(self.dir);
        notices.extend(faults.into_iter().map(|(path, why)| OpenNotice::ExportDamaged { path, why }));
        let mut readable = first.readable;
        newest_of_each(&mut readable, second.readable);
        let (from_export, merged) = merge(export, readable);
        let salvaged = merged.len() - from_export;
        let group = merged.values().filter_map(|value| Stored::parse(value)).map(|stored| stored.group);
        // One beyond everything seen, so that every later group is newer than any old one.
        let group = group.max().unwrap_or(0).max(self.least) + 1;
        let fault = |why: String| OpenFault::Store { dir: self.dir.to_owned(), why };
        let io_fault = |source| OpenFault::Folder { path: self.store.clone(), source };

        fill(&self.beside, &merged, group).map_err(fault)?;
        if self.store.exists() {
            fs::rename(&self.store, kept.join("store")).map_err(io_fault)?;
        }
        fs::rename(&self.beside, &self.store).map_err(io_fault)?;
        folder::sync_parent(&self.store).map_err(io_fault)?;
        let sound = self.attempt(group)?.map_err(|damaged| fault(damaged.why))?;
        notices.push(OpenNotice::Rebuilt { why: first.why, from_export, salvaged, kept: kept.to_owned() });
        Ok(sound)
    }

    fn attempt(&self, least: u64) -> Result<Result<Sound, Damaged>, OpenFault> {
        if !self.store.exists() {
            return Ok(Err(Damaged { why: "it is gone".into(), ..Damaged::default() }));
        }
        match attempt(&self.store, least) {
            Ok(sound) => Ok(Ok(sound)),
            Err(Trouble::Damaged(damaged)) => Ok(Err(damaged)),
            Err(Trouble::Refused(source)) if is_locked(&source) => {
                Err(OpenFault::Locked { dir: self.dir.to_owned() })
            }
            Err(Trouble::Refused(source)) => Err(OpenFault::Folder { path: self.store.clone(), source }),
        }
    }

    /// Makes `damaged-SECONDS`, and forgets all but the newest of them.
    fn make_kept(&self) -> io::Result<PathBuf> {
        const KEPT: usize = 5;
        let entries = fs::read_dir(self.dir)?.flatten().map(|entry| entry.path());
        let is_kept = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("damaged-"))
        };
        let mut old: Vec<PathBuf> = entries.filter(is_kept).collect();
        old.sort();
        for path in &old[..old.len().saturating_sub(KEPT - 1)] {
            fs::remove_dir_all(path)?;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let kept = self.dir.join(format!("damaged-{}.{:06}", now / 1_000_000, now % 1_000_000));
        folder::make_private(&kept)?;
        Ok(kept)
    }
}

/// Opens the store at `path` and adds it up. sled panics on some damage; that is damage like any other.
fn attempt(path: &Path, least: u64) -> Result<Sound, Trouble> {
    let unopened = |why: String| Trouble::Damaged(Damaged { why, ..Damaged::default() });
    let store = match catch_unwind(AssertUnwindSafe(|| open_sled(path))) {
        Ok(Ok(store)) => store,
        Ok(Err(sled::Error::Io(error))) if is_refusal(&error) => return Err(Trouble::Refused(error)),
        Ok(Err(error)) => return Err(unopened(error.to_string())),
        Err(_) => return Err(unopened("sled panicked while opening".into())),
    };
    let verdict = catch_unwind(AssertUnwindSafe(|| add_up(&store, least)));
    let why = match verdict.unwrap_or_else(|_| Err("sled panicked while reading".into())) {
        Ok(tally) => return Ok(Sound { store, tally }),
        Err(why) => why,
    };
    let mut readable = BTreeMap::new();
    for backwards in [false, true] {
        // A page that cannot be read ends the walk from this side; the other side may still give some.
        let _ = catch_unwind(AssertUnwindSafe(|| salvage(&store, backwards, &mut readable)));
    }
    let _ = catch_unwind(AssertUnwindSafe(move || drop(store)));
    Err(Trouble::Damaged(Damaged { why, readable }))
}

/// Errors that say nothing about the content: no right, no room, no descriptors, no memory, in use.
fn is_refusal(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    // ENFILE and EMFILE have no kind of their own.
    const NO_DESCRIPTORS: [Option<i32>; 2] = [Some(23), Some(24)];
    let refused = [Kind::PermissionDenied, Kind::StorageFull, Kind::ReadOnlyFilesystem, Kind::OutOfMemory];
    refused.contains(&error.kind()) || NO_DESCRIPTORS.contains(&error.raw_os_error()) || is_locked(error)
}

/// sled gives the words only.
fn is_locked(error: &io::Error) -> bool {
    error.to_string().contains("could not acquire lock")
}

/// sled gives its own file lock free a moment after its last handle is dropped. Our lock says that nobody
/// else has it, so wait.
fn open_sled(path: &Path) -> sled::Result<sled::Db> {
    const CACHE: u64 = 64 * 1024 * 1024;
    const PATIENCE: Duration = Duration::from_secs(5);
    let start = Instant::now();
    loop {
        let opened = sled::Config::new().path(path).cache_capacity(CACHE).flush_every_ms(None).open();
        match opened {
            Err(sled::Error::Io(error)) if is_locked(&error) && start.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
}

fn add_up(store: &sled::Db, least: u64) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let mut said = None;
    for entry in store.iter() {
        let (key, value) = entry.map_err(|error| error.to_string())?;
        match &*key {
            META => said = Some(serde_json::from_slice::<Meta>(&value).map_err(|error| error.to_string())?),
            key if key == KEY_CHECK.as_bytes() => {}
            key => tally.replace(key, None, Some(&value)),
        }
    }
    let said = said.ok_or("the store has lost its head record")?;
    if said.fingerprint != tally.meta.fingerprint {
        return Err("records are missing or changed".into());
    }
    if said.group < least {
        return Err(format!(
            "the last saves are missing: it ends with group {}, {least} was acknowledged",
            said.group
        ));
    }
    tally.meta = said;
    Ok(tally)
}

fn salvage(store: &sled::Db, backwards: bool, into: &mut BTreeMap<Vec<u8>, Vec<u8>>) {
    let mut entries = store.iter();
    while let Some(Ok((key, value))) = if backwards { entries.next_back() } else { entries.next() } {
        if !key.starts_with(b"!") && Stored::parse(&value).is_some() {
            into.insert(key.to_vec(), value.to_vec());
        }
    }
}

fn newest_of_each(into: &mut BTreeMap<Vec<u8>, Vec<u8>>, from: BTreeMap<Vec<u8>, Vec<u8>>) {
    for (key, value) in from {
        let group = |value: &[u8]| Stored::parse(value).map_or(0, |stored| stored.group);
        if into.get(&key).is_none_or(|held| group(held) < group(&value)) {
            into.insert(key, value);
        }
    }
}

/// The export with every readable record that a later group wrote. A readable record that the export does
/// not know, and that is no newer, was deleted before the export: it stays deleted.
fn merge(
    export: Option<Export>,
    readable: BTreeMap<Vec<u8>, Vec<u8>>,
) -> (usize, BTreeMap<Vec<u8>, Vec<u8>>) {
    let Export { group: exported, mut records, .. } = export.unwrap_or_default();
    let mut from_export = records.len();
    for (key, value) in readable {
        let newer = Stored::parse(&value).is_some_and(|stored| stored.group > exported);
        if newer && records.insert(key, value).is_some() {
            from_export -= 1;
        }
    }
    (from_export, records)
}

/// Makes a whole new store at `path`.
fn fill(path: &Path, records: &BTreeMap<Vec<u8>, Vec<u8>>, group: u64) -> Result<(), String> {
    let text = |error: sled::Error| error.to_string();
    folder::make_private(path).map_err(|error| error.to_string())?;
    let store = open_sled(path).map_err(text)?;
    let mut tally = Tally { meta: Meta { group, fingerprint: 0 }, ..Tally::default() };
    for (key, value) in records {
        tally.replace(key, None, Some(value));
        store.insert(key.as_slice(), value.as_slice()).map_err(text)?;
    }
    store.insert(META, encode(&tally.meta)).map_err(text)?;
    store.flush().map_err(text)?;
    drop(store);
    let log = File::options().write(true).open(path.join("db")).map_err(|error| error.to_string())?;
    log.sync_all().map_err(|error| error.to_string())
}
