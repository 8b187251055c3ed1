//! Gate rules: which tool calls are allowed, need a person's approval, or are denied.
//!
//! The first matching rule decides. A shell command line is judged by its parts, and the strictest
//! ruling applies: an allowing rule must match every part, a stopping rule needs to match only a
//! single part. Does not depend on where the rules are stored.

use std::path::{Path, PathBuf};

use super::arguments::Widening;
use super::edits::{is_editor, names_its_files};
use super::pattern::{CommandPattern, PathPattern, like, plain_path};
use super::{ToolCall, shell};
use crate::core::decision::{Kind, Risk};
use crate::core::untrusted::is_hidden;

/// Effect of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleEffect {
    /// The call is allowed.
    Allow,
    /// A person decides.
    Ask,
    /// The call is denied.
    Deny,
}

/// Location of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileLocation {
    /// In one of the agent's workspace folders.
    Inside,
    /// Outside of the workspace.
    Outside,
}

/// A rule. An empty condition matches everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateRule {
    /// Effect of the rule.
    pub does: RuleEffect,
    /// Tool names; `*` matches any characters.
    pub tools: Vec<String>,
    /// Shell commands.
    pub commands: Vec<CommandPattern>,
    /// Files.
    pub paths: Vec<PathPattern>,
    /// Location of the files; only for tools that name files.
    pub place: Option<FileLocation>,
    /// Severity of a wrong answer; only for rules that ask.
    pub risk: Option<Risk>,
    /// Kind of the decision; only for rules that ask.
    pub kind: Option<Kind>,
    /// Reason, shown to the person who is asked or to the agent that is denied.
    pub reason: Option<String>,
}

/// Ruling on a tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// The call is allowed.
    Allow,
    /// A person decides.
    Ask {
        /// Severity of a wrong answer.
        risk: Risk,
        /// Kind of the decision; `None` means a permission.
        kind: Option<Kind>,
        /// Reason for asking.
        reason: Option<AskReason>,
    },
    /// The call is denied.
    Deny {
        /// Reason.
        reason: Option<String>,
    },
}

/// Why a person is asked about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskReason {
    /// The words of a rule in the rules file.
    Configured(String),
    /// The call contains characters that a person cannot see.
    HiddenCharacters,
    /// The call has arguments beside the command that change its effect.
    ExtraArguments,
    /// A plan is to be approved that the call does not contain.
    NoPlan,
    /// With the plan, the agent asks for permissions.
    PlanGrants,
    /// The call was sent by a caller whose rules and files are not known here.
    Remote,
}

/// Commands that change the working directory for the rest of a line.
const MOVES: [&str; 3] = ["cd", "pushd", "popd"];
/// Git obeys the configuration of the repository in the working directory, and any folder can be
/// made a repository.
const GIT: &str = "git";
/// Maximum length of a path in bytes; no system opens a longer path.
const LONGEST_PATH: usize = 4096;
/// Risk of a call that no rule matches.
const UNKNOWN: Risk = Risk::Medium;

impl Ruling {
    const fn unknown() -> Self {
        Self::Ask { risk: UNKNOWN, kind: None, reason: None }
    }

    /// The stricter of two rulings; between two questions, the higher risk.
    fn or_stricter(self, other: Self) -> Self {
        let strictness = |ruling: &Self| match ruling {
            Self::Allow => (0, None, false),
            Self::Ask { risk, reason, .. } => (1, Some(*risk), reason.is_some()),
            Self::Deny { .. } => (2, None, false),
        };
        if strictness(&other) > strictness(&self) { other } else { self }
    }
}

/// Minimum for a question about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimum {
    /// Severity of a wrong answer.
    pub risk: Risk,
    /// Reason to use when the rules give none.
    pub reason: Option<AskReason>,
}

impl Ruling {
    /// Raises a ruling to at least this minimum. Never relaxes a ruling: a question keeps its kind,
    /// because the kind determines the approvers.
    #[must_use]
    pub fn raised(self, least: Minimum) -> Self {
        match self {
            Self::Allow => Self::Ask { risk: least.risk, kind: None, reason: least.reason },
            Self::Ask { risk, kind, reason } => {
                Self::Ask { risk: risk.max(least.risk), kind, reason: reason.or(least.reason) }
            }
            Self::Deny { .. } => self,
        }
    }

    /// A question for this reason, unless the call is denied. A question of at least this risk
    /// keeps its own reason; every question keeps its kind.
    fn because(self, risk: Risk, reason: AskReason) -> Self {
        match self {
            Self::Ask { risk: asked, kind, reason: Some(own) } if asked >= risk => {
                Self::Ask { risk: asked, kind, reason: Some(own) }
            }
            Self::Ask { risk: asked, kind, .. } => {
                Self::Ask { risk: asked.max(risk), kind, reason: Some(reason) }
            }
            Self::Allow => Self::Ask { risk, kind: None, reason: Some(reason) },
            Self::Deny { .. } => self,
        }
    }
}

impl From<&GateRule> for Ruling {
    fn from(rule: &GateRule) -> Self {
        match rule.does {
            RuleEffect::Allow => Self::Allow,
            RuleEffect::Ask => Self::Ask {
                risk: rule.risk.unwrap_or(UNKNOWN),
                kind: rule.kind.clone(),
                reason: rule.reason.clone().map(AskReason::Configured),
            },
            RuleEffect::Deny => Self::Deny { reason: rule.reason.clone() },
        }
    }
}

