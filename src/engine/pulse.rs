//! What the running bot says of itself, for `gander status` and `gander doctor`, which are other
//! processes.
//!
//! It lies in a file beside the store, replaced as a whole whenever something changes, and is
//! believed only while the bot holds the store's lock: what a killed one left behind says nothing.
//! Losing it loses no decision.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch::Receiver;

use super::{Handle, lock};
use crate::core::Time;
use crate::core::decision::DecisionId;
use crate::core::text;
use crate::store::files;

/// Cards that are named with the reason why they cannot be shown. Of a flood the first say enough.
const MOST_HELD_BACK: usize = 200;
/// The pause between two writes of the file: a flood of changes is written once.
const PAUSE: Duration = Duration::from_millis(200);

/// What the running bot says of itself. Times are the wall clock's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pulse {
    /// Its process.
    pub process: u32,
    /// When it started.
    pub since: Time,
    /// Since when it is connected to its surface; absent: it is not.
    pub connected: Option<Time>,
    /// What is wrong with the configuration's file: then what was read before holds.
    pub configuration: Option<String>,
    /// What the configuration says that only a restart brings about.
    pub after_restart: Vec<String>,
    /// Where it listens for agents and programs.
    pub listening: Vec<String>,
    /// The latest sign of another store under the same name on the surface.
    pub another: Option<Another>,
    /// Cards that cannot be shown at present, and why.
    pub held_back: BTreeMap<DecisionId, String>,
}

/// Another store whose buttons hang under the name that this process has on its surface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Another {
    /// Its tag, as its buttons carry it.
    pub tag: String,
    /// How that is known.
    pub sign: Sign,
    /// When that was noticed last.
    pub at: Time,
}

/// What says that there is another store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// One of its buttons was pressed; it may have hung there since long ago.
    Pressed,
    /// A message of its was posted while this process listened: somebody posts at the same time.
    Posted,
}

impl Another {
    /// What is so, and what to do about it.
    #[must_use]
    pub fn said(&self, wall: Time) -> (String, &'static str) {
        text::another(&self.tag, self.sign == Sign::Posted, wall - self.at)
    }
}

impl Pulse {
    /// Whether it is connected, goes by the configuration as it is written, and shows every card
    /// that is due.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.connected.is_some() && self.configuration.is_none() && self.held_back.is_empty()
    }

    /// A card cannot be shown.
    pub(crate) fn hold_back(&mut self, id: DecisionId, why: String) {
        if self.held_back.len() < MOST_HELD_BACK || self.held_back.contains_key(&id) {
            self.held_back.insert(id, why);
        }
    }
}

impl Handle {
    /// What this process says of itself, if it is the bot.
    #[must_use]
    pub fn pulse(&self) -> Option<Pulse> {
        self.inner.pulse.borrow().clone()
    }

    /// Tells of every change of it.
    #[must_use]
    pub fn pulses(&self) -> Receiver<Option<Pulse>> {
        self.inner.pulse.subscribe()
    }

    /// Changes what this process says of itself. Of a process that is not the bot nothing is said.
    pub fn beat(&self, change: impl FnOnce(&mut Pulse)) {
        self.inner.pulse.send_if_modified(|pulse| {
            let Some(pulse) = pulse else { return false };
            let before = pulse.clone();
            change(pulse);
            before != *pulse
        });
    }

    /// There was a sign of another store under the same name. What is surer is kept, and said in
    /// the log once.
    pub fn saw_another(&self, tag: String, sign: Sign) {
        let at = self.clock().wall();
        self.beat(|pulse| {
            let known = pulse.another.as_ref().filter(|known| known.sign >= sign);
            if known.is_some_and(|known| known.sign > sign) {
                return;
            }
            let new = known.is_none_or(|known| known.tag != tag);
            let another = Another { tag, sign, at };
            if new {
                let (what, mend) = another.said(at);
                tracing::warn!("{what}. {mend}");
            }
            pulse.another = Some(another);
        });
    }

    /// The surface is connected from now on, or not any more.
    pub fn connected(&self, connected: bool) {
        let now = self.clock().wall();
        self.beat(|pulse| {
            pulse.connected = if connected { pulse.connected.or(Some(now)) } else { None }
        });
    }
}

/// Says from now on that this process is the bot.
pub fn begin(handle: &Handle) {
    let pulse =
        Pulse { process: std::process::id(), since: handle.clock().wall(), ..Pulse::default() };
    handle.inner.pulse.send_replace(Some(pulse));
}

/// Keeps the file true, for as long as it is polled, and takes it away at the end.
pub async fn run(handle: Handle, store: &Path) {
    let file = File(path(store));
    let mut pulses = handle.pulses();
    loop {
        let pulse = pulses.borrow_and_update().clone();
        if let Some(pulse) = pulse
            && let Err(error) = file.write(&pulse)
        {
            tracing::warn!(%error, file = %file.0.display(), "what this process says of itself cannot be written; gander status will not know it");
        }
        tokio::time::sleep(PAUSE).await;
        // The sender lives in the handle, so the channel cannot close.
        let _ = pulses.changed().await;
    }
}

/// Whether a bot runs on a store, and what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Running {
    /// None.
    No,
    /// One that has not said anything yet, or whose words cannot be read. The text names it.
    Silent(String),
    /// One that says this.
    Yes(Box<Pulse>),
}

/// Looks whether a bot runs on a store.
#[must_use]
pub fn of(store: &Path) -> Running {
    let Some(holder) = lock::holder(store) else { return Running::No };
    let said = std::fs::read_to_string(path(store))
        .ok()
        .and_then(|text| serde_json::from_str::<Pulse>(&text).ok());
    match said {
        // Left behind by a predecessor.
        Some(pulse) if !holder.contains(&format!("process {},", pulse.process)) => {
            Running::Silent(holder)
        }
        Some(pulse) => Running::Yes(Box::new(pulse)),
        None => Running::Silent(holder),
    }
}

fn path(store: &Path) -> PathBuf {
    files::beside(store, ".pulse")
}

struct File(PathBuf);

impl File {
    fn write(&self, pulse: &Pulse) -> std::io::Result<()> {
        let new = files::beside(&self.0, ".new");
        let mut file = files::private_file().write(true).create(true).truncate(true).open(&new)?;
        file.write_all(&serde_json::to_vec(pulse)?)?;
        std::fs::rename(new, &self.0)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // Whoever reads it asks the lock first.
        let _ = std::fs::remove_file(&self.0);
    }
}
