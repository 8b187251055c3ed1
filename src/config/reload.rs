//! Reloads `gander.toml` on changes, so that a new approver needs no restart.
//!
//! File notifications are hints and can be lost, so the file is also read every `TICK`. Content
//! counts only after two equal reads in a row, because a file being written is incomplete. Invalid,
//! missing or suddenly empty content changes nothing: the approvers must not depend on an accident.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::{Config, ConfigError, understand, user_file, without_file};
use crate::disk;

/// Maximum delay of a change whose notification is lost.
const TICK: Duration = Duration::from_secs(2);
/// Shortest time between two reads. Other files of the folder change too, the store at each commit.
const PAUSE: Duration = Duration::from_millis(100);
/// Time between two reads that must be equal.
const SETTLE: Duration = Duration::from_millis(300);

/// Follows the user's own configuration file.
#[derive(Debug)]
pub struct Follow {
    path: Option<PathBuf>,
    reading: Reading,
    noticed: Arc<Notify>,
    /// Only held: dropping the watcher ends the notifications.
    _watcher: Option<RecommendedWatcher>,
}

/// The result of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Text(String),
    Gone,
    Unreadable(String),
}

/// The meaning of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Look {
    /// No change.
    Same,
    /// Changed, perhaps incomplete: read again after [`SETTLE`].
    Unsettled,
    /// New content to parse and apply.
    New(String),
    /// Unusable content, with the reason: the previous configuration stays.
    Unusable(String),
}

/// Decides when changed content counts.
#[derive(Debug)]
struct Reading {
    /// The last content read twice in a row.
    settled: Content,
    /// The last content read.
    last: Content,
    /// Whether the applied configuration came from a file with text.
    has_text: bool,
}

fn has_text(content: &Content) -> bool {
    matches!(content, Content::Text(text) if !text.trim().is_empty())
}

impl Reading {
    fn of(content: Content) -> Self {
        Self { has_text: has_text(&content), settled: content.clone(), last: content }
    }

    fn look(&mut self, found: Content) -> Look {
        let again = self.last == found;
        self.last.clone_from(&found);
        if found == self.settled {
            return Look::Same;
        }
        if !again {
            return Look::Unsettled;
        }
        self.settled.clone_from(&found);
        let had_text = self.has_text;
        match found {
            Content::Text(text) if text.trim().is_empty() && had_text => Look::Unusable(
                "it is empty, which would make the application's owner the only approver. Write \
                 a configuration, or restart Gander if you want this"
                    .into(),
            ),
            Content::Text(text) => Look::New(text),
            Content::Gone => Look::Unusable(
                "it is missing. Restore it, or restart Gander to continue without it".into(),
            ),
            Content::Unreadable(why) => {
                Look::Unusable(format!("it cannot be read: {why}. Check its permissions"))
            }
        }
    }

    /// The new text was valid and applies now.
    fn holds(&mut self) {
        self.has_text = has_text(&self.settled);
    }
}

impl Follow {
    /// Reads the named file, or the default file, and follows further changes.
    ///
    /// # Errors
    /// [`ConfigError`]: at the start no previous configuration exists.
    pub fn start(named: Option<&Path>) -> Result<(Config, Self), ConfigError> {
        let path = named.map_or_else(|| user_file().ok(), |named| Some(named.to_owned()));
        let content = path.as_deref().map_or(Content::Gone, read);
        let config = match (&content, &path) {
            (Content::Text(text), Some(path)) => understand(path, text)?,
            (Content::Gone, _) if named.is_none() => without_file(),
            _ => super::load(named)?,
        };
        let noticed = Arc::new(Notify::new());
        let watcher = path.as_deref().and_then(|path| watch(path, &noticed));
        Ok((config, Self { path, reading: Reading::of(content), noticed, _watcher: watcher }))
    }

