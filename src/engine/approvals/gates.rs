//! Gate requests: the rules decide first, then a person. Every transport of a gate takes this path.
//!
//! The dedup key, the risk and the text shown to a person are computed here from the tool call, so
//! a caller cannot get an approval filed under another call. Facts known only on the agent's
//! machine (link targets, file contents) are taken from the gate. A gate lying about them gains
//! nothing: an approval covers only the exact call shown, at that risk or a lower one, and an
//! honest gate never makes such a call. Does not depend on where rules are stored or how an agent
//! is answered.

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value;

use super::access::{Access, AccessError};
use super::judging::NotJudged;
use crate::core::decision::question::UnfitQuestion;
use crate::core::decision::session::SessionApproval;
use crate::core::decision::{
    Answer, Approval, Decision, DecisionId, Outcome, RepeatedCall, Request, Revision, State,
    Verdict,
};
use crate::core::gate::rules::{GateRule, Minimum, Ruling, digest, judge};
use crate::core::gate::{ToolCall, changes, editing, granting};
use crate::core::policy::claims::{Claims, with_claims};
use crate::core::policy::rules::project_name;
use crate::engine::{Handle, HandleError};
use crate::presentation::gate::{QuestionTerms, introduced, question};
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
    /// What the agent told before the call. Shown with the call, and no part of it.
    pub context: String,
    /// Ask a person with at least these terms, even if the rules would allow the call.
    pub at_least: Option<Minimum>,
    /// The decision by which the call was allowed, if the call's files changed before it ran, or
    /// if a person changed the call.
    pub changed_since: Option<DecisionId>,
    /// Whether the agent takes changed arguments from its gate.
    pub edits: Edits,
}

/// Whether an agent runs a call with other arguments than its own, if its gate says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edits {
    /// The agent does: a person may change the call before approving it.
    Taken,
    /// The agent runs the call as it asked about it, or not at all.
    NotTaken,
}

impl Edits {
    /// By what the agent or its gate says.
    #[must_use]
    pub const fn taken_if(are_taken: bool) -> Self {
        if are_taken { Self::Taken } else { Self::NotTaken }
    }
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

/// A call that the rules ask about, and the question.
#[derive(Debug, Clone)]
pub struct GateQuestion {
    /// The question.
    pub request: Request,
    /// The call.
    pub call: Arc<ToolCall>,
    /// The rules by which the call was judged.
    pub rules: Arc<Vec<GateRule>>,
}

impl GateQuestion {
    /// The question about a call. Derives what a grant of the call can cover.
    ///
    /// # Errors
    /// [`UnfitQuestion`]: the call asks what nobody could answer.
    pub fn new(
        rules: Vec<GateRule>,
        call: ToolCall,
        project: Option<String>,
        terms: QuestionTerms,
    ) -> Result<Self, UnfitQuestion> {
        let mut request = question(&call, project, terms)?;
        // A question is answered each time: nothing runs.
        if request.questions.is_empty() {
            request.grantable = granting::grantable(&rules, &call);
        }
        Ok(Self { request, call: Arc::new(call), rules: Arc::new(rules) })
    }

    /// The question, with what a person may change in the call.
    #[must_use]
    pub fn with_edits(mut self, edits: Edits) -> Self {
        if edits == Edits::Taken {
            self.request.editable = editing::editable(&self.call);
        }
        self
    }

