//! Issues that the daemon has dispatched, as seen work. Blocks.

use std::path::Path;

use serde::Deserialize;

use super::WorkRailFolder;
use crate::disk::Folder;
use crate::sources::seen_work::{SeenState, SeenWork, WorkSystem};

const SESSIONS: &str = "daemon-sessions";
/// Size limit in bytes of a dispatch file.
const LONGEST_FILE: u64 = 64 << 10;
/// Most dispatch files that are read.
const MOST_FILES: usize = 10_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dispatch {
    issue_number: u64,
    trigger_id: String,
    attempt_count: u32,
}

/// The issues that the daemon works on, by number. Files of other shapes are left out.
#[must_use]
pub fn seen_work(folder: &WorkRailFolder) -> Vec<SeenWork> {
    let opened = Folder::open(&folder.path).and_then(|root| root.folder(Path::new(SESSIONS)));
    let Ok(sessions) = opened else { return Vec::new() };
    let mut names: Vec<String> = sessions
        .names()
        .unwrap_or_default()
        .into_iter()
        .filter_map(|n| n.into_string().ok())
        .collect();
    names.retain(|name| name.starts_with("queue-issue-") && name.ends_with(".json"));
    names.sort();
    let read = |name: String| {
        let text = sessions.read_text(Path::new(&name), LONGEST_FILE).ok()?;
        serde_json::from_str::<Dispatch>(&text).ok()
    };
    names.into_iter().take(MOST_FILES).filter_map(read).map(|it| work(it, folder)).collect()
}

fn work(dispatch: Dispatch, folder: &WorkRailFolder) -> SeenWork {
    SeenWork {
        system: WorkSystem::WorkRail,
        id: format!("{}#{}", folder.path.display(), dispatch.issue_number),
        run: Some(dispatch.trigger_id),
        title: format!("Issue {}", dispatch.issue_number),
        project: folder.project.clone(),
        state: SeenState::Running,
        depends_on: Vec::new(),
        attempts: Some(dispatch.attempt_count),
        max_attempts: None,
        finished_at: None,
        handoff: None,
    }
}
