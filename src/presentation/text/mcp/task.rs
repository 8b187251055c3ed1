//! Text about tasks of the tasks extension: what a client shows while a question waits.

use super::{UNSERVED, said};
use crate::core::Time;
use crate::core::decision::progress::Progress;
use crate::core::decision::{Decision, State};
use crate::core::untrusted::one_line;
use crate::presentation::text::progress_lines;

/// The id is not one of the caller's tasks.
pub const UNKNOWN: &str = "This token has no such task. Send the taskId unchanged, with the token \
    that asked. If the id is lost, ask again with the same dedup_key, or call await_decision with \
    the decision's number.";

/// The state of a task without a result. `unserved`: no bot is running.
#[must_use]
pub fn status(
    decision: &Decision,
    progress: Option<&Progress>,
    now: Time,
    zone: chrono_tz::Tz,
    unserved: bool,
) -> String {
    let id = decision.id;
    match &decision.state {
        State::Pending(_) => {
            let progress = progress
                .map(|progress| progress_lines(progress, now).join("; "))
                .unwrap_or_default();
            let unserved = if unserved { UNSERVED } else { "" };
            format!("{id} waits for a person: {progress}. Silence is not an approval.{unserved}")
        }
        State::Deferred { until, by, .. } => {
            let until = until.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z");
            format!("{id} is deferred by {} until {until}: nothing is decided.", one_line(&by.name))
        }
        State::Resolved(_) => format!("{id} is decided: read the task for the verdict."),
        State::Withdrawn { reason, .. } => {
            format!("{id} was withdrawn ({}): there will be no verdict.", said(reason))
        }
    }
}
