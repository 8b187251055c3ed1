//! The question: what an agent asks a person.
//!
//! A dropped file may name files that lie beside it, and its name is its key; over a connection an
//! agent may be anybody, so there it names a key, and never a file of this machine. All else is the
//! same and stands here once.

use crate::core::decision::Request;
use crate::core::policy::{LONGEST_OPTION, MOST_APPROVALS, MOST_OPTIONS};

/// Characters of a key at most.
const LONGEST_KEY: usize = 200;

/// Declares a question: the fields that every question has, and those of one way of asking.
macro_rules! question {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// What is to be decided, in one line.
            #[schemars(length(min = 1), regex(pattern = r"\S"))]
            pub title: String,
            /// What it is about: deploy, credentials, code_review, naming, test_failure, routine …
            /// or a word of your own.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub kind: Option<String>,
            /// What answers it: yes or no, one of the options, or a text. Left out: a choice with
            /// options, else yes or no.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub expects: Option<$crate::core::decision::Expects>,
            /// What explains it to the person.
            #[serde(default)]
            pub insight: $crate::wire::Insight,
            /// Facts for the card.
            #[serde(default)]
            pub details: Vec<$crate::wire::Detail>,
            /// Long text: a plan, a diff. Markdown.
            #[serde(default)]
            pub body: String,
            /// What to read elsewhere.
            #[serde(default)]
            pub links: Vec<$crate::wire::Link>,
            /// The project; its channel, approvers and policy follow from it. Left out: the
            /// folder's or the token's own, else `default`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub project: Option<String>,
            /// production, staging …
            #[serde(skip_serializing_if = "Option::is_none")]
            pub environment: Option<String>,
            /// Who asks.
            #[serde(default)]
            pub agent: $crate::wire::Agent,
            /// The job that waits for it.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub job: Option<String>,
            /// What can go wrong if the verdict is wrong. Left out: medium. Policy may raise it.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub risk: Option<$crate::core::decision::Risk>,
            /// How sure you are of your own proposal.
            #[schemars(range(min = 0.0, max = 1.0))]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub confidence: Option<f64>,
            /// How soon it is wanted. Left out: normal.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub priority: Option<$crate::core::decision::Priority>,
            /// What can be chosen: 2 to 25, where a choice is expected.
            #[serde(default)]
            #[schemars(length(max = 25))]
            pub options: Vec<$crate::wire::Choice>,
            /// How many different people must approve it. Left out: one.
            #[schemars(range(min = 1, max = 20))]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub approvals_needed: Option<u32>,
            /// How long it can wait: 30m, 4h 30m, 7d. Left out: what policy gives.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub sla: Option<$crate::wire::Span>,
            /// What happens when nobody answers. Left out: reject. Approve only where policy allows
            /// it.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub safe_default: Option<$crate::core::decision::SafeDefault>,
            $($(#[$each])* pub $field: $type,)*
        }

        impl $name {
            /// What is wrong with it, if something is that policy would let pass.
            fn zero_approvals(&self) -> Option<String> {
                let words = "approvals_needed: it is 0; give a number from 1 on, or leave it out";
                (self.approvals_needed == Some(0)).then(|| words.to_owned())
            }

            /// The request that it makes, in this project if it names none; without files and key.
            fn request(self, project: Option<&str>) -> $crate::core::decision::Request {
                use $crate::core::decision::{Expects, Kind, Request};
                let usual = Request::default();
                let project = self.project.as_deref().or(project).map_or(usual.project, $crate::core::policy::project_name);
                Request {
                    title: self.title,
                    kind: self.kind.map_or(usual.kind, Kind::from),
                    expects: self.expects.unwrap_or(if self.options.is_empty() { Expects::Approve } else { Expects::Choose }),
                    insight: self.insight.into(),
                    details: self.details.into_iter().map(Into::into).collect(),
                    body: self.body,
                    links: self.links.into_iter().map(Into::into).collect(),
                    project,
                    environment: self.environment,
                    agent: self.agent.into(),
                    job: self.job,
                    risk: self.risk.unwrap_or(usual.risk),
                    confidence: self.confidence,
                    priority: self.priority.unwrap_or(usual.priority),
                    options: self.options.into_iter().map(Into::into).collect(),
                    approvals_needed: self.approvals_needed.unwrap_or(1),
                    sla_seconds: self.sla.map(|span| span.0),
                    safe_default: self.safe_default,
                    ..usual
                }
            }
        }
    };
}
pub(crate) use question;

