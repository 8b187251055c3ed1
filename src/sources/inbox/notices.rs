//! Tells when to look: the system's change notices on the folders that agents write to, as hints.
//!
//! A lost notice costs the wait until the next slow look, never a question. Must not know what is
//! in a file.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::spool::{INBOX, OUTCOMES};

/// The notices of all drop folders.
pub(super) struct Notices {
    notice: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
}

impl Notices {
    pub(super) fn new() -> Self {
        let notice = Arc::new(Notify::new());
        let ear = Arc::clone(&notice);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // Looking at the files raises access events: waking on them would wake for ever.
            if !matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_))) {
                ear.notify_one();
            }
        });
        let watcher = watcher
            .inspect_err(|error| tracing::warn!(%error, "drop folders cannot be watched; looking from time to time instead"));
        Self { notice, watcher: watcher.ok(), watched: HashSet::new() }
    }

    /// Watches the folders of these roots that are there and not watched yet.
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

    /// Watches all anew next time: a folder may have been removed and made again, and the system
    /// still watches the old one.
    pub(super) fn forget(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            for folder in self.watched.drain() {
                // Gone with its folder, perhaps.
                let _ = watcher.unwatch(&folder);
            }
        }
    }

    /// Waits for the next notice. One that came since the last wait is not lost.
    pub(super) async fn wait(&self) {
        self.notice.notified().await;
    }
}
