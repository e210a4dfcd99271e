//! The exporter thread: a whole export every few minutes and on a clean close.

use std::io;
use std::sync::PoisonError;
use std::time::Duration;

use super::writer::Changes;
use super::{Shared, lock};
use crate::export::{self, Writer};
use crate::folder;

impl Shared {
    /// Until the journal is closed; then once more.
    pub(super) fn export_until_closed(&self, every: Duration) {
        loop {
            let closing = lock(&self.closing);
            let (closing, _) = self
                .closed
                .wait_timeout_while(closing, every, |closing| !*closing)
                .unwrap_or_else(PoisonError::into_inner);
            let last = *closing;
            drop(closing);
            if last {
                return;
            }
            self.export_and_tell();
        }
    }

    /// A failed export is no failed save: it is logged, and tried again at the next turn.
    pub(super) fn export_and_tell(&self) {
        if let Err(error) = self.export() {
            tracing::error!(%error, dir = %self.dir.display(), "the export cannot be written");
        }
    }

    /// Writes an export, unless the last one still says it all.
    pub(super) fn export(&self) -> io::Result<()> {
        let mut exported = lock(&self.exporting);
        {
            let mut commit = self.lock_commit();
            if commit.meta.group == *exported {
                return Ok(());
            }
            commit.overlay = Some(Changes::new());
        }
        let result = self.write_export();
        self.lock_commit().overlay = None;
        *exported = result?;
        folder::tighten(&self.dir.join("store"));
        Ok(())
    }

    fn write_export(&self) -> io::Result<u64> {
        let mut writer = Writer::start(&self.dir)?;
        for entry in self.store.iter() {
            let (key, value) = entry.map_err(io::Error::other)?;
            if !key.starts_with(b"!") {
                writer.record(&key, &value)?;
            }
        }
        let (changes, group) = {
            let mut commit = self.lock_commit();
            (commit.overlay.take().unwrap_or_default(), commit.meta.group)
        };
        export::write_changes(&mut writer, &changes, group)?;
        // An export must never be newer than the store on disk: the next start would take that for damage.
        self.store.flush().map_err(io::Error::other)?;
        writer.finish(group)?;
        Ok(group)
    }
}
