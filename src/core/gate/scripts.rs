//! The files that a call runs: a person approves the call with these files as they are. An agent
//! may edit files of the workspace silently, so their content is part of the call's identity.
//!
//! Finds the files that the words of a command name: a shell's or an interpreter's script, a
//! program with a folder before its name, what an option such as `-f` names (`manifests.rs`); and
//! the files in which a program looks up what its words mean, such as a Makefile or a
//! `package.json` (`package.rs`), with the files that the named scripts of a package run. What all
//! these run or import in turn is unknown here.
//!
//! Does not read files: [`Files`] does, on the machine of the agent. Elsewhere, the facts of a gate
//! stand for the files, and the same walk tells whether they are all that the call names.

mod manifests;
mod package;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use self::manifests::{Case, First, Search, Use};
use super::budget::Budget;
use super::facts::RunFile;
use super::reach::{self, LONGEST_PATH, NamedPath};
use super::shell::{self, Command, Stdin};
use super::{ToolCall, programs};
use crate::core::decision::script::MOST_TEXT;
use crate::core::decision::{ScriptContent, Unshown};

/// Most names of a line, each in each of its directories, that are looked at.
const MOST_NAMES: usize = 64;
/// Most paths of a call that are looked at.
const MOST_PATHS: usize = 256;
/// Most folders upward in which a program's file is searched.
const MOST_LEVELS: usize = 32;
/// Maximum depth of scripts of a package that run further ones.
const DEEPEST: u32 = 8;
/// Parts of assignments with which a variable makes a program read other files.
const VARIABLES: [&str; 4] = ["MAKEFILES=", "MAKEFLAGS=", "npm_config_", "COMPOSE_FILE="];
/// Folders of the system, in which agents do not write.
const SYSTEM: [&str; 14] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/etc",
    "/nix",
    "/snap",
    "/dev",
    "/proc",
    "/sys",
    "/System",
    "/Library",
    "/Applications",
];

/// What it means if a folder has the name of a file to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FolderMeans {
    /// The program runs nothing.
    Nothing,
    /// The program takes files in the folder, and it is not known which.
    UnknownFiles,
}

/// Where a file lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the workspace: agents write there.
    Inside,
    /// Elsewhere. Such a file counts only if somebody could look at it.
    Outside,
}

/// Looks at files.
pub trait Files {
    /// What a file holds. `None`: nobody has looked.
    fn read(&mut self, named: &NamedPath, place: Place, folder: FolderMeans) -> Option<RunFile>;

    /// The names in a folder that equal this name, apart from capitals.
    fn spellings(&mut self, folder: &Path, name: &str) -> Vec<String>;
}

/// What a call runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runs {
    /// The files that were looked at. By path: absolute and normalised.
    pub files: BTreeMap<PathBuf, RunFile>,
    /// Whether these are certainly all that the call names.
    pub certain: bool,
}

/// Looks at the files that a call runs. Linear in the length of the call and of the files in which
/// programs look up what to run.
#[must_use]
pub fn look(call: &ToolCall, files: &mut dyn Files) -> Runs {
    let mut walk = Walk {
        call,
        files,
        budget: Budget::default(),
        found: BTreeMap::new(),
        certain: true,
        read: BTreeSet::new(),
    };
    if let Some(text) = call.command() {
        walk.line(&text, &call.cwd, 0);
    }
    let certain = walk.certain && !walk.budget.is_spent();
    Runs { files: walk.found, certain }
}

/// Leaves the texts within [`MOST_TEXT`], the shortest first; of the others, the digest.
pub fn limit_texts(files: &mut BTreeMap<PathBuf, RunFile>) {
    let text = |file: &RunFile| match file {
        RunFile::Found(content) => content.text().map(str::len),
        RunFile::Nothing => None,
    };
    let mut all: Vec<(usize, &mut RunFile)> =
        files.values_mut().filter_map(|file| Some((text(file)?, file))).collect();
    all.sort_by_key(|(length, _)| *length);
    let mut left = MOST_TEXT;
    for (length, file) in all {
        if let Some(less) = left.checked_sub(length) {
            left = less;
        } else if let RunFile::Found(content) = file
            && let Some(digest) = content.digest().map(str::to_owned)
        {
            *content = ScriptContent::Unshown { digest, why: Unshown::TooLong };
        }
    }
}

