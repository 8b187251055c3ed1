//! Statements of messages. The table `posting` has a row for every message; the list of a message
//! is in `posting_item`, except for the only item of a card (see [`cards`]), which is in the
//! message's row.

use chrono::TimeDelta;
use rusqlite::{Connection, Row, params};

use super::rows::{column, ids, query, signed, time, unreadable, unsigned};
use super::{Store, batching, cards, from_sqlite, reminders};
use crate::core::Time;
use crate::core::decision::event::Event;
use crate::core::decision::{DecisionId, Revision};
use crate::core::messaging::message::{
    Destination, FinalPost, Item, ListChange, Message, MessageId, PostState, Purpose,
};
use crate::store::{NewCard, NewMessage, PlanBatches, StoreError};

/// How long a person's selection is kept for the buttons.
const SELECTION_KEPT: TimeDelta = TimeDelta::days(7);

/// Messages to reconcile, without cards.
pub(super) const OUTDATED: &str = "
    SELECT id FROM posting INDEXED BY posting_behind WHERE behind = 1 AND decision IS NULL
    ORDER BY id";

const MESSAGE: &str = "
    SELECT id, place, document, opened_at, revision, generation, channel, intent_at, message, shown,
        drawn, final, gone, decision, seen, returns
    FROM posting";

fn post_state(row: &Row<'_>) -> Result<PostState, StoreError> {
    let (is_final, is_gone): (bool, bool) = (column(row, "final")?, column(row, "gone")?);
    let channel: Option<String> = column(row, "channel")?;
    let posted = channel.clone().zip(column::<Option<String>>(row, "message")?);
    Ok(match (posted, channel) {
        (Some((channel, message)), _) if is_final && is_gone => {
            PostState::Final(FinalPost::Deleted { channel, message })
        }
        (Some((channel, message)), _) if is_final => {
            PostState::Final(FinalPost::Kept { channel, message })
        }
        (None, _) if is_final => PostState::Final(FinalPost::NeverPosted),
        (Some((channel, message)), _) => PostState::Posted {
            channel,
            message,
            shown: unsigned(column(row, "shown")?),
            list: column(row, "drawn")?,
        },
        (None, Some(channel)) => {
            let at: Option<i64> = column(row, "intent_at")?;
            PostState::Creating { channel, at: time(at.unwrap_or_default())? }
        }
        (None, None) => PostState::NotPosted,
    })
}

/// The only item of a card, from the message's row.
fn card_item(row: &Row<'_>) -> Result<Option<Item>, StoreError> {
    let Some(decision) = column::<Option<i64>>(row, "decision")?.map(DecisionId) else {
        return Ok(None);
    };
    let (seen, returns) = (Revision(column(row, "seen")?), column(row, "returns")?);
    Ok(Some(Item { decision, seen, returns, since: 1, gone: None }))
}

