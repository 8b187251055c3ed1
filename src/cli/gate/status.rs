//! `gander gate status`: which agents stop at the gate, and how each gate reaches decisions.

use std::path::{Path, PathBuf};

use clap::Args;

use super::adapters::{self, AGENTS, Agent};
use super::contract::Evidence;
use super::hook_file::Found;
use super::install::read;
use super::transport::{self, Transport};
use crate::cli::{Common, Exit, Failure, Outcome, output};
use crate::config::gates;
use crate::core::gate::rules::digest;
use crate::presentation::text;

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 every installed gate works, 1 an installed gate is off, \
        cannot reach decisions or has invalid rules, or no agent has a gate, 2 bad usage or \
        configuration.")]
pub(super) struct StatusArgs {
    /// Also look in this folder
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
}

/// An agent's hook file, and how the installed gate reaches decisions.
pub(super) struct InstalledHook {
    pub(super) agent: Agent,
    pub(super) file: PathBuf,
    /// The transport and the store, if a gate is installed.
    pub(super) gate: Option<(Transport, PathBuf)>,
    /// Why the agent ignores the gate, with the responsible file.
    pub(super) off: Option<String>,
}

/// The hook files of every agent: the user's, and a project's.
///
/// # Errors
/// A hook file or the configuration cannot be read.
pub(super) fn found(
    project: Option<&Path>,
    common: &Common,
) -> Result<Vec<InstalledHook>, Failure> {
    let mut found = Vec::new();
    for agent in AGENTS.iter().copied() {
        for place in std::iter::once(None).chain(project.map(Some)) {
            let Ok(file) = agent.hook_file(place) else { continue };
            let gate = match read(&file)?.and_then(|text| agent.format().installed(&text)) {
                None => None,
                Some(Found { command, .. }) => {
                    let store = match transport::store_of_command(&command) {
                        Some(store) => store,
                        None => common.store_path(&common.config()?)?,
                    };
                    Some((Transport::of_command(&command).or_socket_of(&store), store))
                }
            };
            let off = agent.check_enabled(&file, project).err().filter(|_| gate.is_some());
            let off = off.map(|off| format!("{}: {}", off.file.display(), off.why));
            found.push(InstalledHook { agent, file, gate, off });
        }
    }
    Ok(found)
}

impl InstalledHook {
    /// Identity and address used by the gate, or the problem, as text; `None` without a gate.
    pub(super) async fn look(&self) -> Option<Result<String, String>> {
        let (transport, store) = self.gate.as_ref()?;
        let place =
            transport.address().map(|address| format!("at {address}: ")).unwrap_or_default();
        Some(
            transport
                .look(store)
                .await
                .map(|words| format!("{place}{words}"))
                .map_err(|why| format!("{place}{}", text::gate::connection_broken(&why))),
        )
    }
}

impl StatusArgs {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let (mut told, mut works, mut bypassed) = (Vec::new(), true, Vec::new());
        for found in found(self.project.as_deref(), common)? {
            let looked = found.look().await;
            let InstalledHook { agent, file, gate, off } = found;
            works &= !matches!(looked, Some(Err(_)));
            bypassed.extend(off.is_some().then(|| agent.name()));
            if gate.is_some() && !common.json {
                let tried = !matches!(agent.contract().evidence, Evidence::Read(_));
                let says = match off {
                    None if !tried => "has a hook, untried",
                    None => "stops at the gate",
                    Some(_) => "bypasses the gate",
                };
                output::line(&format!("{:<12} {says:<19} {}", agent.name(), file.display()));
                for words in off.iter().chain(looked.as_ref().map(|(Ok(words) | Err(words))| words))
                {
                    output::line(&format!("{:<12} {words}", ""));
                }
            }
            let connect = gate.as_ref().and_then(|(transport, _)| transport.address());
            let problem = looked.and_then(Result::err);
            told.push(serde_json::json!({
                "agent": agent.name(),
                "file": file,
                "installed": gate.is_some(),
                "off": off,
                "connect": connect,
                "problem": problem,
            }));
        }
        let file = gates::file(common.config.as_deref())?;
        let loaded = gates::load(common.config.as_deref());
        let sha256 = loaded.as_deref().ok().map(digest);
        let broken = loaded.err().map(|error| error.to_string());
        if common.json {
            output::json(&serde_json::json!({
                "agents": &told, "rules": file, "sha256": sha256, "broken": broken,
            }));
        } else {
            let says = broken.clone().unwrap_or_else(|| {
                format!(
                    "{}{}",
                    file.display(),
                    if file.exists() {
                        ""
                    } else {
                        " (missing: the default rules apply; over a connection, the server's rules)"
                    }
                )
            });
            output::line(&format!("no gate      {}", adapters::without_gate(&told).join(", ")));
            output::line(&format!("rules        {says}"));
            if let Some(digest) = sha256 {
                output::line(&format!("             SHA-256 {digest}"));
            }
        }
        if !bypassed.is_empty() {
            return Err(Failure::new(Exit::No, text::gate::bypassed(&bypassed)));
        }
        if !told.iter().any(|agent| agent["installed"] == true) {
            return Err(Failure::new(Exit::No, text::gate::NO_GATE));
        }
        Ok(if broken.is_some() || !works { Exit::No } else { Exit::Yes })
    }
}
