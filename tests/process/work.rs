//! `gander work`: a job from the queue to its commit, with what people decide on the way.

use std::path::Path;

use gander::core::decision::{State, Verdict, Via};
use gander::core::jobs::{JobState, Validation};
use gander::engine::Filter;
use gander::sources::WatchedFolder;
use gander::sources::agent_task::look;
use serde_json::json;

use crate::common::engine::maya;
use crate::common::process::{Home, Program};
use crate::common::tools;
use crate::work_world::{Queue, git, has_git, json_in, repository, work, write};

/// A worker of the project `shop` that ends when nothing is left.
pub(crate) fn worker(home: &Home, agent: &str, more: &[&str]) -> Program {
    let root = home.work().join("shop");
    let root = root.to_str().unwrap();
    let usual = ["--project", "shop", "--agent", agent, "--root", root, "--until-idle"];
    Program::start(work(home, &[&usual, more].concat()))
}

#[tokio::test]
async fn a_job_goes_from_the_queue_to_a_reviewed_commit() {
    if !has_git() {
        return;
    }
    let home = Home::new();
    let root = repository(&home);
    let queue = Queue::of(&home);
    let id = queue.enqueue("Leave a mark/../here", "").await;
    let running = worker(&home, "stub", &["--plan"]);

    let plan = queue.asked("Plan: Leave a mark").await;
    assert_eq!(plan.request.job.as_deref(), Some("1"));
    let path = root.join(".agents/worktrees/leave-a-mark-here-1");
    let task = json_in(&path.join(".agent-task.json"));
    assert_eq!(
        (&task["status"], &task["humanActionRequired"]),
        (&"planning-review".into(), &true.into())
    );
    let lock = std::fs::read_to_string(path.join(".agent-lock")).unwrap();
    assert!(lock.starts_with("session: worker-1\nstarted: "), "{lock}");
    assert!(lock.contains(&format!("\ntask: 1\npid: {}\n", running.id())), "{lock}");
    let beat = std::fs::read_to_string(path.join(".agent-heartbeat")).unwrap();
    assert!(beat.starts_with("step: planning-review\ntimestamp: 20"), "{beat}");
    // The reader of watched folders leaves the question to the worker, and asks it of others.
    let watched = |path: &Path| vec![WatchedFolder { path: path.to_owned(), project: None }];
    let looked = look(&queue.handle, &watched(&root)).await.unwrap();
    assert_eq!((looked.waiting, looked.troubles.len()), (0, 0), "{looked:?}");
    let mut others = task;
    others.as_object_mut().unwrap().remove("ganderJob");
    let other = home.work().join("other");
    write(&other, ".agent-task.json", &others.to_string());
    let looked = look(&queue.handle, &watched(&other)).await.unwrap();
    assert_eq!((looked.waiting, looked.troubles.len()), (1, 0), "{looked:?}");

    queue.approve(&plan).await;
    let review = queue.asked("Ready for local review: Leave a mark").await;
    assert!(review.request.body.contains("+++ b/.gander/run/job-1/marks/1.json"), "{review:#?}");
    let waits = queue.until(id, "waiting", |job| matches!(job.state, JobState::Waiting { .. }));
    assert_eq!(waits.await.decision(), Some(review.id));
    queue.approve(&review).await;
    let job = queue.is_done(id).await;
    running.ended().await.must(0, &["job 1 begins", "job 1 is done", "1 file changed"]);
    let result = job.result.unwrap();
    let branch = "gander/leave-a-mark-here-1";
    assert_eq!(result.commit, Some(git(&root, &["rev-parse", branch])));
    assert_eq!(result.handoff.files_touched, [".gander/run/job-1/marks/1.json"]);
    assert_eq!(job.branch.as_deref(), Some(branch));
    assert_eq!(job.worktree, Some(path.display().to_string()));
    assert_eq!(json_in(&path.join(".agent-task.json"))["status"], "complete-local");
    assert!(!path.join(".agent-lock").exists());
    assert_eq!(git(&root, &["status", "--porcelain"]), "", "the person's checkout changed");
    assert_eq!(git(&path, &["status", "--porcelain"]), "", "something is not committed");
}

