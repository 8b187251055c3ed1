//! Leads one person through the questions of a decision: a question with a menu of its options, the
//! next, and all answers before they are submitted. The answers so far are in the store, the place
//! is in the ids: a restart in between loses nothing.

use std::fmt;

use serenity::all::{
    ButtonStyle, CreateActionRow, CreateButton, CreateSelectMenu, CreateSelectMenuKind,
    CreateSelectMenuOption,
};

use super::custom_id::{Control, CustomId, DecisionAction, FormNeed};
use super::respond::Response;
use super::{Done, Input, Press};
use crate::core::decision::authorization::Voter;
use crate::core::decision::draft::Draft;
use crate::core::decision::{Decision, DecisionId, Question, Revision, Via};
use crate::engine::HandleError;
use crate::presentation::questions::{answers_card, options_on, pages, question_card};
use crate::presentation::text;
use crate::presentation::text::label;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::rendering::render::{self, View, button};

/// An action on the questions of a decision. Questions and pages count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuestionAction {
    /// The button on the card: the first question without an answer, or else all answers.
    Open,
    /// The button to a question; behind the last question are all answers.
    Show(u32),
    /// The menu of questions.
    Go,
    /// The button to a part of a question's options.
    Page(u32, u32),
    /// The menu of the options on a page.
    Pick(u32, u32),
    /// The button that opens the form for a text, and the form itself.
    Write(u32),
    /// Submits all answers, as they were shown: their digest.
    Submit(u32),
}

impl QuestionAction {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.parse().ok();
        let pair = |text: &str| {
            let (at, page) = text.split_once('.')?;
            Some((number(at)?, number(page)?))
        };
        match text.split_once('-') {
            None if text == "questions" => Some(Self::Open),
            None if text == "qgo" => Some(Self::Go),
            Some(("q", at)) => number(at).map(Self::Show),
            Some(("qpage", of)) => pair(of).map(|(at, page)| Self::Page(at, page)),
            Some(("qpick", of)) => pair(of).map(|(at, page)| Self::Pick(at, page)),
            Some(("qwrite", at)) => number(at).map(Self::Write),
            Some(("submit", digest)) => number(digest).map(Self::Submit),
            _ => None,
        }
    }

    /// When the action opens a form.
    pub(super) const fn form_need(self) -> FormNeed {
        match self {
            Self::Write(_) => FormNeed::Always,
            Self::Submit(_) => FormNeed::AtCriticalRisk,
            Self::Open | Self::Show(_) | Self::Go | Self::Page(..) | Self::Pick(..) => {
                FormNeed::Never
            }
        }
    }
}

impl fmt::Display for QuestionAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("questions"),
            Self::Go => f.write_str("qgo"),
            Self::Show(at) => write!(f, "q-{at}"),
            Self::Page(at, page) => write!(f, "qpage-{at}.{page}"),
            Self::Pick(at, page) => write!(f, "qpick-{at}.{page}"),
            Self::Write(at) => write!(f, "qwrite-{at}"),
            Self::Submit(digest) => write!(f, "submit-{digest}"),
        }
    }
}

/// A position, from a number in an id.
fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

