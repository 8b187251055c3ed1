//! Discord: cards in channels, buttons, forms and slash commands. The only user of serenity and
//! poise.
//!
//! ```text
//! connection     HTTP client, gateway, channels, people, health check, meaning of failed requests
//! rendering      cards as embeds and components; posts and edits messages; calibration and digest
//! interactions   a click on a decision, up to the answer
//!   custom_id      ids of buttons, menus and forms    respond        answers within 3 s
//!   forms          the forms and their fields         refusals       why a click failed
//!   list_actions   clicks on a list                   bulk_approval  bulk approval, review
//!   attention      private list of waiting decisions  chat           chat with the bot
//!   seen_revisions revisions seen by each person
//! commands       slash commands, message menus
//! alerts         reminders, direct messages; alerts about configuration, undeliverable cards,
//!                another bot behind the same token, other servers
//! ```

pub mod alerts;
mod commands;
pub mod connection;
mod interactions;
pub mod rendering;

use std::future::Future;
use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use serenity::all::{GuildId, GuildInfo, Http, UserId};
use tokio::sync::watch;

use self::alerts::undeliverable_alert::Alarm;
use self::connection::channels::Places;
pub use self::connection::channels::{Channels, MENTION_PERMISSION, REQUIRED_PERMISSIONS};
use self::connection::connect::persist;
pub use self::connection::connect::{Api, ConnectError};
pub use self::connection::health::{Configured, checkup};
use self::connection::people::{Application, DiscordDirectory};
pub use self::interactions::respond::ResponseTimes;
use self::interactions::seen_revisions::Shown;
use crate::core::decision::authorization::ApproverRule;
use crate::engine::escalation::reminders::Reminders;
use crate::engine::reconciler::Reconciler;
use crate::engine::{Handle, HandleError};
use crate::presentation::text;

/// Settings of the Discord surface.
#[derive(Clone)]
pub struct DiscordSettings {
    /// The bot's token.
    pub token: SecretString,
    /// The address of Discord's API.
    pub api: Api,
    /// The server's id; without it the store's server, or else the only one.
    pub guild: Option<u64>,
    /// The channels for cards and digests.
    pub channels: Channels,
    /// The time to answer a click or command.
    pub response_times: ResponseTimes,
}

/// Shared by the handlers of all interactions, commands and chat messages.
pub(crate) struct Bot {
    handle: Handle,
    http: Arc<Http>,
    application: Application,
    places: Arc<Places>,
    reconciler: Arc<Reconciler>,
    shown: Shown,
    assignments: alerts::assignments::Assignments,
    response_times: ResponseTimes,
}

/// Runs the bot until `stop` resolves.
///
/// # Errors
/// [`ConnectError`] for failures that a retry cannot fix. All other failures are logged and
/// retried.
pub async fn run(
    handle: Handle,
    settings: DiscordSettings,
    stop: impl Future<Output = ()>,
) -> Result<(), ConnectError> {
    let (_unchanged, channels) = watch::channel(settings.channels.clone());
    run_with_channel_updates(handle, settings, channels, stop).await
}

/// Like [`run`], with channels that can change at run time. The caller updates the handle's rules
/// before sending new channels.
///
/// # Errors
/// As [`run`].
pub async fn run_with_channel_updates(
    handle: Handle,
    settings: DiscordSettings,
    channels: watch::Receiver<Channels>,
    stop: impl Future<Output = ()>,
) -> Result<(), ConnectError> {
    let settings = Arc::new(settings);
    tokio::select! {
        result = connected(handle, settings, channels) => result,
        () = stop => Ok(()),
    }
}

