//! Which repository git would use in a folder, found as git finds it: upwards from the folder, to
//! the first `.git`, or to the first folder that looks like a repository itself.
//!
//! Git obeys the configuration of the repository that it finds, programs to run included. A
//! repository cannot bring a file named `.git` along, but it can bring a folder that looks like a
//! repository. Doubtful cases count as foreign.

use std::path::{Path, PathBuf};

use crate::core::gate::facts::GitRepository;
use crate::disk;

/// Longest `.git` file, in bytes.
const LONGEST_POINTER: u64 = 8 << 10;

/// A repository that git finds from a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// None.
    Nothing,
    /// A repository with this directory; a worktree leads to the repository's main directory.
    At(PathBuf),
    /// A folder that looks like a repository, or a `.git` that cannot be followed for certain.
    Doubtful,
}

/// The repository that git would use in these folders, compared with the workspace's.
pub(super) fn of(folders: &[PathBuf], roots: &[PathBuf]) -> GitRepository {
    let own: Vec<Found> = roots.iter().map(|root| find(root)).collect();
    let is_own = |folder: &PathBuf| match find(folder) {
        Found::Doubtful => false,
        Found::Nothing => true,
        found @ Found::At(_) => own.contains(&found),
    };
    if own.contains(&Found::Doubtful) || !folders.iter().all(is_own) {
        GitRepository::Foreign
    } else {
        GitRepository::Own
    }
}

fn find(folder: &Path) -> Found {
    let Ok(folder) = folder.canonicalize() else { return Found::Doubtful };
    for folder in folder.ancestors() {
        let git = folder.join(".git");
        match git.symlink_metadata() {
            Ok(found) if found.is_dir() => {
                // Git ignores a `.git` that is no repository, and looks further.
                return if is_repository(&git) { Found::At(git) } else { Found::Doubtful };
            }
            Ok(found) if found.is_file() => {
                return worktree_of(&git).map_or(Found::Doubtful, Found::At);
            }
            Ok(_) => return Found::Doubtful,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => return Found::Doubtful,
        }
        if looks_like_repository(folder) {
            return Found::Doubtful;
        }
    }
    Found::Nothing
}

fn is_repository(git: &Path) -> bool {
    ["HEAD", "objects", "refs"].iter().all(|part| git.join(part).symlink_metadata().is_ok())
}

/// Whether git may take a folder itself for a repository. No repository is without `HEAD`.
pub(super) fn looks_like_repository(folder: &Path) -> bool {
    folder.join("HEAD").symlink_metadata().is_ok()
}

fn short_text(file: &Path) -> Option<String> {
    let text = disk::read_beside(file, LONGEST_POINTER).ok()?;
    Some(String::from_utf8(text).ok()?.trim_end().to_owned())
}

/// The main directory of the repository to which a worktree's `.git` file leads. The repository
/// must know the worktree: otherwise the file could lead anywhere.
fn worktree_of(pointer: &Path) -> Option<PathBuf> {
    let folder = pointer.parent()?;
    let text = short_text(pointer)?;
    let own = folder.join(text.strip_prefix("gitdir:")?.trim()).canonicalize().ok()?;
    let back = own.join(short_text(&own.join("gitdir"))?);
    let common = own.join(short_text(&own.join("commondir"))?).canonicalize().ok()?;
    let listed = own.parent() == Some(common.join("worktrees").as_path());
    let known = back.canonicalize().ok()? == pointer.canonicalize().ok()?;
    (listed && known && is_repository(&common)).then_some(common)
}

/// Whether a path to be written lies in a folder that git may take for a repository, other than
/// the workspace folder itself. `file` is resolved.
pub(super) fn is_within(file: &Path, roots: &[PathBuf]) -> bool {
    file.ancestors()
        .skip(1)
        .take_while(|folder| roots.iter().any(|root| folder.starts_with(root)))
        .any(looks_like_repository)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Runs git apart from the machine's own configuration. `None` without git.
    fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(folder).env("GIT_CONFIG_NOSYSTEM", "1");
        git.env("HOME", folder).env("GIT_CONFIG_GLOBAL", "/dev/null");
        git.envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@example.org")]);
        git.envs([("GIT_COMMITTER_NAME", "a"), ("GIT_COMMITTER_EMAIL", "a@example.org")]);
        let output = git.output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The files that make a folder a repository whose configuration runs a program.
    fn pose(folder: &Path, ran: &Path) {
        for part in ["objects", "refs"] {
            std::fs::create_dir_all(folder.join(part)).unwrap();
        }
        std::fs::write(folder.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        let config = format!(
            "[core]\n\trepositoryformatversion = 0\n\tworktree = .\n\
             \tfsmonitor = \"touch {}; false\"\n",
            ran.display()
        );
        std::fs::write(folder.join("config"), config).unwrap();
    }

    #[test]
    fn a_repository_is_found_where_git_finds_it() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap().join("shop");
        std::fs::create_dir_all(root.join("src/deep")).unwrap();
        if git(&root, &["init", "-q"]).is_none() {
            eprintln!("skipped: git is not installed");
            return;
        }
        git(&root, &["commit", "-q", "--allow-empty", "-m", "x"]).unwrap();
        git(&root, &["worktree", "add", "-q", ".claude/worktrees/x"]).unwrap();
        let ran = root.join("ran");
        pose(&root.join("pkg"), &ran);
        std::fs::create_dir_all(root.join("pkg/app")).unwrap();
        std::fs::create_dir_all(root.join("nested")).unwrap();
        git(&root.join("nested"), &["init", "-q"]).unwrap();
        let roots = [root.clone()];
        for (folder, expected) in [
            ("", GitRepository::Own),
            ("src/deep", GitRepository::Own),
            (".claude/worktrees/x", GitRepository::Own),
            ("pkg", GitRepository::Foreign),
            ("pkg/app", GitRepository::Foreign),
            ("nested", GitRepository::Foreign),
            ("missing", GitRepository::Foreign),
        ] {
            let folder = root.join(folder);
            assert_eq!(of(std::slice::from_ref(&folder), &roots), expected, "{folder:?}");
            if expected == GitRepository::Own {
                let common = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
                let common = git(&folder, &common).unwrap();
                assert_eq!(find(&folder), Found::At(PathBuf::from(common)), "{folder:?}");
            }
        }
        // What git would have run, had it been asked.
        git(&root.join("pkg/app"), &["status"]).unwrap();
        assert!(ran.exists(), "the posing folder is no trap, so this test shows nothing");
        // The agent was started below the trap.
        assert_eq!(of(&[root.join("pkg/app")], &[root.join("pkg/app")]), GitRepository::Foreign);
        // A pointer that the repository does not know.
        std::fs::create_dir_all(root.join("linked")).unwrap();
        std::fs::write(root.join("linked/.git"), "gitdir: ../pkg\n").unwrap();
        assert_eq!(of(&[root.join("linked")], &roots), GitRepository::Foreign);
    }

    #[test]
    fn a_folder_without_any_repository_harms_nobody() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().to_owned();
        assert_eq!(
            of(std::slice::from_ref(&root), std::slice::from_ref(&root)),
            GitRepository::Own
        );
        assert!(!is_within(&root.join("a/b"), std::slice::from_ref(&root)));
        std::fs::create_dir_all(root.join("a")).unwrap();
        std::fs::write(root.join("a/HEAD"), "x").unwrap();
        assert!(is_within(&root.join("a/config"), std::slice::from_ref(&root)));
        assert!(is_within(&root.join("a/hooks/x"), std::slice::from_ref(&root)));
    }
}
