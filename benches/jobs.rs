//! What the queue of jobs costs: enqueue, lease and complete, each durable, beside what SQLite
//! itself does; and the next job among 100,000 that are queued.
//!
//! `cargo bench --bench jobs` prints the figures, and judges that the next job takes less than
//! 1 ms; with `-- --smoke` the numbers are a hundredth of that, and nothing is judged.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::{Priority, Request, Terms};
use gander::core::jobs::{Job, JobQuestion, JobRequest, JobResult, JobRules, LeaseRef};
use gander::store::{AskAboutJob, LeaseRequest, Store};
use rusqlite::{Connection, params};

use common::report::{Rate, Table, machine};
use common::size;
use common::wire::folder;

#[derive(Clone, Copy)]
struct Counts {
    /// Jobs for the rates.
    jobs: usize,
    /// Jobs that are queued when the next is taken.
    queued: usize,
    /// How often the next is taken.
    rounds: usize,
    /// The longest median of taking the next.
    limit: Option<Duration>,
}

const FULL: Counts =
    Counts { jobs: 5_000, queued: 100_000, rounds: 500, limit: Some(Duration::from_millis(1)) };
const SMOKE: Counts = Counts { jobs: 100, queued: 1_000, rounds: 20, limit: None };

/// Callers at a time: they share commits.
const CALLERS: usize = 64;
/// Rows of a batch.
const BATCH: usize = 1_000;

struct Plain;

impl AskAboutJob for Plain {
    fn question(&self, job: &Job, _: JobQuestion) -> (Request, Terms) {
        (Request { title: job.request.title.clone(), ..Request::default() }, Terms::default())
    }

    fn withdrawal(&self) -> String {
        String::new()
    }
}

fn noon() -> Time {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn rules() -> JobRules {
    JobRules { running: u32::MAX, running_per_project: u32::MAX, ..JobRules::default() }
}

/// The `n`th job: of one of 50 projects, with a deadline or without.
fn request(n: usize) -> JobRequest {
    let priority = [Priority::Low, Priority::Normal, Priority::High, Priority::Urgent][n % 7 % 4];
    let days = i64::try_from(n % 40).unwrap();
    JobRequest {
        title: format!("Mend the checkout, part {n}"),
        prompt: "The plan, step by step. ".repeat(8),
        project: format!("project-{}", n % 50),
        priority,
        deadline: n.is_multiple_of(2).then(|| noon() + TimeDelta::days(days - 10)),
        ..JobRequest::default()
    }
}

fn enqueue(store: &Store, n: usize) {
    store.jobs().enqueue(request(n), rules(), Arc::new(Plain), noon()).unwrap();
}

fn lease(store: &Store, at: Time) -> Option<Job> {
    let worker = LeaseRequest { worker: "bench".into(), ..LeaseRequest::default() };
    store.jobs().lease(worker, rules(), Arc::new(Plain), at).unwrap()
}

fn complete(store: &Store, job: &Job) {
    let lease = LeaseRef::of(job).unwrap();
    let finish = move |job: &Job| job.finish(&lease, JobResult::default()).map(Some);
    store.jobs().change(job.id, Arc::new(Plain), noon(), Box::new(finish)).unwrap().unwrap();
}

/// Calls `act` so often, by so many callers at a time.
fn at_once(times: usize, callers: usize, act: impl Fn(usize) + Sync) -> Rate {
    let (next, start) = (AtomicUsize::new(0), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= times {
                        break;
                    }
                    act(n);
                }
            });
        }
    });
    Rate::new(times, start.elapsed())
}

/// A bare table of jobs, as small as a queue's can be.
fn bare(path: &Path, synchronous: &str) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous};
             CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, body TEXT NOT NULL)"
        ))
        .unwrap();
    connection
}

fn one_row_inserts(path: &Path, synchronous: &str, rows: usize) -> Rate {
    let connection = bare(path, synchronous);
    let body = serde_json::to_string(&request(1)).unwrap();
    let mut insert = connection.prepare("INSERT INTO bare (body) VALUES (?1)").unwrap();
    let start = Instant::now();
    for _ in 0..rows {
        insert.execute(params![body]).unwrap();
    }
    Rate::new(rows, start.elapsed())
}

