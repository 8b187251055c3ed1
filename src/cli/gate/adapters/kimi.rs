//! Moonshot's Kimi Code CLI.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use toml_edit::{Document, Item, Table};

use super::vocabulary::{self, APPENDED, FOLDER, SHELL, Servers, Tool};
use super::{Adapter, claude_sample, permission_decision, user_folder};
use crate::cli::gate::bypass::{Bypass, settings};
use crate::cli::gate::command::{HookCommand, runs_gate_of};
use crate::cli::gate::contract::{Contract, Decides, Evidence, Fate, Start};
use crate::cli::gate::hook::{Fields, HookAnswer, HookEvent, HookOutput, Told};
use crate::cli::gate::hook_file::{Found, HookFile};
use crate::presentation::text;

const NAME: &str = "kimi";

const EVENT: &str = "PreToolUse";

/// Kimi's own names are mostly those of Claude Code.
const TOOLS: &[Tool] = &[
    Tool("Bash", SHELL, &[("cwd", FOLDER)]),
    Tool("Write", "Write", &[]),
    Tool("Edit", "Edit", &[]),
    Tool("Read", "Read", &[]),
    Tool("ReadMediaFile", "Read", &[]),
    Tool("Glob", "Glob", &[]),
    Tool("Grep", "Grep", &[]),
    Tool("FetchURL", "WebFetch", &[]),
    Tool("WebSearch", "WebSearch", &[]),
    Tool("Agent", "Agent", &[]),
    Tool("AskUserQuestion", "AskUserQuestion", &[]),
    Tool("Skill", "Skill", &[]),
    Tool("EnterPlanMode", "EnterPlanMode", &[]),
    Tool("ExitPlanMode", "ExitPlanMode", &[]),
    Tool("TodoList", "TodoWrite", &[]),
    Tool("TaskList", "TaskList", &[]),
    Tool("TaskOutput", "TaskOutput", &[]),
    Tool("TaskStop", "TaskStop", &[]),
];
/// A text that is written behind the file's own.
const APPEND: &[Tool] = &[Tool("Write", "Write", &[("content", APPENDED)])];

/// Kimi's longest limit for a hook is 600 s, and the hook's own is 30 s longer than the gate's.
const LONGEST: Duration = Duration::from_secs(570);
/// Kimi's longest limit for a hook, in seconds.
const LONGEST_LIMIT: i64 = 600;

/// Kimi's events, and the fields of a hook: any other voids all hooks.
const EVENTS: [&str; 20] = [
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "PermissionRequest",
    "PermissionResult",
    "UserPromptSubmit",
    "UserPromptQueued",
    "TurnStarted",
    "Stop",
    "StopFailure",
    "Interrupt",
    "SessionStart",
    "SessionEnd",
    "SessionHeartbeat",
    "SubagentStart",
    "SubagentStop",
    "TaskStarted",
    "PreCompact",
    "PostCompact",
    "Notification",
];
const FIELDS: [&str; 4] = ["event", "matcher", "command", "timeout"];

/// Kimi takes everything but a denial for no objection.
static CONTRACT: Contract = Contract {
    evidence: Evidence::Ran("2.1.0"),
    start: Start::Shell,
    decides: Some(Decides {
        at: "/hookSpecificOutput/permissionDecision",
        yes: "allow",
        no: "deny",
    }),
    output_first: false,
    empty: Fate::Runs,
    garbage: Fate::Runs,
    silent: Fate::Denies,
    failed: Fate::Runs,
    killed: Fate::Runs,
    late: Fate::Runs,
    usual_limit: Some(Duration::from_secs(30)),
    longest_limit: Some(Duration::from_mins(10)),
    holes: &[
        "a hook in the file that is not valid: Kimi then runs none",
        "commands that the person types with !",
    ],
};

#[derive(Debug)]
pub(super) struct Kimi;

/// The tables `[[hooks]]` of the configuration.
struct Tables;

fn read(text: &str) -> Result<Document<&str>, String> {
    Document::parse(text).map_err(|error| error.to_string())
}

fn text_of<'a>(hook: &'a Table, name: &str) -> Option<&'a str> {
    hook.get(name).and_then(Item::as_str)
}

/// The gate's tables.
fn ours<'a>(file: &'a Document<&str>) -> Vec<&'a Table> {
    let tables = file.get("hooks").and_then(Item::as_array_of_tables);
    let is_ours =
        |hook: &&Table| text_of(hook, "command").is_some_and(|command| runs_gate_of(NAME, command));
    tables.into_iter().flatten().filter(is_ours).collect()
}

