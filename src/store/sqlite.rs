//! The SQLite store: WAL, `synchronous=FULL`, one writer thread, a few readers.
//!
//! Concurrent writes share a commit, each in a separate SAVEPOINT: a durable commit costs a disk
//! flush, and an agent's burst would pay for a flush per question.

mod audit;
mod callers;
pub mod checkup;
mod open;
mod outgoing;
mod people;
mod plan;
mod postings;
mod readers;
mod record;
mod reminders;
mod replay;
mod rows;
mod upkeep;
mod writer;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, params};

use self::open::{Access, connect};
use self::readers::Readers;
use self::writer::Writer;
use super::chain::Entry;
use super::{
    Amend, Asked, AskedOnce, Audit, Changed, Decide, Delivery, Filter, Glance, Head, KeptToken,
    NewPosting, NewToken, Once, PlanBatches, Pruned, Reminding, Store, StoreError,
};
use crate::core::Time;
use crate::core::calibration::Tally;
use crate::core::caller::{Token, TokenId};
use crate::core::decision::{Decision, DecisionId, Request, Terms};
use crate::core::digest::Ended;
use crate::core::event::{Event, Logged};
use crate::core::ladder::Stage;
use crate::core::outgoing::{Letter, Outgoing, Sending, Way};
use crate::core::pace::Pace;
use crate::core::people::Wishes;
use crate::core::posting::{Change, Hanging, Posting, PostingId};
use crate::core::remind::{On, Reminder};
use crate::core::waiting::Waiting;

/// How long a write waits for another process's lock before [`StoreError::Busy`]. Below Discord's 3
/// s, so a click gets an answer in time, even if the answer is a failure.
const BUSY: Duration = Duration::from_millis(2_000);

/// A store in a file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    tag: String,
    pace: Pace,
    patience: Duration,
    /// Access mode of the readers.
    access: Access,
    /// `None` for a read-only store.
    writer: Option<Writer>,
    readers: Readers,
    /// `PRAGMA data_version` reports only commits of other connections, so a connection that never
    /// writes reads the pragma.
    watcher: Mutex<Connection>,
}

impl SqliteStore {
    /// Opens the store, and creates a missing store. `speed` is the requested time scale; a store
    /// keeps the time scale of the creation. `now` is the wall-clock time.
    ///
    /// # Errors
    /// [`StoreError::Open`] with the reason, [`StoreError::ReadOnly`], [`StoreError::Pace`] if the
    /// store uses another time scale.
    pub fn open(path: &Path, speed: Option<u32>, now: Time) -> Result<Self, StoreError> {
        Self::open_patiently(path, speed, now, BUSY)
    }

    /// Like [`SqliteStore::open`], with a custom timeout for another process's lock.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_patiently(
        path: &Path,
        speed: Option<u32>,
        now: Time,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let connection = open::to_write(path, patience)?;
        let named = |error| with_path(error, path);
        let pace = open::settle_pace(&connection, speed, now).map_err(named)?;
        let tag = open::settle_tag(&connection).map_err(named)?;
        let failed = |why: String| StoreError::Open { path: path.display().to_string(), why };
        let watcher =
            connect(path, Access::Read, patience).map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            tag,
            pace,
            patience,
            access: Access::Read,
            writer: Some(Writer::start(connection).map_err(|error| failed(error.to_string()))?),
            readers: Readers::default(),
            watcher: Mutex::new(watcher),
        })
    }

    /// Opens the store for reading; falls back to read-only access if the store cannot be written,
    /// for lack of permissions or of disk space.
    ///
    /// # Errors
    /// As [`SqliteStore::open`], if reading fails too.
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
            tag: open::settle_tag(&connection).map_err(named)?,
            pace: open::settle_pace(&connection, None, now).map_err(named)?,
            patience: BUSY,
            access,
            writer: None,
            readers: Readers::default(),
            watcher: Mutex::new(connection),
        })
    }

    /// The store's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let writer = self
            .writer
            .as_ref()
            .ok_or_else(|| StoreError::ReadOnly(self.path.display().to_string()))?;
        writer.write(work).map_err(|error| with_path(error, &self.path))
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.readers.lend(|| connect(&self.path, self.access, self.patience), work)
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

