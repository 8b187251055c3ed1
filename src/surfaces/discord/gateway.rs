//! Discord's events, and a connection that is kept.
//!
//! Every event is only a hint: what a lost session did not tell is found by comparing every open
//! card with what hangs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serenity::all::{
    ChannelId, Client, ClientBuilder, ConnectionStage, Context, EventHandler, GatewayIntents,
    GuildChannel, GuildId, Interaction, Message, MessageId, Ready, ResumedEvent, Role, RoleId,
    ShardStageUpdateEvent,
};
use serenity::gateway::{GatewayError, ShardManager};
use serenity::http::RatelimitInfo;
use tokio::sync::watch;
use tracing::Instrument as _;

use super::connect::{ConnectError, persist};
use super::custom_id::CustomId;
use super::{Bot, Settings, another, commands, interactions, talk};

/// Channels and roles, the deletion of cards, and words to the bot: what is said in a direct
/// message or with a mention is told without the privileged intent for all contents. None of these
/// is privileged.
const INTENTS: GatewayIntents = GatewayIntents::GUILDS
    .union(GatewayIntents::GUILD_MESSAGES)
    .union(GatewayIntents::DIRECT_MESSAGES);

/// A connection that is not there for this long is made anew. serenity resumes within milliseconds,
/// but never recovers from some ends (a close with code 4003).
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause before a new client doubles with each that did not last: Discord allows 1,000
/// connections a day.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// A client that lived this long did connect: the next pause is a short one again.
const LASTING: Duration = Duration::from_secs(90);

/// Connects, and connects anew whenever the connection is lost for good.
pub(super) async fn keep_connected(
    bot: &Arc<Bot>,
    settings: &Settings,
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
        bot.handle.connected(false);
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
                    "Discord refuses the gateway intents, though none of them is privileged".into(),
                ));
            }
            Some(Err(error)) => {
                tracing::warn!("the connection to Discord's gateway ended: {error}")
            }
            Some(Ok(())) => tracing::warn!("the connection to Discord's gateway ended"),
            None => {
                tracing::warn!("no connection to Discord's gateway for {} s", PATIENCE.as_secs())
            }
        }
        pause = if lasted { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        tracing::warn!(
            "connecting anew in {} s; cards and deadlines go on meanwhile",
            pause.as_secs()
        );
        tokio::time::sleep(pause).await;
    }
}

/// The client's connections run in tasks of their own: they end with this, however the wait for
/// them ends.
struct Shards(Arc<ShardManager>);

impl Drop for Shards {
    fn drop(&mut self) {
        let manager = Arc::clone(&self.0);
        // Without a runtime there are no tasks any more either.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { manager.shutdown_all().await });
        }
    }
}

async fn client(
    bot: &Arc<Bot>,
    settings: &Settings,
    connected: watch::Sender<bool>,
) -> Result<Client, ConnectError> {
    let gateway =
        persist("ask Discord for its gateway", &settings.api, || bot.http.get_gateway()).await?;
    // The client takes its own HTTP client by value; this one is asked for nothing but the
    // gateway's address.
    let http = super::connect::http(&settings.token, &settings.api)?;
    let client = ClientBuilder::new_with_http(http, INTENTS)
        .event_handler(Events { bot: Arc::clone(bot), connected })
        .framework(commands::framework(Arc::clone(bot)))
        .await
        .map_err(|error| {
            ConnectError::Refused(format!(
                "the client cannot be made: {}",
                super::error::meaning(&error).1
            ))
        })?;
    // If its own request for the address failed, serenity would silently go to discord.gg instead.
    *client.ws_url.lock().await = gateway.url;
    Ok(client)
}

/// Resolves once there was no connection for [`PATIENCE`].
async fn lost(connected: &mut watch::Receiver<bool>) {
    loop {
        if tokio::time::timeout(PATIENCE, connected.wait_for(|connected| *connected)).await.is_err()
        {
            return;
        }
        if connected.wait_for(|connected| !*connected).await.is_err() {
            // The client is gone; `start` returns and says why.
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
        self.bot.handle.connected(connected);
    }

    /// Channels or permissions changed: learn them, and try again what waits for a place.
    async fn places_changed(&self) {
        let bot = &self.bot;
        if let Err(error) =
            bot.places.refresh(&bot.http, bot.application.guild, bot.application.me).await
        {
            tracing::warn!(
                "the server's channels could not be read again: {}",
                super::error::meaning(&error).1
            );
        }
        bot.deliveries.look_at_all().await;
    }
}

#[async_trait]
impl EventHandler for Events {
    async fn ready(&self, _: Context, ready: Ready) {
        tracing::info!(user = ready.user.name, "the gateway is ready");
        self.connection_is(true);
        // A new session: whatever happened since the last one was not told.
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
        tracing::debug!(timeout = ?data.timeout, limit = data.limit, method = ?data.method, global = data.global, "waiting for a rate limit");
    }

    async fn interaction_create(&self, _: Context, interaction: Interaction) {
        // Whatever is logged on the way carries the decision's number.
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
                interactions::form(&self.bot, &interaction).instrument(span).await;
            }
            // Commands and their completions are poise's.
            _ => {}
        }
    }

    async fn message(&self, _: Context, message: Message) {
        another::heard(&self.bot, &message);
        talk::answer(&self.bot, &message).await;
    }

    async fn message_delete(
        &self,
        _: Context,
        _: ChannelId,
        message: MessageId,
        _: Option<GuildId>,
    ) {
        self.bot.deliveries.lost(message.to_string()).await;
    }

    async fn message_delete_bulk(
        &self,
        _: Context,
        _: ChannelId,
        messages: Vec<MessageId>,
        _: Option<GuildId>,
    ) {
        for message in messages {
            self.bot.deliveries.lost(message.to_string()).await;
        }
    }

    async fn channel_create(&self, _: Context, _: GuildChannel) {
        self.places_changed().await;
    }

    async fn channel_update(&self, _: Context, _: Option<GuildChannel>, _: GuildChannel) {
        self.places_changed().await;
    }

    async fn channel_delete(&self, _: Context, _: GuildChannel, _: Option<Vec<Message>>) {
        self.places_changed().await;
    }

    async fn guild_role_create(&self, _: Context, _: Role) {
        self.places_changed().await;
    }

    async fn guild_role_update(&self, _: Context, _: Option<Role>, _: Role) {
        self.places_changed().await;
    }

    async fn guild_role_delete(&self, _: Context, _: GuildId, _: RoleId, _: Option<Role>) {
        self.places_changed().await;
    }
}
