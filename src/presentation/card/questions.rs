//! The questions of an agent, on its card.

use super::{FIELD, Page};
use crate::core::decision::{Decision, Verdict};
use crate::presentation::text::{self, label};

impl Page {
    /// The options of a choice.
    pub(super) fn options(&mut self, decision: &Decision) {
        let choices = &decision.request.options;
        if !choices.is_empty() {
            self.field(label::OPTIONS, 1_000, false, |room| text::options(choices, room));
        }
    }

    /// The questions that are answered one after the other. A lone choice has its options, and the
    /// verdict's field names the questions with their answers.
    pub(super) fn questions(&mut self, decision: &Decision) {
        let questions = &decision.request.questions;
        let are_answered = decision.verdict().is_ok_and(|resolved| {
            matches!(&resolved.verdict, Verdict::Answered { answers, .. } if !answers.is_empty())
        });
        if decision.request.options.is_empty() && !questions.is_empty() && !are_answered {
            self.field(label::QUESTIONS, FIELD, false, |room| text::questions(questions, room));
        }
    }
}
