//! Reads every folder that may have a task, and decides which tasks wait for a person. Blocks.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use chrono::TimeDelta;

use super::answer::{AnswerPlan, DecisionFileUse, digest};
use super::command::{ApprovalCommand, command};
use super::format::{Progress, Reading, Task, Waits, from_heartbeat, read_task};
use super::heartbeat::{STALE_AFTER, read_heartbeat, read_lock};
use super::places::{
    self, HEARTBEAT_FILE, LOCK_FILE, Root, SourceError, TASK_FILE, TaskContent, folder_id,
    read_note,
};
use super::question::question;
use crate::core::Time;
use crate::core::decision::{Detail, Request};
use crate::disk::{FileId, resolve};
use crate::sources::WatchedFolder;
use crate::sources::seen_work::{SeenState, SeenWork, WorkSystem};

/// For how long a completed task waits for its local review. Worktrees that were left lying long
/// ago are no news.
pub(super) const REVIEW_WITHIN: TimeDelta = TimeDelta::days(7);

/// The scan's finding at a file's path.
#[derive(Debug)]
pub(super) enum Sight {
    /// A task that asks a question.
    Waiting(Box<Waiting>),
    /// A task in a state that needs no person.
    NoPersonNeeded(String),
    /// A task that was completed long ago.
    Aged,
    /// Unreadable or incomplete for now.
    Unclear,
    /// A file that is not a task.
    NotATask,
    /// No file.
    Gone,
    /// A file outside every watched folder.
    Unwatched,
    /// Another path of a file that is asked about under this path.
    Alias(String),
}

/// A task that waits for a person.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) request: Request,
    /// How the verdict reaches the agent.
    pub(super) answer: AnswerPlan,
}

/// The findings in all folders.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) files: BTreeMap<String, Sight>,
    /// The file of each folder. A folder can have several paths, by links and mounts, and is asked
    /// about once.
    folders: HashMap<FileId, String>,
    pub(super) troubles: Vec<SourceError>,
    pub(super) missing: Vec<PathBuf>,
    now: Option<Time>,
}

/// Reads every possible task file, and the files known from the store. `now` is compared with
/// heartbeats; `None`: no task is stale.
pub(super) fn survey(folders: &[WatchedFolder], known: &[String], now: Option<Time>) -> Scan {
    let roots: Vec<Root> = folders.iter().map(Root::of).collect();
    let names = names_of(known);
    let (mut survey, mut all_listed) = (Scan { now, ..Scan::default() }, true);
    for root in &roots {
        if !root.asked_for().is_dir() {
            survey.missing.push(root.asked_for());
        }
        match root.task_folders() {
            Ok(folders) => folders.iter().for_each(|folder| survey.see(folder, root, &names)),
            Err(trouble) => {
                survey.troubles.push(trouble);
                all_listed = false;
            }
        }
    }
    for file in known {
        if !survey.files.contains_key(file) {
            let path = Path::new(file);
            let seen_as = folder_id(path).and_then(|id| survey.folders.get(&id).cloned());
            let sight = match (places::read(path), seen_as) {
                (TaskContent::Gone, _) => Sight::Gone,
                (_, Some(other)) => Sight::Alias(other),
                _ if !all_listed || roots.iter().any(|root| root.covers(path)) => Sight::Unclear,
                _ => Sight::Unwatched,
            };
            survey.files.insert(file.clone(), sight);
        }
    }
    survey
}

/// The known file of each folder. Of several, the file by its path without links.
fn names_of(known: &[String]) -> HashMap<FileId, String> {
    let mut names = HashMap::new();
    for file in known {
        let Some(id) = folder_id(Path::new(file)) else { continue };
        if resolve(Path::new(file)) == Path::new(file) {
            names.insert(id, file.clone());
        } else {
            names.entry(id).or_insert_with(|| file.clone());
        }
    }
    names
}

/// What a folder has.
enum Found {
    /// A task, and the hash of its file's text.
    Task(Box<Task>, String),
    NotATask(String),
    Unclear(String),
    Gone,
}

/// Reads a folder's task, or else the heartbeat of an agent without a task file.
fn read_folder(file: &Path) -> Found {
    let heartbeat = || read_heartbeat(&read_note(file, HEARTBEAT_FILE)?);
    let (mut task, digest) = match places::read(file) {
        TaskContent::Unreadable(why) => return Found::Unclear(why),
        TaskContent::Gone => {
            let slug = file.parent().and_then(Path::file_name).unwrap_or_default();
            let Some(heartbeat) = heartbeat() else { return Found::Gone };
            let slug = slug.to_string_lossy();
            (Box::new(from_heartbeat(&slug, &heartbeat.step, heartbeat.at)), String::new())
        }
        TaskContent::Text(text) => match read_task(&text) {
            Reading::Incomplete(why) => return Found::Unclear(why),
            Reading::NotATask(why) => return Found::NotATask(why),
            Reading::Task(task) => (task, digest(&text)),
        },
    };
    if task.progress == Progress::Active && task.waits.is_none() {
        task.heartbeat_at = task.heartbeat_at.max(heartbeat().map(|heartbeat| heartbeat.at));
    }
    Found::Task(task, digest)
}

