//! What a person makes of a tool call before approving it: as it is about to be approved, and on
//! the card afterwards.

use serde_json::Value;

use super::permission::{Where, verbatim};
use super::{Card, Files, Page, TextFile, Tone};
use crate::core::decision::editing::Editable;
use crate::core::decision::{Decision, Resolved, Risk, State};
use crate::core::gate::editing::diff;
use crate::core::untrusted::{Cut, Secrets, escaped, units, verbatim_block};
use crate::presentation::text;

/// Maximum lines and characters of the change on a card.
const ON_CARD: (usize, usize) = (14, 700);
/// Maximum lines and characters in the details.
const IN_DETAILS: (usize, usize) = (40, 900);
/// Maximum lines and characters where the change is approved; beyond, it is attached (Discord:
/// 4,096 in a description).
const TO_APPROVE: (usize, usize) = (120, 3_500);

/// The change that a person is about to approve: all of it, shown or attached. Only the person who
/// typed it sees this.
#[must_use]
pub fn change_card(decision: &Decision, editable: &Editable, input: &Value, risk: Risk) -> Card {
    let shown = verbatim(&diff(editable, input), Secrets::Shown).text;
    let (lines, limit) = TO_APPROVE;
    let block = verbatim_block(&shown, "diff", lines, limit);
    let file = TextFile { name: text::change_file(decision), text: shown.clone() };
    let description = if block.whole {
        block.text
    } else {
        format!("{}\n{}", block.text, text::only_its_beginning(&shown, Some(&file.name)))
    };
    let title = escaped(&text::card_title(&decision.request), 230).text;
    let card = Card {
        headline: text::edit_preview(decision.id, decision.terms.risk, risk),
        tone: Tone::Waiting(risk),
        title: format!("{} · {title}", decision.id),
        description,
        fields: Vec::new(),
        footer: String::new(),
        controls: false,
        approvable: true,
        texts: Vec::new(),
        attachments: Vec::new(),
        without_files: None,
    };
    if block.whole {
        return card;
    }
    // Nobody approves what nobody can read.
    let bare = Card { approvable: false, ..card.clone() };
    Card { texts: vec![file], without_files: Some(Box::new(bare)), ..card }
}

impl Page {
    /// Takes the room for all of a text.
    pub(super) fn keep_all(&mut self, cut: Option<Cut>) -> Option<String> {
        let text = cut.map(|cut| self.keep(cut));
        self.left = self.left.saturating_sub(text.as_deref().map_or(0, units));
        text
    }
}

/// The change of an approved call.
fn change(decision: &Decision) -> Option<(&Resolved, String)> {
    let State::Resolved(resolved) = &decision.state else { return None };
    let (editable, input) = resolved.verdict.change()?.change_of(decision)?;
    Some((resolved, diff(editable, input)))
}

/// The change with which a call was approved.
pub(super) fn shown(decision: &Decision, on: Where, secrets: Secrets, files: Files) -> Option<Cut> {
    let (resolved, diff) = change(decision)?;
    let (lines, limit) = if on == Where::Card { ON_CARD } else { IN_DETAILS };
    let diff = verbatim(&diff, secrets).text;
    let block = verbatim_block(&diff, "diff", lines, limit);
    let file = (files == Files::Posted).then(|| text::full_text_file(decision));
    let below = if block.whole {
        String::new()
    } else {
        format!("\n{}", text::only_its_beginning(&diff, file.as_deref()))
    };
    let said = text::edited(resolved);
    Some(Cut { text: format!("{said}\n{}{below}", block.text), whole: block.whole })
}

/// The change as plain text. Empty without a change.
pub(super) fn whole(decision: &Decision, secrets: Secrets) -> String {
    let Some((_, diff)) = change(decision) else { return String::new() };
    let diff = verbatim(&diff, secrets).text;
    let lines = diff.lines().map(|line| format!("> {line}").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}