/// The agent is a script; it does what the words of its prompt say.
const SCRIPT: &str = "command:cat > prompt.txt; echo more >> a.txt; \
    if grep -q 'write b' prompt.txt; then touch b.txt; fi; echo all is well";

#[tokio::test]
async fn a_failed_validation_is_tried_again_with_a_hint_and_a_review_can_say_no() {
    if !has_git() {
        return;
    }
    let home = Home::new();
    let root = repository(&home);
    write(&root, "Makefile", "check:\n\ttest -f b.txt\n");
    git(&root, &["add", "."]);
    git(&root, &["commit", "-q", "-m", "Check"]);
    let queue = Queue::of(&home);
    let id = queue.enqueue("Write a", "Write the file a.").await;
    let running = worker(&home, SCRIPT, &[]);

    let failed = queue.asked("Validation failed: Write a").await;
    assert!(failed.request.insight.observation.contains("make check ended with"), "{failed:#?}");
    assert!(failed.request.body.contains("test -f b.txt"), "{failed:#?}");
    let hint = Verdict::Answered { text: "Also write b.".into(), answers: Vec::new() };
    let approvals = queue.handle.approvals();
    approvals.resolve(failed.id, failed.revision, &maya(), Via::Discord, hint).await.unwrap();

    let review = queue.asked("Ready for local review").await;
    let words = "Say why, in a.";
    approvals.reject(review.id, review.revision, &maya(), Via::Discord, words).await.unwrap();
    let again = queue.asked("Ready for local review").await;
    assert_ne!(again.id, review.id);
    let path = root.join(".agents/worktrees/write-a-1");
    let prompt = std::fs::read_to_string(path.join("prompt.txt")).unwrap();
    assert!(prompt.contains("Write the file a.") && prompt.contains(words), "{prompt}");
    queue.approve(&again).await;
    let job = queue.is_done(id).await;
    let result = job.result.unwrap();
    assert_eq!(result.validation, Some(Validation::Passed { command: "make check".into() }));
    assert_eq!(result.files_changed, Some(3));
    assert_eq!(result.handoff.did, "all is well");
    running.ended().await.must(0, &["job 1 | all is well"]);
    let all = queue.handle.approvals().list(Filter::default()).await.unwrap();
    assert!(all.iter().all(|decision| matches!(decision.state, State::Resolved(_))), "{all:#?}");
}

#[tokio::test]
async fn an_agent_that_fails_three_times_needs_a_person() {
    if !has_git() {
        return;
    }
    let home = Home::new();
    repository(&home);
    let queue = Queue::of(&home);
    let id = queue.enqueue("Fail", "").await;
    let ended = worker(&home, "command:echo no luck; exit 3", &[]).ended().await;
    ended.must(0, &["job 1 failed: Fail: echo ended with exit status 3: no luck"]);
    let job = queue.job(id).await;
    assert!(matches!(job.state, JobState::NeedsPerson { .. }), "{job:#?}");
    assert_eq!((job.attempts, job.failures), (3, 3));
}

/// Words reach an agent without a session with its next turn.
#[tokio::test]
async fn what_people_say_reaches_the_agent_between_its_turns() {
    if !has_git() {
        return;
    }
    let home = Home::new();
    let root = repository(&home);
    let queue = Queue::of(&home);
    let id = queue.enqueue("Wait", "").await;
    let go = home.path().join("go");
    let agent = format!(
        "command:cat > prompt.txt; echo begun; while [ ! -f {} ]; do sleep 0.1; done",
        go.display()
    );
    let running = worker(&home, &agent, &[]);
    running.err.line("job 1 | begun").await;
    queue.handle.jobs().steer(id, maya().person, "Be brief.").await.unwrap();
    std::fs::write(&go, "").unwrap();
    let review = queue.asked("Ready for local review").await;
    let prompt = root.join(".agents/worktrees/wait-1/prompt.txt");
    let prompt = std::fs::read_to_string(prompt).unwrap();
    assert!(prompt.contains("A person says:\n\nBe brief."), "{prompt}");
    queue.approve(&review).await;
    queue.is_done(id).await;
    running.ended().await.must(0, &[]);
}

