//! What the files of a drop folder say: the question, its verdict, and how it went.
//!
//! The JSON Schemas are generated from these types, so a comment on a field is what an agent reads of it. Pure.
//! Must not know folders, the store, or what becomes of a file.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::core::decision::{
    self, Attachment, Decision, Expects, Kind, Outcome, Priority, Request, Resolved, Risk, SafeDefault, State, Verdict,
};
use crate::core::nearest::did_you_mean;
use crate::core::pace::Pace;
use crate::core::policy::{Inadmissible, MOST_FILES, project_name};

/// A question, as an agent drops it into `inbox/`. The file's name is its identity: changing the file changes the
/// question, removing it takes the question back.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The address of this schema, for editors. Not read.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// What is to be decided, in one line.
    #[schemars(length(min = 1), regex(pattern = r"\S"))]
    pub title: String,
    /// What it is about: deploy, credentials, code_review, naming, test_failure, routine … or a word of your own.
    pub kind: Option<String>,
    /// What answers it: yes or no, one of the options, or a text. Left out: a choice with options, else yes or no.
    pub expects: Option<Expects>,
    /// What explains it to the person.
    #[serde(default)]
    pub insight: Insight,
    /// Facts for the card.
    #[serde(default)]
    pub details: Vec<Detail>,
    /// Long text: a plan, a diff. Markdown.
    #[serde(default)]
    pub body: String,
    /// Files that go with it: paths from the drop folder on, inside it.
    #[serde(default)]
    #[schemars(length(max = 9))]
    pub attachments: Vec<String>,
    /// What to read elsewhere.
    #[serde(default)]
    pub links: Vec<Link>,
    /// The project; its channel, approvers and policy follow from it. Left out: the drop folder's, else `default`.
    pub project: Option<String>,
    /// production, staging …
    pub environment: Option<String>,
    /// Who asks.
    #[serde(default)]
    pub agent: Agent,
    /// The job that waits for it.
    pub job: Option<String>,
    /// What can go wrong if the verdict is wrong. Left out: medium. Policy may raise it.
    pub risk: Option<Risk>,
    /// How sure you are of your own proposal.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub confidence: Option<f64>,
    /// How soon it is wanted. Left out: normal.
    pub priority: Option<Priority>,
    /// What can be chosen: 2 to 25, where a choice is expected.
    #[serde(default)]
    #[schemars(length(max = 25))]
    pub options: Vec<Choice>,
    /// How many different people must approve it. Left out: one.
    #[schemars(range(min = 1, max = 20))]
    pub approvals_needed: Option<u32>,
    /// How long it can wait: 30m, 4h 30m, 7d. Left out: what policy gives.
    pub sla: Option<Span>,
    /// What happens when nobody answers. Left out: reject. Approve only where policy allows it.
    pub safe_default: Option<SafeDefault>,
}

/// What explains a question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Insight {
    /// What you saw.
    pub observation: String,
    /// What follows from it.
    pub why_it_matters: String,
    /// What you recommend to do.
    pub what_to_do: String,
}

/// A named fact on the card.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Detail {
    /// Its name, such as tests.
    pub name: String,
    /// Its value, such as 47/47.
    pub value: String,
}

/// An answer that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// What the verdict names if it is chosen.
    #[schemars(length(min = 1, max = 100))]
    pub name: String,
    /// What speaks for it and against it.
    #[serde(default)]
    pub description: String,
}

/// Something to read elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What it is.
    pub name: String,
    /// Its address.
    #[schemars(regex(pattern = r"^https?://\S+$"))]
    pub url: String,
}

/// Who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Agent {
    /// A name that people know it by. Left out: agent.
    pub name: Option<String>,
    /// Tells two runs of one agent apart.
    pub session: Option<String>,
}

/// A time span as people write it, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(u64);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = |_| serde::de::Error::custom(format!("{text:?} is no time span: write for example 30m, 4h 30m or 7d"));
        humantime::parse_duration(text.trim()).map(|span| Self(span.as_secs())).map_err(wrong)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words = "A time span: a number with s, m, h or d behind it; several are added.";
        json_schema!({ "description": words, "type": "string", "pattern": r"^\s*([0-9]+\s*[a-z]+\s*)+$" })
    }
}

