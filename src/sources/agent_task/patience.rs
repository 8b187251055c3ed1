//! When to scan again, and when to log a lasting problem.
//!
//! A half-written file is usually complete a moment later. The next scans therefore follow soon, a
//! few times; only then is one warning logged. The state here only avoids repeated log lines:
//! losing the state repeats a warning.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use super::Looked;

/// Interval of scans without notices, because notices are only hints.
pub(super) const SLOW: Duration = Duration::from_secs(60);
/// Interval of scans while a file is incomplete.
pub(super) const SOON: Duration = Duration::from_millis(500);
/// Number of scans of an incomplete file until a warning is logged.
const LOOKS: u32 = 6;

/// Problems seen so far.
#[derive(Debug, Default)]
pub(super) struct Patience {
    troubled: HashMap<PathBuf, u32>,
    missing: HashSet<PathBuf>,
}

impl Patience {
    /// The time until the next scan. Logs new missing folders and lasting problems.
    pub(super) fn after(&mut self, looked: &Looked) -> Duration {
        for path in self.newly_missing(looked) {
            tracing::warn!(folder = ?path, "the watched folder is not there; it is looked for again");
        }
        for (path, why) in self.given_up(looked) {
            tracing::warn!(path = ?path, why, "cannot be read as a task; it is looked at again when it changes");
        }
        if self.troubled.values().any(|looks| *looks < LOOKS) { SOON } else { SLOW }
    }

    fn newly_missing(&mut self, looked: &Looked) -> Vec<PathBuf> {
        self.missing.retain(|path| looked.missing.contains(path));
        looked.missing.iter().filter(|path| self.missing.insert((*path).clone())).cloned().collect()
    }

    fn given_up<'a>(&mut self, looked: &'a Looked) -> Vec<(PathBuf, &'a str)> {
        self.troubled.retain(|path, _| looked.troubles.iter().any(|trouble| trouble.path == *path));
        let mut given_up = Vec::new();
        for trouble in &looked.troubles {
            let looks = self.troubled.entry(trouble.path.clone()).or_default();
            *looks = looks.saturating_add(1);
            if *looks == LOOKS {
                given_up.push((trouble.path.clone(), trouble.why.as_str()));
            }
        }
        given_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::agent_task::Trouble;

    fn troubled(paths: &[&str]) -> Looked {
        let trouble = |path: &&str| Trouble { path: path.into(), why: "cut".into() };
        Looked { troubles: paths.iter().map(trouble).collect(), ..Looked::default() }
    }

    #[test]
    fn a_broken_file_is_looked_at_again_a_few_times_and_said_once() {
        let mut patience = Patience::default();
        let mut said = 0;
        for look in 1..20 {
            said += Patience { troubled: patience.troubled.clone(), missing: HashSet::new() }
                .given_up(&troubled(&["a"]))
                .len();
            let wait = patience.after(&troubled(&["a"]));
            assert_eq!(wait, if look < LOOKS { SOON } else { SLOW }, "look {look}");
        }
        assert_eq!(said, 1);
        assert_eq!(
            patience.after(&troubled(&["a", "b"])),
            SOON,
            "another one has its own patience"
        );
        assert_eq!(patience.after(&Looked::default()), SLOW);
        assert_eq!(patience.after(&troubled(&["a"])), SOON, "whole in between, it begins anew");
    }

    #[test]
    fn a_missing_folder_is_said_once_until_it_was_there() {
        let missing = Looked { missing: vec!["gone".into()], ..Looked::default() };
        let mut patience = Patience::default();
        let said: Vec<usize> = [&missing, &missing, &Looked::default(), &missing]
            .map(|looked| patience.newly_missing(looked).len())
            .to_vec();
        assert_eq!(said, [1, 0, 0, 1]);
    }
}
