//! Opens the store's file: creates a missing file, migrates an old schema, rejects a newer schema
//! or a foreign database, and falls back to read-only access.

use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::connections::LONG_LOG;
use super::{backfill, from_sqlite, with_path};
use crate::core::Time;
use crate::core::values::time_scale::TimeScale;
use crate::disk;
use crate::store::{StoreError, files};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Access mode of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionMode {
    /// Reads and writes.
    Write,
    /// Only reads, beside concurrent writers.
    Read,
    /// Reads a store without any write access, not even to the WAL index.
    ReadOnly,
    /// Reads a file assumed to stay unchanged, because not even the folder is writable.
    Immutable,
}

/// Content of `.making` once the store was created.
const MADE: &[u8] = b"made\n";

/// Capacity of a connection's cache of prepared statements. More than the number of statements,
/// because parsing takes longer than running most statements.
const STATEMENTS: usize = 256;

pub(super) fn connect(
    path: &Path,
    access: ConnectionMode,
    patience: Duration,
) -> rusqlite::Result<Connection> {
    let read_write = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match access {
        ConnectionMode::Write | ConnectionMode::Read => {
            Connection::open_with_flags(path, read_write)?
        }
        ConnectionMode::ReadOnly => Connection::open_with_flags(path, read_only)?,
        ConnectionMode::Immutable => {
            Connection::open_with_flags(immutable(path), read_only | OpenFlags::SQLITE_OPEN_URI)?
        }
    };
    connection.busy_timeout(patience)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Otherwise SQLite parses a statement anew for each value that might make a partial index fit.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if access != ConnectionMode::Write {
        connection.pragma_update(None, "query_only", true)?;
    }
    Ok(connection)
}

/// The path as a SQLite URI, with characters special in URIs percent-encoded.
fn immutable(path: &Path) -> String {
    let path = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{path}?immutable=1")
}

/// Creates a missing store, migrates to this version's schema, and returns the write connection.
pub(super) fn to_write(path: &Path, patience: Duration) -> Result<Connection, StoreError> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => {
            StoreError::ReadOnly(path.display().to_string())
        }
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreError::Full,
        _ => refused(path, &error),
    };
    files::private_folder(files::folder_of(path)).map_err(failed)?;
    // A file lock, so that two processes creating one store at once do not both apply the first
    // migration.
    let making = files::beside(path, ".making");
    let making = disk::open_private(&making).map_err(std::io::Error::from);
    let mut making = making.and_then(|file| file.lock().map(|()| file)).map_err(failed)?;
    let is_new = make_file(path).map_err(failed)?;
    // SQLite would open a file without write permission, and leave `-wal` and `-shm` files equally
    // unwritable for everybody. And it would wait at a pipe for ever.
    let size = disk::open_to_write(path)
        .map_err(std::io::Error::from)
        .and_then(|file| Ok(file.metadata()?.len()))
        .map_err(failed)?;
    if size == 0 && !is_new && creation_finished(&mut making) {
        return Err(refused(path, EMPTIED));
    }
    let mut connection =
        connect(path, ConnectionMode::Write, patience).map_err(|error| cannot_open(path, error))?;
    let version = schema_of(&connection, path)?;
    for (pragma, value) in
        [("journal_mode", "WAL"), ("synchronous", "FULL"), ("foreign_keys", "ON")]
    {
        connection.pragma_update(None, pragma, value).map_err(|error| cannot_open(path, error))?;
    }
    // A log that grew beyond this is cut when SQLite begins it anew.
    connection
        .pragma_update(None, "journal_size_limit", LONG_LOG.cast_signed())
        .map_err(|error| cannot_open(path, error))?;
    if version < newest() {
        embedded::migrations::runner()
            .run(&mut connection)
            .map_err(|error| migration_failed(path, error))?;
    }
    backfill::fill_in(&mut connection)?;
    if size == 0 {
        making.rewind().and_then(|()| making.write_all(MADE)).map_err(failed)?;
    }
    Ok(connection)
}

const EMPTIED: &str = "it is empty, although it contained decisions: the file was truncated. \
    Restore a backup (gander backup), or remove the file to start with an empty store";

