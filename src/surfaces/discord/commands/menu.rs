//! Commands in a message's menu: Decide and History. Everybody in the channel may read a card;
//! deciding is checked.

use serenity::all::{CreateAttachment, CreateEmbed, Message};

use super::super::custom_id::{Act, CustomId};
use super::super::render::View;
use super::super::together::WHAT_WAITS;
use super::super::{Bot, board};
use super::{Context, Error, answer, voter};
use crate::core::decision::{Decision, DecisionId};
use crate::core::posting::PostingId;
use crate::core::text;
use crate::engine::HandleError;

/// Maximum characters of a history (Discord: 4,096 in an embed).
const HISTORY: usize = 3_500;

#[poise::command(context_menu_command = "Decide")]
pub(super) async fn decide(ctx: Context<'_>, message: Message) -> Result<(), Error> {
    let bot = ctx.data();
    let work = async {
        if let Some((id, list)) = list_on(bot, &message) {
            return bot.walk(&voter(ctx).await, id, list, 0, None).await;
        }
        let id = match decision_of(bot, &message).await {
            Ok(Some(id)) => id,
            Ok(None) => return View::words(text::NO_CARD),
            Err(error) => return View::words(text::trouble(&error.to_string())),
        };
        let voter = voter(ctx).await;
        match bot.handle.may_see(id, &voter).await {
            Ok(decision) => bot.show(&voter, &decision, None),
            Err(error) => bot.not_done(&voter, id, error).await,
        }
    };
    answer(ctx, work).await
}

#[poise::command(context_menu_command = "History")]
pub(super) async fn history(ctx: Context<'_>, message: Message) -> Result<(), Error> {
    let bot = ctx.data();
    let work = async {
        match decision_of(bot, &message).await {
            Ok(Some(id)) => match look_back(bot, id).await {
                Ok(view) => view,
                Err(error) => View::words(text::trouble(&error.to_string())),
            },
            Ok(None) => View::words(text::NO_CARD),
            Err(error) => View::words(text::trouble(&error.to_string())),
        }
    };
    answer(ctx, work).await
}

/// The list of a message for several decisions: the message's id and the list's revision.
fn list_on(bot: &Bot, message: &Message) -> Option<(PostingId, u32)> {
    let ours = board::custom_ids(message)
        .filter_map(CustomId::parse)
        .filter(|id| id.tag == bot.handle.tag());
    let mut lists = ours.filter_map(|id| match id.act {
        Act::With(id, list, _) if message.author.id == bot.application.me && id != WHAT_WAITS => {
            Some((id, list))
        }
        _ => None,
    });
    lists.next()
}

/// The decision of a current or former card, or of another message from the bot with the decision's
/// buttons.
async fn decision_of(bot: &Bot, message: &Message) -> Result<Option<DecisionId>, HandleError> {
    if message.author.id != bot.application.me {
        return Ok(None);
    }
    if let Some(card) = bot.handle.delivery_of(message.id.to_string()).await? {
        return Ok(Some(card.decision));
    }
    let ours = |id: &CustomId| id.tag == bot.handle.tag();
    Ok(board::custom_ids(message)
        .filter_map(CustomId::parse)
        .filter(ours)
        .find_map(|id| id.decision()))
}

async fn look_back(bot: &Bot, id: DecisionId) -> Result<View, HandleError> {
    let decision = bot.handle.get(id).await?;
    let mut view = View::words(String::new());
    let (shown, file) = bot.history(&decision, HISTORY).await?;
    view.embed = Some(
        CreateEmbed::new()
            .title(text::history_title(&decision))
            .description(shown)
            .colour(0x58_65F2),
    );
    view.files.extend(file);
    Ok(view)
}

impl Bot {
    /// A decision's history within `limit` characters, and a file with the full history if longer.
    pub(super) async fn history(
        &self,
        decision: &Decision,
        limit: usize,
    ) -> Result<(String, Option<CreateAttachment>), HandleError> {
        let events = self.handle.history(decision.id).await?;
        let history =
            text::history(decision, &events, self.handle.pace(), self.handle.rules().zone, limit);
        let file = history
            .file
            .map(|file| CreateAttachment::bytes(file.into_bytes(), text::history_file(decision)));
        Ok((history.shown, file))
    }
}