/// Messages in this order, without items; a card has its item.
fn bare(
    connection: &Connection,
    condition: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<Message>, StoreError> {
    query(connection, &format!("{MESSAGE} WHERE {condition}"), params, |row| {
        Ok(Message {
            id: MessageId(column(row, "id")?),
            purpose: serde_json::from_str::<Purpose>(&column::<String>(row, "document")?)
                .map_err(unreadable)?,
            place: column::<String>(row, "place")?.parse().map_err(unreadable)?,
            opened_at: time(column(row, "opened_at")?)?,
            revision: column(row, "revision")?,
            generation: column(row, "generation")?,
            state: post_state(row)?,
            items: card_item(row)?.into_iter().collect(),
        })
    })
}

fn find(
    connection: &Connection,
    condition: &str,
    params: impl rusqlite::Params,
) -> Result<Option<Message>, StoreError> {
    let Some(message) = bare(connection, condition, params)?.pop() else { return Ok(None) };
    if message.purpose.card_of().is_some() {
        return Ok(Some(message));
    }
    let items = items(connection, message.id)?;
    Ok(Some(Message { items, ..message }))
}

fn items(connection: &Connection, id: MessageId) -> Result<Vec<Item>, StoreError> {
    let sql = "
        SELECT decision, seen, returns, since, gone FROM posting_item
        WHERE posting = ?1 ORDER BY decision, since";
    query(connection, sql, [id.0], |row| {
        Ok(Item {
            decision: DecisionId(column(row, 0)?),
            seen: Revision(column(row, 1)?),
            returns: column(row, 2)?,
            since: column(row, 3)?,
            gone: column(row, 4)?,
        })
    })
}

pub(super) fn get(connection: &Connection, id: MessageId) -> Result<Option<Message>, StoreError> {
    find(connection, "id = ?1", [id.0])
}

pub(super) fn posted_as(
    connection: &Connection,
    message: &str,
) -> Result<Option<Message>, StoreError> {
    find(connection, "message = ?1", [message])
}

pub(super) fn numbers(connection: &Connection, sql: &str) -> Result<Vec<MessageId>, StoreError> {
    query(connection, sql, [], |row| column(row, 0).map(MessageId))
}

/// The latest revision of a message's list.
pub(super) fn revision(connection: &Connection, id: MessageId) -> Result<u32, StoreError> {
    connection
        .query_row("SELECT revision FROM posting WHERE id = ?1", [id.0], |row| row.get(0))
        .map_err(from_sqlite)
}

/// Posted messages with at least one open decision, without cards.
pub(super) const POSTED_WITH_OPEN: &str = "
    SELECT p.id FROM posting AS p INDEXED BY posting_lives
    WHERE p.final = 0 AND p.decision IS NULL AND p.message IS NOT NULL AND EXISTS (
        SELECT 1 FROM posting_item AS i JOIN decision AS d ON d.id = i.decision
        WHERE i.posting = p.id AND i.gone IS NULL AND d.state IN ('pending', 'deferred'))
    ORDER BY p.id";

/// Deletes selections too old for anybody to use the buttons; every view creates a new selection.
fn forget_selections(connection: &Connection, now: Time) -> Result<(), StoreError> {
    let before = now.checked_sub_signed(SELECTION_KEPT).unwrap_or(now).timestamp_millis();
    let sql = "DELETE FROM posting WHERE purpose = 'selection' AND final = 1 AND opened_at < ?1";
    connection
        .prepare_cached(sql)
        .and_then(|mut delete| delete.execute([before]))
        .map(drop)
        .map_err(from_sqlite)
}

pub(super) fn open(connection: &Connection, new: &NewMessage) -> Result<MessageId, StoreError> {
    if matches!(new.purpose, Purpose::Selection { .. }) {
        forget_selections(connection, new.at)?;
    }
    let document = serde_json::to_string(&new.purpose).map_err(unreadable)?;
    let kept_only = new.place == Destination::Nowhere;
    connection
        .prepare_cached(
            "INSERT INTO posting (purpose, place, document, opened_at, behind, final)
             VALUES (?1, ?2, ?3, ?4, NOT ?5, ?5)",
        )
        .and_then(|mut insert| {
            let (purpose, place) = (new.purpose.word(), new.place.to_string());
            insert.execute(params![purpose, place, document, new.at.timestamp_millis(), kept_only])
        })
        .map_err(from_sqlite)?;
    let id = MessageId(connection.last_insert_rowid());
    for item in &new.items {
        put_item(connection, id, 1, *item)?;
    }
    Ok(id)
}

fn put_item(
    connection: &Connection,
    id: MessageId,
    since: u32,
    item: Item,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO posting_item (posting, decision, since, seen, returns)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .and_then(|mut insert| {
            let Item { decision, seen, returns, .. } = item;
            insert.execute(params![id.0, decision.0, since, seen.0, returns])
        })
        .map(drop)
        .map_err(from_sqlite)
}

fn drop_item(
    connection: &Connection,
    id: MessageId,
    gone: u32,
    decision: DecisionId,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE posting_item SET gone = ?3
             WHERE posting = ?1 AND decision = ?2 AND gone IS NULL",
        )
        .and_then(|mut update| update.execute(params![id.0, decision.0, gone]))
        .map(drop)
        .map_err(from_sqlite)
}

/// Writes the next list. Returns `false`, with no change, if the list has changed since the
/// caller's read.
pub(super) fn amend(
    connection: &Connection,
    id: MessageId,
    seen: u32,
    changes: &[ListChange],
) -> Result<bool, StoreError> {
    let changed = connection
        .prepare_cached(
            "UPDATE posting SET revision = ?2 + 1, behind = NOT final
             WHERE id = ?1 AND revision = ?2",
        )
        .and_then(|mut update| update.execute(params![id.0, seen]))
        .map_err(from_sqlite)?;
    if changed == 0 {
        return Ok(false);
    }
    for change in changes {
        let (ListChange::Put(Item { decision, .. }) | ListChange::Drop(decision)) = change;
        drop_item(connection, id, seen + 1, *decision)?;
        if let ListChange::Put(item) = change {
            put_item(connection, id, seen + 1, *item)?;
        }
    }
    Ok(true)
}

