//! Opens the form of a click that needs one, with its fields filled from this person's proposal.

use serenity::all::CreateModal;

use super::custom_id::{Control, DecisionAction};
use super::respond::{ACKNOWLEDGE_AFTER, Response};
use super::{Done, Input, Press, forms};
use crate::core::decision::authorization::Voter;
use crate::core::decision::{Decision, DecisionId, Person, Revision};
use crate::engine::HandleError;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::rendering::render;

impl Press<'_> {
    /// `Some` if the action needs a form first. The inner value is the decision, if read in time.
    pub(super) async fn asks_for_form(
        &self,
        bot: &Bot,
        id: DecisionId,
        verb: DecisionAction,
    ) -> Option<Option<Box<Decision>>> {
        let always = match verb {
            _ if matches!(self.input, Input::Form(_)) => return None,
            DecisionAction::Reject | DecisionAction::Answer | DecisionAction::Note => true,
            DecisionAction::Defer if self.input.text() == render::DEFER_TYPED => true,
            // A form only for critical risk, to type the confirmation.
            DecisionAction::Approve | DecisionAction::Choose(_) | DecisionAction::Pick => false,
            DecisionAction::Sure
            | DecisionAction::Session
            | DecisionAction::SureSession
            | DecisionAction::Defer
            | DecisionAction::Take
            | DecisionAction::HandOver
            | DecisionAction::Undo
            | DecisionAction::Details => return None,
        };
        let decision = tokio::time::timeout(ACKNOWLEDGE_AFTER, bot.handle.approvals().enforce(id))
            .await
            .ok()
            .and_then(Result::ok);
        let confirms = decision.as_ref().is_some_and(|decision| decision.confirmation().is_some());
        (always || confirms).then(|| decision.map(Box::new))
    }

    /// The verb that the form executes when submitted.
    pub(super) fn form_verb(&self, verb: DecisionAction) -> DecisionAction {
        match verb {
            DecisionAction::Note => DecisionAction::Approve,
            DecisionAction::Pick => {
                DecisionAction::Choose(self.input.text().parse().unwrap_or(u32::MAX))
            }
            verb => verb,
        }
    }

    /// The form, or the reason why a verdict would be rejected.
    pub(super) async fn form(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        verb: DecisionAction,
        voter: &Voter,
    ) -> Response {
        let verb = self.form_verb(verb);
        match bot.handle.approvers().may_decide(id, seen, voter).await {
            Ok(decision) => Response::Form(self.form_of(bot, id, seen, verb, Some(&decision))),
            // The submission is checked again.
            Err(HandleError::Store(_)) => Response::Form(self.form_of(bot, id, seen, verb, None)),
            Err(error) => match self.not_done(bot, Control::On(id, seen, verb), error).await {
                Done::Answer(answer) => *answer,
                Done::Changed(_) => Response::Nothing,
            },
        }
    }

    /// The form, prefilled with this person's proposal from elsewhere.
    pub(super) fn form_of(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        verb: DecisionAction,
        decision: Option<&Decision>,
    ) -> CreateModal {
        let person = Person::discord(self.user.id.get(), "").id;
        let wanted = decision
            .and_then(|decision| decision.proposal_of(&person))
            .map(|proposal| &proposal.verdict);
        forms::form(&self.tag(bot), id, seen, verb, decision, wanted)
    }
}
