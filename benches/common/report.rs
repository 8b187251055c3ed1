//! Percentiles, what the machine says about itself, and the printed table.

use std::fmt;
use std::fmt::Write as _;
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

/// The width of what is measured.
const NAME: usize = 64;

/// So many in so long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate(f64);

impl Rate {
    pub(crate) fn new(count: usize, took: Duration) -> Self {
        Self(f64::from(u32::try_from(count).unwrap()) / took.as_secs_f64())
    }
}

/// The figures, line by line.
#[derive(Debug, Default)]
pub(crate) struct Table(String);

impl Table {
    fn line(&mut self, line: &str) {
        writeln!(self.0, "{}", line.trim_end()).unwrap();
    }

    /// A heading for what follows, and over its columns.
    pub(crate) fn heading(&mut self, what: &str, columns: &[&str]) {
        let columns: String = columns.iter().map(|column| format!("{column:>9}")).collect();
        self.line(&format!("\n{what:NAME$}{columns}"));
    }

    /// Milliseconds, and how many times the floor's median and 99th percentile that is.
    pub(crate) fn times(&mut self, what: &str, of: &[Duration], floor: Option<&[Duration]>) {
        let (n, ours) = (of.len(), Spread::of(of));
        let mut line = format!(
            "  {:w$}{n:>9}{:>9.2}{:>9.2}{:>9.2}",
            what,
            ours.p50,
            ours.p99,
            ours.max,
            w = NAME - 2
        );
        if let Some(floor) = floor.map(Spread::of) {
            write!(line, "{:>9}{:>9}", factor(ours.p50 / floor.p50), factor(ours.p99 / floor.p99))
                .unwrap();
        }
        self.line(&line);
    }

    /// So many a second, and how many times the floor that is.
    pub(crate) fn rate(&mut self, what: &str, Rate(of): Rate, floor: Option<Rate>) {
        let factor = floor.map(|Rate(floor)| factor(of / floor)).unwrap_or_default();
        self.line(&format!("  {what:w$}{of:>9.0}{factor:>9}", w = NAME - 2));
    }

    /// MiB, where the system tells.
    pub(crate) fn memory(&mut self, what: &str, mib: Option<f64>) {
        let mib = mib.map_or_else(|| "not reported".to_owned(), |mib| format!("{mib:.1}"));
        self.line(&format!("  {what:w$}{mib:>9}", w = NAME - 2));
    }

    /// A line of words.
    pub(crate) fn note(&mut self, words: &str) {
        self.line(&format!("  {words}"));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn factor(times: f64) -> String {
    format!("{times:.1}x")
}

/// What many measurements come to, in milliseconds.
struct Spread {
    p50: f64,
    p99: f64,
    max: f64,
}

impl Spread {
    fn of(times: &[Duration]) -> Self {
        let mut sorted: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1_000.0).collect();
        sorted.sort_by(f64::total_cmp);
        // The nearest rank: the smallest that so many of a hundred do not exceed.
        let rank = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1];
        Self { p50: rank(50), p99: rank(99), max: rank(100) }
    }
}

/// A line of one of Linux's own files; other systems have none.
fn line_of(file: &str, start: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(start))?;
    Some(line[start.len()..].trim_start_matches([':', '\t', ' ']).to_owned())
}

/// The resident memory of a process, in MiB, where the system tells.
pub(crate) fn resident(process: &str) -> Option<f64> {
    let text = line_of(&format!("/proc/{process}/status"), "VmRSS")?;
    text.trim_end_matches(" kB").parse::<f64>().ok().map(|kib| kib / 1_024.0)
}

/// The cores, and the processor's name where the system tells; and how the program was built, for
/// figures of a debug build are none.
pub(crate) fn machine() -> String {
    let cores = available_parallelism().map_or(0, NonZero::get);
    let processor = line_of("/proc/cpuinfo", "model name");
    let processor = processor.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    format!("{cores} cores of {processor}, {build} build")
}

/// How many wanted to run in the last minute, where the system tells.
pub(crate) fn load() -> String {
    let load =
        line_of("/proc/loadavg", "").and_then(|line| line.split(' ').next().map(str::to_owned));
    load.unwrap_or_else(|| "unknown".to_owned())
}
