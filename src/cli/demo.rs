//! `gander demo`: the whole loop on this machine alone, for newcomers.

mod agent;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::Args;
use discord_sandbox::{ChannelSpec, Options, Sandbox, World};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

pub(super) use self::agent::Agent;
use super::{Common, Exit, Failure, Outcome, log, output, serve};
use crate::config::reload::Follow;
use crate::config::{Config, LogFormat};
use crate::core::decision::authorization::ApproverRule;
use crate::surfaces::discord::{Api, Channels, DiscordSettings, ResponseTimes};

/// Default address of the page. The port is fixed, so documentation can name the address.
const USUAL: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8420);

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// The page's address [default: 127.0.0.1:8420, or a free port if 8420 is in use]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Do not open the page in a browser
    #[arg(long)]
    headless: bool,
    /// Run time this many times faster: with 60, a deferral of two hours takes two minutes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    speed: Option<u32>,
}

impl Demo {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        log::to_stderr("warn", LogFormat::Text);
        let folder = Folder::new()?;
        let store = common.store.clone().unwrap_or_else(|| folder.0.join("demo.db"));
        let sandbox = start(self.listen).await?;
        let (config, settings) = configuration(&sandbox);
        let page = format!("{}?user=maya&channel=web-shop", sandbox.addresses().page);
        output::line(&format!("Gander's demonstration: {page}"));
        output::line(
            "Three agents are about to ask. You are Maya: answer them on the page. Press Ctrl-C \
             to stop.\n",
        );
        if !self.headless && open::that_detached(&page).is_err() {
            output::progress("could not open a browser: open the address above yourself");
        }
        // Creates the store with its time scale before an agent can ask.
        drop(super::open(&store, &config, self.speed)?);
        let agents = agent::NAMES.map(|name| run_agent(name, store.clone()));
        let bot = serve::run_bot(
            &store,
            config,
            Follow::nothing(),
            settings,
            self.speed,
            serve::asked_to_stop(),
        );
        let ended = tokio::select! {
            ended = bot => ended,
            failed = all(agents) => Err(failed),
        };
        sandbox.shutdown().await;
        ended
    }
}

/// The demonstration's own folder, removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let mut random = [0; 8];
        getrandom::fill(&mut random)
            .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
        let name = format!("gander-demo-{:016x}", u64::from_ne_bytes(random));
        Self::at(std::env::temp_dir().join(name))
    }

    /// Everybody may create names in the system's temporary folder, so a folder that is there
    /// already may be another user's: it is refused. The new one is open to this user alone.
    fn at(folder: PathBuf) -> Result<Self, Failure> {
        let mut create = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut create, 0o700);
        create.create(&folder).map_err(|error| {
            Failure::new(Exit::Internal, format!("{}: {error}", folder.display()))
        })?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Leftovers stay in the system's temporary folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn start(listen: Option<SocketAddr>) -> Result<Sandbox, Failure> {
    let channel =
        |name: &str, topic: &str| ChannelSpec { topic: topic.into(), ..ChannelSpec::new(name) };
    let world = World {
        guild: "Studio".into(),
        bot: "Gander".into(),
        channels: vec![
            channel("general", "Everything else"),
            channel("decisions", "Everything that waits for a person"),
            channel("web-shop", "The shop: goose works here"),
            channel("mobile-app", "The app: claude-code works here"),
        ],
        ..World::default()
    };
    let options = |listen| Options { listen, world: world.clone(), ..Options::default() };
    let started = match listen {
        Some(listen) => Sandbox::start(options(listen)).await,
        None => match Sandbox::start(options(USUAL)).await {
            Ok(sandbox) => Ok(sandbox),
            Err(_) => Sandbox::start(options(SocketAddr::new(USUAL.ip(), 0))).await,
        },
    };
    started.map_err(|error| Failure::new(Exit::No, error))
}

fn configuration(sandbox: &Sandbox) -> (Config, DiscordSettings) {
    let addresses = sandbox.addresses();
    let owner = addresses.user_id("maya").and_then(|id| id.parse().ok());
    let approvers = ApproverRule {
        users: owner.into_iter().collect(),
        roles: vec!["Approvers".into()],
        ..ApproverRule::default()
    };
    let channel = |name: &str| (name.to_owned(), name.to_owned());
    let channels = Channels {
        projects: [channel("web-shop"), channel("mobile-app")].into(),
        ..Channels::default()
    };
    let mut config = Config { channels: channels.clone(), ..Config::default() };
    config.rules.approvers.push(approvers);
    let address = addresses.tls.trim_start_matches("https://").parse();
    let api = match address {
        Ok(address) => Api::Pinned { address, ca: Path::new(&addresses.ca).to_owned() },
        // The sandbox reports a valid address, so this arm is never reached; plain HTTP works too.
        Err(_) => Api::Proxy(addresses.rest.trim_end_matches("/api").to_owned()),
    };
    (
        config,
        DiscordSettings {
            token: addresses.token.as_str().into(),
            api,
            guild: None,
            channels,
            response_times: ResponseTimes::default(),
        },
    )
}

/// Runs the agents concurrently. Resolves only if an agent cannot be run.
async fn all(agents: [impl Future<Output = Result<(), Failure>>; 3]) -> Failure {
    let [first, second, third] = agents;
    match tokio::try_join!(first, second, third) {
        Ok(_) => std::future::pending().await,
        Err(failure) => failure,
    }
}

/// Runs an agent as a separate process and prints the agent's output.
async fn run_agent(name: &'static str, store: PathBuf) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Internal, format!("cannot run the agent {name}: {error}"))
    };
    let program = std::env::current_exe().map_err(failed)?;
    let mut agent = Command::new(program)
        .arg("demo-agent")
        .arg(name)
        .arg("--store")
        .arg(store)
        // The pipe closes however the demonstration ends. The agent then exits and ends its own
        // child processes.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(said) = agent.stdout.take() {
        let mut lines = BufReader::new(said).lines();
        while let Some(line) = lines.next_line().await.map_err(failed)? {
            output::line(&format!("{name:>12} | {line}"));
        }
    }
    agent.wait().await.map(drop).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_new_and_this_users_alone() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("demo");
        let folder = Folder::at(path.clone()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&folder.0).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        assert!(Folder::at(path.clone()).is_err(), "what is there already may be another user's");
        drop(folder);
        assert!(!path.exists());
        assert_ne!(Folder::new().unwrap().0, Folder::new().unwrap().0, "no name is foreseen");
    }
}
