//! Slash commands and message menus, and their registration.
//!
//! ```text
//! complete  autocompletion                          found  resolves the argument `decision`
//! verdicts  approve, reject, choose, answer, defer, take, undo
//! look      decision, attention, status, help       menu   Decide and History on a message
//! figures   calibration, digest                     grants  what agents may do without asking
//! ask       a person asks for a decision            quiet  availability
//! ```
//!
//! Every answer is visible to the caller only. The reconciler redraws changed cards.

mod ask;
mod complete;
mod decision_argument;
mod grants;
mod look;
mod menu;
mod quiet;
mod reports;
mod verdicts;

pub(crate) use self::decision_argument::SearchScope;
pub(crate) use self::look::{all_about, status_of};
pub(crate) use self::quiet::snoozed;
pub(crate) use self::verdicts::{decide_by_number, defer_until, take_by_text, undo_by_text};

use std::future::Future;
use std::sync::Arc;

use serenity::all::Command;

use super::connection::connect::persist;
use super::connection::people::Outsider;
use super::interactions::respond::{Responder, Response};
use super::rendering::render::View;
use super::{Bot, DiscordSettings};
use crate::core::decision::authorization::{Voter, areas_of};
use crate::presentation::text;

type Error = serenity::Error;
type Context<'a> = poise::ApplicationContext<'a, Arc<Bot>, Error>;

/// All commands, for registration and for poise.
fn all() -> Vec<poise::Command<Arc<Bot>, Error>> {
    vec![
        verdicts::approve(),
        verdicts::reject(),
        verdicts::defer(),
        verdicts::choose(),
        verdicts::answer(),
        verdicts::undo(),
        verdicts::take(),
        look::decision(),
        look::attention(),
        look::status(),
        grants::grants(),
        reports::digest(),
        reports::calibration(),
        look::help(),
        ask::ask(),
        quiet::snooze(),
        quiet::quiet(),
        quiet::away(),
        menu::decide(),
        menu::history(),
    ]
}

/// The names of all commands as Discord shows them. A message menu has a display name.
pub(crate) fn names() -> Vec<String> {
    all()
        .into_iter()
        .map(|command| command.context_menu_name.unwrap_or(command.name).into_owned())
        .collect()
}

/// The caller of a command, if a member of the bot's server.
async fn visitor(ctx: Context<'_>) -> Result<Voter, Outsider> {
    let (bot, interaction) = (ctx.data(), ctx.interaction);
    let (guild, member) = (interaction.guild_id, interaction.member.as_deref());
    bot.application.visitor(&bot.http, &bot.places, guild, &interaction.user, member).await
}

/// Answers the caller privately within Discord's deadline; refuses a caller from outside the bot's
/// server. A lost answer is logged; the change stands, and the card shows the change.
async fn answer<W>(ctx: Context<'_>, work: impl FnOnce(Voter) -> W + Send) -> Result<(), Error>
where
    W: Future<Output = View> + Send,
{
    let mut responder = Responder::new(ctx.data(), ctx.interaction.id, &ctx.interaction.token);
    let visit = async {
        match visitor(ctx).await {
            Ok(voter) => work(voter).await,
            Err(outsider) => View::words(outsider.words()),
        }
    };
    let view = responder.deferring(visit).await;
    responder.send(Response::Private(view)).await;
    Ok(())
}

impl Bot {
    /// Whether a person may decide anything. Only approvers are shown names of projects and kinds,
    /// counts and timings beyond the cards that everybody sees.
    pub(crate) fn is_approver(&self, voter: &Voter) -> bool {
        !areas_of(&self.handle.rules().approvers, voter).is_empty()
    }
}

/// The poise framework for the commands.
pub(crate) fn framework(bot: Arc<Bot>) -> poise::Framework<Arc<Bot>, Error> {
    let options = poise::FrameworkOptions {
        commands: all(),
        on_error: |error| Box::pin(failed(error)),
        ..poise::FrameworkOptions::default()
    };
    // The setup must not fail: after a setup error the process would stay alive without answering.
    poise::Framework::builder()
        .options(options)
        .setup(move |_, _, _| Box::pin(async move { Ok(bot) }))
        .build()
}

async fn failed(error: poise::FrameworkError<'_, Arc<Bot>, Error>) {
    let Some(ctx) = error.ctx() else {
        tracing::error!("a command failed: {error}");
        return;
    };
    let what = match &error {
        poise::FrameworkError::Command { error, .. } => super::connection::error::meaning(error).1,
        other => other.to_string(),
    };
    tracing::error!(command = %ctx.command().name, what, "a command failed");
    // If Discord rejects this message too, the person sees Discord's own error text.
    let _ = ctx.send(View::words(text::store_failed(&what)).reply()).await;
}

/// Registers the commands globally, and retries until Discord answers. Separate from poise's setup,
/// because registration can take long.
pub(crate) async fn register(bot: Arc<Bot>, settings: Arc<DiscordSettings>) {
    let commands = poise::builtins::create_application_commands(&all());
    let registered = persist("register the commands", &settings.api, || {
        Command::set_global_commands(&bot.http, commands.clone())
    })
    .await;
    match registered {
        Ok(commands) => tracing::info!(count = commands.len(), "commands registered"),
        Err(error) => tracing::error!("{error}. Cards and buttons work, but slash commands do not"),
    }
}
