//! Text to an agent about a call that a person changed before approving.

use serde_json::Value;

use crate::core::decision::editing::EditablePart;
use crate::core::decision::{Decision, DecisionId, Resolved};
use crate::core::untrusted::one_line;

/// To the agent: approved by a person who changed the call.
#[must_use]
pub fn approved_changed(decision: &Decision, resolved: &Resolved) -> String {
    let by = one_line(&resolved.by.name);
    format!("Approved by {by} with a change (decision {}).", decision.id)
}

/// To the agent: an earlier decision approved the call, as a person had changed it.
#[must_use]
pub fn approved_as_changed(id: DecisionId) -> String {
    format!("Approved with a change (decision {id}).")
}

/// To the agent: what a person made of its call.
#[must_use]
pub fn changed(decision: &Decision, resolved: &Resolved, input: &Value) -> String {
    let by = one_line(&resolved.by.name);
    let editable = decision.request.editable.as_ref();
    let Some((editable, text)) = editable.and_then(|it| Some((it, it.text_in(input)?))) else {
        return format!("{by} approved {} with other arguments.", decision.id);
    };
    match &editable.part {
        EditablePart::Command => {
            format!("{by} changed the command before approving it. Instead of yours: {text}")
        }
        EditablePart::File { path } => {
            let path = one_line(path);
            format!(
                "{by} changed the text of {path} before approving it. Instead of yours:\n{text}"
            )
        }
        EditablePart::Piece { path } => {
            let path = one_line(path);
            format!("{by} changed your edit of {path} before approving it. The new piece:\n{text}")
        }
    }
}

/// To the agent: a person approved the call only with a change, which cannot be handed over.
/// `changed` says what was changed.
#[must_use]
pub fn not_handed_over(changed: &str) -> String {
    format!(
        "The call did not run: it was approved only with a change, which could not be made here. \
         Make the call so yourself, or tell the person. {changed}"
    )
}
