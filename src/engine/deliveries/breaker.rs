//! Keeps all cards waiting together while nobody of us is let in: one request in a while finds out
//! whether that is over.
//!
//! Refused requests count, whichever card they are for, against a limit after which the address is
//! banned. So does not each card try by itself.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::BoardError;

/// Between two requests while none is accepted: 60 of Discord's 10,000 in 10 minutes.
const PAUSE: Duration = Duration::from_secs(10);

/// Whether requests are made.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<Option<Instant>>);

impl Breaker {
    /// Whether a request may be made now.
    ///
    /// # Errors
    /// When to ask again, if not. Whoever is let in after that time is the one that finds out; the
    /// others wait for what comes of it.
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

    /// What came of a request. Said once, when it begins and when it is over.
    pub(super) fn hear<T>(
        &self,
        now: Instant,
        result: Result<T, BoardError>,
    ) -> Result<T, BoardError> {
        let mut closed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &result {
            Err(BoardError::NotLetIn(why)) => {
                if closed.replace(now + PAUSE).is_none() {
                    tracing::error!(
                        "no card is posted or changed for now: {why}. One request every {} s tries again",
                        PAUSE.as_secs()
                    );
                }
            }
            // What never reached the other side says nothing about it.
            Err(BoardError::Later { .. }) => {}
            _ => {
                if closed.take().is_some() {
                    tracing::info!("requests are accepted again: cards are posted and changed");
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
        let refused = || Err::<(), _>(BoardError::NotLetIn("the token was reset".into()));
        let mut now = Instant::now();
        assert!(breaker.admit(now).is_ok() && breaker.admit(now).is_ok());
        assert!(breaker.hear(now, refused()).is_err());
        for _ in 0..3 {
            now = breaker.admit(now).unwrap_err();
            assert!(breaker.admit(now).is_ok(), "one");
            assert!(breaker.admit(now).is_err(), "and no other");
            assert!(breaker.hear(now, refused()).is_err());
        }
        now = breaker.admit(now).unwrap_err();
        assert!(breaker.admit(now).is_ok());
        assert!(breaker.hear(now, Ok(())).is_ok());
        assert!(breaker.admit(now).is_ok() && breaker.admit(now).is_ok(), "all of them again");
    }
}