    /// Follows no file, for a configuration made in code.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            path: None,
            reading: Reading::of(Content::Gone),
            noticed: Arc::new(Notify::new()),
            _watcher: None,
        }
    }

    /// Notify this to read the file at once.
    #[must_use]
    pub fn reader(&self) -> Arc<Notify> {
        Arc::clone(&self.noticed)
    }

    /// Waits for the next change.
    ///
    /// # Errors
    /// As text for people: why the previous configuration stays.
    pub async fn next(&mut self) -> Result<Config, String> {
        let Some(path) = self.path.clone() else { return std::future::pending().await };
        let mut pause = TICK;
        loop {
            if pause == SETTLE {
                tokio::time::sleep(SETTLE).await;
            } else {
                tokio::time::sleep(PAUSE).await;
                // A missing or spurious notification is harmless: the file's content decides.
                let _ = tokio::time::timeout(TICK, self.noticed.notified()).await;
            }
            let file = path.clone();
            let found = match tokio::task::spawn_blocking(move || read(&file)).await {
                Ok(found) => found,
                Err(error) => Content::Unreadable(error.to_string()),
            };
            pause = match self.reading.look(found) {
                Look::Same => TICK,
                Look::Unsettled => SETTLE,
                Look::Unusable(why) => return Err(format!("{}: {why}", super::FILE)),
                Look::New(text) => {
                    let config = understand(&path, &text).map_err(|error| error.brief())?;
                    self.reading.holds();
                    return Ok(config);
                }
            };
        }
    }
}

fn read(path: &Path) -> Content {
    match disk::read_own_text(path, disk::LONGEST_SETTINGS) {
        Ok(text) => Content::Text(text),
        Err(error) if error.is_absence() => Content::Gone,
        Err(error) => Content::Unreadable(error.to_string()),
    }
}

/// Watches the folders of the file and of its link target, because editors and deployments replace
/// a file by renaming.
fn watch(path: &Path, noticed: &Arc<Notify>) -> Option<RecommendedWatcher> {
    let notice = Arc::clone(noticed);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading the file raises access events; waking on these would loop forever.
        if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
            notice.notify_one();
        }
    });
    let mut watcher = watcher
        .inspect_err(
            |error| tracing::debug!(%error, "gander.toml is not watched; it is read every 2 s"),
        )
        .ok()?;
    let target = path.canonicalize().ok();
    for folder in [Some(path), target.as_deref()].into_iter().flatten().filter_map(Path::parent) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
            tracing::debug!(%error, folder = %folder.display(), "the folder of gander.toml is not \
                 watched; it is read every 2 s");
        }
    }
    Some(watcher)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Content {
        Content::Text(text.into())
    }

    /// The meanings of these contents, read one after the other.
    fn looks(start: Content, found: &[Content]) -> Vec<String> {
        let mut reading = Reading::of(start);
        let say = |look| match look {
            Look::New(text) => format!("new: {text}"),
            Look::Unusable(why) => {
                format!("useless: {}", why.split([':', '.']).next().unwrap_or_default())
            }
            other => format!("{other:?}").to_lowercase(),
        };
        found
            .iter()
            .map(|content| {
                let look = reading.look(content.clone());
                if matches!(look, Look::New(_)) {
                    reading.holds();
                }
                say(look)
            })
            .collect()
    }

    #[test]
    fn what_two_looks_in_a_row_found_counts() {
        let found = looks(text("a"), &[text("a"), text("b"), text("b"), text("b")]);
        assert_eq!(found, ["same", "unsettled", "new: b", "same"]);
    }

    #[test]
    fn half_a_file_never_counts_while_it_is_written() {
        let found = looks(
            text("a = 1"),
            &[text(""), text("[[appr"), text("[[approvers]]"), text("[[approvers]]")],
        );
        assert_eq!(found, ["unsettled", "unsettled", "unsettled", "new: [[approvers]]"]);
    }

    #[test]
    fn a_change_that_is_taken_back_at_once_is_none() {
        assert_eq!(
            looks(text("a"), &[text("b"), text("a"), text("a")]),
            ["unsettled", "same", "same"]
        );
    }

    #[test]
    fn a_file_that_is_emptied_or_gone_changes_nothing_and_its_return_counts() {
        let gone = looks(text("a"), &[Content::Gone, Content::Gone, text("a"), text("a")]);
        assert_eq!(gone, ["unsettled", "useless: it is missing", "unsettled", "new: a"]);
        let useless = "useless: it is empty, which would make the application's owner the only \
                       approver";
        let empty = looks(text("a"), &[text("\n"), text("\n"), text("b"), text("b")]);
        assert_eq!(empty, ["unsettled", useless, "unsettled", "new: b"]);
        let twice = looks(text("a"), &[Content::Gone, Content::Gone, text(""), text("")]);
        assert_eq!(twice, ["unsettled", "useless: it is missing", "unsettled", useless]);
    }

    #[test]
    fn where_there_was_none_a_file_may_appear() {
        let found =
            looks(Content::Gone, &[Content::Gone, text(""), text(""), text("a"), text("a")]);
        assert_eq!(found, ["same", "unsettled", "new: ", "unsettled", "new: a"]);
    }
}
