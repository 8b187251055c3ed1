//! Long waits in rounds: clients abandon a request after a minute, so `await_decision` ends a round
//! before and asks the client to come back with a state (`input_required` without input requests,
//! revision 2026-07-28). The agent sees one call.
//!
//! Clients that want progress wait in one request: progress keeps the request alive. The state is
//! sealed for its caller and its wait; it says only when the wait ends.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use rmcp::RoleServer;
use rmcp::model::InputRequiredResult;
use rmcp::service::RequestContext;

use super::McpServer;
use super::asking::USUAL_WAIT;
use super::schema::Await;
use super::tasks::is_stateless;
use super::tools::ClientCall;
use crate::core::Time;
use crate::core::decision::{Decision, State};
use crate::engine::approvals::access::Access;
use crate::engine::approvals::seal::SealPurpose;
use crate::presentation::text;

/// Longest round. Clients follow at most 10 rounds; the longest wait takes 6.
const LONGEST_ROUND: Duration = Duration::from_secs(USUAL_WAIT);

/// A part of a wait, within one request.
pub(super) struct WaitRound {
    /// Longest wait in this request.
    pub(super) span: Duration,
    /// When the whole wait ends, by the wall clock, if the client comes back for more.
    end: Option<Time>,
}

/// Whether the client continues a wait by itself.
fn comes_back(context: &RequestContext<RoleServer>) -> bool {
    is_stateless(context) && context.meta.get_progress_token().is_none()
}

/// The numbers of a wait that its state is sealed for.
fn numbers(input: &Await, end: Time) -> [i64; 3] {
    [end.timestamp_millis(), input.id, input.revision.map_or(0, i64::from)]
}

impl McpServer {
    /// The round for this request of a wait of `span`: the first, or the next one.
    pub(super) async fn wait_round(
        &self,
        access: &Access,
        input: &Await,
        span: Duration,
        call: &ClientCall<'_>,
    ) -> Result<WaitRound, String> {
        let now = self.handle.clock().wall();
        let end = match call.state {
            Some(state) => self.wait_end(access, input, state).await?,
            None if comes_back(call.context) => now + TimeDelta::from_std(span).unwrap_or_default(),
            None => return Ok(WaitRound { span, end: None }),
        };
        let left = (end - now).to_std().unwrap_or_default();
        Ok(WaitRound { span: left.min(span).min(LONGEST_ROUND), end: Some(end) })
    }

    /// When the wait ends that the client continues.
    async fn wait_end(&self, access: &Access, input: &Await, state: &str) -> Result<Time, String> {
        let wrong = || text::mcp::wrong_input("await_decision", text::mcp::WRONG_WAIT);
        let (end, seal) = state.split_once('.').ok_or_else(wrong)?;
        let end = end.parse().ok().and_then(DateTime::from_timestamp_millis).ok_or_else(wrong)?;
        let right = access.is_sealed(SealPurpose::Wait, &numbers(input, end), seal).await;
        if right.map_err(|error| error.to_string())? { Ok(end) } else { Err(wrong()) }
    }

    /// Asks the client to come back, if nobody has decided and the wait has not ended.
    pub(super) async fn next_round(
        &self,
        access: &Access,
        input: &Await,
        round: &WaitRound,
        decision: &Decision,
    ) -> Result<Option<InputRequiredResult>, String> {
        let Some(end) = round.end else { return Ok(None) };
        let is_asked = input.revision.is_none_or(|asked| asked == decision.revision.0);
        let waits = is_asked && matches!(decision.state, State::Pending(_));
        if !waits || self.handle.clock().wall() >= end {
            return Ok(None);
        }
        let sealed = access.seal(SealPurpose::Wait, &numbers(input, end)).await;
        let seal = sealed.map_err(|error| error.to_string())?;
        let state = format!("{}.{seal}", end.timestamp_millis());
        Ok(Some(InputRequiredResult::from_request_state(state)))
    }
}
