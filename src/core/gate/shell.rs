//! Reads a shell script far enough to know which commands it may run, and whether a rule about
//! commands may allow it.
//!
//! Kept by hand, after a trial of `brush-parser` 0.4: 22 opening parentheses took it 0.2 s, four
//! times as long for every two more; 4,000 nested groups overflowed the stack, which ends the
//! process; `~99999999999999999999` panicked; and an unfinished `$(` passed as read. An agent
//! chooses the text, so this reader makes one pass, spends a budget, and reports text that it does
//! not understand.
//!
//! Plain lines (words, quotes without expansions, operators between commands, redirections to
//! `/dev/null`) are *certain*: a rule may allow them. For stopping rules, every command that *may*
//! run is listed: behind programs that run others, in substitutions, in text that a program runs.
//! Text that programs merely read is no command. Does not depend on rules.

mod reader;
mod redirections;
mod texts;
mod words;

use self::reader::{Close, Reader};
use self::texts::TextUse;
use super::budget::Budget;
use super::programs::{self, Run};

/// A shell script, as far as read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// The simple commands of every branch and level.
    pub commands: Vec<Command>,
    /// Whether `commands` is certainly everything that the script does.
    pub certain: bool,
    /// Whether a part was not understood.
    pub unread: bool,
    /// Whether later names of commands may mean other programs.
    redefines: bool,
    texts: Vec<Text>,
    pipelines: Vec<Pipeline>,
}

/// A simple command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// The words that the program receives, without quotes. Not empty, except for a mere
    /// redirection.
    pub words: Vec<String>,
    /// For each word, whether it contains an expansion, so that its value is not known.
    pub varying: Vec<bool>,
    /// Targets of redirections, other than `/dev/null`.
    pub files: Vec<String>,
    /// The targets among `files` that are written.
    pub writes: Vec<String>,
    /// Origin of the standard input.
    pub stdin: Stdin,
    /// Whether the words are only guessed, from text in a language other than the shell's.
    pub guessed: bool,
    pipeline: usize,
}

/// Origin of a command's standard input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stdin {
    /// The caller's: for agents that can type, a terminal.
    #[default]
    Inherited,
    /// The preceding command of the pipeline.
    Piped,
    /// A file or a text in the script.
    Redirected,
}

/// A text of the script that is no command in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Text {
    body: String,
    flow: Flow,
}

/// Where a text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Into the standard input of this pipeline.
    Into(usize),
    /// Into a variable.
    Variable,
}

/// A pipeline, and the pipeline that contains it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Pipeline {
    parent: Option<usize>,
    /// Whether the output becomes part of the parent's words.
    joined: bool,
    /// Whether contained pipelines share input or output with others: by a pipe or a redirection.
    joins: bool,
    /// Whether the output may become the value of a variable.
    assigns: bool,
}

/// Maximum depth of scripts in the words of other commands, and of programs that run programs.
const DEEPEST: u32 = 8;

/// Words that begin or join commands but are not commands.
const RESERVED: [&str; 19] = [
    "!", "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac",
    "in", "function", "select", "time", "coproc", "[[",
];

/// Reads a script.
#[must_use]
pub fn read(text: &str, budget: &Budget) -> Line {
    let mut reader = Reader::new(text, budget);
    reader.list(Close::Text, None);
    let mut line = reader.line;
    for command in &mut line.commands {
        if command.words.is_empty() {
            // A mere redirection.
            command.words.push(":".into());
            command.varying.push(false);
        }
        // `~user` is another user's home folder, and `~-` is the previous directory.
        let elsewhere =
            |word: &String| word.starts_with('~') && word != "~" && !word.starts_with("~/");
        line.certain &= !command.words[0].starts_with('=')
            && !command.words.iter().any(|word| elsewhere(word) || climbs(word));
    }
    line.certain &= !line.commands.is_empty() && !line.unread;
    line
}

/// Whether a path enters a folder and then goes up again: when the folder is a link, `..` leads
/// elsewhere.
fn climbs(word: &str) -> bool {
    let mut below = false;
    word.split(['/', '=', ':']).any(|part| {
        let climbs = below && part == "..";
        below |= !matches!(part, "" | "." | "..");
        climbs
    })
}

