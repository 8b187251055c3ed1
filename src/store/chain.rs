//! The hash chain over the log, and the faults found in verification.
//!
//! Works on entries, not on a storage: the store's log and an exported log are verified by the same
//! code.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::hex;

/// What an event changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub enum LogSubject {
    /// The decision with this number.
    Decision(i64),
    /// The job with this number.
    Job(i64),
    /// The queue of jobs as a whole.
    Queue,
}

impl LogSubject {
    /// The subject that the columns `decision` and `job` of an event name.
    pub(crate) fn of(decision: Option<i64>, job: Option<i64>) -> Self {
        match (decision, job) {
            (Some(decision), _) => Self::Decision(decision),
            (None, Some(job)) => Self::Job(job),
            (None, None) => Self::Queue,
        }
    }

    /// The columns `decision` and `job` of an event.
    pub(crate) const fn columns(self) -> (Option<i64>, Option<i64>) {
        match self {
            Self::Decision(decision) => (Some(decision), None),
            Self::Job(job) => (None, Some(job)),
            Self::Queue => (None, None),
        }
    }

    /// The subject with its kind: `decision #142`, `job 7`, `the queue`.
    #[must_use]
    pub fn described(self) -> String {
        match self {
            Self::Decision(_) => format!("decision {}", self.named()),
            Self::Job(_) | Self::Queue => self.named(),
        }
    }

    /// The subject as people read it: `#142`, `job 7`, `the queue`.
    #[must_use]
    pub fn named(self) -> String {
        match self {
            Self::Decision(decision) => format!("#{decision}"),
            Self::Job(job) => format!("job {job}"),
            Self::Queue => "the queue".into(),
        }
    }
}

/// As the hash has it: the bare number of a decision, because every log from before there were jobs
/// has that.
impl std::fmt::Display for LogSubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Decision(decision) => write!(f, "{decision}"),
            Self::Job(job) => write!(f, "job {job}"),
            Self::Queue => f.write_str("queue"),
        }
    }
}

/// A subject in JSON: a decision's number, or a word.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Number(i64),
    Word(String),
}

impl From<LogSubject> for Written {
    fn from(subject: LogSubject) -> Self {
        match subject {
            LogSubject::Decision(decision) => Self::Number(decision),
            other => Self::Word(other.to_string()),
        }
    }
}

impl TryFrom<Written> for LogSubject {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written::Number(decision) => Ok(Self::Decision(decision)),
            Written::Word(word) if word == "queue" => Ok(Self::Queue),
            Written::Word(word) => word
                .strip_prefix("job ")
                .and_then(|number| number.parse().ok())
                .map(Self::Job)
                .ok_or_else(|| format!("{word:?} is neither a decision nor a job")),
        }
    }
}

/// An event exactly as stored in the log; a line of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Position in the log, from 1, without gaps.
    pub seq: u64,
    /// Commit time, in milliseconds since 1970 in UTC.
    pub at: i64,
    /// What the event changed: the number of a decision, or a word such as `job 7`.
    pub decision: LogSubject,
    /// The hash of the previous event; empty for the first event.
    pub previous: String,
    /// The event as JSON, without the content.
    pub body: String,
    /// The content as JSON; absent for an event without content or after pruning.
    pub text: Option<String>,
    /// SHA-256 of the content, in hexadecimal; kept after pruning.
    pub digest: Option<String>,
    /// SHA-256, in hexadecimal, computed by [`link`].
    pub hash: String,
}

/// The SHA-256 of an event's content, in hexadecimal.
#[must_use]
pub fn digest(text: &[u8]) -> String {
    hex(&Sha256::digest(text))
}

