//! `gander doctor`: checks everything the bot needs, and prints a remedy for each problem.

mod ways;

use std::path::PathBuf;

use clap::Args;

use super::{Common, Exit, Failure, Outcome, gate, output, serve};
use crate::config::{self, Config, ConfigError};
use crate::core::finding::{Finding, Health};
use crate::core::outgoing::Way;
use crate::core::pace::Pace;
use crate::core::untrusted::clean;
use crate::engine;
use crate::engine::clock::{SystemClock, wall_time};
use crate::store::files;
use crate::surfaces::discord::{self, Configured};

const CONFIGURATION: &str = "Configuration";
const DISCORD: &str = "Discord";

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 nothing is broken (there may be warnings), 1 something is, 2 bad usage.\n\
                        It changes nothing: no message is sent (but by --send-test), no store is made. The bot's token comes from \
                        DISCORD_TOKEN or DISCORD_TOKEN_FILE, as for gander serve."
)]
pub(super) struct Doctor {
    /// Do not contact Discord
    #[arg(long)]
    offline: bool,
    /// Only send a test message to every configured receiver, by this channel or by each: push,
    /// sms, voice, webhook, desktop
    #[arg(long, value_name = "WAY", num_args = 0..=1)]
    send_test: Option<Option<Way>>,
}

impl Doctor {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        if let Some(way) = self.send_test {
            let config = common.config()?;
            return Ok(tell(common, &ways::send_test(&config, way).await?));
        }
        let mut found = Vec::new();
        let config = match common.config() {
            Ok(config) => {
                found.extend(config::checkup::checkup(&config, wall_time()));
                found.extend(ways::checkup(&config)?);
                Some(config)
            }
            Err(error) => {
                found.push(misunderstood(&error));
                None
            }
        };
        if self.offline {
            found.push(Finding::fine(DISCORD, "was not asked (--offline)"));
        } else {
            found.extend(ask_discord(config.as_ref()).await);
        }
        match store(common, config.as_ref()) {
            Some(store) => found.extend(engine::checkup::checkup(&store, wall_time())),
            None => found.push(Finding::warning(
                "Store",
                "which store is meant is not known while the configuration cannot be understood",
                "Mend the configuration, or name the store with --store",
            )),
        }
        found.extend(gate::checkup(common).await);
        Ok(tell(common, &found))
    }
}

fn tell(common: &Common, found: &[Finding]) -> Exit {
    let broken = found.iter().any(|finding| finding.state == Health::Broken);
    if common.json {
        output::json(&serde_json::json!({ "healthy": !broken, "findings": found }));
    } else {
        print(found);
    }
    if broken { Exit::No } else { Exit::Yes }
}

fn misunderstood(error: &ConfigError) -> Finding {
    let mend = "Mend it as it says; gander init --print shows every field. Until then a running gander serve goes by what the file said \
                before, and nothing else starts";
    Finding::broken(CONFIGURATION, error.to_string(), mend)
}

/// The store's path, as far as known without a valid configuration.
fn store(common: &Common, config: Option<&Config>) -> Option<PathBuf> {
    match config {
        Some(config) => common.store_path(config).ok(),
        None => common.store.as_ref().map(|path| files::resolved(path)),
    }
}

async fn ask_discord(config: Option<&Config>) -> Vec<Finding> {
    let usual = Config::default();
    let settings = match serve::settings(config.unwrap_or(&usual)) {
        Ok(settings) => settings,
        Err(Failure { words, .. }) => {
            let (what, mend) =
                words.split_once(". ").unwrap_or((&words, "Set it right and look again"));
            return vec![Finding::broken(DISCORD, what, mend)];
        }
    };
    let mut found = Vec::from_iter(token_file());
    let configured = config.map(|config| Configured { approvers: &config.rules.approvers });
    found.extend(discord::checkup(&settings, configured, &SystemClock::new(Pace::REAL)).await);
    found
}

/// Warns if other users can read the bot's token file: a reader of the token can act as the bot.
fn token_file() -> Option<Finding> {
    if std::env::var("DISCORD_TOKEN").is_ok_and(|token| !token.trim().is_empty()) {
        return None;
    }
    let file = PathBuf::from(std::env::var_os("DISCORD_TOKEN_FILE")?);
    let mode = others_can_read(&file)?;
    let what = format!(
        "others can read the token's file {} (mode {mode:03o}): with it they are the bot",
        file.display()
    );
    Some(Finding::warning(
        DISCORD,
        what,
        format!("chmod 600 {}; if others use this machine, also reset the token", file.display()),
    ))
}

/// The file's permission bits, if users other than the owner have any access.
#[cfg(unix)]
fn others_can_read(file: &std::path::Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn others_can_read(_: &std::path::Path) -> Option<u32> {
    None
}

fn print(found: &[Finding]) {
    let mut areas: Vec<&str> = Vec::new();
    for finding in found {
        if !areas.contains(&finding.area) {
            areas.push(finding.area);
        }
    }
    for area in areas {
        output::line(area);
        for finding in found.iter().filter(|finding| finding.area == area) {
            let mark = match finding.state {
                Health::Fine => "✔",
                Health::Warning => "⚠",
                Health::Broken => "✘",
            };
            // Names of channels and people come from others, so control sequences are removed
            // before a terminal shows the line.
            output::line(&format!("  {mark} {}", clean(&finding.what)));
            if let Some(mend) = &finding.mend {
                output::line(&format!("      → {}", clean(mend)));
            }
        }
    }
    let count = |state| found.iter().filter(|finding| finding.state == state).count();
    output::line(&match (count(Health::Broken), count(Health::Warning)) {
        (0, 0) => "\nAll is well.".to_owned(),
        (0, warnings) => {
            format!("\nNothing is broken; {} to look at.", said(warnings, "thing", "things"))
        }
        (broken, 0) => format!("\n{} broken.", said(broken, "thing is", "things are")),
        (broken, warnings) => {
            format!(
                "\n{} broken, {} to look at.",
                said(broken, "thing is", "things are"),
                said(warnings, "thing", "things")
            )
        }
    });
}

fn said(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
