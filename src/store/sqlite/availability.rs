//! Statements for people's preferences, and for the people with recorded actions.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{column, query, signed, unreadable, unsigned};
use super::{Store, from_sqlite};
use crate::core::availability::Preferences;
use crate::store::{Amend, StoreError};

/// People's preferences, and the people with recorded actions.
///
/// Every method is atomic, and durable on return.
///
/// # Errors
/// Every method returns [`StoreError`]; nothing of the failed call was written.
#[derive(Debug, Clone, Copy)]
pub struct AvailabilityStore<'a> {
    pub(super) store: &'a Store,
}

#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl AvailabilityStore<'_> {
    /// A person's preferences; the defaults for an unknown person.
    pub fn preferences(self, user: u64) -> Result<Preferences, StoreError> {
        self.store.read(|connection| preferences(connection, user))
    }

    /// Updates a person's preferences and returns the new preferences.
    pub fn update(
        self,
        user: u64,
        name: &str,
        change: Amend<Preferences>,
    ) -> Result<Preferences, StoreError> {
        let name = name.to_owned();
        self.store.write(move |connection| update(connection, user, &name, change))
    }

    /// Everybody with at least one recorded action on a decision: Discord id and name.
    pub fn people_with_actions(self) -> Result<Vec<(u64, String)>, StoreError> {
        self.store.read(people_with_actions)
    }
}

pub(super) fn preferences(connection: &Connection, user: u64) -> Result<Preferences, StoreError> {
    let kept: Option<String> = connection
        .query_row("SELECT wishes FROM person WHERE user = ?1", [signed(user)], |row| row.get(0))
        .optional()
        .map_err(from_sqlite)?;
    kept.map_or_else(
        || Ok(Preferences::default()),
        |text| serde_json::from_str(&text).map_err(unreadable),
    )
}

pub(super) fn update(
    connection: &Connection,
    user: u64,
    name: &str,
    change: Amend<Preferences>,
) -> Result<Preferences, StoreError> {
    let preferences = change(preferences(connection, user)?);
    let text = serde_json::to_string(&preferences).map_err(unreadable)?;
    connection
        .execute(
            "INSERT INTO person (user, name, wishes) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET name = ?2, wishes = ?3",
            params![signed(user), name, text],
        )
        .map_err(from_sqlite)?;
    Ok(preferences)
}

pub(super) fn people_with_actions(
    connection: &Connection,
) -> Result<Vec<(u64, String)>, StoreError> {
    query(connection, "SELECT user, name FROM person WHERE acted = 1 ORDER BY user", [], |row| {
        Ok((unsigned(column(row, 0)?), column(row, 1)?))
    })
}

/// Records a person's first or latest action.
pub(super) fn put_acted(connection: &Connection, user: u64, name: &str) -> Result<(), StoreError> {
    connection
        .execute(
            "INSERT INTO person (user, name, acted) VALUES (?1, ?2, 1)
             ON CONFLICT DO UPDATE SET name = ?2, acted = 1",
            params![signed(user), name],
        )
        .map(drop)
        .map_err(from_sqlite)
}
