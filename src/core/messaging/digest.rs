//! Figures of a time span: decisions made, waiting times, and open decisions.
//!
//! Grouped by project and kind, never by person: the digest shows where work waits, not who is
//! slow. Pure; `text` has the wording.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::core::Time;
use crate::core::decision::{CallPattern, DecisionId, Via};

/// A decision closed within the span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The project.
    pub project: String,
    /// The kind.
    pub kind: String,
    /// Time from asking to closing.
    pub waited: TimeDelta,
    /// Whether the decision was closed after the SLA.
    pub late: bool,
    /// The verdict's word and origin; absent for a withdrawn decision.
    pub verdict: Option<(String, Via)>,
}

/// Waiting times for people, for one project and kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitFigures {
    /// The project.
    pub project: String,
    /// The kind.
    pub kind: String,
    /// Number of decisions.
    pub count: u64,
    /// Median waiting time, in seconds.
    pub median: i64,
    /// 90th percentile of the waiting time, in seconds.
    pub p90: i64,
}

/// Open decisions at the end of the span.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFigures {
    /// Pending decisions.
    pub waiting: u64,
    /// Pending decisions with a breached SLA.
    pub overdue: u64,
    /// Deferred decisions.
    pub deferred: u64,
    /// The longest-waiting decision, and when the wait began.
    pub oldest: Option<(DecisionId, Time)>,
}

/// The use of a grant within the span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantFigures {
    /// The decision whose verdict gives the grant.
    pub decision: DecisionId,
    /// The project.
    pub project: String,
    /// The title of the call that was shown.
    pub title: String,
    /// What the grant covers beside that call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<CallPattern>,
    /// Number of calls let through within the span.
    pub uses: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Figures of a time span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestFigures {
    /// Start of the span, exclusive.
    pub from: Time,
    /// End of the span, inclusive.
    pub to: Time,
    /// Decisions asked.
    pub asked: u64,
    /// Approved by people.
    pub approved: u64,
    /// Rejected by people.
    pub rejected: u64,
    /// Chosen or answered by people.
    pub answered: u64,
    /// Approved automatically.
    pub by_itself: u64,
    /// Resolved by the safe default.
    pub by_default: u64,
    /// Withdrawn by the asker.
    pub withdrawn: u64,
    /// Resolved by people after the SLA.
    pub late: u64,
    /// Open decisions at the end of the span.
    pub open: OpenFigures,
    /// Waiting times over all projects and kinds; absent if people decided nothing.
    pub wait: Option<WaitFigures>,
    /// Waiting times by project and kind, most frequent first.
    pub waits: Vec<WaitFigures>,
    /// Grants that let calls through within the span, the most used first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<GrantFigures>,
    /// Grants beyond a session that have not ended, at the end of the span.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub standing_grants: u64,
    /// The latest log position.
    pub events: u64,
    /// The hash at the latest log position: a kept copy of the digest can later prove that no
    /// earlier event was changed.
    pub head: String,
}

impl DigestFigures {
    /// Number of decisions resolved by people.
    #[must_use]
    pub const fn by_people(&self) -> u64 {
        self.approved + self.rejected + self.answered
    }

    /// Length of the span in days, at least 1.
    #[must_use]
    pub fn days(&self) -> i64 {
        // Rounded, because a day with a clock change has 23 or 25 hours.
        ((self.to - self.from + TimeDelta::hours(12)).num_days()).max(1)
    }
}

/// The end of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Position of the latest event.
    pub events: u64,
    /// Hash of the latest event.
    pub head: String,
}