/// The card of a batched decision counts as outdated until edited to point to the batch.
const PUT_POST_STATE: &str = "
    UPDATE posting SET generation = ?2, channel = ?3, intent_at = coalesce(?4, intent_at),
        message = ?5, shown = ?6, drawn = ?7,
        behind = CASE
            WHEN ?5 IS NULL THEN 1
            WHEN decision IS NULL THEN ?7 < revision OR EXISTS (
                SELECT 1 FROM posting_item AS i JOIN decision AS d ON d.id = i.decision
                WHERE i.posting = ?1 AND d.changed > ?6)
            ELSE ?6 < (SELECT d.changed FROM decision AS d WHERE d.id = posting.decision)
              OR EXISTS (
                SELECT 1 FROM posting_item AS i JOIN posting AS p ON p.id = i.posting
                WHERE i.decision = posting.decision AND i.gone IS NULL
                    AND p.purpose = 'batch' AND p.final = 0)
        END
    WHERE id = ?1 AND final = 0";

/// A final message keeps the channel and message id.
const PUT_FINAL: &str =
    "UPDATE posting SET final = 1, behind = 0, gone = ?2 WHERE id = ?1 AND final = 0";

pub(super) fn put_post_state(
    connection: &Connection,
    id: MessageId,
    generation: u32,
    state: &PostState,
) -> Result<(), StoreError> {
    let write = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection
            .prepare_cached(sql)
            .and_then(|mut update| update.execute(values))
            .map(drop)
            .map_err(from_sqlite)
    };
    let (channel, at, message, shown, list) = match state {
        PostState::Final(remains) => {
            let is_gone = matches!(remains, FinalPost::Deleted { .. });
            return write(PUT_FINAL, params![id.0, is_gone]);
        }
        PostState::NotPosted => (None, None, None, 0, 0),
        PostState::Creating { channel, at } => {
            (Some(channel), Some(at.timestamp_millis()), None, 0, 0)
        }
        PostState::Posted { channel, message, shown, list } => {
            (Some(channel), None, Some(message), *shown, *list)
        }
    };
    write(PUT_POST_STATE, params![id.0, generation, channel, at, message, signed(shown), list])
}

/// Marks every message with a changed decision as outdated, including lists from which the decision
/// was removed: the decision's line there shows the outcome.
pub(super) fn mark_outdated(
    connection: &Connection,
    id: DecisionId,
    by: &Event,
) -> Result<(), StoreError> {
    let [one, other] = Purpose::SHOWING_PROGRESS;
    connection
        .prepare_cached(
            "UPDATE posting SET behind = 1 WHERE behind = 0 AND final = 0 AND id IN (
                SELECT id FROM posting WHERE decision = ?1
                UNION ALL SELECT posting FROM posting_item WHERE decision = ?1)
             AND (NOT ?2 OR purpose IN (?3, ?4))",
        )
        .and_then(|mut update| update.execute(params![id.0, by.is_progress(), one, other]))
        .map(drop)
        .map_err(from_sqlite)
}

pub(super) fn of_decisions(
    connection: &Connection,
    decisions: &[DecisionId],
) -> Result<Vec<MessageId>, StoreError> {
    let sql =
        "SELECT DISTINCT i.posting FROM posting_item AS i JOIN posting AS p ON p.id = i.posting
               WHERE i.decision = ?1 AND p.behind = 1";
    let mut found = std::collections::BTreeSet::new();
    for decision in decisions {
        found.extend(query(connection, sql, [decision.0], |row| column(row, 0).map(MessageId))?);
    }
    Ok(found.into_iter().collect())
}

/// The latest message with this purpose, including items.
pub(super) fn latest(
    connection: &Connection,
    purpose: &str,
) -> Result<Option<Message>, StoreError> {
    let condition = "id = (
        SELECT max(id) FROM posting INDEXED BY posting_purpose
        WHERE purpose = ?1 AND decision IS NULL)";
    find(connection, condition, [purpose])
}

/// Messages on Discord: what to show, and what is shown.
///
/// Every method is atomic, and durable on return.
///
/// # Errors
/// Every method returns [`StoreError`]; nothing of the failed call was written.
#[derive(Debug, Clone, Copy)]
pub struct MessageStore<'a> {
    pub(super) store: &'a Store,
}

