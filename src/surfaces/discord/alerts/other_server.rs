//! Alerts the operator when the bot is in another server than its own: in the log, in the status,
//! and by a direct message to the application's owner. Anybody may invite a public application;
//! nothing from another server is ever looked at.

use std::sync::Arc;

use serenity::all::GuildId;

use super::undeliverable_alert::tell;
use crate::presentation::text;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::connection::error::meaning;

/// Takes note of a server that the bot is in. Each other server is alerted about once per start.
pub(crate) fn seen(bot: &Arc<Bot>, guild: GuildId, name: String) {
    if !bot.application.is_elsewhere(Some(guild)) {
        return;
    }
    let words = text::invited_elsewhere(&name, guild.get());
    if !bot.handle.operations().saw_other_server(guild.get(), name) {
        return;
    }
    tracing::warn!("{words}");
    let Some(owner) = bot.application.owner else { return };
    let http = Arc::clone(&bot.http);
    // Not awaited: other events wait behind this one.
    tokio::spawn(async move {
        if let Err(error) = tell(&http, owner, &words).await {
            let why = meaning(&error).1;
            tracing::warn!(%owner, why, "could not alert the owner of the application");
        }
    });
}
