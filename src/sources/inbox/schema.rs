//! The JSON files of a drop folder: reading and checking, the request of a question, and the
//! content of a verdict file.
//!
//! The types, and the comments that agents read in the JSON Schemas, are in
//! [`gander_client::types`]. Pure. Does not depend on folders or the store.

use gander_client::types::{
    DroppedQuestion, LONGEST_REPORT, Moment, OutcomeReport, QuestionState, Resolution, VerdictFile,
};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;

use crate::core::Time;
use crate::core::decision::{Attachment, Decision, Request, State};
use crate::core::policy::rules::{InvalidRequest, MAX_FILES};
use crate::core::values::time_scale::TimeScale;
use crate::presentation::json::{self, Hint, ReadError};
use crate::presentation::text;

fn bare(state: QuestionState, at: Time) -> VerdictFile {
    VerdictFile { state, at: Moment(at).to_string(), ..VerdictFile::default() }
}

/// The verdict file for a decision. Times are wall-clock times.
#[must_use]
pub(in crate::sources) fn verdict_file(decision: &Decision, time_scale: TimeScale) -> VerdictFile {
    let bare = |state, at| bare(state, time_scale.wall_time(at));
    let file = match &decision.state {
        State::Pending(_) => bare(QuestionState::Asked, decision.asked_at),
        State::Deferred { until, by, at, .. } => VerdictFile {
            until: Some(Moment(time_scale.wall_time(*until)).to_string()),
            by: Some(by.name.clone()),
            ..bare(QuestionState::Deferred, *at)
        },
        State::Resolved(resolved) => VerdictFile {
            resolution: json::resolution(
                text::worded(&resolved.verdict, resolved.via).into_owned(),
            ),
            by: Some(resolved.by.name.clone()),
            ..bare(QuestionState::Resolved, resolved.at)
        },
        State::Withdrawn { reason, at } => VerdictFile {
            resolution: Resolution::reason(reason),
            ..bare(QuestionState::Withdrawn, *at)
        },
    };
    VerdictFile { id: Some(decision.id.0), revision: Some(decision.revision.0), ..file }
}

/// The verdict file for a file that is not a valid question.
#[must_use]
pub(in crate::sources) fn refused_file(why: &str, at: Time) -> VerdictFile {
    VerdictFile { resolution: Resolution::reason(why), ..bare(QuestionState::Refused, at) }
}

/// The content of a verdict file.
pub(super) fn text_of(file: &VerdictFile) -> String {
    // The type has only strings and numbers, so serialisation cannot fail.
    serde_json::to_string(file).unwrap_or_default() + "\n"
}

/// Advice for fields known from other ways of asking.
const HINTS: [Hint; 1] = [("dedup_key", "leave out `dedup_key`: the file's name is the key")];

/// Parses a file.
///
/// # Errors
/// [`ReadError`], with a message for authors of files.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ReadError> {
    json::read(bytes, &HINTS).map_err(|wrong| match wrong {
        ReadError::UnexpectedEnd(words) => ReadError::UnexpectedEnd(format!(
            "{words}; write the file under another name and then rename it"
        )),
        other => other,
    })
}

/// A problem of a report that the type does not rule out.
pub(super) fn report_error(report: &OutcomeReport) -> Option<String> {
    (report.text.chars().count() > LONGEST_REPORT)
        .then(|| format!("text: more than {LONGEST_REPORT} characters; shorten it"))
}

/// A problem of a question that policy would not reject.
pub(super) fn question_error(question: &DroppedQuestion) -> Option<String> {
    if question.attachments.len() > MAX_FILES {
        return Some(InvalidRequest::Files(question.attachments.len()).to_string());
    }
    question.validation_error()
}

/// The request to file. `project` is the drop folder's default.
pub(super) fn request(
    question: DroppedQuestion,
    key: String,
    project: Option<&str>,
    attachments: Vec<Attachment>,
) -> Request {
    let request = json::request(question.into(), project);
    Request { dedup_key: Some(key), attachments, ..request }
}

fn schema<T: JsonSchema>(settings: SchemaSettings) -> String {
    let schema = settings.into_generator().into_root_schema_for::<T>();
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

/// The JSON Schema of a file in `inbox/`.
#[must_use]
pub fn question_schema() -> String {
    schema::<DroppedQuestion>(SchemaSettings::draft2020_12())
}

/// The JSON Schema of a file in `outcomes/`.
#[must_use]
pub fn outcome_schema() -> String {
    schema::<OutcomeReport>(SchemaSettings::draft2020_12())
}

/// The JSON Schema of a file in `verdicts/`.
#[must_use]
pub fn verdict_schema() -> String {
    schema::<VerdictFile>(SchemaSettings::draft2020_12().for_serialize())
}
