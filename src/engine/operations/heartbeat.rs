//! The running bot's heartbeat, read by other processes: `gander status` and `gander doctor`.
//!
//! The heartbeat is a file beside the store, replaced as a whole on every change. Readers trust the
//! file only while the bot holds the store's lock, so a file left by a killed bot is ignored.
//! Losing the file loses no decision.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch::Receiver;

use super::lock;
use crate::core::Time;
use crate::core::decision::DecisionId;
use crate::disk::{self, Flush};
use crate::engine::{Handle, OperationsApi};
use crate::presentation::text;
use crate::store::files;

/// Maximum number of undeliverable cards listed with their reason. During a flood the first
/// suffice.
const MOST_HELD_BACK: usize = 200;
/// Maximum number of other servers listed. Anybody may invite a public application.
const MOST_OTHER_SERVERS: usize = 10;
/// Largest file that is read, in bytes: far above [`MOST_HELD_BACK`] reasons.
const LONGEST_FILE: u64 = 4 << 20;
/// Minimum pause between two writes of the file, so a flood of changes becomes one write.
const PAUSE: Duration = Duration::from_millis(200);

/// The running bot's report about itself. Times are wall-clock times.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Heartbeat {
    /// Process id.
    pub process: u32,
    /// Start time.
    pub since: Time,
    /// When the bot connected to its surface; absent while disconnected.
    pub connected: Option<Time>,
    /// The error in the configuration file, if any. The last valid configuration then stays in
    /// force.
    pub configuration: Option<String>,
    /// Configuration changes not in force until a restart.
    pub after_restart: Vec<String>,
    /// Addresses listening for agents and programs.
    pub listening: Vec<String>,
    /// The latest sign of another store using the same bot account.
    pub another: Option<OtherStore>,
    /// Other servers that the bot is in, by id, with their names. Nothing from there is looked at.
    pub other_servers: BTreeMap<u64, String>,
    /// Undeliverable cards, with the reason.
    pub held_back: BTreeMap<DecisionId, String>,
}

/// Another store with cards posted under this process's bot account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherStore {
    /// The other store's tag, as in the `custom_id` of its buttons.
    pub tag: String,
    /// How the other store was detected.
    pub sign: Sign,
    /// When the other store was last detected.
    pub at: Time,
}

/// Evidence of another store, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// A click on a button of the other store, perhaps of an old message.
    Pressed,
    /// The other store posted a message while this process was connected: two bots run at the same
    /// time.
    Posted,
}

impl OtherStore {
    /// Problem and remedy, for display.
    #[must_use]
    pub fn describe(&self, wall: Time) -> (String, &'static str) {
        text::another(&self.tag, self.sign == Sign::Posted, wall - self.at)
    }
}

impl Heartbeat {
    /// Whether the bot is connected, uses the current configuration file, and shows every due card.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.connected.is_some() && self.configuration.is_none() && self.held_back.is_empty()
    }

    /// Records an undeliverable card.
    pub(crate) fn report_undelivered(&mut self, id: DecisionId, why: String) {
        if self.held_back.len() < MOST_HELD_BACK || self.held_back.contains_key(&id) {
            self.held_back.insert(id, why);
        }
    }
}

