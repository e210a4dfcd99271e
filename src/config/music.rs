//! Music on hold: a file, read and checked.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use kirkwall_core::media::music;

/// Music on hold from a file, as G.711 A-law; or what is wrong with it.
pub fn music(path: &Path) -> Result<Vec<u8>, String> {
    let told = |fault: &dyn Display| format!("{}: {fault}", path.display());
    // 16-bit samples and a head of any kind.
    let longest = 2 * music::LONGEST as u64 + 65_536;
    let found = fs::metadata(path).map_err(|error| told(&error))?;
    if found.len() > longest {
        return Err(told(&music::MusicFault::TooLong));
    }
    let file = fs::read(path).map_err(|error| told(&error))?;
    music::read(&file).map_err(|fault| told(&fault))
}
