//! The files that mark a job's worktree, in the shapes of the agent-work folders:
//! `.agent-task.json` (the published design), `.agent-heartbeat` and `.agent-lock`.
//!
//! They tell other programs, and a worker that takes the job over, where the job stands. An agent
//! can write them, so they are no proof: whether a plan or the work was approved is read from the
//! decisions in the store.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::core::Time;
use crate::disk::{FileError, Folder};

pub(super) const TASK: &str = ".agent-task.json";
const LOCK: &str = ".agent-lock";
const HEARTBEAT: &str = ".agent-heartbeat";
/// What an agent may leave: its handoff.
pub(super) const HANDOFF: &str = ".agent-handoff.json";
/// The agent's session, so that its next turn goes on with it.
pub(super) const SESSION: &str = ".agent-session";
/// Size limit in bytes of each of these files.
const LONGEST: u64 = 1 << 20;

/// Where a job stands. The words are those of the agent-work folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Step {
    /// The worktree is there.
    WorktreeClaimed,
    /// The agent writes a plan.
    Planning,
    /// People decide about the plan.
    PlanningReview,
    /// The agent works.
    Implementing,
    /// The validation runs.
    Validating,
    /// The validation failed, and people decide.
    ImplValidationFailed,
    /// People look at the work.
    NeedsReview,
    /// All is done but the record in the store.
    ImplValidated,
    /// Done, on this machine.
    CompleteLocal,
    /// Given up, or in need of a person.
    Failed,
}

impl Step {
    /// The word in the files.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::WorktreeClaimed => "worktree-claimed",
            Self::Planning => "planning",
            Self::PlanningReview => "planning-review",
            Self::Implementing => "implementing",
            Self::Validating => "validating",
            Self::ImplValidationFailed => "impl-validation-failed",
            Self::NeedsReview => "needs-review",
            Self::ImplValidated => "impl-validated",
            Self::CompleteLocal => "complete-local",
            Self::Failed => "failed",
        }
    }

    /// Whether people decide at this step.
    pub(super) const fn waits_for_person(self) -> bool {
        matches!(self, Self::PlanningReview | Self::ImplValidationFailed | Self::NeedsReview)
    }

    /// Whether nothing more happens in the worktree.
    pub(super) const fn is_over(self) -> bool {
        matches!(self, Self::CompleteLocal | Self::Failed)
    }
}

/// What a worker needs to take a job up where another left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Journal {
    /// The store's tag: the number of a job is its own only with it.
    pub(super) store: String,
    pub(super) job: i64,
    pub(super) step: Step,
    /// The commit that the worktree began with.
    pub(super) base: String,
    /// Turns of the agent that have ended.
    #[serde(default)]
    pub(super) turns: u32,
    /// Plans that the agent wrote.
    #[serde(default)]
    pub(super) plans: u32,
    /// The latest plan.
    #[serde(default)]
    pub(super) plan: Option<String>,
    /// The end of what the agent wrote in its latest turn.
    #[serde(default)]
    pub(super) said: String,
    /// The agent's session, to go on with.
    #[serde(default)]
    pub(super) session: Option<String>,
    /// How many of the things that people said to the agent it was told.
    #[serde(default)]
    pub(super) guided: usize,
    /// What the next turn begins with.
    #[serde(default)]
    pub(super) words: Vec<String>,
}

/// The two links of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Links {
    issue_url: Option<String>,
    pr_url: Option<String>,
}

