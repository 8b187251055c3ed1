//! `gander gate check`: what it finds out about each agent's gate as it is installed, and the table
//! of it in `docs/gates.md`.

use std::fmt::Write as _;
use std::path::Path;

use futures_util::future::join_all;
use serde_json::Value;

use crate::gates_world::World;

/// Every agent, in the order of the table, and whether its gate is installed for a project.
const AGENTS: [(&str, bool); 11] = [
    ("claude-code", true),
    ("codex", true),
    ("goose", true),
    ("copilot", true),
    ("cursor", true),
    ("gemini", true),
    ("opencode", true),
    ("qwen", true),
    ("kimi", false),
    ("crush", true),
    ("kiro", true),
];

/// What the check says of an agent's gate, which is changed in this way first.
async fn checked(agent: &str, of_project: bool, change: impl Fn(&str) -> String) -> Value {
    let world = World::new();
    let project = world.project();
    let place = project.to_str().unwrap();
    let mut args = vec!["gate", "install", agent, "--yes"];
    if of_project {
        args.extend(["--project", place]);
    }
    world.home.run(&args).await.must(0, &["wrote"]);
    let mut check = vec!["gate", "check", agent, "--json"];
    if of_project {
        check.extend(["--project", place]);
    }
    let status = world.home.run(&["gate", "status", "--json", "--project", place]).await;
    let status: Value = serde_json::from_str(&status.out).unwrap();
    let mut files = status["agents"].as_array().unwrap().iter();
    let file = files.find(|found| found["agent"] == agent && found["installed"] == true).unwrap();
    let file = Path::new(file["file"].as_str().unwrap());
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, change(&text)).unwrap();
    let checked = world.home.run(&check).await;
    let found: Value = serde_json::from_str(&checked.out).unwrap_or_else(|_| panic!("{checked:?}"));
    assert!(world.asked(0).await.is_empty(), "nobody is asked");
    found["agents"][0].clone()
}

fn results(checked: &Value) -> impl Iterator<Item = (&str, &str, Option<&str>)> {
    checked["trials"].as_array().unwrap().iter().map(|trial| {
        let text = |name: &str| trial[name].as_str();
        (text("trial").unwrap(), text("result").unwrap(), text("why"))
    })
}

/// An entry of a list, with lines of at most 100 columns.
fn wrapped(mark: &str, words: &str) -> String {
    let (mut text, mut line) = (String::new(), mark.trim_end().to_owned());
    for word in words.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > 100 {
            text.push_str(&line);
            text.push('\n');
            line = " ".repeat(mark.len() - 1);
        }
        line.push(' ');
        line.push_str(word);
    }
    format!("{text}{line}\n")
}

fn render(all: &[Value]) -> String {
    let mut text = String::from("\n| |");
    for (trial, ..) in results(&all[0]) {
        write!(text, " {trial} |").unwrap();
    }
    write!(text, "\n|---|{}", "---|".repeat(results(&all[0]).count())).unwrap();
    for checked in all {
        write!(text, "\n| `{}` |", checked["agent"].as_str().unwrap()).unwrap();
        for (_, result, _) in results(checked) {
            let cell = match result {
                "holds" => "holds",
                "not applicable" => "–",
                "fails open" => "**open**",
                other => other,
            };
            write!(text, " {cell} |").unwrap();
        }
    }
    text.push_str("\n\n");
    for checked in all {
        let name = checked["agent"].as_str().unwrap();
        let evidence = checked["evidence"].as_str().unwrap();
        text.push_str(&wrapped("- ", &format!("`{name}`: {evidence}.")));
        for (trial, result, why) in results(checked) {
            if let Some(why) = why {
                let result = if result == "not applicable" { "–" } else { result };
                text.push_str(&wrapped("  - ", &format!("{trial}: {result}, because {why}.")));
            }
        }
        let holes = checked["not_stopped"].as_array().unwrap().iter();
        let holes: Vec<&str> = holes.map(|hole| hole.as_str().unwrap()).collect();
        text.push_str(&wrapped("  - ", &format!("Not stopped: {}.", holes.join("; "))));
    }
    text.push('\n');
    text
}

const BEGIN: &str = "<!-- gates: written by the test of this table -->\n";
const END: &str = "<!-- end of gates -->\n";

/// `GANDER_UPDATE_TABLES=1` writes the table.
#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_what_holds_is_true() {
    let same = |text: &str| text.to_owned();
    let all = AGENTS.map(|(agent, of_project)| checked(agent, of_project, same));
    let all = join_all(all).await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gates.md");
    let manual = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = manual.split_once(BEGIN).unwrap();
    let (table, after) = rest.split_once(END).unwrap();
    let seen = render(&all);
    if crate::common::tools::wanted("GANDER_UPDATE_TABLES") {
        std::fs::write(&path, format!("{before}{BEGIN}{seen}{END}{after}")).unwrap();
    } else {
        assert_eq!(table, seen, "set GANDER_UPDATE_TABLES=1 to write the table");
    }
}

/// What the gate itself should do, and does not, is said as a failure.
#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_was_changed_is_found() {
    for (agent, from, to, trial, why) in [
        ("copilot", "exit 2; }", "exit 0; }", "gate missing", "not as gander writes it"),
        ("copilot", "\"timeoutSec\": 3630", "\"timeoutSec\": 60", "no answer", "limit is 60 s"),
        ("codex", "\"timeout\": 3630", "\"timeout\": 3601", "no answer", "limit is 3601 s"),
    ] {
        let found = checked(agent, true, |text| text.replace(from, to)).await;
        let mut failed = results(&found).filter(|(_, result, _)| *result == "FAILS");
        let failed = failed.find(|(name, ..)| *name == trial);
        assert!(failed.unwrap().2.unwrap().contains(why), "{found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_gate_there_is_nothing_to_check() {
    let world = World::new();
    world.home.run(&["gate", "check"]).await.must(1, &["no agent has a gate here"]);
    world.home.run(&["gate", "check", "nobody"]).await.must(2, &["invalid value"]);
}
