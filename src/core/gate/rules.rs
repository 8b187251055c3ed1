//! What a rules file says: which tool calls pass, which are asked about, which never happen.
//!
//! The first rule that matches decides. A shell command line is judged by its parts, and the
//! strictest answer holds: a rule that allows must speak for every one of them, a rule that stops
//! needs to find one. Must not know where rules are written down.

use std::path::{Path, PathBuf};

use super::edits::{is_editor, names_its_files};
use super::pattern::{CommandPattern, PathPattern, like, plain_path};
use super::{ToolCall, shell};
use crate::core::decision::{Kind, Risk};
use crate::core::untrusted::is_hidden;

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// The call passes.
    Allow,
    /// A person decides.
    Ask,
    /// The call never happens.
    Deny,
}

/// Where a file lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the folder that the agent works in.
    Inside,
    /// Anywhere else.
    Outside,
}

/// One rule. What it leaves empty matches everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it does.
    pub does: Does,
    /// Tools, by their names; `*` stands for any characters.
    pub tools: Vec<String>,
    /// Shell commands.
    pub commands: Vec<CommandPattern>,
    /// Files.
    pub paths: Vec<PathPattern>,
    /// Where the files lie; only of tools that name files.
    pub place: Option<Place>,
    /// How bad a wrong answer is; of a rule that asks.
    pub risk: Option<Risk>,
    /// What it is about; of a rule that asks.
    pub kind: Option<Kind>,
    /// Why: told to the person who is asked, or to the agent that is stopped.
    pub reason: Option<String>,
}

/// What becomes of a tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// It passes.
    Allow,
    /// A person decides.
    Ask {
        /// How bad a wrong answer is.
        risk: Risk,
        /// What it is about; absent: a permission.
        kind: Option<Kind>,
        /// Why it is asked.
        reason: Option<String>,
    },
    /// It never happens.
    Deny {
        /// Why.
        reason: Option<String>,
    },
}

/// What goes to another folder before the next command of a line.
const MOVES: [&str; 3] = ["cd", "pushd", "popd"];
/// It obeys the configuration of the repository in which it stands, and any folder can be made one.
const GIT: &str = "git";
/// No system opens a longer one, in bytes.
const LONGEST_PATH: usize = 4096;
/// The risk of what no rule knows.
const UNKNOWN: Risk = Risk::Medium;

impl Ruling {
    const fn unknown() -> Self {
        Self::Ask { risk: UNKNOWN, kind: None, reason: None }
    }

    /// The stricter of two; of two questions the riskier.
    fn or_stricter(self, other: Self) -> Self {
        let strictness = |ruling: &Self| match ruling {
            Self::Allow => (0, None, false),
            Self::Ask { risk, reason, .. } => (1, Some(*risk), reason.is_some()),
            Self::Deny { .. } => (2, None, false),
        };
        if strictness(&other) > strictness(&self) { other } else { self }
    }
}

/// How a call is asked at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtLeast {
    /// How bad a wrong answer is.
    pub risk: Risk,
    /// Why, where the rules give no reason of their own.
    pub reason: Option<String>,
}

impl Ruling {
    /// The same, but asked at least so. It makes nothing laxer: what is asked keeps its kind, which
    /// says who decides.
    #[must_use]
    pub fn raised(self, least: AtLeast) -> Self {
        match self {
            Self::Allow => Self::Ask { risk: least.risk, kind: None, reason: least.reason },
            Self::Ask { risk, kind, reason } => {
                Self::Ask { risk: risk.max(least.risk), kind, reason: reason.or(least.reason) }
            }
            Self::Deny { .. } => self,
        }
    }
}

impl From<&Rule> for Ruling {
    fn from(rule: &Rule) -> Self {
        match rule.does {
            Does::Allow => Self::Allow,
            Does::Ask => Self::Ask {
                risk: rule.risk.unwrap_or(UNKNOWN),
                kind: rule.kind.clone(),
                reason: rule.reason.clone(),
            },
            Does::Deny => Self::Deny { reason: rule.reason.clone() },
        }
    }
}