/// Counts an agent at work without a report as waiting for a person.
fn judge_heartbeat(task: &mut Task, file: &Path, now: Option<Time>) {
    let (Some(at), Some(now)) = (task.heartbeat_at, now) else { return };
    if task.waits.is_none() && task.progress == Progress::Active && now - at > STALE_AFTER {
        task.waits = Some(Waits::Stale);
        let mut fact = |name: &str, value| task.facts.push(Detail { name: name.into(), value });
        fact("last heartbeat", at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
        if let Some(lock) = read_note(file, LOCK_FILE).as_deref().and_then(read_lock) {
            fact("claimed by", lock.summary);
        }
    }
}

fn is_aged(task: &Task, now: Option<Time>) -> bool {
    let age = now.zip(task.heartbeat_at).map(|(now, at)| now - at);
    task.waits == Some(Waits::Ready) && age.is_some_and(|age| age > REVIEW_WITHIN)
}

impl Scan {
    /// Reads a folder's task file. If watched folders overlap, the first determines the project.
    /// `names`: the file's path in the store, if known there.
    fn see(&mut self, folder: &Path, root: &Root, names: &HashMap<FileId, String>) {
        let named = folder.join(TASK_FILE);
        let id = folder_id(&named);
        let known = id.and_then(|id| names.get(&id)).map(PathBuf::from);
        let path = known.unwrap_or_else(|| resolve(folder).join(TASK_FILE));
        let file = path.to_string_lossy().into_owned();
        let is_seen = id.is_some_and(|id| self.folders.contains_key(&id));
        if is_seen || self.files.contains_key(&file) {
            return;
        }
        self.folders.extend(id.map(|id| (id, file.clone())));
        let sight = match read_folder(&path) {
            Found::Gone => Sight::Gone,
            Found::Unclear(why) => {
                self.troubles.push(SourceError { path, why });
                Sight::Unclear
            }
            Found::NotATask(why) => {
                tracing::debug!(path = file, why, "left alone");
                Sight::NotATask
            }
            Found::Task(task, digest) => self.sight(*task, digest, path, &file, (folder, root)),
        };
        self.files.insert(file, sight);
    }

    fn sight(
        &self,
        mut task: Task,
        digest: String,
        path: PathBuf,
        file: &str,
        (folder, root): (&Path, &Root),
    ) -> Sight {
        judge_heartbeat(&mut task, &path, self.now);
        let Some(waits) = task.waits else { return Sight::NoPersonNeeded(task.state) };
        if is_aged(&task, self.now) {
            return Sight::Aged;
        }
        let worktree = path.parent().unwrap_or(folder);
        let command = match waits {
            Waits::Plan | Waits::Validation => {
                command(&root.answering, &task, worktree, &root.folder)
            }
            _ => ApprovalCommand::Nothing,
        };
        let answer = AnswerPlan {
            task_id: task.id.clone(),
            task_state: task.state.clone(),
            digest,
            decision_file: if root.answering.decision_file {
                DecisionFileUse::Written
            } else {
                DecisionFileUse::Unused
            },
            command,
            file: path,
        };
        let request = question(&task, waits, file, &root.project_of(folder), &answer);
        Sight::Waiting(Box::new(Waiting { request, answer }))
    }
}

/// The tasks in these folders, each once, sorted by path. Files of other tools, and unreadable
/// files, are left out. Blocks.
#[must_use]
pub fn seen_work(folders: &[WatchedFolder]) -> Vec<SeenWork> {
    let mut seen = BTreeMap::new();
    for root in folders.iter().map(Root::of) {
        for folder in root.task_folders().unwrap_or_default() {
            let path = resolve(&folder).join(TASK_FILE);
            if let Found::Task(task, _) = read_folder(&path) {
                let id = path.to_string_lossy().into_owned();
                let work = work(*task, id.clone(), root.project_of(&folder));
                seen.entry(id).or_insert(work);
            }
        }
    }
    seen.into_values().collect()
}

fn work(task: Task, id: String, project: String) -> SeenWork {
    let state = match (task.waits, task.progress) {
        (Some(Waits::Failed), _) => SeenState::Failed(task.insight.observation.clone()),
        (Some(_), _) => SeenState::WaitsForPerson,
        (None, Progress::Complete) => SeenState::Done,
        (None, Progress::Active | Progress::Other) => SeenState::Running,
    };
    SeenWork {
        system: WorkSystem::AgentTask,
        id,
        run: None,
        title: task.name,
        project,
        finished_at: task.heartbeat_at.filter(|_| state == SeenState::Done),
        state,
        depends_on: Vec::new(),
        attempts: None,
        max_attempts: None,
        handoff: None,
    }
}
