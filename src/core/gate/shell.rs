//! Reads a shell command far enough to know whether a rule may speak for it.
//!
//! Not a shell's grammar: the crates that have one say what a shell *would* do, and a gate needs to
//! know where it can be certain. What is plain (words, quotes without expansions, the operators
//! between commands, redirections to nowhere) is read exactly; anything else makes the line
//! uncertain, and a line that is uncertain is never allowed by a rule about commands. For rules
//! that stop, every command that *may* be in there is named, generously. Must not know rules.

/// What a command line consists of, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its simple commands, each the words that the program gets, without quotes.
    pub commands: Vec<Vec<String>>,
    /// Whether that is all that it does, for certain.
    pub certain: bool,
}

/// A longer line is not read: nobody types it, in bytes.
const LONGEST: usize = 64 << 10;
/// How deep a line is looked for in the words of another.
const DEEPEST: u32 = 4;
/// Behind more words than these no command is looked for, and no further into one: what runs others
/// is not allowed by itself anyway, and reading all of a long line from each of its words on would
/// take minutes.
const MOST_STARTS: usize = 50;
const MOST_WORDS: usize = 200;

/// Words that begin or join commands and are none.
const RESERVED: [&str; 19] = [
    "!", "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac",
    "in", "function", "select", "time", "coproc", "[[",
];

/// Programs that run what their words say.
const RUNNERS: [&str; 37] = [
    "sudo",
    "doas",
    "su",
    "env",
    "command",
    "builtin",
    "exec",
    "eval",
    "nohup",
    "timeout",
    "time",
    "nice",
    "ionice",
    "stdbuf",
    "setsid",
    "xargs",
    "parallel",
    "watch",
    "find",
    "fd",
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "fish",
    "ash",
    "busybox",
    "ssh",
    "chroot",
    "unshare",
    "script",
    "strace",
    "flock",
    "entr",
    "systemd-run",
    "trap",
];

/// Reads a command line.
#[must_use]
pub fn read(line: &str) -> Line {
    let mut reader = Reader { certain: line.len() <= LONGEST, ..Reader::default() };
    let mut rest = line.chars().take(LONGEST).peekable();
    while let Some(c) = rest.next() {
        reader.take(c, &mut rest);
    }
    reader.end_command();
    for command in &reader.commands {
        // An assignment before a command changes what it does; a reserved word means that this is
        // no simple command.
        let first = command.first().map_or("", String::as_str);
        let changed = is_assignment(first) || RESERVED.contains(&first) || first.starts_with('=');
        // Another user's home folder, and where the shell was before.
        let elsewhere =
            |word: &String| word.starts_with('~') && word != "~" && !word.starts_with("~/");
        reader.certain &= !changed && !command.iter().any(|word| elsewhere(word) || climbs(word));
    }
    Line { certain: reader.certain && !reader.commands.is_empty(), commands: reader.commands }
}

/// Whether a word goes down into a folder and up again: behind a link that is somewhere else.
fn climbs(word: &str) -> bool {
    let mut below = false;
    word.split(['/', '=', ':']).any(|part| {
        let climbs = below && part == "..";
        below |= !matches!(part, "" | "." | "..");
        climbs
    })
}

/// Every command that may be run by this line, for rules that stop: also those behind assignments,
/// in substitutions, and in the words of programs that run others. Some of them may be none.
#[must_use]
pub fn suspects(line: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    suspect(line, 0, &mut found);
    found
}

fn suspect(line: &str, depth: u32, found: &mut Vec<Vec<String>>) {
    let read = read(line);
    for command in &read.commands {
        let skipped = command
            .iter()
            .take_while(|word| is_assignment(word) || RESERVED.contains(&word.as_str()))
            .count();
        let Some(command) = command.get(skipped..).filter(|command| !command.is_empty()) else {
            continue;
        };
        found.push(command.to_vec());
        if RUNNERS.contains(&program(&command[0])) {
            for (at, word) in command.iter().enumerate().skip(1).take(MOST_STARTS) {
                found.push(command[at..].iter().take(MOST_WORDS).cloned().collect());
                if depth < DEEPEST
                    && word.contains(|c: char| c.is_whitespace() || ";&|$`(".contains(c))
                {
                    suspect(word, depth + 1, found);
                }
            }
        }
    }
    if !read.certain {
        // Whatever stands between any two signs of the shell may be a command.
        for piece in line.split(|c: char| ";&|\n\r(){}`$\"'<>".contains(c)) {
            let words: Vec<String> =
                piece.split_whitespace().map(|word| word.replace('\\', "")).collect();
            let skipped = words
                .iter()
                .take_while(|word| is_assignment(word) || RESERVED.contains(&word.as_str()))
                .count();
            found.extend(
                words.get(skipped..).filter(|words| !words.is_empty()).map(<[String]>::to_vec),
            );
        }
    }
}

