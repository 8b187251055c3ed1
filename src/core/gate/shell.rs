//! Parses a shell command far enough to know whether a rule about commands may allow the line.
//!
//! Kept by hand: crates with a complete shell grammar say what a shell *would* do, but a gate needs
//! to know where the meaning is certain. Plain parts (words, quotes without expansions,
//! operators between commands, redirections to `/dev/null`) are parsed exactly. Anything else makes
//! the line uncertain, and a rule about commands never allows an uncertain line. For stopping
//! rules, every command that *may* occur in the line is listed, generously. Does not depend on
//! rules.

/// A command line, as far as parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The simple commands, each as the words that the program receives, without quotes.
    pub commands: Vec<Vec<String>>,
    /// Whether `commands` is certainly everything that the line does.
    pub certain: bool,
}

/// Maximum length of a line, in bytes. Nobody types a longer line; a longer line is uncertain.
const LONGEST: usize = 64 << 10;
/// Maximum nesting of command lines in the words of other commands.
const DEEPEST: u32 = 4;
/// Limits for the search for commands among the words of a runner: positions at which a command may
/// start, and words per command. A program that runs others is not allowed by itself anyway, and
/// reading a long line from every word to the end would take minutes.
const MAX_START_POSITIONS: usize = 50;
const MOST_WORDS: usize = 200;

/// Words that begin or join commands but are not commands.
const RESERVED: [&str; 19] = [
    "!", "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac",
    "in", "function", "select", "time", "coproc", "[[",
];

/// Programs that run a command given in their arguments.
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

/// Parses a command line.
#[must_use]
pub fn read(line: &str) -> Line {
    let mut reader = Reader { certain: line.len() <= LONGEST, ..Reader::default() };
    let mut rest = line.chars().take(LONGEST).peekable();
    while let Some(c) = rest.next() {
        reader.take(c, &mut rest);
    }
    reader.end_command();
    for command in &reader.commands {
        // An assignment before a command changes the effect; a reserved word means a compound
        // command.
        let first = command.first().map_or("", String::as_str);
        let changed = is_assignment(first) || RESERVED.contains(&first) || first.starts_with('=');
        // `~user` is another user's home folder, and `~-` is the previous directory.
        let elsewhere =
            |word: &String| word.starts_with('~') && word != "~" && !word.starts_with("~/");
        reader.certain &= !changed && !command.iter().any(|word| elsewhere(word) || climbs(word));
    }
    Line { certain: reader.certain && !reader.commands.is_empty(), commands: reader.commands }
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

/// Every command that this line may run, for stopping rules: includes commands after assignments,
/// in substitutions, and in the arguments of programs that run others. May contain words that are
/// not commands.
#[must_use]
pub fn possible_commands(line: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    collect_possible_commands(line, 0, &mut found);
    found
}

fn collect_possible_commands(line: &str, depth: u32, found: &mut Vec<Vec<String>>) {
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
            for (at, word) in command.iter().enumerate().skip(1).take(MAX_START_POSITIONS) {
                found.push(command[at..].iter().take(MOST_WORDS).cloned().collect());
                if depth < DEEPEST
                    && word.contains(|c: char| c.is_whitespace() || ";&|$`(".contains(c))
                {
                    collect_possible_commands(word, depth + 1, found);
                }
            }
        }
    }
    if !read.certain {
        // Any text between two special characters of the shell may be a command.
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

/// Name of a program without its folder.
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
    /// The current word; `Some` also for an empty word in quotes.
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
            // Expansions, glob patterns, and comments.
            '$' | '*' | '?' | '[' => {
                self.certain = false;
                self.letter(c);
            }
            '#' if self.word.is_none() => {
                self.certain = false;
                self.letter(c);
            }
            c => {
                // A terminal or another shell may interpret the character differently.
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

    /// Only a redirection to `/dev/null` or to another stream of the command is harmless. The
    /// target of other redirections is added to the words, and therefore rules about files see the
    /// target.
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
            let found = possible_commands(line);
            assert!(found.iter().any(|words| program(&words[0]) == "sudo"), "{line}: {found:?}");
        }
        assert!(
            possible_commands("git commit -m 'no sudo here'").iter().all(|words| words[0] == "git")
        );
    }
}