/// What becomes of a call under these rules. What no rule matches is asked.
#[must_use]
pub fn judge(rules: &[Rule], call: &ToolCall) -> Ruling {
    let ruling = match call.command() {
        Some(command) => judge_command(rules, call, &command),
        None => rules
            .iter()
            .find(|rule| rule.matches_call(call))
            .map_or_else(Ruling::unknown, Ruling::from),
    };
    // What a person is shown would not be what runs.
    if call.texts().iter().any(|text| text.chars().any(|c| is_hidden(c) && !c.is_whitespace())) {
        let reason = Some(crate::core::text::gate::HIDDEN.to_owned());
        return ruling.or_stricter(Ruling::Ask { risk: Risk::High, kind: None, reason });
    }
    ruling
}

fn judge_command(rules: &[Rule], call: &ToolCall, command: &str) -> Ruling {
    let line = shell::read(command);
    let mut rulings: Vec<Ruling> = Vec::new();
    let moves = line.commands.iter().any(|words| MOVES.contains(&words[0].as_str()));
    let folders = folders(call, &line.commands);
    let stays = folders.iter().all(|folder| call.roots.iter().any(|root| folder.starts_with(root)));
    for words in &line.commands {
        // In a folder that an agent has filled, what only looks may run what lies there.
        let strays = words[0] == GIT
            && (moves || !call.roots.contains(&call.cwd) || call.poses_as_repository);
        let sure = line.certain && stays && !strays && !looks_through_home(call, words);
        let first = rules.iter().find(|rule| rule.matches_command(call, words, &folders, sure));
        rulings.push(first.map_or_else(Ruling::unknown, Ruling::from));
    }
    for words in shell::suspects(command) {
        if line.certain && line.commands.contains(&words) {
            continue;
        }
        rulings.extend(
            rules
                .iter()
                .find(|rule| rule.matches_command(call, &words, &folders, false))
                .map(Ruling::from),
        );
    }
    if !call.beside_command().is_empty() {
        let reason = Some(crate::core::text::gate::MORE_THAN_COMMAND.to_owned());
        rulings.push(Ruling::Ask { risk: UNKNOWN, kind: None, reason });
    }
    rulings.into_iter().reduce(Ruling::or_stricter).unwrap_or_else(Ruling::unknown)
}

/// Where the commands of a line may run: where it begins, and wherever it goes.
fn folders(call: &ToolCall, commands: &[Vec<String>]) -> Vec<PathBuf> {
    let home = call.home.as_deref();
    let mut folders = vec![call.cwd.clone()];
    for words in commands.iter().filter(|words| MOVES.contains(&words[0].as_str())) {
        let mut named =
            words.iter().skip(1).filter(|word| !word.starts_with('-') || word.as_str() == "-");
        let (to, more) = (named.next(), named.next().is_some());
        let last = folders.last().unwrap_or(&call.cwd);
        folders.push(match (to.map(String::as_str), home) {
            // Back to where nobody has written down; and of two names zsh exchanges the one for the
            // other.
            _ if more => PathBuf::from("/"),
            (Some("-"), _) => PathBuf::from("/"),
            (Some(to), _) => plain_path(to, last, home),
            (None, Some(home)) => home.to_owned(),
            (None, None) => PathBuf::from("/"),
        });
    }
    folders
}

