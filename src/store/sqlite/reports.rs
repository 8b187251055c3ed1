//! Aggregate statements for calibration, review and digest. All are answered from indexes, without
//! reading decision documents.

use rusqlite::{Connection, params};

use super::rows::{column, query, query_columns, unreadable};
use super::{Store, from_sqlite};
use crate::core::Time;
use crate::core::decision::{DecisionId, Via};
use crate::core::messaging::digest::Ended;
use crate::core::policy::calibration::{Count, Tally};
use crate::store::StoreError;

/// Figures for calibration, review and digest.
///
/// Every method is atomic, and durable on return.
///
/// # Errors
/// Every method returns [`StoreError`]; nothing of the failed call was written.
#[derive(Debug, Clone, Copy)]
pub struct ReportStore<'a> {
    pub(super) store: &'a Store,
}

#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl ReportStore<'_> {
    /// Verdict counts of decisions with a confidence. An automatic approval counts if a review
    /// listed the decision at or before `reviewed`, by the wall clock.
    pub fn judged(self, reviewed: Time) -> Result<Vec<Tally>, StoreError> {
        self.store.read(|connection| judged(connection, reviewed))
    }

    /// Decisions answered or withdrawn after `from`, up to and including `to`.
    pub fn ended_between(self, from: Time, to: Time) -> Result<Vec<Ended>, StoreError> {
        self.store.read(|connection| ended(connection, (from, to)))
    }

    /// Number of decisions asked after `from`, up to and including `to`.
    pub fn asked_between(self, from: Time, to: Time) -> Result<u64, StoreError> {
        self.store.read(|connection| asked(connection, (from, to)))
    }

    /// Automatic approvals up to and including `until` not yet listed on a review, with the
    /// project.
    pub fn unreviewed(self, until: Time) -> Result<Vec<(DecisionId, String)>, StoreError> {
        self.store.read(|connection| unreviewed(connection, until))
    }
}

/// Verdict counts of decisions with a confidence. An automatic approval counts if a posted
/// review, opened at or before ?1, lists the decision.
pub(super) const JUDGED: &str = "
    SELECT agent, kind, confidence / 10000 AS hundredth,
        sum(disagreed = 0 AND via IN ('discord', 'terminal') AND verdict = 'approved') AS approved,
        sum(disagreed = 0 AND via IN ('discord', 'terminal') AND verdict = 'rejected') AS rejected,
        sum(disagreed = 0 AND via = 'routing' AND EXISTS (
            SELECT 1 FROM posting_item AS i JOIN posting AS p ON p.id = i.posting
            WHERE i.decision = decision.id AND i.gone IS NULL AND p.purpose = 'review'
                AND p.message IS NOT NULL AND p.opened_at <= ?1)) AS stood,
        sum(disagreed = 1) AS disagreements
    FROM decision INDEXED BY decision_judged
    WHERE confidence IS NOT NULL AND (verdict IS NOT NULL OR disagreed = 1)
    GROUP BY 1, 2, 3";

/// `reviewed`: only reviews opened at or before this wall-clock time count.
pub(super) fn judged(connection: &Connection, reviewed: Time) -> Result<Vec<Tally>, StoreError> {
    let tallies = query(connection, JUDGED, [reviewed.timestamp_millis()], |row| {
        let count =
            |name: &str| column::<i64>(row, name).map(|count| u64::try_from(count).unwrap_or(0));
        Ok(Tally {
            agent: column(row, "agent")?,
            kind: column(row, "kind")?,
            hundredth: column(row, "hundredth")?,
            count: Count {
                approved: count("approved")?,
                rejected: count("rejected")?,
                stood: count("stood")?,
                disagreed: count("disagreements")?,
            },
        })
    })?;
    // Groups without any counted verdict have a row of zeros.
    Ok(tallies.into_iter().filter(|tally| tally.count.all() > 0).collect())
}

/// Decisions closed within a span of the store's time: after ?1, up to and including ?2.
pub(super) const ENDED: &str = "
    SELECT project, kind, over_at - asked_at AS waited, over_at > breach_at AS late, verdict, via
    FROM decision INDEXED BY decision_ended WHERE over_at > ?1 AND over_at <= ?2";

