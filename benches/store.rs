//! What a store costs that has lived long: 1,000,000 decisions, of which 10,000 are open.
//!
//! `cargo bench --bench store` prints the figures and judges none; with `-- --quick` the store is a
//! hundredth of that.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::{
    Decision, DecisionId, Kind, Person, Priority, Request, Risk, State, Terms, Verdict, Via,
};
use gander::core::event::Event;
use gander::core::permission::{ApproverRule, Role, Voter};
use gander::core::policy::Rules;
use gander::engine::Handle;
use gander::engine::clock::TestClock;
use gander::store::chain;
use gander::store::sqlite::SqliteStore;
use gander::store::{Filter, Store};
use rusqlite::{Connection, params};

/// Decisions on a page of `/attention`.
const PAGE: usize = 6;

#[derive(Clone, Copy)]
struct Counts {
    decisions: i64,
    open: i64,
    rounds: usize,
}

const FULL: Counts = Counts { decisions: 1_000_000, open: 10_000, rounds: 200 };
const QUICK: Counts = Counts { decisions: 10_000, open: 1_000, rounds: 20 };

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

/// Makes the store in one transaction, as the program itself would have made it over years.
fn fill(path: &Path, counts: Counts) {
    drop(SqliteStore::open(path, None, noon()).unwrap());
    let mut connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; PRAGMA foreign_keys = OFF",
        )
        .unwrap();
    let transaction = connection.transaction().unwrap();
    let mut log = Log { hash: String::new(), seq: 0 };
    {
        let mut event = transaction
            .prepare("INSERT INTO event (seq, at, decision, body, text, digest, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
            .unwrap();
        let mut decision = transaction
            .prepare(
                "INSERT INTO decision (id, state, project, returns, changed, kind, risk, priority, breach_at, asked_at, over_at, document)
                 VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )
            .unwrap();
        let mut card = transaction
            .prepare(
                "INSERT INTO delivery (decision, generation, returns, channel, intent_at, message, shown)
                 VALUES (?1, 1, 0, '7', ?2, ?3, ?4)",
            )
            .unwrap();
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
                };
                state = log.append(&mut event, state, &resolved, at + TimeDelta::seconds(60));
            }
            let over = match &state.state {
                State::Resolved(resolved) => Some(resolved.at.timestamp_millis()),
                _ => None,
            };
            decision
                .execute(params![
                    n,
                    state.state.word(),
                    state.request.project,
                    state.changed.cast_signed(),
                    state.request.kind.as_str(),
                    state.terms.risk.as_str(),
                    state.request.priority.as_str(),
                    state.breach_at().timestamp_millis(),
                    state.asked_at.timestamp_millis(),
                    over,
                    serde_json::to_string(&state).unwrap(),
                ])
                .unwrap();
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
            state.id.0,
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

/// How long each of these took, printed.
fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| {
        times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1_000.0
    };
    println!("  {what:<66}{:>7}{:>10.2}{:>10.2}{:>10.2}", times.len(), at(50), at(99), at(100));
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
    let arguments: Vec<String> = std::env::args().collect();
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    // Without cargo bench's own argument it is run as a test: then it only has to work.
    let counts = if has("--quick") || !has("--bench") { QUICK } else { FULL };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("gander.db");
    let start = Instant::now();
    fill(&path, counts);
    let size = std::fs::metadata(&path).unwrap().len() >> 20;
    let Counts { decisions, open, rounds } = counts;
    println!(
        "\n{decisions} decisions, {open} of them open: made in {:.1} s, {size} MiB",
        start.elapsed().as_secs_f64()
    );
    println!("  {:<66}{:>7}{:>10}{:>10}{:>10}", "milliseconds", "n", "p50", "p99", "max");
    measure(&path, counts);
    let store = SqliteStore::open(&path, None, noon()).unwrap();
    let start = Instant::now();
    let audit = store.audit().unwrap();
    assert_eq!(audit.fault, None);
    println!(
        "  audit of all of it: {:.1} s ({rounds} rounds above)\n",
        start.elapsed().as_secs_f64()
    );
}

fn measure(path: &Path, counts: Counts) {
    let Counts { decisions, rounds, .. } = counts;
    let few = (rounds / 10).max(5);
    print(
        "cold start: the store is opened",
        timed(few, |_| SqliteStore::open(path, None, noon()).unwrap()),
    );
    let store = Arc::new(SqliteStore::open(path, None, noon()).unwrap());
    print(
        "cold start: which cards are not as they should be",
        timed(few, |_| store.unsettled().unwrap()),
    );
    print(
        "cold start: which decisions are open (numbers alone)",
        timed(few, |_| store.open_ids().unwrap()),
    );
    print("which is the next to come back", timed(rounds, |_| store.next_wake().unwrap()));
    let spread = |round: usize| DecisionId(i64::try_from(round).unwrap() * 7_919 % decisions + 1);
    print("one decision", timed(rounds, |round| store.get(spread(round)).unwrap().unwrap()));
    print("one decision's history", timed(rounds, |round| store.history(spread(round)).unwrap()));

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let dyn_store: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
    let handle = Handle::new(dyn_store, rules(), Arc::new(TestClock::at(noon())));
    let page =
        |offset| runtime.block_on(handle.attention_page(Some(&voter()), offset, PAGE)).unwrap();
    let count = page(0).count;
    print(
        &format!("/attention of somebody on whom {count} wait: the first page"),
        timed(rounds, |_| page(0)),
    );
    print("/attention: a page in the middle", timed(rounds, |_| page(count / 2)));
    let anybody = || runtime.block_on(handle.attention_page(None, 0, PAGE)).unwrap();
    print("what waits on anybody: the first page", timed(rounds, |_| anybody()));
    let all = || runtime.block_on(handle.attention(None)).unwrap();
    print("gander attention: all that waits, whole", timed(few, |_| all()));
    let whole = || store.list(&Filter { open_only: true, ..Filter::default() }).unwrap();
    print("beside it: all that is open, whole", timed(few, |_| whole()));

    let ask = |round: usize| {
        store
            .ask(question(i64::try_from(round).unwrap()), terms(1), noon())
            .unwrap()
            .into_decision()
    };
    print("ask, durable", timed(rounds, ask));
    let keyed = |round: usize| Request { dedup_key: Some(format!("k{round}")), ..question(1) };
    print(
        "ask with a key, durable",
        timed(rounds, |round| store.ask(keyed(round), terms(1), noon()).unwrap()),
    );
}
