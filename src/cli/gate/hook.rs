//! How agents describe a tool call to their hooks, and which answers they accept. Input that cannot
//! be parsed is an error, and the caller denies the call.

use std::path::PathBuf;

use serde_json::Value;

use super::adapters::{Agent, speaking};
use super::desk::{Notice, Prompt};
use super::environment::Environment;
use super::unique::Unique;
use super::{delegates, facts, root, runs};
use crate::core::decision::AgentCall;
use crate::core::gate::edits::{Before, Edit, FileChange};
use crate::core::gate::facts::{Facts, GitRepository};
use crate::core::gate::{ToolCall, lifecycle, questions};
use crate::disk;
use crate::presentation::text;

/// Most input accepted, in bytes: no person could judge a longer tool call.
const LONGEST: usize = 1 << 20;
/// Most input accepted of a gate that also hears what became of calls, in bytes: such a notice
/// contains what the call printed.
const LONGEST_NOTICE: usize = 16 << 20;
/// Largest file read for the diff, in bytes.
const LONGEST_FILE: u64 = 1 << 20;

/// The moment at which an agent calls its hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HookEvent {
    /// Before each tool call.
    PreToolUse,
    /// When the agent is about to ask its user.
    PermissionRequest,
    /// When an MCP server asks the agent's user.
    Elicitation,
}

/// A hook's input: the event and the tool call.
#[derive(Debug)]
pub(super) struct HookInput {
    /// The agent that called the hook, which need not be the one for which it was installed.
    pub(super) agent: Agent,
    pub(super) event: HookEvent,
    pub(super) call: ToolCall,
    /// What the agent said.
    pub(super) said: Value,
    /// The call in the agent's own words.
    pub(super) named: AgentCall,
    /// The agent's own prompt about it.
    pub(super) prompt: Prompt,
}

/// What a hook is told.
#[derive(Debug)]
pub(super) enum Input {
    /// A call is to be judged.
    Call(Box<HookInput>),
    /// Something has happened since.
    Notice(Agent, Notice),
}

impl HookInput {
    /// Whether the agent runs the call with other arguments, if the hook says so.
    pub(super) fn takes_edits(&self) -> bool {
        let field = self.agent.changeable(self.event, &self.said);
        field.is_some_and(|field| self.said.get(field).is_some_and(Value::is_object))
    }

    /// The agent's own arguments with which it runs `call`; `None` for the call that it asked
    /// about.
    ///
    /// # Errors
    /// The agent would not run this very call, as text.
    pub(super) fn arguments_of(&self, call: &ToolCall) -> Result<Option<Value>, String> {
        if call.input == self.call.input {
            return Ok(None);
        }
        let other = || "the agent would run another call than the approved one".to_owned();
        let field = self.agent.changeable(self.event, &self.said).ok_or_else(other)?;
        let mut said = self.said.clone();
        let given = said.get_mut(field).and_then(Value::as_object_mut).ok_or_else(other)?;
        let known = call.input.as_object().ok_or_else(other)?;
        for (name, value) in known {
            // The agent may have other names for arguments; the text that changes has one name.
            if given.get(name) == self.call.input.get(name) && given.contains_key(name) {
                given.insert(name.clone(), value.clone());
            }
        }
        let arguments = said.get(field).cloned();
        // What the agent gets must read as exactly the approved call.
        let Told { event, tool, input, cwd, session } = self.agent.understand(&said)?;
        let reads = (event, tool, input, cwd, session);
        let approved = (
            self.event,
            call.tool.clone(),
            call.input.clone(),
            call.cwd.clone(),
            call.session.clone(),
        );
        if reads == approved { Ok(arguments) } else { Err(other()) }
    }
}

/// What an agent tells its hook.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) event: HookEvent,
    /// The tool, by the name that the rules know.
    pub(super) tool: String,
    pub(super) input: Value,
    /// The working directory. Absolute.
    pub(super) cwd: PathBuf,
    pub(super) session: Option<String>,
}

/// The names of the fields in a hook's input. Of several, the first that is there counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) event: &'static [&'static str],
    /// The event if no field names it.
    pub(super) unnamed_event: &'static str,
    pub(super) tool: &'static str,
    pub(super) input: &'static str,
    pub(super) cwd: &'static [&'static str],
    pub(super) session: &'static str,
}