/// `.agent-task.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskFile {
    pub(super) task_id: String,
    pub(super) tool: String,
    pub(super) runtime: String,
    #[serde(default)]
    pub(super) issue_number: Option<i64>,
    pub(super) task_description: String,
    pub(super) worktree_path: String,
    pub(super) branch_name: String,
    pub(super) status: String,
    pub(super) phase: String,
    pub(super) human_action_required: bool,
    #[serde(default)]
    pub(super) recommended_action: Option<String>,
    pub(super) last_heartbeat_at: String,
    #[serde(default)]
    pub(super) last_error_summary: Option<String>,
    #[serde(default)]
    pub(super) last_commit_sha: Option<String>,
    #[serde(default)]
    pub(super) validation_command: Option<String>,
    #[serde(default)]
    pub(super) model_provider: Option<String>,
    #[serde(default)]
    pub(super) model_name: Option<String>,
    #[serde(default)]
    pub(super) token_usage: Option<u64>,
    #[serde(default)]
    pub(super) estimated_cost_usd: Option<f64>,
    #[serde(default)]
    pub(super) links: Links,
    /// Ours: not part of the published shape. The reader of watched folders asks nothing about a
    /// task with a journal, because its worker asks.
    pub(super) gander_job: Journal,
}

impl TaskFile {
    /// Sets step, phase and whether a person is needed.
    pub(super) fn enter(&mut self, step: Step, now: Time) {
        self.gander_job.step = step;
        step.word().clone_into(&mut self.status);
        step.word().clone_into(&mut self.phase);
        self.human_action_required = step.waits_for_person();
        self.recommended_action = match step {
            Step::PlanningReview => Some("Read the plan on the card, then approve it."),
            Step::ImplValidationFailed => Some("Read the card, then say how to go on."),
            Step::NeedsReview => Some("Read the changes on the card, then approve them."),
            _ => None,
        }
        .map(str::to_owned);
        self.last_heartbeat_at = written(now);
    }

    /// Writes the task and its heartbeat.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn write(&self, worktree: &Folder) -> std::io::Result<()> {
        // Serialisation fails only for maps without string keys, and there is none.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        worktree.replace(Path::new(TASK), text.as_bytes())?;
        let beat = format!("step: {}\ntimestamp: {}\n", self.status, self.last_heartbeat_at);
        worktree.replace(Path::new(HEARTBEAT), beat.as_bytes())
    }

    /// Reads the task of a worktree. `None`: there is none, or one that is not ours.
    pub(super) fn read(worktree: &Folder) -> Option<Self> {
        let text = worktree.read_text(Path::new(TASK), LONGEST).ok()?;
        serde_json::from_str(&text).ok()
    }
}

/// Writes the heartbeat alone.
///
/// # Errors
/// The system's.
pub(super) fn beat(worktree: &Folder, step: Step, now: Time) -> std::io::Result<()> {
    let beat = format!("step: {}\ntimestamp: {}\n", step.word(), written(now));
    worktree.replace(Path::new(HEARTBEAT), beat.as_bytes())
}

/// `.agent-lock`: who works in the worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lock {
    /// The worker.
    pub(super) session: String,
    pub(super) started: String,
    /// The job.
    pub(super) task: String,
    /// The process of the worker, or of the agent while one runs.
    pub(super) pid: u32,
    /// When that process began, as the system counts: another process may have its number later.
    pub(super) began: Option<u64>,
}

impl Lock {
    /// # Errors
    /// The system's.
    pub(super) fn write(&self, worktree: &Folder) -> std::io::Result<()> {
        let Self { session, started, task, pid, began } = self;
        let began = began.map(|began| format!("began: {began}\n")).unwrap_or_default();
        let text =
            format!("session: {session}\nstarted: {started}\ntask: {task}\npid: {pid}\n{began}");
        worktree.replace(Path::new(LOCK), text.as_bytes())
    }

    /// `None`: there is no lock, or one of another shape.
    pub(super) fn read(worktree: &Folder) -> Option<Self> {
        let text = worktree.read_text(Path::new(LOCK), LONGEST).ok()?;
        let field = |name: &str| {
            text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
        };
        Some(Self {
            session: field("session")?.to_owned(),
            started: field("started")?.to_owned(),
            task: field("task")?.to_owned(),
            pid: field("pid")?.parse().ok()?,
            began: field("began").and_then(|began| began.parse().ok()),
        })
    }

    /// # Errors
    /// The system's.
    pub(super) fn remove(worktree: &Folder) -> std::io::Result<()> {
        worktree.remove_if_there(Path::new(LOCK))
    }
}