/// How it went when the agent acted on a verdict, as the agent drops it into `outcomes/`, under the question's name.
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

/// Characters of a report's text at most.
const LONGEST_REPORT: usize = 4_000;

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
    /// The question's file was wrong and lies in `refused/`: `reason` says why. This file does not change any more.
    Refused,
}

impl Standing {
    /// Whether the verdict's file will say something else later.
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Asked | Self::Deferred)
    }
}

/// Where a question stands, as it lies in `verdicts/` under the question's name: the one file that an agent polls.
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
    /// The answer: approved, rejected, chosen or answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Word>,
    /// Why it was rejected, withdrawn or refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The option that was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
    /// The text of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What was said beside an approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Approved for as long as the agent's session lasts: the same needs no asking again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub for_session: bool,
    /// When it comes back, if it was put off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Who answered, or put it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When it came to this state, such as 2026-11-21T12:30:00Z.
    pub at: String,
}

/// A verdict in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// Yes.
    Approved,
    /// No.
    Rejected,
    /// One of the options.
    Chosen,
    /// A text.
    Answered,
}

fn moment(at: crate::core::Time) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

impl VerdictFile {
    fn bare(state: Standing, at: crate::core::Time) -> Self {
        Self { state, at: moment(at), ..Self::default() }
    }

    /// What is said of a decision as it stands. Times are the wall clock's.
    #[must_use]
    pub fn of(decision: &Decision, pace: Pace) -> Self {
        let bare = |state, at| Self::bare(state, pace.wall_time(at));
        let said = match &decision.state {
            State::Pending(_) => bare(Standing::Asked, decision.asked_at),
            State::Deferred { until, by, at, .. } => {
                let until = Some(moment(pace.wall_time(*until)));
                Self { until, by: Some(by.name.clone()), ..bare(Standing::Deferred, *at) }
            }
            State::Resolved(resolved) => bare(Standing::Resolved, resolved.at).resolved(resolved),
            State::Withdrawn { reason, at } => Self { reason: Some(reason.clone()), ..bare(Standing::Withdrawn, *at) },
        };
        Self { id: Some(decision.id.0), revision: Some(decision.revision.0), ..said }
    }

    /// What is said of a file that is no question.
    #[must_use]
    pub fn refused(why: &str, at: crate::core::Time) -> Self {
        Self { reason: Some(why.to_owned()), ..Self::bare(Standing::Refused, at) }
    }

    fn resolved(self, resolved: &Resolved) -> Self {
        let said = Self { by: Some(resolved.by.name.clone()), ..self };
        match resolved.verdict.clone() {
            Verdict::Approved { note, for_session } => Self { verdict: Some(Word::Approved), note, for_session, ..said },
            Verdict::Rejected { reason } => Self { verdict: Some(Word::Rejected), reason: Some(reason), ..said },
            Verdict::Chosen { option } => Self { verdict: Some(Word::Chosen), option: Some(option), ..said },
            Verdict::Answered { text } => Self { verdict: Some(Word::Answered), answer: Some(text), ..said },
        }
    }

    pub(super) fn text(&self) -> String {
        // Strings and numbers only: this cannot fail.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

/// Why a file's text cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is no whole JSON: wrong, or not written to its end yet.
    Broken(String),
    /// It is whole, and wrong.
    Content(String),
}

/// Reads a file's text. A byte order mark before it is passed over: some systems write one.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Wrong> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Wrong::Broken("it is no UTF-8 text: save it as UTF-8".into()));
    };
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    if text.trim_start().starts_with('[') {
        return Err(Wrong::Content("line 1: it is a list: write one object, { … }, into each file".into()));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        wrong(&error.into_inner(), &path)
    })?;
    json.end().map_err(|error| wrong(&error, "."))?;
    match bare_list(text) {
        Some(field) => Err(Wrong::Content(format!("{field}: it is a list: write an object with names, such as {{\"name\": …}}"))),
        None => Ok(read),
    }
}

