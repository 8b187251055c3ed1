//! Asks for decisions on tasks in `.agent-task.json` files that wait for a person, and withdraws
//! the questions when the tasks go on.
//!
//! Agents leave a task file in each worktree and stop, without notifying a person. This source asks
//! one decision per file, for as long as the file's state needs a person, or as an agent at work
//! does not report. Open and answered decisions are read from the store at each scan and
//! never cached, so a restart neither duplicates nor loses a question.
//!
//! An answered question is not asked again while the file stays the same. Once the file has moved
//! on, the verdict counts as claimed; if the task later returns to the same state, the source
//! asks anew. Where the configuration says so, the verdict reaches the agent in a file or by a
//! command (`answer.rs`); otherwise the source only reads.
//!
//! Does not depend on surfaces, the store's tables or permissions.

mod answer;
mod command;
mod format;
mod heartbeat;
mod notices;
mod places;
mod question;
mod retry;
mod scan;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use self::answer::{AnswerPlan, Delivery, is_at_work};
pub use self::command::PLACEHOLDERS;
use self::notices::TaskNotices;
pub use self::places::SourceError;
use self::question::{EndReason, KEY, parts_of, same_question};
use self::retry::RetryState;
pub use self::scan::seen_work;
use self::scan::{Scan, Sight, Waiting, survey};
use super::{Answering, WatchedFolder};
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, Request, State};
use crate::engine::{Asked, Filter, Handle, HandleError};

/// Pause between a change notice and the scan, so that a file replaced in several steps is
/// complete.
const SETTLE: Duration = Duration::from_millis(200);
/// After a scan, the next one waits this many times as long as the scan took, however often files
/// change: thousands of busy worktrees must not keep a processor busy.
const REST: u32 = 4;
/// Pause before the next scan after a store error.
const STORE_AGAIN: Duration = Duration::from_secs(5);

/// The result of one scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskScan {
    /// Tasks that wait for a person, whether asked now or earlier, answered or not.
    pub waiting: usize,
    /// New decisions.
    pub asked: Vec<DecisionId>,
    /// Decisions with changed content.
    pub revised: Vec<DecisionId>,
    /// Withdrawn decisions.
    pub withdrawn: Vec<DecisionId>,
    /// Decisions whose verdict reached the agent: by its file, or by a command that was started.
    pub answered: Vec<DecisionId>,
    /// Files and folders that are unreadable or incomplete. Their decisions stay unchanged.
    pub troubles: Vec<SourceError>,
    /// Watched folders that do not exist.
    pub missing: Vec<PathBuf>,
}

/// Scans after each change notice, and every 60 s without notices. Never returns.
pub async fn run(handle: Handle, folders: Vec<WatchedFolder>) {
    let notices = TaskNotices::new(folders.clone());
    // A verdict needs a scan only where it is delivered.
    let delivers = folders.iter().any(|folder| folder.answering != Answering::default());
    let mut hints = handle.hints();
    let mut patience = RetryState::default();
    let mut anew = true;
    loop {
        // Watch before scanning, so that a file created in between raises a notice.
        hints.mark_unchanged();
        notices.refresh(anew).await;
        let begun = tokio::time::Instant::now();
        let looked = look(&handle, &folders).await;
        let rest = begun.elapsed().saturating_mul(REST);
        let wait = match looked {
            // Without folders, this one scan has withdrawn all questions of an earlier
            // configuration.
            Ok(_) if folders.is_empty() => std::future::pending().await,
            Ok(looked) => patience.after(&looked),
            Err(error) => {
                tracing::warn!(%error, "could not import agents' tasks; trying again in 5 s");
                STORE_AGAIN
            }
        };
        let noticed = tokio::select! {
            () = notices.wait() => true,
            // The handle holds the sender, so the channel cannot close.
            _ = hints.changed(), if delivers => true,
            () = tokio::time::sleep(wait) => false,
        };
        anew = !noticed && wait == retry::POLL_INTERVAL;
        if noticed {
            tokio::time::sleep(rest.max(SETTLE)).await;
        }
    }
}

