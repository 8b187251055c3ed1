//! Stores of other versions: a newer one is left as it is, an older one is brought up to date with
//! all that is in it, also when the program is killed on the way.

use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use gander::core::decision::{Decision, DecisionId};
use gander::core::messaging::message::{FinalPost, MessageId, PostState, Purpose};
use gander::engine::clock::wall_time;
use gander::store::{Filter, Store};
use rusqlite::Connection;

use crate::common::process::{Home, Program};
use crate::store_suite::{ask, noon};

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_and_left_as_it_is() {
    let home = Home::new();
    home.run(&["ask", "Deploy?"]).await.must(0, &[]);
    let newer = Connection::open(home.store()).unwrap();
    newer
        .execute_batch(
            "INSERT INTO refinery_schema_history VALUES (99, 'from_the_future', \
                         '2027-01-01T00:00:00Z', '1')",
        )
        .unwrap();
    newer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(newer);
    let before = std::fs::read(home.store()).unwrap();
    for command in [
        &["ask", "Again?"][..],
        &["show", "1"],
        &["attention"],
        &["audit", "verify"],
        &["prune", "--older-than", "90d"],
    ] {
        home.run(command)
            .await
            .must(70, &["a newer Gander wrote it", "Nothing was changed", "Use the newer version"]);
    }
    assert_eq!(std::fs::read(home.store()).unwrap(), before);
}

const FIRST: &str = include_str!("../../fixtures/stores/v1.sql");

fn of_the_first_version(path: &Path) -> Connection {
    let old = Connection::open(path).unwrap();
    old.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF",
    )
    .unwrap();
    old.execute_batch(FIRST).unwrap();
    old
}

#[tokio::test]
async fn a_store_of_an_older_version_is_brought_up_to_date_with_all_that_is_in_it() {
    let home = Home::new();
    let old = of_the_first_version(&home.store());
    let rows = |connection: &Connection, sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    // What waits has a ladder since.
    let kept = "SELECT document FROM decision WHERE state <> 'pending'
                UNION ALL SELECT body || coalesce(text, '') || hash FROM event";
    let before = rows(&old, kept);
    assert_eq!(before.len(), 10, "3 of 4 decisions and 7 events");
    drop(old);

    home.run(&["attention"]).await.must(0, &["pending"]);
    assert_eq!(rows(&Connection::open(home.store()).unwrap(), kept), before);
    // Replaying compares what is searched by, too: all that the migration has filled in.
    home.run(&["audit", "verify"])
        .await
        .must(0, &["4 decisions match the log", "The file is sound"]);
    let store = Store::open(&home.store(), None, wall_time()).unwrap();
    assert_eq!(store.decisions().list(&Filter::default()).unwrap().len(), 4);
    assert_eq!(
        store.messages().outdated_cards().unwrap(),
        [DecisionId(2), DecisionId(3)],
        "one without a card, one whose card shows an earlier state"
    );
    assert_eq!(store.decisions().pending().unwrap().len(), 1);
    assert_eq!(
        store.availability().people_with_actions().unwrap(),
        [(1, "Maya".to_owned())],
        "who has acted before is known"
    );
    assert_eq!(
        store.messages().outdated(None).unwrap(),
        [],
        "no batch is made of what has its card"
    );
    drop(store);
    home.run(&["prune", "--older-than", "1d"]).await.must(0, &["pruned 0 decisions"]);
    home.run(&["show", "3"])
        .await
        .must(0, &["not on a Friday", "A long text about resolved: ü, \"quoted\""]);
    home.run(&["ask", "And now?"]).await.must(0, &["5\n"]);
}

