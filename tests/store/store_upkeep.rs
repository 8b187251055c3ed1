//! `gander audit`, `gander backup` and `gander prune`, as people run them.

use std::path::Path;

use gander::core::Time;
use gander::core::decision::{Decision, Insight, Person, Request, Verdict, Via};
use gander::core::messaging::message::PostState;
use gander::engine::clock::wall_time;
use gander::store::chain::{Fault, LogSubject};
use gander::store::{Audit, Filter, NewCard, Store};
use serde_json::Value;

use crate::common::cards::{card_that, click, open_card};
use crate::common::process::{Home, Program, sandbox};
use crate::common::tools;
use crate::store_suite::terms;

fn long(title: &str) -> Request {
    let insight = Insight { observation: "what was seen".into(), ..Insight::default() };
    Request {
        title: title.into(),
        insight,
        body: format!("the long text of {title}"),
        ..Request::default()
    }
}

/// Files three questions at this time, the second of which is answered at once.
fn three(path: &Path, at: Time) {
    let store = Store::open(path, None, at).unwrap();
    for title in ["one", "two", "three"] {
        store.decisions().ask(long(title), terms(), at).unwrap();
    }
    let approve = |d: &Decision| {
        Ok(Some(d.resolve(
            Verdict::approved(),
            Person::discord(1, "Maya"),
            Via::Discord,
            d.revision,
        )?))
    };
    store
        .decisions()
        .change(gander::core::decision::DecisionId(2), at, Box::new(approve))
        .unwrap()
        .unwrap();
}

fn audit(path: &Path) -> Audit {
    Store::open_to_read(path, wall_time()).unwrap().audit().verify().unwrap()
}

/// Flips a bit of each of these bytes in turn, in the file, and says what is found.
fn flipped(path: &Path, needle: &[u8], every: usize) -> Vec<(usize, Option<Fault>)> {
    let whole = std::fs::read(path).unwrap();
    let places: Vec<usize> = whole
        .windows(needle.len())
        .enumerate()
        .filter(|(_, bytes)| *bytes == needle)
        .map(|(at, _)| at)
        .collect();
    let [at] = places[..] else {
        panic!("{:?} is there {} times", String::from_utf8_lossy(needle), places.len())
    };
    let mut found = Vec::new();
    for (turn, offset) in (0..needle.len()).step_by(every).enumerate() {
        let mut bytes = whole.clone();
        bytes[at + offset] ^= 1 << (turn % 8);
        std::fs::write(path, &bytes).unwrap();
        found.push((offset, audit(path).fault));
    }
    std::fs::write(path, &whole).unwrap();
    assert_eq!(audit(path).fault, None, "as it was, it is sound");
    found
}

