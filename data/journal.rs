//! The journal: the one way to write records.
//!
//! ```text
//!  save(writes) ─► queue (≤ 65,536 writes) ─► writer thread ─► one batch ─► sled flush ─► fdatasync ─► Saved
//!       │                                        takes all that waits: group commit
//!       └─ Busy when the queue is full
//! ```
//!
//! Happy path: a batch is applied whole or not at all, and [`Saved`] resolves only when the disk has it.
//! However many batches wait, they share one flush; alone, a batch costs one flush.
//!
//! How it fails:
//! * The queue is full: [`SaveFault::Busy`], at once; nothing is written.
//! * The disk refuses: everybody who waits gets [`SaveFault::Disk`], and so does every later save.
//!   [`Journal::health`] tells why. Only a restart leaves this state, since what sled holds in memory
//!   may then be ahead of the disk.
//! * The store is damaged when opened: see `journal/open.rs`. It always opens, and says what it did.
//!
//! # Why these choices
//!
//! * sled 0.34's own flush on Linux is `sync_file_range`, which syncs neither the size of the file nor the
//!   cache of the drive. `fdatasync` after it does.
//! * All records in one sled tree with prefixed keys, written by `apply_batch`. Measured against a sled
//!   transaction over two trees, records of 400 octets, with flush: 1 record 0.17 ms against 0.18 ms, 10
//!   records 0.11 against 0.27, 100 records 0.20 against 0.25 (`apply_batch_against_transaction`, an
//!   ignored test, prints it anew).
//! * A sum over all records (`fingerprint`) is written with every batch. Opening adds it up again, so a
//!   page that sled lost in silence is noticed. The number of the last acknowledged group lies in a file
//!   of its own, so a lost tail is noticed too.

mod exporter;
mod open;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use futures_channel::oneshot;

use crate::secret::{KeyFault, NodeKey};
use crate::tree::{Change, Write};

pub use open::{OpenFault, OpenNotice};
use writer::Commit;

/// The open store. Clones share it; the last one dropped closes it, with an export.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

/// How to open a [`Journal`].
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// File of the node key; none: `$KIRKWALL_NODE_KEY_FILE`, else `DIR/node.key`, made on first start.
    pub key_file: Option<PathBuf>,
    /// How often the logical export is written when something changed.
    pub export_every: Duration,
    /// How long to wait for another process to give the directory free.
    pub lock_patience: Duration,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { key_file: None, export_every: Duration::from_secs(300), lock_patience: Duration::from_secs(3) }
    }
}

impl Journal {
    /// Most writes that wait.
    pub const QUEUE: usize = 65_536;
    /// Most octets that wait.
    pub const QUEUE_OCTETS: usize = 64 * 1024 * 1024;

    /// Opens `dir`, makes it when it is not there, and mends it when it is damaged.
    pub fn open(dir: impl AsRef<Path>) -> Result<Journal, OpenFault> {
        Self::open_with(dir, &OpenOptions::default())
    }

    /// Opens `dir` for a command that must not wait: [`OpenFault::Locked`] at once while a switch runs on it.
    pub fn open_at_once(dir: impl AsRef<Path>) -> Result<Journal, OpenFault> {
        Self::open_with(dir, &OpenOptions { lock_patience: Duration::ZERO, ..OpenOptions::default() })
    }

