//! Detects writes by other processes to the store, and hints all tasks of this process to read
//! again.
//!
//! The folder's change notifications are only hints: some are lost, and reading the database causes
//! some. `PRAGMA data_version` says whether another process has written. Without notifications the
//! pragma is read every second.

use std::path::Path;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::engine::Handle;

/// How long a write by another process can stay undetected when the notification is lost.
const TICK: Duration = Duration::from_secs(1);

/// Pauses between checks after a notification. A notification precedes its commit: SQLite writes to
/// the log, flushes to disk, and only then makes the commit visible, in shared memory without
/// notifications. Several checks are therefore needed.
const AFTER_NOTICE: [Duration; 7] = [
    Duration::ZERO,
    Duration::from_millis(2),
    Duration::from_millis(3),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(30),
    Duration::from_millis(100),
];

/// Watches until dropped.
pub async fn run(handle: Handle, store: &Path) {
    let noticed = std::sync::Arc::new(Notify::new());
    // Kept alive: dropping the watcher ends the notifications.
    let _watcher = watch_folder(store, &noticed);
    let mut seen = None;
    loop {
        for pause in AFTER_NOTICE {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            if look(&handle, &mut seen).await {
                break;
            }
        }
        // Waking too late or too early is harmless: the loop checks again.
        let _ = tokio::time::timeout(TICK, noticed.notified()).await;
    }
}

/// Returns whether another process has written since the last check, and if so sends a hint.
async fn look(handle: &Handle, seen: &mut Option<i64>) -> bool {
    match handle.with_store(|store| store.event_log().data_version()).await {
        Ok(version) if *seen == Some(version) => false,
        Ok(version) => {
            *seen = Some(version);
            handle.hint();
            true
        }
        Err(error) => {
            tracing::warn!(%error, "could not check for changes; trying again in 1 s");
            false
        }
    }
}

fn watch_folder(store: &Path, noticed: &std::sync::Arc<Notify>) -> Option<RecommendedWatcher> {
    let folder = store
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    let notice = std::sync::Arc::clone(noticed);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading a WAL database raises access events: waking on them would loop for ever.
        if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
            notice.notify_one();
        }
    })
    .and_then(|mut watcher| watcher.watch(folder, RecursiveMode::NonRecursive).map(|()| watcher));
    watcher
        .inspect_err(|error| {
            tracing::warn!(%error, "cannot watch the store's folder; polling every second instead")
        })
        .ok()
}