fn column<T: rusqlite::types::FromSql>(path: &Path, sql: &str) -> T {
    let store = rusqlite::Connection::open(path).unwrap();
    store.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_flipped_bit_anywhere_in_an_event_is_found_and_its_position_named() {
    let home = Home::new();
    three(&home.store(), wall_time());
    let mut flips = 0;
    for name in ["body", "text", "digest", "hash"] {
        let value: String =
            column(&home.store(), &format!("SELECT {name} FROM event WHERE seq = 2"));
        for (offset, fault) in flipped(&home.store(), value.as_bytes(), 3) {
            let fault = fault.unwrap_or_else(|| {
                panic!("byte {offset} of {name} flipped, and nothing was found")
            });
            assert_eq!(fault.seq(), Some(2), "byte {offset} of {name}: {fault}");
            flips += 1;
        }
    }
    println!("{flips} flipped bits in an event, each found at its position");
    for (sql, position) in [
        ("UPDATE event SET at = at + 1 WHERE seq = 3", 3),
        ("UPDATE event SET decision = 1 WHERE seq = 2", 2),
        ("UPDATE event SET text = NULL WHERE seq = 1", 1),
        ("DELETE FROM event WHERE seq = 2", 2),
        ("UPDATE event SET seq = 9 WHERE seq = 4", 4),
    ] {
        let copy = home.path().join("copy.db");
        std::fs::copy(home.store(), &copy).unwrap();
        rusqlite::Connection::open(&copy).unwrap().execute_batch(sql).unwrap();
        let fault = audit(&copy).fault.unwrap_or_else(|| panic!("{sql}: nothing was found"));
        assert_eq!(fault.seq(), Some(position), "{sql}: {fault}");
    }
}

#[test]
fn a_flipped_bit_in_what_is_kept_of_a_decision_is_found_and_the_decision_named() {
    let home = Home::new();
    three(&home.store(), wall_time());
    let document: String = column(&home.store(), "SELECT document FROM decision WHERE id = 2");
    let found = flipped(&home.store(), document.as_bytes(), 3);
    for (offset, fault) in &found {
        assert!(
            matches!(fault, Some(Fault::State { decision: LogSubject::Decision(2), .. })),
            "byte {offset} of {document}: {fault:?}"
        );
    }
    println!("{} flipped bits in a decision, each found", found.len());
    for (sql, decision) in [
        ("UPDATE decision SET state = 'pending' WHERE id = 2", 2),
        ("UPDATE decision SET breach_at = breach_at + 1 WHERE id = 3", 3),
        ("PRAGMA foreign_keys = OFF; DELETE FROM decision WHERE id = 3", 3),
        (
            "INSERT INTO decision (id, state, project, returns, changed, document) SELECT 9, \
             state, project, returns, changed, document FROM decision WHERE id = 1",
            9,
        ),
    ] {
        let copy = home.path().join("copy.db");
        std::fs::copy(home.store(), &copy).unwrap();
        rusqlite::Connection::open(&copy).unwrap().execute_batch(sql).unwrap();
        let fault = audit(&copy).fault;
        assert!(
            matches!(&fault, Some(Fault::State { decision: named, .. }) if *named == LogSubject::Decision(decision)),
            "{sql}: {fault:?}"
        );
    }
}

#[tokio::test]
async fn verify_says_what_holds_what_is_broken_and_what_to_do() {
    let home = Home::new();
    home.run(&["audit", "verify"]).await.must(2, &["the store ", "gander.db does not exist"]);
    three(&home.store(), wall_time());
    let sound = home.run(&["audit", "verify"]).await;
    sound.must(0, &["The hash chain is intact", "3 decisions match the log", "head 4 "]);
    let json = home.run(&["audit", "verify", "--json"]).await.json();
    assert_eq!(
        (&json["sound"], &json["chain"]["events"], &json["decisions"]),
        (&true.into(), &4.into(), &3.into())
    );

    let forger = rusqlite::Connection::open(home.store()).unwrap();
    forger
        .execute("UPDATE event SET body = replace(body, 'approved', 'rejected') WHERE seq = 4", [])
        .unwrap();
    let broken = home.run(&["audit", "verify"]).await;
    broken.must(1, &["BROKEN: event 4, of #2, does not match its hash", "Stop the bot", "backup"]);
    let json = home.run(&["audit", "verify", "--json"]).await.json();
    assert_eq!(
        (&json["sound"], &json["broken"]["seq"], &json["broken"]["decision"]),
        (&false.into(), &4.into(), &2.into())
    );
    forger
        .execute("UPDATE event SET body = replace(body, 'rejected', 'approved') WHERE seq = 4", [])
        .unwrap();
    forger
        .execute(
            "UPDATE decision SET document = replace(document, 'approved', 'chosen') WHERE id = 2",
            [],
        )
        .unwrap();
    home.run(&["audit", "verify"])
        .await
        .must(1, &["The hash chain is intact", "BROKEN: decision #2 does not match the log"]);
}

#[tokio::test]
async fn an_export_is_verified_without_the_store_and_without_gander() {
    let home = Home::new();
    three(&home.store(), wall_time());
    let file = home.path().join("export.jsonl");
    let verify =
        || async { home.run(&["audit", "verify", "--export", file.to_str().unwrap()]).await };
    let exported = home.run(&["audit", "export"]).await;
    exported.must(0, &[]);
    assert_eq!(exported.out.lines().count(), 4);
    std::fs::write(&file, &exported.out).unwrap();
    verify().await.must(0, &["The export's hash chain is intact: 4 events from 1 to 4", "head 4 "]);
    let help = home.run(&["audit", "export", "--help"]).await.out;
    python(&help, &exported.out, "holds to 4", "");

    let later = home.run(&["audit", "export", "--since", "2"]).await.out;
    assert_eq!(later.lines().collect::<Vec<_>>(), exported.out.lines().skip(2).collect::<Vec<_>>());
    std::fs::write(&file, &later).unwrap();
    verify().await.must(0, &["2 events from 3 to 4"]);

    let forged = exported.out.replace("approved", "rejected");
    std::fs::write(&file, &forged).unwrap();
    verify().await.must(1, &["BROKEN: event 4, of #2"]);
    python(&help, &forged, "", "AssertionError: 4");
    let short: Vec<&str> =
        exported.out.lines().enumerate().filter(|(n, _)| *n != 1).map(|(_, line)| line).collect();
    std::fs::write(&file, short.join("\n")).unwrap();
    verify().await.must(1, &["BROKEN: event"]);
    std::fs::write(&file, "{}\n").unwrap();
    verify().await.must(1, &["line 1 is not a line of an export"]);
    std::fs::write(&file, "").unwrap();
    verify().await.must(0, &["0 events"]);
}

/// Runs the recipe of the help as it stands there.
fn python(help: &str, export: &str, says: &str, complains: &str) {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let code: Vec<&str> = help
        .lines()
        .skip_while(|line| !line.starts_with("  import"))
        .map(|line| line.strip_prefix("  ").unwrap_or(line))
        .collect();
    assert!(code.len() > 5, "{help}");
    let started = Command::new("python3")
        .arg("-c")
        .arg(code.join("\n"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    tools::is_there("python3", started.is_ok(), tools::TOOLS);
    let Ok(mut python) = started else { return };
    python.stdin.take().unwrap().write_all(export.as_bytes()).unwrap();
    let ended = python.wait_with_output().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(out.contains(says) && err.contains(complains), "{out}\n{err}");
    assert_eq!(ended.status.success(), complains.is_empty(), "{out}\n{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_while_the_bot_runs_is_whole_private_and_can_be_lived_on() {
    use std::os::unix::fs::PermissionsExt as _;
    let (sandbox, home) = (sandbox().await, Home::new());
    let bot = home.serving(&sandbox).await;
    let picture = home.work().join("picture.png");
    std::fs::write(&picture, "a picture").unwrap();
    home.run(&["ask", "Deploy?", "--attach", picture.to_str().unwrap()]).await.must(0, &[]);
    assert!(
        click(&sandbox.user("maya").unwrap(), &open_card(&sandbox, 1).await, "approve").await.ok
    );
    // Others write all the while.
    let writing = tokio::task::spawn_blocking({
        let store = Store::open(&home.store(), None, wall_time()).unwrap();
        move || {
            (0..200).for_each(|n| {
                drop(store.decisions().ask(long(&n.to_string()), terms(), wall_time()).unwrap())
            })
        }
    });
    let file = home.path().join("backup.db");
    let done = home.run(&["backup", file.to_str().unwrap()]).await;
    done.must(0, &["checked and sound", "1 file is in"]);
    writing.await.unwrap();
    println!("{}", done.out);

    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = home.path().join("backup.db.files");
    assert_eq!((mode(&file), mode(&folder)), (0o600, 0o700));
    let kept: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (std::fs::read_to_string(&kept[0]).unwrap().as_str(), mode(&kept[0])),
        ("a picture", 0o600)
    );
    let beside = std::fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(beside.filter(|name| name.ends_with(".part")).count(), 0, "nothing half is left");

    let args = ["show", "1", "--store", file.to_str().unwrap()];
    Program::start(home.bare(&args)).ended().await.must(0, &["approved by Maya"]);
    assert_eq!(audit(&file).fault, None);
    drop(bot);

    home.run(&["backup", file.to_str().unwrap()]).await.must(2, &["already exists", "--force"]);
    home.run(&["backup", file.to_str().unwrap(), "--force"]).await.must(0, &["201 decisions"]);
    home.run(&["backup", home.store().to_str().unwrap(), "--force"])
        .await
        .must(2, &["this is the store itself"]);
    home.run(&["backup", home.work().to_str().unwrap(), "--force"])
        .await
        .must(2, &["this is a folder"]);
    home.run(&["backup", "/nowhere/at/all.db"])
        .await
        .must(1, &["/nowhere/at/all.db cannot be written"]);
}

#[tokio::test]
async fn a_store_that_is_not_sound_makes_no_backup_and_a_missing_file_is_named() {
    let home = Home::new();
    let picture = home.work().join("picture.png");
    std::fs::write(&picture, "a picture").unwrap();
    home.run(&["ask", "Deploy?", "--attach", picture.to_str().unwrap()]).await.must(0, &[]);
    let file = home.path().join("backup.db");
    for entry in std::fs::read_dir(home.path().join("gander.db.files")).unwrap() {
        std::fs::write(entry.unwrap().path(), "another picture").unwrap();
    }
    home.run(&["backup", file.to_str().unwrap()]).await.must(1, &["missing or damaged"]);
    assert!(file.exists(), "all else is saved");
    let forger = rusqlite::Connection::open(home.store()).unwrap();
    forger.execute("UPDATE event SET at = at + 1", []).unwrap();
    home.run(&["backup", file.to_str().unwrap(), "--force"])
        .await
        .must(1, &["nothing was backed up", "event 1, of #1"]);
    assert_eq!(audit(&file).fault, None, "the one from before is still there");
}

/// Lets everything in the store have happened this much earlier: the chain is made anew.
fn age(path: &Path, days: i64) {
    let home = Home::new();
    let aged = Store::open(&home.store(), None, wall_time()).unwrap();
    let store = Store::open(path, None, wall_time()).unwrap();
    let earlier = |at: Time| at - chrono::TimeDelta::days(days);
    for logged in store.event_log().events(0, usize::MAX).unwrap() {
        match logged.event {
            gander::core::decision::event::Event::Asked { request, terms } => {
                drop(aged.decisions().ask(*request, terms, earlier(logged.at)).unwrap())
            }
            event => drop(
                aged.decisions()
                    .change(logged.decision, earlier(logged.at), Box::new(move |_| Ok(Some(event))))
                    .unwrap()
                    .unwrap(),
            ),
        }
    }
    for decision in store.decisions().list(&Filter::default()).unwrap() {
        for card in store.messages().cards_of(decision.id).unwrap() {
            let PostState::Posted { channel, .. } = &card.state else { panic!("{card:?}") };
            let (item, place, channel) = (card.items[0], card.place, channel.clone());
            let (generation, at) = (card.generation, card.opened_at);
            let id = aged
                .messages()
                .open_card(NewCard { item, generation, place, channel, at })
                .unwrap()
                .id;
            aged.messages().put_post_state(id, generation, card.state).unwrap();
        }
    }
    let tag = store.tag().to_owned();
    drop((store, aged));
    std::fs::copy(home.store(), path).unwrap();
    let aged = rusqlite::Connection::open(path).unwrap();
    aged.execute("UPDATE meta SET value = ?1 WHERE key = 'tag'", [tag]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_over_long_ago_loses_its_long_part_and_nothing_else() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let bot = home.serving(&sandbox).await;
    let picture = |name: &str| {
        let path = home.work().join(name);
        std::fs::write(&path, format!("picture {name}")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (first, second) = (picture("first.png"), picture("second.png"));
    home.run(&[
        "ask",
        "Deploy?",
        "--observation",
        "A secret observation",
        "--attach",
        &first,
        "--attach",
        &second,
    ])
    .await
    .must(0, &[]);
    home.run(&["ask", "Open?", "--observation", "Still needed", "--attach", &second])
        .await
        .must(0, &[]);
    let maya = sandbox.user("maya").unwrap();
    assert!(click(&maya, &open_card(&sandbox, 1).await, "approve").await.ok);
    home.run(&["wait", "1"]).await.must(0, &["approved by Maya"]);
    let card = card_that(&sandbox, 1, "tells that it was picked up", |card| {
        card.0.to_string().contains("agent picked it up")
    })
    .await;
    open_card(&sandbox, 2).await;
    crate::common::truth::cards_are_recorded(&home).await;
    bot.signal("TERM").await;
    bot.ended().await.must(0, &[]);
    age(&home.store(), 91);
    age_files(&home.path().join("gander.db.files"));
    prune_what_is_90_days_old(&home).await;

    let bot = home.serving(&sandbox).await;
    home.run(&["ask", "Afterwards?"]).await.must(0, &[]);
    open_card(&sandbox, 3).await;
    let now = card_that(&sandbox, 1, "is there", |_| true).await;
    assert_eq!(now.0, card.0, "the card hangs as it hung");
    bot.signal("TERM").await;
    bot.ended().await.must(0, &[]);
}

/// As if nobody had touched these files for long.
fn age_files(folder: &Path) {
    let old = std::fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        std::fs::File::options().write(true).open(path).unwrap().set_times(old).unwrap();
    }
}

async fn prune_what_is_90_days_old(home: &Home) {
    home.run(&["prune", "--older-than", "2h"]).await.must(2, &["at least a day"]);
    home.run(&["prune", "--older-than", "92d"]).await.must(0, &["pruned 0 decisions"]);
    home.run(&["prune", "--older-than", "90d", "--dry-run"])
        .await
        .must(0, &["would prune 1 decisions"]);
    home.run(&["show", "1"]).await.must(0, &["A secret observation"]);
    home.run(&["prune", "--older-than", "90d"])
        .await
        .must(0, &["pruned 1 decisions", "1 files of 17 bytes"]);
    assert_eq!(
        std::fs::read_dir(home.path().join("gander.db.files")).unwrap().count(),
        1,
        "the open one's file stays"
    );

    let shown = home.run(&["show", "1"]).await;
    shown.must(
        0,
        &["Deploy?", "approved by Maya; picked up", "Pruned ", "long texts and files were removed"],
    );
    assert!(!shown.out.contains("secret observation"), "{shown:#?}");
    home.run(&["show", "2"]).await.must(0, &["Still needed"]);
    home.run(&["audit", "verify"]).await.must(
        0,
        &["The hash chain is intact", "1 decisions were pruned: 1 events", "The file is sound"],
    );
    let export = home.run(&["audit", "export"]).await.out;
    let lines: Vec<Value> =
        export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines[0]["text"].is_null() && lines[0]["digest"].is_string(), "{}", lines[0]);
    let help = home.run(&["audit", "export", "--help"]).await.out;
    python(&help, &export, "holds to", "");
    let bytes = std::fs::read(home.store()).unwrap();
    assert!(
        !bytes.windows(18).any(|part| part == b"secret observation"),
        "not even in the file's unused parts"
    );
}

/// Killed at any moment, it has removed each row with all that belongs to it, or left it; and the
/// next run goes on.
#[tokio::test(flavor = "multi_thread")]
async fn pruning_that_is_killed_leaves_a_sound_store_and_is_finished_by_the_next() {
    let home = Home::new();
    three(&home.store(), wall_time() - chrono::TimeDelta::days(100));
    let fill = "
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000)
        INSERT INTO posting (purpose, place, document, opened_at, behind, final)
        SELECT 'batch', 'channel:c', '{\"purpose\":\"batch\",\"project\":\"default\"}', 1, 0, 1 \
            FROM n;
        INSERT INTO posting_item (posting, decision, since, seen, returns) SELECT id, 2, 1, 1, 0 FROM posting;
        UPDATE posting_item SET decision = 1 WHERE posting <= 10;";
    rusqlite::Connection::open(home.store()).unwrap().execute_batch(fill).unwrap();
    let count = |what: &str| column::<i64>(&home.store(), &format!("SELECT count(*) FROM {what}"));
    let pruning = Program::start(home.gander(&["prune", "--older-than", "90d"]));
    let begun = async {
        while count("posting") == 20_000 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), begun).await.unwrap();
    pruning.kill().await;
    let left = count("posting");
    assert!(left < 20_000, "{left}");
    assert_eq!(count("posting_item"), left);
    assert_eq!(count("pragma_foreign_key_check"), 0);
    assert_eq!(audit(&home.store()).fault, None);
    home.run(&["prune", "--older-than", "90d"])
        .await
        .must(0, &[&format!("the records of {} lists", left - 10)]);
    assert_eq!(
        (count("posting"), count("posting WHERE id <= 10")),
        (10, 10),
        "what an open one is on stays"
    );
    home.run(&["show", "1"]).await.must(0, &["the long text of one"]);
}
