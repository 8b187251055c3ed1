//! The queue of the PostHog wizard, as seen work. Read-only: the wizard replaces the file itself.
//!
//! The newer folder counts if both are there. Handoffs are in the queue, or in files of their own.
//! Unknown fields are ignored, and a task of another shape hides no other task. Blocks.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::agent_task::SourceError;
use super::seen_work::{SeenHandoff, SeenState, SeenWork, WorkSystem};
use crate::disk::{FileError, Folder};

/// The wizard's folders within a repository, newest first.
const FOLDERS: [&str; 2] = [".posthog-wizard-cache", ".posthog-wizard"];
const QUEUE: &str = "queue.json";
const HANDOFFS: &str = "handoffs";
/// Size limit in bytes of the queue. The wizard admits 30 tasks.
const LONGEST_QUEUE: u64 = 4 << 20;
/// Size limit in bytes of a handoff.
const LONGEST_HANDOFF: u64 = 256 << 10;
/// Most tasks that are read.
const MOST_TASKS: usize = 1000;

/// A repository in which the wizard runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WizardFolder {
    /// The repository. It need not exist yet.
    pub path: PathBuf,
    /// The project of its tasks.
    pub project: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Queue {
    version: u32,
    run_id: String,
    tasks: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    label: Option<String>,
    status: String,
    #[serde(default)]
    depends_on: Vec<String>,
    attempts: Option<u32>,
    max_attempts: Option<u32>,
    handoff: Option<Handoff>,
    finished_at: Option<String>,
    error: Option<Failure>,
    skip_reason: Option<String>,
    not_needed_reason: Option<String>,
}

