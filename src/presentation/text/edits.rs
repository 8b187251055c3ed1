//! Text about a tool call that a person changes before approving.

use super::{given_by_name, label, quoted};
use crate::core::decision::editing::{Editable, EditablePart};
use crate::core::decision::{Decision, DecisionId, Kind, Resolved, Risk};
use crate::core::untrusted::{escaped, one_line};

/// Why nothing can be judged: this process has no rules for tool calls.
pub const NO_GATE_RULES: &str = "this bot has no rules for tool calls";

/// The label of the form's field, at most 45 characters (Discord).
#[must_use]
pub const fn edit_label(editable: &Editable) -> &'static str {
    match editable.part {
        EditablePart::Command => label::NEW_COMMAND,
        EditablePart::File { .. } | EditablePart::Piece { .. } => label::NEW_TEXT,
    }
}

/// Above the change that a person is about to approve. `before`: the risk as asked.
#[must_use]
pub fn edit_preview(id: DecisionId, before: Risk, risk: Risk) -> String {
    let raised = if risk > before {
        format!(" By your rules, the change raises its risk from {before} to **{risk}**.")
    } else {
        String::new()
    };
    format!(
        "✏️ **{id}, as you would change it.** Nothing is decided yet.{raised}\n**{}** approves \
         exactly this, once, in place of the agent's call.",
        label::APPROVE_EDITED
    )
}

/// The change is not the one that was shown.
#[must_use]
pub fn edit_not_as_shown(id: DecisionId) -> String {
    format!(
        "This is no longer the change that you were shown, or your rules judge it otherwise now. \
         Nothing was decided: press **{}** on {id} again.",
        label::EDIT
    )
}

/// The submitted text is the agent's own.
#[must_use]
pub fn edit_unchanged(id: DecisionId) -> String {
    format!("You changed nothing. To approve {id} as it is, press **{}** there.", label::APPROVE)
}

/// The submitted text is empty or too long.
#[must_use]
pub fn edit_unfit(id: DecisionId) -> String {
    format!("The text must not be empty, and have at most 4,000 characters. {id} still waits.")
}

/// The rules deny the changed call.
#[must_use]
pub fn edit_denied(id: DecisionId, reason: Option<&str>) -> String {
    let why = reason.map(|reason| format!("\n{}", quoted(reason, 400))).unwrap_or_default();
    format!("⛔ Your rules deny the changed call. Nothing was decided; {id} still waits.{why}")
}

/// The changed call would be a question of another kind.
#[must_use]
pub fn edit_other_kind(id: DecisionId, kind: &Kind) -> String {
    let kind = escaped(&one_line(&kind.words()), 60).text;
    format!(
        "By your rules, the changed call is a question of another kind ({kind}), for which others \
         may decide. Nothing was decided: reject {id}, and tell the agent what to run."
    )
}

/// Several people would have to approve the changed call.
#[must_use]
pub fn edit_several_approvals(id: DecisionId) -> String {
    format!(
        "By your rules, several people must approve the changed call, and a change is approved by \
         one. Nothing was decided: reject {id}, and tell the agent what to run."
    )
}

/// The changed call could not be judged.
#[must_use]
pub fn edit_not_judged(id: DecisionId, why: &str) -> String {
    let why = escaped(&one_line(why), 300).text;
    format!("The changed call could not be judged: {why}. Nothing was decided; {id} still waits.")
}

/// This call cannot be approved with a change.
#[must_use]
pub fn not_editable(id: DecisionId) -> String {
    format!("The call of {id} cannot be changed here. Nothing was decided.")
}

/// The name of the file with a change.
#[must_use]
pub fn change_file(decision: &Decision) -> String {
    format!("decision-{}-change.diff", decision.id.0)
}

/// On a card: a person changed the call.
#[must_use]
pub fn edited(resolved: &Resolved) -> String {
    let by = given_by_name(&resolved.by, resolved.via);
    format!("✏️ **Changed {by} before the approval.** Only the call as changed may run:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words() {
        let id = DecisionId(142);
        let said = [
            edit_preview(id, Risk::Medium, Risk::Medium),
            edit_preview(id, Risk::Medium, Risk::High),
            edit_not_as_shown(id),
            edit_unchanged(id),
            edit_unfit(id),
            edit_denied(id, Some("Agents do not act as another user.")),
            edit_denied(id, None),
            edit_other_kind(id, &Kind::from("deploy")),
            edit_several_approvals(id),
            edit_not_judged(id, NO_GATE_RULES),
            not_editable(id),
        ];
        insta::assert_snapshot!(said.join("\n\n"));
        assert!(label::NEW_COMMAND.len() <= 45 && label::NEW_TEXT.len() <= 45);
    }
}
