//! What happens to the texts of a script: heredocs, strings for the standard input, values of
//! variables. A text is data if every program that it can reach merely reads it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Command, Flow, Line, Stdin, Text};
use crate::core::gate::programs::{self, Run};

/// Use of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextUse {
    /// Programs read the text.
    Data,
    /// A shell runs the text.
    Script,
    /// An interpreter or an unknown program may run the text.
    Code,
}

/// What runs a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runner {
    /// A shell, so the file is a script of the shell's language.
    Shell,
    /// Any program.
    Any,
}

/// The commands that share input or output.
#[derive(Debug, Default)]
struct Group<'a> {
    commands: Vec<&'a Command>,
    assigns: bool,
}

impl Group<'_> {
    fn only_reads(&self) -> bool {
        self.commands.iter().all(|command| programs::only_reads(&command.words))
    }

    fn has_shell(&self) -> bool {
        self.commands.iter().any(|command| programs::reads_script(&command.words))
    }
}

impl Line {
    /// For each text, its use.
    pub(super) fn uses(&self) -> Vec<TextUse> {
        let tops = self.tops();
        let from_variable = self.variables_use();
        let shadowed = self.redefines || self.unread || self.commands.iter().any(shadows);
        let run = self.runs_files(Runner::Any);
        let script = self.runs_files(Runner::Shell).unwrap_or_default();
        let use_of = |group: &Group<'_>| {
            let sets = group.commands.iter().any(|command| sets(command));
            let runs_variable = sets && from_variable == TextUse::Script;
            if group.has_shell() || runs_variable || writes_one_of(group, Some(&script)) {
                TextUse::Script
            } else if shadowed || !group.only_reads() || writes_one_of(group, run.as_ref()) {
                TextUse::Code
            } else if group.assigns || sets {
                from_variable
            } else {
                TextUse::Data
            }
        };
        let uses: BTreeMap<usize, TextUse> =
            self.groups().iter().map(|(top, group)| (*top, use_of(group))).collect();
        let used = |text: &Text| match text.flow {
            Flow::Variable => from_variable,
            Flow::Into(pipeline) => {
                let top = tops.get(pipeline).copied().unwrap_or_default();
                uses.get(&top).copied().unwrap_or(TextUse::Code)
            }
        };
        self.texts.iter().map(used).collect()
    }

    /// Use of the values of variables.
    fn variables_use(&self) -> TextUse {
        let interprets = |command: &Command| {
            programs::runs_code(&command.words) && command.varying.iter().any(|varies| *varies)
        };
        if self.commands.iter().any(interprets) {
            TextUse::Code
        } else if self.commands.iter().any(runs_variable) {
            TextUse::Script
        } else {
            TextUse::Data
        }
    }

    /// The arguments of commands whose output a shell may run.
    pub(super) fn piped_scripts(&self) -> Vec<String> {
        let mut scripts = Vec::new();
        for group in self.groups().values().filter(|group| group.has_shell()) {
            for command in &group.commands {
                if matches!(programs::name(&command.words), "echo" | "printf") {
                    scripts.extend(command.words.iter().skip(1).cloned());
                    scripts.push(command.words[1..].join(" "));
                }
            }
        }
        scripts
    }

    /// For each pipeline, the outermost pipeline that its input or output can reach.
    fn tops(&self) -> Vec<usize> {
        let mut tops: Vec<usize> = Vec::new();
        for (at, pipeline) in self.pipelines.iter().enumerate() {
            // A pipeline is listed after the pipeline that contains it.
            let top = match pipeline.parent.filter(|parent| *parent < at) {
                Some(parent) if tops[parent] != parent => tops[parent],
                Some(parent) if pipeline.joined || self.pipelines[parent].joins => parent,
                _ => at,
            };
            tops.push(top);
        }
        tops
    }

    fn groups(&self) -> BTreeMap<usize, Group<'_>> {
        let tops = self.tops();
        let mut groups: BTreeMap<usize, Group<'_>> = BTreeMap::new();
        for (at, pipeline) in self.pipelines.iter().enumerate() {
            groups.entry(tops[at]).or_default().assigns |= pipeline.assigns;
        }
        for command in &self.commands {
            let top = tops.get(command.pipeline).copied().unwrap_or_default();
            groups.entry(top).or_default().commands.push(command);
        }
        groups
    }

    /// The names of files that commands of this kind may run. `None`: any file, because a pattern
    /// or a variable may name it.
    fn runs_files(&self, runner: Runner) -> Option<BTreeSet<&str>> {
        let mut run: BTreeSet<&str> = BTreeSet::new();
        // Backwards, because a file may have another name before.
        for command in self.commands.iter().rev() {
            if runner == Runner::Any {
                run.insert(programs::name(&command.words));
            }
            let named = || command.words.iter().chain(&command.files).map(|word| last_part(word));
            let runs = match runner {
                Runner::Any => programs::runs_files(&command.words),
                Runner::Shell => programs::runs_scripts(&command.words),
            };
            if runs && command.varying.iter().any(|varies| *varies) {
                return None;
            }
            let copies = programs::moves_files(&command.words) || !command.writes.is_empty();
            if runs || (copies && named().skip(1).any(|name| run.contains(name))) {
                run.extend(named());
            }
        }
        Some(run)
    }
}

/// Whether a group writes one of these files.
fn writes_one_of(group: &Group<'_>, run: Option<&BTreeSet<&str>>) -> bool {
    group.commands.iter().any(|command| {
        let operands = programs::name(&command.words) == "tee";
        let operands = if operands { &command.words[1..] } else { &[] };
        let mut written = command.writes.iter().chain(operands);
        written.any(|file| run.is_none_or(|run| run.contains(last_part(file))))
    })
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a command may run the value of a variable.
fn runs_variable(command: &Command) -> bool {
    let varies = |at: usize| command.varying.get(at).copied().unwrap_or(false);
    let runs = |run: Run| match run {
        Run::Command(at) => varies(at),
        Run::Script(script) => script.contains('$'),
    };
    varies(0) || programs::runs(&command.words).into_iter().any(runs)
}

/// Whether a command may change what the name of another command means, or where output goes.
fn shadows(command: &Command) -> bool {
    matches!(programs::name(&command.words), "alias" | "exec" | "enable" | "hash" | "autoload")
        && (command.words.len() > 1 || !command.files.is_empty())
}

/// Whether a command stores its input in a variable.
fn sets(command: &Command) -> bool {
    let name = programs::name(&command.words);
    matches!(name, "read" | "mapfile" | "readarray")
        || (command.stdin == Stdin::Inherited
            && matches!(name, "export" | "local" | "declare" | "typeset" | "readonly" | "set"))
}
