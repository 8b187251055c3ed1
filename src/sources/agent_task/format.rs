//! Parses `.agent-task.json` files in the two known formats.
//!
//! Unrelated tools use the same file name, so the format is recognised by its fields, and any other
//! file is ignored. Within a format, a missing field and a field of the wrong type both count as
//! absent: agents write these files, and a strange token count must not hide a task that waits for
//! a person.
//!
//! Pure. Does not depend on folders, decisions in the store, or card text.

use serde_json::Value;

use crate::core::Time;
use crate::core::decision::{Detail, Insight};

/// The result of parsing a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reading {
    /// A task.
    Task(Box<Task>),
    /// Not complete JSON, perhaps because the file is being written; with the reason.
    Incomplete(String),
    /// Not a task, under the same file name; with the reason.
    NotATask(String),
}

/// An agent's task, independent of the file's format.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Task {
    /// The task's own id.
    pub(super) id: String,
    /// The state, as written in the file.
    pub(super) state: String,
    /// Why the task waits for a person; `None` if no person is needed.
    pub(super) waits: Option<Waits>,
    /// A name for people. Never empty.
    pub(super) name: String,
    /// The task's goal. May be empty.
    pub(super) description: String,
    /// The agent's name.
    pub(super) agent: Option<String>,
    /// The file's explanation of its state; each part may be empty.
    pub(super) insight: Insight,
    /// Facts for the card, without values that change while the task waits (the heartbeat's time).
    pub(super) facts: Vec<Detail>,
    /// How far the work is, by its state.
    pub(super) progress: Progress,
    /// When the agent last reported, by the file itself.
    pub(super) heartbeat_at: Option<Time>,
    /// Values for the arguments of a configured command.
    pub(super) names: TaskNames,
}

/// How far the work is, by a state's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// An agent works, and reports at least every 30 minutes.
    Active,
    /// The work is done and pushed, or merged.
    Complete,
    /// Neither, as far as the name says.
    Other,
}

impl Progress {
    pub(super) fn of(state: &str) -> Self {
        match word_of(state).as_str() {
            "worktree-claimed" | "planning" | "implementing" | "impl-validated" | "validating"
            | "ship" | "working" | "running" | "in-progress" => Self::Active,
            "complete" | "completed" | "done" | "merged" | "shipped" => Self::Complete,
            _ => Self::Other,
        }
    }
}

/// What a file calls the task's parts. Agents write these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TaskNames {
    pub(super) issue: Option<String>,
    pub(super) branch: Option<String>,
    pub(super) commit: Option<String>,
    pub(super) pull_request: Option<String>,
}

impl TaskNames {
    fn of(file: &Value) -> Self {
        Self {
            issue: scalar_at(file, "/issueNumber").or_else(|| scalar_at(file, "/issue_number")),
            branch: scalar_at(file, "/branchName"),
            commit: scalar_at(file, "/lastCommitSha"),
            pull_request: scalar_at(file, "/links/prUrl"),
        }
    }
}

/// The first word of a state, in one spelling: `needs_review` is `needs-review`. The step that
/// failed may follow the state: `failed — planning`.
fn word_of(state: &str) -> String {
    state.split_whitespace().next().unwrap_or_default().to_lowercase().replace('_', "-")
}

/// Why a task needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// To review a plan before implementation.
    Plan,
    /// To review work.
    Review,
    /// The implementation fails its checks.
    Validation,
    /// An external obstacle.
    Blocked,
    /// The task gave up.
    Failed,
    /// The file requests a person, in a state that alone does not need a person.
    Person,
    /// The work is done in the worktree, and waits for a look before anything is pushed.
    Ready,
    /// An agent at work has not reported for [`super::heartbeat::STALE_AFTER`].
    Stale,
}

impl Waits {
    /// All variants.
    const ALL: [Self; 8] = [
        Self::Plan,
        Self::Review,
        Self::Validation,
        Self::Blocked,
        Self::Failed,
        Self::Person,
        Self::Ready,
        Self::Stale,
    ];

