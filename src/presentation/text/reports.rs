//! Text for reports: calibration and digest, on a surface and at a terminal, and the few words on
//! the plots.

use chrono::TimeDelta;

use super::{span, thousands};
use crate::core::Time;
use crate::core::decision::Kind;
use crate::core::messaging::digest::{DigestFigures, GrantFigures, WaitFigures};
use crate::core::policy::calibration::{Calibration, Count, MIN_AGREEMENT, MIN_COUNT, Supported};
use crate::core::untrusted::{one_line, plain};

/// Title of the calibration plot.
pub const PLOT_AGREED: &str = "People agreed";
/// Label of the horizontal axis of the calibration plot.
pub const PLOT_CONFIDENCE: &str = "agent's confidence";
/// Label of the counts.
pub const PLOT_N: &str = "n";
/// Title of the plot of waiting times.
pub const PLOT_WAIT: &str = "How long decisions waited for a person";
/// Legend of the plot of waiting times.
pub const PLOT_KEY: &str = "● half answered by then   ┃ 9 of 10 answered";

/// Maximum lines of a section; the rest is counted.
const MOST_LINES: usize = 8;
/// Maximum characters of a name.
const NAME: usize = 40;

/// A share as a percentage: `92 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn count(count: u64) -> String {
    thousands(usize::try_from(count).unwrap_or(usize::MAX))
}

fn decisions(all: u64) -> String {
    if all == 1 { "1 decision".into() } else { format!("{} decisions", count(all)) }
}

/// Count below a point of a plot.
#[must_use]
pub fn plot_count(all: u64) -> String {
    count(all)
}

/// Label of the threshold line.
#[must_use]
pub fn plot_supported(hundredth: u8) -> String {
    format!("supported from {}", hundredths(hundredth))
}

/// Project and kind, beside a line of a plot.
#[must_use]
pub fn plot_group(project: &str, kind: &str) -> String {
    let kind = Kind::from(kind).words();
    if project == "default" { kind } else { format!("{project} · {kind}") }
}

/// Waiting times, beside a line of a plot.
#[must_use]
pub fn plot_wait(wait: &WaitFigures) -> String {
    format!("{} · {} · n {}", seconds(wait.median), seconds(wait.p90), count(wait.count))
}

fn hundredths(hundredth: u8) -> String {
    format!("{}.{:02}", hundredth / 100, hundredth % 100)
}

fn seconds(seconds: i64) -> String {
    span(TimeDelta::try_seconds(seconds).unwrap_or(TimeDelta::MAX))
}

/// Formatting of a report. Names of agents, projects and kinds are untrusted text.
#[derive(Clone, Copy)]
pub struct ReportFormat<'a> {
    /// Formats a name.
    pub said: &'a dyn Fn(&str) -> String,
    /// Formats a time.
    pub at: &'a dyn Fn(Time) -> String,
    /// Formats text that must be copied exactly.
    pub code: fn(&str) -> String,
}

impl std::fmt::Debug for ReportFormat<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Figures")
    }
}

