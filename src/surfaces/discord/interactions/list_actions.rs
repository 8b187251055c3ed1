//! Handles a click on a list: previews, pages, reviews, and the menus that open one decision.

use super::custom_id::{Control, ListAction};
use super::respond::Response;
use super::{Done, Press};
use crate::core::decision::DecisionId;
use crate::core::decision::authorization::Voter;
use crate::core::messaging::message::MessageId;
use crate::engine::HandleError;
use crate::presentation::text;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::rendering::render::View;

impl Press<'_> {
    /// An action on a list. Only the caller sees the result.
    pub(super) async fn with(
        &self,
        bot: &Bot,
        voter: &Voter,
        id: MessageId,
        list: u32,
        together: ListAction,
    ) -> Done {
        let view = match together {
            ListAction::Disagree(_) => return self.disagree(bot, voter).await,
            ListAction::Now => return Done::answer(Response::Private(bot.digest(voter, 1).await)),
            ListAction::Look | ListAction::Approve => {
                bot.preview_bulk_approval(voter, id, list).await
            }
            ListAction::Walk(at) => bot.walk(voter, id, list, at, None).await,
            ListAction::Open(_) => return self.open(bot, voter).await,
            ListAction::Parts => match self.input.text().parse() {
                Ok(from) => bot.part(voter, id, from).await,
                Err(_) => View::words(text::NO_SUCH_LIST),
            },
            ListAction::Part(from) => bot.part(voter, id, DecisionId(from.into())).await,
            ListAction::Hush => bot.hush(voter).await,
        };
        Done::answer(if self.is_private() {
            Response::Update(view)
        } else {
            Response::Private(view)
        })
    }

    pub(super) async fn open(&self, bot: &Bot, voter: &Voter) -> Done {
        let Ok(id) = self.input.text().parse::<DecisionId>() else {
            return Done::words(text::FOREIGN_BUTTON);
        };
        match bot.handle.approvers().may_see(id, voter).await {
            Ok(decision) => {
                let view = bot.show(voter, &decision, None);
                Done::answer(if self.is_private() {
                    Response::Update(view)
                } else {
                    Response::Private(view)
                })
            }
            // Everybody in the channel can read the card anyway.
            Err(HandleError::Denied(..)) if !self.is_private() => {
                self.details(bot, voter, id).await
            }
            Err(error) => self.not_done(bot, Control::Open, error).await,
        }
    }

    /// Records disagreement with an automatic approval. The reconciler edits the review message.
    async fn disagree(&self, bot: &Bot, voter: &Voter) -> Done {
        let Ok(id) = self.input.text().parse::<DecisionId>() else {
            return Done::words(text::FOREIGN_BUTTON);
        };
        match bot.handle.auto_approval().disagree(id, voter).await {
            Ok((decision, again)) => {
                tracing::info!(
                    decision = id.0,
                    by = voter.person.name,
                    state = decision.state.word(),
                    "disagreed with"
                );
                Done::words(text::you_disagree(&decision, again, bot.handle.time_scale()))
            }
            Err(error) => self.not_done(bot, Control::Open, error).await,
        }
    }
}