question! {
    /// A question for a person.
    Question {
        /// Asking again with the same key while it is open is the same decision; with another
        /// content, its next revision.
        #[schemars(length(min = 1, max = 200), regex(pattern = r"\S"))]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dedup_key: Option<String>,
    }
}

impl Question {
    /// The question with this title, and all else as it is usual.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            kind: None,
            expects: None,
            insight: super::Insight::default(),
            details: Vec::new(),
            body: String::new(),
            links: Vec::new(),
            project: None,
            environment: None,
            agent: super::Agent::default(),
            job: None,
            risk: None,
            confidence: None,
            priority: None,
            options: Vec::new(),
            approvals_needed: None,
            sla: None,
            safe_default: None,
            dedup_key: None,
        }
    }

    /// Where it is otherwise than its schema says, if it is. What only policy refuses is none of
    /// it.
    #[must_use]
    pub fn flaw(&self) -> Option<String> {
        let blank = |text: &str| text.trim().is_empty();
        let length = |text: &str| text.chars().count();
        let whether = |wrong: bool, words: &str| wrong.then(|| words.to_owned());
        self.zero_approvals()
            .or_else(|| whether(blank(&self.title), "title: it is empty: say in one line what is to be decided"))
            .or_else(|| {
                let wrong = self.dedup_key.as_deref().is_some_and(|key| blank(key) || length(key) > LONGEST_KEY);
                wrong.then(|| format!("dedup_key: it has 1 to {LONGEST_KEY} characters; give another, or leave it out"))
            })
            .or_else(|| {
                let wrong = self.confidence.is_some_and(|confidence| !(0.0..=1.0).contains(&confidence));
                whether(wrong, "confidence: give a number from 0 to 1, or leave it out")
            })
            .or_else(|| {
                let wrong = self.approvals_needed.is_some_and(|needed| needed > MOST_APPROVALS);
                wrong.then(|| format!("approvals_needed: it is more than {MOST_APPROVALS}"))
            })
            .or_else(|| {
                let wrong = self.options.len() > MOST_OPTIONS;
                wrong.then(|| format!("options: there are more than {MOST_OPTIONS}"))
            })
            .or_else(|| {
                let wrong = |name: &str| name.is_empty() || length(name) > LONGEST_OPTION;
                let at = self.options.iter().position(|option| wrong(&option.name))?;
                Some(format!("options[{at}].name: it has 1 to {LONGEST_OPTION} characters"))
            })
            .or_else(|| {
                let address =
                    |url: &str| url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default().to_owned();
                let wrong = |url: &str| address(url).is_empty() || url.contains(char::is_whitespace);
                let at = self.links.iter().position(|link| wrong(&link.url))?;
                Some(format!("links[{at}].url: write an address that begins with https:// or http://"))
            })
    }

    /// The request that it makes. `project` counts if it names none itself.
    #[must_use]
    pub fn into_request(self, project: Option<&str>) -> Request {
        let dedup_key = self.dedup_key.clone();
        Request { dedup_key, ..self.request(project) }
    }
}

impl From<Request> for Question {
    /// What was asked, as it was asked; files are left out.
    fn from(request: Request) -> Self {
        Self {
            title: request.title,
            kind: Some(request.kind.into()),
            expects: Some(request.expects),
            insight: request.insight.into(),
            details: request.details.into_iter().map(Into::into).collect(),
            body: request.body,
            links: request.links.into_iter().map(Into::into).collect(),
            project: Some(request.project),
            environment: request.environment,
            agent: request.agent.into(),
            job: request.job,
            risk: Some(request.risk),
            confidence: request.confidence,
            priority: Some(request.priority),
            options: request.options.into_iter().map(Into::into).collect(),
            approvals_needed: Some(request.approvals_needed.max(1)),
            sla: request.sla_seconds.map(super::Span),
            safe_default: request.safe_default,
            dedup_key: request.dedup_key,
        }
    }
}
