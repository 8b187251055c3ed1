//! Verdicts from clicks, and what is recorded of them.

use super::custom_id::DecisionAction;
use super::{Done, Press};
use crate::core::decision::authorization::Voter;
use crate::core::decision::{Decision, DecisionId, Revision, Verdict, Via};
use crate::core::policy::approval_guard::Habits;
use crate::engine::HandleError;
use crate::surfaces::discord::Bot;

impl Press<'_> {
    /// Records an action that was done.
    pub(super) fn done(
        &self,
        bot: &Bot,
        voter: &Voter,
        verb: DecisionAction,
        decision: Decision,
    ) -> Done {
        if verb.approves() {
            let record = match verb {
                DecisionAction::Sure | DecisionAction::SureSession => Habits::confirm_approval,
                _ => Habits::approve,
            };
            bot.shown.habits(self.user.id, record);
        }
        tracing::info!(
            decision = decision.id.0,
            by = voter.person.name,
            %verb,
            state = decision.state.word(),
            "done on Discord"
        );
        Done::Changed(Box::new(decision))
    }

    /// Chooses an option by position in the revision that the person saw.
    pub(super) async fn choose(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        number: Option<u32>,
        voter: &Voter,
    ) -> Result<Decision, HandleError> {
        let decision = bot.handle.approvals().get(id).await?;
        let option =
            number.and_then(|number| decision.request.options.get(usize::try_from(number).ok()?));
        // The option may come from a newer revision. No harm: a verdict on an outdated revision is
        // rejected.
        let option = option.map(|choice| choice.name.clone()).unwrap_or_default();
        bot.handle
            .approvals()
            .resolve(id, seen, voter, Via::Discord, self.ballot(Verdict::Chosen { option }))
            .await
    }
}
