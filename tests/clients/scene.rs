//! One test's place: a directory, an authority, and the stage to itself.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::thread;

use crate::authority::Authority;

static STAGE: Mutex<()> = Mutex::new(());

/// SIP domain of all tests.
pub const DOMAIN: &str = "hospital.test";

/// A directory that goes with the test, and stays when the test failed.
pub struct Scene {
    dir: Option<tempfile::TempDir>,
    path: PathBuf,
    pub authority: Authority,
    _stage: MutexGuard<'static, ()>,
}

impl Scene {
    /// Waits for its turn.
    pub fn new(name: &str) -> Scene {
        let stage = STAGE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let dir = tempfile::Builder::new().prefix(&format!("kirkwall-{name}-")).tempdir().unwrap();
        let path = dir.path().to_owned();
        let authority = Authority::new(&path);
        Scene { dir: Some(dir), path, authority, _stage: stage }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A fresh directory inside.
    pub fn room(&self, name: &str) -> PathBuf {
        let room = self.path.join(name);
        std::fs::create_dir_all(&room).unwrap();
        room
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if thread::panicking()
            && let Some(dir) = self.dir.take()
        {
            eprintln!("logs and recordings are kept in {}", dir.keep().display());
        }
    }
}
