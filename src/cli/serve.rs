//! `gander serve`: the bot.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use secrecy::SecretString;
use tokio::sync::{Notify, watch};

use super::mcp::RemoteGate;
use super::resume;
use super::resume::Surroundings;
use super::{Common, Exit, Failure, Outcome, external_channels, log};
use crate::channels;
use crate::config::gates::RulesFile;
use crate::config::reload::Follow;
use crate::config::{Config, LogFormat};
use crate::disk;
use crate::engine;
use crate::engine::Handle;
use crate::engine::approvals::{auto_approval, grants};
use crate::engine::clock::wall_time;
use crate::engine::escalation::scheduler;
use crate::engine::event_log::waiters;
use crate::engine::notifications::outbox;
use crate::engine::notifications::outbox::Senders;
use crate::engine::operations::{daily, heartbeat, lock};
use crate::sources::{self, SourceSettings, webhooks};
use crate::surfaces::discord::{self, Api, Channels, ConnectError, DiscordSettings, ResponseTimes};
use crate::surfaces::http::{self, Bound, HttpApi};
use crate::surfaces::mcp;

#[derive(Debug, Args)]
#[command(after_help = "The bot's token comes from DISCORD_TOKEN, or from the file that \
        DISCORD_TOKEN_FILE names.")]
pub(super) struct Serve {
    /// Run the store's time this many times faster, for a rehearsal on a new store
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    speed: Option<u32>,
    /// The log's format, text or json [default: log.format in gander.toml, else text]
    #[arg(long, value_name = "FORMAT")]
    log: Option<LogFormat>,
}

impl Serve {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let (config, follow) = Follow::start(common.config.as_deref())?;
        log::to_stderr("info", self.log.unwrap_or(config.log));
        let settings = settings(&config)?;
        let path = common.store_path(&config)?;
        match &config.file {
            Some(file) => tracing::info!("configuration: {}", file.display()),
            None => tracing::info!(
                "no configuration file: the application's owner approves (create one with gander \
                 init)"
            ),
        }
        let reader = follow.reader();
        let stop = async move {
            tokio::select! {
                () = asked_to_stop() => {}
                () = reload_on_sighup(reader) => {}
            }
        };
        run_bot(&path, config, follow, settings, self.speed, stop).await
    }
}

/// Runs all parts of the bot until `stop` resolves or Discord rejects the connection for good.
pub(super) async fn run_bot(
    path: &Path,
    config: Config,
    follow: Follow,
    settings: DiscordSettings,
    speed: Option<u32>,
    stop: impl Future<Output = ()>,
) -> Outcome {
    http::raise_file_limit();
    let _lock = lock::acquire(path, wall_time()).map_err(|error| Failure::new(Exit::No, error))?;
    let opened = super::open(path, &config, speed)?;
    let handle = opened.handle;
    tracing::info!(speed = handle.time_scale().speed, "store: {}", path.display());
    heartbeat::begin(&handle);
    // The rules may have changed while no bot ran.
    handle.grants().end_fallen().await?;
    let bound = listen(&handle, &config.http, path).await?;
    let gates = Arc::new(RemoteGate(RulesFile(config.file.clone())));
    handle.set_gate_rules(gates.clone());
    let mcp = mcp::http_service(&handle, Some(gates.clone()), &config.http.hosts);
    let hooks = config.webhooks.receivers().map_err(|why| Failure::new(Exit::Usage, why))?;
    let http = HttpApi::new(handle.clone(), &config.http, gates)
        .with(mcp)
        .with_own_authentication(webhooks::router(&handle, hooks.clone()));
    let (channels, sources) =
        (watch::Sender::new(config.channels.clone()), watch::Sender::new(config.sources.clone()));
    let senders = watch::Sender::new(channels::senders(&external_channels::settings(&config)?));
    let resuming = watch::Sender::new(Surroundings::new(&config, path));
    let (following, mut watched, carrying, resumed) =
        (channels.subscribe(), sources.subscribe(), senders.subscribe(), resuming.subscribe());
    let handle_of_live = handle.clone();
    let live =
        Live { handle: handle_of_live, channels, sources, senders, resuming, started: config };
    tokio::select! {
        result = async {
            let bot =
                discord::run_with_channel_updates(handle.clone(), settings, following, stop);
            let result = bot.await;
            http.end().await;
            result
        } => result.map(|()| Exit::Yes).map_err(|error| refused(&error)),
        () = http.run(bound) => Ok(Exit::Internal),
        () = waiters::run(handle.clone()) => Ok(Exit::Internal),
        () = live.follow(follow) => Ok(Exit::Internal),
        () = scheduler::run(handle.clone()) => Ok(Exit::Internal),
        () = engine::jobs::run(handle.clone()) => Ok(Exit::Internal),
        () = auto_approval::run(handle.clone()) => Ok(Exit::Internal),
        () = grants::run(handle.clone()) => Ok(Exit::Internal),
        () = daily::run(handle.clone()) => Ok(Exit::Internal),
        () = outbox::run(handle.clone(), carrying) => Ok(Exit::Internal),
        () = resume::run_automatically(handle.clone(), resumed) => Ok(Exit::Internal),
        () = heartbeat::run(handle.clone(), path) => Ok(Exit::Internal),
        () = engine::event_log::watch::run_for_bot(handle.clone(), path) => Ok(Exit::Internal),
        () = run_sources(&handle, path, &mut watched) => Ok(Exit::Internal),
        () = webhooks::run(handle.clone(), hooks) => Ok(Exit::Internal),
    }
}

