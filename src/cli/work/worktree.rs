//! Worktrees of jobs: where each is, how one is found again after a worker was killed, and when one
//! may be removed.

use std::path::{Path, PathBuf};

use super::git::{Force, GitError, Repository, Worktree};
use super::slug;
use super::task_file::TaskFile;
use crate::core::jobs::{Job, JobId, JobState};
use crate::disk::{FileError, Folder};

/// Folder of worktrees in a repository.
pub(super) const WORKTREES: &str = ".agents/worktrees";
/// Most names that are tried for a job's worktree.
const MOST_NAMES: u32 = 100;

/// Why there is no worktree.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorktreeError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("{}: {why}", path.display())]
    Folder { path: PathBuf, why: FileError },
    #[error(
        "{MOST_NAMES} worktrees have the name {0} already: remove old ones with gander work clean"
    )]
    NoFreeName(String),
}

/// A job's worktree.
#[derive(Debug)]
pub(super) struct JobPlace {
    pub(super) worktree: Worktree,
    /// The opened folder, in which the worker writes.
    pub(super) folder: Folder,
    pub(super) branch: String,
    /// The commit that the branch began with.
    pub(super) base: String,
    /// What an earlier worker left.
    pub(super) left: Option<TaskFile>,
}

impl JobPlace {
    /// The worktree's path within its repository, as files for others name it.
    pub(super) fn shown(&self) -> String {
        let name = self.worktree.path.file_name().unwrap_or_default().to_string_lossy();
        format!("{WORKTREES}/{name}")
    }
}

fn open(path: &Path) -> Result<Folder, WorktreeError> {
    Folder::open(path).map_err(|why| WorktreeError::Folder { path: path.to_owned(), why })
}

/// Whether a task file is of this job of this store.
fn is_of(task: &TaskFile, job: JobId, store: &str) -> bool {
    task.gander_job.job == job.0 && task.gander_job.store == store
}

/// Finds the worktree of a job, or adds one. `store`: the store's tag.
pub(super) async fn prepare(
    repository: &Repository,
    job: &Job,
    store: &str,
) -> Result<JobPlace, WorktreeError> {
    repository.exclude()?;
    let worktrees = repository.root.join(WORKTREES);
    let recorded = job
        .worktree
        .as_deref()
        .map(Path::new)
        .filter(|path| path.parent() == Some(&worktrees) && path.file_name().is_some());
    if let (Some(path), Some(branch)) = (recorded, job.branch.as_deref()) {
        if !path.exists() && repository.has_branch(branch).await? {
            // A person removed the folder: the work is on the branch.
            repository.prune().await?;
            repository.add_existing(path, branch).await?;
        }
        if path.exists() {
            return found(repository, path, branch, job.id, store).await;
        }
    }
    let usual = slug::of_job(&job.request.title, job.id.0);
    let names = (2..=MOST_NAMES).map(|number| slug::numbered(&usual, number));
    for name in std::iter::once(usual.clone()).chain(names) {
        let (path, branch) = (worktrees.join(&name), slug::branch(&name));
        let listed = repository.worktrees().await?;
        let is_listed = listed.iter().any(|known| known.path == path);
        if is_listed && path.exists() {
            // Begun for this job, if no other job says that it is there.
            let task = TaskFile::read(&open(&path)?);
            if task.is_none_or(|task| is_of(&task, job.id, store)) {
                return found(repository, &path, &branch, job.id, store).await;
            }
        } else if !path.exists() && !repository.has_branch(&branch).await? {
            if is_listed {
                repository.prune().await?;
            }
            repository.add(&path, &branch, &repository.head().await?).await?;
            return found(repository, &path, &branch, job.id, store).await;
        }
    }
    Err(WorktreeError::NoFreeName(usual))
}

async fn found(
    repository: &Repository,
    path: &Path,
    branch: &str,
    job: JobId,
    store: &str,
) -> Result<JobPlace, WorktreeError> {
    let worktree = repository.worktree(path)?;
    let folder = open(path)?;
    let left = TaskFile::read(&folder).filter(|task| is_of(task, job, store));
    let base = repository.fork_point(branch).await?;
    Ok(JobPlace { worktree, folder, branch: branch.to_owned(), base, left })
}

/// A worktree in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownWorktree {
    pub(super) path: PathBuf,
    pub(super) branch: Option<String>,
    /// The job, if the worktree is of one of this store.
    pub(super) job: Option<JobId>,
    /// Files with uncommitted work.
    pub(super) uncommitted: Vec<String>,
    /// Whether the main checkout has all commits of the branch.
    pub(super) is_merged: bool,
}

/// The worktrees below `.agents/worktrees`.
pub(super) async fn list(
    repository: &Repository,
    store: &str,
) -> Result<Vec<KnownWorktree>, WorktreeError> {
    let worktrees = repository.root.join(WORKTREES);
    let mut found = Vec::new();
    for listed in repository.worktrees().await? {
        if listed.path.parent() != Some(&worktrees) || !listed.path.exists() {
            continue;
        }
        let task = TaskFile::read(&open(&listed.path)?);
        let task = task.filter(|task| task.gander_job.store == store);
        let is_merged = match &listed.branch {
            Some(branch) => repository.is_merged(branch).await?,
            None => false,
        };
        found.push(KnownWorktree {
            uncommitted: repository.worktree(&listed.path)?.uncommitted().await?,
            job: task.map(|task| JobId(task.gander_job.job)),
            path: listed.path,
            branch: listed.branch,
            is_merged,
        });
    }
    Ok(found)
}

/// What cleaning does with a worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Remove it.
    Remove,
    /// It has uncommitted work: ask before.
    Ask,
    /// Keep it, for this reason.
    Keep(&'static str),
}

/// Decides about a worktree. `state`: that of its job.
pub(super) fn fate(known: &KnownWorktree, state: Option<&JobState>) -> Fate {
    let is_given_up = match state {
        None => return Fate::Keep("it is of no job of this store"),
        Some(JobState::Done { .. }) => false,
        Some(JobState::Failed { .. } | JobState::Cancelled { .. } | JobState::NotNeeded { .. }) => {
            true
        }
        Some(_) => return Fate::Keep("its job is not over"),
    };
    if !is_given_up && !known.is_merged {
        return Fate::Keep("its branch is not merged");
    }
    if known.uncommitted.is_empty() { Fate::Remove } else { Fate::Ask }
}

/// Removes a worktree, and its branch if that is merged.
pub(super) async fn remove(
    repository: &Repository,
    known: &KnownWorktree,
    force: Force,
) -> Result<(), GitError> {
    repository.remove(&known.path, force).await?;
    match &known.branch {
        Some(branch) if known.is_merged => repository.remove_merged_branch(branch).await,
        _ => Ok(()),
    }
}
