//! Statements for tokens and idempotency keys.

use chrono::TimeDelta;
use rusqlite::{Connection, Row, params};

use super::decisions::{self, NewRequest};
use super::rows::{column, query, time, unreadable};
use super::{Store, from_sqlite};
use crate::core::Time;
use crate::core::access::{Token, TokenId};
use crate::core::decision::DecisionId;
use crate::store::{Admit, IdempotencyKey, KeyedAsk, NewToken, StoreError, StoredToken};

/// Tokens of remote callers.
///
/// Every method is atomic, and durable on return.
///
/// # Errors
/// Every method returns [`StoreError`]; nothing of the failed call was written.
#[derive(Debug, Clone, Copy)]
pub struct TokenStore<'a> {
    pub(super) store: &'a Store,
}

#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl TokenStore<'_> {
    /// Creates a token.
    pub fn create(self, new: NewToken) -> Result<Token, StoreError> {
        self.store.write(move |connection| mint(connection, &new))
    }

    /// All tokens, including revoked tokens.
    pub fn all(self) -> Result<Vec<StoredToken>, StoreError> {
        self.store.read(all)
    }

    /// Revokes a token from this wall-clock time on. Returns `false` for an unknown or already
    /// revoked token.
    pub fn revoke(self, id: TokenId, at: Time) -> Result<bool, StoreError> {
        self.store.write(move |connection| revoke(connection, id, at))
    }

    /// Records the use of a token at this wall-clock time.
    pub fn record_use(self, id: TokenId, at: Time) -> Result<(), StoreError> {
        self.store.write(move |connection| used(connection, id, at))
    }
}

/// Lifetime of an idempotency key, by the store's time; 24 h is a common choice of APIs.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// Minimum interval between two recorded uses of a token, in milliseconds, so that not every
/// request costs a write.
const USED_EVERY: i64 = 60_000;

pub(super) fn mint(connection: &Connection, new: &NewToken) -> Result<Token, StoreError> {
    let document = serde_json::to_string(&new.grant).map_err(unreadable)?;
    connection
        .execute(
            "INSERT INTO token (name, hash, document, created_at) VALUES (?1, ?2, ?3, ?4)",
            params![new.name, new.hash.as_slice(), document, new.at.timestamp_millis()],
        )
        .map_err(from_sqlite)?;
    let id = TokenId(connection.last_insert_rowid());
    let (name, grant) = (new.name.clone(), new.grant.clone());
    Ok(Token {
        id,
        name,
        grant,
        created_at: time(new.at.timestamp_millis())?,
        used_at: None,
        revoked_at: None,
    })
}

fn kept(row: &Row<'_>) -> Result<StoredToken, StoreError> {
    let at = |name: &str| column::<Option<i64>>(row, name)?.map(time).transpose();
    let token = Token {
        id: TokenId(column(row, "id")?),
        name: column(row, "name")?,
        grant: serde_json::from_str(&column::<String>(row, "document")?).map_err(unreadable)?,
        created_at: time(column(row, "created_at")?)?,
        used_at: at("used_at")?,
        revoked_at: at("revoked_at")?,
    };
    Ok(StoredToken { token, hash: column(row, "hash")? })
}

pub(super) fn all(connection: &Connection) -> Result<Vec<StoredToken>, StoreError> {
    query(
        connection,
        "SELECT id, name, hash, document, created_at, used_at, revoked_at FROM token ORDER BY id",
        [],
        kept,
    )
}

pub(super) fn revoke(connection: &Connection, id: TokenId, at: Time) -> Result<bool, StoreError> {
    let revoke = "UPDATE token SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    connection
        .execute(revoke, params![id.0, at.timestamp_millis()])
        .map(|rows| rows > 0)
        .map_err(from_sqlite)
}

pub(super) fn used(connection: &Connection, id: TokenId, at: Time) -> Result<(), StoreError> {
    let sql =
        "UPDATE token SET used_at = ?2 WHERE id = ?1 AND (used_at IS NULL OR used_at <= ?2 - ?3)";
    connection
        .execute(sql, params![id.0, at.timestamp_millis(), USED_EVERY])
        .map(drop)
        .map_err(from_sqlite)
}

pub(super) fn ask(
    connection: &Connection,
    new: NewRequest,
    once: &IdempotencyKey,
    admit: &Admit,
) -> Result<KeyedAsk, StoreError> {
    let at = new.at;
    let forgotten = (at - REMEMBERED).timestamp_millis();
    let forget = connection.prepare_cached("DELETE FROM asked_once WHERE at < ?1");
    forget.and_then(|mut forget| forget.execute([forgotten])).map_err(from_sqlite)?;
    let sql = "SELECT digest, decision FROM asked_once WHERE asker = ?1 AND key = ?2";
    let before = query(connection, sql, params![once.asker, once.key], |row| {
        Ok((column::<Vec<u8>>(row, 0)?, DecisionId(column(row, 1)?)))
    });
    if let Some((digest, id)) = before?.pop() {
        if digest != once.digest {
            return Ok(KeyedAsk::Otherwise(id));
        }
        return decisions::get(connection, id)?
            .map(KeyedAsk::Before)
            .ok_or(StoreError::NoSuchDecision(id));
    }
    let asked = decisions::file_request(connection, new, admit)?;
    let id = asked.decision().id;
    connection
        .prepare_cached(
            "INSERT INTO asked_once (asker, key, digest, decision, at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                once.asker,
                once.key,
                once.digest.as_slice(),
                id.0,
                at.timestamp_millis()
            ])
        })
        .map_err(from_sqlite)?;
    Ok(KeyedAsk::Asked(asked))
}
