//! Which files an agent's hooks are kept in, and what stands there when it stops at the gate.

use std::path::{Path, PathBuf};

use super::AgentKind;
use super::json::Json;
use super::way::Way;
use crate::cli::Common;
use crate::core::gate::quote;

/// How much longer the agent waits for the gate than the gate for a person, in seconds: an answer that nobody has decided is
/// one, and an agent that gives up on its hook may go on without.
const AHEAD: u64 = 30;
/// Said where the gate was missing or killed. Codex takes an exit status of 2 for a denial only if something is said.
const MISSING: &str = "The gate of Gander did not answer, so this is denied. Tell the person who runs Gander.";

/// What the plugin is called that goose knows the gate by: its folder's name.
pub(super) const GANDER: &str = "gander";

/// A file, and what it shall hold; `None`: nothing, it is not there.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) file: PathBuf,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// The person's own folder, or where a variable says that something is kept in its place.
fn own(variable: &str, usual: &str) -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os(variable).filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(folder));
    }
    let base = directories::BaseDirs::new().ok_or("there is no home folder: name one with --project")?;
    Ok(if usual.is_empty() { base.home_dir().to_owned() } else { base.home_dir().join(usual) })
}

/// Where goose keeps what holds everywhere.
///
/// # Errors
/// There is no home folder.
pub(super) fn goose_settings() -> Result<PathBuf, String> {
    Ok(own("GOOSE_PATH_ROOT", "")?.join(".config/goose"))
}

/// The hook file of an agent: the person's own, or a project's.
///
/// # Errors
/// There is no home folder.
pub(super) fn file(agent: AgentKind, project: Option<&Path>) -> Result<PathBuf, String> {
    let plugin = |folder: PathBuf| folder.join(".agents/plugins").join(GANDER).join("hooks/hooks.json");
    Ok(match (agent, project) {
        // Not the one that is shared: it would name this machine's program to everybody.
        (AgentKind::ClaudeCode, Some(project)) => project.join(".claude/settings.local.json"),
        (AgentKind::ClaudeCode, None) => own("CLAUDE_CONFIG_DIR", ".claude")?.join("settings.json"),
        (AgentKind::Goose, Some(project)) => plugin(project.to_owned()),
        (AgentKind::Goose, None) => plugin(own("GOOSE_PATH_ROOT", "")?),
        (AgentKind::Codex, Some(project)) => project.join(".codex/hooks.json"),
        (AgentKind::Codex, None) => own("CODEX_HOME", ".codex")?.join("hooks.json"),
    })
}

/// The folder of goose's plugin.
pub(super) fn plugin(hooks: &Path) -> &Path {
    hooks.ancestors().nth(2).unwrap_or(hooks)
}

/// What goose wants to know of a plugin, beside its hooks.
pub(super) const MANIFEST: &str = "{\n  \"name\": \"gander\",\n  \"version\": \"1.0.0\",\n  \"description\": \"Stops before each tool call until a person has answered\"\n}\n";

/// Where that lies, for an agent that wants it.
pub(super) fn manifest(agent: AgentKind, hooks: &Path) -> Option<PathBuf> {
    (agent == AgentKind::Goose).then(|| plugin(hooks).join("plugin.json"))
}

/// The events at which an agent stops. Claude Code's `PermissionRequest` is not among them: every call passes `PreToolUse` before,
/// and a hook that is missing or killed would not deny there.
const fn events(agent: AgentKind) -> &'static [&'static str] {
    match agent {
        AgentKind::ClaudeCode | AgentKind::Goose => &["PreToolUse"],
        AgentKind::Codex => &["PreToolUse", "PermissionRequest"],
    }
}

/// The command that an agent runs before each tool call.
pub(super) fn command(agent: AgentKind, program: &Path, common: &Common, way: &Way, timeout: u64) -> String {
    let mut words =
        vec![program.to_string_lossy().into_owned(), "gate".into(), agent.name().into(), "--timeout".into(), format!("{timeout}s")];
    for (flag, path) in [("--config", &common.config), ("--store", &common.store)] {
        if let Some(path) = path {
            words.push(flag.into());
            words.push(std::path::absolute(path).unwrap_or_else(|_| path.clone()).to_string_lossy().into_owned());
        }
    }
    words.extend(way.words());
    let run = words.iter().map(|word| quote_if_needed(word)).collect::<Vec<_>>().join(" ");
    // Whatever ends it but a yes is a no; what it said itself is not said again.
    let line = format!("{run} || {{ [ $? -eq 2 ] || echo {} >&2; exit 2; }}", quote(MISSING));
    // Codex runs hooks with the person's own shell, which may be of another family.
    if agent == AgentKind::Codex { format!("/bin/sh -c {}", quote(&line)) } else { line }
}