/// The hash of an event: SHA-256 in hexadecimal over six parts joined by line feeds: the previous
/// hash, the position, the time in milliseconds, the subject (a decision's number, or a word), the
/// content's digest (empty for an event without content), the body.
#[must_use]
pub fn link(
    previous: &[u8],
    seq: u64,
    at: i64,
    subject: LogSubject,
    digest: Option<&[u8]>,
    body: &[u8],
) -> String {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(format!("\n{seq}\n{at}\n{subject}\n"));
    hash.update(digest.unwrap_or_default());
    hash.update(b"\n");
    hash.update(body);
    hex(&hash.finalize())
}

/// The first fault found by an audit. Serialized for `--json`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// A position is missing.
    #[error("event {seq} is missing from the log: event {found} is in its place")]
    Gap {
        /// The missing position.
        seq: u64,
        /// The position found instead.
        found: u64,
    },
    /// The hash does not match the event.
    #[error(
        "event {seq}, of {}, does not match its hash: this event was changed, or the \
         previous event was replaced",
        .decision.named()
    )]
    Altered {
        /// The event's position.
        seq: u64,
        /// What the event changed.
        decision: LogSubject,
    },
    /// The content does not match the digest.
    #[error("the long part of event {seq}, of {}, was changed", .decision.named())]
    TextAltered {
        /// The event's position.
        seq: u64,
        /// What the event changed.
        decision: LogSubject,
    },
    /// The content is missing, and the log has no `pruned` event for the decision.
    #[error(
        "the long part of event {seq}, of {}, is missing, and the log does not record a \
         pruning",
        .decision.named()
    )]
    TextGone {
        /// The event's position.
        seq: u64,
        /// What the event changed.
        decision: LogSubject,
    },
    /// The hash matches, but the event cannot be parsed.
    #[error(
        "event {seq}, of {}, is unchanged, but this version cannot read it: {why}",
        .decision.named()
    )]
    Unreadable {
        /// The event's position.
        seq: u64,
        /// What the event changed.
        decision: LogSubject,
        /// The parser's message.
        why: String,
    },
    /// The stored state differs from the state replayed from the log.
    #[error("{} does not match the log: {why}", .decision.described())]
    State {
        /// What differs.
        decision: LogSubject,
        /// The difference.
        why: String,
    },
    /// SQLite's integrity check of the file failed.
    #[error("the store's file is damaged: {why}")]
    File {
        /// SQLite's message.
        why: String,
    },
    /// A line of an export cannot be parsed.
    #[error("line {line} is not a line of an export: {why}")]
    Line {
        /// The line's number, from 1.
        line: u64,
        /// The parser's message.
        why: String,
    },
}

impl Fault {
    /// The event's position, for faults of a single event.
    #[must_use]
    pub const fn seq(&self) -> Option<u64> {
        match self {
            Self::Gap { seq, .. }
            | Self::Altered { seq, .. }
            | Self::TextAltered { seq, .. }
            | Self::TextGone { seq, .. }
            | Self::Unreadable { seq, .. } => Some(*seq),
            Self::State { .. } | Self::File { .. } | Self::Line { .. } => None,
        }
    }

    /// Remedy, for display.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Gap { .. }
            | Self::Altered { .. }
            | Self::TextAltered { .. }
            | Self::TextGone { .. } => {
                "The log before this position is proven; nothing after it is. Stop the bot, keep \
                 a copy of the file, and compare it with an earlier export or backup (gander \
                 backup); restore that backup if you did not change the file yourself. Also \
                 check the disk: it may be failing"
            }
            Self::Unreadable { .. } => "Use the version of Gander that wrote it",
            Self::State { .. } => {
                "The log is intact and has the true history: gander events. Stop the bot, keep a \
                 copy of the file, and restore a backup; do not trust this decision's displayed \
                 state"
            }
            Self::File { .. } => {
                "Stop the bot, keep a copy of the file, check the disk, and restore the latest \
                 backup (gander backup)"
            }
            Self::Line { .. } => {
                "Verify the complete, unchanged file written by gander audit export"
            }
        }
    }
}

