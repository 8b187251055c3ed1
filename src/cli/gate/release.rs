//! The last look before a call runs: a person approved the call with the files of that moment.
//! Hooks and `gander acp` pass here, between the verdict and the answer to the agent.

use std::path::Path;

use super::hook;
use crate::core::gate::edits::Before;
use crate::core::gate::facts::Facts;
use crate::core::gate::{ToolCall, changes, editing};
use crate::disk;
use crate::engine::approvals::gates::GateReply;

/// Whether a verdict still fits its call.
pub(super) enum Release {
    /// The verdict fits, or allows nothing.
    Stands,
    /// The files of the call changed. No person has seen this call.
    Changed(Box<ToolCall>),
    /// A plan was approved, but its file has another plan now.
    PlanChanged,
    /// A person changed the call and approved the change. The rules have not judged this call with
    /// its files.
    ByPerson(Box<ToolCall>, ApprovedChange),
}

/// Words for the agent about a call that a person changed.
#[derive(Debug, Clone)]
pub(super) struct ApprovedChange {
    words: String,
    note: String,
}

/// A reply and its call: the agent's, or a person's change of it.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) reply: GateReply,
    pub(super) call: ToolCall,
}

impl Settled {
    /// A reply that came without a further question. `changed`: the approved change that allows the
    /// call.
    pub(super) fn by(reply: GateReply, changed: Option<ApprovedChange>, call: ToolCall) -> Self {
        let reply = match (reply, changed) {
            (
                GateReply::Unasked(_) | GateReply::Allow { .. },
                Some(ApprovedChange { words, note }),
            ) => GateReply::Allow { words, note: Some(note) },
            (reply, _) => reply,
        };
        Self { reply, call }
    }
}

/// Looks at a call again, if the reply allows it.
///
/// # Errors
/// The look failed, or the reply is about another call, as text.
pub(super) async fn release(asked: &ToolCall, reply: &GateReply) -> Result<Release, String> {
    match reply {
        GateReply::Allow { .. } if !plan_stands(asked) => Ok(Release::PlanChanged),
        GateReply::Allow { .. } => {
            Ok(look_again(asked).await?.map_or(Release::Stands, Release::Changed))
        }
        GateReply::AllowChanged { words, note, input } => {
            let changed = editing::changed(asked, input)
                .ok_or("the approved change is one of another call")?;
            let told = ApprovedChange { words: words.clone(), note: note.clone() };
            Ok(Release::ByPerson(Box::new(looked_at(changed).await?), told))
        }
        _ => Ok(Release::Stands),
    }
}

/// Looks at an approved call again. Returns the call with its present files if these changed.
///
/// # Errors
/// The look failed, as text.
pub(in crate::cli) async fn look_again(asked: &ToolCall) -> Result<Option<Box<ToolCall>>, String> {
    let now = looked_at(asked.clone()).await?;
    Ok(if changes::stands(asked, &now) { None } else { Some(Box::new(now)) })
}

/// A call with what is found about it now.
async fn looked_at(call: ToolCall) -> Result<ToolCall, String> {
    let (homes, own) = (call.facts.homes.clone(), call.facts.own.clone());
    // As the agent said it, before anything was looked up.
    let (real, before, facts) = (Vec::new(), Before::Absent, Facts::default());
    let mut now = ToolCall { real, before, facts, ..call };
    let look = tokio::task::spawn_blocking(move || {
        hook::add_file_facts(&mut now, homes, own);
        now
    });
    look.await.map_err(|error| error.to_string())
}

/// Longest file of a plan that is read, in bytes.
const LONGEST_PLAN: u64 = 1024 * 1024;

/// Whether the file of a plan still has the plan that a person read. Claude Code 2.1.332 reads its
/// file again after the approval, and carries out what it finds there.
pub(super) fn plan_stands(call: &ToolCall) -> bool {
    let text = |name: &str| call.input.get(name).and_then(serde_json::Value::as_str);
    let Some(file) = text("planFilePath").filter(|_| call.is_plan()) else { return true };
    match disk::read_own_text(Path::new(file), LONGEST_PLAN) {
        Ok(now) => now.trim() == text("plan").unwrap_or_default().trim(),
        Err(error) => error.is_absence(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_whose_file_has_changed_does_not_stand() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plan.md");
        let plan = json!({ "plan": "1. Sweep", "planFilePath": file });
        let call = crate::core::gate::tests::call("ExitPlanMode", plan);
        assert!(plan_stands(&call), "the agent has no file to read");
        std::fs::write(&file, "1. Sweep\n").unwrap();
        assert!(plan_stands(&call));
        std::fs::write(&file, "1. Sweep\n2. Publish\n").unwrap();
        assert!(!plan_stands(&call));
        let other = ToolCall { tool: "Write".into(), ..call };
        assert!(plan_stands(&other), "only a plan is read from the file");
    }
}
