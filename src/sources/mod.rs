//! From outside to the handle: what agents leave behind becomes a decision, and stops being one.
//!
//! A source reads what others write and calls [`Handle`]; it keeps nothing in memory that a restart would miss.
//! Must not know surfaces, the store's tables or who may decide.

pub mod agent_task;

use std::path::PathBuf;

use crate::engine::Handle;

/// A folder in which agents leave their state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedFolder {
    /// A repository, its `.agents/worktrees`, or a folder with a task's file in it. It need not exist yet.
    pub path: PathBuf,
    /// The project of what is found there; absent: the repository folder's name.
    pub project: Option<String>,
}

/// Runs every source that watches folders, for as long as it is polled.
pub async fn run(handle: Handle, folders: Vec<WatchedFolder>) {
    agent_task::run(handle, folders).await;
}
