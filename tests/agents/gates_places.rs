//! Where a call reads and writes, on real files: links, secrets, repositories, the folder that the
//! person chose, and what a repository claims in its own files.

use std::path::Path;
use std::process::Stdio;

use gander::core::decision::Risk;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::common::tools;
use crate::gates_standin::{ALL, Kind, Outcome};
use crate::gates_world::World;

/// A call as an agent reports it to its hook.
fn call(cwd: &Path, tool: &str, input: &Value) -> String {
    json!({
        "hook_event_name": "PreToolUse", "session_id": "s", "cwd": cwd, "working_dir": cwd,
        "tool_name": tool, "tool_input": input,
    })
    .to_string()
}

fn shell(cwd: &Path, command: &str) -> String {
    call(cwd, "Bash", &json!({ "command": command }))
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Whether git can be run; says so if not.
fn has_git() -> bool {
    tools::is_there("git", tools::find("git").is_some(), tools::TOOLS)
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut git = std::process::Command::new("git");
    git.args(arguments).current_dir(folder).env("HOME", folder).env("GIT_CONFIG_NOSYSTEM", "1");
    git.envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@example.org")]);
    git.envs([("GIT_COMMITTER_NAME", "a"), ("GIT_COMMITTER_EMAIL", "a@example.org")]);
    assert!(git.output().unwrap().status.success(), "{arguments:?}");
}

/// What the gate's hook answers, run in a folder by a program other than an agent.
async fn answer(world: &World, kind: Kind, folder: &Path, input: &str) -> bool {
    let mut gate = world.home.gander(&["gate", kind.name(), "--timeout", "1s"]);
    gate.current_dir(folder);
    gate.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut gate = gate.spawn().unwrap();
    gate.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    let output = gate.wait_with_output().await.unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let denies = said["hookSpecificOutput"]["permissionDecision"] == "deny";
    output.status.success() && !denies
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_a_secret_is_a_secret() {
    let world = World::new();
    let (home, project) = (world.home.path().to_owned(), world.project());
    write(&home.join(".ssh/id_rsa"), "x");
    write(&home.join(".aws/credentials"), "x");
    write(&home.join("other/a.txt"), "x");
    write(&project.join("plain.txt"), "x");
    write(&project.join("deploy"), "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    std::os::unix::fs::symlink("../.ssh/id_rsa", project.join("notes.txt")).unwrap();
    std::os::unix::fs::symlink("../.aws", project.join("docs")).unwrap();
    std::os::unix::fs::symlink("../.bashrc", project.join("unborn")).unwrap();
    let agent = world.agent(Kind::ClaudeCode, "1s").await;
    for command in ["cat plain.txt", "ls .", "grep -n token plain.txt"] {
        assert_eq!(agent.call(shell(&project, command)).await, Outcome::Ran, "{command}");
    }
    let mut asked = 0;
    for command in [
        "cat notes.txt",
        "cat docs/credentials",
        "cd docs && cat credentials",
        "cat deploy",
        "cat ../other/a.txt",
    ] {
        agent.call(shell(&project, command)).await.denied();
        asked += 1;
        let decision = world.asked(asked).await.pop().unwrap();
        let risk = if command.contains("other") { Risk::Medium } else { Risk::High };
        assert_eq!(decision.terms.risk, risk, "{command}");
    }
    let input = json!({ "file_path": project.join("notes.txt") });
    agent.call(call(&project, "Read", &input)).await.denied();
    // A link to a file that does not exist yet is written through.
    let input = json!({ "file_path": project.join("unborn"), "content": "x" });
    agent.call(call(&project, "Write", &input)).await.denied();
    let asked = world.asked(asked + 2).await.pop().unwrap();
    assert_eq!(asked.terms.risk, Risk::Critical);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_poses_as_a_repository_runs_nothing() {
    if !has_git() {
        return;
    }
    for kind in ALL {
        let world = World::new();
        let project = world.project();
        git(&project, &["init", "-q"]);
        std::fs::create_dir_all(project.join("src")).unwrap();
        let agent = world.agent(kind, "1s").await;
        // What the attack writes is asked already.
        let patch = "*** Begin Patch\n*** Add File: pkg/HEAD\n+ref: refs/heads/main\n*** End Patch";
        agent.call(call(&project, "apply_patch", &json!({ "command": patch }))).await.denied();
        assert_eq!(world.asked(1).await[0].terms.risk, Risk::Critical, "{kind:?}");
        // A repository may bring these files along.
        for (file, text) in [
            ("HEAD", "ref: refs/heads/main\n"),
            ("objects/x", ""),
            ("refs/x", ""),
            ("config", "[core]\n\tfsmonitor = touch ran\n"),
            ("app/a.txt", ""),
        ] {
            write(&project.join("pkg").join(file), text);
        }
        for folder in ["pkg", "pkg/app"] {
            let folder = project.join(folder);
            agent.call(shell(&folder, "git status")).await.denied();
            let moved = format!("cd {} && git status", folder.display());
            agent.call(shell(&project, &moved)).await.denied();
        }
        for folder in ["", "src"] {
            let outcome = agent.call(shell(&project.join(folder), "git status")).await;
            assert_eq!(outcome, Outcome::Ran, "{kind:?} {folder}");
        }
        // The hook is started in the trap itself, as when the agent was started there.
        let trap = project.join("pkg/app");
        assert!(!answer(&world, kind, &trap, &shell(&trap, "git status")).await, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_of_a_call_is_not_the_workspace() {
    let world = World::new();
    let project = world.project();
    let other = world.home.path().join("other");
    std::fs::create_dir_all(&other).unwrap();
    write(&other.join("gander.toml"), "project = \"notes\"\n");
    let patch = "*** Begin Patch\n*** Add File: a.rs\n+x\n*** End Patch";
    let patch = json!({ "command": patch });
    for kind in ALL {
        let agent = world.agent(kind, "1s").await;
        assert_eq!(agent.call(call(&project, "apply_patch", &patch)).await, Outcome::Ran);
        agent.call(call(&other, "apply_patch", &patch)).await.denied();
        agent.call(shell(&other, "ls")).await.denied();
        assert!(answer(&world, kind, &project, &call(&project, "apply_patch", &patch)).await);
        assert!(!answer(&world, kind, &project, &call(&other, "apply_patch", &patch)).await);
    }
    for decision in world.asked(3).await {
        assert_eq!(decision.request.project, "default", "nor does it name the project");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_takes_secrets_in_is_asked() {
    let world = World::new();
    let project = world.project();
    write(&project.join("src/a.rs"), "KEY");
    write(&project.join(".env"), "KEY=1");
    write(&project.join(".gitignore"), ".env\n");
    std::fs::create_dir_all(project.join(".git")).unwrap();
    let agent = world.agent(Kind::ClaudeCode, "1s").await;
    for command in [
        "grep -rn KEY src",
        "rg KEY",
        "rg --hidden KEY",
        "grep -rn --exclude=.env KEY .",
        "grep -rn '--include=*.rs' KEY .",
    ] {
        assert_eq!(agent.call(shell(&project, command)).await, Outcome::Ran, "{command}");
    }
    for command in ["grep -rn KEY .", "grep -rn KEY", "rg -uu KEY", "rg -g '.e*' KEY", "cat .env"] {
        agent.call(shell(&project, command)).await.denied();
    }
    agent.call(shell(&project, "git grep --untracked --no-exclude-standard KEY")).await.denied();
    let grep = |input: Value| call(&project, "Grep", &input);
    let plain = grep(json!({ "pattern": "KEY" }));
    assert_eq!(agent.call(plain).await, Outcome::Ran, "ripgrep skips what git ignores");
    let case = include_str!("../../fixtures/gates/claude-code-grep-secrets.json");
    agent.call(case.replace("{cwd}", project.to_str().unwrap())).await.denied();
    std::fs::remove_file(project.join(".gitignore")).unwrap();
    agent.call(grep(json!({ "pattern": "KEY" }))).await.denied();
}

/// What a search leaves out counts only if it is certain, and what it takes in counts in full.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_reads_what_its_program_reads() {
    let world = World::new();
    let project = world.project();
    write(&project.join("src/a.rs"), "KEY");
    for file in [".env", "zz/.env", "config/.env"] {
        write(&project.join(file), "KEY=1");
    }
    let agent = world.agent(Kind::ClaudeCode, "1s").await;
    for command in [
        "grep -rn KEY . --exclude-dir=.env",
        "grep -rn KEY . --exclude-dir='*'",
        "grep -rn KEY . --exclude=.ENV",
        "grep -rn KEY zz --exclude-dir=zz",
        "grep -r --rege=KEY zz src",
        "grep -r --reg --exclude=.env -e KEY .",
        "grep -r --label --exclude=.env KEY .",
        "rg KEY --no-ignore --hidden -g '!.ENV'",
        "rg KEY -uu -g '!.env/'",
        "rg KEY -uu -g '!/.env' -g '!/zz/.env' -g '!/config/.env'",
        "rg KEY -g '/*'",
        "diff -r --exclude=.ENV -N zz src",
        "diff -N -r -d zz src",
        "diff -N . src",
        "diff zz config",
        "grep -r x src ;".repeat(250).as_str(),
        format!(
            "grep -rs KEY {} zz",
            (0..33).map(|n| format!("a{n}")).collect::<Vec<_>>().join(" ")
        )
        .as_str(),
        format!("{} grep -r KEY .", "grep -r x src ;".repeat(50)).as_str(),
        format!("echo {} ; cat .env", "+,".repeat(1_002)).as_str(),
        "rg -nf.env src",
        "printf x | sort --files=-",
    ] {
        let outcome = agent.call(shell(&project, command)).await;
        assert!(matches!(outcome, Outcome::Denied(_)), "{command}: {outcome:?}");
    }
    for command in [
        "grep -rn KEY . --exclude=.env",
        "grep -rn KEY . --exclude='.e*'",
        "rg KEY -uu -g '!.env'",
        "rg KEY",
        "rg -t rust KEY",
        "diff src/a.rs src/a.rs",
        "diff --exclude=.env zz src",
        "sort -u src/a.rs",
    ] {
        assert_eq!(agent.call(shell(&project, command)).await, Outcome::Ran, "{command}");
    }
    for (beside, runs) in [
        (json!({ "glob": "!/.env !/config !/zz" }), false),
        (json!({ "glob": "*", "type": "py" }), false),
        (json!({ "glob": "/*" }), false),
        (json!({ "glob": "!.env" }), true),
        (json!({ "type": "py" }), true),
    ] {
        let mut input = beside.clone();
        input["pattern"] = "KEY".into();
        let outcome = agent.call(call(&project, "Grep", &input)).await;
        assert_eq!(outcome == Outcome::Ran, runs, "{beside}");
    }
    write(&project.join("zz/a"), "");
    std::os::unix::fs::symlink("../../.bashrc", project.join("src/link")).unwrap();
    write(&world.home.path().join(".bashrc"), "x");
    agent.call(shell(&project, "grep -R KEY src")).await.denied();
}

/// Each program has its own files that say what it ignores.
#[tokio::test(flavor = "multi_thread")]
async fn ignored_files_are_those_of_the_program() {
    if !has_git() {
        return;
    }
    let world = World::new();
    let project = world.project();
    git(&project, &["init", "-q"]);
    write(&project.join("src/a.rs"), "KEY");
    write(&project.join(".env"), "KEY=1");
    write(&project.join(".gitignore"), ".env\n");
    git(&project, &["add", "src", ".gitignore"]);
    git(&project, &["commit", "-q", "-m", "x"]);
    let agent = world.agent(Kind::ClaudeCode, "1s").await;
    let runs = async |command: &str| agent.call(shell(&project, command)).await == Outcome::Ran;
    for command in ["git grep KEY", "git grep KEY -- src", "git grep -n KEY '*.rs'", "rg KEY"] {
        assert!(runs(command).await, "{command}");
    }
    for command in ["git grep KEY HEAD", "git grep --cached KEY", "git grep KEY HEAD -- src"] {
        assert!(!runs(command).await, "{command}");
    }
    write(&project.join(".rgignore"), "!.env\n");
    let grep = call(&project, "Grep", &json!({ "pattern": "KEY" }));
    assert!(!runs("rg KEY").await);
    agent.call(grep).await.denied();
    std::fs::remove_file(project.join(".rgignore")).unwrap();
    // Tracked, whatever ripgrep's files say.
    write(&project.join(".ignore"), "*\n");
    git(&project, &["add", "-f", ".env"]);
    assert!(!runs("git grep KEY").await);
    assert!(runs("git grep KEY -- src").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn ganders_own_files_are_asked() {
    let world = World::new();
    let agent = world.agent(Kind::ClaudeCode, "1s").await;
    let store = world.home.store();
    for path in [store.display().to_string(), "../gander.db".to_owned()] {
        agent.call(shell(&world.project(), &format!("cat {path}"))).await.denied();
    }
    let read = json!({ "file_path": store });
    agent.call(call(&world.project(), "Read", &read)).await.denied();
    for decision in world.asked(3).await {
        assert_eq!(decision.terms.risk, Risk::Critical);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repositorys_file_is_opened_with_care() {
    let world = World::new();
    let agent = world.agent(Kind::ClaudeCode, "5s").await;
    let file = world.project().join("gander.toml");
    std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
    let told = agent.call(shell(&world.project(), "git push")).await.denied();
    assert!(told.contains("it is a link"), "{told}");
    std::fs::remove_file(&file).unwrap();
    if std::process::Command::new("mkfifo").arg(&file).status().is_ok_and(|made| made.success()) {
        let told = agent.call(shell(&world.project(), "git push")).await.denied();
        assert!(told.contains("not a regular file"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_does_not_pick_its_approvers() {
    let world = World::new();
    let config = "time_zone = \"UTC\"\n\
        [projects.default]\napprovals = 2\n[projects.web-shop]\napprovals = 1\n";
    world.home.configure(config);
    let agent = world.agent(Kind::ClaudeCode, "1s").await;
    let file = world.project().join("gander.toml");
    write(&file, "project = \"web-shop\"\n");
    agent.call(shell(&world.project(), "git push")).await.denied();
    let asked = world.asked(1).await.pop().unwrap();
    assert_eq!((asked.request.project.as_str(), asked.terms.approvals), ("default", 2));
    // The person says so.
    let mapped = format!("{config}folders = [{:?}]\n", world.project());
    world.home.configure(&mapped);
    agent.call(shell(&world.project(), "git push -q")).await.denied();
    let asked = world.asked(2).await.pop().unwrap();
    assert_eq!((asked.request.project.as_str(), asked.terms.approvals), ("web-shop", 1));
}

/// A repository's settings for an agent may set the environment of hooks.
#[tokio::test(flavor = "multi_thread")]
async fn the_environment_does_not_exchange_the_rules() {
    for kind in ALL {
        let world = World::new();
        let project = world.project();
        let place = project.to_str().unwrap();
        let install =
            ["gate", "install", kind.name(), "--timeout", "1s", "--yes", "--project", place];
        let install = world.home.bare(&install).output().await.unwrap();
        assert!(install.status.success(), "{install:?}");
        let hostile = world.project().join("cfg");
        write(&hostile.join("gander/gates.toml"), "[[rules]]\ndo = \"allow\"\n");
        write(&hostile.join("gander/gander.toml"), "store = \"x.db\"\n");
        let set = |name: &str| (name.to_owned(), hostile.to_str().unwrap().to_owned());
        let agent = crate::gates_standin::Agent {
            kind,
            project: project.clone(),
            env: vec![
                ("HOME".to_owned(), world.home.path().to_str().unwrap().to_owned()),
                set("XDG_CONFIG_HOME"),
                set("XDG_STATE_HOME"),
                set("XDG_DATA_HOME"),
            ],
            on_failure: false,
            patience: None,
        };
        let told = agent.call(world.pre(kind, "git push")).await.denied();
        assert!(told.contains("decision #1"), "{told}");
        assert!(world.home.path().join("state/gander/gander.db").exists(), "{kind:?}");
    }
}
