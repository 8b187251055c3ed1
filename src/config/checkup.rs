//! Health check of the configuration: write permissions of the file, time zone, watched folders,
//! and gaps in the approver rules.

use std::path::Path;

use super::Config;
use crate::core::Time;
use crate::core::finding::Finding;
use crate::core::gaps::gaps;
use crate::sources::WatchedFolder;

const CONFIGURATION: &str = "Configuration";
const FOLDERS: &str = "Watched folders";

/// Checks a valid configuration. `wall` is the wall-clock time.
#[must_use]
pub fn checkup(config: &Config, wall: Time) -> Vec<Finding> {
    let mut found = Vec::new();
    match &config.file {
        Some(file) => {
            found.push(Finding::fine(CONFIGURATION, format!("{} is understood", file.display())));
            found.extend(others_can_write(file));
        }
        None => found.push(Finding::fine(
            CONFIGURATION,
            "there is no file: the defaults hold (gander init writes one)",
        )),
    }
    let zone = config.rules.zone;
    let now = wall.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z");
    found.push(Finding::fine(CONFIGURATION, format!("its time zone is {zone}: it is {now}")));
    for gap in gaps(&config.rules) {
        let mend =
            "Add an [[approvers]] that covers it; one that names only users or roles covers all";
        found.push(Finding::warning(
            CONFIGURATION,
            format!("nobody may decide what is asked for {gap}"),
            mend,
        ));
    }
    found.extend(config.watch.iter().map(folder));
    found
}

#[cfg(unix)]
fn others_can_write(file: &Path) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    (mode & 0o022 != 0).then(|| {
        let what = format!(
            "others can write {} (mode {mode:03o}): they could make themselves approvers",
            file.display()
        );
        Finding::broken(CONFIGURATION, what, format!("chmod go-w {}", file.display()))
    })
}

#[cfg(not(unix))]
fn others_can_write(_: &Path) -> Option<Finding> {
    None
}

fn folder(watched: &WatchedFolder) -> Finding {
    let path = watched.path.display();
    match std::fs::read_dir(&watched.path) {
        Ok(_) => Finding::fine(FOLDERS, format!("{path} is there and can be read")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mend = "Create it, or correct path under [[watch]] in gander.toml. It is looked for again and again";
            Finding::warning(
                FOLDERS,
                format!("{path} is not there: nothing is brought in from it"),
                mend,
            )
        }
        Err(error) => Finding::broken(
            FOLDERS,
            format!("{path} cannot be read ({error}): nothing is brought in from it"),
            "Give your user the right to read it, or correct path under [[watch]] in gander.toml",
        ),
    }
}
