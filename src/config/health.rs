//! Health check of the configuration: write permissions of the file, time zone, watched folders,
//! and gaps in the approver rules.

use std::collections::BTreeSet;
use std::path::Path;

use super::Config;
use crate::core::Time;
use crate::core::availability::zone_caution;
use crate::core::policy::coverage::gaps;
use crate::core::values::check_result::CheckResult;

const CONFIGURATION: &str = "Configuration";
const FOLDERS: &str = "Watched folders";
const PROGRAMS: &str = "Programs";
const WEBHOOKS: &str = "Webhooks";

/// Checks a valid configuration. `wall` is the wall-clock time.
#[must_use]
pub fn checkup(config: &Config, wall: Time) -> Vec<CheckResult> {
    let mut found = Vec::new();
    match &config.file {
        Some(file) => {
            found.push(CheckResult::fine(CONFIGURATION, format!("{} is valid", file.display())));
            found.extend(others_can_write(file));
        }
        None => found.push(CheckResult::fine(
            CONFIGURATION,
            "there is no file: the defaults apply (create one with gander init)",
        )),
    }
    let zone = config.rules.zone;
    let now = wall.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z");
    found.push(CheckResult::fine(
        CONFIGURATION,
        format!("its time zone is {zone}, where it is {now}"),
    ));
    let people = config.rules.people.iter().map(|person| person.zone);
    let zones: BTreeSet<String> =
        std::iter::once(zone).chain(people).filter_map(zone_caution).collect();
    found.extend(zones.into_iter().map(|caution| {
        CheckResult::warning(CONFIGURATION, caution, "If you mean that place, correct time_zone")
    }));
    for gap in gaps(&config.rules) {
        let remedy = "Add an [[approvers]] rule that covers this; a rule with only users or roles \
            covers everything";
        found.push(CheckResult::warning(
            CONFIGURATION,
            format!("nobody may decide questions about {gap}"),
            remedy,
        ));
    }
    let sources = &config.sources;
    found.extend(sources.watched.iter().map(|watched| folder(&watched.path, "[[watch]]")));
    found.extend(sources.workrail.iter().map(|workrail| folder(&workrail.path, "[[workrail]]")));
    found.extend(sources.wizards.iter().map(|wizard| folder(&wizard.path, "[[wizard]]")));
    let reruns = sources.watched.iter().filter_map(|watched| watched.answering.rerun.first());
    found.extend(reruns.filter_map(|name| program(name, "rerun under [[watch]]")));
    let commands = sources.commands.iter().filter_map(|source| source.command.first());
    found.extend(commands.filter_map(|name| program(name, "command under [[commands]]")));
    found.extend(webhooks(config));
    found
}

/// Checks that webhooks have their secrets, and an address.
fn webhooks(config: &Config) -> Vec<CheckResult> {
    if !config.webhooks.is_any() {
        return Vec::new();
    }
    let mut found = match config.webhooks.receivers() {
        Ok(_) => vec![CheckResult::fine(WEBHOOKS, "their secrets are readable")],
        Err(why) => {
            let remedy = "Write the secret to a file that only you can read";
            vec![CheckResult::broken(WEBHOOKS, why, remedy)]
        }
    };
    if config.http.listen.is_none() {
        found.push(CheckResult::warning(
            WEBHOOKS,
            "no port is open for them: they can arrive at the socket only",
            "Set listen under [http] in gander.toml, and let a TLS proxy forward /hooks to it",
        ));
    }
    if config.webhooks.github.is_some() && !config.webhooks.answers_github() {
        found.push(CheckResult::warning(
            WEBHOOKS,
            "there is no token for GitHub: deployment requests are shown and not answered",
            "Set token_file under [github] in gander.toml, or GANDER_GITHUB_TOKEN",
        ));
    }
    found
}

/// Checks that a program of the configuration is installed. `None`: it is.
fn program(name: &str, setting: &str) -> Option<CheckResult> {
    let is_there = if name.contains('/') {
        Path::new(name).is_file()
    } else {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders).any(|folder| folder.join(name).is_file())
    };
    (!is_there).then(|| {
        let what = format!("the program {name} is not installed: nothing is run");
        CheckResult::broken(PROGRAMS, what, format!("Install it, or correct {setting}"))
    })
}

#[cfg(unix)]
fn others_can_write(file: &Path) -> Option<CheckResult> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    (mode & 0o022 != 0).then(|| {
        let what = format!(
            "others can write {} (mode {mode:03o}): they can make themselves approvers",
            file.display()
        );
        CheckResult::broken(CONFIGURATION, what, format!("chmod go-w {}", file.display()))
    })
}

#[cfg(not(unix))]
fn others_can_write(_: &Path) -> Option<CheckResult> {
    None
}

/// Checks a folder of this section.
fn folder(folder: &Path, section: &str) -> CheckResult {
    let path = folder.display();
    match std::fs::read_dir(folder) {
        Ok(_) => CheckResult::fine(FOLDERS, format!("{path} is readable")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let remedy = format!(
                "Create it, or correct path under {section} in gander.toml. Gander keeps checking \
                 for it"
            );
            CheckResult::warning(
                FOLDERS,
                format!("{path} does not exist: nothing is read from it"),
                remedy,
            )
        }
        Err(error) => CheckResult::broken(
            FOLDERS,
            format!("{path} cannot be read ({error}): nothing is imported from it"),
            format!(
                "Give your user read permission, or correct path under {section} in gander.toml"
            ),
        ),
    }
}
