//! `gander serve`: the bot.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::sync::{Notify, watch};

use super::mcp::Served;
use super::{Common, Exit, Failure, Outcome, log, ways};
use crate::channels;
use crate::config::gates::RulesFile;
use crate::config::reload::Follow;
use crate::config::{Config, LogFormat};
use crate::engine::clock::wall_time;
use crate::engine::outbox::{self, Carriers};
use crate::engine::{self, Handle, daily, lock, pulse, routing, timers, waiters};
use crate::sources::{self, DropFolder, WatchedFolder};
use crate::surfaces::discord::{self, Api, Channels, ConnectError, Settings};
use crate::surfaces::http::{self, Bound, Http};
use crate::surfaces::mcp;

#[derive(Debug, Args)]
#[command(
    after_help = "The bot's token comes from DISCORD_TOKEN, or from the file that DISCORD_TOKEN_FILE names."
)]
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
                "no configuration file: the application's owner approves (gander init writes one)"
            ),
        }
        let reader = follow.reader();
        let stop = async move {
            tokio::select! {
                () = asked_to_stop() => {}
                () = hung_up(reader) => {}
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
    settings: Settings,
    speed: Option<u32>,
    stop: impl Future<Output = ()>,
) -> Outcome {
    let _lock = lock::acquire(path, wall_time()).map_err(|error| Failure::new(Exit::No, error))?;
    let opened = super::open(path, &config, speed)?;
    let handle = opened.handle;
    tracing::info!(speed = handle.pace().speed, "store: {}", path.display());
    pulse::begin(&handle);
    let bound = listen(&handle, &config.http, path).await?;
    let gates = Arc::new(Served(RulesFile(config.file.clone())));
    let mcp = mcp::http_service(&handle, Some(gates.clone()), &config.http.hosts);
    let http = Http::new(handle.clone(), &config.http, gates).with(mcp);
    let (channels, folders) =
        (watch::Sender::new(config.channels.clone()), watch::Sender::new(Folders::of(&config)));
    let carriers = watch::Sender::new(channels::carriers(&ways::settings(&config)?));
    let (following, mut watched, carrying) =
        (channels.subscribe(), folders.subscribe(), carriers.subscribe());
    let live = Live { handle: handle.clone(), channels, folders, carriers, started: config };
    tokio::select! {
        result = async {
            let result = discord::run_following(handle.clone(), settings, following, stop).await;
            http.end().await;
            result
        } => result.map(|()| Exit::Yes).map_err(|error| refused(&error)),
        () = http.run(bound) => Ok(Exit::Internal),
        () = waiters::run(handle.clone()) => Ok(Exit::Internal),
        () = live.follow(follow) => Ok(Exit::Internal),
        () = timers::run(handle.clone()) => Ok(Exit::Internal),
        () = routing::run(handle.clone()) => Ok(Exit::Internal),
        () = daily::run(handle.clone()) => Ok(Exit::Internal),
        () = outbox::run(handle.clone(), carrying) => Ok(Exit::Internal),
        () = pulse::run(handle.clone(), path) => Ok(Exit::Internal),
        () = engine::watch::run(handle.clone(), path) => Ok(Exit::Internal),
        () = run_sources(&handle, path, &mut watched) => Ok(Exit::Internal),
    }
}

/// Opens the socket and the port for agents and programs.
async fn listen(
    handle: &Handle,
    settings: &http::Settings,
    store: &Path,
) -> Result<Bound, Failure> {
    let bound = Bound::new(settings, store).await.map_err(|error| Failure::new(Exit::No, error))?;
    let places = bound.places();
    for place in &places {
        tracing::info!("agents can connect: {place}");
    }
    handle.beat(|pulse| pulse.listening = places);
    Ok(bound)
}

/// Watched folders and drop folders.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Folders {
    watched: Vec<WatchedFolder>,
    dropped: Vec<DropFolder>,
}

impl Folders {
    fn of(config: &Config) -> Self {
        Self { watched: config.watch.clone(), dropped: config.inbox.clone() }
    }
}

/// Runs the sources, and restarts them when the configured folders change. The store holds all of
/// their state.
async fn run_sources(handle: &Handle, store: &Path, folders: &mut watch::Receiver<Folders>) {
    loop {
        let Folders { watched, dropped } = folders.borrow_and_update().clone();
        tokio::select! {
            () = sources::run(handle.clone(), watched, dropped, store) => return,
            // An error means that the sender is gone and the process is ending.
            changed = folders.changed() => if changed.is_err() { return },
        }
    }
}

