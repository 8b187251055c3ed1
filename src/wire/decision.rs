//! A decision as serialised to clients.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Moment, Question};
use crate::core::Time;
use crate::core::decision::{
    self, Outcome, Pending, Priority, Resolved, Risk, SafeDefault, State, Verdict,
};
use crate::core::ladder::{Came, Contact, Standing};
use crate::core::pace::Pace;
use crate::core::permission::WhoMay;
use crate::core::text;

/// A verdict in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Word {
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
pub struct Said {
    /// The verdict: approved, rejected, chosen or answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Word>,
    /// Why the decision was rejected, withdrawn or refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The chosen option.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
    /// The text of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The approver's note with an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Approved for the rest of the agent's session: do not ask for the same call again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub for_session: bool,
}

impl Said {
    /// Only a reason, for a question that ended without a verdict.
    #[must_use]
    pub fn reason(reason: &str) -> Self {
        Self { reason: Some(reason.to_owned()), ..Self::default() }
    }
}

impl From<Verdict> for Said {
    fn from(verdict: Verdict) -> Self {
        let said = Self::default();
        match verdict {
            Verdict::Approved { note, for_session } => {
                Self { verdict: Some(Word::Approved), note, for_session, ..said }
            }
            Verdict::Rejected { reason } => {
                Self { verdict: Some(Word::Rejected), reason: Some(reason), ..said }
            }
            Verdict::Chosen { option } => {
                Self { verdict: Some(Word::Chosen), option: Some(option), ..said }
            }
            Verdict::Answered { text } => {
                Self { verdict: Some(Word::Answered), answer: Some(text), ..said }
            }
        }
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
    pub said: Said,
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
    /// When the agent claimed the verdict. A claimed verdict cannot be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<Moment>,
    /// The outcome that the agent reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcomes>,
    /// The terms that policy set.
    pub terms: Terms,
    /// Progress of approvals, if more than one is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    /// The priority that a person set, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prioritized: Option<Prioritized>,
    /// Verdicts on high or critical risk, given with a token, that a person must still confirm on
    /// Discord.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposed: Vec<Proposed>,
    /// The escalation. Only while pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Escalation>,
    /// The question, in this revision.
    pub question: Question,
    /// Names of the attached files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// A verdict that a person must still confirm on Discord. Until then, nothing is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proposed {
    /// The person.
    pub by: String,
    /// When the verdict was proposed.
    pub at: Moment,
    /// The proposed verdict.
    #[serde(flatten)]
    pub said: Said,
}

/// The outcome of acting on a verdict, as the agent reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcomes {
    /// Whether it worked.
    pub outcome: Outcome,
    /// The agent's words. May be empty.
    pub text: String,
    /// When the agent reported.
    pub at: Moment,
}

/// The approvers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitsFor {
    /// Whether the owner of the bot's Discord application is an approver.
    pub owner: bool,
    /// Discord user ids.
    pub users: Vec<String>,
    /// Roles, by id or name.
    pub roles: Vec<String>,
}

impl From<&WhoMay> for WaitsFor {
    fn from(who: &WhoMay) -> Self {
        Self {
            owner: who.owner,
            users: who.users.iter().map(u64::to_string).collect(),
            roles: who.roles.clone(),
        }
    }
}

/// An escalation step that has been reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reached {
    /// The stage: reminder, SLA warning, breach, overdue.
    pub stage: String,
    /// When the step was reached.
    pub at: Moment,
}

/// The next escalation step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Next {
    /// The stage: reminder, SLA warning, breach, overdue.
    pub stage: String,
    /// When the step is due.
    pub at: Moment,
    /// The channels of the step: dm, mention, here, push, sms, voice, webhook, desktop.
    pub by: Vec<String>,
}

/// A person who could not be reached, or is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unreached {
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
    pub rung: Option<Reached>,
    /// The next escalation step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// The approvers.
    pub waits_for: WaitsFor,
    /// The person who has taken responsibility ("I'm on it").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_by: Option<String>,
    /// People who could not be reached at this step, or are away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreachable: Vec<Unreached>,
    /// The verdict if no person answers; absent: the decision stays open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<SafeDefault>,
    /// When the default takes effect, if every step fires in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_at: Option<Moment>,
}

/// A page of decisions, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
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