    /// Opens `dir` in a chosen way.
    pub fn open_with(dir: impl AsRef<Path>, options: &OpenOptions) -> Result<Journal, OpenFault> {
        let opened = open::open(dir.as_ref(), options)?;
        let shared = Arc::new(Shared {
            dir: dir.as_ref().to_owned(),
            store: opened.store,
            queue: Mutex::new(Queue::default()),
            filled: Condvar::new(),
            commit: Mutex::new(opened.commit),
            exporting: Mutex::new(opened.exported),
            closing: Mutex::new(false),
            closed: Condvar::new(),
        });
        let (writer, exporter) = (Arc::clone(&shared), Arc::clone(&shared));
        let (disk, every) = (opened.disk, options.export_every);
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            thread::Builder::new().name(name.into()).spawn(run).map_err(OpenFault::Thread)
        };
        let threads = vec![
            spawn("journal", Box::new(move || writer.write_until_closed(&disk)))?,
            spawn("journal-export", Box::new(move || exporter.export_until_closed(every)))?,
        ];
        Ok(Journal(Arc::new(Inner {
            shared,
            key: opened.key,
            notices: opened.notices,
            threads,
            _lock: opened.lock,
        })))
    }

    /// Queues `writes` as one atomic batch, applied in their order. The save happens even when the
    /// answer is dropped.
    pub fn save(&self, writes: Vec<Write>) -> Saved {
        let (done, saved) = oneshot::channel();
        if let Err((fault, done)) = self.0.shared.enqueue(writes, done) {
            // The receiver is in our hands, so this cannot fail.
            let _ = done.send(fault.map_or(Ok(()), Err));
        }
        Saved(saved)
    }

    /// [`save`](Self::save) for code without an executor: waits on this thread.
    pub fn save_blocking(&self, writes: Vec<Write>) -> Result<(), SaveFault> {
        self.save(writes).wait()
    }

    /// How it is, for `/readyz` and metrics.
    pub fn health(&self) -> Health {
        let (fault, waiting) = {
            let queue = self.0.shared.lock_queue();
            (queue.fault.clone(), queue.writes)
        };
        // Taken after the queue is free again: a commit may take a while, and callers must not wait for it.
        let commit = self.0.shared.lock_commit();
        Health { fault, waiting, records: commit.records(), groups: commit.groups, batches: commit.batches }
    }

    /// What had to be mended when it was opened; empty when all was well. Raise an alarm for each.
    pub fn notices(&self) -> &[OpenNotice] {
        &self.0.notices
    }

    /// The key that seals secrets; the spool uses it too.
    pub fn node_key(&self) -> &NodeKey {
        &self.0.key
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.0.shared.dir
    }

    /// Writes the logical export now: for backups and before updates.
    pub fn export(&self) -> io::Result<()> {
        self.0.shared.export()
    }

    pub(crate) fn store(&self) -> &sled::Db {
        &self.0.shared.store
    }
}

/// State of a [`Journal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Why nothing can be saved any more; `None` when all is well.
    pub fault: Option<String>,
    /// Writes that wait for the disk.
    pub waiting: usize,
    /// Records in the store.
    pub records: usize,
    /// Groups flushed since it was opened.
    pub groups: u64,
    /// Batches in those groups.
    pub batches: u64,
}

/// Why a batch was not saved. Nothing of it is in the store, except after [`Disk`](Self::Disk), when it is
/// unknown what a restart will find: all of it or nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SaveFault {
    /// Too much waits already. Try again later, or refuse the work that caused it.
    #[error("the journal's queue is full ({} writes); try again later", Journal::QUEUE)]
    Busy,
    /// One record is larger than [`Write::MAX_BODY`].
    #[error("{key}: the record has {octets} octets, at most {} can be stored", Write::MAX_BODY)]
    TooLarge {
        /// Which record.
        key: String,
        /// How large it is.
        octets: usize,
    },
    /// One batch is larger than the queue; split it.
    #[error("a batch of {0} writes is more than the journal takes at once ({max}); split it", max = Journal::QUEUE)]
    TooMany(usize),
    /// The record's type cannot be coded: an error of the program.
    #[error("{key}: the record cannot be coded: {why}")]
    Unwritable {
        /// Which record.
        key: String,
        /// What serde said.
        why: String,
    },
    /// The disk refused; see [`Journal::health`].
    #[error("the disk refused: {0}; make room or repair it, then restart")]
    Disk(String),
    /// The journal was closed first.
    #[error("the journal is closed")]
    Closed,
}

/// Resolves when the batch is on disk, or will never be.
#[must_use = "only an awaited save is known to be on disk"]
pub struct Saved(oneshot::Receiver<Result<(), SaveFault>>);

impl Saved {
    /// Waits on this thread.
    pub fn wait(mut self) -> Result<(), SaveFault> {
        struct Unpark(Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            match Pin::new(&mut self).poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(result) => return result,
                Poll::Pending => thread::park(),
            }
        }
    }
}

