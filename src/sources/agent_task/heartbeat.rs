//! Parses `.agent-heartbeat` and `.agent-lock`, plain texts of one `name: value` a line.
//!
//! Unrelated tools use these file names too, so a text counts only with the known names. Pure.

use chrono::TimeDelta;

use crate::core::Time;

/// An agent at work whose last report is older counts as stale.
pub(super) const STALE_AFTER: TimeDelta = TimeDelta::minutes(30);

/// What an agent at work reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heartbeat {
    /// The state or step.
    pub(super) step: String,
    pub(super) at: Time,
}

/// An agent's claim of a worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lock {
    /// Session, process and start, as one line for the card.
    pub(super) summary: String,
}

/// Parses a heartbeat. `None`: another tool's file, or an incomplete one.
pub(super) fn read_heartbeat(text: &str) -> Option<Heartbeat> {
    let at = value(text, "timestamp")?.parse().ok()?;
    Some(Heartbeat { step: value(text, "step")?.to_owned(), at })
}

/// Parses a lock. `None`: another tool's file, or an incomplete one.
pub(super) fn read_lock(text: &str) -> Option<Lock> {
    let known = ["session", "pid", "started"];
    let found: Vec<String> = known
        .into_iter()
        .filter_map(|name| Some(format!("{name} {}", value(text, name)?)))
        .collect();
    (found.len() > 1).then(|| Lock { summary: found.join(", ") })
}

/// The value of the first line with this name.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let found = lines.find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == name));
    found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(case: &str) -> String {
        let path = format!("{}/fixtures/agent-notes/{case}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    #[test]
    fn known_texts_are_read_and_others_are_not() {
        let heartbeat = read_heartbeat(&fixture("impl-validated.agent-heartbeat")).unwrap();
        assert_eq!(
            (heartbeat.step.as_str(), heartbeat.at.to_rfc3339()),
            ("impl-validated", "2026-09-14T08:40:00+00:00".to_owned())
        );
        let lock = read_lock(&fixture("claimed.agent-lock")).unwrap();
        assert_eq!(lock.summary, "session s-41, pid 4711, started 2026-09-14T08:00:00Z");
        for alien in ["alien-claims.agent-lock", "alien-line.agent-lock"] {
            let text = fixture(alien);
            assert_eq!((read_heartbeat(&text), read_lock(&text)), (None, None), "{alien}");
        }
        for cut in ["", "step: planning", "step: planning\ntimestamp: 2026-09-1", "step:\n"] {
            assert_eq!(read_heartbeat(cut), None, "{cut:?}");
        }
    }
}
