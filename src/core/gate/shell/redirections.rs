//! Reads redirections, and the bodies of heredocs.

use super::reader::{Close, Reader, Word};
use super::{Flow, Stdin, Text};

/// The path that a process substitution leaves in the command.
const PIPE: &str = "/dev/fd/63";

/// A heredoc whose body begins after the current line.
#[derive(Debug)]
pub(super) struct Heredoc {
    tag: Vec<char>,
    expands: bool,
    strips_tabs: bool,
    pipeline: usize,
}

impl Reader<'_> {
    /// Reads a redirection, or a process substitution.
    pub(super) fn redirect(&mut self) {
        self.started = true;
        let Some(first) = self.next() else { return };
        if self.peek() == Some('(') {
            self.next();
            self.substitution(Close::Parenthesis);
            self.push(Word { text: PIPE.into(), varies: true, ..Word::default() });
            return;
        }
        if first == '<' && self.eat('<') {
            self.varies();
            self.command.stdin = Stdin::Redirected;
            if self.eat('<') {
                self.blanks();
                let word = self.word();
                self.line.texts.push(Text { body: word.text, flow: Flow::Into(self.pipeline) });
            } else {
                let strips_tabs = self.eat('-');
                self.tag(strips_tabs);
            }
            return;
        }
        let appends = self.eat(first) || self.eat('|') || (first == '<' && self.eat('>'));
        let duplicates = !appends && self.eat('&');
        self.blanks();
        self.target(first == '>' || appends, duplicates);
    }

    /// Reads the target of a redirection. Only `/dev/null` and the program's other streams are
    /// harmless.
    fn target(&mut self, writes: bool, duplicates: bool) {
        if !writes {
            self.command.stdin = Stdin::Redirected;
        }
        if matches!(self.peek(), Some('<' | '>')) && self.ahead(1) == Some('(') {
            self.at += 2;
            self.substitution(Close::Parenthesis);
            self.command.files.push(PIPE.into());
            return;
        }
        let word = self.word();
        let harmless = word.bare
            && !word.varies
            && if duplicates {
                matches!(word.text.as_str(), "1" | "2")
            } else {
                word.text == "/dev/null"
            };
        if harmless {
            return;
        }
        self.varies();
        if self.closed {
            self.line.pipelines[self.pipeline].joins = true;
        }
        let is_stream = word.text.chars().all(|c| c.is_ascii_digit() || c == '-');
        if duplicates && is_stream {
            return;
        }
        if writes {
            self.command.writes.push(word.text.clone());
        }
        self.command.files.push(word.text);
    }

    /// Reads the word that ends a heredoc.
    fn tag(&mut self, strips_tabs: bool) {
        if self.closed {
            self.line.pipelines[self.pipeline].joins = true;
        }
        self.blanks();
        let (mut tag, mut expands) = (Vec::new(), true);
        while let Some(c) = self.peek().filter(|c| !" \t\n;&|<>()".contains(*c)) {
            self.next();
            match c {
                '\'' | '"' => {
                    expands = false;
                    while let Some(inner) = self.next().filter(|inner| *inner != c) {
                        // Shells differ about what these mean here.
                        self.line.unread |= c == '"' && "\\$`".contains(inner);
                        tag.push(inner);
                    }
                }
                '\\' => {
                    expands = false;
                    tag.extend(self.next());
                }
                '$' | '`' => self.not_understood(),
                c => tag.push(c),
            }
        }
        self.heredocs.push(Heredoc { tag, expands, strips_tabs, pipeline: self.pipeline });
    }

    /// Reads the bodies of the heredocs of the line that has just ended.
    pub(super) fn bodies(&mut self, base: usize) {
        if base > 0 {
            // Shells differ about where the bodies of an outer line begin.
            self.not_understood();
        }
        for heredoc in self.heredocs.split_off(base) {
            let body = self.body(&heredoc);
            if heredoc.expands {
                let chars = body.clone();
                let pipeline = std::mem::replace(&mut self.pipeline, heredoc.pipeline);
                self.within(chars, Self::expansions);
                self.pipeline = pipeline;
            }
            let body = body.into_iter().collect();
            self.line.texts.push(Text { body, flow: Flow::Into(heredoc.pipeline) });
        }
    }

    fn body(&mut self, heredoc: &Heredoc) -> Vec<char> {
        let mut body = Vec::new();
        // The lines that a backslash joins to the current line.
        let mut joined: Option<Vec<char>> = None;
        while self.at < self.chars.len() {
            while heredoc.strips_tabs && self.eat('\t') {}
            let start = self.at;
            while self.peek().is_some_and(|c| c != '\n') && self.next().is_some() {}
            let line = &self.chars[start.min(self.at)..self.at];
            let ends = *line == heredoc.tag[..];
            if let Some(mut before) = joined.take() {
                // Shells differ about a last line that a backslash completes or hides.
                before.extend_from_slice(line);
                self.line.unread |= ends || before == heredoc.tag;
            } else if ends {
                self.next();
                break;
            }
            let slashes = line.iter().rev().take_while(|c| **c == '\\').count();
            if heredoc.expands && slashes % 2 == 1 {
                joined = Some(line[..line.len() - 1].to_vec());
            }
            body.extend_from_slice(line);
            body.push('\n');
            self.next();
        }
        body
    }
}
