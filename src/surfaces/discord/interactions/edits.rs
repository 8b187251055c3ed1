//! Changes a tool call before approving it: a form with the command or the text, then the change as
//! a diff that one person alone sees, with a button that approves exactly this. The text is in the
//! store, so that a restart in between loses nothing.

use std::fmt;

use serenity::all::{ButtonStyle, CreateActionRow, CreateInputText, InputTextStyle};

use super::custom_id::{Control, CustomId, DecisionAction, FormNeed};
use super::forms::{LONGEST_WORD, TEXT, WORD, line};
use super::respond::Response;
use super::{Done, Input, Press};
use crate::core::decision::authorization::Voter;
use crate::core::decision::editing::LONGEST_TEXT;
use crate::core::decision::{Decision, DecisionId, Revision, Risk};
use crate::engine::HandleError;
use crate::engine::approvals::edits::{EditProblem, Edited};
use crate::presentation::card::change_card;
use crate::presentation::text;
use crate::presentation::text::label;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::rendering::render::{self, View, button};

/// An action on the change of a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EditAction {
    /// The button that opens the form, and the form itself.
    Open,
    /// Approves the change, as it was shown: its digest.
    Approve(u32),
    /// The same at critical risk: opens a form to confirm, and the form itself.
    Confirm(u32),
}

impl EditAction {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.parse().ok();
        match text.split_once('-') {
            None if text == "edit" => Some(Self::Open),
            Some(("edited", digest)) => number(digest).map(Self::Approve),
            Some(("confirmed", digest)) => number(digest).map(Self::Confirm),
            _ => None,
        }
    }

    /// When the action opens a form.
    pub(super) const fn form_need(self) -> FormNeed {
        match self {
            Self::Open | Self::Confirm(_) => FormNeed::Always,
            Self::Approve(_) => FormNeed::Never,
        }
    }

    /// The fields of its form. `text`: to begin with.
    pub(super) fn fields(
        self,
        decision: Option<&Decision>,
        text: Option<&str>,
    ) -> Vec<CreateInputText> {
        if let Self::Confirm(_) = self {
            // A form needs a field. What is typed is checked against the decision in any case.
            let word = decision.and_then(|decision| decision.confirmation_at(Risk::Critical));
            let word = word.or_else(|| Some(label::APPROVE.to_uppercase()));
            let field = |word: String| {
                line(&text::type_to_confirm(&word), WORD, LONGEST_WORD).placeholder(word)
            };
            return word.map(field).into_iter().collect();
        }
        let editable = decision.and_then(|decision| decision.request.editable.as_ref());
        let name = editable.map_or(label::NEW_TEXT, text::edit_label);
        let longest = u16::try_from(LONGEST_TEXT).unwrap_or(u16::MAX);
        let field = CreateInputText::new(InputTextStyle::Paragraph, name, TEXT)
            .max_length(longest)
            .min_length(1)
            .required(true);
        // As it is: nothing of a text that may be changed is hidden.
        vec![match text.or_else(|| editable.map(|editable| editable.text())) {
            Some(text) => field.value(text),
            None => field,
        }]
    }
}

impl fmt::Display for EditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("edit"),
            Self::Approve(digest) => write!(f, "edited-{digest}"),
            Self::Confirm(digest) => write!(f, "confirmed-{digest}"),
        }
    }
}