impl OperationsApi<'_> {
    /// This process's heartbeat; `None` if the process is not the bot.
    #[must_use]
    pub fn heartbeat(self) -> Option<Heartbeat> {
        self.handle.inner.heartbeat.borrow().clone()
    }

    /// Receives every change of the heartbeat.
    #[must_use]
    pub fn heartbeats(self) -> Receiver<Option<Heartbeat>> {
        self.handle.inner.heartbeat.subscribe()
    }

    /// Changes this process's heartbeat. Does nothing in a process other than the bot.
    pub fn update_heartbeat(self, change: impl FnOnce(&mut Heartbeat)) {
        self.handle.inner.heartbeat.send_if_modified(|heartbeat| {
            let Some(heartbeat) = heartbeat else { return false };
            let before = heartbeat.clone();
            change(heartbeat);
            before != *heartbeat
        });
    }

    /// Records evidence of another store with the same bot account. Stronger evidence is kept; each
    /// new store is logged once.
    pub fn saw_other_store(self, tag: String, sign: Sign) {
        let at = self.handle.clock().wall();
        self.update_heartbeat(|heartbeat| {
            let known = heartbeat.another.as_ref().filter(|known| known.sign >= sign);
            if known.is_some_and(|known| known.sign > sign) {
                return;
            }
            let new = known.is_none_or(|known| known.tag != tag);
            let another = OtherStore { tag, sign, at };
            if new {
                let (what, remedy) = another.describe(at);
                tracing::warn!("{what}. {remedy}");
            }
            heartbeat.another = Some(another);
        });
    }

    /// Records that the bot is in another server than its own. Returns whether this is news.
    pub fn saw_other_server(self, id: u64, name: String) -> bool {
        let mut is_new = false;
        self.update_heartbeat(|heartbeat| {
            is_new = !heartbeat.other_servers.contains_key(&id);
            let known = heartbeat.other_servers.len() < MOST_OTHER_SERVERS;
            if known || !is_new {
                heartbeat.other_servers.insert(id, name);
            }
        });
        is_new
    }

    /// Records that the bot is no longer in another server.
    pub fn left_other_server(self, id: u64) {
        self.update_heartbeat(|heartbeat| drop(heartbeat.other_servers.remove(&id)));
    }

    /// Records whether the surface is connected.
    pub fn set_connected(self, connected: bool) {
        let now = self.handle.clock().wall();
        self.update_heartbeat(|heartbeat| {
            heartbeat.connected = if connected { heartbeat.connected.or(Some(now)) } else { None }
        });
    }
}

/// Starts the heartbeat of this process, the bot.
pub fn begin(handle: &Handle) {
    let heartbeat = Heartbeat {
        process: std::process::id(),
        since: handle.clock().wall(),
        ..Heartbeat::default()
    };
    handle.inner.heartbeat.send_replace(Some(heartbeat));
}

/// Writes every change to the file until dropped, then removes the file.
pub async fn run(handle: Handle, store: &Path) {
    let file = File(path(store));
    let mut pulses = handle.operations().heartbeats();
    loop {
        let heartbeat = pulses.borrow_and_update().clone();
        if let Some(heartbeat) = heartbeat
            && let Err(error) = file.write(&heartbeat)
        {
            tracing::warn!(
                %error,
                file = %file.0.display(),
                "could not write the heartbeat; gander status will not show this process's health"
            );
        }
        tokio::time::sleep(PAUSE).await;
        // The sender lives in the handle, so the channel cannot close.
        let _ = pulses.changed().await;
    }
}

/// Whether a bot serves a store, and its heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Running {
    /// No bot.
    No,
    /// A bot without a readable heartbeat so far. The text names the process.
    Silent(String),
    /// A bot with this heartbeat.
    Yes(Box<Heartbeat>),
}

/// Checks whether a bot serves a store.
#[must_use]
pub fn of(store: &Path) -> Running {
    let Some(holder) = lock::holder(store) else { return Running::No };
    let said = disk::read_beside(&path(store), LONGEST_FILE)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Heartbeat>(&bytes).ok());
    match said {
        // The file was left by an earlier process.
        Some(heartbeat) if !holder.contains(&format!("process {},", heartbeat.process)) => {
            Running::Silent(holder)
        }
        Some(heartbeat) => Running::Yes(Box::new(heartbeat)),
        None => Running::Silent(holder),
    }
}

fn path(store: &Path) -> PathBuf {
    files::beside(store, ".pulse")
}

struct File(PathBuf);

impl File {
    fn write(&self, heartbeat: &Heartbeat) -> std::io::Result<()> {
        let (folder, name) = disk::folder_and_name(&self.0)?;
        let new = files::beside(name, ".new");
        folder.replace_by(name, &new, &serde_json::to_vec(heartbeat)?, Flush::Later)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // Failure is harmless: readers check the lock first.
        let _ = std::fs::remove_file(&self.0);
    }
}
