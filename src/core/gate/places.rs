//! Judges the places that a call reads and writes: secrets, files that run by themselves, and
//! folders outside the agent's workspace.
//!
//! The rules of the person come first: a rule that spells out a file or a whole command decides
//! alone. Everything else that a rule allows in general is asked at such a place. Links count by
//! where they lead, as far as the gate looked ([`super::facts`]).

use std::path::{Path, PathBuf};

use super::autorun::{self, AGENT_FOLDERS, Autorun};
use super::budget::Budget;
use super::edits::is_editor;
use super::facts::{Coverage, GitRepository, PlaceKind};
use super::pattern::{PathPattern, plain_path};
use super::private::{self, OutsidePlace, Secrecy};
use super::programs::options;
use super::reach;
use super::rules::{AskReason, Minimum};
use super::shell::Command;
use super::{ToolCall, lifecycle, programs, search};
use crate::core::decision::Risk;

/// Why a place needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceReason {
    /// A file with secrets.
    Secret,
    /// A recursive search reads files with secrets.
    SecretsInSearch,
    /// The file belongs to Gander.
    Own,
    /// A folder outside the workspace.
    Outside,
    /// The file runs by itself, or changes what agents and editors do.
    Autorun,
    /// The file instructs agents.
    Instructions,
    /// A server obeys the file.
    Server,
    /// The file makes a folder a git repository, or belongs to one.
    Repository,
    /// The file changes which scripts a package manager runs by itself.
    Lifecycle,
    /// The gate could not look at everything.
    TooMuch,
}

fn least(risk: Risk, why: PlaceReason) -> Option<Minimum> {
    Some(Minimum { risk, reason: Some(AskReason::Place(why)) })
}

/// The stricter of two minimums.
fn stricter(one: Option<Minimum>, other: Option<Minimum>) -> Option<Minimum> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.risk > one.risk { other } else { one }),
        (one, other) => one.or(other),
    }
}

/// What a call does to the files that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Reads them.
    Reads,
    /// May write them.
    MayWrite,
}

/// How a call names a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// As a file.
    File,
    /// As a word of a command, which may be something else.
    Word,
}

/// Programs that only read the files that they name, unless their output goes into a file.
const READERS: [&str; 36] = [
    "cat",
    "head",
    "tail",
    "less",
    "more",
    "grep",
    "egrep",
    "fgrep",
    "rg",
    "ls",
    "wc",
    "diff",
    "stat",
    "du",
    "file",
    "sort",
    "uniq",
    "cut",
    "tr",
    "echo",
    "cd",
    "pwd",
    "basename",
    "dirname",
    "which",
    "tree",
    "jq",
    "test",
    "[",
    "cmp",
    "nl",
    "od",
    "xxd",
    "readlink",
    "realpath",
    "sha256sum",
];
/// Verbs of git that write none of the files that they name.
const GIT_READS: [&str; 11] = [
    "status",
    "diff",
    "log",
    "show",
    "blame",
    "grep",
    "ls-files",
    "rev-parse",
    "add",
    "commit",
    "check-ignore",
];

/// What a command does to the files that it names, by its program.
#[must_use]
pub fn effect(words: &[String]) -> Effect {
    let mut words = programs::without_folders(words).0.into_iter();
    let program = words.next().map_or("", programs::program);
    let reads = READERS.contains(&program)
        || (program == "git" && words.next().is_some_and(|verb| GIT_READS.contains(&verb)));
    if reads { Effect::Reads } else { Effect::MayWrite }
}

/// The path as the project's own copy would be called: agents keep whole copies of a project below
/// `.claude/worktrees/NAME` and the like, and each copy is a project of its own.
#[must_use]
pub fn without_worktree(path: &Path) -> PathBuf {
    let mut kept: Vec<&std::ffi::OsStr> = Vec::new();
    for part in path.iter() {
        kept.push(part);
        if let [.., folder, worktrees, _] = kept.as_slice()
            && worktrees.eq_ignore_ascii_case("worktrees")
            && AGENT_FOLDERS.contains(&folder.to_string_lossy().to_lowercase().as_str())
        {
            kept.truncate(kept.len() - 3);
        }
    }
    kept.iter().collect()
}

