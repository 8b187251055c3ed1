//! `gander wait` and `gander ask --wait`: wait for a verdict, and report it as text and exit
//! status.

use std::borrow::Cow;

use chrono::TimeDelta;
use clap::Args;
use serde::Serialize;

use super::{Common, EXIT_STATUS, Exit, Failure, Opened, Outcome, output};
use crate::config::TimeSpan;
use crate::core::decision::progress::Progress;
use crate::core::decision::{Decision, DecisionId, GrantTerms, Revision, State, Verdict};
use crate::core::untrusted::{clean, one_line};
use crate::engine::event_log::watch;
use crate::engine::{Claim, Handle};
use crate::presentation::text;

#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct WaitArgs {
    /// The decision's number
    id: DecisionId,
    /// The longest wait, such as 10m
    #[arg(long)]
    timeout: Option<TimeSpan>,
}

impl WaitArgs {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open()?;
        wait_and_report(&opened, self.id, None, self.timeout, common.json).await
    }
}

/// The outcome of a wait, as JSON.
#[derive(Debug, Serialize)]
pub(super) struct WaitReport<'a> {
    id: DecisionId,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    option: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    for_session: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    standing: Option<Progress>,
    decision: &'a Decision,
}

pub(super) fn report<'a>(
    decision: &'a Decision,
    outcome: &'static str,
    handle: &Handle,
) -> WaitReport<'a> {
    let standing = handle.escalation().progress(decision);
    let mut report = WaitReport {
        id: decision.id,
        outcome,
        reason: None,
        option: None,
        answer: None,
        note: None,
        for_session: false,
        by: None,
        standing,
        decision,
    };
    match &decision.state {
        State::Resolved(resolved) => {
            report.by = Some(&resolved.by.name);
            match &resolved.verdict {
                Verdict::Approved(approval) => {
                    report.note = approval.note.as_deref();
                    report.for_session = approval.grant == Some(GrantTerms::SESSION);
                }
                Verdict::Rejected { reason } => report.reason = Some(reason),
                Verdict::Chosen { option } => report.option = Some(option),
                Verdict::Answered { text, answers } => {
                    report.answer = Some(text::answer_words(text, answers));
                }
            }
        }
        State::Withdrawn { reason, .. } => report.reason = Some(reason),
        State::Deferred { by, .. } => report.by = Some(&by.name),
        State::Pending(_) => {}
    }
    report
}

/// Waits for the verdict, claims it, prints it, and returns the exit status.
pub(super) async fn wait_and_report(
    opened: &Opened,
    id: DecisionId,
    asked: Option<Revision>,
    timeout: Option<TimeSpan>,
    json: bool,
) -> Outcome {
    let handle = &opened.handle;
    let decision = handle.approvals().get(id).await?;
    if decision.state.is_open() {
        output::progress(&waiting(&decision, handle));
    }
    let deadline = match timeout {
        None => None,
        Some(TimeSpan(seconds)) => {
            let span = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
            let deadline = span.and_then(|span| handle.now().checked_add_signed(span));
            Some(deadline.ok_or_else(|| {
                Failure::new(Exit::Usage, "--timeout is out of range: write, for example, 10m")
            })?)
        }
    };
    let waited = tokio::select! {
        waited = handle.approvals().wait(id, asked, Claim::Yes, deadline) => waited?,
        () = watch::run(handle.clone(), &opened.store) => {
            return Err(Failure::new(Exit::Internal, "the store can no longer be watched"));
        }
    };
    let superseded = asked.is_some_and(|asked| asked != waited.revision);
    let (exit, outcome, words) =
        if superseded { other_question(&waited) } else { verdict(&waited, opened) };
    if json {
        output::json(&report(&text::worded_decision(&waited), outcome, handle));
    } else {
        output::line(&words);
    }
    Ok(exit)
}

fn waiting(decision: &Decision, handle: &Handle) -> String {
    let standing = handle
        .escalation()
        .progress(decision)
        .map(|standing| text::progress_lines(&standing, handle.now()).join("; "));
    let stands = standing.unwrap_or_else(|| "deferred".into());
    format!(
        "waiting for a person to decide {} ({} risk): {stands} …",
        decision.id, decision.terms.risk
    )
}

/// The question was asked again with the same key and different content: a verdict on the new
/// content does not answer this question.
fn other_question(decision: &Decision) -> (Exit, &'static str, String) {
    let (id, revision) = (decision.id, decision.revision.0);
    (
        Exit::NotNow,
        "superseded",
        format!(
            "superseded: {id} was asked again with another content (revision {revision}); ask again"
        ),
    )
}

pub(super) fn verdict(decision: &Decision, opened: &Opened) -> (Exit, &'static str, String) {
    let id = decision.id;
    match &decision.state {
        State::Resolved(resolved) => {
            let by = text::given_by(&resolved.by, resolved.via, |by| one_line(&by.name));
            if let Some(said) = text::automatic_approval_text(&resolved.verdict, resolved.via) {
                return (Exit::Yes, "approved", said);
            }
            match &*text::worded(&resolved.verdict, resolved.via) {
                Verdict::Approved(approval) => {
                    let note = approval
                        .note
                        .as_deref()
                        .map(|note| format!(": {}", clean(note)))
                        .unwrap_or_default();
                    (
                        Exit::Yes,
                        "approved",
                        format!("{} {by}{note}", text::verdict_word(&resolved.verdict)),
                    )
                }
                Verdict::Rejected { reason } => {
                    (Exit::No, "rejected", format!("rejected {by}: {}", clean(reason)))
                }
                Verdict::Chosen { option } => (Exit::Yes, "chosen", one_line(option)),
                Verdict::Answered { text, .. } => (Exit::Yes, "answered", clean(text)),
            }
        }
        State::Withdrawn { reason, .. } => {
            let reason = text::withdrawal(decision, reason);
            (Exit::NotNow, "withdrawn", format!("withdrawn: {}", clean(&reason)))
        }
        State::Deferred { until, by, .. } => {
            let zone = opened.handle.rules().zone;
            let until = until.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z");
            let by = one_line(&by.name);
            (
                Exit::NotNow,
                "deferred",
                format!("deferred by {by} until {until}; ask again or wait for {id} again then"),
            )
        }
        State::Pending(_) => {
            let standing = opened
                .handle
                .escalation()
                .progress(decision)
                .map(|standing| text::progress_lines(&standing, opened.handle.now()));
            let words = format!(
                "not answered in time; {id} stays open: wait again\n{}",
                standing.unwrap_or_default().join("\n")
            );
            (Exit::NotNow, "timed_out", words)
        }
    }
}
