//! A record of what went over the wire, for people who look for a bot's mistake. It must never hold
//! the bot's token: callers pass bodies already without it.

use serde::Serialize;
use serde_json::Value;

use crate::clock::{self, Clock};
use crate::snowflake::Snowflake;

/// Entries kept; older ones are forgotten so that a long demonstration does not fill the memory.
const KEPT: usize = 20_000;

/// One request with its answer, or one gateway payload.
#[derive(Clone, Debug, Serialize)]
pub struct JournalEntry {
    /// Running number, from 1.
    pub n: u64,
    /// When, ISO 8601.
    pub at: String,
    /// Which interface.
    pub kind: Wire,
    /// Seen from the sandbox.
    pub direction: Direction,
    /// The application whose bot sent or got it; `null` for requests without a known token.
    pub application_id: Option<String>,
    /// HTTP method; of a gateway payload, the name of the operation or event.
    pub method: String,
    /// Path below `/api/v10` with its query; of a gateway payload, empty.
    pub path: String,
    /// HTTP status; `null` for gateway payloads and for answers that were withheld.
    pub status: Option<u16>,
    /// Body of the request, or the data of the payload.
    pub body: Value,
    /// Body of the answer; `null` if there was none.
    pub answer: Value,
    /// What Discord has and the sandbox has not, if the entry ran into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
}

/// Which interface an entry belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// A REST request.
    Rest,
    /// A gateway payload.
    Gateway,
}

/// Direction of an entry, seen from the sandbox.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the bot.
    In,
    /// To the bot.
    Out,
}

/// The entries so far.
#[derive(Debug)]
pub(crate) struct Journal {
    clock: Clock,
    entries: std::collections::VecDeque<JournalEntry>,
    last: u64,
}

impl Journal {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, entries: std::collections::VecDeque::new(), last: 0 }
    }

    /// Notes a REST request and how it was answered.
    pub(crate) fn rest(
        &mut self,
        application: Option<Snowflake>,
        method: &str,
        path: &str,
        status: Option<u16>,
        body: Value,
        answer: Value,
    ) {
        self.push(JournalEntry {
            n: 0,
            at: clock::iso(self.clock.now()),
            kind: Wire::Rest,
            direction: Direction::In,
            application_id: application.map(|id| id.to_string()),
            method: method.to_owned(),
            path: path.to_owned(),
            status,
            body,
            answer,
            gap: None,
        });
    }

    /// Notes a gateway payload.
    pub(crate) fn gateway(
        &mut self,
        direction: Direction,
        application: Option<Snowflake>,
        name: &str,
        data: Value,
    ) {
        self.push(JournalEntry {
            n: 0,
            at: clock::iso(self.clock.now()),
            kind: Wire::Gateway,
            direction,
            application_id: application.map(|id| id.to_string()),
            method: name.to_owned(),
            path: String::new(),
            status: None,
            body: data,
            answer: Value::Null,
            gap: None,
        });
    }

    /// Notes that the last entry ran into something that the sandbox has not.
    pub(crate) fn mark(&mut self, gap: String) {
        if let Some(entry) = self.entries.back_mut() {
            entry.gap = Some(gap);
        }
    }

    /// Forgets the entries; the numbers go on.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// The entries with a number greater than `n`.
    pub(crate) fn since(&self, n: u64) -> Vec<JournalEntry> {
        self.entries.iter().filter(|e| e.n > n).cloned().collect()
    }

    fn push(&mut self, mut entry: JournalEntry) {
        self.last += 1;
        entry.n = self.last;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }
}