fn asking(
    connection: &Connection,
    request: Request,
    terms: Terms,
    at: Time,
) -> Result<Asked, StoreError> {
    let Some(standing) = rows::open_with_key(connection, &request)? else {
        let event = Event::Asked { request: Box::new(request.clone()), terms: terms.clone() };
        let decision = Decision::new(rows::next_id(connection)?, request, terms, at);
        return rows::insert(connection, decision, &event, at).map(Asked::New);
    };
    match standing.revise(&request, &terms) {
        None => Ok(Asked::Same(standing)),
        Some(event) => rows::append(connection, standing, &event, at).map(Asked::Revised),
    }
}

impl Store for SqliteStore {
    fn tag(&self) -> &str {
        &self.tag
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn ask(&self, request: Request, terms: Terms, at: Time) -> Result<Asked, StoreError> {
        self.write(move |connection| asking(connection, request, terms, at))
    }

    fn ask_once(
        &self,
        request: Request,
        terms: Terms,
        at: Time,
        once: Once,
    ) -> Result<AskedOnce, StoreError> {
        self.write(move |connection| callers::ask(connection, request, terms, at, &once))
    }

    fn change(&self, id: DecisionId, at: Time, decide: Decide) -> Result<Changed, StoreError> {
        self.write(move |connection| rows::change(connection, id, at, decide))
    }

    fn change_many(
        &self,
        changes: Vec<(DecisionId, Decide)>,
        at: Time,
    ) -> Result<Vec<Changed>, StoreError> {
        self.write(move |connection| {
            changes
                .into_iter()
                .map(|(id, decide)| rows::change(connection, id, at, decide))
                .collect()
        })
    }

    fn get(&self, id: DecisionId) -> Result<Option<Decision>, StoreError> {
        self.read(|connection| rows::get(connection, id))
    }

    fn list(&self, filter: &Filter) -> Result<Vec<Decision>, StoreError> {
        self.read(|connection| rows::list(connection, filter))
    }

    fn due(&self, at: Time) -> Result<Vec<DecisionId>, StoreError> {
        self.read(|connection| {
            rows::ids(
                connection,
                "SELECT id FROM decision WHERE wake_at <= ?1 ORDER BY wake_at",
                params![at.timestamp_millis()],
            )
        })
    }

    fn next_wake(&self) -> Result<Option<Time>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT min(wake_at) FROM decision WHERE wake_at IS NOT NULL")
                .and_then(|mut select| select.query_row([], |row| row.get::<_, Option<i64>>(0)))
                .map(|millis| millis.and_then(Time::from_timestamp_millis))
                .map_err(from_sqlite)
        })
    }

    fn events(&self, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        self.read(|connection| rows::events(connection, after, limit))
    }

    fn history(&self, id: DecisionId) -> Result<Vec<Logged>, StoreError> {
        self.read(|connection| rows::history(connection, id))
    }

    fn head(&self) -> Result<Head, StoreError> {
        self.read(rows::head)
    }

    fn first_broken_link(&self) -> Result<Option<u64>, StoreError> {
        self.read(audit::first_broken_link)
    }

    fn audit(&self) -> Result<Audit, StoreError> {
        self.read(audit::audit)
    }

    fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.read(|connection| rows::entries(connection, after, limit))
    }

    fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        self.read(rows::waiting)
    }

    fn get_many(&self, ids: &[DecisionId]) -> Result<Vec<Decision>, StoreError> {
        self.read(|connection| rows::get_many(connection, ids))
    }

    fn open_ids(&self) -> Result<Vec<DecisionId>, StoreError> {
        self.read(|connection| rows::ids(connection, rows::OPEN, []))
    }

    fn prunable(&self, before: Time) -> Result<Pruned, StoreError> {
        let wall = self.pace().wall_time(before);
        self.read(|connection| upkeep::prunable(connection, (before, wall)))
    }

    fn prune(&self, before: Time, at: Time, limit: usize) -> Result<Pruned, StoreError> {
        let wall = self.pace().wall_time(before);
        self.write(move |connection| upkeep::prune(connection, (before, wall), at, limit))
    }

    fn files_in_use(&self) -> Result<BTreeSet<String>, StoreError> {
        self.read(upkeep::files_in_use)
    }

    fn copy_to(&self, file: &Path) -> Result<Audit, StoreError> {
        upkeep::copy_to(&self.path, self.access, self.patience, file)
    }

    fn data_version(&self) -> Result<i64, StoreError> {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        watcher.pragma_query_value(None, "data_version", |row| row.get(0)).map_err(from_sqlite)
    }

    fn deliveries(&self, id: DecisionId) -> Result<Vec<Delivery>, StoreError> {
        self.read(|connection| {
            rows::deliveries(connection, "decision = ?1 ORDER BY generation", params![id.0])
        })
    }

    fn delivery_of(&self, message: &str) -> Result<Option<Delivery>, StoreError> {
        self.read(|connection| {
            Ok(rows::deliveries(connection, "message = ?1", params![message])?.pop())
        })
    }

    fn put_delivery(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let delivery = delivery.clone();
        self.write(move |connection| rows::put_delivery(connection, &delivery))
    }

    fn unsettled(&self) -> Result<Vec<DecisionId>, StoreError> {
        self.read(|connection| rows::ids(connection, rows::UNSETTLED, []))
    }

    fn open_posting(&self, new: NewPosting) -> Result<PostingId, StoreError> {
        self.write(move |connection| postings::open(connection, &new))
    }

    fn posting(&self, id: PostingId) -> Result<Option<Posting>, StoreError> {
        self.read(|connection| postings::get(connection, id))
    }

    fn posting_of(&self, message: &str) -> Result<Option<Posting>, StoreError> {
        self.read(|connection| postings::of_message(connection, message))
    }

    fn carrier_of(&self, id: DecisionId) -> Result<Option<Posting>, StoreError> {
        self.read(|connection| postings::carrying(connection, id))
    }

    fn amend_posting(
        &self,
        id: PostingId,
        revision: u32,
        changes: Vec<Change>,
    ) -> Result<bool, StoreError> {
        self.write(move |connection| postings::amend(connection, id, revision, &changes))
    }

    fn put_hanging(
        &self,
        id: PostingId,
        generation: u32,
        hanging: Hanging,
    ) -> Result<(), StoreError> {
        self.write(move |connection| postings::hang(connection, id, generation, &hanging))
    }

    fn postings_behind(&self, of: Option<&[DecisionId]>) -> Result<Vec<PostingId>, StoreError> {
        self.read(|connection| match of {
            None => postings::numbers(connection, postings::BEHIND),
            Some(decisions) => postings::of_decisions(connection, decisions),
        })
    }

    fn hanging_postings(&self) -> Result<Vec<PostingId>, StoreError> {
        self.read(|connection| postings::numbers(connection, postings::HANGING))
    }

    fn to_move_to(&self, id: PostingId) -> Result<Vec<DecisionId>, StoreError> {
        self.read(|connection| postings::to_move(connection, id))
    }

    fn plan_batches(&self, since: Time, at: Time, plan: PlanBatches) -> Result<bool, StoreError> {
        // Usually nothing can be grouped; the read avoids a write.
        let wanted =
            self.read(|connection| Ok(!plan(&plan::crowd(connection, since)?).is_empty()))?;
        Ok(wanted
            && self.write(move |connection| {
                plan::carry_out(connection, at, &plan(&plan::crowd(connection, since)?))
            })?)
    }

    fn latest_posting(&self, purpose: &str) -> Result<Option<Posting>, StoreError> {
        self.read(|connection| record::latest(connection, purpose))
    }

    fn judged(&self, reviewed: Time) -> Result<Vec<Tally>, StoreError> {
        self.read(|connection| record::judged(connection, reviewed))
    }

    fn ended_between(&self, from: Time, to: Time) -> Result<Vec<Ended>, StoreError> {
        self.read(|connection| record::ended(connection, (from, to)))
    }

    fn asked_between(&self, from: Time, to: Time) -> Result<u64, StoreError> {
        self.read(|connection| record::asked(connection, (from, to)))
    }

    fn unreviewed(&self, until: Time) -> Result<Vec<(DecisionId, String)>, StoreError> {
        self.read(|connection| record::unreviewed(connection, until))
    }

    fn memo(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.read(|connection| open::meta(connection, &memo_key(name)))
    }

    fn put_memo(&self, name: &str, text: Option<String>) -> Result<(), StoreError> {
        let key = memo_key(name);
        self.write(move |connection| {
            let sql = match text {
                Some(_) => "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2",
                None => "DELETE FROM meta WHERE key = ?1 AND ?2 IS NULL",
            };
            connection.execute(sql, params![key, text]).map(drop).map_err(from_sqlite)
        })
    }

    fn wishes(&self, user: u64) -> Result<Wishes, StoreError> {
        self.read(|connection| people::wishes(connection, user))
    }

    fn wish(&self, user: u64, name: &str, change: Amend<Wishes>) -> Result<Wishes, StoreError> {
        let name = name.to_owned();
        self.write(move |connection| people::wish(connection, user, &name, change))
    }

    fn acted(&self) -> Result<Vec<(u64, String)>, StoreError> {
        self.read(people::acted)
    }

    fn reminded_up_to(&self) -> Result<u64, StoreError> {
        self.read(reminders::cursor)
    }

    fn reminders(&self) -> Result<Vec<Reminder>, StoreError> {
        self.read(reminders::all)
    }

    fn glance_at_reminders(&self) -> Result<Glance, StoreError> {
        self.read(reminders::glance)
    }

    fn messages_since(&self, since: Time) -> Result<Vec<(On, Stage)>, StoreError> {
        self.read(|connection| reminders::messages_since(connection, since))
    }

    fn remind(&self, step: Reminding) -> Result<(), StoreError> {
        self.write(move |connection| reminders::record(connection, &step))
    }

    fn give_up_posting(
        &self,
        id: PostingId,
        why: &str,
        instead: Option<NewPosting>,
    ) -> Result<(), StoreError> {
        let why = why.to_owned();
        self.write(move |connection| reminders::give_up(connection, id, &why, instead.as_ref()))
    }

    fn mint(&self, new: NewToken) -> Result<Token, StoreError> {
        self.write(move |connection| callers::mint(connection, &new))
    }

    fn tokens(&self) -> Result<Vec<KeptToken>, StoreError> {
        self.read(callers::all)
    }

    fn revoke(&self, id: TokenId, at: Time) -> Result<bool, StoreError> {
        self.write(move |connection| callers::revoke(connection, id, at))
    }

    fn used(&self, id: TokenId, at: Time) -> Result<(), StoreError> {
        self.write(move |connection| callers::used(connection, id, at))
    }

    fn enqueue(&self, messages: Vec<Outgoing>, at: Time) -> Result<usize, StoreError> {
        self.write(move |connection| outgoing::enqueue(connection, &messages, at))
    }

    fn outgoing_due(&self, at: Time, limit: usize) -> Result<Vec<Letter>, StoreError> {
        self.read(|connection| outgoing::due(connection, at, limit))
    }

    fn next_outgoing(&self) -> Result<Option<Time>, StoreError> {
        self.read(outgoing::next)
    }

    fn outgoing(&self, key: &str) -> Result<Option<Letter>, StoreError> {
        self.read(|connection| outgoing::of_key(connection, key))
    }

    fn outgoing_of(&self, id: DecisionId) -> Result<Vec<Letter>, StoreError> {
        self.read(|connection| outgoing::of_decision(connection, id))
    }

    fn outgoing_settled(&self, after: u64, limit: usize) -> Result<Vec<Letter>, StoreError> {
        self.read(|connection| outgoing::settled(connection, after, limit))
    }

    fn outgoing_went(
        &self,
        person: &str,
        way: Way,
        since: Time,
    ) -> Result<Vec<(Time, Option<String>)>, StoreError> {
        self.read(|connection| outgoing::went(connection, person, way, since))
    }

    fn put_outgoing(&self, key: &str, tries: u32, sending: Sending) -> Result<bool, StoreError> {
        let key = key.to_owned();
        self.write(move |connection| outgoing::put(connection, &key, tries, &sending))
    }
}

/// The prefix keeps a surface's names apart from the store's own keys.
fn memo_key(name: &str) -> String {
    format!("memo:{name}")
}
