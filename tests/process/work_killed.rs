//! A worker that is killed, stopped or halted: its agent ends with it, and the job goes on where it
//! was, once.

use gander::core::decision::State;
use gander::core::jobs::JobState;
use gander::engine::Filter;

use crate::common::engine::maya;
use crate::common::process::{Home, LIMIT};
use crate::work::worker;
use crate::work_world::{Queue, git, has_git, repository};

/// An agent that says its number, and works until a file is there.
fn waiting_agent(home: &Home) -> String {
    let go = home.path().join("go");
    format!(
        "command:cat >> prompts.txt; echo pid $$; while [ ! -f {} ]; do sleep 0.1; done",
        go.display()
    )
}

fn pid_in(line: &str) -> u32 {
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

async fn is_gone(pid: u32) {
    let gone = async {
        while std::path::Path::new(&format!("/proc/{pid}")).exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, gone).await.unwrap_or_else(|_| panic!("{pid} goes on"));
}

#[tokio::test]
async fn a_killed_worker_goes_on_with_its_job_in_the_same_attempt() {
    if !has_git() {
        return;
    }
    let home = Home::new();
    let root = repository(&home);
    let queue = Queue::of(&home);
    let id = queue.enqueue("Long work", "Work long.").await;
    let agent = waiting_agent(&home);
    let mut agents = Vec::new();
    for _ in 0..4 {
        let running = worker(&home, &agent, &[]);
        agents.push(pid_in(&running.err.line("job 1 | pid ").await));
        running.kill().await;
        is_gone(*agents.last().unwrap()).await;
    }
    std::fs::write(home.path().join("go"), "").unwrap();
    let running = worker(&home, &agent, &[]);
    // Killed while people decide, too.
    let review = queue.asked("Ready for local review").await;
    running.kill().await;
    let running = worker(&home, &agent, &[]);
    queue.approve(&review).await;
    let job = queue.is_done(id).await;
    running.ended().await.must(0, &[]);
    assert_eq!((job.attempts, job.failures), (1, 0), "{job:#?}");
    let all = queue.handle.approvals().list(Filter::default()).await.unwrap();
    assert_eq!(all.len(), 1, "it was asked twice: {all:#?}");
    assert!(matches!(all[0].state, State::Resolved(_)));
    let log = git(&root, &["log", "--format=%s", "gander/long-work-1"]);
    assert_eq!(log, "Long work\nBegin", "it was committed twice");
    let prompts = root.join(".agents/worktrees/long-work-1/prompts.txt");
    let prompts = std::fs::read_to_string(prompts).unwrap();
    assert_eq!(prompts.matches("was interrupted").count(), 4, "{prompts}");
}

#[tokio::test]
async fn a_worker_that_is_told_to_end_hands_its_job_back() {
    if !has_git() {
        return;
    }
    let home = Home::new();
    repository(&home);
    let queue = Queue::of(&home);
    let id = queue.enqueue("Long work", "").await;
    let running = worker(&home, &waiting_agent(&home), &[]);
    let agent = pid_in(&running.err.line("job 1 | pid ").await);
    running.signal("TERM").await;
    running.ended().await.must(75, &["its jobs were handed back"]);
    is_gone(agent).await;
    let job = queue.job(id).await;
    assert_eq!((&job.state, job.failures), (&JobState::Queued, 0), "{job:#?}");
}

#[tokio::test]
async fn a_halt_stops_the_agent_at_once_and_keeps_the_worktree() {
    if !has_git() {
        return;
    }
    let home = Home::new();
    let root = repository(&home);
    let queue = Queue::of(&home);
    let id = queue.enqueue("Long work", "").await;
    let running = worker(&home, &waiting_agent(&home), &[]);
    let agent = pid_in(&running.err.line("job 1 | pid ").await);
    queue.handle.jobs().halt(Some("shop".into()), maya().person).await.unwrap();
    running.out.line("job 1 was stopped: Long work: it is halted").await;
    is_gone(agent).await;
    running.ended().await.must(0, &[]);
    let job = queue.job(id).await;
    assert!(matches!(job.state, JobState::Halted { .. }), "{job:#?}");
    assert!(root.join(".agents/worktrees/long-work-1/prompts.txt").exists());
    // After its end, the job goes on.
    std::fs::write(home.path().join("go"), "").unwrap();
    queue.handle.jobs().lift_halt(None, maya().person).await.unwrap();
    let running = worker(&home, &waiting_agent(&home), &[]);
    let review = queue.asked("Ready for local review").await;
    queue.approve(&review).await;
    queue.is_done(id).await;
    running.ended().await.must(0, &[]);
}
