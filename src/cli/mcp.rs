//! `gander mcp`: the approval API for agents and assistants with MCP, on standard input and output.
//! Works on the store directly, with or without a running `serve`. Output beside the protocol goes
//! to standard error.

use crate::core::gate::rules::AskReason;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::gate::with_file_facts;
use super::{Common, Exit, Failure, Outcome, log, open_with_timeout};
use crate::config::TimeSpan;
use crate::config::gates::RulesFile;
use crate::config::reload::Follow;
use crate::core::access::Caller;
use crate::core::decision::Risk;
use crate::core::gate::ToolCall;
use crate::core::gate::edits::Before;
use crate::core::gate::facts::Facts;
use crate::core::gate::rules::{GateRule, Minimum};
use crate::disk::{self, FileError};
use crate::engine::Handle;
use crate::engine::approvals::gates::{Edits, GateRequest, RuleSource};
use crate::engine::event_log::watch;
use crate::engine::operations::heartbeat;
use crate::engine::operations::heartbeat::Running;
use crate::presentation::text;
use crate::surfaces::mcp::{Gatekeeper, Identity, McpServer};

/// Default timeout for clients with progress. Claude Code abandons a call after 30 min without
/// progress, and later with progress.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(25 * 60);
/// Default timeout for clients without progress: most abandon a silent call after 5 min.
const SILENT_CLIENT_TIMEOUT: Duration = Duration::from_secs(4 * 60);

#[derive(Debug, Args)]
#[command(
    after_help = "The token can also be in GANDER_TOKEN. Without a token, the caller is an agent \
        of your own user: it can ask, wait and read, but never decide."
)]
pub(super) struct Mcp {
    /// A file with a token (gander token create), which sets the caller and its permissions
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How long permission_prompt waits for a person before denying [default: 25m; 4m for a client
    /// without progress]
    #[arg(long, value_name = "SPAN")]
    permission_timeout: Option<TimeSpan>,
    /// Run this MCP server and stand between it and the client: what the server asks the client's
    /// user becomes a decision; everything else passes as it is
    #[arg(last = true, value_name = "COMMAND")]
    server: Vec<String>,
}

impl Mcp {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let (config, follow) = Follow::start(common.config.as_deref())?;
        log::to_stderr("warn", config.log);
        let secret = secret(self.token_file.as_deref())?;
        let path = common.store_path(&config)?;
        let opened = open_with_timeout(&path, &config)?;
        let handle = opened.handle;
        let identity = match secret {
            // Fails at the start instead of at the first call.
            Some(secret) if handle.tokens().caller_of(&secret).await?.is_none() => {
                return Err(Failure::new(Exit::Usage, text::mcp::UNKNOWN));
            }
            Some(secret) => Identity::Secret(secret),
            None => Identity::Caller(own_user()?),
        };
        let gate = LocalGate {
            rules: RulesFile(common.config.clone()),
            store: path.clone(),
            patience: self.permission_timeout.map(|TimeSpan(seconds)| Duration::from_secs(seconds)),
        };
        let server = McpServer::new(handle.clone(), identity, Some(std::sync::Arc::new(gate)));
        let serve = async {
            if self.server.is_empty() {
                server.on_stdio().await
            } else {
                server.before(&self.server).await
            }
        };
        tokio::select! {
            served = serve => {
                served.map(|()| Exit::Yes).map_err(|why| Failure::new(Exit::Usage, why))
            }
            () = watch::run(handle.clone(), &path) => {
                Err(Failure::new(Exit::Internal, "the store can no longer be watched"))
            }
            () = follow_rules(&handle, follow) => Ok(Exit::Internal),
        }
    }
}

/// The token's secret, from its file or the environment.
fn secret(file: Option<&Path>) -> Result<Option<String>, Failure> {
    let given = match file {
        Some(file) => {
            let wrong = |error: FileError| {
                Failure::new(Exit::Usage, format!("--token-file {}: {error}", file.display()))
            };
            Some(disk::read_own_text(file, disk::LONGEST_SECRET).map_err(wrong)?)
        }
        None => std::env::var("GANDER_TOKEN").ok(),
    };
    match given.map(|given| given.trim().to_owned()) {
        // `--token-file` states a caller. An empty file is an error, so the caller does not
        // silently become the current user.
        Some(empty) if empty.is_empty() && file.is_some() => Err(Failure::new(
            Exit::Usage,
            "the token's file is empty: write the secret printed by gander token create into it",
        )),
        given => Ok(given.filter(|given| !given.is_empty())),
    }
}

