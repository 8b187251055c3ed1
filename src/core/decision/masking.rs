//! Secrets in a request: how many are masked where people read the request.

use super::Request;
use crate::core::untrusted::{TextKind, count_secrets, unmasked};

impl Request {
    /// Number of secrets that are masked where everything about the request can be read: on the
    /// card, and in the files that a call runs.
    #[must_use]
    pub fn masked_in_details(&self) -> usize {
        let texts = self.scripts.iter().filter_map(|script| script.content.text());
        let masked = texts.map(|text| count_secrets(&unmasked(text), TextKind::Call));
        self.masked_secrets() + masked.sum::<usize>()
    }

    /// Number of secrets that are masked on the request's card. The title of a call repeats a part
    /// of the call, and is not counted.
    #[must_use]
    pub fn masked_secrets(&self) -> usize {
        let kind = if self.is_call() { TextKind::Call } else { TextKind::Prose };
        let title = Some(&self.title).filter(|_| kind == TextKind::Prose || self.body.is_empty());
        let insight = &self.insight;
        let texts = [&self.body, &insight.observation, &insight.why_it_matters];
        let changed = self.changes.as_ref().map(|changes| &changes.diff);
        let details = self.details.iter().flat_map(|detail| [&detail.name, &detail.value]);
        let options = self.options.iter().flat_map(|choice| [&choice.name, &choice.description]);
        let questions = self.questions.iter().flat_map(|question| {
            let options = question.options.iter();
            let options = options.flat_map(|choice| [&choice.name, &choice.description]);
            // The options of a lone choice are counted above.
            let options = options.filter(|_| self.options.is_empty());
            [&question.header, &question.text].into_iter().chain(options)
        });
        let links = self.links.iter().flat_map(|link| [&link.name, &link.url]);
        title
            .into_iter()
            .chain(texts)
            .chain(changed)
            .chain([&insight.what_to_do])
            .chain(details)
            .chain(options)
            .chain(questions)
            .chain(links)
            .map(|text| count_secrets(&unmasked(text), kind))
            .sum()
    }
}