impl Line {
    /// Whether an agent can type commands into a command of the line.
    #[must_use]
    pub fn types_into(&self, at: usize) -> bool {
        let Some(command) = self.commands.get(at) else { return false };
        // `cat | sh` reads what is typed into `cat`.
        let typed = || {
            let before = at.checked_sub(1).and_then(|at| self.commands.get(at));
            before.is_some_and(|before| {
                let passes = matches!(programs::name(&before.words), "cat" | "tee");
                let inherits = before.stdin == Stdin::Inherited;
                passes && inherits && before.words.iter().skip(1).all(|word| word.starts_with('-'))
            })
        };
        match command.stdin {
            Stdin::Redirected => false,
            Stdin::Piped => typed() && programs::is_interactive(&command.words),
            Stdin::Inherited => command.types_into(),
        }
    }
}

impl Command {
    /// Whether an agent can type commands into the program.
    #[must_use]
    pub fn types_into(&self) -> bool {
        self.stdin == Stdin::Inherited && programs::is_interactive(&self.words)
    }
}

/// Every command that a script may run beside its own: commands behind programs that run others, in
/// their scripts, and in texts that a program runs. For stopping rules; may contain words that are
/// not commands.
#[must_use]
pub fn further_commands(text: &str, line: &Line, budget: &Budget) -> Vec<Command> {
    let mut gathered = Gathered { found: Vec::new(), budget };
    gathered.gather_line(text, line, 0);
    gathered.found
}

struct Gathered<'a> {
    found: Vec<Command>,
    budget: &'a Budget,
}

impl Gathered<'_> {
    fn gather_line(&mut self, text: &str, line: &Line, depth: u32) {
        for command in &line.commands {
            self.behind(&command.words, command.stdin, depth);
            if !line.certain && programs::runs_code(&command.words) {
                command.words.iter().skip(1).for_each(|word| self.gather_code(word, true));
            }
        }
        for (text, used) in line.texts.iter().zip(line.uses()) {
            match used {
                TextUse::Data => {}
                TextUse::Script => self.gather_script(&text.body, depth + 1),
                TextUse::Code => self.gather_code(&text.body, true),
            }
        }
        for script in line.piped_scripts() {
            self.gather_script(&script, depth + 1);
        }
        if line.unread {
            self.gather_code(text, false);
        }
    }

    /// Commands in a script. The script is a text of its own.
    fn gather_script(&mut self, script: &str, depth: u32) {
        if depth > DEEPEST {
            self.gather_code(script, false);
            return;
        }
        let line = read(script, self.budget);
        self.gather_line(script, &line, depth);
        self.found.extend(line.commands);
    }

    /// Commands that a program runs which itself is a command.
    fn behind(&mut self, words: &[String], stdin: Stdin, depth: u32) {
        if depth > DEEPEST {
            self.gather_code(&words.join(" "), false);
            return;
        }
        if !self.budget.spend(words.len()) {
            return;
        }
        for run in programs::runs(words) {
            match run {
                Run::Command(start) => {
                    let words = words.get(start..).unwrap_or_default();
                    if words.is_empty() || !self.budget.spend(words.len()) {
                        continue;
                    }
                    self.behind(words, stdin, depth + 1);
                    let varying = vec![false; words.len()];
                    let words = words.to_vec();
                    self.found.push(Command { words, varying, stdin, ..Command::default() });
                }
                Run::Script(script) => self.gather_script(&script, depth + 1),
            }
        }
    }

    /// Commands in a text of unknown syntax: any text between two special characters of the shell
    /// may be a command. `guessed`: the text is not the shell's, so the commands are no more than
    /// guesses.
    fn gather_code(&mut self, text: &str, guessed: bool) {
        for piece in text.split(|c: char| ";&|\n\r(){}`$\"'<>".contains(c)) {
            if !self.budget.spend(piece.len() + 1) {
                return;
            }
            let words: Vec<String> = piece
                .split_whitespace()
                .map(|word| word.replace('\\', ""))
                .skip_while(|word| is_assignment(word) || RESERVED.contains(&word.as_str()))
                .collect();
            if !words.is_empty() {
                let varying = vec![true; words.len()];
                let stdin = Stdin::Redirected;
                self.found.push(Command { words, varying, stdin, guessed, ..Command::default() });
            }
        }
    }
}

/// Whether a word assigns a value to a variable, when it stands before a command.
pub(super) fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    let name = name.strip_suffix('+').unwrap_or(name);
    let name = name.split_once('[').map_or(name, |(name, _)| name);
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests;
