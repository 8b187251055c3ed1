//! What lies in a drop folder, read once for each change of it.
//!
//! What is remembered between looks only spares reading: losing it costs time. Blocks. Must not
//! know the store.

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

/// How long a file that is no whole JSON must lie unchanged until it is refused: it may be being
/// written.
const PATIENCE: TimeDelta = TimeDelta::seconds(5);

/// A question that was read.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) question: Question,
    pub(super) bytes: Vec<u8>,
    /// Its files, kept; or what is wrong with them.
    pub(super) files: Result<Vec<Attachment>, String>,
}

/// What was seen at a name.
#[derive(Debug, Clone)]
pub(super) enum Sight<T> {
    /// What is dropped there.
    Whole(T),
    /// Nothing can be said of it yet.
    Unclear,
    /// It is refused.
    Wrong(String),
}

/// What was seen in a drop folder.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) questions: BTreeMap<String, Sight<Arc<Draft>>>,
    pub(super) reports: BTreeMap<String, Sight<Report>>,
    /// Refused by their names alone.
    pub(super) odd: Vec<String>,
    pub(super) troubles: Vec<Trouble>,
}

/// The prints of a question's file and of the files that go with it.
type Prints = (Print, Vec<Option<Print>>);

/// What need not be read again.
#[derive(Debug, Default)]
pub(super) struct Memory {
    drafts: HashMap<String, (Prints, Arc<Draft>)>,
}

/// Looks at all that was dropped.
///
/// # Errors
/// The folders cannot be made or listed.
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
    // Before it is read: what changes in between is read again next time.
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

/// What a file says, and its bytes. `None`: it is gone.
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
        // A file from the future is not waited for until then.
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
