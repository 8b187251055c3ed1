//! Reads a drop folder, each file once per change.
//!
//! The cache between scans only saves reads: losing it costs time. Blocks. Does not depend on the
//! store.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use chrono::TimeDelta;
use serde::de::DeserializeOwned;

use super::paper::{self, Question, Report};
use super::spool::{self, Content, INBOX, Name, OUTCOMES, Print, Spool};
use crate::core::Time;
use crate::core::decision::Attachment;
use crate::sources::agent_task::Trouble;
use crate::wire::Wrong;

/// How long an incomplete JSON file must stay unchanged before it is refused, because an agent may
/// still be writing it.
const PATIENCE: TimeDelta = TimeDelta::seconds(5);

/// A parsed question.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) question: Question,
    pub(super) bytes: Vec<u8>,
    /// The kept attachments, or the problem with them.
    pub(super) files: Result<Vec<Attachment>, String>,
}

/// The scan's finding at a name.
#[derive(Debug, Clone)]
pub(super) enum Sight<T> {
    /// A valid file.
    Whole(T),
    /// Incomplete or unreadable for now.
    Unclear,
    /// An invalid file, to be refused for this reason.
    Wrong(String),
}

/// The findings in a drop folder.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) questions: BTreeMap<String, Sight<Arc<Draft>>>,
    pub(super) reports: BTreeMap<String, Sight<Report>>,
    /// Files refused for an invalid name.
    pub(super) odd: Vec<String>,
    pub(super) troubles: Vec<Trouble>,
}

/// The prints of a question's file and its attachments.
type Prints = (Print, Vec<Option<Print>>);

/// Questions that need no new read while their prints stay equal.
#[derive(Debug, Default)]
pub(super) struct Memory {
    drafts: HashMap<String, (Prints, Arc<Draft>)>,
}

/// Reads all dropped files.
///
/// # Errors
/// The folders cannot be listed.
pub(super) fn survey(spool: &Spool, memory: &mut Memory, wall: Time) -> io::Result<Survey> {
    let mut survey = Survey::default();
    for name in spool.list(INBOX)? {
        match name {
            Name::Plain(name) => {
                if let Some(sight) = question(spool, memory, &name, wall) {
                    survey.questions.insert(name, sight);
                }
            }
            odd @ Name::Odd(..) => survey.refuse(spool, INBOX, &odd),
        }
    }
    memory.drafts.retain(|name, _| survey.questions.contains_key(name));
    for name in spool.list(OUTCOMES)? {
        match name {
            Name::Plain(name) => {
                if let Some((sight, _)) = sight::<Report>(spool, OUTCOMES, &name, wall) {
                    survey.reports.insert(name, sight.sound(Report::flaw));
                }
            }
            odd @ Name::Odd(..) => survey.refuse(spool, OUTCOMES, &odd),
        }
    }
    Ok(survey)
}

impl Survey {
    fn refuse(&mut self, spool: &Spool, folder: &str, odd: &Name) {
        let Name::Odd(name, why) = odd else { return };
        let why = format!(
            "{why}: the name is the question's identity; call it for example deploy-7.json"
        );
        match spool.refuse(folder, odd, &why) {
            Ok(()) => self.odd.push(name.to_string_lossy().into_owned()),
            Err(error) => self
                .troubles
                .push(Trouble { path: spool.folder(folder).join(name), why: error.to_string() }),
        }
    }
}

impl<T> Sight<T> {
    fn sound(self, flaw: impl FnOnce(&T) -> Option<String>) -> Self {
        match self {
            Self::Whole(whole) => flaw(&whole).map_or(Self::Whole(whole), Self::Wrong),
            other => other,
        }
    }
}

fn question(
    spool: &Spool,
    memory: &mut Memory,
    name: &str,
    wall: Time,
) -> Option<Sight<Arc<Draft>>> {
    let path = spool.path(INBOX, name);
    // Taken before reading, so that a change in between is read next time.
    let print = spool::print(&path).ok()?.0;
    if let Some(((before, files), draft)) = memory.drafts.get(name)
        && *before == print
        && *files == spool.prints(&draft.question.attachments)
    {
        return Some(Sight::Whole(Arc::clone(draft)));
    }
    let (sight, bytes) = sight::<Question>(spool, INBOX, name, wall)?;
    Some(match sight.sound(Question::flaw) {
        Sight::Whole(question) => {
            let prints = (print, spool.prints(&question.attachments));
            let files = spool.attach(&question.attachments);
            let draft = Arc::new(Draft { question, bytes, files });
            memory.drafts.insert(name.to_owned(), (prints, Arc::clone(&draft)));
            Sight::Whole(draft)
        }
        Sight::Unclear => Sight::Unclear,
        Sight::Wrong(why) => Sight::Wrong(why),
    })
}

/// Parses a file and returns its bytes too. `None` if the file is gone.
fn sight<T: DeserializeOwned>(
    spool: &Spool,
    folder: &str,
    name: &str,
    wall: Time,
) -> Option<(Sight<T>, Vec<u8>)> {
    let path = spool.path(folder, name);
    let patiently = |why: String| {
        let changed = std::fs::symlink_metadata(&path)
            .and_then(|metadata| metadata.modified())
            .map(Time::from);
        // `abs`, because a file with a time in the future must not wait until that time.
        if changed.is_ok_and(|changed| (wall - changed).abs() < PATIENCE) {
            Sight::Unclear
        } else {
            Sight::Wrong(why)
        }
    };
    Some(match spool::read(&path) {
        Content::Gone => return None,
        Content::NoFile(why) => (Sight::Wrong(why), Vec::new()),
        Content::Unreadable(why) => (patiently(why), Vec::new()),
        Content::Bytes(bytes) => match paper::read(&bytes) {
            Ok(whole) => (Sight::Whole(whole), bytes),
            Err(Wrong::Broken(why) | Wrong::Short(why)) => (patiently(why), bytes),
            Err(Wrong::Content(why)) => (Sight::Wrong(why), bytes),
        },
    })
}
