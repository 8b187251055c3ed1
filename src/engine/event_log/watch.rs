//! Detects writes by other processes to the store, and hints all tasks of this process to read
//! again.
//!
//! The bot binds a socket beside the store: each process sends it a datagram after a commit. Other
//! processes, and the bot without a socket, rely on the folder's change notifications. Both are
//! only hints: some are lost, and reading the database causes some. `PRAGMA data_version` says
//! whether another process has written. Without hints the pragma is read every second.

use std::path::Path;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::net::UnixDatagram;
use tokio::sync::Notify;

use crate::engine::Handle;
use crate::store::poke;

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
    watch(handle, store, None).await;
}

/// Watches until dropped, woken by datagrams after commits of other processes. The caller holds the
/// store's lock.
pub async fn run_for_bot(handle: Handle, store: &Path) {
    let pokes = poke::bind(store).and_then(UnixDatagram::from_std).inspect_err(|error| {
        tracing::info!(%error, "cannot make the socket beside the store; \
             cards of other processes' questions come some milliseconds later");
    });
    if pokes.is_ok() {
        handle.store.mute_pokes();
    }
    watch(handle, store, pokes.ok()).await;
}

async fn watch(handle: Handle, store: &Path, pokes: Option<UnixDatagram>) {
    let noticed = std::sync::Arc::new(Notify::new());
    // Kept alive: dropping the watcher ends the notifications.
    let _watcher = watch_folder(store, &noticed);
    let mut seen = None;
    loop {
        for pause in AFTER_NOTICE {
            // A poke comes after its commit: the next check finds the commit.
            if !pause.is_zero() {
                let _ = tokio::time::timeout(pause, poked(pokes.as_ref())).await;
            }
            if look(&handle, &mut seen).await {
                break;
            }
        }
        tokio::select! {
            () = poked(pokes.as_ref()) => {}
            // Waking too late or too early is harmless: the loop checks again.
            _ = tokio::time::timeout(TICK, noticed.notified()) => {}
        }
    }
}

/// Waits for a datagram, and discards the others that wait. Never resolves without a socket.
async fn poked(pokes: Option<&UnixDatagram>) {
    let Some(pokes) = pokes else { return std::future::pending().await };
    let mut content = [0; 1];
    if pokes.recv(&mut content).await.is_err() {
        return std::future::pending().await;
    }
    while pokes.try_recv(&mut content).is_ok() {}
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
