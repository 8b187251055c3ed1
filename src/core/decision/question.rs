//! Questions that an agent asks a person, with their options, and the answers.
//!
//! A decision can ask several. One with a single choice among a few options is a choice as any
//! other: its options are those of the request, too. All others are answered one after the other,
//! and their answers are given together, as one verdict. Does not depend on how agents write their
//! questions (`gate`).

use serde::{Deserialize, Serialize};

use super::{Choice, Decision, Expects, Refused, Request, Verdict};
use crate::core::untrusted::{one_line, shape};

/// Maximum number of questions of a decision.
pub const MAX_QUESTIONS: usize = 20;
/// Maximum number of options of a question: 20 menus of Discord.
pub const MAX_QUESTION_OPTIONS: usize = 500;
/// The longest answer in text, in characters: as much as a form of Discord takes.
pub const LONGEST_ANSWER: usize = 4_000;

/// A question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Question {
    /// What the agent calls the question. Never empty, and no other question of the decision has
    /// it.
    pub id: String,
    /// The subject in a word or two. May be empty.
    pub header: String,
    /// The question itself. May be empty.
    pub text: String,
    /// The options. Empty: a text is expected.
    pub options: Vec<Choice>,
    /// Whether several options can be chosen.
    pub many: bool,
    /// Whether a text can be given in place of an option, or beside several.
    pub other: bool,
    /// Whether the answer can be left out.
    pub optional: bool,
    /// What a text must be.
    pub format: AnswerFormat,
}

/// What an answer in text must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerFormat {
    /// Anything.
    #[default]
    Text,
    /// A number.
    Number,
    /// A whole number.
    Integer,
}

/// The answer to a question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// The id of the question.
    pub question: String,
    /// The names of the chosen options.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Answer {
    /// Whether nothing is answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.options.is_empty() && self.text.is_none()
    }

    /// The chosen options and the text, in this order.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.options.iter().chain(&self.text).map(String::as_str)
    }
}

/// Why questions cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnfitQuestion {
    /// More than [`MAX_QUESTIONS`].
    #[error("{0} questions are more than the maximum of {MAX_QUESTIONS}: ask fewer at once")]
    TooMany(usize),
    /// More than [`MAX_QUESTION_OPTIONS`].
    #[error(
        "a question has {0} options, more than the maximum of {MAX_QUESTION_OPTIONS}: offer fewer"
    )]
    TooManyOptions(usize),
    /// A question without an id, or with that of another.
    #[error("each question needs a text or a name that no other question has")]
    Id,
    /// An empty option, or two that a person could take for each other.
    #[error(
        "the option {0:?} has no name, or looks like another: name each option so that no \
             two look alike"
    )]
    Option(String),
}

/// Checks that a person can tell all questions, and the options of each, from one another.
///
/// # Errors
/// [`UnfitQuestion`], worded for the agent.
pub fn check_questions(questions: &[Question]) -> Result<(), UnfitQuestion> {
    if questions.len() > MAX_QUESTIONS {
        return Err(UnfitQuestion::TooMany(questions.len()));
    }
    let mut ids = std::collections::BTreeSet::new();
    for question in questions {
        if question.id.trim().is_empty() || !ids.insert(question.id.as_str()) {
            return Err(UnfitQuestion::Id);
        }
        if question.options.len() > MAX_QUESTION_OPTIONS {
            return Err(UnfitQuestion::TooManyOptions(question.options.len()));
        }
        let mut names = std::collections::BTreeSet::new();
        for choice in &question.options {
            // As seen: hidden characters, and letters of equal shape, make no difference.
            let name = one_line(&choice.name);
            if name.is_empty() || !names.insert(shape(&name)) {
                return Err(UnfitQuestion::Option(choice.name.clone()));
            }
        }
    }
    Ok(())
}

impl Question {
    /// Whether the question can be answered with a text.
    #[must_use]
    pub const fn takes_text(&self) -> bool {
        self.options.is_empty() || self.other
    }

    /// The answer with a text alone.
    #[must_use]
    pub fn texted(&self, text: &str) -> Answer {
        let text = Some(text.trim().to_owned());
        Answer { question: self.id.clone(), options: Vec::new(), text }
    }

