//! Triggers scans: the operating system's change notices for the few relevant folders, used as
//! hints.
//!
//! Watches single folders, not trees, because a repository's `target` or `node_modules` would drown
//! all other notices. A folder is watched before its content is listed, so that no file appears
//! unseen in between. A lost notice delays a task until the next slow scan, and never loses a task.
//! Does not depend on the content of files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::places::{Root, is_of_interest};
use crate::sources::WatchedFolder;

/// Change notices of all watched folders.
pub(super) struct TaskNotices {
    heard: Arc<Heard>,
    watching: Arc<Mutex<Watching>>,
}

/// State shared with the watcher's thread.
#[derive(Default)]
struct Heard {
    notice: Notify,
    /// Removed or renamed folders: the system does not watch a new folder with an old name.
    lost: Mutex<HashSet<PathBuf>>,
    /// Watched folders, by the paths that events use.
    roots: Mutex<HashSet<PathBuf>>,
}

struct Watching {
    folders: Vec<WatchedFolder>,
    watcher: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
    complained: bool,
    heard: Arc<Heard>,
}

impl TaskNotices {
    pub(super) fn new(folders: Vec<WatchedFolder>) -> Self {
        let heard = Arc::new(Heard::default());
        let ear = Arc::clone(&heard);
        let watcher =
            notify::recommended_watcher(move |event: notify::Result<Event>| ear.hear(event))
                .inspect_err(
                    |error| tracing::warn!(%error, "cannot watch folders; polling instead"),
                )
                .ok();
        let watching = Watching {
            folders,
            watcher,
            watched: HashSet::new(),
            complained: false,
            heard: Arc::clone(&heard),
        };
        Self { heard, watching: Arc::new(Mutex::new(watching)) }
    }

    /// Waits for the next notice. A notice since the last wait is not lost.
    pub(super) async fn wait(&self) {
        self.heard.notice.notified().await;
    }

    /// Watches the folders that exist now. `all`: renews existing watches too.
    pub(super) async fn refresh(&self, all: bool) {
        let watching = Arc::clone(&self.watching);
        let refreshed = tokio::task::spawn_blocking(move || {
            watching.lock().unwrap_or_else(PoisonError::into_inner).refresh(all)
        });
        if let Err(error) = refreshed.await {
            tracing::error!(%error, "watching the folders failed; polling instead");
        }
    }
}

impl Heard {
    fn is_root(&self, path: &Path) -> bool {
        self.roots.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }

    fn hear(&self, event: notify::Result<Event>) {
        match event {
            // Scanning the files raises access events; reacting to access events would scan for
            // ever.
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
            Ok(event) => {
                let matters =
                    event.paths.iter().any(|path| is_of_interest(path) || self.is_root(path));
                if !matters && !event.need_rescan() {
                    return;
                }
                let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
                if event.need_rescan() {
                    // The system dropped notices, perhaps about removed folders.
                    lost.extend(
                        self.roots.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned(),
                    );
                }
                if matches!(
                    event.kind,
                    EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
                ) {
                    lost.extend(event.paths);
                }
                drop(lost);
                self.notice.notify_one();
            }
            Err(error) => {
                tracing::debug!(%error, "a change notice failed");
                self.notice.notify_one();
            }
        }
    }
}

impl Watching {
    fn refresh(&mut self, all: bool) {
        let lost =
            std::mem::take(&mut *self.heard.lost.lock().unwrap_or_else(PoisonError::into_inner));
        let is_lost = |path: &Path| path.ancestors().any(|part| lost.contains(part));
        self.watched.retain(|path| !all && !is_lost(path));
        let roots: Vec<Root> = self.folders.iter().map(Root::of).collect();
        let named = roots.iter().flat_map(|root| [root.folder.clone(), root.asked_for()]);
        *self.heard.roots.lock().unwrap_or_else(PoisonError::into_inner) = named.collect();
        for root in &roots {
            self.watch_root(root);
        }
    }

    fn watch_root(&mut self, root: &Root) {
        if !self.watch(&root.folder) {
            // If the folder does not exist yet, its creation is an event of the parent folder.
            if let Some(above) = root.folder.parent() {
                self.watch(above);
            }
            return;
        }
        let worktrees = root.worktrees();
        if worktrees.parent().is_some_and(|agents| self.watch(agents)) && self.watch(&worktrees) {
            // The scan that follows reports errors.
            for folder in root.task_folders().unwrap_or_default() {
                self.watch(&folder);
            }
        }
    }

    /// Watches a folder, if the system can. Returns whether the folder exists.
    fn watch(&mut self, folder: &Path) -> bool {
        if self.watched.contains(folder) {
            return true;
        }
        if !folder.is_dir() {
            return false;
        }
        let Some(watcher) = &mut self.watcher else { return true };
        match watcher.watch(folder, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.watched.insert(folder.to_owned());
            }
            Err(error) if !self.complained => {
                self.complained = true;
                tracing::warn!(?folder, %error, "cannot watch the folder; polling instead");
            }
            Err(_) => {}
        }
        true
    }
}
