//! Gate rules: which tool calls are allowed, need a person's approval, or are denied.
//!
//! The first matching rule decides. A shell command line is judged by its parts, and the strictest
//! ruling applies: an allowing rule must match every part, a stopping rule needs to match only a
//! single part. Does not depend on where the rules are stored.

mod digest;
mod ruling;

use std::path::{Path, PathBuf};

use serde_json::json;

pub use self::digest::digest;
pub use self::ruling::{AskReason, Minimum, Ruling};
use self::ruling::{UNKNOWN, ask};
use super::arguments::Widening;
use super::budget::Budget;
use super::edits::{Before, is_editor, names_its_files};
use super::facts::Facts;
use super::pattern::{CommandPattern, PathPattern, StopWords, plain_path};
use super::places::{self, Effect};
use super::programs::options;
use super::reach::{self, LONGEST_PATH, folders};
use super::shell::{self, Command, Line};
use super::{ToolCall, known, programs, search, tools};
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

/// Git obeys the configuration of the repository in the working directory, and any folder can be
/// made a repository.
const GIT: &str = "git";

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
    judge_within(rules, call, &Budget::default())
}

/// As [`judge`], with this budget.
#[must_use]
pub fn judge_within(rules: &[GateRule], call: &ToolCall, budget: &Budget) -> Ruling {
    let mut ruling = match call.command() {
        Some(command) => judge_command(rules, call, &command, budget),
        None => judge_tool(rules, call, budget),
    };
    // A person would see a different text from the text that runs.
    if call.texts().iter().any(|text| text.chars().any(|c| is_hidden(c) && !c.is_whitespace())) {
        ruling = ruling.because(Risk::High, AskReason::HiddenCharacters);
    }
    if budget.is_spent() {
        ruling = ruling.because(Risk::High, AskReason::TooMuch);
    }
    if let Some(risk) = known::unknown_arguments(call) {
        ruling = ruling.because(risk, AskReason::UnknownArguments);
    }
    if known::is_shadowed(call) {
        ruling = ruling.because(UNKNOWN, AskReason::Shadowed);
    }
    if call.own_prompt {
        ruling = ruling.of_own_prompt();
    }
    match call.plan_widens() {
        Some(Widening::NoPlan) => ruling.because(Widening::RISK, AskReason::NoPlan),
        Some(Widening::PlanGrants) => ruling.because(Widening::RISK, AskReason::PlanGrants),
        None => ruling,
    }
}

/// The ruling of a rule for a command behind another, or in a text.
fn of_command(command: &Command, rule: &GateRule) -> Ruling {
    if command.guessed { Ruling::from(rule).of_guess() } else { Ruling::from(rule) }
}

/// The first rule that matches each command of a call; for other tools, the first rule that matches
/// the call. `None`: no rule matches.
pub(super) fn first_rules<'r>(
    rules: &'r [GateRule],
    call: &ToolCall,
) -> Vec<(Vec<String>, Option<&'r GateRule>)> {
    let Some(text) = call.command() else {
        return vec![(Vec::new(), rules.iter().find(|rule| rule.matches_call(call)))];
    };
    let budget = Budget::default();
    let line = shell::read(&text, &budget);
    let scene = Scene::of(call, &line, &budget);
    let first = |command: &Command| {
        let rule = scene.first_match(rules, command, scene.certainty(&line, command));
        (command.words.clone(), rule)
    };
    line.commands.iter().map(first).collect()
}

/// For calls other than shell commands of the agent itself.
fn judge_tool(rules: &[GateRule], call: &ToolCall, budget: &Budget) -> Ruling {
    let first = rules.iter().find(|rule| rule.matches_call(call));
    let spelled = first.map(|rule| rule.paths.as_slice()).unwrap_or_default();
    let unruled = || match call.questions() {
        Some(_) => Ruling::question(),
        None => Ruling::unknown(),
    };
    let ruling = first.map_or_else(unruled, Ruling::from);
    let ruling = ruling.at_least(places::of_files(call, spelled));
    // Where a server runs a command is unknown, so rules about commands can only stop it.
    let Some(command) = tools::foreign_command(call) else { return ruling };
    let scene = Scene { call, folders: vec![call.cwd.clone()], stays: true, budget };
    let line = shell::read(&command, budget);
    let further = shell::further_commands(&command, &line, budget);
    line.commands.iter().chain(&further).fold(ruling, |ruling, command| {
        let found = scene.first_match(rules, command, Certainty::Suspected);
        match found.filter(|rule| rule.does != RuleEffect::Allow) {
            Some(rule) => ruling.or_stricter(of_command(command, rule)),
            None => ruling,
        }
    })
}