#[derive(Deserialize)]
struct Failure {
    message: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Handoff {
    goals: String,
    did: String,
    for_next_agent: String,
    files_touched: Vec<String>,
    evidence: String,
    assumptions: String,
}

impl From<Handoff> for SeenHandoff {
    fn from(handoff: Handoff) -> Self {
        let Handoff { goals, did, for_next_agent, files_touched, evidence, assumptions } = handoff;
        Self { goals, did, for_next_agent, files_touched, evidence, assumptions }
    }
}

/// The tasks of the wizard's queue, in its order. No queue is not an error.
///
/// # Errors
/// A queue that cannot be read, is incomplete, or has another shape.
pub fn seen_work(repository: &WizardFolder) -> Result<Vec<SeenWork>, SourceError> {
    let trouble = |path: PathBuf, why: String| SourceError { path, why };
    let root = match Folder::open(&repository.path) {
        Ok(root) => root,
        Err(error) if error.is_absence() => return Ok(Vec::new()),
        Err(error) => return Err(trouble(repository.path.clone(), error.to_string())),
    };
    for name in FOLDERS {
        let path = repository.path.join(name).join(QUEUE);
        let read = root.folder(Path::new(name)).and_then(|folder| {
            let text = folder.read_text(Path::new(QUEUE), LONGEST_QUEUE)?;
            Ok((folder, text))
        });
        match read {
            Ok((folder, text)) => {
                return read_queue(&text, &folder, repository).map_err(|why| trouble(path, why));
            }
            Err(error) if error.is_absence() => {}
            Err(error) => return Err(trouble(path, error.to_string())),
        }
    }
    Ok(Vec::new())
}

fn read_queue(
    text: &str,
    folder: &Folder,
    repository: &WizardFolder,
) -> Result<Vec<SeenWork>, String> {
    let queue: Queue = serde_json::from_str(text)
        .map_err(|error| format!("it is not a wizard's queue: {error}"))?;
    if queue.version != 1 {
        return Err(format!("its version is {}, and only version 1 is known", queue.version));
    }
    let tasks = queue.tasks.into_iter().take(MOST_TASKS);
    let tasks = tasks.filter_map(|task| serde_json::from_value::<Task>(task).ok());
    Ok(tasks.filter_map(|task| work(task, &queue.run_id, folder, repository)).collect())
}

/// `None` for a status that is not known.
fn work(task: Task, run: &str, folder: &Folder, repository: &WizardFolder) -> Option<SeenWork> {
    let state = match task.status.as_str() {
        "pending" => SeenState::Queued,
        "running" => SeenState::Running,
        "done" => SeenState::Done,
        "not needed" | "skipped" => {
            SeenState::NotNeeded(task.not_needed_reason.or(task.skip_reason).unwrap_or_default())
        }
        "failed" => SeenState::Failed(task.error.and_then(|it| it.message).unwrap_or_default()),
        _ => return None,
    };
    let handoff = task.handoff.or_else(|| read_handoff(folder, &task.id).ok());
    Some(SeenWork {
        system: WorkSystem::Wizard,
        id: format!("{run}/{}", task.id),
        run: Some(run.to_owned()),
        title: task.label.filter(|label| !label.trim().is_empty()).unwrap_or(task.kind),
        project: repository.project.clone(),
        state,
        depends_on: task.depends_on.iter().map(|id| format!("{run}/{id}")).collect(),
        attempts: task.attempts,
        max_attempts: task.max_attempts,
        finished_at: task.finished_at.and_then(|at| at.parse().ok()),
        handoff: handoff.map(SeenHandoff::from),
    })
}

/// The handoff in a file of its own. The id comes from the queue: only a plain name is looked up.
fn read_handoff(folder: &Folder, id: &str) -> Result<Handoff, FileError> {
    let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_plain || id.is_empty() {
        return Err(FileError::Outside);
    }
    let name = format!("{HANDOFFS}/{id}.json");
    let text = folder.read_text(Path::new(&name), LONGEST_HANDOFF)?;
    serde_json::from_str(&text).map_err(|error| FileError::System(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(case: &str) -> String {
        let path = format!("{}/fixtures/wizard/{case}.json", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn repository() -> (tempfile::TempDir, WizardFolder) {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().to_owned();
        (temporary, WizardFolder { path, project: "shop".into() })
    }

    fn put(repository: &WizardFolder, folder: &str, name: &str, text: &str) {
        let path = repository.path.join(folder).join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn states(repository: &WizardFolder) -> Vec<(String, SeenState)> {
        let seen = seen_work(repository).unwrap();
        seen.into_iter().map(|work| (work.title, work.state)).collect()
    }

    #[test]
    fn every_status_is_seen_and_the_newer_folder_counts() {
        let (_temporary, repository) = repository();
        assert_eq!(states(&repository), []);
        put(&repository, FOLDERS[1], QUEUE, &fixture("queue-older"));
        let skipped = SeenState::NotNeeded("there is no server".into());
        assert_eq!(states(&repository), [("identify".to_owned(), skipped)]);
        put(&repository, FOLDERS[0], QUEUE, &fixture("queue"));
        put(&repository, FOLDERS[0], "handoffs/t-2.json", r#"{"did": "Wrote the module"}"#);
        let expected = [
            ("Install the SDK", SeenState::Done),
            ("init", SeenState::Running),
            ("Identify people", SeenState::Queued),
            ("logs", SeenState::NotNeeded("There is no server.".into())),
            ("upload", SeenState::Failed("The token was refused.".into())),
        ];
        let expected = expected.map(|(title, state)| (title.to_owned(), state));
        assert_eq!(states(&repository), expected);
        let seen = seen_work(&repository).unwrap();
        assert_eq!(seen[2].depends_on, ["run-7/t-1", "run-7/t-2"]);
        assert_eq!(seen[0].handoff.as_ref().unwrap().files_touched, ["package.json"]);
        assert_eq!(seen[1].handoff.as_ref().unwrap().did, "Wrote the module");
        assert!(seen[0].finished_at.is_some() && seen[4].attempts == Some(2));
    }

    #[test]
    fn an_incomplete_foreign_or_hostile_queue_is_refused() {
        let whole = fixture("queue");
        let long = " ".repeat((4 << 20) + 1);
        for text in ["", &whole[..whole.len() / 2], "[]", r#"{"version":2,"runId":"r","tasks":[]}"#]
            .into_iter()
            .chain([r#"{"tasks":[{"id":"1"}]}"#, long.as_str()])
        {
            let (_temporary, repository) = repository();
            put(&repository, FOLDERS[0], QUEUE, text);
            assert!(seen_work(&repository).is_err(), "{:?}", &text[..text.len().min(60)]);
        }
        let (_temporary, linked) = repository();
        std::os::unix::fs::symlink("/etc", linked.path.join(FOLDERS[0])).unwrap();
        assert!(seen_work(&linked).is_err());
        // The id is no path: a handoff outside the folder is never opened.
        let (_temporary, repository) = repository();
        put(&repository, FOLDERS[0], QUEUE, &whole.replace("t-2", "../../../etc/passwd"));
        assert_eq!(seen_work(&repository).unwrap()[1].handoff, None);
    }
}
