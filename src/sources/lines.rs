//! Follows a file of lines that another program appends to, rotates, truncates or replaces.
//!
//! The place is kept by the caller, who stores it after handling the lines: after a crash in
//! between, the last batch comes again, and the caller must recognise lines that it has handled. A
//! batch is at most [`LONGEST_LINE`] bytes, however long the file is.
//!
//! The place names the file by its identity and by a hash of the bytes before the place, so that a
//! file that was truncated or replaced is noticed even if the system reuses its identity. Of a file
//! that was renamed (rotated), the rest is read first, then the files that followed it, by the time
//! of their last change.
//!
//! Blocks. Does not depend on what the lines mean.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::disk::{FileError, FileId, FileKind, Folder};

/// Longest line, in bytes. A longer one is refused and skipped.
pub(super) const LONGEST_LINE: usize = 1 << 20;
/// Bytes before the place that are compared.
const COMPARED: u64 = 256;
/// Most renamed files that are remembered.
const MOST_FINISHED: usize = 8;
/// Most names of a folder that are looked at for a rotated file.
const MOST_NAMES: usize = 4096;

/// How far a file was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LinePlace {
    id: FileId,
    /// Bytes before the next line.
    offset: u64,
    /// Hash of the last bytes before `offset`.
    before: String,
    /// Whether `offset` is within a line that is skipped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    skipping: bool,
    /// Lines before `offset` in this file, without blank ones.
    pub(super) lines: u64,
    /// When the file was last changed, before it was read.
    modified: SystemTime,
    /// The latest renamed files that were read to their end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    finished: Vec<FileId>,
}

/// Where to begin in a file that was never read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// At its first line.
    AtStart,
    /// Behind its last line: what is there is history.
    AtEnd,
}

/// A line, without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A text that is not blank, with the number of lines before it in its file.
    Text(u64, String),
    /// A line that is too long, or no UTF-8 text.
    Refused(LineError),
}

/// Why a line was skipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the line at byte {at} {what}: it was skipped")]
pub(super) struct LineError {
    at: u64,
    what: &'static str,
}

/// The next lines.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) lines: Vec<Line>,
    /// Where to continue. `None`: there is no file.
    pub(super) place: Option<LinePlace>,
    /// Whether to read again at once.
    pub(super) has_more: bool,
}

/// Reads the next lines of a file.
///
/// # Errors
/// [`FileError`]: a link, a pipe, or the system's error. A missing file is not an error.
pub(super) fn read_on(
    folder: &Folder,
    name: &str,
    place: Option<&LinePlace>,
    begin: Begin,
) -> Result<Batch, FileError> {
    let facts = match folder.facts(Path::new(name)) {
        Ok(facts) => Some(facts),
        Err(error) if error.is_absence() => None,
        Err(error) => return Err(error),
    };
    let unchanged = |place: &LinePlace| {
        facts.is_some_and(|facts| {
            (facts.id, facts.bytes, facts.modified) == (place.id, place.offset, place.modified)
        })
    };
    let nothing = |place: Option<&LinePlace>| {
        Ok(Batch { lines: Vec::new(), place: place.cloned(), has_more: false })
    };
    let Some(place) = place else {
        return match facts {
            None => nothing(None),
            Some(_) => first(&folder.open_file(Path::new(name))?, begin),
        };
    };
    if unchanged(place) {
        return nothing(Some(place));
    }
    if facts.is_some_and(|facts| facts.id == place.id) {
        let file = folder.open_file(Path::new(name))?;
        let place = if place.fits(&file)? { place.clone() } else { LinePlace::start(&file)? };
        let place = LinePlace { modified: file.metadata()?.modified()?, ..place };
        return read_batch(&file, place, AtEnd::LineIsIncomplete);
    }
    renamed(folder, name, place)
}

fn first(file: &File, begin: Begin) -> Result<Batch, FileError> {
    let start = LinePlace::start(file)?;
    if begin == Begin::AtStart {
        return read_batch(file, start, AtEnd::LineIsIncomplete);
    }
    let offset = file.metadata()?.len();
    let mut last = [b'\n'];
    if offset > 0 {
        file.read_exact_at(&mut last, offset - 1)?;
    }
    let place = LinePlace {
        offset,
        before: hash_before(file, offset)?,
        skipping: last != [b'\n'],
        ..start
    };
    Ok(Batch { lines: Vec::new(), place: Some(place), has_more: false })
}

/// The file at this name is another one: reads the rest of the renamed file, else its successor.
fn renamed(folder: &Folder, name: &str, place: &LinePlace) -> Result<Batch, FileError> {
    let family = family(folder, name)?;
    let old = family.iter().find(|member| member.id == place.id);
    let is_current = |member: &Member| member.name.as_os_str() == name;
    let mut finished = place.finished.clone();
    let mut since = None;
    if let Some(old) = old {
        let file = folder.open_file(Path::new(&old.name))?;
        if place.fits(&file)? {
            let batch = read_batch(&file, place.clone(), AtEnd::LineIsComplete)?;
            if batch.has_more || !batch.lines.is_empty() {
                return Ok(Batch { has_more: true, ..batch });
            }
            since = Some(old.modified);
            finished.push(place.id);
            finished.drain(..finished.len().saturating_sub(MOST_FINISHED));
        }
    }
    // Without the old file, nobody can say which of the others were read.
    let next = match since {
        Some(since) => family
            .iter()
            .filter(|member| member.modified >= since)
            .filter(|member| is_current(member) || !finished.contains(&member.id))
            .min_by_key(|member| (member.modified, is_current(member))),
        None => family.iter().find(|member| is_current(member)),
    };
    let Some(next) = next else {
        return Ok(Batch { lines: Vec::new(), place: Some(place.clone()), has_more: false });
    };
    let file = folder.open_file(Path::new(&next.name))?;
    let end = if is_current(next) { AtEnd::LineIsIncomplete } else { AtEnd::LineIsComplete };
    let batch = read_batch(&file, LinePlace { finished, ..LinePlace::start(&file)? }, end)?;
    Ok(Batch { has_more: batch.has_more || !is_current(next), ..batch })
}

