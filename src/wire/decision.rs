//! A decision as those are told of it who wait for it or watch it.

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

/// A verdict in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// Yes.
    Approved,
    /// No.
    Rejected,
    /// One of the options.
    Chosen,
    /// A text.
    Answered,
}

/// What was answered. All of it is absent while nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// The answer: approved, rejected, chosen or answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Word>,
    /// Why it was rejected, withdrawn or refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The option that was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
    /// The text of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What was said beside an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Approved for as long as the agent's session lasts: the same needs no asking again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub for_session: bool,
}

impl Said {
    /// Why something is over that was not answered.
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

/// Where a decision stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// A person owes it an answer: `standing` says who, and what comes next.
    Pending,
    /// Put off until `until`; it comes back by itself. Do something else meanwhile.
    Deferred,
    /// Answered: `verdict` says how.
    Resolved,
    /// Taken back: `reason` says why.
    Withdrawn,
}

/// What policy made of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Terms {
    /// The risk that counts: yours, or higher.
    pub risk: Risk,
    /// Seconds from asking to the breach, by the store's clock.
    pub sla_seconds: u64,
    /// What happens when nobody answers.
    pub safe_default: SafeDefault,
}

/// How soon a person wants it decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Prioritized {
    /// So soon, whatever the question says.
    pub priority: Priority,
    /// Who said so.
    pub by: String,
}

/// How many people must approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approvals {
    /// So many, all different.
    pub needed: u32,
    /// So many have.
    pub given: u32,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Its number.
    #[schemars(range(min = 1))]
    pub id: i64,
    /// The version of its content, from 1. A verdict names the one that was seen, in `If-Match`.
    pub revision: u32,
    /// The log's position of the latest that happened to it.
    pub changed: u64,
    /// Where it stands.
    pub state: Phase,
    /// What was answered.
    #[serde(flatten)]
    pub said: Said,
    /// Who answered, or put it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Where the answer came from: discord, terminal, http, mcp; routing and safe_default are
    /// nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// When it came to this state.
    pub at: Moment,
    /// When it comes back, if it was put off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// When it was asked.
    pub asked_at: Moment,
    /// When its SLA is breached.
    pub breach_at: Moment,
    /// When the agent took the verdict. From then on it cannot be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<Moment>,
    /// What the agent said of how it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcomes>,
    /// What policy made of it.
    pub terms: Terms,
    /// How many people must approve it, where it is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    /// How soon a person wants it decided, where one said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prioritized: Option<Prioritized>,
    /// What people want decided and have yet to confirm on Discord: high and critical risk, with a
    /// token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposed: Vec<Proposed>,
    /// What happens while nobody answers. Only while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Escalation>,
    /// What was asked, in this revision.
    pub question: Question,
    /// The names of the files that go with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// What a person wants decided and has yet to confirm. It decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proposed {
    /// Who.
    pub by: String,
    /// When they said so.
    pub at: Moment,
    /// What.
    #[serde(flatten)]
    pub said: Said,
}

/// How it went when the agent acted on the verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcomes {
    /// Whether it worked.
    pub outcome: Outcome,
    /// In its words. May be empty.
    pub text: String,
    /// When it said so.
    pub at: Moment,
}

/// Who may answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitsFor {
    /// The owner of the bot's application.
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

/// A rung that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reached {
    /// Its sort: reminder, SLA warning, breach, overdue.
    pub stage: String,
    /// When.
    pub at: Moment,
}

/// The rung that comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Next {
    /// Its sort: reminder, SLA warning, breach, overdue.
    pub stage: String,
    /// When it is due.
    pub at: Moment,
    /// By what people will be reached: dm, mention, here, push, sms, voice, webhook, desktop.
    pub by: Vec<String>,
}

/// Somebody who could not be reached, or is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unreached {
    /// Who; absent: everybody in the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// By what it was tried.
    pub way: String,
    /// Why not.
    pub why: String,
}

/// What happens while nobody answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Escalation {
    /// All of this in words, as of now: what to tell a person who asks what is going on.
    pub words: String,
    /// When the SLA is breached.
    pub deadline: Moment,
    /// The highest rung so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<Reached>,
    /// The next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// Who may answer.
    pub waits_for: WaitsFor,
    /// Who said that they are on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_by: Option<String>,
    /// Who could not be reached at this rung, or is away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreachable: Vec<Unreached>,
    /// What holds if nobody answers; absent: it stays open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<SafeDefault>,
    /// When that will be, if every rung fires in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_at: Option<Moment>,
}

/// A page of decisions, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// The decisions.
    pub items: Vec<Decision>,
    /// What to give as `cursor` for the next page; absent: this is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// What waits for an answer, the most urgent first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attention {
    /// The decisions.
    pub items: Vec<Decision>,
    /// How many wait in all.
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
    /// A decision as it stands at `now` of the store's time. `waits_for` may answer it.
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
        // Keys are kept apart by asker; an asker knows its own without that.
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

    /// Whether an answer is still possible.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, Phase::Pending | Phase::Deferred)
    }
}
