//! A decision as serialised to clients.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AskedQuestion, Attested, Changes, Grant, Moment, Outcome, Priority, Question, QuestionAnswer,
    Risk, SafeDefault, Script,
};

/// A verdict in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Word")]
pub enum VerdictKind {
    /// Approved.
    Approved,
    /// Rejected.
    Rejected,
    /// One of the options was chosen.
    Chosen,
    /// Answered with a text.
    Answered,
}

/// The verdict and its details. All fields are absent while the decision is open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Said")]
pub struct Resolution {
    /// The verdict: approved, rejected, chosen or answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<VerdictKind>,
    /// Why the decision was rejected, withdrawn or refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The chosen option.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
    /// The text of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The answers, if the decision has questions of an agent; `answer` has them as one text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<QuestionAnswer>,
    /// The approver's note with an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Approved for the rest of the agent's session: do not ask for the same call again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub for_session: bool,
    /// Of a tool call: the arguments with which a person approved it, in place of its own. The call
    /// must not run with others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<serde_json::Value>,
}

impl Resolution {
    /// Only a reason, for a question that ended without a verdict.
    #[must_use]
    pub fn reason(reason: &str) -> Self {
        Self { reason: Some(reason.to_owned()), ..Self::default() }
    }
}

/// The state of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Waits for a person: `standing` says for whom, and describes the next escalation step.
    Pending,
    /// Deferred until `until`, then pending again. Do something else meanwhile.
    Deferred,
    /// Answered: see `verdict`.
    Resolved,
    /// Withdrawn: see `reason`.
    Withdrawn,
}

/// The terms that policy set for a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Terms {
    /// The effective risk: as you gave, or higher.
    pub risk: Risk,
    /// Seconds from asking to the SLA breach, in store time.
    pub sla_seconds: u64,
    /// What happens if no person answers.
    pub safe_default: SafeDefault,
}

/// The priority that a person set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Prioritized {
    /// The priority; overrides the question's own.
    pub priority: Priority,
    /// The person.
    pub by: String,
}

/// Progress towards several required approvals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approvals {
    /// Approvals needed, each from a different person.
    pub needed: u32,
    /// Approvals given.
    pub given: u32,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The decision's number.
    #[schemars(range(min = 1))]
    pub id: i64,
    /// The version of the content, from 1. A verdict names the revision that was seen, in
    /// `If-Match`.
    pub revision: u32,
    /// The log position of the latest change.
    pub changed: u64,
    /// The state.
    pub state: Phase,
    /// The verdict.
    #[serde(flatten)]
    pub resolution: Resolution,
    /// The person who answered or deferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Where the verdict came from: discord, terminal, http, mcp, or, without a person, routing or
    /// safe_default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// When the decision entered this state.
    pub at: Moment,
    /// When a deferred decision becomes pending again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// When the question was asked.
    pub asked_at: Moment,
    /// When the SLA is breached.
    pub breach_at: Moment,
    /// When the agent claimed the verdict. A claimed verdict cannot be undone; an approval for the
    /// session can end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<Moment>,
    /// The outcome that the agent reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<ReportedOutcome>,
    /// The terms that policy set.
    pub terms: Terms,
    /// Progress of approvals, if more than one is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    /// The priority that a person set, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prioritized: Option<Prioritized>,
    /// The approval of later calls, also after its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
    /// The number of an earlier decision with this question that people rejected, took, deferred
    /// or took back: only people approve this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub asked_before: Option<i64>,
    /// Verdicts on high or critical risk, given with a token, that a person must still confirm on
    /// Discord.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposed: Vec<ProposedVerdict>,
    /// The escalation. Only while pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Escalation>,
    /// The question, in this revision.
    pub question: Question,
    /// The questions of an agent that asks its person. A choice or a text answers a lone question;
    /// several are answered together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<AskedQuestion>,
    /// Names of the attached files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Of a tool call at a gate: the files that the call runs, as they were found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<Script>,
    /// Of a tool call at a gate: what changed after an approval, before the call ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
    /// Of a tool call at a gate with a verdict: what the verdict vouches for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attested: Option<Attested>,
}

/// A verdict that a person must still confirm on Discord. Until then, nothing is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Proposed")]
pub struct ProposedVerdict {
    /// The person.
    pub by: String,
    /// When the verdict was proposed.
    pub at: Moment,
    /// The proposed verdict.
    #[serde(flatten)]
    pub resolution: Resolution,
}

/// The outcome of acting on a verdict, as the agent reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Outcomes")]
pub struct ReportedOutcome {
    /// Whether it worked.
    pub outcome: Outcome,
    /// The agent's words. May be empty.
    pub text: String,
    /// When the agent reported.
    pub at: Moment,
}

/// The approvers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WaitsFor")]
pub struct ApproverList {
    /// Whether the owner of the bot's Discord application is an approver.
    pub owner: bool,
    /// Discord user ids.
    pub users: Vec<String>,
    /// Roles, by id or name.
    pub roles: Vec<String>,
}

/// An escalation step that has been reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Reached")]
pub struct FiredStep {
    /// The stage: reminder, SLA warning, breach, overdue.
    pub stage: String,
    /// When the step was reached.
    pub at: Moment,
}

/// The next escalation step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Next")]
pub struct UpcomingStep {
    /// The stage: reminder, SLA warning, breach, overdue.
    pub stage: String,
    /// When the step is due.
    pub at: Moment,
    /// The channels of the step: dm, mention, here, push, sms, voice, webhook, desktop.
    pub by: Vec<String>,
}

/// A person who could not be reached, or is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Unreached")]
pub struct UnreachedPerson {
    /// The person; absent: everybody in the Discord channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// The channel that was tried.
    pub way: String,
    /// Why the attempt failed.
    pub why: String,
}

/// What happens until a person answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Escalation {
    /// A summary in words, as of now, to show to a person who asks about the state.
    pub words: String,
    /// When the SLA is breached.
    pub deadline: Moment,
    /// The highest escalation step so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<FiredStep>,
    /// The next escalation step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<UpcomingStep>,
    /// The approvers.
    pub waits_for: ApproverList,
    /// The person who has taken responsibility ("I'm on it").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_by: Option<String>,
    /// People who could not be reached at this step, or are away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreachable: Vec<UnreachedPerson>,
    /// The verdict if no person answers; absent: the decision stays open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<SafeDefault>,
    /// When the default takes effect, if every step fires in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_at: Option<Moment>,
}

/// A page of decisions, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Page")]
pub struct DecisionPage {
    /// The decisions.
    pub items: Vec<Decision>,
    /// Pass this as `cursor` for the next page; absent: this is the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Decisions that wait for an answer, most urgent first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attention {
    /// The decisions.
    pub items: Vec<Decision>,
    /// Number of waiting decisions on all pages.
    pub count: usize,
}

impl Decision {
    /// Whether a verdict is still possible.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, Phase::Pending | Phase::Deferred)
    }
}
