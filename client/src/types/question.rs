//! The question that an agent asks a person.
//!
//! A question in a dropped file may attach files from the drop folder, and the file's name is its
//! key. A question over a connection names a key and cannot attach files, because the sender may be
//! any program. All other fields are shared and declared once, in the macro below.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Agent, Choice, Detail, Expects, Insight, Link, Priority, Risk, SafeDefault, Span};

/// Maximum number of approvals that a decision may need.
pub const MAX_APPROVALS: u32 = 20;
/// Maximum number of options of a choice: the limit of a Discord menu.
pub const MAX_OPTIONS: usize = 25;
/// Maximum length of an option's name in characters: the limit of a Discord menu.
pub const LONGEST_OPTION: usize = 100;
/// Longest `dedup_key`, in characters.
const LONGEST_KEY: usize = 200;

/// Declares a question type: the shared fields, and additional fields of one transport.
macro_rules! question {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $field:ident: $type:ty),* $(,)? }) => {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        $(#[$doc])*
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
            pub expects: Option<Expects>,
            /// The explanation for the person.
            #[serde(default)]
            pub insight: Insight,
            /// Facts for the card.
            #[serde(default)]
            pub details: Vec<Detail>,
            /// Long text in Markdown, such as a plan or a diff.
            #[serde(default)]
            pub body: String,
            /// Links to further reading.
            #[serde(default)]
            pub links: Vec<Link>,
            /// The project, which determines channel, approvers and policy. Left out: the project
            /// of the drop folder or the token, else `default`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub project: Option<String>,
            /// The environment: production, staging …
            #[serde(skip_serializing_if = "Option::is_none")]
            pub environment: Option<String>,
            /// The agent that asks.
            #[serde(default)]
            pub agent: Agent,
            /// The job that waits for the verdict.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub job: Option<String>,
            /// The damage that a wrong verdict can cause. Left out: medium. Policy may raise the
            /// risk.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub risk: Option<Risk>,
            /// Your confidence in your own proposal, from 0 to 1.
            #[schemars(range(min = 0.0, max = 1.0))]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub confidence: Option<f64>,
            /// The priority. Left out: normal.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub priority: Option<Priority>,
            /// The options: 2 to 25, if a choice is expected.
            #[serde(default)]
            #[schemars(length(max = 25))]
            pub options: Vec<Choice>,
            /// Number of different people who must approve. Left out: 1.
            #[schemars(range(min = 1, max = 20))]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub approvals_needed: Option<u32>,
            /// How long the question can wait: 30m, 4h 30m, 7d. Left out: as policy says.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub sla: Option<Span>,
            /// What happens if no person answers. Left out: reject. Approve only where policy
            /// allows this default.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub safe_default: Option<SafeDefault>,
            $($(#[$each])* pub $field: $type,)*
        }
    };
}

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

question! {
    /// A question that an agent drops into `inbox/`. The file's name identifies the question:
    /// changing the file revises the question, removing the file withdraws it.
    #[serde(rename = "Question")]
    DroppedQuestion {
        /// The address of this schema, for editors. Ignored.
        #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
        schema: Option<String>,
        /// Attached files: paths inside the drop folder, relative to it.
        #[serde(default)]
        #[schemars(length(max = 9))]
        attachments: Vec<String>,
    }
}

impl From<DroppedQuestion> for Question {
    /// The question without its files. The key is the file's name, so `dedup_key` stays empty.
    fn from(dropped: DroppedQuestion) -> Self {
        Self {
            title: dropped.title,
            kind: dropped.kind,
            expects: dropped.expects,
            insight: dropped.insight,
            details: dropped.details,
            body: dropped.body,
            links: dropped.links,
            project: dropped.project,
            environment: dropped.environment,
            agent: dropped.agent,
            job: dropped.job,
            risk: dropped.risk,
            confidence: dropped.confidence,
            priority: dropped.priority,
            options: dropped.options,
            approvals_needed: dropped.approvals_needed,
            sla: dropped.sla,
            safe_default: dropped.safe_default,
            dedup_key: None,
        }
    }
}

/// Rejects `approvals_needed: 0`, which policy alone would accept.
fn zero_approvals(needed: Option<u32>) -> Option<String> {
    let words = "approvals_needed: 0 is not possible; give at least 1, or leave it out";
    (needed == Some(0)).then(|| words.to_owned())
}

impl DroppedQuestion {
    /// Checks what policy would not reject. Returns a description of the mistake.
    #[must_use]
    pub fn validation_error(&self) -> Option<String> {
        zero_approvals(self.approvals_needed)
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
            insight: Insight::default(),
            details: Vec::new(),
            body: String::new(),
            links: Vec::new(),
            project: None,
            environment: None,
            agent: Agent::default(),
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
    pub fn validation_error(&self) -> Option<String> {
        zero_approvals(self.approvals_needed)
            .or_else(|| self.text_error())
            .or_else(|| self.number_error())
            .or_else(|| self.list_error())
    }

    fn text_error(&self) -> Option<String> {
        if is_blank(&self.title) {
            return Some("title: it is empty; write the question in one line".into());
        }
        let key = self.dedup_key.as_deref();
        key.is_some_and(|key| is_blank(key) || length(key) > LONGEST_KEY).then(|| {
            format!(
                "dedup_key: must have 1 to {LONGEST_KEY} characters; give another, or leave it out"
            )
        })
    }

    fn number_error(&self) -> Option<String> {
        if self.confidence.is_some_and(|confidence| !(0.0..=1.0).contains(&confidence)) {
            return Some("confidence: give a number from 0 to 1, or leave it out".into());
        }
        self.approvals_needed
            .is_some_and(|needed| needed > MAX_APPROVALS)
            .then(|| format!("approvals_needed: more than the maximum of {MAX_APPROVALS}"))
    }

    fn list_error(&self) -> Option<String> {
        if self.options.len() > MAX_OPTIONS {
            return Some(format!("options: more than the maximum of {MAX_OPTIONS}"));
        }
        let unnamed = |name: &str| name.is_empty() || length(name) > LONGEST_OPTION;
        if let Some(at) = self.options.iter().position(|option| unnamed(&option.name)) {
            return Some(format!("options[{at}].name: must have 1 to {LONGEST_OPTION} characters"));
        }
        let at = self.links.iter().position(|link| !is_web_address(&link.url))?;
        Some(format!("links[{at}].url: write an address that begins with https:// or http://"))
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn is_web_address(url: &str) -> bool {
    let address = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    address.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}
