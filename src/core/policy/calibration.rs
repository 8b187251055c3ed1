//! How often people agreed with agents' confidence.
//!
//! Turns counts into figures: confidence intervals, and the approval threshold supported by the
//! record. Pure. Two sources count, both from decisions with a confidence that expect approval:
//! verdicts by people, and automatic approvals. An automatic approval counts as disagreed after a
//! person's disagreement, or as agreed if it stood for a day after being listed for review. Silence
//! before then counts for nothing.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Serialize;

/// How long an automatic approval must stand, after being listed for review, to count as agreed.
pub const REVIEW_PERIOD: TimeDelta = TimeDelta::hours(24);
/// Minimum number of decisions for a statement on thresholds.
pub const MIN_COUNT: u64 = 20;
/// Minimum share of agreement, at the lower end of the interval, for a supported threshold.
pub const MIN_AGREEMENT: f64 = 0.95;
/// Width of a bin of the plot, in hundredths of confidence.
pub const BIN: u8 = 10;
/// Quantile of the normal distribution for a two-sided 95 % interval.
const Z: f64 = 1.959_964;

/// Verdict counts for one agent, kind and confidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The agent's name.
    pub agent: String,
    /// The kind.
    pub kind: String,
    /// The confidence in hundredths, rounded down: 0 to 100.
    pub hundredth: u8,
    /// The counts.
    pub count: Count,
}

/// Decisions by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Approved by people.
    pub approved: u64,
    /// Rejected by people.
    pub rejected: u64,
    /// Approved automatically, without disagreement.
    pub stood: u64,
    /// Approved automatically, with a person's disagreement.
    pub disagreed: u64,
}

impl Count {
    /// The total.
    #[must_use]
    pub const fn all(self) -> u64 {
        self.approved + self.rejected + self.stood + self.disagreed
    }

    /// Number of decisions with agreement.
    #[must_use]
    pub const fn agreed(self) -> u64 {
        self.approved + self.stood
    }

    /// Share of agreement, 0 to 1; 0 without any decision.
    #[must_use]
    pub fn share(self) -> f64 {
        if self.all() == 0 { 0.0 } else { float(self.agreed()) / float(self.all()) }
    }

    /// The 95 % confidence interval of the share of agreement.
    #[must_use]
    pub fn interval(self) -> (f64, f64) {
        wilson(self.agreed(), self.all())
    }

    const fn add(&mut self, other: Self) {
        self.approved += other.approved;
        self.rejected += other.rejected;
        self.stood += other.stood;
        self.disagreed += other.disagreed;
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody decides 2^53 times")]
const fn float(count: u64) -> f64 {
    count as f64
}

/// The Wilson score interval at 95 %; 0 to 1 for no trials.
#[must_use]
pub fn wilson(yes: u64, all: u64) -> (f64, f64) {
    if all == 0 {
        return (0.0, 1.0);
    }
    let (n, share) = (float(all), float(yes) / float(all));
    let (middle, spread) =
        (share + Z * Z / (2.0 * n), Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt());
    let scale = 1.0 + Z * Z / n;
    (((middle - spread) / scale).max(0.0), ((middle + spread) / scale).min(1.0))
}

/// Decisions with similar confidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bin {
    /// The lowest confidence, in hundredths.
    pub from: u8,
    /// The mean confidence, 0 to 1.
    pub mean: f64,
    /// The counts.
    pub count: Count,
}

/// The confidence threshold supported by the record.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "supported", rename_all = "snake_case")]
pub enum Supported {
    /// Too few decisions for a statement.
    TooFew {
        /// Number of decisions.
        all: u64,
    },
    /// No threshold: people disagree too often, or too few decisions have a high confidence.
    None,
    /// Supported from this confidence upward.
    From {
        /// The confidence, in hundredths.
        hundredth: u8,
        /// Counts of decisions at or above this confidence.
        count: Count,
    },
}

/// Calibration figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// The agent, if restricted to a single agent.
    pub agent: Option<String>,
    /// The kind, if restricted to a single kind.
    pub kind: Option<String>,
    /// Counts of all decisions.
    pub count: Count,
    /// Counts by confidence, lowest first, without empty bins.
    pub bins: Vec<Bin>,
    /// Counts by kind, most frequent first.
    pub kinds: Vec<(String, Count)>,
    /// Counts by agent, most frequent first.
    pub agents: Vec<(String, Count)>,
    /// The threshold supported by the record.
    pub supported: Supported,
}

