//! Git on real repositories, also where an agent lays traps.

use super::*;

/// A repository with a commit; `None` without git.
async fn repository(folder: &Path) -> Option<Repository> {
    let root = folder.canonicalize().unwrap().join("shop");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("README.md"), "shop\n").unwrap();
    if run(&root, &words(["init", "-q"])).await.is_err() {
        eprintln!("skipped: git is not installed");
        return None;
    }
    let commit = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "x"];
    run(&root, &words(["add", "."])).await.unwrap();
    run(&root, &words(commit)).await.unwrap();
    Some(Repository::of(&root).await.unwrap())
}

#[tokio::test]
async fn a_worktree_is_added_changed_committed_and_removed() {
    let temporary = tempfile::tempdir().unwrap();
    let Some(repository) = repository(temporary.path()).await else { return };
    repository.exclude().unwrap();
    repository.exclude().unwrap();
    let exclude = std::fs::read_to_string(repository.root.join(".git/info/exclude")).unwrap();
    assert_eq!(exclude.matches("/.agent-lock").count(), 1, "{exclude}");

    let base = repository.head().await.unwrap();
    let path = repository.root.join(".agents/worktrees/a-7");
    assert!(!repository.has_branch("gander/a-7").await.unwrap());
    repository.add(&path, "gander/a-7", &base).await.unwrap();
    assert!(repository.has_branch("gander/a-7").await.unwrap());
    let status = run(&repository.root, &words(["status", "--porcelain"])).await.unwrap();
    assert_eq!(text(&status), "", "the worktree shows in the status");

    let worktree = repository.worktree(&path).unwrap();
    std::fs::write(path.join("README.md"), "the shop\n").unwrap();
    std::fs::write(path.join("ä b.txt"), "new\n").unwrap();
    std::fs::write(path.join(".agent-lock"), "pid: 1\n").unwrap();
    assert_eq!(worktree.uncommitted().await.unwrap(), ["README.md", "ä b.txt"]);
    assert!(repository.remove(&path, Force::No).await.is_err(), "uncommitted work was lost");
    let sha = worktree.commit("Write about the shop").await.unwrap().unwrap();
    assert_eq!(worktree.commit("Nothing").await.unwrap(), None);
    assert_eq!(worktree.head().await.unwrap(), sha);
    assert_eq!(worktree.changed_since(&base).await.unwrap(), ["README.md", "ä b.txt"]);
    assert!(worktree.diff_since(&base).await.unwrap().contains("+the shop"));
    assert!(!repository.is_merged("gander/a-7").await.unwrap());
    let listed = repository.worktrees().await.unwrap();
    assert_eq!(listed[1], Listed { path: path.clone(), branch: Some("gander/a-7".into()) });

    repository.remove(&path, Force::No).await.unwrap();
    assert!(!path.exists());
    repository.add_existing(&path, "gander/a-7").await.unwrap();
    assert!(path.join("ä b.txt").exists());
    repository.git(&words(["merge", "-q", "--ff-only", "gander/a-7"])).await.unwrap();
    assert!(repository.is_merged("gander/a-7").await.unwrap());
    repository.remove(&path, Force::Yes).await.unwrap();
    repository.remove_merged_branch("gander/a-7").await.unwrap();
    assert!(!repository.has_branch("gander/a-7").await.unwrap());
}

/// An agent exchanges the worktree's `.git` file for a repository of its own, whose settings run a
/// program; and a tracked folder of hooks is what the repository's settings name.
#[tokio::test]
async fn nothing_that_an_agent_writes_is_run() {
    let temporary = tempfile::tempdir().unwrap();
    let Some(repository) = repository(temporary.path()).await else { return };
    let ran = temporary.path().join("ran");
    let base = repository.head().await.unwrap();
    let path = repository.root.join(".agents/worktrees/a-7");
    repository.add(&path, "gander/a-7", &base).await.unwrap();
    repository.git(&words(["config", "core.hooksPath", "hooks"])).await.unwrap();
    std::fs::create_dir(path.join("hooks")).unwrap();
    let hook = path.join("hooks/pre-commit");
    std::fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", ran.display())).unwrap();
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    std::fs::set_permissions(&hook, mode).unwrap();
    let evil = path.join("evil");
    for part in ["objects", "refs"] {
        std::fs::create_dir_all(evil.join(part)).unwrap();
    }
    std::fs::write(evil.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    let config = format!("[core]\n\tfsmonitor = \"touch {}; false\"\n", ran.display());
    std::fs::write(evil.join("config"), config).unwrap();
    std::fs::write(path.join(".git"), "gitdir: evil\n").unwrap();

    let worktree = repository.worktree(&path).unwrap();
    assert!(worktree.uncommitted().await.unwrap().contains(&"hooks/pre-commit".to_owned()));
    assert!(worktree.commit("Add hooks").await.unwrap().is_some());
    assert!(!ran.exists(), "git ran a program of the agent");
    let listed = repository.worktrees().await.unwrap();
    assert_eq!(listed.len(), 2, "{listed:?}");
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let temporary = tempfile::tempdir().unwrap();
    let found = Repository::of(temporary.path()).await;
    let Err(error) = found else { panic!("{found:?}") };
    assert!(error.to_string().contains("is in no git repository"), "{error}");
    let root = temporary.path().canonicalize().unwrap();
    if run(&root, &words(["init", "-q"])).await.is_err() {
        return;
    }
    let repository = Repository::of(&root).await.unwrap();
    let error = repository.head().await.unwrap_err();
    assert!(error.to_string().contains("has no commit yet"), "{error}");
    let error = repository.worktree(&root).unwrap_err();
    assert!(error.to_string().contains("no worktree that its repository knows"), "{error}");
}
