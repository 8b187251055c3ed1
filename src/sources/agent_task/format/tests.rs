//! The fixtures, and fields that are missing or of another type.

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
        ("written-complete-local", "waits complete-local"),
        ("half-written", "incomplete"),
        ("alien-todo-list", "alien"),
        ("alien-lock", "alien"),
        ("alien-worktree-claim", "alien"),
    ];
    for (case, expected) in cases {
        let found = match fixture(case) {
            Reading::Task(task) => {
                task.waits.map_or_else(|| "rests".into(), |waits| format!("waits {}", waits.word()))
            }
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
    let path = format!("{}/fixtures/agent-task/written-blocked.json", env!("CARGO_MANIFEST_DIR"));
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
    assert_eq!((task.id.as_str(), task.name.as_str(), task.waits), ("7", "7", Some(Waits::Failed)));
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
