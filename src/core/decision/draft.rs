//! Answers that a person has not submitted yet, on the way through the questions of a decision.
//!
//! A draft belongs to one person, and to the revision that the person saw.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Answer, DecisionId, Question, Request, Revision, Verdict};

/// The answers so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The revision with the questions.
    pub revision: Revision,
    /// The answers, in any order.
    pub answers: Vec<Answer>,
}

/// The name of every draft of a decision begins with this.
#[must_use]
pub fn draft_prefix(id: DecisionId) -> String {
    format!("draft:{}:", id.0)
}

/// The name under which a person's draft is kept.
#[must_use]
pub fn draft_name(id: DecisionId, person: &str) -> String {
    format!("{}{person}", draft_prefix(id))
}

impl Draft {
    /// No answer yet.
    #[must_use]
    pub const fn new(revision: Revision) -> Self {
        Self { revision, answers: Vec::new() }
    }

    /// The answer to a question; empty if there is none yet.
    #[must_use]
    pub fn answer(&self, question: &Question) -> Answer {
        let found = self.answers.iter().find(|answer| answer.question == question.id);
        let none = || Answer { question: question.id.clone(), ..Answer::default() };
        found.cloned().unwrap_or_else(none)
    }

    /// Replaces the answer to a question.
    #[must_use]
    pub fn with(mut self, answer: Answer) -> Self {
        self.answers.retain(|earlier| earlier.question != answer.question);
        if !answer.is_empty() {
            self.answers.push(answer);
        }
        self
    }

    /// The position of the first question without a valid answer; `None` if nothing is missing.
    #[must_use]
    pub fn first_open(&self, request: &Request) -> Option<usize> {
        request.questions.iter().position(|question| self.is_open(question))
    }

    /// Whether the question needs an answer, and has none that is valid.
    #[must_use]
    pub fn is_open(&self, question: &Question) -> bool {
        question.check(&self.answer(question)).is_err()
    }

    /// Tells these answers from others: a button submits no other answers than were shown.
    #[must_use]
    pub fn digest(&self, request: &Request) -> u32 {
        let text = serde_json::to_vec(&self.verdict(request)).unwrap_or_default();
        let hash = Sha256::digest(text);
        u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
    }

    /// The verdict with these answers: one to each question, also where it is left out.
    #[must_use]
    pub fn verdict(&self, request: &Request) -> Verdict {
        let answers = request.questions.iter().map(|question| self.answer(question)).collect();
        Verdict::Answered { text: String::new(), answers }
    }
}

impl Question {
    /// The answer after options of a part of all were chosen: `part` is the range of the options
    /// that could be chosen, `chosen` are positions among all options. What was chosen in another
    /// part stays, if several can be.
    #[must_use]
    pub fn chosen(
        &self,
        earlier: &Answer,
        part: std::ops::Range<usize>,
        chosen: &[usize],
    ) -> Answer {
        let before = |at: &usize| {
            let name = &self.options[*at].name;
            !part.contains(at) && self.many && earlier.options.contains(name)
        };
        let all = 0..self.options.len();
        let kept =
            all.clone().filter(|at| before(at) || (part.contains(at) && chosen.contains(at)));
        let options = kept.map(|at| self.options[at].name.clone()).collect();
        let text = earlier.text.clone().filter(|_| self.many);
        Answer { question: self.id.clone(), options, text }
    }

    /// The answer after a text was written; a blank text takes it back.
    #[must_use]
    pub fn written(&self, earlier: &Answer, text: &str) -> Answer {
        let text = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let options = if self.many { earlier.options.clone() } else { Vec::new() };
        Answer { question: self.id.clone(), options, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::Choice;

    fn question(many: bool) -> Question {
        let choice = |name: &str| Choice { name: name.into(), description: String::new() };
        let options = ["a", "b", "c"].map(choice).to_vec();
        Question { id: "q".into(), options, many, other: true, ..Question::default() }
    }

    #[test]
    fn what_was_chosen_in_another_part_stays() {
        let (one, many) = (question(false), question(true));
        let first = many.chosen(&Answer::default(), 0..2, &[1]);
        assert_eq!(first.options, ["b"]);
        let both = many.chosen(&first, 2..3, &[2]);
        assert_eq!(both.options, ["b", "c"]);
        assert_eq!(many.chosen(&both, 0..2, &[]).options, ["c"]);
        assert_eq!(many.written(&both, " and d ").options, ["b", "c"]);
        let alone = one.chosen(&one.chosen(&Answer::default(), 0..2, &[1]), 2..3, &[2]);
        assert_eq!(alone.options, ["c"]);
        assert_eq!(one.written(&alone, "d"), one.texted("d"));
        assert!(one.written(&alone, " ").is_empty());
        assert_eq!(one.chosen(&one.texted("d"), 0..2, &[0]).text, None);
    }

    #[test]
    fn a_draft_is_complete_once_every_question_has_an_answer() {
        let (one, two) = (question(false), Question { id: "r".into(), ..question(true) });
        let last = Question { id: "s".into(), optional: true, ..question(false) };
        let request =
            Request { questions: vec![one.clone(), two.clone(), last], ..Request::default() };
        let draft = Draft::new(Revision(1)).with(two.chosen(&Answer::default(), 0..3, &[0]));
        assert_eq!(draft.first_open(&request), Some(0));
        let draft = draft.with(one.texted("d"));
        assert_eq!(draft.first_open(&request), None);
        let Verdict::Answered { answers, .. } = draft.verdict(&request) else { panic!() };
        let ids: Vec<&str> = answers.iter().map(|answer| answer.question.as_str()).collect();
        assert_eq!(ids, ["q", "r", "s"]);
        assert!(answers[2].is_empty());
    }
}
