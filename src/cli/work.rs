//! `gander work`: a worker. Leases jobs of the shared queue and has an agent work on each, in a git
//! worktree of its own; or orchestrates a run in a folder, as a walking skeleton.

mod agents;
mod asking;
mod git;
mod job_run;
mod leased;
mod orchestrate;
mod pool;
mod process;
mod record;
mod slug;
mod stopping;
mod stub;
mod task_file;
mod turn;
mod validation;
mod worker;
mod worktree;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use self::agents::AgentChoice;
pub(super) use self::asking::KEY;
use self::git::{Force, Repository};
use self::job_run::Setup;
use self::worker::{Until, Worker};
use self::worktree::Fate;
use super::{Common, Exit, Failure, Outcome, log, open_with_timeout, output};
use crate::config::{Config, LogFormat};
use crate::core::policy::rules::project_name;
use crate::engine::{Handle, HandleError};
use crate::presentation::text::work as text;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Exit status: 0 everything is done (--until-idle, --orchestrate), 1 something of \
    the run is not done, 2 bad usage, 75 stopped by a signal: jobs were handed back"
)]
pub(super) struct Work {
    #[command(subcommand)]
    command: Option<WorkCommand>,
    /// Work on the jobs of this project
    #[arg(long, value_name = "NAME", required_unless_present = "orchestrate")]
    project: Option<String>,
    /// stub, goose, claude, codex, opencode, gemini, "acp:COMMAND" or "command:…" [default:
    /// work.agent]
    #[arg(long, value_name = "AGENT")]
    agent: Option<AgentChoice>,
    /// The repository to work in [default: the project's first folder, else the folder in which
    /// this is started]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Jobs at a time
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u8).range(1..=16)
    )]
    at_once: u8,
    /// End when no job of the project can be begun
    #[arg(long)]
    until_idle: bool,
    /// Have each plan approved before the agent works, whatever the configuration says
    #[arg(long)]
    plan: bool,
    /// Find out what DIR is made of, seed a run of jobs, and have stubs work on them
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = ["project", "root", "until_idle", "at_once", "plan"]
    )]
    orchestrate: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum WorkCommand {
    /// List the worktrees of jobs
    List(Place),
    /// Remove worktrees whose jobs are merged or given up
    ///
    /// A worktree with uncommitted work is removed only after a confirmation at a terminal.
    Clean(Place),
}

#[derive(Debug, Args)]
struct Place {
    /// The project, whose first folder is looked at
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// The repository
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

impl Work {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        match &self.command {
            Some(WorkCommand::List(place)) => return list(place, common).await,
            Some(WorkCommand::Clean(place)) => return clean(place, common).await,
            None => log::to_stderr("warn", LogFormat::default()),
        }
        let config = common.config()?;
        let agent = match self.agent {
            Some(agent) => agent,
            None => configured_agent(&config)?,
        };
        if let Some(folder) = &self.orchestrate {
            let AgentChoice::Stub(stub) = agent else {
                return Err(Failure::new(Exit::Usage, text::ONLY_STUBS));
            };
            return orchestrate::run(folder, stub, common).await;
        }
        let project = project_name(&self.project.unwrap_or_default());
        let mut terms = config.work.terms(&project);
        terms.plan |= self.plan;
        let repository = repository(self.root.as_deref(), Some(&project), &config).await?;
        repository.head().await.map_err(usage)?;
        let store = common.store_path(&config)?;
        let opened = open_with_timeout(&store, &config)?;
        let (worker, _lock) = worker::name(&store)?;
        let handle = opened.handle.clone();
        let file = common.config.clone().or(config.file);
        let setup = Setup { agent, terms, worker, store, config: file };
        let until = if self.until_idle { Until::Idle } else { Until::Stopped };
        let worker = Worker { setup, repository, project, until, handle };
        worker.run(opened, usize::from(self.at_once)).await
    }
}

fn usage(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, error)
}

fn configured_agent(config: &Config) -> Result<AgentChoice, Failure> {
    match &config.work.agent {
        Some(agent) => agent.parse().map_err(|why| usage(format!("work.agent: {why}"))),
        None => Err(usage("name an agent with --agent, or with agent under [work]")),
    }
}

/// The repository of a project.
async fn repository(
    root: Option<&Path>,
    project: Option<&str>,
    config: &Config,
) -> Result<Repository, Failure> {
    let here = std::env::current_dir()
        .map_err(|error| Failure::new(Exit::Internal, format!("the working directory: {error}")))?;
    let of_project = || {
        let project = project?;
        config.folders.iter().find(|folder| folder.project == project)
    };
    let folder = match (root, of_project()) {
        (Some(root), _) => here.join(root),
        (None, Some(folder)) => folder.folder.clone(),
        (None, None) => here,
    };
    Repository::of(&folder).await.map_err(usage)
}

async fn list(place: &Place, common: &Common) -> Outcome {
    let opened = common.open_to_read()?;
    let repository = found(place, common).await?;
    let known = worktree::list(&repository, opened.handle.tag()).await.map_err(usage)?;
    for known in &known {
        let state = state_of(&opened.handle, known.job).await?;
        let word = state.as_ref().map(crate::core::jobs::JobState::word);
        if common.json {
            output::json(&serde_json::json!({
                "worktree": known.path, "branch": known.branch, "job": known.job.map(|job| job.0),
                "state": word, "merged": known.is_merged, "uncommitted": known.uncommitted,
            }));
        } else {
            output::line(&text::worktree(
                &known.path.display().to_string(),
                known.job.map(|job| job.0),
                word,
                known.uncommitted.len(),
                known.is_merged,
            ));
        }
    }
    Ok(Exit::Yes)
}

async fn found(place: &Place, common: &Common) -> Result<Repository, Failure> {
    let config = common.config()?;
    let project = place.project.as_deref().map(project_name);
    repository(place.root.as_deref(), project.as_deref(), &config).await
}

async fn state_of(
    handle: &Handle,
    job: Option<crate::core::jobs::JobId>,
) -> Result<Option<crate::core::jobs::JobState>, Failure> {
    let Some(job) = job else { return Ok(None) };
    match handle.jobs().get(job).await {
        Ok(job) => Ok(Some(job.state)),
        Err(HandleError::NoSuchJob(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn clean(place: &Place, common: &Common) -> Outcome {
    let opened = common.open_to_read()?;
    let repository = found(place, common).await?;
    for known in worktree::list(&repository, opened.handle.tag()).await.map_err(usage)? {
        let state = state_of(&opened.handle, known.job).await?;
        let path = known.path.display().to_string();
        let force = match worktree::fate(&known, state.as_ref()) {
            Fate::Remove => Force::No,
            Fate::Ask if confirmed(&path, &known.uncommitted)? => Force::Yes,
            Fate::Ask => {
                output::line(&text::worktree_kept(&path, text::UNCOMMITTED));
                continue;
            }
            Fate::Keep(why) => {
                output::line(&text::worktree_kept(&path, why));
                continue;
            }
        };
        worktree::remove(&repository, &known, force).await.map_err(usage)?;
        output::line(&text::worktree_removed(&path));
    }
    Ok(Exit::Yes)
}

/// Asks at a terminal whether uncommitted work may be lost. Without a terminal: no.
fn confirmed(path: &str, files: &[String]) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    for line in text::uncommitted(path, files) {
        output::line(&line);
    }
    Ok(super::verdict::typed_line(text::CONFIRM_REMOVAL)?.trim() == "remove")
}
