//! Enforces the limits on asking ([`AskLimits`]). The store counts the open questions, inside the
//! transaction that files the question; the rate is counted by each process.

use std::sync::{Arc, Mutex, PoisonError};

use crate::core::decision::Request;
use crate::core::policy::ask_limits::{Addition, AskLimitReached, AskLimits};
use crate::engine::Handle;
use crate::engine::rate_limit::RateLimit;
use crate::store::Admit;

/// The questions of each asker in the last minutes, under the limits now in force.
#[derive(Debug, Default)]
pub(in crate::engine) struct AskRate(Mutex<Option<(AskLimits, Arc<RateLimit>)>>);

impl AskRate {
    /// The counter for these limits. Other limits start a new counter.
    fn counter(&self, limits: AskLimits) -> Arc<RateLimit> {
        let mut counter = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*counter {
            Some((known, counter)) if *known == limits => Arc::clone(counter),
            _ => {
                let at_once = limits.per_minute.max(limits.open);
                let new = Arc::new(RateLimit::per_minute(limits.per_minute, at_once));
                *counter = Some((limits, Arc::clone(&new)));
                new
            }
        }
    }
}

/// The caller id of programs of this process's own user. They could write the store anyway, as
/// `gander ask` does, so limits would stop nobody.
fn own_user() -> String {
    format!("unix:{}", rustix::process::geteuid().as_raw())
}

fn check_rate(counter: &RateLimit, limits: AskLimits, asker: &str) -> Result<(), AskLimitReached> {
    counter.check(asker).map_err(|wait| AskLimitReached::Rate {
        per_minute: limits.per_minute,
        after_seconds: wait.as_secs().saturating_add(1),
    })
}

impl Handle {
    /// The check of a request against the asker's limits, for the store to call. A request that
    /// adds nothing, because it was made before, is not counted.
    pub(in crate::engine) fn ask_limits(&self, request: &Request) -> Admit {
        let party = request.party().map(ToOwned::to_owned);
        let Some(asker) = party.filter(|asker| *asker != own_user()) else {
            return Box::new(|_| Ok(()));
        };
        let limits = self.rules().ask_limits;
        let counter = self.inner.ask_rate.counter(limits);
        Box::new(move |addition: Addition| {
            let checked =
                limits.check_open(addition).and_then(|()| check_rate(&counter, limits, &asker));
            if let Err(reached) = checked {
                tracing::warn!(asker, "a question was refused: {reached}");
            }
            checked
        })
    }
}
