//! Does what is due in the queue: takes leases back, finds what is stuck and what is at risk, and
//! applies the answers of people.
//!
//! Due times are in the store, as with decisions: a restart or a pause delays what is due and never
//! loses it.

use chrono::TimeDelta;

use super::JobApi;
use crate::core::Time;
use crate::core::jobs::JobId;
use crate::engine::{Handle, HandleError};
use crate::store::Sweep;

impl JobApi<'_> {
    /// Does everything that is due now.
    ///
    /// # Errors
    /// [`HandleError::Store`]; what was not done stays due.
    pub async fn sweep(self) -> Result<Sweep, HandleError> {
        let mut all = Sweep::default();
        loop {
            let (at, rules, words) = (self.handle.now(), self.handle.rules(), self.words());
            let done = self
                .handle
                .write_store(move |store| store.jobs().sweep(rules.jobs.clone(), words, at))
                .await?;
            let more = done.more;
            all.lost.extend(done.lost);
            all.stuck.extend(done.stuck);
            all.at_risk.extend(done.at_risk);
            all.settled.extend(done.settled);
            if !more {
                break;
            }
        }
        if !all.is_empty() {
            self.handle.hint();
        }
        Ok(all)
    }

    /// When [`JobApi::sweep`] has something to do, unless people answer before.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn next_sweep(self) -> Result<Option<Time>, HandleError> {
        let rules = self.handle.rules();
        Ok(self.handle.with_store(move |store| store.jobs().next_sweep(&rules.jobs)).await?)
    }
}

/// Sweeps the queue until dropped.
pub async fn run(handle: Handle) {
    let mut hints = handle.hints();
    loop {
        hints.mark_unchanged();
        let next = match pass(&handle).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, "could not do what is due in the queue; trying again \
                     within 15 s");
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

async fn pass(handle: &Handle) -> Result<Option<Time>, HandleError> {
    let swept = handle.jobs().sweep().await?;
    let numbers = |jobs: &[JobId]| jobs.iter().map(|job| job.0).collect::<Vec<_>>();
    for (jobs, what) in [
        (&swept.lost, "took the leases of lost workers back"),
        (&swept.stuck, "found jobs without output"),
        (&swept.at_risk, "found jobs at risk of their deadline"),
        (&swept.settled, "applied what people decided"),
    ] {
        if !jobs.is_empty() {
            tracing::info!(jobs = ?numbers(jobs), "{what}");
        }
    }
    handle.jobs().next_sweep().await
}
