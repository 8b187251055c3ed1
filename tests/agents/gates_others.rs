//! Gates for the agents beside Claude Code, Codex and goose, with stand-ins and with their calls as
//! they were recorded.

mod install;
mod plugin;
pub(crate) mod standin;

use std::time::Duration;

use gander::core::decision::{Risk, Verdict};
use serde_json::{Value, json};

use self::standin::{ALL, Agent, Kind};
use crate::gates_reach::acts_on;
use crate::gates_standin::Outcome;
use crate::gates_world::{World, rejected};

impl World {
    /// An agent with a gate that waits this long.
    async fn other(&self, kind: Kind, patience: &str) -> Agent {
        let (home, project) = (self.home.path().to_owned(), self.project());
        let mut args = vec!["gate", "install", kind.name(), "--timeout", patience, "--yes"];
        let place = project.to_str().unwrap().to_owned();
        if kind.is_of_project() {
            args.extend(["--project", &place]);
        }
        self.home.run(&args).await.must(0, &["wrote"]);
        Agent { kind, home, project, patience: None }
    }

    /// What an agent says of a command to its hook.
    fn shell_call(&self, kind: Kind, command: &str) -> String {
        self.says(kind.shell(), command)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_decide_alone_where_they_can() {
    for kind in ALL {
        let world = World::new();
        let agent = world.other(kind, "30s").await;
        let run = agent.call(world.shell_call(kind, "git status && ls | head -3")).await;
        assert_eq!(run, Outcome::Ran, "{kind:?}");
        let told = agent.call(world.shell_call(kind, "sudo make install")).await.denied();
        let words = if kind == Kind::Copilot { "act as another user" } else { "another user." };
        acts_on(&told, &[words, "do without the call"]);
        assert!(world.asked(0).await.is_empty(), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_and_the_agent_hears_why_not() {
    for kind in ALL {
        let world = World::new();
        let agent = world.other(kind, "30s").await;
        let call = world.shell_call(kind, "git push");
        let verdicts = [Verdict::approved(), rejected("Use “make”, never push")];
        for (count, verdict) in verdicts.into_iter().enumerate() {
            let hooked = agent.start(call.as_bytes()).unwrap();
            let (outcome, asked) = tokio::join!(agent.end(hooked), async {
                let asked = world.asked(count + 1).await.remove(count);
                world.decides(&asked, verdict).await;
                asked
            });
            assert_eq!((asked.request.body.as_str(), asked.terms.risk), ("git push", Risk::High));
            assert_eq!(asked.request.agent.name, kind.name());
            if count == 0 {
                assert_eq!(outcome, Outcome::Ran, "{kind:?}");
            } else {
                let told = outcome.denied();
                acts_on(&told, &["Rejected by Maya (decision #2): Use “make”, never push"]);
            }
        }
    }
}

/// The agent's own limit comes after the gate's.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers_in_time() {
    for kind in ALL {
        let world = World::new();
        let agent = world.other(kind, "1s").await;
        let call = world.shell_call(kind, "git push");
        let hook = agent.hook(call.as_bytes()).unwrap();
        assert!(hook.limit >= Duration::from_secs(31), "{kind:?} {hook:?}");
        let told = agent.call(&call).await.denied();
        acts_on(&told, &["Not decided yet: decision #1"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_is_missing_or_killed_denies() {
    for kind in ALL {
        let world = World::new();
        let agent = world.other(kind, "30s").await;
        let call = world.shell_call(kind, "git push");
        let hooked = agent.start(call.as_bytes()).unwrap();
        hooked.kill_gate().await;
        let killed = agent.end(hooked).await.denied();
        agent.edit_hooks(|text| text.replace(env!("CARGO_BIN_EXE_gander"), "/nowhere/gander"));
        let missing = agent.call(&call).await.denied();
        for told in [killed, missing] {
            match kind {
                // Its model is told nothing of standard error.
                Kind::Copilot => assert_eq!(told, "hook exited with code 2"),
                _ => acts_on(&told, &["did not answer, so this is denied"]),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_understood_is_denied() {
    for kind in ALL {
        let world = World::new();
        let agent = world.other(kind, "30s").await;
        let call = world.shell_call(kind, "ls");
        let of_project = world.project().to_str().unwrap().to_owned();
        let mut cases: Vec<(Vec<u8>, &str)> = vec![
            (call.as_bytes()[..call.len() / 2].to_vec(), "not JSON"),
            (b"null".to_vec(), "the hook"),
            (call.replace(&of_project, "work").into_bytes(), "does not name the working directory"),
            (call.replacen('{', "{\"tool_name\": \"x\", \"tool_name\": \"y\",", 1).into(), "twice"),
        ];
        // A heredoc is text, and the system starts no program with so much of it.
        if kind != Kind::Cursor {
            cases.push((vec![0xFF, 0xFE, b'{'], "not UTF-8"));
            let long = world.shell_call(kind, &"x".repeat(1 << 20));
            cases.push((long.into_bytes(), "longer than 1024 KiB"));
        }
        for (input, words) in cases {
            let told = agent.call(&input).await.denied();
            acts_on(&told, &[words, "so the call is denied"]);
        }
        assert!(world.asked(0).await.is_empty());
    }
}

/// Where an agent gives up on a gate that is frozen, its own way counts: no hook can change it.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_gives_up_on_its_gate() {
    for kind in ALL.into_iter().filter(|kind| *kind != Kind::OpenCode) {
        let world = World::new();
        let mut agent = world.other(kind, "30s").await;
        agent.patience = Some(Duration::from_millis(500));
        let expected = match kind {
            Kind::Cursor => Outcome::Denied("timed out".into()),
            _ => Outcome::Open("timed out".into()),
        };
        let call = world.shell_call(kind, "git push");
        assert_eq!(agent.call(call).await, expected, "{kind:?}");
    }
}

/// The person's remark beside a yes, where the agent has a field for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_passed_on_where_it_can_be() {
    let pointers = [
        (Kind::Copilot, Some("/additionalContext")),
        (Kind::Cursor, Some("/additional_context")),
        (Kind::Crush, Some("/context")),
        (Kind::Gemini, None),
        (Kind::Qwen, None),
    ];
    for (kind, pointer) in pointers {
        let world = World::new();
        let agent = world.other(kind, "30s").await;
        let file = world.home.path().join("said");
        let line = format!("--timeout 30s >{}", file.display());
        agent.edit_hooks(|text| text.replace("--timeout 30s", &line));
        let hooked = agent.start(world.shell_call(kind, "git push").as_bytes()).unwrap();
        tokio::join!(agent.end(hooked), async {
            let asked = world.asked(1).await.remove(0);
            let note = Some("Only this once".to_owned());
            let approved = Verdict::noted(note);
            world.decides(&asked, approved).await;
        });
        let said: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let note = pointer.map(|at| said.pointer(at).unwrap().as_str().unwrap().to_owned());
        assert_eq!(
            note.is_some_and(|note| note.contains("approved this and says: Only this once")),
            pointer.is_some(),
            "{said}"
        );
    }
}

/// Copilot and Cursor run the hooks in Claude Code's settings: the gate answers so that they
/// understand it.
#[tokio::test(flavor = "multi_thread")]
async fn others_that_run_the_hook_of_claude_code_are_stopped_too() {
    for (kind, case) in [(Kind::Copilot, "copilot/claude-bash"), (Kind::Cursor, "cursor/Shell")] {
        let world = World::new();
        let claude = world.agent(crate::gates_standin::Kind::ClaudeCode, "1s").await;
        let settings = std::fs::read_to_string(claude.kind.file(&claude.project)).unwrap();
        let settings: Value = serde_json::from_str(&settings).unwrap();
        let command = &settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"];
        // As the agent itself makes it of those settings.
        let file = match kind {
            Kind::Copilot => json!({ "hooks": { "preToolUse": [
                { "type": "command", "bash": command, "timeoutSec": 60 }] } }),
            _ => json!({ "version": 1, "hooks": { "preToolUse": [
                { "command": command, "timeout": 60, "failClosed": true }] } }),
        };
        let (home, project) = (world.home.path().to_owned(), world.project());
        let agent = Agent { kind, home, project, patience: None };
        std::fs::create_dir_all(agent.hook_file().parent().unwrap()).unwrap();
        let text = file.to_string().replace("//", "/\\/");
        std::fs::write(agent.hook_file(), text).unwrap();
        assert_eq!(agent.call(world.says(case, "ls")).await, Outcome::Ran, "{kind:?}");
        let told = agent.call(world.says(case, "git push")).await.denied();
        acts_on(&told, &["Not decided yet: decision #1"]);
        assert_eq!(world.asked(1).await[0].request.agent.name, kind.name());
    }
}
