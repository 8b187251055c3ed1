//! Tools with which a person's assistant decides on the person's instruction. Only a token with the
//! scope `decide` may call these tools; for high and critical risk, a verdict is only a proposal.

use super::McpServer;
use super::answer::Done;
use super::schema::{ApproveInput, DecisionState, Prioritize, RejectInput};
use crate::core::decision::{Ballot, DecisionId, Revision, Verdict, Via};
use crate::engine::approvals::access::{Access, VerdictOutcome};
use crate::presentation::text;

impl McpServer {
    pub(super) async fn approve(&self, access: &Access, input: ApproveInput) -> Done {
        let ApproveInput { id, revision, note, option, answer } = input;
        let verdict = match (option, answer) {
            (Some(_), Some(_)) => {
                return Err(text::mcp::wrong_input("factory_approve_task", text::mcp::ONE_OF_THEM));
            }
            (Some(option), None) => Verdict::Chosen { option },
            (None, Some(answer)) => Verdict::answered(answer.trim().to_owned()),
            (None, None) => Verdict::noted(
                note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty()),
            ),
        };
        self.decide(access, DecisionId(id), Revision(revision), verdict).await
    }

    pub(super) async fn reject(&self, access: &Access, input: RejectInput) -> Done {
        let verdict = Verdict::Rejected { reason: input.reason.trim().to_owned() };
        self.decide(access, DecisionId(input.id), Revision(input.revision), verdict).await
    }

    async fn decide(
        &self,
        access: &Access,
        id: DecisionId,
        seen: Revision,
        verdict: Verdict,
    ) -> Done {
        let word = verdict.word();
        match access.decide(id, seen, Via::Mcp, Ballot::from(verdict)).await {
            Ok(VerdictOutcome::Done(decision)) => self.answer(
                DecisionState::from(&decision),
                text::mcp::done(&decision, word, holder(access)),
                &decision,
            ),
            Ok(VerdictOutcome::Proposed(decision)) => self.answer(
                DecisionState::Proposed,
                text::mcp::proposed(&decision, holder(access)),
                &decision,
            ),
            Err(error) => Err(self.refused(access, error).await),
        }
    }

    pub(super) async fn prioritize(&self, access: &Access, input: Prioritize) -> Done {
        match access.prioritize(DecisionId(input.id), input.priority).await {
            Ok(decision) => {
                let what = text::mcp::wanted(input.priority);
                self.answer(
                    DecisionState::from(&decision),
                    text::mcp::done(&decision, &what, holder(access)),
                    &decision,
                )
            }
            Err(error) => Err(self.refused(access, error).await),
        }
    }
}

/// The person in whose name the caller decides.
fn holder(access: &Access) -> &str {
    access.caller().grant.holder.as_ref().map_or("nobody", |holder| holder.person.name.as_str())
}