async fn connected(
    handle: Handle,
    settings: Arc<DiscordSettings>,
    channels: watch::Receiver<Channels>,
) -> Result<(), ConnectError> {
    let http = Arc::new(connection::connect::http(&settings.token, &settings.api)?);
    let (application, places) = fetch_application_and_channels(&handle, &http, &settings).await?;
    handle.set_member_directory(Arc::new(DiscordDirectory {
        http: Arc::clone(&http),
        places: Arc::clone(&places),
        application: application.clone(),
    }));
    let sink = rendering::sink::DiscordSink {
        shown: rendering::shown::ShownContent::default(),
        http: Arc::clone(&http),
        places: Arc::clone(&places),
        tag: handle.tag().to_owned(),
        me: application.me,
        guild: application.guild,
        alarm: Alarm::new(Arc::clone(&http), handle.clone(), application.owner),
        handle: handle.clone(),
    };
    let reconciler = Reconciler::new(handle.clone(), Arc::new(sink));
    log_approvers(&handle.rules().approvers, application.owner_id(), &places);
    let members = alerts::reminders::Members {
        http: Arc::clone(&http),
        application: application.clone(),
        places: Arc::clone(&places),
        known: Mutex::default(),
    };
    let reminders = Reminders::new(handle.clone(), Arc::new(members), Arc::clone(&reconciler));
    let bot = Arc::new(Bot {
        handle,
        http,
        application,
        places,
        reconciler: Arc::clone(&reconciler),
        shown: Shown::default(),
        assignments: alerts::assignments::Assignments::default(),
        response_times: settings.response_times,
    });
    tokio::select! {
        result = connection::gateway::keep_connected(&bot, &settings) => result,
        // These futures run only while polled, so they end with the connection.
        () = async {
            let register = commands::register(Arc::clone(&bot), Arc::clone(&settings));
            let tell = alerts::direct_message::notify_requesters(Arc::clone(&bot));
            tokio::join!(
                reconciler.run(),
                reminders.run(),
                tell,
                alerts::assignments::run(Arc::clone(&bot)),
                register,
                follow(&bot, channels),
                alerts::config_alert::run(&bot),
            );
        } => Ok(()),
    }
}

/// Applies every configuration change until the sender is dropped.
async fn follow(bot: &Bot, mut channels: watch::Receiver<Channels>) {
    while channels.changed().await.is_ok() {
        let configured = channels.borrow_and_update().clone();
        bot.places.configure(configured);
        log_channels(&bot.places);
        log_approvers(&bot.handle.rules().approvers, bot.application.owner_id(), &bot.places);
        bot.reconciler.try_again().await;
    }
}

/// Reads the bot's user, the application's owner and the server's channels from Discord.
async fn fetch_application_and_channels(
    handle: &Handle,
    http: &Arc<Http>,
    settings: &DiscordSettings,
) -> Result<(Application, Arc<Places>), ConnectError> {
    let api = &settings.api;
    let me = persist("ask Discord who this bot is", api, || http.get_current_user()).await?;
    let about = persist("ask Discord whose application this is", api, || {
        http.get_current_application_info()
    })
    .await?;
    http.set_application_id(about.id);
    let guild = server(handle, http, settings, about.id.get()).await?;
    let owner: Option<UserId> =
        about.team.map(|team| team.owner_user_id).or_else(|| about.owner.map(|owner| owner.id));
    let places = Arc::new(Places::new(settings.channels.clone()));
    persist("read the server's channels", api, || places.refresh(http, guild, me.id)).await?;
    tracing::info!(bot = me.name, owner = owner.map(UserId::get), "connected to {}", api.name());
    log_channels(&places);
    Ok((Application { owner, me: me.id, guild }, places))
}

/// Logs the channel of each project's cards, or why cards cannot be posted.
fn log_channels(places: &Places) {
    for project in places.configured() {
        let whose = project.as_ref().map_or_else(
            || "all other projects".to_owned(),
            |project| format!("project {project}"),
        );
        match project.map_or_else(|| places.usual(), |project| places.of_project(&project)) {
            Ok(channel) => tracing::info!("cards of {whose} go to {}", places.name(channel)),
            Err(why) => tracing::error!(
                "cards of {whose} cannot be posted: {why}. Until this is \
                 fixed, /attention shows them"
            ),
        }
    }
    if let Some(Err(why)) = places.resolve_digest_channel() {
        tracing::error!(
            "the digest cannot be posted: {why}. Until this is fixed, /digest shows the figures"
        );
    }
}

