//! Does what is due by itself: brings back what was put off, climbs the ladder of what nobody
//! answers, applies the safe default in the end.
//!
//! The due times are in the store, so a restart, a pause or a suspended machine only makes it late,
//! never forgetful. Sleeping is not a timer: after every sleep and every hint the store is asked
//! again. Must not know who is reached, or how: what fires is written down, and whoever reaches
//! people reads it.

use chrono::TimeDelta;
use tokio::task::JoinSet;

use super::{Handle, HandleError};
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, State};

/// How much earlier a reminder falls due when another one does: people get one message that lists
/// both.
pub const GATHERED: TimeDelta = TimeDelta::minutes(5);

/// Decisions that are worked on at the same time: their writes share a commit.
const AT_ONCE: usize = 64;

/// Runs for as long as it is polled.
pub async fn run(handle: Handle) {
    let mut hints = handle.hints();
    loop {
        hints.mark_unchanged();
        let next = match pass(&handle).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, "could not look at what is due; will look again within 15 s");
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

/// Does once all that is due; when the next is, if anything waits and all could be done. What a
/// rung or a return has made due in turn is left for the next pass. May be dropped at any moment:
/// what it has not done is still due.
///
/// # Errors
/// [`HandleError::Store`]: what is due could not be read.
pub async fn pass(handle: &Handle) -> Result<Option<Time>, HandleError> {
    let now = handle.now();
    let due = handle.store(move |store| store.due(now)).await?;
    if !due.is_empty() {
        // What comes due a little later is pulled along only where something is due now.
        let soon = now.checked_add_signed(GATHERED).unwrap_or(now);
        // All of `due` are among these.
        if !do_all(handle, handle.store(move |store| store.due(soon)).await?).await {
            return Ok(None);
        }
    }
    Ok(handle.store(|store| store.next_wake()).await?)
}

/// Whether all that could be done was.
async fn do_all(handle: &Handle, due: Vec<DecisionId>) -> bool {
    let mut due = due.into_iter();
    let mut running: JoinSet<bool> = JoinSet::new();
    let mut all = true;
    loop {
        while running.len() < AT_ONCE
            && let Some(id) = due.next()
        {
            let handle = handle.clone();
            running.spawn(async move { come_due(&handle, id).await });
        }
        match running.join_next().await {
            Some(done) => all &= done.unwrap_or(false),
            None => return all,
        }
    }
}

async fn come_due(handle: &Handle, id: DecisionId) -> bool {
    match handle.come_due(id, GATHERED).await {
        Ok(decision) => tracing::info!(decision = id.0, "{}", what_happened(&decision)),
        // Somebody decided it in this very moment, or it only comes due a little later.
        Err(HandleError::Refused(..)) => {}
        // One that cannot be read must not keep the others away.
        Err(error) => {
            tracing::error!(decision = id.0, %error, "could not do what is due; tried again within 15 s");
            return false;
        }
    }
    true
}

fn what_happened(decision: &Decision) -> String {
    match (&decision.state, &decision.climb) {
        (State::Pending(_), Some(climb)) => format!("nobody has answered: {}", climb.stage),
        (State::Resolved(resolved), _) => {
            format!("nobody has answered: {} by the safe default", resolved.verdict.word())
        }
        _ => "came back".into(),
    }
}
