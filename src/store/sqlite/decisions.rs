//! Statements for decisions and events, with the conversion from and to rows.

use std::sync::LazyLock;

use rusqlite::types::Value;
use rusqlite::{Connection, named_params, params, params_from_iter};

use super::columns::Columns;
use super::event_log::NewEntry;
use super::rows::{column, ids, limited, one, query, time, unreadable};
use super::{Store, event_log, from_sqlite, grants, memos, messages, pending, precedents, tokens};
use crate::core::Time;
use crate::core::access::Visibility;
use crate::core::decision::authorization::Area;
use crate::core::decision::draft::draft_prefix;
use crate::core::decision::event::Event;
use crate::core::decision::pending_summary::PendingSummary;
use crate::core::decision::precedent::QuestionMark;
use crate::core::decision::{Decision, DecisionId, Refused, Request, Terms, Verdict};
use crate::core::policy::ask_limits::Addition;
use crate::store::chain::LogSubject;
use crate::store::{
    Admit, Asked, Changed, Decide, Filter, FollowUp, IdempotencyKey, KeyedAsk, PendingChanges,
    PrecedentCheck, StoreError, Unchanged,
};

/// Open decisions.
pub(super) const OPEN: &str = "
    SELECT id FROM decision INDEXED BY decision_open
    WHERE state IN ('pending', 'deferred') ORDER BY id";

fn parse(document: &str) -> Result<Decision, StoreError> {
    serde_json::from_str(document).map_err(unreadable)
}

/// Decisions: questions, verdicts, and what is due.
///
/// Every method is atomic, and durable on return.
///
/// # Errors
/// Every method returns [`StoreError`]; nothing of the failed call was written.
#[derive(Debug, Clone, Copy)]
pub struct DecisionStore<'a> {
    pub(super) store: &'a Store,
}

#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl DecisionStore<'_> {
    /// Files a request, or finds the project's open decision with an equal key.
    pub fn ask(self, request: Request, terms: Terms, at: Time) -> Result<Asked, StoreError> {
        self.ask_and(request, terms, at, Box::new(|_| Ok(())), Box::new(|_| None))
    }

    /// Like [`DecisionStore::ask`], if `admit` admits what the request adds, and with a further
    /// event in the same transaction: nobody sees the decision without it.
    pub fn ask_and(
        self,
        request: Request,
        terms: Terms,
        at: Time,
        admit: Admit,
        follow: FollowUp,
    ) -> Result<Asked, StoreError> {
        let new = NewRequest::new(request, terms, at);
        self.store.write(move |connection| {
            let asked = file_request(connection, new, &admit)?;
            asked.try_map(|decision| match follow(&decision) {
                Some(event) => append(connection, decision, &event, at),
                None => Ok(decision),
            })
        })
    }

    /// Like [`DecisionStore::ask`], with an idempotency key: repeating the call returns the
    /// first decision for 24 h of the store's time, even after resolution.
    pub fn ask_once(
        self,
        request: Request,
        terms: Terms,
        at: Time,
        once: IdempotencyKey,
        admit: Admit,
    ) -> Result<KeyedAsk, StoreError> {
        let new = NewRequest::new(request, terms, at);
        self.store.write(move |connection| tokens::ask(connection, new, &once, &admit))
    }

    /// Changes a decision: `decide` runs inside the transaction, and the returned event is
    /// appended.
    pub fn change(self, id: DecisionId, at: Time, decide: Decide) -> Result<Changed, StoreError> {
        self.store.write(move |connection| change(connection, id, at, decide))
    }

    /// Changes several decisions in one transaction, each like [`DecisionStore::change`]. An
    /// unknown number fails the whole call.
    pub fn change_many(
        self,
        changes: Vec<(DecisionId, Decide)>,
        at: Time,
    ) -> Result<Vec<Changed>, StoreError> {
        self.store.write(move |connection| {
            changes.into_iter().map(|(id, decide)| change(connection, id, at, decide)).collect()
        })
    }

    /// The decision with this number.
    pub fn get(self, id: DecisionId) -> Result<Option<Decision>, StoreError> {
        self.store.read(|connection| get(connection, id))
    }

    /// The decision with this number, with the terms for a question that people have handled
    /// before, if that is so.
    pub fn get_with_precedent(self, id: DecisionId) -> Result<Option<PrecedentCheck>, StoreError> {
        self.store.read(|connection| {
            let Some(decision) = get(connection, id)? else { return Ok(None) };
            let earlier = match decision.terms.precedent {
                None if decision.state.is_open() => {
                    precedents::find(connection, &decision.request.marks(), Some(id))?
                }
                known => known,
            };
            Ok(Some(PrecedentCheck { decision, earlier }))
        })
    }

    /// The decisions with these numbers, in this order; unknown numbers are skipped.
    pub fn get_many(self, ids: &[DecisionId]) -> Result<Vec<Decision>, StoreError> {
        self.store.read(|connection| get_many(connection, ids))
    }

    /// The decisions selected by a filter, newest first.
    pub fn list(self, filter: &Filter) -> Result<Vec<Decision>, StoreError> {
        self.store.read(|connection| list(connection, filter))
    }

    /// Open decisions, oldest first.
    pub fn open_ids(self) -> Result<Vec<DecisionId>, StoreError> {
        self.store.read(|connection| ids(connection, OPEN, []))
    }

    /// Pending decisions, without deferred decisions; in no particular order.
    pub fn pending(self) -> Result<Vec<PendingSummary>, StoreError> {
        self.store.read(pending::list)
    }

    /// What changed in the list of [`DecisionStore::pending`] after a log position; the whole list
    /// without a position, and after very many events.
    pub fn pending_since(self, after: Option<u64>) -> Result<PendingChanges, StoreError> {
        self.store.read(|connection| pending::changes(connection, after))
    }

    /// Decisions with a wake time at or before `at`.
    pub fn due(self, at: Time) -> Result<Vec<DecisionId>, StoreError> {
        self.store.read(|connection| {
            ids(
                connection,
                "SELECT id FROM decision WHERE wake_at <= ?1 ORDER BY wake_at",
                params![at.timestamp_millis()],
            )
        })
    }

    /// The earliest wake time of all decisions.
    pub fn next_wake(self) -> Result<Option<Time>, StoreError> {
        self.store.read(|connection| {
            connection
                .prepare_cached("SELECT min(wake_at) FROM decision WHERE wake_at IS NOT NULL")
                .and_then(|mut select| select.query_row([], |row| row.get::<_, Option<i64>>(0)))
                .map(|millis| millis.and_then(Time::from_timestamp_millis))
                .map_err(from_sqlite)
        })
    }
}