/// Scans all folders once: asks, revises and withdraws according to the files.
///
/// # Errors
/// A store error. Work done before the error stays; the next scan continues. A file that cannot be
/// read or asked is a [`SourceError`], not an error.
pub async fn look(handle: &Handle, folders: &[WatchedFolder]) -> Result<TaskScan, HandleError> {
    // Includes closed decisions, to know which questions have an answer.
    let filter = Filter { key_prefix: Some(KEY.to_owned()), ..Filter::default() };
    let ours: Vec<Decision> = handle
        .approvals()
        .list(filter)
        .await?
        .into_iter()
        .filter(|decision| file(decision).is_some())
        .collect();
    let unsettled =
        ours.iter().filter(|decision| decision.state.is_open() || is_unclaimed(decision));
    let known: Vec<String> = unsettled.filter_map(file).map(ToOwned::to_owned).collect();
    let (folders, now) = (folders.to_vec(), heartbeat_clock(handle));
    let survey = match tokio::task::spawn_blocking(move || survey(&folders, &known, now)).await {
        Ok(survey) => survey,
        Err(error) => {
            tracing::error!(%error, "reading the watched folders was \
                 interrupted; nothing was changed");
            return Ok(TaskScan::default());
        }
    };
    reconcile(handle, &ours, survey).await
}

/// The time to compare heartbeats with. `None` where the store's time runs faster than the agents'.
fn heartbeat_clock(handle: &Handle) -> Option<Time> {
    (handle.time_scale().speed == 1).then(|| handle.now())
}

/// The path of the decision's task file, if this source asked the decision.
fn file(decision: &Decision) -> Option<&str> {
    parts_of(decision.request.dedup_key.as_deref()?).map(|(file, _)| file)
}

fn is_unclaimed(decision: &Decision) -> bool {
    matches!(&decision.state, State::Resolved(resolved) if resolved.claimed_at.is_none())
}

/// Asks, revises, withdraws or claims until decisions match the files. `ours` is sorted newest
/// first.
async fn reconcile(
    handle: &Handle,
    ours: &[Decision],
    survey: Scan,
) -> Result<TaskScan, HandleError> {
    let mut looked =
        TaskScan { troubles: survey.troubles, missing: survey.missing, ..TaskScan::default() };
    let mut latest: HashMap<&str, &Decision> = HashMap::new();
    for decision in ours {
        let Some(key) = decision.request.dedup_key.as_deref() else { continue };
        let Some(sight) = file(decision).and_then(|file| survey.files.get(file)) else { continue };
        let over = match sight {
            Sight::Unclear => continue,
            Sight::Waiting(waiting) => match waiting.request.dedup_key.as_deref() {
                Some(asks) if asks == key => {
                    latest.entry(key).or_insert(decision);
                    continue;
                }
                asks => {
                    EndReason::Continued(asks.and_then(parts_of).map_or("", |(_, state)| state))
                }
            },
            Sight::NoPersonNeeded(state) => EndReason::Continued(state),
            Sight::Aged => EndReason::Aged,
            Sight::NotATask => EndReason::NotATask,
            Sight::Gone => EndReason::Gone,
            Sight::Unwatched => EndReason::Unwatched,
            Sight::Alias(file) => EndReason::Alias(file),
        };
        leave(handle, decision, over, &mut looked).await?;
    }
    for (file, sight) in survey.files {
        if let Sight::Waiting(waiting) = sight {
            looked.waiting += 1;
            let Waiting { request, answer } = *waiting;
            let standing = request.dedup_key.as_deref().and_then(|key| latest.get(key).copied());
            let request = request_to_file(handle, standing, request, &answer, &mut looked).await?;
            if let Some(request) = request {
                answer.remove_old().await;
                ask(handle, request, &file, &mut looked).await?;
            }
        }
    }
    Ok(looked)
}