/// The field that is a list of bare values where names are expected: serde takes it for an object, the schema does not.
fn bare_list(text: &str) -> Option<String> {
    let whole: serde_json::Value = serde_json::from_str(text).ok()?;
    let objects = whole.as_object()?;
    let bare = ["insight", "agent"].into_iter().find(|field| objects.get(*field).is_some_and(serde_json::Value::is_array));
    bare.map(ToOwned::to_owned).or_else(|| {
        ["details", "links", "options"].into_iter().find_map(|field| {
            let index = objects.get(field)?.as_array()?.iter().position(serde_json::Value::is_array)?;
            Some(format!("{field}[{index}]"))
        })
    })
}

fn wrong(error: &serde_json::Error, path: &str) -> Wrong {
    let place = format!("line {}, column {}", error.line(), error.column());
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    match error.classify() {
        serde_json::error::Category::Data => {
            let field = if path == "." || message.starts_with("unknown field") { String::new() } else { format!(", {path}") };
            Wrong::Content(format!("{place}{field}: {}", hint(message)))
        }
        _ if error.is_eof() => Wrong::Broken(format!("{place}: it ends too early; write it under another name and rename it")),
        _ => Wrong::Broken(format!("{place}: it is no JSON ({message})")),
    }
}

/// What to do about fields that other ways of asking know.
fn hint(message: &str) -> String {
    for (field, words) in [
        ("dedup_key", "leave `dedup_key` out: the file's name is its key"),
        ("asked_by", "leave `asked_by` out: it is for people who ask; an agent is named in `agent`"),
        ("sla_seconds", "write `sla` instead of `sla_seconds`, such as \"2h\""),
    ] {
        if message.starts_with(&format!("unknown field `{field}`")) {
            return words.to_owned();
        }
    }
    let mut words = did_you_mean(message);
    for (jargon, plain) in [
        ("f64", "a number"),
        ("u32", "a whole number"),
        ("i64", "a whole number"),
        ("struct Insight", "an object"),
        ("struct Agent", "an object"),
        ("struct Detail", "an object"),
        ("struct Link", "an object"),
        ("struct Choice", "an object"),
        ("a sequence", "a list"),
    ] {
        words = words.replace(&format!("expected {jargon}"), &format!("expected {plain}"));
    }
    words
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
        (self.approvals_needed == Some(0)).then(|| "approvals_needed: it is 0; give a number from 1 on, or leave it out".into())
    }

    /// The request that it makes. `project` is the drop folder's own.
    pub(super) fn into_request(self, key: String, project: Option<&str>, attachments: Vec<Attachment>) -> Request {
        let usual = Request::default();
        let project = self.project.as_deref().or(project).map_or(usual.project, project_name);
        let insight = self.insight;
        Request {
            title: self.title,
            kind: self.kind.map_or(usual.kind, Kind::from),
            expects: self.expects.unwrap_or(if self.options.is_empty() { Expects::Approve } else { Expects::Choose }),
            insight: decision::Insight {
                observation: insight.observation,
                why_it_matters: insight.why_it_matters,
                what_to_do: insight.what_to_do,
            },
            details: self.details.into_iter().map(|d| decision::Detail { name: d.name, value: d.value }).collect(),
            body: self.body,
            attachments,
            links: self.links.into_iter().map(|link| decision::Link { name: link.name, url: link.url }).collect(),
            project,
            environment: self.environment,
            agent: decision::Agent { name: self.agent.name.unwrap_or_else(|| "agent".into()), session: self.agent.session },
            job: self.job,
            asked_by: None,
            risk: self.risk.unwrap_or(usual.risk),
            confidence: self.confidence,
            priority: self.priority.unwrap_or(usual.priority),
            options: self.options.into_iter().map(|c| decision::Choice { name: c.name, description: c.description }).collect(),
            approvals_needed: self.approvals_needed.unwrap_or(1),
            sla_seconds: self.sla.map(|span| span.0),
            safe_default: self.safe_default,
            dedup_key: Some(key),
        }
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
