//! Commands in a message's menu: Decide and History. Everybody in the channel may read a card;
//! deciding is checked.

use serenity::all::{CreateAttachment, CreateEmbed, Message};

use super::{Context, Error, answer};
use crate::core::decision::authorization::Voter;
use crate::core::decision::{Decision, DecisionId};
use crate::core::messaging::message::MessageId;
use crate::engine::HandleError;
use crate::presentation::text;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::interactions::bulk_approval::WAITING_LIST;
use crate::surfaces::discord::interactions::custom_id::{Control, CustomId};
use crate::surfaces::discord::rendering::render::View;
use crate::surfaces::discord::rendering::sink;

/// Maximum characters of a history (Discord: 4,096 in an embed).
const HISTORY: usize = 3_500;

#[poise::command(context_menu_command = "Decide")]
pub(crate) async fn decide(ctx: Context<'_>, message: Message) -> Result<(), Error> {
    let bot = ctx.data();
    let work = |voter: Voter| async move {
        if let Some((id, list)) = list_on(bot, &message) {
            return bot.walk(&voter, id, list, 0, None).await;
        }
        let id = match decision_of(bot, &message).await {
            Ok(Some(id)) => id,
            Ok(None) => return View::words(text::NO_CARD),
            Err(error) => return View::words(text::store_failed(&error.to_string())),
        };
        match bot.handle.approvers().may_see(id, &voter).await {
            Ok(decision) => bot.show(&voter, &decision, None),
            Err(error) => bot.not_done(&voter, id, error).await,
        }
    };
    answer(ctx, work).await
}

#[poise::command(context_menu_command = "History")]
pub(crate) async fn history(ctx: Context<'_>, message: Message) -> Result<(), Error> {
    let bot = ctx.data();
    let work = |_| async move {
        match decision_of(bot, &message).await {
            Ok(Some(id)) => match history_view(bot, id).await {
                Ok(view) => view,
                Err(error) => View::words(text::store_failed(&error.to_string())),
            },
            Ok(None) => View::words(text::NO_CARD),
            Err(error) => View::words(text::store_failed(&error.to_string())),
        }
    };
    answer(ctx, work).await
}

/// The list of a message for several decisions: the message's id and the list's revision.
fn list_on(bot: &Bot, message: &Message) -> Option<(MessageId, u32)> {
    let ours = sink::custom_ids(message)
        .filter_map(CustomId::parse)
        .filter(|id| id.tag == bot.handle.tag());
    let mut lists = ours.filter_map(|id| match id.act {
        Control::With(id, list, _)
            if message.author.id == bot.application.me && id != WAITING_LIST =>
        {
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
    let found = bot.handle.messages().with_discord_id(message.id.to_string()).await?;
    if let Some(id) = found.and_then(|found| found.purpose.card_of()) {
        return Ok(Some(id));
    }
    let ours = |id: &CustomId| id.tag == bot.handle.tag();
    Ok(sink::custom_ids(message)
        .filter_map(CustomId::parse)
        .filter(ours)
        .find_map(|id| id.decision()))
}

async fn history_view(bot: &Bot, id: DecisionId) -> Result<View, HandleError> {
    let decision = bot.handle.approvals().get(id).await?;
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
    pub(crate) async fn history(
        &self,
        decision: &Decision,
        limit: usize,
    ) -> Result<(String, Option<CreateAttachment>), HandleError> {
        let events = self.handle.event_log().history(decision.id).await?;
        let history = text::history(
            decision,
            &events,
            self.handle.time_scale(),
            self.handle.rules().zone,
            limit,
        );
        let file = history
            .file
            .map(|file| CreateAttachment::bytes(file.into_bytes(), text::history_file(decision)));
        Ok((history.shown, file))
    }
}