impl Press<'_> {
    /// Handles an action on the change of a call, at the revision that the person saw.
    pub(super) async fn on_edit(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        act: EditAction,
        voter: &Voter,
    ) -> Done {
        let done = match act {
            // Boxed, as all clicks would need the stack for them.
            EditAction::Open => Box::pin(self.submit_edit(bot, id, seen, voter)).await,
            EditAction::Approve(shown) | EditAction::Confirm(shown) => {
                Box::pin(self.approve_edit(bot, id, seen, shown, voter)).await
            }
        };
        match done {
            Ok(done) => done,
            Err(error) => {
                let act = Control::On(id, seen, DecisionAction::Edit(act));
                self.explain_refusal(bot, voter, act, error).await
            }
        }
    }

    /// Shows the submitted change, to be approved.
    async fn submit_edit(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        voter: &Voter,
    ) -> Result<Done, HandleError> {
        let view = match bot.handle.edits().submit(id, seen, voter, self.input.text()).await? {
            Ok(edited) => preview(&edited, &self.tag(bot)),
            Err(problem) => self.corrected(bot, id, seen, &problem),
        };
        Ok(Done::answer(if self.is_private() {
            Response::Update(view)
        } else {
            Response::Private(view)
        }))
    }

    async fn approve_edit(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        shown: u32,
        voter: &Voter,
    ) -> Result<Done, HandleError> {
        let word = match &self.input {
            Input::Form(fields) => fields.word.clone(),
            _ => None,
        };
        match bot.handle.edits().approve(id, seen, voter, shown, word).await? {
            Ok(decision) => {
                tracing::info!(decision = id.0, by = voter.person.name, "approved with a change");
                Ok(Done::Changed(Box::new(decision)))
            }
            Err(problem) => {
                let view = self.corrected(bot, id, seen, &problem);
                Ok(Done::answer(Response::Update(view)))
            }
        }
    }

    /// Says what is wrong with a change, with the button to correct it.
    fn corrected(&self, bot: &Bot, id: DecisionId, seen: Revision, problem: &EditProblem) -> View {
        let again = again(&self.tag(bot), id, seen);
        View {
            rows: vec![CreateActionRow::Buttons(vec![again])],
            ..View::words(words(id, problem))
        }
    }
}

fn again(tag: &str, id: DecisionId, seen: Revision) -> serenity::all::CreateButton {
    let act = Control::On(id, seen, DecisionAction::Edit(EditAction::Open));
    button(CustomId::new(tag, act).to_string(), ButtonStyle::Secondary, label::EDIT_AGAIN)
}

/// The change, and the buttons to approve it or to change it again.
fn preview(edited: &Edited, tag: &str) -> View {
    let decision = &edited.decision;
    let (id, seen, digest) = (decision.id, decision.revision, edited.digest());
    let approve = match edited.confirmation() {
        Some(_) => EditAction::Confirm(digest),
        None => EditAction::Approve(digest),
    };
    let approve = Control::On(id, seen, DecisionAction::Edit(approve));
    let approve = CustomId::new(tag, approve).to_string();
    let approve = button(approve, ButtonStyle::Success, label::APPROVE_EDITED);
    let card = change_card(decision, &edited.editable, &edited.input, edited.risk);
    render::with_rows(&card, |card| {
        let approve = card.approvable.then(|| approve.clone());
        let buttons = approve.into_iter().chain([again(tag, id, seen)]);
        vec![CreateActionRow::Buttons(buttons.collect())]
    })
}

fn words(id: DecisionId, problem: &EditProblem) -> String {
    match problem {
        EditProblem::Unchanged => text::edit_unchanged(id),
        EditProblem::Unfit => text::edit_unfit(id),
        EditProblem::Denied { reason } => text::edit_denied(id, reason.as_deref()),
        EditProblem::OtherKind(kind) => text::edit_other_kind(id, kind),
        EditProblem::SeveralApprovals => text::edit_several_approvals(id),
        EditProblem::NotJudged(why) => text::edit_not_judged(id, why),
        EditProblem::NotAsShown => text::edit_not_as_shown(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_is_read_again() {
        for act in [EditAction::Open, EditAction::Approve(u32::MAX), EditAction::Confirm(u32::MAX)]
        {
            assert_eq!(EditAction::parse(&act.to_string()), Some(act));
        }
        for strange in ["edit-", "edit-1", "edited", "edited-x", "confirmed-", ""] {
            assert_eq!(EditAction::parse(strange), None, "{strange}");
        }
    }
}
