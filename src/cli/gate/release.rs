//! The last look before a call runs: a person approved the call with its files as they were. Every
//! way to ask passes here, between the verdict and the answer to the agent.

use super::hook;
use crate::core::gate::edits::Before;
use crate::core::gate::facts::Facts;
use crate::core::gate::{ToolCall, changes};
use crate::engine::approvals::gates::GateReply;

/// Whether a verdict still fits its call.
pub(in crate::cli) enum Release {
    /// It does, or allows nothing.
    Stands,
    /// The files of the call changed: this is the call now, and a person has not seen it.
    Changed(Box<ToolCall>),
}

/// Looks at a call again, if the reply allows it.
///
/// # Errors
/// The look failed, as text.
pub(super) async fn release(asked: &ToolCall, reply: &GateReply) -> Result<Release, String> {
    match reply {
        GateReply::Allow { .. } => look_again(asked).await,
        _ => Ok(Release::Stands),
    }
}

/// Looks at a call again that a person lets run.
///
/// # Errors
/// The look failed, as text.
pub(in crate::cli) async fn look_again(asked: &ToolCall) -> Result<Release, String> {
    let asked = asked.clone();
    let (homes, own) = (asked.facts.homes.clone(), asked.facts.own.clone());
    // As the agent said it, before anything was looked up.
    let (real, before, facts) = (Vec::new(), Before::Absent, Facts::default());
    let mut now = ToolCall { real, before, facts, ..asked.clone() };
    let look = tokio::task::spawn_blocking(move || {
        hook::add_file_facts(&mut now, homes, own);
        now
    });
    let now = look.await.map_err(|error| error.to_string())?;
    Ok(if changes::stands(&asked, &now) {
        Release::Stands
    } else {
        Release::Changed(Box::new(now))
    })
}
