//! Claude Code and Codex on a terminal with a person before it: whose prompt asks, and what becomes
//! of the card.

use gander::core::decision::{Decision, DecisionId, DeskOutcome, OwnPrompt, Verdict};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use super::shell;
use crate::common::agents::{self, PATIENCE};
use crate::common::engine::until;
use crate::common::scripted::{Call, Model};
use crate::gates_standin::Kind;
use crate::gates_world::{World, rejected};

const KEY: &str = "sk-ant-nobody-0000000000000000";

/// An agent on a terminal.
struct Screen {
    world: World,
    model: Model,
    terminal: pty_process::Pty,
    _child: tokio::process::Child,
    seen: String,
}

/// A machine on which somebody is at the desk.
fn somebody_is_there() -> World {
    let world = World::new();
    let file = world.home.path().join("maya-is-there");
    std::fs::write(&file, "").unwrap();
    world.home.configure(&format!("time_zone = \"UTC\"\n[presence]\nfile = {file:?}\n"));
    world
}

async fn install(world: &World, kind: Kind) {
    let place = world.project();
    let mut install = vec!["gate", "install", kind.name(), "--timeout", "100s", "--desk", "--yes"];
    if kind == Kind::ClaudeCode {
        install.extend(["--project", place.to_str().unwrap()]);
    }
    world.home.run(&install).await.must(0, &["wrote"]);
}

impl Screen {
    fn start(world: World, model: Model, plain: &Command) -> Self {
        let (terminal, other_end) = pty_process::open().unwrap();
        terminal.resize(pty_process::Size::new(50, 160)).unwrap();
        let plain = plain.as_std();
        let mut command = pty_process::Command::new(plain.get_program());
        command = command.args(plain.get_args()).env_clear().kill_on_drop(true);
        command = command.current_dir(world.project()).env("TERM", "xterm-256color");
        for (name, value) in plain.get_envs() {
            command = command.env(name, value.unwrap_or_default());
        }
        let child = command.spawn(other_end).unwrap();
        Self { world, model, terminal, _child: child, seen: String::new() }
    }

    /// Claude Code whose model wants this command run.
    async fn claude(command: &str, more: &[&str]) -> Option<Self> {
        let program = agents::installed("claude")?;
        let world = somebody_is_there();
        install(&world, Kind::ClaudeCode).await;
        let model = Model::start(vec![vec![shell(Kind::ClaudeCode, command)]]).await;
        let project = world.project().canonicalize().unwrap();
        let known = json!({
            "hasCompletedOnboarding": true,
            "theme": "dark",
            "bypassPermissionsModeAccepted": true,
            "customApiKeyResponses": { "approved": [&KEY[KEY.len() - 20..]], "rejected": [] },
            "projects": { project.to_str().unwrap(): { "hasTrustDialogAccepted": true } },
        });
        std::fs::write(world.home.path().join(".claude.json"), known.to_string()).unwrap();
        let mut plain = agents::command(&program, &world.home, &model);
        plain.env("ANTHROPIC_API_KEY", KEY).args(more).arg("go");
        let mut screen = Self::start(world, model, &plain);
        screen.sees("Doyouwanttoproceed?").await;
        assert!(screen.seen.contains("Gander#1"), "{}", screen.seen);
        Some(screen)
    }

    /// Reads until this is on the screen, whatever moves and colours stand between its letters.
    async fn sees(&mut self, words: &str) {
        let mut bytes = [0; 16_384];
        let read = timeout(PATIENCE, async {
            loop {
                let plain = letters(&self.seen);
                if plain.contains(words) {
                    self.seen = plain;
                    return true;
                }
                match self.terminal.read(&mut bytes).await {
                    Ok(read @ 1..) => {
                        self.seen.push_str(&String::from_utf8_lossy(&bytes[..read]));
                    }
                    _ => return false,
                }
            }
        });
        let read = read.await;
        assert_eq!(read, Ok(true), "{words:?}:\n{}\n{}", letters(&self.seen), self.model.told());
    }

    async fn types(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).await.unwrap();
    }

    async fn becomes(&self, what: &str, holds: impl Fn(&Decision) -> bool) {
        let first = |all: &[Decision]| all.iter().any(|one| one.id == DecisionId(1) && holds(one));
        until(&self.world.handle, what, first).await;
    }

    async fn decision(&self) -> Decision {
        self.world.asked_within(1, PATIENCE).await.remove(0)
    }

    fn ran(&self) -> bool {
        self.world.project().join("ran").exists()
    }
}

