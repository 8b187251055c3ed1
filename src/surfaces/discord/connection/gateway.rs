//! Gateway events and reconnection.
//!
//! Every event is only a hint. After a lost session, every open card is compared with the posted
//! message.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serenity::all::{
    ChannelId, Client, ClientBuilder, ConnectionStage, Context, EventHandler, GatewayIntents,
    Guild, GuildChannel, GuildId, Interaction, Message, MessageId, Ready, ResumedEvent, Role,
    RoleId, ShardStageUpdateEvent, UnavailableGuild,
};
use serenity::gateway::{GatewayError, ShardManager};
use serenity::http::RatelimitInfo;
use tokio::sync::watch;
use tracing::Instrument as _;

use super::connect::{ConnectError, persist};
use crate::surfaces::discord::alerts::{duplicate_bot, other_server};
use crate::surfaces::discord::interactions::chat;
use crate::surfaces::discord::interactions::custom_id::CustomId;
use crate::surfaces::discord::interactions::forms;
use crate::surfaces::discord::{Bot, DiscordSettings, commands, interactions};

/// Events about channels, roles, deleted messages and new messages. Discord delivers the content of
/// direct messages and of mentions without the privileged message-content intent. None of these
/// intents is privileged.
const INTENTS: GatewayIntents = GatewayIntents::GUILDS
    .union(GatewayIntents::GUILD_MESSAGES)
    .union(GatewayIntents::DIRECT_MESSAGES);

/// After this long without a connection the client is replaced. serenity resumes a session within
/// milliseconds, but never recovers from some closes (code 4003).
const RECONNECT_AFTER: Duration = Duration::from_secs(30);
/// Backoff before a new client. The pause doubles after each short-lived connection, because
/// Discord allows 1,000 connections a day.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// A client older than this had connected, so the backoff starts again.
const LASTING: Duration = Duration::from_secs(90);

/// Connects, and replaces the client whenever the connection is lost for good.
pub(crate) async fn keep_connected(
    bot: &Arc<Bot>,
    settings: &DiscordSettings,
) -> Result<(), ConnectError> {
    let mut pause = FIRST_PAUSE;
    loop {
        let (connected, mut watched) = watch::channel(false);
        let mut client = client(bot, settings, connected).await?;
        let since = tokio::time::Instant::now();
        let shards = Shards(Arc::clone(&client.shard_manager));
        let ended = tokio::select! {
            ended = client.start() => Some(ended),
            () = lost(&mut watched) => None,
        };
        bot.handle.operations().set_connected(false);
        let lasted = since.elapsed() > LASTING;
        drop(shards);
        match ended {
            Some(Err(serenity::Error::Gateway(GatewayError::InvalidAuthentication))) => {
                return Err(ConnectError::Unauthorized);
            }
            Some(Err(serenity::Error::Gateway(
                GatewayError::DisallowedGatewayIntents | GatewayError::InvalidGatewayIntents,
            ))) => {
                return Err(ConnectError::Refused(
                    "Discord rejects the gateway intents, although none is privileged".into(),
                ));
            }
            Some(Err(error)) => {
                tracing::warn!("the connection to Discord's gateway ended: {error}")
            }
            Some(Ok(())) => tracing::warn!("the connection to Discord's gateway ended"),
            None => {
                tracing::warn!(
                    "no connection to Discord's gateway for {} s",
                    RECONNECT_AFTER.as_secs()
                )
            }
        }
        pause = if lasted { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        tracing::warn!(
            "reconnecting in {} s; cards and deadlines continue meanwhile",
            pause.as_secs()
        );
        tokio::time::sleep(pause).await;
    }
}

/// Shuts down the client's shards on drop. Shards run in their own tasks and would outlive the
/// client.
struct Shards(Arc<ShardManager>);

impl Drop for Shards {
    fn drop(&mut self) {
        let manager = Arc::clone(&self.0);
        // Without a runtime no shard task is left.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { manager.shutdown_all().await });
        }
    }
}

async fn client(
    bot: &Arc<Bot>,
    settings: &DiscordSettings,
    connected: watch::Sender<bool>,
) -> Result<Client, ConnectError> {
    let gateway =
        persist("ask Discord for its gateway", &settings.api, || bot.http.get_gateway()).await?;
    // `ClientBuilder` takes the HTTP client by value. This client requests only the gateway's
    // address.
    let http = super::connect::http(&settings.token, &settings.api)?;
    let client = ClientBuilder::new_with_http(http, INTENTS)
        .event_handler(Events { bot: Arc::clone(bot), connected })
        .framework(commands::framework(Arc::clone(bot)))
        .await
        .map_err(|error| {
            ConnectError::Refused(format!(
                "cannot create the client: {}",
                super::error::meaning(&error).1
            ))
        })?;
    // serenity falls back to discord.gg without a warning if its own request for the address
    // failed.
    *client.ws_url.lock().await = gateway.url;
    Ok(client)
}

