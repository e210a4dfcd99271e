//! Records on disk: what was saved is what happened.
//!
//! ```text
//!  record modules ── Write ──► Journal::save ──► queue ──► writer thread ──► sled, flush, fsync
//!   (user, call, …)                │                              │
//!                                  └────────── Saved ◄────────────┘  resolves after the disk has it
//!  Records::get, iter ◄── sled
//!  DIR/export.jsonl   ◄── exporter thread, every few minutes and on a clean close
//! ```
//!
//! # Table of contents
//!
//! * [`journal`]: the one way to write; group commit; opening, and what happens when the disk is damaged.
//! * [`tree`], [`record`]: what a record is, where it lies, how it grows new fields.
//! * [`secret`]: secrets at rest, sealed under the node key.
//! * [`user`], [`handset`], [`portable`], [`registration`], [`base_station`], [`native_base`], [`call`], [`cdr`],
//!   [`token`], [`config_item`], [`certificate`], [`feature`], [`call_log`], [`mailbox`], [`phone_book`], [`text`]: one
//!   file per record.
//! * [`request`], [`spool`]: what the command line asks, and how it reaches a running
//!   switch that holds the data directory.
//! * [`users_csv`]: the CSV of users, one set of rules for web and command line; [`phone_book_csv`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod base_station;
pub mod call;
pub mod call_log;
pub mod cdr;
pub mod certificate;
pub mod config_item;
mod export;
pub mod feature;
mod folder;
pub mod handset;
pub mod journal;
pub mod mailbox;
pub mod native_base;
pub mod phone_book;
pub mod phone_book_csv;
pub mod portable;
pub mod record;
pub mod registration;
pub mod request;
pub mod room;
pub mod room_subscribers;
pub mod secret;
pub mod spool;
pub mod text;
pub mod token;
pub mod tree;
pub mod user;
pub mod users_csv;

pub use journal::{Health, Journal, OpenFault, OpenOptions, SaveFault, Saved};
pub use record::{ReadFault, Record, Records};
pub use secret::{NodeKey, Secret};
pub use tree::{Tree, Write};