/// Computes the figures.
#[must_use]
pub fn digest(
    (from, to): (Time, Time),
    asked: u64,
    ended: &[Ended],
    open: OpenFigures,
    end: End,
) -> DigestFigures {
    let mut digest = DigestFigures {
        from,
        to,
        asked,
        approved: 0,
        rejected: 0,
        answered: 0,
        by_itself: 0,
        by_default: 0,
        withdrawn: 0,
        late: 0,
        open,
        wait: None,
        waits: Vec::new(),
        grants: Vec::new(),
        standing_grants: 0,
        events: end.events,
        head: end.head,
    };
    let mut all: Vec<i64> = Vec::new();
    let mut groups: BTreeMap<(&str, &str), Vec<i64>> = BTreeMap::new();
    for ended in ended {
        match &ended.verdict {
            None => digest.withdrawn += 1,
            Some((_, Via::Routing)) => digest.by_itself += 1,
            Some((_, Via::SafeDefault)) => digest.by_default += 1,
            Some((word, Via::Discord | Via::Terminal | Via::Http | Via::Mcp)) => {
                match word.as_str() {
                    "approved" => digest.approved += 1,
                    "rejected" => digest.rejected += 1,
                    _ => digest.answered += 1,
                }
                digest.late += u64::from(ended.late);
                let seconds = ended.waited.num_seconds().max(0);
                all.push(seconds);
                groups.entry((&ended.project, &ended.kind)).or_default().push(seconds);
            }
        }
    }
    digest.wait = (!all.is_empty()).then(|| wait("", "", all));
    digest.waits =
        groups.into_iter().map(|((project, kind), waits)| wait(project, kind, waits)).collect();
    digest.waits.sort_by_key(|wait| std::cmp::Reverse(wait.count));
    digest
}

fn wait(project: &str, kind: &str, mut waits: Vec<i64>) -> WaitFigures {
    waits.sort_unstable();
    WaitFigures {
        project: project.to_owned(),
        kind: kind.to_owned(),
        count: u64::try_from(waits.len()).unwrap_or(u64::MAX),
        median: rank(&waits, 50),
        p90: rank(&waits, 90),
    }
}

/// The nearest-rank percentile; 0 for an empty slice.
fn rank(sorted: &[i64], percent: usize) -> i64 {
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(project: &str, kind: &str, minutes: i64, verdict: Option<(&str, Via)>) -> Ended {
        let verdict = verdict.map(|(word, via)| (word.to_owned(), via));
        Ended {
            project: project.into(),
            kind: kind.into(),
            waited: TimeDelta::minutes(minutes),
            late: minutes > 100,
            verdict,
        }
    }

    fn of(ended: &[Ended]) -> DigestFigures {
        let from = Time::UNIX_EPOCH;
        digest(
            (from, from + TimeDelta::hours(25)),
            3,
            ended,
            OpenFigures::default(),
            End { events: 1, head: "h".into() },
        )
    }

    #[test]
    fn ranks_are_values_that_occurred() {
        let minutes = |waits: &[i64]| {
            waits
                .iter()
                .map(|m| ended("p", "k", *m, Some(("approved", Via::Discord))))
                .collect::<Vec<_>>()
        };
        for (waits, median, p90) in [
            (vec![7], 7, 7),
            (vec![1, 9], 1, 9),
            ((1..=10).collect(), 5, 9),
            ((1..=100).rev().collect(), 50, 90),
        ] {
            let wait = of(&minutes(&waits)).wait.unwrap();
            assert_eq!((wait.median, wait.p90), (median * 60, p90 * 60), "{waits:?}");
        }
        assert_eq!(of(&[]).wait, None);
    }

    #[test]
    fn only_what_people_decided_has_waited_for_them() {
        let digest = of(&[
            ended("shop", "deploy", 200, Some(("approved", Via::Discord))),
            ended("shop", "deploy", 10, Some(("rejected", Via::Terminal))),
            ended("shop", "naming", 5, Some(("chosen", Via::Discord))),
            ended("shop", "naming", 0, Some(("approved", Via::Routing))),
            ended("shop", "naming", 999, Some(("rejected", Via::SafeDefault))),
            ended("shop", "naming", 999, None),
        ]);
        assert_eq!(
            (digest.approved, digest.rejected, digest.answered, digest.by_people()),
            (1, 1, 1, 3)
        );
        assert_eq!(
            (digest.by_itself, digest.by_default, digest.withdrawn, digest.late),
            (1, 1, 1, 1)
        );
        let groups: Vec<_> =
            digest.waits.iter().map(|wait| (wait.kind.as_str(), wait.count, wait.median)).collect();
        assert_eq!(groups, [("deploy", 2, 600), ("naming", 1, 300)]);
        assert_eq!(digest.days(), 1, "a day of 25 hours");
    }
}
