//! Paths and contents of agents' hook files with the gate installed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::AgentKind;
use super::json::{ByteRange, Json, JsonPart};
use super::transport::Transport;
use crate::core::gate::quote;

/// How much longer the agent waits for the gate than the gate waits for a person, in seconds. "No
/// decision yet" is a valid answer; an agent whose hook times out may go on without an answer.
const HOOK_MARGIN: u64 = 30;
/// Printed when the gate was missing or killed. Codex takes exit status 2 as a denial only together
/// with a message.
const MISSING: &str =
    "Gander's gate did not answer, so this is denied. Tell the person who runs Gander.";

/// A file with an empty object, on several lines.
pub(super) const EMPTY: &str = "{\n}\n";

/// The name of goose's plugin, which is also the name of the plugin's folder.
pub(super) const GANDER: &str = "gander";

/// A file's content before and after; `None` means that the file does not exist.
#[derive(Debug, Clone)]
pub(super) struct PlannedChange {
    pub(super) file: PathBuf,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// The user's home folder (plus `usual`), unless an environment variable names another folder.
fn own(variable: &str, usual: &str) -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os(variable).filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(folder));
    }
    let base = directories::BaseDirs::new()
        .ok_or("there is no home folder: give a folder with --project")?;
    Ok(if usual.is_empty() { base.home_dir().to_owned() } else { base.home_dir().join(usual) })
}

/// goose's global settings folder.
pub(super) fn goose_settings() -> Result<PathBuf, String> {
    Ok(own("GOOSE_PATH_ROOT", "")?.join(".config/goose"))
}

/// The hook file of an agent: the user's, or a project's.
pub(super) fn file(agent: AgentKind, project: Option<&Path>) -> Result<PathBuf, String> {
    let plugin =
        |folder: PathBuf| folder.join(".agents/plugins").join(GANDER).join("hooks/hooks.json");
    Ok(match (agent, project) {
        // Not the shared settings file, because the command names a program on this machine.
        (AgentKind::ClaudeCode, Some(project)) => project.join(".claude/settings.local.json"),
        (AgentKind::ClaudeCode, None) => own("CLAUDE_CONFIG_DIR", ".claude")?.join("settings.json"),
        (AgentKind::Goose, Some(project)) => plugin(project.to_owned()),
        (AgentKind::Goose, None) => plugin(own("GOOSE_PATH_ROOT", "")?),
        (AgentKind::Codex, Some(project)) => project.join(".codex/hooks.json"),
        (AgentKind::Codex, None) => own("CODEX_HOME", ".codex")?.join("hooks.json"),
    })
}

/// The folder of goose's plugin, from the path of its hook file.
pub(super) fn plugin(hooks: &Path) -> &Path {
    hooks.ancestors().nth(2).unwrap_or(hooks)
}

/// The manifest goose expects of a plugin.
pub(super) const MANIFEST: &str = "{\n  \"name\": \"gander\",\n  \"version\": \"1.0.0\",\n  \
    \"description\": \"Stops each tool call until a person has answered\"\n\
    }\n";

/// The manifest's path, for an agent that expects a manifest.
pub(super) fn manifest(agent: AgentKind, hooks: &Path) -> Option<PathBuf> {
    (agent == AgentKind::Goose).then(|| plugin(hooks).join("plugin.json"))
}

/// The events with a gate. Claude Code's `PermissionRequest` is left out: every call passes
/// `PreToolUse` first, and a missing or killed hook would not deny in `PermissionRequest`.
const fn events(agent: AgentKind) -> &'static [&'static str] {
    match agent {
        AgentKind::ClaudeCode | AgentKind::Goose => &["PreToolUse"],
        AgentKind::Codex => &["PreToolUse", "PermissionRequest"],
    }
}

/// What the person chooses at the installation: written into the hook's command as absolute paths,
/// because an agent, or a repository with settings for the agent, controls the hook's environment.
#[derive(Debug, Clone, Default)]
pub(super) struct Pinned {
    /// The person's configuration, beside which the rules are. The file may be missing.
    pub(super) config: Option<PathBuf>,
    /// The store.
    pub(super) store: Option<PathBuf>,
    /// The folder that the agent works in, if the gate is installed for one folder.
    pub(super) root: Option<PathBuf>,
}

