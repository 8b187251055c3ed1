//! What a grant of a call can cover: patterns derived from the call, and whether a pattern includes
//! a later call.
//!
//! A pattern is judged as a rule that allows, put before all rules: what such a rule would not
//! allow is not included either. Beyond that, a pattern includes no options and settings that the
//! shown call did not have and that Gander does not know as harmless, no program that runs others,
//! no file to run whose content is unknown, nothing in another workspace and nothing of critical
//! risk. A pattern is derived only if it includes the call itself.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::budget::Budget;
use super::edits::{is_editor, names_its_files};
use super::facts::Coverage;
use super::pattern::{CommandPattern, StopWords};
use super::places::without_worktree;
use super::programs::{self, options};
use super::rules::{FileLocation, GateRule, RuleEffect, Ruling, first_rules, judge};
use super::shell::{self, Command, is_assignment};
use super::{ToolCall, hex, reach, tools};
use crate::core::decision::{CallPattern, Grantable, Risk};
use crate::core::untrusted::is_hidden;

/// How a program names what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verbs {
    /// By one word.
    One,
    /// By one word; behind these by two, because the first says too little.
    TwoBehind(&'static [&'static str]),
    /// By two words.
    Two,
}

use Verbs::{One, Two, TwoBehind};

/// Programs that name what they do by their first words. Of other programs no pattern is derived:
/// their words are files or hosts, or whatever they run.
const PROGRAMS: &[(&str, Verbs)] = &[
    ("aws", Two),
    ("az", Two),
    ("brew", TwoBehind(&["services"])),
    ("bun", TwoBehind(&["run", "pm"])),
    ("cargo", One),
    ("composer", TwoBehind(&["run", "run-script", "global"])),
    ("conda", TwoBehind(&["env"])),
    ("dart", TwoBehind(&["pub"])),
    ("deno", TwoBehind(&["task"])),
    ("docker", TwoBehind(CONTAINERS)),
    ("dotnet", TwoBehind(&["nuget", "tool"])),
    ("flutter", TwoBehind(&["pub"])),
    ("gcloud", Two),
    ("gem", One),
    ("gh", Two),
    ("git", TwoBehind(GIT)),
    ("glab", Two),
    ("go", TwoBehind(&["mod", "tool", "work"])),
    ("gradle", One),
    ("helm", TwoBehind(&["plugin", "repo"])),
    ("jj", TwoBehind(&["bookmark", "git", "op", "operation", "workspace"])),
    ("just", One),
    ("kubectl", TwoBehind(&["config", "rollout"])),
    ("make", One),
    ("mix", One),
    ("mvn", One),
    ("nerdctl", TwoBehind(CONTAINERS)),
    ("npm", TwoBehind(&["run", "run-script", "rum", "urn"])),
    ("oc", TwoBehind(&["adm", "config", "rollout"])),
    ("pip", One),
    ("pip3", One),
    ("pnpm", TwoBehind(&["run", "run-script"])),
    ("podman", TwoBehind(CONTAINERS)),
    ("poetry", TwoBehind(&["env", "self"])),
    ("pulumi", TwoBehind(&["stack", "config", "plugin"])),
    ("rake", One),
    ("rustup", TwoBehind(&["component", "target", "toolchain"])),
    ("sbt", One),
    ("swift", TwoBehind(&["package"])),
    ("terraform", TwoBehind(&["state", "workspace"])),
    ("tofu", TwoBehind(&["state", "workspace"])),
    ("uv", TwoBehind(&["pip", "tool"])),
    ("yarn", TwoBehind(&["run", "npm", "workspace", "workspaces"])),
];
const CONTAINERS: &[&str] = &[
    "builder",
    "buildx",
    "compose",
    "container",
    "context",
    "image",
    "network",
    "system",
    "volume",
];
const GIT: &[&str] = &[
    "bisect",
    "flow",
    "lfs",
    "notes",
    "remote",
    "stash",
    "submodule",
    "subtree",
    "svn",
    "worktree",
];

