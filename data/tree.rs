//! Where a record lies, and how it lies there.
//!
//! All records share one sled tree; the key is `tree/name`, so a walk over a prefix is a walk over
//! one kind of record, and one `apply_batch` is atomic over all kinds. Measured against one sled
//! tree per kind with a multi-tree transaction: see [`crate::journal`].
//!
//! ```text
//!  octet 0      layout: 1 JSON, 2 JSON sealed as a whole
//!  octet 1      version of the record's type
//!  octets 2..10 number of the group that wrote it, big endian
//!  octets 10..  body
//! ```

use std::fmt;

/// Kinds of records. The word is part of the key on disk: add, never rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tree {
    /// Users and their secrets.
    User,
    /// Bindings of handsets and base stations that registered with us.
    Handset,
    /// Our registrations at the north side.
    Registration,
    /// Base stations.
    BaseStation,
    /// Live calls and their legs.
    Call,
    /// Ended calls.
    Cdr,
    /// API tokens.
    Token,
    /// Settings edited in the UI.
    ConfigItem,
    /// Certificates and keys.
    Certificate,
    /// What users have set for themselves.
    Feature,
    /// Call logs of users.
    CallLog,
    /// Message waiting.
    Mailbox,
    /// Local entries of the phone book.
    PhoneBook,
    /// The last good copy of the directory, in parts.
    DirectoryCopy,
    /// Handsets subscribed over native base stations, with their keys.
    Portable,
    /// Native base stations that were enrolled.
    NativeBase,
    /// Their sessions.
    NativeSession,
    /// Tokens with which they enrol.
    Enrolment,
    /// Rooms for conferences, and who is in them.
    Room,
    /// Who subscribed to the rosters of rooms.
    RoomSubscribers,
    /// Text messages.
    Text,
}

impl Tree {
    /// Every kind.
    pub const ALL: [Tree; 21] = [
        Self::User,
        Self::Handset,
        Self::Registration,
        Self::BaseStation,
        Self::Call,
        Self::Cdr,
        Self::Token,
        Self::ConfigItem,
        Self::Certificate,
        Self::Feature,
        Self::CallLog,
        Self::Mailbox,
        Self::Portable,
        Self::NativeBase,
        Self::NativeSession,
        Self::Enrolment,
        Self::PhoneBook,
        Self::DirectoryCopy,
        Self::Room,
        Self::RoomSubscribers,
        Self::Text,
    ];

    /// The word before the slash.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Handset => "handset",
            Self::Registration => "registration",
            Self::BaseStation => "base_station",
            Self::Call => "call",
            Self::Cdr => "cdr",
            Self::Token => "token",
            Self::ConfigItem => "config_item",
            Self::Certificate => "certificate",
            Self::Feature => "feature",
            Self::CallLog => "call_log",
            Self::Mailbox => "mailbox",
            Self::PhoneBook => "phone_book",
            Self::DirectoryCopy => "directory_copy",
            Self::Portable => "portable",
            Self::NativeBase => "native_base",
            Self::NativeSession => "native_session",
            Self::Enrolment => "enrolment",
            Self::Room => "room",
            Self::RoomSubscribers => "room_subscribers",
            Self::Text => "text",
        }
    }

    /// Most records that are kept; beyond it the lowest key (the oldest) is dropped. `None`: bounded
    /// by whoever writes.
    pub const fn limit(self) -> Option<usize> {
        match self {
            Self::Cdr => Some(100_000),
            Self::Text => Some(10_000),
            _ => None,
        }
    }

    pub(crate) fn prefix(self) -> String {
        format!("{}/", self.name())
    }

    /// The kind of a full key.
    pub(crate) fn of(key: &[u8]) -> Option<Tree> {
        let word = &key[..key.iter().position(|&octet| octet == b'/')?];
        Self::ALL.into_iter().find(|tree| tree.name().as_bytes() == word)
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One change to one record. Made by [`Records::put`](crate::Records::put) and
/// [`delete`](crate::Records::delete) only, so no raw bytes reach the disk.
#[derive(Clone)]
pub struct Write {
    pub(crate) key: String,
    pub(crate) change: Change,
}

/// What happens to the record. A record that could not be coded fails its batch when saved.
#[derive(Clone)]
pub(crate) enum Change {
    Put { layout: Layout, version: u8, body: Vec<u8> },
    Delete,
    Unwritable(String),
}

impl Write {
    /// Largest body of one record, in octets. Below sled's segment, so that no record becomes a blob
    /// file, which sled syncs apart from its log.
    pub const MAX_BODY: usize = 128 * 1024;

    /// Full key, `tree/name`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether it deletes.
    pub fn is_delete(&self) -> bool {
        matches!(self.change, Change::Delete)
    }
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.is_delete() { "delete" } else { "put" };
        write!(f, "{verb} {}", self.key)
    }
}

/// Octet 0 of a stored value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Json = 1,
    Sealed = 2,
}

/// A stored value taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored<'a> {
    pub layout: Layout,
    pub version: u8,
    pub group: u64,
    pub body: &'a [u8],
}

impl<'a> Stored<'a> {
    const HEAD: usize = 10;

    /// `None` when the octets are no stored value.
    pub fn parse(octets: &'a [u8]) -> Option<Self> {
        let (head, body) = octets.split_at_checked(Self::HEAD)?;
        let layout = match head[0] {
            1 => Layout::Json,
            2 => Layout::Sealed,
            _ => return None,
        };
        let group = u64::from_be_bytes(head[2..].try_into().ok()?);
        Some(Self { layout, version: head[1], group, body })
    }

    /// As it lies on disk.
    pub fn to_vec(self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(Self::HEAD + self.body.len());
        octets.extend([self.layout as u8, self.version]);
        octets.extend(self.group.to_be_bytes());
        octets.extend(self.body);
        octets
    }
}

/// 64 bits that stand for one record. Addition of them does not depend on the order of records.
pub(crate) fn fingerprint(key: &[u8], value: &[u8]) -> u64 {
    let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
    hash.update(&(key.len() as u64).to_be_bytes());
    hash.update(key);
    hash.update(value);
    let digest = hash.finish();
    u64::from_be_bytes(digest.as_ref()[..8].try_into().expect("SHA-256 has 32 octets"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_value_survives_the_round_trip_and_garbage_is_none() {
        let stored = Stored { layout: Layout::Sealed, version: 3, group: 77, body: b"x" };
        assert_eq!(Stored::parse(&stored.to_vec()), Some(stored));
        assert_eq!(Stored::parse(b""), None);
        assert_eq!(Stored::parse(&[9; 20]), None);
    }

    #[test]
    fn a_key_tells_its_tree_even_when_the_name_holds_a_slash() {
        assert_eq!(Tree::of(b"user/a/b"), Some(Tree::User));
        assert_eq!(Tree::of(b"nonsense/a"), None);
        assert_eq!(Tree::of(b"user"), None);
    }
}
