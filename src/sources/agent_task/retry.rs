//! When to scan again, and when to log a lasting problem.
//!
//! A half-written file is usually complete a moment later. The next scans therefore follow soon, a
//! few times; only then is one warning logged. The state here only avoids repeated log lines:
//! losing the state repeats a warning.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use super::TaskScan;

/// Interval of scans without notices, because notices are only hints.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(60);
/// Interval of scans while a file is incomplete.
pub(super) const SOON: Duration = Duration::from_millis(500);
/// Number of scans of an incomplete file until a warning is logged.
const SCANS_BEFORE_WARNING: u32 = 6;

/// Problems seen so far.
#[derive(Debug, Default)]
pub(super) struct RetryState {
    troubled: HashMap<PathBuf, u32>,
    missing: HashSet<PathBuf>,
}

impl RetryState {
    /// The time until the next scan. Logs new missing folders and lasting problems.
    pub(super) fn after(&mut self, looked: &TaskScan) -> Duration {
        for path in self.newly_missing(looked) {
            tracing::warn!(folder = ?path, "the watched folder does not exist; \
                 checking again later");
        }
        for (path, why) in self.given_up(looked) {
            tracing::warn!(path = ?path, why, "not a valid task; reading it again when it changes");
        }
        if self.troubled.values().any(|looks| *looks < SCANS_BEFORE_WARNING) {
            SOON
        } else {
            POLL_INTERVAL
        }
    }

    fn newly_missing(&mut self, looked: &TaskScan) -> Vec<PathBuf> {
        self.missing.retain(|path| looked.missing.contains(path));
        looked.missing.iter().filter(|path| self.missing.insert((*path).clone())).cloned().collect()
    }

    fn given_up<'a>(&mut self, looked: &'a TaskScan) -> Vec<(PathBuf, &'a str)> {
        self.troubled.retain(|path, _| looked.troubles.iter().any(|trouble| trouble.path == *path));
        let mut given_up = Vec::new();
        for trouble in &looked.troubles {
            let looks = self.troubled.entry(trouble.path.clone()).or_default();
            *looks = looks.saturating_add(1);
            if *looks == SCANS_BEFORE_WARNING {
                given_up.push((trouble.path.clone(), trouble.why.as_str()));
            }
        }
        given_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::agent_task::SourceError;

    fn troubled(paths: &[&str]) -> TaskScan {
        let trouble = |path: &&str| SourceError { path: path.into(), why: "cut".into() };
        TaskScan { troubles: paths.iter().map(trouble).collect(), ..TaskScan::default() }
    }

    #[test]
    fn a_broken_file_is_looked_at_again_a_few_times_and_said_once() {
        let mut patience = RetryState::default();
        let mut said = 0;
        for look in 1..20 {
            said += RetryState { troubled: patience.troubled.clone(), missing: HashSet::new() }
                .given_up(&troubled(&["a"]))
                .len();
            let wait = patience.after(&troubled(&["a"]));
            assert_eq!(
                wait,
                if look < SCANS_BEFORE_WARNING { SOON } else { POLL_INTERVAL },
                "look {look}"
            );
        }
        assert_eq!(said, 1);
        assert_eq!(
            patience.after(&troubled(&["a", "b"])),
            SOON,
            "another one has its own patience"
        );
        assert_eq!(patience.after(&TaskScan::default()), POLL_INTERVAL);
        assert_eq!(patience.after(&troubled(&["a"])), SOON, "whole in between, it begins anew");
    }

    #[test]
    fn a_missing_folder_is_said_once_until_it_was_there() {
        let missing = TaskScan { missing: vec!["gone".into()], ..TaskScan::default() };
        let mut patience = RetryState::default();
        let said: Vec<usize> = [&missing, &missing, &TaskScan::default(), &missing]
            .map(|looked| patience.newly_missing(looked).len())
            .to_vec();
        assert_eq!(said, [1, 0, 0, 1]);
    }
}
