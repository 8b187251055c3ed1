//! What an agent, or a repository, says chooses neither the command nor the folder.

use std::path::Path;

use gander::core::decision::Verdict;
use serde_json::Value;

use super::standin::Scene;
use crate::gates_standin::{ALL, Kind};

/// The agent's call, with another session.
fn with_session(scene: &Scene, kind: Kind, session: &str) -> String {
    let mut call: Value = serde_json::from_str(&scene.world.pre(kind, "touch ran")).unwrap();
    call["session_id"] = session.into();
    call.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_an_option_or_a_path_is_never_an_argument() {
    for kind in ALL {
        let scene = Scene::new(kind, "1s").await;
        for session in [
            "--dangerously-skip-permissions",
            "--last",
            "-",
            "../../../tmp/evil",
            "c06057bc-837b-4946-9fba-2c86f99eff95 --yolo",
            "c06057bc-837b-4946-9fba-2c86f99eff95\n--yolo",
            "x; touch ran",
        ] {
            scene.sends(&with_session(&scene, kind, session));
            scene.ended(scene.start()).await;
        }
        for asked in scene.world.asked(7).await {
            scene.world.decides(&asked, Verdict::approved()).await;
        }
        scene.run(&["resume"]).await.must(0, &["No agent waits at a gate"]);
        scene.run(&["resume", "1"]).await.must(1, &["no agent waits for #1"]);
        scene.run(&["resume", "--all"]).await.must(0, &[]);
        assert!(scene.resumed().is_empty(), "{kind:?}");
    }
}

/// Changes the record of the only agent in the store.
fn forge(scene: &Scene, sql: &str) {
    let store = rusqlite::Connection::open(scene.home().store()).unwrap();
    assert_eq!(store.execute(sql, []).unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_in_the_store_is_looked_at_again() {
    let scene = Scene::new(Kind::ClaudeCode, "1s").await;
    scene.owes_an_answer().await;
    forge(
        &scene,
        "UPDATE resumption SET seat = json_set(seat, '$.session', '--dangerously-skip-permissions')",
    );
    scene.run(&["resume", "1"]).await.must(1, &["does not have the form"]);
    forge(&scene, "UPDATE resumption SET seat = json_set(seat, '$.agent', 'cursor')");
    scene.run(&["resume", "1"]).await.must(1, &["#1 cannot be started"]);
    assert!(scene.resumed().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_names_another_folder_is_not_believed() {
    let scene = Scene::new(Kind::ClaudeCode, "1s").await;
    let evil = scene.file("evil");
    std::fs::create_dir(&evil).unwrap();
    let agent = scene.start_with("CLAUDE_PROJECT_DIR", evil.to_str().unwrap());
    scene.ended(agent).await;
    let asked = scene.world.asked(1).await.remove(0);
    scene.world.decides(&asked, Verdict::approved()).await;
    scene.run(&["resume"]).await.must(0, &["No agent waits at a gate"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_was_exchanged_is_not_entered() {
    let scene = Scene::new(Kind::Codex, "1s").await;
    scene.owes_an_answer().await;
    let (work, moved) = (scene.world.project(), scene.file("moved"));
    let refused = ["#1 cannot be started: its folder is gone, or another folder has its name"];
    let resume = || async {
        let mut command = scene.home().gander(&["resume", "1"]);
        command.current_dir(scene.home().path());
        crate::common::process::Program::start(command).ended().await
    };
    std::fs::rename(&work, &moved).unwrap();
    resume().await.must(1, &refused);
    std::fs::create_dir(&work).unwrap();
    copy_hooks(&moved, &work);
    resume().await.must(1, &refused);
    std::fs::remove_dir_all(&work).unwrap();
    std::os::unix::fs::symlink(&moved, &work).unwrap();
    resume().await.must(1, &refused);
    std::fs::remove_file(&work).unwrap();
    std::fs::rename(&moved, &work).unwrap();
    resume().await.must(0, &["it finished"]);
}

fn copy_hooks(from: &Path, to: &Path) {
    std::fs::create_dir(to.join(".codex")).unwrap();
    std::fs::copy(from.join(".codex/hooks.json"), to.join(".codex/hooks.json")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_a_gate_is_not_started() {
    let scene = Scene::new(Kind::ClaudeCode, "1s").await;
    scene.owes_an_answer().await;
    let hooks = Kind::ClaudeCode.file(&scene.world.project());
    let installed = std::fs::read_to_string(&hooks).unwrap();
    let no_gate = ["#1 cannot be started: no gate would stop it there"];
    for changed in [
        // Uninstalled; another program; for another folder; asking in another store.
        "{}".to_owned(),
        installed.replace("gate claude-code --timeout", "gates claude-code --timeout"),
        installed.replace("--root ", "--root /tmp"),
        installed.replace("gander.db", "other.db"),
    ] {
        assert_ne!(changed, installed);
        std::fs::write(&hooks, changed).unwrap();
        scene.run(&["resume", "1"]).await.must(1, &no_gate);
    }
    let off = installed.replacen('{', "{\"disableAllHooks\": true,", 1);
    std::fs::write(&hooks, off).unwrap();
    scene.run(&["resume", "1"]).await.must(1, &["it ignores its gate", "disableAllHooks"]);
    assert!(scene.resumed().is_empty());
    std::fs::write(&hooks, installed).unwrap();
    scene.run(&["resume", "1"]).await.must(0, &["it finished"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_in_the_agents_folder_is_not_run() {
    let scene = Scene::new(Kind::ClaudeCode, "1s").await;
    scene.owes_an_answer().await;
    let evil = scene.world.project().join("claude");
    std::fs::copy(scene.program(), &evil).unwrap();
    scene.home().configure("time_zone = \"UTC\"\n");
    let resume = |path: String| {
        let mut command = scene.home().gander(&["resume", "1"]);
        command.env("PATH", path);
        crate::common::process::Program::start(command)
    };
    let work = scene.world.project();
    // The command runs in the agent's folder: a relative part of the path would be the agent's.
    let relative = resume(".:/usr/bin:/bin".into()).ended().await;
    relative.must(1, &["there is no program \"claude\""]);
    let inside = resume(format!("{}:/usr/bin:/bin", work.display())).ended().await;
    inside.must(1, &["in a folder that it can write to"]);
    assert!(scene.resumed().is_empty());
    let own = resume(format!("{}:/usr/bin:/bin", scene.file("bin").display())).ended().await;
    own.must(0, &["it finished"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_would_start_agents_itself_is_denied() {
    let scene = Scene::new(Kind::ClaudeCode, "1s").await;
    scene.owes_an_answer().await;
    for command in ["gander resume 1", "gander --store x.db resume --all", "gander resume"] {
        scene.calls(command);
        scene.ended(scene.start()).await;
        let answer = scene.answer().to_string();
        assert!(answer.contains("Only people start agents again"), "{command}: {answer}");
    }
    assert_eq!(scene.world.asked(1).await.len(), 1, "nobody is asked about it");
    assert!(scene.resumed().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_gets_none_of_ganders_secrets() {
    let scene = Scene::new(Kind::ClaudeCode, "1s").await;
    scene.owes_an_answer().await;
    let mut command = scene.home().gander(&["resume", "1"]);
    command.env("PATH", "/usr/bin:/bin").env("ANTHROPIC_API_KEY", "kept");
    for name in [
        "DISCORD_TOKEN",
        "DISCORD_TOKEN_FILE",
        "GANDER_TOKEN",
        "GANDER_WEBHOOK_SECRET",
        "TWILIO_AUTH_TOKEN",
        "NTFY_TOKEN",
        "CLAUDECODE",
    ] {
        command.env(name, "s3cret");
    }
    crate::common::process::Program::start(command).ended().await.must(0, &["it finished"]);
    let environment = scene.environment();
    assert!(!environment.contains("s3cret"), "{environment}");
    assert!(environment.contains("ANTHROPIC_API_KEY=kept"), "{environment}");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_are_the_persons_and_a_comment_is_never_one() {
    let scene = Scene::new(Kind::Codex, "1s").await;
    scene.ended(scene.start()).await;
    let asked = scene.world.asked(1).await.remove(0);
    let note = Some("--dangerously-bypass-approvals-and-sandbox".into());
    scene.world.decides(&asked, Verdict::noted(note)).await;
    scene.home().configure(&format!(
        "time_zone = \"UTC\"\n[resume.programs]\ncodex = [{:?}, \"--skip-git-repo-check\"]\n",
        scene.program()
    ));
    scene.run(&["resume", "1"]).await.must(0, &["it finished"]);
    let resumed = scene.resumed().remove(0);
    let arguments = resumed.lines().next().unwrap();
    let session = scene.session();
    assert_eq!(arguments, format!("args: exec resume --skip-git-repo-check {session} -"));
}