fn judge_command(rules: &[GateRule], call: &ToolCall, command: &str, budget: &Budget) -> Ruling {
    let line = shell::read(command, budget);
    let scene = Scene::of(call, &line, budget);
    let mut rulings: Vec<Ruling> = Vec::new();
    for command in &line.commands {
        let shadowed = call.facts.shadows(programs::name(&command.words));
        let rule = scene.first_match(rules, command, scene.certainty(&line, command));
        let ruling = rule.map_or_else(Ruling::unknown, Ruling::from);
        let effect = if line.certain { places::effect(&command.words) } else { Effect::MayWrite };
        rulings.push(if rule.is_some_and(|rule| rule.spells_out(&command.words, budget)) {
            ruling
        } else {
            let ruling = match rule {
                Some(rule) if rule.does == RuleEffect::Allow => {
                    rule.unless_more_is_asked(ruling, &command.words, budget)
                }
                _ => ruling,
            };
            let least = places::of_command(call, command, &scene.folders, effect, budget);
            ruling.at_least(least)
        });
        rulings.extend(scene.judge_writes(rules, command));
        rulings.extend(shadowed.then(|| ask(UNKNOWN, AskReason::Shadowed)));
    }
    let further = shell::further_commands(command, &line, budget);
    for command in &further {
        let first = scene.first_match(rules, command, Certainty::Suspected);
        rulings.extend(first.map(|rule| of_command(command, rule)));
        rulings.extend(scene.judge_writes(rules, command));
        let may = Effect::MayWrite;
        let least = places::of_command(call, command, &scene.folders, may, budget);
        rulings.extend(least.map(|least| Ruling::Allow.raised(least)));
    }
    if line.unread {
        rulings.push(ask(UNKNOWN, AskReason::NotUnderstood));
    }
    let ruling = rulings.into_iter().reduce(Ruling::or_stricter).unwrap_or_else(Ruling::unknown);
    let ruling = ruling.at_least(places::of_line(call));
    let ruling =
        if call.widens() { ruling.because(UNKNOWN, AskReason::ExtraArguments) } else { ruling };
    let types = (0..line.commands.len()).any(|at| line.types_into(at))
        || further.iter().any(Command::types_into)
        || tools::requests_terminal(call);
    if types { ruling.interactive() } else { ruling }
}

/// Whether the words of a command are exact, and the command has no further effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Certainty {
    Exact,
    Suspected,
}

/// What is the same for every command of a line.
struct Scene<'a> {
    call: &'a ToolCall,
    /// Working directories in which the commands may run.
    folders: Vec<PathBuf>,
    /// Whether all of them are in the workspace.
    stays: bool,
    budget: &'a Budget,
}

impl<'a> Scene<'a> {
    fn of(call: &'a ToolCall, line: &Line, budget: &'a Budget) -> Self {
        let folders = folders(call, &line.commands, budget);
        let stays = folders.iter().all(|folder| call.root_of(folder).is_some());
        Self { call, folders, stays, budget }
    }

    /// Whether a command of the line is what a rule that allows means.
    fn certainty(&self, line: &Line, command: &Command) -> Certainty {
        let (call, program) = (self.call, programs::name(&command.words));
        // In a folder that an agent has filled, even a read-only git command may run programs from
        // this folder.
        let strays = program == GIT && places::git_strays(call, &self.folders);
        let searches_home = search::searches_home(call, &command.words);
        let certain = line.certain && self.stays && !call.facts.shadows(program);
        if certain && !strays && !searches_home { Certainty::Exact } else { Certainty::Suspected }
    }

    fn first_match<'r>(
        &self,
        rules: &'r [GateRule],
        command: &Command,
        certainty: Certainty,
    ) -> Option<&'r GateRule> {
        let stops = StopWords::new(&command.words);
        let within = |rule: &&GateRule| {
            self.budget.spend(rule.commands.len() + 1)
                && rule.matches_command(self, command, &stops, certainty)
        };
        rules.iter().find(within)
    }

    /// Rules about the files that redirections write, as if a tool wrote the files.
    fn judge_writes(&self, rules: &[GateRule], command: &Command) -> Option<Ruling> {
        let call = self.call;
        let write = |file: &String, folder: &PathBuf| ToolCall {
            agent: call.agent.clone(),
            session: None,
            tool: "Write".into(),
            input: json!({ "file_path": plain_path(file, folder, call.home.as_deref()) }),
            cwd: call.cwd.clone(),
            roots: call.roots.clone(),
            home: call.home.clone(),
            real: Vec::new(),
            poses_as_repository: false,
            own_prompt: false,
            before: Before::Unknown,
            facts: Facts::default(),
        };
        let writes = command.writes.iter().filter(|file| file.len() <= LONGEST_PATH);
        let calls = writes.flat_map(|file| self.folders.iter().map(move |at| write(file, at)));
        let stops = |rule: &&GateRule| {
            rule.does != RuleEffect::Allow && rule.place.is_none() && !rule.paths.is_empty()
        };
        let rulings = calls.filter_map(|call| {
            let mut stopping = rules.iter().filter(stops);
            let cost = |rule: &GateRule| rule.paths.len() * (1 + call.cwd.as_os_str().len() / 16);
            let first =
                stopping.find(|rule| self.budget.spend(cost(rule)) && rule.matches_call(&call));
            first.map(Ruling::from)
        });
        rulings.reduce(Ruling::or_stricter)
    }
}

