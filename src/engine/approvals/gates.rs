//! Gate requests: the rules decide first, then a person. Every transport of a gate takes this path.
//!
//! The dedup key, the risk and the text shown to a person are computed here from the tool call, so
//! a caller cannot get an approval filed under another call. Facts known only on the agent's
//! machine (link targets, file contents) are taken from the gate. A gate lying about them gains
//! nothing: an approval covers only the exact call shown, at that risk or a lower one, and an
//! honest gate never makes such a call. Does not depend on where rules are stored or how an agent
//! is answered.

use crate::presentation::gate::{QuestionTerms, question};
use std::fmt::Debug;
use std::sync::Arc;

use super::access::{Access, AccessError};
use super::judging::NotJudged;
use crate::core::decision::session::SessionApproval;
use crate::core::decision::{
    Decision, DecisionId, DeskOutcome, Refused, Request, Revision, State, Verdict,
};
use crate::core::gate::rules::{GateRule, Minimum, Ruling, judge};
use crate::core::gate::{ToolCall, key_of_session};
use crate::core::policy::claims::{Claims, with_claims};
use crate::core::policy::desk::{DeskOffer, ask_at_desk};
use crate::core::policy::rules::project_name;
use crate::engine::{Handle, HandleError};
use crate::presentation::text;
use crate::store::Filter;

/// The storage of gate rules.
pub trait RuleSource: Send + Sync + Debug {
    /// The current rules.
    ///
    /// # Errors
    /// A message if the rules cannot be read; every call is then denied.
    fn rules(&self) -> Result<Vec<GateRule>, String>;
}

/// A tool call with the gate's parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct GateRequest {
    /// The call.
    pub call: ToolCall,
    /// The project to ask in. Absent: the caller's only project, or the default.
    pub project: Option<String>,
    /// Ask a person with at least these terms, even if the rules would allow the call.
    pub at_least: Option<Minimum>,
}

/// The result for a tool call.
#[derive(Debug, Clone, PartialEq)]
pub enum GateOutcome {
    /// The call may run. The text is for the agent.
    Allowed(String),
    /// The call may not run. The text is for the agent.
    Denied(String),
    /// A person decides, or has decided and the verdict is unclaimed: wait for this decision and
    /// claim the verdict.
    Asked(Box<Decision>),
}

/// How an earlier answer to a call applies to a repeated call.
#[derive(Debug, Clone, PartialEq)]
pub enum EarlierAnswer {
    /// The earlier approval covers this call. The text is for the agent.
    Covers(String),
    /// The verdict came after the earlier call had stopped waiting, so this call may claim it.
    Unclaimed(Box<Decision>),
    /// Not at all: ask a person, with this request.
    Ask(Box<Request>),
}

/// Where a person is asked about a call.
#[derive(Debug, Clone, PartialEq)]
pub enum GateQuestion {
    /// At the desk, by the agent's own prompt; quietly elsewhere.
    AtDesk(Box<Decision>),
    /// As every question: wait for this decision.
    Elsewhere(Box<Decision>),
}

/// The gate's answer to the agent, from the decision's current state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateReply {
    /// The call may run.
    Allow {
        /// Text for the agent.
        words: String,
        /// The person's note beside the approval.
        note: Option<String>,
    },
    /// The call may not run.
    Deny(String),
    /// Not now: a person has deferred the decision.
    Defer(String),
    /// No person has answered yet.
    Wait(String),
}