/// Whether a path matches a rule's pattern. A pattern that does not speak of worktrees sees a
/// worktree as a project of its own.
#[must_use]
pub fn is_like(pattern: &PathPattern, path: &Path, home: Option<&Path>) -> bool {
    if pattern.has_part("worktrees") {
        return pattern.is_like(path, home);
    }
    pattern.is_like(&without_worktree(path), home)
}

impl ToolCall {
    /// The person's home folder, under each of its names.
    fn homes(&self) -> Vec<&Path> {
        self.home.iter().chain(&self.facts.homes).map(PathBuf::as_path).collect()
    }

    /// The innermost workspace folder around a path. A workspace that is the home folder, or lies
    /// around the home folder, does not include the secrets in the home folder.
    #[must_use]
    pub fn root_of(&self, path: &Path) -> Option<&Path> {
        let roots = self.roots.iter().filter(|root| path.starts_with(root));
        let root = roots.max_by_key(|root| root.as_os_str().len())?;
        let homes = self.homes();
        let around = homes.iter().any(|home| home.starts_with(root));
        let secret = || private::outside(path, &homes) == OutsidePlace::Secret;
        (!around || !secret()).then_some(root)
    }

    /// A path, and where it leads.
    pub(super) fn meanings(&self, path: &Path) -> Vec<PathBuf> {
        let mut all = vec![path.to_owned()];
        all.extend(self.facts.about(path).map(|fact| fact.real.clone()));
        all.sort();
        all.dedup();
        all
    }
}

/// The minimum for a call that names files. `spelled`: patterns of the rule that applies.
#[must_use]
pub fn of_files(call: &ToolCall, spelled: &[PathPattern]) -> Option<Minimum> {
    let effect = if is_editor(&call.tool) { Effect::MayWrite } else { Effect::Reads };
    let mut found = of_searches(call);
    let home = call.home.as_deref();
    let left_out = left_out(call);
    for path in call.files().into_iter().filter(|path| Some(path) != left_out.as_ref()) {
        for meaning in call.meanings(&path) {
            let is_spelled = |pattern: &PathPattern| {
                pattern.spells(&meaning) && is_like(pattern, &meaning, home)
            };
            if spelled.iter().any(is_spelled) {
                continue;
            }
            let kinds: Vec<PlaceKind> = call.facts.about(&path).map(|fact| fact.kind).collect();
            let place = Place { call, path: &meaning, kinds: &kinds, said: Said::File };
            found = stricter(found, place.concern(effect));
        }
    }
    if call.facts.coverage == Coverage::Partial {
        found = stricter(found, least(Risk::Medium, PlaceReason::TooMuch));
    }
    stricter(found, changed_lifecycle(call))
}

/// The globs of a Grep, if they only leave files out: taken for a path, they name none.
fn left_out(call: &ToolCall) -> Option<PathBuf> {
    let globs = call.input.get("glob").filter(|_| call.tool == "Grep")?.as_str()?;
    search::only_leaves_out(globs).then(|| plain_path(globs, &call.cwd, call.home.as_deref()))
}

/// The minimum for one command of a line.
#[must_use]
pub fn of_command(
    call: &ToolCall,
    command: &Command,
    folders: &[PathBuf],
    effect: Effect,
    budget: &Budget,
) -> Option<Minimum> {
    let left_out =
        |word: &&str| ["--exclude=", "--exclude-dir="].iter().any(|out| word.starts_with(out));
    // The program itself is run, not read; other rules judge which programs may run.
    let words = command.words.iter().skip(1).chain(&command.files).map(String::as_str);
    // What a search leaves out is not read.
    let read: Vec<&str> = words.filter(|word| !left_out(word)).collect();
    let written: Vec<&str> = command.writes.iter().map(String::as_str).collect();
    let found = stricter(
        of_words(call, &read, folders, effect),
        of_words(call, &written, folders, Effect::MayWrite),
    );
    stricter(found, of_history(&command.words, budget))
}

/// Verbs of git that show the content of files as they are in the history or in the index.
const GIT_SHOWS: [&str; 5] = ["show", "log", "diff", "blame", "grep"];

