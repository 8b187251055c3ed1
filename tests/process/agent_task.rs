//! Tasks' files on a real disk and a real store: what waits is asked once, what goes on is taken
//! back.

use std::path::{Path, PathBuf};

use gander::core::Time;
use gander::core::decision::authorization::Voter;
use gander::core::decision::{Decision, Kind, Person, State, Via};
use gander::core::policy::rules::{Rule, Rules};
use gander::engine::Handle;
use gander::engine::clock::TestClock;
use gander::sources::WatchedFolder;
use gander::sources::agent_task::{TaskScan, look, run};

use crate::common::engine::{self, until};

fn fixture(case: &str) -> String {
    let path = format!("{}/fixtures/agent-task/{case}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn folder(path: PathBuf) -> WatchedFolder {
    WatchedFolder { path, ..WatchedFolder::default() }
}

/// A repository called `shop` and a store beside it.
struct World {
    temporary: tempfile::TempDir,
    clock: TestClock,
    handle: Handle,
}

fn open(folder: &Path, rules: Rules, clock: &TestClock) -> Handle {
    engine::handle_at(&folder.join("gander.db"), rules, clock)
}

impl World {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        std::fs::create_dir(temporary.path().join("shop")).unwrap();
        let clock = TestClock::at(Time::from_timestamp_millis(1_789_377_600_000).unwrap());
        let handle = open(temporary.path(), Rules::default(), &clock);
        Self { temporary, clock, handle }
    }

    /// The same store, as another process finds it.
    fn restart(self) -> Self {
        self.restart_with(Rules::default())
    }

    fn restart_with(self, rules: Rules) -> Self {
        let Self { temporary, clock, handle } = self;
        drop(handle);
        let handle = open(temporary.path(), rules, &clock);
        Self { temporary, clock, handle }
    }

    fn repository(&self) -> PathBuf {
        self.temporary.path().join("shop")
    }

    fn folders(&self) -> Vec<WatchedFolder> {
        vec![folder(self.repository())]
    }

    fn file(&self, slug: &str) -> PathBuf {
        self.repository().join(".agents/worktrees").join(slug).join(".agent-task.json")
    }

    fn write(&self, slug: &str, text: &str) {
        let file = self.file(slug);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    async fn look(&self) -> TaskScan {
        self.clock.advance(chrono::TimeDelta::seconds(1));
        look(&self.handle, &self.folders()).await.unwrap()
    }

    async fn all(&self) -> Vec<Decision> {
        self.handle.approvals().list(gander::store::Filter::default()).await.unwrap()
    }

    async fn only(&self) -> Decision {
        let mut all = self.all().await;
        assert_eq!(all.len(), 1, "{all:#?}");
        all.remove(0)
    }

    async fn approve(&self, decision: &Decision) -> Decision {
        let voter = Voter { person: Person::discord(1, "Ada"), roles: Vec::new(), owner: true };
        self.handle
            .approvals()
            .approve(decision.id, decision.revision, &voter, Via::Discord)
            .await
            .unwrap()
    }
}

fn withdrawn(decision: &Decision) -> &str {
    match &decision.state {
        State::Withdrawn { reason, .. } => reason,
        other => panic!("{} is {}", decision.id, other.word()),
    }
}

#[tokio::test]
async fn a_failed_validation_is_asked_once_and_recommends_what_to_do() {
    let world = World::new();
    world.write("issue-58-cart-totals", &fixture("written-impl-validation-failed"));
    world.write("issue-42-delivery-date", &fixture("published-working"));
    let looked = world.look().await;
    assert_eq!(
        (looked.waiting, looked.asked.len(), looked.troubles.len()),
        (1, 1, 0),
        "{looked:?}"
    );

    let decision = world.only().await;
    let request = &decision.request;
    assert_eq!(request.title, "Validation failed: issue-58-cart-totals");
    assert_eq!((request.kind.as_str(), request.project.as_str()), ("test_failure", "shop"));
    assert!(request.insight.observation.contains("2 of 47 tests"), "{request:?}");
    assert!(request.insight.why_it_matters.contains("retries are used up"), "{request:?}");
    assert!(request.insight.what_to_do.starts_with("Open the worktree, decide"), "{request:?}");
    let file = world.file("issue-58-cart-totals").canonicalize().unwrap();
    assert_eq!(
        request.dedup_key,
        Some(format!("agent-task:{}#impl-validation-failed", file.display()))
    );

    let head = world.handle.event_log().head().await.unwrap();
    assert_eq!(world.look().await.asked, []);
    assert_eq!(
        world.handle.event_log().head().await.unwrap(),
        head,
        "a second look writes nothing"
    );
}

#[tokio::test]
async fn what_goes_on_vanishes_or_becomes_something_else_is_withdrawn() {
    type Change = fn(&World);
    let cases: [(&str, Change, &str); 5] = [
        (
            "continued",
            |world| world.write("w", &fixture("written-implementing")),
            "its state is now implementing",
        ),
        (
            "file deleted",
            |world| std::fs::remove_file(world.file("w")).unwrap(),
            "file was removed",
        ),
        (
            "worktree deleted",
            |world| std::fs::remove_dir_all(world.file("w").parent().unwrap()).unwrap(),
            "file was removed",
        ),
        (
            "repository deleted",
            |world| std::fs::remove_dir_all(world.repository()).unwrap(),
            "file was removed",
        ),
        ("alien", |world| world.write("w", &fixture("alien-todo-list")), "has other content now"),
    ];
    for (case, change, reason) in cases {
        for restarted in [false, true] {
            let mut world = World::new();
            world.write("w", &fixture("written-blocked"));
            world.look().await;
            change(&world);
            if restarted {
                world = world.restart();
            }
            let looked = world.look().await;
            assert_eq!(looked.withdrawn.len(), 1, "{case}, restarted: {restarted}: {looked:?}");
            let decision = world.only().await;
            assert!(withdrawn(&decision).contains(reason), "{case}: {}", withdrawn(&decision));
            assert_eq!(world.look().await.withdrawn, [], "{case}: once");
        }
    }
}

#[tokio::test]
async fn a_restart_doubles_nothing() {
    let mut world = World::new();
    world.write("a", &fixture("written-blocked"));
    world.write("b", &fixture("published-needs-review"));
    assert_eq!(world.look().await.asked.len(), 2);
    for _ in 0..2 {
        world = world.restart();
        let looked = world.look().await;
        assert_eq!(
            (looked.waiting, looked.asked.len(), looked.withdrawn.len()),
            (2, 0, 0),
            "{looked:?}"
        );
    }
    assert_eq!(world.all().await.len(), 2);
}

#[tokio::test]
async fn new_words_are_a_revision_and_another_state_is_another_question() {
    let world = World::new();
    let first = fixture("written-impl-validation-failed");
    world.write("w", &first);
    world.look().await;

    world.write("w", &first.replace("2 of 47", "5 of 47"));
    let looked = world.look().await;
    assert_eq!((looked.asked.len(), looked.revised.len()), (0, 1), "{looked:?}");
    let decision = world.only().await;
    assert_eq!(decision.revision.0, 2);

    let counted =
        first.replace("2 of 47", "5 of 47").replace(r#""tokens": null"#, r#""tokens": 91"#);
    world.write("w", &counted.replace("11:20:00Z", "11:21:00Z"));
    let looked = world.look().await;
    assert_eq!(
        looked,
        TaskScan { waiting: 1, ..TaskScan::default() },
        "a heartbeat and a count are no news"
    );

    world.write("w", &fixture("written-failed"));
    let looked = world.look().await;
    assert_eq!((looked.asked.len(), looked.withdrawn.len()), (1, 1), "{looked:?}");
    let all = world.all().await;
    assert!(withdrawn(&all[1]).contains("its state is now failed"), "{}", withdrawn(&all[1]));
    assert_eq!(all[0].request.title, "Task failed: issue-62-mailer");
}

#[tokio::test]
async fn a_half_written_file_changes_nothing_until_it_is_whole() {
    let world = World::new();
    world.write("w", &fixture("half-written"));
    let looked = world.look().await;
    assert_eq!((looked.waiting, looked.troubles.len()), (0, 1), "{looked:?}");
    assert_eq!(looked.troubles[0].path, world.file("w").canonicalize().unwrap());

    world.write("w", &fixture("written-impl-validation-failed"));
    assert_eq!(world.look().await.asked.len(), 1);

    world.write("w", "");
    let looked = world.look().await;
    assert_eq!(
        (looked.withdrawn.len(), looked.troubles.len()),
        (0, 1),
        "being rewritten is not going on: {looked:?}"
    );
    assert!(world.only().await.state.is_open());
}

#[tokio::test]
async fn an_answered_question_is_not_asked_again_while_the_file_asks_the_same() {
    let mut world = World::new();
    world.write("w", &fixture("written-blocked"));
    world.look().await;
    let answered = world.approve(&world.only().await).await;
    for _ in 0..2 {
        world = world.restart();
        assert_eq!(world.look().await, TaskScan { waiting: 1, ..TaskScan::default() });
    }
    assert_eq!(world.only().await, answered, "the answer stands, and nobody took it yet");

    world.write(
        "w",
        &fixture("written-blocked").replace("12:30:00Z", "12:31:00Z").replace("5200", "5300"),
    );
    assert_eq!(world.look().await.asked, [], "a heartbeat is no new question");

    world.write("w", &fixture("written-blocked").replace("2027", "2028"));
    assert_eq!(world.look().await.asked.len(), 1, "other words are");
}

#[tokio::test]
async fn after_it_went_on_the_same_question_is_asked_anew() {
    let mut world = World::new();
    world.write("w", &fixture("written-impl-validation-failed"));
    world.look().await;
    world.approve(&world.only().await).await;

    world.write("w", &fixture("written-implementing"));
    world.look().await;
    let State::Resolved(resolved) = world.only().await.state else { panic!("it is answered") };
    assert!(resolved.claimed_at.is_some(), "the task continued with the answer");

    world = world.restart();
    world.write("w", &fixture("written-impl-validation-failed"));
    assert_eq!(world.look().await.asked.len(), 1, "it failed again");
    assert_eq!(world.look().await.asked, []);
}

#[tokio::test]
async fn what_is_put_off_stays_so() {
    let world = World::new();
    world.write("w", &fixture("written-blocked"));
    world.look().await;
    let decision = world.only().await;
    let voter = Voter { person: Person::discord(1, "Ada"), roles: Vec::new(), owner: true };
    let until = world.handle.now() + chrono::TimeDelta::hours(2);
    world.handle.approvals().defer(decision.id, decision.revision, &voter, until).await.unwrap();
    assert_eq!(world.look().await, TaskScan { waiting: 1, ..TaskScan::default() });
    assert_eq!(world.only().await.state.word(), "deferred");
}

#[tokio::test]
async fn overlapping_renamed_and_forgotten_folders() {
    let world = World::new();
    world.write("w", &fixture("written-blocked"));
    let named = |project: &str, path: PathBuf| WatchedFolder {
        project: Some(project.into()),
        ..folder(path)
    };
    let worktrees = world.repository().join(".agents/worktrees");

    let overlapping = [
        named("first", world.repository()),
        named("second", worktrees.clone()),
        named("third", worktrees.join("w")),
    ];
    look(&world.handle, &overlapping).await.unwrap();
    assert_eq!(world.only().await.request.project, "first");

    let looked = look(&world.handle, &[named("second", worktrees)]).await.unwrap();
    assert_eq!((looked.asked.len(), looked.withdrawn.len()), (1, 1), "{looked:?}");
    let all = world.all().await;
    assert_eq!(withdrawn(&all[1]), "it is asked again under the project second");
    assert_eq!(all[0].request.project, "second");

    look(&world.handle, &[]).await.unwrap();
    assert_eq!(withdrawn(&world.all().await[0]), "its folder is no longer watched");
}

#[tokio::test]
async fn changed_policy_reaches_what_is_open() {
    let mut world = World::new();
    world.write("w", &fixture("written-blocked"));
    world.look().await;
    let rule = Rule { risk: Some(gander::core::decision::Risk::High), ..Rule::default() };
    let rules = Rules { kinds: [(Kind::from("routine"), rule)].into(), ..Rules::default() };
    world = world.restart_with(rules);
    assert_eq!(world.look().await.revised.len(), 1);
    assert_eq!(world.look().await.revised, []);
}

#[tokio::test]
async fn aliens_and_missing_folders_are_left_alone() {
    let world = World::new();
    for case in ["alien-todo-list", "alien-lock", "alien-worktree-claim"] {
        world.write(case, &fixture(case));
    }
    assert_eq!(world.look().await, TaskScan::default());
    let missing = world.repository().join("later");
    let looked = look(&world.handle, &[folder(missing)]).await.unwrap();
    assert_eq!(looked.missing, [world.repository().canonicalize().unwrap().join("later")]);
    assert_eq!(world.all().await, []);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_the_worktrees_is_followed_and_one_file_is_one_decision() {
    let world = World::new();
    let elsewhere = world.temporary.path().join("disk2");
    std::fs::create_dir_all(elsewhere.join("w")).unwrap();
    std::fs::create_dir(world.repository().join(".agents")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, world.repository().join(".agents/worktrees")).unwrap();
    std::os::unix::fs::symlink(world.repository(), world.temporary.path().join("alias")).unwrap();
    world.write("w", &fixture("written-blocked"));
    let folder = |path: &str| folder(world.temporary.path().join(path));
    let looked =
        look(&world.handle, &[folder("shop/.agents/worktrees"), folder("alias"), folder("shop")])
            .await
            .unwrap();
    assert_eq!((looked.waiting, looked.asked.len()), (1, 1), "{looked:?}");
    assert_eq!(world.only().await.request.project, "shop");
}

#[cfg(unix)]
#[tokio::test]
async fn a_linked_worktree_is_asked_about_once_whatever_its_path() {
    let world = World::new();
    let at = |path: &str| world.temporary.path().join(path);
    std::fs::create_dir_all(at("elsewhere/w")).unwrap();
    std::fs::create_dir_all(world.repository().join(".agents/worktrees")).unwrap();
    for link in ["first", "second"] {
        let link = world.repository().join(".agents/worktrees").join(link);
        std::os::unix::fs::symlink(at("elsewhere/w"), link).unwrap();
    }
    world.write("first", &fixture("written-blocked"));
    let folders = [folder(world.repository()), folder(at("elsewhere/w"))];
    let looked = look(&world.handle, &folders).await.unwrap();
    assert_eq!((looked.waiting, looked.asked.len()), (1, 1), "{looked:?}");
    assert_eq!(world.only().await.request.project, "shop");

    // An earlier version asked under both paths of the folder: the path without links stays.
    let mut alias = world.only().await.request;
    let real = alias.dedup_key.clone().unwrap();
    let path = world.repository().canonicalize().unwrap().join(".agents/worktrees/second");
    alias.dedup_key = Some(format!("agent-task:{}/.agent-task.json#blocked", path.display()));
    world.handle.approvals().ask(alias).await.unwrap();
    let looked = look(&world.handle, &folders).await.unwrap();
    assert_eq!((looked.asked.len(), looked.withdrawn.len()), (0, 1), "{looked:?}");
    let all = world.all().await;
    assert!(withdrawn(&all[0]).contains("another path"), "{}", withdrawn(&all[0]));
    assert_eq!(all[1].request.dedup_key.as_deref(), Some(real.as_str()));
    assert!(all[1].state.is_open());
}

/// The path that an earlier version used stays: its verdict must not be asked for again.
#[cfg(unix)]
#[tokio::test]
async fn a_question_under_the_path_of_a_link_is_not_asked_again() {
    let world = World::new();
    let elsewhere = world.temporary.path().join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    let worktrees = world.repository().join(".agents/worktrees");
    std::fs::create_dir_all(&worktrees).unwrap();
    std::os::unix::fs::symlink(&elsewhere, worktrees.join("w")).unwrap();
    world.write("w", &fixture("written-blocked"));
    world.look().await;
    let mut request = world.only().await.request;
    world.handle.approvals().withdraw(world.only().await.id, "to ask as before").await.unwrap();
    let named = worktrees.canonicalize().unwrap().join("w");
    request.dedup_key = Some(format!("agent-task:{}/.agent-task.json#blocked", named.display()));
    request.details[1].value = named.display().to_string();
    world.handle.approvals().ask(request).await.unwrap();
    let looked = world.look().await;
    assert_eq!((looked.asked, looked.revised, looked.withdrawn), (vec![], vec![], vec![]));
}

/// Every scan ends, whatever lies at a file's path, and the other files are still read.
#[cfg(unix)]
#[tokio::test]
async fn a_pipe_or_a_link_in_the_place_of_a_file_stops_nothing() {
    let world = World::new();
    world.write("a", &fixture("written-blocked"));
    world.write("b", &fixture("written-blocked"));
    world.look().await;
    let secret = world.temporary.path().join("secret.json");
    std::fs::write(&secret, fixture("published-needs-review")).unwrap();
    for number in 0..4 {
        std::fs::remove_file(world.file("a")).unwrap();
        if number % 2 == 0 {
            let made = std::process::Command::new("mkfifo").arg(world.file("a")).status();
            assert!(made.unwrap().success());
        } else {
            std::os::unix::fs::symlink(&secret, world.file("a")).unwrap();
        }
        world.write("b", &fixture(["written-failed", "written-blocked"][number % 2]));
        let looked = world.look().await;
        assert_eq!((looked.troubles.len(), looked.asked.len()), (1, 1), "{looked:?}");
    }
    assert!(
        world
            .all()
            .await
            .iter()
            .all(|decision| { !decision.request.title.contains("Cache the price list") })
    );
}

#[tokio::test]
async fn while_it_runs_everything_is_noticed() {
    let world = World::new();
    std::fs::remove_dir(world.repository()).unwrap();
    let running = tokio::spawn(run(world.handle.clone(), world.folders()));
    let open = |decisions: &[Decision]| {
        decisions.iter().filter(|decision| decision.state.is_open()).count()
    };

    // The repository appears, then its first worktree, then another beside it.
    world.write("a", &fixture("written-blocked"));
    until(&world.handle, "a repository that appears", |all| open(all) == 1).await;
    world.write("b", &fixture("half-written"));
    world.write("c", &fixture("published-needs-review"));
    until(&world.handle, "a worktree that appears", |all| open(all) == 2).await;
    world.write("b", &fixture("written-impl-validation-failed"));
    until(&world.handle, "a file that is completed", |all| open(all) == 3).await;

    // Replaced by renaming, as careful writers do.
    let next = world.file("a").with_extension("tmp");
    std::fs::write(&next, fixture("written-implementing")).unwrap();
    std::fs::rename(&next, world.file("a")).unwrap();
    until(&world.handle, "a task that goes on", |all| open(all) == 2).await;

    // Removed and made again under the same name: the old watch died with the old folder.
    std::fs::remove_dir_all(world.file("c").parent().unwrap()).unwrap();
    until(&world.handle, "a worktree that vanishes", |all| open(all) == 1).await;
    world.write("c", &fixture("published-working"));
    std::fs::remove_dir_all(world.repository()).unwrap();
    until(&world.handle, "a repository that vanishes", |all| open(all) == 0).await;
    world.write("c", &fixture("published-needs-review"));
    until(&world.handle, "and comes again", |all| open(all) == 1).await;
    world.write("c", &fixture("published-working"));
    until(&world.handle, "and changes", |all| open(all) == 0).await;
    running.abort();
}