/// An entry's stored bytes, possibly invalid UTF-8 after a bit flip.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawEntry<'a> {
    pub(crate) seq: u64,
    pub(crate) at: i64,
    pub(crate) decision: LogSubject,
    pub(crate) body: &'a [u8],
    pub(crate) text: Option<&'a [u8]>,
    pub(crate) digest: Option<&'a [u8]>,
    pub(crate) hash: &'a [u8],
}

impl<'a> From<&'a Entry> for RawEntry<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self {
            seq: entry.seq,
            at: entry.at,
            decision: entry.decision,
            body: entry.body.as_bytes(),
            text: entry.text.as_deref().map(str::as_bytes),
            digest: entry.digest.as_deref().map(str::as_bytes),
            hash: entry.hash.as_bytes(),
        }
    }
}

/// Verifies the chain entry by entry.
#[derive(Debug, Default)]
pub struct ChainWalk {
    last: u64,
    hash: Vec<u8>,
    /// Position of the first event with missing content, by subject.
    gone: HashMap<LogSubject, u64>,
    /// Subjects with a `pruned` event.
    pruned: HashSet<LogSubject>,
    events: u64,
    without_text: u64,
}

/// Summary of a fully verified chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainSummary {
    /// Number of events.
    pub events: u64,
    /// Number of events with pruned content.
    pub pruned_events: u64,
    /// Number of pruned decisions.
    pub pruned_decisions: u64,
    /// The position of the last event.
    pub seq: u64,
    /// The hash of the last event.
    pub hash: String,
}

impl ChainWalk {
    /// Starts verification after the event with this position and hash. Position 0 with an empty
    /// hash starts at the beginning.
    #[must_use]
    pub fn behind(seq: u64, hash: &str) -> Self {
        Self { last: seq, hash: hash.as_bytes().to_vec(), ..Self::default() }
    }

    /// Verifies the next entry of an export.
    ///
    /// # Errors
    /// The [`Fault`] found at this entry.
    pub fn entry(&mut self, entry: &Entry) -> Result<(), Fault> {
        if entry.previous.as_bytes() != self.hash {
            return Err(Fault::Altered { seq: entry.seq, decision: entry.decision });
        }
        self.step(RawEntry::from(entry))
    }

    pub(crate) fn step(&mut self, raw: RawEntry<'_>) -> Result<(), Fault> {
        let RawEntry { seq, decision, .. } = raw;
        if seq != self.last + 1 {
            return Err(Fault::Gap { seq: self.last + 1, found: seq });
        }
        if link(&self.hash, seq, raw.at, decision, raw.digest, raw.body).as_bytes() != raw.hash {
            return Err(Fault::Altered { seq, decision });
        }
        match (raw.text, raw.digest) {
            (Some(text), stands) if stands != Some(digest(text).as_bytes()) => {
                return Err(Fault::TextAltered { seq, decision });
            }
            (None, Some(_)) => {
                self.gone.entry(decision).or_insert(seq);
                self.without_text += 1;
            }
            _ => {}
        }
        if raw.body == br#"{"event":"pruned"}"# {
            self.pruned.insert(decision);
        }
        (self.last, self.hash) = (seq, raw.hash.to_vec());
        self.events += 1;
        Ok(())
    }

    /// Ends the verification.
    ///
    /// # Errors
    /// [`Fault::TextGone`] if content is missing without a `pruned` event.
    pub fn end(self) -> Result<ChainSummary, Fault> {
        let untold = self
            .gone
            .iter()
            .filter(|(decision, _)| !self.pruned.contains(decision))
            .min_by_key(|(_, seq)| **seq);
        if let Some((decision, seq)) = untold {
            return Err(Fault::TextGone { seq: *seq, decision: *decision });
        }
        Ok(ChainSummary {
            events: self.events,
            pruned_events: self.without_text,
            pruned_decisions: self.pruned.len() as u64,
            seq: self.last,
            // Valid UTF-8: equal to a computed hexadecimal hash.
            hash: String::from_utf8_lossy(&self.hash).into_owned(),
        })
    }
}
