//! The content of a request: the long part, shown on the card and in the file, and removed by
//! pruning after the decision is closed.
//!
//! The log stores content separately from the rest of the event, so that after pruning the rest
//! stays and can still be verified.

use serde::{Deserialize, Serialize};

use super::editing::Editable;
use super::event::Event;
use super::question::Question;
use super::request::{Attachment, Choice, Detail, Insight, Link, Request};
use super::script::{Changes, Script};

/// The long part of a [`Request`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Content {
    /// Observation, why it matters, what to do.
    pub insight: Insight,
    /// Facts for the card.
    pub details: Vec<Detail>,
    /// Long text: a plan, a diff.
    pub body: String,
    /// Attached files.
    pub attachments: Vec<Attachment>,
    /// Links to further reading.
    pub links: Vec<Link>,
    /// The options to choose from.
    pub options: Vec<Choice>,
    /// The questions. Left out if there are none, so that the digest of earlier content stays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
    /// Files that a tool call runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<Script>,
    /// What changed since the call was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
    /// What a person may change in the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub editable: Option<Editable>,
}

impl Request {
    /// Removes and returns the content.
    pub fn take_content(&mut self) -> Content {
        use std::mem::take;
        Content {
            insight: take(&mut self.insight),
            details: take(&mut self.details),
            body: take(&mut self.body),
            attachments: take(&mut self.attachments),
            links: take(&mut self.links),
            options: take(&mut self.options),
            questions: take(&mut self.questions),
            scripts: take(&mut self.scripts),
            changes: self.changes.take(),
            editable: self.editable.take(),
        }
    }

    /// Restores the content.
    pub fn put_content(&mut self, content: Content) {
        let Content {
            insight,
            details,
            body,
            attachments,
            links,
            options,
            questions,
            scripts,
            changes,
            editable,
        } = content;
        (self.insight, self.details, self.body) = (insight, details, body);
        (self.attachments, self.links, self.options) = (attachments, links, options);
        self.questions = questions;
        (self.scripts, self.changes) = (scripts, changes);
        self.editable = editable;
    }
}

impl Event {
    /// Removes and returns the content, if any.
    pub fn take_content(&mut self) -> Option<Content> {
        match self {
            Self::Asked { request, .. } | Self::Revised { request, .. } => {
                Some(request.take_content()).filter(|content| *content != Content::default())
            }
            _ => None,
        }
    }

    /// Restores the content.
    pub fn put_content(&mut self, content: Content) {
        if let Self::Asked { request, .. } | Self::Revised { request, .. } = self {
            request.put_content(content);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Request {
        serde_json::from_value(serde_json::json!({
            "title": "t", "project": "shop", "kind": "deploy", "body": "long", "risk": "high",
            "confidence": 0.82,
            "insight": { "observation": "a", "why_it_matters": "b", "what_to_do": "c" },
            "details": [{ "name": "tests", "value": "47/47" }],
            "attachments": [{ "name": "a.png", "path": "/x/a.png" }],
            "links": [{ "name": "pr", "url": "https://example.org/7" }],
            "options": [{ "name": "A", "description": "why" }],
            "questions": [{ "id": "q", "text": "Which?", "options": [{ "name": "A" }] }],
            "scripts": [{ "path": "x.sh", "content": "text", "digest": "ab", "text": "ls" }],
            "changes": {
                "since": 12, "by": { "id": "discord:1", "name": "Maya" }, "via": "discord",
                "files": ["x.sh"], "diff": "-ls\n",
            },
        }))
        .unwrap()
    }

    #[test]
    fn what_is_taken_out_can_be_put_back() {
        let mut request = whole();
        let content = request.take_content();
        assert_eq!((request.title.as_str(), request.confidence), ("t", Some(0.82)));
        assert_eq!(request.clone().take_content(), Content::default(), "nothing long is left");
        request.put_content(content);
        assert_eq!(request, whole());
    }

    /// The hash chain covers these bytes.
    #[test]
    fn what_was_written_before_is_written_alike() {
        let content = r#"{"insight":{"observation":"","why_it_matters":"","what_to_do":""},"#
            .to_owned()
            + r#""details":[],"body":"ls","attachments":[],"links":[],"options":[]}"#;
        let read: Content = serde_json::from_str(&content).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), content);
        let verdict = r#"{"event":"resolved","verdict":{"verdict":"approved"},"#.to_owned()
            + r#""by":{"id":"discord:1","name":"Maya"},"via":"discord"}"#;
        let read: Event = serde_json::from_str(&verdict).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), verdict);
    }

    #[test]
    fn a_bare_question_has_no_long_part() {
        let terms = crate::core::decision::request::Terms::default();
        let mut event = Event::Asked {
            request: Box::new(Request { title: "t".into(), ..Request::default() }),
            terms,
        };
        assert_eq!(event.take_content(), None);
        assert_eq!(Event::Returned.take_content(), None);
    }
}
