//! Typed access: one shape for every kind of record.
//!
//! A record grows by fields with `#[serde(default)]`; when that is not enough its
//! [`VERSION`](Record::VERSION) goes up and [`migrate`](Record::migrate) turns the old form into the new one
//! as it is read. Disk is rewritten when the record is next saved.

use std::fmt::Display;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::journal::Journal;
use crate::secret::{self, NodeKey};
use crate::tree::{Change, Layout, Stored, Tree, Write};

/// What is stored as one value under one key.
pub trait Record: Serialize + DeserializeOwned {
    /// Where it lies.
    const TREE: Tree;
    /// Version of its form. Starts at 1.
    const VERSION: u8 = 1;
    /// Seal the whole record, not only its [`Secret`](crate::Secret) fields: for records whose content is
    /// made elsewhere and may hold keys.
    const SEALED: bool = false;
    /// What names it.
    type Key: Display + ?Sized;

    /// Its own name.
    fn key(&self) -> &Self::Key;

    /// Lifts an older form. Called only for `from < VERSION`.
    fn migrate(from: u8, old: Value) -> Result<Value, String> {
        let _ = from;
        Ok(old)
    }
}

/// Why a record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadFault {
    /// The disk said no, or the store is damaged.
    #[error("{key}: the store cannot be read: {why}")]
    Store {
        /// Which record, or the tree.
        key: String,
        /// What sled said.
        why: String,
    },
    /// The octets are no record of this type.
    #[error("{key}: not a record of this type: {why}")]
    Malformed {
        /// Which record.
        key: String,
        /// What does not fit.
        why: String,
    },
    /// A newer Kirkwall wrote it.
    #[error(
        "{key}: written by a newer version (form {found}, this program knows up to {known}); update this program"
    )]
    Newer {
        /// Which record.
        key: String,
        /// Its form.
        found: u8,
        /// The newest form we know.
        known: u8,
    },
}

/// All records of one kind.
pub struct Records<R> {
    store: sled::Db,
    key: NodeKey,
    kind: PhantomData<fn() -> R>,
}

impl<R> Clone for Records<R> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), key: self.key.clone(), kind: PhantomData }
    }
}

impl<R: Record> Records<R> {
    /// A view of the journal's store. Cheap; clone freely. Close the journal only after its views are
    /// dropped: a view keeps the store open.
    pub fn new(journal: &Journal) -> Self {
        Self { store: journal.store().clone(), key: journal.node_key().clone(), kind: PhantomData }
    }

    /// The record of that name. Sees a save as soon as it is applied, which may be a moment before it
    /// is on disk.
    pub fn get(&self, name: &R::Key) -> Result<Option<R>, ReadFault> {
        let key = full_key::<R>(name);
        match self.store.get(&key) {
            Ok(Some(octets)) => self.decode(&key, &octets).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(ReadFault::Store { key, why: error.to_string() }),
        }
    }

    /// All records, by key. One that cannot be read is an error among the others.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Result<R, ReadFault>> + use<R> {
        let (view, prefix) = (self.clone(), R::TREE.prefix());
        self.store.scan_prefix(&prefix).map(move |entry| match entry {
            Ok((key, octets)) => view.decode(&String::from_utf8_lossy(&key), &octets),
            Err(error) => Err(ReadFault::Store { key: prefix.clone(), why: error.to_string() }),
        })
    }

    /// The records whose names begin so, by key.
    pub fn under(&self, start: &str) -> impl DoubleEndedIterator<Item = Result<R, ReadFault>> + use<R> {
        let (view, prefix) = (self.clone(), full_key_of::<R>(start));
        self.store.scan_prefix(&prefix).map(move |entry| match entry {
            Ok((key, octets)) => view.decode(&String::from_utf8_lossy(&key), &octets),
            Err(error) => Err(ReadFault::Store { key: prefix.clone(), why: error.to_string() }),
        })
    }

    /// How many there are. Walks them.
    pub fn count(&self) -> usize {
        self.store.scan_prefix(R::TREE.prefix()).keys().filter(Result::is_ok).count()
    }

    /// A write that stores the record. Nothing happens until [`Journal::save`].
    pub fn put(&self, record: &R) -> Write {
        let key = full_key::<R>(record.key());
        let body = secret::with_key(&self.key, &key, || serde_json::to_vec(record));
        let change = match body {
            Err(error) => Change::Unwritable(error.to_string()),
            Ok(body) if !R::SEALED => Change::Put { layout: Layout::Json, version: R::VERSION, body },
            Ok(body) => match self.key.seal(&key, &body) {
                Ok(body) => Change::Put { layout: Layout::Sealed, version: R::VERSION, body },
                Err(fault) => Change::Unwritable(fault.to_string()),
            },
        };
        Write { key, change }
    }

    /// A write that deletes the record of that name, if there is one.
    pub fn delete(&self, name: &R::Key) -> Write {
        Write { key: full_key::<R>(name), change: Change::Delete }
    }

    fn decode(&self, key: &str, octets: &[u8]) -> Result<R, ReadFault> {
        let malformed = |why: String| ReadFault::Malformed { key: key.to_owned(), why };
        let stored = Stored::parse(octets).ok_or_else(|| malformed("no known layout".into()))?;
        if stored.version > R::VERSION {
            return Err(ReadFault::Newer { key: key.to_owned(), found: stored.version, known: R::VERSION });
        }
        let opened = match stored.layout {
            Layout::Json => None,
            Layout::Sealed => {
                Some(self.key.open(key, stored.body).map_err(|fault| malformed(fault.to_string()))?)
            }
        };
        let body = opened.as_deref().unwrap_or(stored.body);
        secret::with_key(&self.key, key, || {
            if stored.version == R::VERSION {
                return serde_json::from_slice(body).map_err(|error| malformed(error.to_string()));
            }
            let old = serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
            let new = R::migrate(stored.version, old).map_err(malformed)?;
            serde_json::from_value(new).map_err(|error| malformed(error.to_string()))
        })
    }
}

fn full_key<R: Record>(name: &R::Key) -> String {
    full_key_of::<R>(name)
}

fn full_key_of<R: Record>(name: impl Display) -> String {
    format!("{}/{name}", R::TREE.name())
}
