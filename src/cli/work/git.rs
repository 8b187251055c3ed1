//! Git, run for a job in an environment and with settings that neither an agent nor a repository
//! chooses.
//!
//! An agent writes in its worktree, so nothing there may decide what git runs: the repository is
//! named by its own folder and not by the worktree's `.git` file, which an agent can exchange;
//! hooks are off, because a folder of hooks may be a tracked one; nothing is fetched or pushed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use crate::core::untrusted::one_line;
use crate::disk;

/// How long a command of git may take. A checkout of a large repository takes minutes.
const LONGEST_RUN: Duration = Duration::from_secs(600);
/// Most bytes read of what git prints; the rest is dropped.
const MOST_OUTPUT: u64 = 4 << 20;
/// Most bytes of a file of git's own, such as `info/exclude`.
const LONGEST_FILE: u64 = 1 << 20;

/// Variables that git and its programs get; all others are left out.
const KEPT: [&str; 9] =
    ["PATH", "HOME", "XDG_CONFIG_HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LC_CTYPE", "TZ"];
/// Variables with values of ours. No transport: nothing is fetched, pushed or cloned.
const SET: [(&str, &str); 4] = [
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_EDITOR", "true"),
    ("LC_MESSAGES", "C"),
];
/// Settings that win over those of files.
const SETTINGS: [&str; 9] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.quotePath=false",
    "safe.bareRepository=explicit",
    "commit.gpgSign=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
];
/// Who commits where the person has set no name for git.
const COMMITTER: [(&str, &str); 2] = [("user.name", "Gander"), ("user.email", "gander@localhost")];

/// Lines of `info/exclude`: the worktrees, and the files that mark them.
const EXCLUDED: [&str; 6] = [
    "/.agents/worktrees/",
    "/.agent-task.json",
    "/.agent-lock",
    "/.agent-heartbeat",
    "/.agent-handoff.json",
    "/.agent-session",
];

/// Why git did not do something.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum GitError {
    #[error("git cannot be started: {0}. Install git, or put it on the PATH")]
    NotStarted(String),
    #[error("git {0} took more than {limit} s and was stopped", limit = LONGEST_RUN.as_secs())]
    Late(String),
    #[error("git {command} failed: {said}")]
    Failed { command: String, said: String },
    #[error(
        "{} is in no git repository: start in one, or name it with --root or with folders under \
         [projects.NAME]", .0.display()
    )]
    NoRepository(PathBuf),
    #[error("{} has no commit yet: make one, since a worktree begins with a commit", .0.display())]
    NoCommit(PathBuf),
    #[error("{}: {why}", path.display())]
    File { path: PathBuf, why: String },
    #[error("{} is no worktree that its repository knows", .0.display())]
    UnknownWorktree(PathBuf),
}

/// A repository with its main folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repository {
    /// The folder with the person's checkout.
    pub(super) root: PathBuf,
    /// The repository's own folder, which all its worktrees share.
    common: PathBuf,
}

/// A worktree as its repository lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) path: PathBuf,
    /// Without `refs/heads/`; `None`: no branch.
    pub(super) branch: Option<String>,
}

fn command(folder: &Path, arguments: &[&OsStr]) -> Command {
    let mut git = Command::new("git");
    git.env_clear();
    git.envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)))).envs(SET);
    git.arg("-C").arg(folder);
    for setting in SETTINGS {
        git.arg("-c").arg(setting);
    }
    git.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    git.kill_on_drop(true);
    git
}