/// Computes the figures, optionally for one agent or kind.
#[must_use]
pub fn calibrate(tallies: &[Tally], agent: Option<&str>, kind: Option<&str>) -> Calibration {
    let fits = |tally: &&Tally| {
        agent.is_none_or(|name| name == tally.agent) && kind.is_none_or(|name| name == tally.kind)
    };
    let mut count = Count::default();
    let mut by_hundredth = [Count::default(); 101];
    let (mut kinds, mut agents) = (BTreeMap::new(), BTreeMap::new());
    for tally in tallies.iter().filter(fits) {
        count.add(tally.count);
        by_hundredth[usize::from(tally.hundredth.min(100))].add(tally.count);
        kinds.entry(tally.kind.clone()).or_insert_with(Count::default).add(tally.count);
        agents.entry(tally.agent.clone()).or_insert_with(Count::default).add(tally.count);
    }
    Calibration {
        agent: agent.map(Into::into),
        kind: kind.map(Into::into),
        count,
        bins: bins(&by_hundredth),
        kinds: most_first(kinds),
        agents: most_first(agents),
        supported: supported(&by_hundredth, count.all()),
    }
}

fn most_first(counts: BTreeMap<String, Count>) -> Vec<(String, Count)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(count.all()));
    counts
}

fn bins(by_hundredth: &[Count; 101]) -> Vec<Bin> {
    let bin = |from: u8| {
        // The last bin includes a confidence of exactly 1.
        let last = if from + BIN >= 100 { 100 } else { from + BIN - 1 };
        let (mut count, mut sum) = (Count::default(), 0.0);
        for hundredth in from..=last {
            let here = by_hundredth[usize::from(hundredth)];
            count.add(here);
            sum += float(here.all()) * f64::from(hundredth) / 100.0;
        }
        (count.all() > 0).then(|| Bin { from, mean: sum / float(count.all()), count })
    };
    (0..100).step_by(usize::from(BIN)).filter_map(bin).collect()
}

/// The lowest confidence at and above which the lower end of the interval reaches
/// [`MIN_AGREEMENT`].
fn supported(by_hundredth: &[Count; 101], all: u64) -> Supported {
    if all < MIN_COUNT {
        return Supported::TooFew { all };
    }
    let (mut above, mut lowest) = (Count::default(), Supported::None);
    for (hundredth, count) in (0..=100_u8).zip(by_hundredth).rev() {
        above.add(*count);
        if count.all() > 0 && above.all() >= MIN_COUNT && above.interval().0 >= MIN_AGREEMENT {
            lowest = Supported::From { hundredth, count: above };
        }
    }
    lowest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(agent: &str, kind: &str, hundredth: u8, approved: u64, rejected: u64) -> Tally {
        Tally {
            agent: agent.into(),
            kind: kind.into(),
            hundredth,
            count: Count { approved, rejected, ..Count::default() },
        }
    }

    #[test]
    fn wilsons_interval_is_the_published_one() {
        // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        for (yes, all, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let found = wilson(yes, all);
            assert!(
                (found.0 - low).abs() < 5e-5 && (found.1 - high).abs() < 5e-5,
                "{yes} of {all}: {found:?}"
            );
        }
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }

    #[test]
    fn a_threshold_is_said_only_where_the_record_bears_it() {
        let of = |tallies: &[Tally]| calibrate(tallies, None, None).supported;
        assert_eq!(of(&[tally("a", "k", 95, 19, 0)]), Supported::TooFew { all: 19 });
        assert_eq!(
            of(&[tally("a", "k", 95, 40, 0)]),
            Supported::None,
            "0.91 is the lower end of 40 of 40"
        );
        let sure = tally("a", "k", 95, 100, 0);
        assert!(matches!(of(std::slice::from_ref(&sure)), Supported::From { hundredth: 95, .. }));
        let less = [sure, tally("a", "k", 85, 60, 0), tally("a", "k", 60, 10, 10)];
        assert!(
            matches!(of(&less), Supported::From { hundredth: 85, count } if count.all() == 160)
        );
    }

    #[test]
    fn bins_and_groups_count_everything_once() {
        let tallies = [
            tally("a", "naming", 0, 1, 2),
            tally("b", "naming", 99, 3, 0),
            tally("b", "deploy", 100, 4, 1),
        ];
        let all = calibrate(&tallies, None, None);
        assert_eq!(
            all.bins.iter().map(|bin| (bin.from, bin.count.all())).collect::<Vec<_>>(),
            [(0, 3), (90, 8)]
        );
        assert_eq!(
            all.kinds.iter().map(|(kind, count)| (kind.as_str(), count.all())).collect::<Vec<_>>(),
            [("naming", 6), ("deploy", 5)]
        );
        assert_eq!(calibrate(&tallies, Some("b"), Some("deploy")).count.all(), 5);
        assert_eq!(calibrate(&tallies, Some("c"), None).count.all(), 0);
    }
}
