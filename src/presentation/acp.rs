//! Questions of an agent behind the Agent Client Protocol: what a person reads before choosing
//! among the agent's own answers.

use crate::core::decision::{Agent, Choice, Detail, Expects, Insight, Request};
use crate::core::gate::ToolCall;
use crate::core::untrusted::{one_line, plain};
use crate::presentation::gate::{self, QuestionTerms};
use crate::presentation::text;

/// Longest question that is a card's title, in characters. A longer one is the card's text.
const LONGEST_TITLE: usize = 200;

/// What an agent told of its work before it asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Its last words.
    pub words: String,
    /// Its plan.
    pub plan: Vec<PlanStep>,
}

/// A step of an agent's plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanStep {
    /// What the agent wants to do.
    pub words: String,
    /// How far it is.
    pub status: StepStatus,
}

/// How far a step of a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Being done.
    InProgress,
    /// Done.
    Completed,
}

/// A question that an agent asks its person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentQuestion {
    /// The agent and its session.
    pub agent: Agent,
    /// The question.
    pub message: String,
    /// A word for the question.
    pub header: String,
    /// The options; none: the answer is a text.
    pub options: Vec<Choice>,
    /// What the agent told before.
    pub context: Context,
    /// The dedup key.
    pub key: String,
}

/// The decision request for a question of an agent.
#[must_use]
pub fn agent_question(asked: AgentQuestion, project: Option<String>) -> Request {
    let AgentQuestion { agent, message, header, options, context, key } = asked;
    let line = one_line(&message);
    let is_short = !line.is_empty() && line.chars().count() <= LONGEST_TITLE;
    let title = if is_short { line } else { text::acp::question(&header) };
    let is_whole = is_short && message.trim() == title;
    let usual = Request::default();
    Request {
        title,
        expects: if options.is_empty() { Expects::Answer } else { Expects::Choose },
        insight: Insight { observation: text::acp::context(&context), ..Insight::default() },
        body: if is_whole { String::new() } else { message },
        project: project.unwrap_or(usual.project),
        agent,
        options,
        dedup_key: Some(key),
        ..Request::default()
    }
}

/// The decision request for a call about which a person chooses one of the agent's own answers.
#[must_use]
pub fn choice_of_call(
    call: &ToolCall,
    options: Vec<Choice>,
    project: Option<String>,
    terms: QuestionTerms,
) -> Request {
    let asked = gate::permission(call, project, terms);
    // Another key than that of the question with yes or no: neither answers the other.
    let key = asked.dedup_key.as_ref().map(|key| format!("{key}{OPTIONS}"));
    let note = Detail { name: text::acp::ALWAYS.into(), value: text::acp::ALWAYS_NOTE.into() };
    let mut details = asked.details;
    details.push(note);
    Request { expects: Expects::Choose, options, dedup_key: key, details, ..asked }
}

/// End of the dedup key of a call with options.
const OPTIONS: &str = ":options";

/// The agent's name as cards show it.
#[must_use]
pub fn agent_name(name: &str) -> String {
    plain(&one_line(name), LONGEST_AGENT).text
}

/// Longest name of an agent, in characters.
const LONGEST_AGENT: usize = 60;
