//! Reads a `WorkRail` folder: new lines, and the person's read position. Blocks.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Progress;
use crate::disk::Folder;
use crate::sources::agent_task::SourceError;
use crate::sources::lines::{Batch, Begin, Line, LinePlace, read_on};

const OUTBOX: &str = "outbox.jsonl";
const CURSOR: &str = "inbox-cursor.json";
const EVENTS: &str = "events/daemon";
/// Size limit in bytes of the cursor file.
const LONGEST_CURSOR: u64 = 4 << 10;
/// Event files whose place is kept.
const MOST_EVENT_FILES: usize = 4;

/// A new line, and where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NewLine {
    /// A line of the outbox, with its number within the file, from 0.
    Outbox(u64, String),
    /// An event of the daemon.
    Event(String),
}

/// The result of reading.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) progress: Progress,
    pub(super) lines: Vec<NewLine>,
    /// The person's new read position in the outbox, if it has moved.
    pub(super) read_there: Option<u64>,
    pub(super) troubles: Vec<SourceError>,
    pub(super) has_more: bool,
}

/// The folders in which files appear.
pub(super) fn watched(root: &Path) -> [PathBuf; 2] {
    [root.to_owned(), root.join(EVENTS)]
}

#[derive(Deserialize)]
struct Cursor {
    #[serde(rename = "lastReadCount")]
    last_read_count: u64,
}

/// Reads what is new. At the first time, only the messages that the person has not read there are
/// new, and past events are history.
pub(super) fn read_folder(root: &Path, progress: Progress, is_first: bool) -> Found {
    let mut found = Found { progress, ..Found::default() };
    let folder = match Folder::open(root) {
        Ok(folder) => folder,
        Err(error) if error.is_absence() => return found,
        Err(error) => {
            found.trouble(root.to_owned(), error.to_string());
            return found;
        }
    };
    let cursor = read_cursor(&folder);
    match read_on(&folder, OUTBOX, found.progress.outbox.as_ref(), Begin::AtStart) {
        Ok(batch) => {
            let skipped = if is_first { cursor.unwrap_or_default() } else { 0 };
            found.progress.outbox.clone_from(&batch.place);
            found.take(&root.join(OUTBOX), batch, |number, text| {
                (number >= skipped).then_some(NewLine::Outbox(number, text))
            });
        }
        Err(error) => found.trouble(root.join(OUTBOX), error.to_string()),
    }
    let lines = found.progress.outbox.as_ref().map_or(0, |place| place.lines);
    // A cursor beyond the file belongs to a file that was rotated away.
    if let Some(read) = cursor.filter(|read| *read <= lines && *read != found.progress.read_there) {
        found.progress.read_there = read;
        found.read_there = Some(read);
    }
    if let Err(error) = read_events(&folder, root, &mut found, is_first) {
        found.trouble(root.join(EVENTS), error.to_string());
    }
    found
}

fn read_cursor(folder: &Folder) -> Option<u64> {
    let text = folder.read_text(Path::new(CURSOR), LONGEST_CURSOR).ok()?;
    serde_json::from_str::<Cursor>(&text).ok().map(|cursor| cursor.last_read_count)
}

fn read_events(
    root_folder: &Folder,
    root: &Path,
    found: &mut Found,
    is_first: bool,
) -> io::Result<()> {
    let folder = match root_folder.folder(Path::new(EVENTS)) {
        Ok(folder) => folder,
        Err(error) if error.is_absence() => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let mut names: Vec<String> = folder
        .names()?
        .into_iter()
        .filter_map(|name| name.into_string().ok())
        .filter(|name| is_day(name))
        .collect();
    names.sort();
    if is_first {
        found.progress.events_since = names.last().cloned();
    }
    let since = found.progress.events_since.clone().unwrap_or_default();
    for name in names.iter().filter(|name| **name >= since) {
        let begin = if is_first { Begin::AtEnd } else { Begin::AtStart };
        match read_on(&folder, name, found.progress.events.get(name), begin) {
            Ok(batch) => {
                let place: Option<LinePlace> = batch.place.clone();
                found.progress.events.extend(place.map(|place| (name.clone(), place)));
                found.take(&root.join(EVENTS).join(name), batch, |_, text| {
                    Some(NewLine::Event(text))
                });
            }
            Err(error) => found.trouble(root.join(EVENTS).join(name), error.to_string()),
        }
    }
    while found.progress.events.len() > MOST_EVENT_FILES {
        found.progress.events.pop_first();
        found.progress.events_since = found.progress.events.keys().next().cloned();
    }
    Ok(())
}

/// Whether a name is `YYYY-MM-DD.jsonl`.
fn is_day(name: &str) -> bool {
    name.strip_suffix(".jsonl").is_some_and(|day| {
        day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    })
}

impl Found {
    fn take(&mut self, path: &Path, batch: Batch, new: impl Fn(u64, String) -> Option<NewLine>) {
        self.has_more |= batch.has_more;
        for line in batch.lines {
            match line {
                Line::Text(number, text) => self.lines.extend(new(number, text)),
                Line::Refused(error) => self.trouble(path.to_owned(), error.to_string()),
            }
        }
    }

    fn trouble(&mut self, path: PathBuf, why: String) {
        self.troubles.push(SourceError { path, why });
    }
}
