//! A person changes a tool call, and approves it as changed.
//!
//! The submitted text is judged by the gate's rules like a call of the agent, first when it is
//! submitted and again when it is approved: what they deny is refused, and what they ask about at a
//! higher risk needs the approver and the confirmation of that risk. The gate judges once more,
//! with the files, before it hands the changed call to the agent ([`super::gates`]).

use std::sync::{Arc, PoisonError};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::gates::{GateQuestion, RuleSource};
use crate::core::decision::authorization::{Voter, may_decide};
use crate::core::decision::draft::draft_prefix;
use crate::core::decision::editing::Editable;
use crate::core::decision::{
    Approval, Ballot, Decision, DecisionId, Kind, Refused, Request, Revision, Risk, State, Terms,
    Verdict, Via,
};
use crate::core::gate::editing::{call_of, stands};
use crate::core::gate::rules::{Ruling, digest, judge};
use crate::core::policy::rules::{admit, enforced};
use crate::engine::{Handle, HandleError};
use crate::presentation::gate::{QuestionTerms, question};
use crate::presentation::text;

/// Changes tool calls before they are approved.
#[derive(Debug, Clone, Copy)]
pub struct EditApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

/// Why a change cannot be approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditProblem {
    /// The text is as the agent gave it.
    Unchanged,
    /// The text is empty, or too long.
    Unfit,
    /// The rules deny the changed call.
    Denied {
        /// The rule's reason.
        reason: Option<String>,
    },
    /// The changed call would be a question of another kind, for which others may decide.
    OtherKind(Kind),
    /// Several people would have to approve the changed call.
    SeveralApprovals,
    /// The changed call could not be judged, or is none that could be asked.
    NotJudged(String),
    /// The change is not the one that was shown, or is judged otherwise since.
    NotAsShown,
}

/// A changed call, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Edited {
    /// The decision that was asked.
    pub decision: Decision,
    /// The call of the decision.
    pub editable: Editable,
    /// The changed arguments.
    pub input: Value,
    /// The risk of the changed call: never lower than that of the decision.
    pub risk: Risk,
    /// The question that the changed call would be.
    request: Request,
    approvals: u32,
}

impl Edited {
    /// Tells this change from others: a button approves no other change, and none at another risk,
    /// than was shown.
    #[must_use]
    pub fn digest(&self) -> u32 {
        let text = format!("{} {}", self.risk, self.input);
        let hash = Sha256::digest(text);
        u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
    }

    /// The word to type before approving the changed call.
    #[must_use]
    pub fn confirmation(&self) -> Option<String> {
        self.decision.confirmation_at(self.risk)
    }

    /// The decision as if the changed call had been asked.
    fn asked(&self, decision: &Decision) -> Decision {
        let risk = self.risk.max(decision.terms.risk);
        let approvals = self.approvals.max(decision.terms.approvals);
        let terms = Terms { risk, approvals, ..decision.terms.clone() };
        Decision { request: self.request.clone(), terms, ..decision.clone() }
    }
}

/// The result of a change: the person may correct what is wrong with it.
pub type EditResult<T> = Result<Result<T, EditProblem>, HandleError>;

impl Handle {
    /// Judges changes of tool calls by these rules from now on. Without rules, nothing is changed.
    pub fn set_gate_rules(&self, rules: Arc<dyn RuleSource>) {
        *self.inner.gate_rules.write().unwrap_or_else(PoisonError::into_inner) = Some(rules);
    }

