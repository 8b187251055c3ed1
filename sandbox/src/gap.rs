//! Gaps: what Discord has and this sandbox has not. A gap that a bot comes upon is named in the
//! answer, marked in the journal, and told once on standard error, so that nobody takes it for
//! their own mistake.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::description::component;

/// Something that Discord has and this sandbox has not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Gap {
    /// What it is: `operation`, `component`, `field`, `opcode`, `events`, `version`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
}

impl Gap {
    /// An operation, by Discord's name for it.
    pub(crate) fn operation(id: &str) -> Self {
        Self { kind: "operation", name: id.to_owned() }
    }

    /// A component type of messages or forms.
    pub(crate) fn component(place: &str, kind: u64) -> Self {
        let name = component(kind).map_or("unknown", |component| component.name);
        Self { kind: "component", name: format!("{name} ({kind}) in a {place}") }
    }

    /// A field, or what it says.
    pub(crate) fn field(place: &str, field: &str) -> Self {
        Self { kind: "field", name: format!("{field} in a {place}") }
    }

    /// The gap in words.
    pub(crate) fn words(&self) -> String {
        format!("the {self} is part of Discord, but not of this sandbox")
    }
}

/// The gap as the journal marks it.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// Tells of a gap on standard error, once in a process.
#[allow(clippy::print_stderr, reason = "a gap must be seen without a log being set up")]
pub(crate) fn tell(words: &str) {
    static TOLD: Mutex<Option<HashSet<String>>> = Mutex::new(None);
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.get_or_insert_default().insert(words.to_owned()) {
        eprintln!("discord-sandbox: {words}");
    }
}
