//! The agents' tools: request approval, await the decision, report the outcome, withdraw.

use std::time::Duration;

use chrono::TimeDelta;
use gander_client::types::{LONGEST_REPORT, Question};
use rmcp::RoleServer;
use rmcp::model::{CallToolResponse, ProgressNotificationParam};
use rmcp::service::RequestContext;

use super::McpServer;
use super::answer::Done;
use super::schema::{Await, DecisionState, ReportInput, WithdrawInput};
use super::tasks::speaks_tasks;
use super::tools::ClientCall;
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, Refused, Revision, State};
use crate::engine::approvals::access::{Access, AccessError};
use crate::engine::{Claim, HandleError};
use crate::presentation::{json, text};

/// Default wait, in seconds. Codex and the TypeScript SDK abandon a call after 60 s.
pub(super) const USUAL_WAIT: u64 = 45;
/// Longest wait, in seconds. goose and Claude Code (over HTTP, without progress) abandon a call
/// after 300 s.
const LONGEST_WAIT: u64 = 240;
/// Interval of progress notifications, for clients that request progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(15);

/// How a wait ended.
pub(super) enum Waited {
    /// The decision after the wait. A verdict is claimed, if the caller may claim it.
    Over(Box<Decision>),
    /// The client cancelled the call, the connection ended, or the token was revoked.
    Cancelled,
}