/// What an agent may write about its work, for the agent after it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WrittenHandoff {
    #[serde(alias = "goals")]
    pub(super) goal: String,
    pub(super) did: String,
    pub(super) for_next_agent: String,
    pub(super) evidence: String,
    pub(super) assumptions: String,
}

impl WrittenHandoff {
    /// Reads what the agent left. A text of another shape is an error that says so.
    ///
    /// # Errors
    /// As text.
    pub(super) fn read(worktree: &Folder) -> Result<Option<Self>, String> {
        let name = Path::new(HANDOFF);
        let text = match worktree.read_text(name, LONGEST) {
            Ok(text) => text,
            Err(error) if error.is_absence() => return Ok(None),
            Err(error @ FileError::System(_)) => return Err(error.to_string()),
            Err(error) => return Err(format!("{HANDOFF}: {error}")),
        };
        // A list would do as well for the parser's taste.
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&text).map_err(|error| format!("{HANDOFF}: {error}"))?;
        let handoff = serde_json::from_value(object.into());
        handoff.map(Some).map_err(|error| format!("{HANDOFF}: {error}"))
    }
}

/// A time as these files have it.
pub(super) fn written(time: Time) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> TaskFile {
        let now = Time::from_timestamp(1_790_000_000, 0).unwrap();
        let mut task = TaskFile {
            task_id: "7".into(),
            tool: "stub".into(),
            runtime: "local".into(),
            issue_number: None,
            task_description: "Add a login page".into(),
            worktree_path: ".agents/worktrees/add-a-login-page-7".into(),
            branch_name: "gander/add-a-login-page-7".into(),
            status: String::new(),
            phase: String::new(),
            human_action_required: false,
            recommended_action: None,
            last_heartbeat_at: String::new(),
            last_error_summary: None,
            last_commit_sha: None,
            validation_command: Some("make check".into()),
            model_provider: None,
            model_name: None,
            token_usage: None,
            estimated_cost_usd: None,
            links: Links::default(),
            gander_job: Journal {
                store: "abcd".into(),
                job: 7,
                step: Step::WorktreeClaimed,
                base: "0123".into(),
                turns: 0,
                plans: 0,
                plan: None,
                said: String::new(),
                session: None,
                guided: 0,
                words: Vec::new(),
            },
        };
        task.enter(Step::PlanningReview, now);
        task
    }

    #[test]
    fn the_files_come_back_as_they_were_written() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path()).unwrap();
        assert_eq!(TaskFile::read(&folder), None);
        let task = task();
        task.write(&folder).unwrap();
        assert_eq!(TaskFile::read(&folder), Some(task));
        let beat = std::fs::read_to_string(temporary.path().join(HEARTBEAT)).unwrap();
        assert_eq!(beat, "step: planning-review\ntimestamp: 2026-09-21T14:13:20Z\n");
        let lock = Lock {
            session: "host-12".into(),
            started: "2026-09-21T14:13:20Z".into(),
            task: "7".into(),
            pid: 12,
            began: Some(99),
        };
        lock.write(&folder).unwrap();
        assert_eq!(Lock::read(&folder), Some(lock));
        Lock::remove(&folder).unwrap();
        assert_eq!(Lock::read(&folder), None);
    }

    #[test]
    fn a_handoff_is_read_in_both_spellings_and_nothing_else() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path()).unwrap();
        assert_eq!(WrittenHandoff::read(&folder), Ok(None));
        let file = temporary.path().join(HANDOFF);
        std::fs::write(&file, r#"{"goals":"g","did":"d","forNextAgent":"n","x":[1]}"#).unwrap();
        let read = WrittenHandoff::read(&folder).unwrap().unwrap();
        assert_eq!((read.goal.as_str(), read.for_next_agent.as_str()), ("g", "n"));
        std::fs::write(&file, r#"["x"]"#).unwrap();
        assert!(WrittenHandoff::read(&folder).unwrap_err().starts_with(HANDOFF));
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", &file).unwrap();
        assert!(WrittenHandoff::read(&folder).is_err());
    }
}
