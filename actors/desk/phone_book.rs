//! The phone book.

use std::net::IpAddr;

use actix::prelude::*;
use kirkwall_core::directory::{Draft, Entry, EntryId};
use kirkwall_core::id::Username;
use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;
use serde::Serialize;

use super::{DeskFault, ImportOutcome};

/// An entry as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhoneBookEntryView {
    /// What it says.
    pub entry: Entry,
    /// Grows with every change of a local entry; the ETag. None: an entry of the directory, changed there.
    pub revision: Option<u64>,
}

/// Entries that fit, by name.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<PhoneBookPage, DeskFault>")]
pub struct SearchPhoneBook {
    /// As typed: beginnings of words, or digits that are keys or a number. Empty: everybody.
    pub query: String,
    /// The query is presses of a keypad, several for each letter.
    pub multi_tap: bool,
    /// How many to pass over.
    pub offset: usize,
    /// At most so many (1 to 200).
    pub limit: usize,
}

/// One page of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhoneBookPage {
    /// The page.
    pub entries: Vec<PhoneBookEntryView>,
    /// How many fit in all.
    pub total: usize,
    /// How many entries the book has.
    pub size: usize,
}

/// One entry.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<PhoneBookEntryView, DeskFault>")]
pub struct GetPhoneBookEntry(pub EntryId);

/// Makes a local entry.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<PhoneBookEntryView, DeskFault>")]
pub struct CreatePhoneBookEntry {
    /// As typed; checked here.
    pub draft: Draft,
    /// Only check.
    pub dry_run: bool,
}

/// Replaces what a local entry says.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<PhoneBookEntryView, DeskFault>")]
pub struct ChangePhoneBookEntry {
    /// Which one.
    pub id: EntryId,
    /// As typed; checked here.
    pub draft: Draft,
    /// Only if its revision is still this one.
    pub if_revision: Option<u64>,
    /// Only check.
    pub dry_run: bool,
}

/// Removes a local entry.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub struct DeletePhoneBookEntry {
    /// Which one.
    pub id: EntryId,
    /// Only if its revision is still this one.
    pub if_revision: Option<u64>,
}

/// Imports local entries from a CSV file; the whole file is checked before anything is kept.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<ImportOutcome, DeskFault>")]
pub struct ImportPhoneBook {
    /// The file.
    pub csv: Vec<u8>,
    /// Only check.
    pub dry_run: bool,
}

/// All local entries as a CSV file.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<String, DeskFault>")]
pub struct ExportPhoneBook;

/// How the phone book fares.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<PhoneBookState, DeskFault>")]
pub struct GetPhoneBookState;

/// Reads the directory now. Answers when that is done, well or not.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<PhoneBookState, DeskFault>")]
pub struct ReadDirectory;

/// How the phone book fares.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PhoneBookState {
    /// Entries in the book.
    pub entries: usize,
    /// Entries that are kept here.
    pub local: usize,
    /// The directory. None: none is configured.
    pub directory: Option<DirectoryState>,
}

/// How the directory fares.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct DirectoryState {
    /// Where it is.
    pub uri: String,
    /// Entries of the last good copy.
    pub entries: usize,
    /// When that copy was read, or found unchanged.
    pub read: Option<Moment>,
    /// When it was last tried.
    pub tried: Option<Moment>,
    /// Whether it is being read.
    pub reading: bool,
    /// Why the last try failed, and the mend.
    pub fault: Option<String>,
    /// Why the copy may not be whole.
    pub warning: Option<String>,
}

/// Who asks? Digest of RFC 7616 with the name and password of a user's SIP account.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Username, Unproven>")]
pub struct ProveHandset {
    /// The value of `Authorization`, if there is one.
    pub authorization: Option<Pii<String>>,
    /// `GET`.
    pub method: String,
    /// Path and query as they were asked for.
    pub uri: String,
    /// Where it comes from.
    pub source: IpAddr,
}

/// Nobody is proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unproven {
    /// 401 with these values of `WWW-Authenticate`.
    Challenge(Vec<String>),
    /// 403: too many wrong passwords from there.
    Locked,
}
