//! Looks up the facts about the files of a call, on the machine where the call would run: where
//! links lead, which files hold secrets, which repository git would use.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::repository;
use super::tracked::Index;
use crate::core::gate::edits::is_editor;
use crate::core::gate::facts::{Coverage, Facts, FileFact, PlaceKind};
use crate::core::gate::search::{Absence, Links, Search, Skips, searches};
use crate::core::gate::{ToolCall, private, reach};
use crate::disk;

/// Most files that all searches of a call are followed through. Walking so many takes about 0.2 s.
const MOST_FILES: usize = 50_000;
/// Most files with secrets that are reported for a search; one is enough to ask.
const MOST_FOUND: usize = 20;
/// Most links that are followed from a link without a target.
const MOST_LINKS: u32 = 40;
/// How private keys, and Gander's tokens, begin.
const KEY_MARKS: [&str; 3] = ["-----BEGIN ", "PuTTY-User-Key-File", "gander_"];
/// Bytes of a file that are read to recognise a key.
const KEY_HEAD: u64 = 64;

/// The person's home folder by its other names: without links, and as the system's list of users
/// has it, because the agent's environment may name another.
pub(super) fn homes(home: Option<&Path>) -> Vec<PathBuf> {
    let mut homes: Vec<PathBuf> = home.iter().map(|home| (*home).to_owned()).collect();
    homes.extend(listed_home());
    let real: Vec<PathBuf> = homes.iter().filter_map(|home| home.canonicalize().ok()).collect();
    homes.extend(real);
    homes.sort();
    homes.dedup();
    homes.retain(|home| home.parent().is_some());
    homes
}

/// The person's home folder as the system's list of users has it.
pub(super) fn listed_home() -> Option<PathBuf> {
    let user = Path::new("/proc/self").metadata().ok()?.uid();
    let users = disk::read_own_text(Path::new("/etc/passwd"), disk::LONGEST_SETTINGS).ok()?;
    let home = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.get(2)?.parse() == Ok(user)).then(|| fields.get(5).map(PathBuf::from))?
    };
    users.lines().find_map(home).filter(|home| home.is_absolute())
}

/// Looks up everything. `own`: files of Gander that no agent reads or writes.
pub(super) fn look(call: &ToolCall, homes: Vec<PathBuf>, own: Vec<PathBuf>) -> Facts {
    let reached = reach::of(call);
    let mut facts = Facts {
        git: repository::of(&reached.folders, &call.roots),
        homes,
        own,
        coverage: if reached.overflows { Coverage::Partial } else { Coverage::Complete },
        ..Facts::default()
    };
    let home = call.home.as_deref();
    let known = Facts { homes: facts.homes.clone(), ..Facts::default() };
    let call = &ToolCall { facts: known, ..call.clone() };
    for named in &reached.names {
        let path = named.path(home);
        let said = match (named.name.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => named.folder.join(&named.name),
        };
        for fact in of_file(call, &path, &said) {
            facts.add(path.clone(), fact);
        }
    }
    let mut left = MOST_FILES;
    let searches = searches(call);
    if searches.overflows {
        facts.coverage = Coverage::Partial;
    }
    for search in searches.all {
        let real = really(&search.path).unwrap_or_else(|| search.path.clone());
        if search.absence == Absence::Revision && kind_of(&real) == PlaceKind::Missing {
            facts.coverage = Coverage::Partial;
        }
        walk(call, &search, &real, &mut left, &mut facts);
    }
    facts
}

/// Facts about one file, if they are out of the ordinary. `said` is the path as written, because
/// `..` after a link leads elsewhere than its text says.
fn of_file(call: &ToolCall, path: &Path, said: &Path) -> Vec<FileFact> {
    let mut found = Vec::new();
    let Some(real) = really(said) else { return found };
    let kind = kind_of(&real);
    let root = call.root_of(&real);
    let leads = real != path && !same_below(call, path, &real);
    let tells = |path: &Path| private::by_name(path).is_some() || private::may_hold_tokens(path);
    let named = tells(&real) || tells(path);
    let exists = kind != PlaceKind::Missing;
    if leads || (exists && (named || root.is_none())) {
        found.push(FileFact { real: real.clone(), kind });
    }
    if kind == PlaceKind::File {
        if root.is_none() && is_private(&real) {
            found.push(FileFact { real: real.clone(), kind: PlaceKind::Private });
        }
        if is_key(&real) {
            found.push(FileFact { real: real.clone(), kind: PlaceKind::Key });
        }
    }
    if is_editor(&call.tool) && repository::is_within(&real, &call.roots) {
        found.push(FileFact { real, kind: PlaceKind::Repository });
    }
    found
}