/// The minimum for files that git may show although the working folder has no such file. So their
/// names alone count.
fn of_history(words: &[String], budget: &Budget) -> Option<Minimum> {
    let verb = words.get(1).map(String::as_str);
    if programs::name(words) != "git" || !verb.is_some_and(|verb| GIT_SHOWS.contains(&verb)) {
        return None;
    }
    let read = options::read(words, budget)?;
    let given = |names: &[&str]| read.options.iter().any(|(name, _)| names.contains(name));
    let is_pattern = verb == Some("grep") && !given(&["e", "f", "--file"]);
    let lines = read.options.iter().filter(|(name, _)| *name == "L").map(|(_, value)| value);
    let operands = read.operands.iter().skip(usize::from(is_pattern));
    let shows = operands.chain(lines).any(|word| shows_secret(word));
    if shows { least(Risk::High, PlaceReason::Secret) } else { None }
}

/// Whether a revision with a path (`HEAD:PATH`, `:0:PATH`), or a pattern of paths (`:/PATH`,
/// `:(top)PATH`), names a file with secrets.
fn shows_secret(word: &str) -> bool {
    if word.starts_with(":!") || word.starts_with(":^") {
        return false;
    }
    let word = word.replace('\\', "");
    let paths = word.split_once(':').map_or(word.as_str(), |(_, paths)| paths);
    paths.split(':').any(|path| {
        let path = path.rsplit(')').next().unwrap_or(path);
        let certain = private::by_name(Path::new(path)) == Some(Secrecy::Certain);
        certain || (path.contains(['*', '?', '[']) && search::asks_for_secrets(path))
    })
}

/// The minimum for words of a command.
fn of_words(
    call: &ToolCall,
    words: &[&str],
    folders: &[PathBuf],
    effect: Effect,
) -> Option<Minimum> {
    let home = call.home.as_deref();
    let mut found = None;
    let mut parts: Vec<&str> = reach::parts(words).collect();
    parts.sort_unstable();
    parts.dedup();
    if parts.len() > reach::MOST_NAMES {
        found = least(Risk::Medium, PlaceReason::TooMuch);
        parts.truncate(reach::MOST_NAMES);
    }
    for part in parts {
        for folder in folders.iter().take(reach::MOST_FOLDERS) {
            let path = plain_path(part, folder, home);
            let kinds: Vec<PlaceKind> = call.facts.about(&path).map(|fact| fact.kind).collect();
            for meaning in call.meanings(&path) {
                let place = Place { call, path: &meaning, kinds: &kinds, said: Said::Word };
                found = stricter(found, place.concern(effect));
            }
        }
    }
    found
}

/// The minimum for a whole command line.
#[must_use]
pub fn of_line(call: &ToolCall) -> Option<Minimum> {
    let partial = call.facts.coverage == Coverage::Partial;
    let found = if partial { least(Risk::Medium, PlaceReason::TooMuch) } else { None };
    stricter(found, of_searches(call))
}

/// The minimum for what a recursive search reads.
fn of_searches(call: &ToolCall) -> Option<Minimum> {
    let field = |name: &str| call.input.get(name).and_then(serde_json::Value::as_str);
    let globs = match call.tool.as_str() {
        "Grep" => [field("glob"), field("path")],
        "Glob" => [field("pattern"), field("path")],
        _ => [None, None],
    };
    let asks = globs.into_iter().flatten().any(search::asks_for_secrets);
    let found = !call.facts.searched.is_empty();
    if asks || found { least(Risk::High, PlaceReason::SecretsInSearch) } else { None }
}

/// A place that a call names.
struct Place<'a> {
    call: &'a ToolCall,
    path: &'a Path,
    /// What the gate found there.
    kinds: &'a [PlaceKind],
    said: Said,
}

