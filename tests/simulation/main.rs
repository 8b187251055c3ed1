//! Random histories of a whole store in virtual time, against a small model of what the design
//! promises.
//!
//! The real approval API, timers, reconciler and SQLite store; a clock that jumps; agents, people,
//! rules that change; deaths at any moment; a board of cards that loses answers. Each history
//! follows from its seed. One that fails is shortened and printed with the command that replays it.
//! More of them: `GANDER_SIMULATION_HISTORIES=100000`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test")]

#[path = "../common/mod.rs"]
mod common;
mod jobs;
mod questions;
mod reference;
mod sink;
mod sink_cards;
mod steps;
mod tally;
mod world;

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use common::chance::Chance;
use gander::store::Store;
use tally::Tally;
use world::World;

/// Histories of one run, unless `GANDER_SIMULATION_HISTORIES` says otherwise.
const HISTORIES: u64 = 10_000;
/// One history in so many has a board of cards.
const WITH_SINK: u64 = 10;
/// Steps of a history at most.
const STEPS: u64 = 15;

/// How long a failing history is shortened: one in which nothing comes to rest takes a while each
/// time.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// What each run must have come by.
const MUST_HAPPEN: [&str; 39] = [
    "revised",
    "enforced",
    "deferred",
    "returned",
    "told",
    "voted",
    "proposed",
    "taken",
    "undone",
    "withdrawn",
    "at_desk",
    "left_desk",
    "ended_at_desk",
    "claimed",
    "reported",
    "approved",
    "rejected",
    "chosen",
    "answered",
    "silence approved",
    "silence rejected",
    "rung: reminder",
    "rung: SLA warning",
    "rung: breach",
    "rung: overdue",
    "rungs passed over",
    "reached",
    "held back in quiet hours",
    "not reached",
    "card posted",
    "batch posted",
    "card edited",
    "board: refused",
    "board: answer lost",
    "board: never answered",
    "board: message gone",
    "weather: Outage",
    "weather: ShutOut",
    "weather: NoChannel",
];

/// A history that went wrong.
struct Failure {
    why: String,
    /// The steps that were taken, with their numbers.
    told: Vec<(u64, String)>,
}

fn mixed(seed: u64, number: u64) -> Chance {
    Chance::of(
        Chance::of(seed.wrapping_add(number.wrapping_mul(0x2545_F491_4F6C_DD1D))).below(u64::MAX),
    )
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|given| given.parse().unwrap())
}

/// A store that was just made, as bytes: making one anew for each history would take most of the
/// time.
fn fresh(folder: &Path) -> Vec<u8> {
    let path = folder.join("fresh.db");
    drop(Store::open(&path, None, gander::core::Time::UNIX_EPOCH).unwrap());
    std::fs::read(path).unwrap()
}

/// Lives through a history, without these steps.
fn live(seed: u64, folder: &Path, fresh: &[u8], without: &BTreeSet<u64>) -> Result<Tally, Failure> {
    for end in ["db-wal", "db-shm"] {
        let _ = std::fs::remove_file(folder.join(format!("gander.{end}")));
    }
    let path = folder.join("gander.db");
    std::fs::write(&path, fresh).unwrap();
    // One thread for the store's calls: they come in the order in which they were made.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut chance = mixed(seed, 0);
        let has_sink = chance.one_in(WITH_SINK);
        let steps = 4 + chance.below(STEPS - 3);
        let mut world = World::new(seed, path, has_sink);
        let mut told = Vec::new();
        for step in (1..=steps).filter(|step| !without.contains(step)) {
            match world.step(step, &mut mixed(seed, step)).await {
                Ok(what) => told.push((step, what)),
                Err(why) => {
                    told.push((step, "here it breaks".into()));
                    return Err(Failure { why, told });
                }
            }
        }
        if let Err(why) = world.end().await {
            told.push((steps + 1, "and then nobody answers".into()));
            return Err(Failure { why, told });
        }
        (world.tally.histories, world.tally.with_sink) = (1, u64::from(has_sink));
        Ok(world.close().await)
    })
}

/// Leaves out each step without which it fails all the same.
fn shortened(seed: u64, folder: &Path, fresh: &[u8], mut failure: Failure) -> Failure {
    let mut without = BTreeSet::new();
    let last = failure.told.last().map_or(0, |(step, _)| *step);
    without.extend(last + 1..=STEPS);
    let began = std::time::Instant::now();
    for step in (1..last).rev() {
        if began.elapsed() > PATIENCE {
            break;
        }
        without.insert(step);
        match live(seed, folder, fresh, &without) {
            Err(shorter) => failure = shorter,
            Ok(_) => {
                without.remove(&step);
            }
        }
    }
    failure
}

fn report(seed: u64, failure: &Failure) -> String {
    let told: Vec<String> =
        failure.told.iter().map(|(step, what)| format!("  {step:>2}. {what}")).collect();
    format!(
        "{}\n\nThe history, without what it takes no part in:\n{}\n\n\
         GANDER_SIMULATION_SEED={seed} cargo test --test simulation  replays it",
        failure.why,
        told.join("\n")
    )
}

/// In memory, where the system has that: it is the program that is tested here, not the disk.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// Seeds of histories that broke a promise once. The first: the clock was set back before an
/// interrupted create was repeated, and the search began at the first attempt. The second: cards
/// waited for a batch that was never posted, and told no end of their decisions.
const BROKE_ONCE: [u64; 2] = [8_960_694_464_193_709_337, 12_314_535_719_875_775_210];

#[test]
fn no_history_breaks_a_promise() {
    let (one, given) = (number("GANDER_SIMULATION_SEED"), number("GANDER_SIMULATION_HISTORIES"));
    let first = one.unwrap_or_else(|| RandomState::new().hash_one(0));
    let histories = if one.is_some() { 1 } else { given.unwrap_or(HISTORIES) };
    let workers =
        std::thread::available_parallelism().map_or(2, |count| count.get() as u64).min(histories);
    let (next, all, failed) = (AtomicU64::new(0), Mutex::new(Tally::default()), Mutex::new(None));
    let began = std::time::Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let folder = folder();
                let fresh = fresh(folder.path());
                let mut tally = Tally::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= histories || failed.lock().unwrap().is_some() {
                        break;
                    }
                    let known = usize::try_from(number).ok().and_then(|n| BROKE_ONCE.get(n));
                    let seed = match known {
                        _ if one.is_some() => first,
                        Some(&known) => known,
                        None => mixed(first, number).below(u64::MAX),
                    };
                    match live(seed, folder.path(), &fresh, &BTreeSet::new()) {
                        Ok(lived) => tally.add(lived),
                        Err(failure) => {
                            let failure = shortened(seed, folder.path(), &fresh, failure);
                            failed.lock().unwrap().get_or_insert_with(|| report(seed, &failure));
                        }
                    }
                }
                all.lock().unwrap().add(tally);
            });
        }
    });
    if let Some(report) = failed.into_inner().unwrap() {
        panic!("{report}");
    }
    let tally = all.into_inner().unwrap();
    println!("{tally} in {:.1} s on {workers} threads", began.elapsed().as_secs_f32());
    let missing: Vec<_> = MUST_HAPPEN.iter().filter(|name| tally.happened(name) == 0).collect();
    assert!(missing.is_empty() || histories < HISTORIES, "these never happened: {missing:?}");
}