/// Opens the socket and the port for agents and programs.
async fn listen(
    handle: &Handle,
    settings: &http::HttpSettings,
    store: &Path,
) -> Result<Bound, Failure> {
    let bound = Bound::new(settings, store).await.map_err(|error| Failure::new(Exit::No, error))?;
    let places = bound.places();
    for place in &places {
        tracing::info!("agents can connect: {place}");
    }
    handle.operations().update_heartbeat(|heartbeat| heartbeat.listening = places);
    Ok(bound)
}

/// Runs the sources, and restarts them when their configuration changes. The store holds all of
/// their state.
async fn run_sources(
    handle: &Handle,
    store: &Path,
    settings: &mut watch::Receiver<SourceSettings>,
) {
    loop {
        let now = settings.borrow_and_update().clone();
        tokio::select! {
            () = sources::run(handle.clone(), now, store) => return,
            // An error means that the sender is gone and the process is ending.
            changed = settings.changed() => if changed.is_err() { return },
        }
    }
}

/// The parts of the configuration that can change while the bot runs.
struct Live {
    handle: Handle,
    channels: watch::Sender<Channels>,
    sources: watch::Sender<SourceSettings>,
    senders: watch::Sender<Senders>,
    resuming: watch::Sender<Surroundings>,
    started: Config,
}

impl Live {
    /// Applies every change of the configuration. Never returns.
    async fn follow(&self, mut follow: Follow) {
        loop {
            match follow.next().await {
                Ok(config) => self.apply(config).await,
                Err(why) => {
                    tracing::error!(
                        "the configuration is invalid: {why}. The previous one stays in use"
                    );
                    self.handle
                        .operations()
                        .update_heartbeat(|heartbeat| heartbeat.configuration = Some(why));
                }
            }
        }
    }