/// Ends a question that the file no longer asks: withdraws an open decision, and claims a verdict
/// if the task went on or its file is gone.
async fn leave(
    handle: &Handle,
    decision: &Decision,
    over: EndReason<'_>,
    looked: &mut TaskScan,
) -> Result<(), HandleError> {
    let left = if decision.state.is_open() {
        handle.approvals().withdraw(decision.id, &over.reason()).await
    } else if is_unclaimed(decision) && matches!(over, EndReason::Continued(_) | EndReason::Gone) {
        handle.approvals().claim(decision.id).await
    } else {
        return Ok(());
    };
    match left {
        Ok(left) => {
            if matches!(left.state, State::Withdrawn { .. }) {
                tracing::info!(decision = left.id.0, why = over.reason(), "withdrawn");
                looked.withdrawn.push(left.id);
            }
            Ok(())
        }
        // A person answered, or undid a verdict, at this moment: the next scan handles the new
        // state.
        Err(HandleError::Refused(..)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The request to file for a waiting task, given the latest decision with the same key. `None` if
/// the same question has a verdict that the agent has not acted on yet; the verdict is delivered.
async fn request_to_file(
    handle: &Handle,
    standing: Option<&Decision>,
    request: Request,
    answer: &AnswerPlan,
    looked: &mut TaskScan,
) -> Result<Option<Request>, HandleError> {
    let Some(standing) = standing else { return Ok(Some(request)) };
    // A pruned decision can no longer be compared, and counts as unchanged.
    let same = standing.pruned_at.is_some() || same_question(&standing.request, &request);
    if standing.state.is_open() {
        if standing.request.project != request.project {
            leave(handle, standing, EndReason::Renamed(&request.project), looked).await?;
            return Ok(Some(request));
        }
        if answered_since(handle, standing).await? {
            return Ok(None);
        }
        // If only a counter rose, keep the old request: a revision would redraw the card and
        // invalidate a click in progress.
        let request = if same { standing.request.clone() } else { request };
        return Ok(Some(request));
    }
    if is_unclaimed(standing) {
        if same {
            match answer.deliver(handle, standing).await? {
                Delivery::Nothing => {}
                Delivery::Done => looked.answered.push(standing.id),
                Delivery::Failed(why) => {
                    looked.troubles.push(SourceError { path: answer.file.clone(), why });
                }
            }
            return Ok(None);
        }
        leave(handle, standing, EndReason::Continued(&request.title), looked).await?;
    } else if same && is_at_work(handle, standing.id, answer).await? {
        return Ok(None);
    }
    Ok(Some(request))
}

/// Whether an open question was answered since it was listed: asking it again would make a second
/// question. The next scan, which the answer's hint starts, delivers the verdict.
async fn answered_since(handle: &Handle, listed: &Decision) -> Result<bool, HandleError> {
    let now = handle.approvals().get(listed.id).await?;
    Ok(matches!(now.state, State::Resolved(_)))
}

async fn ask(
    handle: &Handle,
    request: Request,
    file: &str,
    looked: &mut TaskScan,
) -> Result<(), HandleError> {
    match handle.approvals().ask(request).await {
        Ok(Asked::New(decision)) => {
            tracing::info!(decision = decision.id.0, file, "a task waits for a person");
            looked.asked.push(decision.id);
            Ok(())
        }
        Ok(Asked::Revised(decision)) => {
            tracing::info!(
                decision = decision.id.0,
                revision = decision.revision.0,
                file,
                "a waiting task says something else"
            );
            looked.revised.push(decision.id);
            Ok(())
        }
        Ok(Asked::Same(_)) => Ok(()),
        // A folder at its limit still has its other files read.
        Err(why @ (HandleError::InvalidRequest(_) | HandleError::Limited(_))) => {
            looked.troubles.push(SourceError { path: file.into(), why: why.to_string() });
            Ok(())
        }
        Err(error) => Err(error),
    }
}