/// Creates the file with mode 0600 before SQLite would create a file readable by everybody the
/// umask allows; SQLite gives `-wal` and `-shm` the mode of the main file. Returns whether the file
/// is new.
fn make_file(path: &Path) -> std::io::Result<bool> {
    match disk::create_private(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

fn creation_finished(making: &mut std::fs::File) -> bool {
    let mut said = Vec::new();
    making.take(MADE.len() as u64 + 1).read_to_end(&mut said).is_ok() && said == MADE
}

/// Chooses an access mode for a store without write access, and connects.
pub(super) fn to_read(
    path: &Path,
    patience: Duration,
) -> Result<(Connection, ConnectionMode), StoreError> {
    // SQLite would wait at a pipe for ever.
    drop(disk::open_own(path).map_err(|error| refused(path, error))?);
    let size = |end| std::fs::metadata(files::beside(path, end)).map(|data| data.len()).ok();
    let (log, index) = (size("-wal"), size("-shm"));
    // `-wal` and `-shm` exist as long as any process has the store open. If both are missing, no
    // process writes, and the file is opened as immutable: an ordinary reader would create both
    // files as its own user and lock out processes with write permission.
    let nobody = log.is_none() && index.is_none();
    let channels: &[ConnectionMode] = match log {
        _ if nobody => &[ConnectionMode::Immutable],
        // An empty WAL needs no index.
        None | Some(0) => &[ConnectionMode::ReadOnly, ConnectionMode::Immutable],
        Some(_) => &[ConnectionMode::ReadOnly],
    };
    let mut failure = None;
    for access in channels.iter().copied() {
        let tried = connect(path, access, patience).map_err(|error| cannot_open(path, error));
        match tried.and_then(|connection| {
            schema_of(&connection, path).map(|version| (connection, version))
        }) {
            Ok((connection, version)) if version == newest() => return Ok((connection, access)),
            Ok(_) => {
                return Err(refused(
                    path,
                    "its schema is older and cannot be upgraded, because the store is read-only",
                ));
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    Err(failure.unwrap_or_else(|| StoreError::ReadOnly(path.display().to_string())))
}

/// The newest schema version known to this program. Cached, because the migrations are parsed from
/// text.
pub(super) fn newest() -> i64 {
    static NEWEST: LazyLock<i64> = LazyLock::new(|| {
        embedded::migrations::runner()
            .get_migrations()
            .iter()
            .map(|migration| i64::from(migration.version()))
            .max()
            .unwrap_or(0)
    });
    *NEWEST
}

/// The file's schema version; 0 for a new file. Changes nothing.
pub(super) fn schema_of(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let failed = |error| cannot_open(path, error);
    let tables = "SELECT count(*), count(*) FILTER (WHERE name = 'refinery_schema_history') FROM \
        sqlite_schema WHERE type = 'table'";
    let (tables, ours): (i64, i64) =
        connection.query_row(tables, [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    if ours == 0 {
        let another = "it is a database, but not a Gander store. Use another file with --store";
        return if tables == 0 { Ok(0) } else { Err(refused(path, another)) };
    }
    let version: Option<i64> = connection
        .query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get(0))
        .map_err(failed)?;
    let (version, known) = (version.unwrap_or(0), newest());
    if version > known {
        let newer = format!(
            "a newer Gander wrote it (its schema is {version}, this version supports {known}). \
             Nothing was changed. Use the newer version, or restore an earlier backup"
        );
        return Err(refused(path, newer));
    }
    Ok(version)
}

fn refused(path: &Path, why: impl std::fmt::Display) -> StoreError {
    StoreError::Open { path: path.display().to_string(), why: why.to_string() }
}

/// Adds a remedy to SQLite's error for a file that cannot be opened.
fn cannot_open(path: &Path, error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => refused(
            path,
            "it is not a database. Use another file with --store, or restore a backup",
        ),
        Some(ErrorCode::DatabaseCorrupt) => refused(
            path,
            format!(
                "{error}. Keep a copy of it, check the disk, and restore a backup (gander backup)"
            ),
        ),
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::ReadOnly,
        ) => with_path(from_sqlite(error), path),
        _ => refused(path, error),
    }
}

fn migration_failed(path: &Path, error: refinery::Error) -> StoreError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(rusqlite::Error::SqliteFailure(failure, words)) = error.downcast_ref() {
            return cannot_open(path, rusqlite::Error::SqliteFailure(*failure, words.clone()));
        }
        cause = error.source();
    }
    refused(path, error)
}

pub(super) fn meta(connection: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
        .optional()
        .map_err(from_sqlite)
}

/// The stored value for a key. Writes `value` if the key is missing, unless another process writes
/// first.
pub(super) fn settle(
    connection: &Connection,
    key: &str,
    value: &str,
) -> Result<String, StoreError> {
    if let Some(stands) = meta(connection, key)? {
        return Ok(stands);
    }
    connection
        .execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            [key, value],
        )
        .map_err(from_sqlite)?;
    meta(connection, key)?.ok_or_else(|| StoreError::Unreadable(format!("no {key}")))
}

pub(super) fn ensure_tag(connection: &Connection) -> Result<String, StoreError> {
    let mut random = [0_u8; 6];
    getrandom::fill(&mut random).map_err(|error| StoreError::Failed(error.to_string()))?;
    let alphabet = b"abcdefghijkmnpqrstuvwxyz23456789";
    let tag: String = random
        .iter()
        .map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()]))
        .collect();
    settle(connection, "tag", &tag)
}

pub(super) fn ensure_time_scale(
    connection: &Connection,
    speed: Option<u32>,
    now: Time,
) -> Result<TimeScale, StoreError> {
    let wanted = match speed {
        None | Some(0 | 1) => TimeScale::REAL,
        Some(speed) => TimeScale { since: now, speed: speed.min(TimeScale::FASTEST) },
    };
    let json = |error: serde_json::Error| StoreError::Unreadable(error.to_string());
    let stands = settle(connection, "pace", &serde_json::to_string(&wanted).map_err(json)?)?;
    let stands: TimeScale = serde_json::from_str(&stands).map_err(json)?;
    match speed {
        Some(speed) if speed.clamp(1, TimeScale::FASTEST) != stands.speed => {
            Err(StoreError::TimeScale(format!(
                "this store runs at {}× real time and cannot change to {speed}×, because its \
                 deadlines would be wrong. Leave out --speed, or use another file with --store",
                stands.speed
            )))
        }
        _ => Ok(stands),
    }
}