pub(super) fn ended(
    connection: &Connection,
    (from, to): (Time, Time),
) -> Result<Vec<Ended>, StoreError> {
    let span = params![from.timestamp_millis(), to.timestamp_millis()];
    let names = ["project", "kind", "waited", "late", "verdict", "via"];
    query_columns(connection, ENDED, span, names, |row, names| {
        let [project, kind, waited, late, verdict, via] = names;
        let (verdict, via): (Option<String>, Option<String>) =
            (column(row, verdict)?, column(row, via)?);
        let via = via
            .map(|via| serde_json::from_value::<Via>(via.into()).map_err(unreadable))
            .transpose()?;
        Ok(Ended {
            project: column(row, project)?,
            kind: column(row, kind)?,
            waited: chrono::TimeDelta::try_milliseconds(column(row, waited)?).unwrap_or_default(),
            late: column(row, late)?,
            verdict: verdict.zip(via),
        })
    })
}

/// Number of decisions asked within a span: after ?1, up to and including ?2.
pub(super) const ASKED: &str = "
    SELECT count(*) FROM decision INDEXED BY decision_asked
    WHERE asked_at > ?1 AND asked_at <= ?2";

pub(super) fn asked(connection: &Connection, (from, to): (Time, Time)) -> Result<u64, StoreError> {
    let millis = params![from.timestamp_millis(), to.timestamp_millis()];
    let count: i64 = connection.query_row(ASKED, millis, |row| row.get(0)).map_err(from_sqlite)?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Automatic approvals up to and including ?1 not listed on any review, with the project.
pub(super) const UNREVIEWED: &str = "
    SELECT d.id, d.project FROM decision AS d INDEXED BY decision_passed
    WHERE d.via = 'routing' AND d.over_at <= ?1 AND NOT EXISTS (
        SELECT 1 FROM posting_item AS i JOIN posting AS p ON p.id = i.posting
        WHERE i.decision = d.id AND i.gone IS NULL AND p.purpose = 'review')
    ORDER BY d.id";

pub(super) fn unreviewed(
    connection: &Connection,
    until: Time,
) -> Result<Vec<(DecisionId, String)>, StoreError> {
    query(connection, UNREVIEWED, [until.timestamp_millis()], |row| {
        Ok((DecisionId(column(row, 0)?), column(row, 1)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::Store;

    fn connection(folder: &tempfile::TempDir) -> Connection {
        let path = folder.path().join("gander.db");
        drop(Store::open(&path, None, Time::UNIX_EPOCH).unwrap());
        Connection::open(path).unwrap()
    }

    #[test]
    fn no_figure_reads_a_document_or_all_decisions() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connection(&folder);
        for (sql, index) in [
            (JUDGED, "decision_judged"),
            (ENDED, "decision_ended"),
            (ASKED, "decision_asked"),
            (UNREVIEWED, "decision_passed"),
        ] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let parameters = vec![0; plan.parameter_count()];
            let steps = plan
                .query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3))
                .unwrap();
            let steps: Vec<String> = steps.map(Result::unwrap).collect();
            assert!(
                steps.iter().any(|step| step.contains(&format!("COVERING INDEX {index}"))),
                "{sql}: {steps:#?}"
            );
        }
    }

    #[test]
    fn a_hundred_thousand_are_counted_in_a_moment() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connection(&folder);
        connection
            .execute(
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100000)
                 INSERT INTO decision (id, state, project, returns, changed, document, kind,
                                       asked_at, over_at, breach_at, agent, confidence, verdict,
                                       via, disagreed)
                 SELECT n, 'resolved', 'p' || n % 7, 0, n, '{}', 'k' || n % 5, n, n + 60000,
                        n + 90000, 'a' || n % 3, n % 1000 * 1000,
                        CASE WHEN n % 10 THEN 'approved' ELSE 'rejected' END,
                        CASE WHEN n % 4 THEN 'discord' ELSE 'routing' END, n % 400 = 0
                 FROM n",
                [],
            )
            .unwrap();
        let began = std::time::Instant::now();
        let tallies = judged(&connection, Time::UNIX_EPOCH).unwrap();
        let counted: u64 = tallies.iter().map(|tally| tally.count.all()).sum();
        assert_eq!(
            counted,
            75_000 + 250,
            "people's, and those disagreed with; what passed was on no review"
        );
        assert!(tallies.iter().all(|tally| tally.hundredth < 100) && tallies.len() <= 3 * 5 * 100);
        let all = (Time::UNIX_EPOCH, Time::from_timestamp_millis(1_000_000).unwrap());
        assert_eq!(
            (ended(&connection, all).unwrap().len(), asked(&connection, all).unwrap()),
            (100_000, 100_000)
        );
        assert_eq!(unreviewed(&connection, all.1).unwrap().len(), 25_000);
        // A generous limit, for busy machines.
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
    }
}
