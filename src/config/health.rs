//! Health check of the configuration: write permissions of the file, time zone, watched folders,
//! and gaps in the approver rules.

use std::collections::BTreeSet;
use std::path::Path;

use super::Config;
use crate::core::Time;
use crate::core::availability::zone_caution;
use crate::core::policy::coverage::gaps;
use crate::core::values::check_result::CheckResult;
use crate::sources::WatchedFolder;

const CONFIGURATION: &str = "Configuration";
const FOLDERS: &str = "Watched folders";

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
    found.extend(config.watch.iter().map(folder));
    found
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

fn folder(watched: &WatchedFolder) -> CheckResult {
    let path = watched.path.display();
    match std::fs::read_dir(&watched.path) {
        Ok(_) => CheckResult::fine(FOLDERS, format!("{path} is readable")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let remedy = "Create it, or correct path under [[watch]] in gander.toml. Gander keeps \
                checking for it";
            CheckResult::warning(
                FOLDERS,
                format!("{path} does not exist: nothing is read from it"),
                remedy,
            )
        }
        Err(error) => CheckResult::broken(
            FOLDERS,
            format!("{path} cannot be read ({error}): nothing is imported from it"),
            "Give your user read permission, or correct path under [[watch]] in gander.toml",
        ),
    }
}
