//! The files of a tool call, and what a verdict vouches for, as serialised to clients.

use gander_client::types;

use crate::core::decision::{Attested, Changes, Script, ScriptContent};

impl From<Script> for types::Script {
    fn from(Script { path, content }: Script) -> Self {
        let (digest, text) = match content {
            ScriptContent::Text { digest, text } => (Some(digest), Some(text)),
            ScriptContent::Unshown { digest, .. } => (Some(digest), None),
            ScriptContent::Unknown => (None, None),
        };
        Self { path, digest, text }
    }
}

impl From<Changes> for types::Changes {
    fn from(Changes { since, by, files, diff, .. }: Changes) -> Self {
        Self { since: since.0, by: by.name, files, diff }
    }
}

impl From<Attested> for types::Attested {
    fn from(Attested { rules, call }: Attested) -> Self {
        Self { rules, call }
    }
}