/// The command that an agent runs before each tool call.
pub(super) fn command(
    agent: AgentKind,
    program: &Path,
    pinned: &Pinned,
    transport: &Transport,
    timeout: u64,
) -> String {
    let mut words = vec![
        program.to_string_lossy().into_owned(),
        "gate".into(),
        agent.name().into(),
        "--timeout".into(),
        format!("{timeout}s"),
    ];
    let flags =
        [("--config", &pinned.config), ("--store", &pinned.store), ("--root", &pinned.root)];
    for (flag, path) in flags {
        if let Some(path) = path {
            words.push(flag.into());
            words.push(
                std::path::absolute(path)
                    .unwrap_or_else(|_| path.clone())
                    .to_string_lossy()
                    .into_owned(),
            );
        }
    }
    words.extend(transport.words());
    let run = words.iter().map(|word| quote_if_needed(word)).collect::<Vec<_>>().join(" ");
    // Every ending other than a yes is a denial. After status 2 the gate has already printed a
    // message, so no second message follows.
    let line = format!("{run} || {{ [ $? -eq 2 ] || echo {} >&2; exit 2; }}", quote(MISSING));
    // Codex runs hooks with the user's own shell, which may not be a POSIX shell.
    if agent == AgentKind::Codex { format!("/bin/sh -c {}", quote(&line)) } else { line }
}

pub(super) fn quote_if_needed(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-:".contains(c));
    if plain && !word.is_empty() { word.to_owned() } else { quote(word) }
}

/// A hook file's entry for one event. Fields are written in the order of declaration.
#[derive(Debug, Serialize)]
struct Group<'a> {
    matcher: &'static str,
    hooks: [Hook<'a>; 1],
}

#[derive(Debug, Serialize)]
struct Hook<'a> {
    r#type: &'static str,
    command: &'a str,
    timeout: u64,
    #[serde(rename = "onFailure", skip_serializing_if = "Option::is_none")]
    on_failure_of_claude: Option<&'static str>,
    #[serde(rename = "on_failure", skip_serializing_if = "Option::is_none")]
    on_failure_of_goose: Option<&'static str>,
}

fn group(agent: AgentKind, command: &str, timeout: u64) -> Group<'_> {
    let blocks = |of: AgentKind| (agent == of).then_some("block");
    let hook = Hook {
        r#type: "command",
        command,
        timeout: timeout + HOOK_MARGIN,
        on_failure_of_claude: blocks(AgentKind::ClaudeCode),
        on_failure_of_goose: blocks(AgentKind::Goose),
    };
    Group { matcher: if agent == AgentKind::ClaudeCode { "*" } else { ".*" }, hooks: [hook] }
}

/// Positions of the gate's hooks in an event's groups: index of the group, index of the hook in the
/// group.
type Places = Vec<(usize, usize)>;

/// The hooks of a group.
fn hooks_of(file: &Json, group: &JsonPart) -> Option<(ByteRange, Vec<JsonPart>)> {
    let hooks = file.get(&group.value, "hooks")?;
    let parts = file.items(&hooks)?;
    Some((hooks, parts))
}

/// Whether a hook's command runs the gate, and not another program with similar arguments.
fn is_gates(agent: AgentKind, command: &str) -> bool {
    let Some((before, _)) = command.split_once(&format!(" gate {} --timeout ", agent.name()))
    else {
        return false;
    };
    let program = before
        .trim_end_matches(['\'', '"', '\\'])
        .rsplit(['/', ' ', '\'', '"'])
        .next()
        .unwrap_or_default();
    let own = std::env::current_exe().ok();
    let own = own.as_deref().and_then(Path::file_name).and_then(std::ffi::OsStr::to_str);
    program == GANDER || Some(program) == own
}

/// The positions of the gate's hooks.
fn gate_hooks(agent: AgentKind, file: &Json, groups: &[JsonPart]) -> Places {
    let is_ours = |hook: &JsonPart| {
        let command = file
            .get(&hook.value, "command")
            .and_then(|command| file.as_text(&command))
            .unwrap_or_default();
        is_gates(agent, &command)
    };
    let of_group = |(at, group): (usize, &JsonPart)| {
        let hooks = hooks_of(file, group).map(|(_, hooks)| hooks).unwrap_or_default();
        let places: Places =
            (0..hooks.len()).filter(|hook| is_ours(&hooks[*hook])).map(|hook| (at, hook)).collect();
        places
    };
    groups.iter().enumerate().flat_map(of_group).collect()
}

/// The groups of an event.
fn groups_of(file: &Json, event: &str) -> Option<(ByteRange, Vec<JsonPart>)> {
    let groups = file.get(&file.get(&file.whole(), "hooks")?, event)?;
    let parts = file.items(&groups)?;
    Some((groups, parts))
}

/// The gate's command in an agent's hook file; `None` if the gate is missing or does not see every
/// call.
pub(super) fn installed(agent: AgentKind, text: &str) -> Option<String> {
    let file = Json::read(text).ok()?;
    let command = |event: &&str| {
        let (_, groups) = groups_of(&file, event)?;
        let field = |part: &JsonPart, name: &str| {
            file.get(&part.value, name).and_then(|value| file.as_text(&value))
        };
        let stops = |(group, hook): &(usize, usize)| {
            let (_, hooks) = hooks_of(&file, &groups[*group])?;
            let every = field(&groups[*group], "matcher")
                .is_none_or(|matcher| ["", "*", ".*"].contains(&matcher.as_str()));
            let runs = field(&hooks[*hook], "type").as_deref() == Some("command");
            if every && runs { field(&hooks[*hook], "command") } else { None }
        };
        gate_hooks(agent, &file, &groups).iter().find_map(stops)
    };
    events(agent).iter().map(command).collect::<Option<Vec<_>>>()?.pop()
}

