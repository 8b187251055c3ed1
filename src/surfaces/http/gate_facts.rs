//! The facts of a gate elsewhere, as the rules take them.

use gander_client::types::{
    GateCoverage, GateFacts, GateFile, GateFileKind, GateRepository, GateScript, GateUnshown,
};
use sha2::{Digest as _, Sha256};

use crate::core::decision::{ScriptContent, Unshown};
use crate::core::gate::facts::{Coverage, Facts, FileFact, GitRepository, PlaceKind, RunFile};
use crate::core::hex;

/// The facts that a gate sent with a call.
pub(super) fn received(facts: GateFacts) -> Facts {
    let GateFacts { files, git, searched, own, homes, shadowed, runs, coverage } = facts;
    let run = |GateScript { path, digest, missing, text, unshown }| match digest {
        None if missing => (path, RunFile::Nothing),
        digest => (path, RunFile::Found(content(digest, text, unshown))),
    };
    let mut received = Facts {
        git: match git {
            GateRepository::Unknown => GitRepository::Unknown,
            GateRepository::Own => GitRepository::Own,
            GateRepository::Foreign => GitRepository::Foreign,
        },
        searched,
        own,
        homes,
        shadowed: shadowed.into_iter().collect(),
        runs: runs.into_iter().map(run).collect(),
        coverage: match coverage {
            GateCoverage::Unknown => Coverage::Unknown,
            GateCoverage::Complete => Coverage::Complete,
            GateCoverage::Partial => Coverage::Partial,
        },
        ..Facts::default()
    };
    for GateFile { path, real, kind } in files {
        let kind = match kind {
            GateFileKind::Missing => PlaceKind::Missing,
            GateFileKind::File => PlaceKind::File,
            GateFileKind::Folder => PlaceKind::Folder,
            GateFileKind::Private => PlaceKind::Private,
            GateFileKind::Key => PlaceKind::Key,
            GateFileKind::Repository => PlaceKind::Repository,
        };
        received.add(path, FileFact { real, kind });
    }
    received
}

/// The content of a file. Of a digest and a text that do not fit each other, nothing is known:
/// people would read something else than what the digest stands for.
fn content(
    digest: Option<String>,
    text: Option<String>,
    unshown: Option<GateUnshown>,
) -> ScriptContent {
    match (digest, text) {
        (Some(digest), Some(text)) if digest == hex(&Sha256::digest(&text)) => {
            ScriptContent::Text { digest, text }
        }
        (Some(digest), None) => {
            let why = match unshown {
                Some(GateUnshown::TooLong) => Unshown::TooLong,
                Some(GateUnshown::Binary) => Unshown::Binary,
                Some(GateUnshown::Private) => Unshown::Private,
                None => Unshown::NotSent,
            };
            ScriptContent::Unshown { digest, why }
        }
        _ => ScriptContent::Unknown,
    }
}
