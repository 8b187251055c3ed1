//! `WorkRail`: messages of its outbox, and events of its daemon that need a person, become
//! decisions; answers are appended to its message queue.
//!
//! | file below the folder | use |
//! |---|---|
//! | `outbox.jsonl` | each message is a question for an answer in words; `kind: stuck` is urgent |
//! | `inbox-cursor.json` | messages that the person has read there are withdrawn |
//! | `events/daemon/DATE.jsonl` | events that need a person; later events end their questions |
//! | `daemon-sessions/queue-issue-N.json` | work, as seen by [`seen_work`] |
//! | `message-queue.jsonl` | one line for each answer, once |
//!
//! What was read is kept in the store. A line is asked about if no decision has its key yet, so a
//! crash between asking and keeping the place doubles nothing. An answer is claimed, then appended:
//! after a crash in between, the queue is searched for the line before it is appended again.
//!
//! Does not depend on surfaces, the store's tables or permissions.

mod files;
mod question;
mod reply;
mod seen;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::files::{Found, read_folder};
use self::question::effect;
use self::reply::deliver;
pub use self::seen::seen_work;
use super::agent_task::SourceError;
use super::effect::Effect;
use super::folder_notices::FolderNotices;
use super::lines::LinePlace;
use crate::core::decision::{Decision, DecisionId, Request, WORKRAIL_KEY};
use crate::engine::{Asked, Filter, Handle, HandleError};

/// Pause between a change notice and the scan.
const SETTLE: Duration = Duration::from_millis(50);
/// Pause before the next scan after an error.
const AGAIN: Duration = Duration::from_secs(5);
/// Interval of scans without notices, because notices are only hints.
const POLL_INTERVAL: Duration = Duration::from_secs(60);

/// A folder of `WorkRail`, usually `~/.workrail`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkRailFolder {
    /// The folder. It need not exist yet.
    pub path: PathBuf,
    /// The project of its decisions.
    pub project: String,
}

/// The result of one scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkRailScan {
    /// New decisions.
    pub asked: Vec<DecisionId>,
    /// Withdrawn decisions.
    pub withdrawn: Vec<DecisionId>,
    /// Decisions whose answer was appended to the message queue.
    pub answered: Vec<DecisionId>,
    /// Lines and files that were refused or could not be read.
    pub troubles: Vec<SourceError>,
    /// More lines are there: the next scan follows at once.
    pub has_more: bool,
}

/// What was read, kept in the store between scans.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Progress {
    outbox: Option<LinePlace>,
    /// Places in the latest event files, by name. Older names are history.
    events: BTreeMap<String, LinePlace>,
    /// The first name of an event file that is read.
    events_since: Option<String>,
    /// Outbox lines that the person had read there, at the last scan.
    read_there: u64,
}

impl WorkRailFolder {
    /// A short name of the folder, for keys.
    fn tag(&self) -> String {
        super::short_hash(self.path.as_os_str().as_encoded_bytes())
    }

    /// Prefix of the keys of this folder's decisions.
    fn key(&self) -> String {
        format!("{WORKRAIL_KEY}{}#", self.tag())
    }

    fn memo(&self) -> String {
        format!("workrail:{}", self.tag())
    }
}

/// Scans a folder once: asks, withdraws, and delivers answers.
///
/// # Errors
/// A store error. Work done before the error stays; the next scan continues.
pub async fn look(handle: &Handle, folder: &WorkRailFolder) -> Result<WorkRailScan, HandleError> {
    let mut scan = WorkRailScan::default();
    let kept = handle.operations().memo(&folder.memo()).await?;
    let before: Progress =
        kept.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    deliver(handle, folder, &mut scan).await?;
    let (path, progress, is_first) = (folder.path.clone(), before.clone(), kept.is_none());
    let read = tokio::task::spawn_blocking(move || read_folder(&path, progress, is_first)).await;
    let Found { progress, lines, read_there, troubles, has_more } = match read {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(%error, "reading a WorkRail folder was interrupted");
            return Ok(scan);
        }
    };
    scan.troubles.extend(troubles);
    scan.has_more = has_more;
    let mut open = open_decisions(handle, folder).await?;
    for line in &lines {
        for effect in effect(folder, line) {
            match effect {
                Effect::Ask(request) => {
                    if !ask(handle, *request, &mut open, &mut scan).await? {
                        // Full: these lines come again.
                        return Ok(WorkRailScan { has_more: false, ..scan });
                    }
                }
                Effect::Over { prefix, reason } => {
                    withdraw(handle, &mut open, |key| key.starts_with(&prefix), reason, &mut scan)
                        .await?;
                }
            }
        }
    }
    if let Some(read) = read_there {
        let is_read = |key: &str| question::outbox_line(folder, key).is_some_and(|at| at < read);
        withdraw(handle, &mut open, is_read, question::READ_THERE, &mut scan).await?;
    }
    if progress != before || is_first {
        let text = serde_json::to_string(&progress).unwrap_or_default();
        handle.operations().put_memo(&folder.memo(), Some(text)).await?;
    }
    Ok(scan)
}