/// Longest word and longest folder of a pattern, in bytes: a person reads all of it on a phone.
const LONGEST_WORD: usize = 60;
const LONGEST_FOLDER: usize = 120;
/// Most options of a pattern, and the longest.
const MOST_OPTIONS: usize = 6;
const LONGEST_OPTION: usize = 40;

/// What a grant of a call can cover. `None`: nothing beyond the agent's session, because the call's
/// workspace is unknown or the call runs elsewhere.
#[must_use]
pub fn grantable(rules: &[GateRule], call: &ToolCall) -> Option<Grantable> {
    let root = workspace(call)?;
    let rule = asked_by(rules, call);
    let includes = |pattern: &CallPattern| rule.is_some() && includes(rules, call, pattern);
    let patterns = candidates(call).into_iter().filter(includes).collect();
    Some(Grantable { root, call: call.identity_in_any_session(), rule, patterns })
}

/// A digest of the rule that asks about a call, or of the fact that none matches. `None`: the
/// commands of the call are asked about by several rules, of which a person saw one reason.
///
/// Of the rule's commands only those count that match: others may be added to the rule.
fn asked_by(rules: &[GateRule], call: &ToolCall) -> Option<String> {
    let asks = |rule: &Option<&GateRule>| rule.is_none_or(|rule| rule.does != RuleEffect::Allow);
    let budget = Budget::default();
    let digest = |(words, rule): (Vec<String>, Option<&GateRule>)| {
        let stops = StopWords::new(&words);
        let told = rule.map(|rule| {
            let matches = |pattern: &&CommandPattern| pattern.may_be_like(&stops, &budget);
            let commands = rule.commands.iter().filter(matches).cloned().collect();
            GateRule { commands, ..rule.clone() }
        });
        hex(&Sha256::digest(format!("{told:?}"))[..16])
    };
    let first = first_rules(rules, call).into_iter().filter(|(_, rule)| asks(rule));
    let mut digests: Vec<String> = first.map(digest).collect();
    digests.dedup();
    // Every command is allowed, and something else asks.
    if digests.is_empty() {
        digests.push("none".into());
    }
    digests.pop().filter(|_| digests.is_empty())
}

/// The workspace of a call, if the call runs there.
fn workspace(call: &ToolCall) -> Option<String> {
    call.root_of(&call.cwd)?;
    // The person's own name of the folder; others are the same folder without links.
    let root = call.roots.first()?.to_str()?;
    (root.len() <= reach::LONGEST_PATH).then(|| root.to_owned())
}

/// Whether a pattern includes a call about which a person would be asked, below critical risk.
#[must_use]
pub fn includes(rules: &[GateRule], call: &ToolCall, pattern: &CallPattern) -> bool {
    let known = call.facts.coverage == Coverage::Complete && !call.own_prompt;
    let ruling = judge(rules, call);
    let asked = matches!(ruling, Ruling::Ask { risk, .. } if risk < Risk::Critical);
    if !known || workspace(call).is_none() || !asked {
        return false;
    }
    let rule = match pattern {
        CallPattern::Command { words, options } => command_rule(call, words, options),
        CallPattern::Tool { tool } => tool_rule(call, tool),
        CallPattern::Folder { folder } => folder_rule(call, folder),
    };
    let Some(rule) = rule else { return false };
    let with: Vec<GateRule> = std::iter::once(rule).chain(rules.iter().cloned()).collect();
    judge(&with, call) == Ruling::Allow
}

fn candidates(call: &ToolCall) -> Vec<CallPattern> {
    if call.command().is_some() {
        return command_candidates(call);
    }
    if is_editor(&call.tool) { folder_candidates(call) } else { tool_candidates(call) }
}

/// The rule that allows a tool in general.
fn allowing(tools: Vec<String>, commands: Vec<CommandPattern>) -> GateRule {
    GateRule {
        does: RuleEffect::Allow,
        tools,
        commands,
        paths: Vec::new(),
        place: None,
        risk: None,
        kind: None,
        reason: None,
    }
}

