//! Modal forms: opens a form with its fields filled from the person's proposal, and reads the
//! submitted values.

use serenity::all::{
    ActionRowComponent, CreateActionRow, CreateInputText, CreateModal, InputTextStyle,
    ModalInteraction, ModalInteractionData,
};

use super::custom_id::{Control, CustomId, DecisionAction};
use super::edits::EditAction;
use super::questions::QuestionAction;
use super::respond::{Responder, Response};
use super::{Done, Input, Press, is_reminder, refusal};
use crate::core::decision::authorization::Voter;
use crate::core::decision::{Decision, DecisionId, Person, Revision, Verdict};
use crate::core::untrusted::plain;
use crate::engine::HandleError;
use crate::presentation::text;
use crate::presentation::text::label;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::connection::people::Outsider;

/// Ids of the form fields.
pub(super) const TEXT: &str = "text";
const NOTE: &str = "note";
pub(super) const WORD: &str = "word";
/// Longest reason, answer, note, time and confirmation word, in characters (Discord: at most
/// 4,000).
const LONGEST_REASON: u16 = 1_000;
const LONGEST_ANSWER: u16 = 4_000;
const LONGEST_NOTE: u16 = 1_000;
const LONGEST_TIME: u16 = 60;
pub(super) const LONGEST_WORD: u16 = 40;

/// Handles a submitted form.
pub(crate) async fn submitted(bot: &Bot, interaction: &ModalInteraction) {
    let press = Press {
        guild: interaction.guild_id,
        user: &interaction.user,
        member: interaction.member.as_ref(),
        message: interaction.message.as_deref(),
        direct: interaction.guild_id.is_none(),
        reminder: match interaction.message.as_deref() {
            Some(message) => interaction.guild_id.is_none() && is_reminder(bot, message).await,
            None => false,
        },
        custom_id: &interaction.data.custom_id,
        input: Input::Form(Fields::of(&interaction.data)),
    };
    press.handle(bot, Responder::new(bot, interaction.id, &interaction.token)).await;
}

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

pub(super) fn line(label: &str, id: &str, longest: u16) -> CreateInputText {
    CreateInputText::new(InputTextStyle::Short, label, id)
        .max_length(longest)
        .required(true)
        .min_length(1)
}

/// The field for why a decision is rejected, or what should change in a plan.
fn reason(decision: Option<&Decision>) -> CreateInputText {
    let is_plan = decision.is_some_and(|decision| decision.request.plan);
    let words = if is_plan { label::PLAN_REASON } else { label::REASON };
    paragraph(words, TEXT, LONGEST_REASON).placeholder(label::REASON_HINT)
}

/// The text of a proposal to prefill in the form of this verb.
fn text_for(verb: DecisionAction, wanted: &Verdict) -> Option<&str> {
    match (verb, wanted) {
        (DecisionAction::Reject, Verdict::Rejected { reason: text })
        | (
            DecisionAction::Answer | DecisionAction::Question(_) | DecisionAction::Edit(_),
            Verdict::Answered { text, .. },
        ) => Some(text.as_str()),
        (DecisionAction::Approve | DecisionAction::Note, Verdict::Approved(approval)) => {
            approval.note.as_deref()
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
fn build(
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
        DecisionAction::Reject => (label::REJECT, vec![filled(reason(decision), LONGEST_REASON)]),
        DecisionAction::Answer => {
            let answer = paragraph(label::YOUR_ANSWER, TEXT, LONGEST_ANSWER);
            let fields = confirm.into_iter().chain([filled(answer, LONGEST_ANSWER)]);
            (label::ANSWER, fields.collect())
        }
        DecisionAction::Question(QuestionAction::Write(_)) => (
            label::ANSWER,
            vec![filled(paragraph(label::YOUR_ANSWER, TEXT, LONGEST_ANSWER), LONGEST_ANSWER)],
        ),
        DecisionAction::Edit(act) => {
            let kept = wanted.and_then(|wanted| text_for(verb, wanted));
            (label::EDIT_TITLE, act.fields(decision, kept))
        }
        DecisionAction::Choose(_) | DecisionAction::Pick | DecisionAction::Question(_) => {
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

impl Press<'_> {
    /// The form for a verb, or why this person gets none.
    pub(super) async fn checked_form(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        verb: DecisionAction,
        voter: impl Future<Output = Result<Voter, Outsider>>,
    ) -> Response {
        match voter.await {
            Ok(voter) => self.form(bot, id, seen, verb, &voter).await,
            Err(outsider) => refusal(&outsider),
        }
    }

    /// The verb that the form executes when submitted.
    pub(super) fn form_verb(&self, verb: DecisionAction) -> DecisionAction {
        match verb {
            DecisionAction::Note => DecisionAction::Approve,
            DecisionAction::Pick => {
                DecisionAction::Choose(self.input.text().parse().unwrap_or(u32::MAX))
            }
            verb => verb,
        }
    }

    /// The form, or the reason why a verdict would be rejected.
    pub(super) async fn form(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        verb: DecisionAction,
        voter: &Voter,
    ) -> Response {
        let verb = self.form_verb(verb);
        if let DecisionAction::Question(QuestionAction::Write(at)) = verb
            && let Ok((decision, draft)) = bot.handle.approvals().draft(id, seen, voter).await
        {
            let question =
                usize::try_from(at).ok().and_then(|at| decision.request.questions.get(at));
            let earlier = question.and_then(|question| draft.answer(question).text);
            let wanted = earlier.map(Verdict::answered);
            let tag = self.tag(bot);
            return Response::Form(build(&tag, id, seen, verb, Some(&decision), wanted.as_ref()));
        }
        if let DecisionAction::Edit(EditAction::Open) = verb {
            return Box::pin(self.edit_form(bot, id, seen, voter)).await;
        }
        match bot.handle.approvers().may_decide(id, seen, voter).await {
            Ok(decision) => Response::Form(self.form_of(bot, id, seen, verb, Some(&decision))),
            // The submission is checked again.
            Err(HandleError::Store(_)) => Response::Form(self.form_of(bot, id, seen, verb, None)),
            Err(error) => match self.not_done(bot, Control::On(id, seen, verb), error).await {
                Done::Answer(answer) => *answer,
                Done::Changed(_) => Response::Nothing,
            },
        }
    }

    /// The form for a changed call, with the person's last text.
    async fn edit_form(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        voter: &Voter,
    ) -> Response {
        let verb = DecisionAction::Edit(EditAction::Open);
        match bot.handle.edits().begin(id, seen, voter).await {
            Ok((decision, text)) => {
                let kept = Verdict::answered(text);
                let tag = self.tag(bot);
                Response::Form(build(&tag, id, seen, verb, Some(&decision), Some(&kept)))
            }
            Err(error) => match self.not_done(bot, Control::On(id, seen, verb), error).await {
                Done::Answer(answer) => *answer,
                Done::Changed(_) => Response::Nothing,
            },
        }
    }

    /// The form, prefilled with this person's proposal from elsewhere.
    pub(super) fn form_of(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        verb: DecisionAction,
        decision: Option<&Decision>,
    ) -> CreateModal {
        let person = Person::discord(self.user.id.get(), "").id;
        let wanted = decision
            .and_then(|decision| decision.proposal_of(&person))
            .map(|proposal| &proposal.verdict);
        build(&self.tag(bot), id, seen, verb, decision, wanted)
    }
}
