//! How well-known programs use their words and their standard input: some run other programs, some
//! run text, some merely read. An unknown program may run any text from its standard input.

mod interactive;
pub mod options;
mod tables;

pub use self::interactive::is_interactive;
use self::tables::{
    CHECKERS, CLIENTS, FOLDER_RUNNERS, GIT_ELSEWHERE, GIT_RUNS, GIT_VERBS, INTERPRETERS, MOVERS,
    READERS, RUNNERS, Runs, SCRIPT_RUNNERS, SHELLS, VERB_RUNNERS,
};
use super::shell::is_assignment;

/// A command behind another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// The words from this position on.
    Command(usize),
    /// A script in one or more words.
    Script(String),
}

/// Name of a program without its folder.
#[must_use]
pub fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// Name of a command's program, without its folder.
#[must_use]
pub fn name(words: &[String]) -> &str {
    words.first().map_or("", |word| program(word))
}

/// Whether a word can be an option: of a program, or for `cargo` and `rustc` a toolchain.
#[must_use]
pub fn is_option(word: &str) -> bool {
    word.len() > 1 && word.starts_with(['-', '+'])
}

/// Positions at which the words after options may start. The next word after an option may be the
/// option's value. `operands`: the number of words to skip after the options.
#[must_use]
pub fn starts(words: &[String], from: usize, operands: usize) -> Vec<usize> {
    let mut may = vec![false; words.len() + 1];
    if let Some(first) = may.get_mut(from) {
        *first = true;
    }
    for left in (0..=operands).rev() {
        let mut is_value = vec![false; words.len() + 1];
        for (at, word) in words.iter().enumerate() {
            if is_value[at] && !is_option(word) {
                may[at + 1] = true;
            }
            if may[at] && is_option(word) {
                may[at + 1] = true;
                is_value[at + 1] = word != "--" && !word.contains('=');
            } else if may[at] && is_assignment(word) {
                may[at + 1] = true;
            }
        }
        for (at, word) in words.iter().enumerate() {
            may[at] &= !is_option(word) && !is_assignment(word);
        }
        if left > 0 {
            may.rotate_right(1);
            may[0] = false;
        }
    }
    (0..words.len()).filter(|at| may[*at]).collect()
}

fn is_shell(words: &[String]) -> bool {
    SHELLS.contains(&name(words))
}

/// The option that gives a shell its script: `-c`, `-lc`, `--command`.
fn is_script_option(word: &str) -> bool {
    word.starts_with("--command")
        || (word.starts_with('-') && !word.starts_with("--") && word.contains('c'))
}

/// Whether an interpreter has a version in its name: `python3.12`.
fn unversioned(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')
}

fn is_interpreter(words: &[String]) -> bool {
    INTERPRETERS.contains(&unversioned(name(words)))
}

/// Commands that a program runs by its words.
#[must_use]
pub fn runs(words: &[String]) -> Vec<Run> {
    let program = name(words);
    let mut found = Vec::new();
    if is_shell(words) {
        let scripts = words.iter().skip_while(|word| !is_script_option(word)).skip(1);
        found.extend(scripts.filter(|word| !is_option(word)).cloned().map(Run::Script));
        return found;
    }
    let mut options = words.iter().skip(1).take_while(|word| is_option(word));
    if program == "command" && options.any(|word| word.contains(['v', 'V'])) {
        // Explains the words, and runs none of them.
        return found;
    }
    if let Some((_, how)) = RUNNERS.iter().find(|(name, _)| *name == program) {
        add_runs(*how, words, 1, &mut found);
    }
    let verbs = VERB_RUNNERS.iter().filter(|(name, ..)| *name == program);
    for (_, verb, how) in verbs {
        if let Some(at) = words.iter().position(|word| word == verb).filter(|at| *at > 0) {
            add_runs(*how, words, at + 1, &mut found);
        }
    }
    if unversioned(program) == "python" {
        let options = words.iter().skip(1).take_while(|word| is_option(word));
        let module = options.take_while(|word| *word != "-m").count() + 1;
        let named = words.get(module).is_some_and(|word| word == "-m");
        found.extend(named.then_some(Run::Command(module + 1)));
    }
    found
}