/// Whether both paths name the same place in the workspace, by two names of the workspace itself.
fn same_below(call: &ToolCall, path: &Path, real: &Path) -> bool {
    let below = |path: &Path| {
        call.roots.iter().find_map(|root| path.strip_prefix(root).ok().map(Path::to_owned))
    };
    below(path).is_some_and(|below_path| Some(below_path) == below(real))
}

fn kind_of(path: &Path) -> PlaceKind {
    match path.symlink_metadata() {
        Err(_) => PlaceKind::Missing,
        Ok(found) if found.is_dir() => PlaceKind::Folder,
        Ok(_) => PlaceKind::File,
    }
}

/// Whether other users of the machine may not read a file.
fn is_private(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.mode() & 0o007 == 0)
}

/// Whether a file begins as keys do.
fn is_key(path: &Path) -> bool {
    let Ok(file) = disk::open_own(path) else { return false };
    let mut head = Vec::new();
    let read = file.take(KEY_HEAD).read_to_end(&mut head);
    read.is_ok() && begins_as_key(&head)
}

/// Whether bytes begin as keys do.
pub(super) fn begins_as_key(bytes: &[u8]) -> bool {
    let head = bytes.len().min(usize::try_from(KEY_HEAD).unwrap_or(usize::MAX));
    let head = String::from_utf8_lossy(&bytes[..head]);
    let is_marked = |mark: &&str| {
        head.starts_with(*mark) && (*mark != KEY_MARKS[0] || head.contains("PRIVATE KEY"))
    };
    KEY_MARKS.iter().any(is_marked)
}

/// The real path of a file, whether or not the file exists.
pub(super) fn really(file: &Path) -> Option<PathBuf> {
    followed(file, MOST_LINKS)
}

fn followed(file: &Path, links_left: u32) -> Option<PathBuf> {
    let mut missing = Vec::new();
    let mut there = file;
    loop {
        if let Ok(real) = there.canonicalize() {
            return Some(missing.iter().rev().fold(real, |path, part| path.join(part)));
        }
        // A link without a target leads there all the same: writing creates the target.
        if let Ok(target) = std::fs::read_link(there) {
            let target = there.parent()?.join(target);
            let target = missing.iter().rev().fold(target, |path, part| path.join(part));
            return followed(&target, links_left.checked_sub(1)?);
        }
        missing.push(there.file_name()?);
        there = there.parent()?;
    }
}

/// Walks through the files of a search, and reports files with secrets.
fn walk(call: &ToolCall, search: &Search, real: &Path, left: &mut usize, facts: &mut Facts) {
    let index = match search.skips {
        Skips::Untracked => Some(Index::around(real)),
        _ => None,
    };
    for entry in walker(search, real).build() {
        let Ok(entry) = entry else { continue };
        let Some(next) = left.checked_sub(1) else {
            facts.coverage = Coverage::Partial;
            return;
        };
        *left = next;
        let is_file = entry.file_type().is_some_and(|kind| !kind.is_dir());
        let follows = entry.path_is_symlink() && search.links == Links::Followed;
        let leads = follows && leads_astray(call, real, entry.path());
        // A file that the call names is searched, whatever the call leaves out.
        let below = entry.path().strip_prefix(real).unwrap_or(entry.path());
        let is_named = below.as_os_str().is_empty();
        let secret = private::by_name(if is_named { real } else { below }).is_some();
        let takes = || is_named || search.globs.takes(below);
        let tracked = || match &index {
            Some(index) => index.as_ref().is_some_and(|index| index.may_track(entry.path())),
            None => true,
        };
        if (leads || is_file && secret && takes()) && tracked() {
            facts.searched.push(entry.path().to_owned());
            if facts.searched.len() >= MOST_FOUND {
                return;
            }
        }
    }
}

/// The files that a program looks at, with the program's own rules for what it ignores.
fn walker(search: &Search, real: &Path) -> WalkBuilder {
    let mut builder = WalkBuilder::new(real);
    builder.standard_filters(false).follow_links(search.links == Links::Followed);
    builder.max_depth(search.depth);
    if matches!(search.skips, Skips::Ignored | Skips::IgnoredAndHidden) {
        builder.git_ignore(true).git_exclude(true).ignore(true).parents(true);
        builder.add_custom_ignore_filename(".rgignore");
    }
    // Git's own files have names that say nothing about their content.
    builder.filter_entry(|entry| entry.file_name() != ".git");
    builder.hidden(search.skips == Skips::IgnoredAndHidden);
    builder
}

/// Whether a link leads out of the searched folder and the workspace, or to a secret.
fn leads_astray(call: &ToolCall, searched: &Path, link: &Path) -> bool {
    let Ok(target) = link.canonicalize() else { return false };
    let inside = target.starts_with(searched) || call.root_of(&target).is_some();
    !inside || private::by_name(&target).is_some()
}