/// A program's name without where it lies.
#[must_use]
pub fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    let name = name.strip_suffix('+').unwrap_or(name);
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

type Rest<'a> = std::iter::Peekable<std::iter::Take<std::str::Chars<'a>>>;

#[derive(Default)]
struct Reader {
    commands: Vec<Vec<String>>,
    command: Vec<String>,
    /// The word that is being read; `Some` also where it is empty but quoted.
    word: Option<String>,
    certain: bool,
}

impl Reader {
    fn take(&mut self, c: char, rest: &mut Rest<'_>) {
        match c {
            ' ' | '\t' => self.end_word(),
            ';' | '&' | '|' | '\n' => {
                if c == '&' && rest.peek() == Some(&'>') {
                    self.end_word();
                } else {
                    self.end_command();
                }
            }
            '<' | '>' => self.redirect(c, rest),
            '\\' => match rest.next() {
                Some('\n') => {}
                Some(c) => self.letter(c),
                None => self.certain = false,
            },
            '\'' => self.single_quoted(rest),
            '"' => self.double_quoted(rest),
            '(' | ')' | '{' | '}' | '`' => {
                self.certain = false;
                self.end_command();
            }
            // Expansions, patterns that become other words, and comments.
            '$' | '*' | '?' | '[' => {
                self.certain = false;
                self.letter(c);
            }
            '#' if self.word.is_none() => {
                self.certain = false;
                self.letter(c);
            }
            c => {
                // What a terminal or another shell would take for something else.
                self.certain &= !(c.is_control() || c.is_whitespace());
                self.letter(c);
            }
        }
    }

    fn letter(&mut self, c: char) {
        self.certain &= c != '\0';
        self.word.get_or_insert_default().push(c);
    }

    fn single_quoted(&mut self, rest: &mut Rest<'_>) {
        self.word.get_or_insert_default();
        loop {
            match rest.next() {
                Some('\'') => return,
                Some(c) => self.letter(c),
                None => {
                    self.certain = false;
                    return;
                }
            }
        }
    }

    fn double_quoted(&mut self, rest: &mut Rest<'_>) {
        self.word.get_or_insert_default();
        loop {
            match rest.next() {
                Some('"') => return,
                Some('\\') => match rest.next() {
                    Some('\n') => {}
                    Some(c @ ('"' | '\\' | '$' | '`')) => self.letter(c),
                    Some(c) => {
                        self.letter('\\');
                        self.letter(c);
                    }
                    None => self.certain = false,
                },
                Some(c @ ('$' | '`')) => {
                    self.certain = false;
                    self.letter(c);
                }
                Some(c) => self.letter(c),
                None => {
                    self.certain = false;
                    return;
                }
            }
        }
    }

