//! The command line of `discord-sandbox`.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use discord_sandbox::{Options, RateLimits, World};
use lexopt::prelude::*;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
A Discord that runs offline, on loopback, for tests of bots

Usage: discord-sandbox [OPTIONS]

Prints its addresses, with the ids of everything and the bot's token, as one line of JSON, and runs
until Ctrl-C.

Options:
  --listen ADDR              Address to listen on; port 0 picks a free port [default: 127.0.0.1:0]
  --world FILE               People, roles, channels, servers and applications, as JSON
  --privileged-intents       Allow the intents for members, presences and message content
  --token TOKEN              The bot's token [default: a random one]
  --rate-limits real|relaxed Discord's own limits, or limits too high for a test to reach
                             [default: real]
  -h, --help                 Print this
  -V, --version              Print the version
";

/// What the command line asks for.
pub(crate) enum Arguments {
    Help,
    Version,
    Run(Box<Options>),
}

impl Arguments {
    /// Reads the command line, of which the first part is the program's name.
    ///
    /// # Errors
    /// If it has an unknown or malformed option, or the world's file cannot be read.
    pub(crate) fn read(
        line: impl IntoIterator<Item = OsString, IntoIter: 'static>,
    ) -> Result<Self, lexopt::Error> {
        let mut options = Options::default();
        let mut parser = lexopt::Parser::from_iter(line);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("listen") => options.listen = parser.value()?.parse()?,
                Long("world") => options.world = world(Path::new(&parser.value()?))?,
                Long("privileged-intents") => options.privileged_intents = true,
                Long("token") => options.token = Some(parser.value()?.string()?),
                Long("rate-limits") => options.rate_limits = limits(&parser.value()?.string()?)?,
                Short('h') | Long("help") => return Ok(Self::Help),
                Short('V') | Long("version") => return Ok(Self::Version),
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(Self::Run(Box::new(options)))
    }
}

fn limits(name: &str) -> Result<RateLimits, lexopt::Error> {
    match name {
        "real" => Ok(RateLimits::Real),
        "relaxed" => Ok(RateLimits::Relaxed),
        _ => Err(format!("--rate-limits is real or relaxed, not {name:?}").into()),
    }
}

fn world(file: &Path) -> Result<World, lexopt::Error> {
    let failed = |error: String| format!("--world {}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| failed(error.to_string()).into())
}
