//! Random histories of the queue of jobs, against a model that is written a second time.
//!
//! The real store, on files; a clock that jumps; agents, workers that die, people, halts; deaths of
//! the process. After each act, every job, lease and question is compared. In the end, nothing may
//! be left over, and the log must give what is stored. Each history follows from its seed:
//! `GANDER_QUEUE_SEED` replays one, `GANDER_QUEUE_HISTORIES` lives through more.

mod acts;
mod model;
mod world;

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::common::chance::Chance;
use world::World;

/// Histories of a usual run, half a minute of one core.
const HISTORIES: u64 = 1_000;
/// Histories after which each event must have happened.
const ENOUGH: u64 = 10_000;
/// Steps of a history at most.
const STEPS: u64 = 40;
/// The log of one history in so many is replayed.
const AUDITED: u64 = 10;

/// What each run must have come by: events of the log.
const MUST_HAPPEN: [&str; 27] = [
    "enqueued",
    "guard_raised",
    "leased",
    "stepped",
    "waits_for",
    "resumed",
    "waiter_gone",
    "answered",
    "stuck",
    "unstuck",
    "stuck_unanswered",
    "attempt_failed",
    "handed_back",
    "need_unanswered",
    "finished",
    "not_needed",
    "given_up",
    "cancelled",
    "held",
    "released",
    "retried",
    "moved",
    "at_risk",
    "dependency_failed",
    "dependency_back",
    "halted",
    "drained",
];

type Happened = BTreeMap<&'static str, u64>;

fn live(seed: u64, folder: &Path, fresh: &[u8]) -> Result<Happened, String> {
    for end in ["db-wal", "db-shm"] {
        let _ = std::fs::remove_file(folder.join(format!("queue.{end}")));
    }
    let path = folder.join("queue.db");
    std::fs::write(&path, fresh).unwrap();
    let (mut world, mut chance) = (World::new(path), Chance::of(seed));
    let mut told: Vec<String> = Vec::new();
    let outcome = (|| {
        for _ in 0..10 + chance.below(STEPS - 9) {
            let did = world.step(&mut chance)?;
            told.push(did);
        }
        told.push("then everybody works and answers".into());
        world.end()?;
        if seed.is_multiple_of(AUDITED) {
            let audit = world.store().audit().verify().unwrap();
            world::agree("the audit", &audit.fault.map(|fault| fault.to_string()), &None)?;
        }
        Ok(happened(&world))
    })();
    outcome.map_err(|why: String| {
        let told: Vec<String> =
            told.iter().enumerate().map(|(at, what)| format!("  {:>2}. {what}", at + 1)).collect();
        let store = world.path().display();
        format!(
            "{why}\n\nThe history ({store}):\n{}\n\nGANDER_QUEUE_SEED={seed} cargo test --test \
             simulation queue  replays it",
            told.join("\n")
        )
    })
}

fn happened(world: &World) -> Happened {
    let mut counts = Happened::new();
    for logged in world.store().event_log().page(0, 100_000).unwrap().jobs {
        *counts.entry(logged.event.word()).or_default() += 1;
    }
    counts
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|given| given.parse().unwrap())
}

#[test]
fn no_history_of_the_queue_loses_doubles_or_starves_a_job() {
    let (one, given) = (number("GANDER_QUEUE_SEED"), number("GANDER_QUEUE_HISTORIES"));
    let first = one.unwrap_or_else(|| RandomState::new().hash_one(0));
    let histories = if one.is_some() { 1 } else { given.unwrap_or(HISTORIES) };
    let workers =
        std::thread::available_parallelism().map_or(2, |count| count.get() as u64).min(histories);
    let (next, failed) = (AtomicU64::new(0), Mutex::new(None));
    let all = Mutex::new(Happened::new());
    let began = std::time::Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let folder = super::folder();
                let fresh = super::fresh(folder.path());
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= histories || failed.lock().unwrap().is_some() {
                        break;
                    }
                    let seed = if one.is_some() {
                        first
                    } else {
                        super::mixed(first, number).below(u64::MAX)
                    };
                    match live(seed, folder.path(), &fresh) {
                        Ok(counts) => {
                            let mut all = all.lock().unwrap();
                            counts.into_iter().for_each(|(name, count)| {
                                *all.entry(name).or_default() += count;
                            });
                        }
                        Err(why) => drop(failed.lock().unwrap().get_or_insert(why)),
                    }
                }
            });
        }
    });
    if let Some(why) = failed.into_inner().unwrap() {
        panic!("{why}");
    }
    let all = all.into_inner().unwrap();
    let seconds = began.elapsed().as_secs_f32();
    println!("{histories} histories in {seconds:.1} s on {workers} threads: {all:?}");
    let missing: Vec<_> = MUST_HAPPEN.iter().filter(|name| !all.contains_key(*name)).collect();
    assert!(missing.is_empty() || histories < ENOUGH, "these never happened: {missing:?}");
}