/// The parts of the configuration that can change while the bot runs.
struct Live {
    handle: Handle,
    channels: watch::Sender<Channels>,
    folders: watch::Sender<Folders>,
    carriers: watch::Sender<Carriers>,
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
                        "the configuration is not used: {why}. What it said before still holds"
                    );
                    self.handle.beat(|pulse| pulse.configuration = Some(why));
                }
            }
        }
    }

    async fn apply(&self, config: Config) {
        let after_restart = self.after_restart(&config);
        for change in &after_restart {
            tracing::warn!("{change}");
        }
        let now = Folders::of(&config);
        let ways = ways::settings(&config);
        self.handle.set_rules(config.rules);
        if let Err(error) = self.handle.enforce_all().await {
            tracing::warn!(%error, "not every open decision could be held to the new rules yet; the others are when they are decided");
        }
        self.folders.send_if_modified(|folders| {
            *folders != now && {
                *folders = now;
                true
            }
        });
        match ways {
            // Replaced even if the settings are equal: the secret files they name may hold new
            // secrets.
            Ok(settings) => drop(self.carriers.send_replace(channels::carriers(&settings))),
            Err(failure) => {
                tracing::warn!("the ways beyond Discord stay as they were: {}", failure.words)
            }
        }
        // Notifies the surface even if the channels are equal, because the surface also shows who
        // may decide.
        self.channels.send_replace(config.channels);
        tracing::info!("the configuration was read again and holds from now on");
        self.handle.beat(|pulse| {
            pulse.configuration = None;
            pulse.after_restart = after_restart;
        });
    }

    /// Changes that need a restart, as messages.
    fn after_restart(&self, config: &Config) -> Vec<String> {
        let differs = [
            ("store", self.started.store != config.store),
            ("discord.guild", self.started.guild != config.guild),
            ("log.format", self.started.log != config.log),
            ("http", self.started.http != config.http),
        ];
        let changed = differs.into_iter().filter(|(_, differs)| *differs);
        changed
            .map(|(what, _)| {
                format!("{what} in gander.toml has changed: restart gander serve for it to count")
            })
            .collect()
    }
}

fn refused(error: &ConnectError) -> Failure {
    Failure::new(Exit::No, error)
}

pub(super) fn settings(config: &Config) -> Result<Settings, Failure> {
    let ca = std::env::var_os("GANDER_DISCORD_CA").map(PathBuf::from);
    let api = std::env::var("GANDER_DISCORD_API").ok();
    let api = Api::from_settings(api.as_deref(), ca.as_deref())
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    Ok(Settings { token: token()?, api, guild: config.guild, channels: config.channels.clone() })
}

fn token() -> Result<String, Failure> {
    let given = match (std::env::var("DISCORD_TOKEN"), std::env::var_os("DISCORD_TOKEN_FILE")) {
        (Ok(token), _) if !token.trim().is_empty() => token,
        (_, Some(file)) => std::fs::read_to_string(&file).map_err(|error| {
            Failure::new(
                Exit::Usage,
                format!("DISCORD_TOKEN_FILE={}: {error}", Path::new(&file).display()),
            )
        })?,
        _ => String::new(),
    };
    let token = given.trim().trim_start_matches("Bot ").to_owned();
    if token.is_empty() {
        let words = "there is no bot token. Set DISCORD_TOKEN, or DISCORD_TOKEN_FILE to a file that holds it; the README tells how to \
                     get one. To see Gander without Discord: gander demo";
        return Err(Failure::new(Exit::Usage, words));
    }
    // A character that a header cannot contain would panic in the Discord client.
    if !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Failure::new(
            Exit::Usage,
            "the bot token has characters that no token has: copy it again",
        ));
    }
    Ok(token)
}

/// Reads the configuration again at each SIGHUP. Resolves only when SIGHUP came from a closed
/// terminal: the bot then stops.
async fn hung_up(read: Arc<Notify>) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let had_terminal = std::io::stderr().is_terminal();
        if let Ok(mut hung_up) = signal(SignalKind::hangup()) {
            while hung_up.recv().await.is_some() {
                if had_terminal && !std::io::stderr().is_terminal() {
                    return;
                }
                tracing::info!("SIGHUP: looking at the configuration");
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
