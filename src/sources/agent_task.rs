//! Brings tasks that wait for a person out of `.agent-task.json` files, and takes them back when
//! they go on.
//!
//! Agents leave such a file in each worktree and stop; nobody is told. Here each file whose state
//! needs a person is a decision, for as long as it does. What is open and what was answered is read
//! from the store at each look, never remembered, so that a restart doubles nothing and forgets
//! nothing. The files are only read.
//!
//! An answered question is not asked again while the file asks the same. Once the file has moved
//! on, the verdict counts as taken (claimed); if the task comes back to the same state after that,
//! it asks anew.
//!
//! Must not know surfaces, the store's tables or who may decide.

mod notices;
mod patience;
mod places;
mod question;
mod shape;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::notices::Notices;
use self::patience::Patience;
pub use self::places::Trouble;
use self::places::{Content, Root, TASK_FILE};
use self::question::{KEY, Over, parts_of, question, same_question};
use self::shape::{Reading, read_task};
use super::WatchedFolder;
use crate::core::decision::{Decision, DecisionId, Request, State};
use crate::engine::{Asked, Filter, Handle, HandleError};

/// How long after a notice files are looked at: what is replaced in several steps is then whole.
const SETTLE: Duration = Duration::from_millis(200);
/// How soon it is looked again after the store failed.
const STORE_AGAIN: Duration = Duration::from_secs(5);

/// What one look found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// Tasks that wait for a person, asked now or before, answered or not.
    pub waiting: usize,
    /// Decisions that are new.
    pub asked: Vec<DecisionId>,
    /// Decisions whose content changed.
    pub revised: Vec<DecisionId>,
    /// Decisions that were taken back.
    pub withdrawn: Vec<DecisionId>,
    /// What could not be read, or is not whole yet. Its decisions stay as they are.
    pub troubles: Vec<Trouble>,
    /// Watched folders that are not there.
    pub missing: Vec<PathBuf>,
}

/// Looks whenever something changes, and slowly without that. Runs for as long as it is polled.
pub async fn run(handle: Handle, folders: Vec<WatchedFolder>) {
    let notices = Notices::new(folders.clone());
    let mut patience = Patience::default();
    let mut anew = true;
    loop {
        // Watched first and looked at then: what appears in between is noticed.
        notices.refresh(anew).await;
        let wait = match look(&handle, &folders).await {
            // That look took back what an earlier configuration had brought in.
            Ok(_) if folders.is_empty() => std::future::pending().await,
            Ok(looked) => patience.after(&looked),
            Err(error) => {
                tracing::warn!(%error, "agents' tasks could not be brought in; looking again in 5 s");
                STORE_AGAIN
            }
        };
        let noticed = tokio::time::timeout(wait, notices.wait()).await.is_ok();
        anew = !noticed && wait == patience::SLOW;
        if noticed {
            tokio::time::sleep(SETTLE).await;
        }
    }
}

/// Looks once at everything: asks, revises and withdraws what the files say.
///
/// # Errors
/// The store's, with what was done before it left as it is; the next look goes on from there. A
/// file that cannot be read or asked is no error but a [`Trouble`].
pub async fn look(handle: &Handle, folders: &[WatchedFolder]) -> Result<Looked, HandleError> {
    // Not only what is open: whether something was answered is asked too.
    let filter = Filter { key_prefix: Some(KEY.to_owned()), ..Filter::default() };
    let ours: Vec<Decision> = handle
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
            tracing::error!(%error, "reading the watched folders ended early; nothing was changed");
            return Ok(Looked::default());
        }
    };
    reconcile(handle, &ours, survey).await
}

/// The file that a decision is about, if this source asked it.
fn file(decision: &Decision) -> Option<&str> {
    parts_of(decision.request.dedup_key.as_deref()?).map(|(file, _)| file)
}

fn is_unclaimed(decision: &Decision) -> bool {
    matches!(&decision.state, State::Resolved(resolved) if resolved.claimed_at.is_none())
}

/// What was seen at a file's path.
#[derive(Debug)]
enum Sight {
    /// A task that asks this.
    Waiting(Box<Request>),
    /// A task in a state that needs nobody.
    AtRest(String),
    /// Nothing can be said of it now.
    Unclear,
    /// No task.
    Alien,
    /// Nothing.
    Gone,
    /// Outside every watched folder.
    Unwatched,
}

/// What was seen in all folders.
#[derive(Debug, Default)]
struct Survey {
    files: BTreeMap<String, Sight>,
    troubles: Vec<Trouble>,
    missing: Vec<PathBuf>,
}

