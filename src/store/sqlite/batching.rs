//! Statements of batching: finds pending decisions that may share a card, and writes the planned
//! batches.

use rusqlite::{Connection, Row};

use super::rows::{column, query, unreadable};
use super::{cards, messages};
use crate::core::Time;
use crate::core::decision::{DecisionId, Revision, Risk};
use crate::core::messaging::batch::{
    BatchCandidates, BatchChange, Candidate, MOST_BATCHABLE, RecentBatch,
};
use crate::core::messaging::message::{Destination, ListChange, MessageId, Purpose};
use crate::store::{NewMessage, StoreError};

/// Columns of a candidate, and whether its question is at the desk: its quiet card is its own.
const CANDIDATE: &str = "
    SELECT d.id, json_extract(d.document, '$.revision'), d.returns, d.project, d.kind, d.risk,
        json_extract(d.document, '$.desk') IS NOT NULL
        AND json_extract(d.document, '$.desk.left_at') IS NULL FROM";

/// Pending decisions without any card: neither an own card nor a batch card. [`of_batchable`] fills
/// in the risks.
const FRESH: &str = "decision AS d INDEXED BY decision_open
    WHERE d.state IN ('pending', 'deferred') AND d.state = 'pending'
      AND d.risk IN (:risks)
      AND NOT EXISTS (
        SELECT 1 FROM posting AS c
        WHERE c.decision = d.id AND c.final = 0 AND c.returns = d.returns AND c.message IS NOT NULL)
      AND NOT EXISTS (
        SELECT 1 FROM posting_item AS i JOIN posting AS p ON p.id = i.posting
        WHERE i.decision = d.id AND i.gone IS NULL AND p.purpose = 'batch' AND p.final = 0)";

/// Pending decisions with an own card no older than the window. A decision taken by a person, or
/// with a vote, keeps the own card.
const RECENT: &str = "posting AS c INDEXED BY posting_card_opened
    JOIN decision AS d ON d.id = c.decision
    WHERE c.decision IS NOT NULL AND c.opened_at >= ?1 AND c.final = 0 AND c.message IS NOT NULL
      AND c.returns = d.returns AND d.state = 'pending'
      AND d.risk IN (:risks)
      AND json_extract(d.document, '$.state.taken') IS NULL
      AND coalesce(json_array_length(d.document, '$.state.votes'), 0) = 0";

/// Batches not yet posted, or no older than the window.
const YOUNG: &str = "
    SELECT p.id, json_extract(p.document, '$.project'),
        (SELECT count(*) FROM posting_item AS i WHERE i.posting = p.id AND i.gone IS NULL)
    FROM posting AS p INDEXED BY posting_lives
    WHERE p.purpose = 'batch' AND p.decision IS NULL AND p.final = 0
      AND (p.message IS NULL OR p.opened_at >= ?1)
    ORDER BY p.id";

/// The candidates of a source with a risk at which cards may be shared.
fn of_batchable(source: &str) -> String {
    let risks = Risk::ALL.iter().filter(|risk| **risk <= MOST_BATCHABLE);
    let risks: Vec<String> = risks.map(|risk| format!("'{risk}'")).collect();
    format!("{CANDIDATE} {} ORDER BY d.id", source.replace(":risks", &risks.join(", ")))
}

fn candidate(row: &Row<'_>) -> Result<Option<Candidate>, StoreError> {
    let is_at_desk: bool = column(row, 6)?;
    let candidate = Candidate {
        id: DecisionId(column(row, 0)?),
        revision: Revision(column(row, 1)?),
        returns: column(row, 2)?,
        project: column(row, 3)?,
        kind: column::<String>(row, 4)?.into(),
        risk: column::<String>(row, 5)?.parse().map_err(unreadable)?,
    };
    Ok((!is_at_desk).then_some(candidate))
}

fn candidates(found: Vec<Option<Candidate>>) -> Vec<Candidate> {
    found.into_iter().flatten().collect()
}

pub(super) fn crowd(connection: &Connection, since: Time) -> Result<BatchCandidates, StoreError> {
    let since = since.timestamp_millis();
    let fresh = candidates(query(connection, &of_batchable(FRESH), [], candidate)?);
    if fresh.is_empty() {
        return Ok(BatchCandidates::default());
    }
    let recent = candidates(query(connection, &of_batchable(RECENT), [since], candidate)?);
    let young = query(connection, YOUNG, [since], |row| {
        let count: i64 = column(row, 2)?;
        Ok(RecentBatch {
            id: MessageId(column(row, 0)?),
            project: column(row, 1)?,
            count: usize::try_from(count).unwrap_or(usize::MAX),
        })
    })?;
    Ok(BatchCandidates { fresh, recent, young })
}

/// Writes the planned steps. Returns whether any step existed.
pub(super) fn carry_out(
    connection: &Connection,
    at: Time,
    planned: &[BatchChange],
) -> Result<bool, StoreError> {
    for step in planned {
        let items = match step {
            BatchChange::Open { project, items } => {
                let (purpose, place) = (
                    Purpose::Batch { project: project.clone() },
                    Destination::Project(project.clone()),
                );
                messages::open(
                    connection,
                    &NewMessage { purpose, place, items: items.clone(), at },
                )?;
                items
            }
            BatchChange::Join { batch, items } => {
                let revision = messages::revision(connection, *batch)?;
                let put: Vec<ListChange> =
                    items.iter().map(|item| ListChange::Put(*item)).collect();
                messages::amend(connection, *batch, revision, &put)?;
                items
            }
        };
        cards::mark_cards_outdated(connection, items)?;
    }
    Ok(!planned.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::Store;

    #[test]
    fn what_waits_is_found_without_reading_what_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gander.db");
        drop(Store::open(&path, None, Time::UNIX_EPOCH).unwrap());
        let connection = Connection::open(&path).unwrap();
        let (fresh, recent) = (of_batchable(FRESH), of_batchable(RECENT));
        for sql in [&fresh, &recent, YOUNG, messages::POSTED_WITH_OPEN, messages::OUTDATED] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let parameters = vec![0; plan.parameter_count()];
            let steps = plan
                .query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3))
                .unwrap();
            let steps: Vec<String> = steps.map(Result::unwrap).collect();
            assert!(!steps.is_empty(), "no plan for {sql}");
            // A partial index over open rows may be scanned.
            let open = ["decision_open", "posting_lives", "posting_behind"];
            let whole = |step: &&String| {
                step.starts_with("SCAN") && !open.iter().any(|index| step.contains(index))
            };
            assert_eq!(steps.iter().find(whole), None, "{sql}: {steps:#?}");
        }
    }
}