impl Future for Saved {
    type Output = Result<(), SaveFault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|answer| answer.unwrap_or(Err(SaveFault::Closed)))
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal({})", self.dir().display())
    }
}

/// What the last clone drops.
struct Inner {
    shared: Arc<Shared>,
    key: NodeKey,
    notices: Vec<OpenNotice>,
    threads: Vec<JoinHandle<()>>,
    /// Kept so that no other process opens the directory; given free last.
    _lock: File,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.lock_queue().closed = true;
        *lock(&self.shared.closing) = true;
        self.shared.filled.notify_all();
        self.shared.closed.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; there is nothing more to close in it.
            let _ = thread.join();
        }
        // Only now is everything written, so only now can the last export hold everything.
        self.shared.export_and_tell();
    }
}

/// What callers, writer and exporter share.
struct Shared {
    dir: PathBuf,
    store: sled::Db,
    queue: Mutex<Queue>,
    /// The queue has something, or is closed.
    filled: Condvar,
    commit: Mutex<Commit>,
    /// Number of the last group in the export. Held while an export is written.
    exporting: Mutex<u64>,
    closing: Mutex<bool>,
    closed: Condvar,
}

/// Batches that wait.
#[derive(Default)]
struct Queue {
    batches: VecDeque<Batch>,
    writes: usize,
    octets: usize,
    fault: Option<String>,
    closed: bool,
}

/// One caller's writes and the way to tell it.
struct Batch {
    writes: Vec<Write>,
    done: Done,
}

type Done = oneshot::Sender<Result<(), SaveFault>>;

impl Shared {
    /// Queues, or gives the answer that is already known: `None` when there is nothing to do.
    fn enqueue(&self, writes: Vec<Write>, done: Done) -> Result<(), (Option<SaveFault>, Done)> {
        let octets = match measure(&writes) {
            Ok(octets) => octets,
            Err(fault) => return Err((Some(fault), done)),
        };
        let mut queue = self.lock_queue();
        match queue.admits(writes.len(), octets) {
            Err(fault) => return Err((Some(fault), done)),
            Ok(()) if writes.is_empty() => return Err((None, done)),
            Ok(()) => {}
        }
        queue.writes += writes.len();
        queue.octets += octets;
        queue.batches.push_back(Batch { writes, done });
        drop(queue);
        self.filled.notify_one();
        Ok(())
    }

    fn lock_queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }

    fn lock_commit(&self) -> MutexGuard<'_, Commit> {
        lock(&self.commit)
    }
}

impl Queue {
    fn admits(&self, writes: usize, octets: usize) -> Result<(), SaveFault> {
        if let Some(fault) = &self.fault {
            return Err(SaveFault::Disk(fault.clone()));
        }
        if self.closed {
            return Err(SaveFault::Closed);
        }
        if writes > Journal::QUEUE || octets > Journal::QUEUE_OCTETS {
            return Err(SaveFault::TooMany(writes));
        }
        let full = self.writes + writes > Journal::QUEUE || self.octets + octets > Journal::QUEUE_OCTETS;
        if full { Err(SaveFault::Busy) } else { Ok(()) }
    }
}

/// Octets of all bodies and keys, or what is wrong with one.
fn measure(writes: &[Write]) -> Result<usize, SaveFault> {
    let mut sum = 0;
    for Write { key, change } in writes {
        sum += key.len();
        match change {
            Change::Delete => {}
            Change::Unwritable(why) => {
                return Err(SaveFault::Unwritable { key: key.clone(), why: why.clone() });
            }
            Change::Put { body, .. } if body.len() > Write::MAX_BODY => {
                return Err(SaveFault::TooLarge { key: key.clone(), octets: body.len() });
            }
            Change::Put { body, .. } => sum += body.len(),
        }
    }
    Ok(sum)
}

/// What a panicking thread left is still good: each guarded value is changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl From<KeyFault> for OpenFault {
    fn from(fault: KeyFault) -> Self {
        Self::Key(fault)
    }
}
