//! Drafts: a person's answers to the questions of a decision. The store keeps them until the
//! verdict, so that a restart loses nothing.

use super::decisions::ApprovalApi;
use crate::core::decision::authorization::Voter;
use crate::core::decision::draft::{Draft, draft_name};
use crate::core::decision::{Answer, Decision, DecisionId, Question, Refused, Revision};
use crate::engine::HandleError;

impl ApprovalApi<'_> {
    /// A decision, and the person's draft for the revision `seen`.
    ///
    /// # Errors
    /// As [`crate::engine::ApproverApi::may_decide`].
    pub async fn draft(
        self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
    ) -> Result<(Decision, Draft), HandleError> {
        let decision = self.handle.approvers().may_decide(id, seen, by).await?;
        let name = draft_name(id, &by.person.id);
        let kept = self.handle.with_store(move |store| store.memos().get(&name)).await?;
        Ok((decision, read(kept, seen)))
    }

    /// Changes the person's answer to a question, counted from 0. The verdict needs
    /// [`ApprovalApi::resolve`].
    ///
    /// # Errors
    /// As [`ApprovalApi::draft`]; [`Refused::BadAnswer`] if there is no such question, and what
    /// [`Question::check`] finds.
    pub async fn amend_draft(
        self,
        id: DecisionId,
        seen: Revision,
        by: &Voter,
        at: usize,
        change: impl Fn(&Question, &Answer) -> Answer + Send + 'static,
    ) -> Result<(Decision, Draft), HandleError> {
        let (decision, draft) = self.draft(id, seen, by).await?;
        let refused = |refused| HandleError::Refused(Box::new(decision.clone()), refused);
        let Some(question) = decision.request.questions.get(at).cloned() else {
            let format = crate::core::decision::AnswerFormat::Text;
            return Err(refused(Refused::BadAnswer { question: (at + 1).to_string(), format }));
        };
        let answer = change(&question, &draft.answer(&question));
        if !answer.is_empty() {
            question.check(&answer).map_err(refused)?;
        }
        let name = draft_name(id, &by.person.id);
        // Once more, with what is kept at this very moment: of two clicks at once, none is lost.
        let amend = move |kept: Option<String>| {
            let draft = read(kept, seen);
            let answer = change(&question, &draft.answer(&question));
            serde_json::to_string(&draft.with(answer)).ok()
        };
        let written = self
            .handle
            .write_store(move |store| store.memos().amend(&name, Box::new(amend)))
            .await?;
        Ok((decision, read(written, seen)))
    }
}

/// A stored draft. One of another revision, or that cannot be read, counts for nothing.
fn read(kept: Option<String>, seen: Revision) -> Draft {
    let draft = kept.and_then(|text| serde_json::from_str::<Draft>(&text).ok());
    draft.filter(|draft| draft.revision == seen).unwrap_or_else(|| Draft::new(seen))
}
