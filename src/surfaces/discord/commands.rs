//! Slash commands, and their registration.

use std::sync::Arc;

use serenity::all::Command;

use super::connect::persist;
use super::render::View;
use super::respond::SOON;
use super::{Bot, Settings};
use crate::core::text;

type Error = serenity::Error;
type Context<'a> = poise::Context<'a, Arc<Bot>, Error>;

/// What waits on you, most urgent first.
#[poise::command(slash_command, ephemeral)]
async fn attention(ctx: Context<'_>) -> Result<(), Error> {
    let bot = Arc::clone(ctx.data());
    let poise::Context::Application(application) = ctx else { return Ok(()) };
    let interaction = application.interaction;
    let work = async {
        let voter = bot.application.voter(&bot.http, &bot.places, &interaction.user, interaction.member.as_deref()).await;
        bot.attention(&voter, 0).await
    };
    tokio::pin!(work);
    let view = match tokio::time::timeout(SOON, &mut work).await {
        Ok(view) => view,
        Err(_) => {
            ctx.defer_ephemeral().await?;
            work.await
        }
    };
    ctx.send(view.reply()).await.map(drop)
}

/// The commands as poise runs them.
pub(super) fn framework(bot: Arc<Bot>) -> poise::Framework<Arc<Bot>, Error> {
    let options = poise::FrameworkOptions {
        commands: vec![attention()],
        on_error: |error| Box::pin(failed(error)),
        ..poise::FrameworkOptions::default()
    };
    // An error in setup would leave a process that is alive and answers nothing: there is nothing in it that can fail.
    poise::Framework::builder().options(options).setup(move |_, _, _| Box::pin(async move { Ok(bot) })).build()
}

async fn failed(error: poise::FrameworkError<'_, Arc<Bot>, Error>) {
    let Some(ctx) = error.ctx() else {
        tracing::error!("a command failed: {error}");
        return;
    };
    let what = match &error {
        poise::FrameworkError::Command { error, .. } => super::error::meaning(error).1,
        other => other.to_string(),
    };
    tracing::error!(command = %ctx.command().name, what, "a command failed");
    // If even this is not taken, the person sees Discord's own words for a failure.
    let _ = ctx.send(View::words(text::trouble(&what)).reply()).await;
}

/// Tells Discord which commands there are. Outside of poise's setup, and for as long as it takes.
pub(super) async fn register(bot: Arc<Bot>, settings: Arc<Settings>) {
    let commands = poise::builtins::create_application_commands(&[attention()]);
    let registered =
        persist("register the commands", &settings.api, || Command::set_global_commands(&bot.http, commands.clone())).await;
    match registered {
        Ok(commands) => tracing::info!(count = commands.len(), "commands registered"),
        Err(error) => tracing::error!("{error}. Cards and buttons work; slash commands do not"),
    }
}
