//! Work of agents as the files of other systems describe it, in one shape. Nothing is asked about
//! it here: the shared queue turns it into jobs. Pure.

use crate::core::Time;

/// A piece of work that an agent does, did, or will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenWork {
    /// Where it was seen. Together with `id`, names the same work at each look.
    pub system: WorkSystem,
    /// The work's identity within its system.
    pub id: String,
    /// The run that it is part of.
    pub run: Option<String>,
    /// One line for people. Never empty.
    pub title: String,
    /// The project.
    pub project: String,
    /// How far it is.
    pub state: SeenState,
    /// Identities, in the same system, of the work that must be done before.
    pub depends_on: Vec<String>,
    /// How often it was tried, if reported.
    pub attempts: Option<u32>,
    /// How often it may be tried, if reported.
    pub max_attempts: Option<u32>,
    /// When it ended, if reported.
    pub finished_at: Option<Time>,
    /// What the agent hands on.
    pub handoff: Option<SeenHandoff>,
}

/// A system whose files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkSystem {
    /// Folders with `.agent-task.json`.
    AgentTask,
    /// The queue of the PostHog wizard.
    Wizard,
    /// The daemon of `WorkRail`.
    WorkRail,
}

/// How far a piece of work is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeenState {
    /// Not begun.
    Queued,
    /// An agent works on it.
    Running,
    /// Waits for a person, who is asked elsewhere.
    WaitsForPerson,
    /// Done.
    Done,
    /// Turned out to be unnecessary, with the reason.
    NotNeeded(String),
    /// Failed, with the reason.
    Failed(String),
}

/// What an agent hands on with its work. Parts that were not reported are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenHandoff {
    /// The goals.
    pub goals: String,
    /// What was done.
    pub did: String,
    /// What the next agent must know.
    pub for_next_agent: String,
    /// The files that changed.
    pub files_touched: Vec<String>,
    /// How it is known to work.
    pub evidence: String,
    /// What was assumed.
    pub assumptions: String,
}
