//! `gander serve` with `[resume]` switched on: starts agents by itself, a few at a time.

use std::collections::BTreeSet;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::launch::{self, Output, Start};
use super::plan::{self, Plan, Surroundings};
use crate::core::Time;
use crate::core::decision::resumption::{ResumeEnd, UnknownEnd};
use crate::core::decision::{Decision, DecisionId};
use crate::engine::{Handle, HandleError, ParkedAgent};
use crate::presentation::text;

/// Starts agents whose resumption is owed, until dropped. The agents go on when it is.
pub(in crate::cli) async fn run(handle: Handle, mut surroundings: watch::Receiver<Surroundings>) {
    let mut automatic = Automatic { handle, running: JoinSet::new(), left_out: BTreeSet::new() };
    let mut hints = automatic.handle.hints();
    loop {
        hints.mark_unchanged();
        let now = automatic.handle.now();
        let current = surroundings.borrow_and_update().clone();
        if let Err(error) = automatic.look(&current).await {
            tracing::warn!(%error, "could not look for agents to start again; trying again soon");
        }
        let clock = automatic.handle.clock();
        // A process that ended is no change of the store.
        let later = now + chrono::TimeDelta::days(1);
        tokio::select! {
            changed = hints.changed() => if changed.is_err() { return },
            changed = surroundings.changed() => if changed.is_err() { return },
            Some(_) = automatic.running.join_next(), if !automatic.running.is_empty() => {}
            () = clock.sleep_until(later) => {}
        }
    }
}

/// Whether the agent has its answer, or there is none.
fn is_over(decision: &Decision) -> bool {
    decision
        .verdict()
        .map_or_else(|_| !decision.state.is_open(), |resolved| resolved.claimed_at.is_some())
}

struct Automatic {
    handle: Handle,
    running: JoinSet<()>,
    /// Decisions whose agents cannot be started, as the log says once.
    left_out: BTreeSet<DecisionId>,
}

impl Automatic {
    async fn look(&mut self, surroundings: &Surroundings) -> Result<(), HandleError> {
        for decision in self.handle.resumptions().expire().await? {
            tracing::warn!(
                decision = decision.id.0,
                "the agent was started again, and nobody saw how that ended: look at its session. \
                 It is not started twice"
            );
        }
        let mut parked = self.handle.resumptions().decided().await?;
        for done in parked.extract_if(.., |parked| is_over(&parked.decision)) {
            self.handle.resumptions().forget(done.decision.id).await?;
        }
        if !surroundings.settings.enabled {
            return Ok(());
        }
        for plan in self.owed(parked, surroundings).await {
            if self.running.len() >= surroundings.settings.at_once {
                break;
            }
            self.start(plan, surroundings).await?;
        }
        Ok(())
    }

    /// The agents to start, one plan per session.
    async fn owed(
        &mut self,
        mut parked: Vec<ParkedAgent>,
        surroundings: &Surroundings,
    ) -> Vec<Plan> {
        let now = self.handle.now();
        parked.retain(|parked| self.is_recent(&parked.decision, surroundings, now));
        let mut plans = Vec::new();
        for judged in plan::judge(parked, surroundings, now).await {
            let id = judged.parked.decision.id;
            match judged.startable {
                None => {}
                Some(Ok(plan)) => plan::add(&mut plans, plan),
                Some(Err(obstacle)) if self.left_out.insert(id) => tracing::warn!(
                    decision = id.0,
                    "the agent ended, but cannot be started: {}",
                    text::resume::obstacle(&obstacle)
                ),
                Some(Err(_)) => {}
            }
        }
        plans
    }

    /// Whether the verdict is recent enough to act on without a person.
    fn is_recent(&self, decision: &Decision, surroundings: &Surroundings, now: Time) -> bool {
        let Ok(resolved) = decision.verdict() else { return false };
        let age = self.handle.time_scale().wall_span(now - resolved.at);
        age < surroundings.settings.within
    }

    async fn start(&mut self, plan: Plan, surroundings: &Surroundings) -> Result<(), HandleError> {
        let Some(first) = plan.decisions.first().copied() else { return Ok(()) };
        let output = Output::Beside(surroundings.store());
        let start = launch::start(&self.handle, &plan, UnknownEnd::Prevents, output).await?;
        let launched = match start {
            Start::Running(launched) => launched,
            Start::Failed | Start::NotOwed => return Ok(()),
            Start::EndUnknown => {
                if self.left_out.insert(first) {
                    tracing::warn!(decision = first.0, "{}", text::resume::END_UNKNOWN);
                }
                return Ok(());
            }
        };
        tracing::info!(decision = first.0, "started an agent again: {plan}");
        let handle = self.handle.clone();
        self.running.spawn(async move {
            match launched.watch(&handle).await {
                Ok(ResumeEnd::Finished) => {
                    tracing::info!(decision = first.0, "the agent finished");
                }
                Ok(how) => {
                    let how = text::resume::end_words(how);
                    tracing::warn!(decision = first.0, "the agent {how}");
                }
                Err(error) => tracing::warn!(
                    decision = first.0,
                    %error,
                    "could not record how the agent ended"
                ),
            }
        });
        Ok(())
    }
}