    /// Checks an answer.
    ///
    /// # Errors
    /// [`Refused::Unanswered`], [`Refused::NoSuchOption`], [`Refused::BadAnswer`].
    pub fn check(&self, answer: &Answer) -> Result<(), Refused> {
        let bad = || Refused::BadAnswer { question: self.name(), format: self.format };
        let known = |name: &&String| self.options.iter().all(|choice| choice.name != **name);
        if let Some(option) = answer.options.iter().find(known) {
            return Err(Refused::NoSuchOption { option: option.clone() });
        }
        let mut chosen: Vec<&String> = answer.options.iter().collect();
        chosen.sort();
        chosen.dedup();
        let parts = chosen.len() + usize::from(answer.text.is_some());
        if chosen.len() < answer.options.len() || (parts > 1 && !self.many) {
            return Err(bad());
        }
        match &answer.text {
            Some(text) if text.trim().is_empty() => Err(Refused::NoAnswer),
            Some(text) if !self.takes_text() || !self.format.fits(text) => Err(bad()),
            None if parts == 0 && !self.optional => {
                Err(Refused::Unanswered { question: self.name() })
            }
            _ => Ok(()),
        }
    }

    /// The question in short: its header, or else its text, or else its id.
    #[must_use]
    pub fn name(&self) -> String {
        let names = [&self.header, &self.text, &self.id];
        names.into_iter().find(|name| !name.trim().is_empty()).cloned().unwrap_or_default()
    }
}

impl AnswerFormat {
    /// Whether a text has this format.
    #[must_use]
    pub fn fits(self, text: &str) -> bool {
        let text = text.trim();
        text.chars().count() <= LONGEST_ANSWER
            && match self {
                Self::Text => true,
                Self::Number => text.parse::<f64>().is_ok_and(f64::is_finite),
                Self::Integer => text.parse::<i64>().is_ok(),
            }
    }
}

impl Request {
    /// Whether the questions are answered one after the other, on cards of their own. Otherwise a
    /// click on the card answers, or a text in a form.
    #[must_use]
    pub fn is_walked_through(&self) -> bool {
        let lone_text = match self.questions.as_slice() {
            [question] => question.options.is_empty() && question.format == AnswerFormat::Text,
            _ => false,
        };
        self.expects == Expects::Answer && !self.questions.is_empty() && !lone_text
    }

    /// Whether a choice can be answered with a text in place of an option.
    #[must_use]
    pub fn takes_other_answer(&self) -> bool {
        self.expects == Expects::Choose
            && matches!(self.questions.as_slice(), [question] if question.other)
    }

    /// The answers to the questions that a verdict gives. A text alone answers every question.
    /// Empty: the verdict answers no question.
    #[must_use]
    pub fn answers_of(&self, verdict: &Verdict) -> Vec<Answer> {
        let all = |answer: &dyn Fn(&Question) -> Answer| -> Vec<Answer> {
            self.questions.iter().map(answer).collect()
        };
        match verdict {
            Verdict::Answered { answers, .. } if !answers.is_empty() => answers.clone(),
            Verdict::Answered { text, .. } => all(&|question| question.texted(text)),
            Verdict::Chosen { option } => all(&|question| Answer {
                question: question.id.clone(),
                options: vec![option.clone()],
                text: None,
            }),
            Verdict::Approved(_) | Verdict::Rejected { .. } => Vec::new(),
        }
    }
}

