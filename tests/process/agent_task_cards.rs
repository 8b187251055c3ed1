//! The cards of agents' task folders, and how an approval reaches the agent.

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::{Decision, Outcome, Risk, State, Via};
use gander::core::policy::ask_limits::AskLimits;
use gander::core::policy::rules::Rules;
use gander::engine::clock::TestClock;
use gander::engine::{Filter, Handle};
use gander::sources::agent_task::{TaskScan, look, seen_work};
use gander::sources::seen_work::SeenState;
use gander::sources::{Answering, WatchedFolder};
use serde_json::Value;

use crate::common::cards::{card_that, click, open_card};
use crate::common::engine::{self, maya};
use crate::common::process::{Home, sandbox};

fn fixture(file: &str) -> String {
    let path = format!("{}/fixtures/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A repository called `shop`, and a store beside it, at 2026-09-14 09:20.
struct World {
    temporary: tempfile::TempDir,
    clock: TestClock,
    handle: Handle,
    answering: Answering,
}

impl World {
    fn new(answering: Answering) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        std::fs::create_dir(temporary.path().join("shop")).unwrap();
        let clock = TestClock::at(Time::from_timestamp_millis(1_789_377_600_000).unwrap());
        let store = temporary.path().join("gander.db");
        // The rate is that of real time, and here a day passes in a moment.
        let ask_limits = AskLimits { open: 200, per_minute: 100_000 };
        let handle = engine::handle_at(&store, Rules { ask_limits, ..Rules::default() }, &clock);
        Self { temporary, clock, handle, answering }
    }

    fn folder(&self) -> WatchedFolder {
        let path = self.temporary.path().join("shop");
        WatchedFolder { path, project: None, answering: self.answering.clone() }
    }

    fn path(&self, slug: &str, name: &str) -> PathBuf {
        self.folder().path.canonicalize().unwrap().join(".agents/worktrees").join(slug).join(name)
    }

    fn put(&self, slug: &str, name: &str, text: &str) {
        let path = self.path(slug, name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn task(&self, slug: &str, case: &str) {
        self.put(slug, ".agent-task.json", &fixture(&format!("agent-task/{case}.json")));
    }

    async fn look(&self) -> TaskScan {
        self.clock.advance(TimeDelta::seconds(1));
        look(&self.handle, &[self.folder()]).await.unwrap()
    }

    async fn all(&self) -> Vec<Decision> {
        self.handle.approvals().list(Filter::default()).await.unwrap()
    }

    async fn only(&self) -> Decision {
        let mut all = self.all().await;
        assert_eq!(all.len(), 1, "{all:#?}");
        all.remove(0)
    }

    async fn approve(&self, decision: &Decision) {
        let approvals = self.handle.approvals();
        approvals.approve(decision.id, decision.revision, &maya(), Via::Discord).await.unwrap();
    }

    fn answer(&self, slug: &str) -> Option<Value> {
        let text = std::fs::read_to_string(self.path(slug, ".agent-decision.json")).ok()?;
        Some(serde_json::from_str(&text).unwrap())
    }
}

fn with_file() -> Answering {
    Answering { decision_file: true, ..Answering::default() }
}

fn with_rerun(arguments: &[&str]) -> Answering {
    let rerun = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Answering { rerun, ..Answering::default() }
}

fn detail<'a>(decision: &'a Decision, name: &str) -> Option<&'a str> {
    let mut details = decision.request.details.iter();
    details.find(|detail| detail.name == name).map(|detail| detail.value.as_str())
}

#[tokio::test]
async fn each_state_has_its_card() {
    let world = World::new(Answering::default());
    world.task("review", "published-needs-review");
    world.task("validation", "written-impl-validation-failed");
    world.task("ready", "written-complete-local");
    world.task("stale", "published-working");
    world.put("stale", ".agent-lock", &fixture("agent-notes/claimed.agent-lock"));
    // An agent that keeps a heartbeat and no task file.
    let beat = fixture("agent-notes/impl-validated.agent-heartbeat");
    world.put("beating", ".agent-heartbeat", &beat);
    world.clock.advance(TimeDelta::minutes(25));
    world.look().await;
    let mut titles: Vec<String> =
        world.all().await.into_iter().map(|decision| decision.request.title).collect();
    titles.sort();
    let expected = [
        "Ready for local review: issue-63-docs",
        "Stale or possibly hung: Show the delivery date before the cart",
        "Stale or possibly hung: beating",
        "Validation failed: issue-58-cart-totals",
        "Work to review: Cache the price list of the shop front",
    ];
    assert_eq!(titles, expected);
    let all = world.all().await;
    let of = |start: &str| {
        all.iter().find(|decision| decision.request.title.starts_with(start)).unwrap()
    };
    assert_eq!(of("Ready").request.risk, Risk::Low);
    let stale = of("Stale or possibly hung: Show");
    assert_eq!(detail(stale, "last heartbeat"), Some("2026-09-14T09:12:00Z"));
    let claimed = "session s-41, pid 4711, started 2026-09-14T08:00:00Z";
    assert_eq!(detail(stale, "claimed by"), Some(claimed));

    // It reports again.
    world.put("beating", ".agent-heartbeat", &beat.replace("08:40", "09:40"));
    let looked = world.look().await;
    assert_eq!(looked.withdrawn.len(), 1, "{looked:?}");
}

#[tokio::test]
async fn a_completed_task_is_seen_work_and_an_old_one_asks_nothing() {
    let world = World::new(Answering::default());
    let done = fixture("agent-task/published-working.json").replace("\"working\"", "\"merged\"");
    world.put("done", ".agent-task.json", &done.replace("implementing", "ship"));
    world.task("old", "written-complete-local");
    world.task("busy", "written-implementing");
    world.put("alien", ".agent-task.json", &fixture("agent-task/alien-todo-list.json"));
    world.clock.set(Time::from_timestamp_millis(1_790_900_000_000).unwrap());
    world.look().await;
    let decision = world.only().await;
    assert!(decision.request.title.starts_with("Stale or possibly hung: issue-58"), "{decision:?}");
    let seen = seen_work(&[world.folder()]);
    let states: Vec<_> = seen.iter().map(|work| (work.title.as_str(), &work.state)).collect();
    let expected = [
        ("issue-58-cart-totals", &SeenState::Running),
        ("Show the delivery date before the cart", &SeenState::Done),
        ("issue-63-docs", &SeenState::WaitsForPerson),
    ];
    assert_eq!(states, expected);
    assert!(seen[1].finished_at.is_some() && seen[1].project == "shop");
}

#[tokio::test]
async fn a_verdict_is_written_for_the_agent_and_never_answers_the_next_question() {
    let world = World::new(with_file());
    world.task("w", "written-planning-review");
    world.look().await;
    let plan = world.only().await;
    assert!(detail(&plan, "after your answer").unwrap().contains(".agent-decision.json"));
    assert_eq!(world.answer("w"), None);
    world.approve(&plan).await;
    assert_eq!(world.look().await.answered, [plan.id]);
    let answer = world.answer("w").unwrap();
    assert_eq!(
        (answer["id"].as_i64(), answer["state"].as_str(), answer["verdict"].as_str()),
        (Some(1), Some("resolved"), Some("approved"))
    );
    assert_eq!(
        (answer["task_id"].as_str(), answer["task_state"].as_str()),
        (Some("search-61"), Some("planning-review"))
    );
    assert_eq!(world.look().await.answered, [], "once");

    // A person takes the verdict back before the agent has gone on.
    world.handle.approvals().undo(plan.id, &maya()).await.unwrap();
    world.look().await;
    assert_eq!(world.answer("w"), None, "an answer that was taken back is gone");
    world.approve(&world.only().await).await;
    world.look().await;

    // The agent goes on, and asks another question.
    world.task("w", "written-implementing");
    world.look().await;
    let State::Resolved(resolved) = world.only().await.state else { panic!("it is answered") };
    assert!(resolved.claimed_at.is_some());
    world.task("w", "written-impl-validation-failed");
    assert_eq!(world.look().await.asked.len(), 1);
    assert_eq!(world.answer("w"), None, "the old answer is gone");
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_written_or_read_through_a_link() {
    let world = World::new(with_file());
    let secret = world.temporary.path().join("secret");
    std::fs::write(&secret, fixture("agent-task/written-blocked.json")).unwrap();
    world.task("w", "written-blocked");
    std::os::unix::fs::symlink(&secret, world.path("w", ".agent-decision.json")).unwrap();
    world.put("linked", "x", "");
    std::os::unix::fs::symlink(&secret, world.path("linked", ".agent-task.json")).unwrap();
    world.put("pipe", "x", "");
    for name in [".agent-task.json", ".agent-heartbeat", ".agent-lock"] {
        let made = std::process::Command::new("mkfifo").arg(world.path("pipe", name)).status();
        assert!(made.unwrap().success());
    }
    let looked = world.look().await;
    assert_eq!((looked.asked.len(), looked.troubles.len()), (1, 2), "{looked:?}");
    world.approve(&world.only().await).await;
    world.look().await;
    assert_eq!(
        std::fs::read_to_string(&secret).unwrap(),
        fixture("agent-task/written-blocked.json"),
        "what the link leads to is untouched"
    );
    assert_eq!(world.answer("w").unwrap()["verdict"], "approved", "the link was replaced");
}

/// Waits until the store says so of the decision.
async fn until(world: &World, what: &str, holds: impl Fn(&Decision) -> bool) {
    engine::until(&world.handle, what, |all| all.iter().any(&holds)).await;
}

fn outcome(decision: &Decision) -> Option<Outcome> {
    let State::Resolved(resolved) = &decision.state else { return None };
    resolved.reported.as_ref().map(|reported| reported.outcome)
}

#[tokio::test]
async fn an_approved_plan_runs_the_shown_command_once() {
    let world = World::new(with_rerun(&["/bin/mkdir", "{worktree}/ran", "{repository}/{issue}"]));
    world.task("w", "written-planning-review");
    world.look().await;
    let plan = world.only().await;
    let shown = detail(&plan, "if you approve").unwrap();
    let worktree = world.path("w", "");
    let worktree = worktree.to_str().unwrap().trim_end_matches('/');
    assert!(shown.contains(&format!("/bin/mkdir {worktree}/ran ")), "{shown}");
    assert!(shown.ends_with("/61"), "{shown}");
    world.look().await;
    assert!(!Path::new(worktree).join("ran").exists(), "nothing runs before the approval");
    world.approve(&plan).await;
    assert_eq!(world.look().await.answered, [plan.id]);
    until(&world, "the command's end", |it| outcome(it) == Some(Outcome::Succeeded)).await;
    assert!(Path::new(worktree).join("ran").is_dir());

    // While the agent has not gone on, nothing is asked or run again; a second run would fail.
    for _ in 0..3 {
        let looked = world.look().await;
        assert_eq!((looked.asked.len(), looked.answered.len()), (0, 0), "{looked:?}");
    }
    world.clock.advance(TimeDelta::minutes(31));
    assert_eq!(world.look().await.asked.len(), 1, "the agent did not go on: a person looks again");
}

#[tokio::test]
async fn a_command_that_fails_is_reported_and_asked_about_anew() {
    let world = World::new(with_rerun(&["/bin/mkdir", "/proc/no/such/folder"]));
    world.task("w", "written-impl-validation-failed");
    world.look().await;
    world.approve(&world.only().await).await;
    world.look().await;
    until(&world, "the command's end", |it| outcome(it) == Some(Outcome::Failed)).await;
    // The end is recorded in two steps.
    let mut asked = world.look().await.asked;
    for _ in 0..100 {
        if asked.is_empty() {
            tokio::task::yield_now().await;
            asked = world.look().await.asked;
        }
    }
    assert_eq!(asked.len(), 1);
}

#[tokio::test]
async fn no_command_runs_for_another_question_or_a_rejection() {
    let world = World::new(with_rerun(&["/bin/mkdir", "{worktree}/ran"]));
    world.task("blocked", "written-blocked");
    world.task("plan", "written-planning-review");
    world.look().await;
    let approvals = world.handle.approvals();
    for decision in world.all().await {
        if decision.request.title.starts_with("Plan") {
            let (id, seen) = (decision.id, decision.revision);
            approvals.reject(id, seen, &maya(), Via::Discord, "not yet").await.unwrap();
        } else {
            assert_eq!(detail(&decision, "if you approve"), None);
            world.approve(&decision).await;
        }
    }
    world.look().await;
    assert!(!world.path("blocked", "ran").exists() && !world.path("plan", "ran").exists());
}

#[tokio::test]
async fn five_thousand_worktrees_are_seen_and_asked_about_within_the_limit() {
    let world = World::new(Answering::default());
    let busy = fixture("agent-task/written-implementing.json").replace("13:00:00", "09:19:00");
    for number in 0..5_000 {
        world.put(&format!("w-{number:04}"), ".agent-task.json", &busy);
    }
    assert_eq!(world.look().await, TaskScan::default());
    for number in 0..5_000 {
        if number % 20 == 0 {
            world.task(&format!("w-{number:04}"), "written-blocked");
        }
    }
    let looked = world.look().await;
    assert_eq!((looked.waiting, looked.asked.len()), (250, 200), "200 may wait at once");
    assert_eq!(looked.troubles.len(), 50, "the others are asked about later");
    for decision in world.all().await.iter().take(60) {
        world.approve(decision).await;
    }
    assert_eq!(world.look().await.asked.len(), 50, "nothing is lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_approves_a_plan_and_the_command_runs() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let worktree = home.work().join("shop/.agents/worktrees/w");
    std::fs::create_dir_all(&worktree).unwrap();
    let task = fixture("agent-task/written-planning-review.json");
    std::fs::write(worktree.join(".agent-task.json"), task).unwrap();
    home.configure(
        "time_zone = \"UTC\"\nbatch.min = 0\n[[watch]]\npath = \"work/shop\"\nanswers = true\n\
         rerun = [\"/bin/mkdir\", \"{worktree}/ran\"]\n",
    );
    let bot = home.serving(&sandbox).await;
    let card = open_card(&sandbox, 1).await;
    assert!(card.0.to_string().contains("/bin/mkdir"), "it shows the command: {:#}", card.0);
    assert!(click(&sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    card_that(&sandbox, 1, "has its outcome", |card| card.0.to_string().contains("🏁")).await;
    assert!(worktree.join("ran").is_dir() && worktree.join(".agent-decision.json").is_file());
    bot.kill().await;
}
