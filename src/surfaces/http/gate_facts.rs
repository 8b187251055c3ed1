//! The facts of a gate elsewhere, as the rules take them.

use gander_client::types::{
    GateCoverage, GateFacts, GateFile, GateFileKind, GateRepository, GateScript,
};

use crate::core::gate::facts::{Coverage, Facts, FileFact, GitRepository, PlaceKind, RunFile};

/// The facts that a gate sent with a call.
pub(super) fn received(facts: GateFacts) -> Facts {
    let GateFacts { files, git, searched, own, homes, shadowed, runs, coverage } = facts;
    let run = |GateScript { path, digest, missing }| match digest {
        Some(digest) => (path, RunFile::Digest(digest)),
        None if missing => (path, RunFile::Nothing),
        None => (path, RunFile::Unknown),
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
