//! Statements for people's preferences, and for the people with recorded actions.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::{Amend, StoreError};
use super::from_sqlite;
use super::rows::{column, query, signed, unreadable, unsigned};
use crate::core::people::Wishes;

pub(super) fn wishes(connection: &Connection, user: u64) -> Result<Wishes, StoreError> {
    let kept: Option<String> = connection
        .query_row("SELECT wishes FROM person WHERE user = ?1", [signed(user)], |row| row.get(0))
        .optional()
        .map_err(from_sqlite)?;
    kept.map_or_else(
        || Ok(Wishes::default()),
        |text| serde_json::from_str(&text).map_err(unreadable),
    )
}

pub(super) fn wish(
    connection: &Connection,
    user: u64,
    name: &str,
    change: Amend<Wishes>,
) -> Result<Wishes, StoreError> {
    let wishes = change(wishes(connection, user)?);
    let text = serde_json::to_string(&wishes).map_err(unreadable)?;
    connection
        .execute(
            "INSERT INTO person (user, name, wishes) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET name = ?2, wishes = ?3",
            params![signed(user), name, text],
        )
        .map_err(from_sqlite)?;
    Ok(wishes)
}

pub(super) fn acted(connection: &Connection) -> Result<Vec<(u64, String)>, StoreError> {
    query(connection, "SELECT user, name FROM person WHERE acted = 1 ORDER BY user", [], |row| {
        Ok((unsigned(column(row, 0)?), column(row, 1)?))
    })
}

/// Records a person's first or latest action.
pub(super) fn put_acted(connection: &Connection, user: u64, name: &str) -> Result<(), StoreError> {
    connection
        .execute(
            "INSERT INTO person (user, name, acted) VALUES (?1, ?2, 1) ON CONFLICT DO UPDATE SET name = ?2, acted = 1",
            params![signed(user), name],
        )
        .map(drop)
        .map_err(from_sqlite)
}