async fn open_decisions(
    handle: &Handle,
    folder: &WorkRailFolder,
) -> Result<Vec<Decision>, HandleError> {
    let filter = Filter { open_only: true, key_prefix: Some(folder.key()), ..Filter::default() };
    handle.approvals().list(filter).await
}

/// Asks unless it was asked before. Returns false if the folder has too many open questions.
async fn ask(
    handle: &Handle,
    request: Request,
    open: &mut Vec<Decision>,
    scan: &mut WorkRailScan,
) -> Result<bool, HandleError> {
    if open.iter().any(|other| question::is_same_cause(&other.request, &request)) {
        return Ok(true);
    }
    match super::ask_once(handle, request).await {
        Ok(Some(Asked::New(decision))) => {
            scan.asked.push(decision.id);
            open.push(decision);
            Ok(true)
        }
        Ok(_) => Ok(true),
        Err(HandleError::Limited(why)) => {
            scan.troubles.push(SourceError { path: "outbox.jsonl".into(), why: why.to_string() });
            Ok(false)
        }
        Err(HandleError::InvalidRequest(why)) => {
            scan.troubles.push(SourceError { path: "outbox.jsonl".into(), why: why.to_string() });
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

async fn withdraw(
    handle: &Handle,
    open: &mut Vec<Decision>,
    is_over: impl Fn(&str) -> bool,
    reason: &str,
    scan: &mut WorkRailScan,
) -> Result<(), HandleError> {
    let key = |decision: &Decision| decision.request.dedup_key.clone().unwrap_or_default();
    let over: Vec<DecisionId> =
        open.iter().filter(|open| is_over(&key(open))).map(|open| open.id).collect();
    open.retain(|open| !over.contains(&open.id));
    for id in over {
        match handle.approvals().withdraw(id, reason).await {
            Ok(_) => scan.withdrawn.push(id),
            // Answered at this moment.
            Err(HandleError::Refused(..)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Scans a folder until nothing more is there.
async fn look_at_all(
    handle: &Handle,
    folder: &WorkRailFolder,
    troubles: &mut Vec<SourceError>,
) -> Result<(), HandleError> {
    loop {
        let scan = look(handle, folder).await?;
        troubles.extend(scan.troubles);
        if !scan.has_more {
            return Ok(());
        }
    }
}

/// Scans after each change notice, after each verdict, and every 60 s. Never returns.
pub async fn run(handle: Handle, folders: Vec<WorkRailFolder>) {
    if folders.is_empty() {
        std::future::pending::<()>().await;
    }
    let mut notices = FolderNotices::new();
    let mut hints = handle.hints();
    let mut said: Vec<SourceError> = Vec::new();
    loop {
        hints.mark_unchanged();
        notices.watch(folders.iter().flat_map(|folder| files::watched(&folder.path)));
        let (mut wait, mut troubles) = (POLL_INTERVAL, Vec::new());
        for folder in &folders {
            if let Err(error) = look_at_all(&handle, folder, &mut troubles).await {
                tracing::warn!(%error, "could not import from WorkRail; trying again in 5 s");
                wait = AGAIN;
            }
        }
        for SourceError { path, why } in troubles.iter().filter(|found| !said.contains(found)) {
            tracing::warn!(?path, why, "a WorkRail folder has a problem");
        }
        said = troubles;
        tokio::select! {
            () = notices.wait() => {}
            // The handle holds the sender, so the channel cannot close.
            _ = hints.changed() => {}
            () = tokio::time::sleep(wait) => if wait == POLL_INTERVAL { notices.forget() },
        }
        tokio::time::sleep(SETTLE).await;
    }
}
