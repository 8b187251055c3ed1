//! What the approval API costs over HTTP: asking and waiting, from a person's click to the agent's
//! answer, from a gate's start to its card, and thousands of agents that wait. Beside it the floor:
//! a bare handler with one durable insert.
//!
//! `cargo bench --bench api` prints the figures and judges none; with `-- --quick` it measures a
//! tenth as many.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]

#[path = "../decision_loop/bare.rs"]
mod bare;
mod floor;
#[path = "../../tests/common/holder.rs"]
mod holder;
mod load;
mod person;
#[allow(dead_code, reason = "shared with the decision loop's")]
#[path = "../decision_loop/report.rs"]
mod report;
mod serve;
mod trips;
mod waiting;
#[allow(dead_code, reason = "shared with the decision loop's")]
#[path = "../decision_loop/wire.rs"]
mod wire;

use std::num::NonZero;
use std::thread::available_parallelism;

use self::load::Load;
use self::report::{Rate, Table, load, processor};
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
const QUICK: Counts =
    Counts { alone: 50, together: 400, clicks: 20, gates: 5, waiting: 500, verdicts: 20 };

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    // Without cargo bench's own argument it is run as a test: then it only has to work.
    let counts = if has("--quick") || !has("--bench") { QUICK } else { FULL };
    let before = load();
    println!("round trips");
    let trips = trips::run(counts).await;
    let floor = floor::run(counts).await;
    println!("clicks and gates");
    let (clicks, gates) = person::run(counts).await;
    println!("{} agents that wait", counts.waiting);
    let crowd = waiting::run(counts).await;

    let mut table = Table::default();
    round_trips(&mut table, &trips, &floor);
    table.heading("(b) a person clicks -> (milliseconds)", &["n", "p50", "p99", "max"]);
    table.times("the sandbox has the callback", &clicks.callback, None);
    table.times("the agent's long poll is answered", &clicks.answered, None);
    table.heading(
        "(c) a gate is started -> its card hangs (milliseconds)",
        &["n", "p50", "p99", "max"],
    );
    match gates {
        Some(gates) => {
            table.times("gander gate claude-code spawned -> card in the sandbox", &gates, None)
        }
        None => table.note("not measured: this gander has no gate"),
    }
    waiting(&mut table, &crowd);

    let cores = available_parallelism().map_or(0, NonZero::get);
    println!(
        "\nGander's API over its Unix socket, {cores} cores of {}, load {before} before and {} after.",
        processor(),
        load()
    );
    println!(
        "gander serve is a process of its own; callers, sandbox and floor are this one. Stores are on the build's disk, and durable."
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
        &format!("(d) {} agents wait, each on a connection and a decision of its own", crowd.count),
        &[],
    );
    match crowd.memory {
        Some((before, after)) => {
            let each = (after - before) * 1_024.0 / f64::from(u32::try_from(crowd.count).unwrap());
            table.note(&format!("gander serve: {before:.1} MiB resident before, {after:.1} MiB with them: {each:.1} KiB for each"));
        }
        None => table.note("memory: not told by this system"),
    }
    if let Some(busy) = crowd.busy {
        table.note(&format!(
            "processor time of gander serve while they wait: {:.2} % of one core",
            busy * 100.0
        ));
    }
    table.heading("(d) approved over HTTP -> its agent has it (ms)", &["n", "p50", "p99", "max"]);
    table.times("while the others wait on", &crowd.answered, None);
}
