//! x
use std::path::PathBuf;
use crate::engine::Handle;
#[derive(Debug, Clone)]
pub struct WatchedFolder { pub path: PathBuf, pub project: Option<String> }
pub async fn run(_: Handle, _: Vec<WatchedFolder>) { std::future::pending().await }