impl Fields {
    /// Those of Claude Code, which most agents have taken over.
    pub(super) const CLAUDE: Self = Self {
        event: &["hook_event_name", "event"],
        unnamed_event: "",
        tool: "tool_name",
        input: "tool_input",
        cwd: &["cwd", "working_dir"],
        session: "session_id",
    };

    /// Reads a hook's input. `event`: the supported events by their names.
    ///
    /// # Errors
    /// What is missing, as text.
    pub(super) fn read(
        &self,
        agent: &str,
        input: &Value,
        event: impl Fn(&str) -> Option<HookEvent>,
    ) -> Result<Told, String> {
        let said = |names: &[&str]| names.iter().find_map(|name| input.get(name)?.as_str());
        let named = said(self.event).unwrap_or(self.unnamed_event);
        let event = event(named)
            .ok_or_else(|| format!("the gate does not support the hook {named:?} of {agent}"))?;
        let (tool, tool_input) = match event {
            HookEvent::Elicitation => (questions::ELICITATION, elicitation(input)),
            HookEvent::PreToolUse | HookEvent::PermissionRequest => {
                let tool = said(&[self.tool]).filter(|tool| !tool.trim().is_empty());
                let tool = tool.ok_or("the hook's input does not name the tool")?;
                (tool, input.get(self.input).cloned().unwrap_or(Value::Null))
            }
        };
        let cwd = said(self.cwd).map(PathBuf::from).filter(|cwd| cwd.is_absolute());
        let cwd = cwd.ok_or("the hook's input does not name the working directory")?;
        let session = said(&[self.session]).filter(|session| !session.trim().is_empty());
        Ok(Told {
            event,
            tool: tool.to_owned(),
            input: tool_input,
            cwd,
            session: session.map(str::to_owned),
        })
    }
}

/// What an MCP server asks, without what the agent tells every hook.
fn elicitation(input: &Value) -> Value {
    let mut fields = input.as_object().cloned().unwrap_or_default();
    fields.retain(|name, value| {
        questions::ELICITATION_FIELDS.contains(&name.as_str()) && !value.is_null()
    });
    Value::Object(fields)
}

/// The answer to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HookAnswer {
    /// The call may run. The note is the person's remark.
    Allow {
        words: String,
        note: Option<String>,
        /// The input to run with, if the agent must be told: as given for a tool that otherwise
        /// waits for the agent's own prompt.
        input: Option<Value>,
    },
    /// The call may run with these arguments of the agent's, and not with its own.
    AllowChanged { words: String, note: String, input: Value },
    /// A person has answered what the call asks: `input` is the call's input with the answers, or
    /// the content of an elicitation. `words` has the answers too.
    Answer { words: String, input: Value },
    /// The call may not run.
    Deny(String),
    /// Deferred: the agent may end, and asks again when resumed.
    Defer(String),
    /// The agent's own prompt decides. The words are for the person there.
    OwnPrompt(String),
}

/// A yes to an agent that knows only yes and no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Yes {
    pub(super) words: String,
    pub(super) note: Option<String>,
}

impl HookAnswer {
    /// The answer for an agent that knows only yes and no, with the words for a no. Answers go into
    /// the words of a no: the agent's tool, which would ask its user again, does not run.
    pub(super) fn yes_or_no(self) -> Result<Yes, String> {
        match self {
            Self::Allow { words, note, .. } => Ok(Yes { words, note }),
            Self::AllowChanged { note, .. } => Err(text::gate::not_handed_over(&note)),
            Self::Answer { words, .. }
            | Self::Deny(words)
            | Self::Defer(words)
            // Only an agent with a prompt that is certain gets this answer.
            | Self::OwnPrompt(words) => Err(words),
        }
    }
}

/// The process's output and exit code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HookOutput {
    pub(super) out: Option<Value>,
    pub(super) err: Option<String>,
    pub(super) code: u8,
}

/// The exit code that every agent takes as a hook's denial.
pub(super) const DENY_EXIT_CODE: u8 = 2;

impl HookOutput {
    /// No answer: the agent goes on by its own rules.
    pub(super) const NOTHING: Self = Self { out: None, err: None, code: 0 };

    /// An answer in JSON.
    pub(super) const fn json(out: Value) -> Self {
        Self { out: Some(out), err: None, code: 0 }
    }

    /// A denial by exit code, with the reason on standard error.
    pub(super) const fn deny(words: String) -> Self {
        Self { out: None, err: Some(words), code: DENY_EXIT_CODE }
    }

