//! Parses `.agent-task.json` files in the two known formats.
//!
//! Unrelated tools use the same file name, so the format is recognised by its fields, and any other
//! file is ignored. Within a format, a missing field and a field of the wrong type both count as
//! absent: agents write these files, and a strange token count must not hide a task that waits for
//! a person.
//!
//! Pure. Does not depend on folders, decisions in the store, or card text.

use serde_json::Value;

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
}

impl Waits {
    /// All variants.
    const ALL: [Self; 6] =
        [Self::Plan, Self::Review, Self::Validation, Self::Blocked, Self::Failed, Self::Person];

    /// The state's name. Stable, because keys of stored decisions contain the name.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Plan => "planning-review",
            Self::Review => "needs-review",
            Self::Validation => "impl-validation-failed",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::Person => "human-action",
        }
    }

    /// Why a state needs a person. `planning-review` counts: by default a person reviews the plan,
    /// and the task halts; if another agent reviews, the state passes and the decision with it.
    /// `complete-local` does not count: the work is done, and nothing waits.
    fn of(state: &str) -> Option<Self> {
        // The step that failed may follow the state: `failed — planning`.
        let word = state.split_whitespace().next()?.to_lowercase().replace('_', "-");
        Self::ALL
            .into_iter()
            .filter(|waits| *waits != Self::Person)
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
        description,
        id,
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
mod tests {
    use super::*;

    fn fixture(case: &str) -> Reading {
        let path = format!("{}/fixtures/agent-task/{case}.json", env!("CARGO_MANIFEST_DIR"));
        read_task(&std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}")))
    }

    fn task(case: &str) -> Task {
        match fixture(case) {
            Reading::Task(task) => *task,
            other => panic!("{case} is {other:?}"),
        }
    }

    #[test]
    fn every_fixture_is_what_its_name_says() {
        let cases = [
            ("published-needs-review", "waits needs-review"),
            ("published-plan-review", "waits planning-review"),
            ("published-working", "rests"),
            ("published-working-needs-person", "waits human-action"),
            ("published-blocked-needs-nobody", "rests"),
            ("written-impl-validation-failed", "waits impl-validation-failed"),
            ("written-planning-review", "waits planning-review"),
            ("written-blocked", "waits blocked"),
            ("written-failed", "waits failed"),
            ("written-implementing", "rests"),
            ("written-complete-local", "rests"),
            ("half-written", "incomplete"),
            ("alien-todo-list", "alien"),
            ("alien-lock", "alien"),
            ("alien-worktree-claim", "alien"),
        ];
        for (case, expected) in cases {
            let found = match fixture(case) {
                Reading::Task(task) => task
                    .waits
                    .map_or_else(|| "rests".into(), |waits| format!("waits {}", waits.word())),
                Reading::Incomplete(_) => "incomplete".into(),
                Reading::NotATask(_) => "alien".into(),
            };
            assert_eq!(found, expected, "{case}");
        }
        let folder = format!("{}/fixtures/agent-task", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(
            std::fs::read_dir(folder).unwrap().count(),
            cases.len(),
            "every fixture has its line above"
        );
    }

    #[test]
    fn a_cut_anywhere_is_incomplete_never_another_thing() {
        let path =
            format!("{}/fixtures/agent-task/written-blocked.json", env!("CARGO_MANIFEST_DIR"));
        let whole = std::fs::read_to_string(path).unwrap();
        let whole = whole.trim_end();
        for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            assert!(matches!(read_task(&whole[..end]), Reading::Incomplete(_)), "cut at {end}");
        }
    }

    #[test]
    fn what_the_flag_says_comes_before_the_state() {
        let cases = [
            (r#""status":"blocked""#, Some(Waits::Blocked)),
            (r#""status":"blocked","humanActionRequired":null"#, Some(Waits::Blocked)),
            (r#""status":"blocked","humanActionRequired":"""#, Some(Waits::Blocked)),
            (r#""status":"blocked","humanActionRequired":false"#, None),
            (r#""status":"blocked","humanActionRequired":"none""#, None),
            (
                r#""status":"working","phase":"implementing","humanActionRequired":true"#,
                Some(Waits::Person),
            ),
            (r#""status":"working","humanActionRequired":"renew the token""#, Some(Waits::Person)),
            (r#""status":"working","phase":"needs-review""#, Some(Waits::Review)),
            (r#""status":"needs_review","phase":"planning""#, Some(Waits::Plan)),
            (r#""phase":"impl-validation-failed""#, Some(Waits::Validation)),
            (r#""status":"failed — planning""#, Some(Waits::Failed)),
            (r#""status":"human-action""#, None),
        ];
        for (fields, expected) in cases {
            match read_task(&format!(r#"{{"taskId":"t","branchName":"b",{fields}}}"#)) {
                Reading::Task(task) => assert_eq!(task.waits, expected, "{fields}"),
                other => panic!("{fields} is {other:?}"),
            }
        }
    }

    #[test]
    fn a_field_of_another_type_is_absent_and_hides_nothing() {
        let strange = concat!(
            r#"{"task_id":7,"state":"failed","heartbeat":null,"model":["x"],"#,
            r#""tokens":{"in":1,"out":2,"of":{}},"cost":true}"#
        );
        let Reading::Task(task) = read_task(strange) else { panic!("it is a task") };
        assert_eq!(
            (task.id.as_str(), task.name.as_str(), task.waits),
            ("7", "7", Some(Waits::Failed))
        );
        assert_eq!(task.facts, [Detail { name: "tokens".into(), value: "in 1, out 2".into() }]);
    }

    #[test]
    fn other_json_is_alien() {
        for alien in [
            "null",
            "[]",
            "3",
            r#""blocked""#,
            "{}",
            r#"{"task_id":"t","state":"failed"}"#,
            r#"{"taskId":"t","status":"failed"}"#,
        ] {
            assert!(matches!(read_task(alien), Reading::NotATask(_)), "{alien}");
        }
    }

    #[test]
    fn the_insight_comes_from_the_fields_that_have_it() {
        let reviewed = task("published-needs-review").insight;
        assert!(reviewed.observation.starts_with("Coverage fell"), "{reviewed:?}");
        assert!(reviewed.why_it_matters.starts_with("A reviewer"), "{reviewed:?}");
        assert!(reviewed.what_to_do.starts_with("Read the diff"), "{reviewed:?}");
        let required = task("published-working-needs-person").insight;
        assert_eq!(
            required.what_to_do, "Renew the registry token on this machine.",
            "what is required is what to do"
        );
        assert_eq!(required.why_it_matters, "");
    }
}
