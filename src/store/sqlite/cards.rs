//! Statements of a decision's cards. Each card is a row of the table `posting`, with its only item;
//! the other messages are in [`messages`](super::messages).

use rusqlite::{Connection, params};

use super::from_sqlite;
use super::rows::{ids, unreadable};
use crate::core::decision::DecisionId;
use crate::core::messaging::message::{Item, Message, MessageId, PostState, Purpose};
use crate::store::{NewCard, StoreError};

/// Open decisions without a card (own or batch) for the latest return, plus decisions with an
/// interrupted create or an outdated card.
pub(super) const OUTDATED_CARDS: &str = "
    SELECT id FROM decision AS d INDEXED BY decision_open
    WHERE d.state IN ('pending', 'deferred') AND NOT EXISTS (
        SELECT 1 FROM posting AS c
        WHERE c.decision = d.id AND c.final = 0 AND c.returns = d.returns AND c.message IS NOT NULL)
      AND NOT EXISTS (
        SELECT 1 FROM posting_item AS i JOIN posting AS p ON p.id = i.posting
        WHERE i.decision = d.id AND i.gone IS NULL AND p.purpose = 'batch' AND p.final = 0)
    UNION
    SELECT decision FROM posting INDEXED BY posting_behind WHERE behind = 1 AND decision IS NOT NULL
    ORDER BY 1";

/// Inserts a card with the state [`PostState::Creating`]. A card's id is the next negative number:
/// the other messages have consecutive positive ids, because people read them.
pub(super) fn open_card(connection: &Connection, new: &NewCard) -> Result<Message, StoreError> {
    let purpose = Purpose::Card { decision: new.item.decision };
    let document = serde_json::to_string(&purpose).map_err(unreadable)?;
    let sql = "
        INSERT INTO posting (id, purpose, place, document, opened_at, generation, channel,
            intent_at, behind, decision, seen, returns)
        VALUES ((SELECT min(0, coalesce(min(id), 0)) - 1 FROM posting), 'card', ?1, ?2, ?3, ?4, ?5,
            ?3, 1, ?6, ?7, ?8)";
    let Item { decision, seen, returns, .. } = new.item;
    let (place, millis) = (new.place.to_string(), new.at.timestamp_millis());
    connection
        .prepare_cached(sql)
        .and_then(|mut insert| {
            let channel = &new.channel;
            insert.execute(params![
                place,
                document,
                millis,
                new.generation,
                channel,
                decision.0,
                seen.0,
                returns
            ])
        })
        .map_err(from_sqlite)?;
    Ok(Message {
        id: MessageId(connection.last_insert_rowid()),
        purpose,
        place: new.place.clone(),
        opened_at: new.at,
        revision: 1,
        generation: new.generation,
        state: PostState::Creating { channel: new.channel.clone(), at: new.at },
        items: vec![Item { since: 1, ..new.item }],
    })
}

/// Marks the cards of listed decisions as outdated, so that the reconciler edits the cards to point
/// to the batch.
pub(super) fn mark_cards_outdated(
    connection: &Connection,
    items: &[Item],
) -> Result<(), StoreError> {
    let sql = "UPDATE posting SET behind = 1 WHERE decision = ?1 AND final = 0";
    let mut update = connection.prepare_cached(sql).map_err(from_sqlite)?;
    for item in items {
        update.execute([item.decision.0]).map_err(from_sqlite)?;
    }
    Ok(())
}

/// Decisions on a message with a card not yet edited to point here.
pub(super) fn cards_to_redirect(
    connection: &Connection,
    id: MessageId,
) -> Result<Vec<DecisionId>, StoreError> {
    let sql = "
        SELECT DISTINCT i.decision
        FROM posting_item AS i JOIN posting AS c ON c.decision = i.decision
        WHERE i.posting = ?1 AND i.gone IS NULL AND c.behind = 1";
    ids(connection, sql, [id.0])
}
