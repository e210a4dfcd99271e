//! The data directory: modes, lock, and files that are there whole or not at all.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes the directory for its owner alone. An existing one that belongs to somebody else (a mounted
/// volume) keeps its mode; answers whether it is tight.
pub fn make_private(dir: &Path) -> io::Result<bool> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mode = fs::metadata(dir)?.permissions().mode();
    Ok(mode & 0o077 == 0 || fs::set_permissions(dir, Permissions::from_mode(0o700)).is_ok())
}

/// Sets 0700 and 0600 on everything below `dir`. sled makes its files by the umask; until this runs
/// they are protected by the directory's own mode.
pub fn tighten(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let mode = if kind.is_dir() { 0o700 } else { 0o600 };
        if kind.is_dir() {
            tighten(&entry.path());
        }
        // A symbolic link is left alone: its target is not ours. A file that vanished needs no mode.
        if !kind.is_symlink() {
            let _ = fs::set_permissions(entry.path(), Permissions::from_mode(mode));
        }
    }
}

/// Opens for writing, 0600, empty.
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Writes beside, syncs, renames: a reader sees the old file or the new one, even after a power cut.
pub fn write_atomically(path: &Path, octets: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("writing");
    let mut file = create_private(&beside)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    sync_parent(path)
}

/// Makes a rename or creation in the parent of `path` durable.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Opens for reading and writing, 0600, made when it is not there.
pub fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}