impl GateRule {
    fn is_for(&self, call: &ToolCall) -> bool {
        match self.does {
            RuleEffect::Allow => tools::may_be_allowed_by(&self.tools, call),
            RuleEffect::Ask | RuleEffect::Deny => tools::may_be_stopped_by(&self.tools, call),
        }
    }

    /// For calls other than shell commands.
    fn matches_call(&self, call: &ToolCall) -> bool {
        if !self.is_for(call) || !self.commands.is_empty() {
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
        self.paths.is_empty()
            || self.paths.iter().any(|pattern| places::is_like(pattern, file, home))
    }

    fn has_place(&self, file: &Path, call: &ToolCall) -> bool {
        let inside = call.roots.iter().any(|root| file.starts_with(root));
        self.place.is_none_or(|place| (place == FileLocation::Inside) == inside)
    }

    /// For one command of a line.
    fn matches_command(
        &self,
        scene: &Scene<'_>,
        command: &Command,
        stops: &StopWords,
        certainty: Certainty,
    ) -> bool {
        if !self.is_for(scene.call) || self.place.is_some() {
            return false;
        }
        match self.does {
            RuleEffect::Allow => {
                // The folders of `git -C` are judged like those of `cd`.
                let exact = programs::without_folders(&command.words).0;
                let allows = |pattern: &CommandPattern| pattern.is_like(&exact, scene.budget);
                let speaks = self.commands.is_empty()
                    || (certainty == Certainty::Exact && self.commands.iter().any(allows));
                speaks && self.paths.is_empty()
            }
            RuleEffect::Ask | RuleEffect::Deny => {
                let stops = |pattern: &CommandPattern| pattern.may_be_like(stops, scene.budget);
                let commands = self.commands.is_empty() || self.commands.iter().any(stops);
                commands && (self.paths.is_empty() || self.names_path(scene, command))
            }
        }
    }

    /// Whether a word of the command, an option's value or the target of a redirection is a path
    /// that matches this rule.
    fn names_path(&self, scene: &Scene<'_>, command: &Command) -> bool {
        let home = scene.call.home.as_deref();
        let words: Vec<&str> =
            command.words.iter().chain(&command.files).map(String::as_str).collect();
        reach::parts(&words).any(|part| {
            scene.folders.iter().any(|folder| {
                let length = part.len() + folder.as_os_str().len();
                if !scene.budget.spend(self.paths.len() + length) {
                    return false;
                }
                let path = plain_path(part, folder, home);
                scene.call.meanings(&path).iter().any(|path| {
                    self.paths.iter().any(|pattern| places::is_like(pattern, path, home))
                })
            })
        })
    }

    /// The ruling of this rule, which allows a command in general: an option that the program may
    /// have, and that neither Gander nor the rule names, is asked.
    fn unless_more_is_asked(&self, ruling: Ruling, words: &[String], budget: &Budget) -> Ruling {
        let Some(read) = options::read(words, budget) else { return ruling };
        let exact: Vec<&str> = words.iter().map(String::as_str).collect();
        let names = |word: &&str| {
            let names =
                |pattern: &CommandPattern| pattern.names(word) && pattern.is_like(&exact, budget);
            self.commands.iter().any(names)
        };
        if read.unknown.iter().all(names) {
            return ruling;
        }
        ruling.because(UNKNOWN, AskReason::UnknownOption)
    }

    /// Whether this rule allows exactly this command, word by word.
    fn spells_out(&self, words: &[String], budget: &Budget) -> bool {
        let exact: Vec<&str> = words.iter().map(String::as_str).collect();
        let spells =
            |pattern: &CommandPattern| pattern.is_exact() && pattern.is_like(&exact, budget);
        self.does == RuleEffect::Allow && self.commands.iter().any(spells)
    }
}
