//! Verifies the queue: replays every job, the halts and the turns, and compares them with what is
//! stored.

use std::collections::BTreeMap;

use rusqlite::{Connection, Statement};

use super::{ENTRY, ENTRY_COLUMNS, End, bytes, first_difference, number, raw};
use crate::core::Time;
use crate::core::jobs::{Job, JobEvent, JobId, JobRequest};
use crate::store::StandingHalt;
use crate::store::chain::{Fault, LogSubject, RawEntry};
use crate::store::sqlite::jobs::row::is_ready;
use crate::store::sqlite::jobs::stored_halts;
use crate::store::sqlite::{event_log, rows};

fn differs(subject: LogSubject, why: impl Into<String>) -> End {
    Fault::State { decision: subject, why: why.into() }.into()
}

/// Replays every job's log and compares the result with the stored state; then the queue's.
pub(super) fn replay(connection: &Connection, replayed: &mut u64) -> Result<(), End> {
    let mut stored =
        connection.prepare("SELECT id, document, state, ready FROM job ORDER BY id")?;
    let mut stored = stored.query([])?;
    let mut log = connection.prepare(&format!("{ENTRY} WHERE job = ?1 ORDER BY seq"))?;
    let mut turns = BTreeMap::new();
    while let Some(row) = stored.next()? {
        let id = JobId(number(row, 0)?);
        let subject = LogSubject::Job(id.0);
        let told = replay_job(&mut log, id, &mut turns)?
            .ok_or_else(|| differs(subject, "it is stored, but not in the log"))?;
        let document = bytes(row, 1)?.unwrap_or_default();
        must_be_kept(document, &told)?;
        if bytes(row, 2)? != Some(told.state.word().as_bytes()) {
            return Err(differs(subject, "its index columns differ from its document"));
        }
        let ready = is_ready(connection, &told).map_err(End::Failed)?;
        if number(row, 3)? != i64::from(ready) {
            return Err(differs(subject, "whether it is ready differs"));
        }
        *replayed += 1;
    }
    let lost = "SELECT min(job) FROM event WHERE job IS NOT NULL AND job NOT IN (SELECT id FROM \
                job)";
    if let Some(id) = connection.query_row(lost, [], |row| row.get::<_, Option<i64>>(0))? {
        return Err(differs(LogSubject::Job(id), "it is in the log, but not stored"));
    }
    must_take_turns(connection, &turns)?;
    must_be_halted(connection)
}

/// A job replayed from its log. Notes the position of each lease as the turn of its project.
fn replay_job(
    log: &mut Statement<'_>,
    id: JobId,
    turns: &mut BTreeMap<String, u64>,
) -> Result<Option<Job>, End> {
    let columns = rows::positions(log, ENTRY_COLUMNS)?;
    let mut events = log.query([id.0])?;
    let mut told: Option<Job> = None;
    while let Some(row) = events.next()? {
        let entry = raw(row, columns)?;
        let (event, at) = read(&entry)?;
        let before = told.take().unwrap_or_else(|| Job::new(id, JobRequest::default(), at));
        let job = before.evolve(&event, at, entry.seq);
        let turn = turns.entry(job.request.project.clone()).or_default();
        if matches!(event, JobEvent::Leased { .. }) {
            *turn = entry.seq.max(*turn);
        }
        told = Some(job);
    }
    Ok(told)
}

fn read(entry: &RawEntry<'_>) -> Result<(JobEvent, Time), End> {
    let RawEntry { seq, at, decision, body, text, .. } = *entry;
    let unreadable = |why: String| End::from(Fault::Unreadable { seq, decision, why });
    let event = event_log::job_event(body, text).map_err(|error| unreadable(error.to_string()))?;
    let at = Time::from_timestamp_millis(at).ok_or_else(|| unreadable(format!("the time {at}")))?;
    Ok((event, at))
}

/// Fails unless a stored job equals the replayed job. What a worker renews is no part of the log.
fn must_be_kept(document: &[u8], told: &Job) -> Result<(), End> {
    let subject = LogSubject::Job(told.id.0);
    let unreadable = |error: serde_json::Error| {
        differs(subject, format!("its stored data cannot be read: {error}"))
    };
    let entries = serde_json::from_slice(document).map_err(unreadable)?;
    let should = serde_json::to_value(told).map_err(unreadable)?;
    if let Some(part) = first_difference(&entries, &should) {
        return Err(differs(subject, format!("its {part:?} differs")));
    }
    let kept: Job = serde_json::from_slice(document).map_err(unreadable)?;
    if kept != (Job { liveness: None, ..told.clone() }) {
        return Err(differs(subject, "a part is missing from the stored data"));
    }
    Ok(())
}

fn must_take_turns(connection: &Connection, turns: &BTreeMap<String, u64>) -> Result<(), End> {
    let mut stored = connection.prepare("SELECT project, turn FROM job_turn")?;
    let stored = stored.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, rows::unsigned(row.get::<_, i64>(1)?)))
    })?;
    let stored: BTreeMap<String, u64> = stored.collect::<Result<_, _>>()?;
    if stored == *turns {
        Ok(())
    } else {
        Err(differs(LogSubject::Queue, "the turns of the projects differ"))
    }
}

/// Replays the queue's own events, and compares the halts that stand.
fn must_be_halted(connection: &Connection) -> Result<(), End> {
    let own = format!("{ENTRY} WHERE decision IS NULL AND job IS NULL ORDER BY seq");
    let mut log = connection.prepare(&own)?;
    let columns = rows::positions(&log, ENTRY_COLUMNS)?;
    let mut events = log.query([])?;
    let mut halts: Vec<StandingHalt> = Vec::new();
    while let Some(row) = events.next()? {
        let (event, at) = read(&raw(row, columns)?)?;
        match event {
            JobEvent::Halted { by, project, .. } => halts.push(StandingHalt { project, by, at }),
            JobEvent::HaltLifted { project: None, .. } => halts.clear(),
            JobEvent::HaltLifted { project, .. } => halts.retain(|halt| halt.project != project),
            _ => {}
        }
    }
    halts.sort_by(|a, b| a.project.cmp(&b.project));
    if stored_halts(connection).map_err(End::Failed)? == halts {
        Ok(())
    } else {
        Err(differs(LogSubject::Queue, "what is halted differs"))
    }
}