/// The bytes of a table with its lines, and with the line that sets it apart.
fn block(text: &str, table: &Table) -> Option<Range<usize>> {
    let start = table.span()?.start;
    let ends = table.iter().filter_map(|(_, item)| Some(item.span()?.end));
    let end = ends.max().unwrap_or(table.span()?.end);
    let (before, after) = (&text[..start], &text[end..]);
    // A file whose last line had no end was given one before the table.
    let (start, end) = match after.find('\n') {
        Some(line) if before.ends_with("\n\n") => (start - 1, end + line + 1),
        Some(line) => (start, end + line + 1),
        None => (start.saturating_sub(1), text.len()),
    };
    Some(start..end)
}

/// A value as TOML.
fn written(value: impl Into<toml_edit::Value>) -> String {
    value.into().to_string().trim().to_owned()
}

impl Tables {
    /// The file with another command and limit in the gate's only table, if that is as it was
    /// written.
    fn exchanged(text: &str, command: &str, limit: &str) -> Option<String> {
        let file = read(text).ok()?;
        let [table] = ours(&file)[..] else { return None };
        let place = |name: &str| table.get(name).and_then(Item::span);
        let (command_at, limit_at) = (place("command")?, place("timeout")?);
        if text_of(table, "event") != Some(EVENT) || table.contains_key("matcher") {
            return None;
        }
        let mut text = text.to_owned();
        let mut places = [(command_at, command), (limit_at, limit)];
        // From last to first, so that earlier positions stay valid.
        places.sort_by_key(|(at, _)| std::cmp::Reverse(at.start));
        for (at, value) in places {
            text.replace_range(at, value);
        }
        Some(text)
    }
}

impl HookFile for Tables {
    fn with_gate(&self, before: Option<&str>, hook: &HookCommand) -> Result<String, String> {
        let before = before.unwrap_or_default();
        read(before)?;
        let (command, limit) = (written(hook.line.as_str()), hook.limit.to_string());
        let changed = Self::exchanged(before, &command, &limit);
        let new = changed.map_or_else(
            || {
                let rest = self.without_gate(before)?.unwrap_or_default();
                let gap = if rest.is_empty() { "" } else { "\n" };
                let end = if rest.is_empty() || rest.ends_with('\n') { "\n" } else { "" };
                Ok::<_, String>(format!(
                    "{rest}{gap}[[hooks]]\nevent = \"{EVENT}\"\ncommand = {command}\n\
                     timeout = {limit}{end}"
                ))
            },
            Ok,
        )?;
        if self.installed(&new).is_none() {
            return Err("its hooks are not tables: write each as [[hooks]]".into());
        }
        Ok(new)
    }

    fn without_gate(&self, before: &str) -> Result<Option<String>, String> {
        let mut text = before.to_owned();
        // From last to first, so that earlier positions stay valid.
        let file = read(before)?;
        for table in ours(&file).into_iter().rev() {
            let place = block(before, table).ok_or("the place of its hook is not known")?;
            text.replace_range(place, "");
        }
        Ok(Some(text).filter(|text| text == before || !text.trim().is_empty()))
    }

    fn installed(&self, text: &str) -> Option<Found> {
        let file = read(text).ok()?;
        let sees = |hook: &&Table| {
            let every = text_of(hook, "matcher").is_none_or(|it| ["", ".*"].contains(&it));
            every && text_of(hook, "event") == Some(EVENT)
        };
        let hook = ours(&file).into_iter().find(sees)?;
        let limit = hook.get("timeout").and_then(Item::as_integer);
        Some(Found {
            command: text_of(hook, "command")?.to_owned(),
            limit: limit.and_then(|limit| u64::try_from(limit).ok()?.checked_mul(1000)),
        })
    }
}

/// Why Kimi would ignore all hooks of a configuration.
fn is_void(text: &str) -> Option<String> {
    let file: toml::Table = match text.parse() {
        Ok(file) => file,
        // Kimi does not start.
        Err(_) => return None,
    };
    let hooks = file.get("hooks")?.as_array()?;
    hooks.iter().find_map(|hook| {
        let hook = hook.as_table()?;
        let is_text = |name: &str| hook.get(name).is_none_or(toml::Value::is_str);
        let event = hook.get("event").and_then(toml::Value::as_str).unwrap_or_default();
        if !EVENTS.contains(&event) {
            return Some(format!("Kimi does not know the event {event:?}"));
        }
        if let Some(name) = hook.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return Some(format!("Kimi does not know the field {name:?} of a hook"));
        }
        let timeout = hook.get("timeout").map(toml::Value::as_integer);
        if timeout.is_some_and(|it| it.is_none_or(|it| !(1..=LONGEST_LIMIT).contains(&it))) {
            return Some(format!("the timeout of a hook is not 1 to {LONGEST_LIMIT}"));
        }
        let has_command = hook.get("command").and_then(toml::Value::as_str) != Some("");
        (!is_text("matcher") || !is_text("command") || !has_command)
            .then(|| "a hook is not valid".to_owned())
    })
}

