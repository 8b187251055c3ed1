//! Agents themselves behind `gander acp`, each with a model that is scripted: Kimi, OpenCode,
//! Claude, Qwen Code, Gemini CLI and goose. The client is Gander itself, or one that is made of the
//! protocol's own library.
//!
//! An agent that is not on the path is skipped; with `GANDER_TEST_AGENTS=1` that fails. Nothing
//! leaves the machine.

mod killed;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use gander::core::decision::Verdict;
use serde_json::json;
use tokio::process::{Child, Command};

use crate::common::agents::{self, PATIENCE, ended};
use crate::common::scripted::{Call, Model};
use crate::common::tools;
use crate::gates_world::{World, rejected};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agent {
    Kimi,
    OpenCode,
    Claude,
    Qwen,
    Gemini,
    Goose,
}

use Agent::{Claude, Gemini, Goose, Kimi, OpenCode, Qwen};

const ALL: [Agent; 6] = [Kimi, OpenCode, Claude, Qwen, Gemini, Goose];

impl Agent {
    const fn program(self) -> &'static str {
        match self {
            Kimi => "kimi",
            OpenCode => "opencode",
            Claude => "claude-agent-acp",
            Qwen => "qwen",
            Gemini => "gemini",
            Goose => "goose",
        }
    }

    const fn arguments(self) -> &'static [&'static str] {
        match self {
            Kimi | OpenCode | Goose => &["acp"],
            Claude => &[],
            Qwen => &["--acp"],
            Gemini => &["--acp", "-m", "gemini-2.5-flash"],
        }
    }

    /// The mode in which the agent asks before a command; `None`: it does by itself.
    const fn mode(self) -> Option<&'static str> {
        match self {
            Claude | Qwen => Some("default"),
            _ => None,
        }
    }

    /// A command, as the model of this agent runs one.
    fn shell(self, command: &str) -> Call {
        match self {
            Kimi => Call::new("Bash", json!({ "command": command })),
            OpenCode => {
                Call::new("bash", json!({ "command": command, "description": "As scripted" }))
            }
            Claude => Call::new("Bash", json!({ "command": command, "description": "x" })),
            Qwen => Call::new(
                "run_shell_command",
                json!({ "command": command, "is_background": false }),
            ),
            Gemini => Call::new("run_shell_command", json!({ "command": command })),
            Goose => Call::new("shell", json!({ "command": command })),
        }
    }

    /// The agent's own configuration, with this model.
    fn configure(self, home: &Path, project: &Path, model: &Model) {
        let settings = |auth: &str| {
            json!({ "security": { "auth": { "selectedType": auth } },
                "privacy": { "usageStatisticsEnabled": false },
                "telemetry": { "enabled": false },
                "general": { "enableAutoUpdate": false } })
            .to_string()
        };
        let (file, text) = match self {
            Kimi => (
                home.join(".kimi-code/config.toml"),
                format!(
                    "default_model = \"scripted\"\ntelemetry = false\n\n[providers.scripted]\n\
                     type = \"openai\"\nbase_url = \"{}/v1\"\napi_key = \"x\"\n\n\
                     [models.scripted]\nprovider = \"scripted\"\nmodel = \"scripted\"\n\
                     max_context_size = 200000\ncapabilities = [\"tool_use\"]\n",
                    model.address
                ),
            ),
            OpenCode => {
                let options = json!({ "baseURL": format!("{}/v1", model.address), "apiKey": "x" });
                let models = json!({ "scripted": { "name": "Scripted", "tool_call": true,
                    "limit": { "context": 200_000, "output": 8000 } } });
                let provider = json!({ "scripted": { "npm": "@ai-sdk/openai-compatible",
                    "name": "Scripted", "options": options, "models": models } });
                let config = json!({ "share": "disabled", "autoupdate": false, "snapshot": false,
                    "model": "scripted/scripted", "small_model": "scripted/scripted",
                    "enabled_providers": ["scripted"], "provider": provider,
                    "permission": { "bash": "ask", "edit": "ask" } });
                (project.join("opencode.json"), config.to_string())
            }
            Qwen => (home.join(".qwen/settings.json"), settings("openai")),
            Gemini => (home.join(".gemini/settings.json"), settings("gemini-api-key")),
            Claude | Goose => return,
        };
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
}

/// A real agent in a world of its own.
struct Real {
    world: World,
    agent: Agent,
    program: PathBuf,
    model: Model,
}

impl Real {
    /// An agent whose model makes these calls, round after round. `None`: it is not installed.
    async fn new(agent: Agent, rounds: Vec<Vec<Call>>) -> Option<Self> {
        let program = agents::installed(agent.program())?;
        let model = Model::start(rounds).await;
        let world = World::new();
        agent.configure(world.home.path(), &world.project(), &model);
        Some(Self { world, agent, program, model })
    }

