//! The libraries under test: how their bots are started and what they cannot do.

use std::path::{Path, PathBuf};

use discord_sandbox::Addresses;
use tokio::process::Command;

use crate::{serenity_bot, twilight_bot};

/// A library and the bot written with it.
pub(crate) struct Bot {
    /// The library, as its users call it.
    pub(crate) name: &'static str,
    pub(crate) runs: Runs,
    /// Features that the library itself does not have, with what is known of it.
    lacks: &'static [(&'static str, &'static str)],
}

/// How a bot runs.
#[derive(Clone, Copy)]
pub(crate) enum Runs {
    Python,
    JavaScript,
    Rust(fn(Addresses) -> tokio::task::JoinHandle<String>),
}

impl Bot {
    const fn new(name: &'static str, runs: Runs) -> Self {
        Self { name, runs, lacks: &[] }
    }

    const fn lacking(
        name: &'static str,
        runs: Runs,
        lacks: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self { name, runs, lacks }
    }

    /// Why the library cannot do this, if so.
    pub(crate) fn lacks(&self, feature: &str) -> Option<&'static str> {
        self.lacks.iter().find(|(name, _)| *name == feature).map(|(_, reason)| *reason)
    }

    /// The program of a bot that is one.
    pub(crate) fn program(&self, libraries: &Path) -> Option<Command> {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/libraries");
        match self.runs {
            Runs::Python => {
                let mut command = Command::new(libraries.join("python/bin/python"));
                let script = format!("{}_bot.py", self.name.replace('.', "_"));
                command
                    .arg(scripts.join("python").join(script))
                    .env("PYTHONPATH", libraries.join(self.name))
                    .env("PYTHONDONTWRITEBYTECODE", "1");
                Some(command)
            }
            Runs::JavaScript => {
                let mut command = Command::new("node");
                let script = format!("{}.cjs", self.name.replace(".js", ""));
                command
                    .arg(scripts.join("javascript").join(script))
                    .env("NODE_PATH", libraries.join("javascript/node_modules"));
                Some(command)
            }
            Runs::Rust(_) => None,
        }
    }
}

const NO_LABELS: &str = "no labels in forms";
const NO_V2: &str = "no components of version 2";

/// All of them, in the order of the table.
pub(crate) const BOTS: &[Bot] = &[
    Bot::new("discord.py", Runs::Python),
    Bot::new("disnake", Runs::Python),
    Bot::lacking("nextcord", Runs::Python, &[("label form", NO_LABELS)]),
    Bot::new("py-cord", Runs::Python),
    Bot::lacking("hikari", Runs::Python, &[("label form", NO_LABELS)]),
    Bot::new("discord.js", Runs::JavaScript),
    Bot::new("oceanic.js", Runs::JavaScript),
    Bot::new("twilight", Runs::Rust(twilight_bot::start)),
    Bot::lacking(
        "serenity",
        Runs::Rust(serenity_bot::start),
        &[("label form", NO_LABELS), ("version 2", NO_V2)],
    ),
];

/// The folder with the libraries; `None` if the test is to be skipped, which is said aloud.
pub(crate) fn libraries() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("SANDBOX_LIBRARIES") {
        return Some(folder.into());
    }
    let required = std::env::var_os("GANDER_TEST_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "SANDBOX_LIBRARIES must name the folder of sandbox/tests/libraries/install");
    println!(
        "SKIPPED: the bots of other libraries. Run sandbox/tests/libraries/install FOLDER, and the \
         test with SANDBOX_LIBRARIES=FOLDER."
    );
    None
}