fn add_runs(how: Runs, words: &[String], from: usize, found: &mut Vec<Run>) {
    let looks_like_script = |word: &&String| word.contains(|c: char| " \t\n;&|$`(".contains(c));
    match how {
        Runs::After(operands) => {
            let begins = starts(words, from, operands);
            let first = begins.first().copied().unwrap_or(words.len());
            // An option may hold a script: `env -S 'make -B'`.
            let held = words.iter().take(first.max(from)).skip(from).filter(looks_like_script);
            found.extend(held.map(|word| Run::Script(without_option(word).to_owned())));
            let scripts = begins.iter().filter_map(|at| words.get(*at)).filter(looks_like_script);
            found.extend(scripts.cloned().map(Run::Script));
            found.extend(begins.into_iter().map(Run::Command));
        }
        Runs::Joined(operands) => {
            let begins = starts(words, from, operands).into_iter();
            found.extend(begins.map(|at| Run::Script(words[at..].join(" "))));
        }
        Runs::Scripts => {
            let rest = words.iter().skip(from);
            found.extend(rest.map(|word| Run::Script(without_option(word).to_owned())));
        }
        Runs::Executes => {
            let starts = words.iter().enumerate().skip(from).filter(|(_, word)| {
                matches!(word.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir")
                    || matches!(word.as_str(), "-x" | "-X" | "--exec" | "--exec-batch")
            });
            found.extend(starts.map(|(at, _)| Run::Command(at + 1)));
        }
    }
}

/// The value of an option in the same word.
fn without_option(word: &str) -> &str {
    match word.split_once('=') {
        Some((option, value)) if option.starts_with("--") => value,
        _ if word.starts_with('-') && !word.starts_with("--") => word.get(2..).unwrap_or_default(),
        _ => word,
    }
}

/// Whether a program merely reads its standard input and its words, and runs none of them.
#[must_use]
pub fn only_reads(words: &[String]) -> bool {
    let Some(first) = words.first() else { return true };
    if only_checks(words) {
        return true;
    }
    let name = program(first);
    let folder = first.strip_suffix(name).unwrap_or_default();
    let usual = ["", "/bin/", "/usr/bin/", "/usr/local/bin/", "/opt/homebrew/bin/"];
    let has = |unsafe_words: &[&str]| {
        words.iter().skip(1).any(|word| unsafe_words.contains(&word.as_str()))
    };
    usual.contains(&folder)
        && match name {
            "git" => {
                let verbs = starts(words, 1, 0);
                let known = verbs.iter().any(|at| GIT_VERBS.contains(&words[*at].as_str()));
                let runs = |word: &String| GIT_RUNS.iter().any(|run| word.starts_with(run));
                known && !words.iter().skip(1).any(runs)
            }
            "gh" | "glab" => !has(&["alias", "extension", "ext", "codespace", "cs", "copilot"]),
            "docker" | "podman" | "nerdctl" => !has(&["exec", "run", "attach", "debug"]),
            "kubectl" | "oc" => !has(&["exec", "run", "attach", "debug", "plugin", "krew"]),
            "helm" => !has(&["plugin"]),
            "gcloud" => !has(&["ssh"]),
            name => READERS.contains(&name),
        }
}

/// The words of a reading git command without the options for its folder, and the folders, each
/// relative to the previous folder. Other commands are returned unchanged.
#[must_use]
pub fn without_folders(words: &[String]) -> (Vec<&str>, Vec<&str>) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (mut folders, mut rest) = (Vec::new(), words.get(1..).unwrap_or_default());
    while let ["-C", folder, more @ ..] = rest
        && !folder.starts_with('-')
    {
        folders.push(*folder);
        rest = more;
    }
    let known = rest.first().is_some_and(|verb| GIT_ELSEWHERE.contains(verb));
    if folders.is_empty() || words.first() != Some(&"git") || !known {
        return (words, Vec::new());
    }
    ([&["git"], rest].concat(), folders)
}

/// Whether a shell only checks the syntax of a script: `bash -n`.
fn only_checks(words: &[String]) -> bool {
    let options: Vec<&String> = words.iter().skip(1).filter(|word| is_option(word)).collect();
    CHECKERS.contains(&name(words)) && matches!(options.as_slice(), [only] if *only == "-n")
}

