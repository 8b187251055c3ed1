//! Programs that run what a file of theirs says: the options that name the file, and where the
//! program looks for it otherwise.
//!
//! Reads options generously: a word that might name a file is looked at, and a file that does not
//! exist changes nothing. Where the words may mean other files, nobody knows which.

use crate::core::gate::programs::{is_option, name, starts};
use crate::core::gate::shell::{Command, Stdin, is_assignment};

/// A file that a command uses. Folders are relative to the directory of the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Use {
    /// This file.
    File { folder: String, name: String },
    /// The first that exists.
    First { folder: String, first: First },
    /// A package, of which the words name scripts.
    Package { folder: String, first: First, words: Vec<String> },
    /// Other files, and it is not known which.
    Unknown,
}

/// Names that a program looks for, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct First {
    pub(super) names: &'static [&'static str],
    pub(super) search: Search,
    pub(super) case: Case,
}

/// Where a program looks for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    /// In the folder only.
    Here,
    /// In the folder, and in the folders around it.
    Upward,
}

/// Whether capitals matter in a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Exact,
    Ignored,
}

/// What the operands of a command mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operands {
    /// Nothing here.
    Other,
    /// Verbs and services. Behind a verb, an option for a file may mean something else, and the
    /// program looks for its own file all the same: `docker compose rm -f web`.
    Services,
    /// Files to run.
    Files,
    /// Folders in which the program looks for its file.
    Folders,
    /// Scripts of a package.
    Scripts,
}

struct Kind {
    programs: &'static [&'static str],
    /// One of these words is among the words; empty: in any case.
    verbs: &'static [&'static str],
    /// Options whose value is a file.
    files: &'static [&'static str],
    /// Options whose value is the folder to work in.
    folders: &'static [&'static str],
    /// Options with which other files are used.
    elsewhere: &'static [&'static str],
    /// The file without an option.
    usual: &'static [First],
    operands: Operands,
}

/// Nothing about a program.
const NONE: Kind = Kind {
    programs: &[],
    verbs: &[],
    files: &[],
    folders: &[],
    elsewhere: &[],
    usual: &[],
    operands: Operands::Other,
};

const fn here(names: &'static [&'static str]) -> First {
    First { names, search: Search::Here, case: Case::Exact }
}

const fn upward(names: &'static [&'static str]) -> First {
    First { names, search: Search::Upward, case: Case::Exact }
}

const PACKAGE: First = upward(&["package.json"]);

const KINDS: &[Kind] = &[
    Kind {
        programs: &["make", "gmake"],
        files: &["-f", "--file", "--makefile"],
        folders: &["-C", "--directory"],
        elsewhere: &["-E", "--eval"],
        usual: &[here(&["GNUmakefile", "makefile", "Makefile"])],
        ..NONE
    },
    Kind {
        programs: &["just"],
        files: &["-f", "--justfile"],
        elsewhere: &["-g", "--global-justfile"],
        usual: &[First {
            names: &["justfile", ".justfile"],
            search: Search::Upward,
            case: Case::Ignored,
        }],
        ..NONE
    },
    Kind {
        programs: &["task", "go-task"],
        files: &["-t", "--taskfile"],
        folders: &["-d", "--dir"],
        elsewhere: &["-g", "--global"],
        usual: &[upward(&[
            "Taskfile.yml",
            "taskfile.yml",
            "Taskfile.yaml",
            "taskfile.yaml",
            "Taskfile.dist.yml",
            "taskfile.dist.yml",
            "Taskfile.dist.yaml",
            "taskfile.dist.yaml",
        ])],
        ..NONE
    },
    Kind { programs: &["docker", "podman", "nerdctl"], verbs: &["compose"], ..COMPOSE },
    Kind { programs: &["docker-compose", "podman-compose"], ..COMPOSE },
    Kind {
        programs: &["docker", "podman", "nerdctl", "buildah"],
        verbs: &["build", "bud"],
        files: &["-f", "--file"],
        usual: &[here(&["Dockerfile", "Containerfile"])],
        operands: Operands::Folders,
        ..NONE
    },
    Kind {
        programs: &["kubectl", "oc"],
        files: &["-f", "--filename", "--patch-file"],
        elsewhere: &["-k", "--kustomize"],
        ..NONE
    },
    Kind { programs: &["helm"], files: &["-f", "--values"], ..NONE },
    Kind {
        programs: &["terraform", "tofu"],
        files: &["-var-file"],
        folders: &["-chdir"],
        operands: Operands::Files,
        ..NONE
    },
    Kind {
        programs: &["ansible-playbook"],
        files: &["-e", "--extra-vars", "-i", "--inventory"],
        operands: Operands::Files,
        ..NONE
    },
    Kind { programs: &["psql"], files: &["-f", "--file"], ..NONE },
    Kind { programs: &["at", "batch"], files: &["-f"], ..NONE },
    Kind { programs: &["crontab"], operands: Operands::Files, ..NONE },
    Kind {
        programs: &["npm", "cnpm"],
        folders: &["--prefix", "-C"],
        elsewhere: &["-w", "--workspace", "--workspaces", "-ws", "--ws"],
        ..PACKAGES
    },
    Kind {
        programs: &["pnpm"],
        folders: &["-C", "--dir"],
        elsewhere: &["-r", "--recursive", "-F", "--filter", "--filter-prod", "-w"],
        usual: &[upward(&["package.json", "package.json5", "package.yaml"])],
        ..PACKAGES
    },
    Kind { programs: &["yarn", "yarnpkg"], folders: &["--cwd"], ..PACKAGES },
    Kind { programs: &["bun"], folders: &["--cwd"], elsewhere: &["--filter", "-F"], ..PACKAGES },
    Kind { programs: &["run-s", "run-p", "npm-run-all", "npm-run-all2"], ..PACKAGES },
    Kind { programs: &["node", "nodejs"], verbs: &["--run"], ..PACKAGES },
];

