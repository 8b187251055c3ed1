//! Copilot CLI, Gemini CLI, OpenCode, Qwen Code and Kimi themselves, each run without permissions
//! of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::json;
use tokio::process::{Child, Command};

use super::*;
use crate::common::tools;
use crate::gates_others::standin::Kind;

const ALL: [Kind; 5] = [Kind::Copilot, Kind::Gemini, Kind::Qwen, Kind::OpenCode, Kind::Kimi];

/// A real agent in a world of its own.
pub(super) struct Other {
    pub(super) world: World,
    kind: Kind,
    program: PathBuf,
    pub(super) model: Model,
}

/// A command, as the model of this agent runs one.
fn shell(kind: Kind, command: &str) -> Call {
    match kind {
        Kind::Copilot | Kind::OpenCode => {
            Call::new("bash", json!({ "command": command, "description": "As scripted" }))
        }
        Kind::Gemini => Call::new("run_shell_command", json!({ "command": command })),
        Kind::Qwen => {
            Call::new("run_shell_command", json!({ "command": command, "is_background": false }))
        }
        Kind::Kimi => Call::new("Bash", json!({ "command": command })),
        other => panic!("{other:?} is in no registry"),
    }
}

/// The agent's own configuration, with this model and without anything that leaves the machine.
fn configure(kind: Kind, home: &Path, project: &Path, model: &Model) {
    let (file, text) = match kind {
        Kind::Gemini => (
            home.join(".gemini/settings.json"),
            "{\n  \"security\": { \"auth\": { \"selectedType\": \"gemini-api-key\" } },\n  \
             \"privacy\": { \"usageStatisticsEnabled\": false },\n  \"general\": { \
             \"enableAutoUpdate\": false }\n}\n"
                .to_owned(),
        ),
        Kind::Qwen => (
            home.join(".qwen/settings.json"),
            "{\n  \"security\": { \"auth\": { \"selectedType\": \"openai\" } },\n  \"privacy\": { \
             \"usageStatisticsEnabled\": false },\n  \"telemetry\": { \"enabled\": false },\n  \
             \"general\": { \"enableAutoUpdate\": false }\n}\n"
                .to_owned(),
        ),
        Kind::OpenCode => {
            let options = json!({ "baseURL": format!("{}/v1", model.address), "apiKey": "x" });
            let models = json!({ "scripted": { "name": "Scripted", "tool_call": true,
                "limit": { "context": 200_000, "output": 8000 } } });
            let provider = json!({ "scripted": { "npm": "@ai-sdk/openai-compatible",
                "name": "Scripted", "options": options, "models": models } });
            let config = json!({ "share": "disabled", "autoupdate": false, "snapshot": false,
                "model": "scripted/scripted", "small_model": "scripted/scripted",
                "enabled_providers": ["scripted"], "provider": provider });
            (project.join("opencode.json"), config.to_string())
        }
        Kind::Kimi => (
            home.join(".kimi-code/config.toml"),
            format!(
                "default_model = \"scripted\"\ntelemetry = false\n\n[providers.scripted]\n\
                 type = \"openai\"\nbase_url = \"{}/v1\"\napi_key = \"x\"\n\n[models.scripted]\n\
                 provider = \"scripted\"\nmodel = \"scripted\"\nmax_context_size = 200000\n\
                 capabilities = [\"tool_use\"]\n",
                model.address
            ),
        ),
        // By its environment; what it unpacks is kept.
        _ => {
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("copilot");
            std::fs::create_dir_all(&kept).unwrap();
            std::fs::create_dir_all(home.join(".cache")).unwrap();
            std::os::unix::fs::symlink(kept, home.join(".cache/copilot")).unwrap();
            return;
        }
    };
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

impl Other {
    /// An agent whose model wants this command run. `None`: it is not installed.
    pub(super) async fn new(kind: Kind, gate: &str, command: &str) -> Option<Self> {
        let program = agents::installed(kind.name())?;
        let model = Model::start(vec![vec![shell(kind, command)]]).await;
        let world = World::new();
        let (home, project) = (world.home.path().to_owned(), world.project());
        configure(kind, &home, &project, &model);
        // The person's own gate: in a project, Copilot and Gemini ask for trust first.
        let mut args = vec!["gate", "install", kind.name(), "--timeout", gate, "--yes"];
        let place = project.to_str().unwrap();
        if kind == Kind::OpenCode {
            args.extend(["--project", place]);
        }
        world.home.run(&args).await.must(0, &["wrote"]);
        Some(Self { world, kind, program, model })
    }

    pub(super) fn start(&self, more: &[&str]) -> Child {
        let (home, address) = (self.world.home.path(), &self.model.address);
        let mut command = Command::new(&self.program);
        command.current_dir(self.world.project()).env_clear().env("HOME", home);
        // Some need a newer Node than the system's.
        let node = tools::find("node").and_then(|node| Some(node.parent()?.to_owned()));
        let node = node.map(|folder| format!("{}:", folder.display())).unwrap_or_default();
        command.env("PATH", format!("{node}/usr/bin:/bin")).env("SHELL", "/bin/sh");
        command.env("HTTPS_PROXY", "http://127.0.0.1:9").env("NO_PROXY", "127.0.0.1");
        command.env("TERM", "dumb").env("LANG", "C.UTF-8").env("npm_config_offline", "true");
        match self.kind {
            Kind::Copilot => command
                .env("COPILOT_OFFLINE", "true")
                .env("COPILOT_AUTO_UPDATE", "false")
                .env("COPILOT_PROVIDER_BASE_URL", format!("{address}/v1"))
                .env("COPILOT_PROVIDER_API_KEY", "x")
                .env("COPILOT_MODEL", "scripted")
                .args(["-p", "go", "--no-color", "--allow-all-tools"]),
            Kind::Gemini => command
                .env("GOOGLE_GEMINI_BASE_URL", address)
                .env("GEMINI_API_KEY", "x")
                .env("GEMINI_CLI_TRUST_WORKSPACE", "true")
                .env("GEMINI_TELEMETRY_ENABLED", "false")
                .env("GEMINI_CLI_NO_RELAUNCH", "true")
                .args(["-p", "go", "-m", "gemini-2.5-flash", "--approval-mode", "yolo"]),
            Kind::Qwen => command
                .env("OPENAI_BASE_URL", format!("{address}/v1"))
                .env("OPENAI_API_KEY", "x")
                .env("OPENAI_MODEL", "scripted")
                .env("QWEN_CODE_NO_RELAUNCH", "true")
                .args(["-p", "go", "--approval-mode", "yolo"]),
            Kind::OpenCode => command
                .env("OPENCODE_DISABLE_AUTOUPDATE", "1")
                .env("OPENCODE_DISABLE_MODELS_FETCH", "1")
                .env("OPENCODE_DISABLE_LSP_DOWNLOAD", "1")
                .args(["run", "go"]),
            _ => command
                .env("KIMI_DISABLE_TELEMETRY", "1")
                .env("KIMI_CODE_NO_AUTO_UPDATE", "1")
                .args(["-p", "go"]),
        };
        command.args(more).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true).spawn().unwrap()
    }

    pub(super) fn ran(&self) -> bool {
        self.world.project().join("ran").exists()
    }

    pub(super) fn story(&self, said: &str) -> String {
        format!("{:?}: {said}\n{}", self.kind, self.model.told())
    }

    fn edit_hooks(&self, change: impl Fn(String) -> String) {
        let home = self.world.home.path();
        let file = match self.kind {
            Kind::Copilot => home.join(".copilot/hooks/gander.json"),
            Kind::Gemini => home.join(".gemini/settings.json"),
            Kind::Qwen => home.join(".qwen/settings.json"),
            kind => kind.file(home, &self.world.project()),
        };
        let there = std::fs::read_to_string(&file).unwrap();
        let new = change(there.clone());
        assert_ne!(there, new);
        std::fs::write(file, new).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_run_what_was_approved() {
    for kind in ALL {
        let Some(real) = Other::new(kind, "40s", "touch ran").await else { continue };
        let (said, asked) = tokio::join!(ended(real.start(&[])), async {
            let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
            assert!(!real.ran());
            real.world.decides(&asked, Verdict::approved()).await;
            asked
        });
        assert!(real.ran(), "{}", real.story(&said));
        assert_eq!(
            (asked.request.title.as_str(), asked.request.agent.name.as_str()),
            ("Run touch ran in work", kind.name())
        );
        assert!(asked.request.agent.session.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_told_why_not() {
    for kind in ALL {
        let Some(real) = Other::new(kind, "40s", "touch ran").await else { continue };
        let (said, ()) = tokio::join!(ended(real.start(&[])), async {
            let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
            real.world.decides(&asked, rejected("Use “make”, never touch")).await;
        });
        assert!(!real.ran(), "{}", real.story(&said));
        let words = "Rejected by Maya (decision #1): Use “make”, never touch";
        assert!(real.model.told().contains(words), "{}", real.story(&said));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_go_by_the_rules() {
    for kind in ALL {
        let Some(real) = Other::new(kind, "40s", "sudo touch ran").await else { continue };
        let said = ended(real.start(&[])).await;
        let words = "Agents do not act as another user.";
        assert!(real.model.told().contains(words), "{}", real.story(&said));
        let real = Other::new(kind, "40s", "touch ran").await.unwrap();
        let rules = "[[rules]]\ndo = \"allow\"\ncommands = [\"touch *\"]\n";
        std::fs::write(real.world.home.path().join("gates.toml"), rules).unwrap();
        let said = ended(real.start(&[])).await;
        assert!(real.ran(), "{}", real.story(&said));
        assert!(real.world.asked(0).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_wait_no_longer_than_their_gates() {
    for kind in ALL {
        let Some(real) = Other::new(kind, "1s", "touch ran").await else { continue };
        let said = ended(real.start(&[])).await;
        let told = real.model.told().contains("Not decided yet: decision #1");
        assert!(!real.ran() && told, "{}", real.story(&said));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_without_their_gate_run_nothing() {
    for kind in ALL {
        let Some(real) = Other::new(kind, "40s", "touch ran").await else { continue };
        real.edit_hooks(|hooks| hooks.replace(env!("CARGO_BIN_EXE_gander"), "/nowhere/gander"));
        let said = ended(real.start(&[])).await;
        let words = match kind {
            // Its model is told nothing of standard error.
            Kind::Copilot => "hook exited with code 2",
            _ => "did not answer, so this is denied",
        };
        assert!(!real.ran() && real.model.told().contains(words), "{}", real.story(&said));
    }
}

/// A plugin that does not load stops nothing, so without it there are no tools.
#[tokio::test(flavor = "multi_thread")]
async fn opencode_without_the_plugin_has_no_tools() {
    for pure in [false, true] {
        let Some(real) = Other::new(Kind::OpenCode, "40s", "touch ran").await else { return };
        if !pure {
            real.edit_hooks(|plugin| format!("{plugin}\nthis is no JavaScript\n"));
        }
        let said = ended(real.start(if pure { &["--pure"] } else { &[] })).await;
        assert!(!real.ran() && real.model.told().is_empty(), "{}", real.story(&said));
        assert!(!real.model.heard().is_empty(), "it asked its model: {said}");
    }
}
