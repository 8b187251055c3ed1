//! Finds settings that disable an agent's installed hooks: the agent's own settings, and a plugin
//! that goose prefers.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::AgentKind;
use super::plan::{self, GANDER};
use crate::disk;

/// Why an agent ignores its hook file, and which file causes this.
#[derive(Debug)]
pub(super) struct Bypass {
    pub(super) file: PathBuf,
    pub(super) why: String,
}

/// The file's text, empty if the file does not exist.
fn read(file: &Path) -> Result<String, Bypass> {
    match disk::read_own_text(file, disk::LONGEST_SETTINGS) {
        Err(error) if !error.is_absence() => {
            Err(Bypass { file: file.to_owned(), why: error.to_string() })
        }
        read => Ok(read.unwrap_or_default()),
    }
}

/// Checks that an agent in this project, or outside all projects, runs the hooks in this file.
///
/// # Errors
/// The agent ignores the file, or its settings cannot be read.
pub(super) fn check_enabled(
    agent: AgentKind,
    hooks: &Path,
    project: Option<&Path>,
) -> Result<(), Bypass> {
    match agent {
        AgentKind::ClaudeCode => claude_code(hooks, project),
        AgentKind::Codex => codex(&hooks.with_file_name("config.toml")),
        AgentKind::Goose => goose(hooks, project),
    }
}

/// Claude Code runs no hook if any of its settings files disables all hooks.
fn claude_code(hooks: &Path, project: Option<&Path>) -> Result<(), Bypass> {
    let own = plan::file(AgentKind::ClaudeCode, None)
        .map_err(|why| Bypass { file: hooks.to_owned(), why })?;
    let near = project.map(|project| project.join(".claude"));
    let near = near
        .iter()
        .flat_map(|folder| [folder.join("settings.local.json"), folder.join("settings.json")]);
    for file in near.chain([own, hooks.to_owned()]) {
        // Invalid JSON in the hook file is reported by the code that writes the hook.
        let said: Value = serde_json::from_str(&read(&file)?).unwrap_or_default();
        if said["disableAllHooks"] == Value::Bool(true) {
            return Err(Bypass {
                file,
                why: "it switches off all hooks (disableAllHooks): remove that first".into(),
            });
        }
    }
    Ok(())
}

/// Codex runs hooks unless its configuration disables the feature.
fn codex(file: &Path) -> Result<(), Bypass> {
    let off = |why: String| Bypass { file: file.to_owned(), why };
    let config: toml::Table =
        read(file)?.parse().map_err(|error: toml::de::Error| off(error.to_string()))?;
    let features = config.get("features").and_then(toml::Value::as_table);
    let is_off =
        |name: &str| features.and_then(|features| features.get(name)?.as_bool()) == Some(false);
    match ["hooks", "codex_hooks"].into_iter().find(|name| is_off(name)) {
        Some(name) => Err(off(format!(
            "it switches off hooks ([features] {name} = false): remove that first"
        ))),
        None => Ok(()),
    }
}

/// goose runs a plugin's hooks unless its settings list the plugin as disabled; the nearest
/// settings file that names the plugin decides. If a project and the user both have a plugin of
/// this name, goose sees only the project's.
fn goose(hooks: &Path, project: Option<&Path>) -> Result<(), Bypass> {
    let own =
        plan::file(AgentKind::Goose, None).map_err(|why| Bypass { file: hooks.to_owned(), why })?;
    let settings = plan::goose_settings().map_err(|why| Bypass { file: hooks.to_owned(), why })?;
    let near = project.map(|project| project.join(".config/goose"));
    let near = near
        .iter()
        .flat_map(|folder| [folder.join("settings.local.json"), folder.join("settings.json")]);
    for file in near.chain([settings.join("settings.json")]) {
        // goose treats unreadable settings as empty.
        let said: Value = serde_json::from_str(&read(&file)?).unwrap_or_default();
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
    let root =
        std::path::absolute(plan::plugin(hooks)).unwrap_or_else(|_| plan::plugin(hooks).to_owned());
    let file = settings.join("config.yaml");
    let text = read(&file)?;
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let entry = |line: &str| {
        line.strip_suffix(':').map(|key| key.trim_matches(['"', '\''])) == root.to_str()
    };
    if lines.windows(2).any(|pair| entry(pair[0]) && pair[1] == "enabled: false") {
        return Err(Bypass {
            file,
            why: format!("it switches off {}: remove that first", root.display()),
        });
    }
    let Some(theirs) = project.filter(|_| own == hooks) else { return Ok(()) };
    let theirs = plan::file(AgentKind::Goose, Some(theirs))
        .map_err(|why| Bypass { file: hooks.to_owned(), why })?;
    let folder = plan::plugin(&theirs);
    if theirs == hooks
        || !folder.is_dir()
        || plan::installed(AgentKind::Goose, &read(&theirs)?).is_some()
    {
        return Ok(());
    }
    Err(Bypass {
        file: folder.to_owned(),
        why: "goose uses this plugin gander instead of your own".into(),
    })
}
