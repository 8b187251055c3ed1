//! The questions of an agent, on its card.

use super::{FIELD, Page};
use crate::core::decision::Decision;
use crate::presentation::text::{self, label};

impl Page {
    /// The questions that are answered one after the other. A lone choice has its options.
    pub(super) fn questions(&mut self, decision: &Decision) {
        let questions = &decision.request.questions;
        if decision.request.options.is_empty() && !questions.is_empty() {
            self.field(label::QUESTIONS, FIELD, false, |room| text::questions(questions, room));
        }
    }
}