impl Press<'_> {
    /// Handles an action on the questions of a decision, at the revision that the person saw.
    pub(super) async fn on_questions(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        act: QuestionAction,
        voter: &Voter,
    ) -> Done {
        let done = match act {
            QuestionAction::Pick(at, page) => {
                self.pick_options(bot, id, seen, (place(at), place(page)), voter).await
            }
            QuestionAction::Write(at) => self.write_answer(bot, id, seen, place(at), voter).await,
            QuestionAction::Submit(digest) => self.submit(bot, id, seen, digest, voter).await,
            act => bot.handle.approvals().draft(id, seen, voter).await.map(|(decision, draft)| {
                let (at, page) = self.destination(act, &decision, &draft);
                self.step(bot, &decision, &draft, at, page)
            }),
        };
        match done {
            Ok(done) => done,
            Err(error) => {
                let act = Control::On(id, seen, DecisionAction::Question(act));
                self.explain_refusal(bot, voter, act, error).await
            }
        }
    }

    /// The question and the page to show next.
    fn destination(
        &self,
        act: QuestionAction,
        decision: &Decision,
        draft: &Draft,
    ) -> (usize, usize) {
        let behind = decision.request.questions.len();
        match act {
            QuestionAction::Show(at) => (place(at), 0),
            QuestionAction::Page(at, page) => (place(at), place(page)),
            QuestionAction::Go => (self.input.text().parse().unwrap_or(behind), 0),
            _ => (draft.first_open(&decision.request).unwrap_or(behind), 0),
        }
    }

    async fn pick_options(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        (at, page): (usize, usize),
        voter: &Voter,
    ) -> Result<Done, HandleError> {
        let chosen: Vec<usize> = match &self.input {
            Input::Chosen(values) => values.iter().filter_map(|value| value.parse().ok()).collect(),
            _ => Vec::new(),
        };
        let choose = move |question: &Question, earlier: &_| {
            question.chosen(earlier, options_on(question, page), &chosen)
        };
        let (decision, draft) =
            bot.handle.approvals().amend_draft(id, seen, voter, at, choose).await?;
        // Of several options, more may follow: on another page, or in words.
        let stays = decision.request.questions.get(at).is_some_and(|question| question.many);
        let (at, page) = if stays { (at, page) } else { (at + 1, 0) };
        Ok(self.step(bot, &decision, &draft, at, page))
    }

    async fn write_answer(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        at: usize,
        voter: &Voter,
    ) -> Result<Done, HandleError> {
        let text = self.input.text().to_owned();
        let write = move |question: &Question, earlier: &_| question.written(earlier, &text);
        let (decision, draft) =
            bot.handle.approvals().amend_draft(id, seen, voter, at, write).await?;
        Ok(self.step(bot, &decision, &draft, at + 1, 0))
    }

    /// Gives the verdict, if the answers are still those that the person was shown.
    async fn submit(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        digest: u32,
        voter: &Voter,
    ) -> Result<Done, HandleError> {
        let (decision, draft) = bot.handle.approvals().draft(id, seen, voter).await?;
        if draft.digest(&decision.request) != digest {
            let card = answers_card(&decision, &draft, Some(text::ANSWERS_CHANGED.to_owned()));
            let rows = answer_rows(&decision, &draft, &self.tag(bot));
            return Ok(Done::answer(Response::Update(View { rows, ..render::plain_card(&card) })));
        }
        let ballot = self.ballot(draft.verdict(&decision.request));
        let decision =
            bot.handle.approvals().resolve(id, seen, voter, Via::Discord, ballot).await?;
        tracing::info!(decision = id.0, by = voter.person.name, "answered on Discord");
        Ok(Done::Changed(Box::new(decision)))
    }

    /// Shows a question, or all answers, in the message that one person alone sees.
    fn step(&self, bot: &Bot, decision: &Decision, draft: &Draft, at: usize, page: usize) -> Done {
        let tag = self.tag(bot);
        let (card, rows) = match decision.request.questions.get(at) {
            Some(question) => (
                question_card(decision, draft, at, page),
                question_rows(decision, draft, question, (at, page), &tag),
            ),
            None => (answers_card(decision, draft, None), answer_rows(decision, draft, &tag)),
        };
        let view = View { rows, ..render::plain_card(&card) };
        Done::answer(if self.is_private() {
            Response::Update(view)
        } else {
            Response::Private(view)
        })
    }
}

fn id_of(decision: &Decision, tag: &str, act: QuestionAction) -> String {
    let act = Control::On(decision.id, decision.revision, DecisionAction::Question(act));
    CustomId::new(tag, act).to_string()
}

fn secondary(decision: &Decision, tag: &str, act: QuestionAction, label: &str) -> CreateButton {
    button(id_of(decision, tag, act), ButtonStyle::Secondary, label)
}

