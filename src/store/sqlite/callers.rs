//! Statements for tokens and idempotency keys.

use chrono::TimeDelta;
use rusqlite::{Connection, Row, params};

use super::super::{AskedOnce, KeptToken, NewToken, Once, StoreError};
use super::rows::{self, column, query, time, unreadable};
use super::{asking, from_sqlite};
use crate::core::Time;
use crate::core::caller::{Token, TokenId};
use crate::core::decision::{DecisionId, Request, Terms};

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

fn kept(row: &Row<'_>) -> Result<KeptToken, StoreError> {
    let at = |index| column::<Option<i64>>(row, index)?.map(time).transpose();
    let token = Token {
        id: TokenId(column(row, 0)?),
        name: column(row, 1)?,
        grant: serde_json::from_str(&column::<String>(row, 3)?).map_err(unreadable)?,
        created_at: time(column(row, 4)?)?,
        used_at: at(5)?,
        revoked_at: at(6)?,
    };
    Ok(KeptToken { token, hash: column(row, 2)? })
}

pub(super) fn all(connection: &Connection) -> Result<Vec<KeptToken>, StoreError> {
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
    request: Request,
    terms: Terms,
    at: Time,
    once: &Once,
) -> Result<AskedOnce, StoreError> {
    let forgotten = (at - REMEMBERED).timestamp_millis();
    let forget = connection.prepare_cached("DELETE FROM asked_once WHERE at < ?1");
    forget.and_then(|mut forget| forget.execute([forgotten])).map_err(from_sqlite)?;
    let sql = "SELECT digest, decision FROM asked_once WHERE asker = ?1 AND key = ?2";
    let before = query(connection, sql, params![once.asker, once.key], |row| {
        Ok((column::<Vec<u8>>(row, 0)?, DecisionId(column(row, 1)?)))
    });
    if let Some((digest, id)) = before?.pop() {
        if digest != once.digest {
            return Ok(AskedOnce::Otherwise(id));
        }
        return rows::get(connection, id)?
            .map(AskedOnce::Before)
            .ok_or(StoreError::NoSuchDecision(id));
    }
    let asked = asking(connection, request, terms, at)?;
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
    Ok(AskedOnce::Asked(asked))
}
