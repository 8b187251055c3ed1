//! Precedents: what people have rejected, taken, deferred or taken back stays with people, also
//! when the question is asked anew.
//!
//! An agent chooses keys and words, so a question is recognised by any of three marks: its key, its
//! title, its content. Who asks, how sure the agent is, and the claimed risk do not matter. A
//! question wrongly taken for an earlier one only goes to a person. Does not depend on where marks
//! are kept.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::event::Event;
use super::{Request, SafeDefault, Terms, Verdict};
use crate::core::decision::DecisionId;
use crate::core::hex;

/// Minimum number of letters and digits in a content to recognise a question by: a shorter content
/// ("yes", a version) may belong to different questions.
const SHORTEST_CONTENT: usize = 24;

/// A mark of a question in a project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionMark {
    /// The project.
    pub project: String,
    /// A digest, in hexadecimal.
    pub digest: String,
}

impl Request {
    /// The marks by which this question is recognised when asked anew.
    #[must_use]
    pub fn marks(&self) -> Vec<QuestionMark> {
        let mark = |sort: &str, text: &str| {
            let digest = Sha256::digest(format!("{sort}\n{text}"));
            QuestionMark { project: self.project.clone(), digest: hex(&digest[..16]) }
        };
        let key = self.plain_key().map(|key| mark("key", key));
        if self.is_permission() {
            // The title only names the tool: a no to one command is none to another.
            let call = format!("{}\n{}", letters(&[&self.title]), self.content_letters());
            return key.into_iter().chain([mark("call", &call)]).collect();
        }
        let title = Some(letters(&[&self.title])).filter(|title| !title.is_empty());
        let content = Some(self.content_letters())
            .filter(|content| content.chars().count() >= SHORTEST_CONTENT);
        let title = title.map(|title| mark("title", &title));
        let content = content.map(|content| mark("content", &content));
        key.into_iter().chain(title).chain(content).collect()
    }

    /// The dedup key as the asker chose it: stored keys of programs begin with the asker's id.
    fn plain_key(&self) -> Option<&str> {
        let key = self.dedup_key.as_deref()?.trim();
        let asker = self.asked_by.as_ref().map(|asker| asker.id.as_str());
        let plain = asker.and_then(|id| key.strip_prefix(id)?.strip_prefix(':'));
        Some(plain.unwrap_or(key).trim()).filter(|key| !key.is_empty())
    }

    /// Everything that the card shows below the title.
    fn content_letters(&self) -> String {
        let insight = &self.insight;
        let mut texts: Vec<&str> =
            vec![&insight.observation, &insight.why_it_matters, &insight.what_to_do, &self.body];
        for detail in &self.details {
            texts.extend([detail.name.as_str(), &detail.value]);
        }
        for option in &self.options {
            texts.extend([option.name.as_str(), &option.description]);
        }
        letters(&texts)
    }
}