const COMPOSE: Kind = Kind {
    files: &["-f", "--file", "--env-file"],
    folders: &["--project-directory"],
    usual: &[
        upward(&["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"]),
        upward(&[
            "compose.override.yml",
            "compose.override.yaml",
            "docker-compose.override.yml",
            "docker-compose.override.yaml",
        ]),
    ],
    operands: Operands::Services,
    ..NONE
};

const PACKAGES: Kind = Kind { usual: &[PACKAGE], operands: Operands::Scripts, ..NONE };

/// Words of yarn with which it runs scripts of other packages.
const WORKSPACES: [&str; 3] = ["workspace", "workspaces", "foreach"];

/// The files that a command uses.
pub(super) fn of(command: &Command) -> Vec<Use> {
    kinds(command).flat_map(|kind| kind.uses(command)).collect()
}

/// Whether a command takes such a file from its standard input.
pub(super) fn reads_input(command: &Command) -> bool {
    command.stdin != Stdin::Inherited
        && kinds(command).any(|kind| {
            let values = values(command, kind.files);
            values.iter().any(|value| matches!(value, Value::Known(file) if is_input(file)))
        })
}

fn kinds(command: &Command) -> impl Iterator<Item = &'static Kind> {
    let words = &command.words;
    KINDS.iter().filter(move |kind| {
        let has = |verb: &&str| words.iter().skip(1).any(|word| word == verb);
        kind.programs.contains(&name(words))
            && (kind.verbs.is_empty() || kind.verbs.iter().any(has))
    })
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Known(String),
    /// It contains an expansion.
    Varying,
}

impl Kind {
    fn uses(&self, command: &Command) -> Vec<Use> {
        let mut uses = Vec::new();
        let (mut folder, mut known) = (String::new(), true);
        for value in values(command, self.folders) {
            match value {
                Value::Known(next) => folder = joined(&folder, &next),
                Value::Varying => known = false,
            }
        }
        known &= !self.goes_elsewhere(command);
        let mut files = Vec::new();
        for value in values(command, self.files) {
            match value {
                Value::Known(value) => files.extend(value.split(',').map(str::to_owned)),
                Value::Varying => known = false,
            }
        }
        if self.operands == Operands::Files {
            let operands = command.words.iter().skip(1).filter(|word| !is_option(word));
            files.extend(operands.cloned());
        }
        for file in &files {
            let file = file.strip_prefix('@').unwrap_or(file);
            known &= !file.contains("://");
            if !is_input(file) && !file.is_empty() {
                uses.push(Use::File { folder: folder.clone(), name: file.to_owned() });
            }
        }
        if files.is_empty() || matches!(self.operands, Operands::Files | Operands::Services) {
            uses.extend(self.usual(command, &folder));
        }
        uses.extend((!known).then_some(Use::Unknown));
        uses
    }

