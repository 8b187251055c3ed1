//! The row of a decision: the document, and the columns to search by.

use std::sync::LazyLock;

use rusqlite::{Connection, Row, named_params};

use super::from_sqlite;
use super::rows::{column, signed, unreadable};
use crate::core::decision::pending_summary::PendingSummary;
use crate::core::decision::{Decision, Expects};
use crate::core::policy::auto_approval::Share;
use crate::store::StoreError;

/// Search columns beside the document, all derived from the decision.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    state: String,
    project: String,
    dedup_key: Option<String>,
    returns: u32,
    changed: i64,
    wake_at: Option<i64>,
    kind: String,
    risk: String,
    priority: String,
    breach_at: i64,
    asked_at: i64,
    asked_by: Option<String>,
    over_at: Option<i64>,
    pruned: bool,
    agent: String,
    /// In millionths; only for decisions that expect approval.
    confidence: Option<u32>,
    verdict: Option<String>,
    via: Option<String>,
    disagreed: bool,
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

/// Inserts or replaces a decision's row.
static UPSERT: LazyLock<String> = LazyLock::new(|| {
    let with = |prefix: &str| Columns::NAMES.map(|name| format!("{prefix}{name}")).join(", ");
    let (names, values, new) = (with(""), with(":"), with("excluded."));
    format!(
        "INSERT INTO decision (id, document, {names}) VALUES (:id, :document, {values})
         ON CONFLICT (id) DO UPDATE SET (document, {names}) = (excluded.document, {new})"
    )
});

/// Writes a decision's row.
pub(super) fn put(connection: &Connection, decision: &Decision) -> Result<(), StoreError> {
    let document = serde_json::to_string(decision).map_err(unreadable)?;
    let columns = Columns::of(decision);
    connection
        .prepare_cached(&UPSERT)
        .and_then(|mut upsert| {
            upsert.execute(named_params! {
                ":id": decision.id.0,
                ":document": document,
                ":state": columns.state,
                ":project": columns.project,
                ":dedup_key": columns.dedup_key,
                ":returns": columns.returns,
                ":changed": columns.changed,
                ":wake_at": columns.wake_at,
                ":kind": columns.kind,
                ":risk": columns.risk,
                ":priority": columns.priority,
                ":breach_at": columns.breach_at,
                ":asked_at": columns.asked_at,
                ":asked_by": columns.asked_by,
                ":over_at": columns.over_at,
                ":pruned": columns.pruned,
                ":agent": columns.agent,
                ":confidence": columns.confidence,
                ":verdict": columns.verdict,
                ":via": columns.via,
                ":disagreed": columns.disagreed,
            })
        })
        .map(drop)
        .map_err(from_sqlite)
}
