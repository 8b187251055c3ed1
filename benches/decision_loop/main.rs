//! What the decision loop costs: from a question to its card, from a click to its answer, beside
//! the floor, which is the same durable commit and the same request with nothing of Gander between.
//!
//! `cargo bench --bench decision_loop` prints the figures and judges none; with `-- --smoke` it
//! only shows that it works.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]

mod bot;
#[path = "../common/mod.rs"]
mod common;
mod floor;
mod process;
mod rounds;

use std::time::Duration;

use self::common::report::{Rate, Table, load, machine};
use self::common::size;
use self::process::Starts;
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
const SMOKE: Counts =
    Counts { rounds: 2, of_a_round: 5, apart: 3, burst: 40, starts: 1, decisions: 5 };

#[tokio::main]
async fn main() {
    let counts = size::chosen(FULL, SMOKE);
    let before = load();
    let measured = rounds::run(counts).await;
    let (together, bare) = rounds::throughput(counts.burst).await;
    let starts = process::cold_starts(counts.starts, counts.decisions).await;

    let mut table = Table::default();
    latencies(&mut table, &measured);
    table.heading("(d) questions committed", &["a second", "x floor"]);
    let floor = Rate::new(counts.burst, bare);
    table.rate(
        &format!("Handle::ask from {TASKS} concurrent tasks, group commit"),
        Rate::new(counts.burst, together),
        Some(floor),
    );
    table.rate("floor: durable inserts from one thread", floor, None);
    resources(&mut table, &measured, &starts, counts);

    println!("\nGander's decision loop, {}, load {before} before and {} after.", machine(), load());
    println!(
        "The sandbox replaces Discord, in this process, over TLS on loopback. Stores are on the \
         build's disk."
    );
    println!(
        "One question or click at a time, {} ms apart; times in milliseconds.",
        PAUSE.as_millis()
    );
    println!("{table}");
}

fn latencies(table: &mut Table, measured: &Measured) {
    let Measured { one_process, own_process, floor, .. } = measured;
    let mut rows = |what: &str, floor_is: &str, of: fn(&Times) -> &[Duration]| {
        table.heading(what, &["n", "p50", "p99", "max", "x p50", "x p99"]);
        table.times("bot in the asker's process", of(one_process), Some(of(floor)));
        table.times("bot in a separate process: gander serve", of(own_process), Some(of(floor)));
        table.times(&format!("floor: {floor_is}"), of(floor), None);
    };
    rows("(a) Handle::ask called -> returned, durable", "a durable insert", |times| {
        &times.committed
    });
    rows("(a) Handle::ask returned -> sandbox has the card", "the same POST", |times| &times.shown);
    rows(
        "(a) Handle::ask called -> sandbox has the card",
        "a durable insert, then the same POST",
        |times| &times.whole,
    );
    rows(
        "(b) a person clicks -> sandbox receives the callback",
        "gateway, insert, the same POST",
        |times| &times.answered,
    );
    let (one, own) = measured.edits;
    table.note(&format!("The reconciler also edited the cards {one} and {own} times."));
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
