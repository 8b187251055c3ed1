//! Asks for decisions on tasks in `.agent-task.json` files that wait for a person, and withdraws
//! the questions when the tasks go on.
//!
//! Agents leave a task file in each worktree and stop, without notifying a person. This source asks
//! one decision per file, for as long as the file's state needs a person. Open and answered
//! decisions are read from the store at each scan and never cached, so a restart neither duplicates
//! nor loses a question. The source only reads the files.
//!
//! An answered question is not asked again while the file stays the same. Once the file has moved
//! on, the verdict counts as claimed; if the task later returns to the same state, the source
//! asks anew.
//!
//! Does not depend on surfaces, the store's tables or permissions.

mod format;
mod notices;
mod places;
mod question;
mod retry;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::format::{Reading, read_task};
use self::notices::TaskNotices;
pub use self::places::SourceError;
use self::places::{Root, TASK_FILE, TaskContent, folder_id};
use self::question::{EndReason, KEY, parts_of, question, same_question};
use self::retry::RetryState;
use super::WatchedFolder;
use crate::core::decision::{Decision, DecisionId, Request, State};
use crate::disk::{FileId, resolve};
use crate::engine::{Asked, Filter, Handle, HandleError};

/// Pause between a change notice and the scan, so that a file replaced in several steps is
/// complete.
const SETTLE: Duration = Duration::from_millis(200);
/// Pause before the next scan after a store error.
const STORE_AGAIN: Duration = Duration::from_secs(5);

/// The result of one scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskScan {
    /// Tasks that wait for a person, whether asked now or earlier, answered or not.
    pub waiting: usize,
    /// New decisions.
    pub asked: Vec<DecisionId>,
    /// Decisions with changed content.
    pub revised: Vec<DecisionId>,
    /// Withdrawn decisions.
    pub withdrawn: Vec<DecisionId>,
    /// Files and folders that are unreadable or incomplete. Their decisions stay unchanged.
    pub troubles: Vec<SourceError>,
    /// Watched folders that do not exist.
    pub missing: Vec<PathBuf>,
}

/// Scans after each change notice, and every 60 s without notices. Never returns.
pub async fn run(handle: Handle, folders: Vec<WatchedFolder>) {
    let notices = TaskNotices::new(folders.clone());
    let mut patience = RetryState::default();
    let mut anew = true;
    loop {
        // Watch before scanning, so that a file created in between raises a notice.
        notices.refresh(anew).await;
        let wait = match look(&handle, &folders).await {
            // Without folders, this one scan has withdrawn all questions of an earlier
            // configuration.
            Ok(_) if folders.is_empty() => std::future::pending().await,
            Ok(looked) => patience.after(&looked),
            Err(error) => {
                tracing::warn!(%error, "could not import agents' tasks; trying again in 5 s");
                STORE_AGAIN
            }
        };
        let noticed = tokio::time::timeout(wait, notices.wait()).await.is_ok();
        anew = !noticed && wait == retry::POLL_INTERVAL;
        if noticed {
            tokio::time::sleep(SETTLE).await;
        }
    }
}

/// Scans all folders once: asks, revises and withdraws according to the files.
///
/// # Errors
/// A store error. Work done before the error stays; the next scan continues. A file that cannot be
/// read or asked is a [`SourceError`], not an error.
pub async fn look(handle: &Handle, folders: &[WatchedFolder]) -> Result<TaskScan, HandleError> {
    // Includes closed decisions, to know which questions have an answer.
    let filter = Filter { key_prefix: Some(KEY.to_owned()), ..Filter::default() };
    let ours: Vec<Decision> = handle
        .approvals()
        .list(filter)
        .await?
        .into_iter()
        .filter(|decision| file(decision).is_some())
        .collect();
    let unsettled =
        ours.iter().filter(|decision| decision.state.is_open() || is_unclaimed(decision));
    let known: Vec<String> = unsettled.filter_map(file).map(ToOwned::to_owned).collect();
    let folders = folders.to_vec();
    let survey = match tokio::task::spawn_blocking(move || survey(&folders, &known)).await {
        Ok(survey) => survey,
        Err(error) => {
            tracing::error!(%error, "reading the watched folders was \
                 interrupted; nothing was changed");
            return Ok(TaskScan::default());
        }
    };
    reconcile(handle, &ours, survey).await
}

