//! Reads a drop folder, each file once per change.
//!
//! The cache between scans only saves reads: losing it costs time. Blocks. Does not depend on the
//! store.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use gander_client::types::{DroppedQuestion, OutcomeReport};
use serde::de::DeserializeOwned;

use super::files;
use super::files::{FileContent, INBOX, Name, OUTCOMES, Spool};
use super::schema;
use crate::core::Time;
use crate::core::decision::Attachment;
use crate::disk::{FileFacts, Folder};
use crate::presentation::json::ReadError;
use crate::sources::agent_task::SourceError;

/// How long an incomplete JSON file must stay unchanged before it is refused, because an agent may
/// still be writing it.
const INCOMPLETE_GRACE: TimeDelta = TimeDelta::seconds(5);

/// A parsed question.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) question: DroppedQuestion,
    pub(super) bytes: Vec<u8>,
    /// The kept attachments, or the problem with them.
    pub(super) files: Result<Vec<Attachment>, String>,
}

/// The scan's finding at a name.
#[derive(Debug, Clone)]
pub(super) enum ScannedFile<T> {
    /// A valid file.
    Whole(T),
    /// Incomplete or unreadable for now.
    Unclear,
    /// An invalid file, to be refused for this reason.
    Wrong(String),
}

/// The findings in a drop folder.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) questions: BTreeMap<String, ScannedFile<Arc<Draft>>>,
    pub(super) reports: BTreeMap<String, ScannedFile<OutcomeReport>>,
    /// Files refused for an invalid name.
    pub(super) odd: Vec<String>,
    pub(super) troubles: Vec<SourceError>,
}

/// The facts of a question's file and its attachments.
type Facts = (FileFacts, Vec<Option<FileFacts>>);

/// Questions that need no new read while their facts stay equal.
#[derive(Debug, Default)]
pub(super) struct ReadCache {
    drafts: HashMap<String, (Facts, Arc<Draft>)>,
}

/// Reads all dropped files.
///
/// # Errors
/// The folders cannot be listed.
pub(super) fn survey(spool: &Spool, memory: &mut ReadCache, wall: Time) -> io::Result<Scan> {
    let mut survey = Scan::default();
    let (inbox, outcomes) = (spool.open(INBOX)?, spool.open(OUTCOMES)?);
    for name in files::list(&inbox)? {
        match name {
            Name::Plain(name) => {
                if let Some(sight) = question(spool, &inbox, memory, &name, wall) {
                    survey.questions.insert(name, sight);
                }
            }
            odd @ Name::Odd(..) => survey.refuse(spool, INBOX, &odd),
        }
    }
    memory.drafts.retain(|name, _| survey.questions.contains_key(name));
    for name in files::list(&outcomes)? {
        match name {
            Name::Plain(name) => {
                if let Some((sight, _)) = sight::<OutcomeReport>(&outcomes, &name, wall) {
                    survey.reports.insert(name, sight.checked(schema::report_error));
                }
            }
            odd @ Name::Odd(..) => survey.refuse(spool, OUTCOMES, &odd),
        }
    }
    Ok(survey)
}

impl Scan {
    fn refuse(&mut self, spool: &Spool, folder: &str, odd: &Name) {
        let Name::Odd(name, why) = odd else { return };
        let why =
            format!("{why}: the name identifies the question; use, for example, deploy-7.json");
        match spool.refuse(folder, odd, &why) {
            Ok(()) => self.odd.push(name.to_string_lossy().into_owned()),
            Err(error) => self.troubles.push(SourceError {
                path: spool.root.join(folder).join(name),
                why: error.to_string(),
            }),
        }
    }
}

impl<T> ScannedFile<T> {
    fn checked(self, validation_error: impl FnOnce(&T) -> Option<String>) -> Self {
        match self {
            Self::Whole(whole) => validation_error(&whole).map_or(Self::Whole(whole), Self::Wrong),
            other => other,
        }
    }
}

fn question(
    spool: &Spool,
    inbox: &Folder,
    memory: &mut ReadCache,
    name: &str,
    wall: Time,
) -> Option<ScannedFile<Arc<Draft>>> {
    // Taken before reading, so that a change in between is read next time.
    let facts = inbox.facts(Path::new(name)).ok()?;
    if let Some(((before, files), draft)) = memory.drafts.get(name)
        && *before == facts
        && *files == spool.facts(&draft.question.attachments)
    {
        return Some(ScannedFile::Whole(Arc::clone(draft)));
    }
    let (sight, bytes) = sight::<DroppedQuestion>(inbox, name, wall)?;
    Some(match sight.checked(schema::question_error) {
        ScannedFile::Whole(question) => {
            let facts = (facts, spool.facts(&question.attachments));
            let files = spool.attach(&question.attachments);
            let draft = Arc::new(Draft { question, bytes, files });
            memory.drafts.insert(name.to_owned(), (facts, Arc::clone(&draft)));
            ScannedFile::Whole(draft)
        }
        ScannedFile::Unclear => ScannedFile::Unclear,
        ScannedFile::Wrong(why) => ScannedFile::Wrong(why),
    })
}

/// Parses a file and returns its bytes too. `None` if the file is gone.
fn sight<T: DeserializeOwned>(
    folder: &Folder,
    name: &str,
    wall: Time,
) -> Option<(ScannedFile<T>, Vec<u8>)> {
    let wait_or_refuse = |why: String| {
        let changed = folder.facts(Path::new(name)).map(|facts| Time::from(facts.modified));
        // `abs`, because a file with a time in the future must not wait until that time.
        if changed.is_ok_and(|changed| (wall - changed).abs() < INCOMPLETE_GRACE) {
            ScannedFile::Unclear
        } else {
            ScannedFile::Wrong(why)
        }
    };
    Some(match files::read(folder, name) {
        FileContent::Gone => return None,
        FileContent::NoFile(why) => (ScannedFile::Wrong(why), Vec::new()),
        FileContent::Unreadable(why) => (wait_or_refuse(why), Vec::new()),
        FileContent::Bytes(bytes) => match schema::read(&bytes) {
            Ok(whole) => (ScannedFile::Whole(whole), bytes),
            Err(ReadError::NotJson(why) | ReadError::UnexpectedEnd(why)) => {
                (wait_or_refuse(why), bytes)
            }
            Err(ReadError::InvalidContent(why)) => (ScannedFile::Wrong(why), bytes),
        },
    })
}
