//! Helpers to run statements and to convert values from and to columns.

use rusqlite::{Connection, Params, Row, RowIndex, Statement};

use super::from_sqlite;
use crate::core::Time;
use crate::core::decision::DecisionId;
use crate::store::StoreError;

/// Wraps an error about stored data that cannot be read.
pub(super) fn unreadable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

pub(super) fn time(millis: i64) -> Result<Time, StoreError> {
    Time::from_timestamp_millis(millis).ok_or_else(|| unreadable(format!("time {millis}")))
}

pub(super) fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}

pub(super) fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Runs a cached statement and reads every row.
pub(super) fn query<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(from_sqlite)?;
    let mut rows = statement.query(params).map_err(from_sqlite)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(from_sqlite)? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Like [`query`], but passes the positions of the named columns to `read`. The names are looked up
/// once per statement instead of once per row.
pub(super) fn query_columns<T, const N: usize>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    names: [&str; N],
    mut read: impl FnMut(&Row<'_>, [usize; N]) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(from_sqlite)?;
    let positions = positions(&statement, names).map_err(from_sqlite)?;
    let mut rows = statement.query(params).map_err(from_sqlite)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(from_sqlite)? {
        found.push(read(row, positions)?);
    }
    Ok(found)
}

/// The positions of the named columns in a statement's rows.
pub(super) fn positions<const N: usize>(
    statement: &Statement<'_>,
    names: [&str; N],
) -> rusqlite::Result<[usize; N]> {
    let mut positions = [0; N];
    for (position, name) in positions.iter_mut().zip(names) {
        *position = statement.column_index(name)?;
    }
    Ok(positions)
}

/// The value of a column, by name or by position.
pub(super) fn column<T: rusqlite::types::FromSql>(
    row: &Row<'_>,
    column: impl RowIndex,
) -> Result<T, StoreError> {
    row.get(column).map_err(from_sqlite)
}

/// The single value returned by a statement without parameters.
pub(super) fn one<T: rusqlite::types::FromSql>(
    connection: &Connection,
    sql: &str,
) -> Result<T, StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut select| select.query_row([], |row| row.get(0)))
        .map_err(from_sqlite)
}

pub(super) fn ids(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<DecisionId>, StoreError> {
    query(connection, sql, params, |row| column(row, 0).map(DecisionId))
}
