//! The question that an agent asks a person.
//!
//! A question in a dropped file may attach files from the drop folder, and the file's name is its
//! key. A question over a connection names a key and cannot attach files, because the sender may be
//! any program. All other fields are shared and declared once, in the macro below.

use crate::core::decision::Request;
use crate::core::policy::{LONGEST_OPTION, MOST_APPROVALS, MOST_OPTIONS};

/// Longest `dedup_key`, in characters.
const LONGEST_KEY: usize = 200;

/// Declares a question type: the shared fields, and additional fields of one transport.
macro_rules! question {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// What to decide, in one line.
            #[schemars(length(min = 1), regex(pattern = r"\S"))]
            pub title: String,
            /// The subject: deploy, credentials, code_review, naming, test_failure, routine … or a
            /// word of your own.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub kind: Option<String>,
            /// The expected answer: an approval, one of the options, or a text. Left out: a choice
            /// if options are given, else an approval.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub expects: Option<$crate::core::decision::Expects>,
            /// The explanation for the person.
            #[serde(default)]
            pub insight: $crate::wire::Insight,
            /// Facts for the card.
            #[serde(default)]
            pub details: Vec<$crate::wire::Detail>,
            /// Long text in Markdown, such as a plan or a diff.
            #[serde(default)]
            pub body: String,
            /// Links to further reading.
            #[serde(default)]
            pub links: Vec<$crate::wire::Link>,
            /// The project, which determines channel, approvers and policy. Left out: the project
            /// of the drop folder or the token, else `default`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub project: Option<String>,
            /// The environment: production, staging …
            #[serde(skip_serializing_if = "Option::is_none")]
            pub environment: Option<String>,
            /// The agent that asks.
            #[serde(default)]
            pub agent: $crate::wire::Agent,
            /// The job that waits for the verdict.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub job: Option<String>,
            /// The damage that a wrong verdict can cause. Left out: medium. Policy may raise the
            /// risk.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub risk: Option<$crate::core::decision::Risk>,
            /// Your confidence in your own proposal, from 0 to 1.
            #[schemars(range(min = 0.0, max = 1.0))]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub confidence: Option<f64>,
            /// The priority. Left out: normal.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub priority: Option<$crate::core::decision::Priority>,
            /// The options: 2 to 25, if a choice is expected.
            #[serde(default)]
            #[schemars(length(max = 25))]
            pub options: Vec<$crate::wire::Choice>,
            /// Number of different people who must approve. Left out: 1.
            #[schemars(range(min = 1, max = 20))]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub approvals_needed: Option<u32>,
            /// How long the question can wait: 30m, 4h 30m, 7d. Left out: as policy says.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub sla: Option<$crate::wire::Span>,
            /// What happens if no person answers. Left out: reject. Approve only where policy
            /// allows this default.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub safe_default: Option<$crate::core::decision::SafeDefault>,
            $($(#[$each])* pub $field: $type,)*
        }

        impl $name {
            /// Rejects `approvals_needed: 0`, which policy alone would accept.
            fn zero_approvals(&self) -> Option<String> {
                let words = "approvals_needed: it is 0; give a number from 1 on, or leave it out";
                (self.approvals_needed == Some(0)).then(|| words.to_owned())
            }

            /// Converts to a request, without files and key. `project` applies if the question
            /// names none.
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
        /// A key for repeated asking: while the decision is open, the same key returns the same
        /// decision, and changed content becomes its next revision.
        #[schemars(length(min = 1, max = 200), regex(pattern = r"\S"))]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dedup_key: Option<String>,
    }
}

impl Question {
    /// A question with this title and defaults for all other fields.
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

    /// Checks the question against its schema. Returns a description of the first mistake. Does not
    /// check policy.
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

    /// Converts to a request. `project` applies if the question names none.
    #[must_use]
    pub fn into_request(self, project: Option<&str>) -> Request {
        let dedup_key = self.dedup_key.clone();
        Request { dedup_key, ..self.request(project) }
    }
}

impl From<Request> for Question {
    /// The question as asked, without files.
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
