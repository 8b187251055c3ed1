//! The table of what each library's bot can do on the sandbox, in the sandbox's README.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::bots::Bot;

/// What came of a feature.
pub(crate) enum Cell {
    Passed,
    /// The library has no such feature.
    Lacks(&'static str),
    Failed(String),
}

/// One library.
pub(crate) struct Column {
    pub(crate) library: &'static str,
    pub(crate) cells: Vec<(&'static str, Cell)>,
    /// What its bot said.
    pub(crate) log: String,
}

impl Column {
    /// A bot that did not even connect.
    pub(crate) fn broken(bot: &Bot, error: &str) -> Self {
        let cells = vec![("connect", Cell::Failed(error.to_owned()))];
        Self { library: bot.name, cells, log: String::new() }
    }

    /// What failed, with the bot's own words after the last of it.
    pub(crate) fn unexpected(&self) -> Vec<String> {
        let failures = self.cells.iter().filter_map(|(feature, cell)| match cell {
            Cell::Failed(error) => Some(format!("{}: {feature}: {error}", self.library)),
            Cell::Passed | Cell::Lacks(_) => None,
        });
        let mut failures: Vec<_> = failures.collect();
        if !failures.is_empty() && !self.log.trim().is_empty() {
            failures.push(format!("{} said:\n{}", self.library, self.log.trim()));
        }
        failures
    }
}

fn render(columns: &[Column]) -> String {
    let mut text = String::from("| |");
    for column in columns {
        write!(text, " {} |", column.library).unwrap();
    }
    text.push_str("\n| --- |");
    text.push_str(&" --- |".repeat(columns.len()));
    for (row, (feature, _)) in columns[0].cells.iter().enumerate() {
        write!(text, "\n| {feature} |").unwrap();
        for column in columns {
            let cell = match column.cells[row].1 {
                Cell::Passed => "yes",
                Cell::Lacks(reason) => reason,
                Cell::Failed(_) => "FAILED",
            };
            write!(text, " {cell} |").unwrap();
        }
    }
    text.push('\n');
    text
}

const BEGIN: &str = "<!-- libraries: written by the test of this name -->\n";
const END: &str = "<!-- end of libraries -->\n";

/// Compares the README's table with what was seen, or writes it.
pub(crate) fn check(columns: &[Column]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (table, after) = rest.split_once(END).unwrap();
    let seen = format!("\n{}\n", render(columns));
    if std::env::var_os("SANDBOX_UPDATE_TABLES").is_some_and(|value| value == "1") {
        fs::write(&path, format!("{before}{BEGIN}{seen}{END}{after}")).unwrap();
    } else {
        assert_eq!(table, seen, "set SANDBOX_UPDATE_TABLES=1 to write the table");
    }
}