impl Decision {
    /// Checks the answer of a verdict: a text, or an answer to each question.
    pub(super) fn check_answer(&self, text: &str, answers: &[Answer]) -> Result<(), Refused> {
        let request = &self.request;
        if answers.is_empty() {
            if text.trim().is_empty() {
                return Err(Refused::NoAnswer);
            }
            return request.questions.iter().try_for_each(|asked| asked.check(&asked.texted(text)));
        }
        let of = |question: &Question| answers.iter().find(|answer| answer.question == question.id);
        let unknown =
            |answer: &&Answer| request.questions.iter().all(|asked| asked.id != answer.question);
        let twice = |at: usize| answers[..at].iter().any(|a| a.question == answers[at].question);
        let stray = answers
            .iter()
            .find(unknown)
            .or_else(|| (0..answers.len()).find(|at| twice(*at)).map(|at| &answers[at]));
        if let Some(answer) = stray {
            let question = answer.question.clone();
            return Err(Refused::BadAnswer { question, format: AnswerFormat::Text });
        }
        request.questions.iter().try_for_each(|question| {
            let none = || Answer { question: question.id.clone(), ..Answer::default() };
            question.check(&of(question).cloned().unwrap_or_else(none))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Time;
    use crate::core::decision::{DecisionId, Terms};

    fn question(id: &str, options: &[&str]) -> Question {
        let choice = |name: &&str| Choice { name: (*name).into(), description: String::new() };
        let options = options.iter().map(choice).collect();
        Question { id: id.into(), text: id.into(), options, ..Question::default() }
    }

    fn answer(options: &[&str], text: Option<&str>) -> Answer {
        let options = options.iter().map(|name| (*name).to_owned()).collect();
        Answer { question: "q".into(), options, text: text.map(ToOwned::to_owned) }
    }

    #[test]
    fn an_answer_fits_its_question() {
        let one = question("q", &["a", "b"]);
        let many = Question { many: true, ..one.clone() };
        let open = Question { other: true, ..one.clone() };
        let both = Question { other: true, ..many.clone() };
        let text = question("q", &[]);
        let whole = Question { format: AnswerFormat::Integer, ..text.clone() };
        let fits = |question: &Question, options: &[&str], text: Option<&str>| {
            question.check(&answer(options, text)).is_ok()
        };
        assert!(fits(&one, &["a"], None) && !fits(&one, &["a", "b"], None));
        assert!(!fits(&one, &["c"], None) && !fits(&one, &[], None));
        assert!(!fits(&one, &[], Some("c")), "nobody asked for a text");
        assert!(fits(&many, &["a", "b"], None) && !fits(&many, &["a", "a"], None));
        assert!(fits(&open, &[], Some("c")) && !fits(&open, &["a"], Some("c")));
        assert!(fits(&both, &["a"], Some("c")));
        assert!(fits(&text, &[], Some("c")) && !fits(&text, &[], Some(" \n")));
        assert!(fits(&whole, &[], Some(" -7 ")) && !fits(&whole, &[], Some("7.5")));
        let number = Question { format: AnswerFormat::Number, ..text.clone() };
        assert!(fits(&number, &[], Some("7.5")) && !fits(&number, &[], Some("NaN")));
        assert!(fits(&Question { optional: true, ..text.clone() }, &[], None));
        let long = "x".repeat(LONGEST_ANSWER + 1);
        assert!(!fits(&text, &[], Some(&long)) && fits(&text, &[], Some(&long[1..])));
    }

    #[test]
    fn an_answer_to_another_question_answers_nothing() {
        let questions = vec![question("q", &["a", "b"]), question("r", &["a", "c"])];
        let request = Request { expects: Expects::Answer, questions, ..Request::default() };
        let asked = Decision::new(DecisionId(1), request, Terms::default(), Time::UNIX_EPOCH);
        let to = |question: &str, option: &str| Answer {
            question: question.into(),
            options: vec![option.into()],
            text: None,
        };
        let check = |answers: &[Answer]| asked.check_answer("", answers);
        assert_eq!(check(&[to("r", "c"), to("q", "b")]), Ok(()));
        for answers in [
            vec![to("q", "a")],
            vec![to("q", "a"), to("s", "a")],
            vec![to("q", "a"), to("r", "a"), to("s", "a")],
            vec![to("q", "a"), to("r", "a"), to("q", "b")],
            vec![to("q", "c"), to("r", "b")],
        ] {
            assert!(check(&answers).is_err(), "{answers:?}");
        }
    }

    #[test]
    fn questions_that_look_alike_are_unfit() {
        let check = |questions: &[Question]| check_questions(questions);
        assert_eq!(check(&[question("q", &["a", "b"]), question("r", &["a", "b"])]), Ok(()));
        assert_eq!(check(&[question("q", &[]), question("q", &[])]), Err(UnfitQuestion::Id));
        assert_eq!(check(&[question(" ", &[])]), Err(UnfitQuestion::Id));
        for alike in ["a ", "A", "\u{200B}a", "\u{430}", ""] {
            let unfit = Err(UnfitQuestion::Option(alike.into()));
            assert_eq!(check(&[question("q", &["a", alike])]), unfit, "{alike:?}");
        }
        let names: Vec<String> = (0..=MAX_QUESTION_OPTIONS).map(|n| format!("n{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(check(&[question("q", &names)]), Err(UnfitQuestion::TooManyOptions(501)));
        let all: Vec<Question> =
            (0..=MAX_QUESTIONS).map(|n| question(&n.to_string(), &[])).collect();
        assert_eq!(check(&all), Err(UnfitQuestion::TooMany(21)));
    }
}
