//! The spool: how a command reaches the switch that holds the data directory.
//!
//! ```text
//!  command                          DIR/spool                    switch
//!   Spool::put ──rename──►  ID.request  ──── Spool::take (once a second)
//!   Spool::wait ◄─────────  ID.outcome  ◄─── Spool::answer, which removes the request
//! ```
//!
//! Files are sealed under the node key, so a request comes from somebody who may read it, and a CSV with
//! passwords does not lie there in the clear. Requests are taken again after a crash: they must be
//! such that doing them twice does no harm, as those of [`crate::request`] are.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::folder;
use crate::journal::Journal;
use crate::secret::{self, KeyFault, NodeKey, hex, random};

/// Names one request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(String);

/// Why the spool does not work.
#[derive(Debug, thiserror::Error)]
pub enum SpoolFault {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The node key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// The request is larger than [`Spool::MAX_FILE`].
    #[error("the request has {0} octets, at most {max} are taken; split the file", max = Spool::MAX_FILE)]
    TooLarge(usize),
    /// The file is none of ours.
    #[error("{0} does not open: sealed under another node key, or damaged")]
    Unopenable(PathBuf),
    /// Nobody answered.
    #[error(
        "the switch did not answer within {0:?}; is it running on this data directory? The request was withdrawn"
    )]
    NoAnswer(Duration),
    /// No ticket can be drawn, or nothing sealed.
    #[error("the system gives no randomness")]
    NoRandomness,
}

/// One end of the spool.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    key: NodeKey,
    /// Taken and not yet answered.
    taken: BTreeSet<Ticket>,
}

impl Spool {
    /// Largest file, in octets.
    pub const MAX_FILE: usize = 16 * 1024 * 1024;
    /// Most requests that are open at once.
    pub const MAX_OPEN: usize = 64;
    /// Age at which an outcome that nobody fetched is removed.
    pub const KEEP: Duration = Duration::from_secs(3600);

    /// The switch's end.
    pub fn of(journal: &Journal) -> Result<Self, SpoolFault> {
        Self::with_key(journal.dir(), journal.node_key().clone())
    }

    /// The command's end: `data` is the data directory of the switch.
    pub fn open(data: &Path) -> Result<Self, SpoolFault> {
        let path = secret::named_key_file().unwrap_or_else(|| data.join("node.key"));
        Self::with_key(data, NodeKey::read(&path)?)
    }

    fn with_key(data: &Path, key: NodeKey) -> Result<Self, SpoolFault> {
        let dir = data.join("spool");
        folder::make_private(&dir).map_err(|source| SpoolFault::File { path: dir.clone(), source })?;
        Ok(Self { dir, key, taken: BTreeSet::new() })
    }

    /// Hands in a request.
    pub fn put<R: Serialize>(&self, request: &R) -> Result<Ticket, SpoolFault> {
        let ticket = Ticket(hex(&random::<16>().map_err(|_| SpoolFault::NoRandomness)?));
        self.write(&ticket, REQUEST, request)?;
        Ok(ticket)
    }

    /// Waits for the outcome on this thread; withdraws the request when none comes in time.
    pub fn wait<O: DeserializeOwned>(&self, ticket: &Ticket, patience: Duration) -> Result<O, SpoolFault> {
        let (start, path) = (Instant::now(), self.path(ticket, OUTCOME));
        loop {
            match self.read(&path) {
                Ok(outcome) => {
                    // An outcome that stays is removed by the switch after a while.
                    let _ = fs::remove_file(&path);
                    return Ok(outcome);
                }
                Err(SpoolFault::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                Err(fault) => return Err(fault),
            }
            if start.elapsed() >= patience {
                // Already gone when the switch answers at this very moment.
                let _ = fs::remove_file(self.path(ticket, REQUEST));
                return Err(SpoolFault::NoAnswer(patience));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Requests that came since the last call. Poll once a second. A file that does not open is removed
    /// and logged.
    pub fn take<R: DeserializeOwned>(&mut self) -> Vec<(Ticket, R)> {
        let mut requests = Vec::new();
        for path in self.files() {
            let Some((ticket, end)) = name_of(&path) else { continue };
            if end != REQUEST {
                remove_when_old(&path);
                continue;
            }
            if self.taken.contains(&ticket) || self.taken.len() >= Self::MAX_OPEN {
                continue;
            }
            match self.read(&path) {
                Ok(request) => {
                    self.taken.insert(ticket.clone());
                    requests.push((ticket, request));
                }
                // Withdrawn between listing and reading.
                Err(SpoolFault::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                Err(fault) => {
                    tracing::warn!(%fault, "a spooled request is dropped");
                    let _ = fs::remove_file(&path);
                }
            }
        }
        requests
    }

    /// Tells the command what came of its request.
    pub fn answer<O: Serialize>(&mut self, ticket: &Ticket, outcome: &O) -> Result<(), SpoolFault> {
        self.write(ticket, OUTCOME, outcome)?;
        let path = self.path(ticket, REQUEST);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(SpoolFault::File { path, source }),
            _ => {
                self.taken.remove(ticket);
                Ok(())
            }
        }
    }

    fn write<T: Serialize>(&self, ticket: &Ticket, end: &str, content: &T) -> Result<(), SpoolFault> {
        let path = self.path(ticket, end);
        let name = format!("spool/{}.{end}", ticket.0);
        let file_fault = |source| SpoolFault::File { path: path.clone(), source };
        let clear = secret::with_key(&self.key, &name, || serde_json::to_vec(content));
        let clear = clear.map_err(|error| file_fault(io::Error::other(error)))?;
        let sealed = self.key.seal(&name, &clear).map_err(|_| SpoolFault::NoRandomness)?;
        if sealed.len() > Self::MAX_FILE {
            return Err(SpoolFault::TooLarge(sealed.len()));
        }
        folder::write_atomically(&path, &sealed).map_err(file_fault)
    }

    fn read<T: DeserializeOwned>(&self, path: &Path) -> Result<T, SpoolFault> {
        let file_fault = |source| SpoolFault::File { path: path.to_owned(), source };
        let octets = fs::metadata(path).map_err(file_fault)?.len();
        if octets > Self::MAX_FILE as u64 {
            return Err(SpoolFault::TooLarge(octets as usize));
        }
        let sealed = fs::read(path).map_err(file_fault)?;
        let unopenable = || SpoolFault::Unopenable(path.to_owned());
        let name = format!("spool/{}", path.file_name().unwrap_or_default().to_string_lossy());
        let clear = self.key.open(&name, &sealed).map_err(|_| unopenable())?;
        secret::with_key(&self.key, &name, || serde_json::from_slice(&clear)).map_err(|_| unopenable())
    }

    fn path(&self, ticket: &Ticket, end: &str) -> PathBuf {
        self.dir.join(format!("{}.{end}", ticket.0))
    }

    /// Oldest name first is not oldest first; with one poll a second nobody waits long.
    fn files(&self) -> Vec<PathBuf> {
        const SEEN: usize = 1024;
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        entries.take(SEEN).map(|entry| entry.path()).collect()
    }
}

const REQUEST: &str = "request";
const OUTCOME: &str = "outcome";

fn name_of(path: &Path) -> Option<(Ticket, &str)> {
    let (name, end) = path.file_name()?.to_str()?.split_once('.')?;
    Some((Ticket(name.to_owned()), end))
}

fn remove_when_old(path: &Path) {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    let age = modified.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
    if age.is_some_and(|age| age > Spool::KEEP) {
        let _ = fs::remove_file(path);
    }
}
