//! Discord: cards in channels, buttons, forms and slash commands. The only user of serenity and
//! poise.
//!
//! ```text
//! connect      HTTP client, time-outs, retries      error     meaning of failed requests
//! places       channels and permissions             people    user and roles of the caller
//! render       cards as embeds and components       sheets    messages for several decisions
//! custom_id    ids of buttons, menus and forms
//! board        posts and edits messages             respond   answers an interaction within 3 s
//! interactions clicks, menu choices                 forms     modal forms
//! together     bulk approval, review of a list
//! attention    private list of waiting decisions    notice    direct messages: assigned, verdict
//! shown        revisions seen by each person        alarm     alert: cards cannot be posted
//! figures      calibration and digest, with plots
//! reminders    members, roles, reminder buttons
//! talk         chat with the bot
//! commands     slash commands, message menus        gateway   events, reconnection
//! mistake      alert: configuration error           checkup   health check for the doctor
//! another      other stores behind the same token
//! ```

mod alarm;
mod another;
mod attention;
mod board;
mod checkup;
mod commands;
mod connect;
mod custom_id;
mod error;
mod figures;
mod forms;
mod gateway;
mod interactions;
mod mistake;
mod notice;
mod people;
mod places;
mod reminders;
mod render;
mod respond;
mod sheets;
mod shown;
mod talk;
mod together;

use std::future::Future;
use std::sync::{Arc, Mutex};

use serenity::all::{GuildId, GuildInfo, Http, UserId};
use tokio::sync::watch;

use self::alarm::Alarm;
pub use self::checkup::{Configured, checkup};
use self::connect::persist;
pub use self::connect::{Api, ConnectError};
use self::people::Application;
use self::places::Places;
pub use self::places::{Channels, HERE, NEEDED};
use self::shown::Shown;
use crate::core::permission::ApproverRule;
use crate::engine::Handle;
use crate::engine::deliveries::Deliveries;
use crate::engine::reminders::Reminders;

/// Settings of the Discord surface.
#[derive(Clone)]
pub struct Settings {
    /// The bot's token. Never logged: this type has no `Debug`.
    pub token: String,
    /// The address of Discord's API.
    pub api: Api,
    /// The server's id; needed if the bot is in several servers.
    pub guild: Option<u64>,
    /// The channels for cards and digests.
    pub channels: Channels,
}

/// Shared by the handlers of all interactions, commands and chat messages.
struct Bot {
    handle: Handle,
    http: Arc<Http>,
    application: Application,
    places: Arc<Places>,
    deliveries: Arc<Deliveries>,
    shown: Shown,
}

/// Runs the bot until `stop` resolves.
///
/// # Errors
/// [`ConnectError`] for failures that a retry cannot fix. All other failures are logged and
/// retried.
pub async fn run(
    handle: Handle,
    settings: Settings,
    stop: impl Future<Output = ()>,
) -> Result<(), ConnectError> {
    let (_unchanged, channels) = watch::channel(settings.channels.clone());
    run_following(handle, settings, channels, stop).await
}

/// Like [`run`], with channels that can change at run time. The caller updates the handle's rules
/// before sending new channels.
///
/// # Errors
/// As [`run`].
pub async fn run_following(
    handle: Handle,
    settings: Settings,
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
    settings: Arc<Settings>,
    channels: watch::Receiver<Channels>,
) -> Result<(), ConnectError> {
    let http = Arc::new(connect::http(&settings.token, &settings.api)?);
    let (application, places) = introduce(&http, &settings).await?;
    let board = board::DiscordBoard {
        http: Arc::clone(&http),
        places: Arc::clone(&places),
        tag: handle.tag().to_owned(),
        me: application.me,
        guild: application.guild,
        alarm: Alarm::new(Arc::clone(&http), handle.clone(), application.owner),
        handle: handle.clone(),
    };
    let deliveries = Deliveries::new(handle.clone(), Arc::new(board));
    say_approvers(&handle.rules().approvers, application.owner_id(), &places);
    let members = reminders::Members {
        http: Arc::clone(&http),
        application: application.clone(),
        places: Arc::clone(&places),
        known: Mutex::default(),
    };
    let reminders = Reminders::new(handle.clone(), Arc::new(members), Arc::clone(&deliveries));
    let bot = Arc::new(Bot {
        handle,
        http,
        application,
        places,
        deliveries: Arc::clone(&deliveries),
        shown: Shown::default(),
    });
    tokio::select! {
        result = gateway::keep_connected(&bot, &settings) => result,
        // These futures run only while polled, so they end with the connection.
        () = async {
            let register = commands::register(Arc::clone(&bot), Arc::clone(&settings));
            let tell = notice::tell_askers(Arc::clone(&bot));
            tokio::join!(deliveries.run(), reminders.run(), tell, register, follow(&bot, channels), mistake::run(&bot));
        } => Ok(()),
    }
}

