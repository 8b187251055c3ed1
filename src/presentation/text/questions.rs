//! Text for the questions of an agent: on the card, while a person goes through them, and in the
//! answer to the agent.

use std::borrow::Cow;

use super::{label, title};
use crate::core::decision::{Answer, AnswerFormat, Choice, Decision, Question};
use crate::core::untrusted::{Cut, escaped, in_line, one_line, plain, units};

/// Maximum UTF-16 units of a question's name on a line of the bot's own.
const LONGEST_NAME: usize = 60;
/// Maximum UTF-16 units of a question in a list of questions.
const LONGEST_ASKED: usize = 200;
/// Maximum UTF-16 units of an option in a list of options.
const LONGEST_IN_LIST: usize = 60;
/// Maximum UTF-16 units of an answer in the summary.
const LONGEST_IN_SUMMARY: usize = 160;
/// Maximum questions that a title names.
const NAMED_IN_TITLE: usize = 4;

/// The title of a decision that asks questions.
#[must_use]
pub fn questions_title(questions: &[Question]) -> String {
    let short = |question: &Question| plain(&one_line(&question.name()), LONGEST_NAME).text;
    match questions {
        [one] => one_line(&asked(one)),
        several => {
            let mut names: Vec<String> = several.iter().take(NAMED_IN_TITLE).map(short).collect();
            names.extend((several.len() > NAMED_IN_TITLE).then(|| "…".to_owned()));
            format!("{} questions: {}", several.len(), names.join(", "))
        }
    }
}

/// The question itself, or its name.
fn asked(question: &Question) -> String {
    if question.text.trim().is_empty() { question.name() } else { question.text.clone() }
}

/// A question's name on a line of the bot's own.
fn named(question: &Question) -> String {
    let name = plain(&one_line(&question.name()), LONGEST_NAME).text;
    escaped(&in_line(&name), LONGEST_NAME + 10).text
}

/// The questions with their options, within `limit` UTF-16 units.
#[must_use]
pub fn questions(questions: &[Question], limit: usize) -> Cut {
    let mut shown = Cut { text: String::new(), whole: true };
    for (at, question) in questions.iter().enumerate() {
        let asked = escaped(&in_line(&one_line(&asked(question))), LONGEST_ASKED);
        let line = format!("**{}.** {}\n{}", at + 1, asked.text, options_line(question));
        if units(&shown.text) + units(&line) + 3 > limit {
            shown.text.push('…');
            shown.whole = false;
            break;
        }
        shown.whole &= asked.whole;
        shown.text.push_str(line.trim_end());
        shown.text.push('\n');
    }
    shown
}

/// A question and its options on one line, to compare two revisions.
#[must_use]
pub fn question_line(question: &Question) -> String {
    let names: Vec<&str> = question.options.iter().map(|choice| choice.name.as_str()).collect();
    format!("{} ({})", question.text, names.join(", "))
}

/// What can be answered to a question, on one line. Options in full are shown with the question,
/// while a person answers it.
fn options_line(question: &Question) -> String {
    let name = |choice: &Choice| {
        let name = plain(&one_line(&choice.name), LONGEST_IN_LIST).text;
        escaped(&in_line(&name), LONGEST_IN_LIST + 10).text
    };
    let mut parts: Vec<String> = question.options.iter().take(5).map(name).collect();
    let more = question.options.len().saturating_sub(parts.len());
    parts.extend((more > 0).then(|| format!("{more} more")));
    let how = match (question.options.is_empty(), question.many, question.other) {
        (true, ..) => format_words(question.format).to_owned(),
        (false, true, false) => "any number of them".to_owned(),
        (false, true, true) => "any number of them, or something else".to_owned(),
        (false, false, true) => "something else".to_owned(),
        (false, false, false) => String::new(),
    };
    parts.extend((!how.is_empty()).then_some(how));
    let optional = if question.optional { " *(optional)*" } else { "" };
    format!("-# {}{optional}", parts.join(" · "))
}

const fn format_words(format: AnswerFormat) -> &'static str {
    match format {
        AnswerFormat::Text => "a text",
        AnswerFormat::Number => "a number",
        AnswerFormat::Integer => "a whole number",
    }
}