fn command_candidates(call: &ToolCall) -> Vec<CallPattern> {
    let Some(text) = call.command() else { return Vec::new() };
    let line = shell::read(&text, &Budget::default());
    let mut found: Vec<CallPattern> = Vec::new();
    for command in &line.commands {
        let options = options_of(&command.words);
        if options.len() > MOST_OPTIONS || options.iter().any(|option| !is_option_plain(option)) {
            continue;
        }
        for length in prefixes(&command.words) {
            let words = command.words[..length].to_vec();
            let pattern = CallPattern::Command { words, options: options.clone() };
            if !found.contains(&pattern) {
                found.push(pattern);
            }
        }
    }
    found
}

/// The numbers of words that name a program and its subcommand, the largest first.
fn prefixes(words: &[String]) -> Vec<usize> {
    let [program, verb, rest @ ..] = words else { return Vec::new() };
    let Some((_, verbs)) = PROGRAMS.iter().find(|(name, _)| name == program) else {
        return Vec::new();
    };
    if !is_verb(verb) {
        return Vec::new();
    }
    let says_all = match verbs {
        One => true,
        Two => false,
        TwoBehind(first) => !first.contains(&verb.as_str()),
    };
    let three = rest.first().is_some_and(|word| is_verb(word)).then_some(3);
    three.into_iter().chain(says_all.then_some(2)).collect()
}

fn is_verb(word: &str) -> bool {
    let usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ":_-".contains(c);
    let begins = word.starts_with(|c: char| c.is_ascii_lowercase());
    begins && word.len() <= LONGEST_WORD && word.chars().all(usual)
}

fn is_option_plain(option: &str) -> bool {
    is_plain(option) && option.len() <= LONGEST_OPTION
}

/// Whether a person reads a word as it is.
fn is_plain(word: &str) -> bool {
    let odd = |c: char| is_hidden(c) || c.is_whitespace() || "*`".contains(c);
    (1..=LONGEST_WORD).contains(&word.len()) && !word.chars().any(odd)
}

/// The options and settings among the words after the program. What is joined to one belongs to
/// it: `--output=x`, `-ox`.
fn options_of(words: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in words.iter().skip(1).filter(|word| is_option_or_setting(word)) {
        if !found.contains(word) {
            found.push(word.clone());
        }
    }
    found
}

fn is_option_or_setting(word: &str) -> bool {
    programs::is_option(word) || is_assignment(word)
}

fn command_rule(call: &ToolCall, words: &[String], options: &[String]) -> Option<GateRule> {
    if !prefixes(words).contains(&words.len()) {
        return None;
    }
    let budget = Budget::default();
    let text = call.command()?;
    let line = shell::read(&text, &budget);
    let folders = reach::folders(call, &line.commands, &budget);
    let stays = folders.iter().all(|folder| call.root_of(folder).is_some());
    let alone =
        shell::further_commands(&text, &line, &budget).is_empty() && call.runs_known_files();
    // A rule that allows reading commands of git looks behind their folders.
    let begins = |command: &&Command| {
        let plain = programs::without_folders(&command.words).0;
        plain.iter().zip(words).filter(|(one, other)| *one == *other).count() == words.len()
    };
    let fits =
        |command: &Command| command.words.starts_with(words) && has_only(command, options, &budget);
    let mut meant = line.commands.iter().filter(begins).peekable();
    let fits = meant.peek().is_some() && meant.all(fits);
    if !line.certain || !stays || !alone || !fits || budget.is_spent() {
        return None;
    }
    let pattern = CommandPattern::new(&format!("{} *", words.join(" ")))?;
    Some(allowing(Vec::new(), vec![pattern]))
}

/// Whether a command has no options and settings but these and those known as harmless.
fn has_only(command: &Command, allowed: &[String], budget: &Budget) -> bool {
    let words = command.words.iter().skip(1);
    // A transport of git may be a program of its own: `ext::sh -c …`.
    if programs::name(&command.words) == "git" && words.clone().any(|word| word.contains("::")) {
        return false;
    }
    // The rule that allows the command judges the options of programs that Gander knows.
    let are_judged = options::read(&command.words, budget).is_some();
    let fits = |word: &String| {
        !is_option_or_setting(word) || are_judged && !is_assignment(word) || allowed.contains(word)
    };
    words.clone().all(fits)
}

