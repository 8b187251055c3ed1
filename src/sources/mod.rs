//! Sources: turn what agents leave behind into decisions, and withdraw the decisions when no longer
//! needed.
//!
//! A source reads files, output or messages of other programs and calls [`Handle`]. A source keeps
//! no state in memory that a restart would miss. Does not depend on surfaces, the store's tables or
//! permissions.

pub mod agent_task;
mod child;
pub mod command;
mod effect;
mod folder_notices;
pub mod inbox;
mod lines;
pub mod seen_work;
pub mod webhooks;
pub mod wizard;
pub mod workrail;

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use self::command::CommandSource;
pub use self::inbox::DropFolder;
use self::wizard::WizardFolder;
use self::workrail::WorkRailFolder;
use crate::core::decision::Request;
use crate::engine::{Asked, Filter, Handle, HandleError};

/// A folder with agents' task files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchedFolder {
    /// A repository, its `.agents/worktrees`, or a folder with a task file. The path need not exist
    /// yet.
    pub path: PathBuf,
    /// The project of tasks in this folder. Default: the repository folder's name.
    pub project: Option<String>,
    /// How a verdict reaches the agents.
    pub answering: Answering,
}

/// How a verdict reaches the agents of a watched folder. By default, it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answering {
    /// Whether verdicts are written to `.agent-decision.json` beside the task file.
    pub decision_file: bool,
    /// What an approval of a plan, or of another try after a failed validation, runs: a program and
    /// its arguments, which may contain [`agent_task::PLACEHOLDERS`]. Empty: nothing.
    pub rerun: Vec<String>,
}

/// The sources of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceSettings {
    /// Folders with agents' task files.
    pub watched: Vec<WatchedFolder>,
    /// Folders into which agents write questions.
    pub dropped: Vec<DropFolder>,
    /// Folders of `WorkRail`.
    pub workrail: Vec<WorkRailFolder>,
    /// Repositories in which the PostHog wizard runs.
    pub wizards: Vec<WizardFolder>,
    /// Commands that print decisions.
    pub commands: Vec<CommandSource>,
}

/// Runs every source. Never returns. `store` is the store's file; attachments of dropped questions
/// are kept beside it.
pub async fn run(handle: Handle, settings: SourceSettings, store: &Path) {
    let SourceSettings { watched, dropped, workrail, wizards: _, commands } = settings;
    tokio::join!(
        agent_task::run(handle.clone(), watched),
        inbox::run(handle.clone(), dropped, store.to_owned()),
        workrail::run(handle.clone(), workrail),
        command::run(handle, commands),
    );
}

/// Asks, unless a decision with this key exists in any state. `None` if one does.
async fn ask_once(handle: &Handle, request: Request) -> Result<Option<Asked>, HandleError> {
    let filter = Filter { key: request.dedup_key.clone(), limit: 1, ..Filter::default() };
    if !handle.approvals().list(filter).await?.is_empty() {
        return Ok(None);
    }
    handle.approvals().ask(request).await.map(Some)
}

/// A short name for bytes that may be long or hostile: 16 hexadecimal digits.
fn short_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
