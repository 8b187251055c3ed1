//! Modal forms: builds their fields and reads the submitted values.

use serenity::all::{
    ActionRowComponent, CreateActionRow, CreateInputText, CreateModal, InputTextStyle,
    ModalInteractionData,
};

use super::custom_id::{Control, CustomId, DecisionAction};
use crate::core::decision::{Decision, DecisionId, Revision, Verdict};
use crate::core::untrusted::plain;
use crate::presentation::text;
use crate::presentation::text::label;

/// Ids of the form fields.
const TEXT: &str = "text";
const NOTE: &str = "note";
const WORD: &str = "word";
/// Longest reason, answer, note, time and confirmation word, in characters (Discord: at most
/// 4,000).
const LONGEST_REASON: u16 = 1_000;
const LONGEST_ANSWER: u16 = 4_000;
const LONGEST_NOTE: u16 = 1_000;
const LONGEST_TIME: u16 = 60;
const LONGEST_WORD: u16 = 40;

/// The submitted values of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    /// The reason, answer or time.
    pub(crate) text: String,
    /// The note of an approval; `None` if left blank.
    pub(crate) note: Option<String>,
    /// The word typed to confirm a critical risk.
    pub(crate) word: Option<String>,
}

impl Fields {
    pub(crate) fn of(data: &ModalInteractionData) -> Self {
        let mut fields = Self::default();
        for component in data.components.iter().flat_map(|row| &row.components) {
            let ActionRowComponent::InputText(field) = component else { continue };
            let value = field.value.clone().unwrap_or_default();
            let written = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
            match field.custom_id.as_str() {
                TEXT => fields.text = value,
                NOTE => fields.note = written,
                WORD => fields.word = written,
                _ => {}
            }
        }
        fields
    }
}

fn paragraph(label: &str, id: &str, longest: u16) -> CreateInputText {
    CreateInputText::new(InputTextStyle::Paragraph, label, id)
        .max_length(longest)
        .required(true)
        .min_length(1)
}

fn line(label: &str, id: &str, longest: u16) -> CreateInputText {
    CreateInputText::new(InputTextStyle::Short, label, id)
        .max_length(longest)
        .required(true)
        .min_length(1)
}

/// The text of a proposal to prefill in the form of this verb.
fn text_for(verb: DecisionAction, wanted: &Verdict) -> Option<&str> {
    match (verb, wanted) {
        (DecisionAction::Reject, Verdict::Rejected { reason: text })
        | (DecisionAction::Answer, Verdict::Answered { text }) => Some(text.as_str()),
        (DecisionAction::Approve | DecisionAction::Note, Verdict::Approved { note, .. }) => {
            note.as_deref()
        }
        _ => None,
    }
    .filter(|text| !text.is_empty())
}

/// The form for a verb. The fields depend on the decision. If the decision could not be read, the
/// submission is still checked. `tag` is the store's tag, followed by the position in a list if the
/// form was opened while reviewing a list.
///
/// `wanted`: a proposal that this person made elsewhere, to be confirmed or changed here.
pub(crate) fn form(
    tag: &str,
    id: DecisionId,
    seen: Revision,
    verb: DecisionAction,
    decision: Option<&Decision>,
    wanted: Option<&Verdict>,
) -> CreateModal {
    let filled = |field: CreateInputText, longest: u16| match wanted
        .and_then(|wanted| text_for(verb, wanted))
    {
        Some(text) => field.value(plain(text, usize::from(longest)).text),
        None => field,
    };
    let word = decision.and_then(Decision::confirmation);
    let confirm =
        word.map(|word| line(&text::type_to_confirm(&word), WORD, LONGEST_WORD).placeholder(word));
    let (title, fields) = match verb {
        DecisionAction::Reject => (
            label::REJECT,
            vec![
                filled(paragraph(label::REASON, TEXT, LONGEST_REASON), LONGEST_REASON)
                    .placeholder(label::REASON_HINT),
            ],
        ),
        DecisionAction::Answer => (
            label::ANSWER,
            vec![filled(paragraph(label::YOUR_ANSWER, TEXT, LONGEST_ANSWER), LONGEST_ANSWER)],
        ),
        DecisionAction::Choose(_) | DecisionAction::Pick => {
            (label::CONFIRM, confirm.into_iter().collect())
        }
        DecisionAction::Approve | DecisionAction::Note => {
            let note = CreateInputText::new(InputTextStyle::Paragraph, label::YOUR_NOTE, NOTE)
                .max_length(LONGEST_NOTE)
                .placeholder(label::NOTE_HINT)
                .required(false);
            (label::APPROVE, confirm.into_iter().chain([filled(note, LONGEST_NOTE)]).collect())
        }
        _ => (
            label::PUT_OFF,
            vec![line(label::WHEN, TEXT, LONGEST_TIME).placeholder(label::DEFER_TYPED_HINT)],
        ),
    };
    let title = decision
        .map_or_else(|| label::DECIDE.to_owned(), |decision| text::modal_title(title, decision));
    let custom_id = CustomId::new(tag, Control::On(id, seen, verb)).to_string();
    CreateModal::new(custom_id, title)
        .components(fields.into_iter().map(CreateActionRow::InputText).collect())
}
