//! `gander claim`: the agent takes a verdict in order to act on it, and does not wait if the
//! verdict is missing.

use crate::presentation::text;
use clap::Args;

use super::wait::{report, verdict};
use super::{Common, Exit, Outcome, output};
use crate::core::decision::{DecisionId, Refused};
use crate::engine::HandleError;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 approved, chosen or answered, 1 rejected, 75 no verdict yet, \
        deferred, withdrawn, or the store was locked, 2 bad usage or configuration, 70 internal \
        error. Claiming again returns the same verdict."
)]
pub(super) struct ClaimArgs {
    /// The decision's number
    id: DecisionId,
}

impl ClaimArgs {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open()?;
        let decision = match opened.handle.approvals().claim(self.id).await {
            Err(HandleError::Refused(
                decision,
                Refused::NotResolved | Refused::Withdrawn { .. },
            )) => *decision,
            claimed => claimed?,
        };
        let (exit, outcome, words) =
            if matches!(decision.state, crate::core::decision::State::Pending(_)) {
                (Exit::NotNow, "pending", format!("{} has no verdict yet", decision.id))
            } else {
                verdict(&decision, &opened)
            };
        if common.json {
            output::json(&report(&text::worded_decision(&decision), outcome, &opened.handle));
        } else {
            output::line(&words);
        }
        Ok(exit)
    }
}