/// The current user as a caller, identical to a program of this user on the Unix socket.
fn own_user() -> Result<Caller, Failure> {
    #[cfg(unix)]
    {
        let cannot = |error: std::io::Error| {
            Failure::new(Exit::Internal, format!("cannot determine the current user: {error}"))
        };
        let (ours, _other) = tokio::net::UnixStream::pair().map_err(cannot)?;
        let uid = ours.peer_cred().map_err(cannot)?.uid();
        Ok(Caller::of_user(uid, &text::user(uid), true))
    }
    #[cfg(not(unix))]
    Err(Failure::new(
        Exit::Usage,
        "a token is needed: create one with gander token create, and give it with --token-file \
         FILE or GANDER_TOKEN",
    ))
}

/// Applies every change of the configuration. Never returns.
async fn follow_rules(handle: &Handle, mut follow: Follow) {
    loop {
        match follow.next().await {
            Ok(config) => handle.set_rules(config.rules),
            Err(why) => tracing::error!(
                "the configuration is invalid: {why}. The previous one stays in use"
            ),
        }
    }
}

const fn usual_patience(progress: bool) -> Duration {
    if progress { DEFAULT_TIMEOUT } else { SILENT_CLIENT_TIMEOUT }
}

/// The gate rules for callers over a connection. Errors shown to callers do not contain the rules
/// file's path.
#[derive(Debug)]
pub(super) struct RemoteGate(pub(super) RulesFile);

impl RuleSource for RemoteGate {
    fn rules(&self) -> Result<Vec<GateRule>, String> {
        self.0.rules().map_err(|why| {
            tracing::error!("every tool call at a gate is denied: {why}");
            text::gate::NO_RULES.to_owned()
        })
    }
}

impl Gatekeeper for RemoteGate {
    /// Over a connection, the call's working directory and files are unknown. A person is therefore
    /// asked even where the rules allow the call, and an approval covers only this call.
    fn brought(&self, agent: &str, _: &str, tool: &str, input: Value) -> GateRequest {
        let call = ToolCall {
            agent: agent.to_owned(),
            session: None,
            tool: tool.to_owned(),
            input,
            cwd: PathBuf::from("/"),
            roots: Vec::new(),
            home: None,
            real: Vec::new(),
            poses_as_repository: false,
            own_prompt: false,
            before: Before::Unknown,
            facts: Facts::default(),
        };
        let at_least = Some(Minimum { risk: Risk::Medium, reason: Some(AskReason::Remote) });
        GateRequest {
            call,
            project: None,
            context: String::new(),
            at_least,
            changed_since: None,
            edits: Edits::NotTaken,
        }
    }

    fn patience(&self, progress: bool) -> Duration {
        usual_patience(progress)
    }

    fn unserved(&self) -> bool {
        false
    }
}

/// The gate on the agent's own machine, with access to files and working directory.
#[derive(Debug)]
struct LocalGate {
    rules: RulesFile,
    store: PathBuf,
    patience: Option<Duration>,
}

impl RuleSource for LocalGate {
    fn rules(&self) -> Result<Vec<GateRule>, String> {
        self.rules.rules()
    }
}

impl Gatekeeper for LocalGate {
    fn brought(&self, agent: &str, session: &str, tool: &str, input: Value) -> GateRequest {
        // MCP clients start this process in their working directory.
        let cwd = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let call = with_file_facts(
            ToolCall {
                agent: agent.to_owned(),
                session: Some(session.to_owned()),
                tool: tool.to_owned(),
                input,
                roots: Vec::new(),
                cwd,
                home: directories::BaseDirs::new().map(|base| base.home_dir().to_owned()),
                real: Vec::new(),
                poses_as_repository: false,
                own_prompt: false,
                before: Before::Absent,
                facts: Facts::default(),
            },
            &self.store,
        );
        GateRequest {
            call,
            project: None,
            context: String::new(),
            at_least: None,
            changed_since: None,
            edits: Edits::NotTaken,
        }
    }

    fn patience(&self, progress: bool) -> Duration {
        self.patience.unwrap_or_else(|| usual_patience(progress))
    }

    fn unserved(&self) -> bool {
        heartbeat::of(&self.store) == Running::No
    }
}
