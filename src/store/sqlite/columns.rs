//! The columns of a decision's row to search by, beside the document.

use rusqlite::Row;

use super::rows::{column, signed};
use crate::core::decision::pending_summary::PendingSummary;
use crate::core::decision::{Decision, Expects};
use crate::core::policy::auto_approval::Share;
use crate::store::StoreError;

/// Search columns beside the document, all derived from the decision.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) state: String,
    pub(super) project: String,
    pub(super) dedup_key: Option<String>,
    pub(super) returns: u32,
    pub(super) changed: i64,
    pub(super) wake_at: Option<i64>,
    pub(super) kind: String,
    pub(super) risk: String,
    pub(super) priority: String,
    pub(super) breach_at: i64,
    pub(super) asked_at: i64,
    pub(super) asked_by: Option<String>,
    pub(super) over_at: Option<i64>,
    pub(super) pruned: bool,
    pub(super) agent: String,
    /// In millionths; only for decisions that expect approval.
    pub(super) confidence: Option<u32>,
    pub(super) verdict: Option<String>,
    pub(super) via: Option<String>,
    pub(super) disagreed: bool,
}

impl Columns {
    /// Column names.
    pub(super) const NAMES: [&str; 19] = [
        "state",
        "project",
        "dedup_key",
        "returns",
        "changed",
        "wake_at",
        "kind",
        "risk",
        "priority",
        "breach_at",
        "asked_at",
        "asked_by",
        "over_at",
        "pruned",
        "agent",
        "confidence",
        "verdict",
        "via",
        "disagreed",
    ];

    pub(super) fn of(decision: &Decision) -> Self {
        let waiting = PendingSummary::from(decision);
        let (request, resolved) = (&decision.request, decision.verdict().ok());
        let confidence = request.confidence.filter(|_| request.expects == Expects::Approve);
        Self {
            state: decision.state.word().to_owned(),
            project: waiting.project,
            dedup_key: decision.request.dedup_key.clone(),
            returns: decision.returns,
            changed: signed(decision.changed),
            wake_at: decision.wake_at().map(|at| at.timestamp_millis()),
            kind: waiting.kind.into(),
            risk: waiting.risk.to_string(),
            priority: waiting.priority.to_string(),
            breach_at: waiting.breach_at.timestamp_millis(),
            asked_at: waiting.asked_at.timestamp_millis(),
            asked_by: waiting.asked_by,
            over_at: decision.state.over_at().map(|at| at.timestamp_millis()),
            pruned: decision.pruned_at.is_some(),
            agent: request.agent.name.clone(),
            confidence: confidence.and_then(Share::new).map(Share::millionths),
            verdict: resolved.map(|resolved| resolved.verdict.word().to_owned()),
            via: resolved.map(|resolved| resolved.via.word().to_owned()),
            disagreed: decision.disagreed.is_some(),
        }
    }

    /// Reads the columns from a row. `positions`: where the row has the columns called
    /// [`Columns::NAMES`].
    pub(super) fn read(row: &Row<'_>, positions: [usize; 19]) -> Result<Self, StoreError> {
        let [
            state,
            project,
            dedup_key,
            returns,
            changed,
            wake_at,
            kind,
            risk,
            priority,
            breach_at,
            asked_at,
            asked_by,
            over_at,
            pruned,
            agent,
            confidence,
            verdict,
            via,
            disagreed,
        ] = positions;
        Ok(Self {
            state: column(row, state)?,
            project: column(row, project)?,
            dedup_key: column(row, dedup_key)?,
            returns: column(row, returns)?,
            changed: column(row, changed)?,
            wake_at: column(row, wake_at)?,
            kind: column(row, kind)?,
            risk: column(row, risk)?,
            priority: column(row, priority)?,
            breach_at: column(row, breach_at)?,
            asked_at: column(row, asked_at)?,
            asked_by: column(row, asked_by)?,
            over_at: column(row, over_at)?,
            pruned: column(row, pruned)?,
            agent: column(row, agent)?,
            confidence: column(row, confidence)?,
            verdict: column(row, verdict)?,
            via: column(row, via)?,
            disagreed: column(row, disagreed)?,
        })
    }
}