struct Member {
    name: std::ffi::OsString,
    id: FileId,
    modified: SystemTime,
}

/// The file of this name, and the files that it may have been renamed to: `log.jsonl`,
/// `log.jsonl.1`, `log-2026.jsonl`.
fn family(folder: &Folder, name: &str) -> Result<Vec<Member>, FileError> {
    let stem = name.split('.').next().unwrap_or(name);
    let is_member = |other: &OsStr| {
        let rest = other.to_str().and_then(|other| other.strip_prefix(stem));
        rest.is_some_and(|rest| rest.starts_with(['.', '-', '_']))
    };
    let names = folder.names()?.into_iter().filter(|other| is_member(other)).take(MOST_NAMES);
    let member = |name: std::ffi::OsString| {
        let facts = folder.facts(Path::new(&name)).ok()?;
        let regular = facts.kind == FileKind::Regular;
        regular.then_some(Member { name, id: facts.id, modified: facts.modified })
    };
    Ok(names.filter_map(member).collect())
}

impl LinePlace {
    /// Before the first line.
    fn start(file: &File) -> Result<Self, FileError> {
        Ok(Self {
            id: FileId::of(file)?,
            offset: 0,
            before: hash_before(file, 0)?,
            skipping: false,
            lines: 0,
            modified: file.metadata()?.modified()?,
            finished: Vec::new(),
        })
    }

    /// Whether this file still begins as when it was read up to this place.
    fn fits(&self, file: &File) -> Result<bool, FileError> {
        let fits = FileId::of(file)? == self.id && file.metadata()?.len() >= self.offset;
        Ok(fits && hash_before(file, self.offset)? == self.before)
    }
}

/// Hash of the last bytes before an offset.
fn hash_before(file: &File, offset: u64) -> Result<String, FileError> {
    let start = offset.saturating_sub(COMPARED);
    let mut bytes = vec![0; usize::try_from(offset - start).unwrap_or_default()];
    match file.read_exact_at(&mut bytes, start) {
        // Truncated at this moment: a hash that fits nothing.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(String::new()),
        read => {
            read?;
            Ok(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
        }
    }
}

/// The meaning of bytes behind the last line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AtEnd {
    /// The writer has not finished the line.
    LineIsIncomplete,
    /// Nobody writes to this file any more.
    LineIsComplete,
}

fn read_batch(file: &File, place: LinePlace, at_end: AtEnd) -> Result<Batch, FileError> {
    let mut bytes = vec![0; LONGEST_LINE + 1];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], place.offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let is_full = filled == bytes.len();
    let mut batch = Cut { lines: Vec::new(), place, taken: 0 };
    batch.cut(&bytes[..filled], is_full, at_end);
    let Cut { lines, mut place, taken } = batch;
    if taken > 0 {
        place.offset += taken as u64;
        place.before = hash_before(file, place.offset)?;
    }
    Ok(Batch { lines, place: Some(place), has_more: is_full })
}

/// Cuts bytes into lines.
struct Cut {
    lines: Vec<Line>,
    place: LinePlace,
    taken: usize,
}

impl Cut {
    fn cut(&mut self, bytes: &[u8], is_full: bool, at_end: AtEnd) {
        while self.taken < bytes.len() {
            let rest = &bytes[self.taken..];
            match rest.iter().position(|byte| *byte == b'\n') {
                Some(end) => self.end_line(&rest[..end], end + 1),
                None if self.place.skipping => self.taken = bytes.len(),
                None if is_full && self.taken == 0 => {
                    self.refuse("has more than 1 MiB");
                    self.place.skipping = true;
                    self.taken = bytes.len();
                }
                None if !is_full && at_end == AtEnd::LineIsComplete => {
                    self.end_line(rest, rest.len());
                }
                None => return,
            }
        }
    }

    fn end_line(&mut self, line: &[u8], length: usize) {
        if std::mem::take(&mut self.place.skipping) {
            self.place.lines += 1;
        } else if !line.trim_ascii().is_empty() {
            match std::str::from_utf8(line) {
                Ok(text) => {
                    let text = text.trim().to_owned();
                    self.lines.push(Line::Text(self.place.lines, text));
                }
                Err(_) => self.refuse("is not UTF-8 text"),
            }
            self.place.lines += 1;
        }
        self.taken += length;
    }

    fn refuse(&mut self, what: &'static str) {
        let at = self.place.offset + self.taken as u64;
        self.lines.push(Line::Refused(LineError { at, what }));
    }
}

#[cfg(test)]
mod tests;
