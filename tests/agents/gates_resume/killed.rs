//! Killed at any step, Gander starts an agent at most once, and says so where it does not know.

use chrono::TimeDelta;
use gander::core::decision::Verdict;
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use gander::engine::clock::{TestClock, wall_time};
use rusqlite::Connection;

use super::standin::Scene;
use crate::common::engine;
use crate::common::process::Program;
use crate::gates_standin::Kind;

/// The store, some minutes later.
fn later(scene: &Scene, minutes: i64) -> Handle {
    let clock = TestClock::at(wall_time() + TimeDelta::minutes(minutes));
    engine::handle_at(&scene.home().store(), Rules::default(), &clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_start_is_on_record_nothing_was_started_and_all_is_still_owed() {
    let scene = Scene::new(Kind::Codex, "1s").await;
    scene.owes_an_answer().await;
    let lock = Connection::open(scene.home().store()).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let resume = Program::start(scene.home().gander(&["resume", "1"]));
    resume.err.line("starting #1").await;
    resume.kill().await;
    lock.execute_batch("ROLLBACK").unwrap();
    assert!(scene.resumed().is_empty());
    scene.run(&["resume", "1"]).await.must(0, &["it finished"]);
    assert_eq!((scene.resumed().len(), scene.times_ran()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_the_agent_runs_the_end_is_unknown_and_the_agent_is_not_started_twice() {
    let scene = Scene::new(Kind::Codex, "1s").await;
    scene.owes_an_answer().await;
    let hold = scene.holds_when_resumed();
    let resume = Program::start(scene.home().gander(&["resume", "1"]));
    hold.reached().await;
    resume.signal("KILL").await;
    // The agent outlives it, and nobody starts another.
    scene.run(&["resume", "1"]).await.must(1, &["#1 is not started: started"]);
    scene.run(&["resume", "--all"]).await.must(0, &[]);

    let unknown = later(&scene, 2).resumptions().expire().await.unwrap();
    assert_eq!(unknown.len(), 1);
    scene.run(&["resume"]).await.must(0, &["unknown", "nobody saw how that ended"]);
    scene.run(&["resume", "1"]).await.must(1, &["It is not started twice"]);
    scene.run(&["show", "1"]).await.must(0, &["ended where Gander could not see it"]);
    hold.release().await;
    scene.runs().await;
    assert_eq!((scene.resumed().len(), scene.times_ran()), (1, 1));
    scene.run(&["audit", "verify"]).await.must(0, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_start_it_at_once_one_does() {
    let scene = Scene::new(Kind::ClaudeCode, "1s").await;
    scene.owes_an_answer().await;
    let started =
        (0..6).map(|_| Program::start(scene.home().gander(&["resume", "1"]))).collect::<Vec<_>>();
    let mut finished = 0;
    for program in started {
        let ended = program.ended().await;
        finished += usize::from(ended.code == Some(0));
        assert!(matches!(ended.code, Some(0 | 1 | 75)), "{ended:#?}");
    }
    assert_eq!((finished, scene.resumed().len(), scene.times_ran()), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_was_killed_counts_as_waiting_for_a_while() {
    let scene = Scene::new(Kind::Goose, "100s").await;
    let mut agent = scene.start();
    let asked = scene.world.asked(1).await.remove(0);
    scene.parked(1).await;
    crate::gates_standin::kill_gate_below(agent.id().unwrap()).await;
    agent.wait().await.unwrap();
    scene.world.decides(&asked, Verdict::approved()).await;
    scene.run(&["resume", "1"]).await.must(1, &["or ended less than two minutes ago"]);
    let soon = later(&scene, 2);
    let owed = soon.resumptions().decided().await.unwrap().remove(0);
    let ended = gander::core::decision::resumption::AgentProcess::Ended;
    assert_eq!(
        owed.resumption.standing(&owed.decision, ended, soon.now()),
        gander::core::decision::resumption::Standing::Owed
    );
}