async fn bounded(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        (&mut from).take(MOST_OUTPUT).read_to_end(&mut bytes).await?;
        // A full pipe would hold git up.
        tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

/// Runs git and returns what it printed.
async fn run(folder: &Path, arguments: &[&OsStr]) -> Result<Vec<u8>, GitError> {
    let named = || {
        let words = arguments.iter().filter(|word| !word.as_encoded_bytes().starts_with(b"--git"));
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        one_line(&words.join(" ")).chars().take(120).collect::<String>()
    };
    let failed = |error: std::io::Error| GitError::NotStarted(error.to_string());
    let mut child = command(folder, arguments).spawn().map_err(failed)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let whole = async { tokio::join!(bounded(out), bounded(err), child.wait()) };
    let Ok((out, err, status)) = timeout(LONGEST_RUN, whole).await else {
        return Err(GitError::Late(named()));
    };
    if status.map_err(failed)?.success() {
        return out.map_err(failed);
    }
    let said = String::from_utf8_lossy(&err.unwrap_or_default()).into_owned();
    let said = said.lines().last().map(one_line).unwrap_or_default();
    Err(GitError::Failed { command: named(), said })
}

fn words<const N: usize>(words: [&str; N]) -> [&OsStr; N] {
    words.map(OsStr::new)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned()
}

impl Repository {
    /// The repository of a folder that the person named. From within a worktree, the repository
    /// with the main checkout.
    pub(super) async fn of(folder: &Path) -> Result<Self, GitError> {
        let asked = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
        let found = match run(folder, &words(asked)).await {
            Err(GitError::Failed { .. }) => return Err(GitError::NoRepository(folder.to_owned())),
            found => text(&found?),
        };
        let common = resolved(Path::new(&found))?;
        let named = format!("--git-dir={}", common.display());
        let list = [&*named, "worktree", "list", "--porcelain", "-z"];
        let main = run(folder, &words(list)).await?;
        let root = listed(&main).into_iter().next();
        let root = root.filter(|main| main.path.join(".git").exists());
        let root = root.ok_or_else(|| GitError::NoRepository(folder.to_owned()))?.path;
        Ok(Self { root: resolved(&root)?, common })
    }

    async fn git(&self, arguments: &[&OsStr]) -> Result<Vec<u8>, GitError> {
        let folder = format!("--git-dir={}", self.common.display());
        let tree = format!("--work-tree={}", self.root.display());
        let all: Vec<&OsStr> =
            words([&folder, &tree]).into_iter().chain(arguments.iter().copied()).collect();
        run(&self.root, &all).await
    }

    /// The commit that a new worktree begins with.
    pub(super) async fn head(&self) -> Result<String, GitError> {
        match self.git(&words(["rev-parse", "--verify", "-q", "HEAD^{commit}"])).await {
            Err(GitError::Failed { .. }) => Err(GitError::NoCommit(self.root.clone())),
            found => Ok(text(&found?)),
        }
    }

    /// Keeps the worktrees and their marks out of the repository's status.
    pub(super) fn exclude(&self) -> Result<(), GitError> {
        let info = self.common.join("info");
        let path = info.join("exclude");
        let wrong = |why: String| GitError::File { path: path.clone(), why };
        std::fs::create_dir_all(&info).map_err(|error| wrong(error.to_string()))?;
        let old = match disk::read_beside(&path, LONGEST_FILE) {
            Ok(old) => old,
            Err(error) if error.is_absence() => Vec::new(),
            Err(error) => return Err(wrong(error.to_string())),
        };
        let has = |line: &str| {
            old.split(|byte| *byte == b'\n').any(|known| known.trim_ascii() == line.as_bytes())
        };
        let missing: Vec<&str> = EXCLUDED.into_iter().filter(|line| !has(line)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut new = old.clone();
        if !new.is_empty() && !new.ends_with(b"\n") {
            new.push(b'\n');
        }
        new.extend_from_slice(format!("{}\n", missing.join("\n")).as_bytes());
        disk::replace(&path, &new).map_err(|error| wrong(error.to_string()))
    }

    /// Whether a branch exists.
    pub(super) async fn has_branch(&self, branch: &str) -> Result<bool, GitError> {
        let name = format!("refs/heads/{branch}");
        match self.git(&words(["rev-parse", "--verify", "-q", &name])).await {
            Ok(_) => Ok(true),
            Err(GitError::Failed { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Adds a worktree with a new branch that begins with a commit.
    pub(super) async fn add(&self, path: &Path, branch: &str, base: &str) -> Result<(), GitError> {
        let [worktree, add, new, base] = words(["worktree", "add", "-b", base]);
        let path = path.as_os_str();
        let arguments =
            [worktree, add, OsStr::new("--no-track"), new, OsStr::new(branch), path, base];
        self.git(&arguments).await.map(drop)
    }

    /// Adds a worktree for a branch that exists.
    pub(super) async fn add_existing(&self, path: &Path, branch: &str) -> Result<(), GitError> {
        let [worktree, add, branch] = words(["worktree", "add", branch]);
        self.git(&[worktree, add, path.as_os_str(), branch]).await.map(drop)
    }

    /// The worktrees, the main one first.
    pub(super) async fn worktrees(&self) -> Result<Vec<Listed>, GitError> {
        Ok(listed(&self.git(&words(["worktree", "list", "--porcelain", "-z"])).await?))
    }

    /// Forgets worktrees whose folders are gone.
    pub(super) async fn prune(&self) -> Result<(), GitError> {
        self.git(&words(["worktree", "prune"])).await.map(drop)
    }

    /// Whether the main checkout contains all commits of a branch.
    pub(super) async fn is_merged(&self, branch: &str) -> Result<bool, GitError> {
        let branch = format!("refs/heads/{branch}");
        match self.git(&words(["merge-base", "--is-ancestor", &branch, "HEAD"])).await {
            Ok(_) => Ok(true),
            Err(GitError::Failed { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The commit at which a branch left the main checkout's.
    pub(super) async fn fork_point(&self, branch: &str) -> Result<String, GitError> {
        let branch = format!("refs/heads/{branch}");
        Ok(text(&self.git(&words(["merge-base", "HEAD", &branch])).await?))
    }

    /// Removes a worktree. Without force, git refuses one with uncommitted work.
    pub(super) async fn remove(&self, path: &Path, force: Force) -> Result<(), GitError> {
        let [worktree, remove, option] = words(["worktree", "remove", "--force"]);
        let path = path.as_os_str();
        let arguments: &[&OsStr] = match force {
            Force::No => &[worktree, remove, path],
            Force::Yes => &[worktree, remove, option, path],
        };
        self.git(arguments).await.map(drop)
    }

    /// Removes a branch whose commits are all merged.
    pub(super) async fn remove_merged_branch(&self, branch: &str) -> Result<(), GitError> {
        self.git(&words(["branch", "-d", "--", branch])).await.map(drop)
    }

    /// The worktree in a folder.
    pub(super) fn worktree(&self, path: &Path) -> Result<Worktree, GitError> {
        let unknown = || GitError::UnknownWorktree(path.to_owned());
        let path = path.canonicalize().map_err(|_| unknown())?;
        let entries = std::fs::read_dir(self.common.join("worktrees")).map_err(|_| unknown())?;
        let leads_here = |own: &PathBuf| {
            let pointer = disk::read_beside(&own.join("gitdir"), LONGEST_FILE).ok();
            let pointer = pointer.and_then(|bytes| String::from_utf8(bytes).ok());
            let pointer = pointer.map(|text| own.join(text.trim_end()));
            pointer.is_some_and(|pointer| {
                pointer.file_name().is_some_and(|name| name == ".git")
                    && pointer.parent().and_then(|of| of.canonicalize().ok()).as_ref()
                        == Some(&path)
            })
        };
        let own = entries.flatten().map(|entry| entry.path()).find(leads_here);
        Ok(Worktree { own: own.ok_or_else(unknown)?, path })
    }
}

/// Whether uncommitted work may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Force {
    No,
    /// The person has said so.
    Yes,
}

/// A worktree. Its state is read from the repository's record of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Worktree {
    /// The folder with the files.
    pub(super) path: PathBuf,
    /// The repository's folder about the worktree.
    own: PathBuf,
}

impl Worktree {
    async fn git(&self, arguments: &[&OsStr]) -> Result<Vec<u8>, GitError> {
        let folder = format!("--git-dir={}", self.own.display());
        let tree = format!("--work-tree={}", self.path.display());
        let all: Vec<&OsStr> =
            words([&folder, &tree]).into_iter().chain(arguments.iter().copied()).collect();
        run(&self.path, &all).await
    }

    /// Files with uncommitted changes, new ones included.
    pub(super) async fn uncommitted(&self) -> Result<Vec<String>, GitError> {
        let all = ["--untracked-files=all", "--no-renames", "--ignore-submodules=all"];
        let asked = ["status", "--porcelain=v1", "-z", all[0], all[1], all[2]];
        let found = self.git(&words(asked)).await?;
        Ok(parts(&found).filter_map(|entry| entry.get(3..).map(str::to_owned)).collect())
    }

    /// The latest commit.
    pub(super) async fn head(&self) -> Result<String, GitError> {
        Ok(text(&self.git(&words(["rev-parse", "--verify", "-q", "HEAD^{commit}"])).await?))
    }

    /// Commits what is not committed yet. `None`: there was nothing.
    pub(super) async fn commit(&self, message: &str) -> Result<Option<String>, GitError> {
        self.git(&words(["add", "--all", "--", "."])).await?;
        let staged = ["diff", "--cached", "--quiet", "--ignore-submodules=all", "--no-ext-diff"];
        if self.git(&words(staged)).await.is_ok() {
            return Ok(None);
        }
        let mut arguments: Vec<String> = Vec::new();
        for (name, usual) in COMMITTER {
            if self.git(&words(["config", "--get", name])).await.is_err() {
                arguments.extend(["-c".into(), format!("{name}={usual}")]);
            }
        }
        let rest = ["commit", "--quiet", "--no-verify", "--message", message];
        arguments.extend(rest.map(str::to_owned));
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        self.git(&arguments).await?;
        self.head().await.map(Some)
    }

    /// Files that differ from a commit. New files count once they are committed.
    pub(super) async fn changed_since(&self, base: &str) -> Result<Vec<String>, GitError> {
        let asked = ["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", base, "--"];
        Ok(parts(&self.git(&words(asked)).await?).map(str::to_owned).collect())
    }

    /// The difference from a commit as text.
    pub(super) async fn diff_since(&self, base: &str) -> Result<String, GitError> {
        let asked =
            ["diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", base, "--"];
        Ok(String::from_utf8_lossy(&self.git(&words(asked)).await?).into_owned())
    }
}

fn resolved(path: &Path) -> Result<PathBuf, GitError> {
    path.canonicalize()
        .map_err(|error| GitError::File { path: path.to_owned(), why: error.to_string() })
}

/// Texts that end with a zero byte.
fn parts(bytes: &[u8]) -> impl Iterator<Item = &str> {
    bytes
        .split(|byte| *byte == 0)
        .filter_map(|part| std::str::from_utf8(part).ok().filter(|part| !part.is_empty()))
}

/// Reads `git worktree list --porcelain -z`.
fn listed(bytes: &[u8]) -> Vec<Listed> {
    let mut found: Vec<Listed> = Vec::new();
    for line in parts(bytes) {
        if let Some(path) = line.strip_prefix("worktree ") {
            found.push(Listed { path: path.into(), branch: None });
        } else if let (Some(branch), Some(last)) =
            (line.strip_prefix("branch refs/heads/"), found.last_mut())
        {
            last.branch = Some(branch.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests;