/// A request to file. Computes the marks outside the writer's thread, which all writes share.
pub(super) struct NewRequest {
    request: Request,
    terms: Terms,
    marks: Vec<QuestionMark>,
    pub(super) at: Time,
}

impl NewRequest {
    pub(super) fn new(request: Request, terms: Terms, at: Time) -> Self {
        Self { marks: request.marks(), request, terms, at }
    }
}

/// Files a request, or finds or revises the open decision with an equal key.
pub(super) fn file_request(
    connection: &Connection,
    new: NewRequest,
    admit: &Admit,
) -> Result<Asked, StoreError> {
    let NewRequest { request, terms, marks, at } = new;
    let standing = open_with_key(connection, &request)?;
    let own = standing.as_ref().map(|standing| standing.id);
    let terms = match precedents::find(connection, &marks, own)? {
        Some(earlier) => terms.with_precedent(earlier),
        None => terms,
    };
    let Some(standing) = standing else {
        let open = waiting_of(connection, &request)?;
        admit(Addition::Question { open }).map_err(StoreError::Limited)?;
        let event = Event::Asked { request: Box::new(request.clone()), terms: terms.clone() };
        let decision = Decision::new(next_id(connection)?, request, terms, at);
        return append(connection, decision, &event, at).map(Asked::New);
    };
    match standing.revise(&request, &terms) {
        None => Ok(Asked::Same(standing)),
        Some(event) => {
            admit(Addition::Revision).map_err(StoreError::Limited)?;
            append(connection, standing, &event, at).map(Asked::Revised)
        }
    }
}

