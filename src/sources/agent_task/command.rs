//! The command that an approval runs, from the user's own configuration: arguments, no shell.
//!
//! Arguments may contain placeholders for what the task file says. Agents write that file, so a
//! value counts only if it can be neither an option nor a path out of its folder.

use std::fmt;
use std::path::{Path, PathBuf};

use super::format::Task;
use crate::sources::Answering;

/// Placeholders, as written in gander.toml.
pub const PLACEHOLDERS: [&str; 6] =
    ["{issue}", "{branch}", "{task_id}", "{slug}", "{worktree}", "{repository}"];

/// Longest value from a task file, in bytes.
const LONGEST_VALUE: usize = 200;

/// A command, complete and ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommandLine {
    /// The program and its arguments. Never empty.
    pub(super) arguments: Vec<String>,
    /// The working directory.
    pub(super) folder: PathBuf,
}

/// What an approval runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ApprovalCommand {
    /// Nothing is configured, or nothing fits this question.
    Nothing,
    Runs(CommandLine),
    /// A placeholder has no usable value, with the reason.
    Unusable(String),
}

impl fmt::Display for CommandLine {
    /// The arguments as a shell would read them, so that a person sees where each one ends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, argument) in self.arguments.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            if !argument.is_empty() && argument.bytes().all(is_plain) {
                write!(f, "{space}{argument}")?;
            } else {
                write!(f, "{space}'{}'", argument.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'@' | b'+' | b'-' | b'=')
}

/// The command of this task.
pub(super) fn command(
    answering: &Answering,
    task: &Task,
    worktree: &Path,
    repository: &Path,
) -> ApprovalCommand {
    if answering.rerun.is_empty() {
        return ApprovalCommand::Nothing;
    }
    let filled: Result<Vec<String>, String> = answering
        .rerun
        .iter()
        .map(|argument| fill(argument, |name| value(name, task, worktree, repository)))
        .collect();
    match filled {
        Ok(arguments) => {
            ApprovalCommand::Runs(CommandLine { arguments, folder: repository.to_owned() })
        }
        Err(why) => ApprovalCommand::Unusable(why),
    }
}

/// Replaces the placeholders of an argument. A value is never searched for placeholders.
fn fill(argument: &str, value: impl Fn(&str) -> Result<String, String>) -> Result<String, String> {
    let (mut filled, mut rest) = (String::new(), argument);
    while let Some(start) = rest.find('{') {
        let name = PLACEHOLDERS.into_iter().find(|name| rest[start..].starts_with(name));
        filled.push_str(&rest[..start]);
        match name {
            Some(name) => {
                filled.push_str(&value(name)?);
                rest = &rest[start + name.len()..];
            }
            None => {
                filled.push('{');
                rest = &rest[start + 1..];
            }
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

fn value(name: &str, task: &Task, worktree: &Path, repository: &Path) -> Result<String, String> {
    let path = |path: &Path| path.to_str().map(ToOwned::to_owned);
    match name {
        "{worktree}" => return path(worktree).ok_or_else(|| missing(name)),
        "{repository}" => return path(repository).ok_or_else(|| missing(name)),
        _ => {}
    }
    let slug = || worktree.file_name().map(|name| name.to_string_lossy().into_owned());
    let value = match name {
        "{issue}" => task.names.issue.clone(),
        "{branch}" => task.names.branch.clone(),
        "{task_id}" => Some(task.id.clone()),
        _ => slug(),
    };
    let value = value.ok_or_else(|| missing(name))?;
    let is_sound = value.len() <= LONGEST_VALUE
        && value.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
        && value.bytes().all(is_plain)
        && !value.contains("..");
    if is_sound { Ok(value) } else { Err(format!("the task's {name} is not a plain name")) }
}

fn missing(name: &str) -> String {
    format!("the task does not say its {name}")
}

#[cfg(test)]
mod tests {
    use super::super::format::{Reading, read_task};
    use super::*;

    fn run(rerun: &[&str], file: &str) -> ApprovalCommand {
        let Reading::Task(task) = read_task(file) else { panic!("{file} is no task") };
        let rerun = rerun.iter().map(|argument| (*argument).to_owned()).collect();
        let answering = Answering { rerun, ..Answering::default() };
        command(&answering, &task, Path::new("/r/.agents/worktrees/w"), Path::new("/r"))
    }

    const TASK: &str = r#"{"task_id": "t-1", "issue_number": 58, "state": "planning-review",
        "heartbeat": {}}"#;

    #[test]
    fn placeholders_become_what_the_task_says_and_nothing_is_split() {
        let rerun = ["make", "task", "ISSUE={issue}", "in {slug}", "{x}{", "{worktree}/a"];
        let ApprovalCommand::Runs(line) = run(&rerun, TASK) else { panic!("it runs") };
        assert_eq!(line.to_string(), "make task ISSUE=58 'in w' '{x}{' /r/.agents/worktrees/w/a");
        assert_eq!(line.folder, Path::new("/r"));
        assert_eq!(run(&[], TASK), ApprovalCommand::Nothing);
    }

    #[test]
    fn a_value_that_is_more_than_a_name_runs_nothing() {
        for id in ["--exec=rm", "a b", "../x", "a/../../x", "a'b", "$(x)", "{issue}"] {
            let file = TASK.replace("t-1", id);
            let found = run(&["make", "{task_id}"], &file);
            assert!(matches!(found, ApprovalCommand::Unusable(_)), "{id}: {found:?}");
        }
        let found = run(&["make", "{branch}"], TASK);
        assert_eq!(found, ApprovalCommand::Unusable("the task does not say its {branch}".into()));
    }
}
