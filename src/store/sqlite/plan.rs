//! Statements of batching: finds pending decisions that may share a card, and writes the planned
//! batches.

use rusqlite::{Connection, Row, params};

use super::super::{NewPosting, SHOWN_FOR_GOOD, StoreError};
use super::from_sqlite;
use super::postings;
use super::rows::{column, query, signed, unreadable};
use crate::core::Time;
use crate::core::batch::{Candidate, Crowd, Planned, Young};
use crate::core::decision::{DecisionId, Revision};
use crate::core::posting::{Change, Item, Place, PostingId, Purpose};

/// Columns of a candidate.
const CANDIDATE: &str = "SELECT d.id, json_extract(d.document, '$.revision'), d.returns, d.project, d.kind, d.risk FROM";

/// Pending decisions without any card: neither an own card nor a batch card.
const FRESH: &str = "decision AS d INDEXED BY decision_open
    WHERE d.state IN ('pending', 'deferred') AND d.state = 'pending' AND d.risk IN ('low', 'medium') AND NOT EXISTS (
        SELECT 1 FROM delivery AS v
        WHERE v.decision = d.id AND v.lost = 0 AND v.returns = d.returns AND v.message IS NOT NULL AND v.shown < ?1)
      AND NOT EXISTS (
        SELECT 1 FROM posting_item AS i JOIN posting AS p ON p.id = i.posting
        WHERE i.decision = d.id AND i.gone IS NULL AND p.purpose = 'batch' AND p.final = 0)";

/// Pending decisions with an own card no older than the window. A decision taken by a person, or
/// with a vote, keeps the own card.
const RECENT: &str = "delivery AS v INDEXED BY delivery_intent JOIN decision AS d ON d.id = v.decision
    WHERE v.intent_at >= ?2 AND v.lost = 0 AND v.message IS NOT NULL AND v.shown < ?1 AND v.returns = d.returns
      AND d.state = 'pending' AND d.risk IN ('low', 'medium')
      AND json_extract(d.document, '$.state.taken') IS NULL
      AND coalesce(json_array_length(d.document, '$.state.votes'), 0) = 0";

/// Batches not yet posted, or no older than the window.
const YOUNG: &str = "
    SELECT p.id, json_extract(p.document, '$.project'),
        (SELECT count(*) FROM posting_item AS i WHERE i.posting = p.id AND i.gone IS NULL)
    FROM posting AS p INDEXED BY posting_lives
    WHERE p.purpose = 'batch' AND p.final = 0 AND (p.message IS NULL OR p.opened_at >= ?1)
    ORDER BY p.id";

fn candidate(row: &Row<'_>) -> Result<Candidate, StoreError> {
    Ok(Candidate {
        id: DecisionId(column(row, 0)?),
        revision: Revision(column(row, 1)?),
        returns: column(row, 2)?,
        project: column(row, 3)?,
        kind: column::<String>(row, 4)?.into(),
        risk: column::<String>(row, 5)?.parse().map_err(unreadable)?,
    })
}

pub(super) fn crowd(connection: &Connection, since: Time) -> Result<Crowd, StoreError> {
    let (good, since) = (signed(SHOWN_FOR_GOOD), since.timestamp_millis());
    let fresh =
        query(connection, &format!("{CANDIDATE} {FRESH} ORDER BY d.id"), [good], candidate)?;
    if fresh.is_empty() {
        return Ok(Crowd::default());
    }
    let recent = query(
        connection,
        &format!("{CANDIDATE} {RECENT} ORDER BY d.id"),
        params![good, since],
        candidate,
    )?;
    let young = query(connection, YOUNG, [since], |row| {
        let count: i64 = column(row, 2)?;
        Ok(Young {
            id: PostingId(column(row, 0)?),
            project: column(row, 1)?,
            count: usize::try_from(count).unwrap_or(usize::MAX),
        })
    })?;
    Ok(Crowd { fresh, recent, young })
}

/// Writes the planned steps. Returns whether any step existed.
pub(super) fn carry_out(
    connection: &Connection,
    at: Time,
    planned: &[Planned],
) -> Result<bool, StoreError> {
    for step in planned {
        let items = match step {
            Planned::Open { project, items } => {
                let (purpose, place) =
                    (Purpose::Batch { project: project.clone() }, Place::Project(project.clone()));
                postings::open(
                    connection,
                    &NewPosting { purpose, place, items: items.clone(), at },
                )?;
                items
            }
            Planned::Join { batch, items } => {
                let revision = postings::revision(connection, *batch)?;
                let put: Vec<Change> = items.iter().map(|item| Change::Put(*item)).collect();
                postings::amend(connection, *batch, revision, &put)?;
                items
            }
        };
        tell_old_cards(connection, items)?;
    }
    Ok(!planned.is_empty())
}

/// Marks the decisions' own cards, if any, as outdated, so that the reconciler edits the cards to
/// point to the batch.
fn tell_old_cards(connection: &Connection, items: &[Item]) -> Result<(), StoreError> {
    let mut update = connection
        .prepare_cached(
            "UPDATE delivery SET behind = 1 WHERE decision = ?1 AND lost = 0 AND shown < ?2",
        )
        .map_err(from_sqlite)?;
    for item in items {
        update.execute(params![item.decision.0, signed(SHOWN_FOR_GOOD)]).map_err(from_sqlite)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::SqliteStore;

    #[test]
    fn what_waits_is_found_without_reading_what_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gander.db");
        drop(SqliteStore::open(&path, None, Time::UNIX_EPOCH).unwrap());
        let connection = Connection::open(&path).unwrap();
        let (fresh, recent) = (format!("{CANDIDATE} {FRESH}"), format!("{CANDIDATE} {RECENT}"));
        for sql in [&fresh, &recent, YOUNG, postings::HANGING, postings::BEHIND] {
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