/// Whether a command is a shell with its script on the standard input.
#[must_use]
pub fn reads_script(words: &[String]) -> bool {
    let mut words = words;
    // Behind programs such as `env`.
    for _ in 0..4 {
        if only_checks(words) {
            return false;
        }
        if is_shell(words) {
            return !words.iter().any(|word| is_script_option(word)) || evaluates(words);
        }
        let next = runs(words).into_iter().find_map(|run| match run {
            Run::Command(at) => words.get(at..),
            Run::Script(_) => None,
        });
        match next {
            Some(next) => words = next,
            None => break,
        }
    }
    // Without a command, the other machine's shell reads the script.
    evaluates(words) || (name(words) == "ssh" && starts(words, 1, 1).is_empty())
}

/// Whether a command runs its words as text, including the values of variables.
#[must_use]
pub fn evaluates(words: &[String]) -> bool {
    matches!(name(words), "eval" | "source" | "." | "trap")
        || (is_shell(words) && words.iter().any(|word| word.contains('$')))
}

/// Whether a command's words may contain code of a language other than the shell's.
#[must_use]
pub fn runs_code(words: &[String]) -> bool {
    is_interpreter(words)
}

/// Whether a command runs files named by its words.
#[must_use]
pub fn runs_files(words: &[String]) -> bool {
    runs_scripts(words)
        || is_interpreter(words)
        || evaluates(words)
        || RUNNERS.iter().any(|(runner, _)| *runner == name(words))
        || matches!(name(words), "make" | "gmake" | "just" | "crontab" | "at" | "batch")
}

/// Positions of the words that may name a file to run: the program with a folder before the name,
/// and the script of a shell or an interpreter. The word after an option may be the option's value.
#[must_use]
pub fn run_files(words: &[String]) -> Vec<usize> {
    let mut found = Vec::new();
    found.extend(words.first().filter(|word| word.contains('/')).map(|_| 0));
    let program = unversioned(name(words));
    let takes_script = runs_scripts(words)
        || is_interpreter(words)
        || SCRIPT_RUNNERS.contains(&program)
        || matches!(name(words), "source" | ".");
    let mut options = words.iter().skip(1).take_while(|word| is_option(word));
    let is_module = matches!(program, "python" | "pypy") && options.any(|word| word == "-m");
    if takes_script && !is_module {
        found.extend(starts(words, 1, 0));
        if matches!(program, "deno" | "bun") {
            // Behind a verb.
            found.extend(starts(words, 1, 1));
        }
    }
    found
}

/// Whether a command runs files in a folder that its words name in place of a script.
#[must_use]
pub fn runs_folders(words: &[String]) -> bool {
    FOLDER_RUNNERS.contains(&unversioned(name(words))) && !words.iter().any(|word| word == "--test")
}

/// Whether a command may run its standard input, in any language.
#[must_use]
pub fn runs_input(words: &[String]) -> bool {
    reads_script(words) || is_interpreter(words) || runs_statements(words)
}

/// Whether a program runs the statements of a script: a client of a database, or a further
/// interpreter.
fn runs_statements(words: &[String]) -> bool {
    let program = unversioned(name(words));
    SCRIPT_RUNNERS.contains(&program) || CLIENTS.contains(&program)
}

/// Whether a command certainly or probably runs its standard input, because its words name no
/// script.
#[must_use]
pub fn runs_piped(words: &[String]) -> bool {
    let is_input = |word: &str| matches!(word, "-" | "/dev/stdin" | "/dev/fd/0");
    let named = words.iter().skip(1).any(|word| is_input(word));
    let has_operand = !starts(words, 1, 0).is_empty();
    match name(words) {
        _ if runs_statements(words) => true,
        "ssh" => reads_script(words),
        _ if is_shell(words) => {
            let typed = words.iter().skip(1).any(|word| word == "-s");
            reads_script(words) && (typed || named || !has_operand)
        }
        "source" | "." => named,
        _ => is_interpreter(words) && (named || !has_operand),
    }
}

/// Whether a command is a shell, and may run files named by its words.
#[must_use]
pub fn runs_scripts(words: &[String]) -> bool {
    is_shell(words) && !only_checks(words)
}

/// Whether a command copies, moves or changes files named by its words.
#[must_use]
pub fn moves_files(words: &[String]) -> bool {
    MOVERS.contains(&name(words)) || (name(words) == "git" && words.iter().any(|word| word == "mv"))
}
