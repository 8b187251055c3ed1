//! The store on SQLite: WAL, `synchronous=FULL`, one writer thread, a few readers.
//!
//! Writes that arrive together share a commit, each in a SAVEPOINT of its own, because a durable commit
//! costs a disk flush and an agent's burst would otherwise pay it for every question.

pub mod checkup;
mod rows;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use self::writer::Writer;
use super::files;
use super::{Asked, Changed, Decide, Delivery, Filter, Head, Store, StoreError, Unchanged};
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, Refused, Request, Terms};
use crate::core::event::{Event, Logged};
use crate::core::pace::Pace;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// How long a write waits for another process before it says that the store is locked. Less than
/// Discord's 3 s, so that a click is answered in time, whatever the answer.
const BUSY: Duration = Duration::from_millis(2_000);

/// Idle read connections that are kept.
const READERS: usize = 4;

/// A store in a file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    tag: String,
    pace: Pace,
    writer: Writer,
    readers: Mutex<Vec<Connection>>,
    /// `PRAGMA data_version` tells of others' commits only, so it has a connection that never writes.
    watcher: Mutex<Connection>,
}

impl SqliteStore {
    /// Opens the store, and makes it if it is not there. `speed` is how fast its time shall run; a store
    /// keeps the one it was made with. `now` is the wall clock's time.
    ///
    /// # Errors
    /// [`StoreError::Open`] with the reason, [`StoreError::Pace`] if it lives by another clock.
    pub fn open(path: &Path, speed: Option<u32>, now: Time) -> Result<Self, StoreError> {
        let failed = |why: String| StoreError::Open { path: path.display().to_string(), why };
        make_file(path).map_err(|error| failed(error.to_string()))?;
        // Two processes that make the same store at once must not both apply its first migration.
        let making = files::private_file().write(true).create(true).truncate(false).open(files::beside(path, ".making"));
        let making = making.and_then(|file| file.lock().map(|()| file)).map_err(|error| failed(error.to_string()))?;
        let mut connection = connect(path, false).map_err(|error| failed(error.to_string()))?;
        embedded::migrations::runner().run(&mut connection).map_err(|error| failed(error.to_string()))?;
        drop(making);
        let named = |error| with_path(error, path);
        let pace = settle_pace(&connection, speed, now).map_err(named)?;
        let tag = settle_tag(&connection).map_err(named)?;
        let watcher = connect(path, true).map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            tag,
            pace,
            writer: Writer::start(connection).map_err(|error| failed(error.to_string()))?,
            readers: Mutex::new(Vec::new()),
            watcher: Mutex::new(watcher),
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
        self.writer.write(work).map_err(|error| with_path(error, &self.path))
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let kept = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match kept {
            Some(connection) => connection,
            None => connect(&self.path, true).map_err(from_sqlite)?,
        };
        let result = work(&connection);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS {
            readers.push(connection);
        }
        drop(readers);
        result
    }
}

/// SQLite's error knows no file.
fn with_path(error: StoreError, path: &Path) -> StoreError {
    match error {
        StoreError::ReadOnly(_) => StoreError::ReadOnly(path.display().to_string()),
        other => other,
    }
}

