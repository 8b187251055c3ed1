//! What a store costs that has lived long: 1,000,000 decisions, of which 10,000 are open.
//!
//! `cargo bench --bench store` prints the figures and judges none but the audit, which must find
//! nothing; with `-- --smoke` the store is a thousandth of that.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::authorization::{ApproverRule, Grounds, Role, Voter};
use gander::core::decision::event::Event;
use gander::core::decision::{
    Decision, DecisionId, Kind, Person, Priority, Request, Risk, Terms, Verdict, Via,
};
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use gander::engine::clock::TestClock;
use gander::store::chain::{self, LogSubject};
use gander::store::{Filter, Store};
use rusqlite::{Connection, params};

use common::report::{Table, machine};
use common::size;
use common::wire::folder;

/// Decisions on a page of `/attention`.
const PAGE: usize = 6;

#[derive(Clone, Copy)]
struct Counts {
    decisions: i64,
    open: i64,
    rounds: usize,
}

const FULL: Counts = Counts { decisions: 1_000_000, open: 10_000, rounds: 200 };
const SMOKE: Counts = Counts { decisions: 1_000, open: 100, rounds: 5 };

fn noon() -> Time {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn terms(n: i64) -> Terms {
    let risk =
        [Risk::Low, Risk::Medium, Risk::High, Risk::Critical][usize::try_from(n % 4).unwrap()];
    Terms { risk, sla_seconds: 3_600 + u64::try_from(n % 977).unwrap() * 60, ..Terms::default() }
}

/// The `n`th question: a few hundred bytes, as agents ask.
fn question(n: i64) -> Request {
    let priority = [Priority::Low, Priority::Normal, Priority::High, Priority::Urgent]
        [usize::try_from(n % 7 % 4).unwrap()];
    let mut request = Request {
        title: format!("Deploy change {n} of the checkout?"),
        project: format!("project-{}", n % 50),
        kind: Kind::from(
            ["deploy", "code_review", "naming", "routine"][usize::try_from(n % 3).unwrap()],
        ),
        body: "The plan, step by step. ".repeat(8),
        risk: terms(n).risk,
        priority,
        ..Request::default()
    };
    request.agent.name = "goose".into();
    request.insight.observation = "All stages are green.".into();
    request
}

const INSERT_EVENT: &str = "
    INSERT INTO event (seq, at, decision, body, text, digest, hash)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const INSERT_DECISION: &str = "
    INSERT INTO decision (id, document, state, project, returns, changed, wake_at, kind, risk,
                          priority, breach_at, asked_at, over_at, agent, verdict, via)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
const INSERT_CARD: &str = "
    INSERT INTO posting (id, purpose, place, document, opened_at, channel, intent_at, message,
                         shown, drawn, behind, decision, seen, returns)
    VALUES (-?1, 'card', 'project:p', json_object('purpose', 'card', 'decision', ?1), ?2, '7', ?2,
            ?3, ?4, 1, 0, ?1, 1, 0)";

/// Makes the store in one transaction, as the program itself would have made it over years.
fn fill(path: &Path, counts: Counts) {
    drop(Store::open(path, None, noon()).unwrap());
    let mut connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; PRAGMA foreign_keys = OFF",
        )
        .unwrap();
    let transaction = connection.transaction().unwrap();
    let mut log = Log { hash: String::new(), seq: 0 };
    {
        let mut event = transaction.prepare(INSERT_EVENT).unwrap();
        let mut decision = transaction.prepare(INSERT_DECISION).unwrap();
        let mut card = transaction.prepare(INSERT_CARD).unwrap();
        for n in 1..=counts.decisions {
            let at = noon() - TimeDelta::seconds(counts.decisions - n);
            let asked = Event::Asked { request: Box::new(question(n)), terms: terms(n) };
            let mut state = Decision::new(DecisionId(n), question(n), terms(n), at);
            state = log.append(&mut event, state, &asked, at);
            if n <= counts.decisions - counts.open {
                let by = Person::discord(1, "Maya");
                let resolved = Event::Resolved {
                    verdict: Verdict::approved(),
                    by,
                    via: Via::Discord,
                    with: Vec::new(),
                    grounds: Grounds::default(),
                    attested: None,
                };
                state = log.append(&mut event, state, &resolved, at + TimeDelta::seconds(60));
            }
            keep(&mut decision, &state);
            card.execute(params![
                n,
                at.timestamp_millis(),
                n.to_string(),
                state.changed.cast_signed()
            ])
            .unwrap();
        }
    }
    transaction.commit().unwrap();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}

/// What is kept of a decision beside its log. The audit compares all of it.
fn keep(insert: &mut rusqlite::Statement<'_>, decision: &Decision) {
    let millis = |at: Option<Time>| at.map(|at| at.timestamp_millis());
    let resolved = decision.verdict().ok();
    insert
        .execute(params![
            decision.id.0,
            serde_json::to_string(decision).unwrap(),
            decision.state.word(),
            decision.request.project,
            decision.returns,
            decision.changed.cast_signed(),
            millis(decision.wake_at()),
            decision.request.kind.as_str(),
            decision.terms.risk.as_str(),
            decision.request.priority.as_str(),
            millis(Some(decision.breach_at())),
            millis(Some(decision.asked_at)),
            millis(decision.state.over_at()),
            decision.request.agent.name,
            resolved.map(|resolved| resolved.verdict.word()),
            resolved.map(|resolved| resolved.via.word()),
        ])
        .unwrap();
}

