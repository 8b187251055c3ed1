//! Explains why a click failed, and shows what changed since the person saw the card.

use super::custom_id::{Control, CustomId, ListPosition};
use super::respond::Response;
use super::{Done, Press, attention};
use crate::core::decision::authorization::Voter;
use crate::core::decision::{Decision, Refused, Revision};
use crate::engine::HandleError;
use crate::presentation::text;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::rendering::render::View;

impl Press<'_> {
    /// Explains why the action on a decision failed, in the card itself during a review of a list.
    pub(super) async fn explain_refusal(
        &self,
        bot: &Bot,
        voter: &Voter,
        act: Control,
        error: HandleError,
    ) -> Done {
        match self.walk() {
            Some(walk) => self.explain_refusal_in_review(bot, voter, act, walk, error).await,
            None => self.not_done(bot, act, error).await,
        }
    }

    /// Explains why the action failed, and the remedy.
    pub(super) async fn not_done(&self, bot: &Bot, act: Control, error: HandleError) -> Done {
        let time_scale = bot.handle.time_scale();
        match error {
            HandleError::Denied(decision, denied) => {
                tracing::info!(
                    decision = decision.id.0,
                    by = %self.user.id,
                    "refused: not an approver"
                );
                Done::words(text::denied(&decision, &denied, bot.application.owner_id()))
            }
            HandleError::Refused(decision, refused) => {
                if let (false, Some(message)) = (self.is_private(), self.message) {
                    // Not awaited: the redraw needs the card's lock, held by this click.
                    bot.redraw_after(std::time::Duration::ZERO, message.id.to_string());
                }
                match refused {
                    Refused::Outdated { seen, .. } => {
                        Done::answer(Response::Private(outdated(bot, &decision, seen).await))
                    }
                    refused => Done::words(text::refused(&decision, &refused, time_scale)),
                }
            }
            HandleError::NoSuchDecision(id) => Done::words(text::unknown(id)),
            error => {
                let decision = CustomId::new("", act).decision().map(|id| id.0);
                tracing::error!(decision, %error, "a click failed");
                Done::words(text::store_failed(&error.to_string()))
            }
        }
    }

    /// Like `not_done`, during a review of a list: skips a closed decision, shows a changed
    /// decision again.
    async fn explain_refusal_in_review(
        &self,
        bot: &Bot,
        voter: &Voter,
        act: Control,
        walk: ListPosition,
        error: HandleError,
    ) -> Done {
        let HandleError::Refused(decision, refused) = error else {
            return self.not_done(bot, act, error).await;
        };
        let mut notice = text::refused(&decision, &refused, bot.handle.time_scale());
        let view = match refused {
            Refused::Outdated { seen, .. } => {
                if let Ok(Some(before)) = bot.handle.event_log().request_at(decision.id, seen).await
                {
                    notice = format!(
                        "{notice}\n{}",
                        text::changes(&before, &(decision.request.clone(), decision.terms.clone()))
                    );
                }
                bot.step(voter, &decision, walk, notice)
            }
            _ if decision.state.is_open() => bot.step(voter, &decision, walk, notice),
            _ => {
                bot.walk(voter, walk.list, walk.revision, walk.at.saturating_add(1), Some(notice))
                    .await
            }
        };
        Done::answer(Response::Update(view))
    }
}

/// Shows the changes since the seen revision, above the current card.
pub(crate) async fn outdated(bot: &Bot, decision: &Decision, seen: Revision) -> View {
    let mut notice = text::refused(
        decision,
        &Refused::Outdated { seen, current: decision.revision },
        bot.handle.time_scale(),
    );
    if let Ok(Some(before)) = bot.handle.event_log().request_at(decision.id, seen).await {
        notice = format!(
            "{notice}\n{}",
            text::changes(&before, &(decision.request.clone(), decision.terms.clone()))
        );
    }
    attention::opened(decision, bot.handle.time_scale(), bot.handle.tag(), Some(notice))
}