/// Reads every file that there may be, and those that the store knows of. Blocks.
fn survey(folders: &[WatchedFolder], known: &[String]) -> Survey {
    let roots: Vec<Root> = folders.iter().map(Root::of).collect();
    let mut survey = Survey::default();
    for root in &roots {
        if !root.asked_for().is_dir() {
            survey.missing.push(root.asked_for());
        }
        match root.task_folders() {
            Ok(folders) => {
                folders.iter().for_each(|folder| survey.see(folder, &root.project_of(folder)))
            }
            Err(trouble) => survey.troubles.push(trouble),
        }
    }
    for file in known {
        if !survey.files.contains_key(file) {
            let path = Path::new(file);
            let sight = match places::read(path) {
                Content::Gone => Sight::Gone,
                _ if roots.iter().any(|root| root.covers(path)) => Sight::Unclear,
                _ => Sight::Unwatched,
            };
            survey.files.insert(file.clone(), sight);
        }
    }
    survey
}

impl Survey {
    /// Reads the task's file of a folder. Where watched folders overlap, the first one names the
    /// project.
    fn see(&mut self, folder: &Path, project: &str) {
        let path = folder.join(TASK_FILE);
        let file = path.to_string_lossy().into_owned();
        if self.files.contains_key(&file) {
            return;
        }
        let sight = match places::read(&path) {
            Content::Gone => Sight::Gone,
            Content::Unreadable(why) => self.unclear(path, why),
            Content::Text(text) => match read_task(&text) {
                Reading::Incomplete(why) => self.unclear(path, why),
                Reading::Alien(why) => {
                    tracing::debug!(path = file, why, "left alone");
                    Sight::Alien
                }
                Reading::Task(task) => match task.waits {
                    Some(waits) => Sight::Waiting(Box::new(question(
                        &task,
                        waits,
                        &file,
                        &folder.to_string_lossy(),
                        project,
                    ))),
                    None => Sight::AtRest(task.state),
                },
            },
        };
        self.files.insert(file, sight);
    }

    fn unclear(&mut self, path: PathBuf, why: String) -> Sight {
        self.troubles.push(Trouble { path, why });
        Sight::Unclear
    }
}

/// Makes what is asked equal what the files ask. `ours` has the newest first.
async fn reconcile(
    handle: &Handle,
    ours: &[Decision],
    survey: Survey,
) -> Result<Looked, HandleError> {
    let mut looked =
        Looked { troubles: survey.troubles, missing: survey.missing, ..Looked::default() };
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
                asks => Over::WentOn(asks.and_then(parts_of).map_or("", |(_, state)| state)),
            },
            Sight::AtRest(state) => Over::WentOn(state),
            Sight::Alien => Over::Alien,
            Sight::Gone => Over::Gone,
            Sight::Unwatched => Over::Unwatched,
        };
        leave(handle, decision, over, &mut looked).await?;
    }
    for (file, sight) in survey.files {
        if let Sight::Waiting(request) = sight {
            looked.waiting += 1;
            let standing = request.dedup_key.as_deref().and_then(|key| latest.get(key).copied());
            if let Some(request) = left_to_ask(handle, standing, *request, &mut looked).await? {
                ask(handle, request, &file, &mut looked).await?;
            }
        }
    }
    Ok(looked)
}

/// The file no longer asks this: an open question is taken back, and an answer counts as taken.
async fn leave(
    handle: &Handle,
    decision: &Decision,
    over: Over<'_>,
    looked: &mut Looked,
) -> Result<(), HandleError> {
    let left = if decision.state.is_open() {
        handle.withdraw(decision.id, &over.reason()).await
    } else if is_unclaimed(decision) && matches!(over, Over::WentOn(_) | Over::Gone) {
        handle.claim(decision.id).await
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
        // Somebody answered, or took the answer back, in this very moment: the next look sees it.
        Err(HandleError::Refused(..)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// What of a file's question is to be asked now. `standing` is the latest decision with its key.
/// `None`: it stands so, or it was answered.
async fn left_to_ask(
    handle: &Handle,
    standing: Option<&Decision>,
    request: Request,
    looked: &mut Looked,
) -> Result<Option<Request>, HandleError> {
    let Some(standing) = standing else { return Ok(Some(request)) };
    // What was pruned cannot be compared any more: it counts as what the file still asks.
    let same = standing.pruned_at.is_some() || same_question(&standing.request, &request);
    if standing.state.is_open() {
        if standing.request.project != request.project {
            leave(handle, standing, Over::Renamed(&request.project), looked).await?;
            return Ok(Some(request));
        }
        // A count that rose alone is no reason to redraw a card and void what somebody is about to
        // click.
        let request = if same { standing.request.clone() } else { request };
        return Ok(Some(request));
    }
    if is_unclaimed(standing) {
        if same {
            return Ok(None);
        }
        leave(handle, standing, Over::WentOn(&request.title), looked).await?;
    }
    Ok(Some(request))
}

async fn ask(
    handle: &Handle,
    request: Request,
    file: &str,
    looked: &mut Looked,
) -> Result<(), HandleError> {
    match handle.ask(request).await {
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
        Err(HandleError::Inadmissible(why)) => {
            looked.troubles.push(Trouble { path: file.into(), why: why.to_string() });
            Ok(())
        }
        Err(error) => Err(error),
    }
}