/// Applies every configuration change until the sender is dropped.
async fn follow(bot: &Bot, mut channels: watch::Receiver<Channels>) {
    while channels.changed().await.is_ok() {
        let configured = channels.borrow_and_update().clone();
        bot.places.configure(configured);
        say_places(&bot.places);
        say_approvers(&bot.handle.rules().approvers, bot.application.owner_id(), &bot.places);
        bot.deliveries.try_again().await;
    }
}

/// Reads the bot's user, the application's owner and the server's channels from Discord.
async fn introduce(
    http: &Arc<Http>,
    settings: &Settings,
) -> Result<(Application, Arc<Places>), ConnectError> {
    let api = &settings.api;
    let me = persist("ask Discord who this bot is", api, || http.get_current_user()).await?;
    let about = persist("ask Discord whose application this is", api, || {
        http.get_current_application_info()
    })
    .await?;
    http.set_application_id(about.id);
    let guild = server(http, settings, about.id.get()).await?;
    let owner: Option<UserId> =
        about.team.map(|team| team.owner_user_id).or_else(|| about.owner.map(|owner| owner.id));
    let places = Arc::new(Places::new(settings.channels.clone()));
    persist("read the server's channels", api, || places.refresh(http, guild, me.id)).await?;
    tracing::info!(bot = me.name, owner = owner.map(UserId::get), "connected to {}", api.name());
    say_places(&places);
    Ok((Application { owner, me: me.id, guild }, places))
}

/// Logs the channel of each project's cards, or why cards cannot be posted.
fn say_places(places: &Places) {
    for project in places.configured() {
        let whose = project.as_ref().map_or_else(
            || "all other projects".to_owned(),
            |project| format!("project {project}"),
        );
        match project.map_or_else(|| places.usual(), |project| places.of_project(&project)) {
            Ok(channel) => tracing::info!("cards of {whose} go to {}", places.name(channel)),
            Err(why) => tracing::error!(
                "cards of {whose} cannot be posted: {why}. They wait; /attention shows them"
            ),
        }
    }
    if let Some(Err(why)) = places.look_up_digest() {
        tracing::error!("the digest cannot be posted: {why}. It waits; /digest shows the figures");
    }
}

/// Logs the approver rules. Warns about unknown roles, and about decisions without any approver.
fn say_approvers(rules: &[ApproverRule], owner: Option<u64>, places: &Places) {
    if rules.is_empty() {
        tracing::info!(owner, "the application's owner approves");
        return;
    }
    for rule in rules {
        tracing::info!(users = ?rule.users, roles = ?rule.roles, projects = ?rule.projects, kinds = ?rule.kinds, risks = ?rule.risks, "approvers");
        for role in rule.roles.iter().filter(|role| !places.has_role(role)) {
            tracing::warn!(
                "[[approvers]] names the role {role:?}, and the server has none of that name or id: nobody approves by it"
            );
        }
    }
    if !rules
        .iter()
        .any(|rule| rule.projects.is_empty() && rule.kinds.is_empty() && rule.risks.is_empty())
    {
        tracing::warn!(
            "every [[approvers]] is narrowed to projects, kinds or risks: what none of them covers nobody may decide, not even the \
             application's owner. Add one that names only users or roles to cover the rest"
        );
    }
}

/// The OAuth2 address to invite the bot with all needed permissions.
fn invitation(application: u64) -> String {
    format!(
        "https://discord.com/oauth2/authorize?client_id={application}&scope=bot+applications.commands&permissions={}",
        NEEDED.union(HERE).bits()
    )
}

/// The configured server, or the first if none is configured.
fn choose(guilds: &[GuildInfo], wanted: Option<u64>) -> Option<&GuildInfo> {
    match wanted {
        Some(wanted) => guilds.iter().find(|guild| guild.id.get() == wanted),
        None => guilds.first(),
    }
}

async fn server(
    http: &Http,
    settings: &Settings,
    application: u64,
) -> Result<GuildId, ConnectError> {
    let guilds =
        persist("ask Discord for the bot's servers", &settings.api, || http.get_guilds(None, None))
            .await?;
    let invite = invitation(application);
    let found = choose(&guilds, settings.guild);
    if let (Some(guild), true) = (found, guilds.len() > 1 && settings.guild.is_none()) {
        tracing::warn!(
            "the bot is in {} servers; it uses {} ({}). Set discord.guild in gander.toml to choose",
            guilds.len(),
            guild.name,
            guild.id
        );
    }
    found.map(|guild| guild.id).ok_or_else(|| {
        ConnectError::NoServer(match settings.guild {
            Some(wanted) => format!("the bot is not in the server {wanted} that discord.guild names. Invite it: {invite}"),
            None => format!("the bot is in no server yet. Invite it: {invite}"),
        })
    })
}