/// Letters and digits only, in lower case: spaces, punctuation and hidden characters do not make
/// another question.
fn letters(texts: &[&str]) -> String {
    let all = texts.iter().flat_map(|text| text.chars());
    all.filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Terms {
    /// These terms for a question that people have handled before: silence does not approve.
    #[must_use]
    pub fn with_precedent(self, earlier: DecisionId) -> Self {
        Self { precedent: Some(earlier), safe_default: SafeDefault::Reject, ..self }
    }
}

impl Event {
    /// Whether a person has handled the question by this event otherwise than with a yes.
    #[must_use]
    pub const fn sets_precedent(&self) -> bool {
        match self {
            Self::Resolved { verdict: Verdict::Rejected { .. }, via, .. } => via.is_person(),
            Self::Deferred { .. }
            | Self::Taken { .. }
            | Self::Undone { .. }
            | Self::Disagreed { .. }
            | Self::Proposed { verdict: Verdict::Rejected { .. }, .. } => true,
            _ => false,
        }
    }
}

/// Collects the marks that a decision's history makes precedents.
#[derive(Debug, Default)]
pub struct PrecedentHistory {
    current: Vec<QuestionMark>,
    handled: bool,
    precedents: BTreeSet<QuestionMark>,
}

impl PrecedentHistory {
    /// Takes the next event into account.
    pub fn add(&mut self, event: &Event) {
        if let Event::Asked { request, .. } | Event::Revised { request, .. } = event {
            self.current = request.marks();
        }
        self.handled |= event.sets_precedent();
        if self.handled {
            self.precedents.extend(self.current.iter().cloned());
        }
    }

    /// The marks of every content that the question had when or after people handled it.
    #[must_use]
    pub fn precedents(self) -> BTreeSet<QuestionMark> {
        self.precedents
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::{Detail, Person, Via};

    fn question() -> Request {
        Request {
            title: "Rename `parse` to `read`?".into(),
            body: "The module reads more than one format by now.".into(),
            project: "shop".into(),
            dedup_key: Some("token:3:rename".into()),
            asked_by: Some(Person { id: "token:3".into(), name: "goose".into() }),
            confidence: Some(0.7),
            ..Request::default()
        }
    }

    fn is_same(other: &Request) -> bool {
        question().marks().iter().any(|mark| other.marks().contains(mark))
    }

    #[test]
    fn a_question_is_recognised_by_its_key_its_title_or_its_content() {
        let other = Request {
            title: "Another one?".into(),
            body: "Something else altogether, with enough words.".into(),
            ..question()
        };
        assert!(is_same(&other), "the key");
        let asker = Some(Person { id: "unix:1000".into(), name: "x".into() });
        let by_another = Request {
            asked_by: asker,
            dedup_key: Some("unix:1000:rename".into()),
            ..other.clone()
        };
        assert!(is_same(&by_another), "the key of another asker");
        assert!(is_same(&Request {
            asked_by: None,
            dedup_key: Some("rename".into()),
            ..other.clone()
        }));
        let no_key = Request { dedup_key: None, asked_by: None, ..question() };
        assert!(is_same(&Request { body: String::new(), ..no_key.clone() }), "the title");
        assert!(is_same(&Request {
            title: "rename  parse to\u{200B} READ".into(),
            ..no_key.clone()
        }));
        assert!(is_same(&Request { title: "May I?".into(), ..no_key.clone() }), "the content");
        assert!(is_same(&Request {
            confidence: Some(0.99),
            kind: "parameter".into(),
            environment: Some("ci".into()),
            ..no_key
        }));
    }

    #[test]
    fn another_question_or_another_project_is_not_the_same() {
        let other = Request {
            title: "Rename `parse` to `scan`?".into(),
            body: "Another reason, with about as many words.".into(),
            dedup_key: Some("token:3:other".into()),
            ..question()
        };
        assert!(!is_same(&other));
        assert!(!is_same(&Request { project: "notes".into(), ..question() }));
        let short = |title: &str| Request {
            title: title.into(),
            body: String::new(),
            dedup_key: None,
            details: vec![Detail { name: "tests".into(), value: "47/47".into() }],
            ..question()
        };
        let marks = short("One?").marks();
        assert!(!short("Two?").marks().iter().any(|mark| marks.contains(mark)), "a short content");
    }

    #[test]
    fn every_content_since_a_person_has_handled_it_is_a_precedent() {
        let asked = |title: &str| Request {
            title: title.into(),
            dedup_key: None,
            body: String::new(),
            ..question()
        };
        let ask = |title| Event::Asked { request: Box::new(asked(title)), terms: Terms::default() };
        let revise =
            |title| Event::Revised { request: Box::new(asked(title)), terms: Terms::default() };
        let mut history = PrecedentHistory::default();
        for event in [
            ask("First?"),
            revise("Second?"),
            Event::Taken { by: Person::discord(1, "Ann"), from: None },
            revise("Third?"),
        ] {
            history.add(&event);
        }
        let expected = [asked("Second?"), asked("Third?")];
        let expected = expected.iter().flat_map(Request::marks).collect();
        assert_eq!(history.precedents(), expected);
    }

    #[test]
    fn only_a_persons_no_counts() {
        let no = |via| {
            let verdict = Verdict::Rejected { reason: "no".into() };
            let by = Person::discord(1, "Ann");
            let (with, grounds) = (Vec::new(), Default::default());
            Event::Resolved { verdict, by, via, with, grounds, attested: None }
        };
        assert!(no(Via::Discord).sets_precedent() && no(Via::Http).sets_precedent());
        assert!(!no(Via::SafeDefault).sets_precedent() && !Event::Claimed.sets_precedent());
    }
}