/// Logs the approver rules. Warns about unknown roles, and about decisions without any approver.
fn log_approvers(rules: &[ApproverRule], owner: Option<u64>, places: &Places) {
    if rules.is_empty() {
        tracing::info!(owner, "the application's owner approves");
        return;
    }
    for rule in rules {
        tracing::info!(
            users = ?rule.users,
            roles = ?rule.roles,
            projects = ?rule.projects,
            kinds = ?rule.kinds,
            risks = ?rule.risks,
            "approvers"
        );
        for role in rule.roles.iter().filter(|role| !places.has_role(role)) {
            tracing::warn!(
                "[[approvers]] names the role {role:?}, which does not exist on the server: \
                 nobody can approve by this role"
            );
        }
    }
    if !rules
        .iter()
        .any(|rule| rule.projects.is_empty() && rule.kinds.is_empty() && rule.risks.is_empty())
    {
        tracing::warn!(
            "every [[approvers]] rule is limited to projects, kinds or risks: nobody, not even \
             the application's owner, may decide anything else. Add a rule with only users or \
             roles to cover the rest"
        );
    }
}

/// The OAuth2 address to invite the bot with all needed permissions.
fn invitation(application: u64) -> String {
    format!(
        "https://discord.com/oauth2/authorize?client_id={application}\
         &scope=bot+applications.commands&permissions={}",
        REQUIRED_PERMISSIONS.union(MENTION_PERMISSION).bits()
    )
}

/// The bot's server among those that it is in.
#[derive(Debug, Clone, Copy)]
enum ServerChoice<'a> {
    /// This one: it was configured or pinned, or is the only one.
    Found(&'a GuildInfo),
    /// The configured or pinned server is not among them.
    Missing(u64),
    /// The bot is in no server.
    Nowhere,
    /// The bot is in several servers, and nothing says which is its own.
    Several,
}

/// Chooses the bot's server: the configured one; else the pinned one; else the only one.
fn choose(guilds: &[GuildInfo], configured: Option<u64>, pinned: Option<u64>) -> ServerChoice<'_> {
    match (configured.or(pinned), guilds) {
        (Some(wanted), _) => guilds
            .iter()
            .find(|guild| guild.id.get() == wanted)
            .map_or(ServerChoice::Missing(wanted), ServerChoice::Found),
        (None, []) => ServerChoice::Nowhere,
        (None, [only]) => ServerChoice::Found(only),
        (None, _) => ServerChoice::Several,
    }
}

/// Why there is no server, with the remedy.
fn no_server(
    choice: ServerChoice<'_>,
    guilds: &[GuildInfo],
    configured: bool,
    invite: &str,
) -> String {
    match choice {
        ServerChoice::Missing(id) => text::not_in_server(id, configured, invite),
        ServerChoice::Several => {
            let servers = guilds.iter().map(|guild| (guild.name.clone(), guild.id.get()));
            text::several_servers(&servers.collect::<Vec<_>>())
        }
        ServerChoice::Nowhere | ServerChoice::Found(_) => {
            format!("the bot is not in any server yet. Invite it: {invite}")
        }
    }
}

/// The bot's server; the first start pins the store to it.
async fn server(
    handle: &Handle,
    http: &Http,
    settings: &DiscordSettings,
    application: u64,
) -> Result<GuildId, ConnectError> {
    let failed = |error: HandleError| ConnectError::Refused(error.to_string());
    let guilds =
        persist("ask Discord for the bot's servers", &settings.api, || http.get_guilds(None, None))
            .await?;
    let operations = handle.operations();
    let pinned = operations.pinned_server().await.map_err(failed)?;
    let choice = choose(&guilds, settings.guild, pinned);
    let ServerChoice::Found(guild) = choice else {
        let invite = invitation(application);
        let words = no_server(choice, &guilds, settings.guild.is_some(), &invite);
        return Err(ConnectError::NoServer(words));
    };
    let id = guild.id.get();
    if pinned != Some(id) {
        operations.pin_server(id).await.map_err(failed)?;
        tracing::info!(
            before = pinned,
            "this store belongs to the server {} ({id}) from now on; only guild under [discord] in \
             gander.toml changes that",
            guild.name
        );
    }
    Ok(guild.id)
}