/// A walk through the lines of a call.
struct Walk<'a> {
    call: &'a ToolCall,
    files: &'a mut dyn Files,
    budget: Budget,
    found: BTreeMap<PathBuf, RunFile>,
    certain: bool,
    /// Scripts of packages that were read: the folder and the name.
    read: BTreeSet<(PathBuf, String)>,
}

impl Walk<'_> {
    /// Looks at the files of a line that begins in this directory.
    fn line(&mut self, text: &str, first: &Path, depth: u32) {
        if depth > DEEPEST {
            self.certain = false;
            return;
        }
        let home = self.call.home.as_deref();
        let line = shell::read(text, &self.budget);
        let folders = reach::folders_from(first, home, &line.commands, &self.budget);
        let further = shell::further_commands(text, &line, &self.budget);
        // Code of another language names no files that can be told from its other words.
        let further: Vec<&Command> = further.iter().filter(|command| !command.guessed).collect();
        let commands: Vec<&Command> = line.commands.iter().chain(further.iter().copied()).collect();
        self.certain &= !line.unread && !VARIABLES.iter().any(|part| text.contains(part));
        let mut names = Names::default();
        commands.iter().for_each(|command| names.of_command(command));
        if commands.iter().any(|command| is_fed(command)) {
            let words = commands.iter().flat_map(|command| &command.words);
            words.for_each(|word| names.add(word, FolderMeans::Nothing));
        }
        // What a program runs that another program starts need not have a folder before its name.
        let started = further.iter().filter_map(|command| command.words.first());
        started.for_each(|word| names.add(word, FolderMeans::Nothing));
        self.certain &= !names.uncertain;
        names.all.retain(|name, _| (1..=LONGEST_PATH).contains(&name.len()));
        if names.all.len() * folders.len() > MOST_NAMES {
            self.certain = false;
            return;
        }
        for folder in &folders {
            for (name, means) in &names.all {
                self.file(folder, name, *means);
            }
            for used in commands.iter().flat_map(|command| manifests::of(command)) {
                self.used(used, folder, depth);
            }
        }
    }

    /// Looks at a file.
    fn file(&mut self, folder: &Path, name: &str, means: FolderMeans) -> Option<RunFile> {
        let named = NamedPath { folder: folder.to_owned(), name: name.to_owned() };
        let path = named.path(self.call.home.as_deref());
        // A folder may count as no file for one command, and hold the files of another.
        let known = self.found.get(&path);
        let is_final = |found: &&RunFile| **found != RunFile::Nothing;
        if let Some(found) = known.filter(|found| is_final(found) || means == FolderMeans::Nothing)
        {
            return Some(found.clone());
        }
        let inside = self.call.meanings(&path).iter().any(|path| self.call.root_of(path).is_some());
        let place = if inside { Place::Inside } else { Place::Outside };
        if place == Place::Outside && SYSTEM.iter().any(|system| path.starts_with(system)) {
            return None;
        }
        if self.found.len() >= MOST_PATHS || !self.budget.spend(path.as_os_str().len()) {
            self.certain = false;
            return None;
        }
        let found = match (self.files.read(&named, place, means), place) {
            (Some(found), _) => found,
            (None, Place::Inside) => RunFile::Found(ScriptContent::Unknown),
            (None, Place::Outside) => return None,
        };
        self.found.insert(path, found.clone());
        Some(found)
    }

    fn used(&mut self, used: Use, folder: &Path, depth: u32) {
        let within = |inner: &str| {
            NamedPath { folder: folder.to_owned(), name: inner.to_owned() }
                .path(self.call.home.as_deref())
        };
        match used {
            Use::Unknown => self.certain = false,
            Use::File { folder, name } => {
                let folder = within(&folder);
                self.file(&folder, &name, FolderMeans::UnknownFiles);
            }
            Use::First { folder, first } => {
                let folder = within(&folder);
                self.first(&folder, first);
            }
            Use::Package { folder, first, words } => {
                let folder = within(&folder);
                self.package(&folder, first, &words, depth);
            }
        }
    }

    /// Looks for the first of a program's files that exists, and at those that would come before.
    fn first(&mut self, folder: &Path, first: First) -> Option<(PathBuf, RunFile)> {
        let is_inside = |folder: &&Path| self.call.root_of(folder).is_some();
        let levels = match first.search {
            Search::Here => 1,
            Search::Upward => folder.ancestors().take_while(is_inside).take(MOST_LEVELS).count(),
        };
        for folder in folder.ancestors().take(levels.max(1)) {
            for name in first.names {
                let spelled = match first.case {
                    Case::Exact => Vec::new(),
                    Case::Ignored => self.files.spellings(folder, name),
                };
                let spelled = if spelled.is_empty() { vec![(*name).to_owned()] } else { spelled };
                for name in spelled {
                    let found = self.file(folder, &name, FolderMeans::Nothing);
                    if let Some(found @ RunFile::Found(_)) = found {
                        return Some((folder.to_owned(), found));
                    }
                }
            }
        }
        None
    }

    /// Looks at a package, and at the files of its scripts that the words name.
    fn package(&mut self, folder: &Path, first: First, words: &[String], depth: u32) {
        let Some((folder, found)) = self.first(folder, first) else { return };
        let text = match &found {
            RunFile::Found(content) => content.text(),
            RunFile::Nothing => None,
        };
        let scripts = text
            .filter(|text| self.budget.spend(text.len()))
            .and_then(|text| package::scripts(text, words));
        let Some(scripts) = scripts else {
            self.certain = false;
            return;
        };
        for (name, script) in scripts {
            if self.read.insert((folder.clone(), name)) {
                self.line(&script, &folder, depth + 1);
            }
        }
    }
}

