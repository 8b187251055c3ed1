//! Reads the structure of a shell script: lists, pipelines and compound commands.
//!
//! One pass over the text, without backtracking. Compound commands are frames of a stack, so only
//! substitutions recurse, to a limited depth. Commands of every branch and level end in one list:
//! the reader does not guess which of them run.

mod compound;

use super::redirections::Heredoc;
use super::{Command, Flow, Line, Pipeline, Stdin, Text};
use crate::core::gate::budget::Budget;

/// Maximum nesting of substitutions. Deeper text counts as not understood.
const DEEPEST: u32 = 40;

/// Where a list of commands ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    /// At the end of the text.
    Text,
    /// At the closing parenthesis of a substitution.
    Parenthesis,
}

/// A compound command that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    Subshell,
    Group,
    If,
    Loop,
    Case,
}

/// A word as far as its value is known.
#[derive(Debug, Default)]
pub(super) struct Word {
    /// The word without quotes. Variables keep their spelling, other expansions leave a mark.
    pub(super) text: String,
    /// Whether the word contains an expansion.
    pub(super) varies: bool,
    /// Whether the word is spelled without quotes and escapes.
    pub(super) bare: bool,
    /// Whether an expansion to white space splits the word at its blanks.
    pub(super) splits: bool,
}

pub(super) struct Reader<'a> {
    pub(super) chars: Vec<char>,
    pub(super) at: usize,
    pub(super) budget: &'a Budget,
    pub(super) line: Line,
    pub(super) depth: u32,
    /// For each opening bracket of `chars`, the closing one; empty until needed.
    pub(super) partners: Vec<Option<usize>>,
    frames: Vec<(Frame, usize)>,
    pub(super) heredocs: Vec<Heredoc>,
    pub(super) pipeline: usize,
    pub(super) command: Command,
    /// Whether reserved words are ordinary words at this position.
    pub(super) started: bool,
    /// Whether a compound command has just ended.
    pub(super) closed: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &str, budget: &'a Budget) -> Self {
        Self {
            chars: text.chars().collect(),
            at: 0,
            budget,
            line: Line { certain: true, ..Line::default() },
            depth: 0,
            partners: Vec::new(),
            frames: Vec::new(),
            heredocs: Vec::new(),
            pipeline: 0,
            command: Command::default(),
            started: false,
            closed: false,
        }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub(super) fn ahead(&self, by: usize) -> Option<char> {
        self.chars.get(self.at + by).copied()
    }

    /// Consumes a character. `None` at the end, or when the budget is spent.
    pub(super) fn next(&mut self) -> Option<char> {
        if !self.budget.spend(1) {
            self.line.unread = true;
            self.at = self.chars.len();
        }
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    pub(super) fn eat(&mut self, c: char) -> bool {
        self.peek() == Some(c) && self.next().is_some()
    }

    pub(super) fn varies(&mut self) {
        self.line.certain = false;
    }

    pub(super) fn not_understood(&mut self) {
        self.line.certain = false;
        self.line.unread = true;
    }

    /// Skips blanks, continued lines and comments.
    pub(super) fn blanks(&mut self) {
        loop {
            match (self.peek(), self.ahead(1)) {
                (Some(' ' | '\t'), _) => _ = self.next(),
                (Some('\\'), Some('\n')) => self.at += 2,
                (Some('#'), _) => {
                    while let Some(c) = self.peek().filter(|c| *c != '\n') {
                        // A terminal or another shell may end the line here.
                        if c.is_control() && c != '\t' {
                            self.varies();
                        }
                        if self.next().is_none() {
                            break;
                        }
                    }
                }
                _ => return,
            }
        }
    }

    fn blank_lines(&mut self) {
        self.blanks();
        while self.eat('\n') {
            self.blanks();
        }
    }

    /// Reads commands to the end of the list.
    pub(super) fn list(&mut self, close: Close, parent: Option<usize>) {
        let (frames, heredocs) = (self.frames.len(), self.heredocs.len());
        self.begin_pipeline(parent, true);
        loop {
            self.blanks();
            let Some(c) = self.peek() else { break };
            if c == ')' && close == Close::Parenthesis && self.frames.len() == frames {
                break;
            }
            match c {
                '\n' => {
                    self.next();
                    self.end_pipeline();
                    self.bodies(heredocs);
                }
                ';' => self.semicolon(),
                '&' => self.ampersand(),
                '|' => self.bar(),
                '(' => self.open_parenthesis(),
                ')' => self.close_parenthesis(frames),
                '<' | '>' => self.redirect(),
                _ => self.command_word(frames),
            }
        }
        self.end_command();
        let ended = self.frames.len() == frames
            && (close == Close::Text || (self.peek() == Some(')') && self.next().is_some()))
            && (close == Close::Text || self.heredocs.len() == heredocs);
        if !ended {
            self.not_understood();
        }
        self.frames.truncate(frames);
        self.heredocs.truncate(heredocs);
    }

    /// Reads a list inside a word. The output of the list is part of the current pipeline.
    pub(super) fn substitution(&mut self, close: Close) {
        self.varies();
        if !self.deeper() {
            return;
        }
        let pipeline = self.pipeline;
        let command = std::mem::take(&mut self.command);
        let (started, closed) = (self.started, self.closed);
        self.list(close, Some(pipeline));
        (self.command, self.pipeline) = (command, pipeline);
        (self.started, self.closed) = (started, closed);
        self.depth -= 1;
    }

    /// Enters a nested text. `false`, and the rest is not read, if the nesting is too deep.
    pub(super) fn deeper(&mut self) -> bool {
        if self.depth == DEEPEST {
            self.not_understood();
            self.at = self.chars.len();
            return false;
        }
        self.depth += 1;
        true
    }

    /// Reads other characters in place of the rest of the text.
    pub(super) fn within(&mut self, chars: Vec<char>, read: impl FnOnce(&mut Self)) {
        let outer = (std::mem::replace(&mut self.chars, chars), std::mem::take(&mut self.at));
        let partners = std::mem::take(&mut self.partners);
        if self.deeper() {
            read(self);
            self.depth -= 1;
        }
        (self.chars, self.at) = outer;
        self.partners = partners;
    }

    fn begin_pipeline(&mut self, parent: Option<usize>, joined: bool) {
        self.pipeline = self.line.pipelines.len();
        self.line.pipelines.push(Pipeline { parent, joined, ..Pipeline::default() });
        (self.started, self.closed) = (false, false);
    }

    fn end_pipeline(&mut self) {
        self.end_command();
        // In a compound command, the output goes where the output of the compound goes; in a
        // substitution, where the substitution goes.
        let now = &self.line.pipelines[self.pipeline];
        let (parent, joined) = (now.parent, now.joined);
        self.begin_pipeline(parent, joined);
    }

    fn end_command(&mut self) {
        let command = std::mem::take(&mut self.command);
        (self.started, self.closed) = (false, false);
        if !command.words.is_empty() || !command.files.is_empty() {
            let command = Command { pipeline: self.pipeline, ..command };
            self.line.commands.push(command);
        }
    }

    fn semicolon(&mut self) {
        self.next();
        let ends_case = self.eat(';') | self.eat('&');
        self.eat('&');
        self.end_pipeline();
        if ends_case {
            self.varies();
            match self.frames.last() {
                Some((Frame::Case, _)) => self.case_pattern(),
                _ => self.not_understood(),
            }
        }
    }

    fn ampersand(&mut self) {
        self.next();
        match self.peek() {
            Some('>') => self.redirect(),
            Some('&') => {
                self.next();
                self.end_pipeline();
            }
            _ => self.end_pipeline(),
        }
    }

    fn bar(&mut self) {
        self.next();
        if self.eat('|') {
            self.end_pipeline();
            return;
        }
        self.eat('&');
        self.end_command();
        self.line.pipelines[self.pipeline].joins = true;
        self.command.stdin = Stdin::Piped;
    }

    fn open_parenthesis(&mut self) {
        self.varies();
        if !self.started {
            self.next();
            if self.peek() == Some('(') && self.arithmetic(0, ')') {
                (self.started, self.closed) = (true, true);
            } else {
                self.open(Frame::Subshell);
            }
        } else if self.command.words.len() == 1 && self.ahead(1) == Some(')') {
            // A function. Its body may stand for any command of the line.
            self.at += 2;
            self.line.redefines = true;
            self.command = Command::default();
            self.started = false;
        } else {
            self.not_understood();
            self.next();
            self.end_pipeline();
        }
    }

    fn close_parenthesis(&mut self, base: usize) {
        self.next();
        self.close(Frame::Subshell, base);
    }

    fn open(&mut self, frame: Frame) {
        self.varies();
        self.frames.push((frame, self.pipeline));
        self.begin_pipeline(Some(self.pipeline), false);
    }

    fn close(&mut self, frame: Frame, base: usize) {
        self.varies();
        self.end_command();
        match self.frames.last() {
            Some((open, pipeline)) if *open == frame && self.frames.len() > base => {
                self.pipeline = *pipeline;
                self.frames.pop();
                (self.started, self.closed) = (true, true);
            }
            _ => self.not_understood(),
        }
    }

    fn command_word(&mut self, base: usize) {
        let before = self.at;
        let word = self.word();
        if self.at == before {
            // No progress: a character that starts no word.
            self.not_understood();
            self.next();
            return;
        }
        let reserved = word.bare && (!self.started || self.closed);
        if reserved && self.reserved(&word.text, base) {
            return;
        }
        if self.closed {
            self.not_understood();
            self.end_pipeline();
        }
        let redirects = matches!(self.peek(), Some('<' | '>'));
        let is_stream = !word.text.is_empty() && word.text.chars().all(|c| c.is_ascii_digit());
        let is_variable = word.text.starts_with('{') && word.text.ends_with('}');
        if word.bare && redirects && (is_stream || is_variable) {
            return;
        }
        if self.command.words.is_empty() && super::is_assignment(&word.text) {
            self.assignment(word);
            return;
        }
        self.started = true;
        self.push(word);
    }

    fn assignment(&mut self, word: Word) {
        self.varies();
        self.started = true;
        self.line.pipelines[self.pipeline].assigns = true;
        let (name, value) = word.text.split_once('=').unwrap_or_default();
        let decides = ["PATH", "ENV", "BASH_ENV", "SHELLOPTS", "IFS", "path", "fpath"];
        self.line.redefines |= decides.contains(&name.trim_end_matches('+'))
            || name.starts_with("LD_")
            || name.starts_with("DYLD_")
            || name.starts_with("BASH_FUNC");
        self.keep_variable(value.to_owned());
    }

    pub(super) fn keep_variable(&mut self, body: String) {
        if !body.is_empty() {
            self.line.texts.push(Text { body, flow: Flow::Variable });
        }
    }

    pub(super) fn push(&mut self, word: Word) {
        // `{sudo,ls}` are two words, and so are words around $IFS.
        let braces = word.text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        let parts: Vec<String> = match braces.filter(|_| word.bare) {
            Some(list) if list.contains(',') => list.split(',').map(str::to_owned).collect(),
            _ if word.splits => word.text.split(' ').map(str::to_owned).collect(),
            _ => vec![word.text],
        };
        for part in parts {
            self.command.words.push(part);
            self.command.varying.push(word.varies);
        }
    }

    /// Handles a reserved word. `false` for other words.
    fn reserved(&mut self, word: &str, base: usize) -> bool {
        match word {
            "{" if !self.closed => self.open(Frame::Group),
            "if" if !self.closed => self.open(Frame::If),
            "while" | "until" if !self.closed => self.open(Frame::Loop),
            "for" | "select" if !self.closed => self.for_words(),
            "case" if !self.closed => self.case_word(),
            "[[" if !self.closed => self.condition(),
            "function" if !self.closed => {
                self.blanks();
                self.word();
                self.blanks();
                if self.eat('(') {
                    self.blanks();
                    self.eat(')');
                }
                self.line.redefines = true;
            }
            "!" | "coproc" if !self.closed => {}
            "time" if !self.closed => {
                self.blanks();
                if self.peek() == Some('-') && self.ahead(1) == Some('p') {
                    self.at += 2;
                }
            }
            "then" | "else" | "elif" => self.inner(Frame::If, base),
            "do" => self.inner(Frame::Loop, base),
            "fi" => self.close(Frame::If, base),
            "done" => self.close(Frame::Loop, base),
            "esac" => self.close(Frame::Case, base),
            "}" => self.close(Frame::Group, base),
            _ => return false,
        }
        self.varies();
        true
    }

    /// A reserved word between the parts of a compound command.
    fn inner(&mut self, frame: Frame, base: usize) {
        match self.frames.last() {
            Some((open, _)) if *open == frame && self.frames.len() > base => self.end_pipeline(),
            _ => self.not_understood(),
        }
    }

    fn for_words(&mut self) {
        self.open(Frame::Loop);
        self.blanks();
        if self.peek() == Some('(') && self.ahead(1) == Some('(') {
            self.next();
            if !self.arithmetic(0, ')') {
                self.not_understood();
            }
            return;
        }
        self.word();
        self.blank_lines();
        let before = self.at;
        if self.word().text != "in" {
            self.at = before;
            return;
        }
        loop {
            self.blanks();
            if matches!(self.peek(), None | Some('\n' | ';' | '<' | '>' | '&' | '|' | '(' | ')')) {
                return;
            }
            let word = self.word();
            self.keep_variable(word.text);
        }
    }
}