    fn gate_rules(&self) -> Option<Arc<dyn RuleSource>> {
        self.inner.gate_rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The name under which a person's change is kept. It goes with the decision's drafts.
fn name(id: DecisionId, person: &str) -> String {
    format!("{}edit:{person}", draft_prefix(id))
}

/// A kept change of this revision.
fn read(kept: Option<String>, seen: Revision) -> Option<String> {
    let (revision, text) = serde_json::from_str::<(Revision, String)>(&kept?).ok()?;
    (revision == seen).then_some(text)
}

impl EditApi<'_> {
    /// A decision with a call that this person may change, and the text to begin with: the
    /// person's last one, or the agent's.
    ///
    /// # Errors
    /// As [`crate::engine::ApproverApi::may_decide`]; [`Refused::NotEditable`].
    pub async fn begin(
        self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
    ) -> Result<(Decision, String), HandleError> {
        let (decision, editable) = self.editable(id, seen, by).await?;
        let text = self.kept(id, seen, by).await?;
        Ok((decision, text.unwrap_or_else(|| editable.text().to_owned())))
    }

    /// Judges a submitted text, and keeps it for this person until it is approved. Changes nothing
    /// of the decision.
    ///
    /// # Errors
    /// As [`Self::begin`]; [`HandleError::Denied`] for a changed call that this person may not
    /// approve.
    pub async fn submit(
        self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
        text: &str,
    ) -> EditResult<Edited> {
        let (decision, editable) = self.editable(id, seen, by).await?;
        let text = editable.submitted(text);
        let keep = serde_json::to_string(&(seen, &text)).ok();
        let name = name(id, &by.person.id);
        self.handle.write_store(move |store| store.memos().put(&name, keep)).await?;
        let edited = match self.judged(&decision, editable, &text).await {
            Ok(edited) => edited,
            Err(problem) => return Ok(Err(problem)),
        };
        let rules = self.handle.rules();
        match may_decide(&rules.approvers, &edited.asked(&decision), by) {
            Ok(_) => Ok(Ok(edited)),
            Err(denied) => Err(HandleError::Denied(Box::new(decision), denied)),
        }
    }

    /// Approves the change that this person was shown, by its digest. `word`: the typed
    /// confirmation.
    ///
    /// # Errors
    /// As [`Self::submit`] and [`crate::engine::ApprovalApi::resolve`].
    pub async fn approve(
        self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
        shown: u32,
        word: Option<String>,
    ) -> EditResult<Decision> {
        let (decision, editable) = self.editable(id, seen, by).await?;
        let Some(text) = self.kept(id, seen, by).await? else {
            return Ok(Err(EditProblem::NotAsShown));
        };
        let edited = match self.judged(&decision, editable, &text).await {
            Ok(edited) if edited.digest() != shown => return Ok(Err(EditProblem::NotAsShown)),
            Ok(edited) => edited,
            Err(problem) => return Ok(Err(problem)),
        };
        let (rules, voter) = (self.handle.rules(), by.clone());
        let act = move |decision: &Decision| {
            let decision = enforced(&rules, decision);
            may_decide(&rules.approvers, &decision, &voter)?;
            let asked = edited.asked(&decision);
            may_decide(&rules.approvers, &asked, &voter)?;
            let (input, risk) = (Some(edited.input), Some(asked.terms.risk));
            let verdict = Verdict::Approved(Approval { input, risk, ..Approval::default() });
            let ballot = Ballot { verdict, confirmation: word };
            Ok(Some(asked.resolve(ballot, voter, Via::Discord, seen)?))
        };
        Ok(Ok(self.handle.approvals().change(id, act).await?))
    }

    async fn editable(
        self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
    ) -> Result<(Decision, Editable), HandleError> {
        let decision = self.handle.approvers().may_decide(id, seen, by).await?;
        match decision.request.editable.clone().filter(|_| decision.offers_edit()) {
            Some(editable) => Ok((decision, editable)),
            None => Err(HandleError::Refused(Box::new(decision), Refused::NotEditable)),
        }
    }

    async fn kept(
        self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
    ) -> Result<Option<String>, HandleError> {
        let name = name(id, &by.person.id);
        let kept = self.handle.with_store(move |store| store.memos().get(&name)).await?;
        Ok(read(kept, seen))
    }

    /// Judges the call with this text.
    async fn judged(
        self,
        decision: &Decision,
        editable: Editable,
        text: &str,
    ) -> Result<Edited, EditProblem> {
        let input = editable.with_text(text);
        if text == editable.text() {
            return Err(EditProblem::Unchanged);
        }
        if !editable.takes(&input) {
            return Err(EditProblem::Unfit);
        }
        let unjudged = EditProblem::NotJudged;
        let source =
            self.handle.gate_rules().ok_or_else(|| unjudged(text::NO_GATE_RULES.into()))?;
        let (asked, call, arguments) = (decision.clone(), editable.clone(), input.clone());
        let work = move || changed_question(&*source, &asked, &call, arguments);
        let judged = self.handle.judge(work).await.map_err(|why| unjudged(why.to_string()))?;
        let request = judged?;
        let terms =
            admit(&self.handle.rules(), &request).map_err(|why| unjudged(why.to_string()))?;
        let edited = Edited {
            decision: decision.clone(),
            editable,
            input,
            risk: terms.risk.max(decision.terms.risk),
            request,
            approvals: terms.approvals,
        };
        if edited.asked(decision).approvals_needed() > 1 {
            return Err(EditProblem::SeveralApprovals);
        }
        Ok(edited)
    }
}

/// The question that a changed call would be, in the place of the decision's.
fn changed_question(
    source: &dyn RuleSource,
    decision: &Decision,
    editable: &Editable,
    input: Value,
) -> Result<Request, EditProblem> {
    let asked = &decision.request;
    let rules = source.rules().map_err(EditProblem::NotJudged)?;
    let call = call_of(editable, &asked.agent, input);
    let (risk, kind, reason) = match judge(&rules, &call) {
        Ruling::Deny { reason } => return Err(EditProblem::Denied { reason }),
        // A person decides all the same.
        Ruling::Allow => (asked.risk, Some(asked.kind.clone()), None),
        Ruling::Ask { risk, kind, reason } => (risk.max(asked.risk), kind, reason),
    };
    let terms = QuestionTerms { risk, kind, reason, rules: digest(&rules) };
    let changed = question(&call, Some(asked.project.clone()), terms)
        .map_err(|unfit| EditProblem::NotJudged(text::gate::unfit(&unfit)))?;
    if changed.kind != asked.kind {
        return Err(EditProblem::OtherKind(changed.kind));
    }
    Ok(Request {
        environment: asked.environment.clone(),
        job: asked.job.clone(),
        asked_by: asked.asked_by.clone(),
        approvals_needed: asked.approvals_needed,
        editable: asked.editable.clone(),
        ..changed
    })
}

impl super::gates::GateApi<'_> {
    /// Whether this call was approved by a person who changed an earlier call into it, and is still
    /// what was approved: by the rules of now, with its files as they are.
    #[must_use]
    pub fn approved_as_changed(self, question: &GateQuestion, earlier: &Decision) -> bool {
        let State::Resolved(resolved) = &earlier.state else { return false };
        let Some(approval) = resolved.verdict.change() else { return false };
        let Some((editable, input)) = approval.change_of(earlier) else { return false };
        let request = &question.request;
        let Ok(terms) = admit(&self.handle.rules(), request) else { return false };
        let several = terms.approvals.max(request.approvals_needed) > 1;
        // Once it is recorded that the call did not run, a person is asked.
        resolved.claimed_at.is_some()
            && resolved.reported.is_none()
            && !several
            && request.kind == earlier.request.kind
            && request.project == earlier.request.project
            && approval.risk.is_some_and(|risk| terms.risk <= risk)
            && stands(editable, &earlier.request.agent, input, &question.call)
    }
}