    /// `gander acp` with these arguments, and the agent behind it.
    fn gander(&self, args: &[&str]) -> Command {
        let (home, address) = (self.world.home.path(), &self.model.address);
        // Agents have their environment from Gander.
        let usual =
            agents::command(Path::new(env!("CARGO_BIN_EXE_gander")), &self.world.home, &self.model);
        let mut command = usual;
        // Some need a newer Node than the system's.
        let node = tools::find("node").and_then(|node| Some(node.parent()?.to_owned()));
        let node = node.map(|folder| format!("{}:", folder.display())).unwrap_or_default();
        command.env("PATH", format!("{node}/usr/bin:/bin"));
        command.env("TERM", "dumb").env("LANG", "C.UTF-8").env("npm_config_offline", "true");
        match self.agent {
            Kimi => {
                command.env("KIMI_CODE_HOME", home.join(".kimi-code"));
                command.env("KIMI_DISABLE_TELEMETRY", "1").env("KIMI_CODE_NO_AUTO_UPDATE", "1");
            }
            OpenCode => {
                command.env("OPENCODE_DISABLE_AUTOUPDATE", "1");
                command.env("OPENCODE_DISABLE_MODELS_FETCH", "1");
                command.env("OPENCODE_DISABLE_LSP_DOWNLOAD", "1");
            }
            Claude => {
                command.env("DISABLE_AUTOUPDATER", "1").env("DISABLE_TELEMETRY", "1");
            }
            Qwen => {
                command.env("OPENAI_BASE_URL", format!("{address}/v1"));
                command.env("OPENAI_API_KEY", "x").env("OPENAI_MODEL", "scripted");
                command.env("QWEN_CODE_NO_RELAUNCH", "true").env("QWEN_SANDBOX", "false");
            }
            Gemini => {
                command.env("GOOGLE_GEMINI_BASE_URL", address).env("GEMINI_API_KEY", "x");
                command.env("GEMINI_CLI_TRUST_WORKSPACE", "true");
                command.env("GEMINI_TELEMETRY_ENABLED", "false");
                command.env("GEMINI_CLI_NO_RELAUNCH", "true");
            }
            Goose => {
                command.env("GOOSE_MODE", "approve");
            }
        }
        command.arg("--store").arg(self.world.home.store());
        command.arg("--config").arg(self.world.home.config());
        command.arg("acp").args(args).arg("--").arg(&self.program).args(self.agent.arguments());
        command
    }

    /// Gander as the client, with a prompt.
    fn prompting(&self, more: &[&str]) -> Command {
        let mode: Vec<&str> =
            self.agent.mode().into_iter().flat_map(|mode| ["--mode", mode]).collect();
        self.gander(&[&["--prompt", "go"], &mode[..], more].concat())
    }

    fn prompt(&self, more: &[&str]) -> Child {
        self.prompting(more).spawn().unwrap()
    }

    fn ran(&self) -> bool {
        self.world.project().join("ran").exists()
    }

    fn story(&self, said: &str) -> String {
        format!("{:?}: {said}\n{}", self.agent, self.model.told())
    }
}

