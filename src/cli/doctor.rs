//! `gander doctor`: checks everything the bot needs, and prints a remedy for each problem.

mod external_channels;

use std::path::PathBuf;

use clap::Args;

use super::{Common, Exit, Failure, Outcome, gate, output, presence, serve};
use crate::config::{self, Config, ConfigError};
use crate::core::messaging::notification::ExternalChannel;
use crate::core::untrusted::clean;
use crate::core::values::check_result::{CheckResult, Health};
use crate::core::values::time_scale::TimeScale;
use crate::engine;
use crate::engine::clock::{SystemClock, wall_time};
use crate::store::files;
use crate::surfaces::discord::{self, Configured};

const CONFIGURATION: &str = "Configuration";
const DISCORD: &str = "Discord";

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 nothing is broken (there may be warnings), 1 something is \
        broken, 2 bad usage.\n\
        Doctor changes nothing: it sends no message (except with --send-test) and creates no \
        store. The bot's token comes from DISCORD_TOKEN or DISCORD_TOKEN_FILE, as for gander \
        serve.")]
pub(super) struct Doctor {
    /// Do not contact Discord
    #[arg(long)]
    offline: bool,
    /// Only send a test message to every configured receiver, by this channel or by each: push,
    /// sms, voice, webhook, desktop
    #[arg(long, value_name = "WAY", num_args = 0..=1)]
    send_test: Option<Option<ExternalChannel>>,
}

impl Doctor {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        if let Some(channel) = self.send_test {
            let config = common.config()?;
            return Ok(print_findings(
                common,
                &external_channels::send_test(&config, channel).await?,
            ));
        }
        let mut found = Vec::new();
        let config = match common.config() {
            Ok(config) => {
                found.extend(config::health::checkup(&config, wall_time()));
                found.extend(external_channels::checkup(&config)?);
                Some(config)
            }
            Err(error) => {
                found.push(misunderstood(&error));
                None
            }
        };
        if self.offline {
            found.push(CheckResult::fine(DISCORD, "not checked (--offline)"));
        } else {
            let store = store(common, config.as_ref());
            let pinned = store.as_deref().and_then(engine::operations::server::pinned);
            found.extend(ask_discord(config.as_ref(), pinned).await);
        }
        match store(common, config.as_ref()) {
            Some(store) => found.extend(engine::operations::health::checkup(&store, wall_time())),
            None => found.push(CheckResult::warning(
                "Store",
                "the store is unknown while the configuration is invalid",
                "Correct the configuration, or give the store with --store",
            )),
        }
        found.extend(gate::checkup(common).await);
        found.extend(presence::checkup(common).await);
        Ok(print_findings(common, &found))
    }
}

fn print_findings(common: &Common, found: &[CheckResult]) -> Exit {
    let broken = found.iter().any(|finding| finding.state == Health::Broken);
    if common.json {
        output::json(&serde_json::json!({ "healthy": !broken, "findings": found }));
    } else {
        print(found);
    }
    if broken { Exit::No } else { Exit::Yes }
}

fn misunderstood(error: &ConfigError) -> CheckResult {
    let remedy = "Correct it as described; gander init --print shows every field. Until then, a \
        running gander serve uses the previous configuration, and no other command starts";
    CheckResult::broken(CONFIGURATION, error.to_string(), remedy)
}

/// The store's path, as far as known without a valid configuration.
fn store(common: &Common, config: Option<&Config>) -> Option<PathBuf> {
    match config {
        Some(config) => common.store_path(config).ok(),
        None => common.store.as_ref().map(|path| files::resolved(path)),
    }
}

async fn ask_discord(config: Option<&Config>, pinned: Option<u64>) -> Vec<CheckResult> {
    let usual = Config::default();
    let settings = match serve::settings(config.unwrap_or(&usual)) {
        Ok(settings) => settings,
        Err(Failure { words, .. }) => {
            let (what, remedy) =
                words.split_once(". ").unwrap_or((&words, "Correct it and run this again"));
            return vec![CheckResult::broken(DISCORD, what, remedy)];
        }
    };
    let mut found = Vec::from_iter(token_file());
    let configured = config.map(|config| Configured { approvers: &config.rules.approvers });
    let clock = SystemClock::new(TimeScale::REAL);
    found.extend(discord::checkup(&settings, pinned, configured, &clock).await);
    found
}

/// Warns if other users can read the bot's token file: a reader of the token can act as the bot.
fn token_file() -> Option<CheckResult> {
    if std::env::var("DISCORD_TOKEN").is_ok_and(|token| !token.trim().is_empty()) {
        return None;
    }
    let file = PathBuf::from(std::env::var_os("DISCORD_TOKEN_FILE")?);
    let mode = others_can_read(&file)?;
    let what = format!(
        "others can read the token's file {} (mode {mode:03o}): with the token they can act as \
         the bot",
        file.display()
    );
    Some(CheckResult::warning(
        DISCORD,
        what,
        format!(
            "chmod 600 {}; if other people use this machine, also reset the token",
            file.display()
        ),
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

fn print(found: &[CheckResult]) {
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
            if let Some(remedy) = &finding.remedy {
                output::line(&format!("      → {}", clean(remedy)));
            }
        }
    }
    let count = |state| found.iter().filter(|finding| finding.state == state).count();
    output::line(&match (count(Health::Broken), count(Health::Warning)) {
        (0, 0) => "\nEverything works.".to_owned(),
        (0, warnings) => {
            format!("\nNothing is broken; {}.", said(warnings, "warning", "warnings"))
        }
        (broken, 0) => format!("\n{} broken.", said(broken, "thing is", "things are")),
        (broken, warnings) => {
            format!(
                "\n{} broken, {}.",
                said(broken, "thing is", "things are"),
                said(warnings, "warning", "warnings")
            )
        }
    });
}

fn said(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