fn tool_candidates(call: &ToolCall) -> Vec<CallPattern> {
    let tool = match own_subject(call) {
        Some(subject) => match subject.as_str() {
            Some(subject) => format!("{}({subject})", call.tool),
            None => return Vec::new(),
        },
        None => call.tool.clone(),
    };
    vec![CallPattern::Tool { tool }]
}

/// What an agent's own tool starts: a skill, an agent.
fn own_subject(call: &ToolCall) -> Option<&Value> {
    tools::own_name(call).and_then(|_| tools::subject(call))
}

fn tool_rule(call: &ToolCall, tool: &str) -> Option<GateRule> {
    let (name, subject) = match tool.strip_suffix(')').and_then(|tool| tool.split_once('(')) {
        Some((name, subject)) => (name, Some(subject)),
        None => (tool, None),
    };
    let usual = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
    let plain = |word: &str| (1..=LONGEST_WORD).contains(&word.len()) && word.chars().all(usual);
    // Of what an own tool starts, a pattern names the subject.
    let says_all = subject.is_some() || own_subject(call).is_none();
    let runs = call.command().is_some() || tools::foreign_command(call).is_some();
    let fits = plain(name) && subject.is_none_or(plain) && name == call.tool && says_all;
    if !fits || runs || call.is_plan() || is_editor(&call.tool) {
        return None;
    }
    Some(allowing(vec![tool.to_owned()], Vec::new()))
}

/// The folder of the changed files, and the workspace.
fn folder_candidates(call: &ToolCall) -> Vec<CallPattern> {
    let below = |file: &String| {
        let path = super::pattern::plain_path(file, &call.cwd, call.home.as_deref());
        below_root(call, &path).and_then(|path| path.parent().map(Path::to_owned))
    };
    let folders: Option<Vec<PathBuf>> = call.named_files().iter().map(below).collect();
    let Some(common) = folders.unwrap_or_default().into_iter().reduce(|a, b| common(&a, &b)) else {
        return Vec::new();
    };
    let named = |path: &Path| path.to_str().map(str::to_owned);
    let mut found: Vec<CallPattern> = Vec::new();
    for folder in [named(&common), Some(String::new())].into_iter().flatten() {
        let pattern = CallPattern::Folder { folder };
        if !found.contains(&pattern) {
            found.push(pattern);
        }
    }
    found
}

fn common(one: &Path, other: &Path) -> PathBuf {
    one.components().zip(other.components()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
}

/// The path relative to the workspace, under any of the workspace's names. A worktree within is a
/// project of its own.
fn below_root(call: &ToolCall, path: &Path) -> Option<PathBuf> {
    let below = call.roots.iter().find_map(|root| path.strip_prefix(root).ok())?;
    (without_worktree(below) == below).then(|| below.to_owned())
}

fn folder_rule(call: &ToolCall, folder: &str) -> Option<GateRule> {
    let whole = folder.len() <= LONGEST_FOLDER && folder.split('/').all(is_plain);
    let normal = Path::new(folder).components().all(|part| matches!(part, Component::Normal(_)));
    let writes = is_editor(&call.tool)
        && tools::own_name(call).is_some()
        && names_its_files(&call.tool, &call.input);
    if !(folder.is_empty() || whole) || !normal || !writes {
        return None;
    }
    let files = call.files();
    let is_below =
        |path: &PathBuf| below_root(call, path).is_some_and(|below| below.starts_with(folder));
    // Each file, and where it leads.
    let all = files.iter().all(|file| call.meanings(file).iter().all(is_below));
    if files.is_empty() || !all || call.tool.contains(['*', '(']) {
        return None;
    }
    let rule = allowing(vec![call.tool.clone()], Vec::new());
    Some(GateRule { place: Some(FileLocation::Inside), ..rule })
}
