//! Waiting until a file changes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::report::Failure;

/// After a change, others that belong to it come within this time.
const SETTLED_AFTER: Duration = Duration::from_millis(50);

/// Files, and folders of files, whose changes are waited for.
///
/// What changes between two waits is not missed.
pub(crate) struct Watch {
    watcher: RecommendedWatcher,
    told: Receiver<notify::Result<Event>>,
    paths: BTreeSet<PathBuf>,
    folders: BTreeSet<PathBuf>,
}

impl Watch {
    /// Returns a watch over nothing.
    pub(crate) fn new() -> Result<Self, Failure> {
        let (tell, told) = channel();
        Ok(Self {
            watcher: notify::recommended_watcher(tell).map_err(|error| failed(&error))?,
            told,
            paths: BTreeSet::new(),
            folders: BTreeSet::new(),
        })
    }

    /// Watches `path` as well, if it is there.
    ///
    /// The folder of a file is watched and not the file: editors write another
    /// one and put it in its place.
    pub(crate) fn add(&mut self, path: &Path) -> Result<(), Failure> {
        let Ok(path) = path.canonicalize() else {
            return Ok(());
        };
        let (folder, mode) = match path.parent() {
            Some(folder) if path.is_file() => (folder, RecursiveMode::NonRecursive),
            Some(_) | None => (&*path, RecursiveMode::Recursive),
        };
        if self.folders.insert(folder.to_path_buf()) {
            self.watcher
                .watch(folder, mode)
                .map_err(|error| failed(&error))?;
        }
        self.paths.insert(path);
        Ok(())
    }

    /// Waits until something that is watched changes, and returns what did.
    pub(crate) fn next_change(&self) -> Result<PathBuf, Failure> {
        let is_watched = |path: &&PathBuf| self.paths.iter().any(|it| path.starts_with(it));
        loop {
            let event = self
                .told
                .recv()
                .map_err(|_| Failure::environment("files are no longer watched"))?
                .map_err(|error| failed(&error))?;
            let kind = event.kind;
            let is_change = kind.is_create() || kind.is_modify() || kind.is_remove();
            if let Some(path) = event.paths.iter().find(is_watched).filter(|_| is_change) {
                while self.told.recv_timeout(SETTLED_AFTER).is_ok() {}
                return Ok(path.clone());
            }
        }
    }
}

fn failed(error: &notify::Error) -> Failure {
    Failure::environment(format!("files cannot be watched: {error}"))
}
