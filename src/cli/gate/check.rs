//! `gander gate check`: tries out the installed gates.
//!
//! Each trial runs the hook's command as the agent runs it, with a store, a configuration and a
//! folder of the check's own, and a pretend approver. What the agent makes of the end of the hook
//! is told by the agent's contract.

mod scene;
mod trials;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use self::scene::Scene;
use self::trials::{Outcome as TrialOutcome, TRIALS, Trial};
use super::adapters::{self, AGENTS, Agent};
use super::contract::Evidence;
use super::hook_file::Found;
use super::install::read;
use crate::cli::{Common, Exit, Failure, Outcome, output};
use crate::presentation::text::gate::check as words;

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 every gate holds as far as its agent lets it, 1 a gate \
        fails or none is installed, 2 bad usage.")]
pub(super) struct CheckArgs {
    /// Only this agent [default: each with a gate]
    #[arg(value_parser = adapters::parser())]
    agent: Option<Agent>,
    /// Also look in this folder
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
}

impl CheckArgs {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let wanted = |agent: &&Agent| self.agent.is_none_or(|only| only.name() == agent.name());
        let mut told = Vec::new();
        let mut works = true;
        for agent in AGENTS.iter().filter(wanted).copied() {
            for (file, found) in hooks_here(agent, self.project.as_deref())? {
                let scene = Scene::new(agent, &found).map_err(broken)?;
                if !common.json {
                    let evidence = evidence(agent);
                    output::line(&format!("{} ({}): {evidence}", agent.name(), file.display()));
                }
                let mut results = Vec::new();
                let (mut open, mut failed) = (0, 0);
                for trial in TRIALS {
                    let outcome = scene.run(trial).await;
                    open += usize::from(matches!(outcome, TrialOutcome::FailsOpen(_)));
                    failed += usize::from(matches!(outcome, TrialOutcome::Fails(_)));
                    if !common.json {
                        output::line(&shown(trial, &outcome));
                    }
                    results.push(as_json(trial, &outcome));
                }
                works &= failed == 0;
                let holes = agent.contract().holes;
                if !common.json {
                    for hole in holes {
                        output::line(&format!("  {:<12} {hole}", words::NOT_STOPPED));
                    }
                    output::line(&words::summary(agent.name(), agent.title(), open, failed));
                }
                told.push(json!({
                    "agent": agent.name(),
                    "file": file,
                    "evidence": evidence(agent),
                    "trials": results,
                    "not_stopped": holes,
                }));
            }
        }
        if common.json {
            output::json(&json!({ "agents": &told }));
        }
        if told.is_empty() {
            let only = self.agent.map(|only| only.name());
            return Err(Failure::new(Exit::No, words::nothing(only)));
        }
        Ok(if works { Exit::Yes } else { Exit::No })
    }
}

/// The gates of an agent: the user's, and a project's.
fn hooks_here(agent: Agent, project: Option<&Path>) -> Result<Vec<(PathBuf, Found)>, Failure> {
    let mut found = Vec::new();
    for place in std::iter::once(None).chain(project.map(Some)) {
        let Ok(file) = agent.hook_file(place) else { continue };
        let gate = read(&file)?.and_then(|text| agent.format().installed(&text));
        found.extend(gate.map(|gate| (file, gate)));
    }
    Ok(found)
}

fn broken(why: String) -> Failure {
    Failure::new(Exit::Internal, why)
}

fn evidence(agent: Agent) -> String {
    match agent.contract().evidence {
        Evidence::Ran(version) => words::tried(agent.title(), version),
        Evidence::RanPart(what) => words::tried_part(what),
        Evidence::Read(what) => words::read(what),
    }
}

fn shown(trial: Trial, outcome: &TrialOutcome) -> String {
    let (word, why) = outcome.words();
    let words::TrialWords { name, means } = trial.words();
    format!("  {word:<12} {name}: {}", why.unwrap_or(means))
}

fn as_json(trial: Trial, outcome: &TrialOutcome) -> Value {
    let (word, why) = outcome.words();
    json!({ "trial": trial.words().name, "result": word, "why": why })
}
