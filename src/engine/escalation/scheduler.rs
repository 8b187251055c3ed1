//! Runs due transitions: returns deferred decisions, fires escalation steps for unanswered
//! decisions, finally applies the safe default, and ends grants whose time is over.
//!
//! Due times are in the store, so a restart, a pause or a suspended machine delays a transition but
//! never loses one. A sleep alone is not trusted: after every sleep and every hint the store is
//! read again. Does not depend on how people are reached: a transition is only recorded, and the
//! reminders read the log.

use chrono::TimeDelta;
use tokio::task::JoinSet;

use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, State};
use crate::core::messaging::reminder::GROUPING_WINDOW;
use crate::engine::{Handle, HandleError};

/// Concurrent transitions: their writes share a commit.
const AT_ONCE: usize = 64;

/// Runs due transitions until dropped.
pub async fn run(handle: Handle) {
    let mut hints = handle.hints();
    loop {
        hints.mark_unchanged();
        let next = match pass(&handle).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, "could not read what is due; trying again within 15 s");
                None
            }
        };
        let until = next.unwrap_or_else(|| handle.now() + TimeDelta::days(1));
        tokio::select! {
            _ = hints.changed() => {}
            () = handle.clock().sleep_until(until) => {}
        }
    }
}

/// Runs all due transitions once. Returns the next due time, or `None` if nothing waits or a
/// transition failed. A transition made due by this pass waits for the next pass. Cancel-safe:
/// unfinished transitions stay due.
///
/// # Errors
/// [`HandleError::Store`]: the due decisions could not be read.
pub async fn pass(handle: &Handle) -> Result<Option<Time>, HandleError> {
    let now = handle.now();
    let due = handle.with_store(move |store| store.decisions().due(now)).await?;
    if !due.is_empty() {
        // Reminders due soon fire early only if another is due now.
        let soon = now.checked_add_signed(GROUPING_WINDOW).unwrap_or(now);
        // This list includes all of `due`.
        if !do_all(handle, handle.with_store(move |store| store.decisions().due(soon)).await?).await
        {
            return Ok(None);
        }
    }
    Ok(handle.with_store(|store| store.decisions().next_wake()).await?)
}

/// Runs the transitions. Returns whether all succeeded.
async fn do_all(handle: &Handle, due: Vec<DecisionId>) -> bool {
    let mut due = due.into_iter();
    let mut running: JoinSet<bool> = JoinSet::new();
    let mut all = true;
    loop {
        while running.len() < AT_ONCE
            && let Some(id) = due.next()
        {
            let handle = handle.clone();
            running.spawn(async move { run_due(&handle, id).await });
        }
        match running.join_next().await {
            Some(done) => all &= done.unwrap_or(false),
            None => return all,
        }
    }
}

async fn run_due(handle: &Handle, id: DecisionId) -> bool {
    match handle.escalation().run_due(id, GROUPING_WINDOW).await {
        Ok(decision) => tracing::info!(decision = id.0, "{}", what_happened(&decision)),
        // Decided at this very moment, or due only a little later.
        Err(HandleError::Refused(..)) => {}
        // An unreadable decision must not block the others.
        Err(error) => {
            tracing::error!(decision = id.0, %error, "could not run what is due; trying again \
                 within 15 s");
            return false;
        }
    }
    true
}

fn what_happened(decision: &Decision) -> String {
    match (&decision.state, &decision.position) {
        (State::Pending(_), Some(position)) => format!("nobody has answered: {}", position.stage),
        (State::Resolved(resolved), _) if resolved.grant.ended.is_some() => {
            "the time of its grant is over".into()
        }
        (State::Resolved(resolved), _) => {
            format!("nobody has answered: {} by the safe default", resolved.verdict.word())
        }
        _ => "came back".into(),
    }
}