/// The number of questions of the asker, or of the folder, that wait for an answer; 0 for others.
/// Read from the index of waiting decisions.
fn waiting_of(connection: &Connection, request: &Request) -> Result<u32, StoreError> {
    if let Some(folder) = request.folder() {
        let sql = "SELECT count(*) FROM decision INDEXED BY decision_waiting
            WHERE state = 'pending' AND asked_by IS NULL AND dedup_key >= ?1 AND dedup_key < ?2";
        let end = format!("{folder}\u{10FFFF}");
        return connection
            .prepare_cached(sql)
            .and_then(|mut select| select.query_row([folder, end.as_str()], |row| row.get(0)))
            .map_err(from_sqlite);
    }
    let Some(asker) = &request.asked_by else { return Ok(0) };
    let sql = "SELECT count(*) FROM decision INDEXED BY decision_waiting
        WHERE state = 'pending' AND asked_by = ?1";
    connection
        .prepare_cached(sql)
        .and_then(|mut select| select.query_row([&asker.id], |row| row.get(0)))
        .map_err(from_sqlite)
}

pub(super) fn next_id(connection: &Connection) -> Result<DecisionId, StoreError> {
    one(connection, "SELECT coalesce(max(id), 0) + 1 FROM decision").map(DecisionId)
}

pub(super) fn get(connection: &Connection, id: DecisionId) -> Result<Option<Decision>, StoreError> {
    let found = query(connection, "SELECT document FROM decision WHERE id = ?1", [id.0], |row| {
        parse(&column::<String>(row, 0)?)
    });
    Ok(found?.pop())
}

pub(super) fn get_many(
    connection: &Connection,
    wanted: &[DecisionId],
) -> Result<Vec<Decision>, StoreError> {
    let found: Result<Vec<Option<Decision>>, StoreError> =
        wanted.iter().map(|id| get(connection, *id)).collect();
    Ok(found?.into_iter().flatten().collect())
}

pub(super) fn open_with_key(
    connection: &Connection,
    request: &Request,
) -> Result<Option<Decision>, StoreError> {
    let Some(key) = &request.dedup_key else { return Ok(None) };
    let found = query(
        connection,
        "SELECT document FROM decision
         WHERE project = ?1 AND dedup_key = ?2 AND state IN ('pending', 'deferred')",
        params![request.project, key],
        |row| parse(&column::<String>(row, 0)?),
    );
    Ok(found?.pop())
}

pub(super) fn list(connection: &Connection, filter: &Filter) -> Result<Vec<Decision>, StoreError> {
    let limit = if filter.limit == 0 { i64::MAX } else { limited(filter.limit) };
    let mut conditions = vec!["id < ?".to_owned()];
    let mut values: Vec<Value> = vec![filter.before.map_or(i64::MAX, |before| before.0).into()];
    let mut only = |condition: &str, value: Option<String>| {
        if let Some(value) = value {
            conditions.push(condition.to_owned());
            values.push(value.into());
        }
    };
    only("project = ?", filter.project.clone());
    only("kind = ?", filter.kind.clone().map(String::from));
    only("risk = ?", filter.risk.map(|risk| risk.to_string()));
    only("state = ?", filter.state.clone());
    only("dedup_key = ?", filter.key.clone());
    only("dedup_key >= ?", filter.key_prefix.clone());
    only("dedup_key < ?", filter.key_prefix.as_ref().map(|prefix| format!("{prefix}\u{10FFFF}")));
    match &filter.visibility {
        Visibility::All => {}
        Visibility::Limited { areas, asker } => {
            let mut seen = vec!["asked_by = ?".to_owned()];
            values.push(asker.clone().into());
            for area in areas {
                seen.push(within(area, &mut values)?);
            }
            conditions.push(format!("({})", seen.join(" OR ")));
        }
    }
    if filter.granted {
        conditions.push(grants::LIVE.to_owned());
    }
    if filter.open_only {
        conditions.push("state IN ('pending', 'deferred')".to_owned());
    }
    values.push(limit.into());
    let sql = format!(
        "SELECT document FROM decision WHERE {} ORDER BY id DESC LIMIT ?",
        conditions.join(" AND ")
    );
    query(connection, &sql, params_from_iter(values), |row| parse(&column::<String>(row, 0)?))
}

/// The condition that a decision belongs to an area; adds its values.
fn within(area: &Area, values: &mut Vec<Value>) -> Result<String, StoreError> {
    let mut parts = Vec::new();
    let mut one_of = |column: &str, list: serde_json::Result<String>| {
        parts.push(format!("{column} IN (SELECT value FROM json_each(?))"));
        list.map(|list| values.push(list.into())).map_err(unreadable)
    };
    if !area.projects.is_empty() {
        one_of("project", serde_json::to_string(&area.projects))?;
    }
    if !area.kinds.is_empty() {
        one_of("kind", serde_json::to_string(&area.kinds))?;
    }
    if !area.risks.is_empty() {
        one_of("risk", serde_json::to_string(&area.risks))?;
    }
    Ok(if parts.is_empty() { "1".to_owned() } else { format!("({})", parts.join(" AND ")) })
}