/// Whether a command that looks through all of a folder is given one in which the person's home
/// folder lies, or one in there that is not the agent's: whatever it holds is read.
fn looks_through_home(call: &ToolCall, words: &[String]) -> bool {
    let Some(home) = call.home.as_deref() else { return false };
    let program = shell::program(&words[0]);
    let short = |word: &String| {
        word.starts_with('-') && !word.starts_with("--") && word.contains(['r', 'R', 'd'])
    };
    let deep = |word: &String| {
        short(word) || ["--r", "--de", "--di"].iter().any(|start| word.starts_with(start))
    };
    let all_of_it = program == "rg" || words.iter().any(deep);
    let searches = matches!(program, "grep" | "rg" | "diff" | GIT);
    let theirs = |path: &Path| {
        path.starts_with(home) && !call.roots.iter().any(|root| path.starts_with(root))
    };
    let around = |word: &String| {
        let path = plain_path(word, &call.cwd, Some(home));
        !word.starts_with('-') && (home.starts_with(&path) || (all_of_it && theirs(&path)))
    };
    searches && words.iter().skip(1).any(around)
}

impl Rule {
    fn is_for(&self, tool: &str) -> bool {
        self.tools.is_empty() || self.tools.iter().any(|pattern| like(pattern, tool))
    }

    /// Of a call that is no shell command.
    fn matches_call(&self, call: &ToolCall) -> bool {
        if !self.is_for(&call.tool) || !self.commands.is_empty() {
            return false;
        }
        if self.paths.is_empty() && self.place.is_none() {
            return true;
        }
        // What would be written is not known, so nobody has said that it may.
        if self.does == Does::Allow
            && is_editor(&call.tool)
            && !names_its_files(&call.tool, &call.input)
        {
            return false;
        }
        // What names no file works where it runs.
        let files = Some(call.files())
            .filter(|files| !files.is_empty())
            .unwrap_or_else(|| vec![call.cwd.clone()]);
        let fits = |file: &PathBuf| {
            self.has_path(file, call.home.as_deref()) && self.has_place(file, call)
        };
        match self.does {
            Does::Allow => files.iter().all(fits),
            Does::Ask | Does::Deny => files.iter().any(fits),
        }
    }

    fn has_path(&self, file: &Path, home: Option<&Path>) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|pattern| pattern.is_like(file, home))
    }

    fn has_place(&self, file: &Path, call: &ToolCall) -> bool {
        let inside = call.roots.iter().any(|root| file.starts_with(root));
        self.place.is_none_or(|place| (place == Place::Inside) == inside)
    }

    /// Of one command of a line. `sure`: these are its words and it is all that it does, for
    /// certain.
    fn matches_command(
        &self,
        call: &ToolCall,
        words: &[String],
        folders: &[PathBuf],
        sure: bool,
    ) -> bool {
        if !self.is_for(&call.tool) || self.place.is_some() {
            return false;
        }
        let exact: Vec<&str> = words.iter().map(String::as_str).collect();
        match self.does {
            Does::Allow => {
                let speaks = self.commands.is_empty()
                    || (sure && self.commands.iter().any(|pattern| pattern.is_like(&exact)));
                speaks && self.paths.is_empty()
            }
            Does::Ask | Does::Deny => {
                let mut named = exact.clone();
                if let Some(first) = named.first_mut() {
                    *first = shell::program(first);
                }
                let is_like =
                    |pattern: &CommandPattern| pattern.is_like(&exact) || pattern.is_like(&named);
                let commands = self.commands.is_empty() || self.commands.iter().any(is_like);
                commands && (self.paths.is_empty() || self.names_path(call, &exact, folders))
            }
        }
    }

    /// Whether one of a command's words, or what an option is set to, is a path like this rule's.
    fn names_path(&self, call: &ToolCall, words: &[&str], folders: &[PathBuf]) -> bool {
        let parts = words
            .iter()
            .flat_map(|word| std::iter::once(*word).chain(word.split(['=', ':', ',', '@'])));
        let home = call.home.as_deref();
        parts.filter(|part| (1..=LONGEST_PATH).contains(&part.len())).any(|part| {
            folders.iter().any(|folder| {
                let path = plain_path(part, folder, home);
                self.paths.iter().any(|pattern| pattern.is_like(&path, home))
            })
        })
    }
}