/// An agent of the protocol is told at once: its turn ends, and its session goes on with the words.
#[tokio::test]
async fn what_people_say_reaches_an_agent_of_the_protocol_at_once() {
    let has_python = tools::is_there("python3", tools::find("python3").is_some(), tools::TOOLS);
    if !has_git() || !has_python {
        return;
    }
    let home = Home::new();
    repository(&home);
    let queue = Queue::of(&home);
    let id = queue.enqueue("Talk", "Talk on.").await;
    let says = |text: &str| {
        let content = json!({ "type": "text", "text": text });
        let update = json!({ "sessionUpdate": "agent_message_chunk", "content": content });
        let params = json!({ "sessionId": "s-1", "update": update });
        json!({ "send": { "method": "session/update", "params": params } })
    };
    let (script, log) = (home.path().join("steps.json"), home.path().join("agent.log"));
    let talks = json!([says("Begun.\n"), { "method": "session/cancel" }, { "end": "cancelled" }]);
    std::fs::write(&script, talks.to_string()).unwrap();
    let agent = format!(
        "acp:python3 {}/tests/agents/acp/agent.py {} {}",
        env!("CARGO_MANIFEST_DIR"),
        script.display(),
        log.display()
    );
    let running = worker(&home, &agent, &[]);
    running.err.line("job 1 | Begun.").await;
    let ends = json!([says("Was brief.\n"), { "end": "end_turn" }]);
    std::fs::write(&script, ends.to_string()).unwrap();
    queue.handle.jobs().steer(id, maya().person, "Be brief.").await.unwrap();
    let job = queue.is_done(id).await;
    running.ended().await.must(0, &["job 1 | Was brief.", "no file changed"]);
    assert_eq!((job.attempts, job.failures), (1, 0));
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("session/load") && log.contains("Be brief."), "{log}");
    assert_eq!(log.matches("session/new").count(), 1, "{log}");
}

#[tokio::test]
async fn worktrees_are_listed_and_cleaned_but_never_with_uncommitted_work() {
    if !has_git() {
        return;
    }
    let home = Home::new();
    home.configure("time_zone = \"UTC\"\n[projects.shop]\nreview = false\n");
    let root = repository(&home);
    let queue = Queue::of(&home);
    for title in ["First", "Second", "Third"] {
        let id = queue.enqueue(title, "").await;
        worker(&home, "stub", &[]).ended().await.must(0, &["is done"]);
        queue.is_done(id).await;
    }
    for branch in ["gander/first-1", "gander/second-2"] {
        git(&root, &["merge", "-q", "--no-ff", "-m", "Merge", branch]);
    }
    let worktrees = root.join(".agents/worktrees");
    write(&worktrees.join("second-2"), "precious.txt", "work\n");
    let place = ["--root", root.to_str().unwrap()];
    let listed = Program::start(work(&home, &[&["list"], &place[..]].concat())).ended().await;
    listed.must(0, &["first-1: job 1 is done, merged, nothing uncommitted"]);
    listed.must(0, &["second-2: job 2 is done, merged, 1 file uncommitted"]);
    let cleaned = Program::start(work(&home, &[&["clean"], &place[..]].concat())).ended().await;
    cleaned.must(0, &["removed ", "it has uncommitted work", "its branch is not merged"]);
    let left = |name: &str| worktrees.join(name).exists();
    assert_eq!((left("first-1"), left("second-2"), left("third-3")), (false, true, true));
    let branches = git(&root, &["branch", "--list", "gander/*"]);
    assert!(!branches.contains("first-1") && branches.contains("second-2"), "{branches}");
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let home = Home::new();
    let here = home.work();
    let here = here.to_str().unwrap();
    for (args, words) in [
        (vec!["--project", "shop", "--agent", "gpt"], "name stub, goose, claude"),
        (vec!["--project", "shop"], "name an agent with --agent"),
        (vec!["--agent", "stub"], "--project"),
        (vec!["--project", "shop", "--agent", "stub", "--root", here], "in no git repository"),
    ] {
        if has_git() || !words.contains("git") {
            Program::start(work(&home, &args)).ended().await.must(2, &[words]);
        }
    }
}