    /// The question with a request made of its own.
    #[must_use]
    pub fn with_request(self, change: impl FnOnce(Request) -> Request) -> Self {
        Self { request: change(self.request), ..self }
    }
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

/// The gate's answer to the agent, from the decision's current state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateReply {
    /// The rules let the call run, and nobody was asked: the agent's own prompt may still appear.
    Unasked(String),
    /// A person lets the call run.
    Allow {
        /// Text for the agent.
        words: String,
        /// The person's note beside the approval.
        note: Option<String>,
    },
    /// A person lets the call run with other arguments, and not as it is.
    AllowChanged {
        /// Text for the agent.
        words: String,
        /// What was changed, for the agent.
        note: String,
        /// The arguments, by the names that the rules know.
        input: Value,
    },
    /// A person has answered what the call asks.
    Answer {
        /// Text for the agent, with the answers.
        words: String,
        /// The answers.
        answers: Vec<Answer>,
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
    /// Checks whether an earlier answer applies to this question. Its request must be in stored
    /// form: project name and dedup key as the store keeps them.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn earlier_answer(
        self,
        question: GateQuestion,
    ) -> Result<EarlierAnswer, HandleError> {
        let grants = self.handle.grants();
        let earlier = self.earlier(&question.request).await?;
        let (risk, now) = (grants.risk(&question), grants.time().await?);
        let call = RepeatedCall { request: &question.request, risk, included_by: None, now };
        let reuse = earlier.as_ref().map(|earlier| (earlier.reuse_for(&call), earlier.clone()));
        let used = match reuse {
            Some((SessionApproval::Unclaimed, earlier)) => {
                return Ok(EarlierAnswer::Unclaimed(Box::new(earlier)));
            }
            Some((SessionApproval::Covers, earlier)) => {
                grants.use_grant(&earlier, &question, None).await?
            }
            Some((SessionApproval::Nothing, _)) | None => None,
        };
        let used = match used {
            Some(used) => Some(used),
            None => grants.let_through(&question).await?,
        };
        let Some(grant) = used.as_ref().and_then(Decision::grant) else {
            let open = earlier.filter(|earlier| earlier.state.is_open());
            return Ok(asked_again(question.request, open.as_ref()));
        };
        if let Some(earlier) = earlier {
            self.let_go(earlier).await;
        }
        Ok(EarlierAnswer::Covers(text::gate::covered(grant.decision, grant.terms.span)))
    }

    /// Checks whether a question that no grant covers has an answer that nobody has claimed. The
    /// request must be in stored form.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn unclaimed_answer(self, request: Request) -> Result<EarlierAnswer, HandleError> {
        let earlier = self.earlier(&request).await?;
        Ok(match earlier {
            Some(earlier) if earlier.is_unclaimed_answer_to(&request) => {
                EarlierAnswer::Unclaimed(Box::new(earlier))
            }
            earlier => asked_again(request, earlier.filter(|one| one.state.is_open()).as_ref()),
        })
    }

    /// The latest decision with a request's key.
    pub(super) async fn earlier(self, request: &Request) -> Result<Option<Decision>, HandleError> {
        let filter = Filter {
            key: request.dedup_key.clone(),
            project: Some(request.project.clone()),
            limit: 1,
            ..Filter::default()
        };
        Ok(self.handle.approvals().list(filter).await?.pop())
    }

    /// Lets go of the earlier decision about a call of a session that a grant lets through: nobody
    /// needs to answer an open question, and the agent need not be started again with a verdict
    /// that it has not claimed.
    async fn let_go(self, earlier: Decision) {
        let id = earlier.id;
        let let_go = match &earlier.state {
            State::Pending(_) | State::Deferred { .. } => {
                self.handle.approvals().withdraw(id, text::gate::COVERED_SINCE).await.map(drop)
            }
            State::Resolved(resolved) if resolved.claimed_at.is_none() => {
                self.handle.resumptions().forget(id).await
            }
            State::Resolved(_) | State::Withdrawn { .. } => Ok(()),
        };
        // An open question may have been decided at this very moment.
        if let Err(error) = let_go {
            tracing::debug!(decision = id.0, %error, "could not let go of an earlier decision");
        }
    }