/// Names of files in the words of commands.
#[derive(Default)]
struct Names {
    all: BTreeMap<String, FolderMeans>,
    uncertain: bool,
}

impl Names {
    fn add(&mut self, name: &str, means: FolderMeans) {
        let known = self.all.entry(name.to_owned()).or_insert(means);
        *known = means.max(*known);
    }

    fn of_command(&mut self, command: &Command) {
        let places = programs::run_files(&command.words);
        if places.iter().any(|at| command.varying.get(*at).copied().unwrap_or_default()) {
            self.uncertain = true;
        }
        let means = if programs::runs_folders(&command.words) {
            FolderMeans::UnknownFiles
        } else {
            FolderMeans::Nothing
        };
        for at in places {
            // The program itself is no folder.
            let means = if at == 0 { FolderMeans::Nothing } else { means };
            command.words.get(at).into_iter().for_each(|word| self.add(word, means));
        }
        if programs::runs_input(&command.words) || manifests::reads_input(command) {
            let read = command.files.iter().filter(|file| !command.writes.contains(file));
            read.for_each(|file| self.add(file, FolderMeans::Nothing));
        }
    }
}

/// Whether a command runs what the commands before write. They may read it from files.
fn is_fed(command: &Command) -> bool {
    command.stdin == Stdin::Piped
        && (programs::runs_piped(&command.words) || manifests::reads_input(command))
}

/// The facts of a gate in place of the files.
struct Told<'a>(&'a ToolCall);

impl Files for Told<'_> {
    fn read(&mut self, named: &NamedPath, _: Place, _: FolderMeans) -> Option<RunFile> {
        self.0.facts.runs.get(&named.path(self.0.home.as_deref())).cloned()
    }

    fn spellings(&mut self, folder: &Path, name: &str) -> Vec<String> {
        let known = self.0.facts.runs.iter().filter(|(_, file)| **file != RunFile::Nothing);
        let inside = known.filter(|(path, _)| path.parent() == Some(folder));
        let names = inside.filter_map(|(path, _)| path.file_name()?.to_str());
        names.filter(|other| other.eq_ignore_ascii_case(name)).map(str::to_owned).collect()
    }
}

impl ToolCall {
    /// Whether the content of every file that the call runs is known, and so is part of the call's
    /// identity.
    #[must_use]
    pub fn runs_known_files(&self) -> bool {
        let runs = look(self, &mut Told(self));
        runs.certain && runs.files.values().all(RunFile::is_known)
    }
}

#[cfg(test)]
mod tests;
