//! A WorkRail folder on a real disk and a real store: each line is asked about once, each answer is
//! appended once, and what is over is withdrawn.

use std::io::Write as _;
use std::path::PathBuf;

use gander::core::Time;
use gander::core::decision::{Decision, Expects, State, Via};
use gander::core::policy::rules::Rules;
use gander::engine::clock::TestClock;
use gander::engine::{Filter, Handle};
use gander::sources::seen_work::SeenState;
use gander::sources::workrail::{WorkRailFolder, WorkRailScan, look, seen_work};
use serde_json::{Value, json};

use crate::common::cards::card_that;
use crate::common::engine::{self, maya};
use crate::common::process::{Home, sandbox};

/// A WorkRail folder, and a store beside it.
struct World {
    temporary: tempfile::TempDir,
    clock: TestClock,
    handle: Handle,
}

impl World {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(temporary.path().join("workrail/events/daemon")).unwrap();
        let clock = TestClock::at(Time::from_timestamp_millis(1_789_380_000_000).unwrap());
        let store = temporary.path().join("gander.db");
        let handle = engine::handle_at(&store, Rules::default(), &clock);
        Self { temporary, clock, handle }
    }

    fn restart(self) -> Self {
        let Self { temporary, clock, handle } = self;
        drop(handle);
        let store = temporary.path().join("gander.db");
        let handle = engine::handle_at(&store, Rules::default(), &clock);
        Self { temporary, clock, handle }
    }

    fn folder(&self) -> WorkRailFolder {
        let path = self.temporary.path().join("workrail");
        WorkRailFolder { path, project: "workrail".into() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder().path.join(name)
    }

    fn append(&self, name: &str, line: &Value) {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.create(true).append(true).open(self.path(name)).unwrap();
        writeln!(file, "{line}").unwrap();
    }

    fn message(&self, id: &str, text: &str) {
        let time = "2026-09-14T09:00:00.000Z";
        self.append("outbox.jsonl", &json!({"id": id, "message": text, "timestamp": time}));
    }

    fn event(&self, mut event: Value) {
        if let Some(event) = event.as_object_mut() {
            event.insert("ts".into(), 1_789_380_000_000_u64.into());
        }
        self.append("events/daemon/2026-09-14.jsonl", &event);
    }

    /// Looks until nothing more is there.
    async fn look(&self) -> WorkRailScan {
        let mut all = WorkRailScan::default();
        loop {
            let scan = look(&self.handle, &self.folder()).await.unwrap();
            all.asked.extend(scan.asked);
            all.withdrawn.extend(scan.withdrawn);
            all.answered.extend(scan.answered);
            all.troubles.extend(scan.troubles);
            if !scan.has_more {
                return all;
            }
        }
    }

    async fn all(&self) -> Vec<Decision> {
        self.handle.approvals().list(Filter::default()).await.unwrap()
    }

    async fn titles(&self) -> Vec<String> {
        self.all().await.into_iter().rev().map(|decision| decision.request.title).collect()
    }

    async fn answer(&self, decision: &Decision, text: &str) {
        let (id, seen) = (decision.id, decision.revision);
        self.handle.approvals().answer(id, seen, &maya(), Via::Discord, text).await.unwrap();
    }

    fn queue(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("message-queue.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test]
async fn each_message_is_asked_once_and_answered_once() {
    let mut world = World::new();
    world.message("m-1", "Old news");
    std::fs::write(world.path("inbox-cursor.json"), r#"{"lastReadCount": 1}"#).unwrap();
    world.message("m-2", "Which branch?\nThere are two.");
    assert_eq!(world.look().await.asked.len(), 1, "what was read there is no question");
    let head = world.handle.event_log().head().await.unwrap();
    assert_eq!(world.look().await, WorkRailScan::default());
    assert_eq!(world.handle.event_log().head().await.unwrap(), head, "idle");
    world = world.restart();
    assert_eq!(world.look().await, WorkRailScan::default());
    assert_eq!(world.titles().await, ["Message: Which branch?"]);

    let decision = world.all().await.remove(0);
    assert_eq!(decision.request.expects, Expects::Answer);
    // Somebody else was interrupted within a line.
    std::fs::write(world.path("message-queue.jsonl"), "{\"id\": \"other\"").unwrap();
    world.answer(&decision, "main").await;
    assert_eq!(world.look().await.answered, [decision.id]);
    world = world.restart();
    assert_eq!(world.look().await, WorkRailScan::default());
    let text = std::fs::read_to_string(world.path("message-queue.jsonl")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    let answer: Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!(answer["message"], "Re: Message: Which branch? (m-2): main");
    assert_eq!(answer["priority"], "high");
    let State::Resolved(resolved) = world.all().await.remove(0).state else { panic!() };
    assert!(resolved.claimed_at.is_some(), "it cannot be undone any more");
}

#[tokio::test]
async fn events_that_need_a_person_ask_and_later_events_withdraw() {
    let world = World::new();
    world.event(json!({"kind": "signal_emitted", "sessionId": "s-0",
        "signalKind": "approval_needed", "payload": {"action": "history"}}));
    assert_eq!(world.look().await.asked, [], "what was there at first is history");
    let signal = |session: &str, kind: &str, payload: Value| {
        json!({"kind": "signal_emitted", "sessionId": session, "signalKind": kind,
            "payload": payload})
    };
    world.event(signal("s-1", "progress", json!({})));
    world.event(signal("s-1", "approval_needed", json!({"action": "Drop the old table"})));
    world.event(signal("s-2", "data_needed", json!({"request": "The price list"})));
    world.event(signal("s-3", "blocked", json!({"reason": "No credentials"})));
    world.event(json!({"kind": "issue_reported", "sessionId": "s-4", "issueKind": "needs_human",
        "severity": "error", "summary": "Two rules contradict each other"}));
    world.event(json!({"kind": "issue_reported", "sessionId": "s-4", "issueKind": "tool_failure",
        "severity": "warn", "summary": "A tool failed"}));
    world.event(json!({"kind": "agent_stuck", "sessionId": "s-5", "reason": "no_progress",
        "detail": "80% of its turns are used"}));
    world.event(json!({"kind": "session_completed", "sessionId": "s-6", "workflowId": "w",
        "outcome": "gate_parked", "detail": "Before the release"}));
    assert_eq!(world.look().await.asked.len(), 6);
    let expected = [
        "Approval needed: Drop the old table",
        "Data needed: The price list",
        "Blocked: No credentials",
        "A person is needed: Two rules contradict each other",
        "Agent stuck: 80% of its turns are used",
        "Parked at a gate: Before the release",
    ];
    assert_eq!(world.titles().await, expected);

    // The outbox tells of the stuck session too: one cause, one decision.
    world.append(
        "outbox.jsonl",
        &json!({"id": "o-1", "message": "Session is stuck",
        "timestamp": "2026-09-14T09:00:00.000Z", "kind": "stuck", "workflowId": "w",
        "reason": "no_progress", "issueSummaries": []}),
    );
    assert_eq!(world.look().await.asked, []);

    world.event(json!({"kind": "step_advanced", "sessionId": "s-3"}));
    world.event(json!({"kind": "session_completed", "sessionId": "s-1", "workflowId": "w",
        "outcome": "error"}));
    world.event(json!({"kind": "session_started", "sessionId": "s-6", "workflowId": "w",
        "workspacePath": "/w"}));
    assert_eq!(world.look().await.withdrawn.len(), 3);
    let open: Vec<String> = world
        .all()
        .await
        .into_iter()
        .filter(|decision| decision.state.is_open())
        .filter_map(|decision| decision.request.agent.session)
        .collect();
    assert_eq!(open, ["s-5", "s-4", "s-2"]);

    let (approve, question) = (world.all().await.remove(5), world.all().await.remove(4));
    assert_eq!(approve.request.expects, Expects::Approve);
    world.answer(&question, "It is in the wiki").await;
    world.look().await;
    assert_eq!(world.queue().len(), 1);
}

#[tokio::test]
async fn rotation_truncation_and_the_cursor_lose_and_double_nothing() {
    let mut world = World::new();
    world.message("m-1", "One");
    world.look().await;
    world.message("m-2", "Two");
    std::fs::rename(world.path("outbox.jsonl"), world.path("outbox.jsonl.1")).unwrap();
    world.message("m-3", "Three");
    world = world.restart();
    world.look().await;
    assert_eq!(world.titles().await, ["Message: One", "Message: Two", "Message: Three"]);
    // A cursor of the file that was rotated away counts lines that this file does not have.
    std::fs::write(world.path("inbox-cursor.json"), r#"{"lastReadCount": 2}"#).unwrap();
    assert_eq!(world.look().await.withdrawn, []);
    std::fs::write(world.path("inbox-cursor.json"), r#"{"lastReadCount": 1}"#).unwrap();
    assert!(!world.look().await.withdrawn.is_empty(), "it was read there");
    std::fs::write(world.path("outbox.jsonl"), "").unwrap();
    world.look().await;
    world.message("m-4", "Four");
    assert_eq!(world.look().await.asked.len(), 1);
    std::fs::remove_file(world.path("outbox.jsonl")).unwrap();
    assert_eq!(world.look().await.asked, []);
}

#[tokio::test]
async fn lines_of_other_shapes_are_left_alone_and_hostile_ones_refused() {
    let world = World::new();
    world.look().await;
    for line in [
        json!({"kind": "advance_recorded", "sessionId": "s", "data": {"intent": "ack_pending"}}),
        json!({"kind": "decision_trace_appended", "sessionId": "s", "v": 1}),
        json!([1, 2]),
        json!("text"),
        json!({"kind": "signal_emitted", "signalKind": "approval_needed"}),
    ] {
        world.event(line.clone());
        world.append("outbox.jsonl", &line);
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.append(true).open(world.path("outbox.jsonl")).unwrap();
    file.write_all(b"{\"id\": \xff}\n").unwrap();
    file.write_all(&vec![b'x'; 3 << 20]).unwrap();
    file.write_all(b"\n{\"id\": \"half").unwrap();
    let scan = world.look().await;
    assert_eq!((scan.asked.len(), scan.troubles.len()), (0, 2), "{scan:?}");
    assert_eq!(world.look().await, WorkRailScan::default(), "they are refused once");
    file.write_all(b"\", \"message\": \"Whole\"}\n").unwrap();
    assert_eq!(world.look().await.asked.len(), 1);

    std::fs::remove_file(world.path("outbox.jsonl")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", world.path("outbox.jsonl")).unwrap();
    std::os::unix::fs::symlink("/tmp", world.path("message-queue.jsonl")).unwrap();
    world.answer(&world.all().await.remove(0), "no").await;
    let scan = world.look().await;
    assert!(scan.answered.is_empty() && !scan.troubles.is_empty(), "{scan:?}");
    std::fs::remove_file(world.path("message-queue.jsonl")).unwrap();
    assert_eq!(world.look().await.answered.len(), 1, "delivered as soon as it can be");
    assert_eq!(world.queue().len(), 1);
}

#[tokio::test]
async fn dispatched_issues_are_seen_work() {
    let world = World::new();
    std::fs::create_dir(world.path("daemon-sessions")).unwrap();
    let dispatch = r#"{"issueNumber": 12, "triggerId": "t", "dispatchedAt": 1789380000000,
        "ttlMs": 60000, "attemptCount": 2}"#;
    std::fs::write(world.path("daemon-sessions/queue-issue-12.json"), dispatch).unwrap();
    std::fs::write(world.path("daemon-sessions/queue-issue-13.json"), "{\"issueNumber\"").unwrap();
    std::fs::write(world.path("daemon-sessions/other.json"), dispatch).unwrap();
    let seen = seen_work(&world.folder());
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!((seen[0].title.as_str(), &seen[0].state), ("Issue 12", &SeenState::Running));
    assert_eq!(seen[0].attempts, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_a_card() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let folder = home.path().join("rail");
    std::fs::create_dir(&folder).unwrap();
    home.configure("time_zone = \"UTC\"\nbatch.min = 0\n[[workrail]]\npath = \"rail\"\n");
    let bot = home.serving(&sandbox).await;
    let line = r#"{"id": "m-1", "message": "Which branch?", "timestamp": "2026-09-14T09:00:00Z"}"#;
    std::fs::write(folder.join("outbox.jsonl"), format!("{line}\n")).unwrap();
    let card = card_that(&sandbox, 1, "is there", |_| true).await;
    assert!(card.0.to_string().contains("Message: Which branch?"), "{card:?}");
    bot.kill().await;
}