/// SQLite would make the file readable for all that the umask lets in; made here first, it is its owner's alone, and
/// SQLite gives `-wal` and `-shm` the same mode.
fn make_file(path: &Path) -> std::io::Result<()> {
    files::private_folder(files::folder_of(path))?;
    match files::private_file().write(true).create_new(true).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn connect(path: &Path, reader: bool) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if !reader {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    if reader {
        connection.pragma_update(None, "query_only", true)?;
    } else {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
    }
    Ok(connection)
}

fn meta(connection: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional().map_err(from_sqlite)
}

/// The value that stands; written now if there is none, unless another process is first.
fn settle(connection: &Connection, key: &str, value: &str) -> Result<String, StoreError> {
    if let Some(stands) = meta(connection, key)? {
        return Ok(stands);
    }
    connection
        .execute("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING", [key, value])
        .map_err(from_sqlite)?;
    meta(connection, key)?.ok_or_else(|| StoreError::Unreadable(format!("no {key}")))
}

fn settle_tag(connection: &Connection) -> Result<String, StoreError> {
    let mut random = [0_u8; 6];
    getrandom::fill(&mut random).map_err(|error| StoreError::Failed(error.to_string()))?;
    let alphabet = b"abcdefghijkmnpqrstuvwxyz23456789";
    let tag: String = random.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect();
    settle(connection, "tag", &tag)
}

fn settle_pace(connection: &Connection, speed: Option<u32>, now: Time) -> Result<Pace, StoreError> {
    let wanted = match speed {
        None | Some(0 | 1) => Pace::REAL,
        Some(speed) => Pace { since: now, speed: speed.min(Pace::FASTEST) },
    };
    let json = |error: serde_json::Error| StoreError::Unreadable(error.to_string());
    let stands = settle(connection, "pace", &serde_json::to_string(&wanted).map_err(json)?)?;
    let stands: Pace = serde_json::from_str(&stands).map_err(json)?;
    match speed {
        Some(speed) if speed.clamp(1, Pace::FASTEST) != stands.speed => Err(StoreError::Pace(format!(
            "this store lives at {}× the real time and cannot change to {speed}×: its deadlines would lie. \
             Leave --speed out, or name another file with --store",
            stands.speed
        ))),
        _ => Ok(stands),
    }
}

/// SQLite's error as what happens next.
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

impl Store for SqliteStore {
    fn tag(&self) -> &str {
        &self.tag
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn ask(&self, request: Request, terms: Terms, at: Time) -> Result<Asked, StoreError> {
        self.write(move |connection| {
            let Some(standing) = rows::open_with_key(connection, &request)? else {
                let event = Event::Asked { request: Box::new(request.clone()), terms: terms.clone() };
                let decision = Decision::new(rows::next_id(connection)?, request, terms, at);
                return rows::insert(connection, decision, &event, at).map(Asked::New);
            };
            match standing.revise(&request, &terms) {
                None => Ok(Asked::Same(standing)),
                Some(event) => rows::append(connection, standing, &event, at).map(Asked::Revised),
            }
        })
    }

    fn change(&self, id: DecisionId, at: Time, decide: Decide) -> Result<Changed, StoreError> {
        self.write(move |connection| {
            let decision = rows::get(connection, id)?.ok_or(StoreError::NoSuchDecision(id))?;
            match decide(&decision) {
                Err(why) => Ok(Err(Box::new(Unchanged { decision, why }))),
                Ok(None) => Ok(Ok(decision)),
                // One key is open once: a question that was asked again must not come back beside its successor.
                Ok(Some(Event::Undone { .. })) if let Some(again) = rows::open_with_key(connection, &decision.request)? => {
                    let why = Refused::AskedAgain { again: again.id }.into();
                    Ok(Err(Box::new(Unchanged { decision, why })))
                }
                Ok(Some(event)) => rows::append(connection, decision, &event, at).map(Ok),
            }
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
            rows::ids(connection, "SELECT id FROM decision WHERE wake_at <= ?1 ORDER BY wake_at", params![at.timestamp_millis()])
        })
    }

    fn next_wake(&self) -> Result<Option<Time>, StoreError> {
        self.read(|connection| {
            connection
                .query_row("SELECT min(wake_at) FROM decision WHERE wake_at IS NOT NULL", [], |row| row.get::<_, Option<i64>>(0))
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
        self.read(rows::first_broken_link)
    }

    fn data_version(&self) -> Result<i64, StoreError> {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        watcher.pragma_query_value(None, "data_version", |row| row.get(0)).map_err(from_sqlite)
    }

    fn deliveries(&self, id: DecisionId) -> Result<Vec<Delivery>, StoreError> {
        self.read(|connection| rows::deliveries(connection, "decision = ?1 ORDER BY generation", params![id.0]))
    }

    fn delivery_of(&self, message: &str) -> Result<Option<Delivery>, StoreError> {
        self.read(|connection| Ok(rows::deliveries(connection, "message = ?1", params![message])?.pop()))
    }

    fn put_delivery(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let delivery = delivery.clone();
        self.write(move |connection| rows::put_delivery(connection, &delivery))
    }

    fn unsettled(&self) -> Result<Vec<DecisionId>, StoreError> {
        self.read(|connection| rows::ids(connection, rows::UNSETTLED, []))
    }

    fn memo(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.read(|connection| meta(connection, &memo_key(name)))
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
}

/// No name of a surface's can be one of the store's own.
fn memo_key(name: &str) -> String {
    format!("memo:{name}")
}
