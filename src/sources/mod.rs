//! Sources: turn what agents leave behind into decisions, and withdraw the decisions when no longer
//! needed.
//!
//! A source reads files of other programs and calls [`Handle`]. A source keeps no state in memory
//! that a restart would miss. Does not depend on surfaces, the store's tables or permissions.

pub mod agent_task;
pub mod inbox;

use std::path::{Path, PathBuf};

pub use self::inbox::DropFolder;
use crate::engine::Handle;

/// A folder with agents' task files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedFolder {
    /// A repository, its `.agents/worktrees`, or a folder with a task file. The path need not exist
    /// yet.
    pub path: PathBuf,
    /// The project of tasks in this folder. Default: the repository folder's name.
    pub project: Option<String>,
}

/// Runs every source. Never returns. `store` is the store's file; attachments of dropped questions
/// are kept beside it.
pub async fn run(
    handle: Handle,
    watched: Vec<WatchedFolder>,
    dropped: Vec<DropFolder>,
    store: &Path,
) {
    tokio::join!(
        agent_task::run(handle.clone(), watched),
        inbox::run(handle, dropped, store.to_owned())
    );
}
