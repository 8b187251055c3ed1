//! What the decision loop costs: from a question to its card, from a click to its answer, beside
//! the floor, which is the same durable commit and the same request with nothing of Gander between.
//!
//! `cargo bench --bench decision_loop` prints the figures and judges none; with `-- --quick` it
//! measures a tenth as many.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]

mod bare;
mod bot;
mod floor;
mod process;
mod report;
mod rounds;
mod wire;

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use self::process::Starts;
use self::report::{Rate, Table, load, processor};
use self::rounds::{Measured, PAUSE, TASKS, Times};

/// How many of each are measured.
#[derive(Clone, Copy)]
struct Counts {
    /// Rounds. Each has fresh sandboxes, for it is not their growth that is measured.
    rounds: usize,
    /// Questions, and clicks, of a round with the bot in the asker's process; the floor has as
    /// many.
    of_a_round: usize,
    /// Questions, and clicks, of a round with the bot in its own.
    apart: usize,
    /// Questions of the throughput.
    burst: usize,
    /// Cold starts.
    starts: usize,
    /// Open decisions at a cold start.
    decisions: usize,
}

const FULL: Counts =
    Counts { rounds: 8, of_a_round: 250, apart: 250, burst: 2_000, starts: 10, decisions: 50 };
const QUICK: Counts =
    Counts { rounds: 2, of_a_round: 100, apart: 20, burst: 200, starts: 3, decisions: 50 };

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    // Without cargo bench's own argument it is run as a test: then it only has to work.
    let counts = if has("--quick") || !has("--bench") { QUICK } else { FULL };
    let before = load();
    let measured = rounds::run(counts).await;
    let (together, bare) = rounds::throughput(counts.burst).await;
    let starts = process::cold_starts(counts.starts, counts.decisions).await;

    let mut table = Table::default();
    latencies(&mut table, &measured);
    table.heading("(d) questions committed", &["a second", "x floor"]);
    let floor = Rate::new(counts.burst, bare);
    table.rate(
        &format!("Handle::ask from {TASKS} tasks at once, group commit"),
        Rate::new(counts.burst, together),
        Some(floor),
    );
    table.rate("floor: durable inserts from one thread", floor, None);
    resources(&mut table, &measured, &starts, counts);

    let cores = available_parallelism().map_or(0, NonZero::get);
    println!(
        "\nGander's decision loop, {cores} cores of {}, load {before} before and {} after.",
        processor(),
        load()
    );
    println!(
        "The sandbox stands for Discord, in this process, over TLS on loopback. Stores are on the build's disk."
    );
    println!(
        "One question or click at a time, {} ms after the last; times in milliseconds.",
        PAUSE.as_millis()
    );
    println!("{table}");
}

fn latencies(table: &mut Table, measured: &Measured) {
    let Measured { one_process, own_process, floor, .. } = measured;
    let mut rows = |what: &str, floor_is: &str, of: fn(&Times) -> &[Duration]| {
        table.heading(what, &["n", "p50", "p99", "max", "x p50", "x p99"]);
        table.times("bot in the asker's process", of(one_process), Some(of(floor)));
        table.times("bot in a process of its own: gander serve", of(own_process), Some(of(floor)));
        table.times(&format!("floor: {floor_is}"), of(floor), None);
    };
    rows("(a) Handle::ask called -> it returns, durable", "a durable insert", |times| {
        &times.committed
    });
    rows("(a) Handle::ask returned -> the sandbox holds the card", "the same POST", |times| {
        &times.shown
    });
    rows(
        "(a) Handle::ask called -> the sandbox holds the card",
        "a durable insert, then the same POST",
        |times| &times.whole,
    );
    rows(
        "(b) a person clicks -> the sandbox has the callback",
        "gateway, insert, the same POST",
        |times| &times.answered,
    );
    let (one, own) = measured.edits;
    table.note(&format!("Besides, the cards were edited {one} and {own} times by the reconciler."));
}

fn resources(table: &mut Table, measured: &Measured, starts: &Starts, counts: Counts) {
    let Counts { apart, decisions, .. } = counts;
    table.heading("(e) resident memory (VmRSS)", &["MiB"]);
    table.memory(&format!("gander serve, connected, {decisions} open decisions"), starts.resident);
    table.memory(&format!("gander serve, after {apart} cards and clicks"), measured.serve_resident);
    table.memory("this benchmark: bot, sandbox and measurements", measured.own_resident);
    table.heading("(f) cold start", &["n", "p50", "p99", "max"]);
    table.times(
        &format!("gander serve spawned -> READY, {decisions} open decisions"),
        &starts.times,
        None,
    );
}
