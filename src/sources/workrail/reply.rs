//! Appends answers to `message-queue.jsonl`, each once.

use std::path::Path;

use serde::Serialize;

use super::{WorkRailFolder, WorkRailScan};
use crate::core::decision::{Decision, DecisionId, State, Verdict};
use crate::disk::{FileError, Folder};
use crate::engine::{Filter, Handle, HandleError};
use crate::sources::agent_task::SourceError;

const QUEUE: &str = "message-queue.jsonl";
/// Bytes of the queue that are searched for a line after a crash: twice its size at rotation.
const SEARCHED: u64 = 20 << 20;

/// A line of the queue.
#[derive(Serialize)]
struct QueuedMessage<'a> {
    id: &'a str,
    message: String,
    timestamp: String,
    priority: &'static str,
}

/// Appends the answers that nobody has claimed, and the answer that a crash has interrupted.
///
/// # Errors
/// A store error. A file error is a trouble, and tried again.
pub(super) async fn deliver(
    handle: &Handle,
    folder: &WorkRailFolder,
    scan: &mut WorkRailScan,
) -> Result<(), HandleError> {
    let intent = handle.operations().memo(&intent_name(folder)).await?;
    if let Some(id) = intent.and_then(|text| text.parse().ok()) {
        match handle.approvals().get(DecisionId(id)).await {
            Ok(decision) => {
                if !finish(handle, folder, &decision, scan).await? {
                    return Ok(());
                }
            }
            // The store is an older backup.
            Err(HandleError::NoSuchDecision(_)) => {
                handle.operations().put_memo(&intent_name(folder), None).await?;
            }
            Err(error) => return Err(error),
        }
    }
    let filter = Filter {
        key_prefix: Some(folder.key()),
        state: Some("resolved".into()),
        ..Filter::default()
    };
    let resolved = handle.approvals().list(filter).await?;
    // Oldest first, as the answers were given.
    for decision in resolved.into_iter().rev().filter(is_unclaimed) {
        let name = intent_name(folder);
        handle.operations().put_memo(&name, Some(decision.id.0.to_string())).await?;
        match handle.approvals().claim(decision.id).await {
            // Undone at this moment.
            Err(HandleError::Refused(..)) => handle.operations().put_memo(&name, None).await?,
            Err(error) => return Err(error),
            Ok(claimed) => {
                if !finish(handle, folder, &claimed, scan).await? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

fn intent_name(folder: &WorkRailFolder) -> String {
    format!("workrail-reply:{}", folder.tag())
}

fn is_unclaimed(decision: &Decision) -> bool {
    decision.request.asked_by.is_none()
        && matches!(&decision.state, State::Resolved(resolved) if resolved.claimed_at.is_none())
}

/// Appends the answer of a claimed decision unless it is there. Returns false if the file cannot be
/// written.
async fn finish(
    handle: &Handle,
    folder: &WorkRailFolder,
    decision: &Decision,
    scan: &mut WorkRailScan,
) -> Result<bool, HandleError> {
    let State::Resolved(resolved) = &decision.state else {
        handle.operations().put_memo(&intent_name(folder), None).await?;
        return Ok(true);
    };
    if resolved.claimed_at.is_none() {
        // Interrupted before the claim: it is delivered like any other.
        return Ok(true);
    }
    let id = format!("gander-{}-{}", handle.tag(), decision.id.0);
    let message = QueuedMessage {
        id: &id,
        message: words(decision, &resolved.verdict),
        timestamp: handle
            .time_scale()
            .wall_time(resolved.at)
            .to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        priority: "high",
    };
    let line = serde_json::to_string(&message).unwrap_or_default();
    let root = folder.path.clone();
    let appended = tokio::task::spawn_blocking(move || append_once(&root, &id, &line)).await;
    let appended = appended.map_err(|error| error.to_string());
    match appended.and_then(|appended| appended.map_err(|error| error.to_string())) {
        Ok(()) => {
            handle.operations().put_memo(&intent_name(folder), None).await?;
            tracing::info!(decision = decision.id.0, "the answer is in WorkRail's message queue");
            scan.answered.push(decision.id);
            Ok(true)
        }
        Err(why) => {
            scan.troubles.push(SourceError { path: folder.path.join(QUEUE), why });
            Ok(false)
        }
    }
}

fn words(decision: &Decision, verdict: &Verdict) -> String {
    let title = &decision.request.title;
    let session = decision.request.agent.session.as_deref().unwrap_or_default();
    let said = match verdict {
        Verdict::Approved(_) => "approved".to_owned(),
        Verdict::Rejected { reason } => format!("rejected: {reason}"),
        Verdict::Chosen { option } => option.clone(),
        Verdict::Answered { text, .. } => text.clone(),
    };
    format!("Re: {title} ({session}): {said}")
}

/// Appends the line unless the queue already has a line with this id.
fn append_once(root: &Path, id: &str, line: &str) -> Result<(), FileError> {
    let folder = Folder::open(root)?;
    let name = Path::new(QUEUE);
    let wanted = format!("\"id\":\"{id}\"");
    match folder.read(name, SEARCHED) {
        Ok(bytes) if contains(&bytes, wanted.as_bytes()) => return Ok(()),
        Ok(_) => {}
        Err(error) if error.is_absence() => {}
        Err(error) => return Err(error),
    }
    folder.append_line(name, line.as_bytes())
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted)
}
