//! The long part of what was asked: it is what a card and a file show, and what pruning removes
//! when it is all over.
//!
//! It is kept apart from the rest in the log, so that the rest stays, and stays verifiable, without
//! it.

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::request::{Attachment, Choice, Detail, Insight, Link, Request};

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
    /// Files.
    pub attachments: Vec<Attachment>,
    /// What to read elsewhere.
    pub links: Vec<Link>,
    /// What could be chosen.
    pub options: Vec<Choice>,
}

impl Request {
    /// Takes the long part out.
    pub fn take_content(&mut self) -> Content {
        use std::mem::take;
        Content {
            insight: take(&mut self.insight),
            details: take(&mut self.details),
            body: take(&mut self.body),
            attachments: take(&mut self.attachments),
            links: take(&mut self.links),
            options: take(&mut self.options),
        }
    }

    /// Puts the long part back.
    pub fn put_content(&mut self, content: Content) {
        let Content { insight, details, body, attachments, links, options } = content;
        (self.insight, self.details, self.body) = (insight, details, body);
        (self.attachments, self.links, self.options) = (attachments, links, options);
    }
}

impl Event {
    /// Takes the long part out, if there is any.
    pub fn take_content(&mut self) -> Option<Content> {
        match self {
            Self::Asked { request, .. } | Self::Revised { request, .. } => {
                Some(request.take_content()).filter(|content| *content != Content::default())
            }
            _ => None,
        }
    }

    /// Puts the long part back.
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
            "title": "t", "project": "shop", "kind": "deploy", "body": "long", "risk": "high", "confidence": 0.82,
            "insight": { "observation": "a", "why_it_matters": "b", "what_to_do": "c" },
            "details": [{ "name": "tests", "value": "47/47" }],
            "attachments": [{ "name": "a.png", "path": "/x/a.png" }],
            "links": [{ "name": "pr", "url": "https://example.org/7" }],
            "options": [{ "name": "A", "description": "why" }],
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

    #[test]
    fn a_bare_question_has_no_long_part() {
        let terms = crate::core::request::Terms::default();
        let mut event = Event::Asked {
            request: Box::new(Request { title: "t".into(), ..Request::default() }),
            terms,
        };
        assert_eq!(event.take_content(), None);
        assert_eq!(Event::Returned.take_content(), None);
    }
}
