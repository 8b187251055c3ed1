//! The hash chain over the log, and what is found where it does not hold.
//!
//! It knows entries, not where they lie: the same walk checks the store's own log and an export of
//! it.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::hex;

/// An event as the log keeps it, to the byte: a line of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Position, from 1, without gaps.
    pub seq: u64,
    /// When it was committed: milliseconds since 1970 in UTC.
    pub at: i64,
    /// The number of the decision that it changed.
    pub decision: i64,
    /// The hash of the event before it; empty before the first.
    pub previous: String,
    /// What happened, as JSON, without its long part.
    pub body: String,
    /// The long part, as JSON; absent where there is none, or where it was pruned.
    pub text: Option<String>,
    /// SHA-256 of the long part, in hexadecimal; it stays when the long part is pruned.
    pub digest: Option<String>,
    /// SHA-256, in hexadecimal: see [`link`].
    pub hash: String,
}

/// The digest of a long part: its SHA-256 in hexadecimal.
#[must_use]
pub fn digest(text: &[u8]) -> String {
    hex(&Sha256::digest(text))
}

/// The hash of an event: SHA-256 in hexadecimal over six parts, a line feed between each two: the
/// previous hash, the position, the time in milliseconds, the decision's number, the digest of the
/// long part (empty without one), the body.
#[must_use]
pub fn link(
    previous: &[u8],
    seq: u64,
    at: i64,
    decision: i64,
    digest: Option<&[u8]>,
    body: &[u8],
) -> String {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(format!("\n{seq}\n{at}\n{decision}\n"));
    hash.update(digest.unwrap_or_default());
    hash.update(b"\n");
    hash.update(body);
    hex(&hash.finalize())
}

/// The first thing that is found wrong. Serialized for `--json`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// A position is skipped.
    #[error("event {seq} is missing from the log: event {found} stands in its place")]
    Gap {
        /// The position that is missing.
        seq: u64,
        /// What stands there.
        found: u64,
    },
    /// The hash does not fit.
    #[error(
        "event {seq}, of #{decision}, does not fit its hash: it is not as it was written, or the one before it is another"
    )]
    Altered {
        /// Its position.
        seq: u64,
        /// Its decision's number.
        decision: i64,
    },
    /// The long part does not fit its digest.
    #[error("the long part of event {seq}, of #{decision}, is not as it was written")]
    TextAltered {
        /// Its position.
        seq: u64,
        /// Its decision's number.
        decision: i64,
    },
    /// The long part is gone, and the log tells of no pruning.
    #[error(
        "the long part of event {seq}, of #{decision}, is gone, and the log does not tell that it was pruned"
    )]
    TextGone {
        /// Its position.
        seq: u64,
        /// Its decision's number.
        decision: i64,
    },
    /// It fits its hash, and yet cannot be understood.
    #[error(
        "event {seq}, of #{decision}, is as it was written, but this version cannot read it: {why}"
    )]
    Unreadable {
        /// Its position.
        seq: u64,
        /// Its decision's number.
        decision: i64,
        /// What the reader says.
        why: String,
    },
    /// The log and the state that is kept beside it tell two stories.
    #[error("decision #{decision} does not stand as the log tells: {why}")]
    State {
        /// Its number.
        decision: i64,
        /// What differs.
        why: String,
    },
    /// SQLite's own check of its file.
    #[error("the store's file is damaged: {why}")]
    File {
        /// SQLite's words.
        why: String,
    },
    /// An export's line that is none.
    #[error("line {line} is not a line of an export: {why}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What the reader says.
        why: String,
    },
}

impl Fault {
    /// The event's position, where it is one event.
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

    /// What to do.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Gap { .. }
            | Self::Altered { .. }
            | Self::TextAltered { .. }
            | Self::TextGone { .. } => {
                "What the log says before that position holds; nothing from there on is proven. Stop the bot, keep a copy of the \
                 file, and compare it with an export or a backup (gander backup) from before; go on with that backup if \
                 it was not you who changed the file. A disk that flips bits flips more than one: check it too"
            }
            Self::Unreadable { .. } => "Use the version of Gander that wrote it",
            Self::State { .. } => {
                "The log holds, so it tells what is true: gander events. Stop the bot, keep a copy of the file, and go \
                 on with a backup; do not trust what this decision shows"
            }
            Self::File { .. } => {
                "Stop the bot, keep a copy of the file, check the disk, and go on with the latest backup (gander backup)"
            }
            Self::Line { .. } => {
                "Verify the file that gander audit export wrote, whole and unchanged"
            }
        }
    }
}

/// An entry's parts as they lie, which may be no text at all where a bit has flipped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Raw<'a> {
    pub(crate) seq: u64,
    pub(crate) at: i64,
    pub(crate) decision: i64,
    pub(crate) body: &'a [u8],
    pub(crate) text: Option<&'a [u8]>,
    pub(crate) digest: Option<&'a [u8]>,
    pub(crate) hash: &'a [u8],
}

impl<'a> From<&'a Entry> for Raw<'a> {
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

/// Walks along the chain, entry by entry.
#[derive(Debug, Default)]
pub struct Walk {
    last: u64,
    hash: Vec<u8>,
    /// Where the first text of a decision is gone.
    gone: HashMap<i64, u64>,
    /// Decisions whose pruning the log tells of.
    pruned: HashSet<i64>,
    events: u64,
    without_text: u64,
}

/// What a walk to the end has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Walked {
    /// Events.
    pub events: u64,
    /// Those whose long part was pruned.
    pub pruned_events: u64,
    /// Decisions that were pruned.
    pub pruned_decisions: u64,
    /// The position of the last one.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

impl Walk {
    /// A walk that begins behind an event: its position and hash. Position 0 and no hash: at the
    /// beginning.
    #[must_use]
    pub fn behind(seq: u64, hash: &str) -> Self {
        Self { last: seq, hash: hash.as_bytes().to_vec(), ..Self::default() }
    }

    /// The next entry of an export.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn entry(&mut self, entry: &Entry) -> Result<(), Fault> {
        if entry.previous.as_bytes() != self.hash {
            return Err(Fault::Altered { seq: entry.seq, decision: entry.decision });
        }
        self.step(Raw::from(entry))
    }

    pub(crate) fn step(&mut self, raw: Raw<'_>) -> Result<(), Fault> {
        let Raw { seq, decision, .. } = raw;
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

    /// The end of the chain.
    ///
    /// # Errors
    /// [`Fault::TextGone`].
    pub fn end(self) -> Result<Walked, Fault> {
        let untold = self
            .gone
            .iter()
            .filter(|(decision, _)| !self.pruned.contains(decision))
            .min_by_key(|(_, seq)| **seq);
        if let Some((decision, seq)) = untold {
            return Err(Fault::TextGone { seq: *seq, decision: *decision });
        }
        Ok(Walked {
            events: self.events,
            pruned_events: self.without_text,
            pruned_decisions: self.pruned.len() as u64,
            seq: self.last,
            // It was compared with one that is.
            hash: String::from_utf8_lossy(&self.hash).into_owned(),
        })
    }
}
