//! Answers to the questions of an agent, typed at the terminal one after the other.

use super::verdict::typed_line;
use super::{Exit, Failure, output};
use crate::core::decision::{Answer, AnswerFormat, Question};
use crate::core::untrusted::one_line;

/// Asks each question until its answer fits. The options were shown before.
///
/// # Errors
/// The input ends before every question has an answer.
pub(super) fn typed(questions: &[Question]) -> Result<Vec<Answer>, Failure> {
    let ask = |(at, question): (usize, &Question)| {
        output::line(&format!("\n{}. {}", at + 1, one_line(&question.name())));
        for (number, choice) in (1..).zip(&question.options) {
            output::line(&format!("   {number}. {}", one_line(&choice.name)));
        }
        loop {
            let line = typed_line(&format!("{}: ", prompt(question)))?;
            let answer = read(question, &line);
            match question.check(&answer) {
                Ok(()) => return Ok(answer),
                // At the end of input, nothing more comes.
                Err(_) if line.is_empty() => {
                    return Err(Failure::new(
                        Exit::No,
                        "nothing was typed, so nothing was decided",
                    ));
                }
                Err(refused) => output::line(&format!("{refused}: once more.")),
            }
        }
    };
    questions.iter().enumerate().map(ask).collect()
}

fn prompt(question: &Question) -> &'static str {
    match (question.options.is_empty(), question.many, question.other, question.format) {
        (false, true, true, _) => "Numbers, with commas between, or a text",
        (false, true, false, _) => "Numbers, with commas between",
        (false, false, true, _) => "A number, or a text",
        (false, false, false, _) => "A number",
        (true, _, _, AnswerFormat::Text) => "A text",
        (true, _, _, AnswerFormat::Number) => "A number",
        (true, _, _, AnswerFormat::Integer) => "A whole number",
    }
}

/// The answer on a line: numbers of options, or else a text. Blank: no answer.
fn read(question: &Question, line: &str) -> Answer {
    let line = line.trim();
    let option = |part: &str| {
        let number: usize = part.trim().parse().ok()?;
        question.options.get(number.checked_sub(1)?).map(|choice| choice.name.clone())
    };
    let named = question.options.iter().find(|choice| one_line(&choice.name) == line);
    let numbered: Option<Vec<String>> = line.split(',').map(option).collect();
    let options = match (named, numbered) {
        (Some(choice), _) => vec![choice.name.clone()],
        (None, Some(options)) => options,
        (None, None) => Vec::new(),
    };
    let text = (options.is_empty() && !line.is_empty()).then(|| line.to_owned());
    Answer { question: question.id.clone(), options, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::Choice;

    #[test]
    fn numbers_are_options_and_everything_else_is_a_text() {
        let choice = |name: &str| Choice { name: name.into(), description: String::new() };
        let options = ["CSV", "PDF", "7"].map(choice).to_vec();
        let question = Question { id: "q".into(), options, ..Question::default() };
        for (line, options, text) in [
            ("2", vec!["PDF"], None),
            (" 1, 3 ", vec!["CSV", "7"], None),
            ("PDF", vec!["PDF"], None),
            // The name of an option comes first.
            ("7", vec!["7"], None),
            ("4", vec![], Some("4")),
            ("1 and 2", vec![], Some("1 and 2")),
            ("", vec![], None),
        ] {
            let answer = read(&question, line);
            assert_eq!(
                (answer.options, answer.text.as_deref()),
                (options.into_iter().map(str::to_owned).collect(), text,),
                "{line}"
            );
        }
    }
}
