//! The SQLite store: WAL, `synchronous=FULL`, one writer thread, a few readers.
//!
//! Concurrent writes share a commit, each in a separate SAVEPOINT: a durable commit costs a disk
//! flush, and an agent's burst would pay for a flush per question.

mod audit;
mod availability;
mod backfill;
mod batching;
mod cards;
mod columns;
mod connections;
mod decisions;
mod event_log;
mod grants;
pub mod health;
mod jobs;
mod maintenance;
mod memos;
mod messages;
mod open;
mod outbox;
mod pending;
mod precedents;
mod reminders;
mod reports;
mod resumptions;
mod rows;
mod tokens;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::Connection;

pub use self::audit::AuditStore;
pub use self::availability::AvailabilityStore;
use self::connections::{Readers, Writer};
pub use self::decisions::DecisionStore;
pub use self::event_log::EventLogStore;
pub use self::grants::GrantStore;
pub use self::jobs::JobStore;
pub use self::maintenance::MaintenanceStore;
pub use self::memos::MemoStore;
pub use self::messages::MessageStore;
use self::open::{ConnectionMode, connect};
pub use self::outbox::OutboxStore;
pub use self::reminders::ReminderStore;
pub use self::reports::ReportStore;
pub use self::resumptions::ResumptionStore;
pub use self::tokens::TokenStore;
use super::StoreError;
use super::poke::Poker;
use crate::core::Time;
use crate::core::values::time_scale::TimeScale;

/// How long a write waits for another process's lock before [`StoreError::Busy`]. Below Discord's 3
/// s, so a click gets an answer in time, even if the answer is a failure.
const BUSY: Duration = Duration::from_millis(2_000);

/// Stores decisions, the event log and messages in a file. Every method of the accessors is atomic,
/// and durable on return. The methods block: the engine calls them from its blocking threads.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    tag: String,
    time_scale: TimeScale,
    patience: Duration,
    /// Access mode of the readers.
    access: ConnectionMode,
    /// `None` for a read-only store.
    writer: Option<Writer>,
    poker: Poker,
    readers: Readers,
    /// `PRAGMA data_version` reports only commits of other connections, so a connection that never
    /// writes reads the pragma.
    watcher: Mutex<Connection>,
}

impl Store {
    /// Opens the store, and creates a missing store. `speed` is the requested time scale; a store
    /// keeps the time scale of the creation. `now` is the wall-clock time.
    ///
    /// # Errors
    /// [`StoreError::Open`] with the reason, [`StoreError::ReadOnly`], [`StoreError::TimeScale`] if
    /// the store uses another time scale.
    pub fn open(path: &Path, speed: Option<u32>, now: Time) -> Result<Self, StoreError> {
        Self::open_with_timeout(path, speed, now, BUSY)
    }

