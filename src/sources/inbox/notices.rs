//! Triggers scans: the operating system's change notices for folders that agents write to, used as
//! hints.
//!
//! A lost notice delays a question until the next slow scan, and never loses a question. Does not
//! depend on the content of files.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::files::{INBOX, OUTCOMES};

/// Change notices of all drop folders.
pub(super) struct InboxNotices {
    notice: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
}

impl InboxNotices {
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
        let watcher = watcher.inspect_err(
            |error| tracing::warn!(%error, "drop cannot watch folders; polling instead"),
        );
        Self { notice, watcher: watcher.ok(), watched: HashSet::new() }
    }

    /// Watches the existing folders of these roots that are not watched yet.
    pub(super) fn watch(&mut self, roots: &[PathBuf]) {
        let Some(watcher) = &mut self.watcher else { return };
        for folder in
            roots.iter().flat_map(|root| [INBOX, OUTCOMES].map(|folder| root.join(folder)))
        {
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