impl McpServer {
    /// Files a question. The result is a task where the client speaks the tasks extension.
    pub(super) async fn request_approval(
        &self,
        access: &Access,
        question: Question,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, String> {
        if let Some(error) = question.validation_error() {
            return Err(text::mcp::wrong_input("request_approval", &error));
        }
        // A caller limited to one project need not name the project.
        let project = access.caller().only_project();
        let filed = access.ask(json::request(question, project.as_deref()), None).await;
        let decision = match filed {
            Ok(filed) => filed.into_decision(),
            Err(error) => return Err(self.refused(access, error).await),
        };
        if speaks_tasks(context) {
            return self.new_task(access, &decision).await.map_err(|error| error.to_string());
        }
        let (stands, now) = (self.handle.escalation().progress(&decision), self.handle.now());
        let words = text::mcp::filed(&decision, stands.as_ref(), now, self.unserved());
        self.answer(DecisionState::from(&decision), words, &decision).map(Into::into)
    }

    pub(super) async fn await_decision(
        &self,
        access: &Access,
        input: Await,
        call: &ClientCall<'_>,
    ) -> Result<CallToolResponse, String> {
        let (id, revision) = (DecisionId(input.id), input.revision.map(Revision));
        let span = Duration::from_secs(input.seconds.unwrap_or(USUAL_WAIT).min(LONGEST_WAIT));
        let round = self.wait_round(access, &input, span, call).await?;
        let decision = match self.wait(access, id, revision, round.span, call.context).await {
            Ok(Waited::Over(decision)) => *decision,
            Ok(Waited::Cancelled) => return Err(text::mcp::CANCELLED.into()),
            Err(error) => return Err(self.refused(access, error).await),
        };
        match self.next_round(access, &input, &round, &decision).await? {
            Some(next) => Ok(next.into()),
            None => self.wait_result(access, revision, &decision).map(Into::into),
        }
    }

    /// The result of a wait for a revision of a decision, or for any revision.
    pub(super) fn wait_result(
        &self,
        access: &Access,
        asked: Option<Revision>,
        decision: &Decision,
    ) -> Done {
        if asked.is_some_and(|asked| asked != decision.revision) {
            let words = text::mcp::superseded(decision);
            return self.answer(DecisionState::Superseded, words, decision);
        }
        let mine = access.caller().may_take(decision).is_ok();
        let (stands, zone) =
            (self.handle.escalation().progress(decision), self.handle.rules().zone);
        let words = text::mcp::waited(decision, stands.as_ref(), self.handle.now(), zone, mine);
        self.answer(DecisionState::from(decision), words, decision)
    }

    /// When a wait of `span` from now ends, in store time.
    fn deadline(&self, span: Duration) -> Time {
        let span = TimeDelta::from_std(span).unwrap_or_default();
        self.handle.time_scale().store_time(self.handle.clock().wall() + span)
    }

    /// Waits for a verdict, sends progress, and claims the verdict if the caller may. A cancelled
    /// wait claims nothing.
    pub(super) async fn wait(
        &self,
        access: &Access,
        id: DecisionId,
        asked: Option<Revision>,
        span: Duration,
        context: &RequestContext<RoleServer>,
    ) -> Result<Waited, AccessError> {
        let deadline = self.deadline(span);
        let first = access.get(id).await?;
        let takes = access.caller().may_take(&first).is_ok();
        let progress = progress(&first, span, context);
        tokio::pin!(progress);
        loop {
            let decision = tokio::select! {
                () = context.ct.cancelled() => return Ok(Waited::Cancelled),
                () = self.is_over() => return Ok(Waited::Cancelled),
                () = &mut progress => continue,
                waited = access.wait(id, asked, Claim::No, Some(deadline)) => waited?,
            };
            let is_other = asked.is_some_and(|asked| asked != decision.revision);
            if is_other || !takes || !matches!(decision.state, State::Resolved(_)) {
                return Ok(Waited::Over(Box::new(decision)));
            }
            // A token revoked during the wait claims nothing either.
            if context.ct.is_cancelled() || self.is_revoked(access.caller()).await? {
                return Ok(Waited::Cancelled);
            }
            match access.claim(id).await {
                // An undo came first: keep waiting.
                Err(AccessError::Handle(HandleError::Refused(_, Refused::NotResolved))) => {}
                claimed => return Ok(Waited::Over(Box::new(claimed?))),
            }
        }
    }

    pub(super) async fn report_outcome(&self, access: &Access, input: ReportInput) -> Done {
        if input.text.chars().count() > LONGEST_REPORT {
            return Err(text::mcp::wrong_input(
                "report_outcome",
                &text::mcp::too_long("text", LONGEST_REPORT),
            ));
        }
        match access.report(DecisionId(input.id), input.outcome, &input.text).await {
            Ok(decision) => self.answer(
                DecisionState::from(&decision),
                text::mcp::reported(&decision),
                &decision,
            ),
            Err(error) => Err(self.refused(access, error).await),
        }
    }

    pub(super) async fn withdraw(&self, access: &Access, input: WithdrawInput) -> Done {
        let reason = input
            .reason
            .filter(|reason| !reason.trim().is_empty())
            .unwrap_or_else(|| text::mcp::TAKEN_BACK.into());
        if reason.chars().count() > LONGEST_REPORT {
            return Err(text::mcp::wrong_input(
                "withdraw",
                &text::mcp::too_long("reason", LONGEST_REPORT),
            ));
        }
        match access.withdraw(DecisionId(input.id), reason.trim()).await {
            Ok(decision) => {
                self.answer(DecisionState::Withdrawn, text::mcp::withdrawn(&decision), &decision)
            }
            Err(error) => Err(self.refused(access, error).await),
        }
    }
}

/// Sends progress to a client that requested progress. Never resolves.
async fn progress(decision: &Decision, span: Duration, context: &RequestContext<RoleServer>) {
    let Some(token) = context.meta.get_progress_token() else {
        return std::future::pending().await;
    };
    let words = text::mcp::waiting(decision);
    let mut seconds = 0_u32;
    loop {
        let param = ProgressNotificationParam::new(token.clone(), f64::from(seconds))
            .with_total(span.as_secs_f64())
            .with_message(words.clone());
        // Ignore a failed notification: a closed connection cancels the call.
        let _ = context.peer.notify_progress(param).await;
        tokio::time::sleep(PROGRESS_EVERY).await;
        seconds =
            seconds.saturating_add(u32::try_from(PROGRESS_EVERY.as_secs()).unwrap_or(u32::MAX));
    }
}
