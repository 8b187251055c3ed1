//! Agents that wait at a gate, and those that ended and must be started again with the answer.
//!
//! The store says what was started: a start is recorded before the process runs, by a transaction
//! that succeeds once per decision. Does not depend on how an agent is started.

use chrono::TimeDelta;

use crate::core::Time;
use crate::core::decision::resumption::{LEASE, RENEWAL, ResumeEnd, Seat, UnknownEnd, Wait};
use crate::core::decision::{Decision, DecisionId};
use crate::engine::{Handle, HandleError};
use crate::store::{ParkedAgent, ResumeStart, Store};

/// Records agents that wait, and what becomes of those that ended.
#[derive(Debug, Clone, Copy)]
pub struct ResumptionApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl ResumptionApi<'_> {
    /// Records the agent that waits for a decision. [`ResumptionApi::keep_waiting`] must follow.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn park(self, id: DecisionId, seat: Seat) -> Result<(), HandleError> {
        let until = self.in_store_time(LEASE);
        let park = self.handle.write_store(move |store| store.resumptions().park(id, seat, until));
        Ok(park.await?)
    }

    /// Gives signs of life of a gate that waits, until dropped.
    pub async fn keep_waiting(self, id: DecisionId) {
        loop {
            self.sleep(RENEWAL).await;
            let until = self.in_store_time(LEASE);
            let renew = move |store: &Store| store.resumptions().renew_wait(id, until);
            // The next sign comes before the last one counts as old.
            let _ = self.handle.write_store(renew).await;
        }
    }

    /// Records how a gate stopped waiting.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn stop_waiting(self, id: DecisionId, wait: Wait) -> Result<(), HandleError> {
        let put = self.handle.write_store(move |store| store.resumptions().put_wait(id, wait));
        Ok(put.await?)
    }

    /// Records that a gate has ended without an answer to its agent, because the agent had ended.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn abandon(self, id: DecisionId) -> Result<(), HandleError> {
        self.stop_waiting(id, Wait::Until(self.handle.now())).await
    }

    /// Removes the record of an agent that has its answer.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn forget(self, id: DecisionId) -> Result<(), HandleError> {
        Ok(self.handle.write_store(move |store| store.resumptions().forget(id)).await?)
    }

    /// All records, the latest decision first.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn all(self) -> Result<Vec<ParkedAgent>, HandleError> {
        Ok(self.handle.with_store(|store| store.resumptions().all()).await?)
    }

    /// The records of agents that may have to be started: nothing was started, and the decision is
    /// closed.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn decided(self) -> Result<Vec<ParkedAgent>, HandleError> {
        Ok(self.handle.with_store(|store| store.resumptions().decided()).await?)
    }

    /// Records that an agent is about to be started with the verdicts on these decisions of one
    /// session. Only after [`ResumeStart::Recorded`] may the caller start it, once, and must give
    /// signs of life ([`ResumptionApi::keep_watching`]) until [`ResumptionApi::end`].
    ///
    /// # Errors
    /// [`HandleError::Store`]; the agent must not be started.
    pub async fn start(
        self,
        of: Vec<DecisionId>,
        unknown: UnknownEnd,
    ) -> Result<ResumeStart, HandleError> {
        let (at, until) = (self.handle.now(), self.in_store_time(LEASE));
        let start = move |store: &Store| store.resumptions().start(of, unknown, at, until);
        let started = self.handle.write_store(start).await?;
        self.handle.hint();
        Ok(started)
    }

    /// Gives signs of life of the process that watches a started agent, until dropped.
    pub async fn keep_watching(self, of: &[DecisionId]) {
        loop {
            self.sleep(RENEWAL).await;
            let (of, until) = (of.to_vec(), self.in_store_time(LEASE));
            let renew = move |store: &Store| store.resumptions().renew_watch(of, until);
            let _ = self.handle.write_store(renew).await;
        }
    }

    /// Records how a resumption ended.
    ///
    /// # Errors
    /// [`HandleError::Store`]; the end then counts as unknown after a while.
    pub async fn end(self, of: Vec<DecisionId>, how: ResumeEnd) -> Result<(), HandleError> {
        let at = self.handle.now();
        self.handle.write_store(move |store| store.resumptions().end(of, how, at)).await?;
        self.handle.hint();
        Ok(())
    }

    /// Records that nobody has seen the end of the resumptions that nobody watches any more, and
    /// returns their decisions: the agents are not started again.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn expire(self) -> Result<Vec<Decision>, HandleError> {
        let at = self.handle.now();
        let unknown = self.handle.write_store(move |store| store.resumptions().expire(at)).await?;
        if !unknown.is_empty() {
            self.handle.hint();
        }
        Ok(unknown)
    }

    /// The store's time after a span of wall-clock time.
    fn in_store_time(self, span: TimeDelta) -> Time {
        let speed = i32::try_from(self.handle.time_scale().speed.max(1)).unwrap_or(i32::MAX);
        let later =
            span.checked_mul(speed).and_then(|span| self.handle.now().checked_add_signed(span));
        later.unwrap_or(Time::MAX_UTC)
    }

    /// Waits for a span of wall-clock time.
    async fn sleep(self, span: TimeDelta) {
        let until = self.in_store_time(span);
        while self.handle.now() < until {
            self.handle.clock().sleep_until(until).await;
        }
    }
}
