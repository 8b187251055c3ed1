//! A circuit breaker shared by all cards while Discord rejects every request: a single probe at
//! intervals finds out whether the rejection is over.
//!
//! Rejected requests of all cards count against a common limit, beyond which Discord bans the
//! address. One shared probe therefore replaces a retry per card.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::SinkError;

/// Pause between two probes: 60 of the 10,000 rejected requests Discord allows in 10 minutes.
const PAUSE: Duration = Duration::from_secs(10);

/// `Some`: requests are rejected, and the next probe is due then. `None`: requests flow freely.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<Option<Instant>>);

impl Breaker {
    /// Whether a request may be made now.
    ///
    /// # Errors
    /// The time to ask again. The first request after that time is the probe; the others wait for
    /// its result.
    pub(super) fn admit(&self, now: Instant) -> Result<(), Instant> {
        let mut closed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *closed {
            Some(until) if now < until => Err(until),
            Some(_) => {
                *closed = Some(now + PAUSE);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Records a request's result. Logs once when the rejections begin and once when they end.
    pub(super) fn record<T>(
        &self,
        now: Instant,
        result: Result<T, SinkError>,
    ) -> Result<T, SinkError> {
        let mut closed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &result {
            Err(SinkError::AccessDenied(why)) => {
                if closed.replace(now + PAUSE).is_none() {
                    tracing::error!(
                        "posting and editing are paused: {why}. One request every {} s tries again",
                        PAUSE.as_secs()
                    );
                }
            }
            // A request may have failed before reaching Discord, so this says nothing about
            // rejection.
            Err(SinkError::Later { .. }) => {}
            _ => {
                if closed.take().is_some() {
                    tracing::info!("requests are accepted again: posting and editing resume");
                }
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_in_a_while_finds_out_for_all() {
        let breaker = Breaker::default();
        let refused = || Err::<(), _>(SinkError::AccessDenied("the token was reset".into()));
        let mut now = Instant::now();
        assert!(breaker.admit(now).is_ok() && breaker.admit(now).is_ok());
        assert!(breaker.record(now, refused()).is_err());
        for _ in 0..3 {
            now = breaker.admit(now).unwrap_err();
            assert!(breaker.admit(now).is_ok(), "one");
            assert!(breaker.admit(now).is_err(), "and no other");
            assert!(breaker.record(now, refused()).is_err());
        }
        now = breaker.admit(now).unwrap_err();
        assert!(breaker.admit(now).is_ok());
        assert!(breaker.record(now, Ok(())).is_ok());
        assert!(breaker.admit(now).is_ok() && breaker.admit(now).is_ok(), "all of them again");
    }
}
