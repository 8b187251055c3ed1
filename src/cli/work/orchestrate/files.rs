//! The files of a run, below `.gander/run/RUN`, in the shape of the orchestrator of the PostHog
//! wizard: `queue.json`, `handoffs/ID.json` and `audit.jsonl`. They are made from the store, and
//! made again after a worker was killed.

use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::stub::{GANDER, folder_name, within};
use super::seeds::Seed;
use crate::core::Time;
use crate::core::jobs::{CancelReason, Enqueuer, Handoff, Job, JobEvent, JobState, LoggedJob};
use crate::core::untrusted::one_line;
use crate::disk::{FileError, Flush, Folder};

const SEED: &str = "seed.json";
const QUEUE: &str = "queue.json";
const AUDIT: &str = "audit.jsonl";
const HANDOFFS: &str = "handoffs";
/// Size limit in bytes of a file of ours.
const LONGEST: u64 = 64 << 20;

/// What a run began with, written before anything is enqueued: a run that was interrupted goes on
/// with the same tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seeded {
    /// The store's tag.
    pub(super) store: String,
    pub(super) run: String,
    pub(super) project: String,
    pub(super) tasks: Vec<Seed>,
    /// Set once everything was done and shown.
    pub(super) finished: bool,
}

/// Opens the folder of all runs.
///
/// # Errors
/// [`FileError`].
pub(super) fn runs(root: &Path) -> Result<Folder, FileError> {
    let root = Folder::open(root)?;
    let gander = within(&root, &[GANDER])?;
    // The folder is nothing of the project.
    if let Err(error) = gander.facts(Path::new(".gitignore")) {
        if !error.is_absence() {
            return Err(error);
        }
        gander.replace(Path::new(".gitignore"), b"*\n")?;
    }
    within(&gander, &["run"])
}

/// The latest run of this store that did not come to its end.
///
/// # Errors
/// The folder cannot be listed.
pub(super) fn unfinished(runs: &Folder, store: &str) -> std::io::Result<Option<Seeded>> {
    let mut names = runs.names()?;
    names.sort();
    let seeded = |name: &std::ffi::OsString| {
        let text = runs.folder(Path::new(name)).ok()?.read_text(Path::new(SEED), LONGEST).ok()?;
        serde_json::from_str::<Seeded>(&text).ok().filter(|seeded| seeded.store == store)
    };
    // Names begin with the time. Of runs before the latest, nothing is taken up again.
    let latest = names.iter().rev().find_map(seeded);
    Ok(latest.filter(|seeded| !seeded.finished))
}

/// The files of one run.
#[derive(Debug)]
pub(super) struct RunFiles {
    folder: Folder,
    handoffs: Folder,
}

/// A job and its events.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) job: Job,
    pub(super) history: Vec<LoggedJob>,
}

impl RunFiles {
    /// # Errors
    /// [`FileError`].
    pub(super) fn open(runs: &Folder, run: &str) -> Result<Self, FileError> {
        let folder = within(runs, &[&folder_name(run)])?;
        let handoffs = within(&folder, &[HANDOFFS])?;
        Ok(Self { folder, handoffs })
    }

    /// # Errors
    /// The system's.
    pub(super) fn write_seed(&self, seeded: &Seeded) -> std::io::Result<()> {
        self.folder.replace(Path::new(SEED), &pretty(seeded))
    }

    /// Writes the queue as it is.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn write_queue(&self, seeded: &Seeded, told: &[Told]) -> std::io::Result<()> {
        let tasks: Vec<Value> = told.iter().map(|told| task(seeded, told)).collect();
        let queue = json!({ "version": 1, "runId": seeded.run, "tasks": tasks });
        for Told { job, .. } in told {
            if let Some(result) = &job.result {
                let name = format!("{}.json", job.id.0);
                let name = Path::new(&name);
                if self.handoffs.facts(name).is_err() {
                    let mut handoff = handoff(&result.handoff);
                    handoff["task"] = job.id.0.to_string().into();
                    self.handoffs.replace(name, &pretty(&handoff))?;
                }
            }
        }
        // The system writes it in its own time: the store is the truth.
        let temporary = Path::new(".queue.new");
        self.folder.replace_by(Path::new(QUEUE), temporary, &pretty(&queue), Flush::Later)
    }

    /// Appends the events until a position that the audit does not have yet, in the order of the
    /// log. Returns them. All events until there must have been read.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn append_audit(&self, told: &[Told], end: u64) -> std::io::Result<Vec<Value>> {
        let name = Path::new(AUDIT);
        let old = match self.folder.read(name, LONGEST) {
            Ok(old) => old,
            Err(error) if error.is_absence() => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        // A worker was killed while it wrote the last line.
        let whole = old.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let last = old[..whole].split(|byte| *byte == b'\n').rev().find(|line| !line.is_empty());
        let last: Value =
            last.and_then(|line| serde_json::from_slice(line).ok()).unwrap_or_default();
        let after = last["seq"].as_u64().unwrap_or_default();
        let mut new: Vec<(u64, Value)> = told
            .iter()
            .flat_map(|told| told.history.iter().map(move |logged| (logged, &told.job)))
            .filter(|(logged, _)| (after + 1..=end).contains(&logged.seq))
            .filter_map(|(logged, job)| Some((logged.seq, entry(logged, job)?)))
            .collect();
        new.sort_by_key(|(seq, _)| *seq);
        let new: Vec<Value> = new.into_iter().map(|(_, entry)| entry).collect();
        if new.is_empty() && whole == old.len() {
            return Ok(new);
        }
        let mut text = old[..whole].to_vec();
        for entry in &new {
            writeln!(text, "{entry}")?;
        }
        self.folder.replace(name, &text)?;
        Ok(new)
    }
}