/// Answers the gates of agents.
#[derive(Debug, Clone, Copy)]
pub struct GateApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl GateApi<'_> {
    /// Checks whether an earlier answer applies to this request. `request` must be in stored form:
    /// project name and dedup key as the store keeps them.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn earlier_answer(self, request: Request) -> Result<EarlierAnswer, HandleError> {
        let filter = Filter {
            key: request.dedup_key.clone(),
            project: Some(request.project.clone()),
            limit: 1,
            ..Filter::default()
        };
        let Some(earlier) = self.handle.approvals().list(filter).await?.pop() else {
            return Ok(EarlierAnswer::Ask(Box::new(request)));
        };
        Ok(match earlier.reuse_for(&request) {
            SessionApproval::Covers => self.use_grant(earlier.id, request).await?,
            SessionApproval::Unclaimed => EarlierAnswer::Unclaimed(Box::new(earlier)),
            // New words for an open question are no new question.
            SessionApproval::Nothing if earlier.state.is_open() => {
                EarlierAnswer::Ask(Box::new(request.introduced_as(&earlier.request)))
            }
            SessionApproval::Nothing => EarlierAnswer::Ask(Box::new(request)),
        })
    }

    /// Asks a person about a call: at the desk if the agent offers to ask there (`offer`) and the
    /// rules allow it, else as every question. A question of a desk that was left is asked
    /// elsewhere.
    ///
    /// # Errors
    /// As [`crate::engine::ApprovalApi::ask`].
    pub async fn ask(
        self,
        request: Request,
        offer: Option<DeskOffer>,
    ) -> Result<GateQuestion, HandleError> {
        let (rules, now) = (self.handle.rules(), self.handle.now());
        let follow = move |decision: &Decision| {
            let offered = offer.and_then(|offer| ask_at_desk(&rules, decision, &offer, now).ok());
            offered.or_else(|| decision.leave_desk())
        };
        let asked = self.handle.approvals().ask_and(request, Box::new(follow)).await?;
        let decision = Box::new(asked.into_decision());
        Ok(match decision.at_desk() {
            Some(_) => GateQuestion::AtDesk(decision),
            None => GateQuestion::Elsewhere(decision),
        })
    }

    /// Asks people elsewhere, because the desk was left. Does nothing if they are asked already.
    ///
    /// # Errors
    /// [`HandleError::NoSuchDecision`], [`HandleError::Store`].
    pub async fn leave_desk(self, id: DecisionId) -> Result<Decision, HandleError> {
        self.handle.approvals().change(id, |decision| Ok(decision.leave_desk())).await
    }

    /// Closes a question whose prompt at the desk has ended. Does nothing if the question is over.
    ///
    /// # Errors
    /// [`HandleError::NoSuchDecision`], [`HandleError::Store`].
    pub async fn end_at_desk(
        self,
        id: DecisionId,
        outcome: DeskOutcome,
    ) -> Result<Decision, HandleError> {
        self.handle.approvals().change(id, move |decision| Ok(decision.end_at_desk(outcome))).await
    }

    /// The open questions of an agent's session that are or were at the desk.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn at_desk_of(
        self,
        agent: &str,
        session: &str,
    ) -> Result<Vec<Decision>, HandleError> {
        let filter = Filter {
            key_prefix: Some(key_of_session(agent, Some(session))),
            open_only: true,
            ..Filter::default()
        };
        let mut found = self.handle.approvals().list(filter).await?;
        found.retain(|decision| decision.desk.is_some());
        Ok(found)
    }

    /// The decision that the agent's own prompt about this call stands beside: open, or decided
    /// and not yet claimed. `request` must be in stored form.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn beside_prompt(self, request: &Request) -> Result<Option<Decision>, HandleError> {
        let filter = Filter {
            key: request.dedup_key.clone(),
            project: Some(request.project.clone()),
            limit: 1,
            ..Filter::default()
        };
        let latest = self.handle.approvals().list(filter).await?.pop();
        let is_beside = |decision: &Decision| {
            let unclaimed = decision.verdict().is_ok_and(|given| given.claimed_at.is_none());
            decision.desk.is_some()
                && decision.shows_same_call_as(request)
                && (decision.state.is_open() || unclaimed)
        };
        Ok(latest.filter(is_beside))
    }

    /// Lets a call through by a grant and records the use, in one transaction: once the end of the
    /// grant is written, no call passes.
    async fn use_grant(
        self,
        id: DecisionId,
        request: Request,
    ) -> Result<EarlierAnswer, HandleError> {
        let call = request.clone();
        let used = self.handle.approvals().change(id, move |decision| {
            Ok(Some(decision.use_grant(&call).ok_or(Refused::NoGrant)?))
        });
        match used.await {
            Ok(decision) => Ok(EarlierAnswer::Covers(text::gate::covered(decision.id))),
            Err(HandleError::Refused(..)) => Ok(EarlierAnswer::Ask(Box::new(request))),
            Err(error) => Err(error),
        }
    }

    /// The answer for a call asked about at revision `asked`. `unserved`: no bot runs, so no person
    /// was notified.
    #[must_use]
    pub fn reply(self, decision: &Decision, asked: Revision, unserved: bool) -> GateReply {
        if decision.revision != asked {
            return GateReply::Deny(text::gate::superseded(decision));
        }
        match &decision.state {
            State::Resolved(resolved) => match &*text::worded(&resolved.verdict, resolved.via) {
                Verdict::Approved { note, .. } => GateReply::Allow {
                    words: text::gate::approved(decision, resolved),
                    note: note.as_ref().map(|note| text::gate::noted(resolved, note)),
                },
                Verdict::Rejected { reason } => {
                    GateReply::Deny(text::gate::rejected(decision, resolved, reason))
                }
                // A gate's question offers neither.
                Verdict::Chosen { .. } | Verdict::Answered { .. } => {
                    GateReply::Deny(text::gate::superseded(decision))
                }
            },
            State::Deferred { until, by, .. } => GateReply::Defer(text::gate::deferred(
                decision,
                *until,
                &by.name,
                self.handle.rules().zone,
            )),
            State::Withdrawn { reason, .. } => {
                let reason = text::withdrawal(decision, reason);
                GateReply::Deny(text::gate::withdrawn(decision, &reason))
            }
            State::Pending(_) => GateReply::Wait(text::gate::undecided(
                decision,
                self.handle.escalation().progress(decision).as_ref(),
                self.handle.now(),
                unserved,
            )),
        }
    }
}

