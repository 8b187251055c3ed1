//! The agents themselves, not stand-ins: Claude Code, goose, Codex and others with a model that is
//! scripted, at the gate as it is installed. Each is run without permissions of its own, so that
//! nothing but the gate stops it.
//!
//! An agent that is not on the path is skipped; with `GANDER_TEST_AGENTS=1` that fails. Nothing
//! leaves the machine.

mod attacks;
mod desk;
mod edits;
mod goose;
mod others;
mod questions;
mod resume;

use std::path::PathBuf;

use gander::core::decision::Verdict;
use serde_json::json;
use tokio::process::Child;

use crate::common::agents;
use crate::common::agents::{PATIENCE, ended};
use crate::common::scripted::{Call, Model};
use crate::gates_standin::{ALL, Kind};
use crate::gates_world::{World, rejected};

/// A real agent in a world of its own.
struct Real {
    world: World,
    kind: Kind,
    program: PathBuf,
    model: Model,
}

/// A command, as the model of this agent runs one.
fn shell(kind: Kind, command: &str) -> Call {
    match kind {
        Kind::ClaudeCode => {
            Call::new("Bash", json!({ "command": command, "description": "As scripted" }))
        }
        Kind::Goose => Call::new("shell", json!({ "command": command })),
        Kind::Codex => Call::new("exec_command", json!({ "cmd": command })),
    }
}

impl Real {
    /// An agent whose model wants these commands run, all at once. `None`: it is not installed.
    async fn new(kind: Kind, gate: &str, commands: &[&str]) -> Option<Self> {
        let calls = commands.iter().map(|command| shell(kind, command)).collect();
        Self::calling(kind, gate, vec![calls]).await
    }

    /// An agent whose model makes these calls, round after round.
    async fn calling(kind: Kind, gate: &str, rounds: Vec<Vec<Call>>) -> Option<Self> {
        Self::with(kind, gate, Model::start(rounds).await).await
    }

    async fn with(kind: Kind, gate: &str, model: Model) -> Option<Self> {
        let program =
            agents::installed(if kind == Kind::ClaudeCode { "claude" } else { kind.name() })?;
        let world = World::new();
        let project = world.project();
        if kind == Kind::Codex {
            agents::configure_codex(&world.home, &model, "");
            world
                .home
                .run(&["gate", "install", "codex", "--timeout", gate, "--yes"])
                .await
                .must(0, &["trust both"]);
        } else {
            let place = project.to_str().unwrap();
            let install =
                ["gate", "install", kind.name(), "--project", place, "--timeout", gate, "--yes"];
            world.home.run(&install).await.must(0, &["wrote"]);
        }
        Some(Self { world, kind, program, model })
    }

    fn hooks(&self) -> PathBuf {
        if self.kind == Kind::Codex {
            self.world.home.path().join(".codex/hooks.json")
        } else {
            self.kind.file(&self.world.project())
        }
    }

    fn edit_hooks(&self, change: impl Fn(String) -> String) {
        let there = std::fs::read_to_string(self.hooks()).unwrap();
        let new = change(there.clone());
        assert_ne!(there, new);
        std::fs::write(self.hooks(), new).unwrap();
    }

    fn start(&self, more: &[&str]) -> Child {
        let mut command = agents::command(&self.program, &self.world.home, &self.model);
        match self.kind {
            Kind::Codex => command.args(CODEX).args(more).arg("go"),
            Kind::ClaudeCode => command
                .args(["-p", "go", "--output-format", "json", "--dangerously-skip-permissions"])
                .args(more),
            Kind::Goose => command.args(["run", "--no-session", "-t", "go"]).args(more),
        };
        command.spawn().unwrap()
    }

    fn ran(&self) -> bool {
        self.world.project().join("ran").exists()
    }

    /// What went wrong, where something did.
    fn story(&self, said: &str) -> String {
        format!("{:?}: {said}\n{}", self.kind, self.model.told())
    }
}