impl Adapter for Kimi {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Kimi Code CLI"
    }

    fn process(&self) -> &'static str {
        "kimi"
    }

    fn longest_wait(&self) -> Option<Duration> {
        Some(LONGEST)
    }

    fn hook_file(&self, project: Option<&Path>) -> Result<PathBuf, String> {
        if project.is_some() {
            return Err("Kimi has hooks only for everywhere: leave out --project".into());
        }
        Ok(user_folder("KIMI_CODE_HOME", ".kimi-code")?.join("config.toml"))
    }

    fn format(&self) -> &dyn HookFile {
        &Tables
    }

    fn check_enabled(&self, hooks: &Path, _: Option<&Path>) -> Result<(), Bypass> {
        let Some(why) = is_void(&settings(hooks)?) else { return Ok(()) };
        let why = format!("{why}, and then runs no hook at all: correct that first");
        Err(Bypass { file: hooks.to_owned(), why })
    }

    fn advice(&self, _: Option<&Path>) -> Option<&'static str> {
        Some(text::gate::agents::KIMI)
    }

    fn event(&self, name: &str) -> Option<HookEvent> {
        (name == EVENT).then_some(HookEvent::PreToolUse)
    }

    fn understand(&self, input: &Value) -> Result<Told, String> {
        let mut told = Fields::CLAUDE.read(NAME, input, |name| self.event(name))?;
        let mode = told.input.get("mode").and_then(Value::as_str);
        if told.tool == "Write" && mode == Some("append") {
            return Ok(vocabulary::translated(NAME, APPEND, Servers::Named, told));
        }
        if let (Value::Object(input), "Write") = (&mut told.input, told.tool.as_str()) {
            vocabulary::drop_usual(input, "mode", &"overwrite".into());
        }
        Ok(vocabulary::translated(NAME, TOOLS, Servers::Named, told))
    }

    /// Kimi takes no note. A yes leaves the next step to Kimi.
    fn say(&self, _: HookEvent, answer: HookAnswer) -> HookOutput {
        match answer.yes_or_no() {
            Ok(yes) => {
                let said = permission_decision("allow", &yes.words);
                HookOutput::json(json!({ "hookSpecificOutput": said }))
            }
            Err(words) => HookOutput::deny(words),
        }
    }

    fn contract(&self) -> &'static Contract {
        &CONTRACT
    }

    fn sample(&self, folder: &Path, command: &str) -> Value {
        claude_sample(EVENT, "Bash", folder, command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(limit: u64) -> HookCommand {
        let line = format!("gander gate kimi --timeout {}s || exit 2", limit - 30);
        HookCommand { line, limit, desk: None }
    }

    #[test]
    fn the_gates_table_is_put_in_and_taken_out_byte_by_byte() {
        for text in [
            "model = \"k2\" # mine\n\n[a]\nb = 1\n# end\n",
            "[a]\nb = 1",
            "[[hooks]]\nevent = \"Stop\"\ncommand = \"say\"\n\n[a.b]\nc = { d = 1 }\n",
            "a = 1\r\n[[hooks]]\r\nevent = \"Stop\"\r\ncommand = \"say\"\r\n",
        ] {
            let with = Tables.with_gate(Some(text), &hook(60)).unwrap();
            let found = Tables.installed(&with).unwrap();
            assert_eq!((found.command, found.limit), (hook(60).line, Some(60_000)), "{with}");
            let again = Tables.with_gate(Some(&with), &hook(600)).unwrap();
            assert_eq!(again.matches("gate kimi").count(), 1, "{again}");
            assert_eq!(is_void(&again), None);
            assert_eq!(Tables.without_gate(&again).unwrap().as_deref(), Some(text), "{again}");
        }
        let new = Tables.with_gate(None, &hook(60)).unwrap();
        assert_eq!(Tables.without_gate(&new), Ok(None), "{new}");
        assert!(Tables.with_gate(Some("hooks = []\n"), &hook(60)).is_err());
    }

    #[test]
    fn what_makes_kimi_ignore_all_hooks_is_found() {
        for (hook, is) in [
            ("event = \"Stop\"\ncommand = \"a\"\nmatcher = \"x\"\ntimeout = 600", false),
            ("event = \"Stop\"\ncommand = \"a\"\ntimeout = 601", true),
            ("event = \"Stop\"\ncommand = \"a\"\ntimeout = 1.5", true),
            ("event = \"Stop\"\ncommand = \"a\"\nname = \"b\"", true),
            ("event = \"Stop\"\ncommand = \"\"", true),
            ("event = \"BeforeTool\"\ncommand = \"a\"", true),
            ("command = \"a\"", true),
        ] {
            assert_eq!(is_void(&format!("[[hooks]]\n{hook}\n")).is_some(), is, "{hook}");
        }
    }
}