fn batches(path: &Path, synchronous: &str, rows: usize) -> Rate {
    let mut connection = bare(path, synchronous);
    let body = serde_json::to_string(&request(1)).unwrap();
    let start = Instant::now();
    for _ in 0..rows.div_ceil(BATCH) {
        let transaction = connection.transaction().unwrap();
        {
            let mut insert =
                transaction.prepare_cached("INSERT INTO bare (body) VALUES (?1)").unwrap();
            for _ in 0..BATCH {
                insert.execute(params![body]).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
    Rate::new(rows.div_ceil(BATCH) * BATCH, start.elapsed())
}

fn rates(folder: &Path, counts: Counts) -> Table {
    let mut table = Table::default();
    let floor_path = folder.join("bare.db");
    table.heading("a second; times one-row durable inserts", &["a second", "times"]);
    let floor = one_row_inserts(&floor_path, "FULL", counts.jobs.min(2_000));
    table.rate("SQLite: one row a commit, FULL", floor, Some(floor));
    let normal = one_row_inserts(&floor_path, "NORMAL", counts.jobs);
    table.rate("SQLite: one row a commit, NORMAL", normal, Some(floor));
    for synchronous in ["FULL", "NORMAL"] {
        let batch = batches(&floor_path, synchronous, counts.jobs * 20);
        let what = format!("SQLite: {BATCH} rows a commit, {synchronous}");
        table.rate(&what, batch, Some(floor));
    }
    for callers in [1, CALLERS] {
        let path = folder.join(format!("queue-{callers}.db"));
        let store = Store::open(&path, None, noon()).unwrap();
        let jobs = if callers == 1 { counts.jobs / 5 } else { counts.jobs };
        let of = |what: &str| format!("{what}, durable (FULL), {callers} at a time");
        let rate = at_once(jobs, callers, |n| enqueue(&store, n));
        table.rate(&of("enqueue"), rate, Some(floor));
        let leased = std::sync::Mutex::new(Vec::new());
        let rate = at_once(jobs, callers, |_| {
            let job = lease(&store, noon()).unwrap();
            leased.lock().unwrap().push(job);
        });
        table.rate(&of("lease"), rate, Some(floor));
        let leased = leased.into_inner().unwrap();
        let rate = at_once(jobs, callers, |n| complete(&store, &leased[n]));
        table.rate(&of("complete"), rate, Some(floor));
    }
    table
}

fn timed(rounds: usize, mut act: impl FnMut()) -> Vec<Duration> {
    let once = |_| {
        let start = Instant::now();
        act();
        start.elapsed()
    };
    (0..rounds).map(once).collect()
}

/// Leases the next of many, with the disk's part taken out: the commit is not awaited.
fn next_of_many(folder: &Path, counts: Counts) -> (Table, Duration) {
    let store = Store::open(&folder.join("many.db"), None, noon()).unwrap();
    at_once(counts.queued, CALLERS, |n| enqueue(&store, n));
    let mut table = Table::default();
    table.heading("milliseconds", &["n", "p50", "p99", "max"]);
    let name = format!("{} queued: the next job, without its commit", counts.queued);
    let find = timed(counts.rounds, || {
        let worker = LeaseRequest { worker: "bench".into(), ..LeaseRequest::default() };
        assert!(store.jobs().peek(&worker, &rules()).unwrap().is_some());
    });
    table.times(&name, &find, None);
    let leases = timed(counts.rounds, || drop(lease(&store, noon()).unwrap()));
    table.times("the next job, leased, durable (FULL)", &leases, None);
    let later = noon() + TimeDelta::days(1);
    let shift = timed(1, || drop(lease(&store, later).unwrap()));
    table.times("the first after a day: urgencies computed anew", &shift, None);
    let mut find = find;
    find.sort_unstable();
    let median = find[find.len() / 2];
    let start = Instant::now();
    assert_eq!(store.audit().verify().unwrap().fault, None);
    println!("complete audit: {:.1} s", start.elapsed().as_secs_f64());
    (table, median)
}

fn main() {
    let counts = size::chosen(FULL, SMOKE);
    let folder = folder();
    println!("\n{}", machine());
    println!("{}", rates(folder.path(), counts));
    let (table, median) = next_of_many(folder.path(), counts);
    println!("{table}");
    if let Some(limit) = counts.limit {
        assert!(median < limit, "the next job takes {median:?}, more than {limit:?}");
    }
}