    async fn apply(&self, config: Config) {
        let after_restart = self.after_restart(&config);
        for change in &after_restart {
            tracing::warn!("{change}");
        }
        let channels = external_channels::settings(&config);
        self.resuming.send_modify(|resuming| *resuming = resuming.with(&config));
        let now = config.sources;
        self.handle.set_rules(config.rules);
        if let Err(error) = self.handle.operations().enforce_rules().await {
            tracing::warn!(%error, "could not apply the new rules to every open decision yet; \
                the rest are checked when decided");
        }
        self.sources.send_if_modified(|sources| {
            *sources != now && {
                *sources = now;
                true
            }
        });
        match channels {
            // Replaced even if the settings are equal: the secret files they name may hold new
            // secrets.
            Ok(settings) => drop(self.senders.send_replace(channels::senders(&settings))),
            Err(failure) => {
                tracing::warn!("the channels beyond Discord are unchanged: {}", failure.words)
            }
        }
        // Notifies the surface even if the channels are equal, because the surface also shows who
        // may decide.
        self.channels.send_replace(config.channels);
        tracing::info!("the new configuration is in use");
        self.handle.operations().update_heartbeat(|heartbeat| {
            heartbeat.configuration = None;
            heartbeat.after_restart = after_restart;
        });
    }

    /// Changes that need a restart, as messages.
    fn after_restart(&self, config: &Config) -> Vec<String> {
        let differs = [
            ("store", self.started.store != config.store),
            ("discord.guild", self.started.guild != config.guild),
            ("log.format", self.started.log != config.log),
            ("http", self.started.http != config.http),
            ("github", self.started.webhooks.github != config.webhooks.github),
            ("alertmanager", self.started.webhooks.alertmanager != config.webhooks.alertmanager),
        ];
        let changed = differs.into_iter().filter(|(_, differs)| *differs);
        changed
            .map(|(what, _)| {
                format!("{what} in gander.toml has changed: restart gander serve to apply it")
            })
            .collect()
    }
}

fn refused(error: &ConnectError) -> Failure {
    Failure::new(Exit::No, error)
}

pub(super) fn settings(config: &Config) -> Result<DiscordSettings, Failure> {
    let ca = std::env::var_os("GANDER_DISCORD_CA").map(PathBuf::from);
    let api = std::env::var("GANDER_DISCORD_API").ok();
    let api = Api::from_settings(api.as_deref(), ca.as_deref())
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    Ok(DiscordSettings {
        token: token()?,
        api,
        guild: config.guild,
        channels: config.channels.clone(),
        response_times: ResponseTimes::default(),
    })
}

fn token() -> Result<SecretString, Failure> {
    let given = match (std::env::var("DISCORD_TOKEN"), std::env::var_os("DISCORD_TOKEN_FILE")) {
        (Ok(token), _) if !token.trim().is_empty() => token,
        (_, Some(file)) => {
            let file = Path::new(&file);
            disk::read_own_text(file, disk::LONGEST_SECRET).map_err(|error| {
                Failure::new(Exit::Usage, format!("DISCORD_TOKEN_FILE={}: {error}", file.display()))
            })?
        }
        _ => String::new(),
    };
    let token = given.trim().trim_start_matches("Bot ").to_owned();
    if token.is_empty() {
        let words = "there is no bot token. Set DISCORD_TOKEN, or set DISCORD_TOKEN_FILE to a \
            file with the token; the README explains how to get one. To try Gander without \
            Discord: gander demo";
        return Err(Failure::new(Exit::Usage, words));
    }
    // A character that a header cannot contain would panic in the Discord client.
    if !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Failure::new(
            Exit::Usage,
            "the bot token contains invalid characters: copy it again",
        ));
    }
    Ok(token.into())
}

/// Reads the configuration again at each SIGHUP. Resolves only when SIGHUP came from a closed
/// terminal: the bot then stops.
async fn reload_on_sighup(read: Arc<Notify>) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let had_terminal = std::io::stderr().is_terminal();
        if let Ok(mut reload_on_sighup) = signal(SignalKind::hangup()) {
            while reload_on_sighup.recv().await.is_some() {
                if had_terminal && !std::io::stderr().is_terminal() {
                    return;
                }
                tracing::info!("SIGHUP: reading the configuration");
                read.notify_one();
            }
        }
    }
    std::future::pending().await
}

/// Resolves on Ctrl-C or a termination signal.
pub(super) async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // If no handler can be installed, the system's default action ends the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