/// Applies the rules to a call. A call that no rule matches needs a person's approval.
#[must_use]
pub fn judge(rules: &[GateRule], call: &ToolCall) -> Ruling {
    let ruling = match call.command() {
        Some(command) => judge_command(rules, call, &command),
        None => rules
            .iter()
            .find(|rule| rule.matches_call(call))
            .map_or_else(Ruling::unknown, Ruling::from),
    };
    // A person would see a different text from the text that runs.
    if call.texts().iter().any(|text| text.chars().any(|c| is_hidden(c) && !c.is_whitespace())) {
        return ruling.because(Risk::High, AskReason::HiddenCharacters);
    }
    match call.plan_widens() {
        Some(Widening::NoPlan) => ruling.because(Widening::RISK, AskReason::NoPlan),
        Some(Widening::PlanGrants) => ruling.because(Widening::RISK, AskReason::PlanGrants),
        None => ruling,
    }
}

fn judge_command(rules: &[GateRule], call: &ToolCall, command: &str) -> Ruling {
    let line = shell::read(command);
    let mut rulings: Vec<Ruling> = Vec::new();
    let moves = line.commands.iter().any(|words| MOVES.contains(&words[0].as_str()));
    let folders = folders(call, &line.commands);
    let stays = folders.iter().all(|folder| call.roots.iter().any(|root| folder.starts_with(root)));
    for words in &line.commands {
        // In a folder that an agent has filled, even a read-only git command may run programs from
        // this folder.
        let strays = words[0] == GIT
            && (moves || !call.roots.contains(&call.cwd) || call.poses_as_repository);
        let sure = line.certain && stays && !strays && !searches_home(call, words);
        let first = rules.iter().find(|rule| rule.matches_command(call, words, &folders, sure));
        rulings.push(first.map_or_else(Ruling::unknown, Ruling::from));
    }
    for words in shell::possible_commands(command) {
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
    let ruling = rulings.into_iter().reduce(Ruling::or_stricter).unwrap_or_else(Ruling::unknown);
    if call.widens() { ruling.because(UNKNOWN, AskReason::ExtraArguments) } else { ruling }
}

/// Working directories in which the commands of a line may run: the initial directory and every
/// directory that the line changes to.
fn folders(call: &ToolCall, commands: &[Vec<String>]) -> Vec<PathBuf> {
    let home = call.home.as_deref();
    let mut folders = vec![call.cwd.clone()];
    for words in commands.iter().filter(|words| MOVES.contains(&words[0].as_str())) {
        let mut named =
            words.iter().skip(1).filter(|word| !word.starts_with('-') || word.as_str() == "-");
        let (to, more) = (named.next(), named.next().is_some());
        let last = folders.last().unwrap_or(&call.cwd);
        folders.push(match (to.map(String::as_str), home) {
            // The previous directory is unknown; and with two arguments, zsh substitutes the second
            // for the first in the current path.
            _ if more => PathBuf::from("/"),
            (Some("-"), _) => PathBuf::from("/"),
            (Some(to), _) => plain_path(to, last, home),
            (None, Some(home)) => home.to_owned(),
            (None, None) => PathBuf::from("/"),
        });
    }
    folders
}

/// Whether a search command is given a folder that contains the person's home folder, or
/// recursively searches a folder in the home folder outside of the agent's workspace. The command
/// would read private files.
fn searches_home(call: &ToolCall, words: &[String]) -> bool {
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

impl GateRule {
    fn is_for(&self, tool: &str) -> bool {
        self.tools.is_empty() || self.tools.iter().any(|pattern| like(pattern, tool))
    }

    /// For calls other than shell commands.
    fn matches_call(&self, call: &ToolCall) -> bool {
        if !self.is_for(&call.tool) || !self.commands.is_empty() {
            return false;
        }
        if self.paths.is_empty() && self.place.is_none() {
            return true;
        }
        // The files to be written are unknown; therefore no rule allows the call.
        if self.does == RuleEffect::Allow
            && is_editor(&call.tool)
            && !names_its_files(&call.tool, &call.input)
        {
            return false;
        }
        // A call that names no file acts on its working directory.
        let files = Some(call.files())
            .filter(|files| !files.is_empty())
            .unwrap_or_else(|| vec![call.cwd.clone()]);
        let fits = |file: &PathBuf| {
            self.has_path(file, call.home.as_deref()) && self.has_place(file, call)
        };
        match self.does {
            RuleEffect::Allow => files.iter().all(fits),
            RuleEffect::Ask | RuleEffect::Deny => files.iter().any(fits),
        }
    }

    fn has_path(&self, file: &Path, home: Option<&Path>) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|pattern| pattern.is_like(file, home))
    }

    fn has_place(&self, file: &Path, call: &ToolCall) -> bool {
        let inside = call.roots.iter().any(|root| file.starts_with(root));
        self.place.is_none_or(|place| (place == FileLocation::Inside) == inside)
    }

    /// For one command of a line. `sure`: the words are exact, and the command has no further
    /// effects.
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
            RuleEffect::Allow => {
                let speaks = self.commands.is_empty()
                    || (sure && self.commands.iter().any(|pattern| pattern.is_like(&exact)));
                speaks && self.paths.is_empty()
            }
            RuleEffect::Ask | RuleEffect::Deny => {
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

    /// Whether a word of the command, or an option's value, is a path that matches this rule.
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