/// The menu, the parts of the options, and the buttons below a question.
fn question_rows(
    decision: &Decision,
    draft: &Draft,
    question: &Question,
    (at, page): (usize, usize),
    tag: &str,
) -> Vec<CreateActionRow> {
    let mut rows = Vec::new();
    if !question.options.is_empty() {
        rows.push(CreateActionRow::SelectMenu(menu(decision, draft, question, (at, page), tag)));
    }
    let to = |at: usize| QuestionAction::Show(number(at));
    let pages = pages(question);
    if pages > 1 {
        let turn = |page: usize, label| {
            secondary(decision, tag, QuestionAction::Page(number(at), number(page)), label)
        };
        // Two buttons must not have equal ids: each leads to another page.
        let earlier = turn(page.saturating_sub(1), label::EARLIER_OPTIONS);
        let more = turn(page + 1, label::MORE_OPTIONS);
        let turns = [(page > 0).then_some(earlier), (page + 1 < pages).then_some(more)];
        rows.push(CreateActionRow::Buttons(turns.into_iter().flatten().collect()));
    }
    let mut buttons = Vec::new();
    if at > 0 {
        buttons.push(secondary(decision, tag, to(at - 1), label::STEP_BACK));
    }
    if question.takes_text() {
        let (style, words) = if question.options.is_empty() {
            (ButtonStyle::Primary, label::WRITE_ANSWER)
        } else {
            (ButtonStyle::Secondary, label::OTHER_ANSWER)
        };
        let write = QuestionAction::Write(number(at));
        buttons.push(button(id_of(decision, tag, write), style, words));
    }
    let answered = !draft.answer(question).is_empty();
    let next = if answered { ButtonStyle::Primary } else { ButtonStyle::Secondary };
    buttons.push(button(id_of(decision, tag, to(at + 1)), next, label::NEXT));
    rows.push(CreateActionRow::Buttons(buttons));
    rows
}

/// The menu of the options on a page, with those chosen that are in the draft.
fn menu(
    decision: &Decision,
    draft: &Draft,
    question: &Question,
    (at, page): (usize, usize),
    tag: &str,
) -> CreateSelectMenu {
    let part = options_on(question, page);
    let answer = draft.answer(question);
    let shown = question.options.iter().enumerate().skip(part.start).take(part.len());
    let option = |(place, choice): (usize, &crate::core::decision::Choice)| {
        let (name, description) = text::option_label(number(place), choice, 100);
        let option = CreateSelectMenuOption::new(name, place.to_string())
            .default_selection(answer.options.contains(&choice.name));
        if description.is_empty() { option } else { option.description(description) }
    };
    let kind = CreateSelectMenuKind::String { options: shown.map(option).collect() };
    let pick = QuestionAction::Pick(number(at), number(page));
    let pages = pages(question);
    let hint = match (question.many, pages) {
        (true, _) => label::PICK_SEVERAL.to_owned(),
        (false, 1) => label::PICK.to_owned(),
        (false, pages) => text::options_part(page, pages),
    };
    let most = if question.many { u8::try_from(part.len()).unwrap_or(1) } else { 1 };
    let least = u8::from(!question.many && !question.optional);
    CreateSelectMenu::new(id_of(decision, tag, pick), kind)
        .placeholder(hint)
        .min_values(least)
        .max_values(most)
}

/// The menu of questions and the buttons below all answers.
fn answer_rows(decision: &Decision, draft: &Draft, tag: &str) -> Vec<CreateActionRow> {
    let questions = &decision.request.questions;
    let mut rows = Vec::new();
    if questions.len() > 1 {
        let option = |(at, question): (usize, &Question)| {
            CreateSelectMenuOption::new(text::question_option(at, question), at.to_string())
        };
        let options = questions.iter().enumerate().map(option).collect();
        let kind = CreateSelectMenuKind::String { options };
        let menu = CreateSelectMenu::new(id_of(decision, tag, QuestionAction::Go), kind);
        rows.push(CreateActionRow::SelectMenu(menu.placeholder(label::CHANGE_ANSWER)));
    }
    let last = QuestionAction::Show(number(questions.len().saturating_sub(1)));
    let submit = QuestionAction::Submit(draft.digest(&decision.request));
    let complete = draft.first_open(&decision.request).is_none();
    let submit = button(id_of(decision, tag, submit), ButtonStyle::Success, label::SUBMIT);
    rows.push(CreateActionRow::Buttons(vec![
        secondary(decision, tag, last, label::STEP_BACK),
        submit.disabled(!complete),
    ]));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_is_read_again() {
        for act in [
            QuestionAction::Open,
            QuestionAction::Go,
            QuestionAction::Show(u32::MAX),
            QuestionAction::Page(u32::MAX, u32::MAX),
            QuestionAction::Pick(u32::MAX, u32::MAX),
            QuestionAction::Write(7),
            QuestionAction::Submit(u32::MAX),
        ] {
            assert_eq!(QuestionAction::parse(&act.to_string()), Some(act));
        }
        for strange in ["q-", "q", "qpick-1", "qpick-1.2.3", "submit", "qgo-1", "questions-1"] {
            assert_eq!(QuestionAction::parse(strange), None, "{strange}");
        }
    }
}
