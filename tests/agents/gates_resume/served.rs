//! `gander serve` takes agents up by itself, where the person has said so.

use gander::core::decision::{State, Verdict};

use super::standin::Scene;
use crate::common::cards::{card_that, click, open_card};
use crate::common::engine::until;
use crate::common::process::sandbox;
use crate::gates_standin::Kind;

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_starts_an_agent_once_its_person_has_clicked() {
    let (sandbox, scene) = (sandbox().await, Scene::new(Kind::ClaudeCode, "100s").await);
    scene.configure("enabled = true\n");
    let bot = scene.home().serving(&sandbox).await;
    let mut agent = scene.start();
    scene.parked(1).await;
    agent.kill().await.unwrap();
    let maya = sandbox.user("maya").unwrap();
    click(&maya, &open_card(&sandbox, 1).await, "approve").await;
    bot.err.line("started an agent again: #1: ").await;
    bot.err.line("the agent finished").await;
    assert!(scene.ran() && scene.resumed().len() == 1);
    card_that(&sandbox, 1, "says what became of the agent", |card| {
        let text = format!("{card:?}");
        text.contains("was started again") && text.contains("it finished")
    })
    .await;
    let folder = scene.file("gander.db.resumed");
    assert!(folder.join("1.log").exists());
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    bot.signal("TERM").await;
    bot.ended().await.must(0, &[]);
    // Another bot on the same store has nothing to do.
    let bot = scene.home().serving(&sandbox).await;
    scene.run(&["resume", "--all"]).await.must(0, &[]);
    assert_eq!((scene.resumed().len(), scene.times_ran()), (1, 1));
    drop(bot);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_starts_nothing_unless_it_may_and_begins_when_the_file_says_so() {
    let (sandbox, scene) = (sandbox().await, Scene::new(Kind::Goose, "1s").await);
    let bot = scene.home().serving(&sandbox).await;
    scene.owes_an_answer().await;
    scene.run(&["resume"]).await.must(0, &["owed"]);
    assert!(scene.resumed().is_empty());
    scene.configure("enabled = true\n");
    bot.err.line("the agent finished").await;
    assert_eq!((scene.resumed().len(), scene.times_ran()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_leaves_old_answers_to_the_person() {
    let (sandbox, scene) = (sandbox().await, Scene::new(Kind::Goose, "1s").await);
    scene.owes_an_answer().await;
    scene.configure("enabled = true\nwithin = \"0s\"\n");
    let bot = scene.home().serving(&sandbox).await;
    // What comes later is seen: the bot has looked.
    scene.run(&["ask", "Deploy?"]).await.must(0, &[]);
    open_card(&sandbox, 2).await;
    assert!(scene.resumed().is_empty());
    scene.run(&["resume", "1"]).await.must(0, &["it finished"]);
    drop(bot);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_agent_stops_at_its_gate_and_can_be_resumed_again() {
    let (sandbox, scene) = (sandbox().await, Scene::new(Kind::ClaudeCode, "1s").await);
    scene.owes_an_answer().await;
    scene.calls("touch ran more");
    scene.configure("enabled = true\n");
    let bot = scene.home().serving(&sandbox).await;
    // It wants something else, is not answered in time, and ends.
    bot.err.line("the agent finished").await;
    let asked = scene.world.asked(2).await.remove(1);
    assert_eq!(asked.request.body, "touch ran more");
    scene.world.decides(&asked, Verdict::approved()).await;
    until(&scene.world.handle, "the second call is taken up", |decisions| {
        let ended = |state: &State| {
            let State::Resolved(resolved) = state else { return false };
            resolved.resumed.is_some_and(|resumed| resumed.end.is_some())
        };
        decisions.iter().all(|decision| ended(&decision.state))
    })
    .await;
    assert_eq!((scene.resumed().len(), scene.times_ran()), (2, 1));
    drop(bot);
}