    /// The state's name. Stable, because keys of stored decisions contain the name.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Plan => "planning-review",
            Self::Review => "needs-review",
            Self::Validation => "impl-validation-failed",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::Person => "human-action",
            Self::Ready => "complete-local",
            Self::Stale => "stale",
        }
    }

    /// Why a state needs a person. `planning-review` counts: by default a person reviews the plan,
    /// and the task halts; if another agent reviews, the state passes and the decision with it.
    /// `complete-local` counts: nothing leaves the worktree until a person has looked.
    fn of(state: &str) -> Option<Self> {
        let word = word_of(state);
        Self::ALL
            .into_iter()
            .filter(|waits| !matches!(waits, Self::Person | Self::Stale))
            .find(|waits| waits.word() == word)
    }

    /// Like [`Waits::of`], but a review during a planning step is a review of the plan.
    fn at_step(state: &str, step: Option<&str>) -> Option<Self> {
        let planning =
            step.is_some_and(|step| step.trim_start().to_lowercase().starts_with("plan"));
        Self::of(state)
            .map(|waits| if waits == Self::Review && planning { Self::Plan } else { waits })
    }
}

/// Fields of the published format. Other tools' files with a `taskId` and a `status` have none of
/// these.
const PUBLISHED_MARKS: [&str; 6] = [
    "humanActionRequired",
    "recommendedAction",
    "lastHeartbeatAt",
    "worktreePath",
    "branchName",
    "validationCommand",
];
/// Fields of the written format, beside `task_id` and `state`.
const WRITTEN_MARKS: [&str; 4] = ["heartbeat", "observation", "why_it_matters", "what_to_do"];
/// Field of a file that `gander work` wrote. The worker itself asks what its job needs.
const OWN_MARK: &str = "ganderJob";

/// Facts for the card: name, and JSON pointers in either format (the first present value counts).
const FACTS: [(&str, &[&str]); 10] = [
    ("issue", &["/links/issueUrl", "/issueNumber", "/issue_number"]),
    ("pull request", &["/links/prUrl"]),
    ("branch", &["/branchName"]),
    ("commit", &["/lastCommitSha"]),
    ("validation", &["/validationCommand"]),
    ("model provider", &["/modelProvider"]),
    ("model", &["/modelName", "/model"]),
    (TOKENS, &["/tokenUsage", "/tokens"]),
    (COST_USD, &["/estimatedCostUsd"]),
    (COST, &["/cost"]),
];

const TOKENS: &str = "tokens";
const COST_USD: &str = "cost in USD";
const COST: &str = "cost";

/// Facts that are only counters: a rise does not change the question.
pub(super) const COUNTS: [&str; 3] = [TOKENS, COST_USD, COST];

/// Parses a file's text.
pub(super) fn read_task(text: &str) -> Reading {
    let file: Value = match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(file) => file,
        Err(error) => return Reading::Incomplete(format!("it is not complete JSON: {error}")),
    };
    let has_any = |marks: &[&str]| marks.iter().any(|mark| file.get(mark).is_some());
    let published = string(&file, "/status").or_else(|| string(&file, "/phase")).is_some()
        && has_any(&PUBLISHED_MARKS);
    if let Some(id) = scalar_at(&file, "/taskId").filter(|_| published) {
        return Reading::Task(Box::new(from_published(&file, id)));
    }
    match (scalar_at(&file, "/task_id"), string(&file, "/state")) {
        (Some(id), Some(state)) if has_any(&WRITTEN_MARKS) => {
            Reading::Task(Box::new(from_written(&file, id, state)))
        }
        _ => Reading::NotATask(
            "it has neither taskId with status or phase, nor task_id with state".into(),
        ),
    }
}

fn from_published(file: &Value, id: String) -> Task {
    let (status, phase) = (string(file, "/status"), string(file, "/phase"));
    let required = HumanAction::read(file.get("humanActionRequired"));
    let by_state =
        [status, phase].into_iter().flatten().find_map(|state| Waits::at_step(state, phase));
    // The flag answers exactly this question, so it takes priority over the state's name.
    let waits = match &required {
        _ if file.get(OWN_MARK).is_some() => None,
        HumanAction::No => None,
        HumanAction::Unsaid => by_state,
        HumanAction::Yes(_) => Some(by_state.unwrap_or(Waits::Person)),
    };
    let said = if let HumanAction::Yes(said) = required { said } else { String::new() };
    let recommended = text(file, "/recommendedAction");
    // Without a recommendation, the required action becomes "what to do".
    let (why_it_matters, what_to_do) =
        if recommended.is_empty() { (String::new(), said) } else { (said, recommended) };
    let description = text(file, "/taskDescription");
    let name = [first_line(&description), text(file, "/branchName")]
        .into_iter()
        .find(|name| !name.is_empty());
    Task {
        name: name.unwrap_or_else(|| id.clone()),
        state: status.or(phase).unwrap_or_default().to_owned(),
        waits,
        agent: string(file, "/tool").or_else(|| string(file, "/runtime")).map(ToOwned::to_owned),
        insight: Insight {
            observation: text(file, "/lastErrorSummary"),
            why_it_matters,
            what_to_do,
        },
        facts: facts(file, phase.filter(|_| status.is_some() && status != phase)),
        progress: progress([status, phase]),
        heartbeat_at: time(file, "/lastHeartbeatAt"),
        names: TaskNames::of(file),
        description,
        id,
    }
}

