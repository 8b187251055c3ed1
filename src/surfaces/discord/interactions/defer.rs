//! Defer asks the person who clicked for how long, and nobody else sees the question.

use serenity::all::CreateActionRow;

use super::custom_id::{Control, CustomId, DecisionAction};
use super::respond::Response;
use super::{Done, Press, attention};
use crate::core::Time;
use crate::core::decision::authorization::Voter;
use crate::core::decision::{Decision, DecisionId, Revision};
use crate::core::values::time_words;
use crate::presentation::text;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::rendering::render::{self, View};

/// Maximum rows of a message (Discord).
const MOST_ROWS: usize = 5;

impl Press<'_> {
    /// Offers the times: in the clicked message if one person alone sees it, else in a private
    /// answer. Refuses at once a person who may not decide, and a decision that changed.
    pub(super) async fn ask_time(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        voter: &Voter,
    ) -> Done {
        let decision = match bot.handle.approvers().may_decide(id, seen, voter).await {
            Ok(decision) => decision,
            Err(error) => {
                let act = Control::On(id, seen, DecisionAction::AskTime);
                return self.explain_refusal(bot, voter, act, error).await;
            }
        };
        if self.is_private() {
            let view = self.card_again(bot, voter, &decision, text::ask_time(&decision));
            let times = render::times(&decision, &self.tag(bot), DecisionAction::Defer);
            return Done::answer(Response::Update(with_menu(view, times)));
        }
        let times = render::times(&decision, bot.handle.tag(), DecisionAction::DeferUntil);
        let view = View { rows: vec![times], ..View::words(text::ask_time(&decision)) };
        Done::answer(Response::Private(view))
    }

    /// Whether the clicked message asks for how long, or for answers, and nothing else.
    pub(super) fn asks_alone(&self) -> bool {
        CustomId::parse(self.custom_id).is_some_and(|id| match id.act {
            Control::On(.., DecisionAction::DeferUntil | DecisionAction::GrantAlone) => true,
            Control::On(.., DecisionAction::Question(_) | DecisionAction::Edit(_)) => {
                id.walk.is_none()
            }
            _ => false,
        })
    }

    /// The card of a private message, below a question about the click.
    pub(super) fn card_again(
        &self,
        bot: &Bot,
        voter: &Voter,
        decision: &Decision,
        notice: String,
    ) -> View {
        match self.walk() {
            Some(walk) => bot.step(voter, decision, walk, notice),
            None => {
                attention::opened(decision, bot.handle.time_scale(), bot.handle.tag(), Some(notice))
            }
        }
    }
}

/// Puts a menu above the other rows. Discord takes 5 rows: the menu of people, second to last,
/// makes way.
pub(super) fn with_menu(mut view: View, menu: CreateActionRow) -> View {
    if view.rows.len() >= MOST_ROWS {
        drop(view.rows.remove(MOST_ROWS - 2));
    }
    view.rows.insert(0, menu);
    view
}

/// The time that a person chose or typed. `None` if it cannot be read.
pub(super) fn until(bot: &Bot, input: &str) -> Option<Time> {
    time_words::parse(input, bot.handle.now(), bot.handle.rules().zone)
}