fn pretty(value: &impl Serialize) -> Vec<u8> {
    // Serialisation fails only for maps without string keys, and there is none.
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text
}

fn time(at: Time) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// The word of the orchestrator for a state.
const fn status(state: &JobState) -> &'static str {
    match state {
        JobState::Running { .. } => "running",
        JobState::Done { .. } => "done",
        JobState::NotNeeded { .. } => "not needed",
        JobState::Failed { .. } | JobState::Cancelled { .. } => "failed",
        _ => "pending",
    }
}

fn task(seeded: &Seeded, Told { job, history }: &Told) -> Value {
    let seed = seed_of(seeded, job);
    let inputs = seed.map_or_else(|| json!({}), |seed| seed.inputs.clone());
    let by = match (&job.request.by, job.request.parent) {
        (Enqueuer::Agent { .. }, Some(parent)) => parent.0.to_string(),
        _ => "orchestrator".to_owned(),
    };
    let needs: Vec<String> = job.request.depends_on.iter().map(|id| id.0.to_string()).collect();
    let mut task = json!({
        "id": job.id.0.to_string(),
        "type": job.request.job_type,
        "label": job.request.title,
        "status": status(&job.state),
        "dependsOn": needs,
        "inputs": inputs,
        "attempts": job.attempts,
        "maxAttempts": job.failure_limit(),
        "enqueuedBy": by,
        "createdAt": time(job.enqueued_at),
    });
    let begun = history.iter().rev().find(|it| matches!(it.event, JobEvent::Leased { .. }));
    if let Some(begun) = begun {
        task["startedAt"] = time(begun.at).into();
    }
    if let Some(at) = job.state.over_at() {
        task["finishedAt"] = time(at).into();
    }
    if let Some(result) = &job.result {
        task["handoff"] = handoff(&result.handoff);
    }
    match (&job.state, &job.last_failure) {
        (JobState::NotNeeded { reason, .. }, _) => task["notNeededReason"] = reason.clone().into(),
        (JobState::Failed { words, .. }, _) => {
            task["error"] = json!({ "type": "given_up", "message": words });
        }
        (JobState::Cancelled { cause, .. }, _) => {
            let (kind, message) = match cause {
                CancelReason::Person { words, .. } => ("cancelled", words.as_str()),
                CancelReason::GuardRejected { .. } => ("guard", "a person refused more jobs"),
            };
            task["error"] = json!({ "type": kind, "message": message });
        }
        (_, Some(failure)) => {
            task["error"] = json!({ "type": failure.code.word(), "message": failure.words });
        }
        _ => {}
    }
    task
}

/// What a job was seeded as.
fn seed_of<'a>(seeded: &'a Seeded, job: &Job) -> Option<&'a Seed> {
    let source = job.request.source.as_ref()?;
    seeded.tasks.iter().find(|seed| source.id == source_id(&seeded.run, &seed.key))
}

/// The identity of a seeded task.
pub(super) fn source_id(run: &str, key: &str) -> String {
    format!("{run}/{key}")
}

fn handoff(handoff: &Handoff) -> Value {
    let Handoff { goal, did, for_next, files_touched, evidence, assumptions } = handoff;
    json!({
        "goals": goal, "did": did, "forNextAgent": for_next, "filesTouched": files_touched,
        "evidence": evidence, "assumptions": assumptions,
    })
}

/// A line of the audit. `None`: the event is of the queue's own bookkeeping.
fn entry(logged: &LoggedJob, job: &Job) -> Option<Value> {
    let (event, words) = match &logged.event {
        JobEvent::Enqueued { beyond: None, .. } => ("task_enqueued", None),
        JobEvent::Enqueued { beyond: Some(beyond), .. } => {
            ("task_beyond_guard", Some(format!("asked in {}", beyond.decision)))
        }
        JobEvent::Leased { worker, .. } => ("task_started", Some(format!("by {worker}"))),
        JobEvent::Stepped { text } => ("task_step", Some(one_line(text))),
        JobEvent::Finished { result, .. } => {
            ("task_completed", Some(one_line(&result.handoff.did)))
        }
        JobEvent::NotNeeded { reason, .. } => ("task_not_needed", Some(one_line(reason))),
        JobEvent::AttemptFailed { code, words, .. } => {
            ("task_failed", Some(one_line(&format!("{} {words}", code.word()))))
        }
        JobEvent::GivenUp { words, .. } => ("task_given_up", Some(one_line(words))),
        JobEvent::Cancelled { .. } => ("task_cancelled", None),
        JobEvent::HandedBack | JobEvent::WaiterGone => ("task_handed_back", None),
        JobEvent::Placed { .. } | JobEvent::Resumed { .. } => return None,
        other => (other.word(), None),
    };
    let mut entry = json!({
        "seq": logged.seq,
        "at": time(logged.at),
        "event": event,
        "task": job.id.0.to_string(),
        "type": job.request.job_type,
        "label": one_line(&job.request.title),
    });
    if let Some(words) = words.filter(|words| !words.is_empty()) {
        entry["words"] = words.into();
    }
    Some(entry)
}