#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl MessageStore<'_> {
    /// Creates a message other than a card; the reconciler posts the message.
    pub fn open(self, new: NewMessage) -> Result<MessageId, StoreError> {
        self.store.write(move |connection| open(connection, &new))
    }

    /// Creates a card in the state [`PostState::Creating`], as the intent to post.
    pub fn open_card(self, new: NewCard) -> Result<Message, StoreError> {
        self.store.write(move |connection| cards::open_card(connection, &new))
    }

    /// One message, with every current and former item.
    pub fn get(self, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.store.read(|connection| get(connection, id))
    }

    /// The message with this Discord message id.
    pub fn with_discord_id(self, message: &str) -> Result<Option<Message>, StoreError> {
        self.store.read(|connection| posted_as(connection, message))
    }

    /// The cards of a decision, oldest first.
    pub fn cards_of(self, id: DecisionId) -> Result<Vec<Message>, StoreError> {
        let condition = "decision = ?1 ORDER BY generation";
        self.store.read(|connection| bare(connection, condition, [id.0]))
    }

    /// The batch card with this decision on the current list. Returned without items, because a
    /// batch may have a thousand items and the caller asks about a single decision.
    pub fn batch_card_of(self, id: DecisionId) -> Result<Option<Message>, StoreError> {
        let condition = "id = (
            SELECT p.id FROM posting_item AS i JOIN posting AS p ON p.id = i.posting
            WHERE i.decision = ?1 AND i.gone IS NULL AND p.purpose = 'batch' AND p.final = 0
            ORDER BY p.id DESC LIMIT 1)";
        self.store.read(|connection| Ok(bare(connection, condition, [id.0])?.pop()))
    }

    /// Replaces a message's list, if `revision` is still the latest. Returns `false`, with no
    /// change, if a newer list exists.
    pub fn amend(
        self,
        id: MessageId,
        revision: u32,
        changes: Vec<ListChange>,
    ) -> Result<bool, StoreError> {
        self.store.write(move |connection| amend(connection, id, revision, &changes))
    }

    /// Records the post state of a message, unless the recorded state is [`PostState::Final`]. Only
    /// an intent waits for the disk: without a later record, the intent's message is searched for.
    pub fn put_post_state(
        self,
        id: MessageId,
        generation: u32,
        state: PostState,
    ) -> Result<(), StoreError> {
        let is_intent = matches!(state, PostState::Creating { .. });
        let put = move |connection: &Connection| put_post_state(connection, id, generation, &state);
        if is_intent { self.store.write(put) } else { self.store.write_soon(put) }
    }

    /// Decisions with a missing or outdated card, according to the store's records.
    pub fn outdated_cards(self) -> Result<Vec<DecisionId>, StoreError> {
        self.store.read(|connection| ids(connection, cards::OUTDATED_CARDS, []))
    }

    /// Messages to reconcile, without cards: all, or only messages with one of these decisions.
    pub fn outdated(self, of: Option<&[DecisionId]>) -> Result<Vec<MessageId>, StoreError> {
        self.store.read(|connection| match of {
            None => numbers(connection, OUTDATED),
            Some(decisions) => of_decisions(connection, decisions),
        })
    }

    /// Posted messages with at least one open decision, without cards.
    pub fn posted_with_open(self) -> Result<Vec<MessageId>, StoreError> {
        self.store.read(|connection| numbers(connection, POSTED_WITH_OPEN))
    }

    /// Decisions on this message with an own card not yet edited to point here.
    pub fn cards_to_redirect(self, id: MessageId) -> Result<Vec<DecisionId>, StoreError> {
        self.store.read(|connection| cards::cards_to_redirect(connection, id))
    }

    /// Groups pending decisions into batches: `plan` runs inside the transaction, and the planned
    /// steps are written. The grouping window runs from `since` to `at`, by the wall clock. Returns
    /// whether anything changed.
    pub fn plan_batches(
        self,
        since: Time,
        at: Time,
        plan: PlanBatches,
    ) -> Result<bool, StoreError> {
        // Usually nothing can be grouped; the read avoids a write.
        let wanted = self
            .store
            .read(|connection| Ok(!plan(&batching::crowd(connection, since)?).is_empty()))?;
        Ok(wanted
            && self.store.write(move |connection| {
                batching::carry_out(connection, at, &plan(&batching::crowd(connection, since)?))
            })?)
    }

    /// The latest message with this purpose.
    pub fn latest(self, purpose: &str) -> Result<Option<Message>, StoreError> {
        self.store.read(|connection| latest(connection, purpose))
    }

    /// Gives up a message after a failed post: the message becomes final, the reminders on the
    /// message fail with `why`, and `instead` is created in the same transaction.
    pub fn give_up(
        self,
        id: MessageId,
        why: &str,
        instead: Option<NewMessage>,
    ) -> Result<(), StoreError> {
        let why = why.to_owned();
        self.store
            .write(move |connection| reminders::give_up(connection, id, &why, instead.as_ref()))
    }
}