/// Appends the event returned by `decide` to a decision.
pub(super) fn change(
    connection: &Connection,
    id: DecisionId,
    at: Time,
    decide: Decide,
) -> Result<Changed, StoreError> {
    let decision = get(connection, id)?.ok_or(StoreError::NoSuchDecision(id))?;
    match decide(&decision) {
        Err(why) => Ok(Err(Box::new(Unchanged { decision, why }))),
        Ok(None) => Ok(Ok(decision)),
        // A key has at most one open decision: undoing must not reopen a decision while a successor
        // with an equal key is open.
        Ok(Some(Event::Undone { .. } | Event::Disagreed { undone: true, .. }))
            if let Some(again) = open_with_key(connection, &decision.request)? =>
        {
            let why = Refused::AskedAgain { again: again.id }.into();
            Ok(Err(Box::new(Unchanged { decision, why })))
        }
        // Checked here, so that a no given at this very moment counts.
        Ok(Some(Event::Resolved { verdict: Verdict::Approved(_), via, .. }))
            if !via.is_person()
                && let Some(earlier) =
                    precedents::find(connection, &decision.request.marks(), Some(id))? =>
        {
            let why = Refused::Precedent { earlier }.into();
            Ok(Err(Box::new(Unchanged { decision, why })))
        }
        Ok(Some(event)) => append(connection, decision, &event, at).map(Ok),
    }
}

/// Appends an event to the log and writes the resulting state.
pub(super) fn append(
    connection: &Connection,
    decision: Decision,
    event: &Event,
    at: Time,
) -> Result<Decision, StoreError> {
    let head = event_log::head(connection)?;
    let (seq, millis) = (head.seq + 1, at.timestamp_millis());
    let mut short = event.clone();
    let text = short
        .take_content()
        .map(|content| serde_json::to_string(&content))
        .transpose()
        .map_err(unreadable)?;
    let body = serde_json::to_string(&short).map_err(unreadable)?;
    // Applies the event at the log's millisecond precision, so that a replay gives an identical
    // state.
    let decision = decision.evolve(event, time(millis)?, seq);
    // Before the event, which refers to the row.
    put(connection, &decision)?;
    let subject = LogSubject::Decision(decision.id.0);
    event_log::append(connection, &head, NewEntry { subject, at: millis, body, text })?;
    precedents::record(connection, &decision, event)?;
    if !decision.state.is_open() && !decision.request.questions.is_empty() {
        memos::forget(connection, &draft_prefix(decision.id))?;
    }
    if decision.changed == seq {
        messages::mark_outdated(connection, decision.id, event)?;
    }
    Ok(decision)
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
        .map_err(from_sqlite)?;
    grants::put(connection, decision)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::{Store, cards};

    #[test]
    fn nothing_that_is_asked_often_reads_all_decisions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gander.db");
        drop(Store::open(&path, None, Time::UNIX_EPOCH).unwrap());
        let connection = Connection::open(&path).unwrap();
        let prunable = format!("SELECT count(*) {}", crate::store::sqlite::maintenance::PRUNABLE);
        let of_list = [pending::WAITING, pending::CHANGED, pending::WAITING_SINCE];
        for sql in of_list.into_iter().chain([OPEN, cards::OUTDATED_CARDS, &prunable]) {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let parameters = vec![0; plan.parameter_count()];
            let steps = plan
                .query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3))
                .unwrap();
            let steps: Vec<String> = steps.map(Result::unwrap).collect();
            assert!(!steps.is_empty(), "no plan for {sql}");
            // A partial index over open rows may be scanned, and the list of changed decisions.
            let whole = |step: &&String| {
                step.starts_with("SCAN")
                    && *step != "SCAN changed"
                    && !step.contains("decision_open")
                    && !step.contains("posting_behind")
            };
            assert_eq!(steps.iter().find(whole), None, "{sql}: {steps:#?}");
            if sql == pending::WAITING_SINCE {
                let by_number = |step: &String| step.starts_with("SEARCH decision USING INTEGER");
                assert!(steps.iter().any(by_number), "{steps:#?}");
            }
        }
    }
}