    /// The files that the program looks for by itself.
    fn usual(&self, command: &Command, folder: &str) -> Vec<Use> {
        let first = |folder: &str| {
            let folder = folder.to_owned();
            move |first: &First| Use::First { folder: folder.clone(), first: *first }
        };
        match self.operands {
            Operands::Scripts => {
                let words = command.words.get(1..).unwrap_or_default();
                let package = |first: &First| Use::Package {
                    folder: folder.to_owned(),
                    first: *first,
                    words: words.to_vec(),
                };
                self.usual.iter().map(package).collect()
            }
            Operands::Folders => {
                let operands = command.words.iter().skip(1).filter(|word| !is_option(word));
                let within = operands.map(|operand| joined(folder, operand));
                within.flat_map(|folder| self.usual.iter().map(first(&folder))).collect()
            }
            Operands::Other | Operands::Services | Operands::Files => {
                self.usual.iter().map(first(folder)).collect()
            }
        }
    }

    /// Whether the words may mean files that are not looked at.
    fn goes_elsewhere(&self, command: &Command) -> bool {
        // Options behind `--` belong to the script.
        let own = command.words.iter().skip(1).take_while(|word| *word != "--");
        let is_yarn = name(&command.words).starts_with("yarn");
        let elsewhere = own.map(String::as_str).any(|word| {
            let option = word.split_once('=').map_or(word, |(option, _)| option);
            self.elsewhere.contains(&option) || (is_yarn && WORKSPACES.contains(&word))
        });
        // A word that an expansion makes may be an option, unless it is the value of one.
        let varies = (1..command.words.len()).any(|at| {
            let word = &command.words[at];
            let is_value =
                is_option(&command.words[at - 1]) && !command.words[at - 1].contains('=');
            command.varying.get(at).copied().unwrap_or_default()
                && !is_option(word)
                && !is_assignment(word)
                && !is_value
        });
        // `just folder/recipe` looks in the folder.
        let is_just = self.programs.contains(&"just");
        let into = is_just
            && starts(&command.words, 1, 0)
                .iter()
                .any(|at| command.words.get(*at).is_some_and(|word| word.contains('/')));
        elsewhere || varies || into
    }
}

/// A folder within another.
fn joined(folder: &str, inner: &str) -> String {
    match folder {
        _ if inner.starts_with(['/', '~']) => inner.to_owned(),
        "" => inner.to_owned(),
        folder => format!("{folder}/{inner}"),
    }
}

/// Whether a file is the standard input.
fn is_input(file: &str) -> bool {
    matches!(file, "-" | "/dev/stdin" | "/dev/fd/0")
}

/// What follows an option in its word.
enum Rest<'a> {
    /// The value.
    Value(&'a str),
    /// Nothing: the next word is the value.
    Next,
}

/// The values of these options.
fn values(command: &Command, options: &[&str]) -> Vec<Value> {
    let value = |at: usize, value: &str| match command.varying.get(at) {
        Some(false) => Value::Known(value.to_owned()),
        _ => Value::Varying,
    };
    let words = &command.words;
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate().skip(1) {
        match options.iter().find_map(|option| after(option, word)) {
            Some(Rest::Value(rest)) => found.push(value(at, rest)),
            Some(Rest::Next) => found.extend(words.get(at + 1).map(|next| value(at + 1, next))),
            None => {}
        }
    }
    found
}

/// What follows an option, if a word is or contains the option. An option with two dashes may be
/// abbreviated.
fn after<'a>(option: &str, word: &'a str) -> Option<Rest<'a>> {
    if option.len() > 2 {
        let (said, value) = match word.split_once('=') {
            Some((said, value)) => (said, Some(value)),
            None => (word, None),
        };
        let abbreviates = said.len() > 2 && option.starts_with("--") && option.starts_with(said);
        // Go's programs take either number of dashes.
        let is_it = said == option || said.strip_prefix('-') == Some(option) || abbreviates;
        return is_it.then(|| value.map_or(Rest::Next, Rest::Value));
    }
    let letter = option.chars().nth(1)?;
    let cluster = word.strip_prefix('-').filter(|cluster| !cluster.starts_with('-'))?;
    let at = cluster.find(letter)?;
    if !cluster[..at].chars().all(|c| c.is_ascii_alphabetic()) {
        return None;
    }
    match cluster[at + letter.len_utf8()..].trim_start_matches('=') {
        "" => Some(Rest::Next),
        value => Some(Rest::Value(value)),
    }
}