/// The path of the decision's task file, if this source asked the decision.
fn file(decision: &Decision) -> Option<&str> {
    parts_of(decision.request.dedup_key.as_deref()?).map(|(file, _)| file)
}

fn is_unclaimed(decision: &Decision) -> bool {
    matches!(&decision.state, State::Resolved(resolved) if resolved.claimed_at.is_none())
}

/// The scan's finding at a file's path.
#[derive(Debug)]
enum Sight {
    /// A task that asks this question.
    Waiting(Box<Request>),
    /// A task in a state that needs no person.
    NoPersonNeeded(String),
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

/// The findings in all folders.
#[derive(Debug, Default)]
struct Scan {
    files: BTreeMap<String, Sight>,
    /// The file of each folder. A folder can have several paths, by links and mounts, and is asked
    /// about once.
    folders: HashMap<FileId, String>,
    troubles: Vec<SourceError>,
    missing: Vec<PathBuf>,
}

/// Reads every possible task file, and the files known from the store. Blocks.
fn survey(folders: &[WatchedFolder], known: &[String]) -> Scan {
    let roots: Vec<Root> = folders.iter().map(Root::of).collect();
    let names = names_of(known);
    let (mut survey, mut all_listed) = (Scan::default(), true);
    for root in &roots {
        if !root.asked_for().is_dir() {
            survey.missing.push(root.asked_for());
        }
        match root.task_folders() {
            Ok(folders) => folders
                .iter()
                .for_each(|folder| survey.see(folder, &root.project_of(folder), &names)),
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

impl Scan {
    /// Reads a folder's task file. If watched folders overlap, the first determines the project.
    /// `names`: the file's path in the store, if known there.
    fn see(&mut self, folder: &Path, project: &str, names: &HashMap<FileId, String>) {
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
        let sight = match places::read(&path) {
            TaskContent::Gone => Sight::Gone,
            TaskContent::Unreadable(why) => self.unclear(path, why),
            TaskContent::Text(text) => match read_task(&text) {
                Reading::Incomplete(why) => self.unclear(path, why),
                Reading::NotATask(why) => {
                    tracing::debug!(path = file, why, "left alone");
                    Sight::NotATask
                }
                Reading::Task(task) => match task.waits {
                    Some(waits) => Sight::Waiting(Box::new(question(
                        &task,
                        waits,
                        &file,
                        &path.parent().unwrap_or(folder).to_string_lossy(),
                        project,
                    ))),
                    None => Sight::NoPersonNeeded(task.state),
                },
            },
        };
        self.files.insert(file, sight);
    }

    fn unclear(&mut self, path: PathBuf, why: String) -> Sight {
        self.troubles.push(SourceError { path, why });
        Sight::Unclear
    }
}

/// Asks, revises, withdraws or claims until decisions match the files. `ours` is sorted newest
/// first.
async fn reconcile(
    handle: &Handle,
    ours: &[Decision],
    survey: Scan,
) -> Result<TaskScan, HandleError> {
    let mut looked =
        TaskScan { troubles: survey.troubles, missing: survey.missing, ..TaskScan::default() };
    let mut latest: HashMap<&str, &Decision> = HashMap::new();
    for decision in ours {
        let Some(key) = decision.request.dedup_key.as_deref() else { continue };
        let Some(sight) = file(decision).and_then(|file| survey.files.get(file)) else { continue };
        let over = match sight {
            Sight::Unclear => continue,
            Sight::Waiting(request) => match request.dedup_key.as_deref() {
                Some(asks) if asks == key => {
                    latest.entry(key).or_insert(decision);
                    continue;
                }
                asks => {
                    EndReason::Continued(asks.and_then(parts_of).map_or("", |(_, state)| state))
                }
            },
            Sight::NoPersonNeeded(state) => EndReason::Continued(state),
            Sight::NotATask => EndReason::NotATask,
            Sight::Gone => EndReason::Gone,
            Sight::Unwatched => EndReason::Unwatched,
            Sight::Alias(file) => EndReason::Alias(file),
        };
        leave(handle, decision, over, &mut looked).await?;
    }
    for (file, sight) in survey.files {
        if let Sight::Waiting(request) = sight {
            looked.waiting += 1;
            let standing = request.dedup_key.as_deref().and_then(|key| latest.get(key).copied());
            if let Some(request) = request_to_file(handle, standing, *request, &mut looked).await? {
                ask(handle, request, &file, &mut looked).await?;
            }
        }
    }
    Ok(looked)
}

/// Ends a question that the file no longer asks: withdraws an open decision, and claims a verdict
/// if the task went on or its file is gone.
async fn leave(
    handle: &Handle,
    decision: &Decision,
    over: EndReason<'_>,
    looked: &mut TaskScan,
) -> Result<(), HandleError> {
    let left = if decision.state.is_open() {
        handle.approvals().withdraw(decision.id, &over.reason()).await
    } else if is_unclaimed(decision) && matches!(over, EndReason::Continued(_) | EndReason::Gone) {
        handle.approvals().claim(decision.id).await
    } else {
        return Ok(());
    };
    match left {
        Ok(left) => {
            if matches!(left.state, State::Withdrawn { .. }) {
                tracing::info!(decision = left.id.0, why = over.reason(), "withdrawn");
                looked.withdrawn.push(left.id);
            }
            Ok(())
        }
        // A person answered, or undid a verdict, at this moment: the next scan handles the new
        // state.
        Err(HandleError::Refused(..)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The request to file for a waiting task, given the latest decision with the same key. `None` if
/// the same question has a verdict that nobody has claimed.
async fn request_to_file(
    handle: &Handle,
    standing: Option<&Decision>,
    request: Request,
    looked: &mut TaskScan,
) -> Result<Option<Request>, HandleError> {
    let Some(standing) = standing else { return Ok(Some(request)) };
    // A pruned decision can no longer be compared, and counts as unchanged.
    let same = standing.pruned_at.is_some() || same_question(&standing.request, &request);
    if standing.state.is_open() {
        if standing.request.project != request.project {
            leave(handle, standing, EndReason::Renamed(&request.project), looked).await?;
            return Ok(Some(request));
        }
        // If only a counter rose, keep the old request: a revision would redraw the card and
        // invalidate a click in progress.
        let request = if same { standing.request.clone() } else { request };
        return Ok(Some(request));
    }
    if is_unclaimed(standing) {
        if same {
            return Ok(None);
        }
        leave(handle, standing, EndReason::Continued(&request.title), looked).await?;
    }
    Ok(Some(request))
}

async fn ask(
    handle: &Handle,
    request: Request,
    file: &str,
    looked: &mut TaskScan,
) -> Result<(), HandleError> {
    match handle.approvals().ask(request).await {
        Ok(Asked::New(decision)) => {
            tracing::info!(decision = decision.id.0, file, "a task waits for a person");
            looked.asked.push(decision.id);
            Ok(())
        }
        Ok(Asked::Revised(decision)) => {
            tracing::info!(
                decision = decision.id.0,
                revision = decision.revision.0,
                file,
                "a waiting task says something else"
            );
            looked.revised.push(decision.id);
            Ok(())
        }
        Ok(Asked::Same(_)) => Ok(()),
        // A folder at its limit still has its other files read.
        Err(why @ (HandleError::InvalidRequest(_) | HandleError::Limited(_))) => {
            looked.troubles.push(SourceError { path: file.into(), why: why.to_string() });
            Ok(())
        }
        Err(error) => Err(error),
    }
}