impl Place<'_> {
    fn concern(&self, effect: Effect) -> Option<Minimum> {
        if self.call.facts.own.iter().any(|own| self.path.starts_with(own)) {
            return least(Risk::Critical, PlaceReason::Own);
        }
        let root = self.call.root_of(self.path);
        let reads = match root {
            Some(root) => self.secret_inside(root),
            None => self.outside(),
        };
        match effect {
            Effect::Reads => reads,
            Effect::MayWrite => stricter(reads, self.writes(root)),
        }
    }

    /// Whether there is something at the path, as far as is known. A word of a command may be no
    /// path at all.
    fn counts(&self, unknown: bool) -> bool {
        let exists = || self.kinds.iter().any(|kind| *kind != PlaceKind::Missing);
        match (self.said, self.call.facts.coverage) {
            (Said::File, _) => true,
            (Said::Word, Coverage::Unknown) => unknown,
            (Said::Word, Coverage::Complete) => exists(),
            // The gate may not have looked at this one.
            (Said::Word, Coverage::Partial) => unknown || exists(),
        }
    }

    /// The path below the project's folder, or below the worktree's.
    fn below(&self, root: &Path) -> PathBuf {
        without_worktree(self.path.strip_prefix(root).unwrap_or(self.path))
    }

    fn secret_inside(&self, root: &Path) -> Option<Minimum> {
        // A search's pattern is judged as a pattern.
        let is_pattern = ["Grep", "Glob"].contains(&self.call.tool.as_str())
            && self.path.to_string_lossy().contains(['*', '?', '[', '{']);
        let named = private::by_name(&self.below(root)).filter(|_| !is_pattern);
        let tokens = private::may_hold_tokens(&self.below(root)).then_some(Secrecy::Certain);
        let named = named.or(tokens.filter(|_| !is_pattern));
        let is_secret = named.is_some_and(|secrecy| self.counts(secrecy == Secrecy::Certain));
        if is_secret || self.kinds.contains(&PlaceKind::Key) {
            return least(Risk::High, PlaceReason::Secret);
        }
        None
    }

    fn outside(&self) -> Option<Minimum> {
        let homes = self.call.homes();
        let place = private::outside(self.path, &homes);
        let at_home = homes.iter().any(|home| self.path.starts_with(home));
        let secret = least(Risk::High, PlaceReason::Secret);
        let named = private::by_name(self.path).is_some_and(|_| self.counts(true));
        let telling = |kind: &PlaceKind| matches!(kind, PlaceKind::Private | PlaceKind::Key);
        if place == OutsidePlace::Secret || named || self.kinds.iter().any(telling) {
            return secret;
        }
        let is_theirs = match place {
            OutsidePlace::Theirs => self.counts(at_home),
            OutsidePlace::HomeFile => self.kinds.contains(&PlaceKind::Folder),
            OutsidePlace::Public | OutsidePlace::Secret => false,
        };
        if is_theirs { least(Risk::Medium, PlaceReason::Outside) } else { None }
    }

    fn writes(&self, root: Option<&Path>) -> Option<Minimum> {
        if self.kinds.contains(&PlaceKind::Repository) {
            return least(Risk::Critical, PlaceReason::Repository);
        }
        let Some(root) = root else {
            let homes = self.call.homes();
            let at_home = homes.iter().any(|home| self.path.starts_with(home));
            return match (self.said, private::outside(self.path, &homes)) {
                // Hidden folders of the home folder configure most programs.
                (Said::File, OutsidePlace::Secret) if at_home => {
                    least(Risk::Critical, PlaceReason::Autorun)
                }
                (Said::File, _) => least(Risk::High, PlaceReason::Outside),
                (Said::Word, _) => None,
            };
        };
        match autorun::of(&self.below(root))? {
            Autorun::Machine => least(Risk::Critical, PlaceReason::Autorun),
            Autorun::Git => least(Risk::Critical, PlaceReason::Repository),
            Autorun::Instructions => least(Risk::High, PlaceReason::Instructions),
            Autorun::Server => least(Risk::High, PlaceReason::Server),
            Autorun::Hidden => least(Risk::High, PlaceReason::Autorun),
        }
    }
}

/// The minimum for a change to what a package manager runs by itself.
fn changed_lifecycle(call: &ToolCall) -> Option<Minimum> {
    if lifecycle::changes(call) { least(Risk::High, PlaceReason::Lifecycle) } else { None }
}

/// Whether git may use another repository than the workspace's own in one of these directories.
#[must_use]
pub fn git_strays(call: &ToolCall, folders: &[PathBuf]) -> bool {
    match call.facts.git {
        GitRepository::Own => false,
        GitRepository::Foreign => true,
        GitRepository::Unknown => {
            folders.len() > 1 || !call.roots.contains(&call.cwd) || call.poses_as_repository
        }
    }
}
