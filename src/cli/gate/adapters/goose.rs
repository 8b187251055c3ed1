//! goose.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Adapter, SAMPLE_SESSION, user_folder};
use crate::cli::gate::bypass::{Bypass, settings};
use crate::cli::gate::command::GANDER;
use crate::cli::gate::contract::{Contract, Decides, Evidence, Fate, Start};
use crate::cli::gate::groups::{Grouped, TimeUnit};
use crate::cli::gate::hook::{HookAnswer, HookEvent, HookOutput};
use crate::cli::gate::hook_file::{Companion, HookFile};
use crate::cli::gate::seat::ResumeCommand;
use crate::core::decision::resumption::SessionShape;
use crate::presentation::text;

const FILE: Grouped = Grouped {
    agent: NAME,
    events: &["PreToolUse"],
    matcher: ".*",
    unit: TimeUnit::Seconds,
    fields: &[("on_failure", "block")],
    desk: &[],
};

const NAME: &str = "goose";

/// The manifest that goose expects of a plugin.
const MANIFEST: &str = "{\n  \"name\": \"gander\",\n  \"version\": \"1.0.0\",\n  \
    \"description\": \"Stops each tool call until a person has answered\"\n\
    }\n";

static CONTRACT: Contract = Contract {
    evidence: Evidence::Ran("1.52.0"),
    start: Start::Shell,
    decides: Some(Decides { at: "/decision", yes: "allow", no: "block" }),
    output_first: false,
    empty: Fate::Runs,
    garbage: Fate::Denies,
    silent: Fate::Denies,
    failed: Fate::Denies,
    killed: Fate::Denies,
    late: Fate::Denies,
    usual_limit: Some(Duration::from_secs(30)),
    longest_limit: None,
    holes: &[
        "calls of a delegate or of code that calls tools: the default rules deny both",
        "a project's own plugin named gander",
    ],
};

/// `-` stands for a prompt on standard input.
const RESUME: ResumeCommand = ResumeCommand {
    program: "goose",
    session: SessionShape::DateAndNumber,
    first: &["run"],
    before_session: &["--resume", "--session-id"],
    after_session: &["--instructions", "-"],
};

#[derive(Debug)]
pub(super) struct Goose;

/// The folder of the plugin, from the path of its hook file.
fn plugin(hooks: &Path) -> &Path {
    hooks.ancestors().nth(2).unwrap_or(hooks)
}

impl Adapter for Goose {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "goose"
    }

    fn process(&self) -> &'static str {
        "goose"
    }

    fn hook_file(&self, project: Option<&Path>) -> Result<PathBuf, String> {
        let folder = match project {
            Some(project) => project.to_owned(),
            None => user_folder("GOOSE_PATH_ROOT", "")?,
        };
        Ok(folder.join(".agents/plugins").join(GANDER).join("hooks/hooks.json"))
    }

    fn companion(&self, hooks: &Path, _: Option<&Path>) -> Result<Option<Companion>, String> {
        Ok(Some(Companion {
            file: plugin(hooks).join("plugin.json"),
            with: |before| Ok(before.unwrap_or(MANIFEST).to_owned()),
            without: |before| Ok(Some(before.to_owned()).filter(|text| text != MANIFEST)),
        }))
    }

    /// An empty plugin folder in a project would replace the person's own plugin.
    fn own_folders(&self, hooks: &Path) -> Vec<PathBuf> {
        [hooks.parent().unwrap_or(hooks), plugin(hooks)].map(Path::to_owned).to_vec()
    }

    fn format(&self) -> &dyn HookFile {
        &FILE
    }

    fn check_enabled(&self, hooks: &Path, project: Option<&Path>) -> Result<(), Bypass> {
        let unknown = |why| Bypass { file: hooks.to_owned(), why };
        let own_settings = user_folder("GOOSE_PATH_ROOT", "").map_err(unknown)?;
        let own_settings = own_settings.join(".config/goose");
        is_listed_as_disabled(&own_settings, project)?;
        is_switched_off(hooks, &own_settings.join("config.yaml"))?;
        let own = self.hook_file(None).map_err(unknown)?;
        let Some(project) = project.filter(|_| own == hooks) else { return Ok(()) };
        let theirs = self.hook_file(Some(project)).map_err(unknown)?;
        if theirs == hooks
            || !plugin(&theirs).is_dir()
            || FILE.installed(&settings(&theirs)?).is_some()
        {
            return Ok(());
        }
        // If a project and the user both have a plugin of this name, goose sees only the project's.
        Err(Bypass {
            file: plugin(&theirs).to_owned(),
            why: "goose uses this plugin gander instead of your own".into(),
        })
    }

    fn advice(&self, project: Option<&Path>) -> Option<&'static str> {
        project.map(|_| text::gate::GOOSE_FOLDER)
    }

    fn event(&self, name: &str) -> Option<HookEvent> {
        (name == "PreToolUse").then_some(HookEvent::PreToolUse)
    }

    fn resume(&self) -> Option<ResumeCommand> {
        Some(RESUME)
    }

    fn say(&self, _: HookEvent, answer: HookAnswer) -> HookOutput {
        match answer {
            // goose has no field for a note.
            HookAnswer::Allow { .. } => HookOutput::json(json!({ "decision": "allow" })),
            HookAnswer::AllowChanged { note, .. } => {
                HookOutput::deny(text::gate::not_handed_over(&note))
            }
            HookAnswer::Answer { words, .. }
            | HookAnswer::Deny(words)
            | HookAnswer::Defer(words)
            | HookAnswer::OwnPrompt(words) => HookOutput::deny(words),
        }
    }

    fn contract(&self) -> &'static Contract {
        &CONTRACT
    }

    fn sample(&self, folder: &Path, command: &str) -> Value {
        json!({
            "event": "PreToolUse",
            "session_id": SAMPLE_SESSION,
            "tool_name": "shell",
            "tool_input": { "command": command },
            "working_dir": folder,
        })
    }
}

/// goose runs a plugin's hooks unless its settings list the plugin as disabled; the nearest
/// settings file that names the plugin decides.
fn is_listed_as_disabled(own_settings: &Path, project: Option<&Path>) -> Result<(), Bypass> {
    let near = project.map(|project| project.join(".config/goose"));
    let near = near
        .iter()
        .flat_map(|folder| [folder.join("settings.local.json"), folder.join("settings.json")]);
    for file in near.chain([own_settings.join("settings.json")]) {
        // goose treats unreadable settings as empty.
        let said: Value = serde_json::from_str(&settings(&file)?).unwrap_or_default();
        let names = |list: &str| {
            said[list].as_array().is_some_and(|names| names.iter().any(|name| name == GANDER))
        };
        if names("disabledPlugins") {
            return Err(Bypass {
                file,
                why: "it switches off the plugin gander (disabledPlugins): remove that first"
                    .into(),
            });
        }
        if names("enabledPlugins") {
            break;
        }
    }
    Ok(())
}

/// The entry of a plugin in goose's configuration may switch the plugin off.
fn is_switched_off(hooks: &Path, config: &Path) -> Result<(), Bypass> {
    let root = std::path::absolute(plugin(hooks)).unwrap_or_else(|_| plugin(hooks).to_owned());
    let text = settings(config)?;
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let entry = |line: &str| {
        line.strip_suffix(':').map(|key| key.trim_matches(['"', '\''])) == root.to_str()
    };
    if lines.windows(2).any(|pair| entry(pair[0]) && pair[1] == "enabled: false") {
        return Err(Bypass {
            file: config.to_owned(),
            why: format!("it switches off {}: remove that first", root.display()),
        });
    }
    Ok(())
}