/// Before there was a ladder nothing of it was written; the log tells when one began.
#[tokio::test]
async fn a_store_from_before_the_ladder_gets_its_next_moments_and_stands_as_its_log_tells() {
    let home = Home::new();
    let old = Connection::open(home.store()).unwrap();
    old.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    old.execute_batch(include_str!("../../fixtures/stores/v2.sql")).unwrap();
    drop(old);
    for _ in 0..2 {
        let store = Store::open(&home.store(), None, wall_time()).unwrap();
        let audit = store.audit().verify().unwrap();
        assert_eq!((audit.fault, audit.replayed), (None, 6));
        let hours = |at: Option<gander::core::Time>| {
            Some((at? - store.decisions().get(DecisionId(1)).unwrap()?.asked_at).num_minutes())
        };
        let decision = |id| store.decisions().get(DecisionId(id)).unwrap().unwrap();
        let all = |what: fn(&Decision) -> Option<gander::core::Time>| -> Vec<Option<i64>> {
            (1..=6).map(|id| hours(what(&decision(id)))).collect()
        };
        // Asked; put off for a day; back after a day; undone after 2 h; taken after 3 h; over.
        assert_eq!(
            all(|d| d.wake_at()),
            [30, 1_440, 1_470, 150, 210].map(Some).into_iter().chain([None]).collect::<Vec<_>>()
        );
        assert_eq!(all(|d| Some(d.breach_at())), [270, 270, 1_710, 390, 450, 1_710].map(Some));
        assert_eq!(
            store.decisions().due(gander::core::Time::MAX_UTC).unwrap(),
            [1, 4, 5, 2, 3].map(DecisionId)
        );
        assert_eq!(store.decisions().pending().unwrap().len(), 4);
    }
    home.run(&["audit", "verify"]).await.must(0, &["6 decisions match the log"]);
    // What was forged is not mended on the way: the audit finds it.
    let forged = Home::new();
    let old = Connection::open(forged.store()).unwrap();
    old.execute_batch(include_str!("../../fixtures/stores/v2.sql")).unwrap();
    old.execute(
        "UPDATE decision SET document = replace(document, '\"deferrals\":1', \
                 '\"deferrals\":0') WHERE id = 3",
        [],
    )
    .unwrap();
    drop(old);
    let ended = forged.run(&["audit", "verify"]).await;
    assert!(
        ended.code != Some(0) && format!("{}{}", ended.out, ended.err).contains("#3"),
        "{ended:#?}"
    );
}

/// The cards in a table of before: decision, number, returns, and where each stands.
type Card = (i64, u32, u32, PostState);

/// The safe default waits as long as a late breach promises. An earlier version noted it for its
/// planned time, and found a store damaged that says otherwise.
#[test]
fn a_next_moment_by_the_rules_of_an_earlier_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gander.db");
    let store = Store::open(&path, None, noon()).unwrap();
    let id = ask(&store, "Deploy?").id;
    let late = noon() + TimeDelta::hours(2);
    let fire = move |decision: &Decision| Ok(Some(decision.escalate(late, TimeDelta::zero())?));
    store.decisions().change(id, late, Box::new(fire)).unwrap().unwrap();
    let wakes = noon() + TimeDelta::hours(4);
    let wake = |store: &Store| store.decisions().next_wake().unwrap();
    assert_eq!(wake(&store), Some(wakes), "an hour later than planned, like the breach");
    drop(store);

    let old = Connection::open(&path).unwrap();
    old.execute("UPDATE decision SET wake_at = wake_at - 3600000", []).unwrap();
    old.execute("UPDATE meta SET value = '1' WHERE key = 'filled_in'", []).unwrap();
    drop(old);
    let found = gander::engine::operations::health::checkup(&path, noon());
    let is_old = |words: &str| found.iter().any(|finding| finding.what.contains(words));
    assert!(is_old("upgraded at the next start") && !is_old("damaged"), "{found:#?}");
    let store = Store::open(&path, None, noon()).unwrap();
    assert_eq!(wake(&store), Some(wakes));
    assert_eq!(store.audit().verify().unwrap().fault, None);
}

