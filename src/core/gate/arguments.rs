//! The arguments of a call beside its command: which of them introduce the call, and which make
//! the call do more than the command says.
//!
//! Every argument is shown. An argument that is unknown here counts as one that makes the call do
//! more: an agent's next version may have an argument that leaves its sandbox.

use serde_json::{Map, Value};

use super::ToolCall;
use super::pattern::plain_path;
use crate::core::decision::Risk;

/// Arguments that say how long the agent waits and how much it reads: numbers.
const LIMITS: [&str; 5] =
    ["timeout", "timeout_ms", "timeout_secs", "yield_time_ms", "max_output_tokens"];
/// Arguments in which an agent words what the command is for.
const WORDS: [&str; 2] = ["description", "justification"];
/// The agent that asks in the words beside a command for access to a host, and to leave its
/// sandbox. Other agents' words have no effect.
const ASKS_IN_WORDS: &str = "codex";
/// Agents whose words beside a command have no effect.
const WORDS_ONLY: [&str; 2] = ["claude-code", "goose"];
/// Words that ask for access to a host, for an agent that is not known.
const ASKING: [&str; 2] = ["network-access", "://"];
/// Arguments that grant nothing when they are false.
const NOTHING_WHEN_FALSE: [&str; 7] = [
    "run_in_background",
    "is_background",
    "background",
    "dangerouslyDisableSandbox",
    "with_escalated_permissions",
    "tty",
    "replace_all",
];
/// Arguments that name the working directory.
const DIRECTORY: [&str; 2] = ["workdir", "cwd"];
/// The tool with which Claude Code ends its planning, in small letters.
const EXIT_PLAN: &str = "exitplanmode";

/// Why a call needs a person, whatever the rules say about its tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Widening {
    /// A plan is to be approved, and the call does not contain the plan.
    NoPlan,
    /// With the plan, the agent asks for permissions.
    PlanGrants,
}

impl Widening {
    /// Least risk of a wrong answer.
    pub(super) const RISK: Risk = Risk::High;
}

impl ToolCall {
    /// Arguments of a shell call that introduce the command: words, and how long the agent waits.
    /// Shown, but not part of the call's identity.
    #[must_use]
    pub fn introduction(&self) -> Map<String, Value> {
        let mut fields = self.fields_beside_command();
        let asks = self.agent.to_lowercase().contains(ASKS_IN_WORDS);
        let known = WORDS_ONLY.contains(&self.agent.as_str());
        fields.retain(|name, value| match value {
            Value::String(words) => {
                let words = words.to_lowercase();
                WORDS.contains(&name.as_str())
                    && !asks
                    && (known || !ASKING.iter().any(|asking| words.contains(asking)))
            }
            Value::Number(_) => LIMITS.contains(&name.as_str()),
            _ => false,
        });
        fields
    }

    /// All other arguments of a shell call beside its command. Shown, and part of the identity.
    #[must_use]
    pub fn extra_arguments(&self) -> Map<String, Value> {
        let introduction = self.introduction();
        let mut fields = self.fields_beside_command();
        fields.retain(|name, _| !introduction.contains_key(name));
        fields
    }

    /// Arguments that make the call do more than its command or diff says, among `fields`: another
    /// directory, environment variables, an exit from the sandbox.
    #[must_use]
    pub fn widening<'a>(&self, fields: &'a Map<String, Value>) -> Vec<(&'a String, &'a Value)> {
        let here = |value: &Value| {
            value.as_str().is_some_and(|folder| plain_path(folder, &self.cwd, None) == self.cwd)
        };
        let usual = |name: &str, value: &Value| match value {
            Value::Null => true,
            Value::Bool(false) => NOTHING_WHEN_FALSE.contains(&name),
            // The command is the same, wherever its output goes; every occurrence is in the diff.
            Value::Bool(true) => ["run_in_background", "replace_all"].contains(&name),
            value => DIRECTORY.contains(&name) && here(value),
        };
        fields.iter().filter(|(name, value)| !usual(name, value)).collect()
    }

    /// Whether a shell call has arguments that make it do more than its command says.
    #[must_use]
    pub fn widens(&self) -> bool {
        !self.widening(&self.extra_arguments()).is_empty()
    }

    /// Whether the call asks to carry out a plan.
    #[must_use]
    pub fn is_plan(&self) -> bool {
        let name = self.tool.rsplit("__").next().unwrap_or(&self.tool).replace('_', "");
        name.to_lowercase() == EXIT_PLAN
    }

    /// Whether a plan asks for more than a reader sees in the plan.
    pub(super) fn plan_widens(&self) -> Option<Widening> {
        if !self.is_plan() {
            return None;
        }
        let plan = self.input.get("plan").and_then(Value::as_str).unwrap_or_default();
        let grants = match self.input.get("allowedPrompts") {
            None | Some(Value::Null) => false,
            Some(Value::Array(prompts)) => !prompts.is_empty(),
            Some(_) => true,
        };
        match (plan.trim().is_empty(), grants) {
            (_, true) => Some(Widening::PlanGrants),
            (true, false) => Some(Widening::NoPlan),
            (false, false) => None,
        }
    }

    fn fields_beside_command(&self) -> Map<String, Value> {
        if self.command().is_none() {
            return Map::new();
        }
        let mut fields = self.input.as_object().cloned().unwrap_or_default();
        fields.retain(|name, _| self.command_field() != Some(name.as_str()));
        fields
    }
}
