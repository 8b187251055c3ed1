//! Jobs in the log beside decisions: the chain, the audit, an export, and what was changed by hand.

use gander::store::chain::{ChainWalk, Fault, LogSubject};
use rusqlite::Connection;

use super::store;
use crate::common::process::Home;

#[tokio::test]
async fn the_log_has_jobs_and_decisions_in_one_chain() {
    let home = Home::new();
    home.run(&["ask", "Deploy?"]).await.must(0, &["1\n"]);
    home.run(&["job", "add", "Fix it", "--prompt", "soon"]).await.must(0, &["1\n"]);
    home.run(&["job", "next", "--worker", "ada"]).await.must(0, &["1\n"]);
    home.run(&["halt"]).await.must(0, &["stopped: job 1 Fix it"]);
    home.run(&["halt"]).await.must(1, &["the queue is halted already"]);
    home.run(&["job", "renew", "1", "--worker", "ada"]).await.must(1, &["it is halted: stop"]);
    home.run(&["halt", "--lift"]).await.must(0, &["goes on: job 1 Fix it"]);
    home.run(&["job", "next", "--worker", "ada"]).await.must(0, &["1\n"]);
    home.run(&["job", "done", "1", "--worker", "ada", "--did", "a fix"])
        .await
        .must(0, &["job 1: done"]);
    home.run(&["audit", "verify"])
        .await
        .must(0, &["1 decision matches the log. 1 job matches the log. The file is sound."]);
    let exported = home.run(&["audit", "export"]).await;
    exported.must(0, &["\"decision\":\"job 1\"", "\"decision\":\"queue\"", "\"decision\":1"]);
    let mut walk = ChainWalk::default();
    for line in exported.out.lines() {
        walk.entry(&serde_json::from_str(line).unwrap()).unwrap();
    }
    let file = home.path().join("export.jsonl");
    std::fs::write(&file, exported.out.as_bytes()).unwrap();
    home.run(&["audit", "verify", "--export", file.to_str().unwrap()])
        .await
        .must(0, &["chain is intact"]);
}

#[tokio::test]
async fn what_is_changed_by_hand_is_found() {
    let home = Home::new();
    home.run(&["ask", "Deploy?"]).await.must(0, &[]);
    for args in [&["job", "add", "a"][..], &["job", "add", "b", "--after", "1"], &["halt"]] {
        home.run(args).await.must(0, &[]);
    }
    let cases = [
        ("UPDATE job SET document = json_set(document, '$.bias', 3) WHERE id = 1", "\"bias\""),
        ("UPDATE job SET ready = 1 WHERE id = 2", "whether it is ready differs"),
        ("UPDATE job SET state = 'done' WHERE id = 1", "its index columns differ"),
        ("DELETE FROM job_halt", "what is halted differs"),
        ("UPDATE job_turn SET turn = 9", "the turns of the projects differ"),
    ];
    for (change, why) in cases {
        let connection = Connection::open(home.store()).unwrap();
        connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; BEGIN; {change}")).unwrap();
        connection.execute_batch("COMMIT").unwrap();
        let fault = store(&home.store()).audit().verify().unwrap().fault;
        let words = fault.as_ref().map(ToString::to_string).unwrap_or_default();
        assert!(words.contains(why), "{change}: {words}");
        assert!(
            matches!(
                fault,
                Some(Fault::State { decision: LogSubject::Job(_) | LogSubject::Queue, .. })
            ),
            "{change}"
        );
        // Back to what it was.
        let undo = match change {
            _ if change.contains("bias") => {
                "UPDATE job SET document = json_set(document, \
                '$.bias', 0) WHERE id = 1"
            }
            _ if change.contains("ready") => "UPDATE job SET ready = 0 WHERE id = 2",
            _ if change.contains("state") => "UPDATE job SET state = 'queued' WHERE id = 1",
            _ if change.contains("turn") => "UPDATE job_turn SET turn = 0",
            _ => {
                "INSERT INTO job_halt SELECT '', json_object('project', NULL, 'by', \
                json_extract(body, '$.by'), 'at', strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, \
                'unixepoch')) FROM event WHERE decision IS NULL AND job IS NULL"
            }
        };
        connection.execute_batch(undo).unwrap();
        drop(connection);
        let fault = store(&home.store()).audit().verify().unwrap().fault;
        assert_eq!(fault, None, "after {undo}");
    }
}