fn cards_of_before(old: &Connection) -> Vec<Card> {
    let sql = "SELECT decision, generation, returns, channel, intent_at, message, shown, lost
               FROM delivery ORDER BY decision, generation";
    let mut statement = old.prepare(sql).unwrap();
    let card = |row: &rusqlite::Row<'_>| {
        let (channel, message): (String, Option<String>) = (row.get(3)?, row.get(5)?);
        let at = gander::core::Time::from_timestamp_millis(row.get(4)?).unwrap();
        let (shown, lost): (i64, bool) = (row.get(6)?, row.get(7)?);
        let state = match (message, lost) {
            (Some(message), true) => PostState::Final(FinalPost::Deleted { channel, message }),
            (None, true) => PostState::Final(FinalPost::NeverPosted),
            (None, false) => PostState::Creating { channel, at },
            (Some(message), false) if shown == i64::MAX => {
                PostState::Final(FinalPost::Kept { channel, message })
            }
            (Some(message), false) => {
                let shown = u64::try_from(shown).unwrap();
                PostState::Posted { channel, message, shown, list: 1 }
            }
        };
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, state))
    };
    statement.query_map([], card).unwrap().map(Result::unwrap).collect()
}

fn cards(store: &Store) -> Vec<Card> {
    let decisions = store.decisions().list(&Filter::default()).unwrap();
    let mut ids: Vec<DecisionId> = decisions.iter().map(|decision| decision.id).collect();
    ids.sort_unstable();
    let cards = ids.into_iter().flat_map(|id| store.messages().cards_of(id).unwrap());
    cards
        .map(|card| {
            let item = card.items[0];
            assert_eq!(card.purpose, Purpose::Card { decision: item.decision });
            (item.decision.0, card.generation, item.returns, card.state)
        })
        .collect()
}