/// A section of a report: title and lines.
pub type ReportSection = (&'static str, Vec<String>);

fn agreement(counted: Count) -> String {
    let (low, high) = counted.interval();
    format!(
        "{} of {} ({:.0}–{:.0} %)",
        percent(counted.share()),
        count(counted.all()),
        low * 100.0,
        high * 100.0
    )
}

fn named(groups: &[(String, Count)], name: impl Fn(&str) -> String) -> Vec<String> {
    let line =
        |(group, counted): &(String, Count)| format!("{}: {}", name(group), agreement(*counted));
    let mut lines: Vec<String> = groups.iter().take(MOST_LINES).map(line).collect();
    if groups.len() > MOST_LINES {
        lines.push(format!("and {} more", groups.len() - MOST_LINES));
    }
    lines
}

/// Agent and kind that a calibration covers.
#[must_use]
pub fn calibration_scope(calibration: &Calibration, style: ReportFormat<'_>) -> String {
    let kind = calibration.kind.as_deref().map(|kind| (style.said)(&Kind::from(kind).words()));
    let agent = calibration.agent.as_deref().map(|agent| (style.said)(agent));
    match (agent, kind) {
        (None, None) => "all agents and kinds".into(),
        (Some(agent), None) => agent,
        (None, Some(kind)) => format!("{kind}, all agents"),
        (Some(agent), Some(kind)) => format!("{agent}, {kind}"),
    }
}

/// First line of a calibration report, shown on a lock screen.
#[must_use]
pub fn calibration_headline(calibration: &Calibration, style: ReportFormat<'_>) -> String {
    let scope = calibration_scope(calibration, style);
    match calibration.count.all() {
        0 => format!(
            "🎯 No figures yet ({scope}): no decision with a confidence was approved or rejected."
        ),
        all => format!(
            "🎯 People agreed with {} of {} · {scope}",
            percent(calibration.count.share()),
            decisions(all)
        ),
    }
}

/// Title of a calibration report.
pub const CALIBRATION_TITLE: &str = "How often people agreed with agents, by confidence";

/// Footnote of a calibration report.
pub const CALIBRATION_NOTE: &str = "In brackets: the 95 % confidence interval (Wilson). An \
    automatic approval counts one day after it was listed for review, or when a person disagreed.";

/// Sections of a calibration report.
#[must_use]
pub fn calibration_parts(calibration: &Calibration, style: ReportFormat<'_>) -> Vec<ReportSection> {
    if calibration.count.all() == 0 {
        return Vec::new();
    }
    let Count { approved, rejected, stood, disagreed } = calibration.count;
    let mut counts =
        vec![format!("{} approved and {} rejected by people", count(approved), count(rejected))];
    if stood + disagreed > 0 {
        counts.push(format!(
            "{} automatic approvals without objection, {} with a disagreement",
            count(stood),
            count(disagreed)
        ));
    }
    let bin = |bin: &crate::core::policy::calibration::Bin| {
        let to = if bin.from >= 90 { "1.00".to_owned() } else { hundredths(bin.from + 9) };
        format!("{}–{to}: {}", hundredths(bin.from), agreement(bin.count))
    };
    let mut parts = vec![
        ("Supported threshold", vec![supported(calibration.supported)]),
        ("By confidence", calibration.bins.iter().rev().map(bin).collect()),
    ];
    if calibration.kind.is_none() {
        parts.push((
            "By kind",
            named(&calibration.kinds, |kind| (style.said)(&Kind::from(kind).words())),
        ));
    }
    if calibration.agent.is_none() {
        parts.push(("By agent", named(&calibration.agents, |agent| (style.said)(agent))));
    }
    parts.push(("Counted", counts));
    parts
}

fn supported(supported: Supported) -> String {
    match supported {
        Supported::TooFew { all } => {
            format!("Too few decisions: {} so far, {MIN_COUNT} needed.", count(all))
        }
        Supported::None => format!(
            "No threshold yet. A threshold needs at least {MIN_COUNT} decisions at or above it, \
             and an agreement of at least {} at the lower end of the interval; that takes about \
             75 decisions without a rejection.",
            percent(MIN_AGREEMENT)
        ),
        Supported::From { hundredth, count: counted } => {
            let (low, _) = counted.interval();
            format!(
                "From {} up: people agreed with {} of {}, at least {:.0} % with 95 % certainty.",
                hundredths(hundredth),
                count(counted.agreed()),
                count(counted.all()),
                (low * 100.0).floor()
            )
        }
    }
}

/// First line of a digest, shown on a lock screen.
#[must_use]
pub fn digest_headline(digest: &DigestFigures) -> String {
    let overdue = if digest.open.overdue > 0 {
        format!(", {} overdue", count(digest.open.overdue))
    } else {
        String::new()
    };
    let decided = digest.by_people() + digest.by_itself + digest.by_default;
    format!("📊 {} decided, {} waiting{overdue}", count(decided), count(digest.open.waiting))
}

/// Title of a digest.
#[must_use]
pub fn digest_title(digest: &DigestFigures) -> String {
    match digest.days() {
        1 => "Digest of one day".into(),
        days => format!("Digest of {days} days"),
    }
}

/// Time range of a digest.
#[must_use]
pub fn digest_span(digest: &DigestFigures, style: ReportFormat<'_>) -> String {
    format!("{} – {}", (style.at)(digest.from), (style.at)(digest.to))
}

/// Sections of a digest.
#[must_use]
pub fn digest_parts(digest: &DigestFigures, style: ReportFormat<'_>) -> Vec<ReportSection> {
    let mut parts = vec![("Decided", decided(digest)), ("Waiting", waiting(digest, style))];
    if let Some(all) = &digest.wait {
        let line = |name: &str, wait: &WaitFigures| {
            format!(
                "{name}: median {}, 9 of 10 within {} ({})",
                seconds(wait.median),
                seconds(wait.p90),
                count(wait.count)
            )
        };
        let mut lines = vec![line("All", all)];
        let group =
            |wait: &WaitFigures| line(&(style.said)(&plot_group(&wait.project, &wait.kind)), wait);
        lines.extend(digest.waits.iter().take(MOST_LINES).map(group));
        if digest.waits.len() > MOST_LINES {
            lines.push(format!("and {} more", digest.waits.len() - MOST_LINES));
        }
        parts.push(("How long it took people", lines));
    }
    parts.extend(Some(granted(digest, style)).filter(|(_, lines)| !lines.is_empty()));
    parts.push((
        "Log",
        vec![format!("{} events, head {}", count(digest.events), (style.code)(&digest.head))],
    ));
    parts
}

fn decided(digest: &DigestFigures) -> Vec<String> {
    let DigestFigures {
        asked,
        approved,
        rejected,
        answered,
        by_itself,
        by_default,
        withdrawn,
        late,
        ..
    } = digest;
    let mut lines = Vec::new();
    let by_people =
        [(approved, "approved"), (rejected, "rejected"), (answered, "chosen or answered")];
    let said: Vec<String> = by_people
        .into_iter()
        .filter(|(n, _)| **n > 0)
        .map(|(n, what)| format!("{} {what}", count(*n)))
        .collect();
    let said = if said.is_empty() { "nothing".into() } else { said.join(", ") };
    let late = if *late > 0 { format!("; {} after the SLA", count(*late)) } else { String::new() };
    lines.push(format!("By people: {said}{late}"));
    let others = [
        (by_itself, "approved automatically"),
        (by_default, "by the safe default, without an answer"),
        (withdrawn, "withdrawn by the agent"),
    ];
    lines.extend(
        others
            .into_iter()
            .filter(|(n, _)| **n > 0)
            .map(|(n, what)| format!("{} {what}", count(*n))),
    );
    lines.push(format!("{} asked", count(*asked)));
    lines
}

/// How often each grant was used.
fn granted(digest: &DigestFigures, style: ReportFormat<'_>) -> ReportSection {
    let line = |grant: &GrantFigures| {
        let covered = grant.pattern.as_ref().map(super::pattern);
        let what = (style.said)(&covered.unwrap_or_else(|| grant.title.clone()));
        let times = if grant.uses == 1 { "1 call".into() } else { calls(grant.uses) };
        format!("{} {what}: {times} without asking", grant.decision)
    };
    let mut lines: Vec<String> = digest.grants.iter().take(MOST_LINES).map(line).collect();
    if digest.grants.len() > MOST_LINES {
        lines.push(format!("and {} more", digest.grants.len() - MOST_LINES));
    }
    let standing = digest.standing_grants;
    let standing = usize::try_from(standing).unwrap_or(usize::MAX);
    lines.extend((standing > 0).then(|| super::grants_title(standing)));
    ("Grants", lines)
}

fn calls(all: u64) -> String {
    format!("{} calls", count(all))
}

fn waiting(digest: &DigestFigures, style: ReportFormat<'_>) -> Vec<String> {
    let open = &digest.open;
    let mut lines = vec![match (open.waiting, open.overdue) {
        (0, _) => "🎉 Nothing waits for an answer".to_owned(),
        (waiting, 0) => format!("{} for an answer, none overdue", count(waiting)),
        (waiting, overdue) => {
            format!("{} for an answer, {} overdue", count(waiting), count(overdue))
        }
    }];
    lines.extend(
        open.oldest.map(|(id, since)| format!("The oldest is {id}, since {}", (style.at)(since))),
    );
    lines.extend((open.deferred > 0).then(|| format!("{} deferred", count(open.deferred))));
    lines
}

/// A name in a report, for a terminal.
#[must_use]
pub fn figure_name(name: &str) -> String {
    let name = plain(&one_line(name), NAME).text;
    if name.is_empty() { "without a name".into() } else { name }
}
