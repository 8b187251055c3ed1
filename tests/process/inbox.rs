//! The drop folder on a real disk and a real store: each file is asked once, and each verdict told
//! once.

use chrono::TimeDelta;
use gander::core::decision::{Decision, DecisionId, State, Via};
use gander::sources::inbox::{DropFolder, Inbox, InboxScan, run};
use serde_json::{Value, json};

use crate::common::cards::{click, open_card};
use crate::common::engine::until;
use crate::common::process::{Home, sandbox};
use crate::inbox_world::{QUESTION, World, ada};

#[tokio::test]
async fn a_dropped_file_is_asked_and_its_verdict_told() {
    let mut world = World::new();
    assert_eq!(world.look().await, InboxScan::default());
    world.put("inbox/a.json", QUESTION);
    assert_eq!(world.look().await.asked, [DecisionId(1)]);
    assert_eq!(
        world.verdict("a.json"),
        json!({"id": 1, "revision": 1, "state": "asked", "at": "2026-09-21T14:13:20Z"})
    );
    assert_eq!(world.look().await, InboxScan::default(), "once");

    let until = world.handle.now() + TimeDelta::hours(2);
    let decision = world.get(1).await;
    world.handle.approvals().defer(decision.id, decision.revision, &ada(), until).await.unwrap();
    world.look().await;
    let said = world.verdict("a.json");
    assert_eq!(
        (&said["state"], &said["by"], &said["until"]),
        (&json!("deferred"), &json!("Ada"), &json!("2026-09-21T16:13:20Z"))
    );
    assert!(world.there("inbox/a.json"));

    let reason = "Not on a \"Friday\"\u{202E}";
    world
        .handle
        .approvals()
        .reject(decision.id, decision.revision, &ada(), Via::Discord, reason)
        .await
        .unwrap();
    assert_eq!(world.look().await.told, [DecisionId(1)]);
    let said = world.verdict("a.json");
    assert_eq!(
        (&said["state"], &said["verdict"], &said["reason"]),
        (&json!("resolved"), &json!("rejected"), &json!(reason))
    );
    assert!(!world.there("inbox/a.json"));
    assert_eq!(world.claims(1).await, 1);
}

#[cfg(unix)]
#[tokio::test]
async fn folders_and_verdicts_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut world = World::new();
    world.look().await;
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    let mode =
        |file: &str| std::fs::metadata(world.path(file)).unwrap().permissions().mode() & 0o777;
    for folder in ["", "inbox", "verdicts", "refused", "outcomes"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    assert_eq!(mode("verdicts/a.json"), 0o600);
}

