//! Brings back what was put off, when its time has come.
//!
//! The due times are in the store, so a restart, a pause or a suspended machine only makes it late, never
//! forgetful. Sleeping is not a timer: after every sleep and every hint the store is asked again.

use super::{Handle, HandleError};

/// Runs for as long as it is polled.
pub async fn run(handle: Handle) {
    let mut hints = handle.hints();
    loop {
        hints.mark_unchanged();
        let next = match bring_back_due(&handle).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, "could not look at what is due; will look again within 15 s");
                None
            }
        };
        let until = next.unwrap_or_else(|| handle.now() + chrono::TimeDelta::days(1));
        tokio::select! {
            _ = hints.changed() => {}
            () = handle.clock().sleep_until(until) => {}
        }
    }
}

/// Brings back all that is due; the time of the next one.
async fn bring_back_due(handle: &Handle) -> Result<Option<crate::core::Time>, HandleError> {
    let now = handle.now();
    for id in handle.store(move |store| store.due(now)).await? {
        match handle.come_back(id).await {
            Ok(_) => tracing::info!(decision = id.0, "came back"),
            // Somebody decided it in this very moment: there is nothing to bring back.
            Err(HandleError::Refused(..)) => {}
            // One that cannot be read must not keep the others away.
            Err(error) => tracing::error!(decision = id.0, %error, "could not be brought back; tried again within 15 s"),
        }
    }
    Ok(handle.store(|store| store.next_wake()).await?)
}
