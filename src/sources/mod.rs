//! From outside to the handle: what agents leave behind becomes a decision, and stops being one.
//!
//! A source reads what others write and calls [`Handle`]; it keeps nothing in memory that a restart
//! would miss. Must not know surfaces, the store's tables or who may decide.

pub mod agent_task;
pub mod inbox;

use std::path::{Path, PathBuf};

pub use self::inbox::DropFolder;
use crate::engine::Handle;

/// A folder in which agents leave their state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedFolder {
    /// A repository, its `.agents/worktrees`, or a folder with a task's file in it. It need not
    /// exist yet.
    pub path: PathBuf,
    /// The project of what is found there; absent: the repository folder's name.
    pub project: Option<String>,
}

/// Runs every source that watches folders, for as long as it is polled. The store's file is named
/// because what is attached to a dropped question is kept beside it.
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
