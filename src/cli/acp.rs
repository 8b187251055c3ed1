//! `gander acp`: stands between a client of the Agent Client Protocol and an agent, or is the
//! client itself. What the agent asks before a tool call becomes a decision; everything else passes
//! as it came.
//!
//! The relay is our own: the protocol's crate has one only for chains of proxies that a program of
//! its own starts, and it refuses a request whole for an option of an unknown kind.

mod about;
mod agent;
mod answers;
mod asking;
mod call;
mod child;
mod client;
mod effect;
mod elicitation;
mod known;
mod lines;
mod modes;
mod permission;
mod relay;
mod requests;
mod run;
mod wire;

use std::ffi::OsString;
use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;

pub(super) use self::agent::{OURS, described, tied_to_us};
use self::asking::Asker;
pub(super) use self::child::AcpAgent;
use self::client::{Client, Task};
use self::modes::AllowedModes;
use self::relay::Relay;
pub(super) use self::requests::KEY;
use self::requests::{Setup, ShownOptions};
use self::run::{Peer, Printing, Run};
use super::gate::transport::Transport;
use super::{Common, Exit, Failure, Outcome, log};
use crate::config::LogFormat;

/// Most bytes of a prompt that are read from standard input.
const LONGEST_PROMPT: u64 = 1 << 20;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: as a proxy, the agent's. With --prompt: 0 the agent is done, \
    1 it refused, 75 it was stopped or reached a limit, 70 it ended or failed before"
)]
pub(super) struct Acp {
    /// Be the client: send this prompt, and print what the agent writes. - reads it from standard
    /// input
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// Go on with this session instead of a new one
    #[arg(long = "continue", value_name = "SESSION", requires = "prompt")]
    session: Option<String>,
    /// Write the session's id into this file, to continue it later
    #[arg(long, value_name = "FILE", requires = "prompt")]
    session_file: Option<PathBuf>,
    /// Set the session's mode before the prompt
    #[arg(long, value_name = "ID", requires = "prompt")]
    mode: Option<String>,
    /// The folder that the agent works in [default: the folder in which this is started]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Show the agent's own options on cards (once, always, reject) instead of Approve and Reject.
    /// After "always", the agent may no longer ask
    #[arg(long)]
    agent_options: bool,
    /// Allow this mode although the agent asks nobody in it; repeatable
    #[arg(long, value_name = "ID")]
    allow_mode: Vec<String>,
    #[command(flatten)]
    transport: Transport,
    /// The agent's command, such as: -- goose acp
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<OsString>,
}

impl Acp {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let here = std::env::current_dir().map_err(|error| {
            Failure::new(Exit::Internal, format!("the working directory: {error}"))
        })?;
        let root = self.root.map_or(here.clone(), |root| here.join(root));
        if !root.is_dir() {
            let words = format!("--root {}: there is no such folder", root.display());
            return Err(Failure::new(Exit::Usage, words));
        }
        log::to_stderr("warn", LogFormat::default());
        let home = directories::BaseDirs::new().map(|base| base.home_dir().to_owned());
        let asker = Asker::open(common, &self.transport, &root, home.as_deref())?;
        let show = if self.agent_options { ShownOptions::Agents } else { ShownOptions::YesOrNo };
        let setup = Setup { root: root.clone(), home, show };
        let modes = AllowedModes(self.allow_mode);
        let program = self.command.first().map(PathBuf::from).unwrap_or_default();
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let agent = agent::start(&self.command).map_err(|why| Failure::new(Exit::Usage, why))?;
        let (peer, first) = match self.prompt {
            None => (Peer::Relay(Relay::new(setup, modes, &name)), Vec::new()),
            Some(prompt) => {
                let prompt = if prompt == "-" { prompt_from_input()? } else { prompt };
                let task = Task { prompt, session: self.session, mode: self.mode, cwd: root };
                let (client, first) = Client::start(setup, modes, &name, task);
                (Peer::Client(client), first)
            }
        };
        let printing = if common.json { Printing::Json } else { Printing::AsTheyCome };
        let session_file = self.session_file.map(|file| here.join(file));
        Ok(Run::start(peer, first, asker, agent, printing, session_file).until_end().await)
    }
}

/// The prompt on standard input.
fn prompt_from_input() -> Result<String, Failure> {
    let mut prompt = String::new();
    std::io::stdin().take(LONGEST_PROMPT).read_to_string(&mut prompt).map_err(|error| {
        Failure::new(Exit::Usage, format!("the prompt on standard input: {error}"))
    })?;
    Ok(prompt)
}
