//! Where everything stands: the figures, as people read them at the terminal, and that looking
//! makes no store.

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::authorization::{ApproverRule, Voter};
use gander::core::decision::{Person, Request, Via};
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use gander::engine::clock::TestClock;

use crate::common::cards::{click, open_card};
use crate::common::engine;
use crate::common::process::{Home, Program, sandbox};

fn voter() -> Voter {
    Voter { person: Person::discord(7, "Maya"), roles: Vec::new(), owner: false }
}

/// A handle on a new store, at 08:30 in Berlin of a day in July.
fn handle(folder: &std::path::Path) -> (Handle, TestClock) {
    let start: Time = "2026-07-01T06:30:00Z".parse().unwrap();
    let clock = TestClock::at(start);
    let approvers = vec![ApproverRule { users: vec![7], ..ApproverRule::default() }];
    let rules = Rules { approvers, zone: chrono_tz::Europe::Berlin, ..Rules::default() };
    (engine::handle_at(&folder.join("gander.db"), rules, &clock), clock)
}

async fn ask(handle: &Handle, project: &str, sla: u64) -> gander::core::decision::Decision {
    let request = Request {
        title: "Go?".into(),
        project: project.into(),
        sla_seconds: Some(sla),
        ..Request::default()
    };
    handle.approvals().ask(request).await.unwrap().into_decision()
}

#[tokio::test]
async fn what_is_open_is_counted_by_project() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, clock) = handle(folder.path());
    let first = ask(&handle, "web-shop", 3_600).await;
    clock.advance(TimeDelta::minutes(10));
    ask(&handle, "web-shop", 30 * 3_600).await;
    let put_off = ask(&handle, "notes", 3_600).await;
    let until = handle.now() + TimeDelta::hours(3);
    handle.approvals().defer(put_off.id, put_off.revision, &voter(), until).await.unwrap();
    clock.advance(TimeDelta::hours(2));

    let status = handle.operations().status().await.unwrap();
    assert_eq!(
        (status.waiting(), status.overdue(), status.deferred(), status.decided_today),
        (2, 1, 1, 0)
    );
    let names: Vec<_> = status.projects.iter().map(|project| project.project.as_str()).collect();
    assert_eq!(names, ["notes", "web-shop"]);
    assert_eq!((status.projects[0].waiting, status.projects[0].next_return), (0, Some(until)));
    let oldest = status.projects[1].oldest.unwrap();
    assert_eq!((oldest.id, oldest.asked_at), (first.id, first.asked_at));
    assert_eq!(status.unshown.len(), 3, "nobody posts cards here");
    assert_eq!(
        (status.bot.as_ref(), status.is_healthy()),
        (None, false),
        "this process is not the bot"
    );
}

#[tokio::test]
async fn decided_today_begins_at_the_zones_midnight_and_forgets_what_was_undone() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, clock) = handle(folder.path());
    let mut decided = Vec::new();
    for _ in 0..3 {
        let asked = ask(&handle, "web-shop", 3_600).await;
        handle.approvals().approve(asked.id, asked.revision, &voter(), Via::Discord).await.unwrap();
        decided.push(asked.id);
    }
    handle.approvals().undo(decided[0], &voter()).await.unwrap();
    assert_eq!(handle.operations().status().await.unwrap().decided_today, 2);
    // 23:59 in Berlin is the same day, though it is 21:59 in UTC; two minutes later it is the next
    // one.
    clock.advance(TimeDelta::minutes(15 * 60 + 29));
    assert_eq!(handle.operations().status().await.unwrap().decided_today, 2);
    clock.advance(TimeDelta::minutes(2));
    assert_eq!(handle.operations().status().await.unwrap().decided_today, 0);
    // Decided yesterday and taken back today: nothing was decided today.
    handle.approvals().undo(decided[1], &voter()).await.unwrap();
    assert_eq!(handle.operations().status().await.unwrap().decided_today, 0);
}

#[tokio::test]
async fn more_than_a_page_of_the_log_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, _clock) = handle(folder.path());
    for _ in 0..260 {
        let asked = ask(&handle, "web-shop", 3_600).await;
        handle.approvals().approve(asked.id, asked.revision, &voter(), Via::Discord).await.unwrap();
    }
    assert_eq!(handle.operations().status().await.unwrap().decided_today, 260);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_a_bot_that_runs_and_of_one_that_is_gone() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let bot = home.serving(&sandbox).await;
    home.run(&["ask", "Deploy?", "--project", "web-shop"]).await.must(0, &[]);
    let card = open_card(&sandbox, 1).await;
    // The card may be seen before the store knows that it is posted.
    let is_settled = |said: &str| {
        said.contains("connected to Discord since") && !said.contains("not posted yet")
    };
    let said = home.said_until(&["status"], is_settled).await;
    assert!(
        said.contains("1 decision waits for an answer, none overdue.")
            && said.contains("web-shop  1 waiting"),
        "{said}"
    );
    assert!(!said.contains('✘') && !said.contains('⚠'), "{said}");
    let json = home.run(&["status", "--json"]).await.json();
    assert_eq!(
        (&json["healthy"], &json["running"], &json["waiting"]),
        (&true.into(), &true.into(), &1.into()),
        "{json:#}"
    );
    assert_eq!(json["status"]["bot"]["process"], bot.id());

    assert!(click(&sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    home.run(&["wait", "1"]).await.must(0, &[]);
    home.run(&["status"])
        .await
        .must(0, &["Nothing waits for an answer.", "1 decision was decided today."]);

    // What a killed one has left behind is not believed.
    bot.kill().await;
    home.run(&["status"]).await.must(0, &["✘ gander serve is not running on this store"]);
    assert_eq!(home.run(&["status", "--json"]).await.json()["healthy"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_that_cannot_be_shown_are_named_with_the_reason() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.configure("[projects.web-shop]\nchannel = \"nowhere\"\n");
    let _bot = home.serving(&sandbox).await;
    home.run(&["ask", "Deploy?", "--project", "web-shop"]).await.must(0, &[]);
    let said = home.said_until(&["status"], |said| said.contains("cannot be posted")).await;
    assert!(
        said.contains(
            "✘ 1 card cannot be posted at present:\n  #1: there is no text channel #nowhere"
        ),
        "{said}"
    );
}

#[tokio::test]
async fn looking_at_a_store_that_is_not_there_makes_none() {
    let home = Home::new();
    let looking: [&[&str]; 6] = [
        &["show", "1"],
        &["attention"],
        &["events"],
        &["wait", "1"],
        &["status"],
        &["events", "--follow", "--json"],
    ];
    for args in looking {
        let ended = Program::start(home.gander(args)).ended().await;
        ended.must(
            2,
            &["the store ", "does not exist", "gander.db", "gander token create; other commands"],
        );
        assert_eq!(ended.out, "", "{args:?}");
        assert!(!home.store().exists(), "{args:?} made a store");
    }
    home.run(&["ask", "Deploy?"]).await.must(0, &[]);
    home.run(&["attention"]).await.must(0, &["Deploy?"]);
    let mut typo = home.bare(&["attention", "--store"]);
    typo.arg(home.path().join("gandr.db")).arg("--config").arg(home.config());
    Program::start(typo).ended().await.must(2, &["Did you mean gander.db, in the same folder?"]);
}