async fn touching(agent: Agent) -> Option<Real> {
    Real::new(agent, vec![vec![agent.shell("touch ran")]]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_agents_run_what_was_approved() {
    for agent in ALL {
        let Some(real) = touching(agent).await else { continue };
        let (said, asked) = tokio::join!(ended(real.prompt(&[])), async {
            let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
            assert!(!real.ran());
            real.world.decides(&asked, Verdict::approved()).await;
            asked
        });
        assert!(real.ran(), "{}", real.story(&said));
        assert!(said.contains("done"), "{}", real.story(&said));
        assert!(asked.request.body.contains("touch ran"), "{asked:#?}");
        // Gemini CLI tells no arguments.
        let title = if agent == Gemini { "Use touch ran" } else { "Run touch ran in work" };
        assert!(asked.request.title.starts_with(title), "{asked:#?}");
        assert!(asked.request.agent.session.is_some());
        println!("{agent:?} is {} and asks: {}", asked.request.agent.name, asked.request.title);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_agents_run_nothing_that_was_rejected() {
    for agent in ALL {
        let Some(real) = touching(agent).await else { continue };
        let (said, ()) = tokio::join!(ended(real.prompt(&[])), async {
            let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
            real.world.decides(&asked, rejected("Use make")).await;
        });
        assert!(!real.ran(), "{}", real.story(&said));
        assert!(said.contains("Use make"), "{}", real.story(&said));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_agents_go_by_the_rules() {
    // Without arguments, no rule allows a call of Gemini CLI.
    for agent in ALL.into_iter().filter(|agent| *agent != Gemini) {
        let Some(real) = touching(agent).await else { continue };
        let rules = "[[rules]]\ndo = \"allow\"\ncommands = [\"touch *\"]\n";
        std::fs::write(real.world.home.path().join("gates.toml"), rules).unwrap();
        let said = ended(real.prompt(&[])).await;
        assert!(real.ran(), "{}", real.story(&said));
        let real = Real::new(agent, vec![vec![agent.shell("sudo touch ran")]]).await.unwrap();
        let said = ended(real.prompt(&[])).await;
        assert!(!real.ran(), "{}", real.story(&said));
        assert!(said.contains("Agents do not act as another user."), "{}", real.story(&said));
        assert!(real.world.asked(0).await.is_empty());
    }
}

/// In the mode in which a session of Claude begins, a model decides instead of the person.
#[tokio::test(flavor = "multi_thread")]
async fn real_claude_gets_no_prompt_in_its_mode_auto() {
    let Some(real) = touching(Claude).await else { return };
    let said = ended(real.gander(&["--prompt", "go"]).spawn().unwrap()).await;
    assert!(!real.ran(), "{}", real.story(&said));
    assert!(said.contains("Gander refuses the mode \"auto\""), "{}", real.story(&said));
}

#[tokio::test(flavor = "multi_thread")]
async fn real_agents_are_cancelled() {
    for agent in ALL {
        let Some(real) = touching(agent).await else { continue };
        let child = real.prompt(&[]);
        let id = child.id().unwrap();
        let (said, asked) = tokio::join!(ended(child), async {
            let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
            let sent = Command::new("kill").args(["-INT", &id.to_string()]).status().await;
            assert!(sent.unwrap().success());
            asked
        });
        assert!(!real.ran(), "{}", real.story(&said));
        let asked = real.world.decision(asked.id.0).await;
        assert!(!asked.state.is_open(), "{}", real.story(&said));
    }
}

/// The questions that agents ask over the protocol.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_of_a_real_agent_is_answered() {
    // Without `multiSelect`: Kimi names it `multi_select`, and takes no other fields.
    let question = json!({ "questions": [{ "question": "Which db?", "header": "DB",
        "options": [{ "label": "pg", "description": "a" },
        { "label": "sqlite", "description": "b" }] }] });
    for (agent, tool) in
        [(Kimi, "AskUserQuestion"), (Claude, "AskUserQuestion"), (Qwen, "ask_user_question")]
    {
        let call = Call::new(tool, question.clone());
        let Some(real) = Real::new(agent, vec![vec![call]]).await else { continue };
        let (said, asked) = tokio::join!(ended(real.prompt(&[])), async {
            let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
            let option = asked.request.options[1].name.clone();
            real.world.decides(&asked, Verdict::Chosen { option }).await;
            asked
        });
        assert!(asked.request.title.contains("Which db?"), "{asked:#?}");
        assert!(real.model.told().contains("sqlite"), "{}", real.story(&said));
    }
}

/// A client that is made of the protocol's own library, with Gander between it and each agent. The
/// library is found in `NODE_PATH` (`npm install --prefix DIR @agentclientprotocol/sdk`, then
/// DIR/node_modules).
#[tokio::test(flavor = "multi_thread")]
async fn the_protocols_own_library_is_a_client() {
    let Some(library) = library() else { return };
    for agent in ALL {
        let Some(real) = touching(agent).await else { continue };
        let gander = real.gander(&[]);
        let gander = gander.as_std();
        let mut client = Command::new(tools::find("node").unwrap());
        let script = format!("{}/tests/agents/acp/client.mjs", env!("CARGO_MANIFEST_DIR"));
        client.arg(script).arg(&library).arg(agent.mode().unwrap_or(""));
        client.arg(gander.get_program()).args(gander.get_args());
        client.current_dir(real.world.project()).env_clear();
        client.envs(gander.get_envs().filter_map(|(name, value)| Some((name, value?))));
        client.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = client.kill_on_drop(true).spawn().unwrap();
        let (said, ()) = tokio::join!(ended(child), async {
            let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
            real.world.decides(&asked, Verdict::approved()).await;
        });
        assert!(real.ran(), "{}", real.story(&said));
        assert!(said.contains("stopped: end_turn"), "{}", real.story(&said));
        assert!(!said.contains("asked the client"), "{}", real.story(&said));
    }
}

/// The protocol's own library for Node.
fn library() -> Option<PathBuf> {
    let folders = std::env::var_os("NODE_PATH").unwrap_or_default();
    let entry = "@agentclientprotocol/sdk/dist/v1/stable/acp.js";
    let found =
        std::env::split_paths(&folders).map(|folder| folder.join(entry)).find(|f| f.is_file());
    let is_there = tools::find("node").is_some() && found.is_some();
    tools::is_there("@agentclientprotocol/sdk (NODE_PATH)", is_there, tools::AGENTS);
    found.filter(|_| is_there)
}