/// Resolves after [`RECONNECT_AFTER`] without a connection.
async fn lost(connected: &mut watch::Receiver<bool>) {
    loop {
        if tokio::time::timeout(RECONNECT_AFTER, connected.wait_for(|connected| *connected))
            .await
            .is_err()
        {
            return;
        }
        if connected.wait_for(|connected| !*connected).await.is_err() {
            // The client has ended; `start` returns the reason.
            std::future::pending::<()>().await;
        }
    }
}

struct Events {
    bot: Arc<Bot>,
    connected: watch::Sender<bool>,
}

impl Events {
    fn connection_is(&self, connected: bool) {
        self.connected.send_replace(connected);
        self.bot.handle.operations().set_connected(connected);
    }

    /// [`Events::places_changed`], unless the change was in another server.
    async fn places_changed_in(&self, guild: GuildId) {
        if !self.bot.application.is_elsewhere(Some(guild)) {
            self.places_changed().await;
        }
    }

    /// Reads the changed channels and permissions, and checks every open card.
    async fn places_changed(&self) {
        let bot = &self.bot;
        if let Err(error) =
            bot.places.refresh(&bot.http, bot.application.guild, bot.application.me).await
        {
            tracing::warn!(
                "could not read the server's channels again: {}",
                super::error::meaning(&error).1
            );
        }
        bot.reconciler.compare_all().await;
    }
}

#[async_trait]
impl EventHandler for Events {
    async fn ready(&self, _: Context, ready: Ready) {
        tracing::info!(user = ready.user.name, "the gateway is ready");
        self.connection_is(true);
        // Discord does not replay events from before a new session.
        self.places_changed().await;
    }

    async fn resume(&self, _: Context, _: ResumedEvent) {
        tracing::info!("the gateway's session was resumed");
        self.connection_is(true);
    }

    async fn shard_stage_update(&self, _: Context, event: ShardStageUpdateEvent) {
        tracing::debug!(from = ?event.old, to = ?event.new, "gateway");
        self.connection_is(event.new == ConnectionStage::Connected);
    }

    async fn ratelimit(&self, data: RatelimitInfo) {
        tracing::debug!(
            timeout = ?data.timeout,
            limit = data.limit,
            method = ?data.method,
            global = data.global,
            "waiting for a rate limit"
        );
    }

    async fn interaction_create(&self, _: Context, interaction: Interaction) {
        // The span adds the decision's number to all log lines of the interaction.
        let about = |custom_id: &str| {
            let decision = CustomId::parse(custom_id).and_then(|id| id.decision()).map(|id| id.0);
            tracing::info_span!("click", decision)
        };
        match interaction {
            Interaction::Component(interaction) => {
                let span = about(&interaction.data.custom_id);
                interactions::component(&self.bot, &interaction).instrument(span).await;
            }
            Interaction::Modal(interaction) => {
                let span = about(&interaction.data.custom_id);
                forms::submitted(&self.bot, &interaction).instrument(span).await;
            }
            // poise handles commands and their completions.
            _ => {}
        }
    }

    async fn message(&self, _: Context, message: Message) {
        duplicate_bot::check_for_foreign_store(&self.bot, &message);
        chat::answer(&self.bot, &message).await;
    }

    async fn message_delete(
        &self,
        _: Context,
        _: ChannelId,
        message: MessageId,
        guild: Option<GuildId>,
    ) {
        if self.bot.application.is_elsewhere(guild) {
            return;
        }
        self.bot.reconciler.deleted(message.to_string()).await;
    }

    async fn message_delete_bulk(
        &self,
        _: Context,
        _: ChannelId,
        messages: Vec<MessageId>,
        guild: Option<GuildId>,
    ) {
        if self.bot.application.is_elsewhere(guild) {
            return;
        }
        for message in messages {
            self.bot.reconciler.deleted(message.to_string()).await;
        }
    }

    async fn guild_create(&self, _: Context, guild: Guild, _: Option<bool>) {
        other_server::seen(&self.bot, guild.id, guild.name);
    }

    async fn guild_delete(&self, _: Context, gone: UnavailableGuild, _: Option<Guild>) {
        // An unavailable server has an outage; the bot is still in it.
        if !gone.unavailable {
            self.bot.handle.operations().left_other_server(gone.id.get());
        }
    }

    async fn channel_create(&self, _: Context, channel: GuildChannel) {
        self.places_changed_in(channel.guild_id).await;
    }

    async fn channel_update(&self, _: Context, _: Option<GuildChannel>, channel: GuildChannel) {
        self.places_changed_in(channel.guild_id).await;
    }

    async fn channel_delete(&self, _: Context, channel: GuildChannel, _: Option<Vec<Message>>) {
        self.places_changed_in(channel.guild_id).await;
    }

    async fn guild_role_create(&self, _: Context, role: Role) {
        self.places_changed_in(role.guild_id).await;
    }

    async fn guild_role_update(&self, _: Context, _: Option<Role>, role: Role) {
        self.places_changed_in(role.guild_id).await;
    }

    async fn guild_role_delete(&self, _: Context, guild: GuildId, _: RoleId, _: Option<Role>) {
        self.places_changed_in(guild).await;
    }
}
