//! The log, on standard error: as text for people, or as JSON for programs.
//!
//! Whatever `RUST_LOG` asks for, the bot's token and the tokens of interactions are not in it: what
//! carries them in its own messages (the Discord client and everything below it) is let in by
//! nothing.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::{EnvFilter, Registry, fmt};

use crate::config::LogFormat;

/// Whose messages may be logged, at any level. Of all others only warnings are, and of those below
/// nothing.
const OURS: [&str; 2] = ["gander", "discord_sandbox"];
/// Whose messages hold addresses, headers or frames with tokens.
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

/// Whether a module is one of these, or in one.
fn is_of(target: &str, modules: &[&str]) -> bool {
    let root = target.split("::").next().unwrap_or(target);
    modules.contains(&root)
}

fn is_allowed(target: &str, level: tracing::Level) -> bool {
    // A smaller level is a more urgent one.
    is_of(target, &OURS) || (level <= tracing::Level::WARN && !is_of(target, &NEVER))
}

/// Begins to log. `RUST_LOG` changes what is in it, `level` is how much of ours is without it.
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
    // Not `init`, which lets in the records of the `log` crate too: tungstenite's hold whole
    // frames, and the first that is sent carries the token. Set twice only if a program calls this
    // twice; the first one stands.
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
