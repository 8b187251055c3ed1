//! Notices what other processes write to the store, and hints to everybody here to look.
//!
//! The folder's change notices are only hints, some are missed and reading the database causes some
//! itself; whether anybody has written is what `PRAGMA data_version` says. Without any notice it is
//! asked every second.

use std::path::Path;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::Handle;

/// How long a write of another process can stay unnoticed when the notice is lost.
const TICK: Duration = Duration::from_secs(1);

/// A notice comes before what it tells of: SQLite writes to the log, flushes it to the disk, and
/// only then lets others see the commit, in shared memory that gives no notice. So after one it is
/// looked several times, at these distances.
const AFTER_NOTICE: [Duration; 7] = [
    Duration::ZERO,
    Duration::from_millis(2),
    Duration::from_millis(3),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(30),
    Duration::from_millis(100),
];

/// Runs for as long as it is polled.
pub async fn run(handle: Handle, store: &Path) {
    let noticed = std::sync::Arc::new(Notify::new());
    // Held for its effect: dropping it ends the notices.
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
        // Too late or too early costs nothing: the loop looks again.
        let _ = tokio::time::timeout(TICK, noticed.notified()).await;
    }
}

/// Whether anybody has written since the last look. If so, everybody here is told.
async fn look(handle: &Handle, seen: &mut Option<i64>) -> bool {
    match handle.store(|store| store.data_version()).await {
        Ok(version) if *seen == Some(version) => false,
        Ok(version) => {
            *seen = Some(version);
            handle.hint();
            true
        }
        Err(error) => {
            tracing::warn!(%error, "could not look for changes; will look again in 1 s");
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
        // Reading a WAL database raises access events: waking on them would wake for ever.
        if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
            notice.notify_one();
        }
    })
    .and_then(|mut watcher| watcher.watch(folder, RecursiveMode::NonRecursive).map(|()| watcher));
    watcher.inspect_err(|error| tracing::warn!(%error, "the store's folder cannot be watched; looking every second instead")).ok()
}
