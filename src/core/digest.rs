//! What was decided, how long it waited, and what still waits: the figures of a span of time.
//!
//! By project and kind, never by person: it is about where work waits, not about who is slow. Pure;
//! the words are `text`'s.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::Time;
use super::decision::{DecisionId, Via};

/// A decision that was over within the span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its project.
    pub project: String,
    /// What it was about.
    pub kind: String,
    /// From asking to the end.
    pub waited: TimeDelta,
    /// Whether that was after its SLA.
    pub late: bool,
    /// The verdict's word and where it came from; absent: withdrawn.
    pub verdict: Option<(String, Via)>,
}

/// How long people let decisions of a project and kind wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The project.
    pub project: String,
    /// What they were about.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// Half of them waited at most so long, in seconds.
    pub median: i64,
    /// Nine of ten did.
    pub p90: i64,
}

/// What is open at the end of the span.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Wait for an answer.
    pub waiting: u64,
    /// Of those: their SLA is breached.
    pub overdue: u64,
    /// Are put off.
    pub deferred: u64,
    /// Waits for the longest time, and since when.
    pub oldest: Option<(DecisionId, Time)>,
}

/// The figures of a span of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// After this moment.
    pub from: Time,
    /// Up to and with this one.
    pub to: Time,
    /// Decisions asked.
    pub asked: u64,
    /// Approved by people.
    pub approved: u64,
    /// Rejected by people.
    pub rejected: u64,
    /// Chosen or answered by people.
    pub answered: u64,
    /// Approved by themselves.
    pub by_itself: u64,
    /// Got the safe default.
    pub by_default: u64,
    /// Taken back by who asked.
    pub withdrawn: u64,
    /// Answered by people after the SLA.
    pub late: u64,
    /// What is open now.
    pub open: Open,
    /// How long people let wait, all together. Absent: they decided nothing.
    pub wait: Option<Wait>,
    /// The same by project and kind, the most frequent first.
    pub waits: Vec<Wait>,
    /// The position of the log's end.
    pub events: u64,
    /// The hash there: whoever keeps this message can prove later that nothing before it was
    /// changed.
    pub head: String,
}

impl Digest {
    /// Decided by people.
    #[must_use]
    pub const fn by_people(&self) -> u64 {
        self.approved + self.rejected + self.answered
    }

    /// How many days it covers, at least 1.
    #[must_use]
    pub fn days(&self) -> i64 {
        // A day can have 23 or 25 hours.
        ((self.to - self.from + TimeDelta::hours(12)).num_days()).max(1)
    }
}

/// The end of the log: its position, and the hash there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Position.
    pub events: u64,
    /// Hash.
    pub head: String,
}

/// Makes the figures.
#[must_use]
pub fn digest(
    (from, to): (Time, Time),
    asked: u64,
    ended: &[Ended],
    open: Open,
    end: End,
) -> Digest {
    let mut digest = Digest {
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

fn wait(project: &str, kind: &str, mut waits: Vec<i64>) -> Wait {
    waits.sort_unstable();
    Wait {
        project: project.to_owned(),
        kind: kind.to_owned(),
        count: u64::try_from(waits.len()).unwrap_or(u64::MAX),
        median: rank(&waits, 50),
        p90: rank(&waits, 90),
    }
}

/// The nearest rank: so many of a hundred are not above it. 0 of nothing.
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

    fn of(ended: &[Ended]) -> Digest {
        let from = Time::UNIX_EPOCH;
        digest(
            (from, from + TimeDelta::hours(25)),
            3,
            ended,
            Open::default(),
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
