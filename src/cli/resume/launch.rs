//! Starts an agent: the start is on record before the process runs, and the end once it is seen.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use super::plan::Plan;
use crate::cli::gate::seat;
use crate::core::decision::DecisionId;
use crate::core::decision::resumption::{ResumeEnd, UnknownEnd};
use crate::disk;
use crate::engine::{Handle, HandleError, ResumeStart};
use crate::presentation::text;
use crate::store::files;

/// Beginnings of the names of environment variables that are Gander's own: an agent must not get
/// its secrets.
const OWN: [&str; 5] = ["GANDER_", "DISCORD_", "TWILIO_", "NTFY_", "NOTIFY_SOCKET"];
/// Beginnings of the names of variables by which an agent tells what it starts about itself. An
/// agent would take itself for a part of another.
const OF_AGENTS: [&str; 5] =
    ["CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_PROJECT_DIR", "CODEX_SANDBOX", "CODEX_THREAD"];

/// Where the agent's output goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Output<'a> {
    /// To this process's own.
    Shared,
    /// To a file beside this store, or nowhere if there can be none. The agent is in a process
    /// group of its own: what interrupts Gander does not interrupt the agent.
    Beside(&'a Path),
}

/// Creates the file for an agent's output, beside the store: a folder that only its owner can read.
fn output_file(store: &Path, plan: &Plan) -> std::io::Result<File> {
    let path = files::beside(store, ".resumed");
    let (beside, name) = disk::folder_and_name(&path)?;
    beside.make_folder(name)?;
    let first = plan.decisions.first().map_or(0, |first| first.0);
    let (folder, name) = (beside.folder(name)?, format!("{first}.log"));
    // A decision is taken up once: an older file is of another store.
    folder.remove_if_there(name.as_ref())?;
    folder.create(name.as_ref())
}

/// What became of a start.
#[derive(Debug)]
pub(super) enum Start {
    /// The agent runs.
    Running(Box<Launched>),
    /// The program could not be started, which is on record.
    Failed,
    /// Nothing was started: nothing is owed any more, or an agent goes on with the session.
    NotOwed,
    /// Nothing was started: an agent that was started before may still go on with the session.
    EndUnknown,
}

/// An agent that runs.
#[derive(Debug)]
pub(super) struct Launched {
    decisions: Vec<DecisionId>,
    child: Child,
    prompt: String,
}

/// Records the start, and starts the agent.
///
/// # Errors
/// [`HandleError`]; nothing was started.
pub(super) async fn start(
    handle: &Handle,
    plan: &Plan,
    unknown: UnknownEnd,
    output: Output<'_>,
) -> Result<Start, HandleError> {
    let recorded = match handle.resumptions().start(plan.decisions.clone(), unknown).await? {
        ResumeStart::Recorded(recorded) => recorded,
        ResumeStart::EndUnknown => return Ok(Start::EndUnknown),
        ResumeStart::SessionRuns | ResumeStart::NothingOwed => return Ok(Start::NotOwed),
    };
    let decisions: Vec<DecisionId> = recorded.iter().map(|decision| decision.id).collect();
    // Checked again, as late as can be: the folder may have been exchanged.
    let spawned = seat::check_folder(&plan.folder)
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::NotFound))
        .and_then(|()| command(plan, output)?.spawn());
    Ok(match spawned {
        Ok(child) => {
            let prompt = text::resume::prompt(&recorded);
            Start::Running(Box::new(Launched { decisions, child, prompt }))
        }
        Err(error) => {
            tracing::warn!(%error, "could not start {}", plan.program.display());
            handle.resumptions().end(decisions, ResumeEnd::NotStarted).await?;
            Start::Failed
        }
    })
}

fn command(plan: &Plan, output: Output<'_>) -> std::io::Result<Command> {
    let mut command = Command::new(&plan.program);
    command.args(&plan.arguments).current_dir(&plan.folder.path);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let begins = |start: &&str| text.starts_with(*start);
        if OWN.iter().chain(&OF_AGENTS).any(begins) {
            command.env_remove(&name);
        }
    }
    // Where the shell of the agent believes itself to be.
    command.env("PWD", &plan.folder.path).stdin(Stdio::piped());
    match output {
        Output::Shared => {}
        Output::Beside(store) => {
            let (out, err) = output_file(store, plan)
                .and_then(|file| Ok((file.try_clone()?.into(), file.into())))
                .unwrap_or_else(|_| (Stdio::null(), Stdio::null()));
            command.stdout(out).stderr(err).process_group(0);
        }
    }
    Ok(command)
}

impl Launched {
    /// Gives the agent its prompt, waits for its end, and records it.
    ///
    /// # Errors
    /// [`HandleError`]: the end could not be recorded, and counts as unknown after a while.
    pub(super) async fn watch(self, handle: &Handle) -> Result<ResumeEnd, HandleError> {
        let Self { decisions, mut child, prompt } = self;
        let ended = async {
            if let Some(mut input) = child.stdin.take() {
                // An agent that does not read its prompt ends with a status that says so.
                let _ = input.write_all(prompt.as_bytes()).await;
            }
            child.wait().await
        };
        let ended = tokio::select! {
            ended = ended => ended,
            () = handle.resumptions().keep_watching(&decisions) => return Ok(ResumeEnd::Unknown),
        };
        let how = match ended {
            Ok(status) if status.success() => ResumeEnd::Finished,
            Ok(status) => ResumeEnd::Failed { status: status.code() },
            Err(_) => ResumeEnd::Unknown,
        };
        handle.resumptions().end(decisions, how).await?;
        Ok(how)
    }
}