pub(super) fn quote_if_needed(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-:".contains(c));
    if plain && !word.is_empty() { word.to_owned() } else { quote(word) }
}

fn group(agent: AgentKind, command: &str, timeout: u64) -> Json {
    let mut hook = vec![
        ("type".to_owned(), Json::text("command")),
        ("command".to_owned(), Json::text(command)),
        ("timeout".to_owned(), Json::Plain((timeout + AHEAD).into())),
    ];
    match agent {
        AgentKind::ClaudeCode => hook.push(("onFailure".to_owned(), Json::text("block"))),
        AgentKind::Goose => hook.push(("on_failure".to_owned(), Json::text("block"))),
        AgentKind::Codex => {}
    }
    let matcher = if agent == AgentKind::ClaudeCode { "*" } else { ".*" };
    Json::Object(vec![("matcher".into(), Json::text(matcher)), ("hooks".into(), Json::Array(vec![Json::Object(hook)]))])
}

/// Whether a hook is the gate's.
fn is_ours(agent: AgentKind, hook: &Json) -> bool {
    let command = hook.get("command").and_then(Json::as_text).unwrap_or_default();
    command.contains(&format!(" gate {} --timeout ", agent.name()))
}

/// The command by which an agent's hook file stops it at the gate; `None`: there is none, or not before every call.
pub(super) fn installed(agent: AgentKind, text: &str) -> Option<String> {
    let file = Json::read(text).ok()?;
    let command = |event: &&str| {
        let groups = file.get("hooks").and_then(|hooks| hooks.get(event)).map_or(&[][..], Json::items);
        let mut hooks = groups.iter().flat_map(|group| group.get("hooks").map_or(&[][..], Json::items));
        hooks.find(|hook| is_ours(agent, hook)).and_then(|hook| hook.get("command")?.as_text().map(ToOwned::to_owned))
    };
    events(agent).iter().map(command).collect::<Option<Vec<_>>>()?.pop()
}

/// The file's text with the gate in it.
///
/// # Errors
/// The file is not as the agent's documentation says.
pub(super) fn with_gate(agent: AgentKind, before: Option<&str>, command: &str, timeout: u64) -> Result<String, String> {
    let text = before.filter(|text| !text.trim().is_empty());
    let mut file = text.map_or_else(|| Ok(Json::Object(Vec::new())), Json::read)?;
    let hooks = file.field("hooks", Json::Object(Vec::new())).ok_or("it holds no object")?;
    for event in events(agent) {
        let groups = hooks.field(event, Json::Array(Vec::new())).ok_or("its hooks are no object")?;
        let Json::Array(groups) = groups else { return Err(format!("its hooks of {event} are no list")) };
        let mine = group(agent, command, timeout);
        // Where it stood it stands again, once.
        let stood = groups
            .iter()
            .position(|group| group.get("hooks").is_some_and(|hooks| hooks.items().iter().any(|hook| is_ours(agent, hook))));
        take_out(agent, groups);
        groups.insert(stood.unwrap_or(groups.len()).min(groups.len()), mine);
    }
    Ok(file.write(text.unwrap_or_default()))
}

/// The file's text without the gate; `None`: nothing is left of it.
///
/// # Errors
/// The file is not as the agent's documentation says.
pub(super) fn without_gate(agent: AgentKind, before: &str) -> Result<Option<String>, String> {
    let mut file = Json::read(before)?;
    let mut found = false;
    if let Json::Object(fields) = &mut file {
        for (_, hooks) in fields.iter_mut().filter(|(name, _)| name == "hooks") {
            let Json::Object(events) = hooks else { continue };
            let mut emptied = Vec::new();
            for (event, groups) in events.iter_mut() {
                let Json::Array(groups) = groups else { continue };
                if take_out(agent, groups) {
                    found = true;
                    emptied.extend(groups.is_empty().then(|| event.clone()));
                }
            }
            events.retain(|(event, _)| !emptied.contains(event));
        }
        fields.retain(|(name, value)| !(found && name == "hooks" && *value == Json::Object(Vec::new())));
    }
    if !found {
        return Ok(Some(before.to_owned()));
    }
    Ok((file != Json::Object(Vec::new())).then(|| file.write(before)))
}

/// Takes the gate's hooks out of groups, and the groups that are empty then. Whether there were any.
fn take_out(agent: AgentKind, groups: &mut Vec<Json>) -> bool {
    let mut found = false;
    groups.retain_mut(|group| {
        let Json::Object(fields) = group else { return true };
        let Some((_, Json::Array(hooks))) = fields.iter_mut().find(|(name, _)| name == "hooks") else { return true };
        let before = hooks.len();
        hooks.retain(|hook| !is_ours(agent, hook));
        found |= hooks.len() < before;
        hooks.len() == before || !hooks.is_empty()
    });
    found
}