/// A screen's text without blanks and control sequences.
fn letters(screen: &str) -> String {
    let sequences = regex::Regex::new(
        "\u{1b}(\\[[0-9;?<>=]*[A-Za-z~]|\\][^\u{7}\u{1b}]*(\u{7}|\u{1b}\\\\)|[()][A-Z0-9]|[=>78M])",
    );
    let plain = sequences.unwrap().replace_all(screen, "");
    plain.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect()
}

const ESCAPE: &str = "\u{1b}";

#[tokio::test(flavor = "multi_thread")]
async fn claude_code_asks_at_the_desk_in_every_mode() {
    for mode in ["default", "acceptEdits", "bypassPermissions", "dontAsk", "auto"] {
        let Some(mut screen) = Screen::claude("touch ran", &["--permission-mode", mode]).await
        else {
            return;
        };
        let asked = screen.decision().await;
        let prompt = asked.at_desk().map(|desk| desk.prompt);
        assert_eq!((prompt, screen.ran()), (Some(OwnPrompt::Both), false), "{mode}");
        screen.types("\r").await;
        let ran = |decision: &Decision| decision.desk_outcome() == Some(DeskOutcome::Ran);
        screen.becomes("it ran", ran).await;
        assert!(screen.ran(), "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_at_claude_codes_prompt_closes_the_card() {
    let Some(mut screen) = Screen::claude("touch ran", &[]).await else { return };
    screen.types(ESCAPE).await;
    let closed = |decision: &Decision| decision.desk_outcome() == Some(DeskOutcome::Closed);
    screen.becomes("closed", closed).await;
    assert!(!screen.ran());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_on_discord_closes_claude_codes_prompt() {
    let Some(mut screen) = Screen::claude("touch ran", &[]).await else { return };
    screen.world.decides(&screen.decision().await, Verdict::approved()).await;
    screen.sees("AllowedbyPermissionRequesthook").await;
    screen.sees("done").await;
    assert!(screen.ran());
    let Some(mut screen) = Screen::claude("touch ran", &[]).await else { return };
    screen.world.decides(&screen.decision().await, rejected("Use make")).await;
    screen.sees("DeniedbyPermissionRequesthook").await;
    screen.sees("done").await;
    assert!(!screen.ran() && screen.model.told().contains("Use make"), "{}", screen.model.told());
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_asks_at_the_desk_what_it_asks_itself() {
    let Some(program) = agents::installed("codex") else { return };
    let model = Model::start(vec![vec![Call::new(
        "exec_command",
        json!({
            "cmd": "touch ran", "sandbox_permissions": "require_escalated",
            "justification": "As scripted",
        }),
    )]])
    .await;
    let world = somebody_is_there();
    let project = world.project().canonicalize().unwrap();
    let trusted =
        format!("[projects.{:?}]\ntrust_level = \"trusted\"\n", project.to_str().unwrap());
    agents::configure_codex(&world.home, &model, &trusted);
    install(&world, Kind::Codex).await;
    allow_make(&world);
    let mut plain = agents::command(&program, &world.home, &model);
    plain.env("OPENAI_API_KEY", "nobody");
    plain.args(["--dangerously-bypass-hook-trust", "-a", "on-request", "-s", "workspace-write"]);
    plain.arg("go");
    let mut screen = Screen::start(world, model, &plain);
    screen.sees("Wouldyouliketorunthefollowingcommand?").await;
    let asked = screen.decision().await;
    assert_eq!(asked.at_desk().map(|desk| desk.prompt), Some(OwnPrompt::Alone));
    screen.types("y").await;
    let ran = |decision: &Decision| decision.desk_outcome() == Some(DeskOutcome::Ran);
    screen.becomes("it ran", ran).await;
    assert!(screen.ran());
}

/// Rules that allow the command, so that only Codex's own question is asked.
fn allow_make(world: &World) {
    let rules = "[[rules]]\ndo = \"allow\"\ncommands = [\"touch *\"]\n";
    std::fs::write(world.home.path().join("gates.toml"), rules).unwrap();
}