/// Above a question that one person goes through.
#[must_use]
pub fn question_step(decision: &Decision, at: usize) -> String {
    match decision.request.questions.as_slice() {
        [_] => format!("❓ {}: {}", decision.id, escaped(&title(&decision.request), 90).text),
        all => {
            let name = all.get(at).map(named).unwrap_or_default();
            format!("❓ {}, question {} of {}: {name}", decision.id, at + 1, all.len())
        }
    }
}

/// Above the answers, before they are submitted. `open`: the questions without an answer.
#[must_use]
pub fn answers_step(decision: &Decision, open: usize) -> String {
    let next = match open {
        0 => format!("Nothing is sent until you press **{}**.", label::SUBMIT),
        1 => "1 question has no answer yet.".to_owned(),
        open => format!("{open} questions have no answer yet."),
    };
    format!("📋 Your answers to {}. {next}", decision.id)
}

/// The answers changed since they were shown.
pub const ANSWERS_CHANGED: &str = "✋ Your answers changed since these were shown. Nothing was \
    sent: check them, and submit again.";

/// A question and its answer, in the summary.
#[must_use]
pub fn answer_line(at: usize, question: &Question, answer: Option<&Answer>) -> String {
    let said = match answer.filter(|answer| !answer.is_empty()) {
        Some(answer) => answer_quoted(answer),
        None if question.optional => LEFT_OUT.to_owned(),
        None => "*no answer yet*".to_owned(),
    };
    format!("**{}.** {}\n{said}", at + 1, named(question))
}

/// An optional question without an answer.
const LEFT_OUT: &str = "*left out*";

/// An answer as a quotation of one line.
fn answer_quoted(answer: &Answer) -> String {
    let parts = answer.parts().collect::<Vec<_>>().join(", ");
    format!("> {}", escaped(&one_line(&parts), LONGEST_IN_SUMMARY).text)
}

/// The questions with the answers that a person gave, within `limit` UTF-16 units.
#[must_use]
pub fn answers_given(questions: &[Question], answers: &[Answer], limit: usize) -> String {
    let line = |(at, question): (usize, &Question)| {
        let answer = answers.iter().find(|answer| answer.question == question.id);
        let said = answer
            .filter(|answer| !answer.is_empty())
            .map_or_else(|| LEFT_OUT.to_owned(), answer_quoted);
        let asked = escaped(&in_line(&one_line(&asked(question))), LONGEST_ASKED).text;
        format!("**{}.** {asked}\n{said}", at + 1)
    };
    let lines: Vec<String> = questions.iter().enumerate().map(line).collect();
    let (mut shown, fits) = super::fitting_quotations(&lines, limit.saturating_sub(20));
    if fits < lines.len() {
        shown.push_str(&format!("\n… and {} more", lines.len() - fits));
    }
    shown
}

/// Label of the field with the person's answer to a question.
pub const YOUR_ANSWER_SO_FAR: &str = "Your answer";

/// Part of a question's options, where they are many.
#[must_use]
pub fn options_part(page: usize, pages: usize) -> String {
    format!("{} {} of {pages}", label::PICK, page + 1)
}

/// A question in the menu that leads to it.
#[must_use]
pub fn question_option(at: usize, question: &Question) -> String {
    plain(&format!("{}. {}", at + 1, one_line(&question.name())), 100).text
}

/// The words of an answer: the text, or a line for each question.
#[must_use]
pub fn answer_words<'a>(text: &'a str, answers: &[Answer]) -> Cow<'a, str> {
    if answers.is_empty() {
        return Cow::Borrowed(text);
    }
    let line = |answer: &Answer| {
        let parts: Vec<&str> = answer.parts().collect();
        let said = if parts.is_empty() { "—".to_owned() } else { parts.join(", ") };
        let asked = one_line(&answer.question);
        let colon = if asked.ends_with(['?', ':', '.', '!']) { "" } else { ":" };
        format!("{asked}{colon} {said}")
    };
    Cow::Owned(answers.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// An answer that does not fit its question.
#[must_use]
pub fn bad_answer(question: &str, format: AnswerFormat) -> String {
    let question = escaped(&in_line(&one_line(question)), LONGEST_NAME).text;
    match format {
        AnswerFormat::Text => format!("That is no answer to {question}. Nothing was changed."),
        format => {
            format!("{question} needs {}. Nothing was changed.", format_words(format))
        }
    }
}

/// A question without an answer.
#[must_use]
pub fn unanswered(question: &str) -> String {
    let question = escaped(&in_line(&one_line(question)), LONGEST_NAME).text;
    format!("{question} has no answer yet. Nothing was sent.")
}
