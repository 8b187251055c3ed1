//! `gander work --orchestrate`: the walking skeleton on fresh projects, killed at every step, and
//! with a stub that enqueues without end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gander::core::decision::Via;
use gander::core::jobs::{JobEvent, JobState};
use serde_json::Value;

use crate::common::engine::maya;
use crate::common::process::{Home, Program};
use crate::work_world::{Queue, django, json_in, next_js, tree, work};

fn project(home: &Home, make: fn(&Path)) -> PathBuf {
    let root = home.work().join("shop");
    make(&root);
    root
}

fn orchestrate(home: &Home, root: &Path, stub: &str) -> Program {
    let root = root.to_str().unwrap();
    Program::start(work(home, &["--orchestrate", root, "--agent", stub]))
}

/// The folder of the only run.
fn run_of(root: &Path) -> PathBuf {
    let mut runs: Vec<PathBuf> = std::fs::read_dir(root.join(".gander/run"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs.pop().unwrap()
}

/// Checks the files of a run against each other. The tasks by type.
fn consistent(run: &Path) -> BTreeMap<String, Value> {
    let queue = json_in(&run.join("queue.json"));
    assert_eq!(queue["version"], 1);
    let tasks = queue["tasks"].as_array().unwrap();
    let audit = std::fs::read_to_string(run.join("audit.jsonl")).unwrap();
    let audit: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let order: Vec<u64> = audit.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    assert!(order.is_sorted_by(|a, b| a < b), "an event is twice or out of order: {order:?}");
    for task in tasks {
        let id = task["id"].as_str().unwrap();
        assert_eq!(task["status"], "done", "{task:#}");
        let handoff = json_in(&run.join(format!("handoffs/{id}.json")));
        assert_eq!(handoff["did"], task["handoff"]["did"]);
        assert!(run.join(format!("marks/{id}.json")).is_file(), "{id} left no mark");
        for event in ["task_enqueued", "task_completed"] {
            let count = audit.iter().filter(|entry| entry["task"] == id && entry["event"] == event);
            assert_eq!(count.count(), 1, "{event} of {id}");
        }
    }
    let marks = std::fs::read_dir(run.join("marks")).unwrap().count();
    assert_eq!(marks, tasks.len());
    let by_type = |task: &Value| (task["type"].as_str().unwrap().to_owned(), task.clone());
    tasks.iter().map(by_type).collect()
}

#[tokio::test]
async fn a_fresh_next_js_project_has_a_run_with_the_task_that_was_found() {
    let home = Home::new();
    let root = project(&home, next_js);
    let before = tree(&root);
    let ended = orchestrate(&home, &root, "stub").ended().await;
    ended.must(0, &["found Next.js (package.json)", "found a call of OpenAI"]);
    ended.must(0, &["6 of 6 jobs of the run"]);
    assert_eq!(tree(&root), before, "files of the project changed");

    let tasks = consistent(&run_of(&root));
    let types: BTreeSet<&str> = tasks.keys().map(String::as_str).collect();
    let expected = ["init", "install", "instrument", "llm-analytics", "plan", "report"];
    assert_eq!(types, expected.into_iter().collect());
    assert_eq!(tasks["llm-analytics"]["inputs"]["file"], "app/api/chat/route.ts");
    assert_eq!(tasks["llm-analytics"]["inputs"]["line"], 2);
    // Side by side, and each after what it needs.
    assert_eq!(tasks["install"]["dependsOn"], tasks["init"]["dependsOn"]);
    let time = |task: &str, when: &str| tasks[task][when].as_str().unwrap().to_owned();
    for (later, earlier) in [
        ("instrument", "install"),
        ("instrument", "init"),
        ("instrument", "plan"),
        ("llm-analytics", "init"),
        ("report", "instrument"),
        ("report", "llm-analytics"),
    ] {
        assert!(time(earlier, "finishedAt") <= time(later, "startedAt"), "{later} {earlier}");
    }
    // The next command begins a new run: this one is finished.
    let ended = orchestrate(&home, &root, "stub").ended().await;
    ended.must(0, &["6 of 6 jobs of the run"]);
    assert_eq!(std::fs::read_dir(root.join(".gander/run")).unwrap().count(), 2);
}

#[tokio::test]
async fn a_fresh_django_project_has_a_run_without_it() {
    let home = Home::new();
    let root = project(&home, django);
    let before = tree(&root);
    let ended = orchestrate(&home, &root, "stub").ended().await;
    ended.must(0, &["found Django (requirements.txt)", "5 of 5 jobs of the run"]);
    assert_eq!(tree(&root), before, "files of the project changed");
    let tasks = consistent(&run_of(&root));
    assert!(!tasks.contains_key("llm-analytics"), "{tasks:#?}");
    assert_eq!(tasks["install"]["inputs"]["framework"], "django");
}

#[tokio::test]
async fn a_folder_without_a_manifest_and_a_real_agent_are_refused() {
    let home = Home::new();
    let root = project(&home, |root| std::fs::create_dir(root).unwrap());
    orchestrate(&home, &root, "stub").ended().await.must(2, &["has no manifest of Next.js"]);
    orchestrate(&home, &root, "claude").ended().await.must(2, &["only a stub works on"]);
    orchestrate(&home, &root.join("no"), "stub").ended().await.must(2, &["--orchestrate"]);
}

/// Killed after each line that it prints, and started again: every job is done once.
#[tokio::test]
async fn a_run_that_is_killed_at_every_step_goes_on() {
    let home = Home::new();
    let root = project(&home, next_js);
    let before = tree(&root);
    let mut kills = 0;
    let ended = loop {
        let running = orchestrate(&home, &root, "stub");
        // What it printed before it was killed is not printed again, so each round gets further.
        let is_news = |line: &str| !line.starts_with("found") && !line.starts_with("goes on");
        running.out.line_that("news", is_news).await;
        if running.out.so_far().contains("is drained") {
            break running.ended().await;
        }
        running.kill().await;
        kills += 1;
        assert!(kills < 100, "it does not get further");
    };
    ended.must(0, &["6 of 6 jobs of the run"]);
    assert!(kills >= 5, "it was killed {kills} times");
    assert_eq!(tree(&root), before, "files of the project changed");
    assert_eq!(consistent(&run_of(&root)).len(), 6);
    let queue = Queue::of(&home);
    for job in queue.jobs().await {
        assert_eq!((job.attempts, job.failures), (1, 0), "{job:#?}");
        let history = queue.handle.jobs().history(job.id).await.unwrap();
        let ends = history.iter().filter(|it| matches!(it.event, JobEvent::Finished { .. }));
        assert_eq!(ends.count(), 1);
    }
}

#[tokio::test]
async fn a_stub_that_enqueues_without_end_meets_the_guards() {
    let home = Home::new();
    let root = project(&home, django);
    let running = orchestrate(&home, &root, "stub:flood");
    let queue = Queue::of(&home);
    running.out.line("waits for decision #").await;
    let jobs = queue.jobs().await;
    assert_eq!(jobs.len(), 31, "30 jobs of the run, and the one that is asked about");
    let asked = jobs.iter().find_map(|job| job.decision()).unwrap();
    let by = maya();
    let decision = queue.handle.approvals().get(asked).await.unwrap();
    let approvals = queue.handle.approvals();
    let words = "Enough.";
    approvals.reject(asked, decision.revision, &by, Via::Discord, words).await.unwrap();
    running.ended().await.must(1, &["30 of 31 jobs of the run"]);
    let jobs = queue.jobs().await;
    let done = jobs.iter().filter(|job| matches!(job.state, JobState::Done { .. })).count();
    assert_eq!((jobs.len(), done), (31, 30));
    assert!(jobs.iter().all(|job| job.depth <= 3), "{jobs:#?}");
}

/// A halt, from another process, and its end.
#[tokio::test]
async fn a_halt_keeps_a_run_from_going_on_until_it_is_lifted() {
    let home = Home::new();
    let root = project(&home, django);
    let queue = Queue::of(&home);
    queue.handle.jobs().halt(None, maya().person).await.unwrap();
    let mut running = orchestrate(&home, &root, "stub");
    running.out.line("queued").await;
    assert!(running.is_running());
    assert!(queue.jobs().await.iter().all(|job| job.attempts == 0));
    queue.handle.jobs().lift_halt(None, maya().person).await.unwrap();
    running.ended().await.must(0, &["5 of 5 jobs of the run"]);
}
