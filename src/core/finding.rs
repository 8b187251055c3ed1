//! What an examination found, as data. Printing is the caller's.

use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it belongs to, in a word or two: `Discord`, `Store` …
    pub area: &'static str,
    /// How it is.
    pub state: Health,
    /// What was found.
    pub what: String,
    /// What to do about it. Present for whatever is not fine.
    pub mend: Option<String>,
}

/// How something is. The order is that of severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Fine,
    /// It works, and somebody should look at it.
    Warning,
    /// Something does not work.
    Broken,
}

impl Finding {
    /// All is well with this.
    pub fn fine(area: &'static str, what: impl Into<String>) -> Self {
        Self { area, state: Health::Fine, what: what.into(), mend: None }
    }

    /// It works, and this should be done about it.
    pub fn warning(area: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { area, state: Health::Warning, what: what.into(), mend: Some(mend.into()) }
    }

    /// It does not work until this is done.
    pub fn broken(area: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { area, state: Health::Broken, what: what.into(), mend: Some(mend.into()) }
    }
}