/// Applies the rules to a call: a final result (`Err`), or the request to ask a person.
fn judged(rulebook: &dyn RuleSource, brought: GateRequest) -> Result<Request, GateOutcome> {
    let GateRequest { call, project, at_least, .. } = brought;
    let rules = rulebook.rules().map_err(|why| GateOutcome::Denied(text::gate::broken(&why)))?;
    let ruling = judge(&rules, &call);
    let terms = match at_least.map_or(ruling.clone(), |least| ruling.raised(least)) {
        Ruling::Allow => return Err(GateOutcome::Allowed(text::gate::ALLOWED.to_owned())),
        Ruling::Deny { reason } => {
            return Err(GateOutcome::Denied(text::gate::denied(reason.as_deref())));
        }
        Ruling::Ask { risk, kind, reason } => QuestionTerms { risk, kind, reason },
    };
    Ok(question(&call, project, terms))
}

impl Access {
    /// Sends a tool call through the gate: the rules allow or deny the call, or a person is asked.
    /// Repeating the call while its decision is open, or has an unclaimed verdict, returns that
    /// decision.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`], [`AccessError::NotJudged`], and as
    /// [`crate::engine::ApprovalApi::ask`].
    pub async fn gate(
        &self,
        rulebook: Arc<dyn RuleSource>,
        brought: GateRequest,
    ) -> Result<GateOutcome, AccessError> {
        let project = brought.project.clone().or_else(|| self.caller().only_project());
        let named = project_name(project.as_deref().unwrap_or(&Request::default().project));
        // A caller without the right to ask learns nothing about the rules either.
        self.caller().may_ask(&named)?;
        // A project that the token names was chosen by a person. Any other name comes from the
        // agent's working directory, and relaxes nothing.
        let granted = self.caller().grant.projects.contains(&named);
        let (sure, claimed) = if granted || brought.project.is_none() {
            (named, None)
        } else {
            (project_name(&Request::default().project), Some(named))
        };
        let brought = GateRequest { project: Some(sure), ..brought };
        // Reads files and compares long texts.
        let request = match self.judge(move || judged(&*rulebook, brought)).await {
            Ok(Ok(request)) => {
                let claims = Claims { project: claimed, ..Claims::default() };
                self.in_stored_form(with_claims(&self.handle().rules(), request, claims))
            }
            Ok(Err(gated)) => return Ok(gated),
            Err(failed @ NotJudged::Failed) => {
                return Ok(GateOutcome::Denied(text::gate::broken(&failed.to_string())));
            }
            Err(busy) => return Err(busy.into()),
        };
        Ok(match self.handle().gates().earlier_answer(request).await? {
            EarlierAnswer::Covers(words) => GateOutcome::Allowed(words),
            EarlierAnswer::Unclaimed(decision) => GateOutcome::Asked(decision),
            EarlierAnswer::Ask(request) => GateOutcome::Asked(Box::new(
                self.handle().approvals().ask(*request).await?.into_decision(),
            )),
        })
    }
}