/// The progress that the first state with a known name says.
fn progress(states: [Option<&str>; 2]) -> Progress {
    let known = states.into_iter().flatten().map(Progress::of);
    known.into_iter().find(|progress| *progress != Progress::Other).unwrap_or(Progress::Other)
}

/// The task of a worktree that has a heartbeat and no task file.
pub(super) fn from_heartbeat(slug: &str, step: &str, at: Time) -> Task {
    Task {
        id: slug.to_owned(),
        state: step.to_owned(),
        waits: Waits::of(step),
        name: slug.to_owned(),
        description: String::new(),
        agent: None,
        insight: Insight::default(),
        facts: Vec::new(),
        progress: Progress::of(step),
        heartbeat_at: Some(at),
        names: TaskNames::default(),
    }
}

fn from_written(file: &Value, id: String, state: &str) -> Task {
    let step = string(file, "/heartbeat/state");
    Task {
        name: string(file, "/slug").map_or_else(|| id.clone(), ToOwned::to_owned),
        state: state.to_owned(),
        waits: Waits::at_step(state, step),
        description: String::new(),
        agent: None,
        insight: Insight {
            observation: text(file, "/observation"),
            why_it_matters: text(file, "/why_it_matters"),
            what_to_do: text(file, "/what_to_do"),
        },
        facts: facts(file, step.filter(|step| *step != state)),
        progress: progress([Some(state), step]),
        heartbeat_at: time(file, "/heartbeat/updated_at"),
        names: TaskNames::of(file),
        id,
    }
}

/// The value of `humanActionRequired`: a yes or no in some files, the action itself in others.
enum HumanAction {
    Yes(String),
    No,
    Unsaid,
}

impl HumanAction {
    fn read(value: Option<&Value>) -> Self {
        match value {
            Some(Value::Bool(true)) => Self::Yes(String::new()),
            Some(Value::Bool(false)) => Self::No,
            Some(Value::String(said)) => match said.trim().to_lowercase().as_str() {
                "" => Self::Unsaid,
                "no" | "none" | "false" => Self::No,
                "yes" | "true" => Self::Yes(String::new()),
                _ => Self::Yes(said.trim().to_owned()),
            },
            _ => Self::Unsaid,
        }
    }
}

fn facts(file: &Value, step: Option<&str>) -> Vec<Detail> {
    let step = step.map(|step| Detail { name: "step".into(), value: step.to_owned() });
    let found = |(name, places): &(&str, &[&str])| {
        let value = places.iter().find_map(|place| scalar_at(file, place))?;
        Some(Detail { name: (*name).to_owned(), value })
    };
    step.into_iter().chain(FACTS.iter().filter_map(found)).collect()
}

/// The trimmed string at a JSON pointer, if present and not blank.
fn string<'a>(file: &'a Value, pointer: &str) -> Option<&'a str> {
    file.pointer(pointer)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

fn time(file: &Value, pointer: &str) -> Option<Time> {
    string(file, pointer)?.parse().ok()
}

fn text(file: &Value, pointer: &str) -> String {
    string(file, pointer).unwrap_or_default().to_owned()
}

fn scalar_at(file: &Value, pointer: &str) -> Option<String> {
    scalar(file.pointer(pointer)?)
}

/// A value on one line: a text, a number, or a flat object of texts and numbers
/// (`{"input":1,"output":2}` becomes `input 1, output 2`).
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(parts) => {
            let said: Vec<String> = parts
                .iter()
                .filter(|(_, part)| !part.is_object())
                .filter_map(|(name, part)| Some(format!("{name} {}", scalar(part)?)))
                .collect();
            Some(said.join(", ")).filter(|text| !text.is_empty())
        }
        _ => None,
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests;
