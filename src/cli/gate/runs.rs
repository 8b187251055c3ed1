//! Looks at the files that a call runs, on the machine where the call would run: when a person is
//! asked, and again before the call runs.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::facts;
use crate::core::decision::script::MOST_TEXT;
use crate::core::decision::{ScriptContent, Unshown};
use crate::core::gate::facts::RunFile;
use crate::core::gate::reach::NamedPath;
use crate::core::gate::scripts::{self, Files, FolderMeans, Place};
use crate::core::gate::{ToolCall, private};
use crate::core::hex;
use crate::disk::{self, FileError};

/// Largest script, in bytes: larger than most compiled programs.
const LONGEST: u64 = 16 << 20;
/// Most bytes that are read for a call. Hashing so many takes about 0.2 s.
const MOST: u64 = 64 << 20;
/// Most names of a folder that are looked at for one in other capitals.
const MOST_NAMES: usize = 10_000;

/// The files that a call runs, with their content.
pub(super) fn look(call: &ToolCall) -> BTreeMap<PathBuf, RunFile> {
    let mut disk = Disk { call, left: MOST };
    let mut files = scripts::look(call, &mut disk).files;
    scripts::limit_texts(&mut files);
    files
}

struct Disk<'a> {
    call: &'a ToolCall,
    /// Bytes that may still be read.
    left: u64,
}

impl Files for Disk<'_> {
    fn read(&mut self, named: &NamedPath, place: Place, folder: FolderMeans) -> Option<RunFile> {
        let path = named.on_disk(self.call.home.as_deref());
        let found = match disk::read_own(&path, LONGEST.min(self.left)) {
            Ok(bytes) => {
                self.left = self.left.saturating_sub(bytes.len() as u64);
                self.content(&path, place, bytes)
            }
            Err(FileError::Folder) if folder == FolderMeans::Nothing => {
                return Some(RunFile::Nothing);
            }
            Err(error) if error.is_absence() => return Some(RunFile::Nothing),
            Err(_) if place == Place::Outside => return None,
            Err(_) => ScriptContent::Unknown,
        };
        Some(RunFile::Found(found))
    }

    fn spellings(&mut self, folder: &Path, name: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let names = entries.flatten().take(MOST_NAMES).filter_map(|entry| {
            entry.file_name().into_string().ok().filter(|other| other.eq_ignore_ascii_case(name))
        });
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

impl Disk<'_> {
    fn content(&self, path: &Path, place: Place, bytes: Vec<u8>) -> ScriptContent {
        let digest = hex(&Sha256::digest(&bytes));
        let unshown = |why| ScriptContent::Unshown { digest: digest.clone(), why };
        if self.is_secret(path, place, &bytes) {
            return unshown(Unshown::Private);
        }
        if bytes.contains(&0) {
            return unshown(Unshown::Binary);
        }
        if bytes.len() > MOST_TEXT {
            return unshown(Unshown::TooLong);
        }
        match String::from_utf8(bytes) {
            Ok(text) => ScriptContent::Text { digest, text },
            Err(_) => unshown(Unshown::Binary),
        }
    }

    /// Whether a file may hold secrets: what people read about a call leaves the machine.
    fn is_secret(&self, path: &Path, place: Place, bytes: &[u8]) -> bool {
        let real = facts::really(path).unwrap_or_else(|| path.to_owned());
        let tells =
            |path: &Path| private::by_name(path).is_some() || private::may_hold_tokens(path);
        // Outside of the workspace, also a file that other users of the machine may not read.
        let hidden = || real.metadata().is_ok_and(|found| found.mode() & 0o007 == 0);
        tells(path)
            || tells(&real)
            || self.call.facts.own.contains(&real)
            || facts::begins_as_key(bytes)
            || (place == Place::Outside && hidden())
    }
}
