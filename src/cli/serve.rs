//! `gander serve`: the bot.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Common, Exit, Failure, Outcome};
use crate::config::Config;
use crate::engine::clock::wall_time;
use crate::engine::{lock, pulse, timers, watch};
use crate::sources;
use crate::surfaces::discord::{self, Api, ConnectError, Settings};

#[derive(Debug, Args)]
#[command(after_help = "The bot's token comes from DISCORD_TOKEN, or from the file that DISCORD_TOKEN_FILE names.")]
pub(super) struct Serve {
    /// Let the store's time run this many times faster, for a rehearsal on a new store
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    speed: Option<u32>,
}

impl Serve {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        log_to_stderr("info");
        let config = common.config()?;
        let settings = settings(&config)?;
        let path = common.store_path(&config)?;
        match &config.file {
            Some(file) => tracing::info!("configuration: {}", file.display()),
            None => tracing::info!("no configuration file: the application's owner approves (gander init writes one)"),
        }
        run_bot(&path, &config, settings, self.speed, asked_to_stop()).await
    }
}

/// Runs everything that belongs to the bot, until `stop` resolves or the connection is refused for good.
pub(super) async fn run_bot(
    path: &Path,
    config: &Config,
    settings: Settings,
    speed: Option<u32>,
    stop: impl Future<Output = ()>,
) -> Outcome {
    let _lock = lock::acquire(path, wall_time()).map_err(|error| Failure::new(Exit::No, error))?;
    let opened = super::open(path, config, speed)?;
    let handle = opened.handle;
    tracing::info!(speed = handle.pace().speed, "store: {}", path.display());
    pulse::begin(&handle);
    tokio::select! {
        result = discord::run(handle.clone(), settings, stop) => result.map(|()| Exit::Yes).map_err(|error| refused(&error)),
        () = timers::run(handle.clone()) => Ok(Exit::Internal),
        () = pulse::run(handle.clone(), path) => Ok(Exit::Internal),
        () = watch::run(handle.clone(), path) => Ok(Exit::Internal),
        () = sources::run(handle.clone(), config.watch.clone()) => Ok(Exit::Internal),
    }
}

fn refused(error: &ConnectError) -> Failure {
    Failure::new(Exit::No, error)
}

/// Logs go to standard error; `RUST_LOG` changes what is in them.
pub(super) fn log_to_stderr(level: &str) {
    use tracing_subscriber::EnvFilter;
    // serenity's own messages repeat what is said here, and some of them carry request addresses with interaction tokens.
    let usual = format!("warn,gander={level},serenity=off,poise=off");
    let filter = EnvFilter::try_from_env("RUST_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).with_ansi(colours);
    // Not `init`, which lets in the records of the `log` crate too: tungstenite's hold whole frames, and the first that is
    // sent carries the token. Set twice only if a program calls this twice; the first one stands.
    let _ = tracing::subscriber::set_global_default(log.finish());
}

fn settings(config: &Config) -> Result<Settings, Failure> {
    let ca = std::env::var_os("GANDER_DISCORD_CA").map(PathBuf::from);
    let api = std::env::var("GANDER_DISCORD_API").ok();
    let api = Api::from_settings(api.as_deref(), ca.as_deref()).map_err(|error| Failure::new(Exit::Usage, error))?;
    Ok(Settings { token: token()?, api, guild: config.guild, channels: config.channels.clone() })
}

fn token() -> Result<String, Failure> {
    let given = match (std::env::var("DISCORD_TOKEN"), std::env::var_os("DISCORD_TOKEN_FILE")) {
        (Ok(token), _) if !token.trim().is_empty() => token,
        (_, Some(file)) => std::fs::read_to_string(&file)
            .map_err(|error| Failure::new(Exit::Usage, format!("DISCORD_TOKEN_FILE={}: {error}", Path::new(&file).display())))?,
        _ => String::new(),
    };
    let token = given.trim().trim_start_matches("Bot ").to_owned();
    if token.is_empty() {
        let words = "there is no bot token. Set DISCORD_TOKEN, or DISCORD_TOKEN_FILE to a file that holds it; the README tells how to \
                     get one. To see Gander without Discord: gander demo";
        return Err(Failure::new(Exit::Usage, words));
    }
    // What cannot stand in a header would end as a panic in the client.
    if !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Failure::new(Exit::Usage, "the bot token has characters that no token has: copy it again"));
    }
    Ok(token)
}

/// Resolves when the process is asked to end: Ctrl-C or a termination signal.
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
    // Without a handler the system's own way of ending stands.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