    /// A denial by exit code and in JSON: the agent reads one of them.
    pub(super) const fn deny_both(words: String, out: Value) -> Self {
        Self { out: Some(out), err: Some(words), code: DENY_EXIT_CODE }
    }
}

/// What the person who installed the gate has set.
#[derive(Debug, Default)]
pub(super) struct Installed {
    /// The folder that the agent works in.
    pub(super) root: Option<PathBuf>,
    /// Files of Gander: the store, the configuration, the gate's token.
    pub(super) own: Vec<PathBuf>,
    /// Whether the agent's own prompt may ask at the desk.
    pub(super) desk: bool,
}

impl Installed {
    /// Most input to read, in bytes.
    pub(super) const fn longest_input(&self) -> usize {
        if self.desk { LONGEST_NOTICE } else { LONGEST }
    }
}

/// Parses an agent's input to the hook.
///
/// # Errors
/// The problem with the input, as text.
pub(super) fn parse_input(
    agent: Agent,
    input: &[u8],
    installed: Installed,
) -> Result<Input, String> {
    let length = input.len();
    if length > installed.longest_input() {
        return Err(too_long());
    }
    let text =
        std::str::from_utf8(input).map_err(|_| "the hook's input is not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err("the hook's standard input is empty".into());
    }
    let Unique(input) = serde_json::from_str(text)
        .map_err(|error| format!("the hook's input is not JSON: {error}"))?;
    let agent = speaking(agent, &input);
    if let Some(notice) = agent.notice(&input).filter(|_| installed.desk) {
        return Ok(Input::Notice(agent, notice));
    }
    if length > LONGEST {
        return Err(too_long());
    }
    let said = input;
    let named = agent.name_call(&said);
    let Told { event, tool, input, cwd, session } = agent.understand(&said)?;
    let home = directories::BaseDirs::new().map(|base| base.home_dir().to_owned());
    let homes = facts::homes(home.as_deref());
    let mut call = ToolCall {
        agent: agent.name().to_owned(),
        session,
        tool,
        input,
        roots: root::roots(agent, installed.root.as_deref(), &homes),
        cwd,
        home,
        real: Vec::new(),
        poses_as_repository: false,
        own_prompt: agent.own_prompt(event),
        before: Before::Absent,
        facts: Facts::default(),
    };
    add_file_facts(&mut call, homes, installed.own);
    let prompt =
        if installed.desk { agent.prompt(event, &said, &call.roots) } else { Prompt::None };
    Ok(Input::Call(Box::new(HookInput { agent, event, call, said, named, prompt })))
}

fn too_long() -> String {
    format!(
        "the call is longer than {} KiB, more than a person can review: make smaller calls",
        LONGEST >> 10
    )
}

/// Adds facts only the file system knows: where links lead, which files are private, which
/// repository git would use, and the present content of the edited file.
pub(super) fn add_file_facts(call: &mut ToolCall, homes: Vec<PathBuf>, own: Vec<PathBuf>) {
    // Resolves paths as the agent wrote them, because `..` after a link leads elsewhere than its
    // text says. A path that cannot be resolved counts as outside (`/`).
    let mut real: Vec<PathBuf> = call
        .named_files()
        .iter()
        .map(|file| facts::really(&call.on_disk(file)).unwrap_or_else(|| "/".into()))
        .collect();
    real.extend(call.files().iter().filter_map(|file| facts::really(file)));
    call.real = real;
    call.poses_as_repository = call.cwd.join("HEAD").symlink_metadata().is_ok()
        && call.cwd.join(".git").symlink_metadata().is_err();
    let environment = Environment::here(&call.roots);
    let (misleads, mut shadowed) = (environment.misleads_git(), environment.shadowed(call));
    shadowed.extend(delegates::defined(call));
    call.facts = facts::look(call, homes, own);
    call.facts.shadowed = shadowed;
    if misleads {
        call.facts.git = GitRepository::Foreign;
    }
    call.facts.runs = runs::look(call);
    let changed = match call.edit() {
        Some(Edit { change: FileChange::Patch(_), .. }) => lifecycle::patched_manifest(call),
        edit => edit.map(|edit| edit.path),
    };
    // The agent's tool would follow a link too, so the diff shows the file that it leads to.
    let before = |file: String| match disk::read_own_text(&call.on_disk(&file), LONGEST_FILE) {
        Ok(text) => Before::Text(text),
        Err(error) if error.is_absence() => Before::Absent,
        Err(_) => Before::Unknown,
    };
    call.before = changed.map(before).unwrap_or_default();
}
