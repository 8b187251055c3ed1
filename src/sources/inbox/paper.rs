//! The JSON files of a drop folder: question, verdict and report.
//!
//! The JSON Schemas are generated from these types, so agents read the comments on fields. Pure.
//! Does not depend on folders or the store.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::core::decision::{Attachment, Decision, Outcome, Request, State};
use crate::core::pace::Pace;
use crate::core::policy::{Inadmissible, MOST_FILES};
use crate::wire::{self, Hint, LONGEST_REPORT, Moment, Said, Wrong, question};

question! {
    /// A question that an agent drops into `inbox/`. The file's name identifies the question:
    /// changing the file revises the question, removing the file withdraws it.
    Question {
        /// The address of this schema, for editors. Ignored.
        #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
        schema: Option<String>,
        /// Attached files: paths inside the drop folder, relative to it.
        #[serde(default)]
        #[schemars(length(max = 9))]
        attachments: Vec<String>,
    }
}

/// The outcome of acting on a verdict. An agent drops this file into `outcomes/`, under the
/// question's name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The address of this schema, for editors. Ignored.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// Whether the action succeeded.
    pub outcome: Outcome,
    /// A description in the agent's words.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    pub text: String,
    /// The decision's number, from the verdict file. Default: the latest decision of this name.
    #[schemars(range(min = 1))]
    pub id: Option<i64>,
}

/// The state of a dropped question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Waiting for a person's answer.
    #[default]
    Asked,
    /// Deferred until `until`; then the question returns without being asked again. Do something
    /// else meanwhile.
    Deferred,
    /// Answered, with the answer in `verdict`. This file does not change any more.
    Resolved,
    /// Withdrawn, with the reason in `reason`. This file does not change any more.
    Withdrawn,
    /// Refused: the question's file was invalid and is now in `refused/`, with the reason in
    /// `reason`. This file does not change any more.
    Refused,
}

impl Standing {
    /// Whether the verdict file can still change.
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Asked | Self::Deferred)
    }
}

/// The state of a question, in `verdicts/` under the question's name. An agent polls only this
/// file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictFile {
    /// The decision's number. Absent only if the question was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The revision of the question's content, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The question's state.
    pub state: Standing,
    /// The answer.
    #[serde(flatten)]
    pub said: Said,
    /// When a deferred question returns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The person who answered or deferred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When the question entered this state, such as 2026-11-21T12:30:00Z.
    pub at: String,
}

impl VerdictFile {
    fn bare(state: Standing, at: crate::core::Time) -> Self {
        Self { state, at: Moment(at).to_string(), ..Self::default() }
    }

    /// The verdict file for a decision. Times are wall-clock times.
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

    /// The verdict file for a file that is not a valid question.
    #[must_use]
    pub fn refused(why: &str, at: crate::core::Time) -> Self {
        Self { said: Said::reason(why), ..Self::bare(Standing::Refused, at) }
    }

    pub(super) fn text(&self) -> String {
        // The type has only strings and numbers, so serialisation cannot fail.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

/// Advice for fields known from other ways of asking.
const HINTS: [Hint; 1] = [("dedup_key", "leave `dedup_key` out: the file's name is its key")];

/// Parses a file.
///
/// # Errors
/// [`Wrong`], with a message for authors of files.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Wrong> {
    wire::read(bytes, &HINTS).map_err(|wrong| match wrong {
        Wrong::Short(words) => {
            Wrong::Short(format!("{words}; write it under another name and rename it"))
        }
        other => other,
    })
}

impl Report {
    /// A problem that the type does not rule out.
    pub(super) fn flaw(&self) -> Option<String> {
        (self.text.chars().count() > LONGEST_REPORT)
            .then(|| format!("text: it has more than {LONGEST_REPORT} characters; shorten it"))
    }
}

impl Question {
    /// A problem that policy would not reject.
    pub(super) fn flaw(&self) -> Option<String> {
        if self.attachments.len() > MOST_FILES {
            return Some(Inadmissible::Files(self.attachments.len()).to_string());
        }
        self.zero_approvals()
    }

    /// The request to file. `project` is the drop folder's default.
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
