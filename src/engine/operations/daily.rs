//! Opens the daily messages: the review of automatic approvals, and the digest. The reconciler
//! posts them.
//!
//! All progress is on record. A reviewed decision is listed on a message, so no decision is
//! reviewed twice. The latest digest records the end of its period, so the next digest continues
//! from there, even after days without a running bot. A crash between two writes leaves exactly the
//! remaining work. Does not depend on Discord.

use std::collections::BTreeMap;

use crate::core::Time;
use crate::core::decision::DecisionId;
use crate::core::messaging::daily::{MIN_INTERVAL, latest, next};
use crate::core::messaging::message::{Destination, Item, Purpose};
use crate::engine::{Handle, HandleError};
use crate::presentation::review::MOST_LISTED;
use crate::store::{NewMessage, Store, StoreError};

/// Name of the memo with the time the digest was switched on, written until the first digest
/// exists.
const SINCE: &str = "digest since";

/// Opens daily messages until dropped.
pub async fn run(handle: Handle) {
    let mut hints = handle.hints();
    let mut done = None;
    loop {
        hints.mark_unchanged();
        let until = match open_due(&handle, &mut done).await {
            Ok(until) => until,
            Err(error) => {
                tracing::warn!(%error, "could not make the review or the digest; \
                     trying again within 15 s");
                handle.now() + chrono::TimeDelta::days(1)
            }
        };
        tokio::select! {
            // The configuration may have changed.
            _ = hints.changed() => {}
            () = handle.clock().sleep_until(until) => {}
        }
    }
}

/// Handled due times: of the review, and of the digest.
pub type Moments = (Time, Option<Time>);

/// Opens due messages and returns when to check again. `done` holds the due times already handled,
/// so the store is not read while nothing is due.
///
/// # Errors
/// [`HandleError::Store`]; the next call opens the remaining messages.
pub async fn open_due(handle: &Handle, done: &mut Option<Moments>) -> Result<Time, HandleError> {
    let (now, rules) = (handle.now(), handle.rules());
    let (daily, zone) = (rules.daily, rules.zone);
    let moments = (latest(daily.review, now, zone), daily.digest.map(|at| latest(at, now, zone)));
    let again = [Some(daily.review), daily.digest]
        .into_iter()
        .flatten()
        .map(|at| next(at, now, zone))
        .min();
    let again = again.unwrap_or_else(|| now + chrono::TimeDelta::days(1));
    if *done == Some(moments) {
        return Ok(again);
    }
    let reviewed = open_reviews(handle, moments.0).await?;
    let digested = match moments.1 {
        Some(at) => open_digest(handle, at).await?,
        None => true,
    };
    // A message too soon after its predecessor is tried again at the next due time.
    *done = (reviewed && digested).then_some(moments);
    Ok(again)
}

/// Whether at least [`MIN_INTERVAL`] of wall-clock time has passed since the latest message of this
/// purpose.
fn is_apart(store: &Store, purpose: &str, wall: Time) -> Result<bool, StoreError> {
    Ok(store
        .messages()
        .latest(purpose)?
        .is_none_or(|latest| wall - latest.opened_at >= MIN_INTERVAL))
}

/// Opens reviews of the automatic approvals up to `until`. Returns `false` if too soon after the
/// latest review.
async fn open_reviews(handle: &Handle, until: Time) -> Result<bool, HandleError> {
    let wall = handle.clock().wall();
    let new = handle.with_store(move |store| {
        let unreviewed = store.reports().unreviewed(until)?;
        let begun = matches!(store.messages().latest("review")?, Some(latest)
            if matches!(latest.purpose, Purpose::Review { until: other, .. } if other == until));
        if unreviewed.is_empty() {
            return Ok(Some(Vec::new()));
        }
        // An interrupted review continues at once.
        if !begun && !is_apart(store, "review", wall)? {
            return Ok(None);
        }
        let mut projects: BTreeMap<String, Vec<DecisionId>> = BTreeMap::new();
        for (id, project) in unreviewed {
            projects.entry(project).or_default().push(id);
        }
        let mut new = Vec::new();
        for (project, ids) in projects {
            for ids in ids.chunks(MOST_LISTED) {
                let items = store.decisions().get_many(ids)?.iter().map(Item::of).collect();
                let purpose = Purpose::Review { project: project.clone(), until };
                new.push(NewMessage {
                    purpose,
                    place: Destination::Project(project.clone()),
                    items,
                    at: wall,
                });
            }
        }
        Ok(Some(new))
    });
    let Some(new) = new.await? else { return Ok(false) };
    if !new.is_empty() {
        tracing::info!(reviews = new.len(), "automatic approvals listed for review");
    }
    handle.messages().open(new).await?;
    Ok(true)
}

/// Opens the digest of the period ending at `to`, unless already open. Returns `false` if too soon
/// after the latest digest.
async fn open_digest(handle: &Handle, to: Time) -> Result<bool, HandleError> {
    let (wall, now) = (handle.clock().wall(), handle.now());
    let latest = handle.with_store(|store| store.messages().latest("digest")).await?;
    let last = latest.as_ref().and_then(|message| match &message.purpose {
        Purpose::Digest { digest } => Some(digest.to),
        _ => None,
    });
    let from = match last {
        Some(last) if last >= to => return Ok(true),
        Some(last) => last,
        // The first digest comes at the first due time after the digest was switched on.
        None => {
            let since = match handle
                .operations()
                .memo(SINCE)
                .await?
                .and_then(|since| since.parse::<Time>().ok())
            {
                Some(since) => since,
                None => {
                    handle.operations().put_memo(SINCE, Some(now.to_rfc3339())).await?;
                    now
                }
            };
            if since > to {
                return Ok(true);
            }
            to - chrono::TimeDelta::days(1)
        }
    };
    if latest.is_some_and(|latest| wall - latest.opened_at < MIN_INTERVAL) {
        return Ok(false);
    }
    let digest = Box::new(handle.reports().digest(from, to).await?);
    let purpose = Purpose::Digest { digest };
    tracing::info!(%from, %to, "digest made");
    handle
        .messages()
        .open(vec![NewMessage { purpose, place: Destination::Digest, items: Vec::new(), at: wall }])
        .await?;
    Ok(true)
}