const CODEX: [&str; 4] = [
    "exec",
    "--dangerously-bypass-hook-trust",
    "--dangerously-bypass-approvals-and-sandbox",
    "--skip-git-repo-check",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agent_runs_what_was_approved() {
    for kind in ALL {
        let Some(real) = Real::new(kind, "100s", &["touch ran"]).await else { continue };
        let (said, asked) = tokio::join!(ended(real.start(&[])), async {
            let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
            assert!(!real.ran());
            let approved = Verdict::noted(Some("Only this once, please".into()));
            real.world.decides(&asked, approved).await;
            asked
        });
        assert!(real.ran(), "{}", real.story(&said));
        // goose has no way to tell its model what was said beside a yes.
        let heard = real.model.heard().contains("approved this and says: Only this once, please");
        assert_eq!(heard, kind != Kind::Goose, "{}", real.story(&said));
        assert_eq!(
            (asked.request.title.as_str(), asked.request.agent.name.as_str()),
            ("Run touch ran in work", kind.name())
        );
        assert!(asked.request.agent.session.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_to_a_real_agent_is_for_once_or_for_the_session() {
    for (kind, for_session) in ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let again = || vec![shell(kind, "echo once >> ran")];
        let Some(real) = Real::calling(kind, "100s", vec![again(), again()]).await else {
            continue;
        };
        let (said, ()) = tokio::join!(ended(real.start(&[])), async {
            let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
            let verdict = if for_session { Verdict::for_session() } else { Verdict::approved() };
            real.world.decides(&asked, verdict).await;
            if !for_session {
                let asked = real.world.asked_within(2, PATIENCE).await.remove(1);
                real.world.decides(&asked, rejected("Once is enough")).await;
            }
        });
        let ran = std::fs::read_to_string(real.world.project().join("ran")).unwrap_or_default();
        assert_eq!(ran.lines().count(), if for_session { 2 } else { 1 }, "{}", real.story(&said));
        assert_eq!(
            real.world.asked(1).await.len(),
            if for_session { 1 } else { 2 },
            "{}",
            real.story(&said)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agent_that_wants_two_things_at_once_is_stopped_at_each() {
    for kind in ALL {
        let Some(real) = Real::new(kind, "100s", &["touch ran", "touch too"]).await else {
            continue;
        };
        let (said, ()) = tokio::join!(ended(real.start(&[])), async {
            for count in 1..=2 {
                let asked = real.world.asked_within(count, PATIENCE).await.remove(count - 1);
                let is_first = asked.request.body == "touch ran";
                let verdict =
                    if is_first { Verdict::approved() } else { rejected("One is enough") };
                real.world.decides(&asked, verdict).await;
            }
        });
        assert!(real.ran() && !real.world.project().join("too").exists(), "{}", real.story(&said));
        assert!(real.model.told().contains("One is enough"), "{}", real.story(&said));
    }
}

/// goose asks its hooks nothing there: [`goose`] has what comes of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_real_agent_has_another_do_is_stopped_too() {
    let aside = "Do it aside";
    let input = json!({ "description": "Aside", "prompt": aside, "subagent_type": "general-purpose",
        "run_in_background": false });
    let claude = vec![vec![Call::new("Agent", input)]];
    // Codex does not wait for another by itself, but stands still at its own gate.
    let spawn = Call::new("multi_agent_v1/spawn_agent", json!({ "message": aside }));
    let codex = vec![vec![spawn], vec![shell(Kind::Codex, "touch other")]];
    for (kind, rounds) in [(Kind::ClaudeCode, claude), (Kind::Codex, codex)] {
        let count = rounds.len();
        let model =
            Model::with_aside(rounds, Some((aside, vec![vec![shell(kind, "touch ran")]]))).await;
        let Some(real) = Real::with(kind, "100s", model).await else { continue };
        let rules = "[[rules]]\ndo = \"allow\"\ntools = [\"Agent\", \"*spawn_agent\"]\n";
        std::fs::write(real.world.home.path().join("gates.toml"), rules).unwrap();
        let (said, asked) = tokio::join!(ended(real.start(&[])), async {
            let asked = real.world.asked_within(count, PATIENCE).await;
            for one in &asked {
                real.world.decides(one, rejected("Nor aside")).await;
            }
            asked
        });
        assert!(
            asked.iter().any(|asked| asked.request.body == "touch ran"),
            "{}",
            real.story(&said)
        );
        assert!(!real.ran(), "{}", real.story(&said));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agent_is_told_why_not() {
    for kind in ALL {
        let Some(real) = Real::new(kind, "100s", &["touch ran"]).await else { continue };
        let (said, ()) = tokio::join!(ended(real.start(&[])), async {
            let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
            real.world.decides(&asked, rejected("Use “make”, never touch")).await;
        });
        assert!(!real.ran(), "{kind:?}: {said}");
        assert!(
            real.model.told().contains("Rejected by Maya (decision #1): Use “make”, never touch"),
            "{kind:?}: {}",
            real.model.told()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agent_goes_by_the_rules() {
    for kind in ALL {
        let Some(real) = Real::new(kind, "100s", &["sudo touch ran"]).await else { continue };
        let said = ended(real.start(&[])).await;
        assert!(
            real.model.told().contains("Agents do not act as another user."),
            "{}",
            real.story(&said)
        );
        let rules = "[[rules]]\ndo = \"allow\"\ncommands = [\"touch *\"]\n";
        let real = Real::new(kind, "100s", &["touch ran"]).await.unwrap();
        std::fs::write(real.world.home.path().join("gates.toml"), rules).unwrap();
        let said = ended(real.start(&[])).await;
        assert!(real.ran() && real.world.asked(0).await.is_empty(), "{kind:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agent_waits_no_longer_than_its_gate() {
    for kind in ALL {
        let Some(real) = Real::new(kind, "1s", &["touch ran"]).await else { continue };
        let said = ended(real.start(&[])).await;
        assert!(
            !real.ran() && real.model.told().contains("Not decided yet: decision #1"),
            "{}",
            real.story(&said)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agent_without_its_gate_runs_nothing() {
    for kind in ALL {
        let Some(real) = Real::new(kind, "100s", &["touch ran"]).await else { continue };
        real.edit_hooks(|hooks| hooks.replace(env!("CARGO_BIN_EXE_gander"), "/nowhere/gander"));
        let said = ended(real.start(&[])).await;
        assert!(
            !real.ran() && real.model.told().contains("did not answer, so this is denied"),
            "{}",
            real.story(&said)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agent_whose_gate_is_killed_runs_nothing() {
    for kind in ALL {
        let Some(real) = Real::new(kind, "100s", &["touch ran"]).await else { continue };
        let child = real.start(&[]);
        let agent = child.id().unwrap();
        let (said, ()) = tokio::join!(ended(child), async {
            real.world.asked_within(1, PATIENCE).await;
            crate::gates_standin::kill_gate_below(agent).await;
        });
        assert!(
            !real.ran() && real.model.told().contains("did not answer, so this is denied"),
            "{}",
            real.story(&said)
        );
    }
}

/// Its own limit is longer than the gate's; struck all the same, it denies by `onFailure`.
#[tokio::test(flavor = "multi_thread")]
async fn real_claude_code_that_gives_up_on_its_gate_runs_nothing() {
    let Some(real) = Real::new(Kind::ClaudeCode, "100s", &["touch ran"]).await else { return };
    real.edit_hooks(|hooks| hooks.replace("\"timeout\": 130", "\"timeout\": 1"));
    let said = ended(real.start(&[])).await;
    assert!(!real.ran() && real.model.told().contains("timed out"), "{}", real.story(&said));
}

#[tokio::test(flavor = "multi_thread")]
async fn real_claude_code_ends_when_it_is_put_off_and_goes_on_when_it_is_resumed() {
    for commands in [&["touch ran"][..], &["touch ran", "touch ran too"]] {
        let Some(real) = Real::new(Kind::ClaudeCode, "100s", commands).await else { return };
        // It asks about its calls one after the other.
        let (said, ()) = tokio::join!(ended(real.start(&[])), async {
            for count in 1..=commands.len() {
                let asked = real.world.asked_within(count, PATIENCE).await.remove(count - 1);
                real.world.defers(&asked).await;
            }
        });
        assert!(!real.ran() && said.contains("tool_deferred"), "{}", real.story(&said));
        for asked in real.world.asked(commands.len()).await {
            real.world.decides(&asked, Verdict::approved()).await;
        }
        let session = real.world.decision(1).await.request.agent.session.unwrap();
        let said = ended(real.start(&["--resume", &session])).await;
        assert!(real.ran(), "{}", real.story(&said));
    }
}