#[tokio::test]
async fn a_changed_file_is_the_next_revision_and_a_removed_one_is_taken_back() {
    let mut world = World::new();
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    world.put("inbox/a.json", r#"{"title": "Deploy both?"}"#);
    assert_eq!(world.look().await.revised, [DecisionId(1)]);
    assert_eq!(world.verdict("a.json")["revision"], 2);

    world.remove("inbox/a.json");
    let looked = world.look().await;
    assert!(
        looked.unsettled && looked.withdrawn.is_empty(),
        "it may be being replaced: {looked:?}"
    );
    world.put("inbox/a.json", r#"{"title": "Deploy both?"}"#);
    assert_eq!(world.look_after(2).await, InboxScan::default());
    world.remove("inbox/a.json");
    world.look().await;
    assert_eq!(world.look_after(2).await.withdrawn, [DecisionId(1)]);
    let said = world.verdict("a.json");
    assert_eq!(
        (&said["state"], &said["reason"]),
        (&json!("withdrawn"), &json!("its file was removed from the drop folder"))
    );
    assert_eq!(world.look_after(2).await, InboxScan::default());
}

#[tokio::test]
async fn a_question_under_another_project_is_another_question() {
    let mut world = World::new();
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    world.put("inbox/a.json", r#"{"title": "Deploy?", "risk": "low", "project": "Shop"}"#);
    let looked = world.look().await;
    assert_eq!((looked.asked, looked.withdrawn), (vec![DecisionId(2)], vec![DecisionId(1)]));
    assert_eq!(world.verdict("a.json")["id"], 2);
    assert_eq!(world.get(2).await.request.project, "shop");
}

#[tokio::test]
async fn the_same_name_again_is_a_new_question_and_no_old_verdict_answers_it() {
    let mut world = World::new();
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    world.approve(1).await;
    world.look().await;
    world.must_be_told("the first").await;
    world.put("inbox/a.json", QUESTION);
    assert_eq!(world.look().await.asked, [DecisionId(2)]);
    assert_eq!(
        (&world.verdict("a.json")["id"], &world.verdict("a.json")["state"]),
        (&json!(2), &json!("asked"))
    );

    world.approve(2).await;
    world.look().await;
    // An agent that tidies up, and drops the same once more: nothing tells of the old verdicts but
    // the store.
    world.remove("verdicts/a.json");
    world.restart();
    world.put("inbox/a.json", QUESTION);
    assert_eq!(world.look().await.asked, [DecisionId(3)]);
}

#[tokio::test]
async fn a_kill_at_any_step_neither_loses_nor_doubles() {
    /// What a kill leaves behind, by the step it came after.
    type Left = fn(&World);
    let note: Left =
        |world| world.put("verdicts/.a.json.intent", r#"{"id":1,"state":"resolved","at":"x"}"#);
    let take: Left = |world| {
        std::fs::rename(world.path("inbox/a.json"), world.path("inbox/.a.json.taken")).unwrap()
    };
    let copy: Left = |world| {
        std::fs::copy(world.path("inbox/a.json"), world.path("inbox/.a.json.taken")).unwrap();
    };
    let cases: [(&str, bool, &[Left]); 8] = [
        ("asked, and nobody told", false, &[|world| world.remove("verdicts/a.json")]),
        ("a half of the verdict's file", false, &[|world| world.put("verdicts/.a.json.half", "{")]),
        (
            "the note cut short",
            false,
            &[|world| world.put("verdicts/.a.json.intent", "{\"id\":1,")],
        ),
        ("the note written", false, &[note]),
        ("the question taken", false, &[note, take]),
        ("the verdict claimed", true, &[note, take]),
        ("the verdict claimed, and its agent dropped the same again", true, &[note, copy]),
        ("the question removed", true, &[note, |world| world.remove("inbox/a.json")]),
    ];
    for (case, claimed, left) in cases {
        let mut world = World::new();
        world.put("inbox/a.json", QUESTION);
        world.look().await;
        world.approve(1).await;
        if claimed {
            world.handle.approvals().claim(DecisionId(1)).await.unwrap();
        }
        left.iter().for_each(|left| left(&world));
        world.restart();
        assert_eq!(world.look().await.told, [DecisionId(1)], "{case}");
        world.must_be_told(case).await;
    }
}

#[tokio::test]
async fn what_happened_while_nobody_looked_is_told() {
    let mut world = World::new();
    for name in ["a", "b", "c", "d"] {
        world.put(&format!("inbox/{name}.json"), QUESTION);
    }
    world.look().await;
    // Claimed by somebody else; taken back by somebody else; answered, and its file removed; asked
    // anew.
    world.approve(1).await;
    world.handle.approvals().claim(DecisionId(1)).await.unwrap();
    world.handle.approvals().withdraw(DecisionId(2), "no longer").await.unwrap();
    world.approve(3).await;
    world.remove("inbox/c.json");
    world.approve(4).await;
    world.put("inbox/d.json", r#"{"title": "Another?"}"#);
    world.restart();
    let looked = world.look().await;
    assert_eq!((looked.told.len(), looked.asked), (3, vec![DecisionId(5)]));
    let said = |name: &str| world.verdict(name)["state"].as_str().unwrap().to_owned();
    assert_eq!(
        [said("a.json"), said("b.json"), said("c.json"), said("d.json")],
        ["resolved", "withdrawn", "resolved", "asked"]
    );
    assert_eq!(world.verdict("b.json")["reason"], "no longer");
    assert_eq!(world.claims(4).await, 0, "nobody acts on the answer to what is no longer asked");
    assert!(
        !world.there("inbox/a.json") && !world.there("inbox/b.json") && world.there("inbox/d.json")
    );
    world.restart();
    assert_eq!(world.look().await, InboxScan::default());
}

#[tokio::test]
async fn a_folder_that_is_no_longer_configured_asks_nothing_until_it_is_again() {
    let mut world = World::new();
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    let mut none = Inbox::new(&[], &world.path("gander.db"));
    assert_eq!(none.look(&world.handle).await.unwrap().withdrawn, [DecisionId(1)]);
    world.restart();
    assert_eq!(world.look().await.asked, [DecisionId(2)]);
}

#[tokio::test]
async fn what_cannot_be_written_is_tried_again() {
    let mut world = World::new();
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    world.remove("verdicts/a.json");
    std::fs::create_dir_all(world.path("verdicts/a.json/in the way")).unwrap();
    world.approve(1).await;
    let looked = world.look().await;
    assert_eq!((looked.told, looked.troubles.len()), (Vec::new(), 1));
    assert_eq!(world.look().await.troubles.len(), 1);
    world.restart();
    assert_eq!(world.look().await.troubles.len(), 1);
    std::fs::remove_dir_all(world.path("verdicts/a.json")).unwrap();
    assert_eq!(world.look().await.told, [DecisionId(1)]);
    world.must_be_told("a disk that failed for a while").await;
}

#[tokio::test]
async fn an_agent_says_how_it_went() {
    let mut world = World::new();
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    let report = |text: &str| format!(r#"{{"outcome": "failed", "text": "{text}"}}"#);
    world.put("outcomes/a.json", report("too early"));
    assert_eq!(world.look().await.refused, ["a.json"]);
    let why = std::fs::read_to_string(world.path("refused/a.txt")).unwrap();
    assert!(
        why.contains("outcomes/a.json was rejected") && why.contains("#1: it has no verdict yet"),
        "{why}"
    );

    world.approve(1).await;
    world.look().await;
    world.put("outcomes/a.json", report("out of memory"));
    assert_eq!(world.look().await.reported, [DecisionId(1)]);
    assert!(!world.there("outcomes/a.json"));
    let State::Resolved(resolved) = world.get(1).await.state else { panic!("it is answered") };
    assert_eq!(resolved.reported.unwrap().text, "out of memory");
    for (file, text, words) in [
        ("outcomes/b.json", report("x"), "no question has this name"),
        ("outcomes/a.json", r#"{"outcome": "succeded"}"#.to_owned(), "did you mean `succeeded`?"),
        (
            "outcomes/a.json",
            r#"{"outcome": "failed", "id": 9}"#.to_owned(),
            "no question has this name as #9",
        ),
    ] {
        world.put(file, text);
        assert_eq!(world.look().await.refused.len(), 1);
        let why = std::fs::read_to_string(
            world.path(&file.replace("outcomes", "refused")).with_extension("txt"),
        )
        .unwrap();
        assert!(why.contains(words), "{why}");
    }
}

#[tokio::test]
async fn while_it_runs_everything_is_noticed() {
    let mut world = World::new();
    world.look().await;
    let running = tokio::spawn(run(
        world.handle.clone(),
        vec![world.folder()],
        world.temporary.path().join("gander.db"),
    ));
    world.put("inbox/.a.json.new", QUESTION);
    std::fs::rename(world.path("inbox/.a.json.new"), world.path("inbox/a.json")).unwrap();
    until(&world.handle, "a file that is dropped", |all| all.len() == 1).await;
    world.approve(1).await;
    let claimed = |all: &[Decision]| matches!(&all[0].state, State::Resolved(resolved) if resolved.claimed_at.is_some());
    until(&world.handle, "a verdict", claimed).await;
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_serves_it_through_a_kill() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.configure("time_zone = \"UTC\"\n[[inbox]]\npath = \"drop\"\nproject = \"shop\"\n");
    let inbox = home.path().join("drop/inbox");
    std::fs::create_dir_all(&inbox).unwrap();
    std::fs::write(inbox.join("deploy-7.json"), QUESTION).unwrap();
    let bot = home.serving(&sandbox).await;
    let card = open_card(&sandbox, 1).await;
    bot.kill().await;
    std::fs::write(inbox.join("deploy-8.json"), QUESTION).unwrap();
    home.run(&["withdraw", "1", "--reason", "the build is broken"]).await.must(0, &["withdrawn"]);
    drop(card);

    let bot = home.serving(&sandbox).await;
    let card = open_card(&sandbox, 2).await;
    assert!(click(&sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    bot.err.line("verdict written to the drop folder decision=2").await;
    let verdict = |name: &str| -> Value {
        serde_json::from_slice(
            &std::fs::read(home.path().join("drop/verdicts").join(name)).unwrap(),
        )
        .unwrap()
    };
    assert_eq!(
        (&verdict("deploy-7.json")["state"], &verdict("deploy-8.json")["by"]),
        (&json!("withdrawn"), &json!("Maya"))
    );
    assert_eq!(std::fs::read_dir(&inbox).unwrap().count(), 0);
    assert_eq!(
        home.run(&["show", "2", "--json"]).await.json()["decision"]["request"]["project"],
        "shop"
    );
}

#[tokio::test]
async fn a_name_that_begins_another_name_keeps_its_verdict() {
    let mut world = World::new();
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    for twin in ["a.json.json", "a.json.v2.json"] {
        world.put(&format!("inbox/{twin}"), QUESTION);
    }
    assert_eq!(world.look().await.asked, [DecisionId(2), DecisionId(3)]);
    world.approve(1).await;
    assert_eq!(world.look().await.told, [DecisionId(1)]);
    let said = world.verdict("a.json");
    assert_eq!((&said["id"], &said["verdict"]), (&json!(1), &json!("approved")));
    assert_eq!((world.count().await, world.claims(1).await), (3, 1), "not asked again");
    // The report without a number is that of the name, and not of its twins.
    world.put("outcomes/a.json", r#"{"outcome": "succeeded"}"#);
    assert_eq!(world.look().await.reported, [DecisionId(1)]);
}

#[tokio::test]
async fn a_file_that_policy_refuses_takes_back_its_question_beside_its_twin() {
    let mut world = World::new();
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    world.put("inbox/a.json.json", QUESTION);
    world.look().await;
    world.put("inbox/a.json", r#"{"title": "Deploy?", "risk": "high", "safe_default": "approve"}"#);
    let looked = world.look().await;
    assert_eq!((looked.withdrawn, looked.refused), (vec![DecisionId(1)], vec!["a.json".into()]));
    assert_eq!(world.verdict("a.json")["state"], "refused");
    assert_eq!(world.verdict("a.json.json")["state"], "asked");
}

#[tokio::test]
async fn a_folder_is_limited_as_any_asker_and_the_rest_waits_its_turn() {
    use gander::core::policy::ask_limits::AskLimits;
    use gander::core::policy::rules::Rules;
    let mut world = World::new();
    let ask_limits = AskLimits { open: 3, per_minute: 100 };
    world.handle.set_rules(Rules { ask_limits, ..Rules::default() });
    let question = |n: u32| format!(r#"{{"title": "T{n}", "agent": {{"name": "agent-{n}"}}}}"#);
    for n in 1..=5 {
        world.put(&format!("inbox/{n}.json"), question(n));
    }
    let looked = world.look().await;
    assert_eq!(looked.asked, [1, 2, 3].map(DecisionId));
    assert!(
        matches!(looked.troubles.as_slice(), [one] if one.why.contains("no more than 3")),
        "{looked:?}"
    );
    // What is answered is told, and makes room.
    world.approve(2).await;
    let looked = world.look().await;
    assert_eq!((looked.told, looked.asked), (vec![DecisionId(2)], vec![DecisionId(4)]));
    assert!(world.there("inbox/5.json") && !world.there("verdicts/5.json"));
    // Another folder has limits of its own.
    let other = DropFolder { path: world.temporary.path().join("other"), project: None };
    std::fs::create_dir_all(other.path.join("inbox")).unwrap();
    std::fs::write(other.path.join("inbox/a.json"), question(9)).unwrap();
    let mut inbox = Inbox::new(&[world.folder(), other], &world.temporary.path().join("gander.db"));
    world.clock.advance(TimeDelta::seconds(9));
    assert_eq!(inbox.look(&world.handle).await.unwrap().asked, [DecisionId(5)]);
}
