//! `gander wait`, and the waiting of `gander ask --wait`: the verdict as words and as an exit status.

use chrono::TimeDelta;
use clap::Args;
use serde::Serialize;

use super::{Common, Exit, Failure, Opened, Outcome, output};
use crate::config::Span;
use crate::core::decision::{Decision, DecisionId, State, Verdict};
use crate::core::text;
use crate::engine::{Claim, Waited, watch};

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 approved, 1 rejected, 2 bad usage, 75 deferred or not answered in time, 70 internal error")]
pub(super) struct Wait {
    /// The decision's number
    id: DecisionId,
    /// Wait no longer than this, such as 10m
    #[arg(long)]
    timeout: Option<Span>,
}

impl Wait {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open()?;
        wait_and_report(&opened, self.id, self.timeout, common.json).await
    }
}

/// How a wait ended, as JSON: the decision, and the outcome in a word.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    id: DecisionId,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    decision: &'a Decision,
}

pub(super) fn report<'a>(decision: &'a Decision, outcome: &'static str) -> Report<'a> {
    let (reason, by) = match &decision.state {
        State::Resolved(resolved) => match &resolved.verdict {
            Verdict::Rejected { reason } => (Some(reason.as_str()), Some(resolved.by.name.as_str())),
            Verdict::Approved | Verdict::Chosen { .. } | Verdict::Answered { .. } => (None, Some(resolved.by.name.as_str())),
        },
        State::Withdrawn { reason, .. } => (Some(reason.as_str()), None),
        State::Deferred { by, .. } => (None, Some(by.name.as_str())),
        State::Pending => (None, None),
    };
    Report { id: decision.id, outcome, reason, by, decision }
}

/// Waits, takes the verdict, prints it, and turns it into an exit status.
pub(super) async fn wait_and_report(opened: &Opened, id: DecisionId, timeout: Option<Span>, json: bool) -> Outcome {
    let handle = &opened.handle;
    let decision = handle.get(id).await?;
    if decision.state.is_open() {
        output::progress(&waiting(&decision, handle.now()));
    }
    let deadline = match timeout {
        None => None,
        Some(Span(seconds)) => {
            let span = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
            let deadline = span.and_then(|span| handle.now().checked_add_signed(span));
            Some(deadline.ok_or_else(|| Failure::new(Exit::Usage, "--timeout is beyond all time: write for example 10m"))?)
        }
    };
    let waited = tokio::select! {
        waited = handle.wait(id, Claim::Yes, deadline) => waited?,
        () = watch::run(handle.clone(), &opened.store) => return Err(Failure::new(Exit::Internal, "the store is no longer watched")),
    };
    let (exit, outcome, words) = verdict(&waited, opened);
    if json {
        output::json(&report(waited.decision(), outcome));
    } else {
        output::line(&words);
    }
    Ok(exit)
}

fn waiting(decision: &Decision, now: crate::core::Time) -> String {
    let left = decision.breach_at() - now;
    let due = if left > TimeDelta::zero() { format!("answer due in {}", text::span(left)) } else { "its SLA is breached".into() };
    format!("waiting for a person to decide {} ({} risk, {due}) …", decision.id, decision.terms.risk)
}

fn verdict(waited: &Waited, opened: &Opened) -> (Exit, &'static str, String) {
    let id = waited.decision().id;
    match (&waited.decision().state, waited) {
        (State::Resolved(resolved), _) => {
            let by = output::safe(&resolved.by.name);
            match &resolved.verdict {
                Verdict::Approved => (Exit::Yes, "approved", format!("approved by {by}")),
                Verdict::Rejected { reason } => (Exit::No, "rejected", format!("rejected by {by}: {}", output::safe(reason))),
                Verdict::Chosen { option } => (Exit::Yes, "chosen", output::safe(option)),
                Verdict::Answered { text } => (Exit::Yes, "answered", output::safe(text)),
            }
        }
        (State::Withdrawn { reason, .. }, _) => (Exit::NotNow, "withdrawn", format!("withdrawn: {}", output::safe(reason))),
        (State::Deferred { until, by, .. }, _) => {
            let zone = opened.handle.rules().zone;
            let until = until.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z");
            let by = output::safe(&by.name);
            (Exit::NotNow, "deferred", format!("deferred by {by} until {until}; ask or wait for {id} again then"))
        }
        (State::Pending, _) => (Exit::NotNow, "timed_out", format!("not answered in time; {id} stays open, wait for it again")),
    }
}
