//! What the files of a drop folder say: the question, its verdict, and how it went.
//!
//! The JSON Schemas are generated from these types, so a comment on a field is what an agent reads
//! of it. Pure. Must not know folders, the store, or what becomes of a file.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::core::decision::{Attachment, Decision, Outcome, Request, State};
use crate::core::pace::Pace;
use crate::core::policy::{Inadmissible, MOST_FILES};
use crate::wire::{self, Hint, LONGEST_REPORT, Moment, Said, Wrong, question};

question! {
    /// A question, as an agent drops it into `inbox/`. The file's name is its identity: changing
    /// the file changes the question, removing it takes the question back.
    Question {
        /// The address of this schema, for editors. Not read.
        #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
        schema: Option<String>,
        /// Files that go with it: paths from the drop folder on, inside it.
        #[serde(default)]
        #[schemars(length(max = 9))]
        attachments: Vec<String>,
    }
}

/// How it went when the agent acted on a verdict, as the agent drops it into `outcomes/`, under the
/// question's name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The address of this schema, for editors. Not read.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// Whether it worked.
    pub outcome: Outcome,
    /// In the agent's words.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    pub text: String,
    /// The decision's number, as the verdict's file said it. Left out: the latest of this name.
    #[schemars(range(min = 1))]
    pub id: Option<i64>,
}

/// Where a dropped question stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// A person owes it an answer.
    #[default]
    Asked,
    /// Put off until `until`; it comes back by itself. Do something else meanwhile.
    Deferred,
    /// Answered: `verdict` says how. This file does not change any more.
    Resolved,
    /// Taken back: `reason` says why. This file does not change any more.
    Withdrawn,
    /// The question's file was wrong and lies in `refused/`: `reason` says why. This file does not
    /// change any more.
    Refused,
}

impl Standing {
    /// Whether the verdict's file will say something else later.
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Asked | Self::Deferred)
    }
}

/// Where a question stands, as it lies in `verdicts/` under the question's name: the one file that
/// an agent polls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictFile {
    /// The decision's number. Absent only if the question was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The version of the question's content, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// Where it stands.
    pub state: Standing,
    /// What was answered.
    #[serde(flatten)]
    pub said: Said,
    /// When it comes back, if it was put off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Who answered, or put it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When it came to this state, such as 2026-11-21T12:30:00Z.
    pub at: String,
}

impl VerdictFile {
    fn bare(state: Standing, at: crate::core::Time) -> Self {
        Self { state, at: Moment(at).to_string(), ..Self::default() }
    }

    /// What is said of a decision as it stands. Times are the wall clock's.
    #[must_use]
    pub fn of(decision: &Decision, pace: Pace) -> Self {
        let bare = |state, at| Self::bare(state, pace.wall_time(at));
        let said = match &decision.state {
            State::Pending(_) => bare(Standing::Asked, decision.asked_at),
            State::Deferred { until, by, at, .. } => {
                let until = Some(Moment(pace.wall_time(*until)).to_string());
                Self { until, by: Some(by.name.clone()), ..bare(Standing::Deferred, *at) }
            }
            State::Resolved(resolved) => {
                let (said, by) =
                    (Said::from(resolved.verdict.clone()), Some(resolved.by.name.clone()));
                Self { said, by, ..bare(Standing::Resolved, resolved.at) }
            }
            State::Withdrawn { reason, at } => {
                Self { said: Said::reason(reason), ..bare(Standing::Withdrawn, *at) }
            }
        };
        Self { id: Some(decision.id.0), revision: Some(decision.revision.0), ..said }
    }

    /// What is said of a file that is no question.
    #[must_use]
    pub fn refused(why: &str, at: crate::core::Time) -> Self {
        Self { said: Said::reason(why), ..Self::bare(Standing::Refused, at) }
    }

    pub(super) fn text(&self) -> String {
        // Strings and numbers only: this cannot fail.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

/// What to do about fields that other ways of asking know.
const HINTS: [Hint; 1] = [("dedup_key", "leave `dedup_key` out: the file's name is its key")];

/// Reads a file's text.
///
/// # Errors
/// [`Wrong`], in words for whoever writes files.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Wrong> {
    wire::read(bytes, &HINTS).map_err(|wrong| match wrong {
        Wrong::Short(words) => {
            Wrong::Short(format!("{words}; write it under another name and rename it"))
        }
        other => other,
    })
}

impl Report {
    /// What is wrong with it, if something is.
    pub(super) fn flaw(&self) -> Option<String> {
        (self.text.chars().count() > LONGEST_REPORT)
            .then(|| format!("text: it has more than {LONGEST_REPORT} characters; shorten it"))
    }
}

impl Question {
    /// What is wrong with it, if something is that policy would let pass.
    pub(super) fn flaw(&self) -> Option<String> {
        if self.attachments.len() > MOST_FILES {
            return Some(Inadmissible::Files(self.attachments.len()).to_string());
        }
        self.zero_approvals()
    }

    /// The request that it makes. `project` is the drop folder's own.
    pub(super) fn into_request(
        self,
        key: String,
        project: Option<&str>,
        attachments: Vec<Attachment>,
    ) -> Request {
        Request { dedup_key: Some(key), attachments, ..self.request(project) }
    }
}

fn schema<T: JsonSchema>(settings: SchemaSettings) -> String {
    let schema = settings.into_generator().into_root_schema_for::<T>();
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

/// The JSON Schema of a file in `inbox/`.
#[must_use]
pub fn question_schema() -> String {
    schema::<Question>(SchemaSettings::draft2020_12())
}

/// The JSON Schema of a file in `outcomes/`.
#[must_use]
pub fn outcome_schema() -> String {
    schema::<Report>(SchemaSettings::draft2020_12())
}

/// The JSON Schema of a file in `verdicts/`.
#[must_use]
pub fn verdict_schema() -> String {
    schema::<VerdictFile>(SchemaSettings::draft2020_12().for_serialize())
}