    /// Only what goes nowhere, or to another of the command's own streams, is harmless. The target
    /// stays among the words, so that rules about files see it.
    fn redirect(&mut self, first: char, rest: &mut Rest<'_>) {
        if self.word.as_ref().is_some_and(|word| word.chars().all(|c| c.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word();
        let appends = first == '>' && rest.next_if_eq(&'>').is_some();
        let (mut target, mut plain) = (String::new(), true);
        let duplicates = !appends && rest.next_if_eq(&'&').is_some();
        while rest.next_if(|c| *c == ' ' || *c == '\t').is_some() {}
        while let Some(c) = rest.next_if(|c| !c.is_whitespace() && !";&|<>()".contains(*c)) {
            plain &= c.is_ascii_alphanumeric() || "/._-".contains(c);
            target.extend(Some(c).filter(|c| !"'\"\\".contains(*c)));
        }
        let harmless = plain
            && if duplicates {
                matches!(target.as_str(), "1" | "2")
            } else {
                target == "/dev/null"
            };
        self.certain &= harmless;
        if !harmless {
            self.command.push(target);
        }
    }

    fn end_word(&mut self) {
        self.command.extend(self.word.take());
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.command.is_empty() {
            self.commands.push(std::mem::take(&mut self.command));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_is_read_exactly() {
        for (line, commands) in [
            ("ls -la", vec![vec!["ls", "-la"]]),
            (
                "git log --format='%h %s' | head -n 3",
                vec![vec!["git", "log", "--format=%h %s"], vec!["head", "-n", "3"]],
            ),
            (
                "a && b || c; d & e\nf",
                vec![vec!["a"], vec!["b"], vec!["c"], vec!["d"], vec!["e"], vec!["f"]],
            ),
            ("\"r\"'m' a\\ b \"\"", vec![vec!["rm", "a b", ""]]),
            ("make 2>&1 >/dev/null", vec![vec!["make"]]),
            ("make &>/dev/null </dev/null", vec![vec!["make"]]),
            ("cd sub && \\\n ls", vec![vec!["cd", "sub"], vec!["ls"]]),
            ("diff ../../a ./../b", vec![vec!["diff", "../../a", "./../b"]]),
            ("git log main..HEAD", vec![vec!["git", "log", "main..HEAD"]]),
        ] {
            let read = read(line);
            assert_eq!(read.commands, commands, "{line}");
            assert!(read.certain, "{line}");
        }
    }

    #[test]
    fn what_may_be_something_else_is_uncertain() {
        for line in [
            "",
            "  ",
            ";",
            "ls $(rm x)",
            "ls `rm x`",
            "ls \"$(rm x)\"",
            "ls \"`rm x`\"",
            "ls $HOME",
            "ls ${x}",
            "ls > out",
            "ls >> out",
            "ls >| out",
            "ls <(rm x)",
            "ls <<E\nx\nE",
            "ls < in",
            "A=1 ls",
            "PATH=/tmp ls",
            "(ls)",
            "{ ls; }",
            "ls *",
            "ls ?",
            "ls [ab]",
            "ls {a,b}",
            "ls # x",
            "if ls; then ls; fi",
            "! ls",
            "ls 'x",
            "ls \"x",
            "ls \\",
            "$'ls'",
            "=ls",
            "ls \u{0}x",
            "ls\rrm x",
            "ls \u{1b}[2J",
            "ls 2>&$x",
            "ls >&out",
            "ls > /dev/null$x",
            "ls >/dev/nul''l",
            "cat /dev/fd/../environ",
            "cat link/../../secret",
            "grep --file=link/../x y",
            "time ls",
            "ls\u{a0}x",
            "for f in a; do ls; done",
        ] {
            assert!(!read(line).certain, "{line:?} {:?}", read(line));
        }
        assert!(!read(&"a ".repeat(LONGEST)).certain);
    }

    #[test]
    fn every_command_that_may_be_run_is_a_suspect() {
        for line in [
            "sudo rm x",
            "/usr/bin/sudo rm x",
            "A=1 B=2 sudo rm x",
            "ls; sudo rm x",
            "ls\nsudo rm x",
            "ls | sudo rm x",
            "ls & sudo rm x",
            "echo $(sudo rm x)",
            "echo \"$(sudo rm x)\"",
            "echo `sudo rm x`",
            "\"sudo\" rm x",
            "su\\do rm x",
            "'su'do rm x",
            "(sudo rm x)",
            "{ sudo rm x; }",
            "env sudo rm x",
            "env -i A=1 sudo rm x",
            "timeout 5 sudo rm x",
            "sh -c 'sudo rm x'",
            "bash -lc \"sudo rm x\"",
            "eval 'sudo rm x'",
            "xargs -n1 sudo rm x",
            "find . -exec sudo rm x ;",
            "if true; then sudo rm x; fi",
            "! sudo rm x",
            "cat <(sudo rm x)",
            "nohup nice -n 5 sudo rm x",
            "sh -c 'sh -c \"sudo rm x\"'",
            "ssh host 'sudo rm x'",
            "x=$(sudo rm x)",
            "cat <<E\n$(sudo rm x)\nE",
            "time sudo rm x",
        ] {
            let found = suspects(line);
            assert!(found.iter().any(|words| program(&words[0]) == "sudo"), "{line}: {found:?}");
        }
        assert!(suspects("git commit -m 'no sudo here'").iter().all(|words| words[0] == "git"));
    }
}
