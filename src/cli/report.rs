//! `gander report`: the agent reports the outcome of acting on a verdict; the card shows the
//! report.

use clap::Args;

use super::{Common, Exit, Failure, Outcome, output};
use crate::core::decision::{self, DecisionId, Refused};
use crate::engine::HandleError;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 reported, 75 there is no verdict to report on, or the store was \
        locked, 2 bad usage or configuration, 70 internal error. Reporting also claims the \
        verdict."
)]
pub(super) struct ReportArgs {
    /// The decision's number
    id: DecisionId,
    /// The outcome: succeeded, failed, not_run
    outcome: decision::Outcome,
    /// A description in your words
    #[arg(default_value = "", hide_default_value = true)]
    text: String,
}

impl ReportArgs {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open()?;
        let reported =
            match opened.handle.approvals().report(self.id, self.outcome, &self.text).await {
                Err(
                    error @ HandleError::Refused(
                        _,
                        Refused::NotResolved | Refused::Withdrawn { .. },
                    ),
                ) => {
                    return Err(Failure::new(Exit::NotNow, error));
                }
                reported => reported?,
            };
        if common.json {
            output::json(&serde_json::json!({
                "id": reported.id,
                "outcome": "reported",
                "decision": reported,
            }));
        } else {
            output::line(&format!("{}: reported", reported.id));
        }
        Ok(Exit::Yes)
    }
}