fn escalation(standing: &Standing, now: Time, pace: Pace) -> Escalation {
    let wall = |at| Moment(pace.wall_time(at));
    let unreached = |contact: &Contact| {
        let why = match &contact.came {
            Came::Failed { why } => why.clone(),
            Came::Away { until } => format!("away until {}", wall(*until)),
            Came::Held { until } => format!("quiet hours until {}", wall(*until)),
            Came::Reached => "reached".into(),
        };
        Unreached {
            who: contact.who.as_ref().map(|who| who.name.clone()),
            way: contact.way.word().into(),
            why,
        }
    };
    Escalation {
        words: text::standing(standing, now).join("; "),
        deadline: wall(standing.deadline),
        rung: standing
            .rung
            .as_ref()
            .map(|rung| Reached { stage: rung.stage.to_string(), at: wall(rung.at) }),
        next: standing.next.as_ref().map(|next| Next {
            stage: next.stage.to_string(),
            at: wall(next.at),
            by: next.by.iter().map(|way| way.word().into()).collect(),
        }),
        waits_for: WaitsFor::from(&standing.waits_for),
        taken_by: standing.taken_by.as_ref().map(|taken| taken.name.clone()),
        unreachable: standing.unreachable.iter().map(unreached).collect(),
        default: standing.in_the_end.as_ref().map(|end| end.default),
        default_at: standing.in_the_end.as_ref().map(|end| wall(end.at)),
    }
}

impl Decision {
    /// A decision as of `now` (store time). `waits_for`: the approvers. Times are converted to the
    /// wall clock.
    #[must_use]
    pub fn of(decision: &decision::Decision, waits_for: WhoMay, now: Time, pace: Pace) -> Self {
        let wall = |at| Moment(pace.wall_time(at));
        let standing =
            Standing::of(decision, waits_for).map(|standing| escalation(&standing, now, pace));
        let approvals = Approvals {
            needed: decision.approvals_needed(),
            given: u32::try_from(decision.state.votes().len()).unwrap_or(u32::MAX),
        };
        let proposed = |proposal: &decision::Proposal| Proposed {
            by: proposal.by.name.clone(),
            at: wall(proposal.at),
            said: Said::from(proposal.verdict.clone()),
        };
        let terms = &decision.terms;
        let mut question = Question::from(decision.request.clone());
        question.approvals_needed = question.approvals_needed.filter(|needed| *needed > 1);
        // Stored keys carry the asker's id as a prefix; show the asker's own key without the
        // prefix.
        if let (Some(key), Some(asker)) = (&mut question.dedup_key, &decision.request.asked_by)
            && let Some(plain) = key.strip_prefix(&format!("{}:", asker.id))
        {
            *key = plain.to_owned();
        }
        let stood = Self {
            id: decision.id.0,
            revision: decision.revision.0,
            changed: decision.changed,
            state: Phase::Pending,
            said: Said::default(),
            by: None,
            via: None,
            at: wall(decision.asked_at),
            until: None,
            asked_at: wall(decision.asked_at),
            breach_at: wall(decision.breach_at()),
            claimed_at: None,
            outcome: None,
            terms: Terms {
                risk: terms.risk,
                sla_seconds: terms.sla_seconds,
                safe_default: terms.safe_default,
            },
            approvals: Some(approvals).filter(|approvals| approvals.needed > 1),
            prioritized: decision
                .prioritized
                .as_ref()
                .map(|given| Prioritized { priority: given.priority, by: given.by.name.clone() }),
            proposed: decision.proposals().iter().map(proposed).collect(),
            standing,
            question,
            files: decision.request.attachments.iter().map(|file| file.name.clone()).collect(),
        };
        match &decision.state {
            State::Pending(Pending { .. }) => Self { at: wall(decision.since()), ..stood },
            State::Deferred { until, by, at, .. } => Self {
                state: Phase::Deferred,
                until: Some(wall(*until)),
                by: Some(by.name.clone()),
                at: wall(*at),
                ..stood
            },
            State::Resolved(resolved) => stood.resolved(resolved, pace),
            State::Withdrawn { reason, at } => {
                Self { state: Phase::Withdrawn, said: Said::reason(reason), at: wall(*at), ..stood }
            }
        }
    }

    fn resolved(self, resolved: &Resolved, pace: Pace) -> Self {
        let wall = |at| Moment(pace.wall_time(at));
        let outcome = resolved.reported.as_ref().map(|reported| Outcomes {
            outcome: reported.outcome,
            text: reported.text.clone(),
            at: wall(reported.at),
        });
        Self {
            state: Phase::Resolved,
            said: Said::from(resolved.verdict.clone()),
            by: Some(resolved.by.name.clone()),
            via: Some(resolved.via.word().to_owned()),
            at: wall(resolved.at),
            claimed_at: resolved.claimed_at.map(wall),
            outcome,
            ..self
        }
    }

    /// Whether a verdict is still possible.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, Phase::Pending | Phase::Deferred)
    }
}
