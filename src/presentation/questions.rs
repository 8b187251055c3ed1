//! What one person sees on the way through the questions of a decision: a question with its options
//! and the answer so far, and all answers before they are submitted. Nobody else sees it.

use std::ops::Range;

use super::card::{Card, Field, Tone};
use super::text::{self, label};
use crate::core::decision::draft::Draft;
use crate::core::decision::{Choice, Decision, Question};
use crate::core::untrusted::{clean, escaped, in_line, one_line, plain, quotation};

/// Most options of a menu (Discord).
const MENU: usize = 25;
/// Maximum UTF-16 units of a question, and of a field (Discord: 1,024).
const QUESTION: usize = 1_500;
const FIELD: usize = 1_000;
/// Maximum UTF-16 units of the embed's text with all answers (Discord: 4,096).
const SUMMARY: usize = 3_800;

/// The part of a question's options on a page, counted from 0.
#[must_use]
pub fn options_on(question: &Question, page: usize) -> Range<usize> {
    let count = question.options.len();
    let start = page.min(pages(question).saturating_sub(1)) * MENU;
    start.min(count)..(start + MENU).min(count)
}

/// The number of pages with options.
#[must_use]
pub fn pages(question: &Question) -> usize {
    question.options.len().div_ceil(MENU)
}

/// The card of a question, counted from 0, with the answer so far.
#[must_use]
pub fn question_card(decision: &Decision, draft: &Draft, at: usize, page: usize) -> Card {
    let Some(question) = decision.request.questions.get(at) else {
        return answers_card(decision, draft, None);
    };
    let part = options_on(question, page);
    let asked =
        if question.text.trim().is_empty() { question.name() } else { question.text.clone() };
    let mut fields = Vec::new();
    if let Some(value) = numbered(&question.options[part.clone()], part.start) {
        fields.push(field(label::OPTIONS, value));
    }
    let answer = draft.answer(question);
    let said: Vec<&str> = answer.parts().collect();
    if !said.is_empty() {
        let said = quotation(clean(&said.join("\n")).trim(), FIELD).text;
        fields.push(field(text::YOUR_ANSWER_SO_FAR, said));
    }
    Card {
        description: quotation(clean(&asked).trim(), QUESTION).text,
        fields,
        ..blank(decision, text::question_step(decision, at))
    }
}

/// The card with all answers. `notice` stands above it in place of the usual words.
#[must_use]
pub fn answers_card(decision: &Decision, draft: &Draft, notice: Option<String>) -> Card {
    let questions = &decision.request.questions;
    let open = questions.iter().filter(|question| draft.is_open(question)).count();
    let mut lines = Vec::new();
    let mut left = SUMMARY;
    for (at, question) in questions.iter().enumerate() {
        let answer = draft.answer(question);
        let line = text::answer_line(at, question, Some(&answer));
        let size = crate::core::untrusted::units(&line) + 1;
        if size > left {
            lines.push("…".to_owned());
            break;
        }
        left -= size;
        lines.push(line);
    }
    Card {
        description: lines.join("\n"),
        ..blank(decision, notice.unwrap_or_else(|| text::answers_step(decision, open)))
    }
}

/// The options with the numbers that they have in the menu.
fn numbered(choices: &[Choice], first: usize) -> Option<String> {
    let mut lines = Vec::new();
    let mut left = FIELD;
    for (at, choice) in (first + 1..).zip(choices) {
        let name = escaped(&in_line(&plain(&one_line(&choice.name), 120).text), 130).text;
        let why = escaped(&in_line(&plain(&one_line(&choice.description), 140).text), 150).text;
        let colon = if why.is_empty() { "" } else { ": " };
        let line = format!("{at}. **{name}**{colon}{why}");
        let size = crate::core::untrusted::units(&line) + 1;
        if size + 2 > left {
            lines.push("…".to_owned());
            break;
        }
        left -= size;
        lines.push(line);
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn field(name: &str, value: String) -> Field {
    Field { name: name.to_owned(), value, inline: false }
}

fn blank(decision: &Decision, headline: String) -> Card {
    Card {
        headline,
        tone: Tone::Waiting(decision.terms.risk),
        title: String::new(),
        description: String::new(),
        fields: Vec::new(),
        footer: String::new(),
        controls: false,
        approvable: false,
        texts: Vec::new(),
        attachments: Vec::new(),
        without_files: None,
    }
}