/// The rows of a query, as text.
fn rows_of(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| {
        let values = (0..columns).map(|column| Ok(format!("{:?}", row.get_ref(column)?)));
        values.collect::<rusqlite::Result<Vec<_>>>().map(|values| values.join("|"))
    };
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

#[test]
fn every_card_of_an_older_store_is_known_as_before() {
    let stores = [
        (1, include_str!("../../fixtures/stores/v1.sql")),
        (2, include_str!("../../fixtures/stores/v2.sql")),
        (8, include_str!("../../fixtures/stores/v8.sql")),
    ];
    for (version, dump) in stores {
        let home = Home::new();
        let old = Connection::open(home.store()).unwrap();
        old.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        old.execute_batch(dump).unwrap();
        let before = cards_of_before(&old);
        drop(old);
        for _ in 0..2 {
            let store = Store::open(&home.store(), None, wall_time()).unwrap();
            assert_eq!(cards(&store), before, "version {version}");
            let audit = store.audit().verify().unwrap();
            assert_eq!(audit.fault, None, "version {version}");
            for (.., state) in &before {
                let Some(message) = state.message_id() else { continue };
                let found = store.messages().with_discord_id(message).unwrap().unwrap();
                assert_eq!(found.state, *state, "version {version}");
            }
        }
    }
}

/// With cards in every state, batches, messages that are not posted yet, and reminders.
#[test]
fn a_store_with_cards_of_their_own_has_the_same_messages_after_them() {
    let home = Home::new();
    let old = Connection::open(home.store()).unwrap();
    old.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    old.execute_batch(include_str!("../../fixtures/stores/v8.sql")).unwrap();
    let messages = |condition: &str| {
        format!(
            "SELECT id, purpose, place, document, opened_at, revision, generation, channel, \
             intent_at, message, shown, drawn, behind, final FROM posting {condition} ORDER BY id"
        )
    };
    let kept = [
        "SELECT * FROM posting_item",
        "SELECT * FROM reminder",
        "SELECT seq, at, decision, body, text, digest, hash FROM event",
    ];
    let before = (rows_of(&old, &messages("")), kept.map(|sql| rows_of(&old, sql)));
    assert_eq!((before.0.len(), cards_of_before(&old).len()), (7, 11));
    drop(old);
    let store = Store::open(&home.store(), None, wall_time()).unwrap();
    let new = Connection::open(home.store()).unwrap();
    let others = rows_of(&new, &messages("WHERE decision IS NULL"));
    assert_eq!((others, kept.map(|sql| rows_of(&new, sql))), before);
    let outdated = [2, 4, 5].map(DecisionId);
    assert_eq!(
        store.messages().outdated_cards().unwrap(),
        outdated,
        "changed, begun, drawn into a batch"
    );
    assert_eq!(store.messages().outdated(None).unwrap(), [4, 5, 7].map(MessageId));
    assert_eq!(store.messages().posted_with_open().unwrap(), [1, 2, 7].map(MessageId));
    assert_eq!(store.messages().cards_to_redirect(MessageId(1)).unwrap(), [DecisionId(5)]);
    assert_eq!(store.messages().batch_card_of(DecisionId(5)).unwrap().unwrap().id, MessageId(1));
    assert_eq!(store.reminders().all().unwrap().len(), 3);
    let faults = rows_of(&new, "SELECT * FROM pragma_foreign_key_check");
    assert_eq!(faults, Vec::<String>::new());
    let again = [gander::store::NewMessage {
        purpose: Purpose::Selection { of: "discord:1".into() },
        place: gander::core::messaging::message::Destination::Nowhere,
        items: Vec::new(),
        at: wall_time(),
    }];
    let ids = again.map(|new| store.messages().open(new).unwrap());
    assert_eq!(ids, [MessageId(8)], "numbers go on");
}

/// Adds copies of decision 4, numbered from 101, so that a migration takes a while.
fn copy_decision_4(old: &Connection, copies: i64) {
    let more =
        "INSERT INTO decision SELECT 100 + value, state, project, NULL, returns, changed, wake_at,
                       replace(document, '\"id\":4', '\"id\":' || (100 + value))
                FROM decision, generate_series(1, ?1) WHERE id = 4";
    let more = more.replace(
        "generate_series(1, ?1)",
        &format!(
            "(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < \
             {copies}) SELECT value FROM n)"
        ),
    );
    old.execute_batch(&more).unwrap();
    old.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}

#[tokio::test]
async fn who_is_killed_while_bringing_it_up_to_date_leaves_it_old_or_new() {
    const MORE: i64 = 20_000;
    let home = Home::new();
    let old = of_the_first_version(&home.store());
    copy_decision_4(&old, MORE);
    drop(old);
    let whole = std::fs::read(home.store()).unwrap();
    let newest = i64::try_from(std::fs::read_dir("migrations").unwrap().count()).unwrap();
    let log = home.path().join("gander.db-wal");
    let mut hit = [0, 0, 0];
    for turn in 0..12_u64 {
        for file in ["gander.db-wal", "gander.db-shm"] {
            let _ = std::fs::remove_file(home.path().join(file));
        }
        std::fs::write(home.store(), &whole).unwrap();
        let mut migrating = Program::start(home.gander(&["attention"]));
        // It writes when SQLite's log grows. Each turn lets it write a little more.
        let written = || std::fs::metadata(&log).map_or(0, |log| log.len());
        let enough = async {
            while written() <= turn * 3_000_000 && migrating.is_running() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(crate::common::process::LIMIT, enough)
            .await
            .expect("it writes, or ends");
        migrating.kill().await;
        let version: i64 = {
            let left = Connection::open(home.store()).unwrap();
            let version = left
                .query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get(0))
                .unwrap();
            let columns =
                "SELECT count(*) FROM pragma_table_info('decision') WHERE name = 'breach_at'";
            let migrated: i64 = left.query_row(columns, [], |row| row.get(0)).unwrap();
            assert_eq!(migrated, i64::from(version > 1), "half a migration");
            version
        };
        // Each migration is a step of its own, and a store between two of them is brought on as an
        // old one is.
        hit[usize::from(version > 1) + usize::from(version == newest)] += 1;
        home.run(&["show", "1"]).await.must(0, &["waits for an answer"]);
        let store = Store::open(&home.store(), None, wall_time()).unwrap();
        assert_eq!(
            (
                store.decisions().pending().unwrap().len(),
                store.audit().first_broken_link().unwrap()
            ),
            (1, None)
        );
        drop(store);
        let now = Connection::open(home.store()).unwrap();
        let sound = "SELECT count(*) FROM decision WHERE breach_at = asked_at + 3600000 AND \
                     over_at IS NOT NULL AND id > 100";
        assert_eq!(now.query_row(sound, [], |row| row.get::<_, i64>(0)).unwrap(), MORE);
    }
    println!(
        "killed while it was brought up to date: {} times left old, {} between two migrations, {} \
         new",
        hit[0], hit[1], hit[2]
    );
    assert!(hit[0] > 0, "never killed before the end: {hit:?}");
}
