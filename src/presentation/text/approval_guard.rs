//! Text that asks a person to confirm an approval that looks hasty.

use crate::core::decision::{Decision, DecisionId};
use crate::core::policy::approval_guard::ConfirmReason;
use crate::core::untrusted::escaped;

/// Asks for a confirmation of an approval that looks hasty.
#[must_use]
pub fn confirm_hasty_approval(decision: &Decision, reason: ConfirmReason) -> String {
    let (id, title) = (decision.id, escaped(&super::title(&decision.request), 90).text);
    let why = match reason {
        ConfirmReason::JustOpened => {
            format!("it has {} risk, and you opened it less than a second ago", decision.terms.risk)
        }
        ConfirmReason::InARow(count) => {
            format!(
                "this would be your {} approval in a row without opening a card",
                ordinal(count)
            )
        }
    };
    format!(
        "🤔 Approve {id} {title}? Nothing is approved yet: {why}. Take a gander, or click once more."
    )
}

fn ordinal(count: u32) -> String {
    let end = match (count % 10, count % 100) {
        (1, hundred) if hundred != 11 => "st",
        (2, hundred) if hundred != 12 => "nd",
        (3, hundred) if hundred != 13 => "rd",
        _ => "th",
    };
    format!("{count}{end}")
}

/// Button that confirms a hasty approval.
#[must_use]
pub fn confirm_hasty_label(id: DecisionId) -> String {
    format!("Yes, approve {id}")
}
