//! Waits for a verdict, and keeps a record of the agent that waits.

use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::{Asking, Step, words};
use crate::cli::Opened;
use crate::cli::gate::hook::{HookEvent, HookInput};
use crate::cli::gate::{listener, seat};
use crate::core::Time;
use crate::core::decision::resumption::{AgentProcess, Seat, Wait};
use crate::core::decision::{Decision, DecisionId, Revision, State};
use crate::engine::approvals::gates::GateReply;
use crate::engine::event_log::watch;
use crate::engine::operations::heartbeat;
use crate::engine::operations::heartbeat::Running;
use crate::engine::{Claim, Handle, HandleError};

impl Asking {
    /// Waits until the agent can be told something about a decision, and keeps a record of the
    /// agent meanwhile. `began`: when the time limit began.
    pub(super) async fn verdict_on(
        &self,
        opened: &Opened,
        asked: &Decision,
        began: Instant,
    ) -> Step<Decision> {
        let handle = &opened.handle;
        let seat = self.park(handle, asked.id).await;
        let left = self.limit.saturating_sub(began.elapsed());
        let waited = wait(opened, asked, left, seat.as_ref()).await;
        if seat.is_some() {
            self.leave(handle, asked.id, waited.as_ref().ok()).await;
        }
        waited
    }

    /// Records where the agent works whose own prompt asks about a decision, unless only that
    /// prompt can be answered: then no verdict is for the agent.
    pub(super) async fn leave_to_prompt(&self, handle: &Handle, asked: &Decision) {
        let (id, resumptions) = (asked.id, handle.resumptions());
        let recorded = if asked.is_answered_at_desk_only() {
            resumptions.forget(id).await
        } else if self.park(handle, id).await.is_some() {
            resumptions.stop_waiting(id, Wait::WentOn).await
        } else {
            Ok(())
        };
        // The prompt asks in any case. At worst, the agent is not started again once it has ended.
        if let Err(error) = recorded {
            tracing::debug!(%error, "could not record where the agent works");
        }
    }

    /// Records where the agent works, for the case that it ends before the decision has a verdict.
    /// `None`: it could not be started again, or not recorded.
    async fn park(&self, handle: &Handle, id: DecisionId) -> Option<Seat> {
        let HookInput { agent, call, event, .. } = &self.hooked;
        // The answer is for an MCP server that ended with the agent, and not for the agent's model.
        if *event == HookEvent::Elicitation {
            return None;
        }
        let seat = seat::of(*agent, call, self.root.as_deref())?;
        // Without the record, the agent is not started again; its call is decided all the same.
        handle.resumptions().park(id, seat.clone()).await.ok()?;
        Some(seat)
    }

    /// Records what the agent is told. `waited`: the decision at the end of the wait; `None` if the
    /// wait failed.
    async fn leave(&self, handle: &Handle, id: DecisionId, waited: Option<&Decision>) {
        let resumptions = handle.resumptions();
        let recorded = match waited.map(|decision| &decision.state) {
            Some(State::Resolved(_) | State::Withdrawn { .. }) => resumptions.forget(id).await,
            Some(State::Deferred { .. }) if self.may_defer => {
                resumptions.stop_waiting(id, Wait::Parted).await
            }
            Some(State::Pending(_) | State::Deferred { .. }) => {
                resumptions.stop_waiting(id, Wait::WentOn).await
            }
            None => resumptions.abandon(id).await,
        };
        // A record that could not be changed says that the gate waits, which ends by itself.
        let _ = recorded;
    }
}

/// Why no verdict is taken for an agent that has ended: it is for the agent that goes on.
const NOBODY: &str = "nobody reads the answer";

/// Waits for the verdict, and claims it unless the agent has ended.
async fn take(
    handle: &Handle,
    asked: &Decision,
    deadline: Time,
    seat: Option<&Seat>,
) -> Step<Decision> {
    let approvals = handle.approvals();
    let (id, revision) = (asked.id, asked.revision);
    loop {
        let found = approvals.wait(id, Some(revision), Claim::No, Some(deadline)).await;
        let found = found.map_err(words)?;
        if found.revision != revision || !matches!(found.state, State::Resolved(_)) {
            return Ok(found);
        }
        // The system may close a pipe some time after the process that read it has ended.
        if seat.is_some_and(|seat| seat::process_of(seat) == AgentProcess::Ended) {
            return Err(NOBODY.into());
        }
        match approvals.claim(id).await {
            Ok(claimed) => return Ok(claimed),
            // Undone at this very moment.
            Err(HandleError::Refused(..)) => {}
            Err(HandleError::Store(error)) if error.is_retryable() => {}
            Err(error) => return Err(words(error)),
        }
    }
}

async fn wait(
    opened: &Opened,
    asked: &Decision,
    limit: Duration,
    seat: Option<&Seat>,
) -> Step<Decision> {
    let handle = &opened.handle;
    // The limit is in wall-clock time; the store's time may run faster.
    let speed = i32::try_from(handle.time_scale().speed.max(1)).unwrap_or(i32::MAX);
    let span = TimeDelta::from_std(limit).ok().and_then(|limit| limit.checked_mul(speed));
    let deadline = span.and_then(|span| handle.now().checked_add_signed(span));
    let deadline = deadline.ok_or("--timeout is out of range: write, for example, 10m")?;
    tokio::select! {
        taken = take(handle, asked, deadline, seat) => taken,
        () = handle.resumptions().keep_waiting(asked.id) => {
            Err("the gate can no longer say that it waits".into())
        }
        () = listener::gone() => Err(NOBODY.into()),
        () = watch::run(handle.clone(), &opened.store) => {
            Err("the store can no longer be watched".into())
        }
    }
}

/// The answer for a call that was asked about at revision `asked`.
pub(super) fn reply_to(opened: &Opened, waited: &Decision, asked: Revision) -> GateReply {
    let unserved = heartbeat::of(&opened.store) == Running::No;
    opened.handle.gates().reply(waited, asked, unserved)
}