    /// Like [`Store::open`], with a custom timeout for another process's lock.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with_timeout(
        path: &Path,
        speed: Option<u32>,
        now: Time,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let connection = open::to_write(path, patience)?;
        let named = |error| with_path(error, path);
        let time_scale = open::ensure_time_scale(&connection, speed, now).map_err(named)?;
        let tag = open::ensure_tag(&connection).map_err(named)?;
        let failed = |why: String| StoreError::Open { path: path.display().to_string(), why };
        let poker = Poker::new(path);
        let watcher = connect(path, ConnectionMode::Read, patience)
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            tag,
            time_scale,
            patience,
            access: ConnectionMode::Read,
            writer: Some(
                Writer::start(connection, poker.clone())
                    .map_err(|error| failed(error.to_string()))?,
            ),
            poker,
            readers: Readers::default(),
            watcher: Mutex::new(watcher),
        })
    }

    /// Opens the store for reading; falls back to read-only access if the store cannot be written,
    /// for lack of permissions or of disk space.
    ///
    /// # Errors
    /// As [`Store::open`], if reading fails too.
    pub fn open_to_read(path: &Path, now: Time) -> Result<Self, StoreError> {
        let failure = match Self::open(path, None, now) {
            Err(failure) if path.exists() => failure,
            opened => return opened,
        };
        let Ok((connection, access)) = open::to_read(path, BUSY) else { return Err(failure) };
        let named = |error| with_path(error, path);
        Ok(Self {
            path: path.to_owned(),
            // Both values exist since the creation of the store, so `settle` writes nothing.
            tag: open::ensure_tag(&connection).map_err(named)?,
            time_scale: open::ensure_time_scale(&connection, None, now).map_err(named)?,
            patience: BUSY,
            access,
            writer: None,
            poker: Poker::new(path),
            readers: Readers::default(),
            watcher: Mutex::new(connection),
        })
    }

    /// The store's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the datagrams after commits: this process receives them.
    pub fn mute_pokes(&self) {
        self.poker.mute();
    }

    /// The store's identifier in button ids: six letters and digits. Buttons of another store are
    /// ignored.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The store's time scale.
    #[must_use]
    pub const fn time_scale(&self) -> TimeScale {
        self.time_scale
    }

    /// Decisions: questions, verdicts, and what is due.
    #[must_use]
    pub const fn decisions(&self) -> DecisionStore<'_> {
        DecisionStore { store: self }
    }

    /// The event log.
    #[must_use]
    pub const fn event_log(&self) -> EventLogStore<'_> {
        EventLogStore { store: self }
    }

    /// The shared queue of jobs.
    #[must_use]
    pub const fn jobs(&self) -> JobStore<'_> {
        JobStore { store: self }
    }

    /// Messages on Discord.
    #[must_use]
    pub const fn messages(&self) -> MessageStore<'_> {
        MessageStore { store: self }
    }

    /// Reminders.
    #[must_use]
    pub const fn reminders(&self) -> ReminderStore<'_> {
        ReminderStore { store: self }
    }

    /// The outbox of notifications.
    #[must_use]
    pub const fn outbox(&self) -> OutboxStore<'_> {
        OutboxStore { store: self }
    }

    /// People's preferences.
    #[must_use]
    pub const fn availability(&self) -> AvailabilityStore<'_> {
        AvailabilityStore { store: self }
    }

    /// Grants: verdicts that also cover later calls.
    #[must_use]
    pub const fn grants(&self) -> GrantStore<'_> {
        GrantStore { store: self }
    }

    /// Tokens of remote callers.
    #[must_use]
    pub const fn tokens(&self) -> TokenStore<'_> {
        TokenStore { store: self }
    }

    /// Figures for calibration, review and digest.
    #[must_use]
    pub const fn reports(&self) -> ReportStore<'_> {
        ReportStore { store: self }
    }

    /// Agents that wait at a gate, or ended while they did.
    #[must_use]
    pub const fn resumptions(&self) -> ResumptionStore<'_> {
        ResumptionStore { store: self }
    }

    /// Short texts kept under a name.
    #[must_use]
    pub const fn memos(&self) -> MemoStore<'_> {
        MemoStore { store: self }
    }

    /// Pruning and backup.
    #[must_use]
    pub const fn maintenance(&self) -> MaintenanceStore<'_> {
        MaintenanceStore { store: self }
    }

    /// Verification of the store.
    #[must_use]
    pub const fn audit(&self) -> AuditStore<'_> {
        AuditStore { store: self }
    }
}

/// Adds the path, missing from SQLite's error.
fn with_path(error: StoreError, path: &Path) -> StoreError {
    match error {
        StoreError::ReadOnly(_) => StoreError::ReadOnly(path.display().to_string()),
        other => other,
    }
}

/// Converts SQLite's error into an error worded with the next step.
#[expect(clippy::needless_pass_by_value, reason = "used as map_err's function")]
fn from_sqlite(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly(String::new()),
        _ => StoreError::Failed(error.to_string()),
    }
}