/// The file's text with the gate added.
///
/// # Errors
/// The file does not have the structure in the agent's documentation.
pub(super) fn with_gate(
    agent: AgentKind,
    before: Option<&str>,
    command: &str,
    timeout: u64,
) -> Result<String, String> {
    let mut file = Json::read(before.filter(|text| !text.trim().is_empty()).unwrap_or(EMPTY))?;
    file.names_each_once(&file.whole())?;
    if let Some(hooks) = file.get(&file.whole(), "hooks") {
        file.names_each_once(&hooks)?;
    }
    if file.fields(&file.whole()).ok_or("it is not an object")?.is_empty() {
        file = Json::read(EMPTY)?;
    }
    let mine = group(agent, command, timeout);
    for event in events(agent) {
        let whole = file.whole();
        let Some(hooks) = file.get(&whole, "hooks") else {
            let fields = file.fields(&whole).unwrap_or_default();
            file.append_part(&whole, &fields, Some("hooks"), &BTreeMap::from([(event, [&mine])]));
            continue;
        };
        let fields = file.fields(&hooks).ok_or("its hooks are not an object")?;
        if file.get(&hooks, event).is_none() {
            file.append_part(&hooks, &fields, Some(event), &[&mine]);
            continue;
        }
        let (list, groups) = groups_of(&file, event)
            .ok_or_else(|| format!("its hooks of {event} are not a list"))?;
        // A group with only the gate's hook is replaced in place; further copies are removed.
        let found = gate_hooks(agent, &file, &groups);
        let alone = found.iter().find(|(at, _)| {
            hooks_of(&file, &groups[*at]).is_some_and(|(_, hooks)| hooks.len() == 1)
        });
        let Some((stood, _)) = alone.copied() else {
            remove_gate_hooks(agent, &mut file, event, None);
            let (list, groups) = groups_of(&file, event).unwrap_or((list, groups));
            file.append_part(&list, &groups, None, &mine);
            continue;
        };
        file.exchange(&groups[stood].value, &mine);
        remove_gate_hooks(agent, &mut file, event, Some(stood));
    }
    Ok(file.into_text())
}

/// The file's text without the gate, all other bytes unchanged; `None` if nothing is left.
///
/// # Errors
/// The file does not have the structure in the agent's documentation.
pub(super) fn without_gate(agent: AgentKind, before: &str) -> Result<Option<String>, String> {
    let mut file = Json::read(before)?;
    let all = |file: &Json| {
        file.get(&file.whole(), "hooks").and_then(|hooks| file.fields(&hooks)).unwrap_or_default()
    };
    for event in all(&file) {
        if !remove_gate_hooks(agent, &mut file, &event.name, None) {
            continue;
        }
        // Also removes the containers that are now empty.
        let is_empty = groups_of(&file, &event.name).is_some_and(|(_, groups)| groups.is_empty());
        let Some(hooks) = file.get(&file.whole(), "hooks").filter(|_| is_empty) else { continue };
        cut(&mut file, &hooks, &event.name);
        if all(&file).is_empty() {
            let whole = file.whole();
            cut(&mut file, &whole, "hooks");
        }
    }
    let is_empty =
        before != file.text() && file.fields(&file.whole()).is_some_and(|fields| fields.is_empty());
    Ok((!is_empty).then(|| file.into_text()))
}

/// Removes a field from an object.
fn cut(file: &mut Json, object: &ByteRange, name: &str) {
    let fields = file.fields(object).unwrap_or_default();
    if let Some(at) = fields.iter().position(|field| field.name == name) {
        file.take_out(object, &fields, at);
    }
}

/// Removes the gate's hooks from an event's groups, and groups left empty, except in group `but`.
/// Returns whether a hook was removed.
fn remove_gate_hooks(agent: AgentKind, file: &mut Json, event: &str, but: Option<usize>) -> bool {
    let mut found = false;
    // From last to first, so that earlier positions stay valid.
    while let Some((list, groups)) = groups_of(file, event) {
        let Some((at, hook)) =
            gate_hooks(agent, file, &groups).into_iter().rfind(|(at, _)| Some(*at) != but)
        else {
            break;
        };
        let Some((hooks, parts)) = hooks_of(file, &groups[at]) else { break };
        if parts.len() > 1 {
            file.take_out(&hooks, &parts, hook);
        } else {
            file.take_out(&list, &groups, at);
        }
        found = true;
    }
    found
}
