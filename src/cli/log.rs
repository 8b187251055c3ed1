//! The log, on standard error: as text for people, or as JSON for programs.
//!
//! Whatever `RUST_LOG` asks for, the log never contains the bot's token or interaction tokens:
//! messages of crates that carry tokens (the Discord client and everything below it) are always
//! filtered out.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::{EnvFilter, Registry, fmt};

use crate::config::LogFormat;

/// Our crates log at any level, other crates at WARN and above, crates in [`NEVER`] not at all.
const OURS: [&str; 2] = ["gander", "discord_sandbox"];
/// Crates whose messages contain addresses, headers or frames with tokens.
const NEVER: [&str; 13] = [
    "serenity",
    "poise",
    "tungstenite",
    "tokio_tungstenite",
    "hyper",
    "hyper_util",
    "reqwest",
    "h2",
    "rustls",
    "tower",
    "want",
    "mio",
    "rmcp",
];

/// Whether the target's root module is listed.
fn is_of(target: &str, modules: &[&str]) -> bool {
    let root = target.split("::").next().unwrap_or(target);
    modules.contains(&root)
}

fn is_allowed(target: &str, level: tracing::Level) -> bool {
    // In `tracing`, a more severe level compares as smaller.
    is_of(target, &OURS) || (level <= tracing::Level::WARN && !is_of(target, &NEVER))
}

/// Starts logging. `RUST_LOG` sets the filter; without `RUST_LOG`, our crate logs at `level` and
/// all others at WARN.
pub(super) fn to_stderr(level: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_env("RUST_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,gander={level}")));
    let filter = filter.and(filter_fn(|about| is_allowed(about.target(), *about.level())));
    let colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let log = fmt::layer().with_writer(std::io::stderr);
    let log = match format {
        LogFormat::Text => log.with_target(false).with_ansi(colours).with_filter(filter).boxed(),
        LogFormat::Json => {
            log.json().flatten_event(true).with_span_list(false).with_filter(filter).boxed()
        }
    };
    // `init` would also record messages of the `log` crate. Messages from tungstenite contain whole
    // frames, and the first frame sent carries the token. Setting the subscriber fails only if a
    // program calls this function twice; the first subscriber stays.
    let _ = tracing::subscriber::set_global_default(Registry::default().with(log));
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn what_carries_tokens_is_never_logged() {
        for (target, level, allowed) in [
            ("gander::engine", Level::TRACE, true),
            ("gander", Level::INFO, true),
            ("serenity", Level::ERROR, false),
            ("poise", Level::WARN, false),
            ("hyper_util::client", Level::WARN, false),
            ("refinery_core::runner", Level::WARN, true),
            ("refinery_core::runner", Level::INFO, false),
            ("gandering", Level::TRACE, false),
        ] {
            assert_eq!(is_allowed(target, level), allowed, "{target} {level}");
        }
    }
}