    /// The decision by which the call of `request` was allowed before its files changed: of the
    /// same asker, agent and session. `None` for any other decision, of which this caller learns
    /// nothing. `request` must be in stored form.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn allowed_before(
        self,
        request: &Request,
        since: Option<DecisionId>,
    ) -> Result<Option<Decision>, HandleError> {
        let Some(id) = since else { return Ok(None) };
        let earlier = match self.handle.approvals().get(id).await {
            Err(HandleError::NoSuchDecision(_)) => return Ok(None),
            earlier => earlier?,
        };
        let asker = |request: &Request| {
            (request.asked_by.as_ref().map(|asker| asker.id.clone()), request.agent.clone())
        };
        let is_same = earlier.is_call() && asker(&earlier.request) == asker(request);
        Ok(Some(earlier).filter(|_| is_same))
    }

    /// Records with a decision that its call did not run. Only a record: the call is asked anew in
    /// any case.
    pub async fn record_not_run(self, earlier: DecisionId, request: &Request) {
        let Some(changes) = &request.changes else { return };
        self.record(earlier, &text::not_run(changes)).await;
    }

    /// Records with a decision that the plan was not carried out, because its file has changed
    /// since the approval. Only a record: the agent is denied in any case.
    pub async fn record_plan_changed(self, approved: DecisionId) {
        self.record(approved, text::gate::PLAN_NOT_RUN).await;
    }

    async fn record(self, earlier: DecisionId, words: &str) {
        let reported = self.handle.approvals().report(earlier, Outcome::NotRun, words).await;
        if let Err(error) = reported {
            tracing::warn!(
                decision = earlier.0,
                "could not record that a call did not run: {error}"
            );
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
                Verdict::Approved(Approval { input: Some(input), .. }) => GateReply::AllowChanged {
                    words: text::gate::approved_changed(decision, resolved),
                    note: text::gate::changed(decision, resolved, input),
                    input: input.clone(),
                },
                Verdict::Approved(approval) => GateReply::Allow {
                    words: text::gate::approved(decision, resolved),
                    note: approval.note.as_ref().map(|note| text::gate::noted(resolved, note)),
                },
                Verdict::Rejected { reason } => {
                    GateReply::Deny(text::gate::rejected(decision, resolved, reason))
                }
                Verdict::Chosen { .. } | Verdict::Answered { .. } => {
                    let answers = decision.request.answers_of(&resolved.verdict);
                    GateReply::Answer {
                        words: text::gate::answered(decision, resolved, &answers),
                        answers,
                    }
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

/// Asks a person. New words for an open question are no new question.
fn asked_again(request: Request, open: Option<&Decision>) -> EarlierAnswer {
    EarlierAnswer::Ask(Box::new(match open {
        Some(open) => request.introduced_as(&open.request),
        None => request,
    }))
}

/// A request, with what changed since a decision by which its call was allowed. Compares texts.
#[must_use]
pub fn with_changes(request: Request, earlier: &Decision) -> Request {
    Request { changes: changes::since(earlier, &request), ..request }
}

/// Applies the rules to a call: a final result (`Err`), or the question for a person.
fn judged(rulebook: &dyn RuleSource, brought: GateRequest) -> Result<GateQuestion, GateOutcome> {
    let GateRequest { call, project, context, at_least, edits, changed_since: _ } = brought;
    let rules = rulebook.rules().map_err(|why| GateOutcome::Denied(text::gate::broken(&why)))?;
    let ruling = judge(&rules, &call);
    let terms = match at_least.map_or(ruling.clone(), |least| ruling.raised(least)) {
        Ruling::Allow => return Err(GateOutcome::Allowed(text::gate::ALLOWED.to_owned())),
        Ruling::Deny { reason } => {
            return Err(GateOutcome::Denied(text::gate::denied(reason.as_deref())));
        }
        Ruling::Ask { risk, kind, reason } => {
            QuestionTerms { risk, kind, reason, rules: digest(&rules) }
        }
    };
    GateQuestion::new(rules, call, project, terms)
        .map(|question| question.with_edits(edits))
        .map(|question| question.with_request(|request| introduced(request, &context)))
        .map_err(|unfit| GateOutcome::Denied(text::gate::unfit(&unfit)))
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
        let since = brought.changed_since;
        let brought = GateRequest { project: Some(sure), ..brought };
        // Reads files and compares long texts.
        let question = match self.judge(move || judged(&*rulebook, brought)).await {
            Ok(Ok(question)) => {
                let claims = Claims { project: claimed, ..Claims::default() };
                let rules = self.handle().rules();
                question.with_request(|request| {
                    self.in_stored_form(with_claims(&rules, request, claims))
                })
            }
            Ok(Err(gated)) => return Ok(gated),
            Err(failed @ NotJudged::Failed) => {
                return Ok(GateOutcome::Denied(text::gate::broken(&failed.to_string())));
            }
            Err(busy) => return Err(busy.into()),
        };
        let gates = self.handle().gates();
        let question = match gates.allowed_before(&question.request, since).await? {
            None => question,
            Some(earlier) if gates.approved_as_changed(&question, &earlier) => {
                return Ok(GateOutcome::Allowed(text::gate::approved_as_changed(earlier.id)));
            }
            Some(earlier) => {
                let id = earlier.id;
                let change = move |request| with_changes(request, &earlier);
                let changed = self.judge(move || question.with_request(change)).await?;
                gates.record_not_run(id, &changed.request).await;
                changed
            }
        };
        Ok(match gates.earlier_answer(question).await? {
            EarlierAnswer::Covers(words) => GateOutcome::Allowed(words),
            EarlierAnswer::Unclaimed(decision) => GateOutcome::Asked(decision),
            EarlierAnswer::Ask(request) => GateOutcome::Asked(Box::new(
                self.handle().approvals().ask(*request).await?.into_decision(),
            )),
        })
    }
}
