//! What the approval API costs over HTTP: asking and waiting, from a person's click to the agent's
//! answer, from a gate's start to its card, and thousands of agents that wait. Beside it the floor:
//! a bare handler with one durable insert.
//!
//! `cargo bench --bench api` prints the figures and judges none; with `-- --smoke` it only shows
//! that it works.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]

#[path = "../common/mod.rs"]
mod common;
mod floor;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../../tests/common/holder.rs"]
mod holder;
mod load;
mod person;
mod serve;
mod trips;
mod waiting;

use self::common::report::{Rate, Table, load, machine};
use self::common::size;
use self::load::Load;
use self::trips::{Trips, both};
use self::waiting::Crowd;

/// How many of each are measured.
#[derive(Clone, Copy)]
struct Counts {
    /// Round trips of a single caller, and of many at once.
    alone: usize,
    together: usize,
    /// Clicks, and gates.
    clicks: usize,
    gates: usize,
    /// Agents that wait at once.
    waiting: usize,
    /// Verdicts that are given while they wait.
    verdicts: usize,
}

const FULL: Counts =
    Counts { alone: 500, together: 4_000, clicks: 200, gates: 50, waiting: 2_000, verdicts: 200 };
const SMOKE: Counts =
    Counts { alone: 8, together: 64, clicks: 3, gates: 1, waiting: 100, verdicts: 5 };

#[tokio::main]
async fn main() {
    let counts = size::chosen(FULL, SMOKE);
    let before = load();
    println!("round trips");
    let trips = trips::run(counts).await;
    let floor = floor::run(counts).await;
    println!("clicks and gates");
    let (clicks, gates) = person::run(counts).await;
    println!("{} waiting agents", counts.waiting);
    let crowd = waiting::run(counts).await;

    let mut table = Table::default();
    round_trips(&mut table, &trips, &floor);
    table.heading("(b) a person clicks -> (milliseconds)", &["n", "p50", "p99", "max"]);
    table.times("sandbox receives the callback", &clicks.callback, None);
    table.times("agent's long poll returns", &clicks.answered, None);
    table.heading("(c) gate started -> card posted (milliseconds)", &["n", "p50", "p99", "max"]);
    match gates {
        Some(gates) => {
            table.times("gander gate claude-code spawned -> card in the sandbox", &gates, None)
        }
        None => table.note("not measured: this gander has no gate"),
    }
    waiting(&mut table, &crowd);

    println!(
        "\nGander's API over its Unix socket, {}, load {before} before and {} after.",
        machine(),
        load()
    );
    println!(
        "gander serve is a separate process; callers, sandbox and floor share this one. Stores \
         are durable, on the build's disk."
    );
    println!("{table}");
}

fn round_trips(table: &mut Table, trips: &Trips, floor: &[Load; 2]) {
    for (index, who) in both().into_iter().enumerate() {
        table.heading(
            &format!("(a) round trips, {who} (milliseconds)"),
            &["n", "p50", "p99", "max", "x p50", "x p99"],
        );
        let bare = &floor[index];
        for (what, loads) in trips.rows() {
            table.times(what, &loads[index].times, Some(&bare.times));
        }
        table.times("floor: a bare handler, one durable insert", &bare.times, None);
        table.heading(&format!("(a) the same, {who}"), &["a second", "x floor"]);
        let rate = |load: &Load| Rate::new(load.times.len(), load.whole);
        for (what, loads) in trips.rows() {
            table.rate(what, rate(&loads[index]), Some(rate(bare)));
        }
        table.rate("floor: a bare handler, one durable insert", rate(bare), None);
    }
}

fn waiting(table: &mut Table, crowd: &Crowd) {
    table.heading(
        &format!("(d) {} agents wait, each with its own connection and decision", crowd.count),
        &[],
    );
    match crowd.memory {
        Some((before, after)) => {
            let each = (after - before) * 1_024.0 / f64::from(u32::try_from(crowd.count).unwrap());
            table.note(&format!(
                "gander serve: {before:.1} MiB resident before, {after:.1} MiB with them: \
                 {each:.1} KiB each"
            ));
        }
        None => table.note("memory: not reported by this system"),
    }
    if let Some(busy) = crowd.busy {
        table.note(&format!(
            "CPU time of gander serve while they wait: {:.2} % of one core",
            busy * 100.0
        ));
    }
    table.heading("(d) approved over HTTP -> agent notified (ms)", &["n", "p50", "p99", "max"]);
    table.times("while the others wait", &crowd.answered, None);
}
