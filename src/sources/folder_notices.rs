//! Triggers scans: the operating system's change notices for folders that agents write to, used as
//! hints.
//!
//! A lost notice delays a source until its next slow scan, and never loses a file. Does not
//! depend on the content of files.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// Change notices of single folders, not of trees.
pub(super) struct FolderNotices {
    notice: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
}

impl FolderNotices {
    pub(super) fn new() -> Self {
        let notice = Arc::new(Notify::new());
        let ear = Arc::clone(&notice);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // Scanning the files raises access events; reacting to access events would scan for
            // ever.
            if !matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_))) {
                ear.notify_one();
            }
        });
        let watcher = watcher
            .inspect_err(|error| tracing::warn!(%error, "cannot watch folders; polling instead"));
        Self { notice, watcher: watcher.ok(), watched: HashSet::new() }
    }

    /// Watches those of these folders that exist and are not watched yet.
    pub(super) fn watch(&mut self, folders: impl IntoIterator<Item = PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        for folder in folders {
            if !self.watched.contains(&folder)
                && watcher.watch(&folder, RecursiveMode::NonRecursive).is_ok()
            {
                self.watched.insert(folder);
            }
        }
    }

    /// Renews all watches next time: after a folder was removed and created again, the system still
    /// watches the old folder.
    pub(super) fn forget(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            for folder in self.watched.drain() {
                // The watch may have ended with the folder.
                let _ = watcher.unwatch(&folder);
            }
        }
    }

    /// Waits for the next notice. A notice since the last wait is not lost.
    pub(super) async fn wait(&self) {
        self.notice.notified().await;
    }
}