/// The end of the log while it is being made.
struct Log {
    hash: String,
    seq: u64,
}

impl Log {
    fn append(
        &mut self,
        insert: &mut rusqlite::Statement<'_>,
        state: Decision,
        event: &Event,
        at: Time,
    ) -> Decision {
        self.seq += 1;
        let mut short = event.clone();
        let text = short.take_content().map(|content| serde_json::to_string(&content).unwrap());
        let body = serde_json::to_string(&short).unwrap();
        let digest = text.as_ref().map(|text| chain::digest(text.as_bytes()));
        let (millis, digested) = (at.timestamp_millis(), digest.as_deref().map(str::as_bytes));
        self.hash = chain::link(
            self.hash.as_bytes(),
            self.seq,
            millis,
            LogSubject::Decision(state.id.0),
            digested,
            body.as_bytes(),
        );
        insert
            .execute(params![
                self.seq.cast_signed(),
                millis,
                state.id.0,
                body,
                text,
                digest,
                self.hash
            ])
            .unwrap();
        state.evolve(event, at, self.seq)
    }
}

fn timed<T>(rounds: usize, mut call: impl FnMut(usize) -> T) -> Vec<Duration> {
    let once = |round| {
        let start = Instant::now();
        std::hint::black_box(call(round));
        start.elapsed()
    };
    (0..rounds).map(once).collect()
}

fn voter() -> Voter {
    let role = Role { id: 9, name: "Approvers".into() };
    Voter { person: Person::discord(2, "Jonas"), roles: vec![role], owner: false }
}

/// Forty rules, of which this person is let in by some: as a company would have them.
fn rules() -> Rules {
    let of = |n: u64| ApproverRule {
        users: vec![1_000 + n],
        roles: if n.is_multiple_of(2) { vec!["Approvers".into()] } else { vec!["Others".into()] },
        projects: vec![format!("project-{n}")],
        ..ApproverRule::default()
    };
    Rules { approvers: (0..40).map(of).collect(), ..Rules::default() }
}

fn main() {
    let counts = size::chosen(FULL, SMOKE);
    let folder = folder();
    let path = folder.path().join("gander.db");
    let start = Instant::now();
    fill(&path, counts);
    let size = std::fs::metadata(&path).unwrap().len() >> 20;
    let Counts { decisions, open, .. } = counts;
    println!(
        "\n{decisions} decisions, {open} of them open: created in {:.1} s, {size} MiB; {}",
        start.elapsed().as_secs_f64(),
        machine()
    );
    println!("{}", measure(&path, counts));
    let store = Store::open(&path, None, noon()).unwrap();
    let start = Instant::now();
    let audit = store.audit().verify().unwrap();
    assert_eq!(audit.fault, None);
    println!("  complete audit: {:.1} s", start.elapsed().as_secs_f64());
}

fn measure(path: &Path, counts: Counts) -> Table {
    let mut table = Table::default();
    table.heading("milliseconds", &["n", "p50", "p99", "max"]);
    let mut print = |what: &str, times: Vec<Duration>| table.times(what, &times, None);
    let Counts { decisions, rounds, .. } = counts;
    let few = (rounds / 10).max(5);
    print("cold start: open the store", timed(few, |_| Store::open(path, None, noon()).unwrap()));
    let store = Arc::new(Store::open(path, None, noon()).unwrap());
    print(
        "cold start: list outdated cards",
        timed(few, |_| store.messages().outdated_cards().unwrap()),
    );
    print(
        "cold start: list open decisions (ids only)",
        timed(few, |_| store.decisions().open_ids().unwrap()),
    );
    print(
        "find the next return from a deferral",
        timed(rounds, |_| store.decisions().next_wake().unwrap()),
    );
    let spread = |round: usize| DecisionId(i64::try_from(round).unwrap() * 7_919 % decisions + 1);
    print(
        "one decision",
        timed(rounds, |round| store.decisions().get(spread(round)).unwrap().unwrap()),
    );
    print(
        "one decision's history",
        timed(rounds, |round| store.event_log().history(spread(round)).unwrap()),
    );

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let handle = Handle::new(Arc::clone(&store), rules(), Arc::new(TestClock::at(noon())));
    let page =
        |offset| runtime.block_on(handle.attention().page(Some(&voter()), offset, PAGE)).unwrap();
    let count = page(0).count;
    print(&format!("/attention with {count} waiting: first page"), timed(rounds, |_| page(0)));
    print("/attention: a middle page", timed(rounds, |_| page(count / 2)));
    let anybody = || runtime.block_on(handle.attention().page(None, 0, PAGE)).unwrap();
    print("all waiting decisions: first page", timed(rounds, |_| anybody()));
    let all = || runtime.block_on(handle.attention().list(None)).unwrap();
    print("gander attention: all waiting decisions, complete", timed(few, |_| all()));
    let whole =
        || store.decisions().list(&Filter { open_only: true, ..Filter::default() }).unwrap();
    print("for comparison: all open decisions, complete", timed(few, |_| whole()));

    let ask = |round: usize| {
        store
            .decisions()
            .ask(question(i64::try_from(round).unwrap()), terms(1), noon())
            .unwrap()
            .into_decision()
    };
    print("ask, durable", timed(rounds, ask));
    let keyed = |round: usize| Request { dedup_key: Some(format!("k{round}")), ..question(1) };
    print(
        "ask with a key, durable",
        timed(rounds, |round| store.decisions().ask(keyed(round), terms(1), noon()).unwrap()),
    );
    table
}
