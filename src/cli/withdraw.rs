//! `gander withdraw`: the agent takes back a question that no longer needs a decision.

use crate::presentation::text;
use clap::Args;

use super::{Common, Exit, Failure, Outcome, output};
use crate::core::decision::{DecisionId, Refused};
use crate::engine::HandleError;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 withdrawn, now or before, 1 too late: it has a verdict, 2 bad \
        usage or configuration, 75 the store was locked, 70 internal error"
)]
pub(super) struct WithdrawArgs {
    /// The decision's number
    id: DecisionId,
    /// The reason, shown on the card
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        Err("give a short reason: people read it on the card".into())
    } else {
        Ok(text.to_owned())
    }
}

impl WithdrawArgs {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open()?;
        let (decision, words) =
            match opened.handle.approvals().withdraw(self.id, &self.reason).await {
                Err(HandleError::Refused(decision, Refused::Withdrawn { .. })) => {
                    (*decision, "was withdrawn before")
                }
                Err(error @ HandleError::Refused(..)) => return Err(Failure::new(Exit::No, error)),
                withdrawn => (withdrawn?, "withdrawn"),
            };
        if common.json {
            output::json(&super::wait::report(
                &text::worded_decision(&decision),
                "withdrawn",
                &opened.handle,
            ));
        } else {
            output::line(&format!("{}: {words}", decision.id));
        }
        Ok(Exit::Yes)
    }
}
